"""SQL over a run: its tables in an in-memory DuckDB that can read nothing else and write nothing at all."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from letheon.errors import InputError
from letheon.extras import require

__all__ = ["Answer", "query"]

_TABLES = {
    "endpoints": "a row for each patient of each arm",
    "profiles": "a row for each time, quantity and pain model of each arm",
    "events": "a row for each event, where the run keeps a log of events",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query found.

    Attributes
    ----------
    columns : tuple of str
        Names of the columns.
    rows : tuple of tuple
        Plain Python values; numbers that are not finite are None.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def document(self) -> dict[str, Any]:
        """Return the answer as plain lists, ready for JSON."""
        return {"columns": list(self.columns), "rows": [list(row) for row in self.rows]}


def query(run: str | Path, sql: str) -> Answer:
    """Ask a finished run a question in SQL.

    The tables are ``endpoints``, ``profiles`` and, where the run has them, ``events``. The language is DuckDB's.
    Nothing can be written, and no other file be read.

    Parameters
    ----------
    run : str or Path
        A run folder.
    sql : str
        One SELECT.

    Returns
    -------
    Answer
        Columns and rows.

    Raises
    ------
    InputError
        If the folder holds no finished run, or the query is none that can be answered.

    Examples
    --------
    >>> query("nowhere", "SELECT 1")
    Traceback (most recent call last):
    letheon.errors.InputError: nowhere holds no finished run; letheon simulate makes one.
    """
    folder = Path(run)
    _check(folder)
    if not sql.strip():
        raise InputError("the query is empty; try: SELECT arm, count(*) FROM endpoints GROUP BY arm")
    require("query")
    import duckdb

    try:
        with duckdb.connect(":memory:", config=_closed()) as connection:
            for name, table in _tables(folder).items():
                connection.register(name, table)
            # what is registered is known; from here on no setting can open the door again
            connection.execute("SET lock_configuration = true")
            found = connection.execute(_one_select(connection, sql))
            columns = tuple(column[0] for column in found.description or ())
            return Answer(columns, tuple(tuple(_plain(v) for v in row) for row in found.fetchall()))
    except duckdb.Error as error:
        raise InputError(_sentence(str(error), folder)) from None


def _check(folder: Path) -> None:
    """Refuse what is no finished run, before anything heavy loads."""
    if not (folder / "result.json").is_file() or not (folder / "endpoints").is_dir():
        unfinished = (folder / "run.json").is_file()
        what = "is not finished; run the same letheon simulate again" if unfinished else "holds no finished run"
        raise InputError(f"{folder} {what}{'.' if unfinished else '; letheon simulate makes one.'}")


def _closed() -> dict[str, Any]:
    return {
        "enable_external_access": False,
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "temp_directory": "",
    }


def _tables(folder: Path) -> dict[str, Any]:
    """Return the tables of a run; Arrow reads the files, so DuckDB itself needs none."""
    import pyarrow as pa
    from pyarrow import dataset

    arms = dataset.DirectoryPartitioning(pa.schema([("arm", pa.string())]), segment_encoding="none")

    def parts(name: str) -> Any:
        return dataset.dataset(str(folder / name), format="parquet", partitioning=arms)

    tables = {"endpoints": parts("endpoints"), "profiles": dataset.dataset(str(folder / "profiles.parquet"))}
    if any((folder / "events").glob("*/*.parquet")):
        tables["events"] = parts("events")
    return tables


def _one_select(connection: Any, sql: str) -> Any:
    """Return the one statement of a query, if it only reads."""
    import duckdb

    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise InputError(f"one SELECT at a time; this query has {len(statements)} statements.")
    if statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        raise InputError(f"a run is read-only: only SELECT is answered, not {statements[0].type.name}.")
    return statements[0]


def _plain(value: Any) -> Any:
    """Return a value that JSON knows."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if hasattr(value, "as_integer_ratio"):
        return float(value)
    return str(value)


def _sentence(message: str, folder: Path) -> str:
    """Turn DuckDB's message into one sentence of ours."""
    first = message.strip().split("\n")[0].strip().rstrip(".")
    kind, _, rest = first.partition(": ")
    if "Catalog" in kind and "Table with name" in rest:
        names = ", ".join(name for name in _TABLES if name != "events" or (folder / name).is_dir())
        return f"{rest}; the tables of a run are {names}."
    if "Permission" in kind or "disabled by configuration" in first:
        return "a query reads the tables of its run and nothing else: no files, no extensions, no settings."
    hint = next((line.strip() for line in message.split("\n")[1:] if "Candidate" in line or "Did you mean" in line), "")
    return f"the query cannot be answered: {rest or first}{f'; {hint}' if hint else ''}."
