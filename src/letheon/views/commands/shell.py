"""What commands read from the shell and write to it.

Options are declared here, with refusals before anything heavy loads; all output goes through here, whatever state
stdout and stderr are in.
"""

import contextlib
import errno
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from letheon.errors import InputError, LetheonError, RunError

if TYPE_CHECKING:
    from rich.console import Console

    from letheon.views.document.tree import Document

_NAMES = (errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ELOOP)


def argument(metavar: str, text: str) -> Any:
    """Declare an argument."""
    return typer.Argument(metavar=metavar, show_default=False, help=text)


def option(metavar: str, text: str, read: Callable[[str], Any] | None = None) -> Any:
    """Declare an option with a value, and what reads it."""
    return typer.Option(metavar=metavar, show_default=False, help=text, parser=read)


def flag(name: str, text: str) -> Any:
    """Declare an option without a value."""
    return typer.Option(name, help=text)


def whole(metavar: str, text: str, name: str, most: int | str, example: int, least: int = 1) -> Any:
    """Declare an option with a whole number; a text as `most` names a bound of `letheon.scenario.grammar`."""

    def read(value: str) -> int:
        from letheon.scenario import grammar

        limit: int = most if isinstance(most, int) else getattr(grammar, most)
        # the length comes first: converting very long numbers takes long
        if not re.fullmatch(r"[+-]?[0-9]{1,20}", value) or not least <= int(value) <= limit:
            raise InputError(
                f"{name} {value[:40]!r} is not a whole number from {least} to {limit}; give e.g. {name} {example}."
            )
        return int(value)

    return option(metavar, text, read)


def quantity(metavar: str, text: str, name: str, reader: str, example: str) -> Any:
    """Declare an option with a quantity and its unit; `reader` names a function of `letheon.scenario.quantities`."""

    def read(value: str) -> float:
        from letheon.scenario import quantities

        try:
            return getattr(quantities, reader)(value)
        except InputError as error:
            # a number alone: its unit may stand apart, for want of quotes
            hint = f' For example: {name} "{example}".' if re.fullmatch(r"[0-9.]+", value) else ""
            raise InputError(f"{name}: {error}{hint}") from None

    return option(metavar, text, read)


def output_file(path: Path) -> None:
    """Refuse a path at which no file can be written."""
    refuse_file_above(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file with --out, such as {path / 'validation.html'}.")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent} is not a folder; create it first, or name another file with --out.")


def refuse_file_above(path: Path) -> None:
    """Refuse a path that lies below a file."""
    above = next((parent for parent in path.parents if parent.exists()), None)
    if above is not None and not above.is_dir():
        raise InputError(f"{path} cannot be created, because {above} is a file; name another place with --out.")


ScenarioFile = Annotated[Path, argument("SCENARIO", "A scenario file (YAML).")]
RunFolder = Annotated[Path, argument("RUN", "A run folder.")]
Seed = Annotated[int | None, whole("S", "Random seed, not the scenario's.", "--seed", "MAX_SEED", 1, least=0)]
OwnSeed = Annotated[int | None, whole("S", "Random seed.", "--seed", "MAX_SEED", 1, least=0)]
AsJson = Annotated[bool, flag("--json", "Print one JSON document instead of text.")]


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
