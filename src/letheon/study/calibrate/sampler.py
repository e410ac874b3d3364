"""Hamiltonian Monte Carlo in blocks of iterations whose state is saved: it can stop anywhere and goes on to the bit.

NumPyro's NUTS does the sampling. Modes come first, by BFGS from dispersed starts; the inverse Hessian at the best one
is the mass matrix, so that the sampler meets one scale in all directions and short trees do.
"""

import contextlib
import ctypes
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from scipy import optimize

from letheon.arrays import Array, jax, jnp
from letheon.errors import InputError, Interrupted
from letheon.files import write
from letheon.runs.manifest import read_object
from letheon.study.calibrate.document import Settings
from letheon.study.records import Progress

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
    starts: int  # how many starts led there


class Chains(NamedTuple):
    """What the chains left; axes (chain, iteration, …)."""

    z: np.ndarray  # standard normals of the parameters
    energy: np.ndarray
    accept: np.ndarray  # mean acceptance
    steps: np.ndarray  # leapfrog steps
    diverging: np.ndarray  # 1 where an iteration diverged


Gradient = Callable[[np.ndarray], tuple[Array, Array]]  # value and slope at a point
Result = TypeVar("Result")


def together(jobs: Sequence[Callable[[], Result]], stop: threading.Event | None = None) -> list[Result]:
    """Run jobs on threads, since compiled code runs beside itself; Ctrl-C lets each save and stop."""
    stop = threading.Event() if stop is None else stop
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with ThreadPoolExecutor(min(cores, len(jobs))) as pool:
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


def _save(path: Path, **arrays: Array) -> None:
    write(path, lambda file: np.savez(file, **arrays))


class _RememberedGradient:
    """A gradient that keeps its results, so that a stopped search takes the same steps again in no time."""

    def __init__(self, gradient: Gradient, size: int, path: Path | None, heartbeat: Callable[[], None]) -> None:
        self._gradient, self._path, self._heartbeat = gradient, path, heartbeat
        self._rows = np.load(path)["rows"] if path and path.exists() else np.empty((0, 2 * size + 1))
        self._calls = 0

    def __call__(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        size, row = len(z), self._calls
        self._calls += 1
        if row >= len(self._rows) or not np.array_equal(self._rows[row, :size], z):
            try:
                self._heartbeat()
            except BaseException:
                self._keep()
                raise
            value, slope = self._gradient(z)
            self._rows = np.vstack([self._rows[:row], np.concatenate([z, [float(value)], np.asarray(slope)])])
            if len(self._rows) % _KEEP_EVERY == 0:
                self._keep()
        return float(self._rows[row, size]), self._rows[row, size + 1 :]

    def _keep(self) -> None:
        if self._path:
            _save(self._path, rows=self._rows)


def _climb(gradient: Gradient, start: np.ndarray) -> tuple[np.ndarray, float]:
    def negative(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = gradient(z)
        if not np.isfinite(value):
            return 1e12, np.zeros_like(z)
        return -float(value), -np.asarray(slope)

    top = optimize.minimize(negative, start, jac=True, method="BFGS", options={"maxiter": 60, "gtol": 1e-2})
    return top.x, -float(top.fun)


def _laplace(gradient: Gradient, z: np.ndarray) -> tuple[np.ndarray, float]:
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
    log_posterior: Callable[..., Array],
    size: int,
    settings: Settings,
    folder: Path | None = None,
    progress: Progress | None = None,
    arguments: tuple[Any, ...] = (),
) -> tuple[Mode, ...]:
    """Climb the density of z (parameter,) and `arguments` from dispersed starts; describe the modes, best first."""
    compiled = jax.jit(jax.value_and_grad(log_posterior))
    starts = np.random.default_rng(settings.seed).normal(size=(settings.starts - 1, size))
    starts = np.vstack([np.zeros(size), starts])
    stop, done = threading.Event(), []

    def gradient(z: np.ndarray) -> tuple[Array, Array]:
        return compiled(z, *arguments)

    def heartbeat() -> None:
        if stop.is_set():
            raise Interrupted("stopped; the state is kept")
        if progress:
            progress("searching for modes", len(done), settings.starts)

    def remembered(name: str) -> _RememberedGradient:
        return _RememberedGradient(gradient, size, folder and folder / name, heartbeat)

    def climb(i: int) -> tuple[np.ndarray, float]:
        path = folder and folder / f"climb_{i}.npz"
        if path and path.exists():
            kept = np.load(path)
            top = kept["z"], float(kept["value"])
        else:
            top = _climb(remembered(f"steps_{i}.npz"), starts[i])
            if path:
                _save(path, z=top[0], value=np.array(top[1]))
                path.with_name(f"steps_{i}.npz").unlink(missing_ok=True)
        done.append(i)
        heartbeat()
        return top

    heartbeat()
    jax.block_until_ready(gradient(starts[0]))  # compiled once, before the threads meet
    _give_back()
    tops = sorted(together([partial(climb, i) for i in range(settings.starts)], stop), key=lambda top: -top[1])
    groups: list[list[tuple[np.ndarray, float]]] = []
    for z, value in tops:
        near = next((g for g in groups if np.max(np.abs(g[0][0] - z)) < _SAME_MODE), None)
        groups.append([(z, value)]) if near is None else near.append((z, value))
    modes = []
    for rank, group in enumerate(groups):
        z, value = group[0]
        root, log_det = _laplace(remembered(f"curvature_{rank}.npz"), z)
        mass = value + 0.5 * log_det + 0.5 * size * np.log(2.0 * np.pi)
        modes.append(Mode(z, value, float(mass), root, len(group)))
    return tuple(sorted(modes, key=lambda m: -m.log_mass))


def _start_states(kernel: Any, modes: tuple[Mode, ...], settings: Settings, arguments: tuple[Any, ...]) -> list[Any]:
    """Start each chain away from the others: around the modes that hold the mass, one sigma out."""
    heavy = [m for m in modes if m.log_mass > modes[0].log_mass - 3.0]
    rng = np.random.default_rng(settings.seed + 1)

    @jax.jit  # step by step it would compile hundreds of small programs, which take gigabytes and a minute
    def initial_state(key: Array, start: Array, arguments: tuple[Any, ...]) -> Any:
        return kernel.init(key, settings.warmup, {"z": start}, arguments, {})

    states = []
    for chain, key in enumerate(jax.random.split(jax.random.key(settings.seed, impl="threefry2x32"), settings.chains)):
        mode = heavy[chain % len(heavy)]
        start = mode.z + mode.root @ rng.normal(size=len(mode.z))
        key = jax.random.key_data(key)
        states.append(initial_state(key, jnp.asarray(start), arguments))
    _give_back()
    return states


def sample(
    evidence: Callable[..., Array],
    arguments: tuple[Any, ...],
    modes: tuple[Mode, ...],
    settings: Settings,
    folder: Path,
    progress: Progress | None = None,
) -> Chains:
    """Run the chains, a block of iterations at a time; `evidence` is the log likelihood of z and `arguments`."""
    import numpyro  # heavy
    from numpyro import distributions, infer

    best = modes[0]

    def model(*arguments: Any) -> None:
        z = numpyro.sample("z", distributions.Normal(0.0, 1.0).expand([len(best.z)]).to_event(1))
        numpyro.factor("evidence", evidence(z, *arguments))

    kernel = infer.NUTS(
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
    def block(state: Any, arguments: tuple[Any, ...]) -> tuple[Any, tuple[Array, ...]]:
        def one(state: Any, _: None) -> tuple[Any, tuple[Array, ...]]:
            state = kernel.sample(state, arguments, {})
            return state, (state.z["z"], state.energy, state.accept_prob, state.num_steps, state.diverging)

        return jax.lax.scan(one, state, None, length=_BLOCK)

    blocks = -(-(settings.warmup + settings.samples) // _BLOCK)
    stop, finished = threading.Event(), [0] * settings.chains
    block(states[0], arguments)  # compiled once, before the threads meet
    _give_back()

    def run(chain: int) -> list[np.ndarray]:
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

    chains = together([partial(run, chain) for chain in range(settings.chains)], stop)
    counted = slice(settings.warmup, settings.warmup + settings.samples)
    return Chains(*(np.stack(rows)[:, counted] for rows in zip(*chains, strict=True)))


def take_up(folder: Path, settings: Settings, about: Mapping[str, str]) -> None:
    """Open a working folder: empty, or left by the same calibration; InputError if left by another."""
    wanted = json.loads(json.dumps({**asdict(settings), **about}))
    note = folder / "settings.json"
    if note.exists():
        stored = read_object(note) or {}
        if stored != wanted:
            names = ", ".join(sorted(k for k in wanted if stored.get(k) != wanted[k]))
            raise InputError(f"{folder} holds a calibration with other settings ({names}); choose another folder")
        return
    folder.mkdir(parents=True, exist_ok=True)
    write(note, json.dumps(wanted, indent=1))
