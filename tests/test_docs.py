"""The documentation is true: its examples run, its links lead somewhere, and versions agree.

The oracles are the program itself (its commands and options, the examples, the Makefile) and the tree.
"""

import importlib.util
import inspect
import pkgutil
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from numpydoc.validate import validate
from ruamel.yaml import YAML
from typer.main import get_command
from typer.testing import CliRunner

import letheon
from letheon.library.evidence import ROLES, SUPPORT_LABELS

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").rglob("*.yaml"))


# Their pages are made when the documentation is built; what they say is in the scripts' comments.
TUTORIALS = [path for path in sorted((ROOT / "docs" / "tutorials").glob("*.py")) if "\n# %%" in path.read_text("utf-8")]


def text_of(page: Path) -> str:
    """Return a page's text, that of a tutorial without the marks of its comments."""
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^# ?", "", text, flags=re.MULTILINE) if page.suffix == ".py" else text


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of one language in a page."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text_of(page), re.MULTILINE | re.DOTALL)


def command_lines() -> list[tuple[str, list[str]]]:
    """Return every `letheon …` line of a shell block and every such phrase in the running text."""
    shown = []
    for page in [*PAGES, *TUTORIALS]:
        lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
        lines += re.findall(r"`(letheon [^`]+)`", text_of(page))
        shown += [(name_of(page), line.split("#")[0].split()[1:]) for line in lines if line.startswith("letheon ")]
    return shown


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_scenario_shown_is_part_of_an_example(page: Path) -> None:
    examples = [path.read_text(encoding="utf-8") for path in EXAMPLES]
    for block in blocks(page, "yaml"):
        assert any(block in example for example in examples), f"no example holds this scenario:\n{block}"
        assert page.name != "README.md" or letheon.loads(block).arms


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_shown_compiles_and_its_names_exist(page: Path) -> None:
    for block in blocks(page, "python"):
        compile(block, name_of(page), "exec")
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"\bletheon\.(\w+)\(", text):
        assert name in letheon.__all__ and callable(getattr(letheon, name))


@pytest.mark.parametrize("page", [*PAGES, *TUTORIALS], ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if not re.match(r"https?:|mailto:|#", target):
            path = page.parent / target.split("#")[0]
            if not path.is_file() and path.with_suffix(".py") not in TUTORIALS:
                broken.append(target)
    assert broken == []


@pytest.mark.parametrize(("page", "words"), command_lines(), ids=str)
def test_commands_shown_exist_with_their_options(page: str, words: list[str]) -> None:
    from letheon.views.commands.main import app

    commands = getattr(get_command(app), "commands")  # noqa: B009  (typer's own type does not know it)
    if words[0].startswith("-"):
        assert CliRunner().invoke(app, words[:1]).exit_code == 0
        return
    assert words[0] in commands, f"{page} speaks of `letheon {words[0]}`, which does not exist"
    command, rest = commands[words[0]], words[1:]
    while inner := vars(command).get("commands"):
        if not rest:
            return
        assert rest[0] in inner, f"{page} speaks of `letheon {' '.join(words)}`, which does not exist"
        command, rest = inner[rest[0]], rest[1:]
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    assert {word for word in words if word.startswith("--")} <= options


def test_make_targets_shown_exist_and_the_help_lists_all() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert phony and set(phony.group(1).split()) == targets
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert set(re.findall(r"^  make ([a-z-]+) ", shown, re.MULTILINE)) == targets
    for page in PAGES:
        targets_named = re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(targets_named) <= targets, name_of(page)


def test_the_navigation_names_every_page() -> None:
    def named(entries: list[dict[str, Any]]) -> Iterator[str]:
        for value in (value for entry in entries for value in entry.values()):
            yield from named(value) if isinstance(value, list) else [value]

    nav = YAML(typ="safe").load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    tutorials = [path.with_suffix(".md") for path in TUTORIALS]
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in [*(ROOT / "docs").rglob("*.md"), *tutorials]}
    assert sorted(named(nav)) == sorted(pages)


def test_the_reference_names_modules_that_exist() -> None:
    assert REFERENCE
    for module in REFERENCE:
        path = ROOT.joinpath("src", *module.split("."))
        assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file(), module


def test_the_pages_for_developers_name_what_exists_and_all_that_branches_on_a_pain_model() -> None:
    """Red when a file or name that a page gives was moved, or another file branches on the pain model."""
    text = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
    paths = set(re.findall(r"`((?:src|tests|docs)/[\w./-]+|[\w-]+\.(?:md|yml))`", text))
    assert [path for path in sorted(paths) if "KEY" not in path and not (ROOT / path).exists()] == []
    for name in re.findall(r"`(letheon(?:\.\w+)+\.[A-Z_]+)`", text):
        module, _, constant = name.rpartition(".")
        assert hasattr(importlib.import_module(module), constant), name
    for function in re.findall(r"beside `(_\w+)`", text):
        assert hasattr(importlib.import_module("letheon.study.calibrate.trials"), function), function
    rooms = ("body", "patients", "scenario", "pipeline")
    files = [path for room in rooms for path in (ROOT / "src" / "letheon" / room).glob("*.py")]
    branching = [path for path in files if '"slow_site"' in path.read_text(encoding="utf-8")]
    assert [path.name for path in branching if path.relative_to(ROOT).as_posix() not in text] == []
    assert all(f"`{role}`" in text for role in ROLES)
    modules = re.findall(r"^::: (\S+)$", (ROOT / "docs" / "reference.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert modules and all(importlib.util.find_spec(module) for module in modules)
    labels = re.findall(r"^\| `([a-z ]+)` \|", (ROOT / "docs" / "limits.md").read_text("utf-8"), re.MULTILINE)
    assert set(labels) == set(SUPPORT_LABELS)


def test_versions_agree() -> None:
    citation = YAML(typ="safe").load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == letheon.__version__
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == letheon.__version__


@pytest.mark.parametrize("page", ["README.md", "docs/index.md", "docs/limits.md"])
def test_front_pages_carry_the_notice(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8").lower()
    assert "research and education only" in text and "no advice about a person" in text


# --- docstrings ---

MODULES = [module.name for module in pkgutil.walk_packages(letheon.__path__, "letheon.")]
REFERENCE = re.findall(r"^::: (\S+)$", (ROOT / "docs" / "reference.md").read_text(encoding="utf-8"), re.MULTILINE)
CHECKS = set(
    tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["numpydoc_validation"]["checks"]
)


def public_objects(module: ModuleType) -> Iterator[str]:
    """Return the full names of a module's public functions and classes, and of these classes' methods."""
    own = [name for name in vars(module) if not name.startswith("_")]
    for name in getattr(module, "__all__", own):
        thing = getattr(module, name)
        home = getattr(thing, "__module__", None) or ""
        is_ours = home.startswith("letheon.") if hasattr(module, "__all__") else home == module.__name__
        if not is_ours or not callable(thing) or not hasattr(thing, "__name__"):
            continue
        yield f"{home}.{name}"
        if inspect.isclass(thing):
            for member, value in vars(thing).items():
                if not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
                    yield f"{home}.{name}.{member}"


@pytest.mark.parametrize("name", MODULES)
def test_modules_say_what_they_are_for(name: str) -> None:
    assert (importlib.import_module(name).__doc__ or "").strip()


@pytest.mark.parametrize("name", ["letheon", *REFERENCE])
def test_docstrings_of_the_reference_are_whole(name: str) -> None:
    faults = []
    for thing in public_objects(importlib.import_module(name)):
        faults += [f"{thing}: {code} {text}" for code, text in validate(thing)["errors"] if code in CHECKS]
    assert faults == []
