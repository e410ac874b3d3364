"""Fronts and the search on a lattice: analytic problems with known fronts, brute force, and pymoo's own measures."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pymoo.indicators.hv import HV
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

from letheon.study.optimise.front import beaten, chance_on_front, on_front
from letheon.study.optimise.lattice import Numbers, Objective, explore

SMALL = arrays(float, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.integers(0, 6).map(float))


@given(SMALL)
def test_the_front_is_what_pymoo_sorts_first(costs: np.ndarray) -> None:
    first = NonDominatedSorting().do(costs, only_non_dominated_front=True)
    assert sorted(np.flatnonzero(on_front(costs))) == sorted(first)
    wins = beaten(costs, costs)
    assert not (wins & wins.T).any() and not wins.diagonal().any()  # never mutual and never oneself


@given(SMALL, st.integers(0, 2**30 - 1))
def test_what_breaks_a_limit_neither_stands_on_the_front_nor_beats(costs: np.ndarray, bits: int) -> None:
    feasible = np.array([bits >> k & 1 == 1 for k in range(len(costs))])
    front = on_front(costs, feasible)
    assert not (front & ~feasible).any()
    if feasible.any():
        assert front[feasible].tolist() == on_front(costs[feasible]).tolist()


def test_a_chance_counts_draws() -> None:
    random = np.random.default_rng(1)
    costs, feasible = random.normal(size=(12, 40, 3)), random.random((12, 40)) < 0.8
    by_hand = [np.mean([on_front(costs[:, d], feasible[:, d])[i] for d in range(40)]) for i in range(12)]
    assert chance_on_front(costs, feasible).tolist() == pytest.approx(by_hand)
    same = np.repeat(costs[:, :1], 40, axis=1)
    assert set(chance_on_front(same)) <= {0.0, 1.0}


def zdt1(candidates: list[Numbers]) -> list[Objective]:
    """Return Zitzler, Deb and Thiele's first problem; its front is g = 1, where all numbers but the first are 0."""
    out = []
    for numbers in candidates:
        x = np.array(numbers) / 100
        g = 1 + 9 * x[1:].mean()
        out.append(Objective((float(x[0]), float(g * (1 - np.sqrt(x[0] / g))))))
    return out


def bnh(candidates: list[Numbers]) -> list[Objective]:
    """Return Binh and Korn's problem, which has two constraints."""
    out = []
    for a, b in candidates:
        x, y = 0.05 * a, 0.05 * b
        over = ((x - 5) ** 2 + y**2 - 25, 7.7 - (x - 8) ** 2 - (y + 3) ** 2)
        out.append(Objective((4 * x**2 + 4 * y**2, (x - 5) ** 2 + (y - 5) ** 2), over))
    return out


def volume(costs: np.ndarray, reference: np.ndarray) -> float:
    """Return the volume that a front beats, up to a reference point."""
    return float(HV(ref_point=reference)(costs))


def front_of(judged: dict[Numbers, Objective]) -> np.ndarray:
    costs = np.array([objective.costs for objective in judged.values()])
    return costs[on_front(costs, np.array([objective.feasible for objective in judged.values()]))]


def test_it_finds_the_front_of_zdt1_in_ten_variables() -> None:
    front = front_of(explore((101,) * 10, zdt1, 600, seed=3))
    x = np.linspace(0, 1, 101)
    true = np.stack([x, 1 - np.sqrt(x)], axis=1)
    distance = np.mean([np.linalg.norm(front - point, axis=1).min() for point in true])  # the usual IGD
    assert distance < 0.005
    reference = np.array([1.1, 1.1])
    assert volume(front, reference) > 0.99 * volume(true, reference)
    random = np.random.default_rng(3).integers(0, 101, (600, 10))
    by_chance = np.array([objective.costs for objective in zdt1([tuple(row) for row in random.tolist()])])
    assert volume(by_chance, reference) < 0.1 * volume(true, reference)


@pytest.mark.parametrize(("seed", "budget", "share"), [(1, 300, 0.99), (2, 300, 0.99), (1, 600, 0.98)])
def test_it_finds_the_front_of_bnh_under_its_constraints(seed: int, budget: int, share: float, monkeypatch) -> None:
    if budget == 600:  # and without a surface it still searches
        monkeypatch.setattr("letheon.study.optimise.surrogate._predicted", lambda known, offered: None)
    front = front_of(explore((101, 61), bnh, budget, seed=seed))
    every = list(product(range(101), range(61)))
    true = front_of(dict(zip(every, bnh(every), strict=True)))
    reference = np.array([140.0, 50.0])
    assert volume(front, reference) > share * volume(true, reference)


def recorded(problem: Callable, batches: list[list[Numbers]]) -> Callable:
    def judge(candidates: list[Numbers]) -> list[Objective]:
        batches.append(list(candidates))
        return problem(candidates)

    return judge


def test_equal_seeds_judge_the_same_and_others_do_not() -> None:
    one, same, other = ([] for _ in range(3))
    for batches, seed in ((one, 5), (same, 5), (other, 6)):
        explore((101,) * 5, recorded(zdt1, batches), 200, seed=seed)
    assert one == same != other
    judged = [numbers for batch in one for numbers in batch]
    assert len(judged) == len(set(judged)) == 200


def test_a_larger_budget_goes_on_where_a_smaller_one_ended() -> None:
    small, large = (list(explore((101,) * 5, zdt1, budget, seed=5)) for budget in (110, 250))
    assert small == large[:110]


@settings(max_examples=5)
@given(st.integers(1, 119))
def test_a_search_that_stops_anywhere_goes_on_to_the_same_end(stop: int) -> None:
    whole = explore((31,) * 4, zdt1, 120, seed=9)
    log: dict[Numbers, Objective] = {}

    class Stopped(Exception):
        pass

    def judge(candidates: list[Numbers], most: int) -> list[Objective]:
        for numbers in candidates:
            if numbers not in log:
                if len(log) == most:
                    raise Stopped
                log[numbers] = zdt1([numbers])[0]
        return [log[numbers] for numbers in candidates]

    with pytest.raises(Stopped):
        explore((31,) * 4, lambda candidates: judge(candidates, stop), 120, seed=9)
    assert len(log) == stop
    again = explore((31,) * 4, lambda candidates: judge(candidates, 10**6), 120, seed=9)
    assert list(again.items()) == list(whole.items())


def test_a_search_judges_only_what_is_possible_once_and_ends_where_nothing_is_new() -> None:
    assert set(explore((3, 4), zdt1, 12)) == set(product(range(3), range(4)))
    few = explore((30, 30), zdt1, 500, possible=lambda numbers: sum(numbers) <= 3)
    assert 8 <= len(few) <= 10 and all(sum(numbers) <= 3 for numbers in few)
    batches: list[list[Numbers]] = []
    explore((101, 101), recorded(zdt1, batches), 150, possible=lambda numbers: numbers[0] % 2 == 0, first=[(8, 9)])
    judged = [numbers for batch in batches for numbers in batch]
    assert judged[0] == (8, 9)  # the arm as written comes first
    assert len(judged) == 150 and all(numbers[0] % 2 == 0 for numbers in judged)
