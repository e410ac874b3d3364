"""Chunk by chunk: compute what is missing, keep what is finished, and add it all up; the order does not matter."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from letheon.errors import Interrupted
from letheon.pipeline import BLOCK, ArmPlan, ArmTotals, plan_arms
from letheon.runs import store
from letheon.runs.blocks import BANK, BlockRange, Runner
from letheon.runs.chunks import CHUNK, Block, ChunkResult, Columns, joined
from letheon.runs.folder import RUN, Folder
from letheon.scenario import Scenario

__all__ = ["KINDS", "Executor", "Progress", "chunks_of", "repair", "run_arms", "thread_executor"]

_IN_MEMORY = 100_000  # patient courses whose endpoints are kept in memory rather than read back from the folder
_MOST_THREADS = 32
KINDS = ("people", "bank")

Progress = Callable[[int, int, str], None]
"""Gets patients done, patients in all and the arm's name."""

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
        waiting: deque[tuple[BlockRange, Future[Block]]] = deque()
        blocks = (s._replace(first=number, stop=number + 1) for s in spans for number in range(s.first, s.stop))
        try:
            for one in blocks:
                waiting.append((one, pool.submit(runner.block, one.arm, one.kind, one.first)))
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


def _counter(
    chunks: list[BlockRange], patients: int, plans: tuple[ArmPlan, ...], progress: Progress | None
) -> Callable[[BlockRange], None]:
    """Return what counts finished patients and reports progress."""
    done, total = 0, sum(chunk.patients(patients) for chunk in chunks)

    def count_done(span: BlockRange) -> None:
        nonlocal done
        done += span.patients(patients)
        if progress:
            progress(done, total, plans[span.arm].name)

    return count_done


class _Arm:
    """What one arm has so far; `on_disk` says that its endpoints stay in the folder."""

    def __init__(self, plan: ArmPlan, folder: Folder | None, on_disk: bool) -> None:
        self.plan, self.folder, self.on_disk = plan, folder, on_disk
        self.people, self.bank = ChunkResult(plan.saved), ChunkResult(plan.saved)
        self.files: dict[int, Path] = {}

    def restored(self, chunk: BlockRange) -> ChunkResult | None:
        """Return a chunk that an earlier run has finished, with its endpoints where they do not stay on disk."""
        if self.folder is None:
            return None
        number = _number(chunk)
        result = store.read(self.folder, self.plan.name, chunk.kind, number, self.plan.saved)
        if result and chunk.kind == "people" and not self.on_disk:
            result.columns[chunk.first] = store.Parts([self.folder.endpoints(self.plan.name, number)]).table()
        return result

    def take(self, chunk: BlockRange, result: ChunkResult) -> None:
        """Add a whole chunk."""
        result.events = {}
        if self.folder and self.on_disk and chunk.kind == "people":
            result.columns = {}
            self.files[chunk.first] = self.folder.endpoints(self.plan.name, _number(chunk))
        (self.people if chunk.kind == "people" else self.bank).merge(result)

    def totals(self) -> ArmTotals:
        """Return what all chunks add up to."""
        people, bank = self.people, self.bank
        files = [self.files[first] for first in sorted(self.files)]
        columns = Columns([store.Parts(files) if files else people.table()])
        return ArmTotals(self.plan, columns, people.profile, bank.table(), joined(bank.bank), people.last_booster_h)


def run_arms(
    scenario: Scenario,
    plans: tuple[ArmPlan, ...],
    folder: Folder | None,
    progress: Progress | None,
    executor: Executor | None = None,
    kinds: Sequence[str] = KINDS,
) -> dict[str, ArmTotals]:
    """Run every arm and add up its chunks."""
    n = scenario.population.n
    on_disk = folder is not None and n * len(plans) > _IN_MEMORY
    arms = [_Arm(plan, folder, on_disk) for plan in plans]
    chunks = [chunk for arm in range(len(plans)) for chunk in chunks_of(arm, n, kinds)]
    count_done = _counter(chunks, n, plans, progress)
    try:
        missing = []
        for chunk in chunks:
            result = arms[chunk.arm].restored(chunk)
            if result is None:
                missing.append(chunk)
            else:
                arms[chunk.arm].take(chunk, result)
                count_done(chunk)
        for chunk, result in _whole(missing, plans, executor or thread_executor(Runner(scenario, plans)), count_done):
            if folder:
                store.write(folder, plans[chunk.arm].name, chunk.kind, _number(chunk), result)
            arms[chunk.arm].take(chunk, result)
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted; finished chunks are kept: run the same command again to continue."
            if folder
            else "interrupted; nothing was kept."
        ) from None
    if folder:
        folder.verify()
    return {arm.plan.name: arm.totals() for arm in arms}


def _whole(
    chunks: list[BlockRange], plans: tuple[ArmPlan, ...], executor: Executor, count_done: Callable[[BlockRange], None]
) -> Iterator[tuple[BlockRange, ChunkResult]]:
    """Compute chunks, and yield each when the last of its blocks is done."""
    chunk_of = {(c.arm, c.kind, _number(c)): c for c in chunks}
    growing = {chunk: ChunkResult(plans[chunk.arm].saved) for chunk in chunks}
    due = {chunk: chunk.stop - chunk.first for chunk in chunks}
    for span, block in executor(chunks):
        chunk = chunk_of[span.arm, span.kind, _number(span)]
        result = growing[chunk]
        result.add(block) if isinstance(block, Block) else result.merge(block)
        due[chunk] -= span.stop - span.first
        count_done(span)
        if not due[chunk]:
            yield chunk, growing.pop(chunk)


def repair(scenario: Scenario, folder: Folder, progress: Progress | None) -> int:
    """Recompute the endpoint files of a finished run that are damaged or gone; return how many chunks."""
    n = scenario.population.n
    files = dict(folder.manifest.files[RUN])
    damaged = {path for name, record in files.items() if not record.intact(path := folder.path / name)}
    chunks = [
        chunk
        for number, arm in enumerate(scenario.arms)
        for chunk in chunks_of(number, n, ["people"])
        if damaged & {folder.endpoints(arm.name, _number(chunk)), folder.events(arm.name, _number(chunk))}
    ]
    if not chunks:
        return 0
    plans = plan_arms(scenario)
    count_done = _counter(chunks, n, plans, progress)
    try:
        for chunk, result in _whole(chunks, plans, thread_executor(Runner(scenario, plans)), count_done):
            files |= store.write_endpoints(folder, plans[chunk.arm].name, _number(chunk), result)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; run the same command again to continue.") from None
    folder.finish(scenario, files)
    return len(chunks)
