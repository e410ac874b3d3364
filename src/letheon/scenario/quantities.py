"""Quantities of a scenario: a number, an optional ``± spread``, and a unit from a closed list.

The grammar is our own: it reads ``mg/h/70kg`` as mg/h for each 70 kg, and refuses decimal commas, ranges and bare
numbers with a sentence that says what would work. Numbers are ASCII digits with a decimal point; Python's own
conversions also take digits of other scripts, underscores and ``nan``, and refuse thousands of zeros. How units may be
spelled is in `letheon.scenario.spellings`.
"""

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from letheon.errors import InputError
from letheon.scenario import spellings
from letheon.units import MS_PER_HOUR, REFERENCE_WEIGHT_KG, plain, shown

MAX_TEXT = 200
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_COMMA = re.compile(r"[+-]?[0-9]+(?:,[0-9]+)+(?:\.[0-9]+)?")
_GROUPED = re.compile(
    r"([+-]?[1-9][0-9]{0,2}(?:([ _'\u2019\u00a0\u202f])[0-9]{3})(?:\2[0-9]{3})*)(?![0-9])([.,][0-9]+)?"
)
_POINTS = re.compile(r"([+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+)(?:,([0-9]+)|(?<=\.[0-9]{3}\.[0-9]{3}))(?![0-9.,])")
_RANGE = re.compile(r"\s*(?:[-\u2013\u2014]|\.\.\.?|to\b|\u2026)\s*(?=\.?[0-9])")
_MASSES = ("ng", "µg", "mg", "g")
# a month counts 30 days and a year 365, so that an interval keeps the time of day
_TIMES_S = {"s": 1, "min": 60, "h": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000, "year": 31_536_000}
_SEVERAL = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?(?![eE][0-9])\s*[A-Za-z]+\s*){2,4}")
_PLUS_MINUS = re.compile(r"\s*(?:±|\+/-)\s*")


# normal spelling -> mass, time, body weight
RATE_UNITS = {
    unit: (mass, time, weight)
    for mass in _MASSES
    for time in ("s", "min", "h", "day")
    for unit, weight in ((f"{mass}/{time}", ""), (f"{mass}/kg/{time}", "kg"), (f"{mass}/{time}/70kg", "70kg"))
}
DOSE_UNITS = {mass + (weight and f"/{weight}"): (mass, weight) for mass in _MASSES for weight in ("", "kg", "70kg")}
TIME_UNITS = tuple(_TIMES_S)
RATE_EXAMPLE = "5 mg/h, 0.1 mg/kg/h, 5 µg/kg/min or 10 mg/h/70kg"
DOSE_EXAMPLE = "100 mg or 0.5 mg/kg"
TIME_EXAMPLE = "4 h, 1 h 30 min, 2 days or 12 weeks"
UNITS = (*RATE_UNITS, *DOSE_UNITS, *TIME_UNITS, "kg", "NRS")
VOLUME_UNITS = {"mL": 1.0, "L": 1e3}
STRENGTH_UNITS = {"mg/mL": 1.0, "µg/mL": 1e-3, "g/L": 1.0}
LEVEL_UNITS = {"ng/mL": 1.0, "µg/L": 1.0}
FLOW_UNITS = {"L/day": 1.0 / 24.0, "L/h": 1.0, "mL/day": 1e-3 / 24.0, "mL/h": 1e-3, "mL/min": 0.06}
_VOLUME_RATES = ("mL", *(f"mL/{time}" for time in ("s", "min", "h", "day")))
# a pump's rate is known, so that the refusal of one names it
_KNOWN = (*UNITS, *VOLUME_UNITS, *STRENGTH_UNITS, "mL/h")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as a scenario writes it: value, unit in its normal spelling ("" for none), and a spread after ``±``."""

    value: float
    unit: str = ""
    spread: float | None = None


def number(text: str, example: str = "0.35") -> float:
    """Read a plain ASCII number with a decimal point; minus zero becomes zero."""
    text = text.strip()
    refuse_separators(text)
    if len(text) > MAX_TEXT or not NUMBER.fullmatch(text):
        raise InputError(f"{shown(text)} is not a number; write digits with a decimal point, e.g. {example}.")
    value = float(text)
    if not math.isfinite(value):
        raise InputError(f"{shown(text)} is too large a number; write e.g. {example}.")
    return value + 0.0


def integer(text: str) -> int | None:
    """Read a whole number, or None; one of more than 20 digits becomes 10**20, which no field allows."""
    if not re.fullmatch(r"-?[0-9]+", text):
        return None
    # zeros go first, since Python refuses to convert thousands of digits
    digits, sign = text.lstrip("-").lstrip("0") or "0", -1 if text.startswith("-") else 1
    return sign * (int(digits) if len(digits) <= 20 else 10**20)


def separators(text: str) -> tuple[str, str] | None:
    """Return what a number has that starts a text, of decimal commas and separators of thousands, and what to write.

    >>> separators("1,5 mg/h"), separators("1.5 mg/h")
    (('a comma in its number', '1.5 mg/h with a decimal point'), None)
    """
    if points := _POINTS.match(text):
        whole = points[1].replace(".", "") + (f".{points[2]}" if points[2] else "")
        what = "points and a comma" if points[2] else "points between its thousands"
        return what, f"{whole}{text[points.end() :]}"
    if grouped := _GROUPED.match(text):
        whole = grouped[1].replace(grouped[2], "") + (grouped[3] or "").replace(",", ".")
        return "separators in its number", f"{whole}{text[grouped.end() :]}"
    comma = _COMMA.match(text)
    if not comma:
        return None
    digits, rest = comma.group(), text[comma.end() :]
    if re.fullmatch(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]+)?", digits):
        remedy = f"{digits.replace(',', '')}{rest} without separators" + (
            f", or {digits.replace(',', '.')}{rest} if a decimal is meant"
            if digits.count(",") == 1 and "." not in digits
            else ""
        )
    elif digits.count(",") == 1 and "." not in digits:
        remedy = f"{digits.replace(',', '.')}{rest} with a decimal point"
    else:
        remedy = "digits with one decimal point, e.g. 1000.5"
    return "a comma in its number", remedy


def refuse_separators(text: str) -> None:
    """Refuse a number with a decimal comma or with separators of thousands, and say what it means."""
    if fault := separators(text):
        raise InputError(f"{shown(text)} has {fault[0]}; write {fault[1]}.")


def start_of_range(text: str) -> str | None:
    """Return the lower end of a range with the range's unit, or None if the text is no range."""
    first = NUMBER.match(text)
    between = _RANGE.match(text, first.end()) if first else None
    second = NUMBER.match(text, between.end()) if between else None
    return f"{first.group()} {text[second.end() :].strip()}".strip() if first and second else None


def parse(text: str, example: str = "5 mg/h", units: Collection[str] = UNITS) -> Quantity:
    """Read a number, an optional ``± spread`` and an optional unit, which gets its normal spelling."""
    entry = text.strip()
    if not entry:
        raise InputError(f"nothing is written here; write e.g. {example}.")
    if len(entry) > MAX_TEXT:
        raise InputError(f"{shown(entry)} is {len(entry)} characters long; write e.g. {example}.")
    refuse_separators(entry)
    match = NUMBER.match(entry)
    if not match:
        raise InputError(f"{shown(entry)} does not start with a number; write e.g. {example}.")
    value, rest, spread = number(match.group(), example), entry[match.end() :], None
    plus_minus = _PLUS_MINUS.match(rest)
    if plus_minus:
        rest = rest[plus_minus.end() :]
        refuse_separators(rest)
        second = NUMBER.match(rest)
        if not second:
            raise InputError(f"{shown(entry)} has no number after the ±; write e.g. {example}.")
        spread, rest = number(second.group(), example), rest[second.end() :]
    elif "±" in rest or "+/-" in rest:
        raise InputError(f"{shown(entry)} has a unit before the ±; write the unit once, at the end, e.g. {example}.")
    elif start := start_of_range(entry):
        raise InputError(f"{shown(entry)} is a range; write one value, e.g. {start}.")
    return Quantity(value, _known_unit(rest, entry, example, units), spread)


def _known_unit(raw: str, whole: str, example: str, units: Collection[str]) -> str:
    """Return the normal spelling of a unit that follows a number."""
    unit = raw.strip()
    if unit == "":
        return ""
    if (normal := spellings.accepted(unit, units)) is not None:
        return normal
    raise InputError(f"{shown(whole)} has the unknown unit {shown(unit)}; {spellings.remedy(unit, units, example)}.")


def format_quantity(quantity: Quantity) -> str:
    """Write a quantity so that `parse` gives the same quantity back."""
    text = plain(quantity.value)
    if quantity.spread is not None:
        text += f" ± {plain(quantity.spread)}"
    unit = quantity.unit
    if unit in {"day", "week", "month", "year"} and (quantity.value != 1 or quantity.spread is not None):
        unit += "s"
    return f"{text} {unit}".strip()


def _single(text: str, kind: str, if_bare: str, example: str) -> Quantity:
    """Parse a quantity that must have a unit and may not have a spread."""
    entry = text.strip()
    if "±" in entry or "+/-" in entry:
        raise InputError(f"{shown(entry)} has a spread, which {kind} cannot have; write e.g. {example}.")
    quantity = parse(entry, example)
    if quantity.unit == "":
        bare = if_bare.format(entry) if len(entry) < 20 else example
        raise InputError(f"{shown(entry)} has no unit; write e.g. {bare}.")
    return quantity


def duration_ms(text: str, bare: tuple[str, str] = ("h", "min")) -> int:
    """Read a time such as ``40 min`` or ``1 h 30 min`` [ms]; `bare` units are suggested for a bare number."""
    entry = text.strip()
    if len(entry) <= MAX_TEXT and _SEVERAL.fullmatch(entry):
        parts = [_several(part, entry) for part in re.findall(r"[0-9.]+\s*[A-Za-z]+", entry)]
        if all(larger > smaller for (_, larger), (_, smaller) in pairwise(parts)):
            return sum(milliseconds for milliseconds, _ in parts)
        raise InputError(
            f"{shown(entry)} has its units in the wrong order (the largest comes first); write e.g. {TIME_EXAMPLE}."
        )
    quantity = _single(text, "a time", f"{{0}} {bare[0]} or {{0}} {bare[1]}", TIME_EXAMPLE)
    if quantity.unit not in _TIMES_S:
        raise InputError(
            f"{shown(entry)} is not a time, because its unit is {quantity.unit}; write e.g. {TIME_EXAMPLE}."
        )
    milliseconds = quantity.value * (_TIMES_S[quantity.unit] * 1000)
    if abs(milliseconds) > 1e15:
        raise InputError(f"{shown(entry)} is longer than any scenario can run (10 years); write e.g. {TIME_EXAMPLE}.")
    return round(milliseconds)


def _several(part: str, whole: str) -> tuple[int, int]:
    """Read one part of a time such as 1 h 30 min; returns milliseconds and the size of its unit [s]."""
    unit = parse(part, TIME_EXAMPLE).unit
    if unit not in _TIMES_S:
        raise InputError(f"{shown(whole)} is not a time, because a unit in it is {unit}; write e.g. {TIME_EXAMPLE}.")
    return duration_ms(part), _TIMES_S[unit]


def time_text(milliseconds: int) -> str:
    """Write whole milliseconds in the largest of h, min, s that needs few decimals; `duration_ms` reads it back."""
    for unit, size in (("h", MS_PER_HOUR), ("min", 60_000)):
        if milliseconds * 1000 % size == 0:
            return f"{plain(milliseconds / size)} {unit}"
    return f"{plain(milliseconds / 1000)} s"


def moment_ms(text: str) -> int:
    """Read a moment such as ``24 h``, ``day 3`` or ``day 3 + 14 h`` [ms from the scenario's origin]."""
    entry = text.strip()
    match = re.fullmatch(r"(?:day|days|Day)\s+([^\s+]+)(\s*\+\s*)?(.*)", entry)
    if len(entry) <= MAX_TEXT and match:
        day = integer(match[1].rstrip(",")) or 0
        if not 1 <= day <= 99_999:
            raise InputError(f"{shown(text)} is not a day; days are whole numbers from 1, so write e.g. day 1 or 12 h.")
        start = (day - 1) * 24 * MS_PER_HOUR
        if match[2] is None and match[3]:
            raise InputError(f"{shown(entry)} is not a point in time; {clock_remedy(day, match[3])}.")
        if match[2] is None:
            return start
        later = duration_ms(match[3])
        if later < 0:
            raise InputError(f"{shown(entry)} is before its day; write e.g. day {day} + 14 h.")
        return start + later
    if NUMBER.fullmatch(entry):
        raise InputError(f"{shown(entry)} has no unit; write e.g. {entry[:20]} h, or day 1.")
    return duration_ms(text)


def clock_remedy(day: int, rest: str) -> str:
    """Say how a day with a time of the clock is written: hours after its start, or after the origin."""
    clock = re.fullmatch(r"(?:at )?([01]?[0-9]|2[0-4])(?::([0-5][0-9])| ?h(?:rs?|ours?)?)", rest.strip())
    if not clock:
        return f"write e.g. day {day} + 14 h"
    minutes = f" {int(clock[2])} min" if clock[2] and int(clock[2]) else ""
    hours = int(clock[1])
    return f"write day {day} + {hours} h{minutes}, or {(day - 1) * 24 + hours} h{minutes}"


def rate_mg_h(text: str) -> tuple[float, float]:
    """Read an infusion rate: the fixed part [mg/h] and the part by body weight [mg/h/kg], one of them 0."""
    entry = text.strip()
    if len(entry) <= MAX_TEXT and (start := start_of_range(entry)):
        raise InputError(
            f"{shown(entry)} is a range; write one rate, e.g. {start}, and titration where it follows the patient."
        )
    quantity = _single(text, "a rate", "{0} mg/h or 0.1 mg/kg/h", RATE_EXAMPLE)
    if quantity.unit in DOSE_UNITS:
        raise InputError(f"{shown(entry)} is a dose, not a rate; write {entry}/h, or dose: {entry} in place of rate.")
    if quantity.unit not in RATE_UNITS:
        raise InputError(
            f"{shown(entry)} is not a rate, because its unit is {quantity.unit}; write e.g. {RATE_EXAMPLE}."
        )
    mass, time, weight = RATE_UNITS[quantity.unit]
    value = quantity.value if time == "h" else quantity.value * 3600 / _TIMES_S[time]
    value = _finite(_mass_mg(value, mass), entry)
    return _by_weight(value, weight)


def dose_mg(text: str) -> tuple[float, float]:
    """Read a dose: the fixed part [mg] and the part by body weight [mg/kg], one of them 0."""
    entry = text.strip()
    quantity = _single(text, "a dose", "{0} mg or 0.5 mg/kg", DOSE_EXAMPLE)
    if quantity.unit in RATE_UNITS:
        raise InputError(f"{shown(entry)} is a rate, not a dose; write rate: {entry} in place of dose.")
    if quantity.unit not in DOSE_UNITS:
        raise InputError(
            f"{shown(entry)} is not a dose, because its unit is {quantity.unit}; write e.g. {DOSE_EXAMPLE}."
        )
    mass, weight = DOSE_UNITS[quantity.unit]
    return _by_weight(_finite(_mass_mg(quantity.value, mass), entry), weight)


def _mass_mg(value: float, mass: str) -> float:
    # dividing by 1000 keeps 5000 µg at exactly 5 mg, where multiplying by 0.001 would not
    return {"ng": value / 1e6, "µg": value / 1e3, "mg": value, "g": value * 1e3}[mass]


def _finite(value: float, entry: str) -> float:
    if not math.isfinite(value):
        raise InputError(f"{shown(entry)} is too large a number; write one that a pump can run at, e.g. 20 mg/h.")
    return value


def _by_weight(value: float, weight: str) -> tuple[float, float]:
    if weight == "":
        return value, 0.0
    return 0.0, value / REFERENCE_WEIGHT_KG if weight == "70kg" else value


def _amount(text: str, kind: str, units: dict[str, float], example: str, known: tuple[str, ...] = _KNOWN) -> float:
    """Read an amount without spread; in the unit whose factor is 1."""
    entry, unit = text.strip(), example.split()[1]
    quantity = parse(entry, example, known)
    if quantity.spread is not None:
        raise InputError(f"{shown(entry)} has a spread, which one {kind} cannot have; write e.g. {example}.")
    if quantity.unit == "":
        bare = f"{entry} {unit}" if len(entry) < 20 else example
        raise InputError(f"{shown(entry)} has no unit; write e.g. {bare}.")
    if quantity.unit not in units:
        raise InputError(f"{shown(entry)} is not a {kind}, because its unit is {quantity.unit}; write e.g. {example}.")
    value = quantity.value * units[quantity.unit]
    if not math.isfinite(value):
        raise InputError(f"{shown(entry)} is too large a number; write e.g. {example}.")
    return value


def bag_strength(text: str) -> tuple[float, float, float | None]:
    """Read the strength of a bag, by itself or as a dose in a volume: [mg/mL], [mg/kg/mL], and the volume [mL].

    >>> bag_strength("5 mg/mL"), bag_strength("3 mg/kg in 50 mL")
    ((5.0, 0.0, None), (0.0, 0.06, 50.0))
    """
    dose, within, volume = text.partition(" in ")
    if not within:
        return strength_mg_per_ml(text), 0.0, None
    ml, (absolute, per_kg) = volume_ml(volume), dose_mg(dose)
    if ml <= 0:
        raise InputError(f"{shown(volume.strip())} holds nothing; write e.g. 100 mg in 50 mL.")
    return absolute / ml, per_kg / ml, ml


class VialLabel(NamedTuple):
    """What the label of a vial says: strength, and content where it says so."""

    mg_per_ml: float
    ml: float | None = None


def vial_label(text: str) -> VialLabel:
    """Read a label: a strength, or all the drug in the content.

    >>> vial_label("50 mg/mL"), vial_label("200 mg/20 mL")
    (VialLabel(mg_per_ml=50.0, ml=None), VialLabel(mg_per_ml=10.0, ml=20.0))
    """
    whole = re.fullmatch(r"(.*?)\s*(?:/|\bin\b)\s*([0-9.].*)", text.strip()[:MAX_TEXT])
    if not whole:
        return VialLabel(strength_mg_per_ml(text))
    mg, ml = mass_mg(whole[1]), volume_ml(whole[2])
    if ml <= 0:
        raise InputError(f"{shown(text)} holds nothing; write e.g. 200 mg/20 mL.")
    return VialLabel(mg / ml, ml)


MAX_WEIGHTS = 40


def weights_kg(text: str) -> tuple[float, ...]:
    """Read body weights: a list, or a range with its step.

    >>> weights_kg("50, 62.5, 80 kg"), weights_kg("50 to 80 kg by 10 kg")
    ((50.0, 62.5, 80.0), (50.0, 60.0, 70.0, 80.0))
    """
    entry, example = text.strip(), "50, 60, 70 kg, or 50 to 100 kg by 10 kg"
    if len(entry) > MAX_TEXT:
        raise InputError(f"{shown(entry)} is {len(entry)} characters long; write e.g. {example}.")
    between = re.fullmatch(r"(.+?)\s*(?:\bto\b|-|\u2013)\s*(.+?)\s*(?:\bby\b|\bstep\b|/)\s*(.+)", entry)
    if not between and start_of_range(entry):
        raise InputError(f"{shown(entry)} is a range without a step; write e.g. {example}.")
    parts = list(between.groups()) if between else [part for part in re.split(r"[,;]\s*|\s+and\s+", entry) if part]
    if not parts or not re.search(r"[A-Za-z]", entry):
        raise InputError(f"{shown(entry)} has no unit; write e.g. {example}.")
    values = [weight_kg(part if re.search(r"[A-Za-z]", part) else f"{part} kg") for part in parts]
    if between:
        low, high, step = values
        if not (step > 0 and high > low and (high - low) / step <= MAX_WEIGHTS):
            raise InputError(
                f"{shown(entry)} is not a rising range of at most {MAX_WEIGHTS} body weights; write e.g. {example}."
            )
        # whole steps from the lower end; the upper end comes last, whether a step meets it or not
        values = [low + k * step for k in range(math.ceil((high - low) / step - 1e-9))] + [high]
    values = sorted(set(values))
    if len(values) > MAX_WEIGHTS:
        raise InputError(f"{shown(entry)} are {len(values)} body weights; write at most {MAX_WEIGHTS}.")
    return tuple(values)


def in_mass(text: str, mg_per_ml: float, mg_kg_per_ml: float) -> str | None:
    """Return what a volume, or a volume in a time, gives of a bag's drug, as a text in mg; None for anything else.

    >>> in_mass("4.4 cc/h", 1.0, 0.0), in_mass("2 mL/h", 0.0, 0.06), in_mass("5 mg/h", 1.0, 0.0)
    ('4.4 mg/h', '0.12 mg/kg/h', None)
    """
    try:
        quantity = parse(text, units=_VOLUME_RATES)
    except InputError:
        return None
    if quantity.spread is not None or quantity.unit not in _VOLUME_RATES:
        return None
    per_kg, time = "/kg" if mg_kg_per_ml else "", quantity.unit.removeprefix("mL")
    mass = Decimal(repr(quantity.value)) * Decimal(repr(mg_per_ml or mg_kg_per_ml))
    return f"{mass.normalize():f} mg{per_kg}{time}"


# readers of amounts that do not depend on body weight
volume_ml = partial(_amount, kind="volume", units=VOLUME_UNITS, example="100 mL")
strength_mg_per_ml = partial(_amount, kind="strength", units=STRENGTH_UNITS, example="1 mg/mL")
mass_mg = partial(_amount, kind="mass", units={"mg": 1.0, "µg": 1e-3, "g": 1e3}, example="100 mg")
weight_kg = partial(_amount, kind="body weight", units={"kg": 1.0}, example="70 kg")
level_ng_per_ml = partial(
    _amount, kind="level in plasma", units=LEVEL_UNITS, example="100 ng/mL", known=(*_KNOWN, *LEVEL_UNITS)
)
urine_l_h = partial(_amount, kind="flow of urine", units=FLOW_UNITS, example="1.6 L/day", known=(*_KNOWN, *FLOW_UNITS))
