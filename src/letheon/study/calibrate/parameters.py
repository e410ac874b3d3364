"""What is calibrated: numbers of the library, and a few of each study, as independent standard normals.

A parameter is the quantile function of its prior at Φ(z). What the data do not tell then keeps z ~ N(0, 1), and the
sampler meets one scale in all directions.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import special

from letheon.arrays import Array, jax, jnp
from letheon.body.memory import folds
from letheon.library import Number
from letheon.patients.uncertainty import named_numbers, quantile
from letheon.study.calibrate.trials import FITS, STUDIES, study_arm, titration_numbers
from letheon.units import to_canonical

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
# What a fit takes in the place of a number that rests on the patients of its own trials.
_VAGUE = {
    "population.baseline_mean": "vague.baseline_mean",
    "population.baseline_sd": "vague.baseline_sd",
}
_FOLD = "memory.fold_distance"  # drawn in the place of `memory.theta`
_VAGUE_SITE = {f"slow_site.{name}": f"vague.{name}" for name in ("half_life", "c50", "p_response")}
# Chance that pain falls by half on midazolam, whatever the reason: prior centre, and SD of its log odds. It stands for
# placebo, sedation and the course of another disease in the one trial that counts falls, so that only the contrast
# with ketamine speaks.
_BACKGROUND = (0.15, 1.0)
_COUNTED = "noppers2011"
_GRID = np.linspace(-8.0, 8.0, 4097)
_OPEN = (-np.inf, np.inf)


class Parameter(NamedTuple):
    """One calibrated quantity."""

    name: str  # ``home.name``, ``home.name.sd`` or ``home.name@study``
    unit: str  # of the library
    kind: str  # family of the prior: ``lognormal``, ``uniform``, ``normal``, ``logit`` or ``table``
    # centre, SD, low and high, in canonical units (of the logarithm or logit where the family has one)
    numbers: tuple[float, float, float, float]
    table: np.ndarray | None = None  # log quantiles on a fine grid, where the family has no closed form worth having


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


@cache
def parameters(fit: str) -> tuple[Parameter, ...]:
    """Return what a fit calibrates: numbers of the library first, then those of single studies.

    ``between.effect@…`` is a study's effect in units of ``between.sd``. A study that a fit is not made to has the same
    numbers of its own as the others, so that what is predicted for it holds what is not known of it.
    """
    named, pain = named_numbers(), FITS[fit]
    other = _VAGUE | (_VAGUE_SITE if fit == "slow_site_vague" else {})
    known = []
    for name in (*(_MEMORY if pain == "memory" else _SLOW), *_BOTH):
        number = named[name]
        if name == "memory.theta":
            known.append(_of_number(_FOLD, named["vague.fold_distance"]))
        else:
            known.append(_of_number(name, named[other.get(name, name)]))
        if number.omega_spread:
            centre = float(0.5 * np.log(number.omega or 1.0))
            known.append(Parameter(f"{name}.sd", "1", "lognormal", (centre, number.omega_spread, *_OPEN)))
    for id in STUDIES:
        known.append(Parameter(f"between.effect@{id}", "1", "normal", (0.0, 1.0, *_OPEN)))
        if id != _COUNTED:
            known.append(_of_number(f"placebo.fall@{id}", named["placebo.fall"]))
            known.append(_of_number(f"baseline@{id}", named["vague.baseline_mean"]))
        if titration := study_arm(id).titration:
            for name, ends in titration_numbers(titration).items():
                unit = {"hours": "h", "reached": "mg/h", "spread": "1"}[name]
                known.append(Parameter(f"titration.{name}@{id}", unit, "uniform", (0.0, 1.0, *ends)))
    centre, sd = _BACKGROUND
    chance = (float(special.logit(centre)), sd, *_OPEN)
    known += [Parameter(f"background {phase}@{_COUNTED}", "1", "logit", chance) for phase in ("early", "late")]
    return tuple(known)


def to_values(fit: str, z: Array) -> dict[str, Array]:
    """Return all parameters, in canonical units, from the standard normals (parameter,) of the calibrated ones.

    What is not calibrated has the library's value. They are what `letheon.study.calibrate.trials.predict` takes.
    """
    named = named_numbers()
    known = parameters(fit)
    values: dict[str, Array] = {name: number.canonical for name, number in named.items()}
    values |= {f"{name}.sd": float(np.sqrt(number.omega)) for name, number in named.items() if number.omega}
    values |= {p.name: x for p, x in zip(known, _quantiles(known, z), strict=True)}
    values[f"placebo.fall@{_COUNTED}"] = 0.001  # what placebo does there is in its background
    if _FOLD in values:
        ceiling = folds(values["memory.a"], values["memory.n"])[3]
        values["memory.theta"] = ceiling * jnp.exp(-values["memory.theta.sd"] * values[_FOLD])
    for name in tuple(values):
        if name.startswith("between.effect@"):
            values[name] = values["between.sd"] * values[name]
    return values


def _quantiles(known: tuple[Parameter, ...], z: Array) -> Array:
    """Return each parameter's prior quantile at Φ(z): all at once, since each call is a long program."""
    centre, sd, low, high = (np.array(x) for x in zip(*(p.numbers for p in known), strict=True))
    kinds = np.array([p.kind for p in known])
    floor, ceiling = special.ndtr((low - centre) / sd), special.ndtr((high - centre) / sd)
    flat = kinds == "uniform"
    u = jax.scipy.special.ndtr(z)
    whole = (floor == 0.0) & (ceiling == 1.0)
    inside = jnp.clip(floor + u * (ceiling - floor), 1e-300, 1.0 - 1e-16)
    normal = centre + sd * jnp.where(whole, z, jax.scipy.special.ndtri(jnp.where(whole, 0.5, inside)))
    value = jnp.where(kinds == "lognormal", jnp.exp(jnp.where(kinds == "lognormal", normal, 0.0)), normal)
    value = jnp.where(kinds == "logit", jax.nn.sigmoid(normal), value)
    value = jnp.where(flat, np.where(flat, low, 0.0) + u * np.where(flat, high - low, 0.0), value)
    for i, parameter in enumerate(known):
        if parameter.table is not None:
            value = value.at[i].set(jnp.exp(jnp.interp(z[i], _GRID, parameter.table)))
    return value
