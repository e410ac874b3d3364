"""The documents of a calibration (``calibration.json``) and of its adequacy (``adequacy.json``)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from letheon.study.records import Estimate, Record

TRUSTED_K = 0.7  # Pareto k from which on reweighted draws do not stand for those of another density


@dataclass(frozen=True, slots=True)
class Settings:
    """How hard to work."""

    chains: int = 4
    warmup: int = 100  # iterations of each before it counts
    samples: int = 700  # iterations of each that count
    patients: int = 64  # quasi-random people who stand for an arm
    starts: int = 8  # dispersed starts of the search for modes
    tree_depth: int = 6  # longest trajectory, ``2**tree_depth - 1`` steps
    # Length of a leapfrog step [SD of the Laplace approximation]. It is not adapted: the density has small steps of its
    # own, which adaptation would answer with ever shorter ones.
    step: float = 0.45
    seed: int = 20261122  # of starts and chains


FULL_SETTINGS = Settings()
QUICK_SETTINGS = Settings(chains=2, warmup=50, samples=150, patients=32, starts=2, tree_depth=4)


class ModeReport(Record, frozen=True):
    """A mode of the posterior: log density, log mass, how many starts led there, parameters in library units."""

    log_posterior: float
    log_mass: float
    starts: int
    at: dict[str, float]


class SamplerReport(Record, frozen=True):
    """How well the chains agree: the worst values over all parameters, and means over all iterations."""

    chains: int
    iterations: int
    rhat_worst: float | None
    ess_bulk_worst: float | None
    ess_tail_worst: float | None
    divergences: int
    bfmi_worst: float | None
    accept_mean: float
    steps_mean: float


class ParameterReport(Record, frozen=True):
    """How far the data moved a parameter: medians in its unit, spread and shift in standard normals of the prior.

    `prior_sensitivity` is how far its mean would move if its own prior counted twice [posterior SD].
    """

    unit: str
    median: float
    interval_90: tuple[float, float]
    sd_over_prior: float
    contraction: float
    shift: float
    prior_sensitivity: float
    identified: bool
    rhat: float | None
    ess_bulk: float | None
    ess_tail: float | None


class FullMesh(Record, frozen=True):
    """Weights of draws on the full mesh and with more people."""

    draws: int
    people: int
    pareto_k: float | None
    effective: float
    sd_of_log_ratio: float


class Reported:
    """What a trial reported: a `ReportedValue`, a `ReportedCount` or `ReportedLimits`, to be told apart by `match`."""

    __slots__ = ()

    @staticmethod
    def of(keys: Mapping[str, Any]) -> "Reported":
        """Build the kind that the keys of a JSON object belong to."""
        kind = ReportedCount if "count" in keys else ReportedValue if "value" in keys else ReportedLimits
        return msgspec.convert(keys, kind)


class ReportedValue(Reported, Record, frozen=True):
    """A mean and its standard error."""

    value: float
    se: float


class ReportedCount(Reported, Record, frozen=True):
    """A share, from a count of patients."""

    value: float
    count: int
    n: int


class ReportedLimits(Reported, Record, frozen=True):
    """A statement, read as limits; None where there is none."""

    low: float | None
    high: float | None


class Predicted(Estimate, frozen=True):
    """A prediction; `of_a_trial_90` holds the error of a trial too, and `coverage` is the share of trials inside it."""

    of_a_trial_90: tuple[float, float] | None = None
    coverage: float | None = None


class Check(Record, frozen=True):
    """Predictions before and after the fit beside what was reported."""

    reported: Reported | None
    prior: Predicted
    posterior: Predicted


class Contrast(Record, frozen=True):
    """A comparison that a trial reported (ends equal for a number), and what trials of its size would report.

    `p_value` is the two-sided posterior predictive p value: twice the chance of a result as far out.
    """

    reported: tuple[float, float]
    of_a_trial: Estimate
    p_value: float


class CalibrationReport(Record, frozen=True):
    """The document of ``letheon calibrate`` for one pain model."""

    letheon: str
    pain: str
    settings: Settings
    modes: tuple[ModeReport, ...]
    sampler: SamplerReport
    parameters: dict[str, ParameterReport]
    full_mesh: FullMesh
    checks: dict[str, Check]
    contrasts: dict[str, Contrast] = msgspec.field(default_factory=dict)


class LeftOut(Record, frozen=True):
    """Log score of a trial under a fit without it, with its error, and how that fit was made.

    `refit` are the diagnostics of short chains without the trial; None where the draws of the full fit were reweighted.
    """

    study: str
    fit: str
    pareto_k: float
    log_score: float
    error: float
    refit: SamplerReport | None = None


class TrialScore(Record, frozen=True):
    """Log scores of one trial by pain model, with their errors, and the exponent that it counts with."""

    study: str
    exponent: float
    log_score: dict[str, float]
    error: dict[str, float]
    method: dict[str, str]


class ModelWeights(Record, frozen=True):
    """Weight of the memory in the average: mean and 90 % interval, and its mean without each trial."""

    letheon: str
    memory: float
    interval: tuple[float, float]
    trials: tuple[TrialScore, ...]
    without: dict[str, float]


class RecoverySet(Record, frozen=True):
    """One synthetic set of evidence: share of truths inside 90 % intervals, and rank of each truth among the draws."""

    inside: float
    rhat_worst: float | None
    divergences: int
    ranks: dict[str, float]
    seconds: float


class Recovery(Record, frozen=True):
    """How often 90 % intervals hold a known truth."""

    pain: str
    values: int
    inside: float
    sets: tuple[RecoverySet, ...]


class CrossFit(Record, frozen=True):
    """Log scores of held-out means, by fitted model, if one model is true; `seconds` is None where it was not timed."""

    true: str
    log_score: dict[str, float]
    lead: float
    lead_expected: float
    right_leads: float
    truth: dict[str, float]
    predicted: dict[str, dict[str, tuple[float, float, float]]]
    rhat_worst: dict[str, float | None]
    seconds: dict[str, float] | None


class Adequacy(Record, frozen=True):
    """The document of ``python -m letheon.study.calibrate.adequacy``, by pain model; what has not run is absent."""

    letheon: str
    recovery: dict[str, Recovery]
    cross: dict[str, CrossFit]
