"""The page of a validation: held-out trials, timing, and which assumption matters, in one HTML file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from letheon.views import row_figures, validation_figures
from letheon.views import validation_words as said
from letheon.views.calibration_words import ABSENT
from letheon.views.report import figures, markup, words
from letheon.views.report import study_parts as parts
from letheon.views.report.page import frame

__all__ = ["render"]

_TITLE = "Validation on trials that no model saw"


def render(document: Mapping[str, Any], letheon: str, sensitivity: Mapping[str, Any] | None = None) -> str:
    """Return the page of a validation.

    Parameters
    ----------
    document : mapping
        From `letheon.study.validate.held_out.validate`.
    letheon : str
        Version.
    sensitivity : mapping, optional
        From `letheon.study.validate.sensitivity.tornado`.

    Returns
    -------
    str
        One page that holds its style, scripts and data; equal arguments give equal text.
    """
    shelf = figures.Shelf()
    contents = {"summary": "In short", "studies": "Study by study"}
    sections = [_summary(document, shelf), _studies(document, shelf)]
    if document.get("timing"):
        contents["timing"] = "Timing"
        sections.append(_timing(document))
    if "between_studies" in document:
        contents["between"] = "If studies differ"
        sections.append(_between(document["between_studies"]))
    if sensitivity is not None:
        contents["sensitivity"] = "What matters"
        sections.append(_sensitivity(sensitivity, shelf))
    contents["sources"] = "Sources"
    studies = dict.fromkeys(study["study"] for study in document["studies"])
    studies |= dict.fromkeys(row["course"].split(",")[0] for row in document.get("timing", ()))
    sections.append(markup.section("sources", "Sources", parts.sources(studies)))
    version = words.escape(letheon)
    return frame(
        f"{_TITLE}: Letheon",
        parts.header(f"Letheon {version}: validation", _TITLE, _lead(document)),
        contents,
        sections,
        parts.footer(f"Letheon {version}; made by <code>letheon validate</code>."),
        shelf,
    )


def _models(document: Mapping[str, Any]) -> dict[str, str]:
    return {model: words.pain_model(model) for model in said.models(document)}


def _lead(document: Mapping[str, Any]) -> str:
    count = words.plural(len(document["studies"]), "held-out trial")
    return (
        f"{count[:1].upper()}{count[1:]} were simulated as they were run, with as many patients and a diary each, "
        "under draws of what calibration left open. What a trial found counts as an event, and each model is scored by "
        f"the chance that it gave to it. {parts.tidy(said.verdict(document))}"
    )


def _summary(document: Mapping[str, Any], shelf: figures.Shelf) -> str:
    names = _models(document)
    place = parts.placed(
        validation_figures.chances(document), shelf, "Chance that each model gave to what each study found; as below."
    )
    body = "".join(
        markup.row(
            f"{words.escape(study['study'])}<br>{markup.note(parts.tidy(study['event']))}",
            (
                f"{parts.tidy(said.chance(study['models'][m]))}; {_score(study['models'][m]['log_score'])}"
                for m in names
            ),
        )
        for study in document["studies"]
    )
    total = markup.row("<b>Total log score</b>", (_score(document["total"]["log_score"][m]) for m in names))
    note = markup.note("Chance ± error of simulation; log score. A higher score is better, 0 is the best.")
    table = markup.table(
        "Scores",
        ("Study and what it found", *names.values()),
        f"<tbody>{body}{total}</tbody>",
        caption=f"Scores {note}",
        kind="wrapped",
    )
    expected = f"<p>{parts.tidy(said.expected_sentence(document))}</p>"
    missed = "".join(f"<li>{parts.tidy(sentence)}</li>" for sentence in said.misses(document))
    missed = f'<h3>Misses</h3><ul class="warnings">{missed}</ul>' if missed else ""
    caption = f"Whiskers are the 90{words.THIN}% error of simulation. To the right is better."
    chart = parts.figure("Chance given to what was found", _legend(document) + place, caption)
    return markup.section("summary", "In short", f"{chart}{table}{expected}{missed}")


def _score(value: float) -> str:
    return parts.tidy(f"{value:z.2f}")


def _legend(document: Mapping[str, Any], *more: tuple[str, str]) -> str:
    keys = [
        (
            parts.swatch(
                validation_figures.COLOURS.get(m, row_figures.GREEN), 2, validation_figures.SYMBOLS.get(m, "")
            ),
            name,
        )
        for m, name in _models(document).items()
    ]
    return parts.legend((*keys, *more))


def _studies(document: Mapping[str, Any], shelf: figures.Shelf) -> str:
    made = ""
    for study in document["studies"]:
        rows = validation_figures.quantities(study)
        shaded = any(told.get("region") for entry in study["models"].values() for told in entry["quantities"])
        more = [(parts.swatch(row_figures.GREEN, 0, "band"), "where the report lies")] if shaded else []
        body = _legend(document, *more) + parts.placed(rows, shelf, f"{study['study']}: numbers in the table.", True)
        caption = f"Thick lines hold 50{words.THIN}% of simulated trials, thin ones 90{words.THIN}%."
        chart = parts.figure(words.escape(study["study"]), body, f"{parts.tidy(said.event_sentence(study))} {caption}")
        made += chart + _quantities(document, study)
    return markup.section("studies", "Study by study", made)


def _quantities(document: Mapping[str, Any], study: Mapping[str, Any]) -> str:
    names = _models(document)
    bodies = ""
    for place, first in enumerate(next(iter(study["models"].values()))["quantities"]):
        for number, (model, name) in enumerate(names.items()):
            told = study["models"][model]["quantities"][place]
            inside = said.inside_words(told)
            cells = (
                "" if number else parts.tidy(first["observed"]),
                name,
                _bold(told["median"]),
                parts.tidy(said.quantity_interval(told, "50")),
                parts.tidy(said.quantity_interval(told, "90")),
                parts.verdict(inside != "NO", f"in {inside}" if inside != "NO" else "outside 90 %"),
                parts.tidy(said.percent(told["chance"])),
            )
            bodies += markup.row("" if number else parts.tidy(first["quantity"]), cells)
    heads = (
        "Predicted",
        "Seen",
        "Model",
        "Median",
        f"50{words.THIN}%",
        f"90{words.THIN}%",
        "Inside",
        "Chance of what was seen",
    )
    return markup.table(f"Predictions for {study['study']}", heads, f"<tbody>{bodies}</tbody>")


def _bold(value: float) -> str:
    return f"<b>{parts.tidy(format(value, 'z.1f'))}</b>"


def _timing(document: Mapping[str, Any]) -> str:
    rows, names = [], _models(document)
    for row in document["timing"]:
        rows.append((row["course"], row["observed"], names.get(row["model"], row["model"]), *said.timing_words(row)))
    heads = ("Course", "Seen", "Model", "Relieved at the end", "Median days to the return", "Relieved at 90 days")
    intro = (
        '<p class="small">How long relief outlasts courses whose rates are not known: shown, not scored. The return is '
        "counted among those relieved at the end.</p>"
    )
    return markup.section("timing", "Timing", intro + parts.table("Timing", heads, rows, kind="text"))


def _between(found: Mapping[str, Any]) -> str:
    intro = f'<p class="small">{parts.tidy(said.spread_sentence(found))}</p>'
    heads = tuple(f"{head[:1].upper()}{head[1:]}" for head in said.spread_heads())
    table = parts.table("If studies differ", heads, said.spread_rows(found), kind="text")
    return markup.section("between", "If studies differ", intro + table)


def _sensitivity(sensitivity: Mapping[str, Any], shelf: figures.Shelf) -> str:
    keys = parts.legend(
        (
            (parts.swatch(row_figures.BLUE, 7), "moved to the first of the two values under its name"),
            (parts.swatch(row_figures.ORANGE, 7), "moved to the second"),
        )
    )
    made = ""
    for model, outcome, label, base in said.outcomes(sensitivity):
        rows = validation_figures.tornado(sensitivity, model, outcome)
        heading = f"{words.pain_model(model).capitalize()}: {words.escape(label)}"
        at = ABSENT if base is None else f"{base:.1f}"
        place = parts.placed(rows, shelf, f"Tornado, {model}, {label}: the numbers stand in the table below it.")
        caption = f"One assumption is moved at a time; nothing is fitted again. As it is: {parts.tidy(at)}."
        numbers = [
            (bar.assumption, f"{bar.low_label}: {_end(bar.low)}", f"{bar.high_label}: {_end(bar.high)}")
            for bar in said.bars(sensitivity, model, outcome)
        ]
        table = parts.table(f"Values: {heading}", ("Assumption", "First end", "Second end"), numbers)
        details = f'<details class="screen"><summary>Values</summary>{table}</details>'
        made += parts.figure(heading, keys + place + details, caption)
    return markup.section("sensitivity", "What matters", made)


def _end(value: float | None) -> str:
    return ABSENT if value is None else f"{value:z.1f}"
