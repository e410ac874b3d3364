"""Frozen records of the evidence: what a study is, who was in it, what was given and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# How far a number can be trusted, from the most certain to the least.
SUPPORT_LABELS = (
    *("randomised", "extrapolated", "uncontrolled", "volunteer", "animal"),
    *("assumed", "not identified"),
)
STUDY_LABELS = SUPPORT_LABELS[:3]  # those that rest on named studies in CRPS
DESIGNS = ("randomised", "uncontrolled", "case report", "analysis", "pooled", "practice", "protocol", "animal")
DIAGNOSES = ("CRPS", "fibromyalgia", "neuropathic pain", "mixed chronic pain", "animal models of pain")
ROLES = ("calibrate", "hold_out", "check", "prediction_target", "not_used")
PAIN_MODELS = ("memory", "slow_site")
STUDY_DRUGS = (
    *("racemic", "esketamine", "arketamine", "placebo"),
    *("midazolam", "racemic with magnesium", "form not stated"),
)
ROUTES = ("iv", "im", "oral", "epidural")
# Drugs of a comparison: their infusions hold no ketamine.
CONTROLS = ("placebo", "midazolam")

# Every measure has one unit: "1" is a share, a ratio or a probability, "" is said in words and has none.
MEASURES: Mapping[str, str] = {
    # pain on a scale of 0 to 10
    "pain_mean": "NRS",
    "pain_mean_difference": "NRS",
    "pain_fall": "NRS",
    "pain_daily_mean": "NRS",
    "pain_area_under_curve": "NRS·day",
    "brief_pain_inventory_mean": "NRS",
    "pain_reduction": "%",
    # who responds
    "response_probability": "1",
    "responders": "patients",
    "responder_share": "1",
    "responders_in_percent": "%",
    "responder_risk_ratio": "1",
    "fall_by_more_than_half": "patients",
    "little_or_no_change_in_worst_pain": "%",
    "infusions_with_fall_over_20_percent": "1",
    "complete_relief": "1",
    "pain_free": "1",
    "complete_remission": "patients",
    "lasting_remission": "patients",
    "relapse": "patients",
    "lasting_relief_probability": "1",
    "relief_over_3_weeks_probability": "1",
    "chance_of_no_responder": "1",
    "no_analgesia": "patients",
    "analgesia_under_1_h": "patients",
    "analgesia_for_hours": "patients",
    "mild_trajectory": "%",
    "moderate_trajectory": "%",
    "severe_trajectory": "%",
    # how long
    "analgesia_beyond_infusion": "day",
    "half_life": "day",
    "remission": "year",
    # levels
    "c50": "ng/mL",
    "ketamine_peak_time": "min",
    "norketamine_peak": "day",
    "ketamine_at_relief": "ng/mL",
    "norketamine_at_relief": "ng/mL",
    # comparisons
    "p_value": "1",
    "effect_size": "1",
    "standardised_mean_difference": "1",
    "loss_of_effect": "%",
    # harms
    "psychomimetic_effects": "%",
    "psychedelic_risk_ratio": "1",
    "stopped_for_liver_enzymes": "patients",
    "adverse_effects": "",
    # in words
    "pain": "",
    "pain_threshold": "",
    "relief": "",
    "relief_duration": "",
    "return_to_baseline": "",
    "function": "",
    "signs": "",
    "sensory_testing": "",
    "clearance": "",
    "levels_of_responders": "",
    "primary_endpoint": "",
    "pain_history": "",
    "results": "",
}


@dataclass(frozen=True, slots=True)
class Trait:
    """Mean and SD of something about the patients, how it was read, and in `via` where, if not in the paper itself.

    An `sd` of None was not read; one that was only recalled is left out.
    """

    mean: float
    sd: float | None
    verified: str
    via: str = ""


@dataclass(frozen=True, slots=True)
class Population:
    """Who was studied: `n` patients (None: not known), what else is known in `text`, and how this was read.

    `weight_kg` [kg], `age_year` [year] and `pain` (before the infusion) [NRS] are None where they were not read.
    """

    n: int | None
    text: str
    verified: str
    weight_kg: Trait | None = None
    age_year: Trait | None = None
    pain: Trait | None = None


@dataclass(frozen=True, slots=True)
class StudyArm:
    """One arm of a study, or one variant of it, for a patient of 70 kg.

    Parameters
    ----------
    name : str
        Name of the arm; variants that span what one arm may have been given have names of their own.
    group : str
        The arm of the study that this is (a variant of); equal to `name` otherwise. Outcomes name groups.
    drug : str
        One of `STUDY_DRUGS`.
    route : str
        One of `ROUTES`.
    n : int or None
        Patients; None where not known.
    n_verified : str
        How `n` was read.
    regimen : str
        What was given, in words, as the sources say it.
    infusions : tuple
        ``(start [h], duration [h], rate [mg/h])``, the rate that of ketamine; empty where the sources do not allow it.
    days : float or None
        Span from the first to the last infusion hour [day]; this and the following are None without `infusions`.
    sessions : int or None
        Number of stretches on the drip.
    hours : float or None
        Their total length [h].
    dose_mg_70kg : float or None
        Total dose [mg].
    verified : str
        How the regimen was read.
    assumptions : tuple of str
        What the sources do not give and `infusions` takes for granted.
    beside : str
        Drugs given beside.
    by_weight : bool
        Whether the rates go with body weight; else they are the same for every patient.
    contradicted : str
        What the study itself reports that `infusions` cannot be true of; such an arm supports no result.
    """

    name: str
    group: str
    drug: str
    route: str
    n: int | None
    n_verified: str
    regimen: str
    infusions: tuple[tuple[float, float, float], ...]
    days: float | None
    sessions: int | None
    hours: float | None
    dose_mg_70kg: float | None
    verified: str
    assumptions: tuple[str, ...] = ()
    beside: str = ""
    by_weight: bool = False
    contradicted: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One result of a study: a value, a range or a statement.

    Parameters
    ----------
    arm : str
        Group of arms, or ``all``.
    measure : str
        One of `MEASURES`, which gives its unit.
    value : float or None
        The value [`unit`].
    range : tuple of float or None
        Lowest and highest, where a range is reported [`unit`].
    statement : str
        The result in words, where there is no number.
    time_days : tuple of float or None
        From and to, days after the first administration [day]; both are equal for a point in time. None: not known.
    verified : str
        How it was read; ``recall`` has no weight.
    weight : float
        Weight as evidence in [0, 1]: 1 read in the paper or its abstract, 0.5 second-hand, 0 recalled; a derived value
        carries that of its weakest basis.
    against : str
        Group that `arm` is compared with, if any.
    subgroup : str
        Which patients of the arm, if not all.
    se, sd : float or None
        Standard error, standard deviation between patients [`unit`].
    interval : tuple of float or None
        Interval of the value [`unit`], at `level` (0.95 or 0.90).
    level : float or None
        Level of `interval`.
    n : int or None
        Patients (or infusions, where the measure counts these) behind it.
    via : str
        What was read, where this is not the study's own paper or registry record.
    target : bool
        Whether calibration fits it (role ``calibrate``) or scores it (``hold_out``).
    note : str
        What a reader must know about it.
    """

    arm: str
    measure: str
    value: float | None
    range: tuple[float, float] | None
    statement: str
    time_days: tuple[float, float] | None
    verified: str
    weight: float
    against: str = ""
    subgroup: str = ""
    se: float | None = None
    sd: float | None = None
    interval: tuple[float, float] | None = None
    level: float | None = None
    n: int | None = None
    via: str = ""
    target: bool = False
    note: str = ""

    @property
    def unit(self) -> str:
        """Unit of the measure; "1" for shares and ratios, empty for what is said in words."""
        return MEASURES[self.measure]


@dataclass(frozen=True, slots=True)
class Study:
    """One study of the evidence: a file in ``library/studies``.

    Parameters
    ----------
    id : str
        Key.
    source : str
        Key in ``sources.bib``.
    design : str
        One of `DESIGNS`. Only ``randomised`` and ``uncontrolled`` studies in CRPS support a regimen.
    setting : str
        The design in words.
    diagnosis : str
        One of `DIAGNOSES`.
    population : Population
        Who was studied.
    arms : tuple of StudyArm
        What was given.
    outcomes : tuple of Outcome
        What came of it.
    role : str
        One of `ROLES`: ``calibrate``, ``hold_out`` (scored, not fitted), ``check`` (looked at, neither fitted nor
        scored), ``prediction_target`` (no results yet) or ``not_used``.
    role_note : str
        Why, and with what limits.
    calibrates : tuple of str
        Pain models that its targets are fitted to; empty unless the role is ``calibrate``.
    relevance : float
        What its values count for in CRPS, beside their own weight: 1, or less for another disease.
    follow_up_days : float
        Days from the first infusion that its results may support, at most 84 [day]: no result beyond 12 weeks is taken
        as supported. 0 where there is none.
    verified : str
        How the study as a whole was read.
    missing : tuple of str
        What is not known.
    note : str
        What a reader must know about it.
    """

    id: str
    source: str
    design: str
    setting: str
    diagnosis: str
    population: Population
    arms: tuple[StudyArm, ...]
    outcomes: tuple[Outcome, ...]
    role: str
    role_note: str
    calibrates: tuple[str, ...]
    relevance: float
    follow_up_days: float
    verified: str
    missing: tuple[str, ...]
    note: str = ""
