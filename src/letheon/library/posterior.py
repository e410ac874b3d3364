"""The shipped posterior draws of each pain model: what calibration on published trials left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from letheon.errors import InputError
from letheon.library.evidence import PAIN_MODELS
from letheon.library.reading import as_choice, read_toml

__all__ = ["Posterior", "parse_posterior", "posterior"]


@dataclass(frozen=True, slots=True)
class Posterior:
    """Draws of the calibrated numbers of one pain model.

    Parameters
    ----------
    model : str
        ``memory`` or ``slow_site``.
    columns : mapping of str to tuple of float
        Name (``memory.theta``, ``memory.theta.sd``, …) to its draws, in the unit of the library; empty where nothing
        has been calibrated.
    about : mapping
        How they were made: seed, versions, settings, diagnostics, which numbers the data do not identify.
    """

    model: str
    columns: Mapping[str, tuple[float, ...]]
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def not_identified(self) -> tuple[str, ...]:
        """Names whose posterior SD exceeds 0.8 of the prior's."""
        return tuple(self.about.get("not_identified", ()))


def parse_posterior(model: str, table: str, about: str, place: str) -> Posterior:
    r"""Read a table of draws and what is known about it.

    Examples
    --------
    >>> parse_posterior("memory", "memory.a,memory.n\n0.1,3\n0.12,3.1\n", "seed = 1", "x").columns["memory.n"]
    (3.0, 3.1)
    """
    names, *rows = [line.split(",") for line in table.splitlines() if line.strip()]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(names):
            raise InputError(f"{place}.csv line {number}: expected {len(names)} values, got {len(row)}")
    if not rows:
        raise InputError(f"{place}.csv holds names and no draws")
    try:
        values = [[float(cell) for cell in row] for row in rows]
    except ValueError as error:
        raise InputError(f"{place}.csv: {error}") from None
    columns = dict(zip(names, zip(*values, strict=True), strict=True))
    return Posterior(model, columns, read_toml(about, f"{place}.toml"))


@cache
def posterior(model: str) -> Posterior:
    """Return the shipped posterior of a pain model.

    Parameters
    ----------
    model : str
        ``memory`` or ``slow_site``.

    Returns
    -------
    Posterior
        Without columns where none ships.

    Raises
    ------
    InputError
        If there is no such pain model.

    Examples
    --------
    >>> posterior("memory").model
    'memory'
    """
    as_choice(model, PAIN_MODELS, "pain model")
    folder = files("letheon.library").joinpath("posterior")
    table, about = (folder.joinpath(f"{model}.{ending}") for ending in ("csv", "toml"))
    if not table.is_file():
        return Posterior(model, {})
    return parse_posterior(model, table.read_text("utf-8"), about.read_text("utf-8"), f"posterior/{model}")
