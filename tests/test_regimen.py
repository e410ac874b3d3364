"""Regimens: identities of infusions (splitting, adding, order), and doses worked out by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from letheon.dosing import Infusion, Rate, Regimen, Schedule

HOUR = 3_600_000
FIVE, TEN = Rate(absolute_mg_h=5.0), Rate(absolute_mg_h=10.0)
CAPPED = Rate(per_kg_mg_h=0.35, ceiling_mg_h=25.0)


def schedule(*infusions: tuple[float, float, Rate]) -> Schedule:
    return Regimen.create("racemic", [Infusion.create(*infusion) for infusion in infusions]).schedule()


def rate_at(infusions: list[Infusion], moment_ms: float, weight_kg: float) -> float:
    """Return the rate by its definition: the sum of what runs at that moment."""
    return math.fsum(i.rate.at(weight_kg) for i in infusions if i.start_ms <= moment_ms < i.stop_ms)


def test_overlapping_ceilings_hold_each_for_its_own_session() -> None:
    both = schedule((0, 4, CAPPED), (0, 4, CAPPED))
    assert both.terms == ((CAPPED, CAPPED),)
    assert both.rates(100.0) == (50.0,)
    assert both.rates(40.0) == (28.0,)


def test_a_pause_stays_and_edges_are_trimmed() -> None:
    nothing = Rate()
    found = schedule((0, 3, nothing), (3, 1, FIVE), (4, 1, nothing), (8, 1, FIVE), (9, 5, nothing))
    assert found == Schedule((3 * HOUR, 4 * HOUR, 8 * HOUR, 9 * HOUR), ((FIVE,), (), (FIVE,)))
    assert found.rates(70.0) == (5.0, 0.0, 5.0)


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


# ---------------------------------------------------------------------------------------------- properties

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
    found = Regimen.create("racemic", infusions).schedule()
    pieces = list(zip(found.edges_ms, found.edges_ms[1:], found.rates(weight), strict=False))
    for moment in range(-1, 62):
        inside = [rate for start, stop, rate in pieces if start <= moment + 0.5 < stop]
        expected = rate_at(infusions, moment + 0.5, weight)
        assert math.fsum(inside) == pytest.approx(expected, rel=1e-14, abs=1e-300)
        assert len(inside) <= 1


@given(infusion_lists)
def test_schedule_is_canonical(infusions: list[Infusion]) -> None:
    found = Regimen.create("racemic", infusions).schedule()
    assert all(a < b for a, b in zip(found.edges_ms, found.edges_ms[1:], strict=False))
    assert all(a != b for a, b in zip(found.terms, found.terms[1:], strict=False))
    assert len(found.edges_ms) == (len(found.terms) + 1 if found.terms else 0)
    assert not found.terms or (found.terms[0] and found.terms[-1])
    for piece in found.terms:
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
    found = Regimen.create("racemic", infusions).schedule().dose_mg(weight)
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)


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
