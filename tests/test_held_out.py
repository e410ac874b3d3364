"""Held-out trials: the chance of what they reported, against exact laws and trials simulated one by one."""

import math

import numpy as np
import pytest
from scipy import stats

from letheon.patients.uncertainty import typical_values
from letheon.study.regimens import study, study_scenario
from letheon.study.trial.simulation import ArmForecast, TrialForecast, draw_trials, trial_forecasts
from letheon.study.validate.between_studies import with_spread
from letheon.study.validate.chance import (
    LOWER,
    NO_DIFFERENCE,
    EventChance,
    MeanTest,
    all_found,
    event_chance,
    nobody_chance,
)
from letheon.study.validate.held_out import HELD_OUT, Scored
from letheon.study.validate.scores import total


def trial(falls: dict[str, tuple[float, float]], n: int, windows: int = 1, alike: int = 0) -> TrialForecast:
    """Make arms in which pain falls [NRS] as given in each class; two draws, one with more of the first, or many alike."""
    rng = np.random.default_rng(1)
    start = np.full(16, 5.0) if alike else rng.uniform(4.5, 8.0, 16)
    shares = np.full(alike, 0.5) if alike else np.array([0.6, 0.4])
    arms = {}
    for name, both in falls.items():
        latent = start - np.array(both)[None, :, None, None] * np.ones((len(shares), 2, windows, 16))
        arms[name] = ArmForecast(n, latent, start, shares)
    return TrialForecast(arms, np.eye(windows), 0.6)


def both_lower(windows: int) -> tuple[MeanTest, ...]:
    """Return what the trial of 3, 5 and 7 days found, at so many times."""
    names = (("b", "a", LOWER), ("c", "a", LOWER), ("c", "b", NO_DIFFERENCE))
    return tuple(
        MeanTest("", {one: tuple(at), other: tuple(-at)}, finding, "")
        for at in np.eye(windows)
        for one, other, finding in names
    )


def test_a_rare_event_has_the_chance_that_brute_force_gives():
    """Red when weights, tilts or the density of a proposal are wrong: every one of them cancels in the mean."""
    ketamine_trial, tests = trial({"a": (1.0, 0.0), "b": (1.6, 0.0), "c": (2.0, 0.0)}, 25, 2), both_lower(2)
    result = event_chance(ketamine_trial, lambda arms: all_found(tests, arms), tests)
    n = 12_000
    hits = all_found(tests, draw_trials(ketamine_trial, n, np.random.default_rng(7))[0]).reshape(2, n).sum(axis=1)
    assert hits.min() > 50 and hits.max() < 0.05 * n
    for d in range(2):
        error = math.hypot(math.sqrt(hits[d]) / n, math.sqrt(result.variances[d]))
        assert result.chances[d] == pytest.approx(hits[d] / n, abs=3.5 * error)
    assert result.error < 0.06 * result.mean


def test_a_chance_has_no_floor():
    """A change of one arm that is normal but for rounding has a t statistic of Student's law, far in its tail too."""
    ketamine_trial, test = trial({"a": (-0.5, -0.5)}, 9, 4, alike=64), MeanTest("", {"a": (0.25,) * 4}, LOWER, "")
    result = event_chance(ketamine_trial, lambda arms: all_found([test], arms), [test])
    exact = stats.nct.cdf(-test.critical({"a": 9}), 8, 3.0 * 0.5 / math.sqrt((1.0 + 1 / 12) / 4 + 0.6**2))
    assert exact < 2e-4
    assert result.mean == pytest.approx(exact, rel=0.15)
    assert 0 < result.error < 0.05 * result.mean


def test_none_of_four_responds_with_the_chance_of_four_alone():
    ketamine_trial = trial({"a": (3.0, 0.0)}, 4)
    event = lambda arms: arms.entries["a"][:, 0] < arms.baseline["a"] - 1.5  # noqa: E731
    result = nobody_chance(ketamine_trial, event, 4)
    n = 20_000
    hits = (
        (event(draw_trials(ketamine_trial, n, np.random.default_rng(7))[0]).sum(axis=1) == 0).reshape(2, n).sum(axis=1)
    )
    np.testing.assert_allclose(result.chances, hits / n, atol=4 * math.sqrt(hits.max()) / n)


@pytest.mark.long
@pytest.mark.parametrize("pain", ["memory", "slow_site"])
def test_draws_that_differ_in_the_effect_of_studies_share_a_forecast(pain):
    """Red when the effects of one set of draws reach another, or another number of it."""
    values = {name: column[:2] for name, column in typical_values(64).items()}
    several = (values, with_spread(values, 0.0), with_spread(values, 0.6))
    scenario = study_scenario(study("sigtermans2009"), 10)
    trial = (scenario, {"esketamine_slow": 9}, ((8.0, 9.0), (9.0, 10.0)), pain)
    shared = trial_forecasts(*trial, several, 4)
    alone = [trial_forecasts(*trial, (one,), 4)[0] for one in several]
    latent = [[one.arms["esketamine_slow"].latent for one in those] for those in (shared, alone)]
    np.testing.assert_allclose(*latent, rtol=1e-12)
    assert np.ptp(latent[0], axis=0).max() > 0.01


def test_totals_weigh_trials_and_leave_each_out():
    """Red when the doubtful trial counts in full; equal draws leave no interval."""
    chances = ((0.02, 0.0001), (0.2, 0.3), (0.02, 0.06))
    scored = [
        Scored(
            held, {m: EventChance(np.full(8, p), np.zeros(8)) for m, p in zip(("one", "two"), pair, strict=True)}, {}
        )
        for held, pair in zip(HELD_OUT, chances, strict=True)
    ]
    result, (first, *rest) = total(scored), (math.log(p / q) for p, q in chances)
    assert HELD_OUT[0].weight == 0.5
    assert result.difference == pytest.approx(0.5 * first + sum(rest))
    assert result.without["duration357"].difference == pytest.approx(sum(rest))
    assert result.difference_90 == pytest.approx((result.difference,) * 2)
