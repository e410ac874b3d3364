"""The hand-out for patients: what the first screen says, on two sheets."""

import re
from pathlib import Path
from typing import Any

import pytest
from browsing import opened, serious
from report_page import Page
from stored import alone, sigtermans

from letheon.views.document import terminal
from letheon.views.explore.handout import document, handout
from letheon.views.explore.short import short


def test_it_says_what_the_first_screen_says() -> None:
    page = " ".join(terminal.text(document(sigtermans(), "esketamine")).split())
    for line in short(sigtermans(), "esketamine"):
        assert all(text in page for text in (line.text, line.more, line.apart))


def test_dots_show_the_shares_of_the_result() -> None:
    page = Page(handout(sigtermans()))
    filled = [values.get("class") for name, values in page.elements if name == "circle"]
    expected = [
        round(100 * sigtermans().arms[name].endpoints["responder_30_day_28"].mean) for name in ("esketamine", "placebo")
    ]
    assert [filled[k : k + 100].count("on") for k in (0, 100)] == expected and len(filled) == 200


def test_a_run_without_placebo_has_one_array_and_nothing_runs_in_the_page() -> None:
    page = Page(handout(alone()))
    assert sum(name == "circle" for name, _ in page.elements) == 100
    assert page.scripts == []


@pytest.mark.browser
def test_it_takes_two_sheets_and_reads_on_a_phone(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "handout.html"
    file.write_text(handout(sigtermans()), encoding="utf-8")
    page = opened(browser, file.as_uri(), {"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert serious(page) == [] and page.complaints == []
    for paper in ("A4", "Letter"):
        assert len(re.findall(rb"/Type\s*/Page[^s]", page.pdf(format=paper, prefer_css_page_size=False))) == 2
