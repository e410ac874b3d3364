"""The JSON Schema of scenario files: the examples keep it, and spoilt files break it at the key that the reader names.

The oracles are a JSON Schema validator of its own (jsonschema-rs) and the reader of scenario files.
"""

import io
import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from letheon.errors import InputError
from letheon.pipeline.result import json_schema
from letheon.scenario import loads
from letheon.scenario.fields import Fields, Key
from letheon.scenario.grammar import MODELS, POPULATION, maps
from letheon.scenario.schema import schema
from letheon.scenario.yaml_tree import Node, read_tree

VALIDATOR = jsonschema_rs.Draft202012Validator(schema())
EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.yaml"))
GOOD = """letheon: 1
title: test
population: {n: 50, weight: 79 ± 19 kg, baseline_nrs: 7.3, age: 46 ± 12 years, asian: 0.1, urine: 1.6 L/day}
follow_up: 4 weeks
seed: 1
endpoints: {days: [5, 20], responders: [20 %, 1.5 points], weekly: on}
compare: {against: slow}
models: {pk: auto, pain: average, rival: on, expectancy: 0.5 NRS, norketamine: -0.2}
arms:
  ketamine:
    drug: racemic
    salt: hydrochloride
    beside: {clonidine: 0.1 mg}
    also: [{drug: lidocaine, dose: 1.5 mg/kg, with: each session}, {drug: lorazepam, dose: 1 mg, every: 12 h}]
    sessions:
      - {at: day 1 + 2 h, rate: 0.35 mg/kg/h, max: {below 50 kg: 20 mg/h, from 50 kg: 25 mg/h}, for: 90 min, repeat: {every: 1 day, times: 2}}
      - {at: 0 h, push: 0.35 mg/kg, over: 1 min}
    titration: {every: 8 h, step: 5 mcg/kg/mn, min: 1 mg/h, max: 30 mg/h/70 kg, relief: 50 %, harm: elicited, on_harm: hold}
    wean: {over: 12 h, steps: 4}
    limits: {per_day: 960 mg, in_all: 9 g}
    boosters: {on: relapse, session: {rate: 600 mg/24h, for: 4 h}, wait: 14 days, at_most: 6 per year}
    stop: {no_response: 2, harm: spontaneous, dose: 5 g}
  slow:
    drug: racemic
    bag: 5 mg/mL
    sessions: [{at: day 1, ramp: {from: 10 mg/h, to: 20 mg/h, step: 5 mg/h, every: 1 h}, for: 4 h}]
  slower: {like: slow, salt: base}
  placebo: {drug: placebo, like: ketamine}
optimise: {arm: ketamine, vary: {sessions.1.rate: {from: 0.1 mg/kg/h, to: 0.4 mg/kg/h}}, budget: {candidates: 20}}
"""
# what stands in GOOD, what takes its place, the key at which it is wrong
SPOILT = [
    ("letheon: 1", "letheon: 2", "letheon"), ("seed: 1", "seeed: 1", ""), ("seed: 1", "seed: -1", "seed"),
    ("4 weeks", "4", "follow_up"), ("n: 50", "n: 0", "population.n"), ("n: 50", "size: 50", "population"),
    ("79 ± 19 kg", "79", "population.weight"), ("79 ± 19 kg", "79 kg ± 19", "population.weight"),
    ("1.6 L/day", "1.6 L", "population.urine"), ("pain: average", "pain: reboot", "models.pain"),
    ("rival: on", "rival: yes", "models.rival"), ("  ketamine:", "  Ketamine:", "arms"),
    ("clonidine: 0.1 mg", "lidocaine: 100 mg", "arms.ketamine.beside"),
    ("drug: lidocaine", "drug: a/b", "arms.ketamine.also[1].drug"),
    ("with: each session", "with: food", "arms.ketamine.also[1].with"),
    (", with: each session", "", "arms.ketamine.also[1]"),
    ("dose: 1 mg,", "", "arms.ketamine.also[2]"),
    ("day 1 + 2 h", "1:30", "arms.ketamine.sessions[1].at"),
    ("rate: 0.35 mg/kg/h", "rate: 5 mg", "arms.ketamine.sessions[1].rate"),
    ("{below 50 kg: 20 mg/h, from 50 kg: 25 mg/h}", "0.5 mg/kg/h", "arms.ketamine.sessions[1].max"),
    ("{below 50 kg: 20 mg/h, ", "{", "arms.ketamine.sessions[1].max"),
    (", for: 90 min", "", "arms.ketamine.sessions[1]"),
    ("times: 2", "times: 0", "arms.ketamine.sessions[1].repeat.times"),
    ("over: 1 min", "for: 1 min", "arms.ketamine.sessions[2].for"),
    ("relief: 50 %", "relief: 0.5", "arms.ketamine.titration.relief"),
    ("on_harm: hold", "on_harm: up", "arms.ketamine.titration.on_harm"),
    ("on_harm: hold", "on_harm: pause 5", "arms.ketamine.titration.on_harm"),
    ("min: 1 mg/h", "min: 1 mg", "arms.ketamine.titration.min"),
    ("steps: 4", "steps: 0", "arms.ketamine.wean.steps"), (", steps: 4", "", "arms.ketamine.wean"),
    ("per_day: 960 mg", "per_day: 2 mg/kg", "arms.ketamine.limits.per_day"),
    ("days: [5, 20]", "days: [0]", "endpoints.days[1]"), ("1.5 points", "1.5", "endpoints.responders[2]"),
    ("weekly: on", "monthly: on", "endpoints"), ("{against: slow}", "{with: slow}", "compare"),
    ("bag: 5 mg/mL", "bag: 5 mg", "arms.slow.bag"), (", every: 1 h}", "}", "arms.slow.sessions[1].ramp"),
    ("ramp: {from: 10 mg/h", "ramp: {from: 10", "arms.slow.sessions[1].ramp.from"),
    ("salt: base", "salt: sulfate", "arms.slower.salt"),
    ("on: relapse, session", "session", "arms.ketamine.boosters"),
    ("6 per year", "6", "arms.ketamine.boosters.at_most"), ("dose: 5 g", "dose: 5 mg/kg", "arms.ketamine.stop.dose"),
    (", like: ketamine", "", "arms.placebo"), ("like: ketamine", "like: ketamine, salt: base", "arms.placebo.salt"),
    ("arm: ketamine, ", "", "optimise"), (", to: 0.4 mg/kg/h", "", "optimise.vary.sessions.1.rate"),
    ("candidates: 20", "candidates: 0", "optimise.budget.candidates"),
]  # fmt: skip


def content(text: str) -> Any:
    return YAML(typ="safe").load(io.StringIO(text))


def places(error: jsonschema_rs.ValidationError) -> set[str]:
    """Return the key at which a validator finds a fault, and the key that it names if that may not stand there."""
    path = ""
    for step in error.instance_path:
        path += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if path else step
    extra = re.match(r"Additional properties are not allowed \('(\w+)' ", error.message)
    return {path, f"{path}.{extra[1]}"} if extra else {path}


def test_the_schema_is_one_and_the_command_prints_it() -> None:
    from letheon.views.commands.main import app

    jsonschema_rs.meta.validate(schema())
    assert json.loads(CliRunner().invoke(app, ["schema"]).stdout) == schema()
    result = json.loads(CliRunner().invoke(app, ["schema", "--result"]).stdout)
    jsonschema_rs.meta.validate(result)
    assert result == json.loads(json.dumps(json_schema()))


@pytest.mark.parametrize("path", [None, *EXAMPLES], ids=lambda path: path.name if path else "almost every key")
def test_examples_keep_the_schema(path: Path | None) -> None:
    text = path.read_text("utf-8") if path else GOOD
    assert [error.message for error in VALIDATOR.iter_errors(content(text))] == []
    assert path or loads(text).arm("ketamine").policy.boosters


@pytest.mark.parametrize(("old", "new", "key"), SPOILT)
def test_schema_and_reader_refuse_the_same_key(old: str, new: str, key: str) -> None:
    text = GOOD.replace(old, new, 1)
    keys = set().union(*(places(error) for error in VALIDATOR.iter_errors(content(text))))
    assert key in keys
    with pytest.raises(InputError) as refused:
        loads(text)
    named = re.match(r"scenario, line [0-9]+(?:, (.*?))?: ", str(refused.value))
    assert named and (named[1] or "") == key


def node_of(key: Key, value: str) -> Node:
    return read_tree(f"{key.name}: {value}", "s.yaml").entries[key.name]


KEYS = {f"{path}.{key.name}": key for path, fields in maps() for key in fields.keys}


@pytest.mark.parametrize(("path", "key"), KEYS.items(), ids=KEYS)
def test_each_example_is_read_and_keeps_the_schema(path: str, key: Key) -> None:
    value = key.pair.removeprefix(f"{key.name}: ").split(", or ")[0]
    key.read(node_of(key, value))
    assert jsonschema_rs.Draft202012Validator(key.kind.schema()).is_valid(content(value))


@pytest.mark.parametrize("fields", [POPULATION, MODELS], ids=["population", "models"])
def test_defaults_read_back_as_those_of_the_record(fields: Fields) -> None:
    for key in fields.keys:
        # what earlier files wrote has no place in the record
        if (value := getattr(fields.record, key.name, None)) is not None:
            assert key.read(node_of(key, fields.default(key))) == value
