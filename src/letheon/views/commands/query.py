"""``letheon query``: read-only SQL over the tables of a run."""

import re
from typing import TYPE_CHECKING, Annotated

from letheon.errors import InputError, RunError
from letheon.views.commands.long_work import leave
from letheon.views.commands.shell import AsJson, RunFolder, argument, option, show, tell, write_json

if TYPE_CHECKING:
    from rich.console import Console

    from letheon.views.document.tree import Document

_UNBROKEN = 100_000  # columns
_BYTES = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}


def _seconds(text: str) -> float:
    from letheon.scenario.quantities import duration_ms

    try:
        seconds = duration_ms(text) / 1000
    except InputError as error:
        raise InputError(f'--time-limit: {error} For example: --time-limit "5 min".') from None
    if seconds <= 0:
        raise InputError(f'--time-limit {text!r} is not above zero; give e.g. --time-limit "60 s".')
    return seconds


def _size(text: str) -> int:
    size = re.fullmatch(r"\s*([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([kmgt]i?b)\s*", text, re.IGNORECASE | re.ASCII)
    count = round(float(size[1]) * _BYTES[size[2].lower()]) if size else 0
    if not 10**7 <= count <= 10**15:
        raise InputError(
            f'--memory-limit {text[:40]!r} is not a size from 10 MB to 1000 TB; give e.g. --memory-limit "1 GB".'
        )
    return count


def query(
    run: RunFolder,
    sql: Annotated[str, argument("SQL", "One SELECT, in quotes.")],
    as_json: AsJson = False,
    time_limit: Annotated[float | None, option("TIME", 'Longest time it may take (default: "60 s").', _seconds)] = None,
    memory_limit: Annotated[int | None, option("SIZE", 'Most memory it may take (default: "1 GB").', _size)] = None,
) -> None:
    """Ask a run a question in SQL.

    One SELECT (DuckDB's SQL) over the tables endpoints (a row a patient, with its arm), profiles (a row a time),
    comparisons (a row for each paired difference between arms) and, where the run keeps them, events. Nothing can be
    written, and no other file can be read. What the run did not write itself is left out; a part that is missing or
    damaged is refused.

    Example:
      letheon query runs/small "SELECT avg(nrs_day_7) FROM endpoints"
    """
    from letheon.runs.query import MEMORY_LIMIT, TIME_LIMIT_S, query

    def stuck(sentence: str) -> None:
        tell(sentence)
        leave(RunError.exit_code)  # compiled code that does not listen; nothing is being written

    seconds, size = time_limit or TIME_LIMIT_S, memory_limit or MEMORY_LIMIT
    answer = query(run, sql, time_limit_s=seconds, memory_limit=size, stuck=stuck)
    if as_json:
        write_json(answer.document())
        return
    from letheon.views.subjects import answers

    def draw(console: "Console") -> "Document":
        if not console.is_terminal:
            console.width = _UNBROKEN  # programs read a row a line
        return answers.answer(answer)

    show(draw)
