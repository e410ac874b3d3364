"""The reference of the command line, made from the program itself.

``python -m letheon.views.cli_reference docs/cli.md`` writes the page.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from letheon.extras import EXTRAS
from letheon.views.commands.main import EXAMPLES, app

__all__ = ["page"]

_HEAD = """# Command line

This page is made from the program itself. Each command takes `--help`; long ones show their progress on the
error stream."""

_EXTRAS = """## What needs an extra

A plain installation brings all commands but these. From a clone, `pip install -c constraints.txt '.[all]'` brings
everything, and one of these names in the place of `all` brings that alone. A command whose extra is missing says so,
with the line that installs it from where Letheon came from.

| command | extra | needs |
| --- | --- | --- |
{rows}"""

_TAIL = """## Exit codes

| code | means |
| --- | --- |
| 0 | done, also with warnings |
| 1 | a failure during the run, such as a full disk: what is finished is kept |
| 2 | bad input or an unusable output folder, found before work starts: nothing was written |
| 130 | interrupted with Ctrl-C: what is finished is kept |

Every message is one sentence on the error stream; after 1 and 130 it says how to continue. `LETHEON_DEBUG=1`
in the environment adds where in the program it arose. `NO_COLOR=1` turns colours off; where the output is no
terminal there are none anyway.

## Run folders

Without `--out` a run goes into `runs/` in the working folder, under its title and a short hash of its
scenario, patients and seed. Running the same again continues what was interrupted and shows what is finished.
A folder that holds something else, or another run, is refused."""


def page() -> str:
    """Return the page.

    Returns
    -------
    str
        Markdown.

    Examples
    --------
    >>> page().splitlines()[0]
    '# Command line'
    """
    commands: dict[str, Any] = vars(typer.main.get_command(app))["commands"]
    rows = "\n".join(
        f"| `letheon {extra.command}` | `{name}` | {', '.join(extra.packages)} |" for name, extra in EXTRAS.items()
    )
    told = ("\n".join(_command(name, command)) for name, command in _flat(commands))
    parts = [_HEAD, *told, _EXTRAS.format(rows=rows), _TAIL]
    return "\n\n".join(parts) + "\n"


def _flat(commands: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Put the commands of a group in the place of the group."""
    for name, command in commands.items():
        if inner := vars(command).get("commands"):
            yield from _flat(inner, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def _command(name: str, command: Any) -> Iterator[str]:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    words = [parameter.metavar if parameter.required else f"[{parameter.metavar}]" for parameter in arguments]
    yield f"## letheon {name}"
    yield ""
    yield command.help
    yield ""
    yield "```sh"
    yield f"{EXAMPLES[name]}"
    yield "```"
    yield ""
    yield f"Usage: `letheon {' '.join([name, *words, *(['[OPTIONS]'] if options else [])])}`"
    yield ""
    yield "| word | means |"
    yield "| --- | --- |"
    for parameter in arguments:
        yield f"| `{parameter.metavar}` | {parameter.help} |"
    for parameter in options:
        value = "" if parameter.is_flag else f" {parameter.metavar}"
        yield f"| `{parameter.opts[0]}{value}` | {parameter.help} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
