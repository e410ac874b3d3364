"""Time to relapse: the Kaplan-Meier curve with log-log intervals.

A few lines of our own because the libraries that have it take one to two seconds to import, of the five that a run
may take; scipy.stats.ecdf and lifelines are its oracles in the tests.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Real
from scipy import special

__all__ = ["Curve", "kaplan_meier"]


@dataclass(frozen=True, slots=True)
class Curve:
    """A survival curve that steps down at each time; axis (step,)."""

    time: np.ndarray  # distinct times, rising
    share: np.ndarray  # share still without the event from that time on
    low: np.ndarray  # bounds of its interval
    high: np.ndarray

    def first_at_or_below(self, level: float, bound: str = "share") -> float | None:
        """Return the first time when the curve (or its ``low`` or ``high`` bound) is at or below a level."""
        below = np.nonzero(getattr(self, bound) <= level)[0]
        return float(self.time[below[0]]) if len(below) else None

    def restricted_mean(self, horizon: float) -> float:
        """Return the mean time without the event up to a horizon: the area under the curve."""
        edges = np.concatenate([[0.0], np.minimum(self.time, horizon), [horizon]])
        return float(np.sum(np.diff(edges) * np.concatenate([[1.0], self.share])))


def kaplan_meier(
    time: Real[np.ndarray, " patients"],
    event: Bool[np.ndarray, " patients"],
    confidence: float = 0.90,
    weight: Real[np.ndarray, " patients"] | None = None,
) -> Curve:
    """Estimate the survival curve of right-censored times, with pointwise log-log intervals from Greenwood's variance.

    `time` is that of the event, or of the end of observation where `event` is false; `confidence` the coverage;
    `weight` how much of a patient each row is, 1 by default, in events and in those at risk.

    >>> kaplan_meier(np.array([1.0, 2.0, 2.0, 3.0]), np.array([True, True, False, True])).share.tolist()
    [0.75, 0.5, 0.0]
    """
    steps, where = np.unique(time, return_inverse=True)
    events = np.bincount(where, weights=event if weight is None else event * weight, minlength=len(steps))
    leaving = np.bincount(where, weights=weight, minlength=len(steps))
    at_risk = np.cumsum(leaving[::-1])[::-1]
    share = np.cumprod(1.0 - events / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(events / (at_risk * (at_risk - events)))
        width = special.ndtri(0.5 + confidence / 2) * np.sqrt(variance) / np.log(share)
        low, high = share ** np.exp(-width), share ** np.exp(width)
    inside = (share > 0) & (share < 1)
    low, high = np.where(inside, np.minimum(low, high), share), np.where(inside, np.maximum(low, high), share)
    return Curve(steps, share, low, high)
