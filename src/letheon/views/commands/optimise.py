"""``letheon optimise``: search for regimens that no other beats, and show them beside published ones."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from letheon.extras import require
from letheon.views.commands.long_work import Progress, interruptible, kept_in, stopping_says
from letheon.views.commands.shell import AsJson, ScenarioFile, Seed, flag, option, save_page, show, tell, whole, write
from letheon.views.document.numbers import count, wait

if TYPE_CHECKING:
    from letheon.study.optimise.document import SearchReport
    from letheon.study.optimise.search import Outlook

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
    from letheon.study.optimise import folder as folders

    resolved, search = folders.resolve(*loaded, candidates, patients, seed, quick)
    folder = folders.default_folder(resolved, search) if out is None else out
    folders.refuse_another(folder, resolved, search, fresh)
    require("optimise")
    with stopping_says(kept_in(folder, fresh)), Progress(quiet) as progress:
        progress("loading", 0, 1)
        from letheon.study.optimise import search as searching

        if not (quiet or as_json):
            tell(f"{_ahead(searching.outlook(resolved, search), search.patients)}")
        candidates, patients, seed = search.candidates, search.patients, resolved.seed
        work = partial(searching.optimise, scenario, out=folder, candidates=candidates, patients=patients)
        work = partial(work, first=None if quiet or as_json else _show_first)
        result = interruptible(lambda report: work(seed=seed, fresh=fresh, progress=report), progress, _PATIENCE_S)
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
        from letheon.views.subjects.optimisation import summary

        again = "This search was finished before; --fresh searches again, more --candidates go on."
        earlier = "Continued from what an earlier search had simulated."
        lines = [again] if result.reused else [earlier] if result.continued else []
        lines.append(f"Folder: {result.folder}")
        if result.front:
            lines.append(f"Run one again: letheon simulate {folder / 'front' / min(result.front)}")
        show(summary(result.document), *lines, f"Page: {page}")


def _ahead(outlook: "Outlook", patients: int) -> str:
    """Say how much will be simulated, in which order, and about how long that takes."""
    return (
        f"{count(outlook.arms, 'arm')} of the scenario, up to {count(outlook.candidates, 'candidate')} and "
        f"{count(outlook.published, 'published regimen')}, in {count(patients, 'patient')} each: about "
        f"{wait(outlook.seconds)} in all. The candidates are answered for first."
    )


def _show_first(answer: "SearchReport") -> None:
    """Show what is known before the published regimens are."""
    from letheon.views.subjects.optimisation import summary

    show(summary(answer), "Published regimens come next, in the same patients; Ctrl-C keeps what is above.")
