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
from letheon.harms.acute import logit
from letheon.units import to_canonical

LAWS = ("saturating", "unsaturated")
_TINY = 1e-12  # keeps a power differentiable without drug
_ETAS = ("d50", "capacity")  # numbers with a variance between people


class Tissue(NamedTuple):
    """A person's bladder."""

    d50: Array  # drive of half effect [mg/h]
    hill: Array  # steepness of injury
    k_inj: Array  # most that injury can be under the saturating law [1/h]
    k_inj_most: Array  # the same under the unsaturated law [1/h]
    k_rep: Array  # repair of the mucosa [1/h]
    k_rem: Array  # removal of fibrosis [1/h]
    k_fib: Array  # fibrosis for each mg of drug under a full deficit [1/mg]
    k_irritation: Array  # rise and fall of irritation [1/h]
    sensory_loss: Array  # α: share of V0 that a full deficit takes
    anaesthetic_loss: Array  # β: share of M0 that a full deficit takes
    capacity: Array  # V0 [L]
    anaesthetic: Array  # M0 [L]
    floor: Array  # least functional capacity [L]
    background: Array  # probability of urinary symptoms without drug
    threshold: Array  # share of the capacity lost at which symptoms are as likely as not
    irritation_most: Array  # most log odds that irritation adds
    irritation_half: Array  # irritation that adds half of them [mg/h]


class BladderState(NamedTuple):
    """State of a bladder."""

    irritation: Array  # I, at least 0 [mg/h]
    deficit: Array  # U, in [0, 1]
    fibrosis: Array  # F, in [0, 1]


@cache
def typical_values(law: str) -> Mapping[str, np.ndarray]:
    """Return a law's numbers by draw (draw,): calibrated ones from the shipped fit, the others as the library has them.

    Names are those of ``[bladder]`` in ``harms.toml``, in canonical units; ``d50.sd`` and ``capacity.sd`` are standard
    deviations between people; ``dose@key`` is the factor on a dose that a report leaves out.
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
    """Build a person's bladder; the healthy capacity has the library's mean over people.

    `typical` gives the value of a name of `typical_values`; `susceptibility` and `size` are standard normal deviations
    of the person: of the logarithms of D50 and of the healthy capacity.

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
    """Return a bladder without exposure to the drug."""
    return BladderState(jnp.zeros(shape), jnp.zeros(shape), jnp.zeros(shape))


def injury_rate(law: str, person: Tissue, drive: Array) -> Array:
    """Return the rate at which a drive [mg/h] opens the lining [1/h], 0 without drug.

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
    """Carry a bladder over a stretch of constant drive [mg/h].

    Exact for irritation and deficit, and for fibrosis where nothing removes it or no drug is given; otherwise
    fibrosis takes the mean of what drives it.
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
    """Carry a bladder, healthy by default, through stretches (stretch,) of constant drive [mg/h], one after the other.

    A stretch of no length changes nothing (padding). Return the states before the first stretch and after each, axis
    (stretch + 1,) first.
    """
    first = healthy(jnp.shape(person.d50)) if state is None else state

    def step(now: BladderState, piece: tuple[Array, Array]) -> tuple[BladderState, BladderState]:
        later = advance(law, person, now, *piece)
        return later, later

    _, rest = jax.lax.scan(step, first, (jnp.asarray(drives), jnp.asarray(hours)))
    return jax.tree.map(lambda a, b: jnp.concatenate([jnp.asarray(a)[None], b]), first, rest)


def anaesthetic_capacity(person: Tissue, state: BladderState) -> Array:
    """Return how much the bladder holds under anaesthesia [L], at least `person.floor`."""
    stretch = person.anaesthetic * (1.0 - person.anaesthetic_loss * state.deficit) * (1.0 - state.fibrosis)
    return jnp.maximum(stretch, person.floor)


def functional_capacity(person: Tissue, state: BladderState) -> Array:
    """Return how much the bladder holds awake [L]: what sensation allows, within the floor and what the wall holds.

    >>> values = typical_values("unsaturated")
    >>> person = tissue(lambda name: values[name][0])
    >>> bool(functional_capacity(person, healthy()) == person.capacity)
    True
    """
    sensed = person.capacity * (1.0 - person.sensory_loss * state.deficit)
    return jnp.maximum(jnp.minimum(sensed, anaesthetic_capacity(person, state)), person.floor)


def loss(person: Tissue, state: BladderState) -> Array:
    """Return the share of the healthy functional capacity that is lost: 1 - V / V(healthy), in [0, 1)."""
    sound = jnp.maximum(jnp.minimum(person.capacity, person.anaesthetic), person.floor)
    return 1.0 - functional_capacity(person, state) / sound


def symptoms(person: Tissue, state: BladderState) -> Array:
    """Return the probability of urinary symptoms, never below the background.

        logit P = logit(background) + most I / (I + half) + b (1 - V / V0)

    with b such that P is one half at the threshold of loss, without irritation.
    """
    start = logit(person.background)
    irritation = person.irritation_most * state.irritation / (state.irritation + person.irritation_half)
    raised = jnp.maximum(irritation - start * loss(person, state) / person.threshold, 0.0)
    return jnp.maximum(jax.nn.sigmoid(start + raised), person.background)


def urine_concentration(drive: Array, excreted: Array, urine_flow: Array) -> Array:
    """Return ketamine and norketamine in urine [mg/L].

    `drive` is the drug that leaves the body [mg/h], `excreted` the share of it that reaches urine, `urine_flow` in L/h.

    >>> urine_concentration(25.0, 0.04, 0.0625)
    16.0
    """
    return drive * excreted / urine_flow


def by_urine(drives: Array, typical: Callable[[str], Array], urine_flow: Array) -> Array:
    """Return the drives of someone whose urine flow [L/h] is stated, if the concentration in urine is what injures.

    Each is the dose [mg/h] that gives the same concentration at the flow where the laws were calibrated.

    >>> values = typical_values("saturating")
    >>> round(float(by_urine(25.0, lambda name: values[name][0], 0.125)), 9)  # 3 L a day, against 1.5
    12.5
    """
    excreted = typical("excreted")
    return urine_concentration(drives, excreted, urine_flow) * typical("urine_flow") / excreted


def variants(urine_stated: bool) -> tuple[tuple[str, str, bool], ...]:
    """Return how injury is calculated: name in results, law, and whether the drive is the concentration in urine.

    >>> [name for name, _, _ in variants(True)]
    ['saturating', 'unsaturated', 'saturating_by_urine', 'unsaturated_by_urine']
    """
    by_dose = tuple((law, law, False) for law in LAWS)
    return by_dose + (tuple((f"{law}_by_urine", law, True) for law in LAWS) if urine_stated else ())
