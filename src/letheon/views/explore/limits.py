"""What a request may ask for: bounds that keep one visitor from taking the machine away from the others."""

import math
from dataclasses import dataclass

from letheon.errors import InputError
from letheon.scenario import Arm, Scenario

__all__ = ["LIMITS", "Limits", "check", "is_slow", "kind_of"]

_HOURS_PER_DAY = 24.0
# beyond these a request goes to the slow lane, where it delays only its like
_QUICK_PATIENTS, _QUICK_DAYS, _QUICK_INFUSIONS, _QUICK_ARMS = 500, 370, 120, 5


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one request.

    Parameters
    ----------
    body_bytes : int
        Size of a request.
    characters : int
        Length of a scenario's text.
    patients : int
        Virtual patients in each arm.
    days : int
        Days of follow-up.
    arms : int
        Arms, placebo counted.
    infusions : int
        Infusions of one arm, repeats counted.
    seconds : float
        Longest time that a request may take, compiling left out.
    waiting : int
        Requests that may wait at once.

    Examples
    --------
    >>> LIMITS.patients
    2000
    """

    body_bytes: int = 200_000
    characters: int = 30_000
    patients: int = 2000
    days: int = 730
    arms: int = 6
    infusions: int = 200
    seconds: float = 120.0
    waiting: int = 200


LIMITS = Limits()


def check(scenario: Scenario, limits: Limits = LIMITS) -> None:
    """Refuse a scenario that asks for more than the page gives.

    Parameters
    ----------
    scenario : Scenario
        What was read.
    limits : Limits
        The bounds.

    Raises
    ------
    InputError
        With a sentence that says what was asked for and what would work.

    Examples
    --------
    >>> from letheon.scenario import loads
    >>> check(loads('''
    ... letheon: 1
    ... title: x
    ... population: {n: 5000}
    ... follow_up: 1 day
    ... arms: {a: {drug: racemic, sessions: [{at: 0 h, rate: 1 mg/h, for: 1 h}]}}
    ... '''))
    Traceback (most recent call last):
    letheon.errors.InputError: population.n: 5,000 patients are more than this page runs; write at most 2,000, \
or run letheon simulate.
    """
    days = scenario.follow_up_h / _HOURS_PER_DAY
    asked = (
        ("population.n", scenario.population.n, limits.patients, "patients are"),
        ("follow_up", days, limits.days, "days are"),
        ("arms", len(scenario.arms), limits.arms, "arms are"),
        *(
            (f"arms.{arm.name}", _infusions(arm, days), limits.infusions, "infusions in one arm are")
            for arm in scenario.arms
        ),
    )
    for field, given, most, what in asked:
        if given > most:
            raise InputError(
                f"{field}: {given:,.10g} {what} more than this page runs; write at most {most:,}, or run letheon "
                "simulate."
            )


def _infusions(arm: Arm, days: float) -> int:
    """Return a number of infusions that no patient of an arm can exceed."""
    boosters = arm.policy.boosters
    later = boosters.most(math.ceil(days)) * len(boosters.session) if boosters else 0
    return len(arm.regimen.infusions) + later


def kind_of(scenario: Scenario) -> frozenset:
    """Return the programs that a scenario needs: models, drugs and lengths of follow-up, not doses and times.

    Parameters
    ----------
    scenario : Scenario
        What was read.

    Returns
    -------
    frozenset
        One entry for each program; equal entries share one.
    """
    models = scenario.models
    days = max(1, math.ceil(scenario.follow_up_h / _HOURS_PER_DAY))
    size = ((days - 1).bit_length(), max(5, *(_infusions(arm, days).bit_length() for arm in scenario.arms)))
    switches = (models.pk, models.induction, models.occasions, models.borrow_variability)
    return frozenset(
        (arm.drug, arm.policy.boosters is None, arm.policy.titration is None, *switches, *size)
        for arm in scenario.arms
        if arm.drug != "placebo"
    )


def is_slow(scenario: Scenario) -> bool:
    """Say whether a scenario is too large for the lane of quick answers.

    Parameters
    ----------
    scenario : Scenario
        What was read.

    Returns
    -------
    bool
    """
    infusions = max(_infusions(arm, scenario.follow_up_h / _HOURS_PER_DAY) for arm in scenario.arms)
    return (
        scenario.population.n > _QUICK_PATIENTS
        or scenario.follow_up_h > _QUICK_DAYS * _HOURS_PER_DAY
        or infusions > _QUICK_INFUSIONS
        or len(scenario.arms) > _QUICK_ARMS
    )
