"""The questions that people ask, answered in plain words from the result on the screen and from the library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from letheon import library
from letheon.definitions import LAST_SUPPORTED_DAY
from letheon.views.document import numbers
from letheon.views.figures.curves import endpoint_days
from letheon.views.subjects import harms, names, relief

if TYPE_CHECKING:
    from letheon.pipeline.result import (
        ArmResult,
        Band,
        BladderLaw,
        Endpoint,
        HarmEstimate,
        RegimenSupport,
        RunResult,
        TimeToRelapse,
    )

__all__ = ["QUESTIONS", "answers"]

QUESTIONS: Mapping[str, str] = {
    "involves": "What does it involve?",
    "cells": "What does it do to nerve cells?",
    "lasts": "How long does it last?",
    "cure": "Can it cure?",
    "boosters": "Why boosters?",
    "effects": "What are the side effects?",
    "bladder": "What about the bladder?",
    "mood": "What about mood?",
    "evidence": "How good is the evidence?",
}
_LONG_H = 24.0  # longer without a break is a stay in hospital
_LITTLE = 0.3  # NRS points that nobody would notice

_CALM_WITH_FLARES = (
    "In the model a few patients stay in a calm state until a flare ends it; whether real ones do is not known."
)
_CALM_WITHOUT = "With flares switched off a patient who has left the state of pain never goes back: that is no finding."

Answer = dict[str, Any]


def answers(result: RunResult, name: str) -> list[Answer]:
    """Answer every question about an arm that gives a drug, in plain text.

    Each answer has ``id``, ``short`` (what a reader must know), ``more`` (sentences), ``support`` (labels of its
    numbers) and ``sources`` (who says so).
    """
    arm = result.arms[name]
    made = (
        _involves(arm),
        _cells(result, arm),
        _lasts(result, name),
        _cure(result, name),
        _boosters(result, arm),
        _effects(arm),
        _bladder(arm),
        _mood(arm),
        _evidence(arm),
    )
    return [{"id": key, **answer} for key, answer in zip(QUESTIONS, made, strict=True)]


def _answer(short: str, more: Sequence[str], support: Sequence[_Label], sources: Sequence[str] = ()) -> Answer:
    labels = list(dict.fromkeys(one for one in support if one.support))
    kept = [{"support": one.support, "basis": list(one.basis)} for one in labels]
    return {"short": short, "more": [text for text in more if text], "support": kept, "sources": _cited(sources)}


class _Label(NamedTuple):
    """A support label and the studies that it rests on."""

    support: str
    basis: tuple[str, ...] = ()


_ASSUMED = _Label("assumed")


def _label(entry: Endpoint | TimeToRelapse | HarmEstimate | RegimenSupport | relief.Statement) -> _Label:
    return _Label(entry.support or "", tuple(entry.basis or ()))


def _both(entry: Endpoint) -> list[_Label]:
    """Return the labels of an endpoint and, where there is one, of its difference from placebo."""
    return [_label(entry), _Label(entry.minus_placebo_support or "", tuple(entry.minus_placebo_basis or ()))]


def _endpoint(arm: ArmResult, name: str) -> Endpoint:
    entry = arm.endpoint(name)
    assert entry is not None
    return entry


def _cited(keys: Sequence[str]) -> list[dict[str, str]]:
    known = library.sources()
    found = [known[key] for key in dict.fromkeys(keys) if key in known]
    return [{"citation": one.citation, "title": one.title, "link": one.link, "read": one.note} for one in found]


def _n(value: float | None, unit: str) -> str:
    return numbers.amount(value, unit)


def _involves(arm: ArmResult) -> Answer:
    given = arm.harms.exposure
    planned = given.timetable or given  # boosters are of another length
    sessions, hours, days = planned.sessions, planned.hours, planned.infusion_days
    if not sessions:
        return _answer("Nothing: no drug runs in this plan.", (), ())
    each = hours / sessions
    drug = names.drug(arm.drug)
    dose = f"about {numbers.number(given.dose_mg)} mg of {drug} in all"
    if each > _LONG_H:
        often = "once" if sessions == 1 else f"{sessions} times"
        length = f"{_whole(each)} hours without a break"
        short = f"A stay in hospital: a very dilute drip runs into a vein for {length}, {often}."
    else:
        short = (
            f"{numbers.count(sessions, 'session')} of about {numbers.count(round(each), 'hour')} each: a very dilute "
            "drip runs into a vein while people watch over you, and you go home afterwards."
        )
    later = _endpoint(arm, "boosters").mean
    beside = f"; on average {numbers.count(round(later, 1), 'booster')} later" if given.timetable else ""
    more = (
        f"{_whole(hours)} hours on the drip on {numbers.count(days, 'day')}{beside}; {dose}.",
        _label_words(arm.regimen),
    )
    return _answer(short, more, [_label(arm.regimen)])


def _whole(value: float) -> str:
    return f"{round(value, 1):,g}"


def _label_words(regimen: RegimenSupport) -> str:
    told = {
        "randomised": "A randomised trial in this disease gave nearly this plan",
        "extrapolated": "A randomised trial in this disease gave this drug at half to twice this dose and days",
        "uncontrolled": "A study in this disease, without a comparison group, gave nearly this plan",
    }
    said = told.get(regimen.support)
    if said is None:
        return "No study in this disease gave this plan: dose, days and drug together are nobody’s."
    return f"{said} ({', '.join(regimen.basis)})."


def _peak(band: Band) -> float:
    return max(band.mean)


def _cells(result: RunResult, arm: ArmResult) -> Answer:
    profile = arm.profile
    block = _peak(profile.nmda_block)
    told = [
        "NMDA receptors are how nerve cells learn. In lasting pain they seem to have learned the wrong signal, "
        "which keeps itself alive after the injury has healed. Without the receptors it starves: the drug works on "
        "the memory, not on the injury.",
        "Levels are computed from measured ones; how much block a level means in the spinal cord, and all that "
        "follows from it, was fitted to pain scores. Nobody has seen it happen in a patient.",
    ]
    if not (state := profile.sensitisation):
        short = (
            f"While it runs, the drug blocks about {_n(block, 'share')} of the NMDA receptors at its peak, on average."
        )
        told[0] = (
            "In the model chosen here there is no memory: the drug lingers at a slow site, and relief fades with it."
        )
        return _answer(short, told, [_ASSUMED], _pain_sources())
    start, lowest = state.mean[0], min(state.mean)
    end = state.mean[-1]
    short = (
        f"While it runs, the drug blocks about {_n(block, 'share')} of the NMDA receptors at its peak, on average. "
        f"In the model the cells’ memory of pain then falls to {_n(lowest / start, 'share')} of what it was, and has "
        f"climbed back to {_n(end / start, 'share')} by day {result.follow_up_days:g}."
    )
    calm = result.population.bistable_share
    if calm is not None:
        told.append(
            f"In {_n(calm, 'share')} of the simulated patients there is a calm state that the cells could settle in, "
            "as after a reboot; in the others the memory always climbs back."
        )
    if result.models.rival:
        told.append(
            "A rival idea, without any memory, in which the drug only lingers, fits the main trial about as well. "
            "It is the dotted line in the figures of pain."
        )
    return _answer(short, told, [_ASSUMED], _pain_sources())


@cache
def _pain_sources() -> tuple[str, ...]:
    found = (source for number in library.pain("memory").values() for source in number.sources)
    return tuple(dict.fromkeys(found))[:4]


def _days(arm: ArmResult) -> tuple[int, int]:
    """Return the day near the end of a first week, and the last one with a pain score."""
    days = endpoint_days(arm.endpoints)
    return max(day for day in days if day <= max(7, days[0])), days[-1]


def _when(day: float) -> str:
    if day == 7:
        return "a week after the start"
    if day >= 14 and day % 7 == 0:
        return f"{day / 7:.0f} weeks after the start"
    return f"on day {day:g}"


def _against(entry: Endpoint) -> str:
    if not isinstance(entry.minus_placebo, float) or not entry.minus_placebo_interval:
        return ""
    change, ends = entry.minus_placebo, entry.minus_placebo_interval
    told = numbers.change_interval(ends, "NRS")
    if ends[0] <= 0 <= ends[1] or abs(change) < _LITTLE:
        return f"no clear difference from placebo ({numbers.change(change, 'NRS')}; 90 % interval {told})"
    side = "lower" if change < 0 else "higher"
    return f"{_n(abs(change), 'NRS')} points {side} than on placebo (90 % interval {told})"


def _lasts(result: RunResult, name: str) -> Answer:
    arm = result.arms[name]
    endpoints, relapse = arm.endpoints, arm.time_to_relapse
    first, last = _days(arm)
    late = max(day for day in endpoint_days(endpoints) if day <= max(LAST_SUPPORTED_DAY, first))
    told = {key: relief.statement(result, name, key) for key in relief.keys(endpoints)}
    remission, days = told.pop(relief.REMISSION), told.pop("relief_days")
    (better,) = told.values()  # on the named day
    short = (
        f"{better.value} patients {better.aside} have {better.label[:1].lower()}{better.label[1:]}; "
        f"{'; '.join(better.more)}. {days.label}: {days.value} {days.aside}."
    )
    more = [_sentence(day, _endpoint(arm, f"nrs_day_{day}")) for day in dict.fromkeys((first, late, last))]
    more += [f"{one.label}: {one.sentence}." for one in (days, remission)]
    more.append(_relapse(result, relapse))
    if result.models.flares:
        more.append(
            "What ends relief here are flares, whose number and strength nobody has measured: they are assumed."
        )
    supports = [label for day in (first, last) for label in _both(_endpoint(arm, f"nrs_day_{day}"))]
    return _answer(
        short, more, [*map(_label, (better, days, remission)), *supports, _label(relapse)], ["sigtermans2009"]
    )


def _relapse(result: RunResult, relapse: TimeToRelapse) -> str:
    if not relapse.in_remission:
        return "Nobody was in remission after the course, so there is no remission to last."
    if relapse.median is None:
        end = f"day {result.follow_up_days:g}, where this run ends"
        return f"In most of those in remission pain is not back by {end}."
    return f"In half of those in remission pain is back {numbers.duration(round(relapse.median))} after the course."


def _sentence(day: int, entry: Endpoint) -> str:
    when = _when(day)
    told = f"{when[:1].upper()}{when[1:]} the average pain score is {_n(entry.mean, 'NRS')} of 10"
    against = _against(entry)
    return f"{told}, {against}." if against else f"{told}."


def _cure(result: RunResult, name: str) -> Answer:
    arm = result.arms[name]
    _, last = _days(arm)
    pain, key = _endpoint(arm, f"nrs_day_{last}"), f"responder_30_day_{last}"
    share = _endpoint(arm, key)
    start = result.population.baseline_nrs.mean
    told = relief.statement(result, name, key)
    short = (
        f"No study has shown a cure, and this simulation shows none: {_when(last)} the average pain is "
        f"{_n(pain.mean, 'NRS')} of 10, after {_n(start, 'NRS')} at the start."
    )
    flares = result.models.flares
    more = [
        f"{told.label}: {told.sentence}.",
        "Beyond twelve weeks no randomised trial has looked: all that is drawn later is the model’s."
        if last > LAST_SUPPORTED_DAY
        else "",
        _CALM_WITH_FLARES if flares else _CALM_WITHOUT,
    ]
    return _answer(short, more, [_label(pain), _label(share)], ["sigtermans2009"])


def _boosters(result: RunResult, arm: ArmResult) -> Answer:
    given = _endpoint(arm, "boosters")
    later = arm.last_infusion_day > arm.course_end_day + 1.0
    rule = given.note or ""
    why = (
        "Because relief fades. A booster is meant to block the receptors again before the memory has climbed all "
        "the way back, so that less is needed than for a first course."
    )
    if given.mean:
        value, aside, _ = relief.typical(given)
        yearly = numbers.number(given.boosters_per_year or None, 2)
        short = (
            f"{why} Boosters in {numbers.duration(result.follow_up_days)}: {value} {aside}; on average {yearly} a "
            f"year, {rule}."
        )
    elif later:
        short = f"{why} This plan goes on with single sessions until day {arm.last_infusion_day:.0f}."
    else:
        short = f"{why} This plan has none."
    year = arm.harms.exposure.courses_a_year
    more = [
        "No controlled study has tested any schedule of boosters. They are what infusion services do.",
        "Each one adds drug and hours on the drip, and with them the risks below.",
        f"Here, {numbers.number(year, 2)} courses a year." if later and year else "",
    ]
    return _answer(short, more, [_label(given) if given.support else _ASSUMED], ["boosterpractice"])


def _effects(arm: ArmResult) -> Answer:
    asked, told = arm.harms.estimate("psychomimetic_elicited"), arm.harms.estimate("psychomimetic_spontaneous")
    if not arm.harms.exposure.infusion_days:
        return _answer("No drug runs in this plan, so there are none from it.", (), ())
    short = (
        f"Feeling dreamlike, detached or seeing things: {_share(asked)} of patients notice something of the kind if "
        f"they are asked, {_share(told)} say so unasked. It comes with the drip and leaves soon after it."
    )
    counted = {
        "nausea": "nausea",
        "headache": "headache",
        "night_terrors": "night terrors",
        "hallucination": "hallucinations",
        "sedation": "drowsiness",
        "dizziness": "dizziness",
    }
    known = [f"{label}: {_share(arm.harms.estimate(f'counted_{key}'))}" for key, label in counted.items()]
    liver, pressure = arm.harms.estimate("liver_injury"), arm.harms.estimate("systolic_pressure")
    more = [
        f"As counted in studies, {'; '.join(known)}.",
        f"Upper blood pressure rises by {_size(pressure)} mmHg while the drip is at its highest.",
        f"Liver: enzymes above three times the limit in {_share(liver)}. {_plain(liver.note)}",
        "Pregnancy, children, other illnesses and most other drugs are not part of this model.",
    ]
    labels = [_label(one) for one in (asked, *(arm.harms.estimate(f"counted_{key}") for key in counted), liver)]
    return _answer(short, more, labels, [*asked.sources, *liver.sources][:6])


def _plain(note: str) -> str:
    return note if note.endswith(".") else f"{note}."


def _share(entry: HarmEstimate) -> str:
    """Return a share with what is known about it: an estimate, an interval, or that nobody knows."""
    low, high = entry.interval
    if entry.estimate is not None:
        more = " more than on placebo" if entry.beyond_placebo else ""
        return f"{_n(entry.estimate, 'share')}{more} ({harms.ends(entry)})"
    return (
        "not known" if (low, high) == (0.0, 1.0) else f"somewhere between {harms.ends(entry).replace(' to ', ' and ')}"
    )


def _size(entry: HarmEstimate) -> str:
    return harms.ends(entry) if entry.estimate is None else f"{numbers.size(entry.estimate)} ({harms.ends(entry)})"


def _bladder(arm: ArmResult) -> Answer:
    lasting, symptoms = arm.harms.estimate("bladder_lasting_loss"), arm.harms.estimate("bladder_symptoms")
    laws = symptoms.laws or {}
    if not arm.harms.exposure.infusion_days:
        return _answer("No drug runs in this plan, so nothing happens to the bladder from it.", (), ())
    highest = max(law.interval[1] for law in (lasting.laws or {}).values())
    short = (
        "Not known. Taken daily in grams, ketamine damages the lining of the bladder and can shrink it for good. "
        "Whether infusions do is untested; two laws that fit daily users allow a lasting loss in up to "
        f"{_n(highest, 'share')} here."
    )
    labels = {"saturating": "if the damage levels off with dose", "unsaturated": "if it keeps rising with dose"}
    labels |= {f"{law}_by_urine": f"{name}, and water thins it" for law, name in labels.items()}
    more = [f"Urinary symptoms when most likely: {_law(laws[law])} {labels.get(law, law)}." for law in laws]
    more.append(
        "About a quarter of people who never took ketamine have some urinary symptom; that is part of these numbers."
    )
    more.append(lasting.unknown or "")
    return _answer(short, more, [_label(lasting), _label(symptoms)], lasting.sources[:5])


def _law(law: BladderLaw) -> str:
    ends = numbers.interval(law.interval, "share")
    return ends if law.estimate is None else f"{_n(law.estimate, 'share')} ({ends})"


def _mood(arm: ArmResult) -> Answer:
    fall, end = arm.harms.estimate("mood_fall"), arm.harms.estimate("mood_fall_end")
    if not arm.harms.exposure.infusion_days:
        return _answer("No drug runs in this plan, so nothing happens to mood from it.", (), ())
    short = (
        f"In people who are depressed, a scale of 60 points falls by about {_points(fall)} points more than in a "
        f"comparison, a day after dosing; {_left(end)} of that is left by the end. Nobody measured it in people with "
        "this pain."
        if fall.estimate is not None
        else f"Not known. A drip of a day or more was never studied in depression; a scale of 60 points may fall by "
        f"{_points(fall)} points more than in a comparison."
    )
    masked = arm.harms.entries.get("mood_masked")
    more = [
        f"The effect begins within hours, is greatest after a day and halves in about {_half_life()} days.",
        "In the one trial in which nobody could tell who had got the drug, because all were under anaesthesia, the "
        f"difference was {_points(masked)} points: none that could be seen."
        if masked and masked.estimate is not None
        else "",
    ]
    return _answer(short, more, [_label(fall)], [*fall.sources, *(masked.sources if masked else ())])


def _points(entry: HarmEstimate) -> str:
    known = numbers.interval(entry.interval, "NRS")
    return known if entry.estimate is None else f"{_n(entry.estimate, 'NRS')} ({known})"


def _left(entry: HarmEstimate) -> str:
    return "next to nothing" if entry.interval[1] < 1 else f"{_points(entry)} points"


def _half_life() -> str:
    return f"{library.harms('mood')['half_life'].canonical / 24:.0f}"


@cache
def _trials() -> tuple[int, int, int, int]:
    """Return how many CRPS studies there are, how many are randomised, their largest, and patients in all of these."""
    known = [study for study in library.studies() if study.diagnosis == "CRPS"]
    done = [study for study in known if study.design not in ("protocol", "practice", "pooled", "analysis")]
    randomised = [study for study in done if study.design == "randomised"]
    sizes = [study.population.n or 0 for study in randomised]
    return len(done), len(randomised), max(sizes), sum(sizes)


def _evidence(arm: ArmResult) -> Answer:
    done, randomised, _, _ = _trials()
    scores = [_endpoint(arm, f"nrs_day_{day}") for day in endpoint_days(arm.endpoints)]
    backed = sum(any(label.support == "randomised" for label in _both(entry)) for entry in scores)
    short = (
        f"Weak. Of {done} studies of ketamine infusions in this disease that this page knows, {randomised} drew lots "
        "for who got what. They were small, and people who get ketamine can usually tell."
    )
    more = [
        f"Of {numbers.count(len(scores), 'day')} with a pain score here, {backed} are days on which a randomised trial "
        "of nearly this plan reported a difference that the simulation meets. Each number carries a label: what stands "
        "behind it.",
        "Bands show how well an average is known, if the model is right; thin dashed lines show how patients differ.",
        "Two models of pain fit the main trial about equally well. Where they part, nobody knows which is right.",
    ]
    fitted = [study.source for study in library.studies() if study.design == "randomised" and study.diagnosis == "CRPS"]
    return _answer(short, more, [label for entry in scores for label in _both(entry)], fitted)
