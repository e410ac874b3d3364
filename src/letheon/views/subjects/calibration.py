"""A calibration: sampler, modes, predictions beside what was reported, and what the data tell of each parameter."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from letheon.definitions import PAGE_NOTICE
from letheon.study.calibrate.document import CalibrationReport, ModeReport, ParameterReport
from letheon.study.records import Estimate
from letheon.views.document import numbers
from letheon.views.document.tree import (
    Badge,
    Block,
    Break,
    CodeText,
    Columns,
    Content,
    Details,
    Document,
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
from letheon.views.subjects.calibration_facts import (
    Prediction,
    amount,
    interval,
    parameter_name,
    predictions,
    reported_text,
    unit_name,
)
from letheon.views.subjects.calibration_figures import movement, predicted
from letheon.views.subjects.names import pain_model
from letheon.views.subjects.studies import citations

__all__ = [
    "Diagnostic",
    "diagnostics",
    "effort",
    "modes",
    "modes_list",
    "page",
    "parameters_table",
    "predictions_summary",
    "predictions_table",
    "sampler_table",
    "summary",
    "trust",
    "unknown",
    "unknown_summary",
    "verdict",
]

_TITLE = "Calibration on published trials"
_TRIAL = (
    "A trial of that size: the 90 % interval of what such a trial would report; where it is not known, inside or "
    "outside is judged by the posterior."
)
_CONTRACTION = (
    "Contraction is 1 minus the posterior's variance over the prior's: at 1 the data determine the parameter, at 0 "
    "they add nothing; a little under 0 is noise."
)


# --- facts ---


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
        ("Pareto k of the full mesh", report.full_mesh.pareto_k, 2, "below 0.7", lambda value: value < 0.7),
    )
    return [
        Diagnostic(label, numbers.fixed(value, decimals), required, value is not None and is_met(value))
        for label, value, decimals, required, is_met in checks
    ]


def unknown(report: CalibrationReport) -> list[str]:
    """Return the parameters of the population that the data do not identify."""
    return [key for key, one in report.parameters.items() if not one.identified and "@" not in key]


def modes(report: CalibrationReport) -> list[tuple[ModeReport, float]]:
    """Return the modes, the heaviest first, with their share of the mass by the Laplace approximation."""
    top = max(mode.log_mass for mode in report.modes)
    masses = [math.exp(mode.log_mass - top) for mode in report.modes]
    return [(mode, mass / sum(masses)) for mode, mass in zip(report.modes, masses, strict=True)]


# --- sentences ---


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
            "another question, which only trials that it never saw can answer."
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
    return " ".join(parts)


def unknown_summary(report: CalibrationReport) -> str:
    """Return what the data do not identify."""
    keys, total = unknown(report), sum("@" not in key for key in report.parameters)
    if not keys:
        return f"The data give information about each of the {total} parameters of the population."
    return (
        f"The data do not identify {len(keys)} of the {total} parameters of the population (the posterior's SD is more "
        f"than 0.8 of the prior's): {', '.join(keys)}. For these, the result is what was assumed."
    )


# --- tables ---


def verdict(met: bool, text: str) -> Badge:
    """Return a word on green where something is as it should be."""
    return Badge(text, "randomised" if met else "not-identified")


def sampler_table(report: CalibrationReport) -> Table:
    """Return the checks of the sampler."""
    rows = [
        (check.label, check.value, check.required, verdict(check.met, "met" if check.met else "NOT MET"))
        for check in diagnostics(report)
    ]
    return Table.of("Sampler", ("Check of the sampler", "Value", "Required", ""), rows)


def modes_list(report: CalibrationReport) -> Items:
    """Return the modes: starts that led there, log posterior, share of the mass."""
    return Items(
        tuple(
            f"Mode {number}: {mode.starts} of {report.settings.starts} starts, log posterior "
            f"{numbers.fixed(mode.log_posterior, 1)}, {numbers.amount(share, 'share')} of the mass"
            for number, (mode, share) in enumerate(modes(report), 1)
        )
    )


def predictions_table(rows: Sequence[Prediction], full: bool = True) -> Table:
    """Return predictions beside what was reported, by study; the interval of the prior only where there is room."""
    heads = ("Prediction", "Reported", "Prior", "Posterior", "A trial of that size", "Inside")
    groups = tuple(
        Group(tuple(_prediction(one, full) for one in some), study or "other")
        for study, some in groupby(rows, key=lambda one: one.study)
    )
    note = Note("Brackets and the trial of that size hold 90 %, ± is a standard error. NRS points, or shares.")
    return Table("Predictions", heads, groups, ("Predictions. ", note), "wrapped")


def _prediction(one: Prediction, full: bool) -> Row:
    cells = (
        reported_text(one.reported, one.unit),
        _estimate(one.prior, one.unit, strong=False) if full else amount(one.prior.median, one.unit),
        _estimate(one.posterior, one.unit),
        interval(one.trial, one.unit),
        numbers.ABSENT if one.inside is None else _inside(one),
    )
    return Row(one.label, cells)


def _inside(one: Prediction) -> Content:
    badge = verdict(bool(one.inside), "inside" if one.inside else "OUTSIDE")
    return badge if one.fitted else (badge, Break(), Note("not fitted"))


def _estimate(value: Estimate, unit: str, strong: bool = True) -> Content:
    text = amount(value.median, unit)
    return (Strong(text) if strong else text, Break(), f"({interval(value.interval_90, unit)})")


def parameters_table(parameters: Mapping[str, ParameterReport], full: bool = True) -> Table:
    """Return how far the data moved each parameter; what it is, and how well it was sampled, where there is room."""
    heads = ("Parameter", "Median (90 %)", "Unit", "Contraction", "Identified")
    more = ("R-hat", "Effective draws (bulk, tail)") if full else ()
    rows: dict[str, list[Row]] = {}
    for key, one in parameters.items():
        rows.setdefault(key.partition("@")[2], []).append(_parameter(key, one, full))
    groups = [Group(tuple(some), f"of {study or 'the population'}") for study, some in rows.items()]
    return Table("Parameters", (*heads, *more), tuple(groups), ("Parameters. ", Note(_CONTRACTION)), "wrapped")


def _parameter(key: str, one: ParameterReport, full: bool) -> Row:
    name = key.partition("@")[0]
    places = len(numbers.number(max(map(abs, one.interval_90))).partition(".")[2])  # finer is not known
    cells = (
        (Strong(numbers.fixed(one.median, places)), f" ({numbers.fixed_interval(one.interval_90, places)})"),
        unit_name(one.unit),
        numbers.fixed(one.contraction, 2),
        verdict(one.identified, "yes" if one.identified else "NO"),
    )
    if not full:
        return Row(name, cells)
    draws = f"{numbers.fixed(one.ess_bulk, 0)}, {numbers.fixed(one.ess_tail, 0)}"
    return Row((name, Break(), Note(parameter_name(name))), (*cells, numbers.fixed(one.rhat, 3), draws))


# --- documents ---


def summary(reports: Mapping[str, CalibrationReport], seconds: Mapping[str, float]) -> Document:
    """Return what a terminal shows of calibrations, by pain model, that took so long [s]."""
    sections = []
    for model, report in reports.items():
        rows = predictions(report, [one for other, one in reports.items() if other != model])
        sections += [
            Section(
                model,
                f"Calibration of the {pain_model(model)} model",
                (
                    Paragraph(f"{effort(report)}; {numbers.fixed(seconds[model] / 60, 1)} min in this call"),
                    sampler_table(report),
                    modes_list(report),
                    Paragraph(trust(report)),
                ),
            ),
            Section("", "", (parameters_table(report.parameters, False), Paragraph(unknown_summary(report)))),
            Section("", "", (predictions_table(rows, False), Paragraph(_TRIAL), Paragraph(predictions_summary(rows)))),
        ]
    return Document("", tuple(sections))


def page(reports: Sequence[CalibrationReport], date: str = "") -> Document:
    """Return the page of one or more calibrations, a report for each pain model."""
    rows = {one.pain: predictions(one, [other for other in reports if other is not one]) for one in reports}
    studies = [one.study for some in rows.values() for one in some if one.study]
    columns = tuple(tuple(_in_short(one, rows[one.pain])) for one in reports)
    sections = (
        Section("summary", "In short", (Columns(columns),)),
        *(_model(one, rows[one.pain]) for one in reports),
        Section("sources", "Sources", (citations(studies),)),
    )
    version = f"Letheon {reports[0].letheon}"
    return Document(
        _TITLE,
        sections,
        brand=f"{version}: calibration{f', {date}' if date else ''}",
        lead=_lead(reports, rows),
        footer=((f"{version}; made by ", CodeText("letheon calibrate"), f". {PAGE_NOTICE}"),),
    )


def _lead(reports: Sequence[CalibrationReport], rows: Mapping[str, Sequence[Prediction]]) -> str:
    models = " and ".join(f"the {pain_model(one.pain)} model" for one in reports)
    fitted = {one.study for some in rows.values() for one in some if one.fitted and one.study}
    good = [one for one in reports if all(check.met for check in diagnostics(one))]
    if len(good) == len(reports):
        converged = "The sampler has converged, so the draws are those of the posterior"
    elif good:
        names = " and ".join(pain_model(one.pain) for one in good)
        converged = f"The sampler has converged for {names} only; use the other draws for a first look only"
    else:
        converged = "The sampler has not converged: use these draws for a first look only, not for results"
    few = sum(len(unknown(one)) for one in reports)
    total = sum("@" not in key for one in reports for key in one.parameters)
    return (
        f"{models[:1].upper()}{models[1:]} {'were' if len(reports) > 1 else 'was'} fitted to what "
        f"{numbers.count(len(fitted), 'published study', 'published studies')} reported, patients counted once, with "
        f"each value as uncertain as its trial left it. {converged}. The data say little about {few} of "
        f"{numbers.count(total, 'parameter')}: for these, the result is what was assumed. Agreement with the trials "
        "below is agreement with what was fitted; only trials that were held out can show that a model predicts."
    )


def _in_short(report: CalibrationReport, rows: Sequence[Prediction]) -> Iterator[Block]:
    yield Heading(pain_model(report.pain).capitalize())
    yield from map(Paragraph, (trust(report), predictions_summary(rows), unknown_summary(report)))


def _model(report: CalibrationReport, rows: Sequence[Prediction]) -> Section:
    keys = list(report.modes[0].at)
    places = [(key, *(amount(mode.at.get(key)) for mode, _ in modes(report))) for key in keys]
    heads = ("Parameter", *(f"mode {number}" for number in range(1, len(report.modes) + 1)))
    name = pain_model(report.pain).capitalize()
    blocks = (
        Paragraph(f"{effort(report)}.", "small"),
        *predicted(rows),
        movement(report.parameters),
        sampler_table(report),
        Heading("Modes"),
        modes_list(report),
        Details("Where the modes are", (Table.of("Where the modes are", heads, places),), screen=True),
        parameters_table(report.parameters),
        predictions_table(rows),
        Paragraph(_TRIAL, "small"),
    )
    return Section(report.pain, f"{name} model", blocks, name)
