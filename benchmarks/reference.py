"""The tight reference of K1 and K2, by other means than Letheon's.

Levels: SciPy's matrix exponential (Padé) from the last change of rate to each hour, of matrices written out by hand.
Slow state: SciPy's DOP853 at a relative tolerance of 1e-13, with ketamine between the hours from NumPy's eigenvectors.
"""

from itertools import pairwise

import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from benchmarks.hourly import C50, FRACTION, KOFF, KON, NORKETAMINE, TYPICAL, Problem

LEVEL_FLOOR, STATE_FLOOR = 0.1, 0.001  # ng/mL; below these an error is divided by the floor


def matrix(cl: float, v1: float) -> np.ndarray:
    """Return the compartment matrix, amounts in mg; a fraction of ketamine's clearance forms norketamine."""
    p, q = TYPICAL, NORKETAMINE
    a = np.zeros((5, 5))
    a[0, 0] = -(cl + p["q2"] + p["q3"]) / v1
    a[0, 1], a[0, 2] = p["q2"] / p["v2"], p["q3"] / p["v3"]
    a[1, 0], a[1, 1] = p["q2"] / v1, -p["q2"] / p["v2"]
    a[2, 0], a[2, 2] = p["q3"] / v1, -p["q3"] / p["v3"]
    a[3, 0], a[3, 3], a[3, 4] = FRACTION * cl / v1, -(q["cln"] + q["qn"]) / q["vn1"], q["qn"] / q["vn2"]
    a[4, 3], a[4, 4] = q["qn"] / q["vn1"], -q["qn"] / q["vn2"]
    return a


def solve(problem: Problem, cl: float, v1: float) -> np.ndarray:
    """Return ketamine, norketamine [ng/mL] and slow state at every hour from 1, shape (3, hour)."""
    a = matrix(cl, v1)
    to_k, to_n = 1000.0 / v1, 1000.0 / NORKETAMINE["vn1"]
    value, vector = np.linalg.eig(a[:3, :3])
    inverse = np.linalg.inv(vector)
    full = np.zeros((6, 6))
    full[:5, :5], full[0, 5] = a, 1.0
    longest = max(end - begin for begin, end in pairwise(problem.edges))
    steps = [expm(full * h) for h in range(1, longest + 1)]
    x, s, levels, slow = np.zeros(5), 0.0, [], []
    for (begin, end), rate in zip(pairwise(problem.edges), problem.rates, strict=True):
        still = -np.linalg.solve(a[:3, :3], np.array([rate, 0.0, 0.0]))
        size = vector[0] * (inverse @ (x[:3] - still))

        def slope(t, y, size=size, at_rest=still[0]):
            c = max(float(size @ np.exp(value * t)) + at_rest, 0.0) * to_k
            f = c / (C50 + c)
            return KON * (1 - y) * f - KOFF * y

        times = np.arange(1.0, end - begin + 1)
        found = solve_ivp(
            slope, (0, end - begin), [s], "DOP853", times, rtol=1e-13, atol=1e-16, first_step=1e-6, max_step=2.0
        )
        states = np.array([step @ np.append(x, rate) for step in steps[: end - begin]])
        levels.append(states[:, [0, 3]])
        slow.append(found.y[0])
        x, s = states[-1, :5], float(found.y[0, -1])
    both = np.concatenate(levels).T
    return np.stack([both[0] * to_k, both[1] * to_n, np.concatenate(slow)])


def errors(found: np.ndarray, known: np.ndarray) -> tuple[float, float]:
    """Return the greatest relative error of levels and of the slow state, with their floors; axes (3, hour)."""
    floors = (LEVEL_FLOOR, LEVEL_FLOOR, STATE_FLOOR)
    worst = [
        float((np.abs(f - k) / np.maximum(np.abs(k), w)).max()) for f, k, w in zip(found, known, floors, strict=True)
    ]
    return max(worst[:2]), worst[2]
