"""The page of a search: what was asked, the front in figures and a table, and published regimens beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from letheon.views import optimise_figures
from letheon.views import optimise_words as said
from letheon.views.figures import rows as row_figures
from letheon.views.report import figures, markup, words
from letheon.views.report import study_parts as parts
from letheon.views.report.page import frame

__all__ = ["render"]

_CAPTION = (
    "Up and to the left is better. Point at a mark for its regimen; what lies far out stands in the tables alone."
)


def render(document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the page of a search.

    Parameters
    ----------
    document : mapping
        Document of a search.
    rows : sequence of mapping
        Its table, for the candidates that are not on the front.

    Returns
    -------
    str
        One page that holds its style, scripts and data; equal arguments give equal text.
    """
    shelf = figures.Shelf()
    contents = {"summary": "In short", "figures": "Figures", "front": "The front", "published": "Published regimens"}
    sections = [_summary(document), _figures(document, rows, shelf), _front(document), _published(document)]
    contents["sources"] = "Sources"
    studies = dict.fromkeys(e["name"].split()[0] for e in document["published"] if e["kind"] == "study")
    sections.append(markup.section("sources", "Sources", parts.sources(studies)))
    version = words.escape(document["letheon"])
    return frame(
        f"{document['title']}: Letheon",
        parts.header(
            f"Letheon {version}: search for regimens", parts.tidy(document["title"]), parts.tidy(document["notice"])
        ),
        contents,
        sections,
        parts.footer(f"Letheon {version}; made by <code>letheon optimise</code>."),
        shelf,
        f"Letheon {document['letheon']}, seed {document['seed']}",
    )


def _summary(document: Mapping[str, Any]) -> str:
    told = "".join(f"<li>{parts.tidy(sentence)}</li>" for sentence in said.lead(document))
    read = "".join(f"<p>{parts.tidy(sentence)}</p>" for sentence in said.reading(document))
    ranges = [
        (v["path"], v["from"], v["to"], str(v["values"]), ", ".join(v["also"]) or "–") for v in document["variables"]
    ]
    table = parts.table("What varies", ("Quantity", "From", "To", "Values", "Also in"), ranges, kind="text")
    return markup.section("summary", "In short", f"<ul>{told}</ul>{read}<h3>What varies</h3>{table}")


def _figures(document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], shelf: figures.Shelf) -> str:
    legend = parts.legend(
        (
            (parts.swatch(row_figures.BLUE, 2, "circle"), "on the front, with the 90 % interval of its mean"),
            (parts.swatch(optimise_figures.FAINT, 0, "circle"), "other candidates"),
            (parts.swatch(row_figures.ORANGE, 0, "diamond"), "published regimens and arms of the scenario"),
        )
    )
    made = ""
    for name in optimise_figures.costs(document):
        heading = f"Relief against {words.escape(said.label(name))}"
        drawn = optimise_figures.scatter(document, rows, name)
        place = shelf.place(drawn, f"{heading}: the numbers stand in the tables below.", "tall")
        made += parts.figure(heading, legend + place, _CAPTION)
    return markup.section("figures", "Figures", made)


def _front(document: Mapping[str, Any]) -> str:
    if not document["front"]:
        return markup.section("front", "The front", "<p>No regimen keeps all limits.</p>")
    paths = [variable["path"] for variable in document["variables"]]
    rows = [
        (
            str(entry["number"]),
            *(entry["values"][path] for path in paths),
            *said.cells(document, entry),
            said.chance(entry["chance_on_front"]),
            *((said.chance(entry["chance_feasible"]),) if document["constraints"] else ()),
            entry["support"],
        )
        for entry in document["front"]
    ]
    heads = ("No.", *paths, *said.measure_heads(document, " ({})"), "Chance to be on the front")
    heads += (("Chance to keep the limits",) if document["constraints"] else ()) + ("Support",)
    intro = (
        '<p class="small">Each row is a scenario file in the folder <code>front</code>, which '
        "<code>letheon simulate</code> runs to the same numbers.</p>"
    )
    table = parts.table("The front", heads, rows, kind="text")
    for path in map(parts.tidy, paths):  # long names may break behind their dots
        table = table.replace(f">{path}<", f">{path.replace('.', '.<wbr>')}<")
    return markup.section("front", "The front", intro + table)


def _published(document: Mapping[str, Any]) -> str:
    rows = [
        (
            said.name_of(entry),
            entry["drug"],
            *said.cells(document, entry),
            said.published_words(entry),
            said.chance(entry["chance_beaten"]),
        )
        for entry in document["published"]
    ]
    heads = (
        "Regimen",
        "Drug",
        *said.measure_heads(document, " ({})"),
        "Against the front",
        "Chance that some candidate beats it",
    )
    left_out = "".join(f"<li>{parts.tidy(name)}: {parts.tidy(why)}</li>" for name, why in document["skipped"].items())
    left_out = f"<h3>Left out</h3><ul>{left_out}</ul>" if left_out else ""
    table = parts.table("Published regimens", heads, rows, kind="text")
    return markup.section("published", "Published regimens", table + left_out)
