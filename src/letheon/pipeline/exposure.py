"""Exposure of a patient: area under the level of each substance, its maximum, its trough, and the time above levels.

Only arms of scenarios that ask for it compute this. The area is exact over each step, as the plasma itself: from
dx/dt = A x + b r, the integral of x over a step of one rate is A^-1 (change of x - b r h). The maximum is that of the
nodes, four a step, among which are all ends of doses. Between nodes a level that rises runs straight, and one that
falls runs straight on a logarithmic scale, when the time above others is read.
"""

from typing import cast

from letheon.arrays import Array, jax, jnp
from letheon.body import course
from letheon.body.course import Plasma
from letheon.body.propagator import inverse
from letheon.harms import acute
from letheon.pipeline.plan import ArmData, Sampling
from letheon.pipeline.state import Exposure, Patient, PatientState, Watch

__all__ = ["add_exposure", "initial_exposure", "share_above", "watch_of"]

_TINY = 1e-300  # ng/mL: keeps a logarithm finite


def watch_of(plasmas: tuple[Plasma, ...], substances: tuple[str, ...]) -> Watch:
    """Return how the exposure to substances follows from a patient's plasma; one without enantiomer is their sum."""

    def areas(part: Plasma) -> Array:
        system, names = part.system, part.plasma_names if "levels" in part.drives else ()
        rows = [row for row, (name, _) in enumerate(system.readouts) if name in names]
        states = [system.readouts[row][1] for row in rows]
        scale = system.scale[0, jnp.array(rows, int)][:, None]
        return scale * jax.vmap(inverse)(system.rates)[:, jnp.array(states, int)]

    own = course.level_names(plasmas)
    parts = [[name in (one, f"es{one}", f"ar{one}") for name in own] for one in substances]
    return Watch([areas(part) for part in plasmas], jnp.array(parts, float))


def initial_exposure(sampling: Sampling | None, substances: int) -> Exposure | None:
    """Return the exposure of a patient who has been given nothing; None where none is asked for."""
    if sampling is None:
        return None
    none = jnp.zeros(substances)
    return Exposure(none, none, none, none, jnp.zeros((substances, len(sampling.above))))


def share_above(before: Array, after: Array, level: Array) -> Array:
    """Return the share of an interval for which a level in plasma lies above another, in [0, 1].

    >>> float(share_above(0.0, 200.0, 50.0)), round(float(share_above(400.0, 100.0, 200.0)), 9)
    (0.75, 0.5)
    """
    falls = after < before
    ends = (jnp.where(falls, jnp.log(jnp.maximum(x, _TINY)), x) for x in (before, after, level))
    return acute.share_above(*ends)


def add_exposure(
    arm: ArmData, patient: Patient, state: PatientState, step: tuple[Array, Array], before: list, passed: list[list]
) -> Exposure:
    """Add a step of so many ticks that ends at a tick; `before` holds the states of plasma at its start.

    `passed` holds those at its quarters.
    """
    sampling, so_far, watch = cast(Sampling, arm.sampling), cast(Exposure, state.exposure), cast(Watch, patient.watch)
    (ticks, tick), alive = step, state.clock.day < arm.days
    h = arm.h0_h * ticks
    changes: list[Array] = []
    for part, areas, start, end in zip(patient.plasmas, watch.areas, before, passed[-1], strict=True):
        row = areas[state.clock.epoch]
        change = jnp.stack([end[i] - start[i] for i in range(row.shape[1])])
        given = change.at[0].add(-part.share * state.tally.rate * h)
        changes.append((row * given).sum(axis=1))

    def mixed(own: Array) -> Array:
        return (watch.mix * own).sum(axis=1)

    names = course.level_names(patient.plasmas)
    levels = [course.levels_of(patient.plasmas, states).plasma for states in passed]
    nodes = jnp.stack([so_far.level, *(mixed(jnp.stack([one[name] for name in names])) for one in levels)])
    above = share_above(nodes[:-1, :, None], nodes[1:, :, None], sampling.above).sum(axis=0) * h / len(levels)
    return Exposure(
        level=nodes[-1],
        auc=so_far.auc + jnp.where(alive, mixed(jnp.concatenate(changes)), 0.0),
        cmax=jnp.maximum(so_far.cmax, jnp.where(alive, nodes.max(axis=0), 0.0)),
        ctrough=jnp.where(tick == sampling.trough, nodes[-1], so_far.ctrough),
        above=so_far.above + jnp.where(alive, above, 0.0),
    )
