"""From a result document to what the page draws: the document's own numbers, with lines of at most 300 points."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import UNSET, to_builtins

from letheon import library
from letheon.definitions import LAST_SUPPORTED_DAY
from letheon.dosing.regimen import MS_PER_DAY
from letheon.pipeline.result import ArmResult, Band, RunResult, document_of
from letheon.scenario import Arm, Scenario
from letheon.views.document.html import typeset
from letheon.views.document.numbers import significant
from letheon.views.explore import mechanisms
from letheon.views.explore.answers import Label, answers, endpoint_of
from letheon.views.explore.short import short
from letheon.views.figures import curves
from letheon.views.subjects import relief

MOST_POINTS = 300
_BAND = ("mean", "mean_lo", "mean_hi", "q05", "q95")
_HARMS = {
    *("psychedelic_load", "psychedelic_load_session", "psychedelic_hours"),
    *("psychomimetic_elicited", "psychomimetic_spontaneous"),
    *("counted_nausea", "counted_headache", "counted_night_terrors", "counted_hallucination", "counted_sedation"),
    *("counted_dizziness", "cardiac_output", "systolic_pressure", "diastolic_pressure", "pulse", "liver_injury"),
    *("bladder_lasting_loss", "bladder_symptoms", "bladder_symptoms_end", "bladder_lost", "bladder_capacity"),
    *("mood_fall", "mood_fall_end", "mood_responders", "mood_masked"),
}
_HARM_KEYS = (
    *("estimate", "interval", "unit", "support", "basis", "sources"),
    *("note", "laws", "beyond_placebo", "q05", "q95"),
)


def thinned(times: np.ndarray, guide: np.ndarray, most: int = MOST_POINTS) -> np.ndarray:
    """Choose at most so many rows of a line at rising times: its ends, the turns of the guide, the others evenly.

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
    return np.union1d(turns, np.linspace(0, count - 1, most - len(turns)).round().astype(int))


def page_of(result: RunResult, scenario: Scenario) -> dict[str, Any]:
    """Return what the page shows: the result's document with thinned profiles, and each arm's relief and answers."""
    course, document = curves.course_window(result), document_of(result)
    days = course.end * course.hours_each / 24.0
    page = {name: value for name, value in document.items() if name not in ("arms", "sources")}
    return page | {
        "course_days": days,
        "last_supported_day": LAST_SUPPORTED_DAY,
        "noticeable_load": library.harms("psychedelic")["noticeable"].canonical,
        "arms": {arm.name: _arm(arm, result, scenario, document["arms"][arm.name], days) for arm in scenario.arms},
    }


def _arm(
    arm: Arm, result: RunResult, scenario: Scenario, document: dict[str, Any], course_days: float
) -> dict[str, Any]:
    own, harms = result.arms[arm.name], document["harms"]
    shown = {name: entry for name, entry in harms["entries"].items() if name in _HARMS}
    entries = {name: {key: one[key] for key in _HARM_KEYS if key in one} for name, one in shown.items()}
    drug = arm.drug != "placebo"
    return {
        **{name: value for name, value in document.items() if name not in ("profile", "by_model", "harms")},
        "lines": _lines(own, course_days) | {"dose": _dose(arm, own, scenario)},
        "marks": _marks(arm),
        "boosters_a_year": _boosters(arm, own),
        "relief": [_statement(result, arm.name, key) for key in relief.keys(own.endpoints)],
        "by_model": _alone(document),
        "apart": _apart(own),
        "harms": {"exposure": harms["exposure"], "entries": entries},
        "short": _typeset(to_builtins(short(result, arm.name))) if drug else [],
        "weighing": _typeset(mechanisms.weighing(result, arm.name)) if drug else "",
        "answers": _typeset(to_builtins(answers(result, arm.name))) if drug else [],
    }


def _alone(document: dict[str, Any]) -> dict[str, Any]:
    """Return what the figures draw of each mechanism alone."""

    def drawn(key: str) -> bool:
        return key.startswith(("nrs_day_", "responder_30_day_")) or key == "time_to_relapse_days"

    return {
        model: {"endpoints": {key: entry for key, entry in part["endpoints"].items() if drawn(key)}}
        for model, part in document.get("by_model", {}).items()
    }


def _apart(arm: ArmResult) -> dict[str, Any]:
    """Return what each mechanism alone says of pain scores and relief, and of the differences of pain scores."""
    scores = [key for key in arm.endpoints if key.startswith("nrs_day_")]
    parts = {key: mechanisms.apart(arm, key) for key in (*scores, *relief.keys(arm.endpoints))}
    parts |= {f"against_{key}": mechanisms.apart_against(arm, key) for key in scores}
    return _typeset({key: one._asdict() for key, one in parts.items() if one.lines})


def _statement(result: RunResult, name: str, key: str) -> dict[str, Any]:
    one = relief.statement(result, name, key)
    texts = _typeset({"label": one.label, "value": one.value, "aside": one.aside, "more": list(one.more)})
    return texts | {"key": key, "support": to_builtins(Label(one.support, one.basis))}


def _typeset(value: Any) -> Any:
    """Set every text as a page shows it."""
    if isinstance(value, dict):
        return {key: _typeset(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_typeset(one) for one in value]
    return typeset(value) if isinstance(value, str) else value


def _numbers(values: Sequence[float] | np.ndarray, rows: np.ndarray, digits: int) -> list[float]:
    return np.asarray(values, dtype=float)[rows].round(digits).tolist()


def _line(band: Band, rows: np.ndarray, digits: int = 3) -> dict[str, list[float]]:
    known = {name: getattr(band, name) for name in _BAND}
    return {name: _numbers(values, rows, digits) for name, values in known.items() if values is not UNSET}


def _lines(arm: ArmResult, course_days: float) -> dict[str, Any]:
    profile = arm.profile
    days, levels = np.asarray(profile.time_h) / 24.0, profile.concentration_ng_per_ml
    rows = thinned(days, np.asarray(profile.nrs.mean))
    memory = arm.by_model.memory.profile if arm.by_model else profile
    state = "slow_site_effect" if memory.sensitisation is UNSET else "sensitisation"
    inside = np.nonzero(days <= course_days + 1e-9)[0]
    guide = sum((np.asarray(band.mean) for band in levels.values()), np.zeros(len(days)))
    near = inside[thinned(days[inside], guide[inside])]
    whole = {"t": _numbers(days, rows, 4), "nrs": _line(profile.nrs, rows, 2)}
    whole[state] = _line(getattr(memory, state), rows)
    for model, part in arm.by_model.items() if arm.by_model else ():
        whole[f"{model}_nrs"] = _line(part.profile.nrs, rows, 2)
    short = {"t": _numbers(days, near, 4), "nmda_block": _line(profile.nmda_block, near, 4)}
    short["levels"] = {
        name: {key: [significant(v, 4) for v in np.asarray(getattr(band, key))[near]] for key in ("mean", "q05", "q95")}
        for name, band in levels.items()
    }
    return {"whole": whole, "course": short, "state": state}


def _marks(arm: Arm) -> list[list[float]]:
    """Return when drug runs, as pairs of days; sessions that touch are one."""
    spans: list[list[float]] = []
    for one in sorted(arm.given.infusions):
        start, stop = one.start_ms / MS_PER_DAY, one.stop_ms / MS_PER_DAY
        if spans and start <= spans[-1][1] + 1e-9:
            spans[-1][1] = max(spans[-1][1], stop)
        else:
            spans.append([start, stop])
    return [[round(start, 4), round(stop, 4)] for start, stop in spans]


def _boosters(arm: Arm, result: ArmResult) -> dict[str, Any] | None:
    """Return boosters a year, on average and over patients; None where no rule calls for any."""
    if arm.policy.boosters is None:
        return None
    counted = endpoint_of(result, "boosters")
    a_year = (counted.boosters_per_year or 0.0) / counted.mean if counted.mean else 0.0
    return {
        **{key: round((getattr(counted, key) or 0.0) * a_year, 3) for key in ("mean", "q05", "q50", "q95")},
        "mean_interval": [round(end * a_year, 3) for end in counted.mean_interval or ()],
        "on_relapse": arm.policy.boosters.on_relapse,
        "support": counted.support,
    }


def _dose(arm: Arm, result: ArmResult, scenario: Scenario) -> dict[str, Any]:
    """Return the drug given up to each time, for a patient of the mean weight: straight lines between changes.

    What a rule adds differs between patients: from the row `fixed` on, the line is the average, straight between what
    is known, and `end` holds the average of the whole and where patients lie.
    """
    policy, end, schedule = arm.policy, scenario.follow_up_h / 24.0, arm.given.schedule()
    if not schedule.edges_ms:
        return {"t": [0.0, round(end, 3)], "mg": [0.0, 0.0], "fixed": 2, "end": None}
    dose = endpoint_of(result, "dose_mg")
    rates = schedule.rates(scenario.population.weight.mean)
    amounts = np.concatenate([[0.0, 0.0], np.cumsum(np.asarray(rates) * np.asarray(schedule.durations_h))])
    days = np.concatenate([[0.0], np.asarray(schedule.edges_ms, dtype=float) / MS_PER_DAY])
    if policy.titration is not None:
        last, days, amounts = days[-1], days[:2], amounts[:2]
        if policy.boosters is None:
            days, amounts = np.append(days, last), np.append(amounts, dose.mean)
    fixed = len(days) if policy.titration is None else 2
    days, amounts = np.append(days, end), np.append(amounts, amounts[-1] if policy.fixed else dose.mean)
    rows = thinned(days, np.zeros(len(days)))
    spread = {"mean": dose.mean, "q05": dose.q05, "q95": dose.q95}
    return {
        "t": _numbers(days, rows, 4),
        "mg": _numbers(amounts, rows, 1),
        "fixed": len(rows) if policy.fixed else int((rows < fixed).sum()),
        "end": None if policy.fixed else {key: round(value or 0.0, 1) for key, value in spread.items()},
    }
