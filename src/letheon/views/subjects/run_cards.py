"""The arms of a run at a glance, one card each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from letheon.views.document import numbers
from letheon.views.document.tree import Break, Card, Cards, Content
from letheon.views.figures.curves import endpoint_days, is_placebo, styles
from letheon.views.subjects import harms, names, relief
from letheon.views.subjects.policies import policy_sentences

if TYPE_CHECKING:
    from collections.abc import Iterable

    from letheon.pipeline.result import ArmResult, Endpoint, RunResult, TimeToRelapse


Fact = tuple[Content, str, Content]


def cards(result: RunResult) -> Cards:
    """Return a card for each arm."""
    look = styles(result)
    return Cards(tuple(_card(result, name, look[name].colour) for name in result.arms))


def headline_days(endpoints: Iterable[str]) -> list[int]:
    """Return the day nearest to four weeks and the last that has a pain score; day 7 and that where these are one.

    >>> headline_days(["nrs_day_3", "nrs_day_7", "nrs_day_28", "nrs_day_84"])
    [28, 84]
    >>> headline_days(["nrs_day_3", "nrs_day_7", "nrs_day_14"])
    [7, 14]
    """
    days = endpoint_days(endpoints)
    named = relief.named_day(days)
    if named is None:
        return []
    first = named if named < days[-1] else max(day for day in days if day <= max(7, days[0]))
    return sorted({first, days[-1]})


def _card(result: RunResult, name: str, colour: str) -> Card:
    arm = result.arms[name]
    scores = {day: score for day in headline_days(arm.endpoints) if (score := arm.endpoint(f"nrs_day_{day}"))}
    # the label alone: there is no room for studies, which stand in the table of endpoints
    steps = [(f"day {d}", numbers.amount(s.mean, "NRS"), names.badge(s.support or "")) for d, s in scores.items()]
    baseline = ("baseline", numbers.amount(result.population.baseline_nrs.mean, "NRS"), "")
    drug = "sham" if is_placebo(arm) else names.drug(arm.drug)
    rules = "".join(f". {sentence.removesuffix('.')}" for sentence in policy_sentences(arm.policy))
    return Card(
        names.arm_name(name),
        f"{drug}; {_course(arm)}{rules}",
        colour,
        "Mean pain score",
        (baseline, *steps),
        tuple(_facts(result, name, scores)),
    )


def _course(arm: ArmResult) -> str:
    end = numbers.course_length(arm.course_end_day)
    if arm.last_infusion_day <= arm.course_end_day + 1.0:
        return f"course ends after {end}"
    return f"first course ends after {end}, later sessions until day {arm.last_infusion_day:.0f}"


def _facts(result: RunResult, name: str, scores: dict[int, Endpoint]) -> list[Fact]:
    arm = result.arms[name]
    facts: list[Fact] = []
    for day, entry in scores.items():
        if isinstance(entry.minus_placebo, float):
            interval = f"({numbers.change_interval(entry.minus_placebo_interval or None, 'NRS')})"
            label = (f"Pain against placebo, day {day} ", names.minus_placebo_support(entry))
            facts.append((label, numbers.change(entry.minus_placebo, "NRS"), interval))
    for key in relief.keys(arm.endpoints):
        one = relief.statement(result, name, key)
        aside = tuple(part for text in (one.aside, *one.more) for part in (text, Break()))[:-1]
        facts.append(((f"{one.label} ", names.badge(one.support, one.basis)), one.value, aside))
    facts.append(_relapse(arm.time_to_relapse))
    boosters = {key: entry for key, one in result.arms.items() if (entry := one.endpoint("boosters"))}
    if any(entry.mean for entry in boosters.values()):
        facts.append(_boosters(boosters[name]))
    if end := arm.endpoint("final_rate"):
        facts.append(("Last rate, mean", f"{numbers.number(end.mean, 2)} {end.unit}", ""))
    dose = arm.endpoint("dose_mg")
    none = is_placebo(arm) or dose is None
    facts.append(("Total dose, mean", "none" if none or dose is None else f"{numbers.amount(dose.mean, 'mg')} mg", ""))
    if arm.rival:
        days = [(day, arm.rival.endpoint(f"nrs_day_{day}")) for day in scores]
        values = " → ".join(numbers.amount(entry.mean if entry else None, "NRS") for _, entry in days)
        label = f"Pain under the second model ({names.pain_model(arm.rival.model)})"
        facts.append((label, values, " → ".join(f"day {day}" for day, _ in days)))
    return facts + harms.headline(arm)


def _relapse(entry: TimeToRelapse) -> Fact:
    label = ("Median time to relapse ", names.support(entry))
    note = "from the end of the course, in those in remission"
    if entry.median is not None:
        return label, f"{numbers.amount(entry.median, 'days')} days", note
    if not entry.in_remission:
        return label, "none to count", "no patient had a remission"
    return label, f"not reached in {numbers.amount(entry.restricted_to, 'days')} days", note


def _boosters(entry: Endpoint) -> Fact:
    if not entry.mean:
        return "Boosters", "none", ""
    value, aside, mean = relief.typical(entry)
    return "Boosters", value, (aside, Break(), f"{mean}, {numbers.number(entry.boosters_per_year or None, 2)} a year")
