"""What would be predicted if studies differed not at all, as much as was fitted, or by much.

A handful of studies hardly tells how far one study lies from the next, so main results and held-out scores are shown
at both ends beside the fitted spread. Nothing is refitted.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import special

from letheon import library
from letheon.definitions import RELIEF, SLACK
from letheon.patients.uncertainty import RIVAL
from letheon.study.calibrate.observations import Gaussian
from letheon.study.calibrate.trials import observations
from letheon.study.records import Estimate, Progress, quantiles
from letheon.study.regimens import study, study_scenario
from letheon.study.trial.simulation import Arms, Values, heartbeat_of, simulated_trials, trial_forecasts
from letheon.study.validate.document import BetweenStudies, SpreadRow, SpreadScore
from letheon.study.validate.held_out import Scored
from letheon.study.validate.scores import total

SPREADS: Mapping[str, float | None] = {"0": 0.0, "fitted": None, "0.6": 0.6}
_TRIAL, _ARM = "sigtermans2009", "esketamine_slow"
_PATIENTS = 30
_REPEATS = 4
_WEEKS = {"week 1": 7, "week 12": 84}
_SEED = 5


def with_spread(values: Values, sd: float | None) -> Values:
    """Return draws in which studies differ by a given spread.

    `sd` is that of the log odds of lasting relief between studies; None leaves what was fitted.
    """
    if sd is None:
        return values
    draws = len(values["between.effect"])
    z = special.ndtri((np.random.default_rng(_SEED).permutation(draws) + 0.5) / draws)
    return {**values, "between.effect": sd * z, f"{RIVAL}between.effect": sd * z}


def _reported() -> dict[str, float]:
    """Return the differences from placebo that the trial did report [NRS]."""
    values: dict[str, float] = {}
    for one in observations("memory"):
        if isinstance(one, Gaussian) and one.study == _TRIAL:
            values |= dict(zip(one.names, one.values, strict=True))
    return {
        "week 1": values["leiden drug week 1"] - values["leiden placebo week 1"],
        "week 12": values["leiden difference week 12"],
    }


def _read(arms: Arms) -> dict[str, np.ndarray]:
    """Read differences from placebo in each simulated trial: pain in two weeks, and days of relief."""
    drug, sham = (arms.entries[name] for name in (_ARM, "placebo"))
    pain = {week: drug[:, day - 1].mean(axis=-1) - sham[:, day - 1].mean(axis=-1) for week, day in _WEEKS.items()}
    relieved = [
        (arms.entries[name] <= RELIEF * arms.baseline[name][:, None, :] + SLACK).sum(axis=1).mean(axis=-1)
        for name in (_ARM, "placebo")
    ]
    return {**pain, "relief days": relieved[0] - relieved[1]}


_LABELS = {
    "week 1": ("pain minus placebo, week 1", "NRS"),
    "week 12": ("pain minus placebo, week 12", "NRS"),
    "relief days": ("days of relief in 12 weeks, more than on placebo", "days"),
}


def values_by_spread(values: Values) -> dict[str, Values]:
    """Return draws (draw,) by how far studies lie from each other; all else is the same."""
    return {label: with_spread(values, sd) for label, sd in SPREADS.items()}


def between_studies(
    by_spread: Mapping[str, Values],
    scored: Mapping[str, Sequence[Scored]],
    models: tuple[str, ...] = library.PAIN_MODELS,
    progress: Progress | None = None,
) -> BetweenStudies:
    """Predict the 100-hour trial and score the held-out ones with studies alike, as fitted, and far apart.

    Draws and held-out trials go by the spread between studies, as in `values_by_spread`.
    """
    scenario, reported = study_scenario(study(_TRIAL), max(_WEEKS.values())), _reported()
    windows = tuple((float(day), float(day + 1)) for day in range(max(_WEEKS.values())))
    patients, sham = {_ARM: _PATIENTS, "placebo": _PATIENTS}, {"placebo": _ARM}
    several = tuple(by_spread.values())
    rows: list[SpreadRow] = []
    for done, model in enumerate(models):
        heartbeat = heartbeat_of(progress, f"trials if studies differ, {model}", done, len(models))
        trials = trial_forecasts(scenario, patients, windows, model, several, sham=sham, heartbeat=heartbeat)
        for label, trial in zip(by_spread, trials, strict=True):
            arms = simulated_trials(trial, _REPEATS)
            rows += [_row(model, label, name, reported.get(name), draws) for name, draws in _read(arms).items()]
    rows.sort(key=lambda row: (list(by_spread).index(row.sd), models.index(row.model)))
    scores = [
        SpreadScore(
            model=model,
            sd=label,
            log_score=total(entries).log_score[model],
            chances={entry.held.id: entry.chances[model].mean for entry in entries},
        )
        for label, entries in scored.items()
        for model in models
    ]
    fitted = by_spread["fitted"]
    spreads = {model: _spread(fitted["between.sd" if model == "memory" else f"{RIVAL}between.sd"]) for model in models}
    return BetweenStudies(patients=_PATIENTS, fitted_sd=spreads, rows=tuple(rows), scores=tuple(scores))


def _row(model: str, spread: str, name: str, reported: float | None, values: np.ndarray) -> SpreadRow:
    quantity, unit = _LABELS[name]
    low, _, high = quantiles(values)
    return SpreadRow(
        model=model,
        sd=spread,
        quantity=quantity,
        unit=unit,
        reported=reported,
        median=float(np.median(values)),
        interval_90=(low, high),
    )


def _spread(column: np.ndarray) -> Estimate:
    low, middle, high = quantiles(column)
    return Estimate(median=middle, interval_90=(low, high))
