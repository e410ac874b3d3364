"""Cardiac output, blood pressure and pulse during infusion: rises over rest that follow arterial esketamine.

Arketamine and norketamine do not count: a study of both enantiomers saw cardiac output rise with esketamine alone, and
fall, if anything, with its norketamine. Between the low doses of depression trials and anaesthesia nothing was
measured: the rise goes in a straight line from one to the other.
"""

from collections.abc import Callable
from typing import NamedTuple

from letheon.arrays import Array, jnp

__all__ = ["Rises", "output_rise", "rise", "rises"]


def output_rise(level: Array, slope: Array, most: Array) -> Array:
    """Return the rise of cardiac output, a share of rest: `slope` for each ng/mL of esketamine, up to `most`."""
    return jnp.minimum(slope * level, most)


def rise(level: Array, at_low: Array, low: Array, at_high: Array, high: Array) -> Array:
    """Return a rise that is known at two levels: straight from nothing to the first, on to the second, then level.

    Levels are arterial esketamine [ng/mL]; the rise at `high` counts as at least that at `low`, so that a higher level
    never lowers it.

    >>> [float(rise(x, 6.0, 100.0, 30.0, 900.0)) for x in (0.0, 50.0, 500.0, 2000.0)]
    [0.0, 3.0, 18.0, 30.0]
    """
    further = jnp.clip((level - low) / (high - low), 0.0, 1.0)
    return at_low * jnp.clip(level / low, 0.0, 1.0) + jnp.maximum(at_high - at_low, 0.0) * further


class Rises(NamedTuple):
    """Rises over rest."""

    output: Array  # cardiac output, as a share
    systolic: Array  # [mmHg]
    diastolic: Array  # [mmHg]
    pulse: Array  # [beats/min]


def rises(level: Array, typical: Callable[[str], Array]) -> Rises:
    """Return what a level of arterial esketamine [ng/mL] does to the circulation.

    `typical` gives the value of ``circulation.name`` under a patient's draw, in canonical units. The two studies of
    blood pressure differ fourfold, so draws spread over both.

    >>> from letheon import library
    >>> typical = lambda name: library.harms("circulation")[name.split(".")[1]].canonical
    >>> round(float(rises(92.5, typical).systolic), 1)
    7.9
    """
    c = {
        name: typical(f"circulation.{name}") for name in ("reference_level", "anaesthetic_level", "mean_pressure_most")
    }

    def between(at_low: str, at_high: Array) -> Array:
        return rise(level, typical(f"circulation.{at_low}"), c["reference_level"], at_high, c["anaesthetic_level"])

    return Rises(
        output=output_rise(level, typical("circulation.output_slope"), typical("circulation.output_most")),
        systolic=between("systolic_rise", c["mean_pressure_most"] * typical("circulation.resting_systolic")),
        diastolic=between("diastolic_rise", c["mean_pressure_most"] * typical("circulation.resting_diastolic")),
        pulse=between("pulse_rise", typical("circulation.pulse_most") * typical("circulation.resting_pulse")),
    )
