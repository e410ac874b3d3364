"""Weaning: the steps by which the rate of an arm goes down after the last session of its timetable."""

from typing import NamedTuple

from letheon.dosing.policy import Wean
from letheon.dosing.regimen import Infusion, Rate, Regimen

__all__ = ["WeanStep", "end_of_sessions", "wean_steps", "with_weaning"]


class WeanStep(NamedTuple):
    """A step of a weaning: from when to when, and at which share of the rate that ran before."""

    start_ms: int  # from the scenario's origin
    stop_ms: int
    share: float


def end_of_sessions(regimen: Regimen) -> tuple[int, tuple[Rate, ...]]:
    """Return when the last session ends [ms] and what runs until then, pushes not counted; no rates without sessions.

    >>> end_of_sessions(Regimen.create("racemic", [Infusion.create(0, 4, Rate(25.0))]))[0] / 3_600_000
    4.0
    """
    infusions = tuple(one for one in regimen.infusions if not one.is_push)
    schedule = Regimen("racemic", infusions).schedule()
    return (schedule.edges_ms[-1], schedule.terms[-1]) if schedule.terms else (0, ())


def wean_steps(wean: Wean, start_ms: int) -> tuple[WeanStep, ...]:
    """Return the steps of a weaning that begins at a moment.

    >>> [step.share for step in wean_steps(Wean(12 * 3_600_000, 4), 0)]
    [0.8, 0.6, 0.4, 0.2]
    """
    length, count = wean.over_ms // wean.steps, wean.steps
    return tuple(
        WeanStep(start_ms + k * length, start_ms + (k + 1) * length, (count - k) / (count + 1)) for k in range(count)
    )


def with_weaning(regimen: Regimen, wean: Wean | None) -> Regimen:
    """Return a timetable with its weaning written out, from the rate that is written for its end.

    >>> day = Regimen.create("racemic", [Infusion.create(0, 24, Rate(20.0))])
    >>> [one.rate.absolute_mg_h for one in with_weaning(day, Wean(12 * 3_600_000, 4)).infusions]
    [20.0, 16.0, 12.0, 8.0, 4.0]
    """
    if wean is None:
        return regimen
    end, rates = end_of_sessions(regimen)
    steps = (
        Infusion(step.start_ms, step.stop_ms - step.start_ms, rate.scaled(step.share))
        for step in wean_steps(wean, end)
        for rate in rates
    )
    return Regimen.create(regimen.drug, (*regimen.infusions, *steps))
