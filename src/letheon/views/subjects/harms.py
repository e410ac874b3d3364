"""Harms of a run: exposure, every harm with its interval and its support, and what each rests on."""

from collections.abc import Iterable, Iterator

from letheon.pipeline.result import ArmResult, BladderLaw, Exposure, HarmEstimate, HarmResult, RunResult
from letheon.views.document import numbers, tree
from letheon.views.subjects import names
from letheon.views.subjects.words import TEXTS, WORDS, HarmName, HarmTable

_LEAST = 0.1  # mmHg, beats a minute, points of a scale: less tells nothing
_LAWS = {"saturating": "if injury saturates", "unsaturated": "if it does not"}


def blocks(result: RunResult) -> list[tree.Block]:
    """Return the section on harms."""
    heads = tuple(map(names.arm_name, result.arms))
    tables: list[tree.Block] = []
    for one in WORDS.harms:
        title = (one.title, " ", tree.Note(one.aside))
        tables.append(tree.Table(one.title, ("Harm", *heads), tuple(_groups(result, one)), title, "endpoints"))
    liver = [arm.harms.estimate("liver_injury") for arm in result.arms.values()]
    small_groups = dict.fromkeys(f"Liver. {entry.note}" for entry in liver if any(entry.interval))
    unknown = tree.Items((*unknowns(result), *small_groups), "unknown")
    return [
        tree.Paragraph(TEXTS.harms, "small"),
        *([unknown] if unknowns(result) else []),
        tree.Table.of("Exposure", ("Exposure", *heads), _exposure(result), title="Exposure"),
        *tables,
        tree.Details("What each harm rests on", (_grounds(result),)),
    ]


def brief_groups(result: RunResult) -> list[tree.Group]:
    """Return the rows that a first look needs, in groups."""
    groups = [tree.Group(tuple(_exposure(result)), "Exposure")]
    for table in WORDS.harms:
        rows = (row for group in _groups(result, table, brief=True) for row in group.rows)
        groups.append(tree.Group(tuple(rows), table.title))
    return groups


def headline(arm: ArmResult) -> list[tuple[tree.Content, str, tree.Content]]:
    """Return what a card says of harms: label with badge, value, aside."""
    facts: list[tuple[tree.Content, str, tree.Content]] = []
    for key, (label, aside) in WORDS.harm_headlines.items():
        entry = arm.harms.estimate(key)
        value, interval = numbers.amount(entry.estimate, entry.unit), ends(entry)
        parts = (interval, aside) if entry.estimate is None else (value, f"({interval})")
        facts.append(((label, " ", names.support(entry)), *parts))
    return facts


def unknowns(result: RunResult) -> list[str]:
    """Return the plain sentences on what is not known, each once, if any arm gives drug."""
    dosed = [arm.harms for arm in result.arms.values() if _dosed(arm.harms)]
    return list(dict.fromkeys(entry.unknown for harms in dosed for entry in harms.entries.values() if entry.unknown))


def ends(entry: HarmEstimate, law: BladderLaw | None = None) -> str:
    """Return the interval of a harm, or under one model of injury; that nothing is known, where it is every share."""
    interval = (law or entry).interval
    if entry.unit == "share":
        return "not known" if interval == (0.0, 1.0) else numbers.interval(interval, entry.unit)
    low, high = (numbers.size(end, _LEAST) for end in interval)
    return numbers.ends(low, high, zero_step=_LEAST)


def value_cell(entry: HarmEstimate, dosed: bool, law: BladderLaw | None = None) -> tuple[tree.Inline, ...]:
    """Return a harm's estimate with its interval, or what there is of both; a plain 0 where no drug can do it."""
    estimate, interval, known = (law or entry).estimate, (law or entry).interval, ends(entry, law)
    if estimate is None:
        return (known if known == "not known" else f"({known})",)
    if not dosed and entry.unit != "share" and estimate == 0.0 and not any(interval):
        return (tree.Strong("0"),)
    size = numbers.amount(estimate, entry.unit) if entry.unit == "share" else numbers.size(estimate, _LEAST)
    more = (tree.Break(), tree.Note("more than on placebo")) if entry.beyond_placebo and not law else ()
    return tree.Strong(size), f" ({known})", *more


def _groups(result: RunResult, table: HarmTable, brief: bool = False) -> Iterator[tree.Group]:
    """Yield the rows of a table, those under two models in a group for each harm."""
    some = [one for one in table.rows if one.brief] if brief else [*table.rows, *_others(result, table)]
    if table.two_models:
        yield from (tree.Group(tuple(_by_model(result, one))) for one in some)
    else:
        yield tree.Group(tuple(_rows(result, some)))


def _others(result: RunResult, table: HarmTable) -> Iterator[HarmName]:
    """Yield harms of a table's group that have no words of their own, under their plain names."""
    listed = {one.key for one in table.rows}
    entries = dict(entry for arm in result.arms.values() for entry in arm.harms.entries.items())
    keys = [key for key, entry in entries.items() if entry.group == table.group and key not in listed]
    yield from (HarmName(key, _plain(key)) for key in keys)


def _plain(key: str) -> str:
    words = key.removeprefix("counted_").replace("_unasked", ", reported spontaneously").replace("_", " ")
    return words.capitalize()


def _label(one: HarmName) -> tree.Content:
    return (one.name, tree.Break(), tree.Note(one.note)) if one.note else one.name


def _rows(result: RunResult, harms: Iterable[HarmName]) -> Iterator[tree.Row]:
    """Yield a row for each harm that any arm has; that of a session only where it is another than that of the run."""
    arms = [arm.harms for arm in result.arms.values()]
    for one in harms:
        entries = [arm.entries.get(one.key) for arm in arms]
        if one.key == "psychedelic_load_session":
            whole = [arm.estimate("psychedelic_load").estimate for arm in arms]
            if whole == [entry.estimate if entry else None for entry in entries]:
                continue
        if any(entries):
            yield tree.Row(_label(one), tuple(map(_cell, arms, entries)))


def _dosed(harms: HarmResult) -> bool:
    return harms.exposure.infusion_days > 0


def _cell(harms: HarmResult, entry: HarmEstimate | None) -> tree.Content:
    return (*value_cell(entry, _dosed(harms)), " ", names.support(entry)) if entry else numbers.ABSENT


def _by_model(result: RunResult, harm: HarmName) -> Iterator[tree.Row]:
    """Yield the rows of a harm of the bladder: its support, and its size under each model of injury."""
    entries = [(arm.harms.estimate(harm.key), _dosed(arm.harms)) for arm in result.arms.values()]
    yield tree.Row(_label(harm), tuple(names.support(entry) for entry, _ in entries), "main")
    symptoms = [arm.harms.estimate("bladder_symptoms") for arm in result.arms.values()]
    for name in dict.fromkeys(name for entry in symptoms for name in entry.laws or ()):
        short = name.removesuffix("_by_urine")
        title = _LAWS[short] + ("" if short == name else ", by concentration in urine")
        laws = [(entry, dosed, (entry.laws or {}).get(name)) for entry, dosed in entries]
        yield tree.Row(title, tuple(value_cell(*one) if one[2] else numbers.ABSENT for one in laws))


def _exposure(result: RunResult) -> Iterator[tree.Row]:
    exposures = [arm.harms.exposure for arm in result.arms.values()]
    yield tree.Row(("Dose in all, mg ", tree.Note("mean; 5 % to 95 % of patients")), tuple(map(_dose, exposures)))
    yield tree.Row("Hours of infusion", tuple(numbers.general(one.hours, thousands=True) for one in exposures))
    yield tree.Row("Days with drug", tuple(numbers.fixed(one.infusion_days, 0) for one in exposures))
    sessions = [(numbers.fixed(one.sessions, 0), numbers.fixed(one.courses, 0)) for one in exposures]
    yield tree.Row("Sessions; courses", tuple(map("; ".join, sessions)))
    yield tree.Row("Courses a year", tuple(numbers.general(one.courses_a_year, 3) for one in exposures))
    if any(isinstance(one.urine_l_day, float) for one in exposures):
        yield tree.Row("Urine, L a day", tuple(numbers.number(one.urine_l_day or None) for one in exposures))
    beside = [_beside(arm) for arm in result.arms.values()]
    if any(beside):
        yield tree.Row("Given beside", tuple(one or "nothing" for one in beside))


def _dose(exposure: Exposure) -> tree.Content:
    spread = exposure.dose_mg_q05, exposure.dose_mg_q95
    known = "" if spread[0] == spread[1] else f" ({numbers.interval(spread, 'mg')})"
    return tree.Strong(numbers.amount(exposure.dose_mg, "mg")), known


def _beside(arm: ArmResult) -> str:
    doses = {"clonidine": arm.harms.beside.clonidine_mg, "midazolam": arm.harms.beside.midazolam_mg}
    return ", ".join(f"{name} {numbers.general(dose)} mg" for name, dose in doses.items() if dose)


def _grounds(result: RunResult) -> tree.Table:
    """Return what each number rests on: its note, for which arms, and its sources."""
    labels = {one.key: one.name for table in WORDS.harms for one in table.rows}
    rows: dict[tuple[str, str, str], list[str]] = {}
    for key in dict.fromkeys(key for arm in result.arms.values() for key in arm.harms.entries):
        for name, arm in result.arms.items():
            if entry := arm.harms.entries.get(key):
                rows.setdefault((key, entry.note, ", ".join(entry.sources) or numbers.ABSENT), []).append(name)
    table = []
    for (key, note, sources), arms in rows.items():
        where = "all arms" if len(arms) == len(result.arms) else ", ".join(map(names.arm_name, arms))
        table.append((labels.get(key, _plain(key)), where, note, sources))
    return tree.Table.of("What each harm rests on", ("Harm", "Arms", "What is known", "Sources"), table, kind="text")
