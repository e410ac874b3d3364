"""The run folder: where things lie, who owns it, and files that appear whole or not at all."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from letheon.errors import InputError, RunError
from letheon.runs.lock import LOCK
from letheon.runs.manifest import Manifest
from letheon.scenario import Scenario, dumps

__all__ = ["LASTING", "Folder", "check_output", "default_folder", "fingerprint", "written"]

_STAMP = "run.json"
_RESULT = "result.json"
_FORMAT = 2
LASTING = ("endpoints/", "events/")  # what a finished run keeps of its chunks


def fingerprint(scenario: Scenario) -> str:
    """Return what identifies a scenario: a hash of its resolved text.

    Parameters
    ----------
    scenario : Scenario
        The scenario, with patients and seed as they will run.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hashlib.sha256(dumps(scenario).encode()).hexdigest()


def default_folder(scenario: Scenario) -> Path:
    """Return ``runs/<title>-<short hash>`` in the working folder.

    Parameters
    ----------
    scenario : Scenario
        The scenario as it will run.

    Returns
    -------
    Path
        The folder that a run without ``--out`` uses.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", scenario.title.lower()).strip("-")[:48].strip("-") or "run"
    return Path("runs") / f"{slug}-{fingerprint(scenario)[:8]}"


def _is_ours(name: str) -> bool:
    """Tell whether a file is what a run leaves that was killed before its first file was whole."""
    return name == LOCK or (name.startswith(".") and name.endswith(".partial"))


def check_output(path: Path) -> None:
    """Refuse an output folder that cannot be used, before any work starts.

    Parameters
    ----------
    path : Path
        The folder; it may exist if it is empty or holds a run.

    Raises
    ------
    InputError
        If it is a file, holds something else, or cannot be written.
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file; give --out a folder, or a name that does not exist yet.")
    if path.is_dir():
        try:
            content = list(path.iterdir())
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror}); choose another folder with --out.") from None
        if not (path / _STAMP).is_file() and any(not _is_ours(file.name) for file in content):
            raise InputError(f"{path} holds files that are no Letheon run; choose an empty or new folder with --out.")
    nearest = path
    while not nearest.exists():
        nearest = nearest.parent
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"{path} cannot be written (no permission in {nearest}); choose another folder with --out.")


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Write a file under another name beside its place, then move it there in one step.

    Parameters
    ----------
    path : Path
        Where the file shall be.

    Yields
    ------
    Path
        Where to write it.

    Raises
    ------
    RunError
        If the disk is full or the folder is gone; nothing half-written is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, path)
    except OSError as error:
        raise RunError(
            f"{path} could not be written ({error.strerror or error}); finished chunks are kept: make room and run the"
            " same command again to continue."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


class Folder:
    """The files of one run.

    Parameters
    ----------
    path : Path
        The folder.
    """

    def __init__(self, path: Path):
        self.path = Path(path)

    @property
    def stamp(self) -> Path:
        """Versions, instruction set and scenario hash."""
        return self.path / _STAMP

    @property
    def result(self) -> Path:
        """The result document; there only when the run is finished."""
        return self.path / _RESULT

    @property
    def profiles(self) -> Path:
        """Profiles of all arms as one Parquet table."""
        return self.path / "profiles.parquet"

    @property
    def endpoint_parts(self) -> Path:
        """Where the endpoints of all arms lie: a folder an arm, a file a chunk."""
        return self.path / "endpoints"

    @property
    def event_parts(self) -> Path:
        """The same for the log of events, where arms keep one."""
        return self.path / "events"

    @cached_property
    def manifest(self) -> Manifest:
        """What is finished."""
        return Manifest(self.path)

    def endpoints(self, arm: str, chunk: int) -> Path:
        """Endpoints by patient of one chunk."""
        return self.endpoint_parts / arm / f"part-{chunk:05d}.parquet"

    def events(self, arm: str, chunk: int) -> Path:
        """Events of one chunk."""
        return self.event_parts / arm / f"part-{chunk:05d}.parquet"

    def partial(self, arm: str, kind: str, chunk: int) -> Path:
        """What a finished chunk leaves for merging; ``kind`` is ``people`` or ``bank``."""
        return self.path / "partials" / arm / f"{kind}-{chunk:05d}.npz"

    def forget_partials(self) -> None:
        """Remove what only an unfinished run needs."""
        shutil.rmtree(self.path / "partials", ignore_errors=True)

    def finish(self) -> None:
        """Note the last files, by which a finished run is known to be whole, and remove what it needs no more."""
        self.manifest.add("", "document", 0, [self.result, self.profiles])
        self.forget_partials()

    @property
    def finished(self) -> bool:
        """Whether result and profiles are there, and as they were written."""
        return self.manifest.intact("", "document", 0)

    def _found(self) -> dict:
        try:
            return json.loads(self.stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def holds(self, stamp: dict) -> bool:
        """Tell whether the folder holds (part of) the run of this stamp."""
        return self._found() == {"format": _FORMAT} | stamp

    def refuse_another(self, stamp: dict, fresh: bool) -> None:
        """Refuse a folder that cannot be used, or that holds another run.

        Parameters
        ----------
        stamp : dict
            What identifies the run that is wanted.
        fresh : bool
            Whether another run may be thrown away.

        Raises
        ------
        InputError
            If the folder cannot be used.
        """
        check_output(self.path)
        if fresh or not self.stamp.is_file() or self.holds(stamp):
            return
        found = self._found()
        wanted = {"format": _FORMAT} | stamp
        differs = ", ".join(k for k in wanted if found.get(k) != wanted[k]) or "its stamp"
        raise InputError(
            f"{self.path} holds another run (different {differs}); choose another --out, or --fresh to replace it."
        )

    def claim(self, stamp: dict, scenario: Scenario, text: str, fresh: bool) -> bool:
        """Make the folder this run's own; return whether it already holds part of the same run. Needs the lock.

        Parameters
        ----------
        stamp : dict
            What identifies run and machine.
        scenario : Scenario
            The scenario as it runs.
        text : str
            The scenario as given.
        fresh : bool
            Throw away what is there.

        Returns
        -------
        bool
            True if finished chunks may be used.

        Raises
        ------
        InputError
            If the folder holds another run.
        """
        self.refuse_another(stamp, fresh)
        same = self.holds(stamp) and not fresh
        for file in self.path.rglob(".*.partial"):  # of a process that was killed; the lock says that none is left
            file.unlink(missing_ok=True)
        if not same:
            for name in ("endpoints", "events", "partials"):
                shutil.rmtree(self.path / name, ignore_errors=True)
            for file in (self.result, self.profiles, self.manifest.path, self.path / "report.html"):
                file.unlink(missing_ok=True)
        self.__dict__.pop("manifest", None)  # whoever held the folder before has added to it, or it is gone
        # the stamp comes last: by it the folder is this run's
        for name, content in (
            ("scenario.yaml", text),
            ("resolved.yaml", dumps(scenario)),
            (_STAMP, json.dumps({"format": _FORMAT} | stamp, indent=1)),
        ):
            if not same or not (self.path / name).is_file():
                with written(self.path / name) as file:
                    file.write_text(content + ("" if content.endswith("\n") else "\n"), encoding="utf-8")
        return same
