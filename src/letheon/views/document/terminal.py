"""A document in a terminal, by Rich: text and tables; what only a screen with figures can show is left out."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from letheon.views.document.tree import (
    Badge,
    Block,
    Cards,
    Code,
    Columns,
    Content,
    Definitions,
    Details,
    Document,
    Figure,
    Group,
    Heading,
    Items,
    Paragraph,
    Row,
    Table,
    plain,
)

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table as RichTable

__all__ = ["show", "text"]

_STYLES = {"strong": "bold", "warning": "yellow"}
_HEAD = 30  # most columns of a row's heading; longer ones wrap
_CELL = 20  # most columns of a cell of numbers
_GAP = 2  # blanks between columns, one of them of the box
_FIRST = 13  # least columns for the headings of rows, where cells of numbers do not wrap
_TITLE = "\ue000"  # stands for the title of a group until it is printed; a letter of no alphabet


def show(document: Document, console: Console) -> None:
    """Print a document; tables too wide for the console are split by columns, each part with the row headings."""
    if document.title:
        console.print(_text(document.title, "bold"))
    if document.lead:
        console.print(_text(document.lead))
    for number, section in enumerate(document.sections):
        if number or document.title or document.lead:
            console.print()
        if section.title:
            console.print(_text(section.title, "bold"))
        for block in section.blocks:
            _show(block, console)
    for content in document.footer:
        console.print(_text(content, "bold"))


def text(document: Document, width: int = 80) -> str:
    """Return a document as plain text of so many columns."""
    from rich.console import Console

    file = io.StringIO()
    show(document, Console(file=file, width=width, color_system=None, force_terminal=False))
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def _text(content: Content, style: str = "") -> RenderableType:
    from rich.text import Text

    return Text(plain(content), style=style)


def _show(block: Block, console: Console) -> None:
    if isinstance(block, Table):
        for part in _parts(block, console.width):
            _print_table(part, console)
    elif isinstance(block, Paragraph):
        _paragraph(block, console)
    elif isinstance(block, Heading):
        console.print(_text(block.content, "bold"))
    elif isinstance(block, Items):
        for number, item in enumerate(block.items, 1):
            mark = f"{number}. " if block.ordered else "- "
            _paragraph(Paragraph(f"{mark}{plain(item)}", hanging=len(mark)), console)
    elif isinstance(block, Definitions):
        for term, meaning in block.rows:
            _paragraph(Paragraph(f"{plain(term)}: {plain(meaning)}", hanging=2), console)
    elif isinstance(block, Code):
        console.print(_text(block.text), soft_wrap=True)
    elif isinstance(block, Cards):
        for card in block.cards:
            console.print(_text(card.title, "bold"))
            for label, value, aside in card.facts:
                line = " ".join(part for part in (f"{plain(label)}: {value}", plain(aside)) if part)
                _paragraph(Paragraph(line, indent=2, hanging=4), console)
    elif isinstance(block, Columns):
        for column in block.columns:
            for inner in column:
                _show(inner, console)
    elif isinstance(block, Details) and not block.screen:
        console.print(_text(block.summary, "bold"))
        for inner in block.blocks:
            _show(inner, console)
    elif isinstance(block, Figure) and block.values is not None:
        _show(block.values, console)


def _paragraph(block: Paragraph, console: Console) -> None:
    from rich.text import Text

    hanging = block.indent if block.hanging is None else block.hanging
    body = Text(plain(block.content), style=_STYLES.get(block.kind, ""))
    lines = body.wrap(console, max(console.width - max(hanging, block.indent), 20))
    for number, line in enumerate(lines):
        console.print(Text(" " * (hanging if number else block.indent)) + line, soft_wrap=True)


def _parts(table: Table, width: int) -> Iterator[Table]:
    """Split a table into such as fit the width, as equal in columns as can be; text wraps instead."""
    heads, rows = [plain(head) for head in table.heads], [row for group in table.groups for row in group.rows]
    wide = [max(map(len, column.split("\n")), default=0) for column in heads]
    columns = list(zip(*(map(_cell, row.cells) for row in rows), strict=True))
    cells = [
        min(max([head, *(len(line) for cell in column for line in cell.split("\n"))]), _CELL) + _GAP
        for head, column in zip(wide[1:], columns, strict=True)
    ]
    first = min(max([wide[0], *(len(plain(row.head)) for row in rows)], default=0), _HEAD) + _GAP
    if table.kind in {"text", "wrapped"} or first + sum(cells) <= width or not cells:
        yield table
        return
    most = max(1, (width - first) // max(cells))
    tables = -(-len(cells) // most)
    step = -(-len(cells) // tables)
    for start in range(0, len(cells), step):
        cut = slice(start, start + step)
        groups = tuple(
            Group(tuple(Row(row.head, row.cells[cut], row.kind) for row in group.rows), group.title)
            for group in table.groups
        )
        yield Table(table.label, (table.heads[0], *table.heads[1:][cut]), groups, table.title, table.kind)


def _print_table(table: Table, console: Console) -> None:
    """Print a table; titles of its groups run across all columns, and where there is room only headings wrap."""
    from rich.segment import SegmentLines

    drawn = _table(table)
    if table.kind == "wrapped":
        widths = _widths(table)
        if console.width - sum(widths) - _GAP * len(widths) >= _FIRST:
            for column, width in zip(drawn.columns[1:], widths, strict=True):
                column.width = width
    titles = iter([group.title for group in table.groups if group.title])
    for line in console.render_lines(drawn, pad=False):
        if any(segment.text.startswith(_TITLE) for segment in line):
            console.print(_text(next(titles), "bold"))
        else:
            console.print(SegmentLines([line], new_lines=True), end="")


def _widths(table: Table) -> list[int]:
    """Return widths of cells that do not wrap under headings of two lines or so."""
    columns = zip(*([plain(cell) for cell in row.cells] for group in table.groups for row in group.rows), strict=True)
    return [
        max(-(-len(head) // 2), *(len(piece) for cell in column for piece in (*head.split(), *cell.split("\n"))))
        for head, column in zip(map(plain, table.heads[1:]), columns, strict=True)
    ]


def _table(table: Table) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    title = Text(plain(table.title), style="bold") if table.title else None
    made = RichTable(
        box=box.SIMPLE_HEAD,
        padding=(0, _GAP - 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        title=title,
        title_justify="left",
    )
    widest = max((len(plain(row.head)) for group in table.groups for row in group.rows), default=0)
    flowing = table.kind in {"text", "wrapped"}
    for number, head in enumerate(table.heads):
        left = number == 0 or table.kind == "text"
        made.add_column(
            Text(plain(head)),
            justify="left" if left else "right",
            min_width=None if number or flowing else min(_HEAD, widest),
            max_width=None if flowing else _CELL if number else _HEAD,
            overflow="fold",
        )
    for group in table.groups:
        made.add_section()
        if group.title:
            made.add_row(Text(_TITLE))
        for row in group.rows:
            made.add_row(*_cells((row.head, *row.cells)))
    return made


def _cells(contents: Sequence[Content]) -> Iterator[RenderableType]:
    return (_text(_cell(content)) for content in contents)


def _cell(content: Content) -> str:
    """Return a cell as plain text, a badge on a line of its own."""
    if isinstance(content, str) or not isinstance(content, Sequence):
        return plain(content)
    parts = [
        f"\n{plain(one)}" if number and isinstance(one, Badge) else plain(one) for number, one in enumerate(content)
    ]
    return "\n".join(line.rstrip() for line in "".join(parts).splitlines())
