"""Named random streams: what a patient draws depends on seed, purpose and patient, and on nothing else."""

import numpy as np
import pytest
from scipy import stats

from letheon.arrays import jax, jnp
from letheon.streams import normals, uniforms

ONE = jax.jit(uniforms, static_argnums=(1, 3))
MANY = jax.jit(jax.vmap(uniforms, in_axes=(None, None, 0, None)), static_argnums=(1, 3))


@pytest.mark.parametrize("draw", [uniforms, normals])
def test_first_draws_do_not_depend_on_how_many_are_asked_for(draw):
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
    """Moments to four standard errors, and the same order as the uniforms of that name."""
    z = np.asarray(jax.jit(jax.vmap(lambda k: normals(4, "demo", k, 50)))(jnp.arange(2000))).ravel()
    n = len(z)
    assert abs(z.mean()) < 4 / np.sqrt(n)
    assert abs(z.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs(stats.skew(z)) < 4 * np.sqrt(6 / n) and abs(stats.kurtosis(z)) < 4 * np.sqrt(24 / n)
    u = np.asarray(MANY(4, "demo", jnp.arange(2000), 50)).ravel()
    np.testing.assert_allclose(z, stats.norm.ppf(u), rtol=1e-10, atol=1e-12)


def test_a_known_draw_does_not_change():
    """The bits are part of the release: results of a seed must not move when a library does."""
    expected = [0.42161910624690957, 0.9979181552116098]
    np.testing.assert_allclose(uniforms(20090101, "weight", 7, 2), expected, rtol=1e-15)
