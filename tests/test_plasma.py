"""Plasma: every library model against 40-digit matrix exponentials, and the laws that linear plasma obeys."""

from dataclasses import replace
from functools import cache

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from letheon import library
from letheon.arrays import jax, jnp
from letheon.body import slow_site
from letheon.body.compartments import System, build, levels, with_effect_site
from letheon.body.mesh import DAY_MS, HOUR_MS, lay
from letheon.body.propagator import advance, propagators
from letheon.dosing.regimen import Infusion, Rate, Regimen
from letheon.patients.population import Covariates, people
from letheon.patients.variability import individual_pk
from letheon.pipeline.plan import choose_enantiomer
from letheon.scenario import loads

SYSTEMS = (
    ("otto2021", "s"),
    ("simons2022", "s"),
    ("pair", "s"),
    ("pair", "r"),
    ("perezruixo2021", "s"),
    ("kamp2020", "s"),
    ("domino1982", "s"),
    ("clements1981", "s"),
    ("hijazi2003", "s"),
)
ANYBODY = Covariates(79.0, 19.0, 7.3, 2.0, 62.0, 15.0, 0.5)
CONSTANTS = {name: n.canonical for name, n in library.receptor().items() if name.startswith("molar")}
PIECES, TIMES, WIDEST = 4, 6, 13  # one shape for all models
SOLVE = jax.jit(levels)
PERSON = jax.jit(people, static_argnums=3)


@cache
def parameters(model: str, side: str, number: int) -> dict:
    """Individual parameters of a patient of random weight, age, ancestry and etas."""
    shipped = library.pk_model(model)
    who = PERSON(ANYBODY, 11, number, 1, 0)
    typical = {name: n.canonical for name, n in shipped.parameters.items()}
    values = choose_enantiomer(individual_pk(shipped, typical, who), side)
    return {name: float(v) for name, v in values.items()}


def patient(model: str, side: str, number: int, **values: float) -> System:
    """The plasma of a patient; single parameters may be given."""
    own = parameters(model, side, number) | values
    return build(library.pk_model(model).structure, own, side, CONSTANTS)


def wide(system: System) -> System:
    """Add empty compartments up to one size, so that one program serves all models."""
    spare = WIDEST - len(system.states)
    return System(jnp.pad(system.rates, (0, spare)), jnp.ones(1), ("k",) * WIDEST, (("k", 0),))


def solved(system, edges, rates, times) -> np.ndarray:
    """`levels` through that one program."""
    edges, rates, times = map(np.asarray, (edges, rates, times))
    return np.asarray(SOLVE(wide(system), edges, rates, times))[:, : len(system.states)]


def drip(rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random edges [h], rates [mg/h] (one of them a pause) and times, some of them on edges and after the end."""
    edges = np.sort(rng.uniform(0.0, 60.0, PIECES + 1))
    rates = rng.uniform(1.0, 80.0, PIECES)
    rates[rng.integers(PIECES)] = 0.0
    times = np.sort([edges[1], edges[-1], *rng.uniform(0.0, 70.0, 2), edges[0] + 0.01, rng.uniform(80.0, 400.0)])
    return edges, rates, times


def exact(system: System, edges, rates, times) -> np.ndarray:
    """States [mg] at the times, carried piece by piece with 60 digits."""
    a = np.asarray(system.rates)
    n = len(a)
    with mp.workdps(60):
        full = mp.zeros(n + 1)
        for i in range(n):
            for j in range(n):
                full[i, j] = mp.mpf(a[i, j])
        full[0, n] = 1
        state, now, rows = mp.zeros(n + 1, 1), mp.mpf(0), []
        stops = sorted({*edges, *times, 0.0})
        for stop in stops:
            if stop > now:
                piece = np.searchsorted(edges, float(now), side="right") - 1
                state[n] = mp.mpf(rates[piece]) if 0 <= piece < len(rates) else 0
                state = mp.expm(full * (mp.mpf(stop) - now), method="taylor") * state
                now = mp.mpf(stop)
            if stop in times:
                rows.append([float(x) for x in state[:n]])
    return np.array(rows)


def assert_exact(states, true):
    """|error| <= 1e-9 |reference| + 1e-12 of the highest level of that state."""
    limit = 1e-9 * np.abs(true) + 1e-12 * np.abs(true).max(axis=0)
    error = np.abs(np.asarray(states) - true)
    assert np.all(error <= limit), float(np.max(error - limit))


each_patient = pytest.mark.parametrize(
    "number", [0, *(pytest.param(number, marks=pytest.mark.slow) for number in range(1, 7))]
)
each_system = pytest.mark.parametrize(("model", "side"), SYSTEMS)


@each_patient
@each_system
def test_levels_are_exact(model, side, number):
    """Red when a piece is missed, a rate is read on the wrong side of an edge, or the series is too short."""
    system, (edges, rates, times) = patient(model, side, number), drip(np.random.default_rng(100 + number))
    assert_exact(solved(system, edges, rates, times), exact(system, edges, rates, times))


@jax.jit
def steps_through(system: System, h0, level, rate):
    """Carry a state along dyadic steps by tabulated propagators, as the pipeline does."""
    table = propagators(system.rates, system.entry, h0, 28)

    def step(state, data):
        k, r = data
        state = advance(table[k], state, r)
        return state, state

    start = jnp.zeros(system.rates.shape[0])
    return jnp.concatenate([start[None], jax.lax.scan(step, start, (level, rate))[1]])


def tabulated(system: System, regimen: Regimen, size: int = 2048):
    """Carry a regimen along its mesh; returns mesh, schedule and the states at the ends of its steps."""
    schedule = regimen.schedule()
    mesh = lay(schedule, 4 * DAY_MS)
    spare = size - mesh.count
    rates = np.array([0.0, *schedule.rates(70.0)])[mesh.piece[: mesh.count]]
    level, rates = (np.pad(x, (0, spare)) for x in (mesh.level[: mesh.count], rates))
    states = steps_through(wide(system), mesh.h0_h, level, rates)
    return mesh, schedule, np.asarray(states)[:, : len(system.states)]


@each_patient
@each_system
def test_tabulated_steps_are_exact(model, side, number):
    """Hundreds of tabulated steps end where one exact solution ends; red when rounding or mass drifts away."""
    rng = np.random.default_rng(200 + number)
    starts = np.sort(rng.integers(0, 40 * HOUR_MS, 3))
    # to the minute, or to the millisecond: then the shortest step is a quarter of a millisecond
    unit = 60_000 if number % 2 == 0 else 1
    infusions = [
        Infusion(int(s) // unit * unit, int(rng.integers(1, 12 * 60)) * 60_000, Rate(float(rng.uniform(1, 80))))
        for s in starts
    ]
    system = patient(model, side, number)
    mesh, schedule, states = tabulated(system, Regimen("esketamine", tuple(infusions)))
    rows = np.unique([*rng.integers(1, mesh.count, 4), mesh.count])
    edges = np.array(schedule.edges_ms) / HOUR_MS
    true = exact(system, edges, schedule.rates(70.0), list(mesh.time_h[rows]))
    assert_exact(states[rows], true)


@pytest.mark.parametrize("over", ["10 s", "17 s", "1 min", "5 min"])
def test_a_push_is_exact_on_the_mesh(over):
    """A push upon a running drip, at its end, minutes and a day later; red when steps are longer than the push."""
    scenario = loads(
        "letheon: 1\ntitle: t\nfollow_up: 4 days\narms: {a: {drug: esketamine, sessions: ["
        f"{{at: 1 h, rate: 10 mg/h, for: 5 h}}, {{at: 3 h, push: 0.35 mg/kg, over: {over}}}]}}}}"
    )
    regimen, system = scenario.arms[0].regimen, patient("otto2021", "s", 0)
    assert regimen.schedule().dose_mg(80.0) == pytest.approx(50.0 + 28.0, rel=1e-14)
    mesh, schedule, states = tabulated(system, regimen)
    starts = regimen.infusions[1].start_ms, regimen.infusions[1].stop_ms
    start, stop, tomorrow = mesh.index_of([*starts, DAY_MS])
    rows = [start, stop, stop + 20, tomorrow]
    edges = np.array(schedule.edges_ms) / HOUR_MS
    assert_exact(states[rows], exact(system, edges, schedule.rates(70.0), list(mesh.time_h[rows])))


def equal_rates(model: str, apart: float) -> System:
    """Make a system whose rates nearly coincide."""
    p = parameters(model, "s", 3)
    alone = {"q2": 0.0, "q3": 0.0, "qn": 0.0}
    if model == "otto2021":  # a chain of two: Bateman's formula divides by the difference
        return patient(model, "s", 3, **alone, cln=p["cl"] / p["v1"] * p["vn1"] * (1 + apart))
    if model == "pair":  # parent, both delays and norketamine all at one rate: a defective block of four
        rate = 2.0 / p["mtt"]
        return patient(model, "s", 3, **alone, cl=rate * p["v1"] * (1 + apart), cln=rate * p["vn1"] * (1 - apart))
    return patient(model, "s", 3, mtt_hnk=p["mtt"] * (1 + apart))  # all four delays


@pytest.mark.parametrize("apart", [0.0, 1e-12, 1e-6])
@pytest.mark.parametrize("model", ["otto2021", "pair", "simons2022"])
def test_coinciding_rates(model, apart):
    """Red for any formula that divides by a difference of rates or needs eigenvectors."""
    system, (edges, rates, times) = equal_rates(model, apart), drip(np.random.default_rng(5))
    assert_exact(solved(system, edges, rates, times), exact(system, edges, rates, times))


@pytest.mark.slow
@each_system
def test_derivatives_of_every_model(model, side):
    """Derivatives in every parameter against central differences taken to the limit."""
    p = parameters(model, side, 2)
    names = [n for n, v in p.items() if v > 0]
    rng = np.random.default_rng(8)
    edges, rates, times = drip(rng)
    log_values = jnp.log(jnp.array([p[n] for n in names]))
    size = len(library.pk_model(model).analytes if model != "pair" else "pn")
    weight = rng.normal(size=(TIMES, size))  # a sum with signs, so that no error hides in another time

    def read(log_values):
        system = patient(model, side, 2, **dict(zip(names, jnp.exp(log_values), strict=True)))
        states = levels(system, edges, rates, times)
        return jnp.stack([system.read(n, states.T) for n, _ in system.readouts], axis=1)

    step = 4e-3 * np.array([1.0, -1.0, 0.5, -0.5, 0.25, -0.25])
    moved = log_values + step[:, None, None] * np.eye(len(names))
    value = np.asarray(jax.jit(jax.vmap(read))(moved.reshape(-1, len(names))))
    value = value.reshape(6, len(names), TIMES, size)
    coarse, middle, fine = ((value[i] - value[i + 1]) / (2 * step[i]) for i in (0, 2, 4))
    once, twice = (4 * middle - coarse) / 3, (4 * fine - middle) / 3
    limit = np.moveaxis((16 * twice - once) / 15, 0, -1)
    scale = np.abs(limit).max(axis=(0, 2))
    total = jax.jit(jax.grad(lambda x: (read(x) * weight / scale).sum()))(log_values)
    np.testing.assert_allclose(total, np.einsum("tsp,ts->p", limit, weight / scale), rtol=1e-7, atol=1e-8)
    slopes = jax.jit(jax.jacfwd(read))(log_values)
    np.testing.assert_allclose(slopes / scale[:, None], limit / scale[:, None], rtol=1e-7, atol=1e-8)


# Loss per hour of each state, as esketamine equivalents, written from the papers' equations.
LOSSES = {
    "parent3": lambda p: {"k1": p["cl"] / p["v1"]},
    "parent3_met2_direct": lambda p: {"n1": p["cln"] / p["vn1"]},
    "molar_chain": lambda p: {"k1": (1 - p["fm"]) * p["cl"] / p["v1"], "n1": p["cln"] / p["vn1"]},
    "molar_chain_hnk": lambda p: {
        "k1": (1 - p["fm"]) * p["cl"] / p["v1"],
        "n1": (1 - p["fm_hnk"]) * p["cln"] / p["vn1"],
        "h1": p["clh"] / p["vh1"],
    },
    "portal": lambda p: {"liver": p["kel"], "n1": p["cln"] / p["vn1"]},
    "micro2": lambda p: {"k1": p["k10"]},
    "micro3": lambda p: {"k1": p["k10"]},
}
MASS = {"k": 237.73, "d": 223.70, "n": 223.70, "e": 239.70, "h": 239.70, "l": 237.73}


def equivalents(model: str, system: System) -> np.ndarray:
    """Parent equivalents [mg] per mg in each state: molar in the molar models, else milligrams go unchanged."""
    if "molar" not in library.pk_model(model).structure:
        return np.ones(len(system.states))
    return np.array([MASS["k"] / MASS[state[0]] for state in system.states])


@each_system
def test_flows_conserve_mass(model, side):
    """Weighted column sums are the losses of the papers' equations, and no flow is negative."""
    system, p = patient(model, side, 4), parameters(model, side, 4)
    weight, matrix = equivalents(model, system), np.asarray(system.rates)
    lost = LOSSES[library.pk_model(model).structure](p)
    loss = np.array([lost.get(state, 0.0) for state in system.states])
    np.testing.assert_allclose(weight @ matrix, -weight * loss, atol=1e-13 * np.abs(matrix).max())
    assert np.all(matrix[~np.eye(len(loss), dtype=bool)] >= 0)


@settings(max_examples=8)
@given(seed=st.integers(0, 2**31), later=st.floats(0.0, 500.0))
def test_drips_add_up_and_may_come_later(seed, later):
    """Red when the response is not linear, or depends on the clock rather than on the time since a change of rate."""
    rng = np.random.default_rng(seed)
    system, (edges, one, times) = patient("simons2022", "s", 5), drip(rng)
    other = rng.uniform(0.0, 50.0, PIECES)
    apart = solved(system, edges, one, times) + solved(system, edges, other, times)
    both = solved(system, edges + later, one + other, times + later)
    # the shifted times are themselves rounded: 1e-13 h on a rate of up to some hundred per hour
    np.testing.assert_allclose(both, apart, rtol=1e-9, atol=1e-11 * apart.max())


@pytest.mark.parametrize(("source", "rate"), [("esketamine", 0.002), ("esnorketamine", 41.0)])
def test_effect_site_follows_its_source(source, rate):
    """dCe/dt = rate (C - Ce), C in ng/mL, solved with 60 digits in a matrix written here; plasma does not notice."""
    base = patient("otto2021", "s", 8)
    p = parameters("otto2021", "s", 8)
    edges, rates, times = drip(np.random.default_rng(1))
    site = with_effect_site(base, "site", source, rate)
    matrix = np.pad(np.asarray(base.rates), (0, 1))
    state, volume = ("k1", p["v1"]) if source == "esketamine" else ("n1", p["vn1"])
    matrix[-1, base.states.index(state)] = rate * 1000.0 / volume
    matrix[-1, -1] = -rate
    written = System(jnp.array(matrix), base.scale, (*base.states, "site"), base.readouts)
    states = solved(site, edges, rates, times)
    true = exact(written, edges, rates, times)
    assert_exact(states, true)
    assert_exact(site.read("site", states.T), true[:, -1])


def test_parent_alone_gives_the_same_levels():
    """Dropping what lies downstream changes nothing upstream."""
    whole = with_effect_site(patient("simons2022", "s", 9), "acute", "esketamine", 6.8)
    part = whole.only_upstream_of("acute")
    assert part.states == ("k1", "k2", "k3", "acute")
    edges, rates, times = drip(np.random.default_rng(2))
    all_states, few = solved(whole, edges, rates, times), solved(part, edges, rates, times)
    for name in ("esketamine", "acute"):
        assert_exact(part.read(name, few.T), np.asarray(whole.read(name, all_states.T)))


# ---- figures of the papers: plateaus, ends of short infusions, ratios, the slow site's course


@cache
def typical_person():
    """70 kg, 40 years, no personal deviation from the typical values."""
    who = PERSON(Covariates(70.0, 1.0, 7.3, 2.0, 40.0, 1.0, 0.0), 1, 0, 1, 0)
    return replace(who, weight_kg=70.0, age_years=40.0, eta=dict.fromkeys(who.eta, 0.0))


@cache
def typical(model: str, side: str = "s"):
    shipped = library.pk_model(model)
    values = individual_pk(shipped, {name: n.canonical for name, n in shipped.parameters.items()}, typical_person())
    return build(shipped.structure, choose_enantiomer(values, side), side, CONSTANTS)


def solve(system, edges, rates, times) -> dict[str, np.ndarray]:
    """Levels [ng/mL] by substance, and parent drug in the body [mg]; edges, rates and times are filled up to one shape."""
    edges = [*edges, *[edges[-1]] * (PIECES + 1 - len(edges))]
    rates = [*rates, *[0.0] * (PIECES - len(rates))]
    count = len(times)
    states = solved(system, edges, rates, [*times, *[times[-1]] * (len(HOURS) - count)])[:count]
    concentrations = {name: states[:, i] * float(system.scale[row]) for row, (name, i) in enumerate(system.readouts)}
    parent = [name.startswith("k") for name in system.states]
    return concentrations | {"parent_mg": states[:, parent].sum(axis=1)}


def after(system, rate, hours, name="esketamine") -> float:
    """Level at the end of one infusion."""
    return float(solve(system, [0.0, hours], [rate], [hours])[name][0])


# The papers' figures for 70 kg, and how near the body must come.
FIGURES = {
    "clements1981": {"cl_l_h": 80.2, "vss_l": 289, "terminal_half_life_h": 3.05},
    "domino1982": {"plateau_22_2_mg_h_ng_ml": 191.5, "cl_l_h": 115.9, "vss_l": 193, "terminal_half_life_h": 1.91},
    "hijazi2003": {"cl_ml_min_kg": 35.96, "terminal_half_life_h": 4.95},  # the abstract has 36.0 mL/min/kg
    "kamp2020": {"plateau_22_2_mg_h_ng_ml": 264, "vss_l": 238, "terminal_half_life_h": 3.06},
    "otto2021": {
        "plateau_22_2_mg_h_ng_ml": 233, "end_of_20_mg_in_20_min_ng_ml": 112, "vss_l": 418.8,
        "terminal_half_life_h": 7.4, "nk_to_k_ratio": 1.65,
    },
    "pair": {
        "plateau_racemic_20_mg_h_s_ng_ml": 108, "plateau_racemic_20_mg_h_r_ng_ml": 119,
        "nk_to_k_ratio_s": 1.5, "nk_to_k_ratio_r": 2.33,
    },
    "perezruixo2021": {
        "plateau_22_2_mg_h_ng_ml": 204, "end_of_20_mg_in_20_min_ng_ml": 85, "vss_l": 752, "cl_l_h": 109,
        "terminal_half_life_h": 11, "nk_to_k_ratio": 2.05,
    },
    "simons2022": {
        "plateau_22_2_mg_h_ng_ml": 250, "end_of_20_mg_in_20_min_ng_ml": 268, "vss_l": 224.6,
        "terminal_half_life_h": 3.2, "nk_to_k_ratio": 1.11, "hnk_to_k_ratio": 0.9,
    },
}  # fmt: skip


def body_figures(model: str, side: str) -> dict[str, float]:
    """The same figures from the body's equations."""
    system, prefix = typical(model, side), {"s": "es", "r": "ar"}[side]
    parent = system.readouts[0][0]
    steady = {name: values[0] for name, values in solve(system, [0.0, 3000.0], [22.2], [3000.0]).items()}
    late = solve(system, [0.0, 1.0], [60.0], [60.0, 80.0])[parent]
    level, clearance = steady[parent], 22.2e3 / steady[parent]
    return {
        "plateau_22_2_mg_h_ng_ml": level,
        f"plateau_racemic_20_mg_h_{side}_ng_ml": level * 10.0 / 22.2,  # half the mass is each enantiomer
        "end_of_20_mg_in_20_min_ng_ml": after(system, 60.0, 1 / 3, parent),
        "cl_l_h": clearance,
        "cl_ml_min_kg": clearance * 1000 / 60 / 70,
        "vss_l": 1000.0 * steady["parent_mg"] / level,
        "terminal_half_life_h": 20.0 * np.log(2.0) / np.log(late[0] / late[1]),
    } | {
        f"{short}_to_k_ratio{end}": steady[f"{prefix}{name}"] / level
        for short, name in (("nk", "norketamine"), ("hnk", "hydroxynorketamine"))
        for end in ("", f"_{side}")
        if f"{prefix}{name}" in steady
    }


@pytest.mark.parametrize("model", library.pk_models())
def test_figures_of_the_papers(model):
    """Red for a wrong clearance, volume, unit (L/min read as L/h), scaling by weight, fraction or molar mass."""
    figures = body_figures(model, "s") | (body_figures(model, "r") if model == "pair" else {})
    assert library.pk_model(model).checks == FIGURES[model]
    for name, published in FIGURES[model].items():
        rel = 0.02 if name == "terminal_half_life_h" else 0.01 if name.startswith("end") else 0.006
        assert figures[name] == pytest.approx(published, rel=rel), name


# Mean arterial levels [ng/mL] from Figure 1 of kampbja2020: racemic 0.28, 0.57, 1.14 mg/kg/h, an hour each.
HOURS = (0.25, 0.5, 0.75, 1.5, 1.667, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0)
DIGITISED = {
    "s": (
        (27.0, 45.9, 51.2, 102.1, 116.8, 124.5, 224.0, 248.6, 97.5, 79.2, 58.6),
        (3.0, 9.5, 15.7, 40.0, 54.0, 64.4, 106.5, 140.3, 143.9, 131.6, 118.4),
    ),
    "r": (
        (34.5, 50.2, 57.7, 114.6, 128.6, 141.9, 242.6, 273.2, 109.6, 86.4, 64.2),
        (5.4, 11.5, 20.5, 50.1, 62.8, 81.5, 123.6, 169.7, 165.7, 150.6, 135.1),
    ),
}


@pytest.mark.parametrize(("side", "prefix"), [("s", "es"), ("r", "ar")])
def test_pair_reproduces_the_curves_that_it_was_fitted_to(side, prefix):
    """Median error of ketamine and norketamine below 6 %; red for a wrong unit, mass, delay or shared volume."""
    rates = [70 / 2 * rate for rate in (0.28, 0.57, 1.14)]
    curves = solve(typical("pair", side), [0.0, 1.0, 2.0, 3.0], rates, list(HOURS))
    for name, measured in zip(("ketamine", "norketamine"), DIGITISED[side], strict=True):
        assert np.median(np.abs(curves[f"{prefix}{name}"] / np.array(measured) - 1)) < 0.06


# A responder's relief under the slow site: half-life 10.9 d, half effect at 10.5 ng/mL (dahan2011), esketamine
# by otto2021 in 70 kg. Independently calculated courses, to two figures.
COURSES = {
    "Leiden, slow titration": (
        ((0.0, 24.0, 48.0, 72.0, 100.0), (5.0, 10.0, 15.0, 20.0)),
        {1: 0.20, 2: 0.45, 3: 0.62, 4.17: 0.74, 7: 0.72, 28: 0.41, 54.17: 0.11, 84: 0.02},
    ),
    "Leiden, fast titration": (
        ((0.0, 8.0, 16.0, 24.0, 100.0), (5.0, 10.0, 15.0, 22.0)),
        {1: 0.33, 3: 0.75, 4.17: 0.81, 7: 0.79, 28: 0.50, 54.17: 0.16, 84: 0.03},
    ),
    "Goldberg, racemic, half of it esketamine": (
        ((0.0, 24.0, 48.0, 72.0, 120.0), (5.0, 10.0, 15.0, 20.0)),
        {1: 0.20, 2: 0.45, 3: 0.62, 5: 0.79, 30: 0.45, 90: 0.02},
    ),
}


@pytest.mark.parametrize("course", COURSES)
def test_course_of_the_slow_site(course):
    """Red when the half-life is taken for a time constant, the site sees milligrams, or arketamine counts."""
    (edges, rates), relief = COURSES[course]
    shipped = library.pain("slow_site")
    rate = slow_site.rate(shipped["half_life"].canonical)
    assert shipped["half_life"].canonical == pytest.approx(10.9 * 24)
    assert shipped["c50"].canonical == pytest.approx(10.5)
    system = with_effect_site(typical("otto2021"), "slow", "esketamine", rate)
    site = solve(system, edges, rates, [24.0 * day for day in relief])["slow"]
    np.testing.assert_allclose(slow_site.effect(site, 10.5), list(relief.values()), atol=0.02)
