"""The walk of patients through an arm, each on a clock of their own.

One step carries every patient of a block from one node to the next of their own mesh: plasma exactly, memory and pain
by `letheon.body.response`. Whoever arrives at a midnight makes a diary entry, and the clinic decides (`clinic`); a
session that it decides on changes that patient's clock alone. Patients never look at each other, so a block's
company changes nobody's result, and a patient for whom nothing is decided meets the mesh of a fixed timetable.
"""

from functools import partial
from typing import NamedTuple

from letheon.arrays import Array, jax, jnp
from letheon.body import course, pain
from letheon.body.branches import at_rest
from letheon.body.mesh import NEVER, step_level
from letheon.body.response import Levels, Signals, State, advance_state, felt, signals, start
from letheon.definitions import BASELINE_DAYS
from letheon.harms import acute
from letheon.pipeline import bedside, clinic
from letheon.pipeline.assemble import ArmData
from letheon.pipeline.clinic import Chart, Visit
from letheon.pipeline.walkers import DAILY, Clock, Drip, Log, Patient, Room, Tally, Walker

__all__ = ["LOOKS", "begin", "onward", "set_up"]

_DAY_H = 24.0
LOOKS = 64  # bedside scores drawn for each patient; later ones begin anew


def _row(own: Patient, levels: Levels, signal: Signals, state: State, felt_now, felt_slow) -> Array:
    top = 10.0  # pain above the end of the scale is told as its end
    values = (
        signal.block,
        state.s,
        state.g,
        signal.slow_effect,
        jnp.minimum(felt_now, top),
        jnp.minimum(felt_slow, top),
    )
    plasma = [levels.plasma[name] for name in course.level_names(own.plasmas)]
    return jnp.stack([*plasma, *(jnp.asarray(v, float) for v in values)])


def _running(arm: ArmData, own: Patient, chart: Chart, piece) -> tuple[Array, Array, Array]:
    """Return a piece's rate without pushes as written and as it runs, and that with pushes."""
    whole, written = own.rates[piece], own.drips[piece]
    moves = arm.titrated[piece] & (written > 0.0)
    drip = jnp.where(moves, bedside.titrated(chart, own.reach, written), written)
    return written, drip, jnp.where(moves, drip + (whole - written), whole)


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
    before = pain.entry(own.body.baseline, own.noise[:BASELINE_DAYS])
    chart = clinic.first_chart(arm.rules, before, arm.course_end_day, arm.last_day)
    piece = jnp.where(runs, arm.begins[0], 0)
    written, drip, rate = _running(arm, own, chart, piece)
    row = _row(own, levels, now, state, felt(own.body, now, 0.0, 1.0), felt(own.body, now, 0.0))
    return Walker(
        clock=Clock(**dict.fromkeys(Clock._fields, none))._replace(
            edge=runs.astype(jnp.int64), save=jnp.int64(1), look=jnp.where(written > 0.0, arm.rules.every, NEVER)
        ),
        state=state,
        now=now,
        tally=Tally(**dict.fromkeys(Tally._fields, zero))._replace(
            piece=jnp.asarray(piece, jnp.int64),
            written=written,
            drip=drip,
            rate=rate,
            sessions=(rate > 0.0).astype(jnp.int64),
            looks=none,
        ),
        chart=chart,
        daily=jnp.zeros((room.days, len(DAILY))),
        profile=jnp.zeros((room.saves, *row.shape)).at[0].set(row),
        log=jnp.zeros((room.slots, len(Log._fields))),
    )


class _Stride(NamedTuple):
    """The next step of a patient: its level, ticks and end, and what that end is."""

    level: Array
    ticks: Array
    tick: Array
    at_edge: Array
    at_midnight: Array
    at_look: Array


class _Moved(NamedTuple):
    """A patient at the next node, before anything is decided there."""

    tick: Array
    ticks: Array
    h: Array
    t: Array
    at_edge: Array
    at_midnight: Array
    at_look: Array
    sites: dict
    state: State
    now: Signals
    levels: Levels
    felt: Array
    felt_slow: Array


def _stride(arm: ArmData, clock: Clock) -> _Stride:
    """Look ahead: as long as the pace allows, and not beyond the next event."""
    edge, midnight = clock.origin + arm.edge[clock.edge], (clock.day + 1) * arm.per_day
    kept = jnp.minimum(arm.epoch_at[clock.epoch + 1], arm.save_at[clock.save])  # a time to keep is met by everybody
    stop = jnp.minimum(jnp.minimum(edge, midnight), jnp.minimum(kept, clock.look))
    level = step_level(arm.reached, clock.since, stop - clock.tick)
    ticks = jnp.int64(1) << level
    tick = clock.tick + ticks
    return _Stride(level, ticks, tick, tick == edge, tick == midnight, tick == clock.look)


def _drip(patients: Patient, tally: Tally, place, drip: Drip) -> tuple[Drip, list[list[Array]]]:
    """Carry plasma over the step of each patient; return it, and its states at the quarters.

    Propagators are looked up only where somebody's step is another than before: seldom, once a session is over.
    """

    def look_up(_):
        found = jax.vmap(course.quarter_of)(patients.tables, *place)
        return jax.tree.map(lambda table: jnp.moveaxis(table, 0, -1).ravel(), found)

    held = jax.lax.cond(jnp.any(place != drip.place), look_up, lambda held: held, drip.quarter)
    quarter = [
        [flat.reshape(len(b.rows), len(b.columns[0]), -1) for flat, b in zip(parts, x.branches, strict=True)]
        for parts, x in zip(held, drip.states, strict=True)
    ]
    passed = course.quarters(patients.plasmas, quarter, tally.rate, drip.states, jnp.any(tally.sessions > 0))
    return Drip(passed[-1], held, place), passed


def _move(masses, arm: ArmData, own: Patient, who: Walker, stride: _Stride, passed) -> _Moved:
    """Carry memory and pain to the next node of the patient's mesh, along the states of plasma."""
    clock = who.clock
    ticks, tick, h = stride.ticks, stride.tick, arm.h0_h * stride.ticks
    t = _DAY_H * clock.day + arm.h0_h * (clock.tick - clock.day * arm.per_day)
    found = [course.levels_of(own.plasmas, states) for states in passed]
    nodes = [who.now, *(signals(own.body, masses, at) for at in found)]
    day = jnp.minimum(clock.day, arm.days - 1)
    state = advance_state(own.body, own.s_chronic, day, t, h, who.state, nodes)
    now = nodes[-1]
    after = jnp.where(stride.at_midnight, _DAY_H * (clock.day + 1), t + h)  # whole days exactly
    return _Moved(
        tick=tick,
        ticks=ticks,
        h=h,
        t=after,
        at_edge=stride.at_edge,
        at_midnight=stride.at_midnight,
        at_look=stride.at_look,
        sites=course.harm_sites(own.plasmas, passed[-1]),
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
    s, r = (to.sites.get(f"psychedelic_{side}", jnp.zeros(())) for side in "sr")
    load = acute.load(s, r, own.load_c50, own.load_weight)
    alive = clock.day < arm.days
    above = jnp.where(alive, acute.share_above(tally.load, load, own.noticeable) * to.h, 0.0)
    tally = tally._replace(
        dose_mg=tally.dose_mg + tally.rate * hours,
        hours=tally.hours + hours,
        last_h=jnp.where(ran, to.t, tally.last_h),
        final=jnp.where(due & (tally.written > 0.0) & (clock.origin == 0), tally.drip, tally.final),
        load=load,
        load_hours=tally.load_hours + above,
        peak=jnp.maximum(tally.peak, load),
        session_peak=jnp.maximum(tally.session_peak, load),
        plasma=jnp.maximum(tally.plasma, to.sites.get("plasma_s", jnp.zeros(()))),
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
    noise = own.noise[jnp.minimum(clock.day + BASELINE_DAYS, len(own.noise) - 1)]
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


def set_up(patients: Patient) -> Drip:
    """Return the plasma of a block of patients before the first dose.

    Parameters
    ----------
    patients : Patient
        The patients, patient first.

    Returns
    -------
    Drip
        Without drug, no propagator looked up yet.
    """
    count = len(patients.s_chronic)
    split = [part.system.branches for part in patients.plasmas]
    return Drip(
        states=[at_rest(branches, (count,)) for branches in split],
        quarter=[[jnp.zeros(len(b.rows) * len(b.columns[0]) * count) for b in branches] for branches in split],
        place=jnp.full((2, count), -1),
    )


def onward(masses, arm: ArmData, patients: Patient, walkers: Walker, drip: Drip) -> tuple[Walker, Drip]:
    """Carry the patients of a block over one step, each of their own mesh; the clinic decides at its end.

    Parameters
    ----------
    masses, arm
        As for `begin`.
    patients, walkers : Patient, Walker
        The patients, patient first.
    drip : Drip
        Their plasma.

    Returns
    -------
    walkers : Walker
        One node later; behind the end of the follow-up nothing more is kept.
    drip : Drip
        Their plasma there.
    """
    strides = jax.vmap(partial(_stride, arm))(walkers.clock)
    place = jnp.stack([strides.level, walkers.clock.epoch])
    drip, passed = _drip(patients, walkers.tally, place, drip)
    move = jax.vmap(partial(_move, masses, arm), in_axes=(0, 0, 0, -1))
    to = move(patients, walkers, strides, passed)
    tally, fed = jax.vmap(partial(_tallied, arm))(patients, walkers, to)
    turn = jax.vmap(partial(_turn, arm))(patients, walkers, to, tally)

    # The clinic is asked where somebody comes to it: at one step in three on quiet days, and never without looks.
    chart, nothing = walkers.chart, jnp.zeros_like(walkers.clock.day)
    who = (patients, walkers, to, tally)
    chart, event = jax.lax.cond(
        jnp.any(to.at_midnight), lambda: jax.vmap(partial(_midnight, arm))(*who, turn), lambda: (chart, nothing)
    )
    turn, chart = jax.vmap(partial(_booked, arm))(patients, walkers, to, turn, chart, event)
    chart, change = jax.lax.cond(
        jnp.any(turn.looks), lambda: jax.vmap(partial(_bedside, arm))(*who, turn, chart), lambda: (chart, nothing)
    )
    return jax.vmap(partial(_settled, arm))(*who, turn, chart, (event, change, fed)), drip


class _Turn(NamedTuple):
    """Where the timetable stands at the end of a step: piece, next entry, what it counts from, where it goes on after
    a booster; whether a booster began just now, and whether the rate is looked at.
    """

    piece: Array
    edge: Array
    origin: Array
    home: Array
    comes: Array
    looks: Array


def _turn(arm: ArmData, own: Patient, who: Walker, to: _Moved, tally: Tally) -> _Turn:
    """At an edge the next piece begins; behind a booster's last edge the arm's own timetable goes on."""
    clock = who.clock
    piece = jnp.where(to.at_edge, arm.begins[clock.edge], tally.piece)
    edge = clock.edge + to.at_edge
    over = (clock.origin > 0) & (arm.edge[edge] >= NEVER)
    edge, origin = jnp.where(over, clock.home, edge), jnp.where(over, 0, clock.origin)
    # tapers are not looked at, nor is the moment at which one begins or ends
    titrated = arm.titrated[tally.piece] & arm.titrated[piece] & (own.drips[piece] > 0.0)
    return _Turn(piece, edge, origin, clock.home, to.at_midnight & False, to.at_look & titrated)


def _midnight(arm: ArmData, own: Patient, who: Walker, to: _Moved, tally: Tally, turn: _Turn) -> tuple[Chart, Array]:
    """Make a diary entry, and perhaps decide on a booster."""
    alive = who.clock.day < arm.days
    idle = (turn.origin == 0) & (own.rates[turn.piece] == 0.0) & alive
    chart = who.chart._replace(given_mg=who.chart.given_mg + tally.dose_mg)
    seen, event = clinic.arrive(arm.rules, chart, _visit(arm, own, who._replace(chart=chart), to, tally, idle))
    return _chosen(to.at_midnight, seen, who.chart), jnp.where(to.at_midnight & alive, event, 0)


def _booked(arm: ArmData, own: Patient, who: Walker, to: _Moved, turn: _Turn, chart: Chart, event):
    """Begin the booster that was decided on."""
    comes = (event == clinic.RELAPSE) | (event == clinic.CALENDAR)
    turn = _Turn(
        piece=jnp.where(comes, arm.begins[arm.booster], turn.piece),
        edge=jnp.where(comes, arm.booster + 1, turn.edge),
        origin=jnp.where(comes, to.tick, turn.origin),
        home=jnp.where(comes, turn.edge, turn.home),
        comes=comes,
        looks=turn.looks,
    )
    end_day = jnp.where(comes, (to.tick + arm.rules.length) / arm.per_day, chart.end_day)
    return turn, chart._replace(end_day=end_day)


def _bedside(arm: ArmData, own: Patient, who: Walker, to: _Moved, tally: Tally, turn: _Turn, chart: Chart):
    """Look at the rate: return the chart and what changed."""
    rules, rates = arm.rules, (tally.drip, own.drips[turn.piece])
    score = pain.entry(jnp.where(arm.deciding > 0, to.felt_slow, to.felt), own.bedside[tally.looks % LOOKS])
    reported = _reported(own, tally.load, rules.asked)
    told, change = bedside.look(rules, chart, own.reach, score, reported, rates)
    return _chosen(turn.looks, told, chart), jnp.where(turn.looks, change, 0)


def _settled(arm: ArmData, own: Patient, who: Walker, to: _Moved, tally: Tally, turn: _Turn, chart: Chart, found):
    """Set the rate and the clock for the next step, and write down what was."""
    clock, (event, change, fed) = who.clock, found
    written, drip, rate = running = _running(arm, own, chart, turn.piece)
    begins = (rate > 0.0) & (tally.rate == 0.0)
    goes = (written > 0.0) & (turn.origin == 0)
    again = goes & (to.at_look | (tally.written == 0.0))
    look = jnp.where(again, to.tick + arm.rules.every, jnp.where(goes, clock.look, NEVER))
    changed = to.at_edge | turn.comes | bedside.turned(change)
    happened = jnp.where(change > 0, change, event)
    value = jnp.where(turn.comes, own.booster_mg, jnp.where(change > 0, drip, 0.0))
    slot = jnp.where(turn.comes, who.chart.boosters, len(who.log) - 1 - who.chart.others)
    return _written(own, who, to, tally, (slot, happened, value))._replace(
        clock=Clock(
            tick=to.tick,
            since=jnp.where(changed, 0, clock.since + to.ticks),
            day=clock.day + to.at_midnight,
            edge=turn.edge,
            origin=turn.origin,
            home=turn.home,
            epoch=clock.epoch + (to.tick == arm.epoch_at[clock.epoch + 1]),
            save=clock.save + (to.tick == arm.save_at[clock.save]),
            look=look,
            fed=fed,
        ),
        chart=chart,
        tally=_turned(tally, to, begins, turn, running),
    )


def _turned(tally: Tally, to: _Moved, begins, turn: _Turn, running) -> Tally:
    """Open a new session where one begins, and a new day at midnight."""
    written, drip, rate = running
    return tally._replace(
        piece=turn.piece,
        written=written,
        drip=drip,
        rate=rate,
        area=jnp.where(to.at_midnight, to.state.area, tally.area),
        area_slow=jnp.where(to.at_midnight, to.state.area_slow, tally.area_slow),
        dose_mg=jnp.where(to.at_midnight, 0.0, tally.dose_mg),
        hours=jnp.where(to.at_midnight, 0.0, tally.hours),
        last_h=jnp.where(to.at_midnight, 0.0, tally.last_h),
        peaks=tally.peaks + jnp.where(begins, tally.session_peak, 0.0),
        session_peak=jnp.where(begins, tally.load, tally.session_peak),
        sessions=tally.sessions + begins,
        looks=tally.looks + turn.looks,
    )


def _written(own: Patient, who: Walker, to: _Moved, tally: Tally, event) -> Walker:
    """Write the day, the profile and the log: rows still open are written over, rows beyond the end are dropped."""
    slot, kind, value = event
    today = [to.state.area - tally.area, to.state.area_slow - tally.area_slow]
    today = jnp.stack([*(area / _DAY_H for area in today), tally.dose_mg, tally.hours, tally.last_h])
    row = _row(own, to.levels, to.now, to.state, to.felt, to.felt_slow)
    line = jnp.stack([to.t, jnp.asarray(kind, float), value])
    # the line of an event that did not happen goes to a slot that is still empty, and is blank
    return who._replace(
        state=to.state,
        now=to.now,
        daily=who.daily.at[who.clock.day].set(today, mode="drop"),
        profile=who.profile.at[who.clock.save].set(row, mode="drop"),
        log=who.log.at[slot].set(jnp.where(kind > 0, line, 0.0), mode="drop"),
    )
