"""The document of a validation (``letheon validate --json``)."""

from typing import Any

from letheon.study.records import Estimate, Record


class QuantityReport(Record, frozen=True):
    """A quantity of a held-out trial: what was seen, and 50 % and 90 % intervals of what was predicted.

    `region` is where the report puts it (None for an open end), `inside` whether each interval meets the region, and
    `chance` the predicted probability of the region.
    """

    quantity: str
    unit: str
    observed: str
    region: tuple[float | None, float | None]
    median: float
    intervals: dict[str, tuple[float, float]]
    inside: dict[str, bool]
    chance: float

    @property
    def interval_90(self) -> tuple[float, float]:
        """The 90 % interval."""
        return self.intervals["90"]

    @property
    def inside_90(self) -> bool:
        """Whether the 90 % interval meets the region."""
        return self.inside["90"]


class ModelScore(Record, frozen=True):
    """The probability that a model gave to what was found, its logarithm and its Monte Carlo error."""

    chance: float
    log_score: float
    mc_se: float
    quantities: tuple[QuantityReport, ...]


class HeldOutStudy(Record, frozen=True):
    """A held-out trial: its event, and the score of each pain model."""

    study: str
    event: str
    models: dict[str, ModelScore]


class Total(Record, frozen=True):
    """Log scores over all held-out trials; of two models their difference, and what it would be if one were true."""

    log_score: dict[str, float]
    telling: float
    difference: float | None = None
    expected_if: dict[str, float] | None = None


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
