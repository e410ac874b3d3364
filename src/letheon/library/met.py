"""Whether the shipped draws meet what studies reported: written by ``python -m letheon.study.validate.met``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Annotated

from letheon.library.evidence import PAIN_MODELS
from letheon.library.reading import Flag, Pair, Real, Text, check_keys, one_of, read_toml, record, rows

__all__ = ["Met", "checks", "draws_hash", "parse_checks"]


@dataclass(frozen=True, slots=True, kw_only=True)
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

    study: Text
    arm: Text = ""
    against: Text = ""
    measure: Text
    day: Real | None = None
    pain: Annotated[str, one_of(PAIN_MODELS)]
    reported: Text
    simulated: Real
    interval: Pair | None = None
    met: Flag


def draws_hash(pain: str) -> str:
    """Return a hash of the shipped draws of a pain model, by which stale results are noticed."""
    return sha256(files("letheon.library").joinpath("posterior", f"{pain}.csv").read_bytes()).hexdigest()[:16]


def parse_checks(text: str, place: str) -> tuple[Mapping[str, str], tuple[Met, ...]]:
    r"""Read the file of results that were checked.

    Examples
    --------
    >>> parse_checks('draws = {memory = "1"}\nresults = []', "met.toml")
    ({'memory': '1'}, ())
    """
    document = read_toml(text, place)
    check_keys(document, ("draws", "results"), (), place)
    return document["draws"], rows(record(Met))(document["results"], f"{place} [[results]]")


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
