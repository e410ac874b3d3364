"""What an injury law predicts for people who take ketamine in a pattern: the rows of the evidence, as functions.

Use that repeats (so many days in every so many) has a closed form however long it lasts, so years cost no more than
days. People differ in susceptibility: each prediction is an integral over it, on a fine grid that reaches far into
the tails.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from letheon.arrays import Array, jax, jnp
from letheon.harms.acute import logit
from letheon.harms.bladder.laws import (
    BladderState,
    Tissue,
    anaesthetic_capacity,
    functional_capacity,
    healthy,
    injury_rate,
    loss,
    symptoms,
    tissue,
)
from letheon.library import BladderRow, UsePattern
from letheon.units import HOURS_PER_YEAR

__all__ = ["GRID", "WEIGHTS", "beyond_threshold", "predict", "repeat"]

GRID = np.linspace(-4.5, 4.5, 161)  # susceptibilities, standard normal
WEIGHTS = np.exp(-(GRID**2) / 2) / np.exp(-(GRID**2) / 2).sum()
_SMOOTHING = 0.03  # width of the threshold of loss, so that shares change smoothly with parameters
_RAMP_STEPS = 12
_MONTH_H = HOURS_PER_YEAR / 12
_WATCHED_MONTHS = 84
_G_DAY = 1000.0 / 24.0  # mg/h of 1 g a day


def repeat(
    law: str, person: Tissue, state: BladderState, drive: Array, on_h: float, off_h: float, cycles: Array
) -> BladderState:
    """Carry a bladder through cycles of use and pause [h], in closed form, to the end of the last pause.

    `drive` [mg/h] is that during use; the number of `cycles` need not be whole. Fibrosis that heals is left out.
    """
    injury = injury_rate(law, person, drive)
    rate = injury + person.k_rep
    settled = injury / rate
    lasted = -jnp.expm1(-rate * on_h) / rate
    rest = jnp.exp(-person.k_rep * off_h)
    fall = rate * on_h + person.k_rep * off_h  # log of what is left of any difference after a cycle
    fixed = settled * -jnp.expm1(-rate * on_h) * rest / -jnp.expm1(-fall)
    away = state.deficit - fixed
    at_starts = cycles * fixed + away * jnp.expm1(-fall * cycles) / jnp.expm1(-fall)
    exposed = cycles * settled * (on_h - lasted) + lasted * at_starts  # integral of the deficit while drug is there
    calm = person.k_irritation * (on_h + off_h)
    low = drive * jnp.expm1(-person.k_irritation * on_h) * jnp.exp(-person.k_irritation * off_h) / jnp.expm1(-calm)
    return BladderState(
        irritation=low + (state.irritation - low) * jnp.exp(-calm * cycles),
        deficit=fixed + away * jnp.exp(-fall * cycles),
        fibrosis=1.0 - (1.0 - state.fibrosis) * jnp.exp(-person.k_fib * drive * exposed),
    )


def _used(law: str, person: Tissue, pattern: UsePattern, drive: Array) -> BladderState:
    """Return the state at the last use: a dose that rises in steps, then the rest; irritation is its lasting mean."""
    go = partial(repeat, law, person, on_h=24.0 * pattern.on_days, off_h=24.0 * (pattern.every_days - pattern.on_days))
    state = healthy(jnp.shape(person.d50))
    months = pattern.months - pattern.ramp_months
    per_month = _MONTH_H / 24.0 / pattern.every_days
    if pattern.ramp_months:
        for step in range(_RAMP_STEPS):
            part = (step + 0.5) / _RAMP_STEPS
            state = go(state, drive * part, cycles=per_month * pattern.ramp_months / _RAMP_STEPS)
    state = go(state, drive, cycles=per_month * months)
    mean = drive * pattern.on_days / pattern.every_days
    return state._replace(irritation=jnp.broadcast_to(mean, state.deficit.shape))


def _rested(person: Tissue, state: BladderState, months: float) -> BladderState:
    hours = months * _MONTH_H
    return BladderState(
        state.irritation * jnp.exp(-person.k_irritation * hours),
        state.deficit * jnp.exp(-person.k_rep * hours),
        state.fibrosis,
    )


def beyond_threshold(person: Tissue, state: BladderState) -> Array:
    """Say who has lost more capacity than the threshold: 0 or 1, smooth in between."""
    return jax.nn.sigmoid((loss(person, state) - person.threshold) / _SMOOTHING)


def _mean(values: Array, weights: Array) -> Array:
    return (values * weights).sum() / jnp.maximum(weights.sum(), 1e-300)


class _Users(NamedTuple):
    """People of a row of the evidence; axis (susceptibility,)."""

    person: Tissue
    using: BladderState  # at the last use
    later: BladderState  # after the time off
    weights: Array  # share of people at each susceptibility; in a row on those affected, affected at the last use

    def mean(self, values: Array) -> Array:
        return _mean(values, self.weights)


class _Case(NamedTuple):
    """A row of the evidence under a law."""

    law: str
    typical: Callable[[str], Array]  # from a name of ``[bladder]`` to its value in canonical units
    row: BladderRow
    factor: Array  # on the dose, where a report gives none

    def drive(self, pattern: UsePattern) -> Array:
        """Return the systemic dose during use [mg/h]."""
        share = 1.0 if pattern.route == "iv" else self.typical(pattern.route)
        return self.factor * pattern.g * _G_DAY * share

    def users(self, pattern: UsePattern | None = None) -> _Users:
        """Return the people of the row after its pattern of use, or after another."""
        pattern = pattern or self.row.pattern
        person, weights = tissue(self.typical, jnp.asarray(GRID)), jnp.asarray(WEIGHTS)
        using = _used(self.law, person, pattern, self.drive(pattern))
        if self.row.people == "affected":
            weights = weights * beyond_threshold(person, using)
        return _Users(person, using, _rested(person, using, pattern.months_off), weights)

    def mean_capacity(self) -> Array:
        """Return by what the mean capacity of people exceeds that of the middle one, to whom grids belong."""
        return jnp.exp(self.typical("capacity.sd") ** 2 / 2.0)


Measure = Callable[[Tissue, BladderState], Array]


def _of_users(measure: Measure, case: _Case) -> Array:
    users = case.users()
    return users.mean(measure(users.person, users.later))


def _of_both(measure: Measure, case: _Case) -> list[Array]:
    both = (case.users(pattern) for pattern in (case.row.pattern, case.row.against))
    return [users.mean(measure(users.person, users.later)) for users in both]


def _contrast(measure: Measure, case: _Case) -> Array:
    one, other = _of_both(measure, case)
    return one / other


def _anaesthetic_ml(case: _Case) -> Array:
    return 1000.0 * case.mean_capacity() * _of_users(anaesthetic_capacity, case)


def _symptom_excess(case: _Case) -> Array:
    """Return the excess at the end of a day of use, where irritation is greatest."""
    users, pattern = case.users(), case.row.pattern
    on, every = (24.0 * users.person.k_irritation * days for days in (pattern.on_days, pattern.every_days))
    peak = case.drive(pattern) * jnp.expm1(-on) / jnp.expm1(-every)
    state = users.later._replace(irritation=jnp.broadcast_to(peak, users.later.deficit.shape))
    return users.mean(symptoms(users.person, state)) - case.typical("background")


def _log_odds_per_day(case: _Case) -> Array:
    one, other = _of_both(symptoms, case)
    half_year = 180.0
    days, other_days = (half_year * p.on_days / p.every_days for p in (case.row.pattern, case.row.against) if p)
    return (logit(other) - logit(one)) / (other_days - days)


def _odds_ratio(case: _Case) -> Array:
    return jnp.exp(logit(_of_users(symptoms, case)) - logit(case.typical("background")))


def _below(case: _Case, person: Tissue, state: BladderState) -> Array:
    """Return the share of people below the limit at each susceptibility; capacity varies between people too."""
    sound = functional_capacity(person, state) / person.capacity  # at the middle capacity; the floor hardly counts
    assert case.row.limit_ml is not None
    limit = case.row.limit_ml / 1000.0
    z = (jnp.log(limit) - jnp.log(sound * person.capacity)) / case.typical("capacity.sd")
    return jax.scipy.special.ndtr(z)


def _share_below(case: _Case) -> Array:
    return _of_users(partial(_below, case), case)


def _share_normal_again(case: _Case) -> Array:
    """Return the share of those below the limit who are above it after their time off, if the abstinent alone heal."""
    users = case.users()
    before, after = (users.mean(_below(case, users.person, state)) for state in (users.using, users.later))
    return case.row.abstinent * (before - after) / before


def _latency_months(case: _Case) -> Array:
    """Return the mean time to the threshold, among those who reach it within the time watched."""
    person, pattern = tissue(case.typical, jnp.asarray(GRID)), case.row.pattern
    drive = case.drive(pattern)
    on, every = 24.0 * pattern.on_days, 24.0 * pattern.every_days

    def month(state: BladderState, index: Array) -> tuple[BladderState, Array]:
        risen = jnp.minimum((index + 0.5) / pattern.ramp_months, 1.0) if pattern.ramp_months else 1.0
        state = repeat(case.law, person, state, drive * risen, on, every - on, _MONTH_H / every)
        return state, _mean(beyond_threshold(person, state), jnp.asarray(WEIGHTS))

    _, share = jax.lax.scan(month, healthy(GRID.shape), jnp.arange(_WATCHED_MONTHS, dtype=float))
    onset = jnp.diff(share, prepend=0.0)
    return _mean(jnp.arange(_WATCHED_MONTHS) + 0.5, onset)


def _low_capacity_ml(case: _Case) -> Array:
    """Return the mean capacity of the most susceptible."""
    person, _, state, weights = case.users()
    worst = jnp.clip((case.row.worst_share - (jnp.cumsum(weights) - weights)) / weights, 0.0, 1.0) * weights
    mean = case.mean_capacity()
    scaled = person._replace(capacity=person.capacity * mean, anaesthetic=person.anaesthetic * mean)
    return 1000.0 * _mean(functional_capacity(scaled, state), worst)


def _share_improved(case: _Case) -> Array:
    """Return the share whose excess of symptoms has at least halved."""
    users = case.users()
    before, after = (symptoms(users.person, s) - case.typical("background") for s in (users.using, users.later))
    return users.mean((after <= before / 2.0).astype(float))


def _share_worse(case: _Case) -> Array:
    users = case.users()
    before, after = (symptoms(users.person, state) for state in (users.using, users.later))
    return users.mean((after > before).astype(float))


_MEASURES: Mapping[str, Callable[[_Case], Array]] = {
    "lasting_loss": partial(_of_users, beyond_threshold),
    "functional_share": partial(_of_users, lambda person, state: 1.0 - loss(person, state)),
    "functional_contrast": partial(_contrast, functional_capacity),
    "anaesthetic_contrast": partial(_contrast, anaesthetic_capacity),
    "anaesthetic_ml": _anaesthetic_ml,
    "symptoms": partial(_of_users, symptoms),
    "symptom_excess": _symptom_excess,
    "log_odds_per_day": _log_odds_per_day,
    "odds_ratio": _odds_ratio,
    "share_below": _share_below,
    "share_normal_again": _share_normal_again,
    "latency_months": _latency_months,
    "low_capacity_ml": _low_capacity_ml,
    "share_improved": _share_improved,
    "share_worse": _share_worse,
}


def predict(law: str, values: Mapping[str, Array], row: BladderRow) -> Array:
    """Return what a law predicts for a row of the evidence, in the unit of the row's observation.

    `values` are the numbers of ``[bladder]`` in canonical units; ``dose@key`` is the factor on a dose that a report
    leaves out.

    >>> from letheon import library
    >>> from letheon.harms.bladder.laws import typical_values
    >>> values = {name: column[0] for name, column in typical_values("saturating").items()}
    >>> row = next(row for row in library.bladder_rows() if row.id == "symptom_free_users")
    >>> bool(values["background"] < predict("saturating", values, row) < 1.0)
    True
    """
    factor = values.get(f"dose@{row.dose}", 1.0) if row.dose else 1.0
    return _MEASURES[row.measure](_Case(law, values.__getitem__, row, factor))
