"""The document of a search (``letheon optimise --json``, ``front.json``)."""

import csv
from pathlib import Path

import msgspec

from letheon.study.records import Record


class ModelsReport(Record, frozen=True):
    """Models of the scenario."""

    pain: str
    pk: str
    flares: bool


class VariableReport(Record, frozen=True):
    """What varies: its path, further paths that take the same value, how many values, the first and the last."""

    path: str
    also: tuple[str, ...]
    values: int
    first: str = msgspec.field(name="from")
    last: str = msgspec.field(name="to")


class GoalReport(Record, frozen=True):
    """A goal: measure, ``minimise`` or ``maximise``, unit, and what the measure means."""

    measure: str
    direction: str
    unit: str
    means: str


class ConstraintReport(Record, frozen=True):
    """A limit on the mean of a measure; `of` names the arms that it was taken from."""

    measure: str
    at_least: float | None
    at_most: float | None
    of: tuple[str, ...]
    unit: str


class Budget(Record, frozen=True):
    """Most candidates, and virtual patients of each."""

    candidates: int
    patients: int


class Searched(Record, frozen=True):
    """Candidates that were simulated, of how many, and whether the search could be exhaustive."""

    candidates: int
    of: int
    whole: bool


class MeasureReport(Record, frozen=True):
    """Mean of a measure and the 90 % interval of the mean; beside a placebo also the difference from it."""

    mean: float | None
    mean_interval: tuple[float | None, float | None]
    unit: str
    minus_placebo: float | None = None
    minus_placebo_interval: tuple[float | None, float | None] | None = None


class FrontEntry(Record, frozen=True):
    """A regimen of the front: its file, the values that it chose, measures, chances over draws, and support."""

    number: int
    file: str
    drug: str
    values: dict[str, str]
    measures: dict[str, MeasureReport]
    chance_on_front: float | None
    chance_feasible: float | None
    support: str
    basis: tuple[str, ...]


class PublishedEntry(Record, frozen=True):
    """An arm of the scenario (``arm``) or of the library (``study``) beside the front.

    `compared_on` are the measures of the comparison, `beaten_by` numbers of the front, `chance_beaten` the share of
    draws under which any candidate beats it.
    """

    kind: str
    name: str
    drug: str
    measures: dict[str, MeasureReport]
    chance_on_front: float | None
    feasible: bool
    compared_on: tuple[str, ...]
    beaten_by: tuple[int, ...]
    chance_beaten: float | None


class PlaceboEntry(Record, frozen=True):
    """A placebo arm of the scenario."""

    name: str
    measures: dict[str, MeasureReport]


class SearchReport(Record, frozen=True):
    """The document of a search: no path, date, duration or host."""

    letheon: str
    notice: str
    title: str
    seed: int
    n_patients: int
    follow_up_days: float
    models: ModelsReport
    arm: str
    variables: tuple[VariableReport, ...]
    goals: tuple[GoalReport, ...]
    constraints: tuple[ConstraintReport, ...]
    budget: Budget
    searched: Searched
    interval: str
    front: tuple[FrontEntry, ...]
    published: tuple[PublishedEntry, ...]
    placebo: tuple[PlaceboEntry, ...]
    skipped: dict[str, str]


class Candidate(Record, frozen=True):
    """A regimen off the front: the values that it chose, means of its measures, and whether it keeps the limits."""

    values: tuple[str, ...]
    means: dict[str, float | None]
    feasible: bool


def other_candidates(folder: Path, report: SearchReport) -> tuple[Candidate, ...]:
    """Read the candidates that are not on the front from ``candidates.csv`` of a finished search."""
    paths, names = [variable.path for variable in report.variables], list(report.published[0].measures)
    with (folder / "candidates.csv").open(encoding="utf-8", newline="") as stream:
        return tuple(
            Candidate(
                tuple(row[path] for path in paths),
                {name: float(row[name]) if row[name] else None for name in names},
                row["feasible"] == "True",
            )
            for row in csv.DictReader(stream)
            if row["kind"] == "candidate" and row["front"] == "0"
        )
