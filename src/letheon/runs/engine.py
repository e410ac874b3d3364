"""Chunk by chunk: compute what is missing, keep what is finished, and add it all up; the order does not matter."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from letheon.errors import Interrupted
from letheon.pipeline import BLOCK, ArmPlan, ArmTotals, Profile, plan_arms
from letheon.runs import store
from letheon.runs.blocks import BANK, BlockRange, Runner
from letheon.runs.chunks import CHUNK, Block, ChunkResult, Columns
from letheon.runs.folder import RUN, Folder
from letheon.scenario import Scenario

__all__ = ["KINDS", "Executor", "chunks_of", "repair", "run_arms", "thread_executor"]

_IN_MEMORY = 100_000  # patient courses whose endpoints are kept in memory rather than read back from the folder
_MOST_THREADS = 32
KINDS = ("people", "bank")

Executor = Callable[[Iterable[BlockRange]], Iterator[tuple[BlockRange, "Block | ChunkResult"]]]
"""Computes block ranges, in any order and in any pieces, and yields each with its result."""


def chunks_of(arm: int, patients: int, kinds: Sequence[str] = KINDS) -> list[BlockRange]:
    """List the chunks of one arm: the population's, then the bank's.

    >>> [span.stop for span in chunks_of(0, 10_000)]
    [32, 40, 8]
    """
    blocks = -(-patients // BLOCK)
    crowd = [BlockRange(arm, "people", b, min(b + CHUNK, blocks)) for b in range(0, blocks, CHUNK)]
    return [span for span in (*crowd, BlockRange(arm, "bank", 0, BANK)) if span.kind in kinds]


def thread_executor(runner: Runner) -> Executor:
    """Return an executor of threads in this process, one a core; each computes a block at a time."""

    def executor(spans: Iterable[BlockRange]) -> Iterator[tuple[BlockRange, Block | ChunkResult]]:
        count = max(1, min(os.cpu_count() or 1, _MOST_THREADS))
        pool = ThreadPoolExecutor(count)
        waiting: deque = deque()
        try:
            for span in spans:
                for number in range(span.first, span.stop):
                    one = span._replace(first=number, stop=number + 1)
                    waiting.append((one, pool.submit(runner.block, span.arm, span.kind, number)))
                    if len(waiting) > 2 * count:
                        head, future = waiting.popleft()
                        yield head, future.result()
            while waiting:
                head, future = waiting.popleft()
                yield head, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    return executor


def _number(span: BlockRange) -> int:
    """Return the number of the chunk that a span belongs to; the bank is one chunk."""
    return span.first // CHUNK if span.kind == "people" else 0


class _Counter:
    """Counts finished patients and reports progress."""

    def __init__(
        self,
        chunks: list[BlockRange],
        patients: int,
        plans: tuple[ArmPlan, ...],
        progress: Callable[[int, int, str], None] | None,
    ) -> None:
        self.patients, self.plans, self.progress = patients, plans, progress
        self.total, self.done = sum(chunk.patients(patients) for chunk in chunks), 0

    def __call__(self, span: BlockRange) -> None:
        self.done += span.patients(self.patients)
        if self.progress:
            self.progress(self.done, self.total, self.plans[span.arm].name)


class _Arm:
    """What one arm has so far."""

    def __init__(self, plan: ArmPlan) -> None:
        self.plan = plan
        self.profile = Profile(plan.saved)
        self.parts: dict[int, Path | dict[str, np.ndarray]] = {}
        self.bank = ChunkResult(plan.saved)
        self.last_booster_h = 0.0

    def take(self, chunk: BlockRange, result: ChunkResult, part: Path | None) -> None:
        """Add a whole chunk, whose endpoints stay in memory or in a file."""
        if chunk.kind == "bank":
            self.bank.merge(result)
            return
        self.parts[chunk.first] = result.table() if part is None else part
        self.last_booster_h = max(self.last_booster_h, result.last_booster_h)
        if self.profile.patients:
            self.profile.merge(result.profile)
        else:
            self.profile = result.profile

    def totals(self) -> ArmTotals:
        """Return what all chunks add up to."""
        parts = [self.parts[first] for first in sorted(self.parts)]
        files = [part for part in parts if isinstance(part, Path)]
        columns = Columns([store.Parts(files)] if files else parts)
        bank = self.bank.table(), self.bank.bank_table()
        return ArmTotals(self.plan, columns, self.profile, *bank, self.last_booster_h)


def run_arms(
    scenario: Scenario,
    plans: tuple[ArmPlan, ...],
    folder: Folder | None,
    progress: Callable[[int, int, str], None] | None,
    executor: Executor | None = None,
    kinds: Sequence[str] = KINDS,
) -> dict[str, ArmTotals]:
    """Run every arm and add up its chunks; `progress` gets patients done, patients in all and the arm's name."""
    n = scenario.population.n
    arms = [_Arm(plan) for plan in plans]
    chunks = [chunk for arm in range(len(plans)) for chunk in chunks_of(arm, n, kinds)]
    count_done = _Counter(chunks, n, plans, progress)
    on_disk = folder is not None and n * len(plans) > _IN_MEMORY

    def part(chunk: BlockRange) -> Path | None:
        return folder.endpoints(plans[chunk.arm].name, _number(chunk)) if folder and on_disk else None

    try:
        missing = []
        for chunk in chunks:
            result = _restored(folder, plans[chunk.arm], chunk, on_disk)
            if result is None:
                missing.append(chunk)
            else:
                arms[chunk.arm].take(chunk, result, part(chunk))
                count_done(chunk)
        for chunk, result in _whole(missing, plans, executor or thread_executor(Runner(scenario, plans)), count_done):
            if folder:
                store.write(folder, plans[chunk.arm].name, chunk.kind, _number(chunk), result)
            arms[chunk.arm].take(chunk, result, part(chunk))
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted; finished chunks are kept: run the same command again to continue."
            if folder
            else "interrupted; nothing was kept."
        ) from None
    if folder:
        folder.verify()
    return {arm.plan.name: arm.totals() for arm in arms}


def _restored(folder: Folder | None, plan: ArmPlan, chunk: BlockRange, on_disk: bool) -> ChunkResult | None:
    """Return a chunk that an earlier run has finished, with its endpoints where they do not stay on disk."""
    if folder is None:
        return None
    number = _number(chunk)
    result = store.read(folder, plan.name, chunk.kind, number, plan.saved)
    if result and chunk.kind == "people" and not on_disk:
        result.columns[0] = store.Parts([folder.endpoints(plan.name, number)]).table()
    return result


def _whole(
    chunks: list[BlockRange], plans: tuple[ArmPlan, ...], executor: Executor, count_done: Callable[[BlockRange], None]
) -> Iterator[tuple[BlockRange, ChunkResult]]:
    """Compute chunks, and yield each when the last of its blocks is done."""
    chunk_of = {(c.arm, c.kind, _number(c)): c for c in chunks}
    growing: dict[BlockRange, tuple[ChunkResult, list[int]]] = {}
    for span, block in executor(chunks):
        chunk = chunk_of[span.arm, span.kind, _number(span)]
        result, here = growing.setdefault(chunk, (ChunkResult(plans[chunk.arm].saved), []))
        result.add(block) if isinstance(block, Block) else result.merge(block)
        here += range(span.first, span.stop)
        count_done(span)
        if len(here) == chunk.stop - chunk.first:
            yield chunk, growing.pop(chunk)[0]


def repair(scenario: Scenario, folder: Folder, progress: Callable[[int, int, str], None] | None) -> int:
    """Recompute the endpoint files of a finished run that are damaged or gone; return how many chunks."""
    n = scenario.population.n
    damaged = {name for name, record in folder.manifest.files[RUN].items() if not record.intact(folder.path / name)}
    damaged = {folder.path / name for name in damaged}
    chunks = [
        chunk
        for number, arm in enumerate(scenario.arms)
        for chunk in chunks_of(number, n, ["people"])
        if damaged & {folder.endpoints(arm.name, _number(chunk)), folder.events(arm.name, _number(chunk))}
    ]
    if not chunks:
        return 0
    plans = plan_arms(scenario)
    count_done = _Counter(chunks, n, plans, progress)
    files = dict(folder.manifest.files[RUN])
    try:
        for chunk, result in _whole(chunks, plans, thread_executor(Runner(scenario, plans)), count_done):
            files |= store.write_endpoints(folder, plans[chunk.arm].name, _number(chunk), result)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; run the same command again to continue.") from None
    folder.finish(scenario, files)
    return len(chunks)
