"""Protocols of real documents, written as scenarios: what they come to was worked out by hand, for 70 kg."""

from pathlib import Path

import pytest

from letheon.dosing.order import Order
from letheon.errors import InputError
from letheon.scenario import load
from letheon.units import MS_PER_HOUR
from letheon.views.commands.worksheet import sheet_of

FOLDER = Path(__file__).parents[1] / "examples" / "protocols"
# arm, dose of the timetable [mg], hours under infusion
TOTALS = [
    ("inpatient_20_to_40", "ward", 24 * (20 + 25 + 30 + 35 + 40), 120),
    ("consensus_minimum", "low", 70 * (0.35 + 0.5 * 2.25), 2.25),
    ("consensus_minimum", "high", 70 * (0.35 + 2 * 2.25), 2.25),
    ("icu", "unit", 5 * 72 + 8 * 2, 72),
    ("five_days_monthly", "monthly", 5 * 100, 20),
    ("five_days_monthly", "when_needed", 5 * 100, 20),
    ("label_maintenance", "low", 6 * 4, 4),
    ("label_maintenance", "high", 30 * 4, 4),
    ("palliative", "rising", 70 * 24 * (0.05 + 0.075 + 0.1 + 0.125 + 0.15), 120),
    ("palliative", "load_then_hold", 35 + 2 * 71.5, 72),
    ("palliative", "by_day", 300, 72),
    ("palliative", "by_volume", 316.8, 72),
    ("hundred_hours", "ward", 2000, 100),
    ("mixture", "mixture", 70 * 0.25 * 4, 4),
    ("syringe_per_kg", "syringe", 70 * 0.002 * 60 * 24, 24),
    # weaning in four steps is half its length at the whole rate
    ("anz_wean", "low", 70 * 0.05 * (96 + 6), 96 + 12),
    ("anz_wean", "high", 70 * 0.1 * (96 + 12), 96 + 24),
    ("monitored", "halve", 10 * 72, 72),
]
REFUSED = {
    "childrens_hospital": "only adults are modelled: no data here tell how children take up or bear the drug",
    "oral_between": "only intravenous ketamine is modelled",
}


@pytest.mark.parametrize(("name", "arm", "dose_mg", "hours"), TOTALS)
def test_a_protocol_comes_to_what_its_document_says(name: str, arm: str, dose_mg: float, hours: float) -> None:
    schedule = load(FOLDER / f"{name}.yaml").arm(arm).given.schedule()
    assert schedule.dose_mg(70.0) == pytest.approx(dose_mg, rel=1e-9)
    infused = [h for h, terms in zip(schedule.durations_h, schedule.terms, strict=True) if terms]
    assert sum(infused) == pytest.approx(hours, rel=1e-9)


def test_a_pump_is_set_as_the_protocols_say() -> None:
    """4.4 mL/h for 72 h take 316.8 mL; 0.1 mg/min is 6 mL/h of 1 mg/mL; 2 mL/h of the syringe are 2 mcg/kg/min."""
    pumped = {}
    for name, arm in (("palliative", "by_volume"), ("label_maintenance", "low"), ("syringe_per_kg", "syringe")):
        scenario = load(FOLDER / f"{name}.yaml")
        bag = scenario.arm(arm).bag
        assert bag
        order = Order.create(weight_kg=50.0).of_bag(bag.at(50.0), bag.ml)
        sheet = sheet_of(scenario.arm(arm), order, round(scenario.follow_up_h * MS_PER_HOUR))
        (session,) = sheet.course.sessions
        pumped[arm] = [(step.ml_per_h, step.ml) for step in session.steps]
    assert pumped["by_volume"] == [(pytest.approx(4.4), pytest.approx(316.8))]
    assert pumped["low"] == [(pytest.approx(6.0), pytest.approx(24.0))]
    assert pumped["syringe"] == [(pytest.approx(2.0), pytest.approx(48.0))]


def test_other_drugs_of_a_mixture_go_by_weight() -> None:
    scenario = load(FOLDER / "mixture.yaml")
    arm, order = scenario.arm("mixture"), Order.create(weight_kg=80.0)
    most = sheet_of(arm, order, round(scenario.follow_up_h * MS_PER_HOUR)).most
    totals = {one.drug: one.total_mg(80.0, most) for one in arm.also}
    assert totals == pytest.approx({"midazolam": 1.6, "lidocaine": 320.0, "magnesium sulfate": 3200.0})


@pytest.mark.parametrize("name", sorted({path.stem for path in FOLDER.glob("*.yaml")} - {one[0] for one in TOTALS}))
def test_what_is_not_modelled_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(InputError, match=REFUSED[name]):
        load(FOLDER / f"{name}.yaml")
