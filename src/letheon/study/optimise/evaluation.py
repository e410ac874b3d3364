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
from letheon.patients.uncertainty import DRAWS
from letheon.pipeline import ArmTotals, plan_arms
from letheon.runs.engine import run_arms
from letheon.scenario import Arm, Scenario

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
    draws: dict[str, np.ndarray]  # (draw,): mean over the people of the uncertainty bank under each parameter draw


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
        return [self._evaluation(arm, totals[f"arm_{number}"]) for number, arm in enumerate(arms)]

    def _evaluation(self, arm: Arm, totals: ArmTotals) -> Evaluation:
        mean, draws = {}, {}
        for name in self.measures:
            values, by_draw = _measured(name, arm, totals)
            mean[name] = _rounded(float(np.mean(values)))
            draws[name] = np.array([_rounded(float(value)) for value in by_draw])
        return Evaluation(mean, draws)


def _measured(name: str, arm: Arm, totals: ArmTotals) -> tuple[np.ndarray, np.ndarray]:
    """Return a measure by patient and by draw."""
    column = _COLUMNS.get(name, name)
    if column in totals.columns:
        scale = 1.0 / (totals.plan.days / 365.25) if name == "boosters" else 1.0
        return totals.columns[column] * scale, totals.bank_columns[column] * scale
    # what a timetable gives is the same for everybody
    same = {"hours": _hours, "dosing_days": _dosing_days}.get(name, lambda _: 0.0)(arm)
    return np.array([same]), np.full(DRAWS, same)


def _hours(arm: Arm) -> float:
    schedule = arm.regimen.schedule()
    return sum(hours for terms, hours in zip(schedule.terms, schedule.durations_h, strict=True) if terms)


def _dosing_days(arm: Arm) -> float:
    return 0.0 if arm.drug == "placebo" else float(len(arm.regimen.dosing_days()))


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
                evaluation = Evaluation(row["mean"], {name: np.array(values) for name, values in row["draws"].items()})
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
            json.dumps({"regimen": name, "mean": one.mean, "draws": {k: v.tolist() for k, v in one.draws.items()}})
            for name, one in evaluations.items()
        ]
        with disk_errors(self.path, "what is finished is kept: make room and run the same command again to continue."):
            append(self.path, "".join(f"{line}\n" for line in lines))
