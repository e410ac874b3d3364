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
from letheon.views.document import numbers

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


def interruptible(work: Callable[[Progress], Result], progress: Progress, patience_s: float) -> Result:
    """Do work on a thread of its own while the main thread listens for Ctrl-C, which compiled code does not.

    The work stops where it next reports progress, so what it has saved must be whole at any moment. `patience_s` is how
    long that may take [s]; a second Ctrl-C ends the wait. Raises `Interrupted` if it was stopped, and `Stuck` if it
    still runs.
    """
    from concurrent.futures import ThreadPoolExecutor, wait

    stop = threading.Event()

    def report(what: str, done: int, total: int) -> None:
        if stop.is_set():
            raise Interrupted
        progress(what, done, total)

    future = ThreadPoolExecutor(1).submit(work, report)
    try:
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
