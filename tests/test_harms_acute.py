"""Psychedelic load and incidence, circulation, other drugs beside: published tables, identities, monotone in exposure."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit, ndtri

from letheon import library
from letheon.arrays import jax
from letheon.harms import acute, circulation, comedication, mood
from letheon.harms.counts import estimate_of
from letheon.harms.estimate import exact_interval
from letheon.harms.exposure import Intensity
from letheon.patients.uncertainty import DRAWS, typical_values

LEVELS = st.floats(0.0, 5000.0)
SLOPE = jax.jit(acute.incidence_slope)


def typical(name: str) -> float:
    section, key = name.split(".")
    return library.harms(section)[key].canonical


@pytest.mark.parametrize(("weight", "expected"), [(0.0, (17.1, 29.2, 38.3, 45.2)), (0.5, (23.7, 38.3, 48.2, 55.4))])
def test_load_of_the_racemate_at_the_levels_of_volunteers(weight, expected):
    """The evidence's table, S = R = half of 50, 100, 150, 200 ng/mL; red when a half, a weight or the C50 is lost."""
    half = np.array([25.0, 50.0, 75.0, 100.0])
    c50 = library.harms("psychedelic")["c50"].value
    assert np.asarray(acute.load(half, half, c50, weight)) == pytest.approx(expected, abs=0.1)


@given(LEVELS, LEVELS, st.floats(0.0, 1000.0), st.floats(30.0, 300.0), st.floats(0.0, 0.6))
def test_load_stays_on_the_scale_and_never_falls_with_exposure(s, r, more, c50, weight):
    load = float(acute.load(s, r, c50, weight))
    assert 0.0 <= load < 100.0
    assert float(acute.load(s + more, r, c50, weight)) >= load
    assert float(acute.load(s, r + more, c50, weight)) >= load
    assert float(acute.load(0.0, 0.0, c50, weight)) == 0.0


def hours_above(t, effect, level):
    return float((acute.share_above(effect[:-1], effect[1:], level) * np.diff(t)).sum())


def test_time_above_a_level_is_that_of_the_curve():
    """Exact for straight lines; close to the exact time of an exponential; red when one side of the level is counted."""
    t = np.linspace(0.0, 10.0, 2001)
    assert hours_above(t, 100 * np.exp(-t), 10.0) == pytest.approx(math.log(10), abs=1e-3)
    assert hours_above(t, np.full_like(t, 20.0), 10.0) == pytest.approx(10.0)
    assert hours_above(t, np.full_like(t, 10.0), 10.0) == 0.0


@given(st.floats(20, 800), st.floats(60, 230), st.floats(0, 0.8), st.floats(0.05, 0.4), st.floats(0.5, 0.95))
def test_slope_gives_back_the_arm_that_it_was_derived_from(level, c50, sd, background, treated):
    """Averaged over patients by an independent rule (10,001 middles of equal strata)."""
    slope = float(SLOPE(level, c50, sd, background, treated))
    loads = 100 * expit(np.log(level / c50) + sd * ndtri((np.arange(10_001) + 0.5) / 10_001))
    assert expit(logit(background) + slope * loads).mean() == pytest.approx(treated, abs=2e-4)


def test_slope_of_the_leiden_trial_is_derived_at_its_plateau():
    """250 ng/mL, the published figure of the model that drives acute effects; red when the rate or clearance is lost."""
    p = {name: float(values[0]) for name, values in typical_values().items()}
    numbers = {f"psychedelic.{name}": number.canonical for name, number in library.harms("psychedelic").items()}
    model = library.pk_model("simons2022")
    own = {**p, **numbers, "simons2022.cl": model.parameters["cl"].canonical}
    plateau = 1000 * own["psychedelic.leiden_rate"] * 70 / own["simons2022.cl"]
    assert plateau == pytest.approx(model.checks["plateau_22_2_mg_h_ng_ml"], rel=0.002)
    spread = math.hypot(own["psychedelic.c50.sd"], own["simons2022.cl.sd"])
    expected = float(acute.incidence_slope(plateau, 121.0, spread, 0.18, 0.76))
    assert float(acute.leiden_slope(own.__getitem__)) == pytest.approx(expected, rel=1e-12)
    assert 0.03 < expected < 0.06


@given(st.floats(0, 99), st.floats(0, 50), st.floats(0, 0.1), st.floats(0.05, 0.4))
def test_incidence_is_never_below_background_and_never_falls(peak, more, slope, background):
    p = float(acute.incidence(peak, slope, background))
    assert p >= background * (1 - 1e-12)
    assert float(acute.incidence(peak + more, slope, background)) >= p * (1 - 1e-12)
    assert float(acute.incidence(0.0, slope, background)) == background
    assert float(acute.spontaneous(p, 0.08)) < p


@given(LEVELS, st.floats(0, 2000))
def test_rises_start_at_nothing_and_never_fall_with_exposure(level, more):
    here, there = (circulation.rises(x, typical) for x in (level, level + more))
    for low, high in zip(here, there, strict=True):
        assert 0.0 <= float(low) <= float(high)
    assert [float(x) for x in circulation.rises(0.0, typical)] == [0.0] * 4


def test_rises_are_the_published_ones():
    """40-50 % at 320 ng/mL; both studies of blood pressure inside the draws; 27 % and 43.5 % under anaesthesia."""
    low, high = (circulation.output_rise(320.0, s, 0.5) for s in library.harms("circulation")["output_slope"].range)
    assert float(low) == pytest.approx(0.40, abs=1e-9) and float(high) == pytest.approx(0.50, abs=3e-3)
    draws = typical_values()
    levels = draws["circulation.reference_level"]  # where the studies were made, not exactly known either
    at = [circulation.rises(levels[k], lambda name, k=k: draws[name][k]) for k in range(DRAWS)]
    systolic = np.array([float(r.systolic) for r in at])
    assert systolic.min() < 3.4 and systolic.max() > 12.4
    assert systolic.mean() == pytest.approx(7.945, abs=0.05)
    top = circulation.rises(1959.0, typical)
    assert float(top.systolic) == pytest.approx(0.27 * 125) and float(top.pulse) == pytest.approx(0.435 * 72)


def test_comedication_has_the_direction_of_the_evidence():
    """0.1 mg of clonidine slows the pulse and leaves the pressure alone; red when the two doses are exchanged."""
    assert comedication.clonidine(0.0) == dict.fromkeys(("pulse", "pressure", "night terrors"), (1.0, 1.0))
    low, high = comedication.clonidine(0.1), comedication.clonidine(0.3)
    assert low["pressure"] == (1.0, 1.0) and low["pulse"][0] < 1.0 and low["night terrors"] == (1.0, 1.0)
    assert high["pressure"][0] == pytest.approx(39 / 55, abs=2e-3) and high["pulse"][0] == pytest.approx(
        20 / 46, abs=6e-3
    )
    assert high["night terrors"] == (0.0, 1.0)
    assert comedication.midazolam(False) == {"psychomimetic": (1.0, 1.0), "sedation": (1.0, 1.0)}
    assert comedication.midazolam(True)["psychomimetic"][1] == 1.0 <= comedication.midazolam(True)["sedation"][1]


LONG, SESSIONS = Intensity(0.3, 100.0), Intensity(0.18, 4.0)  # 100 h of esketamine; 25 mg/h of the racemate for 4 h


def test_counts_of_a_regimen_of_its_kind():
    elicited, spontaneous = estimate_of("psychomimetic", LONG), estimate_of("psychomimetic", LONG, "spontaneous")
    assert elicited.support == "randomised" and elicited.estimate == pytest.approx(22 / 29)
    assert elicited.interval == exact_interval(22, 29)
    most = pytest.approx(exact_interval(11, 50)[1])  # a long infusion is not milder than sessions of hours
    assert spontaneous.estimate == pytest.approx(6 / 117) and spontaneous.interval == (0.0, most)
    sessions = estimate_of("psychomimetic", SESSIONS, "spontaneous")
    assert sessions.estimate is None  # 11 of 50 and 0 of 63 do not overlap
    assert sessions.interval == (0.0, most)


def test_pooled_trials_give_the_excess_over_placebo():
    expected = {"nausea": (0.12, (0.05, 0.25)), "sedation": (0.27, (0.12, 0.5)), "dizziness": (0.11, (0.01, 0.4))}
    for effect, (share, interval) in expected.items():
        result = estimate_of(effect, SESSIONS)
        assert (result.estimate, result.interval, result.support) == (share, interval, "assumed")
        assert result.note.startswith("Beyond placebo")
        spontaneous = estimate_of(effect, SESSIONS, "spontaneous")
        most = exact_interval(4, 101)[1] if effect == "nausea" else interval[1]
        assert spontaneous.estimate is None and spontaneous.interval == (0.0, most)
    assert estimate_of("nausea", LONG, "spontaneous").interval == exact_interval(4, 101)


# ---- mood: one session by its published landmarks, repeated sessions, and the masked trial

NUMBERS = library.harms("mood")
ONSET, HALF_LIFE = NUMBERS["onset"].canonical, NUMBERS["half_life"].canonical


def own(name: str) -> float:
    return NUMBERS[name.split(".")[1]].canonical


def test_onset_in_hours_peak_at_day_one_half_gone_after_two_weeks():
    t = np.linspace(0.01, 60 * 24, 200_001)
    course = np.asarray(mood.shape(t, ONSET, HALF_LIFE))
    assert course.max() == pytest.approx(1.0, abs=1e-9)
    assert t[course.argmax()] == pytest.approx(24, abs=2)
    assert 0.3 < float(mood.shape(3.0, ONSET, HALF_LIFE)) < 0.65  # 6.2 of 10 points at 2-4 h
    after = t[course.argmax() :]
    half = after[np.flatnonzero(course[course.argmax() :] < 0.5)[0]]
    assert 13 <= half / 24 <= 18
    assert float(mood.shape(-5.0, ONSET, HALF_LIFE)) == 0.0


def test_repeated_sessions_add_up_but_not_without_end():
    """Six in twelve days: more than one, less than the most; weekly ones afterwards hold what was reached."""
    six = 24.0 * np.array([0, 2, 4, 7, 9, 11])
    weekly = 24.0 * np.array([18, 25, 32, 39])
    t = 24.0 * np.array([12.0, 40.0])
    alone = np.asarray(mood.fall(t, six, np.ones(6), own))
    held = np.asarray(mood.fall(t, np.concatenate([six, weekly]), np.ones(10), own))
    one = float(mood.fall(t[:1], six[-1:], np.ones(1), own)[0])
    assert one < alone[0] < NUMBERS["fall_most"].value
    assert held[0] == pytest.approx(alone[0]) and held[1] > 0.85 * held[0] > alone[1]


@given(st.lists(st.tuples(st.floats(0, 2000), st.floats(0, 2)), min_size=1, max_size=8), st.floats(0, 3000))
def test_no_drug_no_fall_and_more_never_less(sessions, when):
    times, doses = np.array(sessions).T
    weights = np.asarray(mood.session_weight(doses, 0.5))
    result = float(mood.fall(np.array([when]), times, weights, own)[0])
    assert 0.0 <= result <= NUMBERS["fall_most"].value
    more = float(mood.fall(np.array([when]), times, np.asarray(mood.session_weight(doses + 0.1, 0.5)), own)[0])
    assert more >= result - 1e-12
    assert float(mood.fall(np.array([when]), times, np.zeros_like(weights), own)[0]) == 0.0


def test_the_masked_trial_shows_no_difference():
    """Derived again from the printed means and SDs; red when the sign of a difference is lost."""
    result = mood.masked()
    assert result.estimate == pytest.approx((25.1 - 12.7) - (29.9 - 16.4), abs=1e-9)
    change = [np.sqrt(a**2 + b**2 - a * b) for a, b in ((8.3, 7.6), (7.0, 10.0))]
    error = np.sqrt(sum(sd**2 for sd in change) / 20)
    assert NUMBERS["masked_fall"].spread["sd"] == pytest.approx(error, abs=0.05)
    assert result.interval[0] < 0 < result.interval[1] < NUMBERS["fall"].value


@pytest.mark.parametrize(
    ("dose", "long", "expected"),
    [
        (0.5, False, (0.522, (0.4, 0.65), "assumed")),
        (0.01, False, (None, (0.0, 0.65), "assumed")),
        (7.0, False, (None, (0.4, 1.0), "assumed")),
        (7.0, True, (None, (0.0, 1.0), "not identified")),
    ],
)
def test_responders_are_those_of_the_trials_doses(dose, long, expected):
    result = mood.responders(dose, long)
    assert (result.estimate, result.interval, result.support) == expected
