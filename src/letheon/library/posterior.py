"""The shipped posterior draws of each pain model: what calibration on published trials left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

from letheon.errors import InputError
from letheon.library.evidence import PAIN_MODELS
from letheon.library.reading import FieldError, Pair, Real, as_choice, read, read_toml


@dataclass(frozen=True, slots=True)
class Posterior:
    """Draws of the calibrated numbers of one pain model, or of one injury law of the bladder."""

    model: str
    # name (``memory.theta``, ``memory.theta.sd``, …) to draws, in the unit of the library; empty: not calibrated
    columns: Mapping[str, tuple[float, ...]]
    # how they were made: seed, versions, settings, diagnostics, which numbers the data do not identify
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def not_identified(self) -> tuple[str, ...]:
        """Names whose posterior SD exceeds 0.8 of the prior's."""
        return tuple(self.about.get("not_identified", ()))


def parse_posterior(model: str, table: str, about: str, place: str) -> Posterior:
    """Read a table of draws and what is known about it."""
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


def shipped(stem: str) -> Posterior:
    """Return the draws of ``posterior/STEM.csv``, none where this file does not ship."""
    table, about = (files("letheon.library").joinpath("posterior", f"{stem}.{ending}") for ending in ("csv", "toml"))
    if not table.is_file():
        return Posterior(stem, {})
    return parse_posterior(stem, table.read_text("utf-8"), about.read_text("utf-8"), f"posterior/{stem}")


@cache
def posterior(model: str) -> Posterior:
    """Return the shipped posterior of a pain model, without columns where none ships; refuse an unknown model."""
    return shipped(as_choice(model, PAIN_MODELS, "pain model"))


@dataclass(frozen=True, slots=True)
class Weights:
    """Weight of the pain memory in the average of both mechanisms, 0 to 1, by how well each predicted unseen trials."""

    memory: Real  # its posterior mean; the slow site has the rest
    interval: Pair  # 90 % interval
    about: Annotated[Mapping[str, Any], lambda table, _: table]  # date, trials (none for the prior) and command

    def __post_init__(self) -> None:
        if not 0.0 <= self.interval[0] <= self.memory <= self.interval[1] <= 1.0:
            raise FieldError("expected 0 <= low <= memory <= high <= 1")


@cache
def weights() -> Weights:
    """Return the shipped weights of both mechanisms.

    >>> 0.0 <= weights().memory <= 1.0
    True
    """
    home = files("letheon.library").joinpath("posterior", "weights.toml")
    return read(
        Weights, read_toml(home.read_text("utf-8"), "posterior/weights.toml"), "posterior/weights.toml", whole=True
    )
