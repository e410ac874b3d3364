"""Named random streams: what a patient draws depends on the seed, the purpose and the patient, on nothing else.

A draw is a pure function of its name (counter-based Threefry), so patient 7 is the same person in every
arm, in a population of ten or a million, in any block and on any device.
"""

import zlib

from letheon.arrays import jax, jnp

__all__ = ["normals", "uniforms"]


def uniforms(seed: int, purpose: str, patient: int, count: int):
    """Draw a patient's numbers in the open interval (0, 1).

    Parameters
    ----------
    seed : int
        Seed of the scenario; may be traced.
    purpose : str
        Name of the stream, e.g. ``"weight"``; streams of different names are independent.
    patient : int
        Patient number, from 0; may be traced (`jax.vmap` for many).
    count : int
        How many; the first ones do not depend on how many are asked for.

    Returns
    -------
    array, shape (count,)
        Uniform draws, never exactly 0 or 1.

    Examples
    --------
    >>> bool((uniforms(1, "demo", 7, 4)[:2] == uniforms(1, "demo", 7, 2)).all())
    True
    """
    named = jax.random.fold_in(jax.random.key(seed), zlib.crc32(purpose.encode()))
    bits = jax.random.bits(jax.random.fold_in(named, patient), (count,), jnp.uint64)
    return ((bits >> jnp.uint64(12)).astype(float) + 0.5) * 2.0**-52


def normals(seed: int, purpose: str, patient: int, count: int):
    """Draw a patient's standard normal numbers; arguments as for `uniforms`.

    Parameters
    ----------
    seed : int
        Seed of the scenario.
    purpose : str
        Name of the stream.
    patient : int
        Patient number, from 0.
    count : int
        How many.

    Returns
    -------
    array, shape (count,)
        Standard normal draws.

    Examples
    --------
    >>> normals(1, "demo", 7, 2).shape
    (2,)
    """
    return jax.scipy.special.ndtri(uniforms(seed, purpose, patient, count))
