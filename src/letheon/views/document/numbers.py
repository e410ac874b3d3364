"""How every output says a number: at most three significant digits, and nothing finer than is known.

The text is plain ASCII but for ``±`` and ``≤``: a hyphen is a minus sign, a blank stands before ``%``, and ``-`` is a
number that there is not. Renderers set these as their medium can.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal

ABSENT = "-"
_LEAST_PERCENT = 0.1  # a share that rounds to 0 may be as large as this
_WRITTEN = re.compile(r"\s*[+-]?(\d[\d,]*)(?:\.(\d+))?\s*")


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with at most `digits` significant digits and never fewer whole ones.

    >>> number(1084.2), number(0.012345), number(31.44), number(None)
    ('1,080', '0.0123', '31.4', '-')
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    if value == 0.0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    return fixed(round(value, places), max(places, 0))


def fixed(value: float | None, places: int) -> str:
    """Return a number with so many decimals; what rounds to zero has no sign.

    >>> fixed(-1.234, 1), fixed(-0.04, 1), fixed(12345.6, 0), fixed(None, 2)
    ('-1.2', '0.0', '12,346', '-')
    """
    return ABSENT if value is None or not math.isfinite(value) else f"{value:z,.{places}f}"


def exact(value: float) -> str:
    """Return a number that somebody works with: two decimals, three digits where that says too little, none too much.

    >>> exact(1200.0), exact(18.375), exact(0.00123)
    ('1,200', '18.38', '0.00123')
    """
    if abs(value) >= 1e5:
        return f"{value:,.0f}"
    return _bare(f"{value:,.2f}" if value == 0 or abs(value) >= 0.1 else format(Decimal(f"{value:.3g}"), "f"))


def significant(value: float, digits: int) -> float:
    """Return a number with no more than so many significant digits, to be written elsewhere.

    >>> significant(0.123456, 3), significant(123456.0, 2)
    (0.123, 120000.0)
    """
    return float(f"{value:.{digits}g}")


def mass(mg: float) -> str:
    """Return a mass that somebody works with, in mcg below 1 mg.

    >>> mass(0.1), mass(2.0), mass(0.0)
    ('100 mcg', '2 mg', '0 mg')
    """
    return f"{exact(1000 * mg)} mcg" if 0 < mg < 1 else f"{exact(mg)} mg"


def written(value: float) -> str:
    """Return a number as it was written: nine digits undo what a unit or a weight did to the last ones.

    >>> written(5 / 70 * 70), written(0.1 + 0.2), written(1250.0)
    ('5', '0.3', '1,250')
    """
    return _bare(format(Decimal(f"{value:.9g}"), ",f"))


def _bare(text: str) -> str:
    """Drop zeros behind the last digit that says something."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def general(value: float, digits: int = 6, thousands: bool = False) -> str:
    """Return a number as it stands in the library, with no more than `digits` significant digits.

    >>> general(0.30000000000000004), general(1600.0), general(1600.0, thousands=True), general(1.23456, 3)
    ('0.3', '1600', '1,600', '1.23')
    """
    return f"{value:{',' if thousands else ''}.{digits}g}"


def size(value: float | None) -> str:
    """Return a size to two digits, from a hundred on to whole ones: 386 mL is not 390.

    >>> size(9.909), size(385.6), size(0.0333)
    ('9.9', '386', '0.033')
    """
    return number(value, 3 if value is not None and abs(value) >= 100 else 2)


def percent(share: float | None) -> str:
    """Return a share in per cent, without the sign; next to nothing and nearly all are bounds.

    >>> percent(0.432), percent(0.0004), percent(0.9998), percent(0.006), percent(0.0)
    ('43', '<0.1', '>99.9', '0.6', '0')
    """
    if share is None or not math.isfinite(share):
        return ABSENT
    value = 100.0 * share
    if 0.0 < value < 0.05:
        return f"<{_LEAST_PERCENT}"
    if 99.95 <= value < 100.0:
        return ">99.9"
    edge = 0.05 <= abs(value) < 0.95 or 99.05 <= abs(value) < 99.95
    return fixed(value, 1 if edge else 0)


def of_100(share: float | None) -> str:
    """Return a share as patients of 100.

    >>> of_100(0.43), of_100(0.0004), of_100(None)
    ('43 of 100', '<0.1 of 100', '-')
    """
    return ABSENT if share is None else f"{percent(share)} of 100"


def amount(value: float | None, unit: str) -> str:
    """Return a value as its unit asks for it, without the unit, except for the % of a share.

    >>> amount(4.321, "NRS"), amount(31.4, "days"), amount(2.34, "days"), amount(0.62, "share"), amount(9.91, "mmHg")
    ('4.3', '31', '2.3', '62 %', '9.9')
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    if unit == "share":
        return percent(value) + " %"
    if unit == "NRS":
        return fixed(value, 1)
    if unit in {"days", "sessions", "boosters"}:
        return fixed(value, 1 if 0.05 <= abs(value) < 9.95 else 0)
    return number(value) if unit in {"mg", "h", "kg", "ng/mL"} else size(value)


def interval(ends_of: Sequence[float | None] | None, unit: str, open_end: str = ABSENT, joint: str = " to ") -> str:
    """Return an interval, an end that is None called `open_end`; where both ends read alike, a bound.

    >>> interval((3.94, 4.71), "NRS"), interval((0.118, 0.882), "share"), interval((0.0, 0.0), "share")
    ('3.9 to 4.7', '12 to 88 %', '≤0.1 %')
    >>> interval((31.0, None), "days", "not reached"), interval(None, "days")
    ('31 to not reached', '-')
    """
    if ends_of is None or all(end is None for end in ends_of):
        return ABSENT
    suffix = " %" if unit == "share" else ""
    low, high = (open_end if end is None else amount(end, unit).removesuffix(suffix) for end in ends_of)
    return ends(low, high, joint, _LEAST_PERCENT if unit == "share" else None) + suffix


def change(value: float | None, unit: str) -> str:
    """Return a difference with its sign; of shares, in points of per cent.

    >>> change(-1.84, "NRS"), change(12.3, "days"), change(-0.01, "NRS"), change(0.31, "share")
    ('-1.8', '+12', '0.0', '+31 points')
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    text = f"{percent(value)} points" if unit == "share" else amount(value, unit)
    return text if text.startswith("-") or not re.search("[1-9]", text) else f"+{text}"


def change_interval(ends_of: Sequence[float] | None, unit: str) -> str:
    """Return the interval of a difference.

    >>> change_interval((-2.64, -1.13), "NRS"), change_interval((0.1, 0.34), "share")
    ('-2.6 to -1.1', '+10 to +34')
    """
    if ends_of is None:
        return ABSENT
    low, high = (change(end, unit).removesuffix(" points") for end in ends_of)
    return ends(low, high)


def estimate(value: float | None, ends_of: Sequence[float | None] | None, unit: str) -> str:
    """Return a value with its interval behind it, or what there is of both.

    >>> estimate(4.3, (3.9, 4.7), "NRS"), estimate(None, (0.1, 0.2), "share"), estimate(0.4, None, "share")
    ('4.3 (3.9 to 4.7)', '(10 to 20 %)', '40 %')
    """
    known = "" if ends_of is None or all(end is None for end in ends_of) else f"({interval(ends_of, unit)})"
    return " ".join(part for part in ("" if value is None else amount(value, unit), known) if part) or ABSENT


def ends(low: str, high: str, joint: str = " to ", zero_step: float | None = None) -> str:
    """Return an interval from its ends as they are written; if they read alike, what they are sure to within.

    `zero_step` is what a lone 0 is sure to within, where it means more than its last digit says.

    >>> ends("4.1", "5.0"), ends("50", "50"), ends("7.24", "7.24"), ends("0.0", "0.0")
    ('4.1 to 5.0', '50 ±≤1', '7.24 ±≤0.01', '≤0.1')
    >>> ends("<0.1", "<0.1"), ends("0", "0", zero_step=0.1)
    ('<0.1', '≤0.1')
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
    """Return an interval with so many decimals.

    >>> fixed_interval((-1.26, 0.6), 1)
    '-1.3 to 0.6'
    """
    low, high = (fixed(end, places) for end in ends_of)
    return ends(low, high)


def count(number_of: float, noun: str, plural: str = "") -> str:
    """Return a count with its noun.

    >>> count(1, "arm"), count(1000, "patient"), count(2.5, "booster"), count(2, "study", "studies")
    ('1 arm', '1,000 patients', '2.5 boosters', '2 studies')
    """
    return f"{number_of:,} {noun if number_of == 1 else plural or noun + 's'}"


def duration(days: float) -> str:
    """Return a length of time as people say it.

    >>> duration(84), duration(365), duration(30), duration(4.1667)
    ('12 weeks', '365 days', '30 days', '4.2 days')
    """
    if days >= 14 and days % 7 == 0:
        return f"{days / 7:,.0f} weeks"
    return count(int(days), "day") if days == int(days) else f"{days:,.1f} days"


def wait(seconds: float) -> str:
    """Return how long something will still take.

    >>> wait(20.0), wait(100.0), wait(7200.0)
    ('20 s', '2 min', '2.0 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def course_length(days: float) -> str:
    """Return when a course ends: in hours up to a week, else in days.

    >>> course_length(4.1667), course_length(70.25)
    ('100 h', '70.2 days')
    """
    return f"{days * 24:.3g} h" if days <= 7 else f"{days:.3g} days"


def day_name(day: int) -> str:
    """Return a day as an endpoint names it.

    >>> day_name(3), day_name(7), day_name(28), day_name(365)
    ('day 3', 'week 1 (day 7)', 'week 4 (day 28)', 'day 365')
    """
    return f"day {day}" if day % 7 else f"week {day // 7} (day {day})"
