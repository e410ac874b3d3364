"""Scores of held-out trials as a document."""

import math
from collections.abc import Sequence

import numpy as np

from letheon.study.validate.chance import EventChance
from letheon.study.validate.document import HeldOutStudy, ModelScore, QuantityReport, Total
from letheon.study.validate.held_out import Quantity, Scored

TELLING = math.log(3.0)  # difference of log scores below which the held-out trials tell nothing: odds of three to one


def _report(quantity: Quantity) -> QuantityReport:
    low, high = quantity.region
    inside, intervals, values = {}, {}, np.sort(quantity.predicted)
    for level in (50, 90):
        tail = (100 - level) / 200
        a, b = np.quantile(values, [tail, 1 - tail])
        intervals[str(level)] = (float(a), float(b))
        inside[str(level)] = bool(a <= high and b >= low)
    return QuantityReport(
        quantity=quantity.label,
        unit=quantity.unit,
        observed=quantity.observed,
        region=(None if math.isinf(low) else low, None if math.isinf(high) else high),
        median=float(np.median(values)),
        intervals=intervals,
        inside=inside,
        chance=float(np.mean((values >= low) & (values <= high))),
    )


def _score(chance: EventChance, quantities: Sequence[Quantity]) -> ModelScore:
    return ModelScore(
        chance=chance.mean,
        log_score=math.log(chance.mean),
        mc_se=chance.error,
        quantities=tuple(map(_report, quantities)),
    )


def held_out_table(scored: Sequence[Scored]) -> tuple[HeldOutStudy, ...]:
    """Return each held-out trial with the score of each model."""
    return tuple(
        HeldOutStudy(
            study=one.held.id,
            event=one.held.event,
            models={model: _score(chance, one.quantities[model]) for model, chance in one.chances.items()},
        )
        for one in scored
    )


def total(scored: Sequence[Scored]) -> Total:
    """Add the log scores by the weights of trials; say what difference is expected if a model is true."""
    models, weights = tuple(scored[0].chances), [one.held.weight for one in scored]
    pairs = [[one.chances[model].mean for model in models] for one in scored]
    added = {m: sum(w * math.log(p[i]) for w, p in zip(weights, pairs, strict=True)) for i, m in enumerate(models)}
    if len(models) != 2:
        return Total(log_score=added, telling=TELLING)
    one, other = models
    expected = {
        true: sum(w * _expected(p, q, true == one) for w, (p, q) in zip(weights, pairs, strict=True)) for true in models
    }
    return Total(log_score=added, telling=TELLING, difference=added[one] - added[other], expected_if=expected)


def _expected(p: float, q: float, first: bool) -> float:
    """Return the expected log-score difference (first minus second) of a yes-or-no event if one model is true."""
    true = p if first else q
    return true * math.log(p / q) + (1.0 - true) * math.log((1.0 - p) / (1.0 - q))
