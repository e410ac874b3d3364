"""``letheon query``: read-only SQL over the tables of a run."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from letheon.errors import InputError, RunError
from letheon.views.interruption import leave

__all__ = ["EXAMPLE", "register"]

EXAMPLE = 'letheon query runs/small "SELECT avg(nrs_day_7) FROM endpoints"'
_MOST_ROWS = 1000  # shown in a terminal; --json gives all


_BYTES = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}


def register(app: typer.Typer, write: Callable[..., None], tell: Callable[[str], None]) -> None:
    """Add the command to the program.

    Parameters
    ----------
    app : typer.Typer
        The program.
    write : callable
        Writes a text to stdout; takes `encoding` too.
    tell : callable
        Writes a sentence to stderr.
    """

    def stuck(sentence: str) -> None:
        tell(sentence)
        leave(RunError.exit_code)  # compiled code that does not listen; nothing is being written

    @app.command(
        "query",
        short_help="Ask a run a question in SQL.",
        help="Ask a run a question in SQL (DuckDB's): one SELECT over the tables endpoints (a row a patient, with its"
        " arm), profiles (a row a time) and, where the run keeps them, events."
        "\n\nNothing can be written, and no other file can be read. What the run did not write itself is left out; a"
        " part that is missing or damaged is refused.",
        epilog=f"\b\nExample:\n  {EXAMPLE}",
    )
    def _query(
        run: Annotated[Path, typer.Argument(metavar="RUN", show_default=False, help="A run folder.")],
        sql: Annotated[str, typer.Argument(metavar="SQL", show_default=False, help="One SELECT, in quotes.")],
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of the table.")] = False,
        time_limit: Annotated[
            str, typer.Option(metavar="TIME", show_default=False, help='Longest time it may take (default: "60 s").')
        ] = "60 s",
        memory_limit: Annotated[
            str, typer.Option(metavar="SIZE", show_default=False, help='Most memory it may take (default: "1 GB").')
        ] = "1 GB",
    ) -> None:
        """Answer a query; see `letheon.runs.query`."""
        seconds, size = _seconds(time_limit), _size(memory_limit)
        from letheon.runs.query import query

        answer = query(run, sql, time_limit_s=seconds, memory_limit=size, stuck=stuck)
        if as_json:
            write(json.dumps(answer.document(), ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
        else:
            write("".join(f"{line}\n" for line in table(answer.columns, answer.rows)))


def _seconds(given: str) -> float:
    from letheon.scenario.quantities import duration_ms

    try:
        seconds = duration_ms(given) / 1000
    except InputError as error:
        raise InputError(f'--time-limit: {error} For example: --time-limit "5 min".') from None
    if seconds <= 0:
        raise InputError(f'--time-limit {given!r} is no time to wait; give e.g. --time-limit "60 s".')
    return seconds


def _size(given: str) -> int:
    found = re.fullmatch(r"\s*([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([kmgt]i?b)\s*", given, re.IGNORECASE | re.ASCII)
    size = round(float(found[1]) * _BYTES[found[2].lower()]) if found else 0
    if not 10**7 <= size <= 10**15:
        raise InputError(
            f'--memory-limit {given[:40]!r} is no size from 10 MB to 1000 TB; give e.g. --memory-limit "1 GB".'
        )
    return size


def table(columns: tuple[str, ...], rows: tuple[tuple[Any, ...], ...]) -> list[str]:
    r"""Lay an answer out as lines of plain text.

    Parameters
    ----------
    columns : tuple of str
        Names of the columns.
    rows : tuple of tuple
        Values.

    Returns
    -------
    list of str
        A head, a rule, a line for each row; numbers stand to the right.

    Examples
    --------
    >>> print("\n".join(table(("arm", "nrs"), (("placebo", 6.25), ("esketamine", 3.5)))))
    arm          nrs
    ----------  ----
    placebo     6.25
    esketamine   3.5
    """
    shown = [[_word(value) for value in row] for row in rows[:_MOST_ROWS]]
    widths = [max(len(line[k]) for line in [list(columns), *shown]) for k in range(len(columns))]
    right = [all(isinstance(row[k], int | float | None) for row in rows[:_MOST_ROWS]) for k in range(len(columns))]

    def line(words: list[str]) -> str:
        cells = (w.rjust(n) if r else w.ljust(n) for w, n, r in zip(words, widths, right, strict=True))
        return "  ".join(cells).rstrip()

    lines = [line(list(columns)), "  ".join("-" * width for width in widths), *(line(words) for words in shown)]
    if len(rows) > _MOST_ROWS:
        lines.append(f"… {len(rows) - _MOST_ROWS} more rows: --json gives them all, LIMIT gives fewer")
    return lines


def _word(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return "".join(c if c.isprintable() else " " for c in text)
