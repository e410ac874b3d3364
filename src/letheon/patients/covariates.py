"""Distributions of weight, pain and age: what was asked for, and what they are within the limits of the model.

Plain numbers, without the numerical libraries.
"""

import math
from typing import NamedTuple

from letheon import library

__all__ = ["ADULT_YEARS", "Covariates", "clipped_lognormal", "normal_share", "realised", "truncated_normal"]

ADULT_YEARS = (18.0, 100.0)


class Covariates(NamedTuple):
    """Distributions of the covariates, as numbers that compiled code takes as data."""

    weight_mean: float  # lognormal body weight [kg]
    weight_sd: float
    baseline_mean: float  # parent of the truncated normal baseline pain [NRS]
    baseline_sd: float
    age_mean: float  # parent of the truncated normal age [years]
    age_sd: float
    asian: float  # share of Asian ancestry
    urine_l_h: float | None = None  # flow of urine, if it is stated [L/h]


def truncated_normal(mean: float, sd: float, low: float, high: float) -> tuple[float, float]:
    """Return mean and SD of a normal distribution truncated to a range; its own mean lies inside.

    >>> [round(moment, 3) for moment in truncated_normal(7.3, 2.0, 4.0, 10.0)]
    [7.165, 1.481]
    """
    if sd < 1e-6 * (high - low):
        return mean, sd
    a, b = (low - mean) / sd, (high - mean) / sd
    inside = normal_share(b) - normal_share(a)
    density_a, density_b = (math.exp(-x * x / 2) / math.sqrt(2 * math.pi) for x in (a, b))
    shift = (density_a - density_b) / inside
    return mean + sd * shift, sd * math.sqrt(1 + (a * density_a - b * density_b) / inside - shift * shift)


def clipped_lognormal(mean: float, sd: float, low: float, high: float) -> tuple[float, float]:
    """Return mean and SD of a lognormal distribution of which what lies outside a range moves to its ends.

    >>> [round(moment, 2) for moment in clipped_lognormal(79.0, 60.0, 30.0, 200.0)]
    [76.92, 46.74]
    """
    if sd < 1e-6 * mean:
        return mean, sd
    spread = math.sqrt(math.log1p((sd / mean) ** 2))
    centre = math.log(mean) - spread**2 / 2
    a, b = (math.log(low) - centre) / spread, (math.log(high) - centre) / spread

    def moment(k: int) -> float:
        inside = normal_share(b - k * spread) - normal_share(a - k * spread)
        return (
            low**k * normal_share(a)
            + high**k * normal_share(-b)
            + math.exp(k * centre + (k * spread) ** 2 / 2) * inside
        )

    first = moment(1)
    return first, math.sqrt(max(moment(2) - first**2, 0.0))


def normal_share(x: float) -> float:
    """Return the share of a standard normal distribution below a value."""
    return math.erfc(-x / math.sqrt(2)) / 2


def realised(population: Covariates) -> dict[str, tuple[float, float]]:
    """Return mean and SD of ``weight`` [kg], ``baseline_nrs`` and ``age`` [years] as they run, within their limits."""
    limits = {name: number.value for name, number in library.pain("population").items()}
    p = population
    return {
        "weight": clipped_lognormal(p.weight_mean, p.weight_sd, limits["weight_low"], limits["weight_high"]),
        "baseline_nrs": truncated_normal(
            p.baseline_mean, p.baseline_sd, limits["baseline_low"], limits["baseline_high"]
        ),
        "age": truncated_normal(p.age_mean, p.age_sd, *ADULT_YEARS),
    }
