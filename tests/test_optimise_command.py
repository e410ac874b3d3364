"""`letheon optimise`: what it prints and writes, what it refuses, and how it stops.

A formula stands in for the simulation of each regimen; all else is real. The oracles are the record of the search,
brute force, and the contract of exit codes.
"""

import html
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import search_factory as factory

from letheon.errors import InputError
from letheon.study.optimise import search as study
from letheon.study.optimise.document import SearchReport
from letheon.views.commands.long_work import kept_in
from letheon.views.document import html as pages
from letheon.views.document import numbers, terminal
from letheon.views.document.tree import Document, Figure, Plot, Table, blocks_of, plain
from letheon.views.subjects import optimisation as subject
from letheon.views.subjects.optimisation import standing

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
    monkeypatch.setattr(study, "library", SimpleNamespace(studies=lambda: ()))  # support is of the real ones
    monkeypatch.setattr(study, "optimise", spy)
    yield fake


@pytest.fixture
def optimise(command: Callable) -> Callable[..., tuple[int, str, str]]:
    return partial(command, "optimise")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "s.yaml").write_text(factory.COURSE + factory.BLOCK, encoding="utf-8")
    (tmp_path / "small.yaml").write_text(factory.SMALL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


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
def test_stopped_work_says_how_to_continue(error, code: int, words: str, fresh: bool, optimise, fake, here) -> None:
    def act() -> None:
        raise error

    fake.act = act
    ended, out, err = optimise("s.yaml", "--out", "out", *(["--fresh"] if fresh else []))
    assert (ended, out) == (code, "")
    assert words in err and kept_in(Path("out"), fresh) in err


def tables(document: Document) -> dict[str, Table]:
    blocks = blocks_of(block for section in document.sections for block in section.blocks)
    return {block.label: block for block in blocks if isinstance(block, Table)}


def columns(table: Table) -> dict[str, list[str]]:
    rows = [(row.head, *row.cells) for group in table.groups for row in group.rows]
    return {plain(head): [plain(row[place]) for row in rows] for place, head in enumerate(table.heads)}


@pytest.fixture(scope="module")
def search(tmp_path_factory) -> tuple[SearchReport, Any]:
    return factory.search(factory.SMALL, tmp_path_factory.mktemp("search") / "out")


def test_every_number_of_the_record_is_in_both(search) -> None:
    report, others = search
    for document in (subject.document(report, others), subject.summary(report)):
        shown = tables(document)
        for name, entries in (("The front", report.front), ("Published regimens", report.published)):
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
        chances = [numbers.chance(entry.chance_on_front) for entry in report.front]
        assert columns(shown["The front"])["Chance on the front"] == chances
        assert report.notice in " ".join(terminal.text(document).split())
        for cell in (cell for table in shown.values() for texts in columns(table).values() for cell in texts):
            if match := re.fullmatch(rf"({NUMBER}) \(({NUMBER}) to ({NUMBER})\)", cell):
                mean, low, high = (float(text.replace(",", "")) for text in match.groups())
                assert low <= mean <= high
    page = html.unescape(re.sub(r"<[^>]+>", "", pages.render(subject.document(report, others))))
    assert all(f"{name}: {why}" in page for name, why in report.skipped.items()) and report.skipped
    empty = msgspec.structs.replace(report, front=())
    assert all("No regimen keeps" in terminal.text(view(empty)) for view in (subject.document, subject.summary))


def test_the_figures_draw_the_numbers(search) -> None:
    report, others = search
    figures = [block for block in subject.document(report, others).sections[1].blocks if isinstance(block, Figure)]
    for figure, cost in zip(figures, ("hours", "dose_mg"), strict=True):
        (plot,) = (block for block in figure.blocks if isinstance(block, Plot))
        cloud, front, published = plot.figure["data"]
        for trace, entries in ((front, report.front), (published, report.published)):
            for axis, measure in (("x", cost), ("y", "relief_days")):
                assert trace[axis] == pytest.approx([entry.measures[measure].mean for entry in entries], rel=1e-3)
        ends = [entry.measures["relief_days"].mean_interval for entry in report.front]
        bars = zip(front["y"], front["error_y"]["arrayminus"], front["error_y"]["array"], strict=True)
        assert [(y - down, y + up) for y, down, up in bars] == [pytest.approx(end, rel=1e-2) for end in ends]
        assert len(cloud["x"]) == len(others) == report.searched.candidates - len(report.front)
        assert plot.figure["layout"]["shapes"][0]["y0"] == report.constraints[0].at_least


def test_many_quantities_are_not_cut_off_and_short_names_stay_different(search) -> None:
    report = search[0]

    def varied(*values: tuple[str, ...], paths: list[str]) -> SearchReport:
        variables = tuple(msgspec.structs.replace(report.variables[0], path=path) for path in paths)
        rows = zip(report.front, values, strict=False)
        front = (msgspec.structs.replace(row, values=dict(zip(paths, texts, strict=True))) for row, texts in rows)
        return msgspec.structs.replace(report, variables=variables, front=tuple(front))

    names = [f"boosters.session.repeat.{'long' * number}name" for number in range(1, 8)]
    wide = varied(tuple(f"{number}77 days" for number in range(7)), paths=names)
    text = terminal.text(subject.summary(wide))
    assert max(map(len, text.splitlines())) <= 80 and "…" not in text
    assert all(text.count(f"{number}77") == 1 for number in range(7))
    paths = ["sessions.1.rate", "sessions.2.rate", "sessions.1.repeat.times", "boosters.every"]
    two = varied(("5 mg/h", "1 mg", "3", "1 day"), ("7 mg/h", "1 g", "4", "2 days"), paths=paths)
    assert subject.variable_columns(two) == [
        ("1 rate (mg/h)", ["5", "7"]),
        ("2 rate", ["1 mg", "1 g"]),
        ("times", ["3", "4"]),
        ("every", ["1 day", "2 days"]),
    ]


def test_long_fronts_are_thinned_evenly_and_both_ends_stay() -> None:
    for count in (25, 60, 399):
        places = subject.chosen_rows(count)
        assert len(places) == 24 and (places[0], places[-1]) == (0, count - 1) and len(set(places)) == 24
        chosen = subject.chosen_rows(count, {3, 4, 7})
        assert {3, 4, 7} < set(chosen) and len(chosen) <= 27


@pytest.mark.parametrize("rivals", [(), (2,), (1, 2, 5), (1, 2, 3, 4), (1, 2, 3, 4, 5, 6)])
@pytest.mark.parametrize("feasible", [True, False])
def test_the_standing_of_a_regimen_counts_all_that_beat_it(search, rivals: tuple[int, ...], feasible: bool) -> None:
    text = standing(msgspec.structs.replace(search[0].published[0], beaten_by=rivals, feasible=feasible))
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    assert numbers == list(rivals if len(rivals) <= 4 else (*rivals[:3], len(rivals) - 3))
    assert ("limit" in text) == (not feasible) and ("not beaten" in text) == (feasible and not rivals)


def test_the_own_candidates_are_answered_for_before_published_regimens(tmp_path, monkeypatch) -> None:
    """Red when a study is simulated before the last candidate, or the first answer is not the final front."""
    monkeypatch.setattr(study, "Evaluator", factory.Formula)
    answers: list[SearchReport] = []
    result = study.optimise(
        factory.loads_search(factory.SMALL), out=tmp_path / "out", patients=64, first=answers.append
    )
    rows = (tmp_path / "out" / "evaluations.jsonl").read_text(encoding="utf-8").splitlines()
    own = [not json.loads(row)["regimen"].startswith("study:") for row in rows]
    assert len(answers) == 1 and own == sorted(own, reverse=True) and not all(own)
    one, last = answers[0], result.document
    assert [entry.values for entry in one.front] == [entry.values for entry in last.front]
    assert {entry.kind for entry in one.published} == {"arm"} and len(last.published) > len(one.published)
    study.optimise(factory.loads_search(factory.SMALL), out=tmp_path / "out", patients=64, first=answers.append)
    assert len(answers) == 1  # all is known
