"""The default parameters keep the order of relief that is known from trials, and the switches do what they say."""

import numpy as np
import pytest

from letheon.runs import simulate
from letheon.scenario import loads

pytestmark = pytest.mark.long

RACEMIC = """
letheon: 1
title: "order of relief"
population: {n: 512}
follow_up: 12 weeks
seed: 3
models: {%s}
arms:
  once:
    drug: racemic
    sessions: [{at: 0 h, rate: 25 mg/h, for: 4 h}]
  ten_days:
    drug: racemic
    sessions: [{at: 0 h, rate: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 10}}]
  anaesthetic:
    drug: racemic
    sessions:
      - {at: 0 h, rate: 3 mg/kg/h, for: 24 h}
      - {at: 24 h, rate: 4 mg/kg/h, for: 24 h}
      - {at: 48 h, rate: 5 mg/kg/h, for: 24 h}
      - {at: 72 h, rate: 6 mg/kg/h, for: 24 h}
      - {at: 96 h, rate: 7 mg/kg/h, for: 24 h}
  placebo: {drug: placebo, like: once}
"""
LONG = """
letheon: 1
title: "100 h"
population: {n: 512}
follow_up: 12 weeks
seed: 3
models: {%s}
arms:
  hundred_hours:
    drug: esketamine
    sessions:
      - {at: 0 h, rate: 5 mg/h/70kg, for: 24 h}
      - {at: 24 h, rate: 10 mg/h/70kg, for: 24 h}
      - {at: 48 h, rate: 15 mg/h/70kg, for: 24 h}
      - {at: 72 h, rate: 20 mg/h/70kg, for: 28 h}
  placebo: {drug: placebo, like: hundred_hours}
"""


@pytest.fixture(scope="module")
def arms():
    racemic = simulate(loads(RACEMIC % "")).document["arms"]
    return simulate(loads(LONG % "")).document["arms"] | {k: v for k, v in racemic.items() if k != "placebo"}


def relief(arm, day):
    """Share of the placebo arm's pain that the drug takes away."""
    score = arm["endpoints"][f"nrs_day_{day}"]
    return -score["minus_placebo"] / (score["mean"] - score["minus_placebo"])


def test_relief_keeps_the_order_known_from_trials(arms):
    assert abs(relief(arms["once"], 7)) < 0.05  # one short infusion leaves nothing after a week
    hundred = arms["hundred_hours"]
    four_weeks = [relief(arm, 28) for arm in (arms["ten_days"], hundred, arms["anaesthetic"])]
    assert np.all(np.diff(four_weeks) > 0.02)  # more drug over more time relieves more
    assert relief(hundred, 1) < 0.25 < relief(hundred, 3)  # the block comes before the relief
    assert 0.05 < relief(hundred, 84) < relief(hundred, 7)  # which fades but is not gone
    slow = hundred["rival"]["endpoints"]["nrs_day_84"]  # a linear slow site has lost nearly all by then
    assert -slow["minus_placebo"] < -hundred["endpoints"]["nrs_day_84"]["minus_placebo"]
    placebo = arms["placebo"]["endpoints"]
    assert placebo["nrs_day_7"]["mean"] < placebo["nrs_day_84"]["mean"]


@pytest.mark.parametrize("models", [("", "flares: off"), ("norketamine: -0.2", "", "norketamine: 1")])
def test_switches_add_relief(models):
    """Flares bring pain back; norketamine adds relief where it blocks and takes it where it opposes."""
    arms = [simulate(loads(LONG % extra), patients=256).document["arms"]["hundred_hours"] for extra in models]
    assert np.all(np.diff([arm["endpoints"]["relief_days"]["mean"] for arm in arms]) > 0)


def test_expectancy_helps_in_the_drug_arm_alone():
    plain, hopeful = (
        simulate(loads(LONG % extra), patients=256).document["arms"] for extra in ("", "expectancy: 1 NRS")
    )
    gained = plain["hundred_hours"]["endpoints"]["nrs_day_7"]["mean"]
    gained -= hopeful["hundred_hours"]["endpoints"]["nrs_day_7"]["mean"]
    assert 0.3 < gained <= 1.0
    assert plain["placebo"]["endpoints"] == hopeful["placebo"]["endpoints"]


def test_the_chosen_pain_model_and_its_rival_change_places():
    memory, slow = (
        simulate(loads(LONG % f"pain: {pain}"), patients=20).document["arms"]["hundred_hours"]
        for pain in ("memory", "slow_site")
    )
    assert memory["endpoints"]["nrs_day_28"] == slow["rival"]["endpoints"]["nrs_day_28"]
    assert slow["endpoints"]["nrs_day_28"] == memory["rival"]["endpoints"]["nrs_day_28"]
    assert "slow_site_effect" in slow["profile"]
    assert "sensitisation" in memory["profile"]
    assert "rival" not in simulate(loads(LONG % "rival: off"), patients=20).document["arms"]["hundred_hours"]


def test_induction_lowers_norketamine_late_and_nothing_else():
    plain, induced = (
        simulate(loads(LONG % extra), patients=64).document["arms"]["hundred_hours"]["profile"]
        for extra in ("", "induction: on")
    )
    at = [np.searchsorted(p["time_h"], 96.0) for p in (plain, induced)]

    def level(profile, row, name):
        return profile["concentration_ng_per_ml"][name]["mean"][row]

    ratio = level(induced, at[1], "esnorketamine") / level(plain, at[0], "esnorketamine")
    assert 0.5 < ratio < 0.7
    same = level(induced, at[1], "esketamine") / level(plain, at[0], "esketamine")
    assert same == pytest.approx(1.0, abs=1e-5)


def test_occasions_change_norketamine_between_sessions_only():
    sessions = """
letheon: 1
title: occasions
population: {n: 64}
follow_up: 7 days
models: {pk: simons2022, occasions: %s}
arms:
  a: {drug: esketamine, sessions: [{at: 0 h, rate: 20 mg/h, for: 1 h, repeat: {every: 1 day, times: 3}}]}
"""
    off, on = (
        simulate(loads(sessions % s)).document["arms"]["a"]["profile"]["concentration_ng_per_ml"] for s in ("off", "on")
    )
    assert off["esketamine"]["mean"] == on["esketamine"]["mean"]
    assert off["esnorketamine"]["mean"] != on["esnorketamine"]["mean"]


@pytest.mark.parametrize(
    ("pk", "drug"),
    [
        ("perezruixo2021", "esketamine"),
        ("pair", "arketamine"),
        ("kamp2020", "racemic"),
        ("kamp2020", "arketamine"),
        ("domino1982", "racemic"),
        ("clements1981", "racemic"),
        ("hijazi2003", "racemic"),
    ],
)
def test_every_model_runs(pk, drug):
    text = (
        f"letheon: 1\ntitle: t\npopulation: {{n: 4}}\nfollow_up: 3 days\nmodels: {{pk: {pk}}}\n"
        f"arms:\n  a: {{drug: {drug}, sessions: [{{at: 0 h, rate: 22.2 mg/h, for: 24 h}}]}}\n"
    )
    arm = simulate(loads(text)).document["arms"]["a"]
    levels = arm["profile"]["concentration_ng_per_ml"]
    total = sum(max(band["mean"]) for name, band in levels.items() if "nor" not in name)
    assert 50 < total < 500
    assert arm["models"]["levels"]["model"] == pk
