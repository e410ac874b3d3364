"""A search for better regimens: candidates from the scenario's block `optimise`, their front, and published regimens.

Every candidate runs through the one pipeline with the same people, flares, diaries and draws of the parameters, so
two of them differ by what is given and by nothing else. It designs studies, not treatments.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from letheon import library
from letheon.definitions import SEARCH_NOTICE
from letheon.errors import InputError
from letheon.files import disk_errors, write
from letheon.pipeline.models import chosen_models
from letheon.runs.environment import use_compile_cache
from letheon.runs.manifest import CHUNKS_KEPT
from letheon.scenario import Arm, Scenario, dumps
from letheon.scenario.loading import loads_search, read_text
from letheon.scenario.search import Search
from letheon.study.optimise.document import SearchReport
from letheon.study.optimise.evaluation import Bench, Found, Kept
from letheon.study.optimise.folder import EVALUATIONS, RESULT, claim, refuse_another, resolve
from letheon.study.optimise.lattice import Numbers, Worth, explore
from letheon.study.optimise.report import Entry, Limit, limits_of, report_of, write_tables
from letheon.study.records import decode, encode
from letheon.study.regimens import study_scenario

__all__ = ["Optimisation", "optimise"]

_BATCH = 8  # regimens between two looks at the clock: a few seconds
_SHOWN = ("relief_days", "rival_relief_days", "remission", "dose_mg", "hours", "dosing_days", "psychedelic_load")
_CORNERS = 64
_TITLE = 200

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Optimisation:
    """A finished search."""

    document: SearchReport
    table: list[dict]  # a row for every regimen that was simulated
    front: dict[str, str]  # scenario files of the front, by file name
    folder: Path | None = None  # where all of it lies; None if nothing was written
    continued: bool = False  # whether an earlier, interrupted search was continued
    reused: bool = False  # whether it was finished before


def optimise(
    problem: tuple[Scenario, Search] | str | Path,
    *,
    out: Path | None = None,
    candidates: int | None = None,
    patients: int | None = None,
    seed: int | None = None,
    quick: bool = False,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Optimisation:
    """Search for the regimens that no other beats in all goals.

    Parameters
    ----------
    problem : tuple or path
        A scenario and its search, or a scenario file with a block `optimise`.
    out : Path, optional
        Folder of the search; without it nothing is written.
    candidates, patients, seed : int, optional
        Regimens to simulate, virtual patients for each, and seed, instead of the scenario's.
    quick : bool
        A first look, with few of both.
    fresh : bool
        Search again even if the folder holds this search.
    progress : callable, optional
        Called with what is done, how many are done, and how many there are.

    Returns
    -------
    Optimisation
        The front, and all regimens that were simulated.

    Raises
    ------
    InputError
        If the scenario or the folder cannot be used.
    RunError
        If the disk fills up. What was simulated is kept.

    Examples
    --------
    >>> from letheon.scenario import loads_search
    >>> found = optimise(loads_search('''
    ... letheon: 1
    ... title: how long
    ... follow_up: 1 day
    ... arms: {drip: {drug: racemic, sessions: [{at: 0 h, rate: 20 mg/h, for: 1 h}]}}
    ... optimise:
    ...   arm: drip
    ...   vary: {sessions.1.for: {choose: [1 h, 4 h]}}
    ...   minimise: [nrs_day_1, dose_mg]
    ...   budget: {candidates: 2, patients: 64}
    ... '''))
    >>> [entry.values["sessions.1.for"] for entry in found.document.front]
    ['4 h', '1 h']
    """
    text = None
    if not isinstance(problem, tuple):
        text = read_text(problem)
        problem = loads_search(text, str(problem))
    resolved, search = resolve(*problem, candidates, patients, seed, quick)
    continued = False
    if out is not None:
        continued = refuse_another(out, resolved, search, fresh) and not fresh
        if continued and (found := _finished(out, search)) is not None:
            return found
        if not continued:
            claim(out, resolved, search, text)
    use_compile_cache()
    kept = Kept(out / EVALUATIONS if out is not None else None)
    made = _Session(resolved, search, kept, progress or (lambda what, done, total: None)).run()
    if out is not None:
        _write(out, made)
    return replace(made, folder=out, continued=continued)


def _finished(folder: Path, search: Search) -> Optimisation | None:
    """Return a search that is finished with this budget."""
    try:
        document = decode((folder / RESULT).read_bytes(), SearchReport, RESULT)
    except (OSError, InputError):
        return None
    files = {file.name: file.read_text(encoding="utf-8") for file in sorted((folder / "front").glob("*.yaml"))}
    whole = len(files) == len(document.front) and (folder / "candidates.csv").is_file()
    if document.budget.candidates != search.candidates or not whole:
        return None
    return Optimisation(document, [], files, folder, reused=True)


def _write(folder: Path, made: Optimisation) -> None:
    """Write what was found; the document comes last, and says that all is there."""
    front = folder / "front"
    (folder / RESULT).unlink(missing_ok=True)
    for file in front.glob("*.yaml"):
        file.unlink()
    with disk_errors(folder, CHUNKS_KEPT):
        front.mkdir(parents=True, exist_ok=True)
        for name, text in made.front.items():
            write(front / name, text)
        write_tables(made.table, folder)
        write(folder / RESULT, encode(made.document))


class _Session:
    """One search from its first regimen to its documents."""

    def __init__(self, scenario: Scenario, search: Search, kept: Kept, progress: Progress) -> None:
        self.search, self.kept, self.progress = search, kept, progress
        self.published, self.skipped = _published(scenario)
        self.scenario = scenario = _with_one_model(scenario, search, self.published.values())
        asked = [goal.measure.name for goal in search.goals] + [limit.measure.name for limit in search.constraints]
        self.bench = Bench(scenario, (*asked, *_SHOWN))
        self.arms: dict[Numbers, Arm | None] = {}
        self.limits: list[Limit] = []
        self.judged = 0

    def run(self) -> Optimisation:
        """Simulate published regimens, then candidates; return what was found."""
        search, published, skipped = self.search, self.published, self.skipped
        self.bench.make_room([*published.values(), *self._corners()])
        own = {name: arm for name, arm in published.items() if _kind(name) != "study"}
        self._find(own, "published regimens", len(published), 0, len(own))  # a placebo beside what it is like
        named = {name.split(":", 1)[1]: self.kept.found[name] for name in own}
        self.limits = limits_of(search, named)
        self._find(published, "published regimens", len(published), 0)
        written = search.as_written()
        found = explore(
            [len(variable.values) for variable in search.variables],
            self._judge,
            search.candidates,
            self.scenario.seed,
            [written] if written is not None else [],
            self._possible,
        )
        entries = [self._entry("candidate", _name(numbers), numbers) for numbers in found]
        others = [self._entry(_kind(name), name, (), arm) for name, arm in published.items()]
        document, ordered, table = report_of(self.scenario, search, self.limits, entries, others, skipped)
        files = {f"{place:02d}.yaml": self._file(entry, place) for place, entry in enumerate(ordered, start=1)}
        return Optimisation(document, table, files)

    def _corners(self) -> list[Arm]:
        """Return arms at the ends of the ranges, the longest among them."""
        tops = [len(variable.values) - 1 for variable in self.search.variables]
        arms = []
        for pattern in range(min(2 ** len(tops), _CORNERS)):
            numbers = tuple(0 if pattern >> place & 1 else top for place, top in enumerate(tops))
            if (arm := self._arm(numbers)) is not None:
                arms.append(arm)
        return arms

    def _arm(self, numbers: Numbers) -> Arm | None:
        """Return a candidate's arm; None where the reader refuses it, say because it outlasts the follow-up."""
        if numbers not in self.arms:
            try:
                self.arms[numbers] = self.search.candidate(numbers).arms[0]
            except InputError:
                self.arms[numbers] = None
        return self.arms[numbers]

    def _possible(self, numbers: Numbers) -> bool:
        return self._arm(numbers) is not None

    def _judge(self, asked: list[Numbers]) -> list[Worth]:
        arms = {_name(numbers): arm for numbers in asked if (arm := self._arm(numbers)) is not None}
        self._find(arms, "candidates", self.search.candidates, self.judged)
        self.judged += len(arms)
        return [self._worth(name) for name in arms]

    def _find(self, arms: Mapping[str, Arm], what: str, total: int, before: int, size: int = _BATCH) -> None:
        """Simulate what is not known yet, a batch at a time, and keep it."""
        missing = [name for name in arms if name not in self.kept.found]
        done = before + len(arms) - len(missing)
        self.progress(what, done, max(total, 1))
        for first in range(0, len(missing), size):
            batch = missing[first : first + size]
            found = self._simulated(batch, arms)
            self.kept.add(dict(zip(batch, found, strict=True)))
            done += len(batch)
            self.progress(what, done, max(total, 1))

    def _simulated(self, batch: Sequence[str], arms: Mapping[str, Arm]) -> list[Found]:
        return self.bench([arms[name] for name in batch])

    def _worth(self, name: str) -> Worth:
        mean = self.kept.found[name].mean
        costs = tuple((-1.0 if goal.maximise else 1.0) * mean[goal.measure.name] for goal in self.search.goals)
        return Worth(costs, tuple(limit.excess(mean[limit.measure]) for limit in self.limits))

    def _entry(self, kind: str, name: str, numbers: Numbers = (), arm: Arm | None = None) -> Entry:
        arm = self._arm(numbers) if arm is None else arm
        assert arm is not None
        return Entry(kind, name, arm, self.kept.found[name], self.search.texts(numbers) if numbers else {})

    def _file(self, entry: Entry, place: int) -> str:
        """Return a candidate as a scenario file that `letheon simulate` runs to the same numbers."""
        numbers = tuple(int(number) for number in entry.name.split())
        candidate = self.search.candidate(numbers)
        title = f"{self.scenario.title[: _TITLE - 20]}: candidate {place}"
        own = self.scenario
        alike = replace(candidate, title=title, population=own.population, seed=own.seed, models=own.models)
        said = "\n".join(f"#   {path}: {text}" for path, text in entry.values.items())
        return f"# {SEARCH_NOTICE}\n# Found by letheon optimise in arm {self.search.arm}:\n{said}\n{dumps(alike)}"


def _name(numbers: Numbers) -> str:
    return " ".join(str(number) for number in numbers)


def _kind(name: str) -> str:
    return name.split(":")[0]


def _published(scenario: Scenario) -> tuple[dict[str, Arm], dict[str, str]]:
    """Return the scenario's own arms and published regimens; and which of these were left out, and why."""
    found = {f"{'placebo' if arm.drug == 'placebo' else 'arm'}:{arm.name}": arm for arm in scenario.arms}
    skipped = {}
    for study in library.studies():
        if not any(arm.infusions for arm in study.arms):
            continue
        try:
            arms = study_scenario(study, int(scenario.follow_up_h // 24)).arms
        except InputError as error:
            skipped[study.id] = str(error)
            continue
        for arm in arms:
            if study.diagnosis == "CRPS" and _can_run(scenario, arm):
                found[f"study:{study.id} {arm.name}"] = arm
    return found, skipped


def _with_one_model(scenario: Scenario, search: Search, published: Iterable[Arm]) -> Scenario:
    """Return the scenario with one plasma model for every drug of the search, for it sets them side by side."""
    drugs = {arm.drug for arm in published if arm.drug != "placebo"}
    drugs |= {drug for variable in search.variables if variable.path == "drug" for drug in variable.values}
    used = chosen_models(drugs, scenario.models.pk)
    if used["levels"] != used["acute"]:  # the set of one drug alone
        return scenario
    return replace(scenario, models=replace(scenario.models, pk=used["levels"]))


def _can_run(scenario: Scenario, arm: Arm) -> bool:
    """Say whether the scenario's pharmacokinetic model describes the drug of an arm."""
    from letheon.scenario import pk_choices

    return arm.drug in pk_choices()[scenario.models.pk]
