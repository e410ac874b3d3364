"""The evidence library, whole, weighed by rule and true to its sources; and `letheon evidence`, which prints it.

The oracles are the rules of weighing, values written here as literals, as the papers' abstracts print them, and for
the command the library's own records.
"""

import json
from collections.abc import Callable

import pytest

from letheon import library
from letheon.library import Outcome, Study
from letheon.library.evidence import CONTROLS, MEASURES, PAIN_MODELS, ROLES
from letheon.pipeline.labels import plan_support
from letheon.scenario import loads
from letheon.views.subjects.evidence import RECALLED, sessions

STUDIES = {study.id: study for study in library.studies()}
UNITS = {"NRS", "NRS·day", "%", "1", "patients", "day", "year", "min", "ng/mL", ""}
WEIGHTS = {"fulltext": 1.0, "abstract": 1.0, "secondary": 0.5, "recall": 0.0}
every_study = pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)


def outcome(study: str, arm: str, measure: str, day: float | None = None, **more: object) -> Outcome:
    """Return the one outcome of a study with these words."""
    (one,) = (
        one
        for one in STUDIES[study].outcomes
        if (one.arm, one.measure) == (arm, measure)
        and (day is None or one.time_days == (day, day))
        and all(getattr(one, key) == value for key, value in more.items())
    )
    return one


@every_study
def test_outcomes_have_times_units_weights_and_spreads_that_make_sense(study: Study) -> None:
    """Red when a percentage is typed as a share, a spread misses its value, or second-hand values weigh as read ones."""
    for one in study.outcomes:
        place = f"{study.id} {one.arm} {one.measure}"
        values = [one.value] if one.value is not None else list(one.range or ())
        assert len(values) in (1, 2) or one.statement, place
        if one.measure.endswith(("share", "probability", "_free", "p_value")) or one.measure == "complete_relief":
            assert all(0 <= number <= 1 for number in values), place
        if one.unit == "%":
            assert all(1 < number <= 100 for number in values), place
        if one.unit == "patients" and one.n is not None:
            assert all(0 <= number <= one.n and number == int(number) for number in values), place
        if one.interval is not None:
            assert one.value is not None and one.interval[0] < one.value < one.interval[1], place
            assert one.level in (0.9, 0.95), place
        if one.time_days is not None:
            assert 0 <= one.time_days[0] <= one.time_days[1] <= 8 * 365.25, place
        # all derived values stand on what was read
        assert one.weight == (1.0 if one.verified == "derived" else WEIGHTS[one.verified]), place
        assert one.verified != "derived" or one.note, place
        assert (one.verified == "secondary") <= bool(one.via), place
        assert not one.target or one.weight > 0, place
    assert any(one.target for one in study.outcomes) == (study.role in ("calibrate", "hold_out"))
    assert set(study.calibrates) <= set(PAIN_MODELS)
    assert (study.relevance < 1) <= (study.diagnosis != "CRPS")


def test_there_are_studies_of_every_role() -> None:
    assert len(STUDIES) == 32
    assert {study.role for study in STUDIES.values()} == set(ROLES)
    assert set(MEASURES.values()) == UNITS
    assert {one.measure for study in STUDIES.values() for one in study.outcomes} == set(MEASURES)


@every_study
def test_a_study_is_whole(study: Study) -> None:
    """Red when a file lacks what a reader needs to judge it."""
    assert study.source in library.sources()
    assert study.setting and study.role_note and study.population.text
    assert study.arms and study.outcomes and study.missing and all(study.missing)
    names = [arm.name for arm in study.arms]
    assert len(names) == len(set(names))
    for arm in study.arms:
        assert arm.regimen, arm.name
        assert not arm.infusions or arm.route == "iv", arm.name
        assert arm.n is None or arm.n > 0, arm.name
    for group in {arm.group for arm in study.arms}:
        assert len({(arm.n, arm.drug) for arm in study.arms if arm.group == group}) == 1, group


def test_roles_are_those_of_the_plan() -> None:
    """Red when a held-out study slips into the fit, a fitted one out of it, or the Leiden patients count twice."""
    by_role = {role: {study.id for study in STUDIES.values() if study.role == role} for role in ROLES}
    fitted = {"sigtermans2009", "dahan2011", "goldberg2010", "cohen2023", "noppers2011", "pickering2020"}
    assert by_role["calibrate"] == fitted
    assert by_role["hold_out"] == {"duration357", "schwartzman2009", "kiefer2008pilot"}
    assert by_role["prediction_target"] == {"ketcrps2"}
    assert {"puchalski2016", "correll2004", "zhao2018", "guimaraes2022"} <= by_role["check"]
    assert {"kiefer2008", "vanvelzen2021"} <= by_role["not_used"]
    assert STUDIES["sigtermans2009"].calibrates == ("memory",)
    assert STUDIES["dahan2011"].calibrates == ("slow_site",)
    halves = {name: STUDIES[name].relevance for name in fitted if STUDIES[name].diagnosis != "CRPS"}
    assert halves == {"noppers2011": 0.5, "pickering2020": 0.5}
    assert {arm.drug for study in STUDIES.values() for arm in study.arms if arm.dose_mg_70kg == 0} == set(CONTROLS)


def test_goldberg_kiefer_and_pools() -> None:
    for measure, day, field, expected in (
        ("pain_mean", 0, "range", (8, 9)),
        ("relief", 1, "statement", "minimal"),
        ("relief", 3, "statement", "significant"),
        ("pain_mean", 5, "range", (3, 5)),
        ("little_or_no_change_in_worst_pain", 5, "value", 37),
        ("ketamine_at_relief", None, "range", (200, 225)),
        ("norketamine_at_relief", None, "range", (90, 120)),
    ):
        assert getattr(outcome("goldberg2010", "racemic", measure, day), field) == expected
    assert sum(one.target for one in STUDIES["goldberg2010"].outcomes) == 5
    assert all(outcome("goldberg2010", "racemic", f"{n}ketamine_at_relief").weight == 0 for n in ("", "nor"))
    recalled = [(one.value, one.weight) for one in STUDIES["kiefer2008"].outcomes if one.value is not None]
    assert recalled == [(value, 0) for value in (93.5, 89.4, 79.3, 20, 17, 16, 59.0, 50.2)]
    pools = {
        name: [(one.value, one.interval) for one in STUDIES[name].outcomes] for name in ("zhao2018", "guimaraes2022")
    }
    assert pools["zhao2018"] == [(0.69, (0.53, 0.84)), (0.58, (0.41, 0.75))]
    assert pools["guimaraes2022"] == [(-2.14, (-2.65, -1.63)), (-1.68, (-2.25, -1.12)), (4.94, (2.76, 8.84))]


@pytest.mark.parametrize(
    ("arm", "measure", "name", "value", "se", "interval"),
    [
        ("esketamine", "response_probability", "p_active", 0.67, 0.1, None),
        ("placebo", "response_probability", "p_placebo", 0.23, 0.09, None),
        ("esketamine", "c50", "c50", 10.5, 4.8, (4.37, 21.2)),
        ("esketamine", "half_life", "half_life", 10.9, 4.0, (5.3, 20.5)),
    ],
)
def test_dahan_and_the_slow_site(arm: str, measure: str, name: str, value: float, se: float, interval) -> None:
    """One fact in two files: both must say the same."""
    one = outcome("dahan2011", arm, measure)
    assert (one.value, one.se, one.interval, one.target) == (value, se, interval, True)
    assert library.pain("slow_site")[name].value == value


def test_sigtermans() -> None:
    active, placebo = (outcome("sigtermans2009", arm, "pain_mean", 7) for arm in ("esketamine", "placebo"))
    assert (active.value, active.se, active.n, active.target) == (2.68, 0.51, 30, True)
    assert (placebo.value, placebo.se, placebo.n, placebo.target) == (5.45, 0.48, 30, True)
    difference = outcome("sigtermans2009", "esketamine", "pain_mean_difference", 7)
    assert (difference.value, difference.against, difference.target) == (-2.77, "placebo", False)
    assert difference.value == pytest.approx(2.68 - 5.45)
    assert difference.se == pytest.approx((0.51**2 + 0.48**2) ** 0.5, abs=5e-3)
    assert outcome("sigtermans2009", "esketamine", "p_value", 84, statement="").value == 0.07
    assert outcome("sigtermans2009", "esketamine", "p_value", 84, value=None).statement.startswith("p < 0.001")
    assert outcome("sigtermans2009", "esketamine", "psychomimetic_effects").value == 76
    assert outcome("sigtermans2009", "placebo", "psychomimetic_effects").value == 18
    before = outcome("sigtermans2009", "esketamine", "pain_mean", 0)
    assert (before.value, before.verified, before.weight) == (7.2, "secondary", 0.5)
    recalled = outcome("sigtermans2009", "placebo", "pain_mean", 0)
    assert (recalled.value, recalled.verified, recalled.weight, recalled.target) == (6.9, "recall", 0, False)


@pytest.mark.parametrize(("day", "active", "control"), [(0.031, 8, 3), (0.125, 6, 2), (7, 2, 0), (56, 2, 2)])
def test_noppers(day: float, active: int, control: int) -> None:
    """Patients of 12 whose pain fell by more than half."""
    for arm, count in (("esketamine", active), ("midazolam", control)):
        one = outcome("noppers2011", arm, "fall_by_more_than_half", day)
        assert (one.value, one.n, one.target) == (count, 12, True)


@pytest.mark.parametrize(
    ("arm", "area", "sd", "daily", "target"),
    [("racemic", 185, 100, 5.29, True), ("racemic_magnesium", 196, 92, 5.6, False), ("placebo", 187, 90, 5.34, True)],
)
def test_pickering(arm: str, area: float, sd: float, daily: float, target: bool) -> None:
    one = outcome("pickering2020", arm, "pain_area_under_curve", 35)
    assert (one.value, one.sd, one.n, one.target) == (area, sd, 20, target)
    derived = outcome("pickering2020", arm, "pain_daily_mean", 35)
    assert derived.value == daily == pytest.approx(area / 35, abs=5e-3)
    assert derived.sd == pytest.approx(sd / 35, abs=5e-3)


def test_cohen_gives_the_baseline_and_nothing_else() -> None:
    (one,) = (one for one in STUDIES["cohen2023"].outcomes if one.target)
    assert (one.measure, one.time_days, one.value, one.sd, one.n) == ("pain_mean", (0, 0), 7.08, 1.79, 71)
    assert one.weight == 0.5


def test_held_out_studies() -> None:
    pilot = outcome("kiefer2008pilot", "esketamine", "responders")
    assert (pilot.value, pilot.n, pilot.target) == (0, 4, True)
    chance = outcome("kiefer2008pilot", "esketamine", "chance_of_no_responder").value
    assert chance == pytest.approx((1 - 0.67) ** 4, abs=5e-4)
    arms = {arm.name: (arm.n, arm.n_verified) for arm in STUDIES["schwartzman2009"].arms}
    assert arms == {"racemic": (9, "recall"), "placebo": (10, "recall")}
    duration = [one for one in STUDIES["duration357"].outcomes if one.target]
    assert {one.time_days for one in duration} == {(30, 30), (60, 60), (90, 90)}
    statements = {(one.arm, one.against): one.statement.split(",")[0] for one in duration}
    assert statements == {
        ("racemic_5d", "racemic_3d"): "lower",
        ("racemic_7d", "racemic_3d"): "lower",
        ("racemic_7d", "racemic_5d"): "equal",
    }


@pytest.mark.parametrize(
    ("drug", "session", "label"),
    [
        ("esketamine", "rate: 70 mg/h, for: 30 min", "assumed"),  # noppers2011: fibromyalgia
        ("racemic", "rate: 52.5 mg/h, for: 40 min", "assumed"),  # pickering2020: neuropathic pain
        # practice; near schwartzman2009
        ("racemic", "rate: 33.75 mg/h, for: 4 h, repeat: {every: 1 day, times: 10}", "extrapolated"),
        ("racemic", "rate: 15 mg/h, for: 72 h", "extrapolated"),  # near duration357, as correll2004
        ("racemic", "rate: 24 mg/h, for: 6 h, repeat: {every: 1 day, times: 5}", "randomised"),  # duration357
    ],
)
def test_only_results_in_crps_support_a_regimen(drug: str, session: str, label: str) -> None:
    """Red when a trial in another disease, or a schedule without results, lends its label to a regimen in CRPS."""
    arms = f"arms: {{a: {{drug: {drug}, sessions: [{{at: 0 h, {session}}}]}}}}"
    scenario = loads(f"letheon: 1\ntitle: t\nfollow_up: 12 weeks\n{arms}")
    assert plan_support(scenario, scenario.arm("a")).label == label


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
