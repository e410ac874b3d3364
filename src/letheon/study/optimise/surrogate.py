"""Choosing which candidates are worth a simulation: a smooth surface through all answers says which look best.

Simulating a regimen takes a second, asking a surface takes a microsecond. Most of a generation are those that the
surface puts on the front, as far from what is known as can be; the others keep the search honest where it is wrong.
"""

from typing import NamedTuple

import numpy as np
from scipy.interpolate import RBFInterpolator

from letheon.study.optimise.front import beaten, on_front

_TRUSTED = 0.75  # share of a generation that the surface chooses
_MOST_AT_ONCE = 800  # answers up to which one surface goes through all; beyond, one through the nearest
_NEIGHBOURS = 64
_DIGITS = 6  # of a standard deviation: no choice hangs on the last bits of a linear solver


class Answers(NamedTuple):
    """What is known of the candidates that were judged."""

    places: np.ndarray  # (candidate, variable): where, from 0 to 1 along each variable
    costs: np.ndarray  # (candidate, goal): less is better
    excess: np.ndarray  # (candidate, limit): by how much limits are broken; 0 or less where they are kept


def choose(answers: Answers, offered: np.ndarray, count: int, random: np.random.Generator) -> list[int]:
    """Choose `count` rows of what is offered (candidate, variable).

    Examples
    --------
    >>> x = np.linspace(0, 1, 6)[:, None]
    >>> answers = Answers(x, np.hstack([x, (x - 0.5) ** 2]), np.zeros((6, 0)))
    >>> choose(answers, np.array([[0.9], [0.45], [0.8]]), 1, np.random.default_rng(1))
    [1]
    """
    if len(offered) <= count:
        return list(range(len(offered)))
    predicted = _predicted(answers, offered)
    first = [] if predicted is None else _best(answers, *predicted, max(1, round(_TRUSTED * count)))
    left = [row for row in range(len(offered)) if row not in set(first)]
    return first + [int(row) for row in random.permutation(left)[: count - len(first)]]


def _predicted(answers: Answers, offered: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return costs and excess as the surface has them; None where none goes through the answers."""
    seen = np.hstack([answers.costs, answers.excess])
    middle, spread = seen.mean(axis=0), seen.std(axis=0)
    spread = np.where(spread == 0.0, 1.0, spread)
    near = None if len(seen) <= _MOST_AT_ONCE else _NEIGHBOURS
    try:
        surface = RBFInterpolator(
            answers.places, (seen - middle) / spread, neighbors=near, kernel="cubic", degree=1, smoothing=1e-6
        )
        values = np.round(surface(offered), _DIGITS) * spread + middle
    except (np.linalg.LinAlgError, ValueError):
        return None
    goals = answers.costs.shape[1]
    return (values[:, :goals], values[:, goals:]) if np.isfinite(values).all() else None


def _best(answers: Answers, costs: np.ndarray, excess: np.ndarray, count: int) -> list[int]:
    """Choose those that look best: on the front, far from one another and from the front that is known."""
    keeps = (excess <= 0.0).all(axis=1)
    front = answers.costs[(answers.excess <= 0.0).all(axis=1)]
    front = front[on_front(front)] if len(front) else front
    hopeful = np.array(keeps)
    if len(front):
        hopeful[keeps] = ~beaten(costs[keeps], front).any(axis=1)
    rows = np.flatnonzero(hopeful)
    rows = rows[on_front(costs[rows])] if len(rows) else rows
    if not len(rows) and not keeps.any():
        broken = np.maximum(excess, 0.0).sum(axis=1)
        return [int(row) for row in np.argsort(broken, kind="stable")[:count]]
    return _spread(costs, front, [int(row) for row in rows], count)


def _spread(costs: np.ndarray, front: np.ndarray, rows: list[int], count: int) -> list[int]:
    """Choose rows one after another, each as far as can be from what is chosen and known."""
    if not rows:
        return []
    everything = np.vstack([front, costs[rows]])
    width = everything.max(axis=0) - everything.min(axis=0)
    scale = np.where(width == 0.0, 1.0, width)
    picked: list[int] = []
    distance = np.full(len(rows), np.inf)
    for point in front:
        distance = np.minimum(distance, np.linalg.norm((costs[rows] - point) / scale, axis=1))
    while len(picked) < min(count, len(rows)):
        next_one = int(np.argmax(distance))
        picked.append(rows[next_one])
        distance = np.minimum(distance, np.linalg.norm((costs[rows] - costs[rows[next_one]]) / scale, axis=1))
        distance[next_one] = -1.0
    return picked
