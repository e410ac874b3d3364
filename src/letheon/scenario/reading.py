"""Reading: the tree of a scenario file becomes a `Scenario`; the block `optimise` is for `letheon.scenario.search`."""

import re
import sys
from typing import Any

from letheon.dosing.regimen import MS_PER_DAY
from letheon.errors import InputError
from letheon.scenario.arms import read_arms
from letheon.scenario.comparing import comparators
from letheon.scenario.faults import LOST, attempt
from letheon.scenario.grammar import SCENARIO, WEEKDAYS
from letheon.scenario.model import Arm, Models, OwnEndpoints, Population, Scenario, pk_choices
from letheon.scenario.yaml_tree import Listing, Node, Table, Value
from letheon.units import MS_PER_HOUR, shown

_CALENDAR = (("month", "30 days"), ("year", "365 days"))


def read(top: Table) -> Scenario:
    """Read a scenario from its tree."""
    attempt(_check_version, top)
    values = SCENARIO.read(top, without=("letheon", "optimise"))
    models, notes = attempt(_models, top, values.get("models", {})), attempt(_rival_notes, values)
    weekday = attempt(lambda: WEEKDAYS.index(values.get("day_1", "Mon")))
    follow_up = values["follow_up"]
    arms, warnings = read_arms(values["arms"], sys.maxsize if follow_up is LOST else follow_up, weekday)
    for arm in arms:
        attempt(_check_pk, top, models, arm)
    attempt(_check_occasions, top, models, arms)
    against = attempt(lambda: values.get("compare", {}).get("against"))
    attempt(_check_against, top, arms, against)
    return Scenario(
        values["title"],
        attempt(lambda: Population(**values.get("population", {}))),
        attempt(lambda: follow_up / MS_PER_HOUR),
        values.get("seed", 1),
        models,
        arms,
        attempt(lambda: (*_calendar_notes(top), *notes, *warnings)),
        against,
        attempt(_own_endpoints, top, values),
    )


def _check_version(top: Table) -> None:
    if "letheon" not in top.entries:
        near = ", ".join(shown(key) for key in list(top.entries)[:3]) or "nothing"
        top.refuse(f'the key "letheon" is missing, found {near}; begin with the format version, letheon: 1.')
    SCENARIO["letheon"].read(top.entries["letheon"])


def _models(top: Table, values: dict[str, Any]) -> Models:
    """Read the models; `rival` is what earlier files wrote for one mechanism alone."""
    own = {key: value for key, value in values.items() if key != "rival"}
    if values.get("rival") is False and own.setdefault("pain", "memory") == "average":
        _node_in(top, "models", "rival").refuse(
            "an average needs both mechanisms; leave rival out, or write pain: memory or pain: slow_site for one alone."
        )
    return Models(**own)


def _rival_notes(values: dict[str, Any]) -> tuple[str, ...]:
    models = values.get("models", {})
    pain = models.get("pain", "average")
    if models.get("rival") and pain != "average":
        return (f"models.rival: pain: {pain} is that mechanism alone; pain: average shows both.",)
    return ()


def _calendar_notes(top: Table) -> tuple[str, ...]:
    """Say how long a month and a year are, where a length of time counts in them."""
    used: dict[str, str] = {}
    waiting: list[Node] = [node for key, node in top.entries.items() if key not in {"title", "population"}]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Value):
            unit = re.fullmatch(r"[^A-Za-z]*(month|year)s?", node.text.strip())
            used |= {unit[1]: node.field} if unit and unit[1] not in used else {}
        else:
            waiting.extend(node.entries.values() if isinstance(node, Table) else ())
            waiting.extend(node.items if isinstance(node, Listing) else ())
    return tuple(f"{used[unit]}: a {unit} counts {days}." for unit, days in _CALENDAR if unit in used)


def _node_in(top: Table, name: str, key: str) -> Node:
    inner = top.entries[name]
    return inner.entries[key] if isinstance(inner, Table) else inner


def _own_endpoints(top: Table, values: dict[str, Any]) -> OwnEndpoints:
    """Read what is asked for beside the standard endpoints; refuse a day that the follow-up does not reach."""
    own = values.get("endpoints", {})
    days, last = own.get("days", ()), values["follow_up"] // MS_PER_DAY
    for place, day in enumerate(days):
        if day > last:
            listing = _node_in(top, "endpoints", "days")
            node = listing.items[place] if isinstance(listing, Listing) else listing
            node.refuse(f"day {day} is after day {last}, on which the follow-up ends; write a day from 1 to {last}.")
    return OwnEndpoints(**own | {"days": tuple(sorted(days)), "above": tuple(sorted(own.get("above", ())))})


def _check_against(top: Table, arms: tuple[Arm, ...], against: str | None) -> None:
    """Refuse a comparison that the arms do not allow."""
    try:
        comparators(arms, against)
    except InputError as error:
        _node_in(top, "compare", "against").refuse(str(error))


def _check_occasions(top: Table, models: Models, arms: tuple[Arm, ...]) -> None:
    """Refuse occasions where boosters make their number unknown beforehand."""
    if models.occasions and (arm := next((arm for arm in arms if arm.policy.boosters), None)):
        _node_in(top, "models", "occasions").refuse(
            f"occasions go with written timetables, and arm {arm.name} has boosters; write occasions: off."
        )


def _check_pk(top: Table, models: Models, arm: Arm) -> None:
    """Refuse a pharmacokinetic model that does not describe the drug of an arm."""
    described = pk_choices()[models.pk]
    if models.pk == "auto" or arm.drug == "placebo" or arm.drug in described:
        return
    fitting = [name for name, drugs in pk_choices().items() if arm.drug in drugs]
    _node_in(top, "models", "pk").refuse(
        f"{models.pk} describes {' and '.join(described)} only, "
        f"and arm {arm.name} gives {arm.drug}; write pk: {', '.join(fitting[:-1])} or {fitting[-1]}."
    )
