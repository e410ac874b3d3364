"""Worksheet: all that an arm gives, as bags, pump rates and pushes, for one body weight.

Sessions, titration and boosters are laid out in bags (see `letheon.dosing.bags`); pushes are drawn from the vial and
given by hand. A part that cannot be laid out is named in `Worksheet.missing`. Masses are free base. The arithmetic is
for the design of protocols, to be checked by a pharmacist.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from letheon.dosing.bags import SessionSheet, Span, check_rates, lay_out
from letheon.dosing.order import STANDARD_BAGS_ML, Order, rounded_up
from letheon.dosing.policy import Boosters, Policy, Titration
from letheon.dosing.regimen import MS_PER_DAY, Rate, Regimen
from letheon.dosing.titration import MAX_RATES, reach, reachable_rates
from letheon.errors import InputError
from letheon.units import MS_PER_HOUR

__all__ = ["MOST_WASTE", "Amounts", "BoosterSheet", "Layout", "Push", "TitrationSheet", "Worksheet", "worksheet"]

MOST_WASTE = 0.25  # share of what is made up that may be left in the bags before a better bag is named


@dataclass(frozen=True, slots=True)
class Push:
    """A dose given by hand within minutes, undiluted from the vial.

    Parameters
    ----------
    start_ms, duration_ms : int
        When, milliseconds from the scenario's origin, and over how long [ms].
    mg : float
        Drug, in free base [mg]; 0 for placebo.
    ml : float
        Volume, from the vial, or of diluent for placebo [mL].
    written : Rate
        As written, as a rate over its time.

    Examples
    --------
    >>> Push(0, 60_000, 25.0, 0.5, Rate(1500.0)).ml
    0.5
    """

    start_ms: int
    duration_ms: int
    mg: float
    ml: float
    written: Rate


@dataclass(frozen=True, slots=True)
class Amounts:
    """What something comes to.

    Parameters
    ----------
    sessions, pushes, bags : int
        How many.
    hours : float
        Time on the drip [h].
    ml, mg : float
        Volume [mL] and drug, in free base [mg], that the pump gives.
    left_ml, left_mg : float
        Volume [mL] and drug [mg] left in the bags.
    push_ml, push_mg : float
        Volume [mL] and drug [mg] given by hand.
    vials : int or None
        Vials opened, each for one bag or one push only; None where their content is not known.

    Examples
    --------
    >>> Amounts(sessions=1, mg=100.0, push_mg=20.0).times(3).dose_mg
    360.0
    """

    sessions: int = 0
    pushes: int = 0
    bags: int = 0
    hours: float = 0.0
    ml: float = 0.0
    mg: float = 0.0
    left_ml: float = 0.0
    left_mg: float = 0.0
    push_ml: float = 0.0
    push_mg: float = 0.0
    vials: int | None = None

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
        return Amounts(**{name: None if one is None else one * count for name, one in self._items()})

    def plus(self, other: "Amounts") -> "Amounts":
        """Return both together."""
        theirs = dict(other._items())
        return Amounts(**{name: None if one is None else one + (theirs[name] or 0) for name, one in self._items()})

    def _items(self) -> Iterator[tuple[str, "float | None"]]:
        return ((name, getattr(self, name)) for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class Layout:
    """A timetable in bags and pushes.

    Parameters
    ----------
    order : Order
        What is drawn up.
    sham : bool
        Whether bags and syringes hold diluent alone.
    sessions : tuple of SessionSheet
        Stretches of drip, in order.
    pushes : tuple of Push
        What is given by hand, in order.

    Examples
    --------
    >>> Layout(Order(), False).amounts.mg
    0.0
    """

    order: Order
    sham: bool
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
            hours=math.fsum(one.hours for one in self.sessions),
            ml=math.fsum(one.ml for one in self.sessions),
            mg=math.fsum(one.mg for one in self.sessions),
            left_ml=left,
            left_mg=0.0 if self.sham else left * self.order.mg_per_ml,
            push_ml=math.fsum(one.ml for one in self.pushes),
            push_mg=math.fsum(one.mg for one in self.pushes),
            vials=self._vials(bags),
        )

    def _vials(self, bags: int) -> int | None:
        if self.order.vials_a_bag is None:
            return None
        return 0 if self.sham else bags * self.order.vials_a_bag + sum(self.order.vials_for(p.ml) for p in self.pushes)


@dataclass(frozen=True, slots=True)
class TitrationSheet:
    """What titration can make of the sessions of an arm.

    Parameters
    ----------
    rule : Titration
        The rule.
    rates : tuple of float
        Every rate that the pump may have to run at, ascending [mg/h]; empty if they are too many to list.
    least, most : Layout
        The sessions if every look goes down, and if every look goes up.
    """

    rule: Titration
    rates: tuple[float, ...]
    least: Layout
    most: Layout


@dataclass(frozen=True, slots=True)
class BoosterSheet:
    """A booster, and how many of them there can be.

    Parameters
    ----------
    rule : Boosters
        The rule.
    each : Layout
        One booster, clocked from its own start; every one is the same.
    at_most : int
        Boosters that no patient exceeds within the follow-up.
    """

    rule: Boosters
    each: Layout
    at_most: int


@dataclass(frozen=True, slots=True)
class Worksheet:
    """All that one arm gives.

    Parameters
    ----------
    drug : str
        Drug of the arm; the bags of ``placebo`` hold diluent alone.
    order : Order
        What is drawn up.
    course : Layout
        The timetable as written.
    titration : TitrationSheet or None
        What looks at the rate can make of it.
    boosters : BoosterSheet or None
        What comes after it.
    policy : Policy
        The rules as written.
    beside : mapping of str to float
        Other drugs given beside each session, and their doses [mg].
    missing : tuple of str
        Parts of the arm that are not laid out here.
    fitting : Order or None
        A bag that fits, where more than `MOST_WASTE` of what is made up is left over and such a bag is known.

    Examples
    --------
    >>> from letheon.dosing.regimen import Infusion
    >>> sheet = worksheet(Regimen.create("racemic", [Infusion.create(0, 4, Rate(absolute_mg_h=25.0))]))
    >>> sheet.most.dose_mg, sheet.most.ml, sheet.most.bags, sheet.most.left_mg
    (100.0, 100.0, 1, 0.0)
    """

    drug: str
    order: Order
    course: Layout
    titration: TitrationSheet | None = None
    boosters: BoosterSheet | None = None
    policy: Policy = Policy()
    beside: Mapping[str, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    fitting: Order | None = None

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
    def least(self) -> Amounts:
        """What a patient is given at least: every look goes down, and no booster comes."""
        return (self.titration.least if self.titration else self.course).amounts

    @property
    def most(self) -> Amounts:
        """What a patient is given at most: every look goes up, and every booster comes that can."""
        most = (self.titration.most if self.titration else self.course).amounts
        return most.plus(self.boosters.each.amounts.times(self.boosters.at_most)) if self.boosters else most


def worksheet(
    regimen: Regimen,
    order: Order | None = None,
    *,
    policy: Policy | None = None,
    follow_up_ms: int = 0,
    beside: Mapping[str, float] | None = None,
    missing: Sequence[str] = (),
) -> Worksheet:
    """Work out bags, pump rates and pushes for one body weight.

    Parameters
    ----------
    regimen : Regimen
        What is infused; for placebo the sham sessions, which get the volumes and pump rates of the drug.
    order : Order, optional
        What is drawn up; by default 70 kg, a vial of 50 mg/mL, and bags of 100 mL at 1 mg/mL.
    policy : Policy, optional
        Titration, boosters, and what ends them.
    follow_up_ms : int
        End of the observation [ms], which bounds the boosters.
    beside : mapping of str to float, optional
        Other drugs given beside each session, and their doses [mg].
    missing : sequence of str
        Parts that whoever calls knows of and this function does not.

    Returns
    -------
    Worksheet
        Sessions with their steps and bags, and everything else that the arm gives.

    Raises
    ------
    InputError
        If no pump could run a step as written, or the bags are too many to hang.

    Examples
    --------
    >>> from letheon.dosing.regimen import Infusion, Rate
    >>> day = Regimen.create("racemic", [Infusion.create(0, 4, Rate(per_kg_mg_h=0.35, ceiling_mg_h=25.0))])
    >>> worksheet(day, Order.create(weight_kg=79.0)).course.sessions[0].steps[0].ml_per_h
    25.0
    """
    order, policy = Order() if order is None else order, Policy() if policy is None else policy
    given = {drug: mg for drug, mg in (beside or {}).items() if mg}
    sheet = Worksheet(
        regimen.drug, order, _laid_out(regimen, order), policy=policy, beside=given, missing=tuple(missing)
    )
    sheet = _with_boosters(_with_titration(sheet, regimen), regimen, follow_up_ms)
    if sheet.most.waste > MOST_WASTE:
        sheet = replace(sheet, fitting=_fitting(sheet, regimen))
    return sheet


def _split(regimen: Regimen) -> tuple[Regimen, Regimen]:
    """Part what the pump gives from what is pushed; a sham schedule is empty, so both are those of a drug."""
    pumped = tuple(one for one in regimen.infusions if not one.is_push)
    pushed = tuple(one for one in regimen.infusions if one.is_push)
    return Regimen("racemic", pumped), Regimen("racemic", pushed)


def _laid_out(regimen: Regimen, order: Order) -> Layout:
    """Lay out a timetable as it is written."""
    sham = regimen.drug == "placebo"
    pumped, pushed = _split(regimen)
    schedule = pumped.schedule()
    spans = zip(
        schedule.edges_ms, schedule.edges_ms[1:], schedule.rates(order.weight_kg), schedule.terms, strict=False
    )
    sessions = lay_out([Span(*span) for span in spans if span[2] > 0], order, sham)
    pushes = []
    for one in pushed.infusions:
        if (mg := one.rate.at(order.weight_kg) * one.duration_ms / MS_PER_HOUR) > 0:
            pushes.append(
                Push(one.start_ms, one.duration_ms, 0.0 if sham else mg, mg / order.base_mg_per_ml, one.rate)
            )
    return Layout(order, sham, sessions, tuple(pushes))


def _with_titration(sheet: Worksheet, regimen: Regimen) -> Worksheet:
    """Lay out what titration can make of the sessions, or say why not."""
    rule, order = sheet.policy.titration, sheet.order
    if rule is None:
        return sheet
    pumped = _split(regimen)[0]
    parts = reach(pumped, rule, order.weight_kg)
    rates = reachable_rates(pumped, rule, order.weight_kg)
    try:
        check_rates([rate for rate in rates or () if rate > 0], order)
        least, most = (
            replace(sheet.course, sessions=lay_out(spans, order, sheet.is_sham))
            for spans in (
                [Span(part.start_ms, part.stop_ms, part.lowest) for part in parts],
                [Span(part.start_ms, part.stop_ms, part.highest) for part in parts],
            )
        )
    except InputError as error:
        return replace(sheet, missing=(*sheet.missing, f"titration, because {error}"))
    sheet = replace(sheet, titration=TitrationSheet(rule, rates or (), least, most))
    if rates is None:
        lacks = f"the table of titration's rates, which are more than {MAX_RATES}; a larger step has fewer."
        sheet = replace(sheet, missing=(*sheet.missing, lacks))
    return sheet


def _with_boosters(sheet: Worksheet, regimen: Regimen, follow_up_ms: int) -> Worksheet:
    """Lay out a booster, or say why not."""
    if (rule := sheet.policy.boosters) is None:
        return sheet
    try:
        each = _laid_out(Regimen(regimen.drug, rule.session), sheet.order)
    except InputError as error:
        return replace(sheet, missing=(*sheet.missing, f"boosters, because {error}"))
    most = _most_boosters(rule, regimen, follow_up_ms)
    dose, limit = each.amounts.dose_mg, sheet.policy.stops.dose_mg
    if limit and dose:  # a booster that would pass the limit is not begun
        most = min(most, max(math.floor((limit - sheet.least.dose_mg) / dose * (1 + 1e-9)), 0))
    return replace(sheet, boosters=BoosterSheet(rule, each, most))


def _most_boosters(rule: Boosters, regimen: Regimen, follow_up_ms: int) -> int:
    """Bound the boosters of any patient: each comes as soon after the last as the rule can let it."""
    days = -(-follow_up_ms // MS_PER_DAY)
    course_end = next((stop for _, stop in regimen.courses()), 0)
    last = max(course_end - 1, 0) // MS_PER_DAY
    starts: list[int] = []
    while not rule.times or len(starts) < rule.times:
        gap = rule.gaps_days[min(len(starts), len(rule.gaps_days) - 1)] if rule.gaps_days else rule.wait_days
        start = last + max(gap, rule.apart_days, 1)
        if rule.at_most and len(starts) >= rule.at_most:
            start = max(start, starts[-rule.at_most] + 365)
        if start * MS_PER_DAY + rule.stop_ms > days * MS_PER_DAY:
            break
        starts.append(start)
        last = start + (rule.stop_ms - 1) // MS_PER_DAY
    return len(starts)


def _fitting(sheet: Worksheet, regimen: Regimen) -> Order | None:
    """Look for the bag of a standard size, or of another strength too, that leaves little over."""
    order, layouts = sheet.order, [sheet.titration.most if sheet.titration else sheet.course]
    layouts += [sheet.boosters.each] if sheet.boosters else []
    used = [bag.used_ml for layout in layouts for session in layout.sessions for bag in session.bags]
    most_mg = rounded_up(max(used) * order.mg_per_ml)
    found: list[tuple[int, bool, float, Order]] = []
    for bag_ml in STANDARD_BAGS_ML:
        for mg_per_ml in (order.mg_per_ml, most_mg / bag_ml):
            if mg_per_ml > order.base_mg_per_ml:
                continue
            other = replace(order, bag_ml=bag_ml, mg_per_ml=mg_per_ml)
            try:
                most = _again(sheet, regimen, other)
            except InputError:
                continue
            if most.waste <= MOST_WASTE:
                found.append((most.bags, mg_per_ml != order.mg_per_ml, bag_ml, other))
    return min(found, key=lambda one: one[:3])[3] if found else None


def _again(sheet: Worksheet, regimen: Regimen, order: Order) -> Amounts:
    """Return what the arm comes to at most with another bag."""
    other = replace(sheet, order=order, course=_laid_out(regimen, order), titration=None, missing=())
    other = _with_titration(other, regimen)
    if sheet.boosters:
        each = _laid_out(Regimen(regimen.drug, sheet.boosters.rule.session), order)
        other = replace(other, boosters=replace(sheet.boosters, each=each))
    if other.missing:
        raise InputError(other.missing[0])
    return other.most
