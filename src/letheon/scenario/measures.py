"""Measures: what a search may ask of a regimen, by name, with unit and the direction that is better."""

import math
import re
from dataclasses import dataclass
from typing import NamedTuple

from letheon.definitions import ENDPOINT_DAYS, HALF, POINTS, RELIEF
from letheon.library.evidence import PAIN_MODELS
from letheon.scenario.model import Responder, Scenario
from letheon.units import plain

__all__ = [
    "AREA",
    "WHOLE",
    "Measure",
    "Readout",
    "endpoint_days",
    "exposure_of",
    "measure_of",
    "names",
    "responder_of",
    "responders",
    "split_name",
    "substance_name",
    "under_model",
]

_STANDARD = (
    *(Responder(round(100.0 * (1.0 - left), 9), "%") for left in (RELIEF, HALF)),
    Responder(POINTS, "points"),
)


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a regimen: a mean over patients."""

    name: str
    unit: str  # days, share, NRS, mg, h, %, mL, ng/mL, ng·h/mL, or `a year` for boosters
    larger: bool | None  # whether more of it is better; None for a cost, of which neither is
    means: str  # in words
    day: int = 0  # that it is read on; 0 for the whole follow-up


# read from each diary (letheon.body.pain.Course) over the whole follow-up; pain and responders are read on days
WHOLE = (
    Measure("relief_days", "days", True, "days with at least 30 % less pain than before"),
    Measure("pain_free_days", "days", True, "days with a score of at most 1"),
    Measure("remission", "share", True, "share with 30 % less pain at any time within 14 days after the first course"),
)
AREA = (  # where a scenario asks for it
    Measure("pain_area", "NRS days", False, "sum of the daily pain scores"),
    Measure("pain_area_change", "NRS days", False, "sum of the daily pain scores, each minus baseline"),
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
# read from the levels in plasma of one substance where a scenario asks for it; `{}` is the substance
_EXPOSURE = {
    "auc": ("ng·h/mL", "AUC of {}"),
    "cmax": ("ng/mL", "Cmax of {}"),
    "ctrough": ("ng/mL", "Ctrough of {}"),
}
_ABOVE = r"time_above_([0-9]+(?:_[0-9])?)"
_PLAIN = {measure.name: measure for measure in (*WHOLE, *AREA, *_COSTS)}


class Readout(NamedTuple):
    """What is read from each diary of a scenario, beside `WHOLE`, and from the levels in plasma."""

    days: tuple[int, ...]  # on which pain and responders are read
    responders: tuple[Responder, ...]
    weeks: int  # whole weeks whose mean is read, from the first on
    area: bool  # whether `AREA` is
    exposure: bool = False  # whether AUC, Cmax and Ctrough are
    above: tuple[float, ...] = ()  # levels whose time above is [ng/mL], ascending

    @classmethod
    def of(cls, scenario: Scenario) -> "Readout":
        """Return that of a scenario."""
        own = scenario.endpoints
        days = endpoint_days(scenario.follow_up_h, own.days)
        weeks = int(scenario.follow_up_h // 168) * own.weekly
        return cls(days, responders(own.responders), weeks, own.area, own.exposure, own.above)

    @property
    def exposures(self) -> tuple[str, ...]:
        """What is read from the levels of each substance, as endpoints begin."""
        times = (f"time_above_{plain(level).replace('.', '_')}" for level in self.above)
        return (*(_EXPOSURE if self.exposure else ()), *times)

    @property
    def windows(self) -> dict[str, tuple[int, int]]:
        """The first and last day of each endpoint that is read on a day or over a week, by name."""
        kinds = ("nrs", *(one.name for one in self.responders))
        daily = {f"{kind}_day_{day}": (day, day) for kind in kinds for day in self.days}
        return daily | {f"nrs_week_{week}": (7 * week - 6, 7 * week) for week in range(1, self.weeks + 1)}


def endpoint_days(follow_up_h: float, own: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Return the days on which endpoints are read: the standard ones that are reached, one's own, and the last.

    >>> endpoint_days(24.0 * 30, (5,))
    (1, 3, 5, 7, 14, 28, 30)
    """
    last = math.floor(follow_up_h / 24.0 + 1e-9)
    return tuple(sorted({*(day for day in ENDPOINT_DAYS if day <= last), *own, last}))


def responders(own: tuple[Responder, ...] = ()) -> tuple[Responder, ...]:
    """Return the standard responders, then one's own.

    >>> [one.name for one in responders((Responder(20.0, "%"), Responder(30.0, "%")))]
    ['responder_30', 'responder_50', 'responder_2pt', 'responder_20']
    """
    return (*_STANDARD, *(one for one in own if one not in _STANDARD))


def responder_of(name: str) -> Responder | None:
    """Return the responder of a name without its day, or None.

    >>> responder_of("responder_1_5pt")
    Responder(amount=1.5, unit='points')
    """
    match = re.fullmatch(r"responder_([0-9]{1,3}(?:_[0-9])?)(pt)?", name)
    one = match and Responder(float(match[1].replace("_", ".")), "points" if match[2] else "%")
    return one if one and one.name == name else None


def exposure_of(name: str) -> tuple[str, str] | None:
    """Split the name of an exposure into what is read and the substance in plasma, or return None.

    >>> exposure_of("cmax_esketamine"), exposure_of("time_above_0_5_norketamine"), exposure_of("dose_mg")
    (('cmax', 'esketamine'), ('time_above_0_5', 'norketamine'), None)
    """
    match = re.fullmatch(rf"({'|'.join(_EXPOSURE)}|{_ABOVE})_((?:es|ar)?(?:hydroxynor|nor)?ketamine)", name)
    return (match[1], match[3]) if match else None


def substance_name(substance: str) -> str:
    """Return what a substance in plasma is called; without an enantiomer it is the sum of both.

    >>> substance_name("ketamine"), substance_name("esketamine")
    ('ketamine (S + R)', 'esketamine')
    """
    return substance if substance.startswith(("es", "ar")) else f"{substance} (S + R)"


def _exposure(bare: str) -> Measure | None:
    """Return the measure of an exposure."""
    if not (parts := exposure_of(bare)):
        return None
    kind, words = parts[0], substance_name(parts[1])
    if level := re.fullmatch(_ABOVE, kind):
        return Measure(bare, "h", None, f"time with {words} above {level[1].replace('_', '.')} ng/mL")
    unit, means = _EXPOSURE[kind]
    return Measure(bare, unit, None, means.format(words))


def _dated(bare: str) -> Measure | None:
    """Return the measure of a name that ends in a day or a week."""
    if match := re.fullmatch(r"nrs_week_([1-9][0-9]{0,2})", bare):
        return Measure(bare, "NRS", False, f"mean pain score of week {match[1]}", 7 * int(match[1]))
    kind, _, number = bare.rpartition("_day_")
    if not re.fullmatch(r"[1-9][0-9]{0,3}", number):
        return None
    day = int(number)
    if kind == "nrs":
        return Measure(bare, "NRS", False, f"pain score on day {day}", day)
    if one := responder_of(kind):
        return Measure(bare, "share", True, f"share with {one.text} less pain on day {day}", day)
    return None


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
    """Return the measure of that name, or None; after ``memory_`` or ``slow_site_`` the same under that pain model."""
    model, bare = split_name(name)
    measure = _PLAIN.get(bare) or _dated(bare) or _exposure(bare)
    if measure is None or not model:
        return measure
    if measure in _COSTS or exposure_of(bare):
        return None  # what is given, and its harms, are asked for as they are in the average
    words = f"{measure.means}, under the {model.replace('_', ' ')} alone"
    return Measure(name, measure.unit, measure.larger, words, measure.day)


def names(scenario: Scenario) -> tuple[str, ...]:
    """List the measures of a scenario, without those of one pain model alone."""
    read = Readout.of(scenario)
    once = (*WHOLE, *(AREA if read.area else ()))
    return (*(m.name for m in once), *read.windows, *(m.name for m in _COSTS))
