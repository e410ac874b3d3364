"""Bad input of every command: one sentence that says what is wrong and what would work, before anything starts.

The oracle is the contract of exit codes: 2, nothing on stdout, nothing written, nothing heavy loaded.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from search_factory import BLOCK, COURSE

ROOT = Path(__file__).resolve().parent.parent
SMALL = str(ROOT / "examples" / "small.yaml")
FILES = {
    "bare.yaml": "letheon: 1\ntitle: x\nfollow_up: 12\narms: {a: {drug: racemic, sessions: []}}\n",
    "plain.yaml": COURSE,
    "search.yaml": COURSE + BLOCK,
    "bad.yaml": COURSE + BLOCK.replace("rate:", "rat:"),
    "theirs/thesis.txt": "years of work",
    "run/run.json": "{}",
    "other/search.json": "{}",
}
# the command line, a fragment that says where or what, a fragment that says what would work
REFUSALS = [
    (f"simulat {SMALL}", "simulat", "nearest is simulate"),
    (f"simulate {SMALL} --patient 9", "--patient", "nearest is --patients"),
    ("simulate", "SCENARIO", "letheon simulate examples/small.yaml"),
    (f"simulate {SMALL} --out", "--out", "letheon simulate examples/small.yaml"),
    ("simulate absent.yaml", "absent.yaml", "give the path"),
    ("simulate bare.yaml", "line 3, follow_up", "12 weeks"),
    (f"simulate {SMALL} --patients 0", "--patients '0'", "--patients 1000"),
    (f"simulate {SMALL} --patients {'9' * 5000}", "--patients '999", "--patients 1000"),
    (f"simulate {SMALL} --seed -1", "--seed '-1'", "--seed 1"),
    (f"simulate {SMALL} --out bare.yaml", "bare.yaml is a file", "--out"),
    (f"simulate {SMALL} --out theirs", "theirs", "--out"),
    ("library oto2021", "'oto2021'", "otto2021"),
    ("cite absent", "absent", "run folder"),
    ("cite theirs", "theirs", "letheon simulate"),
    ("cite bare.yaml", "bare.yaml", "run folder"),
    ("calibrate --pain memry", "'memry'", "nearest is memory"),
    ("calibrate --seed one", "'one'", "--seed 1"),
    ("calibrate --out bare.yaml", "bare.yaml is a file", "--out"),
    ("calibrate --out theirs", "thesis.txt", "--out"),
    ("validate --posterior absent", "absent is not a folder", "letheon calibrate"),
    ("validate --out theirs", "theirs is a folder", "validation.html"),
    ("optimise plain.yaml", "plain.yaml has no block optimise", "optimise: {arm: course, vary: {"),
    ("optimise bad.yaml", 'bad.yaml, line 6, optimise.vary: arm course, sessions.1, has no entry "rat"', "rate"),
    ("optimise search.yaml --candidates many", "--candidates 'many'", "--candidates 400"),
    ("optimise search.yaml --out theirs", "theirs holds files", "--out"),
    ("optimise search.yaml --out run", "run holds a run of letheon simulate", "--out"),
    ("optimise search.yaml --out other", "other holds another search", "--fresh"),
    ("query theirs 1 --time-limit 60", "--time-limit", '"5 min"'),
    ("query theirs 1 --time-limit 5mg", "--time-limit", '"5 min"'),
    ("query theirs 1 --memory-limit 1", "--memory-limit", '"1 GB"'),
    ("query theirs 1 --memory-limit -1GB", "--memory-limit", '"1 GB"'),
    ("explore --port http", "'http'", "--port 8421"),
    ("explore --port 70000", "0 to 65535", "--port 8421"),
    ("explore --host example.org", "is not an address", "--host 127.0.0.1"),
    ("explore --host 203.0.113.7", "cannot be used", "choose another"),
    ("evidence show sigterman2009", "sigterman2009", "the nearest is sigtermans2009"),
    ("evidence list --role holdout", "holdout", "the nearest is hold_out"),
    ("evidence lst", "lst", "the nearest is list"),
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("line", "place", "remedy"), REFUSALS, ids=lambda text: text.replace(SMALL, "small.yaml")[:50])
def test_bad_input_is_refused_in_one_sentence(line: str, place: str, remedy: str, command, here: Path) -> None:
    before = sorted(here.rglob("*"))
    code, out, err = command(*line.split())
    assert (code, out) == (2, "")
    assert re.fullmatch(r"letheon: [^\n]{15,}\n", err)
    assert place in err and remedy in err
    assert sorted(here.rglob("*")) == before


LIGHT = (
    *("simulat ", "simulate bare", "library", "cite theirs", "calibrate --seed", "validate --posterior"),
    *("optimise bad", "query theirs 1 --time", "explore --port http", "evidence lst"),
)


@pytest.mark.parametrize("line", [line for line, _, _ in REFUSALS if line.startswith(LIGHT)])
def test_refusals_load_nothing_heavy(line: str, heavy_modules: Callable, here: Path) -> None:
    assert heavy_modules(*line.split(), cwd=here) == (2, set())
