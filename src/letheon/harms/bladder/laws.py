"""The bladder: irritation, a mucosal deficit that heals, fibrosis that does not, and what they do to capacity.

    dI/dt = k (D - I)                                    irritation, in units of the drive
    dU/dt = inj(D) (1 - U) - k_rep U                     mucosal deficit in [0, 1]
    dF/dt = k_fib D U (1 - F) - k_rem F                  fibrosis in [0, 1]

    saturating   inj(D) = k_inj D^h / (D50^h + D^h)
    unsaturated  inj(D) = min(k_rep (D / D50)^h, most)

    MBC = M0 (1 - β U) (1 - F)                           capacity under anaesthesia
    V   = max(floor, min(V0 (1 - α U), MBC))             functional capacity: sensation limits first, structure later

The drive D is what reaches the body each day: systemic dose, or the concentration in urine, which drinking water
dilutes. While D is constant the equations have exact solutions, so a pause of years is one step, and no step can
leave the bounds.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np

from letheon import library
from letheon.arrays import Array, jax, jnp
from letheon.units import to_canonical

__all__ = [
    "LAWS",
    "BladderState",
    "Tissue",
    "advance",
    "anaesthetic_capacity",
    "by_urine",
    "follow",
    "functional_capacity",
    "healthy",
    "injury_rate",
    "loss",
    "symptoms",
    "tissue",
    "typical_values",
    "urine_concentration",
    "urine_drive",
    "variants",
]

LAWS = ("saturating", "unsaturated")
_TINY = 1e-12  # keeps a power differentiable without drug
_ETAS = ("d50", "capacity")  # numbers with a variance between people


class Tissue(NamedTuple):
    """A person's bladder; drive in mg/h, rates in 1/h, capacities in L.

    Attributes
    ----------
    d50, hill : array
        Drive of half effect [mg/h] and steepness of injury.
    k_inj, k_inj_most : array
        Most that injury can be, under the saturating law and under the unsaturated one [1/h].
    k_rep, k_rem : array
        Repair of the mucosa; removal of fibrosis [1/h].
    k_fib : array
        Fibrosis for each mg of drug under a full deficit [1/mg].
    k_irritation : array
        Rise and fall of irritation [1/h].
    sensory_loss, anaesthetic_loss : array
        α and β: share of V0 and of M0 that a full deficit takes.
    capacity, anaesthetic, floor : array
        V0, M0, and the least functional capacity [L].
    background : array
        Probability of urinary symptoms without drug.
    threshold : array
        Share of the capacity lost at which symptoms are as likely as not.
    irritation_most, irritation_half : array
        Most log odds that irritation adds, and the irritation of half of it [mg/h].
    """

    d50: Array
    hill: Array
    k_inj: Array
    k_inj_most: Array
    k_rep: Array
    k_rem: Array
    k_fib: Array
    k_irritation: Array
    sensory_loss: Array
    anaesthetic_loss: Array
    capacity: Array
    anaesthetic: Array
    floor: Array
    background: Array
    threshold: Array
    irritation_most: Array
    irritation_half: Array


class BladderState(NamedTuple):
    """State of a bladder.

    Attributes
    ----------
    irritation : array
        I, at least 0 [mg/h].
    deficit, fibrosis : array
        U and F, in [0, 1].
    """

    irritation: Array
    deficit: Array
    fibrosis: Array


@cache
def typical_values(law: str) -> Mapping[str, np.ndarray]:
    """Return the draws of a law's numbers: calibrated ones from the shipped fit, the others as the library has them.

    Parameters
    ----------
    law : str
        One of `LAWS`.

    Returns
    -------
    mapping of str to array, shape (draw,)
        Names of ``[bladder]`` in ``harms.toml``, in canonical units; ``d50.sd`` and ``capacity.sd`` are standard
        deviations between people; ``dose@key`` is the factor on a dose that a report leaves out.

    Examples
    --------
    >>> typical_values("saturating")["k_rep"].shape
    (64,)
    """
    numbers, fitted = library.harms("bladder"), library.bladder_posterior(law).columns
    draws = len(next(iter(fitted.values()), (0.0,)))
    values = {name: np.full(draws, number.canonical) for name, number in numbers.items()}
    values |= {f"{name}.sd": np.full(draws, math.sqrt(numbers[name].omega or 0.0)) for name in _ETAS}
    for name, column in fitted.items():
        name = name.removeprefix("bladder.")
        unit = numbers[name].unit if name in numbers else "1"
        values[name] = np.array([to_canonical(value, unit) for value in column])
    return values


def tissue(typical: Callable[[str], Array], susceptibility: Array = 0.0, size: Array = 0.0) -> Tissue:
    """Build a person's bladder from typical values.

    Parameters
    ----------
    typical : callable
        From a name of `typical_values` to its value.
    susceptibility, size : array
        Standard normal deviations of the person: of the logarithms of D50 and of the healthy capacity.

    Returns
    -------
    Tissue
        Parameters; the healthy capacity has the library's mean over people.

    Examples
    --------
    >>> values = typical_values("saturating")
    >>> round(float(tissue(lambda name: values[name][0], 1.0).d50 / tissue(lambda name: values[name][0]).d50), 9) == (
    ...     round(float(np.exp(values["d50.sd"][0])), 9)
    ... )
    True
    """
    spread = typical("capacity.sd")
    capacity = typical("capacity") * jnp.exp(spread * size - spread**2 / 2.0)
    # in their order: that of a set differs between processes, and with it the compiled program
    rest = [name for name in Tissue._fields if name not in ("d50", "capacity", "anaesthetic")]
    return Tissue(
        d50=typical("d50") * jnp.exp(typical("d50.sd") * susceptibility),
        capacity=capacity,
        anaesthetic=typical("anaesthetic_ratio") * capacity,
        **{name: typical(name) for name in rest},
    )


def healthy(shape: tuple[int, ...] = ()) -> BladderState:
    """Return a bladder that has met no drug.

    Parameters
    ----------
    shape : tuple of int
        Shape of the arrays.

    Returns
    -------
    BladderState
        Zeros.

    Examples
    --------
    >>> float(healthy().deficit)
    0.0
    """
    return BladderState(jnp.zeros(shape), jnp.zeros(shape), jnp.zeros(shape))


def injury_rate(law: str, person: Tissue, drive: Array) -> Array:
    """Return the rate at which drug opens the lining.

    Parameters
    ----------
    law : str
        One of `LAWS`.
    person : Tissue
        The bladder.
    drive : array
        Drive [mg/h].

    Returns
    -------
    array
        Rate [1/h], 0 without drug.

    Examples
    --------
    >>> values = typical_values("saturating")
    >>> person = tissue(lambda name: values[name][0])
    >>> bool(injury_rate("saturating", person, person.d50) == person.k_inj / 2)
    True
    """
    power = jnp.exp(person.hill * jnp.log(jnp.maximum(drive, _TINY) / person.d50))
    power = jnp.where(drive > 0.0, power, 0.0)
    if law == "saturating":
        return person.k_inj * jnp.where(power < 1.0, power / (1.0 + power), 1.0 / (1.0 + 1.0 / jnp.maximum(power, 1.0)))
    return jnp.minimum(person.k_rep * power, person.k_inj_most)


def _decay(rate: Array, hours: Array) -> tuple[Array, Array]:
    """Return exp(-rate hours) and its integral over the hours."""
    x = rate * hours
    small = x < 1e-8
    return jnp.exp(-x), hours * jnp.where(small, 1.0 - x / 2.0, -jnp.expm1(-x) / jnp.where(small, 1.0, x))


def advance(law: str, person: Tissue, state: BladderState, drive: Array, hours: Array) -> BladderState:
    """Carry a bladder over a stretch of constant drive.

    Exact for irritation and deficit, and for fibrosis where nothing removes it or no drug is given; otherwise
    fibrosis takes the mean of what drives it.

    Parameters
    ----------
    law : str
        One of `LAWS`.
    person : Tissue
        The bladder.
    state : BladderState
        State at the start.
    drive : array
        Drive [mg/h].
    hours : array
        Length of the stretch [h].

    Returns
    -------
    BladderState
        State at the end.
    """
    injury = injury_rate(law, person, drive)
    rate = injury + person.k_rep
    left, lasted = _decay(rate, hours)
    settled = injury / rate
    deficit = settled + (state.deficit - settled) * left
    exposed = settled * hours + (state.deficit - settled) * lasted  # integral of the deficit [h]
    scarring = person.k_fib * drive * exposed
    removal = person.k_rem * hours
    total = scarring + removal
    aim = scarring / jnp.where(total > 0.0, total, 1.0)
    calm = jnp.exp(-person.k_irritation * hours)
    return BladderState(
        irritation=drive + (state.irritation - drive) * calm,
        deficit=jnp.clip(deficit, 0.0, 1.0),  # rounding alone could leave the bounds
        fibrosis=jnp.where(total > 0.0, aim + (state.fibrosis - aim) * jnp.exp(-total), state.fibrosis),
    )


def follow(law: str, person: Tissue, drives: Array, hours: Array, state: BladderState | None = None) -> BladderState:
    """Carry a bladder through stretches of constant drive, one after the other.

    Parameters
    ----------
    law : str
        One of `LAWS`.
    person : Tissue
        The bladder.
    drives, hours : array, shape (stretch,)
        Drive [mg/h] and length [h] of each stretch; one of no length changes nothing (padding).
    state : BladderState, optional
        State at the start; healthy by default.

    Returns
    -------
    BladderState
        States before the first stretch and after each; axis (stretch + 1,) first.
    """
    first = healthy(jnp.shape(person.d50)) if state is None else state

    def step(now: BladderState, piece: Array) -> tuple:
        later = advance(law, person, now, *piece)
        return later, later

    _, rest = jax.lax.scan(step, first, (jnp.asarray(drives), jnp.asarray(hours)))
    return jax.tree.map(lambda a, b: jnp.concatenate([jnp.asarray(a)[None], b]), first, rest)


def anaesthetic_capacity(person: Tissue, state: BladderState) -> Array:
    """Return how much the bladder holds under anaesthesia.

    Parameters
    ----------
    person : Tissue
        The bladder.
    state : BladderState
        Its state.

    Returns
    -------
    array
        Capacity [L], at least `person.floor`.
    """
    stretch = person.anaesthetic * (1.0 - person.anaesthetic_loss * state.deficit) * (1.0 - state.fibrosis)
    return jnp.maximum(stretch, person.floor)


def functional_capacity(person: Tissue, state: BladderState) -> Array:
    """Return how much the bladder holds awake: what sensation allows, at most what the wall does.

    Parameters
    ----------
    person : Tissue
        The bladder.
    state : BladderState
        Its state.

    Returns
    -------
    array
        Capacity [L], at least `person.floor`.

    Examples
    --------
    >>> values = typical_values("unsaturated")
    >>> person = tissue(lambda name: values[name][0])
    >>> bool(functional_capacity(person, healthy()) == person.capacity)
    True
    """
    sensed = person.capacity * (1.0 - person.sensory_loss * state.deficit)
    return jnp.maximum(jnp.minimum(sensed, anaesthetic_capacity(person, state)), person.floor)


def loss(person: Tissue, state: BladderState) -> Array:
    """Return the share of the healthy functional capacity that is lost.

    Parameters
    ----------
    person : Tissue
        The bladder.
    state : BladderState
        Its state.

    Returns
    -------
    array
        1 - V / V(healthy), in [0, 1).
    """
    sound = jnp.maximum(jnp.minimum(person.capacity, person.anaesthetic), person.floor)
    return 1.0 - functional_capacity(person, state) / sound


def symptoms(person: Tissue, state: BladderState) -> Array:
    """Return the probability of urinary symptoms, never below the background.

        logit P = logit(background) + most I / (I + half) + b (1 - V / V0)

    with b such that P is one half at the threshold of loss, without irritation.

    Parameters
    ----------
    person : Tissue
        The bladder.
    state : BladderState
        Its state.

    Returns
    -------
    array
        Probability.
    """
    start = jnp.log(person.background) - jnp.log1p(-person.background)
    irritation = person.irritation_most * state.irritation / (state.irritation + person.irritation_half)
    raised = jnp.maximum(irritation - start * loss(person, state) / person.threshold, 0.0)
    return jnp.maximum(jax.nn.sigmoid(start + raised), person.background)


def urine_concentration(drive: Array, excreted: Array, urine_flow: Array) -> Array:
    """Return ketamine and norketamine in urine.

    Parameters
    ----------
    drive : array
        Drug that leaves the body [mg/h].
    excreted : array
        Share that reaches urine as ketamine or norketamine.
    urine_flow : array
        Urine [L/h].

    Returns
    -------
    array
        Concentration [mg/L].

    Examples
    --------
    >>> urine_concentration(25.0, 0.04, 0.0625)
    16.0
    """
    return drive * excreted / urine_flow


def urine_drive(concentration: Array, excreted: Array, reference_flow: Array) -> Array:
    """Return the drive that a concentration in urine amounts to: the dose that gives it at the reference flow.

    Parameters
    ----------
    concentration : array
        Ketamine and norketamine in urine [mg/L].
    excreted : array
        Share of the drug that reaches urine so, where the law was calibrated.
    reference_flow : array
        Urine flow where the law was calibrated [L/h].

    Returns
    -------
    array
        Drive [mg/h].

    Examples
    --------
    >>> urine_drive(urine_concentration(25.0, 0.04, 0.125), 0.04, 0.0625)
    12.5
    """
    return concentration * reference_flow / excreted


def by_urine(drives: Array, typical: Callable[[str], Array], urine_flow: Array) -> Array:
    """Return the drives of someone whose urine flow is stated, if the concentration in urine is what injures.

    Parameters
    ----------
    drives : array
        Drug that reaches the body [mg/h].
    typical : callable
        From a name of `typical_values` to its value.
    urine_flow : array
        Urine [L/h].

    Returns
    -------
    array
        Drives [mg/h]; as they were at the flow where the laws were calibrated.

    Examples
    --------
    >>> values = typical_values("saturating")
    >>> round(float(by_urine(25.0, lambda name: values[name][0], 0.125)), 9)  # 3 L a day, against 1.5
    12.5
    """
    excreted = typical("excreted")
    return urine_drive(urine_concentration(drives, excreted, urine_flow), excreted, typical("urine_flow"))


def variants(urine_stated: bool) -> tuple[tuple[str, str, bool], ...]:
    """Return how injury is reckoned: by dose under each law and, where urine is stated, by concentration in it too.

    Parameters
    ----------
    urine_stated : bool
        Whether a scenario says how much urine patients make.

    Returns
    -------
    tuple of (str, str, bool)
        Name in results, law, and whether the drive is the concentration in urine.

    Examples
    --------
    >>> [name for name, _, _ in variants(True)]
    ['saturating', 'unsaturated', 'saturating_by_urine', 'unsaturated_by_urine']
    """
    by_dose = tuple((law, law, False) for law in LAWS)
    return by_dose + (tuple((f"{law}_by_urine", law, True) for law in LAWS) if urine_stated else ())
