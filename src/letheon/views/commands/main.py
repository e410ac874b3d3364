"""The program: its commands, its exit codes, and the one place where errors become sentences.

Nothing heavy is imported here. A command checks its input first, with what is light, and only then imports
what it needs, so that help and refusals come at once.
"""

import inspect
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NoReturn, cast

import typer
from typer.core import TyperGroup

from letheon._version import __version__
from letheon.definitions import RESEARCH_NOTICE
from letheon.errors import InputError, Interrupted, LetheonError, LetheonWarning, RunError, near_hint
from letheon.views.commands.calibrate import calibrate
from letheon.views.commands.check import check
from letheon.views.commands.explore import explore
from letheon.views.commands.optimise import optimise
from letheon.views.commands.query import query
from letheon.views.commands.reference import add_study, cite, explain, library, list_studies, schema, show_study
from letheon.views.commands.shell import close_stdout, failure_of, open_streams, tell, write
from letheon.views.commands.simulate import simulate
from letheon.views.commands.validate import validate
from letheon.views.commands.worksheet import worksheet

_DEBUG = "LETHEON_DEBUG"
_FUNCTIONS = (simulate, check, cite, library, explain, worksheet, calibrate, validate, query, schema, optimise, explore)
COMMANDS: dict[str, Callable[..., None]] = {function.__name__: function for function in _FUNCTIONS}
EXAMPLES: dict[str, str] = {}
# Typer brings its own copy of Click in some versions and uses the installed one in others; this is either's.
_UsageError = cast(type[Exception], typer.BadParameter.__mro__[1])


class _Commands(TyperGroup):
    """Names the nearest command where the one asked for does not exist."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, or refuse."""
        command = super().get_command(ctx, cmd_name)
        if command is None and not cmd_name.startswith("-"):
            raise InputError(f"there is no command {cmd_name!r}; {near_hint(cmd_name, list(self.commands))}.")
        return command


def _group(name: str, text: str, example: str) -> typer.Typer:
    return typer.Typer(
        name=name,
        cls=_Commands,
        help=text,
        epilog=f"\b\nExample:\n  {example}",
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help"]},
    )


def _documented(thing: Any) -> tuple[str, str]:
    """Return the help in a docstring, one line a paragraph, and the example at its end."""
    text, _, example = (inspect.getdoc(thing) or "").partition("\n\nExample:\n")
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n")), example.strip()


def _add(group: typer.Typer, name: str, function: Callable[..., None], before: str = "") -> None:
    text, EXAMPLES[before + name] = _documented(function)
    epilog = f"\b\nExample:\n  {EXAMPLES[before + name]}"
    group.command(name, short_help=text.split("\n\n")[0], help=text, epilog=epilog)(function)


app = _group(
    "letheon",
    f"Simulates intravenous ketamine for Complex Regional Pain Syndrome.\n\n{RESEARCH_NOTICE}",
    _documented(simulate)[1],
)
for _name, _function in COMMANDS.items():
    _add(app, _name, _function)
EXAMPLES["evidence"] = "letheon evidence show sigtermans2009"
_about = "The evidence library: the studies that Letheon stands on, and what each is used for."
_evidence = _group("evidence", _about, EXAMPLES["evidence"])
_add(_evidence, "list", list_studies, "evidence ")
_add(_evidence, "show", show_study, "evidence ")
_add(_evidence, "add", add_study, "evidence ")
app.add_typer(_evidence, short_help="List studies, show one with its results, or check your own.")


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


def _usage_sentence(error: Any) -> str:
    """Turn a usage error into one sentence that says what would work."""
    context = error.ctx
    where = context.command_path if context else "letheon"
    example = f"for example: {EXAMPLES.get(where.removeprefix('letheon '), EXAMPLES['simulate'])}"
    kind = type(error).__name__
    if kind == "NoSuchOption":
        options = [option for parameter in context.command.params for option in parameter.opts if option[:2] == "--"]
        return f"{where} has no option {error.option_name}; {near_hint(error.option_name, [*options, '--help'])}."
    if kind == "MissingParameter":
        return f"{where} needs {error.param.metavar}; {example}"
    message = error.format_message().rstrip(".")
    return f"{message[:1].lower()}{message[1:]}; {example}"


def _show_warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any) -> None:
    if issubclass(category, LetheonWarning):
        tell(f"warning: {message}")
    elif os.environ.get(_DEBUG):
        tell(f"{category.__name__}: {message} ({filename}:{lineno})")


def _failure(error: BaseException) -> LetheonError:
    """Return what went wrong as one sentence with its exit code."""
    if isinstance(error, LetheonError):
        return error
    if isinstance(error, _UsageError):
        return InputError(_usage_sentence(error))
    if isinstance(error, typer.Abort | KeyboardInterrupt):
        return Interrupted("interrupted; run the same command again to continue.")
    if isinstance(error, OSError):
        return failure_of(error)
    reason = f"{type(error).__name__}: {error}".rstrip(": .")
    return RunError(f"unexpected failure ({reason}); set {_DEBUG}=1 in the environment to see where.")


def _run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; say what went wrong in one sentence."""
    try:
        code = typer.main.get_command(app).main(list(arguments), prog_name="letheon", standalone_mode=False)
        if code == Interrupted.exit_code:
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except SystemExit as error:  # the command-line library's, when the reader of a help text has gone
        if not isinstance(error.__context__, BrokenPipeError):
            raise
        close_stdout()
        return 0
    except (Exception, KeyboardInterrupt) as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            tell(f"{error}\n", verbatim=True)
            return InputError.exit_code
        failure = _failure(error)
        if os.environ.get(_DEBUG):
            tell("".join(traceback.format_exception(error)), verbatim=True)
        tell(str(failure))
        return failure.exit_code


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program on what follows ``letheon`` (by default, in the shell) and leave with its exit code.

    The codes are 0 done, 1 failed, 2 bad input or output folder, 130 interrupted.
    """
    open_streams()
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        code = _run(sys.argv[1:] if arguments is None else arguments)
    raise SystemExit(code)
