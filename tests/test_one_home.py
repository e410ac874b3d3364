"""Each fact and each tool has one home; a search of the syntax trees finds copies elsewhere."""

import ast
from collections.abc import Callable

from test_architecture import MODULES


def places(matches: Callable[[ast.AST], bool]) -> set[str]:
    """Return the modules that hold a node of the kind."""
    return {name for name, tree in MODULES.items() if any(map(matches, ast.walk(tree)))}


def moves_a_file(node: ast.AST) -> bool:
    """Find `os.replace`, `os.fsync`, `mkstemp` and kin, and `Path.replace` or `rename`, which take one argument."""
    if not isinstance(node, ast.Attribute | ast.Name):
        return False
    name = node.attr if isinstance(node, ast.Attribute) else node.id
    owner = node.value.id if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) else ""
    return name in {"mkstemp", "NamedTemporaryFile", "fsync", "flock", "lockf", "FileLock"} or (
        owner == "os" and name in {"replace", "rename", "link"}
    )


def moves_a_path(node: ast.AST) -> bool:
    """Find calls of `path.replace(target)` and `path.rename(target)`; a text's `replace` takes two."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"replace", "rename"}
        and len(node.args) == 1
        and not node.keywords
    )


def test_whole_files_and_locks() -> None:
    assert places(moves_a_file) == {"files"}
    assert places(moves_a_path) <= {"files"}
    for text in ("os.replace(a, b)", "tempfile.mkstemp()", "fcntl.flock(f, 2)", "part.replace(path)"):
        assert any(moves_a_file(node) or moves_a_path(node) for node in ast.walk(ast.parse(text))), text
