"""Mood in those who have depression: the fall of their score after sessions, and the masked trial that saw none.

    shape(t) = (1 - e^(-t/τ_on)) e^(-t/τ_off), scaled to 1 at its peak
    fall(t)  = most (1 - Π over sessions (1 - weight fall/most · shape(t - t_k)))

Repeated sessions add up, but to no more than `most`; the effect of the last one fades as that of a single one does.
"""

import math
from collections.abc import Callable

from letheon import library
from letheon.arrays import Array, jnp
from letheon.harms.estimate import Estimate

__all__ = ["fall", "masked", "peak_time", "responders", "session_weight", "shape"]


def peak_time(onset: Array, half_life: Array) -> Array:
    """Return the hours after a session at which its effect is greatest, from its onset and its half-life [h].

    >>> round(float(peak_time(5.3, 360.0)), 1)
    24.4
    """
    fading = half_life / math.log(2.0)
    return onset * jnp.log1p(fading / onset)


def shape(hours: Array, onset: Array, half_life: Array) -> Array:
    """Return the effect of one session as a share of its greatest, `hours` after it (negative before: no effect).

    `onset` is the time constant of onset [h].
    """
    fading = half_life / math.log(2.0)

    def raw(t: Array) -> Array:
        return -jnp.expm1(-t / onset) * jnp.exp(-t / fading)

    return raw(jnp.maximum(hours, 0.0)) / raw(peak_time(onset, half_life))


def session_weight(dose_mg_kg: Array, reference: Array) -> Array:
    """Return how much a session counts, in [0, 1]: in proportion to its dose, up to that of the trials.

    `dose_mg_kg` is the dose of the session, or of a day of a longer one; `reference` that of the trials [mg/kg].
    """
    return jnp.clip(dose_mg_kg / reference, 0.0, 1.0)


def fall(hours: Array, sessions_h: Array, weights: Array, typical: Callable[[str], Array]) -> Array:
    """Return the fall of the depression score beyond a comparison [MADRS points], in those who have depression.

    Times are since the origin [h]: `hours` (time,) when to look, `sessions_h` (session,) when dosing was. `weights`
    (session,) come from `session_weight`, 0 for room that no session fills; `typical` gives the value of ``mood.name``
    under a draw, in canonical units.

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


def responders(day_mg_kg: float, long: bool) -> Estimate:
    """Return the share of those with depression whose score halves a day after one dose.

    `day_mg_kg` is the most that is given on one day; `long` says that drug runs for a day or more without a pause,
    which no trial did. At other doses than the trials' there is a range without an estimate.
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
    return Estimate(estimate, (low, high), support, number.sources, f"{number.note}.{text}")


def masked() -> Estimate:
    """Return the result of the trial under anaesthesia, where the drug could not be noticed: no fall beyond placebo."""
    number = library.harms("mood")["masked_fall"]
    error = 1.96 * float(number.spread["sd"])
    return Estimate(
        estimate=number.value,
        interval=(number.value - error, number.value + error),
        unit="MADRS",
        support="assumed",
        sources=number.sources,
        note="under surgical anaesthesia, where nobody could tell what was given, ketamine did no better than placebo",
    )
