"""The list `also` of an arm: other drugs, of which no effect is computed."""

from collections.abc import Collection, Iterable

from letheon.dosing.other_drugs import OtherDrug
from letheon.scenario import quantities
from letheon.scenario.grammar import ALSO, BESIDE, MAX_OTHER_DRUGS
from letheon.scenario.kinds import table_of, text_of
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
    return tuple(_read(table_of(item, ALSO.example), beside, follow_up_ms) for item in listing.items)


def computed_beside(also: Iterable[OtherDrug]) -> tuple[str, ...]:
    """Return which drugs have an effect that is computed where they stand in `beside`."""
    return tuple(dict.fromkeys(one.drug for one in also if one.drug.casefold() in _COMPUTED))


def _read(table: Table, beside: Collection[str], follow_up_ms: int) -> OtherDrug:
    for key in ("dose", "rate"):
        if key in table.entries:
            _refuse_volume(table.entries[key], ALSO[key].example)
    values = ALSO.read(table)
    if values["drug"].casefold() in beside:
        table.entries["drug"].refuse(f"{shown(values['drug'])} stands in beside too; keep one of the two.")
    for one, other, write in (
        ("dose", "rate", "dose: 1.5 mg/kg, or rate: 1 mg/kg/h as long as ketamine runs"),
        ("with", "every", "with: each session, or every: 12 h"),
    ):
        if (one in values) == (other in values):
            both = f"both {one} and {other} are" if one in values else f"neither {one} nor {other} is"
            table.refuse(f"{both} given; write one of them: {write}.")
    if "rate" in values and "every" in values:
        table.entries["every"].refuse("a rate runs as long as ketamine does; write with: each session, or a dose.")
    if "until" in values and "with" in values:
        table.entries["until"].refuse("it ends doses by the clock; leave it out, or write every in place of with.")
    until = values.get("until", follow_up_ms)
    if not 0 < until <= follow_up_ms:
        table.entries["until"].refuse(
            f"{time_text(until)} is not behind 0 h and within the follow-up, which ends at {time_text(follow_up_ms)}; "
            "write e.g. until: day 5."
        )
    key = "rate" if "rate" in values else "dose"
    mg, mg_per_kg = (values[key].absolute_mg_h, values[key].per_kg_mg_h) if key == "rate" else values[key]
    _check_amount(table.entries[key], mg + mg_per_kg * REFERENCE_WEIGHT_KG, ALSO[key].pair)
    parsed = quantities.parse(text_of(table.entries[key], ""))
    every = values.get("every", 0)
    written = parsed.value, parsed.unit
    return OtherDrug(values["drug"], mg, mg_per_kg, key == "rate", every, until if every else 0, written)


def _check_amount(node: Node, at_70_kg: float, example: str) -> None:
    if not 0 < at_70_kg <= _MOST_MG:
        node.refuse(f"{shown(text_of(node, ''))} is not above 0 and at most 100 g at 70 kg; write e.g. {example}.")


def _refuse_volume(node: Node, example: str) -> None:
    text = text_of(node, example)
    if quantities.in_mass(text, 1.0, 0.0):
        node.refuse(
            f"{shown(text)} is a volume, and the strength of other drugs is not known; write a mass, e.g. {example}."
        )
