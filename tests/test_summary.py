"""Kaplan-Meier against two libraries."""

import warnings

import lifelines
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines.utils import restricted_mean_survival_time
from scipy import stats

from letheon.pipeline.histograms import Profile, bins_of, digitise
from letheon.pipeline.survival import kaplan_meier


def sample(seed):
    rng = np.random.default_rng(seed)
    return rng.integers(1, 30, 80).astype(float), rng.random(80) < 0.6


@pytest.mark.parametrize("seed", range(5))
def test_curve_and_interval_are_those_of_scipy(seed):
    time, event = sample(seed)
    curve = kaplan_meier(time, event)
    known = stats.ecdf(stats.CensoredData.right_censored(time, ~event)).sf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the interval is undefined where the curve is 0 or 1
        bounds = known.confidence_interval(0.90, method="log-log")
    inside = (curve.share > 0) & (curve.share < 1)
    assert np.allclose(curve.share, known.probabilities)
    assert np.allclose(curve.low[inside], bounds.low.probabilities[inside])
    assert np.allclose(curve.high[inside], bounds.high.probabilities[inside])


def test_median_and_restricted_mean_are_those_of_lifelines():
    time, event = sample(7)
    curve = kaplan_meier(time, event)
    known = lifelines.KaplanMeierFitter().fit(time, event)
    assert curve.first_at_or_below(0.5) == known.median_survival_time_
    assert curve.restricted_mean(20.0) == pytest.approx(restricted_mean_survival_time(known, t=20.0))


def test_without_events_nothing_is_reached():
    curve = kaplan_meier(np.array([5.0, 5.0]), np.array([False, False]))
    assert curve.first_at_or_below(0.5) is None
    assert curve.restricted_mean(5.0) == 5.0


# ---- profiles as counts


def profile_of(blocks, name):
    profile = Profile(blocks[0].shape[0])
    for block in blocks:
        profile.add(digitise({name: block}, block.shape[1]))
    return profile


@pytest.mark.parametrize(("name", "width"), [("nrs", 0.02), ("nmda_block", 0.002), ("sensitisation", 0.002)])
@pytest.mark.parametrize("q", [0.05, 0.5, 0.95])
def test_quantiles_of_even_bins_are_within_a_bin(name, width, q):
    values = np.random.default_rng(1).beta(2, 3, (4, 4001)) * bins_of(name).top
    result = profile_of([values], name).quantiles([name], [1.0], (q,))[0]
    assert np.abs(result - np.quantile(values, q, axis=1)).max() <= width * 1.01


@pytest.mark.parametrize("q", [0.05, 0.5, 0.95])
def test_quantiles_of_levels_are_within_two_per_cent(q):
    values = np.random.default_rng(2).lognormal(3, 2, (3, 4001))
    result = profile_of([values], "esketamine").quantiles(["esketamine"], [1.0], (q,))[0]
    assert np.abs(result / np.quantile(values, q, axis=1) - 1).max() <= 0.0201


def test_no_drug_is_zero_and_not_the_smallest_level():
    assert profile_of([np.zeros((2, 10))], "esketamine").quantiles(["esketamine"], [1.0], (0.95,))[0].tolist() == [
        0.0,
        0.0,
    ]


@given(st.integers(1, 39), st.permutations(range(4)))
def test_counts_merge_exactly_in_any_order_and_cut(cut, order):
    values = np.random.default_rng(3).uniform(0, 10, (5, 40))
    whole = profile_of([values], "nrs")
    halves = profile_of([values[:, :cut], values[:, cut:]], "nrs")
    quarters = np.split(values, 4, axis=1)
    shuffled = profile_of([quarters[i] for i in order], "nrs")
    for q in (0.05, 0.5, 0.95):
        assert np.array_equal(whole.quantiles(["nrs"], [1.0], (q,))[0], halves.quantiles(["nrs"], [1.0], (q,))[0])
        assert np.array_equal(whole.quantiles(["nrs"], [1.0], (q,))[0], shuffled.quantiles(["nrs"], [1.0], (q,))[0])


def test_patients_that_fill_a_block_up_do_not_count():
    values = np.full((1, 8), 3.0)
    values[:, 5:] = 9.0
    profile = Profile(1)
    profile.add(digitise({"nrs": values}, 5))
    assert profile.patients == 5
    assert profile.mean("nrs")[0] == 3.0
    assert profile.quantiles(["nrs"], [1.0], (0.95,))[0][0] < 3.03
