"""Read the library's TOML and BibTeX files into frozen records, and refuse what does not belong there.

A file that says something the records cannot hold is an error that names file, table and key: a misspelt
key must never turn into a silent default.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from letheon.errors import InputError
from letheon.library.bibliography import parse_sources
from letheon.library.entries import parse_numbers, parse_sections
from letheon.library.evidence import Study, parse_study
from letheon.library.harm_evidence import BladderRow, BladderSchedule, HarmCount, parse_bladder, parse_counts
from letheon.library.posterior import Posterior, parse_posterior
from letheon.library.reading import (
    as_choice,
    as_float,
    as_pair,
    as_text,
    as_texts,
    as_variance,
    check_keys,
    read_toml,
)
from letheon.library.records import (
    STATUSES,
    Number,
    PkModel,
    Residual,
    Source,
)

_SAMPLING = ("arterial", "venous", "mixed", "not seen")
_RESIDUALS = ("proportional", "proportional+additive", "lognormal")
_BLADDER_LAWS = ("saturating", "unsaturated")
_DRUGS = ("racemic", "esketamine", "arketamine", "placebo")

_PK_NEEDS = (
    "id",
    "title",
    "label",
    "structure",
    "drugs",
    "analytes",
    "sampling",
    "population",
    "reference_weight_kg",
    "sources",
    "note",
    "parameters",
    "scaling",
    "validity",
    "checks",
)
_PK_MAY = ("covariance", "iov", "iov_note", "residual")


def _scaling(table: Any, parameters: Mapping[str, Number], place: str) -> dict[str, float | str]:
    check_keys(table, (), parameters, place)
    return {k: v if v == "per_kg" else as_float(v, f"{place}.{k}") for k, v in table.items()}


def _validity(table: Any, place: str) -> dict[str, tuple[float, float] | str]:
    check_keys(table, ("weight_kg", "duration_h", "rate_mg_h", "text"), ("age_year", "push_mg_kg"), place)
    return {k: as_text(v, f"{place}.{k}") if k == "text" else as_pair(v, f"{place}.{k}") for k, v in table.items()}


def _covariance(rows: Any, parameters: Mapping[str, Number], place: str) -> tuple[tuple[str, str, float], ...]:
    omegas = {n.role: n.omega for n in parameters.values() if n.role is not None and n.omega is not None}
    result = []
    for index, row in enumerate(rows):
        where = f"{place}[{index}]"
        check_keys(row, ("roles", "status", "note"), ("value", "correlation"), where)
        as_choice(row["status"], STATUSES, f"{where}.status")
        roles = as_texts(row["roles"], f"{where}.roles")
        if len(roles) != 2 or not set(roles) <= set(omegas):
            raise InputError(f"{where}.roles: two roles of this model are due, got {roles}")
        if ("value" in row) == ("correlation" in row):
            raise InputError(f"{where}: give 'value' or 'correlation', one of the two")
        if "value" in row:
            value = as_float(row["value"], f"{where}.value")
        else:
            scale = math.sqrt(math.prod(omegas[role] for role in roles))
            value = scale * as_float(row["correlation"], f"{where}.correlation")
        result.append((roles[0], roles[1], value))
    return tuple(result)


def _residual(rows: Any, analytes: tuple[str, ...], place: str) -> dict[str, Residual]:
    result = {}
    for index, row in enumerate(rows):
        where = f"{place}[{index}]"
        check_keys(row, ("analyte", "kind", "sd"), ("additive", "additive_unit", "note"), where)
        as_choice(row["analyte"], analytes, f"{where}.analyte")
        as_choice(row["kind"], _RESIDUALS, f"{where}.kind")
        for key in ("sd", "additive"):
            as_variance(row.get(key, 0), f"{where}.{key}")
        result[row["analyte"]] = Residual(**row)
    return result


def parse_pk_model(text: str, place: str) -> PkModel:
    """Read one drug model.

    Examples
    --------
    >>> parse_pk_model("idd = 'x'", "pk/x.toml")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    letheon.errors.InputError: pk/x.toml: unknown key 'idd'; known keys: id, title, label, ...
    """
    document = read_toml(text, place)
    check_keys(document, _PK_NEEDS, _PK_MAY, place)
    parameters = parse_numbers(document["parameters"], f"{place} [parameters]")
    analytes = as_texts(document["analytes"], f"{place} analytes")
    iov = document.get("iov", {})
    check_keys(iov, (), parameters, f"{place} [iov]")
    drugs = as_texts(document["drugs"], f"{place} drugs")
    for drug in drugs:
        as_choice(drug, _DRUGS, f"{place} drugs")
    plain = {key: as_text(document[key], f"{place} {key}") for key in ("id", "title", "label", "structure")}
    return PkModel(
        **plain,
        drugs=drugs,
        analytes=analytes,
        sampling=as_choice(document["sampling"], _SAMPLING, f"{place} sampling"),
        population=as_text(document["population"], f"{place} population"),
        parameters=parameters,
        scaling=_scaling(document["scaling"], parameters, f"{place} [scaling]"),
        reference_weight_kg=as_float(document["reference_weight_kg"], f"{place} reference_weight_kg"),
        covariance=_covariance(document.get("covariance", []), parameters, f"{place} [[covariance]]"),
        iov={name: as_variance(value, f"{place} [iov].{name}") for name, value in iov.items()},
        residual=_residual(document.get("residual", []), analytes, f"{place} [[residual]]"),
        validity=_validity(document["validity"], f"{place} [validity]"),
        checks={k: as_float(v, f"{place} [checks].{k}") for k, v in document["checks"].items()},
        sources=as_texts(document["sources"], f"{place} sources"),
        note=as_text(document["note"], f"{place} note"),
        iov_note=as_text(document.get("iov_note", ""), f"{place} iov_note"),
    )


def _home() -> Traversable:
    return files("letheon.library")


def _read(*parts: str) -> tuple[str, str]:
    return _home().joinpath(*parts).read_text(encoding="utf-8"), "/".join(parts)


def _stems(folder: str) -> tuple[str, ...]:
    names = (entry.name for entry in _home().joinpath(folder).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def _known(name: str, known: Iterable[str], what: str) -> None:
    known = tuple(known)
    if name not in known:
        raise InputError(f"there is no {what} {name!r}; known: {', '.join(known)}")


@cache
def _sections(name: str) -> Mapping[str, Mapping[str, Number]]:
    return parse_sections(*_read(name))


@cache
def pk_models() -> tuple[str, ...]:
    """Return the keys of the shipped drug models, sorted."""
    return _stems("pk")


@cache
def pk_model(id: str) -> PkModel:
    """Return one shipped drug model.

    Parameters
    ----------
    id : str
        One of `pk_models`.

    Returns
    -------
    PkModel
        The same object at every call; treat its mappings as read-only.

    Raises
    ------
    InputError
        If there is no such model.

    Examples
    --------
    >>> from letheon import library
    >>> library.pk_model("otto2021").parameters["cl"].value
    95.2
    """
    _known(id, pk_models(), "drug model")
    return parse_pk_model(*_read("pk", f"{id}.toml"))


def receptor() -> Mapping[str, Number]:
    """Return the numbers of the receptor block: affinities [µM], free fraction, masses [g/mol]."""
    return _sections("receptor.toml")["receptor"]


def pain(section: str) -> Mapping[str, Number]:
    """Return the numbers of one section of ``pain.toml``.

    Parameters
    ----------
    section : str
        ``memory``, ``flares``, ``acute``, ``placebo``, ``diary``, ``slow_site`` or ``population``.

    Returns
    -------
    mapping
        Name to `Number`.

    Raises
    ------
    InputError
        If there is no such section.

    Examples
    --------
    >>> from letheon import library
    >>> library.pain("memory")["tau_s"].unit
    'day'
    """
    found = _sections("pain.toml")
    _known(section, found, "section of pain.toml")
    return found[section]


def harms(section: str) -> Mapping[str, Number]:
    """Return the numbers of one section of ``harms.toml``.

    Parameters
    ----------
    section : str
        ``psychedelic``, ``circulation``, ``comedication``, ``liver``, ``bladder`` or ``mood``.

    Returns
    -------
    mapping
        Name to `Number`.

    Raises
    ------
    InputError
        If there is no such section.

    Examples
    --------
    >>> from letheon import library
    >>> library.harms("psychedelic")["c50"].value
    121.0
    """
    found = _sections("harms.toml")
    _known(section, found, "section of harms.toml")
    return found[section]


@cache
def harm_counts() -> tuple[HarmCount, ...]:
    """Return how often each harm was seen, study by study."""
    return parse_counts(*_read("harm_counts.toml"))


@cache
def _bladder() -> tuple[tuple[BladderRow, ...], tuple[BladderSchedule, ...]]:
    return parse_bladder(*_read("bladder_rows.toml"))


def bladder_rows() -> tuple[BladderRow, ...]:
    """Return what the bladder's injury laws are fitted to and scored on."""
    return _bladder()[0]


def bladder_schedules() -> tuple[BladderSchedule, ...]:
    """Return the schedules at which both injury laws are looked at."""
    return _bladder()[1]


@cache
def bladder_posterior(law: str) -> Posterior:
    """Return the shipped fit of an injury law of the bladder.

    Parameters
    ----------
    law : str
        ``saturating`` or ``unsaturated``.

    Returns
    -------
    Posterior
        Draws by name (``bladder.k_rep``, ``bladder.d50.sd``, …), in the library's units; made by
        ``python -m letheon.study.bladder``.

    Raises
    ------
    InputError
        If there is no such law.

    Examples
    --------
    >>> from letheon import library
    >>> library.bladder_posterior("saturating").model
    'bladder_saturating'
    """
    _known(law, _BLADDER_LAWS, "injury law")
    stem = f"bladder_{law}"
    table, about = (_home().joinpath("posterior", f"{stem}.{ending}") for ending in ("csv", "toml"))
    if not table.is_file():
        return Posterior(stem, {})
    return parse_posterior(stem, table.read_text("utf-8"), about.read_text("utf-8"), f"posterior/{stem}")


@cache
def studies() -> tuple[Study, ...]:
    """Return the shipped studies, sorted by key."""
    return tuple(parse_study(*_read("studies", f"{stem}.toml")) for stem in _stems("studies"))


@cache
def sources() -> Mapping[str, Source]:
    """Return every source of ``sources.bib`` by its key."""
    return parse_sources(*_read("sources.bib"))


def numbers() -> Iterator[tuple[str, Number]]:
    """Iterate over every number of the library with its home, such as ``pk/otto2021.toml``.

    Yields
    ------
    tuple of (str, Number)

    Examples
    --------
    >>> from letheon import library
    >>> next(library.numbers())[0]
    'pk/clements1981.toml'
    """
    for stem in pk_models():
        for number in pk_model(stem).parameters.values():
            yield f"pk/{stem}.toml", number
    for name in ("receptor.toml", "pain.toml", "harms.toml"):
        for section, found in _sections(name).items():
            for number in found.values():
                yield f"{name} [{section}]", number
