"""The folder of a search, and the search as it will run: what can be refused before anything heavy loads."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from letheon.errors import InputError
from letheon.files import disk_errors, write
from letheon.runs.environment import stamp_of
from letheon.runs.folder import check_output
from letheon.runs.folder import default_folder as folder_of_run
from letheon.runs.manifest import CHUNKS_KEPT, read_object
from letheon.scenario import Scenario, dumps
from letheon.scenario.search import Search

QUICK_CANDIDATES, QUICK_PATIENTS = 60, 128
EVALUATIONS, RESULT = "evaluations.jsonl", "front.json"
_STAMP = "search.json"
_FORMAT = 1


def resolve(
    scenario: Scenario,
    search: Search,
    candidates: int | None = None,
    patients: int | None = None,
    seed: int | None = None,
    quick: bool = False,
) -> tuple[Scenario, Search]:
    """Return a scenario and its search as they will run."""
    candidates = search.candidates if candidates is None else candidates
    patients = search.patients if patients is None else patients
    if quick:
        candidates, patients = min(candidates, QUICK_CANDIDATES), min(patients, QUICK_PATIENTS)
    population = replace(scenario.population, n=patients)
    resolved = replace(scenario, population=population, seed=scenario.seed if seed is None else seed)
    return resolved, replace(search, candidates=candidates, patients=patients)


def _stamp(scenario: Scenario, search: Search) -> dict[str, object]:
    """Return what tells one search from another; a larger number of candidates continues a smaller one."""
    parts = [search.arm, *((v.path, v.values, v.also) for v in search.variables)]
    parts += [(goal.measure.name, goal.maximise) for goal in search.goals]
    parts += [(limit.measure.name, limit.at_least, limit.at_most) for limit in search.constraints]
    identity = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return {"format": _FORMAT, **stamp_of(scenario), "search": identity}


def default_folder(scenario: Scenario, search: Search) -> Path:
    """Return ``runs/<title>-optimise-<short hash>`` in the working folder."""
    title = folder_of_run(scenario).name.rsplit("-", 1)[0]
    stamp = json.dumps(_stamp(scenario, search), sort_keys=True)
    return Path("runs") / f"{title}-optimise-{hashlib.sha256(stamp.encode()).hexdigest()[:8]}"


def refuse_another(folder: Path, scenario: Scenario, search: Search, fresh: bool) -> bool:
    """Refuse a folder that cannot be used, or that holds something else; say whether it holds this search."""
    note = folder / _STAMP
    if not note.is_file():
        if (folder / "run.json").is_file():
            raise InputError(f"{folder} holds a run of letheon simulate; choose another folder with --out.")
        check_output(folder)
        return False
    stored = read_object(note) or {}
    stamp = _stamp(scenario, search)
    if stored == stamp:
        return True
    if fresh:
        return False
    differs = ", ".join(key for key in stamp if stored.get(key) != stamp[key]) or "its stamp"
    raise InputError(
        f"{folder} holds another search (different {differs}); choose another --out, or --fresh to replace it."
    )


def claim(folder: Path, scenario: Scenario, search: Search, text: str | None) -> None:
    """Make a folder this search's own; the stamp comes last."""
    for name in (EVALUATIONS, RESULT, "candidates.csv", "candidates.parquet", "front.html"):
        (folder / name).unlink(missing_ok=True)
    for file in (folder / "front").glob("*.yaml"):
        file.unlink()
    for name, content in (
        ("scenario.yaml", text if text is not None else dumps(scenario)),
        (_STAMP, json.dumps(_stamp(scenario, search), indent=1) + "\n"),
    ):
        with disk_errors(folder / name, CHUNKS_KEPT):
            folder.mkdir(parents=True, exist_ok=True)
            write(folder / name, content)
