r"""Exact propagators of linear compartment systems, by shifted Taylor series and squaring.

A compartment matrix A has non-negative off-diagonals. With q at least the largest rate of loss,
``B = A + q I`` is non-negative, and so is every term of ``exp(A h) = exp(-q h) Σ (B h)^j / j!``: nothing
cancels, each entry is accurate by itself, equal rates (where eigenvectors cease to exist) are no special
case, and derivatives are those of a polynomial. The infusion is an extra state that never changes, so the
response to a constant rate comes out of the same series.

All functions are written for one system; `jax.vmap` makes many of them.
"""

from jaxtyping import Real

from letheon.arrays import Array, jax, jnp

__all__ = ["advance", "inverse", "one_propagator", "propagators"]

# The series is used up to q h = 0.5; the terms beyond 18 are then below 1e-16 of each entry, even of those that
# first appear at the eleventh order, at the far end of the longest chain.
_TERMS = 18
_REACH = 0.5
_EXTRA = 8  # squarings below the shortest tabulated step: for compartments that empty 128 times in it
_MOST = 40


def _augmented(a: Array, b: Array) -> tuple:
    """Append the constant infusion as a state; return the shifted non-negative matrix and the shift."""
    shift = jnp.max(-jnp.diagonal(a))
    n = a.shape[0]
    full = jnp.zeros((n + 1, n + 1)).at[:n, :n].set(a).at[:n, n].set(b)
    return full + shift * jnp.eye(n + 1), shift


def _product(a: Array, b: Array) -> Array:
    """Multiply small matrices, written out: many at once, that takes half the time of a library's product."""
    return sum(a[..., :, k, None] * b[..., k, None, :] for k in range(a.shape[-1]))


def _squared(p: Array, times: Array, most: int) -> Array:
    """Square a matrix a traced number of times; a fixed loop, so that it can be differentiated in reverse."""

    def again(current: Array, i: Array) -> tuple:
        return jnp.where(i < times, _product(current, current), current), None

    return jax.lax.scan(again, p, jnp.arange(float(most)))[0]


def propagators(a: Real[Array, "n n"], b: Real[Array, " n"], h0: Array, levels: int) -> Real[Array, "levels n n+1"]:
    r"""Tabulate the exact propagators of the steps ``h0 2^k`` [h], k below `levels`; `h0` may be traced.

    Of the matrix `a` [1/h], with off-diagonals that are not negative, ``[k, :, :n]`` is exp(a h); ``[k, :, n]`` is the
    response to a unit infusion rate over the step, which enters the states by `b`.

    Examples
    --------
    >>> import numpy as np
    >>> table = propagators(np.array([[-0.5]]), np.array([1.0]), 0.25, 4)
    >>> bool(np.isclose(table[3, 0, 0], np.exp(-1.0), rtol=1e-14))
    True
    """
    a, b = jnp.asarray(a), jnp.asarray(b)
    shifted, shift = _augmented(a, b)
    n = a.shape[0]
    # Short steps come from the series, each for itself, and long ones by squaring from the longest of those:
    # squaring from the shortest would double its rounding error at every level.
    loss = jnp.maximum(jax.lax.stop_gradient(shift) * h0, 1e-300)
    top = jnp.clip(jnp.floor(jnp.log2(_REACH / loss)), 0, levels - 1)
    extra = jnp.clip(jnp.ceil(jnp.log2(loss / _REACH)), 0, _EXTRA)  # where even h0 is too long for the series
    steps = h0 * 2.0 ** (jnp.minimum(jnp.arange(levels), top) - extra)
    column = steps.reshape((levels, 1, 1))
    eye = jnp.eye(n + 1)

    def term(carry: Array, j: Array) -> tuple:
        power, total, weight = carry
        power = _product(power, shifted)
        weight = weight * column / j
        return (power, total + weight * power, weight), None

    start = (eye, jnp.broadcast_to(eye, (levels, n + 1, n + 1)), jnp.ones_like(column))
    (_, series, _), _ = jax.lax.scan(term, start, jnp.arange(1.0, _TERMS + 1.0))
    series = series * jnp.exp(-shift * column)

    def level(previous: Array, data: Array) -> tuple:
        k, from_series = data
        current = jnp.where(k <= top, from_series, _product(previous, previous))
        return current, current

    shortest = _squared(series[0], extra, _EXTRA)
    _, table = jax.lax.scan(level, shortest, (jnp.arange(1, levels), series[1:]))
    table = jnp.concatenate([shortest[None], table])
    return table[:, :n]


def one_propagator(a: Real[Array, "n n"], b: Real[Array, " n"], h: Array) -> Real[Array, "n n+1"]:
    """Return one level of `propagators`, the same numbers, for a single step of any length `h` [h], zero or more.

    Examples
    --------
    >>> import numpy as np
    >>> step = one_propagator(np.array([[-2.0]]), np.array([1.0]), 3.0)
    >>> bool(np.isclose(step[0, 1], (1 - np.exp(-6.0)) / 2, rtol=1e-14))
    True
    """
    a, b = jnp.asarray(a), jnp.asarray(b)
    shifted, shift = _augmented(a, b)
    reach = jnp.maximum(shift * h / _REACH, 1.0)
    squarings = jnp.ceil(jnp.log2(jax.lax.stop_gradient(reach)))
    small = h * 2.0**-squarings

    def term(carry: Array, j: Array) -> tuple:
        power, total = carry
        power = power @ shifted * (small / j)
        return (power, total + power), None

    start = jnp.eye(shifted.shape[0])
    (_, total), _ = jax.lax.scan(term, (start, start), jnp.arange(1.0, _TERMS + 1.0))
    total = total * jnp.exp(-shift * small)

    total = _squared(total, squarings, _MOST)
    return total[: a.shape[0]]


def advance(step: Real[Array, "n n+1 ..."], state: Real[Array, "n ..."], rate: Array) -> Real[Array, "n ..."]:
    """Carry a state [mg] (effect sites: ng/mL) over one step of a constant infusion rate [mg/h].

    Examples
    --------
    >>> import numpy as np
    >>> step = one_propagator(np.array([[-1.0]]), np.array([1.0]), 50.0)
    >>> bool(np.isclose(advance(step, np.array([0.0]), 7.0)[0], 7.0))
    True
    """
    n = step.shape[0]  # written out, as in `_product`
    return sum(step[:, k] * state[k] for k in range(n)) + step[:, n] * rate


def inverse(a: Real[Array, "n n"]) -> Real[Array, "n n"]:
    """Invert a compartment matrix [h], from which everything leaves in the end.

    Its diagonal outweighs each column, so elimination needs no other pivots. Written out, since a library's routine
    waits for threads of its own, and for ever where those are all taken by blocks of patients.

    Examples
    --------
    >>> import numpy as np
    >>> a = np.array([[-3.0, 1.0], [2.0, -1.5]])
    >>> bool(np.allclose(inverse(a) @ a, np.eye(2), atol=1e-15))
    True
    """
    n = a.shape[0]

    def eliminate(k: Array, both: Array) -> Array:
        row = both[k] / both[k, k]
        return (both - both[:, k, None] * row).at[k].set(row)

    return jax.lax.fori_loop(0, n, eliminate, jnp.concatenate([jnp.asarray(a, float), jnp.eye(n)], axis=1))[:, n:]
