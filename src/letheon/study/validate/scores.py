"""Scores of held-out trials as a document: chances, log scores and leads, each with an interval.

Intervals hold what as many other draws of the same posterior would give in nine of ten cases: a bootstrap over draws,
which also holds the error of simulation.
"""

import math
from collections.abc import Sequence

import numpy as np

from letheon.study.records import quantiles
from letheon.study.validate.chance import EventChance
from letheon.study.validate.document import HeldOutStudy, Lead, ModelScore, QuantityReport, Total
from letheon.study.validate.held_out import Quantity, Scored

TELLING = math.log(3.0)  # difference of log scores below which the held-out trials tell nothing: odds of three to one
_RESAMPLES = 2000
_SEED = 20261130


def _interval(values: np.ndarray) -> tuple[float, float]:
    low, _, high = quantiles(values)
    return low, high


def resampled(scored: Sequence[Scored], model: str) -> np.ndarray:
    """Return the log score (resample, study) of one model with draws drawn again, the same for every study."""
    chances = np.stack([one.chances[model].chances for one in scored], axis=1)
    rng = np.random.default_rng([_SEED, *model.encode()])
    counts = rng.multinomial(len(chances), np.full(len(chances), 1.0 / len(chances)), size=_RESAMPLES)
    return np.log(np.maximum(counts @ chances / len(chances), np.finfo(float).tiny))


def _report(quantity: Quantity) -> QuantityReport:
    low, high = quantity.region
    inside, intervals, values = {}, {}, np.sort(quantity.predicted)
    for level in (50, 90):
        tail = (100 - level) / 200
        a, b = np.quantile(values, [tail, 1 - tail])
        intervals[str(level)] = (float(a), float(b))
        inside[str(level)] = bool(a <= high and b >= low)
    below, within = (float(np.mean(ends)) for ends in (values < low, values <= high))
    return QuantityReport(
        quantity=quantity.label,
        unit=quantity.unit,
        observed=quantity.observed,
        region=(None if math.isinf(low) else low, None if math.isinf(high) else high),
        median=float(np.median(values)),
        intervals=intervals,
        inside=inside,
        chance=within - below,
        pit=(below, within),
        crps=_crps(values, low) if low == high else None,
    )


def _crps(values: np.ndarray, reported: float) -> float:
    """Return the continuous ranked probability score of sorted predictions."""
    n = len(values)
    apart = 2.0 * float((2.0 * np.arange(1, n + 1) - n - 1) @ values) / n**2  # mean distance of two of them
    return float(np.abs(values - reported).mean()) - 0.5 * apart


def _score(chance: EventChance, quantities: Sequence[Quantity], logs: np.ndarray) -> ModelScore:
    return ModelScore(
        chance=chance.mean,
        log_score=math.log(chance.mean),
        mc_se=chance.error,
        log_score_90=_interval(logs),
        quantities=tuple(map(_report, quantities)),
    )


def held_out_table(scored: Sequence[Scored]) -> tuple[HeldOutStudy, ...]:
    """Return each held-out trial with the score of each model."""
    logs = {model: resampled(scored, model) for model in scored[0].chances}
    return tuple(
        HeldOutStudy(
            study=one.held.id,
            event=one.held.event,
            weight=one.held.weight,
            weight_note=one.held.weight_note,
            models={m: _score(c, one.quantities[m], logs[m][:, t]) for m, c in one.chances.items()},
        )
        for t, one in enumerate(scored)
    )


def total(scored: Sequence[Scored]) -> Total:
    """Add the log scores by the weights of trials; of two models, say how far one leads, and would if it were true."""
    models, weights = tuple(scored[0].chances), np.array([one.held.weight for one in scored])
    scores = {model: np.log([one.chances[model].mean for one in scored]) for model in models}
    logs = {model: resampled(scored, model) for model in models}
    added = {model: float(weights @ scores[model]) for model in models}
    intervals = {model: _interval(logs[model] @ weights) for model in models}
    if len(models) != 2:
        return Total(log_score=added, log_score_90=intervals, telling=TELLING)
    one, other = models
    leads, apart = scores[one] - scores[other], logs[one] - logs[other]

    def lead(without: int | None = None) -> Lead:
        kept = np.where(np.arange(len(weights)) == without, 0.0, weights)
        return Lead(difference=float(kept @ leads), interval_90=_interval(apart @ kept))

    pairs = np.exp([scores[one], scores[other]]).T
    return Total(
        log_score=added,
        log_score_90=intervals,
        telling=TELLING,
        difference=lead().difference,
        difference_90=lead().interval_90,
        without={own.held.id: lead(t) for t, own in enumerate(scored)},
        expected_if={
            true: float(sum(w * _expected(p, q, true == one) for w, (p, q) in zip(weights, pairs, strict=True)))
            for true in models
        },
    )


def _expected(p: float, q: float, first: bool) -> float:
    """Return the expected log-score difference (first minus second) of a yes-or-no event if one model is true."""
    true = p if first else q
    return true * math.log(p / q) + (1.0 - true) * math.log((1.0 - p) / (1.0 - q))
