"""The page of a calibration: one HTML file that opens in any browser, without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from letheon.views import calibration_figures, row_figures
from letheon.views import calibration_words as said
from letheon.views.report import figures, markup, words
from letheon.views.report import study_parts as parts
from letheon.views.report.page import frame

__all__ = ["render"]

_TITLE = "Calibration on published trials"
_READ = (
    "In each row: what was reported (orange), the posterior (blue), and the prior (grey). The thick blue line holds "
    "90 % of the posterior of the true value; the thin one is what a trial of that size would report, so the orange "
    "mark should lie within it. Where nothing orange is drawn, nothing was reported."
)
_MOVED = (
    "How far the data moved each parameter, in SDs of its prior: dots are posterior means, lines 90 % intervals, and "
    "the shaded band holds 90 % of the prior. A line as wide as the band means that the data say nothing. Point at a "
    "dot for its value."
)


def render(reports: Sequence[Mapping[str, Any]], date: str = "") -> str:
    """Return the page of one or more calibrations.

    Parameters
    ----------
    reports : sequence of mapping
        Reports (``calibration.json``), one for each pain model.
    date : str
        Day on which they were made.

    Returns
    -------
    str
        One page that holds its style, scripts and data; equal arguments give equal text.
    """
    shelf = figures.Shelf()
    contents = {"summary": "In short"} | {report["pain"]: _name(report).capitalize() for report in reports}
    contents["sources"] = "Sources"
    found = {report["pain"]: said.checks(report, [one for one in reports if one is not report]) for report in reports}
    sections = [_summary(reports, found)]
    sections += [_model(report, found[report["pain"]], shelf) for report in reports]
    studies = dict.fromkeys(check.study for some in found.values() for check in some if check.study)
    sections.append(markup.section("sources", "Sources", parts.sources(studies)))
    version = words.escape(reports[0]["letheon"])
    made = f", {words.escape(date)}" if date else ""
    return frame(
        f"{_TITLE}: Letheon",
        parts.header(f"Letheon {version}: calibration{made}", _TITLE, _lead(reports, found)),
        contents,
        sections,
        parts.footer(f"Letheon {version}; made by <code>letheon calibrate</code>."),
        shelf,
    )


def _name(report: Mapping[str, Any]) -> str:
    return words.pain_model(report["pain"])


def _lead(reports: Sequence[Mapping[str, Any]], found: Mapping[str, Sequence[said.Check]]) -> str:
    """Return what was done and how far to trust it."""
    models = " and ".join(f"the {_name(report)} model" for report in reports)
    fitted = {check.study for some in found.values() for check in some if check.fitted and check.study}
    good = [report for report in reports if all(test.passed for test in said.diagnostics(report))]
    if len(good) == len(reports):
        trust = "The sampler has converged, so the draws are those of the posterior"
    elif good:
        names = " and ".join(f"{_name(report)}" for report in good)
        trust = f"The sampler has converged for {names} only; the other draws are good for a first look"
    else:
        trust = "The sampler has not converged: these draws are good for a first look, not for results"
    unknown = sum(len(said.unknown(report)) for report in reports)
    total = sum("@" not in name for report in reports for name in report["parameters"])
    return (
        f"{models[:1].upper()}{models[1:]} {'were' if len(reports) > 1 else 'was'} fitted to what "
        f"{words.plural(len(fitted), 'published study', 'published studies')} reported, patients counted once, with "
        f"each value as uncertain as its trial left it. {trust}. The data say little about {unknown} of "
        f"{words.plural(total, 'parameter')}: for these, the result is what was assumed. Agreement with the trials "
        "below is agreement with what was fitted; only trials that were held out can show that a model predicts."
    )


def _summary(reports: Sequence[Mapping[str, Any]], found: Mapping[str, Sequence[said.Check]]) -> str:
    made = ""
    for report in reports:
        sentences = (said.trust(report), said.checks_sentence(found[report["pain"]]), said.unknown_sentence(report))
        told = "".join(f"<p>{parts.tidy(sentence)}</p>" for sentence in sentences)
        made += f"<div><h3>{_name(report).capitalize()}</h3>{told}</div>"
    return markup.section("summary", "In short", f'<div class="columns">{made}</div>')


def _model(report: Mapping[str, Any], found: Sequence[said.Check], shelf: figures.Shelf) -> str:
    pain = report["pain"]
    content = (
        f'<p class="small">{parts.tidy(said.effort(report["settings"]))}.</p>'
        + _predicted(found, shelf)
        + _moved(report, shelf)
        + _sampler(report)
        + _parameters(report)
        + _checks(found)
    )
    return markup.section(words.escape(pain), f"{_name(report).capitalize()} model", content)


def _predicted(found: Sequence[said.Check], shelf: figures.Shelf) -> str:
    keys = parts.legend(
        (
            (parts.swatch(row_figures.ORANGE, 2, "diamond"), f"reported, with its 90{words.THIN}% error"),
            (parts.swatch(row_figures.ORANGE, 5), "reported as a statement: its limits"),
            (parts.swatch(row_figures.BLUE, 5, "circle"), "posterior"),
            (parts.swatch(row_figures.BLUE, 1.4), "a trial of that size"),
            (parts.swatch(row_figures.GREY, 2.4), "prior"),
        )
    )
    made = ""
    for unit, heading in (("NRS", "Pain: reported and predicted"), ("share", "Shares: reported and predicted")):
        rows = calibration_figures.predictions(found, unit)
        if rows is not None:
            place = parts.placed(rows, shelf, f"{heading}; the same numbers stand in the table of predictions.", True)
            made += parts.figure(heading, keys + place, parts.tidy(_READ) if not made else "Read as above.")
    return made


def _moved(report: Mapping[str, Any], shelf: figures.Shelf) -> str:
    keys = parts.legend(
        (
            (parts.swatch(row_figures.BLUE, 3, "circle"), "identified by the data"),
            (parts.swatch(row_figures.ORANGE, 1.6, "circle-open"), "not identified"),
            (parts.swatch(row_figures.GREY, 0, "band"), f"90{words.THIN}% of the prior"),
        )
    )
    cells = ""
    for local, heading in ((False, "Parameters of the population"), (True, "Parameters of single studies")):
        rows = calibration_figures.movement(report, local)
        if rows is not None:
            place = parts.placed(rows, shelf, f"{heading}: how far the data moved them; numbers in the table.", True)
            cells += f'<div class="panel"><h4>{heading}</h4>{place}</div>'
    return parts.figure("From prior to posterior", f'{keys}<div class="panels wide">{cells}</div>', parts.tidy(_MOVED))


def _sampler(report: Mapping[str, Any]) -> str:
    body = "".join(
        markup.row(
            parts.tidy(test.label),
            (
                parts.tidy(test.found),
                parts.tidy(test.due),
                parts.verdict(test.passed, "met" if test.passed else "not met"),
            ),
        )
        for test in said.diagnostics(report)
    )
    heads = ("Check", "Found", "Due", "")
    table = markup.table("Sampler", heads, f"<tbody>{body}</tbody>", caption="Sampler")
    names = list(report["modes"][0]["at"])
    rows = [(name, *(said.significant(mode["at"].get(name)) for mode, _ in said.modes(report))) for name in names]
    columns = ["Parameter", *(f"mode {number}" for number in range(1, len(report["modes"]) + 1))]
    where = parts.table("Where the modes are", columns, rows)
    lines = "".join(f"<li>{parts.tidy(line[:1].upper() + line[1:])}</li>" for line in said.mode_lines(report))
    return (
        f"{table}<h3>Modes</h3><ul>{lines}</ul>"
        f'<details class="screen"><summary>Where the modes are</summary>{where}</details>'
    )


def _parameters(report: Mapping[str, Any]) -> str:
    rows = []
    for name, told in report["parameters"].items():
        low, high = map(said.significant, told["interval_90"])
        cells = (
            f"<b>{parts.tidy(said.significant(told['median']))}</b> ({parts.tidy(low)} to {parts.tidy(high)})",
            parts.tidy(said.unit_words(told["unit"])),
            parts.tidy(f"{told['contraction']:z.2f}"),
            parts.verdict(told["identified"], "identified" if told["identified"] else "not identified"),
            parts.tidy(_rounded(told["rhat"], 3)),
            parts.tidy(f"{_rounded(told['ess_bulk'], 0)}, {_rounded(told['ess_tail'], 0)}"),
        )
        label = f"{words.escape(name)}<br>{markup.note(parts.tidy(said.parameter_words(name)))}"
        rows.append(markup.row(label, cells))
    heads = ("Parameter", f"Median (90{words.THIN}% interval)", "Unit", "Contraction", "By the data", "R-hat")
    note = markup.note(
        "Contraction is 1 − variance of the posterior / variance of the prior; a little under 0 is noise."
    )
    return markup.table(
        "Parameters",
        (*heads, "Effective draws (bulk, tail)"),
        f"<tbody>{''.join(rows)}</tbody>",
        caption=f"Parameters {note}",
        kind="wrapped",
    )


def _rounded(value: float | None, digits: int) -> str:
    return said.ABSENT if value is None else f"{value:.{digits}f}"


def _checks(found: Sequence[said.Check]) -> str:
    rows = []
    for check in found:
        posterior = check.posterior
        cells = (
            parts.tidy(said.reported_words(check)),
            parts.tidy(f"{said.amount(check.prior['median'], check.unit)} ({_between(check.prior, check.unit)})"),
            f"<b>{parts.tidy(said.amount(posterior['median'], check.unit))}</b> "
            f"({parts.tidy(_between(posterior, check.unit))})",
            parts.tidy(said.interval(check.trial, check.unit)),
            words.ABSENT if check.inside is None else parts.verdict(check.inside, _verdict(check)),
        )
        label = f"{parts.tidy(check.label)}<br>{markup.note(words.escape(check.study))}"
        rows.append(markup.row(label, cells))
    heads = ("Prediction", "Reported (± SE)", "Prior", "Posterior", "A trial of that size", "Inside")
    note = markup.note(f"Brackets and the trial of that size hold 90{words.THIN}%. NRS points, or shares.")
    body = f"<tbody>{''.join(rows)}</tbody>"
    return markup.table("Predictions", heads, body, caption=f"Predictions {note}", kind="wrapped")


def _between(told: Mapping[str, Any], unit: str) -> str:
    return said.interval(told["interval_90"], unit)


def _verdict(check: said.Check) -> str:
    return ("inside" if check.inside else "outside") + ("" if check.fitted else ", not fitted")
