"""The second, linear pain model: a slow effect site that follows esketamine in plasma (dahan2011).

    dCe/dt = (ln 2 / t½)(C - Ce)        E = Ce / (C50 + Ce)

The site is one more state of the plasma system, so it is solved exactly. Arketamine does not count.
"""

import math

from letheon.arrays import Array

__all__ = ["effect", "rate"]


def rate(half_life: Array) -> Array:
    """Return the equilibration rate ln 2 / t½ [1/h] of a half-life [h] of onset and offset.

    >>> round(rate(1.0), 3)
    0.693
    """
    return math.log(2.0) / half_life


def effect(site: Array, c50: Array) -> Array:
    """Return the effect Ce / (C50 + Ce) in [0, 1) of a concentration at an effect site, both in ng/mL.

    >>> effect(10.5, 10.5)
    0.5
    """
    return site / (c50 + site)
