"""Which assumption matters most: relief and boosters after the 100-hour infusion, one assumption moved at a time.

Nothing is refitted: each row says what the shipped posterior would predict if one assumption were otherwise.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from letheon import library
from letheon.arrays import Array, jax, jnp
from letheon.definitions import LAST_SUPPORTED_DAY, RELAPSE, RELIEF
from letheon.patients.uncertainty import typical_values
from letheon.study.calibrate.trials import Read, mixture
from letheon.study.records import Progress, quantiles
from letheon.study.regimens import study, study_scenario
from letheon.study.trial.forward import Cohort, PainCourse, forecast, prepare, without_drug
from letheon.study.trial.simulation import Values
from letheon.study.validate.between_studies import with_spread
from letheon.study.validate.document import Sensitivity, SensitivityRow

OUTCOMES = {
    "relief_days": "days of relief in 12 weeks, more than on placebo",
    "boosters_a_year": "courses a year, if each return of pain is followed by another",
}
_DRAWS = 64
_WAIT_D = 14.0  # from the return of pain to the next course


class _Case(NamedTuple):
    """One end of a row: what differs from the baseline."""

    label: str
    values: Mapping[str, np.ndarray | float] = {}
    switches: Mapping[str, float | bool] = {}
    arm: str = "esketamine_slow"
    rate_factor: float = 1.0
    later: Mapping[str, float] = {}  # factors on numbers in later courses
    weights: bool = False


def _cases(values: Values) -> dict[str, tuple[_Case, _Case]]:
    """Return the assumptions, each at its low and its high end."""
    low, _, high = quantiles(values["receptor.kappa"])
    return {
        "weight of norketamine in the block": (
            _Case("-0.2", switches={"norketamine": -0.2}),
            _Case("1", switches={"norketamine": 1.0}),
        ),
        "receptor scale kappa": (
            _Case("5th percentile", {"receptor.kappa": low}),
            _Case("95th percentile", {"receptor.kappa": high}),
        ),
        "flares": (
            _Case("none", switches={"flares": False}),
            _Case("three times as many", {"flares.rate": 3.0 * values["flares.rate"]}),
        ),
        "expectancy from unblinding": (
            _Case("0.5 NRS", switches={"expectancy": 0.5}),
            _Case("1 NRS", switches={"expectancy": 1.0}),
        ),
        "spread between studies": (_Case("none", with_spread(values, 0.0)), _Case("0.6", with_spread(values, 0.6))),
        "recalled values": (_Case("left out"), _Case("switched on", weights=True)),
        "speed of titration": (_Case("one step a day"), _Case("done in one day", arm="esketamine_fast")),
        "tolerance across boosters": (
            _Case("none"),
            _Case("block halved in later courses", later={"receptor.kappa": 2.0, "slow_site.c50": 2.0}),
        ),
        "levels (pharmacokinetic uncertainty, assumed)": (
            _Case("a fifth lower", rate_factor=0.8),
            _Case("a quarter higher", rate_factor=1.25),
        ),
    }


def _relief_day(values: Mapping[str, Array], cohort: Cohort) -> Read:
    """Return what reads the chance that a diary entry shows relief, by day."""

    def read(course: PainCourse) -> Array:
        daily = jnp.diff(course.area, axis=0) / 24.0
        return jax.scipy.special.ndtr((RELIEF * cohort.people.baseline - daily) / values["diary.noise_sd"])

    return read


def _return_day(cohort: Cohort) -> Read:
    """Return what reads the day after the course on which relief (if there was any) has gone."""

    def read(course: PainCourse) -> Array:
        left = course.pain[5:] / cohort.people.baseline
        relieved = left[2] <= RELIEF
        back = left >= RELAPSE
        day = jnp.where(back.any(axis=0), jnp.argmax(back, axis=0), left.shape[0])
        return jnp.stack([relieved * day, relieved.astype(float)])

    return read


def _one(values: Mapping[str, Array], cohort: Cohort, case: _Case, pain: str) -> tuple[Array, Array, Array]:
    """Return days of relief beyond placebo, and the day of return times the share relieved, and that share."""
    switches: dict[str, Any] = dict(case.switches)
    shown = forecast(values, cohort, pain, **switches)
    sham = forecast(values, without_drug(cohort), pain, **{**switches, "expectancy": 0.0})  # nothing to see through
    read = _relief_day(values, cohort)
    relief = mixture(values, pain, shown, read).sum() - read(sham.others).mean(axis=-1).sum()
    again = dict(values) | {name: values[name] * factor for name, factor in case.later.items()}
    repeated = forecast(again, cohort, pain, **switches) if case.later else shown
    day, relieved = mixture(values, pain, repeated, _return_day(cohort))
    return relief, day, relieved


def _outcomes(case: _Case, values: Values, pain: str, weights: np.ndarray) -> dict[str, float]:
    scenario = study_scenario(study("sigtermans2009"), LAST_SUPPORTED_DAY, case.rate_factor)
    cohort = prepare(scenario, case.arm, 64)
    own = {name: np.broadcast_to(column, (_DRAWS,)) for name, column in {**values, **case.values}.items()}
    one: Any = jax.jit(lambda values, cohort: _one(values, cohort, case, pain))
    rows = [one({n: float(c[i]) for n, c in own.items()}, cohort) for i in range(_DRAWS)]
    relief, day, relieved = np.array(rows, float).T
    w = weights if case.weights else np.full(_DRAWS, 1.0 / _DRAWS)
    lasting = float(w @ day) / max(float(w @ relieved), 1e-12)
    course = 100.0 / 24.0
    return {"relief_days": float(w @ relief), "boosters_a_year": 365.25 / (course + lasting + _WAIT_D)}


def _recalled(values: Values, pain: str) -> np.ndarray:
    """Weigh draws by a value that was only recalled: the fall of 21.4 % in Schwartzman's trial, taken to within 10."""
    trial = study("schwartzman2009")
    fall = next(o.value for o in trial.outcomes if o.measure == "pain_reduction")
    cohort = prepare(study_scenario(trial, LAST_SUPPORTED_DAY), "racemic", 64, stops_h=(0.0, 14 * 24.0, 84 * 24.0))

    @jax.jit
    def one(values: Mapping[str, Array], cohort: Cohort) -> Array:
        shown = forecast(values, cohort, pain)
        hours = cohort.stops_h[2] - cohort.stops_h[1]
        left = lambda course: (course.area[2] - course.area[1]) / hours / cohort.people.baseline  # noqa: E731
        return 100.0 * (1.0 - mixture(values, pain, shown, left))

    falls = np.array([float(one({n: float(c[i]) for n, c in values.items()}, cohort)) for i in range(_DRAWS)])
    log = -0.5 * ((falls - (fall if fall is not None else math.nan)) / 10.0) ** 2
    weights = np.exp(log - log.max())
    return weights / weights.sum()


def tornado(values: Values | None = None, progress: Progress | None = None) -> Sensitivity:
    """Move one assumption at a time and read relief days and boosters after the 100-hour infusion."""
    values = typical_values(_DRAWS) if values is None else {n: c[:_DRAWS] for n, c in values.items()}
    cases = _cases(values)
    models, rows, baseline = library.PAIN_MODELS, [], {}
    for m, pain in enumerate(models):
        weights = _recalled(values, pain)
        baseline[pain] = _outcomes(_Case(""), values, pain, weights)
        for i, (assumption, (low, high)) in enumerate(cases.items()):
            if progress:
                progress(f"{assumption}, {pain}", m * len(cases) + i, len(models) * len(cases))
            ends = [_outcomes(case, values, pain, weights) for case in (low, high)]
            rows += [
                SensitivityRow(
                    assumption=assumption,
                    model=pain,
                    outcome=name,
                    low_label=low.label,
                    high_label=high.label,
                    low=ends[0][name],
                    high=ends[1][name],
                )
                for name in OUTCOMES
            ]
    places = {name: place for place, name in enumerate([*models, *OUTCOMES])}
    rows.sort(key=lambda row: (places[row.model], places[row.outcome], -_width(row, baseline)))
    return Sensitivity(outcomes=OUTCOMES, baseline=baseline, rows=tuple(rows))


def _width(row: SensitivityRow, baseline: Mapping[str, Mapping[str, float]]) -> float:
    """Return how far a row reaches from the baseline to either side, in all."""
    ends = (row.low, row.high, baseline[row.model][row.outcome])
    return max(ends) - min(ends)
