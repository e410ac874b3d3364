"""Classes in the engine: each patient of an arm with classes is the patient of the plain arm of their class.

The oracle is that plain arm, to the last bit: edges, and so steps, are those of the classed arm.
"""

from functools import partial

import numpy as np
import pytest
from test_policies import crowd, run

from letheon.arrays import jax
from letheon.pipeline import block as blocks
from letheon.pipeline import plan_arms
from letheon.pipeline.block import BlockResult
from letheon.scenario import loads

pytestmark = pytest.mark.long


def arms(limit: str, first: tuple[str, ...], then: tuple[str, ...], rules: str = "") -> str:
    """Write an arm with classes at a limit and both of its plain arms."""
    classed = tuple(f"{{below {limit}: {a}, from {limit}: {b}}}" for a, b in zip(first, then, strict=True))
    return "\n".join(map(partial(_arm, rules), ("classed", "first", "then"), (classed, first, then)))


def _arm(rules: str, name: str, texts: tuple[str, ...]) -> str:
    push, rate, most, dose, step, low, high, booster = texts
    return f"""  {name}:
    drug: racemic
    sessions:
      - {{at: 0 h, push: {push}}}
      - {{at: 2 h, rate: {rate}, max: {most}, for: 12 h, repeat: {{every: 1 day, times: 3}}}}
      - {{at: 4 h, dose: {dose}, for: 4 h}}
    titration: {{every: 2 h, step: {step}, min: {low}, max: {high}{rules}}}
    boosters: {{every: 10 days, session: {{rate: {booster}, for: 4 h}}, times: 2}}"""


FIRST = ("0.2 mg/kg", "15 mg/h", "20 mg/h", "12 mg", "2 mg/h", "1 mg/h", "30 mg/h", "20 mg/h")
RULES = """, on_harm: halve, harm: elicited}
    wean: {over: 12 h, steps: 4}
    limits: {per_day: 250 mg, in_all: 600 mg"""
THEN = ("10 mg", "0.25 mg/kg/h", "22 mg/h", "0.3 mg/kg", "0.05 mg/kg/h", "0 mg/h", "40 mg/h", "0.3 mg/kg/h")


def scenario(limit: str, first: tuple[str, ...] = FIRST, then: tuple[str, ...] = THEN, rules: str = ""):
    return loads(f"letheon: 1\ntitle: classes\nfollow_up: 4 weeks\narms:\n{arms(limit, first, then, rules)}\n")


@pytest.mark.parametrize(
    ("limit", "trait", "rules"),
    [("75.5 kg", "weight_kg", ""), ("46 years", "age_years", ""), ("75.5 kg", "weight_kg", RULES)],
)
def test_classes_equal_the_separate_arms_patient_by_patient(limit: str, trait: str, rules: str) -> None:
    """With rules, red when a push, a weaning or half a rate is that of another class, or a push escapes the limit."""
    plans = plan_arms(scenario(limit, rules=rules))
    classed, first, then = map(run, plans)
    below = np.asarray(getattr(crowd(len(plans[0].day_rows) - 1), trait)) < float(limit.split()[0])
    assert 0.2 < below.mean() < 0.8

    def same(own: np.ndarray, one: np.ndarray, other: np.ndarray) -> None:
        if own.shape[-1:] == below.shape:
            np.testing.assert_array_equal(own, np.where(below, one, other))

    def compared(result: BlockResult) -> BlockResult:
        """Leave out the last rate, whose units differ, and the row behind those that are saved."""
        rows = {name: values[: plans[0].saved] for name, values in result.profile.items()}
        return result._replace(final_rate=result.dose_mg, profile=rows)

    jax.tree.map(same, *map(compared, (classed, first, then)))
    assert len(np.unique(classed.dose_mg)) > 20


def test_other_limits_and_rates_compile_nothing() -> None:
    run(plan_arms(scenario("75.5 kg"))[0])
    compiled = blocks._build._cache_size(), blocks._run._cache_size(), blocks._read_out._cache_size()
    run(plan_arms(scenario("60 kg", THEN, FIRST))[0])
    run(plan_arms(scenario("30 years", THEN, FIRST))[0])
    assert compiled == (blocks._build._cache_size(), blocks._run._cache_size(), blocks._read_out._cache_size())
