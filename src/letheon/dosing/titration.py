"""Titration as a pharmacy must foresee it: the lowest and the highest rate that checks can lead to at each moment.

The rate is checked every so often, counted from each start of continuous dosing. A patient keeps a number of steps from
the written rate, between the lowest and the highest rate that the rule allows. After a complaint the rate never exceeds
the last one at which a check passed without one, else the lowest. A taper runs as written and is not checked. The
engine's own rules are in `letheon.pipeline.clinic`.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from letheon.dosing.policy import Titration, Wean
from letheon.dosing.regimen import Infusion, Regimen
from letheon.dosing.weaning import wean_steps
from letheon.units import REFERENCE_WEIGHT_KG

__all__ = ["MAX_RATES", "Reach", "reach", "reachable_rates", "tapers", "titrated_spans", "weaned"]

MAX_RATES = 200  # more than a useful table holds

_MAX_STEPS = 100_000
_MAX_STATES = 5_000
_SAME = 1e-9  # two rates this near are one [mg/h]
_EQUAL = 1e-9  # relative; rates are sums of what was written


@dataclass(frozen=True, slots=True)
class Reach:
    """What a titrated rate can be between two moments."""

    start_ms: int  # from the scenario's origin
    stop_ms: int
    written: float  # rate as written [mg/h]
    lowest: float  # rate of who complained at every check so far [mg/h]
    highest: float  # rate of who went up at every check [mg/h]
    titrated: bool  # whether the rate may be changed here; else it runs as written


@dataclass(frozen=True, slots=True)
class _Limits:
    """The rule for one body weight [mg/h]."""

    step: float
    least: float
    most: float

    def rate(self, written: float, steps: int) -> float:
        """Return the rate so many steps from the written one."""
        rate = min(max(written + steps * self.step, self.least), self.most)
        return 0.0 if rate < _SAME else rate

    def lowest_steps(self, written: float) -> int:
        """Return the number of steps at which a rate is as low as it may be."""
        return math.floor((self.least - written) / self.step + _SAME)

    def up(self, written: float, steps: int) -> int:
        """Return the steps after a check that raises the rate, as far as the highest rate lets it."""
        return max(steps, self.lowest_steps(written)) + 1 if self.rate(written, steps) < self.most - _SAME else steps


def _counts(infusion: Infusion) -> bool:
    return not (infusion.is_push or infusion.rate.is_zero or infusion.duration_ms <= 0)


def tapers(infusions: Sequence[Infusion]) -> tuple[bool, ...]:
    """Say which sessions are written lower than what ran before them, and so run as written under a titration.

    What ran before is the sum of the written rates just before the session starts, or before the last pause. Sessions
    that start together count as one, pushes and pauses not at all. A session that goes on at the rate of a taper, right
    after it, belongs to that taper. Rates are compared at 70 kg, so that a taper is a taper for every patient.

    >>> from letheon.dosing.regimen import Rate
    >>> tapers([Infusion.create(0, 48, Rate(per_kg_mg_h=0.1)), Infusion.create(48, 8, Rate(per_kg_mg_h=0.03))])
    (False, True)
    """
    result = [False] * len(infusions)
    counted = [k for k, one in enumerate(infusions) if _counts(one)]
    running: list[int] = []
    for start, together in groupby(counted, lambda k: infusions[k].start_ms):
        starting = list(together)
        last = min(start, max((infusions[k].stop_ms for k in running), default=start))
        running = [k for k in running if infusions[k].stop_ms >= last]
        before, now = (sum(infusions[k].rate.at(REFERENCE_WEIGHT_KG) for k in some) for some in (running, starting))
        goes_on = last == start and bool(running) and all(result[k] for k in running)
        lower = now < before * (1 - _EQUAL) or (goes_on and now <= before * (1 + _EQUAL))
        for k in starting:
            result[k] = lower
        running += starting
    return tuple(result)


def titrated_spans(infusions: Sequence[Infusion]) -> tuple[tuple[int, int], ...]:
    """List the stretches in which a titration sets the rate; in all others drug runs as written.

    >>> from letheon.dosing.regimen import Rate
    >>> sessions = [Infusion.create(0, 48, Rate(per_kg_mg_h=0.1)), Infusion.create(48, 8, Rate(per_kg_mg_h=0.03))]
    >>> [(start / 3_600_000, stop / 3_600_000) for start, stop in titrated_spans(sessions)]
    [(0.0, 48.0)]
    """
    titrated = (one for one, taper in zip(infusions, tapers(infusions), strict=True) if _counts(one) and not taper)
    return Regimen("racemic", tuple(titrated)).courses(gap_ms=1)


def reach(regimen: Regimen, titration: Titration, weight_kg: float) -> tuple[Reach, ...]:
    """Return the lowest and the highest rate at every moment, for one body weight, in the order of time without pauses.

    `regimen` is the timetable as written, without pushes. Neighbours that differ in nothing but time are one.

    >>> from letheon.dosing.regimen import Infusion, Rate, Regimen
    >>> day = Regimen.create("racemic", [Infusion.create(0, 24, Rate(10.0))])
    >>> rule = Titration(8 * 3_600_000, Rate(5.0), Rate(40.0))
    >>> [(part.lowest, part.highest) for part in reach(day, rule, 70.0)]
    [(10.0, 10.0), (0.0, 15.0), (0.0, 20.0)]
    """
    limits = _limits(titration, weight_kg)
    steps, cap, ran, stopped = 0, math.inf, 0.0, False
    result: list[Reach] = []
    for part, checked in _parts(regimen, titration, weight_kg):
        if checked:
            # a complaint at the first check leaves no tolerated rate, unless complaints only hold the rate
            cap, steps = ran if titration.on_harm == "hold" else 0.0, limits.up(part.written, steps)
            stopped = titration.on_harm == "stop"
        if part.titrated:
            low = max(min(limits.rate(part.written, 0), cap), limits.least)
            part = replace(part, lowest=low, highest=limits.rate(part.written, steps))
        part = replace(part, lowest=0.0) if stopped else part
        ran = part.lowest
        if result and result[-1] == replace(part, start_ms=result[-1].start_ms, stop_ms=part.start_ms):
            part = replace(result.pop(), stop_ms=part.stop_ms)
        result.append(part)
    return tuple(_with_pauses(result, regimen, titration, weight_kg) if titration.pause_ms else result)


def weaned(last: Reach, wean: Wean) -> Iterator[Reach]:
    """Yield what a weaning comes to after the last part of the sessions.

    >>> [part.highest for part in weaned(Reach(0, 3_600_000, 10.0, 5.0, 20.0, titrated=True), Wean(3_600_000, 1))]
    [10.0]
    """
    for step in wean_steps(wean, last.stop_ms):
        rates = (step.share * rate for rate in (last.written, last.lowest, last.highest))
        yield Reach(step.start_ms, step.stop_ms, *rates, titrated=False)


def _with_pauses(parts: Sequence[Reach], regimen: Regimen, titration: Titration, weight_kg: float) -> Iterator[Reach]:
    """Cut each part where the rate of a patient changes who pauses at every check, which is then the lowest."""
    paused = list(_paused(regimen, titration, weight_kg))
    place = 0
    for part in parts:
        now = part.start_ms
        while now < part.stop_ms:
            place += paused[place][1] <= now
            _, until, lowest = paused[place]
            yield replace(part, start_ms=now, stop_ms=min(until, part.stop_ms), lowest=lowest)
            now = min(until, part.stop_ms)


def _paused(regimen: Regimen, titration: Titration, weight_kg: float) -> Iterator[tuple[int, int, float]]:
    """Yield start, end [ms] and rate [mg/h] of a patient who pauses at every check; checks count from each end of one.

    No check passes, so that the infusion goes on at the lowest rate.
    """
    limits, schedule = _limits(titration, weight_kg), regimen.schedule()
    bounds = [moment for span in titrated_spans(regimen.infusions) for moment in span]
    check: int | None = None
    resume, before, complained = 0, False, False
    for start, stop, written in zip(schedule.edges_ms, schedule.edges_ms[1:], schedule.rates(weight_kg), strict=False):
        if written <= 0:
            check = None
            continue
        now = start
        while now < stop:
            if now < resume:
                yield now, min(resume, stop), 0.0
                now, check = min(resume, stop), None
                continue
            check = now + titration.every_ms if check is None else check
            passed = bisect_right(bounds, now)
            titrated, due = passed % 2 == 1, now == check
            if due and titrated and before:
                resume, complained = now + titration.pause_ms, True
                continue
            check = check + titration.every_ms if due else check
            until = min(stop, check, *bounds[passed : passed + 1])
            yield now, until, (limits.least if complained else limits.rate(written, 0)) if titrated else written
            now, before = until, titrated


def reachable_rates(regimen: Regimen, titration: Titration, weight_kg: float) -> tuple[float, ...] | None:
    """Return every rate that the pump may have to run at, for one body weight, ascending [mg/h].

    0 stands where the pump may be held. None where they are more than `MAX_RATES`.

    >>> from letheon.dosing.regimen import Infusion, Rate, Regimen
    >>> day = Regimen.create("racemic", [Infusion.create(0, 24, Rate(10.0))])
    >>> rule = Titration(8 * 3_600_000, Rate(5.0), Rate(40.0))
    >>> reachable_rates(day, rule, 70.0)
    (0.0, 5.0, 10.0, 15.0, 20.0)
    """
    limits = _limits(titration, weight_kg)
    if titration.on_harm == "halve" or titration.pause_ms:
        return _visited_rates(regimen, titration, weight_kg)
    low = high = 0
    rates: set[float] = set()
    seen: set[tuple[float, int, int]] = set()
    for part, checked in _parts(regimen, titration, weight_kg):
        if not part.titrated:
            rates.add(part.written)
            continue
        if checked:
            low = min(low, limits.lowest_steps(part.written)) if titration.on_harm == "down" else low
            high = limits.up(part.written, high)
        if (case := (part.written, low, high)) in seen:
            continue
        seen.add(case)
        if high - low > _MAX_STEPS:
            return None
        rates |= {round(limits.rate(part.written, steps), 9) for steps in range(low, high + 1)}
        if len(rates) > MAX_RATES:
            return None
    return tuple(sorted(rates))


@dataclass(frozen=True, slots=True)
class _Offset:
    """What a patient brings to a check: the offset from the written rate, and the last rate tolerated [mg/h]."""

    value: float = 0.0
    tolerated: float = 0.0
    complained: bool = False

    def top(self, limits: _Limits) -> float:
        """Return the highest rate that the patient may have."""
        return min(limits.most, max(self.tolerated, limits.least)) if self.complained else limits.most

    def rate(self, written: float, limits: _Limits) -> float:
        """Return the rate at which a session runs."""
        rate = min(max(written + self.value, limits.least), self.top(limits))
        return 0.0 if rate < _SAME else round(rate, 9)

    def after(self, ran: float, written: float, limits: _Limits, halves: bool) -> Iterator["_Offset"]:
        """Yield what may follow from a check: no complaint, with the rate as it is or a step higher, or one."""
        before = self.rate(written, limits)
        stays = replace(self, tolerated=max(ran, before) if self.complained else ran)
        yield stays
        if before < stays.top(limits) - _SAME:
            short = math.floor((limits.least - written - self.value) / limits.step + _SAME)
            yield replace(stays, value=round(self.value + (max(short, 0) + 1) * limits.step, 9))
        complained = replace(self, complained=True)
        top = complained.top(limits)
        target = min(max(before / 2, limits.least), top) if halves else top
        yield replace(complained, value=round(target - written, 9))


def _visited_rates(regimen: Regimen, titration: Titration, weight_kg: float) -> tuple[float, ...] | None:
    """Return every rate of patients who halve it or pause, by going through all that checks can lead to.

    Checks after a pause may fall at any time.
    """
    limits, halves = _limits(titration, weight_kg), not titration.pause_ms
    states, ran = {_Offset()}, 0.0
    rates: set[float] = set() if halves else {0.0}
    for part, checked in _parts(regimen, titration, weight_kg):
        if part.titrated:
            for _ in range(1 if halves else 2):
                here = [one for one in states if checked or (one.complained and not halves)]
                states |= {
                    new for one in here for new in one.after(one.rate(ran, limits), part.written, limits, halves)
                }
            rates |= {one.rate(part.written, limits) for one in states}
        else:
            rates.add(part.written)
        if len(rates) > MAX_RATES or len(states) > _MAX_STATES:
            return None
        ran = part.written
    return tuple(sorted(rates))


def _limits(titration: Titration, weight_kg: float) -> _Limits:
    return _Limits(titration.step.at(weight_kg), titration.lowest.at(weight_kg), titration.highest.at(weight_kg))


def _parts(regimen: Regimen, titration: Titration, weight_kg: float) -> Iterator[tuple[Reach, bool]]:
    """Cut the infusion at its checks: each part as written, and whether the rate is checked at its start."""
    schedule = regimen.schedule()
    bounds = [moment for span in titrated_spans(regimen.infusions) for moment in span]  # in turn begin and end
    check: int | None = None  # the next one
    before = False  # the moment at which a taper begins or ends is not checked
    spans = zip(schedule.edges_ms, schedule.edges_ms[1:], schedule.rates(weight_kg), strict=False)
    for start, stop, written in spans:
        if written <= 0:
            check = None
            continue
        check = start + titration.every_ms if check is None else check
        now = start
        while now < stop:
            passed = bisect_right(bounds, now)
            titrated, due = passed % 2 == 1, now == check
            check = check + titration.every_ms if due else check
            until = min(stop, check, *bounds[passed : passed + 1])
            yield Reach(now, until, written, written, written, titrated), due and titrated and before
            now, before = until, titrated
