"""``--cluster local:N``: Dask's scheduler and workers on this machine, closed to everybody else who works on it.

Whoever can reach a Dask scheduler can run code as its owner, and on a machine with several users loopback keeps
nobody out. So all traffic is TLS, with a key that is made anew for each run and never written to a file, and Dask's
HTTP pages are not opened at all.
"""

from typing import Any

from distributed import Nanny, Scheduler, SpecCluster, Worker
from distributed.security import Security

__all__ = ["local_cluster"]

_HOST = "127.0.0.1"


class _Pageless:
    """A part of a cluster that opens no HTTP server."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Open nothing."""


class _Scheduler(_Pageless, Scheduler):
    pass


class _Worker(_Pageless, Worker):
    pass


def local_cluster(workers: int) -> SpecCluster:
    """Start a scheduler and one-thread workers that obey this process alone."""
    security = Security.temporary()
    shared = {"host": _HOST, "protocol": "tls://", "security": security}
    worker = {
        "cls": Nanny,
        "options": shared | {"worker_class": _Worker, "nthreads": 1, "silence_logs": 50, "dashboard": False},
    }
    return SpecCluster(
        workers=dict.fromkeys(range(workers), worker),
        worker=worker,
        scheduler={"cls": _Scheduler, "options": shared | {"dashboard": False}},
        security=security,
        silence_logs=50,  # pyright: ignore[reportArgumentType]  (a level, as LocalCluster gives it)
    )
