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
    """A set of packages that some commands need and a plain installation leaves out.

    Attributes
    ----------
    command : str
        What needs it, as one writes it after ``letheon``.
    packages : tuple of str
        What is imported.
    """

    command: str
    packages: tuple[str, ...]


# the names and versions of what is installed stand in pyproject.toml
EXTRAS = {
    "calibrate": Extra("calibrate", ("arviz", "numpyro")),
    "cluster": Extra("simulate --cluster", ("distributed", "cryptography")),
    "optimise": Extra("optimise", ("pymoo",)),
    "query": Extra("query", ("duckdb",)),
    "web": Extra("explore", ("fastapi", "uvicorn")),
}


def require(extra: str) -> None:
    """Refuse to go on where the packages of an extra are not installed.

    Parameters
    ----------
    extra : str
        A key of `EXTRAS`.

    Raises
    ------
    InputError
        Naming the command, the package, and the line that installs it.

    Examples
    --------
    >>> require("query")
    """
    for package in EXTRAS[extra].packages:
        try:
            found = util.find_spec(package)
        except (ImportError, ValueError):
            found = None
        if found is None:
            raise missing(extra, package)


def missing(extra: str, package: str) -> InputError:
    """Return the refusal for a package that cannot be imported.

    Parameters
    ----------
    extra : str
        A key of `EXTRAS`.
    package : str
        What could not be imported.

    Returns
    -------
    InputError
        The sentence.
    """
    return InputError(
        f"letheon {EXTRAS[extra].command} needs {package}, which is not installed; run: {install_line(extra)}"
    )


def install_line(extra: str) -> str:
    """Return the line that installs an extra from where Letheon itself was installed.

    Parameters
    ----------
    extra : str
        A key of `EXTRAS`, or ``all``.

    Returns
    -------
    str
        A command for the shell, with the interpreter that runs now.

    Examples
    --------
    >>> install_line("query").endswith(("[query]", "[query]'"))
    True
    """
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
