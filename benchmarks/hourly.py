"""Hourly levels and slow state of many people at once, exactly: what Letheon brings to problems K1 and K2.

Plasma comes from `letheon.body.propagator`: tabulated propagators of the library's compartment structure. A course is
cut at every change of rate, and what lies between into blocks of `SPAN` hours. All hours of all blocks are then
computed side by side: a level is a row of a propagator times the state at the start of its block. The patient is the
last axis of every array, which is the one that vector instructions take.

The slow state obeys dS/dt = kon (1 - S) f - koff S with f = C/(C50 + C). What is left of it, W = 1 - S, is linear:

    W(t + h) = e^(-A) W(t) + koff J,    A = kon F + koff h,    J = ∫ e^(-(A(h) - A(u))) du,

where F is the integral of f over the hour. A is small (0.015 an hour), so J is a short series in the first two moments
of f, and these come from Boole's rule on quarter hours, where C is exact. In the first two hours after a change of
rate, where C moves within minutes, the nodes are graded: sixteen to each halving of the time since the change.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from letheon.arrays import jax, jnp
from letheon.body.compartments import build
from letheon.body.propagator import propagators

SPAN = 24  # hours of a block
FINEST = 2.0**-11  # h: shortest tabulated step
SERIES = 6  # levels that come from the series; the others, up to 16 h, by squaring
LEVELS = 16
OCTAVES = 7  # halvings of the first hour
BOOLE = np.array([7, 32, 12, 32, 7]) / 90
WASHOUT_H = 288  # after the last infusion; who has drug left by then is computed without this short cut
NEGLIGIBLE = 1e-8  # share of the effect below which the slow state only decays


@dataclass(frozen=True)
class Problem:
    """One of the fixed problems.

    Attributes
    ----------
    name : str
        Its name.
    edges, rates : tuple
        Hours at which the rate changes, from 0 to the end, and the rates [mg/h] between.
    patients : int
        How many people.
    """

    name: str
    edges: tuple[int, ...]
    rates: tuple[float, ...]
    patients: int

    @property
    def hours(self) -> int:
        return self.edges[-1]


def sessions(starts: Sequence[int], length: int, rate: float, end: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return edges and rates of equal sessions."""
    edges, rates = [0], []
    for start in starts:
        if start > edges[-1]:
            edges.append(start)
            rates.append(0.0)
        edges.append(start + length)
        rates.append(rate)
    return (*edges, end), (*rates, 0.0)


K1 = Problem("K1", (0, 8, 16, 24, 100, 2016), (5.0, 10.0, 15.0, 20.0, 0.0), 10_000)
_DAYS = (*range(10), 42, 84, 126, 168)
K2 = Problem("K2", *sessions([24 * day for day in _DAYS], 4, 25.0, 200 * 24), 1_000)

TYPICAL = {"cl": 80.0, "v1": 17.0, "q2": 150.0, "v2": 50.0, "q3": 60.0, "v3": 140.0}
# a fraction of 0.8 forms norketamine: the same as all of it in volumes and clearances 1/0.8 as large
NORKETAMINE = {"cln": 60.0, "vn1": 100.0, "qn": 60.0, "vn2": 120.0}
FRACTION = 0.8
KOFF = float(np.log(2.0) / (10.9 * 24.0))  # 1/h
C50 = 10.5  # ng/mL
KON = 0.0146  # 1/h: S is 0.70 at 100 h in K1 for the typical person


def people(count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return clearance and central volume of the people, 30 % lognormal."""
    z = np.random.default_rng(seed).standard_normal((2, count))
    return TYPICAL["cl"] * np.exp(0.3 * z[0]), TYPICAL["v1"] * np.exp(0.3 * z[1])


def system(cl, v1):
    """Return one person's compartments."""
    apparent = {name: value / FRACTION for name, value in NORKETAMINE.items()}
    return build("parent3_met2_direct", {**TYPICAL, "cl": cl, "v1": v1, **apparent}, "s", {})


# --- the course as blocks: plain data ---


@dataclass(frozen=True)
class Blocks:
    """A course cut into blocks of at most `SPAN` hours.

    Attributes
    ----------
    start, length : int array, shape (block,)
        Hours.
    rate : array, shape (block,)
        Infusion rate [mg/h].
    since : int array, shape (block,)
        Hours since the last change of rate at the block's start.
    active : int array
        Blocks in which there may be drug enough to act; in the others the slow state only decays.
    """

    start: np.ndarray
    length: np.ndarray
    rate: np.ndarray
    since: np.ndarray
    active: np.ndarray

    @classmethod
    def of(cls, problem: Problem, washout_h: int) -> "Blocks":
        rows = []
        for (begin, end), rate in zip(pairwise(problem.edges), problem.rates, strict=True):
            rows += [(at, min(SPAN, end - at), rate, at - begin) for at in range(begin, end, SPAN)]
        start, length, rate, since = (np.array(column) for column in zip(*rows, strict=True))
        acting = np.flatnonzero((rate > 0) | (since < washout_h))
        return cls(start, length, rate.astype(float), since, acting)


def _times(rows, step):
    """Multiply rows (m, i, patient) by a matrix (i, j, patient)."""
    return sum(rows[:, i, None] * step[None, i] for i in range(rows.shape[1]))


def _after(rows, step):
    """Return rows at the same offsets and, behind them, at all of these plus a step."""
    return jnp.concatenate([rows, _times(rows, step)])


def _square(table):
    """Return propagators with the infusion as a last state that never changes, as square matrices."""
    last = jnp.zeros_like(table[:, :1]).at[:, 0, -1].set(1.0)
    return jnp.concatenate([table, last], axis=1)


def _level(hours: float) -> int:
    return round(np.log2(hours / FINEST))


def _unit(size: int, state: int, patients: int):
    return jnp.zeros((1, size, patients)).at[0, state].set(1.0)


def _hour_rows(full, size: int, state: int, quarters: bool):
    """Return rows that read a state at hours 0 to 31 of a block; with quarters, at every quarter hour."""
    rows = _unit(size, state, full[0].shape[-1])
    for step in (0.25, 0.5) if quarters else ():
        rows = _after(rows, full[_level(step)])
    for step in (1, 2, 4, 8, 16):
        rows = _after(rows, full[_level(step)])
    return rows


def _graded_rows(full):
    """Return rows that read the central compartment within the first two hours after a change, and two sets of weights.

    Weights, shape (hour, moment, node): of the integral of f over an hour, and of (u f) with u from the hour's start.
    """
    first = _unit(4, 0, full[0].shape[-1])
    pieces, rows = [(0.0, 2.0**-OCTAVES)], []
    pieces += [(2.0**-k, 2.0**-k) for k in range(OCTAVES, 0, -1)] + [(1.0, 1.0)]
    weights = np.zeros((2, 2, 17 * len(pieces)))
    panel = np.zeros(17)
    for k in range(4):
        panel[4 * k : 4 * k + 5] += BOOLE / 4
    for number, (begin, width) in enumerate(pieces):
        here = _times(first, full[_level(begin)]) if begin else first
        for part in (16, 8, 4, 2):
            here = _after(here, full[_level(width / part)])
        rows += [here, _times(here[:1], full[_level(width)])]
        u = begin + width * np.arange(17) / 16
        hour = int(begin >= 1.0)
        span = slice(17 * number, 17 * number + 17)
        weights[hour, 0, span] = panel * width
        weights[hour, 1, span] = panel * width * (u - hour)
    return jnp.concatenate(rows), weights


def _starts(full, blocks: Blocks):
    """Return the states at the start of every block, shape (block, state, patient)."""
    lengths, which = np.unique(blocks.length, return_inverse=True)
    steps = []
    for length in lengths:
        step = None
        for bit in range(5):
            if length >> bit & 1:
                power = full[_level(2.0**bit)]
                step = power if step is None else _times(step, power)
        steps.append(step)
    table = jnp.stack(steps)

    def advance(x, block):
        index, rate = block
        step = table[index]
        new = sum(step[:5, b] * x[b] for b in range(5)) + step[:5, 5] * rate
        return new, x

    none = jnp.zeros((5, full[0].shape[-1]))
    return jax.lax.scan(advance, none, (which.astype(np.int32), blocks.rate))[1]


def _share(c):
    return c / (C50 + c)


def _moments(rows, x, rate):
    """Return the first two moments of f over every hour of the blocks, each of shape (hour, block, patient)."""

    def f(quarter: int, shift: int):
        # rows stand in the order hour (0…31), quarter; made by doubling, so quarters are innermost
        r = rows[quarter + 4 * shift :: 4][:SPAN]
        return _share(sum(r[:, None, i] * x[None, :, i] for i in range(3)) + r[:, None, 3] * rate[None, :, None])

    nodes = [f(0, 0), f(1, 0), f(2, 0), f(3, 0), f(0, 1)]
    first = sum(w * n for w, n in zip(BOOLE, nodes, strict=True))
    return first, sum(w * u * n for w, u, n in zip(BOOLE, (0, 0.25, 0.5, 0.75, 1.0), nodes, strict=True))


def _slow(moments):
    """Return factor and addition of every hour for what is left of the slow state."""
    first, second = moments
    a = KON * first + KOFF
    factor = 1 - a * (1 - a / 2 * (1 - a / 3 * (1 - a / 4 * (1 - a / 5))))
    moment = KON * second + KOFF / 2
    tilt = 12 * moment - 6 * a  # the rate as a line through the hour that has both moments
    level = a - tilt / 2
    curve = level * level / 6 + 5 / 24 * level * tilt + tilt * tilt / 15
    return factor, KOFF * (1 - moment + curve - a * a * a / 24)


def _tables(cl, v1):
    """Return all propagators with the infusion as a state, shape (level, 6, 6, patient), and the scales of levels."""

    def one(cl, v1):
        own = system(cl, v1)
        return propagators(own.rates, own.entry, FINEST, SERIES), own.scale

    series, scale = jax.vmap(one, out_axes=-1)(cl, v1)
    whole = list(_square(series))
    while len(whole) < LEVELS:
        whole.append(_times(whole[-1], whole[-1]))
    return whole, scale


def _acting(problem: Problem, washout_h: int, cl, v1):
    """Return the blocks, rows and states from which everything is read, and the moments of the effect."""
    blocks = Blocks.of(problem, washout_h)
    whole, scale = _tables(cl, v1)
    parts = jnp.array([0, 1, 2, 5])
    parent = [step[parts][:, parts] for step in whole]
    starts = _starts(whole, blocks)
    rate = jnp.asarray(blocks.rate)
    rows = _hour_rows(parent, 4, 0, quarters=True) * scale[0]
    active = blocks.active
    x, r = starts[active][:, :3], rate[active]
    first, second = _moments(rows, x, r)
    changed = np.flatnonzero(blocks.since[active] == 0)
    fine, weights = _graded_rows(parent)
    fine = fine * scale[0]
    f = _share(
        sum(fine[:, None, i] * x[changed][None, :, i] for i in range(3)) + fine[:, None, 3] * r[changed][None, :, None]
    )
    near = jnp.einsum("hmk,kbp->mhbp", jnp.asarray(weights), f)
    moments = first.at[:2, changed].set(near[0]), second.at[:2, changed].set(near[1])
    rest = np.setdiff1d(np.arange(len(blocks.start)), active)
    leaving = _share(starts[rest, 0] * scale[0]).max() if len(rest) else jnp.zeros(())
    return blocks, whole, scale, rows, starts, rate, moments, leaving


@partial(jax.jit, static_argnames=("problem", "washout_h", "dtype"))
def _hours(problem: Problem, washout_h: int, dtype: str, cl, v1):
    blocks, whole, scale, rows, starts, rate, moments, leaving = _acting(problem, washout_h, cl, v1)
    n_rows = _hour_rows(whole, 6, 3, quarters=False)[1 : SPAN + 1] * scale[1]
    c_rows = rows[4::4][:SPAN]
    c = sum(c_rows[None, :, i] * starts[:, None, i] for i in range(3)) + c_rows[None, :, 3] * rate[:, None, None]
    n = sum(n_rows[None, :, i] * starts[:, None, i] for i in range(5)) + n_rows[None, :, 5] * rate[:, None, None]
    gain, offset, left, slots, decay = _left(blocks, _slow(moments), cl.shape[0])
    acting = 1.0 - (jnp.swapaxes(gain, 0, 1) * left[blocks.active][:, None] + jnp.swapaxes(offset, 0, 1))
    resting = (1.0 - left[np.flatnonzero(slots < 0)])[:, None] * decay[None, :, None]
    return _joined(blocks, (c, n, (acting, resting, slots)), dtype), leaving


def solve(
    problem: Problem,
    cl: np.ndarray,
    v1: np.ndarray,
    *,
    dtype: str = "float64",
    workers: int = 2,
    chunk: int = 128,
) -> list:
    """Solve a problem for many people, a chunk of them at a time, on some threads.

    Parameters
    ----------
    problem : Problem
        What is given.
    cl, v1 : array, shape (patient,)
        Clearance [L/h] and central volume [L].
    dtype : str
        Of what is returned; everything is computed in double precision.
    workers, chunk : int
        Threads, and patients that each takes at a time.

    Returns
    -------
    list of tuple of array
        For each chunk ketamine, norketamine [ng/mL] and slow state, each of shape (time, patient).
    """

    def run(first: int):
        own = [np.resize(values[first : first + chunk], chunk) for values in (cl, v1)]
        found, leaving = _hours(problem, WASHOUT_H, dtype, *own)
        if float(leaving) > NEGLIGIBLE:  # somebody very slow: nothing is taken as washed out
            found, _ = _hours(problem, problem.hours, dtype, *own)
        return jax.block_until_ready(found)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, range(0, len(cl), chunk)))


def _left(blocks: Blocks, hourly, patients: int):
    """Return what makes the slow state: what every hour of the acting blocks makes of their start, and the starts."""
    factor, addition = hourly
    slots = np.full(len(blocks.start), -1)
    slots[blocks.active] = np.arange(len(blocks.active))

    # through the hours of all acting blocks side by side: what each makes of any start
    def hour(carry, step):
        gain, offset = carry
        e, g = step
        gain, offset = e * gain, e * offset + g
        return (gain, offset), (gain, offset)

    ones = jnp.ones(factor.shape[1:])
    _, (gain, offset) = jax.lax.scan(hour, (ones, jnp.zeros_like(ones)), (factor, addition))
    last = blocks.length[blocks.active] - 1
    end_gain, end_offset = gain[last, np.arange(len(last))], offset[last, np.arange(len(last))]
    decay = jnp.asarray(np.exp(-KOFF * np.arange(1, SPAN + 1)))

    def block(w, data):
        slot, length = data
        acting = slot >= 0
        e = jnp.where(acting, end_gain[slot], decay[length - 1])
        g = jnp.where(acting, end_offset[slot], 1 - decay[length - 1])
        return e * w + g, w

    start = jnp.ones(patients)
    _, left = jax.lax.scan(block, start, (slots.astype(np.int32), blocks.length.astype(np.int32)))
    return gain, offset, left, slots, decay


def _joined(blocks: Blocks, found, dtype):
    """Put the hours of all blocks behind one another, shape (hour, patient) each."""
    c, n, (acting, resting, slots) = found
    rest = np.cumsum(slots < 0) - 1
    runs, k = [], 0
    while k < len(slots):  # runs of whole blocks of one kind
        j = k
        while j + 1 < len(slots) and blocks.length[j] == SPAN and (slots[j + 1] < 0) == (slots[k] < 0):
            j += 1
        runs.append((k, j + 1))
        k = j + 1

    def hours(part, first, stop):
        size = (stop - first - 1) * SPAN + int(blocks.length[stop - 1])
        return part.reshape(-1, part.shape[-1])[:size].astype(dtype)

    def slow(first, stop):
        if slots[first] >= 0:
            return hours(acting[slots[first] : slots[first] + stop - first], first, stop)
        return hours(resting[rest[first] : rest[first] + stop - first], first, stop)

    return (
        jnp.concatenate([hours(c[a:b], a, b) for a, b in runs]),
        jnp.concatenate([hours(n[a:b], a, b) for a, b in runs]),
        jnp.concatenate([slow(a, b) for a, b in runs]),
    )
