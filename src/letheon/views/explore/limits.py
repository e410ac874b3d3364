"""What a request may ask for: bounds that keep one visitor from taking the machine away from the others."""

import math
from dataclasses import dataclass

from letheon.errors import InputError, LetheonError
from letheon.scenario import Arm, Scenario
from letheon.views.document import numbers

_HOURS_PER_DAY = 24.0
# beyond these a request goes to the slow lane, where it delays only its like
_QUICK_PATIENTS, _QUICK_DAYS, _QUICK_INFUSIONS, _QUICK_ARMS = 500, 370, 120, 5


class Full(LetheonError):
    """Too many requests wait already."""


class Cancelled(LetheonError):
    """Nobody waits for this answer any more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one request."""

    body_bytes: int = 200_000
    characters: int = 30_000  # of a scenario's text
    patients: int = 2000  # in each arm
    days: int = 730
    arms: int = 6  # placebo counted
    infusions: int = 200  # of one arm, repeats counted
    seconds: float = 120.0  # that it may take, compiling left out
    waiting: int = 200  # requests at once


LIMITS = Limits()


def check(scenario: Scenario, limits: Limits = LIMITS) -> None:
    """Refuse a scenario that asks for more than the page gives: an `InputError` says what would work."""
    days = scenario.follow_up_h / _HOURS_PER_DAY
    wanted = [
        ("population.n", scenario.population.n, limits.patients, "patients are"),
        ("follow_up", days, limits.days, "days are"),
        ("arms", len(scenario.arms), limits.arms, "arms are"),
    ]
    per_arm = ((f"arms.{arm.name}", _infusions(arm, days)) for arm in scenario.arms)
    wanted += [(field, count, limits.infusions, "infusions in one arm are") for field, count in per_arm]
    for field, value, most, what in wanted:
        if value > most:
            raise InputError(
                f"{field}: {numbers.general(value, 10, thousands=True)} {what} more than this page runs; write at most "
                f"{numbers.general(most, 10, thousands=True)}, or run letheon simulate."
            )


def _infusions(arm: Arm, days: float) -> int:
    """Return a number of infusions that no patient of an arm can exceed."""
    boosters = arm.policy.boosters
    later = boosters.most(math.ceil(days)) * max(map(len, boosters.sessions)) if boosters else 0
    return len(arm.given.infusions) + later


def kind_of(scenario: Scenario) -> frozenset[tuple[object, ...]]:
    """Return an entry for each program that a scenario needs.

    Models, drugs and lengths of follow-up make them, not doses and times; equal entries share one.
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
    """Say whether a scenario is too large for the lane of quick answers."""
    infusions = max(_infusions(arm, scenario.follow_up_h / _HOURS_PER_DAY) for arm in scenario.arms)
    return (
        scenario.population.n > _QUICK_PATIENTS
        or scenario.follow_up_h > _QUICK_DAYS * _HOURS_PER_DAY
        or infusions > _QUICK_INFUSIONS
        or len(scenario.arms) > _QUICK_ARMS
    )
