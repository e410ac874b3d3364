"""From typical values to a patient's own parameters: allometry, covariates, correlated etas."""

from collections.abc import Mapping

import numpy as np

from letheon.arrays import Array, jax, jnp
from letheon.library import PkModel, pk_model
from letheon.patients.population import People
from letheon.units import REFERENCE_WEIGHT_KG

__all__ = ["individual_pk", "logit_normal_mean", "omega_matrix", "truncated_lognormal"]

_BORROWED_FROM = "simons2022"
_NODES, _NEWTON_STEPS = 24, 5


def omega_matrix(model: PkModel) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the eta roles of a model, and the variance-covariance matrix (omega block) in their order.

    >>> roles, omega = omega_matrix(pk_model("otto2021"))
    >>> bool(np.all(np.linalg.eigvalsh(omega) > 0))
    True
    """
    variances = {n.role: n.omega for n in model.parameters.values() if n.role and n.omega}
    roles = tuple(variances)
    omega = np.diag(list(variances.values()))
    for one, other, covariance in model.covariance:
        i, j = roles.index(one), roles.index(other)
        omega[i, j] = omega[j, i] = covariance
    return roles, omega


def _etas(model: PkModel, people: People) -> Mapping[str, Array]:
    roles, omega = omega_matrix(model)
    if not roles:
        return {}
    root = np.linalg.cholesky(omega)
    z = [people.eta[role] for role in roles]
    return {role: sum(root[i, j] * z[j] for j in range(i + 1) if root[i, j]) for i, role in enumerate(roles)}


def _covariates(model: PkModel, values: dict, people: People) -> dict:
    """Apply the covariate effects that perezruixo2021 states: age on hepatic flow, ancestry on clearance."""
    p = model.parameters
    if "qh_age_slope" not in p:
        return values
    years = jnp.maximum(people.age_years - values.pop("qh_age_from"), 0.0)
    qh = values["qh"] + values.pop("qh_age_slope") * years
    kel = values["kel"] * jnp.where(people.asian > 0, values.pop("kel_asian"), 1.0)
    cln = values["cln"] * jnp.where(people.asian > 0, values.pop("cln_asian"), 1.0)
    return values | {"qh": jnp.maximum(qh, 1.0), "kel": kel, "cln": cln}


def individual_pk(
    model: PkModel,
    typical: Mapping[str, Array],
    people: People,
    *,
    borrow: bool = False,
    occasion_etas: Mapping[str, Array] | None = None,
) -> dict[str, Array]:
    """Return a patient's pharmacokinetic parameters; those that change with the occasion have the axis (epoch,).

    `typical` holds values by parameter name, in canonical units, under the patient's draw. `borrow` takes the omegas of
    simons2022 where the model publishes none. `occasion_etas` are standard normal deviations by parameter and epoch,
    scaled here by the model's inter-occasion variances.
    """
    values = _covariates(model, dict(typical), people)
    source = pk_model(_BORROWED_FROM) if borrow and not omega_matrix(model)[0] else model
    etas = _etas(source, people)
    for name, number in model.parameters.items():
        if name not in values:
            continue
        role = number.role or (name if source is not model else None)
        if role is not None and role in etas:
            values[name] = values[name] * jnp.exp(etas[role])
        exponent = model.scaling.get(name, 0.0)
        if exponent == "per_kg":
            values[name] = values[name] * people.weight_kg
        elif exponent:
            values[name] = values[name] * (people.weight_kg / REFERENCE_WEIGHT_KG) ** exponent
        if occasion_etas and name in model.iov:
            values[name] = values[name] * jnp.exp(np.sqrt(model.iov[name]) * occasion_etas[name])
    return values


def truncated_lognormal(u: Array, median: Array, log_sd: Array, ceiling: Array) -> Array:
    """Invert a lognormal truncated above at a personal quantile `u`: the patients who have a chronic state.

    `median` and `log_sd` are those before truncation; values lie below the ceiling.

    >>> float(truncated_lognormal(0.999999, 0.45, 0.24, 0.56)) < 0.56
    True
    """
    share = jax.scipy.special.ndtr((jnp.log(ceiling) - jnp.log(median)) / log_sd)
    value = median * jnp.exp(log_sd * jax.scipy.special.ndtri(u * share))
    return jnp.minimum(value, ceiling * (1.0 - 1e-9))


def logit_normal_mean(mean: Array, sd: Array, z: Array) -> Array:
    """Return a logit-normal value in (0, 1) whose population mean is `mean`.

    `sd` is that of the logit, `z` the standard normal deviation. The centre has no closed form; Newton's method finds
    it, the mean taken by Gauss-Hermite quadrature.

    >>> round(float(logit_normal_mean(0.5, 1.0, 0.0)), 3)
    0.5
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    weights = weights / weights.sum()
    mean = jnp.clip(mean, 1e-6, 1.0 - 1e-6)

    logit = jax.scipy.special.logit
    wanted = logit(mean)

    # nearly straight on the logit scale, so Newton's method cannot overshoot
    def residual(centre: Array, sd: Array) -> tuple:
        share = jax.nn.sigmoid(centre + sd * nodes)
        result = weights @ share
        return logit(result) - wanted, (weights @ (share * (1.0 - share))) / (result * (1.0 - result))

    centre = wanted * jnp.sqrt(1.0 + jnp.pi * sd**2 / 8.0)  # near enough to start from
    for _ in range(_NEWTON_STEPS):
        error, slope = residual(centre, sd)
        centre = centre - error / slope
    # One more step, differentiated in the parameters alone: the implicit function theorem.
    centre = jax.lax.stop_gradient(centre)
    slope = jax.lax.stop_gradient(residual(centre, sd)[1])
    centre = centre - residual(centre, sd)[0] / slope
    return jax.nn.sigmoid(centre + sd * z)
