"""Fronts: which of many candidates nobody beats in everything, in the mean and under each draw of the parameters."""

import numpy as np

__all__ = ["beaten", "chance_on_front", "hypervolume", "on_front"]


def beaten(costs: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Tell which candidates others beat: nowhere worse, somewhere better.

    Parameters
    ----------
    costs : array, shape (candidate, goal)
        What is judged; less is better in every column.
    others : array, shape (other, goal)
        What it is held against; infinite rows beat nobody.

    Returns
    -------
    array of bool, shape (candidate, other)
        True where the other beats the candidate.

    Examples
    --------
    >>> beaten(np.array([[1.0, 2.0], [2.0, 2.0]]), np.array([[1.0, 2.0]])).tolist()
    [[False], [True]]
    """
    not_worse = np.ones((len(costs), len(others)), bool)
    better = np.zeros((len(costs), len(others)), bool)
    for goal in range(costs.shape[1]):  # a column at a time, so that memory stays candidates times others
        mine, theirs = costs[:, None, goal], others[None, :, goal]
        not_worse &= theirs <= mine
        better |= theirs < mine
    return not_worse & better


def on_front(costs: np.ndarray, feasible: np.ndarray | None = None) -> np.ndarray:
    """Tell which candidates no feasible candidate beats.

    Parameters
    ----------
    costs : array, shape (candidate, goal)
        Less is better in every column.
    feasible : array of bool, shape (candidate,), optional
        Which ones count; all by default.

    Returns
    -------
    array of bool, shape (candidate,)
        False for those that do not count.

    Examples
    --------
    >>> on_front(np.array([[0.0, 3.0], [1.0, 1.0], [2.0, 2.0], [3.0, 0.0]])).tolist()
    [True, True, False, True]
    """
    counts = np.ones(len(costs), bool) if feasible is None else np.asarray(feasible, bool)
    front = np.zeros(len(costs), bool)
    which = np.flatnonzero(counts)
    if len(which):
        front[which] = ~beaten(costs[which], costs[which]).any(axis=1)
    return front


def chance_on_front(costs: np.ndarray, feasible: np.ndarray | None = None) -> np.ndarray:
    """Return the share of draws in which each candidate is feasible and nobody feasible beats it.

    Parameters
    ----------
    costs : array, shape (candidate, draw, goal)
        Less is better; the same people and draws for every candidate.
    feasible : array of bool, shape (candidate, draw), optional
        Which candidates keep the constraints under each draw; all by default.

    Returns
    -------
    array, shape (candidate,)
        Shares from 0 to 1.

    Examples
    --------
    >>> costs = np.array([[[0.0, 1.0], [0.0, 1.0]], [[1.0, 2.0], [1.0, 0.0]]])
    >>> chance_on_front(costs).tolist()
    [1.0, 0.5]
    """
    draws = costs.shape[1]
    found = [on_front(costs[:, d], None if feasible is None else feasible[:, d]) for d in range(draws)]
    return np.mean(found, axis=0)


def hypervolume(costs: np.ndarray, reference: np.ndarray) -> float:
    """Return the volume that a front beats, up to a reference point; more is better.

    Parameters
    ----------
    costs : array, shape (candidate, goal)
        Less is better.
    reference : array, shape (goal,)
        The worst point that counts.

    Returns
    -------
    float
        Volume, by slicing along the last goal: exact, and quick enough for a front of some hundreds in four goals.

    Examples
    --------
    >>> hypervolume(np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([3.0, 3.0]))
    3.0
    """
    inside = costs[(costs < reference).all(axis=1)]
    if not len(inside):
        return 0.0
    if costs.shape[1] == 1:
        return float(reference[0] - inside.min())
    inside = np.unique(inside[on_front(inside)], axis=0)
    inside = inside[np.argsort(inside[:, -1], kind="stable")]
    edges = np.append(inside[:, -1], reference[-1])
    return float(
        sum(
            (edges[k + 1] - edges[k]) * hypervolume(inside[: k + 1, :-1], reference[:-1])
            for k in range(len(inside))
            if edges[k + 1] > edges[k]
        )
    )
