"""What a command writes to the shell: all of it goes through here, whatever state stdout and stderr are in."""

import contextlib
import errno
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer

from letheon.errors import InputError, LetheonError, RunError

if TYPE_CHECKING:
    from rich.console import Console

    from letheon.views.document.tree import Document

_NAMES = (errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ELOOP)


def open_streams() -> None:
    """Open the streams that the shell has closed, or the next file opened would take their place.

    Writing to a stdout that was closed fails, as it should; what goes to a stderr that was closed is lost.
    """
    for number, name, mode in ((0, "stdin", os.O_RDONLY), (1, "stdout", os.O_RDONLY), (2, "stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, mode)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))


def write(text: str, encoding: str | None = None) -> None:
    """Write to stdout, at once, in the terminal's encoding or in another; a closed pipe ends the program with 0."""
    try:
        _replace_unknown_letters(sys.stdout, encoding)
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        close_stdout()
        raise typer.Exit from None
    except OSError as error:
        raise failure_of(error) from error


def write_json(document: Any) -> None:
    """Write plain values or records as one JSON document to stdout, in UTF-8."""
    from msgspec import to_builtins

    write(json.dumps(to_builtins(document), ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def write_text(document: "Document") -> None:
    """Write a document to stdout as plain text of 80 columns."""
    from letheon.views.document.terminal import text

    write(text(document))


def show(draw: "Document | Callable[[Console], Document]", *lines: str) -> None:
    """Write a document to stdout as the console can, then lines whose paths stay in one piece, to be copied."""
    from rich.console import Console
    from rich.text import Text

    from letheon.views.document import terminal

    plain = not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR"))
    console = Console(
        file=sys.stdout,
        force_terminal=False if plain else None,
        color_system=None if plain else "auto",
        highlight=False,
        markup=False,
        emoji=False,
    )
    with console.capture() as captured:
        terminal.show(draw(console) if callable(draw) else draw, console)
        for line in lines:
            console.print(Text(line), soft_wrap=True)
    write(captured.get())


def save_page(text: str, path: Path) -> None:
    """Write a page to a file, whole or not at all; refuse in one sentence."""
    from letheon import files

    with files.disk_errors(path, "make room and run the same command again."):
        files.write(path, text)


def tell(text: str, *, verbatim: bool = False) -> None:
    """Write one sentence to stderr, or a text of several lines as it is; a lost stderr is no failure."""
    sentence = " ".join(text.split())
    printable = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in sentence)
    with contextlib.suppress(OSError):
        _replace_unknown_letters(sys.stderr)
        sys.stderr.write(text if verbatim else f"letheon: {printable}\n")
        sys.stderr.flush()


def failure_of(error: OSError) -> LetheonError:
    """Return what the system refused as one sentence with its exit code: a path from the user, or the output."""
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
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _replace_unknown_letters(stream: TextIO, encoding: str | None = None) -> None:
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace", **({"encoding": encoding} if encoding else {}))
