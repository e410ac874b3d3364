"""Predictions on record: what a trial without results will show, dated, by both pain models."""

import numpy as np

from letheon import library
from letheon._version import __version__
from letheon.definitions import HALF, RELIEF, SLACK
from letheon.patients.uncertainty import typical_values
from letheon.scenario import Scenario, loads
from letheon.study.records import Estimate
from letheon.study.regimens import study
from letheon.study.trial.document import ArmPrediction, Contrast, Prediction, TrialPrediction
from letheon.study.trial.simulation import DRAWS, Arms, Values, simulated_trials

__all__ = ["ketcrps2"]

_DAY = 90
_PATIENTS = 30
_LOW, _HIGH = 3.5, 14.0  # 0.05 and 0.2 mg/kg/h at 70 kg
_SESSIONS = 6
_DIGITS = 3


def _ramps() -> dict[str, dict[str, list[tuple[float, float, float]]]]:
    """Return (start h, hours, mg/h/70kg) of both arms under both readings of a ramp that the registry leaves open."""
    shipped = {arm.name: list(arm.infusions) for arm in study("ketcrps2").arms}
    rising = np.linspace(_LOW, _HIGH, _SESSIONS)
    slow = {
        "continuous": [(24.0 * i, 24.0, float(rate)) for i, rate in enumerate(rising)],
        "intermittent": [
            (start, hours, float(rate)) for (start, hours, _), rate in zip(shipped["intermittent"], rising, strict=True)
        ],
    }
    return {"two steps to the maximum": shipped, "an even rise to the last session": slow}


def _scenario(arms: dict[str, list[tuple[float, float, float]]]) -> Scenario:
    text = f'letheon: 1\ntitle: "ketcrps2"\nfollow_up: {_DAY} days\narms:\n'
    for name, infusions in arms.items():
        text += f"  {name}:\n    drug: esketamine\n    sessions:\n"
        for start, hours, rate in infusions:
            text += f"      - {{at: {start:g} h, rate: {rate:.6g} mg/h/70kg, for: {hours:g} h}}\n"
    return loads(text)


def _interval(values: np.ndarray) -> Estimate:
    low, middle, high = (round(float(x), _DIGITS) for x in np.quantile(values, [0.05, 0.5, 0.95]))
    return Estimate(median=middle, interval_90=(low, high))


def _read(arms: Arms) -> TrialPrediction:
    """Read a trial as planned: scores and responders on day 90, 30 patients an arm."""
    score = {name: entries[:, -1].mean(axis=-1) for name, entries in arms.entries.items()}
    found = {}
    for name, entries in arms.entries.items():
        left = entries.mean(axis=1) / np.maximum(arms.baseline[name], 1e-9)
        found[name] = ArmPrediction(
            nrs_day_90=_interval(score[name]),
            responders_30=_interval((left <= RELIEF + SLACK).mean(axis=-1)),
            responders_50=_interval((left <= HALF + SLACK).mean(axis=-1)),
        )
    difference = score["continuous"] - score["intermittent"]
    lower = round(float(np.mean(difference < 0)), _DIGITS)
    contrast = Contrast(nrs_day_90=_interval(difference), chance_that_continuous_is_lower=lower)
    return TrialPrediction(**found, continuous_minus_intermittent=contrast)


def ketcrps2(date: str, values: Values | None = None) -> Prediction:
    """Predict the KetCRPS-2 trial: 6 days without pause against 6 hours every two weeks, six times."""
    values = typical_values(DRAWS) if values is None else values
    trial = study("ketcrps2")
    last = {arm.name: round(_DAY - max(s + d for s, d, _ in arm.infusions) / 24.0, 1) for arm in trial.arms}
    windows = tuple((float(_DAY - 3 + i), float(_DAY - 2 + i)) for i in range(3))
    predictions = {}
    for ramp, arms in _ramps().items():
        scenario = _scenario(arms)
        predictions[ramp] = {
            model: _read(simulated_trials(scenario, dict.fromkeys(arms, _PATIENTS), windows, model, values, people=64))
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
