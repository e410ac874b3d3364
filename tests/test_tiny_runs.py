"""Many tiny runs of random scenarios: none fails, and what must hold of every run holds.

The oracles are identities: a fixed regimen gives its dose, equal arms are equal, few patients are the first of many.
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from scenarios import scenario_text

from letheon.runs import engine, simulate
from letheon.scenario import dumps, loads

# what decides which program is compiled; all else is data: drug, pain model, rules
PROGRAMS = (
    ("esketamine", "memory", True),
    ("racemic", "average", False),
    ("racemic", "slow_site", True),
    ("esketamine", "average", True),
)


def session(chance: random.Random, ruled: bool) -> tuple[str, float, float]:
    """Return a session, its dose in mg and in mg/kg; one of them is zero."""
    hours, start, times = chance.choice((1, 2, 4, 10)), chance.randrange(0, 24), chance.choice((1, 1, 2))
    repeat = f", repeat: {{every: 1 day, times: {times}}}" if times > 1 else ""
    key, unit = chance.choice((("rate", "mg"), ("dose", "mg"), ("rate", "mg/kg"), ("dose", "mg/kg")))
    if ruled:
        key, unit = "rate", "mg"
    amount = chance.choice((0.5, 3.0, 12.5, 40.0)) / (50 if unit == "mg/kg" else 1)
    per = "/h" if key == "rate" else ""
    text = f"{{at: {start} h, {key}: {amount} {unit}{per}, for: {hours} h{repeat}}}"
    dose = amount * times * (hours if per else 1)
    return (text, dose, 0.0) if unit == "mg" else (text, 0.0, dose)


def scenario(chance: random.Random, program: tuple[str, str, bool]) -> tuple[str, float, float, bool]:
    """Return a random legal scenario, the dose of its first arm in mg and in mg/kg, and whether a rule changes it."""
    drug, pain, ruled = program
    text, milligrams, per_kg = session(chance, ruled)
    arm = f"drug: {drug}, sessions: [{text}]"
    if ruled:
        every, step, relief = chance.choice((1, 2, 6)), chance.choice((1, 5, 20)), chance.choice((20, 40))
        rule = f"every: {every} h, step: {step} mg/h, max: {50 + step} mg/h, relief: {relief} %"
        arm += f", titration: {{{rule}}}"
    population = [f"n: {chance.randint(1, 4)}"]
    if chance.random() < 0.5:
        population.append(f"weight: {chance.choice((45, 70, 120))} ± {chance.choice((0, 8))} kg")
    if chance.random() < 0.5:
        population.append(f"baseline_nrs: {chance.choice((4, 6.5, 9))} ± {chance.choice((0, 1, 2))}")
    models = [f"pain: {pain}"]
    if chance.random() < 0.3:
        models.append("flares: off")
    if chance.random() < 0.3:
        models.append(f"expectancy: {chance.choice((0, 1, 2.5))} NRS")
    text = scenario_text(
        *(f"one: {{{arm}}}", f"other: {{{arm}}}", "placebo: {drug: placebo, like: one}"),
        population=f"{{{', '.join(population)}}}",
        follow_up="3 days",
        seed=chance.randrange(2**31),
        models=f"{{{', '.join(models)}}}",
    )
    return text, milligrams, per_kg, ruled


def endpoints(folder: Path, arm: str) -> dict[str, np.ndarray]:
    """Return the endpoints of an arm's patients."""
    table = pq.read_table(folder / "endpoints" / arm / "part-00000.parquet")
    return {name: table[name].to_numpy() for name in table.column_names if name != "arm"}


def check(text: str, milligrams: float, per_kg: float, ruled: bool, folder: Path) -> None:
    """Run a scenario and see to it that what must hold of every run holds."""
    wanted = loads(text)
    assert dumps(loads(dumps(wanted))) == dumps(wanted)
    run = simulate(wanted, out=folder)
    document = json.loads(json.dumps(run.document, allow_nan=False))
    one, other, placebo = (endpoints(folder, arm) for arm in ("one", "other", "placebo"))
    assert document["arms"]["one"]["endpoints"] == document["arms"]["other"]["endpoints"]
    assert document["arms"]["one"]["profile"] == document["arms"]["other"]["profile"]
    for name, values in one.items():
        assert len(values) == wanted.population.n
        assert values.tobytes() == other[name].tobytes(), name
        if name.startswith("nrs_day"):
            assert ((values >= 0) & (values <= 10)).all(), name
    for name in ("weight_kg", "baseline_nrs"):
        assert np.array_equal(one[name], placebo[name])
    assert (placebo["dose_mg"] == 0).all()
    due = milligrams + per_kg * one["weight_kg"]
    if ruled:
        assert np.isfinite(one["dose_mg"]).all() and (one["dose_mg"] >= 0).all()
    else:
        assert np.allclose(one["dose_mg"], due, rtol=1e-9)
    assert simulate(wanted, out=folder).reused


@pytest.fixture(autouse=True)
def _small_bank(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep one block of the uncertainty bank of eight, which takes most of the time of a tiny run."""
    monkeypatch.setattr(engine, "BANK", 1)


def tries(count: int, seed: int, place: Path, programs: Sequence[tuple[str, str, bool]]) -> None:
    """Run so many scenarios; say which one fails."""
    chance = random.Random(seed)
    for number in range(count):
        case = scenario(chance, programs[number % len(programs)])
        try:
            check(*case, place / str(number))
        except Exception as error:
            raise AssertionError(f"number {number} of seed {seed}:\n{case[0]}") from error


@pytest.mark.long
def test_tiny_runs_hold(tmp_path: Path) -> None:
    tries(3, 1, tmp_path, PROGRAMS[:1])


@pytest.mark.slow
def test_500_tiny_runs_hold(tmp_path: Path) -> None:
    tries(500, 2, tmp_path, PROGRAMS)
