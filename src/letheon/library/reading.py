"""How the library's files become records: each field of a record declares what it takes, and `read` checks it.

A field ``Annotated[type, check]`` is a key of the file; a check takes the value and its place, and returns what the
record holds. What concerns several fields is checked by the record itself, which raises a `FieldError`. Every refusal
names file, table and key.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from letheon.errors import InputError

Check = Callable[[Any, str], Any]
Record = TypeVar("Record")

VERIFIED = ("fulltext", "abstract", "secondary", "derived", "recall", "assumed")
# What a value weighs as evidence by the way it was read; a derived one states that of its weakest basis.
_WEIGHTS = {"fulltext": 1.0, "abstract": 1.0, "secondary": 0.5, "recall": 0.0, "assumed": 0.0}


class FieldError(InputError):
    """What is wrong with a record as a whole, or with its field `key`; `read` adds the place."""

    def __init__(self, text: str, key: str = "") -> None:
        super().__init__(f"{key}: {text}" if key else text)
        self.text, self.key = text, key


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
        raise InputError(f"{place}: expected a table, got {table!r}")
    for key in table:
        if key not in needs and key not in may:
            raise InputError(f"{place}: unknown key {key!r}; known keys: {', '.join((*needs, *may))}")
    for key in needs:
        if key not in table:
            raise InputError(f"{place}: key {key!r} is missing")


def as_float(value: Any, place: str) -> float:
    """Return a finite number as float."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{place}: expected a finite number, got {value!r}")
    return float(value)


def as_text(value: Any, place: str) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise InputError(f"{place}: expected a text, got {value!r}")
    return value


def as_texts(value: Any, place: str) -> tuple[str, ...]:
    """Return a list of texts as tuple."""
    if not isinstance(value, list):
        raise InputError(f"{place}: expected a list of texts, got {value!r}")
    return tuple(as_text(item, place) for item in value)


def as_pair(value: Any, place: str) -> tuple[float, float]:
    """Return [low, high] as two numbers in order."""
    if not isinstance(value, list) or len(value) != 2:
        raise InputError(f"{place}: expected [low, high], got {value!r}")
    low, high = (as_float(item, place) for item in value)
    if low > high:
        raise InputError(f"{place}: low {low} is above high {high}")
    return low, high


def as_choice(value: Any, choices: Iterable[str], place: str) -> str:
    """Return a text that is one of `choices`."""
    choices = tuple(choices)
    if value not in choices:
        raise InputError(f"{place}: got {value!r}; expected one of {', '.join(choices)}")
    return value


def as_variance(value: Any, place: str) -> float:
    """Return a number that is not negative."""
    number = as_float(value, place)
    if number < 0:
        raise InputError(f"{place}: a variance cannot be negative, got {number}")
    return number


def as_count(value: Any, place: str) -> int:
    """Return a whole number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"{place}: expected a whole number that is not negative, got {value!r}")
    return value


def as_flag(value: Any, place: str) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise InputError(f"{place}: expected true or false, got {value!r}")
    return value


def as_remark(value: Any, place: str) -> str:
    """Return a text that says something."""
    if not as_text(value, place):
        raise InputError(f"{place}: leave the key out where there is nothing to say")
    return value


def one_of(choices: Iterable[str]) -> Check:
    """Return the check for one of `choices`."""
    return lambda value, place: as_choice(value, choices, place)


def several(choices: Iterable[str]) -> Check:
    """Return the check for a list of some of `choices`."""
    return lambda value, place: tuple(as_choice(one, choices, place) for one in as_texts(value, place))


def sizes(check: Check) -> Check:
    """Return the check for a table of numbers by name."""
    return lambda table, place: {key: check(value, f"{place}.{key}") for key, value in table.items()}


def record(kind: type) -> Check:
    """Return the check for a table that is a record."""
    return lambda table, place: read(kind, table, place)


def rows(check: Check) -> Check:
    """Return the check for a list of tables."""
    return lambda tables, place: tuple(check(table, f"{place}[{index}]") for index, table in enumerate(tables))


Text = Annotated[str, as_text]
Texts = Annotated[tuple[str, ...], as_texts]
Remark = Annotated[str, as_remark]
Real = Annotated[float, as_float]
NotNegative = Annotated[float, as_variance]
Pair = Annotated[tuple[float, float], as_pair]
Count = Annotated[int, as_count]
Flag = Annotated[bool, as_flag]
Verified = Annotated[str, one_of(VERIFIED)]
Seen = Annotated[str, one_of([word for word in VERIFIED if word != "assumed"])]


@cache
def _checks(kind: type) -> dict[str, Check]:
    """Return the checks of a record's fields by name; optional fields have theirs inside a union."""
    hints = get_type_hints(kind, include_extras=True)
    parts = {name: (hint, *get_args(hint)) for name, hint in hints.items()}
    marked = {name: [one for one in hint if hasattr(one, "__metadata__")] for name, hint in parts.items()}
    return {name: checks[0].__metadata__[0] for name, checks in marked.items() if checks}


def read(
    kind: type[Record], table: Any, place: str, needs: Iterable[str] = (), whole: bool = False, **known: Any
) -> Record:
    """Read a table into a record, a dataclass whose fields declare their checks.

    `place` is file and table for the error sentence, `needs` keys that this table needs despite a default,
    `whole` says that the table is the whole file, `known` holds fields that the file does not. Raises an
    `InputError` where a key is unknown or missing, or a value does not belong there.
    """
    checks = {key: check for key, check in _checks(kind).items() if key not in known}
    defaults = {one.name: (one.default, one.default_factory) for one in fields(kind)}  # pyright: ignore[reportArgumentType]
    may = {name for name, default in defaults.items() if default != (MISSING, MISSING)} - {*needs}
    check_keys(table, (key for key in checks if key not in may), (key for key in checks if key in may), place)

    def at(key: str, value: Any = None) -> str:
        if not whole:
            return f"{place}.{key}"
        if isinstance(value, dict):
            return f"{place} [{key}]"
        tables = isinstance(value, list) and bool(value) and isinstance(value[0], dict)
        return f"{place} [[{key}]]" if tables else f"{place} {key}"

    values = {key: checks[key](value, at(key, value)) for key, value in table.items()}
    try:
        return kind(**known, **values)
    except FieldError as error:
        raise InputError(f"{at(error.key) if error.key else place}: {error.text}") from None


def weigh(weight: float, verified: str) -> float:
    """Return what a value weighs as evidence by the way it was read; a derived one has its own `weight` (else NaN)."""
    if verified != "derived":
        if not math.isnan(weight) and weight != _WEIGHTS[verified]:
            raise FieldError(f"'weight' belongs to derived numbers only; {verified!r} has its own")
        return _WEIGHTS[verified]
    if math.isnan(weight):
        raise FieldError("a derived number needs 'weight', that of its weakest basis (0, 0.5 or 1)")
    if not 0 <= weight <= 1:
        raise FieldError(f"must lie in [0, 1], got {weight}", "weight")
    return weight
