"""What pain models are called in every output."""

from __future__ import annotations

__all__ = ["PAIN_MODELS", "pain_model"]

PAIN_MODELS = {"memory": "pain memory", "slow_site": "slow site"}


def pain_model(name: str | None) -> str:
    """Return a pain model's name for reading."""
    return PAIN_MODELS.get(name or "", name or "none")
