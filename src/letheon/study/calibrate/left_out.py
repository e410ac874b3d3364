"""What each pain model says of a calibration trial that its fit has not seen.

The draws of the full fit are weighed by one over the trial's likelihood. Where Pareto smoothing says that they cannot
stand for a fit without the trial, short chains are run anew, from the full fit's mode with its mass matrix. The slow
site has Dahan's estimates from the Leiden patients, so what it says of that trial comes from the fit that knows nothing
of them.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from letheon.files import write
from letheon.study.calibrate.document import FULL_SETTINGS, TRUSTED_K, LeftOut, Settings
from letheon.study.calibrate.fit import arviz, convergence, evidence, identity, log_likelihoods
from letheon.study.calibrate.observations import Observation
from letheon.study.calibrate.sampler import Chains, Mode, sample, take_up
from letheon.study.calibrate.trials import observations, prepare_trials, seen_in
from letheon.study.records import Progress, decode, encode

SHORT_SETTINGS = replace(FULL_SETTINGS, warmup=60, samples=150, starts=2)
_SCORED = 400  # draws at which a trial is scored


def _without(data: Sequence[Observation], id: str) -> tuple[Observation, ...]:
    return tuple(one for one in data if one.study != id)


def _some(chains: Chains) -> np.ndarray:
    flat = chains.z.reshape(-1, chains.z.shape[-1])
    return flat[np.linspace(0, len(flat) - 1, min(_SCORED, len(flat))).round().astype(int)]


def score(log_p: np.ndarray, log_w: np.ndarray) -> tuple[float, float]:
    """Return the log of a weighted mean of densities, and the standard error of that."""
    w = np.exp(log_w - log_w.max())
    w /= w.sum()
    p = np.exp(log_p - log_p.max())
    mean = float(w @ p)
    return float(np.log(mean) + log_p.max()), float(np.sqrt(np.square(w * (p / mean - 1.0)).sum()))


def leave_out(
    fit: str,
    id: str,
    full: tuple[tuple[Mode, ...], Chains],
    folder: Path,
    settings: Settings = SHORT_SETTINGS,
    progress: Progress | None = None,
) -> LeftOut:
    """Score a trial by a fit without it; a second call with the same folder goes on.

    `full` are modes and chains of the fit to all trials. The score is a log density where the trial reports values, and
    a log probability where it reports counts and statements, so only differences between pain models mean something.
    """
    note = folder / "left_out.json"
    data = observations(fit)
    held, rest = tuple(one for one in data if one.study == id), _without(data, id)
    take_up(folder, settings, identity(fit, rest))
    if note.exists():
        return decode(note.read_bytes(), LeftOut, str(note))
    alone = prepare_trials(fit, settings.patients, studies=(id,))
    modes, chains = full
    what, refit = f"scoring {id}", None
    log_p = log_likelihoods(_some(chains), alone, held, progress, what)
    log_w, k = arviz().psislw(-log_p)
    if k >= TRUSTED_K:
        others = prepare_trials(fit, settings.patients, studies=seen_in(rest))
        anew = sample(evidence, (others, rest), modes[:1], settings, folder, progress)
        log_p = log_likelihoods(_some(anew), alone, held, progress, what)
        log_w, refit = np.zeros(len(log_p)), convergence(anew).worst
    log_score, error = score(log_p, np.asarray(log_w))
    row = LeftOut(study=id, fit=fit, pareto_k=float(k), log_score=log_score, error=error, refit=refit)
    write(note, encode(row, 1))
    return row
