"""Labels of support: `randomised` only for what a randomised trial in CRPS measured, and the simulation meets.

The values here were read off the studies by hand.
"""

from pathlib import Path

import pytest

from letheon import library
from letheon.library.met import draws_hash, parse_checks
from letheon.pipeline.labels import Support, plan_support, support_of, support_rows
from letheon.scenario import loads

LEIDEN = """
      - {at: 0 h, rate: 5 mg/h/70kg, for: 24 h}
      - {at: 24 h, rate: 10 mg/h/70kg, for: 24 h}
      - {at: 48 h, rate: 15 mg/h/70kg, for: 24 h}
      - {at: 72 h, rate: 20 mg/h/70kg, for: %s h}
"""
TEN_DAYS = "\n      - {at: 0 h, rate: %s mg/h, for: 4 h, repeat: {every: 1 day, times: 10}}"
FIVE_DAYS_UP = "".join(
    f"\n      - {{at: {24 * i} h, rate: {r} mg/h, for: 24 h}}" for i, r in enumerate((10, 20, 30, 40, 40))
)
WHO = "population: {weight: %s kg, baseline_nrs: %s, age: %s years}\n"
ROOT = Path(__file__).resolve().parent.parent
SIGTERMANS, SCHWARTZMAN = ("sigtermans2009",), ("schwartzman2009",)


def scenario(sessions, drug="esketamine", weeks=12, extra="", rules=""):
    return loads(
        f"letheon: 1\ntitle: t\nfollow_up: {weeks} weeks\n{extra}arms:\n  a:\n    drug: {drug}\n{rules}"
        f"    sessions:{sessions}\n  sham: {{drug: placebo, like: a}}\n"
    )


def label(made, quantity, day, comparator="", arm="a", pain="memory"):
    return support_of(made, made.arm(arm), quantity, (day, day), comparator, pain)


# --- what can give a label ---


def test_every_result_that_can_give_a_label_is_listed():
    """Red when a result comes to support a number, or no longer does, without anybody having looked."""
    found = {
        (row.study.id, row.quantity, row.day, row.comparator, row.sham)
        for row in support_rows()
        if row.arms and row.met("memory") and row.study.design == "randomised"
    }
    assert found == {
        ("sigtermans2009", "nrs", 7, "placebo", False),
        ("sigtermans2009", "nrs", 84, "placebo", False),
        ("sigtermans2009", "psychomimetic_elicited", 4, "", False),
        ("sigtermans2009", "psychomimetic_elicited", 4, "", True),
    }
    assert not any(row.met("slow_site") for row in support_rows() if row.day == 84)
    assert not any(
        row.met(pain) for row in support_rows() if row.study.design != "randomised" for pain in ("memory", "slow_site")
    )


def test_results_were_checked_against_the_draws_that_ship():
    """Red when the posterior changed and the checks did not: see letheon.study.validate.met for the command."""
    from importlib.resources import files

    text = files("letheon.library").joinpath("posterior", "met.toml").read_text("utf-8")
    assert parse_checks(text, "met.toml")[0] == {pain: draws_hash(pain) for pain in library.PAIN_MODELS}


@pytest.mark.slow
def test_the_checks_are_those_that_the_command_makes():
    from letheon.study.records import decode
    from letheon.study.validate.document import Validation
    from letheon.study.validate.met import met_results

    path = ROOT / "docs" / "calibration" / "validation.json"
    assert tuple(met_results(decode(path.read_bytes(), Validation, path.name))) == library.checks()


def test_nothing_that_was_recalled_or_comes_from_another_disease_gives_a_label():
    for row in support_rows():
        assert row.outcome.weight > 0 and row.study.diagnosis == "CRPS" and row.outcome.verified != "recall"
        assert row.day is not None and row.day > 0


def test_every_label_is_explained_in_the_order_of_certainty():
    from letheon.views.subjects.names import SUPPORT

    assert tuple(SUPPORT) == library.SUPPORT_LABELS


# --- the trial's own regimen ---


@pytest.mark.parametrize(
    ("quantity", "day", "comparator", "expected"),
    [
        ("nrs", 7, "placebo", "randomised"),  # 2.68 against 5.45
        ("nrs", 84, "placebo", "randomised"),  # p = 0.07
        ("nrs", 28, "placebo", "extrapolated"),  # no value of that week was read
        ("nrs", 7, "", "extrapolated"),  # 4.3 is simulated where 2.68 was seen
        ("responder_30", 7, "placebo", "extrapolated"),  # never reported
        ("responder_50", 84, "", "extrapolated"),
        ("nrs", 85, "placebo", "assumed"),  # beyond what it followed
    ],
)
def test_the_leiden_trial_supports_what_it_reported(quantity, day, comparator, expected):
    found = label(scenario(LEIDEN % 28), quantity, day, comparator)
    assert found == (Support("assumed") if expected == "assumed" else Support(expected, SIGTERMANS))


def test_relief_days_were_never_reported():
    made = scenario(LEIDEN % 28)
    assert support_of(made, made.arm("a"), "relief_days", (0, 84), "placebo").label == "extrapolated"


def test_the_slow_site_is_not_supported_where_it_misses():
    made = scenario(LEIDEN % 28)
    assert label(made, "nrs", 7, "placebo", pain="slow_site").label == "randomised"
    assert label(made, "nrs", 84, "placebo", pain="slow_site").label == "extrapolated"


@pytest.mark.parametrize(
    ("weight", "nrs", "age", "expected"),
    [
        ("79 ± 19", "7.3 ± 2.0", "46 ± 12", "randomised"),
        ("62 ± 5", "7.3 ± 2.0", "46 ± 12", "randomised"),
        ("30 ± 2", "4 ± 0.5", "46 ± 12", "extrapolated"),
        ("30 ± 2", "7.3 ± 2.0", "46 ± 12", "extrapolated"),
        ("79 ± 19", "4 ± 0.5", "46 ± 12", "extrapolated"),
        ("79 ± 19", "7.3 ± 2.0", "75 ± 5", "extrapolated"),
    ],
)
def test_patients_must_be_like_those_of_the_trial(weight, nrs, age, expected):
    assert label(scenario(LEIDEN % 28, extra=WHO % (weight, nrs, age)), "nrs", 7, "placebo").label == expected


@pytest.mark.parametrize(
    ("hours", "expected"), [(28, "randomised"), (60, "extrapolated"), (24, "randomised"), (200, "assumed")]
)
def test_dose_and_hours_must_be_close(hours, expected):
    """1,280 and 1,912 mg in 100 h: 132 h with 1,920 mg is more than a quarter too long, 272 h with 4,720 mg is neither."""
    assert label(scenario(LEIDEN % hours), "nrs", 84, "placebo").label == expected


def test_dose_goes_by_weight():
    """Rates by weight give a heavy patient the same dose per kg; fixed rates do not."""
    heavy = WHO % ("97 ± 5", "7.3 ± 2.0", "46 ± 12")
    fixed = LEIDEN.replace("/70kg", "")
    assert label(scenario(LEIDEN % 28, extra=heavy), "nrs", 7, "placebo").label == "randomised"
    assert label(scenario(fixed % 28, extra=heavy), "nrs", 7, "placebo").label == "extrapolated"


@pytest.mark.parametrize("switch", ["expectancy: 1", "flares: off", "norketamine: 1", "pk: pair"])
def test_a_model_that_was_not_checked_is_not_supported_by_the_trial(switch):
    made = scenario(LEIDEN % 28, extra=f"models: {{{switch}}}\n")
    assert label(made, "nrs", 7, "placebo").label == "extrapolated"


@pytest.mark.parametrize(
    "rules",
    [
        "    titration: {every: 12 h, step: 5 mg/h, max: 40 mg/h}\n",
        "    boosters: {every: [1 week], session: {rate: 10 mg/h, for: 4 h}}\n",
    ],
)
def test_rules_decided_on_the_way_make_a_regimen_that_nobody_gave(rules):
    assert label(scenario(LEIDEN % 28, rules=rules), "nrs", 84, "placebo").label == "assumed"


def test_another_drug_beside_makes_another_treatment():
    made = scenario(LEIDEN % 28, rules="    beside: {midazolam: 2 mg}\n")
    assert label(made, "nrs", 7, "placebo").label == "extrapolated"


# --- other studies ---


def test_schwartzman_reported_no_score_that_a_result_holds():
    """Its abstract says `p < 0.05` within the arm: no score, no difference from placebo, no share of responders."""
    made = scenario(TEN_DAYS % 25, drug="racemic")
    for quantity, comparator in (("nrs", ""), ("nrs", "placebo"), ("responder_30", "placebo")):
        assert label(made, quantity, 28, comparator) == Support("extrapolated", SCHWARTZMAN)
    assert plan_support(made, made.arm("a")).label == "extrapolated"
    beside = scenario(TEN_DAYS % 25, drug="racemic", rules="    beside: {midazolam: 2 mg, clonidine: 0.1 mg}\n")
    assert plan_support(beside, beside.arm("a")) == Support("randomised", SCHWARTZMAN)  # as the trial gave it


@pytest.mark.parametrize(("rate", "expected"), [(13, "extrapolated"), (9, "assumed"), (70, "assumed")])
def test_extrapolation_ends_at_a_factor_of_two(rate, expected):
    made = scenario(TEN_DAYS % rate, drug="racemic", extra=WHO % ("70 ± 10", "7 ± 1", "46 ± 12"))
    assert label(made, "nrs", 28, "placebo").label == expected


def test_goldberg_supports_nothing_for_its_levels_contradict_its_timetable():
    made = scenario(FIVE_DAYS_UP, drug="racemic")
    assert {label(made, "nrs", day).label for day in (1, 3, 7)} == {"assumed"}
    assert plan_support(made, made.arm("a")).label == "assumed"


def test_a_trial_that_the_simulation_misses_supports_nothing():
    """3, 5 and 7 days: the models give 0.3 % and less to what was found."""
    five = "\n      - {at: 0 h, rate: 24 mg/h, for: 6 h, repeat: {every: 1 day, times: 5}}"
    made = scenario(five, drug="racemic", extra=WHO % ("70 ± 10", "7 ± 1", "46 ± 12"))
    assert label(made, "nrs", 28, "placebo").label == "assumed"


@pytest.mark.parametrize("drug", ["racemic", "arketamine"])
def test_the_same_drip_with_another_drug_is_not_supported(drug):
    assert label(scenario(LEIDEN % 28, drug=drug), "nrs", 7, "placebo").label == "assumed"


def test_a_regimen_that_is_only_recalled_supports_nothing():
    deep = "".join(f"\n      - {{at: {24 * i} h, rate: {3 + i} mg/kg/h, for: 24 h}}" for i in range(5))
    assert label(scenario(deep, drug="racemic"), "nrs", 7).label == "assumed"
