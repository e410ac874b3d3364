"""Classes of body weight and age: read, written, refused, and laid out for one patient.

The oracles are the arms without classes that each patient would be in, and sums done by hand. What the engine makes of
classes stands in `test_classes_engine.py`.
"""

import json
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenarios import scenario_text
from typer.testing import CliRunner

from letheon.arrays import jax
from letheon.dosing.order import Order
from letheon.dosing.regimen import Infusion, Rate, Regimen
from letheon.errors import InputError
from letheon.pipeline.assemble import rates_of
from letheon.pipeline.clinic import Rules, reach_of, rules_of
from letheon.pipeline.plan import plan_arms, widened
from letheon.pipeline.timetable import RateTables
from letheon.scenario import dumps, loads
from letheon.scenario.model import Scenario
from letheon.views.commands.main import app
from letheon.views.commands.worksheet import sheet_of

KG = "{{below 50 kg: {}, from 50 kg: {}}}"
YEARS = "{{below 65 years: {}, from 65 years: {}}}"
ARM = """
  ward:
    drug: racemic
    salt: hydrochloride
    bag: 1 mg/mL
    sessions:
      - {{at: 0 h, push: {push}, over: 2 min}}
      - {{at: 1 h, rate: {rate}, max: {most}, for: 4 h, repeat: {{every: 1 day, times: 3}}}}
      - {{at: day 8, dose: {dose}, for: 4 h}}
    titration: {{every: 1 h, step: {step}, min: {low}, max: {high}}}
    boosters: {{every: 1 week, session: {{rate: {booster}, for: 4 h}}, times: 2}}
  sham: {{drug: placebo, like: ward}}
"""
# of the two classes, one after the other
FIRST = {"push": "0.3 mg/kg", "rate": "15 mL/h", "most": "20 mg/h", "dose": "40 mg", "step": "2 mg/h", "low": "1 mg/h",
         "high": "30 mg/h", "booster": "20 mg/h"}  # fmt: skip
THEN = {"push": "10 mg", "rate": "0.35 mg/kg/h", "most": "25 mg/h", "dose": "30 mL", "step": "3 mg/h", "low": "0 mg/h",
        "high": "0.6 mg/kg/h", "booster": "0.2 mg/kg/h"}  # fmt: skip


def read(**texts: str) -> Scenario:
    return loads(f"letheon: 1\ntitle: classes\nfollow_up: 6 weeks\narms:{ARM.format(**texts)}", "s.yaml")


def by(form: str) -> Scenario:
    return read(**{key: form.format(FIRST[key], THEN[key]) for key in FIRST})


@pytest.mark.parametrize("form", [KG, YEARS])
def test_each_patient_is_in_the_arm_of_their_class(form: str) -> None:
    """Limits belong to the class that begins there. Red if a ceiling, a salt or a volume were that of another class."""
    classed, first, then = by(form), read(**FIRST), read(**THEN)
    limit = 50.0 if form == KG else 65.0
    for trait, plain in ((limit - 0.1, first), (limit, then), (limit + 40, then)):
        who = (trait, 46.0) if form == KG else (70.0, trait)
        for arm, own in zip(classed.arms, plain.arms, strict=True):
            assert arm.of(*who) == own
            assert arm.regimen.schedule().rates(*who) == pytest.approx(own.regimen.schedule().rates(who[0]), abs=0)


@pytest.mark.parametrize("form", [KG, YEARS])
def test_what_is_written_reads_back(form: str) -> None:
    scenario = by(form)
    assert loads(dumps(scenario)) == scenario
    assert form.split("{")[2].split(":")[0] in dumps(scenario)


def test_equal_classes_are_no_classes() -> None:
    same = read(**{key: KG.format(FIRST[key], FIRST[key]) for key in FIRST})
    assert same == read(**FIRST)
    assert [str(one) for one in plan_arms(same)] == [str(one) for one in plan_arms(read(**FIRST))]


rates = st.builds(Rate, st.floats(0, 30), st.floats(0, 1), st.sampled_from([20.0, float("inf")]))


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["kg", "year"]), st.tuples(rates, rates, rates)), max_size=6)
)
def test_sums_of_classes_are_those_of_each_patient(sessions: list) -> None:
    """Sessions overlap at will, some by weight and some by age: rates add as those of the patient's own regimen."""
    limits = {"kg": (50.0, 90.0), "year": (40.0, 65.0)}
    infusions = [Infusion.create(start, 2, Rate.by_class(unit, limits[unit], each)) for start, unit, each in sessions]
    regimen = Regimen.create("racemic", infusions)
    for who in product((49.9, 50.0, 100.0), (39.9, 64.9, 65.0)):
        assert regimen.schedule().dose_mg(*who) == pytest.approx(regimen.of(*who).schedule().dose_mg(who[0]), abs=1e-9)


@pytest.mark.parametrize("form", [KG, YEARS])
def test_a_patient_is_titrated_as_their_class(form: str) -> None:
    rule = by(form).arms[0].policy
    for who in ((49.9, 64.9), (49.9, 65.0), (50.0, 64.9), (120.0, 90.0)):
        own = rule.of(*who).titration
        assert own
        limits = reach_of(rules_of(rule, 1 / 1024), np.float64(who[0]), np.float64(who[1]))
        assert [float(one) for one in limits] == pytest.approx(
            [own.step.at(who[0]), own.lowest.at(who[0]), own.highest.at(who[0])], rel=1e-15
        )


@pytest.mark.parametrize("form", [KG, YEARS])
def test_the_engine_sees_each_patient_as_in_the_arm_of_their_class(form: str) -> None:
    """Equal to the last bit: rates with and without pushes, and all else of an arm but the tables of rates."""
    classed, first, then = widened([plan_arms(one)[0] for one in (by(form), read(**FIRST), read(**THEN))])
    tables = {*RateTables._fields} - {"pushed", "titrated", "weaned"}
    rules = {"limits", "by_age", "step", "lowest", "highest", "form"}
    plain = {name for name in classed.data._fields if name not in tables | {"pushed", "rules"}}
    for other in (first, then):
        assert classed.structure == other.structure
        for name in plain:
            np.testing.assert_array_equal(getattr(classed.data, name), getattr(other.data, name))
        for name in {*Rules._fields} - rules:
            np.testing.assert_array_equal(getattr(classed.data.rules, name), getattr(other.data.rules, name))
    limit = 50.0 if form == KG else 65.0
    for trait, other in ((np.nextafter(limit, 0), first), (limit, then), (limit + 30, then)):
        kg, years = (trait, 46.0) if form == KG else (70.0, trait)
        who = SimpleNamespace(weight_kg=np.float64(kg), age_years=np.float64(years))
        for pushes in (True, False):
            own, one = (np.asarray(rates_of(plan.data, who, pushes)) for plan in (classed, other))  # pyright: ignore
            np.testing.assert_array_equal(own, one)
            assert (own > 0).sum() > 3
        own, one = (reach_of(plan.data.rules, who.weight_kg, who.age_years) for plan in (classed, other))
        np.testing.assert_array_equal(np.array(own), np.array(one))


def test_other_limits_and_rates_keep_every_shape() -> None:
    """What decides on compiling is the structure and the shapes of an arm's data."""
    texts = {key: KG.format(THEN[key], FIRST[key]).replace("50 kg", "81.5 kg") for key in FIRST}
    one, other = plan_arms(by(KG))[0], plan_arms(read(**texts))[0]
    shapes = [[np.shape(leaf) for leaf in jax.tree.leaves(plan.data)] for plan in (one, other)]
    assert one.structure == other.structure and shapes[0] == shapes[1]


def arm_of(rate: str, more: str = "") -> str:
    return scenario_text(f"a: {{drug: racemic, sessions: [{{at: 0 h, rate: {rate}, for: 4 h{more}}}]}}")


# fmt: off
REFUSED = [
    ("{}", "rate: no class is written here; write one value, or e.g. {below 50 kg: 15 mg/h, from 50 kg: 25 mg/h}."),
    ("{below 50 kg: 15 mg/h}", "rate: there is no value from 50 kg upwards; add the class from 50 kg, or write one value for everybody."),
    ("{from 50 kg: 15 mg/h, from 60 kg: 20 mg/h}", 'rate: the first class is "from 50 kg"; begin with below 50 kg, so that every patient falls into a class.'),
    ("{below 50 kg: 15 mg/h, from 60 kg: 20 mg/h}", "rate: patients of 50 to 60 kg fall into no class; write the same limit after below and from."),
    ("{below 60 kg: 15 mg/h, from 50 kg: 20 mg/h}", "rate: patients of 50 to 60 kg fall into two classes; write the same limit after below and from."),
    ("{below 50 kg: 15 mg/h, from 50 kg: 20 mg/h, from 90 kg: 25 mg/h, from 70 kg: 22 mg/h}", "rate: the limits are not in ascending order; write each once, from low to high."),
    ("{below 50 kg: 15 mg/h, below 60 kg: 16 mg/h, from 60 kg: 20 mg/h}", "rate: below is used more than once; use it for the first class only, and from for the others."),
    ("{below 50 kg: 15 mg/h, from 50 years: 20 mg/h}", "rate: these classes mix kg and years; write all of them in kg, or all in years."),
    ("{below 50 mg: 15 mg/h, from 50 kg: 20 mg/h}", 'rate.below 50 mg: "below 50 mg" has no limit in kg or in years; write e.g. below 50 kg, or below 65 years.'),
    ("{below 50: 15 mg/h, from 50: 20 mg/h}", 'rate.below 50: "below 50" has no limit in kg or in years; write e.g. below 50 kg, or below 65 years.'),
    ("{below x: 15 mg/h, from x: 20 mg/h}", 'rate.below x: "x" does not start with a number; write e.g. 50 kg.'),
    ("{above 50 kg: 15 mg/h, from 50 kg: 20 mg/h}", 'rate.above 50 kg: "above 50 kg" is not a class; write e.g. {below 50 kg: 15 mg/h, from 50 kg: 25 mg/h}.'),
    ("{below 18 years: 15 mg/h, from 18 years: 20 mg/h}", 'rate.below 18 years: "below 18 years" leaves a class empty, since all patients lie within 18 to 100 years; write a limit within that range, or one value for everybody.'),
    ("{below 50 kg: 15 mg, from 50 kg: 20 mg/h}", 'rate.below 50 kg: "15 mg" is a dose, not a rate; write 15 mg/h, or dose: 15 mg in place of rate.'),
    ("{below 50 kg: 15 mg/h, from 50 kg: 2 g/h}", 'rate.from 50 kg: "2 g/h" is 2000 mg/h at 70 kg, above the limit of 1400 mg/h (20 mg/kg/h); write a lower rate or a longer time.'),
    ("{below 50 kg: -15 mg/h, from 50 kg: 2 mg/h}", 'rate.below 50 kg: "-15 mg/h" is negative;'),
    ("{" + "below 40 kg: 1 mg/h, " + ", ".join(f"from {40 + k} kg: {k + 2} mg/h" for k in range(8)) + "}", "rate: there are 9 classes; write at most 8."),
]
# fmt: on


@pytest.mark.parametrize(("rate", "sentence"), REFUSED)
def test_bad_classes_are_refused_in_one_sentence(rate: str, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        loads(arm_of(rate), "s.yaml")
    assert f"s.yaml, line 5, arms.a.sessions[1].{sentence}" in str(refused.value)


def test_one_session_goes_by_one_unit() -> None:
    text = arm_of(KG.format("15 mg/h", "20 mg/h"), f", max: {YEARS.format('20 mg/h', '15 mg/h')}")
    with pytest.raises(
        InputError, match=r"max: its classes are in years, and those of rate in kg; use one unit for both\."
    ):
        loads(text)


def test_classes_that_taper_apart_are_refused_under_titration() -> None:
    """Whether a session is titrated would differ between patients."""
    sessions = f"[{{at: 0 h, rate: 10 mg/h, for: 4 h}}, {{at: 4 h, rate: {KG.format('5 mg/h', '15 mg/h')}, for: 4 h}}]"
    rule = "titration: {every: 1 h, step: 1 mg/h, max: 40 mg/h}"
    with pytest.raises(
        InputError, match="titration: a session is written lower than the one before it for some classes"
    ):
        loads(scenario_text(f"a: {{drug: racemic, sessions: {sessions}, {rule}}}"))


def test_classes_that_would_be_weaned_at_other_times_are_refused() -> None:
    """Who gets nothing in the last session would be weaned behind the one before it."""
    last = "{below 50 kg: 3 mg/h, from 50 kg: 5 mg/h}"
    sessions = f"[{{at: 0 h, rate: 9 mg/h, for: 1 h}}, {{at: 2 h, rate: {last}, for: 1 h}}]"
    arm = f"{{drug: racemic, sessions: {sessions}, wean: {{over: 1 h, steps: 2}}}}"
    text = f"letheon: 1\ntitle: t\nfollow_up: 4 weeks\narms: {{a: {arm}}}"
    rates = [one.rate.absolute_mg_h for one in loads(text).arms[0].of(40.0).given.infusions]
    assert rates == pytest.approx([9, 3, 2, 1])
    with pytest.raises(InputError, match="some classes"):
        loads(text.replace("3 mg/h", "0 mg/h"))


def test_the_highest_rate_is_checked_in_each_class() -> None:
    sessions = f"[{{at: 0 h, rate: {KG.format('45 mg/h', '15 mg/h')}, for: 4 h}}]"
    rule = f"titration: {{every: 1 h, step: 1 mg/h, max: {KG.format('40 mg/h', '50 mg/h')}}}"
    with pytest.raises(InputError, match=r"below 50 kg: .* is below a rate that the sessions begin with"):
        loads(scenario_text(f"a: {{drug: racemic, sessions: {sessions}, {rule}}}"))


def test_classes_of_an_arm_take_the_place_of_those_it_starts_from() -> None:
    sessions = "[{at: 0 h, rate: 10 mg/h, for: 4 h}]"
    rule = f"titration: {{every: 1 h, step: 1 mg/h, max: {KG.format('40 mg/h', '50 mg/h')}}}"
    other = "b: {like: a, titration: {max: {below 60 kg: 30 mg/h, from 60 kg: 35 mg/h}}}"
    arm = loads(scenario_text(f"a: {{drug: racemic, sessions: {sessions}, {rule}}}", other)).arm("b")
    assert arm.limits("kg") == (60.0,)


def test_the_sheet_is_that_of_the_class_of_its_weight(tmp_path: Path) -> None:
    scenario = by(KG)
    for kg, plain in ((45.0, read(**FIRST)), (80.0, read(**THEN))):
        order, length = Order(weight_kg=kg), 6 * 168 * 3_600_000
        sheet, own = (sheet_of(one.arms[0], order, length) for one in (scenario, plain))
        assert (sheet.course, sheet.titration, sheet.boosters) == (own.course, own.titration, own.boosters)
        assert [row.who for row in sheet.classes if row.here] == ["below 50 kg" if kg < 50 else "from 50 kg"] * 7
    path = tmp_path / "s.yaml"
    path.write_text(dumps(scenario), encoding="utf-8")
    arms = json.loads(CliRunner().invoke(app, ["worksheet", str(path), "--weight", "45 kg", "--json"]).stdout)["arms"]
    assert list(arms) == ["ward", "sham"] and len(arms["ward"]["classes"]) == 14


def test_each_class_of_age_has_a_sheet_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(dumps(by(YEARS)), encoding="utf-8")
    arms = json.loads(CliRunner().invoke(app, ["worksheet", str(path), "--json", "--arm", "ward"]).stdout)["arms"]
    assert list(arms) == ["ward, below 65 years", "ward, from 65 years"]
    path.write_text(dumps(read(**THEN)), encoding="utf-8")
    plain = json.loads(CliRunner().invoke(app, ["worksheet", str(path), "--json"]).stdout)["arms"]["ward"]
    assert arms["ward, from 65 years"]["totals"] == plain["totals"]
    assert arms["ward, below 65 years"]["totals"] != plain["totals"]
