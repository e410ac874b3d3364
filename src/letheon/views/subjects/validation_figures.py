"""Figures of a validation: chances given to results, quantities with intervals, and the tornado."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from letheon.study.validate.document import HeldOutStudy, QuantityReport, SensitivityRow, Validation
from letheon.views.document import numbers
from letheon.views.document.tree import Figure, Legend, Plot, Swatch
from letheon.views.figures.rows import BLUE, GREEN, GREY, ORANGE, Rows, span
from letheon.views.subjects.calibration_facts import SDS_OF_90
from letheon.views.subjects.names import pain_model

__all__ = ["chances", "quantities", "tornado"]

_STYLES = {"memory": (BLUE, "circle"), "slow_site": (ORANGE, "diamond-open")}
_OTHER = (GREEN, "square")
_TORNADO_KEYS = (
    (Swatch(BLUE, 7), "changed to the first of the two values under its name"),
    (Swatch(ORANGE, 7), "changed to the second"),
)


def _legend(models: Iterable[str], *more: tuple[Swatch, str]) -> Legend:
    styles = ((model, *_STYLES.get(model, _OTHER)) for model in models)
    return Legend((*((Swatch(colour, 2, mark=mark), pain_model(model)) for model, colour, mark in styles), *more))


def chances(validation: Validation) -> Figure:
    """Return the chance that each model gave to the result of each study."""
    rows = Rows("Chance given to the result (%)", -2.0, 102.0)
    for study in validation.studies:
        rows.row(study.study)
        for place, (model, score) in enumerate(study.models.items()):
            (colour, mark), shift = _STYLES.get(model, _OTHER), 8.0 * place - 3.0
            middle, error = 100 * score.chance, 100 * SDS_OF_90 * (score.mc_se or 0.0)
            hover = (
                f"{pain_model(model)}: {numbers.amount(score.chance, 'share')} ± {numbers.amount(score.mc_se, 'share')}"
                f"; log score {numbers.fixed(score.log_score, 2)}"
            )
            if error:
                rows.interval(max(middle - error, 0.0), min(middle + error, 100.0), colour, 2, shift, hover)
            rows.mark(middle, colour, mark, shift, hover, 10)
    plot = rows.plot("Chance that each model gave to the result of each study; numbers in the table below.")
    caption = "Whiskers are the 90 % error of simulation. To the right is better."
    return Figure("Chance given to the result", (_legend(validation.total.log_score), plot), caption)


def quantities(study: HeldOutStudy) -> Figure:
    """Return what a study measured, as each model predicts it; where the report lies is shaded."""
    models = list(study.models.items())
    first = models[0][1].quantities
    units = {one.unit for one in first}
    unit = units.pop() if len(units) == 1 else "1"
    ends = [end for _, score in models for one in score.quantities for end in one.interval_90]
    low, high = span([*ends, *(edge for one in first for edge in one.region)], 0.0, 1.0)
    rows = Rows("Statistic of the test (t)" if unit == "1" else f"Predicted ({unit})", low, high)
    for place, one in enumerate(first):
        rows.row(one.quantity, f"observed: {one.observed}")
        start, end = (edge if edge is not None else (low, high)[i] for i, edge in enumerate(one.region))
        wide = 0.006 * (high - low) if start == end else 0.0  # a single value is shown as wide as a mark
        rows.band(start - wide, end + wide, GREEN)
        for number, (model, score) in enumerate(models):
            _quantity(rows, model, score.quantities[place], 8.0 * number - 3.0)
    legend = _legend(study.models, (Swatch(GREEN, 0, "band"), "where the report lies"))
    plot = rows.plot(f"{study.study}: numbers in the table.", zero=True)
    return Figure("Predicted and seen", (legend, plot), "Thick lines hold 50 % of simulated trials, thin ones 90 %.")


def _quantity(rows: Rows, model: str, one: QuantityReport, shift: float) -> None:
    colour, mark = _STYLES.get(model, _OTHER)
    half, most = (numbers.fixed_interval(one.intervals[level], 1) for level in ("50", "90"))
    hover = (
        f"{pain_model(model)}: {numbers.fixed(one.median, 1)}, 50 % {half}, 90 % {most}; "
        f"chance of what was seen {numbers.amount(one.chance, 'share')}"
    )
    for level, width in (("90", 1.6), ("50", 5)):
        rows.interval(*one.intervals[level], colour, width, shift, hover)
    rows.mark(one.median, colour, mark, shift, hover, 9)


def tornado(bars: Sequence[SensitivityRow], base: float | None, model: str, label: str) -> tuple[Legend, Plot]:
    """Return a tornado: blue to the first end, orange to the second, a grey mark at the baseline."""
    known = [end for bar in bars for end in (bar.low, bar.high, base) if end is not None]
    title = label.split(",")[0]  # what it counts, without the conditions
    axis = span(known, min(known, default=0.0), max(known, default=0.0))
    rows = Rows(f"{title[:1].upper()}{title[1:]}", *axis, stacked=True)
    for bar in bars:
        rows.row(bar.assumption, f"{bar.low_label} | {bar.high_label}")
        if base is None:
            continue
        at = f"baseline: {numbers.fixed(base, 1)}"
        for end, name, colour, shift in ((bar.low, bar.low_label, BLUE, -2.0), (bar.high, bar.high_label, ORANGE, 6.0)):
            hover = f"{name}: {numbers.fixed(end, 1)} ({at})"
            rows.interval(min(base, end), max(base, end), colour, 7, shift, hover)
        rows.mark(base, GREY, "line-ns-open", 2.0, at, 16)
    plot = rows.plot(f"Tornado, {pain_model(model)}, {label}: the numbers stand in the table below it.")
    return Legend(_TORNADO_KEYS), plot
