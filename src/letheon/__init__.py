"""Letheon simulates intravenous ketamine for Complex Regional Pain Syndrome, for research and education.

`letheon.load` reads a scenario file, `letheon.loads` a scenario's text, `letheon.simulate` runs a scenario.
They are found when first asked for: importing the package loads no numerical library, sets no flag and starts
nothing.

Examples
--------
>>> import letheon
>>> letheon.__version__.count(".")
2
"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from letheon.runs import simulate
    from letheon.scenario import load, loads

__version__ = "0.1.0"

__all__ = ["__version__", "load", "loads", "simulate"]

_HOMES = {"load": "letheon.scenario", "loads": "letheon.scenario", "simulate": "letheon.runs"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'letheon' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Keeps `letheon.simulate` the function: importing the package of that name would replace it."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
