"""The run folder: where things lie, who owns it, and files that appear whole or not at all."""

import hashlib
import json
import os
import re
import shlex
import shutil
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from letheon.errors import InputError, RunError
from letheon.files import disk_errors, is_leftover, remove_leftovers, write
from letheon.runs.manifest import CHUNKS_KEPT, Manifest, Record, read_object, record_of
from letheon.scenario import Scenario, dumps

__all__ = ["FORMAT", "LASTING", "RUN", "Folder", "check_output", "default_folder", "fingerprint", "remedy"]

_STAMP = "run.json"
_SCENARIO = "scenario.yaml"
_RESOLVED = "resolved.yaml"
FORMAT = 3
LASTING = ("endpoints/", "events/")  # what a finished run keeps of its chunks
RUN = ("", "run", 0)  # the line of the manifest that vouches for all files of a finished run


def fingerprint(scenario: Scenario) -> str:
    """Return what identifies a scenario: a hash of its resolved text."""
    return hashlib.sha256(dumps(scenario).encode()).hexdigest()


def default_folder(scenario: Scenario) -> Path:
    """Return ``runs/<title>-<short hash>`` in the working folder, which a run without ``--out`` uses."""
    slug = re.sub(r"[^a-z0-9]+", "-", scenario.title.lower()).strip("-")[:48].strip("-") or "run"
    return Path("runs") / f"{slug}-{fingerprint(scenario)[:8]}"


def check_output(path: Path) -> None:
    """Refuse an output folder that cannot be used, before any work starts."""
    path = Path(path)
    try:
        problem = _problem(path)
    except (OSError, ValueError) as error:  # a name that no folder can have: too long, or with a NUL
        shown = str(path) if len(str(path)) < 80 else f"{str(path)[:60]}…"
        raise InputError(
            f"{shown} cannot be a folder ({getattr(error, 'strerror', None) or error}); choose another with --out."
        ) from None
    if problem:
        raise InputError(problem)


def _problem(path: Path) -> str:
    """Say what is wrong with an output folder; nothing where it can be used."""
    if path.exists() and not path.is_dir():
        return f"{path} is a file; give --out a folder, or a name that does not exist yet."
    if path.is_dir():
        try:
            content = list(path.iterdir())
        except OSError as error:
            return f"{path} cannot be read ({error.strerror}); choose another folder with --out."
        if not (path / _STAMP).is_file() and not all(is_leftover(file.name) for file in content):
            return f"{path} holds files that are not a Letheon run; choose an empty or new folder with --out."
    nearest = path
    while not nearest.exists():
        nearest = nearest.parent
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return f"{path} cannot be written (no permission in {nearest}); choose another folder with --out."
    return ""


def remedy(folder: Path) -> str:
    """Return the command that computes again what is missing or damaged in a run folder.

    >>> print(remedy(Path("runs/small")))
    letheon simulate runs/small/resolved.yaml --out runs/small
    """
    return f"letheon simulate {shlex.quote(str(folder / _RESOLVED))} --out {shlex.quote(str(folder))}"


class Folder:
    """The files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.stamp = self.path / _STAMP  # versions, instruction set and scenario hash
        self.result = self.path / "result.json"  # there only when the run is finished
        self.profiles = self.path / "profiles.parquet"  # of all arms as one table
        self.report = self.path / "report.html"  # the page about the result, where one was asked for

    @cached_property
    def manifest(self) -> Manifest:
        """What is finished."""
        return Manifest(self.path)

    def endpoints(self, arm: str, chunk: int) -> Path:
        """Endpoints by patient of one chunk."""
        return self.path / "endpoints" / arm / f"part-{chunk:05d}.parquet"

    def events(self, arm: str, chunk: int) -> Path:
        """Events of one chunk, where the arm keeps a log of them."""
        return self.path / "events" / arm / f"part-{chunk:05d}.parquet"

    def partial(self, arm: str, kind: str, chunk: int) -> Path:
        """What a finished chunk leaves for merging; ``kind`` is ``people`` or ``bank``."""
        return self.path / "partials" / arm / f"{kind}-{chunk:05d}.npz"

    def forget_partials(self) -> None:
        """Remove what only an unfinished run needs."""
        shutil.rmtree(self.path / "partials", ignore_errors=True)

    def write(self, path: Path, data: bytes) -> dict[str, Record]:
        """Write a file of the run, whole or not at all."""
        if path.is_dir():
            raise RunError(f"{path} is a folder, where the run keeps a file; move it away and run the command again.")
        with disk_errors(path, CHUNKS_KEPT):
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, data)
        return {path.relative_to(self.path).as_posix(): record_of(data)}

    def verify(self) -> None:
        """Refuse to go on where a file of a finished chunk is not as it was written."""
        for name, record in self.manifest.below(LASTING).items():
            self._refuse_lost(name, record.intact(self.path / name))

    def _refuse_lost(self, name: str, there: bool) -> None:
        if not there:
            raise RunError(
                f"{self.path / name} was deleted or changed during the run; run the same command again, which computes"
                " it again."
            )

    def finish(self, scenario: Scenario, files: Mapping[str, Record]) -> None:
        """Record all files of a finished run in the manifest, and remove what only an unfinished run needs."""
        files = self.manifest.below(LASTING) | dict(files)
        for name, record in files.items():
            self._refuse_lost(name, record.there(self.path / name))
        self.manifest.add(*RUN, files | {_RESOLVED: record_of(_text(dumps(scenario)))})
        self.forget_partials()

    def finished(self, scenario: Scenario) -> bool:
        """Tell whether result and profiles of this scenario are there, as they were written."""
        noted = self.manifest.files.get(RUN, {}).get(_RESOLVED)
        due = {self.result.name, self.profiles.name}
        return (
            noted == record_of(_text(dumps(scenario)))
            and due <= self.manifest.files[RUN].keys()
            and self.manifest.intact(*RUN, tuple(due))
        )

    def _differences(self, stamp: dict) -> list[str]:
        """Return in which fields the folder's stamp differs; the text may, for it changes no number."""
        stored, wanted = read_object(self.stamp), {"format": FORMAT} | stamp
        if stored is None:
            return ["stamp, which cannot be read"]
        return [name for name in {**wanted, **stored} if name != "text" and stored.get(name) != wanted.get(name)]

    def holds(self, stamp: dict) -> bool:
        """Tell whether the folder holds (part of) the run of this stamp."""
        return self.stamp.is_file() and not self._differences(stamp)

    def refuse_another(self, stamp: dict, fresh: bool) -> None:
        """Refuse a folder that cannot be used, or that holds another run."""
        check_output(self.path)
        if fresh or not self.stamp.is_file() or self.holds(stamp):
            return
        raise InputError(
            f"{self.path} holds another run (different {', '.join(self._differences(stamp))}); choose another --out,"
            " or --fresh to replace it."
        )

    def claim(self, stamp: dict, scenario: Scenario, text: str | None, fresh: bool) -> tuple[bool, str]:
        """Make the folder this run's own, under the lock; return whether chunks may be reused, and the text."""
        self.refuse_another(stamp, fresh)
        same = self.holds(stamp) and not fresh
        remove_leftovers(self.path)
        if not same:
            for name in ("endpoints", "events", "partials"):
                shutil.rmtree(self.path / name, ignore_errors=True)
            for file in (self.result, self.profiles, self.manifest.path, self.report):
                file.unlink(missing_ok=True)
        self.__dict__.pop("manifest", None)  # a process that held the folder before may have changed it
        resolved, before = dumps(scenario), (read_object(self.stamp) or {}).get("text") if same else None
        if text is None or _text(text) == _text(resolved):
            text = self._text_of(before) or resolved
        identity = {"format": FORMAT} | stamp | {"text": record_of(_text(text)).sha256}
        if identity["text"] != before:
            self.report.unlink(missing_ok=True)  # it shows another text
        # the stamp comes last: by it the folder is this run's
        for name, content in ((_SCENARIO, text), (_RESOLVED, resolved), (_STAMP, json.dumps(identity, indent=1))):
            if not record_of(_text(content)).intact(self.path / name):
                self.write(self.path / name, _text(content))
        return same, text

    def _text_of(self, checksum: object) -> str:
        """Return the scenario's text in this folder; nothing where its checksum is another one."""
        try:
            data = (self.path / _SCENARIO).read_bytes()
            return data.decode() if record_of(data).sha256 == checksum else ""
        except (OSError, UnicodeDecodeError):
            return ""


def _text(content: str) -> bytes:
    """Return the bytes of a text file."""
    return (content + ("" if content.endswith("\n") else "\n")).encode()
