"""Predictions on record: what a trial without results will show, dated, by both pain models."""

from dataclasses import replace

import numpy as np

from letheon import library
from letheon._version import __version__
from letheon.definitions import HALF, RELIEF, SLACK
from letheon.library import Study
from letheon.library.evidence import StudyArm
from letheon.patients.uncertainty import typical_values
from letheon.study.records import Estimate, Record, quantiles
from letheon.study.regimens import study, study_scenario
from letheon.study.trial.simulation import DRAWS, Arms, Values, simulated_trials, trial_forecast

_DAY = 90
_PATIENTS = 30
_LOW, _HIGH = 3.5, 14.0  # 0.05 and 0.2 mg/kg/h at 70 kg
_SESSIONS = 6
_DIGITS = 3


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


def _ramps() -> dict[str, Study]:
    """Return the trial under both readings of a ramp that the registry leaves open."""
    trial, rates = study("ketcrps2"), np.linspace(_LOW, _HIGH, _SESSIONS).tolist()

    def rising(arm: StudyArm) -> StudyArm:
        spans = [(start, hours) for start, hours, _ in arm.infusions]
        if arm.name == "continuous":
            spans = [(24.0 * i, 24.0) for i in range(_SESSIONS)]
        return replace(arm, infusions=tuple((*span, rate) for span, rate in zip(spans, rates, strict=True)))

    slow = replace(trial, arms=tuple(map(rising, trial.arms)))
    return {"two steps to the maximum": trial, "an even rise to the last session": slow}


def _interval(values: np.ndarray) -> Estimate:
    low, middle, high = (round(x, _DIGITS) for x in quantiles(values))
    return Estimate(median=middle, interval_90=(low, high))


def _read(arms: Arms) -> TrialPrediction:
    """Read a trial as planned: scores and responders on day 90, 30 patients an arm."""
    score = {name: entries[:, -1].mean(axis=-1) for name, entries in arms.entries.items()}
    predictions = {}
    for name, entries in arms.entries.items():
        left = entries.mean(axis=1) / np.maximum(arms.baseline[name], 1e-9)
        predictions[name] = ArmPrediction(
            nrs_day_90=_interval(score[name]),
            responders_30=_interval((left <= RELIEF + SLACK).mean(axis=-1)),
            responders_50=_interval((left <= HALF + SLACK).mean(axis=-1)),
        )
    difference = score["continuous"] - score["intermittent"]
    lower = round(float(np.mean(difference < 0)), _DIGITS)
    contrast = Contrast(nrs_day_90=_interval(difference), chance_that_continuous_is_lower=lower)
    return TrialPrediction(**predictions, continuous_minus_intermittent=contrast)


def ketcrps2(date: str, values: Values | None = None) -> Prediction:
    """Predict the KetCRPS-2 trial: 6 days without pause against 6 hours every two weeks, six times."""
    values = typical_values(DRAWS) if values is None else values
    trial = study("ketcrps2")
    last = {arm.name: round(_DAY - max(s + d for s, d, _ in arm.infusions) / 24.0, 1) for arm in trial.arms}
    windows = tuple((float(_DAY - 3 + i), float(_DAY - 2 + i)) for i in range(3))
    patients = {arm.name: _PATIENTS for arm in trial.arms}
    predictions = {}
    for ramp, reading in _ramps().items():
        scenario = study_scenario(reading, _DAY)
        predictions[ramp] = {
            model: _read(simulated_trials(trial_forecast(scenario, patients, windows, model, values, 64)))
            for model in library.PAIN_MODELS
        }
    return Prediction(
        trial=trial.id,
        registered_as=trial.setting,
        date=date,
        letheon=__version__,
        posterior_seed={model: library.posterior(model).about.get("seed") for model in library.PAIN_MODELS},
        patients_an_arm=_PATIENTS,
        day=_DAY,
        days_since_last_dose=last,
        predictions=predictions,
    )
