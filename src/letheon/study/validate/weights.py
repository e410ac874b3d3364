"""How much each pain model counts in the average of both.

The weight w of the memory has a uniform prior and the likelihood ∏ [w p_memory + (1 - w) p_slow]^a over trials with an
outcome that depends on the mechanism, where p is what a model says of a trial that its fit has not seen. It says how
well the models predict, not how likely either is to be true.
"""

import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np

from letheon._version import __version__
from letheon.errors import InputError
from letheon.files import write
from letheon.study.calibrate.document import FULL_SETTINGS, ModelWeights, Settings, TrialScore
from letheon.study.calibrate.fit import explore, identity
from letheon.study.calibrate.left_out import SHORT_SETTINGS, leave_out
from letheon.study.calibrate.sampler import take_up
from letheon.study.calibrate.trials import STUDIES, observations, prepare_trials, seen_in
from letheon.study.records import Progress, decode, encode, printed_steps
from letheon.study.validate.document import Validation

_GRID = np.linspace(0.0, 1.0, 4001)
_CHECKED_ON = "sigtermans2009"  # its patients are in the slow site's own estimates


def _density(trials: Sequence[TrialScore]) -> np.ndarray:
    """Return the posterior density of the weight on a grid, summing to 1."""
    log = np.zeros(len(_GRID))
    for one in trials:
        memory, slow = one.log_score["memory"], one.log_score["slow_site"]
        top = max(memory, slow)
        mixture = _GRID * np.exp(memory - top) + (1.0 - _GRID) * np.exp(slow - top)
        with np.errstate(divide="ignore"):
            log += one.exponent * np.log(mixture)
    density = np.exp(log - log.max())
    density[[0, -1]] *= 0.5  # the trapezoidal rule
    return density / density.sum()


def weight_of(trials: Sequence[TrialScore]) -> tuple[float, tuple[float, float]]:
    """Return mean and 90 % interval of the memory's weight.

    >>> weight_of([])
    (0.5, (0.05, 0.95))
    """
    density = _density(trials)
    cumulative = np.cumsum(density)
    low, high = np.interp([0.05, 0.95], cumulative, _GRID)
    return round(float(density @ _GRID), 4), (round(float(low), 3), round(float(high), 3))


def model_weights(trials: Sequence[TrialScore]) -> ModelWeights:
    """Weigh the models by the scores of trials."""
    memory, interval = weight_of(trials)
    without = {one.study: weight_of([other for other in trials if other is not one])[0] for one in trials}
    return ModelWeights(letheon=__version__, memory=memory, interval=interval, trials=tuple(trials), without=without)


def left_out_scores(
    folder: Path,
    settings: Settings = FULL_SETTINGS,
    short: Settings = SHORT_SETTINGS,
    progress: Progress | None = None,
) -> list[TrialScore]:
    """Score each calibration trial by fits without it.

    The fits to all trials lie in ``folder/FIT/state``, as `letheon calibrate` leaves them; that of the slow site which
    knows nothing of Dahan's estimates is made with the `short` settings. A second call goes on.
    """
    full = {}
    for fit in ("memory", "slow_site", "slow_site_vague"):
        data, own = observations(fit), short if fit == "slow_site_vague" else settings
        home = folder / fit / "state"
        take_up(home, own, identity(fit, data))
        full[fit] = explore(home, own, data, prepare_trials(fit, own.patients, studies=seen_in(data)), progress)
    rows = []
    for id in STUDIES:
        fits = {"memory": "memory", "slow_site": "slow_site_vague" if id == _CHECKED_ON else "slow_site"}
        scored = {
            pain: leave_out(fit, id, full[fit], folder / fit / f"without_{id}", short, progress)
            for pain, fit in fits.items()
        }
        rows.append(
            TrialScore(
                study=id,
                exponent=1.0,
                log_score={pain: one.log_score for pain, one in scored.items()},
                error={pain: one.error for pain, one in scored.items()},
                method={pain: "refitted" if one.refit else "reweighted" for pain, one in scored.items()},
            )
        )
    return rows


def held_out_scores(validation: Validation) -> list[TrialScore]:
    """Return the scores of trials that neither model was fitted to."""
    return [
        TrialScore(
            study=one.study,
            exponent=one.weight,
            log_score={pain: score.log_score for pain, score in one.models.items()},
            error={pain: score.mc_se / score.chance for pain, score in one.models.items()},
            method=dict.fromkeys(one.models, "held out"),
        )
        for one in validation.studies
    ]


def written(weights: ModelWeights) -> str:
    """Return the file that ships."""
    lines = [
        "# Weight of the pain memory in the average of both mechanisms, by how well each predicts trials that it has",
        "# not seen: mean and 90 % interval; the slow site has the rest. Scores: docs/calibration/weights.json.",
        f"memory = {weights.memory}",
        f"interval = {list(weights.interval)}",
        "",
        "[about]",
        f'date = "{date.today().isoformat()}"',
        f"trials = {json.dumps([one.study for one in weights.trials])}",
        'command = "make calibration"',
    ]
    return "\n".join(lines) + "\n"


def main(folder: Path, validation: Path, document: Path, shipped: Path) -> None:
    """Weigh the models by the fits in a folder and by a validation; write the document and the file that ships."""
    checked = decode(validation.read_bytes(), Validation, str(validation))
    trials = [*left_out_scores(folder, progress=printed_steps()), *held_out_scores(checked)]
    weights = model_weights(trials)
    write(document, encode(weights, 1))
    write(shipped, written(weights))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        raise InputError("name the folder of fits, the validation, and two files to write")
    from letheon.runs.environment import use_compile_cache

    use_compile_cache()
    main(*map(Path, sys.argv[1:]))
