"""The package as others meet it: what importing loads, what a wheel holds, what is declared and pinned."""

import ast
import importlib
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from conftest import HEAVY
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import letheon

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def declared(*extras: str) -> dict[str, Requirement]:
    """Return what the package asks for, with these extras, by normalised name."""
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
    homes["simulate"] = importlib.import_module("letheon.runs")
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
    """Return the distributions of the foreign packages that the files in a folder import."""
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
