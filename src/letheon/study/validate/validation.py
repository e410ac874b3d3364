"""The validation of both pain models: trials that were never fitted, timing, and on demand what matters most."""

from collections.abc import Mapping
from typing import Any

from letheon._version import __version__
from letheon.patients.uncertainty import typical_values
from letheon.study.records import Progress
from letheon.study.trial.simulation import DRAWS, Values
from letheon.study.validate.between_studies import between_studies, values_by_spread
from letheon.study.validate.document import Validation
from letheon.study.validate.held_out import held_out_scores, timing
from letheon.study.validate.scores import held_out_table, total
from letheon.study.validate.sensitivity import tornado


def validate(
    values: Values | None = None,
    posterior: Mapping[str, Mapping[str, Any]] | None = None,
    sensitivity: bool = False,
    progress: Progress | None = None,
) -> Validation:
    """Score both pain models on the trials that they never saw.

    Values are those of the shipped posteriors by default; `posterior` says how other draws were made, by pain model.
    `sensitivity` says whether to vary the spread between studies and single assumptions too.
    """
    values = typical_values(DRAWS) if values is None else values
    by_spread = values_by_spread(values) if sensitivity else {"fitted": values}
    entries = held_out_scores(tuple(by_spread.values()), progress=progress)
    scored = dict(zip(by_spread, entries, strict=True))
    return Validation(
        letheon=__version__,
        posterior={model: dict(about) for model, about in (posterior or {}).items()},
        studies=held_out_table(scored["fitted"]),
        total=total(scored["fitted"]),
        timing=timing(values, progress=progress),
        between_studies=between_studies(by_spread, scored, progress=progress) if sensitivity else None,
        sensitivity=tornado(values, progress=progress) if sensitivity else None,
    )
