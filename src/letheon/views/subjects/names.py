"""What arms, drugs, models, endpoints and support labels are called in every output."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from letheon.library.evidence import STUDY_LABELS
from letheon.scenario.measures import measure_of, responder_of
from letheon.views.document.numbers import day_name
from letheon.views.document.tree import Badge
from letheon.views.subjects.words import WORDS

if TYPE_CHECKING:
    from letheon.pipeline.result import Against, Endpoint, HarmEstimate, RegimenSupport, TimeToRelapse

SUPPORT = WORDS.support
DRUGS = {"racemic": "racemic ketamine", "placebo": "placebo"}
PAIN_MODELS = {"memory": "pain memory", "slow_site": "slow site"}


def arm_name(name: str) -> str:
    """Return an arm's name for reading: underscores become spaces."""
    return name.replace("_", " ")


def drug(name: str) -> str:
    """Return a drug's name for reading."""
    return DRUGS.get(name, name)


def pain_model(name: str) -> str:
    """Return a pain model's name for reading."""
    return PAIN_MODELS.get(name, "average of both mechanisms" if name == "average" else name)


def responder_name(kind: str) -> str:
    """Return what a responder is, in words; nothing for another measure.

    >>> responder_name("responder_50"), responder_name("nrs")
    ('At least 50 % less pain', '')
    """
    one = responder_of(kind)
    return WORDS.responders[one.unit].format(one.text) if one else ""


def endpoint_name(key: str) -> str:
    """Return what an endpoint is, in words.

    >>> endpoint_name("responder_30_day_7"), endpoint_name("dose_mg"), endpoint_name("nrs_day_28")
    ('At least 30 % less pain at week 1 (day 7)', 'Total dose', 'Day 28')
    """
    if match := re.fullmatch(r"nrs_day_(\d+)", key):
        return f"Day {match[1]}"
    if match := re.fullmatch(r"nrs_week_(\d+)", key):
        return f"Week {match[1]}, mean"
    kind, _, day = key.rpartition("_day_")
    if (words := responder_name(kind)) and day.isdigit():
        return f"{words} at {day_name(int(day))}"
    measure = measure_of(key)
    means = measure.means if measure else key.replace("_", " ")
    return WORDS.endpoints.get(key, f"{means[:1].upper()}{means[1:]}")


def badge(support: str, basis: Iterable[str] = ()) -> Badge | str:
    """Return a support label as a badge that explains itself, with studies in CRPS; nothing without a label.

    >>> badge("randomised", ["sigtermans2009"]).text, badge("assumed", ["x"]).text
    ('randomised: sigtermans2009', 'assumed')
    """
    if not support:
        return ""
    studies = ", ".join(basis)
    text = f"{support}: {studies}" if studies and support in STUDY_LABELS else support
    title = "; ".join(filter(None, (SUPPORT.get(support, ""), studies)))
    return Badge(text, re.sub(r"[^a-z]+", "-", support.lower()), title)


def support(entry: Against | Endpoint | TimeToRelapse | HarmEstimate | RegimenSupport | None) -> Badge | str:
    """Return the badge of an entry's own support."""
    return badge(entry.support or "", entry.basis or ()) if entry else ""
