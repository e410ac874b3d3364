"""Searches through the real code of `letheon optimise`, where a formula stands in for the simulation of a regimen."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from letheon.patients.uncertainty import DRAWS
from letheon.pipeline.average import weights_of
from letheon.scenario import Arm, Scenario, loads_search
from letheon.scenario.measures import measure_of
from letheon.study.optimise import search as module
from letheon.study.optimise.document import Candidate, SearchReport, other_candidates
from letheon.study.optimise.evaluation import Evaluation, _rounded

EXAMPLES = Path(__file__).parent.parent / "examples"
COURSE = """letheon: 1
title: The cheapest course
follow_up: 4 weeks
arms:
  course: {drug: racemic, sessions: [{at: day 1, rate: 20 mg/h, for: 4 h}]}
"""
BLOCK = "optimise: {arm: course, vary: {sessions.1.rate: {from: 5 mg/h, to: 40 mg/h}}}\n"
SMALL = """letheon: 1
title: The cheapest course
follow_up: 12 weeks
seed: 5
arms:
  hundred_hours: {drug: esketamine, sessions: [{at: 0 h, rate: 20 mg/h/70kg, for: 100 h}]}
  course: {drug: esketamine, sessions: [{at: day 1, rate: 20 mg/h/70kg, for: 8 h, repeat: {every: 1 day, times: 9}}]}
  placebo: {drug: placebo, like: hundred_hours}
optimise:
  arm: course
  vary:
    sessions.1.rate: {from: 5 mg/h/70kg, to: 40 mg/h/70kg}
    sessions.1.repeat.times: {from: 1, to: 15}
  minimise: [hours, dose_mg]
  constraints: {relief_days: {at_least: hundred_hours}}
  budget: {candidates: 40, patients: 64}
"""


class Formula:
    """Takes the place of the simulation: more drug gives more relief, more slowly, and more under some draws."""

    def __init__(self, scenario: Scenario, measures: Sequence[str]) -> None:
        self.measures = tuple(dict.fromkeys(measures))
        self.mechanisms = len(weights_of(scenario.models.pain))  # which it takes for alike

    def make_room(self, arms: Iterable[Arm]) -> None:
        """Plan nothing."""

    def __call__(self, arms: Sequence[Arm]) -> list[Evaluation]:
        return [self._evaluation(arm) for arm in arms]

    def _evaluation(self, arm: Arm) -> Evaluation:
        draws = np.linspace(0.7, 1.4, DRAWS)
        dose = 0.0 if arm.drug == "placebo" else arm.regimen.schedule().dose_mg(70.0)
        schedule = arm.regimen.schedule()
        hours = sum(h for terms, h in zip(schedule.terms, schedule.durations_h, strict=True) if terms)
        days = 0.0 if arm.drug == "placebo" else float(len(arm.regimen.dosing_days()))
        costs = {"dose_mg": dose, "hours": hours, "dosing_days": days}
        load = 90.0 * (1.0 - np.exp(-dose / max(hours, 1.0) / 20.0))
        costs |= {"psychedelic_load": load, "psychedelic_hours": 0.6 * hours}
        effect = 1.0 - np.exp(-draws * dose / 1500.0)
        mean, by_draw, population = {}, {}, {}
        for name in self.measures:
            measure = measure_of(name)
            assert measure is not None
            if name in costs:
                values = np.full(DRAWS, costs[name])
            elif measure.unit == "days":
                values = 5.5 + 45.0 * effect
            else:
                values = 7.0 - 4.0 * effect if measure.unit == "NRS" else 0.1 + 0.7 * effect
            by_draw[name] = np.array([_rounded(float(value)) for value in values] * self.mechanisms)
            mean[name] = _rounded(float(values.mean()))
            population[name] = [mean[name]] * self.mechanisms
        return Evaluation(mean, by_draw, population)


def search(
    scenario: str | Path, out: Path, candidates: int | None = None
) -> tuple[SearchReport, tuple[Candidate, ...]]:
    """Search with the formula, a scenario given as text or as a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Evaluator", Formula)
        problem = loads_search(scenario) if isinstance(scenario, str) else scenario
        report = module.optimise(problem, out=out, candidates=candidates, patients=64).document
    return report, other_candidates(out, report)
