"""The parts of a document. All are frozen records that hold plain text, numbers and each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = [
    "Badge",
    "Block",
    "Break",
    "Button",
    "Buttons",
    "Card",
    "Cards",
    "Code",
    "CodeText",
    "Columns",
    "Content",
    "Controls",
    "Definitions",
    "Details",
    "Document",
    "Figure",
    "Group",
    "Heading",
    "Items",
    "Legend",
    "Link",
    "Note",
    "Panels",
    "Paragraph",
    "Plot",
    "Row",
    "Section",
    "Strong",
    "Swatch",
    "Table",
    "blocks_of",
    "plain",
]

# --- within a line ---


@dataclass(frozen=True, slots=True)
class Strong:
    """Text that stands out."""

    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """An aside in a quieter tone."""

    content: Content


@dataclass(frozen=True, slots=True)
class Badge:
    """A word on a coloured ground; `kind` chooses the colour, `title` explains it when pointed at."""

    text: str
    kind: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class CodeText:
    """A piece of code or a command in a sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link; without `address` it stands for itself."""

    text: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Break:
    """A new line."""


@dataclass(frozen=True, slots=True)
class Swatch:
    """A small drawing of a curve: `colour` ``#rrggbb``, `line` its width [px], 0 for none.

    `dash` is a style of line, ``band`` a filled ground or ``mean-band`` a line on one; `mark` is a symbol of Plotly's.
    """

    colour: str
    line: float = 2.4
    dash: str = "solid"
    mark: str = ""


Inline: TypeAlias = "str | Strong | Note | Badge | CodeText | Link | Break | Swatch"
Content: TypeAlias = "Inline | Sequence[Inline]"

# --- blocks ---


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a section."""

    content: Content
    level: int = 3


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; `kind` is ``small`` for what may be skipped, ``warning`` for what must not, ``strong`` for a notice.

    `indent` and `hanging` are columns in the terminal: of the first line, and of the lines after it (as the first).
    """

    content: Content
    kind: str = ""
    indent: int = 0
    hanging: int | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """A list; `kind` is a class of the style sheet, such as ``warnings`` or ``sources``."""

    items: tuple[Content, ...]
    kind: str = ""
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Definitions:
    """Terms with what they mean."""

    rows: tuple[tuple[Content, Content], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its heading, its cells; `kind` is ``main``, ``second`` or nothing."""

    head: Content
    cells: tuple[Content, ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of a table that belong together, with a title above them where they have one."""

    rows: tuple[Row, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Parameters
    ----------
    label : str
        Its name, for those who do not see it.
    heads : tuple of Content
        Headings of its columns, the first above the rows' own headings.
    groups : tuple of Group
        Its rows.
    title : Content
        Shown above it.
    kind : str
        ``numbers`` (right-aligned), ``endpoints`` (the same, groups set apart), ``text`` (left-aligned and wrapped),
        ``wrapped`` (numbers with long row headings) or ``counts`` (narrow).
    align : str
        A letter for each column, ``l`` or ``r``, where `kind` does not say it: text at the left wraps.
    """

    label: str
    heads: tuple[Content, ...]
    groups: tuple[Group, ...]
    title: Content = ""
    kind: str = "numbers"
    align: str = ""

    def is_left(self, place: int) -> bool:
        """Whether a column stands at the left."""
        return self.align[place] == "l" if self.align else place == 0 or self.kind == "text"

    def flows(self, place: int) -> bool:
        """Whether the cells of a column break between words."""
        is_text = bool(self.align) and self.align[place] == "l"
        return is_text or self.kind == "text" or (self.kind == "wrapped" and place == 0)

    @classmethod
    def of(cls, label: str, heads: Iterable[Content], rows: Iterable[Row | Sequence[Content]], **more: Any) -> Table:
        """Return a table of one group; a row may be given as its cells, the first of which is its heading."""
        made = (row if isinstance(row, Row) else Row(row[0], tuple(row[1:])) for row in rows)
        return cls(label, tuple(heads), (Group(tuple(made)),), **more)


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing: `figure` in Plotly's own form, `alternative` its words, `height` [px] 0 for that of its size."""

    figure: Mapping[str, Any]
    alternative: str
    size: str = "middle"
    height: int = 0


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a figure; `data` are its data attributes, which the page's script reads."""

    content: Content
    pressed: bool
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Buttons:
    """Buttons under one label: ``chips`` that show and hide, or ``segments`` of which one is chosen.

    With `shown` the label is written beside them.
    """

    label: str
    buttons: tuple[Button, ...]
    kind: str = "segments"
    shown: bool = False


@dataclass(frozen=True, slots=True)
class Controls:
    """Groups of buttons beside each other."""

    buttons: tuple[Buttons, ...]


@dataclass(frozen=True, slots=True)
class Legend:
    """What the lines and marks of a figure mean."""

    keys: tuple[tuple[Swatch, str], ...]


@dataclass(frozen=True, slots=True)
class Panels:
    """Small drawings beside each other, each with its name; `wide` ones lie in twos, others in threes."""

    cells: tuple[tuple[str, Plot], ...]
    wide: bool | None = None

    @property
    def is_wide(self) -> bool:
        """Whether two lie beside each other."""
        return len(self.cells) in {1, 2, 4} if self.wide is None else self.wide


@dataclass(frozen=True, slots=True)
class Figure:
    """Drawings with a heading, controls and a caption; `blocks` are buttons, legends, plots, panels, details."""

    heading: str
    blocks: tuple[Block, ...]
    caption: Content = ""
    values: Block | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One arm at a glance.

    Parameters
    ----------
    title, subtitle : Content
        Its name, and what it is.
    colour : str
        ``#rrggbb``.
    strip_title : str
        What the strip shows.
    strip : tuple of (str, str, Content)
        Steps: when, value, mark.
    facts : tuple of (Content, str, Content)
        Label, value, aside.
    """

    title: Content
    subtitle: Content
    colour: str
    strip_title: str
    strip: tuple[tuple[str, str, Content], ...]
    facts: tuple[tuple[Content, str, Content], ...]


@dataclass(frozen=True, slots=True)
class Cards:
    """Cards beside each other."""

    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """Blocks side by side where there is room."""

    columns: tuple[tuple[Block, ...], ...]


@dataclass(frozen=True, slots=True)
class Details:
    """Blocks that are folded away; those of the ``screen`` alone are not printed."""

    summary: str
    blocks: tuple[Block, ...]
    screen: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """Preformatted text."""

    label: str
    text: str


Block: TypeAlias = (
    Heading
    | Paragraph
    | Items
    | Definitions
    | Table
    | Plot
    | Buttons
    | Controls
    | Legend
    | Panels
    | Figure
    | Cards
    | Columns
    | Details
    | Code
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document; `key` is its anchor, `short` its name in the contents (its title, if none)."""

    key: str
    title: str
    blocks: tuple[Block, ...]
    short: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document.

    Parameters
    ----------
    title : str
        Its title.
    sections : tuple of Section
        Its parts.
    brand : str
        What made it, above the title.
    lead : Content
        What it says, in a sentence or two.
    footer : tuple of Content
        Paragraphs at its end.
    sheet : str
        At the foot of each printed sheet.
    """

    title: str
    sections: tuple[Section, ...]
    brand: str = ""
    lead: Content = ""
    footer: tuple[Content, ...] = ()
    sheet: str = ""


# --- reading a tree ---


def plain(content: Content) -> str:
    """Return content as plain text.

    Examples
    --------
    >>> plain(("Pain ", Strong("4.3"), Note(" (3.9 to 4.7)"), Break(), Badge("assumed", "assumed"))).splitlines()
    ['Pain 4.3 (3.9 to 4.7)', 'assumed']
    """
    if isinstance(content, str):
        return content
    if isinstance(content, Break):
        return "\n"
    if isinstance(content, Swatch):
        return ""
    if isinstance(content, Note):
        return plain(content.content)
    if isinstance(content, Link):
        return (
            content.text
            if content.text == content.address or not content.address
            else f"{content.text} ({content.address})"
        )
    if isinstance(content, Strong | Badge | CodeText):
        return content.text
    return "".join(map(plain, content))


def blocks_of(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield blocks and those inside them, in the order of reading."""
    for block in blocks:
        yield block
        if isinstance(block, Figure):
            yield from blocks_of((*block.blocks, *([] if block.values is None else [block.values])))
        elif isinstance(block, Details):
            yield from blocks_of(block.blocks)
        elif isinstance(block, Columns):
            for column in block.columns:
                yield from blocks_of(column)
        elif isinstance(block, Panels):
            yield from (plot for _, plot in block.cells)
