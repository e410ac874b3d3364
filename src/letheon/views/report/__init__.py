"""Pages of studies: HTML files that open in any browser, without a network."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

__all__ = ["save"]


def save(text: str, path: str | Path) -> Path:
    """Write a text to a file, whole or not at all.

    Parameters
    ----------
    text : str
        What the file holds.
    path : str or Path
        Where the file goes; its folder must exist. A file that is there is replaced.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    OSError
        If the folder cannot be written to; nothing is left behind, and an older file stays.
    """
    target = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that only their owner may read; a report is as open as any other new file.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    return target
