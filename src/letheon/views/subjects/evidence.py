"""The studies of the evidence library: a table of them, all that is known about one, and the phrases for both."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from msgspec import Struct

from letheon import library
from letheon.dosing.regimen import Infusion, Rate
from letheon.dosing.repeats import repeats
from letheon.errors import InputError, near_hint
from letheon.library import Outcome, Population, Study, StudyArm
from letheon.library.evidence import CONTROLS, ROLES
from letheon.units import MS_PER_HOUR
from letheon.views.document.numbers import count, general
from letheon.views.document.tree import Document, Items, Paragraph, Section, Table
from letheon.views.subjects.endmatter import sources

RECALLED = "RECALLED, not read: no weight"
_SHOW = "Show one with its results and sources: letheon evidence show ID"
_DRUGS = {"form not stated": "ketamine, form not stated"}


def chosen(role: str | None = None) -> tuple[Study, ...]:
    """Return the studies of a role, or all, in the order of the roles."""
    if role is not None and role not in ROLES:
        raise InputError(f"--role {role!r} is not a role of a study; {near_hint(role, ROLES)}.")
    studies = [study for study in library.studies() if role in (None, study.role)]
    return tuple(sorted(studies, key=lambda study: (ROLES.index(study.role), study.id)))


def study_of(name: str) -> Study:
    """Return one study, or refuse with the nearest name."""
    studies = {study.id: study for study in library.studies()}
    if name in studies:
        return studies[name]
    hint = near_hint(name, studies, "see them all with: letheon evidence list")
    raise InputError(f"there is no study {name!r}; {hint}.")


class StudyBrief(Struct, frozen=True):
    """What the list says of a study."""

    id: str
    design: str
    diagnosis: str
    n: int | None
    drugs: list[str]
    role: str
    measured: list[str]


def brief(study: Study) -> StudyBrief:
    """Return what the list says of a study."""
    drugs = list(
        dict.fromkeys(arm.drug.removesuffix(" with magnesium") for arm in study.arms if arm.drug not in CONTROLS)
    )
    measured = list(dict.fromkeys(outcome.measure for outcome in study.outcomes))
    return StudyBrief(study.id, study.design, study.diagnosis, study.population.n, drugs, study.role, measured)


def json_form(study: Study) -> dict[str, Any]:
    """Return a study as JSON: the fields of its records, the unit of each outcome, and the whole source."""
    outcomes = [{**asdict(outcome), "unit": outcome.unit} for outcome in study.outcomes]
    return {**asdict(study), "outcomes": outcomes, "source": asdict(library.sources()[study.source])}


def listing(studies: Sequence[Study]) -> Document:
    """Return the tables of studies, by role."""
    sections = []
    for role in ROLES:
        if rows := [_row(brief(study)) for study in studies if study.role == role]:
            table = Table.of(role, ("id", "design", "n", "drugs", "measured"), rows, kind="text")
            sections.append(Section(role, f"Role: {role}", (table,)))
    last = Paragraph(f"{count(len(studies), 'study', 'studies')}. {_SHOW}")
    return Document("", (*sections, Section("count", "", (last,))))


def _row(study: StudyBrief) -> tuple[str, ...]:
    where = "" if study.diagnosis == "CRPS" else f"{study.diagnosis}: "
    measured = where + ", ".join(map(_measure, study.measured))
    drugs = ", ".join(_DRUGS.get(drug, drug) for drug in study.drugs)
    return study.id, study.design, "-" if study.n is None else str(study.n), drugs, measured


def entry(study: Study) -> Document:
    """Return all that is known about a study."""
    who = study.population
    head = (
        f"Setting: {study.setting}",
        f"Results count up to day {general(study.follow_up_days)}; read: {how_read(study.verified)}",
        f"Patients: {people(who.n, who.verified)}; {who.text} (read: {how_read(who.verified)})",
        f"Of these: {known}" if (known := traits(who)) else "",
        f"Role: {role_text(study)}. {study.role_note}",
        study.note and f"Note: {study.note}",
    )
    return Document(
        "",
        (
            Section("study", f"{study.id}: {study.design}, {study.diagnosis}", _paragraphs(*head)),
            Section("treatment", "Treatment", tuple(block for arm in study.arms for block in _arm(arm))),
            Section("results", "Results", tuple(block for one in study.outcomes for block in _outcome(one))),
            Section("missing", "What is missing", (Items(study.missing),)),
            Section("source", "Source", (sources([study.source]),)),
        ),
    )


def _paragraphs(*texts: str, indent: int = 0) -> tuple[Paragraph, ...]:
    return tuple(Paragraph(text, indent=indent) for text in texts if text)


def _arm(arm: StudyArm) -> Iterator[Paragraph]:
    variant = "" if arm.group == arm.name else f", as {arm.group}"
    drug = _DRUGS.get(arm.drug, arm.drug)
    yield Paragraph(f"{arm.name}{variant}: {drug}, {arm.route}, {people(arm.n, arm.n_verified)}", hanging=2)
    facts = [f"{arm.regimen} (read: {how_read(arm.verified)})", arm.beside and f"beside: {arm.beside}"]
    if arm.infusions:
        facts += [f"for 70 kg: {totals(arm)}", *(f"- {session}" for session in sessions(arm))]
        facts += [arm.contradicted and f"contradicted: {arm.contradicted}"]
        facts += [f"assumed: {assumption}" for assumption in arm.assumptions]
    else:
        facts.append("no machine-readable regimen")
    yield from _paragraphs(*facts, indent=4)


def _outcome(outcome: Outcome) -> Iterator[Paragraph]:
    yield Paragraph(f"{when(outcome)}: {result(outcome)}", hanging=4)
    yield from _paragraphs(reading(outcome), outcome.note, missed(outcome), indent=4)


def role_text(study: Study) -> str:
    """Return the role of a study, with the models it calibrates and its weight."""
    models = f" ({', '.join(study.calibrates)})" if study.calibrates else ""
    return f"{study.role}{models}" + (f", counts by {general(study.relevance)}" if study.relevance < 1 else "")


def _measure(measure: str) -> str:
    return measure.replace("_", " ").replace("c50", "C50")


def traits(who: Population) -> str:
    """Return weight, age and pain of the patients, as far as they were read."""
    named = {"weight": (who.weight_kg, " kg"), "age": (who.age_year, " years"), "pain before": (who.pain, "")}
    return "; ".join(
        f"{name} {general(one.mean)}{f' (SD {general(one.sd)})' if one.sd is not None else ''}{unit} "
        f"(read: {how_read(one.verified)}{f', {one.via}' if one.via else ''})"
        for name, (one, unit) in named.items()
        if one is not None
    )


def people(n: int | None, verified: str) -> str:
    """Return how many patients there are; a recalled number is flagged."""
    if n is None:
        return "n not known"
    return f"n = {n}" + {"recall": " (RECALLED)", "secondary": " (second-hand)"}.get(verified, "")


def sessions(arm: StudyArm) -> list[str]:
    """Return an arm's infusions as sessions of a scenario file for 70 kg; equal ones at equal distances are one."""
    rows = [tuple(map(general, row)) for row in arm.infusions]
    texts = [f"at: {start} h, rate: {rate} mg/h, for: {hours} h" for start, hours, rate in rows]
    groups = repeats(Infusion.create(start, hours, Rate(rate)) for start, hours, rate in arm.infusions)
    if len(groups) == 1 and groups[0].times > 1:
        every = groups[0].every_ms / MS_PER_HOUR
        return [f"{{{texts[0]}, repeat: {{every: {general(every)} h, times: {groups[0].times}}}}}"]
    return [f"{{{text}}}" for text in texts]


def totals(arm: StudyArm) -> str:
    """Return dose, hours and span of an arm that has a machine-readable regimen."""
    dose, hours, days = (general(value or 0.0) for value in (arm.dose_mg_70kg, arm.hours, arm.days))
    return f"{dose} mg of ketamine, {hours} h of infusion within {days} days, sessions: {arm.sessions}"


def when(outcome: Outcome) -> str:
    """Return when an outcome was seen, in days from the first administration."""
    if outcome.time_days is None:
        return "day not given"
    low, high = outcome.time_days
    return f"day {general(low)}" if low == high else f"days {general(low)} to {general(high)}"


def result(outcome: Outcome) -> str:
    """Return who showed what: arm, measure, value or range or statement, spread and number of patients."""
    who = outcome.arm + (f" against {outcome.against}" if outcome.against else "")
    who += f", {outcome.subgroup}" if outcome.subgroup else ""
    unit = "" if outcome.unit in ("", "1") else f" {outcome.unit}"
    if outcome.value is not None:
        value = f" {general(outcome.value)}{' patient' if unit == ' patients' and outcome.value == 1 else unit}"
    elif outcome.range is not None:
        value = f" {general(outcome.range[0])} to {general(outcome.range[1])}{unit}"
    else:
        value = f": {outcome.statement}"
    sizes = (("SE", outcome.se), ("SD", outcome.sd))
    spread = [f"{name} {general(size)}" for name, size in sizes if size is not None]
    if outcome.interval is not None:
        low, high = outcome.interval
        spread.append(f"{general(100 * (outcome.level or 0))} % interval {general(low)} to {general(high)}")
    around = f" ({'; '.join(spread)})" if spread else ""
    number = f", n = {outcome.n}" if outcome.n is not None else ""
    return f"{who}: {_measure(outcome.measure)}{value}{around}{number}"


def reading(outcome: Outcome) -> str:
    """Return how an outcome was read, its weight, and whether it is fitted or scored."""
    if outcome.verified == "recall":
        return RECALLED
    via = f" ({outcome.via})" if outcome.via else ""
    return f"read: {outcome.verified}{via}; weight {general(outcome.weight)}{'; target' if outcome.target else ''}"


def missed(outcome: Outcome) -> str:
    """Return what the simulation gives where it does not meet what was reported about levels."""
    return outcome.missed and f"not met: {outcome.missed}"


def how_read(verified: str) -> str:
    """Return how something other than an outcome was read; what was only recalled is flagged."""
    return "RECALLED, not read" if verified == "recall" else verified
