"""Read the entries of numbers, the tables that every file of the library is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from letheon.errors import InputError
from letheon.library.reading import (
    as_choice,
    as_float,
    as_pair,
    as_text,
    as_texts,
    as_variance,
    check_keys,
    read_toml,
)
from letheon.library.records import SPREADS, STATUSES, VERIFIED, Number

# What a value weighs as evidence by the way it was read; a derived one states that of its weakest basis.
_WEIGHTS = {"fulltext": 1.0, "abstract": 1.0, "secondary": 0.5, "recall": 0.0, "assumed": 0.0}

_NUMBER_NEEDS = ("value", "unit", "range", "status", "verified", "sources", "spread")
_NUMBER_MAY = ("omega", "omega_spread", "cv", "role", "note", "weight")


def _spread(table: Any, place: str) -> dict[str, str | float]:
    if not isinstance(table, dict) or "kind" not in table:
        raise InputError(f"{place}: a table with the key 'kind' is due here, got {table!r}")
    kind = as_choice(table["kind"], SPREADS, f"{place}.kind")
    check_keys(table, ("kind", *SPREADS[kind]), (), place)
    spread: dict[str, str | float] = {"kind": kind}
    for key in SPREADS[kind]:
        size = as_float(table[key], f"{place}.{key}")
        spread[key] = size
        if size <= 0:
            raise InputError(f"{place}.{key}: must be positive, got {table[key]!r}")
    return spread


def evidence_weight(table: Mapping[str, Any], verified: str, place: str) -> float:
    """Return what a value weighs by the way it was read; a derived one says so itself."""
    if verified != "derived":
        if "weight" in table:
            raise InputError(f"{place}: 'weight' belongs to derived numbers only; {verified!r} has its own")
        return _WEIGHTS[verified]
    if "weight" not in table:
        raise InputError(f"{place}: a derived number needs 'weight', that of its weakest basis (0, 0.5 or 1)")
    weight = as_float(table["weight"], f"{place}.weight")
    if not 0 <= weight <= 1:
        raise InputError(f"{place}.weight: must lie in [0, 1], got {weight}")
    return weight


def _omega(table: Mapping[str, Any], place: str) -> float | None:
    if "omega" in table and "cv" in table:
        raise InputError(f"{place}: give 'omega' or 'cv', not both: a fact has one home")
    if "cv" in table:
        return math.log1p(as_variance(table["cv"], f"{place}.cv") ** 2)
    return as_variance(table["omega"], f"{place}.omega") if "omega" in table else None


def _number(name: str, table: Any, place: str) -> Number:
    check_keys(table, _NUMBER_NEEDS, _NUMBER_MAY, place)
    value = as_float(table["value"], f"{place}.value")
    low, high = as_pair(table["range"], f"{place}.range")
    if not low <= value <= high:
        raise InputError(f"{place}: value {value} lies outside its range [{low}, {high}]")
    status = as_choice(table["status"], STATUSES, f"{place}.status")
    verified = as_choice(table["verified"], VERIFIED, f"{place}.verified")
    if verified in ("recall", "assumed") and status != "assumed":
        raise InputError(f"{place}: a value verified as {verified!r} has status 'assumed', got {status!r}")
    sources = as_texts(table["sources"], f"{place}.sources")
    note = as_text(table.get("note", ""), f"{place}.note")
    if not sources and (status != "assumed" or not note):
        raise InputError(f"{place}: without sources a number must be 'assumed' and say why in 'note'")
    omega = _omega(table, place)
    role = as_text(table["role"], f"{place}.role") if "role" in table else None
    if (omega is None) != (role is None):
        raise InputError(f"{place}: a variance between patients and a 'role' go together")
    if "omega_spread" in table and omega is None:
        raise InputError(f"{place}: 'omega_spread' belongs to a variance between patients, and there is none")
    return Number(
        name=name,
        value=value,
        unit=as_text(table["unit"], f"{place}.unit"),
        status=status,
        verified=verified,
        sources=sources,
        range=(low, high),
        spread=_spread(table["spread"], f"{place}.spread"),
        omega=omega,
        role=role,
        note=note,
        weight=evidence_weight(table, verified, place),
        cv=as_float(table["cv"], f"{place}.cv") if "cv" in table else None,
        omega_spread=as_variance(table.get("omega_spread", 0.0), f"{place}.omega_spread"),
    )


def parse_numbers(tables: Any, place: str) -> dict[str, Number]:
    """Read a table of tables, one for each number; see `parse_sections`."""
    if not isinstance(tables, dict):
        raise InputError(f"{place}: a table of numbers is due here, got {tables!r}")
    numbers: dict[str, Number] = {}
    for name, table in tables.items():
        where = f"{place}.{name}"
        if not isinstance(table, dict) or "same_as" not in table:
            numbers[name] = _number(name, table, where)
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

    Parameters
    ----------
    text : str
        TOML text.
    place : str
        Name of the file, for the error sentence.

    Returns
    -------
    dict
        Section to name to `Number`.

    Raises
    ------
    InputError
        If a key is unknown or missing, or a value does not belong there.

    Examples
    --------
    >>> parse_sections("[diary.rho]\nvalue = 2", "pain.toml")
    Traceback (most recent call last):
    letheon.errors.InputError: pain.toml [diary].rho: key 'unit' is missing
    """
    document = read_toml(text, place)
    return {section: parse_numbers(tables, f"{place} [{section}]") for section, tables in document.items()}
