"""The forward model of a study: what the pipeline computes, on a coarse mesh, and differentiable."""

import numpy as np
import pytest
from scenarios import scenario_text

from letheon.arrays import jax, jnp
from letheon.body import slow_site
from letheon.patients.uncertainty import DRAWS, typical_values
from letheon.scenario import loads
from letheon.study.trial.forward import (
    FULL,
    flare_shares,
    forecast,
    middle_values,
    prepare,
    slow_levels,
    stack,
    without_drug,
)

pytestmark = pytest.mark.long

SCENARIO = loads(
    scenario_text(
        "drug: {drug: esketamine, sessions: "
        "[{at: 0 h, rate: 5 mg/h/70kg, for: 24 h}, {at: 24 h, rate: 20 mg/h/70kg, for: 76 h}]}",
        "placebo: {drug: placebo, like: drug}",
        weeks=3,
    )
)
FEW = 16


@pytest.fixture(scope="module")
def cohorts():
    return {arm: prepare(SCENARIO, arm, FEW) for arm in ("drug", "placebo")}


@pytest.fixture(scope="module")
def shown():
    return jax.jit(forecast, static_argnames=("pain", "flares"))


def daily(course):
    return np.diff(course.area, axis=0) / 24.0


@pytest.mark.parametrize("pain", ["memory", "slow_site"])
def test_the_coarse_mesh_is_fine_enough(cohorts, shown, pain):
    fine = prepare(SCENARIO, "drug", FEW, FULL)
    assert len(cohorts["drug"].steps.level) < 0.6 * len(fine.steps.level)
    both = (shown(middle_values(), cohort, pain, flares=False) for cohort in (cohorts["drug"], fine))
    for one, other in zip(*both, strict=True):
        assert np.abs(daily(one) - daily(other)).max() < 5e-3  # NRS


def test_the_mean_of_both_classes_is_that_of_the_pipeline(cohorts, shown):
    """Red when the forward model and the pipeline read parameters, people or days differently."""
    from letheon.runs import simulate

    result = simulate(SCENARIO, patients=2048).document["arms"]
    draws = typical_values()
    many = {arm: prepare(SCENARIO, arm, 64) for arm in ("drug", "placebo")}
    mean = {arm: np.zeros(21) for arm in many}
    for k in range(DRAWS):  # the pipeline's patients live under these
        values = {name: float(column[k]) for name, column in draws.items()}
        share = values["memory.p_nonresponse"]
        for arm, cohort in many.items():
            course = shown(values, cohort)
            courses = (1 - share) * daily(course.responders) + share * daily(course.others)
            mean[arm] += courses.mean(axis=1) / DRAWS
    for day in (3, 7, 14):
        score = result["drug"]["by_model"]["memory"]["endpoints"][f"nrs_day_{day}"]
        drug, placebo = mean["drug"][day - 1], mean["placebo"][day - 1]
        assert drug - placebo == pytest.approx(score["against"]["mean"], abs=0.2)
        assert placebo == pytest.approx(score["mean"] - score["against"]["mean"], abs=0.2)


@pytest.mark.parametrize(
    "name", ["memory.theta", "memory.theta.sd", "memory.tau_s.sd", "receptor.kappa.sd", "memory.n", "placebo.fall"]
)
def test_gradients(cohorts, name):
    values = middle_values()

    @jax.jit
    def mean_pain(factor):
        return forecast(values | {name: values[name] * factor}, cohorts["drug"], flares=False).responders.area.mean()

    step = 1e-5
    difference = (mean_pain(1 + step) - mean_pain(1 - step)) / (2 * step)
    assert jax.jit(jax.grad(mean_pain))(jnp.array(1.0)) == pytest.approx(float(difference), rel=1e-5, abs=1e-6)


def test_the_slow_site_follows_its_own_half_life(cohorts):
    """Simpson's rule over the steps against the exact effect compartment of the pharmacokinetics."""
    cohort = cohorts["drug"]
    rate = slow_site.rate(middle_values()["slow_site.half_life"])
    h = np.diff(np.append(cohort.steps.time_h, cohort.stops_h[-1]))
    result = jax.vmap(lambda level: slow_levels(level, h, rate))(cohort.nodes.plasma["esketamine"][:, 0])
    exact = np.asarray(cohort.nodes.slow[:, 0])
    assert np.abs(result - exact).max() < 2e-3 * exact.max()
    assert np.abs(result[:, -1, -1] / exact[:, -1, -1] - 1).max() < 1e-5


def test_flares_cover_what_their_onsets_and_length_say():
    """Overlap by hand: onsets at 10 and 15 h of 8 h each leave 10-23 h, the second flare extending the first."""
    edges = np.arange(0.0, 30.0, 5.0)
    result = flare_shares(np.array([1.0, 1.5, 9.0]), 0.1, 8.0, edges[:-1], edges[1:])
    np.testing.assert_allclose(result, [0, 0, 1, 1, 0.6], atol=1e-12)


def test_a_stack_of_arms_is_each_arm(cohorts, shown):
    short = prepare(SCENARIO, "drug", FEW, stops_h=(0.0, 48.0))
    both = stack([short, cohorts["placebo"]])
    stacked = jax.jit(jax.vmap(lambda c: forecast(middle_values(), c)))(both)
    alone = shown(middle_values(), short)
    np.testing.assert_allclose(stacked.responders.area[0, :2], alone.responders.area, rtol=1e-12)
    np.testing.assert_allclose(stacked.responders.area[1], shown(middle_values(), cohorts["placebo"]).responders.area)


def test_without_drug_is_the_placebo_arm(cohorts, shown):
    """Red when levels, an effect site or the slow site are left standing."""
    for pain in ("memory", "slow_site"):
        bare, sham = (shown(middle_values(), c, pain) for c in (without_drug(cohorts["drug"]), cohorts["placebo"]))
        for course in bare:  # nothing to respond to
            np.testing.assert_allclose(course.pain, sham.others.pain, atol=1e-9)


def test_pieces_with_factors_are_the_regimen_with_these_rates(cohorts, shown):
    """Levels are linear in the rates; red when a factor meets the wrong piece, or a site is left out."""
    text = "{at: 0 h, rate: 10 mg/h/70kg, for: 24 h}, {at: 24 h, rate: 5 mg/h/70kg, for: 76 h}"
    other = loads(scenario_text(f"drug: {{drug: esketamine, sessions: [{text}]}}", weeks=3))
    pieces = prepare(other, "drug", FEW, by_piece=True)
    factors = np.array([[0.5], [4.0]]) * np.ones((2, FEW))
    for pain in ("memory", "slow_site"):
        for one, exact in zip(
            shown(middle_values(), pieces, pain, factors=factors),
            shown(middle_values(), cohorts["drug"], pain),
            strict=True,
        ):
            np.testing.assert_allclose(one.pain, exact.pain, rtol=1e-9)
