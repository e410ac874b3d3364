"""A validation in the terminal: each held-out study under each model, the totals, timing, and the tornado."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from letheon.views import validation_words as words
from letheon.views.calibration_tables import plain_table
from letheon.views.calibration_words import ABSENT, PAIN_MODELS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["show_between_studies", "show_sensitivity", "show_validation", "strip"]

_STRIP = 25  # characters of a bar of the tornado


def show_validation(document: Mapping[str, Any], console: "Console") -> None:
    """Print what a validation found.

    Parameters
    ----------
    document : mapping
        Document of a validation.
    console : rich.console.Console
        Where to print.
    """
    from rich.text import Text

    console.print(Text("Trials that no model was fitted to", style="bold"))
    for study in document["studies"]:
        console.print()
        console.print(Text(study["study"], style="bold"))
        console.print(Text(words.event_sentence(study)))
        console.print(_quantities(study))
    console.print()
    console.print(_total(document))
    for sentence in (words.verdict(document), words.expected_sentence(document), *words.misses(document)):
        if sentence:
            console.print(Text(sentence))
    if document.get("timing"):
        console.print()
        console.print(_timing(document))
        console.print(Text('Shown, not scored. "back" is the median day of return among those relieved at the end.'))


def _quantities(study: Mapping[str, Any]) -> "Table":
    heads = (("Predicted", "left", False), ("model", "left", True), ("median", "right", True))
    table = plain_table((*heads, ("50 %", "right", True), ("90 %", "right", True), ("inside", "left", True)))
    entries = list(study["models"].items())
    for place, first in enumerate(entries[0][1]["quantities"]):
        labels = _labels(first["quantity"], first["observed"], len(entries))
        for label, (model, entry) in zip(labels, entries, strict=True):
            told = entry["quantities"][place]
            table.add_row(
                label,
                PAIN_MODELS.get(model, model),
                f"{told['median']:z.1f}",
                words.quantity_interval(told, "50").replace(" to ", ", "),
                words.quantity_interval(told, "90").replace(" to ", ", "),
                words.inside_words(told),
            )
    return table


def _labels(what: str, seen: str, rows: int) -> list[str]:
    """Return what stands before the rows of the models: what it is, what was seen, then nothing."""
    lines = [what, f"  seen: {seen}"]
    return ["\n".join(lines)] if rows == 1 else [*lines, *[""] * (rows - 2)]


def _total(document: Mapping[str, Any]) -> "Table":
    names = words.models(document)
    table = plain_table(
        (("Chance and log score", "left", False), *((PAIN_MODELS.get(m, m), "right", True) for m in names))
    )
    for study in document["studies"]:
        told = (study["models"][m] for m in names)
        table.add_row(study["study"], *(f"{words.chance(e)}, {e['log_score']:.2f}" for e in told))
    table.add_section()
    table.add_row("total log score", *(f"{document['total']['log_score'][m]:.2f}" for m in names))
    return table


def _timing(document: Mapping[str, Any]) -> "Table":
    heads = (("Timing", "left", False), ("model", "left", True), ("relieved", "right", True))
    table = plain_table((*heads, ("back", "right", True), ("at 90 days", "right", True)))
    courses = dict.fromkeys(row["course"] for row in document["timing"])
    for course in courses:
        rows = [row for row in document["timing"] if row["course"] == course]
        for label, row in zip(_labels(course, rows[0]["observed"], len(rows)), rows, strict=True):
            table.add_row(label, PAIN_MODELS.get(row["model"], row["model"]), *words.timing_words(row))
    return table


def show_sensitivity(sensitivity: Mapping[str, Any], console: "Console") -> None:
    """Print the tornado of each model and outcome.

    Parameters
    ----------
    sensitivity : mapping
        From `letheon.study.validate.sensitivity.tornado`.
    console : rich.console.Console
        Where to print.
    """
    from rich.text import Text

    for model, outcome, label, base in words.outcomes(sensitivity):
        console.print()
        at = ABSENT if base is None else f"{base:.1f}"
        console.print(Text(f"What matters, {PAIN_MODELS.get(model, model)}: {label}", style="bold"))
        console.print(Text(f"{at} as it is; each row moves one assumption: ░ to the first end, █ to the second."))
        heads = (("Assumption", "left", False), ("first", "right", True), ("second", "right", True))
        table = plain_table((*heads, ("", "left", True)))
        found = words.bars(sensitivity, model, outcome)
        ends = [end for bar in found for end in (bar.low, bar.high, base) if end is not None]
        for bar in found:
            low, high = (ABSENT if end is None else f"{end:.1f}" for end in (bar.low, bar.high))
            drawn = strip(bar, base, min(ends), max(ends)) if base is not None else ""
            table.add_row(f"{bar.assumption}\n  {bar.low_label}; {bar.high_label}", low, high, drawn)
        console.print(table)


def show_between_studies(found: Mapping[str, Any], console: "Console") -> None:
    """Print main results and held-out scores by how far studies lie apart.

    Parameters
    ----------
    found : mapping
        From `letheon.study.validate.between_studies.between_studies`.
    console : rich.console.Console
        Where to print.
    """
    from rich.text import Text

    console.print()
    console.print(Text("If studies differ", style="bold"))
    console.print(Text(words.spread_sentence(found)))
    _, _, _, alike, fitted, apart = words.spread_heads()
    table = plain_table((("Predicted", "left", False), *((head, "left", True) for head in (alike, fitted, apart))))
    for what, seen, model, *cells in words.spread_rows(found):
        if what:
            table.add_row(f"{what}{f'; reported {seen}' if seen else ''}")
        table.add_row(f"  {model}", *(cell.replace(" to ", ", ") for cell in cells))
    console.print(table)


def strip(bar: words.Bar, base: float, least: float, most: float, width: int = _STRIP) -> str:
    """Return a bar of the tornado in characters.

    Parameters
    ----------
    bar : Bar
        The bar.
    base : float
        Value at the baseline.
    least, most : float
        Ends of the axis.
    width : int
        Characters.

    Returns
    -------
    str
        ``░`` towards the first end, ``█`` towards the second, ``▓`` where both go the same way, ``|`` the baseline.

    Examples
    --------
    >>> strip(words.Bar("a", "", "", 2.0, 8.0), 5.0, 0.0, 10.0, 11)
    '  ░░░|███'
    """
    span = (most - least) or 1.0

    def place(value: float) -> int:
        return round((value - least) / span * (width - 1))

    cells = [" "] * width
    middle = place(base)
    for end, mark in ((bar.low, "░"), (bar.high, "█")):
        if end is not None:
            at = place(end)
            for cell in range(min(at, middle), max(at, middle) + 1):
                cells[cell] = mark if cells[cell] == " " else "▓"
    cells[middle] = "|"
    return "".join(cells).rstrip()
