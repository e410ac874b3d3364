"""Calibrate a pain model on published trials: posterior, diagnostics, and what the data do not tell."""

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from letheon._version import __version__
from letheon.arrays import Array, jax, jnp
from letheon.patients.uncertainty import named_numbers
from letheon.study.calibrate import document as records
from letheon.study.calibrate.contrasts import contrasts, with_coverage
from letheon.study.calibrate.document import FULL_SETTINGS, CalibrationReport, SamplerReport, Settings
from letheon.study.calibrate.observations import Band, Count, Gaussian, Observation, log_likelihood, resample
from letheon.study.calibrate.parameters import parameters, to_values
from letheon.study.calibrate.sampler import Chains, Mode, find_modes, sample, take_up, together
from letheon.study.calibrate.trials import Trials, observations, predict, prepare_trials, seen_in
from letheon.study.records import Progress, quantiles
from letheon.study.trial.forward import FULL
from letheon.units import to_canonical

SHIPPED_DRAWS = 256
_WEIGHED = 400  # draws weighed on the full mesh
_MANY_PEOPLE = 192  # and with this many people
_STEEPEST = 50.0  # sensitivity of the log likelihood to the sensitisation of all people together
_UNIDENTIFIED = 0.8  # posterior SD over prior SD above which a parameter counts as not identified


class Calibration(NamedTuple):
    """A fitted pain model."""

    pain: str
    settings: Settings  # how it was fitted
    modes: tuple[Mode, ...]  # modes found, the heaviest first
    chains: Chains  # what the sampler left
    # (draw, parameter): standard normals of the draws that ship, chosen by their weights on the full mesh
    draws: np.ndarray
    report: CalibrationReport


def density(z: Array, trials: Trials, data: Sequence[Observation]) -> Array:
    """Return the log posterior density of standard normals, up to a constant."""
    return evidence(z, trials, data) - 0.5 * z @ z


def evidence(z: Array, trials: Trials, data: Sequence[Observation]) -> Array:
    """Return the log likelihood, with a force that a sampler can follow.

    A patient near the unstable root falls to one side or the other as a parameter moves a little, and so does one whom
    a flare hits a little sooner: with few people the likelihood has small steps, and its exact gradient spikes there.
    The bound takes the spikes away; the density itself, which decides what is accepted, is untouched.
    """
    people = trials.cohorts[0].onsets.shape[-1]
    return log_likelihood(data, predict(to_values(trials.fit, z), trials, _STEEPEST / people)).sum()


def calibrate(
    pain: str, folder: Path, settings: Settings = FULL_SETTINGS, progress: Progress | None = None
) -> Calibration:
    """Calibrate a pain model; a second call with the same folder goes on where the first stopped, to the same bits.

    InputError if the folder holds another calibration, Interrupted if it was stopped; the state is kept.
    """
    data = observations(pain)
    take_up(folder, settings, identity(pain, data))
    if progress:
        progress("preparing trials", 0, 1)
    trials = prepare_trials(pain, settings.patients, studies=seen_in(data))
    modes, chains = explore(folder, settings, data, trials, progress)
    draws, weights = _reweigh(chains, trials, data, settings, progress)
    worst, table = diagnose(chains, pain)
    checks, compared = _checks(data, draws, prepare_trials(pain, settings.patients), settings.seed)
    report = CalibrationReport(
        letheon=__version__,
        pain=pain,
        settings=settings,
        modes=tuple(_mode(mode, pain) for mode in modes),
        sampler=worst,
        parameters=table,
        full_mesh=weights,
        checks=checks,
        contrasts=compared,
    )
    return Calibration(pain, settings, modes, chains, draws, report)


def explore(
    folder: Path, settings: Settings, data: Sequence[Observation], trials: Trials, progress: Progress | None = None
) -> tuple[tuple[Mode, ...], Chains]:
    """Find the modes of the posterior and run the chains, in a folder that `take_up` has opened."""
    size = len(parameters(trials.fit))
    modes = find_modes(density, size, settings, folder, progress, (trials, data))
    return modes, sample(evidence, (trials, data), modes, settings, folder, progress)


def identity(pain: str, data: Sequence[Observation]) -> dict[str, str]:
    """Return what decides the bits of a calibration beside its settings."""
    return {"pain": pain, "data": repr([_identifying(one) for one in data])}


def _identifying(one: Observation) -> tuple[str | float, ...]:
    if isinstance(one, Gaussian):
        return (*one.names, *one.values)
    if isinstance(one, Count):
        return one.name, one.value, one.n, one.weight
    return one.name, one.low, one.high, one.sd


def _mode(mode: Mode, fit: str) -> records.ModeReport:
    return records.ModeReport(
        log_posterior=round(mode.log_posterior, 3),
        log_mass=round(mode.log_mass, 3),
        starts=mode.starts,
        at={name: float(f"{column[0]:.4g}") for name, column in to_library_units(fit, mode.z[None]).items()},
    )


def to_library_units(fit: str, z: np.ndarray) -> dict[str, np.ndarray]:
    """Return draws of parameters in the units of the library, and of theta where it follows from them."""
    values = jax.jit(jax.vmap(partial(to_values, fit)))(jnp.asarray(z))
    derived = {"memory.theta": np.asarray(values["memory.theta"])} if "memory.fold_distance" in values else {}
    return derived | {p.name: np.asarray(values[p.name]) / to_canonical(1.0, p.unit) for p in parameters(fit)}


def arviz() -> Any:
    """Return the library of diagnostics, loaded when it is needed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import arviz as library  # heavy, and it announces its own future
    return library


class Convergence(NamedTuple):
    """How well chains agree."""

    worst: SamplerReport  # over all parameters
    rhat: np.ndarray  # (parameter,), like bulk and tail effective size
    ess_bulk: np.ndarray
    ess_tail: np.ndarray


def convergence(chains: Chains) -> Convergence:
    """Return how well chains agree."""
    tools = arviz()
    data = tools.convert_to_dataset({"z": chains.z})
    rhat, bulk, tail = (
        dataset["z"].to_numpy()
        for dataset in (tools.rhat(data), tools.ess(data, method="bulk"), tools.ess(data, method="tail"))
    )
    bfmi = np.square(np.diff(chains.energy, axis=1)).mean(axis=1) / chains.energy.var(axis=1)
    worst = SamplerReport(
        chains=int(chains.z.shape[0]),
        iterations=int(chains.z.shape[1]),
        rhat_worst=float(rhat.max()),
        ess_bulk_worst=float(bulk.min()),
        ess_tail_worst=float(tail.min()),
        divergences=int(chains.diverging.sum()),
        bfmi_worst=float(bfmi.min()),
        accept_mean=float(chains.accept.mean()),
        steps_mean=float(chains.steps.mean()),
    )
    return Convergence(worst, rhat, bulk, tail)


def convergence_lines(worst: SamplerReport) -> list[str]:
    """Return what the files that ship say of the chains, as lines of TOML."""
    return [
        f"rhat_worst = {worst.rhat_worst:.4f}",
        f"ess_bulk_worst = {worst.ess_bulk_worst:.0f}",
        f"ess_tail_worst = {worst.ess_tail_worst:.0f}",
        f"divergences = {worst.divergences}",
    ]


def prior_sensitivity(z: np.ndarray) -> np.ndarray:
    """Return how far the posterior mean of each standard normal moves if its own prior counts twice [posterior SD].

    By power scaling: the draws (draw, parameter) are reweighted to the prior raised to 0.8 and to 1.25, and the
    difference is taken per doubling.
    """
    means = []
    for power in (0.8, 1.25):
        log = (1.0 - power) * 0.5 * z**2
        weights = np.exp(log - log.max(axis=0))
        means.append((weights * z).sum(axis=0) / weights.sum(axis=0))
    return (means[1] - means[0]) / z.std(axis=0) / math.log2(1.25 / 0.8)


def diagnose(chains: Chains, fit: str) -> tuple[SamplerReport, dict[str, records.ParameterReport]]:
    """Return convergence diagnostics, and how far the data moved each parameter."""
    agreement = convergence(chains)
    flat = chains.z.reshape(-1, chains.z.shape[-1])
    values = to_library_units(fit, flat)
    spread, sensitivity = flat.std(axis=0), prior_sensitivity(flat)
    table = {}
    for i, p in enumerate(parameters(fit)):
        low, middle, high = quantiles(values[p.name])
        table[p.name] = records.ParameterReport(
            unit=p.unit,
            median=middle,
            interval_90=(low, high),
            sd_over_prior=float(spread[i]),
            contraction=float(1.0 - spread[i] ** 2),
            shift=float(flat[:, i].mean()),
            prior_sensitivity=float(sensitivity[i]),
            identified=bool(spread[i] <= _UNIDENTIFIED),
            rhat=float(agreement.rhat[i]),
            ess_bulk=float(agreement.ess_bulk[i]),
            ess_tail=float(agreement.ess_tail[i]),
        )
    return agreement.worst, table


def log_likelihoods(
    z: np.ndarray, trials: Trials, data: Sequence[Observation], progress: Progress | None, what: str = "weighing draws"
) -> np.ndarray:
    """Return the log likelihood of each draw (draw, parameter), two at a time where there are two cores."""

    @jax.jit
    def one(z: Array, trials: Trials, data: Sequence[Observation]) -> Array:
        return log_likelihood(data, predict(to_values(trials.fit, z), trials)).sum()

    one(z[0], trials, data)  # compiled once, before the threads meet
    done = []

    def weigh(row: np.ndarray) -> float:
        value = float(one(row, trials, data))
        done.append(value)
        if progress:
            progress(what, len(done), len(z))
        return value

    return np.array(together([partial(weigh, row) for row in z]))


def _reweigh(
    chains: Chains, trials: Trials, data: Sequence[Observation], settings: Settings, progress: Progress | None
) -> tuple[np.ndarray, records.FullMesh]:
    """Weigh draws by the likelihood on the full mesh and with more people; choose those that ship in proportion."""
    flat = chains.z.reshape(-1, chains.z.shape[-1])
    count = min(_WEIGHED, len(flat))
    some = flat[np.linspace(0, len(flat) - 1, count).round().astype(int)]
    fine = prepare_trials(trials.fit, _MANY_PEOPLE, FULL, seen_in(data))
    coarse = log_likelihoods(some, trials, data, progress)
    ratio = log_likelihoods(some, fine, data, progress) - coarse
    smoothed, k = arviz().psislw(ratio)
    weights = np.exp(np.asarray(smoothed))
    weights /= weights.sum()
    rng = np.random.default_rng(settings.seed + 2)
    ticks = (rng.uniform() + np.arange(min(SHIPPED_DRAWS, count))) / min(SHIPPED_DRAWS, count)
    chosen = np.searchsorted(np.cumsum(weights), ticks * (1.0 - 1e-12))
    report = records.FullMesh(
        draws=count,
        people=_MANY_PEOPLE,
        pareto_k=float(k),
        effective=float(1.0 / np.square(weights).sum()),
        sd_of_log_ratio=float(ratio.std()),
    )
    return some[rng.permutation(chosen)], report


def predictions_of(z: np.ndarray, trials: Trials) -> dict[str, np.ndarray]:
    """Return what the trials would show under each draw."""
    one = jax.jit(lambda z, trials: predict(to_values(trials.fit, z), trials))
    rows = [one(row, trials) for row in jnp.asarray(z)]
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def _reported(data: Sequence[Observation]) -> dict[str, records.Reported]:
    reported: dict[str, records.Reported] = {}
    for one in data:
        if isinstance(one, Gaussian):
            sd = np.sqrt(np.diag(one.covariance))
            rows = zip(one.names, one.values, sd, strict=True)
            reported |= {name: records.ReportedValue(value=value, se=float(se)) for name, value, se in rows}
        elif isinstance(one, Count):
            reported[one.name] = records.ReportedCount(value=one.value / one.n, count=one.value, n=one.n)
        else:
            low, high = (edge if math.isfinite(edge) else None for edge in (one.low, one.high))
            reported[one.name] = records.ReportedLimits(low=low, high=high)
    return reported


def _checks(
    data: Sequence[Observation], draws: np.ndarray, trials: Trials, seed: int
) -> tuple[dict[str, records.Check], dict[str, records.Contrast]]:
    """Return prior and posterior predictions beside what was reported; intervals include the error of a trial."""
    prior = np.random.default_rng(seed + 3).normal(size=(len(draws), draws.shape[1]))
    before, after = (predictions_of(z, trials) for z in (prior, draws))
    first, last = _predicted(data, before, seed), with_coverage(_predicted(data, after, seed), data, after, seed)
    reported = _reported(data)
    checks = {
        name: records.Check(reported=reported.get(name), prior=first[name], posterior=predicted)
        for name, predicted in last.items()
    }
    return checks, contrasts(observations("memory"), after, seed)  # what was not fitted to this model, too


def _predicted(
    data: Sequence[Observation], values: Mapping[str, np.ndarray], seed: int
) -> dict[str, records.Predicted]:
    """Summarise predictions; what a trial reports as a value or a count is drawn again with its error."""
    rows: dict[str, list[float]] = {}
    numbers = tuple(one for one in data if not isinstance(one, Band))
    for i in range(len(next(iter(values.values())))):
        for one in resample(numbers, {name: column[i] for name, column in values.items()}, seed + i):
            if isinstance(one, Gaussian):
                for name, value in zip(one.names, one.values, strict=True):
                    rows.setdefault(name, []).append(value)
            elif isinstance(one, Count):
                rows.setdefault(one.name, []).append(one.value / one.n)
    return {
        name: records.Predicted(
            median=float(np.median(column)),
            interval_90=_interval_90(column),
            of_a_trial_90=_interval_90(rows[name]) if name in rows else None,
        )
        for name, column in values.items()
    }


def _interval_90(values: np.ndarray | list[float]) -> tuple[float, float]:
    low, _, high = quantiles(values)
    return low, high


def posterior_files(result: Calibration, date: str) -> dict[str, str]:
    """Return the files that ship: draws as a table, and what is known about them."""
    values = to_library_units(result.pain, result.draws)
    columns = {n: x for n, x in values.items() if "@" not in n and not n.startswith("population.")}
    rng = np.random.default_rng(result.settings.seed + 4)
    columns["between.effect"] = columns["between.sd"] * rng.normal(size=len(result.draws))
    known = {*named_numbers(), *(f"{name}.sd" for name in named_numbers())}
    columns = {name: column for name, column in columns.items() if name in known}
    rows = [columns, *([f"{x:.6g}" for x in row] for row in zip(*columns.values(), strict=True))]
    identified = {n: one.identified for n, one in result.report.parameters.items()}
    identified["memory.theta"] = identified.get("memory.fold_distance", True)
    unknown = [name for name in columns if not identified.get(name, True)]
    about = [
        f"# Posterior draws of the pain model {result.pain}, made by `letheon calibrate`; units are the library's.",
        f'letheon = "{__version__}"',
        f'date = "{date}"',
        *(f"{name} = {value}" for name, value in asdict(result.settings).items()),
        *convergence_lines(result.report.sampler),
        f"pareto_k = {result.report.full_mesh.pareto_k:.3f}",
        f"not_identified = {json.dumps(unknown)}",
    ]
    texts = {"csv": map(",".join, rows), "toml": about}
    return {f"{result.pain}.{ending}": "".join(f"{line}\n" for line in lines) for ending, lines in texts.items()}
