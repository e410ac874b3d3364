"""Titration: a clinic on paper, which replays every look from what was seen, gives the same rates and events."""

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_policies import SWITCHES, N, crowd, draws, run, scenario

from letheon.arrays import jax
from letheon.dosing.titration import reach, reachable_rates
from letheon.pipeline import block as blocks
from letheon.pipeline import plan_arms
from letheon.pipeline.clinic import EVENTS
from letheon.pipeline.plan import widened
from letheon.scenario.model import Arm
from letheon.units import MS_PER_HOUR

pytestmark = pytest.mark.long

CALM = SWITCHES._replace(flares=0.0)  # so that pain at the bedside, as kept in profiles, never leaves the scale
WEEKS = 1
PAUSE = 1.5  # hours
DRIP = "sessions: [{at: 0 h, rate: 5 mg/h/70kg, for: 100 h}]"


def planned(*rules: str, sessions: str = DRIP, drug: str = "racemic"):
    """Plan arms with the room of the one that has the most looks, so that all share one compiled program."""
    widest = "titration: {every: 1 h, step: 1 mg/h, max: 99 mg/h}"
    wide = plan_arms(scenario(widest, sessions=DRIP, weeks=WEEKS, drug=drug))
    return widened([*plan_arms(scenario(*rules, sessions=sessions, weeks=WEEKS, drug=drug)), *wide])[:-1]


def of(form: str, value: float) -> str:
    return {"absolute": f"{value} mg/h", "kg": f"{value / 100} mg/kg/h", "70kg": f"{value} mg/h/70kg"}[form]


def at(form: str, value: float, weight: float) -> float:
    return {"absolute": value, "kg": value / 100 * weight, "70kg": value / 70 * weight}[form]


@dataclass
class Rule:
    sessions: list[tuple[float, float, float]]
    form: str
    every: int
    step: float
    low: float
    high: float
    relief: int
    harm: str
    on_harm: str

    def text(self) -> tuple[str, str]:
        sessions = ", ".join(f"{{at: {a} h, rate: {of(self.form, r)}, for: {d} h}}" for a, d, r in self.sessions)
        rates = {"step": self.step, "min": self.low, "max": self.high}
        rates = ", ".join(f"{key}: {of(self.form, value)}" for key, value in rates.items())
        rest = f"every: {self.every} h, relief: {self.relief} %, harm: {self.harm}, on_harm: {self.on_harm}"
        return f"sessions: [{sessions}]", f"titration: {{{rates}, {rest}}}"


@dataclass
class Paper:
    """A clinic of its own, in plain Python, for one patient."""

    rule: Rule
    weight: float
    baseline: float
    steps: int = 0
    complained: bool = False
    borne: float = 0.0
    offset: float = 0.0
    resume: float = -1.0
    ended: bool = False
    events: list[tuple[float, str, float]] = field(default_factory=list)
    dose: float = 0.0
    rate: float = 0.0
    final: float = 0.0  # last rate at which the pump ran

    def mg_h(self, value: float) -> float:
        return at(self.rule.form, value, self.weight)

    def limits(self) -> tuple[float, float]:
        low, high = self.mg_h(self.rule.low), self.mg_h(self.rule.high)
        return low, min(high, max(low, self.borne)) if self.complained else high

    def rate_at(self, written: float, steps: int) -> float:
        low, high = self.limits()
        return min(max(written + self.offset + steps * self.mg_h(self.rule.step), low), high)

    def look(self, time: float, written: float, score: float, complaint: bool) -> None:
        ran, before = self.rate, self.rate_at(written, self.steps)
        near = 1e-9 * self.mg_h(self.rule.step)
        if not complaint:
            self.borne = max(ran, before) if self.complained else ran
            if score > (1 - self.rule.relief / 100) * self.baseline + 1e-9:
                higher = (n for n in range(self.steps + 1, self.steps + 99) if self.rate_at(written, n) > before + near)
                self.steps = next(higher, self.steps)
        elif self.rule.on_harm == "hold":
            self.complained, self.borne = True, ran
        elif self.rule.on_harm != "down":
            self.complained = True
            low, top = self.limits()
            if self.rule.on_harm == "stop":
                self.ended, self.rate = True, 0.0
                return self.events.append((time, "sessions stopped", 0.0))
            to = max(min(before / 2, top), low) if self.rule.on_harm == "halve" else top
            self.steps, self.offset = 0, to - written
            if self.rule.on_harm.startswith("pause"):
                self.resume, self.rate = time + PAUSE, 0.0
                return self.events.append((time, "infusion paused", 0.0))
        else:
            lower = (n for n in range(self.steps - 1, self.steps - 99, -1) if self.rate_at(written, n) < before - near)
            self.steps, self.complained = next(lower, self.steps), True
            step, top = self.mg_h(self.rule.step), self.limits()[1]
            enough = next(n for n in range(-99, 99) if written + n * step >= top * (1 - 1e-9))
            self.steps = min(self.steps, enough)  # steps that a limit swallows are not counted
        self.rate = self.rate_at(written, self.steps)
        if abs(self.rate - before) > near:
            self.events.append((time, "rate up" if self.rate > before else "rate down", self.rate))
        elif complaint:
            self.events.append((time, "rate held", self.rate))
        return None

    def run(self, now: float, until: float) -> float:
        """Let the pump run."""
        self.dose += self.rate * (until - now)
        self.final = self.rate if until > now else self.final
        return until

    def treat(self, seen: "Seen") -> None:
        """Give all sessions, one after the other."""
        before, stopped, titrated, look = 0.0, -1.0, False, 0.0
        for start, hours, number in self.rule.sessions:
            follows, stop, written = stopped == start, start + hours, self.mg_h(number)
            tapers = number < before or (follows and number == before and not titrated)
            before, stopped, titrated, was = number, stop, not tapers, titrated
            ran, now = self.rate, start
            look = look if follows else start + self.rule.every
            while now < stop and not self.ended:
                self.rate = written if tapers else self.rate_at(written, self.steps)
                if now <= self.resume:
                    if now < self.resume:  # the pump stands still
                        self.rate, now = 0.0, min(self.resume, stop)
                        continue
                    look = now + self.rule.every
                    if self.rate > 0:
                        self.events.append((now, "infusion resumed", self.rate))
                elif now == look:
                    look += self.rule.every
                    if not tapers and (now > start or was):
                        self.rate, paused = (ran if now == start else self.rate), self.resume
                        self.look(now, written, *seen[now])
                        if self.resume > paused or self.ended:
                            continue
                now = self.run(now, min(stop, look))


class Seen:
    """Score and complaint at each look, in the order in which a patient is asked."""

    def __init__(self, latent: dict[float, float], noise: np.ndarray, complaints: set[float]):
        self.latent, self.noise, self.complaints, self.count = latent, noise, complaints, 0

    def __getitem__(self, time: float) -> tuple[float, bool]:
        # after a pause looks fall between the times kept, where nobody goes up any more
        score = math.floor(self.latent.get(round(time, 6), 0.0) + self.noise[self.count % len(self.noise)] + 0.5)
        self.count += 1
        return min(max(score, 0), 10), time in self.complaints


@st.composite
def rules(draw) -> Rule:
    sessions, time = [], 0.0
    for _ in range(draw(st.integers(1, 4))):
        hours, rate = draw(st.sampled_from([6, 12, 20])), draw(st.sampled_from([5.0, 10.0, 20.0, 30.0]))
        sessions.append((time, hours, rate))
        time += hours + draw(st.sampled_from([0, 0, 4]))
    top = max(rate for *_, rate in sessions)
    return Rule(
        sessions=sessions,
        form=draw(st.sampled_from(["absolute", "kg", "70kg"])),
        every=draw(st.sampled_from([2, 4, 6])),
        step=draw(st.sampled_from([3.0, 5.0, 12.0, 50.0])),
        low=draw(st.sampled_from([0.0, 0.0, 4.0])),
        high=draw(st.sampled_from([top, top + 7.0, 60.0])),
        relief=draw(st.sampled_from([30, 50, 100])),
        harm=draw(st.sampled_from(["spontaneous", "elicited"])),
        on_harm=draw(st.sampled_from(["down", "hold", "halve", "stop", f"pause {PAUSE} h"])),
    )


def simulated(plan):
    who, arm = crowd(len(plan.day_rows) - 1), plan.data
    patients, states = blocks._build(plan.structure, len(plan.save), arm, draws(), who, np.arange(N), CALM)
    before = np.asarray(states.chart.baseline).copy()
    noise = np.asarray(patients.bedside_noise)
    result = blocks._read_out(plan.structure, arm, draws(), who, patients, blocks._run(arm, patients, states))
    return np.asarray(who.weight_kg), before, noise, jax.tree.map(np.asarray, result)


def check(rule: Rule) -> None:
    sessions, titration = rule.text()
    (plan,) = planned(titration, sessions=sessions)
    weight, baseline, noise, result = simulated(plan)
    (arm,) = scenario(titration, sessions=sessions, weeks=WEEKS).arms
    times, latent = plan.profile_time_h.round(6).tolist(), result.profile["nrs"][: plan.saved]
    for k in range(0, N, 3):
        slots = np.flatnonzero(result.log.kind[:, k])[::-1]  # the latest first
        logged = [(result.log.time_h[s, k], *EVENTS[int(result.log.kind[s, k])], result.log.value[s, k]) for s in slots]
        complaints = {time for time, _, reason, _ in logged if reason == "psychedelic effect reported"}
        chart = Paper(rule, float(weight[k]), float(baseline[k]))
        chart.treat(Seen(dict(zip(times, latent[:, k].tolist(), strict=True)), noise[k], complaints))
        assert [(t, event) for t, event, _ in chart.events] == [(t, event) for t, event, *_ in logged], (k, rule)
        assert np.allclose([rate for *_, rate in chart.events], [rate for *_, rate in logged], rtol=1e-12), (k, rule)
        assert result.dose_mg[k] == pytest.approx(chart.dose, rel=1e-9), (k, rule)
        foresee(arm, chart.weight, chart.dose, [rate for _, event, _, rate in logged if event != "sessions stopped"])
        written = chart.final / at(rule.form, 1.0, chart.weight) * (0.01 if rule.form == "kg" else 1.0)
        assert result.final_rate[k] == pytest.approx(written)


def foresee(arm: Arm, weight: float, dose: float, rates: list[float]) -> None:
    """Compare what a pharmacy is told beforehand with what a patient was given."""
    parts = reach(arm.regimen, arm.policy.titration, weight)
    least, most = (
        sum(getattr(part, end) * (part.stop_ms - part.start_ms) / MS_PER_HOUR for part in parts)
        for end in ("lowest", "highest")
    )
    assert least * (1 - 1e-9) <= dose <= most * (1 + 1e-9), arm
    listed = np.array(reachable_rates(arm.regimen, arm.policy.titration, weight))
    assert all(np.abs(listed - rate).min() < 1e-6 for rate in rates), arm


@settings(max_examples=10, deadline=None, derandomize=True)
@given(rules())
def test_every_rate_follows_its_rule_as_a_clinic_on_paper_applies_it(rule: Rule) -> None:
    check(rule)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(rules())
def test_rates_follow_their_rule_under_many_rules(rule: Rule) -> None:
    check(rule)


def titration(**changed) -> str:
    rule = {"every": "12 h", "step": "5 mg/h/70kg", "max": "30 mg/h/70kg", "relief": "40 %"} | changed
    return "titration: {" + ", ".join(f"{key}: {value}" for key, value in rule.items()) + "}"


def test_titration_as_in_leiden_ends_near_its_mean_rate() -> None:
    """The trial's mean rate at the end was 22.2 mg/h per 70 kg; the rule is documented in docs/policies.md."""
    (plan,) = planned(titration(), drug="esketamine", sessions=DRIP)
    result = run(plan)
    assert 20.0 < result.final_rate.mean() < 24.5
    assert result.final_rate.std() > 4.0
    assert result.final_rate.min() >= 0.0
    assert result.final_rate.max() == pytest.approx(30.0)


def test_a_taper_behind_a_titration_tapers() -> None:
    """0.1 mg/kg/h and then 0.03 mg/kg/h: red when steps that were reached are added to the taper."""
    sessions = "sessions: [{at: 0 h, rate: 0.1 mg/kg/h, for: 48 h}, {at: 48 h, rate: 0.03 mg/kg/h, for: 8 h}]"
    (plan,) = planned(titration(step="0.1 mg/kg/h", max="0.5 mg/kg/h"), sessions=sessions)
    result = run(plan)
    assert np.allclose(result.final_rate, 0.03, rtol=1e-12)
    assert result.log.value.max(axis=0).max() > 0.1 and result.log.time_h.max() < 48.0


def test_the_written_rate_is_no_floor() -> None:
    """30 mg/h with steps of 50, effects elicited: whoever has some goes below 30, to none."""
    rule = titration(every="8 h", step="50 mg/h", max="80 mg/h", harm="elicited")
    (plan,) = planned(rule, sessions="sessions: [{at: 0 h, rate: 30 mg/h, for: 48 h}]")
    result = run(plan)
    complained = np.isin(result.log.kind, (4, 8)).any(axis=0)
    assert 0.5 < complained.mean() < 1.0
    assert (result.final_rate[complained] < 30.0).mean() > 0.5 and result.final_rate.max() == 80.0


def test_pushes_run_beside_a_titration() -> None:
    """A push is neither titrated nor limited by max, and begins no stretch of looks."""
    drip = "{at: 4 h, rate: 10 mg/h, for: 20 h}"
    rule = titration(every="3 h", step="5 mg/h", max="15 mg/h", relief="100 %")
    pushes = "{at: 0 h, push: 20 mg}, {at: 9 h, push: 30 mg}"
    (with_push,) = planned(rule, sessions=f"sessions: [{pushes}, {drip}]")
    (without,) = planned(rule, sessions=f"sessions: [{drip}]")
    one, other = run(with_push), run(without)
    quiet = ~np.isin(one.log.kind, (4, 8)).any(axis=0) & ~np.isin(other.log.kind, (4, 8)).any(axis=0)
    assert quiet.sum() > N // 4
    assert np.allclose(one.dose_mg[quiet], other.dose_mg[quiet] + 50.0, rtol=1e-9)
    assert one.final_rate.max() == 15.0
    assert set((one.log.time_h[one.log.kind > 0] % 3).round(6)) <= {1.0}
