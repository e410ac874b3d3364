"""Psychedelic effects: load from the effect site, and how often anything is noticed.

    E       = 100 Ce / (C50 + Ce)              Ce = C_S + w C_R at the effect site [% of the scale]
    logit P = logit(background) + β E_max      any psychomimetic effect in a session, asked for

E is a per cent of a rating scale, not a share of patients; its steepness (1) and its most (100) are assumed. β is not
stored: it is derived from the one arm whose incidence is known, at the load that arm had.
"""

from collections.abc import Callable

from letheon.arrays import Array, jax, jnp

__all__ = ["incidence", "incidence_slope", "leiden_slope", "load", "logit", "share_above", "spontaneous"]

_NODES, _NEWTON_STEPS = 33, 12


def load(site_s: Array, site_r: Array, c50: Array, arketamine_weight: Array) -> Array:
    """Return the psychedelic load [% of the scale], in [0, 100).

    `site_s` and `site_r` are esketamine and arketamine at the effect site, `c50` the concentration of half effect
    [ng/mL]; `arketamine_weight` counts arketamine against esketamine.

    >>> round(float(load(50.0, 50.0, 121.0, 0.5)), 1)
    38.3
    """
    site = site_s + arketamine_weight * site_r
    return 100.0 * site / (c50 + site)


def share_above(before: Array, after: Array, level: Array) -> Array:
    """Return the share of a step, in [0, 1], for which an effect lies above a level; it runs straight between its ends.

    >>> float(share_above(0.0, 20.0, 15.0))
    0.25
    """
    low, high = jnp.minimum(before, after), jnp.maximum(before, after)
    rise = high - low
    share = jnp.where(rise > 0.0, (high - level) / jnp.where(rise > 0.0, rise, 1.0), (low > level).astype(float))
    return jnp.clip(share, 0.0, 1.0)


def logit(p: Array) -> Array:
    """Return the log odds of a probability."""
    return jnp.log(p) - jnp.log1p(-p)


def incidence(peak: Array, slope: Array, background: Array) -> Array:
    """Return the probability of any psychomimetic effect in a session, if patients are asked.

    `peak` is the greatest load in the session [%], `slope` β, the log odds for each per cent of load; `background`, the
    probability without drug, comes back exactly at no load.
    """
    return jnp.where(peak == 0.0, background, jax.nn.sigmoid(logit(background) + slope * peak))


def incidence_slope(level: Array, c50: Array, log_sd: Array, background: Array, treated: Array) -> Array:
    """Derive β, the log odds for each per cent of load, from an arm whose incidence is known.

    Solves mean P(background, β E) = treated over patients whose ratio of level to C50 is lognormal with SD `log_sd`;
    `level`, esketamine at the effect site of a typical patient, and `c50` are in ng/mL. Negative if the drug had fewer.

    >>> import math
    >>> load_there = 100 * 250 / (250 + 121)
    >>> by_hand = (math.log(0.76 / 0.24) - math.log(0.18 / 0.82)) / load_there
    >>> abs(float(incidence_slope(250.0, 121.0, 0.0, 0.18, 0.76)) - by_hand) < 1e-12
    True
    """
    z = jnp.linspace(-4.5, 4.5, _NODES)
    weights = jnp.exp(-(z**2) / 2.0)
    weights = weights / weights.sum()
    loads = 100.0 * jax.nn.sigmoid(jnp.log(level) - jnp.log(c50) + log_sd * z)
    start = (logit(treated) - logit(background)) / (weights * loads).sum()

    def step(_: Array, slope: Array) -> Array:
        p = jax.nn.sigmoid(logit(background) + slope * loads)
        off = (weights * p).sum() - treated
        return slope - off / (weights * loads * p * (1.0 - p)).sum()

    return jax.lax.fori_loop(0, _NEWTON_STEPS, step, start)


def leiden_slope(typical: Callable[[str], Array]) -> Array:
    """Derive β at the load of the Leiden trial's esketamine arm, under a patient's draw.

    The arm's level is the plateau of its last rate under the arterial esketamine model that drives acute effects.
    `typical` gives the value of ``home.name`` in canonical units, and of ``home.name.sd`` the SD of its eta.
    """
    reference_kg = 70.0  # the unit of the rate, and the weight that the model's clearance belongs to
    level = 1000.0 * typical("psychedelic.leiden_rate") * reference_kg / typical("simons2022.cl")
    spread = jnp.sqrt(typical("psychedelic.c50.sd") ** 2 + typical("simons2022.cl.sd") ** 2)
    return incidence_slope(
        level, typical("psychedelic.c50"), spread, typical("psychedelic.background"), typical("psychedelic.treated")
    )


def spontaneous(elicited: Array, share: Array) -> Array:
    """Return the probability of a spontaneous report: the `share` of those who report an effect when asked."""
    return elicited * share
