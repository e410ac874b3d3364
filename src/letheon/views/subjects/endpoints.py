"""Endpoints of a run in tables: arms side by side, each mechanism below its average, and the time to relapse."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from letheon.definitions import ENDPOINT_DAYS
from letheon.pipeline.result import Endpoint, RunResult, TimeToRelapse
from letheon.scenario.measures import AREA, WHOLE, exposure_of, responder_of, responders
from letheon.views.document import numbers
from letheon.views.document.tree import Badge, Break, Group, Inline, Note, Paragraph, Row, Strong, Table
from letheon.views.figures.curves import comparator, endpoint_days, has_placebo, is_placebo
from letheon.views.subjects import average, names
from letheon.views.subjects.relief import NO_PLACEBO, REMISSION, named_day
from letheon.views.subjects.words import TEXTS

T = TypeVar("T", Endpoint, TimeToRelapse)
Columns = Sequence[tuple[T | None, Mapping[str, T]]]  # of each arm: its own entry, and that under each mechanism
Cell = tuple[Inline, ...]
_RELAPSE = "time_to_relapse_days"
_SHARES = "Share of patients; behind ±, the Monte Carlo standard error of this many patients, in points."
_RELIEF = ("responder_", "relief_days", "pain_free_days", "remission", "never_in_remission")
_UNITS = {"NRS": "points"}
_AREA = [measure.name for measure in AREA]
_SHOWN_DAYS = {7, 28}  # and the last one, where there is no room for all


def endpoint_tables(result: RunResult) -> list[Table]:
    """Return tables of all endpoints: pain, responders, and the rest."""
    keys = _keys(result)
    pain = [key for key in keys if key.startswith("nrs_")]
    shares = [key for key in keys if key.startswith("responder_")]
    levels = exposure_keys(result)
    rest = [key for key in keys if key not in {*pain, *shares, *levels}]
    tables = (
        ("Pain score", "Numerical rating scale, 0 to 10.", pain),
        ("Responders", _SHARES, shares),
        ("Relief, remission and dose", "Shares as above.", rest),
        ("Exposure", TEXTS.exposure, levels),
    )
    heads = ("Endpoint", *map(names.arm_name, result.arms))
    return [
        Table(title, heads, tuple(_groups(result, some)), (title, " ", Note(note)), "endpoints")
        for title, note, some in tables
        if some
    ]


def brief_groups(result: RunResult) -> list[Group]:
    """Return the rows that a first look needs, in groups."""
    first, by_weight = next(iter(result.arms.values())), average.by_weight(result)
    days = endpoint_days(first.endpoints)
    own = [day for day in days if day not in ENDPOINT_DAYS]
    chosen = [f"nrs_day_{day}" for day in days if day in {*_SHOWN_DAYS, *own, days[-1]}]
    chosen += [key for key in first.endpoints if key.startswith("nrs_week_")]
    pain = [Row("Baseline, mean", (numbers.amount(result.population.baseline_nrs.mean, "NRS"),) * len(result.arms))]
    named = named_day(days)
    read_on = sorted({*own, *([] if named is None else [named])})
    kinds = ["responder_30", *_own_responders(first.endpoints)]
    rules = any(arm.policy for arm in result.arms.values())
    rest = [
        *(f"{kind}_day_{day}" for kind in kinds for day in read_on),
        *_AREA,
        *(one.name for one in WHOLE),
        *(["boosters", "never_in_remission", "final_rate", "drip_hours"] * rules),
    ]
    times = [(arm.time_to_relapse, average.times_alone(arm)) for arm in result.arms.values()]
    label = ("Relapse after remission: median days from course end",)
    verdicts = [average.verdict_of_times(alone) for _, alone in times]
    relapse = _lines(label, times, _median_cell, names.support, verdicts, "main", brief=True)
    known = {*_keys(result)}
    relief = (*_rows_of(result, [key for key in rest if key in known]), *relapse)
    groups = Group((*pain, *_rows_of(result, chosen)), "Pain, NRS 0 to 10"), Group(relief, "Relief, remission, relapse")
    levels = tuple(_rows_of(result, exposure_keys(result)))
    exposure = [Group(levels, "Exposure, levels in plasma")] if levels else []
    return [*([by_weight] if by_weight else []), *groups, *exposure]


def exposure_keys(result: RunResult) -> list[str]:
    """Return what was read from the levels in plasma of any arm."""
    return [key for key in _keys(result) if exposure_of(key)]


def _own_responders(keys: Iterable[str]) -> list[str]:
    """Return the responders of the scenario's own, without their days."""
    standard = {one.name for one in responders()}
    kinds = dict.fromkeys(key.rpartition("_day_")[0] for key in keys if key.startswith("responder_"))
    return [kind for kind in kinds if kind not in standard]


def _keys(result: RunResult) -> list[str]:
    """Return the endpoints of all arms: pain by day, responders by kind and day, then the rest as they come."""
    keys = dict.fromkeys(key for arm in result.arms.values() for key in arm.endpoints)
    keys.pop(_RELAPSE, None)
    if not any(boosters.mean for arm in result.arms.values() if (boosters := arm.endpoint("boosters"))):
        keys.pop("boosters", None)

    def order(key: str) -> tuple[int, float, int]:
        stem, _, day = key.rpartition("_day_")
        if not day.isdigit():
            return 3, 0.0, 0
        one = responder_of(stem)
        return (2 if one.unit == "points" else 1, one.amount, int(day)) if one else (0, 0.0, int(day))

    return sorted(keys, key=order)


def _rows_of(result: RunResult, keys: Iterable[str]) -> list[Row]:
    return [row for group in _groups(result, keys, brief=True) for row in group.rows]


def _groups(result: RunResult, keys: Iterable[str], brief: bool = False) -> Iterator[Group]:
    """Yield the rows of each endpoint, for each of its units: arms may write their rates in units of their own."""
    for key in keys:
        entries = [(arm, arm.endpoint(key)) for arm in result.arms.values()]
        for unit in dict.fromkeys(entry.unit for _, entry in entries if entry):
            columns = [(e, average.alone(arm, key)) if e and e.unit == unit else (None, {}) for arm, e in entries]
            yield Group(tuple(_rows(result, key, unit, columns, brief)))


def _rows(result: RunResult, key: str, unit: str, columns: Columns[Endpoint], brief: bool) -> Iterator[Row]:
    """Yield the rows of one endpoint: mean and patients, and the difference from placebo; each under each mechanism."""
    named = unit in {"sessions", "mg", "h", "NRS days", "ng/mL", "ng·h/mL"} or key == "final_rate"
    name = names.endpoint_name(key) + (f" ({_UNITS.get(unit, unit)})" if named else "")
    yield from _leading(name, unit, columns, brief)
    known = [entry.against for entry, _ in columns if entry and entry.against and _is_told(result, entry)]
    if known:
        arms = dict.fromkeys("placebo" if is_placebo(result.arms[one.arm]) else one.arm for one in known)
        label = f"minus {' or '.join(map(names.arm_name, arms))}{', points' * (unit == 'share')}"
        verdicts = [average.verdict_of_difference(alone) for _, alone in columns]

        def minus(entry: Endpoint) -> Cell:
            return _minus_cell(entry, brief)

        yield from _lines((label,), columns, minus, _minus_support, verdicts, brief=brief)
    elif key.startswith(_RELIEF) and not has_placebo(result):
        yield Row("minus placebo", (NO_PLACEBO,) * len(columns))


def _leading(name: str, unit: str, columns: Columns[Endpoint], brief: bool) -> Iterator[Row]:
    """Yield the rows of mean and patients; of days, in which patients differ most, patients come first."""
    patients = "median patient (5 % to 95 %)" + ("" if brief else ", SD")
    verdicts = [average.verdict(entry) if entry else "" for entry, _ in columns]

    def mean(entry: Endpoint) -> Cell:
        return _mean_cell(entry, brief)

    def spread(entry: Endpoint) -> Cell:
        return _patients_cell(entry, brief)

    if not any(entry and isinstance(entry.q05, float) for entry, _ in columns):
        yield from _lines((name,), columns, mean, names.support, verdicts, "main", brief)
    elif unit == "days":
        yield from _lines((name, ", ", Note(patients)), columns, spread, names.support, kind="main", brief=brief)
        yield from _lines(("mean",), columns, mean, verdicts=verdicts, brief=brief)
    else:
        yield from _lines((name,), columns, mean, names.support, verdicts, "main", brief)
        yield from _lines((patients,), [(entry, {}) for entry, _ in columns], spread, brief=brief)


def _lines(
    label: Cell,
    columns: Columns[T],
    cell: Callable[[T], Cell],
    support: Callable[[T], Badge | str] | None = None,
    verdicts: Sequence[str] = (),
    kind: str = "",
    brief: bool = False,
) -> Iterator[Row]:
    """Yield a row, and below it the same under each mechanism; if `brief`, a label that all arms share stands once."""
    badges = [support(entry) if support and entry else "" for entry, _ in columns]
    once = {badge for badge in badges if badge} if brief else set[Badge | str]()
    if len(once) == 1:
        label, badges = (*label, " ", *once), [""] * len(columns)
    marks = map(average.badge, verdicts or [""] * len(columns))
    cells = [
        (*cell(entry), badge, mark) if entry else numbers.ABSENT
        for (entry, _), badge, mark in zip(columns, badges, marks, strict=True)
    ]
    yield Row(label, tuple(cells), kind)
    for model in dict.fromkeys(model for _, alone in columns for model in alone):
        parts = [(alone.get(model), badge) for (_, alone), badge in zip(columns, badges, strict=True)]
        below = [_below(one, badge, cell, None if brief else support) if one else "" for one, badge in parts]
        yield Row(names.pain_model(model), tuple(below), "second")


def _below(one: T, badge: Badge | str, cell: Callable[[T], Cell], support: Callable[[T], Badge | str] | None) -> Cell:
    """Return the cell of one mechanism, with its own label where that is another than the average's."""
    own = support(one) if support else ""
    return *cell(one)[:2], "" if own == badge else own


def _mean_cell(entry: Endpoint, brief: bool) -> Cell:
    """Return a mean, its Monte Carlo standard error where there is room, and its interval."""
    nothing = entry.mean == 0 and not any(entry.mean_interval or ())
    known = "" if nothing or not entry.mean_interval else f" ({numbers.interval(entry.mean_interval, entry.unit)})"
    error = (entry.mc_se or 0.0) * (100 if entry.unit == "share" else 1)
    spread = f" ± {numbers.number(error, 2)}" if error and not brief else ""
    yearly = f"; {numbers.number(entry.boosters_per_year, 2)} a year" if entry.boosters_per_year else ""
    return Strong(numbers.amount(entry.mean, entry.unit)), f"{spread}{known}{yearly} "


def _patients_cell(entry: Endpoint, brief: bool) -> Cell:
    values = (entry.q50, entry.q05, entry.q95)
    none = entry.q05 == entry.q95 == 0 and entry.unit != "days"
    if none or not all(isinstance(value, float) for value in values):
        return (numbers.ABSENT,)
    # Entries of the diary and days are whole numbers, and so are most of their quantiles.
    whole = entry.unit in {"NRS", "days"} and all(value == round(value or 0.0) for value in values)
    middle, low, high = (numbers.fixed(v or 0.0, 0) if whole else numbers.amount(v or 0.0, entry.unit) for v in values)
    sd = f", SD {numbers.amount(entry.sd, entry.unit)}" if isinstance(entry.sd, float) and not brief else ""
    return Strong(middle) if entry.unit == "days" else middle, f" ({low} to {high}){sd} "


def _is_told(result: RunResult, entry: Endpoint) -> bool:
    """Whether a difference says anything: a dose or a number of hours beside placebo does not."""
    if not entry.against:
        return False
    return entry.against.chance_better is not None or not is_placebo(result.arms[entry.against.arm])


def _minus(entry: Endpoint | None) -> str:
    if entry is None or not entry.against:
        return ""
    if entry.against.same_regimen:
        return "0, same regimen"
    known = f" ({numbers.change_interval(entry.against.mean_interval, entry.unit)})"
    return numbers.change(entry.against.mean, entry.unit) + known


def _minus_cell(entry: Endpoint, brief: bool) -> Cell:
    """Return a difference with its interval, and the chance that it is better: below, where there is little room."""
    text = _minus(entry).replace(" points", "")
    if not text or not entry.against:
        return (numbers.ABSENT,)
    chance = average.chance(entry.against)
    if not brief and chance:
        return f"{text}, {chance} ", ""
    return text, " ", *((Break(), chance, " ") if chance else ())


def _minus_support(entry: Endpoint) -> Badge | str:
    return names.support(entry.against or None)


def relapse_tables(result: RunResult) -> list[Table | Paragraph]:
    """Return Kaplan-Meier times to relapse of all and of each model alone, numbers at risk, and what they rest on."""
    rows: list[Row] = []
    notes: dict[str, None] = {}
    other = names.arm_name(comparator(result))
    for name, arm in result.arms.items():
        alone = average.times_alone(arm)
        verdict = average.badge(average.verdict_of_times(alone))
        parts = [(result.models.pain, arm), *(arm.by_model.items() if arm.by_model else ())]
        for place, (model, part) in enumerate(parts):
            entry = part.time_to_relapse
            notes[entry.note] = None
            share, excess = numbers.amount(entry.in_remission, "share"), _minus(part.endpoint(REMISSION))
            remission = share + (f"; minus {other} {excess}" if excess else "")
            mean, limit, day_0 = entry.restricted_mean, entry.restricted_to, entry.from_day_0.median
            restricted = (
                numbers.ABSENT if mean is None else " of ".join(numbers.amount(d, "days") for d in (mean, limit))
            )
            times = _median_cell(entry), numbers.amount(day_0, "days"), restricted
            marks = names.support(entry), *([] if place else [" ", verdict])
            cells = (names.pain_model(model), remission, *times, marks)
            rows.append(Row(names.arm_name(name), cells, "second" if place else ""))
    explained = (
        "Days from the end of the course, in patients who had a remission; Kaplan–Meier. "
        f"{names.endpoint_name(REMISSION)}."
    )
    heads = ("Arm", "Mechanism", "In remission", "Median (90 % interval)", "Median from day 0", "Restricted mean")
    table = Table.of("Time to relapse", (*heads, "Support"), rows, title=("Time to relapse ", Note(explained)))
    return [table, *(Paragraph(note, "small") for note in notes), *_at_risk(result)]


def _median_cell(entry: TimeToRelapse) -> Cell:
    median = numbers.amount(entry.median, "days")
    if entry.median is None and entry.in_remission:
        median = f"not reached in {numbers.amount(entry.restricted_to, 'days')}"
    interval = numbers.interval(entry.median_interval, "days", "not reached")
    known = "" if interval == numbers.ABSENT else f" ({interval})"
    return Strong(median), f"{known} "


def _at_risk(result: RunResult) -> Iterator[Table]:
    counts = {name: {p.day: p.n for p in arm.time_to_relapse.at_risk} for name, arm in result.arms.items()}
    if days := sorted({day for by_day in counts.values() for day in by_day}):
        rows = [
            (names.arm_name(name), *(numbers.fixed(by_day[d], 0) if d in by_day else numbers.ABSENT for d in days))
            for name, by_day in counts.items()
        ]
        model = names.pain_model(result.models.pain)
        note = f"Patients still in remission and under observation ({model}), by days from the end of the course."
        title = ("Number at risk ", Note(note))
        yield Table.of("Number at risk", ("Day", *(numbers.general(d) for d in days)), rows, title=title, kind="counts")
