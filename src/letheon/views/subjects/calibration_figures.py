"""Figures of a calibration: what was reported beside prior and posterior, and how far the data moved each parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from letheon.study.calibrate.document import ParameterReport, ReportedCount, ReportedValue
from letheon.views.document import numbers
from letheon.views.document.tree import Figure, Legend, Panels, Swatch
from letheon.views.figures.rows import BLUE, GREY, ORANGE, Rows, span
from letheon.views.subjects.calibration_facts import (
    SDS_OF_90,
    Prediction,
    amount,
    interval,
    limits,
    parameter_name,
    reported_text,
    unit_name,
)


_UNITS = {
    "NRS": ("Pain: reported and predicted", "Pain, or a difference of pain (NRS points, 0–10)"),
    "share": ("Shares: reported and predicted", "Share (%)"),
}
_PREDICTED_KEYS = (
    (Swatch(ORANGE, 2, mark="diamond"), "reported, with its 90 % error"),
    (Swatch(ORANGE, 5), "reported as a statement: its limits"),
    (Swatch(BLUE, 5, mark="circle"), "posterior"),
    (Swatch(BLUE, 1.4), "a trial of that size"),
    (Swatch(GREY, 2.4), "prior"),
)
_PREDICTED = (
    "In each row: what was reported (orange), the posterior (blue), and the prior (grey). The thick blue line holds "
    "90 % of the posterior of the true value; the thin one is what a trial of that size would report, so the orange "
    "mark should lie within it. Where nothing orange is drawn, nothing was reported."
)
_MOVEMENT_KEYS = (
    (Swatch(BLUE, 3, mark="circle"), "identified by the data"),
    (Swatch(ORANGE, 1.6, mark="circle-open"), "not identified"),
    (Swatch(GREY, 0, "band"), "90 % of the prior"),
)
_MOVEMENT = (
    "How far the data moved each parameter, in SDs of its prior: dots are posterior means, lines 90 % intervals, and "
    "the shaded band holds 90 % of the prior. A line as wide as the band means that the data add nothing. Point at a "
    "dot for its value."
)


def predicted(predictions: Sequence[Prediction]) -> list[Figure]:
    """Return what was reported and predicted, a figure for each unit, its rows by study."""
    figures: list[Figure] = []
    for unit, (heading, axis) in _UNITS.items():
        if some := [one for one in predictions if one.unit == unit]:
            rows = _predicted(some, axis, 100.0 if unit == "share" else 1.0)
            plot = rows.plot(f"{heading}; the same numbers stand in the table of predictions.", zero=True)
            caption = "Read as above." if figures else _PREDICTED
            figures.append(Figure(heading, (Legend(_PREDICTED_KEYS), plot), caption))
    return figures


def _predicted(predictions: Sequence[Prediction], axis: str, scale: float) -> Rows:
    ends = [scale * end for one in predictions for end in _ends(one) if end is not None]
    low, high = (-2.0, 102.0) if scale == 100.0 else span(ends, 0.0, 8.0)
    rows = Rows(axis, low, high)
    for study, some in groupby(predictions, key=lambda one: one.study):
        rows.heading(study or "other")
        for one in some:
            notes = ("" if one.fitted else "not fitted", "outside" if one.inside is False else "")
            rows.row(one.label, "" if one.reported is None else ", ".join(filter(None, notes)))
            _row(rows, one, scale, low, high)
    return rows


def _ends(one: Prediction) -> tuple[float | None, ...]:
    reported = () if one.reported is None else limits(one.reported)
    return (*one.prior.interval_90, *one.posterior.interval_90, *(one.trial or ()), *reported)


def _row(rows: Rows, one: Prediction, scale: float, low: float, high: float) -> None:
    """Draw, from above: the report with its error or limits, the posterior within a trial of that size, the prior."""

    def hover(name: str, value: float, ends: tuple[float, float]) -> str:
        return f"{name} {amount(value, one.unit)}, 90 % {interval(ends, one.unit)}"

    def line(ends: tuple[float, float], colour: str, width: float, shift: float, text: str) -> None:
        rows.interval(scale * ends[0], scale * ends[1], colour, width, shift, text)

    line(one.prior.interval_90, GREY, 2.4, 9, hover("prior", one.prior.median, one.prior.interval_90))
    if one.trial is not None:
        line(one.trial, BLUE, 1.4, 1, f"a trial of that size, 90 % {interval(one.trial, one.unit)}")
    posterior = hover("posterior", one.posterior.median, one.posterior.interval_90)
    line(one.posterior.interval_90, BLUE, 5, 1, posterior)
    rows.mark(scale * one.posterior.median, BLUE, "circle", 1, posterior, 8)
    if one.reported is None:
        return
    start, end = limits(one.reported)
    ends = low if start is None else scale * start, high if end is None else scale * end
    text = f"reported {reported_text(one.reported, one.unit)}"
    if isinstance(one.reported, ReportedValue | ReportedCount):
        rows.interval(*ends, ORANGE, 2, -7, text)
        rows.mark(scale * one.reported.value, ORANGE, "diamond", -7, text, 10)
    else:
        rows.interval(*ends, ORANGE, 5, -7, text)


def movement(parameters: Mapping[str, ParameterReport]) -> Figure:
    """Return how far the data moved each parameter from its prior, [SD of the prior]."""
    cells = []
    for local, heading in ((False, "Parameters of the population"), (True, "Parameters of single studies")):
        some = {key: one for key, one in parameters.items() if ("@" in key) is local}
        if some:
            plot = _movement(some).plot(f"{heading}: how far the data moved them; numbers in the table.", zero=True)
            cells.append((heading, plot))
    return Figure("From prior to posterior", (Legend(_MOVEMENT_KEYS), Panels(tuple(cells), wide=True)), _MOVEMENT)


def _movement(parameters: Mapping[str, ParameterReport]) -> Rows:
    halves = {key: SDS_OF_90 * one.sd_over_prior for key, one in parameters.items()}
    ends = [one.shift + sign * halves[key] for key, one in parameters.items() for sign in (-1, 1)]
    rows = Rows("Posterior in SDs of the prior", *span(ends, -2.5, 2.5), row=34)
    rows.band(-SDS_OF_90, SDS_OF_90, GREY, whole=True)
    for key, one in parameters.items():
        value = f"{amount(one.median)} {unit_name(one.unit)}".rstrip()
        hover = (
            f"{parameter_name(key)}: {value}, 90 % {interval(one.interval_90)}; "
            f"contraction {numbers.fixed(one.contraction, 2)}"
        )
        colour, width, mark = (BLUE, 3, "circle") if one.identified else (ORANGE, 1.6, "circle-open")
        rows.row(key)
        rows.interval(one.shift - halves[key], one.shift + halves[key], colour, width, 2, hover)
        rows.mark(one.shift, colour, mark, 2, hover, 10)
    return rows
