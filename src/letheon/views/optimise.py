"""``letheon optimise``: search for regimens that no other beats, and show them beside published ones."""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from letheon.definitions import SEARCH_NOTICE
from letheon.errors import InputError, Interrupted
from letheon.extras import require
from letheon.files import disk_errors, write

if TYPE_CHECKING:
    from letheon.scenario import Scenario
    from letheon.scenario.search import Search
    from letheon.study.optimise import Optimisation

__all__ = ["EXAMPLES", "register"]

EXAMPLES = {"optimise": "letheon optimise examples/optimise_100h.yaml --quick --out runs/100h"}
_PAGE = "front.html"
_PATIENCE_S = 60.0  # a batch of regimens, on a slow machine
_MAX_CANDIDATES, _MAX_PATIENTS, _MAX_SEED = 100_000, 100_000, 2**63 - 1
Tell = Callable[[str], None]


def register(app: typer.Typer, write: Callable[..., None], tell: Tell, console: Callable[[], Any]) -> None:
    """Add the command to the program.

    Parameters
    ----------
    app : typer.Typer
        The program.
    write : callable
        Writes a text to stdout; takes `encoding` too.
    tell : callable
        Writes a sentence to the error stream.
    console : callable
        Returns a console on stdout.
    """

    @app.command(
        short_help="Search for better regimens.",
        help="Search for the regimens that no other beats in all goals, as the block optimise of a scenario asks, and "
        f"show them beside published regimens. {SEARCH_NOTICE}\n\nRunning it again continues what was interrupted, and "
        "shows what is finished; with more candidates it goes on.",
        epilog=f"\b\nExample:\n  {EXAMPLES['optimise']}",
    )
    def optimise(
        scenario: Annotated[
            Path, typer.Argument(metavar="SCENARIO", show_default=False, help="A scenario file (YAML).")
        ],
        out: Annotated[
            Path | None,
            typer.Option(metavar="DIR", show_default=False, help="Folder (default: runs/TITLE-optimise-HASH)."),
        ] = None,
        candidates: Annotated[
            str | None,
            typer.Option(metavar="N", show_default=False, help="Regimens to simulate, not the scenario's number."),
        ] = None,
        patients: Annotated[
            str | None,
            typer.Option(metavar="N", show_default=False, help="Virtual patients for each, not the scenario's number."),
        ] = None,
        seed: Annotated[
            str | None, typer.Option(metavar="S", show_default=False, help="Random seed, not the scenario's.")
        ] = None,
        quick: Annotated[bool, typer.Option("--quick", help="Few regimens and patients, for a first look.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of the tables.")] = False,
        quiet: Annotated[bool, typer.Option("--quiet", help="Show neither progress nor tables.")] = False,
        fresh: Annotated[bool, typer.Option("--fresh", help="Search again what is already there.")] = False,
    ) -> None:
        from letheon import scenario as scenarios

        found = scenarios.load_search(scenario)
        # from here on the folder, which is still checked before anything heavy loads
        from letheon.study import optimise_folder as folders

        resolved, search = folders.resolve(
            *found,
            _whole("--candidates", candidates, 1, _MAX_CANDIDATES, 400),
            _whole("--patients", patients, 1, _MAX_PATIENTS, 512),
            _whole("--seed", seed, 0, _MAX_SEED, 1),
            quick,
        )
        folder = folders.default_folder(resolved, search) if out is None else out
        folders.refuse_another(folder, resolved, search, fresh)
        require("optimise")
        made = _optimised(scenario, resolved, search, folder, fresh, quiet, tell)
        page = _page(made, folder)
        if as_json:
            write(json.dumps(made.document, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
        elif not quiet:
            write(_shown(console(), made, page))


def _whole(option: str, given: str | None, low: int, high: int, example: int) -> int | None:
    if given is None:
        return None
    # digits are counted first, for converting very long numbers takes long
    if not re.fullmatch(r"\+?[0-9]{1,20}", given) or not low <= int(given) <= high:
        raise InputError(
            f"{option} {given[:40]!r} is no whole number from {low} to {high}; give e.g. {option} {example}."
        )
    return int(given)


def _optimised(
    path: Path, scenario: "Scenario", search: "Search", folder: Path, fresh: bool, quiet: bool, tell: Tell
) -> "Optimisation":
    """Search, with progress; Ctrl-C is heard between two batches, and what is simulated is kept."""
    from letheon.views import interruption
    from letheon.views.progress import Stages

    words = _last_words(folder, fresh)
    kept = "what is simulated is kept there: make room and run the same command to go on."
    try:
        with disk_errors(folder, kept), Stages(stream=io.StringIO() if quiet else None) as stages:
            stages("loading", 0, 1)
            from letheon.study.optimise import optimise

            def work(progress: Callable[[str, int, int], None]) -> "Optimisation":
                return optimise(
                    path,
                    out=folder,
                    candidates=search.candidates,
                    patients=search.patients,
                    seed=scenario.seed,
                    fresh=fresh,
                    progress=progress,
                )

            return interruption.interruptible(work, stages, tell, words, _PATIENCE_S)
    except interruption.Stuck as error:
        tell(str(error))
        interruption.leave(Interrupted.exit_code)
    except KeyboardInterrupt:
        raise Interrupted(words) from None


def _last_words(folder: Path, fresh: bool) -> str:
    without = ", without --fresh," if fresh else ""
    kept = f"interrupted; what is simulated is kept in {folder}"
    return f"{kept}: run the same command{without} with --out {folder} to go on."


def _page(made: "Optimisation", folder: Path) -> Path:
    """Write the page, unless a finished search has it already."""
    from letheon.views.report import optimise

    path = folder / _PAGE
    if made.reused and path.is_file():
        return path
    with disk_errors(path, "the search itself is finished: make room and run the same command again."):
        write(path, optimise.render(made.document, made.table or _rows(folder, made.document)))
    return path


def _rows(folder: Path, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Read the table of a finished search back."""
    words = {"kind", "name", "drug", *(variable["path"] for variable in document["variables"])}
    with (folder / "candidates.csv").open(encoding="utf-8", newline="") as stream:
        return [
            {name: text if name in words else _number(text) for name, text in row.items()}
            for row in csv.DictReader(stream)
        ]


def _number(text: str) -> float | bool | None:
    return {"True": True, "False": False, "": None}[text] if text in {"True", "False", ""} else float(text)


def _shown(console: Any, made: "Optimisation", page: Path) -> str:
    from rich.text import Text

    from letheon.views.optimise_tables import show_search

    with console.capture() as captured:
        show_search(made.document, console)
        if made.reused:
            console.print(Text("This search was finished before; --fresh searches again, more --candidates go on."))
        elif made.continued:
            console.print(Text("Continued from what an earlier search had simulated."))
        # paths stay in one piece, to be copied
        console.print(Text(f"Folder: {made.folder}"), soft_wrap=True)
        if made.front and made.folder is not None:
            first: Sequence[str] = sorted(made.front)
            console.print(Text(f"Run one again: letheon simulate {made.folder / 'front' / first[0]}"), soft_wrap=True)
        console.print(Text(f"Page: {page}"), soft_wrap=True)
    return captured.get()
