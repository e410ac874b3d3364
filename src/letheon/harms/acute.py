"""Psychedelic effects: load from the effect site, and how often anything is noticed.

    E       = 100 Ce / (C50 + Ce)              Ce = C_S + w C_R at the effect site [% of the scale]
    logit P = logit(background) + β E_max      any psychomimetic effect in a session, asked for

E is a per cent of a rating scale, not a share of patients; its steepness (1) and its most (100) are assumed. β is not
stored: it is derived from the one arm whose incidence is known, at the load that arm had.
"""

from collections.abc import Callable

from letheon.arrays import Array, jax, jnp

__all__ = ["incidence", "incidence_slope", "leiden_slope", "load", "share_above", "spontaneous"]

_NODES, _NEWTON_STEPS = 33, 12


def load(site_s: Array, site_r: Array, c50: Array, arketamine_weight: Array) -> Array:
    """Return the psychedelic load.

    Parameters
    ----------
    site_s, site_r : array
        Esketamine and arketamine at the effect site [ng/mL].
    c50 : array
        Concentration of half effect [ng/mL].
    arketamine_weight : array
        Weight of arketamine against esketamine.

    Returns
    -------
    array
        Per cent of the scale, in [0, 100).

    Examples
    --------
    >>> round(float(load(50.0, 50.0, 121.0, 0.5)), 1)
    38.3
    """
    site = site_s + arketamine_weight * site_r
    return 100.0 * site / (c50 + site)


def share_above(before: Array, after: Array, level: Array) -> Array:
    """Return for which share of a step an effect lies above a level, a straight line between its ends.

    Parameters
    ----------
    before, after : array
        The effect at both ends.
    level : array
        The level.

    Returns
    -------
    array
        Share in [0, 1].

    Examples
    --------
    >>> float(share_above(0.0, 20.0, 15.0))
    0.25
    """
    low, high = jnp.minimum(before, after), jnp.maximum(before, after)
    rise = high - low
    share = jnp.where(rise > 0.0, (high - level) / jnp.where(rise > 0.0, rise, 1.0), (low > level).astype(float))
    return jnp.clip(share, 0.0, 1.0)


def _logit(p: Array) -> Array:
    return jnp.log(p) - jnp.log1p(-p)


def incidence(peak: Array, slope: Array, background: Array) -> Array:
    """Return the probability of any psychomimetic effect in a session, if patients are asked.

    Parameters
    ----------
    peak : array
        Greatest load in the session [%].
    slope : array
        β: log odds for each per cent of load.
    background : array
        Probability without drug.

    Returns
    -------
    array
        Probability, at least the background for a load and a slope of at least 0.

    Examples
    --------
    >>> float(incidence(0.0, 0.04, 0.25))
    0.25
    """
    return jnp.where(peak == 0.0, background, jax.nn.sigmoid(_logit(background) + slope * peak))


def incidence_slope(level: Array, c50: Array, log_sd: Array, background: Array, treated: Array) -> Array:
    """Derive the slope of incidence on load from an arm whose incidence is known.

    Solves mean P(background, β E) = treated over patients whose ratio of level to C50 is lognormal.

    Parameters
    ----------
    level : array
        Esketamine at the effect site of a typical patient of the arm [ng/mL].
    c50 : array
        Concentration of half effect [ng/mL].
    log_sd : array
        SD of the logarithm of level over C50 between patients.
    background, treated : array
        Incidence on the comparison and on the drug.

    Returns
    -------
    array
        β, log odds for each per cent of load; negative if the drug had fewer.

    Examples
    --------
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
    start = (_logit(treated) - _logit(background)) / (weights * loads).sum()

    def step(_: Array, slope: Array) -> Array:
        p = jax.nn.sigmoid(_logit(background) + slope * loads)
        off = (weights * p).sum() - treated
        return slope - off / (weights * loads * p * (1.0 - p)).sum()

    return jax.lax.fori_loop(0, _NEWTON_STEPS, step, start)


def leiden_slope(typical: Callable[[str], Array]) -> Array:
    """Derive the slope of incidence at the load of the Leiden trial's esketamine arm, under a patient's draw.

    The arm's level is the plateau of its last rate under the arterial esketamine model that drives acute effects.

    Parameters
    ----------
    typical : callable
        From ``home.name`` to a typical value in canonical units; ``home.name.sd`` to the SD of its eta.

    Returns
    -------
    array
        β, log odds for each per cent of load.

    Examples
    --------
    >>> from letheon.patients.uncertainty import typical_values
    >>> float(leiden_slope(lambda name: typical_values()[name][0])) > 0.0
    True
    """
    reference_kg = 70.0  # the unit of the rate, and the weight that the model's clearance belongs to
    level = 1000.0 * typical("psychedelic.leiden_rate") * reference_kg / typical("simons2022.cl")
    spread = jnp.sqrt(typical("psychedelic.c50.sd") ** 2 + typical("simons2022.cl.sd") ** 2)
    return incidence_slope(
        level, typical("psychedelic.c50"), spread, typical("psychedelic.background"), typical("psychedelic.treated")
    )


def spontaneous(elicited: Array, share: Array) -> Array:
    """Return the probability of a spontaneous report.

    Parameters
    ----------
    elicited : array
        Probability if patients are asked.
    share : array
        Share of these who report it spontaneously.

    Returns
    -------
    array
        Probability.

    Examples
    --------
    >>> spontaneous(0.5, 0.2)
    0.1
    """
    return elicited * share
