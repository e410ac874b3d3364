"""What a calibration predicts beside what trials reported, and what its parameters and predictions are called."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from letheon.study.calibrate.document import (
    CalibrationReport,
    Predicted,
    Reported,
    ReportedCount,
    ReportedLimits,
    ReportedValue,
)
from letheon.views.document import numbers
from letheon.views.subjects.words import WORDS

SDS_OF_90 = 1.6449  # SDs from the middle to an end of a normal 90 % interval

_PLACES = {name: place for place, name in enumerate(WORDS.predictions)}
_UNITS = {"1": "", "fraction": "share", "1/day": "a day", "1/year": "a year", "day": "days"}


class Prediction(NamedTuple):
    """What a trial reported beside what the model predicts for it."""

    name: str
    study: str
    label: str
    unit: str  # NRS or share
    reported: Reported | None
    fitted: bool  # whether the model was fitted to the report
    prior: Predicted
    posterior: Predicted
    trial: tuple[float, float] | None  # 90 % interval of what a trial of that size would report
    inside: bool | None  # whether the report lies there; None where there is none


def predictions(report: CalibrationReport, others: Sequence[CalibrationReport] = ()) -> list[Prediction]:
    """Return predictions beside what was reported, by study; what only other models were fitted to, as not fitted."""
    result = []
    for name, check in report.checks.items():
        seen = [check.reported, *(other.checks[name].reported for other in others if name in other.checks)]
        reported, fitted = next((one for one in seen if one is not None), None), check.reported is not None
        trial = _trial(check.posterior, reported)
        inside = None if reported is None else _meets(reported, trial or check.posterior.interval_90)
        what = WORDS.predictions.get(name, ("", name, "NRS"))
        result.append(Prediction(name, *what, reported, fitted, check.prior, check.posterior, trial, inside))
    return sorted(result, key=lambda one: _PLACES.get(one.name, len(_PLACES)))


def _trial(posterior: Predicted, reported: Reported | None) -> tuple[float, float] | None:
    """Return what a trial of that size would report; of a mean that was not fitted, with its own error added."""
    if posterior.of_a_trial_90 is not None or not isinstance(reported, ReportedValue):
        return posterior.of_a_trial_90
    middle, error = posterior.median, SDS_OF_90 * reported.se
    low, high = posterior.interval_90
    return middle - math.hypot(middle - low, error), middle + math.hypot(high - middle, error)


def _meets(reported: Reported, predicted: tuple[float, float]) -> bool:
    low, high = (reported.value,) * 2 if isinstance(reported, ReportedValue | ReportedCount) else limits(reported)
    return (high is None or predicted[0] <= high) and (low is None or predicted[1] >= low)


def limits(reported: Reported | None) -> tuple[float | None, float | None]:
    """Return the 90 % error of a value, or the limits of a statement; None for an open end."""
    match reported:
        case ReportedValue(value, se):
            return value - SDS_OF_90 * se, value + SDS_OF_90 * se
        case ReportedCount(count=count, n=n):
            from letheon.harms.estimate import jeffreys_interval  # SciPy is heavy

            return jeffreys_interval(count, n, 0.9)
        case ReportedLimits(low, high):
            return low, high
    return None, None


def amount(value: float | None, unit: str = "") -> str:
    """Return a value as its unit asks for it: pain to two decimals as trials report it, others to three digits."""
    if unit == "NRS":
        return numbers.fixed(value, 2)
    return numbers.amount(value, unit) if unit == "share" else numbers.number(value)


def interval(ends: tuple[float, float] | None, unit: str = "") -> str:
    """Return an interval in the same way."""
    if unit == "share" or ends is None:
        return numbers.interval(ends, unit)
    return numbers.ends(amount(ends[0], unit), amount(ends[1], unit))


def reported_text(reported: Reported | None, unit: str) -> str:
    """Return a report: a mean ± its standard error, a count, or a statement as limits."""
    match reported:
        case ReportedValue(value, se):
            return f"{amount(value, unit)} ± {amount(se, unit)}"
        case ReportedCount(count=count, n=n):
            return f"{count} of {n}"
        case ReportedLimits(None, high):
            return f"at most {amount(high, unit)}"
        case ReportedLimits(float(low), float(high)):
            return interval((low, high), unit)
        case ReportedLimits(low, None):
            return f"at least {amount(low, unit)}"
    return numbers.ABSENT


def parameter_name(key: str) -> str:
    """Return what a parameter is, or its key where that is not known."""
    base, _, study = key.partition("@")
    if name := WORDS.parameters.get(base):
        return f"{name}, {study}" if study else name
    name = WORDS.parameters.get(base.removesuffix(".sd"))
    return f"spread between patients: {name}" if name and base.endswith(".sd") else key


def unit_name(unit: str) -> str:
    """Return a unit of the library as it is read: nothing for a plain number."""
    return _UNITS.get(unit, unit)
