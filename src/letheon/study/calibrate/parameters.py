"""What is calibrated: numbers of the library, and a few of each study, as independent standard normals.

A parameter is the quantile function of its prior at Φ(z). What the data do not tell then keeps z ~ N(0, 1), and the
sampler meets one scale in all directions.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import special

from letheon.arrays import Array, jax, jnp
from letheon.library import Number
from letheon.patients.uncertainty import named_numbers, quantile
from letheon.study.calibrate.trials import STUDIES
from letheon.units import to_canonical

__all__ = ["Parameter", "fixed_values", "parameters", "population_names", "to_values"]

_MEMORY = (
    *("memory.theta", "memory.tau_s", "memory.a", "memory.n", "memory.gamma", "memory.k_g", "memory.tau_g"),
    *("memory.p_nonresponse", "receptor.kappa", "receptor.hill"),
    *("flares.rate", "flares.duration", "flares.rise"),
)
_SLOW = ("slow_site.half_life", "slow_site.c50", "slow_site.p_response")
_BOTH = (
    *("acute.c50", "acute.arketamine_weight", "placebo.patient_sd", "placebo.tau_on", "placebo.tau_off"),
    *("between.sd", "population.baseline_mean", "population.baseline_sd"),
)
_BASELINES = ("sigtermans2009", "goldberg2010", "pickering2020")
_STUDY_BASELINE = (7.0, 1.2)  # prior mean and SD of a study's mean baseline [NRS]
# Chance that pain falls by half on midazolam, whatever the reason: prior centre, and SD of its log odds. It stands for
# placebo, sedation and the course of another disease in the one trial that counts falls, so that only the contrast
# with ketamine speaks.
_BACKGROUND = (0.15, 1.0)
_GRID = np.linspace(-8.0, 8.0, 4097)


class Parameter(NamedTuple):
    """One calibrated quantity.

    Attributes
    ----------
    name : str
        ``home.name``, ``home.name.sd`` or ``home.name@study``.
    unit : str
        Unit of the library.
    kind : str
        Family of the prior: ``lognormal``, ``uniform``, ``normal``, ``logit`` or ``table``.
    numbers : tuple of float
        Of the family, in canonical units: centre, SD, low and high (of the logarithm or logit where it has one).
    table : array or None
        Log quantiles on a fine grid, where the family has no closed form worth having.
    """

    name: str
    unit: str
    kind: str
    numbers: tuple[float, float, float, float]
    table: np.ndarray | None = None


def _of_number(name: str, number: Number) -> Parameter:
    kind, scale = number.spread["kind"], to_canonical(1.0, number.unit)
    low, high = (scale * x for x in number.range)
    if kind == "uniform":
        return Parameter(name, number.unit, "uniform", (0.0, 1.0, low, high))
    if kind in ("lognormal", "normal"):
        log = np.log if kind == "lognormal" else float
        sd = float(number.spread["sd"]) * (1.0 if kind == "lognormal" else scale)
        lowest = max(low, 1e-300) if kind == "lognormal" else low
        return Parameter(name, number.unit, str(kind), (log(scale * number.value), sd, log(lowest), log(high)))
    table = quantile(number, np.clip(special.ndtr(_GRID), 1e-15, 1.0 - 1e-15))
    return Parameter(name, number.unit, "table", (0.0, 1.0, low, high), np.log(np.maximum(scale * table, 1e-12)))


def _of_spread(name: str, number: Number) -> Parameter:
    centre = 0.5 * np.log(number.omega or 1.0)
    return Parameter(f"{name}.sd", "1", "lognormal", (float(centre), number.omega_spread, -np.inf, np.inf))


@cache
def parameters(pain: str) -> tuple[Parameter, ...]:
    """Return what is calibrated for a pain model.

    Parameters
    ----------
    pain : str
        Pain model.

    Returns
    -------
    tuple of Parameter
        Numbers of the library first, then those of single studies (``between.effect@…`` is the study's effect in
        units of ``between.sd``).

    Examples
    --------
    >>> parameters("memory")[0].name
    'memory.theta'
    """
    named = named_numbers()
    found = []
    for name in (*(_MEMORY if pain == "memory" else _SLOW), *_BOTH):
        number = named[name]
        found.append(_of_number(name, number))
        if number.omega_spread:
            found.append(_of_spread(name, number))
    fall = named["placebo.fall"]
    for id in STUDIES[pain]:
        found.append(Parameter(f"between.effect@{id}", "1", "normal", (0.0, 1.0, -np.inf, np.inf)))
        if id != "noppers2011":
            found.append(_of_number(f"placebo.fall@{id}", fall))
    open_ends = (-np.inf, np.inf)
    centre, sd = _BACKGROUND
    chance = (float(special.logit(centre)), sd, *open_ends)
    found += [Parameter(f"background {phase}@noppers2011", "1", "logit", chance) for phase in ("early", "late")]
    found += [
        Parameter(f"baseline@{id}", "NRS", "normal", (*_STUDY_BASELINE, *open_ends))
        for id in _BASELINES
        if id in STUDIES[pain]
    ]
    return tuple(found)


def population_names(pain: str) -> tuple[str, ...]:
    """Return the names of the parameters that ship: those of the population, not of single studies."""
    return tuple(p.name for p in parameters(pain) if "@" not in p.name)


def fixed_values() -> dict[str, float]:
    """Return the library's values of everything that is not calibrated, in canonical units."""
    named = named_numbers()
    values = {name: number.canonical for name, number in named.items()}
    return values | {f"{name}.sd": float(np.sqrt(number.omega)) for name, number in named.items() if number.omega}


def to_values(pain: str, z: Array) -> dict[str, Array]:
    """Return all parameters from the standard normals of the calibrated ones.

    Parameters
    ----------
    pain : str
        Pain model.
    z : array, shape (parameter,)
        Standard normals in the order of `parameters`.

    Returns
    -------
    dict of str to array
        Values for `letheon.study.calibrate.trials.predict`.
    """
    found = parameters(pain)
    values: dict[str, Array] = dict(fixed_values())
    values |= {p.name: x for p, x in zip(found, _quantiles(found, z), strict=True)}
    values["placebo.fall@noppers2011"] = 0.001  # what placebo does there is in its background
    for name in tuple(values):
        if name.startswith("between.effect@"):
            values[name] = values["between.sd"] * values[name]
    return values


def _quantiles(found: tuple[Parameter, ...], z: Array) -> Array:
    """Return each parameter's prior quantile at Φ(z): all at once, since each call is a long program."""
    centre, sd, low, high = (np.array(x) for x in zip(*(p.numbers for p in found), strict=True))
    kinds = np.array([p.kind for p in found])
    floor, ceiling = special.ndtr((low - centre) / sd), special.ndtr((high - centre) / sd)
    flat = kinds == "uniform"
    u = jax.scipy.special.ndtr(z)
    whole = (floor == 0.0) & (ceiling == 1.0)
    inside = jnp.clip(floor + u * (ceiling - floor), 1e-300, 1.0 - 1e-16)
    normal = centre + sd * jnp.where(whole, z, jax.scipy.special.ndtri(jnp.where(whole, 0.5, inside)))
    value = jnp.where(kinds == "lognormal", jnp.exp(jnp.where(kinds == "lognormal", normal, 0.0)), normal)
    value = jnp.where(kinds == "logit", jax.nn.sigmoid(normal), value)
    value = jnp.where(flat, np.where(flat, low, 0.0) + u * np.where(flat, high - low, 0.0), value)
    for i, parameter in enumerate(found):
        if parameter.table is not None:
            value = value.at[i].set(jnp.exp(jnp.interp(z[i], _GRID, parameter.table)))
    return value
