"""What stands at the end of a page: sources with their citations, and what made the page."""

from collections.abc import Iterable

from letheon import library
from letheon._version import __version__
from letheon.definitions import PAGE_NOTICE
from letheon.library import Source
from letheon.views.document.tree import CodeText, Content, Items, Link, Note, Strong


def made_by(version: str, command: str) -> tuple[Content, ...]:
    """Return the footer of a page that a command wrote."""
    return ((f"{version}; made by ", CodeText(command), f". {PAGE_NOTICE}"),)


def citations(studies: Iterable[str]) -> Items:
    """Return the sources of the studies that the library knows, under the names of the studies."""
    known = {study.id: library.sources()[study.source] for study in library.studies()}
    return _items((id, known[id]) for id in dict.fromkeys(studies) if id in known)


def sources(keys: Iterable[str], linked: bool = True) -> Items:
    """Return sources with their citations, and how their numbers were read; not `linked` on a page without links."""
    return _items(((key, library.sources().get(key)) for key in keys), linked)


def _items(sources: Iterable[tuple[str, Source | None]], linked: bool = True) -> Items:
    items: list[Content] = []
    for name, source in sources:
        if source is None:
            items.append(f"{name}: not in the library of Letheon {__version__}")
            continue
        link = (" ", Link(source.link)) if linked and source.link else ()
        texts = (source.citation, source.title, "" if link else source.where)
        facts = "".join(f" {sentence(text)}" for text in texts if text)
        note = (" ", Note(f"How it was read: {sentence(source.note)}")) if source.note else ()
        items.append((Strong(name), facts, *link, *note))
    return Items(tuple(items) or ("None named.",), "sources", ordered=True)


def sentence(text: str) -> str:
    """Return a text with a full stop at its end, where it has none."""
    return text if text.endswith((".", "?", "!")) else text + "."
