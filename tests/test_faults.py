"""Every fault of a file at once, each in the sentence that it has alone.

The oracle of most tests is the reader itself: what it refuses when a fault is the only one.
"""

import random
import re

import pytest
from test_malformed import CASES, GOOD
from test_reader_fuzz import spoilt

from letheon.errors import InputError
from letheon.scenario import loads
from letheon.scenario.faults import LOST, attempt, collect
from letheon.scenario.loading import faults_of

HEAD, ARM = GOOD[: GOOD.index("arms:")], GOOD[GOOD.index("  ketamine:") : GOOD.index("  placebo:")]


def sentences(text: str) -> list[str]:
    return [str(fault) for fault in faults_of(text, "s.yaml")[1]]


def without_line(sentence: str) -> str:
    return re.sub(r", line \d+", "", sentence)


def is_found_by_the_grammar(case: tuple[str, str, str]) -> bool:
    """Whether a fault leaves a tree to go on with: not one of YAML itself."""
    place = re.match(r"line \d+(.*?): ", case[2])
    return place is not None and not re.search(r"there is a |not valid|nested over|document|the YAML|twice", case[2])


SINGLE = [case for case in CASES if is_found_by_the_grammar(case)]
# what stands on its own: no rule of the arms needs it, and its sentence names nothing else of the file
OF_HEAD = [case for case in SINGLE if case[0] in HEAD and not re.search("follow_up|arm ketamine|found", case[2])]
OF_ARM = [case for case in SINGLE if case[0] in ARM and "ketamine:" not in case[0] and "arms.ketamine" in case[2]]


def chosen(chance: random.Random, k: int) -> tuple[str, list[str]]:
    """Return a file of k faults in different places, and what is said of each alone."""
    head, due, spans = HEAD, [], []
    for old, new, _ in chance.sample(OF_HEAD, k):
        start, stop = HEAD.index(old), HEAD.index(old) + len(old)
        if all(stop <= a or b <= start for a, b in spans) and len(spans) < k // 2:
            spans.append((start, stop))
            due += sentences(GOOD.replace(old, new, 1))
            head = head.replace(old, new, 1)
    arms = []
    for number, (old, new, _) in enumerate(chance.sample(OF_ARM, k - len(spans))):
        arms.append(ARM.replace(old, new, 1).replace("ketamine", f"arm_{number}", 1))
        due += [one.replace("arms.ketamine", f"arms.arm_{number}") for one in sentences(GOOD.replace(old, new, 1))]
    return f"{head}arms:\n{''.join(arms)}  placebo: {{drug: placebo, like: arm_0}}\n", due


@pytest.mark.parametrize("case", SINGLE)
def test_a_single_fault_has_the_sentence_that_a_reader_stops_with(case: tuple[str, str, str]) -> None:
    result = sentences(GOOD.replace(case[0], case[1], 1))
    assert f"s.yaml, {case[2]}" in result and len(result) <= 2


@pytest.mark.parametrize("seed", range(20))
def test_faults_together_have_the_sentences_that_they_have_alone(seed: int) -> None:
    """Red when a fault hides another, or when one is followed by what it leads to."""
    chance = random.Random(seed)
    text, due = chosen(chance, chance.randint(3, 9))
    assert sorted(map(without_line, sentences(text))) == sorted(set(map(without_line, due)))


FIVE = [
    (
        """letheon: 1
title: five faults in two arms
follow_up: 12
seeed: 4
arms:
  one:
    drug: racemic
    sessions:
      - {at: day 1, rate: 5, for: 4 h}
      - {at: day 2, rate: 5 mg/h}
  two:
    drug: ketamine
    sessions: [{at: day 0, rate: 5 mg/h, for: 4 h}]
""",
        [
            "3, follow_up: ",
            '4: "seeed" is not a known key',
            "9, arms.one.sessions[1].rate: ",
            '10, arms.one.sessions[2]: the key "for"',
            "12, arms.two.drug: ",
            "13, arms.two.sessions[1].at: ",
        ],
    ),
    (
        """title: no version
follow_up: 12 weeks
population: {n: 10, n: 20, weight: *w}
models: {expectancy: 5 NRS, norketamine: 2}
arms:
  a: {drug: racemic, sessions: [{at: 0 h, rate: 1 mg/h, for: 1 h}], stop: {dose: 5 g}, titration: {every: 1 h}}
  b: {like: a, titration: {step: 1 mg/h, max: 5 mg}}
  c: {drug: placebo, like: none, sessions: []}
""",
        [
            '1: the key "letheon"',
            '3, population: the key "n" is given twice',
            "3: there is an alias",
            "4, models.expectancy: ",
            "4, models.norketamine: ",
            '6, arms.a.titration: the key "step"',
            '6, arms.a.titration: the key "max"',
            "6, arms.a.stop: ",
            "7, arms.b.titration.max: ",
            "8, arms.c.sessions: ",
            "8, arms.c.like: ",
        ],
    ),
    (
        """letheon: 1
title: a search
follow_up: 12 weeks
arms:
  a: {drug: racemic, sessions: [{at: 0 h, rat: 5 mg/h, for: 1 h}]}
  b: {like: c, beside: {clonidine: 5 mg}, boosters: {session: {rate: 1 mg/h, for: 1 h}, on: pain}}
optimise:
  arm: d
  vary: {sessions.1.for: {from: 1 h}}
  maximise: [relief, dose_mg]
  constraints: {hours: {at_least: 5, at_most: 2}, dose_mg: {}}
  budget: {patients: 0}
""",
        [
            "5, arms.a.sessions[1]: ",
            "6, arms.b.like: ",
            "6, arms.b.beside.clonidine: ",
            "6, arms.b.boosters.on: ",
            "8, optimise.arm: ",
            "9, optimise.vary.sessions.1.for: ",
            "10, optimise.maximise[1]: ",
            "10, optimise.maximise[2]: ",
            "11, optimise.constraints.hours: ",
            "11, optimise.constraints.dose_mg: ",
            "12, optimise.budget.patients: ",
        ],
    ),
]


@pytest.mark.parametrize(("text", "starts"), FIVE)
def test_all_faults_are_listed_by_line(text: str, starts: list[str]) -> None:
    """Red when one is left out, stands twice, or is joined by one that it only leads to."""
    result = sentences(text)
    assert [
        start for start, one in zip(starts, result, strict=False) if one.startswith(f"s.yaml, line {start}")
    ] == starts
    assert len(result) == len(starts), result


def test_a_fault_is_one_fault_however_many_arms_have_it() -> None:
    bad = GOOD.replace("rate: 0.35", "rate: -0.35").replace("drug: racemic", "drug: racemic\n    bags: 1 mg/mL")
    more = "  high: {like: ketamine, titration: {every: 1 h, step: 1 mg/h, max: 90 mg/h}}\n  low: {like: high, salt: base}\n"
    assert len(sentences(bad + more)) == 2


def test_any_text_has_the_faults_that_the_reader_finds() -> None:
    """Red when a spoilt file breaks the search for faults, or hides from it what `loads` refuses."""
    chance = random.Random(11)
    for _ in range(100):
        text = spoilt(chance)
        scenario, faults = faults_of(text, "s.yaml")
        try:
            assert loads(text, "s.yaml") == scenario or faults, text
        except InputError as error:
            assert str(error) in [str(fault) for fault in faults], text


def test_a_lost_value_is_of_no_use() -> None:
    """Red when a rule goes on with a value that was refused."""
    for use in (
        bool,
        str,
        len,
        hash,
        list,
        lambda x: x + 1,
        lambda x: 2 * x,
        lambda x: x < 3,
        lambda x: x.at(70),
        dict,
    ):
        assert collect(use, LOST)[0] is LOST
    with pytest.raises(InputError):
        attempt(loads, "")
