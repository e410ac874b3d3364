"""Worksheets as a ward uses them: sheets worked out by hand, every protocol against its doses, several weights, overfill.

The oracles are sums done by hand, the doses that `letheon check` reports, and the sheet and its JSON against each other.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from letheon.dosing.doses import doses_of
from letheon.dosing.fitting import MOST_WASTE, fitting_vial, vial_waste
from letheon.dosing.order import STANDARD_VIALS, Order
from letheon.dosing.regimen import Infusion, Rate, Regimen
from letheon.dosing.worksheet import worksheet
from letheon.errors import InputError
from letheon.scenario import load, loads
from letheon.views.commands import main as cli
from letheon.views.commands.worksheet import sheets_of
from letheon.views.document.html import render
from letheon.views.document.numbers import exact, fixed, written
from letheon.views.document.terminal import text
from letheon.views.subjects import weight_table
from letheon.views.subjects import worksheet as subject

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "examples" / "protocols"
REFUSED = {"childrens_hospital", "oral_between"}
PROTOCOLS = sorted(path for path in FOLDER.glob("*.yaml") if path.stem not in REFUSED)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(*arguments: object) -> str:
        with pytest.raises(SystemExit) as ended:
            cli.main(["worksheet", *map(str, arguments)])
        assert ended.value.code == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def record(command: Callable[..., str]) -> Callable[..., dict[str, Any]]:
    return lambda name, *arguments: json.loads(command(FOLDER / f"{name}.yaml", *arguments, "--json"))


def test_intensive_care_by_hand(record: Callable) -> None:
    """5 mL/h of 1 mg/mL for 72 h, eight pushes of 2 mg; vials of 500 mg in 10 mL; 7 mL of overfill taken out."""
    sheet = record("icu", "--vial", "500 mg/10 mL", "--overfill", "7 mL")
    arm = sheet["arms"]["unit"]
    bag = {name: arm["bag"][name] for name in ("drug_ml", "withdrawn_ml", "ml", "label_ml", "mg", "mg_per_ml")}
    # 100 mg are 2 mL; with the 7 mL of overfill 9 mL come out of the 107 mL, and 98 + 2 mL stay
    assert bag == {"drug_ml": 2, "withdrawn_ml": 9, "ml": 100, "label_ml": 100, "mg": 100, "mg_per_ml": 1}
    (session,) = arm["sessions"]
    (step,) = session["steps"]
    assert (step["ml_per_h"], step["mg_per_h"], step["ml"], step["mg"], step["bags"]) == (5, 5, 360, 360, [1, 4])
    assert [one["hung_h"] for one in session["bags"]] == [0, 20, 40, 60]
    assert [one["left_ml"] for one in session["bags"]] == [0, 0, 0, 40]
    assert [push["start_h"] for push in arm["pushes"]] == [4, 12, 20, 28, 36, 44, 52, 60]
    assert {(push["mg"], push["ml"], push["bag_strength_ml"], push["vials"]) for push in arm["pushes"]} == {
        (2, 0.04, 2, 1)
    }
    most = arm["totals"]["most"]
    assert arm["totals"]["least"] == most
    # drug: 4 x 2 mL + 8 x 0.04 mL; diluent 4 x 98 mL; 4 + 8 vials of 500 mg
    assert [most[name] for name in ("dose_mg", "bags", "left_mg", "left_share")] == [376, 4, 40, 0.1]
    assert (most["drug_ml"], most["diluent_ml"]) == (pytest.approx(8.32), pytest.approx(392))
    assert (most["vials"], most["opened_mg"], most["wasted_mg"]) == (12, 6000, 5624)
    assert (most["vial_left_ml"], most["vial_left_mg"]) == (pytest.approx(111.68), pytest.approx(5584))
    assert most["wasted_share"] == pytest.approx(5624 / 6000)
    # the weakest vial wastes least: 12 of 200 mg, of which 4 x 10 mL and 8 x 0.2 mL are drawn
    vial = arm["bag"]["fitting_vial"]
    assert (vial["mg_per_ml"], vial["ml"], vial["most"]["vials"]) == (10, 20, 12)
    assert vial["most"]["vial_left_ml"] == pytest.approx(240 - 41.6)


def test_push_and_infusion_from_overfilled_bags_by_hand(record: Callable) -> None:
    """80 kg, 0.35 mg/kg by hand and 0.5 mg/kg/h for 2.25 h; 10 mg/mL; nothing is taken out of bags with 8 mL overfill."""
    options = ("--weight", "80 kg", "--vial", "200 mg/20 mL", "--overfill", "8 mL", "--withdraw", "none")
    arm = record("consensus_minimum", *options, "--arm", "low")["arms"]["low"]
    # 100 mg are 10 mL: 100 + 8 + 10 = 118 mL hold them, so 40 mg/h are 47.2 mL/h, and 90 mg are 106.2 mL
    assert (arm["bag"]["ml"], arm["bag"]["withdrawn_ml"], arm["bag"]["diluent_ml"]) == (118, 0, 108)
    assert arm["bag"]["mg_per_ml"] == pytest.approx(100 / 118)
    (step,) = arm["sessions"][0]["steps"]
    assert [step[name] for name in ("mg_per_h", "ml_per_h", "mg", "ml")] == [40, *map(pytest.approx, (47.2, 90, 106.2))]
    (push,) = arm["pushes"]
    assert (push["mg"], push["ml"]) == (pytest.approx(28), pytest.approx(2.8))
    most = arm["totals"]["most"]
    assert (most["left_ml"], most["left_mg"]) == (pytest.approx(11.8), pytest.approx(10))
    # a vial for the bag and one for the push: 40 mL, of which 12.8 mL are drawn
    assert (most["vials"], most["vial_left_ml"], most["dose_mg"]) == (2, *map(pytest.approx, (27.2, 118)))
    assert (most["wasted_mg"], most["wasted_share"]) == (pytest.approx(282), pytest.approx(282 / 400))


def test_titration_with_weaning_by_hand(record: Callable) -> None:
    """60 kg: steps of 3 mg/h from 3 to 30 mg/h every 6 h for 96 h, then weaned over 12 h in four steps."""
    arm = record("anz_wean", "--weight", "60 kg", "--arm", "low")["arms"]["low"]
    titration, totals = arm["titration"], arm["totals"]
    assert [one["mg_per_h"] for one in titration["rates"]] == pytest.approx([0, *range(3, 33, 3)])
    # most: 6 h at each of 3, 6 ... 30, 36 h more at 30, and 3 h each at 24, 18, 12 and 6 mg/h
    assert totals["most"]["dose_mg"] == pytest.approx(6 * 165 + 36 * 30 + 3 * 60) == pytest.approx(2250)
    assert (totals["most"]["bags"], totals["most"]["left_ml"]) == (23, pytest.approx(50))
    # least: an hour's pause after every 6 h leaves 13 x 6 + 5 h at 3 mg/h; then 3 h each at 2.4, 1.8, 1.2, 0.6
    assert totals["least"]["dose_mg"] == pytest.approx(83 * 3 + 18) == pytest.approx(267)
    weaning = [(one["from_h"], one["to_h"], one["highest"]["mg_per_h"]) for one in titration["weaning"]]
    assert weaning == [(96, 99, 24), (99, 102, 18), (102, 105, 12), (105, 108, 6)]
    assert titration["written"] == [{"value": 0.05, "unit": "mg/kg/h", "at_most": None}]


def test_a_syringe_for_each_body_weight_by_hand(record: Callable, command: Callable) -> None:
    """3 mg/kg in 50 mL at 2 mL/h for 24 h: 48 mL at every weight, 2.88 mg/kg in all; 2 mL are left."""
    table = record("syringe_per_kg", "--weights", "50, 60, 80 kg")["weights"]
    for one, kg in zip(table, (50, 60, 80), strict=True):
        arm = one["arms"]["syringe"]
        assert (one["weight_kg"], arm["bag"]["mg_per_ml"]) == (kg, pytest.approx(0.06 * kg))
        (step,) = arm["sessions"][0]["steps"]
        assert [step[name] for name in ("ml_per_h", "ml", "mg_per_h", "mg")] == pytest.approx(
            [2, 48, 0.12 * kg, 2.88 * kg]
        )
        # of 50 mg/mL
        assert (arm["bag"]["drug_ml"], arm["totals"]["most"]["left_mg"]) == (
            pytest.approx(0.06 * kg),
            pytest.approx(0.12 * kg),
        )
    rows = {
        " ".join(line.split())
        for line in command(FOLDER / "syringe_per_kg.yaml", "--weights", "50-60/10 kg").splitlines()
    }
    assert {"50 3 47 50 3", "60 3.6 46.4 50 3.6", "50 2 6 24 48 144 1 2", "60 2 7.2 24 48 172.8 1 2"} <= rows


def layouts(arm: dict[str, Any], end: str) -> dict[str, Any]:
    return arm["titration"][end] | {"pushes": arm["pushes"]} if arm["titration"] else arm


def sums(layout: dict[str, Any]) -> tuple[float, float]:
    steps = [step for session in layout["sessions"] for step in session["steps"]]
    pushes = layout["pushes"]
    return math.fsum(one["mg"] for one in (*steps, *pushes)), math.fsum(one["ml"] for one in steps)


@pytest.mark.parametrize("path", PROTOCOLS, ids=lambda path: path.stem)
@pytest.mark.parametrize("kg", [50.0, 70.0, 92.5])
def test_a_sheet_adds_up_to_the_doses_of_its_protocol(path: Path, kg: float, command: Callable) -> None:
    """Steps, pushes and weaning of the sheet come to what the regimen gives, and nothing is left out unnamed."""
    arms = json.loads(command(path, "--weight", f"{kg} kg", "--json"))["arms"]
    scenario = load(path)
    assert list(arms) == [arm.name for arm in scenario.arms]
    for one in scenario.arms:
        arm, sham = arms[one.name], one.drug == "placebo"
        low, high = doses_of(one.regimen.infusions, kg, one.policy).course_mg
        boosters = arm["boosters"]
        extra = sum(kind["at_most"] * sums(kind["each"])[0] for kind in (boosters["kinds"] if boosters else ()))
        assert arm["missing"] == []
        for end, dose, more in (("least", low, 0.0), ("most", high, extra)):
            mg, ml = sums(layouts(arm, end))
            dose = 0.0 if sham else dose
            assert mg == pytest.approx(dose, rel=1e-9)
            assert arm["totals"][end]["dose_mg"] == pytest.approx(dose + more, rel=1e-9)
            used = [bag["used_ml"] for session in layouts(arm, end)["sessions"] for bag in session["bags"]]
            assert math.fsum(used) == pytest.approx(ml, rel=1e-9)
        assert [drug["written"]["drug"] for drug in arm.get("also", [])] == [drug.drug for drug in one.also]
        assert bool(one.policy.wean) == bool(arm["policy"] and arm["policy"].get("wean"))
        assert bool(one.policy.limits) == bool(arm["policy"] and arm["policy"].get("limits"))


NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
OPTIONS = re.compile(r'(?: *--[a-z-]+ "[^"]*")+|--[a-z-]+')


def texts(values: Any) -> Iterator[str]:
    """Yield every number of a record in each form that a sheet may give it."""
    if isinstance(values, dict):
        for value in values.values():
            yield from texts(value)
    elif isinstance(values, list):
        yield str(len(values))
        for value in values:
            yield from texts(value)
    elif isinstance(values, str):
        yield from re.findall(NUMBER, values)
    elif isinstance(values, int | float) and not isinstance(values, bool):
        for value in (values, values * 1000, values * 100, 60 * values):
            yield from (exact(value), written(value, 7), written(value, 4), fixed(value, 0))


@pytest.mark.parametrize("path", [*PROTOCOLS, ROOT / "examples" / "schwartzman2009.yaml"], ids=lambda path: path.stem)
def test_the_json_has_every_number_of_the_sheet(path: Path, command: Callable) -> None:
    arguments = (path, "--vial", "500 mg/10 mL", "--weight", "83 kg")
    arms, printed = json.loads(command(*arguments, "--json")), command(*arguments)
    known = set(texts(arms))
    for arm in arms["arms"].values():
        for layout in (arm, *(part for part in (arm["titration"] or {}).values() if isinstance(part, dict))):
            for session in layout["sessions"]:  # the sheet counts from the start of a session, and in days
                known |= {
                    exact(one[name] - session["start_h"]) for one in session["steps"] for name in ("from_h", "to_h")
                }
                known |= {exact(one["hung_h"] - session["start_h"]) for one in session["bags"]}
                known |= {str(int(session["start_h"] // 24) + 1), str(len(session["bags"])), exact(session["hours"])}
            known |= {str(int(push["start_h"] // 24) + 1) for push in layout["pushes"]}
    sheet = OPTIONS.sub(" ", " ".join(printed.split()).replace(arms["title"], ""))
    lacking = set(re.findall(rf"(?<![\w.]){NUMBER}(?!\w)", sheet)) - known
    allowed = {
        *(str(number) for number in range(61)),  # numbers of steps, sessions and bags
        "80", "100", "365", "0.1", "70",  # shares of weaning, the least that can be measured
    }  # fmt: skip
    # intervals between like things, the volume that fewer bags would hold, and lengths of bags under titration
    derived = {number for number in lacking if re.search(rf"every {number} h|{number} would hold", sheet)}
    rates = [rate["ml_per_h"] for arm in arms["arms"].values() for rate in (arm["titration"] or {"rates": []})["rates"]]
    lasts = {exact(min(100 / rate, 24)) for rate in rates if rate}
    assert lacking - allowed - derived - lasts == set()


ERROR_PRONE = {
    "trailing zero": r"\d\.\d*0(?!\d)",
    "naked decimal point": r"(?<!\d)\.\d",
    "four digits without a comma": r"(?<![\d.,])\d{4,}",
    "power of ten": r"\d[eE][+-]?\d",
    "number and unit run together": r"\d(?:mg|mcg|mL|kg|h|min|s|g|L)\b",
    "micro sign, ug, cc, ml": r"[µμ]|\b(?:ug|cc|ml|IU|qd|QD|hr)\b",
    "symbol for a word": r"[@&<>≤≥]|\s\+\s",
    "slash between doses": r"/\s*\d",
}

masses = st.sampled_from(["mg", "mcg"])
amounts = st.floats(0.1, 60.0).map(lambda value: f"{value:.4g}")
rates = st.one_of(
    st.tuples(amounts, st.sampled_from(["mg/h", "mg/24h", "mg/h/70kg", "cc/h", "mL/h"])),
    st.tuples(st.floats(0.5, 30.0).map(lambda value: f"{value:.3g}"), st.sampled_from(["mcg/kg/min", "µg/kg/mn"])),
    st.tuples(st.floats(0.05, 0.9).map(lambda value: f"{value:.3g}"), st.just("mg/kg/h")),
).map(" ".join)
scenarios = st.builds(
    """letheon: 1
title: t
follow_up: 52 weeks
arms:
  a:
    drug: racemic
    bag: {} mg/mL
    sessions:
      - {{at: 0 h, push: 0.{} mg/kg}}
      - {{at: 1 h, rate: {}, for: {} h, repeat: {{every: {} days, times: {}}}}}
    titration: {{every: 8 h, step: {}, max: 6 mg/kg/h}}
    wean: {{over: 7 h, steps: 3}}
    limits: {{in_all: {} mg}}
    boosters: {{every: 40 days, session: {{rate: {}, for: 100 min}}}}
    also: [{{drug: lidocaine, dose: 1{} mcg/kg, with: each session}}, {{drug: b, dose: {} mg, every: 12 h, until: day 90}}]
""".format,
    st.sampled_from(["0.5", "1", "2.5", "5"]), st.integers(1, 35), rates, st.integers(4, 24), st.integers(3, 9),
    st.integers(1, 3), rates, st.integers(200, 90000), rates, st.integers(0, 999), st.integers(1, 3000),
)  # fmt: skip
vials = st.sampled_from([(10.0, 20.0), (50.0, 10.0), (100.0, None), (25.0, 2.0)])


@settings(max_examples=12)
@given(scenarios, st.floats(40.0, 120.0), vials, st.sampled_from([None, 0.0, 7.25]))
def test_every_number_of_a_sheet_is_written_as_the_ismp_asks(scenario, kg, vial, overfill) -> None:
    read = loads(scenario)
    sheets = []
    for weight in (kg, kg + 15.5):
        order = Order.create(weight_kg=weight, vial_mg_per_ml=vial[0], vial_ml=vial[1], overfill_ml=overfill)
        try:
            sheets.append((order, *sheets_of(read, order, None, strength_stated=False, volume=None)))
        except InputError:  # no pump runs so slow or fast
            assume(False)
    one = subject.document(sheets[0][1], sheets[0][0], sheets[0][2])
    for document in (one, weight_table.document(sheets)):
        shown = OPTIONS.sub(" ", text(document))
        shown = re.sub(r"(?m)^.*Warning: .*(?:\n(?!\n).*)*", "", shown)  # as the file spells it
        for fault, pattern in ERROR_PRONE.items():
            assert not (found := re.search(f".*(?:{pattern}).*", shown)), (fault, found and found[0])
    page = render(subject.document(sheets[0][1], sheets[0][0], sheets[0][2], page=True))
    assert "µ" not in re.sub(r"<(style|script).*?</\1>|<li>.*?</li>|Warning: [^<]*", "", page, flags=re.DOTALL)


def test_a_table_of_weights_has_a_row_for_each_weight_under_its_class(command: Callable, tmp_path: Path) -> None:
    path = tmp_path / "classes.yaml"
    path.write_text(
        "letheon: 1\ntitle: t\nfollow_up: 4 weeks\narms:\n  ward: {drug: racemic, sessions: "
        "[{at: 0 h, rate: {below 50 kg: 15 mg/h, from 50 kg: 25 mg/h}, for: 4 h}]}\n",
        encoding="utf-8",
    )
    lines = [" ".join(line.split()) for line in command(path, "--weights", "40, 49.5, 50, 60 kg").splitlines() if line]
    start = lines.index("below 50 kg")
    # 4 h of 15 and of 25 mg/h, at 1 mg/mL; the bag holds 100 mL
    assert lines[start + 1 : start + 3] == ["40 15 15 4 60 60 1 40", "49.5 15 15 4 60 60 1 40"]
    assert lines[start + 3 : start + 6] == ["from 50 kg", "50 25 25 4 100 100 1 0", "60 25 25 4 100 100 1 0"]
    document = json.loads(command(path, "--weights", "40, 60 kg", "--json"))
    assert [one["arms"]["ward"]["totals"]["most"]["dose_mg"] for one in document["weights"]] == [60, 100]


@pytest.mark.parametrize("withdrawn", ["all", "drug", "none"])
@given(
    overfill=st.floats(0.0, 50.0), ml=st.sampled_from([50.0, 100.0, 250.0]), strength=st.floats(0.5, 5.0),
    rate=st.floats(1.0, 40.0),
)  # fmt: skip
def test_overfill_changes_volumes_and_no_dose(
    withdrawn: str, overfill: float, ml: float, strength: float, rate: float
) -> None:
    """What comes out and goes in adds up; mL/h times true strength is the rate as written, whatever stays in."""
    order = Order.create(bag_ml=ml, mg_per_ml=strength, overfill_ml=overfill, withdrawn=withdrawn)
    day = Regimen.create("racemic", [Infusion.create(0, 30, Rate(rate))])
    sheet, exactly = worksheet(day, order), worksheet(day, Order.create(bag_ml=ml, mg_per_ml=strength))
    assert order.label_ml + overfill - order.withdrawn_ml + order.drug_ml == pytest.approx(order.bag_ml)
    assert order.bag_mg == pytest.approx(ml * strength) and order.label_ml == pytest.approx(ml)
    assert order.bag_ml >= ml and (withdrawn != "all" or order.bag_ml == ml)
    assert sheet.most.dose_mg == pytest.approx(exactly.most.dose_mg)
    (step,) = sheet.course.sessions[0].steps
    assert step.ml_per_h * order.mg_per_ml == pytest.approx(rate)


@given(st.floats(1.0, 60.0), st.floats(1.0, 30.0), st.sampled_from(["racemic", "esketamine"]))
def test_a_proposed_vial_wastes_least(rate: float, hours: float, drug: str) -> None:
    regimen = Regimen.create(drug, [Infusion.create(24 * day, hours, Rate(rate)) for day in (0, 3)])
    sheet = worksheet(regimen, Order.create(vial_mg_per_ml=50.0, vial_ml=50.0))
    fit, now = fitting_vial(sheet, regimen), vial_waste(sheet.order, sheet.most)
    assert fit or now <= MOST_WASTE
    if fit:
        assert fit.most.dose_mg == pytest.approx(sheet.most.dose_mg)
        others = [worksheet(regimen, sheet.order.with_vial(*vial)) for vial in STANDARD_VIALS[drug]]
        least = min(vial_waste(one.order, one.most) for one in others)
        assert vial_waste(fit.order, fit.most) == least < now


def test_strength_as_written_refuses_bags_that_keep_their_overfill() -> None:
    with pytest.raises(InputError, match="written for a bag of known strength"):
        Order.create(overfill_ml=7.0, withdrawn="drug").of_bag(1.0)
    assert Order.create(overfill_ml=7.0).of_bag(5.0).withdrawn_ml == 17.0


@pytest.mark.parametrize("options", [(), ("--weights", "50 to 100 kg by 10 kg")], ids=["one", "several"])
def test_a_page_is_written_with_the_numbers_of_the_terminal(options: tuple, command: Callable, tmp_path: Path) -> None:
    arguments = (FOLDER / "consensus_minimum.yaml", *options)
    assert command(*arguments, "--out", tmp_path / "sheet.html") == f"Page: {tmp_path / 'sheet.html'}\n"
    page = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    cells = re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    lines = [line for line in command(*arguments).splitlines() if re.match(r"\d", line)]
    assert lines and set(re.findall(NUMBER, " ".join(lines))) <= set(re.findall(NUMBER, cells))
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids)) and not any(" " in one for one in ids)
    assert ("landscape" in re.findall(r'<body class="([^"]+)"', page)[0]) == bool(options)
