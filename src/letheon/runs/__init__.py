"""Runs: a scenario computed block by block into a folder that can be continued, and its result document."""

from letheon.runs.folder import default_folder
from letheon.runs.run import Run, simulate

__all__ = ["Run", "default_folder", "simulate"]
