"""A document as Markdown: headings, lists and pipe tables; figures are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from letheon.views.document import tree


def render(document: tree.Document, level: int = 1) -> str:
    """Return a document as Markdown, its title a heading of `level`."""
    parts = [f"{'#' * level} {document.title}"] if document.title else []
    parts += [inline(document.lead)] if document.lead else []
    for section in document.sections:
        parts += [f"{'#' * (level + 1)} {section.title}"] if section.title else []
        for block in section.blocks:
            parts += _block(block, level + 1)
    parts += map(inline, document.footer)
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(block: tree.Block, level: int) -> Iterator[str]:
    inside: Sequence[tree.Block] = ()
    match block:
        case tree.Heading():
            yield f"{'#' * (level + block.level - 2)} {inline(block.content)}"
        case tree.Paragraph():
            yield inline(block.content)
        case tree.Items():
            marks = (f"{number}." if block.ordered else "-" for number in range(1, len(block.items) + 1))
            yield "\n".join(f"{mark} {inline(item)}" for mark, item in zip(marks, block.items, strict=True))
        case tree.Definitions():
            yield "\n".join(f"- **{inline(term)}**: {inline(meaning)}" for term, meaning in block.rows)
        case tree.Table():
            yield from _table(block)
        case tree.DotArrays():
            yield "\n".join(f"- {inline(one.label)}: {one.filled} of 100" for one in block.arrays)
        case tree.Code():
            yield f"```\n{block.text}\n```"
        case tree.Columns():
            inside = [one for column in block.columns for one in column]
        case tree.Details():
            inside = block.blocks
        case tree.Figure() if block.values is not None:
            inside = [block.values]
        case _:
            pass
    for one in inside:
        yield from _block(one, level)


def _table(table: tree.Table) -> Iterator[str]:
    if table.title:
        yield f"**{inline(table.title)}**"
    right = "---" if table.kind == "text" else "---:"
    lines = [_line(table.heads), _line(["---", *[right] * (len(table.heads) - 1)])]
    for group in table.groups:
        if group.title:
            lines.append(_line([tree.Strong(group.title), *[""] * (len(table.heads) - 1)]))
        lines += [_line((row.head, *row.cells)) for row in group.rows]
    yield "\n".join(lines)


def _line(cells: Sequence[tree.Content]) -> str:
    return f"| {' | '.join(inline(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def inline(content: tree.Content) -> str:
    """Return content as Markdown within a line.

    >>> inline((tree.Strong("4.3"), " at ", tree.CodeText("day_7"), tree.Break(), tree.Link("x", "https://example.org")))
    '**4.3** at `day_7`<br>[x](https://example.org)'
    """
    match content:
        case str():
            return re.sub(r"([\\`*_\[])", r"\\\1", content).replace("<", "&lt;")
        case tree.Break():
            return "<br>"
        case tree.Swatch():
            return ""
        case tree.Note():
            return inline(content.content)
        case tree.Strong():
            return f"**{inline(content.text)}**"
        case tree.CodeText():
            return f"`{content.text}`"
        case tree.Badge():
            return f"*{inline(content.text)}*"
        case tree.Link():
            return f"[{inline(content.text)}]({content.address or content.text})"
        case _:
            return "".join(map(inline, content))
