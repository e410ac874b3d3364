"""Whether the shipped draws meet what studies reported: written by ``python -m letheon.study.validate.met``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from letheon.library.evidence import PAIN_MODELS
from letheon.library.reading import as_choice, as_float, as_pair, as_text, check_keys, read_toml

__all__ = ["Met", "checks", "draws_hash", "parse_checks"]

_NEEDS = ("study", "pain", "measure", "reported", "simulated", "met")
_MAY = ("arm", "against", "day", "interval")


@dataclass(frozen=True, slots=True)
class Met:
    """One result of a study beside the simulation of the arm that it was seen in.

    Parameters
    ----------
    study, arm, against, measure : str
        Which result; the measure ``finding`` is what a held-out trial found, scored as an event.
    day : float or None
        Its day.
    pain : str
        Pain model that was simulated.
    reported : str
        The result as the library has it.
    simulated : float
        Mean of the simulation [unit of the measure]; of a finding the chance that the model gave to it.
    interval : tuple of float or None
        90 % interval of the reported value [unit of the measure].
    met : bool
        Whether `simulated` lies inside `interval`; a finding, whether its chance is 5 % or more.
    """

    study: str
    arm: str
    against: str
    measure: str
    day: float | None
    pain: str
    reported: str
    simulated: float
    interval: tuple[float, float] | None
    met: bool


def draws_hash(pain: str) -> str:
    """Return a hash of the shipped draws of a pain model, by which stale results are noticed."""
    return sha256(files("letheon.library").joinpath("posterior", f"{pain}.csv").read_bytes()).hexdigest()[:16]


def _met(row: Any, place: str) -> Met:
    check_keys(row, _NEEDS, _MAY, place)
    return Met(
        study=as_text(row["study"], f"{place}.study"),
        arm=as_text(row.get("arm", ""), f"{place}.arm"),
        against=as_text(row.get("against", ""), f"{place}.against"),
        measure=as_text(row["measure"], f"{place}.measure"),
        day=as_float(row["day"], f"{place}.day") if "day" in row else None,
        pain=as_choice(row["pain"], PAIN_MODELS, f"{place}.pain"),
        reported=as_text(row["reported"], f"{place}.reported"),
        simulated=as_float(row["simulated"], f"{place}.simulated"),
        interval=as_pair(row["interval"], f"{place}.interval") if "interval" in row else None,
        met=row["met"] is True,
    )


def parse_checks(text: str, place: str) -> tuple[Mapping[str, str], tuple[Met, ...]]:
    r"""Read the file of results that were checked.

    Parameters
    ----------
    text : str
        TOML text.
    place : str
        Name of the file, for the error sentence.

    Returns
    -------
    mapping of str to str
        Pain model to the hash of the draws that were simulated.
    tuple of Met
        The results.

    Raises
    ------
    InputError
        If a key is unknown or missing, or a value does not belong there.

    Examples
    --------
    >>> parse_checks('draws = {memory = "1"}\nresults = []', "met.toml")
    ({'memory': '1'}, ())
    """
    document = read_toml(text, place)
    check_keys(document, ("draws", "results"), (), place)
    return document["draws"], tuple(_met(row, f"{place} [[results]][{i}]") for i, row in enumerate(document["results"]))


@cache
def checks() -> tuple[Met, ...]:
    """Return the shipped results, each under each pain model.

    Examples
    --------
    >>> from letheon import library
    >>> {one.study for one in library.checks() if one.met} >= {"sigtermans2009"}
    True
    """
    home = files("letheon.library").joinpath("posterior", "met.toml")
    return parse_checks(home.read_text("utf-8"), "posterior/met.toml")[1]
