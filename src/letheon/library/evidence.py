"""Evidence as frozen records: what a study is, who was in it, what was given and what came of it; and its reading."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from letheon.definitions import LAST_SUPPORTED_DAY
from letheon.errors import InputError
from letheon.library.reading import (
    Count,
    FieldError,
    Flag,
    NotNegative,
    Pair,
    Real,
    Remark,
    Seen,
    Text,
    Texts,
    Verified,
    as_float,
    as_pair,
    as_variance,
    one_of,
    read,
    read_toml,
    record,
    rows,
    several,
    weigh,
)

# How far a number can be trusted, from the most certain to the least.
SUPPORT_LABELS = (
    *("randomised", "extrapolated", "uncontrolled", "volunteer", "animal"),
    *("assumed", "not identified"),
)
STUDY_LABELS = SUPPORT_LABELS[:3]  # those that rest on named studies in CRPS
DESIGNS = ("randomised", "uncontrolled", "case report", "analysis", "pooled", "practice", "protocol", "animal")
DIAGNOSES = (
    *("CRPS", "fibromyalgia", "neuropathic pain", "mixed chronic pain", "animal models of pain"),
    *("refractory headache", "depression", "intensive care", "anaesthesia"),
)
ROLES = ("calibrate", "hold_out", "check", "prediction_target", "not_used")
PAIN_MODELS = ("memory", "slow_site")
STUDY_DRUGS = (
    *("racemic", "esketamine", "arketamine", "placebo"),
    *("midazolam", "racemic with magnesium", "form not stated"),
)
ROUTES = ("iv", "im", "oral", "epidural")
# Drugs of a comparison: their infusions hold no ketamine.
CONTROLS = ("placebo", "midazolam")

_MEASURES = (
    # pain on a scale of 0 to 10
    ("NRS", "pain_mean pain_mean_difference pain_fall pain_daily_mean"),
    ("NRS·day", "pain_area_under_curve"),
    ("NRS", "brief_pain_inventory_mean"),
    ("%", "pain_reduction"),
    # who responds
    ("1", "response_probability"),
    ("patients", "responders"),
    ("1", "responder_share"),
    ("%", "responders_in_percent"),
    ("1", "responder_risk_ratio"),
    ("patients", "fall_by_more_than_half"),
    ("%", "little_or_no_change_in_worst_pain"),
    ("1", "infusions_with_fall_over_20_percent complete_relief pain_free"),
    ("patients", "complete_remission lasting_remission relapse"),
    ("1", "lasting_relief_probability relief_over_3_weeks_probability chance_of_no_responder"),
    ("patients", "no_analgesia analgesia_under_1_h analgesia_for_hours"),
    ("%", "mild_trajectory moderate_trajectory severe_trajectory"),
    # how long
    ("day", "analgesia_beyond_infusion half_life"),
    ("year", "remission"),
    # levels, of both enantiomers together unless one is named
    ("ng/mL", "c50"),
    ("ng/mL", "ketamine_level norketamine_level norketamine_highest"),
    ("1", "norketamine_over_ketamine esketamine_over_arketamine"),
    ("min", "ketamine_peak_time"),
    ("day", "norketamine_peak"),
    ("ng/mL", "ketamine_at_relief norketamine_at_relief"),
    ("mL/min/kg", "esketamine_clearance arketamine_clearance"),
    # what was given, for 70 kg where it went by weight
    ("mg/h", "rate_reached rate_most"),
    ("h", "rate_stable_from infusion_time"),
    ("mg", "dose_per_day dose_first_day dose_last_day"),
    # comparisons
    ("1", "p_value effect_size standardised_mean_difference"),
    ("%", "loss_of_effect"),
    # harms
    ("%", "psychomimetic_effects"),
    ("1", "psychedelic_risk_ratio"),
    ("patients", "stopped_for_liver_enzymes"),
    ("", "adverse_effects"),
    # in words
    ("", "pain pain_threshold relief relief_duration return_to_baseline function signs sensory_testing clearance"),
    ("", "levels_of_responders primary_endpoint pain_history results"),
)
# Every measure has one unit: "1" is a share, a ratio or a probability, "" is said in words and has none.
MEASURES: Mapping[str, str] = {name: unit for unit, names in _MEASURES for name in names.split()}


_RUN = ("infusions", "days", "sessions", "hours", "dose_mg_70kg", "assumptions")


def as_infusions(stated: Any, place: str) -> tuple[tuple[float, float, float], ...]:
    """Return infusions as (start [h], duration [h], rate [mg/h])."""
    infusions = []
    for row in stated:
        if not isinstance(row, list) or len(row) != 3:
            raise InputError(f"{place}: expected [start h, duration h, rate mg/h], got {row!r}")
        start, duration, rate = (as_variance(item, place) for item in row)
        infusions.append((start, duration, rate))
    return tuple(infusions)


def as_days(value: Any, place: str) -> tuple[float, float]:
    """Return a day, or the first and the last of a span, as two numbers."""
    low, high = as_pair(value, place) if isinstance(value, list) else (as_float(value, place),) * 2
    if low < 0:
        raise InputError(f"{place}: days count from the first administration and cannot be negative, got {low:g}")
    return low, high


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """Mean and SD of something about the patients, how it was read, and in `via` where, if not in the paper itself.

    An `sd` of None was not read; one that was only recalled is left out.
    """

    mean: Real
    verified: Seen
    sd: NotNegative | None = None
    via: Remark = ""

    def __post_init__(self) -> None:
        if self.verified == "recall":
            raise FieldError("leave out what was only recalled; it can support no result")
        if self.verified == "secondary" and not self.via:
            raise FieldError("a second-hand value says in 'via' what was read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Who was studied: `n` patients (None: not known), what else is known in `text`, and how this was read.

    `weight_kg` [kg], `age_year` [year] and `pain` (before the infusion) [NRS] are None where they were not read.
    """

    text: Text
    verified: Seen
    n: Count | None = None
    weight_kg: Annotated[Trait, record(Trait)] | None = None
    age_year: Annotated[Trait, record(Trait)] | None = None
    pain: Annotated[Trait, record(Trait)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Titration:
    """How a rate rose from `start` [mg/h] to each patient's own: what is not known of it, each as lowest and highest.

    It rises evenly; a calibration takes each of them as uniform between its ends.
    """

    start: Real
    hours: Pair  # until each patient's own rate is reached [h]
    reached: Pair  # mean of that rate over patients [mg/h]
    spread: Pair  # SD between patients of its logarithm
    most: Real  # highest rate of any patient [mg/h]

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.reached[0] <= self.reached[1] <= self.most:
            raise FieldError("expected 0 <= start <= reached <= most")
        if self.hours[0] <= 0 or self.spread[0] < 0:
            raise FieldError("'hours' must be positive, and 'spread' not negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyArm:
    """One arm of a study, or one variant of it, for a patient of 70 kg; the numbers from `days` on need `infusions`."""

    name: Text  # variants that span what one arm may have been given have names of their own
    group: Text = ""  # the arm of the study that this is (a variant of), its own name otherwise; outcomes name groups
    drug: Annotated[str, one_of(STUDY_DRUGS)]
    route: Annotated[str, one_of(ROUTES)] = "iv"
    n: Count | None = None  # patients; None where not known
    n_verified: Seen = ""  # how `n` was read
    regimen: Text  # what was given, in words, as the sources say it
    # (start [h], duration [h], rate of ketamine [mg/h]); empty where the sources do not allow it
    infusions: Annotated[tuple[tuple[float, float, float], ...], as_infusions] = ()
    days: Real | None = None  # span from the first to the last infusion hour [day]
    sessions: Count | None = None  # number of stretches under infusion
    hours: Real | None = None  # their total length [h]
    dose_mg_70kg: NotNegative | None = None  # total dose [mg]
    verified: Seen  # how the regimen was read
    assumptions: Texts = ()  # what the sources do not give and `infusions` takes for granted
    beside: Remark = ""  # drugs given beside
    by_weight: Flag = False  # whether the rates go with body weight; else they are the same for every patient
    # what is not known of a rate that rose to each patient's effect; `infusions` are its middle
    titration: Annotated[Titration, record(Titration)] | None = None
    contradicted: Remark = ""  # what the study reports that `infusions` cannot be true of; then it supports nothing

    def __post_init__(self) -> None:
        dose = self.dose_mg_70kg
        if dose is not None and (dose == 0) != (self.drug in CONTROLS):
            raise FieldError(f"{self.drug} and a ketamine dose of {dose:g} mg do not go together", "dose_mg_70kg")
        object.__setattr__(self, "group", self.group or self.name)
        object.__setattr__(self, "n_verified", self.n_verified or self.verified)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One result of a study: a value, a range or a statement, in `unit`; times in days after the first dose."""

    arm: Text  # group of arms, or `all`
    measure: Annotated[str, one_of(MEASURES)]
    value: Real | None = None
    range: Pair | None = None  # lowest and highest, where a range is reported
    statement: Remark = ""  # the result in words, where there is no number
    # from, to; equal for a point in time, None where not known
    time_days: Annotated[tuple[float, float], as_days] | None = None
    verified: Seen  # how it was read
    weight: Real = math.nan  # as evidence, from 0 to 1: see `weigh`
    against: Text = ""  # group that `arm` is compared with, if any
    subgroup: Remark = ""  # which patients of the arm, if not all
    se: NotNegative | None = None  # standard error
    sd: NotNegative | None = None  # between patients
    interval: Pair | None = None  # interval of the value at `level`
    level: Real | None = None  # 0.95 or 0.90
    n: Count | None = None  # patients (or infusions, where the measure counts these) behind it
    via: Remark = ""  # what was read, where this is not the study's own paper or registry record
    target: Flag = False  # whether calibration fits it (role `calibrate`) or scores it (`hold_out`)
    note: Remark = ""  # what a reader must know about it
    missed: Remark = (
        ""  # what the simulated regimen gives instead, and what that means: see `letheon.study.validate.regimens`
    )

    def __post_init__(self) -> None:
        results = {"value": self.value, "range": self.range, "statement": self.statement or None}
        stated = [key for key, result in results.items() if result is not None]
        if len(stated) != 1:
            got = ", ".join(stated) or "none"
            raise FieldError(f"give one of 'value', 'range' and 'statement', got {got}")
        if not self.unit and not self.statement:
            raise FieldError(f"{self.measure!r} is said in words: give 'statement', no number", "measure")
        if (self.interval is None) != (self.level is None):
            raise FieldError("'interval' and its 'level' go together")
        if self.verified == "secondary" and not self.via:
            raise FieldError("a second-hand value says in 'via' what was read")
        object.__setattr__(self, "weight", weigh(self.weight, self.verified))

    @property
    def unit(self) -> str:
        """Unit of the measure; "1" for shares and ratios, empty for what is said in words."""
        return MEASURES[self.measure]


def _arm(table: Any, place: str) -> StudyArm:
    runs = isinstance(table, dict) and not table.keys().isdisjoint(_RUN)
    return read(StudyArm, table, place, needs=_RUN if runs else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One study of the evidence: a file in ``library/studies``."""

    id: Text
    source: Text  # key in ``sources.bib``
    design: Annotated[str, one_of(DESIGNS)]  # randomised and uncontrolled studies in CRPS support a regimen
    setting: Text  # the design in words
    diagnosis: Annotated[str, one_of(DIAGNOSES)]
    population: Annotated[Population, record(Population)]
    arms: Annotated[tuple[StudyArm, ...], rows(_arm)]  # what was given
    outcomes: Annotated[tuple[Outcome, ...], rows(record(Outcome))]
    # hold_out: scored, not fitted; check: looked at; prediction_target: no results yet
    role: Annotated[str, one_of(ROLES)]
    role_note: Text  # why, and with what limits
    calibrates: Annotated[tuple[str, ...], several(PAIN_MODELS)] = ()  # models that its targets are fitted to
    sampled_h: Annotated[tuple[float, ...], rows(as_variance)] = ()  # when levels were taken [h], where it was read
    relevance: Real = 1.0  # what its values count for in CRPS, beside their own weight: 1, or less for another disease
    follow_up_days: Real  # [day] from the first infusion, that its results may support; 0 where there is none
    verified: Verified  # how the study as a whole was read
    missing: Texts  # what is not known
    note: Text  # what a reader must know about it

    def __post_init__(self) -> None:
        if not 0 <= self.follow_up_days <= LAST_SUPPORTED_DAY:
            limits = f"must lie in [0, {LAST_SUPPORTED_DAY}] (never beyond 12 weeks)"
            raise FieldError(f"{limits}, got {self.follow_up_days:g}", "follow_up_days")
        if not 0 < self.relevance <= 1:
            raise FieldError(f"must lie above 0 and not above 1, got {self.relevance:g}", "relevance")
        groups = dict.fromkeys(arm.group for arm in self.arms)
        for index, one in enumerate(self.outcomes):
            for key, arm, known in (("arm", one.arm, (*groups, "all")), ("against", one.against, ("", *groups))):
                if arm not in known:
                    choices = ", ".join(filter(None, known))
                    raise FieldError(f"got {arm!r}; expected one of {choices}", f"[[outcomes]][{index}].{key}")
        self._check_targets()

    def _check_targets(self) -> None:
        """Refuse a role that the outcomes do not bear out, and any use of what was only recalled."""
        targets = [one for one in self.outcomes if one.target]
        if (self.role == "calibrate") != bool(self.calibrates):
            raise FieldError("names the pain models if, and only if, the role is 'calibrate'", "calibrates")
        if (self.role in ("calibrate", "hold_out")) != bool(targets):
            raise FieldError(f"{self.role!r} does not go with {len(targets)} outcomes marked as target", "role")
        for one in targets:
            if one.weight == 0:
                raise FieldError(f"a recalled value is no target: {one.measure} of {one.arm}", "[[outcomes]]")


def parse_study(text: str, place: str) -> Study:
    """Read one study."""
    return read(Study, read_toml(text, place), place, whole=True)
