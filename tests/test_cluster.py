"""Runs on a cluster: who is taken as a worker, what is refused, and the same bytes as on one machine."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import warnings
from types import SimpleNamespace

import psutil
import pytest
from scenarios import scenario_text
from test_runs import hashes

from letheon.errors import InputError, LetheonWarning, RunError
from letheon.runs import address as addresses
from letheon.runs import cluster, simulate
from letheon.runs.blocks import BlockRange
from letheon.runs.environment import machine_stamp
from letheon.scenario import loads

TEXT = scenario_text(
    "session: {drug: esketamine, sessions: [{at: day 1, rate: 14 mg/h/70kg, for: 4 h, repeat: {every: 1 day, times: 2}}]}",
    "placebo: {drug: placebo, like: session}",
    weeks=2,
    population="{n: 3000}",
    seed=5,
)


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("local:0", "outside 1 to 1024; try local:2"),
        ("local:two", "not understood; give local:2"),
        ("here", "not understood"),
        ("tcp://127.0.0.1", "not understood"),
        ("tcp://127.0.0.1:port", "not understood"),
        ("http://127.0.0.1:8786", "not understood"),
        ("tcp://10.0.0.7:8786", "unencrypted data to another machine; use tls://"),
        ("tcp://cluster.example:8786", "unencrypted data"),
    ],
)
def test_invalid_cluster_is_refused_before_work_starts(address, fault, tmp_path):
    with pytest.raises(InputError, match=fault):
        simulate(loads(TEXT), out=tmp_path / "run", cluster=address)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:8786", "tcp://localhost:1", "tcp://[::1]:8786", "tls://far.example:8786"]
)
def test_loopback_and_tls_are_accepted(address):
    assert addresses.check_cluster(address) == address


@pytest.mark.parametrize(
    ("address", "threads", "other", "reason"),
    [
        ("tcp://127.0.0.1:4000", 1, {}, ""),
        ("tls://10.0.0.7:4000", 1, {}, ""),
        ("tcp://10.0.0.7:4000", 1, {}, "without TLS"),
        ("tcp://127.0.0.1:4000", 4, {}, "4 threads; start it with --nthreads 1"),
        ("tcp://127.0.0.1:4000", 1, {"jax": "0.0.1"}, "needs 0.0.1"),
        ("tcp://127.0.0.1:4000", 1, {"numpy": "9.9"}, "it has numpy"),
        ("tcp://127.0.0.1:4000", 1, {"letheon": "9"}, "it has letheon"),
        ("tcp://127.0.0.1:4000", 1, {"instruction_set": "pdp11"}, "it has instruction set"),
        ("tcp://127.0.0.1:4000", 1, {"source": "abc"}, "it has source"),
        ("tcp://127.0.0.1:4000", 1, {"XLA_FLAGS": "--xla_a=1"}, "it has XLA_FLAGS unset"),
    ],
)
def test_worker_acceptance(address, threads, other, reason):
    worker = SimpleNamespace(address=address, state=SimpleNamespace(nthreads=threads))
    sentence = cluster._unfit(worker, machine_stamp() | other)
    assert reason in sentence
    assert bool(sentence) == bool(reason)


def test_tasks_are_whole_blocks_and_cover_every_chunk_once():
    spans = [BlockRange(0, "people", 0, 32), BlockRange(0, "people", 32, 39), BlockRange(0, "bank", 0, 8)]
    for workers in (1, 2, 1000):
        pieces = list(cluster._cut(spans, workers))
        blocks = [(p.kind, b) for p in pieces for b in range(p.first, p.stop)]
        assert sorted(blocks) == sorted([("people", b) for b in range(39)] + [("bank", b) for b in range(8)])
    assert len(list(cluster._cut(spans, 1000))) == 12


@pytest.mark.long
def test_workers_send_what_threads_compute():
    scenario = loads(TEXT.replace("n: 3000", "n: 300"))
    text = cluster.dumps(scenario)
    sent = cluster._unpacked(*cluster.compute(text, (0, "people", 0, 2)))
    here = cluster._runner(text).result(BlockRange(0, "people", 0, 2))
    assert {"memory_nrs", "slow_site_nrs"} <= set(here.profile.counts)
    for name in here.profile.counts:
        assert sent.profile.mean(name).tobytes() == here.profile.mean(name).tobytes()
    for name, values in here.table().items():
        assert sent.table()[name].tobytes() == values.tobytes()


def test_local_cluster_is_closed_to_other_users():
    """Red when anything listens beyond loopback, answers HTTP, or takes work without the run's own certificate."""
    from distributed import Client

    from letheon.runs.local_cluster import local_cluster

    with local_cluster(1) as opened, Client(opened, set_as_default=False) as owner:
        owner.wait_for_workers(1, timeout=120)
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        heard = [s.laddr for p in processes for s in p.net_connections("tcp") if s.status == psutil.CONN_LISTEN]
        assert heard and {place.ip for place in heard} == {"127.0.0.1"}
        for place in heard:
            with socket.create_connection(place, timeout=5) as plain:
                plain.sendall(b"GET /json/counts.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                assert not received(plain).startswith(b"HTTP/")
            with socket.create_connection(place, timeout=5) as stranger:
                assert answers_to_a_stranger(stranger) == b""
        assert owner.submit(sum, [1, 2]).result() == 3


def received(connection):
    try:
        return connection.recv(64)
    except OSError:
        return b""


def answers_to_a_stranger(connection):
    """Speak TLS without a certificate, as anybody may; under TLS 1.3 the refusal comes with the first answer."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with context.wrap_socket(connection) as secure:
            return received(secure)
    except OSError:
        return b""


@pytest.mark.slow
def test_two_workers_one_killed_in_the_middle_give_the_same_bytes(tmp_path):
    scenario = loads(TEXT)
    alone = simulate(scenario, out=tmp_path / "alone", patients=30_000)
    killed = []

    def kill_one(done, total, arm):
        if not killed and done > total / 4:
            workers = [p for p in psutil.Process().children() if "spawn_main" in " ".join(p.cmdline())]
            assert len(workers) == 2
            os.kill(workers[0].pid, signal.SIGKILL)
            killed.append((done, total))

    run = simulate(scenario, out=tmp_path / "cluster", patients=30_000, cluster="local:2", progress=kill_one)
    assert killed
    assert hashes(run.folder) == hashes(alone.folder)


@pytest.fixture
def address(tmp_path):
    """Return a scheduler as the documentation starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"], stderr=subprocess.DEVNULL
    )
    yield f"tcp://127.0.0.1:{port}"
    process.terminate()
    process.wait()


def worker(address, threads):
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-dashboard"]
    return subprocess.Popen(
        [*command, "--nthreads", str(threads), "--nworkers", "1", "--host", "127.0.0.1"], stderr=subprocess.DEVNULL
    )


@pytest.mark.slow
def test_workers_that_fit_are_used_and_others_refused(address, tmp_path):
    scenario = loads(TEXT)
    alone = simulate(scenario, out=tmp_path / "alone")
    workers = [worker(address, 1), worker(address, 2)]
    try:
        time.sleep(8)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            run = simulate(scenario, out=tmp_path / "cluster", cluster=address)
        assert hashes(run.folder) == hashes(alone.folder)
        sentences = [str(w.message) for w in caught if issubclass(w.category, LetheonWarning)]
        assert len(sentences) == 1
        assert "2 threads; start it with --nthreads 1" in sentences[0]
    finally:
        for process in workers:
            process.terminate()
            process.wait()


@pytest.mark.slow
def test_run_without_workers_fails(address, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_PATIENCE_S", 3.0)
    with pytest.raises(RunError, match=r"none has joined.*same command again"):
        simulate(loads(TEXT), out=tmp_path / "run", cluster=address)
