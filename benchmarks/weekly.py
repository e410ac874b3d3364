"""Levels and slow state of many people at the end of every week: what Letheon brings to problems K1 and K2 there.

Nothing is computed at hours that nobody reads. A course is cut at every change of rate and at the end of every week.

Levels: ketamine in the central compartment is a sum of three exponentials, whose rates are the roots of a cubic and lie
apart, for each is on another side of the two rates of return. Norketamine adds two. What couples a mode of ketamine to
one of norketamine is ∫ e^(-mu (h - s)) e^(-lambda s) ds; over an hour it is known, by a series where the two rates
meet, and for longer it follows by doubling and joining, of which all terms are positive: nothing cancels.

The slow state obeys dS/dt = kon (1 - S) f - koff S with f = C/(C50 + C). What is left of it, W = 1 - S, is linear:

    W(t + h) = e^(-A(h)) W(t) + koff J,    J = ∫ e^(-(A(h) - A(u))) du,    A(u) = ∫ (kon f + koff).

Both integrals are taken by Gauss-Legendre over panels as wide as the time since the change of rate: C moves on the
scale of that time, whatever a person's rates are. A panel twice as wide has its nodes twice as far from its start, so
the exponentials there are the squares of those of the narrower one, and one table serves all panels of a person.

The patient is the last axis of every array, which is the one that vector instructions take. Pieces and panels are gone
through one after another by `scan`: unrolled, the compiler would fuse them and make the earlier anew for each later.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks.hourly import C50, KOFF, KON, NEGLIGIBLE, WASHOUT_H, Problem, system
from letheon.arrays import jax, jnp

WEEK = 168
# The rule. Against 16 nodes, a first panel of 2^-10 h and none above 16 h, the slow state of all people errs by at most
# 8e-9 in K1 and 4e-8 in K2; with 8 nodes 4e-11 and 2e-9, with 5 nodes 1e-7 and 3e-7. A first panel twice as long makes
# 8e-7 of K2's: at 25 mg/h the effect sets in within half a minute.
NODES = 6  # of a panel
FIRST = 6  # the first panel after a change lasts 2^-FIRST hours
WIDEST = 5  # the widest lasts 2^WIDEST hours
NEWTON = 12  # steps to a root of the cubic
CHUNK = 128  # patients whose numbers fit the processor's second cache


# --- the course as pieces and panels: plain data ---


@dataclass(frozen=True)
class Piece:
    """What lies between two stops: changes of rate and ends of weeks.

    Attributes
    ----------
    length : int
        Hours.
    rate : float
        Infusion rate [mg/h].
    panels : tuple of int
        Logarithms of the panels' widths, in order; they end where there is no drug left to act.
    rest : float
        Hours after the last panel, in which the slow state only decays.
    week : bool
        Whether a week ends with the piece.
    """

    length: int
    rate: float
    panels: tuple[int, ...]
    rest: float
    week: bool


def _panels(since: float, length: float, until: float) -> tuple[tuple[int, ...], float]:
    """Return widths of the panels of a piece that starts some hours after a change, and what remains."""
    at, end, widths = float(since), float(since + length), []
    while at < min(end, until):
        width = min(max(at, 2.0**-FIRST), end - at, 2.0**WIDEST)
        widths.append(int(np.floor(np.log2(width))))
        at += 2.0 ** widths[-1]
    return tuple(widths), end - at


def pieces(problem: Problem, washout_h: int) -> list[Piece]:
    """Cut a course."""
    weeks = range(WEEK, problem.hours + 1, WEEK)
    stops = sorted({*problem.edges, *weeks})
    stops = stops[: stops.index(weeks[-1]) + 1]
    found, since = [], 0
    for start, stop in pairwise(stops):
        since = 0 if start in problem.edges else since
        rate = problem.rates[int(np.searchsorted(problem.edges, start, side="right")) - 1]
        until = np.inf if rate > 0 else washout_h
        found.append(Piece(stop - start, rate, *_panels(since, stop - start, until), stop in weeks))
        since += stop - start
    return found


def _rule(nodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return nodes and weights of Gauss-Legendre over 0 to 1, and the integrals from each node to 1 of what it fits."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    degree = np.arange(nodes)
    fit = (2 * degree[:, None] + 1) / 2 * np.polynomial.legendre.legvander(x, nodes - 1).T * w  # (degree, node)
    higher = np.polynomial.legendre.legvander(x, nodes)
    rest = np.empty((nodes, nodes))  # from x to 1 of each Legendre polynomial
    rest[:, 0] = 1 - x
    for n in range(1, nodes):
        rest[:, n] = (higher[:, n - 1] - higher[:, n + 1]) / (2 * n + 1)
    return (1 + x) / 2, w / 2, rest @ fit / 2


# --- a person's rates ---


def _roots(a, b, c):
    """Return the three positive roots of x³ - a x² + b x - c, greatest first, by Newton's steps from outside."""

    def better(x):
        return x - (((x - a) * x + b) * x - c) / ((3 * x - 2 * a) * x + b)

    low, high = jnp.zeros_like(a), a
    for _ in range(NEWTON):
        low, high = better(low), better(high)
    return high, better(a - low - high), low


def _modes(cl, v1):
    """Return rates and weights of ketamine's modes, in units of C50, and of norketamine's, in ng/mL."""

    def one(cl, v1):
        own = system(cl, v1)
        return own.rates, own.entry, own.scale

    m, entry, scale = jax.vmap(one, out_axes=-1)(cl, v1)
    loss, back2, back3 = -m[0, 0], m[0, 1], m[0, 2]
    to2, to3 = m[1, 0] * back2, m[2, 0] * back3
    two = loss * (back2 + back3) + back2 * back3 - to2 - to3
    roots = _roots(loss + back2 + back3, two, loss * back2 * back3 - to2 * back3 - to3 * back2)
    weights = []
    for k, x in enumerate(roots):
        y, z = roots[k - 1], roots[k - 2]
        weights.append((back2 - x) * (back3 - x) / ((y - x) * (z - x)) * (entry[0] * scale[0] / C50))
    own, n_back, n_to = -m[3, 3], -m[4, 4], m[3, 4] * m[4, 3]
    half = (own + n_back) / 2
    fast = half + jnp.sqrt((own - n_back) ** 2 / 4 + n_to)
    slow = (own * n_back - n_to) / fast
    form = m[3, 0] * scale[1] / scale[0] * C50
    n_weights = [(n_back - x) / (y - x) * form for x, y in ((fast, slow), (slow, fast))]
    return jnp.stack(roots), jnp.stack(weights), jnp.stack([fast, slow]), jnp.stack(n_weights)


# --- levels ---


def _join(one, other):
    """Join two lengths: exponentials of ketamine and of norketamine, and what couples them."""
    e, f, d = one
    e2, f2, d2 = other
    return e * e2, f * f2, d * f2[:, None] + e * d2


def _hour(fast, slow):
    """Return exponentials over an hour, and couplings, (norketamine, ketamine, patient)."""
    e, f = jnp.exp(-fast), jnp.exp(-slow)
    gap = fast - slow[:, None]
    near = 1 - gap / 2 * (1 - gap / 3 * (1 - gap / 4 * (1 - gap / 5 * (1 - gap / 6))))
    close = jnp.abs(gap) < 0.01
    return e, f, jnp.where(close, f[:, None] * near, (f[:, None] - e) / jnp.where(close, 1.0, gap))


def _lengths(wanted: list[int], fast, slow):
    """Return exponentials and couplings for lengths in hours, shape (length, …)."""

    def double(power, _):
        return _join(power, power), power

    _, powers = jax.lax.scan(double, _hour(fast, slow), None, length=max(wanted).bit_length())
    found = []
    for length in wanted:
        bits = [tuple(part[k] for part in powers) for k in range(length.bit_length()) if length >> k & 1]
        total = bits[0]
        for power in bits[1:]:
            total = _join(total, power)
        found.append(total)
    return tuple(jnp.stack(parts) for parts in zip(*found, strict=True))


def _levels(course: list[Piece], modes):
    """Return both levels at every week."""
    fast, weight, slow, n_weight = modes
    lengths = sorted({piece.length for piece in course})
    table = _lengths(lengths, fast, slow)
    unit = weight / fast  # steady at a rate of 1
    n_unit = n_weight * unit.sum(0) / slow

    def advance(carry, data):
        x, n = carry
        which, rate = data
        e, f, d = (part[which] for part in table)
        y = x - unit * rate
        n_rest = n_unit * rate
        n = n_rest + f * (n - n_rest) + n_weight * sum(d[:, i] * y[i] for i in range(3))
        x = unit * rate + e * y
        return (x, n), (x, n)

    which = np.array([lengths.index(piece.length) for piece in course], np.int32)
    rates = np.array([piece.rate for piece in course])
    _, (x, n) = jax.lax.scan(advance, (jnp.zeros_like(fast), jnp.zeros_like(slow)), (which, rates))
    week = np.array([k for k, piece in enumerate(course) if piece.week])
    return C50 * x.sum(1)[week], n.sum(1)[week]


# --- the slow state ---


def _decay(x, bound: float, tolerance: float):
    """Return e^(-x) for x from 0 to a bound, by a series."""
    halvings = max(0, int(np.ceil(np.log2(bound / 0.3))))
    top, degree, term = bound / 2**halvings, 0, 1.0
    while term * 2**halvings > tolerance:
        degree += 1
        term *= top / degree
    x = x * -(2.0**-halvings)
    total = 1 + x / (degree - 1)
    for k in range(degree - 2, 0, -1):
        total = 1 + x * total * (1 / k)
    for _ in range(halvings):
        total = total * total
    return total


def _steps(course: list[Piece]) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return the panels of a course as columns; for each week how many come before it, and what fades after them."""
    rows, weeks, fading, last = [], [], [], []
    kept, rate, fade = 1.0, 0.0, 1.0  # share of ketamine, rate and share of the slow state that a panel starts from
    for piece in course:
        for width in piece.panels:
            rows.append((width + FIRST, 2.0**width, piece.rate, piece.rate - rate, kept, fade))
            rate, kept, fade = piece.rate, 1.0, 1.0
        if piece.rest:
            kept, fade = 0.0, fade * np.exp(-KOFF * piece.rest)
            last.append(len(rows) - 1)
        if piece.week:
            weeks.append(len(rows))
            fading.append(fade)
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    columns.append(np.isin(np.arange(len(rows)), last).astype(float))
    names = ("table", "width", "rate", "change", "kept", "fade", "last")
    return dict(zip(names, columns, strict=True)), np.array(weeks), np.array(fading)


def _slow(course: list[Piece], modes):
    """Return the slow state at every week, and the greatest effect that was left out."""
    fast, weight = modes[:2]
    unit = weight / fast
    nodes, weights, to_end = _rule(NODES)
    top, widest = KON + KOFF, 2.0**WIDEST
    at = np.append(nodes, 1.0) * 2.0**-FIRST

    def double(power, _):
        return power * power, power

    _, table = jax.lax.scan(double, jnp.exp(-fast * at[:, None, None]), None, length=FIRST + WIDEST + 1)
    table_nodes, table_end = table[:, :NODES], table[:, NODES]

    def panel(carry, data):
        y, w, left_out = carry
        h = data["width"]
        y = y * data["kept"] - unit * data["change"]
        e = table_nodes[data["table"]]
        g = 1 / (1 + unit.sum(0) * data["rate"] + sum(y[i] * e[:, i] for i in range(3)))  # 1 - f
        a = h * (top - KON * sum(weights[j] * g[j] for j in range(NODES)))
        j_sum = 0.0
        for i in range(NODES):
            b = h * (top * (1 - nodes[i]) - KON * sum(to_end[i, j] * g[j] for j in range(NODES)))
            j_sum = j_sum + weights[i] * _decay(b, top * widest * (1 - nodes[i]), 1e-9)
        w = data["fade"] * w + (1 - data["fade"])
        w = _decay(a, top * widest, 1e-13) * w + KOFF * h * j_sum
        y = y * table_end[data["table"]]
        return (y, w, jnp.maximum(left_out, data["last"] * y.sum(0))), w

    steps, weeks, fading = _steps(course)
    none = jnp.zeros_like(unit[0])
    (_, _, left_out), w = jax.lax.scan(panel, (jnp.zeros_like(unit), none + 1, none), steps)
    w = jnp.concatenate([none[None] + 1, w])[weeks]
    return fading[:, None] * (1 - w), left_out.max()


def _chunk(problem: Problem, washout_h: int, people):
    course = pieces(problem, washout_h)
    modes = _modes(*people)
    slow, left_out = _slow(course, modes)
    return (*_levels(course, modes), slow), left_out


@partial(
    jax.jit,
    static_argnames=("problem", "washout_h"),
    # people are split between threads already; vectors as wide as the processor has
    compiler_options={"xla_cpu_multi_thread_eigen": False, "xla_cpu_prefer_vector_width": 512},
)
def weeks(problem: Problem, washout_h: int, cl, v1):
    """Solve chunks of people one after another, ``cl`` and ``v1`` of shape (chunk, patient).

    Returns ketamine, norketamine and slow state, each (chunk, week, patient), and for each chunk the greatest effect
    that was taken for none.
    """
    return jax.lax.map(partial(_chunk, problem, washout_h), (cl, v1))


def solve(
    problem: Problem, cl: np.ndarray, v1: np.ndarray, *, workers: int = 2, chunk: int = CHUNK
) -> list[tuple[np.ndarray, ...]]:
    """Solve a problem for many people on some threads, each with a share of them, a chunk at a time.

    Parameters
    ----------
    problem : Problem
        What is given; a week long at least.
    cl, v1 : array, shape (patient,)
        Clearance [L/h] and central volume [L].
    workers, chunk : int
        Threads, and the most patients that each takes at a time.

    Returns
    -------
    list of tuple of array
        For each chunk ketamine, norketamine [ng/mL] and slow state, each of shape (week, patient).
    """
    share = -(-len(cl) // workers)
    count = -(-share // chunk)
    size = -(-share // (8 * count)) * 8

    def run(first: int) -> list[tuple[np.ndarray, ...]]:
        people = min(share, len(cl) - first)
        own = [np.resize(values[first : first + people], (count, size)) for values in (cl, v1)]
        found, left_out = weeks(problem, WASHOUT_H, *own)
        parts = [np.asarray(values) for values in found]
        chunks = [tuple(values[k] for values in parts) for k in range(count)]
        for k in np.flatnonzero(np.asarray(left_out) > NEGLIGIBLE):  # somebody very slow: nothing is left out
            again, _ = weeks(problem, problem.hours, *(values[k : k + 1] for values in own))
            chunks[k] = tuple(np.asarray(values)[0] for values in again)
        return [
            tuple(values[:, : people - size * k] for values in chunk)  # without those who only fill the last one up
            for k, chunk in enumerate(chunks)
            if people > size * k
        ]

    with ThreadPoolExecutor(workers) as pool:
        return [chunk for part in pool.map(run, range(0, len(cl), share)) for chunk in part]
