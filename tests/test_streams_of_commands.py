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


def ended(arguments: str, streams: str, cwd: Path) -> tuple[int, str]:
    """Run a command in a shell with streams redirected; return exit code and what stderr had."""
    command = f'"{sys.executable}" -m letheon {arguments} {streams}'
    ran = subprocess.run(["sh", "-c", command], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    return ran.returncode, ran.stderr


@pytest.mark.parametrize(
    ("arguments", "streams", "code", "says"),
    [
        ("--help", ">&-", 1, "the output could not be written"),
        ("--help", ">/dev/full", 1, "No space left"),
        ("library", ">&-", 1, "the output could not be written"),
        ("library", ">/dev/full", 1, "No space left"),
        ("library", "2>&-", 0, ""),
        ("library", ">&- 2>&-", 1, ""),
        ("library nope", "2>&-", 2, ""),
        ("library nope", "2>/dev/full", 2, ""),
        ("", "2>&-", 2, ""),
        ("", "2>/dev/full", 2, ""),
    ],
)
def test_streams_that_take_nothing(arguments: str, streams: str, code: int, says: str, tmp_path: Path) -> None:
    found, err = ended(arguments, streams, tmp_path)
    assert found == code
    assert says in err and err.count("\n") == bool(says)
    assert "unexpected" not in err


def test_a_reader_who_leaves_a_help_text_is_no_failure(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "letheon", "--help"],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout and child.stderr
    child.stdout.close()
    assert child.stderr.read() == b""
    child.stderr.close()
    assert child.wait() == 0


@pytest.mark.long
def test_a_run_with_closed_streams_is_whole(tmp_path: Path) -> None:
    """With descriptors 1 and 2 closed, the next files opened would take their numbers, and their output."""
    small = ROOT / "examples" / "small.yaml"
    code, _ = ended(f"simulate {small} --patients 2 --out run --json", ">&- 2>&-", tmp_path)
    assert code == 1
    code, err = ended(f"simulate {small} --patients 2 --out run --quiet", ">&-", tmp_path)
    assert (code, err) == (0, "")
    code, err = ended("query run 'SELECT count(*) FROM endpoints'", "", tmp_path)
    assert (code, err) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        "simulate {small} --out {long}",
        "optimise {small} --out {long}",
        "calibrate --quick --out {long}",
        "validate --posterior {long}",
        "cite {long}",
        "query {long} 'SELECT 1'",
    ],
)
def test_names_that_no_file_can_have_are_refused(arguments: str, tmp_path: Path) -> None:
    line = arguments.format(small=ROOT / "examples" / "small.yaml", long="x" * 300)
    code, err = ended(line, "", tmp_path)
    assert code == 2
    assert err.count("\n") == 1 and "unexpected" not in err
    assert list(tmp_path.iterdir()) == []


def test_refusals_of_the_system_are_of_a_path_or_of_the_output() -> None:
    assert isinstance(failure_of(FileNotFoundError(2, "No such file or directory", "x")), InputError)
    assert isinstance(failure_of(OSError(28, "No space left on device", "x")), RunError)
