"""The drug models of the library: their parameters give the figures that their papers give."""

from __future__ import annotations

import math
import tomllib
from importlib.resources import files

import numpy as np
import pytest
from scipy.linalg import expm

from letheon import library

HOME = files("letheon.library")
MG_PER_L = 1000.0  # ng/mL in one mg/L


def canonical(model: str) -> dict[str, float]:
    return {name: number.canonical for name, number in library.pk_model(model).parameters.items()}


def compartments(n: int, flows: dict[tuple[int, int], float], out: dict[int, float]) -> np.ndarray:
    """Rate matrix from transfer rates ``(from, to)`` and exit rates [1/h]."""
    matrix = np.zeros((n, n))
    for (start, end), rate in flows.items():
        matrix[end, start] += rate
        matrix[start, start] -= rate
    for start, rate in out.items():
        matrix[start, start] -= rate
    return matrix


def parent(model: str) -> tuple[np.ndarray, float]:
    """Rate matrix [1/h] and central volume [L at 70 kg] of the parent drug, from the papers' equations."""
    p, structure = canonical(model), library.pk_model(model).structure
    if structure.startswith("micro"):
        flows = {(0, 1): p["k12"], (1, 0): p["k21"]}
        if structure == "micro3":
            flows |= {(0, 2): p["k13"], (2, 0): p["k31"]}
        return compartments(len(flows) // 2 + 1, flows, {0: p["k10"]}), 70 * p["v1"]
    flows = {
        (0, 1): p["q2"] / p["v1"],
        (1, 0): p["q2"] / p["v2"],
        (0, 2): p["q3"] / p["v1"],
        (2, 0): p["q3"] / p["v3"],
    }
    if structure == "portal":
        flows |= {(0, 3): p["qh"] / p["v1"], (3, 0): p["qh"] / p["vh"]}
        return compartments(4, flows, {3: p["kel"] + p["kmet"]}), p["v1"]
    return compartments(3, flows, {0: p["cl"] / p["v1"]}), p["v1"]


def level_after(matrix: np.ndarray, volume: float, rate: float, hours: float) -> float:
    """Level [ng/mL] at the end of an infusion: A^-1 (e^(A t) - 1) R."""
    infusion = np.zeros(len(matrix))
    infusion[0] = rate
    return MG_PER_L / volume * np.linalg.solve(matrix, (expm(matrix * hours) - np.eye(len(matrix))) @ infusion)[0]


def plateau(matrix: np.ndarray, volume: float, rate: float) -> float:
    infusion = np.zeros(len(matrix))
    infusion[0] = rate
    return MG_PER_L / volume * np.linalg.solve(-matrix, infusion)[0]


def assert_same(table: dict, record: object) -> None:
    for key, value in table.items():
        shipped = getattr(record, key)
        assert (list(shipped) if isinstance(shipped, tuple) else shipped) == value, (record, key)


@pytest.mark.parametrize("model", library.pk_models())
def test_models_hold_all_that_their_files_say(model):
    """Red when the reader drops a parameter, an omega, a residual or a bound."""
    raw = tomllib.loads(HOME.joinpath("pk", f"{model}.toml").read_text(encoding="utf-8"))
    shipped = library.pk_model(model)
    assert shipped.id == model
    parameters = raw.pop("parameters")
    assert list(parameters) == list(shipped.parameters)
    for name, table in parameters.items():
        assert_same(table, shipped.parameters[name])
    rows = raw.pop("residual", [])
    assert [row["analyte"] for row in rows] == list(shipped.residual)
    for row in rows:
        assert_same(row, shipped.residual[row["analyte"]])
    rows = raw.pop("covariance", [])
    assert [tuple(row["roles"]) for row in rows] == [row[:2] for row in shipped.covariance]
    validity = raw.pop("validity")
    assert validity == {k: list(v) if isinstance(v, tuple) else v for k, v in shipped.validity.items()}
    assert_same(raw, shipped)


def test_shipped_models():
    assert library.pk_models() == (
        "clements1981",
        "domino1982",
        "hijazi2003",
        "kamp2020",
        "otto2021",
        "pair",
        "perezruixo2021",
        "simons2022",
    )


@pytest.mark.parametrize("model", [m for m in library.pk_models() if m != "pair"])
def test_plateau_and_end_of_a_short_infusion(model):
    """Red when a clearance, volume or unit (L/min read as L/h) is wrong."""
    checks = library.pk_model(model).checks
    matrix, volume = parent(model)
    if "plateau_22_2_mg_h_ng_ml" in checks:
        assert plateau(matrix, volume, 22.2) == pytest.approx(checks["plateau_22_2_mg_h_ng_ml"], rel=0.004)
    if "end_of_20_mg_in_20_min_ng_ml" in checks:
        end = level_after(matrix, volume, 60.0, 1 / 3)
        assert end == pytest.approx(checks["end_of_20_mg_in_20_min_ng_ml"], rel=0.01)
    half_life = math.log(2) / -np.linalg.eigvals(matrix).real.max()
    assert half_life == pytest.approx(checks["terminal_half_life_h"], rel=0.02)
    if "cl_l_h" in checks:
        clearance = MG_PER_L / plateau(matrix, volume, 1.0)
        assert clearance == pytest.approx(checks["cl_l_h"], rel=0.002)


@pytest.mark.parametrize(
    ("model", "level"),
    [
        ("kamp2020", 264),
        ("simons2022", 250),
        ("otto2021", 233),
        ("perezruixo2021", 204),
        ("domino1982", 191.5),
    ],
)
def test_plateau_of_the_leiden_rate(model, level):
    """The five models on 22.2 mg/h [ng/mL]; red when a file and its own check are changed together."""
    assert library.pk_model(model).checks["plateau_22_2_mg_h_ng_ml"] == level


@pytest.mark.parametrize(("model", "level"), [("simons2022", 268), ("otto2021", 112), ("perezruixo2021", 85)])
def test_end_of_20_mg_in_20_min(model, level):
    """Arterial and venous levels differ more than twofold [ng/mL]."""
    assert library.pk_model(model).checks["end_of_20_mg_in_20_min_ng_ml"] == level


def test_volumes_at_steady_state():
    """Red when two volumes are exchanged with a wrong one, or one is left out."""
    for model in ("otto2021", "simons2022", "kamp2020", "perezruixo2021"):
        p = canonical(model)
        assert p["v1"] + p["v2"] + p["v3"] == pytest.approx(library.pk_model(model).checks["vss_l"], rel=0.001)
    for model in ("domino1982", "clements1981"):
        p = canonical(model)
        ratio = 1 + p["k12"] / p["k21"] + (p["k13"] / p["k31"] if "k13" in p else 0)
        assert 70 * p["v1"] * ratio == pytest.approx(library.pk_model(model).checks["vss_l"], rel=0.002)


def test_micro_constants_give_the_clearance_of_the_abstract():
    """Hijazi's abstract has 36.0 mL/min/kg and 4.9 h; the coded constants must agree with it."""
    p = canonical("hijazi2003")
    clearance = p["v1"] * p["k10"] * 1000 / 60
    assert clearance == pytest.approx(library.pk_model("hijazi2003").checks["cl_ml_min_kg"], rel=0.001)
    assert clearance == pytest.approx(36.0, rel=0.01)


def test_liver_clearance_is_flow_times_extraction():
    """CL = Qh E; red when kel or kmet takes the misprinted unit of the table."""
    p = canonical("perezruixo2021")
    intrinsic = (p["kel"] + p["kmet"]) * p["vh"]
    clearance = p["qh"] * intrinsic / (p["qh"] + intrinsic)
    checks = library.pk_model("perezruixo2021").checks
    assert clearance == pytest.approx(checks["cl_l_h"], rel=0.001)
    ratio = clearance * p["kmet"] / (p["kel"] + p["kmet"]) / p["cln"]
    assert ratio == pytest.approx(checks["nk_to_k_ratio"], rel=0.003)


def test_norketamine_at_steady_state():
    """Mass ratios to the parent; red when a fraction, a mass or a metabolite clearance is wrong."""
    r = {name: number.value for name, number in library.receptor().items()}
    nk, hnk = (r[f"molar_mass_{x}"] / r["molar_mass_ketamine"] for x in ("norketamine", "hydroxynorketamine"))
    p = canonical("otto2021")
    assert p["cl"] / p["cln"] == pytest.approx(library.pk_model("otto2021").checks["nk_to_k_ratio"], rel=0.003)
    p, checks = canonical("simons2022"), library.pk_model("simons2022").checks
    molar = p["fm"] * p["cl"] / p["cln"]
    assert molar * nk == pytest.approx(checks["nk_to_k_ratio"], rel=0.005)
    assert molar * p["fm_hnk"] * p["cln"] / p["clh"] * hnk == pytest.approx(checks["hnk_to_k_ratio"], rel=0.006)
    p, checks = canonical("pair"), library.pk_model("pair").checks
    for x in "sr":
        assert p["fm"] * p[f"cl_{x}"] / p[f"cln_{x}"] * nk == pytest.approx(checks[f"nk_to_k_ratio_{x}"], rel=0.005)
        plateau_10 = MG_PER_L * 10 / p[f"cl_{x}"]
        assert plateau_10 == pytest.approx(checks[f"plateau_racemic_20_mg_h_{x}_ng_ml"], rel=0.005)


# Mean arterial levels [ng/mL] from Figure 1 of kampbja2020: racemic 0.28, 0.57, 1.14 mg/kg/h, an hour each.
HOURS = (0.25, 0.5, 0.75, 1.5, 1.667, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0)
DIGITISED = {
    "s": (
        (27.0, 45.9, 51.2, 102.1, 116.8, 124.5, 224.0, 248.6, 97.5, 79.2, 58.6),
        (3.0, 9.5, 15.7, 40.0, 54.0, 64.4, 106.5, 140.3, 143.9, 131.6, 118.4),
    ),
    "r": (
        (34.5, 50.2, 57.7, 114.6, 128.6, 141.9, 242.6, 273.2, 109.6, 86.4, 64.2),
        (5.4, 11.5, 20.5, 50.1, 62.8, 81.5, 123.6, 169.7, 165.7, 150.6, 135.1),
    ),
}


def pair_matrix(enantiomer: str) -> np.ndarray:
    """Rates [1/h] of the seven molar states of one enantiomer, with the infusion as an eighth."""
    p = canonical("pair")
    elimination, delay = p[f"cl_{enantiomer}"] / p["v1"], 2 / p["mtt"]
    flows = {
        (0, 1): p["q2"] / p["v1"],
        (1, 0): p["q2"] / p["v2"],
        (0, 2): p["q3"] / p["v1"],
        (2, 0): p["q3"] / p["v3"],
        (0, 3): p["fm"] * elimination,
        (3, 4): delay,
        (4, 5): delay,
        (5, 6): p["qn"] / p["vn1"],
        (6, 5): p["qn"] / p["vn2"],
    }
    out = {0: (1 - p["fm"]) * elimination, 5: p[f"cln_{enantiomer}"] / p["vn1"]}
    matrix = np.zeros((8, 8))
    matrix[:7, :7] = compartments(7, flows, out)
    return matrix


@pytest.mark.parametrize("enantiomer", ["s", "r"])
def test_pair_reproduces_the_curves_that_it_was_fitted_to(enantiomer):
    """Median error of ketamine and norketamine below 6 %; red for a wrong unit, mass, delay or shared volume."""
    matrix, p, r = pair_matrix(enantiomer), canonical("pair"), library.receptor()
    mass = r["molar_mass_norketamine"].value / r["molar_mass_ketamine"].value
    state, now, levels = np.zeros(8), 0.0, []
    state[7] = 1.0
    for time in sorted({*HOURS, 1.0}):
        matrix[0, 7] = 70 / 2 * (0.28, 0.57, 1.14)[int(now)] if now < 3 else 0.0
        state, now = expm(matrix * (time - now)) @ state, time
        if time in HOURS:
            levels.append(MG_PER_L * np.array([state[0] / p["v1"], state[5] * mass / p["vn1"]]))
    found = 100 * np.abs(np.array(levels).T / np.array(DIGITISED[enantiomer]) - 1)
    assert (np.median(found, axis=1) < 6).all()


# Published values and units that no reference figure pins down.
PRINTED = {
    "kamp2020": "q2 161 L/h",
    "otto2021": "vn1 98.638 L, vn2 160.04 L, qn 42.778 L/h",
    "pair": "v1 10.3 L, v2 43.4 L, v3 162 L, q2 171 L/h, q3 93.8 L/h, mtt 16.8 min, vn2 137 L, qn 151 L/h",
    "perezruixo2021": "vn1 70 L, vn2 115 L, qn 26.1 L/h, qh_age_slope -2.19 L/h, qh_age_from 60 year of age,"
    " kel_asian 0.36 fraction, cln_asian 0.81 fraction",
    "simons2022": "mtt 20.1 min, vn2 221 L, qn 2.63 L/min, mtt_hnk 1.12 min, vh1 4.4 L, vh2 87.5 L, qh 1.7 L/min",
}


@pytest.mark.parametrize("model", PRINTED)
def test_values_that_no_figure_pins_down(model):
    """Red for a slip in a value that the figures above cannot see."""
    for text in PRINTED[model].split(","):
        name, value, unit = text.strip().split(" ", 2)
        number = library.pk_model(model).parameters[name]
        assert (number.value, number.unit) == (float(value), unit), name


def test_norketamine_volume_of_the_abstract():
    """The abstract of Perez-Ruixo gives a steady-state volume of 185 L and 38 L/h."""
    p = canonical("perezruixo2021")
    assert (p["vn1"] + p["vn2"], p["cln"]) == (185, 38)


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


def test_spreads_are_the_published_errors():
    """Red when an error is taken for another one, or an error [L] for a relative one."""
    p = library.pk_model("simons2022").parameters
    for name, error in STANDARD_ERRORS.items():
        assert p[name].spread["sd"] == pytest.approx(error / p[name].value, abs=6e-4), name
    for model, errors in RELATIVE_ERRORS.items():
        p = library.pk_model(model).parameters
        with_spread = {n for n, x in p.items() if x.spread["kind"] != "none" and not x.same_as}
        assert with_spread == set(errors)
        for name, error in errors.items():
            assert p[name].spread["sd"] == pytest.approx(error / 100), name


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


def test_typical_value_models_have_no_variability():
    """Red when variability is invented for a model that published none."""
    for model in ("kamp2020", "domino1982", "clements1981", "hijazi2003"):
        assert all(x.omega is None for x in library.pk_model(model).parameters.values())


def test_enantiomer_clearances_are_correlated():
    """Correlation 0.9 between the clearances; red for a covariance read as correlation."""
    shipped = library.pk_model("pair")
    assert "derived, not published" in shipped.label
    omegas = {x.role: x.omega for x in shipped.parameters.values()}
    found = {(a, b): value / math.sqrt(omegas[a] * omegas[b]) for a, b, value in shipped.covariance}
    assert found == {("cl", "cl_r"): pytest.approx(0.9), ("cln", "cln_r"): pytest.approx(0.9)}
    assert (shipped.parameters["cl_r"].value / shipped.parameters["cl_s"].value) == pytest.approx(0.91, abs=0.005)


def test_borrowed_omegas_equal_their_owner():
    """The pair borrows simons2022's omegas by role; red when only one of the two is changed."""
    lender = {x.role: x.omega for x in library.pk_model("simons2022").parameters.values() if x.role}
    for number in library.pk_model("pair").parameters.values():
        if number.role:
            assert number.omega == lender[number.role.removesuffix("_r")], number.name


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
