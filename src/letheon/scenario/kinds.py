"""Kinds of values in a scenario file: how each is read, written, described, and checked by JSON Schema.

A kind knows no key; `letheon.scenario.grammar` says which key holds which kind. Values stay text until a kind reads
them, so that every refusal can name file, line and field.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from letheon.dosing.regimen import MS_PER_DAY, Rate
from letheon.errors import InputError, instead, near_word
from letheon.scenario import quantities, spellings
from letheon.scenario.model import BagStrength, Responder, Spread
from letheon.scenario.yaml_tree import Listing, Node, Table, Value
from letheon.units import REFERENCE_WEIGHT_KG, plain, shown

T = TypeVar("T")
Schema = dict[str, Any]
Reader = Callable[[Node, str], Any]  # a node and an example for its refusal

SHORTEST_PAUSE_MS, PAUSES = 60_000, "1 min to 24 h"
MAX_STRENGTH = 200.0  # mg/mL: above any vial
MAX_LEVEL = 100_000.0  # ng/mL: ten times what anaesthesia reaches
MAX_RATE_MG_H = 1400.0  # 20 mg/kg/h at 70 kg: far above any anaesthetic infusion
OF_BASE = " of free base"  # after the unit of a quantity that was written as a mass of salt
_NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"


# --- shapes ---


def text_of(node: Node, example: str) -> str:
    """Return the text of a single value; refuse maps, lists and nothing."""
    if not isinstance(node, Value):
        shape = "map" if isinstance(node, Table) else "list"
        node.refuse(f"expected one value, found a {shape}; write e.g. {example}.")
    if node.empty or not node.text.strip():
        node.refuse(f"nothing is written here; write e.g. {example}.")
    return node.text.strip()


def table_of(node: Node, example: str) -> Table:
    """Return a map; refuse anything else."""
    return node if isinstance(node, Table) else _refuse_shape(node, "map", example)


def listing_of(node: Node, example: str) -> Listing:
    """Return a list; refuse anything else, and an empty list."""
    if not isinstance(node, Listing):
        return _refuse_shape(node, "list", example)
    if not node.items:
        node.refuse(f"the list is empty; write at least one entry, e.g. {example}.")
    return node


def _refuse_shape(node: Node, due: str, example: str) -> Any:
    what = "a list" if isinstance(node, Listing) else "a map" if isinstance(node, Table) else "nothing"
    if isinstance(node, Value) and not node.empty:
        what = shown(node.text)
    node.refuse(f"expected a {due}, found {what}; write e.g. {example}.")


def one_given(table: Table, keys: tuple[str, ...], examples: str) -> str:
    """Return the one of some keys that a map has; refuse a map that has none of them, or several."""
    given = [key for key in keys if key in table.entries]
    if len(given) == 1:
        return given[0]
    *most, last = given or keys
    if given:
        fault = f"{'both ' if len(given) == 2 else ''}{', '.join(most)} and {last} are given; keep one"
    else:
        fault = f"neither {', '.join(most)} nor {last} is given; write one"
    table.refuse(f"{fault}: {examples}.")


def quantity(node: Node, reader: Callable[[str], T], example: str) -> tuple[T, str]:
    """Return a quantity, and its text as a refusal shows it; the place is put before the reader's own refusal."""
    text = text_of(node, example)
    try:
        return reader(text), shown(text)
    except InputError as error:
        node.refuse(str(error))


# --- kinds ---


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of value is read, written and described; `named` kinds repeat the key in examples."""

    type: str
    read: Reader
    schema: Callable[[], Schema]
    write: Callable[[Any], str] = str
    unit: str = ""
    limits: str | Callable[[], str] = ""
    named: bool = True
    inner: Any = None  # the keys of a map

    @property
    def bounds(self) -> str:
        """The limits in words."""
        return self.limits() if callable(self.limits) else self.limits


def _pattern(*forms: str, **more: Any) -> Callable[[], Schema]:
    return lambda: {"type": "string", "pattern": rf"^\s*({'|'.join(forms)})\s*$"} | more


def _unit(*parts: str) -> str:
    """Return a pattern of units: the accepted spellings of each part, with strokes between."""
    return r"\s*/\s*".join(f"({'|'.join(spellings.pattern(word) for word in part.split())})" for part in parts)


_MASS, _WEIGHT, _PER = "ng µg mg g", "kg 70kg", "s min h day"
_RANGE = r"([0-9.]+)\s*([A-Za-z]*)\s*(?:to|-|–)\s*([0-9.]+\s*[A-Za-z]+)"  # first, its unit, last
_TIME = rf"({_NUMBER}\s*{_unit(' '.join(quantities.TIME_UNITS))}\s*){{1,4}}"
_RATE = rf"{_NUMBER}\s*({_unit(_MASS, _PER)}|{_unit(_MASS, _WEIGHT, _PER)}|{_unit(_MASS, _PER, _WEIGHT)})"


def text(read: Reader = text_of, limits: str = "", **schema: Any) -> Kind:
    """Return the kind of a text with rules of its own."""
    return Kind("text", read, lambda: {"type": ["string", "number"]} | schema, limits=limits)


def choice(*words: str | Callable[[], Iterable[str]], read: Reader | None = None) -> Kind:
    """Return the kind of one of a few words, or of those that a function returns; `read` takes the reader's place."""

    def allowed() -> tuple[str, ...]:
        return tuple(name for word in words for name in (word() if callable(word) else (word,)))

    def read_word(node: Node, example: str) -> str:
        word = text_of(node, example)
        if word in allowed():
            return word
        node.refuse(f"{shown(word)} is not a known value here; {instead(word, allowed())}.")

    return Kind("word", read or read_word, lambda: {"enum": [*allowed()]}, limits=lambda: ", ".join(allowed()))


def switch() -> Kind:
    """Return the kind of a switch."""

    def read(node: Node, example: str) -> bool:
        word = text_of(node, example)
        if word not in {"on", "off", "true", "false"}:
            node.refuse(f"{shown(word)} is neither on nor off; write on or off.")
        return word in {"on", "true"}

    schema = {"enum": ["on", "off", True, False, "true", "false"]}
    return Kind("switch", read, lambda: schema, lambda value: "on" if value else "off", limits="on, off", named=False)


def whole(low: int, high: int) -> Kind:
    """Return the kind of a whole number in plain ASCII digits."""

    def read(node: Node, example: str) -> int:
        word = text_of(node, example)
        value = quantities.integer(word)
        if value is None:
            node.refuse(f"{shown(word)} is not a whole number in plain digits; write e.g. {example}.")
        if not low <= value <= high:
            node.refuse(f"{shown(word)} is outside {low} to {high}; write e.g. {example}.")
        return value

    schema = {"type": ["integer", "string"], "minimum": low, "maximum": high, "pattern": r"^\s*-?[0-9]+\s*$"}
    return Kind("whole number", read, lambda: schema, limits=f"{low} to {high}", named=False)


def _parsed(node: Node, example: str, unit: str, spread: bool, bare: bool) -> tuple[quantities.Quantity, str]:
    parsed, quoted = quantity(node, lambda text: quantities.parse(text, example), example)
    if parsed.spread is not None and not spread:
        node.refuse(f"{quoted} has a spread, which is not allowed here; write e.g. {example}.")
    if parsed.unit == "" and not bare:
        node.refuse(f"{quoted} has no unit; write e.g. {example}.")
    if parsed.unit not in {"", unit}:
        node.refuse(f"{quoted} has the unit {parsed.unit}, which is not allowed here; write e.g. {example}.")
    return parsed, quoted


def number(low: float, high: float, unit: str = "") -> Kind:
    """Return the kind of a number without unit, or with the one unit that is optional here."""
    limits = f"{plain(low)} to {plain(high)}"

    def read(node: Node, example: str) -> float:
        parsed, quoted = _parsed(node, example, unit, spread=False, bare=True)
        if not low <= parsed.value <= high:
            node.refuse(f"{quoted} is outside {limits}; write e.g. {example}.")
        return parsed.value

    schema = _pattern(rf"{_NUMBER}\s*({unit})?", type=["number", "string"], minimum=low, maximum=high)
    return Kind("number", read, schema, lambda value: f"{plain(value)} {unit}".strip(), unit, limits, named=False)


def mean_and_spread(unit: str, low: float, high: float, max_sd: float, bare: bool = False, why: str = "") -> Kind:
    """Return the kind of ``a ± b``; `bare` makes the unit optional, `why` says why no lower mean can stand."""
    name = {"kg": " kg", "year": " years"}.get(unit, "")
    means = f"{plain(low)} to {plain(high)}{name}"

    def read(node: Node, example: str) -> Spread:
        parsed, quoted = _parsed(node, example, unit, spread=True, bare=bare)
        if not low <= parsed.value <= high:
            reason = why if parsed.value < low else ""
            node.refuse(f"the mean in {quoted} is outside {means}{reason}; write e.g. {example}.")
        sd = parsed.spread or 0.0
        if not 0 <= sd <= max_sd:
            node.refuse(f"the spread in {quoted} is outside 0 to {plain(max_sd)}{name}; write e.g. {example}.")
        return Spread(parsed.value, sd)

    def write(value: Spread) -> str:
        return quantities.format_quantity(quantities.Quantity(value.mean, unit, value.sd))

    form = rf"{_NUMBER}(\s*(±|\+/-)\s*{_NUMBER})?\s*{_unit(unit)}{'?' if bare else ''}"
    schema = _pattern(form, type=["number", "string"], minimum=low, maximum=high) if bare else _pattern(form)
    limits = f"mean {means}, spread at most {plain(max_sd)}{name}"
    return Kind("mean ± spread", read, schema, write, unit, limits, named=False)


def duration(
    low_ms: float = 1,
    high_ms: float = float("inf"),
    fault: str = "is not a length of time above 0",
    limits: str = "above 0",
    bare: tuple[str, str] = ("h", "min"),
) -> Kind:
    """Return the kind of a length of time [ms]; `fault` says what is wrong outside the limits."""

    def read(node: Node, example: str) -> int:
        value, quoted = quantity(node, lambda text: quantities.duration_ms(text, bare), example)
        if not low_ms <= value <= high_ms:
            node.refuse(f"{quoted} {fault}; write e.g. {example}.")
        return value

    return Kind("time", read, _pattern(_TIME), quantities.time_text, ", ".join(quantities.TIME_UNITS), limits)


def moment() -> Kind:
    """Return the kind of a moment [ms from the origin]."""

    def read(node: Node, example: str) -> int:
        value, quoted = quantity(node, quantities.moment_ms, example)
        if value < 0:
            node.refuse(f"{quoted} is before the origin; write a time from 0 h on, e.g. at: 0 h or at: day 1.")
        return value

    schema = _pattern(_TIME, rf"([Dd]ay|days)\s+[0-9]+,?(\s*\+\s*{_TIME})?")
    return Kind("moment", read, schema, quantities.time_text, "day N, day N + time, time", "from 0 h on")


def whole_days(low: int, high: int) -> Kind:
    """Return the kind of a length of time of whole days."""

    def read(node: Node, example: str) -> int:
        return _days(node, text_of(node, example), low, high, example)

    units, limits = ", ".join(quantities.TIME_UNITS[2:]), f"{low} to {high} days"
    return Kind("whole days", read, _pattern(_TIME), lambda value: f"{value} days", units, limits)


def _days(node: Node, text: str, low: int, high: int, example: str) -> int:
    milliseconds, quoted = quantity(node, lambda _: quantities.duration_ms(text), example)
    if milliseconds % MS_PER_DAY:
        node.refuse(f"{quoted} is not a whole number of days, and diaries are kept by day; write e.g. {example}.")
    if not low <= milliseconds // MS_PER_DAY <= high:
        node.refuse(f"{quoted} is outside {low} to {high} days; write e.g. {example}.")
    return milliseconds // MS_PER_DAY


def interval(low: int, high: int) -> Kind:
    """Return the kind of an interval of whole days, or of a range of them: the fewest and the most."""

    def read(node: Node, example: str) -> tuple[int, int]:
        text = text_of(node, example)
        match = re.fullmatch(_RANGE, text.strip())
        if match is None:
            days = _days(node, text, low, high, example)
            return days, days
        first, unit, last = match.groups()
        unit = unit or last.lstrip("+.0123456789 ")
        fewest, most = (_days(node, one, low, high, example) for one in (f"{first} {unit}", last))
        if fewest > most:
            node.refuse(f"{shown(text)} ends before it begins; write the fewest days first, e.g. 4 to 6 weeks.")
        return fewest, most

    def write(value: tuple[int, int]) -> str:
        return f"{value[0]} days" if value[0] == value[1] else f"{value[0]} to {value[1]} days"

    time = _unit(" ".join(quantities.TIME_UNITS))
    schema = _pattern(_TIME, rf"{_NUMBER}\s*({time})?\s*(to|-|–)\s*{_NUMBER}\s*{time}")
    units, limits = ", ".join(quantities.TIME_UNITS[2:]), f"{low} to {high} days"
    return Kind("whole days, or a range", read, schema, write, units, limits)


def rate(limits: str = "", zero: bool = True) -> Kind:
    """Return the kind of an infusion rate, with the form in which it was written; `limits` says its bounds, if any."""

    def read(node: Node, example: str) -> Rate:
        (absolute, per_kg), quoted = quantity(node, quantities.rate_mg_h, example)
        at_70_kg = absolute + per_kg * REFERENCE_WEIGHT_KG
        if limits and (not 0 <= at_70_kg <= MAX_RATE_MG_H or not (zero or at_70_kg)):
            node.refuse(f"{quoted} is {'outside' if zero else 'not'} {limits}; write e.g. {example}.")
        parsed = quantities.parse(text_of(node, example))
        return Rate(absolute, per_kg, written=(parsed.value, parsed.unit))

    def write(value: Rate) -> str:
        amount, unit = value.form
        return f"{plain(amount)} {unit.removesuffix(OF_BASE)}"

    return Kind("rate", read, _pattern(_RATE), write, "mg/h, mg/kg/h, µg/kg/min, mg/h/70kg", limits)


def ceiling() -> Kind:
    """Return the kind of a ceiling of a rate, the same for everybody [mg/h]."""

    def read(node: Node, example: str) -> float:
        (absolute, per_kg), quoted = quantity(node, quantities.rate_mg_h, example)
        if per_kg != 0:
            node.refuse(f"{quoted} depends on weight, and a ceiling does not; write e.g. {example}.")
        if absolute <= 0:
            node.refuse(f"{quoted} leaves nothing to infuse; write a ceiling above 0, e.g. {example}.")
        return absolute

    schema = _pattern(rf"{_NUMBER}\s*{_unit(_MASS, _PER)}")
    return Kind("rate", read, schema, lambda value: f"{plain(value)} mg/h", "mg/h", "above 0, not by weight")


def dose(limits: str = "") -> Kind:
    """Return the kind of a dose: the part for everybody [mg] and the part by weight [mg/kg], one of them 0."""

    def read(node: Node, example: str) -> tuple[float, float]:
        return quantity(node, quantities.dose_mg, example)[0]

    def write(value: tuple[float, float]) -> str:
        return f"{plain(value[1])} mg/kg" if value[1] else f"{plain(value[0])} mg"

    return Kind(
        "dose", read, _pattern(rf"{_NUMBER}\s*({_unit(_MASS, _WEIGHT)}|{_unit(_MASS)})"), write, "mg, mg/kg", limits
    )


def fixed_dose(most: float = float("inf")) -> Kind:
    """Return the kind of a dose that is the same for everybody [mg]: from 0 to `most`, or any above 0."""
    limits = "above 0" if most == float("inf") else f"0 to {plain(most)} mg"

    def read(node: Node, example: str) -> float:
        (absolute, per_kg), quoted = quantity(node, quantities.dose_mg, example)
        if per_kg:
            node.refuse(f"{quoted} depends on weight, and this dose does not; write e.g. {example}.")
        if not 0 <= absolute <= most or (limits == "above 0" and not absolute):
            node.refuse(f"{quoted} is {'not' if limits == 'above 0' else 'outside'} {limits}; write e.g. {example}.")
        return absolute

    return Kind("dose", read, _pattern(rf"{_NUMBER}\s*{_unit(_MASS)}"), lambda mg: f"{plain(mg)} mg", "mg", limits)


def bag() -> Kind:
    """Return the kind of the strength of a bag, by itself or as a dose in a volume."""

    def read(node: Node, example: str) -> BagStrength:
        (absolute, per_kg, volume), quoted = quantity(node, quantities.bag_strength, example)
        if not 0 < absolute + per_kg * REFERENCE_WEIGHT_KG <= MAX_STRENGTH:
            node.refuse(
                f"{quoted} is not a strength above 0 and at most {plain(MAX_STRENGTH)} mg/mL; write e.g. {example}."
            )
        return BagStrength(absolute, per_kg, volume)

    def write(value: BagStrength) -> str:
        if value.ml is None:
            return f"{plain(value.mg_per_ml)} mg/mL"
        mass, unit = (value.mg_kg_per_ml, "mg/kg") if value.mg_kg_per_ml else (value.mg_per_ml, "mg")
        return f"{plain(_mass_that_reads_back(mass, value.ml))} {unit} in {plain(value.ml)} mL"

    dose, volume = rf"{_NUMBER}\s*({_unit(_MASS, _WEIGHT)}|{_unit(_MASS)})", rf"{_NUMBER}\s*{_unit('mL L')}"
    schema = _pattern(rf"{_NUMBER}\s*{_unit('µg mg g', 'mL L')}", rf"{dose}\s+in\s+{volume}")
    return Kind("strength", read, schema, write, "mg/mL, or a dose in mL", f"up to {plain(MAX_STRENGTH)} mg/mL")


def _mass_that_reads_back(strength: float, ml: float) -> float:
    """Return a mass that gives exactly this strength when it is divided by the volume."""
    masses = (float(f"{strength * ml:.{digits}g}") for digits in (6, 12, 15, 16, 17))
    return next((mass for mass in masses if mass / ml == strength), strength * ml)


def urine_flow(low: float, high: float) -> Kind:
    """Return the kind of a flow of urine [L/h], with limits in L/day."""
    limits = f"{plain(low)} to {plain(high)} L/day"

    def read(node: Node, example: str) -> float:
        value, quoted = quantity(node, quantities.urine_l_h, example)
        if not low <= round(24.0 * value, 9) <= high:
            node.refuse(f"{quoted} is outside {limits}; write e.g. {example}.")
        return value

    schema = _pattern(rf"{_NUMBER}\s*{_unit('mL L', 'min h day')}")
    return Kind("flow", read, schema, lambda value: f"{plain(value)} L/h", "L/day, mL/h", limits, named=False)


def on_harm() -> Kind:
    """Return the kind of what a reported harm does to the rate: a word, and the length of a pause [ms], else 0."""
    words = ("down", "hold", "halve", "stop")
    limits = f"{', '.join(words)}, or pause and {PAUSES}"

    def read(node: Node, example: str) -> tuple[str, int]:
        word, *rest = text_of(node, example).split(maxsplit=1)
        if word in words and not rest:
            return word, 0
        if word != "pause":
            near = near_word(word, (*words, "pause"))
            meant = f"pause {rest[0] if rest else '1 h'}" if near == "pause" else near
            remedy = f"write {meant} if you meant that" if meant else f"write one of {limits}"
            node.refuse(f"{shown(text_of(node, example))} is not a known value here; {remedy}.")
        if not rest:
            node.refuse("pause does not say for how long; write e.g. pause 1 h.")
        value, quoted = quantity(node, lambda _: quantities.duration_ms(rest[0]), example)
        if not SHORTEST_PAUSE_MS <= value <= MS_PER_DAY:
            node.refuse(f"{quoted} is outside {PAUSES}; write e.g. pause 1 h.")
        return "down", value

    def write(value: tuple[str, int]) -> str:
        return f"pause {quantities.time_text(value[1])}" if value[1] else value[0]

    return Kind("word, or pause and time", read, _pattern(*words, rf"pause\s+{_TIME}"), write, limits=limits)


def relief() -> Kind:
    """Return the kind of a share of baseline pain, written in per cent."""

    def read(node: Node, example: str) -> float:
        word = text_of(node, example)
        try:
            value = quantities.number(word.removesuffix("%"), "50") if word.endswith("%") else -1.0
        except InputError:
            value = -1.0
        if not 1 <= value <= 100:
            node.refuse(f"{shown(word)} is not a relief from 1 % to 100 % of baseline pain; write e.g. {example}.")
        return value / 100

    schema = _pattern(rf"{_NUMBER}\s*%")
    return Kind("per cent", read, schema, lambda value: f"{plain(round(100 * value, 9))} %", "%", "1 % to 100 %")


def responder() -> Kind:
    """Return the kind of what makes a responder: less pain, in per cent of baseline or in points of the scale."""

    def read(node: Node, example: str) -> Responder:
        word = text_of(node, example)
        match = re.fullmatch(r"(.*?)\s*(%|points?)", word)
        if not match:
            node.refuse(f"{shown(word)} is neither a percentage nor a number of points; write e.g. {example}.")
        amount, _ = quantity(node, lambda _: quantities.number(match[1], "30"), example)
        unit, most = ("%", 100) if match[2] == "%" else ("points", 10)
        if not 0 < amount <= most:
            node.refuse(f"{shown(word)} is not above 0 and at most {most} {unit}; write e.g. {example}.")
        if amount != round(amount, 1):
            node.refuse(f"{shown(word)} has more than one decimal; write e.g. {example}.")
        return Responder(amount, unit)

    limits = "above 0, at most 100 % or 10 points, one decimal"
    return Kind("threshold", read, _pattern(rf"{_NUMBER}\s*(%|points?)"), lambda value: value.text, "%, points", limits)


def level() -> Kind:
    """Return the kind of a level in plasma [ng/mL]."""
    limits = f"above 0, at most {plain(MAX_LEVEL)} ng/mL, one decimal"

    def read(node: Node, example: str) -> float:
        value, quoted = quantity(node, quantities.level_ng_per_ml, example)
        if not 0 < value <= MAX_LEVEL or value != round(value, 1):
            node.refuse(f"{quoted} is not {limits}; write e.g. {example}.")
        return value

    schema = _pattern(rf"{_NUMBER}\s*({_unit('ng', 'mL')}|{_unit('µg', 'L')})")
    return Kind("level", read, schema, lambda value: f"{plain(value)} ng/mL", "ng/mL", limits)


def per_year(high: int) -> Kind:
    """Return the kind of a number of boosters a year."""

    def read(node: Node, example: str) -> int:
        words = text_of(node, example).split()
        times = quantities.integer(words[0])
        quoted = shown(" ".join(words))
        if words[1:] != ["per", "year"] or times is None:
            node.refuse(f"{quoted} is not a number of boosters per year; write e.g. {example}.")
        if not 1 <= times <= high:
            node.refuse(f"{quoted} is outside 1 to {high} per year; write e.g. {example}.")
        return times

    schema = _pattern(r"[0-9]+\s+per\s+year")
    return Kind("number per year", read, schema, lambda value: f"{value} per year", "per year", f"1 to {high}")
