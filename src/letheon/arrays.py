"""The one door to JAX: double precision is switched on here and nowhere else."""

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402  (after the switch, so that no array is made in single precision)

__all__ = ["jax", "jnp"]
