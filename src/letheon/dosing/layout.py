"""Layout: a timetable in bags and pushes, and what it comes to."""

import math
from dataclasses import astuple, dataclass
from operator import add

from letheon.dosing.bags import RatePeriod, SessionSheet, lay_out
from letheon.dosing.limits import Dosed, within_limits
from letheon.dosing.order import Order
from letheon.dosing.policy import DoseLimits
from letheon.dosing.regimen import Rate, Regimen
from letheon.units import MS_PER_HOUR

__all__ = ["Amounts", "Layout", "Push", "laid_out", "pumped", "pushes_of"]


@dataclass(frozen=True, slots=True)
class Push:
    """A dose given by hand within minutes, undiluted from the vial."""

    start_ms: int  # from the scenario's origin
    duration_ms: int
    mg: float  # drug, in free base; 0 for placebo
    ml: float  # from the vial, or of diluent for placebo
    written: Rate  # as a rate over its time


@dataclass(frozen=True, slots=True)
class Amounts:
    """What something comes to.

    >>> Amounts(sessions=1, mg=100.0, push_mg=20.0).times(3).dose_mg
    360.0
    """

    sessions: int = 0
    pushes: int = 0
    bags: int = 0
    occasions: int = 0  # times that a patient is treated: sessions, and pushes that adjoin none
    hours: float = 0.0  # during infusions
    ml: float = 0.0  # from the pump
    mg: float = 0.0  # drug from the pump, in free base
    left_ml: float = 0.0  # in the bags
    left_mg: float = 0.0
    push_ml: float = 0.0  # by hand
    push_mg: float = 0.0
    vials: int = 0  # opened, each for one bag or one push only; 0 where their content is not known

    @property
    def dose_mg(self) -> float:
        """Drug that is given, by pump and by hand [mg]."""
        return self.mg + self.push_mg

    @property
    def waste(self) -> float:
        """Share of the bags' volume that is left over; 0 without bags."""
        return self.left_ml / (self.ml + self.left_ml) if self.bags else 0.0

    def times(self, count: int) -> "Amounts":
        """Return the same, `count` times over."""
        return Amounts(*(count * one for one in astuple(self)))

    def plus(self, other: "Amounts") -> "Amounts":
        """Return both together."""
        return Amounts(*map(add, astuple(self), astuple(other)))


@dataclass(frozen=True, slots=True)
class Layout:
    """A timetable in bags and pushes."""

    order: Order
    sham: bool  # whether bags and syringes hold diluent alone
    sessions: tuple[SessionSheet, ...] = ()
    pushes: tuple[Push, ...] = ()

    @property
    def amounts(self) -> Amounts:
        """What it comes to."""
        bags, left = sum(len(one.bags) for one in self.sessions), math.fsum(one.left_ml for one in self.sessions)
        return Amounts(
            sessions=len(self.sessions),
            pushes=len(self.pushes),
            bags=bags,
            occasions=self._occasions(),
            hours=math.fsum(one.hours for one in self.sessions),
            ml=math.fsum(one.ml for one in self.sessions),
            mg=math.fsum(one.mg for one in self.sessions),
            left_ml=left,
            left_mg=0.0 if self.sham else left * self.order.mg_per_ml,
            push_ml=math.fsum(one.ml for one in self.pushes),
            push_mg=math.fsum(one.mg for one in self.pushes),
            vials=sum(self.vials(one) or 0 for one in (*self.sessions, *self.pushes)),
        )

    def vials(self, part: SessionSheet | Push) -> int | None:
        """Return the vials opened for one session or push; None where their content is not known."""
        order = self.order
        if order.vial_ml is None or self.sham:
            return None if order.vial_ml is None else 0
        return order.vials_for(part.ml) if isinstance(part, Push) else len(part.bags) * order.vials_for(order.drug_ml)

    def _occasions(self) -> int:
        spans = [(one.start_ms, one.start_ms + round(one.hours * MS_PER_HOUR)) for one in self.sessions]
        spans += [(one.start_ms, one.start_ms + one.duration_ms) for one in self.pushes]
        count, until = 0, -1
        for start, stop in sorted(spans):
            count, until = count + (start > until), max(until, stop)
        return count


def pumped(regimen: Regimen) -> Regimen:
    """Return what the pump gives: all but the pushes, with drug in the bag even where a placebo stands for it.

    >>> pumped(Regimen.create("placebo", [])).drug
    'racemic'
    """
    return Regimen("racemic", tuple(one for one in regimen.infusions if not one.is_push))


def pushes_of(regimen: Regimen, order: Order) -> list[tuple[Dosed, Push]]:
    """Return the pushes of a timetable, each beside the drug in it, or in what a sham stands for.

    >>> pushes_of(Regimen.create("racemic", []), Order())
    []
    """
    sham = regimen.drug == "placebo"
    return [
        (
            Dosed(one.start_ms, one.duration_ms, mg),
            Push(one.start_ms, one.duration_ms, 0.0 if sham else mg, mg / order.base_mg_per_ml, one.rate),
        )
        for one in regimen.infusions
        if one.is_push and (mg := one.rate.at(order.weight_kg) * one.duration_ms / MS_PER_HOUR) > 0
    ]


def laid_out(regimen: Regimen, order: Order, limits: DoseLimits | None = None) -> Layout:
    """Lay out a timetable as it is written, as far as limits let it run; for placebo its sham sessions.

    Raises
    ------
    InputError
        If no pump could run a rate, or the bags are too many to hang.

    Examples
    --------
    >>> from letheon.dosing.regimen import Infusion
    >>> laid_out(Regimen.create("racemic", [Infusion.create(0, 4, Rate(25.0))]), Order()).amounts.mg
    100.0
    """
    sham = regimen.drug == "placebo"
    schedule = pumped(regimen).schedule()
    spans = zip(schedule.edges_ms, schedule.edges_ms[1:], schedule.rates(order.weight_kg), schedule.terms, strict=False)
    periods = [RatePeriod(*span) for span in spans if span[2] > 0]
    periods, pushes = within_limits(periods, pushes_of(regimen, order), limits)
    return Layout(order, sham, lay_out(periods, order, sham), tuple(pushes))
