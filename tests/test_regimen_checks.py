"""Regimens assumed for studies, beside the levels, peaks, rates and doses that the studies report.

Oracles: the reports themselves, a timetable known to be wrong, and clearance, which is dose over area for any model.
"""

from dataclasses import replace

import generate
import numpy as np
import pytest

from letheon import library
from letheon.study.regimens import study
from letheon.study.validate import acute_relief, regimens

STUDIES = library.studies()


@pytest.fixture(scope="module")
def stored():
    return generate.record("calibration/regimens", regimens.RegimenChecks).checks


@pytest.mark.parametrize("one", STUDIES, ids=lambda one: one.id)
def test_no_timetable_contradicts_its_study(one):
    """Red when a regimen is assumed that the study's own rates, peaks or doses rule out."""
    assert [check for check in regimens.study_checks(one, simulate=False) if check.met is False] == []


def test_one_step_a_day_contradicts_the_levels_of_goldberg():
    """The timetable that the library once had: levels that peak within 5 h leave no room for it."""
    whole = study("goldberg2010")
    daily = tuple((24.0 * day, 24.0, 10.0 * (day + 1)) for day in range(4))
    arm = replace(whole.arms[0], infusions=daily, titration=None)
    checks = regimens.study_checks(replace(whole, arms=(arm,)), simulate=False)
    assert {check.measure for check in checks if not check.met} == {"rate_stable_from", "ketamine_peak_time"}


def test_stored_timetables_are_those_of_the_library(stored):
    """Red when a study changed after the checks were made: python -m letheon.study.validate.regimens."""
    now = [check for one in STUDIES for check in regimens.study_checks(one, simulate=False)]
    assert [check for check in stored if check.timetable] == now


def test_a_remark_stands_exactly_where_the_plasma_model_misses_a_report(stored):
    groups = {(one.id, arm.name): arm.group for one in STUDIES for arm in one.arms}
    missed = {
        (c.study, groups[c.study, c.arm], c.measure, c.day, c.subgroup)
        for c in stored
        if c.met is False and not c.timetable
    }
    noted = {
        (one.id, o.arm, o.measure, o.time_days[1] if o.time_days else None, o.subgroup)
        for one in STUDIES
        for o in one.outcomes
        if o.missed
    }
    assert noted == missed


def test_recalled_levels_decide_nothing(stored):
    assert {c.measure for c in stored if c.met is None} == {"ketamine_at_relief", "norketamine_at_relief"}


@pytest.mark.long
def test_clearance_is_dose_over_area():
    """Otto's 95.2 L/h at 70 kg, by weight to the power 0.75; people of the default population weigh 70 to 80 kg."""
    whole = study("wang2019")
    checks = {
        c.measure: c for c in regimens.study_checks(replace(whole, arms=whole.arms[:1], outcomes=whole.outcomes[:1]))
    }
    assert checks["esketamine_clearance"].simulated[1] == pytest.approx(95.2 / 70 * 1000 / 60, rel=0.05)


@pytest.mark.slow
def test_stored_levels_are_reproduced(stored):
    now = regimens.regimen_checks().checks
    assert [(c.study, c.arm, c.measure, c.met) for c in now] == [(c.study, c.arm, c.measure, c.met) for c in stored]
    np.testing.assert_allclose([c.simulated for c in now], [c.simulated for c in stored], rtol=2e-3)


@pytest.mark.slow
def test_the_acute_c50_that_is_needed_meets_the_report():
    """The mean pain at the C50 found equals what was reported, and the draws' own is above it."""
    for row in acute_relief.acute_relief().rows:
        assert row.simulated.median > row.reported[1]
        assert row.c50_needed is None or row.c50_needed < row.c50.median
        assert row.placebo.median >= row.acute.median >= row.simulated.median
