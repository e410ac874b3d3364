"""An arm of a scenario as plain data: which models run, the mesh, the rates, what is saved."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from letheon import library
from letheon.arrays import Array
from letheon.body.course import Steps
from letheon.body.mesh import DAY_MS, HOUR_MS, NEVER, Grading, Mesh, lay, padded_size
from letheon.dosing.policy import Policy
from letheon.dosing.regimen import Infusion, Regimen, Schedule
from letheon.harms.exposure import day_pieces, stretches
from letheon.pipeline.clinic import Rules, rules_of
from letheon.pipeline.harms import Sizes
from letheon.pipeline.models import common_models, substances
from letheon.pipeline.timetable import (
    Pieces,
    assessments,
    calendar,
    clock,
    edges_of,
    pieces_of,
    push_lengths,
    rate_tables,
    saved_rows,
)
from letheon.scenario import Arm, Responder, Scenario
from letheon.scenario.measures import Readout

__all__ = [
    "ArmData",
    "ArmPlan",
    "Limits",
    "Part",
    "Sampling",
    "Structure",
    "choose_enantiomer",
    "plan_arm",
    "plan_arms",
    "widened",
]

_OCCASION_GAP_MS = 12 * HOUR_MS
_INDUCTION_EPOCH_MS = 12 * HOUR_MS
_PROFILE_TIMES = 500
_PADDED_PROFILE = 512
_SMALLEST_DAYS, _SMALLEST_LOG = 64, 16
_ENDPOINTS, _THRESHOLDS, _LEVELS = 32, 8, 4


@dataclass(frozen=True, slots=True)
class Part:
    """One enantiomer under one model: what is compiled, not what is given."""

    model: str
    enantiomer: str
    share: float
    drives: frozenset[str]


@dataclass(frozen=True, slots=True)
class Structure:
    """Everything about an arm that decides which program is compiled; new doses and times do not change it."""

    parts: tuple[Part, ...]
    levels: int
    borrow: bool
    occasions: bool
    slots: int
    sizes: Sizes
    substances: tuple[str, ...] = ()  # in plasma, whose exposure is read


class Limits(NamedTuple):
    """Limits of dose [mg], infinite for no limit, and how long pushes take."""

    per_day: Array
    in_all: Array
    push_hours: Array  # shape (piece + 1,): length of the push that begins with a piece [h]; 0 for none


class Sampling(NamedTuple):
    """What is read from the levels in plasma where a scenario asks for exposures."""

    trough: Array  # int: tick at which the last session of the first course begins; `NEVER` if it has only one
    above: Array  # shape (level,): levels whose time above is read [ng/mL]; padded with infinity


class ArmData(NamedTuple):
    """An arm as compiled code takes it; times in ticks, padded with `NEVER`.

    What a patient's rate is says `letheon.pipeline.timetable.RateTables`.
    """

    h0_h: Array  # the tick [h]
    per_day: Array  # int: ticks a day
    reached: Array  # int, shape (level,): how long steps may be, see `letheon.body.mesh.Pace`
    edge: Array  # int, shape (edge,): when pieces begin; behind a `NEVER` those of each booster, from its own start
    begins: Array  # int, shape (edge,): piece that begins there; 0 for none
    epoch_at: Array  # int, shape (epoch + 1,): when epochs of the parameters begin
    save_at: Array  # int, shape (time + 1,): when profiles are kept
    rules: Rules  # the policy
    boosters: Array  # int, shape (rung,): where the edges of the booster of each rung begin
    absolute: Array  # shape (piece + 1, term), as the next six [mg/h]
    per_kg: Array  # [mg/h/kg]
    ceiling: Array  # [mg/h]
    low: Array  # limits of the class that a term is for [kg, or years]
    high: Array
    by_age: Array  # bool: whether they are ages
    pushed: Array  # bool: which are pushes; needed only where a titration sets the rates of the others
    titrated: Array  # bool, shape (piece + 1,): in which pieces a titration sets the rate
    weaned: Array  # shape (piece + 1,): share of the rate before a weaning at which a piece runs; 0 outside it
    epoch_induction: Array  # shape (epoch,): factor on norketamine clearance
    epoch_occasion: Array  # int, shape (epoch,): occasion that each epoch belongs to
    days: Array  # int: days of follow-up
    course_end_day: Array  # end of the first course [days since t = 0]
    last_day: Array  # int: day of its last session, counted from 0
    endpoint_days: Array  # int, shape (endpoint day,); padded with the last
    thresholds: Array  # shape (threshold, 2): of responders, see `letheon.body.pain.read_diary`; padded with the last
    deciding: Array = np.int64(0)  # 1 where the diary under the slow site is the one that the clinic sees
    limits: Limits | None = None  # None where there are none, so that arms without them compute nothing of it
    sampling: Sampling | None = None  # None, likewise, where no exposure is asked for


_FILL = {  # what pads an array of `ArmData`; None for its last entry
    **dict.fromkeys(("reached", "edge", "epoch_at", "save_at"), NEVER),
    **dict.fromkeys(("begins", "absolute", "per_kg", "by_age", "pushed", "titrated", "weaned"), 0),
    **dict.fromkeys(("ceiling", "high"), np.inf),
    "low": -np.inf,
    **dict.fromkeys(("epoch_induction", "epoch_occasion"), None),
}


@dataclass(frozen=True, slots=True)
class ArmPlan:
    """An arm, ready for the compiled block."""

    name: str
    drug: str
    structure: Structure  # decides the program
    mesh: Mesh  # steps in time
    steps: Steps  # the same as arrays
    data: ArmData
    save: np.ndarray  # int: rows of the trajectory kept for profiles; padded
    saved: int  # how many of them count
    day_rows: np.ndarray  # int, shape (day + 1,): rows of the trajectory at the midnights (or stops); padded
    days: int  # of follow-up
    course_end_day: float  # end of the first course [days since t = 0]
    policy: Policy
    read: Readout  # endpoints

    @property
    def exposures(self) -> tuple[str, ...]:
        """Names of the exposures that are read in this arm: without Ctrough where its first course has no pause."""
        sampling = self.data.sampling
        paused = sampling is not None and sampling.trough < NEVER
        kinds = [kind for kind in self.read.exposures if kind != "ctrough" or paused]
        return tuple(f"{kind}_{substance}" for substance in self.structure.substances for kind in kinds)

    @property
    def profile_time_h(self) -> np.ndarray:
        """Times of the saved rows [h]."""
        return self.mesh.time_h[self.save[: self.saved]]


def _parts(drug: str, names: Mapping[str, str]) -> tuple[Part, ...]:
    """Lay out a drug's enantiomers under the models that give levels and block, and the acute effect."""
    both = frozenset({"levels", "acute"})
    sides = {"esketamine": (("s", 1.0),), "arketamine": (("r", 1.0),), "racemic": (("s", 0.5), ("r", 0.5))}[drug]
    if names["levels"] == names["acute"]:
        return tuple(Part(names["levels"], side, share, both) for side, share in sides)
    return tuple(
        Part(names[what], side, share, frozenset({what})) for what in ("levels", "acute") for side, share in sides
    )


def _epochs(schedule: Schedule, induction: bool, occasions: bool) -> tuple:
    """List the stretches of constant parameters [ms]; one for all unless a switch asks for more."""
    slope, cap = (library.receptor()[f"norketamine_induction_{name}"].canonical for name in ("slope", "cap"))
    count = math.ceil((cap - 1) / slope * HOUR_MS / _INDUCTION_EPOCH_MS)  # until the clearance has risen to its cap
    first = schedule.edges_ms[0] if schedule.edges_ms else 0
    rises = [first + k * _INDUCTION_EPOCH_MS for k in range(1, count + 1)] if induction else []
    starts = [
        e
        for i, e in enumerate(schedule.edges_ms[:-1])
        if i == 0 or (not schedule.terms[i - 1] and e - schedule.edges_ms[i - 1] >= _OCCASION_GAP_MS)
    ]
    starts = starts[1:] if occasions else []  # what comes before the first session is part of its occasion
    at = np.array(sorted({0, *rises, *starts}))
    segment = np.searchsorted(rises, at, side="right")
    occasion = np.searchsorted(starts, at, side="right")
    middle = (segment + 0.5) * _INDUCTION_EPOCH_MS / HOUR_MS
    factor = np.minimum(1.0 + slope * middle, cap) if induction else np.ones(len(at))
    count = 1 if len(at) == 1 else padded_size(len(at))
    spare = count - len(at)
    return at, np.pad(factor, (0, spare), mode="edge"), np.pad(occasion, (0, spare)).astype(np.int32)


def _sizes(schedule: Schedule, policy: Policy, booster_terms: int, days: int) -> tuple[int, Sizes]:
    """Bound the lines of a patient's log, and the stretches of equal days and the dosing days that harms go by."""
    pieces = day_pieces(schedule, days)
    dosed = int(pieces.days[pieces.hours.any(axis=1)].sum()) if len(pieces.days) else 0
    # Equal days may differ in the last digit when their doses are added up, so each dosing day may be its own stretch.
    stretches, lines = max(len(pieces.days), 2 * dosed + 1), 1
    if policy.titration:
        checks = sum(math.ceil(d * HOUR_MS / policy.titration.every_ms) for d in schedule.durations_h)
        lines += 2 * checks if policy.titration.pause_ms else checks  # a pause begins and ends
    lines += policy.wean is not None
    if policy.limits:
        often = policy.boosters.most(days) * (booster_terms + 2) if policy.boosters else 0
        # a stop or a push at each piece, a stop and a start a day
        lines += 2 * (len(schedule.terms) + dosed) + 2 * often
    if policy.boosters:
        most, long = policy.boosters.most(days), math.ceil(policy.boosters.stop_ms / DAY_MS)
        stretches += most * (2 * long + 1)
        dosed += most * max(len(one.dosing_days()) for one in policy.boosters_of("racemic"))
        lines += most
    sizes = Sizes(
        stretches=padded_size(min(stretches, days), _SMALLEST_DAYS), doses=padded_size(min(dosed, days), _SMALLEST_DAYS)
    )
    return padded_size(lines, _SMALLEST_LOG), sizes


def choose_enantiomer(values: dict, enantiomer: str) -> dict:
    """Rename the parameters that a model states for each enantiomer (``cl_s``, ``cl_r``) to plain ones."""
    chosen = {k: v for k, v in values.items() if not k.endswith(("_s", "_r"))}
    return chosen | {k[:-2]: v for k, v in values.items() if k.endswith(f"_{enantiomer}")}


def _foreseen(regimen: Regimen, policy: Policy, days: Sequence[int]) -> Regimen:
    """Return a regimen with the boosters of a calendar written out."""
    if not policy.boosters or not days:
        return regimen
    later = [
        Infusion(i.start_ms + day * DAY_MS, i.duration_ms, i.rate)
        for number, day in enumerate(days)
        for i in policy.boosters.rung(number).session
    ]
    return Regimen.create(regimen.drug, (*regimen.infusions, *later))


def _steps(mesh: Mesh, epoch_at: np.ndarray, days: int) -> Steps:
    return Steps(
        h0_h=np.float64(mesh.h0_h),
        level=mesh.level,
        piece=mesh.piece,
        epoch=(np.searchsorted(epoch_at / HOUR_MS, mesh.time_h[:-1] + 1e-9) - 1).astype(np.int32),
        day=np.minimum((mesh.time_h[:-1] + 1e-9) // 24, days - 1).astype(np.int32),
        time_h=mesh.time_h[:-1],
    )


def _read_on(days: Sequence[int], kinds: Sequence[Responder]) -> dict[str, np.ndarray]:
    """Return the days and thresholds of endpoints, padded so that others compile nothing new."""
    spare, more = (padded_size(len(one), size) - len(one) for one, size in ((days, _ENDPOINTS), (kinds, _THRESHOLDS)))
    return {
        "endpoint_days": np.pad(np.array(days), (0, spare), mode="edge"),
        "thresholds": np.pad(np.array([one.limit for one in kinds]), ((0, more), (0, 0)), mode="edge"),
    }


def _limits(policy: Policy, regimens: Sequence[Regimen], pieces: Sequence[Pieces], count: int) -> Limits | None:
    if policy.limits is None:
        return None
    per_day, in_all = (np.float64(mg or np.inf) for mg in (policy.limits.per_day_mg, policy.limits.in_all_mg))
    return Limits(per_day, in_all, push_lengths(regimens, pieces, count))


def _first_edges(policy: Policy, begin: Sequence[int], rungs: int) -> np.ndarray:
    """Return where the edges of the booster of each rung begin, given those of each kind of booster."""
    if policy.boosters is None:
        return np.zeros(rungs, np.int64)
    sessions = policy.boosters.sessions
    each = [begin[sessions.index(rung.session)] for rung in policy.boosters.rungs]
    return np.pad(np.array(each, np.int64), (0, rungs - len(each)), mode="edge")


def _sampling(read: Readout, schedule: Schedule, end_ms: float, tick_ms: float) -> Sampling | None:
    """Return what is read from the levels; `end_ms` is the end of the first course, or of the follow-up."""
    if not read.exposures:
        return None
    starts = [one.start_h * HOUR_MS for one in stretches(schedule) if one.start_h * HOUR_MS < end_ms]
    trough = round(starts[-1] / tick_ms) if len(starts) > 1 else NEVER
    spare = padded_size(len(read.above), _LEVELS) - len(read.above)
    return Sampling(np.int64(trough), np.pad(np.array(read.above, float), (0, spare), constant_values=np.inf))


def plan_arm(
    scenario: Scenario,
    arm: Arm,
    grading: Grading = Grading(),  # noqa: B008  (frozen)
    stops_ms: tuple[int, ...] | None = None,
    rows: int = _PROFILE_TIMES,
) -> ArmPlan:
    """Turn an arm into data."""
    models, policy = scenario.models, arm.policy
    drug = arm.drug if arm.drug != "placebo" else scenario.arm(arm.like or "").drug  # placebo runs what it mirrors
    regimen = Regimen(drug, arm.given.infusions)
    boosters, rules = policy.boosters_of(regimen.drug), Policy(limits=policy.limits)
    pieces, of_boosters = pieces_of(regimen, policy), [pieces_of(one, rules) for one in boosters]
    schedule, later_schedules = pieces.schedule, [one.schedule for one in of_boosters]
    days = math.ceil(scenario.follow_up_h / 24 - 1e-9)
    horizon = days * DAY_MS if stops_ms is None else stops_ms[-1]
    stops = tuple(d * DAY_MS for d in range(days + 1)) if stops_ms is None else stops_ms
    epoch_at, induction, occasion = _epochs(schedule, models.induction, models.occasions)
    end = next((stop for _, stop in regimen.courses()), 0)
    last_day = max(end - 1, 0) // DAY_MS
    foreseen = _foreseen(regimen, policy, calendar(policy.boosters, schedule, last_day, days)).schedule()
    marks = (*epoch_at[1:].tolist(), *assessments(regimen, policy, horizon), *(() if stops_ms is None else stops))
    titration = policy.titration
    grains = (
        *(edge for one in later_schedules for edge in one.edges_ms),
        *((titration.every_ms, titration.pause_ms) if titration else ()),
    )
    mesh = lay(foreseen, horizon, grading, marks, midnights=stops_ms is None, grains_ms=grains)
    read = Readout.of(scenario)
    tables = rate_tables(pieces, of_boosters)
    if arm.drug == "placebo":
        tables = tables._replace(absolute=0.0 * tables.absolute, per_kg=0.0 * tables.per_kg)
    day_rows = mesh.index_of(stops)
    later = () if policy.fixed else tuple(e for e in foreseen.edges_ms if end < e < horizon)
    saved = saved_rows(mesh, day_rows, end, rows, later)
    room = padded_size(len(saved) + 1, _PADDED_PROFILE) - len(saved)
    slots, sizes = _sizes(schedule, policy, max((len(one.terms) for one in later_schedules), default=0), days)
    save_at = np.pad(np.round(mesh.time_h[saved] / mesh.h0_h).astype(np.int64), (0, room), constant_values=NEVER)
    arm_rules = rules_of(policy, mesh.h0_h)
    edge, piece, begin = edges_of(schedule, later_schedules, horizon)
    data = ArmData(
        **clock(mesh, (edge, piece), epoch_at, len(induction)),
        save_at=save_at,
        rules=arm_rules,
        boosters=_first_edges(policy, begin, len(arm_rules.until)),
        **tables._asdict(),
        epoch_induction=induction,
        epoch_occasion=occasion,
        days=days,
        course_end_day=end / DAY_MS,
        last_day=last_day,
        **_read_on(read.days, read.responders),
        limits=_limits(policy, (regimen, *boosters), (pieces, *of_boosters), len(tables.absolute)),
        sampling=_sampling(read, schedule, min(end, horizon), mesh.h0_h * HOUR_MS),
    )
    return ArmPlan(
        name=arm.name,
        drug=arm.drug,
        structure=Structure(
            _parts(regimen.drug, common_models(scenario)),
            mesh.levels,
            models.borrow_variability,
            models.occasions,
            slots,
            sizes,
            substances(scenario) if read.exposures else (),
        ),
        mesh=mesh,
        steps=_steps(mesh, epoch_at, days),
        data=data,
        save=np.pad(saved, (0, room), mode="edge"),
        saved=len(saved),
        day_rows=np.pad(day_rows, (0, padded_size(len(stops) - 1) + 1 - len(stops)), mode="edge"),
        days=days,
        course_end_day=end / DAY_MS,
        policy=policy,
        read=read,
    )


def plan_arms(
    scenario: Scenario,
    grading: Grading = Grading(),  # noqa: B008  (frozen)
    rows: int = _PROFILE_TIMES,
) -> tuple[ArmPlan, ...]:
    """Turn all arms into data of common shapes, so that arms of one structure share one compiled program.

    `rows` bounds the times kept for profiles. Padding changes no result.
    """
    return widened([plan_arm(scenario, arm, grading, rows=rows) for arm in scenario.arms])


def widened(plans: list[ArmPlan]) -> tuple[ArmPlan, ...]:
    """Pad the arrays of several arms to common shapes."""
    levels, slots = (max(getattr(p.structure, name) for p in plans) for name in ("levels", "slots"))
    sizes = Sizes(*(max(values) for values in zip(*(p.structure.sizes for p in plans), strict=True)))
    data = {name: _padded([getattr(p.data, name) for p in plans], fill) for name, fill in _FILL.items()}
    room = len(data["absolute"][0])
    steps = {name: _padded([getattr(p.steps, name) for p in plans], None) for name in Steps._fields if name != "h0_h"}
    saves = _padded([p.save for p in plans], None)
    return tuple(
        replace(
            p,
            structure=replace(p.structure, levels=levels, slots=slots, sizes=sizes),
            steps=p.steps._replace(**{name: arrays[k] for name, arrays in steps.items()}),
            data=p.data._replace(
                **{name: arrays[k] for name, arrays in data.items()}, limits=_roomy(p.data.limits, room)
            ),
            save=saves[k],
        )
        for k, p in enumerate(plans)
    )


def _roomy(limits: Limits | None, pieces: int) -> Limits | None:
    """Pad limits to a number of pieces."""
    if limits is None:
        return None
    return limits._replace(push_hours=np.pad(limits.push_hours, (0, pieces - len(limits.push_hours))))


def _padded(arrays: list[np.ndarray], fill: float | None) -> list[np.ndarray]:
    """Pad arrays to one shape."""
    shape = np.max([array.shape for array in arrays], axis=0)
    padded = []
    for array in arrays:
        width = [(0, most - size) for most, size in zip(shape, array.shape, strict=True)]
        padded.append(np.pad(array, width, mode="edge") if fill is None else np.pad(array, width, constant_values=fill))
    return padded
