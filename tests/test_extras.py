"""A plain installation and its extras: which command runs with what, tried without the packages and with them.

Packages are left out exactly, in a fresh interpreter that finds none but those that pip would have brought: the oracle
is what the installed packages say that they need. The slow test makes real environments with pip.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
import venv
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from letheon import extras
from letheon.extras import EXTRAS
from letheon.views.commands.main import app

ROOT = Path(__file__).resolve().parent.parent
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SCENARIO = """
letheon: 1
title: a day
population: {n: 8}
follow_up: 1 day
arms: {a: {drug: racemic, sessions: [{at: 0 h, rate: 1 mg/h, for: 1 h}]}}
"""
SEARCH = SCENARIO + "optimise: {arm: a, vary: {sessions.1.rate: {from: 1 mg/h, to: 3 mg/h, step: 1 mg/h}}}\n"
BARE = [
    ["simulate", "s.yaml", "--out", "run", "--quiet"], ["simulate", "s.yaml", "--out", "run", "--json"],
    ["cite", "run"], ["library", "otto2021"], ["worksheet", "s.yaml"], ["schema"], ["evidence", "list"],
    ["evidence", "show", "sigtermans2009"],
]  # fmt: skip
NEEDING = {
    "calibrate": ["calibrate", "--quick", "--out", "fit"],
    "cluster": ["simulate", "s.yaml", "--out", "crew", "--quiet", "--cluster", "local:1"],
    "optimise": ["optimise", "search.yaml", "--out", "found", "--quick", "--patients", "8", "--candidates", "2"],
    "query": ["query", "run", "SELECT count(*) FROM endpoints"],
    "web": ["explore", "--port", "0"],
}
# finds no package but those that are allowed, and runs commands one after another in one process
RUNNER = """
import contextlib, io, json, sys
from importlib.machinery import PathFinder
hidden, commands = json.loads(sys.argv[1])
class Bare(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in hidden else super().find_spec(name, path, target)
sys.meta_path[:] = [Bare if finder is PathFinder else finder for finder in sys.meta_path]
from letheon.views.commands.main import main
answers = []
for command in commands:
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(command)
        except SystemExit as ended:
            code = ended.code or 0
    answers.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(answers))
"""


def brought(*wanted: str) -> set[str]:
    """Return the distributions that pip brings for Letheon with these extras: what they ask for, and so on."""
    names: set[str] = set()
    ahead = [Requirement(line) for line in DECLARED["dependencies"]]
    ahead += [Requirement(line) for extra in wanted for line in DECLARED["optional-dependencies"][extra]]
    while ahead:
        requirement = ahead.pop()
        name = canonicalize_name(requirement.name)
        key = f"{name}[{','.join(sorted(requirement.extras))}]"
        if key in names:
            continue
        names |= {key, name}
        try:
            lines = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        for line in map(Requirement, lines):
            if line.marker is None or any(line.marker.evaluate({"extra": e}) for e in ("", *requirement.extras)):
                ahead.append(line)
    return names


def hidden(*wanted: str) -> list[str]:
    """Return the top-level names of what is installed here and would be absent with these extras."""
    there = brought(*wanted) | {"letheon"}
    owners = metadata.packages_distributions()
    return sorted(n for n, of in owners.items() if not {canonicalize_name(one) for one in of} & there)


@pytest.fixture
def tried(tmp_path: Path, fresh_python: Callable) -> Callable[..., list[tuple]]:
    """Return a function that runs commands with some extras and no other package, all in one folder."""
    prepare(tmp_path)

    def run(commands: list[list[str]], *wanted: str) -> list[tuple]:
        process = fresh_python(RUNNER, json.dumps([hidden(*wanted), commands]), cwd=tmp_path)
        assert process.returncode == 0, process.stderr
        return json.loads(process.stdout.splitlines()[-1])

    return run


def prepare(folder: Path) -> None:
    (folder / "s.yaml").write_text(SCENARIO, encoding="utf-8")
    (folder / "search.yaml").write_text(SEARCH, encoding="utf-8")


def refused(extra: str, code: int, out: str, err: str) -> str:
    """Check a refusal and return the line that it gives."""
    assert (code, out) == (2, ""), (extra, err)
    assert err.startswith(f"letheon: letheon {EXTRAS[extra].command} needs {EXTRAS[extra].packages[0]}, "), err
    assert len(err.splitlines()) == 1
    line = err.rstrip("\n").partition("run: ")[2]
    assert f"[{extra}]" in line
    return line


def test_what_the_code_says_of_extras_is_what_the_package_declares() -> None:
    optional = DECLARED["optional-dependencies"]
    assert Requirement(optional["all"][0]).extras == set(EXTRAS) and len(optional["all"]) == 1
    commands = set(vars(typer.main.get_command(app))["commands"])
    assert {line[0] for line in [*BARE, *NEEDING.values()]} | {"validate"} == commands
    for name, extra in EXTRAS.items():
        declared = {canonicalize_name(Requirement(line).name) for line in optional[name]}
        assert {canonicalize_name(package) for package in extra.packages} <= declared
        assert extra.command.split()[0] in commands


def test_plain_installation_runs_its_commands_and_the_others_name_their_extra(tried, tmp_path: Path) -> None:
    answers = tried([*BARE, *NEEDING.values()])
    for command, (code, out, err) in zip(BARE, answers, strict=False):
        assert code == 0 and (out or "--quiet" in command), (command, err)
    for extra, answer in zip(NEEDING, answers[len(BARE) :], strict=True):
        assert refused(extra, *answer) == extras.install_line(extra)
    assert {path.name for path in tmp_path.iterdir()} == {"s.yaml", "search.yaml", "run"}  # nothing had begun
    ((code, out, err),) = tried([NEEDING["query"]], "query")
    assert code == 0 and out.split()[-1] == "8", err


@pytest.mark.parametrize(
    ("origin", "arguments"),
    [
        ({"url": "{tree}", "dir_info": {}}, "-c {folder}/constraints.txt '{folder}[query]'"),
        ({"url": "{tree}/l.whl", "archive_info": {}}, "'{folder}/l.whl[query]'"),
        (
            {"url": "https://h.example/l.git", "vcs_info": {"vcs": "git", "commit_id": "a1"}},
            "'letheon[query] @ git+https://h.example/l.git@a1'",
        ),
        ({"url": "https://h.example/l.whl", "archive_info": {}}, "'letheon[query] @ https://h.example/l.whl'"),
        ({"url": "{tree}/gone", "dir_info": {}}, "'duckdb>=1.1'"),
        (None, "'letheon[query]'"),
    ],
)
def test_an_extra_comes_from_where_letheon_came_from(origin, arguments: str, tmp_path: Path, monkeypatch) -> None:
    for name in ("constraints.txt", "l.whl"):
        (tmp_path / name).touch()
    text = json.dumps(origin).replace("{tree}", tmp_path.as_uri()) if origin else None

    class Installed:
        requires = ("duckdb>=1.1; extra == 'query'", "fastapi>=0.1; extra == 'web'", "numpy")

        def read_text(self, name: str) -> str | None:
            return text

    monkeypatch.setattr(extras, "__file__", str(tmp_path / "site" / "packages" / "letheon" / "extras.py"))
    monkeypatch.setattr(metadata, "distribution", lambda name: Installed())
    line = extras.install_line("query").removeprefix(shlex.join([sys.executable, "-m", "pip", "install"]))
    assert line.strip() == arguments.replace("{folder}", str(tmp_path))


# --- real environments ---


class Environment:
    def __init__(self, folder: Path):
        self.folder, self.bin = folder, folder / "venv" / "bin"
        self.names = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        venv.create(folder / "venv", with_pip=True)
        self.install([str(self.bin / "python"), "-m", "pip", "install", "-c", str(ROOT / "constraints.txt"), str(ROOT)])
        prepare(folder)

    def install(self, line: list[str]) -> None:
        subprocess.run([*line, "-q"], env=self.names, check=True, timeout=1500)

    def start(self, command: list[str]) -> subprocess.Popen:
        return subprocess.Popen(
            [self.bin / "letheon", *command], cwd=self.folder, env=self.names, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, command: list[str]) -> tuple[int, str, str]:
        process = self.start(command)
        out, err = process.communicate(timeout=1500)
        return process.returncode, out, err

    def begun(self, command: list[str], sign: str) -> None:
        """Start a command that takes long, and stop it once it is at work."""
        process = self.start(command)
        assert process.stderr is not None
        seen = []
        for line in process.stderr:
            seen.append(line)
            if re.search(sign, line):
                break
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
        assert re.search(sign, "".join(seen)), seen
        assert process.returncode in (0, 130), (process.returncode, seen)


@pytest.mark.slow
def test_every_command_in_a_bare_environment_with_and_without_its_extra(tmp_path: Path) -> None:
    """The line that a refusal prints is run as it stands, and the command tried again."""
    bare = Environment(tmp_path)
    for command in [*BARE, ["validate", "--out", "validation.html"]]:
        code, _, err = bare.run(command)
        assert code == 0, (command, err)
    long = {"calibrate": "sampling|fitting|slow_site|memory", "web": "Ctrl-C ends"}
    for extra, command in NEEDING.items():
        line = refused(extra, *bare.run(command))
        bare.install(shlex.split(line))
        if extra in long:
            bare.begun(command, long[extra])
        else:
            code, _, err = bare.run(command)
            assert code == 0, (command, err)
