"""Bounds of time and memory on work in compiled code, which Python cannot count for itself."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

__all__ = ["Watch", "bytes_text"]

_LOOK_S = 0.05
_GRACE_S = 2.0  # from the request to stop until the work counts as stuck
_SLACK = 1.25  # the process holds more than the work is given, such as the answer and what reads the files


def bytes_text(size: float) -> str:
    """Return a number of bytes as text.

    >>> bytes_text(1e9), bytes_text(2_500_000)
    ('1 GB', '2.5 MB')
    """
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:g} {unit}"
    return f"{size:g} bytes"


def _held() -> int:
    """Return the memory that this process holds [bytes]; 0 on systems that do not tell."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return 0


class Watch:
    """Asks work to stop when it takes too long or too much memory; a context around it.

    `stop` asks the work to stop after `time_s` [s], or when the process has grown by a quarter more than `memory`
    [bytes]; `stuck` is called with the reason where it has not stopped two seconds later. ``reason`` is empty where it
    was not asked.
    """

    def __init__(
        self, stop: Callable[[], None], time_s: float, memory: int, stuck: Callable[[str], None] | None = None
    ) -> None:
        self.reason = ""
        self._stop, self._time_s, self._memory, self._stuck = stop, time_s, memory, stuck
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._until = time.monotonic() + self._time_s
        self._most = _held() + _SLACK * self._memory
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_LOOK_S):
            if time.monotonic() > self._until:
                self.reason = f"takes longer than {self._time_s:g} s"
            elif _held() > self._most:
                self.reason = f"needs more memory than {bytes_text(self._memory)}"
            if self.reason:
                break
        else:
            return
        self._stop()
        if not self._over.wait(_GRACE_S) and self._stuck is not None:
            self._stuck(self.reason)
