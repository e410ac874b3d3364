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
    """One result of a study beside the simulation of the arm that it was seen in."""

    study: Text
    arm: Text = ""
    against: Text = ""
    measure: Text  # `finding`: what a held-out trial found, scored as an event
    day: Real | None = None
    pain: Annotated[str, one_of(PAIN_MODELS)]  # model that was simulated
    reported: Text  # the result as the library has it
    simulated: Real  # mean of the simulation [unit of the measure]; of a finding the chance that the model gave to it
    interval: Pair | None = None  # 90 % interval of the reported value [unit of the measure]
    met: Flag  # whether `simulated` lies inside `interval`; a finding, whether its chance is 5 % or more


def draws_hash(pain: str) -> str:
    """Return a hash of the shipped draws of a pain model, by which stale results are noticed."""
    return sha256(files("letheon.library").joinpath("posterior", f"{pain}.csv").read_bytes()).hexdigest()[:16]


def parse_checks(text: str, place: str) -> tuple[Mapping[str, str], tuple[Met, ...]]:
    """Read the file of results that were checked: hashes of the draws by pain model, and the results."""
    document = read_toml(text, place)
    check_keys(document, ("draws", "results"), (), place)
    return document["draws"], rows(record(Met))(document["results"], f"{place} [[results]]")


@cache
def checks() -> tuple[Met, ...]:
    """Return the shipped results, each under each pain model."""
    home = files("letheon.library").joinpath("posterior", "met.toml")
    return parse_checks(home.read_text("utf-8"), "posterior/met.toml")[1]
