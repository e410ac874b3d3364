"""Predictions on record: what a trial without results will show, dated, by both pain models."""

from typing import Any

import numpy as np

from letheon import library
from letheon._version import __version__
from letheon.patients.uncertainty import typical_values
from letheon.scenario import Scenario, loads
from letheon.study.trials import study
from letheon.study.validation import DRAWS, Arms, Values, simulated_trials

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


def _interval(values: np.ndarray) -> dict[str, Any]:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return {"median": round(float(middle), _DIGITS), "interval_90": [round(float(x), _DIGITS) for x in (low, high)]}


def _read(arms: Arms) -> dict[str, Any]:
    """Read a trial as planned: scores and responders on day 90, 30 patients an arm."""
    told: dict[str, Any] = {}
    score = {name: entries[:, -1].mean(axis=-1) for name, entries in arms.entries.items()}
    for name, entries in arms.entries.items():
        left = entries.mean(axis=1) / np.maximum(arms.baseline[name], 1e-9)
        told[name] = {
            "nrs_day_90": _interval(score[name]),
            "responders_30": _interval((left <= 0.7 + 1e-9).mean(axis=-1)),
            "responders_50": _interval((left <= 0.5 + 1e-9).mean(axis=-1)),
        }
    difference = score["continuous"] - score["intermittent"]
    told["continuous_minus_intermittent"] = {
        "nrs_day_90": _interval(difference),
        "chance_that_continuous_is_lower": round(float(np.mean(difference < 0)), _DIGITS),
    }
    return told


def ketcrps2(date: str, values: Values | None = None) -> dict[str, Any]:
    """Predict the KetCRPS-2 trial: 6 days without pause against 6 hours every two weeks, six times.

    Parameters
    ----------
    date : str
        Day of the prediction, ``YYYY-MM-DD``.
    values : mapping of str to array, shape (draw,), optional
        Draws of the typical values; those of the shipped posteriors by default.

    Returns
    -------
    dict
        By ramp and pain model: medians and 90 % intervals of what a trial of 30 an arm shows on day 90, as one diary
        entry (mean of the last three for responders).
    """
    values = typical_values(DRAWS) if values is None else values
    trial = study("ketcrps2")
    last = {arm.name: round(_DAY - max(s + d for s, d, _ in arm.infusions) / 24.0, 1) for arm in trial.arms}
    windows = tuple((float(_DAY - 3 + i), float(_DAY - 2 + i)) for i in range(3))
    found: dict[str, Any] = {}
    for ramp, arms in _ramps().items():
        scenario = _scenario(arms)
        found[ramp] = {
            model: _read(simulated_trials(scenario, dict.fromkeys(arms, _PATIENTS), windows, model, values, people=64))
            for model in library.PAIN_MODELS
        }
    return {
        "trial": trial.id,
        "registered_as": trial.setting,
        "date": date,
        "letheon": __version__,
        "posterior_seed": {m: library.posterior(m).about.get("seed") for m in library.PAIN_MODELS},
        "patients_an_arm": _PATIENTS,
        "day": _DAY,
        "days_since_last_dose": last,
        "predictions": found,
    }
