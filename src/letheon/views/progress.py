"""Progress of long work on the error stream: a bar in a terminal, a plain line every few seconds elsewhere."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["Meter", "Stages"]


class Meter:
    """A callable for ``progress=`` that shows what is done, how fast, and how long it will still take.

    A run never fails because nobody can see its progress: when the stream is gone, the meter falls silent.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    stream : text stream, optional
        Where to write; the error stream by default.
    every_s : float
        Least time between two plain lines [s].
    clock : callable
        Returns the time [s].

    Examples
    --------
    >>> seconds = iter([0.0, 0.0, 8.0])
    >>> with Meter(stream=sys.stdout, clock=lambda: next(seconds)) as meter:
    ...     meter(100, 1000, "ketamine")
    ...     meter(500, 1000, "placebo")
    letheon: 500 of 1000 patient courses done, 50 a second, 10 s left (placebo)
    """

    def __init__(
        self,
        quiet: bool = False,
        stream: TextIO | None = None,
        every_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quiet = quiet
        self._stream = sys.stderr if stream is None else stream
        self._every_s = every_s
        self._clock = clock
        self._bar: Progress | None = None
        self._first: tuple[int, float] | None = None
        self._shown_at = 0.0

    def __enter__(self) -> "Meter":
        self._shown_at = self._clock()
        if not self._quiet and self._stream.isatty():
            self._bar = _bar(self._stream)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            with contextlib.suppress(OSError):
                self._bar.stop()

    def __call__(self, done: int, total: int, what: str) -> None:
        """Show how far the run is.

        Parameters
        ----------
        done : int
            Patient courses done, over all arms and draws of the parameters.
        total : int
            Patient courses in all.
        what : str
            What is being worked on.
        """
        if self._quiet:
            return
        now = self._clock()
        if self._first is None or done < self._first[0]:
            # what an earlier run left counts as done, but not into the rate
            self._first = (done, now)
        pace = _pace(done - self._first[0], total - done, now - self._first[1])
        try:
            if self._bar is not None:
                self._bar.update(self._bar.task_ids[0], completed=done, total=total, what=what, pace=pace)
            elif now - self._shown_at >= self._every_s:
                self._shown_at = now
                between = f", {pace}" if pace else ""
                self._stream.write(f"letheon: {done} of {total} patient courses done{between} ({what})\n")
                self._stream.flush()
        except OSError:
            self._quiet = True


class Stages:
    """A callable for ``progress=`` of work in stages, each counted in units of its own.

    A new stage is said at once; within a stage a line comes every few seconds. What an earlier call left done, and
    so comes within the first second, does not count into the pace. Threads may share it.

    Parameters
    ----------
    stream : text stream, optional
        Where to write; the error stream by default.
    every_s : float
        Least time between two plain lines of a stage [s].
    clock : callable
        Returns the time [s].

    Examples
    --------
    >>> seconds = iter([0.0, 2.0, 12.0])
    >>> with Stages(stream=sys.stdout, clock=lambda: next(seconds)) as stages:
    ...     stages("preparing", 0, 1)
    ...     stages("sampling", 100, 1000)
    ...     stages("sampling", 400, 1000)
    letheon: preparing
    letheon: sampling: 100 of 1000
    letheon: sampling: 400 of 1000, 30 a second, 20 s left
    """

    def __init__(
        self, stream: TextIO | None = None, every_s: float = 5.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.about = ""
        self._stream = sys.stderr if stream is None else stream
        self._every_s = every_s
        self._clock = clock
        self._lock = threading.Lock()
        self._bar: Progress | None = None
        self._stage: tuple[str, int] | None = None
        self._first = (0, 0.0)
        self._began = 0.0
        self._shown_at = 0.0
        self._gone = False

    def __enter__(self) -> "Stages":
        if self._stream.isatty():
            self._bar = _bar(self._stream)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            with contextlib.suppress(OSError):
                self._bar.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show how far the work is.

        Parameters
        ----------
        what : str
            What is being worked on; `about`, if it is set, stands before it.
        done, total : int
            How many of how many; the stage is known by its total.
        """
        with self._lock:
            if self._gone:
                return
            now = self._clock()
            stage = (self.about, total)
            new = stage != self._stage
            if new or done < self._first[0]:
                self._stage, self._began = stage, now
            if now - self._began < 1.0:
                self._first = (done, now)
            pace = _pace(done - self._first[0], total - done, now - self._first[1])
            label = f"{self.about}: {what}" if self.about else what
            try:
                self._show(label, done, total, pace, new, now)
            except OSError:
                self._gone = True

    def _show(self, label: str, done: int, total: int, pace: str, new: bool, now: float) -> None:
        if self._bar is not None:
            # a stage of one step has no share: the bar only moves
            length = total if total > 1 else None
            self._bar.update(self._bar.task_ids[0], completed=done, total=length, what=label, pace=pace)
        elif new or now - self._shown_at >= self._every_s:
            self._shown_at = now
            count = f": {done} of {total}" if total > 1 else ""
            self._stream.write(f"letheon: {label}{count}{', ' + pace if pace else ''}\n")
            self._stream.flush()


def _pace(done: int, left: int, seconds: float) -> str:
    """Say rate and time left, where something has been done to judge by."""
    if done <= 0 or seconds <= 0:
        return ""
    rate = done / seconds
    shown = f"{rate:.0f} a second" if rate >= 1 else f"{rate * 60:.1f} a minute"
    return f"{shown}, {_duration(left / rate)} left"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _bar(stream: TextIO) -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(file=stream, highlight=False, markup=False)
    bar = Progress(
        TextColumn("{task.fields[what]}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[pace]}"),
        console=console,
        transient=True,
    )
    bar.add_task("run", total=None, what="preparing", pace="")
    return bar
