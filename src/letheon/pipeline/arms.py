"""An arm of a scenario as plain data: which models run, the mesh, the rates, what is saved."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from letheon import library
from letheon.body.course import Steps
from letheon.body.mesh import DAY_MS, HOUR_MS, NEVER, Grading, Mesh, lay, padded_size
from letheon.dosing.policy import Policy
from letheon.dosing.regimen import Regimen, Schedule
from letheon.harms.exposure import day_pieces
from letheon.pipeline.clinic import Rules, rules_of
from letheon.pipeline.harms import Sizes
from letheon.pipeline.models import common_models
from letheon.scenario import Arm, Scenario

__all__ = [
    "ENDPOINT_DAYS",
    "ArmPlan",
    "Part",
    "Structure",
    "Timetable",
    "choose_enantiomer",
    "plan_arm",
    "plan_arms",
    "widened",
]

ENDPOINT_DAYS = (1, 3, 7, 14, 28, 35, 56, 84, 182, 365)
_OCCASION_GAP_MS = 12 * HOUR_MS
_INDUCTION_EPOCH_MS = 12 * HOUR_MS
_PROFILE_TIMES = 500
_SMALLEST_SCHEDULE, _PADDED_PROFILE = 64, 512
_FALL_DAYS = 4  # by then levels have fallen by a factor of a thousand
_SMALLEST_DAYS, _SMALLEST_LOG = 64, 16


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


class Timetable(NamedTuple):
    """The clock of an arm as data; times in ticks, padded with `NEVER`.

    Attributes
    ----------
    h0_h : array
        The tick [h].
    per_day : int array
        Ticks a day.
    reached : int array, shape (level,)
        How long steps may be: see `letheon.body.mesh.Pace`.
    edge : int array, shape (edge,)
        When pieces of the schedule begin; behind a `NEVER` those of a booster, from its own start.
    begins : int array, shape (edge,)
        Piece that begins there; 0 for none.
    booster : int array
        Where the booster's edges begin.
    epoch_at : int array, shape (epoch + 1,)
        When epochs of the parameters begin.
    save_at : int array, shape (time + 1,)
        When profiles are kept.
    """

    h0_h: np.ndarray
    per_day: np.ndarray
    reached: np.ndarray
    edge: np.ndarray
    begins: np.ndarray
    booster: np.ndarray
    epoch_at: np.ndarray
    save_at: np.ndarray


@dataclass(frozen=True, slots=True)
class ArmPlan:
    """An arm as data for the compiled block.

    Attributes
    ----------
    name, drug : str
        From the scenario.
    structure : Structure
        Decides the program.
    mesh : Mesh
        Steps in time.
    steps : Steps
        The same as arrays.
    absolute, per_kg, ceiling : array, shape (piece + 1, term)
        Rates [mg/h]; a patient's rate is the sum over terms of min(absolute + per_kg weight, ceiling).
    epoch_induction : array, shape (epoch,)
        Factor on norketamine clearance.
    epoch_occasion : int array, shape (epoch,)
        Occasion that each epoch belongs to.
    save : int array
        Rows of the trajectory kept for profiles; padded.
    saved : int
        How many of them count.
    day_rows : int array, shape (day + 1,)
        Rows of the trajectory at the midnights (or stops); padded.
    days : int
        Days of follow-up.
    course_end_day : float
        End of the first course [days since t = 0].
    last_day : int
        Day of its last session, counted from 0.
    timetable : Timetable
        The clock.
    rules : Rules
        The policy.
    policy : Policy
        The same as written.
    """

    name: str
    drug: str
    structure: Structure
    mesh: Mesh
    steps: Steps
    absolute: np.ndarray
    per_kg: np.ndarray
    ceiling: np.ndarray
    epoch_induction: np.ndarray
    epoch_occasion: np.ndarray
    save: np.ndarray
    saved: int
    day_rows: np.ndarray
    days: int
    course_end_day: float
    last_day: int
    timetable: Timetable
    rules: Rules
    policy: Policy

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


def _terms(schedule: Schedule, booster: Schedule) -> tuple[np.ndarray, ...]:
    """Tabulate the rates of all pieces, those of a booster behind those of the timetable."""
    both = (*schedule.terms, *booster.terms)
    pieces = padded_size(len(both) + 1, _SMALLEST_SCHEDULE)
    width = padded_size(max((len(terms) for terms in both), default=1), 1)
    table = np.zeros((3, pieces, width))
    table[2] = np.inf
    for p, terms in enumerate(both, start=1):
        for j, rate in enumerate(terms):
            table[:, p, j] = rate.absolute_mg_h, rate.per_kg_mg_h, rate.ceiling_mg_h
    return tuple(table)


def _epochs(schedule: Schedule, induction: bool, occasions: bool):
    """List the stretches of constant parameters [ms]; one for all unless a switch asks for more."""
    first = schedule.edges_ms[0] if schedule.edges_ms else 0
    rises = [first + k * _INDUCTION_EPOCH_MS for k in range(1, _induction_epochs() + 1)] if induction else []
    starts = [
        e
        for i, e in enumerate(schedule.edges_ms[:-1])
        if i == 0 or (not schedule.terms[i - 1] and e - schedule.edges_ms[i - 1] >= _OCCASION_GAP_MS)
    ]
    starts = starts[1:] if occasions else []  # what comes before the first session is part of its occasion
    at = np.array(sorted({0, *rises, *starts}))
    segment = np.searchsorted(rises, at, side="right")
    occasion = np.searchsorted(starts, at, side="right")
    slope, cap = _induction()
    middle = (segment + 0.5) * _INDUCTION_EPOCH_MS / HOUR_MS
    factor = np.minimum(1.0 + slope * middle, cap) if induction else np.ones(len(at))
    count = 1 if len(at) == 1 else padded_size(len(at))
    spare = count - len(at)
    return at, np.pad(factor, (0, spare), mode="edge"), np.pad(occasion, (0, spare)).astype(np.int32)


def _edges(schedule: Schedule, booster: Schedule, horizon_ms: int) -> tuple[np.ndarray, np.ndarray, int]:
    """List when pieces begin [ms], and which; the timetable's, then a booster's from its own start."""

    def listed(one: Schedule, first: int):
        pieces = [first + p if terms else 0 for p, terms in enumerate(one.terms)]
        return list(zip(one.edges_ms, (*pieces, 0), strict=True)) if pieces else []

    own = [(e, p) for e, p in listed(schedule, 1) if e < horizon_ms]
    rows = [*own, (NEVER, 0), *listed(booster, 1 + len(schedule.terms)), (NEVER, 0)]
    size = padded_size(len(rows), 2 * _SMALLEST_SCHEDULE)
    rows += [(NEVER, 0)] * (size - len(rows))
    edge, begins = zip(*rows, strict=True)
    return np.array(edge, np.int64), np.array(begins, np.int32), len(own) + 1


def _timetable(mesh: Mesh, edges, booster: int, epoch_at: np.ndarray, epochs: int, save_at: np.ndarray) -> Timetable:
    """Count all times of an arm in ticks."""
    tick_ms = mesh.h0_h * HOUR_MS

    def ticks(ms):
        whole = np.where(np.asarray(ms) < NEVER, np.round(np.asarray(ms) / tick_ms), NEVER)
        return np.where(np.asarray(ms) < NEVER, whole, NEVER).astype(np.int64)

    reached = mesh.pace.reached
    edge, begins = edges
    return Timetable(
        h0_h=mesh.pace.h0_h,
        per_day=np.asarray(round(DAY_MS / tick_ms), np.int64),
        reached=np.pad(reached, (0, mesh.levels - len(reached)), constant_values=NEVER),
        edge=ticks(edge),
        begins=begins,
        booster=np.asarray(booster, np.int64),
        epoch_at=np.pad(ticks(epoch_at), (0, epochs + 1 - len(epoch_at)), constant_values=NEVER),
        save_at=save_at,
    )


def _sizes(schedule: Schedule, policy: Policy, booster: Schedule, days: int) -> tuple[int, Sizes]:
    """Bound the lines of a patient's log, and the stretches of equal days and the dosing days that harms go by."""
    pieces = day_pieces(schedule, days)
    dosed = int(pieces.days[pieces.hours.any(axis=1)].sum()) if len(pieces.days) else 0
    stretches, lines = len(pieces.days), 1
    if policy.titration:
        stretches = max(stretches, 2 * dosed + 1)
        lines += sum(math.ceil(d * HOUR_MS / policy.titration.every_ms) for d in schedule.durations_h)
    if policy.boosters:
        most, long = policy.boosters.most(days), math.ceil(policy.boosters.stop_ms / DAY_MS)
        stretches += most * (2 * long + 1)
        dosed += most * len(Regimen("racemic", policy.boosters.session).dosing_days())
        lines += most
    sizes = Sizes(
        stretches=padded_size(min(stretches, days), _SMALLEST_DAYS), doses=padded_size(min(dosed, days), _SMALLEST_DAYS)
    )
    return padded_size(lines, _SMALLEST_LOG), sizes


def _thinned(rows: np.ndarray, most: int) -> np.ndarray:
    return (
        rows[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int))] if most else rows[:0]
    )


def _saved_rows(
    mesh: Mesh, days: np.ndarray, end_ms: int, kept: np.ndarray | None = None, most: int = _PROFILE_TIMES
) -> np.ndarray:
    """Choose the rows kept for profiles: all (or those that are sure to be met), or as many as there is room for.

    Half the room goes to midnights; what is left, first to the course and the days in which levels fall behind it.
    """
    rows = np.arange(mesh.count + 1) if kept is None else kept
    if len(rows) <= most:
        return rows
    midnights = _thinned(days, most // 2)
    others = np.setdiff1d(rows, midnights)
    in_course = mesh.time_h[others] * HOUR_MS <= end_ms + _FALL_DAYS * DAY_MS
    course = _thinned(others[in_course], most - len(midnights))
    later = _thinned(others[~in_course], most - len(midnights) - len(course))
    return np.union1d(midnights, np.union1d(course, later))


def _sure_rows(mesh: Mesh, policy: Policy, marks_ms: tuple[int, ...], quiet_ms: float) -> np.ndarray | None:
    """List the rows that every patient meets whatever is decided; None for all of them."""
    if policy.fixed:
        return None
    sure = mesh.index_of(sorted({0, *marks_ms}))
    if policy.titration:
        return sure
    return np.union1d(sure, np.flatnonzero(mesh.time_h[: mesh.count + 1] * HOUR_MS <= quiet_ms + 0.5))


def _quiet_until(policy: Policy, end_ms: int, last_day: int) -> float:
    """Return until when [ms] no booster can begin, or until levels have fallen if that is sooner."""
    rule, fallen = policy.boosters, end_ms + _FALL_DAYS * DAY_MS
    if rule is None:
        return fallen
    first = end_ms + rule.wait_days * DAY_MS if rule.on_relapse else (last_day + min(rule.gaps_days)) * DAY_MS
    return max(end_ms, min(fallen, first))


def _looks(schedule: Schedule, policy: Policy, horizon_ms: int) -> tuple[int, ...]:
    """List when the rate is looked at [ms]: every so often from the start of each stretch of drug."""
    if not policy.titration:
        return ()
    runs: list[list[int]] = []
    for terms, (start, stop) in zip(schedule.terms, pairwise(schedule.edges_ms), strict=True):
        if terms and runs and runs[-1][1] == start:
            runs[-1][1] = stop
        elif terms:
            runs.append([start, stop])
    every = policy.titration.every_ms
    return tuple(t for a, b in runs for t in range(a + every, b, every) if t < horizon_ms)


def choose_enantiomer(values: dict, enantiomer: str) -> dict:
    """Rename the parameters that a model states for each enantiomer (``cl_s``, ``cl_r``) to plain ones."""
    chosen = {k: v for k, v in values.items() if not k.endswith(("_s", "_r"))}
    return chosen | {k[:-2]: v for k, v in values.items() if k.endswith(f"_{enantiomer}")}


def _induction() -> tuple[float, float]:
    numbers = library.receptor()
    return (
        numbers["norketamine_induction_slope"].canonical,
        numbers["norketamine_induction_cap"].canonical,
    )


def _induction_epochs() -> int:
    """Return the number of epochs until norketamine clearance has risen to its cap."""
    slope, cap = _induction()
    return math.ceil((cap - 1) / slope * HOUR_MS / _INDUCTION_EPOCH_MS)


def _given(scenario: Scenario, arm: Arm) -> tuple[str, Schedule]:
    """Return the drug whose program an arm runs, and its schedule; a placebo arm mirrors the arm it is like."""
    if arm.drug != "placebo":
        return arm.drug, arm.regimen.schedule()
    like = next(other for other in scenario.arms if other.name == arm.like)
    return like.drug, Regimen(like.drug, arm.regimen.infusions).schedule()


def _steps(mesh: Mesh, epoch_at: np.ndarray, days: int) -> Steps:
    return Steps(
        h0_h=np.float64(mesh.h0_h),
        level=mesh.level,
        piece=mesh.piece,
        epoch=(np.searchsorted(epoch_at / HOUR_MS, mesh.time_h[:-1] + 1e-9) - 1).astype(np.int32),
        day=np.minimum((mesh.time_h[:-1] + 1e-9) // 24, days - 1).astype(np.int32),
        time_h=mesh.time_h[:-1],
    )


def plan_arm(
    scenario: Scenario,
    arm: Arm,
    grading: Grading = Grading(),  # noqa: B008  (frozen)
    stops_ms: tuple[int, ...] | None = None,
    rows: int = _PROFILE_TIMES,
) -> ArmPlan:
    """Turn an arm into data.

    Parameters
    ----------
    scenario : Scenario
        The scenario it belongs to.
    arm : Arm
        The arm; a placebo arm runs the program and the mesh of the arm it is like, at rate zero.
    grading : Grading
        How fine the mesh is.
    stops_ms : tuple of int, optional
        Times to hit and to find in `day_rows` [ms] instead of the midnights; the last ends the mesh.
    rows : int
        Most times to keep for profiles.

    Returns
    -------
    ArmPlan
        Mesh, rates and structure.
    """
    drug, schedule = _given(scenario, arm)
    models, policy = scenario.models, arm.policy
    booster = policy.booster(drug).schedule()
    days = math.ceil(scenario.follow_up_h / 24 - 1e-9)
    horizon = days * DAY_MS if stops_ms is None else stops_ms[-1]
    stops = tuple(d * DAY_MS for d in range(days + 1)) if stops_ms is None else stops_ms
    epoch_at, induction, occasion = _epochs(schedule, models.induction, models.occasions)
    looks = _looks(schedule, policy, horizon)
    marks = (*epoch_at[1:].tolist(), *looks, *(() if stops_ms is None else stops))
    grains = (*booster.edges_ms, *((policy.titration.every_ms,) if policy.titration else ()))
    mesh = lay(schedule, horizon, grading, marks, midnights=stops_ms is None, grains_ms=grains)
    absolute, per_kg, ceiling = _terms(schedule, booster)
    given = 0.0 if arm.drug == "placebo" else 1.0
    end = next((stop for _, stop in arm.regimen.courses()), 0)
    day_rows = mesh.index_of(stops)
    last_day = max(end - 1, 0) // DAY_MS
    events = (*(e for e in schedule.edges_ms if e <= horizon), *stops, *looks)
    sure = _sure_rows(mesh, policy, events, _quiet_until(policy, end, last_day))
    saved = _saved_rows(mesh, day_rows, end, sure, rows)
    room = padded_size(len(saved), _PADDED_PROFILE) - len(saved)
    edge, begins, first = _edges(schedule, booster, horizon)
    slots, sizes = _sizes(schedule, policy, booster, days)
    save_at = np.pad(np.round(mesh.time_h[saved] / mesh.h0_h).astype(np.int64), (0, room), constant_values=NEVER)
    return ArmPlan(
        name=arm.name,
        drug=arm.drug,
        structure=Structure(
            _parts(drug, common_models(scenario)),
            mesh.levels,
            models.borrow_variability,
            models.occasions,
            slots,
            sizes,
        ),
        mesh=mesh,
        steps=_steps(mesh, epoch_at, days),
        absolute=absolute * given,
        per_kg=per_kg * given,
        ceiling=ceiling,
        epoch_induction=induction,
        epoch_occasion=occasion,
        save=np.pad(saved, (0, room), mode="edge"),
        saved=len(saved),
        day_rows=np.pad(day_rows, (0, padded_size(len(stops) - 1) + 1 - len(stops)), mode="edge"),
        days=days,
        course_end_day=end / DAY_MS,
        last_day=last_day,
        timetable=_timetable(mesh, (edge, begins), first, epoch_at, len(induction), save_at),
        rules=rules_of(policy, mesh.h0_h),
        policy=policy,
    )


def _widen(array: np.ndarray, size: int, fill=None, axis: int = 0) -> np.ndarray:
    width = [(0, 0)] * array.ndim
    width[axis] = (0, size - array.shape[axis])
    if fill is None:
        return np.pad(array, width, mode="edge")
    return np.pad(array, width, constant_values=fill)


def plan_arms(
    scenario: Scenario,
    grading: Grading = Grading(),  # noqa: B008  (frozen)
    rows: int = _PROFILE_TIMES,
) -> tuple[ArmPlan, ...]:
    """Turn all arms into data of common shapes, so that arms of one structure share one compiled program.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    grading : Grading
        How fine the meshes are.
    rows : int
        Most times to keep for profiles.

    Returns
    -------
    tuple of ArmPlan
        One for each arm; padding changes no result.
    """
    return widened([plan_arm(scenario, arm, grading, rows=rows) for arm in scenario.arms])


def widened(plans: list[ArmPlan]) -> tuple[ArmPlan, ...]:
    """Pad the arrays of several arms to common shapes.

    Parameters
    ----------
    plans : list of ArmPlan
        Arms, of one scenario or of many.

    Returns
    -------
    tuple of ArmPlan
        The same arms; those of one structure share one compiled program.
    """
    steps = max(len(p.steps.level) for p in plans)
    pieces, terms = (max(p.absolute.shape[i] for p in plans) for i in (0, 1))
    saves = max(len(p.save) for p in plans)
    epochs = max(len(p.epoch_induction) for p in plans)
    edges = max(len(p.timetable.edge) for p in plans)
    levels, slots = (max(getattr(p.structure, name) for p in plans) for name in ("levels", "slots"))
    sizes = Sizes(*(max(values) for values in zip(*(p.structure.sizes for p in plans), strict=True)))

    def table(array, fill):
        return _widen(_widen(array, pieces, fill), terms, fill, axis=1)

    def clock(t: Timetable) -> Timetable:
        wide = {"reached": levels, "edge": edges, "epoch_at": epochs + 1, "save_at": saves}
        made = {name: _widen(getattr(t, name), size, NEVER) for name, size in wide.items()}
        return t._replace(begins=_widen(t.begins, edges, 0), **made)

    return tuple(
        replace(
            p,
            structure=replace(p.structure, levels=levels, slots=slots, sizes=sizes),
            steps=p.steps._replace(
                **{f: _widen(getattr(p.steps, f), steps) for f in ("level", "piece", "epoch", "day", "time_h")},
            ),
            absolute=table(p.absolute, 0.0),
            per_kg=table(p.per_kg, 0.0),
            ceiling=table(p.ceiling, np.inf),
            epoch_induction=_widen(p.epoch_induction, epochs),
            epoch_occasion=_widen(p.epoch_occasion, epochs),
            save=_widen(p.save, saves),
            timetable=clock(p.timetable),
        )
        for p in plans
    )
