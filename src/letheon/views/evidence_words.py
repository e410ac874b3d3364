"""The studies of the evidence library in words: a table of them, and all that is known about one."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from letheon import library
from letheon.errors import InputError, near_hint
from letheon.library import Study, StudyArm
from letheon.library.evidence import CONTROLS, ROLES
from letheon.views.study_phrases import (
    how_read,
    measure_words,
    people,
    reading,
    result,
    role_words,
    sessions,
    totals,
    traits,
    when,
)

__all__ = ["brief", "chosen", "document", "entry", "listing", "study_of"]

_WIDTH = 80
_WIDTHS = (16, 13, 5, 28, 17)
_SHOW = "Show one with its results and sources: letheon evidence show ID"
_DRUG_WORDS = {"form not stated": "ketamine, form not stated"}


# --- which ---


def chosen(role: str | None = None) -> tuple[Study, ...]:
    """Return the studies of a role, or all, in the order of the roles.

    Parameters
    ----------
    role : str, optional
        One of `letheon.library.evidence.ROLES`.

    Returns
    -------
    tuple of Study

    Raises
    ------
    InputError
        If there is no such role.

    Examples
    --------
    >>> [study.id for study in chosen("prediction_target")]
    ['ketcrps2']
    """
    if role is not None and role not in ROLES:
        raise InputError(f"--role {role!r} is no role of a study; {near_hint(role, ROLES)}.")
    found = [study for study in library.studies() if role in (None, study.role)]
    return tuple(sorted(found, key=lambda study: (ROLES.index(study.role), study.id)))


def study_of(name: str) -> Study:
    """Return one study.

    Parameters
    ----------
    name : str
        Its key.

    Returns
    -------
    Study

    Raises
    ------
    InputError
        If there is no such study; the sentence names the nearest.

    Examples
    --------
    >>> study_of("sigtermans2009").design
    'randomised'
    """
    studies = {study.id: study for study in library.studies()}
    if name in studies:
        return studies[name]
    hint = near_hint(name, studies, "see them all with: letheon evidence list")
    raise InputError(f"there is no study {name!r}; {hint}.")


# --- as documents ---


def brief(study: Study) -> dict[str, Any]:
    """Return what the list says of a study, as data.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    dict
        ``id``, ``design``, ``diagnosis``, ``n``, ``drugs``, ``role``, ``measured``.

    Examples
    --------
    >>> brief(study_of("kiefer2008pilot"))["measured"]
    ['responders', 'sensory_testing', 'chance_of_no_responder']
    """
    drugs = dict.fromkeys(arm.drug.removesuffix(" with magnesium") for arm in study.arms if arm.drug not in CONTROLS)
    return {
        "id": study.id,
        "design": study.design,
        "diagnosis": study.diagnosis,
        "n": study.population.n,
        "drugs": list(drugs),
        "role": study.role,
        "measured": list(dict.fromkeys(outcome.measure for outcome in study.outcomes)),
    }


def document(study: Study) -> dict[str, Any]:
    """Return a study with its source as data: the fields of its records, and each outcome's unit.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    dict

    Examples
    --------
    >>> document(study_of("noppers2011"))["outcomes"][0]["unit"]
    'patients'
    """
    outcomes = [{**asdict(outcome), "unit": outcome.unit} for outcome in study.outcomes]
    return {**asdict(study), "outcomes": outcomes, "source": asdict(library.sources()[study.source])}


# --- in words ---


def listing(studies: Sequence[Study]) -> Iterator[str]:
    """Write the table of studies.

    Parameters
    ----------
    studies : sequence of Study
        Those to list.

    Yields
    ------
    str
        Lines of text, at most 80 columns wide.

    Examples
    --------
    >>> next(listing(chosen()))
    'id              design       n    drugs                       role'
    """
    yield _row(("id", "design", "n", "drugs", "role"))
    yield "-" * _WIDTH
    for study in studies:
        told = brief(study)
        drugs = ", ".join(str(_DRUG_WORDS.get(drug, drug)) for drug in told["drugs"])
        yield _row((study.id, study.design, "-" if told["n"] is None else str(told["n"]), drugs, study.role))
        where = "" if study.diagnosis == "CRPS" else f"{study.diagnosis}: "
        yield from _wrapped(where + ", ".join(measure_words(name) for name in told["measured"]), 4)
    yield ""
    yield f"{len(studies)} studies. {_SHOW}"


def entry(study: Study) -> Iterator[str]:
    """Write all that is known about a study.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    str
        Lines of text, at most 80 columns wide.

    Examples
    --------
    >>> next(entry(study_of("sigtermans2009")))
    'sigtermans2009: randomised, CRPS'
    """
    yield f"{study.id}: {study.design}, {study.diagnosis}"
    yield from _wrapped(f"Setting: {study.setting}")
    who = study.population
    yield from _wrapped(f"Patients: {people(who.n, who.verified)}; {who.text} (read: {how_read(who.verified)})")
    if known := traits(who):
        yield from _wrapped(f"Of these: {known}")
    yield from _wrapped(f"Role: {role_words(study)}. {study.role_note}")
    if study.note:
        yield from _wrapped(f"Note: {study.note}")
    yield ""
    yield "What was given"
    for arm in study.arms:
        yield from _arm(arm)
    yield ""
    yield "Results"
    for outcome in study.outcomes:
        yield from _wrapped(f"{when(outcome)}: {result(outcome)}", 2, 6)
        yield from _wrapped(reading(outcome), 6)
        if outcome.note:
            yield from _wrapped(outcome.note, 6)
    yield ""
    yield "What is missing"
    for missing in study.missing:
        yield from _wrapped(f"- {missing}", 2, 4)
    yield ""
    yield "Source"
    yield from _source(study.source)


def _row(cells: Iterable[str]) -> str:
    return "".join(f"{cell:<{width}}" for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()


def _arm(arm: StudyArm) -> Iterator[str]:
    variant = "" if arm.group == arm.name else f", as {arm.group}"
    drug = _DRUG_WORDS.get(arm.drug, arm.drug)
    yield from _wrapped(f"{arm.name}{variant}: {drug}, {arm.route}, {people(arm.n, arm.n_verified)}", 2, 4)
    yield from _wrapped(f"{arm.regimen} (read: {how_read(arm.verified)})", 6)
    if arm.beside:
        yield from _wrapped(f"beside: {arm.beside}", 6)
    if not arm.infusions:
        yield "      no machine-readable regimen"
        return
    yield from _wrapped(f"for 70 kg: {totals(arm)}", 6)
    for session in sessions(arm):
        yield f"      - {session}"
    if arm.contradicted:
        yield from _wrapped(f"contradicted: {arm.contradicted}", 6)
    for assumption in arm.assumptions:
        yield from _wrapped(f"assumed: {assumption}", 6)


def _source(key: str) -> Iterator[str]:
    source = library.sources()[key]
    yield from _wrapped(f"{source.citation.rstrip('.')}. {source.title}", 2)
    if source.where:
        yield f"  {source.where}"
    yield from _wrapped(f"read: {source.note}", 2)


def _wrapped(text: str, indent: int = 0, hanging: int | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent if hanging is None else hanging),
        break_long_words=False,
        break_on_hyphens=False,
    )
