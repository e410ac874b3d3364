"""Kaplan-Meier against two libraries."""

import warnings

import lifelines
import numpy as np
import pytest
from lifelines.utils import restricted_mean_survival_time
from scipy import stats

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
