"""Fields: one node of the tree becomes one checked number, word or switch."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from letheon.errors import InputError, near_word
from letheon.scenario import quantities
from letheon.scenario.numerals import integer
from letheon.scenario.records import Spread
from letheon.scenario.tree import Listing, Node, Table, Value
from letheon.units import plain, shown

T = TypeVar("T")


def text_of(node: Node, example: str) -> str:
    """Return the text of a single value; refuse maps, lists and nothing."""
    if isinstance(node, Table):
        node.refuse(f"here stands a map where one value is due; write e.g. {example}.")
    if not isinstance(node, Value):
        node.refuse(f"here stands a list where one value is due; write e.g. {example}.")
    if node.empty or not node.text.strip():
        node.refuse(f"nothing is written here; write e.g. {example}.")
    return node.text.strip()


def table_of(node: Node, example: str) -> Table:
    """Return a map; refuse anything else."""
    if isinstance(node, Table):
        return node
    if isinstance(node, Value) and not node.empty:
        node.refuse(f"{shown(node.text)} stands where a map is due; write e.g. {example}.")
    found = "a list" if isinstance(node, Listing) else "nothing"
    node.refuse(f"{found} stands where a map is due; write e.g. {example}.")


def listing_of(node: Node, example: str) -> Listing:
    """Return a list; refuse anything else, and an empty list."""
    if isinstance(node, Listing):
        if not node.items:
            node.refuse(f"the list is empty; write at least one entry, e.g. {example}.")
        return node
    if isinstance(node, Value) and not node.empty:
        node.refuse(f"{shown(node.text)} stands where a list is due; write e.g. {example}.")
    found = "a map" if isinstance(node, Table) else "nothing"
    node.refuse(f"{found} stands where a list is due; write e.g. {example}.")


def required(table: Table, key: str, example: str) -> Node:
    """Return an entry that must be there."""
    if key not in table.entries:
        table.refuse(f"the entry {key} is missing; write e.g. {example}.")
    return table.entries[key]


def quantity(node: Node, reader: Callable[[str], T], example: str) -> T:
    """Read a quantity, with the place put before the reader's refusal."""
    text = text_of(node, example)
    try:
        return reader(text)
    except InputError as error:
        node.refuse(str(error))


def whole(node: Node, low: int, high: int, example: int) -> int:
    """Read a whole number in plain ASCII digits."""
    text = text_of(node, str(example))
    value = integer(text)
    if value is None:
        node.refuse(f"{shown(text)} is not a whole number in plain digits; write e.g. {example}.")
    if not low <= value <= high:
        node.refuse(f"{shown(text)} is outside {low} to {high}; write e.g. {example}.")
    return value


def bare_number(node: Node, low: float, high: float, example: str, unit: str = "") -> float:
    """Read a number without unit, or with the one unit that is optional here."""
    found = quantity(node, lambda text: quantities.parse(text, example), example)
    given = text_of(node, example)
    if found.spread is not None:
        node.refuse(f"{shown(given)} has a spread, which cannot stand here; write e.g. {example}.")
    if found.unit not in {"", unit}:
        node.refuse(f"{shown(given)} has the unit {found.unit}, which cannot stand here; write e.g. {example}.")
    if not low <= found.value <= high:
        node.refuse(f"{shown(given)} is outside {plain(low)} to {plain(high)}; write e.g. {example}.")
    return found.value


def spread(
    node: Node, unit: str, mean: tuple[float, float], max_sd: float, example: str, bare: bool = False, why: str = ""
) -> Spread:
    """Read ``a ± b``, or ``a`` alone for everybody alike; `bare` makes the unit optional, `why` says why no less."""
    found = quantity(node, lambda text: quantities.parse(text, example), example)
    given = text_of(node, example)
    if found.unit == "" and not bare:
        node.refuse(f"{shown(given)} has no unit; write e.g. {example}.")
    if found.unit not in {"", unit}:
        node.refuse(f"{shown(given)} has the unit {found.unit}, which cannot stand here; write e.g. {example}.")
    name = {"kg": " kg", "year": " years"}.get(unit, "")
    if not mean[0] <= found.value <= mean[1]:
        node.refuse(
            f"the mean in {shown(given)} is outside {plain(mean[0])} to {plain(mean[1])}{name}"
            f"{why if found.value < mean[0] else ''}; write e.g. {example}."
        )
    sd = found.spread or 0.0
    if not 0 <= sd <= max_sd:
        node.refuse(f"the spread in {shown(given)} is outside 0 to {plain(max_sd)}{name}; write e.g. {example}.")
    return Spread(found.value, sd)


def choice(node: Node, allowed: Iterable[str], example: str) -> str:
    """Read one of a few words."""
    allowed = tuple(allowed)
    text = text_of(node, example)
    if text in allowed:
        return text
    near = near_word(text, allowed)
    remedy = f"write {near}, if that is meant" if near else f"write one of {', '.join(allowed)}"
    node.refuse(f"{shown(text)} is not known here; {remedy}.")


def switch(node: Node) -> bool:
    """Read on or off."""
    text = text_of(node, "on")
    if text not in {"on", "off", "true", "false"}:
        node.refuse(f"{shown(text)} is no switch; write on or off.")
    return text in {"on", "true"}
