"""How the report says a number: at most three significant digits, and nothing finer than is known."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from letheon.library.evidence import STUDY_LABELS
from letheon.views.spans import ends

THIN = "\u202f"  # narrow space that does not break
MINUS = "\u2212"
ABSENT = "–"
POINTS = " points"

SUPPORT = {
    "randomised": "a randomised trial in CRPS measured this, against this comparator, at this time and dose, in such "
    "patients",
    "extrapolated": "a randomised trial in CRPS gave this drug at half to twice this dose and days, but measured "
    "something else, at another time, or in other patients",
    "uncontrolled": "a study in CRPS without a control group measured this, at this time and dose, in such patients",
    "volunteer": "only the mechanism was seen, in healthy volunteers",
    "animal": "only the mechanism was seen, in animals",
    "assumed": "no study supports it: a choice of the model, with a spread chosen by judgement",
    "not identified": "the data that were fitted say almost nothing about it",
}
DRUGS = {"racemic": "racemic ketamine", "placebo": "placebo"}
PAIN_MODELS = {"memory": "pain memory", "slow_site": "slow site"}


def escape(text: object) -> str:
    """Return text that is safe in HTML, between tags and in quoted attributes."""
    return html.escape(str(text), quote=True)


def arm_name(name: str) -> str:
    """Return an arm's name for reading, escaped: underscores become spaces."""
    return escape(name.replace("_", " "))


def plural(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> plural(1, "arm"), plural(1000, "patient")
    ('1 arm', '1,000 patients')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with at most `digits` significant digits and never fewer whole ones.

    Examples
    --------
    >>> number(1084.2), number(0.012345), number(31.44), number(None)
    ('1,080', '0.0123', '31.4', '–')
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    if value == 0.0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    return _signed_text(round(value, places), max(places, 0))


def amount(value: float | None, unit: str) -> str:
    r"""Return a value as its unit asks for it, without the unit, except for the % of a share.

    Examples
    --------
    >>> amount(4.321, "NRS"), amount(31.4, "days"), amount(2.34, "days"), amount(0.62, "share")
    ('4.3', '31', '2.3', '62\u202f%')
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    if unit == "share":
        return _percent(value) + THIN + "%"
    if unit == "NRS":
        return _signed_text(value, 1)
    if unit in {"days", "sessions", "boosters"}:
        return _signed_text(value, 1 if 0.05 <= abs(value) < 9.95 else 0)
    return number(value)


def between(interval: list[float | None] | tuple | None, unit: str, open_end: str = ABSENT) -> str:
    """Return an interval as ``low to high``; an end that is None is called `open_end`."""
    if interval is None or all(end is None for end in interval):
        return ABSENT
    suffix = THIN + "%" if unit == "share" else ""
    low, high = (open_end if end is None else amount(end, unit).removesuffix(suffix) for end in interval)
    return ends(low, high, zero_step=0.1 if unit == "share" else None) + suffix


def change(value: float | None, unit: str) -> str:
    """Return a difference with its sign.

    Examples
    --------
    >>> change(-1.84, "NRS"), change(12.3, "days"), change(-0.01, "NRS")
    ('−1.8', '+12', '0.0')
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    text = amount(value, unit)
    if unit == "share":
        text = _percent(value) + POINTS
    return text if text.startswith(MINUS) or not re.search("[1-9]", text) else "+" + text


def change_between(interval: list[float] | None, unit: str) -> str:
    """Return the interval of a difference."""
    if interval is None:
        return ABSENT
    low, high = (change(end, unit).removesuffix(POINTS) for end in interval)
    return ends(low, high)


def span(days: float) -> str:
    """Return a length of time as people say it.

    Examples
    --------
    >>> span(84), span(365), span(30), span(4.1667)
    ('12 weeks', '365 days', '30 days', '4.2 days')
    """
    if days >= 14 and days % 7 == 0:
        return f"{days / 7:,.0f} weeks"
    return plural(int(days), "day") if days == int(days) else f"{days:,.1f} days"


def course(days: float) -> str:
    """Return when a course ends: in hours up to a week, else in days.

    Examples
    --------
    >>> course(4.1667), course(70.25)
    ('100 h', '70.2 days')
    """
    return f"{days * 24:.3g} h" if days <= 7 else f"{days:.3g} days"


def badge(support: str | None, basis: Sequence[str] = ()) -> str:
    """Return a support label as a small badge with its word and, in CRPS, the studies that it rests on."""
    if not support:
        return ""
    kind = re.sub(r"[^a-z]+", "-", support.lower())
    told = "; ".join(filter(None, [SUPPORT.get(support, ""), ", ".join(basis)]))
    studies = f" {', '.join(basis)}" if support in STUDY_LABELS and basis else ""
    return f'<span class="badge {kind}" title="{escape(told)}">{escape(support + studies)}</span>'


def drug(name: str) -> str:
    """Return a drug's name for reading, escaped."""
    return escape(DRUGS.get(name, name))


def pain_model(name: str | None) -> str:
    """Return a pain model's name for reading, escaped."""
    return escape(PAIN_MODELS.get(name or "", name or "none"))


def endpoint_name(key: str) -> str:
    r"""Return what an endpoint is, in words.

    Examples
    --------
    >>> endpoint_name("responder_30_day_7"), endpoint_name("dose_mg")
    ('At least 30\u202f% less pain at week 1 (day 7)', 'Total dose')
    """
    if match := re.fullmatch(r"nrs_day_(\d+)", key):
        return f"Day {match[1]}"
    if match := re.fullmatch(r"responder_(\w+)_day_(\d+)", key):
        kinds = {
            "30": f"At least 30{THIN}% less pain",
            "50": f"At least 50{THIN}% less pain",
            "2pt": "At least 2 points less",
        }
        return f"{kinds.get(match[1], 'Responder ' + match[1])} at {when(int(match[2]))}"
    names = {
        "relief_days": f"Days with at least 30{THIN}% less pain",
        "pain_free_days": "Days with a pain score of at most 1",
        "remission": f"Remission: at least 30{THIN}% less pain at any time within 14 days after the course",
        "boosters": "Boosters",
        "dose_mg": "Total dose",
        "drip_hours": "Hours on the drip",
        "final_rate": "Last rate of the titration",
        "never_in_remission": "Never in remission within 14 days after the course",
    }
    return names.get(key, escape(key.replace("_", " ")))


def when(day: int) -> str:
    """Return a day as an endpoint names it.

    Examples
    --------
    >>> when(3), when(7), when(28), when(365)
    ('day 3', 'week 1 (day 7)', 'week 4 (day 28)', 'day 365')
    """
    return f"day {day}" if day % 7 else f"week {day // 7} (day {day})"


def of_100(share: float | None) -> str:
    """Return a share as patients of 100.

    Examples
    --------
    >>> of_100(0.43), of_100(0.0004), of_100(None)
    ('43 of 100', 'under 0.1 of 100', '–')
    """
    return ABSENT if share is None else f"{_percent(share)} of 100"


def support_of(entry: Mapping[str, Any] | None) -> str:
    """Return the badge of an endpoint's own support."""
    entry = entry or {}
    return badge(entry.get("support"), entry.get("basis", ()))


def minus_support_of(entry: Mapping[str, Any]) -> str:
    """Return the badge of an endpoint's difference from placebo."""
    return badge(entry.get("minus_placebo_support"), entry.get("minus_placebo_basis", ()))


def _percent(value: float) -> str:
    percent = 100.0 * value
    if 0.0 < percent < 0.05:
        return "under 0.1"
    if 99.95 <= percent < 100.0:
        return "over 99.9"
    # Next to nothing and next to everything are not the same as nothing and everything.
    edge = 0.05 <= abs(percent) < 0.95 or 99.05 <= abs(percent) < 99.95
    return _signed_text(percent, 1 if edge else 0)


def _signed_text(value: float, places: int) -> str:
    text = f"{value:,.{places}f}"
    return text.replace("-", MINUS) if re.search("[1-9]", text) else text.replace("-", "")
