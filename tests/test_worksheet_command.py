"""The command `letheon worksheet`: what it prints, what it refuses, and what it loads.

The oracles are sums done by hand and the contract of exit codes.
"""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from letheon.definitions import WORKSHEET_NOTICE
from letheon.scenario import load
from letheon.views.commands.main import EXAMPLES as COMMAND_EXAMPLES
from letheon.views.document.numbers import exact

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
SCHWARTZMAN = str(ROOT / "examples" / "schwartzman2009.yaml")
SIGTERMANS = str(ROOT / "examples" / "sigtermans2009.yaml")


@pytest.fixture
def worksheet(command: Callable) -> Callable[..., tuple[int, str, str]]:
    return partial(command, "worksheet")


def kinds_of(arm: dict) -> list[dict]:
    return arm["boosters"]["kinds"] if arm["boosters"] else []


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_printed_steps_are_those_of_the_record_in_80_columns_between_two_notices(path: Path, worksheet) -> None:
    code, out, _ = worksheet(path)
    assert code == 0 and max(map(len, out.splitlines())) <= 80
    assert flat(out).startswith(WORKSHEET_NOTICE) and flat(out).endswith(WORKSHEET_NOTICE)
    assert list(dict.fromkeys(re.findall(r"^Arm (\w+)", out, re.MULTILINE))) == [arm.name for arm in load(path).arms]
    assert "One body weight: 70 kg (the default" in flat(out)
    arms = json.loads(worksheet(path, "--json")[1])["arms"].values()
    layouts = [
        part
        for arm in arms
        for part in (arm, *(kind["each"] for kind in kinds_of(arm)), *(arm["titration"] or {}).values())
        if isinstance(part, dict)
    ]
    lines = [line.split() for line in out.splitlines()]
    rows = {tuple(words[3:7]) for words in lines if len(words) == 8}
    for step in (step for layout in layouts for session in layout["sessions"] for step in session["steps"]):
        assert tuple(exact(step[name]) for name in ("mg_per_h", "ml_per_h", "ml", "mg")) in rows


def test_doses_volumes_and_rates_are_printed(worksheet: Callable) -> None:
    code, out, err = worksheet(SCHWARTZMAN, "--weight", "79 kg", "--arm", "ketamine")
    assert (code, err) == (0, "")
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert {"1 0 4 12.5 12.5 50 50 1", "1 0 4 18.75 18.75 75 75 1", "1 0 4 25 25 100 100 1"} <= set(rows)
    for phrase in (
        "take 2 mL of drug from the vial (100 mg) add 98 mL of diluent gives 100 mL at 1 mg/mL",
        "sessions 3 to 10, alike: at 48 h (day 3), then every 24 h",
        # 50 + 75 + 8 x 100 mg in 10 bags of 100 mg
        "10 sessions, 40 h of infusion, 925 mL, 925 mg; 10 bags.",
        "10 bags, 20 mL of drug (1,000 mg), 980 mL of diluent; left over in the bags: 75 mL (75 mg), 8 % of",
    ):
        assert flat(out).count(phrase) == 1, phrase
    # 1280 mg at 1 mg/mL fill two litres at most, but none may hang for longer than 24 h of the 100
    out = flat(worksheet(SIGTERMANS, "--arm", "esketamine", "--bag", "1 L")[1])
    assert "2 would hold the volume; split into 5 so that none hangs longer than 24 h." in out
    out = flat(worksheet(SCHWARTZMAN, "--vial-salt", "hydrochloride", "--vial-volume", "10 mL", "--arm", "ketamine")[1])
    assert "take 2.31 mL of drug from the vial (100 mg)" in out and "Vials of 10 mL, each for one bag" in out


def test_a_sheet_takes_the_bag_that_the_arm_was_written_for(worksheet: Callable, tmp_path: Path) -> None:
    """72 h at 4.4 mL/h are 316.8 mL; a syringe of 3 mg/kg in 50 mL gives 1 mcg/kg/min at 1 mL/h."""
    text = "letheon: 1\ntitle: t\nfollow_up: 4 weeks\narms:\n"
    text += "  ward: {drug: racemic, bag: 100 mg in 100 mL, sessions: [{at: 0 h, rate: 4.4 cc/h, for: 72 h}]}\n"
    text += "  syringe: {drug: racemic, bag: 3 mg/kg in 50 mL, sessions: [{at: 0 h, rate: 1 mL/h, for: 10 h}]}\n"
    path = tmp_path / "bags.yaml"
    path.write_text(text, encoding="utf-8")
    code, out, err = worksheet(path, "--weight", "50 kg")
    assert (code, err) == (0, "") and "MISSING" not in out and "--per-bag" not in out
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert "1 0 72 4.4 4.4 316.8 316.8 1-4" in rows and "1 0 10 3 1 10 30 1" in rows
    assert "gives 50 mL at 3 mg/mL" in flat(out)
    code, out, err = worksheet(path, "--weight", "50 kg", "--concentration", "1 mg/mL")
    assert (code, out) == (2, "") and "arm syringe: the scenario's bag holds 3 mg/mL" in flat(err)


def test_pauses_and_overlaps_are_printed(worksheet: Callable, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "letheon: 1\ntitle: t\nfollow_up: 1 week\narms:\n"
        "  rest: {drug: racemic, sessions: [{at: 0 h, rate: 0 mg/h, for: 4 h}]}\n"
        "  both: {drug: racemic, sessions: [{at: 1 h, rate: 5 mg/h, for: 4 h}, {at: 3 h, rate: 5 mg/h, for: 4 h}]}\n",
        encoding="utf-8",
    )
    code, out, err = worksheet(path)
    assert (code, err) == (0, "")
    assert "Arm rest: racemic Nothing is infused." in flat(out)
    assert ["2", "2", "4", "10", "10", "20", "20", "1"] in [line.split() for line in out.splitlines()]
    assert "Warning: arms.both: sessions overlap, and their rates add." in out


def test_json_holds_every_digit_and_times_from_the_origin(worksheet: Callable) -> None:
    code, out, err = worksheet(SIGTERMANS, "--weight", "79 kg", "--json")
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    document = json.loads(out)
    assert (document["notice"], document["weight_kg"], document["masses"]) == (WORKSHEET_NOTICE, 79.0, "free base")
    assert list(document["arms"]) == ["esketamine", "esketamine_fast", "placebo"]
    arm, placebo = document["arms"]["esketamine"], document["arms"]["placebo"]
    bag = {"drug_ml": 2.0, "diluent_ml": 98.0, "mg": 100.0, "mg_per_ml": 1.0, "ml": 100.0, "label_ml": 100.0}
    bag |= {"withdrawn_ml": 0.0, "strength_is_written": False, "fitting": None, "fitting_vial": None}
    assert arm["bag"] == bag
    (session,) = arm["sessions"]
    dose = load(SIGTERMANS).arm("esketamine").regimen.schedule().dose_mg(79.0)
    assert arm["totals"]["most"]["mg"] == pytest.approx(dose, rel=1e-12)
    assert sum(step["mg"] for step in session["steps"]) == pytest.approx(dose, rel=1e-12)
    assert len(session["bags"]) == arm["totals"]["most"]["bags"] == session["steps"][-1]["bags"][1]
    assert [step["from_h"] for step in session["steps"]] == [0.0, 24.0, 48.0, 72.0]
    assert (arm["like"], placebo["like"]) == (None, "esketamine")
    assert placebo["totals"]["most"]["ml"] == arm["totals"]["most"]["ml"]
    assert placebo["totals"]["most"]["dose_mg"] == 0.0
    last = json.loads(worksheet(SCHWARTZMAN, "--json", "--arm", "ketamine")[1])["arms"]["ketamine"]["sessions"][-1]
    assert (last["start_h"], last["steps"][0]["to_h"], last["bags"][0]["hung_h"]) == (216.0, 220.0, 216.0)
    by_mass = worksheet(SCHWARTZMAN, "--per-bag", "250 mg", "--bag", "500 mL")
    assert by_mass == worksheet(SCHWARTZMAN, "--concentration", "0.5 mg/mL", "--bag", "500 mL")


# fmt: off
REFUSALS = [
    (["--bag", "100 mg"], '--bag: "100 mg" is not a volume, because its unit is mg; write e.g. 100 mL.'),
    (["--bag", "100"], '--bag: "100" has no unit; write e.g. 100 mL. For example: --bag "100 mL".'),
    (["--concentration", "0,5 mg/mL"], '--concentration: "0,5 mg/mL" has a comma in its number; write 0.5 mg/mL with a decimal point.'),
    (["--vial", "10 mL"], '--vial: "10 mL" is not a strength, because its unit is mL; write e.g. 1 mg/mL.'),
    (["--per-bag", "10 mL"], '--per-bag: "10 mL" is not a mass, because its unit is mL; write e.g. 100 mg.'),
    (["--weight", "70"], '--weight: "70" has no unit; write e.g. 70 kg. For example: --weight "79 kg".'),
    (["--weight", ""], "--weight: nothing is written here; write e.g. 70 kg."),
    (["--weight", "0 kg"], "the body weight must be 30 to 200 kg; got 0 kg."),
    (["--concentration", "10 µg/mL"], "arm ketamine: 24.5 mg/h from a bag of 0.01 mg/mL is 2450 mL/h, above the 999 mL/h that a pump can run at; take a bag of 0.0246 mg/mL or stronger."),
    (["--weights", "50 to 100"], '--weights: "50 to 100" is a range without a step; write e.g. 50, 60, 70 kg, or 50 to 100 kg by 10 kg.'),
    (["--weights", "50, 20 kg"], "the body weight must be 30 to 200 kg; got 20 kg."),
    (["--weights", "50, 60 kg", "--weight", "70 kg"], "--weight is for one sheet and --weights for a table; leave one of them out."),
    (["--weights", "30 to 200 kg by 1 kg"], '--weights: "30 to 200 kg by 1 kg" is not a rising range of at most 40 body weights; write e.g. 50, 60, 70 kg, or 50 to 100 kg by 10 kg.'),
    (["--vial", "200 mg/0 mL"], '--vial: "200 mg/0 mL" holds nothing; write e.g. 200 mg/20 mL.'),
    (["--vial", "200 mg/20 mL", "--vial-volume", "10 mL"], "--vial says that a vial holds 20 mL, and --vial-volume 10 mL; keep one."),
    (["--overfill", "200 mL"], "the overfill of a bag must be 0 to 100 mL; got 200 mL."),
    (["--withdraw", "drug"], "what is withdrawn (drug) matters for a bag of diluent whose overfill is known; give the overfill too, 0 mL if there is none."),
    (["--withdraw", "half", "--overfill", "7 mL"], "what is withdrawn from a bag must be all, drug, none; got half."),
    (["--out", "/no/such/folder/sheet.html"], "/no/such/folder is not a folder; create it first, or name another file with --out."),
    (["--arm", "ketamin"], "--arm 'ketamin' is not an arm of this scenario; choose among ketamine, placebo."),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "sentence"), REFUSALS, ids=[" ".join(words) for words, _ in REFUSALS])
def test_refusals_are_one_sentence_with_exit_code_2(arguments, sentence: str, worksheet: Callable) -> None:
    assert worksheet(SCHWARTZMAN, *arguments) == (2, "", f"letheon: {sentence}\n")
    if arguments == ["--weight", "70"]:
        _, _, err = worksheet(SCHWARTZMAN, "--weight", "70", "kg")  # a unit apart from its number
        assert '"70" has no unit' in err and '--weight "79 kg"' in err


@pytest.mark.parametrize(("code", "arguments"), [(0, []), (0, ["--json"]), (2, ["--bag", "100"])], ids=str)
def test_nothing_heavy_loads(code: int, arguments: list[str], heavy_modules: Callable) -> None:
    exit_code, heavy = heavy_modules("worksheet", SCHWARTZMAN, *arguments)
    assert exit_code == code and heavy <= {"rich"}


def test_the_page_shows_what_the_program_prints_and_the_help_the_notice(worksheet: Callable) -> None:
    page = (ROOT / "docs" / "worksheet.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert COMMAND_EXAMPLES["worksheet"] + " --arm ketamine" in page
    assert shown == worksheet(SCHWARTZMAN, "--weight", "79 kg", "--arm", "ketamine")[1]
    assert WORKSHEET_NOTICE in flat(worksheet("--help")[1])
    for words in ("research and education only", "checked by a pharmacist", "never advice about a person"):
        assert words in WORKSHEET_NOTICE
