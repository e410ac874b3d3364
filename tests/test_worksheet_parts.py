"""Nothing that an arm holds is silently absent from its worksheet: rules, pushes, boosters, other drugs, bags that fit.

The oracles are sums done by hand, and a walk over every field of an arm: changing it changes the sheet. That the least
and most of rules hold every simulated patient stands in `test_titration.py` and `test_policies.py`.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from letheon.dosing.fitting import MOST_WASTE, fitting
from letheon.dosing.order import STANDARD_BAGS_ML, Order
from letheon.dosing.other_drugs import OtherDrug
from letheon.dosing.parts import LAID_OUT, unknown_parts
from letheon.dosing.policy import Boosters, DoseLimits, Policy, Stops, Titration, Wean
from letheon.dosing.regimen import Classes, Infusion, Rate, Regimen
from letheon.dosing.titration import MAX_RATES, reach, reachable_rates
from letheon.dosing.worksheet import worksheet
from letheon.errors import InputError
from letheon.scenario import load, loads
from letheon.scenario.model import Arm, Beside, Scenario
from letheon.units import MS_PER_HOUR
from letheon.views.commands import main as cli
from letheon.views.commands.worksheet import sheet_of
from letheon.views.document.terminal import text
from letheon.views.subjects.worksheet import document

ROOT = Path(__file__).resolve().parent.parent
EVERYTHING = """
letheon: 1
title: everything
follow_up: 26 weeks
arms:
  ward:
    drug: racemic
    sessions:
      - {at: 0 h, dose: 0.35 mg/kg, for: 1 min}
      - {at: 0 h, rate: 0.1 mg/kg/h, max: 9 mg/h, for: 48 h}
      - {at: 48 h, rate: 0.03 mg/kg/h, for: 8 h}
    titration: {every: 12 h, step: 0.1 mg/kg/h, max: 0.5 mg/kg/h}
    boosters: {on: relapse, session: {rate: 3 mg/h, for: 4 h}, at_most: 6 per year, times: 5}
    stop: {no_response: 2, harm: spontaneous, dose: 5000 mg}
    beside: {clonidine: 0.1 mg, midazolam: 2 mg}
    also: [{drug: lidocaine, rate: 1 mg/kg/h, with: each session}]
  service:
    drug: esketamine
    sessions: [{at: 0 h, rate: 3 mg/h, for: 4 h, repeat: {every: 1 day, times: 3}}]
    boosters: {every: [2 weeks, 6 weeks], session: {dose: 20 mg, for: 2 min}}
    also: [{drug: lorazepam, dose: 1 mg, every: 12 h, until: day 5}]
  weaned: {like: ward, wean: {over: 12 h, steps: 4}, limits: {per_day: 200 mg, in_all: 300 mg}}
  sham: {drug: placebo, like: ward}
"""


def printed(arm: Arm, scenario: Scenario, order: Order) -> str:
    try:
        sheet = sheet_of(arm, order, round(scenario.follow_up_h * MS_PER_HOUR))
    except InputError as error:
        return str(error)
    return " ".join(text(document(replace(scenario, arms=(arm,)), order, {arm.name: sheet})).split())


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., str]:
    def run(text: str, *arguments: str) -> str:
        path = tmp_path / "s.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(SystemExit) as ended:
            cli.main(["worksheet", str(path), *arguments])
        assert ended.value.code == 0
        return capsys.readouterr().out

    return run


def changed(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif name.endswith("_ms"):
        yield value + MS_PER_HOUR
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, float):
        yield 8.0 if math.isinf(value) else 1.5 * value if value else 1.0
    elif isinstance(value, str):
        yield {"racemic": "esketamine", "esketamine": "racemic", "spontaneous": "elicited"}.get(value, value + "x")


def variants(record: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the path of each leaf below a record, and the record with this leaf changed."""
    for one in fields(record):
        value, here = getattr(record, one.name), f"{path}.{one.name}"
        first, rest = (value[0], value[1:]) if isinstance(value, tuple) and value else (value, None)
        leaves = variants(first, here) if is_dataclass(first) else ((here, other) for other in changed(first, one.name))
        for name, other in leaves:
            yield name, replace(record, **{one.name: other if rest is None else (other, *rest)})


def test_every_field_of_an_arm_shows_on_its_sheet() -> None:
    scenario, order = loads(EVERYTHING), Order(weight_kg=79.0, mg_per_ml=0.5)
    shown: dict[str, bool] = {}
    for arm in scenario.arms:
        before = printed(arm, scenario, order)
        for path, other in variants(arm, "arm"):
            shown[path] = shown.get(path, False) or printed(other, scenario, order) != before
    assert len(shown) > 30
    # the drug stands in the regimen too, and the limit of the dose as it was written; no rule has a ceiling, none goes
    # by class (see test_classes.py)
    hidden = {path for path, visible in shown.items() if not visible}
    hidden = {path for path in hidden if not path.endswith("ceiling_mg_h") and ".classes." not in path}
    assert hidden <= {"arm.drug", "arm.policy.stops.dose_mg"}
    assert shown["arm.regimen.infusions.rate.ceiling_mg_h"]
    rules = (Policy, Boosters, Titration, Stops, Wean, DoseLimits)
    for record in (Arm, Regimen, Infusion, Rate, Classes, Beside, OtherDrug, *rules):
        assert LAID_OUT[record.__name__] == {one.name for one in fields(record)}


def test_unknown_part_is_listed_as_missing_at_the_head() -> None:
    @dataclass(frozen=True)
    class Weaned(Policy):
        wean_ms: int = 0

    Weaned.__name__ = "Policy"
    scenario = loads(EVERYTHING)
    arm = replace(scenario.arm("service"), policy=Weaned(wean_ms=5))
    assert unknown_parts(arm) == ("wean ms",)
    assert unknown_parts(replace(arm, policy=Weaned())) == ()
    text = printed(arm, scenario, Order())
    assert text.index("MISSING from this sheet, arm service: wean ms") < text.index("Arm service")


def test_a_push_is_drawn_from_the_vial_and_not_from_the_bag() -> None:
    # 0.35 mg/kg x 79 kg = 27.65 mg, of 50 mg/mL 0.553 mL; the bag gives the 4 h at 10 mg/h and nothing else
    push = Infusion(0, 60_000, Rate(per_kg_mg_h=0.35 * 60))
    sheet = worksheet(Regimen.create("racemic", [push, Infusion.create(0, 4, Rate(10.0))]), Order(weight_kg=79.0))
    (row,) = sheet.course.pushes
    assert (row.mg, row.ml) == (pytest.approx(27.65), pytest.approx(0.553))
    assert (sheet.most.mg, sheet.most.bags, sheet.most.occasions) == (40.0, 1, 1)
    assert sheet.most.dose_mg == pytest.approx(67.65)
    assert len(sheet.course.sessions) == len(sheet.course.sessions[0].steps) == 1


def test_doses_of_every_part_are_printed(command: Callable[..., str]) -> None:
    out = " ".join(command(EVERYTHING, "--weight", "80 kg", "--vial-volume", "10 mL").split())
    for expected in (
        "at 0 h (day 1), over 1 min: 28 mg (0.35 mg/kg) = 0.56 mL",
        "0.56 mL of diluent in place of 28 mg",
        # 80 kg: written 8 mg/h, steps of 8
        "At 80 kg: steps of 8 mg/h, from 0 to 40 mg/h.",
        "Nobody has more than 5 boosters within the follow-up",
        "Beside: clonidine 100 mcg by mouth before each session, 1 to 6 times; 600 mcg in all at most.",
        # 3 days from day 1; 2 weeks on is day 17, then every 6 weeks: days 17, 59, 101, 143 of 182
        "at 0 h (day 1), over 2 min: 20 mg = 0.4 mL",
        "4 pushes by hand, 1.6 mL, 80 mg",
        # the least and the most: 3 days x 12 mg, and four boosters of 20 mg
        "Whole arm at most: 3 sessions, 12 h of infusion, 36 mL, 36 mg; 4 pushes by hand, 1.6 mL, 80 mg; 116 mg together",
    ):
        assert expected in out, expected


def test_placebo_gets_the_same_volumes_without_drug(command: Callable[..., str]) -> None:
    arms = json.loads(command(EVERYTHING, "--json"))["arms"]
    drug, sham = arms["ward"], arms["sham"]
    assert sham["totals"]["most"]["dose_mg"] == sham["totals"]["most"]["drug_ml"] == 0.0
    for end in ("least", "most"):
        for name in ("ml", "bags", "hours", "push_ml", "pushes", "left_ml"):
            assert sham["totals"][end][name] == drug["totals"][end][name]
    rates, active = sham["titration"]["rates"], drug["titration"]["rates"]
    assert [one["ml_per_h"] for one in rates] == [one["ml_per_h"] for one in active]
    assert not any(one["mg_per_h"] for one in rates)
    beside = {"clonidine": {"mg": 0.1}, "midazolam": {"mg": 2.0}}
    assert sham["beside_each_session"] == drug["beside_each_session"] == beside
    assert sham["boosters"]["at_most"] == drug["boosters"]["at_most"]


SMALL = "{letheon: 1, title: x, follow_up: 1 week, arms: {a: {drug: racemic, sessions: [{at: 0 h, rate: 3 mg/h, for: 4 h}]}}}"


def test_suggested_bag_fits(command: Callable[..., str]) -> None:
    out = " ".join(command(SMALL).split())
    assert "88 mL (88 mg), 88 % of what is made up. Waste: more than 25 % of the bags." in out
    options = re.search(r'1 bag, 0 mL left over \(0 %\). Its sheet: --bag "(.*?)" --per-bag "(.*?)"', out)
    assert options and options.groups() == ("50 mL", "12 mg")
    again = " ".join(command(SMALL, "--bag", options[1], "--per-bag", options[2]).split())
    assert "too large" not in again and "12 mg of" not in again
    assert "left over in the bags: 0 mL (0 mg), 0 %" in again


@given(st.floats(0.5, 60.0), st.floats(0.1, 60.0), st.integers(1, 5), st.sampled_from([100.0, 500.0, 1000.0]))
def test_suggested_bag_gives_the_same_dose_with_little_left(
    mg_per_h: float, hours: float, days: int, ml: float
) -> None:
    drip = Regimen.create("racemic", [Infusion.create(100 * day, hours, Rate(mg_per_h)) for day in range(days)])
    sheet = worksheet(drip, Order(bag_ml=ml))
    named = fitting(sheet, drip)
    assert (named is None) or sheet.most.waste > MOST_WASTE
    if named:
        again = worksheet(drip, named.order)
        assert again.most == named.most and again.most.waste <= MOST_WASTE
        assert again.most.mg == pytest.approx(sheet.most.mg)
        assert named.order.bag_ml in STANDARD_BAGS_ML


@pytest.mark.parametrize("path", [None, *sorted((ROOT / "examples").glob("*.yaml"))], ids=str)
def test_numbers_follow_the_ismp_list(path: Path | None, command: Callable[..., str]) -> None:
    """No trailing zero, no naked point, no micro sign, commas from 1,000 on: what the ISMP's list asks for."""
    text = EVERYTHING if path is None else path.read_text(encoding="utf-8")
    out = command(text).replace(load(path).title if path else "everything", "")
    assert not re.search(r"\d\.\d*0(?!\d)|(?<!\d)\.\d|[µμ]|\b[uU]g\b|(?<![\d.,])\d{4,}", out)


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
