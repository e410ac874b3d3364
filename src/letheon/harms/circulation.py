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
    """Return the relative rise of cardiac output.

    Parameters
    ----------
    level : array
        Esketamine in arterial plasma [ng/mL].
    slope : array
        Relative rise for each ng/mL.
    most : array
        Where the line ends.

    Returns
    -------
    array
        Share of the resting output.

    Examples
    --------
    >>> float(output_rise(125.0, 0.002, 0.5)), float(output_rise(1000.0, 0.002, 0.5))
    (0.25, 0.5)
    """
    return jnp.minimum(slope * level, most)


def rise(level: Array, at_low: Array, low: Array, at_high: Array, high: Array) -> Array:
    """Return a rise that is known at two levels: straight from nothing to the first, on to the second, then level.

    Parameters
    ----------
    level : array
        Esketamine in arterial plasma [ng/mL].
    at_low, low : array
        Rise at the first level, and that level [ng/mL].
    at_high, high : array
        The same for the second; its rise counts as at least the first.

    Returns
    -------
    array
        The rise, never less at a higher level.

    Examples
    --------
    >>> [float(rise(x, 6.0, 100.0, 30.0, 900.0)) for x in (0.0, 50.0, 500.0, 2000.0)]
    [0.0, 3.0, 18.0, 30.0]
    """
    further = jnp.clip((level - low) / (high - low), 0.0, 1.0)
    return at_low * jnp.clip(level / low, 0.0, 1.0) + jnp.maximum(at_high - at_low, 0.0) * further


class Rises(NamedTuple):
    """Rises over rest.

    Attributes
    ----------
    output : array
        Cardiac output, as a share.
    systolic, diastolic : array
        Blood pressure [mmHg].
    pulse : array
        Pulse [beats/min].
    """

    output: Array
    systolic: Array
    diastolic: Array
    pulse: Array


def rises(level: Array, typical: Callable[[str], Array]) -> Rises:
    """Return what a level does to the circulation.

    Parameters
    ----------
    level : array
        Esketamine in arterial plasma [ng/mL].
    typical : callable
        From ``circulation.name`` to its value under a patient's draw, in canonical units.

    Returns
    -------
    Rises
        Rises; the two studies of blood pressure differ fourfold, so draws spread over both.

    Examples
    --------
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
