"""The page of the evidence, made from the library itself.

``python -m letheon.views.evidence_page docs/evidence.md`` writes it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from letheon import library
from letheon.library import Study
from letheon.library.evidence import ROLES
from letheon.views.evidence_words import brief, chosen
from letheon.views.study_phrases import how_read, people, reading, result, role_words, sessions, totals, traits, when

__all__ = ["page"]

_HEAD = """# Evidence

This page is made from the library of studies itself. `letheon evidence list` and
`letheon evidence show sigtermans2009` show the same in the terminal, and both take `--json`. Most studies were read as
abstracts; each result says how it was read. A value that was only recalled is flagged and has no weight; what was read
second-hand weighs half. A *target* is a result that calibration fits or, in a held-out study, scores.

Pain is on a scale of 0 to 10; days count from the first administration of the drug. Regimens are for a patient of
70 kg, written as sessions of a scenario file; what the sources do not give is assumed, and listed."""

_ROLE_WORDS = {
    "calibrate": "Fitted",
    "hold_out": "Held out: scored, never fitted",
    "check": "Looked at, neither fitted nor scored",
    "prediction_target": "To be predicted: no results yet",
    "not_used": "Not used",
}


def page() -> str:
    """Return the page.

    Returns
    -------
    str
        Markdown.

    Examples
    --------
    >>> page().splitlines()[0]
    '# Evidence'
    """
    parts = [_HEAD, "\n".join(_overview())]
    for role in ROLES:
        parts += [f"## {_ROLE_WORDS[role]}", *("\n".join(_study(study)) for study in chosen(role))]
    return "\n\n".join(parts) + "\n"


def _overview() -> Iterator[str]:
    yield "| study | design | diagnosis | n | drugs | role |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for study in chosen():
        told = brief(study)
        n = "not known" if told["n"] is None else told["n"]
        drugs = ", ".join(told["drugs"])
        yield f"| [{study.id}](#{study.id}) | {study.design} | {study.diagnosis} | {n} | {drugs} | {study.role} |"


def _study(study: Study) -> Iterator[str]:
    source, who = library.sources()[study.source], study.population
    where = f"<{source.link}>" if source.link else source.where
    yield f"### {study.id}"
    yield ""
    yield f"{source.citation.rstrip('.')}. {where}".rstrip()
    yield f"Read: {source.note}."
    yield ""
    yield f"- Design: {study.design}; {study.setting}"
    yield f"- Patients: {people(who.n, who.verified)}; {who.text} (read: {how_read(who.verified)})"
    if known := traits(who):
        yield f"- Of these: {known}"
    yield f"- Role: {role_words(study)}. {study.role_note}"
    if study.note:
        yield f"- Note: {study.note}"
    yield f"- Missing: {'; '.join(study.missing)}"
    for arm in study.arms:
        told = f"- Arm `{arm.name}`: {arm.drug}, {arm.route}, {people(arm.n, arm.n_verified)}; {arm.regimen}"
        yield f"{told} (read: {how_read(arm.verified)})" + (f"; beside: {arm.beside}" if arm.beside else "")
        if arm.infusions:
            yield f"    - {totals(arm)}: " + ", ".join(f"`{session}`" for session in sessions(arm))
        if arm.contradicted:
            yield f"    - contradicted: {arm.contradicted}"
        if arm.assumptions:
            yield f"    - assumed: {'; '.join(arm.assumptions)}"
    yield ""
    yield "| when | result | how read | note |"
    yield "| --- | --- | --- | --- |"
    for outcome in study.outcomes:
        yield f"| {when(outcome)} | {result(outcome)} | {reading(outcome)} | {outcome.note} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
