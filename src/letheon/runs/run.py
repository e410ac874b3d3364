"""One run: from a scenario to its result document, in memory or in a folder."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from letheon import scenario as scenarios
from letheon.pipeline import document, plan_arms
from letheon.runs.engine import run_arms
from letheon.runs.environment import stamp_of, use_compile_cache
from letheon.runs.folder import Folder, written
from letheon.runs.store import write_profiles
from letheon.scenario import Scenario
from letheon.scenario.reading import QUICK_PATIENTS

__all__ = ["Run", "simulate"]


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
        Whether finished blocks of an earlier, interrupted run were used.
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
    progress: Callable[[int, int, str], None] | None = None,
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

    Returns
    -------
    Run
        The result document, and where it lies.

    Raises
    ------
    InputError
        If the scenario or the folder cannot be used.
    RunError
        If the disk fills up; `Interrupted` on Ctrl-C. Finished blocks are kept.

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
    folder, continued = None, False
    if out is not None:
        folder = Folder(out)
        continued = folder.claim(stamp_of(resolved), resolved, text, fresh)
        if continued and folder.result.is_file():
            finished = json.loads(folder.result.read_text(encoding="utf-8"))
            return Run(folder.path, finished, resolved, reused=True)
    use_compile_cache()
    totals = run_arms(resolved, plan_arms(resolved), folder, progress)
    result = document(resolved, totals)
    if folder:
        write_profiles(folder, result)
        with written(folder.result) as file:
            file.write_text(json.dumps(result, ensure_ascii=False) + "\n", encoding="utf-8")
        folder.forget_partials()
    return Run(folder.path if folder else None, result, resolved, continued=continued)
