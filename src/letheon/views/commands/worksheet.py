"""``letheon worksheet``: bags, pump rates and pushes of each arm."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from letheon.errors import InputError
from letheon.units import MS_PER_HOUR
from letheon.views.commands.options import AsJson, ScenarioFile, option, quantity
from letheon.views.commands.output import write, write_json

if TYPE_CHECKING:
    from letheon.dosing.order import Order
    from letheon.dosing.worksheet import Worksheet
    from letheon.scenario import Arm, Scenario

__all__ = ["sheet_of", "worksheet"]

Quantity = float | None


def worksheet(
    scenario: ScenarioFile,
    weight: Annotated[
        Quantity, option("KG", 'Body weight (default: "70 kg").', quantity("--weight", "weight_kg", "79 kg"))
    ] = None,
    vial: Annotated[
        Quantity,
        option(
            "STRENGTH",
            'Strength on the label (default: "50 mg/mL").',
            quantity("--vial", "strength_mg_per_ml", "50 mg/mL"),
        ),
    ] = None,
    vial_salt: Annotated[str, option("SALT", "What the label counts: base (the default) or hydrochloride.")] = "base",
    vial_volume: Annotated[
        Quantity,
        option(
            "VOLUME",
            'Content of a vial, e.g. "10 mL", to count vials.',
            quantity("--vial-volume", "volume_ml", "10 mL"),
        ),
    ] = None,
    bag: Annotated[
        Quantity, option("VOLUME", 'A bag once made up (default: "100 mL").', quantity("--bag", "volume_ml", "100 mL"))
    ] = None,
    concentration: Annotated[
        Quantity,
        option(
            "STRENGTH",
            'Free base in a bag (default: "1 mg/mL").',
            quantity("--concentration", "strength_mg_per_ml", "1 mg/mL"),
        ),
    ] = None,
    per_bag: Annotated[
        Quantity,
        option(
            "MASS",
            'Free base in a bag, e.g. "100 mg", in place of --concentration.',
            quantity("--per-bag", "mass_mg", "100 mg"),
        ),
    ] = None,
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
    from letheon.views.document.terminal import text
    from letheon.views.subjects.worksheet import document

    options = {
        "weight_kg": weight,
        "vial_mg_per_ml": vial,
        "vial_ml": vial_volume,
        "bag_ml": bag,
        "mg_per_ml": concentration,
        "bag_mg": per_bag,
    }
    order = Order.create(vial_salt=vial_salt, **{name: value for name, value in options.items() if value is not None})
    loaded = scenarios.load(scenario)
    sheets = _sheets(loaded, order, arm)
    if as_json:
        from msgspec import to_builtins

        from letheon.dosing.worksheet_record import arm_record, worksheet_record

        arms = {
            name: arm_record(sheet, loaded.arm(name).regimen, loaded.arm(name).like) for name, sheet in sheets.items()
        }
        write_json(to_builtins(worksheet_record(loaded.title, loaded.warnings, order, arms)))
    else:
        write(text(document(loaded, order, sheets, default_weight=weight is None)))


def _sheets(scenario: "Scenario", order: "Order", only: str | None) -> "dict[str, Worksheet]":
    names = [arm.name for arm in scenario.arms]
    if only is not None and only not in names:
        raise InputError(f"--arm {only[:40]!r} is not an arm of this scenario; choose among {', '.join(names)}.")
    sheets = {}
    for arm in scenario.arms:
        if only in (None, arm.name):
            try:
                sheets[arm.name] = sheet_of(arm, order, round(scenario.follow_up_h * MS_PER_HOUR))
            except InputError as error:
                raise InputError(f"arm {arm.name}: {error}") from None
    return sheets


def sheet_of(arm: "Arm", order: "Order", follow_up_ms: int) -> "Worksheet":
    """Lay out everything that an arm gives, up to the end of the observation [ms]; name what is missing.

    Raises
    ------
    InputError
        If no pump could run a step as written, or the bags are too many to hang.
    """
    from letheon.dosing.parts import unknown_parts
    from letheon.dosing.worksheet import worksheet

    beside = {name.removesuffix("_mg"): dose for name, dose in asdict(arm.beside).items()}
    return worksheet(
        arm.regimen,
        order,
        policy=arm.policy,
        follow_up_ms=follow_up_ms,
        beside=beside,
        missing=unknown_parts(arm),
    )
