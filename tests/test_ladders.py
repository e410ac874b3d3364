"""Ladders of boosters: rungs with sessions of their own, and intervals drawn anew.

Oracles: the same dates written out as sessions, and days that are drawn here from the named stream.
"""

import numpy as np
import pytest
from test_policies import COURSE, N, differing, run, scenario

from letheon.arrays import jax
from letheon.pipeline import block as blocks
from letheon.pipeline import plan_arms
from letheon.pipeline.plan import widened
from letheon.streams import uniforms

pytestmark = pytest.mark.long

LADDER = (
    "boosters: {ladder: [{every: 2 weeks, times: 2, sessions: [{at: 9 h, rate: 25 mg/h, for: 4 h, "
    "repeat: {every: 1 day, times: 2}}]}, {every: 30 days, sessions: [{push: 0.3 mg/kg}, {at: 2 h, rate: 9 mg/h, for: 3 h}]}]}"
)
DRAWN = (
    "boosters: {ladder: [{every: 10 to 20 days, times: 2, sessions: [{rate: 25 mg/h, for: 4 h}]}, "
    "{every: 4 to 6 weeks, sessions: [{rate: 12 mg/h, for: 4 h, repeat: {every: 1 day, times: 3}}]}]}"
)
COUNT = 26  # weeks


def planned(*rules: str, sessions: tuple[str, ...] = ()):
    """Plan arms of one shape; `sessions` are those of arms without rules."""
    arms = [
        *plan_arms(scenario(*rules, weeks=COUNT)),
        *(plan_arms(scenario("", sessions=one, weeks=COUNT))[0] for one in sessions),
    ]
    return widened(arms)


def test_a_ladder_is_its_dates_written_out_bit_for_bit():
    """Red when a rung counts once too often, gives another rung's sessions, or begins before its first session."""
    first, second = (
        9 + 14,
        9 + 14 + 1 + 14,
    )  # days from t = 0; the course ends on the tenth day, a booster on its second
    later = [second + 1 + 30 + 30 * k for k in range(4)]
    assert later[-1] + 30 > 7 * COUNT >= later[-1] + 1
    dates = [f"{{at: day {d + 1} + 9 h, rate: 25 mg/h, for: 4 h}}" for at in (first, second) for d in (at, at + 1)]
    dates += [f"{{at: day {d + 1}, push: 0.3 mg/kg}}, {{at: day {d + 1} + 2 h, rate: 9 mg/h, for: 3 h}}" for d in later]
    ladder, written = planned(LADDER, sessions=(COURSE.replace("}}]", "}}, " + ", ".join(dates) + "]"),))
    result, expected = run(ladder), run(written)
    assert differing(result, expected, but=("profile", "log", "boosters", "final_rate")) == []
    assert set(result.boosters) == {6.0}
    assert (result.log.time_h[:6, 0] / 24).tolist() == [first, second, *later]
    assert np.allclose(result.log.value[:2], 200.0)
    assert result.log.value[2:6].min() > 27.0


def test_days_of_a_range_are_drawn_from_the_patients_stream():
    """Red when the days are drawn once for all, the last is left out, or an arm draws its own."""
    doubled = DRAWN.replace("rate: 25", "rate: 50")
    one, other = (run(plan) for plan in planned(DRAWN, doubled))
    u = np.asarray(jax.vmap(lambda k: uniforms(1, "interval", k, 16))(np.arange(N)))
    days, seen = one.log.time_h.T / 24, set()
    for k in range(N):
        last, expected = 9, []
        for number in range(16):
            low, high, span = (10, 20, 0) if number < 2 else (28, 42, 2)
            gap = low + int(u[k, number] * (high - low + 1))
            if last + gap + span + 4 / 24 > 7 * COUNT:
                break
            seen |= {gap} if number < 2 else set()
            expected.append(last + gap)
            last = expected[-1] + span
        assert days[k][: len(expected)].tolist() == expected
        assert one.boosters[k] == len(expected)
    assert seen == set(range(10, 21))
    assert (one.log.time_h == other.log.time_h).all()


def test_other_rungs_compile_nothing():
    first, second = planned(LADDER, DRAWN)
    run(first)
    sizes = [f._cache_size() for f in (blocks._build, blocks._run, blocks._read_out)]
    run(second)
    assert sizes == [f._cache_size() for f in (blocks._build, blocks._run, blocks._read_out)]


def test_each_rung_stops_before_the_dose_that_it_would_pass():
    """The course gives 1,000 mg and a first booster 200 mg; the third would give about 50 mg."""
    (plan,) = planned(f"{LADDER}\nstop: {{dose: 1420 mg}}")
    result = run(plan)
    assert set(result.boosters) == {2.0}
    assert np.allclose(result.dose_mg, 1400.0)
