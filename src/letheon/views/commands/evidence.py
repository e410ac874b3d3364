"""The evidence library: the studies that Letheon stands on, and what each is used for.

Example:
  letheon evidence show sigtermans2009
"""

from typing import Annotated

from letheon.views.commands.options import AsJson, argument, option
from letheon.views.commands.output import write_json, write_text


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
