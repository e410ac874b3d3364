"""``letheon library``, ``evidence``, ``explain``, ``cite`` and ``schema``: what Letheon stands on and is written in."""

import json
from pathlib import Path
from typing import Annotated

from letheon.errors import InputError
from letheon.views.commands.shell import AsJson, RunFolder, argument, flag, option, write, write_json, write_text


def library(
    name: Annotated[str | None, argument("NAME", "A model, section or study, such as otto2021.")] = None,
) -> None:
    """List models and numbers, with their sources.

    The models, sections of numbers and studies of the library; with a NAME, its numbers.

    Example:
      letheon library otto2021
    """
    from letheon.views.subjects.library import contents, entry

    write_text(contents() if name is None else entry(name))


def list_studies(
    role: Annotated[str | None, option("ROLE", "Only studies of one role, such as hold_out.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the studies.

    Design, patients, drugs, role, and what was measured.

    Example:
      letheon evidence list --role hold_out
    """
    from letheon.views.subjects.evidence import brief, chosen, listing

    studies = chosen(role)
    if as_json:
        write_json({"studies": [brief(study) for study in studies]})
    else:
        write_text(listing(studies))


def show_study(
    study: Annotated[str, argument("ID", "A study, such as sigtermans2009.")], as_json: AsJson = False
) -> None:
    """Show one study.

    Its treatment, its results and how they were read, its role, and what is missing.

    Example:
      letheon evidence show sigtermans2009
    """
    from letheon.views.subjects.evidence import entry, json_form, study_of

    record = study_of(study)
    if as_json:
        write_json(json_form(record))
    else:
        write_text(entry(record))


def add_study(
    file: Annotated[Path | None, argument("FILE", "A study file (TOML).")] = None,
    template: Annotated[bool, flag("--template", "Print a file to start from.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a study of your own.

    What it would be used for, how its reports on levels and doses agree with its regimen, and what is missing. Nothing
    is changed.

    Example:
      letheon evidence add --template > author2026.toml
    """
    if template or file is None:
        if not template:
            raise InputError("letheon evidence add needs a FILE; start from: letheon evidence add --template")
        from letheon.library import study_template

        write(study_template(), encoding="utf-8")
        return
    from letheon.views.commands.long_work import Progress

    with Progress() as progress:
        progress("loading", 0, 1)
        from letheon.library import read_study
        from letheon.study.new_study import examine

        study, source = read_study(file)
        progress("levels of its regimens", 0, 1)
        answer = examine(study, source)
    if as_json:
        write_json(answer)
    else:
        from letheon.views.subjects.new_study import document

        write_text(document(answer, study))


def explain(
    word: Annotated[str | None, argument("WORD", "A word of a result or a scenario, such as remission.")] = None,
) -> None:
    """Explain a word.

    What a word of a result, a report or a scenario means; without one, all of them.

    Example:
      letheon explain remission
    """
    from letheon.views.subjects import glossary

    write_text(glossary.contents() if word is None else glossary.explain(word))


def cite(run: RunFolder, as_bibtex: Annotated[bool, flag("--bibtex", "Print BibTeX entries.")] = False) -> None:
    """List the sources that a run used.

    Citation, DOI, and how the numbers were read.

    Example:
      letheon cite runs/small --bibtex
    """
    from letheon.runs.sources import bibtex, read_sources
    from letheon.views.subjects.library import citations

    result = read_sources(run)
    if as_bibtex:
        write("".join(f"{line}\n" for line in bibtex(result.letheon, result.sources)))
    else:
        write_text(citations(result.title, f"Letheon {result.letheon}", result.sources))


def schema(
    result: Annotated[bool, flag("--result", "That of the result document of `letheon simulate --json`.")] = False,
) -> None:
    """Print the JSON Schema of scenario files.

    With it (draft 2020-12) an editor completes and checks them.

    Example:
      letheon schema > scenario.schema.json
    """
    if result:
        from letheon.pipeline.result import json_schema as made_from
    else:
        from letheon.scenario.schema import schema as made_from
    write(json.dumps(made_from(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
