"""One block of one arm: drawn, run through the compiled pipeline, and made ready for merging."""

from collections.abc import Mapping
from functools import cache, partial
from threading import Lock
from typing import NamedTuple

import numpy as np

from letheon.arrays import Array, jax, jnp
from letheon.patients.population import BANK_PATIENTS, BANK_SEED, Covariates, bank_points, people
from letheon.patients.uncertainty import DRAWS, typical_values
from letheon.pipeline import BLOCK, ArmPlan, Switches, run_block
from letheon.pipeline.average import weights_of
from letheon.pipeline.clinic import event_rows
from letheon.pipeline.columns import columns, time_courses, with_drawn
from letheon.pipeline.histograms import digitise
from letheon.pipeline.state import Log
from letheon.runs.chunks import Block, ChunkResult, smallest_type
from letheon.scenario import Scenario
from letheon.streams import uniforms

__all__ = ["BANK", "BlockRange", "Runner"]

BANK = DRAWS * BANK_PATIENTS // BLOCK  # blocks of the uncertainty bank of one arm
_DRAWS_PER_BLOCK = BLOCK // BANK_PATIENTS
_COMPILED: set = set()  # programs that this process has run before
_FIRST = Lock()


class BlockRange(NamedTuple):
    """Blocks that one worker computes at a stretch: plain numbers, to be sent anywhere."""

    arm: int  # number of the arm in the scenario
    kind: str  # ``people`` for the population, ``bank`` for the uncertainty bank
    first: int
    stop: int  # one past the last block

    def patients(self, n: int) -> int:
        """Return how many patients of a population of `n` (or of the bank) it holds."""
        stop = self.stop * BLOCK
        return (min(stop, n) if self.kind == "people" else stop) - self.first * BLOCK


@partial(jax.jit, static_argnames=("days",))
def _draw_people(
    population: Covariates, seed: Array, numbers: Array, draws: Mapping[str, Array], points: Array, days: int
) -> Array:
    one = partial(people, population, seed)
    return jax.vmap(lambda k, d, p: one(k, days, d, p), out_axes=-1)(numbers, draws, points)


@jax.jit
def _mechanism_draws(seed: Array, numbers: Array) -> Array:
    """Draw what decides under which mechanism a patient's plain columns are, the same in every arm."""
    return jax.vmap(lambda number: uniforms(seed, "mechanism", number, 1)[0])(numbers)


def _events(logs: Mapping[str, Log], numbers: np.ndarray) -> dict[str, np.ndarray]:
    """Return the logs under each mechanism as one table, by patient, mechanism and time."""
    tables = {}
    for mechanism, log in logs.items():
        table = event_rows([np.asarray(column)[:, : len(numbers)] for column in log], numbers)
        tables[mechanism] = table | {"mechanism": np.full(len(table["patient"]), mechanism)}
    rows = {name: np.concatenate([table[name] for table in tables.values()]) for name in next(iter(tables.values()))}
    order = np.argsort(rows["patient"], kind="stable")
    return {name: values[order] for name, values in rows.items()}


@cache
def _draws() -> dict:
    return {name: jnp.asarray(values) for name, values in typical_values().items()}


def _by_draw(values: np.ndarray) -> np.ndarray:
    """Average a bank block over the people under each draw; axes (draw, …)."""
    folded = values.reshape(*values.shape[:-1], _DRAWS_PER_BLOCK, BANK_PATIENTS)
    with np.errstate(invalid="ignore"):
        return np.moveaxis(folded.mean(axis=-1), -1, 0)


class Runner:
    """Computes blocks; what it computes depends on scenario, arm and block alone. Threads may share it."""

    def __init__(self, scenario: Scenario, plans: tuple[ArmPlan, ...]) -> None:
        p = scenario.population
        self.scenario, self.plans = scenario, plans
        self.population = Covariates(
            p.weight.mean, p.weight.sd, p.baseline_nrs.mean, p.baseline_nrs.sd, p.age.mean, p.age.sd, p.asian, p.urine
        )

    def block(self, arm: int, kind: str, number: int) -> Block:
        """Compute a block; the first of each structure alone, or every thread would trace and load the same program."""
        plan = self.plans[arm]
        program = plan.structure, len(plan.day_rows), len(plan.save)
        if program in _COMPILED:
            return self._compute(arm, kind, number)
        with _FIRST:
            block = self._compute(arm, kind, number)
            _COMPILED.add(program)
        return block

    def result(self, span: BlockRange) -> ChunkResult:
        """Compute the blocks of a span one after another and add them up."""
        result = ChunkResult(self.plans[span.arm].saved)
        for number in range(span.first, span.stop):
            result.add(self.block(span.arm, span.kind, number))
        return result

    def _compute(self, arm: int, kind: str, block: int) -> Block:
        plan = self.plans[arm]
        number = np.arange(block * BLOCK, (block + 1) * BLOCK)
        valid = min(BLOCK, self.scenario.population.n - block * BLOCK) if kind == "people" else BLOCK
        days = len(plan.day_rows) - 1
        if kind == "people":
            seed, person, draw = self.scenario.seed, number, number % DRAWS
            points = np.full((BLOCK, bank_points().shape[1]), np.nan)
        else:
            seed, person, draw = BANK_SEED, number % BANK_PATIENTS, number // BANK_PATIENTS
            points = bank_points()[person]
        chosen = _draw_people(self.population, seed, person, draw, points, days)
        weights = weights_of(self.scenario.models.pain)
        results = run_block(plan, _draws(), chosen, number, Switches.of(self.scenario, plan.drug), weights)
        ruled = not plan.policy.fixed
        profile = {name: values[: plan.saved] for name, values in time_courses(results, ruled).items()}
        if kind == "people":
            ruled_any = not all(other.policy.fixed for other in self.plans)  # the arms of a run share their columns
            table = {"patient": number[:valid]} | columns(results, chosen, plan, valid, ruled_any)
            if len(weights) > 1:
                memory = np.asarray(_mechanism_draws(self.scenario.seed, number))[:valid] < weights["memory"]
                table = with_drawn(table, memory)
            table = {name: smallest_type(name, values) for name, values in table.items()}
            logged = ruled or plan.policy.limits is not None
            logs = {model: result.log for model, result in results.items() if logged}
            return Block(
                block, table, digitise(profile, valid), None, _events(logs, number[:valid]) if logged else None
            )
        means = {name: _by_draw(values) for name, values in columns(results, chosen, plan, valid, ruled).items()}
        return Block(block, means, None, {name: _by_draw(values) for name, values in profile.items()})
