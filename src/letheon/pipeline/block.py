"""One block of patients through one arm: the compiled heart of the pipeline.

A block has a fixed number of patients (the last block of a population is filled up with further patients, whose
results are dropped), so a patient always meets the same program at the same place, and results do not depend on how
many patients were asked for or who computed which block.
"""

from functools import partial
from typing import NamedTuple

from letheon.arrays import Array, jax, jnp
from letheon.body import course, memory, pain
from letheon.patients.population import People
from letheon.pipeline.arms import ENDPOINT_DAYS, ArmPlan, Structure
from letheon.pipeline.assemble import (
    ArmData,
    Switches,
    arm_data,
    body_of,
    molar_masses,
    own_values,
    plasmas_of,
    rates_of,
)
from letheon.pipeline.harms import after_dosing, during_infusions

__all__ = ["BLOCK", "BlockResult", "run_block"]

BLOCK = 256


class BlockResult(NamedTuple):
    """What one block of one arm leaves.

    Attributes
    ----------
    diary, rival : pain.Course
        Endpoints under the pain memory and under the slow site.
    dose_mg : array, shape (patient,)
        Drug given [mg].
    bistable : array, shape (patient,)
        1 where a low state exists without drug.
    profile : mapping of str to array, shape (time, patient)
        Levels [ng/mL], ``nmda_block``, ``sensitisation``, ``growth``, ``nrs``, ``slow_site_effect``, ``nrs_slow``.
    harms : mapping of str to array, shape (patient,)
        What `letheon.pipeline.harms` computes.
    """

    diary: pain.Course
    rival: pain.Course
    dose_mg: Array
    bistable: Array
    profile: dict
    harms: dict


def _patient(structure: Structure, arm: ArmData, draws, switches: Switches, people: People, number) -> BlockResult:
    """Run one patient."""
    own = own_values(draws, people)
    body = body_of(own, people, switches)
    plasmas = plasmas_of(structure, own, people, switches, arm, number, harms=True)
    rates = rates_of(arm, people)
    path = course.run(plasmas, body, molar_masses(), arm.steps, rates, structure.levels, arm.count)

    steps = arm.steps
    step_h = jnp.where(jnp.arange(len(steps.level)) < arm.count, steps.h0_h * 2.0**steps.level, 0.0)
    harms = during_infusions(path.sites, step_h, own, people) | after_dosing(arm.dosing, rates, own, people)

    noise_sd, rho = own("diary.noise_sd"), own("diary.rho")

    def read(area):
        daily = jnp.diff(area[arm.day_rows], axis=0) / 24.0
        before = jnp.full(pain.BASELINE_DAYS, people.baseline)
        entries = pain.diary(jnp.concatenate([before, daily]), people.diary_z, noise_sd, rho)
        return pain.read_diary(entries, arm.days, arm.course_end_day, jnp.array(ENDPOINT_DAYS))

    _, _, theta_min, _ = memory.folds(body.memory.a, body.memory.n)
    profile = {
        **path.levels,
        "nmda_block": path.block,
        "sensitisation": path.sensitisation,
        "growth": path.growth,
        "nrs": jnp.minimum(path.pain, 10.0),
        "slow_site_effect": path.slow_effect,
        "nrs_slow": jnp.minimum(path.pain_slow, 10.0),
    }
    return BlockResult(
        diary=read(path.area),
        rival=read(path.area_slow),
        dose_mg=rates @ arm.hours,
        bistable=(body.memory.theta > theta_min).astype(float),
        profile={name: values[arm.save] for name, values in profile.items()},
        harms=harms,
    )


@partial(jax.jit, static_argnames=("structure",))
def _block(structure: Structure, arm: ArmData, draws, people: People, number, switches: Switches):
    one = partial(_patient, structure, arm, draws, switches)
    return jax.vmap(one, in_axes=-1, out_axes=-1)(people, number)


def run_block(plan: ArmPlan, draws, people: People, number, switches: Switches) -> BlockResult:
    """Run one block of patients through one arm.

    Parameters
    ----------
    plan : ArmPlan
        The arm.
    draws : mapping of str to array, shape (draw,)
        Draws of the typical values.
    people : People
        `BLOCK` patients.
    number : int array, shape (patient,)
        Their numbers, for the stream of occasions.
    switches : Switches
        What the scenario sets.

    Returns
    -------
    BlockResult
        Arrays on the device; axes (…, patient).
    """
    return _block(plan.structure, arm_data(plan), draws, people, number, switches)
