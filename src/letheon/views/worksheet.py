"""The worksheet in words and as a document: bags and pump rates of each arm, and the command that prints them."""

import json
import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from letheon.dosing.order import Order
    from letheon.dosing.worksheet import SessionSheet, Worksheet
    from letheon.scenario import Arm, Scenario

__all__ = ["EXAMPLE", "document", "lines", "register"]

EXAMPLE = 'letheon worksheet examples/schwartzman2009.yaml --weight "79 kg"'
NOTICE = (
    "Arithmetic for the design of protocols, for research and education only. To be checked by a pharmacist. "
    "It is never advice about a person."
)
_WIDTH = 80
_BAGS_LISTED = 12
_COLUMNS = ("step", "from, h", "to, h", "mg/h", "mL/h", "mL", "mg", "bag no.")
_WIDTHS = (6, 10, 10, 10, 9, 10, 10, 11)


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
        help="Work out bags and pump rates for each arm of a scenario, for one body weight.\n\n" + NOTICE,
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
    from letheon.dosing.worksheet import worksheet
    from letheon.errors import InputError

    names = [arm.name for arm in scenario.arms]
    if only is not None and only not in names:
        raise InputError(f"--arm {only[:40]!r} is no arm of this scenario; choose among {', '.join(names)}.")
    found = {}
    for arm in scenario.arms:
        if only in (None, arm.name):
            try:
                found[arm.name] = worksheet(arm.regimen, order)
            except InputError as error:
                raise InputError(f"arm {arm.name}: {error}") from None
    return found


# --- as a document ---


def document(scenario: "Scenario", order: "Order", sheets: "dict[str, Worksheet]") -> dict[str, Any]:
    """Return a worksheet as plain data, with every digit.

    Parameters
    ----------
    scenario : Scenario
        Where the arms come from.
    order : Order
        What is drawn up.
    sheets : dict of str to Worksheet
        The worksheet of each arm.

    Returns
    -------
    dict
        What JSON can hold; masses [mg] are free base, times [h] count from the scenario's origin.

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
        "notice": NOTICE,
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
        "arms": {arm.name: _arm_document(arm, sheets[arm.name]) for arm in scenario.arms if arm.name in sheets},
    }


def _arm_document(arm: "Arm", sheet: "Worksheet") -> dict[str, Any]:
    return {
        "drug": sheet.drug,
        "like": arm.like,
        "bag": {
            "drug_ml": sheet.drug_ml,
            "diluent_ml": sheet.diluent_ml,
            "mg": sheet.mg_per_ml * sheet.order.bag_ml,
            "mg_per_ml": sheet.mg_per_ml,
        },
        "sessions": [_session_document(session, sheet) for session in sheet.sessions],
        "totals": {
            "sessions": len(sheet.sessions),
            "hours": sheet.hours,
            "ml": sheet.ml,
            "mg": sheet.mg,
            "bags": sheet.bags,
            "drug_ml": sheet.drug_ml * sheet.bags,
            "diluent_ml": sheet.diluent_ml * sheet.bags,
            "left_ml": sheet.left_ml,
            "left_mg": sheet.left_mg,
            "vials": sheet.vials,
        },
    }


def _session_document(session: "SessionSheet", sheet: "Worksheet") -> dict[str, Any]:
    start = _hours(session.start_ms)
    return {
        "start_h": start,
        "hours": session.hours,
        "ml": session.ml,
        "mg": session.mg,
        "left_ml": session.left_ml,
        "left_mg": session.left_ml * sheet.mg_per_ml,
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
                "left_mg": bag.left_ml * sheet.mg_per_ml,
            }
            for bag in session.bags
        ],
    }


# --- in words ---


def lines(
    scenario: "Scenario", order: "Order", sheets: "dict[str, Worksheet]", *, default_weight: bool = False
) -> Iterator[str]:
    """Write a worksheet for a terminal of 80 columns.

    Parameters
    ----------
    scenario : Scenario
        Where the arms come from.
    order : Order
        What is drawn up.
    sheets : dict of str to Worksheet
        The worksheet of each arm.
    default_weight : bool
        Whether nobody chose the body weight, which is then said.

    Yields
    ------
    str
        Lines of text.
    """
    yield from _wrapped(NOTICE)
    yield ""
    yield from _wrapped(scenario.title)
    chosen = " (the default; --weight chooses another)" if default_weight else ""
    yield from _wrapped(f"One body weight: {_number(order.weight_kg)} kg{chosen}. All mg are free base.")
    yield from _wrapped(_vial(order))
    for arm in scenario.arms:
        if arm.name in sheets:
            yield ""
            yield from _arm_lines(arm, sheets[arm.name])
    yield ""
    yield from _wrapped(
        "Hours count from the start of the session, bags from 1 in each session. A bag hangs until it is empty, for"
        " 24 h at most, and is not kept for the next session. Shown numbers are rounded; --json has every digit."
    )
    for warning in scenario.warnings:
        yield from _wrapped(f"Warning: {warning}")
    yield ""
    yield from _wrapped(NOTICE)


def _vial(order: "Order") -> str:
    label = f"Vial: {_number(order.vial_mg_per_ml)} mg/mL, its label read as "
    if order.vial_salt == "base":
        return label + "free base (--vial-salt hydrochloride if it counts the salt)."
    return label + f"{order.vial_salt}, which is {_number(order.base_mg_per_ml)} mg/mL of free base."


def _arm_lines(arm: "Arm", sheet: "Worksheet") -> Iterator[str]:
    yield from _wrapped(f"Arm {arm.name}: {sheet.drug}")
    if sheet.is_sham:
        yield from _wrapped(
            f"No drug: the same volumes and pump rates as arm {arm.like}, diluent alone, so that the bags and the pump"
            " give nothing away.",
            2,
        )
    if not sheet.sessions:
        yield "  Nothing is infused."
        return
    yield from _preparation(sheet)
    yield ""
    yield "".join(f"{name:>{width}}" for name, width in zip(_COLUMNS, _WIDTHS, strict=True))
    for first, alike in _alike(sheet.sessions):
        yield from _session_lines(first, alike, sheet)
    yield ""
    yield from _totals(sheet)


def _preparation(sheet: "Worksheet") -> Iterator[str]:
    order = sheet.order
    yield "  To make up each bag:"
    if sheet.is_sham:
        yield "    take  0 mL of drug"
    else:
        yield f"    take  {_number(sheet.drug_ml)} mL of drug from the vial ({_number(order.bag_mg)} mg)"
    yield f"    add   {_number(sheet.diluent_ml)} mL of diluent"
    yield f"    gives {_number(order.bag_ml)} mL at {_number(sheet.mg_per_ml)} mg/mL"


def _alike(sessions: "Sequence[SessionSheet]") -> "Iterator[tuple[int, list[SessionSheet]]]":
    """Group sessions that follow each other and differ in their start alone; each with the number of the first."""
    start = 0
    while start < len(sessions):
        stop = start + 1
        while stop < len(sessions) and _is_alike(sessions[stop], sessions[start]):
            stop += 1
        yield start + 1, list(sessions[start:stop])
        start = stop


def _is_alike(one: "SessionSheet", other: "SessionSheet") -> bool:
    return (one.steps, one.bags) == (other.steps, other.bags)


def _session_lines(first: int, alike: "list[SessionSheet]", sheet: "Worksheet") -> Iterator[str]:
    session, start = alike[0], alike[0].start_ms
    when = f"at {_number(_hours(start))} h (day {int(_hours(start) // 24) + 1})"
    if len(alike) == 1:
        yield f"  Session {first}, {when}"
    else:
        gaps = {after.start_ms - before.start_ms for before, after in pairwise(alike)}
        every = f", then every {_number(_hours(gaps.pop()))} h" if len(gaps) == 1 else ", then at other times"
        yield f"  Sessions {first} to {first + len(alike) - 1}, alike: the first {when}{every}"
    for number, step in enumerate(session.steps, 1):
        bags = f"{step.first_bag}" if step.first_bag == step.last_bag else f"{step.first_bag}-{step.last_bag}"
        shown = (step.start_h, step.stop_h, step.mg_per_h, step.ml_per_h, step.ml, step.mg)
        yield _row(number, [*map(_number, shown), bags])
    if len(session.steps) > 1:
        yield _row("all", ["0", *map(_number, (session.hours,)), "", "", _number(session.ml), _number(session.mg), ""])
    yield from _bag_lines(session, sheet)


def _row(label: object, cells: list[str]) -> str:
    return "".join(f"{cell:>{width}}" for cell, width in zip([str(label), *cells], _WIDTHS, strict=True)).rstrip()


def _bag_lines(session: "SessionSheet", sheet: "Worksheet") -> Iterator[str]:
    count, left = len(session.bags), f"{_number(session.left_ml)} mL"
    if not sheet.is_sham:
        left += f" ({_number(session.left_ml * sheet.mg_per_ml)} mg)"
    text = f"{count} bag{'s'[: count > 1]}, {left} left over."
    enough = math.ceil(session.ml / sheet.order.bag_ml / (1 + 1e-9))
    if count > enough:
        text += f" {enough} would hold the volume; split into {count} so that none hangs longer than 24 h."
    if count > 1:
        hung = [f"{number} at {_number(bag.hung_h)} h" for number, bag in enumerate(session.bags[:_BAGS_LISTED], 1)]
        rest = f" and so on, {count - len(hung)} more (--json)" if count > len(hung) else ""
        text += f" Hang bag {', '.join(hung)}{rest}."
    yield from _wrapped(text, 6)


def _totals(sheet: "Worksheet") -> Iterator[str]:
    count = len(sheet.sessions)
    yield from _wrapped(
        f"Whole arm: {count} session{'s'[: count > 1]}, {_number(sheet.hours)} h on the drip, {_number(sheet.ml)} mL,"
        f" {_number(sheet.mg)} mg.",
        2,
    )
    text = (
        f"To draw up: {sheet.bags} bag{'s'[: sheet.bags > 1]}, {_number(sheet.drug_ml * sheet.bags)} mL of drug"
        f" ({_number(sheet.drug_ml * sheet.bags * sheet.order.base_mg_per_ml)} mg),"
        f" {_number(sheet.diluent_ml * sheet.bags)} mL of diluent;"
        f" left over in the bags: {_number(sheet.left_ml)} mL ({_number(sheet.left_mg)} mg)."
    )
    vials, each = sheet.vials, sheet.order.vial_ml
    if vials and each is not None:
        unused = vials * each - sheet.drug_ml * sheet.bags
        text += (
            f" Vials of {_number(each)} mL, each for one bag only: {vials};"
            f" left over in them: {_number(unused)} mL ({_number(unused * sheet.order.base_mg_per_ml)} mg)."
        )
    yield from _wrapped(text, 2)


def _number(value: float) -> str:
    """Write a number with two decimals, three digits where that says too little, none where it says too much."""
    if abs(value) >= 1e5:
        return f"{value:.0f}"
    text = f"{value:.2f}" if value == 0 or abs(value) >= 0.1 else f"{value:.3g}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def _hours(milliseconds: int) -> float:
    from letheon.units import MS_PER_HOUR

    return milliseconds / MS_PER_HOUR


def _wrapped(text: str, indent: int = 0) -> list[str]:
    space = " " * indent
    return textwrap.wrap(text, _WIDTH, initial_indent=space, subsequent_indent=space)
