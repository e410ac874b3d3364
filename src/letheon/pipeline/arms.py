"""An arm of a scenario as plain data: which models run, the mesh, the rates, what is saved."""

import math
from dataclasses import dataclass, replace

import numpy as np

from letheon import library
from letheon.body.course import Steps
from letheon.body.mesh import DAY_MS, HOUR_MS, Grading, Mesh, lay, padded_size
from letheon.dosing.regimen import Regimen, Schedule
from letheon.pipeline.harms import Dosing, dosing_of, widen
from letheon.scenario import Arm, Scenario

__all__ = ["ENDPOINT_DAYS", "ArmPlan", "Part", "Structure", "choose_enantiomer", "plan_arm", "plan_arms"]

ENDPOINT_DAYS = (1, 3, 7, 14, 28, 35, 56, 84, 182, 365)
_OCCASION_GAP_MS = 12 * HOUR_MS
_INDUCTION_EPOCH_MS = 12 * HOUR_MS
_PROFILE_TIMES = 500
_SMALLEST_SCHEDULE, _PADDED_PROFILE = 64, 512


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
    hours : array, shape (piece + 1,)
        Lengths of the pieces [h].
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
    dosing : Dosing
        Dosing days, for harms that go by days.
    """

    name: str
    drug: str
    structure: Structure
    mesh: Mesh
    steps: Steps
    absolute: np.ndarray
    per_kg: np.ndarray
    ceiling: np.ndarray
    hours: np.ndarray
    epoch_induction: np.ndarray
    epoch_occasion: np.ndarray
    save: np.ndarray
    saved: int
    day_rows: np.ndarray
    days: int
    course_end_day: float
    dosing: Dosing

    @property
    def profile_time_h(self) -> np.ndarray:
        """Times of the saved rows [h]."""
        return self.mesh.time_h[self.save[: self.saved]]


def _parts(drug: str, pk: str) -> tuple[Part, ...]:
    """Choose the models: which one gives levels and block, which one the acute effect."""
    both = frozenset({"levels", "acute"})
    if pk != "auto":
        names = {"levels": pk, "acute": pk}
    elif drug == "esketamine":
        names = {"levels": "otto2021", "acute": "simons2022"}
    else:
        names = {"levels": "pair", "acute": "pair"}
    sides = {"esketamine": (("s", 1.0),), "arketamine": (("r", 1.0),), "racemic": (("s", 0.5), ("r", 0.5))}[drug]
    if names["levels"] == names["acute"]:
        return tuple(Part(names["levels"], side, share, both) for side, share in sides)
    return tuple(
        Part(names[what], side, share, frozenset({what})) for what in ("levels", "acute") for side, share in sides
    )


def _terms(schedule: Schedule) -> tuple[np.ndarray, ...]:
    pieces = padded_size(len(schedule.terms) + 1, _SMALLEST_SCHEDULE)
    width = padded_size(max((len(terms) for terms in schedule.terms), default=1), 1)
    table = np.zeros((3, pieces, width))
    table[2] = np.inf
    hours = np.zeros(pieces)
    for p, terms in enumerate(schedule.terms, start=1):
        hours[p] = (schedule.edges_ms[p] - schedule.edges_ms[p - 1]) / HOUR_MS
        for j, rate in enumerate(terms):
            table[:, p, j] = rate.absolute_mg_h, rate.per_kg_mg_h, rate.ceiling_mg_h
    return (*table, hours)


def _epochs(schedule: Schedule, mesh: Mesh, induction: bool, occasions: bool):
    """Number the stretches of constant parameters; one for all unless a switch asks for more."""
    start = mesh.time_h[:-1]
    first = schedule.edges_ms[0] / HOUR_MS if schedule.edges_ms else 0.0
    segment = np.zeros(len(start), int)
    occasion = np.zeros(len(start), int)
    if induction:
        longest = _induction_epochs()
        since = np.maximum(start + 1e-9 - first, 0.0) * HOUR_MS / _INDUCTION_EPOCH_MS
        segment = np.minimum(since.astype(int), longest)
    if occasions:
        stops = [
            e
            for i, e in enumerate(schedule.edges_ms[:-1])
            if i == 0 or (not schedule.terms[i - 1] and e - schedule.edges_ms[i - 1] >= _OCCASION_GAP_MS)
        ]
        occasion = np.maximum(np.searchsorted(np.array(stops) / HOUR_MS, start + 1e-9) - 1, 0)
    pairs, epoch = np.unique(np.stack([segment, occasion]), axis=1, return_inverse=True)
    count = 1 if pairs.shape[1] == 1 else padded_size(pairs.shape[1])
    pairs = np.pad(pairs, ((0, 0), (0, count - pairs.shape[1])))
    middle = (pairs[0] + 0.5) * _INDUCTION_EPOCH_MS / HOUR_MS
    slope, cap = _induction()
    factor = np.minimum(1.0 + slope * middle, cap) if induction else np.ones(count)
    return epoch.reshape(-1).astype(np.int32), factor, pairs[1].astype(np.int32)


def _saved_rows(mesh: Mesh, days: np.ndarray) -> np.ndarray:
    """Choose the rows kept for profiles: all, or thinned evenly to the most that a result carries."""
    rows = np.arange(mesh.count + 1)
    if len(rows) <= _PROFILE_TIMES:
        return rows
    half = _PROFILE_TIMES // 2
    kept = days[np.unique(np.linspace(0, len(days) - 1, min(half, len(days))).round().astype(int))]
    others = np.setdiff1d(rows, kept)
    room = _PROFILE_TIMES - len(kept)
    picked = others[np.unique(np.linspace(0, len(others) - 1, room).round().astype(int))]
    return np.union1d(kept, picked)


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


def plan_arm(
    scenario: Scenario,
    arm: Arm,
    grading: Grading = Grading(),  # noqa: B008  (frozen)
    stops_ms: tuple[int, ...] | None = None,
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

    Returns
    -------
    ArmPlan
        Mesh, rates and structure.
    """
    drug, schedule = _given(scenario, arm)
    models = scenario.models
    days = math.ceil(scenario.follow_up_h / 24 - 1e-9)
    marks = ()
    if models.induction and schedule.edges_ms:
        epochs = range(1, _induction_epochs() + 1)
        marks = tuple(schedule.edges_ms[0] + i * _INDUCTION_EPOCH_MS for i in epochs)
    if stops_ms is None:
        stops = tuple(d * DAY_MS for d in range(days + 1))
        mesh = lay(schedule, days * DAY_MS, grading, marks)
    else:
        stops = stops_ms
        mesh = lay(schedule, stops[-1], grading, (*marks, *stops), midnights=False)
    epoch, induction, occasion = _epochs(schedule, mesh, models.induction, models.occasions)
    absolute, per_kg, ceiling, hours = _terms(schedule)
    given = 0.0 if arm.drug == "placebo" else 1.0
    parts = _parts(drug, models.pk)
    steps = Steps(
        h0_h=np.float64(mesh.h0_h),
        level=mesh.level,
        piece=mesh.piece,
        epoch=epoch,
        day=np.minimum((mesh.time_h[:-1] + 1e-9) // 24, days - 1).astype(np.int32),
        time_h=mesh.time_h[:-1],
    )
    day_rows = mesh.index_of(stops)
    saved = _saved_rows(mesh, day_rows)
    return ArmPlan(
        name=arm.name,
        drug=arm.drug,
        structure=Structure(parts, mesh.levels, models.borrow_variability, models.occasions),
        mesh=mesh,
        steps=steps,
        absolute=absolute * given,
        per_kg=per_kg * given,
        ceiling=ceiling,
        hours=hours,
        epoch_induction=induction,
        epoch_occasion=occasion,
        save=np.pad(saved, (0, padded_size(len(saved), _PADDED_PROFILE) - len(saved)), mode="edge"),
        saved=len(saved),
        day_rows=np.pad(day_rows, (0, padded_size(len(stops) - 1) + 1 - len(stops)), mode="edge"),
        days=days,
        course_end_day=next((stop / DAY_MS for _, stop in arm.regimen.courses()), 0.0),
        dosing=dosing_of(schedule, days),
    )


def _widen(array: np.ndarray, size: int, fill=None, axis: int = 0) -> np.ndarray:
    width = [(0, 0)] * array.ndim
    width[axis] = (0, size - array.shape[axis])
    if fill is None:
        return np.pad(array, width, mode="edge")
    return np.pad(array, width, constant_values=fill)


def plan_arms(scenario: Scenario) -> tuple[ArmPlan, ...]:
    """Turn all arms into data of common shapes, so that arms of one structure share one compiled program.

    Parameters
    ----------
    scenario : Scenario
        The scenario.

    Returns
    -------
    tuple of ArmPlan
        One for each arm; padding changes no result.
    """
    plans = [plan_arm(scenario, arm) for arm in scenario.arms]
    steps = max(len(p.steps.level) for p in plans)
    pieces, terms = (max(p.absolute.shape[i] for p in plans) for i in (0, 1))
    saves = max(len(p.save) for p in plans)
    epochs = max(len(p.epoch_induction) for p in plans)
    levels = max(p.structure.levels for p in plans)
    dosings = widen([p.dosing for p in plans])

    def table(array, fill):
        return _widen(_widen(array, pieces, fill), terms, fill, axis=1)

    return tuple(
        replace(
            p,
            structure=replace(p.structure, levels=levels),
            steps=p.steps._replace(
                **{f: _widen(getattr(p.steps, f), steps) for f in ("level", "piece", "epoch", "day", "time_h")},
            ),
            absolute=table(p.absolute, 0.0),
            per_kg=table(p.per_kg, 0.0),
            ceiling=table(p.ceiling, np.inf),
            hours=_widen(p.hours, pieces, 0.0),
            epoch_induction=_widen(p.epoch_induction, epochs),
            epoch_occasion=_widen(p.epoch_occasion, epochs),
            save=_widen(p.save, saves),
            dosing=dosing,
        )
        for p, dosing in zip(plans, dosings, strict=True)
    )
