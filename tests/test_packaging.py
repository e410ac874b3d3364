"""The package as others meet it: what importing loads, what a wheel holds, what is declared, pinned and extra.

Which command runs with which extra is tried without the packages, left out exactly, in a fresh interpreter that finds
none but those that pip would have brought: the oracle is what the installed packages say that they need. The slow test
makes real environments with pip.
"""

import ast
import importlib
import importlib.metadata
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path

import pytest
import typer
from conftest import HEAVY
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import letheon
from letheon import extras
from letheon.extras import EXTRAS as COMMANDS
from letheon.views.commands.main import app

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def declared(*extras: str) -> dict[str, Requirement]:
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    requirements = [Requirement(line) for line in lines if not line.startswith("letheon[")]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def pinned() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_importing_loads_nothing_heavy_sets_nothing_and_starts_nothing(fresh_python) -> None:
    process = fresh_python(
        "import json, os, sys, threading; before = dict(os.environ); import letheon;"
        "print(json.dumps([sorted(sys.modules), before == dict(os.environ), threading.active_count()]))"
    )
    assert process.returncode == 0, process.stderr
    modules, untouched, threads = json.loads(process.stdout)
    assert set(HEAVY) & set(modules) == set()
    assert [name for name in modules if name.startswith("letheon.")] == ["letheon._version"]
    assert untouched and threads == 1


@pytest.mark.parametrize("arguments", [["--help"], ["simulate", "--help"], ["--version"]])
def test_commands_without_numbers_load_nothing_heavy(arguments: list[str], heavy_modules) -> None:
    assert heavy_modules(*arguments) == (0, set())


def test_the_public_names_are_the_functions_in_their_homes() -> None:
    homes = {name: importlib.import_module("letheon.scenario") for name in ("load", "loads")}
    homes |= {
        "simulate": importlib.import_module("letheon.runs"),
        "check": importlib.import_module("letheon.study.check"),
    }
    assert all(getattr(letheon, name) is getattr(home, name) for name, home in homes.items())
    assert {*homes, "__version__"} == set(letheon.__all__) <= set(dir(letheon))
    with pytest.raises(AttributeError, match=r"no attribute 'simulat'; it has .*simulate"):
        _ = letheon.simulat


def test_the_wheel_holds_the_whole_package_its_licence_and_its_command(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("letheon-*.whl")
    assert wheel.name == f"letheon-{letheon.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = f"letheon-{letheon.__version__}.dist-info"
        commands = archive.read(f"{info}/entry_points.txt").decode()
    source = ROOT / "src"
    expected = {
        path.relative_to(source).as_posix()
        for path in (source / "letheon").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if not name.startswith(info)} == expected
    assert f"{info}/licenses/LICENSE" in names
    assert "letheon = letheon.views.commands.main:main" in commands
    assert "letheon/py.typed" in expected
    assert any(name.endswith(".toml") for name in expected) and any(name.endswith(".bib") for name in expected)


def imported_by(folder: Path) -> set[str]:
    names = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    scripts = (ROOT / "docs").rglob("*.py")
    own = {"letheon", folder.name, *(path.stem for path in (*folder.rglob("*.py"), *scripts))}
    known = importlib.metadata.packages_distributions()
    known["ruamel"] = ["ruamel.yaml"]  # a namespace that other packages may share
    known["roadrunner"] = ["libroadrunner"]  # which the tests do without
    foreign = names - set(sys.stdlib_module_names) - own
    return {canonicalize_name(known[name][0] if name in known else name) for name in foreign}


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("src", ["web", "calibrate", "cluster", "query", "optimise"]),
        ("tests", ["web", "calibrate", "cluster", "optimise", "test"]),
        ("benchmarks", ["bench", "bench-native"]),
    ],
)
def test_what_is_imported_is_declared(folder: str, extras: list[str]) -> None:
    assert imported_by(ROOT / folder) - set(declared(*extras)) == set()
    if folder == "src":
        assert set(declared()) - imported_by(ROOT / folder) == set()


def test_every_dependency_is_pinned_within_its_bounds_and_from_no_address() -> None:
    pins = {}
    for requirement in pinned():
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), requirement
        assert requirement.url is None and not requirement.extras
        pins.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    for name, requirement in declared(*EXTRAS).items():
        assert name in pins, f"{name} is not in constraints.txt: run make constraints"
        for pin in pins[name]:
            version = str(pin.specifier).removeprefix("==")
            assert requirement.specifier.contains(version), f"{pin} is outside {requirement}: run make constraints"
    assert "letheon" not in pins


@pytest.mark.parametrize("python", ["3.11.2", "3.12.4", "3.13.1"])
@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_one_pin_holds_for_each_python_and_system(python: str, system: str) -> None:
    marker = {
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "sys_platform": system,
        "platform_system": system.capitalize(),
        "platform_machine": "x86_64",
    }
    here = [pin for pin in pinned() if pin.marker is None or pin.marker.evaluate(marker)]
    names = [canonicalize_name(pin.name) for pin in here]
    assert len(names) == len(set(names)) and {"jax", "jaxlib", "numpy", "scipy"} <= set(names)


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
    ["evidence", "show", "sigtermans2009"], ["evidence", "add", "--template"], ["explain", "relapse"], ["check", "s.yaml"],
]  # fmt: skip
NEEDING = {
    "calibrate": ["calibrate", "--quick", "--out", "fit"],
    "cluster": ["simulate", "s.yaml", "--out", "crew", "--quiet", "--cluster", "local:1"],
    "optimise": ["optimise", "search.yaml", "--out", "found", "--quick", "--patients", "8", "--candidates", "2"],
    "query": ["query", "run", "SELECT count(*) FROM endpoints"],
    "web": ["explore", "--port", "0"],
}  # fmt: skip
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
    ahead = [Requirement(line) for line in PROJECT["dependencies"]]
    ahead += [Requirement(line) for extra in wanted for line in EXTRAS[extra]]
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
    assert (code, out) == (2, ""), (extra, err)
    assert err.startswith(f"letheon: letheon {COMMANDS[extra].command} needs {COMMANDS[extra].packages[0]}, "), err
    assert len(err.splitlines()) == 1
    line = err.rstrip("\n").partition("run: ")[2]
    assert f"[{extra}]" in line
    return line


def test_what_the_code_says_of_extras_is_what_the_package_declares() -> None:
    assert Requirement(EXTRAS["all"][0]).extras == set(COMMANDS) and len(EXTRAS["all"]) == 1
    commands = set(vars(typer.main.get_command(app))["commands"])
    assert {line[0] for line in [*BARE, *NEEDING.values()]} | {"validate"} == commands
    for name, extra in COMMANDS.items():
        declared = {canonicalize_name(Requirement(line).name) for line in EXTRAS[name]}
        assert {canonicalize_name(package) for package in extra.packages} <= declared
        assert extra.command.split()[0] in commands


@pytest.mark.long
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
        default = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs ignore Ctrl-C
        return subprocess.Popen(
            [self.bin / "letheon", *command], cwd=self.folder, env=self.names, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=default,
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
