"""Rules in words, in the result document and in the engine: the same numbers, in the units in which they were written."""

import re

import numpy as np
import pytest

from letheon.dosing.policy_document import policy_rules
from letheon.pipeline.clinic import rules_of
from letheon.scenario import dumps, loads
from letheon.scenario.quantities import dose_mg, rate_mg_h
from letheon.units import MS_PER_HOUR
from letheon.views.subjects.policies import booster_sentences, policy_sentences, titration_sentence

HYDROCHLORIDE = 0.867  # mass of base in a mass of hydrochloride, as the library has it to three digits
FORMS = (
    ("5 mg/h", "3 mg/h", "40 mg/h"), ("0.07 mg/kg/h", "0.04 mg/kg/h", "0.6 mg/kg/h"),
    ("5 mg/h/70kg", "3 mg/h/70kg", "30 mg/h/70kg"), ("1.5 µg/kg/min", "0.5 µg/kg/min", "8 µg/kg/min"),
    ("5 mg/h", "0.04 mg/kg/h", "30 mg/h/70kg"),
)  # fmt: skip


def scenario(arm: str, weeks: int = 12, salt: str = "base"):
    return loads(f"""letheon: 1
title: rules
follow_up: {weeks} weeks
arms: {{a: {{drug: racemic, salt: {salt}, sessions: [{{at: 0 h, rate: 5 mg/h, for: 100 h}}], {arm}}}}}
""")


def titration(form: tuple[str, str, str], rest: str = "") -> str:
    step, low, high = form
    return f"titration: {{every: 12 h, step: {step}, min: {low}, max: {high}, relief: 40 %{rest}}}"


def numbers(text: str) -> list[float]:
    return [float(match.replace(",", "")) for match in re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?", text)]


@pytest.mark.parametrize("salt", ["base", "hydrochloride"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "rest", ["", ", harm: elicited", ", on_harm: hold", ", on_harm: halve", ", on_harm: stop", ", on_harm: pause 2 h"]
)
def test_titration_reads_as_it_was_written_and_as_the_engine_has_it(form, rest: str, salt: str) -> None:
    first = scenario(titration(form, rest), salt=salt)
    policy = first.arms[0].policy
    record, rules = policy_rules(policy).titration, rules_of(policy, 1 / 1024)
    quantities = (record.step, record.min, record.max)
    for quantity, engine, text in zip(quantities, (rules.step, rules.lowest, rules.highest), form, strict=True):
        bare = quantity.unit.removesuffix(" of free base")
        assert bare == text.split(" ", 1)[1]
        written = float(text.split()[0])
        assert quantity.value == pytest.approx(written * (1 if salt == "base" else HYDROCHLORIDE), rel=1e-3)
        assert np.all(engine == np.array(rate_mg_h(f"{quantity.value!r} {bare}")))  # in every class
    ways = {"hold": [], "stop": [], "halve": [record.min], "pause": [record.min]}  # quantities that each names
    rates = [record.step, record.max, *ways.get(record.on_harm, [record.step, record.min])]
    sentence = titration_sentence(record)
    expected = [float(f"{rate.value:.7g}") for rate in rates]
    assert numbers(sentence.replace("per 70 kg", "")) == [
        12.0,
        *expected[:2],
        40.0,
        *[2.0] * (record.on_harm == "pause"),
        *expected[2:],
    ]
    units = [rate.unit.replace("/70kg", " per 70 kg").replace("µg", "mcg") for rate in rates]
    assert all(f"{rate.value:.7g} {unit}" in sentence for rate, unit in zip(rates, units, strict=True))
    # written rates outlive the resolved file
    again = loads(dumps(first))
    assert again == first and dumps(again) == dumps(first)
    one, other = policy.titration, again.arms[0].policy.titration
    for rate, read in zip((one.step, one.lowest, one.highest), (other.step, other.lowest, other.highest), strict=True):
        assert (rate.form[0], rate.form[1].removesuffix(" of free base")) == read.form
    if salt == "base":  # the last rate has the form of max
        number, absolute, per_kg = rules.form
        assert number == float(form[2].split()[0])
        assert np.array_equal((absolute, per_kg), rate_mg_h(form[2]))


def test_weaning_and_limits_read_as_they_were_written() -> None:
    policy = policy_rules(
        scenario("wean: {over: 9 h, steps: 4}, limits: {per_day: 960 mg, in_all: 9 g}").arms[0].policy
    )
    weaning, limits = policy_sentences(policy)
    assert numbers(weaning) == [9, 4, 2.25, 80, 20]
    assert numbers(limits)[:1] + numbers(limits)[-1:] == [960, 9]
    assert policy.titration is None and policy.limits.in_all_mg == 9000.0


BOOSTERS = [
    ("on: relapse, wait: 20 days, apart: 9 days, at_most: 4 per year, times: 7", [20, 9, 4, 7]),
    ("every: [10 days, 30 days], apart: 8 days", [10, 30, 30, 8]),
]
RUNGS = (
    "{every: 2 weeks, times: 3, sessions: [{rate: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 2}}]}, "
    "{every: 4 to 6 weeks, sessions: [{at: 9 h, rate: 9 mg/h, for: 4 h}]}"
)
STOPS = [
    ("no_response: 3", [3]), ("harm: spontaneous", []), ("dose: 5 g", [5]), ("dose: 1250.5 mg", [1250.5]),
    ("no_response: 2, harm: elicited, dose: 800 mg", [2, 800]),
]  # fmt: skip


def test_rungs_read_as_the_engine_has_them() -> None:
    policy = scenario(f"boosters: {{ladder: [{RUNGS}]}}", weeks=52).arms[0].policy
    (sentence,), rules = policy_sentences(policy_rules(policy)), rules_of(policy, 1 / 1024)
    assert numbers(sentence) == [14, 3, 2, 28, 28, 42, 1, 13, 7]
    assert rules.until[0] == 3 and rules.gap[:2].tolist() == [14, 28] and rules.gap_range[:2].tolist() == [0, 14]
    assert (rules.length[:2] / 1024).tolist() == [28, 13] and rules.span[:2].tolist() == [1, 0]


@pytest.mark.parametrize(("rule", "in_words"), BOOSTERS)
@pytest.mark.parametrize(("stop", "ends"), STOPS)
def test_boosters_and_their_end_read_as_the_engine_has_them(rule, in_words, stop, ends) -> None:
    boosters = f"boosters: {{{rule}, session: {{rate: 25 mg/h, for: 4 h}}}}, stop: {{{stop}}}"
    policy = scenario(boosters, weeks=52).arms[0].policy
    record, rules = policy_rules(policy).boosters, rules_of(policy, 1 / 1024)
    first, *after = booster_sentences(record)
    assert numbers(first) == in_words
    assert [number for sentence in after for number in numbers(sentence)] == ends
    assert record.apart_days == rules.apart
    assert set(rules.length * MS_PER_HOUR / 1024) == {4 * MS_PER_HOUR}
    gaps = rules.gap[: len(record.gaps_days)]
    assert gaps.tolist() == list(record.gaps_days) and not rules.gap_range.any()
    assert (record.wait_days or 0) == (rules.wait if record.when == "relapse" else 0)
    assert (record.stop.no_response or 0) == rules.no_response
    if dose := record.stop.dose:
        assert dose_mg(f"{dose.value!r} {dose.unit}") == (rules.dose_mg, 0.0)
