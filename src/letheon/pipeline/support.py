"""How far to trust a result: intervals of means, and models used beyond what they were studied in."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import numpy as np

from letheon import library
from letheon.definitions import LAST_SUPPORTED_DAY
from letheon.dosing.regimen import MS_PER_DAY, MS_PER_HOUR, Regimen, Schedule
from letheon.dosing.titration import reach
from letheon.library import StudyArm
from letheon.library.records import PkModel
from letheon.patients.covariates import Covariates, normal_share, realised
from letheon.pipeline.models import common_models, models_sentence
from letheon.scenario import Arm, Population, Scenario
from letheon.units import REFERENCE_WEIGHT_KG

__all__ = ["INTERVAL", "earliest_booster", "interval_of_mean", "model_warnings", "quantiles", "within_range"]

INTERVAL = (0.05, 0.95)  # ends of the interval of a mean
_OUTSIDE_SHARE = 0.10
_FEW = 4096
# how far mean or SD may move without a warning: a fifth of a point of pain, less than a scale shows, a year
_NOTICED = {"weight": (" kg", 0.5, 1), "baseline_nrs": ("", 0.2, 2), "age": (" years", 1.0, 1)}


def quantiles(values: np.ndarray, shares: Sequence[float]) -> list[np.ndarray]:
    """Return quantiles over the first axis, one array for each share, as `numpy.quantile` does.

    A result needs hundreds of them, of few values each, for which `numpy.quantile` takes ten times as long.

    >>> [float(q) for q in quantiles(np.array([3.0, 1.0, 2.0]), (0.5, 0.75))]
    [2.0, 2.5]
    """
    ordered, out = np.sort(values, axis=0) if len(values) <= _FEW else values, []
    if len(values) > _FEW or np.isnan(ordered[-1]).any():
        return list(np.quantile(values, shares, axis=0))
    for share in shares:
        place = share * (len(ordered) - 1)
        below = int(place)
        low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
        t = place - below
        out.append(low + (high - low) * t if t < 0.5 else high - (high - low) * (1.0 - t))
    return out


def interval_of_mean(
    mean: float | np.ndarray, draws: np.ndarray, bounds: tuple[float, float] = (-math.inf, math.inf)
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the 90 % interval of a mean over the population, within the bounds of the quantity.

    It is the spread over draws of the means of the bank's people, shape (draw, …), moved onto the population's mean.

    >>> [float(end) for end in interval_of_mean(5.0, np.linspace(0.0, 2.0, 21))]
    [4.1, 5.9]
    """
    low, high = (end - draws.mean(axis=0) + mean for end in quantiles(draws, INTERVAL))
    return np.clip(low, *bounds), np.clip(high, *bounds)


def earliest_booster(arm: Arm) -> float:
    """Return the first day on which a booster could begin [days since t = 0]; infinite without boosters.

    >>> from letheon.dosing.regimen import Regimen
    >>> earliest_booster(Arm("none", "racemic", Regimen("racemic", ())))
    inf
    """
    boosters = arm.policy.boosters
    if boosters is None:
        return math.inf
    course = next((stop for _, stop in arm.given.courses()), 0) / MS_PER_DAY
    gap = boosters.wait_days if boosters.on_relapse else boosters.rungs[0].gap_days[0]
    return math.floor(course) + max(gap, boosters.apart_days)


def _outside(low: float, high: float, mean: float, sd: float) -> float:
    """Share of a lognormal weight distribution outside a range."""
    spread = math.sqrt(math.log1p((sd / mean) ** 2))
    if spread == 0:  # of nothing, or of so little that its square is nothing
        return float(not low <= mean <= high)
    centre = math.log(mean) - spread**2 / 2
    above, below = ((math.log(end) - centre) / spread for end in (high, low))
    return 1.0 - (normal_share(above) - normal_share(below))


def _schedules(arm: Arm) -> Iterator[Schedule]:
    """Yield what each class is given as written, and each kind of booster; limits of rates say nothing of pushes."""
    for one in arm.each_class():
        for regimen in (one.given, *one.policy.boosters_of(arm.drug)):
            yield _without_pushes(regimen).schedule()


def _without_pushes(regimen: Regimen) -> Regimen:
    return Regimen.create(regimen.drug, [infusion for infusion in regimen.infusions if not infusion.is_push])


def _highest_rate(arm: Arm) -> float:
    """Return the highest rate at 70 kg that anybody may reach, as written, titrated or boosted, pushes apart [mg/h]."""
    rates = [rate for one in _schedules(arm) for rate in one.rates(REFERENCE_WEIGHT_KG)]
    for one in arm.each_class():
        if rule := one.policy.titration:
            rates += [part.highest for part in reach(_without_pushes(one.regimen), rule, REFERENCE_WEIGHT_KG)]
    return max(rates, default=0.0)


def _longest_infusion_h(arm: Arm) -> float:
    longest = 0.0
    for schedule in _schedules(arm):
        run = 0.0
        for terms, hours in zip(schedule.terms, schedule.durations_h, strict=True):
            run = run + hours if terms else 0.0
            longest = max(longest, run)
    return longest


def _largest_push(arm: Arm) -> float:
    """Return the largest push of the timetable and of boosters [mg/kg at 70 kg]."""
    infusions = (*arm.given.infusions, *(arm.policy.boosters.infusions if arm.policy.boosters else ()))
    hours = ((i, i.duration_ms / MS_PER_HOUR) for i in infusions if i.is_push)
    doses = ((rate, h) for i, h in hours for rate in i.rate.classes.rates or (i.rate,))
    return max((rate.at(REFERENCE_WEIGHT_KG) * h / REFERENCE_WEIGHT_KG for rate, h in doses), default=0.0)


def within_range(arm: Arm, model: PkModel) -> bool:
    """Say whether a model was studied at all rates, lengths and pushes of an arm, boosters and titration included."""
    limits = cast("Mapping[str, tuple[float, float]]", model.validity)
    reached = {
        "duration_h": _longest_infusion_h(arm),
        "rate_mg_h": _highest_rate(arm),
        "push_mg_kg": _largest_push(arm),
    }
    return all(value <= limits.get(name, (0.0, 0.0))[1] * (1 + 1e-9) for name, value in reached.items())


def _of_pushes(source: str, studied_mg_kg: float, arms: list[Arm]) -> list[str]:
    """Say where pushes are larger than those that a model was studied with."""
    pushes = {arm.name: _largest_push(arm) for arm in arms}
    beyond = {name: dose for name, dose in pushes.items() if dose > studied_mg_kg * (1 + 1e-9)}
    if not beyond:
        return []
    named = ", ".join(f"{name} {dose:.3g} mg/kg" for name, dose in beyond.items())
    limit = f"with pushes up to {studied_mg_kg:g} mg/kg" if studied_mg_kg else "without pushes"
    return [f"{source} was studied {limit}; given here: {named}: the minutes after a push are extrapolated."]


def _of_model(scenario: Scenario, model: PkModel, purposes: set[str], arms: list[Arm]) -> list[str]:
    """Say, once for all arms, where a model is used beyond what it was studied in."""
    source = f"{model.label} ({', '.join(sorted(purposes))})"
    weight = scenario.population.weight
    limits = cast("Mapping[str, tuple[float, float]]", model.validity)
    low, high = limits["weight_kg"]
    share = _outside(low, high, weight.mean, weight.sd)
    sentences = []
    if share > _OUTSIDE_SHARE:
        sentences.append(f"{source} was studied at {low:g} to {high:g} kg; {share:.0%} of these patients lie outside.")
    reached: dict[str, list[tuple[float, str]]] = {}
    top = {"h of infusion": limits["duration_h"][1], "mg/h at 70 kg": limits["rate_mg_h"][1]}
    for arm in arms:
        rate = _highest_rate(arm)
        for (unit, most), value in zip(top.items(), (_longest_infusion_h(arm), rate), strict=True):
            if value > most * (1 + 1e-9):
                reached.setdefault(unit, []).append((value, arm.name))
    for unit, values in reached.items():
        named = ", ".join(f"{name} {value:.3g}" for value, name in values)
        factor = max(value for value, _ in values) / top[unit]
        sentences.append(
            f"{source} was studied up to {top[unit]:g} {unit}; reached here: {named}"
            f" (up to {factor:.2g} times as much): extrapolated."
        )
    sentences += _of_pushes(source, limits.get("push_mg_kg", (0.0, 0.0))[1], arms)
    if not any(number.omega for number in model.parameters.values()) and not scenario.models.borrow_variability:
        sentences.append(
            f"{source} has no published variability between patients: all patients of one weight get the same levels"
            " (`borrow_variability: on` takes that of simons2022)."
        )
    return sentences


def _of_fitted_rates(arms: Sequence[Arm]) -> list[str]:
    """Say which arms stay below, or go above, the highest rates of all fitted trials of their drug."""
    fitted = [
        (arm.drug, *_highest_rates(arm), study.id)
        for study in library.studies()
        if study.role == "calibrate"
        for arm in study.arms
        if arm.infusions
    ]
    sentences = []
    for arm in arms:
        known = [one for one in fitted if one[0] == arm.drug]
        rate = _highest_rate(arm)
        if not known or not rate:
            continue
        _, low, _, lowest = min(known, key=lambda one: one[1])
        _, _, high, highest = max(known, key=lambda one: one[2])
        if rate < low * (1 - 1e-9):
            end = f"below that of every fitted trial of {arm.drug} (lowest {low:.3g} mg/h, {lowest})"
            why = "what so little does to lasting pain is assumed"
        elif rate > high * (1 + 1e-9):
            end = f"above that of every fitted trial of {arm.drug} (highest {high:.3g} mg/h, {highest})"
            why = "that no more patients respond at such a depth is assumed"
        else:
            continue
        sentences.append(f"{arm.name}: the highest rate, {rate:.3g} mg/h at 70 kg, is {end}: {why}.")
    return sentences


def _highest_rates(arm: StudyArm) -> tuple[float, float]:
    """Return the least and the most that the highest rate of an arm may have been [mg/h]."""
    if arm.titration:
        return arm.titration.reached[0], arm.titration.most
    highest = max(rate for _, _, rate in arm.infusions)
    return highest, highest


def _of_norketamine(models: list[PkModel]) -> list[str]:
    """Say, for an infusion of more than 12 h, how far norketamine is simulated above what was measured."""
    ratios = {model.label: [v for k, v in model.checks.items() if k.startswith("nk_to_k")] for model in models}
    named = ", ".join(
        f"{' and '.join(f'{value:g}' for value in values)} ({label})" for label, values in ratios.items() if values
    )
    outcomes = (one for study in library.studies() for one in study.outcomes)
    measured = [one.value for one in outcomes if one.measure == "norketamine_over_ketamine" and one.value is not None]
    if not named or not measured:
        return []
    return [
        f"Norketamine after 12 h of infusion is a range, from what was measured to what is modelled: {max(measured):g}"
        f" times ketamine after days of infusion, modelled {named}."
    ]


def _of_population(population: Population) -> list[str]:
    """Say where the limits of a quantity leave patients other than those that were asked for."""
    weight, nrs, age = population.weight, population.baseline_nrs, population.age
    runs = realised(Covariates(weight.mean, weight.sd, nrs.mean, nrs.sd, age.mean, age.sd, population.asian))
    sentences = []
    for name, (unit, enough, digits) in _NOTICED.items():
        spread, (mean, sd) = getattr(population, name), runs[name]
        if max(abs(mean - spread.mean), abs(sd - spread.sd)) > enough:
            sentences.append(
                f"{name}: {spread.mean:g} ± {spread.sd:g}{unit} was asked for; within the limits of the model "
                f"the patients have {mean:.{digits}f} ± {sd:.{digits}f}{unit}."
            )
    return sentences


def model_warnings(scenario: Scenario) -> list[str]:
    """Return a sentence for each use outside the validity range of a model, with source and range."""
    sentences = [*scenario.warnings, *_of_population(scenario.population)]
    if shared := models_sentence(scenario):
        sentences.append(shared)
    active = [arm for arm in scenario.arms if arm.drug != "placebo"]
    purposes: dict[str, set[str]] = {}
    for drive, model in common_models(scenario).items() if active else ():
        purposes.setdefault(model, set()).add("levels and block" if drive == "levels" else "acute effect")
    for model, named in purposes.items():
        sentences += _of_model(scenario, library.pk_model(model), named, active)
    if any(_longest_infusion_h(arm) > 12 for arm in active):
        sentences += _of_norketamine([library.pk_model(model) for model in purposes])
    sentences += _of_fitted_rates(active)
    if scenario.follow_up_h > LAST_SUPPORTED_DAY * 24:
        sentences.append("Relapse beyond 12 weeks rests on assumed flares: not identified by any data.")
    return sentences
