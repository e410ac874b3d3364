"""Rules in scenario files: read, written back, and refused with place and remedy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from letheon.dosing.policy import Boosters, DoseLimits, Policy, Stops, Titration, Wean
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
SESSIONS = "sessions: [{rate: 25 mg/h, for: 4 h}]"
BAG = "session: {rate: 25 mg/h, for: 4 h}"
LADDER = "ladder: [{every: 2 weeks, sessions: [{rate: 25 mg/h, for: 4 h}]}]"
STEPS = "every: 8 h, step: 5 mg/h"
REFUSED = [
    ("boosters: {on: relapse}", 'boosters: the key "session" is missing'),
    (f"boosters: {{{BAG}}}", "boosters: neither on, every nor ladder is given"),
    (f"boosters: {{on: relapse, every: 6 weeks, {BAG}}}", "boosters: both on and every are given"),
    (f"boosters: {{on: pain, {BAG}}}", 'boosters.on: "pain" is not a known value'),
    (f"boosters: {{every: 36 h, {BAG}}}", 'boosters.every: "36 h" is not a whole number of days'),
    (f"boosters: {{every: [], {BAG}}}", "boosters.every: the list is empty"),
    (f"boosters: {{every: 6 weeks, wait: 2 days, {BAG}}}", "boosters.wait: "),
    (f"boosters: {{every: 6 weeks, apart: 60 days, {BAG}}}", "boosters.every: an interval is shorter than apart"),
    (f"boosters: {{on: relapse, at_most: 6, {BAG}}}", 'boosters.at_most: "6" is not a number of boosters per year'),
    (f"boosters: {{on: relapse, at_most: 0 per year, {BAG}}}", 'boosters.at_most: "0 per year" is outside 1 to 500'),
    ("boosters: {on: relapse, session: {at: day 1, rate: 25 mg/h, for: 4 h}}", "boosters.session: "),
    ("boosters: {on: relapse, session: {rate: 25 mg/h, for: 40 days}}", "boosters.session: the booster takes over 28"),
    (f"boosters: {{every: 6 to 4 weeks, {BAG}}}", 'boosters.every: "6 to 4 weeks" ends before it begins'),
    (f"boosters: {{every: 1 to 36 h, {BAG}}}", "boosters.every: "),
    (f"boosters: {{every: 0 to 6 weeks, {BAG}}}", 'boosters.every: "0 to 6 weeks" is outside 1 to 3650 days'),
    (f"boosters: {{every: 4 to weeks, {BAG}}}", "boosters.every: "),
    (f"boosters: {{{LADDER}, {BAG}}}", "boosters.session: a ladder has sessions in each rung"),
    (f"boosters: {{{LADDER}, times: 3}}", "boosters.times: a ladder has times in each rung"),
    (f"boosters: {{{LADDER}, wait: 3 days}}", "boosters.wait: wait is the time from a relapse"),
    (f"boosters: {{{LADDER}, every: 2 weeks}}", "boosters: both every and ladder are given"),
    (f"boosters: {{{LADDER}, apart: 20 days}}", "boosters.ladder: an interval is shorter than apart"),
    ("boosters: {ladder: []}", "boosters.ladder: the list is empty"),
    ("boosters: {ladder: 2 weeks}", "boosters.ladder: expected a list"),
    ("boosters: {ladder: [{every: 2 weeks}]}", 'boosters.ladder[1]: the key "sessions" is missing'),
    ("boosters: {ladder: [{sessions: [{rate: 9 mg/h, for: 1 h}]}]}", 'boosters.ladder[1]: the key "every" is missing'),
    ("boosters: {ladder: [{every: 2 weeks, sessions: []}]}", "boosters.ladder[1].sessions: the list is empty"),
    (
        "boosters: {ladder: [{every: 2 weeks, times: 0, sessions: [{rate: 9 mg/h, for: 1 h}]}]}",
        'boosters.ladder[1].times: "0"',
    ),
    (
        "boosters: {ladder: [{every: 2 weeks, sessions: [{rate: 9 mg/h, for: 700 h}]}]}",
        "boosters.ladder[1]: the booster takes over 28",
    ),
    (
        "boosters: {ladder: [{every: 2 weeks, sessions: [{ramp: 9 mg/h, for: 1 h}]}]}",
        "boosters.ladder[1].sessions[1]: a booster runs",
    ),
    (
        f"boosters: {{ladder: [{', '.join(17 * ['{every: 2 weeks, sessions: [{rate: 9 mg/h, for: 1 h}]}'])}]}}",
        "boosters.ladder: the ladder has 17 rungs",
    ),
    ("titration: {every: 1 min, step: 5 mg/h, max: 30 mg/h}", 'titration.every: "1 min" is shorter than 15 min'),
    (
        "titration: {every: 8 h, step: 0 mg/h, max: 30 mg/h}",
        'titration.step: "0 mg/h" is not above 0 and at most 1400 mg/h',
    ),
    (f"titration: {{{STEPS}, max: 20 mg/h}}", 'titration.max: "20 mg/h" is below a rate that the sessions begin with'),
    (f"titration: {{{STEPS}, min: 31 mg/h, max: 30 mg/h}}", 'titration.min: "31 mg/h" is above max'),
    (f"titration: {{{STEPS}, max: 30 mg/h, relief: 0.5}}", 'titration.relief: "0.5" is not a relief from 1 %'),
    (f"titration: {{{STEPS}, max: 30 mg/h, harm: on}}", 'titration.harm: "on" is not a known value here'),
    (f"titration: {{{STEPS}, max: 30 mg/h, on_harm: pause}}", "titration.on_harm: pause does not say for how long"),
    (f"titration: {{{STEPS}, max: 30 mg/h, on_harm: pause 5 s}}", 'titration.on_harm: "pause 5 s" is outside 1 min'),
    (f"titration: {{{STEPS}, max: 30 mg/h, on_harm: pause 3}}", 'titration.on_harm: "3" has no unit'),
    (f"titration: {{{STEPS}, max: 30 mg/h, on_harm: halved}}", 'titration.on_harm: "halved" is not a known value here'),
    ("wean: 12 h", "wean: expected a map"),
    ("wean: {over: 12 h}", 'wean: the key "steps" is missing'),
    ("wean: {over: 10 min, steps: 1}", 'wean.over: "10 min" is outside 15 min to 14 days'),
    ("wean: {over: 12 h, steps: 7}", "wean: 12 h cannot be split into 7 steps of whole minutes"),
    ("wean: {over: 20 min, steps: 4}", "wean: 20 min cannot be split into 4 steps of whole minutes"),
    ("wean: {over: 12 h, steps: 0}", 'wean.steps: "0" is outside 1 to 48'),
    ("limits: {}", "limits: neither per_day nor in_all"),
    ("limits: 960 mg", "limits: expected a map"),
    ("limits: {per_day: 5 mg/kg}", 'limits.per_day: "5 mg/kg" depends on weight'),
    ("limits: {per_day: 0 mg}", 'limits.per_day: "0 mg" is not above 0'),
    ("limits: {in_all: 9 mg/h}", 'limits.in_all: "9 mg/h" is a rate, not a dose'),
    ("limits: {per_day: 10 g, in_all: 9 g}", "limits.per_day: per_day is above in_all"),
    ("limits: {a_day: 1 g}", 'limits: "a_day" is not a known key here'),
    ("titration: {up: 1}", 'titration: "up" is not a known key here'),
    ("stop: {no_response: 2}", "stop: stop ends boosters, and this arm has none"),
    (f"boosters: {{every: 6 weeks, {BAG}}}\n    stop: {{dose: 5 mg/kg}}", 'stop.dose: "5 mg/kg" depends on weight'),
    ("policy: relapse", "ketamine: write what it does, e.g. boosters: "),
]


@pytest.mark.parametrize(("rule", "fault"), REFUSED)
def test_impossible_rules_are_refused_with_place_and_fault(rule: str, fault: str) -> None:
    with pytest.raises(InputError) as refused:
        loads(FILE % rule)
    line = 9 if "stop.dose" in fault else 8
    place = "arms.ketamine" if fault.startswith("ketamine") else "arms.ketamine."
    assert str(refused.value).startswith(f"scenario, line {line}, {place}{fault.removeprefix('ketamine')}")


def test_what_a_rule_needs_of_the_sessions_is_said() -> None:
    """Red when a weaning passes the follow-up, or has nothing to wean from, or a limit must choose between pushes."""
    only_pushes = FILE.replace("rate: 25 mg/h, for: 4 h", "push: 20 mg, repeat: {every: 1 min, times: 2}")
    for text, fault in (
        (
            FILE.replace("12 weeks", "1 day") % "wean: {over: 21 h, steps: 7}",
            "ends at 25 h, after the follow-up ends at 24 h",
        ),
        (only_pushes % "wean: {over: 12 h, steps: 4}", "there is no rate to wean from"),
        (only_pushes % "limits: {per_day: 90 mg}", "pushes of the sessions overlap or touch"),
    ):
        with pytest.raises(InputError, match=fault):
            loads(text)


def test_limits_and_weaning_are_read_in_free_base() -> None:
    arm = loads(
        FILE.replace("drug: racemic", "drug: racemic\n    salt: hydrochloride")
        % "wean: {over: 12 h, steps: 4}\n    limits: {per_day: 960 mg, in_all: 9 g}"
    ).arms[0]
    base = arm.regimen.infusions[0].rate.absolute_mg_h / 25.0
    assert arm.policy == Policy(wean=Wean(12 * 3_600_000, 4), limits=DoseLimits(960.0 * base, 9000.0 * base))
    assert arm.policy.fixed and arm.given.stop_ms == 16 * 3_600_000


def test_occasions_need_a_written_timetable() -> None:
    text = (
        FILE.replace("arms:", "models: {occasions: on}\narms:")
        % "boosters: {every: 6 weeks, session: {dose: 9 mg, for: 1 h}}"
    )
    with pytest.raises(InputError, match=r"line 4, models\.occasions: occasions go with written timetables"):
        loads(text)


def test_rules_are_read_with_units_and_defaults() -> None:
    arm = loads(
        FILE.replace("drug: racemic", "drug: racemic\n    salt: hydrochloride")
        % "boosters: {on: relapse, session: {rate: 100 mg/h, for: 2 h, repeat: {every: 1 day, times: 2}}}\n"
        "    titration: {every: 30 min, step: 10 mg/h, max: 0.6 mg/kg/h, relief: 30 %, on_harm: hold}\n"
        "    stop: {no_response: 2, harm: elicited, dose: 1000 mg}"
    ).arms[0]
    base = arm.regimen.infusions[0].rate.absolute_mg_h / 25.0
    assert 0.86 < base < 0.87
    assert arm.policy == Policy(
        Boosters.create(
            tuple(Infusion(k * MS_PER_DAY, 7_200_000, Rate(100.0 * base)) for k in (0, 1)),
            wait_days=14,
            apart_days=7,
            at_most=6,
        ),
        Titration(1_800_000, Rate(10.0 * base), Rate(0.0, 0.6 * base), 0.3, on_harm="hold"),
        Stops(2, "elicited", 1000.0 * base),
    )


def test_placebo_has_the_rules_of_its_arm() -> None:
    text = FILE % "boosters: {every: 6 weeks, session: {rate: 25 mg/h, for: 4 h}}"
    drug, sham = loads(text + "  sham: {drug: placebo, like: ketamine}\n").arms
    assert sham.policy == drug.policy
    assert not sham.policy.fixed


def test_an_interval_shorter_than_a_week_brings_sessions_closer() -> None:
    arm = loads(FILE % "boosters: {every: [3 days, 2 weeks], session: {rate: 25 mg/h, for: 4 h}}").arms[0]
    assert (arm.policy.boosters.apart_days, arm.policy.boosters.at_most) == (3, 0)


def test_a_list_of_intervals_is_a_ladder_of_equal_sessions() -> None:
    listed = f"boosters: {{every: [2 weeks, 4–6 weeks], {BAG}, times: 9}}"
    rungs = "{every: 14 days, %s}, {every: 4 weeks to 42 days, times: 8, %s}" % (2 * (SESSIONS,))
    one, other = (loads(FILE % text) for text in (listed, f"boosters: {{ladder: [{rungs}]}}"))
    assert one == other
    assert [rung.gap_days for rung in one.arms[0].policy.boosters.rungs] == [(14, 14), (28, 42)]


def test_the_last_rung_ends_boosters_only_where_it_counts_them() -> None:
    rungs = f"{{every: 2 weeks, times: 3, {SESSIONS}}}, {{every: 6 weeks, %s{SESSIONS}}}"
    free, ended = (
        loads(FILE % f"boosters: {{ladder: [{rungs % times}]}}").arms[0].policy.boosters for times in ("", "times: 2, ")
    )
    assert (free.times, ended.times) == (0, 5)
    assert [ended.rung(k).gap_days[0] for k in range(5)] == [14, 14, 14, 42, 42]


days = st.integers(1, 200)
sessions = st.builds(
    "{{rate: {}, for: {} h, repeat: {{every: 1 day, times: {}}}}}".format,
    st.sampled_from(["25 mg/h", "0.3 mg/kg/h", "7 mg/h/70kg"]), st.integers(1, 20), st.integers(1, 5),
)  # fmt: skip
rungs = st.builds(
    lambda low, more, times, at, one: f"{{every: {low} to {low + more} days, {times} sessions: [{{at: {at} h, {one[1:]}]}}",
    days, st.sampled_from([0, 1, 40]), st.sampled_from(["", "times: 1,", "times: 7,"]), st.integers(0, 30), sessions,
)  # fmt: skip
written = st.one_of(
    st.builds(
        "boosters: {{on: relapse, session: {}, wait: {} days, apart: {} days, at_most: {} per year}}".format,
        sessions, days, days, st.integers(1, 60),
    ),
    st.builds(
        "boosters: {{every: [{}], session: {}, times: {}}}".format,
        st.lists(days.map("{} days".format), min_size=1, max_size=16).map(", ".join), sessions, st.integers(1, 60),
    ),
    st.builds(
        "boosters: {{ladder: [{}], at_most: {} per year}}".format,
        st.lists(rungs, min_size=1, max_size=16).map(", ".join), st.integers(1, 60),
    ),
    st.builds(
        "titration: {{every: {} min, step: {} mg/h/70kg, min: 1 mg/h, max: 90 mg/h, relief: {} %, on_harm: {}}}".format,
        st.integers(15, 600), st.integers(2, 9), st.integers(1, 100),
        st.sampled_from(["down", "hold", "halve", "stop", "pause 1 h", "pause 95 min", "pause 61 s"]),
    ),
    st.builds("wean: {{over: {} h, steps: {}}}".format, st.integers(1, 336), st.sampled_from([1, 2, 3, 4])),
    st.builds("limits: {{per_day: {} mg, in_all: {} g}}".format, st.integers(1, 1000), st.integers(1, 20)),
    st.builds("limits: {{{}: {} mg}}".format, st.sampled_from(["per_day", "in_all"]), st.floats(0.1, 1e5)),
)  # fmt: skip


@given(written)
def test_rules_are_written_back_as_they_were_read(rule: str) -> None:
    scenario = loads(FILE % rule)
    assert loads(dumps(scenario)) == scenario
