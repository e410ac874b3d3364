"""`letheon calibrate` and `letheon validate`: what they print and write, what they refuse, and how they stop.

The numerics are replaced by stored results: those are the oracle, with the contract of exit codes.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from letheon.extras import missing
from letheon.patients.uncertainty import typical_values
from letheon.study.calibrate import fit as numerics
from letheon.study.calibrate.document import FULL_SETTINGS, QUICK_SETTINGS, CalibrationReport
from letheon.study.calibrate.posteriors import merged_values, posteriors_in
from letheon.study.records import decode
from letheon.study.validate import held_out
from letheon.study.validate import validation as scoring
from letheon.study.validate.document import Validation
from letheon.views.commands import long_work

STORED = Path(__file__).parent.parent / "docs" / "calibration"
REPORTS = {name: json.loads((STORED / f"{name}.json").read_text(encoding="utf-8")) for name in ("memory", "slow_site")}
VALIDATION = json.loads((STORED / "validation.json").read_text(encoding="utf-8"))
SCORES = decode((STORED / "validation.json").read_bytes(), Validation, "validation.json")


def stored(model: str) -> CalibrationReport:
    return decode((STORED / f"{model}.json").read_bytes(), CalibrationReport, model)


class Fake:
    """Stands in for the numerics: remembers how it was called, and calls `act` in their place."""

    def __init__(self) -> None:
        self.called: list[tuple[str, Path, Any]] = []
        self.validated: dict[str, Any] = {}
        self.act: Callable[[Callable], None] = lambda progress: progress("sampling", 1, 2)
        self.report: Callable[[str], CalibrationReport] = stored

    def calibrate(self, pain: str, folder: Path, settings: Any, progress: Callable) -> SimpleNamespace:
        self.called.append((pain, folder, settings))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "chain_0.npz").write_bytes(b"kept")
        self.act(progress)
        return SimpleNamespace(pain=pain, report=self.report(pain))

    def files(self, result: SimpleNamespace, date: str) -> dict[str, str]:
        return {f"{result.pain}.csv": "memory.tau_s\n2\n", f"{result.pain}.toml": f'date = "{date}"\n'}

    def validate(self, values: Any, posterior: dict, sensitivity: bool, progress: Callable) -> Validation:
        self.validated = {"values": values}
        self.act(progress)
        result = replace(SCORES, posterior=posterior)
        return result if sensitivity else replace(result, between_studies=None, sensitivity=None)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """Put a fake in the place of the numerics; Ctrl-C raises as it does for a person, even where tests ignore it."""
    fake = Fake()
    monkeypatch.setattr(numerics, "calibrate", fake.calibrate)
    monkeypatch.setattr(numerics, "posterior_files", fake.files)
    monkeypatch.setattr(scoring, "validate", fake.validate)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield fake
    signal.signal(signal.SIGINT, before)


def test_another_calibrations_folder_is_refused_before_it_starts(command, fake: Fake, tmp_path: Path) -> None:
    state = tmp_path / "slow_site" / "state"
    state.mkdir(parents=True)
    settings = {name: getattr(QUICK_SETTINGS, name) for name in QUICK_SETTINGS.__slots__}
    (state / "settings.json").write_text(json.dumps(settings | {"seed": 8, "pain": "slow_site"}), encoding="utf-8")
    code, _, err = command("calibrate", "--quick", "--out", tmp_path)
    assert (code, fake.called) == (2, [])
    assert "other settings (seed)" in err and str(tmp_path / "slow_site") in err
    assert command("calibrate", "--quick", "--seed", "8", "--out", tmp_path)[0] == 0
    (state / "settings.json").write_text("{", encoding="utf-8")
    code, _, err = command("calibrate", "--quick", "--seed", "8", "--out", tmp_path)
    assert code == 2 and "settings.json cannot be read" in err


def test_reports_draws_and_one_page_are_written_and_named(command, fake: Fake, tmp_path: Path) -> None:
    command("calibrate", "--pain", "memory", "--out", tmp_path)
    page = (tmp_path / "calibration.html").read_text(encoding="utf-8")
    assert "Pain memory model" in page and "Slow site model" not in page
    # a second call for the other model makes one page of both
    _, out, err = command("calibrate", "--pain", "slow_site", "--out", tmp_path)
    page = (tmp_path / "calibration.html").read_text(encoding="utf-8")
    assert "Pain memory model" in page and "Slow site model" in page
    assert "slow_site: sampling: 1 of 2" in err and f"{REPORTS['slow_site']['sampler']['rhat_worst']:.3f}" in out
    assert all(f": {path}\n" in out for path in (tmp_path, tmp_path / "calibration.html"))
    for model, report in REPORTS.items():
        assert json.loads((tmp_path / model / "calibration.json").read_text(encoding="utf-8")) == report
        assert (tmp_path / model / f"{model}.csv").is_file()
        assert re.search(r'date = "\d{4}-\d\d-\d\d"', (tmp_path / model / f"{model}.toml").read_text(encoding="utf-8"))
    assert not list(tmp_path.rglob("*.partial"))


def test_options_reach_the_calibration(command: Callable, fake: Fake, tmp_path: Path) -> None:
    assert command("calibrate", "--out", tmp_path / "a")[0] == 0
    assert [(pain, settings) for pain, _, settings in fake.called] == [
        ("memory", FULL_SETTINGS),
        ("slow_site", FULL_SETTINGS),
    ]
    assert [folder for _, folder, _ in fake.called] == [tmp_path / "a" / m / "state" for m in ("memory", "slow_site")]
    fake.called.clear()
    assert command("calibrate", "--pain", "slow_site", "--quick", "--seed", "5", "--out", tmp_path / "b")[0] == 0
    ((pain, _, settings),) = fake.called
    assert (pain, settings.seed, settings.samples) == ("slow_site", 5, QUICK_SETTINGS.samples)


def test_json_is_the_document_alone(command: Callable, fake: Fake, tmp_path: Path) -> None:
    mesh = replace(stored("memory").full_mesh, pareto_k=float("nan"))
    fake.report = lambda pain: replace(stored(pain), full_mesh=mesh)
    code, out, _ = command("calibrate", "--pain", "memory", "--json", "--out", tmp_path)
    document = json.loads(out)
    assert code == 0 and list(document) == ["models", "seconds", "files"]
    assert document["models"]["memory"]["parameters"] == REPORTS["memory"]["parameters"]
    assert document["models"]["memory"]["full_mesh"]["pareto_k"] is None
    assert all(Path(path).is_file() for path in document["files"])


@pytest.mark.parametrize(
    ("error", "code", "ending"),
    [
        (OSError(28, "No space left on device"), 1, "the work stopped (No space left on device); {kept}"),
        (KeyboardInterrupt(), 130, "interrupted; {kept}"),
        (ModuleNotFoundError("x", name="numpyro.infer"), 2, str(missing("calibrate", "numpyro.infer"))),
    ],
    ids=["full disk", "interrupted", "extra that does not load"],
)
def test_stopped_work_says_how_to_continue(error, code: int, ending: str, command, fake: Fake, tmp_path: Path) -> None:
    def act(progress: Callable) -> None:
        raise error

    fake.act = act
    ended, out, err = command("calibrate", "--out", tmp_path)
    assert (ended, out) == (code, "")
    assert err.splitlines()[-1] == "letheon: " + ending.format(kept=long_work.kept_in(tmp_path))


def interrupted(progress: Callable) -> None:
    """Press Ctrl-C, and work on."""
    os.kill(os.getpid(), signal.SIGINT)
    for done in range(10_000):
        time.sleep(0.01)
        progress("sampling", done, 10_000)


def test_ctrl_c_keeps_the_state(command: Callable, fake: Fake, tmp_path: Path) -> None:
    fake.act = interrupted
    start = time.monotonic()
    code, out, err = command("calibrate", "--out", tmp_path)
    assert (code, out) == (130, "") and time.monotonic() - start < 10
    assert err.splitlines()[-1] == f"letheon: interrupted; {long_work.kept_in(tmp_path)}"
    assert (tmp_path / "memory" / "state" / "chain_0.npz").read_bytes() == b"kept"
    assert [pain for pain, _, _ in fake.called] == ["memory"]
    code, out, err = command("validate")
    assert (code, out) == (130, "") and "a validation keeps nothing" in err.splitlines()[-1]
    fake.act = lambda progress: None  # the same command goes on
    assert command("calibrate", "--out", tmp_path)[0] == 0


@pytest.mark.parametrize("presses", [1, 2])
def test_work_that_does_not_stop_is_abandoned(presses: int, command, fake: Fake, tmp_path: Path, monkeypatch) -> None:
    over = threading.Event()

    def act(progress: Callable) -> None:
        for _ in range(presses):
            os.kill(os.getpid(), signal.SIGINT)
            over.wait(1.2)
        over.wait(60)

    def leave(code: int) -> None:
        over.set()
        raise SystemExit(code)

    fake.act = act
    monkeypatch.setattr("letheon.views.commands.calibrate._PATIENCE_S", 2.0 if presses == 1 else 600.0)
    monkeypatch.setattr(long_work, "leave", leave)
    start = time.monotonic()
    code, _, err = command("calibrate", "--out", tmp_path)
    assert code == 130 and time.monotonic() - start < 20
    assert "what is finished is kept" in err.splitlines()[-1]


def test_a_validation_is_printed_as_json_and_as_a_page(command: Callable, fake: Fake, tmp_path: Path) -> None:
    code, out, _ = command("validate")
    assert code == 0 and fake.validated["values"] is None and "What matters" not in out
    page = tmp_path / "v.html"
    code, out, _ = command("validate", "--json", "--sensitivity", "--out", page)
    assert code == 0 and json.loads(out) == VALIDATION
    assert "What matters" in page.read_text(encoding="utf-8")
    _, out, _ = command("validate", "--sensitivity", "--out", page)
    assert f"Page: {page}\n" in out and "What matters" in out


def calibrated(folder: Path) -> Path:
    """Put draws of both models into a folder, the slow site's as a folder of its own would hold them."""
    for model, table in (
        ("memory", "memory.tau_s,memory.k_g,acute.c50,placebo.fall,memory.tau_s.sd,between.sd\n"),
        ("slow_site", "slow_site.half_life,acute.c50,acute.c50.sd\n"),
    ):
        (folder / model).mkdir()
        width = table.count(",") + 1
        rows = "".join(",".join(f"{0.1 * (i + 1) + j}" for j in range(width)) + "\n" for i in range(4))
        (folder / model / f"{model}.csv").write_text(table + rows, encoding="utf-8")
        (folder / model / f"{model}.toml").write_text(f"seed = {len(model)}\n", encoding="utf-8")
    return folder


def test_draws_are_merged_in_canonical_units(tmp_path: Path) -> None:
    posteriors = posteriors_in(calibrated(tmp_path))
    values = merged_values(posteriors)
    shipped = typical_values(4)
    assert set(values) == set(shipped)
    assert {len(column) for column in values.values()} == {4}
    rows = np.arange(1, 5) / 10
    np.testing.assert_allclose(values["memory.tau_s"], 24 * rows)  # days to hours
    np.testing.assert_allclose(values["memory.k_g"], (rows + 1) / 24)  # 1/day to 1/h
    np.testing.assert_allclose(values["acute.c50"], rows + 2)
    np.testing.assert_allclose(values["memory.tau_s.sd"], rows + 4)
    np.testing.assert_allclose(values["between.sd"], rows + 5)
    np.testing.assert_allclose(values["slow_site:acute.c50"], rows + 1)  # a shared number of the slow site's own
    np.testing.assert_allclose(values["slow_site:acute.c50.sd"], rows + 2)
    np.testing.assert_allclose(values["slow_site.half_life"], 24 * rows)
    np.testing.assert_array_equal(values["otto2021.cl"], shipped["otto2021.cl"])
    assert list(posteriors_in(tmp_path / "memory")) == ["memory"]
    assert len(merged_values(posteriors, draws=3)["memory.tau_s"]) == 3


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("", "no draws"), ("memory.tau_s\n", "no draws"), ("memory.nothing\n1\n", "'memory.nothing'"),
        ("a,b\n1\n", "expected 2 values"), ("memory.tau_s\n1\nnan\n", "not finite"),
    ],
)  # fmt: skip
def test_bad_draws_are_refused(table: str, reason: str, tmp_path: Path, command: Callable, fake: Fake) -> None:
    (tmp_path / "memory.csv").write_text(table, encoding="utf-8")
    (tmp_path / "memory.toml").write_text("", encoding="utf-8")
    code, _, err = command("validate", "--posterior", tmp_path)
    assert code == 2 and reason in err and fake.validated == {}


def test_validate_takes_the_draws_of_a_calibration(command: Callable, fake: Fake, tmp_path: Path) -> None:
    code, out, _ = command("validate", "--posterior", calibrated(tmp_path), "--json")
    assert code == 0
    assert fake.validated["values"]["memory.tau_s"].tolist() == pytest.approx([2.4, 4.8, 7.2, 9.6])
    assert json.loads(out)["posterior"] == {"memory": {"seed": 6}, "slow_site": {"seed": 9}}
    (tmp_path / "empty").mkdir()
    code, _, err = command("validate", "--posterior", tmp_path / "empty")
    assert code == 2 and "holds no posterior draws" in err


@pytest.mark.slow
def test_a_quick_calibration_and_its_validation_from_end_to_end(tmp_path: Path) -> None:
    """Two minutes each: every file is there, and what it says can be read back and used."""

    def run(*words: object) -> tuple[Any, str]:
        command = [sys.executable, "-m", "letheon", *map(str, words), "--json"]
        process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1500)
        assert process.returncode == 0, process.stderr
        return json.loads(process.stdout), process.stderr

    out, page = tmp_path / "calibration", tmp_path / "validation.html"
    document, err = run("calibrate", "--pain", "slow_site", "--quick", "--out", out)
    report = document["models"]["slow_site"]
    assert report == json.loads((out / "slow_site" / "calibration.json").read_text(encoding="utf-8"))
    assert report["parameters"]["slow_site.half_life"]["unit"] == "day"
    assert "Slow site model" in (out / "calibration.html").read_text(encoding="utf-8")
    assert "slow_site: sampling" in err
    scores, _ = run("validate", "--posterior", out, "--out", page)
    assert {study["study"] for study in scores["studies"]} == {study.id for study in held_out.HELD_OUT}
    assert all(0 < entry["chance"] < 1 for study in scores["studies"] for entry in study["models"].values())
    assert list(scores["posterior"]) == ["slow_site"] and page.is_file()
