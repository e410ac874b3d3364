"""Read the library's TOML and BibTeX files into frozen records, and refuse what does not belong there.

A file that says something the records cannot hold is an error that names file, table and key: a misspelt
key must never turn into a silent default.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from letheon.errors import InputError
from letheon.library.bibliography import parse_sources
from letheon.library.evidence import Study, parse_study
from letheon.library.guidelines import Guidance, parse_guidance
from letheon.library.harm_evidence import BladderRow, BladderSchedule, HarmCount, parse_bladder, parse_counts
from letheon.library.posterior import Posterior, shipped
from letheon.library.records import Number, PkModel, Source, parse_pk_model, parse_sections

_BLADDER_LAWS = ("saturating", "unsaturated")


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


def _section(name: str, section: str) -> Mapping[str, Number]:
    sections = _sections(name)
    _known(section, sections, f"section of {name}")
    return sections[section]


@cache
def pk_models() -> tuple[str, ...]:
    """Return the keys of the shipped drug models, sorted."""
    return _stems("pk")


@cache
def pk_model(id: str) -> PkModel:
    """Return one of `pk_models`, the same object at every call: treat its mappings as read-only; refuse other names."""
    _known(id, pk_models(), "drug model")
    return parse_pk_model(*_read("pk", f"{id}.toml"))


def receptor() -> Mapping[str, Number]:
    """Return the numbers of the receptor block: affinities [µM], free fraction, masses [g/mol]."""
    return _sections("receptor.toml")["receptor"]


def pain(section: str) -> Mapping[str, Number]:
    """Return the numbers of one section of ``pain.toml`` by name.

    The sections are ``memory``, ``flares``, ``acute``, ``placebo``, ``diary``, ``slow_site``, ``vague`` and
    ``population``; refuse any other.
    """
    return _section("pain.toml", section)


def harms(section: str) -> Mapping[str, Number]:
    """Return the numbers of one section of ``harms.toml`` by name.

    The sections are ``psychedelic``, ``circulation``, ``comedication``, ``liver``, ``bladder`` and ``mood``; refuse any
    other.
    """
    return _section("harms.toml", section)


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
    """Return the shipped fit of an injury law, ``saturating`` or ``unsaturated``; refuse any other name.

    Draws by name (``bladder.k_rep``, ``bladder.d50.sd``, …), in the library's units; made by
    ``python -m letheon.study.calibrate.bladder``.
    """
    _known(law, _BLADDER_LAWS, "injury law")
    return shipped(f"bladder_{law}")


@cache
def studies() -> tuple[Study, ...]:
    """Return the shipped studies, sorted by key."""
    return tuple(parse_study(*_read("studies", f"{stem}.toml")) for stem in _stems("studies"))


def study_template() -> str:
    """Return a study file to start from."""
    return _read("study_template.toml")[0]


@cache
def guidance() -> tuple[Guidance, ...]:
    """Return what guidelines say about doses; no result depends on it."""
    return parse_guidance(*_read("guidance.toml"))


@cache
def sources() -> Mapping[str, Source]:
    """Return every source of ``sources.bib`` by its key."""
    return parse_sources(*_read("sources.bib"))


def read_study(path: Path) -> tuple[Study, Source | None]:
    """Read a study file, and its source from the library's bibliography or from a file beside it, ending in ``.bib``.

    InputError names file, table and key of what cannot be used.
    """
    try:
        study = parse_study(path.read_text(encoding="utf-8"), path.name)
        beside = path.with_suffix(".bib")
        own = parse_sources(beside.read_text(encoding="utf-8"), beside.name) if beside.exists() else {}
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: not a text in UTF-8") from None
    return study, own.get(study.source) or sources().get(study.source)


def numbers() -> Iterator[tuple[str, Number]]:
    """Iterate over every number of the library with its home, such as ``pk/otto2021.toml``."""
    for stem in pk_models():
        for number in pk_model(stem).parameters.values():
            yield f"pk/{stem}.toml", number
    for name in ("receptor.toml", "pain.toml", "harms.toml"):
        for section, members in _sections(name).items():
            for number in members.values():
                yield f"{name} [{section}]", number
