"""`letheon optimise`: what it prints and writes, what it refuses, and how it stops.

A formula stands in for the simulation of each regimen; all else is real. The oracles are the record of the search,
brute force, and the contract of exit codes.
"""

import html
import json
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import search_factory as factory

from letheon.errors import InputError
from letheon.extras import missing
from letheon.study.optimise import search as study
from letheon.study.optimise.document import SearchReport
from letheon.views.commands.interruption import kept_in
from letheon.views.document import html as pages
from letheon.views.document import terminal
from letheon.views.document.tree import Document, Figure, Plot, Table, blocks_of, plain
from letheon.views.subjects import optimisation as subject
from letheon.views.subjects.optimisation_words import standing

SCENARIO = """letheon: 1
title: The cheapest course
follow_up: 4 weeks
arms:
  course: {drug: racemic, sessions: [{at: day 1, rate: 20 mg/h, for: 4 h}]}
"""
BLOCK = "optimise: {arm: course, vary: {sessions.1.rate: {from: 5 mg/h, to: 40 mg/h}}}\n"


NUMBER = r"-?[0-9][0-9,.]*"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Let a formula stand in for the simulation, without published regimens; `act` is called in each search."""
    fake, search = SimpleNamespace(calls=[], act=lambda: None), study.optimise

    def spy(path: Path, **options: Any) -> study.Optimisation:
        fake.calls.append(options)
        fake.act()
        return search(path, **options)

    monkeypatch.setattr(study, "Evaluator", factory.Formula)
    monkeypatch.setattr(study.library, "studies", lambda: ())
    monkeypatch.setattr(study, "optimise", spy)
    yield fake


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> tuple[SearchReport, Any]:
    return factory.search(factory.SMALL, tmp_path_factory.mktemp("search") / "out")


@pytest.fixture
def optimise(command: Callable) -> Callable[..., tuple[int, str, str]]:
    return partial(command, "optimise")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "s.yaml").write_text(SCENARIO + BLOCK, encoding="utf-8")
    (tmp_path / "small.yaml").write_text(factory.SMALL, encoding="utf-8")
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
    assert (code, out) == (2, "") and not (here / "new").exists() and fake.calls == []
    assert err == f"letheon: {missing('optimise', 'pymoo')}\n"


# --- what it does ---


def test_options_reach_the_search(optimise: Callable, fake: SimpleNamespace, here: Path) -> None:
    def act() -> None:
        raise InputError("enough")

    fake.act = act
    for options in (["--candidates", "9", "--patients", "70", "--seed", "8", "--fresh"], [], ["--quick"]):
        code, _, err = optimise("s.yaml", "--out", "a", *options)
        assert code == 2 and err.endswith("letheon: enough\n")
    names = ("candidates", "patients", "seed", "fresh")
    options = [tuple(call[name] for name in names) for call in fake.calls]
    assert options == [(9, 70, 8, True), (400, 512, 1, False), (60, 128, 1, False)]


def test_it_writes_and_shows_a_search_and_keeps_its_page(optimise: Callable, fake: SimpleNamespace, here: Path) -> None:
    first = optimise("small.yaml", "--out", "out", "--candidates", "12")
    folder, page = here / "out", here / "out" / "front.html"
    assert first[0] == 0 and max(map(len, first[1].splitlines())) <= 80 and "candidates: 0 of 12" in first[2]
    assert all(f"out/{name}" in first[1] for name in ("front/01.yaml", "front.html"))
    assert optimise("small.yaml", "--out", "new", "--candidates", "12", "--quiet") == (0, "", "")
    text = page.read_text(encoding="utf-8")
    page.write_text("kept", encoding="utf-8")
    again = optimise("small.yaml", "--out", "out", "--candidates", "12", "--json")
    assert json.loads(again[1]) == json.loads((folder / "front.json").read_text(encoding="utf-8"))
    assert page.read_text(encoding="utf-8") == "kept"
    page.unlink()
    assert "--fresh" in optimise("small.yaml", "--out", "out", "--candidates", "12")[1]
    assert page.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(
    ("error", "code", "words"),
    [(KeyboardInterrupt(), 130, "interrupted"), (OSError(28, "No space left on device"), 1, "No space left on device")],
    ids=["interrupted", "full disk"],
)
def test_stopped_work_tells_how_to_continue(
    error: BaseException, code: int, words: str, fresh: bool, optimise: Callable, fake: SimpleNamespace, here: Path
) -> None:
    def act() -> None:
        raise error

    fake.act = act
    ended, out, err = optimise("s.yaml", "--out", "out", *(["--fresh"] if fresh else []))
    assert (ended, out) == (code, "")
    assert words in err and kept_in(Path("out"), fresh) in err


# --- what terminal and page say of a record ---


def tables(document: Document) -> dict[str, Table]:
    blocks = blocks_of(block for section in document.sections for block in section.blocks)
    return {block.label: block for block in blocks if isinstance(block, Table)}


def columns(table: Table) -> dict[str, list[str]]:
    rows = [(row.head, *row.cells) for group in table.groups for row in group.rows]
    return {plain(head): [plain(row[place]) for row in rows] for place, head in enumerate(table.heads)}


def test_every_number_of_the_record_is_in_both(found) -> None:
    search, others = found
    for document in (subject.document(search, others), subject.summary(search), subject.summary(search, wide=True)):
        shown = tables(document)
        for name, entries in (("The front", search.front), ("Published regimens", search.published)):
            table = columns(shown[name])
            for head, measure, form in (
                ("Relief days", "relief_days", ".1f"),
                ("Hours", "hours", ".0f"),
                ("Dose (mg)", "dose_mg", ",.0f"),
            ):
                means = [format(entry.measures[measure].mean, form) for entry in entries]
                assert [cell.split()[0] for cell in table[head]] == means
            apart = [f"{entry.measures['relief_days'].minus_placebo:.1f}" for entry in entries]
            assert [cell.split()[0] for cell in table["Minus placebo"]] == apart
        chances = [f"{100 * entry.chance_on_front:.0f} %" for entry in search.front]
        assert columns(shown["The front"])["Chance on the front"] == chances
        assert search.notice in " ".join(terminal.text(document).split())
    page = html.unescape(re.sub(r"<[^>]+>", "", pages.render(subject.document(search, others))))
    assert all(f"{name}: {why}" in page for name, why in search.skipped.items()) and search.skipped


def test_printed_intervals_hold_their_means(found) -> None:
    cells = [
        cell
        for table in tables(subject.document(*found)).values()
        for texts in columns(table).values()
        for cell in texts
    ]
    triples = [match for cell in cells if (match := re.fullmatch(rf"({NUMBER}) \(({NUMBER}) to ({NUMBER})\)", cell))]
    assert len(triples) == 2 * (len(found[0].front) + len(found[0].published)) - 4  # two of them have no spread
    for mean, low, high in ((float(text.replace(",", "")) for text in match.groups()) for match in triples):
        assert low <= mean <= high


def test_the_figures_draw_the_numbers(found) -> None:
    search, others = found
    figures = [block for block in subject.document(search, others).sections[1].blocks if isinstance(block, Figure)]
    for figure, cost in zip(figures, ("hours", "dose_mg"), strict=True):
        (plot,) = (block for block in figure.blocks if isinstance(block, Plot))
        cloud, front, published = plot.figure["data"]
        for trace, entries in ((front, search.front), (published, search.published)):
            for axis, measure in (("x", cost), ("y", "relief_days")):
                assert trace[axis] == pytest.approx([entry.measures[measure].mean for entry in entries], rel=1e-3)
        ends = [entry.measures["relief_days"].mean_interval for entry in search.front]
        drawn = zip(front["y"], front["error_y"]["arrayminus"], front["error_y"]["array"], strict=True)
        assert [(y - down, y + up) for y, down, up in drawn] == [pytest.approx(end, rel=1e-2) for end in ends]
        assert len(cloud["x"]) == len(others) == search.searched.candidates - len(search.front)
        assert plot.figure["layout"]["shapes"][0]["y0"] == search.constraints[0].at_least


def test_an_empty_front_has_a_sentence(found) -> None:
    empty = msgspec.structs.replace(found[0], front=())
    assert all("No regimen keeps" in terminal.text(make(empty)) for make in (subject.document, subject.summary))


def test_a_table_of_many_quantities_is_not_cut_off(found) -> None:
    paths = [f"boosters.session.repeat.{'long' * number}name" for number in range(1, 8)]
    variables = tuple(msgspec.structs.replace(found[0].variables[0], path=path) for path in paths)
    values = {path: f"{number}77 days" for number, path in enumerate(paths)}
    front = tuple(msgspec.structs.replace(entry, values=values) for entry in found[0].front)
    text = terminal.text(subject.summary(msgspec.structs.replace(found[0], variables=variables, front=front)))
    assert max(map(len, text.splitlines())) <= 80 and "…" not in text
    assert all(text.count(f"{number}77") == len(front) for number in range(len(paths)))


def test_short_names_stay_different(found) -> None:
    paths = ["sessions.1.rate", "sessions.2.rate", "sessions.1.repeat.times", "boosters.every"]
    variables = tuple(msgspec.structs.replace(found[0].variables[0], path=path) for path in paths)
    front = tuple(
        msgspec.structs.replace(found[0].front[0], values=dict(zip(paths, texts, strict=True)))
        for texts in (("5 mg/h", "1 mg", "3", "1 day"), ("7 mg/h", "1 g", "4", "2 days"))
    )
    assert subject.variable_columns(msgspec.structs.replace(found[0], variables=variables, front=front)) == [
        ("1 rate (mg/h)", ["5", "7"]),
        ("2 rate", ["1 mg", "1 g"]),
        ("times", ["3", "4"]),
        ("every", ["1 day", "2 days"]),
    ]


def test_long_fronts_are_thinned_evenly_and_both_ends_stay() -> None:
    for count in (25, 60, 399):
        places = subject.chosen_rows(count)
        assert len(places) == 24 and (places[0], places[-1]) == (0, count - 1) and len(set(places)) == 24
        kept = subject.chosen_rows(count, {3, 4, 7})
        assert {3, 4, 7} < set(kept) and len(kept) <= 27


@pytest.mark.parametrize("rivals", [(), (2,), (1, 2, 5), (1, 2, 3, 4), (1, 2, 3, 4, 5, 6)])
@pytest.mark.parametrize("feasible", [True, False])
def test_the_standing_of_a_regimen_counts_all_that_beat_it(found, rivals: tuple[int, ...], feasible: bool) -> None:
    text = standing(msgspec.structs.replace(found[0].published[0], beaten_by=rivals, feasible=feasible))
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    assert numbers == list(rivals if len(rivals) <= 4 else (*rivals[:3], len(rivals) - 3))
    assert ("limit" in text) == (not feasible) and ("not beaten" in text) == (feasible and not rivals)
