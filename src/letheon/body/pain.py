"""From the body's states to pain: latent pain, placebo, flares, the diary and what is read from it.

Day d is the 24 h that end at t = 24 d h; its diary entry is one whole number from 0 to 10. Baseline is the mean
of the seven entries before t = 0.
"""

from typing import NamedTuple

from jaxtyping import Int, Real

from letheon.arrays import Array, jax, jnp
from letheon.definitions import (
    AVERAGED_DAYS,
    BASELINE_DAYS,
    RELAPSE,
    RELAPSE_DAYS,
    RELAPSE_OF_DAYS,
    RELIEF,
    REMISSION_DAYS,
    SLACK,
)

__all__ = [
    "Course",
    "diary",
    "diary_noise",
    "entry",
    "flare_days",
    "is_high",
    "is_low",
    "placebo_shape",
    "read_diary",
]


def placebo_shape(t: Array, tau_on: Array, tau_off: Array) -> Array:
    """Return the share of the full placebo response at `t`, (1 - e^(-t/τ_on)) e^(-t/τ_off); all times in hours.

    >>> float(placebo_shape(0.0, 24.0, 600.0))
    0.0
    """
    return -jnp.expm1(-t / tau_on) * jnp.exp(-t / tau_off)


def flare_days(u: Real[Array, "day ..."], rate: Array, duration: Array) -> Real[Array, "day ..."]:
    """Return 1 on the days on which a patient is in a flare, else 0, from uniform draws `u`.

    Onsets are Poisson at `rate` [1/h], at the start of a diary day. A flare lasts `duration` [h], rounded to whole
    days, at least one; an overlapping flare extends to its own end.

    >>> import numpy as np
    >>> flare_days(np.array([0.5, 1e-9, 0.5, 0.5]), 1e-4, 48.0).tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    onset = u < -jnp.expm1(-24.0 * rate)
    length = jnp.maximum(jnp.round(duration / 24.0), 1.0)
    day = jnp.arange(u.shape[0], dtype=float).reshape((-1,) + (1,) * (u.ndim - 1))
    last = jax.lax.cummax(jnp.where(onset, day, -jnp.inf), axis=0)
    return (day - last < length).astype(float)


def diary_noise(innovations: Real[Array, "day ..."], noise_sd: Array, rho: Array) -> Real[Array, "day ..."]:
    """Return what a diary adds to the daily mean [NRS]: AR(1) noise from standard normal `innovations`.

    `noise_sd` is its stationary standard deviation [NRS], `rho` the correlation from day to day.

    >>> import numpy as np
    >>> diary_noise(np.array([1.0, 0.0]), 2.0, 0.5).tolist()
    [2.0, 1.0]
    """

    def step(noise: Array, z: Array) -> tuple:
        noise = rho * noise + jnp.sqrt(1.0 - rho**2) * noise_sd * z
        return noise, noise

    first = noise_sd * innovations[0]
    _, later = jax.lax.scan(step, first, innovations[1:])
    return jnp.concatenate([first[None], later])


def entry(daily_mean: Array, noise: Array) -> Array:
    """Return what a patient writes down: mean pain of a day plus noise [NRS], to the nearest whole number from 0 to 10.

    >>> float(entry(6.6, -0.2))
    6.0
    """
    return jnp.clip(jnp.floor(daily_mean + noise + 0.5), 0.0, 10.0)


def diary(
    daily_mean: Real[Array, "day ..."], innovations: Real[Array, "day ..."], noise_sd: Array, rho: Array
) -> Real[Array, "day ..."]:
    """Write the diary: latent daily mean [NRS] plus `diary_noise`, rounded and clipped to 0-10.

    >>> import numpy as np
    >>> diary(np.array([6.6, 12.0]), np.zeros(2), 1.0, 0.5).tolist()
    [7.0, 10.0]
    """
    return entry(daily_mean, diary_noise(innovations, noise_sd, rho))


def is_low(recent: Real[Array, "entry ..."], baseline: Array) -> Array:
    """Return whether the last three entries average at most 70 % of baseline: a responder at 30 %.

    >>> import numpy as np
    >>> bool(is_low(np.array([9.0, 4.0, 5.0, 6.0]), 7.2))
    True
    """
    return recent[-AVERAGED_DAYS:].mean(axis=0) <= RELIEF * baseline + SLACK


def is_high(recent: Real[Array, "7 ..."], baseline: Array) -> Array:
    """Return whether five of the last seven entries reach 85 % of baseline: a relapse, after a remission.

    >>> import numpy as np
    >>> bool(is_high(np.array([2.0, 2.0, 7.0, 7.0, 7.0, 7.0, 7.0]), 7.0))
    True
    """
    return (recent >= RELAPSE * baseline - SLACK).sum(axis=0) >= RELAPSE_DAYS


class Course(NamedTuple):
    """What a diary shows; one value per patient on the last axis, endpoint days on the first."""

    baseline: Array  # mean of the seven entries before t = 0 [NRS]
    nrs: Array  # entries at the endpoint days, shape (endpoint day, …)
    responder: Array  # 1 where the mean of the last three entries is low enough, shape (threshold, endpoint day, …)
    weekly: Array  # mean of the seven entries of each whole week, shape (week, …)
    pain_area: Array  # sum of the entries [NRS days]
    pain_area_change: Array  # sum of the entries, each minus baseline [NRS days]
    relief_days: Array  # days of relief (at most 70 % of baseline)
    pain_free_days: Array  # days free of pain (at most 1)
    remission: Array  # 1 for those who respond at some time from the end of the course to 14 days after
    relapse_day: Array  # day of relapse since t = 0; infinite without one (or without remission)


def read_diary(
    entries: Real[Array, "entries ..."],
    days: Array,
    course_end_day: Array,
    endpoint_days: Int[Array, " endpoint_day"],
    thresholds: Real[Array, "threshold 2"],
) -> Course:
    """Read the endpoints from a diary that starts seven days before baseline, and may be padded beyond its end.

    `days` of follow-up count, and the first course ends on `course_end_day`, both since t = 0. The `endpoint_days`
    beyond `days` are read at the last. A responder has at most a share of baseline pain, less so many points: the two
    columns of `thresholds`. All may be traced.
    """
    tail = (1,) * (entries.ndim - 1)
    baseline = entries[:BASELINE_DAYS].mean(axis=0)
    after = entries[BASELINE_DAYS:]
    number = jnp.arange(1, after.shape[0] + 1).reshape((-1, *tail))
    counted = number <= days
    padded = entries[BASELINE_DAYS - AVERAGED_DAYS + 1 :]
    recent = jnp.stack([padded[i : i + after.shape[0]] for i in range(AVERAGED_DAYS)]).mean(axis=0)
    scores = jnp.where(counted, after, 0.0)
    weeks = after.shape[0] // 7
    at = jnp.minimum(jnp.asarray(endpoint_days), days) - 1

    relief = RELIEF * baseline + SLACK
    share, points = (jnp.asarray(column).reshape((-1, *tail)) for column in thresholds.T)
    limits = share * baseline - points + SLACK
    low = (recent <= relief) & counted
    window = (number >= course_end_day) & (number <= course_end_day + REMISSION_DAYS)
    first_low = jnp.where(low & window, number, jnp.inf).min(axis=0)
    high = entries >= RELAPSE * baseline - SLACK
    start = BASELINE_DAYS - RELAPSE_OF_DAYS + 1
    highs = sum(high[start + i : start + i + after.shape[0]].astype(int) for i in range(RELAPSE_OF_DAYS))
    relapsed = (highs >= RELAPSE_DAYS) & counted & (number > first_low)
    return Course(
        baseline=baseline,
        nrs=after[at],
        responder=(recent[at] <= limits[:, None]).astype(float),
        weekly=scores[: weeks * 7].reshape((weeks, 7, *after.shape[1:])).mean(axis=1),
        pain_area=scores.sum(axis=0),
        pain_area_change=jnp.where(counted, after - baseline, 0.0).sum(axis=0),
        relief_days=((after <= relief) & counted).sum(axis=0).astype(float),
        pain_free_days=((after <= 1.0) & counted).sum(axis=0).astype(float),
        remission=jnp.isfinite(first_low).astype(float),
        relapse_day=jnp.where(relapsed, number.astype(float), jnp.inf).min(axis=0),
    )
