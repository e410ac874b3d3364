"""A validation: how each pain model did on trials that it never saw, and which assumption matters."""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from letheon.library import PAIN_MODELS
from letheon.study.calibrate.document import ModelWeights
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
from letheon.views.document import numbers, tree
from letheon.views.figures.rows import BLUE, GREEN, GREY, ORANGE, Rows, span
from letheon.views.subjects.calibration import verdict
from letheon.views.subjects.calibration_facts import SDS_OF_90
from letheon.views.subjects.endmatter import citations, made_by
from letheon.views.subjects.names import pain_model
from letheon.views.subjects.words import TEXTS

_TITLE = "Validation on trials that no model saw"
_LIKELY = 0.05  # chance of an event below which a model is said to miss it
_NOTHING = 1e-6  # change of an outcome that counts as none
_STYLES = {"memory": (BLUE, "circle"), "slow_site": (ORANGE, "diamond-open")}
_OTHER = (GREEN, "square")
_TORNADO_KEYS = (
    (tree.Swatch(BLUE, 7), "changed to the first of the two values under its name"),
    (tree.Swatch(ORANGE, 7), "changed to the second"),
)


def event(study: HeldOutStudy) -> str:
    """Return what a study reported, and the chance that each model gave to it."""
    by_model = ", ".join(f"{pain_model(m)} {numbers.chance(s.chance)}" for m, s in study.models.items())
    return f"Result: {study.event}. Probability assigned to it: {by_model}."


def misses(validation: Validation) -> list[str]:
    """Return what the models missed, a sentence for each event to which a model gave less than 5 %."""
    sentences = []
    for study in validation.studies:
        for model, score in study.models.items():
            if score.chance >= _LIKELY:
                continue
            start = f"The {pain_model(model)} model misses {study.study}: it assigned"
            outside = ", ".join(one.quantity for one in score.quantities if not one.inside_90)
            where = f" Outside its 90 % intervals: {outside}." if outside else ""
            sentences.append(f"{start} {numbers.chance(score.chance)} to the result ({study.event}).{where}")
    return sentences


def better_model(validation: Validation) -> str:
    """Return which model predicts better, by how much, or that the trials cannot tell."""
    total, telling = validation.total, validation.total.telling
    if total.difference is None:
        return "One model alone was scored: there is nothing to compare it with."
    names = [f"the {pain_model(model)} model" for model in total.log_score]
    sign = 1.0 if total.difference >= 0 else -1.0
    better, worse = names if sign > 0 else reversed(names)
    lead, (low, high) = (
        abs(total.difference),
        sorted(sign * end for end in total.difference_90 or (total.difference,) * 2),
    )
    range_90 = f"90 %: {numbers.fixed_interval((low, high), 2)}; " if total.difference_90 else ""
    odds = numbers.number(math.exp(min(lead, 700)), 2)
    by = f"{numbers.fixed(lead, 2)} in log score ({range_90}odds of {odds} to 1)"
    least = f"{numbers.fixed(telling, 2)} (odds of {numbers.fixed(math.exp(telling), 0)} to 1)"
    alone = {study: sign * one.difference for study, one in total.without.items() if sign * one.difference < telling}
    turned = [study for study, difference in alone.items() if difference < 0.0]
    after = f" Without {' or '.join(turned)} the other model leads." if turned else ""
    if low < telling:
        return (
            f"These trials cannot tell which model predicts better: {better} leads by {by}, and a difference of less "
            f"than {least} is not informative.{after}"
        )
    if alone and not turned:
        after = f" Without {' or '.join(alone)} they cannot tell."
    return (
        f"{better[:1].upper()}{better[1:]} predicts better than {worse}, by {by}; the smallest difference that "
        f"is informative is {least}.{after}"
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
    judged = few if weak else "this is enough to distinguish the models"
    return f"Expected difference in log score: {', and '.join(parts)}; {judged}."


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
        f"Intervals cover 90 % of simulated trials of the 100-hour infusion with {between.patients} patients per arm, "
        "each in a new study."
    )


def scores_table(validation: Validation) -> tree.Table:
    """Return the chance that each model gave to what each study reported, and its logarithm."""
    total = validation.total
    rows = []
    for study in validation.studies:
        title = [study.study, tree.Break(), tree.Note(study.event)]
        if study.weight != 1.0:
            title += [tree.Break(), tree.Note(f"weight {numbers.number(study.weight)}: {study.weight_note}")]
        rows.append(tree.Row(tuple(title), tuple(_score(study.models[model]) for model in total.log_score)))
    added = (_with_interval(score, total.log_score_90.get(model)) for model, score in total.log_score.items())
    rows.append(tree.Row(tree.Strong("Total log score, by weight"), tuple(added)))
    note = tree.Note(
        "Chance ± simulation error; log score with its 90 % interval over other draws of the same posterior. "
        "Higher is better; 0 is the best possible score."
    )
    heads = ("Study and its result", *map(pain_model, total.log_score))
    return tree.Table.of("Scores", heads, rows, title=("Scores. ", note), kind="wrapped")


def _score(score: ModelScore) -> str:
    return f"{numbers.chance(score.chance, score.mc_se)}; {_with_interval(score.log_score, score.log_score_90)}"


def _with_interval(value: float, interval_90: tuple[float, float] | None) -> str:
    text = numbers.fixed(value, 2)
    return text if interval_90 is None else f"{text} ({numbers.fixed_interval(interval_90, 2)})"


def leads_table(validation: Validation) -> tree.Table:
    """Return how far the first model leads the second, with all trials and without each of them."""
    total = validation.total
    names = tuple(map(pain_model, total.log_score))
    cells = [("all trials", _with_interval(total.difference or 0.0, total.difference_90))]
    cells += [(f"without {key}", _with_interval(one.difference, one.interval_90)) for key, one in total.without.items()]
    note = tree.Note("Log score of the first model minus that of the second, with its 90 % interval.")
    heads = ("Trials", " minus ".join(names))
    return tree.Table.of("Lead", heads, cells, title=("Lead. ", note), kind="wrapped")


def weights_table(weights: ModelWeights) -> tree.Table:
    """Return what each model said of trials that its fit had not seen, and the weight without each of them."""
    rows = []
    for one in weights.trials:
        scores = (numbers.fixed(one.log_score[model], 2) for model in PAIN_MODELS)
        ways = " and ".join(dict.fromkeys(one.method.values()))
        rows.append(
            tree.Row(
                (one.study, tree.Break(), tree.Note(ways)),
                (*scores, numbers.number(one.exponent), numbers.fixed(weights.without[one.study], 2)),
            )
        )
    heads = ("Trial", *map(pain_model, PAIN_MODELS), "Exponent", "Weight without it")
    note = tree.Note("Log scores of trials not used in the fit; only differences between models are meaningful.")
    return tree.Table.of("Weights", heads, rows, title=("Weights. ", note), kind="wrapped")


def weight_summary(weights: ModelWeights) -> str:
    """Return the weight in use and its interval."""
    low, high = (numbers.fixed(end, 2) for end in weights.interval)
    return f"The weight of the pain memory model is {numbers.fixed(weights.memory, 2)} (90 %: {low} to {high})."


def quantities_table(study: HeldOutStudy) -> tree.Table:
    """Return what a study measured, as each model predicts it."""
    first, *_ = study.models.values()
    groups = tuple(
        tree.Group(tuple(_quantity(model, score.quantities[place]) for model, score in study.models.items()), title)
        for place, title in enumerate(f"{one.quantity}; observed: {one.observed}" for one in first.quantities)
    )
    heads = ("Predicted", "Median", "50 %", "90 %", "Inside", "Chance of the observed result", "Probability integral")
    return tree.Table(f"Predictions for {study.study}", heads, groups, kind="wrapped")


def _quantity(model: str, one: QuantityReport) -> tree.Row:
    inside = next((level for level in ("50", "90") if one.inside[level]), "")
    ends = (numbers.fixed_interval(one.intervals[level], 1) for level in ("50", "90"))
    where = verdict(bool(inside), f"in {inside} %" if inside else "OUTSIDE 90 %")
    median = tree.Strong(numbers.fixed(one.median, 1))
    pit = numbers.ABSENT if one.pit is None else numbers.fixed_interval(one.pit, 2)
    pit += "" if one.crps is None else f"; ranked score {numbers.fixed(one.crps, 2)}"
    return tree.Row(pain_model(model), (median, *ends, where, numbers.amount(one.chance, "share"), pit))


def timing_table(rows: Sequence[TimingRow]) -> tree.Table:
    """Return how long relief outlasts each course under each model."""
    courses: dict[str, list[tree.Row]] = {}
    for row in rows:
        day = row.median_days_to_return
        days = "not in 180" if day is None else numbers.fixed(day, 0)
        end, late = (numbers.amount(share, "share") for share in (row.relieved_at_end, row.relieved_at_90_days))
        title = f"{row.course}; observed: {row.observed}"
        courses.setdefault(title, []).append(tree.Row(pain_model(row.model), (end, days, late)))
    groups = tuple(tree.Group(tuple(rows), title) for title, rows in courses.items())
    heads = ("Course", "Relieved at the end", "Median days until pain returns", "Relieved at 90 days")
    return tree.Table("Timing", heads, groups, kind="wrapped")


def between_table(between: BetweenStudies) -> tree.Table:
    """Return predictions, chances of held-out results and log scores by how far studies lie apart."""
    models, sds = list(between.fitted_sd), list(dict.fromkeys(row.sd for row in between.rows))
    cells: dict[str, dict[tuple[str, str], str]] = {}  # by title of a group, then by model and spread
    for row in between.rows:
        unit = " [NRS]" if row.unit == "NRS" else ""
        seen = "" if row.reported is None else f"; reported {numbers.fixed(row.reported, 2)}"
        text = f"{numbers.fixed(row.median, 1)} ({numbers.fixed_interval(row.interval_90, 1)})"
        cells.setdefault(f"{row.quantity}{unit}{seen}", {})[row.model, row.sd] = text
    for score in between.scores:
        for study, chance in score.chances.items():
            title = f"chance of the result of {study}"
            cells.setdefault(title, {})[score.model, score.sd] = numbers.chance(chance)
    totals = {(score.model, score.sd): numbers.fixed(score.log_score, 2) for score in between.scores}
    groups = [
        tree.Group(tuple(tree.Row(pain_model(model), tuple(texts[model, sd] for sd in sds)) for model in models), title)
        for title, texts in (*cells.items(), ("total log score", totals))
    ]
    heads = ("Predicted", "studies alike (0)", "as fitted", "far apart (0.6)")
    return tree.Table("If studies differ", heads, tuple(groups), kind="wrapped")


class Tornado(NamedTuple):
    """One outcome under one model: its value at the baseline, and both ends of each assumption, the widest first."""

    heading: str
    label: str  # of the outcome
    base: float
    rows: list[SensitivityRow]


def tornados(sensitivity: Sensitivity | None) -> Iterator[Tornado]:
    """Yield the tornados, by model and outcome."""
    if sensitivity is not None:
        for (model, outcome), rows in groupby(sensitivity.rows, lambda row: (row.model, row.outcome)):
            label, base = sensitivity.outcomes[outcome], sensitivity.baseline[model][outcome]
            yield Tornado(f"{pain_model(model).capitalize()}: {label}", label, base, list(rows))


def without_effect(one: Tornado) -> list[str]:
    """Return the assumptions that change nothing."""
    return [r.assumption for r in one.rows if max(abs(r.low - one.base), abs(r.high - one.base)) < _NOTHING]


def values_table(one: Tornado) -> tree.Table:
    """Return both ends of each assumption."""
    cells = [
        (r.assumption, f"{r.low_label}: {numbers.fixed(r.low, 1)}", f"{r.high_label}: {numbers.fixed(r.high, 1)}")
        for r in one.rows
    ]
    heads = ("Assumption", "First end", "Second end")
    return tree.Table.of(f"Values: {one.heading}", heads, cells, kind="text")


def _legend(models: Iterable[str], *more: tuple[tree.Swatch, str]) -> tree.Legend:
    styles = ((pain_model(model), *_STYLES.get(model, _OTHER)) for model in models)
    return tree.Legend((*((tree.Swatch(colour, 2, mark=mark), name) for name, colour, mark in styles), *more))


def chances(validation: Validation) -> tree.Figure:
    """Return the chance that each model gave to the result of each study."""
    rows = Rows("Chance given to the result (%)", -2.0, 102.0)
    for study in validation.studies:
        rows.row(study.study)
        for place, (model, score) in enumerate(study.models.items()):
            (colour, mark), shift = _STYLES.get(model, _OTHER), 8.0 * place - 3.0
            middle, error = 100 * score.chance, 100 * SDS_OF_90 * (score.mc_se or 0.0)
            hover = f"{pain_model(model)}: {_score(score)}"
            if error:
                rows.interval(max(middle - error, 0.0), min(middle + error, 100.0), colour, 2, shift, hover)
            rows.mark(middle, colour, mark, shift, hover, 10)
    plot = rows.plot("Chance that each model gave to the result of each study; numbers in the table below.")
    caption = "Whiskers are 90 % intervals of the simulation error. Further to the right is better."
    return tree.Figure("Chance given to the result", (_legend(validation.total.log_score), plot), caption)


def quantities(study: HeldOutStudy) -> Iterator[tree.Figure]:
    """Yield what a study measured, as each model predicts it, by unit; where the report lies is shaded."""
    units = dict.fromkeys(one.unit for score in study.models.values() for one in score.quantities)
    for unit in units:
        yield _in_unit(study, unit)


def _in_unit(study: HeldOutStudy, unit: str) -> tree.Figure:
    by_model = {model: [q for q in score.quantities if q.unit == unit] for model, score in study.models.items()}
    first = next(iter(by_model.values()))
    ends = [end for own in by_model.values() for one in own for end in one.interval_90]
    ends += [edge for one in first for edge in one.region]
    rows = Rows("Statistic of the test (t)" if unit == "1" else f"Predicted ({unit})", *span(ends, 0.0, 1.0))
    for place, one in enumerate(first):
        rows.row(one.quantity, f"observed: {one.observed}")
        rows.band(*one.region, GREEN)
        for number, (model, own) in enumerate(by_model.items()):
            predicted, shift, (colour, mark) = own[place], 8.0 * number - 3.0, _STYLES.get(model, _OTHER)
            half, most = (numbers.fixed_interval(predicted.intervals[level], 1) for level in ("50", "90"))
            hover = f"{pain_model(model)}: {numbers.fixed(predicted.median, 1)}, 50 % {half}, 90 % {most}"
            hover += f"; chance of what was seen {numbers.amount(predicted.chance, 'share')}"
            for level, width in (("90", 1.6), ("50", 5)):
                rows.interval(*predicted.intervals[level], colour, width, shift, hover)
            rows.mark(predicted.median, colour, mark, shift, hover, 9)
    legend = _legend(study.models, (tree.Swatch(GREEN, 0, "band"), "where the report lies"))
    plot = rows.plot(f"{study.study}: numbers in the table.", zero=True)
    caption = "Thick lines hold 50 % of simulated trials, thin ones 90 %."
    return tree.Figure("Predicted and seen", (legend, plot), caption)


def tornado(one: Tornado) -> tuple[tree.Legend, tree.Plot]:
    """Draw a tornado: blue to the first end, orange to the second, a grey mark at the baseline."""
    base, ends = one.base, [end for row in one.rows for end in (row.low, row.high)]
    title = one.label.split(",")[0]  # what it counts, without the conditions
    rows = Rows(f"{title[:1].upper()}{title[1:]}", *span([*ends, base], base, base), stacked=True)
    at = f"baseline: {numbers.fixed(base, 1)}"
    for bar in one.rows:
        rows.row(bar.assumption, f"{bar.low_label} | {bar.high_label}")
        for end, name, colour, shift in ((bar.low, bar.low_label, BLUE, -2.0), (bar.high, bar.high_label, ORANGE, 6.0)):
            hover = f"{name}: {numbers.fixed(end, 1)} ({at})"
            rows.interval(min(base, end), max(base, end), colour, 7, shift, hover)
        rows.mark(base, GREY, "line-ns-open", 2.0, at, 16)
    plot = rows.plot(f"Tornado, {one.heading}: the numbers stand in the table below it.")
    return tree.Legend(_TORNADO_KEYS), plot


def summary(validation: Validation) -> tree.Document:
    """Return what a terminal shows of a validation."""
    matters = (
        tree.Section("", f"What matters. {one.heading}; baseline: {numbers.fixed(one.base, 1)}", (values_table(one),))
        for one in tornados(validation.sensitivity)
    )
    return tree.Document(_TITLE, (*_sections(validation), *matters), lead=_lead(validation))


def page(validation: Validation) -> tree.Document:
    """Return the page of a validation."""
    sections = list(_sections(validation))
    if matters := tuple(map(_matters, tornados(validation.sensitivity))):
        sections.append(tree.Section("sensitivity", "What matters", matters))
    studies = [*(study.study for study in validation.studies), *(row.course.split(",")[0] for row in validation.timing)]
    sections.append(tree.Section("sources", "Sources", (citations(studies),)))
    version = f"Letheon {validation.letheon}"
    parts = tuple(sections), f"{version}: validation", _lead(validation), made_by(version, "letheon validate")
    return tree.Document(_TITLE, *parts)


def _lead(validation: Validation) -> str:
    trials = numbers.count(len(validation.studies), "held-out trial")
    return (
        f"{trials} {'was' if len(validation.studies) == 1 else 'were'} simulated with the same design, as many "
        "patients and a diary for each, over draws from the calibrated posterior. The result of a trial counts as an "
        f"event, and each model is scored by the chance that it gave to it. {better_model(validation)}"
    )


def _sections(validation: Validation) -> Iterator[tree.Section]:
    blocks: list[tree.Block] = [chances(validation), scores_table(validation)]
    if validation.total.without:
        blocks.append(leads_table(validation))
    if text := expected(validation):
        blocks.append(tree.Paragraph(text))
    if missed := misses(validation):
        blocks += [tree.Heading("Misses"), tree.Items(tuple(missed), "warnings")]
    yield tree.Section("summary", "In short", tuple(blocks))
    for number, study in enumerate(validation.studies, 1):
        blocks = [tree.Paragraph(event(study)), *quantities(study), quantities_table(study)]
        yield tree.Section(f"study-{number}", study.study, tuple(blocks))
    if validation.timing:
        yield tree.Section("timing", "Timing", (tree.Paragraph(TEXTS.timing, "small"), timing_table(validation.timing)))
    if (between := validation.between_studies) is not None:
        blocks = [tree.Paragraph(between_summary(between), "small"), between_table(between)]
        yield tree.Section("between", "If studies differ", tuple(blocks))


def _matters(one: Tornado) -> tree.Figure:
    caption = f"One assumption is changed at a time; nothing is fitted again. Baseline: {numbers.fixed(one.base, 1)}."
    folded = tree.Details("Values", (values_table(one),), screen=True)
    return tree.Figure(one.heading, (*tornado(one), folded), caption)
