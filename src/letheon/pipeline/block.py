"""One block of patients through one arm: the compiled heart of the pipeline.

A block has a fixed number of patients (the last block of a population is filled up with further patients, whose
results are dropped), so a patient always meets the same program at the same place, and results do not depend on how
many patients were asked for or who computed which block.
"""

import math
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from letheon import library
from letheon.arrays import Array, jax, jnp
from letheon.body import course, memory, pain, pharmacokinetics, slow_site
from letheon.body.course import Body, Plasma, Steps
from letheon.patients.population import People
from letheon.patients.variability import individual_pk, logit_normal_mean, truncated_lognormal
from letheon.pipeline.arms import ENDPOINT_DAYS, ArmPlan, Part, Structure, choose_enantiomer
from letheon.streams import normals

__all__ = ["BLOCK", "BlockResult", "Switches", "run_block"]

BLOCK = 256
_OCCASIONS = 64  # drawn for each patient; later ones begin anew
_SHORTEST_HALF_LIFE_H = 1 / 60  # an effect site faster than a minute is plasma itself


class Switches(NamedTuple):
    """Numbers that a scenario sets for all arms or one; data, not program.

    Attributes
    ----------
    seed : int
        Seed of the occasions' stream.
    flares : float
        1 if flares happen, else 0.
    expectancy : float
        Relief from unblinding in this arm [NRS].
    norketamine : float
        Weight of norketamine in the block.
    """

    seed: int
    flares: float
    expectancy: float
    norketamine: float


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
    """

    diary: pain.Course
    rival: pain.Course
    dose_mg: Array
    bistable: Array
    profile: dict


class _ArmData(NamedTuple):
    """The arrays of an `ArmPlan`."""

    steps: Steps
    count: Array
    absolute: Array
    per_kg: Array
    ceiling: Array
    hours: Array
    epoch_induction: Array
    epoch_occasion: Array
    save: Array
    day_rows: Array
    days: Array
    course_end_day: Array


def _own(draws: Mapping[str, Array], people: People):
    """Look up each patient's draw of the typical values, by ``home.name``."""
    return lambda name: draws[name][people.draw]


def _plasmas(structure: Structure, own, people: People, switches: Switches, arm: _ArmData, number):
    constants = {name: n.canonical for name, n in library.receptor().items() if n.name.startswith("molar")}
    slow = slow_site.rate(own("slow_site.half_life"))
    acute = slow_site.rate(jnp.maximum(own("acute.half_life"), _SHORTEST_HALF_LIFE_H))
    plasmas = []
    for part in structure.parts:
        model = library.pk_model(part.model)
        typical = {name: own(f"{model.id}.{p.same_as or name}") for name, p in model.parameters.items()}
        etas = {
            name: normals(switches.seed, f"occasion {name}", number, _OCCASIONS)[arm.epoch_occasion % _OCCASIONS]
            for name in (model.iov if structure.occasions else ())
        }
        values = individual_pk(model, typical, people, borrow=structure.borrow, occasion_etas=etas)
        values = {name: jnp.broadcast_to(v, arm.epoch_induction.shape) for name, v in values.items()}
        values = choose_enantiomer(values, part.enantiomer)
        if "cln" in values:
            values["cln"] = values["cln"] * arm.epoch_induction
        make = partial(_system, model.structure, part, constants, slow, acute)
        plasmas.append(Plasma(jax.vmap(make)(values), part.enantiomer, part.share, part.drives))
    return tuple(plasmas)


def _system(structure: str, part: Part, constants, slow, acute, values) -> pharmacokinetics.System:
    """Make one enantiomer's system with the effect sites that it drives."""
    system = pharmacokinetics.build(structure, values, part.enantiomer, constants)
    parent = system.readouts[0][0]
    if "levels" in part.drives and part.enantiomer == "s":
        system = pharmacokinetics.with_effect_site(system, "slow", parent, slow)
    if "acute" in part.drives:
        system = pharmacokinetics.with_effect_site(system, "acute", parent, acute)
    return system if "levels" in part.drives else system.only_upstream_of("acute")


def _sd(number: library.Number) -> float:
    """Return the standard deviation of a number's eta."""
    return math.sqrt(number.omega or 0.0)


def _body(own, people: People, switches: Switches) -> Body:
    numbers = library.pain("memory")
    a, n = own("memory.a"), own("memory.n")
    ceiling = memory.folds(a, n)[3]
    log_sd = _sd(numbers["theta"])
    theta = truncated_lognormal(jax.scipy.special.ndtr(people.eta["theta"]), own("memory.theta"), log_sd, ceiling)

    def personal(home, name, role):
        number = (library.receptor() if home == "receptor" else library.pain(home))[name]
        return own(f"{home}.{name}") * jnp.exp(_sd(number) * people.eta[role])

    rate = own("flares.rate") * switches.flares
    return Body(
        memory=memory.Memory(
            theta=theta,
            tau_s=personal("memory", "tau_s", "tau_s"),
            a=a,
            n=n,
            gamma=own("memory.gamma"),
            k_g=own("memory.k_g"),
            tau_g=own("memory.tau_g"),
        ),
        responds=(people.quantile["class"] >= own("memory.p_nonresponse")).astype(float),
        slow_responds=(people.quantile["slow_class"] < own("slow_site.p_response")).astype(float),
        kappa=personal("receptor", "kappa", "kappa"),
        hill=own("receptor.hill"),
        fu=own("receptor.fu"),
        inhibition={s: own(f"receptor.ki_{s}") for s in ("esketamine", "arketamine", "esnorketamine", "arnorketamine")},
        norketamine_weight=switches.norketamine,
        c50_acute=personal("acute", "c50", "c50_acute"),
        arketamine_weight=own("acute.arketamine_weight"),
        placebo=logit_normal_mean(own("placebo.fall"), own("placebo.patient_sd"), people.eta["placebo"]),
        tau_on=own("placebo.tau_on"),
        tau_off=own("placebo.tau_off"),
        expectancy=switches.expectancy,
        c50_slow=own("slow_site.c50"),
        baseline=people.baseline,
        flare_rise=own("flares.rise"),
        flares=pain.flare_days(people.flare_u, rate, own("flares.duration")),
    )


def _patient(structure: Structure, arm: _ArmData, draws, switches: Switches, people: People, number) -> BlockResult:
    """Run one patient."""
    own = _own(draws, people)
    body = _body(own, people, switches)
    plasmas = _plasmas(structure, own, people, switches, arm, number)
    rates = jnp.minimum(arm.absolute + arm.per_kg * people.weight_kg, arm.ceiling).sum(axis=1)
    masses = {
        f"{side}{name}": library.receptor()[f"molar_mass_{name}"].canonical
        for side in ("es", "ar")
        for name in ("ketamine", "norketamine")
    }
    path = course.run(plasmas, body, masses, arm.steps, rates, structure.levels, arm.count)

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
    )


@partial(jax.jit, static_argnames=("structure",))
def _block(structure: Structure, arm: _ArmData, draws, people: People, number, switches: Switches):
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
    arm = _ArmData(
        plan.steps,
        plan.mesh.count,
        plan.absolute,
        plan.per_kg,
        plan.ceiling,
        plan.hours,
        plan.epoch_induction,
        plan.epoch_occasion,
        plan.save,
        plan.day_rows,
        plan.days,
        plan.course_end_day,
    )
    return _block(plan.structure, arm, draws, people, number, switches)
