"""Reports and the pages of calibrations, validations and searches in a browser: whole, offline, usable by everyone.

The system's Chromium opens the files from disk. The oracles are the browser's own measurements (requests,
boxes, scroll widths, layout shifts) and the rules of axe.
"""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import search_factory as factory
from browsing import CUT_OFF, DESKTOP, PHONE, TOUCHING, opened, serious
from msgspec.structs import replace
from stored import SCENARIO, alone, sigtermans, with_arms
from test_calibration_page import REPORTS, VALIDATION

from letheon.pipeline.result import RunResult
from letheon.views.document import html
from letheon.views.subjects import calibration, optimisation, run, validation

pytestmark = pytest.mark.browser

TABLET = {"width": 820, "height": 1180}
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)><a href='javascript:alert(3)'>x</a>%{y}"
FOCUSED = """() => {
  const at = document.activeElement;
  const outline = getComputedStyle(at);
  return [at.tagName, at.getAttribute("href") || at.getAttribute("aria-label") || "", outline.outlineStyle !== "none"];
}"""


# A sheet of A4 within its margins [px]. Columns of that size break where sheets do: by the same engine and rules.
SHEET = {"width": 688, "height": 1005}
AS_SHEETS = """({ width, height }) => {
  document.documentElement.style.width = document.body.style.width = width + "px";
  Object.assign(document.body.style, { margin: 0, columns: width + "px", columnGap: "40px", columnFill: "auto",
    height: height + "px" });
  const sheet = (box) => Math.floor((box.left - document.body.getBoundingClientRect().left + 9) / (width + 40));
  const first = (element) => sheet(element.getClientRects()[0]);
  const last = (element) => sheet([...element.getClientRects()].at(-1));
  const all = (kinds) => [...document.querySelectorAll(kinds)].filter((element) => element.getClientRects().length);
  const named = (element) => element.tagName + " " + element.textContent.trim().slice(0, 40);
  const next = (element) => element && (element.getClientRects().length ? element : next(element.nextElementSibling));
  const after = (heading) => heading.matches("caption") ? heading.closest("table").querySelector("tbody tr")
    : next(heading.nextElementSibling);
  return {
    count: Math.max(...all("footer").map(last)) + 1,
    broken: all("figure, .chart, .card, tr, caption, h1, h2, h3, pre").filter((e) => first(e) !== last(e)).map(named),
    orphaned: all("h2, h3, h4, summary, caption").filter((e) => after(e) && last(e) !== first(after(e))).map(named),
    wide: all(".scroll, .chart, .card, .strip, pre").filter((e) => e.scrollWidth > e.clientWidth + 1).map(named),
    outside: all("td, th, svg text, .badge").filter((e) => {
      const box = e.getClientRects()[0], from = document.body.getBoundingClientRect().left + sheet(box) * (width + 40);
      return box.right > from + width + 2;
    }).map(named),
  };
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Callable[[str], str]:
    @cache
    def written(name: str) -> str:
        folder = tmp_path_factory.mktemp("pages")
        if name.startswith("search"):
            long = (factory.EXAMPLES / "optimise_100h.yaml", folder / "out", 120)
            search = factory.search(*(long if "long" in name else (factory.SMALL, folder / "out")))
            return saved(html.render(optimisation.document(*search)), folder)
        pages = {
            "report": lambda: run.page(sigtermans(), SCENARIO),
            "calibration": lambda: html.render(calibration.page(REPORTS, "2026-01-02")),
            "validation": lambda: html.render(validation.page(VALIDATION)),
        }
        return saved(pages[name](), folder)

    return written


@pytest.fixture
def file(address) -> str:
    return address("report")


def saved(page: str, folder: Path) -> str:
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


def figure(page: Any, heading: str) -> Any:
    return page.locator("figure", has=page.get_by_role("heading", name=heading, exact=True))


def on_paper(browser: Any, address: str) -> Any:
    page = opened(browser, address, SHEET)
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    return page


each_page = pytest.mark.parametrize("name", ["report", "calibration", "validation", "search long"])


@each_page
@pytest.mark.parametrize("size", [DESKTOP, PHONE, TABLET], ids=["desktop", "phone", "tablet"])
def test_a_page_draws_every_figure_offline_and_cuts_nothing_off(browser, address, name, size) -> None:
    page = opened(browser, address(name), size)
    assert page.requests_seen == [address(name)] and page.complaints == []
    assert page.locator(".chart").count() == page.locator(".chart .scatterlayer").count() > 1
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.evaluate(CUT_OFF) == [] and page.evaluate(TOUCHING) == []
    assert page.evaluate("window.shifts") < 0.01


@each_page
@pytest.mark.parametrize(("scheme", "size"), [("light", DESKTOP), ("dark", PHONE)], ids=["light", "dark"])
def test_axe_finds_nothing_serious(browser, address, name, scheme, size) -> None:
    assert serious(opened(browser, address(name), size, color_scheme=scheme)) == []


@pytest.mark.parametrize("name", ["calibration", "validation"])
def test_figures_keep_their_height_on_paper(browser, address, name) -> None:
    page = on_paper(browser, address(name))
    sizes = page.evaluate(
        "[...document.querySelectorAll('.chart')].map(c => [c.layout.width, c.layout.height, Number(c.dataset.height)])"
    )
    assert sizes and all(width in (330, 680) and height == own for width, height, own in sizes)
    assert page.complaints == []


@pytest.mark.parametrize("name", ["search", "search long", 1, 2, 3, 4, 6])
def test_no_sheet_of_paper_cuts_anything(browser, address, tmp_path: Path, name: str | int) -> None:
    """The pages of searches, and reports of so many arms."""
    page = on_paper(
        browser, saved(run.page(arms_of(name), SCENARIO), tmp_path) if isinstance(name, int) else address(name)
    )
    assert page.evaluate(CUT_OFF) == [] and page.evaluate(TOUCHING) == []
    faults = page.evaluate(AS_SHEETS, SHEET)
    assert faults.pop("count") <= (36 if isinstance(name, int) else 7)
    assert faults == {"broken": [], "orphaned": [], "wide": [], "outside": []}
    assert page.complaints == []


@pytest.mark.parametrize(("name", "cell"), [("report", "randomised"), ("search", "beaten by|not beaten|limit")])
def test_numbers_are_readable_without_scripts(browser, address, name, cell) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(address(name))
    assert page.get_by_role("cell", name=re.compile(cell)).count() > 0


def arms_of(count: int) -> RunResult:
    if count == 1:
        return alone()
    first, *_, placebo = sigtermans().arms.values()
    return with_arms(**{f"arm_number_{place + 1}": first for place in range(count - 1)}, placebo=placebo)


def test_everything_can_be_reached_and_read_by_keyboard(browser: Any, address) -> None:
    page = opened(browser, address("search long"), PHONE, reduced_motion="reduce")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        tag, name, visible = page.evaluate(FOCUSED)
        if tag == "BODY":
            break
        reached.append(name)
        assert visible, name
    assert {"#summary", "#figures", "#front", "#published", "#sources"} <= set(reached)
    assert {"What varies", "The front", "Published regimens"} <= set(reached)
    front = page.get_by_role("region", name="The front", exact=True).and_(page.locator(".scroll"))
    front.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(400)
    assert front.evaluate("region => region.scrollLeft") > 0


def hover_texts(page: Any) -> set[str]:
    """Point at each mark of the first figure that lies inside it; return what the labels say."""
    chart, texts = page.locator(".chart").first, set()
    edge = chart.bounding_box()["x"] + chart.bounding_box()["width"]
    for mark in chart.locator(".trace .points path").all():
        if mark.bounding_box()["x"] < edge:
            mark.hover(force=True)
            page.wait_for_timeout(100)
            texts.update(page.locator(".hoverlayer text").all_text_contents())
    return texts


@pytest.mark.parametrize("name", ["report", "search"])
def test_hostile_names_stay_text(browser, tmp_path: Path, name: str) -> None:
    """Labels under the pointer too, which Plotly would read as markup."""
    if name == "report":
        arms = {EVIL: sigtermans().arms["esketamine"], "placebo": sigtermans().arms["placebo"]}
        source = run.page(replace(sigtermans(), title=EVIL, warnings=(EVIL,), arms=arms), EVIL)
    else:
        search, others = factory.search(factory.SMALL, tmp_path / "out")
        published = tuple(replace(entry, name=EVIL) for entry in search.published)
        source = html.render(optimisation.document(replace(search, title=EVIL, published=published), others))
    page = opened(browser, saved(source, tmp_path))
    if name == "search":
        assert any("onerror" in text for text in hover_texts(page))
    page.locator(".chart").first.hover()
    page.locator(".hoverlayer text").first.wait_for()
    assert page.complaints == [] and len(page.requests_seen) == 1
    assert page.locator("h1").text_content() == EVIL
    assert page.locator("img, .chart a").count() == 0


def test_every_sheet_names_program_and_seed(browser: Any, file: str) -> None:
    page = opened(browser, file)
    label = f"Letheon {sigtermans().letheon}, seed 20090101"
    rules = page.evaluate("[...document.styleSheets[0].cssRules].filter((r) => r.type === 6).map((r) => r.cssText)")
    assert any(label in rule and "@bottom-left" in rule for rule in rules), rules


def test_the_measures_would_find_a_fault(browser: Any, file: str) -> None:
    page = opened(browser, file)
    page.evaluate("Plotly.relayout(document.querySelector('.chart'), {'margin.l': 5, 'xaxis.dtick': 0.4})")
    assert page.evaluate(CUT_OFF) and page.evaluate(TOUCHING)
    page = on_paper(browser, file)
    page.add_style_tag(content="* { break-inside: auto !important; break-after: auto !important; }")
    page.add_style_tag(content="td { white-space: nowrap !important; padding: 0 40px !important; }")
    seen = set[str]()
    for shift in range(0, 1000, 125):  # wherever the sheets happen to end
        page.add_style_tag(content=f"body {{ padding-top: {shift}px !important; }}")
        seen |= {name for name, places in page.evaluate(AS_SHEETS, SHEET).items() if places}
    assert {"broken", "orphaned", "wide", "outside"} <= seen


def test_figures_change_by_button_and_keyboard(browser: Any, file: str) -> None:
    page = opened(browser, file)
    box = figure(page, "Mean pain score")
    shown = "c => c.data.filter(t => t.visible !== false).map(t => t.meta.part + t.meta.curve)"
    chart = box.locator(".chart")
    alone = {f"{model}{arm}" for model in ("memory", "slow_site") for arm in (0, 1)}  # of placebo in the next figure
    arms, parts = (0, 1, 2), ("mean", "whiskers", "course")
    assert set(chart.evaluate(shown)) == {f"{part}{arm}" for part in parts for arm in arms} | alone
    box.get_by_role("button", name="Bands").click()
    box.get_by_role("button", name="placebo").click()
    bands = {f"{part}{arm}" for part in ("mean", "band", "course") for arm in (0, 1)}
    assert set(chart.evaluate(shown)) == bands | alone
    assert box.get_by_role("button", name="placebo").get_attribute("aria-pressed") == "false"
    box = figure(page, "Plasma levels")
    axes = "c => [c.layout.xaxis.range, c.layout.yaxis.type || 'linear', c.layout.xaxis.title.text.split('(')[1]]"
    for name, expected in (
        ("First 24 h", [[0, 24], "linear", "h)"]),
        ("Logarithmic", [[0, 24], "log", "h)"]),
        ("All", [[0, 84 * 24], "log", "days)"]),
    ):
        button = box.get_by_role("button", name=name)
        button.focus()
        page.keyboard.press("Enter")
        assert [chart.evaluate(axes) for chart in box.locator(".chart").all()] == [expected] * 2
        assert button.get_attribute("aria-pressed") == "true"
        assert page.evaluate(TOUCHING) == [] and page.evaluate(CUT_OFF) == []
    assert page.complaints == []


def test_paper_is_light_and_holds_what_the_screen_hides(browser: Any, file: str) -> None:
    page = opened(browser, file, color_scheme="dark")
    colour = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(colour)
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(colour) == "rgb(255, 255, 255)" != dark
    assert page.evaluate("document.querySelectorAll('details:not(.screen):not([open])').length") == 0
    assert not page.locator("nav").is_visible() and page.locator("pre").is_visible()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    assert page.locator(".chart svg.main-svg").first.bounding_box()["width"] > 900
    assert page.evaluate("document.querySelectorAll('details:not(.screen)[open]').length") == 0
    assert page.pdf(prefer_css_page_size=True)[:5] == b"%PDF-"
    assert page.complaints == []
