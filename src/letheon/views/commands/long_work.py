"""Long work: its progress on the error stream, and Ctrl-C and full disks, which lose nothing that is finished."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO, TypeVar

from letheon.errors import Interrupted, RunError
from letheon.views.commands.shell import tell
from letheon.views.document import numbers

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

Result = TypeVar("Result")
Report = Callable[[str, int, int], None]
_LISTEN_S = 0.5  # between two checks: some systems let Ctrl-C in only there
_EVERY_S = 5.0  # least time between two plain lines of a stage


class Progress:
    """A callable for ``progress=`` that shows what is done, how fast, and how long it will still take.

    It is a bar in a terminal, a line every few seconds elsewhere; a new stage is shown at once. What an earlier run
    left comes within the first second of a stage and does not count into the rate. Threads may share it; no work fails
    because the stream is gone.
    """

    def __init__(
        self,
        quiet: bool = False,
        unit: str = "",
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.about = ""  # stands before the name of each stage
        self._quiet = quiet
        self._unit = f" {unit}" if unit else ""
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._lock = threading.Lock()
        self._bar: Bar | None = None
        self._stage: tuple[str, int] | None = None
        self._first = (0, 0.0)
        self._stage_start = self._shown_at = 0.0

    def __enter__(self) -> "Progress":
        if not self._quiet and self._stream.isatty():
            self._bar = _bar(self._stream)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            with contextlib.suppress(OSError):
                self._bar.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show that `done` of `total` units are done; a stage is known by its total."""
        if self._quiet:
            return
        with self._lock:
            now = self._clock()
            stage = (self.about, total)
            new = stage != self._stage
            if new or done < self._first[0]:
                self._stage, self._stage_start = stage, now
            if now - self._stage_start < 1.0:
                self._first = (done, now)
            pace = _pace(done - self._first[0], total - done, now - self._first[1])
            label = f"{self.about}: {what}" if self.about else what
            try:
                self._show(label, done, total, pace, new, now)
            except OSError:
                self._quiet = True

    def _show(self, label: str, done: int, total: int, pace: str, new: bool, now: float) -> None:
        if self._bar is not None:
            # a stage of one step has no share: the bar only moves
            length = total if total > 1 else None
            self._bar.update(self._bar.task_ids[0], completed=done, total=length, what=label, pace=pace)
        elif new or now - self._shown_at >= _EVERY_S:
            self._shown_at = now
            count = f": {done} of {total}{self._unit}" if total > 1 else ""
            self._stream.write(f"letheon: {label}{count}{', ' + pace if pace else ''}\n")
            self._stream.flush()


def _pace(done: int, left: int, seconds: float) -> str:
    """Return rate and time left, where something has been done to judge by."""
    if done <= 0 or seconds <= 0:
        return ""
    rate = done / seconds
    shown = f"{numbers.fixed(rate, 0)} a second" if rate >= 1 else f"{numbers.fixed(60 * rate, 1)} a minute"
    return f"{shown}, {numbers.wait(left / rate)} left"


def _bar(stream: TextIO) -> "Bar":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    bar = Progress(
        TextColumn("{task.fields[what]}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[pace]}"),
        console=Console(file=stream, highlight=False, markup=False),
        transient=True,
    )
    bar.add_task("run", total=None, what="preparing", pace="")
    return bar


class Stuck(Interrupted):
    """Work that was asked to stop and has not: only leaving the program ends it."""


def kept_in(folder: Path, fresh: bool = False) -> str:
    """Say where finished work is kept, and how to continue it."""
    without = ", without --fresh," if fresh else ""
    return f"what is finished is kept in {folder}: run the same command{without} with --out {folder} to continue."


@contextlib.contextmanager
def stopping_says(rest: str) -> Iterator[None]:
    """Turn an interruption or an `OSError` into one sentence that ends with `rest`; `Stuck` ends the program."""
    try:
        yield
    except Stuck:
        tell(f"interrupted; {rest}")
        leave(Interrupted.exit_code)
    except (KeyboardInterrupt, Interrupted):
        raise Interrupted(f"interrupted; {rest}") from None
    except OSError as error:
        raise RunError(f"the work stopped ({error.strerror or error}); {rest}") from error


def interruptible(work: Callable[[Report], Result], progress: Report, patience_s: float) -> Result:
    """Do work on a thread of its own while the main thread listens for Ctrl-C, which compiled code does not.

    The work stops where it next reports progress, so what it has saved must be whole at any moment. `patience_s` is how
    long that may take [s]; a second Ctrl-C ends the wait. Raises `Interrupted` if it was stopped, and `Stuck` if it
    still runs.
    """
    from concurrent.futures import Future, wait

    stop, future = threading.Event(), Future[Result]()

    def report(what: str, done: int, total: int) -> None:
        if stop.is_set():
            raise Interrupted
        progress(what, done, total)

    def run() -> None:
        try:
            future.set_result(work(report))
        except BaseException as error:
            future.set_exception(error)

    try:
        threading.Thread(target=run, daemon=True).start()  # no executor: its thread would be waited for at exit
        while not wait([future], _LISTEN_S).done:
            pass
    except KeyboardInterrupt:
        stop.set()
        limit = numbers.wait(patience_s)
        tell(f"stopping, which takes up to {limit}; Ctrl-C again stops now and loses no more than that.")
        with contextlib.suppress(KeyboardInterrupt):
            while patience_s > 0 and not wait([future], _LISTEN_S).done:
                patience_s -= _LISTEN_S
        raise (Interrupted if future.done() else Stuck) from None
    return future.result()


def leave(code: int) -> NoReturn:
    """End the program at once with an exit code, without waiting for its threads."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
