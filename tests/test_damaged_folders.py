"""Run folders that were damaged: an answer is that of the undamaged run, or there is none.

The oracle is the folder as it was before the damage.
"""

import random
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from scenarios import scenario_text

from letheon.errors import InputError, LetheonError, LetheonWarning, RunError
from letheon.pipeline.result import RunResult
from letheon.runs import engine, simulate
from letheon.runs import folder as run_folder
from letheon.runs.folder import remedy
from letheon.runs.query import query
from letheon.scenario import dumps, load, loads
from letheon.scenario.loading import read_text

pytestmark = pytest.mark.long

TEXT = scenario_text(
    "ketamine: {drug: racemic, sessions: [{at: day 1, rate: 10 mg/h, for: 4 h}], "
    "titration: {every: 1 h, step: 5 mg/h, max: 30 mg/h, relief: 40 %}}",
    "placebo: {drug: placebo, like: ketamine}",
    population="{n: 600}",
    follow_up="2 days",
    seed=3,
)
SQL = (
    "SELECT arm, count(*), sum(patient), avg(nrs_day_1), sum(dose_mg) FROM endpoints GROUP BY arm ORDER BY arm",
    "SELECT count(*), sum(mean), max(q95) FROM profiles",
    "SELECT count(*), sum(patient), min(patient) FROM events",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run with two chunks an arm, events and a report."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "CHUNK", 2)
        out = tmp_path_factory.mktemp("whole") / "run"
        return Path(simulate(loads(TEXT), out=out, text=TEXT, page=page).folder or out)


@pytest.fixture(autouse=True)
def _two_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CHUNK", 2)


def page(result: RunResult, text: str) -> str:
    """Stand in for the report, which is about result and text alone."""
    return f"{text}\n{result.title}\n{result.arms['ketamine'].endpoint('dose_mg')}\n"


def content(folder: Path) -> dict[str, bytes]:
    """Return what a run left; lines of the manifest are added by a repair, and it may have any number of them."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name: (folder / name).read_bytes() for name in sorted(names) if name not in ("manifest.jsonl", ".lock")}


def again(folder: Path) -> bool:
    """Simulate into a folder; return whether all was there."""
    return simulate(loads(TEXT), out=folder, text=TEXT, page=page).reused


Damage = Callable[[Path, random.Random], object]


def truncate(path: Path, chance: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])


def flip(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def delete(path: Path, _: random.Random) -> None:
    path.unlink()


def empty(path: Path, _: random.Random) -> None:
    path.write_bytes(b"")


def double(path: Path, chance: random.Random) -> None:
    digits = f"{chance.randrange(10**5):05d}"
    shutil.copy(path, path.with_name(f"part-{digits}.parquet" if path.suffix == ".parquet" else f"{digits}{path.name}"))


def swap(path: Path, chance: random.Random) -> None:
    others = [other for other in sorted(path.parent.parent.rglob(f"*{path.suffix}")) if other != path]
    other = chance.choice(others or [path.with_name("manifest.jsonl")])
    one, two = path.read_bytes(), other.read_bytes()
    path.write_bytes(two)
    other.write_bytes(one)


def replace_by_folder(path: Path, _: random.Random) -> None:
    path.unlink()
    path.mkdir()


def other_json(path: Path, chance: random.Random) -> None:
    path.write_text(chance.choice(["[]", "7", "null", '"x"', "{}", '{"format": []}', "[" * 10_000, '{"files": 3}']))


def move_folder(path: Path, _: random.Random) -> None:
    moved = path.parent if path.parent.name in ("ketamine", "placebo") else path
    moved.rename(moved.with_name("other"))


DAMAGES = (truncate, flip, delete, double, swap, empty, replace_by_folder, other_json, move_folder)


def refused(error: LetheonError) -> bool:
    assert "\n" not in str(error) and len(str(error)) > 15
    return True


def is_repaired(folder: Path, whole: Path, answers: list) -> bool:
    """Ask and simulate again: right, or refused; never wrong. Return whether the run was made whole."""
    for sql, answer in zip(SQL, answers, strict=True):
        try:
            assert query(folder, sql) == answer
        except LetheonError as error:
            assert refused(error)
    try:
        again(folder)
    except LetheonError as error:
        return not refused(error)
    files = content(folder)
    assert {name: files.get(name) for name in content(whole)} == content(whole)
    assert [query(folder, sql) for sql in SQL] == answers
    return True


def damaged(whole: Path, place: Path, name: str, damage: Damage, seed: int = 1) -> Path:
    """Return a copy of a run folder with one file damaged."""
    shutil.copytree(whole, place)
    damage(place / name, random.Random(seed))
    return place


def repaired(whole: Path, tmp_path: Path, cases: list[tuple[str, Damage, int]]) -> int:
    """Damage a copy of the folder in each of the ways, check what becomes of it, count what was made whole."""
    answers, count = [query(whole, sql) for sql in SQL], 0
    for number, (name, damage, seed) in enumerate(cases):
        folder = damaged(whole, tmp_path / str(number), name, damage, seed)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", LetheonWarning)
                count += is_repaired(folder, whole, answers)
        except Exception as error:
            raise AssertionError(f"{damage.__name__} of {name}, seed {seed}") from error
        shutil.rmtree(folder)
    return count


QUICK = (
    *(
        (name, truncate)
        for name in ("profiles.parquet", "manifest.jsonl", "report.html", "scenario.yaml", "resolved.yaml")
    ),
    *((name, other_json) for name in ("manifest.jsonl", "run.json", "result.json")),
    ("manifest.jsonl", flip),
    ("events/ketamine/part-00001.parquet", flip),
    ("endpoints/ketamine/part-00001.parquet", delete),
    ("endpoints/ketamine/part-00000.parquet", double),
    *(("endpoints/placebo/part-00000.parquet", damage) for damage in (move_folder, replace_by_folder)),
)


def test_damaged_folder_gives_right_answer_or_none(whole: Path, tmp_path: Path) -> None:
    # not without the stamp, nor where a folder is in a file's place
    assert repaired(whole, tmp_path, [(name, damage, 1) for name, damage in QUICK]) >= len(QUICK) - 3


@pytest.mark.slow
def test_every_file_damaged_in_every_way(whole: Path, tmp_path: Path) -> None:
    names = [path.relative_to(whole).as_posix() for path in sorted(whole.rglob("*")) if path.is_file()]
    fixed = (delete, empty, replace_by_folder, move_folder)  # these leave nothing to chance
    cases = [(n, damage, seed) for n in names if n != ".lock" for damage in DAMAGES for seed in (1, 2)]
    repaired(whole, tmp_path, [case for case in cases if case[2] == 1 or case[1] not in fixed])


@pytest.mark.parametrize("damage", [delete, truncate, flip])
def test_the_refusal_names_the_part_and_the_command_that_repairs(whole: Path, tmp_path: Path, damage: Damage) -> None:
    folder = damaged(whole, tmp_path / "run", "endpoints/ketamine/part-00001.parquet", damage)
    with pytest.raises(InputError, match=r"endpoints/ketamine/part-00001\.parquet") as caught:
        query(folder, "SELECT count(*) FROM endpoints")
    assert str(caught.value).endswith(remedy(folder))
    _, _, scenario, option, out = remedy(folder).split()
    assert (option, Path(out)) == ("--out", folder)
    # what the command line does
    assert not simulate(load(scenario), text=read_text(scenario), out=Path(out), page=page).reused
    assert content(folder) == content(whole)


def test_foreign_files_are_left_out_and_named(whole: Path, tmp_path: Path) -> None:
    folder = damaged(whole, tmp_path / "run", "endpoints/ketamine/part-00000.parquet", double)
    shutil.copytree(folder / "endpoints" / "placebo", folder / "endpoints" / "placebo2")
    with pytest.warns(LetheonWarning, match=r"left out: endpoints/ketamine/part-.*placebo2"):
        rows = query(folder, "SELECT arm, count(*) FROM endpoints GROUP BY arm ORDER BY arm").rows
    assert rows == (("ketamine", 600), ("placebo", 600))


def test_only_parts_that_a_query_needs_are_read(whole: Path, tmp_path: Path) -> None:
    folder = damaged(whole, tmp_path / "run", "endpoints/ketamine/part-00000.parquet", flip)
    assert query(folder, SQL[1]) == query(whole, SQL[1])
    with pytest.raises(InputError, match="is damaged"):
        query(folder, SQL[0])
    with pytest.raises(InputError, match="endpoints"):  # a name put together is a table that is not there
        query(folder, "SELECT count(*) FROM query_table('endp' || 'oints'), profiles")


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_part_deleted_during_a_run_is_noticed(whole: Path, tmp_path: Path, on_disk: bool, monkeypatch) -> None:
    if on_disk:
        monkeypatch.setattr(engine, "_IN_MEMORY", 0)
    victim = tmp_path / "run" / "endpoints" / "ketamine" / "part-00001.parquet"

    def spoil(done: int, total: int, arm: str) -> None:
        if arm == "placebo":
            victim.unlink(missing_ok=True)

    with pytest.raises(RunError, match=r"part-00001.parquet was deleted or changed.*same command again"):
        simulate(loads(TEXT), out=tmp_path / "run", text=TEXT, page=page, progress=spoil)
    assert not (tmp_path / "run" / "result.json").exists()
    again(tmp_path / "run")
    assert content(tmp_path / "run") == content(whole)


def test_new_text_of_the_same_scenario_needs_no_new_run(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    commented = f"# a comment\n{TEXT}"
    run = simulate(loads(commented), out=folder, text=commented, page=page)
    assert run.reused and run.text == commented
    assert (folder / "scenario.yaml").read_text() == commented
    assert "# a comment" in (folder / "report.html").read_text()
    # a scenario without a text of its own says nothing new
    simulate(loads(commented), out=folder, page=page)
    simulate(load(folder / "resolved.yaml"), text=dumps(loads(commented)), out=folder, page=page)
    assert (folder / "scenario.yaml").read_text() == commented
    assert "# a comment" in (folder / "report.html").read_text()


def test_a_scenario_edited_during_its_run_stays_as_it_ran(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(TEXT)

    def edit(done: int, total: int, arm: str) -> None:
        file.write_text(TEXT.replace("10 mg/h", "99 mg/h"))

    run = simulate(file, out=tmp_path / "run", patients=2, progress=edit, page=page)
    assert "99 mg/h" in file.read_text()
    for name in ("scenario.yaml", "report.html", "resolved.yaml"):
        text = (tmp_path / "run" / name).read_text()
        assert "10 mg/h" in text and "99 mg/h" not in text
    assert run.text == TEXT


def test_checksums_are_of_what_was_written(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = run_folder.write

    def bad_disk(path: Path, data: bytes) -> None:
        if "part-00001.parquet" in path.name and "ketamine" in path.parts and "endpoints" in path.parts:
            data = data[:-5] + b"wrong"
        real(path, data)

    monkeypatch.setattr(run_folder, "write", bad_disk)
    with pytest.raises(RunError, match="part-00001"):
        simulate(loads(TEXT), out=tmp_path / "run")
    monkeypatch.undo()
    monkeypatch.setattr(engine, "CHUNK", 2)
    again(tmp_path / "run")
    assert pq.read_table(tmp_path / "run" / "endpoints" / "ketamine" / "part-00001.parquet").num_rows == 88
