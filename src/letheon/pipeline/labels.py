"""How far to trust a number: the label that a study gives it, by what was measured, in whom, at which dose and when.

`support_rows` lists every result of a study in CRPS that could give a label; `support_of` looks a number up in them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from letheon import library
from letheon.definitions import LAST_SUPPORTED_DAY
from letheon.dosing.limits import binds
from letheon.dosing.regimen import MS_PER_DAY, Regimen
from letheon.library import Met, Study, StudyArm
from letheon.library.evidence import CONTROLS, STUDY_LABELS, Outcome
from letheon.pipeline.models import chosen_models, common_models
from letheon.pipeline.support import earliest_booster, within_range
from letheon.scenario import Arm, Models, Population, Scenario
from letheon.units import REFERENCE_WEIGHT_KG

__all__ = [
    "ASSUMED",
    "NOT_IDENTIFIED",
    "QUANTITIES",
    "Support",
    "SupportRow",
    "plan_support",
    "plasma_support",
    "rows_of",
    "support_of",
    "support_rows",
    "usable",
]

QUANTITIES = {  # measure of a study, and the number of a result document that it is
    "pain_mean": "nrs",
    "pain_mean_difference": "nrs",
    "responder_share": "responder_30",
    "fall_by_more_than_half": "responder_50",
    "psychomimetic_effects": "psychomimetic_elicited",
}
_OF_THE_COURSE = ("psychomimetic_elicited",)  # looked at over the whole course, not on a day
_SAME, _SIMILAR = 1.25, 2.0  # factors on dose per kg and on days


@dataclass(frozen=True, slots=True)
class Support:
    """How far to trust a number: one of `letheon.library.SUPPORT_LABELS`, and the studies that it rests on."""

    label: str
    studies: tuple[str, ...] = ()

    def weaker(self, other: "Support") -> "Support":
        """Return the label that two estimates of one number both earn, with the studies that both rest on.

        >>> Support("randomised", ("a", "b")).weaker(Support("extrapolated", ("b",)))
        Support(label='extrapolated', studies=('b',))
        """
        label = max(self.label, other.label, key=library.SUPPORT_LABELS.index)
        studies = tuple(study for study in self.studies if study in other.studies)
        return Support(label, studies) if studies or label not in STUDY_LABELS else ASSUMED

    def both(self, other: "Support") -> "Support":
        """Return the label of a difference between two numbers: the weaker one, with the studies behind either.

        >>> Support("extrapolated", ("a",)).both(Support("extrapolated", ("b",)))
        Support(label='extrapolated', studies=('a', 'b'))
        """
        label = max(self.label, other.label, key=library.SUPPORT_LABELS.index)
        studies = tuple(dict.fromkeys((*self.studies, *other.studies)))
        return Support(label, studies if label in STUDY_LABELS else ())

    def at_most_extrapolated(self) -> "Support":
        """Return the label of an average whose components disagree."""
        return Support("extrapolated", self.studies) if self.label == "randomised" else self


ASSUMED, NOT_IDENTIFIED = Support("assumed"), Support("not identified")
_VOLUNTEER = Support("volunteer")


@dataclass(frozen=True, slots=True)
class SupportRow:
    """One result of a study in CRPS that is also a number of a result document."""

    study: Study
    outcome: Outcome
    quantity: str  # the number, without its day
    window: tuple[float, float] | None  # first and last day [days since t = 0]; None for the whole course
    comparator: str  # drug of the arm that it is compared with; empty for a value of one arm
    sham: bool  # whether it is a value of an arm without ketamine
    arms: tuple[StudyArm, ...]  # what those with drug were given: variants that span one regimen

    def is_of(self, one: Met) -> bool:
        """Say whether a check of the library is one of this result."""
        own = self.outcome
        return (one.study, one.arm, one.against, one.measure, one.day) == (
            *(self.study.id, own.arm, own.against, own.measure),
            self.day,
        )

    def met(self, pain: str) -> bool:
        """Say whether the simulation of the study's own arm meets this result under a pain model."""
        return any(one.met for one in library.checks() if one.pain == pain and self.is_of(one))

    @property
    def day(self) -> float | None:
        """Return the last day that the result looks at."""
        return self.outcome.time_days[1] if self.outcome.time_days else None


def usable(arm: StudyArm) -> bool:
    """Say whether a study's regimen is known, and not contradicted by the study itself."""
    return bool(arm.infusions) and arm.verified != "recall" and not arm.contradicted


def _row(study: Study, outcome: Outcome) -> SupportRow | None:
    if outcome.measure not in QUANTITIES or outcome.weight == 0 or outcome.subgroup or outcome.time_days is None:
        return None
    if outcome.time_days[1] <= 0:  # before anything was given
        return None
    drugs = {arm.group: arm.drug for arm in study.arms}
    sham = drugs.get(outcome.arm, "") in CONTROLS
    quantity = QUANTITIES[outcome.measure]
    return SupportRow(
        study=study,
        outcome=outcome,
        quantity=quantity,
        window=None if quantity in _OF_THE_COURSE else outcome.time_days,
        comparator=drugs[outcome.against] if outcome.against else "",
        sham=sham,
        arms=tuple(a for a in study.arms if a.drug not in CONTROLS and (sham or outcome.arm in (a.group, "all"))),
    )


@cache
def support_rows() -> tuple[SupportRow, ...]:
    """Return each result of a randomised or uncontrolled study in CRPS that is a number of a result document.

    Recalled values and values before the first infusion are left out.

    >>> sorted({row.study.id for row in support_rows() if row.study.design == "randomised"})
    ['sigtermans2009']
    """
    return tuple(row for study in library.studies() for row in rows_of(study))


def rows_of(study: Study) -> tuple[SupportRow, ...]:
    """Return the results of one study that `support_rows` would list; none where its design or diagnosis gives none."""
    if study.diagnosis != "CRPS" or study.design not in ("randomised", "uncontrolled"):
        return ()
    return tuple(row for outcome in study.outcomes if (row := _row(study, outcome)) is not None)


# --- whether an arm is like a study's ---


def _dosed(scenario: Scenario, arm: Arm) -> Arm:
    """Return the arm whose drug decides: a placebo arm takes the label of the arm that it mirrors."""
    return next((other for other in scenario.arms if other.name == arm.like), arm)


@lru_cache(maxsize=64)
def _amounts(regimen: Regimen, weight_kg: float) -> tuple[float, float, float]:
    """Return dose [mg/kg], days from the first to the last infusion, and hours of infusion; each endpoint asks."""
    start = min(infusion.start_ms for infusion in regimen.infusions)
    schedule = regimen.schedule()
    hours = sum(h for terms, h in zip(schedule.terms, schedule.durations_h, strict=True) if terms)
    return schedule.dose_mg(weight_kg) / weight_kg, (regimen.stop_ms - start) / MS_PER_DAY, hours


def _per_kg(study: Study, arm: StudyArm) -> float:
    """Return the dose of a study's arm [mg/kg]; rates that do not go by weight are for the study's mean weight."""
    weight = study.population.weight_kg
    mean = REFERENCE_WEIGHT_KG if arm.by_weight or weight is None else weight.mean
    return (arm.dose_mg_70kg or 0.0) / mean


def _alike(scenario: Scenario, arm: Arm, study: Study, known: StudyArm, same: bool) -> bool:
    """Say whether an arm has drug, dose per kg and days of a study's; the `same` are closer, infused as long."""
    if known.drug != arm.drug or not usable(known) or known.days is None or known.hours is None:
        return False
    dose, days, hours = _amounts(arm.given, scenario.population.weight.mean)
    pairs = ((dose, _per_kg(study, known)), (days, known.days), (hours, known.hours))
    if not same:
        return all(reference / _SIMILAR <= value <= reference * _SIMILAR for value, reference in pairs[:2])
    beside = arm.beside.clonidine_mg > 0 or arm.beside.midazolam_mg > 0 or bool(arm.also)
    close = all(abs(value - reference) <= (_SAME - 1.0) * reference for value, reference in pairs)
    return close and beside == bool(known.beside)


def _similar_patients(population: Population, study: Study) -> bool:
    """Say whether means lie within an SD of the study's; what was not read is like nobody."""
    studied, pain_sd = study.population, library.pain("population")["baseline_sd"].value
    for spread, trait, sd in (
        (population.weight, studied.weight_kg, None),
        (population.age, studied.age_year, None),
        (population.baseline_nrs, studied.pain, pain_sd),
    ):
        sd = sd if trait is None or trait.sd is None else trait.sd
        if trait is None or sd is None or abs(spread.mean - trait.mean) > sd:
            return False
    return True


def _as_checked(scenario: Scenario, drug: str) -> bool:
    """Say whether the models are those under which studies were simulated: the defaults, under either pain model."""
    default, models = Models(), scenario.models
    checked = replace(default, pk=models.pk, pain=models.pain, occasions=models.occasions)
    return models == checked and common_models(scenario) == chosen_models([drug], default.pk)


def _ruled(scenario: Scenario, arm: Arm) -> bool:
    """Return whether rules change what the timetable gives."""
    weight = scenario.population.weight.mean
    limited = any(binds(one.given, one.policy.limits, weight) for one in arm.each_class())
    return arm.policy.titration is not None or limited


def _like(scenario: Scenario, arm: Arm, same: bool, regimens: Iterable[tuple[Study, Iterable[StudyArm]]]) -> tuple:
    """Return the studies that gave such a regimen; rules decided on the way make one that nobody gave."""
    if not arm.given.infusions or _ruled(scenario, arm):
        return ()
    each = arm.each_class()
    alike = (
        study.id
        for study, arms in regimens
        if any(all(_alike(scenario, one, study, known, same) for one in each) for known in arms)
    )
    return tuple(dict.fromkeys(alike))


def _measured(scenario: Scenario, arm: Arm, measure: tuple, pain: str, design: str) -> tuple:
    """Return the studies of a design that measured just this, in such patients, and that the simulation meets."""
    rows = [
        row
        for row in support_rows()
        if (row.quantity, row.window, row.comparator) == measure
        and row.study.design == design
        and row.sham == (arm.drug == "placebo")
        and row.met(pain)
        and _similar_patients(scenario.population, row.study)
    ]
    dosed = _dosed(scenario, arm)
    regimens = [(row.study, row.arms) for row in rows if _as_checked(scenario, dosed.drug)]
    return _like(scenario, dosed, True, regimens)


def _meets_any(study: Study, pain: str) -> bool:
    """Say whether the simulation of a study's arms meets anything that the study reported on pain."""
    return any(
        one.met
        for one in library.checks()
        if (one.study, one.pain) == (study.id, pain) and one.measure != "psychomimetic_effects"
    )


def _late(arm: Arm, window: tuple[float, float] | None) -> bool:
    """Say whether a window reaches beyond what any study followed, or boosters may have come before its end."""
    if window is None:  # a maximum over the run, boosters included
        return arm.policy.boosters is not None
    return window[1] > LAST_SUPPORTED_DAY or window[1] > earliest_booster(arm)


def support_of(
    scenario: Scenario,
    arm: Arm,
    quantity: str,
    window: tuple[float, float] | None,
    comparator: str = "",
    pain: str = "memory",
) -> Support:
    """Label a number of an arm by the studies behind it; a placebo arm has the regimen of the arm that it mirrors.

    `quantity` is the number without its day, such as ``nrs`` or ``responder_30``; `window` the first and last day that
    it looks at, None for the course itself; `comparator` is ``placebo`` for a difference, empty for a value of one arm;
    `pain` the pain model. `randomised` only where a randomised trial in CRPS measured this quantity against this
    comparator, in this window, at this dose (within 25 %), in such patients, and the simulation of its own arm meets
    what it reported. `extrapolated` where drug, dose per kg and days are within a factor of 2 of such a trial.
    `uncontrolled` as `randomised`, from a study without a control group.
    """
    dosed = _dosed(scenario, arm)
    if not dosed.given.infusions or _ruled(scenario, dosed) or _late(dosed, window):
        return ASSUMED
    measure = quantity, window, comparator
    if studies := _measured(scenario, arm, measure, pain, "randomised"):
        return Support("randomised", studies)
    last = window[1] if window else 0.0
    trials = [(s, arms) for s, arms in _designed("randomised") if last <= s.follow_up_days and _meets_any(s, pain)]
    if studies := _like(scenario, dosed, False, trials):
        return Support("extrapolated", studies)
    if studies := _measured(scenario, arm, measure, pain, "uncontrolled"):
        return Support("uncontrolled", studies)
    return ASSUMED


def _designed(design: str) -> list[tuple[Study, tuple[StudyArm, ...]]]:
    return [(s, s.arms) for s in library.studies() if s.diagnosis == "CRPS" and s.design == design]


def plan_support(scenario: Scenario, arm: Arm) -> Support:
    """Return which studies in CRPS gave such a regimen, whatever came of it.

    ``randomised`` or ``uncontrolled`` where dose, days and hours are within 25 %, ``extrapolated`` where dose and days
    are within a factor of 2 of a randomised trial's.

    >>> from letheon.scenario import loads
    >>> scenario = loads('''
    ... letheon: 1
    ... title: x
    ... follow_up: 4 weeks
    ... arms: {a: {drug: esketamine, sessions: [{at: 0 h, rate: 15 mg/h/70kg, for: 100 h}]}}
    ... ''')
    >>> plan_support(scenario, scenario.arms[0]).studies
    ('sigtermans2009',)
    """
    dosed = _dosed(scenario, arm)
    for label, same, design in (
        ("randomised", True, "randomised"),
        ("extrapolated", False, "randomised"),
        ("uncontrolled", True, "uncontrolled"),
    ):
        if studies := _like(scenario, dosed, same, _designed(design)):
            return Support(label, studies)
    return ASSUMED


def plasma_support(scenario: Scenario, arm: Arm) -> Support:
    """Label levels in plasma: ``volunteer`` where the plasma model saw healthy people at such rates for so long.

    >>> from letheon.scenario import loads
    >>> scenario = loads('''
    ... letheon: 1
    ... title: x
    ... follow_up: 4 weeks
    ... arms: {a: {drug: esketamine, sessions: [{at: 0 h, rate: 15 mg/h/70kg, for: 2 h}]}}
    ... ''')
    >>> plasma_support(scenario, scenario.arms[0]).label
    'volunteer'
    """
    model = library.pk_model(common_models(scenario)["levels"])
    return _VOLUNTEER if model.volunteers and within_range(arm, model) else ASSUMED
