"""Can the calibration be trusted: does it find the truth when the truth is known, and refuse a wrong mechanism?"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from letheon._version import __version__
from letheon.arrays import Array, jax
from letheon.errors import InputError
from letheon.files import write
from letheon.library import PAIN_MODELS
from letheon.study.calibrate.document import (
    QUICK_SETTINGS,
    Adequacy,
    CrossFit,
    Recovery,
    RecoverySet,
    SamplerReport,
    Settings,
)
from letheon.study.calibrate.fit import convergence, explore, identity, predictions_of
from letheon.study.calibrate.observations import Observation, Predictions, log_likelihood, resample
from letheon.study.calibrate.parameters import parameters
from letheon.study.calibrate.sampler import take_up
from letheon.study.calibrate.trials import Trials, observations, prepare_trials
from letheon.study.records import Progress, decode, encode, printed_steps, quantiles

_LEVEL = 0.90
_SCORED_DRAWS = 100
_AGAIN = 200  # trials drawn again from the truth, for what a score would be on average


def recover(
    pain: str,
    folder: Path,
    sets: int = 10,
    settings: Settings = QUICK_SETTINGS,
    seed: int = 1,
    progress: Progress | None = None,
) -> Recovery:
    """Calibrate on synthetic studies with known truth and count how often 90 % intervals hold it."""
    trials = prepare_trials(pain, settings.patients)
    names, rows = [p.name for p in parameters(pain)], []
    for k in range(sets):
        truth = np.random.default_rng(seed + 1000 * k).normal(size=len(names))
        data = resample(observations(pain), _one_prediction(truth, trials), seed + 1000 * k + 1)
        home = folder / f"set_{k}"
        take_up(home, settings, identity(pain, data))
        note = home / "found.json"
        if note.exists():
            rows.append(decode(note.read_bytes(), RecoverySet, str(note)))
            continue
        draws, worst, seconds = _fit(home, settings, data, trials, _named(progress, f"set {k + 1}"))
        ranks = (draws < truth).mean(axis=0)
        row = RecoverySet(
            inside=float(_hits(ranks).mean()),
            rhat_worst=worst.rhat_worst,
            divergences=worst.divergences,
            ranks={name: round(float(rank), 3) for name, rank in zip(names, ranks, strict=True)},
            seconds=round(seconds, 1),
        )
        write(note, encode(row))
        rows.append(row)
    ranks = np.array([list(row.ranks.values()) for row in rows])
    return Recovery(pain=pain, values=int(ranks.size), inside=float(_hits(ranks).mean()), sets=tuple(rows))


def _one_prediction(z: np.ndarray, trials: Trials) -> dict[str, float]:
    return {name: float(values[0]) for name, values in predictions_of(z[None], trials).items()}


def _hits(ranks: np.ndarray) -> np.ndarray:
    return np.abs(ranks - 0.5) <= _LEVEL / 2


def _fit(
    folder: Path, settings: Settings, data: tuple[Observation, ...], trials: Trials, progress: Progress | None
) -> tuple[np.ndarray, SamplerReport, float]:
    """Return all draws (draw, parameter), how well chains agree, and the seconds it took, earlier calls included."""
    note = folder / "seconds.json"
    kept = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {"seconds": 0.0, "done": False}
    start = time.monotonic()
    try:
        _, chains = explore(folder, settings, data, trials, progress)
    finally:
        if not kept["done"]:
            kept["seconds"] += time.monotonic() - start
            write(note, json.dumps(kept))
    write(note, json.dumps({**kept, "done": True}))
    worst = convergence(chains).worst
    jax.clear_caches()  # programs of dozens of fits would use up the memory maps that a process may have
    return chains.z.reshape(-1, chains.z.shape[-1]), worst, kept["seconds"]


def _named(progress: Progress | None, name: str) -> Progress | None:
    if progress is None:
        return None
    return lambda what, done, all_: progress(f"{name}: {what}", done, all_)


@jax.jit
def _densities(held: tuple[Observation, ...], predictions: Predictions) -> Array:
    return jax.vmap(lambda one: log_likelihood(held, one).sum())(predictions)


def _score(held: tuple[Observation, ...], predictions: Predictions) -> float:
    """Return the log predictive density of values that were not fitted."""
    rows = np.asarray(_densities(held, predictions))
    return float(np.log(np.mean(np.exp(rows - rows.max()))) + rows.max())


def cross_fit(
    true: str, folder: Path, settings: Settings = QUICK_SETTINGS, seed: int = 1, progress: Progress | None = None
) -> CrossFit:
    """Fit data made by one mechanism with both, and score what neither saw: the Leiden trial's means."""
    ready = {pain: prepare_trials(pain, settings.patients) for pain in PAIN_MODELS}
    shared = observations("slow_site")  # what both models are fitted to
    held = tuple(one for one in observations("memory") if one.study == "sigtermans2009")
    truth = _one_prediction(np.zeros(len(parameters(true))), ready[true])
    fitted_on, scored = resample(shared, truth, seed), resample(held, truth, seed + 1)
    seen: dict[str, Predictions] = {}
    seconds, worst = {}, {}
    for pain, trials in ready.items():
        home = folder / f"{true}_by_{pain}"
        take_up(home, settings, identity(pain, fitted_on))
        draws, sampler, took = _fit(home, settings, fitted_on, trials, _named(progress, f"{true} by {pain}"))
        seconds[pain], worst[pain] = round(took, 1), sampler.rhat_worst
        seen[pain] = predictions_of(draws[:: max(1, len(draws) // _SCORED_DRAWS)], trials)
    score = {pain: _score(scored, predicted) for pain, predicted in seen.items()}
    other = next(pain for pain in ready if pain != true)
    again = (resample(held, truth, seed + 2 + i) for i in range(_AGAIN))
    leads = np.array([_score(one, seen[true]) - _score(one, seen[other]) for one in again])
    names = [name for name in truth if name.startswith("leiden")]
    return CrossFit(
        true=true,
        log_score=score,
        lead=score[true] - score[other],
        lead_expected=float(leads.mean()),
        right_leads=float((leads > 0).mean()),
        truth={name: truth[name] for name in names},
        predicted={pain: {name: quantiles(values[name]) for name in names} for pain, values in seen.items()},
        rhat_worst=worst,
        seconds=seconds,
    )


def main(folder: str) -> None:
    """Run all checks of adequacy and write ``adequacy.json`` into a folder; a second call goes on."""
    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    report = Adequacy(letheon=__version__, recovery={}, cross={})

    progress = printed_steps()

    def keep() -> None:
        write(home / "adequacy.json", encode(report, 1))

    for pain in reversed(PAIN_MODELS):  # the quick one first
        report.recovery[pain] = recover(pain, home / pain, progress=progress)
        keep()
    for pain in reversed(PAIN_MODELS):
        report.cross[pain] = cross_fit(pain, home / "cross", progress=progress)
        keep()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise InputError("name one folder: python -m letheon.study.calibrate.adequacy FOLDER")
    from letheon.runs.environment import use_compile_cache

    use_compile_cache()
    main(sys.argv[1])
