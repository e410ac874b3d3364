"""Held-out trials and what they rest on: the spread between studies, expectancy, progress."""

import json
from pathlib import Path

import numpy as np
import pytest

from letheon.errors import Interrupted
from letheon.patients.uncertainty import RIVAL, typical_values
from letheon.scenario import loads
from letheon.study.trial.simulation import simulated_trials
from letheon.study.validate import held_out as validation
from letheon.study.validate import sensitivity
from letheon.study.validate.between_studies import SPREADS, with_spread
from letheon.study.validate.held_out import timing

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
    def run(**options):
        windows, sham = ((4.0, 5.0), (5.0, 6.0)), {"placebo": "drug"}
        return simulated_trials(
            SHORT, {"drug": 40, "placebo": 40}, windows, "slow_site", few(4), repeats=2, people=8, sham=sham, **options
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


@pytest.mark.long
def test_simulated_trials_can_be_stopped_between_draws(trials):
    beats = []

    def beat():
        beats.append(None)
        if len(beats) == 3:
            raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        trials(heartbeat=beat)
    assert len(beats) == 3


@pytest.mark.slow
def test_timing_tells_how_far_it_is(monkeypatch):
    reports = []
    monkeypatch.setattr(validation, "_COURSES", dict(list(validation._COURSES.items())[2:3]))
    rows = timing(few(16), ("slow_site",), lambda what, done, all_: reports.append((what, done, all_)))
    assert len(rows) == 1 and len(reports) == 2
    assert reports[0] == ("timing of correll2004, first course under slow_site", 0, 1)


@pytest.mark.slow
@pytest.mark.parametrize("pain", ["memory", "slow_site"])
def test_what_the_tornado_compares_with_is_a_placebo_arm(pain, monkeypatch):
    """Expectancy adds days of relief beyond placebo; red when it is given to the placebo arm as well."""
    monkeypatch.setattr(sensitivity, "_DRAWS", 2)
    weights = np.full(2, 0.5)
    plain, hoped = (
        sensitivity._outcomes(sensitivity._Case("", switches=switches), few(2), pain, weights)["relief_days"]
        for switches in ({}, {"expectancy": 1.0})
    )
    assert 0 < plain < hoped


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


def test_a_known_truth_was_found_and_each_set_took_minutes():
    for recovery in read("adequacy")["recovery"].values():
        assert len(recovery["sets"]) >= 10 and recovery["values"] >= 100
        assert recovery["inside"] >= 0.83
        assert max(one["seconds"] for one in recovery["sets"]) <= 360
