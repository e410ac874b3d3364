"""Limits of dose: how much a patient may still be given, when the pump must stop, and which pushes are left out.

Only arms with limits compute this. The pump stops at the end of the finest step in which a sum is reached; in that step
it runs at the rate that makes up the sum, so that the sum is met and not passed.
"""

from typing import NamedTuple, cast

from letheon.arrays import Array, jnp
from letheon.body.mesh import NEVER
from letheon.pipeline import clinic
from letheon.pipeline.plan import ArmData, Limits
from letheon.pipeline.state import Intake, Patient

__all__ = ["Moment", "initial_intake", "within_limits"]

_QUANTUM = 4  # ticks of the finest step
_SAME = 1e-9  # of a limit: sums carry rounding
_FAR = 1 << 40  # finest steps beyond any follow-up


class Moment(NamedTuple):
    """A patient at the end of a step."""

    tick: Array
    piece: Array  # of the timetable, which runs from now on
    begins: Array  # bool: whether it begins now
    due: Array  # bool: whether the rate or the day may change now
    hours: Array  # since the dose was last added up [h]
    today_mg: Array
    total_mg: Array


def initial_intake() -> Intake:
    """Return the state of a patient who has been given nothing."""
    zero, no, never = jnp.zeros(()), jnp.bool_(False), jnp.int64(NEVER)
    return Intake(pump=zero, push=zero, push_left_mg=zero, left_out=no, limited=no, stopped=no, next_cut=never)


def within_limits(
    arm: ArmData, patient: Patient, before: Intake, now: Moment, pump: Array, push: Array
) -> tuple[Intake, tuple[Array, Array]]:
    """Return what runs of the rates of pump and pushes [mg/h], and keys of `EVENTS` for pump and push, or 0.

    A push is given whole or not at all, and what is left of it counts as given when the pump's share is worked out.
    """
    limits, push_mg = cast(Limits, arm.limits), cast(Array, patient.push_mg)  # an arm without them does not come here
    day_left, all_left = limits.per_day - now.today_mg, limits.in_all - now.total_mg
    left, of_day = jnp.minimum(day_left, all_left), day_left <= all_left
    tiny = _SAME * jnp.minimum(limits.per_day, limits.in_all)

    begins = now.begins & (push_mg[now.piece] > 0.0) & (push > 0.0)
    left_out = jnp.where(begins, push_mg[now.piece] > left + tiny, before.left_out) & (push > 0.0)
    push_left = jnp.where(begins, push_mg[now.piece], before.push_left_mg - before.push * now.hours)
    push = jnp.where(left_out, 0.0, push)
    push_left = jnp.where(push > 0.0, jnp.maximum(push_left, 0.0), 0.0)

    left -= push_left
    quantum = _QUANTUM * arm.h0_h
    full = jnp.where(pump > 0.0, pump, 1.0) * quantum
    whole = jnp.clip(jnp.floor(left / full), 1, _FAR)
    runs = jnp.where(left > tiny, jnp.minimum(pump, left / quantum), 0.0)
    next_cut = jnp.where(runs > 0.0, now.tick + _QUANTUM * whole.astype(jnp.int64), NEVER)
    stopped = (pump > 0.0) & (runs == 0.0)
    new = Intake(
        pump=runs,
        push=push,
        push_left_mg=push_left,
        left_out=left_out,
        limited=runs < pump,
        stopped=stopped,
        next_cut=next_cut,
    )
    stops = jnp.where(of_day, clinic.STOPPED_DAY, clinic.STOPPED)
    resumes = before.stopped & (runs > 0.0) & ~now.begins
    of_pump = jnp.where(stopped & ~before.stopped, stops, jnp.where(resumes, clinic.NEW_DAY, 0))
    of_push = jnp.where(begins & left_out, jnp.where(of_day, clinic.NO_PUSH_DAY, clinic.NO_PUSH), 0)
    kept = Intake(*(jnp.where(now.due, one, other) for one, other in zip(new, before, strict=True)))
    return kept, (jnp.where(now.due, of_pump, 0), jnp.where(now.due, of_push, 0))
