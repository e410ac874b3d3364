"""The regimens assumed for studies beside what the studies report: levels, peaks, ratios, rates and doses.

Rates and doses follow from the timetable alone; levels are simulated, in plasma only, in 64 quasi-random people under
the middles of the typical values and the model that a scenario takes by default. A report that the timetable
contradicts is an error of the library. One that only the plasma model contradicts is recorded with the outcome, in
`letheon.library.Outcome.missed`.

The stored results are written by ``python -m letheon.study.validate.regimens docs/calibration/regimens.json``.
"""

import itertools
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from letheon import __version__, library
from letheon.body.mesh import Grading
from letheon.body.response import NODES
from letheon.library import Outcome, Study, StudyArm
from letheon.library.evidence import CONTROLS
from letheon.pipeline.labels import usable
from letheon.study.calibrate.trials import titrated_rates
from letheon.study.records import Record, encode, quantiles
from letheon.study.regimens import study_scenario
from letheon.study.trial.forward import prepare
from letheon.units import REFERENCE_WEIGHT_KG

__all__ = ["RegimenCheck", "RegimenChecks", "regimen_checks", "study_checks"]

PEOPLE = 64
_SAME = 0.10  # levels this close cannot be told apart: assays in the library err by 11 to 24 %
_ROUNDING = 0.02  # of a dose
_GRADING = Grading(finest_h=0.05, early_h=2.0, coarsest_h=6.0, growth=0.5, late=0.25)
_UNTIL_GONE_H = 72.0  # after a push, for its area
_BOOLE = np.array([7, 32, 12, 32, 7]) / 90.0

Triple = tuple[float, float, float]


class RegimenCheck(Record, frozen=True):
    """One report of a study beside the regimen that the library assumes for one of its arms.

    `reported` are the lowest and the highest value that agree with the report, `simulated` lowest, median and highest:
    the 90 % range of patients, or the ends of a timetable that is not known in full. `timetable` says whether only
    rates and hours are compared, else the levels that the plasma model gives. `met` is None for a recalled report.
    """

    study: str
    arm: str
    measure: str
    unit: str
    reported: tuple[float, float]
    simulated: Triple
    timetable: bool
    met: bool | None
    day: float | None = None
    subgroup: str = ""


class RegimenChecks(Record, frozen=True):
    """All checks, and the version that made them."""

    letheon: str
    checks: tuple[RegimenCheck, ...]


class _Levels(NamedTuple):
    """Levels of an arm under each setting of what its timetable leaves open."""

    time_h: np.ndarray  # (time,)
    plasma: Mapping[str, np.ndarray]  # [ng/mL], by substance: (setting, patient, time)
    area: Mapping[str, np.ndarray]  # [ng h/mL], by substance: (setting, patient)
    dose_mg_kg: float  # at 70 kg, of the drug
    sampled_h: tuple[float, ...]

    def of(self, *names: str) -> np.ndarray:
        """Return the sum of the substances that were simulated; (setting, patient, time)."""
        return sum((self.plasma[name] for name in names if name in self.plasma), np.zeros(()))

    def at(self, hours: float, *names: str) -> np.ndarray:
        return self.of(*names)[..., np.abs(self.time_h - hours).argmin()]

    def peak_h(self, *names: str) -> np.ndarray:
        """Return when a mean level is first as high as it gets, among the samples; (setting, 1)."""
        rows = [np.abs(self.time_h - h).argmin() for h in self.sampled_h or self.time_h]
        mean = self.of(*names).mean(axis=1)[:, rows]
        first = (mean >= (1.0 - _SAME) * mean.max(axis=1, keepdims=True)).argmax(axis=1)
        return self.time_h[rows][first][:, None]

    def clearance(self, name: str) -> np.ndarray:
        """Return dose over area [mL/min/kg]."""
        share = 0.5 if {"esketamine", "arketamine"} <= self.plasma.keys() else 1.0
        return 1e6 * share * self.dose_mg_kg / self.area[name] / 60.0


_KETAMINE, _NORKETAMINE = ("esketamine", "arketamine"), ("esnorketamine", "arnorketamine")
_PLASMA: Mapping[str, Callable[[_Levels, float], np.ndarray]] = {  # of the levels and an hour: (setting, patient)
    "ketamine_level": lambda levels, h: levels.at(h, *_KETAMINE),
    "ketamine_at_relief": lambda levels, h: levels.at(h, *_KETAMINE),
    "norketamine_level": lambda levels, h: levels.at(h, *_NORKETAMINE),
    "norketamine_at_relief": lambda levels, h: levels.at(h, *_NORKETAMINE),
    "norketamine_highest": lambda levels, _: levels.of(*_NORKETAMINE).max(axis=2),
    "norketamine_over_ketamine": lambda levels, h: levels.at(h, *_NORKETAMINE) / levels.at(h, *_KETAMINE),
    "esketamine_over_arketamine": lambda levels, h: levels.at(h, "esketamine") / levels.at(h, "arketamine"),
    "ketamine_peak_time": lambda levels, _: 60.0 * levels.peak_h(*_KETAMINE),
    "norketamine_peak": lambda levels, _: 1.0 + levels.peak_h(*_NORKETAMINE) // 24,
    "esketamine_clearance": lambda levels, _: levels.clearance("esketamine"),
    "arketamine_clearance": lambda levels, _: levels.clearance("arketamine"),
}


def _daily(arm: StudyArm) -> np.ndarray:
    """Return the dose of each day with any [mg]."""
    days: dict[int, float] = {}
    for start, hours, rate in arm.infusions:
        for day in range(int(start // 24), int(np.ceil((start + hours) / 24))):
            shared = min(start + hours, 24.0 * (day + 1)) - max(start, 24.0 * day)
            days[day] = days.get(day, 0.0) + rate * shared
    return np.array([days[day] for day in sorted(days)])


def _stable_from_h(arm: StudyArm) -> tuple[float, float]:
    """Return the earliest and the latest time at which a rate may change last [h]; no level peaks before it."""
    if arm.titration:
        return arm.titration.hours
    rates = [rate for _, _, rate in arm.infusions]
    last = max((k for k in range(1, len(rates)) if rates[k] != rates[k - 1]), default=0)
    changed = arm.infusions[last][0]
    return changed, changed


def _span(low: float, high: float) -> Triple:
    return low, (low + high) / 2.0, high


def _rates(arm: StudyArm) -> Triple:
    return _span(*arm.titration.reached) if arm.titration else _span(*2 * [arm.infusions[-1][2]])


_TIMETABLE: Mapping[str, Callable[[StudyArm], Triple]] = {
    "rate_reached": _rates,
    "rate_most": lambda arm: _span(*2 * [arm.titration.most if arm.titration else max(r for _, _, r in arm.infusions)]),
    "rate_stable_from": lambda arm: _span(*_stable_from_h(arm)),
    "ketamine_peak_time": lambda arm: _span(*(60.0 * hours for hours in _stable_from_h(arm))),
    "infusion_time": lambda arm: _span(*2 * [arm.hours or 0.0]),
    "dose_per_day": lambda arm: _span(float(_daily(arm).min()), float(_daily(arm).max())),
    "dose_first_day": lambda arm: _span(*2 * [float(_daily(arm)[0])]),
    "dose_last_day": lambda arm: _span(*2 * [float(_daily(arm)[-1])]),
}


def _simulate(study: Study, arm: StudyArm) -> _Levels:
    """Solve the plasma of an arm, at the corners of what its titration leaves open."""
    pieces = tuple((start, hours, k + 1.0) for k, (start, hours, _) in enumerate(arm.infusions))
    titration = arm.titration
    run = replace(arm, infusions=pieces) if titration else arm
    last = max(start + hours for start, hours, _ in arm.infusions)
    times = [24.0 * one.time_days[1] for one in study.outcomes if one.measure in _PLASMA and one.time_days]
    stops = sorted({0.0, last, last + _UNTIL_GONE_H, *study.sampled_h, *(t for t in times if t < last)})
    alone = replace(study, arms=(run,), outcomes=(), role="check", calibrates=())
    scenario = study_scenario(alone, int(np.ceil(stops[-1] / 24.0)))
    cohort = prepare(scenario, arm.name, PEOPLE, _GRADING, stops, by_piece=titration is not None)
    length = cohort.steps.h0_h * 2.0 ** np.asarray(cohort.steps.level)
    time_h = (np.asarray(cohort.steps.time_h)[:, None] + length[:, None] * np.array(NODES)).ravel()
    factors = np.ones((1, 1, PEOPLE))  # (setting, piece, patient)
    if titration:
        sd = sum(titration.spread) / 2.0
        own = np.exp(sd * cohort.titration_z - 0.5 * sd**2)
        corners = itertools.product(titration.hours, titration.reached)
        rates = [titrated_rates(arm, h, np.minimum(mean * own, titration.most)) for h, mean in corners]
        factors = np.stack([np.asarray(one) for one in rates]) / np.arange(1.0, len(pieces) + 1.0)[:, None]
    nodes = {
        name: np.einsum("spn,nptk->sntk", factors, x[:, : factors.shape[1]]) for name, x in cohort.nodes.plasma.items()
    }
    return _Levels(
        time_h=time_h,
        plasma={name: x.reshape(*x.shape[:2], -1) for name, x in nodes.items()},
        area={name: np.einsum("sntk,k,t->sn", x, _BOOLE, length) for name, x in nodes.items()},
        dose_mg_kg=(arm.dose_mg_70kg or 0.0) / REFERENCE_WEIGHT_KG,
        sampled_h=study.sampled_h,
    )


def _reported(one: Outcome, timetable: bool) -> tuple[float, float] | None:
    """Return the lowest and the highest value that agree with a report; None where it gives no spread."""
    if one.range is not None:
        return (0.0, one.range[1]) if timetable and one.measure == "ketamine_peak_time" else one.range
    value = one.value if one.value is not None else math.nan
    if one.measure == "rate_stable_from":
        return 0.0, value
    if one.measure == "norketamine_peak":
        return value - 0.5, value + 0.5
    if timetable and one.se is None and one.sd is None:
        return (1.0 - _ROUNDING) * value, (1.0 + _ROUNDING) * value
    spread = one.se if one.se is not None else one.sd
    return None if spread is None else (max(value - 2.0 * spread, 0.0), value + 2.0 * spread)


def _simulated(one: Outcome, levels: _Levels, of_patients: bool) -> tuple[Triple, tuple[float, float]]:
    """Return the 90 % range of patients, and what must meet the report: this range, or that of their middles."""
    values = _PLASMA[one.measure](levels, 24.0 * one.time_days[1] if one.time_days else math.nan)
    low, middle, high = quantiles(values.ravel())
    medians = np.median(values, axis=1)
    return (low, middle, high), (low, high) if of_patients else (float(medians.min()), float(medians.max()))


def _check(study: Study, arm: StudyArm, one: Outcome, levels: _Levels | None) -> RegimenCheck:
    """Compare one report with an arm: with its levels, or without these with its timetable."""
    reported = _reported(one, levels is None)
    if levels is None:
        simulated = _TIMETABLE[one.measure](arm)
        decides = simulated[::2]
    else:  # a spread between patients is compared with that of patients, as is a mean without any
        simulated, decides = _simulated(one, levels, one.sd is not None or reported is None)
    low, high = reported or 2 * (one.value or 0.0,)
    if levels is None and arm.titration is None:  # every day of a timetable that is known must agree
        met = low <= decides[0] and decides[1] <= high
    else:  # of what is not known, or differs between patients, a part
        met = decides[0] <= high and low <= decides[1]
    return RegimenCheck(
        study=study.id,
        arm=arm.name,
        measure=one.measure,
        unit=one.unit,
        reported=(_short(low), _short(high)),
        simulated=(_short(simulated[0]), _short(simulated[1]), _short(simulated[2])),
        timetable=levels is None,
        met=met if one.weight > 0 else None,
        day=one.time_days[1] if one.time_days else None,
        subgroup=one.subgroup,
    )


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def study_checks(study: Study, *, simulate: bool = True) -> Iterator[RegimenCheck]:
    """Yield the checks of a study, arm by arm; without simulation those of timetables."""
    for arm in study.arms:
        own = [one for one in study.outcomes if one.arm in (arm.group, "all") and not one.statement]
        if arm.drug in CONTROLS or not usable(arm):
            continue
        yield from (_check(study, arm, one, None) for one in own if one.measure in _TIMETABLE)
        if simulate and (in_plasma := [one for one in own if one.measure in _PLASMA]):
            levels = _simulate(study, arm)
            yield from (_check(study, arm, one, levels) for one in in_plasma)


def regimen_checks() -> RegimenChecks:
    """Return the checks of every study of the library."""
    checks = tuple(check for study in library.studies() for check in study_checks(study))
    return RegimenChecks(letheon=__version__, checks=checks)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(encode(regimen_checks(), indent=1), encoding="utf-8")
