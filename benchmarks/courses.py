"""K3 and K4: whole courses through the real pipeline, and where a patient's time goes.

K3 is the 100-hour drip followed for half a year; K4 the same followed for two years, with a booster whenever the diary
calls for one. Nobody else's package has what they hold (memory, flares, diaries, a clinic that decides), so there is no
peer to divide by.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from letheon.arrays import jax
from letheon.pipeline import block as pipeline_block
from letheon.pipeline import plan_arms
from letheon.runs import blocks
from letheon.runs.engine import run_arms
from letheon.scenario import Scenario, loads

K3 = """
letheon: 1
title: "K3: 100 hours, followed for half a year"
population: {n: 10240}
follow_up: 26 weeks
models: {rival: off}
arms:
  drip:
    drug: esketamine
    sessions:
      - {at: 0 h, rate: 5 mg/h/70kg, for: 24 h}
      - {at: 24 h, rate: 10 mg/h/70kg, for: 24 h}
      - {at: 48 h, rate: 15 mg/h/70kg, for: 24 h}
      - {at: 72 h, rate: 20 mg/h/70kg, for: 28 h}
"""
K4 = (
    K3.replace("K3: 100 hours, followed for half a year", "K4: with boosters on relapse, followed for two years")
    .replace("26 weeks", "104 weeks")
    .replace("10240", "5120")
    + "    boosters: {on: relapse, session: {rate: 20 mg/h/70kg, for: 10 h, repeat: {every: 1 day, times: 2}}}\n"
)
STAGES = (
    (blocks, "_draw_people", "drawing people"),
    (pipeline_block, "_build", "building: bodies, propagators"),
    (pipeline_block, "_run", "running"),
    (pipeline_block, "_read_out", "reading out: diaries, harms"),
    (blocks, "columns", "endpoints to columns"),
    (blocks, "digitise", "profiles to bins"),
)


@contextmanager
def _watched(spent: dict[str, list[float]]) -> Iterator[None]:
    """Time every stage of a block, each until it is done."""
    kept = [(place, name, getattr(place, name)) for place, name, _ in STAGES]

    def watch(run: Callable, told: str) -> Callable:
        def timed(*given, **named):
            start = time.perf_counter()
            made = jax.block_until_ready(run(*given, **named))
            spent.setdefault(told, []).append(time.perf_counter() - start)
            return made

        return timed

    try:
        for (place, name, run), (_, _, told) in zip(kept, STAGES, strict=True):
            setattr(place, name, watch(run, told))
        yield
    finally:
        for place, name, run in kept:
            setattr(place, name, run)


def _stages(scenario: Scenario, rounds: int) -> dict[str, float]:
    """Return the median time of each stage of one block, µs a patient, one block at a time."""
    runner = blocks.Runner(scenario, plan_arms(scenario))
    runner.block(0, "people", 0)
    spent: dict[str, list[float]] = {}
    with _watched(spent):
        for number in range(rounds):
            runner.block(0, "people", number)
    return {told: 1e6 * statistics.median(times) / pipeline_block.BLOCK for told, times in spent.items()}


def report(rounds: int) -> list[str]:
    """Run both and lay them out."""
    lines = []
    for name, text in (("K3", K3), ("K4", K4)):
        scenario = loads(text)
        plans, n = plan_arms(scenario), scenario.population.n
        run_arms(loads(text.replace(str(n), "256")), plans, None, None, kinds=("people",))
        spent = []
        for _ in range(rounds):
            wall, busy = time.perf_counter(), time.process_time()
            run_arms(scenario, plans, None, None, kinds=("people",))
            spent.append((time.perf_counter() - wall, time.process_time() - busy))
        wall, busy = (statistics.median(column) / n for column in zip(*spent, strict=True))
        stages = _stages(scenario, 4 * rounds)
        total = sum(stages.values())
        lines += [
            f"### {name}, N = {n:,}",
            "",
            f"{1 / wall:,.0f} patients a second on all cores; {1e6 * busy:,.0f} µs of processor a patient. One block of"
            f" {pipeline_block.BLOCK} alone, {total:,.0f} µs a patient:",
            "",
            "| stage | µs a patient | share |",
            "| --- | ---: | ---: |",
            *(f"| {told} | {each:,.1f} | {each / total:.0%} |" for told, each in stages.items()),
            "",
        ]
    return lines
