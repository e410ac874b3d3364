"""Any text gives a scenario or one sentence with its place, in bounded time: spoilt files, hostile numbers, random YAML.

The texts are made from fixed seeds. What is read is also written and read back, which must change nothing.
"""

import contextlib
import itertools
import random
import re
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from test_schema import GOOD as SHORT

from letheon.errors import InputError
from letheon.scenario import dumps, loads
from letheon.scenario.ranges import values_between

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.yaml"))
SECONDS = 3.0  # of processor for one text: a second on an idle machine
SEARCH = """letheon: 1
title: search
follow_up: 4 weeks
arms:
  a: {drug: racemic, sessions: [{at: day 1, rate: 5 mg/h, for: 4 h, repeat: {every: 1 day, times: 2}}]}
optimise:
  arm: a
  vary: {sessions.1.rate: {from: 5 mg/h, to: 40 mg/h, step: 5 mg/h}, sessions.1.for: {choose: [1 h, 2 h]}}
  maximise: relief_days
  minimise: [dose_mg]
  constraints: {dose_mg: {at_most: 3000}}
  budget: {candidates: 20, patients: 64}
"""
NUMBERS = [
    *("0", "-0", "-1", "1e400", "-1e400", "1e-400", "1e-170", "5e-324", "1.7976931348623157e308", "nan", "inf", "-inf"),
    *("0" * 5000 + "7", "9" * 5000, "9" * 150, "0." + "0" * 150 + "1", "1e999999999", "1e-999999999", "1_0", "0x10", "1__0"),
    *("1,5", "1.000,5", "1 000", "1.2.3", ".", "+", "-", "e5", "1e", "5０", "٥٠", "²", "½", "Ⅷ", "१०", "1:30", "0o17"),
    *("9007199254740993", "9223372036854775807", "9223372036854775808", "10000001", "0.1-0.3", "5 to 10", "1e5", "1e15"),
]  # fmt: skip
UNITS = [
    *("", "mg", "mg/h", "mg/kg/h", "µg/kg/min", "mcg/kg/mn", "mg/24h", "mg/h/70 kg", "mgs", "γ", "h", "min", "days"),
    *("months", "years", "weeks", "kg", "NRS", "%", "per year", "mL/h", "cc", "mg/kg/kg/h", "///", "/", "± 3 kg", "day"),
    *("h 30 min", "s", "ms", "mg/s", "g/s", "ng/day", "L/day", "\u200bmg", "mg\u00a0/h", "MG/H", "im", "±", "+/- 1"),
]  # fmt: skip
PIECES = [
    *("{", "}", "[", "]", ":", ": ", ",", "- ", "? ", "&a ", "*a", "! ", "!!int ", "|", ">", "'", '"', "%", "@", "`", "#"),
    *("\t", "\n", "\n  ", "\r", "\r\n", "\u0085", "\u2028", "\ufeff", "\0", "\x07", "\ud800", "\u202e", "\U0001f600", "~"),
    *("<<: ", "null", "true", "off", "---\n", "...\n", "%YAML 1.1\n", "\\U", "\\x", "\\", "±", "day 3 14:00", "day 0"),
    *("[" * 30, "{a: " * 30, "- " * 30, "a" * 1100, " " * 500, "[]", "{}", "{a: b}", "[[1], {at: 0 h}]", "route: oral", "like: placebo"),
]  # fmt: skip
SCALAR = re.compile(r"(?<=: )[^\[\]{},\n]+|(?<=- )[^\[\]{},:\n]+")


@cache
def sources() -> tuple[str, ...]:
    examples = [path.read_text(encoding="utf-8") for path in EXAMPLES]
    return (SHORT, SHORT, SEARCH, SEARCH, *(text for text in examples if len(text) < 1500))


def value(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.7:
        return f"{chance.choice(NUMBERS)} {chance.choice(UNITS)}".strip()
    return chance.choice(PIECES) if kind < 0.9 else "".join(map(chr, chance.choices(range(1, 0x3000), k=5)))


def spoilt(chance: random.Random) -> str:
    """A scenario with a few of its values, lines or characters changed."""
    text = chance.choice(sources())
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        way = chance.random()
        if way < 0.6:
            spots = list(SCALAR.finditer(text))
            spot = chance.choice(spots) if spots else None
            text = text[: spot.start()] + value(chance) + text[spot.end() :] if spot else text
        elif way < 0.8:
            place = chance.randrange(len(text) + 1)
            text = text[:place] + chance.choice(PIECES) + text[place + chance.choice((0, 0, 1, 5, 40)) :]
        else:
            lines = text.split("\n")
            line = chance.randrange(len(lines))
            instead = ([], [lines[line]] * 2, [lines[line].strip()], [chance.choice(lines)])
            lines[line : line + 1] = chance.choice(instead)
            text = "\n".join(lines)
    return text


def any_text(chance: random.Random) -> str:
    return spoilt(chance) if chance.random() < 0.9 else "".join(chance.choices(PIECES, k=chance.randrange(1, 30)))


def check(text: str) -> bool:
    began = time.process_time()
    try:
        scenario = loads(text, "s.yaml")
    except InputError as error:
        scenario, sentence = None, str(error)
        assert re.match(r"s\.yaml(, line [0-9]+(, [^\n]*?)?)?: .*\.\Z", sentence), sentence
        assert sentence.isprintable() and len(sentence) < 600, sentence
    assert time.process_time() - began < SECONDS, text
    if scenario is None:
        return False
    again = loads(dumps(scenario), "again.yaml")
    assert replace(again, warnings=()) == replace(scenario, warnings=())
    return True


def run(seed: int, count: int) -> None:
    read = 0
    for number in range(count):
        text = any_text(random.Random(seed * 1_000_003 + number))
        try:
            read += check(text)
        except Exception as error:
            raise AssertionError(f"seed {seed}, text {number}: {error!r}\n{text[:3000]!r}") from error
    assert read > count / 100  # most are refused, and some must be read


def test_any_of_some_texts_is_read_or_refused() -> None:
    run(0, 300)


@pytest.mark.parametrize("unit", ["", " mg/h", " h"])
def test_ranges_of_hostile_numbers_are_laid_or_refused(unit: str) -> None:
    ends = [number for number in NUMBERS if len(number) < 100] + ["10"]
    for low, high in itertools.product(ends, ends):
        with contextlib.suppress(InputError):
            assert len(values_between(low + unit, high + unit)) <= 1001


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
def test_any_of_twenty_thousand_texts_is_read_or_refused(seed: int) -> None:
    run(seed, 2000)
