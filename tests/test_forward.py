"""The forward model of a study: what the pipeline computes, on a coarse mesh, and differentiable."""

import numpy as np
import pytest

from letheon.arrays import jax, jnp
from letheon.body.mesh import Grading
from letheon.scenario import loads
from letheon.study.forward import forecast, middle_values, prepare

SCENARIO = loads(
    """
letheon: 1
title: "a long infusion"
follow_up: 3 weeks
arms:
  drug:
    drug: esketamine
    sessions:
      - {at: 0 h, rate: 5 mg/h/70kg, for: 24 h}
      - {at: 24 h, rate: 20 mg/h/70kg, for: 76 h}
  placebo: {drug: placebo, like: drug}
"""
)
FEW = 16


@pytest.fixture(scope="module")
def cohorts():
    return {arm: prepare(SCENARIO, arm, FEW) for arm in ("drug", "placebo")}


@pytest.fixture(scope="module")
def shown():
    return jax.jit(forecast, static_argnames="flares")


def test_the_coarse_mesh_is_fine_enough(cohorts, shown):
    fine = prepare(SCENARIO, "drug", FEW, Grading())
    assert len(cohorts["drug"].steps.level) < 0.6 * len(fine.steps.level)
    for one, other in zip(shown(middle_values(), cohorts["drug"]), shown(middle_values(), fine), strict=True):
        assert np.abs(one - other).max() < 2e-3  # NRS


def test_the_mean_of_both_fates_is_what_the_pipeline_finds(cohorts, shown):
    """Red when the forward model and the pipeline read parameters, people or days differently."""
    from letheon.runs import simulate

    found = simulate(SCENARIO, patients=2048).document["arms"]
    values = middle_values()
    many = {arm: prepare(SCENARIO, arm, 256) for arm in ("drug", "placebo")}
    share = values["memory.p_nonresponse"]
    for day in (3, 7, 14):
        mean = {}
        for arm, cohort in many.items():
            course = shown(values, cohort)
            mean[arm] = float((1 - share) * course.responders[day - 1].mean() + share * course.others[day - 1].mean())
        score = found["drug"]["endpoints"][f"nrs_day_{day}"]
        # the pipeline draws its parameters, so means over draws differ a little from those at the middle
        assert mean["drug"] - mean["placebo"] == pytest.approx(score["minus_placebo"], abs=0.45)
        assert mean["placebo"] == pytest.approx(found["placebo"]["endpoints"][f"nrs_day_{day}"]["mean"], abs=0.25)


def test_people_are_the_same_in_both_arms(cohorts, shown):
    one, other = cohorts["drug"].people, cohorts["placebo"].people
    assert np.array_equal(one.weight_kg, other.weight_kg)
    sham = shown(middle_values(), cohorts["placebo"])
    assert np.array_equal(sham.responders, sham.others)


def test_without_flares_those_who_do_not_respond_feel_the_acute_effect_alone(cohorts, shown):
    drug, sham = (shown(middle_values(), cohorts[arm], flares=False) for arm in ("drug", "placebo"))
    assert np.all(drug.others[1] < sham.others[1])
    assert np.allclose(drug.others[12:], sham.others[12:], atol=1e-4)
    assert np.allclose(drug.others, drug.slow_others, atol=1e-9)


@pytest.mark.parametrize(
    "name", ["memory.theta", "memory.theta.sd", "memory.tau_s.sd", "receptor.kappa.sd", "memory.n", "placebo.fall"]
)
def test_gradients(cohorts, name):
    values = middle_values()

    @jax.jit
    def mean_pain(factor):
        course = forecast(values | {name: values[name] * factor}, cohorts["drug"])
        return course.responders.mean() + course.slow_responders.mean()

    step = 1e-5
    difference = (mean_pain(1 + step) - mean_pain(1 - step)) / (2 * step)
    assert jax.jit(jax.grad(mean_pain))(jnp.array(1.0)) == pytest.approx(float(difference), rel=1e-5, abs=1e-7)
