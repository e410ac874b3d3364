"""What a command writes to the shell: all of it goes through here, whatever state stdout and stderr are in."""

import contextlib
import errno
import os
import sys
from collections.abc import Iterable
from typing import TextIO

import typer

from letheon.errors import InputError, LetheonError, RunError

__all__ = ["close_stdout", "failure_of", "open_streams", "tell", "write", "write_lines"]

_NAMES = (errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ELOOP)


def open_streams() -> None:
    """Give the process the streams that the shell has closed, or the next file opened would take their place.

    Writing to a stdout that was closed fails, as it should; what goes to a stderr that was closed is lost.
    """
    for number, name, mode in ((0, "stdin", os.O_RDONLY), (1, "stdout", os.O_RDONLY), (2, "stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, mode)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))


def write(text: str, encoding: str | None = None) -> None:
    """Write to stdout, at once; a reader that has gone away has seen enough.

    Parameters
    ----------
    text : str
        What to write.
    encoding : str, optional
        How, instead of the terminal's way.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    try:
        _encode(sys.stdout, encoding)
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        close_stdout()
        raise typer.Exit from None
    except OSError as error:
        raise failure_of(error) from error


def write_lines(lines: Iterable[str]) -> None:
    """Write lines to stdout; see `write`."""
    write("".join(f"{line}\n" for line in lines))


def tell(text: str, *, as_it_is: bool = False) -> None:
    """Write one sentence to stderr; nobody can be told that nobody listens.

    Parameters
    ----------
    text : str
        The sentence.
    as_it_is : bool
        Write a text of several lines, without the program's name before it.
    """
    sentence = " ".join(text.split())
    printable = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in sentence)
    with contextlib.suppress(OSError):
        _encode(sys.stderr)
        sys.stderr.write(text if as_it_is else f"letheon: {printable}\n")
        sys.stderr.flush()


def failure_of(error: OSError) -> LetheonError:
    """Say in one sentence what the system refused: a path that was given, or the output.

    Parameters
    ----------
    error : OSError
        The refusal.

    Returns
    -------
    LetheonError
        With the exit code that fits.
    """
    reason = error.strerror or str(error)
    if error.filename is None:
        close_stdout()
        return RunError(f"the output could not be written: {reason}.")
    name = str(error.filename)
    kind = InputError if error.errno in _NAMES else RunError
    return kind(f"{name if len(name) < 80 else name[:60] + '…'} cannot be used: {reason}.")


def close_stdout() -> None:
    """Send what is still waiting nowhere, or Python would complain about it when it ends."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _encode(stream: TextIO, encoding: str | None = None) -> None:
    """Let no letter that a terminal lacks end a command."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace", **({"encoding": encoding} if encoding else {}))
