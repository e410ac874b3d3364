"""Rules in scenario files: read, written back, and refused with place and remedy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from letheon.dosing.policy import Boosters, Policy, Stops, Titration
from letheon.dosing.regimen import MS_PER_DAY, Infusion, Rate
from letheon.errors import InputError
from letheon.scenario import dumps, loads

FILE = """letheon: 1
title: test
follow_up: 12 weeks
arms:
  ketamine:
    drug: racemic
    sessions: [{at: day 1, rate: 25 mg/h, for: 4 h}]
    %s
"""
REFUSED = [
    (
        "boosters: {on: relapse}",
        'line 8, arms.ketamine.boosters: the key "session" is missing; write e.g. session: {rate: 25 mg/h, for: 4 h}.',
    ),
    (
        "boosters: {session: {rate: 25 mg/h, for: 4 h}}",
        "line 8, arms.ketamine.boosters: neither on nor every is given; write one: on: relapse for boosters when pain returns, or every: 6 weeks for a calendar.",
    ),
    (
        "boosters: {on: relapse, every: 6 weeks, session: {rate: 25 mg/h, for: 4 h}}",
        "line 8, arms.ketamine.boosters: both on and every are given; keep one: on: relapse for boosters when pain returns, or every: 6 weeks for a calendar.",
    ),
    (
        "boosters: {on: pain, session: {rate: 25 mg/h, for: 4 h}}",
        'line 8, arms.ketamine.boosters.on: "pain" is not a known value here; write one of relapse.',
    ),
    (
        "boosters: {every: 36 h, session: {rate: 25 mg/h, for: 4 h}}",
        'line 8, arms.ketamine.boosters.every: "36 h" is not a whole number of days, and diaries are kept by day; write e.g. every: 6 weeks.',
    ),
    (
        "boosters: {every: [], session: {rate: 25 mg/h, for: 4 h}}",
        "line 8, arms.ketamine.boosters.every: the list is empty; write at least one entry, e.g. [1 week, 2 weeks, 4 weeks].",
    ),
    (
        "boosters: {every: 6 weeks, wait: 2 days, session: {rate: 25 mg/h, for: 4 h}}",
        "line 8, arms.ketamine.boosters.wait: it is the time from a relapse to the appointment; leave it out if every is given.",
    ),
    (
        "boosters: {every: 6 weeks, apart: 60 days, session: {rate: 25 mg/h, for: 4 h}}",
        "line 8, arms.ketamine.boosters.every: an interval is shorter than apart (60 days); write a longer one.",
    ),
    (
        "boosters: {on: relapse, at_most: 6, session: {rate: 25 mg/h, for: 4 h}}",
        'line 8, arms.ketamine.boosters.at_most: "6" is not a number of boosters per year; write e.g. at_most: 6 per year.',
    ),
    (
        "boosters: {on: relapse, at_most: 0 per year, session: {rate: 25 mg/h, for: 4 h}}",
        'line 8, arms.ketamine.boosters.at_most: "0 per year" is outside 1 to 500 per year; write e.g. at_most: 6 per year.',
    ),
    (
        "boosters: {on: relapse, session: {at: day 1, rate: 25 mg/h, for: 4 h}}",
        "line 8, arms.ketamine.boosters.session: a booster begins at the start of the day that its rule finds; leave at out.",
    ),
    (
        "boosters: {on: relapse, session: {rate: 25 mg/h, for: 40 days}}",
        "line 8, arms.ketamine.boosters.session: the booster takes over 28 days; write a shorter one, e.g. {rate: 25 mg/h, for: 4 h}.",
    ),
    (
        "boosters: {on: relapse, session: {rate: 25 mg/h, for: 4 h, repeat: {every: 50 days, times: 2}}}",
        "line 8, arms.ketamine.boosters.session: the booster takes over 28 days; write a shorter one, e.g. {rate: 25 mg/h, for: 4 h}.",
    ),
    (
        "titration: {every: 1 min, step: 5 mg/h, max: 30 mg/h}",
        'line 8, arms.ketamine.titration.every: "1 min" is shorter than 15 min; write e.g. every: 8 h.',
    ),
    (
        "titration: {every: 8 h, step: 0 mg/h, max: 30 mg/h}",
        'line 8, arms.ketamine.titration.step: "0 mg/h" is outside 0 to 1400 mg/h at 70 kg; write e.g. step: 5 mg/h/70kg.',
    ),
    (
        "titration: {every: 8 h, step: 5 mg/h, max: 20 mg/h}",
        'line 8, arms.ketamine.titration.max: "20 mg/h" is below a rate that the sessions begin with (25 mg/h at 70 kg); write a higher max, or sessions that begin lower.',
    ),
    (
        "titration: {every: 8 h, step: 5 mg/h, min: 31 mg/h, max: 30 mg/h}",
        'line 8, arms.ketamine.titration.min: "31 mg/h" is above max; write a lower min, or a higher max.',
    ),
    (
        "titration: {every: 8 h, step: 5 mg/h, max: 30 mg/h, relief: 0.5}",
        'line 8, arms.ketamine.titration.relief: "0.5" is not a relief from 1 % to 100 % of baseline pain; write e.g. relief: 50 %.',
    ),
    (
        "titration: {every: 8 h, step: 5 mg/h, max: 30 mg/h, harm: on}",
        'line 8, arms.ketamine.titration.harm: "on" is not a known value here; write one of spontaneous, elicited.',
    ),
    (
        "stop: {no_response: 2}",
        "line 8, arms.ketamine.stop: it ends boosters, and this arm has none; write boosters: {on: relapse, session: {rate: 25 mg/h, for: 4 h}, at_most: 6 per year} too, or leave stop out.",
    ),
    (
        "boosters: {every: 6 weeks, session: {rate: 25 mg/h, for: 4 h}}\n    stop: {dose: 5 mg/kg}",
        'line 9, arms.ketamine.stop.dose: "5 mg/kg" depends on weight, and this dose does not; write e.g. dose: 5000 mg.',
    ),
    (
        "policy: relapse",
        "line 8, arms.ketamine: write what it does, e.g. boosters: {on: relapse, session: {rate: 25 mg/h, for: 4 h}, at_most: 6 per year}, or titration: {every: 8 h, step: 5 mg/h/70kg, max: 30 mg/h/70kg, relief: 50 %}.",
    ),
    (
        "titration: {up: 1}",
        'line 8, arms.ketamine.titration: "up" is not a known key here; known keys are every, step, min, max, relief, harm, on_harm, e.g. {every: 8 h, step: 5 mg/h/70kg, max: 30 mg/h/70kg, relief: 50 %}.',
    ),
]


@pytest.mark.parametrize(("rule", "sentence"), REFUSED)
def test_a_rule_that_cannot_be_followed_is_refused(rule: str, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        loads(FILE % rule)
    assert str(refused.value) == f"scenario, {sentence}"


def test_rules_belong_in_an_arm() -> None:
    with pytest.raises(InputError, match="line 3: boosters belongs in an arm, next to its sessions"):
        loads(FILE.replace("follow_up: 12 weeks", "boosters: {on: relapse}") % "")


def test_occasions_need_a_written_timetable() -> None:
    text = (
        FILE.replace("arms:", "models: {occasions: on}\narms:")
        % "boosters: {every: 6 weeks, session: {dose: 9 mg, for: 1 h}}"
    )
    with pytest.raises(InputError, match=r"line 4, models\.occasions: occasions go with written timetables"):
        loads(text)


def test_what_is_read_is_what_was_meant() -> None:
    arm = loads(
        FILE.replace("drug: racemic", "drug: racemic\n    salt: hydrochloride")
        % "boosters: {on: relapse, session: {rate: 100 mg/h, for: 2 h, repeat: {every: 1 day, times: 2}}}\n"
        "    titration: {every: 30 min, step: 10 mg/h, max: 0.6 mg/kg/h, relief: 30 %, on_harm: hold}\n"
        "    stop: {no_response: 2, harm: elicited, dose: 1000 mg}"
    ).arms[0]
    base = arm.regimen.infusions[0].rate.absolute_mg_h / 25.0
    assert 0.86 < base < 0.87
    assert arm.policy == Policy(
        Boosters(
            tuple(Infusion(k * MS_PER_DAY, 7_200_000, Rate(100.0 * base)) for k in (0, 1)),
            wait_days=14,
            apart_days=7,
            at_most=6,
        ),
        Titration(1_800_000, Rate(10.0 * base), Rate(0.0, 0.6 * base), 0.3, down=False),
        Stops(2, "elicited", 1000.0 * base),
    )


def test_a_placebo_follows_the_rules_of_the_arm_that_it_is_like() -> None:
    text = FILE % "boosters: {every: 6 weeks, session: {rate: 25 mg/h, for: 4 h}}"
    drug, sham = loads(text + "  sham: {drug: placebo, like: ketamine}\n").arms
    assert sham.policy == drug.policy
    assert not sham.policy.fixed


def test_an_interval_shorter_than_a_week_brings_sessions_closer() -> None:
    arm = loads(FILE % "boosters: {every: [3 days, 2 weeks], session: {rate: 25 mg/h, for: 4 h}}").arms[0]
    assert (arm.policy.boosters.apart_days, arm.policy.boosters.at_most) == (3, 0)


days = st.integers(1, 200)
rates = st.sampled_from(["25 mg/h", "0.3 mg/kg/h", "7 mg/h/70kg"])
sessions = st.tuples(rates, st.integers(1, 20), st.integers(1, 5)).map(
    lambda s: f"{{rate: {s[0]}, for: {s[1]} h, repeat: {{every: 1 day, times: {s[2]}}}}}"
)
written = st.one_of(
    st.tuples(sessions, days, days, st.integers(1, 60)).map(
        lambda b: (
            f"boosters: {{on: relapse, session: {b[0]}, wait: {b[1]} days, apart: {b[2]} days, at_most: {b[3]} per year}}"
        )
    ),
    st.tuples(sessions, st.lists(days, min_size=1, max_size=16), st.integers(1, 60)).map(
        lambda b: f"boosters: {{every: [{', '.join(f'{d} days' for d in b[1])}], session: {b[0]}, times: {b[2]}}}"
    ),
    st.tuples(st.integers(15, 600), st.integers(1, 9), st.integers(1, 100), st.sampled_from(["down", "hold"])).map(
        lambda t: (
            f"titration: {{every: {t[0]} min, step: {t[1]} mg/h/70kg, min: {t[1] - 1} mg/h, max: 90 mg/h, "
            f"relief: {t[2]} %, on_harm: {t[3]}}}"
        )
    ),
)


@given(written)
def test_rules_are_written_back_as_they_were_read(rule: str) -> None:
    scenario = loads(FILE % rule)
    assert loads(dumps(scenario)) == scenario
