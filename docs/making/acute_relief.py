"""Relief during infusions for refractory headache, as reported and as the shipped draws have it under both pain models.

The three series are uncontrolled, of another disease, and fitted by nothing. They show how far acute relief in practice
goes beyond that of the fitted trials, and which acute C50 would be needed if nothing else explained it.

``python docs/making/acute_relief.py`` writes ``docs/calibration/acute_relief.json``, for the shipped draws.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from letheon import __version__, library
from letheon.arrays import Array, jax
from letheon.library import Outcome
from letheon.patients.uncertainty import DRAWS, RIVAL, typical_values
from letheon.study.records import Estimate, Record, encode, quantiles
from letheon.study.regimens import study, study_scenario
from letheon.study.trial.forward import Cohort, Forecast, forecast, prepare, responds, stack, without_drug

STORED = Path(__file__).resolve().parents[1] / "calibration" / "acute_relief.json"
SERIES = ("lauritsen2016", "aan2023", "jpain2010")
PEOPLE = 32
_ARM = "racemic"
_LOWEST_C50, _HALVINGS = 1.0, 12  # [ng/mL] from which a C50 is sought, up to the one of the draws

Values = Mapping[str, Any]


class ReliefRow(Record, frozen=True):
    """One series under one pain model: mean pain at the end of the infusion, from the series' own pain before it.

    Pain in NRS points, C50 in ng/mL. `acute` is the pain that the acute effect and placebo would leave without any
    lasting effect, `placebo` what placebo alone would leave. `target_share` is the share of patients at or below the
    highest pain reported, and `all_reach` the chance that all of so many would be. `c50` is the acute C50 of the
    draws, `c50_needed` the one under which the mean would just meet the report, None if none above 1 ng/mL would;
    `at_prior` is the mean pain at the C50 that the calibration began with.
    """

    study: str
    model: str
    hours: float
    before: float
    reported: tuple[float, float]
    simulated: Estimate
    acute: Estimate
    placebo: Estimate
    target_share: Estimate
    all_reach: float
    c50: Estimate
    c50_needed: float | None
    c50_prior: float
    at_prior: float


class AcuteRelief(Record, frozen=True):
    """All series under both pain models, and the version that simulated them."""

    letheon: str
    rows: tuple[ReliefRow, ...]


def _pain(id: str, last: bool) -> Outcome:
    own = [one for one in study(id).outcomes if one.measure == "pain_mean" and one.time_days]
    return max(own, key=lambda one: one.time_days or ()) if last else min(own, key=lambda one: one.time_days or ())


def _before(id: str) -> float:
    one = _pain(id, last=False)
    return sum(one.range) / 2.0 if one.range else one.value or 0.0


def _after(id: str) -> tuple[float, float]:
    """Return the lowest and the highest mean pain that agree with a report: two standard errors, if it gives an SD."""
    one = _pain(id, last=True)
    error = 2.0 * (one.sd or 0.0) / (one.n or 1) ** 0.5
    return one.range or ((one.value or 0.0) - error, (one.value or 0.0) + error)


def _hours(id: str) -> float:
    return max(start + hours for start, hours, _ in study(id).arms[0].infusions)


def _cohorts() -> Cohort:
    cohorts = []
    for id in SERIES:
        scenario = study_scenario(study(id), int(np.ceil(_hours(id) / 24.0)))
        cohorts.append(prepare(scenario, _ARM, PEOPLE, stops_h=(0.0, _hours(id))))
    return stack(cohorts)


def _estimate(values: np.ndarray) -> Estimate:
    low, middle, high = quantiles(values)
    return Estimate(median=round(middle, 3), interval_90=(round(low, 3), round(high, 3)))


def _model_rows(cohorts: Cohort, pain: str, draws: Mapping[str, np.ndarray]) -> list[ReliefRow]:
    run: Any = jax.jit(jax.vmap(lambda own, c: forecast(own, c, pain, flares=False), in_axes=(None, 0)))
    baseline = np.asarray(cohorts.people.baseline)  # (series, patient)
    own = RIVAL if pain == "slow_site" else ""

    def left(values: Values, cohorts: Cohort) -> tuple[np.ndarray, np.ndarray]:
        """Return the share of pain left at the end, with and without an effect on lasting pain; (series, patient)."""
        shown: Forecast = run(values, cohorts)
        return np.asarray(shown.responders.pain)[:, -1] / baseline, np.asarray(shown.others.pain)[:, -1] / baseline

    def mean(values: Values, both: tuple[np.ndarray, np.ndarray]) -> Array:
        share = float(responds(values, pain))
        return (share * both[0] + (1.0 - share) * both[1]).mean(axis=1)

    sets = [{name: float(column[k]) for name, column in draws.items()} for k in range(DRAWS)]
    drug = [left(values, cohorts) for values in sets]
    sham = [left(values, without_drug(cohorts))[1].mean(axis=1) for values in sets]
    means = np.array([mean(values, both) for values, both in zip(sets, drug, strict=True)])
    middle = {name: float(np.median(column)) for name, column in draws.items()}
    c50, prior = f"{own}acute.c50", library.pain("acute")["c50"].value

    def at(level: float) -> Array:
        values = middle | {c50: level}
        return mean(values, left(values, cohorts))

    needed = _needed(at, middle[c50])
    at_prior, rows = at(prior), []
    for i, id in enumerate(SERIES):
        before, after = _before(id), _after(id)
        reach = np.array(
            [
                responds(v, pain) * (before * a[i] <= after[1]).mean()
                + (1.0 - responds(v, pain)) * (before * b[i] <= after[1]).mean()
                for v, (a, b) in zip(sets, drug, strict=True)
            ]
        )
        rows.append(
            ReliefRow(
                study=id,
                model=pain,
                hours=_hours(id),
                before=before,
                reported=(round(after[0], 3), round(after[1], 3)),
                simulated=_estimate(before * means[:, i]),
                acute=_estimate(before * np.array([others[i].mean() for _, others in drug])),
                placebo=_estimate(before * np.array(sham)[:, i]),
                target_share=_estimate(reach),
                all_reach=float(f"{(reach ** (study(id).population.n or 1)).mean():.2g}"),
                c50=_estimate(draws[c50]),
                c50_needed=needed[i],
                c50_prior=prior,
                at_prior=round(before * float(at_prior[i]), 3),
            )
        )
    return rows


def _needed(at: Any, highest: float) -> list[float | None]:
    """Halve the interval in which the C50 lies that makes a series' mean pain as high as the report allows."""
    limits = np.array([_after(id)[1] / _before(id) for id in SERIES])
    low, high = np.full(len(SERIES), np.log(_LOWEST_C50)), np.full(len(SERIES), np.log(highest))
    reachable = at(_LOWEST_C50) <= limits
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        met = np.array([at(float(np.exp(x)))[i] for i, x in enumerate(middle)]) <= limits
        low, high = np.where(met, middle, low), np.where(met, high, middle)
    return [float(f"{np.exp(x):.3g}") if possible else None for x, possible in zip(low, reachable, strict=True)]


def acute_relief() -> AcuteRelief:
    """Simulate the three series under both pain models with the shipped draws."""
    cohorts, draws = _cohorts(), typical_values(DRAWS)
    rows = [row for pain in library.PAIN_MODELS for row in _model_rows(cohorts, pain, draws)]
    return AcuteRelief(letheon=__version__, rows=tuple(rows))


if __name__ == "__main__":
    STORED.write_text(encode(acute_relief(), indent=1), encoding="utf-8")
