"""`letheon evidence`: the oracle is the library's own records."""

import json
from collections.abc import Callable

import pytest

from letheon import library
from letheon.library.evidence import ROLES
from letheon.scenario import loads
from letheon.views.subjects.evidence import RECALLED, sessions

STUDIES = {study.id: study for study in library.studies()}


@pytest.mark.parametrize("role", [None, *ROLES])
def test_list_holds_the_studies_of_a_role(role: str | None, command: Callable) -> None:
    arguments = ["evidence", "list", *(["--role", role] if role else [])]
    code, out, err = command(*arguments)
    assert (code, err) == (0, "")
    chosen = {study.id for study in STUDIES.values() if role in (None, study.role)}
    rows = {line.split()[0]: line for line in out.splitlines() if line.split()[:1] and line.split()[0] in STUDIES}
    assert set(rows) == chosen
    assert all(STUDIES[name].design in row for name, row in rows.items())
    assert max(len(line) for line in out.splitlines()) <= 80

    code, out, _ = command(*arguments, "--json")
    entries = json.loads(out)["studies"]
    assert code == 0 and {entry["id"] for entry in entries} == chosen
    for entry in entries:
        study = STUDIES[entry["id"]]
        assert (entry["n"], entry["role"]) == (study.population.n, study.role)
        assert set(entry["measured"]) == {outcome.measure for outcome in study.outcomes}
        assert not {"placebo", "midazolam"} & set(entry["drugs"])


@pytest.mark.parametrize("name", STUDIES)
def test_show_prints_every_field(name: str, command: Callable) -> None:
    code, out, err = command("evidence", "show", name)
    assert (code, err) == (0, "")
    study, flat = STUDIES[name], " ".join(out.split())
    source = library.sources()[study.source]
    expected = [study.setting, study.role_note, study.note, source.citation, source.note, *study.missing]
    for arm in study.arms:
        expected += [arm.name, arm.regimen, arm.beside, *arm.assumptions]
        expected += [f"{arm.dose_mg_70kg:g} mg of ketamine"] if arm.infusions else ["no machine-readable regimen"]
        expected += [f"{arm.regimen} (read: RECALLED, not read)"] if arm.verified == "recall" else []
        expected += [f"n = {arm.n} (RECALLED)"] if arm.n is not None and arm.n_verified == "recall" else []
    for outcome in study.outcomes:
        expected += [outcome.statement, outcome.note, outcome.via]
        expected += [f"{number:g}" for number in (outcome.value, outcome.se, outcome.sd) if number is not None]
        expected += [f"{bounds[0]:g} to {bounds[1]:g}" for bounds in (outcome.range, outcome.interval) if bounds]
    assert [text for text in expected if " ".join(text.split()) not in flat] == []
    assert flat.count(RECALLED) == sum(one.verified == "recall" for one in study.outcomes)
    assert flat.count("; target") == sum(one.target for one in study.outcomes)
    assert source.where in out.splitlines()
    assert max(len(line) for line in out.splitlines()) <= 80
    assert "\x1b" not in out


@pytest.mark.parametrize("name", STUDIES)
def test_show_as_json(name: str, command: Callable) -> None:
    code, out, _ = command("evidence", "show", name, "--json")
    document, study = json.loads(out), STUDIES[name]
    assert code == 0 and document["source"]["doi"] == library.sources()[study.source].doi
    assert (document["id"], document["role"], document["follow_up_days"]) == (name, study.role, study.follow_up_days)
    assert [arm["infusions"] for arm in document["arms"]] == [[list(i) for i in arm.infusions] for arm in study.arms]
    outcomes = [(one["measure"], one["unit"], one["value"], one["weight"]) for one in document["outcomes"]]
    assert outcomes == [(one.measure, one.unit, one.value, one.weight) for one in study.outcomes]


REGIMENS = [(study, arm) for study in STUDIES.values() for arm in study.arms if arm.dose_mg_70kg]


@pytest.mark.parametrize(("study", "arm"), REGIMENS, ids=[f"{study.id}-{arm.name}" for study, arm in REGIMENS])
def test_printed_sessions_load_as_a_scenario_with_the_same_infusions(study, arm) -> None:
    drug = arm.drug if arm.drug in ("racemic", "esketamine") else "racemic"
    lines = "".join(f"\n      - {session}" for session in sessions(arm))
    text = f"letheon: 1\ntitle: t\nfollow_up: 52 weeks\narms:\n  a:\n    drug: {drug}\n    sessions:{lines}"
    regimen = loads(text).arm("a").regimen
    assert regimen.schedule().dose_mg(70.0) == pytest.approx(arm.dose_mg_70kg, rel=1e-3)
    starts = [infusion.start_ms / 3_600_000 for infusion in regimen.infusions]
    assert starts == pytest.approx([start for start, _, _ in arm.infusions])
