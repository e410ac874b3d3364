"""What is finished in a run folder: a line for each chunk, with the checksums of its files."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from letheon.errors import RunError

__all__ = ["Manifest", "checksum"]


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        Its checksum; empty where the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


class Manifest:
    """The chunks that are finished, by arm, kind and number.

    Lines are only ever added, each after its files are in place. A line torn by a kill is no line.

    Parameters
    ----------
    folder : Path
        The run folder.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.path = folder / "manifest.jsonl"
        self.files: dict[tuple[str, str, int], dict[str, str]] = {}
        self._read()

    def _read(self) -> None:
        try:
            lines = self.path.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError):
            return
        for line in lines:
            try:
                found = json.loads(line)
                self.files[found["arm"], found["kind"], found["chunk"]] = dict(found["files"])
            except (ValueError, KeyError, TypeError):
                continue

    def add(self, arm: str, kind: str, chunk: int, files: Iterable[Path]) -> None:
        """Note that a chunk is finished.

        Parameters
        ----------
        arm, kind : str
            The arm; ``people`` or ``bank``.
        chunk : int
            Number of the chunk.
        files : iterable of Path
            Its files, all in place.

        Raises
        ------
        RunError
            If the disk is full.
        """
        sums = {file.relative_to(self.folder).as_posix(): checksum(file) for file in files}
        self.files[arm, kind, chunk] = sums
        line = json.dumps({"arm": arm, "kind": kind, "chunk": chunk, "files": sums})
        try:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(f"\n{line}\n")  # begins a line of its own, should the last one be torn
        except OSError as error:
            raise RunError(
                f"{self.path} could not be written ({error.strerror or error}); finished chunks are kept: make room"
                " and run the same command again to continue."
            ) from error

    def intact(self, arm: str, kind: str, chunk: int, below: str | tuple[str, ...] = "") -> bool:
        """Tell whether a chunk is finished and each of its files is as it was written.

        Parameters
        ----------
        arm, kind : str
            The arm; ``people`` or ``bank``.
        chunk : int
            Number of the chunk.
        below : str or tuple of str
            Look only at files whose path in the folder begins so.

        Returns
        -------
        bool
            False also where nothing is known of the chunk.
        """
        files = self.files.get((arm, kind, chunk))
        if files is None:
            return False
        return all(
            checksum(self.folder / name) == known and known != ""
            for name, known in files.items()
            if name.startswith(below)
        )
