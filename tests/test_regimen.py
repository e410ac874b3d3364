"""Regimens: identities of infusions (splitting, adding, order), and doses worked out by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from letheon.dosing import Infusion, Rate, Regimen, Schedule
from letheon.dosing.titration import tapers, titrated_spans
from letheon.errors import InputError

HOUR = 3_600_000
FIVE, TEN = Rate(absolute_mg_h=5.0), Rate(absolute_mg_h=10.0)


def schedule(*infusions: tuple[float, float, Rate]) -> Schedule:
    return Regimen.create("racemic", [Infusion.create(*infusion) for infusion in infusions]).schedule()


def rate_at(infusions: list[Infusion], moment_ms: float, weight_kg: float) -> float:
    """Return the rate by its definition: the sum of what runs at that moment."""
    return math.fsum(i.rate.at(weight_kg) for i in infusions if i.start_ms <= moment_ms < i.stop_ms)


def test_placebo_has_sessions_but_no_drug() -> None:
    real = Regimen.create("esketamine", [Infusion.create(0, 100, FIVE)])
    sham = real.sham()
    assert sham.drug == "placebo"
    assert sham.infusions == real.infusions
    assert sham.schedule() == Schedule()
    assert sham.dosing_days() == real.dosing_days() == (0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # 100 h of esketamine: 5, 10, 15 mg/h for a day each, 20 mg/h for 28 h
        ([(0, 24, 5), (24, 24, 10), (48, 24, 15), (72, 28, 20)], 120 + 240 + 360 + 560),
        # five days of racemic ketamine
        ([(0, 24, 10), (24, 24, 20), (48, 24, 30), (72, 48, 40)], 240 + 480 + 720 + 1920),
    ],
)
def test_doses_of_published_regimens(steps: list[tuple[float, float, float]], expected: float) -> None:
    assert schedule(*((start, length, Rate(rate)) for start, length, rate in steps)).dose_mg(70.0) == expected
    per_kg = schedule(*((start, length, Rate(per_kg_mg_h=rate / 70)) for start, length, rate in steps))
    assert per_kg.dose_mg(70.0) == pytest.approx(expected, rel=1e-14)
    assert per_kg.dose_mg(35.0) == pytest.approx(expected / 2, rel=1e-14)


def test_courses_end_where_a_week_passes() -> None:
    def courses(*days: float) -> list[tuple[float, float]]:
        regimen = Regimen.create("racemic", [Infusion.create(24 * day, 24, FIVE) for day in days])
        return [(a / 24 / HOUR, b / 24 / HOUR) for a, b in regimen.courses()]

    assert courses(0, 1, 2) == [(0, 3)]
    assert courses(0, 7) == [(0, 8)]  # six days of pause
    assert courses(0, 8) == [(0, 1), (8, 9)]  # seven days of pause
    assert courses() == []


rates = st.builds(
    Rate,
    st.sampled_from([0.0, 0.1, 2.5, 5.0]),
    st.sampled_from([0.0, 0.05, 0.35]),
    st.sampled_from([math.inf, math.inf, 8.0, 25.0]),
)
infusion_lists = st.lists(st.builds(Infusion, st.integers(0, 40), st.integers(0, 20), rates), max_size=8)
weights = st.floats(30, 200)


@given(infusion_lists, weights)
def test_schedule_gives_the_sum_of_what_runs(infusions: list[Infusion], weight: float) -> None:
    result = Regimen.create("racemic", infusions).schedule()
    pieces = list(zip(result.edges_ms, result.edges_ms[1:], result.rates(weight), strict=False))
    for moment in range(-1, 62):
        inside = [rate for start, stop, rate in pieces if start <= moment + 0.5 < stop]
        expected = rate_at(infusions, moment + 0.5, weight)
        assert math.fsum(inside) == pytest.approx(expected, rel=1e-14, abs=1e-300)
        assert len(inside) <= 1


@given(infusion_lists)
def test_schedule_is_canonical(infusions: list[Infusion]) -> None:
    result = Regimen.create("racemic", infusions).schedule()
    assert all(a < b for a, b in zip(result.edges_ms, result.edges_ms[1:], strict=False))
    assert all(a != b for a, b in zip(result.terms, result.terms[1:], strict=False))
    assert len(result.edges_ms) == (len(result.terms) + 1 if result.terms else 0)
    assert not result.terms or (result.terms[0] and result.terms[-1])
    for piece in result.terms:
        assert list(piece[1:]) == sorted(piece[1:])
        assert all(rate.ceiling_mg_h < math.inf for rate in piece[1:])
        assert not any(rate.is_zero for rate in piece)


@given(st.data())
def test_order_and_splitting_do_not_matter(data: st.DataObject) -> None:
    infusions = data.draw(infusion_lists)
    split: list[Infusion] = []
    for infusion in infusions:
        cut = data.draw(st.integers(0, infusion.duration_ms))
        split.append(Infusion(infusion.start_ms, cut, infusion.rate))
        split.append(Infusion(infusion.start_ms + cut, infusion.duration_ms - cut, infusion.rate))
    shuffled = data.draw(st.permutations(split))
    assert Regimen("racemic", tuple(shuffled)).schedule() == Regimen.create("racemic", infusions).schedule()


@given(infusion_lists, weights)
def test_dose_is_the_sum_of_the_doses(infusions: list[Infusion], weight: float) -> None:
    expected = math.fsum(i.rate.at(weight) * i.duration_ms / HOUR for i in infusions)
    result = Regimen.create("racemic", infusions).schedule().dose_mg(weight)
    assert result == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("create", "fault"),
    [
        (lambda: Rate.create(-1.0), "absolute_mg_h"),
        (lambda: Rate.create(0.0, math.nan), "per_kg_mg_h"),
        (lambda: Rate.create(1.0, 0.0, 0.0), "ceiling_mg_h"),
        (lambda: Infusion.create(-1, 1, FIVE), "start_h"),
        (lambda: Infusion.create(0, 0, FIVE), "duration_h"),
        (lambda: Regimen.create("ketamine", []), "drug must be one of racemic, esketamine, arketamine, placebo"),
    ],
)
def test_create_refuses_impossible_numbers_by_name(create, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        create()


# ---- which sessions run as written under a titration

KG = Rate(per_kg_mg_h=0.1)


def infusion(start: float, hours: float, mg_h: float) -> Infusion:
    return Infusion.create(start, hours, Rate(absolute_mg_h=mg_h))


BY_HAND = {
    "one session": ([(0, 48, 10)], [False], [(0, 48)]),
    "a taper": ([(0, 48, 10), (48, 8, 3)], [False, True], [(0, 48)]),
    "a taper after a pause": ([(0, 4, 25), (24, 4, 20)], [False, True], [(0, 4)]),
    "equal and higher": ([(0, 4, 25), (24, 4, 25), (48, 4, 30)], [False] * 3, [(0, 4), (24, 28), (48, 52)]),
    "down and up again": ([(0, 24, 10), (24, 24, 5), (48, 24, 8)], [False, True, False], [(0, 24), (48, 72)]),
    "a taper written in two halves": ([(0, 24, 10), (24, 4, 5), (28, 4, 5)], [False, True, True], [(0, 24)]),
    "the same again after a pause": ([(0, 4, 25), (24, 4, 20), (48, 4, 20)], [False, True, False], [(0, 4), (48, 52)]),
    "two bags at once, then fewer": ([(0, 48, 10), (0, 48, 5), (48, 8, 12)], [False, False, True], [(0, 48)]),
    "a taper that begins early": ([(0, 48, 10), (47, 9, 3)], [False, True], [(0, 48)]),
    "extra drug on top, then fewer": ([(0, 100, 10), (24, 4, 5), (100, 20, 7)], [False, True, True], [(0, 100)]),
    "pushes do not count": ([(0, 1 / 60, 900), (0, 24, 2), (24, 24, 2)], [False] * 3, [(0, 48)]),
    "nor does a pause written out": ([(0, 24, 10), (24, 24, 0), (48, 24, 5)], [False, False, True], [(0, 24)]),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_sessions_written_lower_run_as_written(case: str) -> None:
    written, lower, spans = BY_HAND[case]
    infusions = [infusion(*one) for one in written]
    assert list(tapers(infusions)) == lower
    assert [(a / 3_600_000, b / 3_600_000) for a, b in titrated_spans(infusions)] == spans


def test_rates_by_weight_and_for_everybody_are_compared_at_70_kg() -> None:
    weighed = Infusion.create(0, 4, KG)
    assert tapers([weighed, infusion(4, 4, 6.9), infusion(8, 4, 7.1)]) == (False, True, False)
