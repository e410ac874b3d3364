"""One process at a time in a run folder: a lock that the system itself lifts when its holder dies."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from letheon.errors import InputError

__all__ = ["LOCK", "locked"]

LOCK = ".lock"


def _take(handle: int) -> None:
    """Lock an open file without waiting; raise OSError where another process holds it."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone; the folder is made where it does not exist.

    The lock is on an open file, so it is gone with the process, however that ends: nothing has to be cleared up.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place, locked(Path(place)):
    ...     with locked(Path(place)):  # doctest: +ELLIPSIS
    ...         pass
    Traceback (most recent call last):
    letheon.errors.InputError: another process is working in ...
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{folder} cannot be written ({reason}); choose another folder with --out.") from None
    try:
        try:
            _take(handle)
        except OSError:
            raise InputError(
                f"another process is working in {folder}; wait for it, or choose another folder with --out."
            ) from None
        yield
    finally:
        with contextlib.suppress(OSError):
            os.close(handle)
