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
from letheon.scenario import loads
from letheon.views.subjects.evidence import RECALLED, sessions

STUDIES = {study.id: study for study in library.studies()}
UNITS = {"NRS", "NRS·day", "%", "1", "patients", "day", "year", "h", "min", "ng/mL", "mL/min/kg", "mg/h", "mg", ""}
WEIGHTS = {"fulltext": 1.0, "abstract": 1.0, "secondary": 0.5, "recall": 0.0}
every_study = pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)


def outcome(study: str, arm: str | None, measure: str, day: float | None = None, **more: object) -> Outcome:
    """Return the one outcome of a study with these words and values."""
    (one,) = (
        one
        for one in STUDIES[study].outcomes
        if arm in (None, one.arm)
        and one.measure == measure
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
    assert len(STUDIES) == 39
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


# fmt: off
PUBLISHED = [
    ("sigtermans2009", "esketamine", "pain_mean", 7, {"value": 2.68, "se": 0.51, "n": 30, "target": True}),
    ("sigtermans2009", "placebo", "pain_mean", 7, {"value": 5.45, "se": 0.48, "n": 30, "target": True}),
    ("sigtermans2009", "esketamine", "pain_mean_difference", 7, {"value": -2.77, "against": "placebo", "target": False}),
    ("sigtermans2009", "esketamine", "p_value", 84, {"value": 0.07, "statement": ""}),
    ("sigtermans2009", "esketamine", "psychomimetic_effects", None, {"value": 76}),
    ("sigtermans2009", "placebo", "psychomimetic_effects", None, {"value": 18}),
    ("sigtermans2009", "esketamine", "pain_mean", 0, {"value": 7.2, "verified": "secondary", "weight": 0.5}),
    ("sigtermans2009", "placebo", "pain_mean", 0, {"value": 6.9, "verified": "recall", "weight": 0, "target": False}),
    ("dahan2011", "esketamine", "response_probability", None, {"value": 0.67, "se": 0.1, "interval": None, "target": True}),
    ("dahan2011", "placebo", "response_probability", None, {"value": 0.23, "se": 0.09, "interval": None, "target": True}),
    ("dahan2011", "esketamine", "c50", None, {"value": 10.5, "se": 4.8, "interval": (4.37, 21.2), "target": True}),
    ("dahan2011", "esketamine", "half_life", None, {"value": 10.9, "se": 4.0, "interval": (5.3, 20.5), "target": True}),
    ("goldberg2010", "racemic", "pain_mean", 0, {"range": (8, 9)}),
    ("goldberg2010", "racemic", "relief", 1, {"statement": "minimal"}),
    ("goldberg2010", "racemic", "relief", 3, {"statement": "significant"}),
    ("goldberg2010", "racemic", "pain_mean", 5, {"range": (3, 5)}),
    ("goldberg2010", "racemic", "little_or_no_change_in_worst_pain", 5, {"value": 37}),
    ("goldberg2010", "racemic", "ketamine_at_relief", None, {"range": (200, 225), "weight": 0}),
    ("goldberg2010", "racemic", "norketamine_at_relief", None, {"range": (90, 120), "weight": 0}),
    *[  # patients of 12 whose pain fell by more than half
        ("noppers2011", arm, "fall_by_more_than_half", day, {"value": count, "n": 12, "target": True})
        for day, *counts in ((0.031, 8, 3), (0.125, 6, 2), (7, 2, 0), (56, 2, 2))
        for arm, count in zip(("esketamine", "midazolam"), counts, strict=True)
    ],
    ("pickering2020", "racemic", "pain_area_under_curve", 35, {"value": 185, "sd": 100, "n": 20, "target": True}),
    ("pickering2020", "racemic_magnesium", "pain_area_under_curve", 35, {"value": 196, "sd": 92, "n": 20, "target": False}),
    ("pickering2020", "placebo", "pain_area_under_curve", 35, {"value": 187, "sd": 90, "n": 20, "target": True}),
    ("pickering2020", "racemic", "pain_daily_mean", 35, {"value": 5.29}),
    ("pickering2020", "racemic_magnesium", "pain_daily_mean", 35, {"value": 5.6}),
    ("pickering2020", "placebo", "pain_daily_mean", 35, {"value": 5.34}),
    ("cohen2023", None, "pain_mean", 0, {"value": 7.08, "sd": 1.79, "n": 71, "weight": 0.5, "target": True}),
    ("kiefer2008pilot", "esketamine", "responders", None, {"value": 0, "n": 4, "target": True}),
    ("sigtermans2009", "esketamine", "rate_reached", None, {"value": 22.2, "se": 2.0}),
    ("schwartzman2009", "racemic", "dose_per_day", None, {"range": (0, 100)}),
    ("koppel1990", "sedation", "ketamine_level", 3, {"value": 1200, "sd": 300, "n": 9}),
    ("koppel1990", "sedation", "norketamine_level", 3, {"value": 1000, "sd": 600, "n": 9}),
    ("idvall1979", "anaesthesia", "ketamine_level", None, {"value": 2210, "sd": 190, "n": 31}),
    ("wang2019", "esketamine", "esketamine_clearance", None, {"value": 18.1, "sd": 3.2}),
    ("wang2019", "racemic", "esketamine_clearance", None, {"value": 18.4, "sd": 3.4}),
    ("wang2019", "racemic", "arketamine_clearance", None, {"value": 15.8, "sd": 3.1}),
    ("lauritsen2016", "racemic", "responders", None, {"value": 6, "n": 6}),
    ("aan2023", "racemic", "pain_mean", 0, {"value": 9.3, "sd": 1.0, "n": 4}),
    ("aan2023", "racemic", "pain_mean", 2.167, {"value": 1.8, "sd": 1.3, "n": 4}),
    ("jpain2010", "racemic", "pain_mean", 0, {"value": 7.14, "n": 247}),
    ("jpain2010", "racemic", "pain_mean", 0.131, {"value": 2.15, "n": 247}),
]
# fmt: on


@pytest.mark.parametrize(("study", "arm", "measure", "day", "fields"), PUBLISHED)
def test_values_are_those_of_the_papers(study: str, arm: str | None, measure: str, day: float | None, fields) -> None:
    assert outcome(study, arm, measure, day, **fields)


def test_derived_values_follow_from_what_was_read() -> None:
    difference = outcome("sigtermans2009", "esketamine", "pain_mean_difference", 7)
    assert difference.value == pytest.approx(2.68 - 5.45)
    assert difference.se == pytest.approx((0.51**2 + 0.48**2) ** 0.5, abs=5e-3)
    assert outcome("sigtermans2009", "esketamine", "p_value", 84, value=None).statement.startswith("p < 0.001")
    for arm in ("racemic", "racemic_magnesium", "placebo"):
        area, daily = (outcome("pickering2020", arm, f"pain_{name}", 35) for name in ("area_under_curve", "daily_mean"))
        assert (35 * daily.value, 35 * daily.sd) == pytest.approx((area.value, area.sd), abs=0.175)
    chance = outcome("kiefer2008pilot", "esketamine", "chance_of_no_responder").value
    assert chance == pytest.approx((1 - 0.67) ** 4, abs=5e-4)
    slow = library.pain("slow_site")  # one fact in two files: both must say the same
    for name in ("half_life", "c50"):
        assert slow[name].value == outcome("dahan2011", "esketamine", name).value
    molar = {"ketamine_level": (9.3, 0.8, 237.73), "norketamine_highest": (4.7, 2.4, 223.7)}  # µmol/L, g/mol
    for measure, (mean, sd, mass) in molar.items():
        printed = outcome("idvall1979", "anaesthesia", measure)
        assert (printed.value, printed.sd) == pytest.approx((mean * mass, sd * mass), rel=2e-3)
    levels = [outcome("koppel1990", "sedation", f"{name}_level", 3) for name in ("norketamine", "ketamine")]
    ratio = outcome("koppel1990", "sedation", "norketamine_over_ketamine", 3)
    assert ratio.value == pytest.approx(levels[0].value / levels[1].value, abs=5e-3)
    errors = [one.sd / one.value / one.n**0.5 for one in levels]
    assert ratio.se == pytest.approx(ratio.value * (errors[0] ** 2 + errors[1] ** 2) ** 0.5, abs=5e-3)
    for name, arm in (("p_active", "esketamine"), ("p_placebo", "placebo")):
        assert slow[name].value == outcome("dahan2011", arm, "response_probability").value


def test_whole_studies_are_as_published() -> None:
    assert [sum(one.target for one in STUDIES[name].outcomes) for name in ("goldberg2010", "cohen2023")] == [5, 1]
    recalled = [(one.value, one.weight) for one in STUDIES["kiefer2008"].outcomes if one.value is not None]
    assert recalled == [(value, 0) for value in (93.5, 89.4, 79.3, 20, 17, 16, 59.0, 50.2)]
    pools = {name: [(one.value, one.interval) for one in STUDIES[name].outcomes] for name in STUDIES}
    assert pools["zhao2018"] == [(0.69, (0.53, 0.84)), (0.58, (0.41, 0.75))]
    assert pools["guimaraes2022"] == [(-2.14, (-2.65, -1.63)), (-1.68, (-2.25, -1.12)), (4.94, (2.76, 8.84))]
    arms = {arm.name: (arm.n, arm.n_verified) for arm in STUDIES["schwartzman2009"].arms}
    assert arms == {"racemic": (9, "recall"), "placebo": (10, "recall")}
    duration = [one for one in STUDIES["duration357"].outcomes if one.target]
    assert {one.time_days for one in duration} == {(30, 30), (60, 60), (90, 90)}
    assert {(one.arm[-2:], one.against[-2:], one.statement.split(",")[0]) for one in duration} == {
        ("5d", "3d", "lower"),
        ("7d", "3d", "lower"),
        ("7d", "5d", "equal"),
    }


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
    expected = [study.setting, study.role_note, study.note, *study.missing]
    expected += [source.citation, source.where, source.note]
    for arm in study.arms:
        expected += [arm.name, arm.regimen, arm.beside, *arm.assumptions]
        expected += [f"{arm.dose_mg_70kg:g} mg of ketamine"] if arm.infusions else ["no machine-readable regimen"]
        expected += [f"{arm.regimen} (read: RECALLED, not read)"] if arm.verified == "recall" else []
        expected += [f"n = {arm.n} (RECALLED)"] if arm.n is not None and arm.n_verified == "recall" else []
    for outcome in study.outcomes:
        expected += [outcome.statement, outcome.note, outcome.via, outcome.missed]
        expected += [f"{number:g}" for number in (outcome.value, outcome.se, outcome.sd) if number is not None]
        expected += [f"{bounds[0]:g} to {bounds[1]:g}" for bounds in (outcome.range, outcome.interval) if bounds]
    assert [text for text in expected if " ".join(text.split()) not in flat] == []
    assert flat.count(RECALLED) == sum(one.verified == "recall" for one in study.outcomes)
    assert flat.count("; target") == sum(one.target for one in study.outcomes)
    assert any(source.link in line for line in out.splitlines())  # in one piece
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
