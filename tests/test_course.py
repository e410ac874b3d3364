"""The course of whole patients against diffrax, which solves the equations as they are written, all in one."""

from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import diffrax
import numpy as np
import pytest

from letheon.arrays import jax, jnp
from letheon.body import course, memory
from letheon.body.compartments import levels
from letheon.body.mesh import HOUR_MS, Grading, lay
from letheon.dosing.regimen import Infusion, Rate, Regimen
from letheon.patients.population import Covariates, people
from letheon.patients.uncertainty import DRAWS, typical_values
from letheon.pipeline import assemble, run_block
from letheon.pipeline import plan as plan_module
from letheon.pipeline.plan import plan_arms
from letheon.scenario import Arm, loads

LEIDEN = Covariates(79.0, 19.0, 7.3, 2.0, 46.0, 12.0, 0.0)
MASS = {"esketamine": 237.73, "arketamine": 237.73, "esnorketamine": 223.70, "arnorketamine": 223.70}
LEVELS = jax.jit(levels)
NEAR = 0.01  # of the unstable root: beyond it an error grows until it decides the patient's fate
EDGES = 64


# ---- the equations as written, for one patient


def concentrations(plasmas, states, arketamine_weight) -> dict:
    """Levels [ng/mL] by substance, and the sites ``slow`` and ``acute``."""
    values = {"slow": 0.0, "acute": 0.0}
    for plasma, x in zip(plasmas, states, strict=True):
        for row, (name, i) in enumerate(plasma.system.readouts):
            if name == "acute":
                values["acute"] += x[i] * (1.0 if plasma.enantiomer == "s" else arketamine_weight)
            elif name == "slow" or "levels" in plasma.drives:
                values[name] = x[i] * plasma.system.scale[0, row]
    return values


def split(plasmas, y):
    at = np.cumsum([0, *(p.system.rates.shape[-1] for p in plasmas)])
    return [y[a:b] for a, b in pairwise(at)], y[at[-1] :]


def blocked(body, values):
    u = sum(
        (body.norketamine_weight if "nor" in name else 1.0) * body.fu * values[name] / MASS[name] / body.kappa / ki
        for name, ki in body.inhibition.items()
        if name in values
    )
    return 1.0 / (1.0 + jnp.maximum(u, 1e-30) ** -body.hill)


def slope_of_everything(t, y, args):
    """Plasma, s, g, and the integrals of pain and of the second model's pain."""
    plasmas, body, rates, edges = args
    states, (s, g, *_) = split(plasmas, y)
    rate = rates[jnp.searchsorted(edges, t, side="right")]
    plasma = [(p.system.rates[0] @ x).at[0].add(rate * p.share) for p, x in zip(plasmas, states, strict=True)]
    values, m = concentrations(plasmas, states, body.readout.arketamine_weight), body.memory
    block = blocked(body, values) * body.responds
    a = m.a + body.flare_rise * body.flares[jnp.clip(jnp.floor(t / 24).astype(int), 0, len(body.flares) - 1)]
    theta, power = m.theta * (1 + m.gamma * g), jnp.maximum(s, 0.0) ** m.n
    ds = ((1 - block) * (a + (1 - a) * power / (power + theta**m.n)) - s) / m.tau_s
    dg = m.k_g * block * (1 - g) - g / m.tau_g
    pain = pain_by_hand(body, body.readout, values["acute"], t, s / memory.chronic_state(m.theta, m.a, m.n))
    acute = concentrations(plasmas, states, body.readout_slow.arketamine_weight)["acute"]
    share = 1 - body.slow_responds * values["slow"] / (body.c50_slow + values["slow"])
    return jnp.concatenate([*plasma, jnp.stack([ds, dg, pain, pain_by_hand(body, body.readout_slow, acute, t, share)])])


def pain_by_hand(body, readout, acute, t, share):
    """Pain as model.md writes it: the odds of lasting relief times those of the study, then placebo and acute effect."""
    relief = jnp.maximum(1 - share, 0.0)
    relief = jnp.where(share > 1, 1 - share, readout.odds * relief / (1 - relief + readout.odds * relief))
    placebo = readout.placebo * (1 - jnp.exp(-t / readout.tau_on)) * jnp.exp(-t / readout.tau_off)
    return body.baseline * (1 - relief) * (1 - placebo) * readout.c50_acute / (readout.c50_acute + acute)


@partial(jax.jit, static_argnames="solver")
def by_diffrax(solver, plasmas, body, rates, edges, jumps, start, times):
    """States at the times [h]; `edges` and `jumps` are those of the drug and the midnights, patients go last."""

    def one(plasmas, body, rates, start, times):
        steps = diffrax.ClipStepSizeController(diffrax.PIDController(rtol=1e-10, atol=1e-12), jump_ts=jumps)
        return diffrax.diffeqsolve(
            diffrax.ODETerm(slope_of_everything),
            solver,
            times[0],
            times[-1],
            None,
            start,
            args=(plasmas, body, rates, edges),
            saveat=diffrax.SaveAt(ts=times),
            stepsize_controller=steps,
            max_steps=200_000,
        ).ys

    return jax.vmap(one, in_axes=-1, out_axes=-1)(plasmas, body, rates, start, times)


# ---- the same patients through the pipeline's parts


class Courses(NamedTuple):
    """Courses of some patients, and what they come from; patients on the last axis."""

    plasmas: tuple
    body: course.Body
    rates: jax.Array
    path: course.Trajectory
    gap: jax.Array  # least distance at midnight from the unstable root, while hardly any drug acts


def carry_one(structure, arm, mesh, draws, switches, who, number) -> Courses:
    steps, count, day_rows = mesh
    own = assemble.patient_values(draws, who)
    body = assemble.body_of(own, who, switches)
    plasmas = assemble.plasmas_of(structure, own, who, switches, arm, number)
    rates = jnp.minimum(arm.absolute + arm.per_kg * who.weight_kg, arm.ceiling).sum(axis=1)
    path = course.run(plasmas, body, MASS, steps, rates, structure.levels, count)
    path = jax.tree.map(lambda x: x[day_rows], path)
    m = body.memory
    root = memory.unstable_root(m.theta * (1 + m.gamma * path.growth), m.a, m.n)
    counts = (path.block * body.responds < 0.05) & ~jnp.isnan(root)
    gap = jnp.where(counts, jnp.abs(path.sensitisation - root), jnp.inf).min()
    return Courses(plasmas, jax.tree.map(jnp.asarray, body), rates, path, gap)


@partial(jax.jit, static_argnames="structure")
def carry(structure, arm, mesh, draws, who, number, switches) -> Courses:
    one = partial(carry_one, structure, arm, mesh, draws, switches)
    return jax.vmap(one, in_axes=-1, out_axes=-1)(who, number)


@partial(jax.jit, static_argnums=1)
def persons(numbers, days: int):
    return jax.vmap(lambda k: people(LEIDEN, 5, k, days, k % DRAWS), out_axes=-1)(numbers)


def run(plan, numbers, flares=1.0, draws=None) -> Courses:
    who = persons(jnp.asarray(numbers), len(plan.day_rows) - 1)
    switches = assemble.Switches(5, flares, 0.0, 0.0)
    draws = typical_values() if draws is None else draws
    mesh = (plan.steps, plan.mesh.count, plan.day_rows)
    return carry(plan.structure, plan.data, mesh, draws, who, jnp.asarray(numbers), switches)


def plans(regimens, days: int):
    """Plan all regimens of one drug in common shapes."""
    drug = regimens[0].drug
    text = "letheon: 1\ntitle: t\nfollow_up: 1 day\narms:\n  a: {drug: racemic, sessions: [{at: day 1, dose: 1 mg, for: 1 h}]}"
    arms = tuple(Arm(f"arm{i}", drug, regimen) for i, regimen in enumerate(regimens))
    return plan_arms(replace(loads(text), follow_up_h=24.0 * days, arms=arms))


def drips(drug: str, *spans) -> Regimen:
    """Regimen from (start h, length h, mg/kg/h)."""
    return Regimen.create(drug, [Infusion.create(a, b, Rate(per_kg_mg_h=r)) for a, b, r in spans])


def random_regimen(drug: str, seed: int) -> Regimen:
    """Long drips, daily sessions, titrations with overlaps and ceilings, or boosters, to the second."""
    rng = np.random.default_rng(seed)
    kind = seed % 4
    if kind == 0:
        spans = [(rng.uniform(0, 30), rng.uniform(20, 120), rng.uniform(0.05, 0.4))]
    elif kind == 1:
        hours, rate = rng.uniform(0.5, 8), rng.uniform(0.1, 1.0)
        spans = [(24.0 * d + 9, hours, rate) for d in range(rng.integers(2, 11))]
    elif kind == 2:
        spans = [(rng.uniform(0, 100), rng.uniform(1, 60), rng.uniform(0.02, 0.3)) for _ in range(4)]
    else:
        spans = [(0.0, rng.uniform(20, 90), rng.uniform(0.1, 0.4))]
        spans += [(24.0 * 14 * k + rng.uniform(1, 20), rng.uniform(1, 6), rng.uniform(0.2, 1.0)) for k in (1, 2, 3)]
    ceiling = rng.uniform(15, 80) if seed % 3 == 0 else np.inf
    whole = [(round(a * 3600) / 3600, max(round(b * 3600), 60) / 3600, float(r)) for a, b, r in spans]
    infusions = [Infusion.create(a, b, Rate(per_kg_mg_h=r, ceiling_mg_h=ceiling)) for a, b, r in whole]
    return Regimen.create(drug, infusions)


def reference(regimen: Regimen, rates, days: int) -> tuple[np.ndarray, np.ndarray, jax.Array]:
    """Return what diffrax needs to know about an arm: edges, jumps and rates, filled up to one shape."""
    edges = np.array(regimen.schedule().edges_ms) / HOUR_MS
    jumps = np.setdiff1d(np.union1d(edges, 24.0 * np.arange(days + 1)), [0.0])
    jumps = np.concatenate([jumps, jumps[-1] + 1000.0 + np.arange(EDGES + days - len(jumps))])
    padded = np.zeros((EDGES + 1, rates.shape[-1]))
    padded[1 : len(edges)] = rates[1 : len(edges)]
    return np.concatenate([edges, 1e6 + np.arange(EDGES - len(edges))]), jumps, jnp.array(padded)


def compare(solver, regimen: Regimen, plan, numbers, days: int) -> tuple[Courses, np.ndarray]:
    """Return the courses and diffrax's s, g and two integrals of pain at each midnight."""
    courses = run(plan, numbers)
    edges, jumps, rates = reference(regimen, courses.rates, days)
    size = sum(p.system.rates.shape[1] for p in courses.plasmas)
    start = np.zeros((size + 4, len(numbers)))
    start[size] = courses.path.sensitisation[0]
    times = np.repeat(24.0 * np.arange(days + 1)[:, None], len(numbers), axis=1)
    states = by_diffrax(solver, courses.plasmas, courses.body, rates, edges, jumps, start, times)
    return courses, np.asarray(states[:, size:])


def errors(courses: Courses, true, days: int) -> dict[str, np.ndarray]:
    """Largest error of each patient: s and g, and the daily means of pain and of the second model's pain [NRS]."""
    path = courses.path
    ours = [np.asarray(x)[: days + 1] for x in (path.sensitisation, path.growth, path.area, path.area_slow)]
    s, g = (np.abs(ours[i] - true[:, i]).max(axis=0) for i in (0, 1))
    pain, slow = (np.abs(np.diff(ours[i] - true[:, i], axis=0) / 24) for i in (2, 3))
    above = ours[0] > ours[0][0]
    bends = above[1:] != above[:-1]
    daily = {"pain": np.where(bends, 0.0, pain), "bend": np.where(bends, pain, 0.0), "rival": slow}
    return {"s": s, "g": g} | {name: error.max(axis=0) for name, error in daily.items()}


DAYS, FOUR, ROOM = 21, np.arange(4), 32_768
REGIMENS = (
    drips("esketamine", (0.0, 100.0, 0.3)),
    random_regimen("esketamine", 9),
    drips("esketamine", (5.0, 30.0, 0.1), (20.0, 40.0, 0.2), (14 * 24.0, 4.0, 1.0)),
)


def three_weeks() -> tuple:
    """Plan the three regimens, with room for a very fine mesh, so that one program serves all."""
    fields = ("level", "piece", "epoch", "day", "time_h")
    wide_plans = []
    for plan in plans(REGIMENS, DAYS):
        pad = ROOM - len(plan.steps.level)
        wide = {f: np.pad(getattr(plan.steps, f), (0, pad), mode="edge") for f in fields}
        wide_plans.append(
            replace(plan, steps=plan.steps._replace(**wide), structure=replace(plan.structure, levels=16))
        )
    return tuple(wide_plans)


@pytest.mark.long
def test_courses_against_diffrax():
    """Three regimens, four patients with flares: every state within 1e-6, daily pain within 1e-5 NRS (Dopri8)."""
    count = 0
    for regimen, plan in zip(REGIMENS, three_weeks(), strict=True):
        courses, true = compare(diffrax.Dopri8(), regimen, plan, FOUR, DAYS)
        off, far = errors(courses, true, DAYS), np.asarray(courses.gap) > NEAR
        count += far.sum()
        assert off["s"][far].max(initial=0) < 1e-6
        assert off["g"].max() < 1e-6
        assert max(off["pain"][far].max(initial=0), off["bend"][far].max(initial=0)) < 1e-5
        assert off["rival"].max() < 1e-5
        assert true[:, 0].min() < 0.9 * true[0, 0].max()  # the drug did something
    assert count >= 8


@pytest.mark.long
def test_order_of_convergence(monkeypatch):
    """Uniform steps, halved: the error falls by 2^5 or more, for both states and for the integrals of pain."""
    states = []
    draws = typical_values() | {"receptor.hill": np.ones(DRAWS)}  # no kink in the block where the drug begins
    for h in (1 / 4, 1 / 8, 1 / 16, 1 / 32):
        uniform = Grading(finest_h=h, early_h=h, coarsest_h=h, growth=0.0, late=0.0)
        monkeypatch.setattr(
            plan_module,
            "lay",
            lambda schedule, end, _, marks, to=uniform, **rest: lay(schedule, end, to, marks, **rest),
        )
        path = run(three_weeks()[0], FOUR, flares=0.0, draws=draws).path
        states.append(np.array([x[1] for x in (path.sensitisation, path.growth, path.area, path.area_slow)]))
    off = [np.abs(x - states[-1]).max(axis=1) for x in states[:-1]]
    order = np.log2(off[-2] / off[-1])
    assert np.all(order > 4.7), order


SWITCHED = "letheon: 1\ntitle: t\nfollow_up: 21 days\nmodels: {induction: on, occasions: on}\narms:\n  a:\n    drug: esketamine\n"
SWITCHED += "    sessions: [{at: 5 h, rate: 20 mg/h, for: 40 h}, {at: day 8, rate: 30 mg/h, for: 50 min, repeat: {every: 2 days, times: 4}}]\n"


@pytest.mark.long
@pytest.mark.parametrize("which", ["esketamine", "racemic", "induction and occasions"])
def test_simulation_matches_laid_mesh_at_every_node(which):
    """What is checked against diffrax is what runs: the same states at every node, and the same doses and daily pain.

    Red when a patient's own clock steps elsewhere, misses a change of rate, or takes another epoch or flare day.
    """
    if which == "racemic":
        planned = plans([random_regimen("racemic", seed) for seed in (1, 2, 15)], DAYS)
    else:
        planned = plans(REGIMENS, DAYS) if which == "esketamine" else plan_arms(loads(SWITCHED))
    draws = {name: jnp.asarray(values) for name, values in typical_values().items()}
    who = persons(jnp.asarray(FOUR), len(planned[0].day_rows) - 1)
    for plan in planned:
        rows = replace(plan, day_rows=np.arange(plan.mesh.count + 1))
        mesh = (plan.steps, plan.mesh.count, rows.day_rows)
        switches = assemble.Switches(5, 1.0, 0.0, 0.0)
        laid = carry(plan.structure, plan.data, mesh, draws, who, jnp.asarray(FOUR), switches)
        result = run_block(plan, draws, who, jnp.asarray(FOUR), switches)["memory"]
        saved = plan.save[: plan.saved]
        path = laid.path.levels | {
            "nmda_block": laid.path.block,
            "sensitisation": laid.path.sensitisation,
            "growth": laid.path.growth,
            "slow_site_effect": laid.path.slow_effect,
            "nrs": np.minimum(laid.path.pain, 10.0),
            "nrs_slow": np.minimum(laid.path.pain_slow, 10.0),
        }
        assert set(path) == set(result.profile)
        for name, values in path.items():
            simulated = np.asarray(result.profile[name])[: plan.saved]
            assert simulated == pytest.approx(np.asarray(values)[saved], rel=1e-9, abs=1e-12), name
        steps = slice(plan.mesh.count)
        hours, rates = plan.mesh.h0_h * 2.0 ** plan.steps.level[steps], np.asarray(laid.rates)[plan.steps.piece[steps]]
        assert np.asarray(result.dose_mg) == pytest.approx(hours @ rates, rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("drug", "seeds"), [("esketamine", range(14)), ("racemic", range(14, 20))])
def test_random_courses_against_diffrax(drug, seeds):
    """Twenty random regimens, fifty patients, six weeks (Kvaerno5)."""
    regimens = [random_regimen(drug, seed) for seed in seeds]
    for regimen, plan in zip(regimens, plans(regimens, 42), strict=True):
        courses, true = compare(diffrax.Kvaerno5(), regimen, plan, np.arange(50), 42)
        off, far = errors(courses, true, 42), np.asarray(courses.gap) > NEAR
        assert far.mean() > 0.5
        assert off["s"][far].max() < 1e-6 and off["g"].max() < 1e-6
        assert off["pain"][far].max() < 1e-5 and off["bend"][far].max() < 3e-5
        assert off["rival"].max() < 1e-6


# ---- one racemic regimen, one program


TWICE = drips("racemic", (3.0, 90.0, 0.4), (150.0, 4.0, 1.0))


def eight_days(regimen: Regimen = TWICE):
    (plan,) = plans([regimen], 8)
    return plan


def test_plasma_and_pain_along_the_course():
    """At each midnight: levels of `levels`, block, slow site and pain by their formulas."""
    days, numbers = 8, np.arange(3)
    courses = run(eight_days(), numbers)
    edges, _, rates = reference(TWICE, courses.rates, days)
    midnights = 24.0 * np.arange(days + 1)
    for patient in range(len(numbers)):
        plasmas, body, own_rates = jax.tree.map(lambda x: x[..., patient], (courses.plasmas, courses.body, rates))  # noqa: B023
        states = [
            LEVELS(replace(p.system, rates=p.system.rates[0]), edges, own_rates[1:EDGES] * p.share, midnights).T
            for p in plasmas
        ]
        by_model = [
            (readout, concentrations(plasmas, states, readout.arketamine_weight))
            for readout in (body.readout, body.readout_slow)
        ]
        values = by_model[0][1]
        path = jax.tree.map(lambda x: np.asarray(x)[: days + 1, patient], courses.path)  # noqa: B023
        assert set(path.levels) == set(MASS)
        for name in MASS:
            np.testing.assert_allclose(path.levels[name], values[name], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(path.block, blocked(body, values), rtol=1e-8, atol=1e-20)
        np.testing.assert_allclose(path.slow_effect, values["slow"] / (body.c50_slow + values["slow"]), rtol=1e-9)
        shares = (path.sensitisation / path.sensitisation[0], 1 - body.slow_responds * path.slow_effect)
        for pain, (readout, at), share in zip((path.pain, path.pain_slow), by_model, shares, strict=True):
            np.testing.assert_allclose(pain, pain_by_hand(body, readout, at["acute"], midnights, share), rtol=1e-9)


def test_without_drug_and_flares_only_placebo_acts():
    """The state stays chronic, and the integral of pain is the closed form of the placebo response."""
    courses = run(replace_rates(eight_days(), 0.0), np.arange(3), flares=0.0)
    path, body = jax.tree.map(lambda x: np.asarray(x)[:9], courses.path), courses.body
    np.testing.assert_allclose(path.sensitisation, np.broadcast_to(path.sensitisation[0], (9, 3)), rtol=1e-12)
    assert not path.growth.any() and path.block.max() < 1e-20
    t = 24.0 * np.arange(9)[:, None]
    for area, readout in ((path.area, body.readout), (path.area_slow, body.readout_slow)):
        fast = 1 / (1 / readout.tau_on + 1 / readout.tau_off)
        shape = readout.tau_off * (1 - np.exp(-t / readout.tau_off)) - fast * (1 - np.exp(-t / fast))
        np.testing.assert_allclose(area, body.baseline * (t - readout.placebo * shape), rtol=1e-8)


def replace_rates(plan, factor: float):
    data = plan.data
    return replace(plan, data=data._replace(absolute=data.absolute * factor, per_kg=data.per_kg * factor))


def test_nonresponders_keep_levels_and_acute_effect():
    """In the class that does not respond block does not act on the state; everything else is as in the others."""
    plan = eight_days()
    draws = typical_values() | {"between.effect": np.zeros(DRAWS)}  # so that pain goes with sensitisation
    shares = {"memory.p_nonresponse": np.ones(DRAWS)}
    none, all_ = (run(plan, np.arange(3), 0.0, draws | {k: c * v for k, v in shares.items()}) for c in (1.0, 0.0))
    s = np.asarray(none.path.sensitisation)[:9]
    np.testing.assert_allclose(s, np.broadcast_to(s[0], s.shape), rtol=1e-12)
    assert np.all(np.asarray(all_.path.sensitisation)[4] < 0.9 * s[0])
    for name, level in none.path.levels.items():
        assert np.array_equal(level, all_.path.levels[name])
    assert np.array_equal(none.path.block, all_.path.block)
    share = np.asarray(none.path.pain / none.path.sensitisation)[:9]
    np.testing.assert_allclose(share, (all_.path.pain / all_.path.sensitisation)[:9], rtol=1e-12)


def test_replay_on_known_levels_is_the_course():
    plan = eight_days()
    fields = ("level", "piece", "epoch", "day", "time_h")
    steps = plan.steps._replace(**{field: getattr(plan.steps, field)[: plan.mesh.count] for field in fields})
    arm, switches = plan.data, assemble.Switches(5, 1.0, 0.0, 0.5)
    draws = {name: jnp.asarray(values) for name, values in typical_values().items()}

    def both(who, number):
        own = assemble.patient_values(draws, who)
        body = assemble.body_of(own, who, switches)
        plasmas = assemble.plasmas_of(plan.structure, own, who, switches, arm, number)
        rates, levels = assemble.rates_of(arm, who), plan.structure.levels
        nodes = course.exposure(plasmas, steps, rates, levels)
        return course.run(plasmas, body, MASS, steps, rates, levels), course.replay(body, MASS, steps, nodes)

    numbers = jnp.arange(3)
    whole, again = jax.jit(jax.vmap(both, in_axes=-1))(persons(numbers, len(plan.day_rows) - 1), numbers)
    for name, values in whole._asdict().items():
        for one, other in zip(jax.tree.leaves(values), jax.tree.leaves(getattr(again, name)), strict=True):
            assert np.allclose(one, other, rtol=1e-12, atol=1e-13), name


def planned(weeks: int, sessions: str, *rules: str):
    """Plan an arm of two sessions and rules."""
    text = (
        f"letheon: 1\ntitle: t\nfollow_up: {weeks} weeks\narms:\n  a:\n    drug: racemic\n    sessions: [{sessions}]\n"
    )
    (plan,) = plan_arms(loads(text + "".join(f"    {rule}\n" for rule in rules)))
    return plan


TITRATION = "titration: {every: 7 h, step: 5 mg/h, max: 40 mg/h}"
CALENDAR = "boosters: {every: 6 weeks, session: {rate: 20 mg/h, for: 5 h}}"
RELAPSE = "boosters: {on: relapse, session: {rate: 20 mg/h, for: 10 h}}"


@pytest.mark.parametrize("rules", [(), (RELAPSE,), (CALENDAR,), (TITRATION,), (TITRATION, CALENDAR)])
def test_saved_rows_follow_levels_down_and_reach_the_end(rules):
    """Red when thinning leaves hours without a row behind a course, where a level would be drawn as a straight line."""
    plan = planned(104, "{at: 0 h, rate: 10 mg/h, for: 24 h}, {at: 24 h, rate: 20 mg/h, for: 76 h}", *rules)
    times, gaps = plan.profile_time_h, np.diff(plan.profile_time_h)
    assert len(times) <= 500 and times[-1] == 24 * 7 * 104
    assert gaps[times[:-1] < 24 * plan.course_end_day + 96].max() <= 8.0
    assert gaps.max() <= 72.0


@pytest.mark.parametrize(
    ("rules", "boosters"), [((TITRATION,), ()), ((CALENDAR,), (24 * 43, 24 * 85)), ((TITRATION, CALENDAR), None)]
)
def test_levels_fall_along_a_curve_behind_every_session_known_beforehand(rules, boosters):
    """Red when an arm with rules keeps midnights and edges alone, between which a level is drawn as a straight line."""
    plan = planned(20, "{at: 10 h, rate: 10 mg/h, for: 30 h}, {at: day 30, rate: 10 mg/h, for: 4 h}", *rules)
    edges = [10, 40] if boosters is None else [10, 40, 696, 700, *(start + h for start in boosters for h in (0, 5))]
    for edge in edges:
        times = plan.profile_time_h
        behind = times[(times > edge) & (times <= edge + 24.0)]
        assert np.isclose(times, edge).any() and len(behind) >= 8, (rules, edge)
        assert behind[0] < edge + 0.2 and np.diff([edge, *behind]).max() <= 8.0
