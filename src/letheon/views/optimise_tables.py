"""The tables of a search in the terminal: its front, and published regimens beside it."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from letheon.views import optimise_words as words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["show_search"]

_MOST_ROWS = 24
_BETWEEN = 2  # characters between columns
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
    if document["front"]:
        console.print(_front(document, console.width))
        if not _differs(document):
            console.print(Text(f"Support of the whole front: {document['front'][0]['support']}."))
        if (more := len(document["front"]) - len(_shown(document))) > 0:
            console.print(Text(f"{more} more of the front, left out evenly here, are in front.json and front.html."))
    console.print(Text("Published regimens and arms of the scenario, in the same patients", style="bold"))
    console.print(_published(document, console.width))
    for sentence in words.reading(document):
        console.print(Text(sentence))
    if console.width < _WIDE:
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


def _made(columns: list[tuple[str, str]], rows: list[list[str]], width: int) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    texts = [[name, *(row[place] for row in rows)] for place, (name, _) in enumerate(columns)]
    for (name, side), own in zip(columns, widths(texts, width), strict=True):
        justify = "left" if side == "left" else "right"
        table.add_column(Text(name), justify=justify, overflow="fold", width=own)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def widths(columns: list[list[str]], total: int) -> list[int | None]:
    """Return how wide columns are: no word is cut, and what room is left goes to those that would wrap.

    Parameters
    ----------
    columns : list of list of str
        The texts of each column, its heading first.
    total : int
        Characters in a line.

    Returns
    -------
    list of int or None
        None for all, if the longest words alone need more room than there is.

    Examples
    --------
    >>> widths([["every"], ["relief days", "36.5"]], 30), widths([["every"], ["relief days", "36.5"]], 14)
    ([5, 11], [5, 7])
    """
    least = [max((len(word) for text in texts for word in text.split()), default=1) for texts in columns]
    room = total - sum(least) - _BETWEEN * (len(columns) - 1)
    if room < 0:
        return [None] * len(columns)
    found: list[int | None] = []
    for texts, word in zip(reversed(columns), reversed(least), strict=True):  # words stand at the right, names break
        for wanted in (max(map(len, texts)), max(map(len, texts[1:]), default=0)):  # with the heading, or without
            more = min(max(wanted - word, 0), room)
            room, word = room - more, word + more
        found.append(word)
    return found[::-1]


def _measure_heads(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(head, "right") for head in words.measure_heads(document, ", {}")]


def _differs(document: Mapping[str, Any]) -> bool:
    """Say whether the front has more than one label of support, so that a column tells something."""
    return len({entry["support"] for entry in document["front"]}) > 1


def _front(document: Mapping[str, Any], width: int) -> "Table":
    columns, wide = words.columns(document), width >= _WIDE
    heads = [
        *(("", "right"), *((head, "right") for head, _ in columns)),
        *(*_measure_heads(document), ("chance", "right"), *([("support", "left")] if _differs(document) else [])),
    ]
    rows = []
    for place in _shown(document):
        entry = document["front"][place]
        cells = [str(entry["number"]), *(texts[place] for _, texts in columns), *_measures(document, entry, wide)]
        support = [entry["support"]] if _differs(document) else []
        rows.append([*cells, words.chance(entry["chance_on_front"]), *support])
    return _made(heads, rows, width)


def _measures(document: Mapping[str, Any], entry: Mapping[str, Any], wide: bool) -> list[str]:
    """Return the measures of a regimen; where there is room, relief with its interval."""
    return words.cells(document, entry, words.goal_names(document)[:1] if wide else ())


def _published(document: Mapping[str, Any], width: int) -> "Table":
    wide = width >= _WIDE
    drug = [("drug", "left")] if wide else []  # names of studies mostly say it
    heads = [("", "left"), *drug, *_measure_heads(document), ("against the front", "left")]
    rows = []
    for entry in document["published"]:
        cells = [words.name_of(entry), *([entry["drug"]] if wide else []), *_measures(document, entry, wide)]
        rows.append([*cells, words.published_words(entry)])
    return _made(heads, rows, width)
