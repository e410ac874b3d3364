"""The rules of an arm as records, quantities as they were written: for results, worksheets and the words about them."""

from typing import Any

import msgspec

from letheon.dosing.policy import Policy
from letheon.units import MS_PER_HOUR

__all__ = ["BoosterRules", "PolicyRules", "Quantity", "StopRules", "TitrationRules", "policy_document", "policy_rules"]


class Quantity(msgspec.Struct, frozen=True):
    """A quantity as it was written.

    Attributes
    ----------
    value : float
        Number.
    unit : str
        Unit of the number.
    """

    value: int | float
    unit: str


class StopRules(msgspec.Struct, frozen=True):
    """What ends boosters; None where a rule does not apply.

    Attributes
    ----------
    no_response : int or None
        Courses and boosters in a row without remission.
    harm : str or None
        Reports of a psychedelic effect that count: ``spontaneous`` or ``elicited``.
    dose_mg : float or None
        Most drug in all [mg].
    dose : Quantity or None
        The same as it was written.
    """

    no_response: int | None
    harm: str | None
    dose_mg: int | float | None
    dose: Quantity | None


class BoosterRules(msgspec.Struct, frozen=True):
    """When boosters are given.

    Attributes
    ----------
    when : str
        ``relapse`` or ``calendar``.
    gaps_days : tuple of int
        Intervals before each booster, the last one repeated [days]; empty on relapse.
    wait_days : int or None
        From relapse to booster [days]; None by the calendar.
    apart_days : int
        Least interval between a booster and another session [days].
    at_most_per_year, times : int or None
        Most boosters in any 365 days and in all; None without limit.
    stop : StopRules
        What ends them.
    """

    when: str
    gaps_days: tuple[int, ...]
    wait_days: int | None
    apart_days: int
    at_most_per_year: int | None
    times: int | None
    stop: StopRules


class TitrationRules(msgspec.Struct, frozen=True):
    """How the rate is changed during the infusion.

    Attributes
    ----------
    every_h : float
        Time between two looks [h].
    step, min, max : Quantity
        Step, lowest and highest rate.
    relief : float
        Share of baseline pain that must be gone for the rate to be held.
    harm : str
        Reports of a psychedelic effect that count: ``spontaneous`` or ``elicited``.
    on_harm : str
        ``down`` or ``hold``.
    """

    every_h: float
    step: Quantity
    min: Quantity
    max: Quantity
    relief: int | float
    harm: str
    on_harm: str


class PolicyRules(msgspec.Struct, frozen=True):
    """What is decided on the way.

    Attributes
    ----------
    boosters : BoosterRules or None
        When boosters are given.
    titration : TitrationRules or None
        How the rate is changed.
    """

    boosters: BoosterRules | None
    titration: TitrationRules | None


def policy_rules(policy: Policy) -> PolicyRules | None:
    """Return the rules of an arm as a record; None for a fixed timetable.

    Parameters
    ----------
    policy : Policy
        Rules of an arm.

    Returns
    -------
    PolicyRules or None
        Quantities as they were written.

    Examples
    --------
    >>> policy_rules(Policy()) is None
    True
    """
    if policy.fixed:
        return None
    boosters, titration, stops = policy.boosters, policy.titration, policy.stops
    booster_rules = titration_rules = None
    if boosters is not None:
        dose = Quantity(*(stops.dose_written or (stops.dose_mg, "mg"))) if stops.dose_mg else None
        booster_rules = BoosterRules(
            when="relapse" if boosters.on_relapse else "calendar",
            gaps_days=tuple(boosters.gaps_days),
            wait_days=boosters.wait_days if boosters.on_relapse else None,
            apart_days=boosters.apart_days,
            at_most_per_year=boosters.at_most or None,
            times=boosters.times or None,
            stop=StopRules(stops.no_response or None, stops.harm or None, stops.dose_mg or None, dose),
        )
    if titration is not None:
        titration_rules = TitrationRules(
            every_h=titration.every_ms / MS_PER_HOUR,
            step=Quantity(*titration.step.form),
            min=Quantity(*titration.lowest.form),
            max=Quantity(*titration.highest.form),
            relief=titration.relief,
            harm="elicited" if titration.asked else "spontaneous",
            on_harm="down" if titration.down else "hold",
        )
    return PolicyRules(booster_rules, titration_rules)


def policy_document(policy: Policy) -> dict[str, Any] | None:
    """Return the rules of an arm as plain data, as JSON holds them; None for a fixed timetable."""
    return msgspec.to_builtins(policy_rules(policy))
