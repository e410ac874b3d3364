"""Virtual patients: distributions asked for are the ones realised, and a person is the same under any model."""

from functools import cache, partial

import numpy as np
import pytest
from scipy import stats

from letheon import library
from letheon.arrays import jax, jnp
from letheon.body.memory import chronic_state, folds
from letheon.patients.population import BANK_PATIENTS, BANK_SEED, Covariates, bank_points, people, realised
from letheon.patients.uncertainty import DRAWS, RIVAL, SHARED, prior_values, typical_values
from letheon.patients.variability import individual_pk, logit_normal_mean, omega_matrix, truncated_lognormal
from letheon.streams import normals, uniforms

LEIDEN = Covariates(79.0, 19.0, 7.3, 2.0, 46.0, 12.0, 0.3)
N = 20_000


@partial(jax.jit, static_argnums=3)
def crowd(population, seed, numbers, days):
    return jax.vmap(lambda k: people(population, seed, k, days, k % DRAWS), out_axes=-1)(numbers)


@jax.jit
def of_the_bank(person, draw, points):
    one = partial(people, LEIDEN, BANK_SEED)
    return jax.vmap(lambda k, d, p: one(k, 2, d, p), out_axes=-1)(person, draw, points)


@cache
def many():
    return jax.tree.map(np.asarray, crowd(LEIDEN, 1, jnp.arange(N), 2))


def few(population):
    """Sixty-four people, through the program of the many."""
    return jax.tree.map(lambda x: x[..., :64], crowd(population, 3, jnp.arange(N), 2))


def everybody_at(weight=70.0, age=46.0, asian=0.0):
    """One person of known covariates, with deviations of their own."""
    return jax.tree.map(lambda x: x[..., 0], few(Covariates(weight, 0.0, 7.3, 2.0, age, 0.0, asian)))


def same(one, other) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


def test_weight_is_lognormal_with_its_mean_and_sd():
    """Red when mean and SD are taken for those of the logarithm, or the mean for the median."""
    weight = many().weight_kg
    assert weight.mean() == pytest.approx(79.0, abs=4 * 19 / np.sqrt(N))
    assert weight.std() == pytest.approx(19.0, rel=0.03)
    log_sd = np.sqrt(np.log1p((19 / 79) ** 2))
    law = stats.lognorm(log_sd, scale=79 * np.exp(-(log_sd**2) / 2))
    assert stats.kstest(weight, law.cdf).pvalue > 1e-3


def test_baseline_is_the_truncated_normal():
    """Parent 7.3 ± 2.0 on 4-10 realises 7.2 ± 1.5; red when it is clipped rather than truncated."""
    baseline = many().baseline
    law = stats.truncnorm((4 - 7.3) / 2, (10 - 7.3) / 2, 7.3, 2.0)
    assert law.mean() == pytest.approx(7.2, abs=0.05) and law.std() == pytest.approx(1.5, abs=0.05)
    assert baseline.mean() == pytest.approx(law.mean(), abs=4 * 1.5 / np.sqrt(N))
    assert baseline.std() == pytest.approx(law.std(), rel=0.02)
    assert stats.kstest(baseline, law.cdf).pvalue > 1e-3
    assert baseline.min() >= 4 and baseline.max() <= 10


@pytest.mark.parametrize("sd", [0.0, 1e-170, 0.3, 1.9, 5.0])
@pytest.mark.parametrize("mean", [4.0, 6.5, 8.9, 10.0])
def test_moments_of_baseline_as_it_runs(mean, sd):
    wide = max(sd, 1e-9)
    law = stats.truncnorm((4 - mean) / wide, (10 - mean) / wide, mean, wide)
    result = realised(Covariates(79.0, 19.0, mean, sd, 46.0, 12.0, 0.0))["baseline_nrs"]
    assert result == pytest.approx((law.mean(), law.std()), abs=2e-8)


@pytest.mark.parametrize(("mean", "sd"), [(79.0, 19.0), (79.0, 60.0), (35.0, 20.0), (180.0, 60.0), (70.0, 0.0)])
def test_moments_of_weight_as_it_runs(mean, sd):
    """Midpoints of a million quantiles through the sampler's own formula."""
    spread = np.sqrt(np.log1p((sd / mean) ** 2))
    z = stats.norm.ppf((np.arange(1_000_000) + 0.5) / 1_000_000)
    drawn = np.clip(mean * np.exp(spread * z - spread**2 / 2), 30, 200)
    result = realised(Covariates(mean, sd, 7.3, 2.0, 46.0, 12.0, 0.0))["weight"]
    assert result == pytest.approx((drawn.mean(), drawn.std()), rel=1e-5, abs=1e-9)


def test_etas_are_standard_normal_and_independent():
    """Fifteen roles or so, 20,000 people; red when two roles share a stream."""
    who = many()
    names = list(who.eta)
    assert {"cl", "v1", "cln", "vn1", "cl_r", "theta", "tau_s", "kappa", "c50_acute", "placebo"} <= set(names)
    z = np.array([who.eta[name] for name in names])
    assert np.abs(z.mean(axis=1)).max() < 5 / np.sqrt(N)
    assert np.abs(z.std(axis=1) - 1).max() < 5 / np.sqrt(2 * N)
    extra = [who.weight_kg, who.baseline, who.age_years, *who.quantile.values(), *who.flare_u, *who.diary_z]
    correlation = np.corrcoef(np.concatenate([z, extra]))
    assert np.abs(correlation - np.eye(len(correlation))).max() < 5 / np.sqrt(N)


def test_other_population_keeps_patients_quantiles():
    """Heavier people on average, but the heaviest stays the heaviest, and nothing else of a person changes."""
    one, other = (few(Covariates(mean, 10.0, 7.3, 2.0, 46.0, 12.0, 0.0)) for mean in (60.0, 90.0))
    assert np.array_equal(np.argsort(one.weight_kg), np.argsort(other.weight_kg))
    assert np.array_equal(one.baseline, other.baseline)
    assert same(one.eta, other.eta)


def test_the_bank_holds_the_same_people_under_every_draw():
    """Red when a draw changes who the people are: then the interval of a mean holds chance as well."""
    numbers = np.arange(3 * BANK_PATIENTS)
    person = numbers % BANK_PATIENTS
    bank = of_the_bank(person, numbers // BANK_PATIENTS, bank_points()[person])
    assert np.array_equal(bank.draw, numbers // BANK_PATIENTS)
    folded = jax.tree.map(lambda x: x.reshape(*x.shape[:-1], 3, BANK_PATIENTS), bank)
    first, *others = (jax.tree.map(lambda x, d=d: x[..., d, :], folded) for d in range(3))
    for field in ("weight_kg", "baseline", "age_years", "asian", "quantile", "eta", "flare_u", "diary_z"):
        for other in others:
            assert same(getattr(first, field), getattr(other, field))
    assert len(np.unique(first.weight_kg)) == BANK_PATIENTS
    # quantiles in equal strata: means of standard normals closer to 0 than chance would bring them
    assert max(abs(float(z.mean())) for z in first.eta.values()) < 0.02


def numbers_of_the_library() -> dict:
    """Every number by home and name, as the draws name them."""
    result = {}
    for home, number in library.numbers():
        section = home.split("[")[-1].rstrip("]") if "[" in home else home.removeprefix("pk/").removesuffix(".toml")
        result[f"{section}.{number.name}"] = number
    return result


LAWS = {
    "lognormal": lambda number: stats.lognorm(number.spread["sd"], scale=number.value),
    "beta": lambda number: stats.beta(number.spread["a"], number.spread["b"]),
    "uniform": lambda number: stats.uniform(number.range[0], np.ptp(number.range)),
    "half-normal": lambda number: stats.halfnorm(scale=number.spread["sd"]),
    "normal": lambda number: stats.norm(number.value, number.spread["sd"]),
}


def test_draws_follow_the_spreads_that_the_library_states():
    """Median and quantiles of 64 stratified draws are those of the stated law within its range."""
    shipped = numbers_of_the_library()
    u = (np.arange(DRAWS) + 0.5) / DRAWS
    for name, values in prior_values().items():
        if name not in shipped:
            number = shipped[name.removesuffix(".sd")]
            law = stats.norm(0.5 * np.log(number.omega), max(number.omega_spread, 1e-12))
            np.testing.assert_allclose(np.sort(np.log(values)), law.ppf(u), rtol=1e-9, atol=1e-9, err_msg=name)
            continue
        number = shipped[name]
        kind = number.spread["kind"]
        assert values.shape == (DRAWS,)
        if kind == "none":
            assert np.all(values == number.canonical), name
            continue
        factor = number.canonical / number.value if number.value else 1.0
        law, (low, high) = LAWS[kind](number), number.range
        inside = u if kind == "beta" else law.cdf(low) + u * (law.cdf(high) - law.cdf(low))
        expected = np.clip(law.ppf(inside), low, high)
        np.testing.assert_allclose(np.sort(values) / factor, expected, rtol=1e-9, err_msg=name)


def test_calibrated_numbers_come_from_the_shipped_posteriors():
    """Red when a column is left out, converted twice, or the slow site reads the memory's."""
    draws = typical_values()
    for model in library.PAIN_MODELS:
        columns = library.posterior(model).columns
        assert len(columns) > 10
        for name, column in columns.items():
            assert len(column) >= DRAWS
            key = f"{RIVAL}{name}" if model == "slow_site" and name in SHARED else name
            factor = draws[key][0] / column[0]
            np.testing.assert_allclose(draws[key], np.array(column[:DRAWS]) * factor, rtol=1e-12)
            if name.endswith("tau_s") or name.endswith("half_life"):
                assert factor == pytest.approx(24.0)
    assert not np.array_equal(draws["acute.c50"], draws[f"{RIVAL}acute.c50"])


def test_every_patient_of_every_draw_has_a_chronic_state():
    """Thresholds below the fold for any quantile; red when the truncation uses another fold than the draw's own."""
    draws = typical_values()
    a, n = (jnp.asarray(draws[f"memory.{k}"])[:, None] for k in ("a", "n"))
    median = jnp.asarray(draws["memory.theta"])[:, None]
    log_sd = jnp.asarray(draws["memory.theta.sd"])[:, None]
    ceiling = folds(a, n)[3]
    assert np.all(np.isfinite(ceiling))
    u = jnp.array([2.0**-53, 1e-9, 1e-3, 0.2, 0.5, 0.9, 0.999, 1 - 1e-9, 1 - 2.0**-53])
    theta = jax.jit(truncated_lognormal)(u, median, log_sd, ceiling)
    assert np.all(np.asarray(theta) < np.asarray(ceiling)) and np.all(np.asarray(theta) > 0)
    s = np.asarray(jax.jit(chronic_state)(theta, a, n))
    assert np.all(s > 0.5) and np.all(s < 1)


def of_the_crowd(model: str, **options) -> dict:
    shipped = library.pk_model(model)
    typical = {name: n.canonical for name, n in shipped.parameters.items()}
    result = individual_pk(shipped, typical, many(), **options)
    return {name: np.broadcast_to(np.asarray(v), (N,)) for name, v in result.items()}


def deviations(model: str, name: str, **options) -> np.ndarray:
    """Log of a parameter over its value in a person of that weight."""
    shipped = library.pk_model(model)
    exponent = shipped.scaling.get(name, 0.0)
    weight = many().weight_kg
    scale = weight if exponent == "per_kg" else (weight / 70.0) ** exponent
    return np.log(of_the_crowd(model, **options)[name] / shipped.parameters[name].canonical / scale)


def assert_covariance(one, other, variance_one, variance_other, covariance) -> None:
    result = np.cov(one, other)
    for value, expected in ((result[0, 0], variance_one), (result[1, 1], variance_other)):
        assert value == pytest.approx(expected, rel=5 * np.sqrt(2 / N))
    error = np.sqrt((variance_one * variance_other + covariance**2) / N)
    assert result[0, 1] == pytest.approx(covariance, abs=5 * error)


@pytest.mark.parametrize(
    ("model", "one", "other", "expected"),
    [
        ("otto2021", "v1", "cl", (0.084177, 0.026048, 0.02261)),
        ("otto2021", "vn1", "cln", (0.040426, 0.10319, 0.04456)),
        ("otto2021", "cl", "cln", (0.026048, 0.10319, 0.0)),
        ("pair", "cl_s", "cl_r", (0.029, 0.029, 0.9 * 0.029)),
        ("pair", "cln_s", "cln_r", (0.05, 0.05, 0.9 * 0.05)),
        ("pair", "cl_s", "cln_r", (0.029, 0.05, 0.0)),
        ("simons2022", "v1", "cl", (0.057, 0.029, 0.0)),
        ("simons2022", "vh1", "clh", (1.22, 0.103, 0.0)),
        ("perezruixo2021", "kel", "vh", (np.log(1 + 1.2**2), np.log(1 + 0.346**2), 0.0)),
    ],
)
def test_variances_and_covariances_of_the_papers(model, one, other, expected):
    """Omegas as printed; red when a root is taken twice, a CV is taken for an omega, or rows are exchanged."""
    a, b = (deviations(model, name) for name in (one, other))
    if model == "perezruixo2021":
        keep = many().asian == 0
        a, b = a[keep], b[keep]
    assert_covariance(a, b, *expected)


def test_scaling_by_weight():
    """Twice 70 kg: clearances 2^0.75, volumes 2, unscaled ones 1, per-kilogram ones 140."""
    who = everybody_at(weight=140.0)
    for model in library.pk_models():
        shipped = library.pk_model(model)
        result = individual_pk(shipped, {k: n.canonical for k, n in shipped.parameters.items()}, who)
        roles, omega = omega_matrix(shipped)
        root = np.linalg.cholesky(omega) if roles else np.zeros((0, 0))
        eta = dict(zip(roles, root @ [float(who.eta[r]) for r in roles], strict=True)) if roles else {}
        for name, exponent in shipped.scaling.items():
            scale = 140.0 if exponent == "per_kg" else 2.0**exponent
            expected = shipped.parameters[name].canonical * scale * np.exp(eta.get(shipped.parameters[name].role, 0.0))
            if model == "perezruixo2021" and name == "qh":
                expected -= 2.19 * max(float(who.age_years) - 60.0, 0.0) * np.exp(eta["qh"])
            assert float(result[name]) == pytest.approx(expected, rel=1e-12), (model, name)


def test_age_and_ancestry_act_in_perezruixo2021():
    """Hepatic flow falls by 2.19 L/h a year above 60; kel times 0.36 and cln times 0.81 in Asian ancestry."""
    shipped = library.pk_model("perezruixo2021")
    typical = {name: n.canonical for name, n in shipped.parameters.items()}

    def at(age, asian):
        return individual_pk(shipped, typical, everybody_at(age=age, asian=asian))

    young, sixty, old, asian = at(30.0, 0.0), at(60.0, 0.0), at(80.0, 0.0), at(30.0, 1.0)
    assert float(young["qh"]) == float(sixty["qh"])
    assert float(old["qh"] / young["qh"]) == pytest.approx((151 - 20 * 2.19) / 151, rel=1e-9)
    assert float(asian["kel"] / young["kel"]) == pytest.approx(0.36, rel=1e-12)
    assert float(asian["cln"] / young["cln"]) == pytest.approx(0.81, rel=1e-12)
    assert float(asian["kmet"]) == float(young["kmet"])
    assert not {"qh_age_slope", "qh_age_from", "kel_asian", "cln_asian"} & set(young)


def test_models_without_variability_borrow_it_only_on_request():
    plain = deviations("kamp2020", "cl")
    assert np.abs(plain).max() < 1e-12
    borrowed = deviations("kamp2020", "cl", borrow=True)
    np.testing.assert_allclose(borrowed, deviations("simons2022", "cl"), rtol=1e-9, atol=1e-12)
    own = deviations("otto2021", "cl", borrow=True)
    np.testing.assert_allclose(own, deviations("otto2021", "cl"), rtol=1e-12, atol=1e-14)


def test_occasions_have_the_published_variance():
    """Deviations by occasion on top of a person's own; parameters without it stay."""
    shipped = library.pk_model("simons2022")
    typical = {name: n.canonical for name, n in shipped.parameters.items()}
    who = everybody_at()
    z = jnp.array([0.0, 1.0, -2.0])
    plain = individual_pk(shipped, typical, who)
    result = individual_pk(shipped, typical, who, occasion_etas={"mtt": z, "vh2": z, "clh": z})
    for name, variance in {"mtt": 0.751, "vh2": 0.152, "clh": 0.008}.items():
        np.testing.assert_allclose(result[name], plain[name] * np.exp(np.sqrt(variance) * z), rtol=1e-12)
    assert float(result["cl"]) == float(plain["cl"])


@pytest.mark.parametrize("sd", [0.0, 0.3, 1.0, 1.5])
@pytest.mark.parametrize("mean", [0.02, 0.1, 0.24, 0.5, 0.8])
def test_placebo_response_has_its_mean(mean, sd):
    """Within 2 %, by quadrature; red when the mean is taken for the median of the logit."""
    z, weight = np.polynomial.hermite_e.hermegauss(80)
    value = np.asarray(logit_normal_mean(mean, sd, z))
    assert value @ weight / weight.sum() == pytest.approx(mean, rel=0.02)


def test_age_and_ancestry():
    who = many()
    law = stats.truncnorm((18 - 46) / 12, (100 - 46) / 12, 46, 12)
    assert stats.kstest(who.age_years, law.cdf).pvalue > 1e-3
    assert who.asian.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / N))
    assert set(np.unique(who.asian)) == {0.0, 1.0}


def test_truncated_lognormal_is_the_truncated_law():
    u = np.linspace(0.001, 0.999, 41)
    law = stats.lognorm(0.24, scale=0.45)
    np.testing.assert_allclose(truncated_lognormal(u, 0.45, 0.24, 0.56), law.ppf(u * law.cdf(0.56)), rtol=1e-9)


# ---- named streams: a draw depends on seed, purpose and patient, and on nothing else

ONE = jax.jit(uniforms, static_argnums=(1, 3))
MANY = jax.jit(jax.vmap(uniforms, in_axes=(None, None, 0, None)), static_argnums=(1, 3))


@pytest.mark.parametrize("draw", [uniforms, normals])
def test_first_draws_do_not_depend_on_their_number(draw):
    """So a longer follow-up, or a day count padded to another size, keeps the first days."""
    compiled = jax.jit(draw, static_argnums=(1, 3))
    longest = np.asarray(compiled(3, "diary", 5, 400))
    for count in (1, 7, 91, 128):
        assert np.array_equal(compiled(3, "diary", 5, count), longest[:count])


def test_a_patient_is_the_same_in_any_batch():
    """Alone, in a block of 3 or of 100, in another order, compiled or not: the same bits."""
    alone = np.stack([ONE(9, "weight", k, 4) for k in range(6)])
    for numbers in (np.arange(3), np.arange(100), np.array([5, 0, 4])):
        batch = np.asarray(MANY(9, "weight", jnp.asarray(numbers), 4))
        known = numbers < 6
        assert np.array_equal(batch[known], alone[numbers[known]])
    assert np.array_equal(uniforms(9, "weight", 3, 4), alone[3])


def test_seed_purpose_and_patient_all_count():
    """Red when one of the three is left out of the key, or two of them are added."""
    base = np.asarray(ONE(1, "weight", 2, 8))
    others = [ONE(2, "weight", 2, 8), ONE(1, "baseline", 2, 8), ONE(1, "weight", 1, 8)]
    others += [ONE(2, "weight", 1, 8), ONE(0, "weight", 3, 8)]
    for other in others:
        assert not np.any(np.asarray(other) == base)


def test_draws_are_uniform_and_never_reach_the_ends():
    """Kolmogorov-Smirnov on 200,000 draws; the smallest possible draw is half of 2^-52, so a quantile is finite."""
    u = np.asarray(MANY(4, "demo", jnp.arange(2000), 100)).ravel()
    assert u.min() > 0 and u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > 1e-3
    assert np.all(u * 2.0**52 % 1.0 == 0.5)


def test_normal_draws_are_the_quantiles_of_the_uniform_ones():
    z = np.asarray(jax.jit(jax.vmap(lambda k: normals(4, "demo", k, 50)))(jnp.arange(2000))).ravel()
    u = np.asarray(MANY(4, "demo", jnp.arange(2000), 50)).ravel()
    np.testing.assert_allclose(z, stats.norm.ppf(u), rtol=1e-10, atol=1e-12)


def test_a_known_draw_does_not_change():
    """The bits are part of the release: results of a seed must not move when a library does."""
    expected = [0.42161910624690957, 0.9979181552116098]
    np.testing.assert_allclose(uniforms(20090101, "weight", 7, 2), expected, rtol=1e-15)
