"""Draws of the typical values: what we do not know, apart from how patients differ.

Until a calibrated posterior ships, draws come from the spreads that the library states for its numbers
(published standard errors, or assumed spreads). Patient k uses draw k mod `DRAWS`, so the range over patients is
predictive; the interval of a mean comes from `DRAWS` small populations of the same people.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np
from scipy import special

from letheon import library
from letheon.library import Number
from letheon.units import to_canonical

__all__ = ["DRAWS", "latin_hypercube", "named_numbers", "typical_values"]

DRAWS = 64
_SEED = 20260101  # of the hypercube; the draws are part of the release, not of a scenario


def latin_hypercube(points: int, dimensions: int, seed: int) -> np.ndarray:
    """Return points in the unit cube that divide each axis evenly.

    Parameters
    ----------
    points, dimensions : int
        How many points, of how many coordinates.
    seed : int
        Seed of the permutations.

    Returns
    -------
    array, shape (points, dimensions)
        Each column holds the middles of `points` equal strata once, in random order.

    Examples
    --------
    >>> sorted(latin_hypercube(4, 2, 1)[:, 0].tolist())
    [0.125, 0.375, 0.625, 0.875]
    """
    strata = np.tile(np.arange(points), (dimensions, 1))
    return (np.random.default_rng(seed).permuted(strata, axis=1).T + 0.5) / points


def _quantile(number: Number, u: np.ndarray) -> np.ndarray:
    """Invert the spread of a number at probabilities `u`, within its range, in the library's unit."""
    kind = number.spread["kind"]
    low, high = number.range
    if kind == "uniform":
        return low + u * (high - low)
    if kind == "beta":
        return special.betaincinv(number.spread["a"], number.spread["b"], u)
    if kind == "lognormal":
        centre, low, high = np.log(number.value), np.log(max(low, 1e-300)), np.log(high)
    else:
        centre = number.value
    sd = float(number.spread["sd"])
    floor, ceiling = special.ndtr((low - centre) / sd), special.ndtr((high - centre) / sd)
    value = centre + sd * special.ndtri(floor + u * (ceiling - floor))
    return np.exp(value) if kind == "lognormal" else value


def named_numbers() -> dict[str, Number]:
    """Return the library's numbers by ``home.name``; ``vn1 = v1`` does not vary by itself and is left out."""
    named = {}
    for home, number in library.numbers():
        section = home.split("[")[-1].rstrip("]") if "[" in home else home.removeprefix("pk/").removesuffix(".toml")
        if number.same_as is None:
            named[f"{section}.{number.name}"] = number
    return named


@cache
def typical_values() -> Mapping[str, np.ndarray]:
    """Return every typical value, as `DRAWS` draws in canonical units.

    Returns
    -------
    mapping of str to array, shape (DRAWS,)
        Keys are ``"home.name"``, e.g. ``"memory.theta"`` or ``"otto2021.cln"``; numbers without a spread
        repeat their value. ``"home.name.sd"`` is the standard deviation of a number's eta between patients.

    Examples
    --------
    >>> typical_values()["memory.tau_s"].shape
    (64,)
    """
    named = named_numbers()
    uncertain = sorted(name for name, number in named.items() if number.spread["kind"] != "none")
    points = latin_hypercube(DRAWS, len(uncertain), _SEED)
    values = {}
    for name, number in named.items():
        if name in uncertain:
            raw = _quantile(number, points[:, uncertain.index(name)])
            values[name] = np.array([to_canonical(v, number.unit) for v in np.clip(raw, *number.range)])
        else:
            values[name] = np.full(DRAWS, number.canonical)
        if number.omega:
            values[f"{name}.sd"] = np.full(DRAWS, np.sqrt(number.omega))
    return values
