"""``letheon worksheet``: bags, pump rates and pushes of each arm."""

import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from letheon.errors import InputError
from letheon.units import MS_PER_HOUR, REFERENCE_AGE_YEAR, REFERENCE_WEIGHT_KG, plain
from letheon.views.commands.shell import (
    AsJson,
    ScenarioFile,
    option,
    output_file,
    quantity,
    save_page,
    write,
    write_json,
    write_text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from letheon.dosing.order import Order
    from letheon.dosing.worksheet import Worksheet
    from letheon.dosing.worksheet_record import WorksheetRecord
    from letheon.scenario import Arm, Scenario
    from letheon.views.document.tree import Document

_WEIGHT = quantity("KG", 'Body weight (default: "70 kg").', "--weight", "weight_kg", "79 kg")
_WEIGHTS = quantity(
    "LIST",
    'A table of body weights on one page: "50, 60, 70 kg" or "50 to 100 kg by 10 kg".',
    "--weights",
    "weights_kg",
    "50 to 100 kg by 10 kg",
)
_VIAL = quantity(
    "LABEL",
    'Strength on the label (default: "50 mg/mL"), or drug and content, e.g. "200 mg/20 mL", to count vials.',
    "--vial",
    "vial_label",
    "50 mg/mL",
)
_SALT = option("SALT", "What the label counts: base (the default) or hydrochloride.")
_VIAL_VOLUME = quantity(
    "VOLUME", 'Content of a vial, e.g. "10 mL", to count vials.', "--vial-volume", "volume_ml", "10 mL"
)
_BAG = quantity("VOLUME", 'A bag as labelled (default: "100 mL").', "--bag", "volume_ml", "100 mL")
_STRENGTH = quantity(
    "STRENGTH", 'Free base in a bag (default: "1 mg/mL").', "--concentration", "strength_mg_per_ml", "1 mg/mL"
)
_PER_BAG = quantity(
    "MASS", 'Free base in a bag, e.g. "100 mg", in place of --concentration.', "--per-bag", "mass_mg", "100 mg"
)
_OVERFILL = quantity(
    "VOLUME", 'What bags of diluent hold beyond their label, e.g. "7 mL".', "--overfill", "volume_ml", "7 mL"
)
_WITHDRAW = option("WHAT", "Taken out of them first: all (overfill and volume of the drug; the default), drug or none.")


def worksheet(
    scenario: ScenarioFile,
    weight: Annotated[float | None, _WEIGHT] = None,
    weights: Annotated[Any, _WEIGHTS] = None,
    vial: Annotated[Any, _VIAL] = None,
    vial_salt: Annotated[str, _SALT] = "base",
    vial_volume: Annotated[float | None, _VIAL_VOLUME] = None,
    bag: Annotated[float | None, _BAG] = None,
    concentration: Annotated[float | None, _STRENGTH] = None,
    per_bag: Annotated[float | None, _PER_BAG] = None,
    overfill: Annotated[float | None, _OVERFILL] = None,
    withdraw: Annotated[str, _WITHDRAW] = "all",
    arm: Annotated[str | None, option("NAME", "This arm only.")] = None,
    out: Annotated[Path | None, option("FILE", "Write a page for printing (HTML).")] = None,
    as_json: AsJson = False,
) -> None:
    """Work out bags and pump rates.

    For each arm of a scenario, for one body weight or a table of them. Arithmetic for the design of protocols, for
    research and education only. To be checked by a pharmacist. It is never advice about a person.

    Example:
      letheon worksheet examples/schwartzman2009.yaml --weight "79 kg"
    """
    from letheon import scenario as scenarios
    from letheon.dosing.order import Order

    if out is not None:
        output_file(out)
    if weight is not None and weights is not None:
        raise InputError("--weight is for one sheet and --weights for a table; leave one of them out.")
    strength, content = (None, None) if vial is None else vial
    if content is not None and vial_volume is not None and not math.isclose(content, vial_volume):
        raise InputError(
            f"--vial says that a vial holds {plain(content)} mL, and --vial-volume {plain(vial_volume)} mL; keep one."
        )
    options = {"vial_mg_per_ml": strength, "vial_ml": vial_volume if content is None else content}
    options |= {"bag_ml": bag, "mg_per_ml": concentration, "bag_mg": per_bag, "overfill_ml": overfill}
    chosen = {name: value for name, value in options.items() if value is not None}
    read, asked = scenarios.load(scenario), concentration is not None or per_bag is not None
    sheets: list[tuple[Order, Scenario, Mapping[str, Worksheet]]] = []
    for kg in (REFERENCE_WEIGHT_KG if weight is None else weight,) if weights is None else weights:
        order = Order.create(weight_kg=kg, vial_salt=vial_salt, withdrawn=withdraw, **chosen)
        try:
            sheets.append((order, *sheets_of(read, order, arm, strength_stated=asked, volume=bag)))
        except InputError as error:
            raise InputError(f"{plain(kg)} kg: {error}" if weights else str(error)) from None
    if out is not None:
        from letheon.views.document import html

        save_page(html.render(_document(sheets, weight is None, weights is not None, page=True)), out)
    if as_json:
        from letheon.dosing.worksheet_record import weights_record

        records = [_record(*one) for one in sheets]
        write_json(records[0] if weights is None else weights_record(records))
    elif out is not None:
        write(f"Page: {out}\n")
    else:
        write_text(_document(sheets, weight is None, weights is not None))


def _document(
    sheets: "list[tuple[Order, Scenario, Mapping[str, Worksheet]]]", by_default: bool, table: bool, page: bool = False
) -> "Document":
    from letheon.views.subjects import weight_table
    from letheon.views.subjects import worksheet as subject

    if table:
        return weight_table.document(sheets, page=page)
    order, scenario, of_arms = sheets[0]
    return subject.document(scenario, order, of_arms, default_weight=by_default, page=page)


def _record(order: "Order", scenario: "Scenario", sheets: "Mapping[str, Worksheet]") -> "WorksheetRecord":
    from letheon.dosing.worksheet_record import arm_record, worksheet_record

    arms = {one.name: arm_record(sheets[one.name], one.regimen, one.like) for one in scenario.arms}
    return worksheet_record(scenario.title, scenario.warnings, order, arms)


def sheets_of(
    scenario: "Scenario", order: "Order", only: str | None, strength_stated: bool, volume: float | None
) -> "tuple[Scenario, dict[str, Worksheet]]":
    """Lay out arms for one body weight, one for each class of age; return a scenario of those, and their sheets."""
    arms = {arm.name: arm for arm in scenario.arms}
    if only is not None and only not in arms:
        raise InputError(f"--arm {only[:40]!r} is not an arm of this scenario; choose among {', '.join(arms)}.")
    sheets: dict[str, Worksheet] = {}
    plain: list[Arm] = []
    for name, arm in arms.items() if only is None else [(only, arms[only])]:
        try:
            own = order
            if bag := arm.bag:
                ml = bag.ml if volume is None else None
                own = order.of_bag(bag.at(order.weight_kg), ml, explicit=strength_stated)
            for who, age in _ages(arm):
                one = replace(arm.of(order.weight_kg, age), name=f"{name}{who}")
                sheets[one.name] = sheet_of(arm, own, round(scenario.follow_up_h * MS_PER_HOUR), age)
                plain.append(one)
        except InputError as error:
            raise InputError(f"arm {name}: {error}") from None
    return replace(scenario, arms=tuple(plain)), sheets


def _ages(arm: "Arm") -> list[tuple[str, float]]:
    """Return an age of each class, and what is put behind the name of the arm."""
    from letheon.dosing.regimen import class_names

    if not (limits := arm.limits("year")):
        return [("", REFERENCE_AGE_YEAR)]
    return list(zip((f", {name}" for name in class_names("year", limits)), (0.0, *limits), strict=True))


def sheet_of(arm: "Arm", order: "Order", follow_up_ms: int, age_year: float = REFERENCE_AGE_YEAR) -> "Worksheet":
    """Lay out everything that an arm gives, up to the end of the observation [ms]; name what is missing.

    What goes by class is that of the order's body weight, and of an age. Raises `InputError` if no pump could run a
    step as written, or the bags are too many to hang.
    """
    from letheon.dosing.class_rows import class_rows
    from letheon.dosing.parts import unknown_parts
    from letheon.dosing.worksheet import worksheet

    beside = {name.removesuffix("_mg"): dose for name, dose in asdict(arm.beside).items()}
    own = arm.of(order.weight_kg, age_year)
    sheet = worksheet(
        own.regimen,
        order,
        policy=own.policy,
        follow_up_ms=follow_up_ms,
        beside=beside,
        also=arm.also,
        missing=unknown_parts(arm),
    )
    return replace(sheet, classes=class_rows(arm.regimen, arm.policy, order.weight_kg, age_year))
