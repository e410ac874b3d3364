"""Files that appear whole or not at all; the oracle is the folder before and after."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from letheon import files
from letheon.errors import InputError


@pytest.mark.parametrize("content", ["à b\n", "à b\n".encode(), lambda file: file.write("à b\n".encode())])
def test_text_bytes_and_functions_give_equal_files(tmp_path: Path, content) -> None:
    files.write(tmp_path / "a", content)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"a": "à b\n".encode()}


def test_a_failed_write_keeps_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def fails(file) -> None:
        file.write(b"ne")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.write(path, fails)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a": "old"}


def test_new_files_are_as_open_as_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        files.write(tmp_path / "a", "")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


HOLDS = """
import sys, pathlib
from letheon.files import locked
with locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_refuses_others_and_ends_with_its_process(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=r"another process is working in .*; wait for it"), files.locked(tmp_path):
            pass
        holder.kill()
    with files.locked(tmp_path):  # the file of the killed process is still there
        assert files.is_leftover(".lock") and (tmp_path / ".lock").exists()


def test_an_unwritable_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = pytest.raises(InputError, match=r"file cannot be written \(.*\); choose another folder with --out")
    with refused, files.locked(tmp_path / "file"):
        pass
