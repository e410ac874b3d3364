"""Trials simulated as they are run: so many patients an arm, each with a diary, under draws of the parameters."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from letheon.arrays import jax
from letheon.patients.uncertainty import typical_values
from letheon.scenario import Scenario
from letheon.study.trial.forward import Forecast, forecast, prepare, without_drug

__all__ = [
    "DRAWS",
    "PEOPLE",
    "REPEATS",
    "Arms",
    "Beat",
    "Progress",
    "Values",
    "forecasts",
    "responds",
    "simulated_trials",
    "start_pain",
]

DRAWS = 256
PEOPLE = 96
REPEATS = 8  # simulated trials for each draw of the posterior
_SEED = 20261122
Values = Mapping[str, np.ndarray]
Progress = Callable[[str, int, int], None]
Beat = Callable[[], None]  # called often, so that work can be stopped


class Arms(NamedTuple):
    """Simulated trials of one study."""

    # (trial, time, patient): diary entries by arm, at the times asked for [NRS]
    entries: Mapping[str, np.ndarray]
    baseline: Mapping[str, np.ndarray]  # (trial, patient): mean entry of the week before


def _stops(windows) -> tuple[float, ...]:
    return tuple(24.0 * d for d in sorted({0.0, *(edge for pair in windows for edge in pair)}))


def forecasts(
    scenario: Scenario, arm: str, stops_h, values: Values, pain: str, people: int, beat: Beat, sham=False, **how: Any
) -> Forecast:
    """Return forecasts under every draw; axes (draw, stop, patient)."""
    cohort = prepare(scenario, arm, people, stops_h=stops_h)
    if sham:
        cohort, how = without_drug(cohort), {**how, "expectancy": 0.0}  # with nothing to see through
    one = jax.jit(lambda own, cohort: forecast(own, cohort, pain, **how))
    rows = []
    # Shapes and times are program, levels and people are data.
    for i in range(len(next(iter(values.values())))):
        beat()
        rows.append(one({name: float(column[i]) for name, column in values.items()}, cohort))
    return jax.tree.map(lambda *x: np.stack([np.asarray(y) for y in x]), *rows)


def responds(values: Values, pain: str) -> np.ndarray:
    """Return the share of patients in whom there is an effect on lasting pain, by draw."""
    share = values["slow_site.p_response"] if pain == "slow_site" else 1.0 - values["memory.p_nonresponse"]
    return np.asarray(share)


def simulated_trials(
    scenario: Scenario,
    patients: Mapping[str, int],
    windows_d,
    pain: str,
    values: Values | None = None,
    repeats: int = REPEATS,
    people: int = PEOPLE,
    sham: Mapping[str, str] | None = None,
    beat: Beat = lambda: None,
    **how,
) -> Arms:
    """Simulate trials as they are run: so many patients an arm, each with a diary.

    Parameters
    ----------
    scenario : Scenario
        Arms.
    patients : mapping of str to int
        Patients of each arm.
    windows_d : sequence of (float, float)
        Windows [day]; one diary entry stands for each.
    pain : str
        Pain model.
    values : mapping of str to array, shape (draw,), optional
        Draws of the typical values; those of the shipped posterior by default.
    repeats : int
        Trials for each draw.
    people : int
        Quasi-random people whom the patients of a trial are drawn from.
    sham : mapping of str to str, optional
        Placebo arms, and the arm that each mirrors.
    beat : callable
        Called before each draw; raises to stop.
    **how
        What `letheon.study.trial.forward.forecast` takes: ``flares``, ``expectancy``, ``norketamine``.

    Returns
    -------
    Arms
        ``draws × repeats`` trials.
    """
    values = typical_values(DRAWS) if values is None else values
    sham = sham or {}
    stops_h = _stops(windows_d)
    draws = len(next(iter(values.values())))
    rng = np.random.default_rng(_SEED)
    noise, rho = float(np.median(values["diary.noise_sd"])), float(np.median(values["diary.rho"]))
    correlation = rho ** (24.0 * np.abs(np.subtract.outer(*(2 * [np.array([b for _, b in windows_d])]))) / 24.0)
    root = np.linalg.cholesky(correlation + 1e-12 * np.eye(len(correlation)))
    week = noise * math.sqrt((1 + 2 * sum((1 - k / 7) * rho**k for k in range(1, 7))) / 7)
    rows = [[stops_h.index(24.0 * edge) for edge in pair] for pair in windows_d]
    entries, baselines = {}, {}
    for arm, n in patients.items():
        source = sham.get(arm, arm)
        shown = forecasts(scenario, source, stops_h, values, pain, people, beat, arm in sham, **how)
        hours = np.array([stops_h[b] - stops_h[a] for a, b in rows])[:, None]
        means = [
            np.stack([fate.area[:, b] - fate.area[:, a] for a, b in rows], axis=1) / hours
            for fate in (shown.responders, shown.others)
        ]
        start = start_pain(scenario, source, people)
        who = rng.integers(people, size=(draws, repeats, n))
        yes = (rng.uniform(size=who.shape) < responds(values, pain)[:, None, None]) & (arm not in sham)
        at = np.arange(draws)[:, None, None]
        latent = np.where(
            yes[:, None], means[0][at, :, who].transpose(0, 3, 1, 2), means[1][at, :, who].transpose(0, 3, 1, 2)
        )
        wobble = noise * np.einsum("ij,djrn->dirn", root, rng.normal(size=latent.shape))
        seen = np.clip(np.floor(latent + wobble + 0.5), 0.0, 10.0)
        before = np.clip(start[who] + week * rng.normal(size=who.shape), 0.0, 10.0)
        entries[arm] = seen.transpose(0, 2, 1, 3).reshape(draws * repeats, len(rows), n)
        baselines[arm] = before.reshape(draws * repeats, n)
    return Arms(entries, baselines)


def start_pain(scenario: Scenario, arm: str, people: int) -> np.ndarray:
    """Return the latent baseline of the people; the same in every arm."""
    cohort = prepare(scenario, arm, people, stops_h=(0.0, 24.0))
    return np.asarray(cohort.people.baseline)
