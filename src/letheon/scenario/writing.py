"""Writing: a `Scenario` becomes the text of a scenario file in canonical units, every default filled in."""

import json
import math
from collections.abc import Iterator

from letheon.dosing.policy import Policy, Stops
from letheon.dosing.regimen import Infusion, Rate
from letheon.dosing.repeats import repeats
from letheon.scenario.quantities import Quantity, format_quantity
from letheon.scenario.records import Arm, Scenario, Spread
from letheon.units import MS_PER_HOUR, plain

OF_BASE = " of free base"  # behind the unit of a quantity that was written as a mass of salt


def time_text(milliseconds: int) -> str:
    """Write whole milliseconds in the largest of h, min, s that needs few decimals.

    Parameters
    ----------
    milliseconds : int
        A time or a length of time [ms].

    Returns
    -------
    str
        Text that `letheon.units.duration_ms` reads back exactly.

    Examples
    --------
    >>> time_text(5_400_000), time_text(2_400_000)
    ('1.5 h', '40 min')
    """
    for unit, size in (("h", MS_PER_HOUR), ("min", 60_000)):
        if milliseconds * 1000 % size == 0:
            return f"{plain(milliseconds / size)} {unit}"
    return f"{plain(milliseconds / 1000)} s"


def dumps(scenario: Scenario) -> str:
    """Write a scenario as text.

    Parameters
    ----------
    scenario : Scenario
        A scenario as `load` or `loads` gives it.

    Returns
    -------
    str
        YAML; ``loads(dumps(scenario)) == scenario``. Masses are free base; sessions that recur are written
        with ``repeat``.

    Examples
    --------
    >>> from letheon.scenario import loads
    >>> arms = "{a: {drug: racemic, sessions: [{at: 0 h, rate: 5 mg/h, for: 1 h}]}}"
    >>> text = dumps(loads("{letheon: 1, title: x, follow_up: 1 day, arms: " + arms + "}"))
    >>> print(text.splitlines()[-1])
          - {at: 0 h, rate: 5 mg/h, for: 1 h}
    """
    people, models = scenario.population, scenario.models
    lines = [
        "letheon: 1",
        f"title: {json.dumps(scenario.title, ensure_ascii=False)}",
        f"population: {{n: {people.n}, weight: {_spread(people.weight, 'kg')}, "
        f"baseline_nrs: {_spread(people.baseline_nrs, 'NRS')}, age: {_spread(people.age, 'year')}, "
        f"asian: {plain(people.asian)}{_urine(people.urine)}}}",
        f"follow_up: {time_text(round(scenario.follow_up_h * MS_PER_HOUR))}",
        f"seed: {scenario.seed}",
        f"models: {{pk: {models.pk}, pain: {models.pain}, rival: {_switch(models.rival)}, "
        f"flares: {_switch(models.flares)}, expectancy: {plain(models.expectancy)} NRS, "
        f"norketamine: {plain(models.norketamine)}, induction: {_switch(models.induction)}, "
        f"occasions: {_switch(models.occasions)}, borrow_variability: {_switch(models.borrow_variability)}}}",
        "arms:",
    ]
    for arm in scenario.arms:
        lines.extend(_arm(arm))
    return "\n".join(lines) + "\n"


def _urine(flow: float | None) -> str:
    return "" if flow is None else f", urine: {plain(flow)} L/h"


def _spread(spread: Spread, unit: str) -> str:
    return format_quantity(Quantity(spread.mean, unit, spread.sd))


def _switch(value: bool) -> str:
    return "on" if value else "off"


def _arm(arm: Arm) -> Iterator[str]:
    if arm.like is not None:
        yield f"  {arm.name}: {{drug: {arm.drug}, like: {arm.like}}}"
        return
    yield f"  {arm.name}:"
    yield f"    drug: {arm.drug}"
    given = {"clonidine": arm.beside.clonidine_mg, "midazolam": arm.beside.midazolam_mg}
    if beside := ", ".join(f"{name}: {plain(dose)} mg" for name, dose in given.items() if dose):
        yield f"    beside: {{{beside}}}"
    yield "    sessions:"
    for infusion, every, times in repeats(arm.regimen.infusions):
        repeat = f", repeat: {{every: {time_text(every)}, times: {times}}}" if times > 1 else ""
        yield (f"      - {{at: {time_text(infusion.start_ms)}, {_drip(infusion)}{repeat}}}")
    yield from _policy(arm.policy)


def _policy(policy: Policy) -> Iterator[str]:
    """Write the rules of an arm."""
    if (titration := policy.titration) is not None:
        heard, then = "elicited" if titration.asked else "spontaneous", "down" if titration.down else "hold"
        yield (
            f"    titration: {{every: {time_text(titration.every_ms)}, step: {_as_written(titration.step)}, "
            f"min: {_as_written(titration.lowest)}, max: {_as_written(titration.highest)}, "
            f"relief: {plain(round(100 * titration.relief, 9))} %, "
            f"harm: {heard}, on_harm: {then}}}"
        )
    if (boosters := policy.boosters) is not None:
        ladder = ", ".join(f"{days} days" for days in boosters.gaps_days)
        rule = f"every: [{ladder}]" if ladder else f"on: relapse, wait: {boosters.wait_days} days"
        limits = f", at_most: {boosters.at_most} per year" if boosters.at_most else ""
        limits += f", times: {boosters.times}" if boosters.times else ""
        ((infusion, every, times),) = repeats(boosters.session)
        repeat = f", repeat: {{every: {time_text(every)}, times: {times}}}" if times > 1 else ""
        yield (
            f"    boosters: {{{rule}, apart: {boosters.apart_days} days{limits}, "
            f"session: {{{_drip(infusion)}{repeat}}}}}"
        )
    stops = policy.stops
    if stops != Stops():
        ends = [f"no_response: {stops.no_response}"] if stops.no_response else []
        ends += [f"harm: {stops.harm}"] if stops.harm else []
        ends += [f"dose: {plain(stops.dose_mg)} mg"] if stops.dose_mg else []
        yield f"    stop: {{{', '.join(ends)}}}"


def _as_written(rate: Rate) -> str:
    value, unit = rate.form
    return f"{plain(value)} {unit.removesuffix(OF_BASE)}"


def _plain_rate(rate: Rate) -> str:
    return f"{plain(rate.per_kg_mg_h)} mg/kg/h" if rate.per_kg_mg_h else f"{plain(rate.absolute_mg_h)} mg/h"


def _drip(infusion: Infusion) -> str:
    """Write how long and how fast; a push by its dose, where that reads back as the same rate."""
    length = time_text(infusion.duration_ms)
    if infusion.is_push and (dose := _push_dose(infusion)):
        return f"push: {dose}, over: {length}"
    return f"{_rate(infusion.rate)}, for: {length}"


def _push_dose(infusion: Infusion) -> str | None:
    rate, hours = infusion.rate, infusion.duration_ms / MS_PER_HOUR
    if rate.ceiling_mg_h != math.inf:
        return None
    per_hour, unit = (rate.per_kg_mg_h, "mg/kg") if rate.per_kg_mg_h else (rate.absolute_mg_h, "mg")
    doses = (float(f"{per_hour * hours:.{digits}g}") for digits in (6, 12, 15, 16, 17))
    return next((f"{plain(dose)} {unit}" for dose in doses if dose / hours == per_hour), None)


def _rate(rate: Rate) -> str:
    text = _plain_rate(rate)
    ceiling = f", max: {plain(rate.ceiling_mg_h)} mg/h" if rate.ceiling_mg_h != math.inf else ""
    return f"rate: {text}{ceiling}"
