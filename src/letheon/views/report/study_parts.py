"""Pieces of the page of a search."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from letheon.definitions import PAGE_NOTICE
from letheon.views.report import markup, words

PLOTLY = "Figures: plotly.js, basic bundle, © Plotly, Inc., MIT licence."


def tidy(text: str) -> str:
    """Return plain text as HTML: escaped, with real minus signs and no break before a percent sign.

    Examples
    --------
    >>> tidy("-1.27 < 5 %").replace(words.THIN, " ")
    '−1.27 &lt; 5 %'
    """
    escaped = words.escape(text)
    return re.sub(r"(?<![\w.)])-(?=\d)", words.MINUS, escaped).replace(" %", words.THIN + "%")


def header(brand: str, title: str, lead: str) -> str:
    """Return the top of a page; all three are HTML."""
    return (
        f'<header><p class="brand">{brand}</p><h1>{title}</h1><p class="lead">{lead}</p>'
        f'<p class="disclaimer">{PAGE_NOTICE}</p></header>'
    )


def footer(text: str) -> str:
    """Return the foot of a page; `text` is HTML."""
    return f"<footer><p>{text} {PAGE_NOTICE}</p><p>{PLOTLY}</p></footer>"


def figure(heading: str, body: str, caption: str, level: int = 3) -> str:
    """Return a figure with its heading and caption."""
    return f"<figure><h{level}>{heading}</h{level}>{body}<figcaption>{caption}</figcaption></figure>"


def legend(keys: Iterable[tuple[str, str]]) -> str:
    """Return a legend from swatches and labels."""
    return '<ul class="legend">' + "".join(f"<li>{swatch}{label}</li>" for swatch, label in keys) + "</ul>"


def swatch(colour: str, width: float, symbol: str = "") -> str:
    """Return a small drawing of a line of so many pixels, and a mark on it."""
    edge = f'fill="none" stroke="{colour}" stroke-width="1.8"'
    shapes = {
        "circle": f'<circle cx="13" cy="6" r="4.4" fill="{colour}"/>',
        "circle-open": f'<circle cx="13" cy="6" r="4" {edge}/>',
        "diamond": f'<path d="M13 1l5 5l-5 5l-5 -5z" fill="{colour}"/>',
        "diamond-open": f'<path d="M13 1.5l4.5 4.5l-4.5 4.5l-4.5 -4.5z" {edge}/>',
        "band": f'<rect width="26" height="12" fill="{colour}" opacity="0.25"/>',
        "": "",
    }
    line = f'<path d="M0 6h26" stroke="{colour}" stroke-width="{width}"/>' if width else ""
    size = 'width="26" height="12" viewBox="0 0 26 12"'
    return f'<svg class="swatch" {size} aria-hidden="true" focusable="false">{line}{shapes[symbol]}</svg>'


def table(label: str, heads: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "", caption: str = "") -> str:
    """Return a table of plain text cells; the first of each row is its heading."""
    body = "".join(markup.row(tidy(first), (tidy(cell) for cell in rest)) for first, *rest in rows)
    return markup.table(label, map(tidy, heads), f"<tbody>{body}</tbody>", kind=kind, caption=caption)


def sources(ids: Iterable[str]) -> str:
    """Return the studies with their citations and links."""
    from letheon import library

    studies, known = {study.id: study for study in library.studies()}, library.sources()
    items = []
    for id in ids:
        if id not in studies:
            continue
        source = known[studies[id].source]
        address = words.escape(source.link)
        link = f' <a href="{address}">{address}</a>' if address else ""
        facts = " ".join(words.escape(text.rstrip(".") + ".") for text in (source.citation, source.title) if text)
        read = markup.note(f"How it was read: {words.escape(source.note.rstrip('.'))}.") if source.note else ""
        items.append(f"<li><b>{words.escape(id)}</b> {facts}{link} {read}</li>")
    return f'<ol class="sources">{"".join(items)}</ol>'
