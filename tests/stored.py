"""A stored real result: ``letheon simulate examples/sigtermans2009.yaml``, and what tests change of it.

`tests/test_report.py` runs the example again and compares.
"""

import gzip
from functools import cache
from pathlib import Path

from msgspec import UNSET
from msgspec.structs import replace

from letheon.pipeline.result import ArmResult, RunResult, decode

ROOT = Path(__file__).parent.parent
SCENARIO = (ROOT / "examples" / "sigtermans2009.yaml").read_text(encoding="utf-8")


@cache
def sigtermans() -> RunResult:
    """Return the result: two arms on esketamine and placebo, both pain models, twelve weeks."""
    return decode(gzip.decompress((ROOT / "tests" / "data" / "sigtermans2009.json.gz").read_bytes()))


def with_arms(**arms: ArmResult) -> RunResult:
    """Return the result with other arms."""
    return replace(sigtermans(), arms=arms)


def alone() -> RunResult:
    """Return the result of one arm, without placebo and under one model."""
    arm = sigtermans().arms["esketamine"]
    endpoints = type(arm.endpoints)(
        (name, entry if name.startswith("time_to") else replace(entry, against=UNSET, agree=UNSET))
        for name, entry in arm.endpoints.items()
    )
    models = replace(sigtermans().models, pain="memory", weights=UNSET)
    assert arm.by_model
    profile = replace(arm.profile, sensitisation=arm.by_model.memory.profile.sensitisation)
    return replace(
        with_arms(esketamine=replace(arm, profile=profile, endpoints=endpoints, by_model=UNSET)), models=models
    )
