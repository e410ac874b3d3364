"""The stamp of a run: what changes its numbers is in it, and what does not is not."""

import re
import shutil
from pathlib import Path

import pytest

from letheon.errors import InputError
from letheon.runs import environment
from letheon.runs.environment import machine_stamp, stamp_of
from letheon.runs.folder import Folder
from letheon.runs.manifest import Manifest
from letheon.scenario import load


@pytest.fixture(autouse=True)
def _no_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(environment.os.environ):
        if name == "XLA_FLAGS" or name.startswith("JAX_"):
            monkeypatch.delenv(name)


def test_changed_source_changes_the_stamp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "letheon"
    shutil.copytree(Path(environment.__file__).parents[1], home, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(environment, "__file__", str(home / "runs" / "environment.py"))

    def source() -> str:
        environment._source.cache_clear()
        return machine_stamp()["source"]

    before = source()
    for name in ("body/pain.py", "library/sources.bib", "library/pain.toml"):
        file = home / name
        kept = file.read_bytes()
        file.write_bytes(kept + b"\n# changed\n")
        assert source() != before, name
        file.write_bytes(kept)
        assert source() == before
    (home / "body" / "new.py").write_text("")
    assert source() != before
    (home / "body" / "new.py").unlink()
    (home / "views" / "new.py").write_text("")  # shows numbers, and makes none
    (home / "body" / "__pycache__").mkdir()
    (home / "body" / "__pycache__" / "pain.py").write_text("")
    assert source() == before
    environment._source.cache_clear()


@pytest.mark.parametrize(
    ("name", "value", "counts"),
    [
        ("XLA_FLAGS", "--xla_cpu_enable_fast_math=true", True),
        ("JAX_PLATFORMS", "cuda", True),
        ("JAX_DEFAULT_MATMUL_PRECISION", "bfloat16", True),
        ("JAX_COMPILATION_CACHE_DIR", "elsewhere", False),
        ("JAX_LOG_COMPILES", "1", False),
        ("XLA_FLAGS", "  ", False),
        ("EDITOR", "vi", False),
    ],
)
def test_settings_of_the_compiler_are_in_the_stamp(name, value, counts, monkeypatch) -> None:
    before = machine_stamp()
    monkeypatch.setenv(name, value)
    assert (machine_stamp() != before) is counts
    if counts:
        assert machine_stamp()[name] == value


def test_flags_count_in_any_order_and_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--xla_b=1 --xla_a=2")
    one = machine_stamp()
    monkeypatch.setenv("XLA_FLAGS", "--xla_a=2   --xla_b=1")
    assert machine_stamp() == one
    (tmp_path / "flags").write_text("--xla_a=2\n--xla_b=1\n")
    monkeypatch.setenv("XLA_FLAGS", str(tmp_path / "flags"))
    assert machine_stamp() == one


@pytest.mark.parametrize("flags_first", [True, False])
def test_a_run_is_not_continued_under_another_stamp(flags_first: bool, root: Path, tmp_path: Path, monkeypatch) -> None:
    scenario, folder = load(root / "examples" / "small.yaml"), Folder(tmp_path)
    without = stamp_of(scenario)
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
    with_flags = stamp_of(scenario)
    first, second = (with_flags, without) if flags_first else (without, with_flags)
    folder.claim(first, scenario, None, fresh=False)
    assert folder.holds(first)
    with pytest.raises(InputError, match="different XLA_FLAGS"):
        folder.refuse_another(second, fresh=False)


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": []}', '{"format": 3, "scenario": {}}', "[" * 100_000, ""])
def test_malformed_stamp_is_refused(text: str, root: Path, tmp_path: Path) -> None:
    scenario = load(root / "examples" / "small.yaml")
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match="holds another run"):
        Folder(tmp_path).refuse_another(stamp_of(scenario), fresh=False)


LINES = (
    "[]",
    "7",
    '{"arm": [], "kind": {}, "chunk": 0, "files": {}}',
    '{"arm": "a", "kind": "people", "chunk": 0, "files": [1]}',
    '{"arm": "a", "kind": "people", "chunk": 0, "files": {"x": "y"}}',
    '{"arm": "a", "kind": "people", "chunk": 0, "files": {"x": [1, "y"]}, "sum": "0"}',
    '{"arm": "a", "kind": "people", "chunk": 0, "files": {"x": [1, 2, 3]}}',
)


def test_foreign_manifest_lines_are_ignored(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    manifest.add("a", "people", 0, {})
    own = manifest.path.read_text()
    manifest.path.write_text("\n".join([*LINES, own, own.replace('"chunk": 0', '"chunk": 8')]))
    assert list(Manifest(tmp_path).files) == [("a", "people", 0)]
    assert re.search(r'"sum": "[0-9a-f]{16}"', own)
