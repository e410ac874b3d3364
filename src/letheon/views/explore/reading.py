"""From a scenario to what the page's controls show, and which controls the reader of scenarios knows."""

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

from letheon.dosing.policy import Policy, Stops
from letheon.dosing.regimen import Infusion, Rate
from letheon.dosing.repeats import repeats
from letheon.errors import InputError
from letheon.scenario import Arm, Scenario, dumps, loads
from letheon.units import MS_PER_HOUR, REFERENCE_WEIGHT_KG

__all__ = ["form", "policies"]

_POLICIES = {
    "boosters": "boosters: {every: 6 weeks, session: {rate: 25 mg/h, for: 4 h}}",
    "boosters_on_relapse": "boosters: {on: relapse, session: {rate: 25 mg/h, for: 4 h}, at_most: 6 per year}",
    "titration": "titration: {every: 8 h, step: 5 mg/h, max: 40 mg/h, relief: 50 %}",
}


@cache
def policies() -> dict[str, bool]:
    """Say which policies this version's scenario files may hold; the page shows a control for each.

    Returns
    -------
    dict of str to bool
        ``boosters`` by the calendar, ``boosters_on_relapse``, ``titration``.
    """
    known = {}
    for name, line in _POLICIES.items():
        try:
            loads(
                "letheon: 1\ntitle: x\nfollow_up: 26 weeks\narms:\n  a:\n    drug: racemic\n    sessions: "
                f"[{{at: day 1, rate: 25 mg/h, for: 4 h}}]\n    {line}\n"
            )
        except InputError:
            known[name] = False
        else:
            known[name] = True
    return known


def _hours(milliseconds: int) -> float:
    return round(milliseconds / MS_PER_HOUR, 6)


def grouped(infusions: Sequence[Infusion]) -> list[dict[str, Any]]:
    """Return infusions as the rows of the editor: equal ones at equal intervals are one row.

    Parameters
    ----------
    infusions : sequence of Infusion
        In any order.

    Returns
    -------
    list of dict
        Each with ``at_h``, ``hours``, ``rate`` [mg/h, at 70 kg if ``by_weight``], ``max`` [mg/h] or None, ``every_h``
        and ``times``.

    Examples
    --------
    >>> from letheon.dosing.regimen import Rate
    >>> days = [Infusion(day * 86_400_000, 14_400_000, Rate(25.0)) for day in range(3)]
    >>> [(row["at_h"], row["hours"], row["every_h"], row["times"]) for row in grouped(days)]
    [(0.0, 4.0, 24.0, 3)]
    """
    rows = []
    for one in repeats(infusions):
        rate, limit = _rate(one.first.rate), one.first.rate.ceiling_mg_h
        rows.append(
            {
                "at_h": _hours(one.first.start_ms),
                "hours": _hours(one.first.duration_ms),
                "rate": rate["value"],
                "by_weight": rate["by_weight"],
                "max": None if limit == math.inf else float(f"{limit:.6g}"),
                "every_h": _hours(one.every_ms) if one.times > 1 else 24.0,
                "times": one.times,
            }
        )
    return rows


def _arm(arm: Arm) -> dict[str, Any]:
    return {
        "name": arm.name,
        "drug": arm.drug,
        "like": arm.like,
        "beside": {"clonidine_mg": arm.beside.clonidine_mg, "midazolam_mg": arm.beside.midazolam_mg},
        "sessions": grouped(arm.regimen.infusions) if arm.drug != "placebo" else [],
        **_policy(arm.policy),
    }


def _policy(policy: Policy) -> dict[str, Any]:
    """Return an arm's rules in numbers; what the page has no control for is carried along."""
    found: dict[str, Any] = {"boosters": None, "titration": None, "stop": None}
    if (boosters := policy.boosters) is not None:
        found["boosters"] = {
            "on": "relapse" if boosters.on_relapse else "calendar",
            "gaps_days": list(boosters.gaps_days),
            "wait_days": boosters.wait_days,
            "apart_days": boosters.apart_days,
            "at_most": boosters.at_most,
            "times": boosters.times,
            "session": grouped(boosters.session)[0],
        }
    if (titration := policy.titration) is not None:
        found["titration"] = {
            "every_h": _hours(titration.every_ms),
            "step": _rate(titration.step),
            "min": _rate(titration.lowest),
            "max": _rate(titration.highest),
            "relief": round(100 * titration.relief, 9),
            "harm": "elicited" if titration.asked else "spontaneous",
            "on_harm": "down" if titration.down else "hold",
        }
    if policy.stops != Stops():
        found["stop"] = {
            "no_response": policy.stops.no_response,
            "harm": policy.stops.harm,
            "dose_mg": policy.stops.dose_mg,
        }
    return found


def _rate(rate: Rate) -> dict[str, Any]:
    by_weight = rate.per_kg_mg_h > 0
    value = rate.per_kg_mg_h * REFERENCE_WEIGHT_KG if by_weight else rate.absolute_mg_h
    return {"value": float(f"{value:.6g}"), "by_weight": by_weight}


def form(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as the page's controls show it, and as text.

    Parameters
    ----------
    scenario : Scenario
        What was read.

    Returns
    -------
    dict
        Numbers in the units of the controls; ``yaml`` is the scenario with every default filled in.
    """
    people, models = scenario.population, scenario.models
    return {
        "title": scenario.title,
        "patients": people.n,
        "weight": {"mean": people.weight.mean, "sd": people.weight.sd},
        "baseline": {"mean": people.baseline_nrs.mean, "sd": people.baseline_nrs.sd},
        "age": {"mean": people.age.mean, "sd": people.age.sd},
        "asian": people.asian,
        "urine_l_day": None if people.urine is None else 24.0 * people.urine,
        "follow_up_days": scenario.follow_up_h / 24.0,
        "seed": str(scenario.seed),  # whole numbers of this size do not survive a browser's arithmetic
        "models": {name: getattr(models, name) for name in type(models).__dataclass_fields__},
        "arms": [_arm(arm) for arm in scenario.arms],
        "warnings": list(scenario.warnings),
        "yaml": dumps(scenario),
    }
