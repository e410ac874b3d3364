"""Write docs/scenario.md, the reference of every key of a scenario file, from the grammar.

``python docs/making/scenario_page.py`` writes it; the words are in templates/scenario.md.jinja.
"""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from letheon.scenario.grammar import maps

DOCS = Path(__file__).resolve().parents[1]


def facts() -> dict[str, Any]:
    """Every map of keys with its path; equal maps once."""
    found: dict[str, Any] = {}
    for path, fields in maps():
        if not any(fields is other for other in found.values()):
            found[path] = fields
    return {"maps": found}


def page() -> str:
    """Return the page as Markdown."""
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    environment = Environment(
        loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        autoescape=False,
    )  # fmt: skip
    return environment.get_template("scenario.md.jinja").render(facts())


if __name__ == "__main__":
    (DOCS / "scenario.md").write_text(page(), encoding="utf-8")
