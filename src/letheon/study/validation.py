"""Held-out trials: what each pain model would have predicted, beside what was found.

A trial is simulated as it was run: so many patients an arm, each with a diary, under a draw of the posterior and the
effect of a study not seen before. What was reported is an event; its predicted probability is the score.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from letheon import library
from letheon.arrays import jax
from letheon.patients.uncertainty import typical_values
from letheon.scenario import Scenario, loads
from letheon.study.forward import Forecast, forecast, prepare, without_drug
from letheon.study.regimens import study_scenario
from letheon.study.trials import study

__all__ = [
    "DRAWS",
    "HELD_OUT",
    "TELLING",
    "Arms",
    "HeldOut",
    "Quantity",
    "held_out_table",
    "simulated_trials",
    "timing",
    "total",
    "validate",
]

DRAWS = 256
PEOPLE = 96
REPEATS = 8  # simulated trials for each draw of the posterior
TELLING = math.log(3.0)  # difference of log scores below which the held-out trials tell nothing: odds of three to one
_ALPHA = 0.05
_RELIEF = 0.7
_SEED = 20261122
Values = Mapping[str, np.ndarray]
Progress = Callable[[str, int, int], None]
Beat = Callable[[], None]  # called often, so that work can be stopped


class Arms(NamedTuple):
    """Simulated trials of one study.

    Attributes
    ----------
    entries : mapping of str to array, shape (trial, time, patient)
        Diary entries by arm, at the times asked for [NRS].
    baseline : mapping of str to array, shape (trial, patient)
        Mean entry of the week before.
    """

    entries: Mapping[str, np.ndarray]
    baseline: Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One thing that a held-out trial reported.

    Attributes
    ----------
    label, unit : str
        What, and in which unit.
    predicted : array
        Its value in each simulated trial.
    region : tuple of float
        Where the report puts it; equal ends for a value, infinite ones for a statement.
    observed : str
        The report in words.
    """

    label: str
    unit: str
    predicted: np.ndarray
    region: tuple[float, float]
    observed: str


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A held-out study: how it is simulated and what its event is.

    Attributes
    ----------
    id : str
        Key of the study.
    patients : mapping of str to int
        Patients of each arm.
    stops_d : tuple of float
        Times [day] between which diaries are read: pairs of (from, to).
    event : str
        What was found, in words.
    read : callable
        From `Arms` to whether each trial finds the event, and the quantities.
    """

    id: str
    patients: Mapping[str, int]
    windows_d: tuple[tuple[float, float], ...]
    event: str
    read: Callable[[Arms], tuple[np.ndarray, list[Quantity]]] = field(repr=False)


def _two_sample(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return t and p of a two-sample test along the last axis."""
    t, p = stats.ttest_ind(a, b, axis=-1)
    return np.asarray(t), np.asarray(p)


def _duration(arms: Arms) -> tuple[np.ndarray, list[Quantity]]:
    change = {name: entries - arms.baseline[name][:, None, :] for name, entries in arms.entries.items()}
    hit, told = np.ones(len(next(iter(change.values()))), bool), []
    for i, day in enumerate((30, 60, 90)):
        for one, other, lower in (("5d", "3d", True), ("7d", "3d", True), ("7d", "5d", False)):
            a, b = (change[f"racemic_{name}"][:, i] for name in (one, other))
            t, p = _two_sample(a, b)
            hit &= ((p < _ALPHA) & (t < 0)) if lower else (p >= _ALPHA)
            critical = float(stats.t.ppf(1 - _ALPHA / 2, 2 * a.shape[-1] - 2))
            region = (-math.inf, -critical) if lower else (-critical, critical)
            said = "lower, p < 0.05" if lower else "equal"
            label = f"t of {one} against {other} on day {day}"
            told.append(Quantity(label, "1", np.nan_to_num(t), region, said))
    return hit, told


def _schwartzman(arms: Arms) -> tuple[np.ndarray, list[Quantity]]:
    found, told = [], []
    for name, falls in (("racemic", True), ("placebo", False)):
        change = arms.entries[name].mean(axis=1) - arms.baseline[name]
        n = change.shape[-1]
        t = change.mean(axis=-1) / np.maximum(change.std(axis=-1, ddof=1), 1e-9) * math.sqrt(n)
        p = 2.0 * stats.t.sf(np.abs(t), n - 1)
        found.append((p < _ALPHA) & (t < 0) if falls else p >= _ALPHA)
        critical = float(stats.t.ppf(1 - _ALPHA / 2, n - 1))
        region = (-math.inf, -critical) if falls else (-critical, critical)
        said = "lower, p < 0.05" if falls else "no effect"
        told.append(Quantity(f"t of the change on {name}", "1", t, region, said))
    return found[0] & found[1], told


def _kiefer(arms: Arms) -> tuple[np.ndarray, list[Quantity]]:
    relieved = arms.entries["esketamine"].mean(axis=1) <= _RELIEF * arms.baseline["esketamine"] + 1e-9
    count = relieved.sum(axis=-1)
    return count == 0, [Quantity("responders of four", "patients", count.astype(float), (0.0, 0.0), "0")]


_WEEKLY = tuple((float(d), float(d + 1)) for d in range(16, 94, 7))
HELD_OUT = (
    HeldOut(
        "duration357",
        {"racemic_3d": 25, "racemic_5d": 25, "racemic_7d": 25},
        ((29, 30), (59, 60), (89, 90)),
        "5 and 7 days lower than 3 days, and equal to each other, on days 30, 60 and 90",
        _duration,
    ),
    HeldOut(
        "schwartzman2009",
        {"racemic": 9, "placebo": 10},
        _WEEKLY,
        "pain lower than before (p < 0.05) on ketamine, not on placebo, over the weeks after the course",
        _schwartzman,
    ),
    HeldOut("kiefer2008pilot", {"esketamine": 4}, ((9, 10), (10, 11), (11, 12)), "none of four responds", _kiefer),
)


def _stops(windows) -> tuple[float, ...]:
    return tuple(24.0 * d for d in sorted({0.0, *(edge for pair in windows for edge in pair)}))


def _forecasts(
    scenario: Scenario, arm: str, stops_h, values: Values, pain: str, people: int, beat: Beat, sham=False, **how: Any
) -> Forecast:
    """Return forecasts under every draw; axes (draw, stop, patient)."""
    cohort = prepare(scenario, arm, people, stops_h=stops_h)
    if sham:
        cohort, how = without_drug(cohort), {**how, "expectancy": 0.0}  # with nothing to see through
    one = jax.jit(lambda own, cohort: forecast(own, cohort, pain, **how))
    rows = []
    # Shapes and times are program, levels and people are data.
    for i in range(len(next(iter(values.values())))):
        beat()
        rows.append(one({name: float(column[i]) for name, column in values.items()}, cohort))
    return jax.tree.map(lambda *x: np.stack([np.asarray(y) for y in x]), *rows)


def _responds(values: Values, pain: str) -> np.ndarray:
    share = values["slow_site.p_response"] if pain == "slow_site" else 1.0 - values["memory.p_nonresponse"]
    return np.asarray(share)


def simulated_trials(
    scenario: Scenario,
    patients: Mapping[str, int],
    windows_d,
    pain: str,
    values: Values | None = None,
    repeats: int = REPEATS,
    people: int = PEOPLE,
    sham: Mapping[str, str] | None = None,
    beat: Beat = lambda: None,
    **how,
) -> Arms:
    """Simulate trials as they are run: so many patients an arm, each with a diary.

    Parameters
    ----------
    scenario : Scenario
        Arms.
    patients : mapping of str to int
        Patients of each arm.
    windows_d : sequence of (float, float)
        Windows [day]; one diary entry stands for each.
    pain : str
        Pain model.
    values : mapping of str to array, shape (draw,), optional
        Draws of the typical values; those of the shipped posterior by default.
    repeats : int
        Trials for each draw.
    people : int
        Quasi-random people whom the patients of a trial are drawn from.
    sham : mapping of str to str, optional
        Placebo arms, and the arm that each mirrors.
    beat : callable
        Called before each draw; raises to stop.
    **how
        What `letheon.study.forward.forecast` takes: ``flares``, ``expectancy``, ``norketamine``.

    Returns
    -------
    Arms
        ``draws × repeats`` trials.
    """
    values = typical_values(DRAWS) if values is None else values
    sham = sham or {}
    stops_h = _stops(windows_d)
    draws = len(next(iter(values.values())))
    rng = np.random.default_rng(_SEED)
    noise, rho = float(np.median(values["diary.noise_sd"])), float(np.median(values["diary.rho"]))
    correlation = rho ** (24.0 * np.abs(np.subtract.outer(*(2 * [np.array([b for _, b in windows_d])]))) / 24.0)
    root = np.linalg.cholesky(correlation + 1e-12 * np.eye(len(correlation)))
    week = noise * math.sqrt((1 + 2 * sum((1 - k / 7) * rho**k for k in range(1, 7))) / 7)
    rows = [[stops_h.index(24.0 * edge) for edge in pair] for pair in windows_d]
    entries, baselines = {}, {}
    for arm, n in patients.items():
        source = sham.get(arm, arm)
        shown = _forecasts(scenario, source, stops_h, values, pain, people, beat, arm in sham, **how)
        hours = np.array([stops_h[b] - stops_h[a] for a, b in rows])[:, None]
        means = [
            np.stack([fate.area[:, b] - fate.area[:, a] for a, b in rows], axis=1) / hours
            for fate in (shown.responders, shown.others)
        ]
        start = _start_pain(scenario, source, people)
        who = rng.integers(people, size=(draws, repeats, n))
        yes = (rng.uniform(size=who.shape) < _responds(values, pain)[:, None, None]) & (arm not in sham)
        at = np.arange(draws)[:, None, None]
        latent = np.where(
            yes[:, None], means[0][at, :, who].transpose(0, 3, 1, 2), means[1][at, :, who].transpose(0, 3, 1, 2)
        )
        wobble = noise * np.einsum("ij,djrn->dirn", root, rng.normal(size=latent.shape))
        seen = np.clip(np.floor(latent + wobble + 0.5), 0.0, 10.0)
        before = np.clip(start[who] + week * rng.normal(size=who.shape), 0.0, 10.0)
        entries[arm] = seen.transpose(0, 2, 1, 3).reshape(draws * repeats, len(rows), n)
        baselines[arm] = before.reshape(draws * repeats, n)
    return Arms(entries, baselines)


def _start_pain(scenario: Scenario, arm: str, people: int) -> np.ndarray:
    """Return the latent baseline of the people; the same in every arm."""
    cohort = prepare(scenario, arm, people, stops_h=(0.0, 24.0))
    return np.asarray(cohort.people.baseline)


def _told(quantity: Quantity) -> dict[str, Any]:
    low, high = quantity.region
    inside = {}
    intervals = {}
    for level in (50, 90):
        tail = (100 - level) / 200
        a, b = np.quantile(quantity.predicted, [tail, 1 - tail])
        intervals[str(level)] = [float(a), float(b)]
        inside[str(level)] = bool(a <= high and b >= low)
    return {
        "quantity": quantity.label,
        "unit": quantity.unit,
        "observed": quantity.observed,
        "region": [None if math.isinf(edge) else edge for edge in quantity.region],
        "median": float(np.median(quantity.predicted)),
        "intervals": intervals,
        "inside": inside,
        "chance": float(np.mean((quantity.predicted >= low) & (quantity.predicted <= high))),
    }


def _score(hits: np.ndarray) -> dict[str, float]:
    """Return the chance of an event and its log score; an event never seen counts as half a trial."""
    n, k = len(hits), int(hits.sum())
    p = min(max(k, 0.5), n - 0.5) / n
    return {"chance": p, "log_score": math.log(p), "mc_se": math.sqrt(p * (1 - p) / n)}


def held_out_table(
    values: Values | None = None,
    models: tuple[str, ...] = library.PAIN_MODELS,
    people: int = PEOPLE,
    repeats: int = REPEATS,
    progress: Progress | None = None,
    **how,
) -> list[dict[str, Any]]:
    """Score pain models on each held-out trial.

    Parameters
    ----------
    values, models, people, repeats, progress, **how
        As for `validate`.

    Returns
    -------
    list of dict
        By study: event, chance and log score by model, quantities with intervals.
    """
    table, done, jobs = [], 0, len(HELD_OUT) * len(models)
    for held in HELD_OUT:
        entry: dict[str, Any] = {"study": held.id, "event": held.event, "models": {}}
        scenario = study_scenario(study(held.id), 94)
        sham = {"placebo": "racemic"} if "placebo" in held.patients else {}
        for model in models:
            beat = _beat(progress, f"simulating {held.id} under {model}", done, jobs)
            found = simulated_trials(
                scenario, held.patients, held.windows_d, model, values, repeats, people, sham, beat, **how
            )
            hits, quantities = held.read(found)
            entry["models"][model] = {**_score(hits), "quantities": [_told(q) for q in quantities]}
            done += 1
        table.append(entry)
    return table


def _beat(progress: Progress | None, what: str, done: int, jobs: int) -> Beat:
    return (lambda: progress(what, done, jobs)) if progress else lambda: None


def validate(
    values: Values | None = None,
    models: tuple[str, ...] = library.PAIN_MODELS,
    people: int = PEOPLE,
    repeats: int = REPEATS,
    progress: Progress | None = None,
    **how,
) -> dict[str, Any]:
    """Score both pain models on the trials that they never saw.

    Parameters
    ----------
    values : mapping of str to array, shape (draw,), optional
        Draws of the typical values; those of the shipped posteriors by default.
    models : tuple of str
        Pain models.
    people, repeats : int
        As for `simulated_trials`.
    progress : callable, optional
        Told ``(what, done, all)``.
    **how
        What `letheon.study.forward.forecast` takes.

    Returns
    -------
    dict
        ``studies`` (event, chance and log score by model, quantities with intervals), ``total`` (log scores, their
        difference, what difference these trials could have shown), ``timing`` (shown, not scored).
    """
    table = held_out_table(values, models, people, repeats, progress, **how)
    return {"studies": table, "total": total(table, models), "timing": timing(values, models, progress, **how)}


def total(table: Sequence[Mapping[str, Any]], models: tuple[str, ...]) -> dict[str, Any]:
    """Add the log scores; say what difference would have been seen if one or the other model were true.

    Parameters
    ----------
    table : sequence of mapping
        From `held_out_table`.
    models : tuple of str
        Its models.

    Returns
    -------
    dict
        ``log_score`` by model, ``telling`` (the smallest difference that tells anything) and, of two models, their
        ``difference`` and what was ``expected_if`` one or the other were true.
    """
    added = {model: sum(entry["models"][model]["log_score"] for entry in table) for model in models}
    told: dict[str, Any] = {"log_score": added, "telling": TELLING}
    if len(models) == 2:
        one, other = models
        told["difference"] = added[one] - added[other]
        told["expected_if"] = {
            true: sum(_expected(e["models"][one]["chance"], e["models"][other]["chance"], true == one) for e in table)
            for true in models
        }
    return told


def _expected(p: float, q: float, first: bool) -> float:
    """Return the expected log-score difference (first minus second) of a yes-or-no event if one model is true."""
    true = p if first else q
    return true * math.log(p / q) + (1.0 - true) * math.log((1.0 - p) / (1.0 - q))


_COURSES = {
    "puchalski2016, at 20 mg/h": "    drug: racemic\n    sessions: [{at: 0 h, rate: 20 mg/h, for: 240 h}]\n",
    "puchalski2016, at 350 mg/h": "    drug: racemic\n    sessions: [{at: 0 h, rate: 350 mg/h, for: 240 h}]\n",
    "correll2004, first course": "    drug: racemic\n    sessions: [{at: 0 h, rate: 15 mg/h, for: 72 h}]\n",
    "correll2004, second course": (
        "    drug: racemic\n    sessions: [{at: 0 h, rate: 15 mg/h, for: 72 h, repeat: {every: 90 day, times: 2}}]\n"
    ),
}
_TIMING = {
    "puchalski2016, at 20 mg/h": (10.0, "return 45 to 75 days after the end"),
    "puchalski2016, at 350 mg/h": (10.0, "return 45 to 75 days after the end"),
    "correll2004, first course": (3.0, "most still relieved at 90 days"),
    "correll2004, second course": (93.0, "longer relief than after the first (second-hand)"),
}


def timing(
    values: Values | None = None,
    models: tuple[str, ...] = library.PAIN_MODELS,
    progress: Progress | None = None,
    **how,
) -> list[dict[str, Any]]:
    """Return how long relief outlasts courses whose rates are not known; shown, never scored.

    Parameters
    ----------
    values, models, progress, **how
        As for `validate`.

    Returns
    -------
    list of dict
        For each course and model: share relieved by 30 % at the end (day 4 after it), median day of return to 85 % of
        baseline after the end among these, share still relieved 90 days after the end.
    """
    values = typical_values(DRAWS) if values is None else values
    few = {name: column[::8] for name, column in values.items()}
    rows = []
    for course, text in _COURSES.items():
        end, observed = _TIMING[course]
        scenario = loads(f'letheon: 1\ntitle: "{course}"\nfollow_up: 200 days\narms:\n  a:\n{text}')
        days = np.arange(0.0, 181.0, 3.0)
        stops = tuple(24.0 * d for d in sorted({0.0, *(end + 1 + days[days > 0])}))
        for model in models:
            beat = _beat(progress, f"timing of {course} under {model}", len(rows), len(_COURSES) * len(models))
            shown = _forecasts(scenario, "a", stops, few, model, 64, beat, **how)
            start = _start_pain(scenario, "a", 64)
            left = (shown.responders.pain / start, shown.others.pain / start)
            share = _responds(few, model)[:, None]
            rows.append({"course": course, "model": model, "observed": observed, **_return(left, share, days)})
    return rows


def _return(left: tuple[np.ndarray, np.ndarray], share: np.ndarray, days: np.ndarray) -> dict[str, float | None]:
    """Read relief at the end and its return from pain as a share of baseline; axes (draw, stop, patient)."""
    weights, when, last = [], [], []
    for fate, weight in zip(left, (share, 1.0 - share), strict=True):
        relieved = fate[:, 2] <= _RELIEF  # four days after the end
        back = fate[:, 2:] >= 0.85
        first = np.where(back.any(axis=1), days[2:][back.argmax(axis=1)], np.inf)
        at_90 = fate[:, int(np.searchsorted(days, 90.0))] <= _RELIEF
        weights.append((relieved * weight).ravel())
        when.append(first.ravel())
        last.append((at_90 * weight).mean())
    w, t = np.concatenate(weights), np.concatenate(when)
    order = np.argsort(t)
    total = w.sum()
    half = t[order][np.searchsorted(np.cumsum(w[order]), 0.5 * total)] if total > 0 else math.inf
    return {
        "relieved_at_end": float(total / (left[0].shape[0] * left[0].shape[2])),
        "median_days_to_return": float(half) if math.isfinite(half) else None,
        "relieved_at_90_days": float(sum(last)),
    }
