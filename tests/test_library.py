"""The numbers of the library: complete, sourced, and in step with what they were derived from."""

from __future__ import annotations

import math
import tomllib
from importlib.resources import files

import numpy as np
import pytest

from letheon import library
from letheon.library.reading import VERIFIED
from letheon.library.records import STATUSES
from letheon.units import to_canonical

HOME = files("letheon.library")
SECTIONS = {
    "receptor.toml": ("receptor",),
    "pain.toml": ("memory", "flares", "acute", "placebo", "between", "diary", "slow_site", "vague", "population"),
    "harms.toml": ("psychedelic", "circulation", "comedication", "liver", "bladder", "mood"),
}
READERS = {"receptor.toml": lambda _: library.receptor(), "pain.toml": library.pain, "harms.toml": library.harms}


def toml(*path: str) -> dict:
    return tomllib.loads(HOME.joinpath(*path).read_text(encoding="utf-8"))


def assert_same(table: dict, record: object) -> None:
    for key, value in table.items():
        shipped = getattr(record, key)
        assert (list(shipped) if isinstance(shipped, tuple) else shipped) == value, (record, key)


@pytest.mark.parametrize("name", SECTIONS)
def test_sections_hold_all_that_their_files_say(name):
    """Red when the reader drops or changes a key."""
    raw = toml(name)
    assert tuple(raw) == SECTIONS[name]
    for section, tables in raw.items():
        shipped = READERS[name](section)
        assert set(tables) == set(shipped)
        for key, table in tables.items():
            assert_same(table, shipped[key])


@pytest.mark.parametrize("model", library.pk_models())
def test_models_hold_all_that_their_files_say(model):
    """Red when the reader drops a parameter, an omega, a residual or a bound."""
    raw, shipped = toml("pk", f"{model}.toml"), library.pk_model(model)
    assert shipped.id == model
    parameters, residual = raw.pop("parameters"), {row["analyte"]: row for row in raw.pop("residual", [])}
    for tables, records in ((parameters, shipped.parameters), (residual, shipped.residual)):
        assert list(tables) == list(records)
        for name, table in tables.items():
            assert_same(table, records[name])
    assert [tuple(row["roles"]) for row in raw.pop("covariance", [])] == [row[:2] for row in shipped.covariance]
    validity = {k: list(v) if isinstance(v, tuple) else v for k, v in shipped.validity.items()}
    assert raw.pop("validity") == validity
    assert_same(raw, shipped)


@pytest.mark.parametrize("study", library.studies(), ids=lambda study: study.id)
def test_studies_hold_all_that_their_files_say(study):
    raw = toml("studies", f"{study.id}.toml")
    arms, outcomes, population = raw.pop("arms"), raw.pop("outcomes"), raw.pop("population")
    assert_same(raw, study)
    for trait in {"weight_kg", "age_year", "pain"} & set(population):
        assert_same(population.pop(trait), getattr(study.population, trait))
    assert_same(population, study.population)
    for table, arm in zip(arms, study.arms, strict=True):
        assert [list(row) for row in arm.infusions] == table.pop("infusions", [])
        if titration := table.pop("titration", None):
            assert_same(titration, arm.titration)
        assert_same(table, arm)
    for table, outcome in zip(outcomes, study.outcomes, strict=True):
        when = table.pop("time_days", None)
        when = (when, when) if isinstance(when, int | float) else when and tuple(when)
        assert outcome.time_days == when
        assert_same(table, outcome)


def test_every_number_is_complete():
    """Red when a unit is misspelt, a source has no entry or a range leaves the value out."""
    known = library.sources()
    for home, number in library.numbers():
        place = f"{home} {number.name}"
        low, high = number.range
        assert math.isfinite(low) and math.isfinite(high) and low < high, place
        assert low <= number.value <= high, place
        assert number.canonical == pytest.approx(to_canonical(number.value, number.unit)), place
        assert number.canonical_range[0] <= number.canonical <= number.canonical_range[1], place
        assert number.status in STATUSES and number.verified in VERIFIED, place
        assert number.verified != "recall", place  # a value from memory would look like evidence
        assert set(number.sources) <= set(known), place
        assert number.sources or number.note, place
        assert (number.omega is None) == (number.role is None), place


def test_wide_spreads_stay_inside_their_range():
    """Red when a range is so narrow that many typical values would be drawn outside it."""
    one_sided = {"cln_r"}  # the plausible range is meant to cut it
    for home, number in library.numbers():
        if number is library.pain("vague")["baseline_sd"]:
            continue  # pain cut at 4 and 10 is even at an SD of 3 already
        if number.spread["kind"] != "lognormal" or number.name in one_sided:
            continue
        sd = number.spread["sd"]
        low, high = number.range
        assert low <= number.value * math.exp(-1.6 * sd), f"{home} {number.name}"
        assert high >= number.value * math.exp(1.6 * sd), f"{home} {number.name}"


def test_evidence_weights():
    """Red when second-hand values weigh as much as read ones, or a derived value more than its basis."""
    weights = {n.name: n.weight for _, n in library.numbers()}
    assert weights["ki_esketamine"] == 1.0
    assert weights["molar_mass_ketamine"] == 0.5
    assert weights["salt_hydrochloride"] == weights["molar_mass_ketamine_hydrochloride"]
    assert weights["theta"] == 0.0
    assert library.pk_model("pair").parameters["cl_s"].weight == 0.5


def test_derived_numbers_of_the_receptor():
    """Red when a derived number and its basis drift apart."""
    r = {name: number.value for name, number in library.receptor().items()}
    salt = r["molar_mass_ketamine"] / r["molar_mass_ketamine_hydrochloride"]
    assert r["salt_hydrochloride"] == pytest.approx(salt, abs=5e-4)
    assert r["salt_hydrochloride"] == pytest.approx(28 / 32.3, abs=5e-4)  # as printed in the label
    assert r["norketamine_slope_olofsen"] == pytest.approx(-(1.5 / 50) / (3.8 / 100), abs=5e-3)
    assert r["fu"] == pytest.approx(1 - 0.45)
    hydrogens = 2 * 1.008 + 12.011  # norketamine lacks a methylene group of ketamine
    assert r["molar_mass_ketamine"] - r["molar_mass_norketamine"] == pytest.approx(hydrogens, abs=0.01)


def test_derived_numbers_of_the_slow_site():
    """The drug's own response excludes the placebo's; red when a mixture class is taken as drug effect."""
    s = {name: number.value for name, number in library.pain("slow_site").items()}
    assert s["p_response"] == pytest.approx(1 - (1 - s["p_active"]) / (1 - s["p_placebo"]), abs=5e-3)
    for name in ("p_active", "p_placebo", "p_response"):
        number = library.pain("slow_site")[name]
        a, b = number.spread["a"], number.spread["b"]
        assert a / (a + b) == pytest.approx(number.value, abs=5e-3), name
    sds = {"p_active": 0.10, "p_placebo": 0.09, "p_response": 0.14}
    for name, sd in sds.items():
        a, b = (library.pain("slow_site")[name].spread[k] for k in "ab")
        assert math.sqrt(a * b / (a + b + 1)) / (a + b) == pytest.approx(sd, abs=3e-3), name
    for name in ("half_life", "c50"):
        number = library.pain("slow_site")[name]
        low, high = number.range  # the published 95 % interval
        assert number.spread["sd"] == pytest.approx(math.log(high / low) / 3.92, abs=1e-3)


def test_spreads_of_the_pain_section_mean_what_their_notes_say():
    p = library.pain("memory")["p_nonresponse"]
    assert p.spread["a"] / (p.spread["a"] + p.spread["b"]) == pytest.approx(p.value)
    fall = library.pain("placebo")["fall"]
    a, b = fall.spread["a"], fall.spread["b"]
    assert a / (a + b) == pytest.approx(0.1)
    assert math.sqrt(a * b / (a + b + 1)) / (a + b) == pytest.approx(0.1)
    c50 = library.pain("acute")["c50"]
    assert math.exp(1.645 * c50.spread["sd"]) == pytest.approx(3.0, rel=0.01)
    leiden = library.pain("placebo")["fall_leiden"].value
    assert leiden == pytest.approx((7.2 - 5.45) / 7.2, abs=5e-3)


def test_dose_span_and_hours_agree_with_the_infusions():
    """Red when a total was typed that its own schedule does not give."""
    arms = [(study, arm) for study in library.studies() for arm in study.arms]
    for study, arm in arms:
        place = f"{study.id} {arm.name}"
        if not arm.infusions:
            totals = (arm.days, arm.sessions, arm.hours, arm.dose_mg_70kg, arm.assumptions)
            assert totals == (None, None, None, None, ()), place
            continue
        dose = sum(duration * rate for _, duration, rate in arm.infusions)
        assert arm.dose_mg_70kg == pytest.approx(dose, rel=1e-3), place
        assert arm.hours == pytest.approx(sum(duration for _, duration, _ in arm.infusions)), place
        stops = [start + duration for start, duration, _ in arm.infusions]
        starts = [start for start, _, _ in arm.infusions]
        assert starts == sorted(starts), place
        assert arm.days == pytest.approx((max(stops) - min(starts)) / 24, abs=1e-3), place
        gaps = sum(later > stop for stop, later in zip(stops, starts[1:], strict=False))
        assert arm.sessions == gaps + 1, place
        assert (dose == 0) == (arm.drug in ("placebo", "midazolam")), place


# Total doses for 70 kg [mg], worked out by hand from the protocols.
TOTALS = {
    ("sigtermans2009", "esketamine_slow"): 1280, ("sigtermans2009", "esketamine_fast"): 1912,
    ("schwartzman2009", "racemic"): 1000, ("goldberg2010", "racemic"): 3565, ("kiefer2008", "racemic"): 42000,
    ("lauritsen2016", "racemic"): 358.4, ("aan2023", "racemic"): 1360.8, ("duration357", "racemic_3d"): 432, ("duration357", "racemic_5d"): 720, ("duration357", "racemic_7d"): 1008,
    ("noppers2011", "esketamine"): 35, ("pickering2020", "racemic"): 35, ("boosterpractice", "booster_ladder"): 1500,
}  # fmt: skip


def test_total_doses():
    doses = {(study.id, arm.name): arm.dose_mg_70kg for study in library.studies() for arm in study.arms}
    assert {arm: doses[arm] for arm in TOTALS} == TOTALS


def test_every_source_is_used_and_says_how_it_was_read():
    """Red for a source that nothing cites, or one without the way it was read."""
    used = {key for _, number in library.numbers() for key in number.sources}
    used |= {key for model in library.pk_models() for key in library.pk_model(model).sources}
    used |= {study.source for study in library.studies()}
    used |= {count.source for count in library.harm_counts()} | {one.source for one in library.guidance()}
    used |= {key for row in library.bladder_rows() for key in row.sources}
    assert used == set(library.sources())
    for key, source in library.sources().items():
        assert source.note, key
        assert source.doi == "" or source.doi.startswith("10."), key
        assert source.pmid == "" or source.pmid.isdigit(), key
        assert source.year in source.citation, key
    dois = [source.doi for source in library.sources().values() if source.doi]
    assert len(dois) == len(set(dois))


# ---- drug models: values, errors and variances as printed

# Published values and units that no reference figure pins down.
PRINTED = {
    "kamp2020": "q2 161 L/h",
    "otto2021": "vn1 98.638 L, vn2 160.04 L, qn 42.778 L/h",
    "pair": "v1 10.3 L, v2 43.4 L, v3 162 L, q2 171 L/h, q3 93.8 L/h, mtt 16.8 min, vn2 137 L, qn 151 L/h",
    "perezruixo2021": "vn1 70 L, vn2 115 L, qn 26.1 L/h, qh_age_slope -2.19 L/h, qh_age_from 60 year of age,"
    " kel_asian 0.36 fraction, cln_asian 0.81 fraction, cln 38 L/h",
    "simons2022": "mtt 20.1 min, vn2 221 L, qn 2.63 L/min, mtt_hnk 1.12 min, vh1 4.4 L, vh2 87.5 L, qh 1.7 L/min",
}


@pytest.mark.parametrize("model", PRINTED)
def test_values_that_no_figure_pins_down(model):
    """Red for a slip in a value that the figures above cannot see."""
    for text in PRINTED[model].split(","):
        name, value, unit = text.strip().split(" ", 2)
        number = library.pk_model(model).parameters[name]
        assert (number.value, number.unit) == (float(value), unit), name


# Published uncertainty as printed: standard error in the unit of the value, or relative in per cent.
STANDARD_ERRORS = {
    "v1": 0.9, "v2": 2.9, "v3": 11, "cl": 0.06, "q2": 0.24, "q3": 0.08, "mtt": 1.0, "vn2": 13, "cln": 0.04,
    "qn": 0.15, "mtt_hnk": 0.51, "vh1": 2.0, "vh2": 6.5, "clh": 0.068, "qh": 0.25,
}  # fmt: skip
RELATIVE_ERRORS = {
    "otto2021": {"vn1": 3.77, "cln": 5.7, "vn2": 17.6, "qn": 7.51},
    "pair": {
        "v1": 17.7, "v2": 12.9, "v3": 12.5, "q2": 17.7, "q3": 9.4, "cl_s": 4.6, "cl_r": 5.3, "mtt": 11.4,
        "vn2": 20.1, "qn": 13.2, "cln_s": 16.8, "cln_r": 28.4,
    },
}  # fmt: skip


NO_SPREAD = {"kind": "none"}


def test_spreads_are_the_published_errors():
    """Red when an error is taken for another one, or an error [L] for a relative one."""
    p = library.pk_model("simons2022").parameters
    for name, error in STANDARD_ERRORS.items():
        assert p[name].spread["sd"] == pytest.approx(error / p[name].value, abs=6e-4), name
    for model, errors in RELATIVE_ERRORS.items():
        p = library.pk_model(model).parameters
        published = {n for n, x in p.items() if x.spread != NO_SPREAD and not x.spread_is_assumed}
        assert published - {n for n, x in p.items() if x.same_as} == set(errors)
        for name, error in errors.items():
            assert p[name].spread["sd"] == pytest.approx(error / 100), name


def test_values_of_plasma_models_are_uncertain():
    """Red when a typical value without a published error is taken as known: only fixed shares and an age are."""
    known = {
        f"{model}.{name}"
        for model in library.pk_models()
        for name, number in library.pk_model(model).parameters.items()
        if number.spread == NO_SPREAD and not number.same_as
    }
    assert known == {"pair.fm", "simons2022.fm", "simons2022.fm_hnk", "perezruixo2021.qh_age_from"}


def test_assumed_spread_of_clearance_is_that_between_models():
    """Red when the assumed error of a clearance is far from how much typical clearances of healthy adults differ."""
    p = {id: library.pk_model(id).parameters for id in ("kamp2020", "otto2021", "simons2022", "pair")}
    clearances = [p["kamp2020"]["cl"], p["otto2021"]["cl"], p["simons2022"]["cl"], p["pair"]["cl_s"]]
    others = [library.pk_model(id).checks["cl_l_h"] for id in ("clements1981", "perezruixo2021")]
    between = np.log([*(one.canonical for one in clearances), *others]).std(ddof=1)
    assert p["otto2021"]["cl"].spread["sd"] == pytest.approx(between, abs=0.02)


def test_published_variances():
    """Omegas as printed; red when a variance is given to the wrong parameter or squared again."""
    printed = {
        "otto2021": {"v1": 0.084177, "cl": 0.026048, "vn1": 0.040426, "cln": 0.10319},
        "simons2022": {"v1": 0.057, "cl": 0.029, "q3": 0.026, "mtt": 0.021, "cln": 0.05, "vh1": 1.22,
                       "clh": 0.103, "qh": 0.287},
    }  # fmt: skip
    for model, omegas in printed.items():
        p = library.pk_model(model).parameters
        assert {n: x.omega for n, x in p.items() if x.omega is not None and not x.same_as} == omegas
    assert library.pk_model("simons2022").iov == {"mtt": 0.751, "vh2": 0.152, "clh": 0.008}
    assert library.pk_model("otto2021").covariance == (("v1", "cl", 0.02261), ("vn1", "cln", 0.04456))


def test_norketamine_volume_follows_its_parent():
    """V of norketamine equals V1 with the same eta; red when it is given a life of its own."""
    for model in ("simons2022", "pair"):
        p = library.pk_model(model).parameters
        assert p["vn1"].same_as == "v1"
        assert (p["vn1"].value, p["vn1"].omega, p["vn1"].role) == (p["v1"].value, p["v1"].omega, p["v1"].role)
        assert library.pk_model(model).scaling["vn1"] == library.pk_model(model).scaling["v1"]


def test_printed_cv_becomes_omega():
    """Omega = ln(1 + cv^2), by hand; red for cv^2 (1.44 for kel) or a per cent taken as fraction."""
    p = library.pk_model("perezruixo2021").parameters
    by_hand = {"v1": 0.07290, "v2": 0.21757, "qh": 0.05242, "vh": 0.11307, "kel": 0.89200, "vn1": 0.09518}
    for name, omega in (by_hand | {"cln": 0.06252}).items():
        assert p[name].omega == pytest.approx(omega, abs=2e-5), name
    assert {n for n, x in p.items() if x.role} == {*by_hand, "cln"}
    assert p["kmet"].omega is None  # missing in the paper; a placeholder must not creep in


@pytest.mark.parametrize("model", library.pk_models())
def test_omega_is_positive_definite(model):
    """Red when a covariance exceeds what its variances allow: nobody could be drawn."""
    shipped = library.pk_model(model)
    omegas = {x.role: x.omega for x in shipped.parameters.values() if x.role}
    roles = sorted(omegas)
    matrix = np.diag([omegas[role] for role in roles])
    for one, other, value in shipped.covariance:
        i, j = roles.index(one), roles.index(other)
        matrix[i, j] = matrix[j, i] = value
    assert (np.linalg.eigvalsh(matrix) > 0).all()
    own = [x for x in shipped.parameters.values() if x.role and not x.same_as]
    assert len(own) == len(roles), "two parameters of one model share a role without same_as"


def test_enantiomer_clearances_are_correlated():
    """Correlation 0.9 between the clearances; red for a covariance read as correlation."""
    shipped = library.pk_model("pair")
    assert "derived, not published" in shipped.label
    omegas = {x.role: x.omega for x in shipped.parameters.values()}
    result = {(a, b): value / math.sqrt(omegas[a] * omegas[b]) for a, b, value in shipped.covariance}
    assert result == {("cl", "cl_r"): pytest.approx(0.9), ("cln", "cln_r"): pytest.approx(0.9)}
    assert (shipped.parameters["cl_r"].value / shipped.parameters["cl_s"].value) == pytest.approx(0.91, abs=0.005)


@pytest.mark.parametrize("model", library.pk_models())
def test_scaling_and_validity(model):
    """Red when a parameter has no stated exponent or a per-kg value is scaled twice."""
    shipped = library.pk_model(model)
    covariates = {"qh_age_slope", "qh_age_from", "kel_asian", "cln_asian"}
    assert set(shipped.scaling) == set(shipped.parameters) - covariates
    for name, exponent in shipped.scaling.items():
        assert (exponent == "per_kg") == (shipped.parameters[name].unit == "L/kg"), name
        assert exponent in (0, 0.75, 1, "per_kg"), name
    for key in ("weight_kg", "duration_h", "rate_mg_h"):
        low, high = shipped.validity[key]
        assert 0 <= low < high
    assert shipped.validity["text"].endswith(".")
    assert set(shipped.iov) <= set(shipped.parameters)
    assert shipped.reference_weight_kg == 70


def test_no_weight_in_the_elderly_model():
    """Perez-Ruixo found no effect of weight."""
    assert set(library.pk_model("perezruixo2021").scaling.values()) == {0.0}
