"""What counts say of a regimen that is like those counted, weaker, or stronger: an interval that never falls with drug.

A group of counts has a box, its doses and durations, and an interval. A regimen inside the box gets the interval. One
that is nowhere above the box happens at most as often, one that is nowhere below it at least as often. That more drug
does not harm less is assumed.
"""

from collections.abc import Sequence
from typing import NamedTuple

from letheon.harms.estimate import exact_interval
from letheon.harms.exposure import Intensity, esketamine_share
from letheon.library import HarmCount

__all__ = ["Bounds", "Group", "bounds", "count_interval", "group", "hull", "inside"]

_TOLERANCE = 0.25  # how far a regimen may lie off a study's doses and hours and still be called like it


class Group(NamedTuple):
    """Counts that are taken together.

    `least` and `most` are what was counted: esketamine [mg/kg/h], hours without a pause [h], rank of the pattern.
    """

    counts: tuple[HarmCount, ...]
    interval: tuple[float, float]  # from the lowest of their ends to the highest
    least: tuple[float, float, float]
    most: tuple[float, float, float]


class Bounds(NamedTuple):
    """How often a harm occurs."""

    low: float
    high: float
    inside: tuple[Group, ...]  # groups that the regimen is like
    why: str  # where it lies otherwise; empty if it is like a group


def count_interval(count: HarmCount) -> tuple[float, float]:
    """Return the 95 % interval of a count: exact, or as published for a difference.

    >>> from letheon import library
    >>> lee = next(c for c in library.harm_counts() if c.source == "lee2025")
    >>> [round(end, 4) for end in count_interval(lee)]
    [0.0, 0.0685]
    """
    if count.interval is not None:
        return count.interval
    assert count.events is not None and count.n is not None
    return exact_interval(count.events, count.n)


def hull(counts: Sequence[HarmCount]) -> tuple[float, float]:
    """Return the lowest and the highest end of the intervals of counts."""
    ends = [count_interval(count) for count in counts]
    return min(low for low, _ in ends), max(high for _, high in ends)


def group(counts: Sequence[HarmCount], rank: float = 0.0) -> Group:
    """Take counts together."""
    rates = [esketamine_share(c.drug or "") * rate for c in counts for rate in c.rate or ()]
    hours = [hour for c in counts for hour in c.hours or ()]
    return Group(
        counts=tuple(counts),
        interval=hull(counts),
        least=(min(rates), min(hours), rank),
        most=(max(rates), max(hours), rank),
    )


def _reaches(here: tuple[float, float, float], least: tuple[float, float, float]) -> bool:
    near = 1.0 - _TOLERANCE
    return least[0] * near <= here[0] and least[1] * near <= here[1] and least[2] <= here[2]


def _within(here: tuple[float, float, float], most: tuple[float, float, float]) -> bool:
    near = 1.0 + _TOLERANCE
    return here[0] <= most[0] * near and here[1] <= most[1] * near and here[2] <= most[2]


def inside(regimen: Intensity, counted: Group) -> bool:
    """Return whether a regimen is like those of a group, within a quarter."""
    here = (regimen.rate, regimen.hours, 0.0)
    return _reaches(here, counted.least) and _within(here, counted.most)


def bounds(regimen: Intensity, groups: Sequence[Group], rank: float = 0.0, floor: float = 0.0) -> Bounds:
    """Return how often a harm occurs under a regimen; neither end is ever lower for a stronger or longer one.

    `rank` is that of the regimen's pattern, `floor` the lowest share without drug; at least one group is needed.

    >>> from letheon import library
    >>> leiden = [c for c in library.harm_counts() if c.events == 22 and c.n == 29]
    >>> result = bounds(Intensity(5.0, 100.0), [group(leiden)])
    >>> round(result.low, 2), result.high, result.why[:35]
    (0.56, 1.0, 'Stronger or longer than any counted')
    """
    here = (regimen.rate, regimen.hours, rank)
    reached = [g for g in groups if _reaches(here, g.least)]
    covering = [g for g in groups if _within(here, g.most)]
    like = tuple(g for g in reached if g in covering)
    # Groups inside which the regimen lies are in both lists, so their whole hull is kept.
    low = min(floor, *(g.interval[0] for g in groups))
    if reached:
        low = min([max(g.interval[0] for g in reached), *(g.interval[0] for g in covering)])
    high = max([min(g.interval[1] for g in covering), *(g.interval[1] for g in reached)]) if covering else 1.0
    return Bounds(low, high, like, "" if like else _why(regimen, groups, bool(reached), bool(covering)))


def _between(low: float, high: float, unit: str) -> str:
    ends = [f"{end:.3g}" for end in (low, high)]
    return f"{' to '.join(dict.fromkeys(ends))} {unit}"


def _why(regimen: Intensity, groups: Sequence[Group], reached: bool, covering: bool) -> str:
    if reached and covering:
        text = "Between what was counted"
    elif reached:
        text = "Stronger or longer than any counted, so at least as often, with no upper end"
    elif covering:
        text = "Weaker or shorter than any counted, so at most as often, from none beyond placebo upwards"
    else:
        text = "Unlike any that was counted, in dose or in hours"
    seen = "; ".join(" over ".join(map(_between, g.least, g.most, ("mg/kg/h", "h"))) for g in groups)
    return (
        f"{text}: up to {regimen.rate:.2g} mg/kg/h of esketamine over {regimen.hours:.3g} h without a pause here, "
        f"counted at {seen}."
    )
