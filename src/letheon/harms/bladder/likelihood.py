"""How well numbers of an injury law of the bladder fit the calibration rows: likelihood and prior.

Every parameter is the quantile function of its prior at Φ(z), so what the rows do not tell keeps z ~ N(0, 1). Both are
plain differentiable functions of z; `letheon.study.calibrate.bladder` samples from them.
"""

import math
from collections.abc import Mapping
from functools import cache

from scipy import special

from letheon import library
from letheon.arrays import Array, jax, jnp
from letheon.harms.acute import logit
from letheon.harms.bladder.use import predict
from letheon.library import BladderRow, Number
from letheon.units import to_canonical

__all__ = ["fitted_names", "log_likelihood", "log_prior", "row_spread", "to_values"]

_FITTED = (
    *("d50", "d50.sd", "hill", "k_inj", "k_rep", "k_fib", "sensory_loss", "anaesthetic_loss", "anaesthetic_ratio"),
    *("threshold", "irritation_most", "irritation_half"),
)


@cache
def fitted_names(law: str) -> tuple[str, ...]:
    """Return what is fitted for a law: numbers of ``[bladder]``, the SD between people, and unknown doses.

    >>> fitted_names("unsaturated")[:3]
    ('d50', 'd50.sd', 'hill')
    """
    doses = dict.fromkeys(f"dose@{row.dose}" for row in library.bladder_rows() if row.role == "calibrate" and row.dose)
    return (*(n for n in _FITTED if law == "saturating" or n != "k_inj"), *doses)


def _quantile(number: Number, z: Array) -> Array:
    """Return the lognormal prior within its range at Φ(z), in canonical units."""
    sd, (low, high) = float(number.spread["sd"]), number.range
    floor, ceiling = (special.ndtr(math.log(end / number.value) / sd) for end in (low, high))
    u = floor + jax.scipy.special.ndtr(z) * (ceiling - floor)
    return to_canonical(number.value, number.unit) * jnp.exp(
        sd * jax.scipy.special.ndtri(jnp.clip(u, 1e-16, 1 - 1e-16))
    )


def to_values(law: str, z: Array) -> dict[str, Array]:
    """Return all numbers of a law, in canonical units, from the standard normals (parameter,) of `fitted_names`.

    >>> round(float(to_values("saturating", [0.0] * len(fitted_names("saturating")))["dose@mak2011"]), 9)
    1.0
    """
    numbers = library.harms("bladder")
    values: dict[str, Array] = {name: number.canonical for name, number in numbers.items()}
    values["capacity.sd"] = math.sqrt(numbers["capacity"].omega or 0.0)
    for name, at in zip(fitted_names(law), z, strict=True):
        if name.startswith("dose@"):
            values[name] = jnp.exp(numbers["dose_error"].value * at)
        elif name == "d50.sd":
            values[name] = math.sqrt(numbers["d50"].omega or 0.0) * jnp.exp(numbers["d50"].omega_spread * at)
        else:
            values[name] = _quantile(numbers[name], at)
    return values


def row_spread(row: BladderRow) -> float:
    """Return the SD of an observed row around its prediction: sampling, how it was read, and its assumed pattern.

    It is on the logit scale for a share of people, on its own for an excess and a log odds, else of the logarithm.
    """
    error = library.harms("bladder")["row_error"].value
    assert row.observed is not None
    if row.n is not None:
        sampling = 1.0 / math.sqrt(row.n * max(row.observed, 0.5 / row.n) * (1.0 - row.observed))
    elif row.measure in ("symptom_excess", "log_odds_per_day"):
        return float(row.se or 0.0) / math.sqrt(row.weight)
    else:
        sampling = float(row.se or 0.0) / row.observed
    return math.hypot(sampling / math.sqrt(row.weight), error)


def _row_density(row: BladderRow, predicted: Array) -> Array:
    """Return the log-likelihood of one row, without its constant."""
    observed = row.observed
    assert observed is not None
    if row.n is not None and observed == 0.0:
        return row.n * row.weight * jnp.log1p(-predicted)
    if row.n is not None:
        off = logit(predicted) - math.log(observed / (1.0 - observed))
    elif row.measure in ("symptom_excess", "log_odds_per_day"):
        off = predicted - observed
    else:
        off = jnp.log(predicted) - math.log(observed)
    return -0.5 * (off / row_spread(row)) ** 2


def log_likelihood(law: str, values: Mapping[str, Array]) -> Array:
    """Return the log-likelihood of the calibration rows, without constants; 0 would be a perfect fit.

    `values` are in canonical units.
    """
    rows = [row for row in library.bladder_rows() if row.role == "calibrate"]
    return sum(_row_density(row, predict(law, values, row)) for row in rows)


def log_prior(z: Array) -> Array:
    """Return the log-density of standard normals (parameter,), without its constant."""
    return -0.5 * jnp.sum(jnp.asarray(z) ** 2)
