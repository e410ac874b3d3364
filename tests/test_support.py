"""How far to trust: warnings with source and range, quantiles. Labels have a file of their own, test_labels.py."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from letheon.pipeline import plan_arms
from letheon.pipeline.support import model_warnings, quantiles
from letheon.scenario import loads


def scenario(sessions, drug="esketamine", weeks=12, extra=""):
    return loads(
        f"letheon: 1\ntitle: t\nfollow_up: {weeks} weeks\n{extra}arms:\n  a:\n    drug: {drug}\n    sessions:{sessions}"
        "\n  sham: {drug: placebo, like: a}\n"
    )


LEIDEN = "".join(
    f"\n      - {{at: {24 * k} h, rate: {5 * (k + 1)} mg/h/70kg, for: {28 if k == 3 else 24} h}}" for k in range(4)
)


ONE_HOUR = "\n      - {at: 0 h, rate: 10 mg/h, for: 1 h}"


def warnings_of(scenario):
    return model_warnings(scenario, plan_arms(scenario))


def test_warnings_name_source_range_and_arm_once():
    warnings = warnings_of(scenario(LEIDEN))
    (over,) = (w for w in warnings if "on the drip; reached here" in w and "Otto 2021" in w)
    assert "studied up to 2 h on the drip" in over
    assert "a 100" in over
    assert len(warnings) == len(set(warnings))
    deep = "\n      - {at: 0 h, rate: 7 mg/kg/h, for: 24 h}"
    warnings = [w for w in warnings_of(scenario(deep, drug="racemic")) if "mg/h at 70 kg" in w]
    assert "a 490" in warnings[0] and "extrapolated" in warnings[0]
    assert any("beyond 12 weeks" in w for w in warnings_of(scenario(ONE_HOUR, weeks=52)))


@pytest.mark.parametrize(("dose", "warned"), [(0.25, False), (0.35, True)])
def test_the_rate_of_a_push_is_judged_by_its_dose(dose, warned):
    push = f"\n      - {{at: 0 h, push: {dose} mg/kg, over: 10 s}}\n      - {{at: 0 h, rate: 10 mg/h, for: 4 h}}"
    warnings = warnings_of(scenario(push, "racemic", extra="models: {pk: clements1981}\n"))
    assert not any("mg/h at 70 kg" in w for w in warnings)
    assert any("with pushes up to 0.25 mg/kg; given here: a 0.35 mg/kg" in w for w in warnings) == warned
    assert any("without pushes" in w for w in warnings_of(scenario(push, "racemic")))


@pytest.mark.parametrize(("pk", "warned"), [("pair", True), ("kamp2020", False)])
def test_norketamine_is_doubted_only_where_a_model_has_it(pk, warned):
    day = "\n      - {at: 0 h, rate: 10 mg/h, for: 24 h}"
    warnings = warnings_of(scenario(day, "racemic", extra=f"models: {{pk: {pk}}}\n"))
    assert any("orketamine" in w for w in warnings) == warned


def test_weights_inside_are_not_warned_about():
    few = "population: {n: 10, weight: 70 ± 4 kg, baseline_nrs: 7 ± 1}\n"
    assert warnings_of(scenario(ONE_HOUR, extra=few)) == []
    heavy = "population: {n: 10, weight: 120 ± 10 kg}\n"
    assert any("100% of these patients lie outside" in w for w in warnings_of(scenario(ONE_HOUR, extra=heavy)))


@pytest.mark.parametrize(
    ("population", "realised"),
    [
        ("baseline_nrs: 8.9 ± 1.9", "8.04 ± 1.30"),
        ("baseline_nrs: 7 ± 1", None),
        ("baseline_nrs: 7 ± 1, weight: 79 ± 60 kg", "76.9 ± 46.7 kg"),
        ("baseline_nrs: 7 ± 1, weight: 79 ± 19 kg", None),
        ("baseline_nrs: 7 ± 1, weight: 79 ± 1e-170 kg", None),
        ("baseline_nrs: 7 ± 1, age: 20 ± 12 years", "28.3 ± 7.6 years"),
    ],
)
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
