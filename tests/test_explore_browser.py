"""The live page in a browser: it draws what the service answers, keeps nothing from anybody, and can be used by all.

A real server runs behind it. The oracles are the answers of the service, the scenario reader, and the browser's own
measurements (requests, layout shifts, boxes), with the rules of axe.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import PHONE, SHIFTS, listening, serious

from letheon.scenario import loads
from letheon.views.explore.app import _first_scenarios

pytestmark = pytest.mark.browser

DESKTOP = {"width": 1366, "height": 850}
PATIENCE_MS = 120_000  # programs may have to be compiled first
CUT_OFF = """() => [...document.querySelectorAll("[data-figure].drawn")].flatMap((place) => {
  const frame = place.getBoundingClientRect();
  return [...place.querySelectorAll("text")].filter((text) => {
    const box = text.getBoundingClientRect();
    return box.width && (box.left < frame.left - 2 || box.right > frame.right + 2);
  }).map((text) => place.dataset.figure + ": " + text.textContent);
})"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "letheon", "explore", "--port", "0"], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        printed = re.search(r"http://127\.0\.0\.1:\d+/", process.stderr.readline())
        assert printed
        yield printed.group()
    finally:
        process.terminate()
        process.wait(30)


def opened(browser: Any, address: str, size: dict[str, int] = DESKTOP, **options: Any) -> Any:
    """Return the page with its first answer drawn; requests and complaints lie in lists on it."""
    page = listening(browser.new_context(viewport=size, **options).new_page())
    page.set_default_timeout(PATIENCE_MS)
    page.sent = []
    page.on("request", lambda request: "/api/simulate" in request.url and page.sent.append(request.post_data))
    page.add_init_script(SHIFTS)
    page.goto(address)
    page.locator("body[data-drawn]").wait_for()
    return page


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """Open the page, which must complain of nothing."""
    page = opened(browser, address)
    yield page
    assert page.complaints == []


def settled(page: Any) -> None:
    """Wait until what is on the page is the answer to what was sent last."""
    page.locator("#state[data-kind='ready']").wait_for()
    page.wait_for_timeout(150)
    page.locator("#state[data-kind='ready']").wait_for()


def draw_all(page: Any) -> None:
    for place in page.locator("[data-figure]").all():
        place.scroll_into_view_if_needed()
    page.locator("[data-figure='mood'].drawn").wait_for()


def compare(page: Any) -> None:
    with page.expect_response("**/api/simulate*"):
        page.get_by_role("button", name="+ Compare").click()


def choose(page: Any, preset: str) -> None:
    with page.expect_response("**/api/simulate*"):
        page.get_by_label("Start from a published plan").select_option(label=preset)
    settled(page)


def scenario_of(page: Any) -> Any:
    return loads(json.dumps(json.loads(page.sent[-1])["scenario"]))


@pytest.mark.parametrize("size", [DESKTOP, PHONE, {"width": 820, "height": 1180}], ids=["desktop", "phone", "tablet"])
def test_it_loads_from_one_place_draws_everything_and_does_not_jump(browser, address: str, size: dict) -> None:
    page = opened(browser, address, size)
    assert scenario_of(page) == loads(_first_scenarios()[0])  # the one that was warmed up
    draw_all(page)
    assert all(url.startswith(address) for url in page.requests_seen)
    assert page.complaints == []
    assert page.locator("[data-figure].drawn svg[role='img'][aria-label]").count() == 12
    assert size != DESKTOP or page.evaluate("window.shifts") < 0.02
    assert set(page.locator(".answer .short").all_text_contents()) != {"…"}
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.evaluate(CUT_OFF) == []


def test_plans_are_drawn_with_keyboard_or_mouse(page: Any) -> None:
    bar = page.locator("#timeline .bar").first
    bar.focus()
    for key in ("ArrowRight", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    settled(page)
    first = scenario_of(page).arms[0].regimen.infusions[0]
    assert (first.start_ms, first.rate.absolute_mg_h) == (86_400_000, 27.0)
    assert page.evaluate("document.activeElement.classList.contains('bar')")
    assert "day 2" in bar.get_attribute("aria-label")
    box = page.locator("#timeline .bar rect:not(.grip)").first.bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 72, box["y"] + box["height"] / 2 - 12, steps=4)
    page.mouse.up()
    settled(page)
    moved = scenario_of(page).arms[0].regimen.infusions[0]
    assert moved.start_ms > first.start_ms and moved.rate.absolute_mg_h > 27


def test_a_preset_changes_request_and_page(page: Any) -> None:
    choose(page, "100 hours in hospital")
    (arm, sham) = scenario_of(page).arms
    assert (arm.drug, arm.regimen.stop_ms, sham.drug) == ("esketamine", 100 * 3_600_000, "placebo")
    assert "Hundred hours" in page.locator("#numbers thead").text_content()
    assert "hospital" in page.locator("#q-involves .short").text_content()


def test_the_page_updates_while_a_slider_moves_and_drops_what_is_stale(page: Any) -> None:
    before = page.locator("[data-figure='pain'] path.line").first.get_attribute("d")
    slide = page.locator("#slide-rate")
    box = slide.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.42, box["y"] + box["height"] / 2)
    page.mouse.down()
    for step in range(12):
        page.mouse.move(box["x"] + box["width"] * (0.42 + 0.03 * step), box["y"] + box["height"] / 2)
        page.wait_for_timeout(30)
    page.mouse.up()
    settled(page)
    value = float(slide.input_value())
    assert value > 40 and scenario_of(page).arms[0].regimen.infusions[0].rate.absolute_mg_h == value
    assert page.locator("[data-figure='pain'] path.line").first.get_attribute("d") != before
    assert page.evaluate("letheon.answer.arms.ten_days.endpoints.dose_mg.mean") == pytest.approx(40 * value, rel=1e-3)


def test_both_explanations_stand_beside_their_average_and_one_can_be_chosen(page: Any) -> None:
    marks, table = page.locator("[data-figure='pain'] .glyph"), page.locator("#numbers")
    assert set(marks.evaluate_all("all => all.map((one) => one.tagName)")) == {"path", "circle"}
    assert table.get_by_text("fading effect").count() > 6
    page.locator("#show-alone").uncheck()
    marks.first.wait_for(state="detached")
    assert table.get_by_text("fading effect").count() == 0
    page.get_by_text("More settings").click()
    with page.expect_response("**/api/simulate*"):
        page.get_by_label("How it relieves pain").select_option(label="Fading effect")
    settled(page)
    assert scenario_of(page).models.pain == "slow_site" and page.locator("#key-alone").is_hidden()


def test_two_plans_side_by_side_up_to_four(page: Any) -> None:
    """Rows of figures have their height before they are seen, so that nothing jumps under a scrolling reader."""
    for count in (2, 3, 4):
        compare(page)
        page.locator("#numbers thead th").nth(count).wait_for()
    assert page.get_by_role("button", name="+ Compare").count() == 0
    settled(page)
    assert len(scenario_of(page).arms) == 5
    colours = page.locator("#legend li").evaluate_all(
        "all => all.map(one => getComputedStyle(one.firstChild).backgroundColor)"
    )
    assert len(set(colours)) == 5
    page.wait_for_timeout(600)
    heights = "() => [...document.querySelectorAll('.chart.rows')].map((place) => place.offsetHeight)"
    before = page.evaluate(heights)
    draw_all(page)
    assert page.evaluate(heights) == before
    assert page.evaluate("() => [...document.querySelectorAll('.chart.rows svg')].map((s) => s.clientHeight)") == before
    assert page.evaluate(CUT_OFF) == []
    page.get_by_role("button", name=re.compile("^Remove ")).first.click()
    page.locator("#numbers thead th").nth(4).wait_for(state="detached")


def test_results_can_be_saved_and_scenarios_opened(page: Any, root: Path, tmp_path: Path) -> None:
    def saved(button: str, menu: bool = True) -> Path:
        with page.expect_download() as waiting:
            if menu:
                page.get_by_text("Save or open", exact=False).first.click()
            page.get_by_role("button", name=button).click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    assert loads(saved("Scenario (YAML)").read_text(encoding="utf-8")) == scenario_of(page)
    table = saved("Figures as a table").read_text(encoding="utf-8").splitlines()
    assert table[0].startswith("plan,quantity,day,mean")
    assert any(line.startswith("ten_days,nrs_day_7,7,") for line in table)
    result = json.loads(saved("All results").read_text(encoding="utf-8"))
    assert result["arms"]["ten_days"]["endpoints"] == page.evaluate("letheon.answer.arms.ten_days.endpoints")
    assert "<!DOCTYPE html>" in saved("Report").read_text(encoding="utf-8")[:40]
    figure = saved("Save the figure Pain as SVG", menu=False).read_text(encoding="utf-8")
    assert "<svg" in figure and "var(" not in figure
    picture = saved("Save the figure Pain as PNG", menu=False)
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and picture.stat().st_size > 5000
    with page.expect_response("**/api/simulate*"):
        page.locator("#open-file").set_input_files(root / "examples" / "small.yaml")
    settled(page)
    assert scenario_of(page) == loads((root / "examples" / "small.yaml").read_text(encoding="utf-8"))


def test_a_link_carries_the_whole_scenario(browser: Any, address: str) -> None:
    page = opened(browser, address)
    choose(page, "One short infusion")
    page.locator("#slide-weight").fill("60")
    settled(page)
    page.get_by_role("button", name="Copy link").click()
    page.locator("#said", has_text="ink").wait_for()
    shared, link = scenario_of(page), page.url
    other = opened(browser, link)
    assert scenario_of(other) == shared
    assert shared.population.weight.mean == 60 and shared.arms[0].regimen.infusions[0].duration_ms == 2_400_000
    assert other.complaints == []


@pytest.mark.parametrize("hash", ["#s=AAAA", "#s=!!!", "#s=" + "A" * 2000])
def test_a_damaged_link_is_reported(browser: Any, address: str, hash: str) -> None:
    page = opened(browser, address + hash)
    settled(page)
    assert "link" in page.locator("#banner-text").inner_text()  # still there when the intervals have come
    page.locator("input[type=range]").first.press("ArrowRight")
    page.locator("#banner").wait_for(state="hidden")


def test_intervals_are_given_up_for_a_newer_question(browser: Any, address: str) -> None:
    """Red when the page lets a visitor wait for intervals of what is no longer asked for."""
    page = opened(browser, address)
    settled(page)
    given_up: list[str] = []
    page.on("requestfailed", lambda request: given_up.append(request.url))
    slider = page.locator("input[type=range]").first
    with page.expect_request(lambda request: request.url.endswith("/api/simulate")):
        for _ in range(7):  # to where no other test has been, whose answer would be known
            slider.press("ArrowRight")
    slider.press("ArrowRight")
    settled(page)
    assert any(url.endswith("/api/simulate") for url in given_up)


def test_a_hostile_scenario_stays_text(browser: Any, address: str) -> None:
    page = opened(browser, address)
    evil = "<img src=x onerror=alert(1)>"
    page.evaluate(
        "async (evil) => { const { toFragment } = await import('/static/scenario.js'); location.hash = await toFragment("
        "JSON.stringify({letheon: 1, title: evil, follow_up: '4 weeks', arms: {[evil]: {drug: evil}}})); }",
        evil,
    )
    page.locator("#banner-text", has_text="img").wait_for()
    assert page.locator("main img").count() == 0
    assert [text for text in page.complaints if "422" not in text] == []


def test_a_refusal_is_shown_and_the_old_answer_stays(browser: Any, address: str) -> None:
    page = opened(browser, address)
    page.get_by_text("More settings").click()
    page.get_by_label("Follow them for").select_option(label="4 weeks")
    settled(page)
    page.locator("#slide-day").fill("40")
    page.locator("#banner-text", has_text="follow").wait_for()
    assert page.locator("[data-figure='pain'] svg").count() == 1
    page.locator("#slide-day").fill("1")
    page.locator("#banner").wait_for(state="hidden")


@pytest.mark.parametrize(("scheme", "size"), [("light", DESKTOP), ("dark", PHONE)], ids=["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, address: str, scheme: str, size: dict[str, int]) -> None:
    page = opened(browser, address, size, color_scheme=scheme)
    draw_all(page)
    assert serious(page, "main summary") == []


def test_a_slow_start_is_shown_and_the_page_goes_on_by_itself(browser: Any, address: str) -> None:
    """On a slow machine the first answer takes minutes to prepare, and a browser may give the question up before."""
    page = listening(browser.new_context(viewport=DESKTOP).new_page())
    page.set_default_timeout(PATIENCE_MS)
    status = page.request.get(f"{address}api/status").json()
    questions: list = []

    def simulate(route: Any) -> None:
        questions.append(route)
        if len(questions) > 1:  # the first waits until it is given up below
            route.continue_()

    page.route("**/api/status", lambda route: route.fulfill(json=status | {"preparing": len(questions) < 2}))
    page.route("**/api/simulate*", simulate)
    page.goto(address)
    page.locator("#state-text", has_text=re.compile(r"Getting ready, [1-9]")).wait_for()
    page.locator("#summary", has_text=re.compile(r"Getting ready: [1-9]")).wait_for()
    assert page.locator("#banner").is_hidden()
    questions[0].abort()
    page.locator("#banner-text", has_text="by itself").wait_for()
    page.locator("body[data-drawn]").wait_for()
    page.locator("#banner").wait_for(state="hidden")
    assert len(questions) >= 2
    page.context.close()


def test_rules_reach_the_scenario_and_are_drawn_with_the_range_of_patients(page: Any) -> None:
    boosters, load, dose = (page.locator(f"[data-figure='{name}']") for name in ("boosters", "load", "dose"))
    boosters.scroll_into_view_if_needed()
    boosters.get_by_text("none: this plan ends with its course").wait_for()
    load.locator("path.spread").first.wait_for(state="attached")
    assert dose.locator("path.whisker").count() == boosters.locator("path.spread").count() == 0
    with page.expect_response("**/api/simulate*"):
        page.get_by_label("Boosters", exact=True).select_option(label="When pain is back")
    settled(page)
    rule = scenario_of(page).arms[0].policy.boosters
    assert rule.on_relapse and rule.at_most == 6
    boosters.scroll_into_view_if_needed()
    boosters.locator("path.spread").first.wait_for(state="attached")
    a_year = page.evaluate("letheon.answer.arms.ten_days.boosters_a_year")
    assert 0 <= a_year["q05"] < a_year["mean"] < a_year["q95"] <= 12.1
    label = boosters.locator("svg").get_attribute("aria-label")
    assert f"Ten days: {a_year['mean']:.1f} ({a_year['mean_interval'][0]:.1f} to " in label
    assert dose.locator("path.whisker").count() == 1 and dose.locator("path.line.adds").count() == 1
    page.get_by_label("how patients differ").uncheck()
    for place, kind in ((boosters, "spread"), (load, "spread"), (dose, "whisker")):  # only what is seen is drawn anew
        place.scroll_into_view_if_needed()
        place.locator(f"path.{kind}").first.wait_for(state="detached")
    with page.expect_response("**/api/simulate*"):
        page.get_by_label("raise the rate until pain or side effects say stop").check()
    settled(page)
    assert scenario_of(page).arms[0].policy.titration.highest.absolute_mg_h == 30
