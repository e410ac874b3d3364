"""The tutorials run, and their pages say what they print and nothing that the run does not bear out.

Oracles: a script run by plain Python; the scenario files and the library for numbers in the prose; for the sentences
that say what is seen, the result document itself.
"""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import model_figures
import numpy as np
import pages
import pytest
from browsing import serious
from stored import sigtermans

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "tutorials"
# Each at the smallest size at which all of it happens.
SMALL = {
    "hundred_hours": ("--patients", "32"),
    "settings": ("--patients", "32"),
    "boosters": ("--patients", "24", "--weeks", "14"),
    "harms": ("--patients", "24"),
}
NAMES = sorted(SMALL)


class Tutorial:
    """A tutorial that has run: its cells with output and figures, and the names that it left."""

    def __init__(self, name: str, arguments: tuple[str, ...]) -> None:
        self.path = FOLDER / f"{name}.py"
        self.names: dict[str, Any] = {}
        self.cells = pages.run(self.path, arguments, self.names)
        self.output = "".join(printed for _, printed, _ in self.cells)
        self.prose = "\n\n".join(cell.text for cell, _, _ in self.cells if cell.kind == "markdown")
        self.code = "\n".join(cell.text for cell, _, _ in self.cells if cell.kind == "code")


@cache
def tutorial(name: str) -> Tutorial:
    return Tutorial(name, SMALL[name])


def numbers(text: str) -> set[str]:
    """Return the numbers of a text: digits that are no part of a name, a link or a section of code."""
    text = re.sub(r"`[^`]*`|\]\([^)]*\)", " ", text)
    return set(re.findall(r"(?<![\w.])\d+(?:[.,]\d+)*", text))


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_tutorial_runs_and_shows_something(name: str) -> None:
    """Red when a script fails at small size, prints nothing, or draws a figure that is none."""
    one = tutorial(name)
    assert len(one.output.splitlines()) > 12
    figures = [figure for _, _, drawn in one.cells for figure in drawn]
    assert 1 <= len(figures) <= 2
    for figure in figures:
        tree = ET.fromstring(figure)
        assert tree.get("role") == "img" and tree.get("aria-label")
        assert not re.search(r"\b(?:nan|inf|None)\b", figure)
    assert "nan" not in one.output and "None" not in one.output
    assert max(map(len, one.output.splitlines())) <= 80, "a line would run off the page"


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_the_page_quotes_what_the_script_prints(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red when the page leaves out, reorders or alters an output, or a number of the prose stands by itself."""
    one = tutorial(name)
    monkeypatch.setattr(pages, "run", lambda *_: one.cells)
    page = pages.page(one.path, SMALL[name])
    blocks = re.findall(r"^``` \{ \.text \.output \}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert "".join(blocks).split() == one.output.split()
    code = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert "".join(code).split() == one.code.split()
    assert page.count("<svg") == sum(len(figures) for _, _, figures in one.cells)
    scenarios = [ROOT / "examples" / file for file in re.findall(r'"(\w+\.yaml)"', one.code)]
    assert scenarios
    sources = one.code + one.output + "".join(path.read_text(encoding="utf-8") for path in scenarios)
    known = set(re.findall(r"\d+(?:[.,]\d+)*", sources))
    free = {"17", "4", "6"} if name == "hundred_hours" else set()  # "patient 17" is anybody
    assert numbers(one.prose) - known - free == set()


@pytest.mark.long
def test_a_script_run_alone_prints_the_same(tmp_path: Path) -> None:
    """Red when running cell by cell gives anything else than ``python SCRIPT``."""
    command = [sys.executable, str(FOLDER / "hundred_hours.py"), *SMALL["hundred_hours"], "--figures", str(tmp_path)]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=300, check=True)
    assert process.stdout == tutorial("hundred_hours").output
    assert {path.suffix for path in tmp_path.iterdir()} == {".svg"}


def test_the_trial_of_100_hours_match_the_prose() -> None:
    """Red when the models no longer land near week 1, or no longer part by week 12."""
    names = tutorial("hundred_hours").names
    published, se = names["published"], names["week_1"].se
    assert published[7] == pytest.approx(-2.77) and published[84] == pytest.approx(-1.27, abs=0.005)
    for arm in ("esketamine", "esketamine_fast"):
        by_model = names["models"](arm)
        first, last = (
            {model: names["difference"](result, day)[0] for model, result in by_model.items()} for day in (7, 84)
        )
        own = sigtermans().arms[arm]  # of 1,000 patients, where the tutorial has 32 here
        assert own.by_model
        both = [one.endpoint("nrs_day_7") for _, one in own.by_model.items()]
        assert [
            one for one in both if not (one and one.against and abs(one.against.mean - published[7]) < 1.645 * se)
        ] == []
        assert 0.3 < last["pain memory"] / first["pain memory"] < 0.8
        assert abs(last["slow site"] / first["slow site"]) < 0.15
    week_12 = names["week_12"]
    low, high = week_12["mean_interval"]
    assert week_12["q95"] - week_12["q05"] > 2 * (high - low)
    assert (week_12["support"], week_12["against"]["support"]) == ("extrapolated", "randomised")
    for name, seen in (("esketamine", 2.68), ("placebo", 5.45)):
        assert names["arms"][name]["endpoints"]["nrs_day_7"]["mean"] > seen


def test_the_two_settings_match_the_prose() -> None:
    """Red when the models agree on the order, when one setting is far ahead, or when the labels change."""
    arms = tutorial("settings").names["treated"]
    gain = {}
    for model in ("memory", "slow_site"):
        relief = {name: arm["by_model"][model]["endpoints"]["relief_days"] for name, arm in arms.items()}
        gain[model] = relief["inpatient"]["against"]["mean"] - relief["outpatient"]["against"]["mean"]
        assert (relief["inpatient"]["support"], relief["outpatient"]["support"]) == ("extrapolated", "assumed")
    assert 0 < gain["memory"] < 8 and -5 < gain["slow_site"] < 0.5
    inpatient, outpatient = (arms[name]["harms"]["entries"] for name in ("inpatient", "outpatient"))
    for harm in ("psychedelic_load", "psychedelic_hours"):
        assert outpatient[harm]["estimate"] > inpatient[harm]["estimate"]
    livers = inpatient["liver_injury"]["interval"][1], outpatient["liver_injury"]["interval"][1]
    assert livers[0] < livers[1] == 1.0  # its rate is beyond what anybody counted at


def booster_claims(arms: dict[str, Any]) -> None:
    for model in ("memory", "slow_site"):
        endpoints = {name: arm["by_model"][model]["endpoints"] for name, arm in arms.items()}
        relief = {name: one["relief_days"]["mean"] for name, one in endpoints.items()}
        assert all(relief[name] > relief["none"] for name in arms if name != "none")
        assert max(relief.values()) < 1.1 * relief["every_six_weeks"]
        assert relief["six_weeks_or_stop"] > 0.9 * relief["every_six_weeks"]


def test_the_booster_rules_match_the_prose() -> None:
    """Red when boosters bring nothing, giving up costs relief, or somebody never in remission relapses."""
    one = tutorial("boosters")
    booster_claims(one.names["arms"])
    assert {arm["endpoints"]["relief_days"]["support"] for arm in one.names["arms"].values()} <= {"assumed"}
    rows = re.findall(r"^  (\w+) +(in|never in) remission.* % +([\d.]+) +(-?[\d.]+)$", one.output, re.MULTILINE)
    assert len(rows) == 6
    for arm, who, boosters, gained in rows:
        assert who == "in" or abs(float(gained)) < 4, "they gain next to nothing"
        assert (float(boosters) == 0.0) == ((arm, who) == ("on_relapse", "never in"))


@pytest.mark.slow
def test_the_booster_rules_match_the_prose_in_full() -> None:
    """At the size of the page: a year, and giving up saves most boosters."""
    one = Tutorial("boosters", ())
    booster_claims(one.names["arms"])
    for model in ("memory", "slow_site"):
        arms = {name: arm["by_model"][model]["endpoints"] for name, arm in one.names["arms"].items()}
        counts = {name: arm["boosters"]["mean"] for name, arm in arms.items()}
        assert counts["six_weeks_or_stop"] < 0.6 * counts["every_six_weeks"]
        assert counts["on_relapse"] < 0.8 * counts["every_six_weeks"]
    rates = re.findall(r"ended at (\d+) mg/h", one.output)
    memory, slow_site = (list(map(int, rates[k : k + 2])) for k in (0, 2))
    assert len(rates) == 4 and abs(memory[0] - memory[1]) <= 1 and slow_site[0] + 2 < slow_site[1]


def test_the_harms_match_the_prose() -> None:
    """Red when a harm that nobody counted gets a number, or when the intervals no longer say what the prose says."""
    harms = tutorial("harms").names["harms"]
    for entries in harms.values():
        elicited, spontaneous = (entries[f"psychomimetic_{how}"]["estimate"] for how in ("elicited", "spontaneous"))
        assert spontaneous < 0.5 * elicited
        assert entries["liver_injury"]["estimate"] is None
        for harm in ("counted_headache", "bladder_lost"):
            assert (entries[harm]["support"], entries[harm]["estimate"]) == ("not identified", None)
        low, high = entries["bladder_symptoms"]["interval"]
        assert 0.1 < low < 0.25 < high < 0.8
    assert {name: entries["liver_injury"]["pattern"] for name, entries in harms.items()} == {
        "one_course": "one long course",
        "again_soon": "long course again within weeks",
        "afternoons": "short sessions",
    }
    assert (1 - harms["afternoons"]["liver_injury"]["interval"][1]) ** 52 == pytest.approx(0.025, abs=1e-6)
    laws = harms["again_soon"]["bladder_lost"]["laws"]
    assert laws["unsaturated"]["estimate"] > 1.5 * laws["saturating"]["estimate"]


def test_cells_keep_their_lines_and_kinds_and_a_failing_script_names_its_line(tmp_path: Path) -> None:
    source = '"""A script."""\n\n# %% [markdown]\n# # Title\n#\n# text\n\n# %%\nx = 1\n# a comment\n\n# %%\nprint(x)\n'
    assert [(cell.kind, cell.text, cell.line) for cell in pages.cells(source)] == [
        ("markdown", "# Title\n\ntext", 4),
        ("code", "x = 1\n# a comment", 9),
        ("code", "print(x)", 13),
    ]
    script = tmp_path / "bad.py"
    script.write_text("# %% [markdown]\n# text\n\n# %%\nx = 1\nx / 0\n", encoding="utf-8")
    before = sys.argv, sys.path.copy()
    with pytest.raises(ZeroDivisionError) as caught:
        pages.run(script)
    assert caught.traceback[-1].lineno == 5 and Path(caught.traceback[-1].path) == script
    assert (sys.argv, sys.path) == before


def test_the_figures_of_the_model_are_used_and_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red when docs/model.md asks for a figure that nobody draws, or a figure is drawn and shown nowhere."""
    names = model_figures.MARK.findall((ROOT / "docs" / "model.md").read_text(encoding="utf-8"))
    assert sorted(names) == sorted(model_figures.FIGURES)
    monkeypatch.setattr(model_figures, "PATIENTS", 32)
    for figure in (figure for name in names for figure in model_figures.drawn(name)):
        assert ET.fromstring(figure).get("aria-label") and not re.search(r"\b(?:nan|inf)\b", figure)
    steady, theta = model_figures.thresholds()
    a, n = model_figures.typical("memory.a"), model_figures.typical("memory.n")
    low, root = model_figures.low_state(theta, a, n), float(model_figures.unstable_root(theta, a, n))
    assert float(model_figures.phi(low, theta, a, n)) == pytest.approx(low, abs=1e-9)
    assert low < root < float(model_figures.chronic_state(theta, a, n))
    assert np.isnan(model_figures.unstable_root(steady, a, n))  # there is none


def test_the_caption_of_the_memory_is_true() -> None:
    """Red when new posteriors move the three people of the figure to other fates than its caption tells."""
    shared = {x: model_figures.typical(f"memory.{x}") for x in ("tau_s", "a", "n", "gamma", "k_g", "tau_g")}
    alone, theta = model_figures.thresholds()
    week = round(168 / model_figures.STEP_H)
    shallow, deep, without = (
        model_figures.course(model_figures.Memory(theta=threshold, **shared), block)[::week].tolist()
        for threshold, block in (
            (theta, model_figures.SHALLOW),
            (theta, model_figures.DEEP),
            (alone, model_figures.DEEP),
        )
    )
    assert shallow[1] < 0.7 * shallow[0] and shallow[-1] > 0.95 * shallow[0]
    assert deep[4] < 0.3 and deep[-1] < 0.3
    assert without[8] < 0.3 and without[-1] > 0.95 * without[0]


def test_every_tutorial_is_on_the_map_and_the_site_is_offline() -> None:
    assert [path.stem for path in pages.scripts(FOLDER)] == NAMES
    index = (FOLDER / "index.md").read_text(encoding="utf-8")
    assert all(f"]({name}.md)" in index and f"]({name}.py)" in index for name in NAMES)
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "://" not in config and "font: false" in config
    style = (ROOT / "docs" / "assets" / "letheon.css").read_text(encoding="utf-8")
    assert "url(" not in style and "@import" not in style


@pytest.mark.browser
@pytest.mark.parametrize("width", [340, 1100])
def test_a_figure_reads_in_a_browser(browser: Any, width: int) -> None:
    """Red when a figure's words leave it, lie on one another, or vanish on a phone."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    figures = "".join(model_figures.drawn("memory"))
    page.set_content(f'<html lang="en"><head><title>A page</title></head><body><main>{figures}</main></body></html>')
    page.add_style_tag(content=".chart text { stroke: none !important }")  # a halo is no part of a word's box
    for svg in page.query_selector_all("svg"):
        frame = svg.bounding_box()
        boxes = [text.bounding_box() for text in svg.query_selector_all("text")]
        for box in boxes:
            assert box["x"] >= frame["x"] - 1 and box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
            assert box["height"] > 9
        for one, other in combinations(boxes, 2):
            left, right = sorted((one, other), key=lambda box: box["x"])
            upper, lower = sorted((one, other), key=lambda box: box["y"])
            beside = left["x"] + left["width"] <= right["x"] + 1
            assert beside or upper["y"] + upper["height"] <= lower["y"] + 3
    assert serious(page) == []
    page.close()
