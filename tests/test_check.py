"""The check: doses by identity with the schedule, published regimens beside themselves, exit codes, nothing heavy."""

import json
import math
from pathlib import Path

import pytest
from conftest import HEAVY
from scenarios import scenario_text

from letheon import library
from letheon.dosing.doses import day_doses, doses_of
from letheon.dosing.regimen import Regimen
from letheon.library.evidence import CONTROLS
from letheon.pipeline.support import model_warnings
from letheon.scenario import load, loads
from letheon.study.check import check, check_text
from letheon.study.regimens import study_scenario
from letheon.views.document.terminal import text
from letheon.views.subjects.check import document

EXAMPLES = Path(__file__).parents[1] / "examples"
SCENARIOS = sorted(EXAMPLES.glob("*.yaml"))
TITRATED = (
    "a: {drug: racemic, sessions: [{at: 0 h, push: 0.2 mg/kg}, {at: 0 h, rate: 10 mg/h, for: 48 h}], "
    "titration: {every: 8 h, step: 5 mg/h, min: 5 mg/h, max: 20 mg/h}}"
)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_doses_by_day_are_the_schedule_cut_at_midnight(path: Path) -> None:
    """Red when a day loses or counts twice what runs across midnight, or a pause counts as infusion."""
    for arm in load(path).arms:
        regimen = Regimen("racemic", arm.regimen.infusions)
        days = day_doses(regimen.infusions, 70.0)
        assert math.isclose(math.fsum(day.mg[0] for day in days), regimen.schedule().dose_mg(70.0))
        assert all(day.mg[0] == day.mg[1] and day.hours <= 24 for day in days)
        doses = doses_of(regimen.infusions, 70.0)
        assert doses.courses != 1 or math.isclose(doses.course_mg[0], regimen.schedule().dose_mg(70.0))
        rates = [i.rate.at(70.0) for i in regimen.infusions if not i.is_push]
        assert doses.rate_mg_h[0] >= max(rates, default=0.0) * (1 - 1e-12)


def test_a_titration_has_a_least_and_a_most() -> None:
    """Red when a push is titrated or counts as a rate, or the most goes above what the checks can reach."""
    arm = loads(scenario_text(TITRATED)).arms[0]
    doses = doses_of(arm.regimen.infusions, 70.0, arm.policy)
    # by hand: the push runs beside 10 mg/h; then down to 5 mg/h at the first check, or up by 5 mg/h to 20 mg/h
    assert doses.course_mg == pytest.approx((14 + 8 * 10 + 40 * 5, 14 + 8 * 10 + 8 * 15 + 32 * 20), abs=0.01)
    assert doses.rate_mg_h == pytest.approx((10.0, 20.0)) and doses.push_mg == pytest.approx(14.0)


def test_weaning_and_limits_count_as_they_run() -> None:
    """By hand; red when a weaning, a limit of the day or one in all is left out, or a push that passes one is given."""
    texts = (
        "a: {drug: racemic, sessions: [{at: 0 h, rate: 20 mg/h, for: 24 h}], wean: {over: 12 h, steps: 4}}",
        "a: {drug: racemic, sessions: [{at: 0 h, rate: 50 mg/h, for: 48 h}, {at: 47 h, push: 9 mg}], "
        "limits: {per_day: 960 mg, in_all: 1500 mg}}",
        f"{TITRATED[:-1]}, wean: {{over: 4 h, steps: 1}}, limits: {{per_day: 414 mg}}}}",
    )
    weaned, limited, titrated = (loads(scenario_text(one)).arms[0] for one in texts)
    assert doses_of(weaned.regimen.infusions, 70.0, weaned.policy).course_mg == pytest.approx((600.0, 600.0))
    days = day_doses(limited.regimen.infusions, 70.0, limited.policy)
    assert [end for day in days for end in day.mg] == pytest.approx([960.0, 960.0, 540.0, 540.0])
    assert [day.hours for day in days] == pytest.approx([19.2, 10.8])
    # the least is 10 mg/h for 8 h, then 5; the most goes to 20 mg/h at 16 h; half the last rate behind them
    days = day_doses(titrated.regimen.infusions, 70.0, titrated.policy)
    expected = [174.0, 374.0, 120.0, 414.0, 10.0, 40.0]
    assert [end for day in days for end in day.mg] == pytest.approx(expected, abs=0.01)


def test_a_published_regimen_is_nearest_to_itself() -> None:
    """Red when a measure is taken differently of a scenario than of a study."""
    checked = 0
    for study in library.studies():
        arms = [arm for arm in study.arms if arm.infusions and arm.drug not in CONTROLS and not arm.titration]
        if study.diagnosis != "CRPS" or not arms or len({arm.group for arm in study.arms}) < len(study.arms):
            continue
        result = check(study_scenario(study, 300))
        for arm in arms:
            nearest = result.arms[arm.name].published[0]
            assert not nearest.times and not nearest.not_compared, (study.id, arm.name)
            assert nearest.published.study == study.id or nearest.published.doses == result.arms[arm.name].doses
            checked += 1
    assert checked > 8


def test_guidance_says_how_trials_lie_to_it() -> None:
    """Red when a range for other patients is held against a protocol without saying that trials in CRPS lie outside."""
    result = check(EXAMPLES / "schwartzman2009.yaml")
    rate = next(one for one in result.arms["ketamine"].guidance if one.measure == "rate_mg_kg_h")
    assert rate.place == "below" and rate.published_within < rate.published / 2
    assert all(one.source in library.sources() for one in library.guidance())
    assert rate.written_for in (shown := " ".join(text(document(result)).split()))
    assert "safe" not in shown.replace("safety", "").lower()


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_example_has_a_check(path: Path) -> None:
    """Red when a document cannot be drawn, or a warning of a run is left out."""
    result = check(path)
    assert result.faults == () and list(result.warnings) == model_warnings(load(path))
    assert result.resolved is not None and loads(result.resolved).arms == load(path).arms
    shown = " ".join(text(document(result)).split())
    assert all(" ".join(warning.split()) in shown for warning in result.warnings)


def test_faults_in_text_and_document(fresh_python, tmp_path: Path) -> None:
    """Red when a fault is left out, the exit code is not 2, or numerical libraries load."""
    path = tmp_path / "s.yaml"
    path.write_text(scenario_text("a: {drug: ketamine, sessions: [{at: day 0, rate: 5, for: 4 h}], bag: 5}"))
    run = "import sys\nfrom letheon.views.commands.main import main\ntry:\n    main(sys.argv[1:])\nfinally:\n    print(*sys.modules, file=sys.stderr)\n"
    process = fresh_python(run, "check", str(path), "--json")
    record = json.loads(process.stdout)
    assert process.returncode == 2 and len(record["faults"]) == 4
    fields = {fault["field"] for fault in record["faults"]}
    assert fields == {"arms.a.bag", "arms.a.drug", "arms.a.sessions[1].at", "arms.a.sessions[1].rate"}
    assert not (HEAVY - {"numpy"}) & {name.split(".")[0] for name in process.stderr.split()}
    shown = " ".join(text(document(check_text(path.read_text(), "s.yaml"))).split())
    assert all(fault["sentence"].split(": ", 1)[1] in shown for fault in record["faults"])


def test_a_check_without_faults_ends_with_0(fresh_python) -> None:
    run = "import sys\nfrom letheon.views.commands.main import main\nmain(sys.argv[1:])\n"
    process = fresh_python(run, "check", str(EXAMPLES / "titrated.yaml"), "--json")
    record = json.loads(process.stdout)
    assert process.returncode == 0 and record["faults"] == []
    assert record["arms"]["titrated"]["doses"]["rate_mg_h"] == [5.0, 30.0]
