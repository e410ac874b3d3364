"""Patients simulated through an arm, each on a clock of their own.

One step carries every patient of a block from one node to the next of their own mesh: plasma exactly, memory and pain
by `letheon.body.response`. At midnight a patient makes a diary entry, and the clinic decides (`clinic`); a session that
it orders changes that patient's clock alone. Patients are independent, so a result does not depend on the block, and
a patient for whom nothing is decided has the mesh of a fixed timetable.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from letheon.arrays import Array, jax, jnp
from letheon.body import course, pain, response
from letheon.body.branches import at_rest
from letheon.body.mesh import NEVER, step_level
from letheon.body.response import DrugEffects, Levels, PainState, advance_state, drug_effects, latent_pain
from letheon.definitions import BASELINE_DAYS
from letheon.harms import acute
from letheon.pipeline import clinic
from letheon.pipeline.clinic import Chart, Visit
from letheon.pipeline.exposure import add_exposure
from letheon.pipeline.intake import Moment, initial_intake, within_limits
from letheon.pipeline.plan import ArmData
from letheon.pipeline.state import DAILY, Clock, Intake, Log, Patient, PatientState, PlasmaState, RecordSizes, Tally

__all__ = ["ASSESSMENTS", "initial_plasma", "initial_state", "step"]

Masses = Mapping[str, float]  # molar mass [g/mol] by substance
_DAY_H = 24.0
ASSESSMENTS = 64  # bedside scores drawn for each patient; beyond that they repeat


def _row(patient: Patient, levels: Levels, effects: DrugEffects, state: PainState, *latent: Array) -> Array:
    """Return a row of the profile; pain above the end of the scale is reported as its end."""
    values = (effects.block, state.s, state.g, effects.slow_effect, *(jnp.minimum(value, 10.0) for value in latent))
    plasma = [levels.plasma[name] for name in course.level_names(patient.plasmas)]
    return jnp.stack([*plasma, *(jnp.asarray(v, float) for v in values)])


def _halted(chart: Chart, origin: Array, resume: Array) -> Array:
    """Return whether the sessions of the timetable are paused or have been stopped."""
    return (origin == 0) & (chart.ended | (resume < NEVER))


def _rates_of(
    arm: ArmData, patient: Patient, chart: Chart, piece: Array, halted: Array, wean_from: Array
) -> tuple[Array, Array, Array]:
    """Return a piece's rate without pushes as written and as it runs, and that with pushes."""
    whole, written = patient.rates[piece], patient.pump_rates[piece]
    moves = arm.titrated[piece] & (written > 0.0)
    pump_rate = jnp.where(moves, clinic.titrated_rate(chart, patient.reach, written), written)
    weans = arm.weaned[piece] > 0.0
    pump_rate = jnp.where(weans, arm.weaned[piece] * wean_from, pump_rate)
    rate = jnp.where(moves | weans, pump_rate + (whole - written), whole)
    pushes = jnp.where(chart.ended, 0.0, whole - written)  # a pause is one of the pump
    return written, jnp.where(halted, 0.0, pump_rate), jnp.where(halted, pushes, rate)


def _limited(intake: Intake, pump_rate: Array, rate: Array) -> tuple[Array, Array]:
    """Return the rate of the pump, 0 where a limit has stopped it, and that of all drug under the limits."""
    whole = ~intake.limited & ~intake.left_out
    return jnp.where(intake.stopped, 0.0, pump_rate), jnp.where(whole, rate, intake.pump + intake.push)


def _note(
    chart: Chart, log: Array, t: Array | float, pump_rate: Array, kinds: tuple[Array, Array]
) -> tuple[Chart, Array]:
    """Enter what limits did to pump and push into the log."""
    for kind, value in zip(kinds, (pump_rate, jnp.zeros(())), strict=True):
        line = jnp.stack([jnp.asarray(t, float), jnp.asarray(kind, float), value])
        slot = jnp.where(kind > 0, len(log) - 1 - chart.other_events, len(log))
        log = log.at[slot].set(line, mode="drop")
        chart = chart._replace(other_events=chart.other_events + (kind > 0))
    return chart, log


def initial_state(masses: Masses, arm: ArmData, sizes: RecordSizes, patient: Patient) -> PatientState:
    """Return a patient at t = 0 in the chronic state, the first rate running if it begins at once."""
    states = [jnp.zeros(len(p.system.states)) for p in patient.plasmas]
    pain_state, levels = response.initial_pain_state(patient.body), course.levels_of(patient.plasmas, states)
    effects = drug_effects(patient.body, masses, levels)
    runs = arm.edge[0] == 0
    zero, none = jnp.zeros(()), jnp.int64(0)
    before = pain.entry(patient.body.baseline, patient.noise[:BASELINE_DAYS])
    chart = clinic.initial_chart(arm.rules, before, arm.course_end_day, arm.last_day, patient.interval_u[0])
    piece = jnp.where(runs, arm.begins[0], 0)
    written, pump_rate, rate = _rates_of(arm, patient, chart, piece, jnp.bool_(False), zero)
    log, intake = jnp.zeros((sizes.slots, len(Log._fields))), None
    if arm.limits is not None:
        now = Moment(none, piece, runs, jnp.bool_(True), zero, zero, zero)
        rates = pump_rate, rate - pump_rate
        intake, kinds = within_limits(arm, patient, initial_intake(), now, *rates)
        pump_rate, rate = _limited(intake, pump_rate, rate)
        chart, log = _note(chart, log, 0.0, intake.pump, kinds)
    latent = latent_pain(patient.body, effects, 0.0, 1.0), latent_pain(patient.body, effects, 0.0)
    row = _row(patient, levels, effects, pain_state, *latent)
    return PatientState(
        clock=Clock(**dict.fromkeys(Clock._fields, none))._replace(
            edge=runs.astype(jnp.int64),
            save=jnp.int64(1),
            next_titration=jnp.where(written > 0.0, arm.rules.every, NEVER),
            resume=jnp.int64(NEVER),
        ),
        pain_state=pain_state,
        effects=effects,
        tally=Tally(**dict.fromkeys(Tally._fields, zero))._replace(
            piece=jnp.asarray(piece, jnp.int64),
            written=written,
            pump_rate=pump_rate,
            rate=rate,
            sessions=(rate > 0.0).astype(jnp.int64),
            assessments=none,
        ),
        chart=chart,
        daily=jnp.zeros((sizes.days, len(DAILY))),
        profile=jnp.zeros((sizes.saves, *row.shape)).at[0].set(row),
        log=log,
        intake=intake,
    )


class _NextStep(NamedTuple):
    """The next step of a patient: its level, ticks and end, and what that end is."""

    level: Array
    ticks: Array
    tick: Array
    at_edge: Array
    at_midnight: Array
    at_titration: Array
    at_resume: Array
    at_cut: Array | None  # whether a limit of dose is reached; None without limits


class _Node(NamedTuple):
    """A patient at the next node, before anything is decided there."""

    step: _NextStep
    h: Array
    t: Array
    sites: dict[str, Array]
    pain_state: PainState
    effects: DrugEffects
    levels: Levels
    latent_pain: Array
    latent_pain_slow: Array


def _next_step(arm: ArmData, clock: Clock, intake: Intake | None) -> _NextStep:
    """Return the next step: as long as the pace allows, and not beyond the next event."""
    edge, midnight = clock.origin + arm.edge[clock.edge], (clock.day + 1) * arm.per_day
    mark = jnp.minimum(arm.epoch_at[clock.epoch + 1], arm.save_at[clock.save])  # every patient stops at a saved time
    stop = jnp.minimum(jnp.minimum(edge, midnight), jnp.minimum(mark, jnp.minimum(clock.next_titration, clock.resume)))
    if intake is not None:
        stop = jnp.minimum(stop, intake.next_cut)
    level = step_level(arm.reached, clock.since, stop - clock.tick)
    ticks = jnp.int64(1) << level
    tick = clock.tick + ticks
    return _NextStep(
        level,
        ticks,
        tick,
        tick == edge,
        tick == midnight,
        tick == clock.next_titration,
        tick == clock.resume,
        None if intake is None else tick == intake.next_cut,
    )


def _advance_plasma(
    patients: Patient, tally: Tally, place: Array, plasma: PlasmaState
) -> tuple[PlasmaState, list[list[Array]]]:
    """Carry plasma over the step of each patient; return it, and its states at the quarters.

    Propagators are looked up only when some patient's step changes, which is seldom once a session is over.
    """

    def look_up(_: Array) -> Array:
        tables = jax.vmap(course.quarter_of)(patients.tables, *place)
        return jax.tree.map(lambda table: jnp.moveaxis(table, 0, -1).ravel(), tables)

    held = jax.lax.cond(jnp.any(place != plasma.place), look_up, lambda held: held, plasma.quarter)
    quarter = [
        [flat.reshape(len(b.rows), len(b.columns[0]), -1) for flat, b in zip(parts, x.branches, strict=True)]
        for parts, x in zip(held, plasma.states, strict=True)
    ]
    passed = course.quarters(patients.plasmas, quarter, tally.rate, plasma.states, jnp.any(tally.sessions > 0))
    return PlasmaState(passed[-1], held, place), passed


def _advance(
    masses: Masses, arm: ArmData, patient: Patient, state: PatientState, next_step: _NextStep, passed: list[list[Array]]
) -> _Node:
    """Carry memory and pain to the next node of the patient's mesh, along the states of plasma."""
    clock = state.clock
    h = arm.h0_h * next_step.ticks
    t = _DAY_H * clock.day + arm.h0_h * (clock.tick - clock.day * arm.per_day)
    levels = [course.levels_of(patient.plasmas, states) for states in passed]
    nodes = [state.effects, *(drug_effects(patient.body, masses, at) for at in levels)]
    day = jnp.minimum(clock.day, arm.days - 1)
    pain_state = advance_state(patient.body, patient.s_chronic, day, t, h, state.pain_state, nodes)
    effects = nodes[-1]
    after = jnp.where(next_step.at_midnight, _DAY_H * (clock.day + 1), t + h)  # whole days exactly
    return _Node(
        step=next_step,
        h=h,
        t=after,
        sites=course.harm_sites(patient.plasmas, passed[-1]),
        pain_state=pain_state,
        effects=effects,
        levels=levels[-1],
        latent_pain=latent_pain(patient.body, effects, after, pain_state.s / patient.s_chronic),
        latent_pain_slow=latent_pain(patient.body, effects, after),
    )


def _add_step(arm: ArmData, patient: Patient, state: PatientState, node: _Node) -> tuple[Tally, Array]:
    """Add up the step: harms always, drug where the day or the rate may change."""
    tally, clock = state.tally, state.clock
    due: Array = node.step.at_edge | node.step.at_midnight | node.step.at_titration | node.step.at_resume
    if node.step.at_cut is not None:
        due |= node.step.at_cut
    hours = jnp.where(due & (tally.rate > 0.0), arm.h0_h * (node.step.tick - clock.dosed_until), 0.0)
    s, r = (node.sites.get(f"psychedelic_{side}", jnp.zeros(())) for side in "sr")
    load = acute.load(s, r, patient.load_c50, patient.load_weight)
    runs = due & (tally.written > 0.0) & (clock.origin == 0) & ~_halted(state.chart, clock.origin, clock.resume)
    runs &= arm.weaned[tally.piece] == 0.0
    if state.intake is not None:
        runs &= ~state.intake.stopped
    alive = clock.day < arm.days
    above = jnp.where(alive, acute.share_above(tally.load, load, patient.noticeable) * node.h, 0.0)
    tally = tally._replace(
        dose_mg=tally.dose_mg + tally.rate * hours,
        hours=tally.hours + hours,
        final=jnp.where(runs, tally.pump_rate, tally.final),
        load=load,
        load_hours=tally.load_hours + above,
        peak=jnp.maximum(tally.peak, load),
        session_peak=jnp.maximum(tally.session_peak, load),
        plasma=jnp.maximum(tally.plasma, node.sites.get("plasma_s", jnp.zeros(()))),
    )
    return tally, jnp.where(due, node.step.tick, clock.dosed_until)


def _reported(patient: Patient, load: Array, asks: Array) -> Array:
    """Return whether a psychedelic effect is reported, when the clinic asks or spontaneously."""
    elicited = acute.incidence(load, patient.slope, patient.background)
    return patient.report_threshold < jnp.where(asks, elicited, acute.spontaneous(elicited, patient.spontaneous))


def _visit(arm: ArmData, patient: Patient, state: PatientState, node: _Node, tally: Tally, idle: Array) -> Visit:
    """Collect what the clinic sees at a midnight."""
    clock, chart, rules = state.clock, state.chart, arm.rules
    scores = jnp.stack([node.pain_state.area - tally.area, node.pain_state.area_slow - tally.area_slow]) / _DAY_H
    noise = patient.noise[jnp.minimum(clock.day + BASELINE_DAYS, len(patient.noise) - 1)]
    back, rung = chart.boosters - rules.at_most, clinic.rung_of(rules, chart.boosters)
    nth = state.log[jnp.clip(back, 0, len(state.log) - 1), 0] / _DAY_H
    return Visit(
        day=clock.day + 1,
        entry=pain.entry(jnp.where(arm.deciding > 0, scores[1], scores[0]), noise),
        reported=_reported(patient, tally.session_peak, rules.harm_elicited),
        free=idle & (arm.edge[clock.edge] - node.step.tick >= rules.apart * arm.per_day),
        interval=patient.interval_u[jnp.minimum(chart.boosters + 1, len(patient.interval_u) - 1)],
        dose_mg=patient.booster_mg[rung],
        fits=node.step.tick + rules.length[rung] <= arm.days * arm.per_day,
        nth_last_day=jnp.where(back >= 0, nth, -jnp.inf),
    )


def _where(yes: Array, these: Array, those: Array) -> Array:
    return jax.tree.map(lambda a, b: jnp.where(yes, a, b), these, those)


def initial_plasma(patients: Patient) -> PlasmaState:
    """Return the plasma of a block of patients before the first dose, with no propagator looked up yet."""
    count = len(patients.s_chronic)
    split = [part.system.branches for part in patients.plasmas]
    return PlasmaState(
        states=[at_rest(branches, (count,)) for branches in split],
        quarter=[[jnp.zeros(len(b.rows) * len(b.columns[0]) * count) for b in branches] for branches in split],
        place=jnp.full((2, count), -1),
    )


def step(
    masses: Masses, arm: ArmData, patients: Patient, states: PatientState, plasma: PlasmaState
) -> tuple[PatientState, PlasmaState]:
    """Advance all patients of a block by one step, each of their own mesh; the clinic decides at its end."""
    next_steps = jax.vmap(partial(_next_step, arm))(states.clock, states.intake)
    place = jnp.stack([next_steps.level, states.clock.epoch])
    before, (plasma, passed) = plasma.states, _advance_plasma(patients, states.tally, place, plasma)
    if states.exposure is not None:
        add = jax.vmap(partial(add_exposure, arm), in_axes=(0, 0, 0, -1, -1))
        ticks = next_steps.ticks, next_steps.tick
        states = states._replace(exposure=add(patients, states, ticks, before, passed))
    advance = jax.vmap(partial(_advance, masses, arm), in_axes=(0, 0, 0, -1))
    node = advance(patients, states, next_steps, passed)
    tally, dosed_until = jax.vmap(partial(_add_step, arm))(patients, states, node)
    position = jax.vmap(partial(_position, arm))(patients, states, node, tally)

    # The clinic is computed only at steps where a patient visits it: one in three on days without drug.
    chart, nothing = states.chart, jnp.zeros_like(states.clock.day)
    state = (patients, states, node, tally)
    chart, event = jax.lax.cond(
        jnp.any(node.step.at_midnight),
        lambda: jax.vmap(partial(_end_day, arm))(*state, position),
        lambda: (chart, nothing),
    )
    position, chart = jax.vmap(partial(_begin_booster, arm))(node, position, chart, event)
    chart, change = jax.lax.cond(
        jnp.any(position.assess),
        lambda: jax.vmap(partial(_titrate, arm))(*state, position, chart),
        lambda: (chart, nothing),
    )
    return jax.vmap(partial(_finish_step, arm))(*state, position, chart, (event, change, dosed_until)), plasma


class _Position(NamedTuple):
    """Position in the timetable at the end of a step; edge, origin and resume_edge as in `Clock`."""

    piece: Array
    edge: Array
    origin: Array
    resume_edge: Array
    booster_begins: Array
    assess: Array


def _position(arm: ArmData, patient: Patient, state: PatientState, node: _Node, tally: Tally) -> _Position:
    """At an edge the next piece begins; behind a booster's last edge the arm's own timetable goes on."""
    clock = state.clock
    piece = jnp.where(node.step.at_edge, arm.begins[clock.edge], tally.piece)
    edge = clock.edge + node.step.at_edge
    over = (clock.origin > 0) & (arm.edge[edge] >= NEVER)
    edge, origin = jnp.where(over, clock.resume_edge, edge), jnp.where(over, 0, clock.origin)
    # tapers are not titrated, nor is the moment at which one begins or ends
    titrated = arm.titrated[tally.piece] & arm.titrated[piece] & (patient.pump_rates[piece] > 0.0)
    return _Position(
        piece, edge, origin, clock.resume_edge, node.step.at_midnight & False, node.step.at_titration & titrated
    )


def _end_day(
    arm: ArmData, patient: Patient, state: PatientState, node: _Node, tally: Tally, position: _Position
) -> tuple[Chart, Array]:
    """Make a diary entry, and perhaps decide on a booster."""
    alive = state.clock.day < arm.days
    idle = (position.origin == 0) & (patient.rates[position.piece] == 0.0) & alive
    chart = state.chart._replace(given_mg=state.chart.given_mg + tally.dose_mg)
    seen, event = clinic.decide_booster(arm.rules, chart, _visit(arm, patient, state, node, tally, idle))
    return _where(node.step.at_midnight, seen, state.chart), jnp.where(node.step.at_midnight & alive, event, 0)


def _begin_booster(
    arm: ArmData, node: _Node, position: _Position, chart: Chart, event: Array
) -> tuple[_Position, Chart]:
    """Begin the booster that was decided on."""
    begins = (event == clinic.RELAPSE) | (event == clinic.CALENDAR)
    rung = clinic.rung_of(arm.rules, chart.boosters - 1)
    first = arm.boosters[rung]
    position = position._replace(
        piece=jnp.where(begins, arm.begins[first], position.piece),
        edge=jnp.where(begins, first + 1, position.edge),
        origin=jnp.where(begins, node.step.tick, position.origin),
        resume_edge=jnp.where(begins, position.edge, position.resume_edge),
        booster_begins=begins,
    )
    end_day = jnp.where(begins, (node.step.tick + arm.rules.length[rung]) / arm.per_day, chart.end_day)
    return position, chart._replace(end_day=end_day)


def _titrate(
    arm: ArmData, patient: Patient, state: PatientState, node: _Node, tally: Tally, position: _Position, chart: Chart
) -> tuple:
    """Assess the rate; return the chart and the event."""
    rules, rates = arm.rules, (tally.pump_rate, patient.pump_rates[position.piece])
    score = pain.entry(
        jnp.where(arm.deciding > 0, node.latent_pain_slow, node.latent_pain),
        patient.bedside_noise[tally.assessments % ASSESSMENTS],
    )
    reported = _reported(patient, tally.load, rules.elicited)
    updated, change = clinic.titrate(rules, chart, patient.reach, score, reported, rates)
    return _where(position.assess, updated, chart), jnp.where(position.assess, change, 0)


def _finish_step(
    arm: ArmData,
    patient: Patient,
    state: PatientState,
    node: _Node,
    tally: Tally,
    position: _Position,
    chart: Chart,
    outcome: tuple,
) -> Array:
    """Set rate and clock for the next step, and record this one."""
    clock, (event, change, dosed_until) = state.clock, outcome
    resumes = node.step.at_resume
    resume = jnp.where(resumes, NEVER, clock.resume)
    resume = jnp.where(change == clinic.PAUSED, node.step.tick + arm.rules.pause, resume)
    halted = idle = _halted(chart, position.origin, resume)
    weans = (arm.weaned[position.piece] > 0.0) & (arm.weaned[tally.piece] == 0.0)
    wean_from = jnp.where(weans, tally.pump_rate, tally.wean_from)
    written, pump_rate, rate = running = _rates_of(arm, patient, chart, position.piece, halted, wean_from)
    restarts, cut, intake, kinds = resumes, resumes, None, (event, event)
    if state.intake is not None:
        now = _moment(arm, state, node, tally, position, chart)
        intake, kinds = within_limits(arm, patient, state.intake, now, pump_rate, rate - pump_rate)
        idle |= intake.stopped
        restarts |= state.intake.stopped & ~intake.stopped
        cut |= now.due & (intake.limited | intake.left_out | state.intake.limited | state.intake.left_out)
        running = written, *_limited(intake, pump_rate, rate)
        _, pump_rate, rate = running
    begins = (rate > 0.0) & (tally.rate == 0.0) & ~resumes
    goes = (written > 0.0) & (position.origin == 0) & ~idle
    again = goes & (node.step.at_titration | (tally.written == 0.0) | restarts)
    change = jnp.where(resumes & goes & (pump_rate > 0.0), clinic.RESUMED, change)
    change = jnp.where(weans & (pump_rate > 0.0), clinic.WEANING, change)
    follows = (change == clinic.RESUMED) | (change == clinic.WEANING)
    chart = chart._replace(other_events=chart.other_events + follows)
    next_titration = jnp.where(again, node.step.tick + arm.rules.every, jnp.where(goes, clock.next_titration, NEVER))
    changed = node.step.at_edge | position.booster_begins | clinic.changes_rate(change) | cut
    happened = jnp.where(change > 0, change, event)
    booster_mg = patient.booster_mg[clinic.rung_of(arm.rules, state.chart.boosters)]
    value = jnp.where(position.booster_begins, booster_mg, jnp.where(change > 0, pump_rate, 0.0))
    slot = jnp.where(position.booster_begins, state.chart.boosters, len(state.log) - 1 - state.chart.other_events)
    recorded = _record(patient, state, node, tally, (slot, happened, value))
    if intake is not None:
        chart, log = _note(chart, recorded.log, node.t, intake.pump, kinds)
        recorded = recorded._replace(log=log, intake=intake)
    return recorded._replace(
        clock=Clock(
            tick=node.step.tick,
            since=jnp.where(changed, 0, clock.since + node.step.ticks),
            day=clock.day + node.step.at_midnight,
            edge=position.edge,
            origin=position.origin,
            resume_edge=position.resume_edge,
            epoch=clock.epoch + (node.step.tick == arm.epoch_at[clock.epoch + 1]),
            save=clock.save + (node.step.tick == arm.save_at[clock.save]),
            next_titration=next_titration,
            resume=resume,
            dosed_until=dosed_until,
        ),
        chart=chart,
        tally=_next_tally(tally, node, begins, position, running)._replace(wean_from=wean_from),
    )


def _moment(arm: ArmData, state: PatientState, node: _Node, tally: Tally, position: _Position, chart: Chart) -> Moment:
    """Say where a patient stands at the end of a step."""
    step, today = node.step, jnp.where(node.step.at_midnight, 0.0, tally.dose_mg)
    due = step.at_edge | step.at_midnight | step.at_titration | step.at_resume | step.at_cut
    return Moment(
        tick=step.tick,
        piece=position.piece,
        begins=step.at_edge | position.booster_begins,
        due=due,
        hours=jnp.where(due, arm.h0_h * (step.tick - state.clock.dosed_until), 0.0),
        today_mg=today,
        total_mg=chart.given_mg + today,
    )


def _next_tally(tally: Tally, node: _Node, begins: Array, position: _Position, running: tuple) -> Tally:
    """Open a new session where one begins, and a new day at midnight."""
    written, pump_rate, rate = running
    return tally._replace(
        piece=position.piece,
        written=written,
        pump_rate=pump_rate,
        rate=rate,
        area=jnp.where(node.step.at_midnight, node.pain_state.area, tally.area),
        area_slow=jnp.where(node.step.at_midnight, node.pain_state.area_slow, tally.area_slow),
        dose_mg=jnp.where(node.step.at_midnight, 0.0, tally.dose_mg),
        hours=jnp.where(node.step.at_midnight, 0.0, tally.hours),
        peaks=tally.peaks + jnp.where(begins, tally.session_peak, 0.0),
        session_peak=jnp.where(begins, tally.load, tally.session_peak),
        sessions=tally.sessions + begins,
        assessments=tally.assessments + position.assess,
    )


def _record(patient: Patient, state: PatientState, node: _Node, tally: Tally, event: tuple) -> PatientState:
    """Record day, profile and log: open rows are overwritten, rows beyond the end are dropped."""
    slot, kind, value = event
    today = [node.pain_state.area - tally.area, node.pain_state.area_slow - tally.area_slow]
    today = jnp.stack([*(area / _DAY_H for area in today), tally.dose_mg, tally.hours])
    row = _row(patient, node.levels, node.effects, node.pain_state, node.latent_pain, node.latent_pain_slow)
    line = jnp.stack([node.t, jnp.asarray(kind, float), value])
    # without an event a blank line goes to a slot that is still empty
    return state._replace(
        pain_state=node.pain_state,
        effects=node.effects,
        daily=state.daily.at[state.clock.day].set(today, mode="drop"),
        profile=state.profile.at[state.clock.save].set(row, mode="drop"),
        log=state.log.at[slot].set(jnp.where(kind > 0, line, 0.0), mode="drop"),
    )
