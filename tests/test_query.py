"""SQL over a run: the same numbers as its files, and no way out of it."""

import json

import pyarrow.parquet as pq
import pytest

from letheon.errors import InputError, RunError
from letheon.runs import simulate
from letheon.runs.query import Answer, query
from letheon.scenario import loads
from letheon.views.commands.query import _seconds, _size
from letheon.views.document import terminal
from letheon.views.subjects import answers

TEXT = """
letheon: 1
title: "one infusion, asked about"
population: {n: 40}
follow_up: 2 weeks
arms:
  ketamine: {drug: racemic, sessions: [{at: day 1, dose: 0.5 mg/kg, for: 40 min}]}
  placebo: {drug: placebo, like: ketamine}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return simulate(loads(TEXT), out=tmp_path_factory.mktemp("query") / "run")


@pytest.mark.long
def test_means_equal_those_of_files_and_document(run):
    answer = query(
        run.folder, "SELECT arm, avg(memory_nrs_day_7) AS m, count(*) AS n FROM endpoints GROUP BY arm ORDER BY arm"
    )
    assert answer.columns == ("arm", "m", "n")
    for arm, mean, n in answer.rows:
        values = pq.read_table(run.folder / "endpoints" / arm / "part-00000.parquet")["memory_nrs_day_7"].to_numpy()
        assert mean == pytest.approx(values.mean(), rel=1e-12)
        assert mean == pytest.approx(
            run.document["arms"][arm]["by_model"]["memory"]["endpoints"]["nrs_day_7"]["mean"], rel=1e-5
        )
        assert n == 40
    sql = """SELECT avg(k.memory_nrs_day_1 - p.memory_nrs_day_1) FROM endpoints k JOIN endpoints p USING (patient)
             WHERE k.arm = 'ketamine' AND p.arm = 'placebo'"""
    ketamine = run.document["arms"]["ketamine"]
    assert query(run.folder, sql).rows[0][0] == pytest.approx(
        ketamine["by_model"]["memory"]["endpoints"]["nrs_day_1"]["against"]["mean"], abs=1e-5
    )
    answer = query(run.folder, "SELECT max(mean) FROM profiles WHERE arm = 'ketamine' AND quantity = 'esketamine'")
    level = ketamine["profile"]["concentration_ng_per_ml"]["esketamine"]
    assert answer.rows[0][0] == pytest.approx(max(level["mean"]))


def test_odd_values_are_valid_json_or_refused(run):
    answer = query(run.folder, "SELECT 'inf'::DOUBLE AS a, [1, 2] AS b, DATE '2026-01-02' AS c, 1.5::DECIMAL(4,2) AS d")
    assert answer.rows == ((None, [1, 2], "2026-01-02", 1.5),)
    assert query(run.folder, "DESCRIBE endpoints").rows and query(run.folder, "EXPLAIN SELECT 1").rows
    for sql in ("SELECT DATE '200000-01-01'", "SELECT 'a\0b'", "SELECT 1::HUGEINT << 100", "SELECT [[]]"):
        try:
            json.dumps(query(run.folder, sql).document(), allow_nan=False)
        except InputError as error:
            assert "\n" not in str(error)


FORBIDDEN = [
    *("CREATE TABLE t AS SELECT 1", "DROP VIEW endpoints", "INSERT INTO endpoints VALUES (1)"),
    *("COPY (SELECT 1) TO 'x.csv'", "COPY endpoints TO 'x.parquet'", "EXPORT DATABASE 'x'", "ATTACH 'x.db'"),
    *("INSTALL httpfs", "LOAD httpfs", "SET enable_external_access = true", "PRAGMA database_list"),
    *("CALL pragma_version()", "EXPLAIN ANALYZE COPY (SELECT 1) TO 'x.csv'"),
    *("SELECT * FROM read_csv('{file}')", "SELECT * FROM '{file}'", "SELECT * FROM read_text('{file}')"),
    *("SELECT * FROM read_blob('{file}')", "SELECT * FROM glob('{folder}/*')", "SELECT getenv('HOME')"),
    *("SELECT * FROM read_parquet('{parquet}')", "SELECT * FROM query('COPY (SELECT 1) TO ''{file}2''')"),
    "SELECT * FROM sqlite_scan('{file}', 't')",
    "SELECT * FROM duckdb_secrets() WHERE error(content) FROM read_text('{file}')",
]


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_writing_setting_and_reading_other_files_are_refused(run, sql, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n42\n")
    before = {p: p.stat().st_mtime_ns for p in run.folder.rglob("*")}
    parquet = next(run.folder.rglob("*.parquet"))
    with pytest.raises(InputError) as caught:
        query(run.folder, sql.format(file=secret, folder=tmp_path, parquet=parquet))
    assert "42" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["secret.csv"]
    assert {p: p.stat().st_mtime_ns for p in run.folder.rglob("*")} == before


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT nrs_day_8 FROM endpoints", "nrs_day_8"), ("SELEC 1", "SELEC"), ("SELECT 1; SELECT 2", "2 statements"),
        ("  ", "empty"), ("SELECT * FROM endpoint", "tables of a run are endpoints, profiles"),
        ("SELECT * FROM hidden", "tables of a run are endpoints, profiles"),  # no variable of Python is a table
        (b"SELECT '\xff'".decode(errors="surrogateescape"), "UTF-8"),
    ],
)  # fmt: skip
def test_an_error_is_one_sentence(run, sql, words):
    hidden = pq.read_table(next(run.folder.rglob("*.parquet")))
    assert hidden.num_rows
    with pytest.raises(InputError, match=words) as caught:
        query(run.folder, sql)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_other_folders_are_refused_and_nothing_heavy_loads(tmp_path, heavy_modules):
    with pytest.raises(InputError, match="holds no finished run"):
        query(tmp_path, "SELECT 1")
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(InputError, match="is not finished"):
        query(tmp_path, "SELECT 1")
    assert heavy_modules("query", str(tmp_path), "SELECT 1") == (2, set())


def test_the_command_prints_a_table_or_json(run, command):
    code, out, _ = command("query", run.folder, "SELECT arm, count(*) AS n FROM endpoints GROUP BY arm ORDER BY arm")
    assert code == 0
    head, _, *rows = (line.rstrip() for line in out.splitlines())
    assert (head, *rows) == ("arm        n", "ketamine  40", "placebo   40")
    out = command("query", run.folder, "SELECT min(patient) AS first FROM endpoints", "--json")[1]
    assert json.loads(out) == {"columns": ["first"], "rows": [[0]]}


@pytest.mark.parametrize("width", [20, 80])
def test_no_value_of_an_answer_is_lost(width):
    rows = tuple((f"name{k} " + "word " * 9, k, None, f"{'long' * 30}{k}") for k in range(3))
    text = "".join(terminal.text(answers.answer(Answer(("a", "b", "c", "d"), rows)), width).split())
    assert text.count("w") % 27 == 0 < text.count("w") and text.count("g") == 90  # the first column stands in each part
    lines = terminal.text(answers.answer(Answer(("x",), tuple((k,) for k in range(1200))))).splitlines()
    assert [int(line) for line in lines[2:-1]] == list(range(1000)) and "200 more rows" in lines[-1]


@pytest.mark.parametrize(
    ("sql", "limits", "words"),
    [
        ("SELECT count(*) FROM range(100000000000) t(i) WHERE sin(i) > 2", {"time_limit_s": 0.3}, "0.3 s"),
        ("SELECT * FROM range(100000000000)", {"time_limit_s": 0.3}, "0.3 s"),
        ("SELECT list(i) FROM range(1000000000) t(i)", {"memory_limit": 10**8}, "100 MB"),
        ("SELECT i, i::VARCHAR FROM range(100000000000) t(i)", {"memory_limit": 2 * 10**7}, "20 MB"),
    ],
    ids=["long", "long answer", "large", "large answer"],
)
def test_a_query_has_limits_of_time_and_memory(run, sql, limits, words):
    with pytest.raises(RunError, match=words) as caught:
        query(run.folder, sql, **limits)
    assert "\n" not in str(caught.value) and "--time-limit" in str(caught.value)


def test_runaway_query_is_ended(fresh_python, run):
    """DuckDB makes one very long text without listening or counting its memory."""
    code = "import sys\nfrom letheon.views.commands.main import main\nmain(sys.argv[1:])"
    sql = "SELECT max(length(repeat('x', 500000000) || i)) FROM range(1000) t(i)"
    ran = fresh_python(code, "query", str(run.folder), sql, "--memory-limit", "200 MB", "--time-limit", "100 s")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "200 MB" in ran.stderr and ran.stderr.count("\n") == 1


def test_units_of_the_limits():
    assert (_seconds("2 min"), _seconds("1.5 s")) == (120, 1.5)
    assert (_size("1.5 GB"), _size("64MiB"), _size("20 mb")) == (1_500_000_000, 64 * 2**20, 20_000_000)
