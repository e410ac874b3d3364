"""Boosters and titration: decided from what a clinic sees, and never against their rule."""

from functools import cache

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from letheon.arrays import jax
from letheon.body import pain
from letheon.definitions import BASELINE_DAYS
from letheon.dosing.order import Order
from letheon.dosing.regimen import MS_PER_DAY
from letheon.patients.population import Covariates, people
from letheon.patients.uncertainty import typical_values
from letheon.pipeline import Switches, plan_arms, run_block
from letheon.pipeline import block as blocks
from letheon.pipeline.clinic import EVENTS
from letheon.pipeline.plan import ArmPlan, widened
from letheon.runs.run import simulate
from letheon.scenario import dumps, loads
from letheon.views.commands.worksheet import sheet_of

N, DAYS = 256, 364

pytestmark = pytest.mark.long

COURSE = "sessions: [{at: day 1, rate: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 10}}]"
SWITCHES = Switches(seed=1, flares=1.0, expectancy=0.0, norketamine=0.0)


def scenario(*rules: str, drug: str = "racemic", sessions: str = COURSE, weeks: int = 52):
    """One arm for each text of rules, in its own lines."""
    arms = "".join(
        f"  arm_{k}:\n    drug: {drug}\n    {sessions}\n" + "".join(f"    {line}\n" for line in text.splitlines())
        for k, text in enumerate(rules)
    )
    return loads(f"letheon: 1\ntitle: policies\nfollow_up: {weeks} weeks\narms:\n{arms}")


@cache
def crowd(days: int):
    numbers = np.arange(N)
    population = Covariates(79.0, 19.0, 7.3, 2.0, 46.0, 12.0, 0.0)
    return jax.jit(jax.vmap(lambda k, d: people(population, 1, k, days, d), out_axes=-1))(numbers, numbers % 64)


@cache
def draws():
    return {name: jax.numpy.asarray(values) for name, values in typical_values().items()}


def run(plan: ArmPlan, *models: str):
    """Return a block under the pain memory, or by name under the models asked for."""
    who = crowd(len(plan.day_rows) - 1)
    results = run_block(plan, draws(), who, np.arange(N), SWITCHES, models or ("memory",))
    return jax.tree.map(np.asarray, results if models else results["memory"])


def simulated(plan: ArmPlan):
    """Diary entries (day, patient) and boosters (patient: days, kinds) of a simulation."""
    who = crowd(len(plan.day_rows) - 1)
    arm = plan.data
    patients, states = blocks._build(plan.structure, len(plan.save), arm, draws(), who, np.arange(N), SWITCHES)
    states = blocks._run(arm, patients, states)
    noise = np.asarray(patients.noise)
    daily = np.asarray(states.daily)[:, : plan.days, 0]
    before = np.repeat(np.asarray(who.baseline)[:, None], BASELINE_DAYS, axis=1)
    entries = np.asarray(pain.entry(np.concatenate([before, daily], axis=1), noise[:, : plan.days + 7]))
    return entries, np.asarray(states.log), np.asarray(states.chart.boosters)


@cache
def room(weeks: int) -> ArmPlan:
    """An arm with the room that all policies here need, so that they share one compiled program."""
    widest = "boosters: {every: 7 days, session: {rate: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 3}}}"
    return plan_arms(scenario(widest, weeks=weeks))[0]


def planned(*rules: str, weeks: int = 52, **given) -> tuple[ArmPlan, ...]:
    plans = plan_arms(scenario(*rules, weeks=weeks, **given))
    return widened([*plans, room(weeks)])[:-1]


def differing(one, other, but=()):
    pairs = zip(jax.tree_util.tree_leaves_with_path(one), jax.tree_util.tree_leaves(other), strict=True)
    names = [(jax.tree_util.keystr(path), a, b) for (path, a), b in pairs]
    return [
        name
        for name, a, b in names
        if not any(word in name for word in but) and not (a.shape == b.shape and np.array_equal(a, b, equal_nan=True))
    ]


def test_a_policy_that_never_triggers_is_the_fixed_timetable_bit_for_bit():
    never = (
        "boosters: {every: 3000 days, session: {rate: 25 mg/h, for: 4 h}}\n"
        "titration: {every: 1 h, step: 5 mg/h, min: 25 mg/h, max: 25 mg/h, relief: 50 %}"
    )
    fixed, idle = (run(plan) for plan in planned("", never))
    assert differing(fixed, idle, but=("profile", "log", "final_rate")) == []
    assert {EVENTS[int(kind)][0] for kind in set(idle.log.kind.ravel()) - {0}} <= {"rate held"}
    assert np.allclose(idle.final_rate, 25.0, rtol=1e-15)


def test_a_calendar_is_the_same_dates_written_out_bit_for_bit():
    rules = "boosters: {every: 6 weeks, session: {rate: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 2}}}"
    later = ", ".join(
        f"{{at: day {d}, rate: 25 mg/h, for: 4 h, repeat: {{every: 43 days, times: 8}}}}" for d in (52, 53)
    )
    (calendar,) = planned(rules)
    (written,) = planned("", sessions=COURSE.replace("}}]", "}}, " + later + "]"))
    calendar, written = widened([calendar, written])
    result, expected = run(calendar), run(written)
    assert differing(result, expected, but=("profile", "log", "boosters", "final_rate")) == []
    assert set(result.boosters) == {8.0}
    assert sorted(set(result.log.time_h[:8, 0] / 24)) == [51 + 43 * k for k in range(8)]


def clinic(entries: np.ndarray, rule: dict) -> list[int]:
    """A clinic of its own, in plain Python: the days on which one patient's boosters begin."""
    baseline = sum(entries[:7]) / 7
    seen = list(entries[:7])
    course_end, last_day = 9 + 4 / 24, 9
    first_remission, dosing, due = None, [], None
    if rule["every"]:
        due = last_day + rule["every"][0]
    for day, entry in enumerate(entries[7:], start=1):
        seen.append(entry)
        low = sum(seen[-3:]) / 3 <= 0.7 * baseline + 1e-9
        high = sum(e >= 0.85 * baseline - 1e-9 for e in seen[-7:]) >= 5
        if rule["on"] and due is None:
            settled = first_remission is not None and day > first_remission
            if high and settled and (not dosing or day >= course_end + 7):
                due = day + rule["wait"]
        if not dosing and first_remission is None and low and course_end <= day <= course_end + 14:
            first_remission = day
        if due is None or day < due or day - last_day < rule["apart"]:
            continue
        if rule["at_most"] and sum(day - 365 < d <= day for d in dosing) >= rule["at_most"]:
            continue
        if rule["times"] and len(dosing) >= rule["times"]:
            continue
        length = (rule["sessions"] - 1) + 4 / 24
        if day + length > len(entries) - 7 or (day == len(entries) - 7):
            continue
        dosing.append(day)
        last_day, course_end = day + rule["sessions"] - 1, day + length
        due = last_day + rule["every"][min(len(dosing), len(rule["every"]) - 1)] if rule["every"] else None
    return dosing


def text_of(rule: dict) -> str:
    when = "on: relapse, " if rule["on"] else f"every: [{', '.join(f'{d} days' for d in rule['every'])}], "
    wait = f"wait: {rule['wait']} days, " if rule["on"] else ""
    most = f"at_most: {rule['at_most']} per year, " if rule["at_most"] else ""
    times = f"times: {rule['times']}, " if rule["times"] else ""
    session = f"session: {{rate: 25 mg/h, for: 4 h, repeat: {{every: 1 day, times: {rule['sessions']}}}}}"
    return f"boosters: {{{when}{wait}apart: {rule['apart']} days, {most}{times}{session}}}"


rules = st.fixed_dictionaries(
    {
        "on": st.booleans(),
        "every": st.lists(st.integers(14, 90), min_size=1, max_size=4),
        "wait": st.integers(0, 40),
        "apart": st.integers(7, 14),
        "at_most": st.integers(0, 5),
        "times": st.integers(0, 5),
        "sessions": st.integers(1, 3),
    }
).map(lambda rule: rule | ({"every": []} if rule["on"] else {}))


@settings(max_examples=8, deadline=None, derandomize=True)
@given(rules)
def test_every_booster_follows_its_rule_as_a_clinic_on_paper_applies_it(rule):
    text = text_of(rule | ({"at_most": 500} if rule["on"] and not rule["at_most"] else {}))
    (plan,) = planned(text)
    entries, log, boosters = simulated(plan)
    sheet = sheet_of(scenario(text).arms[0], Order(), 52 * 7 * MS_PER_DAY).boosters
    assert boosters.max() <= sheet.at_most if rule["on"] else set(boosters) == {sheet.at_most}
    for k in range(N):
        days = (log[k, : int(boosters[k]), 0] / 24).round(9).tolist()
        assert days == clinic(entries[k], rule), (k, rule)
        assert {EVENTS[int(kind)][0] for kind in log[k, : int(boosters[k]), 1]} <= {"booster"}


def test_boosters_of_an_inert_drug_change_nothing():
    """No leak from the decision to the outcome: sham boosters on relapse leave every diary as it was."""
    text = dumps(scenario("", "boosters: {on: relapse, wait: 3 days, session: {rate: 25 mg/h, for: 4 h}}"))
    sham = "  sham_0: {drug: placebo, like: arm_0}\n  sham_1: {drug: placebo, like: arm_1}\n"
    once, again = (run(plan) for plan in widened([*plan_arms(loads(text + sham))[2:], room(52)])[:2])
    assert again.boosters.sum() > 0
    assert differing(once.diary, again.diary) == []
    assert again.dose_mg.max() == 0.0


def test_stops_end_boosters_for_good():
    rule = "boosters: {every: 14 days, session: {rate: 25 mg/h, for: 4 h}}\n"
    free, dosed, mute, harmed = (
        run(plan)
        for plan in planned(
            rule, f"{rule}stop: {{dose: 1250 mg}}", f"{rule}stop: {{no_response: 2}}", f"{rule}stop: {{harm: elicited}}"
        )
    )
    assert dosed.dose_mg.max() <= 1250.0 + 1e-6
    assert set(dosed.boosters) == {2.0}
    for stopped, code in ((dosed, 7), (mute, 5), (harmed, 6)):
        last = stopped.log.kind[-1]
        assert set(last[stopped.boosters < free.boosters]) == {float(code)}
    assert 0 < (mute.boosters < free.boosters).sum() < N
    assert 0 < (harmed.boosters < free.boosters).sum() < N


def test_new_rules_compile_nothing():
    first, second = planned(
        "boosters: {on: relapse, session: {rate: 25 mg/h, for: 4 h}}",
        "boosters: {every: [14 days, 30 days], times: 3, session: {rate: 20 mg/h, for: 6 h}}\nstop: {dose: 2000 mg}",
    )
    run(first)
    sizes = [f._cache_size() for f in (blocks._build, blocks._run, blocks._read_out)]
    run(second)
    assert sizes == [f._cache_size() for f in (blocks._build, blocks._run, blocks._read_out)]


def test_the_log_holds_every_booster_that_endpoints_count(tmp_path):
    """And who else is asked for changes neither: red when the log drops a line or tells of those who fill a block up."""
    text = "boosters: {on: relapse, session: {rate: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 3}}}"
    result = {}
    for n in (7, 300):
        folder = simulate(scenario(text), out=tmp_path / str(n), patients=n).folder
        assert folder is not None
        endpoints, events = (
            pq.ParquetDataset(folder / kind / "arm_0").read().to_pandas().sort_values("patient", kind="stable")
            for kind in ("endpoints", "events")
        )
        boosters = events[events["event"] == "booster"].groupby(["mechanism", "patient"]).size()
        for model in ("memory", "slow_site"):
            counted = boosters[model].reindex(range(n), fill_value=0)
            assert (endpoints.set_index("patient")[f"{model}_boosters"] == counted).all()
        result[n] = endpoints, events
    assert result[300][0]["boosters"].sum() > 300
    for few, many in zip(result[7], result[300], strict=True):
        assert few.reset_index(drop=True).equals(many[many["patient"] < 7].reset_index(drop=True))


def test_each_pain_model_decides_by_its_own_diary():
    (plan,) = planned("boosters: {on: relapse, session: {rate: 25 mg/h, for: 4 h}}")
    both, alone = run(plan, "memory", "slow_site"), run(plan, "slow_site")
    assert differing(both["slow_site"], alone["slow_site"]) == []
    assert not np.array_equal(both["memory"].boosters, both["slow_site"].boosters)
