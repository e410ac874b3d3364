"""The library: what it holds, every number of one entry, and the sources of a run."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from letheon import library
from letheon.errors import InputError, near_hint
from letheon.library import Number, PkModel
from letheon.views.document.numbers import count, fixed, general
from letheon.views.document.tree import Document, Paragraph, Section, Table
from letheon.views.subjects import evidence
from letheon.views.subjects.endmatter import sources


def contents() -> Document:
    """Return what the library holds: drug models, sections of numbers, studies."""
    models = [library.pk_model(name) for name in library.pk_models()]
    rows = [(one.id, one.title, ", ".join(one.drugs), _tally(one.parameters.values())) for one in models]
    sections = [(name, _tally(numbers)) for name, numbers in _sections().items()]
    studies = [(study.id, study.design, count(len(study.arms), "arm")) for study in library.studies()]
    tables = (
        ("Pharmacokinetic models", ("name", "model", "drugs", "numbers"), rows),
        ("Sections of numbers", ("name", "numbers"), sections),
        ("Studies", ("name", "design", "arms"), studies),
    )
    how = (
        "Show one with its numbers and sources: letheon library NAME",
        "Results of the studies: letheon evidence list",
    )
    parts = [Section(title, title, (Table.of(title, heads, rows, kind="text"),)) for title, heads, rows in tables]
    return Document("", (*parts, Section("how", "", tuple(map(Paragraph, how)))))


def entry(name: str) -> Document:
    """Return one entry of the library with every number: a drug model, a section of numbers or a study."""
    if name in library.pk_models():
        return _model(library.pk_model(name))
    if name in (sections := _sections()):
        return _section(name, sections[name])
    studies = [study.id for study in library.studies()]
    if name in studies:
        return evidence.entry(evidence.study_of(name))
    hint = near_hint(name, [*library.pk_models(), *sections, *studies], "see its contents with: letheon library")
    raise InputError(f"the library has no entry {name!r}; {hint}.")


def citations(title: str, maker: str, keys: Sequence[str]) -> Document:
    """Return the sources that a run used: citation, address, and how its numbers were read."""
    heading = f"Sources of the run {title!r}: {len(keys)}, and {maker}"
    return Document("", (Section("sources", heading, (sources(keys),)),))


def _sections() -> dict[str, list[Number]]:
    """Return the numbers that belong to no drug model, by section, in the library's order."""
    sections: dict[str, list[Number]] = {}
    for home, number in library.numbers():
        if match := re.fullmatch(r".*\[(\w+)\]", home):
            sections.setdefault(match[1], []).append(number)
    return sections


def _tally(numbers: Iterable[Number]) -> str:
    counts = Counter(number.status for number in numbers)
    return ", ".join((f"{counts.total()} numbers", *(f"{number} {status}" for status, number in counts.items())))


def _model(model: PkModel) -> Document:
    head = [
        f"Drugs: {', '.join(model.drugs)}; analytes: {', '.join(model.analytes)}",
        f"Sampling: {model.sampling}; studied in: {model.population}",
        f"Valid: {model.validity['text']}",
        *([f"Note: {model.note}"] if model.note else []),
    ]
    numbers = [
        block
        for name, number in model.parameters.items()
        for block in _number(number, model.scaling.get(name), model.iov.get(name), model.reference_weight_kg)
    ]
    errors = [
        f"covariance between patients of {first} and {second}: {general(value, 4)}"
        for first, second, value in model.covariance
    ]
    for analyte, error in model.residual.items():
        extra = f" and {general(error.additive)} {error.additive_unit}" if error.additive else ""
        errors.append(f"residual error of {analyte}: {error.kind}, SD {general(error.sd, 4)}{extra}")
    errors += [model.iov_note] if model.iov_note else []
    return Document(
        "",
        (
            Section("model", f"{model.id}: {model.title}", tuple(map(Paragraph, head))),
            Section("numbers", "Numbers", (*numbers, *map(Paragraph, errors))),
            _sources((*model.sources, *(key for number in model.parameters.values() for key in number.sources))),
        ),
    )


def _section(name: str, numbers: list[Number]) -> Document:
    blocks = tuple(block for number in numbers for block in _number(number))
    title = f"{name}: {_tally(numbers)}"
    return Document("", (Section(name, title, blocks), _sources(key for number in numbers for key in number.sources)))


def _number(
    number: Number, scaling: float | str | None = None, iov: float | None = None, reference_kg: float = 70.0
) -> Iterator[Paragraph]:
    """Say all that is known about a number, one fact a line."""
    low, high = number.range
    unit = "" if number.unit == "1" else f" {number.unit}"
    yield Paragraph(f"{number.name} = {general(number.value)}{unit}")
    facts = [
        f"status: {number.status}; how read: {number.verified}; weight as evidence: {general(number.weight)}",
        f"range: {general(low)} to {general(high)}{unit}; spread of the typical value: {_spread(number)}",
    ]
    if number.omega is not None:
        cv = 100 * math.sqrt(math.expm1(number.omega))
        facts.append(f"between patients: omega {general(number.omega, 4)} (CV {fixed(cv, 0)} %), role {number.role}")
    if iov:
        facts.append(f"between occasions: variance {general(iov, 4)}")
    if scaling == "per_kg":
        facts.append("scales with weight: per kg")
    elif isinstance(scaling, float) and scaling:
        facts.append(f"scales with weight: (weight / {general(reference_kg)} kg) to the power {general(scaling)}")
    if number.same_as:
        facts.append(f"equals {number.same_as} in every patient")
    facts.append(f"sources: {', '.join(number.sources) or 'none, an assumption'}")
    facts += [f"note: {number.note}"] if number.note else []
    yield from (Paragraph(fact, indent=4) for fact in facts)


def _spread(number: Number) -> str:
    kind = number.spread["kind"]
    if kind == "none":
        return "none given"
    if kind == "uniform":
        return "uniform over the range"
    sizes = ", ".join(f"{key} {general(value)}" for key, value in number.spread.items() if isinstance(value, float))
    how = "; assumed, none was published" if number.spread_is_assumed else ""
    return f"{kind}, {sizes}{' of the logarithm' if kind == 'lognormal' else ''}{how}"


def _sources(keys: Iterable[str]) -> Section:
    return Section("sources", "Sources", (sources(dict.fromkeys(keys)),))
