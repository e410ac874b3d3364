"""What the browser tests share: the system's Chromium, its sizes, and what axe finds."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
# Every text of every figure whose box leaves its figure, and every pair of tick labels that touch.
CUT_OFF = """() => [...document.querySelectorAll(".chart")].flatMap((chart) => {
  const frame = chart.getBoundingClientRect();
  return [...chart.querySelectorAll("svg text")].filter((text) => text.textContent).filter((text) => {
    const box = text.getBoundingClientRect();
    return box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1
      || box.bottom > frame.bottom + 1;
  }).map((text) => chart.dataset.figure + ": " + text.textContent);
})"""
TOUCHING = """() => [...document.querySelectorAll(".chart")].flatMap((chart) => [".xtick", ".ytick"].flatMap((kind) => {
  const boxes = [...chart.querySelectorAll(kind + " text")].map((text) => text.getBoundingClientRect());
  return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) => a.left < b.right && b.left < a.right
    && a.top < b.bottom && b.top < a.bottom).map(() => chart.dataset.figure + " " + kind));
}))"""


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "these tests need the system's Chromium; install the package chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def listening(page: Any) -> Any:
    """Return the page, collecting what it asks for and complains of in two lists on it."""
    page.requests_seen, page.complaints = [], []
    page.on("request", lambda request: page.requests_seen.append(request.url))
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("dialog", lambda dialog: page.complaints.append(f"dialog {dialog.message}"))
    return page


def opened(browser: Any, address: str, size: dict[str, int] = DESKTOP, **options: Any) -> Any:
    """Return a page with all its figures drawn; what it asked for and complained of lies in two lists on it."""
    page = listening(browser.new_context(viewport=size, **options).new_page())
    page.add_init_script(SHIFTS)
    page.goto(address)
    if charts := page.locator(".chart").count():
        page.locator(".chart.drawn").nth(charts - 1).wait_for()
    return page


def serious(page: Any, opening: str = "summary") -> list[tuple[str, str, str]]:
    """Open all that folds and return what axe calls serious or critical: rule, element, what to mend."""
    from axe_playwright_python.sync_playwright import Axe

    for summary in page.locator(opening).all():
        summary.click()
    return [
        (violation["id"], node["html"], node["failureSummary"])
        for violation in Axe().run(page).response["violations"]
        for node in violation["nodes"][:3]
        if violation["impact"] in {"serious", "critical"}
    ]
