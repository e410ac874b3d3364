"""Read ``sources.bib``: BibTeX with one field a line."""

from __future__ import annotations

import re

from letheon.errors import InputError
from letheon.library.reading import check_keys
from letheon.library.records import Source

_ENTRY = re.compile(r"@(\w+)\{([\w-]+),")
_FIELD = re.compile(r"(\w+)\s*=\s*\{(.*)\},?")


def parse_sources(text: str, place: str) -> dict[str, Source]:
    """Read BibTeX with one field a line; every entry has author, title, year and note."""
    entries: dict[str, dict[str, str]] = {}
    entry: dict[str, str] | None = None
    for count, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("%"):
            continue
        if entry is None and (start := _ENTRY.fullmatch(line)):
            if start[2] in entries:
                raise InputError(f"{place} line {count}: key {start[2]!r} comes twice")
            entry = entries[start[2]] = {}
        elif entry is not None and line == "}":
            entry = None
        elif entry is not None and (field := _FIELD.fullmatch(line)):
            entry[field[1]] = field[2]
        else:
            raise InputError(
                f"{place} line {count}: expected an entry, a field 'name = {{...}},' or '}}', got {line!r}"
            )
    return {key: _source(key, entry, place) for key, entry in entries.items()}


def _source(key: str, entry: dict[str, str], place: str) -> Source:
    needs = ("author", "title", "year", "note")
    may = ("journal", "volume", "number", "pages", "doi", "pmid", "pmcid", "url", "howpublished", "school")
    check_keys(entry, needs, may, f"{place} {key}")
    where = entry.get("journal") or entry.get("howpublished") or entry.get("school", "")
    volume = f";{entry['volume']}" if "volume" in entry else ""
    pages = f":{entry['pages'].replace('--', '-')}" if "pages" in entry else ""
    authors = ", ".join(_person(name) for name in entry["author"].split(" and ")).replace(", others", " et al.")
    return Source(
        key=key,
        citation=f"{authors.rstrip('.')}. {where} {entry['year']}{volume}{pages}",
        title=entry["title"],
        year=entry["year"],
        doi=entry.get("doi", ""),
        pmid=entry.get("pmid", ""),
        url=entry.get("url", ""),
        note=entry["note"],
    )


def _person(name: str) -> str:
    family, _, initials = name.strip("{}").partition(", ")
    return f"{family} {initials.replace(' ', '')}".rstrip()
