"""The response of a patient to levels over one step: block, pain memory, slow site, pain.

The memory takes Butcher's fifth-order Runge-Kutta step, whose nodes 0, 1/4, 1/4, 1/2, 3/4, 1 are quarters of a step,
where plasma is known exactly. Its weights are Boole's rule, so the daily mean of pain is integrated to the same order.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from letheon.arrays import Array, jnp
from letheon.body import memory, pain, receptor, slow_site

__all__ = [
    "NODES",
    "Body",
    "DrugEffects",
    "Levels",
    "PainState",
    "Readout",
    "advance_state",
    "drug_effects",
    "initial_pain_state",
    "latent_pain",
]

NODES = (0.0, 0.25, 0.5, 0.75, 1.0)
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
_BOOLE = (7 / 90, 32 / 90, 12 / 90, 32 / 90, 7 / 90)


class Readout(NamedTuple):
    """How lasting relief becomes pain; each pain model has its own, since each was fitted with its own."""

    c50_acute: Array  # acute effect: level of half effect [ng/mL]
    arketamine_weight: Array  # potency of arketamine against esketamine
    placebo: Array  # placebo response: full size
    tau_on: Array  # time constants of its onset and fading [h]
    tau_off: Array
    odds: Array  # factor on the odds of lasting relief: the effect of the study that the patient is in


class Body(NamedTuple):
    """Everything else about the patient; times in hours."""

    memory: memory.Memory
    responds: Array  # 1 for those in whom block acts on the memory
    slow_responds: Array  # 1 for those in whom the slow site acts
    kappa: Array  # receptor scale
    hill: Array  # Hill coefficient
    fu: Array  # unbound fraction
    inhibition: dict  # Ki [µM] of each substance
    norketamine_weight: Array  # in the block
    readout: Readout  # from lasting relief to pain under the memory
    readout_slow: Readout  # the same under the slow site
    expectancy: Array  # relief from unblinding in this arm at full course [NRS]
    c50_slow: Array  # slow site: level of half effect [ng/mL]
    baseline: Array  # latent baseline pain [NRS]
    flare_rise: Array  # rise of `a` in a flare
    flares: Array  # 1 on flare days, shape (day,)


class Levels(NamedTuple):
    """Concentrations at one time [ng/mL]."""

    plasma: dict  # substances in plasma by name, under the model that drives the block
    acute_s: Array  # esketamine and arketamine at the acute effect site
    acute_r: Array
    slow: Array  # esketamine at the slow site


class DrugEffects(NamedTuple):
    """What the drug does at one time: receptor block, effect of the slow site, and what the acute effect leaves."""

    block: Array
    pain_left: Array  # share of pain that the acute effect leaves under the memory
    slow_effect: Array
    pain_left_slow: Array  # the same under the slow site


class PainState(NamedTuple):
    """What a patient carries from step to step."""

    s: Array  # sensitisation
    g: Array  # growth
    area: Array  # integral of pain since t = 0 under the memory [NRS h]
    area_slow: Array  # the same under the slow site


def drug_effects(body: Body, masses: Mapping[str, float], levels: Levels) -> DrugEffects:
    """Turn concentrations into what acts on a patient; `masses` [g/mol] of each substance that blocks."""
    counted = [name for name in levels.plasma if name in body.inhibition]
    ratio = receptor.occupancy_ratio(
        [levels.plasma[name] for name in counted],
        [masses[name] for name in counted],
        [body.inhibition[name] for name in counted],
        [body.norketamine_weight if "nor" in name else 1.0 for name in counted],
        body.fu,
        body.kappa,
    )

    def pain_left(readout: Readout) -> Array:
        acute = levels.acute_s + readout.arketamine_weight * levels.acute_r
        return 1.0 - slow_site.effect(acute, readout.c50_acute)

    return DrugEffects(
        block=receptor.block(ratio, body.hill),
        pain_left=pain_left(body.readout),
        slow_effect=slow_site.effect(levels.slow, body.c50_slow),
        pain_left_slow=pain_left(body.readout_slow),
    )


def initial_pain_state(body: Body) -> PainState:
    """Return the state before treatment: chronic sensitisation, no growth."""
    m = body.memory
    zero = jnp.zeros_like(body.baseline)
    return PainState(memory.chronic_state(m.theta, m.a, m.n), zero, zero, zero)


def latent_pain(body: Body, effects: DrugEffects, t: Array, share: Array = None) -> Array:
    """Return latent pain [NRS], at least 0, at `t` hours since baseline, where `share` of the chronic pain is left.

    `share` is sensitisation as a share of the chronic one; without it, pain is that of the slow site.
    """
    if share is None:
        readout, pain_left = body.readout_slow, effects.pain_left_slow
        share = 1.0 - body.slow_responds * effects.slow_effect
    else:
        readout, pain_left = body.readout, effects.pain_left
    shape = pain.placebo_shape(t, readout.tau_on, readout.tau_off)
    relief = jnp.maximum(1.0 - share, 0.0)
    left = share / (1.0 + relief * (readout.odds - 1.0))  # the odds of relief times `odds`
    score = body.baseline * left * pain_left * (1.0 - readout.placebo * shape)
    return jnp.maximum(score - body.expectancy * shape, 0.0)


def _weighed(weights: Sequence[float], slopes: Sequence[Array]) -> Array:
    return sum(w * k for w, k in zip(weights, slopes, strict=True) if w)


def advance_state(
    body: Body, s_chronic: Array, day: Array, t: Array, h: Array, state: PainState, nodes: list[DrugEffects]
) -> PainState:
    """Carry a patient over one step that starts at `t` and takes `h` hours, with the drug's effects at `NODES`."""
    flare = body.flare_rise * body.flares[day]
    times = [t + c * h for c in NODES]
    slope_s, slope_g, score = [], [], []
    for stage, node in zip(_STAGES, _STAGE_NODE, strict=True):
        s, g = state.s + h * _weighed(stage, slope_s), state.g + h * _weighed(stage, slope_g)
        acting = nodes[node].block * body.responds
        ds, dg = memory.slopes(body.memory, s, g, acting, acting, flare)
        slope_s.append(ds)
        slope_g.append(dg)
        score.append(latent_pain(body, nodes[node], times[node], s / s_chronic))
    slow = [latent_pain(body, n, at) for n, at in zip(nodes, times, strict=True)]
    return PainState(
        s=state.s + h * _weighed(_WEIGHTS, slope_s),
        g=state.g + h * _weighed(_WEIGHTS, slope_g),
        area=state.area + h * _weighed(_WEIGHTS, score),
        area_slow=state.area_slow + h * _weighed(_BOOLE, slow),
    )
