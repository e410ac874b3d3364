"""Trials simulated as they are run: so many patients an arm, each with a diary, under draws of the parameters."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from letheon.arrays import jax
from letheon.patients.uncertainty import RIVAL, typical_values
from letheon.scenario import Scenario
from letheon.study.records import Progress
from letheon.study.trial.forward import Cohort, Forecast, forecast, prepare, responds, without_drug

DRAWS = 256
PEOPLE = 96
REPEATS = 8  # simulated trials for each draw of the posterior
EFFECTS = ("between.effect", f"{RIVAL}between.effect")  # of a study, under each pain model
_SEED = 20261122
Values = Mapping[str, np.ndarray]  # (draw,): draws of the typical values
Heartbeat = Callable[[], None]  # called often, so that work can be stopped
Windows = Sequence[tuple[float, float]]  # [day]


class Arms(NamedTuple):
    """Simulated trials of one study."""

    # (trial, time, patient): diary entries by arm, at the times asked for [NRS]
    entries: Mapping[str, np.ndarray]
    baseline: Mapping[str, np.ndarray]  # (trial, patient): mean entry of the week before


class ArmForecast(NamedTuple):
    """What the people of an arm would show, before its patients are drawn from them."""

    n: int  # patients to be drawn
    # (draw, class, window, person): mean latent pain, with (0) and without (1) an effect on lasting pain [NRS]
    latent: np.ndarray
    start: np.ndarray  # (person,): latent baseline [NRS]
    share: np.ndarray  # (draw,): chance that a patient belongs to the first class

    def log_chances(self) -> np.ndarray:
        """Return the log chance (draw, class × person) that a patient is this person, of this class."""
        classes = np.stack([self.share, 1.0 - self.share], axis=1) / len(self.start)
        return np.repeat(np.log(np.maximum(classes, 1e-300)), len(self.start), axis=1)

    def change(self) -> np.ndarray:
        """Return the latent change from baseline (draw, window, class × person) [NRS]."""
        change = (self.latent - self.start).transpose(0, 2, 1, 3)
        return change.reshape(*change.shape[:2], -1)


class TrialForecast(NamedTuple):
    """A trial before its patients are drawn and write their diaries."""

    arms: Mapping[str, ArmForecast]
    root: np.ndarray  # (window, window): Cholesky factor of the covariance of the noise of diary entries [NRS]
    week: float  # SD of the mean noise of the week before [NRS]


def heartbeat_of(progress: Progress | None, what: str, done: int, jobs: int) -> Heartbeat:
    """Return a heartbeat that reports how many jobs are done."""
    return (lambda: progress(what, done, jobs)) if progress else lambda: None


@cache
def _program(pain: str, options: tuple[tuple[str, Any], ...]) -> Any:
    """Return a compiled forecast. Shapes and times are program, levels and people are data."""

    def one(values: dict[str, Any], effects: dict[str, Any], cohort: Cohort) -> Forecast:
        # the effect of a study acts on relief alone: sensitisation is carried once for all of them
        return jax.vmap(lambda own: forecast(values | own, cohort, pain, **dict(options)))(effects)

    return jax.jit(one)


def forecasts(
    scenario: Scenario,
    arm: str,
    stops_h: Sequence[float],
    several: Sequence[Values],
    pain: str,
    people: int,
    heartbeat: Heartbeat,
    sham: bool = False,
    **options: Any,
) -> list[Forecast]:
    """Return forecasts under every draw; axes (draw, stop, patient). Options are those of `forward.forecast`.

    The sets of draws differ in the effects of studies alone; there is one forecast for each.
    """
    cohort = prepare(scenario, arm, people, stops_h=stops_h)
    options = {"expectancy": 0.0, **options}
    if sham:
        cohort, options = without_drug(cohort), {**options, "expectancy": 0.0}  # with nothing to see through
    one = _program(pain, tuple(sorted(options.items())))
    rows = []
    for i in range(len(next(iter(several[0].values())))):
        heartbeat()
        effects = {name: np.array([float(values[name][i]) for values in several]) for name in EFFECTS}
        rows.append(one({name: float(column[i]) for name, column in several[0].items()}, effects, cohort))
    every = jax.tree.map(lambda *x: np.stack([np.asarray(y) for y in x], axis=1), *rows)
    return [jax.tree.map(lambda x, k=k: x[k], every) for k in range(len(several))]


def trial_forecast(
    scenario: Scenario,
    patients: Mapping[str, int],
    windows_d: Windows,
    pain: str,
    values: Values | None = None,
    people: int = PEOPLE,
    sham: Mapping[str, str] | None = None,
    heartbeat: Heartbeat = lambda: None,
    **options: Any,
) -> TrialForecast:
    """Return what the people of each arm would show under every draw of the parameters, the shipped ones by default.

    The rest is as for `trial_forecasts`.
    """
    several = (typical_values(DRAWS) if values is None else values,)
    return trial_forecasts(scenario, patients, windows_d, pain, several, people, sham, heartbeat, **options)[0]


def trial_forecasts(
    scenario: Scenario,
    patients: Mapping[str, int],
    windows_d: Windows,
    pain: str,
    several: Sequence[Values],
    people: int = PEOPLE,
    sham: Mapping[str, str] | None = None,
    heartbeat: Heartbeat = lambda: None,
    **options: Any,
) -> list[TrialForecast]:
    """Return what the people of each arm would show under every draw, once for each set of draws as in `forecasts`.

    One diary entry stands for each window [day]. Patients will be drawn from quasi-random `people`; `sham` are placebo
    arms, and the arm that each mirrors. The heartbeat is called before each draw and raises to stop. Options are those
    of `letheon.study.trial.forward.forecast`: ``flares``, ``expectancy``, ``norketamine``.
    """
    values, sham = several[0], sham or {}
    stops_h = tuple(24.0 * d for d in sorted({0.0, *(edge for pair in windows_d for edge in pair)}))
    noise, rho = float(np.median(values["diary.noise_sd"])), float(np.median(values["diary.rho"]))
    correlation = rho ** np.abs(np.subtract.outer(*(2 * [np.array([b for _, b in windows_d])])))
    root = noise * np.linalg.cholesky(correlation + 1e-12 * np.eye(len(correlation)))
    week = noise * math.sqrt((1 + 2 * sum((1 - k / 7) * rho**k for k in range(1, 7))) / 7)
    rows = [[stops_h.index(24.0 * edge) for edge in pair] for pair in windows_d]
    hours = np.array([stops_h[b] - stops_h[a] for a, b in rows])[:, None]
    every: list[dict[str, ArmForecast]] = [{} for _ in several]
    for arm, n in patients.items():
        source = sham.get(arm, arm)
        start = start_pain(scenario, source, people)
        shown = forecasts(scenario, source, stops_h, several, pain, people, heartbeat, arm in sham, **options)
        for arms, own in zip(every, shown, strict=True):
            latent = [
                np.stack([course.area[:, b] - course.area[:, a] for a, b in rows], axis=1) / hours
                for course in (own.responders, own.others)
            ]
            share = np.broadcast_to(responds(values, pain), len(latent[0])) * (arm not in sham)
            arms[arm] = ArmForecast(n, np.stack(latent, axis=1), start, share)
    return [TrialForecast(arms, root, week) for arms in every]


def simulated_trials(trial: TrialForecast, repeats: int = REPEATS) -> Arms:
    """Simulate a trial as it is run, each patient with a diary; ``draws × repeats`` times."""
    return draw_trials(trial, repeats, np.random.default_rng(_SEED))[0]


def draw_trials(
    trial: TrialForecast, repeats: int, rng: np.random.Generator, tilt: Mapping[str, np.ndarray] | None = None
) -> tuple[Arms, dict[str, np.ndarray]]:
    """Draw patients and their diaries, ``draws × repeats`` trials; and what their changes add up to.

    `tilt` (draw, window) by arm multiplies the density of each patient by ``exp(tilt · change)``, up to a constant. The
    change is that before entries are rounded and limited; its sums over patients (trial, window) are returned by arm.
    """
    entries, baselines, sums = {}, {}, {}
    for name, arm in trial.arms.items():
        chances, (draws, _, windows, people) = arm.log_chances(), arm.latent.shape
        pull = np.zeros((draws, windows)) if tilt is None else tilt[name]
        chances = chances + np.einsum("dw,dwc->dc", pull, arm.change())
        steps = np.cumsum(np.exp(chances - chances.max(axis=1, keepdims=True)), axis=1)
        edges = steps / steps[:, -1:] + np.arange(draws)[:, None]
        at = np.arange(draws)[:, None, None]
        ticks = at + rng.uniform(size=(draws, repeats, arm.n)) * (1.0 - 1e-12)
        who = np.searchsorted(edges.ravel(), ticks, side="right") - at * edges.shape[1]
        latent = arm.latent.transpose(0, 1, 3, 2).reshape(draws, -1, windows)[at, who]
        z = rng.normal(size=latent.shape) + (pull @ trial.root)[:, None, None]
        seen = latent + z @ trial.root.T
        week = rng.normal(size=who.shape) - trial.week * pull.sum(axis=1)[:, None, None]
        before = arm.start[who % people] + trial.week * week
        sums[name] = (seen - before[..., None]).sum(axis=2).reshape(-1, windows)
        seen = np.clip(np.floor(seen + 0.5), 0.0, 10.0)
        entries[name] = seen.transpose(0, 1, 3, 2).reshape(-1, windows, arm.n)
        baselines[name] = np.clip(before, 0.0, 10.0).reshape(-1, arm.n)
    return Arms(entries, baselines), sums


def start_pain(scenario: Scenario, arm: str, people: int) -> np.ndarray:
    """Return the latent baseline of the people; the same in every arm."""
    cohort = prepare(scenario, arm, people, stops_h=(0.0, 24.0))
    return np.asarray(cohort.people.baseline)
