"""Receptor block: the written formula, its limits and its derivatives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from letheon import library
from letheon.arrays import jax
from letheon.body.receptor import block, occupancy_ratio

positive = st.floats(1e-6, 1e6)


def test_shipped_affinities():
    """Ki 0.3, 1.4, 1.7, 13 µM (ebert1997), free share 0.55; red when two enantiomers are exchanged."""
    shipped = library.receptor()
    names = ("esketamine", "arketamine", "esnorketamine", "arnorketamine")
    assert [shipped[f"ki_{name}"].canonical for name in names] == [0.3, 1.4, 1.7, 13.0]
    assert shipped["fu"].canonical == 0.55


def test_ratio_of_a_leiden_plateau():
    """250 ng/mL esketamine: 250/237.73 µM, 0.55 free, Ki 0.3 at κ 2; then norketamine added with weight 1."""
    one = 0.55 * (250.0 / 237.73) / (2.0 * 0.3)
    other = 0.55 * (300.0 / 223.70) / (2.0 * 1.7)
    args = ([250.0, 300.0], [237.73, 223.70], [0.3, 1.7])
    assert float(occupancy_ratio(*args, [1.0, 0.0], 0.55, 2.0)) == pytest.approx(one, rel=1e-14)
    assert float(occupancy_ratio(*args, [1.0, 1.0], 0.55, 2.0)) == pytest.approx(one + other, rel=1e-14)
    assert float(occupancy_ratio(*args, [1.0, -0.2], 0.55, 2.0)) == pytest.approx(one - 0.2 * other, rel=1e-14)


def test_opposing_norketamine_cannot_make_the_ratio_negative():
    """Red when the sum is not cut at nothing: a negative ratio has no power."""
    assert float(occupancy_ratio([1.0, 500.0], [237.73, 223.70], [0.3, 1.7], [1.0, -5.0], 0.55, 1.0)) == 0.0


@given(positive, st.floats(0.3, 3.0))
def test_block_is_the_hill_curve(u, hill):
    assert float(block(u, hill)) == pytest.approx(u**hill / (1 + u**hill), rel=1e-12)


@given(st.floats(0.01, 100.0), st.floats(0.5, 2.0))
def test_scaling_kappa_is_scaling_the_dose(level, hill):
    """Doubling κ is halving every concentration; red when κ multiplies one Ki only."""
    masses, ki, weights = [237.73, 237.73], [0.3, 1.4], [1.0, 1.0]
    one = block(occupancy_ratio([level, level], masses, ki, weights, 0.55, 2.0), hill)
    other = block(occupancy_ratio([level / 2, level / 2], masses, ki, weights, 0.55, 1.0), hill)
    assert float(one) == pytest.approx(float(other), rel=1e-12)


@pytest.mark.parametrize("hill", [0.8, 1.0, 1.08, 1.5])
def test_no_drug_blocks_nothing_and_differentiates(hill):
    """Red when 0^h or its derivative is NaN."""
    assert float(block(0.0, hill)) < 1e-20
    assert np.isfinite(jax.grad(block, argnums=(0, 1))(0.0, hill)).all()
