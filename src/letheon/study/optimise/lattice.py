"""The search on a lattice: NSGA-II offers candidates, a surface through the answers chooses, and answers decide on.

Nothing but the seed and the answers decides what is tried next. A search that was stopped goes on by trying the same
candidates again: answers that are known come from the result log, so no state is ever saved, and none can break.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from letheon.extras import missing
from letheon.study.optimise.surrogate import Answers, choose

POPULATION = 40
_GENERATION = 20  # candidates that are judged before the next are offered
_OFFERED = 400  # candidates among which these are chosen
_STALE = 4  # generations that offer nothing new after which nothing new is expected
_SPREAD = 10  # index of crossover and mutation
_TRIES = 20_000  # random candidates that are looked at to fill the first generation

Numbers = tuple[int, ...]  # a candidate: which value of each variable


class Objective(NamedTuple):
    """What decides on a candidate."""

    costs: tuple[float, ...]  # one a goal; less is better
    excess: tuple[float, ...] = ()  # for each limit by how much it is broken; 0 or less where it is kept

    @property
    def feasible(self) -> bool:
        """Whether all limits are kept."""
        return all(over <= 0.0 for over in self.excess)


Judge = Callable[[list[Numbers]], list[Objective]]
Possible = Callable[[Numbers], bool]  # whether a candidate can be simulated at all


def explore(
    sizes: Sequence[int],
    judge: Judge,
    budget: int,
    seed: int = 1,
    first: Sequence[Numbers] = (),
    possible: Possible = lambda numbers: True,
) -> dict[Numbers, Objective]:
    """Search a lattice for its front; a lattice no larger than the budget is gone through whole."""
    judged: dict[Numbers, Objective] = {}

    def learn(wanted: Sequence[Numbers]) -> bool:
        """Judge what is new, as far as the budget reaches; say whether all of it was."""
        new = list(dict.fromkeys(numbers for numbers in wanted if numbers not in judged))
        some = new[: budget - len(judged)]
        if some:
            judged.update(zip(some, judge(some), strict=True))
        return len(some) == len(new)

    if prod(sizes) <= budget:
        learn([numbers for numbers in product(*(range(size) for size in sizes)) if possible(numbers)])
        return judged
    start = _start(sizes, seed, first, possible)
    if not learn(start) or not start:
        return judged
    for wanted, tell in _generations(sizes, start, judged, seed, possible):
        if not learn(wanted):
            break
        tell([judged[numbers] for numbers in wanted])
    return judged


def _start(sizes: Sequence[int], seed: int, first: Sequence[Numbers], possible: Possible) -> list[Numbers]:
    """Return the first generation: `first`, points spread evenly along every variable, and others at random."""
    random = np.random.default_rng([seed, len(sizes)])
    columns = []
    for size in sizes:
        strata = (random.permutation(POPULATION) + random.random(POPULATION)) / POPULATION
        columns.append(np.minimum((strata * size).astype(int), size - 1))
    rows = [*first, *(tuple(row) for row in np.stack(columns, axis=1).tolist())]
    generation = dict.fromkeys(numbers for numbers in rows if possible(numbers))
    for _ in range(_TRIES):
        if len(generation) >= POPULATION:
            break
        numbers = tuple(random.integers(0, sizes).tolist())
        if possible(numbers):
            generation[numbers] = None
    return list(generation)[:POPULATION]


def _generations(
    sizes: Sequence[int], start: list[Numbers], judged: dict[Numbers, Objective], seed: int, possible: Possible
) -> Iterator[tuple[list[Numbers], Callable[[list[Objective]], None]]]:
    """Yield generation after generation, each with how to tell its objectives; `start` has been judged."""
    algorithm = _algorithm(sizes, start, len(judged[start[0]].costs), seed)
    top = np.maximum(np.array(sizes) - 1, 1)
    random = np.random.default_rng([seed, 1])
    population = algorithm.ask()
    _tell(algorithm, population, [judged[numbers] for numbers in start])
    stale = 0
    while stale < _STALE:
        population = algorithm.ask()
        if population is None or len(population) == 0:
            return
        offered = [tuple(row) for row in np.round(population.get("X")).astype(int).tolist()]
        new = [row for row, numbers in enumerate(offered) if numbers not in judged and possible(numbers)]
        if not new:
            stale += 1
            continue
        stale = 0
        answers = Answers(
            np.array(list(judged)) / top,
            np.array([objective.costs for objective in judged.values()], float),
            np.array([objective.excess for objective in judged.values()], float).reshape(len(judged), -1),
        )
        rows = [
            new[place] for place in choose(answers, np.array([offered[row] for row in new]) / top, _GENERATION, random)
        ]
        few = population[rows]
        yield [offered[row] for row in rows], lambda objectives, few=few: _tell(algorithm, few, objectives)


def _algorithm(sizes: Sequence[int], start: list[Numbers], goals: int, seed: int) -> Any:
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
    count, tops = len(sizes), np.array(sizes) - 1
    problem = Problem(n_var=count, n_obj=goals, n_ieq_constr=1, xl=np.zeros(count), xu=tops, vtype=int)
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


def _tell(algorithm: Any, population: Any, objectives: list[Objective]) -> None:
    """Tell objectives; a candidate that breaks limits is ordered by how much, whatever it costs."""
    population.set("F", np.array([objective.costs for objective in objectives], float))
    broken = [sum(max(over, 0.0) for over in objective.excess) for objective in objectives]
    population.set("G", np.array(broken)[:, None])
    for one in population:
        one.evaluated.update({"F", "G"})
    algorithm.evaluator.n_eval += len(population)
    algorithm.tell(infills=population)
