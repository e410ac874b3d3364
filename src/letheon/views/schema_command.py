"""The command `schema`: JSON Schema of scenario files."""

import json

import typer

from letheon.views.streams import write

__all__ = ["EXAMPLE", "add"]

EXAMPLE = "letheon schema > scenario.schema.json"


def add(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(
        short_help="Print the JSON Schema of scenario files.",
        help="Print the JSON Schema (draft 2020-12) of scenario files: with it an editor completes and checks them.",
        epilog=f"\b\nExample:\n  {EXAMPLE}",
    )
    def schema() -> None:
        from letheon.scenario.schema import schema as scenario_schema

        write(json.dumps(scenario_schema(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
