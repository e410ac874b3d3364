"""From scenarios and published regimens to what the page's controls show: numbers by the keys of the grammar."""

import math
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from typing import Any

from msgspec import Struct, to_builtins, toml

from letheon import library
from letheon.dosing.policy_document import policy_rules
from letheon.dosing.regimen import Infusion, Rate
from letheon.dosing.repeats import repeats
from letheon.scenario import Arm, Scenario, dumps
from letheon.scenario.fields import Fields, flow
from letheon.scenario.grammar import ALSO, BESIDE, BOOSTERS, LIMITS, MODELS, POPULATION, STOP, TITRATION, WEAN
from letheon.scenario.kinds import on_harm
from letheon.scenario.writing import fields_of, other_drug, policy_of
from letheon.scenario.yaml_tree import Listing, Node, Table, read_tree
from letheon.units import MS_PER_HOUR, REFERENCE_AGE_YEAR, REFERENCE_WEIGHT_KG
from letheon.views.document.numbers import significant

QUESTIONS: Mapping[str, str] = {
    "involves": "What does it involve?",
    "cells": "What does it do to nerve cells?",
    "lasts": "How long does it last?",
    "cure": "Can it cure?",
    "boosters": "Why boosters?",
    "effects": "What are the side effects?",
    "bladder": "What about the bladder?",
    "mood": "What about mood?",
    "evidence": "How good is the evidence?",
}
_MINUTE_MS = 60_000


def _hours(milliseconds: int) -> float:
    return round(milliseconds / MS_PER_HOUR, 6)


def _rate(rate: Rate) -> dict[str, Any]:
    by_weight = rate.per_kg_mg_h > 0
    value = rate.per_kg_mg_h * REFERENCE_WEIGHT_KG if by_weight else rate.absolute_mg_h
    return {"value": significant(value, 6), "by_weight": by_weight}


# kind of the grammar -> its number on the page; the others stay as they are
_NUMBERS: dict[str, Callable[[Any], Any]] = {
    "time": _hours,
    "rate": _rate,
    "mean ± spread": lambda spread: {"mean": spread.mean, "sd": spread.sd},
    "flow": lambda l_h: 24.0 * l_h,
    "per cent": lambda share: round(100 * share, 9),
    "word, or pause and time": on_harm().write,
    BOOSTERS["every"].kind.type: lambda gaps: [fewest for fewest, _ in gaps],
}


def _numbers(fields: Fields, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of the grammar as the page's numbers, without those that are None."""
    present = [key for key in fields.keys if values.get(key.name) is not None]
    return {key.name: _NUMBERS.get(key.kind.type, lambda value: value)(values[key.name]) for key in present}


def grammar() -> dict[str, Any]:
    """Return kind, unit and default of each key that the page writes, by map."""
    maps = {"population": POPULATION, "models": MODELS, "beside": BESIDE, "boosters": BOOSTERS}
    maps |= {"titration": TITRATION, "stop": STOP}
    return {name: _keys(fields) for name, fields in maps.items()}


def _keys(fields: Fields) -> dict[str, Any]:
    defaults = _numbers(fields, fields_of(fields.record) if fields.record else {})
    known = fields_of(fields.record) if fields.record else None  # a record has no field for what is only read
    kinds = {key.name: key.kind for key in fields.keys if known is None or key.name in known}
    return {name: {"kind": one.type, "unit": one.unit, "default": defaults.get(name)} for name, one in kinds.items()}


class SessionRow(Struct, frozen=True):
    """A row of the editor: sessions that are equal, at equal intervals."""

    at_h: float
    hours: float
    rate: float  # [mg/h], for 70 kg if `by_weight`
    by_weight: bool
    max: float | None  # [mg/h]
    every_h: float
    times: int


def rows(infusions: Iterable[Infusion]) -> list[SessionRow]:
    """Return infusions as rows of the editor.

    >>> days = [Infusion(day * 86_400_000, 14_400_000, Rate(25.0)) for day in range(3)]
    >>> [(row.at_h, row.hours, row.every_h, row.times) for row in rows(days)]
    [(0.0, 4.0, 24.0, 3)]
    """
    return [_row(*group) for group in repeats(infusions)]


def _row(infusion: Infusion, every: int, times: int) -> SessionRow:
    at, hours, rate = _hours(infusion.start_ms), _hours(infusion.duration_ms), _rate(infusion.rate)
    ceiling = infusion.rate.ceiling_mg_h
    most = None if ceiling == math.inf else significant(ceiling, 6)
    return SessionRow(at, hours, rate["value"], rate["by_weight"], most, _hours(every) if times > 1 else 24.0, times)


def _arm(arm: Arm) -> dict[str, Any]:
    arm = arm.of(REFERENCE_WEIGHT_KG, REFERENCE_AGE_YEAR)
    rules = {"boosters": BOOSTERS, "titration": TITRATION, "stop": STOP}
    policy = policy_of(arm.policy)
    rule, ladder = policy_rules(arm.policy), None
    if rule and rule.boosters and rule.boosters.ladder:
        ladder, policy["boosters"] = _as_in_a_file(BOOSTERS, policy["boosters"]), None
    shown = {name: policy[name] and _numbers(fields, policy[name]) for name, fields in rules.items()}
    if arm.policy.boosters and ladder is None:
        shown["boosters"]["session"] = to_builtins(rows(arm.policy.boosters.sessions[0])[0])
    return {
        "name": arm.name,
        "drug": arm.drug,
        "like": arm.like,
        "beside": {name.removesuffix("_mg"): dose for name, dose in fields_of(arm.beside).items()},
        "also": [ALSO.write(other_drug(one)) for one in arm.also],
        "sessions": to_builtins(rows(arm.regimen.infusions)) if arm.drug != "placebo" else [],
        **shown,
        # the page has no controls for these and hands them on
        "ladder": ladder,
        **{name: policy[name] and fields.write(policy[name]) for name, fields in (("wean", WEAN), ("limits", LIMITS))},
    }


def _as_in_a_file(fields: Fields, values: Mapping[str, Any]) -> Any:
    """Return values of the grammar as maps, lists and texts of a file."""

    def plain_node(node: Node) -> Any:
        if isinstance(node, Table):
            return {key: plain_node(one) for key, one in node.entries.items()}
        return [plain_node(one) for one in node.items] if isinstance(node, Listing) else getattr(node, "text", None)

    return plain_node(read_tree(flow(fields.write(values)), "page"))


def form(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as the page's controls show it, and as text with every default filled in."""
    return {
        "title": scenario.title,
        "population": _numbers(POPULATION, fields_of(scenario.population)),
        "follow_up_days": scenario.follow_up_h / 24.0,
        "seed": str(scenario.seed),  # whole numbers of this size do not survive a browser's arithmetic
        "models": fields_of(scenario.models),
        "arms": [_arm(arm) for arm in scenario.arms],
        "compare": scenario.against,
        "warnings": [*scenario.warnings, *_without_controls(scenario)],
        "yaml": dumps(scenario),
    }


def _without_controls(scenario: Scenario) -> list[str]:
    """Say what the page's controls do not hold: one value each, and boosters that are all alike."""
    arms = [arm for arm in scenario.arms if arm.drug != "placebo"]
    of_class = [arm.name for arm in arms if arm.limits("kg") or arm.limits("year")]
    rules = {arm.name: policy_rules(arm.policy) for arm in arms}
    ladders = [name for name, rule in rules.items() if rule and rule.boosters and rule.boosters.ladder]
    return [
        *(f"arms.{name}: the controls hold only the class of 70 kg and 46 years." for name in of_class),
        *(f"arms.{name}: the ladder of boosters runs as written, but no control changes it." for name in ladders),
    ]


class Preset(Struct, frozen=True):
    """A row of ``presets.toml``."""

    study: str  # of the library
    arms: tuple[str, ...]  # those of the study's that make the regimen up
    name: str  # of the arm in a scenario
    title: str
    words: str


class PublishedRegimen(Struct, frozen=True):
    """A published regimen as the page shows it."""

    id: str
    name: str
    title: str
    words: str
    drug: str
    sessions: list[SessionRow]
    design: str  # of the study
    source: str


_TEXT = (resources.files("letheon.views.explore") / "presets.toml").read_text(encoding="utf-8")
PRESETS = toml.decode(_TEXT, type=dict[str, tuple[Preset, ...]])["preset"]


def presets() -> list[PublishedRegimen]:
    """Return the published regimens.

    >>> presets()[0].sessions
    [SessionRow(at_h=0.0, hours=4.0, rate=25.0, by_weight=False, max=None, every_h=24.0, times=10)]
    """
    studies, sources = {study.id: study for study in library.studies()}, library.sources()
    return [_regimen(preset, studies[preset.study], sources) for preset in PRESETS]


def _regimen(preset: Preset, study: library.Study, sources: Mapping[str, library.Source]) -> PublishedRegimen:
    arms = [next(arm for arm in study.arms if arm.name == name) for name in preset.arms]
    sessions = rows(_infusion(arm, *infusion) for arm in arms for infusion in arm.infusions)
    name, source = preset.name, sources[study.source].citation
    return PublishedRegimen(name, name, preset.title, preset.words, arms[0].drug, sessions, study.design, source)


def _infusion(arm: library.StudyArm, start_h: float, hours: float, rate: float) -> Infusion:
    # studies state hours to three decimals: whole minutes are meant
    start, length = (round(60 * value) * _MINUTE_MS for value in (start_h, hours))
    return Infusion(start, length, Rate(0.0, rate / REFERENCE_WEIGHT_KG) if arm.by_weight else Rate(rate))
