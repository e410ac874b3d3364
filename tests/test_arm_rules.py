"""What a complaint does, weaning and limits of dose: identities with timetables written out, and sums done by hand."""

import numpy as np
import pytest
from test_policies import SWITCHES, N, crowd, differing, draws, run, scenario

from letheon.pipeline import block as blocks
from letheon.pipeline import plan_arms
from letheon.pipeline.clinic import EVENTS
from letheon.pipeline.plan import ArmPlan, widened

pytestmark = pytest.mark.long

DAY = "sessions: [{at: 0 h, rate: 20 mg/h, for: 24 h}]"


def planned(*arms: tuple[str, str], drug: str = "racemic") -> tuple[ArmPlan, ...]:
    """Plan arms, each with its sessions and its rules, in shapes that all here share."""
    widest = "titration: {every: 1 h, step: 1 mg/h, max: 99 mg/h, on_harm: pause 1 h}"
    cases = [*arms, (DAY.replace("24 h}", "60 h}"), widest)]
    plans = [plan_arms(scenario(rule, sessions=sessions, weeks=1, drug=drug))[0] for sessions, rule in cases]
    return widened(plans)[:-1]


def logged(result, event: str) -> np.ndarray:
    """Say which lines of the log are an event, shape (slot, patient)."""
    return np.isin(result.log.kind, [kind for kind, (name, _) in EVENTS.items() if name == event])


def times(result, event: str) -> np.ndarray:
    """Return how often something happened to each patient."""
    return logged(result, event).sum(axis=0)


def titration(on_harm: str, least: str = "20 mg/h", most: str = "20 mg/h", rest: str = "") -> str:
    return (
        f"titration: {{every: 4 h, step: 5 mg/h, min: {least}, max: {most}, harm: elicited, relief: 100 %, "
        f"on_harm: {on_harm}}}{rest}"
    )


def test_a_rate_that_cannot_move_is_the_fixed_timetable_bit_for_bit() -> None:
    """In diary and dose; the peaks of harms are looked at where steps end, which the checks of the rate move."""
    fixed, *others = (run(plan) for plan in planned((DAY, ""), *((DAY, titration(one)) for one in ("hold", "halve"))))
    for idle in others:
        assert differing(fixed, idle, but=("profile", "log", "final_rate", "harms")) == []
        assert (idle.log.kind == 8).any()


def test_a_pause_costs_what_would_have_run_in_it() -> None:
    """20 mg/h for 24 h with looks every 4 h of running: each whole pause of 1 h leaves out 20 mg."""
    (plan,) = planned((DAY, titration("pause 1 h")))
    result = run(plan)
    paused, resumed = times(result, "infusion paused"), times(result, "infusion resumed")
    starts = np.where(logged(result, "infusion paused"), result.log.time_h, np.nan)
    # a pause that begins an hour before the end is over with the infusion
    assert np.array_equal(paused, resumed + (starts == 23.0).any(axis=0)) and paused.max() == 4 and paused.min() == 0
    assert np.allclose(result.dose_mg, 480.0 - 20.0 * paused, rtol=1e-12)
    assert np.allclose(result.drip_hours, 24.0 - paused, rtol=1e-12)
    assert np.allclose(result.final_rate, 20.0, rtol=1e-12)
    # who complains at every look pauses from 4, 9, 14 and 19 h on
    for event, hours in (("infusion paused", {4.0, 9.0, 14.0, 19.0}), ("infusion resumed", {5.0, 10.0, 15.0, 20.0})):
        assert set(result.log.time_h[logged(result, event) & (paused == 4) & (starts == 4.0).any(axis=0)]) == hours


def test_a_stop_ends_the_timetable_and_leaves_nothing_to_wean() -> None:
    """Two days of 24 h, and pushes: who complains gets no session, push or weaning any more, but boosters."""
    days = DAY.replace("24 h}", "24 h, repeat: {every: 36 h, times: 2}}, {at: 70 h, push: 7 mg}")
    boosters = "\nboosters: {every: 1 day, times: 1, session: {dose: 11 mg, for: 1 h}}"
    (plan,) = planned((days, titration("stop", rest=f"\nwean: {{over: 12 h, steps: 4}}{boosters}")))
    result = run(plan)
    stopped = times(result, "sessions stopped")
    assert set(stopped) == {0, 1}
    first = np.where(logged(result, "sessions stopped"), result.log.time_h, 0.0).max(axis=0)
    hours = np.where(first < 30, first, first - 12.0)
    assert np.allclose(result.dose_mg[stopped == 1], (20.0 * hours + 11.0)[stopped == 1], rtol=1e-12)
    assert np.allclose(result.dose_mg[stopped == 0], 960.0 + 120.0 + 7.0 + 11.0, rtol=1e-12)
    assert np.array_equal(times(result, "weaning"), 1 - stopped)


def test_weaning_of_a_fixed_timetable_is_its_steps_written_out_bit_for_bit() -> None:
    steps = ", ".join(f"{{at: {24 + 3 * k} h, rate: {rate} mg/h, for: 3 h}}" for k, rate in enumerate((16, 12, 8, 4)))
    weaned, written = (
        run(plan)
        for plan in planned((DAY, "wean: {over: 12 h, steps: 4}"), (DAY.replace("24 h}]", f"24 h}}, {steps}]"), ""))
    )
    assert differing(weaned, written, but=("profile", "log", "final_rate")) == []
    assert np.allclose(weaned.dose_mg, 480.0 + 120.0, rtol=1e-12)


def test_weaning_goes_down_from_each_patients_own_rate() -> None:
    """3 h at 80, 60, 40 and 20 % are 6 h at the whole rate; a push during the weaning is given as written."""
    push = DAY.replace("24 h}]", "24 h}, {at: 31 h, push: 9 mg}]")
    rule = titration("down", "0 mg/h", "40 mg/h")
    plain, weaned = (run(plan) for plan in planned((push, rule), (push, f"{rule}\nwean: {{over: 12 h, steps: 4}}")))
    assert len(set(weaned.final_rate.round(6))) > 3
    assert np.array_equal(weaned.final_rate, plain.final_rate)
    assert np.allclose(weaned.dose_mg, plain.dose_mg + 6.0 * plain.final_rate, rtol=1e-12)
    begins = np.where(logged(weaned, "weaning"), weaned.log.value, 0.0).max(axis=0)
    assert np.allclose(begins, 0.8 * weaned.final_rate, rtol=1e-12)


def test_new_numbers_compile_nothing() -> None:
    first, second = planned(
        (DAY, titration("pause 1 h", rest="\nwean: {over: 12 h, steps: 4}")),
        (
            DAY.replace("20 mg/h", "0.2 mg/kg/h"),
            titration("halve", most="30 mg/h", rest="\nwean: {over: 6 h, steps: 3}"),
        ),
    )
    run(first)
    sizes = [f._cache_size() for f in (blocks._build, blocks._run, blocks._read_out)]
    run(second)
    assert sizes == [f._cache_size() for f in (blocks._build, blocks._run, blocks._read_out)]


# --- limits of dose ---

WARD = "sessions: [{at: 0 h, push: 30 mg}, {at: 0 h, rate: 20 mg/h, for: 60 h}, {at: 50 h, push: 30 mg}]"


def by_day(plan: ArmPlan, people: int = N) -> np.ndarray:
    """Return what each patient is given on each day [mg], shape (day, patient)."""
    who = crowd(len(plan.day_rows) - 1)
    patients, states = blocks._build(plan.structure, len(plan.save), plan.data, draws(), who, np.arange(N), SWITCHES)
    return np.asarray(blocks._run(plan.data, patients, states).daily)[:people, : plan.days, 2].T


def test_a_limit_that_is_never_met_changes_nothing_bit_for_bit() -> None:
    rule = titration("down", "5 mg/h", "40 mg/h", rest="\nwean: {over: 10 h, steps: 4}")
    for sessions, rules in ((WARD, ""), (WARD, rule)):
        limits = f"{rules}\nlimits: {{per_day: 2 g, in_all: 9 g}}"
        free, limited = (run(plan) for plan in planned((sessions, rules), (sessions, limits)))
        assert differing(free, limited) == []


def test_a_day_gets_its_limit_and_the_next_one_goes_on() -> None:
    """20 mg/h and a push of 30 mg reach 333 mg after 15 h 9 min; day 3 has 12 h, 240 mg, and a push."""
    (plan,) = planned((WARD, "limits: {per_day: 333 mg}"))
    days, result = by_day(plan), run(plan)
    assert np.allclose(days[:3], np.array([[333.0], [333.0], [270.0]]), rtol=1e-9)
    assert days[3:].max() == 0.0 and days.max() <= 333.0 * (1 + 1e-9)
    log = sorted(zip(result.log.time_h[:, 0], result.log.kind[:, 0], strict=True))
    happened = [(EVENTS[int(kind)], time) for time, kind in log if kind]
    expected = [
        (("infusion stopped", "limit of the day"), 303 / 20), (("infusion resumed", "new day"), 24.0),
        (("infusion stopped", "limit of the day"), 24 + 333 / 20), (("infusion resumed", "new day"), 48.0),
    ]  # fmt: skip
    assert [event for event, _ in happened] == [event for event, _ in expected]
    assert np.allclose([t for _, t in happened], [t for _, t in expected], atol=1 / 240)


def test_a_push_that_would_pass_a_limit_is_left_out() -> None:
    """Day 3: 2 h at 20 mg/h and 30 mg would be 70 mg, above 65: the push is left out, and the pump stops at 65 mg."""
    (plan,) = planned((WARD, "limits: {per_day: 65 mg}"))
    days, result = by_day(plan), run(plan)
    assert np.allclose(days[:3], 65.0, rtol=1e-9)
    assert set(times(result, "push left out")) == {1}
    assert (result.log.kind == 16).any() and set(times(result, "infusion stopped")) == {3}


def test_a_limit_in_all_counts_boosters_and_ends_all_drug() -> None:
    boosters = "boosters: {every: 1 day, times: 3, session: {rate: 100 mg/h, for: 2 h}}"
    (plan,) = planned((DAY, f"{boosters}\nlimits: {{in_all: 777 mg, per_day: 500 mg}}"))
    days, result = by_day(plan), run(plan)
    assert np.allclose(days[:4], np.array([[480.0], [0.0], [200.0], [97.0]]), rtol=1e-9)
    assert np.allclose(result.dose_mg, 777.0, rtol=1e-9)
    assert set(result.boosters) == {3.0} and (result.log.kind == 14).sum(axis=0).tolist() == [2] * N


def test_limits_hold_under_a_titration_and_its_weaning() -> None:
    rules = titration("pause 1 h", "5 mg/h", "60 mg/h", rest="\nwean: {over: 10 h, steps: 4}")
    sessions = WARD.replace("20 mg/h", "0.2 mg/kg/h")
    (plan,) = planned((sessions, f"{rules}\nlimits: {{per_day: 400 mg, in_all: 700 mg}}"))
    days = by_day(plan)
    assert days.max() <= 400.0 * (1 + 1e-9) and days.sum(axis=0).max() <= 700.0 * (1 + 1e-9)
    for total, limit, stops in ((days.max(axis=0), 400.0, 13), (days.sum(axis=0), 700.0, 14)):
        reached = (run(plan).log.kind == stops).any(axis=0)
        assert reached.any() and np.allclose(total[reached], limit, rtol=1e-9)
