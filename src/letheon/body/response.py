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
    """How lasting relief becomes pain; each pain model has its own, since each was fitted with its own.

    Attributes
    ----------
    c50_acute, arketamine_weight : array
        Acute effect: level of half effect [ng/mL], potency of arketamine against esketamine.
    placebo, tau_on, tau_off : array
        Placebo response: full size, time constants [h].
    odds : array
        Factor on the odds of lasting relief: the effect of the study that the patient is in.
    """

    c50_acute: Array
    arketamine_weight: Array
    placebo: Array
    tau_on: Array
    tau_off: Array
    odds: Array


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
    readout, readout_slow : Readout
        From lasting relief to pain under the memory and under the slow site.
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
    readout: Readout
    readout_slow: Readout
    expectancy: Array
    c50_slow: Array
    baseline: Array
    flare_rise: Array
    flares: Array


class Levels(NamedTuple):
    """Concentrations at one time [ng/mL].

    Attributes
    ----------
    plasma : mapping of str to array
        Substances in plasma, under the model that drives the block.
    acute_s, acute_r : array
        Esketamine and arketamine at the acute effect site.
    slow : array
        Esketamine at the slow site.
    """

    plasma: dict
    acute_s: Array
    acute_r: Array
    slow: Array


class DrugEffects(NamedTuple):
    """What the drug does at one time.

    Attributes
    ----------
    block, slow_effect : array
        Receptor block and effect of the slow site.
    pain_left, pain_left_slow : array
        Share of pain that the acute effect leaves under the memory and under the slow site.
    """

    block: Array
    pain_left: Array
    slow_effect: Array
    pain_left_slow: Array


class PainState(NamedTuple):
    """What a patient carries from step to step.

    Attributes
    ----------
    s, g : array
        Sensitisation and growth.
    area, area_slow : array
        Integrals of pain since t = 0 under the memory and under the slow site [NRS h].
    """

    s: Array
    g: Array
    area: Array
    area_slow: Array


def drug_effects(body: Body, masses: Mapping[str, float], levels: Levels) -> DrugEffects:
    """Turn concentrations into what acts on a patient.

    Parameters
    ----------
    body : Body
        The patient.
    masses : mapping of str to float
        Molar mass [g/mol] of each substance that blocks.
    levels : Levels
        Concentrations.

    Returns
    -------
    DrugEffects
        Block and effects.
    """
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
    """Return the state before treatment: the chronic one.

    Parameters
    ----------
    body : Body
        The patient.

    Returns
    -------
    PainState
        Chronic sensitisation, no growth.
    """
    m = body.memory
    zero = jnp.zeros_like(body.baseline)
    return PainState(memory.chronic_state(m.theta, m.a, m.n), zero, zero, zero)


def latent_pain(body: Body, effects: DrugEffects, t: Array, share: Array = None) -> Array:
    """Return latent pain [NRS] where `share` of the chronic pain is left.

    Parameters
    ----------
    body : Body
        The patient.
    effects : DrugEffects
        Present effects.
    t : array
        Time since baseline [h].
    share : array, optional
        Sensitisation as a share of the chronic one; without it, pain is that of the slow site.

    Returns
    -------
    array
        Pain, at least 0.
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
    """Carry a patient over one step.

    Parameters
    ----------
    body : Body
        The patient.
    s_chronic : array
        Chronic sensitisation.
    day : int
        Day of the step, for flares.
    t, h : array
        Start and length of the step [h].
    state : PainState
        State at the start.
    nodes : list of DrugEffects
        Effects at `NODES`.

    Returns
    -------
    PainState
        State at the end.
    """
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
