"""The chance of what a trial reported, with an error that is a small share of it, however rare the event.

Trials are simulated whole, but most of them from patients and diaries tilted towards the event: the density of each is
multiplied by ``exp(tilt · change)``, and a trial counts with the ratio of its true density to that of all proposals
(mixture importance sampling). A third of the trials are not tilted, so that no weight exceeds three. The tilt is that
of the likeliest way to the event if means of arms were normal; it decides how fast the error falls, never what is
estimated.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats

from letheon.study.trial.simulation import ArmForecast, Arms, TrialForecast, draw_trials

_ALPHA = 0.05  # of a two-sided test
LOWER, NO_DIFFERENCE = "lower", "no difference"
_TARGET = 0.03  # Monte Carlo error of a chance, as a share of it
_SCALES = (0.0, 0.5, 1.0)  # of the tilts of the proposals
_REPEATS = 32  # trials of each draw and proposal in a batch
_BATCHES = 64  # at most
_ALONE = 1024  # trials of each draw in which patients are counted one by one
_SEED = 20261129


@dataclass(frozen=True, slots=True)
class MeanTest:
    """A two-sided t-test of mean changes from baseline, of one arm or between two, and what it found."""

    label: str
    weights: Mapping[str, Sequence[float]]  # (window,) by arm: what is averaged, and which arm is taken from which
    finding: str  # LOWER or NO_DIFFERENCE
    reported: str  # in words
    group: str = ""  # tests of one time

    def estimate(self, changes: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return the contrast [NRS] and its t statistic (trial,) from changes (trial, window, patient) by arm."""
        each = [np.einsum("w,twp->tp", weights, changes[name]) for name, weights in self.weights.items()]
        value = np.sum([one.mean(axis=1) for one in each], axis=0)
        pooled = np.sum([((one - one.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) for one in each], axis=0)
        pooled = pooled / sum(one.shape[1] - 1 for one in each) * sum(1.0 / one.shape[1] for one in each)
        return value, value / np.sqrt(np.maximum(pooled, 1e-18))

    def critical(self, patients: Mapping[str, int]) -> float:
        """Return the t statistic beyond which the test finds a difference, for so many patients an arm."""
        return float(stats.t.ppf(1.0 - _ALPHA / 2.0, sum(patients[name] - 1 for name in self.weights)))

    def region(self, patients: Mapping[str, int]) -> tuple[float, float]:
        """Return between which t statistics the test has its finding."""
        critical = self.critical(patients)
        return (-math.inf, -critical) if self.finding == LOWER else (-critical, critical)


class EventChance(NamedTuple):
    """The chance of an event under each draw, and the Monte Carlo error of each."""

    chances: np.ndarray  # (draw,)
    variances: np.ndarray  # (draw,): of the chances

    @classmethod
    def average(cls, chances: Sequence["EventChance"]) -> "EventChance":
        """Return the chance where each of these is equally likely to be the right one."""
        k = len(chances)
        variances = np.sum([one.variances for one in chances], axis=0) / k**2
        return cls(np.mean([one.chances for one in chances], axis=0), variances)

    @property
    def mean(self) -> float:
        """The chance over all draws."""
        return float(self.chances.mean())

    @property
    def error(self) -> float:
        """Monte Carlo standard error of the mean."""
        return math.sqrt(float(self.variances.sum())) / len(self.chances)


def changes_of(arms: Arms) -> dict[str, np.ndarray]:
    """Return changes from baseline (trial, window, patient) by arm."""
    return {name: entries - arms.baseline[name][:, None, :] for name, entries in arms.entries.items()}


def all_found(tests: Sequence[MeanTest], arms: Arms) -> np.ndarray:
    """Return in which trials every test has its finding."""
    changes = changes_of(arms)
    patients = {name: change.shape[-1] for name, change in changes.items()}
    hits = np.ones(len(next(iter(changes.values()))), bool)
    for test in tests:
        low, high = test.region(patients)
        t = test.estimate(changes)[1]
        hits &= (t >= low) & (t <= high)
    return hits


def event_chance(
    trial: TrialForecast,
    event: Callable[[Arms], np.ndarray],
    tests: Sequence[MeanTest] = (),
    heartbeat: Callable[[], None] = lambda: None,
    target: float = _TARGET,
) -> EventChance:
    """Return the chance that a trial shows an event, to a relative error of `target`.

    `event` says in which of the simulated trials it happens. It should need the `tests` to find what is lower there:
    trials are tilted towards that.
    """
    draws = len(next(iter(trial.arms.values())).share)
    tilts = _tilts(trial, [test for test in tests if test.finding == LOWER])
    proposals = [{name: scale * tilt for name, tilt in tilts.items()} for scale in (_SCALES if tests else (0.0,))]
    norms = [
        np.sum([arm.n * _log_norm(trial, arm, tilt[name]) for name, arm in trial.arms.items()], axis=0)
        for tilt in proposals
    ]
    rng, total, square, count = np.random.default_rng(_SEED), np.zeros(draws), np.zeros(draws), 0
    result = EventChance(total, square)
    for _ in range(_BATCHES):
        for tilt in proposals:
            heartbeat()
            arms, sums = draw_trials(trial, _REPEATS, rng, tilt)
            ratios = np.stack([_log_ratio(own, norm, sums) for own, norm in zip(proposals, norms, strict=True)])
            weights = len(proposals) * np.exp(-np.asarray(special.logsumexp(ratios, axis=0)))
            scores = weights * event(arms).reshape(weights.shape)
            total += scores.sum(axis=1)
            square += (scores**2).sum(axis=1)
        count += len(proposals) * _REPEATS
        mean = total / count
        result = EventChance(mean, np.maximum(square / count - mean**2, 0.0) / count)
        if result.mean > 0.0 and result.error <= target * result.mean:
            break
    return result


def nobody_chance(trial: TrialForecast, event: Callable[[Arms], np.ndarray], patients: int) -> EventChance:
    """Return the chance that none of so many patients of one arm has an event (trial, patient).

    Given a draw, patients are independent; the chance of one is the share of several thousand.
    """
    draws = len(next(iter(trial.arms.values())).share)
    arms, _ = draw_trials(trial, _ALONE, np.random.default_rng(_SEED))
    spared = 1.0 - event(arms).reshape(draws, -1)
    q, n = spared.mean(axis=1), spared.shape[1]
    return EventChance(q**patients, (patients * q ** (patients - 1)) ** 2 * q * (1.0 - q) / n)


def _log_ratio(tilt: Mapping[str, np.ndarray], norm: np.ndarray, sums: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the log density (draw, repeat) of trials under a tilt over their true density."""
    draws = len(norm)
    pulls = [np.einsum("dw,drw->dr", tilt[name], one.reshape(draws, _REPEATS, -1)) for name, one in sums.items()]
    return sum(pulls) - norm[:, None]


def _log_norm(trial: TrialForecast, arm: ArmForecast, tilt: np.ndarray) -> np.ndarray:
    """Return the log (draw,) of the mean of ``exp(tilt · change)`` over the patients and diaries of an arm."""
    latent = special.logsumexp(arm.log_chances() + np.einsum("dw,dwc->dc", tilt, arm.change()), axis=1)
    return latent + 0.5 * ((tilt @ trial.root) ** 2).sum(axis=1) + 0.5 * (trial.week * tilt.sum(axis=1)) ** 2


def _moments(trial: TrialForecast, arm: ArmForecast) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (draw, window) and covariance (draw, window, window) of the change of one patient [NRS]."""
    chances, change = np.exp(arm.log_chances()), arm.change()
    mean = np.einsum("dc,dwc->dw", chances, change)
    second = np.einsum("dc,dwc,dvc->dwv", chances, change, change)
    return mean, second - mean[:, :, None] * mean[:, None, :] + trial.root @ trial.root.T + trial.week**2


def _tilts(trial: TrialForecast, tests: Sequence[MeanTest]) -> dict[str, np.ndarray]:
    """Return the tilt (draw, window) of each arm that puts the means at the likeliest point where the tests find.

    Of normal means with the mean m and the covariance S that is ``m - S A' x``, where x >= 0 minimises
    ``x' A S A' x / 2 - x' (A m - b)``, and A are the contrasts that must lie below b.
    """
    moments = {name: _moments(trial, arm) for name, arm in trial.arms.items()}
    patients = {name: arm.n for name, arm in trial.arms.items()}
    tilts = {name: np.zeros_like(mean) for name, (mean, _) in moments.items()}
    if not tests:
        return tilts
    contrasts = {
        name: np.array([np.broadcast_to(test.weights.get(name, 0.0), mean.shape[1]) for test in tests], float)
        for name, (mean, _) in moments.items()
    }
    critical = np.array([test.critical(patients) for test in tests])
    for d in range(len(next(iter(moments.values()))[0])):
        centre = sum(own @ moments[name][0][d] for name, own in contrasts.items())
        spread = sum(own @ moments[name][1][d] @ own.T / patients[name] for name, own in contrasts.items())
        root = np.linalg.cholesky(spread + 1e-9 * np.trace(spread) * np.eye(len(tests)))
        beyond = centre + critical * np.sqrt(np.diag(spread))
        x, _ = optimize.nnls(root.T, np.linalg.solve(root, beyond))
        for name, own in contrasts.items():
            tilts[name][d] = -(own.T @ x) / patients[name]
    return tilts
