"""Trials simulated as they are run: so many patients an arm, each with a diary, under draws of the parameters."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from letheon.arrays import jax
from letheon.patients.uncertainty import typical_values
from letheon.scenario import Scenario
from letheon.study.records import Progress
from letheon.study.trial.forward import Forecast, forecast, prepare, responds, without_drug

DRAWS = 256
PEOPLE = 96
REPEATS = 8  # simulated trials for each draw of the posterior
_SEED = 20261122
Values = Mapping[str, np.ndarray]  # (draw,): draws of the typical values
Heartbeat = Callable[[], None]  # called often, so that work can be stopped
Windows = Sequence[tuple[float, float]]  # [day]


class Arms(NamedTuple):
    """Simulated trials of one study."""

    # (trial, time, patient): diary entries by arm, at the times asked for [NRS]
    entries: Mapping[str, np.ndarray]
    baseline: Mapping[str, np.ndarray]  # (trial, patient): mean entry of the week before


def heartbeat_of(progress: Progress | None, what: str, done: int, jobs: int) -> Heartbeat:
    """Return a heartbeat that reports how many jobs are done."""
    return (lambda: progress(what, done, jobs)) if progress else lambda: None


def forecasts(
    scenario: Scenario,
    arm: str,
    stops_h: Sequence[float],
    values: Values,
    pain: str,
    people: int,
    heartbeat: Heartbeat,
    sham: bool = False,
    **options: Any,
) -> Forecast:
    """Return forecasts under every draw; axes (draw, stop, patient). Options are those of `forward.forecast`."""
    cohort = prepare(scenario, arm, people, stops_h=stops_h)
    if sham:
        cohort, options = without_drug(cohort), {**options, "expectancy": 0.0}  # with nothing to see through
    one: Any = jax.jit(lambda own, cohort: forecast(own, cohort, pain, **options))
    rows = []
    # Shapes and times are program, levels and people are data.
    for i in range(len(next(iter(values.values())))):
        heartbeat()
        rows.append(one({name: float(column[i]) for name, column in values.items()}, cohort))
    return jax.tree.map(lambda *x: np.stack([np.asarray(y) for y in x]), *rows)


def simulated_trials(
    scenario: Scenario,
    patients: Mapping[str, int],
    windows_d: Windows,
    pain: str,
    values: Values | None = None,
    repeats: int = REPEATS,
    people: int = PEOPLE,
    sham: Mapping[str, str] | None = None,
    heartbeat: Heartbeat = lambda: None,
    **options: Any,
) -> Arms:
    """Simulate trials as they are run: so many patients an arm, each with a diary; ``draws × repeats`` of them.

    One diary entry stands for each window [day]. Patients are drawn from quasi-random `people`; `sham` are placebo
    arms, and the arm that each mirrors. Values are those of the shipped posterior by default. The heartbeat is called
    before each draw and raises to stop. Options are those of `letheon.study.trial.forward.forecast`: ``flares``,
    ``expectancy``, ``norketamine``.
    """
    values = typical_values(DRAWS) if values is None else values
    sham = sham or {}
    stops_h = tuple(24.0 * d for d in sorted({0.0, *(edge for pair in windows_d for edge in pair)}))
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
        shown = forecasts(scenario, source, stops_h, values, pain, people, heartbeat, arm in sham, **options)
        hours = np.array([stops_h[b] - stops_h[a] for a, b in rows])[:, None]
        means = [
            np.stack([course.area[:, b] - course.area[:, a] for a, b in rows], axis=1) / hours
            for course in (shown.responders, shown.others)
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
