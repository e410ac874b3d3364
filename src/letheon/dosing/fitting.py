"""Fitting: bags and vials that leave little over, where those of a worksheet leave much."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from letheon.dosing.layout import Amounts
from letheon.dosing.order import STANDARD_BAGS_ML, STANDARD_VIALS, Order, rounded_up
from letheon.dosing.regimen import Regimen
from letheon.dosing.worksheet import Worksheet, with_order
from letheon.errors import InputError

__all__ = ["MOST_WASTE", "Fit", "fitting", "fitting_vial", "vial_waste"]

MOST_WASTE = 0.25  # share of bags made up, or of vials opened, that may be left over before others are proposed


@dataclass(frozen=True, slots=True)
class Fit:
    """Bags or vials that leave little over."""

    order: Order
    most: Amounts  # of the arm at most, with these


def fitting(sheet: Worksheet, regimen: Regimen) -> Fit | None:
    """Look for a bag of a standard size, of another strength too unless it is written, that leaves little over.

    Return the fewest bags that leave at most `MOST_WASTE`; of those the present strength, and the smallest. None where
    the bags of the worksheet fit, or no bag does. Overfill is not known for other bags: they hold their label.

    >>> from letheon.dosing.regimen import Infusion, Rate
    >>> from letheon.dosing.worksheet import worksheet
    >>> regimen = Regimen.create("racemic", [Infusion.create(0, 4, Rate(3.0))])
    >>> result = fitting(worksheet(regimen), regimen)
    >>> result.order.bag_ml, result.order.bag_mg, result.most.left_ml
    (50.0, 12.0, 0.0)
    """
    if sheet.most.waste <= MOST_WASTE:
        return None
    order, layouts = sheet.order, [sheet.titration.most if sheet.titration else sheet.course]
    layouts += [kind.each for kind in sheet.boosters.kinds] if sheet.boosters else []
    used = [bag.used_ml for layout in layouts for session in layout.sessions for bag in session.bags]
    most_mg = rounded_up(max(used) * order.mg_per_ml)
    exact = replace(order, overfill_ml=None, withdrawn="all", mg_per_ml=order.label_mg_per_ml)
    result: list[tuple[int, bool, float, Fit]] = []
    for bag_ml in STANDARD_BAGS_ML:
        for mg_per_ml in (exact.mg_per_ml, *([] if order.strength_is_written else [most_mg / bag_ml])):
            if mg_per_ml > order.base_mg_per_ml:
                continue
            fit = _fit(sheet, regimen, replace(exact, bag_ml=bag_ml, mg_per_ml=mg_per_ml))
            if fit and fit.most.waste <= MOST_WASTE:
                result.append((fit.most.bags, mg_per_ml != exact.mg_per_ml, bag_ml, fit))
    return min(result, key=lambda one: one[:3])[3] if result else None


def vial_waste(order: Order, most: Amounts) -> float:
    """Return the share of the opened vials that is not drawn up; 0 where none are counted.

    >>> vial_waste(Order.create(vial_ml=10.0), Amounts(bags=1, vials=1))
    0.8
    """
    opened_ml = most.vials * (order.vial_ml or 0.0)
    return 1.0 - (order.drug_ml * most.bags + most.push_ml) / opened_ml if opened_ml else 0.0


def fitting_vial(sheet: Worksheet, regimen: Regimen) -> Fit | None:
    """Look for the vial, of those commonly on the market for the drug, that leaves least over.

    None where the vials of the worksheet leave at most `MOST_WASTE`, are not counted, or no other leaves less.

    >>> from letheon.dosing.regimen import Infusion, Rate
    >>> from letheon.dosing.worksheet import worksheet
    >>> regimen = Regimen.create("racemic", [Infusion.create(0, 4, Rate(25.0))])
    >>> result = fitting_vial(worksheet(regimen, Order.create(vial_ml=10.0)), regimen)
    >>> result.order.vial_mg_per_ml, result.order.vial_ml, result.most.vials
    (10.0, 20.0, 1)
    """
    now = vial_waste(sheet.order, sheet.most)
    if now <= MOST_WASTE:
        return None
    fits = [(vial_waste(fit.order, fit.most), fit) for fit in _with_vials(sheet, regimen)]
    least = min(fits, key=lambda one: one[0], default=(1.0, None))
    return least[1] if least[0] < now * (1 - 1e-9) else None


def _with_vials(sheet: Worksheet, regimen: Regimen) -> Iterator[Fit]:
    """Yield the arm with each vial that its bags can be made from."""
    for mg_per_ml, ml in STANDARD_VIALS.get(sheet.drug, ()):
        order = sheet.order.with_vial(mg_per_ml, ml)
        strong_enough = order.label_mg_per_ml <= order.base_mg_per_ml * (1 + 1e-9)
        if strong_enough and (fit := _fit(sheet, regimen, order)):
            yield fit


def _fit(sheet: Worksheet, regimen: Regimen, order: Order) -> Fit | None:
    try:
        return Fit(order, with_order(sheet, regimen, order).most)
    except InputError:
        return None
