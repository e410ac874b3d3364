"""``letheon evidence``: list the studies of the evidence library, and show one with all that is known about it."""

import json
from collections.abc import Callable
from typing import Annotated

import typer
from typer.core import TyperGroup

__all__ = ["EXAMPLES", "register"]

EXAMPLES = {
    "evidence": "letheon evidence show sigtermans2009",
    "evidence list": "letheon evidence list --role hold_out",
    "evidence show": "letheon evidence show sigtermans2009",
}


def _epilog(command: str) -> str:
    return f"\b\nExample:\n  {EXAMPLES[command]}"


def register(app: typer.Typer, write: Callable[..., None], group: type[TyperGroup] = TyperGroup) -> None:
    """Add the commands to the program.

    Parameters
    ----------
    app : typer.Typer
        The program.
    write : callable
        Writes a text to stdout; takes `encoding` too.
    group : type, optional
        Class of the group of commands.
    """
    evidence_app = typer.Typer(
        cls=group,
        short_help="List studies, or show one with its results.",
        help="The evidence library: the studies that Letheon stands on, and what each is used for.",
        epilog=_epilog("evidence"),
        no_args_is_help=True,
        rich_markup_mode=None,
    )

    @evidence_app.command(
        "list",
        short_help="List the studies.",
        help="List the studies: design, patients, drugs, role, and what was measured.",
        epilog=_epilog("evidence list"),
    )
    def _list(
        role: Annotated[
            str | None,
            typer.Option(metavar="ROLE", show_default=False, help="Only studies of one role, such as hold_out."),
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of the table.")] = False,
    ) -> None:
        from letheon.views import evidence_words

        studies = evidence_words.chosen(role)
        if as_json:
            _write_json(write, {"studies": [evidence_words.brief(study) for study in studies]})
        else:
            write("".join(f"{line}\n" for line in evidence_words.listing(studies)))

    @evidence_app.command(
        "show",
        short_help="Show one study.",
        help="Show one study: what was given, what came of it and how this was read, its role, and what is missing.",
        epilog=_epilog("evidence show"),
    )
    def _show(
        study: Annotated[
            str, typer.Argument(metavar="ID", show_default=False, help="A study, such as sigtermans2009.")
        ],
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    ) -> None:
        from letheon.views import evidence_words

        found = evidence_words.study_of(study)
        if as_json:
            _write_json(write, evidence_words.document(found))
        else:
            write("".join(f"{line}\n" for line in evidence_words.entry(found)))

    app.add_typer(evidence_app, name="evidence")


def _write_json(write: Callable[..., None], document: dict) -> None:
    write(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
