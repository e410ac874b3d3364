"""The calibration: its parameters, its sampler, and what shipped."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from letheon import library
from letheon.arrays import jnp
from letheon.errors import InputError, Interrupted
from letheon.library.posterior import parse_posterior
from letheon.patients.uncertainty import named_numbers, quantile
from letheon.study.calibrate import fit as calibration
from letheon.study.calibrate import sampler
from letheon.study.calibrate.document import QUICK_SETTINGS, CalibrationReport, Settings
from letheon.study.calibrate.parameters import parameters, to_values
from letheon.study.calibrate.sampler import find_modes, sample, take_up
from letheon.study.records import decode
from letheon.units import to_canonical

SHIPPED = Path(__file__).parents[1] / "docs" / "calibration"
models = pytest.mark.parametrize("pain", library.PAIN_MODELS)


@models
@pytest.mark.parametrize("z", [-3.0, -0.4, 0.0, 1.3, 3.5])
def test_a_parameter_is_the_quantile_of_its_prior(pain, z):
    """Against the quantile functions that draw the uncalibrated numbers; red for a wrong unit, range or family."""
    result = parameters(pain)
    values = to_values(pain, jnp.full(len(result), z))
    named, checked = named_numbers(), 0
    for parameter in result:
        name = parameter.name.split("@")[0]
        vague = f"vague.{name.removeprefix('population.')}"
        if vague in named or (name in named and name != "between.effect"):
            number = named.get(vague) or named[name]
            exact = to_canonical(float(quantile(number, special.ndtr(z))), number.unit)
            tolerance = 2e-5 if number.spread["kind"] in ("beta", "half-normal") else 1e-9
            assert float(values[parameter.name]) == pytest.approx(exact, rel=tolerance, abs=1e-9), parameter.name
            checked += 1
        elif name.endswith(".sd") and name.removesuffix(".sd") in named:
            number = named[name.removesuffix(".sd")]
            exact = math.sqrt(number.omega) * math.exp(number.omega_spread * z)
            assert float(values[name]) == pytest.approx(exact, rel=1e-12)
            checked += 1
    assert checked > 10


COVARIANCE = np.array([[0.6, 0.36, 0.0], [0.36, 0.3, 0.06], [0.0, 0.06, 0.18]])  # no wider than the prior anywhere
MEAN = np.array([0.5, -1.0, 2.0])
TOY = replace(QUICK_SETTINGS, chains=2, warmup=50, samples=400, starts=3, step=0.7)


def gaussian(z, mean):
    return -0.5 * (z - mean) @ jnp.linalg.solve(jnp.asarray(COVARIANCE), z - mean)


def toy_evidence(z, mean):
    return gaussian(z, mean) + 0.5 * z @ z


def run_toy(folder, settings=TOY, progress=None):
    folder.mkdir(exist_ok=True)
    modes = find_modes(gaussian, 3, settings, folder, progress, (jnp.asarray(MEAN),))
    return modes, sample(toy_evidence, (jnp.asarray(MEAN),), modes, settings, folder, progress)


@pytest.mark.long
def test_the_sampler_recovers_a_known_density(tmp_path):
    modes, chains = run_toy(tmp_path)
    assert len(modes) == 1 and modes[0].starts == 3
    np.testing.assert_allclose(modes[0].z, MEAN, atol=0.02)
    np.testing.assert_allclose(modes[0].root @ modes[0].root.T, COVARIANCE, atol=1e-6)
    exact = 1.5 * math.log(2 * math.pi) + 0.5 * math.log(np.linalg.det(COVARIANCE))
    assert modes[0].log_mass == pytest.approx(exact, abs=1e-3)
    flat = chains.z.reshape(-1, 3)
    assert chains.z.shape == (2, 400, 3) and not chains.diverging.any()
    np.testing.assert_allclose(flat.mean(axis=0), MEAN, atol=0.12)
    np.testing.assert_allclose(np.cov(flat.T), COVARIANCE, atol=0.15)


def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path):
    """Red when a state is saved late, or a chain starts anew after a stop."""
    _, whole = run_toy(tmp_path / "whole")
    for after in (60, 300):

        def stop(what, done, all_, after=after):
            if what == "sampling" and done >= after:
                raise Interrupted("stopped")

        with pytest.raises(Interrupted):
            run_toy(tmp_path / "parts", progress=stop)
    assert any((tmp_path / "parts").glob("chain_*.npz"))
    _, parts = run_toy(tmp_path / "parts")
    for name, values in whole._asdict().items():
        np.testing.assert_array_equal(values, getattr(parts, name), err_msg=name)


def test_a_stopped_search_goes_on_to_the_same_bits(tmp_path):
    """Stopped within a climb and while measuring a mode; red when a climb does not listen, or begins anew."""
    beats = []

    def modes(folder, stop_after=math.inf):
        folder.mkdir(exist_ok=True)
        beats_here = []

        def beat(what, done, all_):
            beats_here.append(done)
            if len(beats_here) > stop_after:
                raise Interrupted("stopped")

        try:
            return find_modes(gaussian, 3, replace(TOY, starts=1), folder, beat, (jnp.asarray(MEAN),))
        finally:
            beats.append(len(beats_here))

    whole = modes(tmp_path / "whole")
    steps = beats[-1]
    for after in (3, steps - 3):
        parts = tmp_path / f"parts_{after}"
        with pytest.raises(Interrupted):
            modes(parts, after)
        assert beats[-1] == after + 1  # at once, not after the climb
        assert any(parts.glob("steps_*.npz")) or any(parts.glob("curvature_*.npz"))
        again = modes(parts)
        assert beats[-1] < steps  # what was found is not sought again
        for one, other in zip(whole[0], again[0], strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_folder_of_other_settings_is_refused(tmp_path):
    take_up(tmp_path, TOY, {"pain": "memory"})
    take_up(tmp_path, TOY, {"pain": "memory"})
    with pytest.raises(InputError, match=r"other settings \(pain, seed\)"):
        take_up(tmp_path, replace(TOY, seed=5), {"pain": "slow_site"})


def test_diagnostics_tell_chains_that_disagree():
    result = parameters("slow_site")
    rng = np.random.default_rng(1)
    z = rng.normal(size=(2, 400, len(result)))
    chains = sampler.Chains(
        z, rng.normal(size=(2, 400)), np.ones((2, 400)), np.ones((2, 400)), np.zeros((2, 400), bool)
    )
    worst, good = calibration.diagnose(chains, "slow_site")
    assert worst.rhat_worst < 1.02 and worst.ess_bulk_worst > 500
    name = result[0].name
    assert not good[name].identified
    z[1, :, 0] += 3.0
    z[..., 1] *= 0.3
    _, bad = calibration.diagnose(chains, "slow_site")
    assert bad[name].rhat > 1.5
    narrow = bad[result[1].name]
    assert narrow.identified and narrow.contraction == pytest.approx(0.91, abs=0.02)


def test_prior_sensitivity_is_that_of_a_normal_mean():
    """Exact: with a value y of error s, prior precision p and draws of the posterior; red for a wrong sign or scale."""
    y, s = np.array([1.5, -0.5]), np.array([0.7, 2.0])

    def mean(p):
        return y / s**2 / (p + 1 / s**2)

    sd = 1 / np.sqrt(1 + 1 / s**2)
    z = mean(1.0) + sd * np.random.default_rng(4).normal(size=(200_000, 2))
    exact = (mean(1.25) - mean(0.8)) / sd / math.log2(1.25 / 0.8)
    np.testing.assert_allclose(calibration.prior_sensitivity(z), exact, atol=0.01)


def report(pain: str) -> CalibrationReport:
    return decode((SHIPPED / f"{pain}.json").read_bytes(), CalibrationReport, pain)


@models
def test_the_shipped_chains_have_converged(pain):
    document = report(pain)
    assert document.sampler.rhat_worst <= 1.01
    assert min(document.sampler.ess_bulk_worst, document.sampler.ess_tail_worst) >= 400
    assert document.full_mesh.pareto_k < 0.7
    assert document.modes


def test_the_memory_reproduces_its_trials():
    checks = report("memory").checks
    for name, low, high in (
        ("leiden difference week 1", -4.17, -1.37),
        ("leiden difference week 12", -2.67, 0.13),
        ("leiden placebo week 1", 4.45, 6.45),
        ("goldberg relief day 1", -np.inf, 0.25),
        ("goldberg relief day 3", 0.20, 0.60),
        ("goldberg relief day 5", 0.40, 0.65),
        ("one infusion day 7", -0.2, 0.2),
    ):
        assert low < checks[name].posterior.median < high, name
    low, high = checks["leiden difference week 12"].posterior.of_a_trial_90
    assert low < -1.27 < high


@models
def test_the_shipped_draws_are_those_of_the_report(pain):
    """Red when the table in the package is not the one that the report describes."""
    shipped, described = library.posterior(pain), report(pain).parameters
    known = {n for n, p in described.items() if not p.identified}
    assert {*shipped.not_identified} - {"memory.theta"} <= known  # theta follows from its distance from the fold
    assert ("memory.theta" in shipped.not_identified) == ("memory.fold_distance" in known)
    for name, column in shipped.columns.items():
        if name in described:
            low, high = described[name].interval_90
            assert low < np.median(column) < high
            assert abs(np.mean((np.array(column) >= low) & (np.array(column) <= high)) - 0.9) < 0.09, name


def test_files_that_ship_can_be_read_again():
    results = parameters("slow_site")
    draws = np.random.default_rng(2).normal(size=(50, len(results)))
    chains = sampler.Chains(draws[None], *(np.zeros((1, 50)) for _ in range(4)))
    result = calibration.Calibration("slow_site", QUICK_SETTINGS, (), chains, draws, report("slow_site"))
    files = calibration.posterior_files(result, "2026-11-22")
    again = parse_posterior("slow_site", files["slow_site.csv"], files["slow_site.toml"], "x")
    assert again.about["seed"] == QUICK_SETTINGS.seed and again.about["date"] == "2026-11-22"
    values = calibration.to_library_units("slow_site", draws)
    assert not any("@" in name for name in again.columns)
    for name in ("slow_site.half_life", "acute.c50.sd", "placebo.tau_off"):
        np.testing.assert_allclose(again.columns[name], values[name], rtol=1e-5)
    effect, sd = (np.array(again.columns[f"between.{n}"]) for n in ("effect", "sd"))
    assert 0.6 < np.std(effect / sd) < 1.4


@pytest.mark.slow
def test_a_known_truth_is_recovered(tmp_path):
    """Three sets of the rival, quick; the ten of each model that the documentation tells are run by `make adequacy`."""
    from letheon.study.calibrate.adequacy import recover

    recovery = recover("slow_site", tmp_path, sets=3)
    assert recovery.values == 3 * len(parameters("slow_site"))
    assert recovery.inside >= 0.75


def test_two_modes_are_both_reported(tmp_path):
    def two_hills(z):
        return jnp.logaddexp(-0.5 * jnp.sum((z - 3.0) ** 2) / 0.1, -1.0 - 0.5 * jnp.sum((z + 3.0) ** 2) / 0.1)

    modes = find_modes(two_hills, 2, Settings(starts=8, seed=3), tmp_path)
    assert [m.z.round(1).tolist() for m in modes] == [[3.0, 3.0], [-3.0, -3.0]]
    assert modes[0].log_mass - modes[1].log_mass == pytest.approx(1.0, abs=1e-3)
