"""How far to trust: labels, `randomised` only for what a randomised trial in CRPS measured and the simulation meets,
warnings with source and range, and quantiles.

The values here were read off the studies by hand.
"""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from letheon import library
from letheon.library.met import draws_hash, parse_checks
from letheon.pipeline.labels import Support, plan_support, support_of, support_rows
from letheon.pipeline.support import model_warnings, quantiles
from letheon.scenario import loads
from letheon.views.subjects.names import SUPPORT

LEIDEN = """
      - {at: 0 h, rate: 5 mg/h/70kg, for: 24 h}
      - {at: 24 h, rate: 10 mg/h/70kg, for: 24 h}
      - {at: 48 h, rate: 15 mg/h/70kg, for: 24 h}
      - {at: 72 h, rate: 20 mg/h/70kg, for: %s h}
"""
ONE_HOUR = "\n      - {at: 0 h, rate: 10 mg/h, for: 1 h}"
TEN_DAYS = "\n      - {at: 0 h, rate: %s mg/h, for: 4 h, repeat: {every: 1 day, times: 10}}"
FIVE_DAYS_UP = "".join(
    f"\n      - {{at: {24 * i} h, rate: {r} mg/h, for: 24 h}}" for i, r in enumerate((10, 20, 30, 40, 40))
)
WHO = "population: {weight: %s kg, baseline_nrs: %s, age: %s years}\n"
ROOT = Path(__file__).resolve().parent.parent
SIGTERMANS, SCHWARTZMAN = ("sigtermans2009",), ("schwartzman2009",)


def scenario(sessions, drug="esketamine", extra="", rules="", weeks=12):
    return loads(
        f"letheon: 1\ntitle: t\nfollow_up: {weeks} weeks\n{extra}arms:\n  a:\n    drug: {drug}\n{rules}"
        f"    sessions:{sessions}\n  sham: {{drug: placebo, like: a}}\n"
    )


def label(plan, quantity, day, comparator="", pain="memory"):
    return support_of(plan, plan.arm("a"), quantity, (day, day), comparator, pain)


def test_every_result_that_can_give_a_label_is_listed():
    """Red when a result comes to support a number, or no longer does, without anybody having looked."""
    results = {
        (row.study.id, row.quantity, row.day, row.comparator, row.sham)
        for row in support_rows()
        if row.arms and row.met("memory") and row.study.design == "randomised"
    }
    assert results == {
        ("sigtermans2009", "nrs", 7, "placebo", False),
        ("sigtermans2009", "nrs", 84, "placebo", False),
        ("sigtermans2009", "psychomimetic_elicited", 4, "", False),
        ("sigtermans2009", "psychomimetic_elicited", 4, "", True),
    }
    differences = {row.day for row in support_rows() if row.comparator and row.met("slow_site")}
    assert differences == {7, 84}  # the second narrowly: -0.135 where -2.42 to -0.118 is reported
    assert not any(
        row.met(pain) for row in support_rows() if row.study.design != "randomised" for pain in ("memory", "slow_site")
    )


def test_results_were_checked_against_the_draws_that_ship():
    """Red when the posterior changed and the checks did not: see letheon.study.validate.met for the command."""
    text = files("letheon.library").joinpath("posterior", "met.toml").read_text("utf-8")
    assert parse_checks(text, "met.toml")[0] == {pain: draws_hash(pain) for pain in library.PAIN_MODELS}


@pytest.mark.slow
def test_the_checks_are_those_that_the_command_makes():
    from letheon.study.records import decode
    from letheon.study.validate.document import Validation
    from letheon.study.validate.met import met_results

    path = ROOT / "docs" / "calibration" / "validation.json"
    assert tuple(met_results(decode(path.read_bytes(), Validation, path.name))) == library.checks()


def test_nothing_recalled_or_from_another_disease_gives_a_label():
    assert tuple(SUPPORT) == library.SUPPORT_LABELS  # each explained, in the order of certainty
    for row in support_rows():
        assert row.outcome.weight > 0 and row.study.diagnosis == "CRPS" and row.outcome.verified != "recall"
        assert row.day is not None and row.day > 0


TRIAL, CRPS = LEIDEN % 28, WHO % ("70 ± 10", "7 ± 1", "46 ± 12")
TITRATED = "    titration: {every: 12 h, step: 5 mg/h, max: 40 mg/h}\n"
BOOSTED = "    boosters: {every: [1 week], session: {rate: 10 mg/h, for: 4 h}}\n"
BESIDE = "    beside: {midazolam: 2 mg%s}\n"
ALSO = "    also: [{drug: lidocaine, dose: 1.5 mg/kg, with: each session}]\n"
DEEP = "".join(f"\n      - {{at: {24 * i} h, rate: {3 + i} mg/kg/h, for: 24 h}}" for i in range(5))
FIVE_DAYS = "\n      - {at: 0 h, rate: 24 mg/h, for: 6 h, repeat: {every: 1 day, times: 5}}"
WEEK_1 = ("nrs", 7, "placebo")


@pytest.mark.parametrize(
    ("sessions", "options", "what", "expected"),
    [
        # the trial's own regimen
        (TRIAL, {}, WEEK_1, "randomised"),  # 2.68 against 5.45
        (TRIAL, {}, ("nrs", 84, "placebo"), "randomised"),  # p = 0.07
        (TRIAL, {}, ("nrs", 28, "placebo"), "extrapolated"),  # no value of that week was read
        (TRIAL, {}, ("nrs", 7, ""), "extrapolated"),  # 4.3 is simulated where 2.68 was seen
        (TRIAL, {}, ("responder_30", 7, "placebo"), "extrapolated"),  # never reported
        (TRIAL, {}, ("responder_50", 84, ""), "extrapolated"),
        (TRIAL, {}, ("nrs", 85, "placebo"), "assumed"),  # beyond what it followed
        # patients must be like those of the trial
        (TRIAL, {"extra": WHO % ("62 ± 5", "7.3 ± 2.0", "46 ± 12")}, WEEK_1, "randomised"),
        (TRIAL, {"extra": WHO % ("30 ± 2", "7.3 ± 2.0", "46 ± 12")}, WEEK_1, "extrapolated"),
        (TRIAL, {"extra": WHO % ("79 ± 19", "4 ± 0.5", "46 ± 12")}, WEEK_1, "extrapolated"),
        (TRIAL, {"extra": WHO % ("79 ± 19", "7.3 ± 2.0", "75 ± 5")}, WEEK_1, "extrapolated"),
        # rates by weight give a heavy patient the same dose per kg; fixed rates do not
        (TRIAL, {"extra": WHO % ("97 ± 5", "7.3 ± 2.0", "46 ± 12")}, WEEK_1, "randomised"),
        (TRIAL.replace("/70kg", ""), {"extra": WHO % ("97 ± 5", "7.3 ± 2.0", "46 ± 12")}, WEEK_1, "extrapolated"),
        # 1,280 and 1,912 mg in 100 h: 132 h with 1,920 mg is over a quarter too long, 272 h with 4,720 mg is neither
        (LEIDEN % 24, {}, ("nrs", 84, "placebo"), "randomised"),
        (LEIDEN % 60, {}, ("nrs", 84, "placebo"), "extrapolated"),
        (LEIDEN % 200, {}, ("nrs", 84, "placebo"), "assumed"),
        # a model that was not checked, rules decided on the way, another drug or one beside
        *[
            (TRIAL, {"extra": f"models: {{{switch}}}\n"}, WEEK_1, "extrapolated")
            for switch in ("expectancy: 1", "flares: off", "norketamine: 1", "pk: pair")
        ],
        (TRIAL, {"rules": TITRATED}, ("nrs", 84, "placebo"), "assumed"),
        (TRIAL, {"rules": BOOSTED}, ("nrs", 84, "placebo"), "assumed"),
        (TRIAL, {"rules": BESIDE % ""}, WEEK_1, "extrapolated"),
        (TRIAL, {"rules": ALSO}, WEEK_1, "extrapolated"),  # nothing of it is computed, and nobody gave both
        (TRIAL, {"drug": "racemic"}, WEEK_1, "assumed"),
        (TRIAL, {"drug": "arketamine"}, WEEK_1, "assumed"),
        # its abstract says `p < 0.05` within the arm: no score, no difference from placebo, no share of responders
        *[
            (TEN_DAYS % 25, {"drug": "racemic"}, (quantity, 28, comparator), "extrapolated")
            for quantity, comparator in (("nrs", ""), ("nrs", "placebo"), ("responder_30", "placebo"))
        ],
        # extrapolation ends at a factor of two
        (TEN_DAYS % 13, {"drug": "racemic", "extra": CRPS}, ("nrs", 28, "placebo"), "extrapolated"),
        (TEN_DAYS % 9, {"drug": "racemic", "extra": CRPS}, ("nrs", 28, "placebo"), "assumed"),
        (TEN_DAYS % 70, {"drug": "racemic", "extra": CRPS}, ("nrs", 28, "placebo"), "assumed"),
        # Goldberg reports nothing with an error; 3, 5 and 7 days: the models give 0.5 % and less to the results
        *[(FIVE_DAYS_UP, {"drug": "racemic"}, ("nrs", day, ""), "assumed") for day in (1, 3, 7)],
        (FIVE_DAYS, {"drug": "racemic", "extra": CRPS}, ("nrs", 28, "placebo"), "assumed"),
        (DEEP, {"drug": "racemic"}, ("nrs", 7, ""), "assumed"),  # a regimen that is only recalled
    ],
)
def test_support_is_what_the_studies_measured(sessions, options, what, expected) -> None:
    study = SCHWARTZMAN if options.get("drug") == "racemic" else SIGTERMANS
    support = label(scenario(sessions, **options), *what)
    assert support == Support(expected, () if expected == "assumed" else study)


def test_each_model_has_its_own_support_and_time_to_relief_none() -> None:
    plan = scenario(TRIAL)
    assert label(plan, *WEEK_1, pain="slow_site").label == "randomised"
    assert label(plan, "nrs", 84, "placebo", pain="slow_site").label == "randomised"
    assert support_of(plan, plan.arm("a"), "relief_days", (0, 84), "placebo").label == "extrapolated"


ONCE = "\n      - {at: 0 h, %s}"


@pytest.mark.parametrize(
    ("drug", "sessions", "rules", "expected"),
    [
        ("racemic", TEN_DAYS % 25, "", "extrapolated"),
        ("racemic", TEN_DAYS % 25, BESIDE % ", clonidine: 0.1 mg", "randomised"),  # as the trial gave it
        ("racemic", TEN_DAYS % 33.75, "", "extrapolated"),  # practice; near schwartzman2009
        ("racemic", FIVE_DAYS_UP, "", "uncontrolled"),  # dose, days and hours of goldberg2010
        ("racemic", FIVE_DAYS, "", "randomised"),  # duration357
        ("racemic", ONCE % "rate: 15 mg/h, for: 72 h", "", "extrapolated"),  # near duration357, as correll2004
        ("racemic", ONCE % "rate: 52.5 mg/h, for: 40 min", "", "assumed"),  # pickering2020: neuropathic pain
        ("esketamine", ONCE % "rate: 70 mg/h, for: 30 min", "", "assumed"),  # noppers2011: fibromyalgia
    ],
)
def test_support_of_a_plan(drug: str, sessions: str, rules: str, expected: str) -> None:
    """Red when a trial in another disease, or a schedule without results, lends its label to a regimen in CRPS."""
    plan = scenario(sessions, drug=drug, rules=rules)
    assert plan_support(plan, plan.arm("a")).label == expected


def warnings_of(scenario):
    return model_warnings(scenario)


def test_warnings_name_source_range_and_arm_once():
    warnings = warnings_of(scenario(LEIDEN % 28))
    (over,) = (w for w in warnings if "of infusion; reached here" in w and "Otto 2021" in w)
    assert "studied up to 2 h of infusion" in over
    assert "a 100" in over
    assert len(warnings) == len(set(warnings))
    deep = "\n      - {at: 0 h, rate: 7 mg/kg/h, for: 24 h}"
    warnings = [w for w in warnings_of(scenario(deep, drug="racemic")) if "mg/h at 70 kg; reached" in w]
    assert "a 490" in warnings[0] and "extrapolated" in warnings[0]
    assert any("beyond 12 weeks" in w for w in warnings_of(scenario(ONE_HOUR, weeks=52)))


@pytest.mark.parametrize(("dose", "warned"), [(0.25, False), (0.35, True)])
def test_the_rate_of_a_push_is_judged_by_its_dose(dose, warned):
    push = f"\n      - {{at: 0 h, push: {dose} mg/kg, over: 10 s}}\n      - {{at: 0 h, rate: 10 mg/h, for: 4 h}}"
    warnings = warnings_of(scenario(push, "racemic", extra="models: {pk: clements1981}\n"))
    assert not any("mg/h at 70 kg; reached" in w for w in warnings)
    assert any("with pushes up to 0.25 mg/kg; given here: a 0.35 mg/kg" in w for w in warnings) == warned
    assert any("without pushes" in w for w in warnings_of(scenario(push, "racemic")))


@pytest.mark.parametrize(("pk", "warned"), [("pair", True), ("kamp2020", False)])
def test_norketamine_is_doubted_only_where_a_model_has_it(pk, warned):
    day = "\n      - {at: 0 h, rate: 10 mg/h, for: 24 h}"
    warnings = warnings_of(scenario(day, "racemic", extra=f"models: {{pk: {pk}}}\n"))
    assert any("orketamine" in w for w in warnings) == warned


@pytest.mark.parametrize(
    ("drug", "rate", "words"),
    [
        ("esketamine", "1 mg/h", "below that of every fitted trial of esketamine (lowest 20 mg/h, sigtermans2009)"),
        ("esketamine", "22 mg/h", ""), ("racemic", "20 mg/h", ""), ("arketamine", "1 mg/h", ""),
        ("racemic", "5 mg/kg/h", "above that of every fitted trial of racemic (highest 52.5 mg/h, pickering2020)"),
    ],
)  # fmt: skip
def test_rates_that_no_fitted_trial_reached_are_named(drug, rate, words):
    """Red when the trial that sets the low or the high end of what was fitted is another one, or not named."""
    warnings = warnings_of(scenario(f"\n      - {{at: 0 h, rate: {rate}, for: 4 h}}", drug=drug))
    assert [w for w in warnings if "fitted trial" in w and words in w] == [w for w in warnings if "fitted trial" in w]
    assert any("fitted trial" in w for w in warnings) == bool(words)


TEN = "\n      - {at: 0 h, rate: 10 mg/h, for: 24 h}"
UP = "    titration: {every: 6 h, step: %s mg/h, max: %s mg/h}\n"
LATER = "    boosters: {every: 2 weeks, session: {rate: %s mg/h, for: %s h}}\n"


@pytest.mark.parametrize(
    ("rules", "rate"),
    [
        ("", 10),
        (UP % (10, 40), 40),  # 10, 20, 30 and 40 mg/h
        (UP % (2, 40), 16),  # three looks
        (UP % (100, 400), 310),
        (LATER % (30, 4), 30),
        (LATER % (200, 4), 200),
        (UP % (10, 40) + LATER % (5, 4), 40),
        ("    wean: {over: 4 h, steps: 2}\n", 10),
    ],
)
def test_warnings_of_rates_go_by_the_highest_that_rules_may_reach(rules, rate):
    """Red when 10 mg/h, titrated to 40, is said to stay below a trial of 20 mg/h, or 310 mg/h go unmentioned."""
    warnings = warnings_of(scenario(TEN, drug="racemic", rules=rules))
    fitted = [w for w in warnings if "fitted trial" in w]
    expected = {True: "below", False: "above"}[rate < 20]
    assert fitted == [] if 20 <= rate <= 52 else f"{rate} mg/h at 70 kg, is {expected} that" in fitted[0]
    assert any("mg/h at 70 kg; reached here: a" in w for w in warnings) == (rate > 80)


def test_warnings_of_hours_go_by_boosters_and_weaning_too():
    session = "\n      - {at: 0 h, rate: 20 mg/h, for: 3 h}"
    for rules, hours in (("", 0), (LATER % (20, 30), 30), ("    wean: {over: 4 h, steps: 2}\n", 7)):
        said = [w for w in warnings_of(scenario(session, "racemic", rules=rules)) if "of infusion; reached here" in w]
        assert (f"a {hours} " in said[0]) if hours else said == []


def test_weights_inside_are_not_warned_about():
    few = "population: {n: 10, weight: 70 ± 4 kg, baseline_nrs: 7 ± 1}\n"
    assert warnings_of(scenario("\n      - {at: 0 h, rate: 25 mg/h, for: 1 h}", extra=few)) == []
    heavy = "population: {n: 10, weight: 120 ± 10 kg}\n"
    assert any("100% of these patients lie outside" in w for w in warnings_of(scenario(ONE_HOUR, extra=heavy)))


@pytest.mark.parametrize(
    ("population", "realised"),
    [
        ("baseline_nrs: 8.9 ± 1.9", "8.04 ± 1.30"), ("baseline_nrs: 7 ± 1", None),
        ("baseline_nrs: 7 ± 1, weight: 79 ± 60 kg", "76.9 ± 46.7 kg"),
        ("baseline_nrs: 7 ± 1, weight: 79 ± 19 kg", None), ("baseline_nrs: 7 ± 1, weight: 79 ± 1e-170 kg", None),
        ("baseline_nrs: 7 ± 1, age: 20 ± 12 years", "28.3 ± 7.6 years"),
    ],
)  # fmt: skip
def test_patients_unlike_the_scenarios_have_a_warning(population, realised):
    warnings = warnings_of(scenario(ONE_HOUR, extra=f"population: {{{population}}}\n"))
    assert [realised in w for w in warnings if "was asked for" in w] == ([True] if realised else [])


def test_models_without_variability_have_a_warning_unless_it_is_borrowed():
    short = "\n      - {at: 0 h, rate: 10 mg/h, for: 30 min}"
    few = "population: {n: 10, weight: 70 ± 4 kg}\nmodels: {pk: kamp2020%s}\n"
    for switch, warned in (("", True), (", borrow_variability: on", False)):
        warnings = warnings_of(scenario(short, "racemic", extra=few % switch))
        assert any("no published variability" in w for w in warnings) == warned


@given(
    hnp.arrays(float, st.tuples(st.integers(1, 70), st.integers(1, 3)), elements=st.floats(-1e6, 1e6)),
    st.floats(0.0, 1.0),
)
def test_quantiles_are_those_of_numpy(values, share):
    assert quantiles(values, (share, 0.5)) == pytest.approx(
        np.quantile(values, (share, 0.5), axis=0), rel=1e-12, abs=1e-9
    )


def test_quantiles_of_what_is_missing_are_missing():
    assert np.isnan(quantiles(np.array([1.0, np.nan, 2.0]), (0.05,))[0])
    many = np.random.default_rng(0).normal(size=5000)
    assert quantiles(many, (0.25,))[0] == np.quantile(many, 0.25)
