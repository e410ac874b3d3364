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
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import letheon

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ["jax", "numpy", "scipy", "pint", "polars", "pyarrow", "plotly", "lifelines", "statsmodels", "arviz", "numpyro"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def declared(*extras: str) -> dict[str, Requirement]:
    """Return what the package asks for, with these extras, by normalised name."""
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    requirements = [Requirement(line) for line in lines if not line.startswith("letheon[")]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def pinned() -> list[Requirement]:
    """Return the lines of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


# --- importing ---


def test_importing_loads_nothing_heavy_sets_nothing_and_starts_nothing(fresh_python) -> None:
    code = (
        "import json, os, sys, threading; before = dict(os.environ); import letheon;"
        "print(json.dumps([sorted(sys.modules), before == dict(os.environ), threading.active_count()]))"
    )
    done = fresh_python(code)
    assert done.returncode == 0, done.stderr
    modules, untouched, threads = json.loads(done.stdout)
    assert set(HEAVY) & set(modules) == set()
    assert [name for name in modules if name.startswith("letheon.")] == ["letheon._version"]
    assert untouched and threads == 1


@pytest.mark.parametrize("arguments", [["--help"], ["simulate", "--help"], ["simulate", "no-such-scenario.yaml"]])
def test_help_and_refusals_load_nothing_heavy(fresh_python, tmp_path: Path, arguments: list[str]) -> None:
    code = (
        "import atexit, json, sys\n"
        "from letheon.views.commands.main import main\n"
        "sys.argv[0] = 'letheon'\n"
        "atexit.register(lambda: print('LOADED', json.dumps(sorted(sys.modules)), file=sys.stderr))\n"
        "sys.exit(main())\n"
    )
    done = fresh_python(code, *arguments, cwd=tmp_path)
    assert done.returncode == (0 if "--help" in arguments else 2), done.stderr
    loaded = json.loads(done.stderr.split("LOADED ")[1])
    assert set(HEAVY) & set(loaded) == set()
    assert list(tmp_path.iterdir()) == []


def test_the_public_names_are_the_functions_in_their_homes() -> None:
    homes = {name: importlib.import_module("letheon.scenario") for name in ("load", "loads")}
    homes["simulate"] = importlib.import_module("letheon.runs")
    for name, home in homes.items():
        assert getattr(letheon, name) is getattr(home, name)
        assert callable(getattr(letheon, name))
    assert {*homes, "__version__"} == set(letheon.__all__) <= set(dir(letheon))


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'simulat'; it has .*simulate"):
        _ = letheon.simulat


# --- the wheel ---


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


# --- what is declared ---


def imported_by(folder: Path) -> set[str]:
    """Return the top-level names of the foreign packages that the files in a folder import."""
    names = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    scripts = (ROOT / "docs").rglob("*.py")
    own = {"letheon", folder.name, *(path.stem for path in (*folder.rglob("*.py"), *scripts))}
    return names - set(sys.stdlib_module_names) - own


def distributions(names: set[str]) -> set[str]:
    """Return the packages that these top-level names come from."""
    known = importlib.metadata.packages_distributions()
    known["ruamel"] = ["ruamel.yaml"]  # a namespace that other packages may share
    known["roadrunner"] = ["libroadrunner"]  # which the tests do without
    return {canonicalize_name(known[name][0] if name in known else name) for name in names}


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("src", ["web", "calibrate", "cluster", "query", "optimise"]),
        ("tests", ["web", "calibrate", "cluster", "optimise", "test"]),
        ("benchmarks", ["bench", "bench-native"]),
    ],
)
def test_what_is_imported_is_declared(folder: str, extras: list[str]) -> None:
    assert distributions(imported_by(ROOT / folder)) - set(declared(*extras)) == set()


def test_every_runtime_dependency_is_used() -> None:
    assert set(declared()) - distributions(imported_by(ROOT / "src")) == set()


def test_all_is_what_every_command_needs() -> None:
    assert EXTRAS["all"] == ["letheon[web,calibrate,cluster,query,optimise]"]


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
    assert "://" not in (ROOT / "constraints.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("python", ["3.11.2", "3.11.7", "3.12.4", "3.13.1"])
@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_one_pin_holds_for_each_python_and_system(python: str, system: str) -> None:
    here = {
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": system,
        "platform_system": system.capitalize(),
        "platform_machine": "x86_64",
    }
    counts: dict[str, int] = {}
    for requirement in pinned():
        if requirement.marker is None or requirement.marker.evaluate(here):
            name = canonicalize_name(requirement.name)
            counts[name] = counts.get(name, 0) + 1
    assert {name: count for name, count in counts.items() if count > 1} == {}
    assert {"jax", "jaxlib", "numpy", "scipy"} <= set(counts)
