"""One tree, three renderers: the same facts in each, and no text that becomes markup."""

import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_page import Page

from letheon.views.document import html as pages
from letheon.views.document import markdown, numbers, terminal
from letheon.views.document.tree import (
    Badge,
    Break,
    Button,
    Buttons,
    Card,
    Cards,
    Code,
    CodeText,
    Columns,
    Controls,
    Definitions,
    Details,
    Document,
    Figure,
    Group,
    Heading,
    Items,
    Legend,
    Link,
    Note,
    Panels,
    Paragraph,
    Plot,
    Row,
    Section,
    Strong,
    Swatch,
    Table,
    blocks_of,
    plain,
)

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"'&<b>%{x}</b>\u2028{{ 1 }}"


def document(text: str) -> Document:
    """Return a document with every kind of part, and one text in all of them."""
    inline = (text, Strong(text), Note(text), Badge(text, "assumed", text), CodeText(text), Link(text), Break())
    table = Table(text, (text, inline), (Group((Row(text, (inline,), "main"), Row(inline, (text,))), text),), inline)
    plot = Plot({"data": [{"x": [1.0], "name": text}], "layout": {}}, text)
    swatch = Swatch("#0072B2", mark="diamond", dash="mean-band")
    buttons = Buttons(text, (Button((swatch, text), True, {"do": text}),), "chips", shown=True)
    figure = Figure(text, (Controls((buttons,)), Legend(((swatch, text),)), Panels(((text, plot),))), inline, table)
    card = Card(inline, inline, "#0072B2", text, ((text, text, inline),), ((inline, text, inline),))
    blocks = (
        Heading(inline),
        Paragraph(inline, "small"),
        Items((inline,), ordered=True),
        Definitions(((inline, inline),)),
        table,
        figure,
        Cards((card,)),
        Columns(((Paragraph(text),), (Paragraph(text),))),
        Details(text, (Code(text, text),)),
    )
    return Document(text, (Section("one", text, blocks),), text, inline, (inline,), text)


@pytest.mark.parametrize("text", ["plain", EVIL])
def test_text_never_becomes_markup(text: str) -> None:
    page, other = Page(pages.render(document(text))), Page(pages.render(document("plain")))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in other.elements]
    assert [list(attributes) for _, attributes in page.elements] == [list(a) for _, a in other.elements]
    assert len(page.scripts) == 3 and json.loads(page.scripts[0][1])["figures"][0]["data"][0]["name"] == text


@given(st.text(max_size=40))
def test_a_page_shows_its_text_as_it_is(text: str) -> None:
    cell = pages._environment().from_string('{% import "blocks.html.jinja" as b %}{{ b.inline(x) }}').render(x=text)
    assert html.unescape(cell) == pages.typeset(text)


def test_terminal_and_markdown_hold_every_number_of_a_table() -> None:
    rows = [(f"row {number}", f"{number}.5", f"{-number}") for number in range(1, 4)]
    tree = Document("Numbers", (Section("a", "Table", (Table.of("t", ("", "one", "two"), rows),)),))
    for text in (terminal.text(tree, 60), markdown.render(tree)):
        for row in rows:
            line = next(line for line in text.splitlines() if row[0] in line)
            assert [cell for cell in re.split(r"[|\s]+", line) if cell][2:] == list(row[1:])


def test_a_table_too_wide_is_split_by_columns_and_loses_none() -> None:
    heads = ("arm", *(f"column {number}" for number in range(9)))
    tree = Table.of("wide", heads, [("row", *(f"{number}.123456" for number in range(9)))])
    text = terminal.text(Document("", (Section("a", "", (tree,)),)), 50)
    assert max(map(len, text.splitlines())) <= 50
    assert all(text.count(f"{number}.123456") == 1 and f"column {number}" in text for number in range(9))
    assert text.count("row") == 3


HEADS = st.lists(st.text("ab", min_size=1, max_size=7), min_size=1, max_size=4).map(" ".join)


@given(st.lists(HEADS, min_size=2, max_size=8), st.integers(24, 90))
def test_a_table_breaks_headings_between_words_and_keeps_its_width(heads: list[str], width: int) -> None:
    align = "".join("lr"[len(head) % 2] for head in heads)
    rows = [[f"{number}{place}.125" for place in range(len(heads))] for number in range(2)]
    tree = Table.of("wide", heads, rows, align=align)
    text = terminal.text(Document("", (Section("a", "", (tree,)),)), width)
    words = text.split()
    assert max(map(len, text.splitlines())) <= width
    assert all(words.count(cell) == 1 for row in rows for cell in row[1:])
    assert set(words) >= {word for head in heads for word in head.split()}


def test_paragraphs_keep_indent_and_width() -> None:
    words = " ".join(["word"] * 40)
    lines = terminal.text(Document("", (Section("a", "", (Paragraph(words, indent=2, hanging=6),)),)), 40).splitlines()
    assert all(len(line) <= 40 for line in lines) and lines[0].startswith("  w") and lines[1].startswith("      w")
    assert " ".join(" ".join(lines).split()) == words


def test_blocks_are_found_inside_figures_and_columns() -> None:
    kinds = {type(block) for block in blocks_of(document("x").sections[0].blocks)}
    assert {Plot, Table, Code, Paragraph} <= kinds
    assert plain(("a", Strong("b"), Break(), Link("c", "d"))) == "ab\nc (d)"


@given(st.floats(0, 1), st.floats(0, 1))
def test_shares_never_round_to_what_they_are_not(low: float, high: float) -> None:
    text = numbers.percent(low)
    assert (text == "0") == (low == 0.0) and (text == "100") == (low == 1.0)
    ends = sorted((low, high))
    assert "0 to 0" not in numbers.interval(ends, "share")
