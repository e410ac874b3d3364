"""Mood in those who have depression: the fall of their score after sessions, and the masked trial that saw none.

    shape(t) = (1 - e^(-t/τ_on)) e^(-t/τ_off), scaled to 1 at its peak
    fall(t)  = most (1 - Π over sessions (1 - weight fall/most · shape(t - t_k)))

Repeated sessions add up, but to no more than `most`; the effect of the last one fades as that of a single one does.
"""

import math
from collections.abc import Callable

from letheon import library
from letheon.arrays import Array, jnp
from letheon.harms.finding import Finding

__all__ = ["fall", "masked", "peak_time", "responders", "session_weight", "shape"]


def peak_time(onset: Array, half_life: Array) -> Array:
    """Return when the effect of one session is greatest.

    Parameters
    ----------
    onset : array
        Time constant of onset [h].
    half_life : array
        Half-life of the effect [h].

    Returns
    -------
    array
        Hours after the session.

    Examples
    --------
    >>> round(float(peak_time(5.3, 360.0)), 1)
    24.4
    """
    fading = half_life / math.log(2.0)
    return onset * jnp.log1p(fading / onset)


def shape(hours: Array, onset: Array, half_life: Array) -> Array:
    """Return the course of the effect of one session.

    Parameters
    ----------
    hours : array
        Time since the session [h]; negative before it.
    onset, half_life : array
        Time constant of onset and half-life [h].

    Returns
    -------
    array
        Share of the greatest effect, 0 before the session.

    Examples
    --------
    >>> round(float(shape(peak_time(5.3, 360.0), 5.3, 360.0)), 9)
    1.0
    """
    fading = half_life / math.log(2.0)

    def raw(t: Array) -> Array:
        return -jnp.expm1(-t / onset) * jnp.exp(-t / fading)

    return raw(jnp.maximum(hours, 0.0)) / raw(peak_time(onset, half_life))


def session_weight(dose_mg_kg: Array, reference: Array) -> Array:
    """Return how much a session counts: in proportion to its dose up to that of the trials, no more above it.

    Parameters
    ----------
    dose_mg_kg : array
        Dose of the session, or of a day of a longer one [mg/kg].
    reference : array
        Dose in the trials [mg/kg].

    Returns
    -------
    array
        Weight in [0, 1].

    Examples
    --------
    >>> float(session_weight(0.25, 0.5)), float(session_weight(7.0, 0.5))
    (0.5, 1.0)
    """
    return jnp.clip(dose_mg_kg / reference, 0.0, 1.0)


def fall(hours: Array, sessions_h: Array, weights: Array, typical: Callable[[str], Array]) -> Array:
    """Return the fall of the depression score beyond a comparison, in those who have depression.

    Parameters
    ----------
    hours : array, shape (time,)
        Times since the origin [h].
    sessions_h : array, shape (session,)
        Times of the sessions [h].
    weights : array, shape (session,)
        From `session_weight`; 0 for room that no session fills.
    typical : callable
        From ``mood.name`` to its value under a draw, in canonical units.

    Returns
    -------
    array, shape (time,)
        Fall [MADRS points], 0 without drug.

    Examples
    --------
    >>> import numpy as np
    >>> typical = lambda name: library.harms("mood")[name.split(".")[1]].canonical
    >>> one_day = fall(np.array([24.4]), np.array([0.0]), np.array([1.0]), typical)
    >>> round(float(one_day[0]), 2)
    8.8
    """
    course = shape(jnp.asarray(hours)[:, None] - sessions_h, typical("mood.onset"), typical("mood.half_life"))
    most = typical("mood.fall_most")
    left = jnp.prod(1.0 - weights * typical("mood.fall") / most * course, axis=-1)
    return most * (1.0 - left)


def responders(day_mg_kg: float, long: bool) -> Finding:
    """Return how many of those with depression respond a day after one dose: a score that has halved.

    Parameters
    ----------
    day_mg_kg : float
        Most that is given on one day [mg/kg].
    long : bool
        Whether drug runs for a day or more without a pause, which no trial did.

    Returns
    -------
    Finding
        Share, with the range that the library gives; at other doses than the trials' a range without an estimate.

    Examples
    --------
    >>> responders(0.5, False).estimate, responders(7.0, False).interval, responders(0.5, True).support
    (0.522, (0.4, 1.0), 'not identified')
    """
    numbers = library.harms("mood")
    number, (least, most) = numbers["responders"], numbers["reference_dose"].range
    low, high = number.range
    estimate, support, text = number.value, "assumed", ""
    if long:
        estimate, support, low, high = None, "not identified", 0.0, 1.0
        text = " Here drug runs for a day or more without a pause, which was never studied in depression."
    elif not least <= day_mg_kg <= most:
        estimate = None
        low, high = (0.0, high) if day_mg_kg < least else (low, 1.0)
        text = f" Here {day_mg_kg:.2g} mg/kg are given on a day; the trials gave {least:g} to {most:g}."
    return Finding("mood, responders", estimate, (low, high), "1", support, number.sources, f"{number.note}.{text}")


def masked() -> Finding:
    """Return the result of the trial under anaesthesia, where the drug could not be noticed: no fall beyond placebo.

    Returns
    -------
    Finding
        Fall of the score a day after one dose [MADRS], with its 95 % interval.

    Examples
    --------
    >>> result = masked()
    >>> result.interval[0] < 0.0 < result.interval[1]
    True
    """
    number = library.harms("mood")["masked_fall"]
    error = 1.96 * float(number.spread["sd"])
    return Finding(
        name="mood, masked",
        estimate=number.value,
        interval=(number.value - error, number.value + error),
        unit="MADRS",
        support="assumed",
        sources=number.sources,
        note="under surgical anaesthesia, where nobody could tell what was given, ketamine did no better than placebo",
    )
