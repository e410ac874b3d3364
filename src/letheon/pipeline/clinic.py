"""What a clinic sees and decides: boosters at midnight, and the rate during an infusion.

Decisions look at observed scores, reported harms and the calendar, and at nothing else. Written for one patient; all
rules of an arm are data, so an arm without rules runs the same program.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Real

from letheon.arrays import Array, jnp
from letheon.body import pain
from letheon.body.mesh import NEVER
from letheon.definitions import REMISSION_DAYS
from letheon.dosing.policy import Policy, Rung
from letheon.dosing.regimen import Rate
from letheon.units import MS_PER_HOUR, REFERENCE_WEIGHT_KG

__all__ = [
    "CALENDAR",
    "DOWN",
    "ENDED",
    "EVENTS",
    "HELD",
    "NEW_DAY",
    "NO_PUSH",
    "NO_PUSH_DAY",
    "PAUSED",
    "RELAPSE",
    "RESUMED",
    "STOPPED",
    "STOPPED_DAY",
    "UP",
    "WEANING",
    "Chart",
    "Reach",
    "Rules",
    "Visit",
    "changes_rate",
    "decide_booster",
    "event_rows",
    "initial_chart",
    "reach_of",
    "rules_of",
    "rung_of",
    "titrate",
    "titrated_rate",
]

_DAY_H = 24.0
_YEAR_DAYS = 365
_EQUAL = 1e-9  # titration steps
_RUNGS = 16  # longest ladder of boosters
_CLASSES = 8  # most of the patients of a titration
_NO_RATE, _ANY_RATE = Rate(), Rate(np.inf)
_PER_70_KG = np.array([REFERENCE_WEIGHT_KG, 0.0, 1.0])
EVENTS = {
    1: ("booster", "relapse in the diary"),
    2: ("booster", "calendar"),
    3: ("rate up", "relief below target"),
    4: ("rate down", "psychedelic effect reported"),
    5: ("boosters stopped", "no remission"),
    6: ("boosters stopped", "psychedelic effect reported"),
    7: ("boosters stopped", "total dose"),
    8: ("rate held", "psychedelic effect reported"),
    9: ("infusion paused", "psychedelic effect reported"),
    10: ("infusion resumed", "end of the pause"),
    11: ("sessions stopped", "psychedelic effect reported"),
    12: ("weaning", "end of the timetable"),
    13: ("infusion stopped", "limit of the day"),
    14: ("infusion stopped", "limit in all"),
    15: ("infusion resumed", "new day"),
    16: ("push left out", "limit of the day"),
    17: ("push left out", "limit in all"),
}
RELAPSE, CALENDAR, UP, DOWN, _NO_RESPONSE, _HARM, _DOSE, HELD, PAUSED, RESUMED, ENDED, WEANING, *_LIMITED = EVENTS
STOPPED_DAY, STOPPED, NEW_DAY, NO_PUSH_DAY, NO_PUSH = _LIMITED
_ON_HARM = ("hold", "down", "halve", "stop", "pause")
_HOLD, _STEP_DOWN, _HALVE, _STOP, _PAUSE = range(len(_ON_HARM))


def event_rows(
    log: Sequence[Real[Array, "slots patients"]], patient: Int[np.ndarray, " patients"]
) -> dict[str, np.ndarray]:
    """Return a block's log as a table, by patient and time [h]; values are booster doses [mg] or new rates [mg/h].

    >>> from letheon.pipeline.state import Log
    >>> table = event_rows(Log(*np.array([[[24.0]], [[2.0]], [[100.0]]])), np.array([7]))
    >>> table["event"].tolist(), table["reason"].tolist()
    (['booster'], ['calendar'])
    """
    time, kind, value = (np.asarray(column).T for column in log)
    who, slot = np.nonzero(kind)
    order = np.lexsort((slot, time[who, slot], who))
    who, slot = who[order], slot[order]
    words = np.array([("", ""), *EVENTS.values()])[kind[who, slot].astype(int)]
    return {
        "patient": np.asarray(patient)[who].astype(np.int64),
        "time_h": time[who, slot],
        "event": words[:, 0],
        "reason": words[:, 1],
        "value": value[who, slot],
    }


class Rules(NamedTuple):
    """The policy of an arm as data; times of boosters in days, those of titration in ticks."""

    boosters: np.ndarray  # bool
    on_relapse: np.ndarray  # bool: whether a relapse calls for boosters
    # int, shape (rung,), as the next four; the last rung again and again: `letheon.dosing.policy.Rung`
    until: np.ndarray  # how many boosters there have been at its end
    gap: np.ndarray  # fewest days from the last session to each booster
    gap_range: np.ndarray  # how many more there may be
    length: np.ndarray  # ticks from a booster's start to its end
    span: np.ndarray  # days from a booster's first session to its last
    wait: np.ndarray  # int; this and the next three: see `letheon.dosing.policy.Boosters`
    apart: np.ndarray
    at_most: np.ndarray
    times: np.ndarray
    no_response: np.ndarray  # int: courses and boosters in a row without remission that end them; 0 for never
    harm: np.ndarray  # bool: whether a harm reported after a session ends them
    harm_elicited: np.ndarray  # bool: whether the clinic asks for it
    dose_mg: np.ndarray  # total dose that no booster may exceed; infinite for no limit
    every: np.ndarray  # int: ticks between assessments; `NEVER` without titration
    limits: np.ndarray  # shape (class - 1,): where classes of patients begin [kg, or years]; infinite where none does
    by_age: np.ndarray  # bool: whether they are ages
    # shape (class, 2), as the next two: the part for everybody [mg/h], the part for each kg [mg/h/kg]
    step: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    form: np.ndarray  # shape (3,): how the last rate is reported: a number, and both parts of the rate it stands for
    relief: np.ndarray  # relief at which the rate is held
    on_harm: np.ndarray  # int: what a harm does to the rate, place in `_ON_HARM`
    pause: np.ndarray  # int: ticks that a pause lasts
    elicited: np.ndarray  # bool: whether the clinic asks for harms at each assessment


def rules_of(policy: Policy, h0_h: float) -> Rules:
    """Return the rules of a policy as data.

    >>> bool(rules_of(Policy(), 1 / 1024).boosters)
    False
    """

    def ticks(ms: int) -> int:
        return round(ms / MS_PER_HOUR / h0_h)

    booster, titration, stops = policy.boosters, policy.titration, policy.stops
    rungs = booster.rungs if booster else (Rung((), (NEVER, NEVER)),)
    ends = [max((infusion.stop_ms for infusion in rung.session), default=0) for rung in rungs]
    until = [*accumulate(rung.times for rung in rungs[:-1]), NEVER]

    def by_rung(values: Iterable[int]) -> np.ndarray:
        each = list(values)
        return np.array([*each, *[each[-1]] * (_RUNGS - len(each))], np.int64)

    on_harm = _ON_HARM.index("pause" if titration.pause_ms else titration.on_harm) if titration else _HOLD
    ruled = (titration.step, titration.lowest, titration.highest) if titration else (_NO_RATE, _NO_RATE, _ANY_RATE)
    limits, (step, lowest, highest) = _classes(ruled)
    form = np.append(titration.highest.form[0], highest[0]) if titration else _PER_70_KG
    return Rules(
        boosters=np.asarray(booster is not None),
        on_relapse=np.asarray(booster is not None and booster.on_relapse),
        until=by_rung(until),
        gap=by_rung(rung.gap_days[0] for rung in rungs),
        gap_range=by_rung(rung.gap_days[1] - rung.gap_days[0] for rung in rungs),
        length=by_rung(map(ticks, ends)),
        span=by_rung(max(end - 1, 0) // (24 * MS_PER_HOUR) for end in ends),
        wait=np.asarray(booster.wait_days if booster else 0, np.int64),
        apart=np.asarray(booster.apart_days if booster else 0, np.int64),
        at_most=np.asarray((booster.at_most if booster else 0) or NEVER, np.int64),
        times=np.asarray((booster.times if booster else 0) or NEVER, np.int64),
        no_response=np.asarray(stops.no_response, np.int64),
        harm=np.asarray(stops.harm != ""),
        harm_elicited=np.asarray(stops.harm == "elicited"),
        dose_mg=np.asarray(stops.dose_mg or np.inf, np.float64),
        every=np.asarray(ticks(titration.every_ms) if titration else NEVER, np.int64),
        limits=limits,
        by_age=np.asarray(any(rate.classes.unit == "year" for rate in ruled)),
        step=step,
        lowest=lowest,
        highest=highest,
        form=form,
        relief=np.asarray(titration.relief if titration else 0.0, np.float64),
        on_harm=np.asarray(on_harm, np.int64),
        pause=np.asarray(ticks(titration.pause_ms) if titration else 0, np.int64),
        elicited=np.asarray(titration is not None and titration.elicited),
    )


def _classes(rates: Sequence[Rate]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return where the classes of some rates begin, and the parts of each rate by class, padded."""
    limits = sorted({limit for rate in rates for limit in rate.classes.limits})
    padded = np.array([*limits, *[np.inf] * (_CLASSES - 1 - len(limits))])
    of_class = [[rate.of(trait, trait) for trait in (-np.inf, *padded)] for rate in rates]
    return padded, [np.array([[one.absolute_mg_h, one.per_kg_mg_h] for one in each]) for each in of_class]


def reach_of(rules: Rules, weight_kg: Array, age_year: Array) -> "Reach":
    """Return what a titration may do to a patient's rate.

    >>> float(reach_of(rules_of(Policy(), 1 / 1024), 70.0, 46.0).highest)
    inf
    """
    mine = jnp.searchsorted(rules.limits, jnp.where(rules.by_age, age_year, weight_kg), side="right")
    parts = (jnp.asarray(one)[mine] for one in (rules.step, rules.lowest, rules.highest))
    return Reach(*(absolute + per_kg * weight_kg for absolute, per_kg in parts))


class Reach(NamedTuple):
    """Limits within which a titration may move one patient's rate, and its step [mg/h]."""

    step: Array
    lowest: Array
    highest: Array


class Chart(NamedTuple):
    """A patient's chart: all that a clinic knows."""

    baseline: Array  # mean of the diary before treatment [NRS]
    recent: Array  # shape (7,): last entries of the diary, the newest last
    end_day: Array  # end of the last course or booster [days since t = 0]
    last_day: Array  # int: day of the last session
    remitted: Array  # bool: whether there was remission since then
    ever_remitted: Array  # bool: whether there was remission after the first course
    failures: Array  # int: courses and boosters in a row, finished and judged, without remission
    judged: Array  # bool: whether the last of them has been judged
    due: Array  # int: day from which the next booster is due; `NEVER` for none
    boosters: Array  # int: boosters so far
    stopped: Array  # bool: whether boosters have ended for good
    given_mg: Array  # drug so far [mg]
    offset: Array  # rate from which steps count, above the written one or below it [mg/h]
    titration_step: Array  # int: steps above that, or below it
    has_reported: Array  # bool: whether a harm was reported at an assessment
    tolerated_rate: Array  # rate at the last assessment without a report [mg/h]
    ended: Array  # bool: whether a harm has ended the sessions of the timetable
    other_events: Array  # int: events so far other than boosters


class Visit(NamedTuple):
    """What a patient brings to a decision."""

    day: Array  # int: days since t = 0 that have ended
    entry: Array  # diary entry of the last of them [NRS]
    reported: Array  # bool: whether a psychedelic effect was reported in the last session
    free: Array  # bool: whether no session is running, and none of the timetable is near
    interval: Array  # number in (0, 1) by which the days to the booster after the next are drawn
    dose_mg: Array  # what a booster would give [mg]
    fits: Array  # bool: whether a booster begun now ends within the follow-up
    nth_last_day: Array  # day of the booster that is as many back as a year may have; minus infinity if there is none


def rung_of(rules: Rules, boosters: Int[Array, ""]) -> Int[Array, ""]:
    """Return the rung of the booster that follows so many others.

    >>> from letheon.dosing.policy import Boosters
    >>> from letheon.dosing.regimen import Infusion
    >>> session = (Infusion.create(0, 4, Rate(absolute_mg_h=25.0)),)
    >>> rules = rules_of(Policy(Boosters((Rung(session, (14, 14), 2), Rung(session, (28, 42))))), 1 / 1024)
    >>> [int(rung_of(rules, jnp.int64(number))) for number in range(4)]
    [0, 0, 1, 1]
    """
    return (rules.until <= boosters).sum()


def _gap(rules: Rules, boosters: Array, interval: Array) -> Array:
    """Return the days from a session to the booster that follows so many others, drawn by a number in (0, 1)."""
    rung = rung_of(rules, boosters)
    return rules.gap[rung] + jnp.floor(interval * (rules.gap_range[rung] + 1)).astype(jnp.int64)


def initial_chart(
    rules: Rules, before: Real[Array, " days"], course_end_day: Array, last_day: Array, interval: Array
) -> Chart:
    """Open a patient's chart at t = 0; `interval` is as in `Visit`, for the first booster."""
    no, none = jnp.bool_(False), jnp.int64(0)
    calendar = rules.boosters & ~rules.on_relapse
    return Chart(
        baseline=before.mean(),
        recent=jnp.asarray(before, float),
        end_day=jnp.asarray(course_end_day, float),
        last_day=jnp.asarray(last_day, jnp.int64),
        remitted=no,
        ever_remitted=no,
        failures=none,
        judged=no,
        due=jnp.where(calendar, last_day + _gap(rules, none, interval), NEVER),
        boosters=none,
        stopped=no,
        given_mg=jnp.zeros(()),
        offset=jnp.zeros(()),
        titration_step=none,
        has_reported=no,
        tolerated_rate=jnp.zeros(()),
        ended=no,
        other_events=none,
    )


def decide_booster(rules: Rules, chart: Chart, visit: Visit) -> tuple[Chart, Array]:
    """Enter a day's score into the chart and decide on a booster; return the chart and a key of `EVENTS`, or 0.

    A relapse is judged as in `letheon.body.pain.read_diary`. After a booster it takes seven new entries, but no new
    remission: a patient who was once in remission is known to respond.
    """
    recent = jnp.concatenate([chart.recent[1:], visit.entry[None]])
    low, relapsed = pain.is_low(recent, chart.baseline), pain.is_high(recent, chart.baseline)
    first = chart.boosters == 0
    in_window = (visit.day >= chart.end_day) & (visit.day <= chart.end_day + REMISSION_DAYS)
    remitted = chart.remitted | (low & in_window)
    ever_remitted = chart.ever_remitted | (first & remitted)
    fresh = visit.day >= chart.end_day + len(recent)
    # the day of remission itself is no relapse
    relapse = relapsed & jnp.where(first, chart.remitted, chart.ever_remitted & fresh)
    calls = rules.on_relapse & relapse & (chart.due == NEVER) & (visit.day >= chart.end_day)
    due = jnp.where(calls, visit.day + rules.wait, chart.due)

    wanted = rules.boosters & ~chart.stopped & (due <= visit.day) & visit.free
    judges = ~chart.judged & (wanted | (visit.day >= chart.end_day + REMISSION_DAYS))
    failures = jnp.where(remitted, 0, chart.failures + judges)  # judged when the next is due, or the window closes
    no_response = (rules.no_response > 0) & (failures >= rules.no_response)
    harm = rules.harm & visit.reported
    much = chart.given_mg + visit.dose_mg > rules.dose_mg * (1 + 1e-9)
    reason = jnp.where(no_response, _NO_RESPONSE, jnp.where(harm, _HARM, jnp.where(much, _DOSE, 0)))
    stops = wanted & (reason > 0)
    allowed = (
        (chart.boosters < rules.times)
        & (visit.nth_last_day <= visit.day - _YEAR_DAYS)
        & (visit.day - chart.last_day >= rules.apart)
        & visit.fits
    )
    begins = wanted & allowed & ~stops
    last_day = jnp.where(begins, visit.day + rules.span[rung_of(rules, chart.boosters)], chart.last_day)
    after = jnp.where(rules.on_relapse, NEVER, last_day + _gap(rules, chart.boosters + 1, visit.interval))
    kind = jnp.where(rules.on_relapse, RELAPSE, CALENDAR)
    updated = chart._replace(
        recent=recent,
        remitted=remitted & ~begins,
        ever_remitted=ever_remitted,
        failures=failures,
        judged=(chart.judged | judges) & ~begins,
        due=jnp.where(begins, after, due),
        last_day=last_day,
        boosters=chart.boosters + begins,
        stopped=chart.stopped | stops,
        other_events=chart.other_events + stops,
    )
    return updated, jnp.where(begins, kind, jnp.where(stops, reason, 0))


# --- titration during an infusion ---


def _top(chart: Chart, reach: Reach) -> Array:
    """Return the highest rate for a patient: after a report, the last one that was tolerated."""
    tolerated_rate = jnp.minimum(reach.highest, jnp.maximum(chart.tolerated_rate, reach.lowest))
    return jnp.where(chart.has_reported, tolerated_rate, reach.highest)


def titrated_rate(chart: Chart, reach: Reach, written: Array) -> Array:
    """Return the rate at which a titrated session runs [mg/h]."""
    rate = written + chart.titration_step * reach.step + chart.offset
    return jnp.minimum(jnp.maximum(rate, reach.lowest), _top(chart, reach))


def titrate(
    rules: Rules,
    chart: Chart,
    reach: Reach,
    score: Real[Array, ""],
    reported: Bool[Array, ""],
    rates: tuple[Array, Array],
) -> tuple[Chart, Array]:
    """Decide on the rate: what the rule says on a reported harm, up while relief is below its target.

    `rates` are the one that ran up to now and the written one from now on [mg/h]; returned are the chart and a key of
    `EVENTS`, or 0. After a report the rate never exceeds that of the last assessment without one; where a report holds
    the rate, it never exceeds that rate. Steps count from the present rate; those that a limit swallows do not count.
    Half a rate, and the one at which a pause ends, is the offset from which steps count then.
    """
    ran, written = rates
    on_harm = jnp.where(reported, rules.on_harm, _HOLD)
    down, moved = on_harm == _STEP_DOWN, (on_harm == _HALVE) | (on_harm == _PAUSE)
    step = jnp.maximum(reach.step, 1e-9)
    before, equal = titrated_rate(chart, reach, written), _EQUAL * step
    # a session that begins now may run faster than the one before: an assessment without a report keeps its rate
    passed = jnp.where(chart.has_reported & ~reported, jnp.maximum(ran, before), ran)
    seen = chart._replace(
        has_reported=chart.has_reported | reported,
        tolerated_rate=jnp.where(on_harm == _HOLD, passed, chart.tolerated_rate),
    )
    enough = score <= (1.0 - rules.relief) * chart.baseline + 1e-9
    up = ~reported & ~enough & (before < _top(seen, reach) - equal)
    base = written + chart.offset
    least = jnp.floor((reach.lowest - base) / step + _EQUAL).astype(jnp.int64)
    most, allowed = (jnp.ceil((_top(one, reach) - base) / step - _EQUAL).astype(jnp.int64) for one in (chart, seen))
    lowered = jnp.minimum(chart.titration_step, most) - (before > reach.lowest + equal)
    titration_step = jnp.where(up, jnp.maximum(chart.titration_step, least) + 1, chart.titration_step)
    titration_step = jnp.where(down, jnp.minimum(lowered, allowed), titration_step)
    target = jnp.where(on_harm == _HALVE, jnp.clip(before / 2, reach.lowest, _top(seen, reach)), _top(seen, reach))
    updated = seen._replace(
        titration_step=jnp.where(moved, 0, titration_step),
        offset=jnp.where(moved, target - written, chart.offset),
        ended=chart.ended | (on_harm == _STOP),
    )
    after = titrated_rate(updated, reach, written)
    event = jnp.where(reported, HELD, 0)
    event = jnp.where(after > before + equal, UP, jnp.where(after < before - equal, DOWN, event))
    event = jnp.where(on_harm == _PAUSE, PAUSED, jnp.where(on_harm == _STOP, ENDED, event))
    return updated._replace(other_events=chart.other_events + (event > 0)), event


def changes_rate(event: Int[Array, ""]) -> Bool[Array, ""]:
    """Return whether an event of a look changes the rate."""
    return (event == UP) | (event == DOWN) | (event == PAUSED) | (event == ENDED)
