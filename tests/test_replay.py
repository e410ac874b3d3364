"""A course replayed on known levels is the course, and can be differentiated in reverse."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from letheon.arrays import jax, jnp
from letheon.body import course
from letheon.patients.population import Covariates, people
from letheon.patients.uncertainty import DRAWS, typical_values
from letheon.pipeline import assemble
from letheon.pipeline.plan import plan_arms
from letheon.scenario import loads

pytestmark = pytest.mark.long

TEXT = """
letheon: 1
title: t
follow_up: 9 days
arms:
  long:
    drug: esketamine
    sessions: [{at: 0 h, rate: 5 mg/h/70kg, for: 24 h}, {at: 24 h, rate: 20 mg/h/70kg, for: 50 h}]
"""
FEW = 6
SWITCHES = assemble.Switches(1, 1.0, 0.0, 0.5)


@pytest.fixture(scope="module")
def arm():
    plan = plan_arms(loads(TEXT))[0]
    short = {f: getattr(plan.steps, f)[: plan.mesh.count] for f in ("level", "piece", "epoch", "day", "time_h")}
    return replace(plan, steps=plan.steps._replace(**short)), plan.data


@pytest.fixture(scope="module")
def who():
    covariates = Covariates(79.0, 19.0, 7.3, 2.0, 46.0, 12.0, 0.0)
    return jax.jit(jax.vmap(lambda k: people(covariates, 3, k, 16, k % DRAWS), out_axes=-1))(np.arange(FEW))


def one_patient(plan, data, draws, who, number):
    own = assemble.patient_values(draws, who)
    body = assemble.body_of(own, who, SWITCHES)
    plasmas = assemble.plasmas_of(plan.structure, own, who, SWITCHES, data, number)
    return plasmas, body, assemble.rates_of(data, who)


def both(plan, data, draws, who, number):
    plasmas, body, rates = one_patient(plan, data, draws, who, number)
    masses = assemble.molar_masses()
    whole = course.run(plasmas, body, masses, plan.steps, rates, plan.structure.levels)
    nodes = course.exposure(plasmas, plan.steps, rates, plan.structure.levels)
    return whole, course.replay(body, masses, plan.steps, nodes)


def test_replaying_known_levels_gives_the_same_course(arm, who):
    draws = {k: jnp.asarray(v) for k, v in typical_values().items()}
    run = jax.jit(jax.vmap(partial(both, *arm, draws), in_axes=-1))
    whole, again = run(who, np.arange(FEW))
    for name, values in whole._asdict().items():
        for one, other in zip(jax.tree.leaves(values), jax.tree.leaves(getattr(again, name)), strict=True):
            assert np.allclose(one, other, rtol=1e-12, atol=1e-13), name


@pytest.mark.parametrize("name", ["memory.theta", "memory.tau_s", "receptor.kappa", "memory.a", "memory.gamma"])
def test_gradients_through_a_replay(arm, who, name):
    plan, data = arm
    draws = {k: jnp.asarray(v) for k, v in typical_values().items()}

    def levels(who, number):
        plasmas, _, rates = one_patient(plan, data, draws, who, number)
        return course.exposure(plasmas, plan.steps, rates, plan.structure.levels)

    nodes = jax.jit(jax.vmap(levels, in_axes=-1))(who, np.arange(FEW))

    @jax.jit
    def mean_pain(factor):
        moved = draws | {name: draws[name] * factor}

        def last(who, nodes):
            body = assemble.body_of(assemble.patient_values(moved, who), who, SWITCHES)
            return course.replay(body, assemble.molar_masses(), plan.steps, nodes).area[-1]

        return jax.vmap(last, in_axes=(-1, 0))(who, nodes).mean() / (9 * 24)

    slope = jax.jit(jax.grad(mean_pain))(1.0)
    step = 1e-5
    difference = (mean_pain(1 + step) - mean_pain(1 - step)) / (2 * step)
    assert slope == pytest.approx(float(difference), rel=1e-6, abs=1e-8)
