"""The options that commands share, and how their values are read: refusals come before anything heavy loads."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from letheon.errors import InputError

__all__ = ["flag", "option", "output_file", "quantity", "whole"]


def argument(metavar: str, text: str) -> Any:
    """Declare an argument."""
    return typer.Argument(metavar=metavar, show_default=False, help=text)


def option(metavar: str, text: str, read: Callable[[str], Any] | None = None) -> Any:
    """Declare an option with a value, and what reads it."""
    return typer.Option(metavar=metavar, show_default=False, help=text, parser=read)


def flag(name: str, text: str) -> Any:
    """Declare an option without a value."""
    return typer.Option(name, help=text)


def whole(name: str, bounds: Callable[[], tuple[int, int]], example: int) -> Callable[[str], int]:
    """Return a reader of whole numbers; bounds come from a function, since their module loads late."""

    def read(text: str) -> int:
        low, high = bounds()
        # the length comes first: converting very long numbers takes long
        if not re.fullmatch(r"[+-]?[0-9]{1,20}", text) or not low <= int(text) <= high:
            raise InputError(
                f"{name} {text[:40]!r} is not a whole number from {low} to {high}; give e.g. {name} {example}."
            )
        return int(text)

    return read


def quantity(name: str, reader: str, example: str) -> Callable[[str], float]:
    """Return a reader of quantities with a unit; `reader` names a function of `letheon.scenario.quantities`."""

    def read(text: str) -> float:
        from letheon.scenario import quantities

        try:
            return getattr(quantities, reader)(text)
        except InputError as error:
            # a number alone: its unit may stand apart, for want of quotes
            hint = f' For example: {name} "{example}".' if re.fullmatch(r"[0-9.]+", text) else ""
            raise InputError(f"{name}: {error}{hint}") from None

    return read


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


def _seeds() -> tuple[int, int]:
    from letheon.scenario.grammar import MAX_SEED

    return 0, MAX_SEED


_seed = whole("--seed", _seeds, 1)
ScenarioFile = Annotated[Path, argument("SCENARIO", "A scenario file (YAML).")]
RunFolder = Annotated[Path, argument("RUN", "A run folder.")]
Seed = Annotated[int | None, option("S", "Random seed, not the scenario's.", _seed)]
OwnSeed = Annotated[int | None, option("S", "Random seed.", _seed)]
AsJson = Annotated[bool, flag("--json", "Print one JSON document instead of text.")]
