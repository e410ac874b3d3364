"""The one door to JAX: double precision is switched on here and nowhere else."""

from typing import Any

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402  (after the switch, so that no array is made in single precision)

__all__ = ["Array", "jax", "jnp"]

Array = Any  # an array of JAX or NumPy, or a plain number: traced code takes each of them
