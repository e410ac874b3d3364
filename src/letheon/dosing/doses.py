"""What a regimen gives, in the numbers by which protocols are compared, for one body weight."""

import math
from collections.abc import Iterable
from itertools import pairwise

from msgspec import Struct

from letheon.dosing.policy import Titration
from letheon.dosing.regimen import MS_PER_DAY, Infusion, Regimen
from letheon.dosing.titration import reach
from letheon.units import MS_PER_HOUR

__all__ = ["DayDose", "Doses", "day_doses", "doses_of"]

Span = tuple[float, float]
Piece = tuple[int, int, float, float]  # start and end [ms], lowest and highest rate [mg/h]


class Doses(Struct, frozen=True):
    """What a regimen gives, lowest and highest where a titration leaves it open; of the first course, if of several."""

    rate_mg_h: Span  # highest rate, pushes apart
    day_mg: Span  # most in a day, counted from 0 h
    course_mg: Span
    hours: float  # under infusion
    days: float  # from the first infusion to the end of the last
    sessions: int  # stretches under infusion
    interval_h: float | None  # shortest from the start of one session to that of the next; None for one session
    push_mg: float  # largest push; 0 for none
    courses: int  # stretches without a pause of a week or more


class DayDose(Struct, frozen=True):
    """What one day gives, counted from 1."""

    day: int
    mg: Span
    hours: float  # under infusion


def doses_of(infusions: Iterable[Infusion], weight_kg: float, titration: Titration | None = None) -> Doses:
    """Return what infusions give a person of a body weight.

    >>> from letheon.dosing.regimen import Rate
    >>> one = doses_of([Infusion.create(24 * day, 4, Rate(25.0)) for day in range(10)], 70.0)
    >>> one.rate_mg_h, one.day_mg, one.course_mg, one.hours, one.interval_h
    ((25.0, 25.0), (100.0, 100.0), (1000.0, 1000.0), 40.0, 24.0)
    """
    regimen = Regimen.create("racemic", infusions)
    courses = regimen.courses()
    end = courses[0][1] if courses else 0
    first = Regimen.create("racemic", (i for i in regimen.infusions if i.start_ms < end))
    pieces = _pieces(first, weight_kg, titration)
    pushes = [i for i in regimen.infusions if i.is_push]
    sessions = first.courses(gap_ms=1)
    starts = [start for start, _ in sessions]
    gaps = [after - before for before, after in pairwise(starts)]
    flowing = [piece for piece in pieces if piece[3] > 0]
    return Doses(
        rate_mg_h=_span((low, high) for start, stop, low, high in flowing if not _is_push(start, stop, pushes)),
        day_mg=_span(one.mg for one in _by_day(pieces)),
        course_mg=_sum(pieces),
        hours=sum(stop - start for start, stop, _, _ in flowing) / MS_PER_HOUR,
        days=(end - courses[0][0]) / MS_PER_DAY if courses else 0.0,
        sessions=len(sessions),
        interval_h=min(gaps) / MS_PER_HOUR if gaps else None,
        push_mg=max((i.rate.at(weight_kg) * i.duration_ms / MS_PER_HOUR for i in pushes), default=0.0),
        courses=len(courses),
    )


def day_doses(
    infusions: Iterable[Infusion], weight_kg: float, titration: Titration | None = None
) -> tuple[DayDose, ...]:
    """Return what each day gives on which anything runs.

    >>> from letheon.dosing.regimen import Rate
    >>> day_doses([Infusion.create(22, 4, Rate(10.0))], 70.0)[1]
    DayDose(day=2, mg=(20.0, 20.0), hours=2.0)
    """
    return _by_day(_pieces(Regimen.create("racemic", infusions), weight_kg, titration))


def _pieces(regimen: Regimen, weight_kg: float, titration: Titration | None) -> list[Piece]:
    """Return stretches of equal rates, without pauses; pushes run as written."""
    if titration is None:
        schedule = regimen.schedule()
        spans = zip(schedule.edges_ms, schedule.edges_ms[1:], schedule.rates(weight_kg), strict=False)
        return [(start, stop, rate, rate) for start, stop, rate in spans if rate]
    pushed = Regimen(regimen.drug, tuple(i for i in regimen.infusions if i.is_push))
    run = Regimen(regimen.drug, tuple(i for i in regimen.infusions if not i.is_push))
    parts = reach(run, titration, weight_kg)
    pieces = [(one.start_ms, one.stop_ms, one.lowest, one.highest) for one in parts]
    return sorted([*pieces, *_pieces(pushed, weight_kg, None)])


def _is_push(start: int, stop: int, pushes: list[Infusion]) -> bool:
    return any(push.start_ms <= start and stop <= push.stop_ms for push in pushes)


def _by_day(pieces: list[Piece]) -> tuple[DayDose, ...]:
    days: dict[int, list[Piece]] = {}
    for start, stop, low, high in pieces:
        for day in range(start // MS_PER_DAY, -(-stop // MS_PER_DAY)):
            cut = max(start, day * MS_PER_DAY), min(stop, (day + 1) * MS_PER_DAY)
            days.setdefault(day, []).append((*cut, low, high))
    return tuple(
        DayDose(day + 1, _sum(some), sum(stop - start for start, stop, _, high in some if high > 0) / MS_PER_HOUR)
        for day, some in sorted(days.items())
    )


def _sum(pieces: list[Piece]) -> Span:
    """Return the mass of stretches, lowest and highest [mg]."""
    low, high = (math.fsum((p[1] - p[0]) / MS_PER_HOUR * p[end] for p in pieces) for end in (2, 3))
    return low, high


def _span(spans: Iterable[Span]) -> Span:
    """Return the highest of lowest and of highest values."""
    some = list(spans)
    return max((low for low, _ in some), default=0.0), max((high for _, high in some), default=0.0)
