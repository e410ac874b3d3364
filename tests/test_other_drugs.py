"""Other drugs, `also` of an arm: read, written, refused, and laid out for one body weight.

The oracles are sums done by hand, and an arm without other drugs, whose every simulated number must be the same.
"""

import json
import re
from pathlib import Path

import pytest
from msgspec import UNSET
from msgspec.structs import replace
from scenarios import scenario_text
from typer.testing import CliRunner

from letheon.dosing.order import Order
from letheon.dosing.worksheet_record import arm_record
from letheon.errors import InputError
from letheon.pipeline.plan import plan_arms
from letheon.scenario import dumps, loads
from letheon.scenario.model import Scenario
from letheon.units import MS_PER_HOUR
from letheon.views.commands.main import app
from letheon.views.commands.worksheet import sheet_of

WEEK = "sessions: [{at: 0 h, rate: 10 mg/h, for: 4 h, repeat: {every: 1 day, times: 5}}]"
BOOSTERS = "boosters: {every: 7 days, times: 2, session: {rate: 20 mg/h, for: 3 h}}"
LIST = """[{drug: lidocaine, dose: 1.5 mg/kg, with: each session}, {drug: lidocaine, rate: 1 mg/kg/h, with: each session},
      {drug: lorazepam, dose: 1 mg, every: 12 h, until: day 5}, {drug: Magnesium sulfate, dose: 2 g, every: 1 day}]"""


def scenario(entries: str, more: str = "") -> Scenario:
    arm = f"a: {{drug: racemic, {WEEK}, {more}also: {entries}}}"
    return loads(scenario_text(arm, "sham: {drug: placebo, like: a}", weeks=4), "s.yaml")


def test_doses_are_counted_as_written() -> None:
    """Five sessions and two boosters of 80 kg; day 5 starts at 96 h: eight doses at 0 to 84 h; 28 days of magnesium."""
    read = scenario(LIST, f"{BOOSTERS}, ")
    for arm in read.arms:
        sheet = sheet_of(arm, Order(weight_kg=80.0), round(read.follow_up_h * MS_PER_HOUR))
        record = arm_record(sheet, arm.regimen, arm.like)
        assert record.also
        rows = [(one.mg, one.mg_per_h, one.times, one.total_mg) for one in record.also]
        assert rows == [
            (120.0, None, (5, 7), (600.0, 840.0)),
            (None, 80.0, (5, 7), (80.0 * 20, 80.0 * 26)),
            (1.0, None, (8, 8), (8.0, 8.0)),
            (2000.0, None, (28, 28), (56_000.0, 56_000.0)),
        ]


def test_an_arm_without_other_drugs_has_the_same_plan_and_worksheet() -> None:
    """Red if another drug came to change what is simulated: plans decide it, down to the last byte."""
    read, bare = scenario(LIST), scenario("[{drug: lidocaine, dose: 1 mg, with: each session}]")
    for one, other in zip(plan_arms(read), plan_arms(bare), strict=True):
        assert str(one) == str(other)
    records = []
    for two in (read, bare):
        arm = two.arms[0]
        record = arm_record(sheet_of(arm, Order(), round(two.follow_up_h * MS_PER_HOUR)), arm.regimen)
        records.append(replace(record, also=UNSET))
    assert records[0] == records[1]


def test_what_is_written_reads_back() -> None:
    read = scenario(LIST + " # also a name that YAML would drop\n", "beside: {clonidine: 0.1 mg}, ")
    assert loads(dumps(read)) == read
    named = scenario('[{drug: "null", dose: 1 mg, with: each session}]')
    assert loads(dumps(named)).arms[0].also[0].drug == "null"


def test_arms_like_another_replace_or_remove_the_list() -> None:
    arms = (
        f"a: {{drug: racemic, {WEEK}, also: {LIST}}}",
        "b: {like: a, also: [{drug: lorazepam, dose: 2 mg, with: each session}]}",
        "c: {like: a, also: none}",
    )
    read = loads(scenario_text(*arms))
    assert [len(arm.also) for arm in read.arms] == [4, 1, 0]


def test_a_drug_with_a_computed_effect_is_warned_of() -> None:
    """Midazolam by weight can only stand in `also`; that nothing of it is computed must not go unsaid."""
    warnings = scenario("[{drug: Midazolam, dose: 20 mcg/kg, with: each session}]").warnings
    assert warnings == ("arms.a: no effect of Midazolam is computed in also; beside computes one.",)


ENTRY = "{drug: lidocaine, dose: 1.5 mg/kg, with: each session}"
# fmt: off
REFUSED = [
    (ENTRY.replace("lidocaine", "ketamine"), '.drug: "ketamine" is ketamine, whose effects are computed; write its intravenous doses as sessions, and do not enter doses by other routes, which are not modelled.'),
    (ENTRY.replace("lidocaine", "oral S-Ketamine"), '.drug: "oral S-Ketamine" is ketamine,'),
    (ENTRY.replace("lidocaine", "Spravato"), '.drug: "Spravato" is ketamine,'),
    (ENTRY.replace("lidocaine", "racemic"), '.drug: "racemic" is ketamine,'),
    (ENTRY.replace("lidocaine", "<b>x</b>"), '.drug: "<b>x</b>" cannot name a drug; use letters, digits, spaces and hyphens, begin with a letter, at most 40 characters, e.g. drug: lidocaine.'),
    (ENTRY.replace("lidocaine", "x" * 41), '.drug: "' + "x" * 41 + '" cannot name a drug;'),
    (ENTRY.replace("lidocaine", "clonidine"), '.drug: "clonidine" is listed under beside too; keep one of the two.'),
    (ENTRY.replace("dose: 1.5 mg/kg, ", ""), ': neither dose nor rate is given; write one: dose: 1.5 mg/kg, or rate: 1 mg/kg/h as long as ketamine runs.'),
    (ENTRY.replace("dose", "rate: 1 mg/h, dose"), ': both dose and rate are given; keep one:'),
    (ENTRY.replace(", with: each session", ""), ': neither with nor every is given; write one: with: each session, or every: 12 h.'),
    (ENTRY.replace("with", "every: 12 h, with"), ': both with and every are given; keep one:'),
    ("{drug: lidocaine, rate: 1 mg/h, every: 12 h}", '.every: a rate runs as long as ketamine does; write with: each session, or a dose.'),
    (ENTRY.replace("with", "until: day 5, with"), '.until: until ends doses by the clock, and with gives them by session; leave until out, or write every.'),
    ("{drug: lidocaine, dose: 1 mg, every: 12 h, until: day 1}", '.until: 0 h is not after 0 h and within the follow-up, which ends at 672 h; write e.g. until: day 5.'),
    ("{drug: lidocaine, dose: 1 mg, every: 12 h, until: day 40}", '.until: 936 h is not after 0 h and within the follow-up, which ends at 672 h; write e.g. until: day 5.'),
    ("{drug: lidocaine, dose: 0 mg, every: 12 h}", '.dose: "0 mg" is not above 0 and at most 100 g at 70 kg; write e.g. dose: 1.5 mg/kg.'),
    (ENTRY.replace("1.5 mg/kg", "2 mL"), '.dose: "2 mL" is a volume, and the strength of other drugs is not known; write a mass, e.g. 1.5 mg/kg.'),
    (ENTRY.replace("1.5 mg/kg", "1.5 mg/kg/h"), '.dose: "1.5 mg/kg/h" is a rate, not a dose; write rate: 1.5 mg/kg/h in place of dose.'),
    (ENTRY.replace("with", "route: oral, with"), ': no effect of other drugs is computed, by any route; leave the route out.'),
]
# fmt: on


@pytest.mark.parametrize(("entry", "sentence"), REFUSED)
def test_a_bad_entry_is_refused_in_one_sentence(entry: str, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        scenario(f"[{entry}]", "bag: 5 mg/mL, beside: {clonidine: 0.1 mg}, ")
    assert f"s.yaml, line 5, arms.a.also[1]{sentence}" in str(refused.value)


def test_too_many_entries_are_refused() -> None:
    with pytest.raises(InputError, match=re.escape("arms.a.also: there are 21 entries; write at most 20.")):
        scenario(f"[{', '.join([ENTRY] * 21)}]")


def test_the_sheet_says_that_no_effect_is_computed(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(dumps(scenario(LIST)), encoding="utf-8")
    out = " ".join(CliRunner().invoke(app, ["worksheet", str(path)]).stdout.split())
    assert "lidocaine 1.5 mg/kg = 105 mg with each session; 5 times, 525 mg in all." in out
    assert "lidocaine 1 mg/kg/h = 70 mg/h as long as ketamine runs; 5 times, 1,400 mg in all." in out
    assert "lorazepam 1 mg every 12 h from 0 h until 96 h; 8 times, 8 mg in all." in out
    assert "No effect of these other drugs is computed" in out
    bare = json.loads(CliRunner().invoke(app, ["worksheet", "examples/small.yaml", "--json"]).stdout)
    assert "also" not in bare["arms"]["ketamine"]
