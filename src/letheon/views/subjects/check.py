"""The check of a scenario as a document: faults, or what it says in sentences, on a time line and beside others."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from letheon.definitions import RESEARCH_NOTICE
from letheon.dosing.doses import Doses
from letheon.dosing.other_drugs import other_drug_record
from letheon.dosing.repeats import Repeat, repeats
from letheon.scenario import Arm, Scenario, Spread
from letheon.study.check import ArmCheck, Check
from letheon.study.published import Advice, Beside
from letheon.units import MS_PER_HOUR, REFERENCE_AGE_YEAR, REFERENCE_WEIGHT_KG
from letheon.views.document.numbers import count, duration, ends, exact, general, number
from letheon.views.document.tree import Block, Document, Paragraph, Row, Section, Table
from letheon.views.subjects import names
from letheon.views.subjects.endmatter import sources
from letheon.views.subjects.evidence import how_read
from letheon.views.subjects.policies import other_drugs_text, policy_sentences, push_text, rate_text
from letheon.views.subjects.words import TEXTS

_LISTED = 6  # published regimens in the table of an arm; --json has all
_DAYS_LISTED = 40
_HEADS = ("", "mg/h", "mg a day", "mg a course", "h", "days", "every, h")
_MEASURES = {
    "rate_mg_h": "dose an hour",
    "day_mg": "dose a day",
    "course_mg": "dose a course",
    "hours": "hours of infusion",
    "days": "days from first to last hour",
    "interval_h": "interval between sessions",
}
_GUIDED = {
    "rate_mg_kg_h": ("highest rate", "mg/kg/h"),
    "push_mg_kg": ("largest push", "mg/kg"),
    "course_mg": ("dose of the course", "mg"),
    "boosters_per_year": ("most boosters", "a year"),
}
_FOR_70_KG = f"Doses are for {general(REFERENCE_WEIGHT_KG)} kg, in mg of free base."


def document(check: Check) -> Document:
    """Return what a check found."""
    if check.scenario is None:
        faults = tuple(Paragraph(fault.sentence, hanging=2) for fault in check.faults)
        head = Paragraph(f"{count(len(check.faults), 'fault')}:", "strong")
        return Document("", (Section("faults", "", (head, *faults)),))
    summary = f"No faults, {count(len(check.warnings), 'warning')}. Nothing was simulated."
    sections = [Section("summary", "", (Paragraph(summary), *map(Paragraph, _general(check.scenario))))]
    for arm in check.scenario.arms:
        sentences = map(Paragraph, _sentences(arm, check.arms[arm.name]))
        sections.append(Section(arm.name, f"Arm {names.arm_name(arm.name)}", tuple(sentences)))
    sections.append(Section("timeline", "Time line", tuple(_timeline(check))))
    for name, arm in check.arms.items():
        if arm.drug != "placebo":
            sections.append(Section(f"{name}-differs", f"{names.arm_name(name)} differs from", tuple(_differs(arm))))
    cited = dict.fromkeys(key for arm in check.arms.values() for key in _cited(arm))
    if cited:
        sections.append(Section("sources", "Sources", (sources(cited),)))
    if check.warnings:
        warnings = tuple(Paragraph(f"Warning: {text}", "warning") for text in check.warnings)
        sections.append(Section("warnings", "Warnings", warnings))
    return Document(check.title or "", tuple(sections), footer=(RESEARCH_NOTICE,))


def _general(scenario: Scenario) -> Iterator[str]:
    who, models = scenario.population, scenario.models
    yield (
        f"{count(who.n, 'virtual patient')} in each of {count(len(scenario.arms), 'arm')}: weight "
        f"{_spread(who.weight, ' kg')}, pain before {_spread(who.baseline_nrs, '')}, age {_spread(who.age, ' years')}; "
        f"followed for {duration(scenario.follow_up_h / 24.0)}, seed {scenario.seed}."
    )
    flares = "on" if models.flares else "off"
    yield f"Pain model: {names.pain_model(models.pain)}; plasma model: {models.pk}; flares {flares}."


def _spread(value: Spread, unit: str) -> str:
    return f"{general(value.mean)} ± {general(value.sd)}{unit}" if value.sd else f"{general(value.mean)}{unit}"


def _sentences(arm: Arm, check: ArmCheck) -> Iterator[str]:
    if arm.like is not None:
        yield f"Placebo: the sessions, other drugs and rules of arm {names.arm_name(arm.like)}, without ketamine."
        return
    yield f"{names.drug(arm.drug).capitalize()}:"
    yield from (f"- {_session(one)}." for one in repeats(arm.regimen.infusions))
    if arm.bag:
        per_kg = f"{exact(arm.bag.mg_kg_per_ml)} mg/kg/mL" if arm.bag.mg_kg_per_ml else ""
        volume = f", {exact(arm.bag.ml)} mL a bag" if arm.bag.ml else ""
        yield f"Runs from a bag of {per_kg or f'{exact(arm.bag.mg_per_ml)} mg/mL'}{volume}."
    beside = {"clonidine by mouth before": arm.beside.clonidine_mg, "midazolam with": arm.beside.midazolam_mg}
    for drug, mg in beside.items():
        if mg:
            name, _, how = drug.partition(" ")
            yield f"{exact(mg)} mg of {name} {how} each infusion."
    if arm.also:
        yield f"Other drugs: {other_drugs_text(map(other_drug_record, arm.also))}. {TEXTS.also}"
    if arm.limits("year"):
        yield f"Below, doses that go by age are for {general(REFERENCE_AGE_YEAR)} years."
    yield from policy_sentences(check.rules)
    sessions, rungs = (rule.sessions, rule.rungs) if (rule := arm.policy.boosters) else ((), ())
    for session in sessions:
        which = [str(k) for k, rung in enumerate(rungs, 1) if rung.session == session]
        of = f" of rung {' and '.join(which)}" if len(sessions) > 1 else ""
        for one in repeats(session):
            yield f"A booster{of}, from its own start: {_session(one)}."


def _session(one: Repeat) -> str:
    """Say what runs, for how long, from when and how often."""
    infusion = one.first
    if infusion.is_push:
        seconds = infusion.duration_ms / 1000
        length = f"{general(seconds / 60)} min" if seconds >= 60 else f"{general(seconds)} s"
        what = f"a push of {push_text(infusion.rate, infusion.duration_ms)} over {length}"
    else:
        what = f"{rate_text(infusion.rate)} for {_hours(infusion.duration_ms / MS_PER_HOUR)}"
    day, rest = divmod(infusion.start_ms / MS_PER_HOUR, 24)
    start = f"from day {int(day) + 1}" + (f" + {exact(rest)} h" if rest else "")
    often = f", {one.times} times, every {_hours(one.every_ms / MS_PER_HOUR)}" if one.times > 1 else ""
    return f"{what}, {start}{often}"


def _hours(hours: float) -> str:
    return (
        f"{exact(hours * 60)} min" if hours < 1 else f"{exact(hours)} h" if hours < 48 else f"{exact(hours / 24)} days"
    )


# --- the time line ---


def _timeline(check: Check) -> Iterator[Block]:
    """Yield a row for each stretch of days alike, a column for each arm."""
    by_day: dict[str, dict[int, str]] = {}
    for name, arm in check.arms.items():
        sham = arm.drug == "placebo"
        by_day[name] = {
            one.day: f"sham, {exact(one.hours)} h" if sham else f"{_mg(one.mg)} mg in {exact(one.hours)} h"
            for one in arm.by_day
        }
    days = sorted({day for arm in by_day.values() for day in arm})
    cells = [(day, tuple(arm.get(day, "") for arm in by_day.values())) for day in days]
    rows: list[Row] = []
    # consecutive days alike are one row
    for (_, shown), group in groupby(enumerate(cells), lambda one: (one[1][0] - one[0], one[1][1])):
        some = [day for _, (day, _) in group]
        label = f"day {some[0]}" if len(some) == 1 else f"days {some[0]} to {some[-1]}"
        rows.append(Row(label, shown))
    more = len(rows) - _DAYS_LISTED
    rows = rows[:_DAYS_LISTED]
    first = {name: arm.first_booster_day for name, arm in check.arms.items()}
    end = check.follow_up_days or 0.0
    if any(day is not None and day <= end for day in first.values()):
        boosters = (
            f"boosters from day {general(day)}" if day is not None and day <= end else "" for day in first.values()
        )
        rows.append(Row("later", tuple(boosters)))
    rows.append(Row(f"day {general(end)}", ("end",) * len(first)))
    heads = ("", *map(names.arm_name, check.arms))
    yield Table.of("Time line", heads, rows, align="l" * len(heads))
    cut = f" {count(more, 'further row')}: --json." if more > 0 else ""
    yield Paragraph(f"{_FOR_70_KG} Days count from 0 h; two numbers are what a titration may make of them.{cut}")


def _mg(span: tuple[float, float]) -> str:
    return ends(number(span[0]), number(span[1])) if span[0] != span[1] else number(span[0])


# --- beside published regimens ---


def _differs(arm: ArmCheck) -> Iterator[Block]:
    if arm.published:
        yield Table.of(
            "Beside published regimens", _HEADS, [Row("here", _cells(arm.doses), "main"), *_rows(arm.published)]
        )
        more = len(arm.published) - _LISTED
        rest = f" {count(more, 'further one')}: --json." if more > 0 else ""
        yield Paragraph(
            f"Published regimens of this drug in CRPS, the nearest first; of the first course. {_FOR_70_KG}{rest}"
        )
        yield from (Paragraph(_difference(one), hanging=2) for one in arm.published[:_LISTED])
    else:
        yield Paragraph("The library has no published regimen of this drug in CRPS.")
    yield from (Paragraph(_advice(one), hanging=2) for one in arm.guidance)


def _rows(published: Sequence[Beside]) -> Iterator[Row]:
    for one in published[:_LISTED]:
        yield Row(_name(one), _cells(one.published.doses))


def _name(one: Beside) -> str:
    study, arm = one.published.study, one.published.arm
    return study if arm == one.published.drug else f"{study}, {names.arm_name(arm)}"


def _cells(doses: Doses) -> tuple[str, ...]:
    spans = (_mg(span) for span in (doses.rate_mg_h, doses.day_mg, doses.course_mg))
    return (*spans, *(number(value) for value in (doses.hours, doses.days, doses.interval_h)))


def _difference(one: Beside) -> str:
    source = one.published
    where = f"{_name(one)} ({source.design}; {source.setting}; regimen read: {how_read(source.read)})"
    parts = [f"{number(times, 2)} times the {_MEASURES[name]}" for name, times in one.times.items()]
    parts += [f"{_MEASURES[name]} known of one of the two only" for name in one.not_compared]
    return f"{where}: {'here ' + ', '.join(parts) if parts else 'alike in all of these'}."


def _advice(one: Advice) -> str:
    what, unit = _GUIDED[one.measure]
    here = f"{what} here {_mg(one.here)} {unit}: {one.place}"
    others = ""
    if one.published:
        published = count(one.published, "published regimen")
        others = f" Of {published} of this drug in CRPS, {one.published_within} lie within it, wholly or in part."
    read = f"read: {how_read(one.read)}{f', {one.via}' if one.via else ''}"
    note = f" {one.note}" if one.note else ""
    return f"{one.source}, written for {one.written_for} ({read}): {one.statement}; {here}.{others}{note}"


def _cited(arm: ArmCheck) -> Iterator[str]:
    yield from (one.published.source for one in arm.published[:_LISTED])
    yield from (one.source for one in arm.guidance)
