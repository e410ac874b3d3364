"""How much drug, on which days, in what stretches: the plain facts of a schedule that harms go by."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from letheon.dosing.regimen import MS_PER_DAY, Regimen, Schedule
from letheon.units import HOURS_PER_YEAR, MS_PER_HOUR

_SHARES = {"racemic": 0.5, "esketamine": 1.0}


class Stretch(NamedTuple):
    """An infusion without a pause, since the origin [h]."""

    start_h: float
    stop_h: float

    @property
    def hours(self) -> float:
        """Length [h]."""
        return self.stop_h - self.start_h


def joined(runs: Iterable[Stretch], pause_h: float = 0.0) -> tuple[Stretch, ...]:
    """Make one of infusions, in order, with no longer pause between them."""
    result: list[Stretch] = []
    for run in runs:
        if result and run.start_h - result[-1].stop_h <= pause_h:
            run = Stretch(result.pop().start_h, run.stop_h)
        result.append(run)
    return tuple(result)


def stretches(schedule: Schedule) -> tuple[Stretch, ...]:
    """Return the stretches in which drug runs without a pause.

    >>> from letheon.dosing.regimen import Infusion, Rate
    >>> infusions = [Infusion.create(24 * day, 4, Rate(absolute_mg_h=25.0)) for day in (0, 1)]
    >>> [s.hours for s in stretches(Regimen.create("racemic", infusions).schedule())]
    [4.0, 4.0]
    """
    pieces = zip(schedule.terms, schedule.edges_ms, schedule.edges_ms[1:], strict=False)
    return joined(Stretch(start / MS_PER_HOUR, stop / MS_PER_HOUR) for terms, start, stop in pieces if terms)


class Intensity(NamedTuple):
    """How strong and how long a regimen runs, for finding the studies of regimens like it."""

    rate: float  # most esketamine within an hour, a push included [mg/kg/h]; NaN for arketamine, which has no counts
    hours: float  # longest stretch without a pause


def esketamine_share(drug: str) -> float:
    """Return how much of a drug is esketamine.

    >>> esketamine_share("racemic")
    0.5
    """
    return _SHARES.get(drug, math.nan)


def intensity(regimen: Regimen, weight_kg: float) -> Intensity:
    """Return how strong and how long a regimen runs; more sessions never make either less.

    >>> from letheon.dosing.regimen import Infusion, Rate
    >>> infusions = [Infusion.create(24 * day, 4, Rate(absolute_mg_h=28.0)) for day in range(10)]
    >>> intensity(Regimen.create("racemic", infusions), 70.0)
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
    """Days of equal dosing put together, so that a pause of years is one piece."""

    hours: np.ndarray  # (stretch of days, piece): hours of each piece of the schedule on one of these days
    days: np.ndarray  # (stretch of days,): how many
    ends: np.ndarray  # (mark,): stretch of days after which it falls, a row of `letheon.harms.bladder.laws.follow`


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
    """What a patient is given in all."""

    dose_mg: float
    hours: float  # during infusions
    infusion_days: float  # days on which drug runs
    sessions: float  # stretches without a pause
    courses: float  # stretches of days without a week's pause
    courses_a_year: float  # over the follow-up; one of less than a year counts as a year


def cumulative(regimen: Regimen, weight_kg: float, follow_up_h: float) -> Cumulative:
    """Add up what a regimen gives.

    >>> from letheon.dosing.regimen import Infusion, Rate
    >>> infusions = [Infusion.create(24 * day, 4, Rate(absolute_mg_h=25.0)) for day in range(10)]
    >>> cumulative(Regimen.create("racemic", infusions), 70.0, 84 * 24.0)
    Cumulative(dose_mg=1000.0, hours=40.0, infusion_days=10, sessions=10, courses=1, courses_a_year=1.0)
    """
    schedule = regimen.schedule()
    if not schedule.terms:
        return Cumulative(0.0, 0.0, 0, 0, 0, 0.0)
    runs = stretches(schedule)
    courses = len(regimen.courses())
    return Cumulative(
        dose_mg=schedule.dose_mg(weight_kg),
        hours=sum(run.hours for run in runs),
        infusion_days=len(regimen.dosing_days()),
        sessions=len(runs),
        courses=courses,
        courses_a_year=courses / max(follow_up_h / HOURS_PER_YEAR, 1.0),
    )
