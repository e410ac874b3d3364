"""Worksheet: all that an arm gives, as bags, pump rates and pushes, for one body weight.

Sessions, titration and boosters are laid out in bags (see `letheon.dosing.bags`); pushes are drawn from the vial and
given by hand. A part that cannot be laid out is named in `Worksheet.missing`. Masses are free base. The arithmetic is
for the design of protocols, to be checked by a pharmacist.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from letheon.dosing.bags import RatePeriod, check_rates, lay_out
from letheon.dosing.class_rows import ClassRow
from letheon.dosing.layout import Amounts, Layout, laid_out, pumped, pushes_of
from letheon.dosing.limits import joined, within_limits
from letheon.dosing.order import Order
from letheon.dosing.other_drugs import OtherDrug
from letheon.dosing.policy import Boosters, Policy, Titration
from letheon.dosing.regimen import MS_PER_DAY, Infusion, Rate, Regimen
from letheon.dosing.titration import MAX_RATES, Reach, reach, reachable_rates, weaned
from letheon.dosing.weaning import with_weaning
from letheon.errors import InputError
from letheon.units import MS_PER_HOUR

__all__ = ["BoosterSheet", "TitrationSheet", "Worksheet", "with_order", "worksheet"]

_NO_RULES = Policy()


@dataclass(frozen=True, slots=True)
class TitrationSheet:
    """What titration can make of the sessions of an arm."""

    rule: Titration
    rates: tuple[float, ...]  # every one that the pump may have to run at, ascending [mg/h]; empty if too many to list
    least: Layout  # the sessions if every check lowers the rate
    most: Layout  # the sessions if every check raises the rate
    weaning: tuple[Reach, ...] = ()  # what follows them, from the rates at their end


@dataclass(frozen=True, slots=True)
class BoosterKind:
    """Boosters that are all alike, and how many of them there can be."""

    rungs: tuple[int, ...]  # of the ladder that give them, the first being 1
    each: Layout  # one booster, clocked from its own start
    at_most: int  # of them, that no patient exceeds within the follow-up


@dataclass(frozen=True, slots=True)
class BoosterSheet:
    """What boosters give, one kind or one for each different rung."""

    rule: Boosters
    kinds: tuple[BoosterKind, ...]

    @property
    def at_most(self) -> int:
        """Boosters of all kinds that no patient exceeds within the follow-up."""
        return sum(kind.at_most for kind in self.kinds)


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
        The timetable as written, with its weaning.
    titration : TitrationSheet or None
        What checks of the rate can make of it.
    boosters : BoosterSheet or None
        What comes after it.
    policy : Policy
        The rules as written.
    beside : mapping of str to float
        Other drugs given beside each session, and their doses [mg].
    also : tuple of OtherDrug
        Other drugs of which no effect is computed.
    missing : tuple of str
        Parts of the arm that are not laid out here.
    classes : tuple of ClassRow
        What goes by class of body weight or age in the arm; all else here is for one class.

    Examples
    --------
    >>> from letheon.dosing.regimen import Infusion, Rate
    >>> sheet = worksheet(Regimen.create("racemic", [Infusion.create(0, 4, Rate(absolute_mg_h=25.0))]))
    >>> sheet.most.dose_mg, sheet.most.ml, sheet.most.bags, sheet.most.left_mg
    (100.0, 100.0, 1, 0.0)
    """

    drug: str
    order: Order
    course: Layout
    titration: TitrationSheet | None = None
    boosters: BoosterSheet | None = None
    policy: Policy = _NO_RULES
    beside: Mapping[str, float] = field(default_factory=dict)
    also: tuple[OtherDrug, ...] = ()
    missing: tuple[str, ...] = ()
    classes: tuple[ClassRow, ...] = ()

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
    def written_rates(self) -> tuple[tuple[Rate, ...], ...]:
        """Different rates of the timetable as written, in the order of time and without its weaning."""
        weaning = self.titration.weaning if self.titration else ()
        ends = min((one.start_ms for one in weaning), default=math.inf) / MS_PER_HOUR
        steps = [(one.start_ms / MS_PER_HOUR, step) for one in self.course.sessions for step in one.steps]
        return tuple(dict.fromkeys(step.written for start, step in steps if start + step.start_h < ends - 1e-9))

    @property
    def least(self) -> Amounts:
        """What a patient is given at least: every check lowers the rate, and no booster comes."""
        return (self.titration.least if self.titration else self.course).amounts

    @property
    def most(self) -> Amounts:
        """What a patient is given at most: every check raises the rate, and every booster comes that can."""
        most = (self.titration.most if self.titration else self.course).amounts
        for kind in self.boosters.kinds if self.boosters else ():
            most = most.plus(kind.each.amounts.times(kind.at_most))
        return most


def worksheet(
    regimen: Regimen,
    order: Order | None = None,
    *,
    policy: Policy | None = None,
    follow_up_ms: int = 0,
    beside: Mapping[str, float] | None = None,
    also: Sequence[OtherDrug] = (),
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
    also : sequence of OtherDrug, optional
        Other drugs of which no effect is computed.
    missing : sequence of str
        Parts that the caller knows and this function does not.

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
    order, policy = Order() if order is None else order, policy or _NO_RULES
    timetable = with_weaning(regimen, policy.wean)
    doses = {drug: mg for drug, mg in (beside or {}).items() if mg}
    course, also = laid_out(timetable, order, policy.limits), tuple(also)
    sheet = Worksheet(regimen.drug, order, course, policy=policy, beside=doses, also=also, missing=tuple(missing))
    return _with_boosters(_with_titration(sheet, regimen), timetable, follow_up_ms)


def _with_titration(sheet: Worksheet, regimen: Regimen) -> Worksheet:
    """Lay out what titration can make of the sessions, or say why not."""
    rule, order = sheet.policy.titration, sheet.order
    if rule is None:
        return sheet
    timetable = pumped(regimen)
    parts = reach(timetable, rule, order.weight_kg)
    rates = reachable_rates(timetable, rule, order.weight_kg)
    weaning = tuple(weaned(parts[-1], sheet.policy.wean)) if parts and sheet.policy.wean else ()
    parts = (*parts, *weaning)
    try:
        check_rates([rate for rate in rates or () if rate > 0], order)
        least, most = (
            _as_run(sheet, regimen, spans)
            for spans in (
                (RatePeriod(part.start_ms, part.stop_ms, part.lowest) for part in parts),
                (RatePeriod(part.start_ms, part.stop_ms, part.highest) for part in parts),
            )
        )
    except InputError as error:
        return replace(sheet, missing=(*sheet.missing, f"titration, because {error}"))
    sheet = replace(sheet, titration=TitrationSheet(rule, rates or (), least, most, weaning))
    if rates is None:
        lacks = f"the table of titration's rates, which are more than {MAX_RATES}; a larger step has fewer."
        sheet = replace(sheet, missing=(*sheet.missing, lacks))
    return sheet


def _as_run(sheet: Worksheet, regimen: Regimen, spans: Iterable[RatePeriod]) -> Layout:
    """Lay out sessions at the rates of one patient, as far as limits let them run."""
    periods, pushes = within_limits(joined(spans), pushes_of(regimen, sheet.order), sheet.policy.limits)
    return replace(sheet.course, sessions=lay_out(periods, sheet.order, sheet.is_sham), pushes=tuple(pushes))


def _with_boosters(sheet: Worksheet, regimen: Regimen, follow_up_ms: int) -> Worksheet:
    """Lay out a booster of each kind, or say why not."""
    if (rule := sheet.policy.boosters) is None:
        return sheet
    try:
        layouts = _booster_layouts(sheet, regimen, sheet.order)
    except InputError as error:
        return replace(sheet, missing=(*sheet.missing, f"boosters, because {error}"))
    counts = dict.fromkeys(rule.sessions, 0)
    given = sheet.least.dose_mg
    stop, in_all = sheet.policy.stops.dose_mg, sheet.policy.limits.in_all_mg if sheet.policy.limits else 0.0
    for number in range(_most_boosters(rule, regimen, follow_up_ms)):
        session = rule.rung(number).session
        dose = layouts[session].amounts.dose_mg
        # a booster that would pass the total dose is not begun; one that passes the limit of the arm is cut short
        if (stop and given + dose > stop * (1 + 1e-9)) or (in_all and given >= in_all * (1 - 1e-9)):
            break
        given += dose
        counts[session] += 1
    kinds = (
        BoosterKind(tuple(k for k, one in enumerate(rule.rungs, 1) if one.session == session), layouts[session], count)
        for session, count in counts.items()
    )
    return replace(sheet, boosters=BoosterSheet(rule, tuple(kinds)))


def _booster_layouts(sheet: Worksheet, regimen: Regimen, order: Order) -> dict[tuple[Infusion, ...], Layout]:
    """Lay out each kind of booster, which begins with a day, under the limits that it meets by itself."""
    limits = sheet.policy.limits and replace(sheet.policy.limits, in_all_mg=0.0)
    sessions = sheet.policy.boosters.sessions if sheet.policy.boosters else ()
    return {session: laid_out(Regimen(regimen.drug, session), order, limits) for session in sessions}


def _most_boosters(rule: Boosters, regimen: Regimen, follow_up_ms: int) -> int:
    """Bound the boosters of any patient: each comes as soon after the last as the rule can let it."""
    days = -(-follow_up_ms // MS_PER_DAY)
    course_end = next((stop for _, stop in regimen.courses()), 0)
    last = max(course_end - 1, 0) // MS_PER_DAY
    starts: list[int] = []
    while not rule.times or len(starts) < rule.times:
        rung = rule.rung(len(starts))
        start = last + max(rule.wait_days if rule.on_relapse else rung.gap_days[0], rule.apart_days, 1)
        stop_ms = max(infusion.stop_ms for infusion in rung.session)
        if rule.at_most and len(starts) >= rule.at_most:
            start = max(start, starts[-rule.at_most] + 365)
        if start * MS_PER_DAY + stop_ms > days * MS_PER_DAY:
            break
        starts.append(start)
        last = start + (stop_ms - 1) // MS_PER_DAY
    return len(starts)


def with_order(sheet: Worksheet, regimen: Regimen, order: Order) -> Worksheet:
    """Lay the same arm out from other bags or vials.

    Raises
    ------
    InputError
        If a part that was laid out cannot be with these.

    Examples
    --------
    >>> from letheon.dosing.regimen import Infusion, Rate
    >>> regimen = Regimen.create("racemic", [Infusion.create(0, 4, Rate(25.0))])
    >>> with_order(worksheet(regimen), regimen, Order.create(bag_ml=50.0)).most.bags
    2
    """
    given = with_weaning(regimen, sheet.policy.wean)
    other = replace(sheet, order=order, course=laid_out(given, order, sheet.policy.limits), titration=None, missing=())
    other = _with_titration(other, regimen)
    if sheet.boosters:
        layouts = _booster_layouts(sheet, regimen, order).values()
        kinds = (replace(kind, each=each) for kind, each in zip(sheet.boosters.kinds, layouts, strict=True))
        other = replace(other, boosters=replace(sheet.boosters, kinds=tuple(kinds)))
    if sheet.titration and not other.titration:
        raise InputError(other.missing[0])
    return replace(other, missing=sheet.missing)
