"""Columns of a block: endpoints and harms by patient, and time courses, each under the mechanisms it depends on."""

from collections.abc import Mapping

import numpy as np

from letheon.arrays import Array
from letheon.body.pain import Course
from letheon.patients.population import People
from letheon.pipeline import harms
from letheon.pipeline.block import DECIDED, BlockResult
from letheon.pipeline.plan import ArmPlan
from letheon.scenario.measures import AREA, WHOLE, Readout, under_model

__all__ = ["STATES", "columns", "time_courses", "with_drawn"]

_ONCE = (*(measure.name for measure in WHOLE), "relapse_day")
STATES = {"memory": "sensitisation", "slow_site": "slow_site_effect"}  # what carries the relief of each
_PAIN = {"memory": "nrs", "slow_site": "nrs_slow"}
_EXPOSURE_PLACES = 6  # of ng/mL and h: the last of 16 digits may differ with the number of threads


def _of_course(course: Course, read: Readout, valid: slice) -> dict[str, np.ndarray]:
    out, nrs, responder = {}, np.asarray(course.nrs), np.asarray(course.responder)
    for row, day in enumerate(read.days):
        out[f"nrs_day_{day}"] = nrs[row][valid]
        out |= {f"{one.name}_day_{day}": responder[k, row][valid] for k, one in enumerate(read.responders)}
    weekly = np.asarray(course.weekly)[: read.weeks]
    out |= {f"nrs_week_{week}": mean[valid] for week, mean in enumerate(weekly, 1)}
    once = (*_ONCE, *(measure.name for measure in AREA if read.area))
    return out | {kind: np.asarray(getattr(course, kind))[valid] for kind in once}


def _of_dosing(result: BlockResult, valid: slice) -> dict[str, np.ndarray]:
    """Return what follows from what was given: it depends on the mechanism where rules act on the diary."""
    out = {name: np.asarray(getattr(result, name))[valid] for name in ("dosing_days", *DECIDED)}
    return out | {
        f"harm_{name}": harms.rounded(name, np.asarray(values)[valid]) for name, values in result.harms.items()
    }


def _of_exposure(result: BlockResult, plan: ArmPlan, valid: slice) -> dict[str, np.ndarray]:
    """Return the exposures; NaN for a Ctrough where the first course has no pause."""
    one, read, out = result.exposure, plan.read, dict[str, np.ndarray]()
    for row, substance in enumerate(plan.structure.substances if one else ()):
        assert one
        values = (one.auc[row], one.cmax[row], one.ctrough[row]) if read.exposure else ()
        for kind, value in zip(read.exposures, (*values, *one.above[row, : len(read.above)]), strict=True):
            out[f"{kind}_{substance}"] = np.round(np.asarray(value)[valid], _EXPOSURE_PLACES)
    return {name: values if name in plan.exposures else np.full_like(values, np.nan) for name, values in out.items()}


def columns(
    results: Mapping[str, BlockResult], people: People, plan: ArmPlan, valid: int, ruled: bool
) -> dict[str, np.ndarray]:
    """Return the endpoints and harms of the first `valid` patients of a block, shape (patient,), by name.

    With several mechanisms, a name such as ``memory_nrs_day_7`` says which; with `ruled`, what was given and its harms
    have such names too.
    """
    counted, first = slice(0, valid), next(iter(results))
    out = {
        "weight_kg": np.asarray(people.weight_kg)[counted],
        "baseline_latent": np.asarray(people.baseline)[counted],
        "draw": np.asarray(people.draw)[counted],
        "bistable": np.asarray(results[first].bistable)[counted],
        "baseline_nrs": np.asarray(results[first].diary[first].baseline)[counted],
    }
    for model, result in results.items():
        own = _of_course(result.diary[model], plan.read, counted)
        dosing = _of_dosing(result, counted) | _of_exposure(result, plan, counted) if ruled or model == first else {}
        own |= dosing if ruled else {}
        out |= {under_model(name, model): values for name, values in own.items()} if len(results) > 1 else own
        out |= {} if ruled else dosing
    return out


def with_drawn(table: Mapping[str, np.ndarray], memory: np.ndarray) -> dict[str, np.ndarray]:
    """Add plain columns to those of both mechanisms: each patient's value under the one drawn for that patient.

    >>> table = {"memory_nrs": np.array([1.0, 2.0]), "slow_site_nrs": np.array([3.0, 4.0])}
    >>> with_drawn(table, np.array([True, False]))["nrs"].tolist()
    [1.0, 4.0]
    """
    names = [name.removeprefix("memory_") for name in table if name.startswith("memory_")]
    plain = {name: np.where(memory, table[f"memory_{name}"], table[f"slow_site_{name}"]) for name in names}
    shared = {name: values for name, values in table.items() if not name.startswith(("memory_", "slow_site_"))}
    return shared | plain | {name: values for name, values in table.items() if name not in shared}


def time_courses(results: Mapping[str, BlockResult], ruled: bool) -> dict[str, np.ndarray]:
    """Return the time courses of a block, shape (time, patient), by name as `columns`; each state has its mechanism."""
    out: dict[str, Array] = {}
    for model, result in results.items():
        profile = result.profile
        dosing = {name: values for name, values in profile.items() if name.endswith(("ketamine", "nmda_block"))}
        own = {"nrs": profile[_PAIN[model]]} | (dosing if ruled else {})
        out |= {under_model(name, model): values for name, values in own.items()} if len(results) > 1 else own
        out |= {STATES[model]: profile[STATES[model]]} | ({} if ruled else dosing)
    return {name: np.asarray(values) for name, values in out.items()}
