"""Quantities of a scenario: a number, an optional ``± spread``, and a unit from a closed list.

The grammar is our own: it reads ``mg/h/70kg`` as mg/h for each 70 kg, and refuses decimal commas, ranges and bare
numbers with a sentence that says what would work. How units may be spelled is in `letheon.scenario.spellings`.
"""

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

from letheon.errors import InputError
from letheon.scenario import spellings
from letheon.scenario.numerals import MAX_TEXT, NUMBER, integer, number, refuse_separators, start_of_range
from letheon.units import MS_PER_HOUR, REFERENCE_WEIGHT_KG, plain, shown


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as a scenario writes it: value, unit and, after ``±``, a spread.

    Parameters
    ----------
    value : float
        The number, in `unit`.
    unit : str
        Normal spelling of the unit; empty for a bare number.
    spread : float or None
        Standard deviation in the same unit, if one was given.

    Examples
    --------
    >>> parse("79 +/- 19 kg")
    Quantity(value=79.0, unit='kg', spread=19.0)
    """

    value: float
    unit: str = ""
    spread: float | None = None


_MASSES = {"ng": 1e-6, "µg": 1e-3, "mg": 1.0, "g": 1e3}
# a month counts 30 days and a year 365, so that an interval keeps the time of day
_TIMES_S = {"s": 1, "min": 60, "h": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000, "year": 31_536_000}
_PER_TIME = ("s", "min", "h", "day")
_PER_WEIGHT = ("kg", "70kg")
_SEVERAL = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?(?![eE][0-9])\s*[A-Za-z]+\s*){2,4}")
_PLUS_MINUS = re.compile(r"\s*(?:±|\+/-)\s*")


def _rate_units() -> dict[str, tuple[str, str, str]]:
    table = {}
    for mass in _MASSES:
        for time in _PER_TIME:
            table[f"{mass}/{time}"] = (mass, time, "")
            table[f"{mass}/kg/{time}"] = (mass, time, "kg")
            table[f"{mass}/{time}/70kg"] = (mass, time, "70kg")
    return table


def _dose_units() -> dict[str, tuple[str, str]]:
    return {f"{mass}/{weight}" if weight else mass: (mass, weight) for mass in _MASSES for weight in ("", *_PER_WEIGHT)}


RATE_UNITS = _rate_units()
DOSE_UNITS = _dose_units()
TIME_UNITS = tuple(_TIMES_S)
RATE_EXAMPLE = "5 mg/h, 0.1 mg/kg/h, 5 µg/kg/min or 10 mg/h/70kg"
DOSE_EXAMPLE = "100 mg or 0.5 mg/kg"
TIME_EXAMPLE = "4 h, 1 h 30 min, 2 days or 12 weeks"
UNITS = (*RATE_UNITS, *DOSE_UNITS, *TIME_UNITS, "kg", "NRS")


def parse(text: str, example: str = "5 mg/h", units: Collection[str] = UNITS) -> Quantity:
    """Read a quantity of a scenario: a number, an optional ``± spread``, an optional unit.

    Parameters
    ----------
    text : str
        For example ``5 mg/h/70kg``, ``0.35 mg/kg/h``, ``79 ± 19 kg``, ``7.3 +/- 2``, ``40 min``.
    example : str
        What to show as an example of what would work.
    units : collection of str
        Normal spellings of the units that may stand here; those of a scenario by default.

    Returns
    -------
    Quantity
        The parts, with the unit in its normal spelling (``ug/min/kg`` becomes ``µg/kg/min``).

    Raises
    ------
    InputError
        With a sentence that says what was given and what would work.

    Examples
    --------
    >>> parse("0.35 mg/h/kg")
    Quantity(value=0.35, unit='mg/kg/h', spread=None)
    """
    stripped = text.strip()
    if not stripped:
        raise InputError(f"nothing is written here; write e.g. {example}.")
    if len(stripped) > MAX_TEXT:
        raise InputError(f"{shown(stripped)} is {len(stripped)} characters long; write e.g. {example}.")
    refuse_separators(stripped)
    found = NUMBER.match(stripped)
    if not found:
        raise InputError(f"{shown(stripped)} does not start with a number; write e.g. {example}.")
    value, rest, spread = number(found.group(), example), stripped[found.end() :], None
    plus_minus = _PLUS_MINUS.match(rest)
    if plus_minus:
        rest = rest[plus_minus.end() :]
        refuse_separators(rest)
        second = NUMBER.match(rest)
        if not second:
            raise InputError(f"{shown(stripped)} has no number after the ±; write e.g. {example}.")
        spread, rest = number(second.group(), example), rest[second.end() :]
    elif "±" in rest or "+/-" in rest:
        raise InputError(f"{shown(stripped)} has a unit before the ±; write the unit once, at the end, e.g. {example}.")
    elif start := start_of_range(stripped):
        raise InputError(f"{shown(stripped)} is a range; write one value, e.g. {start}.")
    return Quantity(value, _known_unit(rest, stripped, example, units), spread)


def _known_unit(raw: str, whole: str, example: str, units: Collection[str]) -> str:
    """Return the normal spelling of a unit that follows a number."""
    unit = raw.strip()
    if unit == "":
        return ""
    if (normal := spellings.accepted(unit, units)) is not None:
        return normal
    raise InputError(f"{shown(whole)} has the unknown unit {shown(unit)}; {spellings.remedy(unit, units, example)}.")


def format_quantity(quantity: Quantity) -> str:
    """Write a quantity so that `parse` gives the same quantity back.

    Parameters
    ----------
    quantity : Quantity
        Value, unit and spread.

    Returns
    -------
    str
        The text.

    Examples
    --------
    >>> format_quantity(Quantity(79.0, "kg", 19.0)), format_quantity(Quantity(3.0, "day"))
    ('79 ± 19 kg', '3 days')
    """
    text = plain(quantity.value)
    if quantity.spread is not None:
        text += f" ± {plain(quantity.spread)}"
    unit = quantity.unit
    if unit in {"day", "week", "month", "year"} and (quantity.value != 1 or quantity.spread is not None):
        unit += "s"
    return f"{text} {unit}".strip()


def _single(text: str, kind: str, if_bare: str, example: str) -> Quantity:
    """Parse a quantity that must have a unit and may not have a spread."""
    given = text.strip()
    if "±" in given or "+/-" in given:
        raise InputError(f"{shown(given)} has a spread, which {kind} cannot have; write e.g. {example}.")
    quantity = parse(given, example)
    if quantity.unit == "":
        bare = if_bare.format(given) if len(given) < 20 else example
        raise InputError(f"{shown(given)} has no unit; write e.g. {bare}.")
    return quantity


def duration_ms(text: str) -> int:
    """Read a length of time as whole milliseconds.

    Parameters
    ----------
    text : str
        For example ``40 min``, ``1 h 30 min``, ``12 weeks``; a month is 30 days, a year 365.

    Returns
    -------
    int
        Milliseconds, rounded; may be zero or negative, which the caller judges.

    Raises
    ------
    InputError
        If the text is no time.

    Examples
    --------
    >>> duration_ms("40 min"), duration_ms("1 day") // MS_PER_HOUR
    (2400000, 24)
    """
    given = text.strip()
    if len(given) <= MAX_TEXT and _SEVERAL.fullmatch(given):
        parts = [_several(part, given) for part in re.findall(r"[0-9.]+\s*[A-Za-z]+", given)]
        if all(larger > smaller for (_, larger), (_, smaller) in pairwise(parts)):
            return sum(milliseconds for milliseconds, _ in parts)
        raise InputError(f"{shown(given)} has its units in no falling order; write e.g. {TIME_EXAMPLE}.")
    quantity = _single(text, "a time", "{0} h or {0} min", TIME_EXAMPLE)
    if quantity.unit not in _TIMES_S:
        raise InputError(f"{shown(given)} is no time, for its unit is {quantity.unit}; write e.g. {TIME_EXAMPLE}.")
    milliseconds = quantity.value * (_TIMES_S[quantity.unit] * 1000)
    if abs(milliseconds) > 1e15:
        raise InputError(f"{shown(given)} is longer than any scenario can run (10 years); write e.g. {TIME_EXAMPLE}.")
    return round(milliseconds)


def _several(part: str, whole: str) -> tuple[int, int]:
    """Read one part of a time such as 1 h 30 min; returns milliseconds and the size of its unit [s]."""
    unit = parse(part, TIME_EXAMPLE).unit
    if unit not in _TIMES_S:
        raise InputError(f"{shown(whole)} is no time, for a unit in it is {unit}; write e.g. {TIME_EXAMPLE}.")
    return duration_ms(part), _TIMES_S[unit]


def moment_ms(text: str) -> int:
    """Read a moment on the scenario's clock as whole milliseconds from its origin.

    Parameters
    ----------
    text : str
        A time such as ``24 h``, or ``day 3``, which begins at 48 h, or ``day 3 + 14 h``.

    Returns
    -------
    int
        Milliseconds from the origin.

    Raises
    ------
    InputError
        If the text is neither.

    Examples
    --------
    >>> moment_ms("day 3") // MS_PER_HOUR, moment_ms("24 h") // MS_PER_HOUR
    (48, 24)
    """
    given = text.strip()
    found = re.fullmatch(r"(?:day|days|Day)\s+([^\s+]+)(\s*\+\s*)?(.*)", given)
    if len(given) <= MAX_TEXT and found:
        day = integer(found[1].rstrip(",")) or 0
        if not 1 <= day <= 99_999:
            raise InputError(f"{shown(text)} is no day; days are whole numbers from 1 on, so write e.g. day 1 or 12 h.")
        start = (day - 1) * 24 * MS_PER_HOUR
        if found[2] is None and found[3]:
            raise InputError(f"{shown(given)} is no moment; {_clock_remedy(day, found[3])}.")
        if found[2] is None:
            return start
        later = duration_ms(found[3])
        if later < 0:
            raise InputError(f"{shown(given)} goes back from its day; write e.g. day {day} + 14 h.")
        return start + later
    if NUMBER.fullmatch(given):
        raise InputError(f"{shown(given)} has no unit; write e.g. {given[:20]} h, or day 1.")
    return duration_ms(text)


def _clock_remedy(day: int, rest: str) -> str:
    """Say how a day with a time of the clock is written: hours after its start, or after the origin."""
    clock = re.fullmatch(r"(?:at )?([01]?[0-9]|2[0-4])(?::([0-5][0-9])| ?h(?:rs?|ours?)?)", rest.strip())
    if not clock:
        return f"write e.g. day {day} + 14 h"
    minutes = f" {int(clock[2])} min" if clock[2] and int(clock[2]) else ""
    hours = int(clock[1])
    return f"write day {day} + {hours} h{minutes}, or {(day - 1) * 24 + hours} h{minutes}"


def rate_mg_h(text: str) -> tuple[float, float]:
    """Read an infusion rate.

    Parameters
    ----------
    text : str
        For example ``5 mg/h``, ``0.35 mg/kg/h``, ``10 mg/h/70kg``, ``5 µg/kg/min``.

    Returns
    -------
    tuple of float
        The fixed part [mg/h] and the part for each kg of body weight [mg/h/kg]; one of them is 0.

    Raises
    ------
    InputError
        If the text is no rate.

    Examples
    --------
    >>> rate_mg_h("7 mg/h/70kg"), rate_mg_h("30 mg/h")
    ((0.0, 0.1), (30.0, 0.0))
    """
    given = text.strip()
    if len(given) <= MAX_TEXT and (start := start_of_range(given)):
        raise InputError(
            f"{shown(given)} is a range; write one rate, e.g. {start}, and titration where it follows the patient."
        )
    quantity = _single(text, "a rate", "{0} mg/h or 0.1 mg/kg/h", RATE_EXAMPLE)
    if quantity.unit in DOSE_UNITS:
        raise InputError(f"{shown(given)} is a dose, not a rate; write {given}/h, or dose: {given} in place of rate.")
    if quantity.unit not in RATE_UNITS:
        raise InputError(f"{shown(given)} is no rate, for its unit is {quantity.unit}; write e.g. {RATE_EXAMPLE}.")
    mass, time, weight = RATE_UNITS[quantity.unit]
    value = quantity.value if time == "h" else quantity.value * 3600 / _TIMES_S[time]
    value = _finite(_mass_mg(value, mass), given)
    return _by_weight(value, weight)


def dose_mg(text: str) -> tuple[float, float]:
    """Read a dose.

    Parameters
    ----------
    text : str
        For example ``100 mg``, ``0.5 mg/kg``.

    Returns
    -------
    tuple of float
        The fixed part [mg] and the part for each kg of body weight [mg/kg]; one of them is 0.

    Raises
    ------
    InputError
        If the text is no dose.

    Examples
    --------
    >>> dose_mg("0.5 mg/kg"), dose_mg("0.1 g")
    ((0.0, 0.5), (100.0, 0.0))
    """
    given = text.strip()
    quantity = _single(text, "a dose", "{0} mg or 0.5 mg/kg", DOSE_EXAMPLE)
    if quantity.unit in RATE_UNITS:
        raise InputError(f"{shown(given)} is a rate, not a dose; write rate: {given} in place of dose.")
    if quantity.unit not in DOSE_UNITS:
        raise InputError(f"{shown(given)} is no dose, for its unit is {quantity.unit}; write e.g. {DOSE_EXAMPLE}.")
    mass, weight = DOSE_UNITS[quantity.unit]
    return _by_weight(_finite(_mass_mg(quantity.value, mass), given), weight)


def _mass_mg(value: float, mass: str) -> float:
    # dividing by 1000 keeps 5000 µg at exactly 5 mg, where multiplying by 0.001 would not
    return {"ng": value / 1e6, "µg": value / 1e3, "mg": value, "g": value * 1e3}[mass]


def _finite(value: float, given: str) -> float:
    if not math.isfinite(value):
        raise InputError(f"{shown(given)} is too large a number; write one that a drip can run at, e.g. 20 mg/h.")
    return value


def _by_weight(value: float, weight: str) -> tuple[float, float]:
    if weight == "":
        return value, 0.0
    return 0.0, value / REFERENCE_WEIGHT_KG if weight == "70kg" else value
