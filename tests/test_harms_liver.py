"""Exact intervals, the patterns of a regimen, the six and the fifty-two, and the facts of a schedule."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from letheon.dosing.regimen import Infusion, Rate, Regimen
from letheon.errors import InputError
from letheon.harms import liver
from letheon.harms.exposure import cumulative, daily_hours, day_pieces, intensity, stretches
from letheon.harms.finding import Finding, exact_interval, jeffreys_interval

MG_H = Rate(absolute_mg_h=25.0)


def regimen(*drips: tuple[float, float]) -> Regimen:
    return Regimen.create("racemic", [Infusion.create(start, hours, MG_H) for start, hours in drips])


def liver_of(*drips: tuple[float, float]) -> Finding:
    given_drug = regimen(*drips)
    return liver.finding(stretches(given_drug.schedule()), intensity(given_drug, 70.0))


# ---- intervals


def by_definition(events: int, n: int, level: float) -> tuple[float, float]:
    """Clopper-Pearson from its definition: the shares at which so many, or so few, events are just possible."""
    tail = (1 - level) / 2
    low = 0.0 if events == 0 else optimize.brentq(lambda p: stats.binom.sf(events - 1, n, p) - tail, 1e-12, 1 - 1e-12)
    high = 1.0 if events == n else optimize.brentq(lambda p: stats.binom.cdf(events, n, p) - tail, 1e-12, 1 - 1e-12)
    return low, high


@given(
    st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.9, 0.95])
)
def test_exact_interval_is_the_inverted_binomial_test(counted, level):
    events, n = counted
    assert exact_interval(events, n, level) == pytest.approx(by_definition(events, n, level), abs=1e-9)


def test_intervals_are_those_of_other_software():
    result = stats.binomtest(3, 6).proportion_ci(method="exact")
    assert exact_interval(3, 6) == pytest.approx((result.low, result.high), abs=1e-12)
    assert exact_interval(0, 52)[1] == pytest.approx(1 - 0.025 ** (1 / 52), abs=1e-12)
    assert jeffreys_interval(3, 6) == pytest.approx(tuple(stats.beta.ppf([0.025, 0.975], 3.5, 3.5)), abs=1e-12)
    assert jeffreys_interval(0, 52)[0] == 0.0 and jeffreys_interval(6, 6)[1] == 1.0
    with pytest.raises(InputError, match="0 <= events <= n"):
        exact_interval(7, 6)


# ---- patterns


@pytest.mark.parametrize(
    ("drips", "pattern"),
    [
        ((), "none"),
        (tuple((24.0 * d, 4.0) for d in range(10)), "short sessions"),
        (((0, 100),), "one long course"),
        (((0, 50), (53, 50)), "one long course"),  # a short pause does not part it
        (((0, 100), (484, 100)), "long course again within weeks"),  # 16 days apart, as in the trial
        (((0, 100), (7 * 730.5, 100)), "long course again later"),
        (((0, 100), (484, 4)), "one long course"),  # a short booster is no second long course
    ],
)
def test_pattern_of_a_regimen(drips, pattern):
    assert liver.pattern(stretches(regimen(*drips).schedule())) == pattern


def test_intervals_name_the_six_and_the_fifty_two():
    again = liver_of((0, 100), (484, 100))
    daily = liver_of(*((24.0 * d, 4.0) for d in range(10)))
    assert again.interval == pytest.approx(exact_interval(3, 6)) and again.support == "uncontrolled"
    assert daily.interval == pytest.approx(exact_interval(0, 52)) and daily.support == "uncontrolled"
    for result in (again, daily):
        assert result.estimate is None
        assert "six patients" in result.note and "fifty-two patients" in result.note
        assert {"noppers2011liver", "lee2025"} <= set(result.sources)
    once = liver_of((0, 100))
    assert once.support == "assumed" and once.interval[1] > daily.interval[1]


def test_no_drug_no_harm_and_a_worse_pattern_is_never_better():
    ends = []
    for drips in ((), ((0, 4),), ((0, 100),), ((0, 100), (6000, 100)), ((0, 100), (484, 100))):
        ends.append(liver_of(*drips).interval)
    assert ends[0] == (0.0, 0.0)
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(ends))


# ---- the facts of a schedule

DRIPS = st.lists(st.tuples(st.floats(0, 400), st.floats(0.1, 120)), max_size=6)


@given(DRIPS, st.integers(30, 40))
def test_days_add_up_to_the_dose(drips, days):
    """Red when a day's edge cuts a drip wrongly, or an overlap counts once."""
    given_drug = regimen(*drips)
    schedule = given_drug.schedule()
    hours = daily_hours(schedule, days)
    assert hours.shape == (days, len(schedule.terms)) and np.all(hours >= 0) and np.all(hours <= 24 + 1e-9)
    doses = hours @ np.array(schedule.rates(70.0))
    assert doses.sum() == pytest.approx(schedule.dose_mg(70.0), rel=1e-9)
    assert set(np.flatnonzero(doses > 0)) <= set(given_drug.dosing_days())


@given(DRIPS, st.lists(st.integers(1, 40), max_size=3))
def test_days_put_together_are_the_same_days(drips, marks):
    schedule = regimen(*drips).schedule()
    pieces = day_pieces(schedule, 40, marks, size=50)
    assert len(pieces.days) == 50
    whole = np.repeat(pieces.hours, pieces.days.astype(int), axis=0)
    assert whole == pytest.approx(daily_hours(schedule, 40))
    done = np.concatenate([[0.0], np.cumsum(pieces.days)])
    assert done[pieces.ends].tolist() == [float(mark) for mark in marks]


def test_totals_of_a_regimen():
    """Worked out by hand: ten sessions of 4 h, then boosters; red when courses are counted by session."""
    course = [(24.0 * d, 4.0) for d in range(10)]
    boosters = [(24.0 * (90 + 30 * k), 4.0) for k in range(3)]
    total = cumulative(regimen(*course, *boosters), 70.0, 2 * 8766.0)
    assert (total.dose_mg, total.hours, total.infusion_days, total.sessions) == (1300.0, 52.0, 13, 13)
    assert total.courses == 4 and total.courses_a_year == 2.0
    assert cumulative(regimen(), 70.0, 100.0) == (0.0, 0.0, 0, 0, 0, 0.0)
    assert cumulative(regimen((0, 100)).sham(), 70.0, 100.0).dose_mg == 0.0
