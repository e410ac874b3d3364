"""Endpoints of a run in tables: arms side by side, both pain models, and the time to relapse."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from letheon.pipeline.result import Endpoint, RunResult, TimeToRelapse
from letheon.views.document import numbers
from letheon.views.document.tree import Content, Group, Inline, Note, Paragraph, Row, Strong, Table
from letheon.views.figures.curves import endpoint_days, has_placebo
from letheon.views.subjects import names
from letheon.views.subjects.relief import NO_PLACEBO, REMISSION, named_day

Entries = Sequence[Endpoint | None]
Cell = tuple[Inline, ...]
_RELAPSE = "time_to_relapse_days"
_SHARES = "Share of patients; behind ±, the Monte Carlo standard error of this many patients, in points."
_RELIEF = ("responder_", "relief_days", "pain_free_days", "remission", "never_in_remission")
_SAME = {"dose_mg", "drip_hours", "final_rate"}  # the same under both pain models
_UNITS = {"NRS": "points"}
_RANKS = {"nrs": 0, "responder_30": 1, "responder_50": 1, "responder_2pt": 2}
_SHOWN_DAYS = {7, 28}  # and the last one, where there is no room for all


def endpoint_tables(result: RunResult) -> list[Table]:
    """Return tables of all endpoints: pain, responders, and the rest."""
    keys = _keys(result)
    pain = [key for key in keys if key.startswith("nrs_day_")]
    responders = [key for key in keys if key.startswith("responder_")]
    rest = [key for key in keys if key not in {*pain, *responders}]
    tables = (
        ("Pain score", "Numerical rating scale, 0 to 10.", pain),
        ("Responders", _SHARES, responders),
        ("Relief, remission and dose", "Shares as above.", rest),
    )
    heads = ("Endpoint", *map(names.arm_name, result.arms))
    return [
        Table(title, heads, tuple(_groups(result, some)), (title, " ", Note(note)), "endpoints")
        for title, note, some in tables
        if some
    ]


def brief_groups(result: RunResult) -> list[Group]:
    """Return the rows that a first look needs, in groups."""
    first = next(iter(result.arms.values()))
    days = endpoint_days(first.endpoints)
    chosen = [f"nrs_day_{day}" for day in days if day in _SHOWN_DAYS or day == days[-1]]
    pain = [Row("Baseline, mean", (numbers.amount(result.population.baseline_nrs.mean, "NRS"),) * len(result.arms))]
    groups = [("Pain, NRS 0 to 10", [*pain, *_rows_of(result, chosen)])]
    if day := named_day(endpoint_days(first.endpoints, "responder_30")):
        groups.append(("Responders", _rows_of(result, [f"responder_{share}_day_{day}" for share in (30, 50)])))
    rules = any(arm.policy for arm in result.arms.values())
    rest = ["relief_days", REMISSION, *(["boosters", "never_in_remission", "final_rate", "drip_hours"] * rules)]
    known = _keys(result)
    groups.append(("Relief, remission and dose", _rows_of(result, [key for key in (*rest, "dose_mg") if key in known])))
    parts = [arm.time_to_relapse for arm in result.arms.values()]
    relapse = Row("Median days from the end of the course to relapse", tuple(map(_median_cell, parts)), "main")
    return [Group(tuple(rows), title) for title, rows in groups] + [Group((relapse,), "Relapse of those in remission")]


def _keys(result: RunResult) -> list[str]:
    """Return the endpoints of all arms: pain by day, responders by kind and day, then the rest as they come."""
    keys = dict.fromkeys(key for arm in result.arms.values() for key in arm.endpoints)
    keys.pop(_RELAPSE, None)
    if not any(boosters.mean for arm in result.arms.values() if (boosters := arm.endpoint("boosters"))):
        keys.pop("boosters", None)

    def order(key: str) -> tuple[int, str, int]:
        stem, _, day = key.rpartition("_day_")
        rank = _RANKS.get(stem, 3)
        return rank, stem if rank in {1, 2} else "", int(day) if rank < 3 and day.isdigit() else 0

    return sorted(keys, key=order)


def _rows_of(result: RunResult, keys: Iterable[str]) -> list[Row]:
    return [row for group in _groups(result, keys, brief=True) for row in group.rows]


def _groups(result: RunResult, keys: Iterable[str], brief: bool = False) -> Iterator[Group]:
    """Yield the rows of each endpoint, for each of its units: arms may write their rates in units of their own."""
    for key in keys:
        entries = [arm.endpoint(key) for arm in result.arms.values()]
        for unit in dict.fromkeys(entry.unit for entry in entries if entry):
            yield Group(tuple(_rows(result, key, unit, [e if e and e.unit == unit else None for e in entries], brief)))


def _rows(result: RunResult, key: str, unit: str, entries: Entries, brief: bool) -> Iterator[Row]:
    """Yield the rows of one endpoint: patients and mean, difference from placebo, and those of each model alone."""
    named = unit in {"sessions", "mg", "h"} or key == "final_rate"
    name = names.endpoint_name(key) + (f" ({_UNITS.get(unit, unit)})" if named else "")
    yield from _leading(name, entries, unit, brief)
    if any(map(_minus, entries)):
        yield _row("minus placebo", entries, _minus_cell)
    elif key.startswith(_RELIEF) and not has_placebo(result):
        yield Row("minus placebo", (NO_PLACEBO,) * len(entries))
    parts = [dict(arm.by_model.items()) if arm.by_model else {} for arm in result.arms.values()]
    for model in parts[0] if key not in _SAME else ():
        alone = [part[model].endpoint(key) for part in parts]
        label = f"{names.pain_model(model)} alone"
        if unit == "days":
            yield _row(f"{label}, patients", alone, lambda e: _patients_cell(e, brief), "second")
        mean = f"{label}{', mean' * (unit == 'days')}"
        yield _row(mean, alone, lambda e: _mean_cell(e, brief)[: 2 if brief else 3], "second")
        if any(map(_minus, alone)) and not brief:
            yield _row(f"{label}, minus placebo", alone, _minus_cell, "second")


def _leading(name: str, entries: Entries, unit: str, brief: bool) -> Iterator[Row]:
    """Yield the rows of mean and patients; of days, in which patients differ most, patients come first."""
    patients = "median patient (5 % to 95 %)" + ("" if brief else ", SD")
    mean = _row(name, entries, lambda e: _mean_cell(e, brief), "main")
    if not any(entry and isinstance(entry.q05, float) for entry in entries):
        yield mean
    elif unit == "days":
        label = (name, ", ", Note(patients))
        yield _row(label, entries, lambda e: (*_patients_cell(e, brief), names.support(e)), "main")
        yield _row("mean", entries, lambda e: _mean_cell(e, brief)[:2])
    else:
        yield mean
        yield _row(patients, entries, lambda e: _patients_cell(e, brief))


def _row(label: Content, entries: Entries, cell: Callable[[Endpoint], Cell], kind: str = "") -> Row:
    return Row(label, tuple(cell(entry) if entry else numbers.ABSENT for entry in entries), kind)


def _mean_cell(entry: Endpoint, brief: bool) -> Cell:
    """Return a mean, its Monte Carlo standard error where there is room, its interval, and its support."""
    nothing = entry.mean == 0 and not any(entry.mean_interval or ())
    known = "" if nothing or not entry.mean_interval else f" ({numbers.interval(entry.mean_interval, entry.unit)})"
    error = (entry.mc_se or 0.0) * (100 if entry.unit == "share" else 1)
    spread = f" ± {numbers.number(error, 2)}" if error and not brief else ""
    yearly = f"; {numbers.number(entry.boosters_per_year, 2)} a year" if entry.boosters_per_year else ""
    return Strong(numbers.amount(entry.mean, entry.unit)), f"{spread}{known}{yearly} ", names.support(entry)


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


def _minus(entry: Endpoint | None) -> str:
    if entry is None or not entry.against or entry.against.chance_better is None:  # of amounts it says nothing
        return ""
    known = f" ({numbers.change_interval(entry.against.mean_interval, entry.unit)})"
    return numbers.change(entry.against.mean, entry.unit) + known


def _minus_cell(entry: Endpoint) -> Cell:
    return (f"{_minus(entry) or numbers.ABSENT} ", names.support(entry.against or None))


def relapse_tables(result: RunResult) -> list[Table | Paragraph]:
    """Return Kaplan-Meier times to relapse of all and of each model alone, numbers at risk, and what they rest on."""
    rows: list[Row] = []
    notes: dict[str, None] = {}
    for name, arm in result.arms.items():
        parts = [(result.models.pain, arm), *(arm.by_model.items() if arm.by_model else ())]
        for place, (model, part) in enumerate(parts):
            entry = part.time_to_relapse
            notes[entry.note] = None
            share, excess = numbers.amount(entry.in_remission, "share"), _minus(part.endpoint(REMISSION))
            remission = share + (f"; minus placebo {excess}" if excess else "")
            mean, limit, day_0 = entry.restricted_mean, entry.restricted_to, entry.from_day_0.median
            restricted = (
                numbers.ABSENT if mean is None else " of ".join(numbers.amount(d, "days") for d in (mean, limit))
            )
            times = _median_cell(entry)[:2], numbers.amount(day_0, "days"), restricted
            cells = (names.pain_model(model), remission, *times, names.support(entry))
            rows.append(Row(names.arm_name(name), cells, "second" if place else ""))
    explained = (
        "Days from the end of the course, in patients who had a remission; Kaplan–Meier. "
        f"{names.endpoint_name(REMISSION)}."
    )
    heads = ("Arm", "Pain model", "In remission", "Median (90 % interval)", "Median from day 0", "Restricted mean")
    table = Table.of("Time to relapse", (*heads, "Support"), rows, title=("Time to relapse ", Note(explained)))
    return [table, *(Paragraph(note, "small") for note in notes), *_at_risk(result)]


def _median_cell(entry: TimeToRelapse) -> Cell:
    median = numbers.amount(entry.median, "days")
    if entry.median is None and entry.in_remission:
        median = f"not reached in {numbers.amount(entry.restricted_to, 'days')}"
    interval = numbers.interval(entry.median_interval, "days", "not reached")
    known = "" if interval == numbers.ABSENT else f" ({interval})"
    return Strong(median), f"{known} ", names.support(entry)


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
