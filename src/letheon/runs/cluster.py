"""Blocks on other processes and machines, through Dask Distributed.

A worker is looked at when it joins: same Letheon, JAX and NumPy, same instruction set, one thread, loopback or TLS.
Only then does it get the resource that every task here asks for, so that no block is ever computed by another. Others
are refused in one sentence. What a worker computes depends on the scenario and the blocks alone, so nothing but time
is lost with it: its blocks are given to another.
"""

import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from letheon.errors import InputError, LetheonWarning, RunError
from letheon.runs.address import check_cluster, is_loopback
from letheon.runs.chunks import CHUNK, ChunkResult
from letheon.runs.engine import Executor
from letheon.runs.environment import machine_stamp, use_compile_cache
from letheon.scenario import Scenario, dumps, loads

__all__ = ["cluster_executor", "compute"]

_RESOURCE = "letheon"
_TASKS_A_WORKER = 8  # so that the last to finish keeps the others waiting for an eighth of its time
_LEAST = 4  # blocks of a task: with fewer, adding up what comes back takes longer than it is worth
_IN_FLIGHT = 3  # tasks for each worker that are handed out at a time
_PATIENCE_S = 60.0  # how long a run waits for a worker when there is none
_LOOK_S = 2.0
_DEATHS = 10  # workers that may die over one task before the task itself is suspected
_TLS = "DASK_DISTRIBUTED__COMM__TLS__CA_FILE, …__TLS__CLIENT__CERT and …__TLS__CLIENT__KEY"


# --- on a worker ---


@lru_cache(maxsize=2)
def _runner(text: str) -> Any:
    from letheon.pipeline import plan_arms
    from letheon.runs.blocks import Runner

    use_compile_cache()
    scenario = loads(text)
    return Runner(scenario, plan_arms(scenario))


def compute(text: str, span: tuple[int, str, int, int]) -> tuple:
    """Compute some blocks on a worker."""
    from letheon.runs.blocks import BlockRange
    from letheon.runs.store import pack

    result = _runner(text).result(BlockRange(*span))
    return result.columns, pack(result.profile), result.bank, result.events, result.last_booster_h


def _unfit(worker: Any, wanted: dict[str, str]) -> str:
    """Say in one sentence why a worker is not taken; nothing where it fits."""
    own = machine_stamp()
    for name in {**wanted, **own}:
        has, needs = own.get(name, "unset"), wanted.get(name, "unset")
        if has != needs:
            what = name if name.isupper() else name.replace("_", " ")
            return f"it has {what} {has}, and this run needs {needs}"
    if worker.state.nthreads != 1:
        return f"it has {worker.state.nthreads} threads; start it with --nthreads 1"
    if worker.address.startswith("tcp:") and not is_loopback(urlsplit(worker.address).hostname or ""):
        return "it can be reached from other machines without TLS; start it with certificates, or on 127.0.0.1"
    return ""


def _gate(wanted: dict[str, str]) -> Any:
    """Return what looks at each worker as it joins."""
    from distributed import WorkerPlugin

    class Gate(WorkerPlugin):
        name = "letheon"

        async def setup(self, worker: Any) -> None:
            worker.letheon_unfit = _unfit(worker, wanted)
            if not worker.letheon_unfit:
                await worker.set_resources(**{_RESOURCE: 1})

    return Gate()


def _verdict(dask_worker: Any) -> str:
    return getattr(dask_worker, "letheon_unfit", "it has not been looked at yet")


# --- on the side that asks ---


@contextmanager
def cluster_executor(where: str, scenario: Scenario) -> Iterator[Executor]:
    """Connect to workers, and return them as an executor."""
    import dask.config
    from distributed import Client

    place = check_cluster(where)
    with dask.config.set({"distributed.scheduler.allowed-failures": _DEATHS}):
        if isinstance(place, int):
            from letheon.runs.local_cluster import local_cluster

            with local_cluster(place) as cluster, Client(cluster, set_as_default=False) as client:
                yield _Workers(client, scenario)
        else:
            with _connected(place) as client:
                yield _Workers(client, scenario)


def _connected(address: str) -> Any:
    from distributed import Client
    from distributed.security import Security

    security = Security() if address.startswith("tls:") else None
    if security and not (security.tls_ca_file and security.tls_client_cert):
        raise InputError(f"--cluster {address} needs certificates; name them in the environment: {_TLS}.")
    try:
        return Client(address, security=security, set_as_default=False, timeout="15s")
    except (OSError, ValueError) as error:
        raise RunError(f"no scheduler answers at {address} ({error}); start one: dask scheduler --host …") from None


class _Workers:
    """Executor: hands tasks out, a few for each worker at a time, and gives them again when a worker is lost."""

    def __init__(self, client: Any, scenario: Scenario) -> None:
        self.client, self.text = client, dumps(scenario)
        self.known: dict[str, str] = {}
        self.seen_at = self.fit_at = time.monotonic()
        try:
            client.register_plugin(_gate(machine_stamp()))
        except Exception as error:
            raise RunError(f"a worker cannot load this Letheon ({error}); install the same one there.") from error

    def look(self) -> int:
        """Look at who has joined and who has left; return how many fit."""
        now = time.monotonic()
        addresses = set(self.client.nthreads())
        new = [address for address in addresses if self.known.get(address, " ") != ""]
        verdicts = self.client.run(_verdict, workers=new, on_error="ignore") if new else {}
        for address, verdict in verdicts.items():
            if verdict and self.known.get(address) != verdict and "looked at" not in verdict:
                warnings.warn(LetheonWarning(f"the worker at {address} is not taken: {verdict}."), stacklevel=2)
        self.known = {address: verdicts.get(address, self.known.get(address, " ")) for address in addresses}
        fit = sum(verdict == "" for verdict in self.known.values())
        self.seen_at = now
        self.fit_at = now if fit else self.fit_at
        if now - self.fit_at > _PATIENCE_S:
            why = "; ".join(sorted({v for v in self.known.values() if v.strip()})) or "none has joined"
            raise RunError(
                f"no worker that fits for {_PATIENCE_S:.0f} s ({why}); finished chunks are kept: start workers, and"
                " run the same command again to continue."
            )
        return fit

    def __call__(self, spans: Iterable) -> Iterator:
        """Compute spans; see `letheon.runs.engine.Executor`."""
        from distributed import as_completed
        from distributed.scheduler import KilledWorker

        spans = list(spans)
        while spans and not self.look():
            time.sleep(0.1)
        pieces = iter(_cut(spans, len(self.known)))
        pending, done = {}, as_completed(loop=self.client.loop, raise_errors=False)

        def hand_out() -> None:
            while len(pending) < _IN_FLIGHT * max(1, len(self.known)):
                span = next(pieces, None)
                if span is None:
                    return
                future = self.client.submit(
                    compute, self.text, tuple(span), resources={_RESOURCE: 1}, pure=False, retries=2
                )
                pending[future] = span
                done.add(future)

        hand_out()
        while pending:
            batch = done.next_batch(block=False)
            if not batch:
                time.sleep(0.01)
            if time.monotonic() - self.seen_at > _LOOK_S:
                self._alive()
            for future in batch:
                span = pending.pop(future)
                if future.status == "cancelled":
                    raise _lost("the scheduler is gone")
                try:
                    columns, packed, bank, events, last_booster_h = future.result()
                except KilledWorker:
                    raise _lost(f"{_DEATHS} workers died over the same blocks") from None
                future.release()
                yield span, _unpacked(columns, packed, bank, events, last_booster_h)
            hand_out()

    def _alive(self) -> None:
        if self.client.status not in ("running", "connecting"):
            raise _lost("the scheduler is gone")
        try:
            self.look()
        except (OSError, TimeoutError):
            raise _lost("the scheduler does not answer") from None


def _lost(why: str) -> RunError:
    return RunError(f"{why}; finished chunks are kept: run the same command again to continue.")


def _unpacked(columns: dict, packed: dict, bank: dict, events: dict, last_booster_h: float) -> ChunkResult:
    from letheon.runs.store import unpack

    profile = unpack(packed)
    result = ChunkResult(profile.times)
    result.columns, result.profile, result.bank, result.events = columns, profile, bank, events
    result.last_booster_h = last_booster_h
    return result


def _cut(spans: list, workers: int) -> Iterator:
    """Cut chunks into tasks of whole blocks, so that each worker gets several."""
    blocks = sum(span.stop - span.first for span in spans)
    size = max(_LEAST, min(CHUNK, blocks // (_TASKS_A_WORKER * max(1, workers))))
    for span in spans:
        for first in range(span.first, span.stop, size):
            yield span._replace(first=first, stop=min(first + size, span.stop))
