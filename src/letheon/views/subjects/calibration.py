"""A calibration: sampler, modes, predictions beside what was reported, and what the data tell of each parameter."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, groupby
from typing import NamedTuple

from msgspec.structs import replace

from letheon.study.calibrate.document import (
    TRUSTED_K,
    CalibrationReport,
    ModeReport,
    ParameterReport,
    ReportedCount,
    ReportedLimits,
    ReportedValue,
)
from letheon.views.document import numbers, tree
from letheon.views.figures.rows import BLUE, GREY, ORANGE, Rows, span
from letheon.views.subjects.calibration_facts import (
    SDS_OF_90,
    Prediction,
    amount,
    interval,
    limits,
    parameter_name,
    predictions,
    reported_text,
    unit_name,
)
from letheon.views.subjects.endmatter import citations, made_by
from letheon.views.subjects.names import pain_model
from letheon.views.subjects.words import TEXTS, WORDS

_TITLE = "Calibration on published trials"
_UNITS = {
    "NRS": ("Pain: reported and predicted", "Pain, or a difference of pain (NRS points, 0–10)"),
    "share": ("Shares: reported and predicted", "Share (%)"),
}
_PREDICTED_KEYS = (
    (tree.Swatch(ORANGE, 2, mark="diamond"), "reported, with its 90 % error"),
    (tree.Swatch(ORANGE, 5), "reported as a statement: its limits"),
    (tree.Swatch(BLUE, 5, mark="circle"), "posterior"),
    (tree.Swatch(BLUE, 1.4), "a trial of that size"),
    (tree.Swatch(GREY, 2.4), "prior"),
)
_MOVEMENT_KEYS = (
    (tree.Swatch(BLUE, 3, mark="circle"), "identified by the data"),
    (tree.Swatch(ORANGE, 1.6, mark="circle-open"), "not identified"),
    (tree.Swatch(GREY, 0, "band"), "90 % of the prior"),
)


class Diagnostic(NamedTuple):
    """One check of the sampler; a value that is not known has not passed."""

    label: str
    value: str
    required: str
    met: bool


def diagnostics(report: CalibrationReport) -> list[Diagnostic]:
    """Return the checks of the sampler."""
    sampler = report.sampler
    checks: tuple[tuple[str, float | None, int, str, Callable[[float], bool]], ...] = (
        ("R-hat, worst", sampler.rhat_worst, 3, "at most 1.01", lambda value: value <= 1.01),
        ("effective sample size, bulk, worst", sampler.ess_bulk_worst, 0, "at least 400", lambda value: value >= 400),
        ("effective sample size, tail, worst", sampler.ess_tail_worst, 0, "at least 400", lambda value: value >= 400),
        ("divergent iterations", sampler.divergences, 0, "none", lambda value: value == 0),
        ("energy (BFMI), worst", sampler.bfmi_worst, 2, "at least 0.3", lambda value: value >= 0.3),
        ("Pareto k of the full mesh", report.full_mesh.pareto_k, 2, "below 0.7", lambda value: value < TRUSTED_K),
    )
    return [
        Diagnostic(label, numbers.fixed(value, decimals), required, value is not None and is_met(value))
        for label, value, decimals, required, is_met in checks
    ]


def modes(report: CalibrationReport) -> list[tuple[ModeReport, float]]:
    """Return the modes, the heaviest first, with their share of the mass by the Laplace approximation."""
    top = max(mode.log_mass for mode in report.modes)
    masses = [math.exp(mode.log_mass - top) for mode in report.modes]
    return [(mode, mass / sum(masses)) for mode, mass in zip(report.modes, masses, strict=True)]


def effort(report: CalibrationReport) -> str:
    """Return the settings of a calibration."""
    s = report.settings
    return (
        f"{s.chains} chains of {s.warmup} + {s.samples} iterations, {s.patients} simulated patients an arm, "
        f"{s.starts} starts, trees up to depth {s.tree_depth}, seed {s.seed}"
    )


def trust(report: CalibrationReport) -> str:
    """Return how far the draws may be trusted, from the sampler alone."""
    checks = diagnostics(report)
    failed = [check for check in checks if not check.met]
    if not failed:
        return (
            "All checks of the sampler are met: the draws are those of the posterior. Whether the model is right is "
            "another question, which only trials that it was not fitted to can answer."
        )
    which = "; ".join(f"{check.label}: {check.value}, required {check.required}" for check in failed)
    return (
        f"{len(failed)} of {len(checks)} checks of the sampler failed ({which}): use these draws for a first look "
        "only, not for results."
    )


def predictions_summary(rows: Sequence[Prediction]) -> str:
    """Return how many reported values lie in the interval of a trial of that size, and which do not."""
    parts = []
    for fitted, which in ((True, "that were fitted"), (False, "that were not fitted")):
        some = [one for one in rows if one.inside is not None and one.fitted is fitted]
        outside = [f"{one.label} ({one.study})" for one in some if not one.inside]
        if some:
            start = f"Of {len(some)} reported values {which}, {len(some) - len(outside)} lie inside the 90 % interval"
            parts.append(start + (f"; outside: {'; '.join(outside)}." if outside else "."))
    known = [(one.inside, one.posterior.coverage) for one in rows if one.fitted and one.posterior.coverage is not None]
    if known:
        expected = numbers.fixed(sum(coverage or 0.0 for _, coverage in known), 1)
        inside = sum(bool(one) for one, _ in known)
        parts.append(
            f"Of the {len(known)} means and counts among those that were fitted, {inside} lie inside; if the "
            f"model and its draws were true, {expected} would be expected there in trials of the same size."
        )
    return " ".join(parts)


def contrasts_table(report: CalibrationReport) -> tree.Table:
    """Return what trials compare beside what trials of the same size would report."""
    rows = []
    for name, one in report.contrasts.items():
        study, label, unit = WORDS.predictions.get(name, ("", name, "NRS"))
        low, high = one.reported
        reported = amount(low, unit) if low == high else interval(one.reported, unit)
        trial = f"{amount(one.of_a_trial.median, unit)} ({interval(one.of_a_trial.interval_90, unit)})"
        rows.append(
            tree.Row((study, tree.Break(), tree.Note(label)), (reported, trial, numbers.number(one.p_value, 2)))
        )
    note = tree.Note("Median and 90 % interval of full-size trials; p: twice the chance of one at least as extreme.")
    heads = ("Contrast", "Reported", "A trial of that size", "p")
    return tree.Table.of("Contrasts", heads, rows, title=("Contrasts. ", note), kind="wrapped")


def unknown_summary(report: CalibrationReport) -> str:
    """Return what the data do not identify."""
    population = {key: one for key, one in report.parameters.items() if "@" not in key}
    keys = [key for key, one in population.items() if not one.identified]
    if not keys:
        return f"The data give information about each of the {len(population)} parameters of the population."
    return (
        f"The data do not identify {len(keys)} of the {len(population)} parameters of the population (the posterior's "
        f"SD is more than 0.8 of the prior's): {', '.join(keys)}. For these, the result is what was assumed."
    )


def verdict(met: bool, text: str) -> tree.Badge:
    """Return a word on green where something is as it should be."""
    return tree.Badge(text, "randomised" if met else "not-identified")


def sampler_table(report: CalibrationReport) -> tree.Table:
    """Return the checks of the sampler."""
    rows = [
        (check.label, check.value, check.required, verdict(check.met, "met" if check.met else "NOT MET"))
        for check in diagnostics(report)
    ]
    return tree.Table.of("Sampler", ("Check of the sampler", "Value", "Required", ""), rows)


def modes_list(report: CalibrationReport) -> tree.Items:
    """Return the modes: starts that led there, log posterior, share of the mass."""
    items = (
        f"Mode {number}: {mode.starts} of {report.settings.starts} starts, log posterior "
        f"{numbers.fixed(mode.log_posterior, 1)}, {numbers.amount(share, 'share')} of the posterior probability"
        for number, (mode, share) in enumerate(modes(report), 1)
    )
    return tree.Items(tuple(items))


def predictions_table(rows: Sequence[Prediction]) -> tree.Table:
    """Return predictions beside what was reported, by study."""
    heads = ("Prediction", "Reported", "Prior", "Posterior", "A trial of that size", "Inside")
    groups = tuple(
        tree.Group(tuple(_prediction(one) for one in some), study or "other")
        for study, some in groupby(rows, key=lambda one: one.study)
    )
    note = tree.Note("Intervals are 90 % intervals, ± is a standard error. Values are NRS points or shares.")
    return tree.Table("Predictions", heads, groups, ("Predictions. ", note), "wrapped")


def _prediction(one: Prediction) -> tree.Row:
    prior, posterior = amount(one.prior.median, one.unit), tree.Strong(amount(one.posterior.median, one.unit))
    known = [f"({interval(value.interval_90, one.unit)})" for value in (one.prior, one.posterior)]
    inside: tree.Content = numbers.ABSENT
    if one.inside is not None:
        badge = verdict(one.inside, "inside" if one.inside else "OUTSIDE")
        inside = badge if one.fitted else (badge, tree.Break(), tree.Note("not fitted"))
    cells = (
        reported_text(one.reported, one.unit),
        (prior, tree.Break(), known[0]),
        (posterior, tree.Break(), known[1]),
        interval(one.trial, one.unit),
        inside,
    )
    return tree.Row(one.label, cells)


_FAR = 1.5  # SDs of the prior beyond which data and prior contradict each other


def parameters_table(parameters: Mapping[str, ParameterReport]) -> tree.Table:
    """Return how far the data moved each parameter, and how well it was sampled."""
    heads = (
        *("Parameter", "Median (90 %)", "Unit", "Contraction", "Identified", "Shift", "Prior sensitivity"),
        *("R-hat", "Effective draws (bulk, tail)"),
    )
    rows: dict[str, list[tree.Row]] = {}
    for key, one in parameters.items():
        rows.setdefault(key.partition("@")[2], []).append(_parameter(key, one))
    groups = [tree.Group(tuple(some), f"of {study or 'the population'}") for study, some in rows.items()]
    title = ("Parameters. ", tree.Note(TEXTS.contraction))
    return tree.Table("Parameters", heads, tuple(groups), title, "wrapped")


def _parameter(key: str, one: ParameterReport) -> tree.Row:
    name = key.partition("@")[0]
    places = len(numbers.number(max(map(abs, one.interval_90))).partition(".")[2])  # finer is not known
    shift = numbers.fixed(one.shift, 2) + (" FAR" if abs(one.shift) > _FAR else "")
    cells = (
        (tree.Strong(numbers.fixed(one.median, places)), f" ({numbers.fixed_interval(one.interval_90, places)})"),
        unit_name(one.unit),
        numbers.fixed(one.contraction, 2),
        verdict(one.identified, "yes" if one.identified else "NO"),
        tree.Strong(shift) if abs(one.shift) > _FAR else shift,
        numbers.fixed(one.prior_sensitivity, 2),
        numbers.fixed(one.rhat, 3),
        f"{numbers.fixed(one.ess_bulk, 0)}, {numbers.fixed(one.ess_tail, 0)}",
    )
    return tree.Row((name, tree.Break(), tree.Note(parameter_name(name))), cells)


def predicted(predictions: Sequence[Prediction]) -> list[tree.Figure]:
    """Return what was reported and predicted, a figure for each unit, its rows by study."""
    figures: list[tree.Figure] = []
    for unit, (heading, axis) in _UNITS.items():
        if some := [one for one in predictions if one.unit == unit]:
            rows = _predicted(some, axis, 100.0 if unit == "share" else 1.0)
            plot = rows.plot(f"{heading}; the same numbers stand in the table of predictions.", zero=True)
            caption = "Read as above." if figures else TEXTS.predicted
            figures.append(tree.Figure(heading, (tree.Legend(_PREDICTED_KEYS), plot), caption))
    return figures


def _predicted(predictions: Sequence[Prediction], axis: str, scale: float) -> Rows:
    known = [
        (*one.prior.interval_90, *one.posterior.interval_90, *(one.trial or ()), *limits(one.reported))
        for one in predictions
    ]
    rows = Rows(axis, *((-2.0, 102.0) if scale == 100.0 else span([*chain(*known)], 0.0, 8.0)))
    for study, some in groupby(predictions, key=lambda one: one.study):
        rows.heading(study or "other")
        for one in some:
            notes = ("" if one.fitted else "not fitted", "outside" if one.inside is False else "")
            rows.row(one.label, "" if one.reported is None else ", ".join(filter(None, notes)))
            _row(rows, one, scale)
    return rows


def _row(rows: Rows, one: Prediction, scale: float) -> None:
    """Draw, from above: the report with its error or limits, the posterior within a trial of that size, the prior."""

    def line(name: str, ends: tuple[float, float], colour: str, width: float, shift: float) -> str:
        text = f"{name}, 90 % {interval(ends, one.unit)}"
        rows.interval(scale * ends[0], scale * ends[1], colour, width, shift, text)
        return text

    line(f"prior {amount(one.prior.median, one.unit)}", one.prior.interval_90, GREY, 2.4, 9)
    if one.trial is not None:
        line("a trial of that size", one.trial, BLUE, 1.4, 1)
    middle = one.posterior.median
    text = line(f"posterior {amount(middle, one.unit)}", one.posterior.interval_90, BLUE, 5, 1)
    rows.mark(scale * middle, BLUE, "circle", 1, text, 8)
    if (reported := one.reported) is None:
        return
    low, high = (end if end is None else scale * end for end in limits(reported))
    text = f"reported {reported_text(reported, one.unit)}"
    rows.interval(low, high, ORANGE, 5 if isinstance(reported, ReportedLimits) else 2, -7, text)
    if isinstance(reported, ReportedValue | ReportedCount):
        rows.mark(scale * reported.value, ORANGE, "diamond", -7, text, 10)


def movement(parameters: Mapping[str, ParameterReport]) -> tree.Figure:
    """Return how far the data moved each parameter from its prior, [SD of the prior]."""
    cells = []
    for local, heading in ((False, "Parameters of the population"), (True, "Parameters of single studies")):
        if some := {key: one for key, one in parameters.items() if ("@" in key) is local}:
            plot = _movement(some).plot(f"{heading}: how far the data moved them; numbers in the table.", zero=True)
            cells.append((heading, plot))
    blocks = (tree.Legend(_MOVEMENT_KEYS), tree.Panels(tuple(cells), wide=True))
    return tree.Figure("From prior to posterior", blocks, TEXTS.movement)


def _movement(parameters: Mapping[str, ParameterReport]) -> Rows:
    halves = {key: SDS_OF_90 * one.sd_over_prior for key, one in parameters.items()}
    ends = [one.shift + sign * halves[key] for key, one in parameters.items() for sign in (-1, 1)]
    rows = Rows("Posterior in SDs of the prior", *span(ends, -2.5, 2.5), row=34)
    rows.band(-SDS_OF_90, SDS_OF_90, GREY, whole=True)
    for key, one in parameters.items():
        value = f"{amount(one.median)} {unit_name(one.unit)}".rstrip()
        hover = f"{parameter_name(key)}: {value}, 90 % {interval(one.interval_90)}"
        hover += f"; contraction {numbers.fixed(one.contraction, 2)}"
        colour, width, mark = (BLUE, 3, "circle") if one.identified else (ORANGE, 1.6, "circle-open")
        rows.row(key)
        rows.interval(one.shift - halves[key], one.shift + halves[key], colour, width, 2, hover)
        rows.mark(one.shift, colour, mark, 2, hover, 10)
    return rows


def summary(reports: Mapping[str, CalibrationReport], seconds: Mapping[str, float]) -> tree.Document:
    """Return what a terminal shows of calibrations, by pain model, that took so long [s]."""
    document = page(list(reports.values()))
    minutes = (f"{pain_model(model)} {numbers.fixed(time / 60, 1)} min" for model, time in seconds.items())
    return replace(document, sections=document.sections[:-1], footer=(f"Time of this call: {', '.join(minutes)}.",))


def page(reports: Sequence[CalibrationReport], date: str = "") -> tree.Document:
    """Return the page of one or more calibrations, a report for each pain model."""
    rows = {one.pain: predictions(one, [other for other in reports if other is not one]) for one in reports}
    studies = [one.study for some in rows.values() for one in some if one.study]
    columns = []
    for one in reports:
        texts = (trust(one), predictions_summary(rows[one.pain]), unknown_summary(one))
        columns.append((tree.Heading(pain_model(one.pain).capitalize()), *map(tree.Paragraph, texts)))
    sections = (
        tree.Section("summary", "In short", (tree.Columns(tuple(columns)),)),
        *(_model(one, rows[one.pain]) for one in reports),
        tree.Section("sources", "Sources", (citations(studies),)),
    )
    version = f"Letheon {reports[0].letheon}"
    brand = f"{version}: calibration{f', {date}' if date else ''}"
    return tree.Document(_TITLE, sections, brand, _lead(reports, rows), made_by(version, "letheon calibrate"))


def _lead(reports: Sequence[CalibrationReport], rows: Mapping[str, Sequence[Prediction]]) -> str:
    models = " and ".join(f"the {pain_model(one.pain)} model" for one in reports)
    fitted = {one.study for some in rows.values() for one in some if one.fitted and one.study}
    return (
        f"{models[:1].upper()}{models[1:]} {'were' if len(reports) > 1 else 'was'} fitted to what "
        f"{numbers.count(len(fitted), 'published study', 'published studies')} reported, patients counted once, with "
        f"each value as uncertain as its trial left it. Agreement with the trials below is agreement with what was "
        "fitted; only trials that were held out can show that a model predicts."
    )


def _model(report: CalibrationReport, rows: Sequence[Prediction]) -> tree.Section:
    keys = list(report.modes[0].at)
    places = [(key, *(amount(mode.at.get(key)) for mode, _ in modes(report))) for key in keys]
    heads = ("Parameter", *(f"mode {number}" for number in range(1, len(report.modes) + 1)))
    name = pain_model(report.pain).capitalize()
    blocks = (
        tree.Paragraph(f"{effort(report)}.", "small"),
        *predicted(rows),
        movement(report.parameters),
        sampler_table(report),
        tree.Heading("Modes"),
        modes_list(report),
        tree.Details("Where the modes are", (tree.Table.of("Where the modes are", heads, places),), screen=True),
        parameters_table(report.parameters),
        predictions_table(rows),
        tree.Paragraph(TEXTS.trial, "small"),
        *([contrasts_table(report)] if report.contrasts else []),
    )
    return tree.Section(report.pain, f"{name} model", blocks, name)
