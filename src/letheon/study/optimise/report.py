"""What a search found, as a document and as tables: the front, how sure it is, and published regimens beside it."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from letheon._version import __version__
from letheon.definitions import SEARCH_NOTICE
from letheon.files import write
from letheon.patients.uncertainty import DRAWS
from letheon.pipeline.labels import support_of
from letheon.pipeline.support import interval_of_mean
from letheon.scenario import Arm, Scenario
from letheon.scenario.measures import Measure, measure_of
from letheon.scenario.search import Constraint, Goal, Search
from letheon.study.optimise.document import (
    Budget,
    ConstraintReport,
    FrontEntry,
    GoalReport,
    MeasureReport,
    ModelsReport,
    PlaceboEntry,
    PublishedEntry,
    Searched,
    SearchReport,
    VariableReport,
)
from letheon.study.optimise.evaluation import Found
from letheon.study.optimise.front import beaten, chance_on_front, on_front

__all__ = ["Entry", "Limit", "limits_of", "report_of", "write_tables"]

_DIGITS = 6  # as in the document of a run
_INTERVAL = (
    "mean_interval is the 90 % interval of the mean over draws of the parameters; chance_on_front is the share of these"
    " draws under which no other regimen here is at least as good in all goals and better in one"
)
_BOUNDS = {"NRS": (0.0, 10.0), "share": (0.0, 1.0), "%": (0.0, 100.0)}


@dataclass(frozen=True, slots=True)
class Entry:
    """A regimen that was simulated."""

    kind: str  # ``candidate``, ``arm`` (of the scenario), ``study`` (of the library) or ``placebo``
    name: str  # what it is known by
    arm: Arm
    found: Found
    # what it writes where the search may vary; empty for others than candidates
    values: Mapping[str, str] = field(default_factory=dict)


def _rounded(value: float) -> float | None:
    if not math.isfinite(value):
        return None
    return float(f"{value:.{_DIGITS}g}") + 0.0


def measured(entry: Entry, sham: Entry | None = None) -> dict[str, MeasureReport]:
    """Return each measure of a regimen; of pain and relief also the difference from a placebo in the same patients."""
    reports = {}
    for name, mean in entry.found.mean.items():
        measure = measure_of(name)
        assert measure is not None
        low, high = _BOUNDS.get(measure.unit, (0.0, math.inf))
        interval = _interval(mean, entry.found.draws[name], low, high)
        difference = difference_interval = None
        if sham is not None and (measure.larger or measure.unit == "NRS"):
            difference = mean - sham.found.mean[name]
            difference_interval = _interval(difference, entry.found.draws[name] - sham.found.draws[name], -high, high)
            difference = _rounded(difference)
        reports[name] = MeasureReport(
            mean=_rounded(mean),
            mean_interval=interval,
            unit=measure.unit,
            minus_placebo=difference,
            minus_placebo_interval=difference_interval,
        )
    return reports


def _interval(mean: float, draws: np.ndarray, lowest: float, highest: float) -> tuple[float | None, float | None]:
    low, high = interval_of_mean(mean, draws, (lowest, highest))
    return _rounded(float(low)), _rounded(float(high))


def _costs(
    search: Search, entries: Sequence[Entry], measures: Sequence[Measure] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return costs of the goals, or of other measures: in the mean (regimen, goal), by draw (regimen, draw, goal)."""
    asked = [goal.measure for goal in search.goals] if measures is None else measures
    signs = [(-1.0 if measure.larger else 1.0, measure.name) for measure in asked]
    mean = [[sign * entry.found.mean[name] for sign, name in signs] for entry in entries]
    draws = [np.stack([sign * entry.found.draws[name] for sign, name in signs], axis=-1) for entry in entries]
    return np.array(mean, float).reshape(len(entries), len(signs)), np.array(draws)


class Limit(NamedTuple):
    """A constraint with its limits in numbers, in the mean and under each draw."""

    measure: str
    low: float  # of the mean; infinite for none
    high: float
    low_draws: np.ndarray  # (draw,): limits taken from an arm differ from draw to draw
    high_draws: np.ndarray

    def excess(self, mean: float) -> float:
        """Return by how much a mean breaks the limits, relative to them."""
        scale = max(abs(limit) for limit in (self.low, self.high, 1e-9) if math.isfinite(limit))
        return max(self.low - mean, mean - self.high) / scale


def limits_of(search: Search, arms: Mapping[str, Found]) -> list[Limit]:
    """Return the constraints of a search in numbers."""

    def edge(measure: str, limit: float | str | None, none: float) -> tuple[float, np.ndarray]:
        if isinstance(limit, str):
            return arms[limit].mean[measure], arms[limit].draws[measure]
        value = none if limit is None else limit
        return value, np.full(DRAWS, value)

    out = []
    for limit in search.constraints:
        name = limit.measure.name
        (low, low_draws), (high, high_draws) = edge(name, limit.at_least, -np.inf), edge(name, limit.at_most, np.inf)
        out.append(Limit(name, low, high, low_draws, high_draws))
    return out


def _feasible(limits: Sequence[Limit], entries: Sequence[Entry]) -> tuple[np.ndarray, np.ndarray]:
    """Return which regimens keep all constraints, in the mean and by draw."""
    mean = np.ones(len(entries), bool)
    by_draw = np.ones((len(entries), DRAWS), bool)
    for limit in limits:
        means = np.array([entry.found.mean[limit.measure] for entry in entries])
        draws = np.array([entry.found.draws[limit.measure] for entry in entries]).reshape(len(entries), DRAWS)
        mean &= (means >= limit.low) & (means <= limit.high)
        by_draw &= (draws >= limit.low_draws) & (draws <= limit.high_draws)
    return mean, by_draw


class _Standing:
    """Where each regimen stands: in the mean, and under each draw of the parameters."""

    def __init__(
        self, search: Search, limits: Sequence[Limit], entries: Sequence[Entry], others: Sequence[Entry]
    ) -> None:
        drugs = {entry.arm.drug for entry in entries}
        rivals = [entry for entry in others if entry.kind != "placebo" and entry.arm.drug in drugs]
        pool = [*entries, *rivals]
        mean, draws = _costs(search, pool)
        feasible, by_draw = _feasible(limits, pool)
        front = on_front(mean, feasible)
        chance = chance_on_front(draws, by_draw) if pool else np.zeros(0)
        self.front = {entry.name: bool(front[i]) for i, entry in enumerate(pool)}
        self.chance = {entry.name: float(chance[i]) for i, entry in enumerate(pool)}
        self.feasible = {entry.name: bool(feasible[i]) for i, entry in enumerate(pool)}
        self.chance_feasible = {entry.name: float(by_draw[i].mean()) for i, entry in enumerate(pool)}


def _ordered(search: Search, entries: Sequence[Entry], standing: _Standing) -> list[Entry]:
    """Return the front, best in the first goal first; of regimens with the same worth the first that was asked."""
    mean, _ = _costs(search, entries)
    seen: set[tuple] = set()
    front = []
    for row, entry in zip(mean, entries, strict=True):
        if standing.front[entry.name] and tuple(row) not in seen:
            seen.add(tuple(row))
            front.append((tuple(row), entry))
    return [entry for _, entry in sorted(front, key=lambda pair: pair[0])]


def _beaten_by(
    search: Search, limits: Sequence[Limit], other: Entry, entries: Sequence[Entry], ordered: Sequence[Entry]
) -> tuple[tuple[str, ...], tuple[int, ...], float | None]:
    """Tell on which measures a published regimen is compared, which of the front beat it, and the chance that any does.

    What is limited counts here as well as the goals: a regimen with twice the relief is not beaten by a shorter one.
    """
    same = other.arm.drug in {entry.arm.drug for entry in entries}
    asked = {x.measure.name: x.measure for x in (*search.goals, *search.constraints)}
    if not same:
        asked.pop("dose_mg", None)  # milligrams of different drugs cannot be held against each other
    measures = list(asked.values())
    if not measures or not entries:
        return tuple(asked), (), None
    _, draws = _costs(search, [other, *entries], measures)
    front_mean, _ = _costs(search, [other, *ordered], measures)
    _, by_draw = _feasible(limits, entries)
    beats = beaten(front_mean[:1], front_mean[1:])[0] if ordered else np.zeros(0, bool)
    share = np.mean(
        [bool((beaten(draws[:1, d], draws[1:, d])[0] & by_draw[:, d]).any()) for d in range(draws.shape[1])]
    )
    numbers = tuple(place for place, yes in enumerate(beats, start=1) if yes)
    return tuple(asked), numbers, _rounded(float(share))


def report_of(
    scenario: Scenario,
    search: Search,
    limits: Sequence[Limit],
    entries: Sequence[Entry],
    others: Sequence[Entry],
    skipped: Mapping[str, str],
) -> tuple[SearchReport, list[Entry], list[dict[str, Any]]]:
    """Return the document of a search of candidates (`entries`), its front, and a row for each regimen."""
    standing = _Standing(search, limits, entries, others)
    sham = next((entry for entry in others if entry.kind == "placebo"), None)
    ordered = _ordered(search, entries, standing)
    published = [entry for entry in others if entry.kind != "placebo"]
    models = scenario.models
    report = SearchReport(
        letheon=__version__,
        notice=SEARCH_NOTICE,
        title=scenario.title,
        seed=scenario.seed,
        n_patients=scenario.population.n,
        follow_up_days=scenario.follow_up_h / 24,
        models=ModelsReport(pain=models.pain, pk=models.pk, flares=models.flares),
        arm=search.arm,
        variables=tuple(
            VariableReport(path=v.path, also=tuple(v.also), values=len(v.values), first=v.values[0], last=v.values[-1])
            for v in search.variables
        ),
        goals=tuple(map(_goal, search.goals)),
        constraints=tuple(map(_constraint, search.constraints, limits)),
        budget=Budget(candidates=search.candidates, patients=search.patients),
        searched=Searched(candidates=len(entries), of=search.size, whole=search.size <= search.candidates),
        interval=_INTERVAL,
        front=tuple(_front(scenario, standing, place, entry, sham) for place, entry in enumerate(ordered, start=1)),
        published=tuple(_published(search, limits, standing, entry, sham, entries, ordered) for entry in published),
        placebo=tuple(
            PlaceboEntry(name=_short(entry), measures=measured(entry)) for entry in others if entry.kind == "placebo"
        ),
        skipped=dict(skipped),
    )
    places = {entry.name: place for place, entry in enumerate(ordered, start=1)}
    rows = [_row(search, standing, places.get(entry.name, 0), entry) for entry in (*entries, *others)]
    return report, ordered, rows


def _short(entry: Entry) -> str:
    return entry.name.split(":", 1)[-1]


def _goal(goal: Goal) -> GoalReport:
    direction = "maximise" if goal.maximise else "minimise"
    return GoalReport(measure=goal.measure.name, direction=direction, unit=goal.measure.unit, means=goal.measure.means)


def _constraint(constraint: Constraint, limit: Limit) -> ConstraintReport:
    return ConstraintReport(
        measure=limit.measure,
        at_least=_rounded(limit.low),
        at_most=_rounded(limit.high),
        of=tuple(edge for edge in (constraint.at_least, constraint.at_most) if isinstance(edge, str)),
        unit=constraint.measure.unit,
    )


def _front(scenario: Scenario, standing: _Standing, place: int, entry: Entry, sham: Entry | None) -> FrontEntry:
    # of a choice between regimens, which no trial looked at
    support = support_of(scenario, entry.arm, "choice", (0.0, scenario.follow_up_h / 24), pain=scenario.models.pain)
    return FrontEntry(
        number=place,
        file=f"front/{place:02d}.yaml",
        drug=entry.arm.drug,
        values=dict(entry.values),
        measures=measured(entry, sham),
        chance_on_front=_rounded(standing.chance[entry.name]),
        chance_feasible=_rounded(standing.chance_feasible[entry.name]),
        support=support.label,
        basis=tuple(support.studies),
    )


def _published(
    search: Search,
    limits: Sequence[Limit],
    standing: _Standing,
    entry: Entry,
    sham: Entry | None,
    entries: Sequence[Entry],
    ordered: Sequence[Entry],
) -> PublishedEntry:
    compared, numbers, chance = _beaten_by(search, limits, entry, entries, ordered)
    return PublishedEntry(
        kind=entry.kind,
        name=_short(entry),
        drug=entry.arm.drug,
        measures=measured(entry, sham),
        chance_on_front=standing.chance.get(entry.name),
        feasible=bool(_feasible(limits, [entry])[0][0]),
        compared_on=compared,
        beaten_by=numbers,
        chance_beaten=chance,
    )


def _row(search: Search, standing: _Standing, place: int, entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": entry.kind, "name": _short(entry), "drug": entry.arm.drug, "front": place}
    row |= {"feasible": standing.feasible.get(entry.name), "chance_on_front": standing.chance.get(entry.name)}
    row |= {"chance_feasible": standing.chance_feasible.get(entry.name)}
    row |= {variable.path: entry.values.get(variable.path) for variable in search.variables}
    for name, report in measured(entry).items():
        row |= {name: report.mean, f"{name}_lo": report.mean_interval[0], f"{name}_hi": report.mean_interval[1]}
    return row


def write_tables(rows: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Write the table as ``candidates.csv`` and ``candidates.parquet``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = list(rows[0]) if rows else []
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write(folder / "candidates.csv", text.getvalue())
    table = pa.table({name: pa.array([row[name] for row in rows]) for name in names})
    write(folder / "candidates.parquet", lambda file: pq.write_table(table, file, compression="zstd"))
