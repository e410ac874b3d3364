"""What a run's bytes depend on besides its scenario: versions, source, settings of the compiler, instruction set."""

import hashlib
import os
import platform
import re
import zlib
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import platformdirs

from letheon._version import __version__
from letheon.runs.folder import fingerprint
from letheon.scenario import Scenario

__all__ = ["instruction_set", "machine_stamp", "stamp_of", "use_compile_cache"]

_PACKAGES = ("jax", "jaxlib", "numpy", "scipy", "pyarrow")
_VIEWS = "views"  # show numbers and make none
_SOURCE = (".py", ".toml", ".csv", ".bib")
_COMPILER = "XLA_FLAGS"
# every JAX_… counts but these, which change where programs are kept and what is said about them
_SILENT = re.compile(
    r"JAX_(COMPILATION_CACHE|PERSISTENT_CACHE|ENABLE_COMPILATION_CACHE|LOG|DEBUG_LOG|DUMP|TRACEBACK|EXPLAIN)"
)
_FEATURES = ("avx", "avx2", "fma", "avx512f", "avx512dq", "avx512vl", "asimd", "sve")


@cache
def instruction_set() -> str:
    """Name the vector extensions that change floating-point code.

    >>> "avx2" in instruction_set() or "asimd" in instruction_set()
    True
    """
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore").splitlines()
    except OSError:
        lines = []
    flags = next((line.split(":", 1)[1].split() for line in lines if line.startswith(("flags", "Features"))), [])
    return " ".join([platform.machine(), *(f for f in _FEATURES if f in flags)])


@cache
def _version(package: str) -> str:
    """Return a package's version; reading all of its metadata, as `importlib.metadata.version` does, costs 80 ms."""
    values = re.search(r"^Version: (.+)$", distribution(package).read_text("METADATA") or "", re.MULTILINE)
    return values[1].strip() if values else "unknown"


def _settings() -> dict[str, str]:
    """Return the variables of the environment that make JAX and XLA compile other programs, as they are set.

    Flags of XLA count in any order; where the variable names a file of flags, its content counts.
    """
    values = {
        name: value
        for name, value in sorted(os.environ.items())
        if value and name.startswith("JAX_") and not _SILENT.match(name)
    }
    flags = os.environ.get(_COMPILER, "").strip()
    if flags and not flags.startswith("-"):
        try:
            flags = Path(flags).read_text(encoding="utf-8")
        except (OSError, ValueError):
            flags = ""  # XLA refuses such a file itself
    return values | ({_COMPILER: " ".join(sorted(flags.split()))} if flags else {})


@cache
def _source() -> str:
    """Return a checksum of the files that results depend on: two states of a working tree have one version number."""
    home = Path(__file__).parents[1]
    total = hashlib.sha256()
    for folder, inner, names in os.walk(home):
        inner[:] = sorted(name for name in inner if name not in (_VIEWS, "__pycache__"))
        for name in sorted(names):
            if name.endswith(_SOURCE):
                path = Path(folder, name)
                data = path.read_bytes()
                total.update(f"{path.relative_to(home).as_posix()} {len(data)}\n".encode() + data)
    return total.hexdigest()[:16]


def machine_stamp() -> dict[str, str]:
    """Return what processes that share a run must have in common: versions, source, settings and instruction set.

    >>> {"numpy", "source"} <= machine_stamp().keys()
    True
    """
    return {
        "letheon": __version__,
        "source": _source(),
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
        **_settings(),
        "instruction_set": instruction_set(),
    }


def stamp_of(scenario: Scenario) -> dict[str, str]:
    """Return what identifies a run: the scenario's hash, and all of `machine_stamp`."""
    return {"scenario": fingerprint(scenario)} | machine_stamp()


def use_compile_cache() -> None:
    """Keep compiled programs in the user's cache folder, so that a second run starts at once."""
    from letheon.arrays import jax

    machine = zlib.crc32(instruction_set().encode())  # programs are for one kind of processor; homes may be shared
    cache = platformdirs.user_cache_path("letheon", appauthor=False)
    folder = cache / f"compiled-{__version__}-{machine:08x}"
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
