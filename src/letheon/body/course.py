"""The course of an arm: plasma, block, memory, slow site and pain carried together through one mesh.

Plasma is exact at every node. The memory takes Butcher's fifth-order Runge-Kutta step, whose nodes
0, 1/4, 1/4, 1/2, 3/4, 1 are quarters: exact plasma at each stage costs four applications of one tabulated
propagator. Its weights are Boole's rule, so the daily mean of pain is integrated to the same order.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from letheon.arrays import Array, jax, jnp
from letheon.body import memory, pain, receptor, slow_site
from letheon.body.pharmacokinetics import System
from letheon.body.propagator import advance, propagators

__all__ = ["Body", "Plasma", "Steps", "Trajectory", "run"]

_NODES = (0.0, 0.25, 0.5, 0.75, 1.0)
_STAGE_NODE = (0, 1, 1, 2, 3, 4)  # which node each Runge-Kutta stage looks at
_STAGES = (
    (),
    (1 / 4,),
    (1 / 8, 1 / 8),
    (0.0, -1 / 2, 1.0),
    (3 / 16, 0.0, 0.0, 9 / 16),
    (-3 / 7, 2 / 7, 12 / 7, -12 / 7, 8 / 7),
)
_WEIGHTS = (7 / 90, 0.0, 32 / 90, 12 / 90, 32 / 90, 7 / 90)
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


class Body(NamedTuple):
    """Everything else about the patient; times in hours.

    Attributes
    ----------
    memory : memory.Memory
        Pain memory.
    responds, slow_responds : array
        1 for those in whom block acts on the memory; in whom the slow site acts.
    kappa, hill, fu : array
        Receptor scale, Hill coefficient, unbound fraction.
    inhibition : mapping of str to array
        Ki [µM] of each substance.
    norketamine_weight : array
        Weight of norketamine in the block.
    c50_acute, arketamine_weight : array
        Acute effect.
    placebo, tau_on, tau_off : array
        Placebo response.
    expectancy : array
        Relief from unblinding in this arm at full course [NRS].
    c50_slow : array
        Slow site.
    baseline : array
        Latent baseline pain [NRS].
    flare_rise : array
        Rise of `a` in a flare.
    flares : array, shape (day,)
        1 on flare days.
    """

    memory: memory.Memory
    responds: Array
    slow_responds: Array
    kappa: Array
    hill: Array
    fu: Array
    inhibition: dict
    norketamine_weight: Array
    c50_acute: Array
    arketamine_weight: Array
    placebo: Array
    tau_on: Array
    tau_off: Array
    expectancy: Array
    c50_slow: Array
    baseline: Array
    flare_rise: Array
    flares: Array


class Steps(NamedTuple):
    """The mesh as data: one row a step.

    Attributes
    ----------
    h0_h : array
        Shortest tabulated step [h].
    level, piece, epoch, day : int array, shape (step,)
        Level of the step, piece of the schedule (0: none), epoch of the parameters, day.
    time_h : array, shape (step,)
        Start of the step [h].
    """

    h0_h: Array
    level: Array
    piece: Array
    epoch: Array
    day: Array
    time_h: Array


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


class _Signals(NamedTuple):
    """What plasma says at one node."""

    block: Array
    quiet: Array  # share of pain that the acute effect leaves
    slow_effect: Array
    levels: dict


def _signals(plasmas, body: Body, masses, states) -> _Signals:
    levels, acute, slow = {}, 0.0, 0.0
    for plasma, state in zip(plasmas, states, strict=True):
        if "levels" in plasma.drives:
            names = [n for n, _ in plasma.system.readouts if n not in ("acute", "slow")]
            levels |= {n: _read(plasma.system, n, state) for n in names}
            if plasma.enantiomer == "s":
                slow = _read(plasma.system, "slow", state)
        if "acute" in plasma.drives:
            weight = 1.0 if plasma.enantiomer == "s" else body.arketamine_weight
            acute = acute + weight * _read(plasma.system, "acute", state)
    counted = [n for n in levels if n in body.inhibition]
    ratio = receptor.occupancy_ratio(
        [levels[n] for n in counted],
        [masses[n] for n in counted],
        [body.inhibition[n] for n in counted],
        [body.norketamine_weight if "nor" in n else 1.0 for n in counted],
        body.fu,
        body.kappa,
    )
    zero = jnp.zeros_like(body.baseline)
    return _Signals(
        block=receptor.block(ratio, body.hill) + zero,
        quiet=1.0 - slow_site.effect(acute + zero, body.c50_acute),
        slow_effect=slow_site.effect(slow + zero, body.c50_slow),
        levels=levels,
    )


def _read(system: System, name: str, state):
    """Read a concentration; the scale of the first epoch serves all (volumes do not change by occasion)."""
    row = [n for n, _ in system.readouts].index(name)
    return state[system.readouts[row][1]] * system.scale[0, row]


def _felt(body: Body, base, signals: _Signals, shape):
    """Return latent pain: base share of the baseline, less the acute, placebo and expectancy effects."""
    score = body.baseline * base * signals.quiet * (1.0 - body.placebo * shape)
    return jnp.maximum(score - body.expectancy * shape, 0.0)


def _slow_share(body: Body, signals: _Signals):
    return 1.0 - body.slow_responds * signals.slow_effect


def _step(plasmas, tables, body: Body, masses, s_chronic, rates, h0_h, carry, data):
    """Advance all states over one step of the mesh."""
    states, s, g, areas, now = carry
    level, piece, epoch, day, t = data
    h = h0_h * 2.0**level
    quarters = [table[level - _QUARTER, epoch] for table in tables]
    nodes, moved = [now], states
    for _ in _NODES[1:]:
        moved = [
            advance(quarter, x, rates[piece] * plasma.share)
            for quarter, x, plasma in zip(quarters, moved, plasmas, strict=True)
        ]
        nodes.append(_signals(plasmas, body, masses, moved))
    flare = body.flare_rise * body.flares[day]
    shapes = [pain.placebo_shape(t + c * h, body.tau_on, body.tau_off) for c in _NODES]

    slope_s, slope_g, felt = [], [], []
    for stage, node in zip(_STAGES, _STAGE_NODE, strict=True):
        s_i = s + h * sum(w * k for w, k in zip(stage, slope_s, strict=True) if w)
        g_i = g + h * sum(w * k for w, k in zip(stage, slope_g, strict=True) if w)
        acting = nodes[node].block * body.responds
        ds, dg = memory.slopes(body.memory, s_i, g_i, acting, acting, flare)
        slope_s.append(ds)
        slope_g.append(dg)
        felt.append(_felt(body, s_i / s_chronic, nodes[node], shapes[node]))
    s = s + h * sum(w * k for w, k in zip(_WEIGHTS, slope_s, strict=True) if w)
    g = g + h * sum(w * k for w, k in zip(_WEIGHTS, slope_g, strict=True) if w)
    area = areas[0] + h * sum(w * p for w, p in zip(_WEIGHTS, felt, strict=True) if w)
    slow = [_felt(body, _slow_share(body, n), n, c) for n, c in zip(nodes, shapes, strict=True)]
    boole = (7 / 90, 32 / 90, 12 / 90, 32 / 90, 7 / 90)
    area_slow = areas[1] + h * sum(w * p for w, p in zip(boole, slow, strict=True))

    end = nodes[-1]
    row = Trajectory(
        levels=end.levels,
        block=end.block,
        sensitisation=s,
        growth=g,
        slow_effect=end.slow_effect,
        pain=_felt(body, s / s_chronic, end, shapes[-1]),
        pain_slow=_felt(body, _slow_share(body, end), end, shapes[-1]),
        area=area,
        area_slow=area_slow,
    )
    return (moved, s, g, (area, area_slow), end), row


def run(plasmas, body: Body, masses, steps: Steps, rates, levels: int, count=None) -> Trajectory:
    """Carry a patient along a mesh, from the chronic state; `jax.vmap` carries many.

    The states after each step are written into arrays as long as `steps`, so one compiled program serves every mesh
    that fits. With a fixed `count` the loop can be differentiated in reverse.

    Parameters
    ----------
    plasmas : tuple of Plasma
        Plasma systems with their effect sites (``"slow"`` and ``"acute"``).
    body : Body
        Everything else about the patient.
    masses : mapping of str to float
        Molar mass [g/mol] of each substance that blocks.
    steps : Steps
        The mesh.
    rates : array, shape (piece + 1,)
        Infusion rates of the whole drug [mg/h]; row 0 is zero.
    levels : int
        Number of tabulated step levels.
    count : int, optional
        How many of the steps count; may be traced. Rows behind them stay zero. All of them by default.

    Returns
    -------
    Trajectory
        Axis (step + 1,).
    """
    tabulate = jax.vmap(lambda system: propagators(system.rates, system.entry, steps.h0_h, levels), out_axes=1)
    tables = [tabulate(plasma.system) for plasma in plasmas]
    zero = jnp.zeros_like(body.baseline)
    m = body.memory
    s_chronic = memory.chronic_state(m.theta, m.a, m.n)
    states = [jnp.zeros(len(p.system.states)) for p in plasmas]
    now = _signals(plasmas, body, masses, states)
    carry = (states, s_chronic, zero, (zero, zero), now)
    first = Trajectory(
        levels=now.levels,
        block=now.block,
        sensitisation=s_chronic,
        growth=zero,
        slow_effect=now.slow_effect,
        pain=body.baseline,
        pain_slow=body.baseline,
        area=zero,
        area_slow=zero,
    )
    size = steps.level.shape[0]
    rows = jax.tree.map(lambda x: jnp.zeros((size + 1, *jnp.shape(x)), float).at[0].set(x), first)
    step = partial(_step, plasmas, tables, body, masses, s_chronic, rates, steps.h0_h)

    def one(i, state):
        carry, rows = state
        data = (steps.level[i], steps.piece[i], steps.epoch[i], steps.day[i], steps.time_h[i])
        carry, row = step(carry, data)
        return carry, jax.tree.map(lambda all_, new: all_.at[i + 1].set(new), rows, row)

    _, rows = jax.lax.fori_loop(0, size if count is None else count, one, (carry, rows))
    return rows
