"""Ctrl-C and full disks during long work: nothing finished is lost, and one sentence says how to continue."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn, TypeVar

from letheon.errors import Interrupted, RunError
from letheon.views.commands.output import tell

__all__ = ["interruptible", "kept_in", "leave", "stopping_says"]

Result = TypeVar("Result")
Progress = Callable[[str, int, int], None]
_LISTEN_S = 0.5  # between two checks: some systems let Ctrl-C in only there


class Stuck(Interrupted):
    """Work that was asked to stop and has not: only leaving the program ends it."""


def kept_in(folder: Path, fresh: bool = False) -> str:
    """Say where finished work is kept, and how to continue it."""
    without = ", without --fresh," if fresh else ""
    return f"what is finished is kept in {folder}: run the same command{without} with --out {folder} to continue."


@contextlib.contextmanager
def stopping_says(rest: str) -> Iterator[None]:
    """Turn an interruption or a failure to write into one sentence that ends with `rest`.

    Raises
    ------
    Interrupted
        After Ctrl-C; work that does not stop ends the program with this code instead.
    RunError
        After an `OSError`.
    """
    try:
        yield
    except Stuck:
        tell(f"interrupted; {rest}")
        leave(Interrupted.exit_code)
    except (KeyboardInterrupt, Interrupted):
        raise Interrupted(f"interrupted; {rest}") from None
    except OSError as error:
        raise RunError(f"the work stopped ({error.strerror or error}); {rest}") from error


def interruptible(work: Callable[[Progress], Result], progress: Progress, patience_s: float) -> Result:
    """Do work on a thread of its own while the main thread listens for Ctrl-C, which compiled code does not.

    Parameters
    ----------
    work : callable
        Takes ``progress`` and returns a result; it stops where it next reports progress. What it has saved must be
        whole at any moment.
    progress : callable
        Progress: ``(what, done, total)``.
    patience_s : float
        How long the work may take to stop [s]; a second Ctrl-C ends the wait.

    Returns
    -------
    object
        What `work` returned.

    Raises
    ------
    Interrupted
        If it was stopped.
    Stuck
        If it should have stopped and still runs.

    Examples
    --------
    >>> interruptible(lambda progress: 6 * 7, print, 1.0)
    42
    """
    stop, over = threading.Event(), threading.Event()
    results: list[Result] = []
    failures: list[BaseException] = []

    def report(what: str, done: int, total: int) -> None:
        if stop.is_set():
            raise Interrupted
        progress(what, done, total)

    def run() -> None:
        try:
            results.append(work(report))
        except BaseException as error:
            failures.append(error)
        finally:
            over.set()

    try:
        threading.Thread(target=run, daemon=True).start()
        while not over.wait(_LISTEN_S):
            pass
    except KeyboardInterrupt:
        stop.set()
        tell(f"stopping, which takes up to {patience_s:.0f} s; Ctrl-C again stops now and loses no more than that.")
        raise (Interrupted if _ends(over, patience_s) else Stuck) from None
    if failures:
        raise failures[0]
    return results[0]


def _ends(over: threading.Event, patience_s: float) -> bool:
    """Wait for the end of the work; return whether it came."""
    with contextlib.suppress(KeyboardInterrupt):
        while patience_s > 0 and not over.wait(_LISTEN_S):
            patience_s -= _LISTEN_S
    return over.is_set()


def leave(code: int) -> NoReturn:
    """End the program at once with an exit code, without waiting for its threads."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
