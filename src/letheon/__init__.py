"""Letheon simulates intravenous ketamine for Complex Regional Pain Syndrome, for research and education.

`letheon.load` reads a scenario file, `letheon.loads` a scenario's text, `letheon.simulate` runs a scenario,
`letheon.check` says what is wrong with one and what it means.
Each is loaded on first use: importing the package loads no numerical library, sets no flag and starts nothing.

Examples
--------
>>> import letheon
>>> letheon.__version__.count(".")
2
"""

import importlib
from typing import TYPE_CHECKING, Any

from letheon._version import __version__

if TYPE_CHECKING:
    from letheon.runs import simulate
    from letheon.scenario import load, loads
    from letheon.study.check import check

__all__ = ["__version__", "check", "load", "loads", "simulate"]

_HOMES = {
    "check": "letheon.study.check",
    "load": "letheon.scenario",
    "loads": "letheon.scenario",
    "simulate": "letheon.runs",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'letheon' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
