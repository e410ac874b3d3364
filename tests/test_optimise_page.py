"""The page of a search in a browser: it asks the network for nothing, shows everything, and can be used by everyone.

The rules are those of the report. The document is made by hand, once small and once with a front of 24 regimens; the
oracles are the browser's own measurements and the rules of axe.
"""

from pathlib import Path
from typing import Any

import optimise_document as documents
import pytest
import test_report_browser as reported
from browsing import PHONE, serious

from letheon.views.report import optimise

pytestmark = pytest.mark.browser

TABLET = {"width": 820, "height": 1180}
FOCUSED = """() => {
  const at = document.activeElement;
  const outline = getComputedStyle(at);
  return [at.tagName, at.getAttribute("href") || at.getAttribute("aria-label") || "", outline.outlineStyle !== "none"];
}"""


def large() -> dict[str, Any]:
    """Return a search with a long front, three costs and every kind of long word."""
    made = documents.document()
    first, second = made["front"]
    made["front"] = []
    for number in range(1, 25):
        entry = dict(first if number % 2 else second) | {"number": number, "file": f"front/{number:02}.yaml"}
        measures = documents._measures(20.0 + number, 2.0 * number, 60.0 * number)
        measures["psychedelic_hours"] = {"mean": 3.0 * number, "mean_interval": [2.0, 4.0 * number], "unit": "h"}
        made["front"].append(entry | {"measures": measures})
    for entry in (*made["published"], *made["placebo"]):
        entry["measures"]["psychedelic_hours"] = {"mean": 90.0, "mean_interval": [80.0, 99.0], "unit": "h"}
    told = "hours with a psychedelic load above 10 %"
    made["goals"].append({"measure": "psychedelic_hours", "direction": "minimise", "unit": "h", "means": told})
    made["title"] = "Boosters after ten outpatient days: relief against hours, drug and hours with dreamlike effects"
    return made


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("optimise") / "report.html"
    path.write_text(optimise.render(documents.document(), documents.rows()), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def long_file(tmp_path_factory) -> str:
    rows = [row | {"psychedelic_hours": 5.0} for row in documents.rows()]
    path = tmp_path_factory.mktemp("optimise") / "report.html"
    path.write_text(optimise.render(large(), rows), encoding="utf-8")
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


def test_pointing_at_a_mark_says_its_regimen(browser: Any, file: str) -> None:
    page = reported.opened(browser, file)
    marks = page.locator(".chart").first.locator(".trace .points path")
    said = set()
    for mark in marks.all():
        mark.hover(force=True)
        page.wait_for_timeout(200)
        said.update(page.locator(".hoverlayer text").all_text_contents())
    assert any("31 mg/h/70kg, 9" in text for text in said) and any("breaks a limit" in text for text in said)
    assert page.complaints == []


@pytest.mark.parametrize("length", ["short", "long"])
def test_no_sheet_of_paper_cuts_anything(browser: Any, file: str, long_file: str, length: str) -> None:
    page = reported.on_paper(browser, file if length == "short" else long_file)
    found = page.evaluate(reported.AS_SHEETS, reported.SHEET)
    names = ("broken", "orphaned", "wide", "outside")
    assert {name: found[name] for name in names} == {name: [] for name in names}
    assert found["count"] <= (4 if length == "short" else 7)


def test_hostile_names_stay_text(browser: Any, tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    document = documents.document() | {"title": evil, "letheon": evil}
    document["published"][0]["name"] = evil
    path = tmp_path / "report.html"
    path.write_text(optimise.render(document, documents.rows()), encoding="utf-8")
    page = reported.opened(browser, path.as_uri())
    for mark in page.locator(".chart").first.locator(".trace .points path").all():
        mark.hover(force=True)
    assert page.complaints == [] and len(page.requests_seen) == 1
    assert page.locator("h1").text_content() == evil and page.locator("img").count() == 0


def test_without_scripts_the_numbers_are_still_there(browser: Any, file: str) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(file)
    assert page.get_by_role("cell", name="31 mg/h/70kg").count() == 1
    assert page.get_by_role("heading", name="The front").is_visible()
