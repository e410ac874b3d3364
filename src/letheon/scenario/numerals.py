"""Numerals: numbers as people write them, in ASCII digits with a decimal point, and what other ways mean.

Every number of a scenario is read here, since Python's own conversions also take the digits of other scripts,
underscores and the word nan, and refuse thousands of zeros.
"""

import math
import re

from letheon.errors import InputError
from letheon.units import shown

__all__ = ["MAX_TEXT", "NUMBER", "integer", "number", "refuse_separators", "start_of_range"]

MAX_TEXT = 200
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_COMMA = re.compile(r"[+-]?[0-9]+(?:,[0-9]+)+(?:\.[0-9]+)?")
_GROUPED = re.compile(
    r"([+-]?[1-9][0-9]{0,2}(?:([ _'\u2019\u00a0\u202f])[0-9]{3})(?:\2[0-9]{3})*)(?![0-9])([.,][0-9]+)?"
)
_POINTS = re.compile(r"([+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+)(?:,([0-9]+)|(?<=\.[0-9]{3}\.[0-9]{3}))(?![0-9.,])")
_RANGE = re.compile(r"\s*(?:[-\u2013\u2014]|\.\.\.?|to\b|\u2026)\s*(?=\.?[0-9])")


def number(text: str, example: str = "0.35") -> float:
    """Read a plain ASCII number with a decimal point.

    Parameters
    ----------
    text : str
        The number, without unit.
    example : str
        What to show as an example of what would work.

    Returns
    -------
    float
        A finite number; minus zero becomes zero.

    Raises
    ------
    InputError
        If the text is no number, has a decimal comma, or is too large for a double.

    Examples
    --------
    >>> number("0.35"), number("1e3")
    (0.35, 1000.0)
    """
    text = text.strip()
    refuse_separators(text)
    if len(text) > MAX_TEXT or not NUMBER.fullmatch(text):
        raise InputError(f"{shown(text)} is not a number; write digits with a decimal point, e.g. {example}.")
    value = float(text)
    if not math.isfinite(value):
        raise InputError(f"{shown(text)} is too large a number; write e.g. {example}.")
    return value + 0.0


def integer(text: str) -> int | None:
    """Read a whole number in plain ASCII digits, in bounded time.

    Parameters
    ----------
    text : str
        The number.

    Returns
    -------
    int or None
        None if it is none; a number of more than 20 digits becomes 10**20, which no field allows.

    Examples
    --------
    >>> integer("007"), integer("-3"), integer("٣"), integer("1_0")
    (7, -3, None, None)
    """
    if not re.fullmatch(r"-?[0-9]+", text):
        return None
    # zeros go first, since Python refuses to convert thousands of digits
    digits, sign = text.lstrip("-").lstrip("0") or "0", -1 if text.startswith("-") else 1
    return sign * (int(digits) if len(digits) <= 20 else 10**20)


def refuse_separators(text: str) -> None:
    """Refuse a number with a decimal comma or with separators of thousands, and say what it means."""
    if points := _POINTS.match(text):
        whole = points[1].replace(".", "") + (f".{points[2]}" if points[2] else "")
        given = "points and a comma" if points[2] else "points between its thousands"
        raise InputError(f"{shown(text)} has {given}; write {whole}{text[points.end() :]}.")
    if grouped := _GROUPED.match(text):
        whole = grouped[1].replace(grouped[2], "") + (grouped[3] or "").replace(",", ".")
        raise InputError(f"{shown(text)} has separators in its number; write {whole}{text[grouped.end() :]}.")
    found = _COMMA.match(text)
    if not found:
        return
    given, rest = found.group(), text[found.end() :]
    if re.fullmatch(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]+)?", given):
        remedy = f"{given.replace(',', '')}{rest} without separators" + (
            f", or {given.replace(',', '.')}{rest} if a decimal is meant"
            if given.count(",") == 1 and "." not in given
            else ""
        )
    elif given.count(",") == 1 and "." not in given:
        remedy = f"{given.replace(',', '.')}{rest} with a decimal point"
    else:
        remedy = "digits with one decimal point, e.g. 1000.5"
    raise InputError(f"{shown(text)} has a comma in its number; write {remedy}.")


def start_of_range(text: str) -> str | None:
    """Return the lower end of a range with the range's unit, or None if the text is no range.

    Parameters
    ----------
    text : str
        At most `MAX_TEXT` characters.

    Returns
    -------
    str or None

    Examples
    --------
    >>> start_of_range("0.1-0.3 mg/kg/h"), start_of_range("0.1 mg/kg/h")
    ('0.1 mg/kg/h', None)
    """
    first = NUMBER.match(text)
    between = _RANGE.match(text, first.end()) if first else None
    second = NUMBER.match(text, between.end()) if between else None
    return f"{first.group()} {text[second.end() :].strip()}".strip() if first and second else None
