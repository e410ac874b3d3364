"""JSON files of this program, read back: an object, or nothing at all."""

import json
from pathlib import Path
from typing import Any

__all__ = ["parse_object", "read_object"]


def parse_object(text: str | bytes) -> dict[str, Any] | None:
    """Read a JSON object from its text.

    >>> parse_object('{"format": 3}'), parse_object("[]"), parse_object("{")
    ({'format': 3}, None, None)
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def read_object(path: Path) -> dict[str, Any] | None:
    """Read a JSON object from a file."""
    try:
        return parse_object(path.read_bytes())
    except (OSError, ValueError):
        return None
