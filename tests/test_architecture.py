"""The shape of the house: who may import whom, how large a file may be, and what may lie in the tree.

The oracle is the plan itself, the list of floors below. The rules also show, on small wrong examples, that
they would find a breach.
"""

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from letheon import definitions

# From the ground up; a module may import from its own floor and from those below it.
FLOORS = (
    {"errors", "extras", "units", "streams", "arrays", "files", "definitions"},
    {"library"},
    {"dosing"},
    {"patients"},
    {"body"},
    {"harms"},
    {"scenario"},
    {"pipeline"},
    {"runs"},
    {"study"},
    {"views", "__main__"},
)
HEAVY = {
    *("arviz", "dask", "diffrax", "distributed", "duckdb", "fastapi", "jax", "jaxlib", "lifelines", "matplotlib"),
    *("numba", "numpyro", "pandas", "pint", "plotly", "polars", "pyarrow", "pydantic", "pymoo", "scipy"),
    *("statsmodels", "uvicorn"),
}
# What `letheon --help` and every refusal of bad input go through: these load neither the above nor numpy.
LIGHT = ("", "errors", "units", "library", "dosing", "scenario", "views", "views.commands.main")
DOORS_TO_HEAVY = {"arrays", "streams"}
NAMELESS_ROOMS = {"utils", "util", "helpers", "helper", "common", "misc"}
ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "letheon"
MOST_LINES_A_FILE = 600
MOST_LINES_A_FUNCTION = 80


def dotted(path: Path) -> str:
    """Return a module's name below letheon, "" for letheon itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
IS_PACKAGE = {dotted(path) for path in PACKAGE.rglob("__init__.py")}


def floor_of(name: str) -> int:
    """Return the floor of a module, by the first part of its name below letheon."""
    room = name.split(".")[0]
    floors = [level for level, rooms in enumerate(FLOORS) if room in rooms]
    assert floors, f"letheon.{name} stands on no floor: add it to FLOORS in {Path(__file__).name}"
    return floors[0]


def without_type_checking(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs when a module is imported: no function bodies, nothing under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from without_type_checking(child)


def imports_of(nodes: Iterator[ast.AST], name: str, is_package: bool) -> set[str]:
    """Return the full names of the modules that the import statements among `nodes` ask for."""
    targets = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            targets |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                here = ["letheon", *name.split(".")] if name else ["letheon"]
                drop = node.level - 1 if is_package else node.level
                base = ".".join([*here[: len(here) - drop], *([base] if base else [])])
            # `from letheon import units` names a module, `from letheon.units import x` does not
            targets |= {f"letheon.{alias.name}" for alias in node.names} if base == "letheon" else {base}
    return targets


def upward(name: str, tree: ast.Module, is_package: bool) -> set[str]:
    """Return what a module imports from floors above its own, in functions too."""
    if not name:
        return set()
    rooms = {target.split(".")[1] for target in imports_of(ast.walk(tree), name, is_package) if "letheon." in target}
    known = {room for rooms_of_floor in FLOORS for room in rooms_of_floor}
    return {room for room in rooms & known if floor_of(room) > floor_of(name)}


def arrows(modules: dict[str, ast.Module], packages: set[str]) -> dict[str, set[str]]:
    """Return which modules each module imports, anywhere in it: in functions and for type checkers too.

    What is taken out of a package by name counts as the module of that name, where there is one.
    """
    graph: dict[str, set[str]] = {}
    for name, tree in modules.items():
        imported = set()
        for node in ast.walk(tree):
            whole = imports_of(iter([node]), name, name in packages)
            if isinstance(node, ast.ImportFrom):
                parts = {f"{base}.{alias.name}": base for base in whole for alias in node.names}
                whole |= {part for part in parts if part.removeprefix("letheon.") in modules}
                whole -= {parts[part] for part in parts if part in whole}
            imported |= {target.removeprefix("letheon").removeprefix(".") for target in whole if "letheon" in target}
        graph[name] = (imported & modules.keys()) - {name}
    return graph


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Return the sets of modules that import each other round about."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(graph[start])
        while waiting:
            if (one := waiting.pop()) not in seen:
                seen.add(one)
                waiting += graph[one]
        return seen

    reach = {name: reached(name) for name in graph}
    together = {frozenset(b for b in reach[a] if a in reach[b]) for a in graph}
    return [set(one) for one in together if one]


def weights(name: str, tree: ast.Module, is_package: bool) -> set[str]:
    """Return the heavy packages, or doors to them, that a module loads when it is imported."""
    imported = imports_of(without_type_checking(tree), name, is_package)
    heavy = {target.split(".")[0] for target in imported} & (HEAVY | {"numpy"})
    return heavy | {target for target in imported if target.removeprefix("letheon.").split(".")[0] in DOORS_TO_HEAVY}


def test_imports_go_down_only() -> None:
    assert {name: up for name, tree in MODULES.items() if (up := upward(name, tree, name in IS_PACKAGE))} == {}


def test_no_file_imports_itself_in_a_circle() -> None:
    assert circles(arrows(MODULES, IS_PACKAGE)) == []


def test_the_fast_path_imports_nothing_heavy() -> None:
    light = (name for name in MODULES if name in LIGHT or name.split(".")[0] in {"library", "dosing", "scenario"})
    assert {name: heavy for name in light if (heavy := weights(name, MODULES[name], name in IS_PACKAGE))} == {}


def test_the_circle_rule_finds_a_breach() -> None:
    texts = {
        "": "if TYPE_CHECKING:\n    from letheon.a import x",
        "a": "from letheon.b import c\n",
        "b": "",
        "b.c": "def f():\n    import letheon\n",
        "d": "from letheon import a",
    }
    modules = {name: ast.parse(text) for name, text in texts.items()}
    assert circles(arrows(modules, {"", "b"})) == [{"", "a", "b.c"}]


LAZY = "def f():\n    from letheon.runs import store\n    import jax\n"


@pytest.mark.parametrize(
    ("rule", "name", "text", "breach"),
    [
        (upward, "pipeline", LAZY, {"runs"}),
        (upward, "views.commands.main", LAZY, set()),
        (upward, "body.memory", "from .. import scenario", {"scenario"}),
        (upward, "body.memory", "from ..views.commands.main import main", {"views"}),
        (upward, "body", "from .memory import phi\nimport letheon.harms.liver", {"harms"}),
        (weights, "views.commands.main", LAZY, set()),
        (weights, "views.commands.main", "try:\n    import scipy.stats\nexcept ImportError: pass", {"scipy"}),
        (weights, "scenario", "from letheon.arrays import jnp", {"letheon.arrays"}),
        (weights, "scenario", "if TYPE_CHECKING:\n    import jax", set()),
    ],
)
def test_the_import_rules_find_a_breach(rule, name: str, text: str, breach: set[str]) -> None:
    assert rule(name, ast.parse(text), name == "body") == breach


@pytest.mark.parametrize("name", MODULES)
def test_functions_stay_small_and_imports_are_named(name: str) -> None:
    tree = MODULES[name]
    lengths = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None
    }
    assert {function: lines for function, lines in lengths.items() if lines > MOST_LINES_A_FUNCTION} == {}
    assert not NAMELESS_ROOMS & set(name.split("."))
    assert not any(isinstance(n, ast.ImportFrom) and n.names[0].name == "*" for n in ast.walk(tree))


def test_no_file_is_too_long() -> None:
    files = [path for folder in (PACKAGE, ROOT / "tests", ROOT / "benchmarks") for path in folder.rglob("*.py")]
    sizes = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {file: lines for file, lines in sizes.items() if lines > MOST_LINES_A_FILE} == {}


def test_double_precision_is_switched_on_in_one_place_and_no_flag_is_set() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    assert [name for name, text in texts.items() if "jax_enable" + "_x64" in text] == ["arrays.py"]
    flag = r"environ(\[[^]]*\]\s*=[^=]|\.(setdefault|update|pop)\b)|putenv|XLA_FLAGS.{0,9}\]\s*=[^=]|\bpmap\b"
    assert [name for name, text in texts.items() if re.search(flag, text)] == []


def test_nothing_is_a_stub_and_no_test_is_left_out() -> None:
    stub = re.compile(r"raise NotImplemented" + r"Error|pass\s*#\s*TODO")
    excuse = re.compile(
        r"pytest\.(mark\.)?(skip|skipif|xfail|importor" + r"skip)\b|^\s*assert Tr" + r"ue\b", re.MULTILINE
    )
    for folder, pattern in ((PACKAGE, stub), (ROOT / "tests", excuse)):
        assert [p.name for p in folder.rglob("*.py") if pattern.search(p.read_text(encoding="utf-8"))] == []
    assert excuse.search("@pytest.mark.sk" + "ip") and stub.search("raise NotImplemented" + "Error")


# --- what may lie in the tree ---

MACHINE = re.compile(r"(?<![\w./~$}-])/(?:work|farm|root|home|Users|tmp|opt|mnt|srv)/")
REGISTRY = re.compile(
    "|".join(["index" + r"[-_]url", "pypi" + r"\.org/simple", "python" + "hosted", "npm" + r"js\.(org|com)"])
)
WORKPLACE = re.compile(
    "|".join(["bash_" + "jobs", r"\bCE" + r"O\b", r"\bissue #" + r"\d", r"\bCla" + "ude", r"\bfarm" + "hand"])
)


def files_of_the_tree() -> list[Path]:
    """Return the files of the project: those that git knows; where it knows none, all but what is built."""
    command = ["git", "ls-files", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    if listing:
        return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]
    built = re.compile(r"(\.(?!ci/|gitignore)|build/|dist/|site/|runs/)|.*__pycache__")
    return [p for p in ROOT.rglob("*") if p.is_file() and not built.match(p.relative_to(ROOT).as_posix())]


def strangers(text: str) -> list[str]:
    """Return what in a text speaks of a machine, a registry or a workplace."""
    return [match.group() for pattern in (MACHINE, REGISTRY, WORKPLACE) for match in pattern.finditer(text)]


def test_the_tree_speaks_of_the_project_alone() -> None:
    texts = {path: path.read_bytes() for path in files_of_the_tree() if not path.name.endswith(".min.js")}
    strange = {path: strangers(data.decode("utf-8")) for path, data in texts.items() if b"\0" not in data}
    assert {str(path.relative_to(ROOT)): words for path, words in strange.items() if words} == {}
    for text in ("see /ho" + "me/someone/x", "--index" + "-url x", "as issue #" + "12 says"):
        assert strangers(text)
    assert strangers("mg/h/70kg, n/home/x, https://example.org/home/page and ~/tmp/x") == []


# --- facts once, renderers many ---

TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(\s[^<>]*)?/?>")
# What may be indexed by name: numbers of the library, and the parts of a figure.
BY_NAME = {"library", "number", "model", "views", "trace", "figure"}


def strings(tree: ast.Module) -> list[str]:
    """Return the strings of a module, docstrings left out."""
    owners = (node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef))
    docstrings = {node.body[0].value for node in owners if node.body and isinstance(node.body[0], ast.Expr)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node not in docstrings]
    return [node.value for node in constants if isinstance(node.value, str)]


def html_strings(tree: ast.Module) -> list[str]:
    return [text for text in strings(tree) if TAG.search(text)]


def indexed_by_string(tree: ast.Module) -> list[str]:
    """Return the places that read a part of something by a text that stands there."""

    def root(node: ast.expr) -> str:
        while isinstance(node, ast.Subscript | ast.Attribute | ast.Call):
            node = node.func if isinstance(node, ast.Call) else node.value
        return node.id if isinstance(node, ast.Name) else ""

    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Load)
        and (isinstance(node.slice, ast.JoinedStr) or isinstance(getattr(node.slice, "value", None), str))
        and root(node.value) not in BY_NAME
    ]


def test_no_html_outside_templates() -> None:
    """The text of a figure is Plotly's own markup, and a line break within a line of Markdown has no other form."""
    holders = {name: tags for name, tree in MODULES.items() if (tags := html_strings(tree))}
    assert set(holders) <= {
        "views.document.markdown",
        "views.figures.axes",
        "views.figures.curves",
        "views.figures.rows",
    }
    assert holders["views.document.markdown"] == ["<br>"]
    wrong = 'def f():\n    """A <b>."""\n    return f\'<td class="x">{1}\''
    assert html_strings(ast.parse(wrong)) == ['<td class="x">']


def test_no_view_indexes_a_result_by_string() -> None:
    for name, tree in MODULES.items():
        if name.startswith("views.subjects") or name == "views.explore.answers":
            assert indexed_by_string(tree) == [], name
    wrong = ast.parse("a = result.arms['x']; b = arm['endpoints'][f'nrs_day_{d}']; c = library.harms('m')['h']; d[0]")
    assert len(indexed_by_string(wrong)) == 3


# ---- each fact and each tool has one home


def places(matches: Callable[[ast.AST], bool]) -> set[str]:
    """Return the modules that hold a node of the kind."""
    return {name for name, tree in MODULES.items() if any(map(matches, ast.walk(tree)))}


FILE_TOOLS = {"mkstemp", "NamedTemporaryFile", "fsync", "flock", "lockf", "FileLock"}


def moves_a_file(node: ast.AST) -> bool:
    """Find `os.replace`, `os.fsync`, `mkstemp` and kin, and `path.replace(target)`; a text's `replace` takes two."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        one = len(node.args) == 1 and not node.keywords
        return one and node.func.attr in {"replace", "rename"}
    if isinstance(node, ast.Attribute):
        owner = node.value.id if isinstance(node.value, ast.Name) else ""
        return node.attr in FILE_TOOLS or (owner == "os" and node.attr in {"replace", "rename", "link"})
    return isinstance(node, ast.Name) and node.id in FILE_TOOLS


def test_whole_files_and_locks() -> None:
    assert places(moves_a_file) == {"files"}
    for text in ("os.replace(a, b)", "tempfile.mkstemp()", "fcntl.flock(f, 2)", "part.replace(path)"):
        assert any(map(moves_a_file, ast.walk(ast.parse(text)))), text


# Numbers that mean one thing wherever they stand, and words that open a notice.
DEFINED = {definitions.RELIEF, definitions.RELAPSE}
OTHERS = {"study.calibrate.document"}  # 0.7 as a limit of a sampler's diagnostic
NAMED = re.compile(r"_?(\w*RELIEF|RELAPSE|REMISSION_DAYS|BASELINE_DAYS|ENDPOINT_DAYS|\w*SUPPORTED_DAY|\w*REFERENCE_KG)")
NOTICES = re.compile("research and education|no advice about a person", re.IGNORECASE)


def defines_a_number(node: ast.AST) -> bool:
    """Find a defined share, a list of the endpoint's days, or a number under a definition's name."""
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        return node.value in DEFINED
    if isinstance(node, ast.Tuple | ast.List):
        days = [item.value for item in node.elts if isinstance(item, ast.Constant)]
        return days[-4:] in (list(definitions.ENDPOINT_DAYS[-4:]), list(definitions.AT_RISK_DAYS[-4:]))
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        number = isinstance(node.value, ast.Constant) and isinstance(node.value.value, int | float)
        return number and NAMED.fullmatch(node.targets[0].id) is not None
    return False


def test_definitions_and_notices() -> None:
    assert places(defines_a_number) <= OTHERS
    for text in ("x <= 0.7", "_RELIEF = 1", "DAYS = (14, 28, 56, 84, 182, 365)"):
        assert any(map(defines_a_number, ast.walk(ast.parse(text)))), text
    assert [name for name, tree in MODULES.items() if NOTICES.search("\n".join(strings(tree)))] == []
    scripts = "".join(path.read_text(encoding="utf-8") for path in (PACKAGE / "views" / "explore").rglob("*.js"))
    assert not NOTICES.search(scripts) and not re.search(r"\b(0\.7|0\.85|84)\b", scripts)


def builds_an_address(node: ast.AST) -> bool:
    """Find the address of a DOI."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and "doi.org/" in node.value


def is_beta_quantile(node: ast.AST) -> bool:
    """Find a quantile of a beta distribution."""
    return isinstance(node, ast.Call) and re.search(r"betaincinv|beta.*\bppf", ast.unparse(node.func)) is not None


def looks_for_repeats(node: ast.AST) -> bool:
    """Find a loop that runs on while the differences of neighbours are equal."""
    return isinstance(node, ast.While) and any(
        isinstance(part, ast.BinOp)
        and isinstance(part.op, ast.Sub)
        and isinstance(part.left, ast.Subscript)
        and isinstance(part.right, ast.Subscript)
        for part in ast.walk(node.test)
    )


def test_addresses_intervals_and_repeats() -> None:
    assert places(builds_an_address) == {"library.records"}
    assert places(is_beta_quantile) == {"harms.estimate", "patients.uncertainty"}  # of a share; of a prior
    assert places(looks_for_repeats) == {"dosing.repeats"}
    scripts = "".join(path.read_text(encoding="utf-8") for path in (PACKAGE / "views" / "explore").rglob("*.js"))
    assert "doi.org" not in scripts
