"""Profiles as counts on fixed bins: quantiles that merge exactly, whatever the order of the blocks.

The error of a quantile is the width of its bin: 0.02 NRS for scores, 0.002 for shares, 2 % for levels.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

__all__ = ["BINS", "Bins", "Profile", "bins_of", "digitise"]


@dataclass(frozen=True, slots=True)
class Bins:
    """Fixed bins: bin 0 is nothing at all, the others have equal widths up to `top`, or equal ratios above `floor`.

    Parameters
    ----------
    count : int
        Number of bins, with bin 0.
    top : float
        Upper edge of the last.
    floor : float
        0 for equal widths; else the lower edge of the logarithmic bins, and what lies below counts as nothing.

    Examples
    --------
    >>> BINS["nrs"].index(np.array([0.0, 0.01, 5.0, 10.0])).tolist()
    [0, 1, 251, 500]
    """

    count: int
    top: float
    floor: float = 0.0

    @property
    def edges(self) -> np.ndarray:
        """Edges of the bins, one more than there are bins."""
        space = np.geomspace if self.floor else np.linspace
        return np.concatenate([[0.0], space(self.floor, self.top, self.count)])

    def index(self, values: np.ndarray) -> np.ndarray:
        """Return the bin of each value; values outside go to the first or last bin."""
        if self.floor:
            step = np.log(self.top / self.floor) / (self.count - 1)
            raw = np.floor(np.log(np.maximum(values, 1e-300) / self.floor) / step)
        else:
            raw = np.where(values > 0, np.floor(values * ((self.count - 1) / self.top)), -1)
        return np.clip(1 + raw, 0, self.count - 1).astype(np.uint16)

    def quantiles(self, counts: np.ndarray, q: float) -> np.ndarray:
        """Return a quantile at each time from counts of shape (time, bin), linear within its bin."""
        wanted = q * counts.sum(axis=1)
        cumulative = counts.cumsum(axis=1)
        k = (cumulative < wanted[:, None]).sum(axis=1).clip(0, self.count - 1)
        row = np.arange(len(counts))
        inside = counts[row, k]
        before = cumulative[row, k] - inside
        share = np.where(inside > 0, (wanted - before) / np.maximum(inside, 1), 0.0).clip(0, 1)
        edges = self.edges
        return np.where(k > 0, edges[k] + share * (edges[k + 1] - edges[k]), 0.0)


_LEVEL = Bins(932, 1e5, 1e-3)
_SHARE = Bins(501, 1.0)
BINS = {
    "nmda_block": _SHARE,
    "sensitisation": _SHARE,
    "growth": _SHARE,
    "slow_site_effect": _SHARE,
    "nrs": Bins(501, 10.0),
    "nrs_slow": Bins(501, 10.0),
}


def bins_of(quantity: str) -> Bins:
    """Return the bins of a quantity; everything that is neither share nor score is a level [ng/mL].

    Parameters
    ----------
    quantity : str
        Name of a profile.

    Returns
    -------
    Bins
        Its bins.

    Examples
    --------
    >>> bins_of("esketamine").floor
    0.001
    """
    return BINS.get(quantity, _LEVEL)


def digitise(profile: Mapping[str, np.ndarray], valid: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Turn a block's profiles into sums and bin numbers, for the patients that count.

    Parameters
    ----------
    profile : mapping of str to array, shape (time, patient)
        Profiles of a block.
    valid : int
        Patients that count; the rest fills the block up.

    Returns
    -------
    dict
        For each quantity the sum over patients, shape (time,), and the bins, shape (time, patient).
    """
    out = {}
    for name, values in profile.items():
        kept = np.asarray(values)[:, :valid]
        out[name] = (kept.sum(axis=1), bins_of(name).index(kept))
    return out


class Profile:
    """Running counts and sums of one arm's profiles.

    Parameters
    ----------
    times : int
        Number of times.
    """

    def __init__(self, times: int):
        self.times = times
        self.patients = 0
        self.sums: dict[str, np.ndarray] = {}
        self.counts: dict[str, np.ndarray] = {}

    def add(self, block: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
        """Add one block's sums and bins; blocks must come in order for the sums to be the same to the last bit."""
        for name, (total, index) in block.items():
            count = bins_of(name).count
            flat = (np.arange(self.times)[:, None] * count + index[: self.times]).ravel()
            new = np.bincount(flat, minlength=self.times * count).reshape(self.times, count)
            self.counts[name] = self.counts.get(name, 0) + new
            self.sums[name] = self.sums.get(name, 0.0) + total[: self.times]
        self.patients += next(iter(block.values()))[1].shape[1]

    def mean(self, name: str) -> np.ndarray:
        """Return the mean at each time."""
        return self.sums[name] / self.patients

    def quantile(self, name: str, q: float) -> np.ndarray:
        """Return a quantile at each time, to the width of a bin."""
        return bins_of(name).quantiles(self.counts[name], q)
