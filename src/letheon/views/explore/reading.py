"""From a scenario to what the page's controls show: numbers by the keys of the grammar, and the grammar itself."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from letheon.dosing.regimen import Infusion, Rate
from letheon.dosing.repeats import repeats
from letheon.scenario import Arm, Scenario, Spread, dumps
from letheon.scenario.grammar import BESIDE, BOOSTERS, MODELS, POPULATION, STOP, TITRATION, Fields
from letheon.scenario.writing import fields_of, policy_of
from letheon.units import MS_PER_HOUR, REFERENCE_WEIGHT_KG

__all__ = ["form", "grammar", "rows"]


def _hours(milliseconds: int) -> float:
    return round(milliseconds / MS_PER_HOUR, 6)


def _rate(rate: Rate) -> dict[str, Any]:
    by_weight = rate.per_kg_mg_h > 0
    value = rate.per_kg_mg_h * REFERENCE_WEIGHT_KG if by_weight else rate.absolute_mg_h
    return {"value": float(f"{value:.6g}"), "by_weight": by_weight}


def _spread(spread: Spread) -> dict[str, float]:
    return {"mean": spread.mean, "sd": spread.sd}


# kind of the grammar -> its number on the page; the others stay as they are
_NUMBERS: dict[str, Callable[[Any], Any]] = {
    "time": _hours,
    "rate": _rate,
    "mean ± spread": _spread,
    "flow": lambda l_h: 24.0 * l_h,
    "per cent": lambda share: round(100 * share, 9),
}


def _numbers(fields: Fields, values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return values of the grammar as the page's numbers, without those that are None."""
    if values is None:
        return None
    present = [key for key in fields.keys if values.get(key.name) is not None]
    return {key.name: _NUMBERS.get(key.kind.type, lambda value: value)(values[key.name]) for key in present}


def grammar() -> dict[str, Any]:
    """Return kind, unit and default of each key that the page writes, by map."""
    maps = {"population": POPULATION, "models": MODELS, "beside": BESIDE, "boosters": BOOSTERS}
    maps |= {"titration": TITRATION, "stop": STOP}
    found = {}
    for name, fields in maps.items():
        defaults = _numbers(fields, fields_of(fields.record) if fields.record else {}) or {}
        found[name] = {
            key.name: {"kind": key.kind.type, "unit": key.kind.unit, "default": defaults.get(key.name)}
            for key in fields.keys
        }
    return found


def rows(infusions: Iterable[Infusion]) -> list[dict[str, Any]]:
    """Return infusions as the rows of the editor: equal ones at equal intervals are one row.

    Examples
    --------
    >>> days = [Infusion(day * 86_400_000, 14_400_000, Rate(25.0)) for day in range(3)]
    >>> [(row["at_h"], row["hours"], row["every_h"], row["times"]) for row in rows(days)]
    [(0.0, 4.0, 24.0, 3)]
    """
    return [_row(*group) for group in repeats(infusions)]


def _row(infusion: Infusion, every: int, times: int) -> dict[str, Any]:
    rate, ceiling = _rate(infusion.rate), infusion.rate.ceiling_mg_h
    return {
        "at_h": _hours(infusion.start_ms),
        "hours": _hours(infusion.duration_ms),
        "rate": rate["value"],
        "by_weight": rate["by_weight"],
        "max": None if ceiling == math.inf else float(f"{ceiling:.6g}"),
        "every_h": _hours(every) if times > 1 else 24.0,
        "times": times,
    }


def _arm(arm: Arm) -> dict[str, Any]:
    policy = policy_of(arm.policy)
    boosters = _numbers(BOOSTERS, policy["boosters"])
    if boosters and arm.policy.boosters:
        boosters["session"] = rows(arm.policy.boosters.session)[0]
    return {
        "name": arm.name,
        "drug": arm.drug,
        "like": arm.like,
        "beside": {name.removesuffix("_mg"): dose for name, dose in fields_of(arm.beside).items()},
        "sessions": rows(arm.regimen.infusions) if arm.drug != "placebo" else [],
        "boosters": boosters,
        "titration": _numbers(TITRATION, policy["titration"]),
        "stop": _numbers(STOP, policy["stop"]),
    }


def form(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as the page's controls show it, and as text with every default filled in."""
    return {
        "title": scenario.title,
        "population": _numbers(POPULATION, fields_of(scenario.population)),
        "follow_up_days": scenario.follow_up_h / 24.0,
        "seed": str(scenario.seed),  # whole numbers of this size do not survive a browser's arithmetic
        "models": fields_of(scenario.models),
        "arms": [_arm(arm) for arm in scenario.arms],
        "warnings": list(scenario.warnings),
        "yaml": dumps(scenario),
    }
