"""What studies report, as likelihoods that can also be drawn from: means, counts, statements.

A value of weight w (library) counts as one with the error ``SE / sqrt(w)``, or a count as one of ``n w`` patients that
scatter beta-binomially. A statement ("minimal", "3 to 5") is a value known to lie in a band, seen with a normal error.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy import special

from letheon.arrays import Array, jax, jnp

Predictions = Mapping[str, Array]  # by name; floats where nothing is traced


@partial(jax.tree_util.register_dataclass, data_fields=["values", "covariance"], meta_fields=["study", "names"])
@dataclass(frozen=True, slots=True)
class Gaussian:
    """Values with a joint normal error."""

    study: str
    names: tuple[str, ...]  # predictions that they estimate
    values: tuple[float, ...]
    covariance: np.ndarray  # (value, value): of the errors


@partial(jax.tree_util.register_dataclass, data_fields=["value"], meta_fields=["study", "name", "n", "weight"])
@dataclass(frozen=True, slots=True)
class Count:
    """How many of `n` patients."""

    study: str
    name: str  # the prediction that it estimates, a probability
    value: int  # patients with the event
    n: int
    weight: float = 1.0  # in (0, 1]


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["low", "high", "correlated"],
    meta_fields=["study", "name", "sd", "edges", "gain"],
)
@dataclass(frozen=True, slots=True)
class Band:
    """A statement: the value seen lies between two limits."""

    study: str
    name: str
    low: float  # limits of the value seen; may be infinite
    high: float
    sd: float  # error of the value seen
    edges: tuple[float, ...] = ()  # all limits between which another result of the same study would have been sorted
    correlated: Gaussian | None = None  # values of the same patients that the error goes along with
    gain: tuple[float, ...] = ()  # (value,): how far the error moves for an error of each of these


Observation = Gaussian | Count | Band


def _concentration(count: Count) -> float:
    """Return a + b of the beta-binomial whose variance is that of n·w patients; infinite for the binomial."""
    if count.weight >= 1.0 or count.n < 2:
        return math.inf
    return (count.n - 1) / (1.0 / count.weight - 1.0) - 1.0


def _log_between(low: Array, high: Array) -> Array:
    """Return log(Φ(high) - Φ(low)), exact in both tails."""
    mirrored = low > 0
    both = jnp.stack([jnp.where(mirrored, -high, low), jnp.where(mirrored, -low, high)])
    a, b = jax.scipy.special.log_ndtr(both)
    return b + jnp.log1p(-jnp.exp(jnp.minimum(a - b, -1e-12)))


def _counts(counts: list[Count], p: Array) -> Array:
    n, total = (np.array(x, float) for x in zip(*((c.n, _concentration(c)) for c in counts), strict=True))
    k = jnp.stack([jnp.asarray(c.value, float) for c in counts])
    ways = jax.scipy.special.gammaln(jnp.concatenate([k + 1, n - k + 1]))
    choose = special.gammaln(n + 1) - ways.reshape(2, -1).sum(axis=0)
    p = jnp.clip(p, 1e-6, 1.0 - 1e-6)
    plain = k * jnp.log(p) + (n - k) * jnp.log1p(-p)
    if np.isinf(total).all():
        return choose + plain
    size = np.where(np.isinf(total), 1.0, total)
    a, b = size * p, size * (1.0 - p)
    up = jax.scipy.special.gammaln(jnp.concatenate([k + a, n - k + b]))  # one call: its derivative is a long program
    down = jax.scipy.special.gammaln(jnp.concatenate([a, b]))
    fixed = special.gammaln(size) - special.gammaln(n + size)
    scattered = (up - down).reshape(2, -1).sum(axis=0) + fixed
    return choose + jnp.where(np.isinf(total), plain, scattered)


def _residual(observed: Gaussian, predicted: Predictions) -> Array:
    return jnp.stack([v - predicted[name] for v, name in zip(observed.values, observed.names, strict=True)])


def _bands(bands: list[Band], predicted: Predictions) -> Array:
    centres = [predicted[band.name] for band in bands]
    for i, band in enumerate(bands):
        if band.correlated is not None:
            centres[i] = centres[i] + jnp.asarray(band.gain) @ _residual(band.correlated, predicted)
    low, high = (jnp.stack([jnp.asarray(getattr(b, end), float) for b in bands]) for end in ("low", "high"))
    sd = np.array([b.sd for b in bands])
    big = 40.0  # standard deviations: as good as infinite, and differentiable
    centre = jnp.stack(centres)
    return _log_between(*(jnp.clip((edge - centre) / sd, -big, big) for edge in (low, high)))


def _gaussian(observed: Gaussian, predicted: Predictions) -> Array:
    root = jnp.linalg.cholesky(jnp.asarray(observed.covariance))
    scaled = jax.scipy.linalg.solve_triangular(root, _residual(observed, predicted), lower=True)
    constant = jnp.log(jnp.diag(root)).sum() + 0.5 * len(observed.names) * math.log(2.0 * math.pi)
    return -0.5 * scaled @ scaled - constant


def log_likelihood(observations: Sequence[Observation], predicted: Predictions) -> Array:
    """Return the log density or log probability (observation,) of each observation; may be differentiated."""
    counts = [one for one in observations if isinstance(one, Count)]
    bands = [one for one in observations if isinstance(one, Band)]
    terms: dict[int, Array] = {id(one): _gaussian(one, predicted) for one in observations if isinstance(one, Gaussian)}
    if counts:
        chances = _counts(counts, jnp.stack([jnp.asarray(predicted[one.name], float) for one in counts]))
        terms |= {id(one): chances[i] for i, one in enumerate(counts)}
    if bands:
        shares = _bands(bands, predicted)
        terms |= {id(one): shares[i] for i, one in enumerate(bands)}
    return jnp.stack([terms[id(one)] for one in observations])


def resample(
    observations: tuple[Observation, ...], predicted: Mapping[str, float], seed: int
) -> tuple[Observation, ...]:
    """Draw what the same studies would have reported if the predictions were true; sizes, errors and limits stay."""
    rng = np.random.default_rng(seed)
    drawn: dict[int, Gaussian] = {}
    result = []
    for one in observations:
        if isinstance(one, Gaussian):
            truth = np.array([float(predicted[name]) for name in one.names])
            new = replace(one, values=tuple(rng.multivariate_normal(truth, one.covariance).tolist()))
            drawn[id(one)] = new
        elif isinstance(one, Count):
            p = float(predicted[one.name])
            total = _concentration(one)
            p = p if math.isinf(total) else rng.beta(max(total * p, 1e-9), max(total * (1 - p), 1e-9))
            new = replace(one, value=int(rng.binomial(one.n, p)))
        else:
            new = _resort(one, predicted, drawn, rng)
        result.append(new)
    return tuple(result)


def _resort(
    band: Band, predicted: Mapping[str, float], drawn: Mapping[int, Gaussian], rng: np.random.Generator
) -> Band:
    """Draw the value that a statement stands for and sort it between the edges."""
    centre, correlated = float(predicted[band.name]), band.correlated
    if correlated is not None:
        correlated = drawn[id(correlated)]
        errors = np.array(correlated.values) - [float(predicted[name]) for name in correlated.names]
        centre += float(np.dot(band.gain, errors))
    seen = rng.normal(centre, band.sd)
    edges = (-math.inf, *sorted({*band.edges, band.low, band.high} - {-math.inf, math.inf}), math.inf)
    at = int(np.searchsorted(edges, seen)) - 1
    return replace(band, low=edges[at], high=edges[at + 1], correlated=correlated)
