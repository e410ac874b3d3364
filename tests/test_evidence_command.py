"""`letheon evidence` and the page of the evidence: the oracle is the library's own records."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from letheon import library
from letheon.library.evidence import ROLES
from letheon.scenario import loads
from letheon.views.evidence_words import entry, listing
from letheon.views.study_phrases import RECALLED, sessions

ROOT = Path(__file__).resolve().parent.parent
STUDIES = {study.id: study for study in library.studies()}


def test_list_names_every_study_with_its_role(command: Callable) -> None:
    code, out, err = command("evidence", "list")
    assert (code, err) == (0, "")
    rows = {line.split()[0]: line for line in out.splitlines() if line[:1].isalpha()}
    assert set(STUDIES) <= set(rows)
    for study in STUDIES.values():
        assert rows[study.id].split()[-1] == study.role
        assert f" {study.design} " in rows[study.id]
    assert max(len(line) for line in out.splitlines()) <= 80
    assert f"\n{len(STUDIES)} studies." in out


@pytest.mark.parametrize("role", ROLES)
def test_list_keeps_to_a_role(role: str, command: Callable) -> None:
    code, out, _ = command("evidence", "list", "--role", role, "--json")
    assert code == 0
    found = json.loads(out)["studies"]
    assert {study["id"] for study in found} == {study.id for study in STUDIES.values() if study.role == role}
    for study in found:
        assert study["n"] == STUDIES[study["id"]].population.n
        assert set(study["measured"]) == {outcome.measure for outcome in STUDIES[study["id"]].outcomes}
        assert "placebo" not in study["drugs"] and "midazolam" not in study["drugs"]


@pytest.mark.parametrize("name", STUDIES)
def test_show_says_all_that_is_known(name: str, command: Callable) -> None:
    code, out, err = command("evidence", "show", name)
    assert (code, err) == (0, "")
    study, flat = STUDIES[name], " ".join(out.split())
    source = library.sources()[study.source]
    said = [study.setting, study.role_note, study.note, source.citation, source.note, *study.missing]
    for arm in study.arms:
        said += [f"{arm.name}", arm.regimen, arm.beside, *arm.assumptions]
        said += [f"{arm.dose_mg_70kg:g} mg of ketamine"] if arm.infusions else ["no machine-readable regimen"]
        said += [f"{arm.regimen} (read: RECALLED, not read)"] if arm.verified == "recall" else []
        said += [f"n = {arm.n} (RECALLED)"] if arm.n is not None and arm.n_verified == "recall" else []
    for outcome in study.outcomes:
        said += [outcome.statement, outcome.note, outcome.via]
        said += [f"{number:g}" for number in (outcome.value, outcome.se, outcome.sd) if number is not None]
        said += [f"{bounds[0]:g} to {bounds[1]:g}" for bounds in (outcome.range, outcome.interval) if bounds]
    assert [words for words in said if " ".join(words.split()) not in flat] == []
    assert flat.count(RECALLED) == sum(one.verified == "recall" for one in study.outcomes)
    assert flat.count("; target") == sum(one.target for one in study.outcomes)
    assert not source.doi or f"https://doi.org/{source.doi}" in flat
    assert max(len(line) for line in out.splitlines()) <= 80
    assert "\x1b" not in out


@pytest.mark.parametrize("name", STUDIES)
def test_show_as_a_document(name: str, command: Callable) -> None:
    code, out, _ = command("evidence", "show", name, "--json")
    assert code == 0
    found, study = json.loads(out), STUDIES[name]
    assert (found["id"], found["role"], found["follow_up_days"]) == (study.id, study.role, study.follow_up_days)
    assert [arm["infusions"] for arm in found["arms"]] == [[list(i) for i in arm.infusions] for arm in study.arms]
    told = [(one["measure"], one["unit"], one["value"], one["weight"]) for one in found["outcomes"]]
    assert told == [(one.measure, one.unit, one.value, one.weight) for one in study.outcomes]
    assert found["source"]["doi"] == library.sources()[study.source].doi


def test_the_sessions_shown_are_those_of_a_scenario() -> None:
    """What is printed loads as a scenario and gives the same infusions."""
    tried = 0
    for study in STUDIES.values():
        for arm in study.arms:
            if not arm.dose_mg_70kg:
                continue
            drug = arm.drug if arm.drug in ("racemic", "esketamine") else "racemic"
            lines = "".join(f"\n      - {session}" for session in sessions(arm))
            made = loads(
                f"letheon: 1\ntitle: t\nfollow_up: 52 weeks\narms:\n  a:\n    drug: {drug}\n    sessions:{lines}"
            )
            schedule = made.arm("a").regimen.schedule()
            assert schedule.dose_mg(70.0) == pytest.approx(arm.dose_mg_70kg, rel=1e-3), f"{study.id} {arm.name}"
            starts = [infusion.start_ms / 3_600_000 for infusion in made.arm("a").regimen.infusions]
            assert starts == pytest.approx([start for start, _, _ in arm.infusions]), f"{study.id} {arm.name}"
            tried += 1
    assert tried > 15


def test_an_empty_list_and_an_entry_are_lines() -> None:
    assert len(list(listing(()))) == 4
    assert all("\n" not in line for line in entry(STUDIES["correll2004"]))
