"""The report of a run: one HTML file that opens in any browser, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from letheon import files

__all__ = ["render", "write"]


def render(document: Mapping[str, Any], scenario_text: str) -> str:
    '''Return the report of a result document as HTML.

    Parameters
    ----------
    document : mapping
        The result document of a run.
    scenario_text : str
        The scenario as it was given.

    Returns
    -------
    str
        One page that holds its style, scripts and data; equal arguments give equal text.

    Examples
    --------
    >>> from letheon import loads
    >>> from letheon.runs import simulate
    >>> text = """
    ... letheon: 1
    ... title: One hour of ketamine
    ... population: {n: 2}
    ... follow_up: 1 day
    ... seed: 1
    ... models: {rival: off}
    ... arms: {hour: {drug: racemic, sessions: [{at: 0 h, rate: 20 mg/h, for: 1 h}]}}
    ... """
    >>> page = render(simulate(loads(text)).document, text)
    >>> page.startswith("<!DOCTYPE html>"), "2 virtual patients" in page
    (True, True)
    '''
    from letheon.views.report.page import page

    return page(document, scenario_text)


def write(document: Mapping[str, Any], scenario_text: str, path: str | Path) -> Path:
    """Write the report to a file, whole or not at all.

    Parameters
    ----------
    document : mapping
        The result document of a run.
    scenario_text : str
        The scenario as it was given.
    path : str or Path
        Where the file goes; its folder must exist. A file that is there is replaced.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    OSError
        If the folder cannot be written to; nothing is left behind, and an older file stays.
    """
    files.write(Path(path), render(document, scenario_text))
    return Path(path)
