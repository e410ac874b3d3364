"""A search through the real pipeline: what it writes, that it is the same again, and that it goes on after any stop.

The oracles are brute force over the table of all candidates, `simulate` on the files of the front, and equal bytes.
"""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from letheon import library
from letheon.arrays import jax
from letheon.errors import InputError
from letheon.library.loader import studies
from letheon.runs.run import simulate
from letheon.scenario import load, loads, loads_search
from letheon.study.optimise import search as module
from letheon.study.optimise.evaluation import Evaluation, Evaluator, ResultLog
from letheon.study.optimise.search import Optimisation, optimise
from letheon.study.records import encode

pytestmark = pytest.mark.long

TEXT = """letheon: 1
title: "How long, how high"
follow_up: 1 week
seed: 3
models: {rival: off}
arms:
  usual: {drug: racemic, sessions: [{at: day 1, rate: 25 mg/h, for: 4 h}]}
  drip:
    drug: racemic
    sessions: [{at: day 1, rate: 20 mg/h, for: 4 h, repeat: {every: 1 day, times: 2}}]
  placebo: {drug: placebo, like: usual}
optimise:
  arm: drip
  vary:
    sessions.1.rate: {from: 10 mg/h, to: 40 mg/h, step: 5 mg/h}
    sessions.1.for: {from: 1 h, to: 6 h, step: 1 h}
    sessions.1.repeat.times: {from: 1, to: 5}
    sessions.1.repeat.every: {choose: [1 day, 2 days]}
  maximise: [relief_days]
  minimise: [hours, psychedelic_load]
  constraints: {relief_days: {at_least: usual}, dose_mg: {at_most: 500}}
  budget: {candidates: 12, patients: 64}
"""


@pytest.fixture(scope="module")
def alone() -> Iterator[None]:
    """Leave the library's regimens out: they take longer than all candidates here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "library", SimpleNamespace(studies=lambda: ()))
        yield


@pytest.fixture(scope="module")
def scenario_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("scenario") / "s.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def searched(alone, scenario_file, tmp_path_factory) -> Optimisation:
    return optimise(scenario_file, out=tmp_path_factory.mktemp("search") / "out")


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "candidates.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def all_bytes(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_front_is_what_nothing_in_the_table_beats(searched) -> None:
    rows = rows_of(searched.folder)
    limit = next(float(row["relief_days"]) for row in rows if row["name"] == "usual")
    able = [
        row
        for row in rows
        if row["kind"] in {"candidate", "arm"} and float(row["relief_days"]) >= limit and float(row["dose_mg"]) <= 500
    ]

    def costs(row) -> tuple[float, float, float]:
        return -float(row["relief_days"]), float(row["hours"]), float(row["psychedelic_load"])

    def beats(a, b) -> bool:
        return all(x <= y for x, y in zip(costs(a), costs(b), strict=True)) and costs(a) != costs(b)

    best = [row for row in able if row["kind"] == "candidate" and not any(beats(other, row) for other in able)]
    front = [row for row in rows if int(row["front"]) > 0]
    assert {costs(row) for row in front} == {costs(row) for row in best}
    assert len(front) == len(searched.document.front) == len(searched.front) > 0
    relief = [entry.measures["relief_days"].mean for entry in searched.document.front]
    assert relief == sorted(relief, reverse=True)


def test_as_many_regimens_are_simulated_as_the_budget_has(searched) -> None:
    rows = rows_of(searched.folder)
    assert [row["kind"] for row in rows].count("candidate") == 12
    assert [row["name"] for row in rows if row["kind"] != "candidate"] == ["usual", "drip", "placebo"]
    first, drip = rows[0], next(row for row in rows if row["name"] == "drip")
    # the arm as written comes first
    assert (first["sessions.1.rate"], first["sessions.1.for"], first["sessions.1.repeat.times"]) == (
        "20 mg/h",
        "4 h",
        "2",
    )
    assert all(first[name] == drip[name] for name in ("relief_days", "hours", "dose_mg"))
    # a combination that outlasts the follow-up is left out
    pairs = {(row["sessions.1.repeat.times"], row["sessions.1.repeat.every"]) for row in rows}
    assert ("5", "2 days") not in pairs and len(pairs) > 4
    assert str(searched.folder) not in encode(searched.document)


def test_relief_of_every_regimen_stands_beside_placebo(searched) -> None:
    (sham,) = searched.document.placebo
    for entry in (*searched.document.front, *searched.document.published):
        for measure, value in entry.measures.items():
            compared = measure in {"relief_days", "remission"}
            assert (value.minus_placebo is not None) == compared, measure
            low, high = value.mean_interval
            assert low <= value.mean * (1 + 1e-6) + 1e-9 and value.mean <= high * (1 + 1e-6) + 1e-9
        for measure in ("relief_days", "remission"):
            value, beside = entry.measures[measure], sham.measures[measure]
            assert value.minus_placebo == pytest.approx(value.mean - beside.mean, abs=1e-4)
            low, high = value.minus_placebo_interval
            widths = [one.mean_interval[1] - one.mean_interval[0] for one in (value, beside)]
            assert low < high and high - low <= sum(widths)
    for entry in searched.document.front:  # chances are shares of the draws
        assert 0 < entry.chance_on_front <= 1 and (entry.chance_on_front * 64) % 1 == pytest.approx(0, abs=1e-3)


def test_every_file_of_the_front_runs_to_the_same_numbers(searched) -> None:
    entry = searched.document.front[0]
    endpoints = simulate(load(searched.folder / entry.file)).document["arms"]["drip"]["endpoints"]
    for measure in ("relief_days", "dose_mg", "remission"):
        assert endpoints[measure]["mean"] == entry.measures[measure].mean
    interval = entry.measures["relief_days"].mean_interval
    assert endpoints["relief_days"]["mean_interval"] == pytest.approx(interval, rel=1e-5)
    text = (searched.folder / entry.file).read_text(encoding="utf-8")
    assert "not treatments" in text and "optimise:" not in text
    for path, value in entry.values.items():
        assert f"#   {path}: {value}\n" in text


def copied(searched, folder: Path, share: float = 1.0) -> Path:
    """Copy a search as far as its log had come when it was cut off."""
    folder.mkdir()
    for name in ("search.json", "scenario.yaml", "evaluations.jsonl"):
        content = (searched.folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(share * len(content))] if "evaluations" in name else content)
    return folder


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(searched, scenario_file, tmp_path) -> None:
    again = optimise(scenario_file, out=tmp_path / "again")
    assert all_bytes(again.folder) == all_bytes(searched.folder)


def test_a_finished_search_is_shown_and_not_searched_again(searched, scenario_file) -> None:
    before = all_bytes(searched.folder)
    shown = optimise(scenario_file, out=searched.folder)
    assert shown.reused and shown.document == searched.document and shown.front == searched.front
    assert all_bytes(searched.folder) == before


@pytest.mark.parametrize("share", [pytest.param(0.2, marks=pytest.mark.slow), 0.7])
def test_a_log_that_was_cut_off_anywhere_leads_to_the_same_end(searched, scenario_file, tmp_path, share) -> None:
    folder = copied(searched, tmp_path / "cut", share)
    assert optimise(scenario_file, out=folder).continued
    assert all_bytes(folder) == all_bytes(searched.folder)


def test_more_candidates_go_on_and_the_first_stay(searched, scenario_file, tmp_path) -> None:
    folder = copied(searched, tmp_path / "more")
    longer = optimise(scenario_file, out=folder, candidates=14)
    assert longer.continued and longer.document.searched.candidates == 14
    log = (folder / "evaluations.jsonl").read_bytes()
    assert log.startswith((searched.folder / "evaluations.jsonl").read_bytes())


def test_another_search_is_refused(searched, scenario_file, tmp_path) -> None:
    with pytest.raises(InputError, match=r"holds another search \(different scenario\)"):
        optimise(scenario_file, out=searched.folder, seed=4)
    other = tmp_path / "other.yaml"
    other.write_text(TEXT.replace("hours, psychedelic_load", "hours"), encoding="utf-8")
    with pytest.raises(InputError, match=r"holds another search \(different search\)"):
        optimise(other, out=searched.folder)


def test_nobody_keeps_impossible_limits(alone) -> None:
    text = TEXT.replace("at_most: 500", "at_most: 1").replace("candidates: 12", "candidates: 2")
    document = optimise(loads_search(text)).document
    assert document.front == () and document.searched.candidates == 2
    assert all(not entry.feasible for entry in document.published)


def test_results_are_logged_line_by_line(tmp_path) -> None:
    path = tmp_path / "log"
    log = ResultLog(path)
    log.add({"1 2": Evaluation({"hours": 4.0}, {"hours": np.array([4.0, 0.1 + 0.2])}, {"hours": [4.0]})})
    log.add({"arm:x y": Evaluation({"hours": 1e-300}, {"hours": np.array([1.0, 2.0])}, {"hours": [1e-300]})})
    again = ResultLog(path)
    assert again.evaluations["1 2"].draws["hours"].tolist() == [4.0, 0.1 + 0.2]
    assert again.evaluations["arm:x y"].mean == {"hours": 1e-300}
    assert again.evaluations["1 2"].population == {"hours": [4.0]}
    path.write_bytes(path.read_bytes()[:-5])
    assert set(ResultLog(path).evaluations) == {"1 2"}
    assert path.read_bytes().endswith(b"\n")


@pytest.mark.slow
def test_a_search_that_is_killed_goes_on_to_the_same_front(scenario_file, tmp_path) -> None:
    def start(folder: Path) -> subprocess.Popen[bytes]:
        words = ["-m", "letheon", "optimise", str(scenario_file), "--out", str(folder), "--json"]
        return subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    whole, _ = start(tmp_path / "whole").communicate(timeout=900)
    killed = tmp_path / "killed"
    for lines in (3, 19):
        running = start(killed)
        log = killed / "evaluations.jsonl"
        deadline = time.monotonic() + 600
        while not (log.is_file() and log.read_bytes().count(b"\n") >= lines) and time.monotonic() < deadline:
            assert running.poll() is None
            time.sleep(0.05)
        os.kill(running.pid, signal.SIGKILL)
        running.communicate()
        assert not (killed / "front.json").exists()
    finished, _ = start(killed).communicate(timeout=900)
    assert finished == whole and json.loads(whole)["front"]
    assert all_bytes(killed) == all_bytes(tmp_path / "whole")


@pytest.mark.slow
def test_published_regimens_are_simulated_beside_the_candidates(scenario_file, monkeypatch) -> None:
    monkeypatch.setattr(module, "library", library)  # `alone` lasts as long as this file
    text = TEXT.replace("candidates: 12", "candidates: 1").replace("follow_up: 1 week", "follow_up: 12 weeks")
    document = optimise(loads_search(text)).document
    names = {entry.name.split()[0] for entry in document.published if entry.kind == "study"}
    known = {s.id for s in studies() if s.diagnosis == "CRPS" and any(arm.infusions for arm in s.arms)}
    assert names | set(document.skipped) >= known
    assert {"sigtermans2009", "schwartzman2009", "goldberg2010"} <= names
    schwartzman = next(e for e in document.published if e.name.startswith("schwartzman2009"))
    assert schwartzman.measures["hours"].mean == 40.0  # four hours on ten days
    assert "dose_mg" in schwartzman.compared_on
    trial = next(e for e in document.published if e.name.startswith("sigtermans2009"))
    assert "dose_mg" not in trial.compared_on  # another drug


@pytest.mark.slow
def test_boosters_on_relapse_are_counted_in_hours_and_dose() -> None:
    text = """letheon: 1
title: boosters
follow_up: 16 weeks
seed: 4
arms:
  boosted:
    drug: racemic
    sessions: [{at: day 1, rate: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 3}}]
    boosters: {on: relapse, session: {rate: 25 mg/h, for: 4 h}, wait: 14 days, at_most: 6 per year}
optimise:
  arm: boosted
  vary:
    boosters.wait: {choose: [7 days, 14 days]}
    boosters.session.for: {choose: [2 h, 4 h]}
  maximise: [relief_days]
  minimise: [hours, boosters]
"""
    search = loads_search(text)[1]
    assert search is not None
    base = loads(text)
    evaluator = Evaluator(replace(base, population=replace(base.population, n=64)), ("hours", "boosters", "dose_mg"))
    short, long = evaluator([search.candidate((0, k)).arms[0] for k in (0, 1)])
    years = 112 / 365.25
    for row, hours in ((short, 2.0), (long, 4.0)):
        boosters = row.mean["boosters"] * years
        assert boosters > 0.1
        assert row.mean["hours"] == pytest.approx(12.0 + hours * boosters, rel=1e-6)
        assert row.mean["dose_mg"] == pytest.approx(25.0 * row.mean["hours"], rel=1e-6)
        assert np.ptp(row.draws["boosters"]) > 0  # what is decided on the way differs from draw to draw


@pytest.mark.slow
def test_the_shipped_example_beats_the_hundred_hours(alone, root) -> None:
    document = optimise(root / "examples" / "optimise_100h.yaml").document
    trial = next(entry for entry in document.published if entry.name == "hundred_hours")
    assert trial.beaten_by and trial.compared_on == ("hours", "dose_mg", "psychedelic_load", "relief_days")
    own = {name: value.mean for name, value in trial.measures.items()}
    for number in trial.beaten_by:
        means = {name: value.mean for name, value in document.front[number - 1].measures.items()}
        assert means["relief_days"] >= own["relief_days"]
        assert all(means[name] <= own[name] for name in ("hours", "dose_mg", "psychedelic_load"))


def test_room_for_others_compiles_no_program_later_and_changes_no_result() -> None:
    search, base = loads_search(TEXT)[1], loads(TEXT)
    small = replace(base, population=replace(base.population, n=64))

    def arms(*numbers: tuple[int, ...]) -> list:
        return [search.candidate(one).arms[0] for one in numbers]

    evaluator, alone = Evaluator(small, ("relief_days", "hours")), Evaluator(small, ("relief_days", "hours"))
    evaluator.make_room(arms((0, 0, 0, 0), (6, 5, 4, 0), (0, 5, 0, 0), (6, 0, 4, 0), (6, 5, 3, 1)))
    evaluator(arms((0, 0, 0, 0)))
    compiled: list[str] = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, _, **__: compiled.append(name) if "backend_compile" in name else None
    )
    rows = evaluator(arms((3, 2, 3, 1), (6, 5, 4, 0), (1, 0, 2, 0)))
    assert compiled == []
    assert [row.mean["hours"] for row in rows] == [12.0, 30.0, 3.0]
    one, other = evaluator(arms((2, 1, 1, 0)))[0], alone(arms((2, 1, 1, 0)))[0]
    assert one.mean == other.mean
    assert all(np.array_equal(one.draws[name], other.draws[name]) for name in one.draws)
