"""The body reproduces the figures of its sources: plateaus, ends of short infusions, ratios, the slow site's course."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from letheon import library
from letheon.arrays import jax, jnp
from letheon.body import slow_site
from letheon.body.compartments import System, build, levels, with_effect_site
from letheon.patients.population import Covariates, people
from letheon.patients.variability import individual_pk
from letheon.pipeline.plan import choose_enantiomer

LEVELS = jax.jit(levels)
PIECES, TIMES, WIDEST = 4, 10, 12  # one shape for all
CONSTANTS = {name: n.canonical for name, n in library.receptor().items() if name.startswith("molar")}


@cache
def typical_person():
    """70 kg, 40 years, no personal deviation from the typical values."""
    who = jax.jit(people, static_argnums=3)(Covariates(70.0, 1.0, 7.3, 2.0, 40.0, 1.0, 0.0), 1, 0, 1, 0)
    return replace(who, weight_kg=70.0, age_years=40.0, eta=dict.fromkeys(who.eta, 0.0))


@cache
def typical(model: str, side: str = "s"):
    shipped = library.pk_model(model)
    values = individual_pk(shipped, {name: n.canonical for name, n in shipped.parameters.items()}, typical_person())
    return build(shipped.structure, choose_enantiomer(values, side), side, CONSTANTS)


def wide(system: System) -> System:
    """Add empty compartments up to one size, so that one program serves all models."""
    spare = WIDEST - len(system.states)
    return System(jnp.pad(system.rates, (0, spare)), jnp.ones(1), ("k",) * WIDEST, (("k", 0),))


def solve(system, edges, rates, times) -> dict[str, np.ndarray]:
    """Levels [ng/mL] by substance; edges, rates and times are filled up to one shape."""
    edges = [*edges, *[edges[-1]] * (PIECES + 1 - len(edges))]
    rates = [*rates, *[0.0] * (PIECES - len(rates))]
    count = len(times)
    found = LEVELS(wide(system), edges, rates, [*times, *[times[-1]] * (TIMES - count)])
    states = np.asarray(found)[:count, : len(system.states)]
    return {name: states[:, i] * float(system.scale[row]) for row, (name, i) in enumerate(system.readouts)}


def after(system, rate, hours, name="esketamine") -> float:
    """Level at the end of one infusion."""
    return float(solve(system, [0.0, hours], [rate], [hours])[name][0])


@pytest.mark.parametrize(
    ("model", "level"),
    [
        ("kamp2020", 264),
        ("simons2022", 250),
        ("otto2021", 233),
        ("perezruixo2021", 204),
        ("domino1982", 191.5),
    ],
)
def test_plateau_of_the_leiden_rate(model, level):
    """22.2 mg/h for weeks [ng/mL]; red when a clearance, its unit or the scaling by weight is wrong."""
    assert after(typical(model), 22.2, 1000.0) == pytest.approx(level, rel=0.02)


@pytest.mark.parametrize(("model", "level"), [("simons2022", 268), ("otto2021", 112), ("perezruixo2021", 85)])
def test_end_of_20_mg_in_20_minutes(model, level):
    """[ng/mL]; red when a central volume or a distribution clearance is wrong."""
    assert after(typical(model), 60.0, 1 / 3) == pytest.approx(level, rel=0.03)


def test_arterial_levels_exceed_venous_ones_in_the_first_hour():
    """Two- to threefold, and by the plateau they agree within 20 %."""
    ratio = [after(typical("simons2022"), 60.0, h) / after(typical("otto2021"), 60.0, h) for h in (0.1, 1 / 3, 1.0)]
    assert 2.0 < ratio[1] < 3.0
    assert ratio[0] > ratio[1] > ratio[2] > 1.0
    assert after(typical("simons2022"), 22.2, 100.0) == pytest.approx(after(typical("otto2021"), 22.2, 100.0), rel=0.2)


@pytest.mark.parametrize(
    ("model", "name", "ratio"),
    [
        ("otto2021", "esnorketamine", 1.65),
        ("simons2022", "esnorketamine", 1.11),
        ("simons2022", "eshydroxynorketamine", 0.90),
        ("perezruixo2021", "esnorketamine", 2.05),
    ],
)
def test_metabolites_at_the_plateau(model, name, ratio):
    """ng/mL per ng/mL of esketamine; red when a fraction metabolised or a molar mass is left out."""
    found = solve(typical(model), [0.0, 2000.0], [22.2], [2000.0])
    assert found[name][0] / found["esketamine"][0] == pytest.approx(ratio, rel=0.01)


@pytest.mark.parametrize(("side", "parent", "level", "ratio"), [("s", "es", 108, 1.50), ("r", "ar", 119, 2.33)])
def test_racemic_20_mg_h(side, parent, level, ratio):
    """Half the mass is each enantiomer; the pair's plateaus and ratios of norketamine."""
    found = solve(typical("pair", side), [0.0, 3000.0], [10.0], [3000.0])
    assert found[f"{parent}ketamine"][0] == pytest.approx(level, rel=0.01)
    assert found[f"{parent}norketamine"][0] / found[f"{parent}ketamine"][0] == pytest.approx(ratio, rel=0.01)


@pytest.mark.parametrize(
    ("model", "hours"),
    [
        ("simons2022", 3.2),
        ("otto2021", 7.4),
        ("kamp2020", 3.06),
        ("domino1982", 1.91),
        ("clements1981", 3.05),
        ("hijazi2003", 4.95),
        ("perezruixo2021", 11.0),
    ],
)
def test_terminal_half_life(model, hours):
    """From the levels 60 and 80 h after an hour's infusion; red when a peripheral compartment is lost."""
    system = typical(model)
    found = solve(system, [0.0, 1.0], [60.0], [60.0, 80.0])[system.readouts[0][0]]
    assert 20.0 * np.log(2.0) / np.log(found[0] / found[1]) == pytest.approx(hours, rel=0.03)


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
