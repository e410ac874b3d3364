"""One run: from a scenario to its result document, in memory or in a folder."""

import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from letheon.errors import RunError
from letheon.files import locked
from letheon.pipeline import plan_arms
from letheon.pipeline.result import RunResult, decode, document_of, encode
from letheon.pipeline.summary import run_result
from letheon.runs.address import check_cluster
from letheon.runs.cluster import cluster_executor
from letheon.runs.engine import Progress, repair, run_arms
from letheon.runs.environment import stamp_of, use_compile_cache
from letheon.runs.folder import Folder
from letheon.runs.store import write_profiles
from letheon.scenario import Scenario, dumps, loads
from letheon.scenario.comparing import compared_against
from letheon.scenario.grammar import QUICK_PATIENTS
from letheon.scenario.loading import read_text

__all__ = ["Run", "simulate"]

Page = Callable[[RunResult, str], str]
_IN_MEMORY = 200_000  # patient courses of a run without a folder whose endpoints may stay in memory


@dataclass(frozen=True)
class Run:
    """A finished run."""

    folder: Path | None  # where it lies; None if nothing was written
    result: RunResult
    scenario: Scenario  # as it ran
    text: str  # the scenario's text, as it was read before the run
    continued: bool = False  # whether finished chunks of an earlier, interrupted run were used
    reused: bool = False  # whether the whole run was there already

    @cached_property
    def document(self) -> dict[str, Any]:
        """The result as plain data, as ``result.json`` holds it."""
        return document_of(self.result)


def _resolve(
    source: Scenario | str | Path, patients: int | None, seed: int | None, quick: bool, against: str | None
) -> tuple[Scenario, str | None]:
    """Return the scenario as it will run and its text, which is read once; None where there is none."""
    scenario, text = source, None
    if not isinstance(scenario, Scenario):
        text = read_text(scenario)
        scenario = loads(text, str(source))
    population = scenario.population
    if patients is not None:
        population = replace(population, n=patients)
    if quick:
        population = replace(population, n=min(population.n, QUICK_PATIENTS))
    scenario = replace(scenario, population=population, seed=scenario.seed if seed is None else seed)
    return scenario if against is None else compared_against(scenario, against), text


def simulate(
    scenario: Scenario | str | Path,
    *,
    out: Path | None = None,
    patients: int | None = None,
    seed: int | None = None,
    quick: bool = False,
    against: str | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
    cluster: str | None = None,
    text: str | None = None,
    page: Page | None = None,
) -> Run:
    """Simulate every arm of a scenario.

    Parameters
    ----------
    scenario : Scenario or path
        What to simulate.
    out : Path, optional
        Run folder; if omitted, nothing is written.
    patients : int, optional
        Number of virtual patients per arm, instead of the scenario's.
    seed : int, optional
        Seed, instead of the scenario's.
    quick : bool
        Simulate at most 200 patients per arm.
    against : str, optional
        The arm that every other one is compared with, instead of the scenario's; ``placebo`` for the placebo arm like
        each.
    fresh : bool
        Compute again even if the folder holds this run.
    progress : callable, optional
        Called with the number of patients done, the total number, and the name of the arm.
    cluster : str, optional
        Where to compute: ``local:N`` for N worker processes on this machine, or the address of a Dask scheduler
        (``tcp://127.0.0.1:8786``, ``tls://…``). By default the threads of this process. The result is the same.
    text : str, optional
        The text that the scenario was read from, to be stored in the folder.
    page : callable, optional
        Builds the report from the result and the scenario's text. The report is stored in the folder, and built again
        if it is missing or damaged.

    Returns
    -------
    Run
        The result, and its folder.

    Raises
    ------
    InputError
        If the scenario or the folder cannot be used.
    RunError
        If the disk is full or all workers are lost; `Interrupted` on Ctrl-C. Finished chunks are kept.

    Examples
    --------
    >>> from letheon.scenario import loads
    >>> run = simulate(loads('''
    ... letheon: 1
    ... title: one infusion
    ... population: {n: 8}
    ... follow_up: 7 days
    ... arms:
    ...   ketamine: {drug: racemic, sessions: [{at: day 1, dose: 0.5 mg/kg, for: 40 min}]}
    ... '''))
    >>> sorted(run.result.arms)
    ['ketamine']
    """
    resolved, own = _resolve(scenario, patients, seed, quick, against)
    text = own if text is None else text
    if cluster is not None:
        check_cluster(cluster)
    if out is not None:
        folder = Folder(out)
        folder.refuse_another(stamp_of(resolved), fresh)
        with locked(folder.path):
            return _in_folder(resolved, text, folder, fresh, progress, cluster, page)
    return _without_folder(resolved, dumps(resolved) if text is None else text, progress, cluster)


def _without_folder(scenario: Scenario, text: str, progress: Progress | None, cluster: str | None) -> Run:
    if scenario.population.n * len(scenario.arms) <= _IN_MEMORY:
        return Run(None, _computed(scenario, None, progress, cluster), scenario, text)
    with tempfile.TemporaryDirectory() as place:  # endpoints of so many patients do not stay in memory
        return Run(None, _computed(scenario, Folder(Path(place)), progress, cluster), scenario, text)


def _in_folder(
    scenario: Scenario,
    text: str | None,
    folder: Folder,
    fresh: bool,
    progress: Progress | None,
    cluster: str | None,
    page: Page | None,
) -> Run:
    try:
        same, text = folder.claim(stamp_of(scenario), scenario, text, fresh)
        if same and folder.finished(scenario):
            run = _whole(scenario, text, folder, progress)
        else:
            run = Run(folder.path, _finished(scenario, folder, progress, cluster), scenario, text, continued=same)
        if page is not None and not folder.manifest.intact("", "report", 0):
            folder.manifest.add("", "report", 0, folder.write(folder.report, page(run.result, text).encode()))
    except OSError as error:
        raise RunError(
            f"the run stopped ({error.filename or folder.path}: {error.strerror or error}); what is finished is kept:"
            " run the same command again to continue."
        ) from error
    return run


def _whole(scenario: Scenario, text: str, folder: Folder, progress: Progress | None) -> Run:
    """Return a run that is finished, with what is damaged of it computed again."""
    folder.forget_partials()  # a kill may have come just before
    use_compile_cache()
    repaired = repair(scenario, folder, progress)
    result = decode(folder.result.read_bytes(), str(folder.result))
    return Run(folder.path, result, scenario, text, continued=repaired > 0, reused=repaired == 0)


def _finished(scenario: Scenario, folder: Folder, progress: Progress | None, cluster: str | None) -> RunResult:
    """Compute what is missing of a run, and write its result."""
    folder.result.unlink(missing_ok=True)
    result = _computed(scenario, folder, progress, cluster)
    files = write_profiles(folder, result) | folder.write(folder.result, encode(result))
    folder.finish(scenario, files)
    return result


def _computed(scenario: Scenario, folder: Folder | None, progress: Progress | None, cluster: str | None) -> RunResult:
    use_compile_cache()
    plans = plan_arms(scenario)
    with nullcontext() if cluster is None else cluster_executor(cluster, scenario) as executor:
        return run_result(scenario, run_arms(scenario, plans, folder, progress, executor))
