"""How every output says a number: at most three significant digits, and nothing finer than is known.

The text is plain ASCII but for ``±`` and ``≤``: a hyphen is a minus sign, a blank stands before ``%``, and ``-`` is a
number that there is not. Renderers set these as their medium can.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

ABSENT = "-"
_LEAST_PERCENT = 0.1  # a share that rounds to 0 may be as large as this
_WRITTEN = re.compile(r"\s*[+-]?(\d[\d,]*)(?:\.(\d+))?\s*")


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with at most `digits` significant digits and never fewer whole ones."""
    if value is None or not math.isfinite(value):
        return ABSENT
    if value == 0.0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    return fixed(round(value, places), max(places, 0))


def fixed(value: float | None, places: int) -> str:
    """Return a number with so many decimals; what rounds to zero has no sign."""
    return ABSENT if value is None or not math.isfinite(value) else f"{value:z,.{places}f}"


def exact(value: float) -> str:
    """Return a number that somebody works with: two decimals, or three digits, none too much; halves go up.

    >>> exact(15.625), exact(1234.5), exact(0.0625), exact(7.0)
    ('15.63', '1,234.5', '0.0625', '7')
    """
    if abs(value) >= 1e5:
        return f"{value:,.0f}"
    if value and abs(value) < 0.1:
        return _bare(format(Decimal(f"{value:.3g}"), "f"))
    # as somebody would round by hand: 12 digits undo what binary fractions did to a half
    return _bare(format(Decimal(f"{value:.12g}").quantize(Decimal("0.01"), ROUND_HALF_UP), ",f"))


def significant(value: float, digits: int) -> float:
    """Return a number with no more than so many significant digits, to be written elsewhere."""
    return float(f"{value:.{digits}g}")


def mass(mg: float) -> str:
    """Return a mass that somebody works with, in mcg below 1 mg."""
    return f"{exact(1000 * mg)} mcg" if 0 < mg < 1 else f"{exact(mg)} mg"


def written(value: float, digits: int = 9) -> str:
    """Return a number as it was written: nine digits undo what a unit or a weight did to the last ones."""
    return _bare(format(Decimal(f"{value:.{digits}g}"), ",f"))


def _bare(text: str) -> str:
    """Drop zeros after the last significant digit."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def general(value: float, digits: int = 6, thousands: bool = False) -> str:
    """Return a number as it stands in the library, with no more than `digits` significant digits."""
    return f"{value:{',' if thousands else ''}.{digits}g}"


def size(value: float | None, least: float = 0.0) -> str:
    """Return a size to two digits, from a hundred on to whole ones (386 mL is not 390), below `least` as a bound.

    >>> size(12.34), size(0.0046), size(0.0046, least=0.1)
    ('12', '0.0046', '<0.1')
    """
    if value is not None and 0.0 < value < least:
        return f"<{least:g}"
    return number(value, 3 if value is not None and abs(value) >= 100 else 2)


def percent(share: float | None) -> str:
    """Return a share in per cent, without the sign; next to nothing and nearly all are bounds."""
    if share is None or not math.isfinite(share):
        return ABSENT
    value = 100.0 * share
    if 0.0 < value < 0.05:
        return f"<{_LEAST_PERCENT}"
    if 99.95 <= value < 100.0:
        return ">99.9"
    edge = 0.05 <= abs(value) < 0.95 or 99.05 <= abs(value) < 99.95
    return fixed(value, 1 if edge else 0)


def chance(share: float | None, error: float | None = None) -> str:
    """Return a chance in per cent to two digits, however small, with its error."""
    if share is None or error is None:
        return ABSENT if share is None else f"{number(100.0 * share, 2)} %"
    return f"{number(100.0 * share, 2)} % ± {number(100.0 * error, 1)} %"


def of_100(share: float | None) -> str:
    """Return a share as patients of 100."""
    return ABSENT if share is None else f"{percent(share)} of 100"


def chance_better(share: float | None) -> str:
    """Return a chance of being better in whole per cent; a finite number of draws makes nothing certain."""
    if share is None or not math.isfinite(share):
        return ABSENT
    return "< 1 %" if share < 0.005 else "> 99 %" if share >= 0.995 else f"{fixed(100.0 * share, 0)} %"


def amount(value: float | None, unit: str) -> str:
    """Return a value as its unit asks for it, without the unit, except for the % of a share."""
    if value is None or not math.isfinite(value):
        return ABSENT
    if unit == "share":
        return percent(value) + " %"
    if unit == "NRS":
        return fixed(value, 1)
    if unit in {"days", "sessions", "boosters"}:
        return fixed(value, 1 if 0.05 <= abs(value) < 9.95 else 0)
    return number(value) if unit in {"mg", "h", "kg", "ng/mL", "ng·h/mL"} else size(value)


def interval(ends_of: Sequence[float | None] | None, unit: str, open_end: str = ABSENT, joint: str = " to ") -> str:
    """Return an interval, an end that is None called `open_end`; where both ends read alike, a bound."""
    if ends_of is None or all(end is None for end in ends_of):
        return ABSENT
    suffix = " %" if unit == "share" else ""
    low, high = (open_end if end is None else amount(end, unit).removesuffix(suffix) for end in ends_of)
    return ends(low, high, joint, _LEAST_PERCENT if unit == "share" else None) + suffix


def change(value: float | None, unit: str) -> str:
    """Return a difference with its sign; of shares, in points of per cent."""
    if value is None or not math.isfinite(value):
        return ABSENT
    text = f"{percent(value)} points" if unit == "share" else amount(value, unit)
    return text if text.startswith("-") or not re.search("[1-9]", text) else f"+{text}"


def change_interval(ends_of: Sequence[float] | None, unit: str) -> str:
    """Return the interval of a difference."""
    if ends_of is None:
        return ABSENT
    low, high = (change(end, unit).removesuffix(" points") for end in ends_of)
    return ends(low, high)


def ends(low: str, high: str, joint: str = " to ", zero_step: float | None = None) -> str:
    """Return an interval from its ends as they are written; if they read alike, what they are sure to within.

    `zero_step` is what a lone 0 is sure to within, where it means more than its last digit says.
    """
    if low != high:
        return f"{low}{joint}{high}"
    match = _WRITTEN.fullmatch(low)
    if match is None:  # a bound already, or a word
        return low
    step = 10.0 ** -len(match[2] or "")
    if not re.search("[1-9]", low):
        return f"≤{step if zero_step is None else zero_step:g}"
    return f"{low} ±≤{step:g}"


def fixed_interval(ends_of: tuple[float, float], places: int) -> str:
    """Return an interval with so many decimals."""
    low, high = (fixed(end, places) for end in ends_of)
    return ends(low, high)


def count(number_of: float, noun: str, plural: str = "") -> str:
    """Return a count with its noun."""
    return f"{number_of:,} {noun if number_of == 1 else plural or noun + 's'}"


def duration(days: float) -> str:
    """Return a length of time as people say it."""
    if days >= 14 and days % 7 == 0:
        return f"{days / 7:,.0f} weeks"
    return count(int(days), "day") if days == int(days) else f"{days:,.1f} days"


def wait(seconds: float) -> str:
    """Return how long something will still take."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def course_length(days: float) -> str:
    """Return when a course ends: in hours up to a week, else in days."""
    return f"{days * 24:.3g} h" if days <= 7 else f"{days:.3g} days"


def day_name(day: int) -> str:
    """Return a day as an endpoint names it."""
    return f"day {day}" if day % 7 else f"week {day // 7} (day {day})"
