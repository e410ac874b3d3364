"""The natural logarithm in double precision, for many numbers at once.

The compiler for processors has vector code for exponentials but calls the C library for the logarithm of each number:
this was a quarter of the time of a patient's simulation. Here the exponent is read from the bits, and the rest is the
series of the inverse hyperbolic tangent, which vectors can do.
"""

import math

import numpy as np

from letheon.arrays import Array, jax, jnp

__all__ = ["log"]

_MANTISSA = 52
_EXPONENT_BIAS = 1023
_ONE, _ROOT_HALF, _MAGIC = (int(np.float64(x).view(np.int64)) for x in (1.0, math.sqrt(0.5), 2.0**_MANTISSA))
_TERMS = 10  # |s| is at most 0.172, so the next term is below 1e-17
_SERIES = [1.0 / (2 * i + 1) for i in range(1, _TERMS)]


@jax.custom_jvp
def log(x: Array) -> Array:
    """Return ln x of positive numbers, to 3 units in the last place.

    >>> float(log(1.0)), round(float(log(10.0)), 12)
    (0.0, 2.302585092994)
    """
    bits = jax.lax.bitcast_convert_type(jnp.asarray(x, float), jnp.int64) + (_ONE - _ROOT_HALF)
    whole = jax.lax.shift_right_logical(bits, jnp.int64(_MANTISSA)) | _MAGIC  # in a double's mantissa: 2^52 + exponent
    exponent = jax.lax.bitcast_convert_type(whole, jnp.float64) - (2.0**_MANTISSA + _EXPONENT_BIAS)
    rest = (bits & (2**_MANTISSA - 1)) + _ROOT_HALF  # between the root of a half and that of two
    m = jax.lax.bitcast_convert_type(rest, jnp.float64)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    series = _SERIES[-1]
    for coefficient in reversed(_SERIES[:-1]):
        series = series * z + coefficient
    return exponent * math.log(2.0) + (2.0 * s + 2.0 * s * z * series)


@log.defjvp
def _(primals: Array, tangents: Array) -> tuple:
    (x,), (dx,) = primals, tangents
    return log(x), dx / x
