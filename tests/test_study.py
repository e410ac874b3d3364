"""Studies: what they report as likelihoods, against scipy's distributions; how studies differ; their documents."""

import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from letheon.errors import InputError
from letheon.patients.uncertainty import RIVAL, typical_values
from letheon.scenario import loads
from letheon.study.calibrate.contrasts import CONTRASTS, contrasts, with_coverage
from letheon.study.calibrate.document import (
    Adequacy,
    CalibrationReport,
    Predicted,
    ReportedCount,
    ReportedLimits,
    ReportedValue,
)
from letheon.study.calibrate.observations import Band, Count, Gaussian, log_likelihood, resample
from letheon.study.calibrate.trials import observations
from letheon.study.records import Record, decode, encode
from letheon.study.regimens import study
from letheon.study.trial.prediction import Prediction
from letheon.study.trial.simulation import simulated_trials, trial_forecast
from letheon.study.validate.between_studies import SPREADS, with_spread
from letheon.study.validate.document import Validation

COVARIANCE = np.array([[0.26, 0.0, 0.13], [0.0, 0.23, -0.115], [0.13, -0.115, 0.49]])
MEANS = Gaussian("leiden", ("a", "b", "c"), (2.7, 5.4, -1.3), COVARIANCE)


def one(observation, **predicted) -> float:
    return float(log_likelihood([observation], predicted)[0])


def test_values_with_a_joint_error_are_a_multivariate_normal():
    predicted = {"a": 3.0, "b": 5.0, "c": -1.0}
    law = stats.multivariate_normal([3.0, 5.0, -1.0], COVARIANCE)
    assert one(MEANS, **predicted) == pytest.approx(law.logpdf(MEANS.values), rel=1e-12)


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
    band = Band("x", "m", -math.inf, -1.7, math.sqrt(variance - gain @ along), correlated=MEANS, gain=tuple(gain))
    predicted = {"a": 3.0, "b": 5.0, "c": -1.0, "m": -1.5}
    joint = stats.multivariate_normal(
        [3.0, 5.0, -1.0, -1.5], np.block([[COVARIANCE, along[:, None]], [along[None], np.array([[variance]])]])
    )
    both, _ = integrate.quad(lambda m: joint.pdf([*MEANS.values, m]), -8, -1.7, epsabs=1e-14, epsrel=1e-10)
    assert one(MEANS, **predicted) + one(band, **predicted) == pytest.approx(math.log(both), rel=1e-6)


@pytest.mark.long
def test_drawing_again_gives_the_errors_that_the_likelihood_has():
    """Red when `resample` and `log_likelihood` are two different models: the mean log likelihood is the entropy."""
    predicted = {"a": 3.0, "b": 5.0, "c": -1.0, "p": 0.3, "r": 0.18}
    band = Band("x", "r", 0.0, 0.15, 0.05, edges=(0.2, 0.6))
    data = (MEANS, Count("x", "p", 3, 12, 0.5), band)
    seen = np.array([np.asarray(log_likelihood(resample(data, predicted, seed), predicted)) for seed in range(1500)])
    entropy = stats.multivariate_normal(np.zeros(3), COVARIANCE).entropy()
    assert seen[:, 0].mean() == pytest.approx(-entropy, abs=0.12)
    counts = np.array([one(Count("x", "p", k, 12, 0.5), p=0.3) for k in range(13)])
    assert seen[:, 1].mean() == pytest.approx(np.exp(counts) @ counts, abs=0.1)
    edges = (-math.inf, 0.0, 0.15, 0.2, 0.6, math.inf)
    parts = np.array([one(replace(band, low=a, high=b), r=0.18) for a, b in pairwise(edges)])
    assert np.exp(parts).sum() == pytest.approx(1.0, rel=1e-9)
    assert seen[:, 2].mean() == pytest.approx(np.exp(parts) @ parts, abs=0.08)


def test_the_leiden_trial_counts_as_its_abstract_says():
    start, means, overall = observations("memory")[:3]
    assert start.values == (7.2,)
    assert start.covariance[0, 0] == pytest.approx(1.79**2 / 30 / 0.5)  # second-hand: half the weight
    assert means.values[:2] == (2.68, 5.45)
    assert means.values[2] == pytest.approx(-1.27, abs=0.005)  # p = 0.07 with the error of week 1
    assert math.sqrt(means.covariance[2, 2]) == pytest.approx(0.70, abs=0.005)
    assert np.all(np.linalg.eigvalsh(means.covariance) > 0)
    error = math.sqrt(
        means.covariance[2, 2] * (0.5 / 12 + 0.5)
    )  # of twelve weekly differences that correlate by a half
    assert overall.high == pytest.approx(-3.29 * error, rel=1e-3) and overall.low == -math.inf
    assert 0 < overall.sd < error


def test_nobody_is_counted_twice():
    """The slow site has Dahan's estimates from the Leiden patients as its prior, so their means are no data for it."""
    assert not any(o.study == "sigtermans2009" for o in observations("slow_site"))
    assert {o.study for o in observations("memory")} == {
        *("sigtermans2009", "goldberg2010", "noppers2011", "pickering2020", "cohen2023")
    }
    for pain in ("memory", "slow_site"):
        assert all(pain in study(o.study).calibrates for o in observations(pain))


def test_contrasts_are_judged_at_the_size_of_their_trial():
    """Against the difference of two binomials with all twelve patients, whatever weight the counts had in the fit."""
    data = observations("memory")
    names = [name for one in data for name in getattr(one, "names", None) or [one.name]]
    values = {name: np.full(2000, 0.3) for name in names}
    chances = stats.binom.pmf(np.arange(13), 12, 0.3)
    differences = np.convolve(chances, chances[::-1])  # of drug minus placebo, from -12 to 12
    above = differences[12 + 8 - 3 :].sum()  # 8 against 3 of 12
    result = contrasts(data, values, 1)
    assert result["noppers drug minus placebo 45 min"].p_value == pytest.approx(2.0 * above, abs=0.006)
    shift = result["pickering drug minus placebo"]
    sd = math.sqrt((100**2 + 90**2 - 100 * 90) / 20) / 35  # a crossover of twenty, errors that correlate by a half
    assert shift.of_a_trial.interval_90 == pytest.approx((-1.645 * sd, 1.645 * sd), abs=0.02)
    assert set(result) == set(CONTRASTS)
    printed = with_coverage({"noppers drug day 7": Predicted(0.3, (0.3, 0.3), (2 / 12, 5 / 12))}, data, values, 1)
    assert printed["noppers drug day 7"].coverage == pytest.approx(chances[2:6].sum(), abs=0.01)


# ---- validation: studies that differ, expectancy

DOCS = Path(__file__).resolve().parent.parent / "docs"


@pytest.mark.parametrize("sd", [0.0, 0.3, 0.6])
def test_studies_differ_by_the_spread_between_them(sd):
    values = typical_values(64)
    own = with_spread(values, sd)
    effects = {"between.effect", f"{RIVAL}between.effect"}
    assert {name for name in values if not np.array_equal(values[name], own[name])} == effects
    for name in effects:
        assert np.mean(own[name]) == pytest.approx(0.0, abs=1e-12)
        assert np.std(own[name]) == pytest.approx(sd, rel=0.03, abs=1e-12)
    assert with_spread(values, SPREADS["fitted"]) is values


@pytest.mark.slow
def test_expectancy_acts_on_the_drug_alone():
    """Who gets placebo has nothing to see through; red when both arms share a forecast."""
    draws = {name: column[:4] for name, column in typical_values(64).items()}
    scenario = loads(
        "letheon: 1\ntitle: x\nfollow_up: 6 days\n"
        "arms: {drug: {drug: esketamine, sessions: [{at: 0 h, rate: 20 mg/h/70kg, for: 48 h}]}}"
    )
    trial = ({"drug": 40, "placebo": 40}, ((4.0, 5.0), (5.0, 6.0)), "slow_site", draws, 8, {"placebo": "drug"})
    plain, hopeful = (
        simulated_trials(trial_forecast(scenario, *trial, **switch), 2) for switch in ({}, {"expectancy": 1.0})
    )
    np.testing.assert_array_equal(plain.entries["placebo"], hopeful.entries["placebo"])
    np.testing.assert_array_equal(plain.baseline["drug"], hopeful.baseline["drug"])
    fall = plain.entries["drug"] - hopeful.entries["drug"]
    assert fall.min() >= 0 and 0.4 < fall.mean() <= 1.0


def test_a_trial_of_thirty_an_arm_may_find_what_leiden_found():
    """The memory's 90 % interval of such a trial holds both differences, however far studies lie apart."""
    validation = json.loads((DOCS / "calibration" / "validation.json").read_text(encoding="utf-8"))
    rows = {(r["quantity"], r["sd"]): r for r in validation["between_studies"]["rows"] if r["model"] == "memory"}
    assert {sd for _, sd in rows} == set(SPREADS)
    for week, reported in (("week 1", -2.77), ("week 12", -1.27)):
        for sd in SPREADS:
            row = rows[f"pain minus placebo, {week}", sd]
            assert row["reported"] == pytest.approx(reported, abs=0.01)
            low, high = row["interval_90"]
            assert low < reported < high


# ---- documents: read as records and written again, stored files stay equal in every byte

STORED: dict[str, tuple[type[Record], int | None]] = {
    "calibration/memory.json": (CalibrationReport, 1),
    "calibration/slow_site.json": (CalibrationReport, 1),
    "calibration/adequacy.json": (Adequacy, 1),
    "calibration/validation.json": (Validation, None),
    "predictions/ketcrps2-2026-11-23.json": (Prediction, 1),
}


@pytest.mark.parametrize("name", STORED)
def test_a_stored_document_is_written_again_in_the_same_bytes(name: str) -> None:
    kind, indent = STORED[name]
    text = (DOCS / name).read_text(encoding="utf-8")
    assert encode(decode(text, kind, name), indent) == text


def test_each_kind_of_report_is_recognised() -> None:
    text = (DOCS / "calibration/memory.json").read_text(encoding="utf-8")
    checks = decode(text, CalibrationReport, "memory.json").checks
    mean, count, limits = (checks[n].reported for n in ("baseline mean", "noppers drug day 7", "goldberg baseline"))
    assert isinstance(mean, ReportedValue) and mean.se > 0
    assert isinstance(count, ReportedCount) and count.value == count.count / count.n
    assert isinstance(limits, ReportedLimits) and (limits.low, limits.high) == (8.0, 9.0)
    assert checks["goldberg relief day 2"].reported is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[]", "Expected `object`"),
        ("{", "truncated"),
        ('{"letheon": 1}', r"\$.letheon"),
        ("{}", "`letheon`"),
        ("\xff", ""),
    ],
)
def test_another_document_is_refused_by_name(text: str, fault: str) -> None:
    with pytest.raises(InputError, match=rf"x\.json is not the validation document .*{fault}"):
        decode(text, Validation, "x.json")
