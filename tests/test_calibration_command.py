"""`letheon calibrate` and `letheon validate`: what they print and write, what they refuse, and how they stop.

The numerics are replaced by small documents made by hand: those are the oracle, with the contract of exit codes.
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

import calibration_document as documents
import numpy as np
import pytest

from letheon.errors import InputError
from letheon.extras import missing
from letheon.library.posterior import parse_posterior
from letheon.patients.uncertainty import typical_values
from letheon.study import plain as numerics
from letheon.study.calibrate.document import FULL_SETTINGS, QUICK_SETTINGS
from letheon.study.calibrate.posteriors import merged_values, posteriors_in
from letheon.study.validate import held_out
from letheon.views.commands import interruption

REPORTS = {"memory": documents.memory(), "slow_site": documents.slow_site()}


class Fake:
    """Stands in for the numerics: remembers how it was called, and does what it was told."""

    def __init__(self) -> None:
        self.called: list[tuple[str, Path, Any]] = []
        self.validated: dict[str, Any] = {}
        self.act: Callable[[Callable], None] = lambda progress: progress("sampling", 1, 2)
        self.report: Callable[[str], dict] = lambda pain: REPORTS[pain]

    def calibrate(self, pain: str, folder: Path, settings: Any, progress: Callable) -> SimpleNamespace:
        self.called.append((pain, folder, settings))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "chain_0.npz").write_bytes(b"kept")
        self.act(progress)
        return SimpleNamespace(pain=pain, report=self.report(pain))

    def files(self, result: SimpleNamespace, date: str) -> dict[str, str]:
        return {f"{result.pain}.csv": "memory.tau_s\n2\n", f"{result.pain}.toml": f'date = "{date}"\n'}

    def validate(self, values: Any = None, progress: Callable | None = None) -> dict[str, Any]:
        self.validated = {"values": values}
        if progress:
            progress("simulating x under memory", 0, 2)
        found = documents.validation()
        return {name: found[name] for name in ("studies", "total", "timing")}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """Put a fake in the place of the numerics; Ctrl-C raises as it does for a person, even where tests ignore it."""
    made = Fake()
    monkeypatch.setattr(numerics, "calibrate", made.calibrate)
    monkeypatch.setattr(numerics, "posterior_files", made.files)
    monkeypatch.setattr(numerics, "validate", made.validate)
    monkeypatch.setattr(numerics, "tornado", lambda values=None, progress=None: documents.sensitivity())
    monkeypatch.setattr(numerics, "between_studies", lambda *_, **__: documents.between_studies())
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield made
    signal.signal(signal.SIGINT, before)


def lines(text: str) -> list[str]:
    """Return the lines with one blank between words, however wide the table is."""
    return [flat(line) for line in text.splitlines()]


def flat(text: str) -> str:
    """Return a text without its line breaks."""
    return " ".join(text.split())


# --- refusals ---


@pytest.mark.parametrize("absent", ["numpyro", "arviz"])
def test_a_missing_extra_is_named_first(
    absent: str, command: Callable, fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, absent, None)
    code, out, err = command("calibrate", "--quick", "--out", tmp_path / "new")
    assert (code, out) == (2, "")
    assert err == f"letheon: {missing('calibrate', absent)}\n"
    assert fake.called == [] and not (tmp_path / "new").exists()


def test_an_extra_that_does_not_load_is_named(command: Callable, fake: Fake, tmp_path: Path) -> None:
    def act(progress: Callable) -> None:
        raise ModuleNotFoundError("No module named 'numpyro.infer'", name="numpyro.infer")

    fake.act = act
    code, _, err = command("calibrate", "--out", tmp_path)
    assert code == 2 and str(missing("calibrate", "numpyro.infer")) in err and "Traceback" not in err


def test_another_calibrations_folder_is_refused_first(command: Callable, fake: Fake, tmp_path: Path) -> None:
    state = tmp_path / "slow_site" / "state"
    state.mkdir(parents=True)
    left = json.loads(json.dumps({**calibration_settings(QUICK_SETTINGS), "seed": 8, "pain": "slow_site"}))
    (state / "settings.json").write_text(json.dumps(left), encoding="utf-8")
    code, _, err = command("calibrate", "--quick", "--out", tmp_path)
    assert (code, fake.called) == (2, [])
    assert "other settings (seed)" in err and str(tmp_path / "slow_site") in err
    assert command("calibrate", "--quick", "--seed", "8", "--out", tmp_path)[0] == 0
    (state / "settings.json").write_text("{", encoding="utf-8")
    code, _, err = command("calibrate", "--quick", "--seed", "8", "--out", tmp_path)
    assert code == 2 and "settings.json cannot be read" in err


def calibration_settings(settings: Any) -> dict[str, Any]:
    """Return settings by name."""
    return {name: getattr(settings, name) for name in settings.__slots__}


# --- calibrate ---


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


def test_reports_draws_and_one_page_are_written(command: Callable, fake: Fake, tmp_path: Path) -> None:
    command("calibrate", "--pain", "memory", "--out", tmp_path)
    page = (tmp_path / "calibration.html").read_text(encoding="utf-8")
    assert "Pain memory model" in page and "Slow site model" not in page
    # a second call for the other model makes one page of both
    command("calibrate", "--pain", "slow_site", "--out", tmp_path)
    page = (tmp_path / "calibration.html").read_text(encoding="utf-8")
    assert "Pain memory model" in page and "Slow site model" in page
    for model, report in REPORTS.items():
        assert json.loads((tmp_path / model / "calibration.json").read_text(encoding="utf-8")) == report
        assert (tmp_path / model / f"{model}.csv").is_file()
        assert re.search(r'date = "\d{4}-\d\d-\d\d"', (tmp_path / model / f"{model}.toml").read_text(encoding="utf-8"))
    assert not list(tmp_path.rglob("*.partial"))


def test_the_tables_show_the_reports_numbers(command: Callable, fake: Fake, tmp_path: Path) -> None:
    code, out, err = command("calibrate", "--out", tmp_path)
    assert code == 0 and "memory: sampling: 1 of 2" in err
    rows = lines(out)
    for row in (
        ["R-hat, worst", "1.004", "at most 1.01", "met"],
        ["R-hat, worst", "1.264", "at most 1.01", "NOT MET"],
        ["divergent iterations", "3", "none", "NOT MET"],
        ["Pareto k of the full mesh", "-", "below 0.7", "NOT MET"],
        ["memory.tau_s", "2.96 [1.09, 4.14]", "days", "0.62", "yes"],
        ["memory.tau_s.sd", "0.349 [0.193, 0.526]", "0.06", "no"],
        ["acute.c50", "1240 [617, 2710]", "ng/mL", "0.51", "yes"],
        ["pain on", "2.68 ± 0.51", "5.02", "3.20 [2.60, 3.80]", "2.25 to 4.33", "yes"],
        ["pain on placebo,", "5.45 ± 0.48", "6.55", "7.00 [6.60, 7.40]", "6.10 to 7.90", "NO"],
        ["minus placebo,", "at most -1.70", "-0.62", "-1.81 [-2.60, -1.15]", "-", "yes"],
        ["mean relief, day", "0 to 15 %", "25 %", "10 % [7, 13 %]", "-", "yes"],
        ["mean relief, day", "-", "48 %", "25 % [18, 30 %]", "-", "-"],
        ["pain halved on", "2 of 12", "13 %", "15 % [7, 29 %]", "0 to 52 %", "yes"],
        # the slow site was not fitted to the trial's mean: predicted SE and posterior together
        ["pain on", "2.68 ± 0.51", "3.70", "4.28 [3.31, 5.32]", "3.00 to 5.62", "NO*"],
    ):
        assert " ".join(row) in rows, row
    assert max(len(line) for line in out.split("Folder:")[0].splitlines()) <= 80


def test_the_sentences_of_a_calibration(command: Callable, fake: Fake, tmp_path: Path) -> None:
    _, out, _ = command("calibrate", "--out", tmp_path)
    text = flat(out)
    for said in (
        "2 chains of 10 + 20 iterations, 8 people an arm, 3 starts, trees up to depth 4, seed 7",
        "Mode 1: 2 of 3 starts, log posterior -20.2, 75 % of the mass",
        "Mode 2: 1 of 3 starts, log posterior -23.5, 25 % of the mass",
        "All checks of the sampler are met",
        "4 of 6 checks of the sampler are not met (R-hat, worst 1.264, due at most 1.01;",
        "The data do not identify 1 of the 3 parameters of the population",
        ": memory.tau_s.sd. What is said of these is what was assumed.",
        "Of 5 reported values that were fitted, 4 lie inside the 90 % interval; outside: pain on placebo, week 1"
        " (sigtermans2009).",
        "* not fitted",
        "For research and education only",
    ):
        assert said in text, said
    for path in (tmp_path, tmp_path / "memory" / "memory.csv", tmp_path / "calibration.html"):
        assert f": {path}\n" in out


def test_json_is_the_document_alone(command: Callable, fake: Fake, tmp_path: Path) -> None:
    fake.report = lambda pain: REPORTS[pain] | {"full_mesh": {**REPORTS[pain]["full_mesh"], "pareto_k": float("nan")}}
    code, out, _ = command("calibrate", "--pain", "memory", "--json", "--out", tmp_path)
    told = json.loads(out)
    assert code == 0 and list(told) == ["models", "seconds", "files"]
    assert told["models"]["memory"]["parameters"] == REPORTS["memory"]["parameters"]
    assert told["models"]["memory"]["full_mesh"]["pareto_k"] is None
    assert all(Path(path).is_file() for path in told["files"])


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (OSError(28, "No space left on device"), 1, "the work stopped (No space left on device)"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=["full disk", "interrupted"],
)
def test_stopped_work_tells_how_to_continue(
    error: BaseException, code: int, words: str, command: Callable, fake: Fake, tmp_path: Path
) -> None:
    def act(progress: Callable) -> None:
        raise error

    fake.act = act
    ended, out, err = command("calibrate", "--out", tmp_path)
    assert (ended, out) == (code, "")
    assert err.splitlines()[-1] == f"letheon: {words}; {interruption.kept_in(tmp_path)}"


# --- Ctrl-C ---


def press() -> None:
    """Press Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_keeps_the_state(command: Callable, fake: Fake, tmp_path: Path) -> None:
    def act(progress: Callable) -> None:
        press()
        for done in range(10_000):
            time.sleep(0.01)
            progress("sampling", done, 10_000)

    fake.act = act
    start = time.monotonic()
    code, out, err = command("calibrate", "--out", tmp_path)
    assert (code, out) == (130, "") and time.monotonic() - start < 10
    stopping, ended = err.splitlines()[-2:]
    assert stopping.startswith("letheon: stopping, which takes up to 2 s")
    assert ended == f"letheon: interrupted; {interruption.kept_in(tmp_path)}"
    assert (tmp_path / "memory" / "state" / "chain_0.npz").read_bytes() == b"kept"
    assert [pain for pain, _, _ in fake.called] == ["memory"]
    # the same command goes on
    fake.act = lambda progress: None
    assert command("calibrate", "--out", tmp_path)[0] == 0


@pytest.mark.parametrize("presses", [1, 2])
def test_work_that_does_not_stop_is_abandoned(
    presses: int, command: Callable, fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def act(progress: Callable) -> None:
        for _ in range(presses):
            press()
            over.wait(1.2)
        over.wait(60)

    def leave(code: int) -> None:
        over.set()
        raise SystemExit(code)

    fake.act = act
    monkeypatch.setattr("letheon.views.commands.calibrate._PATIENCE_S", 2.0 if presses == 1 else 600.0)
    monkeypatch.setattr(interruption, "leave", leave)
    start = time.monotonic()
    code, _, err = command("calibrate", "--out", tmp_path)
    assert code == 130 and time.monotonic() - start < 20
    assert "what is finished is kept" in err.splitlines()[-1]


# --- validate ---


def test_the_held_out_table(command: Callable, fake: Fake) -> None:
    code, out, _ = command("validate")
    assert code == 0 and fake.validated["values"] is None
    rows, text = lines(out), flat(out)
    for row in (
        ["seen: lower, p < 0.05", "slow site", "-2.2", "-3.1, -1.3", "-4.5, 0.0", "50 %"],
        ["responders of four", "pain memory", "3.0", "2.0, 4.0", "0.5, 5.5", "NO"],
        ["schwartzman2009", "14 % ± 0.4 %, -1.96", "35 % ± 0.4 %, -1.04"],
        ["kiefer2008pilot", "2 % ± 0.4 %, -3.75", "0.5 % ± 0.4 %, -5.26"],
        ["total log score", "-5.71", "-6.30"],
        ["correll2004, first course", "pain memory", "46 %", "33", "0.8 %"],
        ["seen: most still relieved at 90", "slow site", "46 %", "not in 180", "0.8 %"],
    ):
        assert " ".join(row) in rows, row
    for said in (
        "Found: none of four responds. Chance given to it: pain memory 2 %, slow site 0.5 %.",
        "These trials cannot tell which model predicts better: the pain memory model leads by 0.59 in log score"
        " (odds of 1.8 to 1), and a difference of less than 1.10 (odds of 3 to 1) tells nothing.",
        "Expected difference: 0.20 in its favour if the pain memory model were true and 0.34 in its favour if the slow"
        " site model were true: too few trials",
        "The slow site model misses kiefer2008pilot: it gave 0.5 % to what was found",
    ):
        assert said in text, said
    assert "misses schwartzman2009" not in text
    assert max(len(line) for line in out.splitlines()) <= 80


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (2.3, "The pain memory model predicts better than the slow site model, by 2.30 in log score (odds of 10 to 1)"),
        (-2.3, "The slow site model predicts better than the pain memory model, by 2.30"),
        (-0.1, "cannot tell which model predicts better: the slow site model leads by 0.10"),
        (-900.0, "The slow site model predicts better"),
    ],
)
def test_the_verdict_names_the_better_model(difference: float, said: str) -> None:
    from letheon.views.validation_words import verdict

    document = documents.validation()
    document["total"]["difference"] = difference
    assert said in verdict(document)


def test_validation_as_json_with_a_page(command: Callable, fake: Fake, tmp_path: Path) -> None:
    page = tmp_path / "v.html"
    code, out, _ = command("validate", "--json", "--sensitivity", "--out", page)
    told = json.loads(out)
    assert code == 0 and told["studies"] == documents.validation()["studies"]
    assert told["sensitivity"] == documents.sensitivity()
    assert told["between_studies"] == documents.between_studies()
    assert "receptor scale" in page.read_text(encoding="utf-8")
    _, out, _ = command("validate", "--sensitivity", "--out", page)
    assert f"Page: {page}\n" in out
    spread = flat(out.split("If studies differ")[1].split("What matters")[0])
    assert "pain memory -2.4 (-3.6, -1.2) -2.4 (-3.8, -1.0) -2.4 (-4.2, -0.6)" in spread
    assert "reported -2.77" in spread and "fitted as 0.21" in spread and "pain memory 2 % 2 % 2 %" in spread
    tornado = out.split("What matters")[1]
    # the widest first, each end beside its value
    assert tornado.index("receptor scale") < tornado.index("flares")
    assert "receptor scale 26.1 9.3 " + "█" * 13 + "|" + "░" * 11 in lines(tornado)


def test_ctrl_c_during_a_validation(command: Callable, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    def validate(values: Any = None, progress: Callable = lambda *_: None) -> dict:
        press()
        for done in range(10_000):
            time.sleep(0.01)
            progress("simulating", done, 10_000)
        return {}

    monkeypatch.setattr(numerics, "validate", validate)
    code, out, err = command("validate")
    assert (code, out) == (130, "") and "a validation keeps nothing" in err.splitlines()[-1]


# --- draws of a calibration in the place of the shipped ones ---


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
    found = posteriors_in(calibrated(tmp_path))
    values = merged_values(found)
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


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "no draws"),
        ("memory.tau_s\n", "no draws"),
        ("memory.nothing\n1\n", "'memory.nothing'"),
        ("a,b\n1\n", "due"),
        ("memory.tau_s\n1\nnan\n", "not finite"),
    ],
)
def test_bad_draws_are_refused(table: str, said: str, tmp_path: Path, command: Callable, fake: Fake) -> None:
    (tmp_path / "memory.csv").write_text(table, encoding="utf-8")
    (tmp_path / "memory.toml").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=said):
        merged_values(posteriors_in(tmp_path))
    code, _, err = command("validate", "--posterior", tmp_path)
    assert code == 2 and said in err and fake.validated == {}


def test_validate_takes_the_draws_of_a_calibration(command: Callable, fake: Fake, tmp_path: Path) -> None:
    code, out, _ = command("validate", "--posterior", calibrated(tmp_path), "--json")
    assert code == 0
    assert fake.validated["values"]["memory.tau_s"].tolist() == pytest.approx([2.4, 4.8, 7.2, 9.6])
    assert json.loads(out)["posterior"] == {"memory": {"seed": 6}, "slow_site": {"seed": 9}}
    (tmp_path / "empty").mkdir()
    code, _, err = command("validate", "--posterior", tmp_path / "empty")
    assert code == 2 and "holds no posterior draws" in err


def test_only_as_many_draws_as_asked() -> None:
    table = parse_posterior("memory", "memory.tau_s\n" + "2\n" * 9, "", "x")
    assert len(merged_values({"memory": table}, draws=5)["memory.tau_s"]) == 5


# --- the real thing ---


@pytest.mark.slow
def test_a_quick_calibration_and_its_validation_from_end_to_end(tmp_path: Path) -> None:
    """Two minutes each: every file is there, and what it says can be read back and used."""
    program = [sys.executable, "-m", "letheon"]
    out = tmp_path / "calibration"
    words = ["calibrate", "--pain", "slow_site", "--quick", "--out", str(out), "--json"]
    made = subprocess.run([*program, *words], capture_output=True, text=True, check=False, timeout=1500)
    assert made.returncode == 0, made.stderr
    report = json.loads(made.stdout)["models"]["slow_site"]
    assert report == json.loads((out / "slow_site" / "calibration.json").read_text(encoding="utf-8"))
    assert report["parameters"]["slow_site.half_life"]["unit"] == "day"
    assert "Slow site model" in (out / "calibration.html").read_text(encoding="utf-8")
    assert "slow_site: sampling" in made.stderr
    page = tmp_path / "validation.html"
    words = ["validate", "--posterior", str(out), "--out", str(page), "--json"]
    scored = subprocess.run([*program, *words], capture_output=True, text=True, check=False, timeout=1500)
    assert scored.returncode == 0, scored.stderr
    found = json.loads(scored.stdout)
    assert {study["study"] for study in found["studies"]} == {study.id for study in held_out.HELD_OUT}
    assert all(0 < entry["chance"] < 1 for study in found["studies"] for entry in study["models"].values())
    assert list(found["posterior"]) == ["slow_site"] and page.is_file()
