"""The worksheet as plain data, with every digit."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from letheon.definitions import WORKSHEET_NOTICE
from letheon.dosing.policy_document import policy_document
from letheon.dosing.worksheet import fitting
from letheon.units import MS_PER_HOUR

if TYPE_CHECKING:
    from letheon.dosing.layout import Amounts, Layout
    from letheon.dosing.order import Order
    from letheon.dosing.worksheet import TitrationSheet, Worksheet
    from letheon.scenario import Arm, Scenario

__all__ = ["document"]


def document(scenario: "Scenario", order: "Order", sheets: "Mapping[str, Worksheet]") -> dict[str, Any]:
    """Return a worksheet as plain data.

    Parameters
    ----------
    scenario : Scenario
        Where the arms come from.
    order : Order
        What is drawn up.
    sheets : mapping of str to Worksheet
        The worksheet of each arm.

    Returns
    -------
    dict
        What JSON can hold; masses [mg] are free base, times [h] count from the scenario's origin, those of a booster
        from its own start.

    Examples
    --------
    >>> from letheon.dosing.order import Order
    >>> from letheon.scenario import loads
    >>> arms = "{a: {drug: racemic, sessions: [{at: 0 h, rate: 5 mg/h, for: 1 h}]}}"
    >>> scenario = loads("{letheon: 1, title: x, follow_up: 1 day, arms: " + arms + "}")
    >>> document(scenario, Order(), {})["preparation"]["bag_ml"]
    100.0
    """
    from letheon import __version__

    return {
        "letheon": __version__,
        "title": scenario.title,
        "notice": WORKSHEET_NOTICE,
        "warnings": list(scenario.warnings),
        "masses": "free base",
        "weight_kg": order.weight_kg,
        "preparation": {
            "vial_mg_per_ml": order.vial_mg_per_ml,
            "vial_label": order.vial_salt,
            "vial_base_mg_per_ml": order.base_mg_per_ml,
            "vial_ml": order.vial_ml,
            "bag_ml": order.bag_ml,
            "mg_per_ml": order.mg_per_ml,
        },
        "arms": {arm.name: _arm(arm, sheets[arm.name]) for arm in scenario.arms if arm.name in sheets},
    }


def _arm(arm: "Arm", sheet: "Worksheet") -> dict[str, Any]:
    fit = fitting(sheet, arm.regimen)
    return {
        "drug": sheet.drug,
        "like": arm.like,
        "missing": list(sheet.missing),
        "policy": policy_document(sheet.policy),
        "bag": {
            "drug_ml": sheet.drug_ml,
            "diluent_ml": sheet.diluent_ml,
            "mg": sheet.mg_per_ml * sheet.order.bag_ml,
            "mg_per_ml": sheet.mg_per_ml,
            "fitting": None
            if fit is None
            else {
                "bag_ml": fit.order.bag_ml,
                "mg_per_ml": fit.order.mg_per_ml,
                "most": _amounts(fit.most, fit.order, sheet.is_sham),
            },
        },
        # nobody gets titrated sessions as they are written, so these are under titration alone
        **_layout(replace(sheet.course, sessions=()) if sheet.titration else sheet.course),
        "titration": _titration(sheet.titration, sheet) if sheet.titration else None,
        "boosters": {"at_most": sheet.boosters.at_most, "each": _layout(sheet.boosters.each)}
        if sheet.boosters
        else None,
        "beside_each_session": {drug: {"mg": mg} for drug, mg in sheet.beside.items()},
        "totals": {
            "least": _amounts(sheet.least, sheet.order, sheet.is_sham),
            "most": _amounts(sheet.most, sheet.order, sheet.is_sham),
        },
    }


def _amounts(amounts: "Amounts", order: "Order", sham: bool) -> dict[str, Any]:
    drug_ml = 0.0 if sham else order.drug_ml * amounts.bags + amounts.push_ml
    return asdict(amounts) | {
        "vials": None if order.vial_ml is None else amounts.vials,
        "dose_mg": amounts.dose_mg,
        "drug_ml": drug_ml,
        "diluent_ml": order.bag_ml * amounts.bags + amounts.push_ml - drug_ml,
        "left_share": amounts.waste,
    }


def _titration(titration: "TitrationSheet", sheet: "Worksheet") -> dict[str, Any]:
    rule, order = titration.rule, sheet.order
    return {
        "step_mg_per_h": rule.step.at(order.weight_kg),
        "lowest_mg_per_h": rule.lowest.at(order.weight_kg),
        "highest_mg_per_h": rule.highest.at(order.weight_kg),
        "rates": [
            {"mg_per_h": 0.0 if sheet.is_sham else rate, "ml_per_h": rate / order.mg_per_ml} for rate in titration.rates
        ],
        "least": _layout(titration.least),
        "most": _layout(titration.most),
    }


def _layout(layout: "Layout") -> dict[str, Any]:
    return {
        "sessions": [
            {
                "start_h": (start := session.start_ms / MS_PER_HOUR),
                "hours": session.hours,
                "ml": session.ml,
                "mg": session.mg,
                "left_ml": session.left_ml,
                "left_mg": 0.0 if layout.sham else session.left_ml * layout.order.mg_per_ml,
                "steps": [
                    {
                        "from_h": start + step.start_h,
                        "to_h": start + step.stop_h,
                        "mg_per_h": step.mg_per_h,
                        "ml_per_h": step.ml_per_h,
                        "ml": step.ml,
                        "mg": step.mg,
                        "bags": [step.first_bag, step.last_bag],
                    }
                    for step in session.steps
                ],
                "bags": [
                    {
                        "hung_h": start + bag.hung_h,
                        "down_h": start + bag.down_h,
                        "used_ml": bag.used_ml,
                        "left_ml": bag.left_ml,
                        "left_mg": 0.0 if layout.sham else bag.left_ml * layout.order.mg_per_ml,
                    }
                    for bag in session.bags
                ],
            }
            for session in layout.sessions
        ],
        "pushes": [
            {
                "start_h": push.start_ms / MS_PER_HOUR,
                "minutes": push.duration_ms / 60_000,
                "mg": push.mg,
                "ml": push.ml,
            }
            for push in layout.pushes
        ],
    }
