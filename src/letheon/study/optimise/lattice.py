"""The search on a lattice: NSGA-II offers candidates, a surface through the answers chooses, and answers decide on.

Nothing but the seed and the answers decides what is asked next. A search that was stopped goes on by asking the same
questions again: answers that are known come from where they were kept, so no state is ever saved, and none can break.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from letheon.extras import missing
from letheon.study.optimise.surrogate import Known, chosen

__all__ = ["POPULATION", "Numbers", "Worth", "explore"]

POPULATION = 40
_GENERATION = 20  # candidates that are judged before the next are offered
_OFFERED = 400  # candidates among which these are chosen
_STALE = 4  # generations that offer nothing new after which nothing new is expected
_SPREAD = 10  # index of crossover and mutation
_TRIES = 20_000  # random candidates that are looked at to fill the first generation

Numbers = tuple[int, ...]


class Worth(NamedTuple):
    """What a candidate is worth."""

    costs: tuple[float, ...]  # one a goal; less is better
    excess: tuple[float, ...] = ()  # for each limit by how much it is broken; 0 or less where it is kept

    @property
    def feasible(self) -> bool:
        """Whether all limits are kept."""
        return all(over <= 0.0 for over in self.excess)


Judge = Callable[[list[Numbers]], list[Worth]]


def explore(
    sizes: Sequence[int],
    judge: Judge,
    budget: int,
    seed: int = 1,
    first: Sequence[Numbers] = (),
    possible: Callable[[Numbers], bool] = lambda numbers: True,
) -> dict[Numbers, Worth]:
    """Search a lattice for its front; a lattice no larger than the budget is gone through whole.

    Examples
    --------
    >>> def judge(asked):
    ...     return [Worth((x, 9.0 - x + y)) for x, y in asked]
    >>> found = explore((10, 3), judge, budget=100)
    >>> len(found), found[9, 0].costs
    (30, (9, 0.0))
    """
    asked: dict[Numbers, Worth] = {}

    def learn(wanted: Sequence[Numbers]) -> bool:
        """Judge what is new, as far as the budget reaches; say whether all of it was."""
        new = list(dict.fromkeys(numbers for numbers in wanted if numbers not in asked))
        some = new[: budget - len(asked)]
        if some:
            asked.update(zip(some, judge(some), strict=True))
        return len(some) == len(new)

    if prod(sizes) <= budget:
        learn([numbers for numbers in product(*(range(size) for size in sizes)) if possible(numbers)])
        return asked
    start = _start(sizes, seed, first, possible)
    if not learn(start) or not start:
        return asked
    for wanted, tell in _generations(sizes, start, asked, seed, possible):
        if not learn(wanted):
            break
        tell([asked[numbers] for numbers in wanted])
    return asked


def _start(
    sizes: Sequence[int], seed: int, first: Sequence[Numbers], possible: Callable[[Numbers], bool]
) -> list[Numbers]:
    """Return the first generation: what is given, points spread evenly along every variable, and others at random."""
    random = np.random.default_rng([seed, len(sizes)])
    columns = []
    for size in sizes:
        strata = (random.permutation(POPULATION) + random.random(POPULATION)) / POPULATION
        columns.append(np.minimum((strata * size).astype(int), size - 1))
    rows = [*first, *(tuple(row) for row in np.stack(columns, axis=1).tolist())]
    found = dict.fromkeys(numbers for numbers in rows if possible(numbers))
    for _ in range(_TRIES):
        if len(found) >= POPULATION:
            break
        numbers = tuple(random.integers(0, sizes).tolist())
        if possible(numbers):
            found[numbers] = None
    return list(found)[:POPULATION]


def _generations(
    sizes: Sequence[int],
    start: list[Numbers],
    asked: dict[Numbers, Worth],
    seed: int,
    possible: Callable[[Numbers], bool],
) -> Iterator[tuple[list[Numbers], Callable[[list[Worth]], None]]]:
    """Yield generation after generation, each with how to tell its worth; `start` has been judged."""
    algorithm = _algorithm(sizes, start, asked[start[0]], seed)
    top = np.maximum(np.array(sizes) - 1, 1)
    random = np.random.default_rng([seed, 1])
    population = algorithm.ask()
    _tell(algorithm, population, [asked[numbers] for numbers in start])
    stale = 0
    while stale < _STALE:
        population = algorithm.ask()
        if population is None or len(population) == 0:
            return
        offered = [tuple(row) for row in np.round(population.get("X")).astype(int).tolist()]
        new = [row for row, numbers in enumerate(offered) if numbers not in asked and possible(numbers)]
        if not new:
            stale += 1
            continue
        stale = 0
        known = Known(
            np.array(list(asked)) / top,
            np.array([worth.costs for worth in asked.values()], float),
            np.array([worth.excess for worth in asked.values()], float).reshape(len(asked), -1),
        )
        picked = chosen(known, np.array([offered[row] for row in new]) / top, _GENERATION, random)
        rows = [new[place] for place in picked]
        few = population[rows]
        yield [offered[row] for row in rows], lambda worths, few=few: _tell(algorithm, few, worths)


def _algorithm(sizes: Sequence[int], start: list[Numbers], worth: Worth, seed: int) -> Any:
    """Set up NSGA-II."""
    try:
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.core.problem import Problem
        from pymoo.core.termination import NoTermination
        from pymoo.operators.crossover.sbx import SBX
        from pymoo.operators.mutation.pm import PM
        from pymoo.operators.repair.rounding import RoundingRepair
    except ImportError as error:
        raise missing("optimise", error.name or "pymoo") from error
    problem = Problem(
        n_var=len(sizes),
        n_obj=len(worth.costs),
        n_ieq_constr=1,
        xl=np.zeros(len(sizes)),
        xu=np.array(sizes) - 1,
        vtype=int,
    )
    sampling: Any = np.array(start, float)
    algorithm = NSGA2(
        pop_size=len(start),
        n_offsprings=max(_GENERATION, min(_OFFERED, prod(sizes) // 4)),
        sampling=sampling,
        crossover=SBX(prob=1.0, eta=_SPREAD, vtype=float, repair=RoundingRepair()),
        mutation=PM(prob=1.0, eta=_SPREAD, vtype=float, repair=RoundingRepair()),
        eliminate_duplicates=True,
    )
    algorithm.setup(problem, termination=NoTermination(), seed=seed, verbose=False)
    return algorithm


def _tell(algorithm: Any, population: Any, worths: list[Worth]) -> None:
    """Tell what candidates are worth; one that breaks limits is ordered by how much, whatever it costs."""
    population.set("F", np.array([worth.costs for worth in worths], float))
    broken = [sum(max(over, 0.0) for over in worth.excess) for worth in worths]
    population.set("G", np.array(broken)[:, None])
    for one in population:
        one.evaluated.update({"F", "G"})
    algorithm.evaluator.n_eval += len(population)
    algorithm.tell(infills=population)
