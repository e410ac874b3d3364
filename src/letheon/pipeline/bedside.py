"""Titration: at which rate a session runs, and what a clinic decides about it at the bedside.

Written for one patient, as `letheon.pipeline.clinic`.
"""

from typing import NamedTuple

from letheon.arrays import Array, jnp
from letheon.pipeline.clinic import DOWN, HELD, UP, Chart, Rules

__all__ = ["Reach", "look", "titrated", "turned"]

_EQUAL = 1e-9  # steps


class Reach(NamedTuple):
    """Between what a titration may move one patient's rate, and in which steps.

    Attributes
    ----------
    step, lowest, highest : array
        Rates [mg/h].
    """

    step: Array
    lowest: Array
    highest: Array


def _top(chart: Chart, reach: Reach) -> Array:
    """Return the highest rate for a patient: after a complaint, the last one that was borne."""
    borne = jnp.minimum(reach.highest, jnp.maximum(chart.borne, reach.lowest))
    return jnp.where(chart.complained, borne, reach.highest)


def titrated(chart: Chart, reach: Reach, written: Array) -> Array:
    """Return the rate at which a session runs that is titrated.

    Parameters
    ----------
    chart : Chart
        The chart.
    reach : Reach
        What the titration may do.
    written : array
        The session's rate as written [mg/h].

    Returns
    -------
    array
        Rate [mg/h].
    """
    return jnp.minimum(jnp.maximum(written + chart.rung * reach.step, reach.lowest), _top(chart, reach))


def look(rules: Rules, chart: Chart, reach: Reach, score: Array, reported: Array, rates: tuple[Array, Array]):
    """Decide on the rate at the bedside: down or hold on a reported harm, up while relief is below its target.

    After a report the rate never exceeds that of the last look without one; where a report holds the rate, it never
    exceeds that rate. A step is made from where the rate is: steps that a limit swallows are not counted.

    Parameters
    ----------
    rules : Rules
        Rules of the arm.
    chart : Chart
        The chart so far.
    reach : Reach
        What the titration may do.
    score : array
        Score told at the bedside [NRS].
    reported : bool array
        Whether a psychedelic effect is reported.
    rates : tuple of array
        The rate that ran up to now, and the written one that runs from now on [mg/h].

    Returns
    -------
    chart : Chart
        With the new step.
    event : int array
        Key of `EVENTS`, or 0.
    """
    ran, written = rates
    down = reported & (rules.down > 0)
    step = jnp.maximum(reach.step, 1e-9)
    before, equal = titrated(chart, reach, written), _EQUAL * step
    # a session that begins right now may run faster than the one before it: a look that passes does not take it back
    passed = jnp.where(chart.complained & ~reported, jnp.maximum(ran, before), ran)
    seen = chart._replace(complained=chart.complained | reported, borne=jnp.where(down, chart.borne, passed))
    enough = score <= (1.0 - rules.relief) * chart.baseline + 1e-9
    up = ~reported & ~enough & (before < _top(seen, reach) - equal)
    least = jnp.floor((reach.lowest - written) / step + _EQUAL).astype(jnp.int64)
    most, allowed = (jnp.ceil((_top(one, reach) - written) / step - _EQUAL).astype(jnp.int64) for one in (chart, seen))
    lowered = jnp.minimum(chart.rung, most) - (before > reach.lowest + equal)
    rung = jnp.where(up, jnp.maximum(chart.rung, least) + 1, chart.rung)
    found = seen._replace(rung=jnp.where(down, jnp.minimum(lowered, allowed), rung))
    after = titrated(found, reach, written)
    event = jnp.where(reported, HELD, 0)
    event = jnp.where(after > before + equal, UP, jnp.where(after < before - equal, DOWN, event))
    return found._replace(others=chart.others + (event > 0)), event


def turned(event: Array) -> Array:
    """Return whether an event of a look changes the rate.

    Parameters
    ----------
    event : int array
        Key of `EVENTS`, or 0.

    Returns
    -------
    bool array
        True for up and down.
    """
    return (event == UP) | (event == DOWN)
