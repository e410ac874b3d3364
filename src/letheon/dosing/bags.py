"""Bags: how periods of infusion become steps of the pump and bags, for one order.

Every bag is made up alike: drug from the vial, diluent up to the volume of the bag. Drug that stops flowing ends a
session, and no bag is kept from one session to the next; within a session a bag hangs until it is empty, or for
`MAX_HANG_H`. Masses are free base.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from letheon.dosing.order import MAX_PUMP_ML_H, MIN_PUMP_ML_H, Order
from letheon.dosing.regimen import Rate
from letheon.errors import InputError
from letheon.units import MS_PER_HOUR, plain

MAX_HANG_H = 24.0  # a bag made up outside a pharmacy is commonly discarded after a day
MAX_BAGS = 10_000

# shorter than the millisecond that regimens count in, longer than rounding: two moments this near are one [h]
_SAME_H = 1e-9


@dataclass(frozen=True, slots=True)
class RatePeriod:
    """A period of infusion at one rate, for one body weight."""

    start_ms: int  # from the scenario's origin
    stop_ms: int
    mg_per_h: float  # drug, in free base; 0 holds the pump and keeps the bag
    written: tuple[Rate, ...] = ()  # rates as written that add up to it; empty where a rule set it


@dataclass(frozen=True, slots=True)
class Step:
    """One rate of the pump; times count from the start of the session.

    >>> Step(0.0, 4.0, 25.0, 25.0, 1, 1).ml
    100.0
    """

    start_h: float
    stop_h: float
    mg_per_h: float  # drug, in free base; 0 for placebo
    ml_per_h: float  # of the pump
    first_bag: int  # bags are counted from 1 in each session; 0 before the first is hung
    last_bag: int
    written: tuple[Rate, ...] = ()  # rates as written that add up to it; empty where a rule set it

    @property
    def hours(self) -> float:
        """Length [h]."""
        return self.stop_h - self.start_h

    @property
    def ml(self) -> float:
        """Volume that runs in [mL]."""
        return self.ml_per_h * self.hours

    @property
    def mg(self) -> float:
        """Drug that runs in, in free base [mg]."""
        return self.mg_per_h * self.hours


@dataclass(frozen=True, slots=True)
class Bag:
    """One bag; times count from the start of the session."""

    hung_h: float
    down_h: float
    used_ml: float
    left_ml: float  # to be discarded


@dataclass(frozen=True, slots=True)
class SessionSheet:
    """One infusion without a pause."""

    start_ms: int  # from the scenario's origin
    steps: tuple[Step, ...]
    bags: tuple[Bag, ...]

    @property
    def hours(self) -> float:
        """Length [h]."""
        return self.steps[-1].stop_h

    @property
    def ml(self) -> float:
        """Volume that runs in [mL]."""
        return math.fsum(step.ml for step in self.steps)

    @property
    def mg(self) -> float:
        """Drug that runs in, in free base [mg]."""
        return math.fsum(step.mg for step in self.steps)

    @property
    def left_ml(self) -> float:
        """Volume left in the bags [mL]."""
        return math.fsum(bag.left_ml for bag in self.bags)


def lay_out(periods: Iterable[RatePeriod], order: Order, sham: bool) -> tuple[SessionSheet, ...]:
    """Hang the bags of periods in the order of time; those that adjoin are one session.

    `sham` says that the bags hold diluent alone.

    Raises
    ------
    InputError
        If no pump could run a rate, or the bags are too many to hang.

    Examples
    --------
    >>> lay_out([RatePeriod(0, 14_400_000, 25.0)], Order(), sham=False)[0].ml
    100.0
    """
    periods = list(periods)
    check_rates([period.mg_per_h for period in periods if period.mg_per_h > 0], order)
    due = math.fsum(
        (period.stop_ms - period.start_ms) / MS_PER_HOUR * max(period.mg_per_h / order.bag_mg, 1 / MAX_HANG_H)
        for period in periods
        if period.mg_per_h > 0
    )
    if due > MAX_BAGS:
        raise InputError(
            f"more than {MAX_BAGS} bags of {plain(order.bag_ml)} mL would have to hang; "
            "take a larger bag, a higher strength or a shorter regimen."
        )
    sessions: list[list[RatePeriod]] = []
    for period in periods:
        if sessions and sessions[-1][-1].stop_ms == period.start_ms:
            sessions[-1].append(period)
        else:
            sessions.append([period])
    return tuple(_session(session, order, sham) for session in sessions)


def check_rates(rates: Sequence[float], order: Order) -> None:
    """Refuse rates above 0 [mg/h] that no pump can run, with advice that suits the fastest and the slowest step."""
    if not rates:
        return
    fast, slow = max(rates), min(rates)
    if fast * MIN_PUMP_ML_H > slow * MAX_PUMP_ML_H:
        raise InputError(
            f"rates of {slow:.4g} and {fast:.4g} mg/h are too far apart for one pump ({plain(MIN_PUMP_ML_H)} to "
            f"{plain(MAX_PUMP_ML_H)} mL/h) and one strength of bag; write them in scenarios of their own."
        )
    order.pump_ml_h(slow if slow < order.mg_per_ml * MIN_PUMP_ML_H else fast)


def _session(periods: Sequence[RatePeriod], order: Order, sham: bool) -> SessionSheet:
    """Hang one bag after the other until the session ends."""
    origin, steps, bags = periods[0].start_ms, list[Step](), list[Bag]()
    for period in periods:
        start, stop = (period.start_ms - origin) / MS_PER_HOUR, (period.stop_ms - origin) / MS_PER_HOUR
        rate, first = period.mg_per_h, 0
        pump = order.pump_ml_h(rate) if rate > 0 else 0.0
        now = start if rate > 0 else stop
        while now < stop:
            if not bags or _is_done(bags[-1], now, pump):
                bags.append(Bag(now, now, 0.0, order.bag_ml))
            first = first or len(bags)
            bag = bags[-1]
            until = min(stop, bag.hung_h + MAX_HANG_H, now + bag.left_ml / pump)
            until = stop if stop - until < _SAME_H else until
            used = pump * (until - now)
            bags[-1] = Bag(bag.hung_h, until, bag.used_ml + used, max(bag.left_ml - used, 0.0))
            now = until
        steps.append(Step(start, stop, 0.0 if sham else rate, pump, first or len(bags), len(bags), period.written))
    return SessionSheet(origin, tuple(steps), tuple(_swept(bag, order) for bag in bags))


def _is_done(bag: Bag, now: float, pump: float) -> bool:
    return bag.left_ml / pump < _SAME_H or bag.hung_h + MAX_HANG_H - now < _SAME_H


def _swept(bag: Bag, order: Order) -> Bag:
    """Call a bag empty where only rounding says otherwise."""
    return replace(bag, used_ml=order.bag_ml, left_ml=0.0) if bag.left_ml < order.bag_ml * 1e-9 else bag
