"""Runs: simulate a scenario block by block into a folder that can be continued, and give its result."""

from typing import TYPE_CHECKING, Any

from letheon.runs.folder import default_folder

if TYPE_CHECKING:
    from letheon.runs.run import Run, simulate

__all__ = ["Run", "default_folder", "simulate"]


def __getattr__(name: str) -> Any:
    # the numerical libraries load with the first run, not with the check of its folder
    if name not in ("Run", "simulate"):
        raise AttributeError(f"module 'letheon.runs' has no attribute {name!r}; it has {', '.join(__all__)}")
    from letheon.runs import run

    return getattr(run, name)
