"""Read the entries of numbers, the tables that every file of the library is made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from letheon.errors import InputError
from letheon.library.reading import as_text, check_keys, read, read_toml
from letheon.library.records import Number


def parse_numbers(tables: Any, place: str) -> dict[str, Number]:
    """Read a table of tables, one for each number; see `parse_sections`."""
    if not isinstance(tables, dict):
        raise InputError(f"{place}: a table of numbers is due here, got {tables!r}")
    numbers: dict[str, Number] = {}
    for name, table in tables.items():
        where = f"{place}.{name}"
        if not isinstance(table, dict) or "same_as" not in table:
            numbers[name] = read(Number, table, where, name=name)
            continue
        check_keys(table, ("same_as",), ("note",), where)
        origin = numbers.get(table["same_as"])
        if origin is None:
            raise InputError(f"{where}.same_as: {table['same_as']!r} is no parameter above it in this file")
        note = as_text(table.get("note", ""), f"{where}.note")
        numbers[name] = replace(origin, name=name, note=note, same_as=origin.name)
    return numbers


def parse_sections(text: str, place: str) -> dict[str, dict[str, Number]]:
    r"""Read a file of sections of numbers (``[section.name]`` tables).

    Examples
    --------
    >>> parse_sections("[diary.rho]\nvalue = 2", "pain.toml")
    Traceback (most recent call last):
    letheon.errors.InputError: pain.toml [diary].rho: key 'unit' is missing
    """
    document = read_toml(text, place)
    return {section: parse_numbers(tables, f"{place} [{section}]") for section, tables in document.items()}
