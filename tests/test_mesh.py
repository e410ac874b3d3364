"""The mesh hits every event, is fine after changes, and grows with events only."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from letheon.body.mesh import DAY_MS, HOUR_MS, Grading, lay
from letheon.dosing.regimen import Infusion, Rate, Regimen, Schedule


def schedule(*spans):
    infusions = [Infusion(a, b, Rate(absolute_mg_h=r)) for a, b, r in spans]
    return Regimen.create("racemic", infusions).schedule()


spans = st.lists(
    st.tuples(st.integers(0, 4 * DAY_MS), st.integers(1, DAY_MS), st.floats(1.0, 50.0)), min_size=1, max_size=4
)


@given(spans)
def test_every_event_and_midnight_lies_on_the_mesh(drips):
    plan = schedule(*drips)
    mesh = lay(plan, 7 * DAY_MS)
    mesh.index_of([e for e in plan.edges_ms if e <= 7 * DAY_MS])
    mesh.index_of(range(0, 7 * DAY_MS + 1, DAY_MS))
    lengths = np.diff(mesh.time_h[: mesh.count + 1])
    assert np.allclose(lengths, mesh.h0_h * 2.0 ** mesh.level[: mesh.count], rtol=1e-9)
    assert lengths.max() <= Grading().coarsest_h * (1 + 1e-12)
    assert mesh.level.min() >= 2


@given(spans)
def test_each_step_lies_in_one_piece(drips):
    plan = schedule(*drips)
    mesh = lay(plan, 7 * DAY_MS)
    middle = 0.5 * (mesh.time_h[1:] + mesh.time_h[:-1])[: mesh.count] * HOUR_MS
    expected = np.searchsorted(plan.edges_ms, middle)
    expected[expected == len(plan.edges_ms)] = 0
    assert np.array_equal(mesh.piece[: mesh.count], expected)


def test_steps_after_a_change_start_fine_and_grow():
    mesh = lay(schedule((DAY_MS, 4 * HOUR_MS, 25.0)), 3 * DAY_MS)
    first = int(mesh.index_of([DAY_MS])[0])
    grading = Grading()
    after = np.diff(mesh.time_h)[first : first + 40]
    since = mesh.time_h[first : first + 40] - 24.0
    assert after[0] <= grading.finest_h
    assert np.all(after[:20] <= [grading.longest(s) * (1 + 1e-9) for s in since[:20]])
    assert after.max() > 0.5


def test_a_time_off_the_mesh_is_an_error():
    with pytest.raises(ValueError, match="does not lie"):
        lay(Schedule(), DAY_MS).index_of([17])
