"""What an arm of a study would show under given parameters: fast, smooth, and differentiable.

Plasma does not depend on what is calibrated, so the levels at all nodes of a coarse mesh are computed once; each call
then replays the response of a few quasi-random people on them. The class of patients in whom block does not act is
not drawn but summed out: both fates of each person are returned, to be mixed with the class's probability.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from letheon.arrays import Array, jax, jnp
from letheon.body import course, slow_site
from letheon.body.mesh import HOUR_MS, Grading
from letheon.body.response import Levels
from letheon.patients.population import Covariates, People, people, purposes
from letheon.patients.uncertainty import latin_hypercube, typical_values
from letheon.pipeline import assemble
from letheon.pipeline.plan import plan_arm
from letheon.scenario import Scenario

__all__ = [
    "COARSE",
    "FULL",
    "Cohort",
    "Fate",
    "Forecast",
    "flare_shares",
    "forecast",
    "middle_values",
    "prepare",
    "stack",
    "without_drug",
]

COARSE = Grading(finest_h=0.25, early_h=8.0, coarsest_h=36.0, growth=1.0, late=0.25)
FULL = Grading()
_SEED = 20260103  # of the people; common random numbers for all parameters and arms
_NO_LENGTH = -2000  # level of a step that fills up a mesh: 2^-2000 is 0
_MOST_FLARES = 12.0  # a year, for how many onsets are drawn


class Cohort(NamedTuple):
    """An arm made ready: people, mesh and levels.

    Attributes
    ----------
    steps : course.Steps
        The mesh, without padding.
    nodes : Levels
        Levels at its nodes; axes (patient, step, node).
    people : People
        The people, on the last axis.
    onsets : array, shape (flare, patient)
        Onsets of flares, in units of the mean time between two.
    stops_h : array, shape (stop,)
        Times at which a forecast is read [h].
    rows : int array, shape (stop,)
        Rows of a trajectory at these times.
    """

    steps: course.Steps
    nodes: Levels
    people: People
    onsets: np.ndarray
    stops_h: np.ndarray
    rows: np.ndarray


class Fate(NamedTuple):
    """Latent pain of a cohort, before the noise of a diary; axes (stop, patient).

    Attributes
    ----------
    pain : array
        Pain at the stops [NRS].
    area : array
        Its integral since t = 0 [NRS h].
    """

    pain: Array
    area: Array


class Forecast(NamedTuple):
    """Both fates of the same people: with (`responders`) and without (`others`) an effect on lasting pain."""

    responders: Fate
    others: Fate


def middle_values() -> dict[str, Array]:
    """Return the middles of the typical values, by ``home.name``, in canonical units.

    Returns
    -------
    dict of str to float
        What `forecast` takes: medians of the draws where there are any, else the library's values.

    Examples
    --------
    >>> 1 < middle_values()["memory.tau_s"] / 24 < 10
    True
    """
    return {name: float(np.median(values)) for name, values in typical_values().items()}


def _covariates(scenario: Scenario) -> Covariates:
    p = scenario.population
    age, weight, baseline = p.age, p.weight, p.baseline_nrs
    return Covariates(weight.mean, weight.sd, baseline.mean, baseline.sd, age.mean, age.sd, p.asian)


def _onsets(horizon_h: float, patients: int) -> np.ndarray:
    """Draw unit-rate arrivals of flares, evenly spread over the people, enough for the horizon."""
    expected = _MOST_FLARES * horizon_h / (365.25 * 24)
    flares = math.ceil(expected + 4.0 * math.sqrt(expected) + 2.0)
    gaps = -np.log(latin_hypercube(patients, flares, _SEED + 1).T)
    return np.cumsum(gaps, axis=0)


def prepare(
    scenario: Scenario,
    arm: str,
    patients: int = 64,
    grading: Grading = COARSE,
    stops_h: Sequence[float] | None = None,
) -> Cohort:
    """Make an arm ready: draw its people and solve their plasma on a coarse mesh.

    Parameters
    ----------
    scenario : Scenario
        Population, follow-up and models.
    arm : str
        Name of the arm.
    patients : int
        How many quasi-random people stand for the cohort.
    grading : Grading
        How fine the mesh is.
    stops_h : sequence of float, optional
        Times to read forecasts at, from 0 to the last that matters [h]; the midnights of the follow-up by default.

    Returns
    -------
    Cohort
        To be used with any parameters; people are the same in every arm.
    """
    days = math.ceil(scenario.follow_up_h / 24 - 1e-9)
    stops = np.asarray(24.0 * np.arange(days + 1) if stops_h is None else stops_h, float)
    stops_ms = tuple(round(h * HOUR_MS) for h in stops)
    plan = plan_arm(scenario, scenario.arm(arm), grading, stops_ms)
    data = plan.data
    fields = ("level", "piece", "epoch", "day", "time_h")
    steps = plan.steps._replace(**{f: getattr(plan.steps, f)[: plan.mesh.count] for f in fields})
    points = latin_hypercube(patients, len(purposes()), _SEED)
    values = middle_values()
    switches = assemble.Switches(_SEED, 0.0, 0.0, 0.0)
    draw = partial(people, _covariates(scenario), _SEED, days=plan.days, draw=0)

    @jax.jit
    def solve(numbers, points):
        def one(number, point):
            who = draw(number, point=point)
            plasmas = assemble.plasmas_of(plan.structure, values.__getitem__, who, switches, data, number)
            rates = assemble.rates_of(data, who)
            return who, course.exposure(plasmas, steps, rates, plan.structure.levels)

        return jax.vmap(one, out_axes=(-1, 0))(numbers, points)

    who, nodes = solve(np.arange(patients), points)
    unused = np.zeros((1, patients))  # flares come from `onsets`, and no diary is written
    who = replace(who, flare_u=unused, diary_z=unused)
    onsets = _onsets(stops[-1], patients)
    return Cohort(steps, nodes, who, onsets, stops, plan.day_rows[: len(stops)])


def without_drug(cohort: Cohort) -> Cohort:
    """Return the same people on the same mesh, given nothing.

    Parameters
    ----------
    cohort : Cohort
        An arm.

    Returns
    -------
    Cohort
        Its placebo arm.
    """
    return cohort._replace(nodes=jax.tree.map(jnp.zeros_like, cohort.nodes))


def stack(cohorts: Sequence[Cohort]) -> Cohort:
    """Put cohorts of equally many people on one leading axis, for `jax.vmap`: one program instead of many.

    Parameters
    ----------
    cohorts : sequence of Cohort
        Arms, of any drug and length.

    Returns
    -------
    Cohort
        Shorter meshes are filled up with steps of no length, fewer stops with the last.
    """
    count, stops, flares = (max(f(c) for c in cohorts) for f in (_count, _stops, _flares))
    substances = sorted({name for c in cohorts for name in c.nodes.plasma})

    def fill(x, size: int, axis: int, **how):
        width = [(0, 0)] * np.ndim(x)
        width[axis] = (0, size - np.shape(x)[axis])
        return np.pad(x, width, **(how or {"mode": "edge"}))

    def widen(c: Cohort) -> Cohort:
        none = np.zeros_like(c.nodes.acute_s)
        plasma = {name: c.nodes.plasma.get(name, none) for name in substances}
        nodes = jax.tree.map(lambda x: fill(x, count, 1), c.nodes._replace(plasma=plasma))
        steps = {f: fill(getattr(c.steps, f), count, 0) for f in ("piece", "epoch", "day", "time_h")}
        level = fill(c.steps.level, count, 0, constant_values=_NO_LENGTH)
        onsets = fill(c.onsets, flares, 0, constant_values=1e9)
        rows, stops_h = (fill(x, stops, 0) for x in (c.rows, c.stops_h))
        return Cohort(c.steps._replace(level=level, **steps), nodes, c.people, onsets, stops_h, rows)

    return jax.tree.map(lambda *x: np.stack(x), *map(widen, cohorts))


def _count(cohort: Cohort) -> int:
    return len(cohort.steps.level)


def _stops(cohort: Cohort) -> int:
    return len(cohort.stops_h)


def _flares(cohort: Cohort) -> int:
    return len(cohort.onsets)


def flare_shares(onsets, rate, duration, start, stop):
    """Return the share of each step that a patient spends in a flare, smooth in rate and duration.

    Parameters
    ----------
    onsets : array, shape (flare,)
        Increasing onsets, in units of the mean time between two.
    rate, duration : array
        Flares per hour, their length [h]; an overlapping flare extends to its own end.
    start, stop : array, shape (step,)
        Ends of the steps [h].

    Returns
    -------
    array, shape (step,)
        Shares in [0, 1].

    Examples
    --------
    >>> flare_shares(np.array([1.0, 9.0]), 0.01, 50.0, np.array([0.0, 100.0]), np.array([100.0, 200.0])).tolist()
    [0.0, 0.5]
    """
    begin = onsets / rate
    end = jnp.minimum(begin + duration, jnp.append(begin[1:], jnp.inf))
    low, high = jnp.maximum(begin[:, None], start), jnp.minimum(end[:, None], stop)
    return jnp.maximum(high - low, 0.0).sum(axis=0) / jnp.maximum(stop - start, 1e-9)


def slow_levels(level, h, rate):
    """Return the level at the slow site from that in plasma, so that its half-life may change without new plasma.

    Simpson's rule over each half of a step: the site is slow against every step, and plasma is known at the quarters.

    Parameters
    ----------
    level : array, shape (step, node)
        Plasma level at the quarters of each step [ng/mL].
    h : array, shape (step,)
        Step lengths [h].
    rate : array
        Rate constant of the site [1/h].

    Returns
    -------
    array, shape (step, node)
        Level at the site [ng/mL].
    """

    def half(before, levels, d):
        a, b, c = levels
        fade = jnp.exp(-rate * d)
        return before * fade + rate * d / 6.0 * (a * fade + 4.0 * b * jnp.sqrt(fade) + c)

    def step(before, data):
        c, h = data
        middle = half(before, c[:3], h / 2.0)
        after = half(middle, c[2:], h / 2.0)
        return after, jnp.stack([before, (before + middle) / 2.0, middle, (middle + after) / 2.0, after])

    return jax.lax.scan(step, jnp.zeros(()), (level, h))[1]


def forecast(
    values: Mapping[str, Array],
    cohort: Cohort,
    pain: str = "memory",
    *,
    flares: bool = True,
    expectancy: float = 0.0,
    norketamine: float = 0.0,
    bound: float | None = None,
) -> Forecast:
    """Return the latent pain of a cohort under given parameters.

    Parameters
    ----------
    values : mapping of str to array
        Typical values and spreads by ``home.name`` and ``home.name.sd``, in canonical units; may be traced.
    cohort : Cohort
        From `prepare`.
    pain : str
        Pain model: ``memory`` or ``slow_site``.
    flares : bool
        Whether flares happen.
    expectancy : float
        Relief from unblinding [NRS].
    norketamine : float
        Weight of norketamine in the block.
    bound : float, optional
        As for `letheon.body.course.replay`: bounds sensitivities in reverse differentiation.

    Returns
    -------
    Forecast
        Axes (stop, patient).
    """
    switches = assemble.Switches(_SEED, float(flares), expectancy, norketamine)
    count = cohort.steps.level.shape[0]
    steps = cohort.steps._replace(day=jnp.arange(count))  # flares are told by step, not by day
    start = jnp.asarray(steps.time_h)
    stop = start + steps.h0_h * 2.0 ** jnp.asarray(steps.level)

    rate = slow_site.rate(values["slow_site.half_life"])

    def one(who, onsets, nodes):
        if pain == "slow_site":
            nodes = nodes._replace(slow=slow_levels(nodes.plasma["esketamine"], stop - start, rate))
        body = assemble.body_of(values.__getitem__, who, switches)
        if flares:
            shares = flare_shares(onsets, values["flares.rate"], values["flares.duration"], start, stop)
        else:
            shares = jnp.zeros(count)

        def fate(responds):
            mine = body._replace(flares=shares, responds=responds, slow_responds=responds)
            path = course.replay(mine, assemble.molar_masses(), steps, nodes, bound)
            score, area = (path.pain, path.area) if pain == "memory" else (path.pain_slow, path.area_slow)
            return Fate(score[cohort.rows], area[cohort.rows])

        both = jax.vmap(fate)(jnp.array([1.0, 0.0]))
        return Forecast(*(jax.tree.map(lambda x, i=i: x[i], both) for i in range(2)))

    return jax.vmap(one, in_axes=(-1, -1, 0), out_axes=-1)(cohort.people, cohort.onsets, cohort.nodes)
