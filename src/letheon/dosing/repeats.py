"""Equal infusions at equal intervals as one: the only place where repeats are recognised."""

from collections.abc import Iterable
from typing import NamedTuple

from letheon.dosing.regimen import Infusion, Rate

__all__ = ["Repeat", "repeats"]


class Repeat(NamedTuple):
    """An infusion that is given `times` times, each `every_ms` [ms] after the one before (0 if given once)."""

    first: Infusion
    every_ms: int
    times: int


def repeats(infusions: Iterable[Infusion]) -> list[Repeat]:
    """Group infusions that differ in their start alone and follow each other at equal intervals, sorted by start.

    >>> days = [Infusion.create(24 * day, 4, Rate(25.0)) for day in (0, 1, 2, 9)]
    >>> [(one.first.start_ms // 86_400_000, one.times) for one in repeats(days)]
    [(0, 3), (9, 1)]
    """
    alike: dict[tuple[int, Rate], list[int]] = {}
    for infusion in sorted(infusions):
        alike.setdefault((infusion.duration_ms, infusion.rate), []).append(infusion.start_ms)
    result = []
    for (duration, rate), starts in alike.items():
        while starts:
            every = starts[1] - starts[0] if len(starts) > 1 else 0
            times = 1
            while every and times < len(starts) and starts[times] - starts[times - 1] == every:
                times += 1
            result.append(Repeat(Infusion(starts[0], duration, rate), every if times > 1 else 0, times))
            starts = starts[times:]
    return sorted(result)
