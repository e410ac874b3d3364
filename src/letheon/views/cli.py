"""The command line: each command is a thin face on Python functions that do the work.

Nothing heavy is imported here. A command checks its input first, with what is light, and only then imports
what it needs, so that help and refusals come at once.
"""

import difflib
import json
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer
from typer.core import TyperGroup

from letheon._version import __version__
from letheon.definitions import RESEARCH_NOTICE
from letheon.errors import InputError, Interrupted, LetheonError, LetheonWarning, RunError
from letheon.views import calibration, evidence, optimise, query, worksheet
from letheon.views.explore import command as explore
from letheon.views.streams import close_stdout, failure_of, open_streams, tell, write, write_lines

if TYPE_CHECKING:
    from letheon.runs import Run
    from letheon.scenario import Scenario

__all__ = ["app", "cite", "library", "main", "simulate"]

_DEBUG = "LETHEON_DEBUG"
EXAMPLES = {
    "simulate": "letheon simulate examples/small.yaml --out runs/small",
    "cite": "letheon cite runs/small --bibtex",
    "library": "letheon library otto2021",
    "worksheet": worksheet.EXAMPLE,
    **evidence.EXAMPLES,
    "query": query.EXAMPLE,
    **calibration.EXAMPLES,
    **optimise.EXAMPLES,
    "explore": explore.EXAMPLE,
}
# Typer brings its own copy of Click in some versions and uses the installed one in others; this is either's.
_UsageError = cast(type[Exception], typer.BadParameter.__mro__[1])


class _Commands(TyperGroup):
    """Names the nearest command where somebody asks for one that does not exist."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, or refuse."""
        found = super().get_command(ctx, cmd_name)
        if found is None and not cmd_name.startswith("-"):
            raise InputError(f"there is no command {cmd_name!r}; {_nearest(cmd_name, self.commands)}.")
        return found


app = typer.Typer(
    name="letheon",
    cls=_Commands,
    help="Simulates intravenous ketamine for Complex Regional Pain Syndrome.\n\n" + RESEARCH_NOTICE,
    epilog=f"\b\nExample:\n  {EXAMPLES['simulate']}",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        write(f"letheon {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def _epilog(command: str) -> str:
    return f"\b\nExample:\n  {EXAMPLES[command]}"


@app.command(
    short_help="Run every arm of a scenario.",
    help="Run every arm of a scenario: a table here, and a run folder with Parquet tables and an HTML report."
    "\n\nRunning it again continues what was interrupted, and shows what is finished.",
    epilog=_epilog("simulate"),
)
def simulate(
    scenario: Annotated[Path, typer.Argument(metavar="SCENARIO", show_default=False, help="A scenario file (YAML).")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", show_default=False, help="Run folder (default: runs/TITLE-HASH)."),
    ] = None,
    patients: Annotated[
        str | None,
        typer.Option(metavar="N", show_default=False, help="Virtual patients in each arm, not the scenario's number."),
    ] = None,
    seed: Annotated[
        str | None, typer.Option(metavar="S", show_default=False, help="Random seed, not the scenario's.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="At most 200 patients, for a first look.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of the table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show neither progress nor table nor warnings.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute again what is already there.")] = False,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="WHERE", show_default=False, help="Workers: local:N, or a Dask scheduler's address."),
    ] = None,
) -> None:
    """Run a scenario; see `letheon.runs.simulate`."""
    from letheon import scenario as scenarios
    from letheon.scenario.loading import read_text

    text = read_text(scenario)  # read once: an edit during the run shows nowhere
    planned = _planned(scenarios.loads(text, str(scenario)), patients, seed, quick)
    # from here on the folder, which is still checked before anything heavy loads
    from letheon.runs.address import check_cluster
    from letheon.runs.environment import stamp_of
    from letheon.runs.folder import Folder, default_folder

    folder = default_folder(planned) if out is None else out
    if cluster is not None:
        check_cluster(cluster)
    Folder(folder).refuse_another(stamp_of(planned), fresh)
    run = _run(planned, text, folder, quiet=quiet, fresh=fresh, cluster=cluster)
    if as_json:
        if not quiet:
            for warning in run.document["warnings"]:
                tell(f"warning: {warning}")
        write(json.dumps(run.document, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    elif not quiet:
        _show(run, folder)


def _planned(scenario: "Scenario", patients: str | None, seed: str | None, quick: bool) -> "Scenario":
    """Return the scenario as it will run, with what the options change."""
    from letheon.scenario.reading import MAX_PATIENTS, MAX_SEED, QUICK_PATIENTS

    n = scenario.population.n if patients is None else _whole("--patients", patients, 1, MAX_PATIENTS, 1000)
    number = scenario.seed if seed is None else _whole("--seed", seed, 0, MAX_SEED, 1)
    population = replace(scenario.population, n=min(n, QUICK_PATIENTS) if quick else n)
    return replace(scenario, population=population, seed=number)


def _whole(option: str, given: str, low: int, high: int, example: int) -> int:
    # digits are counted first, for converting very long numbers takes long
    if not re.fullmatch(r"[+-]?[0-9]{1,20}", given):
        raise InputError(f"{option} {given[:40]!r} is not a whole number; give e.g. {option} {example}.")
    if not low <= int(given) <= high:
        raise InputError(f"{option} {given} is outside {low} to {high}; give e.g. {option} {example}.")
    return int(given)


def _run(planned: "Scenario", text: str, folder: Path, *, quiet: bool, fresh: bool, cluster: str | None) -> "Run":
    """Run the scenario as the options have changed it, with its report."""
    from letheon.views.progress import Meter

    try:
        with Meter(quiet) as meter:
            from letheon import runs
            from letheon.views import report

            return runs.simulate(
                planned, out=folder, fresh=fresh, progress=meter, cluster=cluster, text=text, page=report.render
            )
    except (KeyboardInterrupt, Interrupted):
        without = ", without --fresh," if fresh else ""
        raise Interrupted(
            f"interrupted; what is finished is kept in {folder}: run the same command{without} with"
            f" --out {folder} to continue."
        ) from None
    except OSError as error:
        raise RunError(
            f"the run stopped ({error.strerror or error}); what is finished is kept in {folder}: run the same"
            f" command with --out {folder} to continue."
        ) from error


def _show(run: "Run", folder: Path) -> None:
    from rich.text import Text

    from letheon.views.tables import show_run

    console = _console()
    with console.capture() as captured:
        show_run(run.document, console)
        if run.reused:
            console.print(Text("This run was finished before; --fresh computes it again."))
        elif run.continued:
            console.print(Text("Continued from what an earlier run had finished."))
        # paths stay in one piece, to be copied
        console.print(Text(f"Run folder: {folder}"), soft_wrap=True)
        console.print(Text(f"Report: {folder / 'report.html'}"), soft_wrap=True)
    write(captured.get())


def _console() -> Any:
    """Return a console on stdout that colours nothing unless a person looks and wants it."""
    from rich.console import Console

    plain = not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR"))
    return Console(
        file=sys.stdout,
        force_terminal=False if plain else None,
        color_system=None if plain else "auto",
        highlight=False,
        markup=False,
        emoji=False,
    )


@app.command(
    short_help="List the sources that a run used.",
    help="List the sources that a run used: citation, DOI, and how the numbers were read.",
    epilog=_epilog("cite"),
)
def cite(
    run: Annotated[Path, typer.Argument(metavar="RUN", show_default=False, help="A run folder.")],
    as_bibtex: Annotated[bool, typer.Option("--bibtex", help="Print BibTeX entries.")] = False,
) -> None:
    """List the sources of a run; see `letheon.views.catalogue.citations`."""
    from letheon.views import catalogue

    document = catalogue.read_document(run)
    write_lines(catalogue.bibtex(document) if as_bibtex else catalogue.citations(document))


@app.command(
    short_help="List models and numbers, with their sources.",
    help="List the models, sections of numbers and studies of the library; with a NAME, show its numbers.",
    epilog=_epilog("library"),
)
def library(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", show_default=False, help="A model, section or study, such as otto2021."),
    ] = None,
) -> None:
    """Show the library; see `letheon.library`."""
    from letheon.views import catalogue

    write_lines(catalogue.contents() if name is None else catalogue.entry(name))


worksheet.register(app, write)
evidence.register(app, write, _Commands)
calibration.register(app, write, tell, _console)
query.register(app, write, tell)
optimise.register(app, write, tell, _console)
explore.register(app, tell)


# --- from the shell, and back to it ---


def _nearest(given: str, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(given.lower(), known, n=1)
    return f"the nearest is {near[0]}" if near else f"choose among {', '.join(known)}"


def _usage_sentence(error: Any) -> str:
    """Turn a usage error into one sentence that says what would work."""
    context = error.ctx
    where = context.command_path if context else "letheon"
    example = f"for example: {EXAMPLES.get(where.removeprefix('letheon '), EXAMPLES['simulate'])}"
    kind = type(error).__name__
    if kind == "NoSuchOption":
        options = [option for parameter in context.command.params for option in parameter.opts if option[:2] == "--"]
        return f"{where} has no option {error.option_name}; {_nearest(error.option_name, [*options, '--help'])}."
    if kind == "MissingParameter":
        return f"{where} needs {error.param.metavar}; {example}"
    message = error.format_message().rstrip(".")
    return f"{message[:1].lower()}{message[1:]}; {example}"


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: Any = None,
) -> None:
    if issubclass(category, LetheonWarning):
        tell(f"warning: {message}")
    elif os.environ.get(_DEBUG):
        tell(f"{category.__name__}: {message} ({filename}:{lineno})")


def _outcome(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; say what went wrong in one sentence."""
    try:
        code = typer.main.get_command(app).main(list(arguments), prog_name="letheon", standalone_mode=False)
        if code == Interrupted.exit_code:
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except LetheonError as error:
        failure, code, sentence = error, error.exit_code, str(error)
    except _UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            tell(f"{error}\n", as_it_is=True)
            return InputError.exit_code
        failure, code, sentence = error, InputError.exit_code, _usage_sentence(error)
    except (typer.Abort, KeyboardInterrupt) as error:
        failure, code = error, Interrupted.exit_code
        sentence = "interrupted; run the same command again to continue."
    except OSError as error:
        failure = failure_of(error)
        code, sentence = failure.exit_code, str(failure)
    except SystemExit as error:  # the command-line library's, when the reader of a help text has gone
        if not isinstance(error.__context__, BrokenPipeError):
            raise
        close_stdout()
        return 0
    except Exception as error:
        failure, code = error, RunError.exit_code
        told = f"{type(error).__name__}: {error}".rstrip(": .")
        sentence = f"something failed that should not ({told}); {_DEBUG}=1 in the environment shows where."
    if os.environ.get(_DEBUG):
        tell("".join(traceback.format_exception(failure)), as_it_is=True)
    tell(sentence)
    return code


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and leave with its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows ``letheon``; by default what the shell gave.

    Raises
    ------
    SystemExit
        Always: 0 done, 1 failed, 2 bad input or output folder, 130 interrupted.

    Examples
    --------
    >>> main(["--version"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    SystemExit: 0
    """
    open_streams()
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        code = _outcome(sys.argv[1:] if arguments is None else arguments)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
