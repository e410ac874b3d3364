"""What all tests share: where the tree is, a fresh interpreter, properties with the same cases each time."""

import ctypes
import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import browsing
import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# With CHECK_SHAPES=1, annotated shapes and types of these modules are checked at every call; it costs half as much again.
CHECKED = ["block", "clinic", "histograms", "plan", "simulate", "state", "survival", "timetable"]
if os.environ.get("CHECK_SHAPES"):
    install_import_hook(["letheon.body", *(f"letheon.pipeline.{name}" for name in CHECKED)], "typechecking.check")

# The same cases on every run and machine; a busy machine's pause is no failure; nothing is left in the tree.
settings.register_profile("letheon", deadline=None, derandomize=True, database=None)
settings.load_profile("letheon")

_GROWN_BYTES = 10**9
HEAVY = {
    *("arviz", "duckdb", "fastapi", "jax", "jaxlib", "lifelines", "numpy", "numpyro", "pint", "plotly", "polars"),
    *("pyarrow", "pymoo", "rich", "scipy", "statsmodels", "uvicorn"),
}


@pytest.fixture(autouse=True)
def _free_compiled_programs() -> Iterator[None]:
    """Free compiled programs once a process has grown; it would otherwise reach several gigabytes."""
    yield
    statm, jax = Path("/proc/self/statm"), sys.modules.get("jax")
    if jax is None or not statm.exists():
        return
    if int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") < _GROWN_BYTES:
        return
    jax.clear_caches()
    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # glibc keeps freed memory otherwise
        trim(0)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder that holds pyproject.toml."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Return the system's Chromium."""
    with browsing.chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def fresh_python(root: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs Python code in an interpreter that has imported nothing of ours yet."""

    def run(code: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = dict(os.environ)
        for name in ("XLA_FLAGS", "JAX_PLATFORMS", "JAX_ENABLE_X64"):
            environment.pop(name, None)
        paths = [str(root / "src"), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs a command in this process and gives exit code, stdout and stderr."""
    from letheon.views.commands.main import main

    monkeypatch.delenv("LETHEON_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.fixture(scope="session")
def heavy_modules(fresh_python: Callable) -> Callable[..., tuple[int, set[str]]]:
    """Return a function that runs a command in a fresh interpreter and gives exit code and heavy modules loaded."""
    code = (
        "import sys\nfrom letheon.views.commands.main import main\ntry:\n    main(sys.argv[1:])\n"
        "except SystemExit as ended:\n    print(ended.code, *sys.modules, file=sys.stderr)"
    )

    def run(*arguments: str, cwd: Path | None = None) -> tuple[int, set[str]]:
        exit_code, *modules = fresh_python(code, *arguments, cwd=cwd).stderr.splitlines()[-1].split()
        return int(exit_code), {name.split(".")[0] for name in modules} & HEAVY

    return run
