"""A patient rebuilt from what docs/model.md says, with NumPy and SciPy alone, beside Letheon's."""

import tomllib
import zlib
from dataclasses import replace
from functools import partial
from importlib.resources import files

import jax
import numpy as np
import pytest
from scipy import integrate, optimize, special

from letheon.body import course
from letheon.dosing.regimen import Infusion, Rate, Regimen
from letheon.patients.population import Covariates, people
from letheon.patients.uncertainty import DRAWS, typical_values
from letheon.pipeline import assemble
from letheon.pipeline.plan import plan_arms
from letheon.scenario import Arm, loads

SEED, DAYS, DAY = 11, 21, 24.0
EMPTY = (
    "letheon: 1\ntitle: t\nfollow_up: 1 day\narms:\n  a: {drug: racemic, sessions: [{at: 0 h, dose: 1 mg, for: 1 h}]}"
)
ROOT = files("letheon.library")
SECTIONS = tomllib.loads(ROOT.joinpath("pain.toml").read_text("utf-8"))
MASSES = tomllib.loads(ROOT.joinpath("receptor.toml").read_text("utf-8"))["receptor"]
LIMITS = {name: one["value"] for name, one in SECTIONS["population"].items()}
LEIDEN = {"weight": (79.0, 19.0), "baseline": (7.3, 2.0), "age": (46.0, 12.0)}
# drug, and its sessions: start and length [h], rate [mg/h], rate for each kg [mg/h/kg], ceiling [mg/h]
REGIMENS = {
    "100 hours": ("esketamine", [(0, 24, 8.0, 0.0, 99.0), (24, 24, 14.0, 0.0, 99.0), (48, 52, 22.2, 0.0, 99.0)]),
    "ten days": ("racemic", [(DAY * d, 4, 0.0, 0.35, 25.0) for d in range(10)]),
    "two drips at a time": ("esketamine", [(0, 72, 6.0, 0.1, 12.0), (30, 12, 0.0, 0.3, 99.0)]),
}


def uniform(purpose, patient, count=1):
    """Numbers of a stream, in (0, 1)."""
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(SEED), zlib.crc32(purpose.encode())), patient)
    bits = np.asarray(jax.random.bits(key, (count,), np.uint64)) >> np.uint64(12)
    return (bits.astype(float) + 0.5) / 2.0**52


def truncated(u, mean, sd, low, high):
    low, high = special.ndtr((np.array([low, high]) - mean) / sd)
    return mean + sd * special.ndtri(low + u * (high - low))


class Patient:
    """Who a patient is: covariates, standard normals by role, and typical values under the patient's draw."""

    def __init__(self, number):
        u = partial(uniform, patient=number)
        mean, sd = LEIDEN["weight"]
        log_sd = np.sqrt(np.log1p((sd / mean) ** 2))
        drawn = mean * np.exp(log_sd * special.ndtri(u("weight")[0]) - log_sd**2 / 2)
        self.weight = np.clip(drawn, LIMITS["weight_low"], LIMITS["weight_high"])
        ends = LIMITS["baseline_low"], LIMITS["baseline_high"]
        self.baseline = truncated(u("baseline")[0], *LEIDEN["baseline"], *ends)
        self.typical = {name: column[number % DRAWS] for name, column in typical_values().items()}
        self.z = lambda role: special.ndtri(u(f"eta {role}")[0])
        self.responds = u("class")[0] >= self.typical["memory.p_nonresponse"]
        self.slow_responds = u("slow_class")[0] < self.typical["slow_site.p_response"]
        onset = u("flares", count=DAYS) < -np.expm1(-24.0 * self.typical["flares.rate"])
        length = max(round(self.typical["flares.duration"] / 24.0), 1)
        self.flare = np.array([onset[max(d - length + 1, 0) : d + 1].any() for d in range(DAYS)])

    def personal(self, name, role):
        return self.typical[name] * np.exp(self.typical[f"{name}.sd"] * self.z(role))


def plasma(patient, model, side):
    """Matrix of the compartments [1/h], and [ng/mL] for each mg in the two that are read."""
    book = tomllib.loads(ROOT.joinpath("pk", f"{model}.toml").read_text("utf-8"))
    numbers = book["parameters"]
    roles = {one["role"]: one.get("omega") or np.log1p(one["cv"] ** 2) for one in numbers.values() if "role" in one}
    names, omega = list(roles), np.diag(list(roles.values()))
    for row in book.get("covariance", ()):
        i, j = map(names.index, row["roles"])
        size = row["value"] if "value" in row else row["correlation"] * np.sqrt(omega[i, i] * omega[j, j])
        omega[i, j] = omega[j, i] = size
    eta = dict(zip(names, np.linalg.cholesky(omega) @ [patient.z(role) for role in names], strict=True))
    p = {}
    for name, one in numbers.items():
        value = patient.typical[f"{model}.{one.get('same_as', name)}"] * np.exp(eta.get(one.get("role"), 0.0))
        p[name] = value * (patient.weight / 70.0) ** book["scaling"][name]
    p |= {name[:-2]: value for name, value in p.items() if name.endswith(f"_{side}")}
    direct = "mtt" not in p
    rows = np.zeros((7, 7))

    def flow(source, target, rate, share=1.0):
        rows[source, source] -= rate
        if target is not None:
            rows[target, source] += rate * share

    for one, other, q, v in ((0, 1, "q2", "v2"), (0, 2, "q3", "v3"), (5, 6, "qn", "vn2")):
        flow(one, other, p[q] / p["v1" if one == 0 else "vn1"])
        flow(other, one, p[q] / p[v])
    masses = MASSES["molar_mass_norketamine"]["value"] / MASSES["molar_mass_ketamine"]["value"]
    flow(0, 5 if direct else 3, p["cl"] / p["v1"], 1.0 if direct else p["fm"] * masses)
    for k in (3, 4):
        flow(k, k + 1, 1.0 if direct else 2.0 / p["mtt"])
    flow(5, None, p["cln"] / p["vn1"])
    return rows, (1000.0 / p["v1"], 1000.0 / p["vn1"])


def chronic(theta, a, n):
    """The upper steady state, between the fold and 1."""
    fold = np.roots([-n, n * (1 + a) - (1 - a), -n * a]).real.max()
    at = lambda s: np.log(s) + (np.log1p(-s) - np.log(s - a)) / n  # noqa: E731
    return optimize.brentq(lambda s: at(s) - np.log(theta), fold, 1 - 1e-12, xtol=1e-15), np.exp(at(fold))


def readout(patient, prefix):
    """How lasting relief becomes pain under one model: a function of time, level at the acute site, share of pain left."""
    t = {name: patient.typical[f"{prefix}{name}"] for name in typical_values() if f"{prefix}{name}" in patient.typical}
    c50 = t["acute.c50"] * np.exp(t["acute.c50.sd"] * patient.z("c50_acute"))
    x, w = np.polynomial.hermite_e.hermegauss(24)
    mean = lambda centre: w @ special.expit(centre + t["placebo.patient_sd"] * x) / w.sum()  # noqa: E731
    centre = optimize.brentq(lambda c: mean(c) - t["placebo.fall"], -60, 60, xtol=1e-13)
    fall = special.expit(centre + t["placebo.patient_sd"] * patient.z("placebo"))
    odds = np.exp(t["between.effect"])

    def pain(hours, s_site, r_site, share):
        relief = max(1.0 - share, 0.0)
        left = share if share > 1.0 else 1.0 - odds * relief / (1.0 - relief + odds * relief)
        acute = s_site + t["acute.arketamine_weight"] * r_site
        placebo = fall * -np.expm1(-hours / t["placebo.tau_on"]) * np.exp(-hours / t["placebo.tau_off"])
        return patient.baseline * left * c50 / (c50 + acute) * (1.0 - placebo)

    return pain


def rebuilt(drug, sessions, patient):
    """Pain under the memory and under the slow site at the midnights (day, model)."""
    t = patient.typical
    sides = {"s": 1.0} if drug == "esketamine" else {"s": 0.5, "r": 0.5}
    models = ("otto2021", "simons2022") if drug == "esketamine" else ("pair", "pair")
    level = {side: plasma(patient, models[0], side) for side in sides}
    driver = {side: plasma(patient, models[1], side) for side in sides}
    a, n = t["memory.a"], t["memory.n"]
    ceiling, sd = chronic(0.01, a, n)[1], t["memory.theta.sd"]
    below = special.ndtr(np.log(ceiling / t["memory.theta"]) / sd)
    theta = t["memory.theta"] * np.exp(sd * special.ndtri(special.ndtr(patient.z("theta")) * below))
    start = chronic(theta, a, n)[0]
    tau, kappa, hill = (
        patient.personal("memory.tau_s", "tau_s"),
        patient.personal("receptor.kappa", "kappa"),
        t["receptor.hill"],
    )
    k_acute, k_slow = np.log(2) / max(t["acute.half_life"], 1 / 60), np.log(2) / t["slow_site.half_life"]
    size = 15 * len(sides)

    def slopes(hours, y, rate, flare):
        s, g, slow = y[size:]
        out, u = np.empty_like(y), 0.0
        for k, (side, share) in enumerate(sides.items()):
            own = slice(15 * k, 15 * k + 7), slice(15 * k + 7, 15 * k + 14)
            for where, (rows, _) in zip(own, (level[side], driver[side]), strict=True):
                out[where] = rows @ y[where]
                out[where.start] += rate * share
            parent, site = level[side][1][0] * y[15 * k], 15 * k + 14
            out[site] = k_acute * (driver[side][1][0] * y[own[1].start] - y[site])
            if side == "s":
                out[size + 2] = k_slow * (parent - slow)
            name = {"s": "esketamine", "r": "arketamine"}[side]
            u += t["receptor.fu"] * parent / MASSES["molar_mass_ketamine"]["value"] / (kappa * t[f"receptor.ki_{name}"])
        block = patient.responds * u**hill / (1.0 + u**hill) if u > 0 else 0.0
        rising, limit = a + t["flares.rise"] * flare, theta * (1.0 + t["memory.gamma"] * g)
        phi = rising + (1.0 - rising) * s**n / (s**n + limit**n)
        out[size] = ((1.0 - block) * phi - s) / tau
        out[size + 1] = t["memory.k_g"] * block * (1.0 - g) - g / t["memory.tau_g"]
        return out

    y, scores = np.zeros(size + 3), []
    y[size] = start
    edges = {DAY * d for d in range(DAYS + 1)} | {x for at, hours, *_ in sessions for x in (at, at + hours)}
    memory, other = readout(patient, ""), readout(patient, "slow_site:")
    for begin, end in zip(sorted(edges)[:-1], sorted(edges)[1:], strict=True):
        rate = sum(min(x + k * patient.weight, top) for at, hours, x, k, top in sessions if at <= begin < at + hours)
        flare = patient.flare[int(begin // DAY)]
        solved = integrate.solve_ivp(
            slopes, (begin, end), y, "LSODA", args=(rate, flare), rtol=1e-10, atol=1e-11, first_step=1e-6
        )
        y = solved.y[:, -1]
        if end % DAY == 0:
            sites = y[14], y[29] if len(sides) == 2 else 0.0
            slow = y[size + 2] / (t["slow_site.c50"] + y[size + 2])
            scores.append(
                (memory(end, *sites, y[size] / start), other(end, *sites, 1.0 - patient.slow_responds * slow))
            )
    return np.array(scores)


def by_letheon(drug, sessions, number):
    """The same from the engine, at the midnights."""
    rates = [Rate(absolute_mg_h=x, per_kg_mg_h=k, ceiling_mg_h=top) for _, _, x, k, top in sessions]
    infusions = [Infusion.create(at, hours, rate) for (at, hours, *_), rate in zip(sessions, rates, strict=True)]
    arm = Arm("a", drug, Regimen.create(drug, infusions))
    (plan,) = plan_arms(replace(loads(EMPTY), follow_up_h=DAY * DAYS, arms=(arm,)))
    draws = {name: jax.numpy.asarray(column) for name, column in typical_values().items()}
    mean_sd = [x for pair in LEIDEN.values() for x in pair]

    @jax.jit
    def carried(number):
        who = people(Covariates(*mean_sd, 0.0), SEED, number, DAYS, number % DRAWS)
        own, switches = assemble.patient_values(draws, who), assemble.Switches(SEED, 1.0, 0.0, 0.0)
        plasmas = assemble.plasmas_of(plan.structure, own, who, switches, plan.data, number)
        body, masses = assemble.body_of(own, who, switches), assemble.molar_masses()
        rates = assemble.rates_of(plan.data, who)
        path = course.run(plasmas, body, masses, plan.steps, rates, plan.structure.levels, plan.mesh.count)
        return jax.numpy.stack([path.pain, path.pain_slow], axis=-1)[plan.day_rows[1 : DAYS + 1]]

    return np.asarray(carried(number))


@pytest.mark.long
@pytest.mark.parametrize("name", REGIMENS)
def test_patients_rebuilt_from_the_page(name):
    """Red when an equation, a key, a distribution or a stream is not what docs/model.md says it is."""
    for number in (3, 70):
        patient = Patient(number)
        apart = np.abs(by_letheon(*REGIMENS[name], number) - rebuilt(*REGIMENS[name], patient)).max()
        assert apart < 1e-6, number
