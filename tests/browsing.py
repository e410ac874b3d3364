"""What the browser tests share: the system's Chromium, its sizes, and what axe finds."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PHONE = {"width": 390, "height": 844}


@contextmanager
def chromium() -> Iterator[Any]:
    """Open the system's Chromium."""
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
