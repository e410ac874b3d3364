"""``letheon worksheet``: bags, pump rates and pushes of each arm."""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

from letheon.errors import InputError
from letheon.units import MS_PER_HOUR, REFERENCE_AGE_YEAR
from letheon.views.commands.shell import AsJson, ScenarioFile, option, quantity, write_json, write_text

if TYPE_CHECKING:
    from letheon.dosing.order import Order
    from letheon.dosing.worksheet import Worksheet
    from letheon.scenario import Arm, Scenario

_WEIGHT = quantity("KG", 'Body weight (default: "70 kg").', "--weight", "weight_kg", "79 kg")
_VIAL = quantity("STRENGTH", 'Strength on the label (default: "50 mg/mL").', "--vial", "strength_mg_per_ml", "50 mg/mL")
_SALT = option("SALT", "What the label counts: base (the default) or hydrochloride.")
_VIAL_VOLUME = quantity(
    "VOLUME", 'Content of a vial, e.g. "10 mL", to count vials.', "--vial-volume", "volume_ml", "10 mL"
)
_BAG = quantity("VOLUME", 'A bag once made up (default: "100 mL").', "--bag", "volume_ml", "100 mL")
_STRENGTH = quantity(
    "STRENGTH", 'Free base in a bag (default: "1 mg/mL").', "--concentration", "strength_mg_per_ml", "1 mg/mL"
)
_PER_BAG = quantity(
    "MASS", 'Free base in a bag, e.g. "100 mg", in place of --concentration.', "--per-bag", "mass_mg", "100 mg"
)


def worksheet(
    scenario: ScenarioFile,
    weight: Annotated[float | None, _WEIGHT] = None,
    vial: Annotated[float | None, _VIAL] = None,
    vial_salt: Annotated[str, _SALT] = "base",
    vial_volume: Annotated[float | None, _VIAL_VOLUME] = None,
    bag: Annotated[float | None, _BAG] = None,
    concentration: Annotated[float | None, _STRENGTH] = None,
    per_bag: Annotated[float | None, _PER_BAG] = None,
    arm: Annotated[str | None, option("NAME", "This arm only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Work out bags and pump rates.

    For each arm of a scenario, for one body weight. Arithmetic for the design of protocols, for research and
    education only. To be checked by a pharmacist. It is never advice about a person.

    Example:
      letheon worksheet examples/schwartzman2009.yaml --weight "79 kg"
    """
    from letheon import scenario as scenarios
    from letheon.dosing.order import Order
    from letheon.views.subjects.worksheet import document

    options = {"weight_kg": weight, "vial_mg_per_ml": vial, "vial_ml": vial_volume}
    options |= {"bag_ml": bag, "mg_per_ml": concentration, "bag_mg": per_bag}
    order = Order.create(vial_salt=vial_salt, **{name: value for name, value in options.items() if value is not None})
    loaded, sheets = _sheets(
        scenarios.load(scenario),
        order,
        arm,
        strength_stated=concentration is not None or per_bag is not None,
        volume=bag,
    )
    if as_json:
        from letheon.dosing.worksheet_record import arm_record, worksheet_record

        arms = {
            one.name: arm_record(sheets[one.name], one.regimen, one.like) for one in loaded.arms if one.name in sheets
        }
        write_json(worksheet_record(loaded.title, loaded.warnings, order, arms))
    else:
        write_text(document(loaded, order, sheets, default_weight=weight is None))


def _sheets(
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
