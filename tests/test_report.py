"""Figures and report of a run: what they say is what the document says, and nothing in them gets out or in."""

import base64
import copy
import hashlib
import json
import os
import re
from pathlib import Path

import pytest
import report_document
from hypothesis import given
from hypothesis import strategies as st
from report_page import Page

from letheon.views import plots, report, traces
from letheon.views.report import words

VENDOR = Path(report.__file__).parent.parent / "vendor"
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"'&<b>%{x}</b>\u2028"


@pytest.fixture(scope="module")
def document() -> dict:
    return report_document.document()


@pytest.fixture(scope="module")
def page(document: dict) -> Page:
    return Page(report.render(document, report_document.SCENARIO))


def all_figures(document: dict) -> list[dict]:
    figures = [plots.pain_comparison(document), *plots.level_panels(document).values()]
    if (differences := plots.differences(document)) is not None:
        figures.append(differences)
    for view in plots.views(document).values():
        figures += plots.panels(document, view).values()
    return figures


# --- figures ---


def test_axes_have_titles_with_units(document: dict) -> None:
    titles = [
        (figure["layout"]["xaxis"]["title"]["text"], figure["layout"]["yaxis"]["title"]["text"])
        for figure in all_figures(document)
    ]
    assert len(titles) == 1 + 2 + 1 + 3 + 2 + 3 + 3 + 3
    assert set(titles) == {
        ("Time since the first infusion (days)", "Pain score (NRS, 0–10)"),
        ("Time since the first infusion (h)", "Plasma level (ng/mL)"),
        ("Time since the first infusion (h)", "NMDA block (share, 0–1)"),
        ("Time since the first infusion (days)", "Sensitisation (0–1)"),
        ("Time since the first infusion (days)", "Effect of the slow site (0–1)"),
        ("Day since the first infusion", "Minus placebo (NRS points)"),
    }


def test_a_mean_line_is_the_documents_mean_in_days(document: dict) -> None:
    figure = plots.pain_comparison(document)
    lines = {t["name"]: t for t in figure["data"] if t["meta"]["part"] == "mean"}
    assert list(lines) == ["placebo", "esketamine_fast", "esketamine"]  # placebo below the others
    for name, line in lines.items():
        profile = document["arms"][name]["profile"]
        assert line["x"] == pytest.approx([hour / 24 for hour in profile["time_h"]], abs=1e-4)
        assert line["y"] == pytest.approx(profile["nrs"]["mean"], rel=1e-3)
        assert [row[1] for row in line["customdata"]] == pytest.approx(profile["nrs"]["mean_lo"], rel=1e-3)
        assert [row[2] for row in line["customdata"]] == pytest.approx(profile["nrs"]["mean_hi"], rel=1e-3)


def test_the_two_kinds_of_spread_look_different(document: dict) -> None:
    band = document["arms"]["esketamine"]["profile"]["nrs"]
    low, high, lower, upper, mean, reference = plots.panels(document, plots.views(document)["pain"])["esketamine"][
        "data"
    ]
    assert low["y"] == pytest.approx(band["q05"], rel=1e-3) and high["y"] == pytest.approx(band["q95"], rel=1e-3)
    assert low["line"]["dash"] == high["line"]["dash"] == "3px,3px" and low["line"]["width"] > 0
    assert lower["y"] == pytest.approx(band["mean_lo"], rel=1e-3)
    assert upper["y"] == pytest.approx(band["mean_hi"], rel=1e-3)
    assert lower["line"]["width"] == upper["line"]["width"] == 0 and upper["fill"] == "tonexty"
    opacity = [float(t["fillcolor"].split(",")[3].rstrip(")")) for t in (upper, high)]
    assert opacity[0] > 4 * opacity[1]
    assert mean["line"]["dash"] == "solid" and mean["line"]["width"] > 2
    assert reference["name"] == "placebo" and reference["y"] == pytest.approx(
        document["arms"]["placebo"]["profile"]["nrs"]["mean"], rel=1e-3
    )


def test_the_comparison_shows_no_range_of_patients_and_never_three_bands(document: dict) -> None:
    figure = plots.pain_comparison(document)
    assert {t["meta"]["part"] for t in figure["data"]} == {"band", "whiskers", "mean", "course"}
    visible = {t["meta"]["part"] for t in figure["data"] if t["visible"]}
    assert visible == {"whiskers", "mean", "course"}
    two = copy.deepcopy(document)
    del two["arms"]["esketamine_fast"]
    assert {t["meta"]["part"] for t in plots.pain_comparison(two)["data"] if t["visible"]} == {"band", "mean", "course"}


def test_whiskers_run_from_one_end_of_the_interval_to_the_other() -> None:
    bars = traces.whiskers([1.0, 2.0], [3.0, -2.0], [5.0, 1.0], "#0072B2", 2, 3)
    assert bars["y"] == [4, -0.5] and bars["error_y"]["array"] == [1, 1.5]
    band = {"mean_lo": [1.0, 2.0, 3.0], "mean_hi": [2.0, 4.0, 6.0]}
    at_ticks = traces.whiskers_at_ticks([0.0, 14.0, 28.0], band, "#0072B2", traces.Window(28, 14, "days"), 1.0, 1.0)
    assert at_ticks["y"][-1] == 4.5 and at_ticks["error_y"]["array"][-1] == 1.5
    assert at_ticks["x"][-1] < 28


def test_differences_are_the_documents_and_need_a_placebo_arm(document: dict) -> None:
    figure = plots.differences(document)
    marks = [t for t in figure["data"] if "customdata" in t]
    assert [t["name"] for t in marks] == [
        "esketamine",
        "esketamine (rival model)",
        "esketamine_fast",
        "esketamine_fast (rival model)",
    ]
    days = plots.endpoint_days(document["arms"]["esketamine"]["endpoints"])
    assert days == [1, 3, 7, 14, 28, 35, 56, 84]
    endpoints = document["arms"]["esketamine"]["endpoints"]
    assert marks[0]["y"] == pytest.approx([endpoints[f"nrs_day_{d}"]["minus_placebo"] for d in days], rel=1e-3)
    for row, day in zip(marks[0]["customdata"], days, strict=True):
        assert row == pytest.approx([*endpoints[f"nrs_day_{day}"]["minus_placebo_interval"], day], rel=1e-3)
    # the bar of an interval is drawn from its ends, wherever the mean lies
    bars = figure["data"][0]
    low, high = endpoints["nrs_day_7"]["minus_placebo_interval"]
    assert bars["y"][2] - bars["error_y"]["array"][2] == pytest.approx(low, abs=2e-3)
    assert bars["y"][2] + bars["error_y"]["array"][2] == pytest.approx(high, abs=2e-3)
    assert plots.differences(report_document.document(with_placebo=False)) is None
    assert len(plots.differences(report_document.document(rival=False))["data"]) == 4


def test_levels_can_be_drawn_on_a_logarithmic_axis_and_are_said_as_they_are(document: dict) -> None:
    figure = plots.level_panels(document)["esketamine"]
    lines = {t["name"]: t for t in figure["data"] if t["meta"]["part"] == "mean"}
    means = document["arms"]["esketamine"]["profile"]["concentration_ng_per_ml"]["esketamine"]["mean"]
    assert means[0] == 0.0
    assert lines["esketamine"]["y"][0] == traces.LOWEST_LEVEL and lines["esketamine"]["customdata"][0][0] == 0
    assert max(lines["esketamine"]["y"]) == pytest.approx(max(means), rel=1e-3)
    assert all(min(trace["y"]) > 0 for trace in figure["data"])
    low, high = figure["layout"]["meta"]["log"]
    assert 10**high > max(max(t["y"]) for t in figure["data"]) and 10**low > traces.LOWEST_LEVEL
    ranges = {tuple(f["layout"]["meta"]["linear"]) for f in plots.level_panels(document).values()}
    assert len(ranges) == 1  # arms are seen on the same axis
    assert figure["layout"]["xaxis"]["range"] == [0, pytest.approx(100 + 72, abs=0.1)]


def test_arms_without_a_drug_are_grey_and_have_no_levels(document: dict) -> None:
    look = plots.styles(document)
    assert look["placebo"].colour in plots.PLACEBO_GREYS
    assert look["esketamine"].colour != look["esketamine_fast"].colour
    assert len({style.dash for style in look.values()}) == 3
    assert set(plots.level_panels(document)) == {"esketamine", "esketamine_fast"}


def test_sessions_after_the_first_course_are_named(document: dict) -> None:
    assert "later sessions" not in Page(report.render(document, "")).text
    later = copy.deepcopy(document)
    later["arms"]["esketamine"]["last_infusion_day"] = 70.25
    assert "later sessions until day 70" in Page(report.render(later, "")).text


def test_with_the_models_swapped_the_slow_site_is_the_main_state(document: dict) -> None:
    swapped = copy.deepcopy(document)
    swapped["models"] |= {"pain": "slow_site", "rival": "memory"}
    for arm in swapped["arms"].values():
        arm["profile"]["slow_site_effect"] = arm["rival"]["profile"].pop("slow_site_effect")
        arm["rival"]["profile"]["sensitisation"] = arm["profile"].pop("sensitisation")
        arm["rival"]["model"] = "memory"
    views = plots.views(swapped)
    assert views["state"].key == "slow_site_effect" and views["rival_state"].key == "sensitisation"
    text = Page(report.render(swapped, "")).text
    assert (
        "Pain score under the rival model (pain memory)" in text and "Sensitisation: the memory of pain (rival" in text
    )


def test_figures_and_report_need_no_heavy_package(fresh_python, tmp_path: Path, document: dict) -> None:
    (tmp_path / "result.json").write_text(json.dumps(document), encoding="utf-8")
    code = (
        "import json, sys; from letheon.views import report;"
        "report.write(json.load(open('result.json')), 'x', 'report.html'); print(json.dumps(sorted(sys.modules)))"
    )
    done = fresh_python(code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {"jax", "numpy", "scipy", "plotly", "pyarrow"} & set(json.loads(done.stdout)) == set()
    # another process in another folder writes the same bytes
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == report.render(document, "x")


# --- one file, nothing in, nothing out ---


def test_the_vendored_bundle_is_the_published_one() -> None:
    expected, name = (VENDOR / "plotly-basic.min.js.sha256").read_text(encoding="utf-8").split()
    bundle = (VENDOR / name).read_bytes()
    assert hashlib.sha256(bundle).hexdigest() == expected
    assert b"plotly.js (basic - minified) v" in bundle[:200] and b"</script" not in bundle.lower()
    licence = (VENDOR / "plotly-basic.LICENSE").read_text(encoding="utf-8")
    assert "MIT License" in licence and "Plotly" in licence


def test_the_page_is_whole_and_asks_for_nothing(document: dict, page: Page) -> None:
    html = report.render(document, report_document.SCENARIO)
    assert 1.2e6 < len(html.encode()) < 2.0e6
    assert html == report.render(copy.deepcopy(document), report_document.SCENARIO)
    assert page.open == []
    assert all(link.startswith("#") for link in page.attributes("href", "src", "action", "srcset", "data"))
    targets = set(page.attributes("id"))
    assert {link[1:] for link in page.attributes("href")} <= targets
    assert len(targets) == len(page.attributes("id"))
    handlers = [key for _, values in page.elements for key in values if key.startswith("on")]
    assert handlers == []
    assert "The figures need JavaScript" in page.text
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    assert "url(" not in style and "@import" not in style


def test_the_policy_names_the_scripts_and_lets_in_nothing_else(page: Page) -> None:
    (policy,) = (v["content"] for tag, v in page.elements if v.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'" and "connect-src" not in rules and "img-src" not in rules
    running = [text for kind, text in page.scripts if kind is None]
    assert len(running) == 2
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(t.encode()).digest()).decode()}'" for t in running}
    assert set(rules["script-src"].split()) == hashes


def test_names_and_texts_cannot_become_markup(document: dict) -> None:
    evil = copy.deepcopy(document)
    evil["title"] = EVIL
    evil["warnings"] = [EVIL]
    evil["interval"] = EVIL
    evil["arms"] = {EVIL: evil["arms"]["esketamine"], "placebo": evil["arms"]["placebo"]}
    evil["arms"][EVIL]["models"]["levels"] |= {"model": EVIL, "label": EVIL, "sampling": EVIL}
    evil["arms"][EVIL]["drug"] = EVIL
    entry = evil["arms"][EVIL]["endpoints"]
    entry["time_to_relapse_days"]["note"] = EVIL
    entry["nrs_day_7"]["support"] = EVIL
    entry[EVIL] = entry["relief_days"]
    levels = evil["arms"][EVIL]["profile"]["concentration_ng_per_ml"]
    levels[EVIL] = levels.pop("esketamine")
    evil["sources"] = [EVIL]
    evil["population"]["bistable_share"] = 0.5
    html = report.render(evil, EVIL)
    page = Page(html)
    assert page.open == []
    assert [kind for kind, _ in page.scripts] == ["application/json", None, None]
    assert not [tag for tag, _ in page.elements if tag in {"img", "iframe", "object"}]
    assert EVIL in page.text  # said as it stands
    data = json.loads(page.scripts[0][1])
    assert not re.search("[<>&\u2028]", page.scripts[0][1])
    names = {trace["name"] for figure in data["figures"] for trace in figure["data"] if "name" in trace}
    assert any("&lt;script&gt;" in name for name in names) and not any("<" in name for name in names)


def test_the_embedded_figures_are_the_figures(document: dict, page: Page) -> None:
    data = json.loads(page.scripts[0][1])
    first = data["figures"][0]
    for trace in first["data"]:
        if isinstance(trace["x"], str):
            trace["x"] = data["axes"][int(trace["x"])]
    assert first == json.loads(json.dumps(plots.pain_comparison(document)))
    places = [int(place) for place in page.attributes("data-figure")]
    assert places == list(range(len(data["figures"])))


def test_nothing_of_this_machine_or_day_is_in_the_page(page: Page) -> None:
    told = page.text + page.scripts[0][1] + page.scripts[2][1]
    assert str(Path.cwd()) not in told and str(Path.home()) not in told
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b", told)


# --- what it says ---


def test_the_first_lines_say_what_was_simulated_and_what_it_is_not_for(page: Page) -> None:
    assert "1,000 virtual patients" in page.text and "each of 3 arms (esketamine × 2, placebo)" in page.text
    assert "followed for 12 weeks" in page.text
    assert "Research and education only; no advice about a person." in page.text


def test_endpoint_tables_hold_the_documents_numbers(document: dict, page: Page) -> None:
    endpoints = document["arms"]["esketamine"]["endpoints"]
    day = endpoints["nrs_day_7"]
    low, high = day["mean_interval"]
    assert (
        page.rows["Pain score"]["Day 7"][0] == f"{day['mean']:.1f} ({low:.1f} to {high:.1f}) randomised sigtermans2009"
    )
    share = endpoints["responder_30_day_7"]
    row = page.rows["Responders"]["At least 30 % less pain at week 1 (day 7)"]
    assert row[0].startswith(f"{100 * share['mean']:.0f} % ± 1.5 (")
    relief = endpoints["relief_days"]
    rows = page.rows["Relief, remission and dose"]
    days = next(name for name in rows if name.startswith("Days with at least 30 % less pain"))
    assert rows[days][0].startswith(f"{relief['q50']:.0f} ({relief['q05']:.1f} to {relief['q95']:.0f})")
    assert rows["mean"][0].startswith(f"{relief['mean']:.0f} (")
    dose = page.rows["Relief, remission and dose"]["Total dose (mg)"]
    assert dose[0].startswith("1,450 ") and dose[2].startswith("0")
    rival = document["arms"]["placebo"]["rival"]["endpoints"]["nrs_day_84"]["mean"]
    assert f"{rival:.1f} (" in page.rows["Pain score"]["rival model (slow site)"][-1]


def test_time_to_relapse_tells_reached_from_not_reached(document: dict) -> None:
    changed = copy.deepcopy(document)
    changed["arms"]["placebo"]["endpoints"]["time_to_relapse_days"] |= {
        "median": None,
        "median_interval": [None, None],
        "from_day_0": {"median": None},
    }
    page = Page(report.render(changed, ""))
    rows = page.rows["Time to relapse"]
    assert rows["esketamine"][:4] == [
        "pain memory",
        f"62 %; minus placebo +42{words.POINTS} (+38 to +62)",
        "31 (25 to not reached)",
        "36",
    ]
    assert rows["placebo"][2] == "not reached in 80"
    assert page.rows["Number at risk"]["esketamine"] == ["620", "491", "389", "244", "166"]
    assert "not reached in 80 days" in page.text  # on the card


def test_no_remission_is_not_a_time(document: dict) -> None:
    changed = copy.deepcopy(document)
    changed["arms"]["placebo"]["endpoints"]["time_to_relapse_days"] |= {
        "median": None,
        "median_interval": None,
        "restricted_mean": None,
        "in_remission": 0.0,
        "at_risk": [],
    }
    text = Page(report.render(changed, "")).text
    assert "no patient had a remission" in text


def test_harms_are_said_to_be_missing_and_never_shown_as_zero(page: Page) -> None:
    assert page.text.count("This result holds no harms.") == 1
    assert "says nothing about whether there are any" in page.text
    assert not [name for table in page.rows.values() for name in table if "harm" in name.lower()]


def test_harms_stand_in_a_section_of_their_own_with_support_and_what_is_not_known() -> None:
    page = Page(report.render(report_document.document(with_harms=True), ""))
    assert "This result holds no harms." not in page.text
    assert page.text.count("Not known: what infusions do to a bladder.") == 1
    assert page.rows["During infusions"]["Headache"][0].startswith("not known")  # never as one number, nor as zero
    liver = "Liver enzymes at least three times the limitshare of patients"
    assert page.rows["Liver"][liver][0].startswith("(12 to 88")
    laws = page.rows["Bladder"]
    assert {"if injury saturates (saturating law)", "if it does not (unsaturated law)"} <= set(laws)
    assert page.rows["Exposure"]["Days with drug"] == ["5", "5", "0"]
    assert page.rows["Exposure"]["Given beside"] == ["clonidine 0.1 mg", "clonidine 0.1 mg", "nothing"]


def test_a_label_names_its_study_and_a_difference_has_its_own(page: Page) -> None:
    """Red when a difference from placebo is shown under the label of the score, or no study stands beside it."""
    rows = page.rows["Pain score"]
    assert any("sigtermans2009" in cell for cell in rows["Day 7"])
    assert any("schwartzman2009" in cell for cell in rows["minus placebo"])
    assert not any("schwartzman2009" in cell for cell in rows["Day 7"])


def test_every_support_label_is_a_word_and_is_explained(page: Page) -> None:
    for label in words.SUPPORT:
        assert label in words.SUPPORT and words.SUPPORT[label] in page.text
        assert f">{label}</span>" in words.badge(label)


def test_assumptions_follow_the_scenario(document: dict) -> None:
    text = Page(report.render(document, "")).text
    assert "Flares end remissions" in text and "No trial reports pain beyond 12 weeks" in text
    assert "This report goes on to day" not in text
    changed = report_document.document(follow_up=365.0)
    changed["models"] |= {"flares": False, "expectancy_nrs": 0.5, "norketamine_weight": -0.2}
    text = Page(report.render(changed, "")).text
    assert "Flares are switched off" in text and "goes on to day 365" in text
    assert "set to 0.5" in text and "with weight −0.2" in text


def test_warnings_sources_population_and_scenario_are_there(document: dict, page: Page) -> None:
    for warning in document["warnings"]:
        assert warning in page.text
    assert "doi:10.1007/s00228-021-03104-1" in page.text and "Eur J Clin Pharmacol 2021" in page.text
    assert page.rows["Population as realised"]["Weight (kg)"] == ["79.1", "18.8"]
    assert "63 % of patients" in page.text.replace(words.THIN, " ")
    assert report_document.SCENARIO.strip() in page.text
    assert "seed 20090101" in page.text and "Letheon 0.1.0" in page.text
    models = page.rows["Drug models"]["esketamine"]
    assert models[:4] == ["levels and pain", "otto2021", "Otto 2021, venous", "venous"]


@pytest.mark.parametrize("follow_up", [1.0, 5.0, 84.0, 364.0])
@pytest.mark.parametrize("with_placebo", [True, False])
def test_short_long_and_lone_scenarios_have_a_report(follow_up: float, with_placebo: bool) -> None:
    document = report_document.document(follow_up=follow_up, with_placebo=with_placebo, rival=with_placebo)
    page = Page(report.render(document, ""))
    assert page.open == []
    assert ("no placebo arm" in page.text) != with_placebo
    assert (
        all(cell == "no placebo arm" for rows in page.rows.values() for cell in rows.get("minus placebo", ()))
        != with_placebo
    )
    assert ("rival model" in page.text) == with_placebo
    assert "nan" not in page.text.lower().split() and "None" not in page.text.split()


def test_placebo_alone_has_a_report(document: dict) -> None:
    alone = copy.deepcopy(document)
    alone["arms"] = {"placebo": alone["arms"]["placebo"]}
    page = Page(report.render(alone, ""))
    assert "No arm gives a drug" in page.text and "Plasma levels" not in page.text


# --- numbers as words ---


@given(st.floats(min_value=-1e6, max_value=1e6, allow_nan=False))
def test_numbers_have_at_most_three_significant_digits(value: float) -> None:
    text = words.number(value).replace(",", "").replace(words.MINUS, "-")
    digits = text.lstrip("-").replace(".", "").lstrip("0")
    assert float(text) == pytest.approx(value, rel=5.001e-3)
    assert len(digits) <= 3 or set(digits[3:]) == {"0"}


@given(st.floats(min_value=-12, max_value=12, allow_nan=False), st.sampled_from(["NRS", "days", "share", "mg"]))
def test_a_change_that_rounds_to_nothing_has_no_sign(value: float, unit: str) -> None:
    text = words.change(value, unit)
    assert (text[0] in "+−") == bool(re.search("[1-9]", text))
    assert text.startswith("−") == (value < 0 and bool(re.search("[1-9]", text)))


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (7.249, "NRS", "7.2"),
        (-0.04, "NRS", "0.0"),
        (9.96, "days", "10"),
        (0.3, "days", "0.3"),
        (1446.3, "mg", "1,450"),
        (0.004, "share", "0.4\u202f%"),
        (0.0002, "share", "under 0.1\u202f%"),
        (0.998, "share", "99.8\u202f%"),
        (1.0, "share", "100\u202f%"),
        (None, "NRS", "–"),
        (float("nan"), "mg", "–"),
    ],
)
def test_amounts(value: float | None, unit: str, expected: str) -> None:
    assert words.amount(value, unit) == expected


# --- writing ---


def test_a_report_appears_whole_or_not_at_all(tmp_path: Path, document: dict, monkeypatch) -> None:
    path = tmp_path / "report.html"
    assert report.write(document, "first", path) == path
    before = path.read_bytes()
    assert before.decode("utf-8") == report.render(document, "first")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        report.write(document, "second", path)
    assert path.read_bytes() == before and [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_a_missing_folder_is_an_os_error(tmp_path: Path, document: dict) -> None:
    with pytest.raises(OSError, match="missing"):
        report.write(document, "", tmp_path / "missing" / "report.html")


def test_a_real_run_has_a_report(root: Path) -> None:
    from letheon.runs import simulate

    text = (root / "examples" / "small.yaml").read_text(encoding="utf-8")
    document = simulate(root / "examples" / "small.yaml", patients=12).document
    page = Page(report.render(document, text))
    day = document["arms"]["ketamine"]["endpoints"]["nrs_day_7"]
    low, high = day["mean_interval"]
    assert page.rows["Pain score"]["Day 7"][0].startswith(f"{day['mean']:.1f} ({low:.1f} to {high:.1f})")
    assert text.strip() in page.text and "12 virtual patients" in page.text
    assert "None" not in page.text.split() and "nan" not in page.text.lower().split()
