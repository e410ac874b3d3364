"""From a study of the evidence to a scenario: its arms as regimens that can be run."""

from functools import cache

from letheon import library
from letheon.errors import InputError
from letheon.library import Study
from letheon.library.evidence import CONTROLS, StudyArm
from letheon.scenario import Scenario, loads

DRUGS = {"racemic with magnesium": "racemic", "form not stated": "racemic"}


@cache
def study(id: str) -> Study:
    """Return a study of the library by its key."""
    return next(one for one in library.studies() if one.id == id)


def _sessions(arm: StudyArm, scale: float) -> str:
    per = "/70kg" if arm.by_weight else ""
    lines = []
    for start, duration, rate in arm.infusions:
        minutes = [round(60 * x) for x in (start, duration)]  # studies state hours to three decimals
        lines.append(f"      - {{at: {minutes[0]} min, rate: {scale * rate:.6g} mg/h{per}, for: {minutes[1]} min}}")
    return "\n".join(lines)


def study_scenario(study: Study, follow_up_days: int, rate_factor: float = 1.0) -> Scenario:
    """Return a scenario with every arm of a study that gives ketamine and whose infusions are known.

    `rate_factor` multiplies every rate, for a sensitivity analysis. The population is the default one. InputError if
    no infusion is known.
    """
    arms = [arm for arm in study.arms if arm.infusions and arm.drug not in CONTROLS]
    if not arms:
        raise InputError(f"the study {study.id} gives no infusion that could be simulated")
    text = f'letheon: 1\ntitle: "{study.id}"\nfollow_up: {follow_up_days} days\narms:\n'
    for arm in arms:
        text += f"  {arm.name}:\n    drug: {DRUGS.get(arm.drug, arm.drug)}\n    sessions:\n"
        text += _sessions(arm, rate_factor) + "\n"
    return loads(text)
