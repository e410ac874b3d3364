"""The course of an arm: plasma, block, memory, slow site and pain carried together through one mesh.

Plasma is exact at every node: four applications of one tabulated propagator give the quarters of a step that the
integrator of the memory looks at (`response`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from jaxtyping import Real

from letheon.arrays import Array, jax, jnp
from letheon.body.branches import Branched, advance_branches
from letheon.body.compartments import System
from letheon.body.propagator import advance, propagators
from letheon.body.response import (
    NODES,
    Body,
    DrugEffects,
    Levels,
    PainState,
    advance_state,
    drug_effects,
    initial_pain_state,
    latent_pain,
)

__all__ = [
    "Body",
    "Plasma",
    "Steps",
    "Trajectory",
    "exposure",
    "harm_sites",
    "level_names",
    "levels_of",
    "quarter_of",
    "quarters",
    "replay",
    "run",
    "tables_of",
]

_SITES = ("acute", "slow", "psychedelic")  # effect sites, by the names of their readouts
_QUARTER = 2  # levels below a step at which its quarters are tabulated


@partial(jax.tree_util.register_dataclass, data_fields=["system"], meta_fields=["enantiomer", "share", "drives"])
@dataclass(frozen=True, slots=True)
class Plasma:
    """One enantiomer under one model.

    Attributes
    ----------
    system : System
        Matrix with axes (epoch, state, state).
    enantiomer : str
        ``"s"`` or ``"r"``.
    share : float
        Share of the infused mass that is this enantiomer.
    drives : frozenset of str
        What it drives: ``"block"`` and ``"levels"`` (memory, slow site, reported levels) or ``"acute"``.
    """

    system: System
    enantiomer: str
    share: float
    drives: frozenset[str]

    @property
    def plasma_names(self) -> tuple[str, ...]:
        """Substances whose levels in plasma can be read."""
        return tuple(name for name, _ in self.system.readouts if name not in _SITES)


class Steps(NamedTuple):
    """The mesh as data: one row a step; arrays of shape (step,)."""

    h0_h: Array  # shortest tabulated step [h]
    level: Array  # steps take ``h0_h 2**level``
    piece: Array  # of the schedule (0: none)
    epoch: Array  # of the parameters
    day: Array
    time_h: Array  # start of the step [h]


class Trajectory(NamedTuple):
    """States at the ends of the mesh's steps, the start first; axis (time,).

    Attributes
    ----------
    levels : mapping of str to array
        Concentrations [ng/mL].
    block, sensitisation, growth, slow_effect : array
        Shares in [0, 1].
    pain, pain_slow : array
        Latent pain under the memory and under the slow site [NRS].
    area, area_slow : array
        Their integrals since t = 0 [NRS h].
    sites : mapping of str to array
        What acute harms go by [ng/mL]: ``psychedelic_s``, ``psychedelic_r`` at their effect site, and ``plasma_s``;
        empty where the plasma systems have no such site.
    """

    levels: dict
    block: Array
    sensitisation: Array
    growth: Array
    slow_effect: Array
    pain: Array
    pain_slow: Array
    area: Array
    area_slow: Array
    sites: dict


def _read(system: System, name: str, state: Array) -> Array:
    """Read a concentration; the scale of the first epoch serves all (volumes do not change by occasion)."""
    row = [n for n, _ in system.readouts].index(name)
    return state[system.readouts[row][1]] * system.scale[0, row]


def level_names(plasmas: tuple[Plasma, ...]) -> list[str]:
    """Return the substances whose levels are reported, in the order of the systems."""
    return [name for part in plasmas if "levels" in part.drives for name in part.plasma_names]


def levels_of(plasmas: tuple[Plasma, ...], states: list) -> Levels:
    """Read what blocks, and the effect sites, from the states of all plasma systems."""
    plasma, acute, slow = {}, {"s": jnp.zeros(()), "r": jnp.zeros(())}, jnp.zeros(())
    for part, state in zip(plasmas, states, strict=True):
        if "levels" in part.drives:
            plasma |= {name: _read(part.system, name, state) for name in part.plasma_names}
            if part.enantiomer == "s":
                slow = _read(part.system, "slow", state)
        if "acute" in part.drives:
            acute[part.enantiomer] = _read(part.system, "acute", state)
    return Levels(plasma, acute["s"], acute["r"], slow)


def harm_sites(plasmas: tuple[Plasma, ...], states: list) -> dict:
    """Read what acute harms go by, from the systems that have the site for it [ng/mL]."""
    sites = {}
    for part, state in zip(plasmas, states, strict=True):
        names = [n for n, _ in part.system.readouts]
        if "psychedelic" in names:
            sites[f"psychedelic_{part.enantiomer}"] = _read(part.system, "psychedelic", state)
            if part.enantiomer == "s":
                sites["plasma_s"] = _read(part.system, names[0], state)
    return sites


def tables_of(plasmas: tuple[Plasma, ...], h0_h: Array, levels: int) -> list[Array]:
    """Tabulate the propagators of all plasma systems."""
    tabulate = jax.vmap(lambda system: propagators(system.rates, system.entry, h0_h, levels), out_axes=1)
    return [tabulate(plasma.system) for plasma in plasmas]


def quarter_of(tables: list, level: Array, epoch: Array) -> list[Array]:
    """Look up the propagators of a quarter of a step."""
    return jax.tree.map(lambda table: table[level - _QUARTER, epoch], tables)


def quarters(
    plasmas: tuple[Plasma, ...], quarter: list, rate: Array, states: list, dosed: Array | None = None
) -> list[list[Array]]:
    """Carry plasma over the quarters of a step at one rate."""

    def carry(states: list) -> Array:
        steps = zip(quarter, states, plasmas, strict=True)
        return [
            (advance_branches if isinstance(x, Branched) else advance)(q, x, rate * part.share) for q, x, part in steps
        ]

    result = [states]
    for _ in NODES[1:]:
        at = result[-1]
        result.append(carry(at) if dosed is None else jax.lax.cond(dosed, carry, lambda states: states, at))
    return result[1:]


def _row(
    body: Body,
    s_chronic: Array,
    t: Array,
    state: PainState,
    levels: Levels,
    effects: DrugEffects,
    sites: dict | None = None,
) -> Trajectory:
    return Trajectory(
        levels=levels.plasma,
        block=effects.block,
        sensitisation=state.s,
        growth=state.g,
        slow_effect=effects.slow_effect,
        pain=latent_pain(body, effects, t, state.s / s_chronic),
        pain_slow=latent_pain(body, effects, t),
        area=state.area,
        area_slow=state.area_slow,
        sites=sites or {},
    )


def _collect(first: Trajectory, carry: tuple, step: Callable, size: int, count: Array | None) -> Trajectory:
    """Run `step` over the mesh and write a row after each into arrays of a fixed size."""
    rows = jax.tree.map(lambda x: jnp.zeros((size + 1, *jnp.shape(x)), float).at[0].set(x), first)

    def one(i: Array, both: Array) -> tuple:
        carry, row = step(i, both[0])
        return carry, jax.tree.map(lambda kept, new: kept.at[i + 1].set(new), both[1], row)

    return jax.lax.fori_loop(0, size if count is None else count, one, (carry, rows))[1]


def run(
    plasmas: tuple[Plasma, ...],
    body: Body,
    masses: Mapping[str, float],
    steps: Steps,
    rates: Real[Array, " pieces"],
    levels: int,
    count: Array | None = None,
) -> Trajectory:
    """Carry a patient along a mesh, from the chronic state; `jax.vmap` carries many.

    The states after each step are written into arrays as long as `steps`, so one compiled program serves every mesh
    that fits. With a fixed `count` the loop can be differentiated in reverse.

    Parameters
    ----------
    plasmas : tuple of Plasma
        Plasma systems with their effect sites (``"slow"`` and ``"acute"``).
    body, masses, steps
        The patient, the molar mass [g/mol] of each substance that blocks, and the mesh.
    rates : array, shape (piece + 1,)
        Infusion rates of the whole drug [mg/h]; row 0 is zero.
    levels : int
        Number of tabulated step levels.
    count : int, optional
        How many of the steps count; may be traced. Rows after them stay zero. All of them by default.

    Returns
    -------
    Trajectory
        Axis (step + 1,).
    """
    steps, rates = jax.tree.map(jnp.asarray, (steps, rates))
    tables = tables_of(plasmas, steps.h0_h, levels)
    states = [jnp.zeros(len(p.system.states)) for p in plasmas]
    state, none = initial_pain_state(body), levels_of(plasmas, states)
    s_chronic, now = state.s, drug_effects(body, masses, none)

    def step(i: Array, carry: Array) -> tuple:
        states, state, now = carry
        h, t = steps.h0_h * 2.0 ** steps.level[i], steps.time_h[i]
        quarter = quarter_of(tables, steps.level[i], steps.epoch[i])
        *_, states = passed = quarters(plasmas, quarter, rates[steps.piece[i]], states)
        result = [levels_of(plasmas, at) for at in passed]
        nodes = [now, *(drug_effects(body, masses, at) for at in result)]
        state = advance_state(body, s_chronic, steps.day[i], t, h, state, nodes)
        return (states, state, nodes[-1]), _row(
            body, s_chronic, t + h, state, result[-1], nodes[-1], harm_sites(plasmas, states)
        )

    first = _row(body, s_chronic, 0.0, state, none, now, harm_sites(plasmas, states))
    return _collect(first, (states, state, now), step, steps.level.shape[0], count)


def exposure(plasmas: tuple[Plasma, ...], steps: Steps, rates: Array, levels: int) -> Levels:
    """Return the levels at all nodes of a mesh, to be used many times with different bodies; arguments as for `run`.

    Axes (step, node), the nodes being the quarters of each step with both its ends.
    """
    steps, rates = jax.tree.map(jnp.asarray, (steps, rates))
    tables = tables_of(plasmas, steps.h0_h, levels)
    states = [jnp.zeros(len(p.system.states)) for p in plasmas]

    def step(carry: Array, data: Array) -> tuple:
        states, now = carry
        level, piece, epoch = data
        passed = quarters(plasmas, quarter_of(tables, level, epoch), rates[piece], states)
        result = [levels_of(plasmas, at) for at in passed]
        return (passed[-1], result[-1]), jax.tree.map(lambda *x: jnp.stack(x), now, *result)

    _, nodes = jax.lax.scan(step, (states, levels_of(plasmas, states)), (steps.level, steps.piece, steps.epoch))
    return nodes


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def _bounded(x: Array, bound: float) -> Array:
    return x


def _bounded_forward(x: Array, bound: float) -> tuple:
    return x, None


def _bounded_reverse(bound: float, _: Array, sensitivity: Array) -> tuple:
    return (jnp.clip(sensitivity, -bound, bound),)


_bounded.defvjp(_bounded_forward, _bounded_reverse)


def replay(
    body: Body, masses: Mapping[str, float], steps: Steps, nodes: Levels, bound: float | None = None
) -> Trajectory:
    """Carry a patient along a mesh without padding on which the levels at the nodes are known from `exposure`.

    This is what `run` does, without plasma; `masses` are molar masses [g/mol]. A `bound` limits the sensitivity of a
    result to sensitisation at any time, in reverse differentiation. Near the unstable root it grows exponentially with
    the time to come: true, but no use to a sampler, which any smooth force serves.
    """
    steps = jax.tree.map(jnp.asarray, steps)
    state = initial_pain_state(body)
    s_chronic = state.s
    known = drug_effects(body, masses, nodes)

    # a scan, whose slices and rows cost less in reverse than an array written in place
    def step(state: Array, data: Array) -> tuple:
        level, day, t, levels, known = data
        h = steps.h0_h * 2.0**level
        at = [jax.tree.map(lambda x, k=k: x[k], known) for k in range(len(NODES))]
        # Keeps the state in its bounds where the mesh is too coarse for a patient with a very fast memory.
        kept = jnp.clip(state.s, 0.0, 1.0)
        state = state._replace(s=kept if bound is None else _bounded(kept, bound))
        state = advance_state(body, s_chronic, day, t, h, state, at)
        end = jax.tree.map(lambda x: x[-1], levels)
        return state, _row(body, s_chronic, t + h, state, end, at[-1])

    first = _row(body, s_chronic, 0.0, state, *(jax.tree.map(lambda x: x[0, 0], x) for x in (nodes, known)))
    data = (steps.level, steps.day, steps.time_h, nodes, known)
    _, rows = jax.lax.scan(jax.checkpoint(step), state, data)
    return jax.tree.map(lambda x, xs: jnp.concatenate([jnp.asarray(x, float)[None], xs]), first, rows)
