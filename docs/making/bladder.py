"""The bladder's laws against the evidence, and on infusion schedules: the tables of docs/harms.md.

``python docs/making/bladder.py`` prints them; it takes minutes.
"""

import math
from collections.abc import Mapping
from functools import cache, partial
from typing import NamedTuple

import numpy as np
from generate import rendered
from scipy import special

from letheon import library
from letheon.arrays import Array, jax, jnp
from letheon.harms.bladder.laws import (
    LAWS,
    BladderState,
    Tissue,
    advance,
    healthy,
    loss,
    symptoms,
    tissue,
    typical_values,
)
from letheon.harms.bladder.likelihood import row_spread
from letheon.harms.bladder.use import GRID, WEIGHTS, beyond_threshold, predict, repeat
from letheon.library import BladderRow, BladderSchedule
from letheon.units import HOURS_PER_YEAR

_SEED = 20260105
_SMALL_LOSS = 0.10
_SIGNIFICANT = 1.96
_G_DAY = 1000.0 / 24.0  # mg/h of 1 g a day


class Prediction(NamedTuple):
    """A row of the evidence beside what a law predicts: median, 5 % and 95 % quantiles over the posterior draws.

    `score` is observation minus prediction in SDs of both, on the scale of `row_spread`; NaN without an observation or
    where the law predicts exactly none. `quiet` is the probability of "no difference", for a contrast of which only
    that was reported; NaN otherwise.
    """

    row: BladderRow
    law: str
    middle: float
    low: float
    high: float
    score: float
    quiet: float


class ScheduleRisk(NamedTuple):
    """Shares of people right after the last dose of a schedule, under a law.

    `lasting` is the share with a loss beyond the threshold on the actual dosing days (median, 5 % and 95 % of draws),
    `small` that with a loss above a tenth, `symptoms` the probability of symptoms with background, `averaged` as
    `lasting` with the dose spread evenly over the interval (NaN for a single course, which has none).
    """

    schedule: BladderSchedule
    law: str
    lasting: float
    low: float
    high: float
    small: float
    symptoms: float
    averaged: float


@cache
def values_with_doses(law: str) -> Mapping[str, np.ndarray]:
    """Return the draws of a law, with a factor for every dose that a report leaves out."""
    values = dict(typical_values(law))
    draws, rng = len(values["k_rep"]), np.random.default_rng(_SEED)
    middles = special.ndtri((np.arange(draws) + 0.5) / draws)
    for row in library.bladder_rows():
        name = f"dose@{row.dose}"
        if row.dose and name not in values:
            values[name] = np.exp(values["dose_error"] * rng.permutation(middles))
    return values


def _scaled(row: BladderRow, value: np.ndarray) -> np.ndarray:
    """Put a value on the scale on which the row's spread is stated."""
    with np.errstate(divide="ignore"):
        if row.n is not None:
            return special.logit(value)
        return value if row.measure in ("symptom_excess", "log_odds_per_day") else np.log(value)


def _compare(row: BladderRow, law: str, result: np.ndarray) -> Prediction:
    score = quiet = math.nan
    if row.observed and result.min() > 0.0 and (row.n is None or result.max() < 1.0):
        scaled = _scaled(row, result)
        off = float(_scaled(row, np.array(row.observed)) - np.median(scaled))
        score = off / math.hypot(row_spread(row), float(scaled.std()))
    if row.log_se is not None:
        z = np.log(result) / row.log_se
        quiet = float(np.mean(special.ndtr(_SIGNIFICANT - z) - special.ndtr(-_SIGNIFICANT - z)))
    low, middle, high = np.quantile(result, (0.05, 0.5, 0.95))
    return Prediction(row, law, float(middle), float(low), float(high), score, quiet)


@cache
def bladder_table() -> tuple[Prediction, ...]:
    """Return every row of the evidence beside the predictions of both laws, fitted rows first."""
    rows = sorted(library.bladder_rows(), key=lambda row: row.role != "calibrate")
    result = {}
    for law in LAWS:
        # not compiled: so many rows would take longer to compile than to compute once
        predictions = jax.vmap(lambda values, law=law: [predict(law, values, row) for row in rows])(
            dict(values_with_doses(law))
        )
        result[law] = [np.asarray(column) for column in predictions]
    return tuple(_compare(row, law, result[law][i]) for i, row in enumerate(rows) for law in LAWS)


def _course(law: str, person: Tissue, schedule: BladderSchedule, drive: Array) -> BladderState:
    """Return the state right after the last dosing day."""
    hours, state = 24.0 * schedule.days, healthy(GRID.shape)
    if schedule.every_days is None or schedule.years is None:
        return advance(law, person, state, drive, hours)
    cycles = schedule.years * HOURS_PER_YEAR / (24.0 * schedule.every_days)
    state = repeat(law, person, state, drive, hours, 24.0 * schedule.every_days - hours, cycles - 1.0)
    return advance(law, person, state, drive, hours)


def _risks(schedule: BladderSchedule, law: str, values: Mapping[str, Array]) -> tuple[Array, ...]:
    person = tissue(values.__getitem__, jnp.asarray(GRID))
    drive, weights = jnp.asarray(schedule.g_per_day * _G_DAY), jnp.asarray(WEIGHTS)
    state = _course(law, person, schedule, drive)
    lasting = (beyond_threshold(person, state) * weights).sum()
    small = (jax.nn.sigmoid((loss(person, state) - _SMALL_LOSS) / 0.01) * weights).sum()
    ill = (symptoms(person, state) * weights).sum()
    if schedule.every_days is None or schedule.years is None:
        return lasting, small, ill, jnp.nan * ill
    spread = drive * schedule.days / schedule.every_days
    steady = advance(law, person, healthy(GRID.shape), spread, schedule.years * HOURS_PER_YEAR)
    return lasting, small, ill, (beyond_threshold(person, steady) * weights).sum()


@cache
def schedule_table() -> tuple[ScheduleRisk, ...]:
    """Return both laws on the schedules of the evidence: shown, never used, for nothing identifies them there."""
    result = []
    for schedule in library.bladder_schedules():
        for law in LAWS:
            shares = jax.vmap(partial(_risks, schedule, law))(dict(typical_values(law)))
            lasting, small, ill, averaged = (np.asarray(x) for x in shares)
            low, middle, high = np.quantile(lasting, (0.05, 0.5, 0.95))
            medians = [float(np.median(x)) for x in (small, ill, averaged)]
            result.append(ScheduleRisk(schedule, law, float(middle), float(low), float(high), *medians))
    return tuple(result)


def _number(value: float) -> str:
    """Write a number with so few digits that rounding on another machine seldom changes it."""
    if not math.isfinite(value):
        return "–"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"


def _share(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    return "below 0.1 %" if value < 0.001 else f"{100.0 * value:.1f} %"


def tables() -> str:
    """Return both tables in Markdown."""
    pairs = bladder_table()
    facts = {"pairs": list(zip(pairs[::2], pairs[1::2], strict=True)), "risks": schedule_table()}
    return rendered("bladder", facts | {"number": _number, "share": _share, "finite": math.isfinite})


if __name__ == "__main__":
    print(tables(), end="")
