"""The time mesh: steps h0 2^k, fine after each change of rate and coarse between.

Event times are whole milliseconds. h0, the tick, divides their greatest common divisor by a power of two, so every
event falls on a whole tick and one table of propagators serves all steps. The length of a step depends on two whole
numbers, the ticks since the last change of rate and those to the next event: a mesh can be laid beforehand (`lay`),
or by each patient on the way (`step_level`), with the same result.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from letheon.arrays import Array, jax, jnp
from letheon.dosing.regimen import MS_PER_DAY as DAY_MS
from letheon.dosing.regimen import Schedule
from letheon.units import MS_PER_HOUR as HOUR_MS

__all__ = [
    "DAY_MS",
    "DRAFT",
    "HOUR_MS",
    "NEVER",
    "Grading",
    "Mesh",
    "Pace",
    "lay",
    "pace_of",
    "padded_size",
    "step_level",
]

_SMALLEST_MESH = 512  # a loop runs over `count` steps only, so room costs memory but no time
_NODE_LEVELS = 2  # the integrator looks at quarters of a step
NEVER = 1 << 60  # ticks: beyond any follow-up


@dataclass(frozen=True, slots=True)
class Grading:
    """How steps grow with the time since the last change of rate.

    A step is at most ``growth`` times that time, between `finest_h` and `early_h`; later it may reach ``late`` times
    that time, up to `coarsest_h`. The defaults keep sensitisation within 1e-6 of a tight reference in 20 random
    regimens with 50 patients each, at about 15 steps per change of rate and 6 per quiet day. Where sensitisation
    comes back quickly (within a day in some patients, days after the drug), steps of 8 h were off by 1.1e-5.
    """

    finest_h: float = 1 / 240
    early_h: float = 4.0
    coarsest_h: float = 4.0
    growth: float = 0.5
    late: float = 1 / 15

    def longest(self, since_h: float) -> float:
        """Return the longest step [h] that may start `since_h` hours after a change of rate."""
        early = min(self.growth * since_h, self.early_h)
        return min(max(self.finest_h, early, self.late * since_h), self.coarsest_h)

    def reached_h(self, step_h: float) -> float:
        """Return the time since a change of rate [h] from which a step of this length may start; infinite for never."""
        if step_h > self.coarsest_h:
            return math.inf
        if step_h <= self.finest_h:
            return 0.0
        early = step_h / self.growth if self.growth and step_h <= self.early_h else math.inf
        return min(early, step_h / self.late if self.late else math.inf)


# For a picture that is drawn anew in a moment.
DRAFT = Grading(finest_h=1 / 15, early_h=8.0, coarsest_h=8.0, growth=3.0, late=0.25)


class Pace(NamedTuple):
    """How long steps may be, in ticks."""

    h0_h: np.ndarray  # the tick [h]
    # ticks since the last change of rate from which a step of ``2**(level + 2)`` ticks may start, rising from 0
    reached: np.ndarray  # shape (level,)


def pace_of(grain_ms: int, grading: Grading = Grading()) -> Pace:
    """Return the pace of a mesh whose events lie on multiples of a grain [ms].

    >>> pace_of(HOUR_MS).reached[:4].tolist()
    [0, 16, 32, 64]
    """
    halvings = max(_NODE_LEVELS, math.ceil(math.log2(grain_ms * 2**_NODE_LEVELS / (grading.finest_h * HOUR_MS))))
    h0_h = grain_ms / 2**halvings / HOUR_MS
    reached, level = [0], _NODE_LEVELS + 1
    while math.isfinite(since := grading.reached_h(h0_h * 2**level * (1 - 1e-12))):
        reached.append(math.ceil(since / h0_h * (1 - 1e-12)))
        level += 1
    return Pace(np.asarray(h0_h), np.array(reached, np.int64))


def step_level(reached: Array, since: Array, left: Array) -> Array:
    """Return the level k of the next step, of 2^k ticks: as long as the pace allows, and no longer than what is left.

    `reached` is that of a `Pace` and may be padded with `NEVER`; `since` counts ticks from the last change of rate,
    `left` those to the next event, a positive multiple of four.

    >>> int(step_level(jnp.array([0, 8, 16]), jnp.array(9), jnp.array(400)))
    3
    """
    return jnp.minimum(_NODE_LEVELS - 1 + (since >= reached).sum(), 63 - jax.lax.clz(left))


@dataclass(frozen=True, slots=True)
class Mesh:
    """Steps of one arm, padded after `count`."""

    pace: Pace  # tick (a quarter of the finest step, or less) and how long steps may be
    level: np.ndarray  # shape (step,): steps take ``h0_h 2**level``; padding is never run
    piece: np.ndarray  # shape (step,): p + 1 in piece p of the schedule, which gives the rate; 0 means no infusion
    time_h: np.ndarray  # shape (step + 1,): ends of the steps, from 0; padding repeats the last
    count: int  # steps that are not padding

    @property
    def h0_h(self) -> float:
        """The tick [h]."""
        return float(self.pace.h0_h)

    @property
    def levels(self) -> int:
        """Number of levels that the pace can reach, rounded up to a multiple of eight."""
        return 8 * math.ceil(len(self.pace.reached) / 8)

    def index_of(self, times_ms: Array) -> np.ndarray:
        """Return the row of `time_h` at each time [ms]; the times must lie on the mesh."""
        wanted = np.asarray(times_ms) / HOUR_MS
        index = np.searchsorted(self.time_h[: self.count + 1], wanted - 1e-9)
        if not np.allclose(self.time_h[index], wanted, rtol=0, atol=1e-8):
            raise ValueError("a time does not lie on the mesh")
        return index


def padded_size(count: int, smallest: int = 16) -> int:
    """Return `smallest`, or the next power of two that holds `count` items: few shapes are ever compiled.

    >>> padded_size(17), padded_size(16)
    (32, 16)
    """
    return max(smallest, 1 << max(count - 1, 0).bit_length())


def lay(
    schedule: Schedule,
    horizon_ms: int,
    grading: Grading = Grading(),
    marks_ms: tuple[int, ...] = (),
    midnights: bool = True,
    grains_ms: tuple[int, ...] = (),
) -> Mesh:
    """Lay the mesh of an arm from 0 to the horizon (whole days), through every change of rate and every midnight.

    The mesh also hits `marks_ms`; `grains_ms` must be whole ticks, without being hit. Without `midnights` it may pass
    them.

    >>> from letheon.dosing.regimen import Schedule
    >>> mesh = lay(Schedule((), ()), 2 * DAY_MS)
    >>> float(mesh.time_h[-1])
    48.0
    """
    edges = [e for e in schedule.edges_ms if 0 < e < horizon_ms]
    changes = set(edges) | {0}
    marks = [m for m in marks_ms if 0 < m < horizon_ms]
    stops = sorted({0, *edges, *marks, *(range(0, horizon_ms, DAY_MS) if midnights else ()), horizon_ms})
    grain = math.gcd(*stops, *grains_ms)
    pace = pace_of(grain, grading)
    reached = pace.reached.tolist()

    level: list[int] = []
    piece: list[int] = []
    ticks = [0]
    since = 0
    for start, stop in pairwise(stops):
        if start in changes:
            since = 0
        left = round((stop - start) / HOUR_MS / float(pace.h0_h))
        now = 1 + next((i for i, e in enumerate(schedule.edges_ms[1:]) if start < e), -1)
        if now and start < schedule.edges_ms[0]:
            now = 0
        while left:  # the rule of `step_level`
            k = min(_NODE_LEVELS - 1 + bisect_right(reached, since), left.bit_length() - 1)
            level.append(k)
            piece.append(now)
            ticks.append(ticks[-1] + 2**k)
            left -= 2**k
            since += 2**k
    size = padded_size(len(level), _SMALLEST_MESH)
    spare = size - len(level)
    return Mesh(
        pace=pace,
        level=np.pad(np.array(level, np.int32), (0, spare), constant_values=_NODE_LEVELS),
        piece=np.pad(np.array(piece, np.int32), (0, spare)),
        time_h=np.pad(np.array(ticks) * pace.h0_h, (0, spare), mode="edge"),
        count=len(level),
    )
