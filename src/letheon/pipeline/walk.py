"""The walk of patients through an arm, each on a clock of their own.

One step carries every patient of a block from one node to the next of their own mesh: plasma exactly, memory and pain
by `letheon.body.response`. Whoever arrives at a midnight makes a diary entry, and the clinic decides (`clinic`); a
session that it decides on changes that patient's clock alone. Patients never look at each other, so a block's
company changes nobody's result, and a patient for whom nothing is decided meets the mesh of a fixed timetable.
"""

from typing import NamedTuple

from letheon.arrays import Array, jax, jnp
from letheon.body import course, pain
from letheon.body.course import Plasma
from letheon.body.mesh import NEVER, step_level
from letheon.body.response import Body, Levels, Signals, State, advance_state, felt, signals, start
from letheon.harms import acute
from letheon.pipeline import clinic
from letheon.pipeline.assemble import ArmData
from letheon.pipeline.clinic import Chart, Visit

__all__ = ["DAILY", "LOOKS", "NEVER", "PROFILE", "Clock", "Log", "Patient", "Room", "Tally", "Walker", "begin", "step"]

_DAY_H = 24.0
LOOKS = 64  # bedside scores drawn for each patient; later ones begin anew
DAILY = ("pain", "pain_slow", "dose_mg", "hours", "last_h")
PROFILE = ("nmda_block", "sensitisation", "growth", "slow_site_effect", "nrs", "nrs_slow")


class Patient(NamedTuple):
    """What does not change on the way: one patient's body and chances.

    Attributes
    ----------
    body : Body
        The patient.
    s_chronic : array
        Chronic sensitisation.
    plasmas : tuple of Plasma
        Plasma systems.
    tables : list of array
        Their propagators, shape (level, epoch, state, state).
    rates : array, shape (piece + 1,)
        Infusion rates as written [mg/h].
    rate_step, highest : array
        Titration: step, and highest rate [mg/h].
    noise : array, shape (7 + day,)
        Noise of the diary [NRS].
    bedside : array, shape (look,)
        Noise of scores told at the bedside [NRS].
    candour : array
        A psychedelic effect is reported where its probability exceeds this.
    load_c50, load_weight, slope, background, spontaneous, noticeable : array
        Psychedelic load: half effect, weight of arketamine, link to incidence, share that is told unasked, load that
        is noticed.
    booster_mg : array
        What a booster gives [mg].
    """

    body: Body
    s_chronic: Array
    plasmas: tuple[Plasma, ...]
    tables: list
    rates: Array
    rate_step: Array
    highest: Array
    noise: Array
    bedside: Array
    candour: Array
    load_c50: Array
    load_weight: Array
    slope: Array
    background: Array
    spontaneous: Array
    noticeable: Array
    booster_mg: Array


class Clock(NamedTuple):
    """Where a patient is; all in ticks but for the indices.

    Attributes
    ----------
    tick, since, day : int array
        Now; ticks since the last change of rate; days that have ended.
    edge, origin, home : int array
        Next entry of the timetable, what its ticks count from, and where the timetable goes on after a booster.
    epoch, save, look : int array
        Present epoch of the parameters, next time to keep, next look at the rate.
    fed : int array
        When the dose was last added up.
    """

    tick: Array
    since: Array
    day: Array
    edge: Array
    origin: Array
    home: Array
    epoch: Array
    save: Array
    look: Array
    fed: Array


class Tally(NamedTuple):
    """Running sums of a patient.

    Attributes
    ----------
    piece_rate, rate : array
        Rate as written, and as it runs [mg/h].
    area, area_slow : array
        Integrals of pain up to the last midnight [NRS h].
    dose_mg, hours, last_h : array
        Drug given today [mg], hours of it, and when drug last ran [h].
    load, load_hours : array
        Psychedelic load now [%]; hours in which it was noticed.
    peak, session_peak, peaks : array
        Its maximum, that since the last session began, and the sum of those of earlier sessions [%].
    plasma : array
        Highest level of esketamine [ng/mL].
    sessions, looks : int array
        Sessions begun, looks taken.
    final : array
        Last rate of the arm's own sessions [mg/h].
    """

    piece_rate: Array
    rate: Array
    area: Array
    area_slow: Array
    dose_mg: Array
    hours: Array
    last_h: Array
    load: Array
    load_hours: Array
    peak: Array
    session_peak: Array
    peaks: Array
    plasma: Array
    sessions: Array
    looks: Array
    final: Array


class Log(NamedTuple):
    """What was decided for a patient: boosters from the front, all else from the back, the latest first.

    Attributes
    ----------
    time_h, kind, value : array, shape (slot,)
        Time [h], key of `letheon.pipeline.clinic.EVENTS` (0: nothing), dose of a booster [mg] or new rate [mg/h].
    """

    time_h: Array
    kind: Array
    value: Array


class Room(NamedTuple):
    """Sizes of what is kept for each patient.

    Attributes
    ----------
    days, saves, slots : int
        Days of the diary, times of the profile, lines of the log.
    """

    days: int
    saves: int
    slots: int


class Walker(NamedTuple):
    """What changes from step to step.

    Attributes
    ----------
    clock : Clock
        Where the patient is.
    states : list of array
        States of the plasma systems.
    state : State
        Memory and pain.
    now : Signals
        What acts now.
    tally : Tally
        Running sums.
    chart : Chart
        What the clinic knows.
    daily : array, shape (day, 5)
        Columns `DAILY`: mean latent pain under both models [NRS], dose [mg], hours of drug, when it last ran [h].
    profile : array, shape (time, quantity)
        Levels [ng/mL], then `PROFILE`, at the times to keep.
    log : array, shape (slot, 3)
        Fields of `Log`.
    """

    clock: Clock
    states: list
    state: State
    now: Signals
    tally: Tally
    chart: Chart
    daily: Array
    profile: Array
    log: Array


def _row(levels: Levels, signal: Signals, state: State, felt_now, felt_slow) -> Array:
    top = 10.0  # pain above the end of the scale is told as its end
    values = (
        signal.block,
        state.s,
        state.g,
        signal.slow_effect,
        jnp.minimum(felt_now, top),
        jnp.minimum(felt_slow, top),
    )
    return jnp.stack([*levels.plasma.values(), *(jnp.asarray(v, float) for v in values)])


def _titrated(own: Patient, rung, piece_rate) -> Array:
    """Return the rate at a step of the titration above the written one."""
    raised = jnp.minimum(piece_rate + rung * own.rate_step, jnp.maximum(own.highest, piece_rate))
    return jnp.where((piece_rate > 0.0) & (rung > 0), raised, piece_rate)


def begin(masses, arm: ArmData, room: Room, own: Patient) -> Walker:
    """Put a patient at t = 0.

    Parameters
    ----------
    masses : mapping of str to float
        Molar mass [g/mol] of each substance that blocks.
    arm : ArmData
        The arm.
    room : Room
        Sizes of what is kept.
    own : Patient
        The patient.

    Returns
    -------
    Walker
        In the chronic state, the first rate running if it begins at once.
    """
    states = [jnp.zeros(len(p.system.states)) for p in own.plasmas]
    state, levels = start(own.body), course.levels_of(own.plasmas, states)
    now = signals(own.body, masses, levels)
    runs = arm.edge[0] == 0
    zero, none = jnp.zeros(()), jnp.int64(0)
    rate = jnp.where(runs, own.rates[arm.begins[0]], 0.0)
    dosed = rate > 0.0
    before = pain.entry(own.body.baseline, own.noise[: pain.BASELINE_DAYS])
    row = _row(levels, now, state, felt(own.body, now, 0.0, 1.0), felt(own.body, now, 0.0))
    return Walker(
        clock=Clock(
            *(none, none, none, runs.astype(jnp.int64), none, none, none),
            save=jnp.int64(1),
            look=jnp.where(dosed, arm.rules.every, NEVER),
            fed=none,
        ),
        states=states,
        state=state,
        now=now,
        tally=Tally(rate, rate, *[zero] * 11, sessions=dosed.astype(jnp.int64), looks=none, final=zero),
        chart=clinic.first_chart(arm.rules, before, arm.course_end_day, arm.last_day),
        daily=jnp.zeros((room.days, len(DAILY))),
        profile=jnp.zeros((room.saves, *row.shape)).at[0].set(row),
        log=jnp.zeros((room.slots, len(Log._fields))),
    )


class _Moved(NamedTuple):
    """A patient at the next node, before anything is decided there."""

    tick: Array
    ticks: Array
    h: Array
    t: Array
    at_edge: Array
    at_midnight: Array
    at_look: Array
    states: list
    state: State
    now: Signals
    levels: Levels
    felt: Array
    felt_slow: Array


def _move(masses, arm: ArmData, own: Patient, who: Walker) -> _Moved:
    """Carry plasma, memory and pain to the next node of the patient's mesh."""
    clock = who.clock
    edge, midnight = clock.origin + arm.edge[clock.edge], (clock.day + 1) * arm.per_day
    stop = jnp.minimum(jnp.minimum(edge, midnight), jnp.minimum(arm.epoch_at[clock.epoch + 1], clock.look))
    level = step_level(arm.reached, clock.since, stop - clock.tick)
    ticks = jnp.int64(1) << level
    tick, h = clock.tick + ticks, arm.h0_h * ticks
    t = _DAY_H * clock.day + arm.h0_h * (clock.tick - clock.day * arm.per_day)
    states, found = course.quarters(own.plasmas, own.tables, who.tally.rate, (level, clock.epoch), who.states)
    nodes = [who.now, *(signals(own.body, masses, at) for at in found)]
    day = jnp.minimum(clock.day, arm.days - 1)
    state = advance_state(own.body, own.s_chronic, day, t, h, who.state, nodes)
    now = nodes[-1]
    after = jnp.where(tick == midnight, _DAY_H * (clock.day + 1), t + h)  # whole days exactly
    return _Moved(
        tick=tick,
        ticks=ticks,
        h=h,
        t=after,
        at_edge=tick == edge,
        at_midnight=tick == midnight,
        at_look=tick == clock.look,
        states=states,
        state=state,
        now=now,
        levels=found[-1],
        felt=felt(own.body, now, after, state.s / own.s_chronic),
        felt_slow=felt(own.body, now, after),
    )


def _tallied(arm: ArmData, own: Patient, who: Walker, to: _Moved) -> tuple[Tally, Array]:
    """Add up the step: harms always, drug where the day or the rate may change."""
    tally, clock = who.tally, who.clock
    due: Array = to.at_edge | to.at_midnight | to.at_look
    hours = jnp.where(due & (tally.rate > 0.0), arm.h0_h * (to.tick - clock.fed), 0.0)
    ran = hours > 0.0
    sites = course.harm_sites(own.plasmas, to.states)
    s, r = (sites.get(f"psychedelic_{side}", jnp.zeros(())) for side in "sr")
    load = acute.load(s, r, own.load_c50, own.load_weight)
    alive = clock.day < arm.days
    above = jnp.where(alive, acute.share_above(tally.load, load, own.noticeable) * to.h, 0.0)
    tally = tally._replace(
        dose_mg=tally.dose_mg + tally.rate * hours,
        hours=tally.hours + hours,
        last_h=jnp.where(ran, to.t, tally.last_h),
        final=jnp.where(ran & (clock.origin == 0), tally.rate, tally.final),
        load=load,
        load_hours=tally.load_hours + above,
        peak=jnp.maximum(tally.peak, load),
        session_peak=jnp.maximum(tally.session_peak, load),
        plasma=jnp.maximum(tally.plasma, sites.get("plasma_s", jnp.zeros(()))),
    )
    return tally, jnp.where(due, to.tick, clock.fed)


def _reported(own: Patient, load, asked) -> Array:
    """Return whether a psychedelic effect is told, to a clinic that asks or to one that waits."""
    elicited = acute.incidence(load, own.slope, own.background)
    return own.candour < jnp.where(asked, elicited, acute.spontaneous(elicited, own.spontaneous))


def _visit(arm: ArmData, own: Patient, who: Walker, to: _Moved, tally: Tally, idle) -> Visit:
    """Collect what the clinic sees at a midnight."""
    clock, chart, rules = who.clock, who.chart, arm.rules
    scores = jnp.stack([to.state.area - tally.area, to.state.area_slow - tally.area_slow]) / _DAY_H
    noise = own.noise[jnp.minimum(clock.day + pain.BASELINE_DAYS, len(own.noise) - 1)]
    back = chart.boosters - rules.at_most
    there = back >= 0
    nth = who.log[jnp.clip(back, 0, len(who.log) - 1), 0] / _DAY_H
    return Visit(
        day=clock.day + 1,
        entry=pain.entry(jnp.where(arm.deciding > 0, scores[1], scores[0]), noise),
        reported=_reported(own, tally.session_peak, rules.harm_asked),
        free=idle & (arm.edge[clock.edge] - to.tick >= rules.apart * arm.per_day),
        dose_mg=own.booster_mg,
        fits=to.tick + rules.length <= arm.days * arm.per_day,
        nth_last_day=jnp.where(there, nth, -jnp.inf),
    )


def _chosen(yes, these, those):
    return jax.tree.map(lambda a, b: jnp.where(yes, a, b), these, those)


def step(masses, arm: ArmData, own: Patient, who: Walker) -> Walker:
    """Carry a patient over one step of their own mesh, and let the clinic decide at its end.

    Parameters
    ----------
    masses, arm, own
        As for `begin`.
    who : Walker
        The patient.

    Returns
    -------
    Walker
        One node later; behind the end of the follow-up nothing more is kept.
    """
    clock, rules = who.clock, arm.rules
    to = _move(masses, arm, own, who)
    tally, fed = _tallied(arm, own, who, to)
    alive = clock.day < arm.days

    # the timetable: at an edge the next piece begins; behind a booster's last edge the arm's own goes on
    piece_rate = jnp.where(to.at_edge, own.rates[arm.begins[clock.edge]], tally.piece_rate)
    edge = clock.edge + to.at_edge
    over = (clock.origin > 0) & (arm.edge[edge] >= NEVER)
    edge, origin = jnp.where(over, clock.home, edge), jnp.where(over, 0, clock.origin)

    # midnight: a diary entry, and perhaps a booster
    idle = (origin == 0) & (piece_rate == 0.0) & alive
    chart = who.chart._replace(given_mg=who.chart.given_mg + jnp.where(to.at_midnight, tally.dose_mg, 0.0))
    seen, event = clinic.arrive(rules, chart, _visit(arm, own, who, to, tally, idle))
    chart = _chosen(to.at_midnight, seen, chart)
    event = jnp.where(to.at_midnight & alive, event, 0)
    comes = (event == clinic.RELAPSE) | (event == clinic.CALENDAR)
    home, origin = jnp.where(comes, edge, clock.home), jnp.where(comes, to.tick, origin)
    piece_rate = jnp.where(comes, own.rates[arm.begins[arm.booster]], piece_rate)
    edge = jnp.where(comes, arm.booster + 1, edge)
    chart = chart._replace(end_day=jnp.where(comes, (to.tick + rules.length) / arm.per_day, chart.end_day))

    # a look at the rate, at the bedside
    score = pain.entry(jnp.where(arm.deciding > 0, to.felt_slow, to.felt), own.bedside[tally.looks % LOOKS])
    looks = to.at_look & (origin == 0) & (piece_rate > 0.0)
    steps = jnp.ceil(jnp.maximum(own.highest - piece_rate, 0.0) / jnp.maximum(own.rate_step, 1e-9) - 1e-9)
    told, change = clinic.look(rules, chart, score, _reported(own, tally.load, rules.asked), steps.astype(jnp.int64))
    chart, change = _chosen(looks, told, chart), jnp.where(looks, change, 0)
    rate = jnp.where(origin == 0, _titrated(own, chart.rung, piece_rate), piece_rate)

    begins = (rate > 0.0) & (tally.rate == 0.0)
    look = jnp.where(begins & (origin == 0) | looks, to.tick + rules.every, jnp.where(rate > 0.0, clock.look, NEVER))
    changed = to.at_edge | comes | (change > 0)
    happened = jnp.where(change > 0, change, event)
    value = jnp.where(comes, own.booster_mg, jnp.where(change > 0, rate, 0.0))
    slot = jnp.where(comes, who.chart.boosters, len(who.log) - 1 - who.chart.others)
    return _written(arm, who, to, tally, comes, (slot, happened, value))._replace(
        clock=Clock(
            tick=to.tick,
            since=jnp.where(changed, 0, clock.since + to.ticks),
            day=clock.day + to.at_midnight,
            edge=edge,
            origin=origin,
            home=home,
            epoch=clock.epoch + (to.tick == arm.epoch_at[clock.epoch + 1]),
            save=clock.save + (to.tick == arm.save_at[clock.save]),
            look=look,
            fed=fed,
        ),
        chart=chart,
        tally=_turned(tally, to, begins, piece_rate, rate, looks),
    )


def _turned(tally: Tally, to: _Moved, begins, piece_rate, rate, looks) -> Tally:
    """Open a new session where one begins, and a new day at midnight."""
    return tally._replace(
        piece_rate=piece_rate,
        rate=rate,
        area=jnp.where(to.at_midnight, to.state.area, tally.area),
        area_slow=jnp.where(to.at_midnight, to.state.area_slow, tally.area_slow),
        dose_mg=jnp.where(to.at_midnight, 0.0, tally.dose_mg),
        hours=jnp.where(to.at_midnight, 0.0, tally.hours),
        last_h=jnp.where(to.at_midnight, 0.0, tally.last_h),
        peaks=tally.peaks + jnp.where(begins, tally.session_peak, 0.0),
        session_peak=jnp.where(begins, tally.load, tally.session_peak),
        sessions=tally.sessions + begins,
        looks=tally.looks + looks,
    )


def _written(arm: ArmData, who: Walker, to: _Moved, tally: Tally, comes, event) -> Walker:
    """Write the day, the profile and the log: rows still open are written over, rows beyond the end are dropped."""
    slot, kind, value = event
    today = [to.state.area - tally.area, to.state.area_slow - tally.area_slow]
    today = jnp.stack([*(area / _DAY_H for area in today), tally.dose_mg, tally.hours, tally.last_h])
    row = _row(to.levels, to.now, to.state, to.felt, to.felt_slow)
    line = jnp.stack([to.t, jnp.asarray(kind, float), value])
    # the line of an event that did not happen goes to a slot that is still empty, and is blank
    return who._replace(
        states=to.states,
        state=to.state,
        now=to.now,
        daily=who.daily.at[who.clock.day].set(today, mode="drop"),
        profile=who.profile.at[who.clock.save].set(row, mode="drop"),
        log=who.log.at[slot].set(jnp.where(kind > 0, line, 0.0), mode="drop"),
    )
