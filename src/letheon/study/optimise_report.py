"""What a search found, as a document and as tables: the front, how sure it is, and published regimens beside it."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from letheon._version import __version__
from letheon.patients.uncertainty import DRAWS
from letheon.pipeline.labels import support_of
from letheon.pipeline.support import interval_of_mean
from letheon.runs.folder import written
from letheon.scenario import Arm, Scenario
from letheon.scenario.measures import Measure, measure_of
from letheon.scenario.search import Search
from letheon.study.optimise_front import beaten, chance_on_front, on_front
from letheon.study.optimise_runs import Found

__all__ = ["NOTICE", "Entry", "Limit", "document_of", "limits_of", "table_of", "write_tables"]

NOTICE = "This designs studies, not treatments: for research and education only, and no advice about a person."
_DIGITS = 6  # as in the document of a run
_INTERVAL = (
    "mean_interval is the 90 % interval of the mean over draws of the parameters; chance_on_front is the share of these"
    " draws under which no other regimen here is at least as good in all goals and better in one"
)
_BOUNDS = {"NRS": (0.0, 10.0), "share": (0.0, 1.0), "%": (0.0, 100.0)}


@dataclass(frozen=True, slots=True)
class Entry:
    """A regimen that was simulated.

    Attributes
    ----------
    kind : str
        ``candidate``, ``arm`` (of the scenario), ``study`` (of the library) or ``placebo``.
    name : str
        What it is known by.
    arm : Arm
        The regimen.
    found : Found
        What was found.
    values : dict of str to str
        What it writes where the search may vary; empty for others than candidates.
    """

    kind: str
    name: str
    arm: Arm
    found: Found
    values: Mapping[str, str] = field(default_factory=dict)


def _rounded(value: float) -> float | None:
    if not math.isfinite(value):
        return None
    return float(f"{value:.{_DIGITS}g}") + 0.0


def measured(entry: Entry, sham: Entry | None = None) -> dict[str, dict[str, Any]]:
    """Return mean, 90 % interval of the mean and unit of each measure of a regimen, and what of pain placebo has not.

    Parameters
    ----------
    entry : Entry
        The regimen.
    sham : Entry, optional
        Placebo, in the same patients and under the same draws.

    Returns
    -------
    dict of str to dict
        By measure.
    """
    out = {}
    for name, mean in entry.found.mean.items():
        measure = measure_of(name)
        assert measure is not None
        low, high = interval_of_mean(mean, entry.found.draws[name], _BOUNDS.get(measure.unit, (0.0, math.inf)))
        out[name] = {
            "mean": _rounded(mean),
            "mean_interval": [_rounded(float(low)), _rounded(float(high))],
            "unit": measure.unit,
        }
        if sham is not None and (measure.larger or measure.unit == "NRS"):
            difference = mean - sham.found.mean[name]
            apart = entry.found.draws[name] - sham.found.draws[name]
            reach = _BOUNDS.get(measure.unit, (0.0, math.inf))[1]
            low, high = interval_of_mean(difference, apart, (-reach, reach))
            out[name] |= {"minus_placebo": _rounded(difference)}
            out[name] |= {"minus_placebo_interval": [_rounded(float(low)), _rounded(float(high))]}
    return out


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
    """A constraint with its limits in numbers, in the mean and under each draw.

    Attributes
    ----------
    measure : str
        Of what.
    low, high : float
        Limits of the mean; infinite for none.
    low_draws, high_draws : array, shape (draw,)
        Limits under each draw: those of an arm differ from draw to draw.
    """

    measure: str
    low: float
    high: float
    low_draws: np.ndarray
    high_draws: np.ndarray

    def excess(self, mean: float) -> float:
        """Return by how much a mean breaks the limits, relative to them.

        Parameters
        ----------
        mean : float
            Mean of the measure.

        Returns
        -------
        float
            0 or less if it keeps them.
        """
        scale = max(abs(limit) for limit in (self.low, self.high, 1e-9) if math.isfinite(limit))
        return max(self.low - mean, mean - self.high) / scale


def limits_of(search: Search, arms: Mapping[str, Found]) -> list[Limit]:
    """Return the constraints of a search in numbers.

    Parameters
    ----------
    search : Search
        The search.
    arms : mapping of str to Found
        What was found of the arms of the scenario, by name.

    Returns
    -------
    list of Limit
        One for each constraint.
    """

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
) -> dict[str, Any]:
    """Tell which of the front beat a published regimen, and under how many draws any candidate does.

    What is limited counts here as well as the goals: a regimen with twice the relief is not beaten by a shorter one.
    """
    same = other.arm.drug in {entry.arm.drug for entry in entries}
    asked = {x.measure.name: x.measure for x in (*search.goals, *search.constraints)}
    if not same:
        asked.pop("dose_mg", None)  # milligrams of different drugs cannot be held against each other
    measures = list(asked.values())
    if not measures or not entries:
        return {"compared_on": list(asked), "beaten_by": [], "chance_beaten": None}
    _, draws = _costs(search, [other, *entries], measures)
    front_mean, _ = _costs(search, [other, *ordered], measures)
    _, by_draw = _feasible(limits, entries)
    beats = beaten(front_mean[:1], front_mean[1:])[0] if ordered else np.zeros(0, bool)
    share = np.mean(
        [bool((beaten(draws[:1, d], draws[1:, d])[0] & by_draw[:, d]).any()) for d in range(draws.shape[1])]
    )
    numbers = [place for place, yes in enumerate(beats, start=1) if yes]
    return {"compared_on": list(asked), "beaten_by": numbers, "chance_beaten": _rounded(float(share))}


def document_of(
    scenario: Scenario,
    search: Search,
    limits: Sequence[Limit],
    entries: Sequence[Entry],
    others: Sequence[Entry],
    skipped: Mapping[str, str],
) -> tuple[dict[str, Any], list[Entry]]:
    """Make the document of a search.

    Parameters
    ----------
    scenario : Scenario
        As it ran.
    search : Search
        What was asked.
    limits : sequence of Limit
        Its constraints in numbers.
    entries : sequence of Entry
        The candidates.
    others : sequence of Entry
        The scenario's own arms, and published regimens.
    skipped : mapping of str to str
        Studies whose regimens could not run here, and why.

    Returns
    -------
    document : dict
        The document of ``letheon optimise --json``: no path, date, duration or host.
    front : list of Entry
        The candidates of the front, in its order.
    """
    standing = _Standing(search, limits, entries, others)
    sham = next((entry for entry in others if entry.kind == "placebo"), None)
    ordered = _ordered(search, entries, standing)
    searched = {"candidates": len(entries), "of": search.size, "whole": search.size <= search.candidates}
    out = _asked(scenario, search, limits) | {
        "searched": searched,
        "interval": _INTERVAL,
        "front": [_front_entry(scenario, standing, place, entry, sham) for place, entry in enumerate(ordered, start=1)],
        "published": [
            {"kind": entry.kind, "name": entry.name.split(":", 1)[1], "drug": entry.arm.drug}
            | {"measures": measured(entry, sham), "chance_on_front": standing.chance.get(entry.name)}
            | {"feasible": bool(_feasible(limits, [entry])[0][0])}
            | _beaten_by(search, limits, entry, entries, ordered)
            for entry in others
            if entry.kind != "placebo"
        ],
        "placebo": [
            {"name": entry.name.split(":", 1)[1], "measures": measured(entry)}
            for entry in others
            if entry.kind == "placebo"
        ],
        "skipped": dict(skipped),
    }
    return out, ordered


def _front_entry(
    scenario: Scenario, standing: _Standing, place: int, entry: Entry, sham: Entry | None
) -> dict[str, Any]:
    return {
        "number": place,
        "file": f"front/{place:02d}.yaml",
        "drug": entry.arm.drug,
        "values": dict(entry.values),
        "measures": measured(entry, sham),
        "chance_on_front": _rounded(standing.chance[entry.name]),
        "chance_feasible": _rounded(standing.chance_feasible[entry.name]),
        # of a choice between regimens, which no trial looked at
        **support_of(
            scenario, entry.arm, "choice", (0.0, scenario.follow_up_h / 24), pain=scenario.models.pain
        ).document(),
    }


def _asked(scenario: Scenario, search: Search, limits: Sequence[Limit]) -> dict[str, Any]:
    """Return the part of the document that says what was asked."""
    models = scenario.models
    return {
        "letheon": __version__,
        "notice": NOTICE,
        "title": scenario.title,
        "seed": scenario.seed,
        "n_patients": scenario.population.n,
        "follow_up_days": scenario.follow_up_h / 24,
        "models": {"pain": models.pain, "pk": models.pk, "flares": models.flares},
        "arm": search.arm,
        "variables": [
            {"path": v.path, "also": list(v.also), "values": len(v.values), "from": v.values[0], "to": v.values[-1]}
            for v in search.variables
        ],
        "goals": [
            {"measure": g.measure.name, "direction": "maximise" if g.maximise else "minimise"}
            | {"unit": g.measure.unit, "means": g.measure.means}
            for g in search.goals
        ],
        "constraints": [
            {"measure": c.measure.name, "at_least": _rounded(limit.low), "at_most": _rounded(limit.high)}
            | {"of": [edge for edge in (c.at_least, c.at_most) if isinstance(edge, str)], "unit": c.measure.unit}
            for c, limit in zip(search.constraints, limits, strict=True)
        ],
        "budget": {"candidates": search.candidates, "patients": search.patients},
    }


def table_of(
    search: Search,
    limits: Sequence[Limit],
    entries: Sequence[Entry],
    others: Sequence[Entry],
    ordered: Sequence[Entry],
) -> list[dict[str, Any]]:
    """Make a row for each regimen that was simulated.

    Parameters
    ----------
    search : Search
        What was asked.
    limits : sequence of Limit
        Its constraints in numbers.
    entries, others : sequence of Entry
        Candidates, and other regimens.
    ordered : sequence of Entry
        The front.

    Returns
    -------
    list of dict
        Kind, name, place on the front (0 for none), values, and measures with their intervals.
    """
    standing = _Standing(search, limits, entries, others)
    places = {entry.name: place for place, entry in enumerate(ordered, start=1)}
    rows = []
    for entry in (*entries, *others):
        row: dict[str, Any] = {"kind": entry.kind, "name": entry.name.split(":", 1)[-1], "drug": entry.arm.drug}
        row |= {"front": places.get(entry.name, 0)}
        row |= {
            "feasible": standing.feasible.get(entry.name),
            "chance_on_front": standing.chance.get(entry.name),
            "chance_feasible": standing.chance_feasible.get(entry.name),
        }
        row |= {variable.path: entry.values.get(variable.path) for variable in search.variables}
        for name, told in measured(entry).items():
            row |= {name: told["mean"], f"{name}_lo": told["mean_interval"][0], f"{name}_hi": told["mean_interval"][1]}
        rows.append(row)
    return rows


def write_tables(rows: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Write the table as ``candidates.csv`` and ``candidates.parquet``.

    Parameters
    ----------
    rows : sequence of mapping
        From `table_of`.
    folder : Path
        Where.

    Raises
    ------
    RunError
        If the disk is full.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = list(rows[0]) if rows else []
    with written(folder / "candidates.csv") as file, file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    table = pa.table({name: pa.array([row[name] for row in rows]) for name in names})
    with written(folder / "candidates.parquet") as file:
        pq.write_table(table, file, compression="zstd")
