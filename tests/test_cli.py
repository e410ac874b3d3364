"""The command line: what it prints where, how it ends, and what it loads.

The oracles are the result document that a command is given, the library's own records, and the contract of exit codes.
"""

import errno
import io
import json
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import letheon
from letheon import errors, runs
from letheon.runs.environment import stamp_of
from letheon.runs.folder import FORMAT, default_folder
from letheon.scenario import Scenario, load
from letheon.views import cli, report, tables

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = [sys.executable, "-m", "letheon.views.cli"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "80", "PYTHONWARNINGS": "default"}
SMALL = str(ROOT / "examples" / "small.yaml")
COMMANDS = [
    *("simulate", "cite", "library", "worksheet", "calibrate", "validate", "query", "optimise", "explore", "evidence"),
]
ANSI = "\x1b["
HEAVY = [
    *("arviz", "jax", "jaxlib", "lifelines", "numpy", "numpyro", "pint", "plotly"),
    *("polars", "pyarrow", "scipy", "statsmodels"),
]
PROBE = f"""
import sys
from letheon.views.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    code = ended.code
print(code, sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)
"""

# --- a run without a simulation ---


def spread(mean: float, width: float, **more: Any) -> dict:
    """Return an endpoint with a mean, a range of patients and a narrower interval of the mean."""
    quantiles = {"sd": width / 3, "q05": mean - width, "q50": mean, "q95": mean + width}
    interval = [mean - width / 10, mean + width / 10]
    labels = {"unit": "NRS", "support": "extrapolated", "basis": ["a2009"]}
    return {"mean": mean, **quantiles, "mean_interval": interval, **labels, **more}


def share(mean: float) -> dict:
    """Return the endpoint of a share."""
    interval = [mean - 0.05, mean + 0.05]
    return {
        "mean": mean,
        "mean_interval": interval,
        "mc_se": 0.01,
        "unit": "share",
        "support": "uncontrolled",
    }


def make_arm(drug: str, nrs: float, median: float | None, difference: dict) -> dict:
    """Return an arm of a result document; `difference` goes into what is compared with placebo."""
    days = {f"nrs_day_{day}": spread(nrs + day / 100, 3.0, **difference) for day in (1, 3, 7, 14, 28, 84)}
    relapse = {"median": median, "median_interval": [12.4, None], "restricted_to": 79.8, "in_remission": 0.86}
    endpoints = {
        **days,
        "responder_30_day_28": share(0.61),
        "responder_50_day_28": share(0.32),
        "remission": share(0.86),
        "relief_days": spread(41.3, 20.0, **difference) | {"unit": "days"},
        "time_to_relapse_days": {**relapse, "support": "not identified"},
        "dose_mg": spread(1280.0 if drug != "placebo" else 0.0, 0.0, unit="mg"),
    }
    rival = {"model": "slow_site", "endpoints": {**endpoints, "nrs_day_84": spread(8.2, 1.0)}}
    return {"drug": drug, "like": None, "endpoints": endpoints, "harms": {}, "rival": rival}


def make_document(arms: dict | None = None) -> dict:
    """Return a result document with what the command line reads of it."""
    difference = {
        "minus_placebo": -1.84,
        "minus_placebo_interval": [-2.31, -1.26],
        "minus_placebo_support": "randomised",
        "minus_placebo_basis": ["b2010"],
    }
    treated, sham = make_arm("esketamine", 4.9, 31.2, difference), make_arm("placebo", 6.7, None, {})
    return {
        "letheon": letheon.__version__,
        "title": "Müller's [bold]trial[/bold] of 100 h ± 1",
        "seed": 7,
        "n_patients": 50,
        "follow_up_days": 84,
        "models": {"pain": "memory", "rival": "slow_site"},
        "population": {"baseline_nrs": {"mean": 7.24}},
        "warnings": ["Otto 2021 was studied over 2 h; esketamine lasts 100 h."],
        "sources": ["otto2021", "sigtermans2009"],
        "interval": "the 90 % interval of the mean over 64 draws",
        "arms": {"esketamine": treated, "placebo": sham} if arms is None else arms,
    }


class Fake:
    """Stands in for `letheon.runs.simulate`: remembers how it was called, returns or raises what it was told."""

    def __init__(self) -> None:
        self.document = make_document()
        self.error: BaseException | None = None
        self.reused = self.continued = False
        self.called: dict[str, Any] = {}

    def __call__(self, scenario: Scenario, **options: Any) -> SimpleNamespace:
        self.called = {"scenario": scenario, **options}
        if self.error:
            raise self.error
        options["out"].mkdir(parents=True, exist_ok=True)
        stamp = {"format": FORMAT} | stamp_of(scenario)
        (options["out"] / "run.json").write_text(json.dumps(stamp), encoding="utf-8")
        (options["out"] / "report.html").write_text(options["page"](self.document, options["text"]), encoding="utf-8")
        return SimpleNamespace(document=self.document, reused=self.reused, continued=self.continued)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Put a fake in the place of the simulator, and a report of one line in that of the real one."""
    made = Fake()
    monkeypatch.setattr(runs, "simulate", made)
    monkeypatch.setattr(report, "render", lambda document, text: text)
    monkeypatch.delenv("LETHEON_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    return made


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs the program here and gives exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capsys.readouterr()

    return run


def is_one_sentence(text: str) -> bool:
    """Say whether this is one line from the program."""
    return bool(re.fullmatch(r"letheon: [^\n]{15,}\n", text))


# --- help ---


def test_help_lists_the_commands_that_work_and_no_others(command: Callable) -> None:
    code, out, err = command("--help")
    assert (code, err) == (0, "")
    assert re.findall(r"^  (\w+) ", out.split("Commands:")[1].split("Example")[0], re.MULTILINE) == COMMANDS
    assert re.findall(r"^  (--\w+)", out, re.MULTILINE) == ["--version", "--help"]
    assert "research and education only" in out.lower()


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself_with_an_example(name: str, command: Callable) -> None:
    code, out, _ = command(name, "--help")
    assert code == 0
    assert f"  {cli.EXAMPLES[name]}\n" in out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_simulate_has_the_options_of_the_contract(command: Callable) -> None:
    _, out, _ = command("simulate", "--help")
    asked = ["--out", "--patients", "--seed", "--quick", "--json", "--quiet", "--fresh", "--cluster", "--help"]
    assert re.findall(r"^  (--\w+)", out, re.MULTILINE) == asked


def test_version(command: Callable) -> None:
    assert command("--version") == (0, f"letheon {letheon.__version__}\n", "")


def test_no_command_shows_the_help_and_fails(command: Callable) -> None:
    code, out, err = command()
    assert (code, out) == (2, "")
    assert "Commands:" in err


def test_help_comes_within_half_a_second() -> None:
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*PROGRAM, "--help"], env=ENVIRONMENT, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # the processor's time, which a busy machine does not lengthen
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert statistics.median(seconds) < 0.5


# --- refusals ---

BARE_NUMBER = "letheon: 1\ntitle: x\nfollow_up: 12\narms: {a: {drug: racemic, sessions: []}}\n"
# arguments, a fragment that says where or what, a fragment that says what would work
REFUSALS = {
    "unknown command": (["simulat", SMALL], "simulat", "nearest is simulate"),
    "unknown option": (["simulate", SMALL, "--patient", "9"], "--patient", "nearest is --patients"),
    "no scenario": (["simulate"], "SCENARIO", "letheon simulate examples/small.yaml"),
    "two scenarios": (
        ["simulate", SMALL, "second.yaml"],
        "second.yaml",
        "letheon simulate examples/small.yaml",
    ),
    "option without value": (["simulate", SMALL, "--out"], "--out", "letheon simulate examples/small.yaml"),
    "no such file": (["simulate", "absent.yaml"], "absent.yaml", "give the path"),
    "bad scenario": (["simulate", "bare.yaml"], "line 3, follow_up", "12 weeks"),
    "no patients": (["simulate", SMALL, "--patients", "0"], "--patients 0", "--patients 1000"),
    "patients in words": (["simulate", SMALL, "--patients", "ten"], "'ten'", "--patients 1000"),
    "endless patients": (["simulate", SMALL, "--patients", "9" * 5000], "--patients '999", "--patients 1000"),
    "negative seed": (["simulate", SMALL, "--seed", "-1"], "--seed -1", "--seed 1"),
    "output is a file": (["simulate", SMALL, "--out", "bare.yaml"], "bare.yaml is a file", "--out"),
    "output under a file": (["simulate", SMALL, "--out", "bare.yaml/x"], "bare.yaml/x", "--out"),
    "output of somebody else": (["simulate", SMALL, "--out", "theirs"], "theirs", "--out"),
    "unknown entry": (["library", "oto2021"], "'oto2021'", "otto2021"),
    "entry like nothing": (["library", "€"], "'€'", "letheon library"),
    "no run there": (["cite", "absent"], "absent", "run folder"),
    "no run folder": (["cite", "theirs"], "theirs", "letheon simulate"),
    "no folder": (["cite", "bare.yaml"], "bare.yaml", "run folder"),
}


def prepare(folder: Path) -> None:
    """Put a bad scenario and a folder with somebody's file into a folder."""
    (folder / "bare.yaml").write_text(BARE_NUMBER, encoding="utf-8")
    (folder / "theirs").mkdir()
    (folder / "theirs" / "thesis.txt").write_text("years of work", encoding="utf-8")


@pytest.mark.parametrize("name", REFUSALS)
def test_bad_input_is_refused_in_one_sentence_that_teaches(
    name: str, command: Callable, fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments, place, remedy = REFUSALS[name]
    prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert is_one_sentence(err)
    assert place in err and remedy in err
    assert sorted(tmp_path.rglob("*")) == before
    assert fake.called == {}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_loads_nothing_heavy(name: str, fresh_python: Callable, tmp_path: Path) -> None:
    prepare(tmp_path)
    ended = fresh_python(PROBE, *REFUSALS[name][0], cwd=tmp_path)
    assert ended.stderr.splitlines()[-1] == "2 []"


@pytest.mark.parametrize("arguments", [["--help"], ["simulate", "--help"], ["--version"], ["library", "otto2021"]])
def test_what_needs_no_numbers_loads_none(arguments: list[str], fresh_python: Callable) -> None:
    assert fresh_python(PROBE, *arguments).stderr == "0 []\n"


def test_the_program_itself_loads_no_reader_of_scenarios(fresh_python: Callable) -> None:
    code = "import sys, letheon.views.cli\nprint(sorted({'ruamel.yaml', 'letheon.runs', 'letheon.scenario'} & set(sys.modules)))"
    assert fresh_python(code).stdout.strip() == "[]"


def test_control_characters_do_not_reach_the_terminal(command: Callable) -> None:
    _, _, err = command("\x1b[31mred")
    assert "\x1b" not in err and "31mred" in err


# --- simulate ---


def test_the_table_shows_the_documents_numbers(command: Callable, fake: Fake, tmp_path: Path) -> None:
    code, out, err = command("simulate", SMALL, "--out", tmp_path / "run")
    assert (code, err) == (0, "")
    rows = [re.split(r"\s{2,}", line.strip()) for line in out.splitlines()]
    assert ["esketamine", "placebo"] in rows
    assert ["baseline, mean", "7.2", "7.2"] in rows
    assert ["day 7, mean", "5.0 [4.7, 5.3]", "6.8 [6.5, 7.1]"] in rows
    assert ["day 84, mean", "5.7 [5.4, 6.0]", "7.5 [7.2, 7.8]"] in rows
    assert ["patients", "5 (2 to 8)", "6.8 (3.8 to 9.8)"] in rows
    assert ["minus placebo", "-1.8 [-2.3, -1.3]"] in rows
    assert ["support", "extrapolated: a2009", "extrapolated: a2009"] in rows
    assert ["support", "randomised: b2010"] in rows
    assert ["30 % less pain, %", "61 [56, 66]", "61 [56, 66]"] in rows
    assert ["support", "uncontrolled", "uncontrolled"] in rows
    assert ["patients", "41 (21 to 61)", "41 (21 to 61)"] in rows
    assert ["mean", "41.3 [39.3, 43.3]", "41.3 [39.3, 43.3]"] in rows
    assert ["in remission, %", "86 [81, 91]", "86 [81, 91]"] in rows
    assert ["median days of these", "31 [12, >80]", ">80 [12, >80]"] in rows
    assert ["support", "not identified", "not identified"] in rows
    assert ["mean", "1280", "0.0"] in rows
    assert ["NRS day 84, mean", "8.2 [8.1, 8.3]", "8.2 [8.1, 8.3]"] in rows


def test_the_words_around_the_table(command: Callable, fake: Fake, tmp_path: Path) -> None:
    _, out, _ = command("simulate", SMALL, "--out", tmp_path / "run")
    flat = " ".join(out.split())
    for said in (
        fake.document["title"],
        "50 virtual patients in each arm, followed for 84 days",
        "the range that 90 % of the patients lie in",
        "how well a mean is known: the 90 % interval of the mean over 64 draws",
        "This result holds no harms",
        "For research and education only",
        f"Warning: {fake.document['warnings'][0]}",
    ):
        assert flat.count(said) == 1
    # paths stay in one piece, to be copied
    assert f"Run folder: {tmp_path / 'run'}\n" in out
    assert f"Report: {tmp_path / 'run' / 'report.html'}\n" in out
    assert (tmp_path / "run" / "report.html").read_text(encoding="utf-8") == Path(SMALL).read_text(encoding="utf-8")


@pytest.mark.parametrize(("count", "tables_due"), [(1, 1), (3, 1), (4, 2), (5, 2), (7, 3)])
def test_arms_stand_side_by_side_in_80_columns(
    count: int, tables_due: int, command: Callable, fake: Fake, tmp_path: Path
) -> None:
    difference = {"minus_placebo": -1.84, "minus_placebo_interval": [-2.31, -1.26]}
    fake.document = make_document(
        {f"arm_{i}": make_arm("racemic", 4.9, 31.2, difference if i else {}) for i in range(count)}
    )
    _, out, _ = command("simulate", SMALL, "--out", tmp_path / "run")
    table = out.split('"patients" is')[0]
    assert max(len(line) for line in table.splitlines()) <= 80
    assert re.findall(r"arm_\d", table) == [f"arm_{i}" for i in range(count)]
    assert table.count("baseline, mean") == tables_due


def test_what_is_absent_is_no_zero(command: Callable, fake: Fake, tmp_path: Path) -> None:
    arm = make_arm("racemic", 4.9, None, {})
    arm["endpoints"]["time_to_relapse_days"] = {
        **{"median": None, "median_interval": [None, None], "restricted_to": 79.8},
        **{"in_remission": 0.0, "support": "assumed"},
    }
    del arm["rival"]
    fake.document = make_document({"ketamine": arm}) | {"models": {"pain": "memory", "rival": None}}
    _, out, _ = command("simulate", SMALL, "--out", tmp_path / "run")
    rows = [re.split(r"\s{2,}", line.strip()) for line in out.splitlines()]
    assert ["median days of these", "-"] in rows
    assert [row[1:] for row in rows if row[0] == "minus placebo"] == [["no placebo arm"]] * 4
    assert "rival" not in out.lower()


def test_a_difference_that_rounds_to_zero_has_no_sign() -> None:
    found = {"minus_placebo": -0.04, "minus_placebo_interval": [-0.2, 0.01]}
    assert tables._with_interval(found, "minus_placebo", "minus_placebo_interval") == "0.0 [-0.2, 0.0]"
    assert tables._with_interval({"minus_placebo": 0.06}, "minus_placebo", "minus_placebo_interval") == "+0.1"


def test_json_is_the_document_and_nothing_else(command: Callable, fake: Fake, tmp_path: Path) -> None:
    code, out, err = command("simulate", SMALL, "--out", tmp_path / "run", "--json")
    assert code == 0
    assert out == json.dumps(fake.document, ensure_ascii=False) + "\n"
    assert list(json.loads(out)) == list(fake.document)
    assert is_one_sentence(err) and fake.document["warnings"][0] in err
    assert command("simulate", SMALL, "--out", tmp_path / "run", "--json", "--quiet") == (0, out, "")


def test_quiet_says_nothing_but_does_it_all(command: Callable, fake: Fake, tmp_path: Path) -> None:
    assert command("simulate", SMALL, "--out", tmp_path / "run", "--quiet") == (0, "", "")
    assert (tmp_path / "run" / "report.html").is_file()


def test_options_reach_the_run(command: Callable, fake: Fake, tmp_path: Path) -> None:
    def asked() -> tuple[int, int, bool]:
        scenario = fake.called["scenario"]
        return scenario.population.n, scenario.seed, fake.called["fresh"]

    command("simulate", SMALL, "--out", tmp_path, "--patients", "900", "--seed", "5", "--fresh")
    assert asked() == (900, 5, True)
    assert (fake.called["out"], fake.called["text"]) == (tmp_path, Path(SMALL).read_text(encoding="utf-8"))
    command("simulate", SMALL, "--out", tmp_path / "quick", "--patients", "900", "--quick")
    assert asked() == (200, load(SMALL).seed, False)
    command("simulate", SMALL, "--out", tmp_path / "few", "--quick")
    assert asked()[0] == load(SMALL).population.n


def test_a_run_that_was_continued_or_finished_before_says_so(command: Callable, fake: Fake, tmp_path: Path) -> None:
    fake.continued = True
    assert "Continued from what an earlier run had finished" in command("simulate", SMALL, "--out", tmp_path)[1]
    fake.reused, fake.continued = True, False
    assert "finished before; --fresh" in command("simulate", SMALL, "--out", tmp_path)[1]


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (errors.InputError("runs/x holds another run; choose another --out."), 2, "another run"),
        (errors.RunError("a worker was lost; run the same command again."), 1, "a worker was lost"),
        (errors.Interrupted("stopped."), 130, "with --out"),
        (KeyboardInterrupt(), 130, "to continue"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "No space left on device"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, "what is finished is kept"),
        (ZeroDivisionError("division\nby zero"), 1, "LETHEON_DEBUG=1"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_failures_end_with_their_code_and_a_sentence(
    error: BaseException, code: int, said: str, command: Callable, fake: Fake, tmp_path: Path
) -> None:
    fake.error = error
    ended, out, err = command("simulate", SMALL, "--out", tmp_path / "run")
    assert (ended, out) == (code, "")
    assert is_one_sentence(err) and said in err
    if code == 130:
        assert str(tmp_path / "run") in err


def test_an_interrupted_fresh_run_is_continued_without_fresh(command: Callable, fake: Fake, tmp_path: Path) -> None:
    fake.error = KeyboardInterrupt()
    assert "without --fresh" in command("simulate", SMALL, "--out", tmp_path, "--fresh")[2]


def test_the_traceback_is_shown_to_who_asks(
    command: Callable, fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LETHEON_DEBUG", "1")
    fake.error = ZeroDivisionError("by zero")
    _, _, err = command("simulate", SMALL, "--out", tmp_path / "run")
    assert err.startswith("Traceback") and "ZeroDivisionError: by zero" in err


def test_a_report_that_cannot_be_written_is_a_failure_of_the_run(
    command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.replace

    def full(source: object, target: object) -> None:
        if str(target).endswith("report.html"):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(os, "replace", full)
    monkeypatch.setattr(report, "render", lambda document, text: text)
    code, _, err = command("simulate", SMALL, "--patients", "2", "--out", tmp_path / "run")
    assert code == 1 and is_one_sentence(err.splitlines(keepends=True)[-1])  # progress stands before it
    assert "report.html" in err and "No space left" in err
    assert (tmp_path / "run" / "result.json").is_file()


# --- streams ---


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return true."""
        return True


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colour_is_for_terminals_and_can_be_refused(
    no_color: str, coloured: bool, fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", no_color)
    with pytest.raises(SystemExit):
        cli.main(["simulate", SMALL, "--out", str(tmp_path / "run")])
    assert (ANSI in screen.getvalue()) is coloured
    assert "esketamine" in screen.getvalue()


def test_no_terminal_no_colour_even_if_forced(
    command: Callable, fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert ANSI not in command("simulate", SMALL, "--out", tmp_path / "run")[1]


def test_letters_that_a_terminal_lacks_end_nothing(fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for option, encoding in (("--fresh", "ascii"), ("--json", "utf-8")):
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
        with pytest.raises(SystemExit) as ended:
            cli.main(["simulate", SMALL, "--out", str(tmp_path / "run"), option])
        assert ended.value.code == 0
        text = raw.getvalue().decode(encoding)
        assert ("Müller" if option == "--json" else "M?ller") in text


def test_a_reader_who_has_seen_enough_is_no_failure() -> None:
    for arguments in (["library", "pair"], ["--version"]):
        child = subprocess.Popen(
            [*PROGRAM, *arguments],
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert child.stdout and child.stderr
        child.stdout.close()
        assert child.stderr.read() == b""
        child.stderr.close()
        assert child.wait() == 0


def test_an_output_that_is_full_is_told(command: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    code, _, err = command("library")
    assert code == 1 and is_one_sentence(err) and "No space left" in err


# --- the real thing ---


def program(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """Run the program as the shell does."""
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, timeout=300, check=False)


def test_a_run_from_the_shell(tmp_path: Path) -> None:
    first = program("simulate", SMALL, "--patients", "9", cwd=tmp_path)
    assert first.returncode == 0, first.stderr.decode()
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder == tmp_path / default_folder(load(folder / "resolved.yaml"))
    assert load(folder / "resolved.yaml").population.n == 9
    assert (folder / "scenario.yaml").read_bytes() == Path(SMALL).read_bytes()
    assert b"9 virtual patients" in first.stdout and b"\x1b" not in first.stdout
    assert (folder / "report.html").stat().st_size > 10_000

    again = program("simulate", SMALL, "--patients", "9", "--json", cwd=tmp_path)
    assert again.returncode == 0
    assert again.stdout == (folder / "result.json").read_bytes()
    assert set(json.loads(again.stdout)["arms"]) == {"ketamine", "placebo"}

    cited = program("cite", folder, cwd=tmp_path).stdout.decode()
    assert [key for key in json.loads(again.stdout)["sources"] if f"\n{key}\n" not in cited] == []

    other = program("simulate", SMALL, "--patients", "9", "--seed", "2", "--out", folder, cwd=tmp_path)
    assert other.returncode == 2
    assert is_one_sentence(other.stderr.decode()) and b"another run" in other.stderr
    assert (folder / "result.json").read_bytes() == again.stdout


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_finished_and_the_same_command_continues(tmp_path: Path) -> None:
    arguments = ["simulate", SMALL, "--patients", "20000", "--out", "run", "--quiet"]
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs inherit deafness to it
    child = subprocess.Popen(
        [*PROGRAM, *arguments], cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE, preexec_fn=heed
    )
    kept = tmp_path / "run" / "endpoints" / "ketamine"
    deadline = time.monotonic() + 120
    while not list(kept.glob("part-*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err.decode()
    assert is_one_sentence(err.decode()) and b"with --out run to continue" in err
    assert list(kept.glob("part-*.parquet")) and not (tmp_path / "run" / "result.json").exists()
    continued = program(*arguments[:-1], cwd=tmp_path)
    assert continued.returncode == 0, continued.stderr.decode()
    assert b"Continued from what an earlier run had finished" in continued.stdout
