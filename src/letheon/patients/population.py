"""Who the patients are: covariates and personal quantiles, each from its own named stream."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from letheon import library
from letheon.arrays import Array, jax, jnp
from letheon.patients.covariates import ADULT_YEARS, Covariates, clipped_lognormal, realised, truncated_normal
from letheon.patients.uncertainty import latin_hypercube
from letheon.streams import named_uniforms, normals, uniforms

__all__ = [
    "BANK_PATIENTS",
    "BANK_SEED",
    "Covariates",
    "People",
    "bank_points",
    "clipped_lognormal",
    "people",
    "purposes",
    "realised",
    "truncated_normal",
]

BANK_PATIENTS = 32
BANK_SEED = 7  # of eight seeds the one whose intervals lie closest to those of 256 people (docs/model.md)
_COVARIATES = ("weight", "baseline", "age", "asian", "class", "slow_class")


@jax.tree_util.register_dataclass
@dataclass(frozen=True, slots=True)
class People:
    """A patient; many have one more, last axis."""

    weight_kg: Array  # body weight
    baseline: Array  # latent baseline pain [NRS]
    age_years: Array
    asian: Array  # 1 for Asian ancestry (a covariate of perezruixo2021), else 0
    quantile: Mapping[str, Array]  # uniform; `class` and `slow_class` decide who responds
    eta: Mapping[str, Array]  # standard normal deviations by role (`cl`, `v1`, `theta`, …)
    flare_u: Array  # shape (day,): uniform draws that decide on which days flares begin
    diary_z: Array  # shape (day + 7,): standard normal innovations from seven days before baseline
    draw: Array  # which draw of the typical values the patient lives under
    urine_l_h: Array | None = None  # flow of urine, if it is stated [L/h]; alike in all patients


def _truncated_normal(u: Array, mean: Array, sd: Array, low: Array, high: Array) -> Array:
    cdf, inverse = jax.scipy.special.ndtr, jax.scipy.special.ndtri
    spread = jnp.maximum(sd, 1e-9)  # a spread of 0 is everybody at the mean
    floor, ceiling = cdf((low - mean) / spread), cdf((high - mean) / spread)
    return jnp.clip(mean + sd * inverse(floor + u * (ceiling - floor)), low, high)


@cache
def _roles() -> tuple[str, ...]:
    """List every eta role that the library's numbers name, and the placebo response."""
    return (*sorted({n.role for _, n in library.numbers() if n.role}), "placebo")


@cache
def purposes() -> tuple[str, ...]:
    """Return the names of a patient's personal quantiles, in the order of a point."""
    return (*_COVARIATES, *(f"eta {role}" for role in _roles()))


def people(population: Covariates, seed: int, patient: int, days: int, draw: int, point: Array | None = None) -> People:
    """Draw a patient by number: the same person whatever the population or the block; `jax.vmap` for many.

    A longer follow-up in `days` keeps the first days of diary and flares. `draw` counts the draws of the typical
    values. A `point`, shape (purpose,), holds personal quantiles instead of random ones, such as a row of
    `bank_points`; NaN asks for random ones.
    """
    limits = library.pain("population")
    u = named_uniforms(seed, purposes(), patient)
    u = u if point is None else jnp.where(jnp.isnan(point), u, point)
    personal = dict(zip(purposes(), u, strict=True))
    z = jax.scipy.special.ndtri(u[len(_COVARIATES) :])
    log_variance = jnp.log1p((population.weight_sd / population.weight_mean) ** 2)
    weight_z = jax.scipy.special.ndtri(personal["weight"])
    drawn = population.weight_mean * jnp.exp(jnp.sqrt(log_variance) * weight_z - log_variance / 2)
    return People(
        weight_kg=jnp.clip(drawn, limits["weight_low"].value, limits["weight_high"].value),
        baseline=_truncated_normal(
            personal["baseline"],
            population.baseline_mean,
            population.baseline_sd,
            limits["baseline_low"].value,
            limits["baseline_high"].value,
        ),
        age_years=_truncated_normal(personal["age"], population.age_mean, population.age_sd, *ADULT_YEARS),
        asian=(personal["asian"] < population.asian).astype(float),
        quantile={name: personal[name] for name in ("class", "slow_class")},
        eta=dict(zip(_roles(), z, strict=True)),
        flare_u=uniforms(seed, "flares", patient, days),
        diary_z=normals(seed, "diary", patient, days + 7),
        draw=draw,
        urine_l_h=None if population.urine_l_h is None else jnp.asarray(population.urine_l_h, float),
    )


@cache
def bank_points() -> np.ndarray:
    """Return the personal quantiles of the bank's people, a Latin hypercube, shape (BANK_PATIENTS, purpose).

    The same `BANK_PATIENTS` people meet every draw of the typical values; their flares and diaries are those of
    patients 0 to `BANK_PATIENTS` - 1 of the stream `BANK_SEED`.
    """
    return latin_hypercube(BANK_PATIENTS, len(purposes()), BANK_SEED)
