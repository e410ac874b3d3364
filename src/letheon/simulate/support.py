"""How far to trust a result: the support of a regimen by study, and models used beyond what they were studied in."""

import math

from scipy import special

from letheon import library
from letheon.scenario import Arm, Scenario
from letheon.simulate.arms import ArmPlan

__all__ = ["LABELS", "model_warnings", "regimen_support"]

LABELS = ("randomised", "uncontrolled", "volunteer", "animal", "assumed", "not identified")
_TOLERANCE = 0.25
_LAST_SUPPORTED_DAY = 84
_REFERENCE_KG = 70.0
_OUTSIDE_SHARE = 0.10


def _near(value: float, reference: float) -> bool:
    return abs(value - reference) <= _TOLERANCE * reference


def _span_days(arm: Arm) -> float:
    start = min(infusion.start_ms for infusion in arm.regimen.infusions)
    return (arm.regimen.stop_ms - start) / 86_400_000


def _dosed(scenario: Scenario, arm: Arm) -> Arm:
    """Return the arm whose drug decides: a placebo arm takes the label of the arm that it mirrors."""
    return next((other for other in scenario.arms if other.name == arm.like), arm)


def regimen_support(scenario: Scenario, arm: Arm, day: float) -> str:
    """Label an endpoint of an arm: drug, days and total dose within 25 % of a CRPS study, and within its follow-up.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    arm : Arm
        The arm.
    day : float
        Latest day that the endpoint looks at.

    Returns
    -------
    str
        ``randomised``, ``uncontrolled`` or ``assumed``; regimens that were only recalled support nothing.
    """
    dosed = _dosed(scenario, arm)
    if not dosed.regimen.infusions:
        return "assumed"
    days, dose = _span_days(dosed), dosed.regimen.schedule().dose_mg(_REFERENCE_KG)
    found = set()
    for study in library.studies():
        if day > min(study.follow_up_days, _LAST_SUPPORTED_DAY):
            continue
        for known in study.arms:
            if known.drug != dosed.drug or known.verified == "recall":
                continue
            if _near(days, known.days) and _near(dose, known.dose_mg_70kg):
                found.add(study.design)
    return next((label for label in ("randomised", "uncontrolled") if label in found), "assumed")


def _outside(low: float, high: float, mean: float, sd: float) -> float:
    """Share of a lognormal weight distribution outside a range."""
    if sd == 0:
        return float(not low <= mean <= high)
    spread = math.sqrt(math.log1p((sd / mean) ** 2))
    centre = math.log(mean) - spread**2 / 2
    inside = special.ndtr((math.log(high) - centre) / spread) - special.ndtr(
        (math.log(low) - centre) / spread
    )
    return 1.0 - float(inside)


def _longest_drip_h(arm: Arm) -> float:
    schedule = arm.regimen.schedule()
    longest = run = 0.0
    for terms, hours in zip(schedule.terms, schedule.durations_h, strict=True):
        run = run + hours if terms else 0.0
        longest = max(longest, run)
    return longest


def _one_model(scenario: Scenario, arm: Arm, model, purpose: str) -> list[str]:
    validity = model.validity
    weight = scenario.population.weight
    said = []
    source = f"{model.label} ({purpose})"
    low, high = validity["weight_kg"]
    share = _outside(low, high, weight.mean, weight.sd)
    if share > _OUTSIDE_SHARE:
        said.append(
            f"{source} was studied at {low:g} to {high:g} kg; {share:.0%} of these patients lie outside."
        )
    hours, top = _longest_drip_h(arm), validity["duration_h"][1]
    if hours > top * (1 + 1e-9):
        said.append(
            f"{source} was studied over {top:g} h on the drip; {arm.name} stays on it for {hours:g} h."
        )
    rate = max(arm.regimen.schedule().rates(_REFERENCE_KG), default=0.0)
    if rate > validity["rate_mg_h"][1] * (1 + 1e-9):
        factor = rate / validity["rate_mg_h"][1]
        said.append(
            f"{source} was studied up to {validity['rate_mg_h'][1]:g} mg/h (70 kg); {arm.name} reaches {rate:.3g} mg/h,"
            f" {factor:.2g} times as much: levels are extrapolated."
        )
    no_spread = not any(number.omega for number in model.parameters.values())
    if no_spread and not scenario.models.borrow_variability:
        said.append(
            f"{source} has no published variability between patients: all patients of one weight get the same levels"
            " (`borrow_variability: on` takes that of simons2022)."
        )
    return said


def model_warnings(scenario: Scenario, plans: tuple[ArmPlan, ...]) -> list[str]:
    """List what lies outside the validity range of the models that run, each with source and range.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    plans : tuple of ArmPlan
        Its arms as data.

    Returns
    -------
    list of str
        Sentences, without repeats.
    """
    said: dict[str, None] = dict.fromkeys(scenario.warnings)
    for arm, plan in zip(scenario.arms, plans, strict=True):
        if arm.drug == "placebo":
            continue
        for part in plan.structure.parts:
            purpose = "levels and block" if "levels" in part.drives else "acute effect"
            said |= dict.fromkeys(_one_model(scenario, arm, library.pk_model(part.model), purpose))
        if _longest_drip_h(arm) > 12:
            said["Norketamine after 12 h on the drip is uncertain by a factor of 0.5 to 1."] = None
    if scenario.follow_up_h > _LAST_SUPPORTED_DAY * 24:
        said["Relapse beyond 12 weeks rests on assumed flares: not identified by any data."] = None
    return list(said)
