"""What a regimen is worth: many arms through the one pipeline, with the same people and draws for all of them.

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

__all__ = ["Bench", "Found", "Kept"]

_DIGITS = 9  # kept of each number: the last of 16 may differ with the number of threads
_COLUMNS = {
    "hours": "drip_hours",
    "psychedelic_load": "harm_load",
    "psychedelic_hours": "harm_load_hours",
    "side_effects": "harm_elicited",
    "bladder_saturating": "harm_bladder_saturating_lost",
    "bladder_unsaturated": "harm_bladder_unsaturated_lost",
}


class Found(NamedTuple):
    """What was found of a regimen."""

    mean: dict[str, float]  # mean over the virtual patients, by measure: what `letheon simulate` reports
    # (draw,): mean over the people of the uncertainty bank under each draw of the parameters
    draws: dict[str, np.ndarray]


class Bench:
    """Simulates regimens side by side."""

    def __init__(self, scenario: Scenario, measures: Sequence[str]) -> None:
        self.scenario = scenario
        self.measures = tuple(dict.fromkeys(measures))
        self._largest: dict[tuple, tuple[int, Arm]] = {}

    def make_room(self, arms: Iterable[Arm]) -> None:
        """Plan for arms that are likely to be the longest, so that later ones fit the programs of the first."""
        for arm in arms:
            if arm.drug == "placebo":
                continue  # it runs the program of the arm that it is like
            (plan,) = plan_arms(replace(self.scenario, arms=(arm,)))
            for place, size in enumerate(_sizes(plan)):
                if size > self._largest.get((arm.drug, place), (0, arm))[0]:
                    self._largest[arm.drug, place] = (size, arm)

    def __call__(self, arms: Sequence[Arm]) -> list[Found]:
        """Simulate arms."""
        self.make_room(arms)
        room = {id(arm): arm for _, arm in self._largest.values()}.values()
        both = (*arms, *room)
        names = {arm.name: f"arm_{number}" for number, arm in reversed(list(enumerate(both)))}
        named = tuple(
            replace(arm, name=f"arm_{number}", like=names[arm.like] if arm.like else None)
            for number, arm in enumerate(both)
        )
        plans = plan_arms(replace(self.scenario, arms=named))[: len(arms)]
        totals = run_arms(replace(self.scenario, arms=named[: len(arms)]), plans, None, None)
        return [self._found(arm, totals[f"arm_{number}"]) for number, arm in enumerate(arms)]

    def _found(self, arm: Arm, totals: ArmTotals) -> Found:
        mean, draws = {}, {}
        for name in self.measures:
            values, by_draw = _measured(name, arm, totals)
            mean[name] = _short(float(np.mean(values)))
            draws[name] = np.array([_short(float(value)) for value in by_draw])
        return Found(mean, draws)


def _measured(name: str, arm: Arm, totals: ArmTotals) -> tuple[np.ndarray, np.ndarray]:
    """Return a measure by patient and by draw."""
    years = totals.plan.days / 365.25
    column = _COLUMNS.get(name, name)
    if column in totals.columns:
        scale = 1.0 / years if name == "boosters" else 1.0
        return totals.columns[column] * scale, totals.bank_columns[column] * scale
    # what is given by a timetable is the same for everybody
    same = {"hours": _hours, "dosing_days": _dosing_days}.get(name, lambda _: 0.0)(arm)
    return np.array([same]), np.full(DRAWS, same)


def _hours(arm: Arm) -> float:
    schedule = arm.regimen.schedule()
    return sum(hours for terms, hours in zip(schedule.terms, schedule.durations_h, strict=True) if terms)


def _dosing_days(arm: Arm) -> float:
    return 0.0 if arm.drug == "placebo" else float(len(arm.regimen.dosing_days()))


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}") + 0.0


def _sizes(thing: Any, numbers: bool = False) -> tuple[int, ...]:
    """Return the lengths of all arrays in a plan, and the numbers that decide its program: whatever it is made of."""
    if isinstance(thing, np.ndarray):
        return thing.shape
    if isinstance(thing, int):
        return (thing,) if numbers else ()
    if is_dataclass(thing):
        inside = numbers or type(thing).__name__ == "Structure"
        return tuple(size for part in fields(thing) for size in _sizes(getattr(thing, part.name), inside))
    if isinstance(thing, tuple):
        return tuple(size for part in thing for size in _sizes(part, numbers))
    return ()


class Kept:
    """What was found, in a file that grows by a line for each regimen; a line that a stop cut off is found again."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.found: dict[str, Found] = {}
        if path is not None and path.is_file():
            self._read(path)

    def _read(self, path: Path) -> None:
        whole = 0
        data = path.read_bytes()
        for line in data.splitlines(keepends=True):
            try:
                told = json.loads(line)
                found = Found(told["mean"], {name: np.array(row) for name, row in told["draws"].items()})
            except (ValueError, KeyError, TypeError, AttributeError):
                break
            if not line.endswith(b"\n"):
                break
            self.found[told["regimen"]] = found
            whole += len(line)
        if whole < len(data):
            with path.open("r+b") as file:
                file.truncate(whole)

    def add(self, found: Mapping[str, Found]) -> None:
        """Keep what was found of some regimens."""
        self.found.update(found)
        if self.path is None:
            return
        lines = [
            json.dumps({"regimen": name, "mean": one.mean, "draws": {k: v.tolist() for k, v in one.draws.items()}})
            for name, one in found.items()
        ]
        with disk_errors(self.path, "what is finished is kept: make room and run the same command again to continue."):
            append(self.path, "".join(f"{line}\n" for line in lines))
