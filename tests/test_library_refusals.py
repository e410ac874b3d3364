"""What the readers of the library refuse: each sentence names the file, the table and the key."""

from __future__ import annotations

from importlib.resources import files

import pytest

from letheon import library
from letheon.errors import InputError
from letheon.library.bibliography import parse_sources
from letheon.library.evidence import parse_study
from letheon.library.harm_evidence import parse_bladder, parse_counts
from letheon.library.records import parse_pk_model, parse_sections

HOME = files("letheon.library")


def number_text(**changes: object) -> str:
    entry = {
        "value": 3.0,
        "unit": "1",
        "range": [2.0, 4.0],
        "status": "assumed",
        "verified": "assumed",
        "sources": [],
        "spread": {"kind": "none"},
        "note": "for a test",
    }
    for key, value in changes.items():
        entry.pop(key, None)
        if value is not None:
            entry[key] = value
    return "[memory.n]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in entry.items())


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, str):
        return f'"{value}"'
    return f"[{', '.join(toml(v) for v in value)}]" if isinstance(value, list) else str(value)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"sdd": 1.0}, "unknown key 'sdd'"),
        ({"unit": None}, "'unit' is missing"),
        ({"value": 5.0}, "outside its range"),
        ({"value": float("inf")}, "finite number"),
        ({"range": [4.0, 2.0]}, "above high"),
        ({"range": [2.0]}, "[low, high]"),
        ({"status": "guessed"}, "'guessed'"),
        ({"note": None}, "without sources"),
        ({"spread": {"kind": "gamma"}}, "'gamma'"),
        ({"spread": {"kind": "lognormal"}}, "'sd' is missing"),
        ({"spread": {"kind": "lognormal", "sd": 0.0}}, "must be positive"),
        ({"omega": 0.1}, "'role' go together"),
        ({"omega": -0.1, "role": "n"}, "cannot be negative"),
        ({"omega": 0.1, "cv": 0.3, "role": "n"}, "not both"),
        ({"weight": 1.0}, "derived numbers only"),
        ({"verified": "derived", "status": "derived", "sources": ["x"]}, "needs 'weight'"),
        ({"status": "reported", "verified": "recall"}, "status 'assumed'"),
    ],
)
def test_a_bad_number_is_refused_with_its_place(changes, fault):
    """Red when a slip of the pen becomes a silent default."""
    assert parse_sections(number_text(), "pain.toml")["memory"]["n"].value == 3.0
    with pytest.raises(InputError, match=r"pain\.toml \[memory\]\.n") as refusal:
        parse_sections(number_text(**changes), "pain.toml")
    assert fault in str(refusal.value)


MODEL, STUDY = ("pk", "pair.toml"), ("studies", "sigtermans2009.toml")
COUNT, ROW = ("harm_counts.toml",), ("bladder_rows.toml",)
READERS = {MODEL: parse_pk_model, STUDY: parse_study, COUNT: parse_counts, ROW: parse_bladder}


@pytest.mark.parametrize(
    ("path", "old", "new", "fault"),
    [
        (MODEL, 'id = "pair"', 'idd = "pair"', "unknown key 'idd'"),
        (MODEL, 'same_as = "v1"', 'same_as = "v9"', "'v9' is no parameter above it"),
        (MODEL, "correlation = 0.9", "correlation = 0.9\nvalue = 0.1", "one of the two"),
        (MODEL, 'roles = ["cl", "cl_r"]', 'roles = ["cl", "q9"]', "two roles of this model"),
        (MODEL, 'sampling = "arterial"', 'sampling = "artery"', "'artery'"),
        (MODEL, "[scaling]\n", "[scaling]\nv9 = 1\n", "unknown key 'v9'"),
        (MODEL, "[validity]\n", "[validity]\nheight = [1, 2]\n", "unknown key 'height'"),
        (MODEL, 'analyte = "esketamine"', 'analyte = "ketamine"', "'ketamine'"),
        (MODEL, 'drugs = ["racemic"', 'drugs = ["racemate"', "'racemate'"),
        (MODEL, "[checks]", "[checks", "not readable as TOML"),
        (MODEL, "[checks]", "[iov]\nv9 = 0.1\n\n[checks]", "unknown key 'v9'"),
        (STUDY, "follow_up_days = 84", "follow_up_days = 90", "12 weeks"),
        (STUDY, 'design = "randomised"', 'design = "random"', "'random'"),
        (STUDY, 'drug = "esketamine"', 'drug = "ketamine"', "'ketamine'"),
        (STUDY, "sessions = 1", "session = 1", "unknown key 'session'"),
        (STUDY, "[0, 24, 5]", "[0, 24]", "start h, duration h"),
        (STUDY, 'drug = "placebo"', 'drug = "racemic"', "do not go together"),
        (STUDY, "dose_mg_70kg = 1280", "", "'dose_mg_70kg' is missing"),
        (STUDY, 'diagnosis = "CRPS"', 'diagnosis = "RSD"', "'RSD'"),
        (STUDY, 'role = "calibrate"', 'role = "hold_out"', "if, and only if"),
        (STUDY, 'calibrates = ["memory"]', 'calibrates = ["memry"]', "'memry'"),
        (STUDY, 'calibrates = ["memory"]', 'calibrates = ["memory"]\nrelevance = 1.5', "not above 1"),
        (STUDY, "n = 60", "n = 60.5", "whole number"),
        (STUDY, 'measure = "pain_mean"', 'measure = "pain"', "said in words"),
        (STUDY, 'measure = "pain_mean"', 'measure = "pain_men"', "'pain_men'"),
        (STUDY, 'arm = "placebo"', 'arm = "plcebo"', "'plcebo'"),
        (STUDY, 'against = "placebo"', 'against = "all"', "'all'"),
        (STUDY, "value = 2.68", "value = 2.68\nrange = [2, 3]", "one of 'value', 'range' and 'statement'"),
        (STUDY, "time_days = 7", "time_days = -7", "cannot be negative"),
        (STUDY, "weight = 1", "", "needs 'weight'"),
        (STUDY, "se = 0.51", "se = 0.51\ninterval = [1.7, 3.7]", "go together"),
        (STUDY, "se = 0.51", "se = 0.51\nweight = 0.2", "derived numbers only"),
        (STUDY, "value = 6.9\n", "value = 6.9\ntarget = true\n", "a recalled value is no target"),
        (STUDY, 'verified = "abstract"\ntarget = true', 'verified = "secondary"\ntarget = true', "says in 'via'"),
        (COUNT, 'effect = "psychomimetic"', 'effect = "itch"', "'itch'"),
        (COUNT, "events = 22", "events = 400", "400 of 29"),
        (COUNT, "events = 22\n", "", "expected 'events' and 'n'"),
        (COUNT, "events = 22", "events = 0.4", "whole number"),
        (COUNT, 'kind = "long"', 'kind = "one long course"', "'one long course'"),
        (COUNT, 'arm = "drug"', 'arm = "difference"', "'share' and 'interval'"),
        (COUNT, "weight = 1\n", "", "'weight'"),
        (COUNT, "n = 29", "n = 29\nsharre = 1", "unknown key 'sharre'"),
        (COUNT, "hours = [100, 100]\n", "", "'hours' is missing"),
        (COUNT, "rate = [0.26, 0.38]", "rate = [0.6, 0.1]", "low 0.6"),
        (COUNT, 'kind = "long"', 'kind = "nasal"', "'kind' is no infusion"),
        (ROW, 'measure = "lasting_loss"', 'measure = "loss"', "'loss'"),
        (ROW, "n = 274\n", "", "go together"),
        (ROW, "observed = 0.60\n", "", "go together"),
        (ROW, "on_days = 1,", "on_days = 8,", "cannot exceed the interval"),
        (ROW, 'route = "nasal"', 'route = "smoked"', "'smoked'"),
        (ROW, 'verified = "abstract"', 'verified = "recall"', "that was read"),
        (ROW, 'role = "calibrate"', 'role = "fit"', "'fit'"),
        (ROW, "g = 2,", "g = 2, often = 1,", "unknown key 'often'"),
        (ROW, "[[schedules]]\n", '[[schedules]]\nidd = "y"\n', "[[schedules]][0]"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(path, old, new, fault):
    text, place = HOME.joinpath(*path).read_text(encoding="utf-8"), "/".join(path)
    assert old in text
    with pytest.raises(InputError, match=place) as refusal:
        READERS[path](text.replace(old, new, 1), place)
    assert fault in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("@article{a,\n  title = {b},\n}\n", "'author' is missing"),
        ("@article{a,\n  titel = {b},\n}\n", "unknown key 'titel'"),
        ("title = {b},\n", "line 1"),
        ("@misc{a,\n}\n@misc{a,\n}\n", "comes twice"),
    ],
)
def test_a_bad_bibliography_is_refused(text, fault):
    with pytest.raises(InputError, match=rf"sources\.bib.*{fault}"):
        parse_sources(text, "sources.bib")


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"no drug model 'otto'.*otto2021"):
        library.pk_model("otto")
    with pytest.raises(InputError, match=r"no section of pain\.toml 'flare'.*flares"):
        library.pain("flare")


def test_a_recalled_number_has_no_weight():
    recalled = parse_sections(number_text(status="assumed", verified="recall"), "pain.toml")
    assert recalled["memory"]["n"].weight == 0
