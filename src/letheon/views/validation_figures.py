"""Figures of a validation: chances of what was found, quantities with intervals, and the tornado."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from letheon.views import validation_words as words
from letheon.views.calibration_words import PAIN_MODELS, SPREAD_OF_90, amount
from letheon.views.row_figures import BLUE, GREEN, GREY, ORANGE, Rows, span

__all__ = ["COLOURS", "SYMBOLS", "chances", "quantities", "tornado"]

COLOURS = {"memory": BLUE, "slow_site": ORANGE}
SYMBOLS = {"memory": "circle", "slow_site": "diamond-open"}


def chances(document: Mapping[str, Any]) -> Rows:
    """Return the chance that each model gave to what each study found.

    Parameters
    ----------
    document : mapping
        Document of a validation.

    Returns
    -------
    Rows
    """
    rows = Rows("Chance given to what was found (%)", -2.0, 102.0)
    for study in document["studies"]:
        rows.row(study["study"])
        for place, (model, entry) in enumerate(study["models"].items()):
            shift = 8.0 * place - 3.0
            said = f"{PAIN_MODELS.get(model, model)}: {words.chance(entry)}; log score {entry['log_score']:.2f}"
            middle, error = 100 * entry["chance"], 100 * SPREAD_OF_90 * (entry.get("mc_se") or 0.0)
            colour = COLOURS.get(model, GREEN)
            if error:
                rows.interval(max(middle - error, 0.0), min(middle + error, 100.0), colour, 2, shift, said)
            rows.mark(middle, colour, SYMBOLS.get(model, "square"), shift, said, 10)
    return rows


def quantities(study: Mapping[str, Any]) -> Rows:
    """Return what a study measured, as each model predicts it: thick lines hold 50 %, thin ones 90 %.

    Where the document says in which region the report lies, it is shaded.

    Parameters
    ----------
    study : mapping
        Entry of a study.

    Returns
    -------
    Rows
    """
    entries = list(study["models"].items())
    first = entries[0][1]["quantities"]
    units = {told["unit"] for told in first}
    unit = units.pop() if len(units) == 1 else "1"
    ends = [end for _, entry in entries for told in entry["quantities"] for end in told["intervals"]["90"]]
    edges = [edge for told in first for edge in told.get("region") or ()]
    title = "Statistic of the test (t)" if unit == "1" else f"Predicted ({unit})"
    low, high = span([*ends, *edges], 0.0, 1.0)
    rows = Rows(title, low, high)
    for place, told in enumerate(first):
        rows.row(told["quantity"], f"seen: {told['observed']}")
        if (region := told.get("region")) is not None:
            start, end = (edge if edge is not None else (low, high)[i] for i, edge in enumerate(region))
            # a single value is shown as wide as a mark
            wide = 0.006 * (high - low) if start == end else 0.0
            rows.band(start - wide, end + wide, GREEN)
        for number, (model, entry) in enumerate(entries):
            _quantity(rows, model, entry["quantities"][place], 8.0 * number - 3.0)
    return rows


def _quantity(rows: Rows, model: str, told: Mapping[str, Any], shift: float) -> None:
    colour = COLOURS.get(model, GREEN)
    said = (
        f"{PAIN_MODELS.get(model, model)}: {amount(told['median'], '')}, 50 % {words.quantity_interval(told, '50')}, "
        f"90 % {words.quantity_interval(told, '90')}; chance of what was seen {words.percent(told['chance'])}"
    )
    for level, width in (("90", 1.6), ("50", 5)):
        low, high = told["intervals"][level]
        rows.interval(low, high, colour, width, shift, said)
    rows.mark(told["median"], colour, SYMBOLS.get(model, "square"), shift, said, 9)


def tornado(sensitivity: Mapping[str, Any], model: str, outcome: str) -> Rows:
    """Return the tornado of a model and an outcome.

    Parameters
    ----------
    sensitivity : mapping
        From `letheon.study.validate.sensitivity.tornado`.
    model, outcome : str
        Which one.

    Returns
    -------
    Rows
        The widest row first; blue to the first end, orange to the second, a grey mark where it stands.
    """
    of = {(m, o): (label, base) for m, o, label, base in words.outcomes(sensitivity)}
    label, base = of[model, outcome]
    found = words.bars(sensitivity, model, outcome)
    ends = [end for bar in found for end in (bar.low, bar.high, base)]
    known = [end for end in ends if end is not None]
    rows = Rows(_axis(label), *span(known, min(known, default=0.0), max(known, default=0.0)), stacked=True)
    for bar in found:
        rows.row(bar.assumption, f"{bar.low_label} | {bar.high_label}")
        for end, name, colour, shift in ((bar.low, bar.low_label, BLUE, -2.0), (bar.high, bar.high_label, ORANGE, 6.0)):
            if end is not None and base is not None:
                rows.interval(
                    min(base, end), max(base, end), colour, 7, shift, f"{name}: {end:.1f} (as it is: {base:.1f})"
                )
        if base is not None:
            rows.mark(base, GREY, "line-ns-open", 2.0, f"as it is: {base:.1f}", 16)
    return rows


def _axis(label: str) -> str:
    """Return the title of an axis: what it counts, without the conditions."""
    return label.split(",")[0][:1].upper() + label.split(",")[0][1:]
