"""One run: from a scenario to its result document, in memory or in a folder."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from letheon import scenario as scenarios
from letheon.pipeline import document, plan_arms
from letheon.runs.address import check_cluster
from letheon.runs.cluster import crew_of
from letheon.runs.engine import repair, run_arms
from letheon.runs.environment import stamp_of, use_compile_cache
from letheon.runs.folder import Folder, written
from letheon.runs.lock import locked
from letheon.runs.store import write_profiles
from letheon.scenario import Scenario
from letheon.scenario.reading import QUICK_PATIENTS

__all__ = ["Run", "simulate"]

Progress = Callable[[int, int, str], None]
_IN_MEMORY = 200_000  # patient courses of a run without a folder whose endpoints may stay in memory


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run.

    Attributes
    ----------
    folder : Path or None
        Where it lies; None if nothing was written.
    document : dict
        The result document.
    scenario : Scenario
        The scenario as it ran.
    continued : bool
        Whether finished chunks of an earlier, interrupted run were used.
    reused : bool
        Whether the whole run was there already.
    """

    folder: Path | None
    document: dict
    scenario: Scenario
    continued: bool = False
    reused: bool = False


def _resolve(given, patients: int | None, seed: int | None, quick: bool) -> tuple[Scenario, str]:
    if isinstance(given, Scenario):
        scenario, text = given, scenarios.dumps(given)
    else:
        scenario, text = scenarios.load(given), Path(given).read_text(encoding="utf-8-sig")
    population = scenario.population
    if patients is not None:
        population = replace(population, n=patients)
    if quick:
        population = replace(population, n=min(population.n, QUICK_PATIENTS))
    scenario = replace(scenario, population=population, seed=scenario.seed if seed is None else seed)
    return scenario, text


def simulate(
    scenario: Scenario | str | Path,
    *,
    out: Path | None = None,
    patients: int | None = None,
    seed: int | None = None,
    quick: bool = False,
    fresh: bool = False,
    progress: Progress | None = None,
    cluster: str | None = None,
) -> Run:
    """Simulate every arm of a scenario.

    Parameters
    ----------
    scenario : Scenario or path
        What to simulate.
    out : Path, optional
        Run folder; without it nothing is written.
    patients : int, optional
        Number of virtual patients, instead of the scenario's.
    seed : int, optional
        Seed, instead of the scenario's.
    quick : bool
        At most 200 patients.
    fresh : bool
        Compute again even if the folder holds this run.
    progress : callable, optional
        Called with patients done, patients in all, and the arm's name.
    cluster : str, optional
        Where to compute: ``local:N`` for N worker processes on this machine, or the address of a Dask scheduler
        (``tcp://127.0.0.1:8786``, ``tls://…``). By default the threads of this process. The result is the same.

    Returns
    -------
    Run
        The result document, and where it lies.

    Raises
    ------
    InputError
        If the scenario or the folder cannot be used.
    RunError
        If the disk fills up or all workers are lost; `Interrupted` on Ctrl-C. Finished chunks are kept.

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
    >>> sorted(run.document["arms"])
    ['ketamine']
    """
    resolved, text = _resolve(scenario, patients, seed, quick)
    if cluster is not None:
        check_cluster(cluster)
    if out is not None:
        folder = Folder(out)
        folder.refuse_another(stamp_of(resolved), fresh)
        with locked(folder.path):
            return _in_folder(resolved, text, folder, fresh, progress, cluster)
    if resolved.population.n * len(resolved.arms) <= _IN_MEMORY:
        return Run(None, _computed(resolved, None, progress, cluster), resolved)
    with tempfile.TemporaryDirectory() as place:  # endpoints of so many patients do not stay in memory
        return Run(None, _computed(resolved, Folder(Path(place)), progress, cluster), resolved)


def _in_folder(
    scenario: Scenario, text: str, folder: Folder, fresh: bool, progress: Progress | None, cluster: str | None
) -> Run:
    continued = folder.claim(stamp_of(scenario), scenario, text, fresh)
    if continued and folder.finished:
        folder.forget_partials()  # a kill may have come just before
        use_compile_cache()
        repaired = repair(scenario, folder, progress)
        finished = json.loads(folder.result.read_text(encoding="utf-8"))
        return Run(folder.path, finished, scenario, continued=repaired > 0, reused=repaired == 0)
    folder.result.unlink(missing_ok=True)
    result = _computed(scenario, folder, progress, cluster)
    write_profiles(folder, result)
    with written(folder.result) as file:
        file.write_text(json.dumps(result, ensure_ascii=False) + "\n", encoding="utf-8")
    folder.finish()
    return Run(folder.path, result, scenario, continued=continued)


def _computed(scenario: Scenario, folder: Folder | None, progress: Progress | None, cluster: str | None) -> dict:
    use_compile_cache()
    plans = plan_arms(scenario)
    if cluster is None:
        return document(scenario, run_arms(scenario, plans, folder, progress))
    with crew_of(cluster, scenario) as crew:
        totals = run_arms(scenario, plans, folder, progress, crew)
    return document(scenario, totals)
