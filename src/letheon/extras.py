"""Which command needs which extra, and how to install one: declared here, said in one sentence everywhere."""

import json
import re
import shlex
import sys
from importlib import util
from pathlib import Path
from typing import NamedTuple

from letheon.errors import InputError

__all__ = ["EXTRAS", "Extra", "install_line", "missing", "require"]


class Extra(NamedTuple):
    """A set of packages that some commands need and a plain installation leaves out."""

    command: str  # what needs it, as one writes it after ``letheon``
    packages: tuple[str, ...]  # what is imported


# the names and versions of what is installed stand in pyproject.toml
EXTRAS = {
    "calibrate": Extra("calibrate", ("arviz", "numpyro")),
    "cluster": Extra("simulate --cluster", ("distributed", "cryptography")),
    "optimise": Extra("optimise", ("pymoo",)),
    "query": Extra("query", ("duckdb",)),
    "web": Extra("explore", ("fastapi", "uvicorn")),
}


def require(extra: str) -> None:
    """Refuse to go on where a package of an extra is not installed, and give the line that installs it."""
    for package in EXTRAS[extra].packages:
        try:
            spec = util.find_spec(package)
        except (ImportError, ValueError):
            spec = None
        if spec is None:
            raise missing(extra, package)


def missing(extra: str, package: str) -> InputError:
    """Return the refusal for a package that cannot be imported."""
    return InputError(
        f"letheon {EXTRAS[extra].command} needs {package}, which is not installed; run: {install_line(extra)}"
    )


def install_line(extra: str) -> str:
    """Return the shell command that installs an extra, or ``all``, from where Letheon itself was installed."""
    return shlex.join([sys.executable or "python", "-m", "pip", "install", *_source(extra)])


def _source(extra: str) -> list[str]:
    """Return what pip is told: a source tree, a file, an address, the name, or the packages themselves."""
    from importlib import metadata  # slow to import, and wanted only here
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    tree = Path(__file__).resolve().parents[2]
    if (tree / "pyproject.toml").is_file():
        return _from_tree(tree, extra, ["-e"])
    try:
        installed = metadata.distribution("letheon")
    except metadata.PackageNotFoundError:
        return [f"letheon[{extra}]"]
    origin = json.loads(installed.read_text("direct_url.json") or "{}")  # PEP 610
    url = origin.get("url", "")
    if url.startswith("file:"):
        path = Path(url2pathname(urlsplit(url).path))
        if path.is_dir():
            return _from_tree(path, extra, [])
        return [f"{path}[{extra}]"] if path.is_file() else _packages(installed.requires or [], extra)
    if "vcs_info" in origin:
        return [f"letheon[{extra}] @ {origin['vcs_info']['vcs']}+{url}@{origin['vcs_info']['commit_id']}"]
    return [f"letheon[{extra}] @ {url}" if url else f"letheon[{extra}]"]


def _from_tree(tree: Path, extra: str, options: list[str]) -> list[str]:
    constraints = tree / "constraints.txt"
    return [*(["-c", str(constraints)] if constraints.is_file() else []), *options, f"{tree}[{extra}]"]


def _packages(requirements: list[str], extra: str) -> list[str]:
    """Return the packages of an extra, for a source that is gone."""
    marks = (re.fullmatch(r"(.+?)\s*;\s*extra == ['\"](.+)['\"]", line) for line in requirements)
    return [mark[1] for mark in marks if mark and mark[2] == extra]
