"""Which arm each arm of a scenario is compared with."""

from collections.abc import Sequence
from dataclasses import replace

from letheon.errors import InputError, instead
from letheon.scenario.model import Arm, Scenario
from letheon.units import shown

__all__ = ["PLACEBO", "comparators", "compared_against"]

PLACEBO = "placebo"  # in the place of an arm's name: the placebo arm like each arm


def comparators(arms: Sequence[Arm], against: str | None) -> dict[str, Arm]:
    """Return the arm that each arm is compared with, by name; arms that are compared with none are left out.

    `against` is the name of the arm with which every other one is compared. ``placebo`` stands for each arm's own
    placebo arm (the one that is like it), else the only one. None, for a file without `compare`, means the same, but
    takes the first placebo arm where several fit.

    Raises
    ------
    InputError
        If there is no such arm, no other arm, or no telling which placebo arm is meant.

    Examples
    --------
    >>> from letheon.dosing.regimen import Regimen
    >>> arms = [Arm(name, "racemic", Regimen("racemic", ())) for name in ("ward", "slow")]
    >>> {name: other.name for name, other in comparators(arms, "slow").items()}
    {'ward': 'slow'}
    """
    if against is None or against == PLACEBO:
        return _with_placebo(arms, explicit=against is not None)
    other = next((arm for arm in arms if arm.name == against), None)
    if other is None:
        raise InputError(f"{shown(against)} is not an arm here; {instead(against, _names(arms))}.")
    if len(arms) == 1:
        raise InputError(f"{against} is the only arm, so there is none to compare with it; add another arm.")
    return {arm.name: other for arm in arms if arm is not other}


def _with_placebo(arms: Sequence[Arm], explicit: bool) -> dict[str, Arm]:
    """Return the placebo arm of each arm that gives a drug; refuse what is not clear if it is `explicit`."""
    shams = [arm for arm in arms if arm.drug == "placebo"]
    drugs = [arm for arm in arms if arm.drug != "placebo"]
    if explicit and not shams:
        instead = f"write one of {', '.join(_names(drugs))}, or " * (len(drugs) > 1)
        sham = f"sham: {{drug: placebo, like: {drugs[0].name}}}"
        raise InputError(f"there is no placebo arm here; {instead}add an arm such as {sham}.")
    others: dict[str, Arm] = {}
    for arm in drugs:
        fitting = [sham for sham in shams if sham.like == arm.name] or shams
        if explicit and len(fitting) > 1:
            raise InputError(
                f"arm {arm.name} has several placebo arms ({', '.join(_names(fitting))}); write the name of one, or "
                "keep only one of them."
            )
        others |= {arm.name: fitting[0]} if fitting else {}
    return others


def _names(arms: Sequence[Arm]) -> list[str]:
    return [arm.name for arm in arms]


def compared_against(scenario: Scenario, against: str, place: str = "against") -> Scenario:
    """Return a scenario whose other arms are compared with one; a refusal begins with `place`.

    Raises
    ------
    InputError
        As `comparators`.

    Examples
    --------
    >>> from letheon.scenario import loads
    >>> arm = "{drug: racemic, sessions: [{at: 0 h, rate: 5 mg/h, for: 1 h}]}"
    >>> scenario = loads(f"{{letheon: 1, title: x, follow_up: 1 day, arms: {{a: {arm}, b: {arm}}}}}")
    >>> compared_against(scenario, "b").against
    'b'
    """
    try:
        comparators(scenario.arms, against)
    except InputError as error:
        raise InputError(f"{place}: {error}") from None
    return replace(scenario, against=against)
