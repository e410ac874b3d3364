"""Receptor block: the share of NMDA receptors held shut at given free concentrations."""

from collections.abc import Sequence

from letheon.arrays import Array, jnp
from letheon.body.log import log

__all__ = ["block", "occupancy_ratio"]

_TINY = 1e-30  # keeps the power differentiable at zero drug, where block is 0


def occupancy_ratio(
    concentrations: Sequence[Array],
    molar_masses: Sequence[float],
    inhibition: Sequence[Array],
    weights: Sequence[Array],
    fu: Array,
    kappa: Array,
) -> Array:
    """Sum the free drugs in units of their inhibition constants: u = max(0, Σ w fu C / (κ Ki)).

    C are total plasma concentrations [ng/mL] over `molar_masses` [g/mol], Ki the `inhibition` constants [µM] in rat
    cortex (ebert1997). A negative weight opposes. `fu` is the unbound fraction, common to all (not separable from
    `kappa`, the spinal against cortical sensitivity, which multiplies every Ki).

    >>> float(occupancy_ratio([237.73], [237.73], [0.5], [1.0], 0.5, 1.0))
    1.0
    """
    total = sum(
        w * fu * c / m / (kappa * ki)
        for c, m, ki, w in zip(concentrations, molar_masses, inhibition, weights, strict=True)
    )
    return jnp.maximum(total, 0.0)


def block(ratio: Array, hill: Array) -> Array:
    """Return the share of receptors blocked, u^h / (1 + u^h) in [0, 1), at occupancy ratio u and Hill coefficient h.

    >>> float(block(1.0, 1.3))
    0.5
    """
    power = jnp.exp(hill * log(jnp.maximum(ratio, _TINY)))
    return jnp.where(ratio > _TINY, power / (1.0 + power), 0.0)
