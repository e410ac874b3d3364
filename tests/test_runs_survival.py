"""A run that is killed again and again ends in the same bytes as one that nobody disturbed."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from letheon.runs import simulate
from letheon.runs.manifest import Manifest
from letheon.scenario import loads

KILLS = 25
PATIENTS = 200_000
TEXT = """
letheon: 1
title: "one session, killed again and again"
population: {n: 1000}
follow_up: 4 weeks
seed: 25
arms:
  session:
    drug: esketamine
    sessions:
      - {at: day 1, rate: 14 mg/h/70kg, for: 4 h}
  placebo: {drug: placebo, like: session}
"""
CODE = (
    "import sys; from letheon.runs import simulate; simulate(sys.argv[1], out=sys.argv[2], patients=int(sys.argv[3]))"
)


def start(scenario: Path, folder: Path, patients: int, root: Path) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    arguments = [sys.executable, "-c", CODE, str(scenario), str(folder), str(patients)]
    return subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, text=True)


def hashes(folder: Path) -> dict[str, str]:
    files = [*sorted(folder.glob("endpoints/*/*.parquet")), folder / "profiles.parquet", folder / "result.json"]
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def say(line: str, log: list[str]) -> None:
    log.append(line)
    print(line, flush=True)


@pytest.mark.slow
def test_25_kills_in_a_row_change_no_byte(tmp_path, root):
    scenario, log = tmp_path / "scenario.yaml", []
    scenario.write_text(TEXT)
    began = time.monotonic()
    undisturbed = start(scenario, tmp_path / "undisturbed", PATIENTS, root)
    assert undisturbed.wait() == 0
    whole_s = time.monotonic() - began
    expected = hashes(tmp_path / "undisturbed")
    say(f"undisturbed: {PATIENTS} patients in 2 arms, {len(expected)} files, {whole_s:.1f} s", log)

    folder, chance, kills = tmp_path / "killed", random.Random(20), 0
    while kills < KILLS:
        process = start(scenario, folder, PATIENTS, root)
        delay = chance.uniform(0.0, 0.15 * whole_s)
        time.sleep(delay)
        assert process.poll() is None, f"the run was over before kill {kills + 1}: {process.stderr.read()}"
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        torn = len(list(folder.rglob(".*.partial"))) if folder.exists() else 0
        finished = len(Manifest(folder).files)
        say(f"kill {kills:2d} after {delay:5.2f} s: {finished:2d} chunks finished, {torn} files half written", log)

    assert not (folder / "result.json").exists()
    last = start(scenario, folder, PATIENTS, root)
    assert last.wait() == 0, last.stderr.read()
    found = hashes(folder)
    say(f"after {kills} kills and one undisturbed start: {len(found)} files, identical: {found == expected}", log)
    assert found == expected
    assert not list(folder.rglob("*.partial"))
    counts = [int(line.split(":")[1].split()[0]) for line in log if line.startswith("kill")]
    assert counts == sorted(counts)  # nothing that was finished is ever lost
    assert len(set(counts)) > 3  # kills came at many stages of the run


@pytest.mark.slow
def test_two_processes_cannot_harm_one_folder(tmp_path, root):
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(TEXT)
    folder = tmp_path / "shared"
    first = start(scenario, folder, 20_000, root)
    while not (folder / "run.json").is_file():
        time.sleep(0.05)
    second = start(scenario, folder, 20_000, root)
    assert second.wait() != 0
    assert "another process is working in" in second.stderr.read()
    assert first.wait() == 0, first.stderr.read()
    alone = simulate(loads(TEXT), out=tmp_path / "alone", patients=20_000)
    same = hashes(folder)
    assert {k: v for k, v in same.items() if "endpoints" in k} == {
        k: v for k, v in hashes(alone.folder).items() if "endpoints" in k
    }
