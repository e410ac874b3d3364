"""One tree, three renderers: the same facts in each, and no text that becomes markup."""

import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_page import Page

from letheon.views.document import html as pages
from letheon.views.document import markdown, numbers, terminal, tree

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"'&<b>%{x}</b>\u2028{{ 1 }}"


def document(text: str) -> tree.Document:
    """Return a document with every kind of part, and one text in all of them."""
    inline = (
        text,
        tree.Strong(text),
        tree.Note(text),
        tree.Badge(text, "assumed", text),
        tree.CodeText(text),
        tree.Link(text),
        tree.Break(),
    )
    table = tree.Table(
        text,
        (text, inline),
        (tree.Group((tree.Row(text, (inline,), "main"), tree.Row(inline, (text,))), text),),
        inline,
    )
    plot = tree.Plot({"data": [{"x": [1.0], "name": text}], "layout": {}}, text)
    swatch = tree.Swatch("#0072B2", mark="diamond", dash="mean-band")
    buttons = tree.Buttons(text, (tree.Button((swatch, text), True, {"do": text}),), "chips", shown=True)
    figure = tree.Figure(
        text, (tree.Controls((buttons,)), tree.Legend(((swatch, text),)), tree.Panels(((text, plot),))), inline, table
    )
    card = tree.Card(inline, inline, "#0072B2", text, ((text, text, inline),), ((inline, text, inline),))
    blocks = (
        tree.Heading(inline),
        tree.Paragraph(inline, "small"),
        tree.Items((inline,), ordered=True),
        tree.Definitions(((inline, inline),)),
        table,
        figure,
        tree.Cards((card,)),
        tree.Columns(((tree.Paragraph(text),), (tree.Paragraph(text),))),
        tree.Details(text, (tree.Code(text, text),)),
    )
    return tree.Document(text, (tree.Section("one", text, blocks),), text, inline, (inline,), text)


@pytest.mark.parametrize("text", ["plain", EVIL])
def test_text_never_becomes_markup(text: str) -> None:
    page, other = Page(pages.render(document(text))), Page(pages.render(document("plain")))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in other.elements]
    assert [list(attributes) for _, attributes in page.elements] == [list(a) for _, a in other.elements]
    assert len(page.scripts) == 3 and json.loads(page.scripts[0][1])["figures"][0]["data"][0]["name"] == text


CELL = pages._environment().from_string('{% import "blocks.html.jinja" as b %}{{ b.inline(x) }}')


@given(st.text(max_size=40))
def test_a_page_shows_its_text_as_it_is(text: str) -> None:
    assert html.unescape(CELL.render(x=text)) == pages.typeset(text)


def test_terminal_and_markdown_hold_every_number_of_a_table() -> None:
    rows = [(f"row {number}", f"{number}.5", f"{-number}") for number in range(1, 4)]
    table = tree.Table.of("t", ("", "one", "two"), rows)
    page = tree.Document("Numbers", (tree.Section("a", "Table", (table,)),))
    for text in (terminal.text(page, 60), markdown.render(page)):
        for row in rows:
            line = next(line for line in text.splitlines() if row[0] in line)
            assert [cell for cell in re.split(r"[|\s]+", line) if cell][2:] == list(row[1:])


HEADS = st.lists(st.text("ab", min_size=1, max_size=7), min_size=1, max_size=4).map(" ".join)


@given(st.lists(HEADS, min_size=2, max_size=8), st.integers(24, 90))
def test_a_table_breaks_headings_between_words_and_keeps_its_width(heads: list[str], width: int) -> None:
    align = "".join("lr"[len(head) % 2] for head in heads)
    rows = [[f"{number}{place}.125" for place in range(len(heads))] for number in range(2)]
    text = printed(tree.Table.of("wide", heads, rows, align=align), width)
    words = text.split()
    assert max(map(len, text.splitlines())) <= width
    assert all(words.count(cell) == 1 for row in rows for cell in row[1:])
    assert set(words) >= {word for head in heads for word in head.split()}


def test_paragraphs_keep_indent_and_width() -> None:
    words = " ".join(["word"] * 40)
    lines = printed(tree.Paragraph(words, indent=2, hanging=6), 40).splitlines()
    assert all(len(line) <= 40 for line in lines) and lines[0].startswith("  w") and lines[1].startswith("      w")
    assert " ".join(" ".join(lines).split()) == words


def test_blocks_inside_figures_and_columns_are_listed() -> None:
    kinds = {type(block) for block in tree.blocks_of(document("x").sections[0].blocks)}
    assert {tree.Plot, tree.Table, tree.Code, tree.Paragraph} <= kinds
    assert tree.plain(("a", tree.Strong("b"), tree.Break(), tree.Link("c", "d"))) == "ab\nc (d)"


@given(st.floats(0, 1), st.floats(0, 1))
def test_shares_never_round_to_what_they_are_not(low: float, high: float) -> None:
    text = numbers.percent(low)
    assert (text == "0") == (low == 0.0) and (text == "100") == (low == 1.0)
    ends = sorted((low, high))
    assert "0 to 0" not in numbers.interval(ends, "share")


def printed(block: tree.Block, width: int) -> str:
    return terminal.text(tree.Document("", (tree.Section("a", "", (block,)),)), width)
