"""Measures: what a search may ask of a regimen, by name, with unit and the direction that is better."""

import re
from dataclasses import dataclass

from letheon.definitions import ENDPOINT_DAYS
from letheon.library.evidence import PAIN_MODELS

__all__ = ["DAILY", "WHOLE", "Measure", "measure_of", "names", "split_name", "under_model"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a regimen: a mean over patients."""

    name: str
    unit: str  # days, share, NRS, mg, h, %, mL, or `a year` for boosters
    larger: bool | None  # whether more of it is better; None for a cost, of which neither is
    means: str  # in words
    day: int = 0  # that it is read on; 0 for the whole follow-up


# read from each diary (letheon.body.pain.Course): over the whole follow-up, and on each endpoint day
WHOLE = (
    Measure("relief_days", "days", True, "days with at least 30 % less pain than before"),
    Measure("pain_free_days", "days", True, "days with a score of at most 1"),
    Measure("remission", "share", True, "share with 30 % less pain at any time within 14 days after the first course"),
)
DAILY = (
    Measure("nrs", "NRS", False, "pain score"),
    Measure("responder_30", "share", True, "share with 30 % less pain"),
    Measure("responder_50", "share", True, "share with 50 % less pain"),
    Measure("responder_2pt", "share", True, "share with two points less pain"),
)
_COSTS = (
    Measure("dose_mg", "mg", None, "drug given, as free base"),
    Measure("hours", "h", None, "hours of infusion"),
    Measure("dosing_days", "days", None, "days on which drug is given"),
    Measure("boosters", "a year", None, "booster sessions a year"),
    Measure("psychedelic_load", "%", False, "psychedelic load at its greatest"),
    Measure("psychedelic_hours", "h", False, "hours with a psychedelic load above 10 %"),
    Measure("side_effects", "share", False, "share with a side effect of the kind that is asked for"),
    Measure("bladder_saturating", "mL", False, "bladder capacity lost, under the saturating law"),
    Measure("bladder_unsaturated", "mL", False, "bladder capacity lost, under the unsaturated law"),
)
_PLAIN = {measure.name: measure for measure in (*WHOLE, *_COSTS)}
_BY_DAY = {measure.name: measure for measure in DAILY}


def split_name(name: str) -> tuple[str, str]:
    """Split the name of a quantity under one pain model into model and quantity; without one the model is empty.

    >>> split_name("slow_site_relief_days"), split_name("relief_days")
    (('slow_site', 'relief_days'), ('', 'relief_days'))
    """
    model = next((one for one in PAIN_MODELS if name.startswith(f"{one}_")), "")
    return model, name.removeprefix(f"{model}_") if model else name


def under_model(name: str, model: str) -> str:
    """Return the name of a quantity under one pain model.

    >>> under_model("relief_days", "memory")
    'memory_relief_days'
    """
    return f"{model}_{name}"


def measure_of(name: str) -> Measure | None:
    """Return the measure of that name, or None; behind ``memory_`` or ``slow_site_`` the same under that pain model."""
    model, bare = split_name(name)
    match = re.fullmatch(r"([a-z0-9_]+)_day_([0-9]{1,3})", bare)
    if match and match[1] in _BY_DAY and int(match[2]) in ENDPOINT_DAYS:
        kind, day = _BY_DAY[match[1]], int(match[2])
        measure = Measure(bare, kind.unit, kind.larger, f"{kind.means} on day {day}", day)
    elif bare in _PLAIN:
        measure = _PLAIN[bare]
    else:
        return None
    if not model:
        return measure
    if measure in _COSTS:
        return None  # what is given, and its harms, are asked for as they are in the average
    words = f"{measure.means}, under the {model.replace('_', ' ')} alone"
    return Measure(name, measure.unit, measure.larger, words, measure.day)


def names(days: float) -> tuple[str, ...]:
    """List the measures of a follow-up of so many days, without those of one pain model alone."""
    daily = (f"{kind.name}_day_{day}" for day in ENDPOINT_DAYS if day <= days for kind in DAILY)
    return (*(m.name for m in WHOLE), *daily, *(m.name for m in _COSTS))
