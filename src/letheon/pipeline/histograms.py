"""Profiles as counts on fixed bins: quantiles that merge exactly, whatever the order of the blocks.

The error of a quantile is the width of its bin: 0.02 NRS for scores, 0.002 for shares, 2 % for levels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer, Real, UInt

from letheon.errors import RunError
from letheon.scenario.measures import split_name

__all__ = ["BINS", "Bins", "Profile", "bins_of", "digitise"]


@dataclass(frozen=True, slots=True)
class Bins:
    """Fixed bins: bin 0 is nothing at all, the others have equal widths up to `top`, or equal ratios above `floor`.

    >>> BINS["nrs"].index(np.array([0.0, 0.01, 5.0, 10.0])).tolist()
    [0, 1, 250, 500]
    """

    count: int  # of bins, with bin 0
    top: float  # upper edge of the last
    floor: float = 0.0  # 0 for equal widths; else what lies below counts as nothing

    @property
    def edges(self) -> np.ndarray:
        """Edges of the bins, one more than there are bins."""
        space = np.geomspace if self.floor else np.linspace
        return np.concatenate([[0.0], space(self.floor, self.top, self.count)])

    def index(self, values: Real[np.ndarray, "..."]) -> UInt[np.ndarray, "..."]:
        """Return the bin of each value; values outside go to the first or last bin."""
        values = np.asarray(values, float)
        out = np.empty(values.shape, np.uint16)
        # a few rows at a time, in place: this runs over every saved value of every patient, and stays in the cache
        for rows in _tiles(values) if values.ndim > 1 else (slice(None),):
            self._fill(values[rows], out[rows])
        return out

    def _fill(self, values: np.ndarray, out: np.ndarray) -> None:
        if self.floor:
            scale = (self.count - 1) / np.log(self.top / self.floor)
            raw = np.maximum(values, self.floor)
            np.log(raw, out=raw)
            raw -= np.log(self.floor)
            raw *= scale
        else:
            raw = values * ((self.count - 1) / self.top)
        np.ceil(raw, out=raw)
        np.clip(raw, 0.0, self.count - 1.0, out=raw)
        out[...] = raw

    def quantiles(
        self, counts: Integer[np.ndarray, "times bins"], shares: Sequence[float]
    ) -> list[Real[np.ndarray, " times"]]:
        """Return quantiles at each time, linear within their bins."""
        cumulative = counts.cumsum(axis=1, dtype=np.int64)
        row, edges = np.arange(len(counts)), self.edges
        # row after row on one rising line, in which all rows are searched at once
        lift = row * (cumulative[:, -1].max(initial=0) + 1)
        line = (cumulative + lift[:, None]).ravel()

        def quantile(q: float) -> np.ndarray:
            wanted = q * cumulative[:, -1]
            k = np.searchsorted(line, np.ceil(wanted).astype(np.int64) + lift) - row * counts.shape[1]
            inside = counts[row, k]
            before = cumulative[row, k] - inside
            share = np.where(inside > 0, (wanted - before) / np.maximum(inside, 1), 0.0).clip(0, 1)
            return np.where(k > 0, edges[k] + share * (edges[k + 1] - edges[k]), 0.0)

        return [quantile(q) for q in shares]

    def pooled_quantiles(
        self, counts: Sequence[Integer[np.ndarray, "times bins"]], weights: Sequence[float], shares: Sequence[float]
    ) -> list[Real[np.ndarray, " times"]]:
        """Return quantiles at each time of several counts of as many patients, taken together by their weights."""
        reached = sum(w * one.cumsum(axis=1, dtype=np.int64) for w, one in zip(weights, counts, strict=True))
        row, edges = np.arange(len(reached)), self.edges

        def quantile(q: float) -> np.ndarray:
            wanted = q * reached[:, -1]
            k = (reached < wanted[:, None] * (1.0 - 1e-12)).sum(axis=1)
            before = np.where(k > 0, reached[row, k - 1], 0.0)
            share = ((wanted - before) / np.maximum(reached[row, k] - before, 1e-300)).clip(0, 1)
            return np.where(k > 0, edges[k] + share * (edges[k + 1] - edges[k]), 0.0)

        return [quantile(q) for q in shares]


def _tiles(values: np.ndarray) -> list[slice]:
    """Cut rows into pieces that fit a processor's cache."""
    size = max(1, _TILE // max(1, values.shape[1]))
    return [slice(k, min(k + size, len(values))) for k in range(0, len(values), size)]


_TILE = 8192  # values
_LEVEL = Bins(932, 1e5, 1e-3)
_SHARE = Bins(501, 1.0)
BINS = {
    "nmda_block": _SHARE,
    "sensitisation": _SHARE,
    "slow_site_effect": _SHARE,
    "nrs": Bins(501, 10.0),
}


def bins_of(quantity: str) -> Bins:
    """Return the bins of a quantity; everything that is neither share nor score is a level [ng/mL].

    >>> bins_of("esketamine").floor, bins_of("slow_site_nrs").top
    (0.001, 10.0)
    """
    return BINS.get(quantity) or BINS.get(split_name(quantity)[1], _LEVEL)


def digitise(
    profile: Mapping[str, Real[np.ndarray, "times patients"]], valid: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Turn a block's profiles into sums and bin numbers, for the patients that count."""
    out = {}
    for name, values in profile.items():
        counted = np.asarray(values)[:, :valid]
        out[name] = (counted.sum(axis=1), bins_of(name).index(counted))
    return out


class Profile:
    """Counts and sums of an arm's profiles at `times` times; exact, so blocks may come in any grouping and order.

    Sums are kept as two whole numbers for each time, of units 2^-10 and 2^-50: sums of whole numbers depend on no
    order, where sums of floating-point numbers do in their last digits.
    """

    def __init__(self, times: int) -> None:
        self.times = times
        self.patients = 0
        self.counts: dict[str, np.ndarray] = {}
        self.wholes: dict[str, np.ndarray] = {}

    def add(self, block: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
        """Add one block's sums and bins."""
        for name, (total, index) in block.items():
            count = bins_of(name).count
            if name not in self.counts:
                self.counts[name] = np.zeros((self.times, count), np.uint32)
                self.wholes[name] = np.zeros((2, self.times), np.int64)
            counts = self.counts[name]
            for rows in _tiles(index[: self.times]):
                part = index[rows]
                flat = np.arange(0, len(part) * count, count)[:, None] + part
                np.add.at(counts[rows].reshape(-1), flat.reshape(-1), np.uint32(1))
            self.wholes[name] += _whole(total[: self.times])
        self.patients += next(iter(block.values()))[1].shape[1]

    def merge(self, other: "Profile") -> None:
        """Add what another has counted."""
        for name, counts in other.counts.items():
            if name in self.counts:
                self.counts[name] += counts
                self.wholes[name] += other.wholes[name]
            else:
                self.counts[name], self.wholes[name] = counts.copy(), other.wholes[name].copy()
        self.patients += other.patients

    def mean(self, name: str) -> Real[np.ndarray, " times"]:
        """Return the mean at each time."""
        coarse, fine = self.wholes[name]
        return (coarse / _COARSE + fine / _FINE) / self.patients

    def quantiles(self, names: Sequence[str], weights: Sequence[float], shares: Sequence[float]) -> list[np.ndarray]:
        """Return several quantiles at each time, to the width of a bin, of quantities taken together by weight."""
        used = [(self.counts[name], w) for name, w in zip(names, weights, strict=True) if w]
        if len(used) == 1:
            return bins_of(names[0]).quantiles(used[0][0], shares)
        counts, weights = zip(*used, strict=True)
        return bins_of(names[0]).pooled_quantiles(counts, weights, shares)


_COARSE, _FINE = 2.0**10, 2.0**50


def _whole(total: np.ndarray) -> np.ndarray:
    """Split sums into whole numbers of coarse and of fine units, shape (2, time)."""
    if not np.isfinite(total).all():
        raise RunError("a profile is not finite, which should not happen: please report the scenario.")
    coarse = np.floor(total * _COARSE)
    return np.stack([coarse, np.round((total - coarse / _COARSE) * _FINE)]).astype(np.int64)
