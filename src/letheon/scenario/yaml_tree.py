"""The YAML part: a text becomes a tree of tables, listings and values that know where they stand.

Values stay text, whatever YAML would make of them, so ``on``, ``1:30`` and ``1e3`` mean what the field says.
What a scenario does not need (anchors, aliases, tags, several documents, deep nesting) is refused.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from letheon.errors import InputError, near_word
from letheon.scenario.faults import LOST, attempt, collecting
from letheon.scenario.quantities import clock_remedy, separators
from letheon.units import shown, visible

# the YAML reader takes up to a second for either of the two
MAX_BYTES = 250_000
MAX_NODES = 15_000
MAX_DEPTH = 10
TOO_LARGE = "is larger than 250 kB; write many sessions with repeat: {every: 1 day, times: 10}."
_DIRECTIVE = "there is a YAML directive (%); remove it, scenarios are read as YAML 1.2."
_NULLS = {"", "~", "null", "Null", "NULL"}


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of the tree and its place: file, line from 1, and a field such as ``arms.placebo.like``."""

    file: str
    line: int
    field: str

    def refuse(self, sentence: str, line: int | None = None) -> NoReturn:
        """Raise an `InputError` that begins with the place of this node."""
        place = f"{self.file}, line {line or self.line}" + (f", {self.field}" if self.field else "")
        once = isinstance(self, Value | Listing)
        raise InputError(f"{place}: {visible(sentence)}", (line or self.line, self.field), once=once)


@dataclass(frozen=True, slots=True)
class Value(Node):
    """A single value, as text; `empty` if nothing, or null, is written."""

    text: str
    empty: bool


@dataclass(frozen=True, slots=True)
class Listing(Node):
    """A YAML sequence."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Table(Node):
    """A YAML mapping, with the line of each key."""

    entries: dict[str, Node]
    key_lines: dict[str, int]

    def check_keys(self, known: Iterable[str], refused: Mapping[str, str], example: str) -> None:
        """Refuse keys that mean nothing here; `refused` ones with a sentence of their own."""
        known = tuple(known)
        before: Node | None = None
        keys = tuple(self.entries)
        for place, (key, node) in enumerate(tuple(self.entries.items())):
            # a key from the arm that this one is like is refused there
            if key not in known and not (collecting() and node is not LOST and not node.field.startswith(self.field)):
                following = keys[place + 1 :]
                sentence = refused.get(key.casefold()) or _unknown_key(key, node, before, following, known, example)
                again = _is_piece(key, node) and before is not None and _is_piece(keys[place - 1], before)
                if not (again and keys[place - 1][-1].isdigit()):  # else a piece of the number refused just now
                    attempt(self.refuse, sentence, self.key_lines[key])
                if lost := _meant(key, node, keys[:place], known):
                    self.entries[lost] = LOST  # neither missing nor to be read
            before = node


def _is_piece(key: str, node: Node) -> bool:
    """Say whether a key is what a comma cut off: nothing follows it, and it begins with a digit or a point."""
    return isinstance(node, Value) and node.empty and re.match(r"[0-9.]", key) is not None


def _cut_off(key: str, before: Node | None, following: tuple[str, ...], example: str) -> str:
    """Say what to write in place of a value that a comma cut in two."""
    left, right = before.text if isinstance(before, Value) else "", key
    for piece in following:  # 1,000,000 mg
        if not re.fullmatch(r"[0-9]+", right.rpartition(",")[2]) or not piece[:1].isdigit():
            break
        right += f",{piece}"
    whole = f"{left},{right}"
    if day := re.fullmatch(r"[Dd]ay ([1-9][0-9]{0,3})", left):
        return clock_remedy(int(day[1]), key)
    fault = separators(whole) if re.search(r"[0-9]$", left) and len(whole) <= 60 else None
    return f"write {fault[1]}" if fault else f"write its key and a colon before it, e.g. {example}"


def _unknown_key(
    key: str, node: Node, before: Node | None, following: tuple[str, ...], known: tuple[str, ...], example: str
) -> str:
    """Say what is wrong with a key, with the usual slips of YAML in mind."""
    if isinstance(node, Value) and node.empty:
        if _is_piece(key, node):
            return (
                f"{shown(key)} stands alone after a comma, but inside {{ }} a comma ends an entry; "
                f"{_cut_off(key, before, following, example)}."
            )
        first = re.split(r"[ :=]", key, maxsplit=1)
        if len(first) == 2 and first[0] in known:
            rest = first[1].strip(" :=")
            return f"{shown(key)} has no colon followed by a space; write {first[0]}: {shown(rest)[1:-1]}."
    if near := near_word(key, known):
        return f"{shown(key)} is not a known key here; write {near} if you meant that."
    if key == "<<":
        return "merge keys (<<) are not supported; write each entry out."
    return f"{shown(key)} is not a known key here; known keys are {', '.join(known)}, e.g. {example}."


def _meant(key: str, node: Node, before: tuple[str, ...], known: tuple[str, ...]) -> str | None:
    """Return the known key that the words of an unknown one belong to, if they leave no doubt."""
    if _is_piece(key, node):
        return before[-1] if before else None
    first = re.split(r"[ :=]", key, maxsplit=1)[0]
    meant = first if first in known else near_word(key, known)
    return None if meant in before else meant


def read_tree(text: str, file: str) -> Table:
    """Turn the text of a scenario into a tree; refuse what is not YAML, or holds what a scenario may not hold."""
    top = Node(file, 1, "")
    body = text.removeprefix("\ufeff")
    if len(body) > MAX_BYTES or len(body.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise InputError(f"{file}: {TOO_LARGE}")
    if "\0" in body:
        top.refuse("there is a NUL byte; save the file as plain UTF-8 text.", 1 + body[: body.index("\0")].count("\n"))
    if directive := re.match(r"(?:[ \t]*(?:#[^\n]*)?\r?\n)*%", body):
        top.refuse(_DIRECTIVE, 1 + body.count("\n", 0, directive.end()))
    try:
        root = _first_document(_checked(_events(body), top), top)
    except InputError:
        raise
    except YAMLError as error:
        _refuse_yaml(error, top, body)
    except Exception:  # beyond its own errors the reader trips over \U escapes that are no character
        escape = re.search(r"\\U(?!0010|000)", body)
        line = 1 + body[: escape.start() if escape else 0].count("\n")
        top.refuse("the YAML reader cannot read an escape such as \\U; write the character itself.", line)
    if not isinstance(root, Table):
        top.refuse("a scenario is a map from keys to values; begin with a line letheon: 1.")
    return root


def _refuse_yaml(error: Any, top: Node, text: str) -> NoReturn:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None)
    if mark is None or problem is None:
        # a character that YAML does not allow; its position counts characters
        position = getattr(error, "position", None)
        before = text[:position] if isinstance(position, int) else ""
        top.refuse(
            "there is a control character in the text; remove it, and save as plain UTF-8.", 1 + before.count("\n")
        )
    if "\\t" in problem:
        top.refuse("there is a tab where YAML needs spaces; indent with spaces.", mark.line + 1)
    reason = " ".join(str(problem).split()).rstrip(".")
    if "mapping values are not allowed" in reason:
        reason = "a second colon on the line, or a wrong indentation above"
    top.refuse(
        f"this is not valid YAML ({reason}); check the indentation, brackets and quotes here and just above.",
        min(mark.line, text.count("\n")) + 1,
    )


class _Event(NamedTuple):
    """One event of the YAML reader: what begins or ends on a line."""

    kind: str  # Scalar, Alias, MappingStart, MappingEnd, …
    line: int
    text: str  # of a scalar
    is_plain: bool  # without quotes
    anchor: str | None
    tag: str | None
    has_directive: bool

    @property
    def is_node(self) -> bool:
        """Whether a value, a map or a list begins."""
        return self.kind in {"Scalar", "MappingStart", "SequenceStart"}


def _events(text: str) -> Iterator[_Event]:
    reader: Any = YAML(typ="safe", pure=True)  # its events declare no types
    for event in reader.parse(text):
        yield _Event(
            kind=type(event).__name__.removesuffix("Event"),
            line=event.start_mark.line + 1,
            text=getattr(event, "value", ""),
            is_plain=getattr(event, "style", None) is None,
            anchor=getattr(event, "anchor", None),
            tag=getattr(event, "tag", None),
            has_directive=getattr(event, "version", None) not in (None, (1, 2)) or bool(getattr(event, "tags", None)),
        )


def _checked(events: Iterable[_Event], top: Node) -> Iterator[_Event]:
    """Pass events on, refusing what a scenario does not need as early as it is seen."""
    documents = depth = nodes = 0
    for event in events:
        line = event.line
        if event.kind == "DocumentStart":
            documents += 1
            if documents > 1:
                second = "a second document begins here; a file holds one scenario, so remove the --- or ... ."
                attempt(top.refuse, second, line)
                return
            if event.has_directive:
                top.refuse(_DIRECTIVE, line)
        elif event.kind == "Alias":
            attempt(top.refuse, f"there is an alias, *{shown(event.anchor)[1:-1]}; write the value itself.", line)
        elif event.is_node:
            nodes += 1
            if nodes > MAX_NODES:
                top.refuse(
                    f"from here on the file has over {MAX_NODES} keys and values; "
                    "write many sessions with repeat: {every: 1 day, times: 10}.",
                    line,
                )
            if event.anchor is not None:
                anchor = f"there is an anchor, &{shown(event.anchor)[1:-1]}; remove it and write each value out."
                attempt(top.refuse, anchor, line)
            if event.tag is not None:
                tag = f"there is a tag, {shown(event.tag)[1:-1]}; remove it, the unit gives the type of a value."
                attempt(top.refuse, tag, line)
            depth += event.kind != "Scalar"
            if depth > MAX_DEPTH:
                top.refuse(f"brackets or maps are nested over {MAX_DEPTH} deep; a scenario needs six levels.", line)
        elif event.kind in {"MappingEnd", "SequenceEnd"}:
            depth -= 1
        yield event


def _first_document(events: Iterator[_Event], top: Node) -> Node:
    root: Node | None = None
    for event in events:
        if event.is_node:
            root = _node(event, events, top.file, "", event.line)
    if root is None or (isinstance(root, Value) and root.empty):
        top.refuse("there is no scenario in the file; begin with a line letheon: 1.")
    return root


def _node(event: _Event, events: Iterator[_Event], file: str, field: str, line: int) -> Node:
    if event.kind == "Alias":
        return LOST
    if event.kind == "Scalar":
        return Value(file, line, field, event.text, event.is_plain and event.text in _NULLS)
    if event.kind == "SequenceStart":
        items: list[Node] = []
        while (inner := next(events)).kind != "SequenceEnd":
            items.append(_node(inner, events, file, f"{field}[{len(items) + 1}]", inner.line))
        return Listing(file, line, field, tuple(items))
    return _table(events, Node(file, line, field))


def _table(events: Iterator[_Event], at: Node) -> Table:
    entries: dict[str, Node] = {}
    key_lines: dict[str, int] = {}
    while (event := next(events)).kind != "MappingEnd":
        key, line = event.text, event.line
        if event.is_node and event.kind != "Scalar":
            attempt(at.refuse, "a key here is itself a map or a list; keys are plain words, e.g. drug.", line)
        if event.kind != "Scalar":
            _node(event, events, at.file, at.field, line)
            _node(next(events), events, at.file, at.field, line)
            continue
        if key in entries:
            twice = f"the key {shown(key)} is given twice, first on line {key_lines[key]}; keep one."
            attempt(at.refuse, twice, line)
        child = f"{at.field}.{shown(key)[1:-1]}" if at.field else shown(key)[1:-1]
        value = next(events)
        # an empty value is marked where the next token starts, which may be lines below
        is_bare = value.kind == "Scalar" and value.text == ""
        entries.setdefault(key, _node(value, events, at.file, child, line if is_bare else value.line))
        key_lines.setdefault(key, line)
    return Table(at.file, at.line, at.field, entries, key_lines)
