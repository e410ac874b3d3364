"""Classes: a value by body weight or age, such as ``{below 50 kg: 15 mg/h, from 50 kg: 25 mg/h}``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

from letheon.dosing.order import MAX_WEIGHT_KG, MIN_WEIGHT_KG
from letheon.dosing.regimen import CLASS_UNITS, class_names
from letheon.errors import InputError
from letheon.scenario import quantities
from letheon.scenario.faults import attempt
from letheon.scenario.kinds import Kind, Schema
from letheon.scenario.yaml_tree import Node, Table
from letheon.units import plain, shown

__all__ = ["MAX_CLASSES", "ByClass", "Split", "by_class", "classes_of", "is_by_class", "split_by_class"]

MAX_CLASSES = 8
_LABEL = re.compile(r"(below|from)\s+(\S.*)")
_EXAMPLE = "{below 50 kg: 15 mg/h, from 50 kg: 25 mg/h}"
# no patient lies outside
_RANGES = {"kg": (MIN_WEIGHT_KG, MAX_WEIGHT_KG), "year": (18.0, 100.0)}


@dataclass(frozen=True, slots=True)
class ByClass:
    """A value for each class; the classes are those of `letheon.dosing.regimen.Classes`."""

    unit: str
    limits: tuple[float, ...]
    values: tuple[Any, ...]


class Split(NamedTuple):
    """A map without classes for each class."""

    unit: str
    limits: tuple[float, ...]
    tables: tuple[Table, ...]


def by_class(kind: Kind) -> Kind:
    """Return the kind of a value, or of one for each class."""

    def read(node: Node, example: str) -> Any:
        if not isinstance(node, Table):
            return kind.read(node, example)
        unit, limits = classes_of(node)
        return ByClass(unit, limits, tuple(attempt(kind.read, one, example) for one in node.entries.values()))

    def schema() -> Schema:
        one = kind.schema()
        number = r"[0-9.]+\s*(kg|year|years)"
        classes = {
            "type": "object",
            "minProperties": 2,
            "maxProperties": MAX_CLASSES,
            "patternProperties": {rf"^(below|from)\s+{number}$": one},
            "additionalProperties": False,
        }
        return {"anyOf": [one, classes]}

    def write(value: Any) -> str:
        if not isinstance(value, ByClass):
            return kind.write(value)
        texts = zip(class_names(value.unit, value.limits), map(kind.write, value.values), strict=True)
        return f"{{{', '.join(map(': '.join, texts))}}}"

    return replace(kind, read=read, schema=schema, write=write)


def is_by_class(node: Node) -> bool:
    """Return whether a map seems to hold classes."""
    return isinstance(node, Table) and any(_LABEL.match(key) for key in node.entries)


def classes_of(table: Table) -> tuple[str, tuple[float, ...]]:
    """Return the unit and the limits of classes; refuse those that do not cover everybody once."""
    if not table.entries:
        table.refuse(f"no class is written here; write one value, or e.g. {_EXAMPLE}.")
    labels = [_label(table, key) for key in table.entries]
    units = {unit for _, _, unit in labels}
    if len(units) > 1:
        table.refuse("these classes mix kg and years; write all of them in kg, or all in years.")
    unit = units.pop()
    keys, words = list(table.entries), [word for word, _, _ in labels]
    text = f"{plain(labels[0][1])} {CLASS_UNITS[unit]}"
    if words[0] != "below":
        table.refuse(
            f"the first class is {shown(keys[0])}; begin with below {text}, so that every patient falls into a class."
        )
    if "below" in words[1:]:
        table.refuse("below is used more than once; use it for the first class only, and from for the others.")
    if len(labels) == 1:
        table.refuse(
            f"there is no value from {text} upwards; add the class from {text}, or write one value for everybody."
        )
    if len(labels) > MAX_CLASSES:
        table.refuse(f"there are {len(labels)} classes; write at most {MAX_CLASSES}.")
    values = [value for _, value, _ in labels]
    if values[0] != values[1]:
        low, high = (plain(value) for value in sorted(values[:2]))
        count, who = "no class" if values[0] < values[1] else "two classes", f"{low} to {high} {CLASS_UNITS[unit]}"
        table.refuse(f"patients of {who} fall into {count}; write the same limit after below and from.")
    if any(after <= before for before, after in pairwise(values[1:])):
        table.refuse("the limits are not in ascending order; write each once, from low to high.")
    return unit, tuple(values[1:])


def _label(table: Table, key: str) -> tuple[str, float, str]:
    """Read the key of a class."""
    node, line = table.entries[key], table.key_lines[key]
    match = _LABEL.fullmatch(key.strip())
    if not match:
        node.refuse(f"{shown(key)} is not a class; write e.g. {_EXAMPLE}.", line)
    try:
        limit = quantities.parse(match[2], "50 kg")
    except InputError as error:
        node.refuse(str(error), line)
    if limit.unit not in _RANGES or limit.spread is not None:
        node.refuse(
            f"{shown(key)} has no limit in kg or in years; write e.g. {match[1]} 50 kg, or {match[1]} 65 years.", line
        )
    low, high = _RANGES[limit.unit]
    if not low < limit.value < high:
        node.refuse(
            f"{shown(key)} leaves a class empty, since all patients lie within {plain(low)} to {plain(high)} "
            f"{CLASS_UNITS[limit.unit]}; write a limit within that range, or one value for everybody.",
            line,
        )
    return match[1], limit.value, limit.unit


def split_by_class(table: Table, keys: Sequence[str], limits: tuple[float, ...] = (), unit: str = "") -> Split | None:
    """Return a map without classes for each class of its values, or None if it has none.

    `limits` [`unit`] are further ones at which the map is to be split, if its own classes are of that unit.
    """
    nodes = {key: node for key in keys if isinstance(node := table.entries.get(key), Table)}
    if not nodes:
        return None
    classes = {key: classes_of(node) for key, node in nodes.items()}
    first, *others = classes
    by, name = classes[first][0], CLASS_UNITS
    for key in others:
        if (other := classes[key][0]) != by:
            nodes[key].refuse(
                f"its classes are in {name[other]}, and those of {first} in {name[by]}; use one unit for both."
            )
    own = {limit for _, one in classes.values() for limit in one}
    if len(own) >= MAX_CLASSES:
        nodes[first].refuse(
            f"with those of {', '.join(others)} this makes over {MAX_CLASSES} classes; use fewer limits."
        )
    ends = sorted(own | set(limits if unit == by else ()))
    tables: list[Table] = []
    for low in (float("-inf"), *ends):
        entries = dict(table.entries)
        for key, node in nodes.items():
            entries[key] = list(node.entries.values())[sum(low >= x for x in classes[key][1])]
        tables.append(replace(table, entries=entries))
    return Split(by, tuple(ends), tuple(tables))
