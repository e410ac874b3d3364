"""Fields: the keys of a map of a scenario file, each with kind, limits, default, example and one line of help."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from letheon.scenario.faults import attempt
from letheon.scenario.kinds import Kind, Schema, listing_of, table_of
from letheon.scenario.yaml_tree import Listing, Node, Table
from letheon.units import shown

__all__ = ["Fields", "Key", "by_name", "flow", "limited", "list_of", "one_or_more", "several", "table"]


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a scenario file: name, kind, one line of help, an example and a default as a file writes them."""

    name: str
    kind: Kind
    help: str
    example: str = ""  # that of the kind for a map
    default: str = ""  # what holds where the key is left out, if the record of its map does not say it
    required: bool = False

    @property
    def pair(self) -> str:
        """Key and value, as a refusal shows them."""
        return f"{self.name}: {self.example or self.kind.inner.example}"

    def read(self, node: Node) -> Any:
        """Read the value."""
        return self.kind.read(node, self.pair if self.kind.named else self.example)


@dataclass(frozen=True, slots=True)
class Fields:
    """The keys of one map, in the order in which they are written."""

    keys: tuple[Key, ...]
    example: str  # such a map, as a refusal shows it
    record: Any = None  # record with the defaults of keys that have none of their own
    # further keys, each with the sentence that refuses it
    refused: Mapping[str, str] = field(default_factory=dict[str, str])
    rules: Schema = field(default_factory=dict[str, Any])  # JSON Schema of what holds between keys
    unknown: str = ""  # sentence about any other word, where the nearest key would mean something else

    def __getitem__(self, name: str) -> Key:
        return next(key for key in self.keys if key.name == name)

    def check(self, table: Table) -> None:
        """Refuse keys that mean nothing here."""
        known, refused = [key.name for key in self.keys], self.refused
        if self.unknown:
            words = (key for key in table.entries if re.match(r"[^\W\d_]", key))
            refused = {key: self.unknown.format(shown(key)) for key in words if re.split("[ :=]", key)[0] not in known}
        table.check_keys(known, refused, self.example)

    def required(self, table: Table, name: str) -> Node:
        """Return the node of a key that must be there."""
        if name not in table.entries:
            table.refuse(f"the key {shown(name)} is missing; write e.g. {self[name].pair}.")
        return table.entries[name]

    def read(self, table: Table, without: Iterable[str] = ()) -> dict[str, Any]:
        """Return each value that is written, read by its kind; refuse keys that are unknown or missing."""
        self.check(table)
        due = (key for key in self.keys if (key.required or key.name in table.entries) and key.name not in without)
        return {key.name: attempt(self._value, table, key) for key in due}

    def _value(self, table: Table, key: Key) -> Any:
        return key.read(self.required(table, key.name))

    def glance(self, table: Table) -> None:
        """Refuse what is wrong with single keys of a map of which others are not known."""
        self.check(table)
        for key in self.keys:
            node = table.entries.get(key.name)
            if isinstance(node, Table) and isinstance(key.kind.inner, Fields):
                key.kind.inner.glance(node)
            elif node is not None:
                attempt(key.read, node)

    def write(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Return the text of each value that is not None, in the order of the keys."""
        return {k.name: k.kind.write(values[k.name]) for k in self.keys if values.get(k.name) is not None}

    def default(self, key: Key) -> str:
        """Return what holds where a key is left out, as a file would write it."""
        value = getattr(self.record, key.name, None)
        return key.default or ("" if value is None else key.kind.write(value))

    def describe(self, key: Key) -> str:
        """Return the help of a key with limits, default and example."""
        parts = {"Limits": key.kind.bounds, "Default": self.default(key), "Example": key.example}
        return " ".join([key.help, *(f"{name}: {text}." for name, text in parts.items() if text)])

    def schema(self) -> Schema:
        """Return the JSON Schema of such a map."""
        properties = {key.name: key.kind.schema() | {"description": self.describe(key)} for key in self.keys}
        closed = {"type": "object", "properties": properties, "additionalProperties": False}
        needed = [key.name for key in self.keys if key.required]
        return closed | ({"required": needed} if needed else {}) | self.rules


def limited(kind: Kind, limits: str) -> Kind:
    """Return a kind with limits that whoever reads the whole map checks."""
    return replace(kind, limits=limits)


def flow(texts: Mapping[str, str]) -> str:
    """Write texts as a map on one line."""
    return f"{{{', '.join(f'{name}: {value}' for name, value in texts.items())}}}"


def table(fields: Fields) -> Kind:
    """Return the kind of a map of known keys."""

    def read(node: Node, _: str) -> dict[str, Any]:
        return fields.read(table_of(node, fields.example))

    return Kind("map", read, fields.schema, lambda values: flow(fields.write(values)), named=False, inner=fields)


def by_name(fields: Fields, most: int | None = None, names: str = "") -> Kind:
    """Return the kind of a map from names of the user's own to maps; whoever asks for the entries reads them."""

    def schema() -> Schema:
        bounds = {"minProperties": 1, "maxProperties": most} if most else {}
        named = {"propertyNames": {"pattern": f"^{names}$"}} if names else {}
        return {"type": "object", "additionalProperties": fields.schema()} | bounds | named

    return Kind("map by name", table_of, schema, limits=f"1 to {most}" if most else "", inner=fields)


def list_of(item: Kind, most: int | None = None) -> Kind:
    """Return the kind of a list; whoever asks for its items reads them."""

    def schema() -> Schema:
        return {"type": "array", "minItems": 1, "items": item.schema()} | ({"maxItems": most} if most else {})

    def write(values: Iterable[Any]) -> str:
        return f"[{', '.join(map(item.write, values))}]"

    limits = f"1 to {most}" if most else "at least one"
    return Kind("list", listing_of, schema, write, item.unit, limits, inner=item.inner)


def one_or_more(item: Kind, most: int) -> Kind:
    """Return the kind of one value, or a list of at most so many of which the last repeats without end."""

    def read(node: Node, example: str) -> tuple[Any, ...]:
        nodes = listing_of(node, "[1 week, 2 weeks, 4 weeks]").items if isinstance(node, Listing) else (node,)
        if len(nodes) > most:
            node.refuse(f"the ladder has {len(nodes)} steps; write at most {most}, the last repeats without end.")
        return tuple(attempt(item.read, one, example) for one in nodes)

    def schema() -> Schema:
        one = item.schema()
        return {"anyOf": [one, {"type": "array", "minItems": 1, "maxItems": most, "items": one}]}

    def write(values: tuple[Any, ...]) -> str:
        return f"[{', '.join(map(item.write, values))}]"

    return Kind(f"{item.type}, or a list", read, schema, write, item.unit, item.limits)


def several(item: Kind, most: int | None = None) -> Kind:
    """Return the kind of a list of values; with `most`, of at most so many different ones."""

    def read(node: Node, example: str) -> tuple[Any, ...]:
        items = listing_of(node, example).items
        values = tuple(attempt(item.read, one, example) for one in items)
        for place, value in enumerate(values if most else ()):
            if value in values[:place]:
                items[place].refuse(f"{item.write(value)} is given twice; keep one.")
        if most and len(values) > most:
            node.refuse(f"there are {len(values)} values; write at most {most}.")
        return values

    def schema() -> Schema:
        bounds = {"maxItems": most, "uniqueItems": True} if most else {}
        return {"type": "array", "minItems": 1, "items": item.schema()} | bounds

    def write(values: tuple[Any, ...]) -> str:
        return f"[{', '.join(map(item.write, values))}]"

    return Kind(f"list of {item.type}s", read, schema, write, item.unit, item.limits)
