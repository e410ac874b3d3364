"""Held-out trials and what they rest on: the spread between studies, expectancy, progress."""

import json
from pathlib import Path

import numpy as np
import pytest

from letheon.patients.uncertainty import RIVAL, typical_values
from letheon.scenario import loads
from letheon.study.trial.simulation import simulated_trials
from letheon.study.validate.between_studies import SPREADS, with_spread

DOCS = Path(__file__).resolve().parent.parent / "docs"
SHIPPED = DOCS / "calibration"
SHORT = loads(
    "letheon: 1\ntitle: x\nfollow_up: 6 days\n"
    "arms: {drug: {drug: esketamine, sessions: [{at: 0 h, rate: 20 mg/h/70kg, for: 48 h}]}}"
)


def few(draws: int) -> dict[str, np.ndarray]:
    return {name: column[:draws] for name, column in typical_values(64).items()}


# ---- studies that differ


@pytest.mark.parametrize("sd", [0.0, 0.3, 0.6])
def test_studies_differ_by_as_much_as_asked(sd):
    values = few(64)
    own = with_spread(values, sd)
    for name in ("between.effect", f"{RIVAL}between.effect"):
        assert np.mean(own[name]) == pytest.approx(0.0, abs=1e-12)
        assert np.std(own[name]) == pytest.approx(sd, rel=0.03, abs=1e-12)
    changed = {name for name in values if not np.array_equal(values[name], own[name])}
    assert changed == {"between.effect", f"{RIVAL}between.effect"}
    assert with_spread(values, SPREADS["fitted"]) is values


# ---- simulated trials


@pytest.fixture(scope="module")
def trials():
    def run(**how):
        windows, sham = ((4.0, 5.0), (5.0, 6.0)), {"placebo": "drug"}
        return simulated_trials(
            SHORT, {"drug": 40, "placebo": 40}, windows, "slow_site", few(4), repeats=2, people=8, sham=sham, **how
        )

    return run


@pytest.mark.slow
def test_expectancy_acts_on_the_drug_alone(trials):
    """Who gets placebo has nothing to see through; red when both arms share a forecast."""
    plain, hoped = trials(), trials(expectancy=1.0)
    np.testing.assert_array_equal(plain.entries["placebo"], hoped.entries["placebo"])
    fall = plain.entries["drug"] - hoped.entries["drug"]
    assert fall.min() >= 0 and 0.4 < fall.mean() <= 1.0
    for arms in (plain, hoped):
        np.testing.assert_array_equal(arms.baseline["drug"], plain.baseline["drug"])


# ---- what shipped


def read(name: str) -> dict:
    return json.loads((SHIPPED / f"{name}.json").read_text(encoding="utf-8"))


def test_a_trial_of_thirty_an_arm_may_find_what_leiden_found():
    """The memory's 90 % interval of such a trial holds both differences, however far studies lie apart."""
    rows = {
        (r["quantity"], r["sd"]): r for r in read("validation")["between_studies"]["rows"] if r["model"] == "memory"
    }
    assert {sd for _, sd in rows} == set(SPREADS)
    for week, seen in (("week 1", -2.77), ("week 12", -1.27)):
        for sd in SPREADS:
            row = rows[f"pain minus placebo, {week}", sd]
            assert row["reported"] == pytest.approx(seen, abs=0.01)
            low, high = row["interval_90"]
            assert low < seen < high
