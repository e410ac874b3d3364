"""Fronts: which of many candidates nobody beats in everything, in the mean and under each draw of the parameters.

Costs have shape (candidate, goal), or (candidate, draw, goal) where said; less is better in every column.
"""

import numpy as np


def beaten(costs: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Tell which candidates others (other, goal) beat: nowhere worse, somewhere better; shape (candidate, other)."""
    not_worse = np.ones((len(costs), len(others)), bool)
    better = np.zeros((len(costs), len(others)), bool)
    for goal in range(costs.shape[1]):  # a column at a time, so that memory stays candidates times others
        mine, theirs = costs[:, None, goal], others[None, :, goal]
        not_worse &= theirs <= mine
        better |= theirs < mine
    return not_worse & better


def on_front(costs: np.ndarray, feasible: np.ndarray | None = None) -> np.ndarray:
    """Tell which feasible candidates (all by default) no feasible candidate beats; shape (candidate,)."""
    counts = np.ones(len(costs), bool) if feasible is None else np.asarray(feasible, bool)
    front = np.zeros(len(costs), bool)
    which = np.flatnonzero(counts)
    if len(which):
        front[which] = ~beaten(costs[which], costs[which]).any(axis=1)
    return front


def chance_on_front(
    costs: np.ndarray, feasible: np.ndarray | None = None, weights: np.ndarray | None = None
) -> np.ndarray:
    """Return the share of draws in which each candidate is feasible and nobody feasible beats it.

    Costs have shape (candidate, draw, goal), with the same people and draws for every candidate; `feasible`
    (candidate, draw) says which keep the constraints, `weights` (draw,) what each draw counts for.
    """
    draws = costs.shape[1]
    fronts = [on_front(costs[:, d], None if feasible is None else feasible[:, d]) for d in range(draws)]
    return np.average(fronts, axis=0, weights=weights)
