"""Regimens assumed for studies, beside the levels, peaks, rates and doses that the studies report.

Oracles: the reports themselves, a timetable known to be wrong, and clearance, which is dose over area for any model.
"""

from dataclasses import replace

import acute_relief
import generate
import numpy as np
import pytest

from letheon import library
from letheon.study.regimens import study
from letheon.study.validate import regimens

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


def test_one_day_above_a_ceiling_is_found():
    whole = study("schwartzman2009")
    arm = replace(whole.arms[0], infusions=((0.0, 5.0, 25.0), *whole.arms[0].infusions[1:]))
    checks = regimens.study_checks(replace(whole, arms=(arm, *whole.arms[1:])), simulate=False)
    assert {check.measure for check in checks if not check.met} == {"dose_per_day"}


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
def test_relief_in_headache_is_ordered_by_what_acts():
    """Red when placebo leaves less pain than placebo with drug, or a needed C50 is above the one that misses."""
    for row in acute_relief.acute_relief().rows:
        assert row.placebo.median >= row.acute.median >= row.simulated.median
        assert row.simulated.median <= row.reported[1] or (row.c50_needed or 0.0) < row.c50.median
