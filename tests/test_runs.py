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
from letheon.pipeline import block, plan_arms
from letheon.runs import default_folder, engine, simulate, store
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


def test_twice_the_same_bytes(scenario, done, tmp_path):
    again = simulate(scenario, out=tmp_path / "again")
    assert hashes(again.folder) == hashes(done.folder)
    assert again.document == done.document
    assert len(hashes(done.folder)) == 3 * 2 + 2


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


def test_equal_arms_differ_by_exactly_nothing(done):
    one, other = (endpoints(done.folder, arm) for arm in ("short", "same"))
    for name, values in one.items():
        assert values.tobytes() == other[name].tobytes(), name
    assert done.document["arms"]["short"]["profile"] == done.document["arms"]["same"]["profile"]


def test_arms_share_their_patients(done):
    active, sham = endpoints(done.folder, "short"), endpoints(done.folder, "placebo")
    for name in ("weight_kg", "baseline_latent", "baseline_nrs", "draw", "bistable"):
        assert np.array_equal(active[name], sham[name])
    assert (active["dose_mg"] > 0).all()
    assert (sham["dose_mg"] == 0).all()


def test_dose_is_rate_times_time(done):
    found = endpoints(done.folder, "short")
    assert np.allclose(found["dose_mg"], 14 / 70 * found["weight_kg"] * 8, rtol=1e-12)


def test_an_interrupted_run_continues_to_the_same_bytes(scenario, done, tmp_path):
    def stop(finished, total, arm):
        if finished > 1500:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="same command again"):
        simulate(scenario, out=tmp_path / "run", progress=stop)
    kept = len(list((tmp_path / "run" / "partials").rglob("*.npz")))
    assert kept > 4
    assert not (tmp_path / "run" / "result.json").exists()
    run = simulate(scenario, out=tmp_path / "run")
    assert run.continued
    assert hashes(run.folder) == hashes(done.folder)


def test_a_damaged_block_is_computed_again(scenario, done, tmp_path):
    def stop(finished, total, arm):
        if finished > 1000:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        simulate(scenario, out=tmp_path / "run", progress=stop)
    victim = tmp_path / "run" / "partials" / "short" / "people-00000.npz"
    victim.write_bytes(victim.read_bytes()[:1000])
    assert hashes(simulate(scenario, out=tmp_path / "run").folder) == hashes(done.folder)


def test_a_full_disk_is_one_sentence_and_loses_nothing(scenario, done, tmp_path, monkeypatch):
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
    monkeypatch.setattr(engine, "run_block", lambda *a: calls.append(a))
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


def test_new_doses_times_and_sessions_do_not_compile_again(scenario, done):
    simulate(scenario, patients=5)  # whatever the order of the tests, the program is there now
    before = block._block._cache_size(), engine._draw_people._cache_size()
    changed = (
        TEXT.replace("14 mg/h/70kg", "0.31 mg/kg/h").replace("for: 2 h", "for: 97 min").replace("times: 2", "times: 5")
    )
    changed = changed.replace("7.3", "6.8").replace("seed: 11", "seed: 99").replace("n: 300", "n: 9, weight: 60 ± 5 kg")
    simulate(loads(changed))
    assert (block._block._cache_size(), engine._draw_people._cache_size()) == before


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
    assert score["interval_support"] == score["support"]


def test_differences_from_placebo_are_of_the_same_patients(done):
    end = done.document["arms"]["short"]["endpoints"]["nrs_day_1"]
    active, sham = endpoints(done.folder, "short"), endpoints(done.folder, "placebo")
    difference = (active["nrs_day_1"].astype(float) - sham["nrs_day_1"]).mean()
    assert end["minus_placebo"] == pytest.approx(difference, abs=1e-5)


def test_the_bank_meets_every_draw_with_the_same_people(scenario):
    plan = plan_arms(scenario)[0]
    runner = engine._Runner(scenario)
    bank = [j for j in engine.jobs_of(plan, 1) if j.kind == "bank"]
    parts = [runner(job) for job in bank[:2]]
    weights = np.concatenate([p.columns["weight_kg"] for p in parts])
    assert np.allclose(weights, weights[0], rtol=1e-12)
    assert len({float(v) for v in np.concatenate([p.columns["nrs_day_7"] for p in parts])}) > 4


def test_a_block_read_back_is_the_block(scenario, tmp_path):
    plan = plan_arms(scenario)[0]
    job = engine.jobs_of(plan, 3)[0]
    part = engine._Runner(scenario)(job)
    store.write(Folder(tmp_path), job, part)
    found = store.read(Folder(tmp_path), job)
    assert found.columns.keys() == part.columns.keys()
    for name, values in part.columns.items():
        assert np.array_equal(found.columns[name], values)
    for name, (sums, bins) in part.profile.items():
        assert np.array_equal(found.profile[name][0], sums)
        assert np.array_equal(found.profile[name][1], bins)
