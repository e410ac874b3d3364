"""Time plasma under a 100 h infusion against general ODE solvers.

All solve otto2021 (ketamine with three compartments, norketamine with two) hourly for four weeks. The contestants take
turns, so that a busy machine slows all alike; medians and ratios are printed, with the error of each against a
30-digit matrix exponential at three times.
"""

import platform
import statistics
import sys
import time

import diffrax
import mpmath
import numpy as np
from scipy.integrate import solve_ivp

from letheon import library
from letheon.arrays import jax, jnp
from letheon.body.compartments import build
from letheon.body.propagator import advance, propagators

ROUNDS = 5
PATIENTS = 256
FEW = 8  # patients that the one-at-a-time solver takes; its time is scaled up
HOURS = 28 * 24
INFUSION_H, RATE = 100, 20.0
CHECKED_H = (50, 101, 150)


def parameters(seed: int = 1) -> dict:
    """Return parameters of the patients, 30 % lognormal on clearance and central volume."""
    model = library.pk_model("otto2021")
    rng = np.random.default_rng(seed)
    values = {name: np.full(PATIENTS, number.canonical) for name, number in model.parameters.items()}
    return {
        k: v * (np.exp(0.3 * rng.standard_normal(PATIENTS)) if k in ("cl", "v1") else 1.0) for k, v in values.items()
    }


def one_system(values: dict):
    """Return one patient's compartment system."""
    return build(library.pk_model("otto2021").structure, values, "s", {})


@jax.jit
def exact(values):
    """Letheon: one tabulated propagator an hour long."""

    def patient(own):
        system = one_system(own)
        step = propagators(system.rates, system.entry, 1 / 64, 7)[6]

        def hour(state, t):
            state = advance(step, state, jnp.where(t < INFUSION_H, RATE, 0.0))
            return state, state[0] * system.scale[0]

        return jax.lax.scan(hour, jnp.zeros(len(system.states)), jnp.arange(HOURS))[1]

    return jax.vmap(patient)(values)


@jax.jit
def by_diffrax(values):
    """Diffrax, Kvaerno5 at relative tolerance 1e-8, vmapped, restarted where the rate changes."""

    def patient(own):
        system = one_system(own)

        def field(t, y, rate):
            return system.rates @ y + system.entry * rate

        def leg(start, stop, y, rate, times):
            return diffrax.diffeqsolve(
                diffrax.ODETerm(field),
                diffrax.Kvaerno5(),
                start,
                stop,
                0.01,
                y,
                args=rate,
                saveat=diffrax.SaveAt(ts=times),
                stepsize_controller=diffrax.PIDController(rtol=1e-8, atol=1e-10),
                max_steps=4096,
            ).ys

        first = leg(0.0, float(INFUSION_H), jnp.zeros(len(system.states)), RATE, jnp.arange(1.0, INFUSION_H + 1))
        later = jnp.arange(INFUSION_H + 1.0, HOURS + 1)
        second = leg(float(INFUSION_H), float(HOURS), first[-1], 0.0, later)
        return jnp.concatenate([first, second])[:, 0] * system.scale[0]

    return jax.vmap(patient)(values)


def by_scipy(values):
    """SciPy, LSODA at relative tolerance 1e-8, patient by patient."""
    out = []
    for k in range(FEW):
        system = one_system({name: v[k] for name, v in values.items()})
        a, b = np.asarray(system.rates), np.asarray(system.entry)
        legs, state = [], np.zeros(len(b))
        for start, stop, rate in ((0, INFUSION_H, RATE), (INFUSION_H, HOURS, 0.0)):
            times = np.arange(start + 1.0, stop + 1)
            found = solve_ivp(
                lambda t, y, a=a, b=b, rate=rate: a @ y + b * rate,
                (start, stop),
                state,
                "LSODA",
                times,
                rtol=1e-8,
                atol=1e-10,
            )
            legs.append(found.y)
            state = found.y[:, -1]
        out.append(np.concatenate(legs, axis=1)[0] * float(system.scale[0]))
    return np.array(out)


def reference(values) -> np.ndarray:
    """Return the first patient's levels at the checked times to 30 digits."""
    mpmath.mp.dps = 30
    system = one_system({name: v[0] for name, v in values.items()})
    n = len(system.states)
    a = np.asarray(system.rates)
    found = []
    for t in CHECKED_H:
        x = mpmath.zeros(n + 1, 1)
        x[n] = 1
        for hours, rate in ((min(t, INFUSION_H), RATE), (max(t - INFUSION_H, 0), 0.0)):
            full = mpmath.zeros(n + 1)
            for i in range(n):
                for j in range(n):
                    full[i, j] = mpmath.mpf(float(a[i, j])) * hours
            full[0, n] = mpmath.mpf(rate) * hours
            x = mpmath.expm(full) * x
        found.append(float(x[0]) * float(system.scale[0]))
    return np.array(found)


def report() -> list[str]:
    """Return lines with medians, ratios and errors."""
    values = parameters()
    known = reference(values)
    contestants = {"Letheon, exact": exact, "diffrax, Kvaerno5": by_diffrax, "SciPy, LSODA": by_scipy}
    scale = {"SciPy, LSODA": PATIENTS / FEW}
    times: dict[str, list[float]] = {name: [] for name in contestants}
    errors = {}
    for round_ in range(ROUNDS + 1):  # the first round compiles and does not count
        for name, solve in contestants.items():
            print(f"round {round_}/{ROUNDS}: {name}", file=sys.stderr)
            start = time.perf_counter()
            found = np.asarray(solve(values))
            spent = (time.perf_counter() - start) * scale.get(name, 1.0)
            if round_:
                times[name].append(spent)
            errors[name] = np.max(np.abs(found[0, [t - 1 for t in CHECKED_H]] - known)) / known.max()
    fastest = statistics.median(times["Letheon, exact"])
    lines = []
    lines.append(
        f"{PATIENTS} patients, {HOURS} hourly levels; {platform.machine()}, Python {platform.python_version()}"
    )
    lines.append(f"{'solver':20s} {'median s':>9s} {'patients/s':>11s} {'ratio':>7s} {'error/peak':>11s}")
    for name, spent in times.items():
        median = statistics.median(spent)
        rate, ratio = PATIENTS / median, median / fastest
        lines.append(f"{name:20s} {median:9.4f} {rate:11.0f} {ratio:7.1f} {errors[name]:11.1e}")

    return lines
