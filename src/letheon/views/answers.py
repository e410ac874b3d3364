"""The answer to a query in words: a plain table."""

from typing import Any

__all__ = ["table"]

_MOST_ROWS = 1000  # shown in a terminal; --json gives all


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
