"""Titration as a pharmacy must foresee it: the lowest and the highest rate that looks can lead to at each moment.

A look falls every so often, counted from each start of continuous dosing. A patient keeps a number of steps from the
written rate, between the lowest and the highest rate that the rule allows. After a complaint the rate never exceeds the
last one at which a look passed without one, else the lowest. A taper (see `letheon.dosing.tapers`) runs as written and
is not looked at. The engine's own rules are in `letheon.pipeline.clinic`.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

from letheon.dosing.policy import Titration
from letheon.dosing.regimen import Regimen
from letheon.dosing.tapers import titrated_spans

__all__ = ["MAX_RATES", "Reach", "reach", "reachable_rates"]

MAX_RATES = 200  # more than a useful table holds

_MAX_RUNGS = 100_000
_SAME = 1e-9  # two rates this near are one [mg/h]


@dataclass(frozen=True, slots=True)
class Reach:
    """What a titrated rate can be between two moments.

    Parameters
    ----------
    start_ms, stop_ms : int
        From when to when, milliseconds from the scenario's origin.
    written : float
        Rate as written [mg/h].
    lowest, highest : float
        Rate of who complained at every look so far, and of who went up at every look [mg/h].
    looked_at : bool
        Whether the rate may be changed here; else it runs as written.

    Examples
    --------
    >>> Reach(0, 3_600_000, 10.0, 5.0, 15.0, True).highest
    15.0
    """

    start_ms: int
    stop_ms: int
    written: float
    lowest: float
    highest: float
    looked_at: bool


@dataclass(frozen=True, slots=True)
class _Limits:
    """The rule for one body weight [mg/h]."""

    step: float
    least: float
    most: float

    def rate(self, written: float, rung: int) -> float:
        """Return the rate so many steps from the written one."""
        rate = min(max(written + rung * self.step, self.least), self.most)
        return 0.0 if rate < _SAME else rate

    def lowest_rung(self, written: float) -> int:
        """Return the first step at which a rate is as low as it may be."""
        return math.floor((self.least - written) / self.step + _SAME)

    def up(self, written: float, rung: int) -> int:
        """Return the step after a look that raises the rate, which the highest rate may not let it do."""
        return max(rung, self.lowest_rung(written)) + 1 if self.rate(written, rung) < self.most - _SAME else rung


def reach(regimen: Regimen, titration: Titration, weight_kg: float) -> tuple[Reach, ...]:
    """Return the lowest and the highest rate at every moment, for one body weight.

    Parameters
    ----------
    regimen : Regimen
        The drip as written, without pushes.
    titration : Titration
        The rule.
    weight_kg : float
        Body weight [kg].

    Returns
    -------
    tuple of Reach
        In the order of time, without pauses; neighbours that differ in nothing but time are one.

    Examples
    --------
    >>> from letheon.dosing.regimen import Infusion, Rate, Regimen
    >>> day = Regimen.create("racemic", [Infusion.create(0, 24, Rate(10.0))])
    >>> rule = Titration(8 * 3_600_000, Rate(5.0), Rate(40.0))
    >>> [(part.lowest, part.highest) for part in reach(day, rule, 70.0)]
    [(10.0, 10.0), (0.0, 15.0), (0.0, 20.0)]
    """
    limits = _limits(titration, weight_kg)
    rung, cap, ran = 0, math.inf, 0.0
    result: list[Reach] = []
    for part, look in _parts(regimen, titration, weight_kg):
        if look:
            # who complains at the first look bore no rate yet; if a complaint only holds the rate, that one is borne
            cap, rung = 0.0 if titration.down else ran, limits.up(part.written, rung)
        if part.looked_at:
            low = max(min(limits.rate(part.written, 0), cap), limits.least)
            part = replace(part, lowest=low, highest=limits.rate(part.written, rung))
        ran = part.lowest
        if result and result[-1] == replace(part, start_ms=result[-1].start_ms, stop_ms=part.start_ms):
            part = replace(result.pop(), stop_ms=part.stop_ms)
        result.append(part)
    return tuple(result)


def reachable_rates(regimen: Regimen, titration: Titration, weight_kg: float) -> tuple[float, ...] | None:
    """Return every rate that the pump may have to run at, for one body weight.

    Parameters
    ----------
    regimen, titration, weight_kg
        As for `reach`.

    Returns
    -------
    tuple of float or None
        Ascending [mg/h], 0 where the pump may be held; None where they are more than `MAX_RATES`.

    Examples
    --------
    >>> from letheon.dosing.regimen import Infusion, Rate, Regimen
    >>> day = Regimen.create("racemic", [Infusion.create(0, 24, Rate(10.0))])
    >>> rule = Titration(8 * 3_600_000, Rate(5.0), Rate(40.0))
    >>> reachable_rates(day, rule, 70.0)
    (0.0, 5.0, 10.0, 15.0, 20.0)
    """
    limits = _limits(titration, weight_kg)
    low = high = 0
    rates: set[float] = set()
    seen: set[tuple[float, int, int]] = set()
    for part, look in _parts(regimen, titration, weight_kg):
        if not part.looked_at:
            rates.add(part.written)
            continue
        if look:
            low = min(low, limits.lowest_rung(part.written)) if titration.down else low
            high = limits.up(part.written, high)
        if (case := (part.written, low, high)) in seen:
            continue
        seen.add(case)
        if high - low > _MAX_RUNGS:
            return None
        rates |= {round(limits.rate(part.written, rung), 9) for rung in range(low, high + 1)}
        if len(rates) > MAX_RATES:
            return None
    return tuple(sorted(rates))


def _limits(titration: Titration, weight_kg: float) -> _Limits:
    return _Limits(titration.step.at(weight_kg), titration.lowest.at(weight_kg), titration.highest.at(weight_kg))


def _parts(regimen: Regimen, titration: Titration, weight_kg: float) -> Iterator[tuple[Reach, bool]]:
    """Cut the drip at its looks: each part as written, and whether a look falls at its start."""
    schedule = regimen.schedule()
    bounds = [moment for span in titrated_spans(regimen.infusions) for moment in span]  # in turn begin and end
    look: int | None = None
    before = False  # the moment at which a taper begins or ends is not looked at
    spans = zip(schedule.edges_ms, schedule.edges_ms[1:], schedule.rates(weight_kg), strict=False)
    for start, stop, written in spans:
        if written <= 0:
            look = None
            continue
        look = start + titration.every_ms if look is None else look
        now = start
        while now < stop:
            passed = bisect_right(bounds, now)
            looked_at, due = passed % 2 == 1, now == look
            look = look + titration.every_ms if due else look
            until = min(stop, look, *bounds[passed : passed + 1])
            yield Reach(now, until, written, written, written, looked_at), due and looked_at and before
            now, before = until, looked_at
