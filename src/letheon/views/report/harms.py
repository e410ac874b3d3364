"""Harms in the report: exposure, then every harm with its interval and its support, then where each comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from letheon.views import harm_rows, spans
from letheon.views.report import markup, words

Entry = Mapping[str, Any]
LAW_NAMES = {"saturating": "if injury saturates", "unsaturated": "if it does not"}
ACUTE = {
    "psychedelic_load": "Psychedelic load at its greatest, % of a rating scale",
    "psychedelic_load_session": "Greatest load of a session, mean of sessions",
    "psychedelic_hours": "Hours above 10 % of that scale",
    "psychomimetic_elicited": "Any psychomimetic effect, if asked",
    "psychomimetic_spontaneous": "The same, told unasked",
    "counted_psychomimetic": "The same, as counted under such regimens",
}
CIRCULATION = {
    "cardiac_output": "Cardiac output, rise",
    "systolic_pressure": "Systolic pressure, rise (mmHg)",
    "diastolic_pressure": "Diastolic pressure, rise (mmHg)",
    "pulse": "Pulse, rise (beats/min)",
}
BLADDER = {
    "bladder_lasting_loss": "A lasting loss of capacity",
    "bladder_symptoms": "Urinary symptoms, when most likely",
    "bladder_symptoms_end": "Urinary symptoms at the end",
    "bladder_lost": "Capacity lost, at its most (mL)",
    "bladder_lost_end": "Capacity lost at the end (mL)",
    "bladder_capacity": "Least capacity awake (mL)",
    "bladder_anaesthetic": "Least capacity under anaesthesia (mL)",
}
# Said under a harm's name: what a reader would otherwise take it for.
ASIDES = {
    "psychedelic_load": "how strong, not how many: 100 is the most that the drug can do",
    "psychomimetic_elicited": "share of patients; simulated",
    "counted_psychomimetic": "share of patients; the trials' own counts",
    "liver_injury": "share of patients",
    "bladder_lasting_loss": "share of patients who lose more than about a third",
    "bladder_symptoms": "24 % of people who never took ketamine have some",
    "mood_fall": "on a scale of 60 points, beyond a comparison",
}
MOOD = {
    "mood_fall": "Fall of the MADRS, a day after dosing",
    "mood_fall_end": "Fall of the MADRS at the end",
    "mood_responders": "Responders a day after one dose",
    "mood_masked": "Fall in the one trial where nobody could tell",
}


def section(document: Mapping[str, Any]) -> str:
    """Return the section on harms; where a result holds none, the sentence that says what this means."""
    if not harm_rows.has_harms(document):
        return markup.section("harms", "Harms", _missing())
    counted = {f"counted_{effect}": effect.replace("_", " ").capitalize() for effect in harm_rows.COUNTED}
    arms = document["arms"]
    repeated = harm_rows.by_session(list(arms.values()))
    acute = {name: told for name, told in ACUTE.items() if repeated or name != "psychedelic_load_session"}
    groups = [
        ("During infusions", "", acute | counted),
        ("Circulation", "highest rise over rest", CIRCULATION),
        (
            "Liver",
            "goes by the pattern of the regimen",
            {"liver_injury": "Liver enzymes at least three times the limit"},
        ),
        ("Mood, in those who have depression", "no harm, but it comes with the drug; never measured in CRPS", MOOD),
    ]
    made = "".join(_table(arms, title, aside, names) for title, aside, names in groups)
    unknown = "".join(f"<li>{words.escape(text)}</li>" for text in harm_rows.unknowns(document))
    known = f'<ul class="unknown">{unknown}{_livers(arms)}</ul>' if unknown else ""
    intro = (
        '<p class="small">What a regimen may cost, beside what it may relieve. Brackets hold intervals: '
        f"90{words.THIN}% where harms are simulated, 95{words.THIN}% where they were counted. A harm without a number "
        "before its brackets has no estimate; of one that is not identified nobody knows how often it happens. This "
        "does not say that any regimen is safe.</p>"
    )
    return markup.section("harms", "Harms", intro + known + _exposure(arms) + made + _bladder(arms) + _grounds(arms))


def headline(arm: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return what a card says of harms, as label, value, aside and badge; nothing where a result holds none."""
    if not arm["harms"]:
        return []
    entries = arm["harms"]["entries"]
    named = {
        "psychomimetic_elicited": ("Psychomimetic effects, if asked", ""),
        "liver_injury": ("Liver injury", ""),
        "bladder_lasting_loss": ("Lasting loss of bladder capacity", "under either law"),
    }
    rows = []
    for key, (told, aside) in named.items():
        entry = entries[key]
        bare = entry["estimate"] is None
        value = _ends(entry, entry["unit"]) if bare else words.amount(entry["estimate"], entry["unit"])
        known = aside if bare else f"({_ends(entry, entry['unit'])})"
        rows.append((told, value, known, words.support_of(entry)))
    return rows


def _missing() -> str:
    return (
        "<p><b>This result holds no harms.</b> That says nothing about whether there are any: ketamine infusions have "
        "acute and long-term harms, and this report weighs none of them against relief.</p>"
    )


def _heads(first: str, arms: Mapping[str, Any]) -> list[str]:
    return [first, *(words.arm_name(name) for name in arms)]


def _exposure(arms: Mapping[str, Any]) -> str:
    given = [arm["harms"]["exposure"] for arm in arms.values()]
    beside = [arm["harms"]["beside"] for arm in arms.values()]
    rows = [
        markup.row(
            f"Dose in all, mg {markup.note('mean; 5 % to 95 % of patients')}",
            (f"<b>{words.amount(one['dose_mg'], 'mg')}</b>{_range(one)}" for one in given),
        ),
        markup.row("Hours on the drip", (f"{one['hours']:,g}" for one in given)),
        markup.row("Days with drug", (format(one["infusion_days"], ",") for one in given)),
        markup.row("Sessions; courses", (f"{one['sessions']:,}; {one['courses']:,}" for one in given)),
        markup.row("Courses a year", (f"{one['courses_a_year']:.3g}" for one in given)),
    ]
    if any("urine_l_day" in one for one in given):
        rows.append(markup.row("Urine, L a day", (f"{one['urine_l_day']:.3g}" for one in given)))
    if any(any(one.values()) for one in beside):
        rows.append(markup.row("Given beside", map(_beside, beside)))
    return markup.table("Exposure", _heads("Given", arms), f"<tbody>{''.join(rows)}</tbody>", caption="Exposure")


def _range(exposure: Mapping[str, float]) -> str:
    ends = exposure["dose_mg_q05"], exposure["dose_mg_q95"]
    return "" if ends[0] == ends[1] else f" ({words.between(ends, 'mg')})"


def _beside(given: Mapping[str, float]) -> str:
    named = [f"{name.removesuffix('_mg')} {dose:g} mg" for name, dose in given.items() if dose]
    return ", ".join(named) or "nothing"


def _table(arms: Mapping[str, Any], title: str, aside: str, names: Mapping[str, str]) -> str:
    entries = {key: [arm["harms"]["entries"].get(key) for arm in arms.values()] for key in names}
    rows = "".join(
        markup.row(_name(key, names[key]), map(_cell, found)) for key, found in entries.items() if any(found)
    )
    caption = f"{title} {markup.note(aside)}" if aside else title
    return markup.table(title, _heads("Harm", arms), f"<tbody>{rows}</tbody>", caption=caption, kind="endpoints")


def _name(key: str, name: str) -> str:
    return f"{name}<br>{markup.note(ASIDES[key])}" if key in ASIDES else name


def _livers(arms: Mapping[str, Any]) -> str:
    """Return whom the intervals of the liver rest on: two small groups of patients, named."""
    entries = (arm["harms"]["entries"]["liver_injury"] for arm in arms.values())
    notes = dict.fromkeys(words.escape(entry["note"]) for entry in entries if any(entry["interval"]))
    return "".join(f"<li>Liver. {note}</li>" for note in notes)


def _bladder(arms: Mapping[str, Any]) -> str:
    bodies = []
    for key, name in BLADDER.items():
        entries = [arm["harms"]["entries"][key] for arm in arms.values()]
        rows = [markup.row(_name(key, name), (words.support_of(entry) for entry in entries), "main")]
        for law in harm_rows.laws(arms.values()):
            cells = (_amount(entry["laws"][law], entry["unit"]) for entry in entries)
            rows.append(markup.row(_law(law), cells))
        bodies.append(f"<tbody>{''.join(rows)}</tbody>")
    caption = f"Bladder {markup.note('two laws that fit users of grams a day equally well; neither is chosen')}"
    heads = _heads("Under each law", arms)
    return markup.table("Bladder", heads, "".join(bodies), caption=caption, kind="endpoints")


def _law(law: str) -> str:
    """Return what stands before the row of a law."""
    plain = law.removesuffix("_by_urine")
    by = "" if plain == law else ", by concentration in urine"
    return f"{LAW_NAMES[plain]} ({plain} law{by})"


def _cell(entry: Entry | None) -> str:
    return words.ABSENT if not entry else f"{_amount(entry, entry['unit'])} {words.support_of(entry)}"


def _amount(entry: Entry, unit: str) -> str:
    low, high = entry["interval"]
    if entry["estimate"] is None:
        if unit == "share" and (low, high) == (0.0, 1.0):
            return "not known"
        return f"({_ends(entry, unit)})"
    known = "" if harm_rows.is_nothing(entry, unit) else f" ({_ends(entry, unit)})"
    more = f"<br>{markup.note('more than on placebo')}" if entry.get("beyond_placebo") else ""
    middle = words.amount(entry["estimate"], unit) if unit == "share" else _size(entry["estimate"])
    return f"<b>{middle}</b>{known}{more}"


def _ends(entry: Entry, unit: str) -> str:
    if unit == "share":
        return words.between(entry["interval"], unit)
    return spans.ends(*(_size(end) for end in entry["interval"]), zero_step=0.1)


def _size(value: float) -> str:
    """Return a size to two digits, from a hundred on to whole ones: 386 mL is not 390."""
    return words.number(value, 3 if abs(value) >= 100 else 2)


def _grounds(arms: Mapping[str, Any]) -> str:
    """Return, folded away, what each number rests on: its note, for which arms, and its sources."""
    named = ACUTE | CIRCULATION | {"liver_injury": "Liver"} | BLADDER | MOOD
    found: dict[tuple[str, str, str], list[str]] = {}
    keys = dict.fromkeys(key for arm in arms.values() for key in arm["harms"]["entries"])
    for key in keys:
        for name, arm in arms.items():
            if (entry := arm["harms"]["entries"].get(key)) is None:
                continue
            sources = ", ".join(entry["sources"]) or words.ABSENT
            found.setdefault((key, entry["note"], sources), []).append(name)
    rows = []
    for (key, note, sources), names in found.items():
        told = key.removeprefix("counted_").replace("_unasked", ", told unasked").replace("_", " ").capitalize()
        where = "all arms" if len(names) == len(arms) else ", ".join(map(words.arm_name, names))
        rows.append(markup.row(named.get(key, told), (where, words.escape(note), words.escape(sources))))
    body = f"<tbody>{''.join(rows)}</tbody>"
    heads = ("Harm", "Arms", "What is known", "Sources")
    table = markup.table("What each harm rests on", heads, body, kind="text")
    return f"<details><summary>What each harm rests on</summary>{table}</details>"
