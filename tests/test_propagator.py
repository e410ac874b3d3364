"""Propagators against 40-digit matrix exponentials and closed forms, at equal rates above all."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammainc

from letheon.arrays import jax, jnp
from letheon.body.branches import Branched, advance_branches, branches_of, packed
from letheon.body.compartments import STRUCTURES, System, build, with_effect_site
from letheon.body.propagator import advance, one_propagator, propagators

ONE = jax.jit(one_propagator)
TABLE = jax.jit(propagators, static_argnums=3)
SMALLEST = 1e-280  # entries below it are as good as zero


def exact(matrix, hours) -> np.ndarray:
    """Matrix exponential with 60 digits, rounded to double."""
    with mp.workdps(60):
        result = mp.expm(mp.matrix(np.asarray(matrix).tolist()) * mp.mpf(float(hours)), method="taylor")
        return np.array([[float(x) for x in result[i, :]] for i in range(result.rows)])


def with_infusion(a, b) -> np.ndarray:
    """Append the constant infusion as a state that never changes."""
    n = len(a)
    full = np.zeros((n + 1, n + 1))
    full[:n, :n], full[:n, n] = a, b
    return full


def relative(result, true) -> float:
    """Largest componentwise relative error; where the truth is zero the value must be zero too."""
    result, true = np.asarray(result), np.asarray(true)
    counts = np.abs(true) > SMALLEST
    assert np.all(np.abs(result[~counts]) <= SMALLEST)
    return float(np.max(np.abs(result[counts] / true[counts] - 1.0), initial=0.0))


def chain(rates) -> np.ndarray:
    """Compartments that empty into the next one; the last leaves the body."""
    return np.diag(-np.asarray(rates, float)) + np.diag(np.asarray(rates, float)[:-1], -1)


@pytest.mark.parametrize("hours", [0.001, 0.1, 1.0, 30.0])
def test_chain_of_equal_rates_is_the_erlang_law(hours):
    """Six equal rates have one eigenvector only: x_j = (k t)^j e^(-k t) / j!, and its integral under infusion."""
    k, n = 3.7, 6
    step = ONE(chain([k] * n), np.eye(n)[0], hours)
    law = [(k * hours) ** j / math.factorial(j) * math.exp(-k * hours) for j in range(n)]
    assert relative(step[:, 0], law) < 2e-13
    under_infusion = [gammainc(j + 1, k * hours) / k for j in range(n)]
    assert relative(step[:, n], under_infusion) < 2e-13


@pytest.mark.parametrize("apart", [0.0, 1e-12, 1e-6])
def test_nearly_equal_rates(apart):
    """Componentwise 1e-12 whether rates are equal, 1e-12 or 1e-6 apart; red for any modal (eigenvector) form."""
    rates = 2.0 * (1.0 + apart * np.arange(4))
    a, b = chain(rates), np.array([1.0, 0.0, 0.5, 0.0])
    a[0, 1], a[1, 1] = rates[1] * 0.3, -rates[1] * 1.3  # a way back, so that it is no mere chain
    for hours in (0.02, 0.7, 11.0):
        assert relative(ONE(a, b, hours), exact(with_infusion(a, b), hours)[:4]) < 1e-12
    table = TABLE(a, b, 1 / 256, 12)
    for level in (0, 4, 5, 11):
        assert relative(table[level], exact(with_infusion(a, b), 2.0 ** (level - 8))[:4]) < 1e-12


exponents = st.floats(-3.0, 3.0)


@settings(max_examples=25)
@given(logs=st.lists(exponents, min_size=16, max_size=16), gone=st.integers(0, 2**16 - 1), log_h=st.floats(-4.0, 2.0))
def test_any_compartment_system(logs, gone, log_h):
    """Rates over six decades, some absent, steps over six; red when the scaling is too weak for a stiff matrix."""
    rates = 10.0 ** np.array(logs).reshape(4, 4)
    rates[np.array([gone >> i & 1 for i in range(16)], bool).reshape(4, 4)] = 0.0
    a = rates * (1 - np.eye(4))
    a -= np.diag(a.sum(axis=0) + np.diag(rates))
    b, hours = np.array([1.0, 0.0, 2.0, 0.0]), 10.0**log_h
    true = exact(with_infusion(a, b), hours)[:4]
    # each squaring doubles a rounding error of the diagonal: the bound grows with the fastest rate times the step
    reach = 1.0 + hours * -np.diag(a).min()
    assert relative(ONE(a, b, hours), true) < 2e-15 * (10.0 + reach)


@pytest.mark.parametrize("fast", [200.0, 2_000.0, 20_000.0])
def test_table_when_even_the_shortest_step_is_long(fast):
    """A patient whose smallest volume empties many times in the shortest step is as exact as any other."""
    a, b = chain([0.4, fast, 0.3]), np.array([1.0, 0.0, 0.0])
    a[1, 2], a[2, 2] = 0.2, -0.5
    table = TABLE(a, b, 1 / 256, 12)
    for level in (0, 3, 11):
        true = exact(with_infusion(a, b), 2.0 ** (level - 8))[:3]
        assert relative(table[level], true) < 1e-9


def stepped(rates, hours):
    """Propagator of a chain."""
    return one_propagator(jnp.diag(-rates) + jnp.diag(rates[:-1], -1), jnp.array([1.0, 0.0, 0.0]), hours)


def tabulated(rates, hours):
    """The same, as the last level of a table."""
    return propagators(jnp.diag(-rates) + jnp.diag(rates[:-1], -1), jnp.array([1.0, 0.0, 0.0]), hours / 64, 7)[6]


DERIVATIVES = [jax.jit(f) for f in (jax.jacfwd(stepped), jax.jacfwd(tabulated), jax.jacrev(stepped))]


@pytest.mark.parametrize("apart", [0.0, 1e-12, 1e-6])
def test_derivative_in_every_rate(apart):
    """Exact derivative: exp of the block matrix [[A, E], [0, A]] holds d exp(A) along E."""
    rates = jnp.array([2.0, 2.0 * (1 + apart), 2.0])
    n = 3
    a = with_infusion(chain(rates), np.array([1.0, 0.0, 0.0]))
    for hours in (0.3, 9.0):
        derivatives = [f(rates, hours) for f in DERIVATIVES]
        for i in range(n):
            along = np.zeros((n + 1, n + 1))
            along[i, i] = -1.0
            if i + 1 < n:
                along[i + 1, i] = 1.0
            block = np.block([[a, along], [np.zeros_like(a), a]])
            true = exact(block, hours)[:n, n + 1 :]
            for result in derivatives:
                np.testing.assert_allclose(result[..., i], true, rtol=1e-10, atol=1e-13 * np.abs(true).max())


# ---- states in branches: nothing that feeds a state is left out, and the bits are those of the whole matrix

VOLUMES = {"v1": 17.0, "v2": 50.0, "v3": 140.0, "vn1": 90.0, "vn2": 120.0, "vh1": 60.0, "vh2": 80.0, "vh": 2.0}
CLEARANCES = {"cl": 80.0, "q2": 150.0, "q3": 60.0, "cln": 60.0, "qn": 60.0, "qh": 90.0, "clh": 30.0, "kel": 20.0}
RATES = {"kmet": 9.0, "mtt": 0.5, "mtt_hnk": 1.5, "fm": 0.9, "fm_hnk": 0.7}
MICRO = {"k10": 4.0, "k12": 8.0, "k21": 3.0, "k13": 3.0, "k31": 0.4}
MASSES = {"molar_mass_ketamine": 237.73, "molar_mass_norketamine": 223.7, "molar_mass_hydroxynorketamine": 239.7}


def split(system: System):
    return branches_of(len(system.states), system.flows)


def steps(system: System, whole, state, rates):
    """Carry a state over several steps, by the whole matrix and in branches."""
    branches = split(system)
    in_branches = packed(whole, branches)
    one, other = state, Branched([state[np.array(b.rows)] for b in branches], branches)
    for rate in rates:
        one, other = advance(whole, one, rate), advance_branches(in_branches, other, rate)
        yield np.asarray(one), np.array([other[i] for i in range(len(state))])


@pytest.mark.long
@pytest.mark.parametrize("structure", sorted(STRUCTURES))
def test_a_model_with_its_sites_takes_the_same_steps_to_the_last_bit(structure: str) -> None:
    """Red when a flow is forgotten, a row stands elsewhere, or terms are added in another order."""
    parameters = VOLUMES | CLEARANCES | RATES | (MICRO if structure != "micro2" else dict(list(MICRO.items())[:3]))
    system = build(structure, parameters, "s", MASSES)
    for name, rate in (("slow", 0.003), ("acute", 5.0)):
        system = with_effect_site(system, name, "esketamine", rate)
    whole = one_propagator(system.rates, system.entry, 0.4)
    assert sorted(i for b in split(system) for i in b.rows) == list(range(len(system.states)))
    kept = sum(len(b.rows) * len(b.columns[0]) for b in split(system))
    assert kept < whole.size
    if structure == "molar_chain":
        assert kept == 12 + 10 + 32  # parent, two sites, chain of a metabolite; the matrix has 90
    assert len(system.branches) == (len(split(system)) if kept <= whole.size * 2 / 3 else 1)
    for one, other in steps(system, whole, np.zeros(len(system.states)), (20.0, 20.0, 5.0, 0.0, 0.0)):
        assert np.array_equal(one, other)
    cut = system.only_upstream_of("acute")
    whole = one_propagator(cut.rates, cut.entry, 0.4)
    for one, other in steps(cut, whole, np.zeros(len(cut.states)), (20.0, 0.0)):
        assert np.array_equal(one, other)


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(st.integers(1, 7), st.data())
def test_any_flows_can_be_split(size: int, data) -> None:
    """Whatever feeds whatever, also what feeds the dosed compartment from outside."""
    pairs = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))
    flows = tuple(sorted(data.draw(st.sets(pairs, max_size=2 * size))))
    matrix = np.zeros((size, size))
    for number, (target, source) in enumerate(flows):
        if target != source:
            matrix[target, source] = 0.3 + 0.1 * number
    matrix -= np.diag(matrix.sum(axis=0) + 0.1)
    system = System(matrix, np.ones(1), tuple("x" * size), (("esketamine", 0),), flows)
    whole = one_propagator(system.rates, system.entry, 0.7)
    for one, other in steps(system, whole, np.arange(1.0, size + 1.0), (3.0, 0.0)):
        assert other == pytest.approx(one, rel=1e-13)


def test_without_flows_the_matrix_stays_whole() -> None:
    (only,) = branches_of(3, None)
    assert only.rows == (0, 1, 2) and only.columns[1] == (0, 1, 2, 3)
