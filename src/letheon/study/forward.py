"""What an arm of a study would show under given parameters: fast, smooth, and differentiable.

Plasma does not depend on what is calibrated, so the levels at all nodes of a coarse mesh are computed once; each call
then replays the response of a few quasi-random people on them. The class of patients in whom block does not act is
not drawn but summed out: both fates of each person are returned, to be mixed with the class's probability.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from letheon.arrays import Array, jax, jnp
from letheon.body import course
from letheon.body.mesh import Grading
from letheon.body.response import Body, Levels
from letheon.patients.draws import latin_hypercube, named_numbers, typical_values
from letheon.patients.population import Covariates, People, people, purposes
from letheon.pipeline import assemble
from letheon.pipeline.arms import plan_arm
from letheon.scenario import Scenario

__all__ = ["COARSE", "Cohort", "Forecast", "forecast", "middle_values", "prepare"]

COARSE = Grading(finest_h=0.25, early_h=8.0, coarsest_h=24.0, growth=1.0, late=0.2)
_SEED = 20260103  # of the people; common random numbers for all parameters and arms


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
    day_rows : int array, shape (day + 1,)
        Rows of a trajectory at the midnights.
    """

    steps: course.Steps
    nodes: Levels
    people: People
    day_rows: np.ndarray


class Forecast(NamedTuple):
    """Latent pain by day [NRS], before the noise of a diary; axes (day, patient).

    Attributes
    ----------
    responders, others : array
        Daily means of the same people with and without a block that acts on the memory.
    slow_responders, slow_others : array
        The same under the slow site.
    """

    responders: Array
    others: Array
    slow_responders: Array
    slow_others: Array


def middle_values() -> dict[str, Array]:
    """Return the library's typical values themselves, by ``home.name``, in canonical units.

    Returns
    -------
    dict of str to float
        What `forecast` takes; a calibration replaces some.

    Examples
    --------
    >>> round(middle_values()["memory.tau_s"] / 24, 1)
    2.9
    """
    spreads = {name: float(values[0]) for name, values in typical_values().items() if name.endswith(".sd")}
    return {name: number.canonical for name, number in named_numbers().items()} | spreads


def _covariates(scenario: Scenario) -> Covariates:
    p = scenario.population
    age, weight, baseline = p.age, p.weight, p.baseline_nrs
    return Covariates(weight.mean, weight.sd, baseline.mean, baseline.sd, age.mean, age.sd, p.asian)


def prepare(scenario: Scenario, arm: str, patients: int = 64, grading: Grading = COARSE) -> Cohort:
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

    Returns
    -------
    Cohort
        To be used with any parameters; people are the same in every arm.
    """
    plan = plan_arm(scenario, scenario.arm(arm), grading)
    data = assemble.arm_data(plan)
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
    return Cohort(steps, nodes, who, plan.day_rows[: plan.days + 1])


def _daily(cohort: Cohort, body: Body, nodes: Levels):
    path = course.replay(body, assemble.molar_masses(), cohort.steps, nodes)
    return tuple(jnp.diff(area[cohort.day_rows]) / 24.0 for area in (path.area, path.area_slow))


def forecast(values: Mapping[str, Array], cohort: Cohort, flares: bool = True, expectancy: float = 0.0) -> Forecast:
    """Return the latent pain of a cohort under given parameters.

    Parameters
    ----------
    values : mapping of str to array
        Typical values and spreads by ``home.name`` and ``home.name.sd``, in canonical units; may be traced.
    cohort : Cohort
        From `prepare`.
    flares : bool
        Whether flares happen.
    expectancy : float
        Relief from unblinding [NRS].

    Returns
    -------
    Forecast
        Axes (day, patient).
    """
    switches = assemble.Switches(_SEED, float(flares), expectancy, 0.0)

    def one(who, nodes):
        body = assemble.body_of(values.__getitem__, who, switches)
        yes = body._replace(responds=1.0, slow_responds=1.0)
        no = body._replace(responds=0.0, slow_responds=0.0)
        (memory, slow), (memory_no, slow_no) = _daily(cohort, yes, nodes), _daily(cohort, no, nodes)
        return Forecast(memory, memory_no, slow, slow_no)

    return jax.vmap(one, in_axes=(-1, 0), out_axes=-1)(cohort.people, cohort.nodes)
