"""What a clinic sees, and what it decides at midnight: boosters. What it decides on the drip is in `bedside`.

Decisions look at observed scores, reported harms and the calendar, and at nothing else. Written for one patient; all
rules of an arm are data, so an arm without rules runs the same program.
"""

from typing import NamedTuple

import numpy as np

from letheon.arrays import Array, jnp
from letheon.body import pain
from letheon.body.mesh import NEVER
from letheon.definitions import REMISSION_DAYS
from letheon.dosing.policy import Policy
from letheon.dosing.regimen import Rate
from letheon.units import MS_PER_HOUR, REFERENCE_WEIGHT_KG

__all__ = [
    "CALENDAR",
    "DOWN",
    "EVENTS",
    "HELD",
    "RELAPSE",
    "UP",
    "Chart",
    "Rules",
    "Visit",
    "arrive",
    "event_rows",
    "first_chart",
    "rules_of",
]

_DAY_H = 24.0
_YEAR_DAYS = 365
_GAPS = 16  # longest ladder of intervals
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
}
RELAPSE, CALENDAR, UP, DOWN, _NO_RESPONSE, _HARM, _DOSE, HELD = EVENTS


def event_rows(log, patient: np.ndarray) -> dict[str, np.ndarray]:
    """Return a block's log as a table, patient by patient, each in the order of time.

    Parameters
    ----------
    log : letheon.pipeline.walkers.Log
        Log of the patients that count; axes (slot, patient).
    patient : int array, shape (patient,)
        Their numbers.

    Returns
    -------
    dict of str to array, shape (event,)
        ``patient``, ``time_h`` [h], ``event``, ``reason``, and ``value``: dose of a booster [mg] or new rate [mg/h].

    Examples
    --------
    >>> from letheon.pipeline.walkers import Log
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
    """The policy of an arm as data; times of boosters in days, those of titration in ticks.

    Attributes
    ----------
    boosters, on_relapse : bool
        Whether there are boosters, and whether a relapse calls for them.
    gaps : int array
        Days from the last session to each booster, the last again and again.
    wait, apart, at_most, times : int
        See `letheon.dosing.policy.Boosters`.
    length : int
        Ticks from a booster's start to its end.
    last_day : int
        Day of a booster's last session, its first being 0.
    no_response : int
        Courses and boosters in a row without remission that end the boosters; 0 for never.
    harm, harm_asked : bool
        Whether a harm told after a session ends them, and whether the clinic asks for it.
    dose_mg : float
        Total dose that no booster may exceed; infinite for no limit.
    every : int
        Ticks between looks; `NEVER` without titration.
    step, lowest, highest : array, shape (2,)
        Step, lowest and highest rate: part that is the same for everybody [mg/h], part for each kg [mg/h/kg].
    form : array, shape (3,)
        How the last rate is told: a number, and the rate for which it stands (both parts).
    relief : float
        Relief at which the rate is held.
    down : int
        Steps that a harm takes the rate down: 0 or 1.
    asked : bool
        Whether the clinic asks for harms at each look.
    """

    boosters: np.ndarray
    on_relapse: np.ndarray
    gaps: np.ndarray
    wait: np.ndarray
    apart: np.ndarray
    at_most: np.ndarray
    times: np.ndarray
    length: np.ndarray
    last_day: np.ndarray
    no_response: np.ndarray
    harm: np.ndarray
    harm_asked: np.ndarray
    dose_mg: np.ndarray
    every: np.ndarray
    step: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    form: np.ndarray
    relief: np.ndarray
    down: np.ndarray
    asked: np.ndarray


def rules_of(policy: Policy, h0_h: float) -> Rules:
    """Return the rules of a policy as data.

    Parameters
    ----------
    policy : Policy
        The policy; without rules it never decides anything.
    h0_h : float
        The tick [h].

    Returns
    -------
    Rules
        Arrays.

    Examples
    --------
    >>> bool(rules_of(Policy(), 1 / 1024).boosters)
    False
    """

    def ticks(ms: int) -> int:
        return round(ms / MS_PER_HOUR / h0_h)

    def parts(rate: Rate) -> np.ndarray:
        return np.array([rate.absolute_mg_h, rate.per_kg_mg_h])

    booster, titration, stops = policy.boosters, policy.titration, policy.stops
    gaps = (booster.gaps_days if booster else ()) or (NEVER,)
    form = np.append(titration.highest.form[0], parts(titration.highest)) if titration else _PER_70_KG
    return Rules(
        boosters=np.asarray(booster is not None),
        on_relapse=np.asarray(booster is not None and booster.on_relapse),
        gaps=np.array([*gaps, *[gaps[-1]] * (_GAPS - len(gaps))], np.int64),
        wait=np.asarray(booster.wait_days if booster else 0, np.int64),
        apart=np.asarray(booster.apart_days if booster else 0, np.int64),
        at_most=np.asarray((booster.at_most if booster else 0) or NEVER, np.int64),
        times=np.asarray((booster.times if booster else 0) or NEVER, np.int64),
        length=np.asarray(ticks(booster.stop_ms) if booster else 0, np.int64),
        last_day=np.asarray((booster.stop_ms - 1) // (24 * MS_PER_HOUR) if booster else 0, np.int64),
        no_response=np.asarray(stops.no_response, np.int64),
        harm=np.asarray(stops.harm != ""),
        harm_asked=np.asarray(stops.harm == "elicited"),
        dose_mg=np.asarray(stops.dose_mg or np.inf, np.float64),
        every=np.asarray(ticks(titration.every_ms) if titration else NEVER, np.int64),
        step=parts(titration.step) if titration else np.zeros(2),
        lowest=parts(titration.lowest) if titration else np.zeros(2),
        highest=parts(titration.highest) if titration else np.array([np.inf, 0.0]),
        form=form,
        relief=np.asarray(titration.relief if titration else 0.0, np.float64),
        down=np.asarray(titration.down if titration else 0, np.int64),
        asked=np.asarray(titration is not None and titration.asked),
    )


class Chart(NamedTuple):
    """A patient's chart: all that a clinic knows.

    Attributes
    ----------
    baseline : array
        Mean of the diary before treatment [NRS].
    recent : array, shape (7,)
        Last entries of the diary, the newest last.
    end_day : array
        End of the last course or booster [days since t = 0].
    last_day : int array
        Day of the last session.
    remitted : bool array
        Whether there was remission since then.
    ever : bool array
        Whether there was remission after the first course.
    failures : int array
        Courses and boosters in a row, finished and judged, without remission.
    judged : bool array
        Whether the last of them has been judged.
    due : int array
        Day from which the next booster is due; `NEVER` for none.
    boosters : int array
        Boosters so far.
    stopped : bool array
        Whether boosters have ended for good.
    given_mg : array
        Drug given so far [mg].
    rung : int array
        Titration: steps above the written rate, or below it.
    complained : bool array
        Whether there was a complaint at a look.
    borne : array
        Rate at the last look without a complaint [mg/h].
    others : int array
        Events so far that are no boosters.
    """

    baseline: Array
    recent: Array
    end_day: Array
    last_day: Array
    remitted: Array
    ever: Array
    failures: Array
    judged: Array
    due: Array
    boosters: Array
    stopped: Array
    given_mg: Array
    rung: Array
    complained: Array
    borne: Array
    others: Array


class Visit(NamedTuple):
    """What a patient brings to a decision.

    Attributes
    ----------
    day : int array
        Days since t = 0 that have ended.
    entry : array
        Diary entry of the last of them [NRS].
    reported : bool array
        Whether a psychedelic effect was reported in the last session.
    free : bool array
        Whether no session is running, and none of the timetable is near.
    dose_mg : array
        What a booster would give [mg].
    fits : bool array
        Whether a booster begun now ends within the follow-up.
    nth_last_day : array
        Day of the booster that is as many back as are allowed in a year [days]; minus infinity if there is none.
    """

    day: Array
    entry: Array
    reported: Array
    free: Array
    dose_mg: Array
    fits: Array
    nth_last_day: Array


def first_chart(rules: Rules, before: Array, course_end_day: Array, last_day: Array) -> Chart:
    """Open a patient's chart at t = 0.

    Parameters
    ----------
    rules : Rules
        Rules of the arm.
    before : array, shape (7,)
        Diary before treatment [NRS].
    course_end_day : array
        End of the first course [days].
    last_day : int array
        Day of its last session.

    Returns
    -------
    Chart
        Nothing has happened yet.
    """
    no, none = jnp.bool_(False), jnp.int64(0)
    calendar = rules.boosters & ~rules.on_relapse
    return Chart(
        baseline=before.mean(),
        recent=jnp.asarray(before, float),
        end_day=jnp.asarray(course_end_day, float),
        last_day=jnp.asarray(last_day, jnp.int64),
        remitted=no,
        ever=no,
        failures=none,
        judged=no,
        due=jnp.where(calendar, last_day + rules.gaps[0], NEVER),
        boosters=none,
        stopped=no,
        given_mg=jnp.zeros(()),
        rung=none,
        complained=no,
        borne=jnp.zeros(()),
        others=none,
    )


def arrive(rules: Rules, chart: Chart, visit: Visit) -> tuple[Chart, Array]:
    """Enter a day's score into the chart, and decide whether a booster begins now.

    A relapse is judged as in `letheon.body.pain.read_diary`. After a booster it takes seven new entries, but no new
    remission: somebody who once was in remission is known to respond.

    Parameters
    ----------
    rules : Rules
        Rules of the arm.
    chart : Chart
        The chart so far.
    visit : Visit
        Today.

    Returns
    -------
    chart : Chart
        Brought up to date; a booster that begins is in it.
    event : int array
        Key of `EVENTS`, or 0.
    """
    recent = jnp.concatenate([chart.recent[1:], visit.entry[None]])
    low, relapsed = pain.is_low(recent, chart.baseline), pain.is_high(recent, chart.baseline)
    first = chart.boosters == 0
    in_window = (visit.day >= chart.end_day) & (visit.day <= chart.end_day + REMISSION_DAYS)
    remitted = chart.remitted | (low & in_window)
    ever = chart.ever | (first & remitted)
    fresh = visit.day >= chart.end_day + len(recent)
    relapse = relapsed & jnp.where(first, chart.remitted, chart.ever & fresh)  # the day itself comes after remission
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
    last_day = jnp.where(begins, visit.day + rules.last_day, chart.last_day)
    following = rules.gaps[jnp.minimum(chart.boosters + 1, _GAPS - 1)]
    after = jnp.where(rules.on_relapse, NEVER, last_day + following)
    kind = jnp.where(rules.on_relapse, RELAPSE, CALENDAR)
    found = chart._replace(
        recent=recent,
        remitted=remitted & ~begins,
        ever=ever,
        failures=failures,
        judged=(chart.judged | judges) & ~begins,
        due=jnp.where(begins, after, due),
        last_day=last_day,
        boosters=chart.boosters + begins,
        stopped=chart.stopped | stops,
        others=chart.others + stops,
    )
    return found, jnp.where(begins, kind, jnp.where(stops, reason, 0))
