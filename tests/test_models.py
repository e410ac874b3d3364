"""Which plasma models a run takes: those of its drug, and one set where drugs stand side by side."""

import pytest

from letheon.pipeline import plan_arms
from letheon.pipeline.models import chosen_models, common_models, models_sentence
from letheon.scenario import loads, loads_search

SESSION = "sessions: [{at: 0 h, rate: 10 mg/h, for: 2 h}]"


def scenario(*drugs, pk="auto"):
    arms = "".join(f"  {drug}: {{drug: {drug}, {SESSION}}}\n" for drug in drugs)
    return loads(
        f"letheon: 1\ntitle: t\npopulation: {{n: 8}}\nfollow_up: 1 day\nmodels: {{pk: {pk}, rival: off}}\narms:\n{arms}"
        f"  sham: {{drug: placebo, like: {drugs[0]}}}\n"
    )


def models_of(text):
    return {plan.name: {part.model for part in plan.structure.parts} for plan in plan_arms(text)}


@pytest.mark.parametrize(
    ("drugs", "levels", "acute"),
    [
        (("esketamine",), "otto2021", "simons2022"),
        (("racemic",), "pair", "pair"),
        (("arketamine", "racemic"), "pair", "pair"),
        (("esketamine", "racemic"), "pair", "pair"),
        (("arketamine", "esketamine"), "pair", "pair"),
    ],
)
def test_arms_of_one_run_share_their_models(drugs, levels, acute):
    """Red when levels of two arms come from different models, or a run of one drug changes its own."""
    text = scenario(*drugs)
    assert dict(common_models(text)) == {"levels": levels, "acute": acute}
    assert set(map(frozenset, models_of(text).values())) == {frozenset({levels, acute})}


def test_the_model_of_the_scenario_is_used():
    assert dict(chosen_models({"racemic", "esketamine"}, "kamp2020")) == {"levels": "kamp2020", "acute": "kamp2020"}
    assert models_sentence(scenario("esketamine", "racemic", pk="kamp2020")) is None


def test_a_search_sets_its_regimens_side_by_side_under_one_model():
    """Red when a batch of candidates decides their model, or the file of a candidate runs under another."""
    from letheon.study.optimise.search import _published, _with_one_model

    text = (
        f"letheon: 1\ntitle: t\nfollow_up: 4 weeks\narms: {{drip: {{drug: esketamine, {SESSION}}}}}\n"
        "optimise: {arm: drip, vary: {sessions.1.for: {choose: [1 h, 4 h]}}}\n"
    )
    drawn, search = loads_search(text)
    published, _ = _published(drawn)
    assert {arm.drug for arm in published.values()} >= {"racemic", "esketamine"}
    assert _with_one_model(drawn, search, published.values()).models.pk == "pair"
    assert _with_one_model(drawn, search, drawn.arms).models.pk == "auto"
