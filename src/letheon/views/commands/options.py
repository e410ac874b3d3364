"""The options that commands share, and how their values are read: refusals come before anything heavy loads."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from letheon.errors import InputError


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
