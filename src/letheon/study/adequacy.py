"""Can the calibration be trusted: does it find the truth when the truth is known, and refuse a wrong mechanism?"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from letheon.errors import InputError
from letheon.study.calibration import Calibration, calibrate, predictions_of
from letheon.study.observations import Observation, log_likelihood, resample
from letheon.study.parameters import parameters, to_values
from letheon.study.sampler import QUICK_SETTINGS, Progress, Settings
from letheon.study.trials import Trials, observations, predict, prepare_trials

__all__ = ["cross_fit", "recover", "synthetic"]

_LEVEL = 0.90


def synthetic(pain: str, trials: Trials, data: tuple[Observation, ...], seed: int) -> tuple[np.ndarray, tuple]:
    """Draw a truth from the prior, and what the studies would have reported under it.

    Parameters
    ----------
    pain : str
        Pain model that makes the data.
    trials : Trials
        The trials under that model.
    data : tuple of Observation
        What the studies did report: their sizes, errors and limits.
    seed : int
        Seed.

    Returns
    -------
    tuple
        Standard normals of the parameters, and observations.
    """
    z = np.random.default_rng(seed).normal(size=len(parameters(pain)))
    told = {name: float(values[0]) for name, values in predictions_of(z[None], trials).items()}
    return z, resample(data, told, seed + 1)


def recover(
    pain: str,
    folder: Path,
    sets: int = 10,
    settings: Settings = QUICK_SETTINGS,
    seed: int = 1,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Calibrate on synthetic studies with known truth and count how often 90 % intervals hold it.

    Parameters
    ----------
    pain : str
        Pain model that makes and fits the data.
    folder : Path
        Where states are kept; a second call goes on.
    sets : int
        How many synthetic evidence sets.
    settings : Settings
        How hard to work on each.
    seed : int
        Seed of the truths.
    progress : callable, optional
        Told ``(what, done, all)``.

    Returns
    -------
    dict
        ``values`` (true values pooled), ``inside`` (share inside the intervals), ``sets`` (by set: share inside, rank
        of the truth among the draws by parameter, worst R-hat, divergences).
    """
    trials = prepare_trials(pain, settings.patients)
    found, rows, hits = parameters(pain), [], []
    for k in range(sets):
        truth, data = synthetic(pain, trials, observations(pain), seed + 1000 * k)
        fitted = calibrate(pain, folder / f"set_{k}", settings, data, trials, _named(progress, f"set {k + 1}"), False)
        ranks = (fitted.draws < truth).mean(axis=0)
        inside = np.abs(ranks - 0.5) <= _LEVEL / 2
        hits.append(inside)
        rows.append(
            {
                "inside": float(inside.mean()),
                "rhat_worst": fitted.report["sampler"]["rhat_worst"],
                "divergences": fitted.report["sampler"]["divergences"],
                "ranks": {p.name: round(float(r), 3) for p, r in zip(found, ranks, strict=True)},
            }
        )
    return {"pain": pain, "values": int(np.size(hits)), "inside": float(np.mean(hits)), "sets": rows}


def _named(progress: Progress | None, name: str) -> Progress | None:
    if progress is None:
        return None
    return lambda what, done, all_: progress(f"{name}: {what}", done, all_)


def _held_out_score(fitted: Calibration, held: tuple[Observation, ...], trials: Trials) -> float:
    """Return the log predictive density of values that were not fitted."""
    rows = []
    for z in fitted.draws[:: max(1, len(fitted.draws) // 100)]:
        told = predict(to_values(fitted.pain, z), trials)
        rows.append(float(log_likelihood(held, told).sum()))
    rows = np.array(rows)
    return float(np.log(np.mean(np.exp(rows - rows.max()))) + rows.max())


def cross_fit(
    true: str, folder: Path, settings: Settings = QUICK_SETTINGS, seed: int = 1, progress: Progress | None = None
) -> dict[str, Any]:
    """Fit data made by one mechanism with both, and score what neither saw: the Leiden trial's means.

    Parameters
    ----------
    true : str
        Pain model that makes the data, at the middle of its prior.
    folder : Path
        Where states are kept.
    settings : Settings
        How hard to work.
    seed : int
        Seed of the data.
    progress : callable, optional
        Told ``(what, done, all)``.

    Returns
    -------
    dict
        Log predictive density of the Leiden means by fitted model, and how far the right one leads.
    """
    ready = {pain: prepare_trials(pain, settings.patients) for pain in ("memory", "slow_site")}
    shared = observations("slow_site")  # what both models are fitted to
    held = tuple(one for one in observations("memory") if one.study == "sigtermans2009")
    middle = np.zeros(len(parameters(true)))
    told = {name: float(values[0]) for name, values in predictions_of(middle[None], ready[true]).items()}
    fitted_on, scored = resample(shared, told, seed), resample(held, told, seed + 1)
    score: Mapping[str, float] = {}
    for pain, trials in ready.items():
        fit = calibrate(
            pain,
            folder / f"{true}_by_{pain}",
            settings,
            fitted_on,
            trials,
            _named(progress, f"{true} by {pain}"),
            False,
        )
        score = {**score, pain: _held_out_score(fit, scored, trials)}
    other = next(pain for pain in ready if pain != true)
    return {"true": true, "log_score": score, "lead": score[true] - score[other]}


def main(folder: str) -> None:
    """Run all checks of adequacy and write ``adequacy.json`` into a folder; a second call goes on.

    Parameters
    ----------
    folder : str
        Where states and results are kept.
    """
    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = {"recovery": {}, "cross": {}}
    for pain in ("slow_site", "memory"):
        told["recovery"][pain] = recover(pain, home / pain, progress=_say)
        told["cross"][pain] = cross_fit(pain, home / "cross", progress=_say)
        (home / "adequacy.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _say(what: str, done: int, all_: int) -> None:
    if done == all_:
        print(f"{what}: {done} of {all_}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise InputError("name one folder: python -m letheon.study.adequacy FOLDER")
    from letheon.runs.environment import use_compile_cache

    use_compile_cache()
    main(sys.argv[1])
