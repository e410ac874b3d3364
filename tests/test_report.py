"""Figures, report and terminal of a run: what they say is what the result says, and nothing gets out or in.

The oracle is a stored real result, read by the tests themselves.
"""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from report_page import Page
from stored import SCENARIO, alone, sigtermans, with_arms

from letheon import library
from letheon.pipeline.result import Against, Band, Endpoint, RunResult, document_of
from letheon.views import document
from letheon.views.document import numbers, terminal
from letheon.views.document.html import typeset
from letheon.views.document.tree import plain
from letheon.views.figures import axes, curves
from letheon.views.subjects import average, harms, names, run
from letheon.views.subjects.brief import brief

VENDOR = Path(document.__file__).parent.parent / "vendor"
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"'&<b>%{x}</b>\u2028"


@pytest.fixture(scope="module")
def result() -> RunResult:
    return sigtermans()


@pytest.fixture(scope="module")
def page(result: RunResult) -> Page:
    return Page(run.page(result, SCENARIO))


def shown(result: RunResult, width: int = 120) -> str:
    return terminal.text(run.summary(result), width)


def test_axes_have_titles_with_units(result: RunResult) -> None:
    figures = [curves.pain_comparison(result), curves.differences(result), *curves.level_panels(result).values()]
    for view in curves.views(result).values():
        figures += curves.panels(result, view).values()
    titles = [figure["layout"][axis]["title"]["text"] for figure in figures for axis in ("xaxis", "yaxis")]
    assert all(re.search(r"\((days|h|NRS.*|ng/mL|.*0–1)\)|^Day since", title) for title in titles), set(titles)
    panels = curves.level_panels(result)
    assert list(panels) == ["esketamine", "esketamine_fast"]
    # no value reaches the zero that a logarithm cannot show
    lowest = min(value for figure in panels.values() for trace in figure["data"] for value in trace["y"])
    assert lowest == curves.LOWEST_LEVEL


def test_a_mean_line_is_the_mean_of_the_result_in_days(result: RunResult) -> None:
    lines = {t["name"]: t for t in curves.pain_comparison(result)["data"] if t["meta"]["part"] == "mean"}
    assert list(lines) == ["placebo", "esketamine_fast", "esketamine"]  # placebo below the others
    for name, line in lines.items():
        profile = result.arms[name].profile
        assert line["x"] == pytest.approx([hour / 24 for hour in profile.time_h], abs=1e-4)
        assert line["y"] == pytest.approx(profile.nrs.mean, rel=1e-3)
        assert [row[1] for row in line["customdata"]] == pytest.approx(profile.nrs.mean_lo, rel=1e-3)


def test_the_two_kinds_of_spread_look_different(result: RunResult) -> None:
    band = result.arms["esketamine"].profile.nrs
    traces = curves.panels(result, curves.views(result)["pain"])["esketamine"]["data"]
    low, high, lower, upper, mean, reference = traces
    assert low["y"] == pytest.approx(band.q05, rel=1e-3) and high["y"] == pytest.approx(band.q95, rel=1e-3)
    assert lower["y"] == pytest.approx(band.mean_lo, rel=1e-3) and upper["fill"] == "tonexty"
    assert low["line"]["dash"] != mean["line"]["dash"] == "solid" and lower["line"]["width"] == 0 < low["line"]["width"]
    assert reference["y"] == pytest.approx(result.arms["placebo"].profile.nrs.mean, rel=1e-3)


def test_whiskers_run_from_one_end_of_the_interval_to_the_other() -> None:
    bars = axes.whiskers([1.0, 2.0], [3.0, -2.0], [5.0, 1.0], "#0072B2", 2, 3)
    assert bars["y"] == [4, -0.5] and bars["error_y"]["array"] == [1, 1.5]
    band = Band(mean=[], q05=[], q50=[], q95=[], mean_lo=[1.0, 2.0, 3.0], mean_hi=[2.0, 4.0, 6.0])
    at_ticks = axes.whiskers_at_ticks([0.0, 14.0, 28.0], band, "#0072B2", axes.Window(28, 14, "days"), 1.0, 1.0)
    assert at_ticks["y"][-1] == 4.5 and at_ticks["error_y"]["array"][-1] == 1.5 and at_ticks["x"][-1] < 28


def test_the_page_is_whole_asks_for_nothing_and_lets_nothing_in(result: RunResult, page: Page) -> None:
    html = run.page(result, SCENARIO)
    assert len(html.encode()) < 2.0e6 and html == run.page(result, SCENARIO)
    assert page.open == []
    assert all(link.startswith("#") for link in page.attributes("href", "src", "action", "srcset", "data"))
    targets = page.attributes("id")
    assert {link[1:] for link in page.attributes("href")} <= set(targets) and len(set(targets)) == len(targets)
    assert [key for _, values in page.elements for key in values if key.startswith("on")] == []
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    assert "url(" not in style and "@import" not in style
    (policy,) = (v["content"] for tag, v in page.elements if v.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'" and "connect-src" not in rules and "img-src" not in rules
    running = [text for kind, text in page.scripts if kind is None]
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(t.encode()).digest()).decode()}'" for t in running}
    assert len(running) == 2 and set(rules["script-src"].split()) == hashes
    text = page.text + page.scripts[0][1] + page.scripts[2][1]
    assert str(Path.cwd()) not in text and str(Path.home()) not in text
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b", text)


def test_differences_are_those_of_the_result_and_need_a_placebo_arm(result: RunResult) -> None:
    figure = curves.differences(result)
    assert figure is not None
    marks = [trace for trace in figure["data"] if "customdata" in trace]
    arm = result.arms["esketamine"]
    expected = [arm.endpoint(f"nrs_day_{day}").against.mean for day in curves.endpoint_days(arm.endpoints)]
    assert marks[0]["y"] == pytest.approx(expected, rel=1e-3)
    assert len({mark["marker"]["symbol"] for mark in marks[:3]}) == 3  # the average and each mechanism
    assert curves.differences(alone()) is None


def test_the_vendored_bundle_is_the_published_one() -> None:
    expected, name = (VENDOR / "plotly-basic.min.js.sha256").read_text(encoding="utf-8").split()
    bundle = (VENDOR / name).read_bytes()
    assert hashlib.sha256(bundle).hexdigest() == expected
    assert b"plotly.js (basic - minified) v" in bundle[:200] and b"</script" not in bundle.lower()


def test_names_and_texts_cannot_become_markup(result: RunResult) -> None:
    """The tree escapes all texts (test_document.py); labels of figures are markup to Plotly, and escaped once more."""
    arm = result.arms["esketamine"]
    levels = replace(arm.models.levels, model=EVIL, label=EVIL, sampling=EVIL)
    profile = replace(arm.profile, concentration_ng_per_ml={EVIL: arm.profile.concentration_ng_per_ml["esketamine"]})
    endpoints = type(arm.endpoints)(arm.endpoints)
    endpoints["nrs_day_7"] = replace(endpoints["nrs_day_7"], support=EVIL)
    endpoints[EVIL] = endpoints["relief_days"]
    models = replace(arm.models, levels=levels)
    evil = replace(arm, drug=EVIL, models=models, profile=profile, endpoints=endpoints)
    arms = {EVIL: evil, "placebo": result.arms["placebo"]}
    texts = {"title": EVIL, "warnings": (EVIL,), "interval": EVIL, "sources": (EVIL,)}
    page = Page(run.page(replace(result, arms=arms, **texts), EVIL))
    assert page.open == [] and [kind for kind, _ in page.scripts] == ["application/json", None, None]
    assert not [tag for tag, _ in page.elements if tag in {"img", "iframe", "object"}]
    assert EVIL in page.text
    assert not re.search("[<>&\u2028]", page.scripts[0][1])
    figures = json.loads(page.scripts[0][1])["figures"]
    labels = {trace["name"] for figure in figures for trace in figure["data"] if "name" in trace}
    assert any("&lt;script&gt;" in label for label in labels) and not any("<" in label for label in labels)


def test_endpoint_tables_hold_the_numbers_of_the_result(result: RunResult, page: Page) -> None:
    """Red when a cell takes its number from another endpoint, arm or model, or a difference another's label."""
    rows = page.rows["Pain score"]
    for place, (name, arm) in enumerate(result.arms.items()):
        for day in curves.endpoint_days(arm.endpoints):
            entry = arm.endpoint(f"nrs_day_{day}")
            low, high = entry.mean_interval
            cell = rows[f"Day {day}"][place]
            assert cell.startswith(f"{entry.mean:.1f} ({low:.1f} to {high:.1f}) {entry.support}"), name
        share = arm.endpoint("responder_30_day_28")
        cell = page.rows["Responders"]["At least 30 % less pain at week 4 (day 28)"][place]
        assert cell.startswith(typeset(numbers.amount(share.mean, "share")).replace("\u202f", " "))
    second = [arm.by_model.slow_site.endpoint("nrs_day_84").mean for arm in result.arms.values()]
    assert [f"{mean:.1f}" for mean in second] == [cell.split()[0] for cell in rows["slow site"][-6:-3]]
    entry = result.arms["esketamine"].endpoint("nrs_day_7")
    assert entry.support != entry.against.support
    assert names.support(entry).text in rows["Day 7"][0]
    assert any(names.support(entry.against).text in c for c in rows["minus placebo"])
    assert all(label in page.text and meaning in page.text for label, meaning in names.SUPPORT.items())
    assert all(typeset(warning) in page.text for warning in result.warnings) and SCENARIO.strip() in page.text
    mean = numbers.number(result.population.weight_kg.mean)
    assert page.rows["Population as realised"]["Weight (kg)"][0] == mean


def test_the_terminal_shows_days_responders_and_harms_under_both_models(result: RunResult) -> None:
    text, arm = shown(result), result.arms["esketamine"]
    for day in (7, 28, 84):
        assert re.search(rf"^Day {day} +{arm.endpoint(f'nrs_day_{day}').mean:.1f} \(", text, re.M)
        slow = arm.by_model.slow_site.endpoint(f"nrs_day_{day}").mean
        assert re.search(rf"^  slow site +{slow:.1f} \(", text, re.M)
    for entry in harms.unknowns(result):
        assert entry in " ".join(text.split())
    assert max(map(len, shown(result, 80).splitlines())) <= 80


def test_each_mechanism_stands_beside_the_average_and_where_they_disagree(result: RunResult, page: Page) -> None:
    """Red when a number that leads stands without its components, or a disagreement is left out or made up."""
    text, page_text = shown(result), page.text.replace("\u202f", " ").replace("\u2212", "-")
    for name, arm in result.arms.items():
        for key in ("nrs_day_28", "nrs_day_84", "responder_30_day_28", "relief_days", "remission"):
            for model, part in arm.by_model.items():
                one = part.endpoint(key)
                mean = f"{numbers.amount(one.mean, one.unit)} ({numbers.interval(one.mean_interval, one.unit)})"
                assert mean in text, (name, key)
                assert f"{names.pain_model(model)} {mean}" in page_text or f"mean {mean}" in page_text, (name, key)
    entries = [e for arm in result.arms.values() for k, e in arm.endpoints.items() if k != "time_to_relapse_days"]
    apart = sum(entry.agree is False for entry in entries)
    assert 0 < apart <= sum(values.get("class") == "badge disagree" for _, values in page.elements) <= 2 * apart + 9
    assert text.count("mechanisms disagree") > 0 == shown(alone()).count("disagree")
    assert "rival" not in (text + run.page(result, SCENARIO)).lower().replace("arrival", "")


def difference(mean: float, low: float, high: float, chance: float = 0.5) -> Endpoint:
    against = Against(arm="placebo", mean=mean, mean_interval=(low, high), chance_better=chance)
    return Endpoint(mean=5.0, unit="NRS", against=against)


def test_a_difference_that_is_clear_under_one_mechanism_names_it() -> None:
    clear, other, none = difference(-1.3, -2.2, -0.5), difference(-1.0, -2.0, -0.1), difference(-0.1, -0.3, 0.1)
    assert average.verdict_of_difference({"memory": clear, "slow_site": other}) == ""
    assert "slow site alone" in average.verdict_of_difference({"memory": none, "slow_site": clear})
    assert "pain memory alone" in average.verdict_of_difference({"memory": clear, "slow_site": none})
    far = difference(-4.0, -5.0, -3.0)
    assert "alone" not in average.verdict_of_difference({"memory": clear, "slow_site": far}) != ""


def test_chances_are_never_certain_and_equal_regimens_differ_by_nothing(result: RunResult) -> None:
    text = shown(result)
    assert "better: > 99 %" in text and "better: 100 %" not in text
    arm = result.arms["esketamine"]
    entry = arm.endpoint("responder_30_day_28")
    same = replace(entry.against, mean=0.0, mean_interval=(0.0, 0.0), chance_better=0.5, same_regimen=True)
    endpoints = type(arm.endpoints)({**arm.endpoints, "responder_30_day_28": replace(entry, against=same)})
    equal = with_arms(esketamine=replace(arm, endpoints=endpoints), placebo=result.arms["placebo"])
    for words in (shown(equal), Page(run.page(equal, "")).text):
        assert re.search("0(,| more:) same regimen", words)


def test_averages_at_both_ends_of_the_weight_are_mixtures(result: RunResult) -> None:
    low, high = library.weights().interval
    pain, _ = average.by_weight(result).rows
    for cell, arm in zip(pain.cells, result.arms.values(), strict=True):
        memory, slow = (part.endpoint("nrs_day_84").mean for _, part in arm.by_model.items())
        ends = [slow + end * (memory - slow) for end in (low, high)]
        expected = [ends[0], arm.endpoint("nrs_day_84").mean, ends[1]]
        assert [float(one) for one in plain(cell).split(", ")] == pytest.approx(expected, abs=0.051)
    assert average.by_weight(alone()) is None and "left out" in average.weight(alone())


def test_lines_of_the_average_and_of_each_mechanism_stay_apart_without_colour(result: RunResult) -> None:
    traces = curves.panels(result, curves.views(result)["apart"])["esketamine"]["data"]
    lines = [trace for trace in traces if trace["mode"] == "lines" and "hovertemplate" in trace]
    assert len({line["line"]["dash"] for line in lines}) == len(lines) == 3
    arm = result.arms["esketamine"]
    means = [*(part.profile.nrs.mean for _, part in arm.by_model.items()), arm.profile.nrs.mean]
    assert [line["y"] for line in lines] == [pytest.approx(mean, rel=1e-3) for mean in means]
    symbols = [trace["marker"]["symbol"] for trace in traces if trace["mode"] == "markers"]
    assert len(set(symbols)) == len(symbols) == 2


def test_time_to_relapse_tells_reached_from_not_reached(result: RunResult) -> None:
    arm = result.arms["placebo"]
    endless = replace(arm.time_to_relapse, median=None, median_interval=(None, None))
    nobody = replace(endless, in_remission=0.0, restricted_mean=None, at_risk=())
    for entry, cell in ((endless, "not reached in"), (nobody, "–")):
        endpoints = type(arm.endpoints)({**arm.endpoints, "time_to_relapse_days": entry})
        changed = with_arms(esketamine=result.arms["esketamine"], placebo=replace(arm, endpoints=endpoints))
        rows = Page(run.page(changed, "")).rows["Time to relapse"]
        assert rows["placebo"][2].startswith(cell)
        median = result.arms["esketamine"].time_to_relapse.median
        assert rows["esketamine"][2].startswith(numbers.amount(median, "days"))


def test_equal_ends_are_a_bound_and_no_drug_is_a_plain_zero(result: RunResult) -> None:
    entry = replace(result.arms["esketamine"].harms.entries["systolic_pressure"], estimate=0.0, interval=(0.0, 0.0))
    assert plain(harms.value_cell(entry, dosed=False)) == "0"
    assert "≤" in plain(harms.value_cell(entry, dosed=True))  # a drug that did nothing was still given
    share = replace(entry, unit="share")
    assert "≤" in plain(harms.value_cell(share, dosed=False))
    little = replace(entry, estimate=0.0046, interval=(0.0025, 0.0087))  # mmHg
    assert plain(harms.value_cell(little, dosed=True)) == "<0.1 (<0.1)"


@pytest.mark.parametrize("shape", ["alone", "placebo only"])
def test_other_shapes_of_runs_have_a_report_and_a_summary(shape: str, result: RunResult) -> None:
    other = alone() if shape == "alone" else with_arms(placebo=result.arms["placebo"])
    page, text = Page(run.page(other, "")), shown(other)
    assert page.open == []
    for words in (page.text, text, " ".join(terminal.text(brief(other)).split())):
        assert ("no placebo arm" in words) == (shape == "alone")
        assert "nan" not in words.lower().split() and "None" not in words.split()


def test_the_answer_is_short_and_says_where_mechanisms_disagree(result: RunResult) -> None:
    """Red when the answer scrolls away, leads with one mechanism, has another number than the result, or a share of
    responders or days of relief without what placebo leaves of them."""
    text = terminal.text(brief(result), 100)
    assert len(text.splitlines()) <= 22
    arm = result.arms["esketamine"]
    for key, unit in (("responder_30_day_28", "share"), ("relief_days", "days")):
        entry = arm.endpoint(key)
        assert entry and entry.against
        ends = numbers.change_interval(entry.against.mean_interval, unit)
        assert f"{numbers.change(entry.against.mean, unit).removesuffix(' points')} ({ends})" in text
    assert arm.by_model
    for model in (arm, arm.by_model.memory, arm.by_model.slow_site):
        last = model.endpoint("nrs_day_84")
        assert last and last.against
        ends = numbers.change_interval(last.against.mean_interval, "NRS")
        assert f"{numbers.change(last.against.mean, 'NRS').removesuffix(' points')} ({ends})" in " ".join(text.split())
    assert "disagree" not in terminal.text(brief(alone()), 100)


@given(st.floats(min_value=-1e6, max_value=1e6, allow_nan=False))
def test_numbers_have_at_most_three_significant_digits(value: float) -> None:
    text = numbers.number(value).replace(",", "")
    digits = text.lstrip("-").replace(".", "").lstrip("0")
    assert float(text) == pytest.approx(value, rel=5.001e-3)
    assert len(digits) <= 3 or set(digits[3:]) == {"0"}


@given(st.floats(min_value=-12, max_value=12, allow_nan=False), st.sampled_from(["NRS", "days", "share", "mg"]))
def test_a_change_that_rounds_to_nothing_has_no_sign(value: float, unit: str) -> None:
    text = numbers.change(value, unit)
    some = bool(re.search("[1-9]", text))
    assert (text[0] in "+-") == some and text.startswith("-") == (value < 0 and some)


@pytest.mark.long
def test_the_stored_result_is_that_of_the_example(root: Path, result: RunResult) -> None:
    from letheon import simulate

    again = document_of(simulate(root / "examples" / "sigtermans2009.yaml").result)
    stored = document_of(result)
    assert again.keys() == stored.keys()
    for name, arm in stored["arms"].items():
        for key, entry in arm["endpoints"].items():
            for part, value in entry.items():
                if isinstance(value, float):
                    assert again["arms"][name]["endpoints"][key][part] == pytest.approx(value, rel=1e-5, abs=1e-9)
