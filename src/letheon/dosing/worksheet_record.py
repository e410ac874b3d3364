"""The worksheet as records with every digit: what ``letheon worksheet --json`` writes.

Masses [mg] are free base, times [h] count from the scenario's origin, those of a booster from its own start.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from letheon._version import __version__
from letheon.definitions import WORKSHEET_NOTICE
from letheon.dosing.bags import MAX_HANG_H, SessionSheet
from letheon.dosing.class_rows import ClassRow
from letheon.dosing.fitting import MOST_WASTE, fitting, fitting_vial, vial_waste
from letheon.dosing.layout import Amounts, Layout
from letheon.dosing.order import Order
from letheon.dosing.other_drugs import OtherDrug, OtherDrugRecord, other_drug_record
from letheon.dosing.policy_document import PolicyRules, Quantity, policy_rules
from letheon.dosing.regimen import Rate, Regimen
from letheon.dosing.worksheet import BoosterSheet, TitrationSheet, Worksheet
from letheon.units import MS_PER_HOUR

__all__ = [
    "AmountsRecord",
    "ArmRecord",
    "WeightsRecord",
    "WorksheetRecord",
    "amounts_record",
    "arm_record",
    "weights_record",
    "worksheet_record",
]


class WrittenAmount(Struct, frozen=True):
    """A rate or a push as it was written."""

    value: float
    unit: str
    at_most: float | None  # ceiling of the rate [mg/h], or of the push [mg]


class StepRecord(Struct, frozen=True):
    """One rate of the pump."""

    from_h: float
    to_h: float
    mg_per_h: float
    ml_per_h: float
    ml: float
    mg: float
    bags: tuple[int, int]  # numbers of the first and the last that it runs from
    written: list[WrittenAmount]  # what adds up to it; empty where a rule set the rate


class BagRecord(Struct, frozen=True):
    """One bag."""

    hung_h: float
    down_h: float
    used_ml: float
    left_ml: float
    left_mg: float


class SessionRecord(Struct, frozen=True):
    """One infusion without a pause."""

    start_h: float
    hours: float
    ml: float
    mg: float
    left_ml: float
    left_mg: float
    vials: int | None  # opened for its bags; None where their content is not known
    steps: list[StepRecord]
    bags: list[BagRecord]


class PushRecord(Struct, frozen=True):
    """A dose given by hand."""

    start_h: float
    minutes: float
    mg: float
    ml: float  # undiluted from the vial
    bag_strength_ml: float  # the same from a syringe of the strength of the bags
    vials: int | None
    written: WrittenAmount


class LayoutRecord(Struct, frozen=True):
    """A timetable in bags and pushes."""

    sessions: list[SessionRecord]
    pushes: list[PushRecord]


class AmountsRecord(Struct, frozen=True):
    """The sum of a timetable; see `letheon.dosing.layout.Amounts`."""

    sessions: int
    pushes: int
    bags: int
    occasions: int
    hours: float
    ml: float
    mg: float
    left_ml: float
    left_mg: float
    push_ml: float
    push_mg: float
    vials: int | None  # None where their content is not known
    dose_mg: float
    drug_ml: float  # to draw up
    drug_mg: float
    diluent_ml: float
    left_share: float  # of what is made up
    vial_left_ml: float | None  # in the vials
    vial_left_mg: float | None
    vial_left_share: float | None  # of what is opened
    opened_mg: float | None
    wasted_mg: float | None  # opened and not given: in bags and vials
    wasted_share: float | None


class FittingBag(Struct, frozen=True):
    """A bag that leaves little over, and the sum of the arm with it."""

    bag_ml: float
    mg_per_ml: float
    mg: float
    most: AmountsRecord


class FittingVial(Struct, frozen=True):
    """The vial, of those commonly on the market, that leaves least over, and the sum of the arm with it."""

    mg_per_ml: float  # as its label has it
    ml: float
    mg: float
    most: AmountsRecord


class BagContents(Struct, frozen=True):
    """What each bag is made up of."""

    drug_ml: float
    diluent_ml: float
    mg: float
    mg_per_ml: float
    ml: float  # what is in it
    label_ml: float
    withdrawn_ml: float  # before the drug goes in, from a bag of diluent
    strength_is_written: bool  # whether the timetable was written for this strength
    fitting: FittingBag | None
    fitting_vial: FittingVial | None


class PumpRate(Struct, frozen=True):
    """A rate of the drug, and of the pump."""

    mg_per_h: float
    ml_per_h: float


class WeanStepRecord(Struct, frozen=True):
    """A step of a weaning, from the written rate, and from the highest."""

    from_h: float
    to_h: float
    written: PumpRate
    highest: PumpRate


class TitrationRecord(Struct, frozen=True):
    """What titration can make of the sessions."""

    step_mg_per_h: float
    lowest_mg_per_h: float
    highest_mg_per_h: float
    written: list[WrittenAmount]  # rates of the timetable
    rates: list[PumpRate]
    least: LayoutRecord
    most: LayoutRecord
    weaning: list[WeanStepRecord] | UnsetType = UNSET  # after the sessions


class BoosterKindRecord(Struct, frozen=True):
    """One booster of some rungs, the first being 1, and how many of them no patient exceeds."""

    rungs: tuple[int, ...]
    at_most: int
    each: LayoutRecord


class BoosterRecord(Struct, frozen=True):
    """What boosters give, and how many of all kinds no patient exceeds."""

    at_most: int
    kinds: tuple[BoosterKindRecord, ...]


class Dose(Struct, frozen=True):
    """A dose of another drug."""

    mg: float


class OtherDrugOrder(Struct, frozen=True):
    """What is given of a drug without computed effect, for one body weight, at least and at most."""

    written: OtherDrugRecord
    mg: float | None  # a dose [mg]; None where it is infused
    mg_per_h: float | None
    times: tuple[int, int]  # doses, or occasions on which it runs
    total_mg: tuple[float, float]


class ClassRecord(Struct, frozen=True):
    """A value that goes by class of body weight or age, as it was written."""

    what: str
    who: str
    rate: Quantity | None  # None for a push
    dose: Quantity | None  # of a push
    at_most_mg_per_h: float | None  # ceiling of the rate
    here: bool  # whether the arm is laid out for this class


class Totals(Struct, frozen=True):
    """What a patient is given at least and at most."""

    least: AmountsRecord
    most: AmountsRecord


class ArmRecord(Struct, frozen=True):
    """All that one arm gives."""

    drug: str
    like: str | None
    missing: list[str]
    policy: PolicyRules | None
    bag: BagContents
    sessions: list[SessionRecord]  # empty under titration, which nobody gets as it is written
    pushes: list[PushRecord]
    titration: TitrationRecord | None
    boosters: BoosterRecord | None
    beside_each_session: dict[str, Dose]
    totals: Totals
    also: list[OtherDrugOrder] | UnsetType = UNSET
    classes: list[ClassRecord] | UnsetType = UNSET


class Preparation(Struct, frozen=True):
    """The vial and the bag."""

    vial_mg_per_ml: float
    vial_label: str
    vial_base_mg_per_ml: float
    vial_ml: float | None
    bag_ml: float  # on its label
    mg_per_ml: float
    overfill_ml: float | None  # of a bag of diluent; None for diluent measured into an empty one
    withdrawn: str  # from a bag of diluent: all (volume of the drug, and overfill), drug or none


class WorksheetRecord(Struct, frozen=True):
    """A whole worksheet."""

    letheon: str
    title: str
    notice: str
    warnings: list[str]
    masses: str
    weight_kg: float
    preparation: Preparation
    hangs_h: float  # longest that a bag hangs
    flagged_share: float  # of bags or vials left over, above which others are proposed
    arms: dict[str, ArmRecord]


class WeightsRecord(Struct, frozen=True):
    """Worksheets of several body weights."""

    letheon: str
    title: str
    notice: str
    weights: list[WorksheetRecord]


def worksheet_record(
    title: str, warnings: Sequence[str], order: Order, arms: Mapping[str, ArmRecord]
) -> WorksheetRecord:
    """Return the record of a worksheet.

    Examples
    --------
    >>> worksheet_record("x", (), Order(), {}).preparation.bag_ml
    100.0
    """
    preparation = Preparation(
        order.vial_mg_per_ml, order.vial_salt, order.base_mg_per_ml, order.vial_ml, order.label_ml, order.mg_per_ml,
        order.overfill_ml, order.withdrawn,
    )  # fmt: skip
    return WorksheetRecord(
        __version__, title, WORKSHEET_NOTICE, list(warnings), "free base", order.weight_kg, preparation, MAX_HANG_H,
        MOST_WASTE, dict(arms),
    )  # fmt: skip


def weights_record(records: Sequence[WorksheetRecord]) -> WeightsRecord:
    """Return the record of worksheets of several body weights, of one scenario.

    >>> weights_record([worksheet_record("x", (), Order(), {})]).weights[0].weight_kg
    70.0
    """
    return WeightsRecord(__version__, records[0].title, WORKSHEET_NOTICE, list(records))


def arm_record(sheet: Worksheet, regimen: Regimen, like: str | None = None) -> ArmRecord:
    """Return the record of one arm; a placebo is `like` another."""
    fit, vial = fitting(sheet, regimen), fitting_vial(sheet, regimen)
    course = _layout(replace(sheet.course, sessions=()) if sheet.titration else sheet.course)
    return ArmRecord(
        drug=sheet.drug,
        like=like,
        missing=list(sheet.missing),
        policy=policy_rules(sheet.policy),
        bag=BagContents(
            drug_ml=sheet.drug_ml,
            diluent_ml=sheet.diluent_ml,
            mg=sheet.mg_per_ml * sheet.order.bag_ml,
            mg_per_ml=sheet.mg_per_ml,
            ml=sheet.order.bag_ml,
            label_ml=sheet.order.label_ml,
            withdrawn_ml=sheet.order.withdrawn_ml,
            strength_is_written=sheet.order.strength_is_written,
            fitting=fit
            and FittingBag(
                fit.order.bag_ml,
                fit.order.mg_per_ml,
                fit.order.bag_mg,
                amounts_record(fit.most, fit.order, sheet.is_sham),
            ),
            fitting_vial=vial
            and FittingVial(
                vial.order.vial_mg_per_ml,
                vial.order.vial_ml or 0.0,
                vial.order.vial_mg_per_ml * (vial.order.vial_ml or 0.0),
                amounts_record(vial.most, vial.order, sheet.is_sham),
            ),
        ),
        sessions=course.sessions,
        pushes=course.pushes,
        titration=sheet.titration and _titration(sheet.titration, sheet),
        boosters=sheet.boosters and _boosters(sheet.boosters),
        beside_each_session={drug: Dose(mg) for drug, mg in sheet.beside.items()},
        totals=Totals(
            amounts_record(sheet.least, sheet.order, sheet.is_sham),
            amounts_record(sheet.most, sheet.order, sheet.is_sham),
        ),
        also=[_other(one, sheet) for one in sheet.also] or UNSET,
        classes=[_class(row) for row in sheet.classes] or UNSET,
    )


def _class(row: ClassRow) -> ClassRecord:
    rate, most = row.rate, row.rate.ceiling_mg_h
    if row.push_ms:
        per_hour = rate.per_kg_mg_h or rate.absolute_mg_h
        dose = Quantity(per_hour * row.push_ms / MS_PER_HOUR, "mg/kg" if rate.per_kg_mg_h else "mg")
        return ClassRecord(row.what, row.who, None, dose, None, row.here)
    return ClassRecord(row.what, row.who, Quantity(*rate.form), None, None if math.isinf(most) else most, row.here)


def _other(one: OtherDrug, sheet: Worksheet) -> OtherDrugOrder:
    kg, least, most = sheet.order.weight_kg, sheet.least, sheet.most
    mg, mg_per_h = (None, one.at(kg)) if one.infused else (one.at(kg), None)
    times, total = (one.times(least), one.times(most)), (one.total_mg(kg, least), one.total_mg(kg, most))
    return OtherDrugOrder(other_drug_record(one), mg, mg_per_h, times, total)


def amounts_record(amounts: Amounts, order: Order, sham: bool) -> AmountsRecord:
    """Return the record of a sum, with what is drawn up for it."""
    drug_ml = 0.0 if sham else order.drug_ml * amounts.bags + amounts.push_ml
    sums: dict[str, Any] = asdict(amounts) | {"vials": None if order.vial_ml is None else amounts.vials}
    left_ml = wasted_mg = opened_mg = None
    if order.vial_ml is not None and amounts.vials:
        opened_mg = amounts.vials * order.vial_ml * order.base_mg_per_ml
        left_ml, wasted_mg = max(amounts.vials * order.vial_ml - drug_ml, 0.0), opened_mg - amounts.dose_mg
    return AmountsRecord(
        **sums,
        dose_mg=amounts.dose_mg,
        drug_ml=drug_ml,
        drug_mg=drug_ml * order.base_mg_per_ml,
        diluent_ml=order.bag_ml * amounts.bags + amounts.push_ml - drug_ml,
        left_share=amounts.waste,
        vial_left_ml=left_ml,
        vial_left_mg=None if left_ml is None else left_ml * order.base_mg_per_ml,
        vial_left_share=None if left_ml is None else vial_waste(order, amounts),
        opened_mg=opened_mg,
        wasted_mg=wasted_mg,
        wasted_share=None if opened_mg is None or wasted_mg is None else wasted_mg / opened_mg,
    )


def _titration(titration: TitrationSheet, sheet: Worksheet) -> TitrationRecord:
    rule, order = titration.rule, sheet.order

    def pumped(rate: float) -> PumpRate:
        return PumpRate(0.0 if sheet.is_sham else rate, rate / order.mg_per_ml)

    weaning = [
        WeanStepRecord(
            step.start_ms / MS_PER_HOUR, step.stop_ms / MS_PER_HOUR, pumped(step.written), pumped(step.highest)
        )
        for step in titration.weaning
    ]
    rates = [pumped(rate) for rate in titration.rates]
    low, high, kg = _layout(titration.least), _layout(titration.most), order.weight_kg
    written = dict.fromkeys(rate for rates in sheet.written_rates for rate in rates)
    return TitrationRecord(
        rule.step.at(kg), rule.lowest.at(kg), rule.highest.at(kg), list(map(_written, written)), rates, low, high,
        weaning or UNSET,
    )  # fmt: skip


def _written(rate: Rate, over_ms: int = 0) -> WrittenAmount:
    """Return a rate as it was written, or the dose of a push that takes so long."""
    value, unit = rate.form
    most = None if math.isinf(rate.ceiling_mg_h) else rate.ceiling_mg_h
    if over_ms:
        hours = over_ms / MS_PER_HOUR
        value, unit = (rate.per_kg_mg_h, "mg/kg") if rate.per_kg_mg_h else (rate.absolute_mg_h, "mg")
        value, most = value * hours, most and most * hours
    return WrittenAmount(value, unit, most)


def _boosters(sheet: BoosterSheet) -> BoosterRecord:
    kinds = (BoosterKindRecord(kind.rungs, kind.at_most, _layout(kind.each)) for kind in sheet.kinds)
    return BoosterRecord(sheet.at_most, tuple(kinds))


def _layout(layout: Layout) -> LayoutRecord:
    pushes = [
        PushRecord(
            push.start_ms / MS_PER_HOUR,
            push.duration_ms / 60_000,
            push.mg,
            push.ml,
            push.ml * layout.order.base_mg_per_ml / layout.order.mg_per_ml,
            layout.vials(push),
            _written(push.written, push.duration_ms),
        )
        for push in layout.pushes
    ]
    return LayoutRecord([_session(session, layout) for session in layout.sessions], pushes)


def _session(session: SessionSheet, layout: Layout) -> SessionRecord:
    mg_per_ml = 0.0 if layout.sham else layout.order.mg_per_ml
    start, left = session.start_ms / MS_PER_HOUR, session.left_ml
    steps = [
        StepRecord(
            start + step.start_h, start + step.stop_h, step.mg_per_h, step.ml_per_h, step.ml, step.mg,
            (step.first_bag, step.last_bag), list(map(_written, step.written)),
        )
        for step in session.steps
    ]  # fmt: skip
    bags = [
        BagRecord(start + bag.hung_h, start + bag.down_h, bag.used_ml, bag.left_ml, bag.left_ml * mg_per_ml)
        for bag in session.bags
    ]
    return SessionRecord(
        start, session.hours, session.ml, session.mg, left, left * mg_per_ml, layout.vials(session), steps, bags
    )
