"""What titration and boosters make of a worksheet, by sums done by hand.

That its least and most hold every patient that the engine simulates is tested where the engine's own rules are: in
`test_titration.py` and `test_policies.py`.
"""

import pytest

from letheon.dosing.order import Order
from letheon.dosing.policy import Titration
from letheon.dosing.regimen import Infusion, Rate, Regimen
from letheon.dosing.titration import MAX_RATES, reach, reachable_rates
from letheon.scenario import loads
from letheon.units import MS_PER_HOUR
from letheon.views.commands.worksheet import sheet_of

FIVE_DAYS = "sessions: [{at: 0 h, rate: 10 mg/h, for: 120 h}]"
TWO_DAYS = "sessions: [{at: 0 h, rate: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 2}}]"
ARMS = {
    "by_hand": f"{FIVE_DAYS}\ntitration: {{every: 8 h, step: 5 mg/h, max: 40 mg/h}}",
    "taper": "sessions: [{at: 0 h, rate: 0.1 mg/kg/h, for: 48 h}, {at: 48 h, rate: 0.03 mg/kg/h, for: 8 h}]\n"
    "titration: {every: 12 h, step: 0.1 mg/kg/h, max: 0.5 mg/kg/h}",
    "held": "sessions: [{at: 0 h, dose: 0.3 mg/kg, for: 2 min}, {at: 0 h, rate: 8 mg/h, for: 10 h}, "
    "{at: 24 h, rate: 0.25 mg/kg/h, for: 9 h}]\n"
    "titration: {every: 3 h, step: 7 mg/h, min: 5 mg/h, max: 30 mg/h, on_harm: hold, harm: elicited}",
    "calendar": f"{TWO_DAYS}\nboosters: {{every: [10 days, 21 days], session: {{rate: 20 mg/h, for: 4 h}}}}",
    "often": f"{TWO_DAYS}\nboosters: {{every: 7 days, at_most: 2 per year, session: {{dose: 30 mg, for: 3 min}}}}",
    "relapse": f"{TWO_DAYS}\nboosters: {{on: relapse, wait: 0 days, apart: 3 days, at_most: 9 per year, "
    "session: {rate: 20 mg/h, for: 4 h, repeat: {every: 1 day, times: 2}}}\nstop: {dose: 900 mg}",
}


@pytest.fixture(scope="module")
def scenario():
    arms = "".join(
        f"  {name}:\n    drug: racemic\n" + "".join(f"    {line}\n" for line in text.splitlines())
        for name, text in ARMS.items()
    )
    return loads(f"letheon: 1\ntitle: rules\nfollow_up: 9 weeks\narms:\n{arms}")


def sheet(scenario, name: str, weight_kg: float = 70.0):
    return sheet_of(scenario.arm(name), Order(weight_kg=weight_kg), round(scenario.follow_up_h * MS_PER_HOUR))


def test_five_days_titrated_from_10_to_40(scenario) -> None:
    # least: 8 h at 10, then held; most: 8 h each at 10, 15, 20, 25, 30 and 35, then 72 h at 40
    worksheet = sheet(scenario, "by_hand")
    assert (worksheet.least.mg, worksheet.least.bags) == (80.0, 1)
    assert (worksheet.most.mg, worksheet.most.bags) == (8 * 135 + 72 * 40, 40)
    assert worksheet.titration.rates == (0, 5, 10, 15, 20, 25, 30, 35, 40)


def test_a_taper_tapers(scenario) -> None:
    # at 70 kg: 12 h each at 7, 14, 21, 28, then 8 h at 2.1 whatever the looks said
    worksheet = sheet(scenario, "taper")
    assert worksheet.most.mg == pytest.approx(12 * (7 + 14 + 21 + 28) + 8 * 2.1)
    assert worksheet.least.mg == pytest.approx(12 * 7 + 8 * 2.1)


def test_a_titrated_push_is_counted_once(scenario) -> None:
    worksheet = sheet(scenario, "held")
    assert (worksheet.least.push_mg, worksheet.most.push_mg) == (pytest.approx(21.0), pytest.approx(21.0))
    # held at 8 mg/h by a complaint at the first look, also in the second session, written 17.5
    assert worksheet.least.mg == pytest.approx(19 * 8)


def test_boosters_on_a_ladder(scenario) -> None:
    # the course ends on day 2, counted from 1; boosters on days 12, 33 and 54 of 63
    assert sheet(scenario, "calendar").boosters.at_most == 3
    assert sheet(scenario, "calendar").most.mg == 200 + 3 * 80
    assert sheet(scenario, "often").boosters.at_most == 2
    # 900 mg in all leave 700 mg above the course, which is four boosters of 160 mg
    assert sheet(scenario, "relapse").boosters.at_most == 4


def test_a_bag_stays_while_titration_holds_the_pump() -> None:
    rule = Titration(2 * MS_PER_HOUR, Rate(10.0), Rate(10.0))
    day = Regimen.create("racemic", [Infusion.create(0, 6, Rate(10.0))])
    parts = reach(day, rule, 70.0)
    assert [(part.lowest, part.highest) for part in parts] == [(10.0, 10.0), (0.0, 10.0)]


def test_too_many_rates_are_named_and_the_bags_stand() -> None:
    rule = "titration: {every: 15 min, step: 0.01 mg/h, max: 40 mg/h}"
    text = f"{{letheon: 1, title: x, follow_up: 1 week, arms: {{a: {{drug: racemic, {FIVE_DAYS}, {rule}}}}}}}"
    worksheet = sheet(loads(text), "a")
    assert len(worksheet.missing) == 1 and str(MAX_RATES) in worksheet.missing[0]
    # 480 quarters of an hour from 10 mg/h, each 0.01 mg/h above the one before
    assert worksheet.most.mg == pytest.approx(sum(0.25 * (10 + 0.01 * k) for k in range(480)))
    assert reachable_rates(Regimen.create("racemic", []), Titration(1, Rate(1.0), Rate(2.0)), 70.0) == ()


def test_rates_that_no_pump_can_run_are_named_as_missing() -> None:
    rule = "titration: {every: 8 h, step: 9.95 mg/h, max: 40 mg/h}"
    text = f"{{letheon: 1, title: x, follow_up: 1 week, arms: {{a: {{drug: racemic, {FIVE_DAYS}, {rule}}}}}}}"
    worksheet = sheet(loads(text), "a")
    assert worksheet.titration is None
    assert "0.05 mg/h" in worksheet.missing[0]
