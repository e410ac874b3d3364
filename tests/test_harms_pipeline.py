"""Harms in the results of a run: the pipeline's own levels and days against formulas, bounds, both laws, order.

Oracles: the steady state of the linear systems, a day-by-day walk through the bladder, and the trial's counts.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from letheon import library
from letheon.arrays import jax, jnp
from letheon.body import course
from letheon.dosing.regimen import Infusion, Rate, Regimen
from letheon.errors import InputError
from letheon.harms import bladder, comedication
from letheon.harms.exposure import daily_hours
from letheon.harms.finding import exact_interval
from letheon.patients.draws import typical_values
from letheon.patients.population import Covariates, people
from letheon.pipeline import Switches, assemble, harms, plan_arms
from letheon.runs import simulate
from letheon.scenario import dumps, loads
from letheon.views import report, tables

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
LEIDEN = Covariates(70.0, 0.0, 7.0, 0.0, 46.0, 0.0, 0.0)
TEXT = """
letheon: 1
title: harms
population: {n: 96}
follow_up: 6 weeks
seed: 5
arms:
  little: {drug: racemic, sessions: [{at: day 1, dose: 60 mg, for: 4 h, repeat: {every: 1 day, times: 5}}]}
  same: {drug: racemic, sessions: [{at: day 1, rate: 15 mg/h, for: 4 h, repeat: {every: 1 day, times: 5}}]}
  stronger: {drug: racemic, sessions: [{at: day 1, dose: 240 mg, for: 4 h, repeat: {every: 1 day, times: 5}}]}
  longer: {drug: racemic, sessions: [{at: day 1, dose: 60 mg, for: 4 h, repeat: {every: 1 day, times: 20}}]}
  beside:
    drug: racemic
    beside: {clonidine: 0.1 mg, midazolam: 2 mg}
    sessions: [{at: day 1, dose: 60 mg, for: 4 h, repeat: {every: 1 day, times: 5}}]
  placebo: {drug: placebo, like: stronger}
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return simulate(loads(TEXT), out=tmp_path_factory.mktemp("harms") / "run")


@pytest.fixture(scope="module")
def columns(done):
    tables = {arm: pq.read_table(done.folder / "endpoints" / arm) for arm in done.document["arms"]}
    return {arm: {name: table[name].to_numpy() for name in table.column_names} for arm, table in tables.items()}


@pytest.fixture(scope="module")
def leiden():
    return simulate(EXAMPLES / "sigtermans2009.yaml", patients=256).document["arms"]


def entries(run, arm: str) -> dict:
    return run.document["arms"][arm]["harms"]["entries"]


# ---- the load


def typical_patient(drug: str, days: int = 12):
    """Return what the pipeline makes of a patient without deviations on a drip of ten days, and its own values."""
    text = f"letheon: 1\ntitle: x\nfollow_up: {days} days\narms: {{a: {{drug: {drug}, sessions: "
    (plan,) = plan_arms(loads(text + "[{at: 0 h, rate: 20 mg/h, for: 240 h}]}}"))
    who = people(LEIDEN, 1, 0, days, 0)
    who = type(who)(
        **{name: getattr(who, name) for name in who.__slots__ if name != "eta"}, eta=dict.fromkeys(who.eta, 0.0)
    )
    draws = {name: jnp.asarray(column) for name, column in typical_values().items()}
    own = assemble.own_values(draws, who)
    arm, switches = assemble.arm_data(plan), Switches(1, 0.0, 0.0, 0.0)
    plasmas = assemble.plasmas_of(plan.structure, own, who, switches, arm, 0, harms=True)
    rates = assemble.rates_of(arm, who)
    body = assemble.body_of(own, who, switches)
    masses = assemble.molar_masses()
    path = jax.jit(lambda: course.run(plasmas, body, masses, arm.steps, rates, plan.structure.levels, arm.count))()
    steps = arm.steps
    lengths = jnp.where(jnp.arange(len(steps.level)) < arm.count, steps.h0_h * 2.0**steps.level, 0.0)
    return SimpleNamespace(
        found=harms.during_infusions(path.sites, lengths, own, who), own=own, who=who, plasmas=plasmas, path=path
    )


@pytest.mark.parametrize("drug", ["racemic", "esketamine"])
def test_the_load_is_the_formula_on_the_pipelines_own_steady_levels(drug):
    one = typical_patient(drug)
    steady = {"s": 0.0, "r": 0.0}
    for part in one.plasmas:
        if "acute" in part.drives:  # where nothing changes any more, A x + b r = 0, and the site is as plasma
            system = jax.tree.map(lambda x: x[0], part.system)
            amounts = np.linalg.solve(np.asarray(system.rates), -np.asarray(system.entry) * 20.0 * part.share)
            rate = np.log(2.0) / float(one.own("psychedelic.half_life"))
            assert -float(system.rates[-1, -1]) == pytest.approx(rate, rel=1e-12)
            steady[part.enantiomer] = float(system.read(system.readouts[0][0], amounts))
            assert float(system.read("psychedelic", amounts)) == pytest.approx(steady[part.enantiomer], rel=1e-9)
    weight = float(one.own("psychedelic.arketamine_weight"))
    site = steady["s"] + weight * steady["r"]
    by_hand = 100.0 * site / (float(one.own("psychedelic.c50")) + site)
    assert float(one.found["load"]) == pytest.approx(by_hand, abs=1e-6)
    assert 20.0 < by_hand < 90.0


def test_hours_of_load_end_soon_after_the_drip():
    hours = float(typical_patient("esketamine").found["load_hours"])
    assert 238.0 < hours < 252.0


def test_leiden_is_met_asked_and_unasked(leiden):
    low, high = exact_interval(22, 29)
    for arm in ("esketamine", "esketamine_fast"):
        found = leiden[arm]["harms"]["entries"]
        asked, told = found["psychomimetic_elicited"], found["psychomimetic_spontaneous"]
        assert asked["interval"][0] < 0.76 < asked["interval"][1]
        assert low < asked["estimate"] < high
        assert asked["estimate"] == pytest.approx(0.76, abs=0.05)
        series = [exact_interval(*count) for count in ((0, 16), (6, 101), (11, 50))]
        assert all(told["interval"][0] < end[1] and end[0] < told["interval"][1] for end in series)
        assert min(end[0] for end in series) < told["estimate"] < max(end[1] for end in series)
    sham = leiden["placebo"]["harms"]["entries"]["psychomimetic_elicited"]
    assert exact_interval(5, 28)[0] < sham["estimate"] < exact_interval(5, 28)[1]


# ---- days


def daily_walk(law: str, doses: np.ndarray, who) -> tuple[bladder.Tissue, bladder.Lining]:
    values = bladder.typical_values(law)
    person = bladder.tissue(lambda name: values[name][who.draw], who.eta["bladder_d50"], who.eta["bladder_capacity"])
    return person, bladder.follow(law, person, jnp.asarray(doses) / 24.0, jnp.full(len(doses), 24.0))


@pytest.mark.parametrize("law", bladder.LAWS)
def test_the_bladder_is_what_a_walk_through_every_day_gives(law):
    drips = [Infusion.create(24 * day + 22, 4, Rate(per_kg_mg_h=1.0)) for day in (0, 1, 2, 30, 31)]
    schedule = Regimen.create("racemic", drips).schedule()
    who = people(LEIDEN, 1, 3, 60, 3)
    rates = jnp.concatenate([jnp.zeros(1), jnp.asarray(schedule.rates(who.weight_kg))])
    own = assemble.own_values({name: jnp.asarray(v) for name, v in typical_values().items()}, who)
    found = harms.after_dosing(harms.dosing_of(schedule, 60), rates, own, who)
    person, states = daily_walk(law, daily_hours(schedule, 60) @ schedule.rates(float(who.weight_kg)), who)
    held = 1000.0 * bladder.functional_capacity(person, states)
    assert float(found[f"bladder_{law}_capacity"]) == pytest.approx(float(held.min()), rel=1e-9)
    assert float(found[f"bladder_{law}_lost_end"]) == pytest.approx(float(held[0] - held[-1]), rel=1e-7, abs=1e-9)
    assert float(found[f"bladder_{law}_symptoms"]) == pytest.approx(
        float(bladder.symptoms(person, states).max()), rel=1e-9
    )


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(1, 40)), min_size=1, max_size=8))
def test_no_dose_is_lost_between_days(drips):
    infusions = [Infusion.create(24 * day, hours, Rate(absolute_mg_h=5.0)) for day, hours in drips]
    schedule = Regimen.create("racemic", infusions).schedule()
    dosing = harms.dosing_of(schedule, 22)
    rates = np.concatenate([[0.0], schedule.rates(70.0)])
    days = dosing.stretch_h[dosing.day_row] / 24.0
    assert (rates[dosing.day_piece] * dosing.day_hours * days).sum() == pytest.approx(schedule.dose_mg(70.0))
    assert (rates[dosing.session_piece] * dosing.session_hours).sum() == pytest.approx(schedule.dose_mg(70.0))
    assert dosing.stretch_h.sum() == 22 * 24.0
    ends = dosing.session_end_h[dosing.session_end_h > 0]
    assert (np.diff(ends) > 0).all() and ends[-1] == schedule.edges_ms[-1] / 3_600_000
    wide = harms.widen([dosing, harms.dosing_of(Regimen.create("racemic", []).schedule(), 22)])
    assert [len(values) for values in wide[0]] == [len(values) for values in wide[1]]


# ---- order and background


def test_without_drug_there_is_no_harm_beyond_background(columns, done):
    sham = columns["placebo"]
    background = typical_values()["psychedelic.background"][sham["draw"].astype(int)]
    assert sham["harm_elicited"] == pytest.approx(background, abs=1e-6)
    for name in ("load", "load_hours", "output", "systolic", "diastolic", "pulse", "mood", "mood_end"):
        assert not sham[f"harm_{name}"].any()
    for law in bladder.LAWS:
        assert not any(sham[f"harm_bladder_{law}_{name}"].any() for name in ("lost", "lost_end", "lasting"))
        healthy = bladder.typical_values(law)["background"][0]
        assert sham[f"harm_bladder_{law}_symptoms"] == pytest.approx(healthy, rel=1e-12)
    exposure = done.document["arms"]["placebo"]["harms"]["exposure"]
    assert not any(exposure.values())
    assert entries(done, "placebo")["liver_injury"]["interval"] == [0.0, 0.0]


@pytest.mark.parametrize("more", ["stronger", "longer"])
def test_more_exposure_never_lowers_a_harm(columns, more):
    less, rest = columns["little"], ("capacity", "anaesthetic")
    risen = 0
    for name in (name for name in less if name.startswith("harm_")):
        change = columns[more][name] - less[name]
        change = -change if name.endswith(rest) else change
        assert change.min() > -1e-9, name
        risen += change.max() > 1e-9
    assert risen > 10


def test_equal_arms_are_equal_to_the_last_byte(columns, done):
    assert all(np.array_equal(columns["little"][name], columns["same"][name]) for name in columns["little"])
    arms = done.document["arms"]
    assert json.dumps(arms["little"]["harms"]) == json.dumps(arms["same"]["harms"])


# ---- the document


def test_both_laws_stand_beside_each_other_and_nothing_identifies_them(done, leiden):
    found = [leiden[arm]["harms"]["entries"] for arm in ("esketamine", "esketamine_fast")]
    for one in (*found, entries(done, "little"), entries(done, "longer")):
        for name, entry in one.items():
            if not name.startswith("bladder"):
                continue
            assert (entry["support"], entry["estimate"]) == ("not identified", None)
            assert set(entry["laws"]) == set(bladder.LAWS)
            low, high = entry["interval"]
            assert all(low <= law["interval"][0] <= law["interval"][1] <= high for law in entry["laws"].values())
            assert "Not known" in entry["unknown"]
        for law in one["bladder_lasting_loss"]["laws"].values():  # nobody hurt of a few is no zero
            assert law["interval"][1] > 0.0 and law["estimate"] != 0.0
        assert "Not known" in one["liver_injury"]["unknown"]


def test_every_entry_says_how_far_to_trust_it(done):
    known = library.sources()
    for arm in done.document["arms"]:
        for entry in entries(done, arm).values():
            low, high = entry["interval"]
            assert low <= high and (entry["estimate"] is None or low <= entry["estimate"] <= high)
            assert entry["support"] in (
                "randomised",
                "uncontrolled",
                "volunteer",
                "animal",
                "assumed",
                "not identified",
            )
            assert entry["interval_level"] in (0.9, 0.95) and entry["unit"] and entry["note"]
            assert set(entry["sources"]) <= set(known)
            assert set(entry["sources"]) <= set(done.document["sources"])


def test_exposure_is_added_up(done):
    exposure = done.document["arms"]["longer"]["harms"]["exposure"]
    assert exposure["dose_mg"] == pytest.approx(1200.0)
    assert [exposure[name] for name in ("hours", "infusion_days", "sessions", "courses", "courses_a_year")] == [
        *(80.0, 20, 20, 1, 1.0)
    ]


def test_what_is_given_beside_gives_bounds_and_changes_no_relief(done):
    alone, both = entries(done, "little"), entries(done, "beside")
    low, high = both["psychomimetic_elicited"]["interval"]
    background = typical_values()["psychedelic.background"][np.arange(96) % 64].mean()
    assert both["psychomimetic_elicited"]["estimate"] is None
    assert low == pytest.approx(min(background, alone["psychomimetic_elicited"]["interval"][0]), rel=1e-5)
    assert high == alone["psychomimetic_elicited"]["interval"][1]
    assert both["psychomimetic_elicited"]["without_beside"]["estimate"] == alone["psychomimetic_elicited"]["estimate"]
    assert both["counted_sedation"]["interval"][1] > alone["counted_sedation"]["interval"][1]
    assert both["pulse"]["interval"][0] == pytest.approx(
        alone["pulse"]["interval"][0] * comedication.clonidine(0.1)["pulse"][0], rel=1e-5
    )
    assert both["systolic_pressure"] == alone["systolic_pressure"]  # a tenth of a milligram leaves it alone
    arms = done.document["arms"]
    assert arms["beside"]["endpoints"] == arms["little"]["endpoints"]


# ---- scenarios


ARM = "letheon: 1\ntitle: x\nfollow_up: 1 day\narms:\n  a:\n    drug: racemic\n    beside: %s\n"
ARM += "    sessions: [{at: 0 h, rate: 5 mg/h, for: 1 h}]\n  p: {drug: placebo, like: a}\n"


def test_what_is_given_beside_is_read_and_written_and_copied_by_a_placebo():
    scenario = loads(ARM % "{clonidine: 100 µg, midazolam: 2 mg}")
    assert (scenario.arms[0].beside.clonidine_mg, scenario.arms[0].beside.midazolam_mg) == (0.1, 2.0)
    assert scenario.arms[1].beside == scenario.arms[0].beside
    assert loads(dumps(scenario)) == scenario
    assert "beside" not in dumps(loads(ARM % "{clonidine: 0 mg}"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{clonidin: 0.1 mg}", 'line 7, arms.a.beside: "clonidin" is not a key that may stand here; write clonidine'),
        ("{clonidine: 0.1 mg/kg}", 'line 7, arms.a.beside.clonidine: "0.1 mg/kg" depends on weight'),
        ("{clonidine: 5 mg}", 'line 7, arms.a.beside.clonidine: "5 mg" is outside 0 to 1 mg'),
        ("{midazolam: -1 mg}", 'line 7, arms.a.beside.midazolam: "-1 mg" is outside 0 to 50 mg'),
        ("{midazolam: 2}", 'line 7, arms.a.beside.midazolam: "2" has no unit'),
        ("clonidine", 'line 7, arms.a.beside: "clonidine" stands where a map is due'),
    ],
)
def test_what_cannot_be_given_beside_is_refused_in_its_line(given, said):
    with pytest.raises(InputError) as refusal:
        loads(ARM % given)
    assert said in str(refusal.value)


# ---- views


def test_the_terminal_shows_harms_and_what_is_not_known(done, capsys):
    tables.show_run(done.document, Console(width=160, color_system=None))
    shown = capsys.readouterr().out
    flat = " ".join(shown.split())
    for said in ("psychedelic load, %", "saturating", "unsaturated", "enzymes 3 x limit, %", "days with drug"):
        assert said in shown
    assert flat.count("Not known: what infusions do to a bladder") == 1
    assert flat.count("Not known: from which length, dose or waiting time") == 1
    headaches = next(line for line in shown.splitlines() if line.startswith("headache"))
    assert headaches.count("not identified") == 6


def test_the_report_shows_harms_with_support_and_sources(done):
    page = report.render(done.document, TEXT)
    harm = page[page.index('<section id="harms"') : page.index('<section id="reading"')]
    for said in ("if injury saturates", "if it does not", "Not known", "midazolam 2 mg", "noppers2011liver"):
        assert said in harm
    assert harm.count("not identified</span>") >= 5 * 7
    assert "This result holds no harms" not in page
