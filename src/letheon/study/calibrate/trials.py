"""The trials that Letheon is calibrated on: what each would have shown, and what it did show.

Patients are counted once. The memory takes the means of the Leiden trial. The slow site takes Dahan's estimates from
the same patients (they are its prior in the library) and leaves the means for a check; a second fit of the slow site
takes the means and knows nothing of the estimates.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import NamedTuple

import numpy as np
from scipy import special

from letheon import library
from letheon.arrays import Array, jax, jnp
from letheon.body.mesh import Grading
from letheon.library import Outcome, Study
from letheon.library.evidence import StudyArm, Titration
from letheon.patients.uncertainty import RIVAL, SHARED
from letheon.study.calibrate.observations import Band, Count, Gaussian, Observation
from letheon.study.regimens import study, study_scenario
from letheon.study.trial.forward import COARSE, Cohort, Forecast, PainCourse, forecast, prepare, responds, stack

Values = Mapping[str, Array]  # parameters by ``home.name``, canonical units; those of a study by ``home.name@study``
Read = Callable[[PainCourse], Array]  # reads a pain course; the axis (patient,) comes last
FITS: Mapping[str, str] = {"memory": "memory", "slow_site": "slow_site", "slow_site_vague": "slow_site"}  # to pain model
STUDIES = ("sigtermans2009", "goldberg2010", "noppers2011", "pickering2020")  # with outcomes that a mechanism decides
_LEIDEN = "sigtermans2009"
_LOCAL = ("placebo.fall", "between.effect")  # what differs from study to study
_DAY = 24.0
_STOPS_H = {
    "sigtermans2009": (0.0, 6 * _DAY, 7 * _DAY, 83 * _DAY, 84 * _DAY),
    "goldberg2010": tuple(_DAY * d for d in range(6)),
    "noppers2011": (0.0, 0.75, 3.0, 6 * _DAY, 7 * _DAY, 55 * _DAY, 56 * _DAY),
    "pickering2020": (0.0, 6 * _DAY, 7 * _DAY, 35 * _DAY),
}
_LONG_DAYS = 60  # arms followed for longer are run apart, so that the others need not take as many steps
_ARMS = {
    "sigtermans2009": "esketamine_titrated",
    "goldberg2010": "racemic",
    "noppers2011": "esketamine",
    "pickering2020": "racemic",
}
# Readings that no paper gives. Errors of one patient's values at two times go along this far:
_SAME_PATIENT = 0.5
_SOFT = 0.05  # soft edges of what a statement about relief means [share of baseline]
_LITTLE_SHARE = (0.20, 0.55)  # 37 % with little change in worst pain, as a share in mean pain
_LITTLE = 0.20  # relief that counts as little change
_OVERALL_Z = 3.2905  # p < 0.001, two-sided
_WEEKS = 12


@partial(jax.tree_util.register_dataclass, data_fields=["cohorts"], meta_fields=["fit", "studies"])
@dataclass(frozen=True, slots=True)
class Trials:
    """The calibration trials made ready."""

    fit: str  # that they are for
    studies: tuple[tuple[str, ...], ...]  # in the order of the cohorts
    cohorts: tuple[Cohort, ...]  # the long arms and the short ones, each group on its leading axis


class _Seen(NamedTuple):
    """The arm of a trial as a parameter set shows it."""

    values: Values
    pain: str
    cohort: Cohort
    shown: Forecast

    def mean(self, read: Read) -> Array:
        return mixture(self.values, self.pain, self.shown, read)

    def between(self, first: int, last: int) -> Read:
        """Return what reads the mean pain between two stops, as a share of baseline."""
        hours = self.cohort.stops_h[last] - self.cohort.stops_h[first]
        return lambda course: (course.area[last] - course.area[first]) / hours / self.cohort.people.baseline

    def at(self, stop: int) -> Read:
        return lambda course: course.pain[stop] / self.cohort.people.baseline

    def sham(self, read: Read) -> Array:
        """Return the mean without any lasting effect: placebo, once the drug has gone."""
        return read(self.shown.others).mean()


def study_arm(id: str) -> StudyArm:
    """Return the arm of a study that is fitted."""
    return next(arm for arm in study(id).arms if arm.name == _ARMS[id])


def _in_pieces(id: str) -> Study:
    """Return a study in whose fitted arm all rates differ, so that no two pieces of it become one."""
    whole, fitted = study(id), study_arm(id)
    infusions = tuple((start, hours, k + 1.0) for k, (start, hours, _) in enumerate(fitted.infusions))
    return replace(whole, arms=tuple(replace(a, infusions=infusions) if a is fitted else a for a in whole.arms))


def prepare_trials(fit: str, patients: int, grading: Grading = COARSE, studies: Sequence[str] = STUDIES) -> Trials:
    """Make the arms of calibration trials ready."""
    arms, cohorts = ([], []), ([], [])
    for id in studies:
        stops, titrated = _STOPS_H[id], study_arm(id).titration is not None
        scenario = study_scenario(_in_pieces(id) if titrated else study(id), math.ceil(stops[-1] / _DAY))
        group = 0 if stops[-1] > _LONG_DAYS * _DAY else 1
        arms[group].append(id)
        cohorts[group].append(prepare(scenario, _ARMS[id], patients, grading, stops, by_piece=titrated))
    groups = [(tuple(ids), stack(own)) for ids, own in zip(arms, cohorts, strict=True) if ids]
    return Trials(fit, *map(tuple, zip(*groups, strict=True)))


def titration_numbers(titration: Titration) -> dict[str, tuple[float, float]]:
    """Return what is not known of a titration: lowest and highest value by name, hours and mg/h."""
    return {"hours": titration.hours, "reached": titration.reached, "spread": titration.spread}


def titrated_rates(arm: StudyArm, hours: Array, reached: Array) -> Array:
    """Return the mean rate (piece, patient) in each piece of a titrated arm: an even rise that takes so many `hours`.

    `reached` is the rate (patient,) at its end [mg/h].
    """
    if arm.titration is None:
        raise LookupError(f"{arm.name} is not titrated")
    start, length, _ = np.array(arm.infusions).T
    # the integral of min(t / hours, 1) over each piece
    risen = [jnp.where(t < hours, t**2 / (2.0 * hours), t - hours / 2.0) for t in (start, start + length)]
    share = (risen[1] - risen[0]) / length
    return arm.titration.start + share[:, None] * (reached - arm.titration.start)


def _factors(values: Values, id: str, cohort: Cohort, parts: int) -> Array:
    """Return the factor (part, patient) on each part of the timetable: the rate in it over that as prepared."""
    arm, z = study_arm(id), cohort.titration_z
    if arm.titration is None:
        return jnp.ones((parts, len(z)))
    middle = {name: sum(ends) / 2.0 for name, ends in titration_numbers(arm.titration).items()}
    hours, mean, sd = (values.get(f"titration.{name}@{id}", middle[name]) for name in middle)
    reached = jnp.minimum(mean * jnp.exp(sd * z - 0.5 * sd**2), arm.titration.most)
    rates = titrated_rates(arm, hours, reached)
    factors = rates / np.arange(1.0, len(rates) + 1.0)[:, None]
    return jnp.pad(factors, ((0, parts - len(rates)), (0, 0)))


def _local_values(values: Values, id: str) -> dict[str, Array]:
    """Return the parameters as they are in one study: its placebo response and its effect, under both pain models."""
    own = dict(values)
    for name in _LOCAL:
        own[name] = values.get(f"{name}@{id}", values[name])
    return own | {f"{RIVAL}{name}": own[name] for name in SHARED}


def mixture(values: Values, pain: str, shown: Forecast, read: Read) -> Array:
    """Return the mean over people (the last axis) and over both pain courses of what `read` returns for one."""
    share = responds(values, pain)
    return jnp.mean(share * read(shown.responders) + (1.0 - share) * read(shown.others), axis=-1)


def _falls_below(share: float, at: Array, noise: Array, relative: Array) -> Array:
    """Return the chance that a noisy score is below `share` of a noisy baseline `at`."""
    return jax.scipy.special.ndtr((share - relative) * at / (noise * math.sqrt(1.0 + share**2)))


def _leiden(values: Values, arm: _Seen) -> dict[str, Array]:
    reads = [arm.between(*pair) for pair in ((1, 2), (3, 4), (1, 4))]
    week_1, week_12, overall = map(arm.mean, reads)
    sham_1, sham_12, sham_overall = map(arm.sham, reads)
    at = values["baseline@sigtermans2009"]
    return {
        "leiden baseline": at,
        "leiden drug week 1": at * week_1,
        "leiden placebo week 1": at * sham_1,
        "leiden difference week 1": at * (week_1 - sham_1),
        "leiden difference week 12": at * (week_12 - sham_12),
        "leiden difference overall": at * (overall - sham_overall),
    }


def _goldberg(values: Values, arm: _Seen) -> dict[str, Array]:
    at = values["baseline@goldberg2010"]
    daily = [arm.between(d - 1, d) for d in range(1, 6)]
    means = [arm.mean(read) for read in daily]

    def little(course: PainCourse) -> Array:
        return 1.0 - _falls_below(1.0 - _LITTLE, at, arm.values["diary.noise_sd"], daily[4](course))

    return {
        **{f"goldberg relief day {d}": 1.0 - mean for d, mean in enumerate(means, start=1)},
        "goldberg baseline": at,
        "goldberg pain day 5": at * means[4],
        "goldberg little change day 5": arm.mean(little),
    }


def _noppers(values: Values, arm: _Seen) -> dict[str, Array]:
    """Return the chances of a fall by more than half, on the drug on top of what happens on midazolam."""
    at, noise = values["population.baseline_mean"], arm.values["diary.noise_sd"]
    times = ("45 min", "180 min", "day 7", "day 56")
    reads = (arm.at(1), arm.at(2), arm.between(3, 4), arm.between(5, 6))
    fell = arm.mean(lambda course: _falls_below(0.5, at, noise, jnp.stack([read(course) for read in reads])))
    chances = {}
    for i, when in enumerate(times):
        background = values[f"background {'early' if 'min' in when else 'late'}@noppers2011"]
        chances[f"noppers drug {when}"] = 1.0 - (1.0 - background) * (1.0 - fell[i])
        chances[f"noppers placebo {when}"] = background
    return chances


def _pickering(values: Values, arm: _Seen) -> dict[str, Array]:
    whole, day_7 = (arm.between(*pair) for pair in ((0, 3), (1, 2)))
    at = values["baseline@pickering2020"]
    return {
        "pickering drug": at * arm.mean(whole),
        "pickering placebo": at * arm.sham(whole),
        "one infusion day 7": values["population.baseline_mean"] * (arm.mean(day_7) - arm.sham(day_7)),
    }


def _cohen(values: Values) -> dict[str, Array]:
    """Return mean and SD of one diary entry at baseline: a truncated normal with the noise of a day."""
    limits = library.pain("population")
    low, high = limits["baseline_low"].value, limits["baseline_high"].value
    mean, sd = values["population.baseline_mean"], values["population.baseline_sd"]
    a, b = (low - mean) / sd, (high - mean) / sd
    pdf, cdf = jax.scipy.stats.norm.pdf, jax.scipy.special.ndtr
    mass = cdf(b) - cdf(a)
    shift = (pdf(a) - pdf(b)) / mass
    variance = sd**2 * (1.0 + (a * pdf(a) - b * pdf(b)) / mass - shift**2)
    rounding = 1.0 / 12.0
    return {
        "baseline mean": mean + sd * shift,
        "baseline sd": jnp.sqrt(variance + values["diary.noise_sd"] ** 2 + rounding),
    }


_PREDICTIONS = {
    "sigtermans2009": _leiden,
    "goldberg2010": _goldberg,
    "noppers2011": _noppers,
    "pickering2020": _pickering,
}


def predict(values: Values, trials: Trials, bound: float | None = None) -> dict[str, Array]:
    """Return what the calibration trials would show, by name: pain [NRS], relief and probabilities as shares.

    `bound` bounds sensitivities in reverse differentiation, as in `letheon.body.course.replay`.
    """

    def shown_in(cohort: Cohort, own: Values) -> Forecast:
        own = dict(own)
        factors = own.pop("factors")
        return forecast(dict(values) | own, cohort, pain, bound=bound, factors=factors)

    pain, predictions = FITS[trials.fit], _cohen(values)
    for studies, cohorts in zip(trials.studies, trials.cohorts, strict=True):
        local = [_local_values(values, id) for id in studies]
        parts, alone = cohorts.nodes.acute_s.shape[2], [jax.tree.map(lambda x, i=i: x[i], cohorts) for i in range(len(studies))]
        changed = (*_LOCAL, *(f"{RIVAL}{name}" for name in SHARED))
        own = {name: jnp.stack([jnp.asarray(one[name], float) for one in local]) for name in changed}
        own["factors"] = jnp.stack([_factors(values, id, one, parts) for id, one in zip(studies, alone, strict=True)])
        shown = jax.vmap(shown_in)(cohorts, own)
        for i, id in enumerate(studies):
            forecasts = jax.tree.map(lambda x, i=i: x[i], shown)
            predictions |= _PREDICTIONS[id](values, _Seen(local[i], pain, alone[i], forecasts))
    return predictions


def _outcome(id: str, arm: str, measure: str, day: float | None = None, *, stated: bool = False) -> Outcome:
    outcomes = [
        one
        for one in study(id).outcomes
        if (one.arm, one.measure) == (arm, measure)
        and (day is None or (one.time_days is not None and one.time_days[0] == day))
        and bool(one.statement) == stated
        and one.weight > 0
        and not one.subgroup
    ]
    if len(outcomes) != 1:
        raise LookupError(f"{id}: {len(outcomes)} outcomes {measure} of {arm} on day {day}")
    return outcomes[0]


def _numbers(outcome: Outcome) -> tuple[float, float]:
    """Return value and the variance of its error, inflated by the outcome's weight."""
    if outcome.value is None or outcome.n is None:
        raise LookupError(f"{outcome.measure}: value and n are due")
    if outcome.se is not None:
        se = outcome.se
    else:
        spread = outcome.sd if outcome.sd is not None else _outcome("cohen2023", "all", "pain_mean", 0).sd
        se = (spread or math.nan) / math.sqrt(outcome.n)
    return outcome.value, se**2 / outcome.weight


def _leiden_data() -> tuple[Observation, ...]:
    id = _LEIDEN
    start, start_var = _numbers(_outcome(id, "esketamine", "pain_mean", 0))
    drug, drug_var = _numbers(_outcome(id, "esketamine", "pain_mean", 7))
    sham, sham_var = _numbers(_outcome(id, "placebo", "pain_mean", 7))
    variance = drug_var + sham_var  # of a difference in any week
    p = _outcome(id, "esketamine", "p_value", 84).value or math.nan
    late = math.sqrt(variance) * float(special.ndtri(p / 2.0))
    r = _SAME_PATIENT
    covariance = np.diag([drug_var, sham_var, variance])
    covariance[0, 2] = covariance[2, 0] = r * drug_var
    covariance[1, 2] = covariance[2, 1] = -r * sham_var
    names = ("leiden drug week 1", "leiden placebo week 1", "leiden difference week 12")
    means = Gaussian(id, names, (drug, sham, late), covariance)
    # "p < 0.001 over the 12 weeks": the mean difference, whose error goes along with those of the three values above.
    shared = (1.0 - r) / _WEEKS + r
    along = shared * np.array([drug_var, -sham_var, variance])
    gain = np.linalg.solve(covariance, along)
    sd = math.sqrt(shared * variance - gain @ along)
    limit = -_OVERALL_Z * math.sqrt(shared * variance)
    _outcome(id, "esketamine", "p_value", 84, stated=True)  # the statement that this reads
    overall = Band(id, "leiden difference overall", -math.inf, limit, sd, correlated=means, gain=tuple(gain.tolist()))
    return Gaussian(id, ("leiden baseline",), (start,), np.array([[start_var]])), means, overall


def _goldberg_data() -> tuple[Observation, ...]:
    id = "goldberg2010"
    start, last = (_outcome(id, "racemic", "pain_mean", day) for day in (0, 5))
    for day in (1, 3):
        _outcome(id, "racemic", "relief", day, stated=True)
    if start.range is None or last.range is None or start.n is None:
        raise LookupError(f"{id}: ranges of pain are due")
    noise = (_outcome("cohen2023", "all", "pain_mean", 0).sd or math.nan) / math.sqrt(start.n)
    soft = _SOFT * sum(start.range) / 2.0
    return (
        Band(id, "goldberg baseline", *start.range, sd=noise),
        Band(id, "goldberg relief day 1", 0.0, 0.15, _SOFT, edges=(0.20, 0.60)),
        Band(id, "goldberg relief day 3", 0.20, 0.60, _SOFT, edges=(0.0, 0.15)),
        Band(id, "goldberg pain day 5", *last.range, sd=soft),
        Band(id, "goldberg little change day 5", *_LITTLE_SHARE, sd=_SOFT),
    )


def _noppers_data() -> tuple[Observation, ...]:
    id, counts = "noppers2011", []
    days = {"45 min": 0.031, "180 min": 0.125, "day 7": 7, "day 56": 56}
    for arm, label in (("esketamine", "drug"), ("midazolam", "placebo")):
        for when, day in days.items():
            one = _outcome(id, arm, "fall_by_more_than_half", day)
            # Two early and two late counts of the same patients: each counts for less than a count of its own.
            weight = one.weight * study(id).relevance / (1.0 + _SAME_PATIENT)
            if one.value is None or one.n is None:
                raise LookupError(f"{id}: counts are due")
            counts.append(Count(id, f"noppers {label} {when}", int(one.value), one.n, weight))
    return tuple(counts)


def _pickering_data() -> tuple[Observation, ...]:
    id = "pickering2020"
    days = study(id).follow_up_days
    outcomes = [_outcome(id, arm, "pain_area_under_curve", 35) for arm in ("racemic", "placebo")]
    values, variances = zip(*(_numbers(one) for one in outcomes), strict=True)
    values, variances = np.array(values) / days, np.array(variances) / days**2 / study(id).relevance
    covariance = np.diag(variances)
    covariance[0, 1] = covariance[1, 0] = _SAME_PATIENT * math.sqrt(variances.prod())  # a crossover
    return (Gaussian(id, ("pickering drug", "pickering placebo"), tuple(values.tolist()), covariance),)


def _cohen_data() -> tuple[Observation, ...]:
    id = "cohen2023"
    one = _outcome(id, "all", "pain_mean", 0)
    value, variance = _numbers(one)
    if one.sd is None or one.n is None:
        raise LookupError(f"{id}: an SD is due")
    of_sd = one.sd**2 / (2.0 * (one.n - 1)) / one.weight
    return (Gaussian(id, ("baseline mean", "baseline sd"), (value, one.sd), np.diag([variance, of_sd])),)


@cache
def observations(fit: str = "memory") -> tuple[Observation, ...]:
    """Return what the trials reported that a fit is made to; recalled numbers count for nothing."""
    leiden = () if fit == "slow_site" else _leiden_data()  # its data from that trial are Dahan's estimates
    return (*leiden, *_goldberg_data(), *_noppers_data(), *_pickering_data(), *_cohen_data())
