"""The block `optimise` of a scenario file: what may vary in one arm, what is better, and how much work may be done.

Each candidate is the file itself with other texts in a few places, read by the same reader: whatever an arm may
hold can vary, and a candidate is exactly what its own scenario file says.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

from letheon.errors import InputError, near_word
from letheon.scenario import quantities
from letheon.scenario.fields import listing_of, required, table_of, text_of, whole
from letheon.scenario.measures import Measure, measure_of, names
from letheon.scenario.ranges import Range
from letheon.scenario.reading import read
from letheon.scenario.records import Scenario
from letheon.scenario.tree import Listing, Node, Table, Value
from letheon.units import MS_PER_HOUR, plain, shown

__all__ = ["Constraint", "Goal", "Search", "Variable", "read_search"]

MAX_VARIABLES = 12
MAX_GOALS = 6
MAX_CANDIDATES = 100_000
MAX_PATIENTS = 100_000
DEFAULT_CANDIDATES = 400
DEFAULT_PATIENTS = 512

_SEARCH = ("arm", "vary", "maximise", "minimise", "constraints", "budget")
_AMERICAN = {"maximize": "maximise", "minimize": "minimise"}
_DEFAULTS = {"maximise": ("relief_days",), "minimise": ("psychedelic_load", "dose_mg", "hours")}
_VARY_EXAMPLE = "{sessions.1.rate: {from: 5 mg/h, to: 40 mg/h}}"
_RANGE_EXAMPLE = "{from: 5 mg/h, to: 40 mg/h}, or {choose: [1 day, 7 days]}"
_EXAMPLE = "{arm: ketamine, vary: " + _VARY_EXAMPLE + "}"
_TRIES = 200  # combinations of ends that are read to find one that is a regimen


@dataclass(frozen=True, slots=True)
class Variable:
    """A quantity of the arm that may vary.

    Parameters
    ----------
    path : str
        Where it stands, such as ``sessions.1.rate``.
    values : tuple of str
        What it may be, as the file would write it.
    also : tuple of str
        Further places that take the same value.
    line : int
        Line of the file.

    Examples
    --------
    >>> Variable("sessions.1.repeat.times", ("1", "2", "3")).values[-1]
    '3'
    """

    path: str
    values: tuple[str, ...]
    also: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Goal:
    """A measure that shall be as large, or as small, as can be.

    Parameters
    ----------
    measure : Measure
        Which one.
    maximise : bool
        Whether more is wanted.

    Examples
    --------
    >>> Goal(measure_of("hours"), maximise=False).measure.unit
    'h'
    """

    measure: Measure
    maximise: bool


@dataclass(frozen=True, slots=True)
class Constraint:
    """A limit that a candidate has to keep, on its mean over patients.

    Parameters
    ----------
    measure : Measure
        Of what.
    at_least, at_most : float, str or None
        The limits, in the unit of the measure; or the name of an arm of the scenario, whose own value is the limit.

    Examples
    --------
    >>> Constraint(measure_of("dose_mg"), at_most=3000.0).at_least is None
    True
    """

    measure: Measure
    at_least: float | str | None = None
    at_most: float | str | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """A search for better regimens.

    Parameters
    ----------
    arm : str
        The arm that varies.
    variables : tuple of Variable
        What varies in it.
    goals : tuple of Goal
        What is better.
    constraints : tuple of Constraint
        What has to hold.
    candidates : int
        Regimens to simulate.
    patients : int
        Virtual patients for each.
    source : Table
        The tree of the file.

    Examples
    --------
    >>> from letheon.scenario import loads_search
    >>> _, search = loads_search('''
    ... letheon: 1
    ... title: how many days
    ... follow_up: 4 weeks
    ... arms:
    ...   days: {drug: racemic, sessions: [{at: day 1, rate: 20 mg/h, for: 4 h, repeat: {every: 1 day, times: 1}}]}
    ... optimise: {arm: days, vary: {sessions.1.repeat.times: {from: 1, to: 10}}}
    ... ''')
    >>> search.size, len(search.candidate((9,)).arms[0].regimen.infusions)
    (10, 10)
    """

    arm: str
    variables: tuple[Variable, ...]
    goals: tuple[Goal, ...]
    constraints: tuple[Constraint, ...]
    candidates: int
    patients: int
    source: Table = field(repr=False)

    @property
    def size(self) -> int:
        """Number of different candidates."""
        return prod(len(variable.values) for variable in self.variables)

    def texts(self, numbers: Sequence[int]) -> dict[str, str]:
        """Return what a candidate writes at each place.

        Parameters
        ----------
        numbers : sequence of int
            For each variable, which of its values, from 0.

        Returns
        -------
        dict of str to str
            From path to text; places that follow another are not repeated.
        """
        return {v.path: v.values[number] for v, number in zip(self.variables, numbers, strict=True)}

    def candidate(self, numbers: Sequence[int]) -> Scenario:
        """Return a candidate as a scenario: the varied arm, and placebos that are like it.

        Parameters
        ----------
        numbers : sequence of int
            For each variable, which of its values, from 0.

        Returns
        -------
        Scenario
            Its first arm is the candidate's.

        Raises
        ------
        InputError
            If these values together are no regimen, say because it outlasts the follow-up.
        """
        return read(_candidate(self.source, self.arm, self._changes(numbers)))

    def as_written(self) -> tuple[int, ...] | None:
        """Return the numbers of the candidate that the arm itself is, or None if it lies between the values."""
        arm = _table_at(self.source, "arms").entries[self.arm]
        here = []
        for variable in self.variables:
            texts = {_text_at(arm, path) for path in (variable.path, *variable.also)}
            if len(texts) != 1:
                return None
            here.append((variable.values, texts.pop()))
        return _nearest(here)

    def _changes(self, numbers: Sequence[int]) -> dict[str, Value]:
        changes = {}
        for variable, number in zip(self.variables, numbers, strict=True):
            for path in (variable.path, *variable.also):
                place = f"optimise.vary.{variable.path}"
                text = variable.values[number]
                changes[path] = Value(self.source.file, variable.line, place, text, False)
        return changes


def _nearest(here: list[tuple[tuple[str, ...], str]]) -> tuple[int, ...] | None:
    """Find texts among the values, whatever the spelling of their units."""
    found = []
    for values, text in here:
        spelled = {_normal(value): number for number, value in enumerate(values)}
        if (number := spelled.get(_normal(text))) is None:
            return None
        found.append(number)
    return tuple(found)


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
    node = top.entries[key]
    assert isinstance(node, Table)
    return node


def _with(node: Node, steps: Sequence[str], value: Node) -> Node:
    """Return a tree with another value in one place."""
    if not steps:
        return value
    child = _child(node, steps[0])
    assert child is not None
    made = _with(child, steps[1:], value)
    if isinstance(node, Table):
        return replace(node, entries=node.entries | {steps[0]: made})
    assert isinstance(node, Listing)
    place = int(steps[0]) - 1
    return replace(node, items=(*node.items[:place], made, *node.items[place + 1 :]))


def _candidate(top: Table, arm: str, changes: Mapping[str, Value]) -> Table:
    """Return the tree of a candidate: the changed arm, and the placebos that are like it."""
    arms = _table_at(top, "arms")
    changed = arms.entries[arm]
    for path, value in changes.items():
        changed = _with(changed, _steps(path), value)
    shams = {name: node for name, node in arms.entries.items() if _text_at(node, "like") == arm}
    entries = {key: node for key, node in top.entries.items() if key != "optimise"}
    entries["arms"] = replace(arms, entries={arm: changed} | shams)
    return replace(top, entries=entries)


# --- reading ---


def read_search(top: Table, days: float) -> Search | None:
    """Read the block `optimise`.

    Parameters
    ----------
    top : Table
        The tree of the file, whose other parts have been read already.
    days : float
        Days of follow-up.

    Returns
    -------
    Search or None
        None if the file has no such block.

    Raises
    ------
    InputError
        If the block is not valid.
    """
    if "optimise" not in top.entries:
        return None
    table = table_of(top.entries["optimise"], f"optimise: {_EXAMPLE}")
    refused = {key: f"{key} is spelled {right} here; write {right}." for key, right in _AMERICAN.items()}
    table.check_keys(_SEARCH, refused, _EXAMPLE)
    arm = _arm(top, required(table, "arm", f"arm: {next(iter(_table_at(top, 'arms').entries))}"))
    variables = _variables(top, arm, required(table, "vary", f"vary: {_VARY_EXAMPLE}"))
    goals = _goals(table, days)
    constraints = _constraints(table.entries.get("constraints"), days, tuple(_table_at(top, "arms").entries))
    candidates, patients = _budget(table.entries.get("budget"))
    search = Search(arm, variables, goals, constraints, candidates, patients, top)
    _refuse_impossible(search, table)
    return search


def _arm(top: Table, node: Node) -> str:
    arms = _table_at(top, "arms").entries
    name = text_of(node, f"arm: {next(iter(arms))}")
    drugs = {key: _text_at(arm, "drug") for key, arm in arms.items()}
    giving = [key for key, drug in drugs.items() if drug != "placebo"]
    if name in giving:
        return name
    if name in arms:
        node.refuse(f"{shown(name)} is a placebo arm, in which nothing can be better; write arm: {giving[0]}.")
    node.refuse(f"{shown(name)} is no arm of this file; write arm: {near_word(name, giving) or giving[0]}.")


def _variables(top: Table, arm: str, node: Node) -> tuple[Variable, ...]:
    table = table_of(node, f"vary: {_VARY_EXAMPLE}")
    if not 1 <= len(table.entries) <= MAX_VARIABLES:
        table.refuse(f"{len(table.entries)} quantities vary; write 1 to {MAX_VARIABLES}, e.g. {_VARY_EXAMPLE}.")
    root = _table_at(top, "arms").entries[arm]
    found: list[Variable] = []
    taken: set[str] = set()
    for key, child in table.entries.items():
        entry = table_of(child, _RANGE_EXAMPLE)
        path = _path(table, root, arm, key, table.key_lines[key])
        also = tuple(_path(entry, root, arm, text, line) for text, line in _also(entry))
        for place in (path, *also):
            if place in taken:
                entry.refuse(f"the place {place} varies twice; name it once.")
            taken.add(place)
        found.append(Variable(path, _values(entry), also, table.key_lines[key]))
    return tuple(found)


def _also(entry: Table) -> Iterator[tuple[str, int]]:
    if "also" in entry.entries:
        for item in listing_of(entry.entries["also"], "[sessions.2.rate]").items:
            yield text_of(item, "sessions.2.rate"), item.line


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
                remedy = f"write {near}, if that is meant" if near else "write it into the arm first"
                at.refuse(f"{where} has no entry {shown(step)} that could vary; {remedy}.", line)
            if isinstance(node, Listing):
                count = len(node.items)
                at.refuse(
                    f"{where} is a list of {count}, and {shown(step)} is none of them; count from 1, "
                    f"e.g. {'.'.join([*steps[:done], '1', *steps[done + 1 :]])}.",
                    line,
                )
            at.refuse(f"{where} is a single value and holds no {shown(step)}; end the path before it.", line)
        node = child
    if not isinstance(node, Value):
        inner = next(iter(node.entries)) if isinstance(node, Table) and node.entries else "1"
        at.refuse(f"{path} is no single value; go on to one, e.g. {path}.{inner}.", line)
    return ".".join(steps)


def _values(entry: Table) -> tuple[str, ...]:
    entry.check_keys(("from", "to", "step", "choose", "also"), {}, _RANGE_EXAMPLE)
    if "choose" in entry.entries:
        for key in ("from", "to", "step"):
            if key in entry.entries:
                entry.entries[key].refuse(f"{key} and choose both stand here; keep the range or the list.")
        return _chosen(entry.entries["choose"])
    low, high = (required(entry, key, f"{_RANGE_EXAMPLE}") for key in ("from", "to"))
    step = entry.entries.get("step")
    try:
        return Range.create(
            text_of(low, "5 mg/h"), text_of(high, "40 mg/h"), None if step is None else text_of(step, "5 mg/h")
        ).values
    except InputError as error:
        entry.refuse(str(error))


def _chosen(node: Node) -> tuple[str, ...]:
    items = listing_of(node, "1 day").items
    texts = tuple(text_of(item, "1 day") for item in items)
    if len({_normal(text) for text in texts}) < len(texts):
        node.refuse("a value stands here twice; name each once.")
    if len(texts) < 2:
        node.refuse("one value leaves no choice; write at least two, e.g. [1 day, 7 days].")
    return texts


def _goals(table: Table, days: float) -> tuple[Goal, ...]:
    """Read what is better; without both lists, the defaults."""
    if not {"maximise", "minimise"} & table.entries.keys():
        pairs = [(name, way == "maximise") for way, names_ in _DEFAULTS.items() for name in names_]
        return tuple(Goal(_known(name, table, days), maximise) for name, maximise in pairs)
    found: dict[str, Goal] = {}
    for way in ("maximise", "minimise"):
        if way not in table.entries:
            continue
        for item in listing_of(table.entries[way], _DEFAULTS[way][0]).items:
            name = text_of(item, _DEFAULTS[way][0])
            measure = _known(name, item, days)
            if name in found:
                item.refuse(f"{shown(name)} stands here twice; name it once.")
            if measure.larger != (way == "maximise"):
                other = "maximise" if measure.larger else "minimise"
                item.refuse(f"{name} ({measure.means}) is better the other way; write it under {other}.")
            found[name] = Goal(measure, way == "maximise")
    if len(found) > MAX_GOALS:
        table.refuse(f"there are {len(found)} goals; write at most {MAX_GOALS}, for a front of many is no help.")
    return tuple(found.values())


def _known(name: str, node: Node, days: float) -> Measure:
    measure = measure_of(name)
    known = names(days)
    if measure is None:
        near = near_word(name, known, 0.5)
        listed = ", ".join(["relief_days", "remission", "nrs_day_28", "hours", "dose_mg", "psychedelic_load"])
        remedy = f"write {near}, if that is meant" if near else f"write e.g. one of {listed}"
        node.refuse(f"{shown(name)} is not measured; {remedy}.")
    if measure.day > days:
        node.refuse(f"{name} is read on day {measure.day}, and the follow-up ends on day {plain(days)}.")
    return measure


def _constraints(node: Node | None, days: float, arms: tuple[str, ...]) -> tuple[Constraint, ...]:
    if node is None:
        return ()
    example = "{dose_mg: {at_most: 3000}}"
    table = table_of(node, f"constraints: {example}")
    found = []
    for name, child in table.entries.items():
        limits = table_of(child, "{at_most: 3000}")
        measure = _known(name, child, days)
        limits.check_keys(("at_least", "at_most"), {}, "{at_most: 3000}")
        if not limits.entries:
            limits.refuse("no limit is written here; write e.g. {at_most: 3000}.")
        values = {key: _limit(limit, measure, arms) for key, limit in limits.entries.items()}
        low, high = values.get("at_least"), values.get("at_most")
        if isinstance(low, float) and isinstance(high, float) and low > high:
            limits.refuse("at_least is above at_most; nothing could keep both.")
        found.append(Constraint(measure, **values))
    return tuple(found)


def _limit(node: Node, measure: Measure, arms: tuple[str, ...]) -> float | str:
    """Read a limit: a bare number in the unit of the measure, a time or a dose with its own, or the name of an arm."""
    text = text_of(node, "3000")
    if text in arms:
        return text
    if re.fullmatch(r"[a-z_]\w*", text):
        near = near_word(text, arms) or arms[0]
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


def _budget(node: Node | None) -> tuple[int, int]:
    if node is None:
        return DEFAULT_CANDIDATES, DEFAULT_PATIENTS
    example = f"{{candidates: {DEFAULT_CANDIDATES}, patients: {DEFAULT_PATIENTS}}}"
    table = table_of(node, f"budget: {example}")
    table.check_keys(("candidates", "patients"), {}, example)
    given = table.entries
    return (
        whole(given["candidates"], 1, MAX_CANDIDATES, 400) if "candidates" in given else DEFAULT_CANDIDATES,
        whole(given["patients"], 1, MAX_PATIENTS, DEFAULT_PATIENTS) if "patients" in given else DEFAULT_PATIENTS,
    )


def _refuse_impossible(search: Search, table: Table) -> None:
    """Refuse a variable of which some value fits nowhere, told by the ends of the others; say why."""
    for place, variable in enumerate(search.variables):
        ends = range(len(variable.values)) if len(variable.values) <= 8 else (0, len(variable.values) - 1)
        for number in ends:
            reason = _reason(search, place, number)
            if reason is None:
                continue
            if ", optimise.vary." in str(reason).split(": ", 1)[0]:
                raise reason
            prefix = f"{table.file}, line {variable.line}, optimise.vary.{variable.path}: "
            value, told = variable.values[number], str(reason).split(": ", 1)[-1]
            raise InputError(f"{prefix}no regimen was found with {shown(value)} in it: {told}")


def _reason(search: Search, place: int, number: int) -> InputError | None:
    """Return why a value makes no regimen with any of the others' ends, or None if it makes one."""
    first: InputError | None = None
    written = search.as_written()
    for numbers in _tries(search, written):
        tried = (*numbers[:place], number, *numbers[place + 1 :])
        try:
            search.candidate(tried)
            return None
        except InputError as error:
            first = first or error
    return first


def _tries(search: Search, written: tuple[int, ...] | None) -> Iterator[tuple[int, ...]]:
    """Yield the arm as it is written, all small, all large, and mixtures of the two."""
    tops = [len(variable.values) - 1 for variable in search.variables]
    if written is not None:
        yield written
    for pattern in range(min(2 ** len(tops), _TRIES)):
        yield tuple(top if pattern >> place & 1 else 0 for place, top in enumerate(tops))
