"""The live page's worker processes, with the processes left out: who takes what, who shares, and what counts as time."""

import asyncio
import math
import time
from concurrent.futures import Future
from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from test_explore_api import SMALL

from letheon.errors import InputError
from letheon.scenario import loads
from letheon.views.explore import app
from letheon.views.explore.compute import Engine
from letheon.views.explore.limits import Cancelled, Full
from letheon.views.explore.pool import Job, Pool


def lane_of(pool: Pool, *, slow: bool, kind: frozenset, busy: bool = False, action: str = "figures") -> list[int]:
    job = Job(action, loads(SMALL), kind, slow)
    pool.lanes[0].job = job if busy else None
    return [lane.number for lane in pool.lanes if pool._takes(lane, job)]


def test_a_slow_request_never_takes_the_lane_of_quick_ones() -> None:
    pool = Pool(3)
    try:
        warm, cold = frozenset({"warm"}), frozenset({"cold"})
        pool.lanes[0].warm |= warm
        assert lane_of(pool, slow=False, kind=warm) == [0]
        assert lane_of(pool, slow=True, kind=warm) == [2]
        assert lane_of(pool, slow=False, kind=cold) == [1]
        pool.lanes[1].warm |= warm
        assert lane_of(pool, slow=False, kind=warm, busy=True) == [0, 1]
        assert lane_of(pool, slow=False, kind=warm, busy=True, action="draft") == [0]  # who has what a draft borrows
    finally:
        pool.lanes[0].job = None
        pool.close()


def test_equal_requests_share_and_the_line_has_an_end() -> None:
    pool = Pool(3, waiting=1)
    try:
        pool._takes = lambda lane, job: False  # type: ignore[method-assign]
        one, two = loads(SMALL), replace(loads(SMALL), title="another")
        first = pool.submit("figures", one, kind=frozenset())
        again = pool.submit("figures", one, kind=frozenset())
        assert again is first and first.waiting == 2
        with pytest.raises(Full):
            pool.submit("figures", two, kind=frozenset())
        pool.leave(first)
        assert not first.future.cancelled()
        pool.leave(first)
        assert first.future.cancelled()
        pool.submit("figures", two, kind=frozenset())
    finally:
        pool.close()


class Worker:
    """A worker's end of a pipe: its messages, and after how many seconds each comes."""

    def __init__(self, *messages: tuple[float, str, Any]):
        self.messages, self.sent = list(messages), []

    def send(self, request: Any) -> None:
        self.sent.append(request)

    def poll(self, wait: float) -> bool:
        pause = self.messages[0][0] if self.messages else math.inf
        time.sleep(min(wait, max(pause, 0)))
        if self.messages:
            self.messages[0] = (pause - wait, *self.messages[0][1:])
        return pause <= wait

    def recv(self) -> tuple[str, Any]:
        return self.messages.pop(0)[1:]


COMPUTING, PREPARING = ("computing", None), ("preparing", None)


@pytest.mark.parametrize(
    ("messages", "ending"),
    [
        ([(0.6, *COMPUTING), (0.1, "made", b"answer")], b"answer"),  # a process that starts
        ([(0, *COMPUTING), (0, *PREPARING), (0.6, *COMPUTING), (0, "made", b"answer")], b"answer"),
        ([(0, *COMPUTING), (9, "made", b"answer")], "takes more than"),
        ([(0, *COMPUTING), (0.2, *PREPARING), (0.6, *COMPUTING), (0.2, "made", b"")], "takes more"),
    ],
)
def test_only_computing_counts_as_the_time_of_a_request(messages: list, ending: Any) -> None:
    pool = Pool(1, seconds=0.3)
    lane = pool.lanes[0]
    lane.connection, lane.stop = Worker(*messages), Event()
    try:
        job = Job("figures", loads(SMALL), frozenset())
        if isinstance(ending, bytes):
            assert lane._ask(job) == ending
        else:
            with pytest.raises(InputError, match=ending):
                lane._ask(job)
        assert not pool.preparing
    finally:
        pool.close()


@pytest.mark.long
def test_a_worker_says_when_it_compiles_and_when_it_computes() -> None:
    engine, phases = Engine(), []
    for text in (SMALL, SMALL.replace("seed: 3", "seed: 4")):
        phases.append([])
        engine.answer("figures", loads(text), phase=phases[-1].append)
    assert phases[0][0] == phases[0][-1] == "computing" and "preparing" in phases[0]
    assert phases[1] == ["computing"]


def test_a_shared_future_outlives_those_who_leave() -> None:
    class Gone:
        async def is_disconnected(self) -> bool:
            return True

    async def leave(future: Future) -> None:
        with pytest.raises(Cancelled):
            await app._awaited(future, Gone())  # type: ignore[arg-type]

    future: Future = Future()
    asyncio.run(leave(future))
    assert not future.cancelled()
    future.set_result(b"still here")
