"""A run that is killed again and again ends in the same bytes as one that nobody disturbed."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scenarios import scenario_text
from test_runs import hashes

from letheon.runs import simulate
from letheon.runs.manifest import Manifest
from letheon.scenario import loads

KILLS = 25
PATIENTS = 200_000
TEXT = scenario_text(
    "session: {drug: esketamine, sessions: [{at: day 1, rate: 14 mg/h/70kg, for: 4 h}]}",
    "placebo: {drug: placebo, like: session}",
    weeks=4,
    population="{n: 1000}",
    seed=25,
)
CODE = (
    "import sys; from letheon.runs import simulate; simulate(sys.argv[1], out=sys.argv[2], patients=int(sys.argv[3]))"
)


def start(scenario: Path, folder: Path, patients: int, root: Path) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    arguments = [sys.executable, "-c", CODE, str(scenario), str(folder), str(patients)]
    return subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def scenario(tmp_path) -> Path:
    (tmp_path / "scenario.yaml").write_text(TEXT)
    return tmp_path / "scenario.yaml"


@pytest.mark.slow
def test_25_kills_in_a_row_change_no_byte(scenario, tmp_path, root):
    began = time.monotonic()
    assert start(scenario, tmp_path / "undisturbed", PATIENTS, root).wait() == 0
    whole_s = time.monotonic() - began
    folder, chance, counts = tmp_path / "killed", random.Random(20), []
    while len(counts) < KILLS:
        process = start(scenario, folder, PATIENTS, root)
        time.sleep(chance.uniform(0.0, 0.15 * whole_s))
        assert process.poll() is None, f"the run was over before kill {len(counts) + 1}: {process.stderr.read()}"
        process.send_signal(signal.SIGKILL)
        process.wait()
        counts.append(len(Manifest(folder).files))
    assert not (folder / "result.json").exists()
    last = start(scenario, folder, PATIENTS, root)
    assert last.wait() == 0, last.stderr.read()
    assert hashes(folder) == hashes(tmp_path / "undisturbed")
    assert not list(folder.rglob("*.partial"))
    assert counts == sorted(counts)  # nothing that was finished is ever lost
    assert len(set(counts)) > 3  # kills came at many stages of the run


@pytest.mark.slow
def test_two_processes_cannot_harm_one_folder(scenario, tmp_path, root):
    folder = tmp_path / "shared"
    first = start(scenario, folder, 20_000, root)
    while not (folder / "run.json").is_file():
        time.sleep(0.05)
    second = start(scenario, folder, 20_000, root)
    assert second.wait() != 0
    assert "another process is working in" in second.stderr.read()
    assert first.wait() == 0, first.stderr.read()
    alone = hashes(simulate(loads(TEXT), out=tmp_path / "alone", patients=20_000).folder)
    assert {k: v for k, v in hashes(folder).items() if "endpoints" in k} == {
        k: v for k, v in alone.items() if "endpoints" in k
    }
