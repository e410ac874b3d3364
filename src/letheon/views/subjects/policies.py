"""The rules of an arm in plain sentences, and its rates and pushes as they were written."""

import math
from collections.abc import Callable, Iterable, Iterator

from letheon.dosing.other_drugs import OtherDrugRecord
from letheon.dosing.policy_document import (
    BoosterRules,
    LimitRules,
    PolicyRules,
    Quantity,
    RungRules,
    StopRules,
    TitrationRules,
    WeanRules,
)
from letheon.dosing.regimen import Rate, class_names
from letheon.units import MS_PER_HOUR, REFERENCE_WEIGHT_KG
from letheon.views.document.numbers import count, exact, general, written

_CAP = "not again above the last rate without one"
_DOWN = f"the rate goes down by {{step}}, to {{low}}, and {_CAP}"
_ON_HARM = {
    "down": _DOWN,
    "hold": "the rate stays, and does not go above that again",
    "halve": f"the rate is halved, to {{low}}, and {_CAP}",
    "pause": "the pump stops for {pause} and goes on at the last rate without one, or {least} if there was none",
    "stop": "all sessions of the timetable end",
}


def policy_sentences(policy: PolicyRules | None) -> list[str]:
    """Say by which rules an arm goes on; nothing of a fixed timetable."""
    if policy is None:
        return []
    titration = [titration_sentence(policy.titration)] if policy.titration else []
    wean = [wean_sentence(policy.wean)] if policy.wean else []
    limits = [limit_sentence(policy.limits)] if policy.limits else []
    return [*titration, *wean, *limits, *(booster_sentences(policy.boosters) if policy.boosters else ())]


def booster_sentences(rule: BoosterRules) -> list[str]:
    """Say when boosters are given, and what ends them."""
    return [f"Boosters {', '.join(_boosters(rule))}.", *(f"They end {end}." for end in _ends(rule.stop))]


def titration_sentence(rule: TitrationRules) -> str:
    """Say how the rate is changed during the infusion."""
    asks = "asks for psychedelic effects and one is reported" if rule.harm == "elicited" else "is told of a complaint"
    step, most = _quantity(rule.step), f"{_quantity(rule.max)} at most"
    least = low = _quantity(rule.min)
    low += " at least"
    if rule.classes:
        step, most, least, low = "a step", "the most", "the least", "the least"
    then = _ON_HARM.get(rule.on_harm, _DOWN).format(
        step=step, least=least, low=low, pause=f"{exact(rule.pause_h or 0)} h"
    )
    sentence = (
        f"Every {exact(rule.every_h)} h of infusion the rate goes up by {step}, to {most}, until "
        f"{general(100 * rule.relief)} % of baseline pain is gone. Where the "
        f"clinic {asks}, {then}. A session written lower than the one before it runs as written."
    )
    classes = "; ".join(
        f"{one.who} {_quantity(one.step)}, from {_quantity(one.min)} to {_quantity(one.max)}"
        for one in rule.classes or ()
    )
    return f"{sentence} Step, least and most by class: {classes}." if classes else sentence


def wean_sentence(rule: WeanRules) -> str:
    """Say how the rate is taken down after the last session."""
    share = 100 / (rule.steps + 1)
    ends = f"at {exact(rule.steps * share)} %"
    if rule.steps > 1:
        ends = f"the first {ends} and the last at {exact(share)} %"
    return (
        f"After the last session the rate is weaned over {exact(rule.over_h)} h: {count(rule.steps, 'step')} of "
        f"{exact(rule.over_h / rule.steps)} h, {ends} of the patient's own rate."
    )


def limit_sentence(rule: LimitRules) -> str:
    """Say how much a patient is given at most."""
    day = f"{_quantity(rule.per_day)} on any day (24 h from the start of day 1)" if rule.per_day else ""
    whole = f"{_quantity(rule.in_all)} in the whole arm, boosters included" if rule.in_all else ""
    goes_on = ", and goes on the next day" if rule.per_day and not rule.in_all else ""
    goes_on = ", and goes on the next day after a limit of the day" if day and whole else goes_on
    return (
        f"Nobody is given more than {', or more than '.join(filter(None, (day, whole)))}: the pump stops when that is "
        f"reached{goes_on}; a push that would pass it is left out."
    )


def _quantity(quantity: Quantity) -> str:
    """Write a number and its unit as the scenario has them."""
    return f"{written(quantity.value, 7)} {_unit(quantity.unit)}"


def _unit(unit: str) -> str:
    """Write a unit as a prescription does: mcg cannot be misread as mg."""
    return unit.replace("µg", "mcg").replace("/70kg", " per 70 kg")


def _boosters(rule: BoosterRules) -> Iterator[str]:
    if rule.when == "relapse":
        yield f"{rule.wait_days} days after a relapse in the diary"
    elif rule.ladder:
        yield f"in rungs, counted from the last session ({'; '.join(map(_rung, rule.ladder))})"
    else:
        gaps = [general(days) for days in rule.gaps_days]
        then = f", then {gaps[-1]} days again and again" if len(gaps) > 1 else ""
        yield f"{', '.join(gaps)} days after the last session{then}"
    yield f"at least {rule.apart_days} days from any other session"
    if rule.at_most_per_year:
        yield f"at most {rule.at_most_per_year} in any year"
    if rule.times:
        yield f"at most {rule.times} in all"


def _rung(rung: RungRules) -> str:
    """Say when boosters of a rung are given, how often, and for how long."""
    fewest, most = rung.gap_days
    gap = f"{fewest} days" if fewest == most else f"{fewest} to {most} days, drawn anew each time"
    often = "again and again" if rung.times is None else count(rung.times, "time")
    each = count(rung.infusions, "session") + f" within {general(rung.hours, 7)} h"
    return f"after {gap}, {often}, {each}"


def _ends(stop: StopRules) -> Iterator[str]:
    if count := stop.no_response:
        yield f"after {count} in a row without remission" if count > 1 else "where the course brought no remission"
    if reports := stop.harm:
        how = "reported when asked" if reports == "elicited" else "reported spontaneously"
        yield f"after a session with a psychedelic effect {how}"
    if dose := stop.dose:
        yield f"before the total dose passes {_quantity(dose)}"


def other_drug_text(other: OtherDrugRecord, amount: str = "") -> str:
    """Say how a drug without computed effect is given; `amount` is what its dose comes to for one body weight.

    >>> other_drug_text(OtherDrugRecord("lorazepam", Quantity(1.0, "mg"), None, 12.0, 96.0))
    'lorazepam 1 mg every 12 h from 0 h until 96 h'
    """
    parts = [_quantity(one) for one in (other.dose, other.rate) if one]
    text = f"{other.drug} {', '.join(parts)}{amount}"
    if other.every_h is not None and other.until_h is not None:
        return f"{text} every {exact(other.every_h)} h from 0 h until {exact(other.until_h)} h"
    return f"{text} {'with each session' if other.dose else 'as long as ketamine runs'}"


def other_drugs_text(also: Iterable[OtherDrugRecord]) -> str:
    """Say which drugs without computed effect an arm gives; empty where there are none."""
    return "; ".join(map(other_drug_text, also))


def rate_text(rate: Rate) -> str:
    """Return a rate as it was written; where that is not kept, for each kg or each 70 kg, whichever is rounder.

    >>> rate_text(Rate(per_kg_mg_h=0.35, ceiling_mg_h=25.0)), rate_text(Rate(10.0)), rate_text(Rate(per_kg_mg_h=5 / 70))
    ('0.35 mg/kg/h, at most 25 mg/h', '10 mg/h', '5 mg/h per 70 kg')
    """
    if rate.classes.rates:
        return _each_class(rate, rate_text)
    text = f"{written(rate.written[0])} {_unit(rate.written[1])}" if rate.written else _by_weight(rate, "/h")
    return text + _limit(rate, "/h")


def push_text(rate: Rate, duration_ms: int) -> str:
    """Return a push, a rate over its length, as a dose.

    >>> push_text(Rate(per_kg_mg_h=21.0), 60_000)
    '0.35 mg/kg'
    """
    if rate.classes.rates:
        return _each_class(rate, lambda one: push_text(one, duration_ms))
    dose = rate.scaled(duration_ms / MS_PER_HOUR)
    return _by_weight(dose, "") + _limit(dose, "")


def _each_class(rate: Rate, text: Callable[[Rate], str]) -> str:
    classes = rate.classes
    names = class_names(classes.unit, classes.limits)
    return " or ".join(f"{text(one)} ({who})" for one, who in zip(classes.rates, names, strict=True))


def _limit(rate: Rate, per: str) -> str:
    return "" if math.isinf(rate.ceiling_mg_h) else f", at most {written(rate.ceiling_mg_h)} mg{per}"


def _by_weight(rate: Rate, per: str) -> str:
    absolute, per_kg = rate.absolute_mg_h, rate.per_kg_mg_h
    parts = [f"{written(absolute)} mg{per}"] if absolute or not per_kg else []
    if per_kg:
        texts = (f"{written(per_kg)} mg/kg{per}", f"{written(per_kg * REFERENCE_WEIGHT_KG)} mg{per} per 70 kg")
        parts.append(min(texts, key=lambda text: len(text.split()[0].replace(".", "").strip("0"))))
    return " plus ".join(parts)
