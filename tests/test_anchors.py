"""The default parameters keep the order of relief that is known from trials, and the switches do what they say."""

import numpy as np
import pytest
from scenarios import scenario_text

from letheon.runs import simulate
from letheon.scenario import loads

pytestmark = pytest.mark.long

SETTINGS = {"population": "{n: 512}", "seed": 3}
STEPS = ", ".join(f"{{at: {24 * day} h, rate: {day + 3} mg/kg/h, for: 24 h}}" for day in range(5))
RACEMIC = scenario_text(
    "once: {drug: racemic, sessions: [{at: 0 h, rate: 25 mg/h, for: 4 h}]}",
    "ten_days: {drug: racemic, sessions: [{at: 0 h, rate: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 10}}]}",
    f"anaesthetic: {{drug: racemic, sessions: [{STEPS}]}}",
    "placebo: {drug: placebo, like: once}",
    models="{pain: memory}",
    **SETTINGS,
)


def hundred_hours(models: str = "pain: memory", patients: int = 256):
    """Return the arms of a run of 100 h of esketamine and of placebo."""
    rates = ((0, 5, 24), (24, 10, 24), (48, 15, 24), (72, 20, 28))
    sessions = ", ".join(f"{{at: {start} h, rate: {rate} mg/h/70kg, for: {hours} h}}" for start, rate, hours in rates)
    drug = f"hundred_hours: {{drug: esketamine, sessions: [{sessions}]}}"
    text = scenario_text(drug, "placebo: {drug: placebo, like: hundred_hours}", models=f"{{{models}}}", **SETTINGS)
    return simulate(loads(text), patients=patients).document["arms"]


@pytest.fixture(scope="module")
def arms():
    racemic = simulate(loads(RACEMIC)).document["arms"]
    return racemic | hundred_hours(patients=512)


def relief(arm, day):
    """Share of the placebo arm's pain that the drug takes away."""
    score = arm["endpoints"][f"nrs_day_{day}"]
    return -score["against"]["mean"] / (score["mean"] - score["against"]["mean"])


def test_relief_keeps_the_order_known_from_trials(arms):
    assert abs(relief(arms["once"], 7)) < 0.05  # one short infusion leaves nothing after a week
    hundred = arms["hundred_hours"]
    four_weeks = [relief(arm, 28) for arm in (arms["ten_days"], hundred, arms["anaesthetic"])]
    assert np.all(np.diff(four_weeks) > 0.02)  # more drug over more time relieves more
    assert relief(hundred, 1) < 0.25 < relief(hundred, 3)  # the block comes before the relief
    assert 0.05 < relief(hundred, 84) < relief(hundred, 7)  # which fades but is not gone
    placebo = arms["placebo"]["endpoints"]
    assert placebo["nrs_day_7"]["mean"] < placebo["nrs_day_84"]["mean"]


@pytest.mark.parametrize("models", [("", "flares: off"), ("norketamine: -0.2", "", "norketamine: 1")])
def test_switches_add_relief(models):
    """Flares bring pain back; norketamine adds relief where it blocks and takes it where it opposes."""
    endpoints = [hundred_hours(f"pain: memory, {switch}")["hundred_hours"]["endpoints"] for switch in models]
    assert np.all(np.diff([entry["relief_days"]["mean"] for entry in endpoints]) > 0)


def test_expectancy_helps_in_the_drug_arm_alone():
    plain, hopeful = (hundred_hours(switch) for switch in ("", "expectancy: 1 NRS"))
    before, after = (arms["hundred_hours"]["endpoints"]["nrs_day_7"]["mean"] for arms in (plain, hopeful))
    assert 0.3 < before - after <= 1.0
    assert plain["placebo"]["endpoints"] == hopeful["placebo"]["endpoints"]


def test_components_of_an_average_are_the_runs_of_each_mechanism_alone():
    switches = ("pain: average", "pain: memory", "pain: slow_site")
    average, *alone = (hundred_hours(switch, patients=20)["hundred_hours"] for switch in switches)
    for model, run in zip(("memory", "slow_site"), alone, strict=True):
        assert average["by_model"][model]["endpoints"] == run["endpoints"]
        assert average["by_model"][model]["profile"].items() <= run["profile"].items()
        assert "by_model" not in run
    memory, slow = (-run["endpoints"]["nrs_day_84"]["against"]["mean"] for run in alone)
    assert slow < memory  # a linear slow site has lost nearly all by then
    assert alone[0]["harms"] == alone[1]["harms"] == average["harms"]  # they depend on a fixed timetable alone


def test_induction_lowers_norketamine_late_and_nothing_else():
    levels = []
    for switch in ("", "induction: on"):
        profile = hundred_hours(switch, patients=64)["hundred_hours"]["profile"]
        row = np.searchsorted(profile["time_h"], 96.0)
        concentrations = profile["concentration_ng_per_ml"]
        levels.append([concentrations[name]["mean"][row] for name in ("esnorketamine", "esketamine")])
    norketamine, ketamine = np.array(levels[1]) / levels[0]
    assert 0.5 < norketamine < 0.7 and ketamine == pytest.approx(1.0, abs=1e-5)


def levels_of(pk: str, drug: str, sessions: str, **entries):
    arm = f"a: {{drug: {drug}, sessions: [{sessions}]}}"
    result = simulate(loads(scenario_text(arm, models=f"{{pk: {pk}}}", **entries))).document["arms"]["a"]
    assert result["models"]["levels"]["model"] == pk.split(",")[0]
    return result["profile"]["concentration_ng_per_ml"]


def test_occasions_change_norketamine_between_sessions_only():
    sessions = "{at: 0 h, rate: 20 mg/h, for: 1 h, repeat: {every: 1 day, times: 3}}"
    off, on = (
        levels_of(f"simons2022, occasions: {switch}", "esketamine", sessions, population="{n: 64}", weeks=1)
        for switch in ("off", "on")
    )
    assert off["esketamine"]["mean"] == on["esketamine"]["mean"]
    assert off["esnorketamine"]["mean"] != on["esnorketamine"]["mean"]


@pytest.mark.parametrize("pk", ["perezruixo2021", "pair", "kamp2020", "domino1982", "clements1981", "hijazi2003"])
def test_every_model_runs(pk):
    drug = {"perezruixo2021": "esketamine", "pair": "arketamine"}.get(pk, "racemic")
    levels = levels_of(pk, drug, "{at: 0 h, rate: 22.2 mg/h, for: 24 h}", population="{n: 4}", follow_up="3 days")
    total = sum(max(band["mean"]) for name, band in levels.items() if "nor" not in name)
    assert 50 < total < 500
