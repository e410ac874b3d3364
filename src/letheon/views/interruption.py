"""Ctrl-C during work that lasts hours: heard at once, whatever the processor is doing, and nothing finished is lost."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from typing import NoReturn, TypeVar

from letheon.errors import Interrupted

__all__ = ["Stuck", "interruptible", "leave"]

Result = TypeVar("Result")
Progress = Callable[[str, int, int], None]
_LISTEN_S = 0.5  # between two looks: what lets Ctrl-C in on systems where waiting does not


class Stuck(Interrupted):
    """Work that was asked to stop and has not: only leaving the program ends it."""


def interruptible(
    work: Callable[[Progress], Result], told: Progress, tell: Callable[[str], None], last_words: str, patience_s: float
) -> Result:
    """Do work on a thread of its own while the main thread listens for Ctrl-C.

    Compiled code does not listen; so the work stops where it next tells its progress.

    Parameters
    ----------
    work : callable
        Takes ``progress`` and returns a result. What it has saved must be whole at any moment.
    told : callable
        Progress: ``(what, done, all)``.
    tell : callable
        Says a sentence to the person who pressed Ctrl-C.
    last_words : str
        Sentence of the error: what is kept, and how to go on.
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
    >>> interruptible(lambda progress: 6 * 7, print, print, "stopped", 1.0)
    42
    """
    stop, over = threading.Event(), threading.Event()
    results: list[Result] = []
    failures: list[BaseException] = []

    def progress(what: str, done: int, total: int) -> None:
        if stop.is_set():
            raise Interrupted(last_words)
        told(what, done, total)

    def run() -> None:
        try:
            results.append(work(progress))
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
        raise Stuck(last_words) if not _ends(over, patience_s) else Interrupted(last_words) from None
    if failures:
        if isinstance(failures[0], KeyboardInterrupt | Interrupted):
            raise Interrupted(last_words) from None
        raise failures[0]
    return results[0]


def _ends(over: threading.Event, patience_s: float) -> bool:
    """Wait for the end of the work; say whether it came."""
    left = patience_s
    try:
        while left > 0 and not over.wait(_LISTEN_S):
            left -= _LISTEN_S
    except KeyboardInterrupt:
        return over.is_set()
    return over.is_set()


def leave(code: int) -> NoReturn:
    """End the program at once, without waiting for its threads.

    Parameters
    ----------
    code : int
        Exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
