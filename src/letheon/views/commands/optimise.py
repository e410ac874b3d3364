"""``letheon optimise``: search for regimens that no other beats, and show them beside published ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from letheon.extras import require
from letheon.views.commands.interruption import interruptible, kept_in, stopping_says
from letheon.views.commands.options import AsJson, ScenarioFile, Seed, flag, option, whole
from letheon.views.commands.output import save_page, show, write
from letheon.views.commands.progress import Progress

if TYPE_CHECKING:
    from letheon.scenario import Scenario
    from letheon.scenario.search import Search
    from letheon.study.optimise.search import Optimisation

_PAGE = "front.html"
_PATIENCE_S = 60.0  # a batch of regimens, on a slow machine
_CANDIDATES = whole("N", "Regimens to simulate, not the scenario's number.", "--candidates", "MAX_CANDIDATES", 400)
_PATIENTS = whole(
    "N", "Virtual patients for each, not the scenario's number.", "--patients", "MAX_SEARCH_PATIENTS", 512
)


def optimise(
    scenario: ScenarioFile,
    out: Annotated[Path | None, option("DIR", "Folder (default: runs/TITLE-optimise-HASH).")] = None,
    candidates: Annotated[int | None, _CANDIDATES] = None,
    patients: Annotated[int | None, _PATIENTS] = None,
    seed: Seed = None,
    quick: Annotated[bool, flag("--quick", "Few regimens and patients, for a first look.")] = False,
    as_json: AsJson = False,
    quiet: Annotated[bool, flag("--quiet", "Show neither progress nor tables.")] = False,
    fresh: Annotated[bool, flag("--fresh", "Search again what is already there.")] = False,
) -> None:
    """Search for better regimens.

    Finds the regimens that no other beats in all goals, as the block optimise of a scenario asks, and shows them
    beside published regimens. It designs studies, not treatments: research and education only, no advice about a
    person.

    Running it again continues what was interrupted, and shows what is finished; with more candidates it goes on.

    Example:
      letheon optimise examples/optimise_100h.yaml --quick --out runs/100h
    """
    from letheon import scenario as scenarios

    loaded = scenarios.load_search(scenario)
    # from here on the folder, which is still checked before anything heavy loads
    from letheon.study.optimise import folder as folders

    resolved, search = folders.resolve(*loaded, candidates, patients, seed, quick)
    folder = folders.default_folder(resolved, search) if out is None else out
    folders.refuse_another(folder, resolved, search, fresh)
    require("optimise")
    result = _search(scenario, resolved, search, folder, fresh, quiet)
    page = folder / _PAGE
    if not (result.reused and page.is_file()):
        from letheon.study.optimise.document import other_candidates
        from letheon.views.document import html
        from letheon.views.subjects.optimisation import document

        save_page(html.render(document(result.document, other_candidates(folder, result.document))), page)
    if as_json:
        from letheon.study.records import encode

        write(encode(result.document), encoding="utf-8")
    elif not quiet:
        _show(result, folder)


def _search(
    path: Path, scenario: "Scenario", search: "Search", folder: Path, fresh: bool, quiet: bool
) -> "Optimisation":
    """Search, with progress; Ctrl-C is heard between two batches, and what is simulated is kept."""
    with stopping_says(kept_in(folder, fresh)), Progress(quiet) as progress:
        progress("loading", 0, 1)
        from letheon.study.optimise.search import optimise

        return interruptible(
            lambda report: optimise(
                path,
                out=folder,
                candidates=search.candidates,
                patients=search.patients,
                seed=scenario.seed,
                fresh=fresh,
                progress=report,
            ),
            progress,
            _PATIENCE_S,
        )


def _show(result: "Optimisation", folder: Path) -> None:
    from letheon.views.subjects.optimisation import summary

    lines: list[str] = []
    if result.reused:
        lines = ["This search was finished before; --fresh searches again, more --candidates go on."]
    elif result.continued:
        lines = ["Continued from what an earlier search had simulated."]
    lines.append(f"Folder: {result.folder}")
    if result.front:
        lines.append(f"Run one again: letheon simulate {folder / 'front' / min(result.front)}")
    show(summary(result.document), *lines, f"Page: {folder / _PAGE}")
