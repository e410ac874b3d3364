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
    return replace(plan, steps=plan.steps._replace(**short)), assemble.arm_data(plan)


@pytest.fixture(scope="module")
def who():
    covariates = Covariates(79.0, 19.0, 7.3, 2.0, 46.0, 12.0, 0.0)
    return jax.jit(jax.vmap(lambda k: people(covariates, 3, k, 16, k % DRAWS), out_axes=-1))(np.arange(FEW))


def one_patient(plan, data, draws, who, number):
    own = assemble.own_values(draws, who)
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
