"""What studies report as likelihoods: against scipy's distributions, and against what they themselves draw."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from letheon.study.calibrate.observations import Band, Count, Gaussian, log_likelihood, resample
from letheon.study.calibrate.trials import observations
from letheon.study.regimens import study

COVARIANCE = np.array([[0.26, 0.0, 0.13], [0.0, 0.23, -0.115], [0.13, -0.115, 0.49]])
MEANS = Gaussian("leiden", ("a", "b", "c"), (2.7, 5.4, -1.3), COVARIANCE)


def one(observation, **predicted) -> float:
    return float(log_likelihood([observation], predicted)[0])


def test_values_with_a_joint_error_are_a_multivariate_normal():
    report = {"a": 3.0, "b": 5.0, "c": -1.0}
    law = stats.multivariate_normal([3.0, 5.0, -1.0], COVARIANCE)
    assert one(MEANS, **report) == pytest.approx(law.logpdf(MEANS.values), rel=1e-12)


@pytest.mark.parametrize(("k", "n", "p"), [(0, 12, 0.2), (3, 12, 0.2), (12, 12, 0.9), (1, 4, 0.01)])
def test_a_count_of_full_weight_is_binomial(k, n, p):
    assert one(Count("x", "p", k, n), p=p) == pytest.approx(stats.binom.logpmf(k, n, p), rel=1e-9)


@pytest.mark.parametrize("weight", [0.33, 0.5, 0.8])
def test_a_count_of_less_weight_scatters_like_fewer_patients(weight):
    """Beta-binomial, whose variance is that of a share among n·w patients."""
    n, p = 12, 0.3
    chances = np.exp([one(Count("x", "p", k, n, weight), p=p) for k in range(n + 1)])
    k = np.arange(n + 1)
    assert chances.sum() == pytest.approx(1.0, rel=1e-9)
    assert chances @ k == pytest.approx(n * p, rel=1e-9)
    assert chances @ (k - n * p) ** 2 == pytest.approx(n**2 * p * (1 - p) / (n * weight), rel=1e-9)


@given(centre=st.floats(-3, 3), low=st.floats(-2, 1), width=st.floats(0.01, 3), sd=st.floats(0.05, 2))
def test_a_statement_is_the_chance_to_be_seen_in_its_band(centre, low, width, sd):
    a, b = sorted(abs(x - centre) / sd for x in (low, low + width))
    if low < centre < low + width:
        exact = math.log(1 - stats.norm.sf(a) - stats.norm.sf(b))
    else:  # both limits on one side, so that the tail keeps its digits
        exact = stats.norm.logsf(a) + math.log1p(-math.exp(min(stats.norm.logsf(b) - stats.norm.logsf(a), -1e-12)))
    if b < 35:
        result = one(Band("x", "r", low, low + width, sd), r=centre)
        assert result == pytest.approx(exact, rel=1e-6, abs=1e-8)


def test_a_statement_about_the_same_patients_takes_their_errors_along():
    """Against the integral over the joint normal of three values and a mean that goes along with them."""
    along = np.array([0.14, -0.12, 0.26])
    variance = 0.27
    gain = np.linalg.solve(COVARIANCE, along)
    band = Band("x", "m", -math.inf, -1.7, math.sqrt(variance - gain @ along), given=MEANS, gain=tuple(gain))
    report = {"a": 3.0, "b": 5.0, "c": -1.0, "m": -1.5}
    joint = stats.multivariate_normal(
        [3.0, 5.0, -1.0, -1.5], np.block([[COVARIANCE, along[:, None]], [along[None], np.array([[variance]])]])
    )
    both, _ = integrate.quad(lambda m: joint.pdf([*MEANS.values, m]), -8, -1.7, epsabs=1e-14, epsrel=1e-10)
    assert one(MEANS, **report) + one(band, **report) == pytest.approx(math.log(both), rel=1e-6)


@pytest.mark.long
def test_drawing_again_gives_the_errors_that_the_likelihood_has():
    """Red when `resample` and `log_likelihood` are two different models: the mean log likelihood is the entropy."""
    report = {"a": 3.0, "b": 5.0, "c": -1.0, "p": 0.3, "r": 0.18}
    band = Band("x", "r", 0.0, 0.15, 0.05, edges=(0.2, 0.6))
    data = (MEANS, Count("x", "p", 3, 12, 0.5), band)
    seen = np.array([np.asarray(log_likelihood(resample(data, report, seed), report)) for seed in range(1500)])
    entropy = stats.multivariate_normal(np.zeros(3), COVARIANCE).entropy()
    assert seen[:, 0].mean() == pytest.approx(-entropy, abs=0.12)
    counts = np.array([one(Count("x", "p", k, 12, 0.5), p=0.3) for k in range(13)])
    assert seen[:, 1].mean() == pytest.approx(np.exp(counts) @ counts, abs=0.1)
    edges = (-math.inf, 0.0, 0.15, 0.2, 0.6, math.inf)
    parts = np.array([one(replace(band, low=a, high=b), r=0.18) for a, b in pairwise(edges)])
    assert np.exp(parts).sum() == pytest.approx(1.0, rel=1e-9)
    assert seen[:, 2].mean() == pytest.approx(np.exp(parts) @ parts, abs=0.08)


# ---- what the trials reported


def test_the_leiden_trial_counts_as_its_abstract_says():
    start, means, overall = observations("memory")[:3]
    assert start.values == (7.2,)
    assert start.covariance[0, 0] == pytest.approx(1.79**2 / 30 / 0.5)  # second-hand: half the weight
    assert means.values[:2] == (2.68, 5.45)
    assert means.values[2] == pytest.approx(-1.27, abs=0.005)  # p = 0.07 with the error of week 1
    assert math.sqrt(means.covariance[2, 2]) == pytest.approx(0.70, abs=0.005)
    assert np.all(np.linalg.eigvalsh(means.covariance) > 0)
    assert overall.high == pytest.approx(-3.29 * overall_error(means), rel=1e-3) and overall.low == -math.inf
    assert 0 < overall.sd < overall_error(means)


def overall_error(means: Gaussian) -> float:
    """SE of the mean of twelve weekly differences that correlate by a half."""
    return math.sqrt(means.covariance[2, 2] * (0.5 / 12 + 0.5))


def test_nobody_is_counted_twice():
    """The slow site has Dahan's estimates from the Leiden patients as its prior, so their means are no data for it."""
    assert not any(o.study == "sigtermans2009" for o in observations("slow_site"))
    assert {o.study for o in observations("memory")} == {
        *("sigtermans2009", "goldberg2010", "noppers2011", "pickering2020", "cohen2023")
    }
    for pain in ("memory", "slow_site"):
        assert all(pain in study(o.study).calibrates for o in observations(pain))
