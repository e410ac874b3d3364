"""The sources of a finished run, and the same as BibTeX."""

import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from msgspec import DecodeError, Struct, json

from letheon._version import __version__
from letheon.errors import InputError
from letheon.runs.folder import RUN, remedy
from letheon.runs.manifest import Manifest

__all__ = ["RunSources", "bibtex", "read_sources"]


class RunSources(Struct, frozen=True):
    """What a result document of any version says of its sources."""

    letheon: str  # version of the program
    title: str
    sources: tuple[str, ...]  # keys in sources.bib


def read_sources(folder: Path) -> RunSources:
    """Read the sources of a finished run, or refuse."""
    if not folder.exists():
        raise InputError(f"{folder}: there is no such folder; give the run folder that letheon simulate named.")
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; give the run folder that letheon simulate named.")
    file = folder / "result.json"
    if not file.is_file() and (folder / "run.json").is_file():
        raise InputError(f"{folder}: this run is not finished; run the same letheon simulate again to continue it.")
    if not file.is_file():
        raise InputError(f"{folder}: is not a run folder, because it has no result.json; letheon simulate makes one.")
    entry = Manifest(folder).files.get(RUN, {}).get(file.name)
    if entry is not None and not entry.intact(file):
        raise InputError(f"{file} is damaged; to repair it, run: {remedy(folder)}")
    try:
        return json.decode(file.read_bytes(), type=RunSources)
    except (DecodeError, RecursionError, OSError):
        raise InputError(
            f"{file}: is not a result of Letheon; run letheon simulate again with --fresh to make one."
        ) from None


def bibtex(version: str, keys: Sequence[str]) -> Iterator[str]:
    """Yield lines of BibTeX for some sources, Letheon itself at the end.

    >>> lines = list(bibtex("0.1.0", ["otto2021"]))
    >>> lines[0].startswith("%"), "@article{otto2021," in lines
    (True, True)
    """
    text = files("letheon.library").joinpath("sources.bib").read_text(encoding="utf-8")
    # what the file says about itself at its head goes along
    yield from (line for line in text.split("@", 1)[0].splitlines() if line)
    entries = {match[1]: match[0] for match in re.finditer(r"^@\w+\{([\w-]+),\n.*?^\}$", text, re.M | re.S)}
    for key in keys:
        yield ""
        yield from entries.get(key, f"% {key}: not in the library of Letheon {__version__}").splitlines()
    yield from ("", "@software{letheon,", "  author = {{The Letheon contributors}},")
    yield from ("  title = {Letheon},", f"  version = {{{version}}},", "}")
