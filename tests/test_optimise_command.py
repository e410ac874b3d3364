"""`letheon optimise`: what it prints and writes, what it refuses, and how it stops.

The search itself is replaced by a small document made by hand: that is the oracle, with the contract of exit codes.
"""

import html
import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optimise_document as documents
import pytest
from rich.console import Console

from letheon.extras import missing
from letheon.scenario import load_search
from letheon.study import plain as study
from letheon.study.optimise import folder as folders
from letheon.study.optimise.search import Optimisation
from letheon.views import optimise_figures, optimise_words
from letheon.views.commands.interruption import kept_in
from letheon.views.optimise_tables import chosen, show_search
from letheon.views.report import optimise as page

SCENARIO = """letheon: 1
title: The cheapest course
follow_up: 4 weeks
arms:
  course: {drug: racemic, sessions: [{at: day 1, rate: 20 mg/h, for: 4 h}]}
"""
BLOCK = "optimise: {arm: course, vary: {sessions.1.rate: {from: 5 mg/h, to: 40 mg/h}}}\n"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    made = SimpleNamespace(called=[], act=lambda progress: progress("candidates", 8, 400), reused=False)

    def search(path: Path, *, out: Path, progress: Callable, **asked: Any) -> Optimisation:
        made.called.append((path, out, asked))
        resolved, asked_for = folders.resolve(
            *load_search(path), *(asked[name] for name in ("candidates", "patients", "seed"))
        )
        if not made.reused:
            folders.claim(out, resolved, asked_for, None)
        made.act(progress)
        table = [] if made.reused else documents.rows()
        names = list(documents.rows()[0])
        text = "\n".join([",".join(names), *(",".join(str(row.get(n, "")) for n in names) for row in documents.rows())])
        (out / "candidates.csv").write_text(text + "\n", encoding="utf-8")
        return Optimisation(documents.document(), table, {"01.yaml": "", "02.yaml": ""}, out, reused=made.reused)

    monkeypatch.setattr(study, "optimise", search)
    yield made


@pytest.fixture
def optimise(command: Callable) -> Callable[..., tuple[int, str, str]]:
    return partial(command, "optimise")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "s.yaml").write_text(SCENARIO + BLOCK, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def flat(text: str) -> str:
    return " ".join(text.split())


# --- help and refusals ---


def test_the_help_says_what_it_is_for(optimise: Callable) -> None:
    assert "not treatments" in flat(optimise("--help")[1])


def test_a_missing_extra_is_named_first(
    optimise: Callable, fake: SimpleNamespace, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pymoo", None)
    code, out, err = optimise("s.yaml", "--out", "new")
    assert (code, out) == (2, "") and not (here / "new").exists() and fake.called == []
    assert err == f"letheon: {missing('optimise', 'pymoo')}\n"


# --- what it does ---


def test_options_reach_the_search(optimise: Callable, fake: SimpleNamespace, here: Path) -> None:
    assert optimise("s.yaml", "--out", "a", "--candidates", "9", "--patients", "70", "--seed", "8", "--fresh")[0] == 0
    assert optimise("s.yaml", "--out", "b")[0] == 0
    assert optimise("s.yaml", "--out", "c", "--quick")[0] == 0
    asked = [call[2] for call in fake.called]
    assert asked[0] == {"candidates": 9, "patients": 70, "seed": 8, "fresh": True}
    assert asked[1] == {"candidates": 400, "patients": 512, "seed": 1, "fresh": False}
    assert asked[2] == {"candidates": 60, "patients": 128, "seed": 1, "fresh": False}


def test_the_table_in_80_columns(optimise: Callable, fake: SimpleNamespace, here: Path) -> None:
    code, out, err = optimise("s.yaml", "--out", "found")
    assert code == 0 and max(len(line) for line in out.splitlines()) <= 80
    said = flat(out)
    for sentence in (
        documents.NOTICE,
        "400 of 540 regimens in the ranges of arm course were simulated, each in 512 virtual patients over 84 days",
        "Goals: less: hours; less: dose.",
        "Limit: relief days at least 36.5 days (that of arm hundred_hours).",
        "The front has 2 regimens",
        "Placebo (placebo): 5.5 relief days.",
        "A published regimen counts as beaten only by one that is no worse in relief days either.",
        "Run one again: letheon simulate found/front/01.yaml",
        "Page: found/front.html",
    ):
        assert sentence in said, sentence
    rows = [flat(line) for line in out.splitlines()]
    assert any(row.startswith("1 31 9 36.6 31.1 63 2188 98 % assumed") for row in rows)
    assert any("mg/h/70kg times days minus placebo" in row for row in rows)
    assert any("beaten by 1" in row for row in rows) and any("not beaten" in row for row in rows)
    assert "letheon: candidates: 8 of 400\n" in err


def test_a_table_of_many_quantities_is_not_cut_off() -> None:
    told = documents.document()
    paths = [f"boosters.session.repeat.{'long' * k}name" for k in range(1, 8)]
    told["variables"] = [{"path": path} for path in paths]
    told["front"] = [
        entry | {"values": {path: f"{k}77 days" for k, path in enumerate(paths)}} for entry in told["front"]
    ]
    console = Console(width=80, file=io.StringIO())
    show_search(told, console)
    made = console.file.getvalue()
    assert max(len(line) for line in made.splitlines()) <= 80 and "…" not in made
    assert all("677" in flat(row) or "assumed" not in row for row in made.splitlines() if row.startswith("1 "))


def test_json_is_the_document_alone(optimise: Callable, fake: SimpleNamespace, here: Path) -> None:
    code, out, _ = optimise("s.yaml", "--out", "found", "--json")
    assert code == 0 and json.loads(out) == documents.document()
    assert (here / "found" / "front.html").is_file()


def test_quiet_prints_nothing(optimise: Callable, fake: SimpleNamespace, here: Path) -> None:
    assert optimise("s.yaml", "--out", "found", "--quiet") == (0, "", "")


def test_a_finished_search_keeps_its_page_and_makes_a_lost_one_again(
    optimise: Callable, fake: SimpleNamespace, here: Path
) -> None:
    optimise("s.yaml", "--out", "found")
    file = here / "found" / "front.html"
    first = file.read_text(encoding="utf-8")
    fake.reused = True
    file.write_text("kept", encoding="utf-8")
    assert "finished before" in flat(optimise("s.yaml", "--out", "found")[1])
    assert file.read_text(encoding="utf-8") == "kept"
    file.unlink()
    optimise("s.yaml", "--out", "found")
    assert file.read_text(encoding="utf-8") == first


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(
    ("error", "code", "words"),
    [(KeyboardInterrupt(), 130, "interrupted"), (OSError(28, "No space left on device"), 1, "No space left on device")],
    ids=["interrupted", "full disk"],
)
def test_stopped_work_tells_how_to_continue(
    error: BaseException, code: int, words: str, fresh: bool, optimise: Callable, fake: SimpleNamespace, here: Path
) -> None:
    def act(progress: Callable) -> None:
        raise error

    fake.act = act
    ended, out, err = optimise("s.yaml", "--out", "found", *(["--fresh"] if fresh else []))
    assert (ended, out) == (code, "")
    assert words in err and kept_in(Path("found"), fresh) in err


# --- words, figures, page ---


def test_long_fronts_are_thinned_evenly_and_both_ends_stay() -> None:
    for count in (25, 60, 399):
        places = chosen(count)
        assert len(places) == 24 and (places[0], places[-1]) == (0, count - 1) and len(set(places)) == 24
        assert {3, 4, 7} < set(chosen(count, {3, 4, 7})) and len(chosen(count, {3, 4, 7})) <= 27


def test_short_names_stay_different() -> None:
    paths = ["sessions.1.rate", "sessions.2.rate", "sessions.1.repeat.times", "boosters.every"]
    variables = [{"path": path} for path in paths]
    values = [
        dict(zip(paths, texts, strict=True))
        for texts in (("5 mg/h", "1 mg", "3", "1 day"), ("7 mg/h", "1 g", "4", "2 days"))
    ]
    found = optimise_words.columns({"variables": variables, "front": [{"values": one} for one in values]})
    assert found == [
        ("1 rate, mg/h", ["5", "7"]),
        ("2 rate", ["1 mg", "1 g"]),
        ("times", ["3", "4"]),
        ("every", ["1 day", "2 days"]),
    ]


def test_words_on_published_regimens() -> None:
    said = optimise_words.published_words
    assert said({"beaten_by": [], "feasible": True}) == "not beaten"
    assert said({"beaten_by": [], "feasible": False}) == "breaks a limit"
    assert said({"beaten_by": [2], "feasible": True}) == "beaten by 2"
    assert said({"beaten_by": [1, 2, 5], "feasible": True}) == "beaten by 1, 2 and 5"
    assert said({"beaten_by": [1, 2, 3, 4, 5, 6], "feasible": True}) == "beaten by 1, 2, 3 and 3 more"


def test_an_empty_front_has_a_sentence(optimise: Callable, fake: SimpleNamespace, here: Path) -> None:
    empty = documents.document() | {"front": []}
    assert "No regimen keeps all limits" in " ".join(optimise_words.lead(empty))
    assert "No regimen keeps all limits" in page.render(empty, [])


def test_the_figures_draw_the_numbers() -> None:
    document, rows = documents.document(), documents.rows()
    assert optimise_figures.costs(document) == ["hours", "dose_mg"]
    cloud, front, published = optimise_figures.scatter(document, rows, "hours")["data"]
    assert (cloud["x"], cloud["y"]) == ([2], [6.25])
    assert (front["x"], front["y"]) == ([63, 88], [36.6, 38])
    assert front["error_y"]["array"] == [9.5, 9.5] and front["error_y"]["arrayminus"] == [6, 6]
    assert (published["x"], published["y"]) == ([100, 120, 40], [36.5, 37.2, 20.7])
    layout = optimise_figures.scatter(document, rows, "hours")["layout"]
    assert layout["shapes"][0]["y0"] == 36.5 and layout["xaxis"]["title"]["text"] == "Hours on the drip (h)"


def test_the_page_holds_everything_and_lets_nothing_in() -> None:
    made = page.render(documents.document(), documents.rows())
    assert made == page.render(documents.document(), documents.rows())
    assert "default-src 'none'" in made
    text = html.unescape(re.sub(r"<[^>]+>", " ", made))
    assert "not treatments" in text and "31 mg/h/70kg" in text and "goldberg2010 racemic" in text
    assert "it outlasts <the> follow-up" in text and "<the>" not in made
