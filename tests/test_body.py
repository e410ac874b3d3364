"""Pain memory, receptor block and the logarithm behind them: written equations, roots, limits, derivatives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from letheon import library
from letheon.arrays import jax, jnp
from letheon.body.log import log
from letheon.body.memory import Memory, chronic_state, folds, phi, slopes, unstable_root
from letheon.body.receptor import block, occupancy_ratio

CHRONIC, UNSTABLE, FOLDS = (jax.jit(f) for f in (chronic_state, unstable_root, folds))
GRID = ((0.05, 2.6), (0.08, 3.0), (0.10, 3.0), (0.11, 3.06), (0.13, 3.2), (0.18, 4.0), (0.02, 5.0))
DAY = 24.0


def potentiation(s, theta, a, n):
    """Φ as it is written, for 0 < s."""
    return a + (1 - a) * s**n / (s**n + theta**n)


def steady_theta(s, a, n):
    """θ at which `s` is a steady state without drug."""
    return s * ((1 - s) / (s - a)) ** (1 / n)


def steady_states(theta, a, n) -> list[float]:
    """All roots of Φ(s) = s on a fine grid, lowest first."""

    def drift(s):
        return potentiation(s, theta, a, n) - s

    grid = np.linspace(1e-9, 1.0, 40001)
    value = drift(grid)
    at = np.flatnonzero(np.sign(value[:-1]) * np.sign(value[1:]) < 0)
    return [brentq(drift, grid[i], grid[i + 1], xtol=1e-15, rtol=1e-15) for i in at]


def test_phi_at_nothing_is_the_floor():
    """Red when the logarithm of zero comes through, in the value or in the slope."""
    assert float(phi(0.0, 0.45, 0.1, 3.0)) == pytest.approx(0.1, rel=1e-15)
    assert np.isfinite(jax.grad(phi)(0.0, 0.45, 0.1, 3.0))


@pytest.mark.parametrize(("a", "n"), GRID)
def test_folds_against_brute_force(a, n):
    """The turning points of the steady-state curve θ(s), found on two million points."""
    s = np.linspace(a, 1.0, 2_000_001)[1:-1]
    theta = steady_theta(s, a, n)
    turn = np.flatnonzero(np.diff(np.sign(np.diff(theta)))) + 1
    low, high, theta_min, theta_max = (float(x) for x in FOLDS(a, n))
    np.testing.assert_allclose([low, high], s[turn], atol=2e-6)
    np.testing.assert_allclose([theta_min, theta_max], theta[turn], rtol=1e-10)
    assert theta_min < theta_max and a < low < high < 1


def test_no_folds_where_the_slope_is_too_small():
    assert all(np.isnan(float(x)) for x in FOLDS(0.10, 1.5))


@pytest.mark.parametrize(("a", "n"), GRID)
def test_roots_against_a_grid(a, n):
    """Chronic and unstable state are the highest and the middle of all steady states, in every patient."""
    _, _, theta_min, theta_max = (float(x) for x in FOLDS(a, n))
    inside = theta_min + np.array([0.01, 0.2, 0.5, 0.8, 0.99]) * (theta_max - theta_min)
    for theta in inside:
        low, middle, high = steady_states(theta, a, n)
        assert float(CHRONIC(theta, a, n)) == pytest.approx(high, abs=1e-12)
        assert float(UNSTABLE(theta, a, n)) == pytest.approx(middle, abs=1e-12)
        assert low < middle < high
    for theta in (0.3 * theta_min, 0.99 * theta_min):
        (only,) = steady_states(theta, a, n)
        assert float(CHRONIC(theta, a, n)) == pytest.approx(only, abs=1e-12)
        assert np.isnan(float(UNSTABLE(theta, a, n)))
    assert len(steady_states(1.01 * theta_max, a, n)) == 1
    assert np.isnan(float(UNSTABLE(1.01 * theta_max, a, n)))


@settings(max_examples=60)
@given(a=st.floats(0.03, 0.18), n=st.floats(2.6, 4.0), share=st.floats(1e-6, 1 - 1e-6))
def test_residuals(a, n, share):
    """Φ(s) = s to rounding for any patient the population may hold, up to a millionth of the fold."""
    low, high, theta_min, theta_max = (float(x) for x in FOLDS(a, n))
    theta = theta_min + share * (theta_max - theta_min)
    upper, middle = float(CHRONIC(theta, a, n)), float(UNSTABLE(theta, a, n))
    for s in (upper, middle):
        assert abs(float(phi(s, theta, a, n)) - s) < 1e-13
    assert low - 1e-12 <= middle <= high + 1e-12 and upper >= high - 1e-12
    easy = float(CHRONIC(share * theta_min, a, n))
    assert abs(float(phi(easy, share * theta_min, a, n)) - easy) < 1e-13


@pytest.mark.parametrize("solve", [chronic_state, unstable_root])
def test_derivatives_of_the_roots(solve):
    """Against central differences of the root itself; red when the solver is differentiated through its steps."""
    point = np.array([0.47, 0.11, 3.06])
    result = np.array(jax.jit(jax.grad(solve, argnums=(0, 1, 2)))(*point))
    for i in range(3):
        step = 1e-4 * np.eye(3)[i]
        fine = [float(solve(*(point + c * step))) for c in (1, -1, 2, -2)]
        limit = (8 * (fine[0] - fine[1]) - (fine[2] - fine[3])) / 12e-4
        assert result[i] == pytest.approx(limit, rel=1e-7)


def patient(**change) -> Memory:
    values = {
        "theta": 0.45,
        "tau_s": 2.9 * DAY,
        "a": 0.11,
        "n": 3.06,
        "gamma": 0.8,
        "k_g": 0.18 / DAY,
        "tau_g": 30 * DAY,
    }
    return Memory(**(values | change))


def test_slopes_are_the_written_equations():
    """With every term at work; red when block acts on the wrong part, or growth on the wrong side."""
    m = patient()
    s, g, block, flare = 0.4, 0.3, 0.6, 0.15
    ds, dg = slopes(m, s, g, block, 0.5, flare)
    raised = potentiation(s, m.theta * (1 + m.gamma * g), m.a + flare, m.n)
    assert float(ds) == pytest.approx(((1 - block) * raised - s) / m.tau_s, rel=1e-13)
    assert float(dg) == pytest.approx(m.k_g * 0.5 * (1 - g) - g / m.tau_g, rel=1e-13)


@pytest.mark.parametrize(("offset", "settles"), [(-1e-3, "low"), (1e-3, "high")])
def test_the_unstable_root_divides_the_fates(offset, settles):
    """Just below it a patient is rebooted, just above the pain comes back; solved by SciPy from our slopes."""
    m = patient()
    states = steady_states(m.theta, m.a, m.n)
    start = float(UNSTABLE(m.theta, m.a, m.n)) + offset
    path = solve_ivp(lambda t, s: [float(slopes(m, s[0], 0.0, 0.0, 0.0, 0.0)[0])], (0.0, 300 * DAY), [start], rtol=1e-8)
    assert path.y[0, -1] == pytest.approx(states[0] if settles == "low" else states[2], abs=1e-4)


@settings(max_examples=60)
@given(
    theta=st.floats(0.2, 0.6),
    a=st.floats(0.0, 0.18),
    n=st.floats(2.6, 4.0),
    g=st.floats(0.0, 1.0),
    block=st.floats(0.0, 1.0),
    flare=st.floats(0.0, 0.3),
)
def test_states_cannot_leave_the_unit_interval(theta, a, n, g, block, flare):
    """At 0 both slopes point up, at 1 both point down, whatever the drug and the flare."""
    m = patient(theta=theta, a=a, n=n)
    assert float(slopes(m, 0.0, g, block, block, flare)[0]) >= 0
    assert float(slopes(m, 1.0, g, block, block, flare)[0]) <= 0
    assert float(slopes(m, 0.5, 0.0, block, block, flare)[1]) >= 0
    assert float(slopes(m, 0.5, 1.0, block, block, flare)[1]) <= 0


# ---- receptor block: the written formula, its limits and its derivatives

positive = st.floats(1e-6, 1e6)


def test_shipped_affinities():
    """Ki 0.3, 1.4, 1.7, 13 µM (ebert1997), free share 0.55; red when two enantiomers are exchanged."""
    shipped = library.receptor()
    names = ("esketamine", "arketamine", "esnorketamine", "arnorketamine")
    assert [shipped[f"ki_{name}"].canonical for name in names] == [0.3, 1.4, 1.7, 13.0]
    assert shipped["fu"].canonical == 0.55


def test_ratio_of_a_leiden_plateau():
    """250 ng/mL esketamine: 250/237.73 µM, 0.55 free, Ki 0.3 at κ 2; then norketamine added with weight 1."""
    one = 0.55 * (250.0 / 237.73) / (2.0 * 0.3)
    other = 0.55 * (300.0 / 223.70) / (2.0 * 1.7)
    args = ([250.0, 300.0], [237.73, 223.70], [0.3, 1.7])
    assert float(occupancy_ratio(*args, [1.0, 0.0], 0.55, 2.0)) == pytest.approx(one, rel=1e-14)
    assert float(occupancy_ratio(*args, [1.0, 1.0], 0.55, 2.0)) == pytest.approx(one + other, rel=1e-14)
    assert float(occupancy_ratio(*args, [1.0, -0.2], 0.55, 2.0)) == pytest.approx(one - 0.2 * other, rel=1e-14)


def test_opposing_norketamine_cannot_make_the_ratio_negative():
    """Red when the sum is not cut at nothing: a negative ratio has no power."""
    assert float(occupancy_ratio([1.0, 500.0], [237.73, 223.70], [0.3, 1.7], [1.0, -5.0], 0.55, 1.0)) == 0.0


@given(positive, st.floats(0.3, 3.0))
def test_block_is_the_hill_curve(u, hill):
    assert float(block(u, hill)) == pytest.approx(u**hill / (1 + u**hill), rel=1e-12)


@pytest.mark.parametrize("hill", [0.8, 1.0, 1.08, 1.5])
def test_no_drug_blocks_nothing_and_differentiates(hill):
    """Red when 0^h or its derivative is NaN."""
    assert float(block(0.0, hill)) < 1e-20
    assert np.isfinite(jax.grad(block, argnums=(0, 1))(0.0, hill)).all()


# ---- the vectorised logarithm against the C library's, to the last places


def test_logarithms_are_those_of_the_library():
    """Red when a term of the series, the bias of the exponent or the middle of the mantissa is off."""
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [10.0 ** rng.uniform(-30, 30, 100_000), 1.0 + rng.uniform(-0.3, 0.5, 100_000), 2.0 ** np.arange(-60, 60)]
    )
    error = np.abs(np.asarray(jax.jit(log)(x)) - np.log(x))
    assert (error / np.maximum(np.abs(np.log(x)), 1e-300)).max() < 1e-15
    assert error[np.abs(np.log(x)) < 1].max() < 4e-16


def test_derivatives_are_those_of_the_logarithm():
    slope = jax.vmap(jax.grad(log))(jnp.array([0.3, 1.0, 7.0]))
    assert np.asarray(slope) == pytest.approx([1 / 0.3, 1.0, 1 / 7], rel=1e-15)
    assert float(jax.grad(jax.grad(log))(2.0)) == pytest.approx(-0.25, rel=1e-15)
    assert float(jax.jvp(log, (4.0,), (2.0,))[1]) == 0.5
