"""What terminal and page show of calibrations and validations: the stored results, to the numbers.

The oracles are the stored documents, SciPy's distributions and the library's own records.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from report_page import Page
from scipy import stats

from letheon.study.calibrate.document import CalibrationReport, Predicted, ReportedCount, ReportedLimits, ReportedValue
from letheon.study.calibrate.parameters import parameters
from letheon.study.calibrate.trials import observations
from letheon.study.records import decode
from letheon.study.validate.document import Lead, SensitivityRow, Validation
from letheon.views.document import html, numbers, terminal
from letheon.views.document.tree import Document, Legend, Panels, Plot, Table, blocks_of, plain
from letheon.views.figures.rows import BLUE, GREY, ORANGE
from letheon.views.subjects import calibration, calibration_facts, validation
from letheon.views.subjects.names import PAIN_MODELS
from letheon.views.subjects.words import WORDS

STORED = Path(__file__).parent.parent / "docs" / "calibration"
REPORTS = [decode((STORED / f"{model}.json").read_bytes(), CalibrationReport, model) for model in PAIN_MODELS]
VALIDATION = decode((STORED / "validation.json").read_bytes(), Validation, "validation")
Z90 = stats.norm.ppf(0.95)


@cache
def documents() -> list[Document]:
    by_model = {report.pain: report for report in REPORTS}
    return [
        calibration.summary(by_model, dict.fromkeys(by_model, 60.0)),
        calibration.page(REPORTS, "2026-01-02"),
        validation.summary(VALIDATION),
        validation.page(VALIDATION),
    ]


def test_every_prediction_and_parameter_has_a_name() -> None:
    """Red when a trial or a parameter is added without words; at run time its key would stand in for them."""
    for pain in PAIN_MODELS:
        for one in observations(pain):
            for name in getattr(one, "names", None) or [one.name]:  # pyright: ignore
                study, label, unit = WORDS.predictions[name]
                assert (study, bool(label), unit in ("NRS", "share")) == (one.study, True, True), name
        for parameter in parameters(pain):
            assert calibration_facts.parameter_name(parameter.name) != parameter.name, parameter.name
    report = REPORTS[0]
    checks, fitted = {"new thing": next(iter(report.checks.values()))}, next(iter(report.parameters.values()))
    report = replace(report, checks=report.checks | checks, parameters=report.parameters | {"memory.new": fitted})
    page = Page(html.render(calibration.page([report])))
    assert "new thing" in page.text and "memory.new" in page.text


PREDICTED = Predicted(2.0, (1.0, 3.0))
OF_A_TRIAL = Predicted(2.0, (1.0, 3.0), (0.0, 4.0))


@pytest.mark.parametrize(
    ("reported", "posterior", "inside"),
    [
        (ReportedCount(0.5, 6, 12), PREDICTED, False), (ReportedCount(0.5, 6, 12), OF_A_TRIAL, True),
        (ReportedValue(4.1, 0.1), OF_A_TRIAL, False),
        (ReportedValue(3.5, 1.0), PREDICTED, True),  # its own error is added
        (ReportedLimits(3.1, None), PREDICTED, False), (ReportedLimits(None, 0.9), PREDICTED, False),
        (ReportedLimits(2.9, 9.0), PREDICTED, True), (None, OF_A_TRIAL, None),
    ],
)  # fmt: skip
def test_a_report_is_inside_where_a_trial_of_that_size_would_put_it(reported, posterior, inside) -> None:
    (key, check), *_ = REPORTS[0].checks.items()
    report = replace(REPORTS[0], checks={key: replace(check, reported=reported, posterior=posterior)})
    (one,) = calibration_facts.predictions(report)
    assert (one.inside, one.fitted) == (inside, reported is not None)


def test_what_another_model_was_fitted_to_is_a_check_with_its_error_added() -> None:
    (one,) = (c for c in calibration_facts.predictions(REPORTS[1], REPORTS[:1]) if c.name == "leiden drug week 1")
    mean = REPORTS[0].checks[one.name].reported
    assert isinstance(mean, ReportedValue) and (one.reported, one.fitted) == (mean, False)
    posterior = stats.norm(0, (one.posterior.interval_90[1] - one.posterior.median) / Z90).std()
    assert one.trial is not None
    assert one.trial[1] - one.posterior.median == pytest.approx(Z90 * (posterior**2 + mean.se**2) ** 0.5, rel=1e-4)
    assert all(c.reported is None for c in calibration_facts.predictions(REPORTS[1]) if c.name == one.name)


def test_the_masses_of_the_modes_are_shares() -> None:
    mode = REPORTS[0].modes[0]
    report = replace(REPORTS[0], modes=(mode, replace(mode, log_mass=mode.log_mass - 1.0)))
    first, second = (share for _, share in calibration.modes(report))
    assert first + second == pytest.approx(1.0) and first / second == pytest.approx(2.718281828)


@pytest.mark.parametrize(("difference", "better"), [(2.3, "memory"), (-2.3, "slow_site"), (-900.0, "slow_site")])
def test_the_better_model_is_named_first(difference: float, better: str) -> None:
    def sentence(lead: float, wide: float, without: float) -> str:
        ends, leads = (lead - wide, lead + wide), {"x": Lead(without, (without, without))}
        total = replace(VALIDATION.total, difference=lead, difference_90=ends, without=leads)
        return validation.better_model(replace(VALIDATION, total=total))

    clear = sentence(difference, 0.5, difference)
    assert clear.startswith(f"The {PAIN_MODELS[better]} model predicts better than the ") and "Without" not in clear
    assert "Without x" in sentence(difference, 0.5, -difference)
    for close in (
        sentence(difference / 1000.0, 0.5, difference),
        sentence(difference, 1.5 * abs(difference), difference),
    ):
        assert close.startswith("These trials cannot tell") and f"the {PAIN_MODELS[better]} model leads" in close


def lines_of(plot: Plot) -> list[tuple[str, float, float]]:
    return [(t["line"]["color"], t["x"][0], t["x"][-1]) for t in plot.figure["data"] if "line" in t]


def marks(plot: Plot) -> list[tuple[str, float]]:
    return [(t["marker"]["symbol"], t["x"][0]) for t in plot.figure["data"] if "marker" in t]


@pytest.mark.parametrize("report", REPORTS, ids=list(PAIN_MODELS))
def test_the_predictive_figures_draw_every_number(report: CalibrationReport) -> None:
    rows = calibration_facts.predictions(report)
    figures = calibration.predicted(rows)
    for unit, scale, figure in zip(("NRS", "share"), (1.0, 100.0), figures, strict=True):
        (plot,) = (block for block in blocks_of([figure]) if isinstance(block, Plot))
        lines, symbols = lines_of(plot), marks(plot)
        low, high = plot.figure["layout"]["xaxis"]["range"]

        def has(colour: str, ends: Any, scale: float = scale, lines: list = lines) -> bool:
            wanted = pytest.approx([scale * end for end in ends], rel=1e-3, abs=1e-3)
            return any(line[0] == colour and list(line[1:]) == wanted for line in lines)

        for one in (row for row in rows if row.unit == unit):
            assert has(GREY, one.prior.interval_90) and has(BLUE, one.posterior.interval_90), one.name
            assert one.trial is None or has(BLUE, one.trial), one.name
            match one.reported:
                case ReportedValue(value, se):
                    assert has(ORANGE, stats.norm(value, se).ppf([0.05, 0.95])), one.name
                case ReportedCount(count=count, n=n):
                    jeffreys = stats.beta(count + 0.5, n - count + 0.5).ppf([0.05 if count else 0.0, 0.95])
                    assert has(ORANGE, jeffreys), one.name
                case ReportedLimits(start, end):
                    ends = low / scale if start is None else start, high / scale if end is None else end
                    assert has(ORANGE, ends), one.name
        points = [row for row in rows if row.unit == unit and isinstance(row.reported, ReportedValue | ReportedCount)]
        assert sum(symbol == "diamond" for symbol, _ in symbols) == len(points)


def test_movement_is_in_sds_of_the_prior_and_shows_what_is_identified() -> None:
    figure = calibration.movement(REPORTS[0].parameters)
    (panels,) = (block for block in figure.blocks if isinstance(block, Panels))
    keys = sorted(REPORTS[0].parameters, key=lambda key: "@" in key)
    dots = [mark for _, plot in panels.cells for mark in marks(plot)]
    for key, (symbol, x) in zip(keys, dots, strict=True):
        one = REPORTS[0].parameters[key]
        assert symbol == ("circle" if one.identified else "circle-open")
        assert x == pytest.approx(one.shift, rel=1e-3)


def row(low: float, high: float) -> SensitivityRow:
    return SensitivityRow("flares", "memory", "relief_days", "none", "more", low, high)


def test_the_tornado_reaches_from_the_baseline_to_both_ends() -> None:
    rows = [row(26.1, 9.3), row(19.1, 16.2)]
    legend, plot = validation.tornado(validation.Tornado("Memory", "days, on placebo", 18.2, rows))
    assert isinstance(legend, Legend) and plot.figure["layout"]["xaxis"]["title"]["text"] == "Days"
    ends = [(BLUE, 18.2, 26.1), (ORANGE, 9.3, 18.2), (BLUE, 18.2, 19.1), (ORANGE, 16.2, 18.2)]
    assert lines_of(plot) == ends


def test_the_widest_bar_comes_first() -> None:
    tornados = list(validation.tornados(VALIDATION.sensitivity))
    assert len(tornados) == sum(map(len, VALIDATION.sensitivity.baseline.values()))
    for _, _, base, bars in tornados:
        widths = [max(b.low, b.high, base) - min(b.low, b.high, base) for b in bars]
        assert len(bars) == len({b.assumption for b in bars}) and widths == sorted(widths, reverse=True)


@pytest.mark.parametrize("place", range(4), ids=["calibration", "calibration page", "validation", "validation page"])
def test_estimates_lie_in_their_intervals_as_printed(place: int) -> None:
    document = documents()[place]
    assert max(map(len, terminal.text(document, 80).splitlines())) <= 80
    text, page = terminal.text(document, 120), Page(html.render(document)).text
    blocks = blocks_of(block for section in document.sections for block in section.blocks)
    groups = [group for block in blocks if isinstance(block, Table) for group in block.groups]
    printed = 0
    for cell in (plain(cell).replace("\n", " ") for group in groups for row in group.rows for cell in row.cells):
        if match := re.fullmatch(r"<?(-?[\d.,]+)(?: %)? \(<?(-?[\d.,]+) to (-?[\d.,]+)(?: %)?\)", cell):
            value, low, high = (float(part.replace(",", "")) for part in match.groups())
            assert low <= value <= high, cell
            assert all(part in text and html.typeset(part) in page for part in match.groups()), cell
            printed += 1
    assert printed > 15


def test_every_model_parameter_and_score_is_shown_in_both() -> None:
    summary, page, scores, validated = documents()
    for document in (summary, page):
        for text in (terminal.text(document, 120), Page(html.render(document)).text):
            assert all(name in text for name in PAIN_MODELS.values())
            assert all(key.partition("@")[0] in text for report in REPORTS for key in report.parameters)
    values = [score for study in VALIDATION.studies for score in (m.log_score for m in study.models.values())]
    values += VALIDATION.total.log_score.values()
    for document in (scores, validated):
        for text in (terminal.text(document, 100), Page(html.render(document)).text.replace("\u2212", "-")):
            assert all(study.study in text for study in VALIDATION.studies)
            assert all(numbers.fixed(value, 2) in text for value in values)
            assert all(numbers.fixed(row.median, 1) in text for row in VALIDATION.between_studies.rows)
    text = terminal.text(scores, 80)
    assert all(numbers.fixed(end, 1) in text for row in VALIDATION.sensitivity.rows for end in (row.low, row.high))
    bare = replace(VALIDATION, timing=(), between_studies=None, sensitivity=None)
    assert not {section.key for section in validation.page(bare).sections} & {"timing", "between", "sensitivity"}
