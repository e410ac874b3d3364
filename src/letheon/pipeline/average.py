"""Two mechanisms, one answer: numbers of the weighted pool of both, never averages of medians or of intervals.

Both mechanisms hold the same patients, each with the weight of its mechanism, so that a patient counts once in all. A
mechanism of weight 0 is left out; a quantity that depends on no mechanism stands once. Such a pool holds one sample,
and has its numbers exactly.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from letheon import library
from letheon.pipeline.support import INTERVAL, interval_of_mean, quantiles

__all__ = ["Means", "Pool", "pooled_interval", "pooled_quantiles", "weights_of"]

Bounds = tuple[float, float]
ANY: Bounds = (-math.inf, math.inf)
_EQUAL = 1e-6  # patients: ranks are equal within rounding


def weights_of(pain: str) -> dict[str, float]:
    """Return the weight of each mechanism that runs in a scenario's choice of pain model.

    >>> weights_of("memory"), sum(weights_of("average").values())
    ({'memory': 1.0}, 1.0)
    """
    if pain != "average":
        return {pain: 1.0}
    memory = library.weights().memory
    return {"memory": memory, "slow_site": 1.0 - memory}


def pooled_quantiles(
    samples: Sequence[np.ndarray], weights: Sequence[float], shares: Sequence[float]
) -> list[np.ndarray]:
    """Return quantiles over the first axis of samples of one size that are taken together by their weights.

    They are `numpy.quantile`'s in one sample of that size, in which the value of rank k is the least whose weight, with
    that of all below it, reaches k patients; so two equal samples have the quantiles of either.

    >>> low, high = np.arange(5.0), np.arange(5.0) + 10.0
    >>> [float(q) for q in pooled_quantiles((low, high), (0.5, 0.5), (0.0, 0.5, 1.0))]
    [1.0, 10.0, 14.0]
    """
    samples, weights = _counted(samples, weights)
    if len(samples) == 1:
        return quantiles(samples[0], shares)
    size, pool = len(samples[0]), np.concatenate(samples)
    order = np.argsort(pool, axis=0, kind="stable")
    ordered = np.take_along_axis(pool, order, axis=0)
    # whole numbers are counted, and weighed afterwards: that rounds once
    reached = np.sum([w * np.cumsum(order // size == k, axis=0) for k, w in enumerate(weights)], axis=0)

    def of_rank(rank: int) -> np.ndarray:
        place = np.minimum((reached < rank - _EQUAL).sum(axis=0), len(pool) - 1)
        return np.take_along_axis(ordered, place[None], axis=0)[0]

    out = []
    for share in shares:
        rank = 1.0 + share * (size - 1)
        below = int(rank)
        low, high = of_rank(below), of_rank(min(below + 1, size))
        out.append(low + (high - low) * (rank - below))
    return out


def pooled_interval(
    means: Sequence[float | np.ndarray], draws: Sequence[np.ndarray], weights: Sequence[float], bounds: Bounds = ANY
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the 90 % interval of a weighted mean over the population, within the bounds of the quantity.

    The means of the bank's people under each draw, shape (draw, …) for each mechanism, are moved onto the mechanism's
    own mean over the population, and pooled.
    """
    if len(_counted(draws, weights)[0]) == 1:
        mean, bank = next((m, d) for m, d, w in zip(means, draws, weights, strict=True) if w)
        return interval_of_mean(mean, bank, bounds)
    moved = [bank - bank.mean(axis=0) + mean for mean, bank in zip(means, draws, strict=True)]
    low, high = pooled_quantiles(moved, weights, INTERVAL)
    return np.clip(low, *bounds), np.clip(high, *bounds)


def _counted(samples: Sequence[np.ndarray], weights: Sequence[float]) -> tuple[list[np.ndarray], list[float]]:
    """Return the samples that weigh anything."""
    pairs = [(one, w) for one, w in zip(samples, weights, strict=True) if w]
    return [one for one, _ in pairs], [w for _, w in pairs]


class Means(NamedTuple):
    """Means of a quantity over patients, or of a difference between arms, under each mechanism that it depends on."""

    weights: tuple[float, ...]  # of the mechanisms, 1 in all
    population: tuple[float, ...]
    draws: tuple[np.ndarray, ...]  # shape (draw,): over the people of the uncertainty bank

    @property
    def mean(self) -> float:
        """The weighted mean."""
        return sum(w * mean for w, mean in zip(self.weights, self.population, strict=True) if w)

    def interval(self, bounds: Bounds = ANY) -> tuple[float, float]:
        """Return its 90 % interval."""
        low, high = pooled_interval(self.population, self.draws, self.weights, bounds)
        return float(low), float(high)

    def agree(self, bounds: Bounds = ANY) -> bool | None:
        """Say whether each mechanism's mean lies in the other's interval; None where nothing depends on them."""
        if len(self.population) == 1:
            return None
        ends = [interval_of_mean(m, bank, bounds) for m, bank in zip(self.population, self.draws, strict=True)]
        (one, other), ((low, high), (lowest, highest)) = self.population, ends
        return bool(lowest <= one <= highest and low <= other <= high)

    def minus(self, other: "Means") -> "Means":
        """Return the difference from another arm: the same people under each draw."""
        count = max(len(self.weights), len(other.weights))
        one, two = self.over(count), other.over(count)
        return Means(
            self.weights if len(self.weights) == count else other.weights,
            tuple(a - b for a, b in zip(one.population, two.population, strict=True)),
            tuple(a - b for a, b in zip(one.draws, two.draws, strict=True)),
        )

    def over(self, mechanisms: int) -> "Means":
        """Return the same for so many mechanisms, where it depends on none."""
        if len(self.population) == mechanisms:
            return self
        return Means((1.0 / mechanisms,) * mechanisms, self.population * mechanisms, self.draws * mechanisms)

    def chance_above(self) -> float:
        """Return the weighted share of draws whose mean is above 0, moved as for the interval, with which it agrees.

        A draw whose mean over the bank's people is just 0, a tie, counts half.
        """
        parts = zip(self.weights, self.population, self.draws, strict=True)
        moved = ((w, np.where(bank == 0.0, 0.0, bank - bank.mean() + mean)) for w, mean, bank in parts)
        return float(sum(w * np.heaviside(values, 0.5).mean() for w, values in moved))


class Pool(NamedTuple):
    """A quantity by patient and by draw, under each mechanism that it depends on."""

    weights: tuple[float, ...]  # of the mechanisms, 1 in all
    values: tuple[np.ndarray, ...]  # shape (patient,)
    draws: tuple[np.ndarray, ...]  # shape (draw,): means over the people of the uncertainty bank

    @property
    def means(self) -> Means:
        """Its means."""
        return Means(self.weights, tuple(float(values.mean()) for values in self.values), self.draws)

    @property
    def mean(self) -> float:
        """Its weighted mean over patients."""
        return self.means.mean

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """Return quantiles over patients."""
        return [float(q) for q in pooled_quantiles(self.values, self.weights, shares)]

    def sd(self) -> float:
        """Return the standard deviation over patients."""
        samples, weights = _counted(self.values, self.weights)
        size = len(samples[0])
        if size == 1 and len(samples) == 1:
            return 0.0
        if len(samples) == 1:
            return float(samples[0].std(ddof=1))
        mean = self.mean
        variance = sum(w * float(np.square(one - mean).mean()) for w, one in zip(weights, samples, strict=True))
        return math.sqrt(variance * size / max(size - 1, 1))

    def share_error(self) -> float:
        """Return the standard error of a share due to the number of patients; the mechanisms hold the same ones."""
        samples, weights = _counted(self.values, self.weights)
        size, mean = len(samples[0]), self.mean
        if len(samples) == 1:
            return math.sqrt(mean * (1 - mean) / size)
        patients = np.sum([w * one for w, one in zip(weights, samples, strict=True)], axis=0)
        return float(patients.std()) / math.sqrt(size)
