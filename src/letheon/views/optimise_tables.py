"""The tables of a search in the terminal: its front, and published regimens beside it."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from letheon.views import optimise_words as words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["show_search"]

_MOST_ROWS = 24
_WIDE = 110  # columns from which intervals fit beside the means


def show_search(document: Mapping[str, Any], console: "Console") -> None:
    """Print what a search found.

    Parameters
    ----------
    document : mapping
        Document of a search.
    console : rich.console.Console
        Where to print.
    """
    from rich.text import Text

    console.print(Text(document["title"], style="bold"))
    console.print(Text(document["notice"], style="bold"))
    for sentence in words.lead(document):
        console.print(Text(sentence))
    wide = console.width >= _WIDE
    if document["front"]:
        console.print(_front(document, wide))
        if (more := len(document["front"]) - len(_shown(document))) > 0:
            console.print(Text(f"{more} more of the front, left out evenly here, are in front.json and front.html."))
    console.print(Text("Published regimens and arms of the scenario, in the same patients", style="bold"))
    console.print(_published(document, wide))
    for sentence in words.reading(document):
        console.print(Text(sentence))
    if not wide:
        console.print(
            Text("A wider window shows relief days with their intervals; front.html and --json have all of them.")
        )


def chosen(count: int, kept: Collection[int] = (), most: int = _MOST_ROWS) -> list[int]:
    """Return which rows of a long table to show: both ends, evenly what lies between, and those that must be there.

    Parameters
    ----------
    count : int
        Rows.
    kept : collection of int
        Places that are shown anyway.
    most : int
        Other rows that are shown.

    Returns
    -------
    list of int
        Places from 0.

    Examples
    --------
    >>> chosen(3), chosen(9, [5], 3)
    ([0, 1, 2], [0, 4, 5, 8])
    """
    if count <= most:
        return list(range(count))
    return sorted({*kept, *(round(k * (count - 1) / (most - 1)) for k in range(most))})


def _shown(document: Mapping[str, Any]) -> list[int]:
    """Return the places of the front that the table shows, with those that the other table names for the scenario."""
    named = [number for entry in document["published"] if entry["kind"] == "arm" for number in entry["beaten_by"][:4]]
    return chosen(len(document["front"]), {number - 1 for number in named})


def _made(columns: list[tuple[str, str]]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for name, side in columns:
        longest = max((len(word) for word in name.split()), default=1)  # headings break between words only
        table.add_column(Text(name), justify="left" if side == "left" else "right", overflow="fold", min_width=longest)
    return table


def _measure_heads(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(head, "right") for head in words.measure_heads(document, ", {}")]


def _front(document: Mapping[str, Any], wide: bool) -> "Table":
    from rich.text import Text

    columns = words.columns(document)
    table = _made(
        [
            *(("", "right"), *((head, "right") for head, _ in columns)),
            *(*_measure_heads(document), ("chance", "right"), ("support", "left")),
        ]
    )
    for place in _shown(document):
        entry = document["front"][place]
        cells = [str(entry["number"]), *(texts[place] for _, texts in columns), *_measures(document, entry, wide)]
        table.add_row(*map(Text, [*cells, words.chance(entry["chance_on_front"]), entry["support"]]))
    return table


def _measures(document: Mapping[str, Any], entry: Mapping[str, Any], wide: bool) -> list[str]:
    """Return the measures of a regimen; where there is room, relief with its interval."""
    names = words.goal_names(document)
    told = [entry["measures"][name] for name in names]
    return [
        words.interval(one) if wide and name == names[0] else words.value(one)
        for name, one in zip(names, told, strict=True)
    ]


def _published(document: Mapping[str, Any], wide: bool) -> "Table":
    from rich.text import Text

    drug = [("drug", "left")] if wide else []  # names of studies mostly say it
    table = _made([("", "left"), *drug, *_measure_heads(document), ("against the front", "left")])
    for entry in document["published"]:
        cells = [words.name_of(entry), *([entry["drug"]] if wide else []), *_measures(document, entry, wide)]
        table.add_row(*map(Text, [*cells, words.published_words(entry)]))
    table.columns[0].min_width = max(len(word) for e in document["published"] for word in words.name_of(e).split())
    return table
