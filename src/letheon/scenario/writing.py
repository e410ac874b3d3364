"""Writing: a `Scenario` becomes the text of a scenario file in canonical units, every default filled in."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from letheon.dosing.other_drugs import OtherDrug
from letheon.dosing.policy import Boosters, Policy, Rung, Stops
from letheon.dosing.regimen import Infusion, Rate
from letheon.dosing.repeats import repeats
from letheon.scenario.classes import ByClass
from letheon.scenario.fields import flow
from letheon.scenario.grammar import ALSO, ARM, SCENARIO, SESSION
from letheon.scenario.model import Arm, Scenario
from letheon.units import MS_PER_HOUR


def dumps(scenario: Scenario) -> str:
    """Write a scenario as YAML, so that ``loads(dumps(scenario)) == scenario``.

    Masses are free base; sessions that recur are written with ``repeat``.

    Examples
    --------
    >>> from letheon.scenario import loads
    >>> arms = "{a: {drug: racemic, sessions: [{at: 0 h, rate: 5 mg/h, for: 1 h}]}}"
    >>> text = dumps(loads("{letheon: 1, title: x, follow_up: 1 day, arms: " + arms + "}"))
    >>> print(text.splitlines()[-1])
          - {at: 0 h, rate: 5 mg/h, for: 1 h}
    """
    values = {
        "letheon": 1,
        "title": json.dumps(scenario.title, ensure_ascii=False),
        "population": fields_of(scenario.population),
        "follow_up": round(scenario.follow_up_h * MS_PER_HOUR),
        "seed": scenario.seed,
        "models": fields_of(scenario.models),
        "compare": {"against": scenario.against} if scenario.against else None,
        "endpoints": {key: own for key, own in fields_of(scenario.endpoints).items() if own} or None,
    }
    lines = [f"{key}: {text}" for key, text in SCENARIO.write(values).items()]
    return "\n".join([*lines, "arms:", *(line for arm in scenario.arms for line in _arm(arm))]) + "\n"


def fields_of(record: Any) -> dict[str, Any]:
    """Return the fields of a record by name."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def _arm(arm: Arm) -> Iterator[str]:
    if arm.like is not None:
        yield f"  {arm.name}: {flow({'drug': arm.drug, 'like': arm.like})}"
        return
    yield f"  {arm.name}:"
    beside = {name.removesuffix("_mg"): dose for name, dose in fields_of(arm.beside).items() if dose}
    texts = ARM.write({"drug": arm.drug, "bag": arm.bag, "beside": beside or None} | policy_of(arm.policy))
    yield from (f"    {key}: {texts[key]}" for key in ("drug", "bag", "beside") if key in texts)
    yield "    sessions:"
    for session in sessions(arm.regimen.infusions):
        yield f"      - {flow(SESSION.write(session))}"
    if arm.also:
        yield "    also:"
        yield from (f"      - {flow(ALSO.write(other_drug(one)))}" for one in arm.also)
    yield from (
        f"    {key}: {texts[key]}" for key in ("titration", "wean", "limits", "boosters", "stop") if key in texts
    )


def other_drug(one: OtherDrug) -> dict[str, Any]:
    """Return another drug as the values of an entry of `also`, by key."""
    amount = {"rate": Rate(one.mg, one.mg_per_kg)} if one.infused else {"dose": (one.mg, one.mg_per_kg)}
    when = {"every": one.every_ms, "until": one.until_ms} if one.every_ms else {"with": "each session"}
    return {"drug": one.drug} | amount | when


def policy_of(policy: Policy) -> dict[str, Any]:
    """Return the rules of an arm by key, None for those that it has not."""
    titration, boosters, stops = policy.titration, policy.boosters, policy.stops
    return {
        "titration": titration
        and {
            "every": titration.every_ms,
            "step": _by_class(titration.step),
            "min": _by_class(titration.lowest),
            "max": _by_class(titration.highest),
            "relief": titration.relief,
            "harm": "elicited" if titration.elicited else "spontaneous",
            "on_harm": (titration.on_harm, titration.pause_ms),
        },
        "wean": policy.wean and {"over": policy.wean.over_ms, "steps": policy.wean.steps},
        "limits": policy.limits
        and {"per_day": policy.limits.per_day_mg or None, "in_all": policy.limits.in_all_mg or None},
        "boosters": boosters and _boosters(boosters),
        "stop": None
        if stops == Stops()
        else {"no_response": stops.no_response or None, "harm": stops.harm or None, "dose": stops.dose_mg or None},
    }


def _boosters(boosters: Boosters) -> dict[str, Any]:
    """Return the rule for boosters by key: a ladder where they differ."""
    session, *others = (sessions(one) for one in boosters.sessions)
    values = {"apart": boosters.apart_days, "at_most": boosters.at_most or None}
    if boosters.on_relapse:
        values |= {"on": "relapse", "wait": boosters.wait_days}
    elif others or len(session) > 1 or session[0]["at"] or any(rung.times > 1 for rung in boosters.rungs):
        *before, last = boosters.rungs
        more = boosters.times - sum(rung.times for rung in before)
        rungs = [_rung(rung, rung.times) for rung in before]
        return values | {"ladder": [*rungs, _rung(last, more if boosters.times else None)]}
    else:
        values |= {"every": [rung.gap_days for rung in boosters.rungs]}
    return values | {"times": boosters.times or None, "session": session[0]}


def _rung(rung: Rung, times: int | None) -> dict[str, Any]:
    return {"every": rung.gap_days, "times": times, "sessions": sessions(rung.session)}


def _by_class(rate: Rate) -> Rate | ByClass:
    """Return a rate, or one for each class, as values of the grammar."""
    classes = rate.classes
    return ByClass(classes.unit, classes.limits, classes.rates) if classes.rates else rate


def sessions(infusions: Iterable[Infusion]) -> list[dict[str, Any]]:
    """Return infusions as the values of `sessions`, by key; equal ones at equal intervals are one entry."""
    return [_session(*group) for group in repeats(infusions)]


def _session(infusion: Infusion, every: int, times: int) -> dict[str, Any]:
    rate, length = infusion.rate, infusion.duration_ms
    unit, limits, rates = rate.classes.unit, rate.classes.limits, rate.classes.rates or (rate,)

    def written(each: Sequence[Any]) -> Any:
        """Return one value, or one for each class."""
        return each[0] if all(one == each[0] for one in each) else ByClass(unit, limits, tuple(each))

    values: dict[str, Any] = {"at": infusion.start_ms}
    doses = [_push_dose(one, length) for one in rates] if infusion.is_push else [None]
    if all(doses):
        values |= {"push": written(doses), "over": length}
    else:
        values |= {"rate": written([replace(one, ceiling_mg_h=math.inf) for one in rates]), "for": length}
        if any(one.ceiling_mg_h != math.inf for one in rates):
            values["max"] = written([one.ceiling_mg_h for one in rates])
    return values | ({"repeat": {"every": every, "times": times}} if times > 1 else {})


def _push_dose(rate: Rate, length_ms: int) -> tuple[float, float] | None:
    """Return a push by its dose, where that reads back as the same rate."""
    hours = length_ms / MS_PER_HOUR
    if rate.ceiling_mg_h != math.inf:
        return None
    per_hour = rate.per_kg_mg_h or rate.absolute_mg_h
    doses = (float(f"{per_hour * hours:.{digits}g}") for digits in (6, 12, 15, 16, 17))
    dose = next((dose for dose in doses if dose / hours == per_hour), None)
    return None if dose is None else (0.0, dose) if rate.per_kg_mg_h else (dose, 0.0)
