"""Checks shared by the readers of the library's files: every refusal names file, table and key."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable
from typing import Any

from letheon.errors import InputError


def read_toml(text: str, place: str) -> dict[str, Any]:
    """Return the tables of a TOML text."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{place}: not readable as TOML: {error}") from error


def check_keys(table: Any, needs: Iterable[str], may: Iterable[str], place: str) -> None:
    """Refuse unknown and missing keys of a table."""
    needs, may = tuple(needs), tuple(may)
    if not isinstance(table, dict):
        raise InputError(f"{place}: a table is due here, got {table!r}")
    for key in table:
        if key not in needs and key not in may:
            raise InputError(f"{place}: unknown key {key!r}; known keys: {', '.join((*needs, *may))}")
    for key in needs:
        if key not in table:
            raise InputError(f"{place}: key {key!r} is missing")


def as_float(value: Any, place: str) -> float:
    """Return a finite number as float."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{place}: a finite number is due here, got {value!r}")
    return float(value)


def as_text(value: Any, place: str) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise InputError(f"{place}: a text is due here, got {value!r}")
    return value


def as_texts(value: Any, place: str) -> tuple[str, ...]:
    """Return a list of texts as tuple."""
    if not isinstance(value, list):
        raise InputError(f"{place}: a list of texts is due here, got {value!r}")
    return tuple(as_text(item, place) for item in value)


def as_pair(value: Any, place: str) -> tuple[float, float]:
    """Return [low, high] as two numbers in order."""
    if not isinstance(value, list) or len(value) != 2:
        raise InputError(f"{place}: [low, high] is due here, got {value!r}")
    low, high = (as_float(item, place) for item in value)
    if low > high:
        raise InputError(f"{place}: low {low} is above high {high}")
    return low, high


def as_choice(value: Any, choices: Iterable[str], place: str) -> str:
    """Return a text that is one of `choices`."""
    choices = tuple(choices)
    if value not in choices:
        raise InputError(f"{place}: got {value!r}; one of {', '.join(choices)} is due")
    return value


def as_variance(value: Any, place: str) -> float:
    """Return a number that is not negative."""
    number = as_float(value, place)
    if number < 0:
        raise InputError(f"{place}: a variance cannot be negative, got {number}")
    return number
