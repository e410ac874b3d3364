"""How far to trust a result: intervals of means, and models used beyond what they were studied in."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from letheon import library
from letheon.dosing.regimen import MS_PER_DAY
from letheon.pipeline.arms import ArmPlan
from letheon.pipeline.models import models_sentence
from letheon.scenario import Arm, Scenario

__all__ = [
    "earliest_booster",
    "interval_of_mean",
    "model_warnings",
    "quantiles",
]

_INTERVAL = (0.05, 0.95)
_LAST_SUPPORTED_DAY = 84
_REFERENCE_KG = 70.0
_OUTSIDE_SHARE = 0.10
_FEW = 4096


def quantiles(values: np.ndarray, shares: Sequence[float]) -> list[np.ndarray]:
    """Return quantiles over the first axis, between neighbours in proportion, as `numpy.quantile` does.

    A document asks for hundreds of them, of few values each, where looking at what was asked takes `numpy.quantile` ten
    times as long as the work.

    Parameters
    ----------
    values : array, shape (value, …)
        Values.
    shares : sequence of float
        Shares in [0, 1].

    Returns
    -------
    list of array
        One for each share.

    Examples
    --------
    >>> [float(q) for q in quantiles(np.array([3.0, 1.0, 2.0]), (0.5, 0.75))]
    [2.0, 2.5]
    """
    ordered, found = np.sort(values, axis=0) if len(values) <= _FEW else values, []
    if len(values) > _FEW or np.isnan(ordered[-1]).any():
        return list(np.quantile(values, shares, axis=0))
    for share in shares:
        place = share * (len(ordered) - 1)
        below = int(place)
        low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
        t = place - below
        found.append(low + (high - low) * t if t < 0.5 else high - (high - low) * (1.0 - t))
    return found


def interval_of_mean(
    mean: float | np.ndarray, draws: np.ndarray, bounds: tuple[float, float] = (-math.inf, math.inf)
) -> tuple[np.ndarray, np.ndarray]:
    """Return the 90 % interval of a mean: the bank's spread over draws, moved onto the population's mean.

    Parameters
    ----------
    mean : array
        Mean over the population.
    draws : array, shape (draw, …)
        Means over the bank's people under each draw.
    bounds : tuple of float
        Where the quantity can lie.

    Returns
    -------
    tuple of array
        Low and high end.

    Examples
    --------
    >>> [float(end) for end in interval_of_mean(5.0, np.linspace(0.0, 2.0, 21))]
    [4.1, 5.9]
    """
    low, high = (end - draws.mean(axis=0) + mean for end in quantiles(draws, _INTERVAL))
    return np.clip(low, *bounds), np.clip(high, *bounds)


def earliest_booster(arm: Arm) -> float:
    """Return the first day on which a booster could begin [days since t = 0]; infinite without boosters.

    Parameters
    ----------
    arm : Arm
        The arm.

    Returns
    -------
    float
        Day.

    Examples
    --------
    >>> from letheon.dosing.regimen import Regimen
    >>> earliest_booster(Arm("none", "racemic", Regimen("racemic", ())))
    inf
    """
    boosters = arm.policy.boosters
    if boosters is None:
        return math.inf
    course = next((stop for _, stop in arm.regimen.courses()), 0) / MS_PER_DAY
    gap = boosters.gaps_days[0] if boosters.gaps_days else boosters.wait_days
    return math.floor(course) + max(gap, boosters.apart_days)


def _outside(low: float, high: float, mean: float, sd: float) -> float:
    """Share of a lognormal weight distribution outside a range."""
    if sd == 0:
        return float(not low <= mean <= high)
    spread = math.sqrt(math.log1p((sd / mean) ** 2))
    centre = math.log(mean) - spread**2 / 2
    inside = special.ndtr((math.log(high) - centre) / spread) - special.ndtr((math.log(low) - centre) / spread)
    return 1.0 - float(inside)


def _longest_drip_h(arm: Arm) -> float:
    schedule = arm.regimen.schedule()
    longest = run = 0.0
    for terms, hours in zip(schedule.terms, schedule.durations_h, strict=True):
        run = run + hours if terms else 0.0
        longest = max(longest, run)
    return longest


def _beyond(model, rates_hours: tuple[float, float]) -> dict[str, float]:
    """Return which limits of a model an arm passes, with the value it reaches."""
    hours, rate = rates_hours
    limits = {"h on the drip": hours, "mg/h at 70 kg": rate}
    studied = {
        "h on the drip": model.validity["duration_h"][1],
        "mg/h at 70 kg": model.validity["rate_mg_h"][1],
    }
    return {unit: value for unit, value in limits.items() if value > studied[unit] * (1 + 1e-9)}


def _of_model(scenario: Scenario, model, purposes: set[str], arms: list[Arm]) -> list[str]:
    """Say, once for all arms, where a model is used beyond what it was studied in."""
    source = f"{model.label} ({', '.join(sorted(purposes))})"
    weight = scenario.population.weight
    low, high = model.validity["weight_kg"]
    share = _outside(low, high, weight.mean, weight.sd)
    said = []
    if share > _OUTSIDE_SHARE:
        said.append(f"{source} was studied at {low:g} to {high:g} kg; {share:.0%} of these patients lie outside.")
    reached: dict[str, list[tuple[float, str]]] = {}
    for arm in arms:
        rate = max(arm.regimen.schedule().rates(_REFERENCE_KG), default=0.0)
        for unit, value in _beyond(model, (_longest_drip_h(arm), rate)).items():
            reached.setdefault(unit, []).append((value, arm.name))
    top = {"h on the drip": model.validity["duration_h"][1], "mg/h at 70 kg": model.validity["rate_mg_h"][1]}
    for unit, values in reached.items():
        named = ", ".join(f"{name} {value:.3g}" for value, name in values)
        factor = max(value for value, _ in values) / top[unit]
        said.append(
            f"{source} was studied up to {top[unit]:g} {unit}; reached here: {named}"
            f" (up to {factor:.2g} times as much): extrapolated."
        )
    if not any(number.omega for number in model.parameters.values()) and not scenario.models.borrow_variability:
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
    said = list(scenario.warnings)
    if shared := models_sentence(scenario):
        said.append(shared)
    used: dict[str, tuple[set[str], list[Arm]]] = {}
    for arm, plan in zip(scenario.arms, plans, strict=True):
        for part in plan.structure.parts if arm.drug != "placebo" else ():
            purposes, arms = used.setdefault(part.model, (set(), []))
            purposes |= {"levels and block" if drive == "levels" else "acute effect" for drive in part.drives}
            arms += [arm] if arm not in arms else []
    for model, (purposes, arms) in used.items():
        said += _of_model(scenario, library.pk_model(model), purposes, arms)
    if any(_longest_drip_h(arm) > 12 for _, arms in used.values() for arm in arms):
        said.append("Norketamine after 12 h on the drip is uncertain by a factor of 0.5 to 1.")
    if scenario.follow_up_h > _LAST_SUPPORTED_DAY * 24:
        said.append("Relapse beyond 12 weeks rests on assumed flares: not identified by any data.")
    return said
