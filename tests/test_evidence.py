"""The evidence library: whole, weighed by rule, and saying what the sources say.

The oracles are the rules of weighing, and values written here as literals, as the papers' abstracts print them.
"""

import pytest

from letheon import library
from letheon.library import Outcome, Study
from letheon.library.evidence import CONTROLS, MEASURES, PAIN_MODELS, ROLES
from letheon.pipeline.labels import plan_support
from letheon.scenario import loads

STUDIES = {study.id: study for study in library.studies()}
UNITS = {"NRS", "NRS·day", "%", "1", "patients", "day", "year", "min", "ng/mL", ""}
WEIGHTS = {"fulltext": 1.0, "abstract": 1.0, "secondary": 0.5, "recall": 0.0}
every_study = pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)


def outcome(study: str, arm: str, measure: str, day: float | None = None, **more: object) -> Outcome:
    """Return the one outcome of a study with these words."""
    found = [
        one
        for one in STUDIES[study].outcomes
        if (one.arm, one.measure) == (arm, measure)
        and (day is None or one.time_days == (day, day))
        and all(getattr(one, key) == value for key, value in more.items())
    ]
    assert len(found) == 1, (study, arm, measure, day)
    return found[0]


# --- every study ---


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


@every_study
def test_outcomes_have_times_units_and_spreads_that_make_sense(study: Study) -> None:
    """Red when a percentage is typed as a share, a spread does not hold its value, or more respond than there are."""
    for one in study.outcomes:
        place = f"{study.id} {one.arm} {one.measure}"
        given = [one.value] if one.value is not None else list(one.range or ())
        assert len(given) in (1, 2) or one.statement, place
        if one.unit == "NRS" and "difference" not in one.measure:
            assert all(0 <= number <= 10 for number in given), place
        if one.measure.endswith(("share", "probability", "_free", "p_value")) or one.measure == "complete_relief":
            assert all(0 <= number <= 1 for number in given), place
        if one.unit == "%":
            assert all(1 < number <= 100 for number in given), place
        if one.unit == "patients" and one.n is not None:
            assert all(0 <= number <= one.n and number == int(number) for number in given), place
        if one.interval is not None:
            assert one.value is not None and one.interval[0] < one.value < one.interval[1], place
            assert one.level in (0.9, 0.95), place
        if one.time_days is not None:
            assert 0 <= one.time_days[0] <= one.time_days[1] <= 8 * 365.25, place


@every_study
def test_each_value_weighs_what_the_rule_says(study: Study) -> None:
    """Red when second-hand values weigh as much as read ones, or recalled ones anything."""
    for one in study.outcomes:
        place = f"{study.id} {one.arm} {one.measure}"
        if one.verified == "derived":
            assert one.weight == 1.0, place  # all derived values stand on what was read
            assert one.note, place
        else:
            assert one.weight == WEIGHTS[one.verified], place
        assert (one.verified == "secondary") <= bool(one.via), place


@every_study
def test_only_what_was_read_is_fitted_or_scored(study: Study) -> None:
    targets = [one for one in study.outcomes if one.target]
    assert bool(targets) == (study.role in ("calibrate", "hold_out"))
    assert all(one.weight > 0 for one in targets)
    assert set(study.calibrates) <= set(PAIN_MODELS)
    assert (study.relevance < 1) <= (study.diagnosis != "CRPS")


def test_roles_are_those_of_the_plan() -> None:
    """Red when a held-out study slips into the fit, or a fitted one out of it."""
    by_role = {role: {study.id for study in STUDIES.values() if study.role == role} for role in ROLES}
    assert by_role["calibrate"] == {
        *("sigtermans2009", "dahan2011", "goldberg2010", "cohen2023"),
        *("noppers2011", "pickering2020"),
    }
    assert by_role["hold_out"] == {"duration357", "schwartzman2009", "kiefer2008pilot"}
    assert by_role["prediction_target"] == {"ketcrps2"}
    assert {"puchalski2016", "correll2004", "zhao2018", "guimaraes2022"} <= by_role["check"]
    assert {"kiefer2008", "vanvelzen2021"} <= by_role["not_used"]


def test_the_leiden_patients_are_counted_once() -> None:
    assert STUDIES["sigtermans2009"].calibrates == ("memory",)
    assert STUDIES["dahan2011"].calibrates == ("slow_site",)


def test_other_diseases_count_by_half() -> None:
    fitted = [study for study in STUDIES.values() if study.role == "calibrate" and study.diagnosis != "CRPS"]
    assert {study.id: study.relevance for study in fitted} == {"noppers2011": 0.5, "pickering2020": 0.5}


# --- the values that calibration stands on ---


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


@pytest.mark.parametrize(
    ("arm", "measure", "value", "se", "interval"),
    [
        ("esketamine", "response_probability", 0.67, 0.1, None),
        ("placebo", "response_probability", 0.23, 0.09, None),
        ("esketamine", "c50", 10.5, 4.8, (4.37, 21.2)),
        ("esketamine", "half_life", 10.9, 4.0, (5.3, 20.5)),
    ],
)
def test_dahan(arm: str, measure: str, value: float, se: float, interval: tuple | None) -> None:
    found = outcome("dahan2011", arm, measure)
    assert (found.value, found.se, found.interval, found.target) == (value, se, interval, True)


def test_the_slow_site_has_the_values_of_dahan() -> None:
    """One fact in two files: both must say the same."""
    slow = library.pain("slow_site")
    for name, arm, measure in (
        ("half_life", "esketamine", "half_life"),
        ("c50", "esketamine", "c50"),
        ("p_active", "esketamine", "response_probability"),
        ("p_placebo", "placebo", "response_probability"),
    ):
        assert slow[name].value == outcome("dahan2011", arm, measure).value, name


def test_goldberg() -> None:
    assert outcome("goldberg2010", "racemic", "pain_mean", 0).range == (8, 9)
    assert outcome("goldberg2010", "racemic", "relief", 1).statement == "minimal"
    assert outcome("goldberg2010", "racemic", "relief", 3).statement == "significant"
    assert outcome("goldberg2010", "racemic", "pain_mean", 5).range == (3, 5)
    assert outcome("goldberg2010", "racemic", "little_or_no_change_in_worst_pain", 5).value == 37
    assert sum(one.target for one in STUDIES["goldberg2010"].outcomes) == 5
    for measure, levels in (("ketamine_at_relief", (200, 225)), ("norketamine_at_relief", (90, 120))):
        found = outcome("goldberg2010", "racemic", measure)
        assert (found.range, found.weight) == (levels, 0)


@pytest.mark.parametrize(("day", "active", "control"), [(0.031, 8, 3), (0.125, 6, 2), (7, 2, 0), (56, 2, 2)])
def test_noppers(day: float, active: int, control: int) -> None:
    """Patients of 12 whose pain fell by more than half."""
    for arm, count in (("esketamine", active), ("midazolam", control)):
        found = outcome("noppers2011", arm, "fall_by_more_than_half", day)
        assert (found.value, found.n, found.target) == (count, 12, True)


@pytest.mark.parametrize(
    ("arm", "area", "sd", "daily", "target"),
    [("racemic", 185, 100, 5.29, True), ("racemic_magnesium", 196, 92, 5.6, False), ("placebo", 187, 90, 5.34, True)],
)
def test_pickering(arm: str, area: float, sd: float, daily: float, target: bool) -> None:
    found = outcome("pickering2020", arm, "pain_area_under_curve", 35)
    assert (found.value, found.sd, found.n, found.target) == (area, sd, 20, target)
    derived = outcome("pickering2020", arm, "pain_daily_mean", 35)
    assert derived.value == daily == pytest.approx(area / 35, abs=5e-3)
    assert derived.sd == pytest.approx(sd / 35, abs=5e-3)


def test_cohen_gives_the_baseline_and_nothing_else() -> None:
    (found,) = (one for one in STUDIES["cohen2023"].outcomes if one.target)
    assert (found.measure, found.time_days, found.value, found.sd, found.n) == ("pain_mean", (0, 0), 7.08, 1.79, 71)
    assert found.weight == 0.5


def test_held_out_studies() -> None:
    pilot = outcome("kiefer2008pilot", "esketamine", "responders")
    assert (pilot.value, pilot.n, pilot.target) == (0, 4, True)
    chance = outcome("kiefer2008pilot", "esketamine", "chance_of_no_responder").value
    assert chance == pytest.approx((1 - 0.67) ** 4, abs=5e-4)
    assert {arm.name: (arm.n, arm.n_verified) for arm in STUDIES["schwartzman2009"].arms} == {
        "racemic": (9, "recall"),
        "placebo": (10, "recall"),
    }
    duration = [one for one in STUDIES["duration357"].outcomes if one.target]
    assert {one.time_days for one in duration} == {(30, 30), (60, 60), (90, 90)}
    said = {(one.arm, one.against): one.statement.split(",")[0] for one in duration}
    assert said == {
        ("racemic_5d", "racemic_3d"): "lower",
        ("racemic_7d", "racemic_3d"): "lower",
        ("racemic_7d", "racemic_5d"): "equal",
    }


def test_what_kiefer_found_is_recalled() -> None:
    found = [one for one in STUDIES["kiefer2008"].outcomes if one.value is not None]
    assert [one.value for one in found] == [93.5, 89.4, 79.3, 20, 17, 16, 59.0, 50.2]
    assert {one.weight for one in found} == {0}


def test_pools() -> None:
    assert [(one.value, one.interval) for one in STUDIES["zhao2018"].outcomes] == [
        (0.69, (0.53, 0.84)),
        (0.58, (0.41, 0.75)),
    ]
    assert [(one.value, one.interval) for one in STUDIES["guimaraes2022"].outcomes] == [
        (-2.14, (-2.65, -1.63)),
        (-1.68, (-2.25, -1.12)),
        (4.94, (2.76, 8.84)),
    ]


def test_controls_hold_no_ketamine() -> None:
    given = {arm.drug for study in STUDIES.values() for arm in study.arms if arm.dose_mg_70kg == 0}
    assert given == set(CONTROLS)


@pytest.mark.parametrize(
    ("drug", "session", "label"),
    [
        ("esketamine", "{at: 0 h, rate: 70 mg/h, for: 30 min}", "assumed"),  # noppers2011: fibromyalgia
        ("racemic", "{at: 0 h, rate: 52.5 mg/h, for: 40 min}", "assumed"),  # pickering2020: neuropathic pain
        (
            "racemic",
            "{at: 0 h, rate: 33.75 mg/h, for: 4 h, repeat: {every: 1 day, times: 10}}",
            "extrapolated",
        ),  # practice; near schwartzman2009
        ("racemic", "{at: 0 h, rate: 15 mg/h, for: 72 h}", "extrapolated"),  # near duration357, as correll2004
        (
            "racemic",
            "{at: 0 h, rate: 24 mg/h, for: 6 h, repeat: {every: 1 day, times: 5}}",
            "randomised",
        ),  # duration357
    ],
)
def test_only_results_in_crps_support_a_regimen(drug: str, session: str, label: str) -> None:
    """Red when a trial in another disease, or a schedule without results, lends its label to a regimen in CRPS."""
    made = loads(
        f"letheon: 1\ntitle: t\nfollow_up: 12 weeks\narms:\n  a:\n    drug: {drug}\n    sessions:\n      - {session}"
    )
    assert plan_support(made, made.arm("a")).label == label
