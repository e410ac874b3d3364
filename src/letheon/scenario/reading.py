"""Reading: the tree of a scenario file becomes a `Scenario`."""

import re

from letheon.dosing.order import MAX_WEIGHT_KG, MIN_WEIGHT_KG
from letheon.errors import InputError
from letheon.scenario import quantities
from letheon.scenario.arms import POLICIES, read_arms
from letheon.scenario.fields import (
    bare_number,
    choice,
    quantity,
    required,
    spread,
    switch,
    table_of,
    text_of,
    whole,
)
from letheon.scenario.records import Models, Population, Scenario, pk_choices
from letheon.scenario.tree import Listing, Node, Table, Value
from letheon.scenario.volumes import urine_l_h
from letheon.units import MS_PER_HOUR, shown

FORMAT_VERSION = "1"
MIN_FOLLOW_UP_MS = quantities.duration_ms("1 day")
MAX_FOLLOW_UP_MS = quantities.duration_ms("10 years")
MAX_PATIENTS = 10_000_000
QUICK_PATIENTS = 200  # most patients of a first look
MAX_SEED = 2**63 - 1
MAX_TITLE = 200
_URINE_L_DAY = (0.3, 15)
_ADULTS = ", since only adults are modelled: no data here tell how children take up or bear the drug"
_CALENDAR = (("month", "30 days"), ("year", "365 days"))

_TOP = ("letheon", "title", "population", "follow_up", "seed", "models", "arms", "optimise")
_POPULATION = ("n", "weight", "baseline_nrs", "age", "asian", "urine")
_MODELS = (
    "pk",
    "pain",
    "rival",
    "flares",
    "expectancy",
    "norketamine",
    "induction",
    "occasions",
    "borrow_variability",
)


def read(top: Table) -> Scenario:
    """Read a scenario from its tree; the block `optimise` is for `letheon.scenario.search`.

    Parameters
    ----------
    top : Table
        The tree.

    Returns
    -------
    Scenario
        The scenario, checked and in canonical quantities.

    Raises
    ------
    InputError
        If the tree is no scenario.
    """
    _check_version(top)
    top.check_keys(_TOP, POLICIES, "title: my scenario")
    title = _title(required(top, "title", 'title: "one infusion in CRPS"'))
    population = _population(top.entries.get("population"))
    follow_up_ms = _follow_up(required(top, "follow_up", "follow_up: 12 weeks"))
    seed = whole(top.entries["seed"], 0, MAX_SEED, 1) if "seed" in top.entries else 1
    models = _models(top.entries.get("models"))
    arms, warnings = read_arms(
        required(top, "arms", "arms: {ketamine: {drug: racemic, sessions: [...]}}"), follow_up_ms
    )
    _check_pk(top, models, arms)
    _check_occasions(top, models, arms)
    warnings = (*_calendar_notes(top), *warnings)
    return Scenario(title, population, follow_up_ms / MS_PER_HOUR, seed, models, arms, warnings)


def _calendar_notes(top: Table) -> tuple[str, ...]:
    """Say how long a month and a year are, where a length of time counts in them."""
    used: dict[str, str] = {}
    waiting = [node for key, node in top.entries.items() if key not in {"title", "population"}]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Value):
            unit = re.fullmatch(r"[^A-Za-z]*(month|year)s?", node.text.strip())
            used |= {unit[1]: node.field} if unit and unit[1] not in used else {}
        else:
            waiting.extend(node.entries.values() if isinstance(node, Table) else ())
            waiting.extend(node.items if isinstance(node, Listing) else ())
    return tuple(f"{used[unit]}: a {unit} counts {days}." for unit, days in _CALENDAR if unit in used)


def _check_version(top: Table) -> None:
    if "letheon" not in top.entries:
        near = ", ".join(shown(key) for key in list(top.entries)[:3]) or "nothing"
        top.refuse(f"the entry letheon is missing among {near}; begin with the format version, letheon: 1.")
    node = top.entries["letheon"]
    version = text_of(node, "letheon: 1")
    if version != FORMAT_VERSION:
        node.refuse(f"{shown(version)} is not a format version that this Letheon reads; write letheon: 1.")


def _title(node: Node) -> str:
    title = text_of(node, 'title: "one infusion in CRPS"')
    if len(title) > MAX_TITLE:
        node.refuse(f"the title has {len(title)} characters; write at most {MAX_TITLE}.")
    if any(not (c.isprintable() or c == "\u00a0") for c in title):
        node.refuse(f"the title {shown(title)} has a line break or an invisible character; write one line of text.")
    return title


def _population(node: Node | None) -> Population:
    if node is None:
        return Population()
    table = table_of(node, "{n: 1000, weight: 79 ± 19 kg}")
    table.check_keys(_POPULATION, {}, "{n: 1000, weight: 79 ± 19 kg, baseline_nrs: 7.3 ± 2.0}")
    given, default = table.entries, Population()
    weight, nrs, age = given.get("weight"), given.get("baseline_nrs"), given.get("age")
    return Population(
        n=whole(given["n"], 1, MAX_PATIENTS, 1000) if "n" in given else default.n,
        weight=spread(weight, "kg", (MIN_WEIGHT_KG, MAX_WEIGHT_KG), 60, "79 ± 19 kg") if weight else default.weight,
        baseline_nrs=spread(nrs, "NRS", (4, 10), 5, "7.3 ± 2.0", bare=True) if nrs else default.baseline_nrs,
        age=spread(age, "year", (18, 100), 30, "46 ± 12 years", why=_ADULTS) if age else default.age,
        asian=bare_number(given["asian"], 0, 1, "0.2") if "asian" in given else default.asian,
        urine=_urine(given["urine"]) if "urine" in given else default.urine,
    )


def _urine(node: Node) -> float:
    value = quantity(node, urine_l_h, "1.6 L/day")
    low, high = _URINE_L_DAY
    if not low <= round(24.0 * value, 9) <= high:
        node.refuse(f"{shown(text_of(node, '1.6 L/day'))} is outside {low} to {high} L/day; write e.g. 1.6 L/day.")
    return value


def _follow_up(node: Node) -> int:
    text = text_of(node, "12 weeks")
    try:
        bare = quantities.parse(text).unit == ""
    except InputError:
        bare = False
    if bare and len(text) < 20:
        node.refuse(f"{shown(text)} has no unit; write e.g. {text} weeks or {text} h.")
    value = quantity(node, quantities.duration_ms, "12 weeks")
    if not MIN_FOLLOW_UP_MS <= value <= MAX_FOLLOW_UP_MS:
        node.refuse(f"{shown(text)} is outside 1 day to 10 years; write e.g. 12 weeks.")
    return value


def _models(node: Node | None) -> Models:
    if node is None:
        return Models()
    table = table_of(node, "{pk: auto, pain: memory}")
    table.check_keys(_MODELS, {}, "{pk: auto, pain: memory, rival: on}")
    given, default = table.entries, Models()

    def flag(key: str) -> bool:
        return switch(given[key]) if key in given else getattr(default, key)

    return Models(
        pk=choice(given["pk"], pk_choices(), "pk: auto") if "pk" in given else default.pk,
        pain=choice(given["pain"], ("memory", "slow_site"), "pain: memory") if "pain" in given else default.pain,
        rival=flag("rival"),
        flares=flag("flares"),
        expectancy=bare_number(given["expectancy"], 0, 3, "0.5 NRS", "NRS") if "expectancy" in given else 0.0,
        norketamine=bare_number(given["norketamine"], -1, 1, "-0.2") if "norketamine" in given else 0.0,
        induction=flag("induction"),
        occasions=flag("occasions"),
        borrow_variability=flag("borrow_variability"),
    )


def _check_occasions(top: Table, models: Models, arms: tuple) -> None:
    """Refuse occasions where boosters make their number unknown beforehand."""
    if models.occasions and (arm := next((arm for arm in arms if arm.policy.boosters), None)):
        table = top.entries["models"]
        node = table.entries["occasions"] if isinstance(table, Table) else table
        node.refuse(f"occasions go with written timetables, and arm {arm.name} has boosters; write occasions: off.")


def _check_pk(top: Table, models: Models, arms: tuple) -> None:
    """Refuse a pharmacokinetic model that does not describe the drug of some arm."""
    if models.pk == "auto":
        return
    described = pk_choices()[models.pk]
    for arm in arms:
        if arm.drug == "placebo" or arm.drug in described:
            continue
        fitting = [name for name, drugs in pk_choices().items() if arm.drug in drugs]
        table = top.entries["models"]
        node = table.entries["pk"] if isinstance(table, Table) else table
        node.refuse(
            f"{models.pk} describes {' and '.join(described)} only, "
            f"and arm {arm.name} gives {arm.drug}; write pk: {', '.join(fitting[:-1])} or {fitting[-1]}."
        )
