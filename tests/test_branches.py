"""States in branches: nothing that feeds a state is left out, and the bits are those of the whole matrix."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from letheon.body.branches import Branched, advance_branches, branches_of, packed
from letheon.body.compartments import STRUCTURES, System, build, with_effect_site
from letheon.body.propagator import advance, one_propagator

pytestmark = pytest.mark.long

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
