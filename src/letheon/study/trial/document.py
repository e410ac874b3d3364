"""The document of a prediction on record (``docs/predictions``)."""

from letheon.study.records import Estimate, Record

__all__ = ["ArmPrediction", "Contrast", "Prediction", "TrialPrediction"]


class ArmPrediction(Record, frozen=True):
    """What one arm shows: pain [NRS], and shares whose pain fell by 30 and by 50 %."""

    nrs_day_90: Estimate
    responders_30: Estimate
    responders_50: Estimate


class Contrast(Record, frozen=True):
    """Pain in one arm minus the other [NRS], and the chance that it is below 0."""

    nrs_day_90: Estimate
    chance_that_continuous_is_lower: float


class TrialPrediction(Record, frozen=True):
    """What a trial shows under one reading of its ramp and one pain model."""

    continuous: ArmPrediction
    intermittent: ArmPrediction
    continuous_minus_intermittent: Contrast


class Prediction(Record, frozen=True):
    """What the KetCRPS-2 trial will show, by reading of its ramp and by pain model."""

    trial: str
    registered_as: str
    date: str
    letheon: str
    posterior_seed: dict[str, int | None]
    patients_an_arm: int
    day: int
    days_since_last_dose: dict[str, float]
    predictions: dict[str, dict[str, TrialPrediction]]
