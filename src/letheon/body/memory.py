"""Pain memory: sensitisation that holds itself up through the NMDA receptor, and the growth that opposes it.

    ds/dt = [(1 - block) Φ(s; θ (1 + γ g)) - s] / τ_s        Φ(s; θ) = a + (1 - a) s^n / (s^n + θ^n)
    dg/dt = k_g block (1 - g) - g / τ_g

Without drug a steady state obeys θ(s) = s ((1 - s) / (s - a))^(1/n); the turning points of this curve are the
folds, roots of the quadratic n (1 - s)(s - a) = s (1 - a).
"""

from typing import NamedTuple

from letheon.arrays import Array, jax, jnp
from letheon.body.log import log

__all__ = ["Memory", "chronic_state", "folds", "phi", "slopes", "unstable_root"]

_TINY = 1e-12
_NEWTON_STEPS = 60


class Memory(NamedTuple):
    """Parameters of one patient's pain memory."""

    theta: Array  # threshold of self-potentiation
    tau_s: Array  # time constant of sensitisation [h]
    a: Array  # potentiation without sensitisation (a flare raises it)
    n: Array  # steepness
    gamma: Array  # rise of the threshold by full growth
    k_g: Array  # rate of growth under full block [1/h]
    tau_g: Array  # time constant of its fading [h]


def phi(s: Array, theta: Array, a: Array, n: Array) -> Array:
    """Return the potentiation Φ in [a, 1] that sensitisation `s` in [0, 1] gives itself.

    >>> float(phi(0.5, 0.5, 0.0, 3.0))
    0.5
    """
    ratio = n * log(jnp.maximum(s, _TINY) / theta)
    return a + (1.0 - a) * jax.nn.sigmoid(ratio)


def slopes(memory: Memory, s: Array, g: Array, block_s: Array, block_g: Array, flare: Array) -> tuple:
    """Return (ds/dt, dg/dt) [1/h] at sensitisation `s` and growth `g`.

    `block_s` and `block_g` are the block as it acts on each, 0 in patients of the class that does not respond; `flare`
    is the present rise of `a`.

    >>> m = Memory(0.45, 70.0, 0.1, 3.0, 0.3, 0.01, 700.0)
    >>> s = chronic_state(0.45, 0.1, 3.0)
    >>> abs(float(slopes(m, s, 0.0, 0.0, 0.0, 0.0)[0])) < 1e-15
    True
    """
    theta = memory.theta * (1.0 + memory.gamma * g)
    potentiation = phi(s, theta, memory.a + flare, memory.n)
    ds = ((1.0 - block_s) * potentiation - s) / memory.tau_s
    dg = memory.k_g * block_g * (1.0 - g) - g / memory.tau_g
    return ds, dg


def _log_theta(s: Array, a: Array, n: Array) -> Array:
    return jnp.log(s) + (jnp.log1p(-s) - jnp.log(s - a)) / n


def folds(a: Array, n: Array) -> tuple:
    """Return the sensitisation at the two folds and the thresholds there: s_low, s_high, theta_min, theta_max.

    Chronic states exist for θ up to theta_max (at s above s_high); a low state coexists for θ above theta_min. At small
    `n` no fold exists, and the results are NaN.

    >>> [round(float(x), 2) for x in folds(0.10, 3.0)[2:]]
    [0.39, 0.56]
    """
    middle = n * (1.0 + a) - (1.0 - a)
    root = jnp.sqrt(middle**2 - 4.0 * n**2 * a)
    low, high = (middle - root) / (2.0 * n), (middle + root) / (2.0 * n)
    return low, high, jnp.exp(_log_theta(low, a, n)), jnp.exp(_log_theta(high, a, n))


def _root(theta: Array, a: Array, n: Array, low: Array, high: Array, rising: Array) -> Array:
    """Solve log θ(s) = log θ on a monotone branch by bracketed Newton; implicit derivative."""
    target = jnp.log(theta)

    def residual(s: Array, a: Array, n: Array, target: Array) -> Array:
        return _log_theta(s, a, n) - target

    def slope(s: Array) -> Array:
        return 1.0 / s - (1.0 / (1.0 - s) + 1.0 / (s - a)) / n

    def step(_: Array, state: Array) -> tuple:
        s, lo, hi = state
        above = residual(s, a, n, target) > 0
        go_right = above ^ rising
        lo, hi = jnp.where(go_right, s, lo), jnp.where(go_right, hi, s)
        newton = s - residual(s, a, n, target) / slope(s)
        return jnp.where((newton > lo) & (newton < hi), newton, 0.5 * (lo + hi)), lo, hi

    start = 0.5 * (low + high)
    shape = jnp.broadcast_shapes(jnp.shape(theta), jnp.shape(low), jnp.shape(high))
    start, low, high = (jnp.broadcast_to(x, shape) for x in (start, low, high))
    solved, _, _ = jax.lax.stop_gradient(jax.lax.fori_loop(0, _NEWTON_STEPS, step, (start, low, high)))
    # One more Newton step, differentiated in the parameters alone: the implicit function theorem.
    return solved - residual(solved, a, n, target) / jax.lax.stop_gradient(slope(solved))


def chronic_state(theta: Array, a: Array, n: Array) -> Array:
    """Return the upper stable root of s = Φ(s; θ), θ below the upper fold: a patient's state before treatment.

    Gradients are those of the implicit function theorem.

    >>> s = chronic_state(0.45, 0.1, 3.0)
    >>> abs(float(phi(s, 0.45, 0.1, 3.0) - s)) < 1e-14
    True
    """
    _, high, _, _ = folds(a, n)
    return _root(theta, a, n, jax.lax.stop_gradient(high), 1.0 - 1e-15, rising=False)


def unstable_root(theta: Array, a: Array, n: Array) -> Array:
    """Return the middle root of s = Φ(s; θ), below which a bistable patient stays low; NaN where one state exists.

    >>> s = unstable_root(0.45, 0.1, 3.0)
    >>> abs(float(phi(s, 0.45, 0.1, 3.0) - s)) < 1e-14
    True
    """
    low, high, theta_min, theta_max = folds(a, n)
    root = _root(theta, a, n, *map(jax.lax.stop_gradient, (low, high)), rising=True)
    return jnp.where((theta > theta_min) & (theta < theta_max), root, jnp.nan)
