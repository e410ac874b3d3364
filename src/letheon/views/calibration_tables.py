"""A calibration in the terminal: sampler, parameters, predictions, and what the data do not tell."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from letheon.views import calibration_words as words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["plain_table", "show_calibration"]


def show_calibration(
    report: Mapping[str, Any],
    console: "Console",
    others: Sequence[Mapping[str, Any]] = (),
    seconds: float | None = None,
) -> None:
    """Print what a calibration found.

    Parameters
    ----------
    report : mapping
        Report of a calibration.
    console : rich.console.Console
        Where to print.
    others : sequence of mapping
        Reports of other pain models, as for `letheon.views.calibration_words.checks`.
    seconds : float, optional
        How long it took.
    """
    from rich.text import Text

    found = words.checks(report, others)
    time = "" if seconds is None else f"; {seconds / 60:.1f} min in this call"
    console.print(Text(f"Calibration of the {words.PAIN_MODELS[report['pain']]} model", style="bold"))
    console.print(Text(f"{words.effort(report['settings'])}{time}"))
    console.print(_sampler(report))
    for line in words.mode_lines(report):
        console.print(Text(line[:1].upper() + line[1:]))
    console.print(Text(words.trust(report)))
    console.print()
    console.print(_parameters(report))
    console.print(Text('"told" is how much narrower the posterior is than the prior: 1 - its variance / the prior\'s.'))
    console.print(Text(words.unknown_sentence(report)))
    console.print()
    console.print(_predictions(found))
    console.print(
        Text(
            '"a trial" is the 90 % interval of what a trial of that size would report; where it is not'
            ' known, "in" is judged by the posterior alone.'
        )
    )
    if any(check.reported is not None and not check.fitted for check in found):
        console.print(Text("* not fitted"))
    console.print(Text(words.checks_sentence(found)))


def plain_table(columns: Sequence[tuple[str, str, bool]]) -> "Table":
    """Return an empty table in the style of the terminal.

    Parameters
    ----------
    columns : sequence of (str, str, bool)
        Heading, ``left`` or ``right``, and whether the column must not wrap.

    Returns
    -------
    rich.table.Table
    """
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for heading, justify, whole in columns:
        table.add_column(heading, justify="left" if justify == "left" else "right", no_wrap=whole, overflow="fold")
    return table


def _sampler(report: Mapping[str, Any]) -> "Table":
    table = plain_table(
        (("Sampler", "left", False), ("found", "right", True), ("due", "left", True), ("", "left", True))
    )
    for test in words.diagnostics(report):
        table.add_row(test.label, test.found, test.due, "met" if test.passed else "NOT MET")
    return table


def _parameters(report: Mapping[str, Any]) -> "Table":
    from rich.text import Text

    heads = (("Parameter", "left", False), ("median [90 %]", "right", True), ("unit", "left", True))
    table = plain_table((*heads, ("told", "right", True), ("identified", "left", True)))
    for local, title in ((False, "of the population"), (True, "of single studies")):
        table.add_section()
        table.add_row(Text(title, style="bold"))
        for name, told in report["parameters"].items():
            if ("@" in name) is local:
                low, high = map(words.significant, told["interval_90"])
                table.add_row(
                    name,
                    f"{words.significant(told['median'])} [{low}, {high}]",
                    words.unit_words(told["unit"]),
                    f"{told['contraction']:z.2f}",
                    "yes" if told["identified"] else "no",
                )
    return table


def _predictions(found: Sequence[words.Check]) -> "Table":
    from rich.text import Text

    heads = (("Prediction", "left", False), ("reported", "right", True), ("prior", "right", True))
    table = plain_table((*heads, ("posterior [90 %]", "right", True), ("a trial", "right", True), ("in", "left", True)))
    for study, some in groupby(found, key=lambda check: check.study):
        table.add_section()
        table.add_row(Text(study or "other", style="bold"))
        for check in some:
            table.add_row(
                check.label,
                words.reported_words(check),
                words.amount(check.prior["median"], check.unit),
                f"{words.amount(check.posterior['median'], check.unit)}"
                f" [{words.interval(check.posterior['interval_90'], check.unit).replace(' to ', ', ')}]",
                words.interval(check.trial, check.unit),
                words.verdict_words(check).replace(" (not fitted)", "*"),
            )
    return table
