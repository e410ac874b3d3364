"""A study of the user's own: what it would be used for as it stands, and what it lacks."""

from collections.abc import Iterator

from letheon import library
from letheon.library import Source, Study
from letheon.library.evidence import CONTROLS, Outcome
from letheon.pipeline.labels import rows_of, usable
from letheon.study.records import Record
from letheon.study.validate.regimens import RegimenCheck, study_checks

__all__ = ["NewStudy", "Supported", "examine"]

_MEASURED, _COUNTED = ("NRS", "NRS·day", "ng/mL"), ("patients", "%", "1")  # the error of a count follows from n


class Supported(Record, frozen=True):
    """A number of a result document that the study could support, in the simulation's own days."""

    quantity: str
    window: tuple[float, float] | None  # None for the whole course
    against: str  # drug of the arm that it is compared with; empty for a value of one arm
    on_placebo: bool
    arms: list[str]  # arms with a usable regimen


class NewStudy(Record, frozen=True):
    """What a study file would be used for.

    `shipped` says whether the library holds a study of this name, `label` which label its `supports` can give,
    `checks` set its reports on levels and doses beside the regimens as written, and `missing` says what to add.
    """

    id: str
    shipped: bool
    role: str
    label: str
    supports: list[Supported]
    targets: list[str]
    checks: list[RegimenCheck]
    missing: list[str]


def examine(study: Study, source: Source | None) -> NewStudy:
    """Say what a study would be used for.

    >>> study = next(one for one in library.studies() if one.id == "sigtermans2009")
    >>> examine(study, None).label
    'randomised'
    """
    supports = [
        Supported(row.quantity, row.window, row.comparator, row.sham, [arm.name for arm in row.arms if usable(arm)])
        for row in rows_of(study)
    ]
    return NewStudy(
        id=study.id,
        shipped=any(one.id == study.id for one in library.studies()),
        role=study.role,
        label=study.design if supports else "",
        supports=supports,
        targets=[_named(one) for one in study.outcomes if one.target],
        checks=list(study_checks(study)),
        missing=[*_missing(study, source), *study.missing],
    )


def _named(one: Outcome) -> str:
    when = "" if one.time_days is None else f" on day {one.time_days[1]:g}"
    return f"{one.measure.replace('_', ' ')} of {one.arm}{when}"


def _missing(study: Study, source: Source | None) -> Iterator[str]:
    """Say what keeps parts of a study from being used."""
    if source is None:
        yield f"a BibTeX entry {study.source!r}, in a file beside this one that ends in .bib"
    traits = {"weight_kg": "weight", "age_year": "age", "pain": "pain before the infusion"}
    unread = [
        word
        for name, word in traits.items()
        if getattr(study.population, name) is None or getattr(study.population, name).sd is None
    ]
    if unread and study.diagnosis == "CRPS":
        yield f"[population]: mean and SD of {', '.join(unread)}; without them it supports no label of its own"
    for arm in study.arms:
        if arm.drug not in CONTROLS and not arm.infusions:
            yield f"arm {arm.name}: 'infusions', without which it can be neither simulated nor recognised"
        if arm.n is None:
            yield f"arm {arm.name}: the number of patients"
    for one in study.outcomes:
        if one.weight == 0:
            yield f"{_named(one)}: only recalled, so it counts for nothing until it is read"
        elif one.time_days is None and one.unit in (*_MEASURED, *_COUNTED) and not one.statement:
            yield f"{_named(one)}: the day"
        elif one.value is not None and one.se is None and one.sd is None and one.interval is None:
            if one.unit in _MEASURED:
                yield f"{_named(one)}: an error (se, sd or interval)"
            elif one.unit in _COUNTED and one.n is None:
                yield f"{_named(one)}: the number of patients"
