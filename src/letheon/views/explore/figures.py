"""From a result document to what the page draws: the document's own numbers, with lines of at most 300 points."""

from typing import Any

import numpy as np
from msgspec import UNSET

from letheon import library
from letheon.definitions import LAST_SUPPORTED_DAY
from letheon.dosing.regimen import MS_PER_DAY
from letheon.pipeline.result import ArmResult, Endpoint, PainProfile, Profile, RunResult, document_of
from letheon.scenario import Arm, Scenario
from letheon.views.document.html import typeset
from letheon.views.explore.answers import answers
from letheon.views.figures import curves
from letheon.views.subjects import relief

__all__ = ["MOST_POINTS", "page_of", "thinned"]

MOST_POINTS = 300
_BAND = ("mean", "mean_lo", "mean_hi", "q05", "q95")
_HARMS = (
    *("psychedelic_load", "psychedelic_load_session", "psychedelic_hours"),
    *("psychomimetic_elicited", "psychomimetic_spontaneous"),
    *("counted_nausea", "counted_headache", "counted_night_terrors", "counted_hallucination", "counted_sedation"),
    *("counted_dizziness", "cardiac_output", "systolic_pressure", "diastolic_pressure", "pulse", "liver_injury"),
    *("bladder_lasting_loss", "bladder_symptoms", "bladder_symptoms_end", "bladder_lost", "bladder_capacity"),
    *("mood_fall", "mood_fall_end", "mood_responders", "mood_masked"),
)
_HARM_KEYS = (
    "estimate",
    "interval",
    "unit",
    "support",
    "basis",
    "sources",
    "note",
    "laws",
    "beyond_placebo",
    "q05",
    "q95",
)


def thinned(times: np.ndarray, guide: np.ndarray, most: int = MOST_POINTS) -> np.ndarray:
    """Choose rows of a line: the ends, the turns of the guide, and the others evenly.

    Parameters
    ----------
    times : array, shape (row,)
        Rising times.
    guide : array, shape (row,)
        The line whose highs and lows must stay.
    most : int
        Most rows to choose.

    Returns
    -------
    int array
        Rows, rising.

    Examples
    --------
    >>> rows = thinned(np.arange(1000.0), np.eye(1000)[501])
    >>> len(rows) <= 300, 501 in rows, int(rows[0]), int(rows[-1])
    (True, True, 0, 999)
    """
    count = len(times)
    if count <= most:
        return np.arange(count)
    slope = np.sign(np.diff(guide))
    turns = 1 + np.nonzero((slope[:-1] != slope[1:]) & ((slope[:-1] != 0) | (slope[1:] != 0)))[0]
    if len(turns) > most // 2:
        turns = turns[np.linspace(0, len(turns) - 1, most // 2).round().astype(int)]
    room = most - len(turns)
    return np.union1d(turns, np.linspace(0, count - 1, room).round().astype(int))


def page_of(result: RunResult, scenario: Scenario) -> dict[str, Any]:
    """Return what the page shows of a result of a scenario.

    It is everything of the result's document but its long profiles; ``lines`` of each arm hold these, thinned,
    ``relief`` what is said of relief, and ``answers`` the questions that the page answers.
    """
    course, document = curves.course_window(result), document_of(result)
    page = {name: value for name, value in document.items() if name not in ("arms", "sources")}
    page["course_days"] = course.end * course.hours_each / 24.0
    page["last_supported_day"] = LAST_SUPPORTED_DAY
    page["noticeable_load"] = library.harms("psychedelic")["noticeable"].canonical
    page["arms"] = {}
    for arm in scenario.arms:
        own, plain = result.arms[arm.name], document["arms"][arm.name]
        page["arms"][arm.name] = {
            **{name: value for name, value in plain.items() if name not in ("profile", "rival", "harms")},
            "lines": _lines(own, page["course_days"]) | {"dose": _dose(arm, own, scenario)},
            "marks": _marks(arm),
            "boosters_a_year": _boosters(arm, own),
            "relief": [_statement(result, arm.name, key) for key in relief.keys(own.endpoints)],
            "rival": _second(plain),
            "harms": _harms(plain["harms"]),
            "answers": _typeset(answers(result, arm.name)) if arm.drug != "placebo" else [],
        }
    return page


def _statement(result: RunResult, name: str, key: str) -> dict[str, Any]:
    said = relief.statement(result, name, key)
    texts = _typeset({"label": said.label, "value": said.value, "aside": said.aside, "more": list(said.more)})
    return texts | {"support": {"support": said.support, "basis": list(said.basis)}}


def _typeset(value: Any) -> Any:
    """Set every text as a page shows it."""
    if isinstance(value, dict):
        return {key: _typeset(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_typeset(one) for one in value]
    return typeset(value) if isinstance(value, str) else value


def _numbers(values: Any, rows: np.ndarray, digits: int) -> list[float]:
    return np.asarray(values, dtype=float)[rows].round(digits).tolist()


def _line(profile: Profile | PainProfile, key: str, rows: np.ndarray, digits: int = 3) -> dict[str, list[float]]:
    band = getattr(profile, key)
    known = {name: getattr(band, name) for name in _BAND}
    return {name: _numbers(values, rows, digits) for name, values in known.items() if values is not UNSET}


def _lines(arm: ArmResult, course_days: float) -> dict[str, Any]:
    profile = arm.profile
    days = np.asarray(profile.time_h) / 24.0
    rows = thinned(days, np.asarray(profile.nrs.mean))
    state = "slow_site_effect" if profile.sensitisation is UNSET else "sensitisation"
    levels = profile.concentration_ng_per_ml
    inside = np.nonzero(days <= course_days + 1e-9)[0]
    guide = sum(np.asarray(band.mean) for band in levels.values()) if levels else np.zeros(len(days))
    near = inside[thinned(days[inside], np.asarray(guide)[inside])]
    whole = {"t": _numbers(days, rows, 4), "nrs": _line(profile, "nrs", rows, 2), state: _line(profile, state, rows)}
    if arm.rival:
        whole["nrs_rival"] = {"mean": _numbers(arm.rival.profile.nrs.mean, rows, 2)}
    short = {"t": _numbers(days, near, 4), "nmda_block": _line(profile, "nmda_block", near, 4)}
    short["levels"] = {
        name: {
            key: [float(f"{v:.4g}") for v in np.asarray(values)[near]]
            for key, values in (("mean", band.mean), ("q05", band.q05), ("q95", band.q95))
        }
        for name, band in levels.items()
    }
    return {"whole": whole, "course": short, "state": state}


def _second(arm: dict[str, Any]) -> dict[str, Any] | None:
    if "rival" not in arm:
        return None
    endpoints = arm["rival"]["endpoints"]
    scores = {key: entry for key, entry in endpoints.items() if key.startswith("nrs_day_")}
    return {"model": arm["rival"]["model"], "endpoints": scores}


def _harms(harms: dict[str, Any]) -> dict[str, Any]:
    shown = {name: entry for name, entry in harms["entries"].items() if name in _HARMS}
    entries = {name: {key: e[key] for key in _HARM_KEYS if key in e} for name, e in shown.items()}
    return {"exposure": harms["exposure"], "entries": entries}


def _marks(arm: Arm) -> list[list[float]]:
    """Return when drug runs, as pairs of days; sessions that touch are one."""
    spans: list[list[float]] = []
    for one in sorted(arm.regimen.infusions):
        start, stop = one.start_ms / MS_PER_DAY, one.stop_ms / MS_PER_DAY
        if spans and start <= spans[-1][1] + 1e-9:
            spans[-1][1] = max(spans[-1][1], stop)
        else:
            spans.append([start, stop])
    return [[round(start, 4), round(stop, 4)] for start, stop in spans]


def _endpoint(arm: ArmResult, name: str) -> Endpoint:
    endpoint = arm.endpoint(name)
    assert endpoint is not None
    return endpoint


def _boosters(arm: Arm, result: ArmResult) -> dict[str, Any] | None:
    """Return boosters a year, on average and over patients; None where no rule calls for any."""
    if arm.policy.boosters is None:
        return None
    counted = _endpoint(result, "boosters")
    a_year = (counted.boosters_per_year or 0.0) / counted.mean if counted.mean else 0.0
    values = {"mean": counted.mean, "q05": counted.q05, "q50": counted.q50, "q95": counted.q95}
    made: dict[str, Any] = {key: round((value or 0.0) * a_year, 3) for key, value in values.items()}
    made["mean_interval"] = [round(end * a_year, 3) for end in counted.mean_interval or ()]
    return made | {"on_relapse": arm.policy.boosters.on_relapse, "support": counted.support}


def _dose(arm: Arm, result: ArmResult, scenario: Scenario) -> dict[str, Any]:
    """Return the drug given up to each time: straight lines between changes.

    What the timetable gives is that of a patient of the mean weight. What a rule adds differs between patients: from
    the row `fixed` on, the line is the average, straight between what is known, and `end` holds the average of the
    whole and where patients lie.
    """
    end = scenario.follow_up_h / 24.0
    schedule = arm.regimen.schedule()
    if not schedule.edges_ms:
        return {"t": [0.0, round(end, 3)], "mg": [0.0, 0.0], "fixed": 2, "end": None}
    dose = _endpoint(result, "dose_mg")
    rates = schedule.rates(scenario.population.weight.mean)
    amounts = np.concatenate([[0.0], np.cumsum(np.asarray(rates) * np.asarray(schedule.durations_h))])
    days = np.asarray(schedule.edges_ms, dtype=float) / MS_PER_DAY
    days, amounts = np.concatenate([[0.0], days]), np.concatenate([[0.0], amounts])
    if arm.policy.titration is not None:
        last, days, amounts = days[-1], days[:2], amounts[:2]
        if arm.policy.boosters is None:
            days, amounts = np.append(days, last), np.append(amounts, dose.mean)
    fixed = len(days) if arm.policy.titration is None else 2
    whole = amounts[-1] if arm.policy.fixed else dose.mean
    days, amounts = np.append(days, end), np.append(amounts, whole)
    rows = thinned(days, np.zeros(len(days)))
    whole_dose = {"mean": dose.mean, "q05": dose.q05 or 0.0, "q95": dose.q95 or 0.0}
    return {
        "t": _numbers(days, rows, 4),
        "mg": _numbers(amounts, rows, 1),
        "fixed": len(rows) if arm.policy.fixed else int((rows < fixed).sum()),
        "end": None if arm.policy.fixed else {key: round(value, 1) for key, value in whole_dose.items()},
    }
