"""The command line: what it prints where, how it ends, its progress, and what it does where a stream is closed or full.

The oracles are the result document that a command shows, and the contract of exit codes.
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
from msgspec.structs import replace
from stored import sigtermans

import letheon
from letheon import errors, runs
from letheon.errors import InputError, RunError
from letheon.pipeline.result import RunResult, document_of
from letheon.runs.environment import stamp_of
from letheon.runs.folder import FORMAT, default_folder
from letheon.scenario import Scenario, load
from letheon.views.commands import main as program
from letheon.views.commands.long_work import Progress
from letheon.views.commands.shell import failure_of
from letheon.views.subjects import run as subject

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = [sys.executable, "-m", "letheon"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "80", "PYTHONWARNINGS": "default"}
SMALL = str(ROOT / "examples" / "small.yaml")


class Fake:
    """Stands in for `letheon.runs.simulate`: remembers how it was called, returns or raises what a test sets."""

    def __init__(self) -> None:
        self.result: RunResult = sigtermans()
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
        (options["out"] / "report.html").write_text(options["page"](self.result, options["text"]), encoding="utf-8")
        return SimpleNamespace(
            result=self.result, document=document_of(self.result), reused=self.reused, continued=self.continued
        )


def test_help_names_every_command_with_an_example(command: Callable) -> None:
    code, out, err = command("--help")
    assert (code, err) == (0, "")
    names = re.findall(r"^  (\w+) ", out.split("Commands:")[1].split("Example")[0], re.MULTILINE)
    assert names == [*program.COMMANDS, "evidence"]
    assert "research and education only" in out.lower()
    for name, example in program.EXAMPLES.items():
        code, out, _ = command(*name.split(), "--help")
        assert code == 0 and f"  {example}\n" in out and max(map(len, out.splitlines())) <= 80
    assert command("--version") == (0, f"letheon {letheon.__version__}\n", "")
    code, out, err = command()
    assert (code, out) == (2, "") and "Commands:" in err


def test_summary_and_paths_are_printed_or_json_or_nothing(simulate: Callable, fake: Fake, tmp_path: Path) -> None:
    fake.result = replace(sigtermans(), title="Müller's [bold]trial[/bold] of 100 h ± 1")
    (code, out, err), folder = simulate("--full"), tmp_path / "run"
    assert (code, err) == (0, "")
    flat = " ".join(out.split())
    for sentence in (
        "1,000 virtual patients in each arm, followed for 84 days",
        "1,000 virtual patients an arm, 84 days",
        *(f"Warning: {warning}" for warning in fake.result.warnings),
    ):
        assert flat.count(sentence) == 1, sentence
    # the answer comes last, and alone without the option
    answer = simulate()[1]
    assert out.endswith(answer) and answer.startswith(fake.result.title) and len(answer) < len(out) / 2
    # paths stay in one piece, to be copied
    assert f"Run folder: {folder}\nReport: {folder / 'report.html'}\n" in out
    assert (folder / "report.html").read_text(encoding="utf-8") == Path(SMALL).read_text(encoding="utf-8")
    code, out, err = simulate("--json")
    assert (code, out) == (0, json.dumps(document_of(fake.result), ensure_ascii=False) + "\n")
    assert err == "".join(f"letheon: warning: {warning}\n" for warning in fake.result.warnings)
    assert simulate("--json", "--quiet") == (0, out, "")
    assert simulate("--quiet") == (0, "", "")
    fake.continued = True
    assert "Continued from what an earlier run had finished" in simulate()[1]
    fake.reused = True
    assert "finished before; --fresh" in simulate()[1]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Put a fake in the place of the simulator, and a report of one line in that of the real one."""
    fake = Fake()
    monkeypatch.setattr(runs, "simulate", fake)
    monkeypatch.setattr(subject, "page", lambda result, text: text)
    return fake


@pytest.fixture
def simulate(command: Callable, fake: Fake, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    return lambda *options: command("simulate", SMALL, "--out", tmp_path / "run", *options)


def is_one_sentence(text: str) -> bool:
    return bool(re.fullmatch(r"letheon: [^\n]{15,}\n", text))


def test_help_names_every_command(command: Callable) -> None:
    code, out, err = command("--help")
    assert (code, err) == (0, "")
    names = re.findall(r"^  (\w+) ", out.split("Commands:")[1].split("Example")[0], re.MULTILINE)
    assert names == [*program.COMMANDS, "evidence"]
    assert re.findall(r"^  (--\w+)", out, re.MULTILINE) == ["--version", "--help"]
    assert "research and education only" in out.lower()


def test_help_comes_within_half_a_second() -> None:
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*PROGRAM, "--help"], env=ENVIRONMENT, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # the processor's time, which a busy machine does not lengthen
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert statistics.median(seconds) < 0.5


def test_options_reach_the_run(command: Callable, fake: Fake, tmp_path: Path) -> None:
    small = load(SMALL)
    for options, expected in {
        ("--patients", "900", "--seed", "5", "--fresh"): (900, 5, True),
        ("--patients", "900", "--quick"): (200, small.seed, False),
        ("--quick",): (small.population.n, small.seed, False),
    }.items():
        folder = tmp_path / "".join(options)
        command("simulate", SMALL, "--out", folder, *options)
        scenario = fake.called["scenario"]
        assert (scenario.population.n, scenario.seed, fake.called["fresh"]) == expected
        assert fake.called["out"] == folder
        assert fake.called["text"] == Path(SMALL).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (errors.InputError("runs/x holds another run; choose another --out."), 2, "another run"),
        (errors.RunError("a worker was lost; run the same command again."), 1, "a worker was lost"),
        (errors.Interrupted("stopped."), 130, "run the same command, without --fresh, with --out"),
        (KeyboardInterrupt(), 130, "to continue"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "No space left on device"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, "what is finished is kept"),
        (ZeroDivisionError("division\nby zero"), 1, "LETHEON_DEBUG=1"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_failures_end_with_their_code_and_a_sentence(error, code, words, simulate, fake, tmp_path, monkeypatch) -> None:
    fake.error = error
    ended, out, err = simulate("--fresh")
    assert (ended, out) == (code, "")
    assert is_one_sentence(err) and words in err
    assert code != 130 or str(tmp_path / "run") in err
    if isinstance(error, ZeroDivisionError):
        monkeypatch.setenv("LETHEON_DEBUG", "1")
        err = simulate()[2]
        assert err.startswith("Traceback") and "ZeroDivisionError: division" in err


def test_output_is_coloured_only_for_terminals_and_if_wanted(fake: Fake, simulate, tmp_path: Path, monkeypatch) -> None:
    for no_color in ("", "1"):
        screen = io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(screen, "isatty", lambda: True, raising=False)
            patch.setattr(sys, "stdout", screen)
            patch.setenv("TERM", "xterm-256color")
            patch.setenv("NO_COLOR", no_color)
            with pytest.raises(SystemExit):
                program.main(["simulate", SMALL, "--out", str(tmp_path / "run")])
        assert ("\x1b[" in screen.getvalue()) is (not no_color)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" not in simulate()[1]


def test_an_unwritable_report_fails_the_run(command: Callable, tmp_path: Path, monkeypatch) -> None:
    """The result has been written by then, and stays."""
    rename = os.replace

    def full(source: str, target: str) -> None:
        if str(target).endswith("report.html"):
            raise OSError(errno.ENOSPC, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "replace", full)
    monkeypatch.setattr(subject, "page", lambda result, text: text)
    code, _, err = command("simulate", SMALL, "--patients", "2", "--out", tmp_path / "run")
    assert code == 1 and is_one_sentence(err.splitlines(keepends=True)[-1])  # progress stands before it
    assert "report.html" in err and "No space left" in err
    assert (tmp_path / "run" / "result.json").is_file()


def test_letters_that_a_terminal_lacks_are_replaced(fake: Fake, tmp_path: Path, monkeypatch) -> None:
    fake.result = replace(sigtermans(), title="Müller")
    for option, encoding, title in (("--fresh", "ascii", "M?ller"), ("--json", "utf-8", "Müller")):
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
        with pytest.raises(SystemExit) as ended:
            program.main(["simulate", SMALL, "--out", str(tmp_path / "run"), option])
        assert ended.value.code == 0
        assert title in raw.getvalue().decode(encoding)


def shell(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, timeout=300, check=False)


def test_a_run_from_the_shell(tmp_path: Path) -> None:
    first = shell("simulate", SMALL, "--patients", "9", cwd=tmp_path)
    assert first.returncode == 0, first.stderr.decode()
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder == tmp_path / default_folder(load(folder / "resolved.yaml"))
    assert load(folder / "resolved.yaml").population.n == 9
    assert (folder / "scenario.yaml").read_bytes() == Path(SMALL).read_bytes()
    assert b"9 virtual patients" in first.stdout and b"\x1b" not in first.stdout
    assert (folder / "report.html").stat().st_size > 10_000

    again = shell("simulate", SMALL, "--patients", "9", "--json", cwd=tmp_path)
    assert again.returncode == 0
    assert again.stdout == (folder / "result.json").read_bytes()
    assert set(json.loads(again.stdout)["arms"]) == {"ketamine", "placebo"}

    cited = " ".join(shell("cite", folder, cwd=tmp_path).stdout.decode().split())
    sources = enumerate(json.loads(again.stdout)["sources"], 1)
    assert [key for place, key in sources if f" {place}. {key} " not in cited] == []

    other = shell("simulate", SMALL, "--patients", "9", "--seed", "2", "--out", folder, cwd=tmp_path)
    assert other.returncode == 2
    assert is_one_sentence(other.stderr.decode()) and b"another run" in other.stderr
    assert (folder / "result.json").read_bytes() == again.stdout


@pytest.mark.slow
def test_ctrl_c_keeps_finished_work_and_the_same_command_continues(tmp_path: Path) -> None:
    arguments = ["simulate", SMALL, "--patients", "20000", "--out", "run", "--quiet"]
    default = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs ignore Ctrl-C
    child = subprocess.Popen(
        [*PROGRAM, *arguments], cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE, preexec_fn=default
    )
    blocks = tmp_path / "run" / "endpoints" / "ketamine"
    deadline = time.monotonic() + 120
    while not list(blocks.glob("part-*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err.decode()
    assert is_one_sentence(err.decode()) and b"with --out run to continue" in err
    assert list(blocks.glob("part-*.parquet")) and not (tmp_path / "run" / "result.json").exists()
    continued = shell(*arguments[:-1], cwd=tmp_path)
    assert continued.returncode == 0, continued.stderr.decode()
    assert b"Continued from what an earlier run had finished" in continued.stdout


def redirected(arguments: str, streams: str, cwd: Path) -> tuple[int, str]:
    line = f'"{sys.executable}" -m letheon {arguments} {streams}'
    ran = subprocess.run(["sh", "-c", line], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    return ran.returncode, ran.stderr


@pytest.mark.parametrize(
    ("arguments", "streams", "code", "words"),
    [
        ("--help", ">&-", 1, "the output could not be written"), ("library", ">/dev/full", 1, "No space left"),
        ("library", "2>&-", 0, ""), ("library", ">&- 2>&-", 1, ""), ("library nope", "2>&-", 2, ""),
        ("", "2>/dev/full", 2, ""),
    ],
)  # fmt: skip
def test_closed_and_full_streams(arguments: str, streams: str, code: int, words: str, tmp_path: Path) -> None:
    ended, err = redirected(arguments, streams, tmp_path)
    assert ended == code
    assert words in err and err.count("\n") == bool(words)
    assert "unexpected" not in err


@pytest.mark.parametrize("arguments", ["--help", "library pair"])
def test_closed_stdout_exits_zero(arguments: str) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "letheon", *arguments.split()]
    ran = subprocess.run(command, env=ENVIRONMENT, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (ran.returncode, ran.stderr) == (0, b"")


@pytest.mark.long
def test_a_run_with_closed_streams_is_whole(tmp_path: Path) -> None:
    """With descriptors 1 and 2 closed, the next files opened would take their numbers, and their output."""
    assert redirected(f"simulate {SMALL} --patients 2 --out run --json", ">&- 2>&-", tmp_path)[0] == 1
    assert redirected(f"simulate {SMALL} --patients 2 --out run --quiet", ">&-", tmp_path) == (0, "")
    assert redirected("query run 'SELECT count(*) FROM endpoints'", "", tmp_path) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        "simulate {small} --out {long}",
        "optimise {small} --out {long}",
        "calibrate --quick --out {long}",
        "validate --posterior {long}",
        "query {long} 'SELECT 1'",
    ],
)
def test_names_that_no_file_can_have_are_refused(arguments: str, tmp_path: Path) -> None:
    code, err = redirected(arguments.format(small=SMALL, long="x" * 300), "", tmp_path)
    assert code == 2
    assert err.count("\n") == 1 and "unexpected" not in err
    assert list(tmp_path.iterdir()) == []


def test_refusals_of_the_system_are_of_a_path_or_of_the_output() -> None:
    assert isinstance(failure_of(FileNotFoundError(2, "No such file or directory", "x")), InputError)
    assert isinstance(failure_of(OSError(28, "No space left on device", "x")), RunError)


def lines(clock: list[float], report: Callable[[Progress], None], unit: str = "") -> list[str]:
    """Return the plain lines of reports that come at given times [s]."""
    stream, seconds = io.StringIO(), iter(clock)
    with Progress(unit=unit, stream=stream, clock=lambda: next(seconds)) as progress:
        report(progress)
    return stream.getvalue().splitlines()


def test_lines_come_every_few_seconds_whatever_is_worked_on() -> None:
    def report(progress: Progress) -> None:
        for done, arm in zip((0, 100, 200, 300, 400, 500), "aaabbb", strict=True):
            progress(arm, done, 1000)

    # 300 in 6 s, then 500 in 10 s
    assert lines([10, 12, 14, 16, 19, 21], report, "patient courses") == [
        "letheon: a: 0 of 1000 patient courses",
        "letheon: b: 300 of 1000 patient courses, 50 a second, 14 s left",
        "letheon: b: 500 of 1000 patient courses, 45 a second, 11 s left",
    ]


def test_stages_are_shown_at_once_and_earlier_work_is_not_in_the_rate() -> None:
    def report(progress: Progress) -> None:
        progress.about = "memory"
        progress("preparing trials", 0, 1)
        progress("sampling", 0, 1000)
        progress("sampling", 400, 1000)  # within the first second: left by an earlier call
        progress("sampling", 500, 1000)
        for done in (501, 502, 506, 514):  # calls that follow one another closely count all the same
            progress("sampling", done, 1000)
        progress("checking", 0, 1)

    assert lines([0, 10, 10.5, 10.9, 11.4, 12, 14, 16.5, 60], report) == [
        "letheon: memory: preparing trials",
        "letheon: memory: sampling: 0 of 1000",
        "letheon: memory: sampling: 514 of 1000, 2 a second, 3 min left",
        "letheon: memory: checking",
    ]


def test_quiet_is_silent_and_a_lost_stream_ends_no_work() -> None:
    stream = io.StringIO()
    with Progress(quiet=True, stream=stream) as progress:
        progress("a", 1, 2)
    assert stream.getvalue() == ""

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    with Progress(stream=Gone()) as progress:
        progress("a", 1, 2)
        progress("b", 1, 3)


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True, raising=False)
    seconds = iter([0, 2, 4])
    with Progress(stream=screen, clock=lambda: next(seconds)) as progress:
        for done in (10, 30, 50):
            progress("esketamine", done, 100)
    assert "50 %" in screen.getvalue() and "left" in screen.getvalue()
