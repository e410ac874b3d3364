"""Titration as a pharmacy must foresee it: the lowest and the highest rate that looks can lead to at each moment.

A look falls every so often, counted from each start of continuous dosing. A patient keeps an offset from the written
rate; the rate is the written one plus the offset, between the lowest and the highest that the rule allows. A taper
(see `letheon.dosing.tapers`) runs as written and is not looked at.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from letheon.dosing.policy import Titration
from letheon.dosing.regimen import Regimen
from letheon.dosing.tapers import titrated_spans

__all__ = ["MAX_RATES", "Reach", "reach", "reachable_rates"]

MAX_RATES = 200  # more than anybody would look up in a table

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
        Rate if every look so far went down, and if every look went up [mg/h].
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

    def rate(self, written: float, offset: float) -> float:
        rate = min(max(written + offset, self.least), self.most)
        return 0.0 if rate < _SAME else rate

    def moved(self, written: float, offset: float, by: int) -> float:
        """Return the offset after a look."""
        return self.rate(written, offset + by * self.step) - written


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
    [(10.0, 10.0), (5.0, 15.0), (0.0, 20.0)]
    """
    limits, down = _limits(titration, weight_kg), -1 if titration.down else 0
    low = high = 0.0
    found: list[Reach] = []
    for part, looks in _parts(regimen, titration, weight_kg):
        if looks:
            low, high = limits.moved(part.written, low, down), limits.moved(part.written, high, 1)
        if part.looked_at:
            part = Reach(
                part.start_ms,
                part.stop_ms,
                part.written,
                limits.rate(part.written, low),
                limits.rate(part.written, high),
                True,
            )
        last = found[-1] if found else None
        if last and last.stop_ms == part.start_ms and _same(last, part):
            found[-1] = Reach(last.start_ms, part.stop_ms, last.written, last.lowest, last.highest, last.looked_at)
        else:
            found.append(part)
    return tuple(found)


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
    limits, moves = _limits(titration, weight_kg), (1, 0, -1) if titration.down else (1, 0)
    offsets, rates = {0.0}, set[float]()
    settled: float | None = None  # written rate at which another look reaches nothing new
    for part, looks in _parts(regimen, titration, weight_kg):
        if not part.looked_at:
            rates.add(part.written)
            continue
        if looks and settled != part.written:
            grown = {round(limits.moved(part.written, offset, by), 9) for offset in offsets for by in moves}
            settled = part.written if grown == offsets else None
            offsets = grown
        rates |= {round(limits.rate(part.written, offset), 9) for offset in offsets}
        if len(rates) > MAX_RATES or len(offsets) > MAX_RATES:
            return None
    return tuple(sorted(rates))


def _limits(titration: Titration, weight_kg: float) -> _Limits:
    return _Limits(titration.step.at(weight_kg), titration.lowest.at(weight_kg), titration.highest.at(weight_kg))


def _parts(regimen: Regimen, titration: Titration, weight_kg: float) -> Iterator[tuple[Reach, bool]]:
    """Cut the drip at its looks: each part as written, and whether a look falls at its start."""
    schedule = regimen.schedule()
    bounds = [moment for span in titrated_spans(regimen.infusions) for moment in span]  # in turn begin and end
    look: int | None = None
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
            yield Reach(now, until, written, written, written, looked_at), due and looked_at
            now = until


def _same(one: Reach, other: Reach) -> bool:
    return (one.written, one.lowest, one.highest, one.looked_at) == (
        other.written,
        other.lowest,
        other.highest,
        other.looked_at,
    )
