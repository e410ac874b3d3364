"""``letheon simulate``: run every arm of a scenario."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from letheon.views.commands.long_work import Progress, kept_in, stopping_says
from letheon.views.commands.shell import (
    AsJson,
    ScenarioFile,
    Seed,
    flag,
    option,
    save_page,
    show,
    tell,
    whole,
    write_json,
)

if TYPE_CHECKING:
    from letheon.library import Study

_PATIENTS = whole("N", "Virtual patients in each arm, not the scenario's number.", "--patients", "MAX_PATIENTS", 1000)


def simulate(
    scenario: ScenarioFile,
    out: Annotated[Path | None, option("DIR", "Run folder (default: runs/TITLE-HASH).")] = None,
    patients: Annotated[int | None, _PATIENTS] = None,
    seed: Seed = None,
    quick: Annotated[bool, flag("--quick", "At most 200 patients, for a first look.")] = False,
    against: Annotated[str | None, option("ARM", "Compare every other arm with this one, or with placebo.")] = None,
    full: Annotated[bool, flag("--full", "Show every table, note and warning, then the answer.")] = False,
    as_json: AsJson = False,
    quiet: Annotated[bool, flag("--quiet", "Show neither progress nor table nor warnings.")] = False,
    fresh: Annotated[bool, flag("--fresh", "Compute again what is already there.")] = False,
    beside: Annotated[str | None, option("STUDY", "Lay a study over the run: its name, or a file of your own.")] = None,
    cluster: Annotated[str | None, option("WHERE", "Workers: local:N, or a Dask scheduler's address.")] = None,
) -> None:
    """Run every arm of a scenario.

    The answer in a few lines here, and a run folder with Parquet tables and an HTML report. Running it again
    continues what was interrupted, and shows what is finished.

    Example:
      letheon simulate examples/small.yaml --out runs/small
    """
    from letheon.scenario import loads
    from letheon.scenario.comparing import compared_against
    from letheon.scenario.grammar import QUICK_PATIENTS
    from letheon.scenario.loading import read_text

    text = read_text(scenario)  # read once: an edit during the run shows nowhere
    loaded = loads(text, str(scenario))
    n = loaded.population.n if patients is None else patients
    population = replace(loaded.population, n=min(n, QUICK_PATIENTS) if quick else n)
    planned = replace(loaded, population=population, seed=loaded.seed if seed is None else seed)
    planned = planned if against is None else compared_against(planned, against, "--against")
    # from here on the folder, which is still checked before anything heavy loads
    from letheon.runs.address import check_cluster
    from letheon.runs.environment import stamp_of
    from letheon.runs.folder import Folder, default_folder

    folder = default_folder(planned) if out is None else out
    study = None if beside is None else _study(beside)
    if cluster is not None:
        check_cluster(cluster)
    Folder(folder).refuse_another(stamp_of(planned), fresh)
    with stopping_says(kept_in(folder, fresh)), Progress(quiet, "patient courses") as progress:
        from letheon import runs
        from letheon.views.subjects.run import page

        def report(done: int, total: int, what: str) -> None:
            progress(what, done, total)

        run = runs.simulate(planned, out=folder, fresh=fresh, progress=report, cluster=cluster, text=text, page=page)
    if as_json:
        for warning in () if quiet else run.result.warnings:
            tell(f"warning: {warning}")
        write_json(run.document)
    elif not quiet:
        from letheon.views.subjects.brief import brief
        from letheon.views.subjects.run import summary

        again = "This run was finished before; --fresh computes it again."
        earlier = "Continued from what an earlier run had finished."
        lines = [again] if run.reused else [earlier] if run.continued else []
        report_path = folder / "report.html"
        if full:
            show(summary(run.result), "")
        if study is not None:
            from letheon.views.subjects.beside import summary as beside_summary

            show(beside_summary(run.result, study), "")
            report_path = folder / f"report_beside_{study.id}.html"
            save_page(page(run.result, run.text, study), report_path)
        show(brief(run.result), *lines, f"Run folder: {folder}", f"Report: {report_path}")


def _study(name: str) -> "Study":
    """Return a study of the library by its name, or that of a file."""
    from letheon.views.subjects.evidence import study_of

    if not name.endswith(".toml"):
        return study_of(name)
    from letheon.library import read_study

    return read_study(Path(name))[0]
