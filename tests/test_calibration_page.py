"""Pages of calibration and validation: they say what the documents say.

The oracles are small documents made by hand, the library's own records, and the browser's measurements.
"""

import base64
import hashlib
import json
import math
from collections.abc import Iterator
from typing import Any

import calibration_document as documents
import pytest
import test_report_browser as reported
from browsing import PHONE, serious
from report_page import Page
from scipy import stats
from test_report import EVIL

from letheon import library
from letheon.study.calibrate.parameters import parameters
from letheon.study.calibrate.trials import observations
from letheon.views import calibration_figures, row_figures, validation_figures
from letheon.views import calibration_words as words
from letheon.views.report import calibration, validation

REPORTS = [documents.memory(), documents.slow_site()]


def calibrated() -> str:
    """Return the page of both calibrations."""
    return calibration.render(REPORTS, "2026-01-02")


def validated() -> str:
    """Return the page of a validation with its tornado."""
    return validation.render(documents.validation(), "0.1.0", documents.sensitivity())


# --- words for everything that the numerics know ---


def test_every_prediction_and_parameter_has_words() -> None:
    known = {study.id for study in library.studies()}
    for pain in words.PAIN_MODELS:
        for one in observations(pain):
            names = getattr(one, "names", None) or (one.name,)
            for name in names:
                study, label, unit = words._CHECKS[name]
                assert (study, bool(label), unit in ("NRS", "share")) == (one.study, True, True), name
        for parameter in parameters(pain):
            assert words.parameter_words(parameter.name) != parameter.name, parameter.name
    assert {study for study, _, _ in words._CHECKS.values()} <= known


def test_what_has_no_words_is_shown_by_its_name() -> None:
    report = documents.memory()
    report["checks"]["new thing"] = report["checks"]["goldberg relief day 1"] | {"reported": None}
    report["parameters"]["memory.new"] = report["parameters"]["memory.tau_s"]
    assert [check.name for check in words.checks(report)][-1] == "new thing"
    assert words.parameter_words("memory.new") == "memory.new"
    page = Page(calibration.render([report]))
    assert "new thing" in page.text and "memory.new" in page.text


# --- checks ---


def test_a_report_is_inside_where_a_trial_of_that_size_would_put_it() -> None:
    found = {check.name: check for check in words.checks(REPORTS[0])}
    assert {name: check.inside for name, check in found.items()} == {
        "leiden drug week 1": True,
        "leiden placebo week 1": False,
        "leiden difference overall": True,
        "goldberg relief day 1": True,
        "goldberg relief day 2": None,
        "noppers drug day 7": True,
    }
    assert all(check.fitted for check in found.values() if check.reported is not None)


def test_a_statement_is_inside_where_the_posterior_meets_it() -> None:
    report = documents.memory()
    for interval, inside in (([0.16, 0.3], False), ([0.14, 0.3], True), ([0.01, 0.02], True)):
        report["checks"]["goldberg relief day 1"]["posterior"]["interval_90"] = interval
        found = {check.name: check.inside for check in words.checks(report)}
        assert found["goldberg relief day 1"] is inside


def test_what_another_model_was_fitted_to_is_a_check_with_its_error_added() -> None:
    (check,) = (c for c in words.checks(REPORTS[1], REPORTS[:1]) if c.name == "leiden drug week 1")
    assert (check.fitted, check.inside, check.reported) == (False, False, {"value": 2.68, "se": 0.51})
    error = stats.norm.ppf(0.95) * 0.51
    expected = 4.28 - math.hypot(4.28 - 3.31, error), 4.28 + math.hypot(5.32 - 4.28, error)
    assert check.trial == pytest.approx(expected, rel=1e-4)
    assert all(c.reported is None for c in words.checks(REPORTS[1]) if c.name.startswith("leiden"))


def test_the_masses_of_the_modes_add_to_one() -> None:
    shares = [share for _, share in words.modes(REPORTS[0])]
    assert sum(shares) == pytest.approx(1.0)
    assert shares[0] / shares[1] == pytest.approx(math.exp(-5.0 + 6.0986), rel=1e-6)


# --- figures ---


def test_the_predictive_figure_draws_the_numbers() -> None:
    rows = calibration_figures.predictions(words.checks(REPORTS[0]), "NRS")
    assert rows is not None
    figure = rows.figure()
    drawn = [(trace["line"]["color"], trace["x"][0], trace["x"][-1]) for trace in figure["data"] if "line" in trace]
    assert (row_figures.GREY, 2.89, 7.37) in drawn  # prior
    assert (row_figures.BLUE, 2.6, 3.8) in drawn  # posterior
    assert (row_figures.BLUE, 2.25, 4.33) in drawn  # a trial of that size
    half = stats.norm.ppf(0.95) * 0.51
    error = [
        line for line in drawn if line[0] == row_figures.ORANGE and line[2] == pytest.approx(2.68 + half, abs=2e-3)
    ]
    assert len(error) == 1
    low = figure["layout"]["xaxis"]["range"][0]
    assert (row_figures.ORANGE, low, -1.696) in drawn  # a statement that is open below
    marks = [trace["x"][0] for trace in figure["data"] if trace.get("marker", {}).get("symbol") == "diamond"]
    assert marks == [2.68, 5.45]
    assert figure["layout"]["xaxis"]["title"]["text"] == "Pain, or a difference of pain (NRS points, 0–10)"


def test_shares_are_in_percent_with_the_error_of_a_count() -> None:
    rows = calibration_figures.predictions(words.checks(REPORTS[0]), "share")
    assert rows is not None
    drawn = [(t["line"]["color"], t["x"][0], t["x"][-1]) for t in rows.figure()["data"] if "line" in t]
    assert (row_figures.ORANGE, 0, 15) in drawn
    low, high = (100 * float(stats.beta.ppf(u, 2.5, 10.5)) for u in (0.05, 0.95))  # 2 of 12, Jeffreys' prior
    assert any(c == row_figures.ORANGE and (a, b) == pytest.approx((low, high), rel=1e-3) for c, a, b in drawn)


def test_movement_is_in_sds_of_the_prior_and_shows_what_is_identified() -> None:
    rows = calibration_figures.movement(REPORTS[0], False)
    assert rows is not None
    figure = rows.figure()
    marks = [(t["x"][0], t["marker"]["symbol"]) for t in figure["data"] if "marker" in t]
    assert marks == [(-1.1, "circle"), (0, "circle-open"), (2.2, "circle")]
    (band,) = (shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect")
    assert (band["x0"], band["x1"]) == pytest.approx(stats.norm.ppf([0.05, 0.95]), abs=1e-3)
    assert band["y1"] == figure["layout"]["yaxis"]["range"][0]
    local = calibration_figures.movement(REPORTS[0], True)
    assert local is not None and len(local.figure()["data"]) == 2


def test_the_tornado_reaches_from_where_it_stands_to_both_ends() -> None:
    figure = validation_figures.tornado(documents.sensitivity(), "memory", "relief_days").figure()
    drawn = [(t["line"]["color"], t["x"][0], t["x"][-1]) for t in figure["data"] if "line" in t]
    assert drawn == [
        (row_figures.BLUE, 18.2, 26.1),  # the widest row first
        (row_figures.ORANGE, 9.3, 18.2),
        (row_figures.BLUE, 18.2, 19.1),
        (row_figures.ORANGE, 16.2, 18.2),
    ]
    assert figure["layout"]["xaxis"]["title"]["text"] == "Days of relief in 12 weeks"


def test_regions_are_shaded_where_a_validation_knows_them() -> None:
    study = documents.validation()["studies"][0]
    for entry in study["models"].values():
        entry["quantities"][0]["region"] = [None, -2.31]
    figure = validation_figures.quantities(study).figure()
    (band,) = (shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect")
    assert (band["x0"], band["x1"]) == (figure["layout"]["xaxis"]["range"][0], -2.31)


# --- the pages ---


@pytest.mark.parametrize("render", [calibrated, validated])
def test_a_page_holds_everything_and_lets_nothing_in(render: Any) -> None:
    html = render()
    assert html == render()
    page = Page(html)
    assert page.open == []
    outside = [link for link in page.attributes("src", "href") if link and not link.startswith("#")]
    assert outside and all(link.startswith("https://") for link in outside)
    assert not [tag for tag, _ in page.elements if tag in {"img", "link", "iframe", "object"}]
    (policy,) = (values["content"] for tag, values in page.elements if "http-equiv" in values)
    for kind, script in page.scripts:
        if kind != "application/json":
            digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
            assert policy and f"'sha256-{digest}'" in policy
    (data,) = (script for kind, script in page.scripts if kind == "application/json")
    figures = json.loads(data)["figures"]
    places = [values for _, values in page.elements if "data-figure" in values]
    assert len(figures) == len(places) >= 4
    assert all(figure["layout"]["xaxis"]["title"]["text"] for figure in figures)
    assert all(int(values["data-height"] or 0) > 80 and values["aria-label"] for values in places)


def test_the_sampler_table_shows_the_numbers_of_both_reports() -> None:
    rows = Page(calibrated()).rows["Sampler"]
    assert rows["R-hat, worst"] == ["1.004", "at most 1.01", "met", "1.264", "at most 1.01", "not met"]


def test_hostile_words_stay_words() -> None:
    document = documents.validation()
    document["studies"][0] |= {"study": EVIL, "event": EVIL}
    for entry in document["studies"][0]["models"].values():
        entry["quantities"][0] |= {"quantity": EVIL, "observed": EVIL}
    tornado = documents.sensitivity()
    tornado["rows"][0] |= {"assumption": EVIL, "low_label": EVIL}
    page = Page(validation.render(document, EVIL, tornado))
    assert page.open == [] and len(page.scripts) == 3
    assert not [tag for tag, _ in page.elements if tag in {"img", "b onerror"}]
    report = documents.memory()
    report["parameters"][EVIL] = report["parameters"].pop("memory.tau_s")
    report["checks"][EVIL] = report["checks"].pop("leiden drug week 1")
    page = Page(calibration.render([report], EVIL))
    assert page.open == [] and len(page.scripts) == 3


# --- in a browser ---


@pytest.fixture(scope="module", params=["calibration", "validation"])
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("pages") / f"{request.param}.html"
    path.write_text(calibrated() if request.param == "calibration" else validated(), encoding="utf-8")
    yield path.as_uri()


@pytest.mark.browser
@pytest.mark.parametrize("size", [reported.DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_draws_everything_asks_for_nothing_and_cuts_nothing_off(browser: Any, file: str, size: dict) -> None:
    page = reported.opened(browser, file, size)
    assert page.requests_seen == [file]
    assert page.complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.evaluate(reported.CUT_OFF) == []
    assert page.evaluate(reported.TOUCHING) == []
    assert page.evaluate("window.shifts") < 0.01


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, file: str, scheme: str) -> None:
    page = reported.opened(browser, file, color_scheme=scheme)
    assert serious(page) == []


@pytest.mark.browser
def test_on_paper_figures_keep_their_height(browser: Any, file: str) -> None:
    page = reported.opened(browser, file)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    sizes = page.evaluate(
        "[...document.querySelectorAll('.chart')].map(c => [c.layout.width, c.layout.height, Number(c.dataset.height)])"
    )
    assert sizes and all(width in (330, 680) and height == own for width, height, own in sizes)
    assert page.complaints == []
