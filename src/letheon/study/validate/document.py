"""The document of a validation (``letheon validate --json``)."""

from typing import Any

import msgspec

from letheon.study.records import Estimate, Record


class QuantityReport(Record, frozen=True):
    """A quantity of a held-out trial: what was seen, and 50 % and 90 % intervals of what was predicted.

    `region` is where the report puts it (None for an open end), `inside` whether each interval meets the region,
    `chance` the predicted probability of the region and `pit` those of less than its low end and of no more than its
    high end. `crps` is the continuous ranked probability score, where a number was reported.
    """

    quantity: str
    unit: str
    observed: str
    region: tuple[float | None, float | None]
    median: float
    intervals: dict[str, tuple[float, float]]
    inside: dict[str, bool]
    chance: float
    pit: tuple[float, float] | None = None
    crps: float | None = None

    @property
    def interval_90(self) -> tuple[float, float]:
        """The 90 % interval."""
        return self.intervals["90"]

    @property
    def inside_90(self) -> bool:
        """Whether the 90 % interval meets the region."""
        return self.inside["90"]


class ModelScore(Record, frozen=True):
    """The probability that a model gave to what was found and its Monte Carlo error, and its logarithm.

    `log_score_90` holds what as many other draws of the posterior would give in nine of ten cases.
    """

    chance: float
    log_score: float
    mc_se: float
    quantities: tuple[QuantityReport, ...]
    log_score_90: tuple[float, float] | None = None


class HeldOutStudy(Record, frozen=True):
    """A held-out trial: its event, the score of each pain model, and what it counts for in totals (and why not 1)."""

    study: str
    event: str
    models: dict[str, ModelScore]
    weight: float = 1.0
    weight_note: str = ""


class Lead(Record, frozen=True):
    """How far the first of two models leads in log score; the interval is over draws of the posteriors."""

    difference: float
    interval_90: tuple[float, float]


class Total(Record, frozen=True):
    """Log scores over all held-out trials, by their weights.

    Of two models, how far the first leads, with all trials and without each; and the lead expected if one were true.
    """

    log_score: dict[str, float]
    telling: float
    difference: float | None = None
    expected_if: dict[str, float] | None = None
    log_score_90: dict[str, tuple[float, float]] = msgspec.field(default_factory=dict)
    difference_90: tuple[float, float] | None = None
    without: dict[str, Lead] = msgspec.field(default_factory=dict)


class TimingRow(Record, frozen=True):
    """How long relief outlasts a course: shares of patients relieved, and days until pain returns."""

    course: str
    model: str
    observed: str
    relieved_at_end: float
    median_days_to_return: float | None
    relieved_at_90_days: float


class SpreadRow(Record, frozen=True):
    """A quantity of the 100-hour trial under one spread between studies (`sd`)."""

    model: str
    sd: str
    quantity: str
    unit: str
    reported: float | None
    median: float
    interval_90: tuple[float, float]


class SpreadScore(Record, frozen=True):
    """Held-out scores under one spread between studies (`sd`)."""

    model: str
    sd: str
    log_score: float
    chances: dict[str, float]


class BetweenStudies(Record, frozen=True):
    """Predictions and scores with studies alike, as fitted, and far apart."""

    patients: int
    fitted_sd: dict[str, Estimate]
    rows: tuple[SpreadRow, ...]
    scores: tuple[SpreadScore, ...]


class SensitivityRow(Record, frozen=True):
    """An outcome at both ends of one assumption."""

    assumption: str
    model: str
    outcome: str
    low_label: str
    high_label: str
    low: float
    high: float


class Sensitivity(Record, frozen=True):
    """One assumption moved at a time: what the outcomes are, their values at the baseline, and the rows."""

    outcomes: dict[str, str]
    baseline: dict[str, dict[str, float]]
    rows: tuple[SensitivityRow, ...]


class Validation(Record, frozen=True):
    """The document of ``letheon validate``; `posterior` says how draws other than the shipped ones were made."""

    letheon: str
    posterior: dict[str, dict[str, Any]]
    studies: tuple[HeldOutStudy, ...]
    total: Total
    timing: tuple[TimingRow, ...]
    between_studies: BetweenStudies | None = None
    sensitivity: Sensitivity | None = None
