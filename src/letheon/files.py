"""Files that appear whole or not at all, lines that stay once written, and a folder held by one process at a time."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from letheon.errors import InputError, RunError

__all__ = ["append", "disk_errors", "is_leftover", "locked", "remove_leftovers", "write"]

_LOCK = ".lock"
_PARTIAL = ".partial"


def write(path: Path, content: str | bytes | Callable[[BinaryIO], object]) -> None:
    """Write a file beside its place under another name, then move it there in one step.

    The folder must exist; a file that is there is replaced. The content is text (UTF-8), bytes, or a function that
    writes to the open binary file. Raises OSError if it cannot be written: nothing half-written is left, and an older
    file stays.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Path(folder, "a.txt"), "whole")
    ...     Path(folder, "a.txt").read_text()
    'whole'
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_PARTIAL}")
    try:
        with partial.open("xb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def append(path: Path, text: str) -> None:
    """Add text at the end of a file, and return only when it is on disk; raises OSError."""
    with path.open("ab") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def disk_errors(path: Path, remedy: str) -> Iterator[None]:
    """Turn the OSErrors of a full disk or a lost folder into a RunError; `remedy` says what is kept and what to do.

    >>> with disk_errors(Path("a.csv"), "make room and run it again."):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    letheon.errors.RunError: a.csv could not be written (No space left on device); make room and run it again.
    """
    try:
        yield
    except OSError as error:
        raise RunError(f"{path} could not be written ({error.strerror or error}); {remedy}") from error


def is_leftover(name: str) -> bool:
    """Return whether a file of this name is what a killed process leaves: its lock, or a file not yet whole."""
    return name == _LOCK or (name.startswith(".") and name.endswith(_PARTIAL))


def remove_leftovers(folder: Path) -> None:
    """Remove the half-written files of killed processes; hold the lock of the folder meanwhile."""
    for file in folder.rglob(f".*{_PARTIAL}"):
        file.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone; the folder is made where it does not exist.

    The operating system lifts the lock when the process ends, however that happens: nothing has to be cleared up.
    Raises InputError if another process holds the folder, or it cannot be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / _LOCK, blocking=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise InputError(
            f"another process is working in {folder}; wait for it, or choose another folder with --out."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{folder} cannot be written ({reason}); choose another folder with --out.") from None
    try:
        yield
    finally:
        lock.release()
