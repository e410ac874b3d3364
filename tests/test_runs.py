"""Runs: the same bytes whatever the count, the threads or an interruption; folders that are never spoiled."""

import errno
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from scenarios import scenario_text

from letheon.errors import InputError, Interrupted, RunError
from letheon.files import locked
from letheon.pipeline import block, plan_arms
from letheon.pipeline.summary import ArmTotals
from letheon.runs import blocks, engine, simulate, store
from letheon.runs import run as run_module
from letheon.runs.chunks import ChunkResult, Columns
from letheon.runs.folder import Folder, check_output
from letheon.scenario import loads

RATE = "rate: 14 mg/h/70kg"
TEXT = scenario_text(
    f"short: {{drug: esketamine, sessions: [{{at: 0 h, {RATE}, for: 4 h, repeat: {{every: 1 day, times: 2}}}}]}}",
    f"same: {{drug: esketamine, sessions: [{{at: 0 h, {RATE}, for: 4 h}}, {{at: day 2, {RATE}, for: 2 h}}, "
    f"{{at: 26 h, {RATE}, for: 2 h}}]}}",
    "placebo: {drug: placebo, like: short}",
    weeks=4,
    population="{n: 300}",
    seed=11,
)


@pytest.fixture(scope="module")
def scenario():
    return loads(TEXT)


@pytest.fixture(scope="module")
def done(scenario, tmp_path_factory):
    """Return an undisturbed run."""
    return simulate(scenario, out=tmp_path_factory.mktemp("done") / "run")


def hashes(folder: Path) -> dict[str, str]:
    files = [*folder.glob("endpoints/*/*.parquet"), folder / "profiles.parquet", folder / "result.json"]
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def endpoints(folder: Path, arm: str):
    files = sorted((folder / "endpoints" / arm).glob("*.parquet"))
    return {
        name: np.concatenate([pq.read_table(f)[name].to_numpy() for f in files])
        for name in pq.read_schema(files[0]).names
    }


def test_repeated_run_is_identical_in_bytes(scenario, done, tmp_path):
    again = simulate(scenario, out=tmp_path / "again")
    assert hashes(again.folder) == hashes(done.folder)
    assert again.document == done.document
    assert not (done.folder / "partials").exists()


def test_in_memory_equals_the_folder(scenario, done):
    assert simulate(scenario).document == json.loads((done.folder / "result.json").read_text())


@pytest.fixture(scope="module")
def thousand(scenario, tmp_path_factory):
    """Return a run of 1,000 patients: four blocks, the last one filled up."""
    return simulate(scenario, out=tmp_path_factory.mktemp("thousand") / "run", patients=1000)


def test_few_patients_are_the_first_of_many(scenario, thousand, tmp_path):
    few = simulate(scenario, out=tmp_path / "few", patients=7)
    for arm in ("short", "placebo"):
        one, many = endpoints(few.folder, arm), endpoints(thousand.folder, arm)
        for name, values in one.items():
            assert values.tobytes() == many[name][:7].tobytes(), name


@pytest.fixture
def stopped(scenario, tmp_path):
    """Return the folder of a run that was stopped when at least one chunk was finished."""

    def stop(finished, total, arm):
        if arm == "same":
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="same command again"):
        simulate(scenario, out=tmp_path / "run", progress=stop)
    assert list((tmp_path / "run" / "partials").rglob("*.npz"))
    assert not (tmp_path / "run" / "result.json").exists()
    return tmp_path / "run"


def test_an_interrupted_run_continues_to_the_same_bytes(scenario, done, stopped, monkeypatch):
    computed = []
    real = blocks.Runner.block
    monkeypatch.setattr(blocks.Runner, "block", lambda *a: computed.append(a[1:]) or real(*a))
    run = simulate(scenario, out=stopped)
    assert run.continued and hashes(run.folder) == hashes(done.folder)
    assert (0, "people", 0) not in computed and (2, "people", 0) in computed


def test_damaged_chunk_is_recomputed(scenario, done, stopped):
    for name in ("partials/short/people-00000.npz", "endpoints/short/part-00000.parquet"):
        victim = stopped / name
        content = victim.read_bytes()
        for damaged in (content[:1000], content[:700] + bytes([content[700] ^ 1]) + content[701:], None):
            victim.unlink()
            if damaged is not None:
                victim.write_bytes(damaged)
            assert store.read(Folder(stopped), "short", "people", 0, 500) is None
            victim.write_bytes(content)
        victim.write_bytes(content[:1000])
    assert hashes(simulate(scenario, out=stopped).folder) == hashes(done.folder)


def test_lock_refuses_second_process(scenario, tmp_path):
    with locked(tmp_path / "run"), pytest.raises(InputError, match=r"another process is working in .*--out"):
        simulate(scenario, out=tmp_path / "run")
    assert not (tmp_path / "run" / "run.json").exists()


def test_folder_of_a_run_killed_at_start_is_reused(scenario, tmp_path):
    (tmp_path / ".lock").touch()
    (tmp_path / ".run.json.17.partial").write_text("{")
    run = simulate(scenario, out=tmp_path, patients=3)
    assert not list(run.folder.rglob("*.partial"))


def test_full_disk_keeps_finished_chunks(scenario, done, tmp_path, monkeypatch):
    written = []
    real = os.replace

    def fills_up(source, target):
        if str(target).endswith(".npz") and len(written) >= 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(target)
        real(source, target)

    monkeypatch.setattr(os, "replace", fills_up)
    with pytest.raises(RunError, match=r"No space left on device.*same command again to continue") as caught:
        simulate(scenario, out=tmp_path / "run")
    assert caught.value.exit_code == 1
    assert not list((tmp_path / "run").rglob("*.partial"))
    monkeypatch.undo()
    assert hashes(simulate(scenario, out=tmp_path / "run").folder) == hashes(done.folder)


def test_a_finished_run_is_shown_and_fresh_computes_it_again(scenario, done, monkeypatch):
    calls = []
    monkeypatch.setattr(blocks, "run_block", lambda *a: calls.append(a))
    assert simulate(scenario, out=done.folder).reused
    assert not calls
    monkeypatch.undo()
    before = hashes(done.folder)
    run = simulate(scenario, out=done.folder, fresh=True)
    assert not run.reused
    assert hashes(done.folder) == before


def test_another_scenario_is_refused_in_one_sentence(scenario, done):
    other = replace(scenario, seed=12)
    with pytest.raises(InputError, match=r"another run \(different scenario\).*--fresh"):
        simulate(other, out=done.folder)


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "holiday.jpg").write_text("x")
    with pytest.raises(InputError, match="not a Letheon run"):
        check_output(tmp_path)
    with pytest.raises(InputError, match="is a file"):
        check_output(tmp_path / "holiday.jpg")


def compiled() -> list[int]:
    return [f._cache_size() for f in (block._build, block._run, block._read_out, blocks._draw_people)]


@pytest.mark.long
def test_new_doses_times_and_sessions_do_not_compile_again(scenario, done):
    simulate(scenario, patients=5)  # whatever the order of the tests, the program is there now
    before = compiled()
    changed = (
        TEXT.replace("14 mg/h/70kg", "0.31 mg/kg/h").replace("for: 2 h", "for: 97 min").replace("times: 2", "times: 5")
    )
    changed = changed.replace("7.3", "6.8").replace("seed: 11", "seed: 99").replace("n: 300", "n: 9, weight: 60 ± 5 kg")
    simulate(loads(changed))
    assert compiled() == before


@pytest.mark.long
def test_one_thread_and_two_give_the_same_bytes(done, tmp_path, fresh_python):
    (tmp_path / "s.yaml").write_text(TEXT)
    code = (
        "import os, sys\n"
        "if hasattr(os, 'sched_setaffinity'):\n    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "os.environ['XLA_FLAGS'] = '--xla_cpu_multi_thread_eigen=false'\n"
        "os.cpu_count = lambda: 1\n"
        "from letheon.runs import simulate\n"
        "simulate(sys.argv[1], out=sys.argv[2])\n"
    )
    ran = fresh_python(code, str(tmp_path / "s.yaml"), str(tmp_path / "one"))
    assert ran.returncode == 0, ran.stderr
    assert hashes(tmp_path / "one") == hashes(done.folder)


def test_differences_from_placebo_are_of_the_same_patients(done):
    short = done.result.arms["short"]
    active, sham = endpoints(done.folder, "short"), endpoints(done.folder, "placebo")
    for model, part in short.by_model.items():
        name = f"{model}_nrs_day_1"
        difference = (active[name].astype(float) - sham[name]).mean()
        assert part.endpoint("nrs_day_1").against.mean == pytest.approx(difference, abs=1e-5)


@pytest.fixture(scope="module")
def four_blocks(scenario):
    """Return the times and the four blocks of 1,000 patients of the first arm."""
    many = replace(scenario, population=replace(scenario.population, n=1000))
    runner = blocks.Runner(many, plan_arms(many))
    return runner.plans[0].saved, [runner.block(0, "people", number) for number in range(4)]


def merged(times, parts) -> ChunkResult:
    result = ChunkResult(times)
    for part in parts:
        result.add(part)
    return result


def test_chunk_round_trips(four_blocks, tmp_path):
    times, parts = four_blocks
    result, folder = merged(times, parts), Folder(tmp_path)
    for name in ("memory_nrs", "esketamine"):
        total = np.sum([part.profile[name][0] for part in parts], axis=0)
        assert np.allclose(result.profile.mean(name), total / 1000, rtol=1e-12, atol=1e-14)
    store.write(folder, "short", "people", 0, result)
    stored = store.read(folder, "short", "people", 0, result.times)
    assert stored.profile.patients == 1000
    for name, counts in result.profile.counts.items():
        assert np.array_equal(stored.profile.counts[name], counts)
        assert np.array_equal(stored.profile.wholes[name], result.profile.wholes[name])
    files = store.Parts([folder.endpoints("short", 0)])
    for name, values in result.table().items():
        assert np.array_equal(files.column(name), values)
        assert np.array_equal(files.table()[name], values)


@pytest.mark.parametrize("order", [[[0, 1], [2, 3]], [[3], [0, 2], [1]], [[2, 1, 3, 0]]])
def test_merging_is_order_independent(four_blocks, order):
    times, parts = four_blocks
    whole, other = merged(times, parts), ChunkResult(times)
    for group in order:
        other.merge(merged(times, [parts[number] for number in group]))
    for name in whole.profile.counts:
        assert whole.profile.mean(name).tobytes() == other.profile.mean(name).tobytes()
        medians = [one.profile.quantiles([name], [1.0], [0.5])[0] for one in (whole, other)]
        assert medians[0].tobytes() == medians[1].tobytes()
    for name, values in whole.table().items():
        assert values.tobytes() == other.table()[name].tobytes()


@pytest.mark.long
def test_chunk_size_changes_no_result(scenario, thousand, tmp_path, monkeypatch):
    for module in (engine, store):
        monkeypatch.setattr(module, "CHUNK", 1, raising=False)
    run = simulate(scenario, out=tmp_path / "run", patients=1000)
    assert len(list((run.folder / "endpoints" / "short").iterdir())) == 4
    assert run.document == thousand.document
    assert (run.folder / "profiles.parquet").read_bytes() == (thousand.folder / "profiles.parquet").read_bytes()
    one, other = endpoints(run.folder, "same"), endpoints(thousand.folder, "same")
    assert all(values.tobytes() == other[name].tobytes() for name, values in one.items())


@pytest.mark.long
def test_endpoints_that_stay_on_disk_give_the_same_document(scenario, thousand, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_IN_MEMORY", 0)
    held = []
    monkeypatch.setattr(engine, "ArmTotals", lambda *a: held.append(a[1]) or ArmTotals(*a))
    run = simulate(scenario, out=tmp_path / "run", patients=1000)
    assert run.document == thousand.document
    assert all(isinstance(columns, Columns) and isinstance(columns.parts[0], store.Parts) for columns in held)


@pytest.mark.long
def test_many_patients_without_a_folder_leave_nothing_behind(scenario, thousand, tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "_IN_MEMORY", 0)
    monkeypatch.setattr(run_module.tempfile, "tempdir", str(tmp_path))
    assert simulate(scenario, patients=1000).document == thousand.document
    assert not list(tmp_path.iterdir())
