"""The time mesh: steps h0 2^k, fine after each change of rate and coarse between; plain data for one compiled step.

Event times are whole milliseconds. h0 divides their greatest common divisor by a power of two, so every event
falls on the mesh exactly and one table of propagators serves all steps.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from letheon.dosing.regimen import MS_PER_DAY as DAY_MS
from letheon.dosing.regimen import Schedule
from letheon.units import MS_PER_HOUR as HOUR_MS

__all__ = ["DAY_MS", "HOUR_MS", "Grading", "Mesh", "lay", "padded_size"]

_SMALLEST_MESH = 512  # a loop runs over `count` steps only, so room costs memory but no time
_NODE_LEVELS = 2  # the integrator looks at quarters of a step


@dataclass(frozen=True, slots=True)
class Grading:
    """How steps grow with the time since the last change of rate.

    A step is at most ``growth`` times that time, between `finest_h` and `early_h`; later it may reach ``late`` times
    that time, up to `coarsest_h`. The defaults keep sensitisation within 1e-6 of a tight reference (0.4e-6 at worst
    over 256 patients under four regimens) at about 15 steps per change of rate and 3 per quiet day.

    Parameters
    ----------
    finest_h, early_h, coarsest_h : float
        Step lengths [h].
    growth, late : float
        Shares of the time since the last change.
    """

    finest_h: float = 1 / 240
    early_h: float = 4.0
    coarsest_h: float = 8.0
    growth: float = 0.5
    late: float = 1 / 15

    def longest(self, since_h: float) -> float:
        """Return the longest step [h] that may start `since_h` hours after a change of rate."""
        early = min(self.growth * since_h, self.early_h)
        return min(max(self.finest_h, early, self.late * since_h), self.coarsest_h)


@dataclass(frozen=True, slots=True)
class Mesh:
    """Steps of one arm.

    Attributes
    ----------
    h0_h : float
        Shortest tabulated step [h]: a quarter of the finest mesh step, or less.
    level : int array, shape (step,)
        Step length is ``h0_h 2**level``; padding behind `count` is never run.
    piece : int array, shape (step,)
        Piece of the schedule that gives the rate; 0 means no infusion, ``p + 1`` is piece p.
    time_h : array, shape (step + 1,)
        Times at the ends of the steps, from 0; padding repeats the last.
    count : int
        Steps that are not padding.
    """

    h0_h: float
    level: np.ndarray
    piece: np.ndarray
    time_h: np.ndarray
    count: int

    @property
    def levels(self) -> int:
        """Number of tabulated levels needed, rounded up to a multiple of eight."""
        return 8 * math.ceil((int(self.level.max()) - _NODE_LEVELS + 1) / 8)

    def index_of(self, times_ms) -> np.ndarray:
        """Return the row of `time_h` at each time [ms]; the times must lie on the mesh."""
        wanted = np.asarray(times_ms) / HOUR_MS
        index = np.searchsorted(self.time_h[: self.count + 1], wanted - 1e-9)
        if not np.allclose(self.time_h[index], wanted, rtol=0, atol=1e-8):
            raise ValueError("a time does not lie on the mesh")
        return index


def padded_size(count: int, smallest: int = 16) -> int:
    """Return the array size that holds `count` items, a power of two, so that few shapes are ever compiled.

    Parameters
    ----------
    count : int
        Items to hold.
    smallest : int
        Smallest size, a power of two.

    Returns
    -------
    int
        `smallest`, or the next power of two that is large enough.

    Examples
    --------
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
) -> Mesh:
    """Lay the mesh of an arm from 0 to the horizon, through every change of rate and every midnight.

    Parameters
    ----------
    schedule : Schedule
        Canonical pieces of constant rate.
    horizon_ms : int
        End of follow-up [ms], a whole number of days.
    grading : Grading
        How fine.
    marks_ms : tuple of int
        Further times [ms] that the mesh must hit.
    midnights : bool
        Whether it must hit every midnight.

    Returns
    -------
    Mesh
        Steps padded to a listed size.

    Examples
    --------
    >>> from letheon.dosing.regimen import Schedule
    >>> mesh = lay(Schedule((), ()), 2 * DAY_MS)
    >>> float(mesh.time_h[-1])
    48.0
    """
    edges = [e for e in schedule.edges_ms if 0 < e < horizon_ms]
    changes = set(edges) | {0}
    marks = [m for m in marks_ms if 0 < m < horizon_ms]
    stops = sorted({0, *edges, *marks, *(range(0, horizon_ms, DAY_MS) if midnights else ()), horizon_ms})
    divisor = math.gcd(*stops)
    finest_ms = grading.finest_h * HOUR_MS
    halvings = max(_NODE_LEVELS, math.ceil(math.log2(divisor * 2**_NODE_LEVELS / finest_ms)))
    h0_ms = divisor / 2**halvings
    h0_h = h0_ms / HOUR_MS

    level: list[int] = []
    piece: list[int] = []
    since = 0
    for start, stop in pairwise(stops):
        if start in changes:
            since = 0
        left = round((stop - start) / h0_ms)
        now = 1 + next((i for i, e in enumerate(schedule.edges_ms[1:]) if start < e), -1)
        if now and start < schedule.edges_ms[0]:
            now = 0
        while left:
            allowed = min(grading.longest(since * h0_h) / h0_h, left)
            k = max(int(math.log2(allowed * (1 + 1e-12))), _NODE_LEVELS)
            level.append(k)
            piece.append(now)
            left -= 2**k
            since += 2**k
    ends = np.cumsum([0, *(2**k for k in level)]) * h0_h
    size = padded_size(len(level), _SMALLEST_MESH)
    spare = size - len(level)
    return Mesh(
        h0_h=h0_h,
        level=np.pad(np.array(level, np.int32), (0, spare), constant_values=_NODE_LEVELS),
        piece=np.pad(np.array(piece, np.int32), (0, spare)),
        time_h=np.pad(ends, (0, spare), mode="edge"),
        count=len(level),
    )
