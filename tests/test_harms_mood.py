"""Mood: the course of one session by its published landmarks, repeated sessions, and the masked trial beside them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from letheon import library
from letheon.harms import mood

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


def test_the_masked_trial_saw_nothing():
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
