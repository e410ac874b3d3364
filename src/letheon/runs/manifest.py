"""What is finished in a run folder: a line for each chunk, with size and checksum of its files as they were written."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from letheon.files import append, disk_errors

__all__ = ["CHUNKS_KEPT", "Manifest", "Record", "parse_object", "read_object", "record_of"]


class Record(NamedTuple):
    """What a file holds, in short."""

    size: int  # [bytes]
    sha256: str  # checksum, 64 hexadecimal digits

    def there(self, path: Path) -> bool:
        """Tell whether a file of this size is there; its content is not looked at."""
        try:
            return path.is_file() and path.stat().st_size == self.size
        except OSError:
            return False

    def intact(self, path: Path) -> bool:
        """Tell whether a file is as it was written."""
        try:
            with path.open("rb") as stream:
                return self.there(path) and hashlib.file_digest(stream, "sha256").hexdigest() == self.sha256
        except OSError:
            return False


def record_of(data: bytes) -> Record:
    """Return the record of some content.

    >>> record_of(b"abc").size
    3
    """
    return Record(len(data), hashlib.sha256(data).hexdigest())


Key = tuple[str, str, int]
CHUNKS_KEPT = "finished chunks are kept: make room and run the same command again to continue."


class Manifest:
    """The chunks that are finished, by arm, kind and number.

    Lines are only ever added, each after its files are in place, and each with a checksum of its own: a line that is
    torn by a kill or damaged later is no line.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "manifest.jsonl"
        self.files: dict[Key, dict[str, Record]] = {}
        try:
            lines = self.path.read_bytes().split(b"\n")
        except OSError:
            lines = []
        for line in lines:
            if (parsed := _parsed(line)) is not None:
                self._take(*parsed)

    def _take(self, key: Key, files: dict[str, Record]) -> None:
        self.files.pop(key, None)  # the newest comes last
        self.files[key] = files

    def add(self, arm: str, kind: str, chunk: int, files: Mapping[str, Record]) -> None:
        """Record a finished chunk; its files are in place, named by their path in the folder."""
        self._take((arm, kind, chunk), dict(files))
        line = _line(arm, kind, chunk, files)
        with disk_errors(self.path, CHUNKS_KEPT):
            append(self.path, f"\n{line}\n")  # begins a line of its own, should the last one be torn

    def below(self, parts: str | tuple[str, ...]) -> dict[str, Record]:
        """Return the recorded files whose path begins with one of `parts`, sorted."""
        parsed = {name: record for files in self.files.values() for name, record in files.items()}
        return {name: parsed[name] for name in sorted(parsed) if name.startswith(parts)}

    def intact(self, arm: str, kind: str, chunk: int, below: str | tuple[str, ...] = "") -> bool:
        """Tell whether a chunk is finished and each of its files is as it was written."""
        files = self.files.get((arm, kind, chunk))
        if files is None:
            return False
        return all(record.intact(self.folder / name) for name, record in files.items() if name.startswith(below))


def _line(arm: str, kind: str, chunk: int, files: Mapping[str, Record]) -> str:
    content = {"arm": arm, "kind": kind, "chunk": chunk, "files": {name: list(files[name]) for name in files}}
    return json.dumps(content | {"sum": hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]})


def _parsed(line: bytes) -> tuple[Key, dict[str, Record]] | None:
    """Read a line back; None where it is not, byte for byte, one that `_line` has made."""
    content = parse_object(line) or {}
    arm, kind, chunk, names = (content.get(name) for name in ("arm", "kind", "chunk", "files"))
    if not (isinstance(arm, str) and isinstance(kind, str) and isinstance(chunk, int) and isinstance(names, dict)):
        return None
    if not all(map(_is_record, names.values())) or any(".." in name.split("/") for name in names):
        return None
    files = {name: Record(*record) for name, record in names.items()}
    return ((arm, kind, chunk), files) if _line(arm, kind, chunk, files).encode() == line else None


def _is_record(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], int) and isinstance(value[1], str)


# --- JSON files of this program: an object, or nothing at all ---


def parse_object(text: str | bytes) -> dict[str, Any] | None:
    """Read a JSON object from its text.

    >>> parse_object('{"format": 3}'), parse_object("[]"), parse_object("{")
    ({'format': 3}, None, None)
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def read_object(path: Path) -> dict[str, Any] | None:
    """Read a JSON object from a file."""
    try:
        return parse_object(path.read_bytes())
    except (OSError, ValueError):
        return None
