"""A search as a document and as tables: the front, how sure it is, and published regimens beside it."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import NamedTuple

import numpy as np

from letheon._version import __version__
from letheon.definitions import SEARCH_NOTICE
from letheon.files import write
from letheon.patients.uncertainty import DRAWS
from letheon.pipeline.average import Means, weights_of
from letheon.pipeline.labels import Support, support_of
from letheon.scenario import Arm, Scenario
from letheon.scenario.measures import Measure, measure_of
from letheon.scenario.search import Constraint, Goal, Search
from letheon.study.optimise import document as records
from letheon.study.optimise.evaluation import Evaluation
from letheon.study.optimise.front import beaten, chance_on_front, on_front

_DIGITS = 6  # as in the document of a run
_INTERVAL = (
    "mean_interval is the 90 % interval of the mean over draws of the parameters; chance_on_front is the share of these"
    " draws, by the weights of their pain models, under which no other regimen here is at least as good in all goals"
    " and better in one"
)
_BOUNDS = {"NRS": (0.0, 10.0), "share": (0.0, 1.0), "%": (0.0, 100.0)}
Row = dict[str, str | float | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A regimen that was simulated."""

    kind: str  # ``candidate``, ``arm`` (of the scenario), ``study`` (of the library) or ``placebo``
    name: str  # what it is known by
    arm: Arm
    evaluation: Evaluation
    # what it writes where the search may vary; empty for others than candidates
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The name without its kind."""
        return self.name.split(":", 1)[-1]


def _rounded(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") + 0.0 if math.isfinite(value) else None


def _measures(entry: Entry, weights: Sequence[float], sham: Entry | None = None) -> dict[str, records.MeasureReport]:
    """Return each measure of a regimen; of pain and relief also the difference from a placebo in the same patients."""
    reports = {}
    for name, mean in entry.evaluation.mean.items():
        measure, own = measure_of(name), _means(entry, name, weights)
        assert measure is not None
        low, high = _BOUNDS.get(measure.unit, (0.0, math.inf))
        difference = difference_interval = None
        if sham is not None and (measure.larger or measure.unit == "NRS"):
            apart = own.minus(_means(sham, name, weights))
            difference_interval = _interval(apart, -high, high)
            difference = _rounded(mean - sham.evaluation.mean[name])
        reports[name] = records.MeasureReport(
            mean=_rounded(mean),
            mean_interval=_interval(own, low, high),
            unit=measure.unit,
            minus_placebo=difference,
            minus_placebo_interval=difference_interval,
        )
    return reports


def _means(entry: Entry, name: str, weights: Sequence[float]) -> Means:
    population, draws = entry.evaluation.population[name], entry.evaluation.draws[name]
    return Means(tuple(weights), tuple(population), tuple(np.split(draws, len(weights))))


def _interval(means: Means, lowest: float, highest: float) -> tuple[float | None, float | None]:
    low, high = means.interval((lowest, highest))
    return _rounded(low), _rounded(high)


def _costs(entries: Sequence[Entry], measures: Sequence[Measure]) -> tuple[np.ndarray, np.ndarray]:
    """Return measures as costs: in the mean (regimen, measure), and by draw (regimen, draw, measure)."""
    signs = [(-1.0 if measure.larger else 1.0, measure.name) for measure in measures]
    mean = [[sign * entry.evaluation.mean[name] for sign, name in signs] for entry in entries]
    draws = [np.stack([sign * entry.evaluation.draws[name] for sign, name in signs], axis=-1) for entry in entries]
    return np.array(mean, float).reshape(len(entries), len(signs)), np.array(draws)


class Limit(NamedTuple):
    """A constraint with its limits in numbers, in the mean and under each draw."""

    measure: str
    low: float  # of the mean; infinite for none
    high: float
    low_draws: np.ndarray  # (draw,), or (1,) for all: limits taken from an arm differ from draw to draw
    high_draws: np.ndarray

    def excess(self, mean: float) -> float:
        """Return by how much a mean breaks the limits, relative to them."""
        scale = max(abs(limit) for limit in (self.low, self.high, 1e-9) if math.isfinite(limit))
        return max(self.low - mean, mean - self.high) / scale


def limits_of(search: Search, arms: Mapping[str, Evaluation]) -> list[Limit]:
    """Return the constraints of a search in numbers, those taken from an arm too."""

    def edge(measure: str, limit: float | str | None, none: float) -> tuple[float, np.ndarray]:
        if isinstance(limit, str):
            return arms[limit].mean[measure], arms[limit].draws[measure]
        value = none if limit is None else limit
        return value, np.array([value])

    limits = []
    for constraint in search.constraints:
        name = constraint.measure.name
        low, low_draws = edge(name, constraint.at_least, -np.inf)
        high, high_draws = edge(name, constraint.at_most, np.inf)
        limits.append(Limit(name, low, high, low_draws, high_draws))
    return limits


def _feasible(limits: Sequence[Limit], entries: Sequence[Entry]) -> tuple[np.ndarray, np.ndarray]:
    """Return which regimens keep all constraints, in the mean (regimen,) and by draw (regimen, draw)."""
    mean = np.ones(len(entries), bool)
    count = next((len(draws) for entry in entries for draws in entry.evaluation.draws.values()), DRAWS)
    by_draw = np.ones((len(entries), count), bool)
    for limit in limits:
        means = np.array([entry.evaluation.mean[limit.measure] for entry in entries])
        draws = np.array([entry.evaluation.draws[limit.measure] for entry in entries]).reshape(len(entries), count)
        mean &= (means >= limit.low) & (means <= limit.high)
        by_draw &= (draws >= limit.low_draws) & (draws <= limit.high_draws)
    return mean, by_draw


class _Standing(NamedTuple):
    """Where a regimen stands among the others."""

    front: bool  # in the mean
    feasible: bool
    chance: float  # of standing on the front, over the draws of the parameters
    chance_feasible: float


class Comparison:
    """The regimens of a search side by side: candidates (`entries`), and published ones and placebos (`others`)."""

    def __init__(
        self,
        scenario: Scenario,
        search: Search,
        limits: Sequence[Limit],
        entries: Sequence[Entry],
        others: Sequence[Entry],
    ) -> None:
        self.scenario, self.search, self.limits, self.entries, self.others = scenario, search, limits, entries, others
        self.weights = tuple(weights_of(scenario.models.pain).values())
        self.by_draw = np.repeat(self.weights, DRAWS) / DRAWS  # weights of the draws
        self.goals = [goal.measure for goal in search.goals]
        self.drugs = {entry.arm.drug for entry in entries}
        self.published = [entry for entry in others if entry.kind != "placebo"]
        self.shams = [entry for entry in others if entry.kind == "placebo"]
        self.standing = self._standing()
        self.front = self._front()

    def _standing(self) -> dict[str, _Standing]:
        pool = [*self.entries, *(entry for entry in self.published if entry.arm.drug in self.drugs)]
        mean, draws = _costs(pool, self.goals)
        feasible, by_draw = _feasible(self.limits, pool)
        front = on_front(mean, feasible)
        chance = chance_on_front(draws, by_draw, self.by_draw) if pool else np.zeros(0)
        return {
            entry.name: _Standing(bool(front[i]), bool(feasible[i]), float(chance[i]), float(by_draw[i] @ self.by_draw))
            for i, entry in enumerate(pool)
        }

    def _front(self) -> list[Entry]:
        """Return the front, best in the first goal first; of regimens with equal costs the first that was tried."""
        mean, _ = _costs(self.entries, self.goals)
        front: dict[tuple[float, ...], Entry] = {}
        for row, entry in zip(mean, self.entries, strict=True):
            if self.standing[entry.name].front:
                front.setdefault(tuple(row), entry)
        return [front[costs] for costs in sorted(front)]

    def _beaten_by(self, other: Entry) -> tuple[tuple[str, ...], tuple[int, ...], float | None]:
        """Tell on which measures a published regimen is compared, which of the front beat it, and the chance that any
        candidate does.

        Limits count here as well as goals: a regimen with twice the relief is not beaten by a shorter one.
        """
        compared = {part.measure.name: part.measure for part in (*self.search.goals, *self.search.constraints)}
        if other.arm.drug not in self.drugs:
            compared.pop("dose_mg", None)  # milligrams of different drugs cannot be held against each other
        measures = list(compared.values())
        if not measures or not self.entries:
            return tuple(compared), (), None
        _, draws = _costs([other, *self.entries], measures)
        front_mean, _ = _costs([other, *self.front], measures)
        _, by_draw = _feasible(self.limits, self.entries)
        beats = beaten(front_mean[:1], front_mean[1:])[0] if self.front else np.zeros(0, bool)
        hits = [(beaten(draws[:1, d], draws[1:, d])[0] & by_draw[:, d]).any() for d in range(draws.shape[1])]
        numbers = tuple(place for place, yes in enumerate(beats, start=1) if yes)
        return tuple(compared), numbers, _rounded(float(np.array(hits) @ self.by_draw))

    def document(self, skipped: Mapping[str, str]) -> records.SearchReport:
        """Return the document of the search; `skipped` says why published regimens were left out."""
        scenario, search, models = self.scenario, self.search, self.scenario.models
        return records.SearchReport(
            letheon=__version__,
            notice=SEARCH_NOTICE,
            title=scenario.title,
            seed=scenario.seed,
            n_patients=scenario.population.n,
            follow_up_days=scenario.follow_up_h / 24,
            models=records.ModelsReport(pain=models.pain, pk=models.pk, flares=models.flares),
            arm=search.arm,
            variables=tuple(
                records.VariableReport(v.path, tuple(v.also), len(v.values), v.values[0], v.values[-1])
                for v in search.variables
            ),
            goals=tuple(map(_goal, search.goals)),
            constraints=tuple(map(_constraint, search.constraints, self.limits)),
            budget=records.Budget(candidates=search.candidates, patients=search.patients),
            searched=records.Searched(
                candidates=len(self.entries), of=search.size, whole=search.size <= search.candidates
            ),
            interval=_INTERVAL,
            front=tuple(self._front_entry(place, entry) for place, entry in enumerate(self.front, start=1)),
            published=tuple(map(self._published_entry, self.published)),
            placebo=tuple(records.PlaceboEntry(entry.label, _measures(entry, self.weights)) for entry in self.shams),
            skipped=dict(skipped),
        )

    def _front_entry(self, place: int, entry: Entry) -> records.FrontEntry:
        # of a choice between regimens, which no trial looked at
        days, models = (0.0, self.scenario.follow_up_h / 24), weights_of(self.scenario.models.pain)
        support = reduce(
            Support.weaker, (support_of(self.scenario, entry.arm, "choice", days, pain=pain) for pain in models)
        )
        standing = self.standing[entry.name]
        return records.FrontEntry(
            number=place,
            file=f"front/{place:02d}.yaml",
            drug=entry.arm.drug,
            values=dict(entry.values),
            measures=_measures(entry, self.weights, next(iter(self.shams), None)),
            chance_on_front=_rounded(standing.chance),
            chance_feasible=_rounded(standing.chance_feasible),
            support=support.label,
            basis=tuple(support.studies),
        )

    def _published_entry(self, entry: Entry) -> records.PublishedEntry:
        compared, numbers, chance = self._beaten_by(entry)
        standing = self.standing.get(entry.name)
        return records.PublishedEntry(
            kind=entry.kind,
            name=entry.label,
            drug=entry.arm.drug,
            measures=_measures(entry, self.weights, next(iter(self.shams), None)),
            chance_on_front=standing.chance if standing else None,
            feasible=bool(_feasible(self.limits, [entry])[0][0]),
            compared_on=compared,
            beaten_by=numbers,
            chance_beaten=chance,
        )

    def table(self) -> list[Row]:
        """Return a row for every regimen that was simulated."""
        places = {entry.name: place for place, entry in enumerate(self.front, start=1)}
        return [self._row(entry, places.get(entry.name, 0)) for entry in (*self.entries, *self.others)]

    def _row(self, entry: Entry, place: int) -> Row:
        row: Row = {"kind": entry.kind, "name": entry.label, "drug": entry.arm.drug, "front": place}
        standing = self.standing.get(entry.name)
        row["feasible"] = standing.feasible if standing else None
        row["chance_on_front"] = standing.chance if standing else None
        row["chance_feasible"] = standing.chance_feasible if standing else None
        row |= {variable.path: entry.values.get(variable.path) for variable in self.search.variables}
        for name, report in _measures(entry, self.weights).items():
            row |= {name: report.mean, f"{name}_lo": report.mean_interval[0], f"{name}_hi": report.mean_interval[1]}
        return row


def _goal(goal: Goal) -> records.GoalReport:
    direction = "maximise" if goal.maximise else "minimise"
    return records.GoalReport(goal.measure.name, direction, goal.measure.unit, goal.measure.means)


def _constraint(constraint: Constraint, limit: Limit) -> records.ConstraintReport:
    return records.ConstraintReport(
        measure=limit.measure,
        at_least=_rounded(limit.low),
        at_most=_rounded(limit.high),
        of=tuple(edge for edge in (constraint.at_least, constraint.at_most) if isinstance(edge, str)),
        unit=constraint.measure.unit,
    )


def write_tables(rows: Sequence[Row], folder: Path) -> None:
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
