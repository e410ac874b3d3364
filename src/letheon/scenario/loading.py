"""Load a file or a text as a `Scenario`, and its block `optimise` as a `Search`."""

import os
import stat
from pathlib import Path

from letheon.errors import InputError
from letheon.scenario.faults import attempt, collect
from letheon.scenario.grammar import SEARCH
from letheon.scenario.model import Scenario
from letheon.scenario.reading import read
from letheon.scenario.search import Search, read_search
from letheon.scenario.yaml_tree import MAX_BYTES, TOO_LARGE, read_tree

__all__ = ["faults_of", "load", "load_search", "loads", "loads_search", "read_text"]


def load(path: str | os.PathLike[str]) -> Scenario:
    """Read a scenario file.

    Parameters
    ----------
    path : str or path
        A regular file of at most 250 kB: YAML 1.2 in UTF-8, with or without a byte order mark.

    Returns
    -------
    Scenario
        The checked scenario, with its quantities in canonical units.

    Raises
    ------
    InputError
        If the file cannot be read or is not a valid scenario. The message is one sentence that names file, line, field
        and remedy.

    Examples
    --------
    >>> load("no such file.yaml")
    Traceback (most recent call last):
    letheon.errors.InputError: no such file.yaml: there is no such file; give the path of a scenario file.
    """
    return loads(read_text(path), os.fspath(path))


def load_search(path: str | os.PathLike[str]) -> tuple[Scenario, Search]:
    """Read a scenario file and its block `optimise`. Works as `load`, but raises if there is no such block."""
    return loads_search(read_text(path), os.fspath(path))


def read_text(path: str | os.PathLike[str]) -> str:
    """Return the text of a scenario file, for a caller who needs both text and scenario; raise if it cannot be read."""
    name = os.fspath(path)
    return _decode(_read_bytes(Path(path), name), name)


def _read_bytes(path: Path, name: str) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{name}: is a folder; give the path of a scenario file inside it.")
        if not stat.S_ISREG(mode):
            raise InputError(f"{name}: is a device or a pipe; give the path of a scenario file.")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 4)  # a byte order mark does not count
    except FileNotFoundError:
        raise InputError(f"{name}: there is no such file; give the path of a scenario file.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the path is not valid"
        raise InputError(f"{name}: cannot be read ({reason}); give the path of a scenario file you may read.") from None
    if len(data) > MAX_BYTES + 3:
        raise InputError(f"{name}: {TOO_LARGE}")
    return data


def _decode(data: bytes, name: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{name}, line 1: the text is UTF-16; save the file as UTF-8.")
    if b"\0" in data:
        line = 1 + data[: data.index(b"\0")].count(b"\n")
        raise InputError(f"{name}, line {line}: there is a NUL byte; save the file as plain UTF-8 text.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = 1 + data[: error.start].count(b"\n")
        byte = f"0x{data[error.start]:02x}"
        raise InputError(f"{name}, line {line}: the byte {byte} is not UTF-8; save the file as UTF-8.") from None


def loads(text: str, name: str = "scenario") -> Scenario:
    r"""Read a scenario from its text, YAML 1.2; `name` stands for the file in refusals. As `load` otherwise.

    Examples
    --------
    >>> loads("letheon: 1\ntitle: x\nfollow_up: 12\narms: {}")
    Traceback (most recent call last):
    letheon.errors.InputError: scenario, line 3, follow_up: "12" has no unit; write e.g. 12 weeks or 12 h.
    """
    return _read(text, name)[0]


def loads_search(text: str, name: str = "scenario") -> tuple[Scenario, Search]:
    """Read a scenario and its block `optimise` from a text. Works as `loads`, but raises if there is no such block."""
    scenario, search = _read(text, name)
    if search is None:
        arm = next((arm.name for arm in scenario.arms if arm.drug != "placebo"), "ketamine")
        raise InputError(
            f"{name} has no block optimise, which says what may vary; write e.g. optimise: {{arm: {arm}, "
            f"{SEARCH['vary'].pair}}}."
        )
    return scenario, search


def faults_of(text: str, name: str = "scenario") -> tuple[Scenario | None, tuple[InputError, ...]]:
    r"""Return the scenario of a text, or None and every refusal of it, the block `optimise` included, by line.

    Each refusal is the one that `loads` raises where it is the only one.

    Examples
    --------
    >>> faults_of("letheon: 1\nfollow_up: 12\narms: {}", "s.yaml")[1][1]
    InputError('s.yaml, line 2, follow_up: "12" has no unit; write e.g. 12 weeks or 12 h.')
    """
    result, faults = collect(_read, text, name)
    return (None if faults else result[0]), faults


def _read(text: str, name: str) -> tuple[Scenario, Search | None]:
    top = read_tree(text, name)
    scenario = attempt(read, top)
    return scenario, attempt(read_search, top, scenario)
