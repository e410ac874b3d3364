"""The command that prints a worksheet: bags, pump rates and pushes of each arm."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from letheon.definitions import WORKSHEET_NOTICE
from letheon.units import MS_PER_HOUR
from letheon.views.worksheet_document import document
from letheon.views.worksheet_words import lines

if TYPE_CHECKING:
    from letheon.dosing.order import Order
    from letheon.dosing.worksheet import Worksheet
    from letheon.scenario import Arm, Scenario

__all__ = ["EXAMPLE", "register", "sheet_of"]

EXAMPLE = 'letheon worksheet examples/schwartzman2009.yaml --weight "79 kg"'


@dataclass(frozen=True, slots=True)
class Choices:
    """The options of the command, as they were typed."""

    weight: str | None
    vial: str
    vial_salt: str
    vial_volume: str | None
    bag: str
    concentration: str | None
    per_bag: str | None

    def order(self) -> "Order":
        """Read every option, each with its unit."""
        from letheon.dosing.order import Order
        from letheon.scenario import volumes

        return Order.create(
            weight_kg=_read("--weight", volumes.weight_kg, "70 kg" if self.weight is None else self.weight),
            vial_mg_per_ml=_read("--vial", volumes.strength_mg_per_ml, self.vial),
            vial_salt=self.vial_salt,
            vial_ml=None if self.vial_volume is None else _read("--vial-volume", volumes.volume_ml, self.vial_volume),
            bag_ml=_read("--bag", volumes.volume_ml, self.bag),
            mg_per_ml=None
            if self.concentration is None
            else _read("--concentration", volumes.strength_mg_per_ml, self.concentration),
            bag_mg=None if self.per_bag is None else _read("--per-bag", volumes.mass_mg, self.per_bag),
        )


def _read(option: str, reader: Callable[[str], float], given: str) -> float:
    from letheon.errors import InputError

    try:
        return reader(given)
    except InputError as error:
        raise InputError(f"{option}: {error}") from None


def register(app: typer.Typer, write: Callable[..., None]) -> None:
    """Add the command to the program.

    Parameters
    ----------
    app : typer.Typer
        The program.
    write : callable
        Writes a text to stdout; takes `encoding` too.
    """

    @app.command(
        short_help="Work out bags and pump rates.",
        help="Work out bags and pump rates for each arm of a scenario, for one body weight.\n\n" + WORKSHEET_NOTICE,
        epilog=f"\b\nExample:\n  {EXAMPLE}",
    )
    def worksheet(
        scenario: Annotated[
            Path, typer.Argument(metavar="SCENARIO", show_default=False, help="A scenario file (YAML).")
        ],
        weight: Annotated[
            str | None, typer.Option(metavar="KG", show_default=False, help='Body weight (default: "70 kg").')
        ] = None,
        vial: Annotated[
            str,
            typer.Option(metavar="STRENGTH", show_default=False, help='Strength on the label (default: "50 mg/mL").'),
        ] = "50 mg/mL",
        vial_salt: Annotated[
            str,
            typer.Option(
                metavar="SALT", show_default=False, help="What the label counts: base (the default) or hydrochloride."
            ),
        ] = "base",
        vial_volume: Annotated[
            str | None,
            typer.Option(metavar="VOLUME", show_default=False, help='Content of a vial, e.g. "10 mL", to count vials.'),
        ] = None,
        bag: Annotated[
            str,
            typer.Option(metavar="VOLUME", show_default=False, help='A bag once made up (default: "100 mL").'),
        ] = "100 mL",
        concentration: Annotated[
            str | None,
            typer.Option(metavar="STRENGTH", show_default=False, help='Free base in a bag (default: "1 mg/mL").'),
        ] = None,
        per_bag: Annotated[
            str | None,
            typer.Option(
                metavar="MASS",
                show_default=False,
                help='Free base in a bag, e.g. "100 mg", in place of --concentration.',
            ),
        ] = None,
        arm: Annotated[str | None, typer.Option(metavar="NAME", show_default=False, help="This arm only.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
    ) -> None:
        """Print a worksheet; see `letheon.dosing.worksheet.worksheet`."""
        from letheon import scenario as scenarios

        choices = Choices(weight, vial, vial_salt, vial_volume, bag, concentration, per_bag)
        order, read = choices.order(), scenarios.load(scenario)
        sheets = _sheets(read, order, arm)
        if as_json:
            write(json.dumps(document(read, order, sheets), ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
        else:
            write("".join(f"{line}\n" for line in lines(read, order, sheets, default_weight=weight is None)))


def _sheets(scenario: "Scenario", order: "Order", only: str | None) -> "dict[str, Worksheet]":
    from letheon.errors import InputError

    names = [arm.name for arm in scenario.arms]
    if only is not None and only not in names:
        raise InputError(f"--arm {only[:40]!r} is no arm of this scenario; choose among {', '.join(names)}.")
    found = {}
    for arm in scenario.arms:
        if only in (None, arm.name):
            try:
                found[arm.name] = sheet_of(arm, order, round(scenario.follow_up_h * MS_PER_HOUR))
            except InputError as error:
                raise InputError(f"arm {arm.name}: {error}") from None
    return found


def sheet_of(arm: "Arm", order: "Order", follow_up_ms: int) -> "Worksheet":
    """Lay out everything that an arm gives; what it holds beyond that is named as missing.

    Parameters
    ----------
    arm : Arm
        The arm.
    order : Order
        What is drawn up.
    follow_up_ms : int
        End of the observation [ms].

    Returns
    -------
    Worksheet
        The worksheet of the arm.

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
