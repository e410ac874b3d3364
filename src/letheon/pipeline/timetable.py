"""The timetable of an arm: pieces and when they begin, assessments of the rate, times kept for profiles."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from letheon.arrays import Array
from letheon.body.mesh import DAY_MS, HOUR_MS, NEVER, Mesh, padded_size
from letheon.dosing.policy import Boosters, Policy
from letheon.dosing.regimen import Rate, Regimen, Schedule
from letheon.dosing.titration import titrated_spans
from letheon.dosing.weaning import end_of_sessions, wean_steps

__all__ = ["Pieces", "assessments", "calendar", "clock", "edges_of", "pieces_of", "rate_tables", "saved_rows"]

_SMALLEST_SCHEDULE = 64
_QUIET_MS = 8 * HOUR_MS
_FALL_DAYS = 4  # by then levels have fallen by a factor of a thousand


class Pieces(NamedTuple):
    """The pieces of an arm's schedule, and what a titration does in each.

    In an arm with a titration they are cut where a taper begins or ends, and pushes stand behind what the pump runs.
    """

    schedule: Schedule
    titrated: tuple[bool, ...]  # whether the titration sets the rate of each
    pushes: tuple[int, ...]  # how many terms of each, at its end, are pushes
    weaned: tuple[float, ...] = ()  # share of the rate before a weaning at which each runs; 0 or absent outside it


def pieces_of(regimen: Regimen, policy: Policy) -> Pieces:
    """Cut a regimen, with its weaning written out, into pieces.

    >>> from letheon.dosing.regimen import Infusion
    >>> sessions = [Infusion.create(0, 4, Rate(absolute_mg_h=25.0)), Infusion.create(4, 4, Rate(absolute_mg_h=5.0))]
    >>> pieces_of(Regimen.create("racemic", sessions), Policy()).titrated
    (False, False)
    """
    schedule = regimen.schedule()
    if policy.titration is None and policy.wean is None and policy.limits is None:
        count = len(schedule.terms)
        return Pieces(schedule, (False,) * count, (0,) * count)
    spans = titrated_spans(regimen.infusions) if policy.titration else ()
    end = end_of_sessions(regimen)[0]
    steps = wean_steps(policy.wean, end - policy.wean.over_ms) if policy.wean else ()
    infusions, pushes = (
        Regimen(regimen.drug, tuple(i for i in regimen.infusions if i.is_push is push)).schedule()
        for push in (False, True)
    )
    cuts = (*spans, *(step[:2] for step in steps))
    edges = sorted({*infusions.edges_ms, *pushes.edges_ms, *(t for span in cuts for t in span)})
    terms = [(_running(infusions, t), _running(pushes, t)) for t in edges[:-1]]
    return Pieces(
        Schedule(tuple(edges), tuple((*infusion, *push) for infusion, push in terms)),
        tuple(any(a <= t < b for a, b in spans) for t in edges[:-1]),
        tuple(len(push) for _, push in terms),
        tuple(next((step.share for step in steps if step.start_ms <= t < step.stop_ms), 0.0) for t in edges[:-1]),
    )


def _running(schedule: Schedule, time_ms: int) -> tuple[Rate, ...]:
    """Return what runs from a time on."""
    place = int(np.searchsorted(schedule.edges_ms, time_ms, side="right")) - 1
    return schedule.terms[place] if 0 <= place < len(schedule.terms) else ()


def push_lengths(regimens: Sequence[Regimen], pieces: Sequence[Pieces], count: int) -> np.ndarray:
    """Tabulate how long pushes take [h], by the piece that begins with each.

    >>> from letheon.dosing.regimen import Infusion
    >>> push = Regimen.create("racemic", [Infusion.create(0, 1 / 60, Rate(absolute_mg_h=600.0))])
    >>> (60.0 * push_lengths([push], [pieces_of(push, Policy())], 2)).tolist()
    [0.0, 1.0]
    """
    table, first = np.zeros(count), 1
    for regimen, (schedule, *_) in zip(regimens, pieces, strict=True):
        for infusion in regimen.infusions:
            if infusion.is_push and infusion.start_ms in schedule.edges_ms:
                table[first + schedule.edges_ms.index(infusion.start_ms)] = infusion.duration_ms / HOUR_MS
        first += len(schedule.terms)
    return table


class RateTables(NamedTuple):
    """What is given in each piece, shape (piece + 1, term), the boosters' pieces last; the first is a pause.

    A patient's rate is the sum over terms of min(absolute + per_kg weight, ceiling) where low <= weight < high, or age
    in place of weight.
    """

    absolute: np.ndarray  # [mg/h]
    per_kg: np.ndarray  # [mg/h/kg]
    ceiling: np.ndarray  # [mg/h]
    low: np.ndarray  # limits of the class that a term is for [kg, or years]; infinite for everybody
    high: np.ndarray
    by_age: np.ndarray  # bool: whether they are ages
    pushed: np.ndarray  # bool: which are pushes; needed only where a titration sets the rates of the others
    titrated: np.ndarray  # bool, shape (piece + 1,): in which pieces a titration sets the rate
    weaned: np.ndarray  # shape (piece + 1,): share of the rate before a weaning at which a piece runs; 0 outside it


def _terms_by_class(rate: Rate) -> list[tuple[float, ...]]:
    """Return the rows of a rate in `RateTables`: one, or one for each class."""
    unit, limits, rates = rate.classes.unit, rate.classes.limits, rate.classes.rates or (rate,)
    ends = zip(rates, (-np.inf, *limits), (*limits, np.inf), strict=True)
    return [
        (one.absolute_mg_h, one.per_kg_mg_h, one.ceiling_mg_h, low, high, float(unit == "year"))
        for one, low, high in ends
    ]


def rate_tables(pieces: Pieces, boosters: Sequence[Pieces]) -> RateTables:
    """Tabulate the rates of a timetable and of its boosters."""
    every = [pieces, *boosters]
    each = [[_terms_by_class(rate) for rate in terms] for one in every for terms in one.schedule.terms]
    count = padded_size(len(each) + 1, _SMALLEST_SCHEDULE)
    width = padded_size(max((sum(map(len, terms)) for terms in each), default=1), 1)
    table = np.zeros((6, count, width))
    table[2], table[3], table[4] = np.inf, -np.inf, np.inf
    pushed, titrated = np.zeros((count, width), bool), np.zeros(count, bool)
    for p, terms in enumerate(each, start=1):
        for j, row in enumerate(row for rows in terms for row in rows):
            table[:, p, j] = row
    at_end = [count for one in every for count in one.pushes]
    for p, (terms, pushes) in enumerate(zip(each, at_end, strict=True), start=1):
        infused, end = (sum(map(len, some)) for some in (terms[: len(terms) - pushes], terms))
        pushed[p, infused:end] = True
    titrated[1 : len(pieces.titrated) + 1] = pieces.titrated
    weaned = np.zeros(count)
    weaned[1 : len(pieces.weaned) + 1] = pieces.weaned
    absolute, per_kg, ceiling, low, high, by_age = table
    return RateTables(absolute, per_kg, ceiling, low, high, by_age > 0, pushed, titrated, weaned)


def edges_of(
    schedule: Schedule, boosters: Sequence[Schedule], horizon_ms: int
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """List when pieces begin [ms], which they are, and where those of each booster begin (from its own start)."""

    def listed(one: Schedule, first: int) -> list[tuple[int, int]]:
        pieces = [first + p if terms else 0 for p, terms in enumerate(one.terms)]
        return list(zip(one.edges_ms, (*pieces, 0), strict=True)) if pieces else []

    rows = [*((e, p) for e, p in listed(schedule, 1) if e < horizon_ms), (NEVER, 0)]
    begin, first = [], 1 + len(schedule.terms)
    for booster in boosters:
        begin.append(len(rows))
        wait = [(0, 0)] if booster.edges_ms[0] > 0 else []  # a booster begins with a day, before its first session
        rows += [*wait, *listed(booster, first), (NEVER, 0)]
        first += len(booster.terms)
    size = padded_size(len(rows), 2 * _SMALLEST_SCHEDULE)
    rows += [(NEVER, 0)] * (size - len(rows))
    edge, begins = zip(*rows, strict=True)
    return np.array(edge, np.int64), np.array(begins, np.int32), begin


def clock(
    mesh: Mesh, edges: tuple[np.ndarray, np.ndarray], epoch_at: Int[np.ndarray, " starts"], epochs: int
) -> dict[str, np.ndarray]:
    """Count all times of an arm in ticks: the clock's fields of `letheon.pipeline.plan.ArmData`."""
    tick_ms = mesh.h0_h * HOUR_MS

    def ticks(ms: Array) -> Array:
        whole = np.where(np.asarray(ms) < NEVER, np.round(np.asarray(ms) / tick_ms), NEVER)
        return np.where(np.asarray(ms) < NEVER, whole, NEVER).astype(np.int64)

    reached = mesh.pace.reached
    edge, begins = edges
    return {
        "h0_h": mesh.pace.h0_h,
        "per_day": np.asarray(round(DAY_MS / tick_ms), np.int64),
        "reached": np.pad(reached, (0, mesh.levels - len(reached)), constant_values=NEVER),
        "edge": ticks(edge),
        "begins": begins,
        "epoch_at": np.pad(ticks(epoch_at), (0, epochs + 1 - len(epoch_at)), constant_values=NEVER),
    }


def assessments(regimen: Regimen, policy: Policy, horizon_ms: int) -> tuple[int, ...]:
    """List when the rate is assessed [ms]: at a fixed interval from the start of each continuous infusion."""
    if not policy.titration:
        return ()
    schedule = Regimen(regimen.drug, tuple(i for i in regimen.infusions if not i.is_push)).schedule()
    runs: list[list[int]] = []
    for terms, (start, stop) in zip(schedule.terms, pairwise(schedule.edges_ms), strict=True):
        if terms and runs and runs[-1][1] == start:
            runs[-1][1] = stop
        elif terms:
            runs.append([start, stop])
    every = policy.titration.every_ms
    return tuple(t for a, b in runs for t in range(a + every, b, every) if t < horizon_ms)


def calendar(boosters: Boosters | None, schedule: Schedule, last_day: int, days: int) -> tuple[int, ...]:
    """Return the days on which boosters begin where nothing stops them, after the middle of each gap.

    On relapse there are none, since a relapse cannot be foreseen.

    >>> from letheon.dosing.regimen import Infusion
    >>> rule = Boosters.create((Infusion.create(0, 4, Rate(absolute_mg_h=25.0)),), [14, 28])
    >>> calendar(rule, Schedule(), 0, 84)
    (14, 42, 70)
    """
    if boosters is None or boosters.on_relapse:
        return ()
    result: list[int] = []
    due = last_day + sum(boosters.rung(0).gap_days) // 2
    while len(result) < (boosters.times or NEVER):
        start, stop = due * DAY_MS, max(infusion.stop_ms for infusion in boosters.rung(len(result)).session)
        if start + stop > days * DAY_MS:
            break
        following = next((edge for edge in schedule.edges_ms if edge > start), NEVER)
        free = not _running(schedule, start) and following - start >= boosters.apart_days * DAY_MS
        full = boosters.at_most and sum(day > due - 365 for day in result) >= boosters.at_most
        if full or due - last_day < boosters.apart_days or not free:
            due += 1
            continue
        result.append(due)
        last_day = due + (stop - 1) // DAY_MS
        due = last_day + sum(boosters.rung(len(result)).gap_days) // 2
    return tuple(result)


def _thinned(rows: np.ndarray, most: int) -> np.ndarray:
    return (
        rows[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int))] if most else rows[:0]
    )


def saved_rows(
    mesh: Mesh, days: Int[np.ndarray, " days"], end_ms: int, most: int, later_ms: tuple[int, ...] = ()
) -> np.ndarray:
    """Choose the rows kept for profiles: all, or as many as there is room for.

    Half the room goes to midnights; what is left, first to the course and the days in which levels fall behind it. Of
    that, a third is set aside for later sessions where they are given. After those days one row in 8 h is enough where
    steps are long.
    """
    rows = np.arange(mesh.count + 1)
    time_ms = np.round(mesh.time_h[: len(rows)] * HOUR_MS)
    in_course = time_ms <= end_ms + _FALL_DAYS * DAY_MS
    near = np.any([(time_ms >= t) & (time_ms <= t + DAY_MS) & ~in_course for t in (*later_ms, math.inf)], axis=0)
    step_ms = np.diff(time_ms, prepend=0.0, append=math.inf)
    short = np.minimum(step_ms[:-1], step_ms[1:]) < _QUIET_MS / 2
    rows = rows[short | in_course | near | (time_ms % _QUIET_MS == 0.0) | np.isin(rows, days)]
    if len(rows) <= most:
        return rows
    midnights = _thinned(days, most // 2)
    others = np.setdiff1d(rows, midnights)
    near, in_course = near[others], in_course[others]
    later = _thinned(others[near], (most - len(midnights)) // 3)
    course = _thinned(others[in_course], most - len(midnights) - len(later))
    rest = np.setdiff1d(others[~in_course], later)
    rest = _thinned(rest, most - len(midnights) - len(course) - len(later))
    return np.unique(np.concatenate([midnights, course, later, rest]))
