"""What the words of results, reports and scenarios mean: ``letheon explain``."""

from collections.abc import Iterator
from functools import cache
from importlib import resources

import msgspec
from msgspec import Struct

from letheon import definitions
from letheon.errors import InputError, near_hint
from letheon.scenario.grammar import maps
from letheon.scenario.measures import exposure_of, measure_of
from letheon.views.document.numbers import general
from letheon.views.document.tree import Document, Paragraph, Section
from letheon.views.subjects.names import endpoint_name
from letheon.views.subjects.words import WORDS


class Term(Struct, frozen=True):
    """A word with its meaning, its other names, and entries beside it."""

    name: str
    text: str
    also: tuple[str, ...] = ()
    see: tuple[str, ...] = ()


class _File(Struct, frozen=True):
    terms: tuple[Term, ...]


@cache
def terms() -> tuple[Term, ...]:
    """Return the glossary, labels of support included, in alphabetical order.

    >>> next(term.name for term in terms() if "responder_30" in term.also)
    'responder'
    """
    text = (resources.files("letheon.views.subjects") / "glossary.toml").read_text(encoding="utf-8")
    numbers = {
        "relief": general(100 * (1 - definitions.RELIEF)),
        "half": general(100 * definitions.HALF),
        "points": general(definitions.POINTS),
        "averaged_days": general(definitions.AVERAGED_DAYS),
        "remission_days": general(definitions.REMISSION_DAYS),
        "relapse": general(100 * definitions.RELAPSE),
        "relapse_days": general(definitions.RELAPSE_DAYS),
        "of_days": general(definitions.RELAPSE_OF_DAYS),
        "baseline_days": general(definitions.BASELINE_DAYS),
    }
    known = [
        msgspec.structs.replace(term, text=term.text.format(**numbers))
        for term in msgspec.toml.decode(text, type=_File).terms
    ]
    labels = [Term(name, f"Support label: {meaning}.", see=("support",)) for name, meaning in WORDS.support.items()]
    return tuple(sorted((*known, *labels), key=lambda term: term.name.lower()))


def _plain(word: str) -> str:
    return " ".join(word.lower().replace("_", " ").replace("-", " ").split())


def _term(word: str) -> Term | None:
    return next((term for term in terms() if _plain(word) in map(_plain, (term.name, *term.also))), None)


def _keys(word: str) -> Iterator[str]:
    """Yield where a scenario has a key of that name, and what it holds."""
    for path, fields in maps():
        for key in fields.keys:
            if _plain(key.name) == _plain(word):
                yield f"In a scenario: {f'{path}.{key.name}'.removeprefix('.')}. {key.help} For example: {key.pair}"


def explain(word: str) -> Document:
    """Return what a word means: from the glossary, the measures and the keys of a scenario; refuse others."""
    term, measure = _term(word), measure_of(word)
    paragraphs: list[str] = []
    if measure is not None:
        paragraphs.append(f"{endpoint_name(word)} [{measure.unit}].")
        kind = (exposure_of(word) or (word.partition("_day_")[0],))[0]
        term = term or _term("time above" if kind.startswith("time_above") else kind)
    if term is not None:
        paragraphs += [term.text, f"See also: {', '.join(term.see)}." if term.see else ""]
    paragraphs += _keys(word)
    if not paragraphs:
        words = [name for term in terms() for name in (term.name, *term.also)]
        hint = near_hint(word, words, "all words: letheon explain")
        raise InputError(f"there is no entry for {word[:60]!r}; {hint}.")
    name = word if measure or not term else term.name
    return Document("", (Section("word", name, tuple(Paragraph(text) for text in paragraphs if text)),))


def contents() -> Document:
    """Return all words with their meaning."""
    blocks = tuple(Paragraph(f"{term.name}: {term.text}", hanging=2) for term in terms())
    return Document("", (Section("glossary", "Glossary", blocks),))
