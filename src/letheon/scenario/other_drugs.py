"""The list `also` of an arm: other drugs, of which no effect is computed."""

from collections.abc import Collection, Iterable
from typing import Any

from letheon.dosing.other_drugs import OtherDrug
from letheon.scenario import quantities
from letheon.scenario.faults import attempt
from letheon.scenario.grammar import ALSO, BESIDE, MAX_OTHER_DRUGS
from letheon.scenario.kinds import one_given, table_of, text_of
from letheon.scenario.quantities import time_text
from letheon.scenario.yaml_tree import Listing, Node, Table
from letheon.units import REFERENCE_WEIGHT_KG, shown

__all__ = ["computed_beside", "read_other_drugs"]

_MOST_MG = 100_000.0  # at 70 kg, or for each hour: a typing error
_COMPUTED = frozenset(key.name for key in BESIDE.keys)


def read_other_drugs(listing: Listing, beside: Collection[str], follow_up_ms: int) -> tuple[OtherDrug, ...]:
    """Read `also` of an arm; `beside` names the drugs whose effects are computed."""
    if len(listing.items) > MAX_OTHER_DRUGS:
        listing.refuse(f"there are {len(listing.items)} entries; write at most {MAX_OTHER_DRUGS}.")
    return tuple(attempt(_read, item, beside, follow_up_ms) for item in listing.items)


def computed_beside(also: Iterable[OtherDrug]) -> tuple[str, ...]:
    """Return which drugs have an effect that is computed where they stand in `beside`."""
    return tuple(dict.fromkeys(one.drug for one in also if one.drug.casefold() in _COMPUTED))


def _read(item: Node, beside: Collection[str], follow_up_ms: int) -> OtherDrug:
    table = table_of(item, ALSO.example)
    for key in ("dose", "rate"):
        if key in table.entries:
            attempt(_refuse_volume, table.entries[key], ALSO[key].example)
    values = ALSO.read(table)
    attempt(_refuse_beside, table, values, beside)
    key, until = attempt(_given_as, table, values), attempt(_until, table, values, follow_up_ms)
    mg, mg_per_kg, written = attempt(_amount, table, values, key)
    every = values.get("every", 0)
    return OtherDrug(values["drug"], mg, mg_per_kg, key == "rate", every, until if every else 0, written)


def _refuse_beside(table: Table, values: dict[str, Any], beside: Collection[str]) -> None:
    if values["drug"].casefold() in beside:
        table.entries["drug"].refuse(f"{shown(values['drug'])} is listed under beside too; keep one of the two.")


def _given_as(table: Table, values: dict[str, Any]) -> str:
    """Return whether it is a dose or a rate."""
    one_given(table, ("dose", "rate"), "dose: 1.5 mg/kg, or rate: 1 mg/kg/h as long as ketamine runs")
    one_given(table, ("with", "every"), "with: each session, or every: 12 h")
    if "rate" in values and "every" in values:
        table.entries["every"].refuse("a rate runs as long as ketamine does; write with: each session, or a dose.")
    return "rate" if "rate" in values else "dose"


def _until(table: Table, values: dict[str, Any], follow_up_ms: int) -> int:
    """Return from when on no dose is given."""
    if "until" in values and "with" in values:
        table.entries["until"].refuse(
            "until ends doses by the clock, and with gives them by session; leave until out, or write every."
        )
    until = values.get("until", follow_up_ms)
    if not 0 < until <= follow_up_ms:
        table.entries["until"].refuse(
            f"{time_text(until)} is not after 0 h and within the follow-up, which ends at {time_text(follow_up_ms)}; "
            "write e.g. until: day 5."
        )
    return until


def _amount(table: Table, values: dict[str, Any], key: str) -> tuple[float, float, tuple[float, str]]:
    """Return a dose or a rate: the part for everybody, that for each kg, and number and unit as written."""
    mg, mg_per_kg = (values[key].absolute_mg_h, values[key].per_kg_mg_h) if key == "rate" else values[key]
    _check_amount(table.entries[key], mg + mg_per_kg * REFERENCE_WEIGHT_KG, ALSO[key].pair)
    parsed = quantities.parse(text_of(table.entries[key], ""))
    return mg, mg_per_kg, (parsed.value, parsed.unit)


def _check_amount(node: Node, at_70_kg: float, example: str) -> None:
    if not 0 < at_70_kg <= _MOST_MG:
        node.refuse(f"{shown(text_of(node, ''))} is not above 0 and at most 100 g at 70 kg; write e.g. {example}.")


def _refuse_volume(node: Node, example: str) -> None:
    text = text_of(node, example)
    if quantities.in_mass(text, 1.0, 0.0):
        node.refuse(
            f"{shown(text)} is a volume, and the strength of other drugs is not known; write a mass, e.g. {example}."
        )
