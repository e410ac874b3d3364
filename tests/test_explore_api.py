"""The live page's service: what it serves, what it refuses, and that its numbers are those of the command line.

The oracles are `letheon.runs.simulate`, the scenario reader, and the limits as they are written down.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from letheon import library
from letheon.errors import InputError, LetheonError
from letheon.pipeline.result import RunResult, document_of
from letheon.runs import simulate
from letheon.runs.address import is_loopback
from letheon.scenario import Models, dumps, loads
from letheon.views.document import numbers
from letheon.views.explore import app, limits, mechanisms, server
from letheon.views.explore.compute import Engine
from letheon.views.explore.figures import MOST_POINTS, page_of, thinned
from letheon.views.explore.guard import HEADERS
from letheon.views.explore.limits import Cancelled
from letheon.views.explore.reading import PRESETS, QUESTIONS, form, grammar, presets, rows
from letheon.views.subjects import relief

HERE = "http://127.0.0.1"
SMALL = """
letheon: 1
title: "Two plans"
population: {n: 40}
follow_up: 5 weeks
seed: 3
arms:
  short:
    drug: racemic
    sessions: [{at: day 1, rate: 0.35 mg/kg/h, max: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 5}}]
  long: {drug: racemic, sessions: [{at: 0 h, rate: 20 mg/h/70kg, for: 100 h}]}
  placebo: {drug: placebo, like: short}
"""


@pytest.fixture(scope="module")
def visitor() -> Iterator[TestClient]:
    with TestClient(app.create(warm=False, lanes=1), base_url=HERE) as client:
        yield client


@pytest.fixture(scope="module")
def result() -> RunResult:
    return simulate(loads(SMALL)).result


@pytest.fixture(scope="module")
def document(result: RunResult) -> dict[str, Any]:
    return document_of(result)


@pytest.mark.long
def test_the_page_and_the_command_line_give_the_same_numbers(document: dict[str, Any]) -> None:
    engine = Engine()
    once = json.loads(engine.answer("document", loads(SMALL)))
    assert once == json.loads(json.dumps(document))
    changed = SMALL.replace("20 mg/h/70kg", "15 mg/h/70kg")
    # one arm is new, two are remembered: the same as if all were new
    assert json.loads(engine.answer("document", loads(changed))) == json.loads(
        json.dumps(simulate(loads(changed)).document)
    )


@pytest.mark.long
def test_a_draft_has_the_whole_answers_patients_and_borrows_its_spread() -> None:
    """Red when a draft runs other patients, keeps an old curve, or leaves its borrowed intervals in a whole answer."""
    engine, fresh = Engine(), Engine()
    changed = SMALL.replace("20 mg/h/70kg", "15 mg/h/70kg")
    assert not json.loads(engine.answer("draft", loads(SMALL)))["draft"]  # nothing to borrow from yet
    draft = json.loads(engine.answer("draft", loads(changed)))
    whole = json.loads(fresh.answer("figures", loads(changed)))
    assert draft.pop("draft") and not whole["draft"]
    lent = 0
    for name, arm in whole["arms"].items():
        early = draft["arms"][name]
        for key, entry in arm["endpoints"].items():
            if arm["drug"] != "placebo":
                near = None if entry.get("mean") is None else pytest.approx(entry["mean"], rel=2e-3, abs=2e-3)
                assert early["endpoints"][key].get("mean") == near, key
                lent += early["endpoints"][key].get("mean_interval") != entry.get("mean_interval")
        coarse, fine = (one["lines"]["whole"] for one in (early, arm))
        _, ours, theirs = np.intersect1d(coarse["t"], fine["t"], return_indices=True)  # both meet each midnight
        assert len(ours) > 35
        for band in ("mean", "q05", "q95"):
            assert np.array(coarse["nrs"][band])[ours] == pytest.approx(np.array(fine["nrs"][band])[theirs], abs=0.025)
        assert all(np.isfinite(one["nrs"][end]).all() for one in (coarse, fine) for end in ("mean_lo", "mean_hi"))
    assert lent
    assert json.loads(engine.answer("figures", loads(changed))) == whole


@pytest.mark.long
@pytest.mark.parametrize(
    "rule",
    [
        "boosters: {on: relapse, session: {rate: 25 mg/h, for: 4 h}}",
        "titration: {every: 12 h, step: 5 mg/h, max: 40 mg/h, relief: 50 %}",
    ],
)
def test_a_draft_after_a_rule_came_or_went_is_a_whole_answer(rule: str) -> None:
    """An arm without rules has no spread of boosters or rates to lend."""
    engine, small = Engine(), SMALL.replace("5 weeks", "3 weeks")
    for text in (small, small.replace("    drug: racemic\n", f"    drug: racemic\n    {rule}\n")):
        draft = json.loads(engine.answer("draft", loads(text)))["arms"]
        low, high = draft["short"]["endpoints"]["nrs_day_14"]["mean_interval"]
        assert low < high
        fresh = json.loads(Engine().answer("figures", loads(text)))["arms"]
        assert draft["short"] == fresh["short"] and draft["placebo"] == fresh["placebo"]


def test_what_is_drawn_comes_from_the_document(document: dict[str, Any], result: RunResult) -> None:
    scenario = loads(SMALL)
    page = page_of(result, scenario)
    assert list(page["arms"]) == list(document["arms"])
    for name, arm in page["arms"].items():
        source, whole, dose = document["arms"][name], arm["lines"]["whole"], arm["lines"]["dose"]
        assert arm["endpoints"] == source["endpoints"]
        for key, entry in arm["harms"]["entries"].items():
            harm = source["harms"]["entries"][key]
            assert (entry["estimate"], entry["interval"]) == (harm["estimate"], harm["interval"])
        hours = np.array(source["profile"]["time_h"])
        rows = np.abs(hours[:, None] - 24 * np.array(whole["t"])).argmin(axis=0)
        memory, slow_site = (source["by_model"][model]["profile"] for model in ("memory", "slow_site"))
        lines = {"nrs": source["profile"]["nrs"], "memory_nrs": memory["nrs"], "slow_site_nrs": slow_site["nrs"]}
        for drawn, line in (lines | {"sensitisation": memory["sensitisation"]}).items():
            for band in ("mean", "mean_lo", "mean_hi", "q05", "q95"):
                expected = np.array(line[band])[rows]
                assert np.allclose(whole[drawn][band], expected, atol=0.0051 if "nrs" in drawn else 0.00051)
        assert len(whole["t"]) <= MOST_POINTS == 300
        assert dose["mg"][0] == 0 and dose["t"][-1] == 35 and sorted(dose["mg"]) == dose["mg"]
        assert dose["mg"][-1] == pytest.approx(scenario.arm(name).regimen.schedule().dose_mg(79.0), abs=0.06)
    assert max(len(arm["lines"]["whole"]["t"]) for arm in page["arms"].values()) > 100


def test_the_average_stands_between_both_explanations_and_says_where_they_disagree(result: RunResult) -> None:
    """Red when a component is taken for the average, or when `agree` of one endpoint marks another."""
    page, arms = page_of(result, loads(SMALL)), document_of(result)["arms"]
    for name, arm in page["arms"].items():
        verdicts = {key: one["disagree"] for key, one in arm["apart"].items() if not key.startswith("against_")}
        assert verdicts == {key: arms[name]["endpoints"][key]["agree"] is False for key in verdicts}
        for key in verdicts:
            low, high = sorted(part["endpoints"][key]["mean"] for part in arms[name]["by_model"].values())
            assert low <= arms[name]["endpoints"][key]["mean"] <= high


def test_the_weight_at_both_ends_of_its_interval_gives_the_answer_there(
    result: RunResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the ends 0 and 1 these are the two explanations alone; where both ends are the weight, it is the average."""
    arm = result.arms["long"]
    assert arm.by_model and result.models.weights
    one, key = result.models.weights.memory, relief.keys(arm.endpoints)[0]
    alone = [part.endpoint(key) for _, part in arm.by_model.items()]
    for interval, expected in (((0.0, 1.0), alone), ((one, one), [arm.endpoint(key)])):
        weights = replace(library.weights(), memory=one, interval=interval)
        monkeypatch.setattr(library, "weights", lambda weights=weights: weights)
        text = mechanisms.weighing(result, "long")
        assert all(entry and f"{numbers.percent(entry.mean)} " in text for entry in expected), text


@given(st.lists(st.floats(0, 1), min_size=2, max_size=2000), st.integers(4, 300))
def test_thinning_keeps_ends_order_and_size(values: list[float], most: int) -> None:
    rows = thinned(np.arange(len(values), dtype=float), np.array(values), most)
    assert rows[0] == 0 and rows[-1] == len(values) - 1
    assert (np.diff(rows) > 0).all() and len(rows) <= most


@pytest.mark.long
def test_what_rules_add_is_an_average_with_the_range_of_patients() -> None:
    titration = "titration: {every: 1 h, step: 5 mg/h, max: 40 mg/h, relief: 50 %}"
    first = "drug: racemic, sessions: [{at: 0 h, rate: 25 mg/h, for: 4 h}]"
    session = "session: {rate: 25 mg/h, for: 2 h}"
    text = f"""
    letheon: 1
    title: x
    population: {{n: 40}}
    follow_up: 26 weeks
    models: {{pain: memory}}
    arms:
      later: {{{first}, boosters: {{every: 7 weeks, {session}}}}}
      relapse: {{{first}, boosters: {{on: relapse, {session}}}, {titration}}}
      raised: {{{first}, {titration}}}
    """
    scenario = loads(text)
    run = simulate(scenario)
    page, arms = page_of(run.result, scenario)["arms"], run.document["arms"]
    later, relapse, raised = (page[name] for name in ("later", "relapse", "raised"))
    # 182 days hold three boosters seven weeks apart, everyone's alike: 365.25 / 182 times three a year
    a_year = later["boosters_a_year"]
    assert a_year["q05"] == a_year["q95"] == pytest.approx(3 * 365.25 / 182, abs=0.01)
    assert later["lines"]["dose"]["end"] == {"mean": 250.0, "q05": 250.0, "q95": 250.0}
    assert (later["lines"]["dose"]["mg"], later["lines"]["dose"]["fixed"]) == ([0.0, 0.0, 100.0, 250.0], 3)
    boosters = arms["relapse"]["endpoints"]["boosters"]["boosters_per_year"]
    assert relapse["boosters_a_year"]["on_relapse"]
    assert relapse["boosters_a_year"]["mean"] == pytest.approx(boosters, abs=1e-3)
    for name in ("relapse", "raised"):
        line, mean = page[name]["lines"]["dose"], arms[name]["endpoints"]["dose_mg"]["mean"]
        assert (line["fixed"], line["mg"][0], line["t"][-1]) == (2, 0.0, 182.0)
        assert line["mg"][-1] == line["end"]["mean"] == pytest.approx(mean, abs=0.06)
        assert line["end"]["q05"] <= line["end"]["mean"] <= line["end"]["q95"]
    assert raised["boosters_a_year"] is None and raised["lines"]["dose"]["mg"][-2] == raised["lines"]["dose"]["mg"][-1]


def test_a_worker_that_nobody_waits_for_stops() -> None:
    def gone() -> None:
        raise Cancelled("gone")

    with pytest.raises(Cancelled):
        Engine().answer("figures", loads(SMALL), gone)


def test_every_question_is_answered_with_its_support(document: dict[str, Any], result: RunResult) -> None:
    arms, labels = page_of(result, loads(SMALL))["arms"], set(library.SUPPORT_LABELS)
    for name in ("short", "long"):
        answers = arms[name]["answers"]
        first = " ".join(text for one in arms[name]["short"] for text in one.values())
        assert not re.search(r"\bnan\b|None|<[a-z]|\{", first)
        assert [one["id"] for one in answers] == list(QUESTIONS)
        for one in answers:
            assert one["support"] and {label["support"] for label in one["support"]} <= labels, one["id"]
            assert not re.search(r"\bnan\b|None|<|\{", " ".join([one["short"], *one["more"]])), one
    assert arms["placebo"]["answers"] == []
    arm, short = document["arms"]["long"], {one["id"]: one["short"] for one in arms["long"]["answers"]}
    assert "100 hours" in short["involves"] and "hospital" in short["involves"]
    assert "go home" in arms["short"]["answers"][0]["short"]
    assert f"{100 * max(arm['profile']['nmda_block']['mean']):.0f}" in short["cells"]
    assert f"{arm['endpoints']['nrs_day_35']['mean']:.1f} of 10" in short["cure"]
    assert short["bladder"].startswith("Not known")


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parent.parent / "examples").glob("*.yaml")), ids=lambda p: p.stem
)
def test_the_controls_lose_nothing_of_an_example(path: Path) -> None:
    scenario = loads(path.read_text(encoding="utf-8"))
    controls = form(scenario)
    assert loads(controls["yaml"]) == loads(dumps(scenario))
    for arm, shown in zip(scenario.arms, controls["arms"], strict=True):
        if arm.drug == "placebo":
            assert shown["sessions"] == [] and shown["like"] == arm.like
            continue
        sessions = shown["sessions"]
        shown_hours = [
            (row["at_h"] + k * row["every_h"], row["hours"]) for row in sessions for k in range(row["times"])
        ]
        hours = sorted((i.start_ms / 3.6e6, i.duration_ms / 3.6e6) for i in arm.regimen.infusions)
        assert np.allclose(sorted(shown_hours), hours, rtol=0, atol=1e-5)
        assert (shown["boosters"] is None and shown["ladder"] is None) == (arm.policy.boosters is None)
        assert (shown["titration"] is None) == (arm.policy.titration is None)


def test_the_editor_groups_equal_sessions_and_keeps_the_least_rate() -> None:
    (arm, *_) = loads(SMALL).arms
    assert [(row.times, row.every_h, row.max) for row in rows(arm.regimen.infusions)] == [(5, 24.0, 25.0)]
    rule = "titration: {every: 1 h, step: 5 mg/h, min: 10 mg/h/70kg, max: 40 mg/h}"
    (shown, *_) = form(loads(SMALL.replace("    drug: racemic\n", f"    drug: racemic\n    {rule}\n")))["arms"]
    assert shown["titration"]["min"] == {"value": 10.0, "by_weight": True}


def test_presets_are_the_regimens_of_the_library() -> None:
    studies = {study.id: study for study in library.studies()}
    shown = presets()
    assert len({one.id for one in shown}) == len(shown) == len(PRESETS) >= 6
    for preset, one in zip(PRESETS, shown, strict=True):
        arms = [next(a for a in studies[preset.study].arms if a.name == name) for name in preset.arms]
        scenario = loads(json.dumps(app._page_scenario(one) | {"follow_up": "104 weeks"}))
        dose = sum(arm.dose_mg_70kg or 0.0 for arm in arms)
        assert scenario.arms[0].regimen.schedule().dose_mg(70.0) == pytest.approx(dose, rel=0.02)
        assert all(arm.verified != "recall" for arm in arms), "a recalled regimen is no published one"


def test_the_page_gets_kinds_and_defaults_from_the_grammar() -> None:
    served = grammar()
    assert {name: key["default"] for name, key in served["models"].items()} == asdict(Models())
    assert served["population"]["weight"] == {
        "kind": "mean ± spread",
        "unit": "kg",
        "default": {"mean": 79.0, "sd": 19.0},
    }


def test_the_page_comes_whole_and_from_nowhere_else(visitor: TestClient) -> None:
    page = visitor.get("/")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    text = page.text
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]+src=)|https?:|//\w", text)
    for path in re.findall(r'(?:src|href)="(/[^"]+)"', text):
        assert visitor.get(path).status_code == 200, path
    assert all(f"<h3>{title}</h3>" in text for title in QUESTIONS.values())
    assert "no advice about a person" in text
    for name in ("main.js", "chart.js", "editor.js", "results.js"):
        script = visitor.get(f"/static/{name}")
        assert script.headers["content-type"].startswith("text/javascript")
        assert not re.search(r"innerHTML|insertAdjacentHTML|\beval\b|new Function|document\.write", script.text)
    answers = [visitor.get(path) for path in ("/", "/api/status", "/nothing")] + [visitor.post("/api/read", json={})]
    assert all(answer.headers[name] == value for answer in answers for name, value in HEADERS.items())
    policy = HEADERS["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy and "script-src 'self'" in policy


@pytest.mark.parametrize(
    "path",
    ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/etc/passwd", "/static/", "/docs", "/redoc"],
)
def test_no_path_reads_a_file(visitor: TestClient, path: str) -> None:
    assert visitor.get(path).status_code == 404


def test_status_and_description(visitor: TestClient) -> None:
    status = visitor.get("/api/status").json()
    assert status["state"] == "ready" and status["questions"] == dict(QUESTIONS)
    assert status["limits"]["patients"] == limits.LIMITS.patients
    described = visitor.get("/openapi.json").json()
    assert {"/api/simulate", "/api/read", "/api/report", "/api/document", "/api/handout"} <= set(described["paths"])
    assert "/" not in described["paths"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("n: 40", "n: 2001"), "2,001 patients are more than this page runs; write at most 2,000"),
        (("5 weeks", "3 years"), "days are more than this page runs; write at most 730"),
        (("times: 5", "times: 201"), "201 infusions in one arm are more"),
        (("h}]}", "h}], boosters: {every: 1 day, session: {rate: 5 mg/h, for: 1 h}}}"), "infusions in one arm"),
        (("n: 40", "n: forty"), '"forty" is not a whole number'),
        (("racemic", "ketamine"), "does not say which form"),
    ],
)
def test_what_is_too_much_or_wrong_is_refused_in_a_sentence(visitor: TestClient, change: tuple, reason: str) -> None:
    text = SMALL.replace("5 weeks", "90 weeks") if "infusions" in reason else SMALL
    answer = visitor.post("/api/simulate", json={"scenario": text.replace(*change, 1)})
    assert answer.status_code == 422
    assert reason in answer.json()["detail"] and set(answer.json()) == {"detail"}


def test_odd_bodies_get_a_sentence_and_large_ones_are_not_read_to_their_end(visitor: TestClient) -> None:
    odd = [b"", b"{", b"[]", b'{"scenario": 5}', b'{"other": "x"}', b'{"scenario": "\\ud800"}', b"\xff\xfe"]
    odd += [b'{"scenario": "' + b"x" * 40_000 + b'"}', b'{"scenario": {"letheon": NaN}}']
    odd += [b'{"scenario": ' + b'{"a":' * 3000 + b"1" + b"}" * 3000 + b"}"]
    for body in odd:
        answer = visitor.post("/api/read", content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422)
        assert isinstance(answer.json()["detail"], str) and len(answer.json()["detail"]) < 400
    for large in (b"x" * 300_000, (b"x" * 1000 for _ in range(300))):
        assert visitor.post("/api/read", content=large).status_code == 413


def test_a_taken_port_is_refused_with_another() -> None:
    with server.bind("127.0.0.1", 0) as opened:
        port = opened.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} cannot be used .*--port {port + 1}"):
            server.bind("127.0.0.1", port).close()
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.2", "name"))


def test_kinds_follow_programs_not_doses() -> None:
    base = loads(SMALL)
    other = loads(SMALL.replace("20 mg/h", "21 mg/h").replace("times: 5", "times: 7").replace("n: 40", "n: 70"))
    assert limits.kind_of(base) == limits.kind_of(other)
    assert limits.kind_of(base) != limits.kind_of(loads(SMALL.replace("racemic", "esketamine", 1)))
    assert not limits.is_slow(base) and limits.is_slow(loads(SMALL.replace("n: 40", "n: 600")))
    assert math.isfinite(limits.LIMITS.seconds) and issubclass(Cancelled, LetheonError)
