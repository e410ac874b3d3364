"""The linear rival of the pain memory: a slow effect site that follows esketamine in plasma (dahan2011).

    dCe/dt = (ln 2 / t½)(C - Ce)        E = Ce / (C50 + Ce)

The site is one more state of the plasma system, so it is solved exactly. Arketamine does not count.
"""

import math

from letheon.arrays import Array

__all__ = ["effect", "rate"]


def rate(half_life: Array) -> Array:
    """Return the equilibration rate [1/h] of a half-life [h].

    Parameters
    ----------
    half_life : array
        Onset and offset half-life [h].

    Returns
    -------
    array
        ln 2 / t½.

    Examples
    --------
    >>> round(rate(1.0), 3)
    0.693
    """
    return math.log(2.0) / half_life


def effect(site: Array, c50: Array) -> Array:
    """Return the fractional effect of a concentration at an effect site, Ce / (C50 + Ce).

    Parameters
    ----------
    site : array
        Effect-site concentration [ng/mL].
    c50 : array
        Concentration of half effect [ng/mL].

    Returns
    -------
    array
        Effect in [0, 1).

    Examples
    --------
    >>> effect(10.5, 10.5)
    0.5
    """
    return site / (c50 + site)
