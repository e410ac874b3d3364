"""The block `optimise` of a scenario file: what may vary in one arm, what is better, and how much work may be done.

Each candidate is the file itself with other texts in a few places, read by the same reader: whatever an arm may
hold can vary, and a candidate is exactly what its own scenario file says.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import cast

from letheon.errors import InputError, near_word
from letheon.scenario import quantities
from letheon.scenario.faults import LOST, attempt, faultless, strictly
from letheon.scenario.grammar import DEFAULT_CANDIDATES, DEFAULT_PATIENTS, LIMIT, MAX_VARIABLES, RANGE, SEARCH
from letheon.scenario.kinds import listing_of, table_of, text_of
from letheon.scenario.measures import Measure, exposure_of, measure_of, names, responder_of, split_name
from letheon.scenario.model import Scenario
from letheon.scenario.ranges import values_between
from letheon.scenario.reading import read
from letheon.scenario.yaml_tree import Listing, Node, Table, Value
from letheon.units import MS_PER_HOUR, plain, shown

__all__ = ["Constraint", "Goal", "Search", "Variable", "read_search"]

MAX_GOALS = 6
_DEFAULTS = {"maximise": ("relief_days",), "minimise": ("psychedelic_load", "dose_mg", "hours")}
_TRIES = 200  # combinations of ends that are read to find one that is a regimen


@dataclass(frozen=True, slots=True)
class Variable:
    """A quantity of the arm that may vary: its place, such as ``sessions.1.rate``, and what may be written there."""

    path: str
    values: tuple[str, ...]
    also: tuple[str, ...] = ()  # further places that take the same value
    line: int = 0  # of the file


@dataclass(frozen=True, slots=True)
class Goal:
    """A measure that shall be as large, or as small, as can be."""

    measure: Measure
    maximise: bool


@dataclass(frozen=True, slots=True)
class Constraint:
    """Limits on a mean over patients: numbers in the measure's unit, or arms whose own value is the limit."""

    measure: Measure
    at_least: float | str | None = None
    at_most: float | str | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """A search for better regimens in one arm: what varies, what is better, what has to hold, and how much work."""

    arm: str
    variables: tuple[Variable, ...]
    goals: tuple[Goal, ...]
    constraints: tuple[Constraint, ...]
    candidates: int  # regimens to simulate
    patients: int  # for each of them
    source: Table = field(repr=False)  # the tree of the file

    @property
    def size(self) -> int:
        """Number of different candidates."""
        return prod(len(variable.values) for variable in self.variables)

    def texts(self, numbers: Sequence[int]) -> dict[str, str]:
        """Return what a candidate writes at each place."""
        return {v.path: v.values[number] for v, number in zip(self.variables, numbers, strict=True)}

    def candidate(self, numbers: Sequence[int]) -> Scenario:
        """Return a candidate as a scenario: the varied arm, and placebos that are like it."""
        return read(_candidate(self.source, self.arm, self._changes(numbers)))

    def as_written(self) -> tuple[int, ...] | None:
        """Return the numbers of the candidate that the arm itself is, or None if it lies between the values."""
        arm = _table_at(self.source, "arms").entries[self.arm]
        numbers: list[int] = []
        for variable in self.variables:
            texts = {_text_at(arm, path) for path in (variable.path, *variable.also)}
            meanings = [_normal(value) for value in variable.values]
            if len(texts) != 1 or (meaning := _normal(texts.pop())) not in meanings:
                return None
            numbers.append(meanings.index(meaning))
        return tuple(numbers)

    def _changes(self, numbers: Sequence[int]) -> dict[str, Value]:
        changes: dict[str, Value] = {}
        for variable, number in zip(self.variables, numbers, strict=True):
            for path in (variable.path, *variable.also):
                place = f"optimise.vary.{variable.path}"
                text = variable.values[number]
                changes[path] = Value(self.source.file, variable.line, place, text, False)
        return changes


def _normal(text: str) -> object:
    """Return what a text means, so that ``90 min`` is ``1.5 h``."""
    for reader in (quantities.moment_ms, quantities.rate_mg_h, quantities.dose_mg):
        try:
            return reader.__name__, reader(text)
        except InputError:
            continue
    return " ".join(text.split())


# --- places in the tree ---


def _steps(path: str) -> list[str]:
    """Split a path; ``sessions[1].rate``, as messages write it, is ``sessions.1.rate``."""
    return re.sub(r"\[([0-9]+)\]", r".\1", path.strip()).split(".")


def _child(node: Node, step: str) -> Node | None:
    if isinstance(node, Table):
        return node.entries.get(step)
    if isinstance(node, Listing) and re.fullmatch(r"[0-9]{1,4}", step) and 1 <= int(step) <= len(node.items):
        return node.items[int(step) - 1]
    return None


def _text_at(arm: Node, path: str) -> str:
    node: Node | None = arm
    for step in _steps(path):
        node = _child(node, step) if node is not None else None
    return node.text if isinstance(node, Value) else ""


def _table_at(top: Table, key: str) -> Table:
    node = top.entries.get(key)
    return node if isinstance(node, Table) else LOST


def _with(node: Node, steps: Sequence[str], value: Node) -> Node:
    """Return a tree with another value in one place."""
    if not steps:
        return value
    child = _child(node, steps[0])
    assert child is not None
    changed = _with(child, steps[1:], value)
    if isinstance(node, Table):
        return replace(node, entries=node.entries | {steps[0]: changed})
    assert isinstance(node, Listing)
    place = int(steps[0]) - 1
    return replace(node, items=(*node.items[:place], changed, *node.items[place + 1 :]))


def _candidate(top: Table, arm: str, changes: Mapping[str, Value]) -> Table:
    """Return the tree of a candidate: the changed arm, and the placebos that are like it."""
    arms = _table_at(top, "arms")
    changed = arms.entries[arm]
    for path, value in changes.items():
        changed = _with(changed, _steps(path), value)
    shams = {
        name: node
        for name, node in arms.entries.items()
        if _text_at(node, "like") == arm and _text_at(node, "drug") == "placebo"
    }
    # the arm of a comparison is not among these, and a search compares with placebo
    entries = {key: node for key, node in top.entries.items() if key not in {"optimise", "compare"}}
    entries["arms"] = replace(arms, entries={arm: changed} | shams)
    return replace(top, entries=entries)


# --- reading ---


def read_search(top: Table, scenario: Scenario) -> Search | None:
    """Read the block `optimise`, or None, from a tree whose other parts were read as `scenario`."""
    if "optimise" not in top.entries:
        return None
    table = table_of(top.entries["optimise"], SEARCH.example)
    values = SEARCH.read(table)
    arm = attempt(_arm, top, table)
    variables = attempt(_variables, top, arm, values["vary"])
    goals = attempt(_goals, table, scenario)
    constraints = attempt(_constraints, top, values.get("constraints"), scenario)
    budget = {"candidates": DEFAULT_CANDIDATES, "patients": DEFAULT_PATIENTS} | values.get("budget", {})
    search = Search(arm, variables, goals, constraints, **budget, source=top)
    if faultless():  # candidates are read as scenarios
        strictly(_refuse_impossible, search, table)
    return search


def _arm(top: Table, table: Table) -> str:
    node = cast(Node, table.entries.get("arm", LOST))
    arms = _table_at(top, "arms").entries
    name = text_of(node, f"arm: {next(iter(arms))}")
    drugs = {key: _text_at(arm, "drug") for key, arm in arms.items()}
    giving = [key for key, drug in drugs.items() if drug != "placebo"] or ["ketamine"]
    if name in giving:
        return name
    if name in arms:
        node.refuse(f"{shown(name)} is a placebo arm, which a search cannot improve; write arm: {giving[0]}.")
    node.refuse(f"{shown(name)} is not an arm of this file; write arm: {near_word(name, giving) or giving[0]}.")


def _variables(top: Table, arm: str, table: Table) -> tuple[Variable, ...]:
    if not 1 <= len(table.entries) <= MAX_VARIABLES:
        example = SEARCH["vary"].example
        table.refuse(f"{len(table.entries)} quantities vary; write 1 to {MAX_VARIABLES}, e.g. {example}.")
    taken: set[str] = set()
    return tuple(attempt(_variable, top, arm, table, key, taken) for key in table.entries)


def _variable(top: Table, arm: str, table: Table, key: str, taken: set[str]) -> Variable:
    """Read one quantity that varies, and add its places to those that are taken."""
    root = attempt(lambda: _table_at(top, "arms").entries[arm])
    entry = table_of(table.entries[key], RANGE.example)
    path = attempt(_path, table, root, arm, key, table.key_lines[key])
    others = listing_of(entry.entries["also"], "[sessions.2.rate]").items if "also" in entry.entries else ()
    also = tuple(attempt(_path, entry, root, arm, text_of(item, "sessions.2.rate"), item.line) for item in others)
    attempt(_take, entry, (path, *also), taken)
    return Variable(path, attempt(_values, entry), also, table.key_lines[key])


def _take(entry: Table, places: tuple[str, ...], taken: set[str]) -> None:
    for place in places:
        if place in taken:
            entry.refuse(f"the place {place} varies twice; name it once.")
        taken.add(place)


def _path(at: Table, root: Node, arm: str, path: str, line: int) -> str:
    """Check that a path leads to a value of the arm; return its normal spelling."""
    steps = _steps(path)
    node: Node = root
    for done, step in enumerate(steps):
        child = _child(node, step)
        if child is None:
            here = ".".join(steps[:done])
            where = f"arm {arm}, {here}," if here else f"arm {arm}"
            if isinstance(node, Table):
                near = near_word(step, node.entries)
                remedy = f"write {near} if you meant that" if near else "write it into the arm first"
                at.refuse(f"{where} has no entry {shown(step)} that could vary; {remedy}.", line)
            if isinstance(node, Listing):
                count = len(node.items)
                at.refuse(
                    f"{where} is a list of {count}, and {shown(step)} is not one of its places; count from 1, "
                    f"e.g. {'.'.join([*steps[:done], '1', *steps[done + 1 :]])}.",
                    line,
                )
            at.refuse(f"{where} is a single value and holds no {shown(step)}; end the path before it.", line)
        node = child
    if not isinstance(node, Value):
        inner = next(iter(node.entries)) if isinstance(node, Table) and node.entries else "1"
        at.refuse(f"{path} is not a single value; extend the path to one, e.g. {path}.{inner}.", line)
    return ".".join(steps)


def _values(entry: Table) -> tuple[str, ...]:
    RANGE.check(entry)
    if "choose" in entry.entries:
        for key in ("from", "to", "step"):
            if key in entry.entries:
                entry.entries[key].refuse(f"both {key} and choose are given; keep the range or the list.")
        return _chosen(entry.entries["choose"])
    for key in ("from", "to"):
        if key not in entry.entries:
            entry.refuse(f"the key {shown(key)} is missing; write e.g. {RANGE.example}.")
    present = [key for key in ("from", "to", "step") if key in entry.entries]
    texts = [text_of(entry.entries[key], RANGE[key].example) for key in present]
    try:
        return values_between(*texts)
    except InputError as error:
        entry.refuse(str(error))


def _chosen(node: Node) -> tuple[str, ...]:
    items = listing_of(node, "1 day").items
    texts = tuple(text_of(item, "1 day") for item in items)
    if len({_normal(text) for text in texts}) < len(texts):
        node.refuse("a value is given twice; name each once.")
    if len(texts) < 2:
        node.refuse("one value leaves no choice; write at least two, e.g. [1 day, 7 days].")
    return texts


def _goals(table: Table, scenario: Scenario) -> tuple[Goal, ...]:
    """Read what is better; without both lists, the defaults."""
    if not {"maximise", "minimise"} & table.entries.keys():
        pairs = [(name, way == "maximise") for way, names_ in _DEFAULTS.items() for name in names_]
        return tuple(Goal(_known(name, table, scenario), maximise) for name, maximise in pairs)
    goals: dict[str, Goal] = {}
    for way in ("maximise", "minimise"):
        if way not in table.entries:
            continue
        for item in listing_of(table.entries[way], _DEFAULTS[way][0]).items:
            attempt(_add_goal, goals, item, way, scenario)
    if len(goals) > MAX_GOALS:
        table.refuse(
            f"there are {len(goals)} goals; write at most {MAX_GOALS}, because a front with more goals does not help."
        )
    return tuple(goals.values())


def _add_goal(goals: dict[str, Goal], item: Node, way: str, scenario: Scenario) -> None:
    name = text_of(item, _DEFAULTS[way][0])
    measure = _known(name, item, scenario)
    if name in goals:
        item.refuse(f"{shown(name)} is given twice; name it once.")
    if bool(measure.larger) != (way == "maximise"):
        other = "maximise" if measure.larger else "minimise"
        item.refuse(f"{name} ({measure.means}) is not a goal to {way}; write it under {other}.")
    goals[name] = Goal(measure, way == "maximise")


def _known(name: str, node: Node, scenario: Scenario) -> Measure:
    measure, days = measure_of(name), scenario.follow_up_h / 24.0
    known = names(scenario)
    if measure is None and name.startswith("rival_"):
        bare = name.removeprefix("rival_")
        node.refuse(f"{shown(name)} is not measured any more; write memory_{bare} or slow_site_{bare}.")
    if measure is None:
        near = near_word(name, known, 0.5)
        listed = ", ".join(["relief_days", "remission", "nrs_day_28", "hours", "dose_mg", "psychedelic_load"])
        remedy = f"write {near} if you meant that" if near else f"write e.g. one of {listed}"
        node.refuse(f"{shown(name)} is not measured; {remedy}.")
    if split_name(name)[0] and scenario.models.pain != "average":
        node.refuse(f"{name} stands beside an average, and this file has pain: {scenario.models.pain} alone.")
    if measure.day > days:
        node.refuse(f"{name} is read on day {measure.day}, and the follow-up ends on day {plain(days)}.")
    bare = split_name(name)[1]
    if exposure_of(bare):
        node.refuse(f"{name} is read in runs and not in searches; write e.g. psychedelic_load, dose_mg or hours.")
    if bare not in known:
        node.refuse(f"{name} is not read in this file; write endpoints: {{{_own_keys(bare, measure, known)}}} too.")
    return measure


def _own_keys(bare: str, measure: Measure, known: tuple[str, ...]) -> str:
    """Return what a file writes to read a measure."""
    if not measure.day or bare.startswith("nrs_week_"):
        return "weekly: on" if measure.day else "area: on"
    one = responder_of(bare.rpartition("_day_")[0])
    keys = [] if f"nrs_day_{measure.day}" in known else [f"days: [{measure.day}]"]
    keys += [f"responders: [{one.text}]"] if one and f"{one.name}_day_1" not in known else []
    return ", ".join(keys)


def _constraints(top: Table, table: Table | None, scenario: Scenario) -> tuple[Constraint, ...]:
    arms = tuple(_table_at(top, "arms").entries)
    entries = table.entries.items() if table else ()
    return tuple(attempt(_constraint, name, child, scenario, arms) for name, child in entries)


def _constraint(name: str, child: Node, scenario: Scenario, arms: tuple[str, ...]) -> Constraint:
    limits = table_of(child, LIMIT.example)
    measure = attempt(_known, name, child, scenario)
    LIMIT.check(limits)
    if not limits.entries:
        limits.refuse(f"no limit is written here; write e.g. {LIMIT.example}.")
    known = {key.name for key in LIMIT.keys}
    values = {key: attempt(_limit, limit, measure, arms) for key, limit in limits.entries.items() if key in known}
    low, high = values.get("at_least"), values.get("at_most")
    if isinstance(low, float) and isinstance(high, float) and low > high:
        limits.refuse("at_least is above at_most; no regimen could meet both.")
    return Constraint(measure, **values)


def _limit(node: Node, measure: Measure, arms: tuple[str, ...]) -> float | str:
    """Read a limit: a bare number in the unit of the measure, a time or a dose with its own, or the name of an arm."""
    text = text_of(node, "3000")
    if text in arms:
        return text
    if re.fullmatch(r"[a-z_]\w*", text):
        near = near_word(text, arms) or next(iter(arms), "ketamine")
        node.refuse(f"{shown(text)} is neither a number nor an arm of this file; write e.g. {near}.")
    try:
        if re.fullmatch(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?", text):
            return quantities.number(text, "3000")
        if measure.unit == "mg":
            absolute, per_kg = quantities.dose_mg(text)
            if per_kg:
                node.refuse(f"{shown(text)} depends on weight, and {measure.name} does not; write e.g. 3000 mg.")
            return absolute
        if measure.unit in {"h", "days"}:
            hours = quantities.duration_ms(text) / MS_PER_HOUR
            return hours if measure.unit == "h" else hours / 24
        if measure.unit == "%" and text.endswith("%"):
            return quantities.number(text[:-1], "30")
        return quantities.number(text, "30")
    except InputError as error:
        if str(error).startswith(node.file):
            raise
        node.refuse(str(error))


def _refuse_impossible(search: Search, table: Table) -> None:
    """Refuse a variable of which some value fits nowhere, with the ends of the others; say why."""
    for place, variable in enumerate(search.variables):
        ends = range(len(variable.values)) if len(variable.values) <= 8 else (0, len(variable.values) - 1)
        for number in ends:
            reason = _reason(search, place, number)
            if reason is None:
                continue
            if ", optimise.vary." in str(reason).split(": ", 1)[0]:
                raise reason
            prefix = f"{table.file}, line {variable.line}, optimise.vary.{variable.path}: "
            value, why = variable.values[number], str(reason).split(": ", 1)[-1]
            raise InputError(f"{prefix}no regimen was found with {shown(value)} in it: {why}")


def _reason(search: Search, place: int, number: int) -> InputError | None:
    """Return why a value makes no regimen with any of the others' ends, or None if it makes one."""
    first: InputError | None = None
    for numbers in _tries(search):
        try:
            search.candidate((*numbers[:place], number, *numbers[place + 1 :]))
            return None
        except InputError as error:
            first = first or error
    return first


def _tries(search: Search) -> Iterator[tuple[int, ...]]:
    """Yield the arm as it is written, all small, all large, and mixtures of the two."""
    tops = [len(variable.values) - 1 for variable in search.variables]
    if (written := search.as_written()) is not None:
        yield written
    for pattern in range(min(2 ** len(tops), _TRIES)):
        yield tuple(top if pattern >> place & 1 else 0 for place, top in enumerate(tops))
