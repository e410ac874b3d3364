"""SQL over a run: its tables in an in-memory DuckDB that can read nothing else and write nothing at all."""

import math
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from letheon.errors import InputError, LetheonError, LetheonWarning, RunError
from letheon.extras import require
from letheon.runs.folder import LASTING, RUN, remedy
from letheon.runs.manifest import Manifest, Record
from letheon.runs.watch import Watch, bytes_text

__all__ = ["MEMORY_LIMIT", "TIME_LIMIT_S", "Answer", "query"]

TIME_LIMIT_S = 60.0
MEMORY_LIMIT = 10**9  # bytes
_BATCH = 10_000  # rows fetched at a time, between looks at the limits

_TABLES = ("endpoints", "profiles", "events")
_COMPARISONS = "comparisons"  # a table made from the result of the run
_RESULT = "result.json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query returned: names of the columns, and rows of plain values, None for numbers that are not finite."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def document(self) -> dict[str, Any]:
        """Return the answer as plain lists, ready for JSON."""
        return {"columns": list(self.columns), "rows": [list(row) for row in self.rows]}


def query(
    run: str | Path,
    sql: str,
    *,
    time_limit_s: float = TIME_LIMIT_S,
    memory_limit: int = MEMORY_LIMIT,
    stuck: Callable[[str], None] | None = None,
) -> Answer:
    """Ask a finished run a question in SQL: one SELECT in the language of DuckDB.

    The tables are ``endpoints``, ``profiles``, ``comparisons`` and, where the run has them, ``events``. ``comparisons``
    has a row for each arm that is compared with another (``against``), each endpoint (``measure``) and each
    ``mechanism`` with their ``average``: the ``difference`` with its interval (``low``, ``high``) in the ``unit``, and
    ``chance_better``, null where neither direction is better. Nothing can be written, and no other file be read. The
    tables hold what the run's manifest vouches for: other files in the folder are left out with a warning. `stuck` is
    called with a sentence where a query has passed `time_limit_s` [s] or `memory_limit` [bytes] and does not stop.

    Raises
    ------
    InputError
        If the folder holds no finished run, a file of it is missing or damaged, or the query cannot be answered.
    RunError
        If it passes a limit.

    Examples
    --------
    >>> query("nowhere", "SELECT 1")
    Traceback (most recent call last):
    letheon.errors.InputError: nowhere holds no finished run; letheon simulate makes one.
    """
    folder = Path(run)
    files = _finished(folder)
    if not sql.strip():
        raise InputError("the query is empty; try: SELECT arm, count(*) FROM endpoints GROUP BY arm")
    try:
        sql.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"character {error.start + 1} of the query is not UTF-8; write the query as UTF-8.") from None
    require("query")
    import duckdb

    # tables that the query does not name are unknown to it, and stay unread; all are known where it names none
    tables = _tables(files)
    tables = {name: parts for name, parts in tables.items() if name in sql.casefold()} or tables
    _refuse_damaged(folder, {name: files[name] for parts in tables.values() for name in parts})
    with duckdb.connect(":memory:", config=_closed(memory_limit)) as connection:
        watch = Watch(
            connection.interrupt, time_limit_s, memory_limit, stuck and (lambda reason: stuck(_limit(reason)))
        )
        try:
            with watch:
                for name, parts in tables.items():
                    connection.register(name, _dataset(folder, name, parts))
                # what is registered is known; from here on no setting can open the door again
                connection.execute("SET lock_configuration = true")
                return _answer(connection.execute(_one_select(connection, sql)), watch)
        except LetheonError:
            raise
        except duckdb.OutOfMemoryException:
            raise RunError(_limit(f"needs more memory than {bytes_text(memory_limit)}")) from None
        except Exception as error:  # of DuckDB, or of a value that Python has no number or date for
            if watch.reason:
                raise RunError(_limit(watch.reason)) from None
            raise InputError(_sentence(str(error), _tables(files))) from None


def _limit(reason: str) -> str:
    return f"the query {reason}; ask for less, or raise --time-limit or --memory-limit."


def _answer(result: Any, watch: Watch) -> Answer:
    columns, rows = tuple(column[0] for column in result.description or ()), []
    while batch := result.fetchmany(_BATCH):
        if watch.reason:
            raise TimeoutError(watch.reason)
        rows += [tuple(_plain(value) for value in row) for row in batch]
    return Answer(columns, tuple(rows))


# --- what the run vouches for ---


def _finished(folder: Path) -> dict[str, Record]:
    """Return the files of a finished run by path in its folder; refuse another, before anything heavy loads."""
    files = Manifest(folder).files.get(RUN)
    try:
        unfinished = (folder / "run.json").is_file()
    except (OSError, ValueError):
        unfinished = False
    if files is None and unfinished:
        raise InputError(f"{folder} is not finished, or its manifest is damaged; run this: {remedy(folder)}")
    if files is None:
        raise InputError(f"{str(folder)[:80]} holds no finished run; letheon simulate makes one.")
    for name in (part for parts in _tables(files).values() for part in parts):
        if not files[name].there(folder / name):
            raise InputError(f"{folder / name} is missing or damaged; to repair it, run: {remedy(folder)}")
    return files


def _tables(files: dict[str, Record]) -> dict[str, list[str]]:
    """Return the parts of each table."""
    tables = {name: [f for f in files if f.startswith((f"{name}/", f"{name}.parquet"))] for name in _TABLES}
    return {name: parts for name, parts in tables.items() if parts} | {_COMPARISONS: [_RESULT]}


def _refuse_damaged(folder: Path, files: dict[str, Record]) -> None:
    """Refuse parts that are not as they were written, and warn of files that are none of the run's."""
    for name, record in files.items():
        if not record.intact(folder / name):
            raise InputError(f"{folder / name} is damaged; to repair it, run: {remedy(folder)}")
    roots = {name.split("/")[0] for name in files if name.startswith(LASTING)}
    beside = (path for root in sorted(roots) for path in sorted((folder / root).rglob("*")) if path.is_file())
    strays = [name for path in beside if (name := path.relative_to(folder).as_posix()) not in files]
    if strays:
        more = f" and {len(strays) - 3} more" if len(strays) > 3 else ""
        warnings.warn(
            LetheonWarning(f"files in {folder} not written by the run are left out: {', '.join(strays[:3])}{more}."),
            stacklevel=3,
        )


def _dataset(folder: Path, name: str, parts: list[str]) -> Any:
    """Return a table; Arrow reads the files, so DuckDB itself needs none."""
    if name == _COMPARISONS:
        return _comparisons(folder)
    import pyarrow as pa
    from pyarrow import dataset

    home = folder.resolve()
    arms = dataset.DirectoryPartitioning(pa.schema([("arm", pa.string())]), segment_encoding="none")
    return dataset.dataset(
        [str(home / part) for part in parts],
        format="parquet",
        partitioning=arms if f"{name}/" in LASTING else None,
        partition_base_dir=str(home / name),
    )


def _comparisons(folder: Path) -> Any:
    """Return the paired differences of a run's result as a table."""
    import pyarrow as pa

    from letheon.pipeline.result import Endpoint, decode

    result = decode((folder / _RESULT).read_bytes(), str(folder / _RESULT))
    rows: list[dict[str, Any]] = []
    for name, arm in result.arms.items():
        parts = [(result.models.pain, arm), *(arm.by_model.items() if arm.by_model else ())]
        for mechanism, part in parts:
            for measure, entry in part.endpoints.items():
                if not isinstance(entry, Endpoint) or not entry.against:
                    continue
                one = entry.against
                row = {"arm": name, "against": one.arm, "measure": measure, "mechanism": mechanism, "unit": entry.unit}
                row |= {"difference": one.mean, "low": one.mean_interval[0], "high": one.mean_interval[1]}
                row |= {"chance_better": one.chance_better, "same_regimen": bool(one.same_regimen)}
                rows.append(row | {"support": one.support or None})
    texts, numbers = ("arm", "against", "measure", "mechanism", "unit"), ("difference", "low", "high", "chance_better")
    columns = [(column, pa.string()) for column in texts] + [(column, pa.float64()) for column in numbers]
    schema = pa.schema([*columns, ("same_regimen", pa.bool_()), ("support", pa.string())])
    return pa.Table.from_pylist(rows, schema=schema)


# --- DuckDB ---


def _closed(memory: int) -> dict[str, Any]:
    return {
        "memory_limit": f"{memory}B",
        "enable_external_access": False,
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "temp_directory": "",
    }


def _one_select(connection: Any, sql: str) -> Any:
    """Return the one statement of a query, if it only reads."""
    import duckdb

    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise InputError(f"only one SELECT is allowed at a time; this query has {len(statements)} statements.")
    if statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        raise InputError(f"a run is read-only: only SELECT is allowed, not {statements[0].type.name}.")
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


def _sentence(message: str, tables: Iterable[str]) -> str:
    """Turn DuckDB's message into one sentence of ours."""
    first = message.strip().split("\n")[0].strip().rstrip(".")
    kind, _, rest = first.partition(": ")
    if "Catalog" in kind and "Table with name" in rest:
        return f"{rest}; the tables of a run are {', '.join(tables)}."
    if "Permission" in kind or "disabled by configuration" in first:
        return "a query reads the tables of its run and nothing else: no files, no extensions, no settings."
    if old := re.search(r"\brival_(\w+)", first):
        return f"{old[0]} is no column any more; ask for memory_{old[1]} or slow_site_{old[1]}."
    hint = next((line.strip() for line in message.split("\n")[1:] if "Candidate" in line or "Did you mean" in line), "")
    return f"the query cannot be answered: {rest or first}{f'; {hint}' if hint else ''}."
