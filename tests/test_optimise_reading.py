"""The block `optimise` of a scenario file: what it means, and each refusal with file, line, field and remedy.

The oracles are the sentences in full, the same file with its text replaced by hand, and the lists of the pipeline.
"""

import re
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from letheon.body.pain import Course
from letheon.errors import InputError
from letheon.pipeline.columns import _of_course
from letheon.pipeline.plan import plan_arm
from letheon.scenario import dumps, load_search, loads, loads_search
from letheon.scenario.measures import measure_of, names
from letheon.scenario.ranges import MAX_VALUES, read_amount, values_between
from letheon.scenario.search import Search

PLAIN = """letheon: 1
title: test
follow_up: 4 weeks
arms:
  ketamine:
    drug: racemic
    sessions:
      - {at: day 1, rate: 20 mg/h, max: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 5}}
      - {at: day 8, rate: 20 mg/h, for: 4 h}
  other: {drug: racemic, sessions: [{at: day 1, dose: 30 mg, for: 40 min}]}
  placebo: {drug: placebo, like: ketamine}
"""
BLOCK = """optimise:
  arm: ketamine
  vary:
    sessions.1.rate: {from: 10 mg/h, to: 40 mg/h, step: 10 mg/h, also: [sessions.2.rate]}
    sessions.1.for: {from: 1 h, to: 3 h, step: 30 min}
    sessions[1].repeat.times: {from: 1, to: 5}
    sessions.1.repeat.every: {choose: [1 day, 2 days]}
  maximise: [relief_days, remission]
  minimise: [hours]
  constraints: {dose_mg: {at_most: 1 g}, nrs_day_28: {at_most: other}}
  budget: {candidates: 50, patients: 64}
"""


def search_of(text: str) -> Search:
    search = loads_search(text, "s.yaml")[1]
    assert search is not None
    return search


def test_the_block_means_what_it_says() -> None:
    search = search_of(PLAIN + BLOCK)
    assert [len(v.values) for v in search.variables] == [4, 5, 5, 2]
    assert search.variables[1].values == ("1 h", "1.5 h", "2 h", "2.5 h", "3 h")
    assert search.variables[0].also == ("sessions.2.rate",)
    assert [(g.measure.name, g.maximise) for g in search.goals] == [
        ("relief_days", True),
        ("remission", True),
        ("hours", False),
    ]
    assert [(c.measure.name, c.at_least, c.at_most) for c in search.constraints] == [
        ("dose_mg", None, 1000.0),
        ("nrs_day_28", None, "other"),
    ]
    assert (search.size, search.candidates, search.patients) == (200, 50, 64)


def test_a_candidate_is_the_file_with_its_text_replaced() -> None:
    search = search_of(PLAIN + BLOCK)
    by_hand = loads(
        PLAIN.replace("rate: 20 mg/h, max", "rate: 30 mg/h, max")
        .replace("day 8, rate: 20 mg/h", "day 8, rate: 30 mg/h")
        .replace("for: 4 h, repeat: {every: 1 day, times: 5}", "for: 1.5 h, repeat: {every: 2 days, times: 4}")
    )
    candidate = search.candidate((2, 1, 3, 1))
    assert [arm.name for arm in candidate.arms] == ["ketamine", "placebo"]
    assert candidate.arms == (by_hand.arm("ketamine"), by_hand.arm("placebo"))
    assert search.texts((2, 1, 3, 1)) == {
        "sessions.1.rate": "30 mg/h",
        "sessions.1.for": "1.5 h",
        "sessions.1.repeat.times": "4",
        "sessions.1.repeat.every": "2 days",
    }


def test_the_arm_as_written_is_a_candidate_whatever_its_units() -> None:
    assert search_of(PLAIN + BLOCK).as_written() is None  # 4 h lies beyond the range
    search = search_of(PLAIN.replace("for: 4 h, repeat", "for: 120 min, repeat") + BLOCK)
    assert search.as_written() == (1, 2, 4, 0)
    written = search.candidate((1, 2, 4, 0))
    assert written.arms[0] == loads(PLAIN.replace("for: 4 h, repeat", "for: 120 min, repeat")).arm("ketamine")
    apart = PLAIN.replace("for: 4 h, repeat", "for: 2 h, repeat").replace(
        "day 8, rate: 20 mg/h", "day 8, rate: 10 mg/h"
    )
    assert search_of(apart + BLOCK).as_written() is None  # two places that shall be one differ


def test_a_run_has_no_use_for_the_block() -> None:
    with_block, without = loads(PLAIN + BLOCK), loads(PLAIN)
    assert loads_search(PLAIN + BLOCK)[0] == with_block
    assert with_block == without
    assert dumps(with_block) == dumps(without)
    assert loads(dumps(with_block)) == with_block


def test_boosters_vary_like_anything_else() -> None:
    session = "session: {rate: 25 mg/h, for: 4 h}"
    plain = PLAIN.replace(
        "  other:", f"    boosters: {{on: relapse, {session}, wait: 14 days, at_most: 6 per year}}\n  other:"
    )
    block = """optimise:
  arm: ketamine
  vary:
    boosters.at_most: {from: 2 per year, to: 12 per year}
    boosters.wait: {choose: [1 day, 14 days]}
    boosters.session.for: {from: 1 h, to: 8 h, step: 1 h}
"""
    search = search_of(plain + block)
    assert search.as_written() == (4, 1, 3)
    by_hand = plain.replace("4 h}, wait: 14 days, at_most: 6", "6 h}, wait: 1 day, at_most: 10")
    assert search.candidate((8, 0, 5)).arms == loads(by_hand).arms[:1] + loads(by_hand).arms[2:]


def test_goals_have_defaults_a_drug_may_vary_and_an_impossible_combination_is_refused() -> None:
    block = "optimise: {arm: ketamine, vary: {%s}}\n"
    search = search_of(PLAIN + block % "drug: {choose: [racemic, esketamine]}")
    goals = [(goal.measure.name, goal.maximise) for goal in search.goals]
    assert goals == [("relief_days", True), ("psychedelic_load", False), ("dose_mg", False), ("hours", False)]
    assert [search.candidate((k,)).arms[0].drug for k in (0, 1)] == ["racemic", "esketamine"]
    times, every = "sessions.1.repeat.times: {from: 1, to: 10}", "sessions.1.repeat.every: {choose: [1 day, 7 days]}"
    search = search_of(PLAIN + block % f"{times}, {every}")
    assert search.candidate((9, 0)).arms
    with pytest.raises(InputError, match="after the follow-up ends"):
        search.candidate((9, 1))


# what stands in BLOCK, what takes its place, the refusal
# fmt: off
CASES = [
    ("arm: ketamine", "arm: ketamin", 'line 13, optimise.arm: "ketamin" is not an arm of this file; write arm: ketamine.'),
    ("arm: ketamine", "arm: placebo", 'line 13, optimise.arm: "placebo" is a placebo arm, which a search cannot improve; write arm: ketamine.'),
    ("optimise:", "optimize:", 'line 12: "optimize" is not a known key here; write optimise if you meant that.'),
    ("maximise:", "maximize:", "line 19, optimise: maximize is spelled maximise here; write maximise."),
    ("  vary:", "  varies:", 'line 14, optimise: "varies" is not a known key here; write vary if you meant that.'),
    ("sessions.1.for", "sessions.1.fro", 'line 16, optimise.vary: arm ketamine, sessions.1, has no entry "fro" that could vary; write for if you meant that.'),
    ("sessions.1.for", "boosters.session.rate", 'line 16, optimise.vary: arm ketamine has no entry "boosters" that could vary; write it into the arm first.'),
    ("sessions.1.for", "sessions.3.for", 'line 16, optimise.vary: arm ketamine, sessions, is a list of 2, and "3" is not one of its places; count from 1, e.g. sessions.1.for.'),
    ("sessions.1.for", "sessions.1", "line 16, optimise.vary: sessions.1 is not a single value; extend the path to one, e.g. sessions.1.at."),
    ("sessions.1.for", "sessions.1.rate.max", 'line 16, optimise.vary: arm ketamine, sessions.1.rate, is a single value and holds no "max"; end the path before it.'),
    ("sessions.1.for", "sessions.2.rate", "line 16, optimise.vary.sessions.2.rate: the place sessions.2.rate varies twice; name it once."),
    ("to: 40 mg/h", "to: 5 mg/h", "line 15, optimise.vary.sessions.1.rate: the range ends at 5 mg/h, not above its start at 10 mg/h; write the smaller one as from."),
    ("to: 40 mg/h", "to: 40 mg/kg/h", "line 15, optimise.vary.sessions.1.rate: the ends and the step have different units (mg/h and mg/kg/h); write all in one unit."),
    ("step: 10 mg/h", "step: 0 mg/h", "line 15, optimise.vary.sessions.1.rate: the step 0 mg/h is not above 0; write e.g. a tenth of the range."),
    ("step: 10 mg/h", "step: 0.001 mg/h", "line 15, optimise.vary.sessions.1.rate: from 10 mg/h to 40 mg/h there would be 30001 values; write a larger step, for at most 1000."),
    ("from: 1 h, to: 3 h, step: 30 min", "from: 1 h", 'line 16, optimise.vary.sessions.1.for: the key "to" is missing; write e.g. {from: 5 mg/h, to: 40 mg/h}, or {choose: [1 day, 7 days]}.'),
    ("from: 1, to: 5}", "from: 1, to: 50}", 'line 17, optimise.vary.sessions.1.repeat.times: no regimen was found with "50" in it: the last repeat ends at'),
    ("choose: [1 day, 2 days]", "choose: [1 day]", "line 18, optimise.vary.sessions.1.repeat.every.choose: one value leaves no choice; write at least two, e.g. [1 day, 7 days]."),
    ("choose: [1 day, 2 days]", "choose: [1 day, 2 days], from: 1 day", "line 18, optimise.vary.sessions.1.repeat.every.from: both from and choose are given; keep the range or the list."),
    ("relief_days, remission", "relief, remission", 'line 19, optimise.maximise[1]: "relief" is not measured; write relief_days if you meant that.'),
    ("relief_days, remission", "rival_relief_days", 'line 19, optimise.maximise[1]: "rival_relief_days" is not measured any more; write memory_relief_days or slow_site_relief_days.'),
    ("relief_days, remission", "relief_days, dose_mg", "line 19, optimise.maximise[2]: dose_mg (drug given, as free base) is not a goal to maximise; write it under minimise."),
    ("relief_days, remission", "responder_30_day_84", "line 19, optimise.maximise[1]: responder_30_day_84 is read on day 84, and the follow-up ends on day 28."),
    ("relief_days, remission", "responder_30_day_21", "line 19, optimise.maximise[1]: responder_30_day_21 is not read in this file; write endpoints: {days: [21]} too."),
    ("relief_days, remission", "slow_site_responder_35_day_28", "line 19, optimise.maximise[1]: slow_site_responder_35_day_28 is not read in this file; write endpoints: {responders: [35 %]} too."),
    ("minimise: [hours]", "minimise: [cmax_ketamine]", "line 20, optimise.minimise[1]: cmax_ketamine is read in runs and not in searches; write e.g. psychedelic_load, dose_mg or hours."),
    ("minimise: [hours]", "minimise: [memory_nrs_week_2]", "line 20, optimise.minimise[1]: memory_nrs_week_2 is not read in this file; write endpoints: {weekly: on} too."),
    ("at_most: 1 g", "at_most: 1 mg/kg", 'line 21, optimise.constraints.dose_mg.at_most: "1 mg/kg" depends on weight, and dose_mg does not; write e.g. 3000 mg.'),
    ("at_most: 1 g", "at_least: 5, at_most: 4", "line 21, optimise.constraints.dose_mg: at_least is above at_most; no regimen could meet both."),
    ("at_most: other", "at_most: others", 'line 21, optimise.constraints.nrs_day_28.at_most: "others" is neither a number nor an arm of this file; write e.g. other.'),
    ("candidates: 50", "candidates: 0", 'line 22, optimise.budget.candidates: "0" is outside 1 to 100000; write e.g. 400.'),
]
# fmt: on


@pytest.mark.parametrize(("good", "bad", "refusal"), CASES, ids=[bad.strip() or "nothing" for _, bad, _ in CASES])
def test_refusals_name_place_and_remedy(good: str, bad: str, refusal: str) -> None:
    assert BLOCK.count(good) >= 1
    with pytest.raises(InputError) as refused:
        loads(PLAIN + BLOCK.replace(good, bad, 1), "s.yaml")
    sentence = str(refused.value)
    assert sentence == f"s.yaml, {refusal}" or (refusal[-1] != "." and sentence.startswith(f"s.yaml, {refusal}"))


def test_the_shipped_example_can_be_searched(root) -> None:
    for name in ("optimise_100h", "optimise_boosters"):
        search = load_search(root / "examples" / f"{name}.yaml")[1]
        assert search is not None and search.as_written() is not None and search.size > 10_000


def test_measures_are_the_endpoints_of_the_pipeline() -> None:
    course = Course(*(np.zeros((20, 20, 1)) for _ in Course._fields))
    for days, own in (
        (10, ""),
        (30, "days: [5, 29], responders: [20 %, 1.5 points], weekly: on, area: on"),
        (730, "responders: [30 %]"),
    ):
        scenario = loads(PLAIN.replace("follow_up: 4 weeks", f"follow_up: {days} days\nendpoints: {{{own}}}"))
        plan = plan_arm(scenario, scenario.arms[0])
        known = {*_of_course(course, plan.read, slice(None))}
        assert {name for name in names(scenario) if re.search("day_|week_|area", name) or name in known} <= known
        assert known - set(names(scenario)) == {"relapse_day"} and f"nrs_day_{days}" in known
    for name in (*names(scenario), "nrs_week_3", "pain_area"):
        measure = measure_of(name)
        assert measure is not None and measure.name == name
    assert measure_of("memory_nrs_day_28") is not None and measure_of("slow_site_remission") is not None
    assert measure_of("memory_hours") is None and measure_of("nrs_day_0") is None


NUMBERS = st.decimals(Decimal("0.01"), Decimal(500), places=2)


@given(NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["mg/h", "mg/kg/h", "h", "days", "mg", ""]))
def test_a_range_holds_its_ends_and_even_steps_between(low, width, step, unit) -> None:
    high = low + width
    if width / step >= MAX_VALUES - 1:
        step = width / 7
    values = values_between(*(f"{x} {unit}" for x in (low, high, step)))
    read = [read_amount(value).number for value in values]
    assert read[0] == low and read[-1] == high
    gaps = [b - a for a, b in pairwise(read)]
    assert all(abs(gap - step) < Decimal("1e-20") for gap in gaps[:-1]) and 0 < gaps[-1] <= step + Decimal("1e-20")


@given(NUMBERS, NUMBERS, st.sampled_from(["mg/h", "h", "min", "weeks", "mg"]))
def test_a_step_that_nobody_gave_is_round_and_leaves_a_few_dozen_values(low, width, unit) -> None:
    values = values_between(f"{low} {unit}", f"{low + width} {unit}")
    assert 2 <= len(values) <= 60
    assert max(len(value) for value in values) <= 20


@pytest.mark.parametrize(
    ("low", "high", "count", "second"),
    [
        ("1", "10", 10, "2"), ("day 1", "day 15", 15, "day 2"), ("1 per year", "6 per year", 6, "2 per year"),
        ("5 mg/h/70kg", "40 mg/h/70kg", 36, "6 mg/h/70kg"), ("1 h", "8 h", 15, "1.5 h"),
        ("1 day", "14 days", 14, "2 days"), ("4 weeks", "12 weeks", 9, "5 weeks"),
        ("26 weeks", "52 weeks", 14, "28 weeks"), ("20 min", "90 min", 15, "25 min"),
    ],
)  # fmt: skip
def test_ranges_without_a_step(low: str, high: str, count: int, second: str) -> None:
    values = values_between(low, high)
    assert (len(values), values[0], values[1], values[-1]) == (count, low, second, high)
