"""The parts of a document. All are frozen records that hold plain text, numbers and each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct, field


class Strong(Struct, frozen=True):
    """Text that stands out."""

    text: str


class Note(Struct, frozen=True):
    """An aside in a quieter tone."""

    content: Content


class Badge(Struct, frozen=True):
    """A word on a coloured ground; `kind` chooses the colour, `title` explains it when pointed at."""

    text: str
    kind: str
    title: str = ""


class CodeText(Struct, frozen=True):
    """A piece of code or a command in a sentence."""

    text: str


class Link(Struct, frozen=True):
    """A link; without `address` it stands for itself."""

    text: str
    address: str = ""


class Break(Struct, frozen=True):
    """A new line."""


class Swatch(Struct, frozen=True):
    """A small drawing of a curve."""

    colour: str  # ``#rrggbb``
    line: float = 2.4  # width [px], 0 for none
    dash: str = "solid"  # style of line, ``band`` for a filled ground, ``mean-band`` for a line on one
    mark: str = ""  # symbol of Plotly's


Inline: TypeAlias = "str | Strong | Note | Badge | CodeText | Link | Break | Swatch"
Content: TypeAlias = "Inline | Sequence[Inline]"


class Block(Struct, frozen=True):
    """A part of a section."""


class Heading(Block, frozen=True):
    """A heading inside a section."""

    content: Content
    level: int = 3


class Paragraph(Block, frozen=True):
    """A paragraph; in the terminal its first line has `indent` columns, later ones `hanging` (None: as the first)."""

    content: Content
    kind: str = ""  # ``small`` for what may be skipped, ``warning`` for what must not, ``strong`` for a notice
    indent: int = 0
    hanging: int | None = None


class Items(Block, frozen=True):
    """A list; `kind` is a class of the style sheet, such as ``warnings`` or ``sources``."""

    items: tuple[Content, ...]
    kind: str = ""
    ordered: bool = False


class Definitions(Block, frozen=True):
    """Terms with what they mean."""

    rows: tuple[tuple[Content, Content], ...]


class Row(Struct, frozen=True):
    """A row of a table: its heading, its cells; `kind` is ``main``, ``second`` or nothing."""

    head: Content
    cells: tuple[Content, ...]
    kind: str = ""


class Group(Struct, frozen=True):
    """Rows of a table that belong together, with a title above them where they have one."""

    rows: tuple[Row, ...]
    title: str = ""


class Table(Block, frozen=True):
    """A table.

    Its `kind` is ``numbers`` (right-aligned), ``endpoints`` (the same, groups set apart), ``text`` (left-aligned and
    wrapped), ``wrapped`` (numbers with long row headings) or ``counts`` (narrow).
    """

    label: str  # its name, for those who do not see it
    heads: tuple[Content, ...]  # of its columns, the first above the rows' own headings
    groups: tuple[Group, ...]
    title: Content = ""
    kind: str = "numbers"
    align: str = ""  # a letter for each column, ``l`` or ``r``, where `kind` does not say it: text at the left wraps

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
        group = Group(tuple(row if isinstance(row, Row) else Row(row[0], tuple(row[1:])) for row in rows))
        return cls(label, tuple(heads), (group,), **more)


class Plot(Block, frozen=True):
    """A drawing: `figure` in Plotly's own form, `alternative` its words, `height` [px] 0 for that of its size."""

    figure: Mapping[str, Any]
    alternative: str
    size: str = "middle"
    height: int = 0


class Button(Struct, frozen=True):
    """A button of a figure; `data` are its data attributes, which the page's script reads."""

    content: Content
    pressed: bool
    data: Mapping[str, str] = field(default_factory=dict[str, str])


class Buttons(Block, frozen=True):
    """Buttons under one label, which is written beside them if `shown`."""

    label: str
    buttons: tuple[Button, ...]
    kind: str = "segments"  # of which one is chosen; ``chips`` show and hide
    shown: bool = False


class Controls(Block, frozen=True):
    """Groups of buttons beside each other."""

    buttons: tuple[Buttons, ...]


class Legend(Block, frozen=True):
    """What the lines and marks of a figure mean."""

    keys: tuple[tuple[Swatch, str], ...]


class Dots(Struct, frozen=True):
    """A hundred dots, of which `filled` are filled."""

    label: str
    filled: int


class DotArrays(Block, frozen=True):
    """Arrays of a hundred dots beside each other: how many of a hundred people."""

    arrays: tuple[Dots, ...]


class Panels(Block, frozen=True):
    """Small drawings beside each other, each with its name; `wide` ones lie in twos, others in threes."""

    cells: tuple[tuple[str, Plot], ...]
    wide: bool | None = None

    @property
    def is_wide(self) -> bool:
        """Whether two lie beside each other."""
        return len(self.cells) in {1, 2, 4} if self.wide is None else self.wide


class Figure(Block, frozen=True):
    """Drawings with a heading, controls and a caption; `blocks` are buttons, legends, plots, panels, details."""

    heading: str
    blocks: tuple[Block, ...]
    caption: Content = ""
    values: Block | None = None


class Card(Struct, frozen=True):
    """One arm at a glance."""

    title: Content
    subtitle: Content
    colour: str  # ``#rrggbb``
    strip_title: str  # what the strip shows
    strip: tuple[tuple[str, str, Content], ...]  # steps: when, value, mark
    facts: tuple[tuple[Content, str, Content], ...]  # label, value, aside


class Cards(Block, frozen=True):
    """Cards beside each other."""

    cards: tuple[Card, ...]


class Columns(Block, frozen=True):
    """Blocks side by side where there is room."""

    columns: tuple[tuple[Block, ...], ...]


class Details(Block, frozen=True):
    """Blocks that are folded away; those of the ``screen`` alone are not printed."""

    summary: str
    blocks: tuple[Block, ...]
    screen: bool = False


class Code(Block, frozen=True):
    """Preformatted text."""

    label: str
    text: str


class Section(Struct, frozen=True):
    """A part of a document; `key` is its anchor, `short` its name in the contents (its title, if none)."""

    key: str
    title: str
    blocks: tuple[Block, ...]
    short: str = ""


class Document(Struct, frozen=True):
    """A whole document."""

    title: str
    sections: tuple[Section, ...]
    brand: str = ""  # what made it, above the title
    lead: Content = ""  # what it says, in a sentence or two
    footer: tuple[Content, ...] = ()  # paragraphs at its end
    sheet: str = ""  # at the foot of each printed sheet
    kind: str = ""  # classes of the style sheet: ``worksheet``, also ``landscape``


def plain(content: Content) -> str:
    """Return content as plain text.

    >>> plain(("Pain ", Strong("4.3"), Note(" (3.9 to 4.7)"), Break(), Badge("assumed", "assumed"))).splitlines()
    ['Pain 4.3 (3.9 to 4.7)', 'assumed']
    """
    match content:
        case str():
            return content
        case Break():
            return "\n"
        case Swatch():
            return ""
        case Note():
            return plain(content.content)
        case Link() if content.address not in ("", content.text):
            return f"{content.text} ({content.address})"
        case Link() | Strong() | Badge() | CodeText():
            return content.text
        case _:
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
            yield from blocks_of(inner for column in block.columns for inner in column)
        elif isinstance(block, Panels):
            yield from (plot for _, plot in block.cells)
