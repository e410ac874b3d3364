"""The report in a browser: it asks the network for nothing, shows everything, and can be used by everyone.

The system's Chromium opens the file from disk. The oracles are the browser's own measurements (requests,
boxes, scroll widths, layout shifts) and the rules of axe.
"""

from pathlib import Path
from typing import Any

import pytest
from browsing import CUT_OFF, DESKTOP, PHONE, TOUCHING, opened, serious
from msgspec.structs import replace
from stored import SCENARIO, sigtermans, with_arms

from letheon.pipeline.result import RunResult
from letheon.views.subjects import run

pytestmark = pytest.mark.browser

TITLES = '() => [...document.querySelectorAll(".chart")].map((c) => [".xtitle", ".ytitle"].map((k) => c.querySelector(k).textContent))'

TITLE_SIZES = """() => [...new Set([...document.querySelectorAll(".chart .xtitle")].map(
  (title) => Math.round(parseFloat(getComputedStyle(title).fontSize))))]"""
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
def file(tmp_path_factory) -> str:
    return saved(sigtermans(), tmp_path_factory.mktemp("report"))


def saved(result: RunResult, folder: Path, text: str = SCENARIO) -> str:
    path = folder / "report.html"
    path.write_text(run.page(result, text), encoding="utf-8")
    return path.as_uri()


def figure(page: Any, heading: str) -> Any:
    return page.locator("figure", has=page.get_by_role("heading", name=heading, exact=True))


def test_it_draws_every_figure_and_asks_for_nothing(browser: Any, file: str) -> None:
    page = opened(browser, file)
    assert page.requests_seen == [file]
    assert page.complaints == []
    assert page.locator(".chart").count() == page.locator(".chart .scatterlayer").count() == 18
    titles = page.evaluate(TITLES)
    assert titles[0] == ["Time since the first infusion (days)", "Pain score (NRS, 0–10)"]
    assert ["Time since the first infusion (h)", "Plasma level (ng/mL)"] in titles
    assert all(x and y for x, y in titles)
    assert page.evaluate("window.shifts") < 0.01


@pytest.mark.parametrize("size", [DESKTOP, PHONE, {"width": 820, "height": 1180}], ids=["desktop", "phone", "tablet"])
def test_nothing_is_cut_off_or_overlaps(browser: Any, file: str, size: dict[str, int]) -> None:
    page = opened(browser, file, size)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate(TOUCHING) == []


def test_the_measures_would_find_a_fault(browser: Any, file: str) -> None:
    page = opened(browser, file)
    page.evaluate("Plotly.relayout(document.querySelector('.chart'), {'margin.l': 5, 'xaxis.dtick': 0.4})")
    assert page.evaluate(CUT_OFF) and page.evaluate(TOUCHING)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious(browser: Any, file: str, scheme: str, size: dict[str, int]) -> None:
    page = opened(browser, file, size, color_scheme=scheme)
    assert serious(page) == []


def test_the_comparison_can_hide_arms_and_change_the_interval(browser: Any, file: str) -> None:
    page = opened(browser, file)
    box = figure(page, "Mean pain score")
    shown = "c => c.data.filter(t => t.visible !== false).map(t => t.meta.part + t.meta.curve)"
    chart = box.locator(".chart")
    assert set(chart.evaluate(shown)) == {
        f"{part}{arm}" for part in ("mean", "whiskers", "course") for arm in (0, 1, 2)
    }
    box.get_by_role("button", name="Bands").click()
    box.get_by_role("button", name="placebo").click()
    assert set(chart.evaluate(shown)) == {f"{part}{arm}" for part in ("mean", "band", "course") for arm in (0, 1)}
    assert box.get_by_role("button", name="placebo").get_attribute("aria-pressed") == "false"
    box.get_by_role("button", name="None").click()
    assert set(chart.evaluate(shown)) == {"mean0", "mean1", "course0", "course1"}
    assert page.complaints == []


def test_levels_can_be_seen_by_keyboard_over_other_times_and_on_a_logarithmic_axis(browser: Any, file: str) -> None:
    page = opened(browser, file)
    box = figure(page, "Plasma levels")
    axes = "c => [c.layout.xaxis.range, c.layout.yaxis.type || 'linear', c.layout.xaxis.title.text]"
    hours = "Time since the first infusion (h)"
    charts = box.locator(".chart")
    end, kind, title = charts.first.evaluate(axes)
    assert end[1] == pytest.approx(172, abs=0.1) and (kind, title) == ("linear", hours)
    for name, expected in (
        ("First 24 h", [[0, 24], "linear", hours]),
        ("Logarithmic", [[0, 24], "log", hours]),
        ("All", [[0, 84 * 24], "log", "Time since the first infusion (days)"]),
        ("Linear", [[0, 84 * 24], "linear", "Time since the first infusion (days)"]),
    ):
        button = box.get_by_role("button", name=name)
        button.focus()
        page.keyboard.press("Enter")
        assert [chart.evaluate(axes) for chart in charts.all()] == [expected] * 2
        assert button.get_attribute("aria-pressed") == "true"
        assert page.evaluate(TOUCHING) == [] and page.evaluate(CUT_OFF) == []
    assert page.complaints == []


def test_paper_is_light_and_holds_what_the_screen_hides_in_dark(browser: Any, file: str) -> None:
    page = opened(browser, file, color_scheme="dark")
    colour = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(colour) == "rgb(17, 20, 24)"
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(colour) == "rgb(255, 255, 255)"
    ink = page.evaluate("getComputedStyle(document.querySelector('.chart .xtitle')).fill")
    assert ink == "rgb(71, 77, 86)"
    widths = page.evaluate("[...document.querySelectorAll('.chart')].map(c => c.layout.width)")
    assert set(widths) == {680, 330, 222}
    assert page.evaluate("document.querySelectorAll('details:not(.screen):not([open])').length") == 0
    assert not page.locator("nav").is_visible() and page.locator("pre").is_visible()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    assert page.locator(".chart svg.main-svg").first.bounding_box()["width"] > 900
    assert page.evaluate(TITLE_SIZES) == [14]
    assert page.evaluate("document.querySelectorAll('details:not(.screen)[open]').length") == 0
    assert page.pdf(prefer_css_page_size=True)[:5] == b"%PDF-"
    assert page.complaints == []


def arms_of(count: int) -> RunResult:
    """Return a result with so many arms, placebo last where there are several."""
    first, *_, placebo = sigtermans().arms.values()
    arms = {f"arm_number_{place + 1}": first for place in range(max(1, count - 1))}
    return with_arms(**arms, **({"placebo": placebo} if count > 1 else {}))


def on_paper(browser: Any, address: str) -> Any:
    page = opened(browser, address, SHEET)
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    return page


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6])
def test_no_sheet_of_paper_cuts_anything(browser: Any, tmp_path: Path, count: int) -> None:
    page = on_paper(browser, saved(arms_of(count), tmp_path))
    assert page.evaluate(CUT_OFF) == [] and page.evaluate(TOUCHING) == []
    found = page.evaluate(AS_SHEETS, SHEET)
    assert {name: found[name] for name in ("broken", "orphaned", "wide", "outside")} == {
        "broken": [],
        "orphaned": [],
        "wide": [],
        "outside": [],
    }
    assert 8 < found["count"] <= 36
    assert page.complaints == []


def test_the_measures_of_paper_would_find_a_fault(browser: Any, file: str) -> None:
    page = on_paper(browser, file)
    page.add_style_tag(content="* { break-inside: auto !important; break-after: auto !important; }")
    page.add_style_tag(content="td { white-space: nowrap !important; padding: 0 40px !important; }")
    found = page.evaluate(AS_SHEETS, SHEET)
    assert found["broken"] and found["orphaned"] and found["wide"] and found["outside"]


def test_every_sheet_says_which_program_and_seed_made_it(browser: Any, file: str) -> None:
    page = opened(browser, file)
    told = f"Letheon {sigtermans().letheon}, seed 20090101"
    assert told.replace(", seed", ": simulation report, seed") == page.locator(".brand").text_content()
    rules = page.evaluate("[...document.styleSheets[0].cssRules].filter((r) => r.type === 6).map((r) => r.cssText)")
    assert any(told in rule and "@bottom-left" in rule for rule in rules), rules


def test_hostile_names_stay_text(browser: Any, tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)><a href='javascript:alert(3)'>x</a>%{y}"
    arms = {evil: sigtermans().arms["esketamine"], "placebo": sigtermans().arms["placebo"]}
    page = opened(browser, saved(replace(sigtermans(), title=evil, warnings=(evil,), arms=arms), tmp_path, evil))
    page.locator(".chart").first.hover()
    page.locator(".hoverlayer text").first.wait_for()
    assert page.complaints == [] and len(page.requests_seen) == 1
    assert page.locator("h1").text_content() == evil
    assert page.locator("img, .chart a").count() == 0


def test_without_scripts_the_numbers_are_still_there(browser: Any, file: str) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(file)
    assert page.get_by_role("cell", name="randomised").count() > 10
    assert page.get_by_role("heading", name="How to read it").is_visible()
