"""What a run's bytes depend on besides its scenario: versions and the processor's instruction set."""

import hashlib
import platform
import re
import zlib
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import platformdirs

import letheon
from letheon.runs.folder import fingerprint
from letheon.scenario import Scenario

__all__ = ["instruction_set", "machine_stamp", "stamp_of", "use_compile_cache"]

_PACKAGES = ("jax", "jaxlib", "numpy", "scipy", "pyarrow")
_FEATURES = ("avx", "avx2", "fma", "avx512f", "avx512dq", "avx512vl", "asimd", "sve")


@cache
def instruction_set() -> str:
    """Name the vector extensions that change floating-point code.

    Returns
    -------
    str
        Architecture and extensions, as in ``run.json``.

    Examples
    --------
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
    found = re.search(r"^Version: (.+)$", distribution(package).read_text("METADATA") or "", re.MULTILINE)
    return found[1].strip() if found else "unknown"


def stamp_of(scenario: Scenario) -> dict:
    """Return what identifies a run: the scenario's hash, versions and instruction set, as in ``run.json``.

    Parameters
    ----------
    scenario : Scenario
        The scenario as it will run.

    Returns
    -------
    dict
        Plain strings.
    """
    return {"scenario": fingerprint(scenario)} | _software()


def _software() -> dict[str, str]:
    return {
        "letheon": letheon.__version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
        "instruction_set": instruction_set(),
    }


@cache
def _source() -> str:
    """Return a checksum of Letheon's own files: two states of a working tree have one version number."""
    home = Path(letheon.__file__).parent
    total = hashlib.sha256()
    for path in sorted(home.rglob("*")):
        if path.suffix in (".py", ".toml", ".csv", ".bib"):
            total.update(path.relative_to(home).as_posix().encode() + path.read_bytes())
    return total.hexdigest()[:12]


def machine_stamp() -> dict[str, str]:
    """Return what processes that share a run must have in common: versions, source and instruction set.

    Returns
    -------
    dict
        Plain strings.

    Examples
    --------
    >>> "numpy" in machine_stamp()
    True
    """
    return _software() | {"source": _source()}


def use_compile_cache() -> None:
    """Keep compiled programs in the user's cache folder, so that a second run starts at once."""
    from letheon.arrays import jax

    machine = zlib.crc32(instruction_set().encode())  # programs are for one kind of processor; homes may be shared
    cache = platformdirs.user_cache_path("letheon", appauthor=False)
    folder = cache / f"compiled-{letheon.__version__}-{machine:08x}"
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
