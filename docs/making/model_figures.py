"""The figures of docs/model.md, drawn from the code when the documentation is built.

A page marks their place by ``<!-- figure: NAME -->``. Curves of a typical patient use the medians of the shipped
posterior; courses over time come from a run of the 100-hour trial.
"""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from drawing import Chart

import letheon
from letheon import library
from letheon.arrays import jax, jnp
from letheon.body.memory import Memory, chronic_state, folds, phi, slopes, unstable_root
from letheon.body.receptor import block, occupancy_ratio
from letheon.units import to_canonical

MARK = re.compile(r"^<!-- figure: (\w+) -->$", re.MULTILINE)
TRIAL = Path(__file__).resolve().parents[2] / "examples" / "sigtermans2009.yaml"
PATIENTS = 256
INFUSION_H, STEP_H, WEEKS = 100, 0.5, 26
PAIR = 340  # width of a figure that stands beside another
SHALLOW, DEEP = 0.4, 0.6  # blocks of the memory's figure; the trial's plateau is at about the deeper one


@cache
def trial() -> dict[str, Any]:
    """Return the result of the 100-hour trial."""
    return letheon.simulate(TRIAL, patients=PATIENTS).document


def typical(name: str) -> float:
    """Return the median of a number over the shipped posterior, or the library's value, in canonical units."""
    section, short = name.split(".", 1)
    number = library.receptor()[short] if section == "receptor" else library.pain(section)[short]
    column = library.posterior("memory").columns.get(name)
    return to_canonical(median(column) if column else number.value, number.unit)


def plasma() -> list[str]:
    """Levels of esketamine and esnorketamine over the course and two days after."""
    arm = trial()["arms"]["esketamine"]
    days = [t / 24 for t in arm["profile"]["time_h"]]
    chart = Chart("Plasma over 100 hours, a step a day", "days", "venous level [ng/mL]", (0, 7), (0, 600))
    drugs = (("esketamine", "esketamine", "blue"), ("esnorketamine", "S-norketamine", "orange"))
    for drug, label, colour in drugs:
        level = arm["profile"]["concentration_ng_per_ml"][drug]
        chart.line(days, level["mean"], colour, f"{label}, mean")
        chart.patients(days, level["q05"], level["q95"], colour, "9 of 10 patients")
    return [chart.svg()]


def receptor() -> list[str]:
    """Block by concentration, and block over time."""
    level = jnp.linspace(0.0, 500.0, 201)
    curves = Chart(
        "Block by level", "level of one drug alone [ng/mL]", "receptors blocked", (0, 500), (0, 1), width=PAIR
    )
    for drug, label, colour in (("esketamine", "esketamine", "blue"), ("arketamine", "arketamine", "orange")):
        mass, ki = typical("receptor.molar_mass_ketamine"), typical(f"receptor.ki_{drug}")
        ratio = occupancy_ratio([level], [mass], [ki], [1.0], typical("receptor.fu"), typical("receptor.kappa"))
        curves.line(level.tolist(), block(ratio, typical("receptor.hill")).tolist(), colour, label)
    over = Chart("Block in the 100-hour trial", "days", "receptors blocked", (0, 7), (0, 1), width=PAIR)
    _spread(over, trial()["arms"]["esketamine"]["profile"], "nmda_block", 24)
    return [curves.svg(), over.svg()]


def _spread(chart: Chart, profile: dict[str, Any], key: str, hours: float, colour="blue", label="mean") -> None:
    """Draw a quantity's mean, the interval of the mean, and the range of patients."""
    time, band = [t / hours for t in profile["time_h"]], profile[key]
    chart.band(time, band["mean_lo"], band["mean_hi"], colour, "90 % interval of the mean")
    chart.line(time, band["mean"], colour, label)
    chart.patients(time, band["q05"], band["q95"], colour, "9 of 10 patients")


def thresholds() -> tuple[float, float]:
    """Return the thresholds of two people: without a low state, just before that fold, and with one, just past it."""
    _, _, lowest, highest = (float(x) for x in folds(typical("memory.a"), typical("memory.n")))
    return lowest - 0.10 * (highest - lowest), lowest + 0.15 * (highest - lowest)


@jax.jit
def course(memory: Memory, blocked):
    """Return sensitisation every half hour of half a year, with 100 hours of steady block from day 0."""

    def rate(s, g, t):
        now = jnp.where(t < INFUSION_H, blocked, 0.0)
        return slopes(memory, s, g, now, now, 0.0)

    def step(state, t):
        s, g = state
        ds, dg = rate(s, g, t)
        ds, dg = rate(s + STEP_H / 2 * ds, g + STEP_H / 2 * dg, t)
        return (s + STEP_H * ds, g + STEP_H * dg), s

    start = (chronic_state(memory.theta, memory.a, memory.n), jnp.asarray(0.0))
    return jax.lax.scan(step, start, jnp.arange(0.0, WEEKS * 168.0, STEP_H))[1]


def memory() -> list[str]:
    """Show where sensitisation is in balance, and its course after the drug has gone."""
    a, n = typical("memory.a"), typical("memory.n")
    alone, theta = thresholds()
    s = jnp.linspace(0.0, 1.0, 201)
    balance = Chart("A person with a low state", "sensitisation s", "(1 − block) · Φ(s)", (0, 1), (0, 1), width=PAIR)
    balance.line([0, 1], [0, 1], "grey", "balance", dash="5 4", width=1.5)
    for blocked, colour in ((0.0, "blue"), (SHALLOW, "orange"), (DEEP, "green")):
        balance.line(s.tolist(), ((1 - blocked) * phi(s, theta, a, n)).tolist(), colour, f"block {blocked:g}")
    steady = [low_state(theta, a, n), float(chronic_state(theta, a, n))]
    middle = [float(unstable_root(theta, a, n))]
    balance.points(steady, steady, "blue", "stable")
    balance.points(middle, middle, "blue", "unstable", filled=False)
    weeks = range(0, WEEKS + 1, 8)
    courses = Chart(
        "100 hours of block, then none", "weeks", "sensitisation s", (0, WEEKS), (0, 1), width=PAIR, x_ticks=weeks
    )
    shared = {x: typical(f"memory.{x}") for x in ("tau_s", "a", "n", "gamma", "k_g", "tau_g")}
    for label, threshold, blocked, colour in (
        (f"low state, block {SHALLOW:g}", theta, SHALLOW, "orange"),
        (f"low state, block {DEEP:g}", theta, DEEP, "green"),
        (f"no low state, block {DEEP:g}", alone, DEEP, "purple"),
    ):
        s = course(Memory(theta=threshold, **shared), blocked)
        courses.line([STEP_H * k / 168 for k in range(len(s))], s.tolist(), colour, label)
    return [balance.svg(), courses.svg()]


def low_state(theta: float, a: float, n: float) -> float:
    """Return the lower stable root of s = Φ(s), by iteration from below the unstable one."""
    s = a
    for _ in range(500):
        s = float(a + (1 - a) * s**n / (s**n + theta**n))
    return s


def pain() -> list[str]:
    """Pain over twelve weeks under both models, esketamine and placebo."""
    charts = []
    for arm, title, colour in (("esketamine", "esketamine", "blue"), ("placebo", "placebo", "grey")):
        result = trial()["arms"][arm]
        chart = Chart(
            f"Pain on {title}", "weeks", "pain score [NRS]", (0, 12), (0, 10), width=PAIR, x_ticks=range(0, 13, 2)
        )
        memory, slow = (result["by_model"][model]["profile"] for model in ("memory", "slow_site"))
        _spread(chart, memory | {"time_h": result["profile"]["time_h"]}, "nrs", 168, colour, "pain memory, mean")
        second = slow["nrs"]["mean"]
        chart.line([t / 168 for t in result["profile"]["time_h"]], second, "orange", "slow site, mean", dash="7 4")
        charts.append(chart.svg())
    return charts


FIGURES: dict[str, Callable[[], list[str]]] = {figure.__name__: figure for figure in (plasma, receptor, memory, pain)}


@cache
def drawn(name: str) -> tuple[str, ...]:
    """Return the figures of a name."""
    return tuple(FIGURES[name]())
