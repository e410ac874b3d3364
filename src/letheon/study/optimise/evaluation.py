"""The measures of a regimen: many arms through the one pipeline, with the same people and draws for all of them.

All candidates are planned to common padded shapes, so that a program compiled for the first serves the last.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from letheon.files import append, disk_errors
from letheon.pipeline import ArmTotals, plan_arms
from letheon.pipeline.average import Means, weights_of
from letheon.runs.engine import run_arms
from letheon.scenario import Arm, Scenario
from letheon.scenario.measures import split_name

_DIGITS = 9  # kept of each number: the last of 16 may differ with the number of threads
_COLUMNS = {
    "hours": "drip_hours",
    "psychedelic_load": "harm_load",
    "psychedelic_hours": "harm_load_hours",
    "side_effects": "harm_elicited",
    "bladder_saturating": "harm_bladder_saturating_lost",
    "bladder_unsaturated": "harm_bladder_unsaturated_lost",
}


class Evaluation(NamedTuple):
    """The measures of a simulated regimen, by name."""

    mean: dict[str, float]  # over the virtual patients: what `letheon simulate` reports
    # (mechanism x draw,): mean over the people of the uncertainty bank under each mechanism and parameter draw
    draws: dict[str, np.ndarray]
    population: dict[str, list[float]]  # (mechanism,): `mean` under each mechanism alone


class Evaluator:
    """Simulates regimens side by side and reads the named measures."""

    def __init__(self, scenario: Scenario, measures: Sequence[str]) -> None:
        self.scenario = scenario
        self.measures = tuple(dict.fromkeys(measures))
        self._largest: dict[tuple[str, int], tuple[int, Arm]] = {}

    def make_room(self, arms: Iterable[Arm]) -> None:
        """Plan for arms that are likely to be the longest, so that later ones fit the programs of the first."""
        for arm in arms:
            if arm.drug == "placebo":
                continue  # it runs the program of the arm that it is like
            (plan,) = plan_arms(replace(self.scenario, arms=(arm,)))
            for place, size in enumerate(_sizes(plan)):
                if size > self._largest.get((arm.drug, place), (0, arm))[0]:
                    self._largest[arm.drug, place] = (size, arm)

    def __call__(self, arms: Sequence[Arm]) -> list[Evaluation]:
        """Simulate arms."""
        self.make_room(arms)
        room = {id(arm): arm for _, arm in self._largest.values()}.values()
        planned = (*arms, *room)
        names = {arm.name: f"arm_{number}" for number, arm in reversed(list(enumerate(planned)))}
        named = tuple(
            replace(arm, name=f"arm_{number}", like=names[arm.like] if arm.like else None)
            for number, arm in enumerate(planned)
        )
        plans = plan_arms(replace(self.scenario, arms=named))[: len(arms)]
        totals = run_arms(replace(self.scenario, arms=named[: len(arms)]), plans, None, None)
        return [self._evaluation(totals[f"arm_{number}"]) for number in range(len(arms))]

    def _evaluation(self, totals: ArmTotals) -> Evaluation:
        weights = weights_of(self.scenario.models.pain)
        mean, draws, population = {}, {}, {}
        for name in self.measures:
            means = _measured(name, totals, weights).over(len(weights))
            mean[name] = _rounded(means.mean)
            draws[name] = np.array([_rounded(float(value)) for value in np.concatenate(means.draws)])
            population[name] = [_rounded(one) for one in means.population]
        return Evaluation(mean, draws, population)


def _measured(name: str, totals: ArmTotals, weights: Mapping[str, float]) -> Means:
    """Return a measure in the mean and by draw, under each mechanism that it depends on."""
    model, bare = split_name(name)
    pool = totals.pool(_COLUMNS.get(bare, bare), {model: 1.0} if model else weights)
    if bare == "boosters":
        scale = 1.0 / (totals.plan.days / 365.25)
        pool = pool._replace(values=tuple(v * scale for v in pool.values), draws=tuple(d * scale for d in pool.draws))
    return pool.means


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}") + 0.0


def _sizes(node: object, numbers: bool = False) -> tuple[int, ...]:
    """Return the lengths of all arrays in a plan, and the numbers that decide its program: whatever it is made of."""
    if isinstance(node, np.ndarray):
        return node.shape
    if isinstance(node, int):
        return (node,) if numbers else ()
    if isinstance(node, tuple):
        return tuple(size for part in node for size in _sizes(part, numbers))
    if is_dataclass(node):
        inside = numbers or type(node).__name__ == "Structure"
        return tuple(size for part in fields(node) for size in _sizes(getattr(node, part.name), inside))
    return ()


class ResultLog:
    """Evaluations by regimen, in a file that grows by a line for each; a line that a stop cut off is left out."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.evaluations: dict[str, Evaluation] = {}
        if path is not None and path.is_file():
            self._read(path)

    def _read(self, path: Path) -> None:
        whole = 0
        data = path.read_bytes()
        for line in data.splitlines(keepends=True):
            try:
                row: dict[str, Any] = json.loads(line)
                draws = {name: np.array(values) for name, values in row["draws"].items()}
                evaluation = Evaluation(row["mean"], draws, row["population"])
            except (ValueError, KeyError, TypeError, AttributeError):
                break
            if not line.endswith(b"\n"):
                break
            self.evaluations[row["regimen"]] = evaluation
            whole += len(line)
        if whole < len(data):
            with path.open("r+b") as file:
                file.truncate(whole)

    def add(self, evaluations: Mapping[str, Evaluation]) -> None:
        """Keep the evaluations of some regimens."""
        self.evaluations.update(evaluations)
        if self.path is None:
            return
        lines = [
            json.dumps({"regimen": name, **one._asdict(), "draws": {k: v.tolist() for k, v in one.draws.items()}})
            for name, one in evaluations.items()
        ]
        with disk_errors(self.path, "what is finished is kept: make room and run the same command again to continue."):
            append(self.path, "".join(f"{line}\n" for line in lines))
