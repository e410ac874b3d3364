"""Fit the injury laws of the bladder to the calibration rows; ``python -m letheon.harms.bladder_fit FOLDER``.

Every parameter is the quantile function of its prior at Φ(z), so what the rows do not tell keeps z ~ N(0, 1). The
likelihood and the prior are plain differentiable functions of z; `refit` finds the mode from dispersed starts, takes
the curvature there, and weighs draws of a t distribution around it by the posterior itself.
"""

import math
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from letheon import library
from letheon.arrays import Array, jax, jnp
from letheon.harms.bladder import LAWS
from letheon.harms.bladder_use import predict
from letheon.library import BladderRow, Number
from letheon.units import to_canonical

__all__ = ["Fit", "fitted_names", "log_likelihood", "log_prior", "refit", "row_spread", "to_values", "write"]

_FITTED = (
    *("d50", "d50.sd", "hill", "k_inj", "k_rep", "k_fib", "sensory_loss", "anaesthetic_loss", "anaesthetic_ratio"),
    *("threshold", "irritation_most", "irritation_half"),
)
_ONLY_SATURATING = ("k_inj",)
_STARTS, _PROPOSALS, _DEGREES, _WIDENED = 8, 40_000, 7.0, 1.15
_BATCH = 2_000
_STEP = 1e-4
_APART = 0.05  # ends of a search closer than this are one mode
_SEED = 20260104
_NOT_IDENTIFIED = 0.8  # posterior SD as a share of the prior's


@cache
def fitted_names(law: str) -> tuple[str, ...]:
    """Return what is fitted for a law: numbers of ``[bladder]``, the SD between people, and unknown doses.

    Parameters
    ----------
    law : str
        Injury law.

    Returns
    -------
    tuple of str
        Names.

    Examples
    --------
    >>> fitted_names("unsaturated")[:3]
    ('d50', 'd50.sd', 'hill')
    """
    doses = dict.fromkeys(f"dose@{row.dose}" for row in library.bladder_rows() if row.role == "calibrate" and row.dose)
    return (*(n for n in _FITTED if law == "saturating" or n not in _ONLY_SATURATING), *doses)


def _quantile(number: Number, z: Array) -> Array:
    """Return the lognormal prior within its range at Φ(z), in canonical units."""
    sd, (low, high) = float(number.spread["sd"]), number.range
    floor, ceiling = (special.ndtr(math.log(end / number.value) / sd) for end in (low, high))
    u = floor + jax.scipy.special.ndtr(z) * (ceiling - floor)
    return to_canonical(number.value, number.unit) * jnp.exp(
        sd * jax.scipy.special.ndtri(jnp.clip(u, 1e-16, 1 - 1e-16))
    )


def to_values(law: str, z: Array) -> dict[str, Array]:
    """Return all numbers of a law from the standard normals of the fitted ones.

    Parameters
    ----------
    law : str
        Injury law.
    z : array, shape (parameter,)
        Standard normals in the order of `fitted_names`.

    Returns
    -------
    dict of str to array
        Values in canonical units, for `letheon.harms.bladder_use.predict`.

    Examples
    --------
    >>> round(float(to_values("saturating", np.zeros(len(fitted_names("saturating"))))["dose@mak2011"]), 9)
    1.0
    """
    numbers = library.harms("bladder")
    values: dict[str, Array] = {name: number.canonical for name, number in numbers.items()}
    values["capacity.sd"] = math.sqrt(numbers["capacity"].omega or 0.0)
    for name, at in zip(fitted_names(law), z, strict=True):
        if name.startswith("dose@"):
            values[name] = jnp.exp(numbers["dose_error"].value * at)
        elif name == "d50.sd":
            values[name] = math.sqrt(numbers["d50"].omega or 0.0) * jnp.exp(numbers["d50"].omega_spread * at)
        else:
            values[name] = _quantile(numbers[name], at)
    return values


def row_spread(row: BladderRow) -> float:
    """Return the SD of a row around its prediction: sampling, inflated by how it was read, and its assumed pattern.

    Parameters
    ----------
    row : BladderRow
        A row with an observation.

    Returns
    -------
    float
        SD, on the logit scale for a share of people, as it is for an excess and a log odds, else of the logarithm.
    """
    error = library.harms("bladder")["row_error"].value
    assert row.observed is not None
    if row.n is not None:
        sampling = 1.0 / math.sqrt(row.n * max(row.observed, 0.5 / row.n) * (1.0 - row.observed))
    elif row.measure in ("symptom_excess", "log_odds_per_day"):
        return float(row.se or 0.0) / math.sqrt(row.weight)
    else:
        sampling = float(row.se or 0.0) / row.observed
    return math.hypot(sampling / math.sqrt(row.weight), error)


def _row_density(row: BladderRow, predicted: Array) -> Array:
    """Return the log-likelihood of one row, without its constant."""
    observed = row.observed
    assert observed is not None
    if row.n is not None and observed == 0.0:
        return row.n * row.weight * jnp.log1p(-predicted)
    if row.n is not None:
        off = jnp.log(predicted) - jnp.log1p(-predicted) - math.log(observed / (1.0 - observed))
    elif row.measure in ("symptom_excess", "log_odds_per_day"):
        off = predicted - observed
    else:
        off = jnp.log(predicted) - math.log(observed)
    return -0.5 * (off / row_spread(row)) ** 2


def log_likelihood(law: str, values: Mapping[str, Array]) -> Array:
    """Return the log-likelihood of the calibration rows.

    Parameters
    ----------
    law : str
        Injury law.
    values : mapping of str to array
        Numbers in canonical units.

    Returns
    -------
    array
        Sum over rows, without constants; 0 would be a perfect fit.
    """
    rows = [row for row in library.bladder_rows() if row.role == "calibrate"]
    return sum(_row_density(row, predict(law, values, row)) for row in rows)


def log_prior(z: Array) -> Array:
    """Return the log-density of the standard normals, without its constant.

    Parameters
    ----------
    z : array, shape (parameter,)
        Standard normals.

    Returns
    -------
    array
        Log-density.

    Examples
    --------
    >>> float(log_prior(np.array([1.0, 1.0])))
    -1.0
    """
    return -0.5 * jnp.sum(jnp.asarray(z) ** 2)


class Fit(NamedTuple):
    """A law fitted to the calibration rows.

    Attributes
    ----------
    law : str
        The law.
    mode : array, shape (parameter,)
        Standard normals at the greatest posterior density.
    misfit : float
        Minus the log-likelihood there.
    modes : array
        Minus the log-posterior at the end of each start's search, sorted.
    draws : array, shape (draw, parameter)
        Draws of the posterior, equally likely.
    effective : float
        Effective size of the weighed proposals.
    sd : array, shape (parameter,)
        Posterior SD of each standard normal; 1 is that of the prior.
    """

    law: str
    mode: np.ndarray
    misfit: float
    modes: np.ndarray
    draws: np.ndarray
    effective: float
    sd: np.ndarray


class _Hill(NamedTuple):
    """A mode of the posterior, with the matrix that turns standard normals into steps from it."""

    height: float
    top: np.ndarray
    root: np.ndarray


def _search(law: str) -> tuple[list[_Hill], np.ndarray]:
    """Return the distinct modes, highest first, and minus the log-posterior at the end of each start."""
    size = len(fitted_names(law))
    slope = jax.jit(jax.value_and_grad(lambda z: -log_likelihood(law, to_values(law, z)) - log_prior(z)))
    starts = np.random.default_rng(_SEED).standard_normal((_STARTS, size))
    starts[0] = 0.0

    def both(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = slope(z)
        return float(value), np.asarray(gradient)

    ends = [optimize.minimize(both, start, jac=True, method="L-BFGS-B", bounds=[(-5, 5)] * size) for start in starts]
    hills: list[_Hill] = []
    for end in sorted(ends, key=lambda end: end.fun):
        if any(np.abs(end.x - hill.top).max() < _APART for hill in hills):
            continue
        # differences of the gradient: compiling second derivatives would take longer than the whole fit
        steps = _STEP * np.eye(size)
        curvature = np.array([(both(end.x + step)[1] - both(end.x - step)[1]) / (2 * _STEP) for step in steps])
        values, axes = np.linalg.eigh((curvature + curvature.T) / 2)
        hills.append(_Hill(-float(end.fun), end.x, axes * (_WIDENED / np.sqrt(np.maximum(values, 0.5)))))
    return hills, np.sort([end.fun for end in ends])


def _proposals(hills: list[_Hill]) -> tuple[np.ndarray, np.ndarray]:
    """Draw from t distributions around all modes, as many around each; return points and log-densities."""
    size, rng = len(hills[0].top), np.random.default_rng(_SEED + 1)
    part = -(-_PROPOSALS // len(hills))
    points = []
    for hill in hills:
        stretched = rng.standard_normal((part, size)) * np.sqrt(_DEGREES / rng.chisquare(_DEGREES, (part, 1)))
        points.append(hill.top + stretched @ hill.root.T)
    found = np.concatenate(points)[:_PROPOSALS]
    density = []
    for hill in hills:
        away = np.linalg.solve(hill.root, (found - hill.top).T)
        log_size = np.linalg.slogdet(hill.root)[1]
        density.append(-0.5 * (_DEGREES + size) * np.log1p((away**2).sum(axis=0) / _DEGREES) - log_size)
    return found, np.asarray(special.logsumexp(density, axis=0))


def refit(law: str, draws: int = 64) -> Fit:
    """Fit a law to the calibration rows; takes about half a minute.

    Parameters
    ----------
    law : str
        Injury law.
    draws : int
        How many draws of the posterior.

    Returns
    -------
    Fit
        Mode, draws and how well they are known; the same at every call.
    """
    density = jax.jit(jax.vmap(lambda z: log_likelihood(law, to_values(law, z)) + log_prior(z)))
    hills, ends = _search(law)
    points, log_q = _proposals(hills)
    log_p = np.concatenate([np.asarray(density(batch)) for batch in np.split(points, _PROPOSALS // _BATCH)])
    log_w = np.where(np.isfinite(log_p), log_p, -np.inf) - log_q
    weights = np.exp(log_w - log_w.max())
    weights /= weights.sum()
    rng = np.random.default_rng(_SEED + 2)
    picked = np.searchsorted(np.cumsum(weights), (np.arange(draws) + rng.random()) / draws)
    chosen = points[rng.permutation(np.minimum(picked, _PROPOSALS - 1))]
    mode = hills[0].top
    return Fit(
        law=law,
        mode=mode,
        misfit=-float(log_likelihood(law, to_values(law, mode))),
        modes=ends,
        draws=chosen,
        effective=float(1.0 / (weights**2).sum()),
        sd=np.sqrt(weights @ (points - weights @ points) ** 2),
    )


def write(fit: Fit, folder: Path) -> None:
    """Write the draws and what is known about them, as the library reads them.

    Parameters
    ----------
    fit : Fit
        A fitted law.
    folder : Path
        Folder for ``bladder_LAW.csv`` and ``bladder_LAW.toml``.
    """
    numbers, names = library.harms("bladder"), fitted_names(fit.law)
    units = ["1" if "@" in n or n.endswith(".sd") else numbers[n].unit for n in names]
    rows = [",".join(name if "@" in name else f"bladder.{name}" for name in names)]
    for z in (fit.mode, *fit.draws):
        values = to_values(fit.law, z)
        rows.append(
            ",".join(f"{float(values[n]) / to_canonical(1.0, u):.6g}" for n, u in zip(names, units, strict=True))
        )
    unknown = [f'"{n}"' for n, sd in zip(names, fit.sd, strict=True) if sd > _NOT_IDENTIFIED]
    about = (
        f"# Fit of the {fit.law} law to bladder_rows.toml; made by: python -m letheon.harms.bladder_fit\n"
        f"seed = {_SEED}\n"
        f"draws = {len(fit.draws)}\n"
        f"effective = {fit.effective:.0f}\n"
        f"misfit = {fit.misfit:.3f}\n"
        f"ends_of_search = [{', '.join(f'{value:.2f}' for value in fit.modes)}]\n"
        f"mode = [{rows[1]}]\n"
        f"not_identified = [{', '.join(unknown)}]\n"
    )
    folder.joinpath(f"bladder_{fit.law}.csv").write_text("\n".join([rows[0], *rows[2:]]) + "\n", encoding="utf-8")
    folder.joinpath(f"bladder_{fit.law}.toml").write_text(about, encoding="utf-8")


if __name__ == "__main__":
    for law in LAWS:
        write(refit(law), Path(sys.argv[1]))
