"""Exposure per patient: the columns of a run beside the patients' own systems, solved another way.

Oracles: dose over clearance, matrix exponentials on a grid of a minute, proportionality in the dose, and a compartment
whose numbers can be worked out by hand.
"""

import math
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from scenarios import scenario_text
from scipy.linalg import expm

from letheon import library
from letheon.arrays import jax
from letheon.body.compartments import System
from letheon.body.course import Plasma
from letheon.patients.uncertainty import DRAWS, typical_values
from letheon.patients.variability import individual_pk
from letheon.pipeline import Switches, assemble, plan_arms
from letheon.pipeline.exposure import add_exposure, initial_exposure, watch_of
from letheon.pipeline.labels import plasma_support
from letheon.pipeline.plan import Sampling
from letheon.pipeline.result import UNSET, decode
from letheon.runs import blocks, engine, simulate
from letheon.runs.query import query
from letheon.scenario import dumps, loads
from letheon.views.subjects import brief, endpoints

SESSIONS = (
    "sessions: [{{at: 0 h, push: {push}}}, {{at: 0 h, rate: {rate}, max: {most}, for: 4 h, repeat: {{every: 1 day, "
    "times: 3}}}}, {{at: 52 h, rate: {low}, for: 6 h}}]"
)
ONE = SESSIONS.format(push="0.3 mg/kg", rate="0.35 mg/kg/h", most="25 mg/h", low="5 mg/h")
TWO = SESSIONS.format(push="0.6 mg/kg", rate="0.7 mg/kg/h", most="50 mg/h", low="10 mg/h")
ARMS = (
    f"one: {{drug: racemic, {ONE}}}",
    f"two: {{drug: racemic, {TWO}}}",
    "s_form: {drug: esketamine, sessions: [{at: 0 h, rate: 0.3 mg/kg/h, for: 2 h}]}",
    "sham: {drug: placebo, like: one}",
)
ABOVE = (0.5, 20.0, 100.0)
ASKED = "{exposure: on, above: [100 ng/mL, 0.5 µg/L, 20 ng/mL]}"
KINDS = ("auc", "cmax", "ctrough", "time_above_0_5", "time_above_20", "time_above_100")
STEMS = ("ketamine", "norketamine")
SUBSTANCES = tuple(f"{side}{stem}" for stem in STEMS for side in ("", "es", "ar"))
FEW, WEEKS = 8, 4
SHORT = "sessions: [{at: 0 h, rate: 5 mg/h, for: 4 h}]"


def text(**entries: object) -> str:
    return scenario_text(*ARMS, weeks=WEEKS, population="{n: 64}", models="{induction: on}", **entries)


SCENARIO = loads(text(endpoints=ASKED))


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The run, with one block of the uncertainty bank of eight."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "BANK", 1)
        return simulate(SCENARIO, out=tmp_path_factory.mktemp("exposure") / "run")


@pytest.fixture(scope="module")
def tables(done) -> dict[str, dict[str, np.ndarray]]:
    read = {arm.name: pq.read_table(done.folder / "endpoints" / arm.name) for arm in SCENARIO.arms}
    return {arm: {name: table[name].to_numpy() for name in table.column_names} for arm, table in read.items()}


@pytest.fixture(scope="module")
def patients():
    """The first patients of arm `one`: clearance by enantiomer [L/h], and their plasma systems."""
    plan, number = plan_arms(SCENARIO)[0], np.arange(blocks.BLOCK)
    runner, points = blocks.Runner(SCENARIO, (plan,)), np.full((len(number), blocks.bank_points().shape[1]), np.nan)
    days = len(plan.day_rows) - 1
    who = blocks._draw_people(runner.population, SCENARIO.seed, number, number % DRAWS, points, days)
    draws = {name: jax.numpy.asarray(values) for name, values in typical_values().items()}
    switches, model = Switches(SCENARIO.seed, 1.0, 0.0, 0.0), library.pk_model("pair")

    def of(person, k):
        typical = assemble.patient_values(draws, person)
        base = {name: typical(f"pair.{p.same_as or name}") for name, p in model.parameters.items()}
        own = individual_pk(model, base, person)
        return own, assemble.plasmas_of(plan.structure, typical, person, switches, plan.data, k)

    return plan, *jax.tree.map(lambda x: np.asarray(x)[:FEW], jax.jit(jax.vmap(of, in_axes=(-1, 0)))(who, number))


def rates_of(weight: np.ndarray, time_h: np.ndarray) -> np.ndarray:
    """What arm `one` gives from each time on [mg/h], shape (time, patient)."""
    t = time_h[:, None] + 1e-9
    push = np.where(t < 1 / 60, 0.3 * weight * 60.0, 0.0)
    drip = np.where((t % 24 < 4) & (t < 72), np.minimum(0.35 * weight, 25.0), 0.0)
    return push + drip + np.where((t > 52) & (t < 58), 5.0, 0.0)


@pytest.fixture(scope="module")
def curves(tables, patients):
    """Levels [ng/mL] and areas under them by the minute, later every five; shapes (time, patient), and the times [h]."""
    plan, _, plasmas = patients
    time_h = np.concatenate([np.arange(6 * 24 * 60) / 60, np.arange(6 * 24 * 12, 24 * 7 * WEEKS * 12 + 1) / 12])
    rate = rates_of(tables["one"]["weight_kg"][:FEW], time_h)
    starts_h = np.asarray(plan.data.epoch_at) * float(plan.data.h0_h)
    epoch = np.searchsorted(starts_h, time_h + 1e-9, side="right") - 1
    length = np.where(np.diff(time_h) < 1 / 30, 1 / 60, 1 / 12)
    levels, areas = {}, {}
    for part in plasmas:
        names = part.plasma_names
        state = dict(part.system.readouts)
        matrix, scale = part.system.rates, part.system.scale[:, 0]
        n, k = matrix.shape[-1], len(names)
        whole = np.zeros((FEW, matrix.shape[1], n + 1 + k, n + 1 + k))  # states, rate, areas
        whole[..., :n, :n], whole[..., 0, n] = matrix, 1.0
        for row, name in enumerate(names):
            place = [one for one, _ in part.system.readouts].index(name)
            whole[..., n + 1 + row, state[name]] = scale[:, None, place]
        steps = {(e, h): expm(whole[:, e] * h) for e, h in {*zip(epoch[:-1].tolist(), length.tolist(), strict=True)}}
        y = np.zeros((len(time_h), FEW, n + 1 + k))
        for i, h in enumerate(length):
            y[i, :, n] = rate[i] * part.share
            y[i + 1] = np.einsum("pij,pj->pi", steps[int(epoch[i]), float(h)], y[i])
        for row, name in enumerate(names):
            levels[name] = y[..., state[name]] * whole[:, 0, n + 1 + row, state[name]]
            areas[name] = y[-1, :, n + 1 + row]
    for stem in STEMS:
        levels[stem], areas[stem] = (kind[f"es{stem}"] + kind[f"ar{stem}"] for kind in (levels, areas))
    return time_h, levels, areas


def first(tables, name: str, arm: str = "one") -> np.ndarray:
    return tables[arm][name][:FEW]


@pytest.mark.long
def test_auc_of_the_drug_is_dose_over_clearance(tables, patients):
    """Red when a step is left out, counted at another rate, or the enantiomers' shares are wrong."""
    _, own, _ = patients
    for side, name in (("s", "esketamine"), ("r", "arketamine")):
        expected = 0.5 * 1000.0 * first(tables, "dose_mg") / own[f"cl_{side}"]
        np.testing.assert_allclose(first(tables, f"auc_{name}"), expected, rtol=1e-8)


@pytest.mark.long
def test_areas_are_exact_over_changes_of_clearance(tables, curves):
    """The clearance of norketamine rises every 12 h; red when a step takes another epoch's."""
    for name in SUBSTANCES:
        np.testing.assert_allclose(first(tables, f"auc_{name}"), curves[2][name], rtol=1e-8)


@pytest.mark.long
def test_maximum_and_trough_are_those_of_a_fine_curve(tables, curves):
    time_h, levels, _ = curves
    at = int(np.searchsorted(time_h, 48.0 - 1e-9))
    for name in SUBSTANCES:
        np.testing.assert_allclose(first(tables, f"ctrough_{name}"), levels[name][at], rtol=1e-8, atol=1e-6)
        short = 1.0 - first(tables, f"cmax_{name}") / levels[name].max(axis=0)
        assert short.max() < (0.001 if "nor" in name else 1e-8) and short.min() > -1e-3, (name, short)


def hours_above(time_h: np.ndarray, curve: np.ndarray, level: float) -> np.ndarray:
    """Hours above a level of a curve that runs straight between its points."""
    low, high = np.sort([curve[:-1], curve[1:]], axis=0)
    share = np.clip((high - level) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    return (share * np.diff(time_h)[:, None]).sum(axis=0)


@pytest.mark.long
def test_time_above_is_that_of_a_fine_curve(tables, curves):
    """Red when a fall is taken as straight, a level is sorted elsewhere, or quarters are lost."""
    time_h, levels, _ = curves
    for name in SUBSTANCES:
        for level, kind in zip(ABOVE, KINDS[3:], strict=True):
            expected = hours_above(time_h, levels[name], level)
            off = np.abs(first(tables, f"{kind}_{name}") - expected)
            assert off.max() < (0.1 if "nor" in name else 0.01), (name, kind, off, expected)
    assert first(tables, "time_above_100_ketamine").min() > 1.0


@pytest.mark.long
def test_exposures_are_proportional_to_the_dose(tables):
    """Red when anything but the rate, such as a bound or a clock, enters an exposure."""
    for name in SUBSTANCES:
        for kind in ("auc", "cmax", "ctrough"):
            column = f"{kind}_{name}"
            np.testing.assert_allclose(tables["two"][column], 2.0 * tables["one"][column], rtol=1e-9, atol=3e-6)
        assert (tables["two"][f"time_above_20_{name}"] > tables["one"][f"time_above_20_{name}"]).all()


@pytest.mark.long
def test_arms_of_other_drugs_have_the_same_columns(tables, done):
    s_form, sham, result = tables["s_form"], tables["sham"], done.result
    assert all(f"{kind}_{name}" in table for table in tables.values() for kind in KINDS for name in SUBSTANCES)
    assert (s_form["auc_arketamine"] == 0).all() and (s_form["auc_ketamine"] == s_form["auc_esketamine"]).all()
    assert np.isnan(s_form["ctrough_ketamine"]).all() and (sham["ctrough_ketamine"] == 0).all()
    assert result.arms["s_form"].endpoint("ctrough_ketamine") is None
    assert not any(sham[f"{kind}_{name}"].any() for kind in KINDS for name in SUBSTANCES)


@pytest.mark.long
def test_the_result_has_means_of_the_columns_with_the_label_of_the_plasma_model(tables, done):
    result = done.result
    for arm, label in (("one", "assumed"), ("s_form", "volunteer"), ("sham", UNSET)):
        entry = result.arms[arm].endpoint("auc_ketamine")
        assert entry.mean == pytest.approx(tables[arm]["auc_ketamine"].mean(), rel=1e-5)
        assert (entry.support, entry.agree, entry.unit) == (label, None, "ng·h/mL")
    entry = result.arms["one"].endpoint("cmax_norketamine")
    low, high = entry.mean_interval
    assert low < entry.mean < high and entry.q05 < entry.q50 < entry.q95
    assert entry.against.mean == pytest.approx(entry.mean) and entry.against.chance_better is None
    assert entry.against.support == "assumed"
    assert decode((done.folder / "result.json").read_bytes()) == result
    rows = query(done.folder, "SELECT difference FROM comparisons WHERE arm = 'one' AND measure = 'cmax_norketamine'")
    assert {row[0] for row in rows.rows} == {entry.against.mean}


@pytest.mark.long
def test_exposures_stand_in_tables_of_their_own(done):
    table = next(one for one in endpoints.endpoint_tables(done.result) if one.label == "Exposure")
    assert len(table.groups) == len(KINDS) * len(SUBSTANCES)
    assert endpoints.brief_groups(done.result)[-1].rows
    tables = [
        block for block in brief.brief(done.result).sections[0].blocks if getattr(block, "label", "") == "Exposure"
    ]
    assert [len(group.rows) for group in tables[0].groups] == [len(KINDS)]


@pytest.mark.long
def test_other_numbers_are_the_same_bits_without_exposures(tables):
    plans = plan_arms(loads(text()))
    assert plans[0].data.sampling is None and plans[0].structure.substances == ()
    plain = blocks.Runner(loads(text()), plans).block(0, "people", 0).columns
    assert set(tables["one"]) - set(plain) == {f"{kind}_{name}" for kind in KINDS for name in SUBSTANCES}
    assert all((tables["one"][name] == values).all() for name, values in plain.items())


def test_a_compartment_by_hand():
    """One compartment of 10 L and 10 L/h takes 10 mg in an hour, then an hour of nothing.

    By hand: Cmax is 1000 (1 - 1/e) ng/mL, the first hour's area 1000/e, the second's 1000 (1 - 1/e)^2, and half of Cmax
    is crossed upwards 0.38 h after the start and downwards 0.69 h after the end.
    """
    system = System(np.array([[[-1.0]]]), np.array([[100.0]]), ("k1",), (("arketamine", 0),))
    plasmas = (Plasma(system, "r", 1.0, frozenset({"levels"})),)
    peak = 1000.0 * (1.0 - math.exp(-1.0))
    arm = SimpleNamespace(h0_h=0.25, days=1, sampling=Sampling(8, np.array([peak / 2, np.inf])))
    patient = SimpleNamespace(plasmas=plasmas, watch=watch_of(plasmas, ("ketamine", "esketamine")))
    clock, exposure = SimpleNamespace(day=0, epoch=0), initial_exposure(arm.sampling, 2)
    states = np.array([[10.0 * (1.0 - math.exp(-k / 4))] for k in range(5)])
    states = [*states, *(states[4] * math.exp(-k / 4) for k in range(1, 5))]
    seen = []
    for rate, start in ((10.0, 0), (0.0, 4)):
        state = SimpleNamespace(clock=clock, tally=SimpleNamespace(rate=rate), exposure=exposure)
        passed = [[one] for one in states[start + 1 : start + 5]]
        exposure = add_exposure(arm, patient, state, (4, start + 4), [states[start]], passed)
        seen.append(jax.tree.map(lambda values: np.asarray(values)[0], exposure))
        assert not np.asarray(exposure.auc)[1]
    one, two = seen
    assert (one.auc, one.cmax, one.ctrough) == pytest.approx((1000.0 / math.e, peak, 0.0))
    assert (two.auc - one.auc, two.cmax) == pytest.approx((peak**2 / 1000.0, peak))
    assert two.ctrough == pytest.approx(peak / math.e)
    crossed = -math.log1p(-peak / 2000.0)
    assert one.above[0] == pytest.approx(1.0 - crossed, abs=0.01)
    assert two.above[0] - one.above[0] == pytest.approx(math.log(2.0))
    assert two.above[1] == 0.0


def test_plans_say_what_each_arm_has():
    plans = {plan.name: plan for plan in plan_arms(SCENARIO)}
    assert plans["one"].structure.substances == SUBSTANCES == plans["s_form"].structure.substances
    assert plans["one"].exposures == tuple(f"{kind}_{name}" for name in SUBSTANCES for kind in KINDS)
    assert "ctrough_ketamine" not in plans["s_form"].exposures and "ctrough_ketamine" in plans["sham"].exposures
    assert plans["one"].data.sampling.trough * plans["one"].data.h0_h == pytest.approx(48.0)
    assert len(plans["one"].data.sampling.above) == 4  # room for another level without another program


@pytest.mark.parametrize(
    ("rules", "label"),
    [
        ("sessions: [{at: 0 h, rate: 60 mg/h, for: 5 h}]", "volunteer"),
        ("sessions: [{at: 0 h, rate: 60 mg/h, for: 6 h}]", "assumed"),
        ("sessions: [{at: 0 h, rate: 90 mg/h, for: 1 h}]", "assumed"),
        ("sessions: [{at: 0 h, push: 0.3 mg/kg}]", "assumed"),
        (f"{SHORT}, boosters: {{every: 2 weeks, session: {{rate: 90 mg/h, for: 1 h}}}}", "assumed"),
        (f"{SHORT}, titration: {{every: 1 h, step: 30 mg/h, max: 90 mg/h}}", "assumed"),
        (f"{SHORT}, titration: {{every: 1 h, step: 5 mg/h, max: 90 mg/h}}", "volunteer"),
    ],
)
def test_levels_have_the_label_of_the_plasma_model(rules, label):
    """Red when a booster, a push or a titration goes beyond what the model saw and keeps its label."""
    scenario = loads(scenario_text(f"a: {{drug: racemic, {rules}}}"))
    assert plasma_support(scenario, scenario.arms[0]).label == label


def test_keys_are_read_and_written():
    assert SCENARIO.endpoints.above == ABOVE and SCENARIO.endpoints.exposure
    assert loads(dumps(SCENARIO)) == SCENARIO
