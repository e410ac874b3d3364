"""The peers of K1 and K2: general solvers, each at settings that suit it, restarted at every change of rate.

Each returns an array of shape (patient, 3, time): ketamine, norketamine [ng/mL] and slow state at every hour, or at the
end of every week.
"""

from functools import cache
from importlib.util import find_spec
from itertools import pairwise

import numpy as np

from benchmarks.hourly import C50, FRACTION, KOFF, KON, NORKETAMINE, TYPICAL, Problem
from benchmarks.reference import matrix

WEEK = 168
_P, _Q = TYPICAL, NORKETAMINE

# module that a peer needs, with why it can be absent after `make bench` has installed what it can
NEEDS = {
    "numba + LSODA": ("numbalsoda", "building it needs a Fortran compiler"),
    "diffrax Kvaerno5": ("diffrax", "see `make bench`"),
    "libroadrunner CVODE": ("roadrunner", "not every system has a package of it"),
}


def left_out() -> list[str]:
    """Return a sentence for each peer whose package is not installed."""
    return [
        f"{peer} takes no part: {module} is not installed ({reason})."
        for peer, (module, reason) in NEEDS.items()
        if not find_spec(module)
    ]


def is_installed(name: str) -> bool:
    """Say whether a contestant's package is there."""
    return all(find_spec(module) for peer, (module, _) in NEEDS.items() if name.startswith(peer))


def _scale(y: np.ndarray, v1: np.ndarray) -> np.ndarray:
    """Turn states (patient, time, state) into what is compared."""
    return np.stack([y[..., 0] * 1000.0 / v1[:, None], y[..., 3] * 1000.0 / _Q["vn1"], y[..., 5]], axis=1)


def _times(problem: Problem, every: int) -> list[np.ndarray]:
    """Return for each piece the times wanted in it."""
    return [
        np.array([t for t in range(begin + 1, end + 1) if t % every == 0], float)
        for begin, end in pairwise(problem.edges)
    ]


# --- numba with LSODA ---


@cache
def _lsoda():
    import numba
    from numbalsoda import lsoda, lsoda_sig

    k12, k13, k21, k31 = _P["q2"], _P["q3"], _P["q2"] / _P["v2"], _P["q3"] / _P["v3"]
    out_n, n12, n21 = (_Q["cln"] + _Q["qn"]) / _Q["vn1"], _Q["qn"] / _Q["vn1"], _Q["qn"] / _Q["vn2"]
    fraction, c50, kon, koff = FRACTION, C50, KON, KOFF

    @numba.cfunc(lsoda_sig)
    def slope(t, y, dy, p):
        cl, v1, rate = p[0], p[1], p[2]
        dy[0] = rate - (cl + k12 + k13) / v1 * y[0] + k21 * y[1] + k31 * y[2]
        dy[1] = k12 / v1 * y[0] - k21 * y[1]
        dy[2] = k13 / v1 * y[0] - k31 * y[2]
        dy[3] = fraction * cl / v1 * y[0] - out_n * y[3] + n21 * y[4]
        dy[4] = n12 * y[3] - n21 * y[4]
        c = max(y[0], 0.0) * 1000.0 / v1
        f = c / (c50 + c)
        dy[5] = kon * (1.0 - y[5]) * f - koff * y[5]

    address = slope.address

    @numba.njit(parallel=True)
    def run(cl, v1, edges, rates, times, first, rtol, atol, out):
        for k in numba.prange(len(cl)):
            state = np.zeros(6)
            data = np.array([cl[k], v1[k], 0.0])
            for piece in range(len(rates)):
                data[2] = rates[piece]
                a, b = first[piece], first[piece + 1]
                wanted = np.empty(b - a + 2)
                wanted[0] = edges[piece]
                wanted[1 : b - a + 1] = times[a:b]
                count = b - a + 1
                if b == a or times[b - 1] < edges[piece + 1]:
                    wanted[count] = edges[piece + 1]
                    count += 1
                y, _ = lsoda(address, state, wanted[:count], data, rtol, atol, 100000)
                out[k, a:b] = y[1 : b - a + 1]
                state = y[count - 1].copy()

    return run


def numba_lsoda(problem: Problem, cl: np.ndarray, v1: np.ndarray, every: int = 1, rtol: float = 1e-6) -> np.ndarray:
    """Compiled right-hand side, LSODA in C++, two threads: the fastest general solver that was found."""
    pieces = _times(problem, every)
    times, first = np.concatenate(pieces), np.cumsum([0, *(len(p) for p in pieces)])
    out = np.empty((len(cl), len(times), 6))
    edges = np.array(problem.edges, float)
    _lsoda()(cl, v1, edges, np.array(problem.rates), times, first, rtol, 1e-3 * rtol, out)
    return _scale(out, v1)


# --- diffrax ---


@cache
def _diffrax(problem: Problem, every: int, rtol: float):
    import diffrax

    from letheon.arrays import jax, jnp

    def field(t, y, args):
        a, to_k = args
        rate = rates[jnp.clip(jnp.searchsorted(edges, t, side="right") - 1, 0, len(rates) - 1)]
        c = jnp.maximum(y[0], 0.0) * to_k
        f = c / (C50 + c)
        plasma = a @ y[:5] + jnp.zeros(5).at[0].set(rate)
        return jnp.append(plasma, KON * (1 - y[5]) * f - KOFF * y[5])

    edges, rates = jnp.asarray(problem.edges, float), jnp.asarray(problem.rates)
    times = jnp.concatenate([jnp.asarray(piece) for piece in _times(problem, every)])

    def person(a, v1):
        return diffrax.diffeqsolve(
            diffrax.ODETerm(field),
            diffrax.Kvaerno5(),
            edges[0],
            edges[-1],
            0.01,
            jnp.zeros(6),
            args=(a, 1000.0 / v1),
            saveat=diffrax.SaveAt(ts=times),
            stepsize_controller=diffrax.ClipStepSizeController(
                diffrax.PIDController(rtol=rtol, atol=1e-3 * rtol), jump_ts=edges[1:-1]
            ),
            max_steps=65536,
        ).ys

    return jax.jit(jax.vmap(person))


def diffrax(problem: Problem, cl: np.ndarray, v1: np.ndarray, every: int = 1, rtol: float = 1e-6) -> np.ndarray:
    """Kvaerno5, vmapped."""
    a = np.stack([matrix(c, v) for c, v in zip(cl, v1, strict=True)])
    return _scale(np.asarray(_diffrax(problem, every, rtol)(a, v1)), v1)


# --- SciPy ---


def scipy(problem: Problem, cl: np.ndarray, v1: np.ndarray, every: int = 1, rtol: float = 1e-6) -> np.ndarray:
    """LSODA from Python, one at a time."""
    from scipy.integrate import solve_ivp

    out = []
    for c_l, v in zip(cl, v1, strict=True):
        a, to_k = matrix(c_l, v), 1000.0 / v

        def slope(t, y, rate, a=a, to_k=to_k):
            dy = np.empty(6)
            dy[:5] = a @ y[:5]
            dy[0] += rate
            c = max(y[0], 0.0) * to_k
            f = c / (C50 + c)
            dy[5] = KON * (1 - y[5]) * f - KOFF * y[5]
            return dy

        state, rows = np.zeros(6), []
        for (begin, end), rate, wanted in zip(
            pairwise(problem.edges), problem.rates, _times(problem, every), strict=True
        ):
            times = wanted if len(wanted) and wanted[-1] == end else np.append(wanted, end)
            y = solve_ivp(slope, (begin, end), state, "LSODA", times, args=(rate,), rtol=rtol, atol=1e-3 * rtol).y.T
            rows.append(y[: len(wanted)])
            state = y[-1]
        out.append(np.concatenate(rows))
    return _scale(np.array(out), v1)


# --- libroadrunner ---


@cache
def _roadrunner():
    import roadrunner

    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_ERROR)
    reactions = {
        "infusion": ("-> k1", "rate"),
        "k12": ("k1 -> k2", f"{_P['q2']}/v1*k1"),
        "k21": ("k2 -> k1", f"{_P['q2'] / _P['v2']}*k2"),
        "k13": ("k1 -> k3", f"{_P['q3']}/v1*k1"),
        "k31": ("k3 -> k1", f"{_P['q3'] / _P['v3']}*k3"),
        "gone": ("k1 ->", f"cl/v1*k1*{1 - FRACTION}"),
        "formed": ("k1 -> n1", f"cl/v1*k1*{FRACTION}"),
        "cleared": ("n1 ->", f"{_Q['cln'] / _Q['vn1']}*n1"),
        "n12": ("n1 -> n2", f"{_Q['qn'] / _Q['vn1']}*n1"),
        "n21": ("n2 -> n1", f"{_Q['qn'] / _Q['vn2']}*n2"),
        "on": ("-> s", f"{KON}*(1-s)*(k1*1000/v1)/({C50}+k1*1000/v1)"),
        "off": ("s ->", f"{KOFF}*s"),
    }
    runner = roadrunner.RoadRunner()
    runner.addCompartment("body", 1.0, False)
    for name in ("k1", "k2", "k3", "n1", "n2", "s"):
        runner.addSpeciesAmount(name, "body", 0.0, True, False, "", False)
    for name, value in (("cl", 80.0), ("v1", 17.0), ("rate", 0.0)):
        runner.addParameter(name, value, False)
    for name, (equation, law) in reactions.items():
        left, right = (side.split() for side in equation.split("->"))
        runner.addReaction(name, left, right, law, False)
    runner.regenerateModel(True)
    runner.timeCourseSelections = ["k1", "n1", "s"]
    return runner


def roadrunner(problem: Problem, cl: np.ndarray, v1: np.ndarray, every: int = 1, rtol: float = 1e-6) -> np.ndarray:
    """CVODE behind a compiled SBML model, one at a time."""
    runner = _roadrunner()
    runner.integrator.relative_tolerance, runner.integrator.absolute_tolerance = rtol, 1e-3 * rtol
    out = []
    for c_l, v in zip(cl, v1, strict=True):
        runner.resetAll()
        runner.setValue("cl", float(c_l))
        runner.setValue("v1", float(v))
        rows = []
        for (begin, end), rate, wanted in zip(
            pairwise(problem.edges), problem.rates, _times(problem, every), strict=True
        ):
            runner.setValue("rate", float(rate))
            times = [float(begin), *wanted, *([] if len(wanted) and wanted[-1] == end else [float(end)])]
            rows.append(np.array(runner.simulate(times=times))[1 : len(wanted) + 1])
        found = np.concatenate(rows)
        out.append(np.stack([found[:, 0] * 1000.0 / v, found[:, 1] * 1000.0 / _Q["vn1"], found[:, 2]]))
    return np.array(out)
