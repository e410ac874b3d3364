"""A tutorial's page, made from its script: prose from the comments, code as it stands, and what it printed.

A script is written in the percent format that editors and Jupyter open as a notebook: ``# %% [markdown]`` begins prose
in comments, ``# %%`` begins code. Text before the first mark is for those who read the script alone.
"""

import contextlib
import io
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_MARK = re.compile(r"^# %%(?: \[(markdown)\])?\n", re.MULTILINE)


class Cell(NamedTuple):
    """A piece of a script: `kind` is ``markdown`` or ``code``, `line` its first line in the file."""

    kind: str
    text: str
    line: int


CellResult = tuple[Cell, str, list[str]]  # a cell, what it printed, the figures that it wrote


def scripts(folder: Path) -> list[Path]:
    """Return the tutorials of a folder: the scripts that have cells."""
    return [path for path in sorted(folder.glob("*.py")) if _MARK.search(path.read_text(encoding="utf-8"))]


def cells(source: str) -> Iterator[Cell]:
    """Split a script into its cells."""
    marks = list(_MARK.finditer(source))
    for mark, end in zip(marks, [*(m.start() for m in marks[1:]), len(source)], strict=True):
        kind, text = mark[1] or "code", source[mark.end() : end].rstrip()
        if kind == "markdown":
            text = re.sub(r"^# ?", "", text, flags=re.MULTILINE)
        yield Cell(kind, text, source.count("\n", 0, mark.end()) + 1)


def run(path: Path, arguments: Sequence[str] = (), names: dict[str, Any] | None = None) -> list[CellResult]:
    """Run a script cell by cell, as ``python SCRIPT ARGUMENTS --figures DIR`` would; `names` gets its variables."""
    results: list[CellResult] = []
    names = {} if names is None else names
    names |= {"__name__": "__main__", "__file__": str(path)}
    with tempfile.TemporaryDirectory() as scratch, _as_program(path, [*arguments, "--figures", scratch]):
        known: set[Path] = set()
        for cell in cells(path.read_text(encoding="utf-8")):
            printed = io.StringIO()
            if cell.kind == "code":
                code = compile("\n" * (cell.line - 1) + cell.text, str(path), "exec")
                with contextlib.redirect_stdout(printed):
                    exec(code, names)
            new = sorted(set(Path(scratch).glob("*.svg")) - known)
            known.update(new)
            results.append((cell, printed.getvalue(), [figure.read_text(encoding="utf-8").strip() for figure in new]))
    return results


@contextlib.contextmanager
def _as_program(path: Path, arguments: Sequence[str]) -> Iterator[None]:
    argv, places = sys.argv, sys.path.copy()
    sys.argv, sys.path[:0] = [str(path), *arguments], [str(path.parent)]
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, places


def page(path: Path, arguments: Sequence[str] = ()) -> str:
    """Run a tutorial and return its page as Markdown."""
    parts = []
    for cell, printed, figures in run(path, arguments):
        parts.append(cell.text if cell.kind == "markdown" else f"```python\n{cell.text}\n```")
        if printed:
            parts.append(f"``` {{ .text .output }}\n{printed.rstrip()}\n```")
        parts += [figure_block(figure) for figure in figures]
    return "\n\n".join(parts) + "\n"


def figure_block(*figures: str) -> str:
    """Return figures as a block of a page, beside one another where there is room."""
    return '<div class="figures">' + "".join(f"<figure>{figure}</figure>" for figure in figures) + "</div>"
