"""A search for better regimens: candidates from the scenario's block `optimise`, their front, and published regimens.

Every candidate runs through the one pipeline with the same people, flares, diaries and draws of the parameters, so
two of them differ by what is given and by nothing else. It designs studies, not treatments.
"""

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from letheon import library
from letheon.definitions import SEARCH_NOTICE
from letheon.errors import InputError
from letheon.files import disk_errors, write
from letheon.pipeline.average import weights_of
from letheon.pipeline.block import BLOCK
from letheon.pipeline.models import chosen_models
from letheon.runs.blocks import BANK
from letheon.runs.environment import use_compile_cache
from letheon.runs.manifest import CHUNKS_KEPT
from letheon.scenario import Arm, Scenario, dumps, pk_choices
from letheon.scenario.loading import loads_search, read_text
from letheon.scenario.measures import under_model
from letheon.scenario.search import Search
from letheon.study.optimise.document import SearchReport
from letheon.study.optimise.evaluation import Evaluator, ResultLog
from letheon.study.optimise.folder import EVALUATIONS, RESULT, claim, refuse_another, resolve
from letheon.study.optimise.lattice import Numbers, Objective, explore
from letheon.study.optimise.report import Comparison, Entry, Limit, Row, limits_of, write_tables
from letheon.study.records import Progress, decode, encode
from letheon.study.regimens import study_scenario

_BATCH = 8  # regimens between two looks at the clock: a few seconds
_SHOWN = ("relief_days", "remission", "dose_mg", "hours", "dosing_days", "psychedelic_load")
_CORNERS = 64
# processor seconds of one patient over one day, and of compiling, measured on the examples; those of a rule are double
_PATIENT_DAY_S, _COMPILE_S = 6e-6, 40.0
_TITLE = 200


@dataclass(frozen=True, slots=True)
class Optimisation:
    """A finished search."""

    document: SearchReport
    table: list[Row]  # a row for every regimen that was simulated
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
    fresh: bool = False,
    progress: Progress | None = None,
    first: Callable[[SearchReport], None] | None = None,
) -> Optimisation:
    """Search for the regimens that no other beats in all goals.

    `problem` is a scenario and its search, or a scenario file with a block `optimise`; without a folder `out` nothing
    is written. Candidates, patients and seed count instead of the scenario's; `fresh` searches again even if the folder
    holds this search. InputError if the scenario or the folder cannot be used; RunError if the disk fills up, and what
    was simulated is kept. `first` is called with the answer without published regimens, which are simulated last.
    """
    text = None
    if not isinstance(problem, tuple):
        text = read_text(problem)
        problem = loads_search(text, str(problem))
    scenario, search = resolve(*problem, candidates, patients, seed)
    continued = False
    if out is not None:
        continued = refuse_another(out, scenario, search, fresh) and not fresh
        if continued and (finished := _finished(out, search)) is not None:
            return finished
        if not continued:
            claim(out, scenario, search, text)
    use_compile_cache()
    log = ResultLog(out / EVALUATIONS if out is not None else None)
    result = _Session(scenario, search, log, progress or (lambda what, done, total: None)).run(first)
    if out is not None:
        _write(out, result)
    return replace(result, folder=out, continued=continued)


class Outlook(NamedTuple):
    """How much a search has before it, and about how long that takes here [s]."""

    candidates: int
    arms: int
    published: int
    seconds: float


def outlook(scenario: Scenario, search: Search) -> Outlook:
    """Return what a search will simulate at most.

    >>> from letheon.scenario.loading import load_search
    >>> outlook(*load_search("examples/optimise_100h.yaml")).candidates
    400
    """
    candidates = min(search.candidates, math.prod(len(variable.values) for variable in search.variables))
    arms, published = len(scenario.arms), len(_published(scenario)[0]) - len(scenario.arms)
    varied = scenario.arm(search.arm)
    courses = (candidates * (1 if varied.policy.fixed else 2)) + arms + published
    people = search.patients + BANK * BLOCK
    seconds = courses * people * scenario.follow_up_h / 24.0 * _PATIENT_DAY_S / (os.cpu_count() or 1)
    return Outlook(candidates, arms, published, seconds + _COMPILE_S)


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


def _write(folder: Path, result: Optimisation) -> None:
    """Write a result; the document comes last, and says that all is there."""
    front = folder / "front"
    (folder / RESULT).unlink(missing_ok=True)
    for file in front.glob("*.yaml"):
        file.unlink()
    with disk_errors(folder, CHUNKS_KEPT):
        front.mkdir(parents=True, exist_ok=True)
        for name, text in result.front.items():
            write(front / name, text)
        write_tables(result.table, folder)
        write(folder / RESULT, encode(result.document))


class _Session:
    """One search from its first regimen to its documents."""

    def __init__(self, scenario: Scenario, search: Search, log: ResultLog, progress: Progress) -> None:
        self.search, self.log, self.progress = search, log, progress
        self.published, self.skipped = _published(scenario)
        self.scenario = scenario = _with_one_model(scenario, search, self.published.values())
        measures = [goal.measure.name for goal in search.goals] + [limit.measure.name for limit in search.constraints]
        both = weights_of(scenario.models.pain)
        alone = [under_model("relief_days", model) for model in both if len(both) > 1]
        self.evaluator = Evaluator(scenario, (*measures, *_SHOWN, *alone))
        self.arms: dict[Numbers, Arm | None] = {}
        self.limits: list[Limit] = []
        self.judged = 0

    def run(self, first: Callable[[SearchReport], None] | None) -> Optimisation:
        """Simulate the arms of the scenario, then candidates, then published regimens."""
        search, published = self.search, self.published
        self.evaluator.make_room([*published.values(), *self._corners()])
        own = {name: arm for name, arm in published.items() if _kind(name) != "study"}
        self._evaluate(own, "arms of the scenario", len(own), 0, len(own))  # a placebo beside what it is like
        self.limits = limits_of(search, {name.split(":", 1)[1]: self.log.evaluations[name] for name in own})
        written = search.as_written()
        candidates = explore(
            [len(variable.values) for variable in search.variables],
            self._judge,
            search.candidates,
            self.scenario.seed,
            [written] if written is not None else [],
            lambda numbers: self._arm(numbers) is not None,
        )
        entries = [self._candidate(numbers) for numbers in candidates]
        if first is not None and any(name not in self.log.evaluations for name in published):
            first(self._compared(entries, own).document({}))
        self._evaluate(published, "published regimens", len(published), 0)
        comparison = self._compared(entries, published)
        files = {f"{place:02d}.yaml": self._file(entry, place) for place, entry in enumerate(comparison.front, start=1)}
        return Optimisation(comparison.document(self.skipped), comparison.table(), files)

    def _compared(self, entries: list[Entry], others: Mapping[str, Arm]) -> Comparison:
        """Compare candidates with each other and with regimens beside them."""
        beside = [Entry(_kind(name), name, arm, self.log.evaluations[name]) for name, arm in others.items()]
        return Comparison(self.scenario, self.search, self.limits, entries, beside)

    def _corners(self) -> list[Arm]:
        """Return arms at the ends of the ranges, the longest among them."""
        tops = [len(variable.values) - 1 for variable in self.search.variables]
        patterns = range(min(2 ** len(tops), _CORNERS))
        ends = (tuple(0 if pattern >> place & 1 else top for place, top in enumerate(tops)) for pattern in patterns)
        return [arm for numbers in ends if (arm := self._arm(numbers)) is not None]

    def _arm(self, numbers: Numbers) -> Arm | None:
        """Return a candidate's arm; None where the reader refuses it, say because it outlasts the follow-up."""
        if numbers not in self.arms:
            try:
                self.arms[numbers] = self.search.candidate(numbers).arms[0]
            except InputError:
                self.arms[numbers] = None
        return self.arms[numbers]

    def _judge(self, candidates: list[Numbers]) -> list[Objective]:
        arms = {_name(numbers): arm for numbers in candidates if (arm := self._arm(numbers)) is not None}
        self._evaluate(arms, "candidates", self.search.candidates, self.judged)
        self.judged += len(arms)
        return [self._objective(name) for name in arms]

    def _evaluate(self, arms: Mapping[str, Arm], what: str, total: int, before: int, size: int = _BATCH) -> None:
        """Simulate what is not known yet, a batch at a time, and keep it."""
        missing = [name for name in arms if name not in self.log.evaluations]
        done = before + len(arms) - len(missing)
        self.progress(what, done, max(total, 1))
        for first in range(0, len(missing), size):
            batch = missing[first : first + size]
            evaluations = self.evaluator([arms[name] for name in batch])
            self.log.add(dict(zip(batch, evaluations, strict=True)))
            done += len(batch)
            self.progress(what, done, max(total, 1))

    def _objective(self, name: str) -> Objective:
        mean = self.log.evaluations[name].mean
        costs = tuple((-1.0 if goal.maximise else 1.0) * mean[goal.measure.name] for goal in self.search.goals)
        return Objective(costs, tuple(limit.excess(mean[limit.measure]) for limit in self.limits))

    def _candidate(self, numbers: Numbers) -> Entry:
        name, arm = _name(numbers), self._arm(numbers)
        assert arm is not None
        return Entry("candidate", name, arm, self.log.evaluations[name], self.search.texts(numbers))

    def _file(self, entry: Entry, place: int) -> str:
        """Return a candidate as a scenario file that `letheon simulate` runs to the same numbers."""
        own = self.scenario
        candidate = replace(
            self.search.candidate(tuple(map(int, entry.name.split()))),
            title=f"{own.title[: _TITLE - 20]}: candidate {place}",
            population=own.population,
            seed=own.seed,
            models=own.models,
        )
        values = "\n".join(f"#   {path}: {text}" for path, text in entry.values.items())
        return f"# {SEARCH_NOTICE}\n# Found by letheon optimise in arm {self.search.arm}:\n{values}\n{dumps(candidate)}"


def _name(numbers: Numbers) -> str:
    return " ".join(map(str, numbers))


def _kind(name: str) -> str:
    return name.split(":")[0]


def _published(scenario: Scenario) -> tuple[dict[str, Arm], dict[str, str]]:
    """Return the scenario's own arms and published regimens; and which of these were left out, and why."""
    arms = {f"{'placebo' if arm.drug == 'placebo' else 'arm'}:{arm.name}": arm for arm in scenario.arms}
    drugs = pk_choices()[scenario.models.pk]  # that the scenario's pharmacokinetic model describes
    skipped = {}
    for study in library.studies():
        if not any(arm.infusions for arm in study.arms):
            continue
        try:
            study_arms = study_scenario(study, int(scenario.follow_up_h // 24)).arms
        except InputError as error:
            skipped[study.id] = str(error)
            continue
        if study.diagnosis == "CRPS":
            arms |= {f"study:{study.id} {arm.name}": arm for arm in study_arms if arm.drug in drugs}
    return arms, skipped


def _with_one_model(scenario: Scenario, search: Search, published: Iterable[Arm]) -> Scenario:
    """Return the scenario with one plasma model for every drug of the search, for it sets them side by side."""
    drugs = {arm.drug for arm in published if arm.drug != "placebo"}
    drugs |= {drug for variable in search.variables if variable.path == "drug" for drug in variable.values}
    used = chosen_models(drugs, scenario.models.pk)
    if used["levels"] != used["acute"]:  # the set of one drug alone
        return scenario
    return replace(scenario, models=replace(scenario.models, pk=used["levels"]))
