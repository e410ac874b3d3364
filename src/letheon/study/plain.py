"""The document of a search as a plain mapping, for views that still read it by key."""

from dataclasses import replace
from typing import Any, TypeAlias

import msgspec

from letheon.study.optimise import search

__all__ = ["Optimisation", "optimise"]

Optimisation: TypeAlias = Any


def optimise(*arguments: Any, **options: Any) -> Optimisation:
    """Search for regimens; the document is a mapping."""
    result = search.optimise(*arguments, **options)
    return replace(result, document=msgspec.to_builtins(result.document))
