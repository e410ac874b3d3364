"""The few pieces of HTML that the sections share."""

from __future__ import annotations

from collections.abc import Iterable

from letheon.views.report import words


def section(key: str, title: str, content: str) -> str:
    """Return a section of the page with its heading; `key` is its anchor."""
    return f'<section id="{key}" aria-labelledby="h-{key}"><h2 id="h-{key}">{title}</h2>{content}</section>'


def table(label: str, heads: Iterable[str], bodies: str, *, caption: str = "", kind: str = "") -> str:
    """Return a table in a box of its own that scrolls sideways and can be reached by keyboard.

    `heads` are the column headings and `bodies` the ``tbody`` elements, both as HTML; `label` names the box.
    """
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    opening = f'<table class="{kind}">' if kind else "<table>"
    title = f"<caption>{caption}</caption>" if caption else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{words.escape(label)}">'
        f"{opening}{title}<thead><tr>{head}</tr></thead>{bodies}</table></div>"
    )


def row(head: str, cells: Iterable[str], kind: str = "") -> str:
    """Return a table row whose first cell is its heading."""
    opening = f'<tr class="{kind}">' if kind else "<tr>"
    return f'{opening}<th scope="row">{head}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def note(text: str) -> str:
    """Return text in the tone of an aside."""
    return f'<span class="note">{text}</span>'


def segments(label: str, buttons: Iterable[str], labelled_by: str = "") -> str:
    """Return buttons of which one is chosen, as one control."""
    name = f'aria-labelledby="{labelled_by}"' if labelled_by else f'aria-label="{label}"'
    return f'<div role="group" {name} class="segments">{"".join(buttons)}</div>'


def button(text: str, pressed: bool, kind: str = "", **data: str) -> str:
    """Return a button that stays pressed; `kind` is its class, `data` its data attributes, escaped here."""
    opening = f'<button type="button" class="{kind}"' if kind else '<button type="button"'
    attributes = "".join(f' data-{key}="{words.escape(value)}"' for key, value in data.items())
    return f'{opening}{attributes} aria-pressed="{"true" if pressed else "false"}">{text}</button>'
