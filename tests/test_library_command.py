"""`letheon library` and `letheon cite`: the oracle is the library's own records."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from letheon import library
from letheon.views.document.terminal import text
from letheon.views.subjects.library import entry

RESULT = {"letheon": "0.1.0", "title": "a trial", "sources": ["otto2021", "sigtermans2009"]}


def test_every_number_of_the_library_can_be_read() -> None:
    shown: dict[str, list[str]] = {}
    for home, number in library.numbers():
        match = re.fullmatch(r"pk/(\w+)\.toml|.*\[(\w+)\]", home)
        assert match
        name = match[1] or match[2]
        shown.setdefault(name, text(entry(name)).splitlines())
        value = re.compile(rf"{number.name} = {re.escape(f'{number.value:g}')}( |$)")
        assert any(value.match(line) for line in shown[name]), home


def test_library_shows_a_model_with_omegas_and_sources(command: Callable) -> None:
    code, out, _ = command("library", "otto2021")
    model, flat = library.pk_model("otto2021"), " ".join(out.split())
    assert code == 0
    for number in model.parameters.values():
        low, high = number.range
        assert f"range: {low:g} to {high:g} {number.unit}" in flat and number.note in flat
        assert number.omega is None or f"omega {number.omega:.4g}" in flat
    assert "0.02261" in flat  # the covariance of v1 and cl
    assert all(library.sources()[key].citation in flat for key in model.sources)


def test_library_loads_nothing_heavy(heavy_modules: Callable) -> None:
    code, heavy = heavy_modules("library", "otto2021")
    assert code == 0 and heavy <= {"rich"}


def test_cite_lists_the_sources_of_a_run(command: Callable, tmp_path: Path) -> None:
    document = RESULT | {"sources": ["otto2021", "nlmixr2lib", "future2031"]}
    (tmp_path / "result.json").write_text(json.dumps(document), encoding="utf-8")
    code, out, err = command("cite", tmp_path)
    assert (code, err) == (0, "")
    flat, otto = " ".join(out.split()), library.sources()["otto2021"]
    assert all(text in flat for text in (otto.citation, f"https://doi.org/{otto.doi} ", otto.note))
    assert library.sources()["nlmixr2lib"].url in flat
    assert "future2031: not in the library" in flat
    assert "sigtermans2009" not in out


def test_cite_writes_bibtex(command: Callable, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(json.dumps(RESULT), encoding="utf-8")
    code, out, _ = command("cite", tmp_path, "--bibtex")
    assert code == 0
    assert re.findall(r"^@\w+\{(.+),$", out, re.MULTILINE) == ["otto2021", "sigtermans2009", "letheon"]
    assert f"doi = {{{library.sources()['sigtermans2009'].doi}}}" in out
    assert len(re.findall(r"^\}$", out, re.MULTILINE)) == 3


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("run.json", "{}", "not finished"),
        ("result.json", "{", "not a result of Letheon"),
        ("result.json", "[]", "not a result of Letheon"),
        ("result.json", '{"letheon": "0.1.0", "title": "x", "sources": [1]}', "not a result of Letheon"),
    ],
)
def test_cite_refuses_folders_without_a_result(
    name: str, content: str, reason: str, command: Callable, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    code, out, err = command("cite", tmp_path)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1 and reason in err and str(tmp_path) in err
