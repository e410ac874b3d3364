"""Draws of the typical values: what we do not know, apart from how patients differ.

Calibrated numbers come from the shipped posterior of their pain model, all others from the spreads that the library
states for them (published standard errors, or assumed spreads). Patient k uses draw k mod `DRAWS`, so the range over
patients is predictive; the interval of a mean comes from `DRAWS` small populations of the same people.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np
from scipy import special

from letheon import library
from letheon.errors import InputError
from letheon.library import Number, Posterior
from letheon.units import to_canonical

__all__ = [
    "DRAWS",
    "RIVAL",
    "SHARED",
    "latin_hypercube",
    "named_numbers",
    "posterior_values",
    "prior_values",
    "quantile",
    "typical_values",
]

DRAWS = 64
RIVAL = "slow_site:"  # before the name of a number that both pain models use: its value in the slow site's posterior
SHARED = (
    *("acute.c50", "acute.c50.sd", "acute.arketamine_weight"),
    *("placebo.fall", "placebo.patient_sd", "placebo.tau_on", "placebo.tau_off"),
    *("between.sd", "between.effect"),
)
# Numbers that were given a spread after the calibration: they take the last columns of the hypercube, so that those of
# all others, and with them the shipped fits, stay as they are. Numbers whose spread is assumed follow them.
_LATER = (
    *(f"circulation.{name}" for name in ("output_most", "reference_level", "anaesthetic_level")),
    *(f"circulation.{name}" for name in ("mean_pressure_most", "pulse_most")),
    *(f"circulation.resting_{name}" for name in ("systolic", "diastolic", "pulse")),
    *(f"mood.{name}" for name in ("fall_most", "onset", "responders")),
    "psychedelic.leiden_rate",
)
_OF_CALIBRATION = "vague."  # numbers that a calibration starts from and no patient has
_SEED = 20260101  # of the hypercube; the draws are part of the release, not of a scenario


def latin_hypercube(points: int, dimensions: int, seed: int) -> np.ndarray:
    """Return points in the unit cube that divide each axis evenly, shape (points, dimensions).

    Each column holds the middles of `points` equal strata once, in random order.

    >>> sorted(latin_hypercube(4, 2, 1)[:, 0].tolist())
    [0.125, 0.375, 0.625, 0.875]
    """
    strata = np.tile(np.arange(points), (dimensions, 1))
    return (np.random.default_rng(seed).permuted(strata, axis=1).T + 0.5) / points


def quantile(number: Number, u: np.ndarray) -> np.ndarray:
    """Invert the spread of a number at probabilities `u`, within its range.

    >>> round(float(quantile(named_numbers()["memory.theta"], np.array(0.5))), 6)
    0.45
    """
    kind = number.spread["kind"]
    low, high = number.range
    if kind == "uniform":
        return low + u * (high - low)
    if kind == "beta":
        return np.clip(special.betaincinv(number.spread["a"], number.spread["b"], u), low, high)
    centre, sd = number.value, float(number.spread["sd"])
    if kind == "half-normal":
        return sd * special.ndtri(0.5 + u * (special.ndtr(high / sd) - 0.5))
    if kind == "lognormal":
        centre, low, high = np.log(centre), np.log(max(low, 1e-300)), np.log(high)
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
def prior_values(draws: int = DRAWS) -> Mapping[str, np.ndarray]:
    """Return every typical value as the library's spreads have it, before any calibration."""
    named = {name: number for name, number in named_numbers().items() if not name.startswith(_OF_CALIBRATION)}
    later = [*_LATER, *sorted(name for name, number in named.items() if number.spread_is_assumed)]
    uncertain = sorted(name for name, number in named.items() if number.spread["kind"] != "none" and name not in later)
    spreads = sorted(name for name, number in named.items() if number.omega_spread)
    points = latin_hypercube(draws, len(uncertain) + len(spreads) + len(later), _SEED)
    columns = [*uncertain, *(f"{name}.sd" for name in spreads), *later]
    u = dict(zip(columns, points.T, strict=True))
    values = {}
    for name, number in named.items():
        if name in u:
            raw = np.clip(quantile(number, u[name]), *number.range)
            values[name] = np.array([to_canonical(v, number.unit) for v in raw])
        else:
            values[name] = np.full(draws, number.canonical)
        if number.omega:
            values[f"{name}.sd"] = np.full(draws, np.sqrt(number.omega))
        if name in spreads:
            z = special.ndtri(u[f"{name}.sd"])
            values[f"{name}.sd"] *= np.exp(number.omega_spread * z)
    return values


def posterior_values(posterior: Posterior, draws: int = DRAWS) -> dict[str, np.ndarray]:
    """Return the draws of a posterior as they stand among the typical values."""
    named, values = named_numbers(), {}
    for name, column in posterior.columns.items():
        if name in named:
            unit = named[name].unit
        elif name.removesuffix(".sd") in named:
            unit = "1"  # the SD of a log-normal eta between patients
        else:
            raise InputError(f"the draws of {posterior.model} hold {name!r}, which is not a number in the library")
        key = f"{RIVAL}{name}" if posterior.model == "slow_site" and name in SHARED else name
        values[key] = np.array([to_canonical(v, unit) for v in column[:draws]])
        if not np.isfinite(column).all():
            raise InputError(f"the draws of {posterior.model} hold a value of {name} that is not finite")
    return values


@cache
def typical_values(draws: int = DRAWS) -> Mapping[str, np.ndarray]:
    """Return every typical value, as draws in canonical units: at most as many as the shipped posteriors have.

    Keys are ``"home.name"``, e.g. ``"memory.theta"`` or ``"otto2021.cln"``; numbers without a spread repeat their
    value. ``"home.name.sd"`` is the standard deviation of a number's eta between patients, ``"slow_site:home.name"``
    the value of a shared number in the posterior of the slow site.

    >>> typical_values()["memory.tau_s"].shape
    (64,)
    """
    values = dict(prior_values(draws))
    values |= {f"{RIVAL}{name}": values[name] for name in SHARED}
    for model in library.PAIN_MODELS:
        values |= posterior_values(library.posterior(model), draws)
    return values
