"""The pages on calibration and validation in the documentation, made from what the commands left.

``python -m letheon.views.calibration_page DIR docs/calibration.md`` writes ``docs/calibration.md`` and, beside it,
``docs/validation.md``. DIR is what ``letheon calibrate --out DIR`` made, with what ``letheon validate --json`` printed
in ``DIR/validation.json``.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from letheon.errors import InputError
from letheon.views import calibration_words as words
from letheon.views import validation_words as held_out

__all__ = ["calibration_page", "main", "read", "validation_page"]

_CALIBRATION = """# Calibration

This page is made from the results of `letheon calibrate`. Each pain model was fitted to the published trials that are
marked *calibrate* in the [evidence](evidence.md), with patients counted once and each value as uncertain as its trial
left it. What agrees here agrees with what was fitted; whether a model predicts is the matter of the
[validation](validation.md). The same command with the same seed makes the same draws again, to the bit on the same kind
of processor."""

_PREDICTED = """Intervals hold 90 %. *A trial of that size* is the interval of what such a trial would report; a value
is inside if it lies there, a statement if the interval meets it. Where that interval is not known the posterior's own
is taken. NRS points, or shares."""

_MOVED = """Contraction is 1 minus the variance of the posterior over that of the prior: 1 is known exactly, 0 is as
before, and a little under 0 is noise."""

_VALIDATION = """# Validation

This page is made from the results of `letheon validate`. The trials below were not fitted by either pain model. Each
was simulated as it was run, with as many patients and a diary each, under draws of what [calibration](calibration.md)
left open. What it found counts as an event; a model is scored by the chance that it gave to it."""

_MISSED = """A model that gave less than 5 % to what was found is wrong about that trial, or the regimen was not what
the report lets us assume, or the finding was chance. With so few trials these cannot be told apart, so a miss stands
here as a finding and nothing was fitted to mend it."""

_NO_MISS = "Each model gave at least 5 % to what each trial found. That is not yet a success: see the scores."

_TIMING = """How long relief outlasts courses whose rates are not known: shown, not scored. The return is counted among
those relieved at the end."""

_MATTERS = """One assumption is moved at a time, and nothing is fitted again. The widest row is the assumption that
matters most."""


def calibration_page(reports: Sequence[Mapping[str, Any]]) -> str:
    """Return the page on calibration.

    Parameters
    ----------
    reports : sequence of mapping
        Reports of calibrations, one for each pain model.

    Returns
    -------
    str
        Markdown.

    Examples
    --------
    >>> calibration_page([]).splitlines()[0]
    '# Calibration'
    """
    parts = [_CALIBRATION]
    for report in reports:
        found = words.checks(report, [one for one in reports if one is not report])
        parts += _model(report, found)
    return "\n\n".join(parts) + "\n"


def _model(report: Mapping[str, Any], found: Sequence[words.Check]) -> Iterator[str]:
    yield f"## {words.PAIN_MODELS[report['pain']].capitalize()}"
    yield f"Letheon {report['letheon']}; {words.effort(report['settings'])}."
    yield words.trust(report)
    yield _table(
        ("check of the sampler", "found", "due", ""),
        ((t.label, t.found, t.due, "met" if t.passed else "**not met**") for t in words.diagnostics(report)),
    )
    yield "\n".join(f"- {line}" for line in words.mode_lines(report))
    yield "### Reported and predicted"
    yield words.checks_sentence(found)
    yield _PREDICTED
    yield _table(
        ("study", "prediction", "reported", "prior", "posterior", "a trial of that size", "inside"), _rows(found)
    )
    yield "### What the data tell"
    yield words.unknown_sentence(report)
    yield _MOVED
    yield _table(
        ("parameter", "what it is", "median", "90 % interval", "unit", "contraction", "identified", "R-hat"),
        (_parameter(name, told) for name, told in report["parameters"].items()),
    )


def _rows(found: Sequence[words.Check]) -> Iterator[Sequence[str]]:
    for study, some in groupby(found, key=lambda check: check.study):
        for place, check in enumerate(some):
            prior, posterior = (
                f"{words.amount(told['median'], check.unit)} ({words.interval(told['interval_90'], check.unit)})"
                for told in (check.prior, check.posterior)
            )
            verdict = words.verdict_words(check)
            yield (
                "" if place or not study else f"[{study}](evidence.md#{study})",
                check.label,
                words.reported_words(check),
                prior,
                posterior,
                words.interval(check.trial, check.unit),
                f"**{verdict}**" if check.inside is False else verdict,
            )


def _parameter(name: str, told: Mapping[str, Any]) -> Sequence[str]:
    return (
        f"`{name}`",
        words.parameter_words(name),
        words.significant(told["median"]),
        words.interval(told["interval_90"], ""),
        words.unit_words(told["unit"]),
        f"{told['contraction']:z.2f}",
        "yes" if told["identified"] else "**no**",
        words.ABSENT if told["rhat"] is None else f"{told['rhat']:.3f}",
    )


def validation_page(document: Mapping[str, Any]) -> str:
    """Return the page on validation.

    Parameters
    ----------
    document : mapping
        What ``letheon validate --json`` prints.

    Returns
    -------
    str
        Markdown.
    """
    names = {model: words.PAIN_MODELS.get(model, model) for model in held_out.models(document)}
    parts = [_VALIDATION, held_out.verdict(document)]
    if expected := held_out.expected_sentence(document):
        parts.append(expected)
    parts.append(
        _table(("study", "what it found", *(f"{n}: chance; log score" for n in names.values())), _scores(document))
    )
    parts.append("## What was missed")
    missed = held_out.misses(document)
    parts += ["\n".join(f"- {sentence}" for sentence in missed), _MISSED] if missed else [_NO_MISS]
    for study in document["studies"]:
        parts += [f"## {study['study']}", held_out.event_sentence(study), _quantities(study)]
    if document.get("timing"):
        heads = ("course", "seen", "model", "relieved at the end", "median days to the return", "relieved at 90 days")
        rows = (
            (row["course"], row["observed"], names.get(row["model"], row["model"]), *held_out.timing_words(row))
            for row in document["timing"]
        )
        parts += ["## Timing", _TIMING, _table(heads, rows)]
    if "between_studies" in document:
        found = document["between_studies"]
        rows = held_out.spread_rows(found)
        parts += ["## If studies differ", held_out.spread_sentence(found), _table(held_out.spread_heads(), rows)]
    if "sensitivity" in document:
        parts += ["## Which assumption matters", _MATTERS, *_sensitivity(document["sensitivity"])]
    return "\n\n".join(parts) + "\n"


def _scores(document: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for study in document["studies"]:
        told = (f"{held_out.chance(entry)}; {entry['log_score']:.2f}" for entry in study["models"].values())
        yield (f"[{study['study']}](evidence.md#{study['study']})", study["event"], *told)
    yield ("total", "", *(f"**{score:.2f}**" for score in document["total"]["log_score"].values()))


def _quantities(study: Mapping[str, Any]) -> str:
    rows = []
    entries = list(study["models"].items())
    for place, first in enumerate(entries[0][1]["quantities"]):
        for number, (model, entry) in enumerate(entries):
            told = entry["quantities"][place]
            inside = held_out.inside_words(told)
            rows.append(
                (
                    "" if number else first["quantity"],
                    "" if number else first["observed"],
                    words.PAIN_MODELS.get(model, model),
                    f"{told['median']:z.1f}",
                    held_out.quantity_interval(told, "50"),
                    held_out.quantity_interval(told, "90"),
                    inside if inside != "NO" else "**outside**",
                )
            )
    return _table(("predicted", "seen", "model", "median", "50 %", "90 %", "inside"), rows)


def _sensitivity(sensitivity: Mapping[str, Any]) -> Iterator[str]:
    for model, outcome, label, base in held_out.outcomes(sensitivity):
        yield f"### {words.PAIN_MODELS.get(model, model).capitalize()}: {label}"
        yield f"As it is: {words.ABSENT if base is None else f'{base:.1f}'}."
        found = held_out.bars(sensitivity, model, outcome)
        idle = [bar.assumption for bar in found if held_out.idle(bar, base)]
        rows = [
            (bar.assumption, f"{bar.low_label}: {_end(bar.low)}", f"{bar.high_label}: {_end(bar.high)}")
            for bar in found
            if bar.assumption not in idle
        ]
        yield _table(("assumption", "one way", "the other way"), rows)
        if idle:
            yield f"Without effect here, for nothing in this model and outcome goes by it: {', '.join(idle)}."


def _end(value: float | None) -> str:
    return words.ABSENT if value is None else f"**{value:z.1f}**"


def _table(heads: Sequence[str], rows: Any) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    """Return text that neither ends a cell nor starts an element."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def read(folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the reports of calibrations and the document of a validation that lie in a folder.

    Parameters
    ----------
    folder : Path
        What ``letheon calibrate --out`` made, with ``validation.json``.

    Returns
    -------
    tuple of (list of dict, dict)

    Raises
    ------
    InputError
        If one is missing or cannot be read.
    """
    reports = []
    for model in words.PAIN_MODELS:
        path = folder / model / "calibration.json"
        if path.is_file():
            reports.append(_read(path))
    if not reports:
        raise InputError(f"{folder} holds no calibration; run: letheon calibrate --out {folder}")
    path = folder / "validation.json"
    if not path.is_file():
        raise InputError(f"{path} is missing; run: letheon validate --sensitivity --json > {path}")
    return reports, _read(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error})") from None
    return dict(found)


def main(folder: str, page: str) -> None:
    """Write both pages.

    Parameters
    ----------
    folder : str
        As for `read`.
    page : str
        Where the page on calibration goes; that on validation goes beside it.
    """
    reports, document = read(Path(folder))
    Path(page).write_text(calibration_page(reports), encoding="utf-8")
    Path(page).with_name("validation.md").write_text(validation_page(document), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:3])
