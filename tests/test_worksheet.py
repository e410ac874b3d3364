"""Bags and pump rates: hand-made examples, identities, and refusals in full.

The oracles are sums done by hand, the conservation of volume and mass, and the dose that the regimen itself reports.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from letheon.dosing.bags import MAX_HANG_H, RatePeriod, lay_out
from letheon.dosing.layout import pumped
from letheon.dosing.order import Order
from letheon.dosing.regimen import Infusion, Rate, Regimen
from letheon.dosing.worksheet import Worksheet, worksheet
from letheon.errors import InputError
from letheon.scenario import quantities


def drip(*pieces: tuple[float, float, float], drug: str = "racemic") -> Regimen:
    """Return a regimen of fixed rates, each from when [h], for how long [h], how fast [mg/h]."""
    return Regimen.create(drug, [Infusion.create(start, hours, Rate(rate)) for start, hours, rate in pieces])


SCHWARTZMAN = Regimen.create("racemic", [Infusion.create(0, 4, Rate(per_kg_mg_h=0.35, ceiling_mg_h=25.0))])

# --- by hand ---


def test_schwartzmans_bag() -> None:
    order = Order.create(weight_kg=79.0, bag_mg=100.0, bag_ml=100.0)
    sheet = worksheet(SCHWARTZMAN, order)
    (session,) = sheet.course.sessions
    (step,) = session.steps
    assert (order.mg_per_ml, step.ml_per_h, step.hours, step.ml, step.mg) == (1.0, 25.0, 4.0, 100.0, 100.0)
    assert (sheet.most.bags, sheet.most.left_ml, sheet.most.left_mg) == (1, 0.0, 0.0)


def test_a_light_patient_is_below_the_ceiling() -> None:
    # 0.35 mg/kg/h x 60 kg = 21 mg/h, 84 mg in 4 h, 16 mL of the bag remain
    sheet = worksheet(SCHWARTZMAN, Order.create(weight_kg=60.0))
    assert sheet.course.sessions[0].steps[0].ml_per_h == pytest.approx(21.0)
    assert (sheet.most.mg, sheet.most.left_ml) == (pytest.approx(84.0), pytest.approx(16.0))


@pytest.mark.parametrize(
    ("vial", "drug", "diluent"), [(10.0, 10.0, 90.0), (50.0, 2.0, 98.0), (100.0, 1.0, 99.0)], ids=str
)
def test_100_mg_in_100_ml_from_each_vial(vial: float, drug: float, diluent: float) -> None:
    order = Order.create(vial_mg_per_ml=vial, bag_ml=100.0, mg_per_ml=1.0)
    assert (order.drug_ml, order.diluent_ml, order.bag_mg) == (drug, diluent, 100.0)


def test_500_ml_at_half_a_milligram_from_the_strong_vial() -> None:
    # 250 mg in 500 mL: 2.5 mL of 100 mg/mL; 10 mg/h runs at 20 mL/h and empties the bag in 25 h, so a second is hung
    order = Order.create(vial_mg_per_ml=100.0, bag_ml=500.0, mg_per_ml=0.5)
    sheet = worksheet(drip((0, 25, 10)), order)
    assert (order.drug_ml, order.diluent_ml) == (2.5, 497.5)
    assert [(bag.hung_h, bag.down_h, bag.used_ml, bag.left_ml) for bag in sheet.course.sessions[0].bags] == [
        (0.0, 24.0, 480.0, 20.0),
        (24.0, 25.0, 20.0, 480.0),
    ]


def test_a_bag_is_changed_when_it_is_empty() -> None:
    # 5 mL/h for 24 h is 120 mL: the first bag is empty after 20 h, 80 mL remain; at 10 mL/h they last 8 h more
    sheet = worksheet(drip((0, 24, 5), (24, 24, 10)))
    (session,) = sheet.course.sessions
    assert [(step.first_bag, step.last_bag) for step in session.steps] == [(1, 2), (2, 4)]
    assert [bag.hung_h for bag in session.bags] == pytest.approx([0.0, 20.0, 32.0, 42.0])
    assert (sheet.most.ml, sheet.most.left_ml) == (pytest.approx(360.0), pytest.approx(40.0))


def test_a_session_that_fits_exactly_needs_no_second_bag() -> None:
    # 0.1 x 3 is not 0.3 in binary, and must not hang a bag for the difference
    sheet = worksheet(drip((0, 1, 0.1), (1, 2, 0.1), (3, 7, 0.1)), Order.create(bag_ml=1.0))
    assert (sheet.most.bags, sheet.most.left_ml) == (1, 0.0)


def test_rounding_adds_no_bag() -> None:
    # one, two and three bags of drug over every length of session in whole minutes up to four hours
    for minutes in range(19, 241):
        for bags in (1, 2, 3):
            exact = worksheet(drip((0, minutes / 60, 500 * bags * 60 / minutes)), Order.create(mg_per_ml=5.0))
            assert (exact.most.bags, exact.most.left_ml) == (bags, 0.0)


def test_a_pause_ends_a_session_and_its_bag() -> None:
    sheet = worksheet(drip((0, 4, 5), (5, 4, 5), (48, 2, 5)))
    assert [session.start_ms // 3_600_000 for session in sheet.course.sessions] == [0, 5, 48]
    assert (sheet.most.bags, sheet.most.hours, sheet.most.left_ml) == (3, 10.0, 250.0)


def test_overlapping_sessions_run_through_one_pump() -> None:
    (session,) = worksheet(drip((0, 4, 5), (2, 4, 10))).course.sessions
    assert [(step.start_h, step.stop_h, step.mg_per_h) for step in session.steps] == [(0, 2, 5), (2, 4, 15), (4, 6, 10)]


def test_a_label_in_hydrochloride_holds_less_base() -> None:
    # 237.7 g/mol of base in 274.2 g/mol of salt
    order = Order.create(vial_mg_per_ml=50.0, vial_salt="hydrochloride")
    assert order.base_mg_per_ml == pytest.approx(50 * 237.73 / 274.19, rel=1e-3)
    assert order.drug_ml == pytest.approx(100 / order.base_mg_per_ml)
    assert order.drug_ml > Order.create(vial_mg_per_ml=50.0).drug_ml


def test_vials_are_for_one_bag_each() -> None:
    # 10 mL of the weak vial a bag: one vial of 20 mL, two of 5 mL; two bags
    two_days = drip((0, 4, 25), (24, 4, 25))
    counted = [
        worksheet(two_days, Order.create(vial_mg_per_ml=10.0, vial_ml=ml)).most.vials for ml in (20.0, 10.0, 5.0)
    ]
    assert counted == [2, 2, 4]
    assert worksheet(two_days).most.vials == 0


def test_zero_rate_needs_no_bag() -> None:
    sheet = worksheet(drip((0, 4, 0)))
    assert (sheet.course.sessions, sheet.most.bags, sheet.most.mg, sheet.most.left_ml) == ((), 0, 0.0, 0.0)


# --- placebo ---


def test_placebo_has_the_same_volumes_without_drug() -> None:
    given_drug = drip((0, 24, 5), (24, 76, 20))
    order = Order.create(vial_ml=10.0)
    drug, sham = worksheet(given_drug, order), worksheet(given_drug.sham(), order)
    assert sham.is_sham and not drug.is_sham
    assert [s.bags for s in sham.course.sessions] == [s.bags for s in drug.course.sessions]
    assert [[(p.start_h, p.stop_h, p.ml_per_h) for p in s.steps] for s in sham.course.sessions] == [
        [(p.start_h, p.stop_h, p.ml_per_h) for p in s.steps] for s in drug.course.sessions
    ]
    assert (sham.most.ml, sham.most.mg, sham.most.left_mg, sham.mg_per_ml, sham.drug_ml, sham.most.vials) == (
        drug.most.ml,
        0,
        0,
        0,
        0,
        0,
    )
    assert sham.diluent_ml == order.bag_ml


# --- identities ---

rates = st.builds(
    Rate,
    st.floats(1.0, 40.0),
    st.floats(0.0, 0.5),
    st.sampled_from([math.inf, 10.0, 25.0]),
)
infusions = st.builds(Infusion.create, st.floats(0.0, 90.0), st.floats(0.05, 60.0), rates)
drips = st.builds(Infusion.create, st.floats(0.0, 90.0), st.floats(1.0, 60.0), rates)  # no part of them is a push
regimens = st.builds(Regimen.create, st.just("racemic"), st.lists(infusions, min_size=1, max_size=6))
# strengths at which these rates stay within what a pump can do, also at twice and half of them
orders = st.builds(
    Order.create,
    weight_kg=st.floats(30.0, 200.0),
    vial_mg_per_ml=st.sampled_from([10.0, 50.0, 100.0]),
    vial_salt=st.sampled_from(["base", "hydrochloride"]),
    bag_ml=st.sampled_from([50.0, 100.0, 250.0, 500.0, 1000.0]),
    mg_per_ml=st.floats(1.0, 4.0),
)


def near(value: float) -> object:
    """Return what is the same but for rounding."""
    return pytest.approx(value, rel=1e-9, abs=1e-6)


@given(regimens, orders)
def test_volume_times_strength_is_mass(regimen: Regimen, order: Order) -> None:
    sheet = worksheet(regimen, order)
    assert order.drug_ml * order.base_mg_per_ml == near(order.bag_mg)
    assert order.drug_ml + sheet.diluent_ml == near(order.bag_ml)
    for session in sheet.course.sessions:
        for step in session.steps:
            assert step.ml * order.mg_per_ml == near(step.mg)


@given(regimens, orders)
def test_the_steps_add_up_to_the_dose(regimen: Regimen, order: Order) -> None:
    sheet = worksheet(regimen, order)
    assert sheet.most.dose_mg == near(regimen.schedule().dose_mg(order.weight_kg))
    schedule = pumped(regimen).schedule()
    assert sheet.most.hours == near(
        math.fsum(h for h, terms in zip(schedule.durations_h, schedule.terms, strict=True) if terms)
    )


@given(regimens, orders)
def test_bags_hold_what_runs_and_what_is_left(regimen: Regimen, order: Order) -> None:
    sheet = worksheet(regimen, order)
    assert sheet.most.bags * order.bag_ml == near(sheet.most.ml + sheet.most.left_ml)
    for session in sheet.course.sessions:
        assert math.fsum(bag.used_ml for bag in session.bags) == near(session.ml)
        assert session.steps[0].first_bag == 1
        assert session.steps[-1].last_bag == len(session.bags)
        for bag, following in zip(session.bags, session.bags[1:], strict=False):
            assert bag.down_h == following.hung_h
            # a bag is changed because it is empty or because it has hung for long enough, and for no other reason
            assert bag.left_ml == near(0.0) or bag.down_h - bag.hung_h == near(MAX_HANG_H)
        for bag in session.bags:
            assert 0 < bag.used_ml <= order.bag_ml * (1 + 1e-9)
            assert 0 < bag.down_h - bag.hung_h <= MAX_HANG_H + 1e-9


@given(regimens, orders)
def test_twice_the_strength_is_half_the_pump_rate(regimen: Regimen, order: Order) -> None:
    once, twice = worksheet(regimen, order), worksheet(regimen, replace(order, mg_per_ml=2 * order.mg_per_ml))
    for one, other in zip(once.course.sessions, twice.course.sessions, strict=True):
        assert [step.ml_per_h for step in one.steps] == near([2 * step.ml_per_h for step in other.steps])
    assert twice.most.mg == near(once.most.mg)


@given(
    st.builds(Regimen.create, st.just("racemic"), st.lists(drips, min_size=1, max_size=6)), orders, st.floats(0.1, 0.9)
)
def test_splitting_a_step_changes_nothing(regimen: Regimen, order: Order, share: float) -> None:
    first, *others = regimen.infusions
    cut = max(1, round(first.duration_ms * share))
    parts = [
        replace(first, duration_ms=cut),
        Infusion(first.start_ms + cut, first.duration_ms - cut, first.rate),
    ]
    split = Regimen.create("racemic", [*parts, *others])
    assert worksheet(split, order) == worksheet(regimen, order)


@given(regimens, orders)
def test_steps_with_a_rate_between_them_that_differs_by_nothing_share_their_bags(
    regimen: Regimen, order: Order
) -> None:
    """Pieces that differ in how they are written, not in their rate at this weight, are steps of one session."""
    sheet = worksheet(regimen, order)
    fixed = [
        RatePeriod(
            session.start_ms + round(step.start_h * 3_600_000),
            session.start_ms + round(step.stop_h * 3_600_000),
            step.mg_per_h,
        )
        for session in sheet.course.sessions
        for step in session.steps
    ]
    again = lay_out(fixed, order, sham=False)
    assert [len(one.bags) for one in again] == [len(one.bags) for one in sheet.course.sessions]
    assert [one.left_ml for one in again] == near([one.left_ml for one in sheet.course.sessions])


# --- refusals ---

FOUR_HOURS = drip((0, 4, 25))
# fmt: off
REFUSALS: list[tuple[Callable[[], object], str]] = [
    (lambda: Order.create(weight_kg=0.0), "the body weight must be 30 to 200 kg; got 0 kg."),
    (lambda: Order.create(weight_kg=math.nan), "the body weight must be 30 to 200 kg; got nan kg."),
    (lambda: Order.create(bag_ml=0.0), "the volume of a bag must be 1 to 5000 mL; got 0 mL."),
    (lambda: Order.create(bag_ml=-100.0), "the volume of a bag must be 1 to 5000 mL; got -100 mL."),
    (lambda: Order.create(vial_mg_per_ml=0.0), "the strength of a vial must be 0.1 to 200 mg/mL; got 0 mg/mL."),
    (lambda: Order.create(vial_ml=0.0), "the content of a vial must be 0.1 to 1000 mL; got 0 mL."),
    (lambda: Order.create(vial_salt="sulphate"), "the salt of a vial must be base or hydrochloride; got sulphate."),
    (lambda: Order.create(mg_per_ml=0.0), "the strength of a bag must be above 0 mg/mL, e.g. 1 mg/mL; got 0 mg/mL."),
    (lambda: Order.create(bag_mg=0.0), "the drug in a bag must be above 0 mg, e.g. 100 mg; got 0 mg."),
    (lambda: Order.create(bag_mg=1e-323), "the drug in a bag must be above 0 mg, e.g. 100 mg; got 1e-323 mg."),
    (lambda: Order.create(bag_mg=1.0, mg_per_ml=1.0), "both the strength of a bag and the drug in it are given; keep one of them."),
    (lambda: Order.create(mg_per_ml=60.0), "a bag of 60 mg/mL cannot be made from a vial of 50 mg/mL (free base); take at most 50 mg/mL, or a stronger vial."),
    (lambda: Order.create(mg_per_ml=45.0, vial_salt="hydrochloride"), "a bag of 45 mg/mL cannot be made from a vial of 43.35 mg/mL (free base); take at most 43.3 mg/mL, or a stronger vial."),
    (lambda: Order.create(bag_mg=6000.0), "6000 mg is 120 mL of this vial, more than the bag of 100 mL holds; take at most 5000 mg, a larger bag or a stronger vial."),
    (lambda: worksheet(FOUR_HOURS, Order.create(mg_per_ml=0.02)), "25 mg/h from a bag of 0.02 mg/mL is 1250 mL/h, above the 999 mL/h that a pump can run at; take a bag of 0.0251 mg/mL or stronger."),
    (lambda: worksheet(drip((0, 4, 1)), Order.create(mg_per_ml=50.0)), "1 mg/h from a bag of 50 mg/mL is 0.02 mL/h, below the 0.1 mL/h that a pump can run at; take a bag of 10 mg/mL or weaker."),
    (lambda: worksheet(drip((0, 4, 0.1), (4, 4, 1000))), "rates of 0.1 and 1000 mg/h are too far apart for one pump (0.1 to 999 mL/h) and one strength of bag; write them in scenarios of their own."),
    (lambda: worksheet(drip((0, 4, 3), (4, 4, 2)), Order.create(mg_per_ml=40.0)), "2 mg/h from a bag of 40 mg/mL is 0.05 mL/h, below the 0.1 mL/h that a pump can run at; take a bag of 20 mg/mL or weaker."),
    (lambda: worksheet(drip((0, 24, 900)), Order.create(bag_ml=1.0)), "more than 10000 bags of 1 mL would have to hang; take a larger bag, a higher strength or a shorter regimen."),
]
# fmt: on


@pytest.mark.parametrize(("make", "sentence"), REFUSALS, ids=[sentence[:40] for _, sentence in REFUSALS])
def test_impossible_orders_are_refused(make: Callable[[], object], sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        make()
    assert str(refusal.value) == sentence


@given(st.floats(0.001, 4000.0))
def test_what_a_refusal_of_the_pump_recommends_works(rate: float) -> None:
    for strength in (1e-6, 50.0):
        try:
            worksheet(drip((0, 1, rate)), Order(mg_per_ml=strength, bag_ml=5000.0))
        except InputError as refusal:
            advised = float(str(refusal).split("take a bag of ")[1].split(" mg/mL")[0])
            assert 0.1 * (1 - 1e-9) <= rate / advised <= 999 * (1 + 1e-9)


def test_the_limits_of_the_pump_are_within() -> None:
    assert worksheet(drip((0, 1, 999))).course.sessions[0].steps[0].ml_per_h == 999.0
    assert worksheet(drip((0, 1, 0.1))).course.sessions[0].steps[0].ml_per_h == 0.1


def test_an_undiluted_bag_may_be_asked_for() -> None:
    order = Order.create(mg_per_ml=50.0)
    assert (order.drug_ml, order.diluent_ml) == (100.0, 0.0)


def test_without_an_order_the_documented_one_stands() -> None:
    assert worksheet(FOUR_HOURS).order == Order.create() == Order()
    assert isinstance(worksheet(FOUR_HOURS), Worksheet)


# --- units ---

# fmt: off
UNIT_MISTAKES = [
    (quantities.volume_ml, "100 mg", '"100 mg" is not a volume, because its unit is mg; write e.g. 100 mL.'),
    (quantities.volume_ml, "25 mL/h", '"25 mL/h" is not a volume, because its unit is mL/h; write e.g. 100 mL.'),
    (quantities.volume_ml, "100", '"100" has no unit; write e.g. 100 mL.'),
    (quantities.volume_ml, "99,5 mL", '"99,5 mL" has a comma in its number; write 99.5 mL with a decimal point.'),
    (quantities.volume_ml, "1,000 mL", '"1,000 mL" has a comma in its number; write 1000 mL without separators, or 1.000 mL if a decimal is meant.'),
    (quantities.volume_ml, "100 mls", '"100 mls" has the unknown unit "mls"; write mL.'),
    (quantities.volume_ml, "100 ± 5 mL", '"100 ± 5 mL" has a spread, which one volume cannot have; write e.g. 100 mL.'),
    (quantities.volume_ml, "", "nothing is written here; write e.g. 100 mL."),
    (quantities.volume_ml, "1e308 L", '"1e308 L" is too large a number; write e.g. 100 mL.'),
    (quantities.strength_mg_per_ml, "50 mg", '"50 mg" is not a strength, because its unit is mg; write e.g. 1 mg/mL.'),
    (quantities.strength_mg_per_ml, "50", '"50" has no unit; write e.g. 50 mg/mL.'),
    (quantities.strength_mg_per_ml, "0,5 mg/mL", '"0,5 mg/mL" has a comma in its number; write 0.5 mg/mL with a decimal point.'),
    (quantities.strength_mg_per_ml, "50 γ/mL", '"50 γ/mL" has the unknown unit "γ/mL"; write µg/mL.'),
    (quantities.strength_mg_per_ml, "5 %", '"5 %" has the unknown unit "%"; write e.g. 1 mg/mL.'),
    (quantities.mass_mg, "100 mL", '"100 mL" is not a mass, because its unit is mL; write e.g. 100 mg.'),
    (quantities.mass_mg, "0.5 mg/kg", '"0.5 mg/kg" is not a mass, because its unit is mg/kg; write e.g. 100 mg.'),
    (quantities.weight_kg, "70", '"70" has no unit; write e.g. 70 kg.'),
    (quantities.weight_kg, "154 lb", '"154 lb" has the unknown unit "lb"; write e.g. 70 kg.'),
    (quantities.weight_kg, "79 ± 19 kg", '"79 ± 19 kg" has a spread, which one body weight cannot have; write e.g. 70 kg.'),
]
# fmt: on


@pytest.mark.parametrize(("reader", "text", "sentence"), UNIT_MISTAKES, ids=[row[1] for row in UNIT_MISTAKES])
def test_unit_mistakes_are_refused(reader: Callable[[str], float], text: str, sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        reader(text)
    assert str(refusal.value) == sentence


def test_spellings_of_the_same_quantity() -> None:
    assert [quantities.volume_ml(text) for text in ("100 mL", "100ml", "0.1 L", " 100  mL ")] == [100.0] * 4
    strengths = ("0.5 mg/mL", "0.5 mg/ml", "500 µg/mL", "500 μg/mL", "500 ug/ml", "0.5 g/L")
    assert [quantities.strength_mg_per_ml(text) for text in strengths] == [0.5] * 6
    assert [quantities.mass_mg(text) for text in ("100 mg", "0.1 g", "100000 µg")] == pytest.approx([100.0] * 3)


def test_a_scenario_still_reads_no_volumes() -> None:
    from letheon.scenario.quantities import rate_mg_h

    with pytest.raises(InputError, match="a volume gives no dose without the strength of the bag"):
        rate_mg_h("25 ml/h")
