"""What a study of the user's own would be used for, and what it lacks."""

from letheon.library import Study
from letheon.study.new_study import NewStudy, Supported
from letheon.study.validate.regimens import RegimenCheck
from letheon.views.document.numbers import general, interval, number
from letheon.views.document.tree import Document, Items, Paragraph, Section, Table
from letheon.views.subjects.evidence import role_text

_STEPS = "A study is added as docs/adding.md says; nothing has been changed."
_VERDICT = {True: "agrees", False: "contradicted", None: "only recalled"}


def document(result: NewStudy, study: Study) -> Document:
    """Return the answer to ``letheon evidence add``."""
    name = f"{study.id}: {study.design}, {study.diagnosis}"
    read = "The file can be read and has all that is required."
    shipped = " The library already has a study of this name." if result.shipped else ""
    return Document(
        "",
        (
            Section("study", name, (Paragraph(read + shipped),)),
            Section(
                "uses",
                "What it would be used for",
                (Items((_label(result), _role(result, study))), *_supports(result.supports)),
            ),
            Section("regimens", "Its reports beside its regimens", _checks(result.checks)),
            Section(
                "missing",
                "What is missing",
                (Items(tuple(result.missing)) if result.missing else Paragraph("Nothing."),),
            ),
            Section("next", "", (Paragraph(_STEPS),)),
        ),
    )


def _label(result: NewStudy) -> str:
    if not result.supports:
        return "It can give no label of support: it holds no result in CRPS of a kind that a run reports."
    return (
        f"It can give the label {result.label!r} to the numbers below, for runs with such regimens and patients, "
        "where the simulation of its own arm meets what it reported."
    )


def _role(result: NewStudy, study: Study) -> str:
    targets = f" Targets: {', '.join(result.targets)}." if result.targets else " No result of it is fitted or scored."
    return f"Role: {role_text(study)}.{targets}"


def _supports(rows: list[Supported]) -> tuple[Table, ...]:
    cells = [
        (
            row.quantity + (" on placebo" if row.on_placebo else ""),
            "the course" if row.window is None else " to ".join(dict.fromkeys(map(general, row.window))),
            row.against or "-",
            ", ".join(row.arms) or "no usable regimen",
        )
        for row in rows
    ]
    return (Table.of("supports", ("number", "days", "against", "regimens of"), cells, kind="text"),) if cells else ()


def _checks(checks: list[RegimenCheck]) -> tuple[Paragraph | Table, ...]:
    if not checks:
        return (
            Paragraph("It reports no level, rate, dose or time of a peak that its regimens could be compared with."),
        )
    cells = [
        (
            f"{one.arm}: {one.measure.replace('_', ' ')}",
            "-" if one.day is None else general(one.day),
            f"{interval(one.reported, '')} {one.unit.removeprefix('1')}".rstrip(),
            f"{number(one.simulated[1])} ({interval(one.simulated[::2], '')})",
            _VERDICT[one.met],
        )
        for one in checks
    ]
    return (Table.of("reports", ("report", "day", "reported", "simulated", ""), cells, kind="text"),)
