"""Posterior predictive checks of what trials compare: what trials of the real size would report, beside the report.

A fit may reproduce both arms of a trial and not their difference. Trials are drawn again at their full size, whatever
weight their results had in the fit.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import structs

from letheon.study.calibrate.document import Contrast, Predicted
from letheon.study.calibrate.observations import Count, Gaussian, Observation
from letheon.study.records import Estimate, quantiles
from letheon.study.regimens import study

# name: what is reported, less what else is
CONTRASTS = {
    "leiden drug minus placebo week 1": ("leiden drug week 1", "leiden placebo week 1"),
    "leiden drug minus placebo week 12": ("leiden difference week 12", None),
    "goldberg relief day 3 minus day 1": ("goldberg relief day 3", "goldberg relief day 1"),
    **{
        f"noppers drug minus placebo {when}": (f"noppers drug {when}", f"noppers placebo {when}")
        for when in ("45 min", "180 min", "day 7", "day 56")
    },
    "pickering drug minus placebo": ("pickering drug", "pickering placebo"),
}
_REPEATS = 16  # trials of each draw


def replicate(data: Sequence[Observation], values: Mapping[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    """Return what trials of the full size would report (trial,), by name, from predictions (draw,); counts as shares.

    Of a statement, the value that it stands for.
    """
    rng = np.random.default_rng(seed)
    many = {name: np.repeat(column, _REPEATS) for name, column in values.items()}
    drawn = {}
    for one in data:
        if isinstance(one, Gaussian):
            size = len(many[one.names[0]])
            errors = rng.multivariate_normal(
                np.zeros(len(one.names)), one.covariance * study(one.study).relevance, size
            )
            drawn |= {name: many[name] + error for name, error in zip(one.names, errors.T, strict=True)}
        elif isinstance(one, Count):
            drawn[one.name] = rng.binomial(one.n, np.clip(many[one.name], 0.0, 1.0)) / one.n
        else:
            drawn[one.name] = rng.normal(many[one.name], one.sd)
    return drawn


def with_coverage(
    predicted: Mapping[str, Predicted], data: Sequence[Observation], values: Mapping[str, np.ndarray], seed: int
) -> dict[str, Predicted]:
    """Add to predictions with an interval for a trial which share of trials of the full size would lie in it."""
    drawn, result = replicate(data, values, seed), dict(predicted)
    for name, one in predicted.items():
        if one.of_a_trial_90 is not None:
            low, high = one.of_a_trial_90
            inside = (drawn[name] >= low - 1e-12) & (drawn[name] <= high + 1e-12)
            result[name] = structs.replace(one, coverage=float(inside.mean()))
    return result


def _reported(data: Sequence[Observation]) -> dict[str, tuple[float, float]]:
    reported = {}
    for one in data:
        if isinstance(one, Gaussian):
            reported |= {name: (value, value) for name, value in zip(one.names, one.values, strict=True)}
        elif isinstance(one, Count):
            reported[one.name] = (one.value / one.n,) * 2
        else:
            reported[one.name] = (one.low, one.high)
    return reported


def contrasts(data: Sequence[Observation], values: Mapping[str, np.ndarray], seed: int) -> dict[str, Contrast]:
    """Compare trials' contrasts with predictions (draw,) by name; `data` may hold what was not fitted."""
    drawn, reported, rows = replicate(data, values, seed), _reported(data), {}
    for name, (first, second) in CONTRASTS.items():
        if first not in drawn:
            continue
        low, high = reported[first]
        column = drawn[first]
        if second is not None:
            column = column - drawn[second]
            low, high = low - reported[second][1], high - reported[second][0]
        below, above = (float(np.mean(ends)) for ends in (column <= high + 1e-12, column >= low - 1e-12))
        a, middle, b = quantiles(column)
        rows[name] = Contrast(
            reported=(low, high),
            of_a_trial=Estimate(median=middle, interval_90=(a, b)),
            p_value=min(1.0, 2.0 * min(below, above)),
        )
    return rows
