"""Clonidine and midazolam given beside: bounds on what they change, where the evidence has a direction but no size.

A bound is a pair of factors: what is left of a rise, or of the excess of a probability over its background. Sedation is
the exception: there the factor is on the odds.
"""

from collections.abc import Mapping

from letheon import library

__all__ = ["NO_CHANGE", "clonidine", "midazolam", "scaled_excess", "scaled_odds"]

NO_CHANGE = (1.0, 1.0)


def _bounds(name: str) -> tuple[float, float]:
    return library.harms("comedication")[name].range


def clonidine(dose_mg: float) -> Mapping[str, tuple[float, float]]:
    """Return what oral clonidine before the infusion may leave of the rises.

    >>> clonidine(0.1)["pressure"], clonidine(0.1)["pulse"]
    ((1.0, 1.0), (0.43, 1.0))
    """
    strong = dose_mg >= library.harms("comedication")["clonidine_high"].value
    return {
        "pulse": _bounds("clonidine_pulse") if dose_mg > 0 else NO_CHANGE,
        "pressure": _bounds("clonidine_pressure") if strong else NO_CHANGE,
        "night terrors": _bounds("clonidine_night_terrors") if strong else NO_CHANGE,
    }


def midazolam(added: bool) -> Mapping[str, tuple[float, float]]:
    """Return what midazolam beside the infusion may change.

    >>> midazolam(True)["psychomimetic"]
    (0.0, 1.0)
    """
    if not added:
        return {"psychomimetic": NO_CHANGE, "sedation": NO_CHANGE}
    return {"psychomimetic": _bounds("midazolam_psychomimetic"), "sedation": _bounds("midazolam_sedation")}


def scaled_excess(
    interval: tuple[float, float], background: float, factors: tuple[float, float]
) -> tuple[float, float]:
    """Return the bounds of a probability, or of a rise, whose excess is scaled.

    >>> scaled_excess((0.5, 0.75), 0.25, (0.0, 1.0))
    (0.25, 0.75)
    """
    ends = [min(end, background) + factor * max(end - background, 0.0) for end in interval for factor in factors]
    return min(ends), max(ends)


def scaled_odds(interval: tuple[float, float], factors: tuple[float, float]) -> tuple[float, float]:
    """Return the bounds of a probability whose odds are scaled.

    >>> scaled_odds((0.5, 0.5), (1.0, 3.0))
    (0.5, 0.75)
    """
    ends = [factor * p / (1.0 - p + factor * p) for p in interval for factor in factors]
    return min(ends), max(ends)
