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


def test_one_short_infusion_leaves_nothing_after_a_week(arms):
    assert abs(relief(arms["once"], 7)) < 0.05


def test_more_drug_over_more_time_relieves_more_at_four_weeks(arms):
    order = [relief(arms[name], 28) for name in ("ten_days", "hundred_hours", "anaesthetic")]
    assert order == sorted(order)
    assert np.all(np.diff(order) > 0.02)


def test_relief_after_100_h_fades_over_weeks_but_is_not_gone(arms):
    early, late = relief(arms["hundred_hours"], 7), relief(arms["hundred_hours"], 84)
    assert 0.05 < late < early


def test_two_clocks_little_on_day_1_clear_on_day_3(arms):
    assert relief(arms["hundred_hours"], 1) < 0.25 < relief(arms["hundred_hours"], 3)


def test_placebo_fades_and_is_no_drug(arms):
    score = arms["placebo"]["endpoints"]
    assert score["nrs_day_7"]["mean"] < score["nrs_day_84"]["mean"]
    assert max(arms["placebo"]["profile"]["nmda_block"]["q95"]) == 0.0


def test_the_rival_forgets_what_the_memory_keeps(arms):
    """A linear slow site has lost nearly all by week 12; a self-sustaining memory has not."""
    arm = arms["hundred_hours"]
    slow = arm["rival"]["endpoints"]["nrs_day_84"]
    assert -slow["minus_placebo"] < -arm["endpoints"]["nrs_day_84"]["minus_placebo"]


def test_without_flares_the_rebooted_stay_well():
    calm = simulate(loads(LONG % "flares: off")).document["arms"]["hundred_hours"]["endpoints"]
    stormy = simulate(loads(LONG % "")).document["arms"]["hundred_hours"]["endpoints"]
    assert calm["relief_days"]["mean"] > stormy["relief_days"]["mean"]


def test_expectancy_helps_in_the_drug_arm_alone():
    plain, hopeful = (
        simulate(loads(LONG % extra), patients=256).document["arms"] for extra in ("", "expectancy: 1 NRS")
    )
    gained = plain["hundred_hours"]["endpoints"]["nrs_day_7"]["mean"]
    gained -= hopeful["hundred_hours"]["endpoints"]["nrs_day_7"]["mean"]
    assert 0.3 < gained <= 1.0
    assert plain["placebo"]["endpoints"] == hopeful["placebo"]["endpoints"]


def test_norketamine_that_blocks_adds_relief_and_that_opposes_takes_it():
    relieved = [
        simulate(loads(LONG % f"norketamine: {w}"), patients=256).document["arms"]["hundred_hours"]["endpoints"][
            "relief_days"
        ]["mean"]
        for w in (-0.2, 0, 1)
    ]
    assert relieved == sorted(relieved)
    assert relieved[0] < relieved[2]


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


def test_an_arm_of_nothing_but_pauses_gives_nothing():
    text = (
        "letheon: 1\ntitle: t\npopulation: {n: 4}\nfollow_up: 3 days\n"
        "arms:\n  a: {drug: racemic, sessions: [{at: 0 h, rate: 0 mg/h, for: 4 h}]}\n"
    )
    arm = simulate(loads(text)).document["arms"]["a"]
    assert arm["endpoints"]["dose_mg"]["mean"] == 0.0
    assert max(arm["profile"]["concentration_ng_per_ml"]["esketamine"]["q95"]) == 0.0
