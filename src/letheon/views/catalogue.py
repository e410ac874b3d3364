"""The library in words: what it holds, every number of one entry, and the sources of a run."""

import math
import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from letheon import library
from letheon._version import __version__
from letheon.errors import InputError, near_hint
from letheon.library import Number, PkModel, Source, Study
from letheon.runs.folder import RUN, remedy
from letheon.runs.json_file import read_object
from letheon.runs.manifest import Manifest
from letheon.units import REFERENCE_WEIGHT_KG

__all__ = ["bibtex", "citations", "contents", "entry", "read_document"]

_WIDTH = 80


# --- the library ---


def contents() -> Iterator[str]:
    """List what the library holds: drug models, sections of numbers, studies.

    Yields
    ------
    str
        Lines of text.

    Examples
    --------
    >>> next(contents())
    'Pharmacokinetic models'
    """
    yield "Pharmacokinetic models"
    for name in library.pk_models():
        model = library.pk_model(name)
        yield from _wrapped(f"{name:<16}{model.title}", 2, 18)
        yield from _wrapped(f"for {', '.join(model.drugs)}; {_tally(model.parameters.values())}", 18)
    yield ""
    yield "Sections of numbers"
    for name, numbers in _sections().items():
        yield f"  {name:<16}{_tally(numbers.values())}"
    yield ""
    yield "Studies"
    for study in library.studies():
        yield f"  {study.id:<16}{study.design}, {len(study.arms)} arm{'s'[: len(study.arms) != 1]}"
    yield ""
    yield "Show one with its numbers and sources: letheon library NAME"
    yield "Results of the studies: letheon evidence list"


def entry(name: str) -> Iterator[str]:
    """Show one entry of the library, with every number and all that is known about it.

    Parameters
    ----------
    name : str
        A drug model, a section of numbers or a study.

    Returns
    -------
    iterator of str
        Lines of text.

    Raises
    ------
    InputError
        If the library has no such entry.

    Examples
    --------
    >>> next(entry("otto2021"))
    'otto2021: Otto 2021: esketamine with esnorketamine, venous plasma'
    """
    if name in library.pk_models():
        return _model(library.pk_model(name))
    if name in (sections := _sections()):
        return _section(name, sections[name])
    studies = {study.id: study for study in library.studies()}
    if name in studies:
        return _study(studies[name])
    hint = near_hint(name, [*library.pk_models(), *sections, *studies], "see its contents with: letheon library")
    raise InputError(f"the library has no entry {name!r}; {hint}.")


def _sections() -> Mapping[str, dict[str, Number]]:
    """Return the numbers that belong to no drug model, by section, in the library's order."""
    found: dict[str, dict[str, Number]] = {}
    for home, number in library.numbers():
        if section := re.fullmatch(r".*\[(\w+)\]", home):
            found.setdefault(section[1], {})[number.name] = number
    return found


def _tally(numbers: Iterable[Number]) -> str:
    counts = Counter(number.status for number in numbers)
    return f"{counts.total()} numbers, " + ", ".join(f"{count} {status}" for status, count in counts.items())


def _model(model: PkModel) -> Iterator[str]:
    yield f"{model.id}: {model.title}"
    yield from _wrapped(f"Drugs: {', '.join(model.drugs)}; gives: {', '.join(model.analytes)}")
    yield from _wrapped(f"Sampling: {model.sampling}; studied in: {model.population}")
    yield from _wrapped(f"Valid: {model.validity['text']}")
    yield from _wrapped(f"Note: {model.note}" if model.note else "")
    yield ""
    for name, number in model.parameters.items():
        yield from _number(number, model.scaling.get(name), model.iov.get(name), model.reference_weight_kg)
    for first, second, value in model.covariance:
        yield f"covariance between patients of {first} and {second}: {value:.4g}"
    for analyte, error in model.residual.items():
        extra = f" and {error.additive:g} {error.additive_unit}" if error.additive else ""
        yield f"residual error of {analyte}: {error.kind}, SD {error.sd:.4g}{extra}"
    yield from _wrapped(model.iov_note)
    yield ""
    yield from _used((*model.sources, *(key for number in model.parameters.values() for key in number.sources)))


def _section(name: str, numbers: Mapping[str, Number]) -> Iterator[str]:
    yield f"{name}: {_tally(numbers.values())}"
    yield ""
    for number in numbers.values():
        yield from _number(number)
    yield ""
    yield from _used(key for number in numbers.values() for key in number.sources)


def _study(study: Study) -> Iterator[str]:
    last = f"results count up to day {study.follow_up_days:g}"
    yield f"{study.id}: {study.design}, {last}, read: {study.verified}"
    yield from _wrapped(study.note)
    yield f"Results: letheon evidence show {study.id}"
    yield ""
    for arm in study.arms:
        people = "n not known" if arm.n is None else f"n = {arm.n}"
        yield f"{arm.name}: {arm.drug}, {people}, read: {arm.verified}"
        if arm.infusions:
            yield f"    {arm.hours:g} h on the drip within {arm.days:g} days, sessions: {arm.sessions}"
            yield f"    dose at 70 kg: {arm.dose_mg_70kg:g} mg"
        else:
            yield from _wrapped(arm.regimen, 4)
        for assumption in arm.assumptions:
            yield from _wrapped(f"assumed: {assumption}", 4)
    yield ""
    yield from _used([study.source])


def _number(
    number: Number,
    scaling: float | str | None = None,
    iov: float | None = None,
    reference_kg: float = REFERENCE_WEIGHT_KG,
) -> Iterator[str]:
    low, high = number.range
    unit = "" if number.unit == "1" else f" {number.unit}"
    yield f"{number.name} = {number.value:g}{unit}"
    yield from _wrapped(
        f"status: {number.status}; how read: {number.verified}; weight as evidence: {number.weight:g}", 4
    )
    yield from _wrapped(f"range: {low:g} to {high:g}{unit}; spread of the typical value: {_spread(number)}", 4)
    if number.omega is not None:
        percent = 100 * math.sqrt(math.expm1(number.omega))
        yield from _wrapped(f"between patients: omega {number.omega:.4g} (CV {percent:.0f} %), role {number.role}", 4)
    if iov:
        yield f"    between occasions: variance {iov:.4g}"
    if scaling == "per_kg":
        yield "    scales with weight: per kg"
    elif isinstance(scaling, float) and scaling:
        yield f"    scales with weight: (weight / {reference_kg:g} kg) to the power {scaling:g}"
    if number.same_as:
        yield f"    equals {number.same_as} in every patient"
    yield f"    sources: {', '.join(number.sources) or 'none, an assumption'}"
    if number.note:
        yield from _wrapped(f"note: {number.note}", 4)


def _spread(number: Number) -> str:
    kind = number.spread["kind"]
    if kind == "none":
        return "none given"
    if kind == "uniform":
        return "uniform over the range"
    told = ", ".join(f"{key} {value:g}" for key, value in number.spread.items() if isinstance(value, float))
    return f"{kind}, {told}" + (" of the logarithm" if kind == "lognormal" else "")


def _used(keys: Iterable[str]) -> Iterator[str]:
    yield "Sources"
    for key in dict.fromkeys(keys):
        yield from _citation(key, library.sources()[key])


# --- the sources of a run ---


def read_document(folder: Path) -> dict[str, Any]:
    """Read the result document of a finished run.

    Parameters
    ----------
    folder : Path
        A run folder.

    Returns
    -------
    dict
        The result document.

    Raises
    ------
    InputError
        If there is no such folder, or it holds no finished run.
    """
    if not folder.exists():
        raise InputError(f"{folder}: there is no such folder; give the run folder that letheon simulate named.")
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; give the run folder that letheon simulate named.")
    file = folder / "result.json"
    if not file.is_file() and (folder / "run.json").is_file():
        raise InputError(f"{folder}: this run is not finished; run the same letheon simulate again to continue it.")
    if not file.is_file():
        raise InputError(f"{folder}: is no run folder, for it has no result.json; letheon simulate makes one.")
    noted = Manifest(folder).files.get(RUN, {}).get(file.name)
    if noted is not None and not noted.intact(file):
        raise InputError(f"{file} is damaged; make it whole: {remedy(folder)}")
    document = read_object(file) or {}
    sources = document.get("sources")
    words = [document.get("letheon"), document.get("title"), *(sources if isinstance(sources, list) else [None])]
    if not all(isinstance(word, str) for word in words):
        raise InputError(f"{file}: is no result of Letheon; run letheon simulate again with --fresh to make one.")
    return document


def citations(document: Mapping[str, Any]) -> Iterator[str]:
    """List the sources that a run used: citation, DOI, and how its numbers were read.

    Parameters
    ----------
    document : mapping
        The result document.

    Yields
    ------
    str
        Lines of text.
    """
    maker = f"Letheon {document['letheon']}"
    yield f"Sources of the run {document['title']!r}: {len(document['sources'])}, and {maker}"
    for key in document["sources"]:
        source = library.sources().get(key)
        if source:
            yield from _citation(key, source)
        else:
            yield f"{key}: not in the library of Letheon {__version__}; see {maker}"


def _citation(key: str, source: Source) -> Iterator[str]:
    yield key
    yield from _wrapped(source.citation, 4)
    if source.where:
        yield f"    {source.where}"
    yield from _wrapped(f"read: {source.note}", 4)


def bibtex(document: Mapping[str, Any]) -> Iterator[str]:
    """Write the sources that a run used as BibTeX, Letheon itself at the end.

    Parameters
    ----------
    document : mapping
        The result document.

    Yields
    ------
    str
        Lines of BibTeX.

    Examples
    --------
    >>> lines = list(bibtex({"letheon": "0.1.0", "sources": ["otto2021"]}))
    >>> lines[0].startswith("%"), "@article{otto2021," in lines
    (True, True)
    """
    text = files("letheon.library").joinpath("sources.bib").read_text(encoding="utf-8")
    # what the file says about itself at its head goes along
    yield from (line for line in text.split("@", 1)[0].splitlines() if line)
    found = {entry[1]: entry[0] for entry in re.finditer(r"^@\w+\{([\w-]+),\n.*?^\}$", text, re.M | re.S)}
    for key in document["sources"]:
        yield ""
        yield from found.get(key, f"% {key}: not in the library of Letheon {__version__}").splitlines()
    yield from (
        "",
        "@software{letheon,",
        "  author = {{The Letheon contributors}},",
        "  title = {Letheon},",
        f"  version = {{{document['letheon']}}},",
        "}",
    )


def _wrapped(text: str, indent: int = 0, hanging: int | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent if hanging is None else hanging),
        break_long_words=False,
        break_on_hyphens=False,
    )
