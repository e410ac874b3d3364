"""What a regimen gives, in the numbers by which protocols are compared, for one body weight."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import pairwise

from msgspec import Struct

from letheon.dosing.bags import RatePeriod
from letheon.dosing.limits import Dosed, within_limits
from letheon.dosing.policy import DoseLimits, Policy
from letheon.dosing.regimen import MS_PER_DAY, Infusion, Regimen, by_days
from letheon.dosing.titration import reach, weaned
from letheon.dosing.weaning import with_weaning
from letheon.units import MS_PER_HOUR

__all__ = ["DayDose", "Doses", "day_doses", "doses_of"]

Bounds = tuple[float, float]
Piece = tuple[int, int, float, float]  # start and end [ms], lowest and highest rate [mg/h]
_NO_RULES = Policy()


class Doses(Struct, frozen=True):
    """What a regimen gives, lowest and highest where a titration leaves it open; of the first course, if of several."""

    rate_mg_h: Bounds  # highest rate, pushes apart
    day_mg: Bounds  # most in a day, counted from 0 h
    course_mg: Bounds
    hours: float  # under infusion
    days: float  # from the first infusion to the end of the last
    sessions: int  # stretches under infusion
    interval_h: float | None  # shortest from the start of one session to that of the next; None for one session
    push_mg: float  # largest push; 0 for none
    courses: int  # stretches without a pause of a week or more


class DayDose(Struct, frozen=True):
    """What one day gives, counted from 1."""

    day: int
    mg: Bounds
    hours: float  # under infusion


def doses_of(infusions: Iterable[Infusion], weight_kg: float, policy: Policy = _NO_RULES) -> Doses:
    """Return the doses of infusions for one body weight, weaning and limits included, boosters left out.

    >>> from letheon.dosing.regimen import Rate
    >>> one = doses_of([Infusion.create(24 * day, 4, Rate(25.0)) for day in range(10)], 70.0)
    >>> one.rate_mg_h, one.day_mg, one.course_mg, one.hours, one.interval_h
    ((25.0, 25.0), (100.0, 100.0), (1000.0, 1000.0), 40.0, 24.0)
    """
    regimen = Regimen.create("racemic", infusions)
    timetable = with_weaning(regimen, policy.wean)
    courses = timetable.courses()
    end = courses[0][1] if courses else 0
    first = Regimen.create("racemic", (i for i in timetable.infusions if i.start_ms < end))
    pieces = [piece for piece in _pieces(regimen, weight_kg, policy) if piece[0] < end]
    pushes = [i for i in regimen.infusions if i.is_push]
    sessions = first.courses(gap_ms=1)
    starts = [start for start, _ in sessions]
    gaps = [after - before for before, after in pairwise(starts)]
    flowing = [piece for piece in pieces if max(piece[2:]) > 0]
    return Doses(
        rate_mg_h=_highest((low, high) for start, stop, low, high in flowing if not _is_push(start, stop, pushes)),
        day_mg=_highest(one.mg for one in _by_day(pieces)),
        course_mg=_sum(pieces),
        hours=sum(stop - start for start, stop, _, _ in flowing) / MS_PER_HOUR,
        days=(end - courses[0][0]) / MS_PER_DAY if courses else 0.0,
        sessions=len(sessions),
        interval_h=min(gaps) / MS_PER_HOUR if gaps else None,
        push_mg=max((i.rate.at(weight_kg) * i.duration_ms / MS_PER_HOUR for i in pushes), default=0.0),
        courses=len(courses),
    )


def day_doses(infusions: Iterable[Infusion], weight_kg: float, policy: Policy = _NO_RULES) -> tuple[DayDose, ...]:
    """Return what each day gives on which anything runs, as `doses_of` does.

    >>> from letheon.dosing.regimen import Rate
    >>> day_doses([Infusion.create(22, 4, Rate(10.0))], 70.0)[1]
    DayDose(day=2, mg=(20.0, 20.0), hours=2.0)
    """
    return _by_day(_pieces(Regimen.create("racemic", infusions), weight_kg, policy))


def _pieces(regimen: Regimen, weight_kg: float, policy: Policy) -> list[Piece]:
    """Return stretches of equal rates, without pauses, weaning after them; pushes run as written."""
    whole, titration, wean = with_weaning(regimen, policy.wean), policy.titration, policy.wean
    if titration is None and policy.limits is None:
        return _as_written(whole, weight_kg)
    pushes = Regimen(regimen.drug, tuple(i for i in regimen.infusions if i.is_push))
    run = Regimen(regimen.drug, tuple(i for i in whole.infusions if not i.is_push))
    pieces = _as_written(run, weight_kg)
    if titration:
        parts = reach(Regimen(regimen.drug, tuple(i for i in regimen.infusions if not i.is_push)), titration, weight_kg)
        parts = (*parts, *weaned(parts[-1], wean)) if parts and wean else parts
        pieces = [(one.start_ms, one.stop_ms, one.lowest, one.highest) for one in parts]
    if policy.limits is None:
        return sorted([*pieces, *_as_written(pushes, weight_kg)])
    return sorted(_within(pieces, pushes, weight_kg, policy.limits))


def _as_written(regimen: Regimen, weight_kg: float) -> list[Piece]:
    schedule = regimen.schedule()
    spans = zip(schedule.edges_ms, schedule.edges_ms[1:], schedule.rates(weight_kg), strict=False)
    return [(start, stop, rate, rate) for start, stop, rate in spans if rate]


def _within(pieces: list[Piece], pushes: Regimen, weight_kg: float, limits: DoseLimits) -> Iterator[Piece]:
    """Yield what limits let run of stretches and pushes, at the lowest rates and at the highest."""
    doses = [
        Dosed(i.start_ms, i.duration_ms, i.rate.at(weight_kg) * i.duration_ms / MS_PER_HOUR) for i in pushes.infusions
    ]
    ends = [
        within_limits(
            [RatePeriod(one[0], one[1], one[end]) for one in pieces], [(dose, dose) for dose in doses], limits
        )
        for end in (2, 3)
    ]
    edges = sorted({moment for runs, _ in ends for run in runs for moment in (run.start_ms, run.stop_ms)})
    running = [{start: rate for run in runs for start, rate in _cut(run, edges)} for runs, _ in ends]
    for start, stop in pairwise(edges):
        low, high = (rates.get(start, 0.0) for rates in running)
        if low or high:
            yield start, stop, low, high
    for dose in doses:
        low, high = (dose.mg * MS_PER_HOUR / dose.duration_ms if dose in pushed else 0.0 for _, pushed in ends)
        if low or high:
            yield dose.start_ms, dose.start_ms + dose.duration_ms, low, high


def _cut(run: RatePeriod, edges: list[int]) -> Iterator[tuple[int, float]]:
    """Yield where pieces of a stretch begin, and its rate."""
    for place in range(bisect_left(edges, run.start_ms), bisect_left(edges, run.stop_ms)):
        yield edges[place], run.mg_per_h


def _is_push(start: int, stop: int, pushes: list[Infusion]) -> bool:
    return any(push.start_ms <= start and stop <= push.stop_ms for push in pushes)


def _by_day(pieces: list[Piece]) -> tuple[DayDose, ...]:
    days: dict[int, list[Piece]] = {}
    for start, stop, low, high in pieces:
        for day, *cut in by_days(start, stop):
            days.setdefault(day, []).append((cut[0], cut[1], low, high))
    return tuple(
        DayDose(day + 1, _sum(some), sum(stop - start for start, stop, *ends in some if max(ends) > 0) / MS_PER_HOUR)
        for day, some in sorted(days.items())
    )


def _sum(pieces: list[Piece]) -> Bounds:
    """Return the mass of stretches, lowest and highest [mg]."""
    # who runs faster reaches a limit in all on an earlier day, and is given less from then on
    low, high = sorted(math.fsum((p[1] - p[0]) / MS_PER_HOUR * p[end] for p in pieces) for end in (2, 3))
    return low, high


def _highest(spans: Iterable[Bounds]) -> Bounds:
    """Return the highest of lowest and of highest values."""
    some = list(spans)
    return max((low for low, _ in some), default=0.0), max((high for _, high in some), default=0.0)
