"""What would be predicted if studies differed not at all, as much as was fitted, or by much.

A handful of studies hardly tells how far one study lies from the next, so main results and held-out scores are shown
at both ends beside the fitted spread. Nothing is refitted.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import special

from letheon import library
from letheon.patients.uncertainty import RIVAL, typical_values
from letheon.study.observations import Gaussian
from letheon.study.regimens import study_scenario
from letheon.study.trials import observations, study
from letheon.study.validation import DRAWS, Arms, Progress, Values, held_out_table, simulated_trials, total

__all__ = ["SPREADS", "between_studies", "with_spread"]

SPREADS: Mapping[str, float | None] = {"0": 0.0, "fitted": None, "0.6": 0.6}
_TRIAL, _ARM = "sigtermans2009", "esketamine_slow"
_PATIENTS = 30
_REPEATS = 4
_WEEKS = {"week 1": 7, "week 12": 84}
_RELIEF = 0.7
_SEED = 5


def with_spread(values: Values, sd: float | None) -> Values:
    """Return draws in which studies differ by a given spread.

    Parameters
    ----------
    values : mapping of str to array, shape (draw,)
        Draws of the typical values.
    sd : float or None
        SD of the log odds of lasting relief between studies; None leaves what was fitted.

    Returns
    -------
    mapping of str to array
        The same, with effects of studies spread evenly.

    Examples
    --------
    >>> from letheon.patients.uncertainty import typical_values
    >>> float(np.std(with_spread(typical_values(64), 0.6)["between.effect"]).round(2))
    0.59
    """
    if sd is None:
        return values
    draws = len(values["between.effect"])
    z = special.ndtri((np.random.default_rng(_SEED).permutation(draws) + 0.5) / draws)
    return {**values, "between.effect": sd * z, f"{RIVAL}between.effect": sd * z}


def _reported() -> dict[str, float]:
    """Return the differences from placebo that the trial did report [NRS]."""
    found = {}
    for one in observations("memory"):
        if isinstance(one, Gaussian) and one.study == _TRIAL:
            found |= dict(zip(one.names, one.values, strict=True))
    return {
        "week 1": found["leiden drug week 1"] - found["leiden placebo week 1"],
        "week 12": found["leiden difference week 12"],
    }


def _read(arms: Arms) -> dict[str, np.ndarray]:
    """Read differences from placebo in each simulated trial: pain in two weeks, and days of relief."""
    drug, sham = (arms.entries[name] for name in (_ARM, "placebo"))
    found = {week: drug[:, day - 1].mean(axis=-1) - sham[:, day - 1].mean(axis=-1) for week, day in _WEEKS.items()}
    relieved = [
        (arms.entries[name] <= _RELIEF * arms.baseline[name][:, None, :] + 1e-9).sum(axis=1).mean(axis=-1)
        for name in (_ARM, "placebo")
    ]
    return found | {"relief days": relieved[0] - relieved[1]}


_LABELS = {
    "week 1": ("pain minus placebo, week 1", "NRS"),
    "week 12": ("pain minus placebo, week 12", "NRS"),
    "relief days": ("days of relief in 12 weeks, more than on placebo", "days"),
}


def between_studies(
    values: Values | None = None,
    models: tuple[str, ...] = library.PAIN_MODELS,
    fitted: Sequence[Mapping[str, Any]] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Predict the 100-hour trial and score the held-out ones with studies alike, as fitted, and far apart.

    Parameters
    ----------
    values : mapping of str to array, shape (draw,), optional
        Draws of the typical values; those of the shipped posteriors by default.
    models : tuple of str
        Pain models.
    fitted : sequence of mapping, optional
        What `held_out_table` found at the fitted spread, if it is known.
    progress : callable, optional
        Told ``(what, done, all)``.

    Returns
    -------
    dict
        ``patients`` (an arm), ``fitted_sd`` (by model: median and 90 % interval), ``rows`` (by model, spread and
        quantity: median and 90 % interval over trials of a study not seen before, and what was reported) and
        ``scores`` (by model and spread: chances of the held-out events and their log score).
    """
    values = typical_values(DRAWS) if values is None else values
    scenario, reported = study_scenario(study(_TRIAL), max(_WEEKS.values())), _reported()
    windows = tuple((float(day), float(day + 1)) for day in range(max(_WEEKS.values())))
    patients, sham = {_ARM: _PATIENTS, "placebo": _PATIENTS}, {"placebo": _ARM}
    rows, scores, done, jobs = [], [], 0, len(SPREADS) * len(models)
    for label, sd in SPREADS.items():
        own = with_spread(values, sd)
        for model in models:
            what, at = f"trials if studies differ by {label}, {model}", done

            def beat(what: str = what, at: int = at) -> None:
                if progress:
                    progress(what, at, jobs)

            arms = simulated_trials(scenario, patients, windows, model, own, _REPEATS, sham=sham, beat=beat)
            rows += [
                {
                    **{"model": model, "sd": label, "quantity": _LABELS[name][0], "unit": _LABELS[name][1]},
                    **{"reported": reported.get(name), "median": float(np.median(found))},
                    "interval_90": [float(end) for end in np.quantile(found, [0.05, 0.95])],
                }
                for name, found in _read(arms).items()
            ]
            done += 1
        table = fitted if sd is None and fitted is not None else held_out_table(own, models, progress=progress)
        added = total(table, models)["log_score"]
        scores += [
            {
                **{"model": model, "sd": label, "log_score": added[model]},
                "chances": {entry["study"]: entry["models"][model]["chance"] for entry in table},
            }
            for model in models
        ]
    return {"patients": _PATIENTS, "fitted_sd": _fitted_sd(values, models), "rows": rows, "scores": scores}


def _fitted_sd(values: Values, models: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    found = {}
    for model in models:
        column = values["between.sd" if model == "memory" else f"{RIVAL}between.sd"]
        low, middle, high = (float(q) for q in np.quantile(column, [0.05, 0.5, 0.95]))
        found[model] = {"median": middle, "interval_90": [low, high]}
    return found
