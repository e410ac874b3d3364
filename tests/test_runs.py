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

from letheon.errors import InputError, Interrupted, RunError
from letheon.files import locked
from letheon.pipeline import block, plan_arms
from letheon.pipeline.summary import ArmTotals
from letheon.runs import blocks, default_folder, engine, simulate, store
from letheon.runs import run as run_module
from letheon.runs.chunks import ChunkResult, Columns
from letheon.runs.folder import Folder, check_output
from letheon.scenario import loads

TEXT = """
letheon: 1
title: "two days of esketamine"
population: {n: 300}
follow_up: 4 weeks
seed: 11
arms:
  short:
    drug: esketamine
    sessions:
      - {at: 0 h, rate: 14 mg/h/70kg, for: 4 h, repeat: {every: 1 day, times: 2}}
  same:
    drug: esketamine
    sessions:
      - {at: 0 h, rate: 14 mg/h/70kg, for: 4 h}
      - {at: day 2, rate: 14 mg/h/70kg, for: 2 h}
      - {at: 26 h, rate: 14 mg/h/70kg, for: 2 h}
  placebo: {drug: placebo, like: short}
"""


@pytest.fixture(scope="module")
def scenario():
    return loads(TEXT)


@pytest.fixture(scope="module")
def done(scenario, tmp_path_factory):
    """Return an undisturbed run."""
    return simulate(scenario, out=tmp_path_factory.mktemp("done") / "run")


def hashes(folder: Path) -> dict[str, str]:
    files = [
        *sorted(folder.glob("endpoints/*/*.parquet")),
        folder / "profiles.parquet",
        folder / "result.json",
    ]
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
    assert len(hashes(done.folder)) == 3 + 2


def test_in_memory_equals_the_folder(scenario, done):
    assert simulate(scenario).document == json.loads((done.folder / "result.json").read_text())


@pytest.fixture(scope="module")
def thousand(scenario, tmp_path_factory):
    """Return a run of 1,000 patients: four blocks, the last one filled up."""
    return simulate(scenario, out=tmp_path_factory.mktemp("thousand") / "run", patients=1000)


@pytest.mark.parametrize("n", [7, 100, 300])
def test_few_patients_are_the_first_of_many(scenario, thousand, tmp_path, n):
    few = simulate(scenario, out=tmp_path / "few", patients=n)
    for arm in ("short", "placebo"):
        one, many = endpoints(few.folder, arm), endpoints(thousand.folder, arm)
        for name, values in one.items():
            assert values.tobytes() == many[name][:n].tobytes(), name


def test_equal_arms_are_identical(done):
    one, other = (endpoints(done.folder, arm) for arm in ("short", "same"))
    for name, values in one.items():
        assert values.tobytes() == other[name].tobytes(), name
    assert done.document["arms"]["short"]["profile"] == done.document["arms"]["same"]["profile"]


def test_an_interrupted_run_continues_to_the_same_bytes(scenario, done, tmp_path):
    def stop(finished, total, arm):
        if finished > 1500:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="same command again"):
        simulate(scenario, out=tmp_path / "run", progress=stop)
    assert list((tmp_path / "run" / "partials").rglob("*.npz"))
    assert not (tmp_path / "run" / "result.json").exists()
    run = simulate(scenario, out=tmp_path / "run")
    assert run.continued
    assert hashes(run.folder) == hashes(done.folder)


@pytest.fixture
def stopped(scenario, tmp_path):
    """Return the folder of a run that was stopped when at least one chunk was finished."""

    def stop(finished, total, arm):
        if arm == "same":
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        simulate(scenario, out=tmp_path / "run", progress=stop)
    return tmp_path / "run"


@pytest.mark.parametrize("name", ["partials/short/people-00000.npz", "endpoints/short/part-00000.parquet"])
@pytest.mark.parametrize("harm", ["cut", "flipped", "gone"])
def test_damaged_chunk_is_recomputed(scenario, done, stopped, name, harm):
    victim = stopped / name
    content = victim.read_bytes()
    if harm == "cut":
        victim.write_bytes(content[:1000])
    elif harm == "flipped":
        victim.write_bytes(content[:700] + bytes([content[700] ^ 1]) + content[701:])
    else:
        victim.unlink()
    assert store.read(Folder(stopped), "short", "people", 0, 500) is None
    assert hashes(simulate(scenario, out=stopped).folder) == hashes(done.folder)


def test_finished_chunk_is_not_recomputed(scenario, stopped, monkeypatch):
    computed = []
    real = blocks.Runner.block
    monkeypatch.setattr(blocks.Runner, "block", lambda *a: computed.append(a[1:]) or real(*a))
    simulate(scenario, out=stopped)
    assert (0, "people", 0) not in computed
    assert (2, "people", 0) in computed


def test_torn_manifest_line_is_ignored(scenario, done, stopped):
    manifest = stopped / "manifest.jsonl"
    manifest.write_text(manifest.read_text()[:-40])
    assert hashes(simulate(scenario, out=stopped).folder) == hashes(done.folder)


@pytest.mark.parametrize("name", ["endpoints/short/part-00000.parquet", "result.json", "profiles.parquet"])
def test_damaged_finished_run_is_repaired(scenario, tmp_path, name):
    run = simulate(scenario, out=tmp_path / "run", patients=20)
    before = hashes(run.folder)
    (run.folder / name).write_bytes(b"not what it was")
    again = simulate(scenario, out=tmp_path / "run", patients=20)
    assert not again.reused
    assert again.document == run.document
    assert hashes(run.folder) == before
    assert simulate(scenario, out=tmp_path / "run", patients=20).reused


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


def test_a_finished_folder_keeps_no_intermediate_files(done):
    assert not (done.folder / "partials").exists()
    assert (done.folder / "resolved.yaml").is_file()
    assert json.loads((done.folder / "run.json").read_text())["instruction_set"]


def test_another_scenario_is_refused_in_one_sentence(scenario, done):
    other = replace(scenario, seed=12)
    with pytest.raises(InputError, match=r"another run \(different scenario\).*--fresh"):
        simulate(other, out=done.folder)


def test_other_versions_are_refused(scenario, done):
    stamp = done.folder / "run.json"
    kept = stamp.read_text()
    stamp.write_text(kept.replace('"jax": "', '"jax": "0.'))
    try:
        with pytest.raises(InputError, match="different jax"):
            simulate(scenario, out=done.folder)
    finally:
        stamp.write_text(kept)


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "holiday.jpg").write_text("x")
    with pytest.raises(InputError, match="no Letheon run"):
        check_output(tmp_path)
    with pytest.raises(InputError, match="is a file"):
        check_output(tmp_path / "holiday.jpg")


def test_the_default_folder_names_title_and_content(scenario):
    path = default_folder(scenario)
    assert path.parts[0] == "runs"
    assert path.name.startswith("two-days-of-esketamine-")
    assert default_folder(replace(scenario, seed=12)) != path


def compiled() -> list[int]:
    return [f._cache_size() for f in (block._build, block._run, block._read_out, blocks._draw_people)]


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


def test_the_document_names_no_place_or_time(done):
    text = json.dumps(done.document)
    assert str(done.folder) not in text
    for word in (os.uname().nodename, "/tmp", "/home", "/root"):
        assert word not in text


def test_intervals_are_of_means_and_ranges_of_patients(done):
    score = done.document["arms"]["short"]["endpoints"]["nrs_day_7"]
    low, high = score["mean_interval"]
    assert low < score["mean"] < high
    assert high - low < score["q95"] - score["q05"]


def test_differences_from_placebo_are_of_the_same_patients(done):
    end = done.document["arms"]["short"]["endpoints"]["nrs_day_1"]
    active, sham = endpoints(done.folder, "short"), endpoints(done.folder, "placebo")
    difference = (active["nrs_day_1"].astype(float) - sham["nrs_day_1"]).mean()
    assert end["minus_placebo"] == pytest.approx(difference, abs=1e-5)


def test_the_bank_meets_every_draw_with_the_same_people(scenario):
    runner = blocks.Runner(scenario, plan_arms(scenario))
    parts = [runner.block(0, "bank", number) for number in range(2)]
    weights = np.concatenate([p.columns["weight_kg"] for p in parts])
    assert np.allclose(weights, weights[0], rtol=1e-12)
    assert len({float(v) for v in np.concatenate([p.columns["nrs_day_7"] for p in parts])}) > 4


@pytest.fixture(scope="module")
def shares(scenario):
    """Return a runner of 1,000 patients and its four blocks of the first arm."""
    many = replace(scenario, population=replace(scenario.population, n=1000))
    runner = blocks.Runner(many, plan_arms(many))
    return runner, [runner.block(0, "people", number) for number in range(4)]


def test_chunk_round_trips(shares, tmp_path):
    runner, made = shares
    share, folder = ChunkResult(runner.plans[0].saved), Folder(tmp_path)
    for one in made:
        share.add(one)
    store.write(folder, "short", "people", 0, share)
    found = store.read(folder, "short", "people", 0, share.times)
    assert found.profile.patients == 1000
    for name, counts in share.profile.counts.items():
        assert np.array_equal(found.profile.counts[name], counts)
        assert np.array_equal(found.profile.wholes[name], share.profile.wholes[name])
    parts = store.Parts([folder.endpoints("short", 0)])
    for name, values in share.table().items():
        assert np.array_equal(parts.column(name), values)
        assert np.array_equal(parts.table()[name], values)


@pytest.mark.parametrize("order", [[[0, 1], [2, 3]], [[3], [0, 2], [1]], [[2, 1, 3, 0]]])
def test_merging_is_order_independent(shares, order):
    runner, made = shares
    times = runner.plans[0].saved
    whole, other = ChunkResult(times), ChunkResult(times)
    for one in made:
        whole.add(one)
    for group in order:
        part = ChunkResult(times)
        for number in group:
            part.add(made[number])
        other.merge(part)
    for name in whole.profile.counts:
        assert whole.profile.mean(name).tobytes() == other.profile.mean(name).tobytes()
        assert whole.profile.quantiles(name, (0.5,))[0].tobytes() == other.profile.quantiles(name, (0.5,))[0].tobytes()
    for name, values in whole.table().items():
        assert values.tobytes() == other.table()[name].tobytes()


def test_chunk_size_changes_no_result(scenario, thousand, tmp_path, monkeypatch):
    for module in (engine, store):
        monkeypatch.setattr(module, "CHUNK", 1, raising=False)
    run = simulate(scenario, out=tmp_path / "run", patients=1000)
    assert len(list((run.folder / "endpoints" / "short").iterdir())) == 4
    assert run.document == thousand.document
    assert (run.folder / "profiles.parquet").read_bytes() == (thousand.folder / "profiles.parquet").read_bytes()
    one, other = endpoints(run.folder, "same"), endpoints(thousand.folder, "same")
    assert all(values.tobytes() == other[name].tobytes() for name, values in one.items())


def test_endpoints_that_stay_on_disk_give_the_same_document(scenario, thousand, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_IN_MEMORY", 0)
    held = []
    monkeypatch.setattr(engine, "ArmTotals", lambda *a: held.append(a[1]) or ArmTotals(*a))
    run = simulate(scenario, out=tmp_path / "run", patients=1000)
    assert run.document == thousand.document
    assert all(isinstance(columns, Columns) and isinstance(columns.parts[0], store.Parts) for columns in held)


def test_many_patients_without_a_folder_leave_nothing_behind(scenario, thousand, tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "_IN_MEMORY", 0)
    monkeypatch.setattr(run_module.tempfile, "tempdir", str(tmp_path))
    assert simulate(scenario, patients=1000).document == thousand.document
    assert not list(tmp_path.iterdir())


def test_profile_means_are_means(shares):
    runner, made = shares
    share = ChunkResult(runner.plans[0].saved)
    for one in made:
        share.add(one)
    total = np.sum([one.profile["nrs"][0] for one in made], axis=0)
    assert np.allclose(share.profile.mean("nrs"), total / 1000, rtol=0, atol=1e-14)
    total = np.sum([one.profile["esketamine"][0] for one in made], axis=0)
    assert np.allclose(share.profile.mean("esketamine"), total / 1000, rtol=1e-12, atol=1e-15)
