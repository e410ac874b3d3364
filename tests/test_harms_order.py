"""More sessions never lower what is a maximum or a sum: of each patient, over random timetables without rules.

Oracle: an identity. A timetable and the same with sessions added are compared patient by patient; what sums or
maxima are taken over only grows.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenarios import scenario_text

from letheon.arrays import jax, jnp
from letheon.dosing.regimen import Infusion, Rate, Regimen
from letheon.harms.exposure import daily_hours
from letheon.patients.population import Covariates, people
from letheon.patients.uncertainty import typical_values
from letheon.pipeline import assemble, harms
from letheon.runs import simulate
from letheon.scenario import loads

DAYS = 120
WHO = people(Covariates(70.0, 0.0, 7.0, 0.0, 46.0, 0.0, 0.0), 3, 0, DAYS, 3)
DRAWS = {name: jnp.asarray(column) for name, column in typical_values().items()}
SESSION = st.tuples(st.integers(0, 24 * (DAYS - 5)), st.integers(1, 30), st.sampled_from([1.0, 5.0, 25.0, 100.0]))
TIMETABLE = st.lists(SESSION, min_size=1, max_size=12)


@jax.jit
def of_days(dose_mg):
    """Return the harms that go by dosing days, of one patient, with room for every day."""
    own = assemble.own_values(DRAWS, WHO)
    return harms.after_dosing(harms.given_by(dose_mg, DAYS, harms.Sizes(128, 128)), own, WHO)


def regimen(sessions) -> Regimen:
    return Regimen.create("racemic", [Infusion.create(at, hours, Rate(absolute_mg_h=r)) for at, hours, r in sessions])


def doses(sessions) -> np.ndarray:
    schedule = regimen(sessions).schedule()
    return daily_hours(schedule, DAYS) @ np.array(schedule.rates(70.0))


@settings(deadline=None, max_examples=40)
@given(TIMETABLE, TIMETABLE)
def test_more_sessions_lower_no_maximum_of_dosing_days(first, more):
    """Red when a maximum is looked for on some days only, or when an added session moves the effect of another."""
    less, both = of_days(doses(first)), of_days(doses(first + more))
    for name, value in less.items():
        change = float(both[name] - value)
        change = -change if name.endswith(("capacity", "anaesthetic")) else change
        assert change > -1e-7, name


# ---- through the pipeline

COURSE = "{at: day 1, rate: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 10}}"
GROWING = ("harm_load", "harm_elicited", "harm_spontaneous", "harm_output", "harm_systolic", "harm_diastolic")
GROWING += ("harm_pulse", "harm_load_hours", "harm_mood", "harm_mood_end", "dose_mg", "drip_hours", "dosing_days")


@pytest.mark.parametrize(
    ("follow_up", "more", "most"),
    [
        pytest.param(
            "1 year",
            "{at: day 38, rate: 25 mg/h, for: 4 h, repeat: {every: 4 weeks, times: 6}}",
            "{at: day 206, rate: 25 mg/h, for: 4 h, repeat: {every: 4 weeks, times: 6}}",
            marks=pytest.mark.slow,
        ),
        ("12 weeks", "{at: 68 h, rate: 5 mg/h, for: 2 h}", "{at: day 40, rate: 2 mg/h, for: 30 h}"),
    ],
)
def test_more_sessions_lower_nothing_in_a_run(tmp_path, follow_up, more, most):
    """Boosters after a course: the greatest fall in mood used to be lower the longer they went on."""
    arms = {"course": COURSE, "more": f"{COURSE}, {more}", "most": f"{COURSE}, {more}, {most}"}
    text = scenario_text(
        *(f"{name}: {{drug: racemic, sessions: [{sessions}]}}" for name, sessions in arms.items()),
        population="{n: 64}",
        follow_up=follow_up,
        seed=7,
    )
    run = simulate(loads(text), out=tmp_path / "run")
    result = [pq.read_table(run.folder / "endpoints" / arm) for arm in ("course", "more", "most")]
    for less, both in pairwise(result):
        lost = [name for name in less.column_names if name.endswith(("_lost", "_lasting", "_symptoms"))]
        assert len(lost) >= 6
        for name in (*GROWING, *lost):
            change = both[name].to_numpy() - less[name].to_numpy()
            assert change.min() > -1.1e-4, name  # kept to four digits
