"""Block by block: run what is missing, keep what is finished, merge in block order."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from threading import Lock

import numpy as np

from letheon.arrays import jax, jnp
from letheon.errors import Interrupted
from letheon.patients.draws import DRAWS, typical_values
from letheon.patients.population import BANK_PATIENTS, BANK_SEED, Covariates, bank_points, people
from letheon.pipeline import BLOCK, ArmPlan, ArmTotals, Profile, Switches, run_block
from letheon.pipeline.bins import digitise
from letheon.pipeline.summary import columns
from letheon.runs import store
from letheon.runs.folder import Folder
from letheon.scenario import Scenario

__all__ = ["Job", "run_arms"]

_BANK = DRAWS * BANK_PATIENTS
_DRAWS_PER_BLOCK = BLOCK // BANK_PATIENTS


@dataclass(frozen=True, slots=True)
class Job:
    """One block of one arm: of the population (`kind` ``people``) or of the uncertainty bank (``bank``)."""

    plan: ArmPlan
    kind: str
    block: int
    valid: int


@partial(jax.jit, static_argnames=("days",))
def _draw_people(population: Covariates, seed, numbers, draws, points, days: int):
    one = partial(people, population, seed)
    return jax.vmap(lambda k, d, p: one(k, days, d, p), out_axes=-1)(numbers, draws, points)


@cache
def _draws() -> dict:
    return {name: jnp.asarray(values) for name, values in typical_values().items()}


class _Runner:
    """Computes one job; what it computes depends on scenario and job alone."""

    def __init__(self, scenario: Scenario):
        p = scenario.population
        self.scenario = scenario
        self.population = Covariates(
            p.weight.mean,
            p.weight.sd,
            p.baseline_nrs.mean,
            p.baseline_nrs.sd,
            p.age.mean,
            p.age.sd,
            p.asian,
        )

        self.known: set = set()
        self.first = Lock()

    def __call__(self, job: Job) -> store.Partial:
        """Compute a job; the first of each structure alone, or every thread would trace and load the same program."""
        structure = job.plan.structure
        if structure in self.known:
            return self._compute(job)
        with self.first:
            made = self._compute(job)
            self.known.add(structure)
        return made

    def _compute(self, job: Job) -> store.Partial:
        plan, models = job.plan, self.scenario.models
        start = job.block * BLOCK
        number = np.arange(start, start + BLOCK)
        days = len(plan.day_rows) - 1
        if job.kind == "people":
            seed, person, draw = self.scenario.seed, number, number % DRAWS
            points = np.full((BLOCK, bank_points().shape[1]), np.nan)
        else:
            seed, person, draw = BANK_SEED, number % BANK_PATIENTS, number // BANK_PATIENTS
            points = bank_points()[person]
        chosen = _draw_people(self.population, seed, person, draw, points, days)
        switches = Switches(
            seed=self.scenario.seed,
            flares=float(models.flares),
            expectancy=models.expectancy if plan.drug != "placebo" else 0.0,
            norketamine=models.norketamine,
        )
        result = run_block(plan, _draws(), chosen, number, switches)
        table = columns(result, chosen, plan, job.valid, models.pain)
        profile = {name: np.asarray(values)[: plan.saved] for name, values in result.profile.items()}
        if job.kind == "people":
            return store.Partial({"patient": number[: job.valid]} | table, digitise(profile, job.valid))
        means = {name: _by_draw(values) for name, values in table.items()}
        return store.Partial(means, {name: (_by_draw(values), None) for name, values in profile.items()})


def _by_draw(values: np.ndarray) -> np.ndarray:
    """Average a bank block over the people under each draw; axes (draw, …)."""
    folded = values.reshape(*values.shape[:-1], _DRAWS_PER_BLOCK, BANK_PATIENTS)
    with np.errstate(invalid="ignore"):
        return np.moveaxis(folded.mean(axis=-1), -1, 0)


def jobs_of(plan: ArmPlan, patients: int) -> list[Job]:
    """List the blocks of one arm: the population's, then the bank's.

    Parameters
    ----------
    plan : ArmPlan
        The arm.
    patients : int
        Patients asked for.

    Returns
    -------
    list of Job
        In the order of merging.
    """
    blocks = -(-patients // BLOCK)
    crowd = [Job(plan, "people", b, min(BLOCK, patients - b * BLOCK)) for b in range(blocks)]
    return crowd + [Job(plan, "bank", b, BLOCK) for b in range(_BANK // BLOCK)]


def _in_order(run: Callable, jobs: Iterable[Job], workers: int) -> Iterator:
    """Compute jobs on a few threads, give them back in order, and keep only a few in flight."""
    pool = ThreadPoolExecutor(workers)
    waiting: deque = deque()
    try:
        for job in jobs:
            waiting.append((job, pool.submit(run, job)))
            if len(waiting) > 2 * workers:
                head, future = waiting.popleft()
                yield head, future.result()
        while waiting:
            head, future = waiting.popleft()
            yield head, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def run_arms(
    scenario: Scenario,
    plans: tuple[ArmPlan, ...],
    folder: Folder | None,
    progress: Callable[[int, int, str], None] | None,
) -> dict[str, ArmTotals]:
    """Run every arm and merge its blocks.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    plans : tuple of ArmPlan
        Its arms.
    folder : Folder or None
        Where finished blocks are kept; None keeps nothing.
    progress : callable or None
        Called with patients done, patients in all and the arm's name.

    Returns
    -------
    dict of str to ArmTotals
        Merged blocks by arm.

    Raises
    ------
    Interrupted
        On Ctrl-C; finished blocks are kept.
    """
    runner = _Runner(scenario)
    n = scenario.population.n
    jobs = [job for plan in plans for job in jobs_of(plan, n)]

    def run(job: Job) -> store.Partial:
        kept = store.read(folder, job) if folder else None
        if kept is not None:
            return kept
        made = runner(job)
        if folder:
            store.write(folder, job, made)
        return made

    merged = {plan.name: _Merge(plan) for plan in plans}
    done, total = 0, len(plans) * (n + _BANK)
    workers = max(1, min(os.cpu_count() or 1, 8))
    try:
        for job, part in _in_order(run, jobs, workers):
            merged[job.plan.name].add(job, part)
            done += job.valid
            if progress:
                progress(done, total, job.plan.name)
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted; finished blocks are kept: run the same command again to continue."
            if folder
            else "interrupted; nothing was kept."
        ) from None
    return {name: merge.totals() for name, merge in merged.items()}


class _Merge:
    """Collects the blocks of one arm in order."""

    def __init__(self, plan: ArmPlan):
        self.plan = plan
        self.profile = Profile(plan.saved)
        self.people: list[dict] = []
        self.bank: list[dict] = []
        self.bank_profile: list[dict] = []

    def add(self, job: Job, part: store.Partial) -> None:
        """Add the next block."""
        if job.kind == "people":
            self.people.append(part.columns)
            self.profile.add({k: (sums, bins) for k, (sums, bins) in part.profile.items() if bins is not None})
        else:
            self.bank.append(part.columns)
            self.bank_profile.append({name: values for name, (values, _) in part.profile.items()})

    def totals(self) -> ArmTotals:
        """Return what all blocks add up to."""

        def joined(parts):
            return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}

        return ArmTotals(self.plan, joined(self.people), self.profile, joined(self.bank), joined(self.bank_profile))
