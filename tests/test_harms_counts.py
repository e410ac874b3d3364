"""Counts of harms and the doses they were seen at: inside the count, outside a range that never falls with more drug.

Oracles: order (more drug never lowers an end), the trials' own counts, and what must not be said of a hundredth of a
milligram or half a gram an hour.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from letheon import library
from letheon.dosing.regimen import Infusion, Rate, Regimen
from letheon.errors import InputError
from letheon.harms import counts, liver
from letheon.harms.estimate import Estimate, exact_interval, jeffreys_interval
from letheon.harms.exposure import Intensity, Stretch, cumulative, daily_hours, day_pieces, intensity, stretches

RATES = np.geomspace(0.01, 500.0, 14)  # mg/h
HOURS = (1.0, 4.0, 8.0, 20.0, 24.0, 48.0, 72.0, 100.0)
STYLES = ("elicited", "spontaneous")
SHARE = {"racemic": 0.5, "esketamine": 1.0}
LEIDEN = Intensity(22.0 / 70.0, 100.0)


def all_estimates(regimen: Intensity) -> dict[str, Estimate]:
    result = {
        f"{effect} {style}": counts.estimate_of(effect, regimen, style) for effect in counts.EFFECTS for style in STYLES
    }
    return result | {"liver": liver.estimate_of((Stretch(0.0, regimen.hours),), regimen)}


def at(rate_mg_h: float, hours: float, drug: str) -> Intensity:
    return Intensity(SHARE[drug] * rate_mg_h / 70.0, hours)


@pytest.mark.parametrize("drug", ["racemic", "esketamine"])
def test_no_end_falls_with_dose_or_hours(drug):
    """Over 0.01 to 500 mg/h and 1 to 100 h; red when a kind of regimen has counts of its own whatever its dose."""
    grid = [[all_estimates(at(rate, hours, drug)) for hours in HOURS] for rate in RATES]
    for name in grid[0][0]:
        ends = np.array([[cell[name].interval for cell in row] for row in grid])
        assert np.diff(ends, axis=0).min() >= -1e-12 and np.diff(ends, axis=1).min() >= -1e-12, name


@pytest.mark.parametrize("rate", [0.01, 500.0])
@pytest.mark.parametrize("hours", [1.0, 100.0])
def test_extremes_have_no_estimate(rate, hours):
    for name, result in all_estimates(at(rate, hours, "esketamine")).items():
        assert result.estimate is None and result.support in ("assumed", "not identified"), name
        assert result.interval[1] == 1.0 if rate > 1.0 else result.interval[0] < 0.07, name


def test_a_recalled_count_withdraws_a_pooled_estimate():
    """Nausea of the Leiden regimen: +12 (5 to 25) is pooled, 19 of 30 against 5 of 30 are recalled of that trial."""
    result = counts.estimate_of("nausea", LEIDEN)
    assert (result.estimate, result.support) == (None, "not identified")
    assert result.interval == pytest.approx((0.05, 14 / 30)) and "sigtermans2009" in result.sources
    short = counts.estimate_of("nausea", at(25.0, 4.0, "racemic"))
    assert (short.estimate, short.interval) == (0.12, (0.05, 0.25))  # another regimen


@pytest.mark.parametrize(("events", "kept"), [(6, True), (29, False), (0, False)])
def test_any_recalled_value_outside_withdraws_and_inside_does_not(monkeypatch, events, kept):
    """Red when the conflict is looked for in one effect only, or a recalled value changes what it agrees with."""
    goldberg = next(c for c in library.harm_counts() if c.effect == "hallucination" and c.source == "goldberg2010")
    read = replace(goldberg, effect="headache", events=6, n=30)
    recalled = replace(read, source="lauritsen2016", events=events, verified="recall", weight=0.0)
    monkeypatch.setattr(library, "harm_counts", lambda: (read, recalled))
    here = Intensity(0.2, 120.0)
    result = counts.estimate_of("headache", here, "spontaneous")
    low, high = exact_interval(6, 30)
    assert (result.estimate is not None) == kept
    assert result.interval == pytest.approx((min(low, events / 30), max(high, events / 30)))
    monkeypatch.setattr(library, "harm_counts", lambda: (read, replace(recalled, source=read.source)))
    assert counts.estimate_of("headache", here, "spontaneous").estimate == pytest.approx(0.2)  # read before recalled


def test_the_fullest_hour_by_hand():
    """0.35 mg/kg at once and 0.2 mg/kg/h behind it, racemic: half of 0.35 + 0.2 · 59/60 is esketamine."""
    push = Infusion.create(10.0, 1 / 60, Rate(per_kg_mg_h=21.0))
    drip = Infusion.create(10.0 + 1 / 60, 8.0, Rate(per_kg_mg_h=0.2))
    result = intensity(Regimen.create("racemic", [push, drip]), 80.0)
    assert result.rate == pytest.approx((0.35 + 0.2 * 59 / 60) / 2, rel=1e-6)
    assert result.hours == pytest.approx(8.0 + 1 / 60)
    heavy, light = (intensity(Regimen.create("esketamine", [Infusion.create(0, 4, Rate(absolute_mg_h=22.0))]), w).rate
                    for w in (70.0, 30.0))  # fmt: skip
    assert (heavy, light) == (pytest.approx(22 / 70), pytest.approx(22 / 30))


SESSION = st.tuples(st.integers(0, 400), st.integers(1, 40), st.sampled_from([0.5, 5.0, 25.0, 100.0]))


@given(st.lists(SESSION, min_size=1, max_size=6), st.lists(SESSION, max_size=6), st.sampled_from(sorted(SHARE)))
def test_more_sessions_lower_no_end(first, more, drug):
    def regimen(sessions):
        return Regimen.create(drug, [Infusion.create(at, h, Rate(absolute_mg_h=r)) for at, h, r in sessions])

    less, both = (intensity(regimen(sessions), 70.0) for sessions in (first, first + more))
    assert both.rate >= less.rate - 1e-9 and both.hours >= less.hours
    for effect in counts.EFFECTS:
        one, other = counts.estimate_of(effect, less).interval, counts.estimate_of(effect, both).interval
        assert other[0] >= one[0] - 1e-12 and other[1] >= one[1] - 1e-12


def test_arketamine_was_never_counted():
    result = intensity(Regimen.create("arketamine", [Infusion.create(0, 100, Rate(absolute_mg_h=22.0))]), 70.0)
    assert {counts.estimate_of(effect, result).support for effect in counts.EFFECTS} == {"not identified"}


@pytest.mark.parametrize(("rate", "row"), [(0.01, "0.01 mg/h"), (22.0, "22 mg/h, as in Leiden"), (500.0, "500 mg/h")])
def test_the_page_has_these_numbers(root, rate, row):
    """The table of docs/harms.md; red when a count or a dose is changed without it."""
    here = at(rate, 100.0, "esketamine")
    result = [counts.estimate_of(effect, here) for effect in ("psychomimetic", "nausea", "sedation")]
    cells = [_cell(one) for one in (*result, liver.estimate_of((Stretch(0.0, 100.0),), here))]
    assert f"| {row} | {' | '.join(cells)} |" in (root / "docs" / "harms.md").read_text(encoding="utf-8")


def _cell(result: Estimate) -> str:
    low, high = (f"{100 * end:.0f}" for end in result.interval)
    if (low, high) == ("0", "100"):
        return "not identified"
    return f"{low} to {high} %" if result.estimate is None else f"{100 * result.estimate:.0f} % ({low} to {high})"


# ---- the liver: patterns of a regimen, the six and the fifty-two; facts of a schedule

MG_H = Rate(absolute_mg_h=25.0)


def regimen(*drips: tuple[float, float]) -> Regimen:
    return Regimen.create("racemic", [Infusion.create(start, hours, MG_H) for start, hours in drips])


def liver_of(*drips: tuple[float, float]) -> Estimate:
    given_drug = regimen(*drips)
    return liver.estimate_of(stretches(given_drug.schedule()), intensity(given_drug, 70.0))


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
