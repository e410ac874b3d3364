"""The check of a scenario: its faults, what it means, and how it differs from published regimens."""

from pathlib import Path
from typing import Any

from msgspec import Struct, field, to_builtins
from msgspec.structs import replace

from letheon._version import __version__
from letheon.dosing.doses import DayDose, Doses, day_doses, doses_of
from letheon.dosing.policy_document import PolicyRules, policy_rules
from letheon.pipeline.support import earliest_booster, model_warnings
from letheon.scenario import Arm, Scenario, dumps
from letheon.scenario.loading import faults_of, read_text
from letheon.study.published import Advice, Beside, advice_beside, published_beside
from letheon.units import REFERENCE_WEIGHT_KG

__all__ = ["ArmCheck", "Check", "Fault", "check", "check_text", "document_of"]


class Fault(Struct, frozen=True):
    """Something that is refused, with its place."""

    line: int  # from 1; 0 where no line can be named
    field: str
    sentence: str  # as a run would refuse it


class ArmCheck(Struct, frozen=True):
    """What an arm gives, for 70 kg in mg of free base, and what differs from published regimens."""

    drug: str
    like: str | None  # arm that a placebo copies
    doses: Doses  # of the first course
    by_day: tuple[DayDose, ...]  # days of the timetable on which anything runs
    first_booster_day: float | None  # earliest day of a booster, counted from 1; None without boosters
    rules: PolicyRules | None
    published: tuple[Beside, ...]  # nearest first; empty for placebo
    guidance: tuple[Advice, ...]


class Check(Struct, frozen=True):
    """What can be said about a scenario without running it."""

    letheon: str
    faults: tuple[Fault, ...]
    warnings: tuple[str, ...] = ()
    title: str | None = None
    follow_up_days: float | None = None
    resolved: str | None = None  # the scenario with every default, as a file; None where it has faults
    arms: dict[str, ArmCheck] = field(default_factory=dict[str, ArmCheck])
    scenario: Scenario | None = None  # left out of documents


def check(scenario: Scenario | str | Path) -> Check:
    """List every fault of a scenario, and say what the scenario means; nothing is simulated.

    Parameters
    ----------
    scenario : Scenario or path
        What to look at. Only a file can have faults.

    Returns
    -------
    Check
        Every fault with line and field; every warning that a run would give; doses [mg, mg/h], by day and beside those
        of published regimens and of guidance. Where there are faults, the rest is empty.

    Raises
    ------
    InputError
        If the file cannot be read at all.

    Examples
    --------
    >>> from letheon.scenario import loads
    >>> result = check(loads('''
    ... letheon: 1
    ... title: ten afternoons
    ... follow_up: 12 weeks
    ... arms:
    ...   a: {drug: racemic, sessions: [{at: day 1, rate: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 10}}]}
    ... '''))
    >>> result.faults, result.arms["a"].published[0].published.study
    ((), 'schwartzman2009')
    """
    if isinstance(scenario, Scenario):
        return _of_scenario(scenario)
    return check_text(read_text(scenario), str(scenario))


def document_of(check: Check) -> dict[str, Any]:
    """Return a check as plain data: what `letheon check --json` prints."""
    return {key: value for key, value in to_builtins(replace(check, scenario=None)).items() if key != "scenario"}


def check_text(text: str, name: str = "scenario") -> Check:
    """Return the check of a scenario's text; `name` stands for the file in refusals."""
    scenario, faults = faults_of(text, name)
    if scenario is None:
        return Check(__version__, tuple(Fault(*fault.place, str(fault)) for fault in faults))
    return _of_scenario(scenario)


def _of_scenario(scenario: Scenario) -> Check:
    return Check(
        letheon=__version__,
        faults=(),
        warnings=tuple(model_warnings(scenario)),
        title=scenario.title,
        follow_up_days=scenario.follow_up_h / 24.0,
        resolved=dumps(scenario),
        arms={arm.name: _arm(arm) for arm in scenario.arms},
        scenario=scenario,
    )


def _arm(arm: Arm) -> ArmCheck:
    infusions = arm.regimen.infusions
    is_sham = arm.drug == "placebo"
    first = earliest_booster(arm) if arm.policy.boosters else None
    return ArmCheck(
        drug=arm.drug,
        like=arm.like,
        doses=doses_of(infusions, REFERENCE_WEIGHT_KG, arm.policy),
        by_day=day_doses(infusions, REFERENCE_WEIGHT_KG, arm.policy),
        first_booster_day=None if first is None else first + 1,
        rules=policy_rules(arm.policy),
        published=() if is_sham else published_beside(arm),
        guidance=() if is_sham else advice_beside(arm),
    )
