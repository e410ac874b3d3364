"""Limits of dose on a timetable: where the pump stops, and which pushes are left out, for one body weight."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple, TypeVar

from letheon.dosing.bags import RatePeriod
from letheon.dosing.policy import DoseLimits
from letheon.dosing.regimen import MS_PER_DAY, Regimen, by_days
from letheon.units import MS_PER_HOUR

__all__ = ["Dosed", "binds", "joined", "within_limits"]

_SAME = 1e-9  # of a limit: sums carry rounding


class Dosed(NamedTuple):
    """A push: start and length [ms], and drug [mg]."""

    start_ms: int
    duration_ms: int
    mg: float


_Push = TypeVar("_Push")


def binds(regimen: Regimen, limits: DoseLimits | None, weight_kg: float) -> bool:
    """Say whether limits cut a timetable, for one body weight.

    >>> from letheon.dosing.regimen import Infusion, Rate
    >>> days = Regimen.create("racemic", [Infusion.create(0, 48, Rate(50.0))])
    >>> [binds(days, DoseLimits(per_day), 70.0) for per_day in (960.0, 1200.0)]
    [True, False]
    """
    if limits is None:
        return False
    schedule, by_day = regimen.schedule(), dict[int, float]()
    for (start, stop), rate in zip(pairwise(schedule.edges_ms), schedule.rates(weight_kg), strict=True):
        for day, first, last in by_days(start, stop):
            by_day[day] = by_day.get(day, 0.0) + rate * (last - first) / MS_PER_HOUR
    largest, total = max(by_day.values(), default=0.0), sum(by_day.values())
    per_day, in_all = (mg * (1 + _SAME) or float("inf") for mg in (limits.per_day_mg, limits.in_all_mg))
    return largest > per_day or total > in_all


def within_limits(
    periods: Sequence[RatePeriod], pushes: Sequence[tuple[Dosed, _Push]], limits: DoseLimits | None
) -> tuple[list[RatePeriod], list[_Push]]:
    """Return the periods that run and the pushes that are given; each push comes with an object that stands for it.

    >>> day = [RatePeriod(0, 48 * 3_600_000, 50.0, ())]
    >>> [(one.start_ms / 3_600_000, one.stop_ms / 3_600_000) for one in within_limits(day, [], DoseLimits(960.0))[0]]
    [(0.0, 19.2), (24.0, 43.2)]
    """
    if limits is None:
        return list(periods), [push for _, push in pushes]
    per_day, in_all = (mg or float("inf") for mg in (limits.per_day_mg, limits.in_all_mg))
    tiny = _SAME * min(per_day, in_all)
    stop = max((one.stop_ms for one in periods), default=0)
    edges = {moment for one in periods for moment in (one.start_ms, one.stop_ms)}
    edges |= {moment for push, _ in pushes for moment in (push.start_ms, push.start_ms + push.duration_ms)}
    edges |= set(range(0, max(stop, *edges, 0), MS_PER_DAY))
    runs: list[RatePeriod] = []
    kept: list[_Push] = []
    today = total = push_rate = push_left = 0.0
    for start, until in pairwise(sorted(edges)):
        today = 0.0 if start % MS_PER_DAY == 0 else today
        for push, known in pushes:
            if push.start_ms == start and push.mg <= min(per_day - today, in_all - total) + tiny:
                kept.append(known)
                push_left, push_rate = push.mg, push.mg / push.duration_ms
        left = min(per_day - today, in_all - total) - push_left
        period = next((one for one in periods if one.start_ms <= start < one.stop_ms), None)
        pumped = 0.0
        if period is not None and (period.mg_per_h <= 0 or left > tiny):
            most = left * MS_PER_HOUR / period.mg_per_h if period.mg_per_h > 0 else float("inf")
            length = min(until - start, most)
            pumped = period.mg_per_h * length / MS_PER_HOUR
            runs.append(replace(period, start_ms=start, stop_ms=start + round(length)))
        pushed = min(push_rate * (until - start), push_left)
        push_left -= pushed
        push_rate = push_rate if push_left > tiny else 0.0
        today, total = today + pumped + pushed, total + pumped + pushed
    return joined(runs), kept


def joined(periods: Iterable[RatePeriod]) -> list[RatePeriod]:
    """Make one of periods that adjoin and differ in nothing else."""
    result: list[RatePeriod] = []
    for period in periods:
        if result and replace(result[-1], start_ms=result[-1].stop_ms, stop_ms=period.stop_ms) == period:
            period = replace(period, start_ms=result.pop().start_ms)
        result.append(period)
    return [one for one in result if one.stop_ms > one.start_ms]
