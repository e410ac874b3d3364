"""The answer to a query as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from letheon.views.document.numbers import fixed, general
from letheon.views.document.tree import Block, Document, Paragraph, Section, Table

if TYPE_CHECKING:
    from letheon.runs.query import Answer

_MOST_ROWS = 1000  # shown in a terminal; --json gives all


def answer(result: Answer) -> Document:
    """Return an answer as a table, its numbers at the right; of very many rows the first."""
    rows = result.rows[:_MOST_ROWS]
    columns = range(len(result.columns))
    numeric = [all(isinstance(row[place], int | float | None) for row in rows) for place in columns]
    align = "".join("r" if yes else "l" for yes in numeric)
    cells = ([_text(value) for value in row] for row in rows)
    blocks: list[Block] = [Table.of("Answer", map(_text, result.columns), cells, align=align)]
    if (more := len(result.rows) - len(rows)) > 0:
        blocks.append(Paragraph(f"… {fixed(more, 0)} more rows: --json gives them all, LIMIT gives fewer"))
    return Document("", (Section("answer", "", tuple(blocks)),))


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = general(value, 6) if isinstance(value, float) else str(value)
    return "".join(letter if letter.isprintable() else " " for letter in text)
