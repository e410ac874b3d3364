"""A document as Markdown: headings, lists and pipe tables; figures are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from letheon.views.document.tree import (
    Badge,
    Block,
    Break,
    Code,
    CodeText,
    Columns,
    Content,
    Definitions,
    Details,
    Document,
    Figure,
    Heading,
    Items,
    Link,
    Note,
    Paragraph,
    Strong,
    Swatch,
    Table,
)

__all__ = ["inline", "render"]


def render(document: Document, level: int = 1) -> str:
    """Return a document as Markdown, its title a heading of `level`."""
    parts = [f"{'#' * level} {document.title}"] if document.title else []
    parts += [inline(document.lead)] if document.lead else []
    for section in document.sections:
        parts += [f"{'#' * (level + 1)} {section.title}"] if section.title else []
        for block in section.blocks:
            parts += _block(block, level + 1)
    parts += map(inline, document.footer)
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(block: Block, level: int) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"{'#' * (level + block.level - 2)} {inline(block.content)}"
    elif isinstance(block, Paragraph):
        yield inline(block.content)
    elif isinstance(block, Items):
        marks = (f"{number}." if block.ordered else "-" for number in range(1, len(block.items) + 1))
        yield "\n".join(f"{mark} {inline(item)}" for mark, item in zip(marks, block.items, strict=True))
    elif isinstance(block, Definitions):
        yield "\n".join(f"- **{inline(term)}**: {inline(meaning)}" for term, meaning in block.rows)
    elif isinstance(block, Table):
        yield from _table(block)
    elif isinstance(block, Code):
        yield f"```\n{block.text}\n```"
    elif isinstance(block, Columns):
        for column in block.columns:
            for inner in column:
                yield from _block(inner, level)
    elif isinstance(block, Details):
        for inner in block.blocks:
            yield from _block(inner, level)
    elif isinstance(block, Figure) and block.values is not None:
        yield from _block(block.values, level)


def _table(table: Table) -> Iterator[str]:
    if table.title:
        yield f"**{inline(table.title)}**"
    right = "---" if table.kind == "text" else "---:"
    lines = [_line(table.heads), _line(["---", *[right] * (len(table.heads) - 1)])]
    for group in table.groups:
        if group.title:
            lines.append(_line([Strong(group.title), *[""] * (len(table.heads) - 1)]))
        lines += [_line((row.head, *row.cells)) for row in group.rows]
    yield "\n".join(lines)


def _line(cells) -> str:
    return f"| {' | '.join(inline(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def inline(content: Content) -> str:
    """Return content as Markdown within a line.

    Examples
    --------
    >>> inline((Strong("4.3"), " at ", CodeText("day_7"), Break(), Link("page", "https://example.org/x")))
    '**4.3** at `day_7`<br>[page](https://example.org/x)'
    """
    if isinstance(content, str):
        return re.sub(r"([\\`*_\[])", r"\\\1", content).replace("<", "&lt;")
    if isinstance(content, Break):
        return "<br>"
    if isinstance(content, Swatch):
        return ""
    if isinstance(content, Note):
        return inline(content.content)
    if isinstance(content, Strong):
        return f"**{inline(content.text)}**"
    if isinstance(content, CodeText):
        return f"`{content.text}`"
    if isinstance(content, Badge):
        return f"*{inline(content.text)}*"
    if isinstance(content, Link):
        return f"[{inline(content.text)}]({content.address or content.text})"
    return "".join(map(inline, content))
