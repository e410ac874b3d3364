"""The page of a search in a browser: it asks the network for nothing, shows everything, and can be used by everyone.

The rules are those of the report, for a short front and for a long one with three costs; the oracles are the browser's
own measurements and the rules of axe.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import search_factory as factory
import test_report_browser as reported
from browsing import PHONE, serious

from letheon.study.optimise.document import Candidate, SearchReport
from letheon.views.document import html
from letheon.views.subjects.optimisation import document

pytestmark = pytest.mark.browser

TABLET = {"width": 820, "height": 1180}
FOCUSED = """() => {
  const at = document.activeElement;
  const outline = getComputedStyle(at);
  return [at.tagName, at.getAttribute("href") || at.getAttribute("aria-label") || "", outline.outlineStyle !== "none"];
}"""


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> tuple[SearchReport, tuple[Candidate, ...]]:
    return factory.search(factory.SMALL, tmp_path_factory.mktemp("small") / "out")


@pytest.fixture(scope="module")
def file(small, tmp_path_factory) -> str:
    return saved(tmp_path_factory.mktemp("optimise"), *small)


@pytest.fixture(scope="module")
def long_file(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("long")
    found = factory.search(factory.EXAMPLES / "optimise_100h.yaml", folder / "out", 120)
    return saved(folder, *found)


def saved(folder: Path, *search: Any) -> str:
    path = folder / "front.html"
    path.write_text(html.render(document(*search)), encoding="utf-8")
    return path.as_uri()


def test_it_draws_every_figure_and_asks_for_nothing(browser: Any, file: str) -> None:
    page = reported.opened(browser, file)
    assert page.requests_seen == [file] and page.complaints == []
    assert page.locator(".chart").count() == page.locator(".chart .scatterlayer").count() == 2
    titles = page.evaluate(reported.TITLES)
    assert all("relief" in y.lower() for _, y in titles) and {x for x, _ in titles} == {
        "Hours on the drip (h)",
        "Drug given, as free base (mg)",
    }
    assert page.evaluate("window.shifts") < 0.01


@pytest.mark.parametrize("size", [reported.DESKTOP, PHONE, TABLET], ids=["desktop", "phone", "tablet"])
def test_nothing_is_cut_off_or_overlaps(browser: Any, long_file: str, size: dict[str, int]) -> None:
    page = reported.opened(browser, long_file, size)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.evaluate(reported.CUT_OFF) == [] and page.evaluate(reported.TOUCHING) == []
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [reported.DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious(browser: Any, long_file: str, scheme: str, size: dict[str, int]) -> None:
    page = reported.opened(browser, long_file, size, color_scheme=scheme)
    assert serious(page) == []


def test_everything_can_be_reached_and_read_by_keyboard(browser: Any, long_file: str) -> None:
    page = reported.opened(browser, long_file, PHONE, reduced_motion="reduce")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        tag, name, visible = page.evaluate(FOCUSED)
        if tag == "BODY":
            break
        reached.append(name)
        assert visible, name
    tables = ["What varies", "The front", "Published regimens"]
    assert [name for name in reached if name.startswith("#")] == [
        "#summary",
        "#figures",
        "#front",
        "#published",
        "#sources",
    ]
    assert [name for name in reached if name in tables] == tables
    front = page.get_by_role("region", name="The front", exact=True).and_(page.locator(".scroll"))
    front.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(400)
    assert front.evaluate("region => region.scrollLeft") > 0
    page.locator("nav a[href='#front']").focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert -1 < page.locator("#front").bounding_box()["y"] < 40


def texts_of_marks(page: Any) -> set[str]:
    """Point at each mark of the first figure that lies inside it; return what is said."""
    chart, texts = page.locator(".chart").first, set()
    edge = chart.bounding_box()["x"] + chart.bounding_box()["width"]
    for mark in chart.locator(".trace .points path").all():
        if mark.bounding_box()["x"] < edge:
            mark.hover(force=True)
            page.wait_for_timeout(100)
            texts.update(page.locator(".hoverlayer text").all_text_contents())
    return texts


def test_pointing_at_a_mark_says_its_regimen(browser: Any, file: str) -> None:
    page = reported.opened(browser, file)
    texts = texts_of_marks(page)
    assert any("37 mg/h/70kg, 9" in text for text in texts) and any("breaks a limit" in text for text in texts)
    assert page.complaints == []


@pytest.mark.parametrize("length", ["short", "long"])
def test_no_sheet_of_paper_cuts_anything(browser: Any, file: str, long_file: str, length: str) -> None:
    page = reported.on_paper(browser, file if length == "short" else long_file)
    found = page.evaluate(reported.AS_SHEETS, reported.SHEET)
    names = ("broken", "orphaned", "wide", "outside")
    assert {name: found[name] for name in names} == {name: [] for name in names}
    assert found["count"] <= (4 if length == "short" else 7)


def test_hostile_names_stay_text(browser: Any, small, tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    search, others = small
    published = tuple(msgspec.structs.replace(entry, name=evil) for entry in search.published)
    search = msgspec.structs.replace(search, title=evil, letheon=evil, published=published)
    page = reported.opened(browser, saved(tmp_path, search, others))
    assert any("onerror" in text for text in texts_of_marks(page))
    assert page.complaints == [] and len(page.requests_seen) == 1
    assert page.locator("h1").text_content() == evil and page.locator("img").count() == 0


def test_without_scripts_the_numbers_are_still_there(browser: Any, file: str) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(file)
    assert page.get_by_role("region", name="The front").get_by_role("row").count() > 1
    assert page.get_by_role("heading", name="The front").is_visible()
