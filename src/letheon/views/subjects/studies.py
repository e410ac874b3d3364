"""Studies with their citations, for the end of a page."""

from __future__ import annotations

from collections.abc import Iterable

from letheon import library
from letheon.views.document.tree import Content, Items, Link, Note, Strong


def citations(ids: Iterable[str]) -> Items:
    """Return the studies of the library that are named, with what was read from where."""
    studies, sources = {study.id: study for study in library.studies()}, library.sources()
    items: list[Content] = []
    for id in dict.fromkeys(ids):
        if id not in studies:
            continue
        source = sources[studies[id].source]
        facts = "".join(f" {text.rstrip('.')}." for text in (source.citation, source.title) if text)
        link = (" ", Link(source.link, source.link)) if source.link else ()
        note = (" ", Note(f"How it was read: {source.note.rstrip('.')}.")) if source.note else ()
        items.append((Strong(id), facts, *link, *note))
    return Items(tuple(items), "sources", ordered=True)
