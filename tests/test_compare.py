"""Arms compared with an arm of the scenario's choice: identities between directions, arms and mechanisms."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from scenarios import scenario_text

from letheon.errors import InputError
from letheon.pipeline import ArmTotals, plan_arms
from letheon.pipeline.average import weights_of
from letheon.pipeline.result import UNSET, Endpoint, decode, encode
from letheon.pipeline.summary import _View, run_result
from letheon.runs import default_folder, simulate
from letheon.runs.engine import run_arms
from letheon.runs.query import query
from letheon.scenario import Scenario, dumps, loads
from letheon.scenario.comparing import comparators, compared_against

WARD = "sessions: [{at: 0 h, rate: 20 mg/h, for: 48 h}]"
ARMS = (
    f"ward: {{drug: racemic, {WARD}}}",
    "halves: {drug: racemic, sessions: [{at: 0 h, rate: 20 mg/h, for: 24 h}, {at: 24 h, rate: 20 mg/h, for: 24 h}]}",
    "s_form: {drug: esketamine, sessions: [{at: 0 h, rate: 15 mg/h/70kg, for: 100 h}]}",
    "placebo: {drug: placebo, like: ward}",
)
NAMES = ("ward", "halves", "s_form", "placebo")
UNITS = {"nrs_day_7": "NRS", "responder_30_day_28": "share", "relief_days": "days", "dose_mg": "mg"}


def scenario_of(*arms: str, **entries: object) -> Scenario:
    return loads(scenario_text(*arms, weeks=4, population="{n: 40}", **entries))


SCENARIO = scenario_of(*ARMS)


# --- who is compared with whom ---


@pytest.mark.parametrize(
    ("against", "expected"),
    [
        (None, {"ward": "placebo", "halves": "placebo", "s_form": "placebo"}),
        ("placebo", {"ward": "placebo", "halves": "placebo", "s_form": "placebo"}),
        ("s_form", {"ward": "s_form", "halves": "s_form", "placebo": "s_form"}),
    ],
)
def test_every_other_arm_is_compared_with_the_one_that_is_named(against, expected) -> None:
    others = comparators(SCENARIO.arms, against)
    assert {name: arm.name for name, arm in others.items()} == expected
    named = SCENARIO if against is None else scenario_of(*ARMS, compare=f"{{against: {against}}}")
    assert named.against == against and loads(dumps(named)) == named
    assert against is None or compared_against(SCENARIO, against) == named


def test_placebo_is_the_arm_like_each_and_never_a_guess_where_it_is_asked_for() -> None:
    two = (*ARMS[::2], "sham: {drug: placebo, like: ward}", "sham_s: {drug: placebo, like: s_form}")
    scenario = scenario_of(*two, compare="{against: placebo}")
    others = {name: arm.name for name, arm in comparators(scenario.arms, "placebo").items()}
    assert others == {"ward": "sham", "s_form": "sham_s"}
    third = scenario_of(*two, ARMS[1])
    assert comparators(third.arms, None)["halves"].name == "sham"  # as it was before anyone could ask
    with pytest.raises(InputError, match=r"arm halves has several placebo arms \(sham, sham_s\)"):
        comparators(third.arms, "placebo")


def test_the_option_names_a_run_as_the_key_does() -> None:
    named = scenario_of(*ARMS, compare="{against: ward}")
    assert default_folder(compared_against(SCENARIO, "ward")) == default_folder(named) != default_folder(SCENARIO)
    with pytest.raises(InputError, match=r'^--against: "wrad" is not an arm here; write ward'):
        compared_against(SCENARIO, "wrad", "--against")
    with pytest.raises(InputError, match=r'^against: "x" is not an arm'):
        simulate(SCENARIO, against="x")


# --- differences, of numbers drawn at random ---


def random_totals() -> dict[str, ArmTotals]:
    rng, totals = np.random.default_rng(8), {}
    names = [name for name in UNITS if name != "dose_mg"]
    for place, arm in enumerate(NAMES):
        columns = {f"{model}_{name}": rng.random(40) + place for name in names for model in ("memory", "slow_site")}
        bank = {name: rng.random(64) + place for name in columns}
        columns["dose_mg"], bank["dose_mg"] = rng.random(40) + place, rng.random(64) + place
        totals[arm] = ArmTotals(None, columns, None, bank)
    totals["halves"] = replace(
        totals["halves"], columns=totals["ward"].columns, bank_columns=totals["ward"].bank_columns
    )
    return totals


def apart(one: str, other: str, name: str, pain: str = "average", scenario: Scenario = SCENARIO):
    totals = random_totals()
    arm, beside = scenario.arm(one), scenario.arm(other)
    view = _View(scenario, arm, totals[one], weights_of(pain), beside, totals[other], {})
    return view.endpoint(name, UNITS[name], None if name == "dose_mg" else (28, 28)).against


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize(("one", "other"), [("ward", "s_form"), ("s_form", "placebo"), ("halves", "ward")])
def test_one_minus_another_mirrors_the_other_minus_the_one(one, other, name) -> None:
    """Quantiles of a weighted pool are not those of its mirror image: both directions need one computation."""
    there, back = apart(one, other, name), apart(other, one, name)
    assert (there.arm, back.arm) == (other, one)
    assert there.mean == -back.mean
    assert there.mean_interval == tuple(-end for end in reversed(back.mean_interval))
    assert (there.support, there.basis, there.same_regimen) == (back.support, back.basis, back.same_regimen)
    if name == "dose_mg":
        assert there.chance_better is back.chance_better is None
    else:
        assert there.chance_better + back.chance_better == pytest.approx(1.0, abs=1e-12)


def test_averages_follow_the_weights_and_differences_add_up() -> None:
    weights = weights_of("average")
    for one, other in permutations(NAMES, 2):
        alone = {model: apart(one, other, "nrs_day_7", model).mean for model in weights}
        average = apart(one, other, "nrs_day_7").mean
        assert average == pytest.approx(sum(w * alone[model] for model, w in weights.items()), abs=1e-12)
        third = next(name for name in NAMES if name not in (one, other))
        by_way_of = apart(one, third, "nrs_day_7").mean - apart(other, third, "nrs_day_7").mean
        assert average == pytest.approx(by_way_of, abs=1e-12)


def test_equal_regimens_differ_by_nothing_however_they_are_written() -> None:
    for name in UNITS:
        one = apart("ward", "halves", name)
        assert (one.mean, one.mean_interval, one.same_regimen) == (0.0, (0.0, 0.0), True)
        assert one.chance_better == (None if name == "dose_mg" else 0.5)
    assert apart("ward", "s_form", "nrs_day_7").same_regimen is UNSET


def test_a_difference_has_the_label_that_both_arms_earn() -> None:
    """The 100-hour dose against placebo is near a trial's; against an arm that nobody studied it is near none."""
    assert apart("s_form", "placebo", "nrs_day_7").support in ("randomised", "extrapolated")
    assert apart("s_form", "ward", "nrs_day_7").support == "assumed"


def test_nothing_is_compared_with_pain_that_is_not_modelled() -> None:
    scenario = scenario_of("ward: {drug: arketamine, sessions: [{at: 0 h, rate: 20 mg/h, for: 48 h}]}", *ARMS[2:])
    assert apart("s_form", "ward", "nrs_day_7", scenario=scenario) is UNSET
    assert apart("s_form", "ward", "nrs_day_7", "slow_site", scenario) is UNSET
    assert apart("s_form", "ward", "nrs_day_7", "memory", scenario) and apart("s_form", "ward", "dose_mg")


# --- a run ---


@pytest.fixture(scope="module")
def totals() -> dict[str, ArmTotals]:
    return run_arms(SCENARIO, plan_arms(SCENARIO), None, None)


def differences(result) -> dict[tuple[str, str, str], object]:
    """Return every difference of a result, by arm, mechanism and endpoint."""
    rows = {}
    for name, arm in result.arms.items():
        for model, part in (("average", arm), *arm.by_model.items()):
            entries = part.endpoints.items()
            rows |= {(name, model, key): e.against for key, e in entries if isinstance(e, Endpoint) and e.against}
    return rows


@pytest.mark.long
def test_a_run_compares_the_same_people_under_other_drugs_and_plasma_models(totals) -> None:
    result = run_result(replace(SCENARIO, against="s_form"), totals)
    rows = differences(result)
    assert {name for name, _, _ in rows} == {"ward", "halves", "placebo"}
    for key in ("nrs_day_7", "relief_days", "remission"):
        for model in ("memory", "slow_site"):
            by_patient = totals["ward"].columns[f"{model}_{key}"] - totals["s_form"].columns[f"{model}_{key}"]
            assert rows["ward", model, key].mean == pytest.approx(by_patient.mean(), rel=1e-5, abs=1e-9)
    never, once = rows["ward", "average", "never_in_remission"], rows["ward", "average", "remission"]
    assert (never.mean, never.chance_better) == (-once.mean, once.chance_better)
    back = differences(run_result(replace(SCENARIO, against="ward"), totals))
    for (name, model, key), one in rows.items():
        if name != "ward":
            continue
        other = back["s_form", model, key]
        assert (one.mean, one.mean_interval) == (-other.mean, (-other.mean_interval[1], -other.mean_interval[0])), key
    assert all(one.same_regimen for (name, _, _), one in back.items() if name == "halves")
    assert encode(decode(encode(result))) == encode(result)


@pytest.mark.long
def test_placebo_by_name_is_what_is_compared_without_asking(totals) -> None:
    usual = encode(run_result(SCENARIO, totals))
    assert usual == encode(run_result(replace(SCENARIO, against="placebo"), totals))
    sham = scenario_of(*ARMS[:3], "sham: {drug: placebo, like: ward}")
    renamed = {name.replace("placebo", "sham"): one for name, one in totals.items()}
    assert encode(run_result(sham, renamed)) == encode(run_result(replace(sham, against="sham"), renamed))


@pytest.mark.long
def test_sql_has_every_difference_of_the_document(tmp_path) -> None:
    few = scenario_of(*ARMS[::2], compare="{against: s_form}")
    run = simulate(few, out=tmp_path / "run", patients=8)
    answer = query(run.folder, "SELECT * FROM comparisons")
    rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    expected = differences(run.result)
    assert {(row["arm"], row["mechanism"], row["measure"]) for row in rows} == set(expected) and len(rows) == len(
        expected
    )
    for row in rows:
        one = expected[row["arm"], row["mechanism"], row["measure"]]
        assert (row["against"], row["difference"], row["low"], row["high"], row["chance_better"]) == (
            one.arm,
            one.mean,
            *one.mean_interval,
            one.chance_better,
        )
    assert query(run.folder, "SELECT count(*) FROM endpoints").rows == ((16,),)
