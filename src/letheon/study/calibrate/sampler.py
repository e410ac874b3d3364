"""Hamiltonian Monte Carlo in blocks of iterations whose state is saved: it can stop anywhere and goes on to the bit.

NumPyro's NUTS does the sampling. Modes come first, by BFGS from dispersed starts; the inverse Hessian at the best one
is the mass matrix, so that the sampler meets one scale in all directions and short trees do.
"""

import contextlib
import ctypes
import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import optimize

from letheon.arrays import jax, jnp
from letheon.errors import InputError, Interrupted
from letheon.files import write
from letheon.runs.manifest import read_object
from letheon.study.calibrate.document import Settings

__all__ = [
    "Chains",
    "Mode",
    "find_modes",
    "sample",
    "take_up",
    "together",
]

_BLOCK = 10  # iterations between two saves: a few seconds
_KEEP_EVERY = 10  # evaluations of a gradient between two saves
_SAME_MODE = 1.0  # modes nearer than this in every standard normal are one
_STEP = 0.2  # for the Hessian, by central differences of the gradient: wide, so that small roughness averages out
_FLATTEST, _STEEPEST = 1.0, 1e-6  # variances of the Laplace approximation: never wider than the prior


class Mode(NamedTuple):
    """A mode of the posterior."""

    z: np.ndarray  # (parameter,): where it is, as standard normals
    log_posterior: float  # log density there
    log_mass: float  # log of the Laplace approximation to the mass around it
    root: np.ndarray  # (parameter, parameter): Cholesky factor of its covariance
    found: int  # how many starts led there


class Chains(NamedTuple):
    """What the chains left; axes (chain, iteration, …)."""

    z: np.ndarray  # standard normals of the parameters
    energy: np.ndarray
    accept: np.ndarray  # mean acceptance
    steps: np.ndarray  # leapfrog steps
    diverging: np.ndarray  # 1 where an iteration diverged


Progress = Callable[[str, int, int], None]


def _workers() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def together(jobs: list[Callable[[], object]], stop: threading.Event | None = None) -> list:
    """Run jobs on threads, since compiled code runs beside itself; Ctrl-C lets each save and stop."""
    stop = threading.Event() if stop is None else stop
    with ThreadPoolExecutor(min(_workers(), len(jobs))) as pool:
        futures = [pool.submit(job) for job in jobs]
        try:
            return [future.result() for future in futures]
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            raise


def _give_back() -> None:
    """Return memory that compiling needed for a while, half a gigabyte at a time; the C library would keep it."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _save(path: Path, **arrays) -> None:
    write(path, lambda file: np.savez(file, **arrays))


class _Remembered:
    """A gradient that keeps what it found, so that a stopped search takes the same steps again in no time."""

    def __init__(self, gradient, size: int, path: Path | None, beat: Callable[[], None]) -> None:
        self._gradient, self._path, self._beat = gradient, path, beat
        self._rows = np.empty((0, 2 * size + 1))
        self._asked = 0
        if path and path.exists():
            self._rows = np.load(path)["rows"]

    def __call__(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        size, row = len(z), self._asked
        self._asked += 1
        if row < len(self._rows) and np.array_equal(self._rows[row, :size], z):
            return float(self._rows[row, size]), self._rows[row, size + 1 :]
        try:
            self._beat()
        except BaseException:
            self._keep()
            raise
        value, slope = self._gradient(z)
        found = np.concatenate([z, [float(value)], np.asarray(slope)])
        self._rows = np.vstack([self._rows[:row], found])
        if len(self._rows) % _KEEP_EVERY == 0:
            self._keep()
        return float(value), found[size + 1 :]

    def _keep(self) -> None:
        if self._path:
            _save(self._path, rows=self._rows)


def _climb(gradient, start: np.ndarray) -> tuple[np.ndarray, float]:
    def negative(z):
        value, slope = gradient(z)
        if not np.isfinite(value):
            return 1e12, np.zeros_like(z)
        return -float(value), -np.asarray(slope)

    found = optimize.minimize(negative, start, jac=True, method="BFGS", options={"maxiter": 60, "gtol": 1e-2})
    return found.x, -float(found.fun)


def _laplace(gradient, z: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the Cholesky factor of the covariance at a mode, and its log determinant."""
    size = len(z)
    hessian = np.empty((size, size))
    for i in range(size):
        step = np.zeros(size)
        step[i] = _STEP
        up, down = (np.asarray(gradient(z + sign * step)[1]) for sign in (1.0, -1.0))
        hessian[i] = (down - up) / (2.0 * _STEP)
    values, vectors = np.linalg.eigh(0.5 * (hessian + hessian.T))
    variances = np.clip(1.0 / np.maximum(values, 1e-9), _STEEPEST, _FLATTEST)
    root = np.linalg.cholesky((vectors * variances) @ vectors.T)
    return root, float(np.log(variances).sum())


def find_modes(
    log_posterior,
    size: int,
    settings: Settings,
    folder: Path | None = None,
    progress: Progress | None = None,
    arguments: tuple = (),
) -> tuple[Mode, ...]:
    """Climb from dispersed starts and describe the modes found, best first."""
    compiled = jax.jit(jax.value_and_grad(log_posterior))

    def gradient(z):
        return compiled(z, *arguments)

    rng = np.random.default_rng(settings.seed)
    starts = np.vstack([np.zeros(size), rng.normal(size=(settings.starts - 1, size))])
    stop, done = threading.Event(), []

    def beat() -> None:
        if stop.is_set():
            raise Interrupted("stopped; the state is kept")
        if progress:
            progress("searching for modes", len(done), settings.starts)

    def climb(i: int):
        path, trace = (folder / name if folder else None for name in (f"climb_{i}.npz", f"steps_{i}.npz"))
        if path and path.exists():
            kept = np.load(path)
            found = kept["z"], float(kept["value"])
        else:
            found = _climb(_Remembered(gradient, size, trace, beat), starts[i])
            if path and trace:
                _save(path, z=found[0], value=np.array(found[1]))
                trace.unlink(missing_ok=True)
        done.append(i)
        beat()
        return found

    beat()
    jax.block_until_ready(gradient(starts[0]))  # compiled once, before the threads meet
    _give_back()
    climbed = sorted(together([lambda i=i: climb(i) for i in range(settings.starts)], stop), key=lambda f: -f[1])
    groups: list[list] = []
    for z, value in climbed:
        near = next((g for g in groups if np.max(np.abs(g[0][0] - z)) < _SAME_MODE), None)
        groups.append([(z, value)]) if near is None else near.append((z, value))
    modes = []
    for rank, group in enumerate(groups):
        z, value = group[0]
        root, log_det = _laplace(_Remembered(gradient, size, folder and folder / f"curvature_{rank}.npz", beat), z)
        mass = value + 0.5 * log_det + 0.5 * size * np.log(2.0 * np.pi)
        modes.append(Mode(z, value, float(mass), root, len(group)))
    return tuple(sorted(modes, key=lambda m: -m.log_mass))


def _start_states(kernel, modes: tuple[Mode, ...], settings: Settings, arguments):
    """Start each chain away from the others: around the modes that hold the mass, one sigma out."""
    heavy = [m for m in modes if m.log_mass > modes[0].log_mass - 3.0]
    rng = np.random.default_rng(settings.seed + 1)

    @jax.jit  # step by step it would compile hundreds of small programs, which take gigabytes and a minute
    def begin(key, start, arguments):
        return kernel.init(key, settings.warmup, {"z": start}, arguments, {})

    states = []
    for chain, key in enumerate(jax.random.split(jax.random.key(settings.seed, impl="threefry2x32"), settings.chains)):
        mode = heavy[chain % len(heavy)]
        start = mode.z + mode.root @ rng.normal(size=len(mode.z))
        key = jax.random.key_data(key)
        states.append(begin(key, jnp.asarray(start), arguments))
    _give_back()
    return states


def sample(
    model, arguments: tuple, modes: tuple[Mode, ...], settings: Settings, folder: Path, progress: Progress | None = None
) -> Chains:
    """Run the chains, a block of iterations at a time."""
    from numpyro.infer import NUTS  # heavy

    best = modes[0]
    kernel = NUTS(
        model,
        dense_mass=True,
        adapt_mass_matrix=False,
        inverse_mass_matrix={("z",): jnp.asarray(best.root @ best.root.T)},
        max_tree_depth=settings.tree_depth,
        adapt_step_size=False,
        step_size=settings.step,
    )
    states = _start_states(kernel, modes, settings, arguments)

    @jax.jit
    def block(state, arguments):
        def one(state, _):
            state = kernel.sample(state, arguments, {})
            return state, (state.z["z"], state.energy, state.accept_prob, state.num_steps, state.diverging)

        return jax.lax.scan(one, state, None, length=_BLOCK)

    blocks = -(-(settings.warmup + settings.samples) // _BLOCK)
    stop, finished = threading.Event(), [0] * settings.chains
    block(states[0], arguments)  # compiled once, before the threads meet
    _give_back()

    def run(chain: int):
        path = folder / f"chain_{chain}.npz"
        leaves, tree = jax.tree.flatten(states[chain])
        rows, done = [[] for _ in range(5)], 0
        if path.exists():
            kept = np.load(path)
            leaves = [jnp.asarray(kept[f"leaf_{i}"]) for i in range(len(leaves))]
            rows, done = [[kept[f"row_{i}"]] for i in range(5)], int(kept["done"])
        state = jax.tree.unflatten(tree, leaves)
        while True:
            finished[chain] = done
            if progress:
                progress("sampling", sum(finished) * _BLOCK, blocks * _BLOCK * settings.chains)
            if done == blocks:
                return [np.concatenate(row) for row in rows]
            if stop.is_set():
                raise Interrupted("stopped; the state is kept")
            state, new = block(state, arguments)
            for row, values in zip(rows, new, strict=True):
                row.append(np.asarray(values))
            done += 1
            kept = {f"leaf_{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(state))}
            kept |= {f"row_{i}": np.concatenate(row) for i, row in enumerate(rows)}
            _save(path, done=np.array(done), **kept)

    chains = together([lambda c=c: run(c) for c in range(settings.chains)], stop)
    counted = slice(settings.warmup, settings.warmup + settings.samples)
    return Chains(*(np.stack(rows)[:, counted] for rows in zip(*chains, strict=True)))


def take_up(folder: Path, settings: Settings, about: dict) -> None:
    """Open a working folder: empty, or left by the same calibration."""
    asked = json.loads(json.dumps({**asdict(settings), **about}))
    note = folder / "settings.json"
    if note.exists():
        left = read_object(note) or {}
        if left != asked:
            names = ", ".join(sorted(k for k in asked if left.get(k) != asked[k]))
            raise InputError(f"{folder} holds a calibration with other settings ({names}); choose another folder")
        return
    folder.mkdir(parents=True, exist_ok=True)
    write(note, json.dumps(asked, indent=1))
