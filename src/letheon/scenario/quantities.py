"""Quantities of a scenario: a number, an optional ``± spread``, and a unit from a closed list.

The grammar is our own: it reads ``mg/h/70kg`` as mg/h for each 70 kg, takes the three ways of typing micro,
and refuses decimal commas, months and bare numbers with a sentence that says what would work.
"""

import difflib
import math
import re
from collections.abc import Collection
from dataclasses import dataclass

from letheon.errors import InputError
from letheon.units import MS_PER_HOUR, REFERENCE_WEIGHT_KG, micro, plain, shown

MAX_TEXT = 200


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
_TIMES_S = {"s": 1, "min": 60, "h": 3600, "day": 86_400, "week": 604_800, "year": 31_557_600}
_PER_TIME = ("s", "min", "h", "day")
_PER_WEIGHT = ("kg", "70kg")
_ALIASES = {
    "hour": "h",
    "hours": "h",
    "minute": "min",
    "minutes": "min",
    "second": "s",
    "seconds": "s",
    "days": "day",
    "weeks": "week",
    "years": "year",
    "ug": "µg",
    "ml": "mL",
    "l": "L",
}
# spellings that are refused, with what to write
_HINTS = {
    "d": "day",
    "w": "week",
    "wk": "week",
    "hr": "h",
    "hrs": "h",
    "mins": "min",
    "sec": "s",
    "secs": "s",
    "yr": "year",
    "y": "year",
    "mcg": "µg",
    "H": "h",
    "KG": "kg",
    "Kg": "kg",
    "MG": "mg",
    "ML": "mL",
    "mls": "mL",
    "cc": "mL",
}
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_COMMA = re.compile(r"[+-]?[0-9]+(?:,[0-9]+)+(?:\.[0-9]+)?")
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
TIME_EXAMPLE = "4 h, 40 min, 2 days or 12 weeks"
UNITS = (*RATE_UNITS, *DOSE_UNITS, *TIME_UNITS, "kg", "NRS")


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
    _refuse_comma(text)
    if len(text) > MAX_TEXT or not _NUMBER.fullmatch(text):
        raise InputError(f"{shown(text)} is not a number; write digits with a decimal point, e.g. {example}.")
    value = float(text)
    if not math.isfinite(value):
        raise InputError(f"{shown(text)} is too large a number; write e.g. {example}.")
    return value + 0.0


def _refuse_comma(text: str) -> None:
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
    else:
        remedy = f"{given.replace(',', '.', 1)}{rest} with a decimal point"
    raise InputError(f"{shown(text)} has a comma in its number; write {remedy}.")


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
    _refuse_comma(stripped)
    found = _NUMBER.match(stripped)
    if not found:
        raise InputError(f"{shown(stripped)} does not start with a number; write e.g. {example}.")
    value, rest, spread = number(found.group(), example), stripped[found.end() :], None
    plus_minus = _PLUS_MINUS.match(rest)
    if plus_minus:
        rest = rest[plus_minus.end() :]
        _refuse_comma(rest)
        second = _NUMBER.match(rest)
        if not second:
            raise InputError(f"{shown(stripped)} has no number after the ±; write e.g. {example}.")
        spread, rest = number(second.group(), example), rest[second.end() :]
    elif "±" in rest or "+/-" in rest:
        raise InputError(f"{shown(stripped)} has a unit before the ±; write the unit once, at the end, e.g. {example}.")
    return Quantity(value, _known_unit(rest, stripped, example, units), spread)


def _known_unit(raw: str, whole: str, example: str, units: Collection[str]) -> str:
    """Return the normal spelling of a unit that follows a number."""
    unit = re.sub(r"\s*/\s*", "/", micro(raw.strip()))
    unit = re.sub(r"/70\s+kg", "/70kg", unit)
    if unit == "":
        return ""
    if "month" in unit:
        raise InputError(f"{shown(whole)} counts in months, whose length varies; write weeks or days, e.g. 12 weeks.")
    parts = [_ALIASES.get(part, part) for part in unit.split("/")]
    # body weight may stand before or after the time; the normal order is mg/kg/h and mg/h/70kg
    if len(parts) == 3 and (parts[2] == "kg" or parts[1] == "70kg"):
        parts = [parts[0], parts[2], parts[1]]
    spelled = "/".join(parts)
    if spelled in units:
        return spelled
    remedy = _unit_remedy(spelled, example, units)
    raise InputError(f"{shown(whole)} has the unknown unit {shown(raw.strip())}; {remedy}.")


def _unit_remedy(unit: str, example: str, units: Collection[str]) -> str:
    parts = unit.split("/")
    if parts[0].lower() in {"ml", "l"} and "mL" not in units:
        return "a volume says nothing without the bag's strength, so write the drug's mass, e.g. 5 mg/h"
    hinted = "/".join(_HINTS.get(part, part) for part in parts)
    if hinted in units:
        return f"write {hinted}"
    near = difflib.get_close_matches(unit, units, n=1, cutoff=0.8)
    return f"write {near[0]}, if that is meant" if near else f"write e.g. {example}"


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
    if unit in {"day", "week", "year"} and (quantity.value != 1 or quantity.spread is not None):
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
        For example ``40 min``, ``4 h``, ``12 weeks``; a year is 365.25 days.

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
    quantity = _single(text, "a time", "{0} h or {0} min", TIME_EXAMPLE)
    if quantity.unit not in _TIMES_S:
        raise InputError(f"{shown(given)} is no time, for its unit is {quantity.unit}; write e.g. {TIME_EXAMPLE}.")
    milliseconds = quantity.value * (_TIMES_S[quantity.unit] * 1000)
    if abs(milliseconds) > 1e15:
        raise InputError(f"{shown(given)} is longer than any scenario can run (10 years); write e.g. {TIME_EXAMPLE}.")
    return round(milliseconds)


def moment_ms(text: str) -> int:
    """Read a moment on the scenario's clock as whole milliseconds from its origin.

    Parameters
    ----------
    text : str
        A time such as ``24 h``, or ``day 3``, which begins at 48 h.

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
    words = text.split()
    if len(words) == 2 and words[0] in {"day", "days", "Day"}:
        if not re.fullmatch(r"[0-9]{1,5}", words[1]) or int(words[1]) < 1:
            raise InputError(f"{shown(text)} is no day; days are whole numbers from 1 on, so write e.g. day 1 or 12 h.")
        return (int(words[1]) - 1) * 24 * MS_PER_HOUR
    given = text.strip()
    if _NUMBER.fullmatch(given):
        raise InputError(f"{shown(given)} has no unit; write e.g. {given[:20]} h, or day 1.")
    return duration_ms(text)


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
