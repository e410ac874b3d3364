"""A document in a terminal, by Rich: text and tables; what only a screen with figures can show is left out."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from letheon.views.document import tree
from letheon.views.document.numbers import ABSENT
from letheon.views.document.tree import Badge, Content, Document, Group, Paragraph, Row, Table, plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

_STYLES = {"strong": "bold", "warning": "yellow"}
_HEAD = 30  # most columns of a row's heading; longer ones wrap
_CELL = 20  # most columns of a cell of numbers
_GAP = 2  # blanks between columns, one of them of the box
_NOTHING = {"", ABSENT}
_TITLE = "\ue000"  # stands for the title of a group until it is printed; a letter of no alphabet


def show(document: Document, console: Console) -> None:
    """Print a document; headings of tables too wide for the console break between words, then columns move below."""
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


def _text(content: Content, style: str = "") -> Text:
    from rich.text import Text

    return Text(plain(content), style=style)


def _show(block: tree.Block, console: Console) -> None:
    match block:
        case Table():
            for part in _parts(block, console.width):
                _print_table(part, console)
        case Paragraph():
            _paragraph(block, console)
        case tree.Heading():
            console.print(_text(block.content, "bold"))
        case tree.Items():
            for number, item in enumerate(block.items, 1):
                mark = f"{number}. " if block.ordered else "- "
                _paragraph(Paragraph(f"{mark}{plain(item)}", hanging=len(mark)), console)
        case tree.Definitions():
            for term, meaning in block.rows:
                _paragraph(Paragraph(f"{plain(term)}: {plain(meaning)}", hanging=2), console)
        case tree.DotArrays():
            for one in block.arrays:
                _paragraph(Paragraph(f"{one.label}: {one.filled} of 100"), console)
        case tree.Code():
            console.print(_text(block.text), soft_wrap=True)
        case tree.Cards():
            for card in block.cards:
                console.print(_text(card.title, "bold"))
                for label, value, aside in card.facts:
                    line = f"{plain(label)}: {value} {plain(aside)}".rstrip()
                    _paragraph(Paragraph(line, indent=2, hanging=4), console)
        case tree.Columns():
            for column in block.columns:
                for inner in column:
                    _show(inner, console)
        case tree.Details() if not block.screen:
            console.print(_text(block.summary, "bold"))
            for inner in block.blocks:
                _show(inner, console)
        case tree.Figure() if block.values is not None:
            _show(block.values, console)
        case _:
            pass


def _paragraph(block: Paragraph, console: Console) -> None:
    from rich.text import Text

    hanging = block.indent if block.hanging is None else block.hanging
    body = Text(plain(block.content), style=_STYLES.get(block.kind, ""))
    lines = body.wrap(console, max(console.width - max(hanging, block.indent), 20))
    for number, line in enumerate(lines):
        console.print(Text(" " * (hanging if number else block.indent)) + line, soft_wrap=True)


def _parts(table: Table, width: int) -> Iterator[Table]:
    """Split a table into as few as fit the width, as even as can be, without rows left empty; text wraps instead."""
    first, *needs = (need + _GAP for need in _needs(table)[0])
    room = width + 1 - first  # no box stands after the last column
    if table.kind == "text" or sum(needs) <= room or not needs:
        yield table
        return
    fewest = len(_cuts(needs, room))
    even = next((cuts for limit in range(max(needs), room) if len(cuts := _cuts(needs, limit)) == fewest), None)
    for cut in even or _cuts(needs, room):
        rows = ([Row(row.head, row.cells[cut], row.kind) for row in group.rows] for group in table.groups)
        groups = tuple(
            Group(
                tuple(row for row in some if not all(plain(cell).strip() in _NOTHING for cell in row.cells)),
                group.title,
            )
            for some, group in zip(rows, table.groups, strict=True)
        )
        align = table.align and table.align[0] + table.align[1:][cut]
        yield replace(table, heads=(table.heads[0], *table.heads[1:][cut]), groups=groups, align=align)


def _print_table(table: Table, console: Console) -> None:
    """Print a table; titles of its groups run across all columns."""
    from rich.segment import SegmentLines

    drawn = _table(table, _widths(table, console.width))
    titles = iter([group.title for group in table.groups if group.title])
    for line in console.render_lines(drawn, pad=False):
        if any(segment.text.startswith(_TITLE) for segment in line):
            console.print(_text(next(titles), "bold"))
        else:
            console.print(SegmentLines([line], new_lines=True), end="")


def _cuts(needs: Sequence[int], room: int) -> list[slice]:
    """Return the columns of each table, when as many go into one as have room."""
    cuts = [slice(0, 1)]
    for place in range(1, len(needs)):
        start = cuts[-1].start
        if sum(needs[start : place + 1]) <= room:
            cuts[-1] = slice(start, place + 1)
        else:
            cuts.append(slice(place, place + 1))
    return cuts


def _needs(table: Table) -> tuple[list[int], list[int], list[int]]:
    """Return widths of columns: the least, at which no word is cut; of whole text; and of whole headings too.

    What may break between words are headings, cells of text, and what is longer than `_HEAD` and `_CELL`.
    """
    rows = [(_head(row), *row.cells) for group in table.groups for row in group.rows]
    least, cells, whole = list[int](), list[int](), list[int]()
    for place, head in enumerate(map(plain, table.heads)):
        lines = [line for row in rows for line in _cell(row[place]).split("\n")]
        most = 0 if table.flows(place) else _CELL if place else _HEAD
        words = [word for text in (head, *lines) for word in text.split()]
        least.append(max([1, *map(len, words), *(min(len(line), most) for line in lines)]))
        cells.append(max([least[-1], *(len(line) for line in lines if table.flows(place))]))
        whole.append(max([cells[-1], *map(len, head.split("\n"))]))
    return least, cells, whole


def _widths(table: Table, width: int) -> Sequence[int | None]:
    """Return the widths of columns: room goes to text, then to headings, first to those that need little more."""
    own, *wanted = _needs(table)
    room = width + 1 - sum(own) - _GAP * len(own)
    if room < 0:
        return [None] * len(own)
    for goal in wanted:
        places = sorted(range(len(own)), key=lambda place: goal[place] - own[place])
        for waiting, place in zip(range(len(places), 0, -1), places, strict=True):
            more = min(goal[place] - own[place], room // waiting)
            own[place] += more
            room -= more
    return own


def _table(table: Table, widths: Sequence[int | None]) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable

    drawn = RichTable(
        box=box.SIMPLE_HEAD,
        padding=(0, _GAP - 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        title=_text(table.title, "bold") if table.title else None,
        title_justify="left",
    )
    for place, (head, width) in enumerate(zip(table.heads, widths, strict=True)):
        drawn.add_column(_text(head), justify="left" if table.is_left(place) else "right", overflow="fold", width=width)
    for group in table.groups:
        drawn.add_section()
        if group.title:
            drawn.add_row(_TITLE)
        for row in group.rows:
            drawn.add_row(*(_text(_cell(content)) for content in (_head(row), *row.cells)))
    return drawn


def _head(row: Row) -> Content:
    """Return the heading of a row, set in where the row belongs to the one above."""
    return f"  {plain(row.head)}" if row.kind == "second" else row.head


def _cell(content: Content) -> str:
    """Return a cell as plain text, a badge on a line of its own."""
    if isinstance(content, str) or not isinstance(content, Sequence):
        return plain(content)
    parts = ("\n" * bool(number and isinstance(one, Badge)) + plain(one) for number, one in enumerate(content))
    return "\n".join(line.rstrip() for line in "".join(parts).splitlines())
