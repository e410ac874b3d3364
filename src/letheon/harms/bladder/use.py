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

__all__ = ["GRID", "SMOOTHING", "WEIGHTS", "Users", "beyond_threshold", "predict", "repeat", "users"]

SMOOTHING = 0.03  # width of the threshold of loss, so that shares change smoothly with parameters
GRID = np.linspace(-4.5, 4.5, 161)  # susceptibilities, standard normal
WEIGHTS = np.exp(-(GRID**2) / 2) / np.exp(-(GRID**2) / 2).sum()
_RAMP_STEPS = 12
_MONTH_H = HOURS_PER_YEAR / 12
_WATCHED_MONTHS = 84
_G_DAY = 1000.0 / 24.0  # mg/h of 1 g a day


def repeat(
    law: str, person: Tissue, state: BladderState, drive: Array, on_h: float, off_h: float, cycles: Array
) -> BladderState:
    """Carry a bladder through cycles of use and pause, in closed form; fibrosis that heals is left out.

    Parameters
    ----------
    law : str
        Injury law.
    person : Tissue
        The bladder.
    state : BladderState
        State at the start.
    drive : array
        Drive while used [mg/h].
    on_h, off_h : float
        Hours of use and of pause in a cycle.
    cycles : array
        How many; need not be whole.

    Returns
    -------
    BladderState
        State after the last pause.
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


class Users(NamedTuple):
    """People of all susceptibilities after a pattern of use.

    Attributes
    ----------
    person : Tissue
        Their bladders; axis (susceptibility,) where they differ.
    state : BladderState
        States, axis (susceptibility,).
    weights : array
        Share of people at each susceptibility.
    """

    person: Tissue
    state: BladderState
    weights: Array


def _systemic(typical: Callable[[str], Array], pattern: UsePattern, factor: Array) -> Array:
    share = 1.0 if pattern.route == "iv" else typical(pattern.route)
    return factor * pattern.g * _G_DAY * share


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


def users(law: str, typical: Callable[[str], Array], pattern: UsePattern, factor: Array = 1.0) -> Users:
    """Return people of all susceptibilities at the end of a pattern of use, its time off included.

    Parameters
    ----------
    law : str
        Injury law.
    typical : callable
        From a name of ``[bladder]`` to its value in canonical units.
    pattern : UsePattern
        How the drug is taken.
    factor : array
        Factor on the dose, where a report gives none.

    Returns
    -------
    Users
        The people.
    """
    person = tissue(typical, jnp.asarray(GRID))
    state = _used(law, person, pattern, _systemic(typical, pattern, factor))
    return Users(person, _rested(person, state, pattern.months_off), jnp.asarray(WEIGHTS))


def beyond_threshold(person: Tissue, state: BladderState) -> Array:
    """Say who has lost more capacity than the threshold: 0 or 1, smooth in between."""
    return jax.nn.sigmoid((loss(person, state) - person.threshold) / SMOOTHING)


def _chosen(row: BladderRow, group: Users) -> Array:
    """Return the weights of the people a row is about: all, or those affected at the last use."""
    return group.weights * beyond_threshold(group.person, group.state) if row.people == "affected" else group.weights


def _mean(values: Array, weights: Array) -> Array:
    return (values * weights).sum() / jnp.maximum(weights.sum(), 1e-300)


def _group(
    law: str, typical: Callable[[str], Array], row: BladderRow, factor: Array, pattern: UsePattern | None = None
) -> tuple[Users, Array]:
    """Return the people of a row, chosen by their state at the last use, after their time off."""
    pattern = pattern or row.pattern
    person = tissue(typical, jnp.asarray(GRID))
    state = _used(law, person, pattern, _systemic(typical, pattern, factor))
    at_last_use = Users(person, state, jnp.asarray(WEIGHTS))
    return at_last_use._replace(state=_rested(person, state, pattern.months_off)), _chosen(row, at_last_use)


def _mean_capacity(typical: Callable[[str], Array]) -> Array:
    """Return by what the mean capacity of people exceeds that of the middle one, to whom grids belong."""
    return jnp.exp(typical("capacity.sd") ** 2 / 2.0)


def _lasting_loss(law: str, typical: Callable[[str], Array], row: BladderRow, factor: Array) -> Array:
    group, weights = _group(law, typical, row, factor)
    return _mean(beyond_threshold(group.person, group.state), weights)


def _functional_share(law: str, typical: Callable[[str], Array], row: BladderRow, factor: Array) -> Array:
    group, weights = _group(law, typical, row, factor)
    return _mean(1.0 - loss(group.person, group.state), weights)


def _contrast(measure: Callable, law: str, typical: Callable[[str], Array], row: BladderRow, factor: Array) -> Array:
    one, other = (_group(law, typical, row, factor, pattern) for pattern in (row.pattern, row.against))
    means = [_mean(measure(group.person, group.state), weights) for group, weights in (one, other)]
    return means[0] / means[1]


def _anaesthetic_ml(law: str, typical: Callable[[str], Array], row: BladderRow, factor: Array) -> Array:
    group, weights = _group(law, typical, row, factor)
    return 1000.0 * _mean_capacity(typical) * _mean(anaesthetic_capacity(group.person, group.state), weights)


def _symptoms(law: str, typical: Callable[[str], Array], row: BladderRow, factor: Array) -> Array:
    group, weights = _group(law, typical, row, factor)
    return _mean(symptoms(group.person, group.state), weights)


def _symptom_excess(law: str, typical: Callable[[str], Array], row: BladderRow, factor: Array) -> Array:
    """Return the excess at the end of a day of use, where irritation is greatest."""
    group, weights = _group(law, typical, row, factor)
    on, every = (24.0 * group.person.k_irritation * d for d in (row.pattern.on_days, row.pattern.every_days))
    peak = _systemic(typical, row.pattern, factor) * jnp.expm1(-on) / jnp.expm1(-every)
    state = group.state._replace(irritation=jnp.broadcast_to(peak, group.state.deficit.shape))
    return _mean(symptoms(group.person, state), weights) - typical("background")


def _logit(p: Array) -> Array:
    return jnp.log(p) - jnp.log1p(-p)


def _log_odds_per_day(law: str, typical: Callable[[str], Array], row: BladderRow, factor: Array) -> Array:
    shares = [
        _mean(symptoms(group.person, group.state), weights)
        for group, weights in (_group(law, typical, row, factor, p) for p in (row.pattern, row.against))
    ]
    half_year = 180.0
    use_days = [half_year * p.on_days / p.every_days for p in (row.pattern, row.against) if p]
    return (_logit(shares[1]) - _logit(shares[0])) / (use_days[1] - use_days[0])


def _odds_ratio(law: str, typical: Callable[[str], Array], row: BladderRow, factor: Array) -> Array:
    return jnp.exp(_logit(_symptoms(law, typical, row, factor)) - _logit(typical("background")))


def _below(typical: Callable[[str], Array], row: BladderRow, group: Users) -> Array:
    """Return the share of people below the limit at each susceptibility; capacity varies between people too."""
    person, spread = group.person, typical("capacity.sd")
    sound = (
        functional_capacity(person, group.state) / person.capacity
    )  # at the middle capacity; the floor hardly counts
    assert row.limit_ml is not None
    limit = row.limit_ml / 1000.0
    z = (jnp.log(limit) - jnp.log(sound * person.capacity)) / spread
    return jax.scipy.special.ndtr(z)


def _share_below(law: str, typical: Callable[[str], Array], row: BladderRow, factor: Array) -> Array:
    group, weights = _group(law, typical, row, factor)
    return _mean(_below(typical, row, group), weights)


def _share_normal_again(law: str, typical: Callable[[str], Array], row: BladderRow, factor: Array) -> Array:
    """Return the share of those below the limit who are above it after their time off, if the abstinent alone heal."""
    group, weights = _group(law, typical, row, factor)
    using = group._replace(state=_used(law, group.person, row.pattern, _systemic(typical, row.pattern, factor)))
    before, after = (_mean(_below(typical, row, people), weights) for people in (using, group))
    return row.abstinent * (before - after) / before


def _latency_months(law: str, typical: Callable[[str], Array], row: BladderRow, factor: Array) -> Array:
    """Return the mean time to the threshold, among those who reach it within the time watched."""
    person, pattern = tissue(typical, jnp.asarray(GRID)), row.pattern
    drive = _systemic(typical, pattern, factor)
    on, every = 24.0 * pattern.on_days, 24.0 * pattern.every_days

    def month(state: BladderState, index: Array) -> tuple:
        risen = jnp.minimum((index + 0.5) / pattern.ramp_months, 1.0) if pattern.ramp_months else 1.0
        state = repeat(law, person, state, drive * risen, on, every - on, _MONTH_H / every)
        return state, _mean(beyond_threshold(person, state), jnp.asarray(WEIGHTS))

    _, share = jax.lax.scan(month, healthy(GRID.shape), jnp.arange(_WATCHED_MONTHS, dtype=float))
    onset = jnp.diff(share, prepend=0.0)
    return _mean(jnp.arange(_WATCHED_MONTHS) + 0.5, onset)


def _low_capacity_ml(law: str, typical: Callable[[str], Array], row: BladderRow, factor: Array) -> Array:
    """Return the mean capacity of the most susceptible."""
    group, weights = _group(law, typical, row, factor)
    worst = jnp.clip((row.worst_share - (jnp.cumsum(weights) - weights)) / weights, 0.0, 1.0) * weights
    mean = _mean_capacity(typical)
    scaled = group.person._replace(
        capacity=group.person.capacity * mean,
        anaesthetic=group.person.anaesthetic * mean,
    )
    return 1000.0 * _mean(functional_capacity(scaled, group.state), worst)


def _share_improved(law: str, typical: Callable[[str], Array], row: BladderRow, factor: Array) -> Array:
    """Return the share whose excess of symptoms has at least halved."""
    group, weights = _group(law, typical, row, factor)
    using = _used(law, group.person, row.pattern, _systemic(typical, row.pattern, factor))
    before, after = (symptoms(group.person, state) - typical("background") for state in (using, group.state))
    return _mean((after <= before / 2.0).astype(float), weights)


def _share_worse(law: str, typical: Callable[[str], Array], row: BladderRow, factor: Array) -> Array:
    group, weights = _group(law, typical, row, factor)
    using = _used(law, group.person, row.pattern, _systemic(typical, row.pattern, factor))
    later = symptoms(group.person, group.state)
    return _mean((later > symptoms(group.person, using)).astype(float), weights)


_MEASURES: Mapping[str, Callable] = {
    "lasting_loss": _lasting_loss,
    "functional_share": _functional_share,
    "functional_contrast": partial(_contrast, functional_capacity),
    "anaesthetic_contrast": partial(_contrast, anaesthetic_capacity),
    "anaesthetic_ml": _anaesthetic_ml,
    "symptoms": _symptoms,
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
    """Return what a law predicts for a row of the evidence.

    Parameters
    ----------
    law : str
        Injury law.
    values : mapping of str to array
        Numbers of ``[bladder]`` in canonical units; ``dose@key`` is the factor on a dose that a report leaves out.
    row : BladderRow
        The row.

    Returns
    -------
    array
        Prediction, in the unit of the row's observation.

    Examples
    --------
    >>> from letheon import library
    >>> from letheon.harms.bladder.laws import typical_values
    >>> values = {name: column[0] for name, column in typical_values("saturating").items()}
    >>> row = next(row for row in library.bladder_rows() if row.id == "symptom_free_users")
    >>> bool(values["background"] < predict("saturating", values, row) < 1.0)
    True
    """
    factor = values.get(f"dose@{row.dose}", 1.0) if row.dose else 1.0
    return _MEASURES[row.measure](law, values.__getitem__, row, factor)
