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

SDS_OF_90 = 1.6449  # SDs from the middle to an end of a normal 90 % interval

# Each prediction: study, name, unit (NRS for pain and its differences, share for chances and relief).
_PREDICTIONS: dict[str, tuple[str, str, str]] = {
    "leiden baseline": ("sigtermans2009", "baseline pain", "NRS"),
    "leiden drug week 1": ("sigtermans2009", "pain on esketamine, week 1", "NRS"),
    "leiden placebo week 1": ("sigtermans2009", "pain on placebo, week 1", "NRS"),
    "leiden difference week 1": ("sigtermans2009", "minus placebo, week 1", "NRS"),
    "leiden difference week 12": ("sigtermans2009", "minus placebo, week 12", "NRS"),
    "leiden difference overall": ("sigtermans2009", "minus placebo, weeks 1 to 12", "NRS"),
    "goldberg baseline": ("goldberg2010", "baseline pain", "NRS"),
    "goldberg pain day 5": ("goldberg2010", "pain during the infusion, day 5", "NRS"),
    **{f"goldberg relief day {d}": ("goldberg2010", f"mean relief, day {d}", "share") for d in range(1, 6)},
    "goldberg little change day 5": ("goldberg2010", "under 20 % relief, day 5", "share"),
    **{
        f"noppers {arm} {when}": ("noppers2011", f"pain halved on {drug}, {when}", "share")
        for arm, drug in (("drug", "esketamine"), ("placebo", "midazolam"))
        for when in ("45 min", "180 min", "day 7", "day 56")
    },
    "pickering drug": ("pickering2020", "mean pain over 35 days, ketamine", "NRS"),
    "pickering placebo": ("pickering2020", "mean pain over 35 days, placebo", "NRS"),
    "one infusion day 7": ("pickering2020", "effect of one infusion, day 7", "NRS"),
    "baseline mean": ("cohen2023", "baseline pain, mean", "NRS"),
    "baseline sd": ("cohen2023", "baseline pain, SD", "NRS"),
}
_ORDER = {name: place for place, name in enumerate(_PREDICTIONS)}

_PARAMETERS = {
    "memory.theta": "sensitisation at half of its potentiation",
    "memory.tau_s": "time constant of sensitisation",
    "memory.a": "drive that needs no memory",
    "memory.n": "steepness of potentiation",
    "memory.gamma": "rise of the threshold by full growth",
    "memory.k_g": "rate of growth under full block",
    "memory.tau_g": "time constant of the loss of growth",
    "memory.p_nonresponse": "share of patients without a lasting response",
    "receptor.kappa": "scale of receptor affinity",
    "receptor.hill": "steepness of receptor block",
    "flares.rate": "rate of flares",
    "flares.duration": "length of a flare",
    "flares.rise": "extra drive in a flare",
    "slow_site.half_life": "half-life of the slow site",
    "slow_site.c50": "level of half effect at the slow site",
    "slow_site.p_response": "share of patients with a response to the drug",
    "acute.c50": "level of half acute relief",
    "acute.arketamine_weight": "weight of arketamine in acute relief",
    "placebo.fall": "mean placebo response",
    "placebo.patient_sd": "spread of the placebo response between patients",
    "placebo.tau_on": "onset of the placebo response",
    "placebo.tau_off": "fading of the placebo response",
    "between.sd": "SD between studies, log odds of lasting relief",
    "population.baseline_mean": "mean baseline pain",
    "population.baseline_sd": "SD of baseline pain between patients",
    "between.effect": "effect of the study, log odds of lasting relief",
    "background early": "chance of half the pain on midazolam, same day",
    "background late": "chance of half the pain on midazolam, weeks later",
    "baseline": "mean baseline pain",
}
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
        what = _PREDICTIONS.get(name, ("", name, "NRS"))
        result.append(Prediction(name, *what, reported, fitted, check.prior, check.posterior, trial, inside))
    return sorted(result, key=lambda one: _ORDER.get(one.name, len(_ORDER)))


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


def limits(reported: Reported) -> tuple[float | None, float | None]:
    """Return the 90 % error of a value, or the limits of a statement; None for an open end."""
    match reported:
        case ReportedValue(value, se):
            return value - SDS_OF_90 * se, value + SDS_OF_90 * se
        case ReportedCount(count=count, n=n):
            from letheon.harms.estimate import jeffreys_interval  # SciPy is heavy

            return jeffreys_interval(count, n, 0.9)
        case ReportedLimits(low, high):
            return low, high
    raise TypeError(type(reported).__name__)


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
    if base in _PARAMETERS:
        return f"{_PARAMETERS[base]}, {study}" if study else _PARAMETERS[base]
    name = _PARAMETERS.get(base.removesuffix(".sd"))
    return f"spread between patients: {name}" if name and base.endswith(".sd") else key


def unit_name(unit: str) -> str:
    """Return a unit of the library as it is read: nothing for a plain number."""
    return _UNITS.get(unit, unit)
