"""Plasma: every library model against 40-digit matrix exponentials, and the laws that linear plasma obeys."""

from functools import cache

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from letheon import library
from letheon.arrays import jax, jnp
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
MANY = jax.jit(jax.vmap(levels, in_axes=(0, None, None, None)))


@cache
def parameters(model: str, side: str, number: int) -> dict:
    """Individual parameters of a patient of random weight, age, ancestry and etas."""
    shipped = library.pk_model(model)
    who = PERSON(ANYBODY, 11, number, 1, 0)
    typical = {name: n.canonical for name, n in shipped.parameters.items()}
    values = choose_enantiomer(individual_pk(shipped, typical, who), side)
    return {name: float(v) for name, v in values.items()}


def system_of(model: str, side: str, values: dict) -> System:
    return build(library.pk_model(model).structure, values, side, CONSTANTS)


def patient(model: str, side: str, number: int) -> System:
    return system_of(model, side, parameters(model, side, number))


def wide(system: System) -> System:
    """Add empty compartments up to one size, so that one program serves all models."""
    spare = WIDEST - len(system.states)
    return System(jnp.pad(system.rates, (0, spare)), jnp.ones(1), ("k",) * WIDEST, (("k", 0),))


def solved(system, edges, rates, times) -> np.ndarray:
    """`levels` through that one program."""
    return np.asarray(SOLVE(wide(system), np.asarray(edges), np.asarray(rates), times))[:, : len(system.states)]


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
        state, now, found = mp.zeros(n + 1, 1), mp.mpf(0), []
        stops = sorted({*edges, *times, 0.0})
        for stop in stops:
            if stop > now:
                piece = np.searchsorted(edges, float(now), side="right") - 1
                state[n] = mp.mpf(rates[piece]) if 0 <= piece < len(rates) else 0
                state = mp.expm(full * (mp.mpf(stop) - now), method="taylor") * state
                now = mp.mpf(stop)
            if stop in times:
                found.append([float(x) for x in state[:n]])
    return np.array(found)


def assert_exact(found, true):
    """|error| <= 1e-9 |reference| + 1e-12 of the highest level of that state."""
    limit = 1e-9 * np.abs(true) + 1e-12 * np.abs(true).max(axis=0)
    error = np.abs(np.asarray(found) - true)
    assert np.all(error <= limit), float(np.max(error - limit))


def check_levels(model: str, side: str, number: int) -> None:
    rng = np.random.default_rng(100 + number)
    system, (edges, rates, times) = patient(model, side, number), drip(rng)
    assert_exact(solved(system, edges, rates, times), exact(system, edges, rates, times))


@pytest.mark.parametrize(("model", "side"), SYSTEMS)
def test_levels_are_exact(model, side):
    """Red when a piece is missed, a rate is read on the wrong side of an edge, or the series is too short."""
    check_levels(model, side, 0)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, 7))
@pytest.mark.parametrize(("model", "side"), SYSTEMS)
def test_levels_are_exact_for_more_patients(model, side, number):
    check_levels(model, side, number)


def walk(system: System, h0, level, rate) -> np.ndarray:
    return np.asarray(steps_through(wide(system), h0, level, rate))[:, : len(system.states)]


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
    states = np.asarray(
        walk(system, mesh.h0_h, np.pad(mesh.level[: mesh.count], (0, spare)), np.pad(rates, (0, spare)))
    )
    return mesh, schedule, states


def check_table(model: str, side: str, number: int) -> None:
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


@pytest.mark.parametrize(("model", "side"), SYSTEMS)
def test_tabulated_steps_are_exact(model, side):
    """Hundreds of tabulated steps end where one exact solution ends; red when rounding or mass drifts away."""
    check_table(model, side, 0)


@pytest.mark.parametrize("over", ["10 s", "17 s", "1 min", "5 min"])
def test_a_push_is_exact_on_the_mesh(over):
    """A push upon a running drip, at its end, minutes and a day later; red when steps are longer than the push."""
    made = loads(
        "letheon: 1\ntitle: t\nfollow_up: 4 days\narms: {a: {drug: esketamine, sessions: ["
        f"{{at: 1 h, rate: 10 mg/h, for: 5 h}}, {{at: 3 h, push: 0.35 mg/kg, over: {over}}}]}}}}"
    )
    regimen, system = made.arms[0].regimen, patient("otto2021", "s", 0)
    assert regimen.schedule().dose_mg(80.0) == pytest.approx(50.0 + 28.0, rel=1e-14)
    mesh, schedule, states = tabulated(system, regimen)
    starts = regimen.infusions[1].start_ms, regimen.infusions[1].stop_ms
    start, stop, tomorrow = mesh.index_of([*starts, DAY_MS])
    rows = [start, stop, stop + 20, tomorrow]
    edges = np.array(schedule.edges_ms) / HOUR_MS
    assert_exact(states[rows], exact(system, edges, schedule.rates(70.0), list(mesh.time_h[rows])))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, 5))
@pytest.mark.parametrize(("model", "side"), SYSTEMS)
def test_tabulated_steps_are_exact_for_more_patients(model, side, number):
    check_table(model, side, number)


def test_smallest_volume_of_hydroxynorketamine():
    """Its eta has a variance of 1.22: one patient in a thousand has a volume thirty times too small to sample."""
    values = parameters("simons2022", "s", 0)
    system = system_of("simons2022", "s", values | {"vh1": 4.4 * np.exp(-3.3 * np.sqrt(1.22)), "vh2": 87.5})
    h0 = 24 / 8192  # where events fall on whole days
    states = walk(system, h0, np.full(2048, 8), np.where(np.arange(2048) < 100, 20.0, 0.0))
    times = [100 * 256 * h0, 120 * 256 * h0]
    true = exact(system, np.array([0.0, times[0]]), [20.0], times)
    assert_exact(states[np.array([100, 120])], true)


def equal_rates(model: str, apart: float) -> System:
    """Make parameters whose rates nearly coincide."""
    p = dict(parameters(model, "s", 3))
    if model == "otto2021":  # a chain of two: Bateman's formula divides by the difference
        p |= {"q2": 0.0, "q3": 0.0, "qn": 0.0, "cln": p["cl"] / p["v1"] * p["vn1"] * (1 + apart)}
    elif model == "pair":  # parent, both delays and norketamine all at one rate: a defective block of four
        rate = 2.0 / p["mtt"]
        p |= {"q2": 0.0, "q3": 0.0, "qn": 0.0, "cl": rate * p["v1"] * (1 + apart)}
        p |= {"cln": rate * p["vn1"] * (1 - apart)}
    else:  # all four delays
        p |= {"mtt_hnk": p["mtt"] * (1 + apart)}
    return system_of(model, "s", p)


@pytest.mark.parametrize("apart", [0.0, 1e-12, 1e-6])
@pytest.mark.parametrize("model", ["otto2021", "pair", "simons2022"])
def test_coinciding_rates(model, apart):
    """Red for any formula that divides by a difference of rates or needs eigenvectors."""
    system, (edges, rates, times) = equal_rates(model, apart), drip(np.random.default_rng(5))
    assert_exact(solved(system, edges, rates, times), exact(system, edges, rates, times))


def check_derivatives(model: str, side: str, change, forward: bool) -> None:
    """Derivatives in every parameter against central differences taken to the limit."""
    p = change(dict(parameters(model, side, 2)))
    names = [n for n, v in p.items() if v > 0]
    rng = np.random.default_rng(8)
    edges, rates, times = drip(rng)
    log_values = jnp.log(jnp.array([p[n] for n in names]))
    size = len(library.pk_model(model).analytes if model != "pair" else "pn")
    weight = rng.normal(size=(TIMES, size))  # a sum with signs, so that no error hides in another time

    def read(log_values):
        system = system_of(model, side, p | dict(zip(names, jnp.exp(log_values), strict=True)))
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
    expected = np.einsum("tsp,ts->p", limit, weight / scale)
    np.testing.assert_allclose(total, expected, rtol=1e-7, atol=1e-8)
    if forward:
        found = jax.jit(jax.jacfwd(read))(log_values)
        np.testing.assert_allclose(found / scale[:, None], limit / scale[:, None], rtol=1e-7, atol=1e-8)


@pytest.mark.long
def test_derivatives_at_equal_rates():
    """Two pairs of delays at one rate; red when a derivative goes through eigenvectors (NaN or wrong there)."""
    check_derivatives("simons2022", "s", lambda p: p | {"mtt_hnk": p["mtt"]}, forward=False)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "side"), SYSTEMS)
def test_derivatives_of_every_model(model, side):
    check_derivatives(model, side, lambda p: p, forward=True)


# ---- laws of linear plasma

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


@pytest.mark.parametrize(("model", "side"), SYSTEMS)
def test_flows_conserve_mass(model, side):
    """Weighted column sums are the losses of the papers' equations, and no flow is negative."""
    system, p = patient(model, side, 4), parameters(model, side, 4)
    weight, matrix = equivalents(model, system), np.asarray(system.rates)
    lost = LOSSES[library.pk_model(model).structure](p)
    loss = np.array([lost.get(state, 0.0) for state in system.states])
    np.testing.assert_allclose(weight @ matrix, -weight * loss, atol=1e-13 * np.abs(matrix).max())
    assert np.all(matrix[~np.eye(len(loss), dtype=bool)] >= 0)


def test_dose_is_conserved():
    """Mass balance with one more state, a sink that collects every loss."""
    system = patient("simons2022", "s", 4)
    weight, matrix = equivalents("simons2022", system), np.asarray(system.rates)
    n = len(weight)
    closed = np.zeros((n + 1, n + 1))
    closed[:n, :n], closed[n, :n] = matrix, -weight @ matrix
    sunk = System(jnp.array(closed), system.scale, (*system.states, "sink"), system.readouts)
    edges, rates, times = drip(np.random.default_rng(4))
    states = np.asarray(solved(sunk, edges, rates, times))
    given_mg = [np.sum(np.clip(t - edges[:-1], 0, np.diff(edges)) * rates) for t in times]
    np.testing.assert_allclose(states @ [*weight, 1.0], given_mg, rtol=1e-10)


drips = st.integers(0, 2**31)


@settings(max_examples=8)
@given(seed=drips)
def test_drips_add_up(seed):
    """Superposition; red when a state leaks from one infusion to the next or the response is not linear."""
    rng = np.random.default_rng(seed)
    system, (edges, one, times) = patient("simons2022", "s", 5), drip(rng)
    other = rng.uniform(0.0, 50.0, PIECES)
    apart = solved(system, edges, one, times) + solved(system, edges, other, times)
    np.testing.assert_allclose(solved(system, edges, one + other, times), apart, rtol=1e-11, atol=1e-280)


@settings(max_examples=8)
@given(seed=drips, share=st.floats(0.05, 0.95))
def test_an_infusion_in_two_parts_is_one(seed, share):
    """Back to back at the same rate; red when a step starts from the wrong state."""
    rng = np.random.default_rng(seed)
    system = patient("otto2021", "s", 5)
    stop, rate = rng.uniform(0.5, 100.0), rng.uniform(1.0, 80.0)
    times = np.sort(rng.uniform(0.0, 150.0, TIMES))
    whole = solved(system, [0.0, stop, stop, stop, stop], [rate, 0.0, 0.0, 0.0], times)
    parts = solved(system, [0.0, share * stop, stop, stop, stop], [rate, rate, 0.0, 0.0], times)
    np.testing.assert_allclose(parts, whole, rtol=1e-11, atol=1e-280)


@settings(max_examples=8)
@given(seed=drips, factor=st.floats(0.01, 100.0))
def test_levels_are_proportional_to_the_dose(seed, factor):
    system, (edges, rates, times) = patient("otto2021", "s", 6), drip(np.random.default_rng(seed))
    once = solved(system, edges, rates, times)
    np.testing.assert_allclose(solved(system, edges, factor * rates, times), factor * once, rtol=1e-12)


@settings(max_examples=8)
@given(seed=drips, later=st.floats(0.0, 500.0))
def test_a_later_drip_gives_the_same_levels_later(seed, later):
    """Red when anything depends on the clock rather than on the time since a change of rate."""
    system, (edges, rates, times) = patient("simons2022", "s", 6), drip(np.random.default_rng(seed))
    now = solved(system, edges, rates, times)
    shifted = solved(system, edges + later, rates, times + later)
    # the shifted times are themselves rounded: 1e-13 h on a rate of up to some hundred per hour
    np.testing.assert_allclose(shifted, now, rtol=1e-9, atol=1e-11 * np.asarray(now).max())


@pytest.mark.parametrize(("model", "side"), SYSTEMS)
def test_plateau_is_rate_over_clearance(model, side):
    """After weeks at one rate, what leaves the parent equals what comes in."""
    p = parameters(model, side, 7)
    if "kmet" in p:
        intrinsic = (p["kel"] + p["kmet"]) * p["vh"]
        clearance = p["qh"] * intrinsic / (p["qh"] + intrinsic)
    else:
        clearance = p["cl"] if "cl" in p else p["k10"] * p["v1"]
    system = patient(model, side, 7)
    times = np.array([10.0, 100.0, 1000.0, 2000.0, 2500.0, 3000.0])
    states = solved(system, [0.0, 3000.0, 3000.0, 3000.0, 3000.0], [22.2, 0.0, 0.0, 0.0], times)
    parent = system.read(system.readouts[0][0], states[2:].T)
    np.testing.assert_allclose(parent, 1000.0 * 22.2 / clearance, rtol=1e-9)


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


def stack(systems) -> System:
    return jax.tree.map(lambda *x: jnp.stack(x), *(wide(system) for system in systems))


@pytest.mark.parametrize("model", ["otto2021", "simons2022"])
def test_many_patients_are_each_by_itself(model):
    """Vectorised equals one by one, and patients in another order give their own results in that order."""
    systems = [patient(model, "s", number) for number in range(5)]
    edges, rates, times = drip(np.random.default_rng(3))
    together = np.asarray(MANY(stack(systems), edges, rates, times))
    alone = np.stack([solved(system, edges, rates, times) for system in systems])
    np.testing.assert_allclose(together[..., : alone.shape[-1]], alone, rtol=1e-14, atol=1e-280)
    order = [3, 0, 4, 1, 2]
    permuted = np.asarray(MANY(stack([systems[i] for i in order]), edges, rates, times))
    assert np.array_equal(permuted, together[order])
