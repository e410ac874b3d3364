"""One block of patients through one arm: the compiled heart of the pipeline.

A block has a fixed number of patients (the last block of a population is filled up with further patients, whose
results are dropped), so a patient always meets the same program at the same place, and results do not depend on how
many patients were asked for or who computed which block.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Real

from letheon.arrays import Array, jax, jnp
from letheon.body import course, memory, pain
from letheon.body.branches import packed
from letheon.body.mesh import NEVER
from letheon.body.response import initial_pain_state
from letheon.definitions import BASELINE_DAYS
from letheon.harms import acute
from letheon.patients.population import People
from letheon.pipeline import simulate
from letheon.pipeline.assemble import Switches, body_of, molar_masses, patient_values, plasmas_of, rates_of
from letheon.pipeline.clinic import reach_of
from letheon.pipeline.exposure import initial_exposure, watch_of
from letheon.pipeline.harms import after_dosing, dosing_history, during_infusions
from letheon.pipeline.plan import ArmData, ArmPlan, Structure
from letheon.pipeline.state import DAILY, PROFILE, Exposure, Log, Patient, PatientState, RecordSizes
from letheon.streams import normals, uniforms

__all__ = ["BLOCK", "DECIDED", "BlockResult", "run_block"]

Draws = Mapping[str, Array]
BLOCK = 256
DECIDED = ("dose_mg", "drip_hours", "boosters", "final_rate")  # what a policy may decide by the diary


class BlockResult(NamedTuple):
    """What one block of one arm leaves; the last axis is (patient,)."""

    diary: dict[str, pain.Course]  # endpoints under each pain model
    dose_mg: Array  # drug [mg]
    drip_hours: Array  # hours of it [h]
    dosing_days: Array  # days with it
    boosters: Array
    final_rate: Array  # last rate of the arm's own sessions, in the form of a titration's highest or for 70 kg [mg/h]
    bistable: Array  # 1 where a low state exists without drug
    profile: dict[str, Array]  # shape (time, patient): levels [ng/mL] by substance, then `PROFILE`
    harms: dict[str, Array]  # see `letheon.pipeline.harms`
    log: Log  # what was decided
    exposure: Exposure | None  # where it is asked for


def _patient(
    structure: Structure, arm: ArmData, draws: Draws, switches: Switches, people: People, number: Array
) -> Patient:
    """Build one patient."""
    typical = patient_values(draws, people)
    body = body_of(typical, people, switches)
    plasmas = plasmas_of(structure, typical, people, switches, arm, number, harms=True)
    rates, pump_rates = rates_of(arm, people), rates_of(arm, people, pushes=False)
    noise_sd, rho = typical("diary.noise_sd"), typical("diary.rho")
    lengths = jnp.diff(arm.edge)
    edge, ends = jnp.arange(len(lengths)), arm.edge[1:] >= NEVER
    stretch = jnp.cumsum(ends)  # edges of each kind of booster stand between two ends
    booster = (edge >= arm.boosters[:, None]) & (stretch == stretch[arm.boosters][:, None])
    return Patient(
        body=body,
        s_chronic=initial_pain_state(body).s,
        plasmas=plasmas,
        tables=[
            packed(table, part.system.branches)
            for table, part in zip(course.tables_of(plasmas, arm.h0_h, structure.levels), plasmas, strict=True)
        ],
        rates=rates,
        pump_rates=pump_rates,
        reach=reach_of(arm.rules, people.weight_kg, people.age_years),
        noise=pain.diary_noise(people.diary_z, noise_sd, rho),
        bedside_noise=noise_sd * normals(switches.seed, "bedside", number, simulate.ASSESSMENTS),
        report_threshold=uniforms(switches.seed, "candour", number, 1)[0],
        load_c50=typical("psychedelic.c50") * jnp.exp(typical("psychedelic.c50.sd") * people.eta["c50_psychedelic"]),
        load_weight=typical("psychedelic.arketamine_weight"),
        slope=acute.leiden_slope(typical),
        background=typical("psychedelic.background"),
        spontaneous=typical("psychedelic.spontaneous_share"),
        noticeable=100.0 * typical("psychedelic.noticeable"),
        push_mg=None if arm.limits is None else arm.limits.push_hours * (rates - pump_rates),
        booster_mg=jnp.where(booster, rates[arm.begins[:-1]] * lengths * arm.h0_h, 0.0).sum(axis=1),
        interval_u=uniforms(switches.seed, "interval", number, structure.slots),
        watch=None if arm.sampling is None else watch_of(plasmas, structure.substances),
    )


def _read_patient(
    structure: Structure, arm: ArmData, draws: Draws, people: People, patient: Patient, state: PatientState
) -> BlockResult:
    """Read the results of one simulated patient."""
    typical = patient_values(draws, people)
    daily = dict(zip(DAILY, state.daily.T, strict=True))
    before = jnp.full(BASELINE_DAYS, people.baseline)

    def read(scores: Array) -> Array:
        entries = pain.entry(jnp.concatenate([before, scores]), patient.noise)
        return pain.read_diary(entries, arm.days, arm.course_end_day, arm.endpoint_days, arm.thresholds)

    doses = dosing_history(daily["dose_mg"], arm.days, structure.sizes)
    _, _, theta_min, _ = memory.folds(patient.body.memory.a, patient.body.memory.n)
    counted, form = jnp.arange(len(state.daily)) < arm.days, arm.rules.form
    decided = {
        "dose_mg": jnp.where(counted, daily["dose_mg"], 0.0).sum(),
        "drip_hours": jnp.where(counted, daily["hours"], 0.0).sum(),
        "boosters": state.chart.boosters.astype(float),
        "final_rate": state.tally.final * form[0] / (form[1] + form[2] * people.weight_kg),
    }
    return BlockResult(
        diary={"memory": read(daily["pain"]), "slow_site": read(daily["pain_slow"])},
        **decided,
        dosing_days=(counted & (daily["hours"] > 0.0)).sum().astype(float),
        bistable=(patient.body.memory.theta > theta_min).astype(float),
        profile=dict(zip((*course.level_names(patient.plasmas), *PROFILE), state.profile.T, strict=True)),
        harms=during_infusions(state.tally, typical) | after_dosing(doses, typical, people),
        log=Log(*state.log.T),
        exposure=state.exposure,
    )


# Three programs in turn: in one, the tables of propagators would be laid out as the patients' draws are, patient last,
# and looking one up would cost five times as much.
@partial(jax.jit, static_argnames=("structure", "saves"))
def _build(
    structure: Structure, saves: int, arm: ArmData, draws: Draws, people: People, number: Array, switches: Switches
) -> tuple[Patient, PatientState]:
    sizes = RecordSizes(people.flare_u.shape[0], saves, structure.slots)
    make = partial(_patient, structure, arm, draws, switches)
    patients = jax.vmap(make, in_axes=-1)(people, number)
    exposure = initial_exposure(arm.sampling, len(structure.substances))

    def start(patient: Patient) -> PatientState:
        return simulate.initial_state(molar_masses(), arm, sizes, patient)._replace(exposure=exposure)

    return patients, jax.vmap(start)(patients)


# Wide vectors take a twentieth off the run where a processor has them, and change nothing where it has none.
@partial(jax.jit, donate_argnames=("states",), compiler_options={"xla_cpu_prefer_vector_width": 512})
def _run(arm: ArmData, patients: Patient, states: PatientState) -> PatientState:
    step = partial(simulate.step, molar_masses(), arm, patients)
    start = (states, simulate.initial_plasma(patients))
    return jax.lax.while_loop(lambda now: jnp.any(now[0].clock.day < arm.days), lambda now: step(*now), start)[0]


@partial(jax.jit, static_argnames=("structure",))
def _read_out(
    structure: Structure, arm: ArmData, draws: Draws, people: People, patients: Patient, states: PatientState
) -> Array:
    read = partial(_read_patient, structure, arm, draws)
    return jax.vmap(read, in_axes=(-1, 0, 0), out_axes=-1)(people, patients, states)


def run_block(
    plan: ArmPlan,
    draws: Mapping[str, Real[Array, " draws"]],
    people: People,
    number: Int[Array, " patients"],
    switches: Switches,
    models: Iterable[str] = ("memory",),
) -> dict[str, BlockResult]:
    """Run one block of `BLOCK` patients through one arm; axes of the results (…, patient).

    `draws` holds the typical values, `number` each patient's own for the streams of occasions and bedside reports.
    `models` are the pain models under which it runs (``memory``, ``slow_site``), and the keys of the results. A policy
    acts on the diary, so patients of an arm with one are simulated once under each model's; without one, both diaries
    are those of one simulation.
    """

    def run_under(deciding: str) -> BlockResult:
        arm = plan.data._replace(deciding=np.int64(deciding == "slow_site"))
        patients, states = _build(plan.structure, len(plan.save), arm, draws, people, number, switches)
        return _read_out(plan.structure, arm, draws, people, patients, _run(arm, patients, states))

    first, *others = models
    results = {first: run_under(first)}
    return results | {model: results[first] if plan.policy.fixed else run_under(model) for model in others}
