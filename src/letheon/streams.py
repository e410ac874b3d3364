"""Named random streams: what a patient draws depends on the seed, the purpose and the patient, on nothing else.

A draw is a pure function of its name (counter-based Threefry), so patient 7 is the same person in every
arm, in a population of ten or a million, in any block and on any device.
"""

import zlib

from letheon.arrays import Array, jax, jnp

__all__ = ["named_uniforms", "normals", "uniforms"]


def _open_interval(seed: Array, name: Array, patient: Array, count: int) -> Array:
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), name), patient)
    bits = jax.random.bits(key, (count,), jnp.uint64)
    return ((bits >> jnp.uint64(12)).astype(float) + 0.5) * 2.0**-52


def _number(purpose: str) -> int:
    return zlib.crc32(purpose.encode())


def named_uniforms(seed: int, purposes: tuple[str, ...], patient: int) -> Array:
    """Draw one number for each of several purposes, shape (purpose,): the same as `uniforms` of each, in one operation.

    >>> bool(named_uniforms(1, ("weight", "age"), 7)[1] == uniforms(1, "age", 7, 1)[0])
    True
    """
    names = jnp.array([_number(p) for p in purposes], jnp.uint32)
    return jax.vmap(lambda name: _open_interval(seed, name, patient, 1)[0])(names)


def uniforms(seed: int, purpose: str, patient: int, count: int) -> Array:
    """Draw a patient's numbers in the open interval (0, 1), never exactly 0 or 1; seed and patient may be traced.

    Streams of different purposes, e.g. ``"weight"``, are independent. The first numbers do not depend on the count.

    >>> bool((uniforms(1, "demo", 7, 4)[:2] == uniforms(1, "demo", 7, 2)).all())
    True
    """
    return _open_interval(seed, _number(purpose), patient, count)


def normals(seed: int, purpose: str, patient: int, count: int) -> Array:
    """Draw a patient's standard normal numbers; arguments as for `uniforms`.

    >>> normals(1, "demo", 7, 2).shape
    (2,)
    """
    return jax.scipy.special.ndtri(uniforms(seed, purpose, patient, count))
