"""Harms of a run: exposure, every harm with its interval and its support, and what each rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from letheon.views.document import numbers
from letheon.views.document.tree import (
    Block,
    Break,
    Content,
    Details,
    Group,
    Inline,
    Items,
    Note,
    Paragraph,
    Row,
    Strong,
    Table,
)
from letheon.views.subjects import names

if TYPE_CHECKING:
    from letheon.pipeline.result import ArmResult, Exposure, HarmEstimate, HarmResult, RunResult


READING = (
    "What a regimen may cost, beside what it may relieve. Brackets hold intervals: 90 % where harms are simulated, "
    "95 % where they were counted. A harm without a number before its brackets has no estimate; of one that is not "
    "identified nobody knows how often it happens. This does not say that any regimen is safe."
)
_LAWS = {"saturating": "if injury saturates", "unsaturated": "if it does not"}
_COUNTED = {
    f"counted_{effect}": effect.replace("_", " ").capitalize()
    for effect in ("nausea", "headache", "night_terrors", "hallucination", "sedation", "dizziness")
}
_ACUTE = {
    "psychedelic_load": "Psychedelic load at its greatest, % of a rating scale",
    "psychedelic_load_session": "Greatest load of a session, mean of sessions",
    "psychedelic_hours": "Hours above 10 % of that scale",
    "psychomimetic_elicited": "Any psychomimetic effect, reported when asked",
    "psychomimetic_spontaneous": "The same, reported spontaneously",
    "counted_psychomimetic": "The same, as counted under such regimens",
}
_CIRCULATION = {
    "cardiac_output": "Cardiac output, rise",
    "systolic_pressure": "Systolic pressure, rise (mmHg)",
    "diastolic_pressure": "Diastolic pressure, rise (mmHg)",
    "pulse": "Pulse, rise (beats/min)",
}
_LIVER = {"liver_injury": "Liver enzymes at least three times the limit"}
_MOOD = {
    "mood_fall": "Fall of the MADRS, a day after dosing",
    "mood_fall_end": "Fall of the MADRS at the end",
    "mood_responders": "Responders a day after one dose",
    "mood_masked": "Fall in the one trial where nobody could tell",
}
_BLADDER = {
    "bladder_lasting_loss": "A lasting loss of capacity",
    "bladder_symptoms": "Urinary symptoms, when most likely",
    "bladder_symptoms_end": "Urinary symptoms at the end",
    "bladder_lost": "Capacity lost, at its most (mL)",
    "bladder_lost_end": "Capacity lost at the end (mL)",
    "bladder_capacity": "Least capacity awake (mL)",
    "bladder_anaesthetic": "Least capacity under anaesthesia (mL)",
}
# What a reader would otherwise take a harm for.
_ASIDES = {
    "psychedelic_load": "how strong, not how many: 100 is the most that the drug can do",
    "psychomimetic_elicited": "share of patients; simulated",
    "counted_psychomimetic": "share of patients; the trials' own counts",
    "liver_injury": "share of patients",
    "bladder_lasting_loss": "share of patients who lose more than about a third",
    "bladder_symptoms": "24 % of people who never took ketamine have some",
    "mood_fall": "on a scale of 60 points, beyond a comparison",
}
_GROUPS: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    ("During infusions", "", _ACUTE | _COUNTED),
    ("Circulation", "highest rise over rest", _CIRCULATION),
    ("Liver", "depends on the dosing pattern", _LIVER),
    ("Mood, in those who have depression", "no harm, but it comes with the drug; never measured in CRPS", _MOOD),
)
_BLADDER_TITLE = "Bladder", "two models of injury that fit users of grams a day equally well; neither is chosen"
# A first look leaves these to the page.
_FULL_ONLY = {
    *("psychedelic_hours", "counted_psychomimetic", "mood_fall_end", "mood_responders"),
    *(key for key in _BLADDER if key not in {"bladder_lasting_loss", "bladder_symptoms"}),
}


def blocks(result: RunResult) -> list[Block]:
    """Return the section on harms."""
    heads = ("Harm", *map(names.arm_name, result.arms))
    tables = [
        Table(title, heads, (Group(tuple(_rows(result, keys))),), (title, " ", Note(aside)), "endpoints")
        for title, aside, keys in _GROUPS
    ]
    title, aside = _BLADDER_TITLE
    bladder = Table(title, heads, tuple(_bladder(result, _BLADDER)), (title, " ", Note(aside)), "endpoints")
    unknown = Items((*unknowns(result), *_livers(result)), "unknown")
    exposure = Table.of("Exposure", ("Exposure", *heads[1:]), _exposure(result), title="Exposure")
    return [
        Paragraph(READING, "small"),
        *([unknown] if unknowns(result) else []),
        exposure,
        *tables,
        bladder,
        Details("What each harm rests on", (_grounds(result),)),
    ]


def brief_groups(result: RunResult) -> list[Group]:
    """Return the rows that a first look needs, in groups."""
    groups = [Group(tuple(_exposure(result)), "Exposure")]
    for title, _, keys in _GROUPS:
        groups.append(Group(tuple(_rows(result, _brief(keys))), title))
    bladder = [row for group in _bladder(result, _brief(_BLADDER)) for row in group.rows]
    return [*groups, Group(tuple(bladder), _BLADDER_TITLE[0])]


def headline(arm: ArmResult) -> list[tuple[Content, str, Content]]:
    """Return what a card says of harms: label with badge, value, aside."""
    labels = {
        "psychomimetic_elicited": ("Psychomimetic effects, reported when asked", ""),
        "liver_injury": ("Liver injury", ""),
        "bladder_lasting_loss": ("Lasting loss of bladder capacity", "under either model of injury"),
    }
    facts: list[tuple[Content, str, Content]] = []
    for key, (label, aside) in labels.items():
        entry = arm.harms.estimate(key)
        interval = ends(entry)
        bare = entry.estimate is None
        value = interval if entry.estimate is None else numbers.amount(entry.estimate, entry.unit)
        facts.append(((label, " ", names.support(entry)), value, aside if bare else f"({interval})"))
    return facts


def unknowns(result: RunResult) -> list[str]:
    """Return the plain sentences on what is not known, each once, if any arm gives drug."""
    dosed = [arm.harms for arm in result.arms.values() if arm.harms.exposure.infusion_days]
    return list(dict.fromkeys(entry.unknown for harms in dosed for entry in harms.entries.values() if entry.unknown))


def ends(entry: HarmEstimate) -> str:
    """Return the interval of a harm; that nothing is known, where it spans every share."""
    return _ends(entry.interval, entry.unit)


def value_cell(entry: HarmEstimate, dosed: bool) -> tuple[Inline, ...]:
    """Return a harm's estimate with its interval, or what there is of both; a plain 0 where no drug can do it."""
    return _value(entry.estimate, entry.interval, entry.unit, dosed, bool(entry.beyond_placebo))


def law_names(result: RunResult) -> list[str]:
    """Return the models of bladder injury that arms were computed under."""
    arms = result.arms.values()
    return list(dict.fromkeys(law for arm in arms for law in arm.harms.estimate("bladder_symptoms").laws or ()))


def _ends(interval: tuple[float, float], unit: str) -> str:
    if unit == "share":
        return "not known" if interval == (0.0, 1.0) else numbers.interval(interval, unit)
    low, high = map(numbers.size, interval)
    return numbers.ends(low, high, zero_step=0.1)


def _value(
    estimate: float | None, interval: tuple[float, float], unit: str, dosed: bool, beyond: bool = False
) -> tuple[Inline, ...]:
    known = _ends(interval, unit)
    if estimate is None:
        return (known if known == "not known" else f"({known})",)
    if not dosed and unit != "share" and estimate == 0.0 and not any(interval):
        return (Strong("0"),)
    size = numbers.amount(estimate, unit) if unit == "share" else numbers.size(estimate)
    more = (Break(), Note("more than on placebo")) if beyond else ()
    return Strong(size), f" ({known})", *more


def _brief(keys: Mapping[str, str]) -> dict[str, str]:
    return {key: name for key, name in keys.items() if key not in _FULL_ONLY}


def _name(key: str, name: str) -> Content:
    return (name, Break(), Note(_ASIDES[key])) if key in _ASIDES else name


def _rows(result: RunResult, keys: Mapping[str, str]) -> Iterable[Row]:
    """Yield a row for each harm that any arm has; that of a session only where it is another than that of the run."""
    arms = [arm.harms for arm in result.arms.values()]
    for key, name in keys.items():
        entries = [one.entries.get(key) for one in arms]
        if key == "psychedelic_load_session":
            whole = [one.estimate("psychedelic_load").estimate for one in arms]
            if whole == [entry.estimate if entry else None for entry in entries]:
                continue
        if any(entries):
            cells = (_cell(entry, _dosed(one)) for entry, one in zip(entries, arms, strict=True))
            yield Row(_name(key, name), tuple(cells))


def _dosed(part: HarmResult) -> bool:
    return part.exposure.infusion_days > 0


def _cell(entry: HarmEstimate | None, dosed: bool) -> tuple[Inline, ...]:
    return (*value_cell(entry, dosed), " ", names.support(entry)) if entry else (numbers.ABSENT,)


def _bladder(result: RunResult, keys: Mapping[str, str]) -> Iterable[Group]:
    for key, name in keys.items():
        arms = [arm.harms for arm in result.arms.values()]
        rows = [Row(_name(key, name), tuple(names.support(arm.estimate(key)) for arm in arms), "main")]
        for law in law_names(result):
            rows.append(Row(_law_name(law), tuple(_law_cell(arm.estimate(key), law, _dosed(arm)) for arm in arms)))
        yield Group(tuple(rows))


def _law_cell(entry: HarmEstimate, name: str, dosed: bool) -> Content:
    law = (entry.laws or {}).get(name)
    return _value(law.estimate, law.interval, entry.unit, dosed) if law else numbers.ABSENT


def _law_name(law: str) -> str:
    short = law.removesuffix("_by_urine")
    return _LAWS[short] + ("" if short == law else ", by concentration in urine")


def _exposure(result: RunResult) -> list[Row]:
    exposures = [arm.harms.exposure for arm in result.arms.values()]
    rows = [
        Row(("Dose in all, mg ", Note("mean; 5 % to 95 % of patients")), tuple(map(_dose, exposures))),
        Row("Hours of infusion", tuple(f"{one.hours:,g}" for one in exposures)),
        Row("Days with drug", tuple(f"{one.infusion_days:,}" for one in exposures)),
        Row("Sessions; courses", tuple(f"{one.sessions:,}; {one.courses:,}" for one in exposures)),
        Row("Courses a year", tuple(f"{one.courses_a_year:.3g}" for one in exposures)),
    ]
    if any(isinstance(one.urine_l_day, float) for one in exposures):
        rows.append(Row("Urine, L a day", tuple(numbers.number(one.urine_l_day or None) for one in exposures)))
    beside = [_beside(arm) for arm in result.arms.values()]
    return [*rows, Row("Given beside", tuple(one or "nothing" for one in beside))] if any(beside) else rows


def _dose(exposure: Exposure) -> Content:
    spread = exposure.dose_mg_q05, exposure.dose_mg_q95
    known = "" if spread[0] == spread[1] else f" ({numbers.interval(spread, 'mg')})"
    return Strong(numbers.amount(exposure.dose_mg, "mg")), known


def _beside(arm: ArmResult) -> str:
    doses = {"clonidine": arm.harms.beside.clonidine_mg, "midazolam": arm.harms.beside.midazolam_mg}
    return ", ".join(f"{name} {dose:g} mg" for name, dose in doses.items() if dose)


def _livers(result: RunResult) -> list[str]:
    """Return whom the intervals of the liver rest on: two small groups of patients, named."""
    entries = [arm.harms.estimate("liver_injury") for arm in result.arms.values()]
    return [f"Liver. {note}" for note in dict.fromkeys(entry.note for entry in entries if any(entry.interval))]


def _grounds(result: RunResult) -> Table:
    """Return what each number rests on: its note, for which arms, and its sources."""
    labels = _ACUTE | _CIRCULATION | {"liver_injury": "Liver"} | _BLADDER | _MOOD
    rows: dict[tuple[str, str, str], list[str]] = {}
    for key in dict.fromkeys(key for arm in result.arms.values() for key in arm.harms.entries):
        for name, arm in result.arms.items():
            if entry := arm.harms.entries.get(key):
                rows.setdefault((key, entry.note, ", ".join(entry.sources) or numbers.ABSENT), []).append(name)
    made = []
    for (key, note, sources), arms in rows.items():
        plain = key.removeprefix("counted_").replace("_unasked", ", reported spontaneously").replace("_", " ")
        where = "all arms" if len(arms) == len(result.arms) else ", ".join(map(names.arm_name, arms))
        made.append((labels.get(key, plain.capitalize()), where, note, sources))
    return Table.of("What each harm rests on", ("Harm", "Arms", "What is known", "Sources"), made, kind="text")
