"""A validation: how each pain model did on trials that it never saw, and which assumption matters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from letheon.definitions import PAGE_NOTICE
from letheon.study.validate.document import (
    BetweenStudies,
    HeldOutStudy,
    ModelScore,
    QuantityReport,
    Sensitivity,
    SensitivityRow,
    TimingRow,
    Validation,
)
from letheon.views.document import numbers
from letheon.views.document.tree import (
    Block,
    Break,
    CodeText,
    Details,
    Document,
    Figure,
    Group,
    Heading,
    Items,
    Note,
    Paragraph,
    Row,
    Section,
    Strong,
    Table,
)
from letheon.views.subjects.calibration import verdict
from letheon.views.subjects.names import pain_model
from letheon.views.subjects.studies import citations
from letheon.views.subjects.validation_figures import chances, quantities, tornado

__all__ = [
    "bars",
    "better_model",
    "between_summary",
    "between_table",
    "event",
    "expected",
    "misses",
    "page",
    "quantities_table",
    "scores_table",
    "summary",
    "timing_table",
    "tornados",
    "values_table",
    "without_effect",
]

_TITLE = "Validation on trials that no model saw"
_LIKELY = 0.05  # chance of an event below which a model is said to miss it
_NOTHING = 1e-6  # change of an outcome that counts as none
_STRIP = 25  # characters of a bar of the tornado
_TIMING = (
    "How long relief lasts after courses whose rates are not known: shown, not scored. Days until pain returns are "
    "counted among patients with relief at the end."
)


# --- sentences ---


def chance(score: ModelScore) -> str:
    """Return the chance that a model gave to an event, with its error of simulation."""
    error = f" ± {numbers.amount(score.mc_se, 'share')}" if score.mc_se else ""
    return numbers.amount(score.chance, "share") + error


def event(study: HeldOutStudy) -> str:
    """Return what a study reported, and the chance that each model gave to it."""
    by_model = ", ".join(f"{pain_model(m)} {numbers.amount(s.chance, 'share')}" for m, s in study.models.items())
    return f"Result: {study.event}. Chance given to it: {by_model}."


def misses(validation: Validation) -> list[str]:
    """Return what the models missed, a sentence for each event to which a model gave less than 5 %."""
    sentences = []
    for study in validation.studies:
        for model, score in study.models.items():
            if score.chance < _LIKELY:
                outside = [one.quantity for one in score.quantities if not one.inside_90]
                where = f" Outside its 90 % intervals: {', '.join(outside)}." if outside else ""
                sentences.append(
                    f"The {pain_model(model)} model misses {study.study}: it gave "
                    f"{numbers.amount(score.chance, 'share')} to the result ({study.event}).{where}"
                )
    return sentences


def better_model(validation: Validation) -> str:
    """Return which model predicts better, by how much, or that the trials cannot tell."""
    total = validation.total
    if total.difference is None:
        return "One model alone was scored: there is nothing to compare it with."
    names = [f"the {pain_model(model)} model" for model in total.log_score]
    better, worse = names if total.difference >= 0 else reversed(names)
    lead = abs(total.difference)
    by = f"{numbers.fixed(lead, 2)} in log score (odds of {numbers.number(math.exp(min(lead, 700)), 2)} to 1)"
    least = f"{numbers.fixed(total.telling, 2)} (odds of {numbers.fixed(math.exp(total.telling), 0)} to 1)"
    if lead < total.telling:
        return (
            f"These trials cannot tell which model predicts better: {better} leads by {by}, and a difference of less "
            f"than {least} is not informative."
        )
    return (
        f"{better[:1].upper()}{better[1:]} predicts better than {worse}, by {by}; the smallest difference that "
        f"is informative is {least}."
    )


def expected(validation: Validation) -> str:
    """Return what difference these trials could show if one or the other model were true; empty for one model."""
    total = validation.total
    if total.expected_if is None:
        return ""
    parts = [
        f"{numbers.fixed(abs(value), 2)} in favour of the {pain_model(model)} model if it were true"
        for model, value in total.expected_if.items()
    ]
    weak = any(abs(value) < total.telling for value in total.expected_if.values())
    few = "the trials are too few, or too similar, to distinguish the models"
    judged = few if weak else "enough to distinguish the models"
    return f"Expected difference: {' and '.join(parts)}: {judged}."


def between_summary(between: BetweenStudies) -> str:
    """Return what the table of the spread between studies shows."""
    sds = ", ".join(
        f"{numbers.fixed(sd.median, 2)} (90 %: {numbers.fixed_interval(sd.interval_90, 2)}) with the "
        f"{pain_model(model)} model"
        for model, sd in between.fitted_sd.items()
    )
    return (
        "So few studies give little information about how much studies differ. The SD of the log odds of "
        f"lasting relief was fitted as {sds}; here it is set to 0 and 0.6 as well, and nothing else is changed. "
        f"Intervals hold 90 % of trials of the 100-hour infusion with {between.patients} patients an arm, in a study "
        "not seen before."
    )


# --- tables ---


def scores_table(validation: Validation) -> Table:
    """Return the chance that each model gave to what each study reported, and its logarithm."""
    models = validation.total.log_score
    rows = [
        Row(
            (study.study, Break(), Note(study.event)),
            tuple(
                f"{chance(study.models[model])}; {numbers.fixed(study.models[model].log_score, 2)}" for model in models
            ),
        )
        for study in validation.studies
    ]
    rows.append(Row(Strong("Total log score"), tuple(numbers.fixed(score, 2) for score in models.values())))
    note = Note("Chance ± error of simulation; log score. A higher score is better, 0 is the best.")
    heads = ("Study and its result", *map(pain_model, models))
    return Table.of("Scores", heads, rows, title=("Scores. ", note), kind="wrapped")


def quantities_table(study: HeldOutStudy) -> Table:
    """Return what a study measured, as each model predicts it."""
    first, *_ = study.models.values()
    groups = tuple(
        Group(
            tuple(_quantity(model, score.quantities[place]) for model, score in study.models.items()),
            f"{one.quantity}; observed: {one.observed}",
        )
        for place, one in enumerate(first.quantities)
    )
    heads = ("Predicted", "Median", "50 %", "90 %", "Inside", "Chance of the observed result")
    return Table(f"Predictions for {study.study}", heads, groups, kind="wrapped")


def _quantity(model: str, one: QuantityReport) -> Row:
    inside = next((level for level in ("50", "90") if one.inside[level]), "")
    ends = (numbers.fixed_interval(one.intervals[level], 1) for level in ("50", "90"))
    where = verdict(bool(inside), f"in {inside} %" if inside else "OUTSIDE 90 %")
    median = Strong(numbers.fixed(one.median, 1))
    return Row(pain_model(model), (median, *ends, where, numbers.amount(one.chance, "share")))


def timing_table(rows: Sequence[TimingRow]) -> Table:
    """Return how long relief outlasts each course under each model."""
    courses: dict[str, list[TimingRow]] = {}
    for row in rows:
        courses.setdefault(f"{row.course}; observed: {row.observed}", []).append(row)
    groups = tuple(Group(tuple(map(_timing_row, some)), title) for title, some in courses.items())
    heads = ("Course", "Relieved at the end", "Median days until pain returns", "Relieved at 90 days")
    return Table("Timing", heads, groups, kind="wrapped")


def _timing_row(row: TimingRow) -> Row:
    day = row.median_days_to_return
    days = "not in 180" if day is None else numbers.fixed(day, 0)
    end, late = (numbers.amount(share, "share") for share in (row.relieved_at_end, row.relieved_at_90_days))
    return Row(pain_model(row.model), (end, days, late))


def between_table(between: BetweenStudies) -> Table:
    """Return predictions, chances of held-out results and log scores by how far studies lie apart."""
    models, sds = list(between.fitted_sd), list(dict.fromkeys(row.sd for row in between.rows))
    rows = {(row.quantity, row.model, row.sd): row for row in between.rows}
    scores = {(score.model, score.sd): score for score in between.scores}

    def group(title: str, cell: Callable[[str, str], str]) -> Group:
        return Group(tuple(Row(pain_model(m), tuple(cell(m, sd) for sd in sds)) for m in models), title)

    def predicted(quantity: str, model: str, sd: str) -> str:
        row = rows[quantity, model, sd]
        return f"{numbers.fixed(row.median, 1)} ({numbers.fixed_interval(row.interval_90, 1)})"

    groups = []
    for quantity in dict.fromkeys(row.quantity for row in between.rows):
        one = rows[quantity, models[0], sds[0]]
        unit = " [NRS]" if one.unit == "NRS" else ""
        seen = "" if one.reported is None else f"; reported {numbers.fixed(one.reported, 2)}"
        groups.append(group(f"{quantity}{unit}{seen}", lambda m, sd, quantity=quantity: predicted(quantity, m, sd)))
    for study in between.scores[0].chances if between.scores else ():
        groups.append(
            group(
                f"chance of the result of {study}",
                lambda m, sd, study=study: numbers.amount(scores[m, sd].chances[study], "share"),
            )
        )
    groups.append(group("total log score", lambda m, sd: numbers.fixed(scores[m, sd].log_score, 2)))
    heads = ("Predicted", "studies alike (0)", "as fitted", "far apart (0.6)")
    return Table("If studies differ", heads, tuple(groups), kind="wrapped")


# --- which assumption matters ---


def tornados(sensitivity: Sensitivity) -> list[tuple[str, str, str, float | None]]:
    """Return model, outcome, what the outcome is, and its value at the baseline, of each tornado."""
    keys = dict.fromkeys((row.model, row.outcome) for row in sensitivity.rows)
    return [
        (
            model,
            outcome,
            sensitivity.outcomes.get(outcome, outcome.replace("_", " ")),
            sensitivity.baseline.get(model, {}).get(outcome),
        )
        for model, outcome in keys
    ]


def bars(sensitivity: Sensitivity, model: str, outcome: str) -> list[SensitivityRow]:
    """Return the rows of one tornado, the widest first."""
    base = sensitivity.baseline.get(model, {}).get(outcome)

    def width(row: SensitivityRow) -> float:
        ends = [end for end in (row.low, row.high, base) if end is not None]
        return max(ends) - min(ends)

    return sorted((r for r in sensitivity.rows if (r.model, r.outcome) == (model, outcome)), key=width, reverse=True)


def without_effect(rows: Sequence[SensitivityRow], base: float | None) -> list[str]:
    """Return the assumptions that change nothing."""
    return [] if base is None else [r.assumption for r in rows if max(abs(r.low - base), abs(r.high - base)) < _NOTHING]


def values_table(rows: Sequence[SensitivityRow], label: str) -> Table:
    """Return both ends of each assumption."""
    cells = [
        (r.assumption, f"{r.low_label}: {numbers.fixed(r.low, 1)}", f"{r.high_label}: {numbers.fixed(r.high, 1)}")
        for r in rows
    ]
    return Table.of(f"Values: {label}", ("Assumption", "First end", "Second end"), cells)


def _strips(rows: Sequence[SensitivityRow], base: float | None, label: str) -> Table:
    """Return the tornado with bars in characters."""
    ends = [end for row in rows for end in (row.low, row.high, base) if end is not None]
    lines = [
        (
            (row.assumption, Break(), f"  {row.low_label}; {row.high_label}"),
            numbers.fixed(row.low, 1),
            numbers.fixed(row.high, 1),
            "" if base is None else strip(row, base, min(ends), max(ends)),
        )
        for row in rows
    ]
    return Table.of(label, ("Assumption", "first", "second", ""), lines, kind="text")


def strip(row: SensitivityRow, base: float, least: float, most: float, width: int = _STRIP) -> str:
    """Return a bar of a tornado in characters, between `least` and `most`.

    It is ``░`` towards the first end, ``█`` towards the second, ``▓`` where both go the same way, ``|`` the baseline.
    """

    def place(value: float) -> int:
        return round((value - least) / ((most - least) or 1.0) * (width - 1))

    cells, middle = [" "] * width, place(base)
    for end, mark in ((place(row.low), "░"), (place(row.high), "█")):
        for cell in range(min(end, middle), max(end, middle) + 1):
            cells[cell] = mark if cells[cell] == " " else "▓"
    cells[middle] = "|"
    return "".join(cells).rstrip()


# --- documents ---


def summary(validation: Validation) -> Document:
    """Return what a terminal shows of a validation."""
    sections = list(_sections(validation))
    if validation.sensitivity is not None:
        for model, outcome, label, base in tornados(validation.sensitivity):
            sentence = (
                f"{numbers.fixed(base, 1)} at the baseline; each row changes one assumption: ░ to the first end, █ to "
                "the second."
            )
            table = _strips(bars(validation.sensitivity, model, outcome), base, label)
            sections.append(Section("", f"What matters, {pain_model(model)}: {label}", (Paragraph(sentence), table)))
    return Document(_TITLE, tuple(sections), lead=_lead(validation))


def page(validation: Validation) -> Document:
    """Return the page of a validation."""
    sections = list(_sections(validation))
    if validation.sensitivity is not None:
        sections.append(Section("sensitivity", "What matters", tuple(_sensitivity(validation.sensitivity))))
    studies = [study.study for study in validation.studies]
    courses = [row.course.split(",")[0] for row in validation.timing]
    sections.append(Section("sources", "Sources", (citations([*studies, *courses]),)))
    version = f"Letheon {validation.letheon}"
    return Document(
        _TITLE,
        tuple(sections),
        brand=f"{version}: validation",
        lead=_lead(validation),
        footer=((f"{version}; made by ", CodeText("letheon validate"), f". {PAGE_NOTICE}"),),
    )


def _lead(validation: Validation) -> str:
    trials = numbers.count(len(validation.studies), "held-out trial")
    return (
        f"{trials} {'was' if len(validation.studies) == 1 else 'were'} simulated with the same design, as many "
        "patients and a diary for each, over draws from the calibrated posterior. The result of a trial counts as an "
        f"event, and each model is scored by the chance that it gave to it. {better_model(validation)}"
    )


def _sections(validation: Validation) -> Iterator[Section]:
    missed = misses(validation)
    blocks: list[Block] = [chances(validation), scores_table(validation)]
    if text := expected(validation):
        blocks.append(Paragraph(text))
    if missed:
        blocks += [Heading("Misses"), Items(tuple(missed), "warnings")]
    yield Section("summary", "In short", tuple(blocks))
    for number, study in enumerate(validation.studies, 1):
        blocks = [Paragraph(event(study)), quantities(study), quantities_table(study)]
        yield Section(f"study-{number}", study.study, tuple(blocks))
    if validation.timing:
        yield Section("timing", "Timing", (Paragraph(_TIMING, "small"), timing_table(validation.timing)))
    if (between := validation.between_studies) is not None:
        blocks = [Paragraph(between_summary(between), "small"), between_table(between)]
        yield Section("between", "If studies differ", tuple(blocks))


def _sensitivity(sensitivity: Sensitivity) -> Iterator[Figure]:
    for model, outcome, label, base in tornados(sensitivity):
        rows = bars(sensitivity, model, outcome)
        heading = f"{pain_model(model).capitalize()}: {label}"
        caption = f"One assumption is changed at a time; nothing is fitted again. Baseline: {numbers.fixed(base, 1)}."
        folded = Details("Values", (values_table(rows, heading),), screen=True)
        yield Figure(heading, (*tornado(rows, base, model, label), folded), caption)
