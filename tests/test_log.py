"""The vectorised logarithm against the C library's, to the last places; its derivative."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from letheon.arrays import jax, jnp
from letheon.body.log import log


def test_logarithms_are_those_of_the_library():
    """Red when a term of the series, the bias of the exponent or the middle of the mantissa is off."""
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [10.0 ** rng.uniform(-30, 30, 100_000), 1.0 + rng.uniform(-0.3, 0.5, 100_000), 2.0 ** np.arange(-60, 60)]
    )
    error = np.abs(np.asarray(jax.jit(log)(x)) - np.log(x))
    assert (error / np.maximum(np.abs(np.log(x)), 1e-300)).max() < 1e-15
    assert error[np.abs(np.log(x)) < 1].max() < 4e-16


@given(st.floats(min_value=1e-300, max_value=1e300))
def test_any_positive_number(x):
    assert float(log(x)) == pytest.approx(math.log(x), rel=1e-15, abs=5e-16)


def test_derivatives_are_those_of_the_logarithm():
    slope = jax.vmap(jax.grad(log))(jnp.array([0.3, 1.0, 7.0]))
    assert np.asarray(slope) == pytest.approx([1 / 0.3, 1.0, 1 / 7], rel=1e-15)
    assert float(jax.grad(jax.grad(log))(2.0)) == pytest.approx(-0.25, rel=1e-15)
    assert float(jax.jvp(log, (4.0,), (2.0,))[1]) == 0.5
