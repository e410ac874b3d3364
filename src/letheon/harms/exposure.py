"""How much drug, on which days, in what stretches: the plain facts of a schedule that harms go by."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from letheon.dosing.regimen import MS_PER_DAY, Regimen, Schedule
from letheon.units import HOURS_PER_YEAR, MS_PER_HOUR

__all__ = [
    "Cumulative",
    "DayPieces",
    "Intensity",
    "Stretch",
    "cumulative",
    "daily_hours",
    "day_pieces",
    "esketamine_share",
    "intensity",
    "stretches",
]

_SHARES = {"racemic": 0.5, "esketamine": 1.0}


class Stretch(NamedTuple):
    """An infusion without a pause.

    Attributes
    ----------
    start_h, stop_h : float
        Since the origin [h].
    """

    start_h: float
    stop_h: float

    @property
    def hours(self) -> float:
        """Length [h]."""
        return self.stop_h - self.start_h


def stretches(schedule: Schedule) -> tuple[Stretch, ...]:
    """Return the stretches in which drug runs without a pause.

    >>> from letheon.dosing.regimen import Infusion, Rate
    >>> drips = [Infusion.create(24 * day, 4, Rate(absolute_mg_h=25.0)) for day in (0, 1)]
    >>> [s.hours for s in stretches(Regimen.create("racemic", drips).schedule())]
    [4.0, 4.0]
    """
    result: list[Stretch] = []
    for terms, start, stop in zip(schedule.terms, schedule.edges_ms, schedule.edges_ms[1:], strict=False):
        if not terms:
            continue
        start_h, stop_h = start / MS_PER_HOUR, stop / MS_PER_HOUR
        if result and start_h == result[-1].stop_h:
            result[-1] = Stretch(result[-1].start_h, stop_h)
        else:
            result.append(Stretch(start_h, stop_h))
    return tuple(result)


class Intensity(NamedTuple):
    """How strong and how long a regimen runs, for finding the studies that speak of it.

    Attributes
    ----------
    rate : float
        Most esketamine within an hour, a push included [mg/kg/h]; NaN for arketamine, which has no counts.
    hours : float
        Longest stretch without a pause [h].
    """

    rate: float
    hours: float


def esketamine_share(drug: str) -> float:
    """Return how much of a drug is esketamine.

    >>> esketamine_share("racemic")
    0.5
    """
    return _SHARES.get(drug, math.nan)


def intensity(regimen: Regimen, weight_kg: float) -> Intensity:
    """Return how strong and how long a regimen runs; more sessions never make either less.

    >>> from letheon.dosing.regimen import Infusion, Rate
    >>> drips = [Infusion.create(24 * day, 4, Rate(absolute_mg_h=28.0)) for day in range(10)]
    >>> intensity(Regimen.create("racemic", drips), 70.0)
    Intensity(rate=0.2, hours=4.0)
    """
    schedule = regimen.schedule()
    runs = stretches(schedule)
    if not runs:
        return Intensity(0.0, 0.0)
    edges = np.array(schedule.edges_ms) / MS_PER_HOUR
    given_mg = np.append(0.0, np.cumsum(np.array(schedule.rates(weight_kg)) * np.diff(edges)))
    starts = np.append(edges, edges - 1.0)  # the fullest hour begins or ends where a rate changes
    hour_mg = np.interp(starts + 1.0, edges, given_mg) - np.interp(starts, edges, given_mg)
    most = float(hour_mg.max()) / weight_kg * esketamine_share(regimen.drug)
    return Intensity(round(most, 12), max(run.hours for run in runs))


def daily_hours(schedule: Schedule, days: int) -> np.ndarray:
    """Return how long each piece of a schedule runs on each day; times rates it is the dose of the day.

    >>> from letheon.dosing.regimen import Infusion, Rate
    >>> schedule = Regimen.create("racemic", [Infusion.create(22, 4, Rate(absolute_mg_h=25.0))]).schedule()
    >>> (daily_hours(schedule, 3) @ schedule.rates(70.0)).tolist()
    [50.0, 50.0, 0.0]
    """
    edges = np.array(schedule.edges_ms if schedule.terms else (0,), dtype=float)
    start, stop = edges[:-1], edges[1:]
    midnight = MS_PER_DAY * np.arange(days, dtype=float)[:, None]
    return np.maximum(np.minimum(stop, midnight + MS_PER_DAY) - np.maximum(start, midnight), 0.0) / MS_PER_HOUR


class DayPieces(NamedTuple):
    """Days of equal dosing put together, so that a pause of years is one piece.

    Attributes
    ----------
    hours : array, shape (stretch of days, piece)
        Hours of each piece of the schedule on one of these days.
    days : array, shape (stretch of days,)
        How many days.
    ends : int array, shape (mark,)
        After which stretch of days each mark falls: row of `letheon.harms.bladder.laws.follow`.
    """

    hours: np.ndarray
    days: np.ndarray
    ends: np.ndarray


def day_pieces(schedule: Schedule, days: int, marks: Iterable[int] = (), size: int = 0) -> DayPieces:
    """Put days of equal dosing together, with a cut at each mark.

    >>> day_pieces(Schedule(), 365, (100,)).days.tolist()
    [100.0, 265.0]
    """
    marks = tuple(marks)
    hours = daily_hours(schedule, days)
    new = np.ones(days, bool)
    new[1:] = (hours[1:] != hours[:-1]).any(axis=1)
    new[[mark for mark in marks if mark < days]] = True
    first = np.flatnonzero(new)
    length = np.diff(np.append(first, days)).astype(float)
    ends = np.searchsorted(np.cumsum(length), np.array(marks, float) - 0.5) + 1
    room = max(size - len(first), 0)
    return DayPieces(np.pad(hours[first], ((0, room), (0, 0))), np.pad(length, (0, room)), ends)


class Cumulative(NamedTuple):
    """What a patient is given in all.

    Attributes
    ----------
    dose_mg : float
        Drug [mg].
    hours : float
        Time on the drip [h].
    infusion_days : float
        Days on which drug runs.
    sessions, courses : float
        Stretches without a pause; stretches of days without a week's pause.
    courses_a_year : float
        Courses over the years of follow-up; a follow-up of less than a year counts as one.
    """

    dose_mg: float
    hours: float
    infusion_days: float
    sessions: float
    courses: float
    courses_a_year: float


def cumulative(regimen: Regimen, weight_kg: float, follow_up_h: float) -> Cumulative:
    """Add up what a regimen gives.

    >>> from letheon.dosing.regimen import Infusion, Rate
    >>> drips = [Infusion.create(24 * day, 4, Rate(absolute_mg_h=25.0)) for day in range(10)]
    >>> cumulative(Regimen.create("racemic", drips), 70.0, 84 * 24.0)
    Cumulative(dose_mg=1000.0, hours=40.0, infusion_days=10, sessions=10, courses=1, courses_a_year=1.0)
    """
    schedule = regimen.schedule()
    if not schedule.terms:
        return Cumulative(0.0, 0.0, 0, 0, 0, 0.0)
    runs: Sequence[Stretch] = stretches(schedule)
    courses = len(regimen.courses())
    return Cumulative(
        dose_mg=schedule.dose_mg(weight_kg),
        hours=sum(run.hours for run in runs),
        infusion_days=len(regimen.dosing_days()),
        sessions=len(runs),
        courses=courses,
        courses_a_year=courses / max(follow_up_h / HOURS_PER_YEAR, 1.0),
    )
