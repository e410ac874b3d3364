"""Each fact and each tool has one home; a search of the syntax trees finds copies elsewhere."""

import ast
import re
from collections.abc import Callable

from test_architecture import MODULES, PACKAGE, strings

from letheon import definitions


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
OTHERS = {"views.subjects.calibration"}  # 0.7 as a limit of a sampler's diagnostic
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


def is_jeffreys(node: ast.AST) -> bool:
    """Find a beta distribution with half a patient added."""
    call = isinstance(node, ast.Call) and re.search(r"betaincinv|ppf", ast.unparse(node.func))
    return bool(call) and re.search(r"\+ 0\.5\b", ast.unparse(node)) is not None


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
    assert places(is_jeffreys) == {"harms.finding"}
    assert places(looks_for_repeats) == {"dosing.repeats"}
    scripts = "".join(path.read_text(encoding="utf-8") for path in (PACKAGE / "views" / "explore").rglob("*.js"))
    assert "doi.org" not in scripts
