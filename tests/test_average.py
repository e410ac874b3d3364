"""The weighted pool of both mechanisms, against NumPy and lifelines, and against each mechanism alone."""

from types import SimpleNamespace

import lifelines
import numpy as np
import pytest
from msgspec.structs import replace
from scenarios import scenario_text

from letheon import library
from letheon.pipeline import ArmTotals, plan_arms
from letheon.pipeline.average import Means, Pool, pooled_interval, pooled_quantiles, weights_of
from letheon.pipeline.histograms import Profile, bins_of, digitise
from letheon.pipeline.labels import ASSUMED, Support
from letheon.pipeline.result import UNSET, Endpoint
from letheon.pipeline.summary import _View, run_result, same_regimen
from letheon.pipeline.survival import kaplan_meier
from letheon.runs.blocks import Runner
from letheon.runs.engine import run_arms
from letheon.scenario import loads

SHARES = (0.05, 0.5, 0.95)


def two_samples(n: int = 301, axes: tuple[int, ...] = ()) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [rng.normal(5.0, 2.0, (n, *axes)), rng.integers(0, 9, (n, *axes)).astype(float)]


@pytest.mark.parametrize("weight", [0.5, 0.3, 0.87, 1.0, 0.0])
@pytest.mark.parametrize("axes", [(), (7,)])
def test_quantiles_are_those_of_the_concatenated_weighted_sample(weight, axes):
    """NumPy takes no weights where it interpolates, so the oracle does that between its two ranks."""
    samples = two_samples(axes=axes)
    n, pool = len(samples[0]), np.concatenate(samples)
    weights = np.repeat([weight, 1.0 - weight], n)
    for share, result in zip(SHARES, pooled_quantiles(samples, (weight, 1.0 - weight), SHARES), strict=True):
        below, part = divmod(1.0 + share * (n - 1), 1.0)
        ranks = np.minimum([below, below + 1.0], n) - 1e-7
        low, high = np.quantile(pool, ranks / n, axis=0, method="inverted_cdf", weights=weights)
        assert result == pytest.approx(low + part * (high - low), rel=1e-12)
    if weight in (0.0, 1.0):
        alone = np.quantile(samples[int(weight == 0.0)], SHARES, axis=0)
        assert np.array_equal(np.array(pooled_quantiles(samples, (weight, 1.0 - weight), SHARES)), alone)


def test_two_equal_samples_have_the_quantiles_of_either():
    sample = two_samples()[0]
    assert np.allclose(pooled_quantiles((sample, sample), (0.3, 0.7), SHARES), np.quantile(sample, SHARES), rtol=1e-14)


def test_mean_and_spread_are_those_of_the_weighted_sample():
    samples = two_samples(400)
    pool = Pool((0.25, 0.75), tuple(samples), tuple(samples))
    whole = np.concatenate([samples[0], *[samples[1]] * 3])  # weights of 1 and 3 quarters are so many copies
    assert pool.mean == pytest.approx(whole.mean()) and pool.sd() == pytest.approx(whole.std() * np.sqrt(400 / 399))
    alone = Pool((1.0, 0.0), tuple(samples), tuple(samples))
    assert (alone.mean, alone.sd()) == (samples[0].mean(), samples[0].std(ddof=1))


def test_error_of_a_share_knows_that_both_mechanisms_hold_the_same_patients():
    rng = np.random.default_rng(2)
    flags = rng.random((4000, 50)) < 0.3
    same = [Pool((0.4, 0.6), (run, run), (run, run)) for run in flags.astype(float)]
    assert np.mean([pool.share_error() for pool in same]) == pytest.approx(np.std([p.mean for p in same]), rel=0.05)


@pytest.mark.parametrize("name", ["nrs", "esketamine"])
@pytest.mark.parametrize("weight", [0.25, 1.0])
def test_bands_pool_counts(name, weight):
    rng = np.random.default_rng(4)
    values = {"memory": rng.uniform(0, 10, (5, 8000)), "slow_site": rng.uniform(4, 6, (5, 8000))}
    profile = Profile(5)
    profile.add(digitise({f"{model}_{name}": rows for model, rows in values.items()}, 8000))
    names = [f"{model}_{name}" for model in values]
    result = np.array(profile.quantiles(names, (weight, 1.0 - weight), SHARES))
    copies = np.concatenate([values["memory"], *([values["slow_site"]] * 3 if weight < 1.0 else [])], axis=1)
    width = 0.02 * (1.0 if name == "nrs" else 10.0)
    assert np.abs(result - np.quantile(copies, SHARES, axis=1)).max() < 2.0 * width
    if weight == 1.0:
        assert np.array_equal(result, np.array(bins_of(name).quantiles(profile.counts[names[0]], SHARES)))


@pytest.mark.parametrize("seed", range(3))
def test_weighted_survival_is_that_of_lifelines(seed):
    rng = np.random.default_rng(seed)
    time, event = rng.integers(1, 30, 120).astype(float), rng.random(120) < 0.6
    weight = np.where(np.arange(120) < 70, 3.0, 7.0)  # lifelines cuts others to whole numbers in the variance
    curve, known = kaplan_meier(time, event, weight=weight), lifelines.KaplanMeierFitter(alpha=0.1)
    known.fit(time, event, weights=weight)
    expected = known.survival_function_at_times(curve.time).to_numpy()
    bounds = known.confidence_interval_.loc[curve.time].to_numpy()
    assert curve.share == pytest.approx(expected, abs=1e-12)
    assert kaplan_meier(time, event, weight=weight / 10).share == pytest.approx(expected, abs=1e-12)
    inside = (curve.share > 1e-9) & (curve.share < 1.0)
    assert np.allclose(np.stack([curve.low, curve.high], axis=1)[inside], bounds[inside])


def means(weights=(0.5, 0.5), population=(0.0, 0.0), draws=((-1.0, 0.0, 1.0), (-1.0, 0.0, 1.0))):
    return Means(weights, population, tuple(map(np.array, draws)))


def test_chance_is_the_weighted_share_of_draws_with_half_of_the_ties():
    draws = (1.0, 1.0, -1.0, 0.0), (-1.0, -1.0, -1.0, 0.0)
    assert means((0.25, 0.75), (0.25, -0.75), draws).chance_above() == (0.25 * 2.5 + 0.75 * 0.5) / 4
    assert means((0.25, 0.75), (0.25, 2.25), draws).chance_above() == (0.25 * 2.5 + 0.75 * 3.5) / 4  # moved by 3
    assert means(draws=((0.0, 0.0), (0.0, 0.0))).chance_above() == 0.5


def test_mechanisms_agree_where_each_mean_lies_in_the_other_interval():
    wide, narrow = np.linspace(-1, 1, 101), np.linspace(-0.1, 0.1, 101)
    assert means(population=(0.0, 0.05), draws=(wide, narrow)).agree() is True
    assert means(population=(0.0, 0.5), draws=(wide, narrow)).agree() is False  # 0 is outside 0.5 ± 0.09
    assert means(population=(0.0, 2.0), draws=(wide, wide)).agree() is False
    assert Means((1.0,), (0.0,), (wide,)).agree() is None


def test_interval_holds_draws_moved_onto_the_mean_of_their_own_mechanism():
    draws = np.linspace(-1.0, 1.0, 64), np.linspace(7.0, 8.0, 64)
    moved = np.concatenate([draws[0] + 3.0, draws[1] - 7.5 + 4.0])
    low, high = pooled_interval((3.0, 4.0), draws, (0.5, 0.5))
    grid = np.sort(moved)  # 128 draws of half a weight: rank k of 64 is the 2k-th of them
    ranks = 1 + 0.05 * 63, 1 + 0.95 * 63
    expected = [np.interp(rank, np.arange(1, 65), grid[1::2]) for rank in ranks]
    assert [float(low), float(high)] == pytest.approx(expected)
    assert pooled_interval((3.0, 4.0), draws, (0.5, 0.5), (3.0, 4.0))[1] <= 4.0


def test_a_label_of_an_average_is_the_weaker_one_with_common_studies():
    one, other = Support("randomised", ("a", "b")), Support("extrapolated", ("b", "c"))
    assert one.weaker(other) == other.weaker(one) == Support("extrapolated", ("b",))
    assert one.weaker(Support("randomised", ("c",))) == ASSUMED  # no study stands behind both
    assert one.at_most_extrapolated().label == "extrapolated" and ASSUMED.at_most_extrapolated() == ASSUMED


# --- a run ---

ARM = (
    "drug: racemic, sessions: [{at: 0 h, rate: 30 mg/h, for: 24 h}], "
    "boosters: {on: relapse, session: {rate: 20 mg/h, for: 4 h}}"
)
SCENARIO = loads(
    scenario_text(
        f"one: {{{ARM}}}",
        f"same: {{{ARM}}}",
        "fixed: {drug: racemic, sessions: [{at: 0 h, rate: 30 mg/h, for: 24 h}]}",
        "placebo: {drug: placebo, like: one}",
        population="{n: 60}",
        weeks=4,
    )
)


@pytest.fixture(scope="module")
def totals() -> dict[str, ArmTotals]:
    return run_arms(SCENARIO, plan_arms(SCENARIO), None, None)


def weighing(monkeypatch, memory: float):
    monkeypatch.setattr(library, "weights", lambda: SimpleNamespace(memory=memory))
    return weights_of("average")


@pytest.mark.long
@pytest.mark.parametrize(("model", "memory"), [("memory", 1.0), ("slow_site", 0.0)])
def test_all_weight_on_one_mechanism_gives_its_numbers(totals, monkeypatch, model, memory):
    weighing(monkeypatch, memory)
    for arm in run_result(SCENARIO, totals).arms.values():
        alone = dict(arm.by_model.items())[model]
        assert arm.profile.nrs == alone.profile.nrs
        for name, entry in alone.endpoints.items():
            own = arm.endpoints[name]
            if isinstance(own, Endpoint):
                own = replace(own, agree=UNSET, support=entry.support, basis=entry.basis)
                against = own.against and replace(own.against, support=UNSET, basis=UNSET)
                own = replace(own, against=against)
                entry = replace(entry, against=entry.against and replace(entry.against, support=UNSET, basis=UNSET))
            assert own == entry, name


@pytest.mark.long
def test_means_and_harms_are_weighted_where_rules_part_the_mechanisms(totals, monkeypatch):
    weights = weighing(monkeypatch, 0.3)
    arms = run_result(SCENARIO, totals).arms
    for name in ("dose_mg", "relief_days", "nrs_day_28", "remission"):
        by_model = {model: part.endpoint(name).mean for model, part in arms["one"].by_model.items()}
        expected = sum(weights[model] * mean for model, mean in by_model.items())
        assert arms["one"].endpoint(name).mean == pytest.approx(expected, rel=1e-5)
        assert len(set(by_model.values())) == 2
    load = totals["one"].columns["memory_harm_load_hours"], totals["one"].columns["slow_site_harm_load_hours"]
    expected = 0.3 * load[0].mean() + 0.7 * load[1].mean()
    assert arms["one"].harms.estimate("psychedelic_hours").estimate == pytest.approx(expected, rel=1e-5)
    assert arms["fixed"].endpoint("dose_mg").agree is None and arms["one"].endpoint("nrs_day_28").agree in (True, False)
    share = sum(w * totals["one"].columns[f"{model}_remission"].mean() for model, w in weights.items())
    relapse = arms["one"].time_to_relapse
    assert relapse.in_remission == pytest.approx(share, rel=1e-5) and relapse.at_risk[0].n == pytest.approx(60 * share)


@pytest.mark.long
def test_equal_regimens_differ_by_nothing(totals):
    one, same, fixed = (SCENARIO.arm(name) for name in ("one", "same", "fixed"))
    assert same_regimen(one, same) and not same_regimen(one, fixed)
    view = _View(SCENARIO, one, totals["one"], weights_of("average"), same, totals["same"], {})
    for name, unit in (("nrs_day_28", "NRS"), ("relief_days", "days"), ("dose_mg", "mg")):
        against = view.endpoint(name, unit).against
        assert (against.mean, against.mean_interval, against.same_regimen) == (0.0, (0.0, 0.0), True)
        assert against.chance_better == (None if name == "dose_mg" else 0.5)
    placebo = SCENARIO.arm("placebo")
    other = view._replace(other=placebo, others=totals["placebo"]).endpoint("relief_days", "days").against
    assert other.same_regimen is UNSET and other.mean > 0 and other.chance_better > 0.5


@pytest.mark.long
def test_plain_columns_are_those_of_one_mechanism_a_patient_in_every_arm():
    runner, drawn = Runner(SCENARIO, plan_arms(SCENARIO)), []
    for arm in range(4):
        block = runner.block(arm, "people", 0)
        columns = block.columns
        memory, slow = columns["memory_nrs_day_28"], columns["slow_site_nrs_day_28"]
        part = memory != slow
        drawn.append(np.where(part, columns["nrs_day_28"] == memory, -1))
        assert np.isin(columns["nrs_day_28"], [memory, slow]).all() and part.any()
        doses = np.where(drawn[-1] == 1, columns["memory_dose_mg"], columns["slow_site_dose_mg"])
        assert np.array_equal(columns["dose_mg"][part], doses[part])
        if arm == 0:
            boosters = block.events["mechanism"][block.events["event"] == "booster"]
            counts = {model: int(columns[f"{model}_boosters"].sum()) for model in ("memory", "slow_site")}
            assert {model: int((boosters == model).sum()) for model in counts} == counts
    for one in drawn[1:]:
        both = (one >= 0) & (drawn[0] >= 0)
        assert np.array_equal(one[both], drawn[0][both])
    assert 0 < (drawn[0] == 1).sum() < (drawn[0] >= 0).sum()
