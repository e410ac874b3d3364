"""What measures of a search are called, and how its numbers are written, in tables and in figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from letheon.views.document import numbers
from letheon.views.subjects.names import arm_name

if TYPE_CHECKING:
    from letheon.study.optimise.document import PublishedEntry


RELIEF = "relief_days"
_LABELS = {
    "rival_relief_days": "relief days, second pain model",
    "pain_free_days": "pain-free days",
    "remission": "remission within 14 days",
    "dose_mg": "dose",
    "boosters": "boosters a year",
    "psychedelic_hours": "hours above 10 % psychedelic load",
}


def label(measure: str) -> str:
    """Return a measure's name for reading."""
    return _LABELS.get(measure, measure.replace("_", " "))


def unit_name(unit: str, measure: str = "") -> str:
    """Return a unit for reading; nothing where the name of the measure says it.

    >>> unit_name("share", "remission"), unit_name("h"), unit_name("days", "relief_days"), unit_name("h", "hours")
    ('%', 'h', '', '')
    """
    is_in_name = {"h": "hours"}.get(unit, unit) in label(measure)
    return "" if measure and is_in_name else "%" if unit == "share" else unit


def value(number: float | None, unit: str) -> str:
    """Return a number as its unit asks for it, without the unit; fine enough to compare regimens in the same patients.

    >>> value(0.524, "share"), value(1473.2, "mg"), value(36.55, "days"), value(2.5, "h"), value(None, "NRS")
    ('52', '1,473', '36.5', '2.5', '-')
    """
    if unit == "share":
        return numbers.percent(number)
    whole = number is not None and unit not in {"NRS", "days", "a year"} and (abs(number) >= 10 or number % 1 == 0)
    return numbers.fixed(number, 0 if whole else 1)


def estimate(mean: float | None, interval: tuple[float | None, float | None] | None, unit: str) -> str:
    """Return a mean with its interval, where there is one and it is not exactly the mean.

    >>> estimate(41.0, (27.0, 55.1), "days"), estimate(63.0, (63.0, 63.0), "h")
    ('41.0 (27.0 to 55.1)', '63')
    """
    if interval is None or interval == (mean, mean):
        return value(mean, unit)
    low, high = (value(end, unit) for end in interval)
    return f"{value(mean, unit)} ({numbers.ends(low, high)})"


def regimen_name(entry: PublishedEntry) -> str:
    """Return the name of a published regimen, or of an arm of the scenario."""
    return f"{'arm ' if entry.kind == 'arm' else ''}{arm_name(entry.name)}"


def standing(entry: PublishedEntry) -> str:
    """Say how a published regimen compares with the front."""
    texts = [f"{number}" for number in entry.beaten_by]
    if len(texts) > 4:
        texts = [*texts[:3], f"{len(texts) - 3} more"]
    rivals = " and ".join(filter(None, (", ".join(texts[:-1]), *texts[-1:])))
    parts = [*([] if entry.feasible else ["breaks a limit"]), *([f"beaten by {rivals}"] if rivals else [])]
    return "; ".join(parts) or "not beaten"
