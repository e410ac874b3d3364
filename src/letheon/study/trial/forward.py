"""What an arm of a study would show under given parameters: fast, smooth, and differentiable.

Plasma does not depend on what is calibrated, so the levels at all nodes of a coarse mesh are computed once; each call
then replays the response of a few quasi-random people on them. The class of patients in whom block does not act is
not drawn but summed out: both pain courses of each person are returned, to be mixed with the class's probability.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import special

from letheon.arrays import Array, jax, jnp
from letheon.body import course, slow_site
from letheon.body.mesh import HOUR_MS, Grading
from letheon.body.response import Levels
from letheon.patients.population import Covariates, People, people, purposes
from letheon.patients.uncertainty import latin_hypercube, typical_values
from letheon.pipeline import assemble
from letheon.pipeline.plan import plan_arm
from letheon.scenario import Scenario

COARSE = Grading(finest_h=0.25, early_h=8.0, coarsest_h=36.0, growth=1.0, late=0.25)
FULL = Grading()
_SEED = 20260103  # of the people; common random numbers for all parameters and arms
_NO_LENGTH = -2000  # level of a step that fills up a mesh: 2^-2000 is 0
_MOST_FLARES = 12.0  # a year, for how many onsets are drawn


class Cohort(NamedTuple):
    """An arm made ready: people, mesh and levels."""

    steps: course.Steps  # the mesh, without padding
    nodes: Levels  # levels at its nodes, of each part of the timetable apart; axes (patient, part, step, node)
    people: People  # on the last axis
    titration_z: np.ndarray  # (patient,): standard normal deviations of the rate that a titration reached
    onsets: np.ndarray  # (flare, patient): onsets of flares, in units of the mean time between two
    stops_h: np.ndarray  # (stop,): times at which a forecast is read [h]
    rows: np.ndarray  # (stop,): rows of a trajectory at these times


class PainCourse(NamedTuple):
    """Latent pain of a cohort, before the noise of a diary; axes (stop, patient)."""

    pain: Array  # at the stops [NRS]
    area: Array  # its integral since t = 0 [NRS h]


class Forecast(NamedTuple):
    """Both pain courses of the same people: with (`responders`) and without (`others`) an effect on lasting pain."""

    responders: PainCourse
    others: PainCourse


def responds(values: Mapping[str, Array], pain: str) -> Array:
    """Return the chance that a patient is one in whom there is an effect on lasting pain."""
    return values["slow_site.p_response"] if pain == "slow_site" else 1.0 - values["memory.p_nonresponse"]


def middle_values() -> dict[str, float]:
    """Return the middles of the typical values by ``home.name``, in canonical units: what `forecast` takes."""
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
    *,
    by_piece: bool = False,
) -> Cohort:
    """Make an arm ready: draw quasi-random people and solve their plasma on a coarse mesh, for any parameters.

    The people are the same in every arm. Forecasts are read at the stops, from 0 to the last that matters [h]; by
    default at the midnights of the follow-up. The whole timetable is one part of the levels, or, with `by_piece`, each
    of its pieces: levels are linear in the rates, so a forecast may multiply each by a factor.
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
    pieces = np.eye(len(data.absolute))[((data.absolute != 0) | (data.per_kg != 0)).any(axis=1)]
    parts = pieces if by_piece else np.ones((1, len(data.absolute)))

    @jax.jit
    def solve(numbers: Array, points: Array) -> tuple[People, Levels]:
        def one(number: Array, point: Array) -> tuple[People, Levels]:
            who = draw(number, point=point)
            plasmas = assemble.plasmas_of(plan.structure, values.__getitem__, who, switches, data, number)
            rates = parts * assemble.rates_of(data, who)
            return who, jax.vmap(lambda own: course.exposure(plasmas, steps, own, plan.structure.levels))(rates)

        return jax.vmap(one, out_axes=(-1, 0))(numbers, points)

    who, nodes = solve(np.arange(patients), points)
    unused = np.zeros((1, patients))  # flares come from `onsets`, and no diary is written
    who = replace(who, flare_u=unused, diary_z=unused)
    onsets = _onsets(stops[-1], patients)
    titration_z = special.ndtri(latin_hypercube(patients, 1, _SEED + 2)[:, 0])
    return Cohort(steps, nodes, who, titration_z, onsets, stops, plan.day_rows[: len(stops)])


def without_drug(cohort: Cohort) -> Cohort:
    """Return the same people on the same mesh, given nothing: the placebo arm."""
    return cohort._replace(nodes=jax.tree.map(jnp.zeros_like, cohort.nodes))


def stack(cohorts: Sequence[Cohort]) -> Cohort:
    """Put cohorts of equally many people on one leading axis, for `jax.vmap`: one program instead of many.

    Shorter meshes are filled up with steps of no length, fewer parts with nothing, fewer stops with the last.
    """
    count = max(len(c.steps.level) for c in cohorts)
    parts = max(c.nodes.acute_s.shape[1] for c in cohorts)
    stops = max(len(c.stops_h) for c in cohorts)
    flares = max(len(c.onsets) for c in cohorts)
    substances = sorted({name for c in cohorts for name in c.nodes.plasma})

    def fill(x: Array, size: int, axis: int = 0, value: float | None = None) -> np.ndarray:
        width = [(0, 0)] * np.ndim(x)
        width[axis] = (0, size - np.shape(x)[axis])
        return np.pad(x, width, mode="edge") if value is None else np.pad(x, width, constant_values=value)

    def widen(c: Cohort) -> Cohort:
        none = np.zeros_like(c.nodes.acute_s)
        plasma = {name: c.nodes.plasma.get(name, none) for name in substances}
        nodes = jax.tree.map(lambda x: fill(fill(x, count, 2), parts, 1, 0.0), c.nodes._replace(plasma=plasma))
        steps = {f: fill(getattr(c.steps, f), count) for f in ("piece", "epoch", "day", "time_h")}
        level = fill(c.steps.level, count, value=_NO_LENGTH)
        onsets = fill(c.onsets, flares, value=1e9)
        rows, stops_h = (fill(x, stops) for x in (c.rows, c.stops_h))
        return Cohort(c.steps._replace(level=level, **steps), nodes, c.people, c.titration_z, onsets, stops_h, rows)

    return jax.tree.map(lambda *x: np.stack(x), *map(widen, cohorts))


def flare_shares(onsets: Array, rate: Array, duration: Array, start: Array, stop: Array) -> Array:
    """Return the share (step,) of each step that a patient spends in a flare, smooth in rate and duration.

    Onsets (flare,) increase, in units of the mean time between two; `rate` is flares per hour, `duration` their length
    [h], and an overlapping flare extends to its own end. `start` and `stop` (step,) are the ends of the steps [h].

    Examples
    --------
    >>> flare_shares(np.array([1.0, 9.0]), 0.01, 50.0, np.array([0.0, 100.0]), np.array([100.0, 200.0])).tolist()
    [0.0, 0.5]
    """
    onset = onsets / rate
    end = jnp.minimum(onset + duration, jnp.append(onset[1:], jnp.inf))
    low, high = jnp.maximum(onset[:, None], start), jnp.minimum(end[:, None], stop)
    return jnp.maximum(high - low, 0.0).sum(axis=0) / jnp.maximum(stop - start, 1e-9)


def slow_levels(level: Array, h: Array, rate: Array) -> Array:
    """Return the level at the slow site from that in plasma, so that its half-life may change without new plasma.

    Simpson's rule over each half of a step: the site is slow against every step, and plasma is known at the quarters.

    `level` is that in plasma at the quarters of each step, the result that at the site (step, node) [ng/mL]; the steps
    have lengths `h` (step,) [h], and the site has the rate constant `rate` [1/h].
    """

    def half(before: Array, levels: Array, d: Array) -> Array:
        a, b, c = levels
        fade = jnp.exp(-rate * d)
        return before * fade + rate * d / 6.0 * (a * fade + 4.0 * b * jnp.sqrt(fade) + c)

    def step(before: Array, data: tuple[Array, Array]) -> tuple[Array, Array]:
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
    factors: Array | None = None,
) -> Forecast:
    """Return the latent pain of a cohort under given parameters; axes (stop, patient).

    Values are typical values and spreads by ``home.name`` and ``home.name.sd``, in canonical units, and may be traced.
    `pain` is ``memory`` or ``slow_site``, `expectancy` relief from unblinding [NRS], `norketamine` its weight in the
    block; `bound` bounds sensitivities in reverse differentiation, as in `letheon.body.course.replay`. `factors` (part,
    patient) multiply the rates of each part of the timetable; without them all are as written.
    """
    switches = assemble.Switches(_SEED, float(flares), expectancy, norketamine)
    count = cohort.steps.level.shape[0]
    steps = cohort.steps._replace(day=jnp.arange(count))  # flares go by step, not by day
    start = jnp.asarray(steps.time_h)
    stop = start + steps.h0_h * 2.0 ** jnp.asarray(steps.level)
    rate = slow_site.rate(values["slow_site.half_life"])

    def one(who: People, onsets: Array, nodes: Levels, factors: Array) -> Forecast:
        nodes = jax.tree.map(lambda x: jnp.tensordot(factors, x, 1), nodes)
        if pain == "slow_site":
            nodes = nodes._replace(slow=slow_levels(nodes.plasma["esketamine"], stop - start, rate))
        body = assemble.body_of(values.__getitem__, who, switches)
        if flares:
            shares = flare_shares(onsets, values["flares.rate"], values["flares.duration"], start, stop)
        else:
            shares = jnp.zeros(count)

        def pain_course(responds: Array) -> PainCourse:
            mine = body._replace(flares=shares, responds=responds, slow_responds=responds)
            path = course.replay(mine, assemble.molar_masses(), steps, nodes, bound)
            score, area = (path.pain, path.area) if pain == "memory" else (path.pain_slow, path.area_slow)
            return PainCourse(score[cohort.rows], area[cohort.rows])

        both = jax.vmap(pain_course)(jnp.array([1.0, 0.0]))
        return Forecast(*(jax.tree.map(lambda x, i=i: x[i], both) for i in range(2)))

    factors = jnp.ones(cohort.nodes.acute_s.shape[1::-1]) if factors is None else factors
    each = jax.vmap(one, in_axes=(-1, -1, 0, -1), out_axes=-1)
    return each(cohort.people, cohort.onsets, cohort.nodes, factors)
