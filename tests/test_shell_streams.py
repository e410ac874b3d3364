"""stdout and stderr that are closed, full or left by their reader: one sentence, and the right exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from letheon.errors import InputError, RunError
from letheon.views.commands.output import failure_of

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
SMALL = ROOT / "examples" / "small.yaml"


def shell(arguments: str, streams: str, cwd: Path) -> tuple[int, str]:
    """Run a command in a shell with streams redirected; return exit code and what stderr had."""
    line = f'"{sys.executable}" -m letheon {arguments} {streams}'
    ran = subprocess.run(["sh", "-c", line], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    return ran.returncode, ran.stderr


@pytest.mark.parametrize(
    ("arguments", "streams", "code", "words"),
    [
        ("--help", ">&-", 1, "the output could not be written"),
        ("library", ">/dev/full", 1, "No space left"),
        ("library", "2>&-", 0, ""),
        ("library", ">&- 2>&-", 1, ""),
        ("library nope", "2>&-", 2, ""),
        ("", "2>/dev/full", 2, ""),
    ],
)
def test_closed_and_full_streams(arguments: str, streams: str, code: int, words: str, tmp_path: Path) -> None:
    ended, err = shell(arguments, streams, tmp_path)
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
    assert shell(f"simulate {SMALL} --patients 2 --out run --json", ">&- 2>&-", tmp_path)[0] == 1
    assert shell(f"simulate {SMALL} --patients 2 --out run --quiet", ">&-", tmp_path) == (0, "")
    assert shell("query run 'SELECT count(*) FROM endpoints'", "", tmp_path) == (0, "")


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
    code, err = shell(arguments.format(small=SMALL, long="x" * 300), "", tmp_path)
    assert code == 2
    assert err.count("\n") == 1 and "unexpected" not in err
    assert list(tmp_path.iterdir()) == []


def test_refusals_of_the_system_are_of_a_path_or_of_the_output() -> None:
    assert isinstance(failure_of(FileNotFoundError(2, "No such file or directory", "x")), InputError)
    assert isinstance(failure_of(OSError(28, "No space left on device", "x")), RunError)
