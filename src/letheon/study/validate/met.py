"""Simulate the arms of studies as shipped, and note which of their results the simulation meets.

The labels of a result document depend on the file that is written by
``python -m letheon.study.validate.met docs/calibration/validation.json src/letheon/library/posterior/met.toml``.
"""

import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from letheon import library
from letheon.library.met import Met, draws_hash
from letheon.pipeline import plan_arms
from letheon.pipeline.labels import SupportRow, support_rows, usable
from letheon.pipeline.result import ArmResult
from letheon.pipeline.summary import run_result
from letheon.runs.engine import run_arms
from letheon.scenario import Arm, Scenario
from letheon.study.records import decode
from letheon.study.regimens import study_scenario
from letheon.study.validate.document import Validation

_Z90 = 1.645
_LEAST_CHANCE = 0.05  # a model that gave less to what was reported is wrong about that trial
_HEAD = """\
# Results of studies in CRPS beside the simulation of their own arms with the shipped draws. A number carries the label
# of a study only where the simulation meets what the study reported: its mean lies in the 90 % interval of the reported
# value or, for what a held-out trial found, it gave that a chance of 5 % or more. Made by
# `python -m letheon.study.validate.met docs/calibration/validation.json src/letheon/library/posterior/met.toml`.
"""


def _scenario(row: SupportRow, n: int) -> Scenario:
    """Return the default patients in every variant of a row's arm, each with its placebo."""
    scenario = study_scenario(row.study, 84)
    arms = [arm for arm in scenario.arms if arm.name in {known.name for known in row.arms}]
    shams = [Arm(f"{arm.name}_sham", "placebo", arm.regimen.sham(), arm.name) for arm in arms]
    return replace(scenario, arms=(*arms, *shams), population=replace(scenario.population, n=n))


def _simulated(row: SupportRow, arms: Mapping[str, ArmResult], pain: str) -> float:
    """Return the mean of a row's number over its variants, which span what the study gave."""
    values = [_number(row, arms[f"{known.name}_sham" if row.sham else known.name], pain) for known in row.arms]
    return sum(values) / len(values)


def _number(row: SupportRow, arm: ArmResult, pain: str) -> float:
    if row.window is None:
        share = arm.harms.estimate(row.quantity).estimate
        value = None if share is None else 100.0 * share
    else:
        alone = dict(arm.by_model.items())[pain] if arm.by_model else None
        endpoint = alone.endpoint(f"{row.quantity}_day_{row.window[1]:g}") if alone else None
        against = endpoint and endpoint.against
        value = (against and against.mean) if row.comparator else endpoint and endpoint.mean
    if not isinstance(value, float):
        raise LookupError(f"{row.study.id}: the simulation gives no {row.quantity} under {pain}")
    return value


def _error(row: SupportRow) -> float | None:
    """Return the standard error of what a study reported; of a share in per cent, that of its count."""
    one = row.outcome
    if one.se is not None or one.value is None or not one.n:
        return one.se
    share = one.value / 100.0
    return 100.0 * math.sqrt(share * (1.0 - share) / one.n) if one.unit == "%" else None


def _of_row(row: SupportRow, arms: Mapping[str, ArmResult], pain: str) -> Met | None:
    error, value = _error(row), row.outcome.value
    if error is None or value is None:
        return None
    simulated, low, high = _simulated(row, arms, pain), value - _Z90 * error, value + _Z90 * error
    return Met(
        study=row.study.id,
        arm=row.outcome.arm,
        against=row.outcome.against,
        measure=row.outcome.measure,
        day=row.day,
        pain=pain,
        reported=f"{value:g} ± {error:.2g}",
        simulated=round(simulated, 3),
        interval=(round(low, 3), round(high, 3)),
        met=low <= simulated <= high,
    )


def met_results(validation: Validation, n: int = 1000) -> Iterator[Met]:
    """Yield every result that can be checked, under each pain model."""
    results: dict[str, Mapping[str, ArmResult]] = {}
    for row in support_rows():
        if not row.arms or not all(map(usable, row.arms)):
            continue
        if row.study.id not in results:
            scenario = _scenario(row, n)
            results[row.study.id] = run_result(scenario, run_arms(scenario, plan_arms(scenario), None, None)).arms
        checks = (_of_row(row, results[row.study.id], pain) for pain in library.PAIN_MODELS)
        yield from (check for check in checks if check is not None)
    for held in validation.studies:
        for pain, score in held.models.items():
            chance = float(f"{score.chance:.2g}")
            yield Met(
                study=held.study,
                measure="finding",
                pain=pain,
                reported=held.event,
                simulated=chance,
                met=chance >= _LEAST_CHANCE,
            )


def written(results: list[Met]) -> str:
    """Return the results as the file that ships."""
    lines = [_HEAD, "[draws]", *(f'{pain} = "{draws_hash(pain)}"' for pain in library.PAIN_MODELS)]
    for one in results:
        lines += ["", "[[results]]"]
        for name in ("study", "arm", "against", "measure", "day", "pain", "reported", "simulated", "interval", "met"):
            value = getattr(one, name)
            if value is not None and value != "":
                lines.append(
                    f"{name} = {json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)}"
                )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    validation = decode(Path(sys.argv[1]).read_bytes(), Validation, sys.argv[1])
    Path(sys.argv[2]).write_text(written(list(met_results(validation))), encoding="utf-8")
