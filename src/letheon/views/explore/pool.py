"""A small pool of worker processes: requests wait in line, equal ones share an answer, slow ones have their own lane.

The first lane answers small scenarios whose programs it has compiled before. The second compiles, the last takes what
is large, both at a lower priority of the operating system. A request that nobody waits for any more is dropped, one
that takes too long ends with its process, and a process that dies is replaced. To start one and to compile does not
count as the time of a request.
"""

import contextlib
import gc
import multiprocessing
import os
import time
from collections import OrderedDict
from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

from letheon.errors import InputError, LetheonError
from letheon.scenario import Scenario
from letheon.views.document import numbers
from letheon.views.explore.limits import Cancelled, Full

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess
    from multiprocessing.synchronize import Event

_CACHE_BYTES = 48_000_000
_POLL_S = 0.05
_GRACE_S = 2.0
_COMPILED_S = 1.0
_PREPARE_S = 1800.0  # so that a compiler that hangs does not keep a lane for good


@dataclass(eq=False)
class Job:
    """A request in line, at work, or answered."""

    action: str
    scenario: Scenario
    kind: frozenset[object]  # the programs that it needs
    slow: bool = False
    future: Future[bytes] = field(default_factory=Future[bytes])
    waiting: int = 1  # visitors

    @cached_property
    def key(self) -> Hashable:
        """What equal requests share."""
        return self.action, repr(self.scenario)


def _worker(connection: Any, stop: "Event", nice: int) -> None:
    """Answer requests until the other end hangs up."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if nice and hasattr(os, "nice"):
        os.nice(nice)
    from letheon.views.explore.compute import Engine

    engine = Engine()

    def heartbeat() -> None:
        if stop.is_set():
            raise Cancelled("nobody waits for this answer any more.")

    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            action, scenario = connection.recv()
            start = time.monotonic()
            try:
                answer = engine.answer(action, scenario, heartbeat, lambda phase: connection.send((phase, None)))
                connection.send(("made", answer))
            except Exception as error:
                known = isinstance(error, LetheonError)
                connection.send(("failed", error if known else LetheonError(f"{type(error).__name__}: {error}")))
            if time.monotonic() - start > _COMPILED_S:
                # what a compiler leaves stays for good: looked through again and again, it would hold up quick answers
                gc.collect()
                gc.freeze()


class _Lane:
    """One worker process and the thread that talks to it."""

    connection: Any  # its kind depends on the operating system
    stop: "Event"

    def __init__(self, pool: "Pool", number: int) -> None:
        self.pool, self.number = pool, number
        self.warm: set[object] = set()
        self.job: Job | None = None
        self.preparing = False
        self.process: SpawnProcess | None = None
        self.thread = Thread(target=self._run, name=f"explore-{number}", daemon=True)

    def start(self) -> None:
        """Start the process."""
        context = self.pool.context
        self.connection, other = context.Pipe()
        self.stop = context.Event()
        self.process = context.Process(target=_worker, args=(other, self.stop, 10 * self.number), daemon=True)
        self.process.start()
        other.close()

    def end(self) -> None:
        """End the process, kindly first."""
        if self.process is None:
            return
        with contextlib.suppress(OSError):
            self.connection.close()
        self.process.terminate()
        self.process.join(_GRACE_S)
        self.process.kill()
        self.process.join(_GRACE_S)
        self.process = None

    def _run(self) -> None:
        while (job := self.pool._next(self)) is not None:
            try:
                if self.process is None:
                    self.start()
                answer: bytes | BaseException = self._ask(job)
            except BaseException as error:
                answer = error
            self.pool._done(job, self, answer)
        self.end()

    def _ask(self, job: Job) -> bytes:
        """Send a job and wait for its answer, no longer than a request may take."""
        self.stop.clear()
        self.preparing = True
        left = {True: _PREPARE_S, False: self.pool.seconds}
        before = time.monotonic()
        try:
            self.connection.send((job.action, job.scenario))
            while True:
                ready = self.connection.poll(_POLL_S)
                now = time.monotonic()
                left[self.preparing] -= now - before
                before = now
                if ready:
                    kind, content = self.connection.recv()
                    if kind == "made":
                        return content
                    if kind == "failed":
                        raise content
                    self.preparing = kind == "preparing"
                    continue
                if job.waiting <= 0 or self.pool.closed:
                    self.stop.set()
                if min(left.values()) < 0 or self.pool.closed:
                    self.end()
                    raise self._late()
        except (EOFError, OSError) as error:
            self.end()
            raise LetheonError("the process that computed this died; try again.") from error
        finally:
            self.preparing = False

    def _late(self) -> LetheonError:
        """Return the sentence for a job that was ended."""
        if self.pool.closed:
            return Cancelled("the page is closing.")
        if self.preparing:
            return LetheonError(
                f"the programs were not ready after {numbers.fixed(_PREPARE_S / 60, 0)} minutes; try again."
            )
        return InputError(
            f"this scenario takes more than {numbers.fixed(self.pool.seconds, 0)} s here; ask for fewer arms, patients "
            "or weeks, or run letheon simulate."
        )


class Pool:
    """Worker processes with a line before them and a memory behind them.

    The first of `lanes` is for what is quick, the last for what is slow. A request may take `seconds`, compiling left
    out, and `waiting` of them may stand in line.
    """

    def __init__(self, lanes: int = 3, seconds: float = 120.0, waiting: int = 200) -> None:
        self.context = multiprocessing.get_context("spawn")
        self.seconds, self.most_waiting = seconds, waiting
        self.closed = False
        self._changed = Condition()
        self._line: list[Job] = []
        self._known: dict[Hashable, Job] = {}  # in line or at work
        self._answers: OrderedDict[Hashable, bytes] = OrderedDict()
        self.lanes = [_Lane(self, number) for number in range(lanes)]
        for lane in self.lanes:
            lane.thread.start()

    def submit(
        self, action: str, scenario: Scenario, *, kind: frozenset[Any], slow: bool = False, first: bool = False
    ) -> Job:
        """Ask for an answer of `letheon.views.explore.compute`; who has it, or waits no more, calls `leave`.

        `kind` are the programs that it needs, and `slow` puts it into the slow lane. With `first` the first lane takes
        it although its programs are not compiled yet: for warming up. Raises `Full` if too many requests wait.
        """
        job = Job(action, scenario, kind, slow)
        with self._changed:
            if (answer := self._answers.get(job.key)) is not None:
                self._answers.move_to_end(job.key)
                job.future.set_result(answer)
                return job
            if (equal := self._known.get(job.key)) is not None:
                equal.waiting += 1
                return equal
            if len(self._line) >= self.most_waiting:
                raise Full("too many requests wait already; try again in a moment.")
            if first:
                self.lanes[0].warm |= kind
            self._known[job.key] = job
            self._line.append(job)
            self._changed.notify_all()
            return job

    def leave(self, job: Job) -> None:
        """Stop waiting for an answer; the work ends when nobody waits any more."""
        with self._changed:
            job.waiting -= 1
            if job.waiting <= 0 and self._known.get(job.key) is job:
                del self._known[job.key]
                if job in self._line:
                    self._line.remove(job)
                    job.future.cancel()

    @property
    def preparing(self) -> bool:
        """Whether a process is starting or compiling."""
        return any(lane.preparing for lane in self.lanes)

    def close(self) -> None:
        """End all processes."""
        with self._changed:
            self.closed = True
            self._line.clear()
            self._changed.notify_all()
        for lane in self.lanes:
            lane.thread.join(self.seconds if lane.process is None else 2 * _GRACE_S + 1)

    def _next(self, lane: _Lane) -> Job | None:
        """Wait for the next job that a lane may take; None when the pool closes."""
        with self._changed:
            while not self.closed:
                for job in self._line:
                    if self._takes(lane, job):
                        self._line.remove(job)
                        lane.job = job
                        self._changed.notify_all()
                        return job
                self._changed.wait()
            return None

    def _takes(self, lane: _Lane, job: Job) -> bool:
        """Say whether a job is for this lane."""
        first, last = self.lanes[0], self.lanes[-1]
        if first is last:
            return True
        if job.slow:
            return lane is last
        if job.kind <= first.warm:
            # the others help out with what they know while the first is at work, but only the first can draft
            return lane is first or (job.action != "draft" and first.job is not None and job.kind <= lane.warm)
        return lane is not first and (lane is not last or len(self.lanes) == 2)

    def _done(self, job: Job, lane: _Lane, answer: bytes | BaseException) -> None:
        with self._changed:
            if self._known.get(job.key) is job:
                del self._known[job.key]
            lane.job = None
            if isinstance(answer, bytes):
                lane.warm |= job.kind
                self._answers[job.key] = answer
                while sum(map(len, self._answers.values())) > _CACHE_BYTES:
                    self._answers.popitem(last=False)
            self._changed.notify_all()
        if job.future.cancelled():
            return
        if isinstance(answer, bytes):
            job.future.set_result(answer)
        else:
            job.future.set_exception(answer)
