"""The live page's service under load and under nonsense: slow tests, each with a real server or real processes.

The oracles are the OpenAPI description (through Schemathesis), the clock, and the memory that the system counts.
"""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from letheon.runs import simulate
from letheon.scenario import loads
from letheon.views.explore import limits
from letheon.views.explore.app import _first_scenarios
from letheon.views.explore.pool import Pool

pytestmark = pytest.mark.slow

SMALL = {
    "letheon": 1,
    "title": "x",
    "population": {"n": 20},
    "follow_up": "3 weeks",
    "arms": {"a": {"drug": "racemic", "sessions": [{"at": "0 h", "rate": "20 mg/h", "for": "4 h"}]}},
}
CASES = 5000


class Server:
    def __init__(self):
        command = [sys.executable, "-m", "letheon", "explore", "--port", "0"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        printed = re.search(r"http://([^:]+):(\d+)/", self.process.stderr.readline())
        assert printed
        self.host, self.port = printed[1], int(printed[2])

    def ask(self, path: str, body: Any = None, timeout: float = 300.0) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            if body is None:
                connection.request("GET", path)
            else:
                connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def memory_mb(self) -> float:
        """Return what the server and its workers hold [MB]."""
        total = 0.0
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                text = status.read_text()
            except OSError:
                continue
            parent, size = re.search(r"PPid:\s+(\d+)", text), re.search(r"VmRSS:\s+(\d+)", text)
            if size and parent and self.process.pid in (int(status.parent.name), int(parent[1])):
                total += int(size[1]) / 1024
        return total

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Start a server, which answers while it prepares, and wait until it is ready."""
    served = Server()
    try:
        status, page = served.ask("/")
        assert status == 200 and b"<h1" in page
        assert json.loads(served.ask("/api/status")[1])["state"] != "ready"
        while json.loads(served.ask("/api/status")[1])["state"] != "ready":
            time.sleep(0.3)
        yield served
    finally:
        assert served.end() == 0


def test_the_numbers_over_the_wire_are_those_of_python(server: Server) -> None:
    status, answer = server.ask("/api/document", {"scenario": SMALL})
    assert status == 200
    assert json.loads(answer) == json.loads(json.dumps(simulate(loads(json.dumps(SMALL))).document))


def test_a_slow_request_does_not_hold_up_a_quick_one(server: Server) -> None:
    quick = json.loads(_first_scenarios()[0])
    server.ask("/api/simulate", {"scenario": quick | {"title": "warm"}})
    slow = quick | {"population": {"n": 2000}, "follow_up": "104 weeks"}
    assert limits.is_slow(loads(json.dumps(slow)))
    waiting = threading.Thread(target=server.ask, args=("/api/simulate", {"scenario": slow}))
    waiting.start()
    time.sleep(1.0)
    for path in ("/", "/api/status", "/api/presets"):
        assert server.ask(path)[0] == 200
    assert server.ask("/api/simulate", {"scenario": quick | {"title": "warm"}})[0] == 200
    assert server.ask("/api/simulate", {"scenario": quick | {"seed": 77}})[0] == 200
    still = waiting.is_alive()
    waiting.join()
    assert still, "the slow request was over before the quick one: make it slower"


def test_fifty_clients_for_a_minute(server: Server) -> None:
    before, errors, done, end = server.memory_mb(), [], [0], time.monotonic() + 60.0
    bodies = [SMALL | {"population": {"n": 20 + k % 7}} for k in range(50)]

    def client(number: int) -> None:
        while time.monotonic() < end:
            for path, body in (("/", None), ("/api/simulate", bodies[number]), ("/api/read", bodies[number])):
                try:
                    status, _ = server.ask(path, body and {"scenario": body})
                except OSError as error:
                    errors.append(repr(error))
                    return
                if status != 200:
                    errors.append(str(status))
                done[0] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert done[0] > 1000
    assert server.memory_mb() < max(before + 400, 1.3 * before)


def test_a_worker_that_dies_is_replaced() -> None:
    pool = Pool(1)
    try:
        scenario = loads(json.dumps(SMALL))
        pool.submit("document", scenario, kind=frozenset()).future.result(300)
        os.kill(pool.lanes[0].process.pid, signal.SIGKILL)
        again = loads(json.dumps(SMALL | {"seed": 5}))
        for _ in range(2):  # the first may meet the dead one
            future = pool.submit("document", again, kind=frozenset()).future
            if future.exception(300) is None:
                break
        assert json.loads(future.result())["seed"] == 5
    finally:
        pool.close()


def mostly(good: Any, *bad: Any) -> Any:
    return st.sampled_from([good] * (9 * len(bad)) + list(bad))


ONE_ARM = {
    "drug": mostly("racemic", "placebo", "tea"),
    "sessions": st.lists(
        st.fixed_dictionaries({
            "at": mostly("0 h", "day 2", "x"),
            "rate": mostly("20 mg/h", "0.3 mg/kg/h", "1e9 mg/h", "-5 mg/h", "", "ä"),
            "for": mostly("4 h", "0 h", "400 days"),
        }),
        min_size=1, max_size=2,
    ),
}  # fmt: skip


NEARLY = st.fixed_dictionaries({
    "letheon": mostly(1, "1", 2, None),
    "title": mostly("x", "ä", "", " \n", "\x00"),
    "population": st.fixed_dictionaries({"n": mostly(8, 0, -1, 10**9, "many")}),
    "follow_up": mostly("2 weeks", "12", "90 years"),
    "arms": st.fixed_dictionaries({"a": st.fixed_dictionaries(ONE_ARM)}, optional={"A!": st.fixed_dictionaries(ONE_ARM)}),
})  # fmt: skip


def test_nonsense_never_breaks_it(server: Server) -> None:
    import schemathesis

    schema = schemathesis.openapi.from_url(f"http://{server.host}:{server.port}/openapi.json")
    operations = [operation.ok() for operation in schema.get_all_operations()]
    posts = [operation for operation in operations if operation.method == "post"]
    assert {post.path for post in posts} >= {
        "/api/simulate",
        "/api/read",
        "/api/document",
        "/api/report",
        "/api/handout",
    }
    seen: Counter = Counter()
    wrong: list = []

    def run(strategy: Any, count: int, send: Callable[[Any], tuple[int, bytes]]) -> None:
        @settings(
            max_examples=count, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(strategy)
        def one(case: Any) -> None:
            status, body = send(case)
            seen[status] += 1
            if status not in (200, 400, 413, 422) or (status != 200 and set(json.loads(body)) != {"detail"}):
                wrong.append((status, body[:200]))

        one()

    def called(case: Any) -> tuple[int, bytes]:
        answer = case.call(timeout=300)
        return answer.status_code, answer.content

    for operation in operations:
        share = CASES // (len(posts) + 1) + 50
        run(operation.as_strategy(), share if operation.method == "post" else 20, called)
    run(NEARLY, CASES // (len(posts) + 1), lambda body: server.ask("/api/simulate", {"scenario": body}))
    assert wrong == []
    assert sum(seen.values()) >= CASES, seen
    assert seen[422] > 1000 and seen[200] > 20, seen
