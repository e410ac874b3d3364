"""Held-out trials: what each pain model would have predicted, beside what was reported.

A trial is simulated as it was run: so many patients an arm, each with a diary, under a draw of the posterior and the
effect of a study not seen before. What was reported is an event; its predicted probability is the score.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from letheon import library
from letheon.definitions import RELAPSE, RELIEF, SLACK
from letheon.patients.uncertainty import typical_values
from letheon.scenario import loads
from letheon.study.records import Progress
from letheon.study.regimens import study, study_scenario
from letheon.study.trial import simulation
from letheon.study.trial.forward import responds
from letheon.study.trial.simulation import Arms, Values, heartbeat_of, simulated_trials
from letheon.study.validate.document import HeldOutStudy, ModelScore, QuantityReport, TimingRow, Total

TELLING = math.log(3.0)  # difference of log scores below which the held-out trials tell nothing: odds of three to one
_ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Quantity:
    """One thing that a held-out trial reported."""

    label: str
    unit: str
    predicted: np.ndarray  # its value in each simulated trial
    region: tuple[float, float]  # where the report puts it; equal ends for a value, infinite ones for a statement
    observed: str  # the report in words


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A held-out study: how it is simulated and what its event is."""

    id: str
    patients: Mapping[str, int]  # of each arm
    windows_d: tuple[tuple[float, float], ...]
    event: str  # what was reported, in words
    # whether each trial finds the event, and the quantities
    read: Callable[[Arms], tuple[np.ndarray, list[Quantity]]] = field(repr=False)


Hits = tuple[np.ndarray, Quantity]  # (trial,): whether the report of a quantity comes true, and the quantity
_LOWER = "lower, p < 0.05"


def _test(label: str, t: np.ndarray, p: np.ndarray, freedom: int, finding: str) -> Hits:
    """Return in which trials a two-sided t-test has the finding: lower, or no difference in any other words."""
    critical = float(stats.t.ppf(1 - _ALPHA / 2, freedom))
    hit = (p < _ALPHA) & (t < 0) if finding == _LOWER else p >= _ALPHA
    region = (-math.inf, -critical) if finding == _LOWER else (-critical, critical)
    return hit, Quantity(label, "1", np.nan_to_num(t), region, finding)


def _all(tests: list[Hits]) -> tuple[np.ndarray, list[Quantity]]:
    return np.all([hit for hit, _ in tests], axis=0), [quantity for _, quantity in tests]


def _duration(arms: Arms) -> tuple[np.ndarray, list[Quantity]]:
    change = {name: entries - arms.baseline[name][:, None, :] for name, entries in arms.entries.items()}
    tests = []
    for i, day in enumerate((30, 60, 90)):
        for one, other, finding in (("5d", "3d", _LOWER), ("7d", "3d", _LOWER), ("7d", "5d", "equal")):
            a, b = (change[f"racemic_{name}"][:, i] for name in (one, other))
            t, p = map(np.asarray, stats.ttest_ind(a, b, axis=-1))
            tests.append(_test(f"t of {one} against {other} on day {day}", t, p, 2 * a.shape[-1] - 2, finding))
    return _all(tests)


def _schwartzman(arms: Arms) -> tuple[np.ndarray, list[Quantity]]:
    tests = []
    for name, finding in (("racemic", _LOWER), ("placebo", "no effect")):
        change = arms.entries[name].mean(axis=1) - arms.baseline[name]
        n = change.shape[-1]
        t = change.mean(axis=-1) / np.maximum(change.std(axis=-1, ddof=1), 1e-9) * math.sqrt(n)
        tests.append(_test(f"t of the change on {name}", t, 2.0 * stats.t.sf(np.abs(t), n - 1), n - 1, finding))
    return _all(tests)


def _kiefer(arms: Arms) -> tuple[np.ndarray, list[Quantity]]:
    relieved = arms.entries["esketamine"].mean(axis=1) <= RELIEF * arms.baseline["esketamine"] + SLACK
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


def _report(quantity: Quantity) -> QuantityReport:
    low, high = quantity.region
    inside, intervals = {}, {}
    for level in (50, 90):
        tail = (100 - level) / 200
        a, b = np.quantile(quantity.predicted, [tail, 1 - tail])
        intervals[str(level)] = (float(a), float(b))
        inside[str(level)] = bool(a <= high and b >= low)
    return QuantityReport(
        quantity=quantity.label,
        unit=quantity.unit,
        observed=quantity.observed,
        region=(None if math.isinf(low) else low, None if math.isinf(high) else high),
        median=float(np.median(quantity.predicted)),
        intervals=intervals,
        inside=inside,
        chance=float(np.mean((quantity.predicted >= low) & (quantity.predicted <= high))),
    )


def _score(hits: np.ndarray, quantities: Sequence[Quantity]) -> ModelScore:
    """Return the chance of an event and its log score; an event never seen counts as half a trial."""
    n, k = len(hits), int(hits.sum())
    p = min(max(k, 0.5), n - 0.5) / n
    reports = tuple(map(_report, quantities))
    return ModelScore(chance=p, log_score=math.log(p), mc_se=math.sqrt(p * (1 - p) / n), quantities=reports)


def held_out_table(
    values: Values | None = None,
    models: tuple[str, ...] = library.PAIN_MODELS,
    people: int = simulation.PEOPLE,
    repeats: int = simulation.REPEATS,
    progress: Progress | None = None,
) -> tuple[HeldOutStudy, ...]:
    """Score pain models on the trials that they never saw, with draws (draw,) of the typical values."""
    table, done, jobs = [], 0, len(HELD_OUT) * len(models)
    for held in HELD_OUT:
        scores = {}
        scenario = study_scenario(study(held.id), 94)
        sham = {"placebo": "racemic"} if "placebo" in held.patients else {}
        for model in models:
            heartbeat = heartbeat_of(progress, f"simulating {held.id} under {model}", done, jobs)
            arms = simulated_trials(
                scenario, held.patients, held.windows_d, model, values, repeats, people, sham, heartbeat
            )
            scores[model] = _score(*held.read(arms))
            done += 1
        table.append(HeldOutStudy(study=held.id, event=held.event, models=scores))
    return tuple(table)


def total(table: Sequence[HeldOutStudy], models: tuple[str, ...] = library.PAIN_MODELS) -> Total:
    """Add the log scores; say what difference would have been seen if one or the other model were true."""
    added = {model: sum(entry.models[model].log_score for entry in table) for model in models}
    if len(models) != 2:
        return Total(log_score=added, telling=TELLING)
    one, other = models
    chances = [(entry.models[one].chance, entry.models[other].chance) for entry in table]
    return Total(
        log_score=added,
        telling=TELLING,
        difference=added[one] - added[other],
        expected_if={true: sum(_expected(p, q, true == one) for p, q in chances) for true in models},
    )


def _expected(p: float, q: float, first: bool) -> float:
    """Return the expected log-score difference (first minus second) of a yes-or-no event if one model is true."""
    true = p if first else q
    return true * math.log(p / q) + (1.0 - true) * math.log((1.0 - p) / (1.0 - q))


_COURSES = {  # its session, its end [day], and what was observed
    "puchalski2016, at 20 mg/h": ("rate: 20 mg/h, for: 240 h", 10.0, "return 45 to 75 days after the end"),
    "puchalski2016, at 350 mg/h": ("rate: 350 mg/h, for: 240 h", 10.0, "return 45 to 75 days after the end"),
    "correll2004, first course": ("rate: 15 mg/h, for: 72 h", 3.0, "most still relieved at 90 days"),
    "correll2004, second course": (
        "rate: 15 mg/h, for: 72 h, repeat: {every: 90 day, times: 2}",
        93.0,
        "longer relief than after the first (second-hand)",
    ),
}


def timing(
    values: Values | None = None,
    models: tuple[str, ...] = library.PAIN_MODELS,
    progress: Progress | None = None,
) -> tuple[TimingRow, ...]:
    """Return how long relief outlasts courses whose rates are not known; shown, never scored."""
    values = typical_values(simulation.DRAWS) if values is None else values
    few = {name: column[::8] for name, column in values.items()}
    rows = []
    for course, (session, end, observed) in _COURSES.items():
        arm = f"{{drug: racemic, sessions: [{{at: 0 h, {session}}}]}}"
        scenario = loads(f'letheon: 1\ntitle: "{course}"\nfollow_up: 200 days\narms:\n  a: {arm}\n')
        days = np.arange(0.0, 181.0, 3.0)
        stops = tuple(24.0 * d for d in sorted({0.0, *(end + 1 + days[days > 0])}))
        for model in models:
            what, jobs = f"timing of {course} under {model}", len(_COURSES) * len(models)
            heartbeat = heartbeat_of(progress, what, len(rows), jobs)
            shown = simulation.forecasts(scenario, "a", stops, few, model, 64, heartbeat)
            start = simulation.start_pain(scenario, "a", 64)
            left = (shown.responders.pain / start, shown.others.pain / start)
            share = responds(few, model)[:, None]
            rows.append(_timing_row(course, model, observed, left, share, days))
    return tuple(rows)


def _timing_row(
    course: str, model: str, observed: str, left: tuple[np.ndarray, np.ndarray], share: np.ndarray, days: np.ndarray
) -> TimingRow:
    """Read relief at the end and its return from pain as a share of baseline; axes (draw, stop, patient)."""
    weights, when, last = [], [], []
    for pain, weight in zip(left, (share, 1.0 - share), strict=True):
        relieved = pain[:, 2] <= RELIEF  # four days after the end
        back = pain[:, 2:] >= RELAPSE
        first = np.where(back.any(axis=1), days[2:][back.argmax(axis=1)], np.inf)
        at_90 = pain[:, int(np.searchsorted(days, 90.0))] <= RELIEF
        weights.append((relieved * weight).ravel())
        when.append(first.ravel())
        last.append((at_90 * weight).mean())
    w, t = np.concatenate(weights), np.concatenate(when)
    order = np.argsort(t)
    total = w.sum()
    half = t[order][np.searchsorted(np.cumsum(w[order]), 0.5 * total)] if total > 0 else math.inf
    return TimingRow(
        course=course,
        model=model,
        observed=observed,
        relieved_at_end=float(total / (left[0].shape[0] * left[0].shape[2])),
        median_days_to_return=float(half) if math.isfinite(half) else None,
        relieved_at_90_days=float(sum(last)),
    )
