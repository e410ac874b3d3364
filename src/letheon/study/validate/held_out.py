"""Held-out trials: what each pain model would have predicted, beside what was reported.

A trial is simulated as it was run: so many patients an arm, each with a diary, under a draw of the posterior and the
effect of a study not seen before. What was reported is an event; its predicted probability is the score.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from letheon import library
from letheon.definitions import RELAPSE, RELIEF, SLACK
from letheon.patients.uncertainty import typical_values
from letheon.scenario import loads
from letheon.study.records import Progress
from letheon.study.regimens import study, study_scenario
from letheon.study.trial import simulation
from letheon.study.trial.forward import responds
from letheon.study.trial.simulation import Arms, Heartbeat, TrialForecast, Values, heartbeat_of
from letheon.study.validate import chance
from letheon.study.validate.chance import LOWER, NO_DIFFERENCE, EventChance, MeanTest
from letheon.study.validate.document import TimingRow


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
    """A held-out study: how it is simulated, and its event: that all tests have their finding, or nobody responds."""

    id: str
    patients: Mapping[str, int]  # of each arm
    windows_d: tuple[tuple[float, float], ...]
    event: str  # what was reported, in words
    tests: tuple[MeanTest, ...] = ()
    sham: Mapping[str, str] = field(default_factory=dict)  # placebo arms, and the arm that each mirrors
    forms: tuple[str, ...] = ()  # that ketamine may have had with the same probability, where none is stated
    weight: float = 1.0  # of its log score in totals
    weight_note: str = ""  # why it is not 1


class Scored(NamedTuple):
    """A held-out study as each pain model predicts it."""

    held: HeldOut
    chances: Mapping[str, EventChance]
    quantities: Mapping[str, Sequence[Quantity]]


def _duration() -> Iterator[MeanTest]:
    for i, day in enumerate((30, 60, 90)):
        at = np.eye(3)[i]
        for one, other, finding in (("5d", "3d", LOWER), ("7d", "3d", LOWER), ("7d", "5d", NO_DIFFERENCE)):
            weights = {f"racemic_{one}": tuple(at), f"racemic_{other}": tuple(-at)}
            report = "lower, p < 0.05" if finding == LOWER else "equal"
            yield MeanTest(f"{one} against {other} on day {day}", weights, finding, report, f"day {day}")


def _within_arms(windows: int) -> Iterator[MeanTest]:
    mean = (1.0 / windows,) * windows
    yield MeanTest("the change on racemic", {"racemic": mean}, LOWER, "lower, p < 0.05")
    yield MeanTest("the change on placebo", {"placebo": mean}, NO_DIFFERENCE, "no effect")


_WEEKLY = tuple((float(d), float(d + 1)) for d in range(16, 94, 7))
HELD_OUT = (
    HeldOut(
        "duration357",
        {"racemic_3d": 25, "racemic_5d": 25, "racemic_7d": 25},
        ((29, 30), (59, 60), (89, 90)),
        "5 and 7 days lower than 3 days, and equal to each other, on days 30, 60 and 90",
        tuple(_duration()),
        forms=("racemic", "esketamine"),
        weight=0.5,
        weight_note="the publication is not identified, and the form of ketamine is not stated",
    ),
    HeldOut(
        "schwartzman2009",
        {"racemic": 9, "placebo": 10},
        _WEEKLY,
        "pain lower than before (p < 0.05) on ketamine, not on placebo, over the weeks after the course",
        tuple(_within_arms(len(_WEEKLY))),
        {"placebo": "racemic"},
    ),
    HeldOut("kiefer2008pilot", {"esketamine": 4}, ((9, 10), (10, 11), (11, 12)), "none of four responds"),
)


def _forecasts(
    held: HeldOut, model: str, several: Sequence[Values], people: int, heartbeat: Heartbeat
) -> Iterator[list[TrialForecast]]:
    """Yield the trial under each set of draws, with each form that its drug may have had."""
    reported = study(held.id)
    for form in held.forms or ("",):
        arms = tuple(replace(arm, drug=form or arm.drug) for arm in reported.arms)
        scenario = study_scenario(replace(reported, arms=arms), 94)
        yield simulation.trial_forecasts(
            scenario, held.patients, held.windows_d, model, several, people, held.sham, heartbeat
        )


def _relieved(arms: Arms) -> np.ndarray:
    """Return who (trial, patient) of a single arm has relief over the days asked for."""
    (name, entries), *_ = arms.entries.items()
    return entries.mean(axis=1) <= RELIEF * arms.baseline[name] + SLACK


def _chance(held: HeldOut, trial: TrialForecast, heartbeat: Heartbeat) -> EventChance:
    if not held.tests:
        return chance.nobody_chance(trial, _relieved, sum(held.patients.values()))
    return chance.event_chance(trial, lambda arms: chance.all_found(held.tests, arms), held.tests, heartbeat)


def _quantities(held: HeldOut, arms: Arms) -> Iterator[Quantity]:
    """Yield t statistics, differences and the order of arms, or how many respond."""
    below, by_group = (-math.inf, 0.0), {}
    if not held.tests:
        count, n = _relieved(arms).sum(axis=-1).astype(float), sum(held.patients.values())
        yield Quantity(f"responders of {n}", "patients", count, (0.0, 0.0), "0")
    for test in held.tests:
        value, t = test.estimate(chance.changes_of(arms))
        yield Quantity(f"t of {test.label}", "1", t, test.region(held.patients), test.reported)
        if test.finding == LOWER:
            yield Quantity(f"pain, {test.label}", "NRS", value, below, "lower")
            by_group.setdefault(test.group, []).append(value)
    for group, values in by_group.items():
        if len(values) > 1:
            higher = np.max(values, axis=0)
            yield Quantity(f"order on {group}: the higher of both differences", "NRS", higher, below, "both lower")


def predicted(
    held: HeldOut,
    model: str,
    several: Sequence[Values],
    people: int = simulation.PEOPLE,
    repeats: int = simulation.REPEATS,
    heartbeat: Heartbeat = lambda: None,
) -> list[tuple[EventChance, list[Quantity]]]:
    """Return the chance of a trial's event and its quantities, over every form that its drug may have had.

    There is one result for each set of draws; they differ in the effects of studies alone.
    """
    results = []
    for forecasts in zip(*_forecasts(held, model, several, people, heartbeat), strict=True):
        tables = [list(_quantities(held, simulation.simulated_trials(trial, repeats))) for trial in forecasts]
        pooled = [
            replace(same[0], predicted=np.concatenate([q.predicted for q in same]))
            for same in zip(*tables, strict=True)
        ]
        results.append((EventChance.average([_chance(held, trial, heartbeat) for trial in forecasts]), pooled))
    return results


def held_out_scores(
    several: Sequence[Values],
    models: tuple[str, ...] = library.PAIN_MODELS,
    people: int = simulation.PEOPLE,
    repeats: int = simulation.REPEATS,
    progress: Progress | None = None,
) -> list[tuple[Scored, ...]]:
    """Score pain models on the trials that they never saw, once for each set of draws, as in `predicted`."""
    tables: list[list[Scored]] = [[] for _ in several]
    done, jobs = 0, len(HELD_OUT) * len(models)
    for held in HELD_OUT:
        results = {}
        for model in models:
            heartbeat = heartbeat_of(progress, f"simulating {held.id} under {model}", done, jobs)
            results[model] = predicted(held, model, several, people, repeats, heartbeat)
            done += 1
        for k, table in enumerate(tables):
            table.append(Scored(held, *({model: one[k][i] for model, one in results.items()} for i in range(2))))
    return [tuple(table) for table in tables]


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
            (shown,) = simulation.forecasts(scenario, "a", stops, (few,), model, 64, heartbeat)
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
