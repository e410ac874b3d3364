"""Worksheet: how a regimen becomes bags and pump rates, for one body weight.

Every bag is made up alike: drug from the vial, diluent up to the volume of the bag. Drug that stops flowing ends a
session, and no bag is kept from one session to the next; within a session a bag hangs until it is empty, or for
`MAX_HANG_H`. Masses are free base. The arithmetic is for the design of protocols, to be checked by a pharmacist.
"""

import math
from dataclasses import dataclass, replace

from letheon.dosing.order import MAX_PUMP_ML_H, MIN_PUMP_ML_H, Order
from letheon.dosing.regimen import Regimen
from letheon.errors import InputError
from letheon.units import MS_PER_HOUR, plain

MAX_HANG_H = 24.0  # a bag made up outside a pharmacy is commonly discarded after a day
MAX_BAGS = 10_000

# shorter than the millisecond that regimens count in, longer than rounding: two moments this near are one [h]
_SAME_H = 1e-9


@dataclass(frozen=True, slots=True)
class Step:
    """One rate of the pump.

    Parameters
    ----------
    start_h, stop_h : float
        From when to when, counted from the start of the session [h].
    mg_per_h : float
        Drug, in free base [mg/h]; 0 for placebo.
    ml_per_h : float
        Rate of the pump [mL/h].
    first_bag, last_bag : int
        Numbers of the bags that it runs from, counted from 1 in each session.

    Examples
    --------
    >>> Step(0.0, 4.0, 25.0, 25.0, 1, 1).ml
    100.0
    """

    start_h: float
    stop_h: float
    mg_per_h: float
    ml_per_h: float
    first_bag: int
    last_bag: int

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
    """One bag on its stand.

    Parameters
    ----------
    hung_h, down_h : float
        When it is hung and taken down, counted from the start of the session [h].
    used_ml : float
        Volume that has run out of it [mL].
    left_ml : float
        Volume that is left in it, to be discarded [mL].

    Examples
    --------
    >>> Bag(0.0, 4.0, 98.0, 2.0).left_ml
    2.0
    """

    hung_h: float
    down_h: float
    used_ml: float
    left_ml: float


@dataclass(frozen=True, slots=True)
class SessionSheet:
    """One stretch of drip without a pause.

    Parameters
    ----------
    start_ms : int
        Start, milliseconds from the scenario's origin.
    steps : tuple of Step
        In order.
    bags : tuple of Bag
        In order.

    Examples
    --------
    >>> SessionSheet(0, (Step(0.0, 4.0, 25.0, 25.0, 1, 1),), (Bag(0.0, 4.0, 100.0, 0.0),)).mg
    100.0
    """

    start_ms: int
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


@dataclass(frozen=True, slots=True)
class Worksheet:
    """The bags and pump rates of one arm.

    Parameters
    ----------
    drug : str
        Drug of the arm; the bags of ``placebo`` hold diluent alone.
    order : Order
        What is drawn up.
    sessions : tuple of SessionSheet
        In order; empty where nothing is infused.

    Examples
    --------
    >>> from letheon.dosing.regimen import Infusion, Rate, Regimen
    >>> sheet = worksheet(Regimen.create("racemic", [Infusion.create(0, 4, Rate(absolute_mg_h=25.0))]))
    >>> sheet.mg, sheet.ml, sheet.bags, sheet.left_mg
    (100.0, 100.0, 1, 0.0)
    """

    drug: str
    order: Order
    sessions: tuple[SessionSheet, ...]

    @property
    def is_sham(self) -> bool:
        """Whether the bags hold no drug."""
        return self.drug == "placebo"

    @property
    def mg_per_ml(self) -> float:
        """Strength of the bags as they are made up [mg/mL]; 0 for placebo."""
        return 0.0 if self.is_sham else self.order.mg_per_ml

    @property
    def drug_ml(self) -> float:
        """Volume from the vial in each bag [mL]."""
        return 0.0 if self.is_sham else self.order.drug_ml

    @property
    def diluent_ml(self) -> float:
        """Volume of diluent in each bag [mL]."""
        return self.order.bag_ml - self.drug_ml

    @property
    def hours(self) -> float:
        """Hours on the drip [h]."""
        return math.fsum(session.hours for session in self.sessions)

    @property
    def ml(self) -> float:
        """Volume that runs in [mL]."""
        return math.fsum(session.ml for session in self.sessions)

    @property
    def mg(self) -> float:
        """Drug that runs in, in free base [mg]."""
        return math.fsum(session.mg for session in self.sessions)

    @property
    def bags(self) -> int:
        """Number of bags."""
        return sum(len(session.bags) for session in self.sessions)

    @property
    def left_ml(self) -> float:
        """Volume left in the bags [mL]."""
        return math.fsum(session.left_ml for session in self.sessions)

    @property
    def left_mg(self) -> float:
        """Drug left in the bags, in free base [mg]."""
        return self.left_ml * self.mg_per_ml

    @property
    def vials(self) -> int | None:
        """Vials opened, a vial for one bag only; None where their content is not known."""
        each = self.order.vials_a_bag
        return None if each is None else 0 if self.is_sham else each * self.bags


def worksheet(regimen: Regimen, order: Order | None = None) -> Worksheet:
    """Work out the bags and pump rates of a regimen for one body weight.

    Parameters
    ----------
    regimen : Regimen
        What is infused; for placebo the sham sessions, which get the volumes and pump rates of the drug.
    order : Order, optional
        What is drawn up; by default 70 kg, a vial of 50 mg/mL, and bags of 100 mL at 1 mg/mL.

    Returns
    -------
    Worksheet
        Sessions with their steps and bags.

    Raises
    ------
    InputError
        If no pump could run a step, or the bags are too many to hang.

    Examples
    --------
    >>> from letheon.dosing.regimen import Infusion, Rate
    >>> day = Regimen.create("racemic", [Infusion.create(0, 4, Rate(per_kg_mg_h=0.35, ceiling_mg_h=25.0))])
    >>> worksheet(day, Order.create(weight_kg=79.0)).sessions[0].steps[0].ml_per_h
    25.0
    """
    order = Order() if order is None else order
    # a sham schedule is empty, so the bags are those of the drug it stands for
    schedule = replace(regimen, drug="racemic").schedule()
    spans = list(zip(schedule.edges_ms, schedule.edges_ms[1:], schedule.rates(order.weight_kg), strict=False))
    _check_rates([rate for _, _, rate in spans if rate > 0], order)
    due = math.fsum((b - a) / MS_PER_HOUR * max(rate / order.bag_mg, rate and 1 / MAX_HANG_H) for a, b, rate in spans)
    if due > MAX_BAGS:
        raise InputError(
            f"more than {MAX_BAGS} bags of {plain(order.bag_ml)} mL would have to hang; "
            "take a larger bag, a higher strength or a shorter regimen."
        )
    sessions: list[list[tuple[int, int, float]]] = []
    for start, stop, rate in spans:
        if rate <= 0:
            continue
        if sessions and sessions[-1][-1][1] == start:
            sessions[-1].append((start, stop, rate))
        else:
            sessions.append([(start, stop, rate)])
    sham = regimen.drug == "placebo"
    return Worksheet(regimen.drug, order, tuple(_session(session, order, sham) for session in sessions))


def _check_rates(rates: list[float], order: Order) -> None:
    """Refuse what no pump can run, with advice that suits the fastest and the slowest step."""
    if not rates:
        return
    fast, slow = max(rates), min(rates)
    if fast * MIN_PUMP_ML_H > slow * MAX_PUMP_ML_H:
        raise InputError(
            f"rates of {slow:.4g} and {fast:.4g} mg/h are too far apart for one pump ({plain(MIN_PUMP_ML_H)} to "
            f"{plain(MAX_PUMP_ML_H)} mL/h) and one strength of bag; write them in scenarios of their own."
        )
    order.pump_ml_h(slow if slow < order.mg_per_ml * MIN_PUMP_ML_H else fast)


def _session(spans: list[tuple[int, int, float]], order: Order, sham: bool) -> SessionSheet:
    """Hang one bag after the other until the session ends."""
    origin, steps, bags = spans[0][0], list[Step](), list[Bag]()
    for start_ms, stop_ms, rate in spans:
        start, stop = (start_ms - origin) / MS_PER_HOUR, (stop_ms - origin) / MS_PER_HOUR
        pump, now, first = order.pump_ml_h(rate), start, 0
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
        steps.append(Step(start, stop, 0.0 if sham else rate, pump, first, len(bags)))
    return SessionSheet(origin, tuple(steps), tuple(_swept(bag, order) for bag in bags))


def _is_done(bag: Bag, now: float, pump: float) -> bool:
    return bag.left_ml / pump < _SAME_H or bag.hung_h + MAX_HANG_H - now < _SAME_H


def _swept(bag: Bag, order: Order) -> Bag:
    """Call a bag empty where only rounding says otherwise."""
    return replace(bag, used_ml=order.bag_ml, left_ml=0.0) if bag.left_ml < order.bag_ml * 1e-9 else bag
