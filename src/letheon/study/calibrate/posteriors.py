"""Draws that a calibration left in a folder, in the place of those that ship."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from letheon import library
from letheon.errors import InputError
from letheon.library.posterior import Posterior, parse_posterior
from letheon.patients.uncertainty import posterior_values, typical_values

_DRAWS = 256


def posteriors_in(folder: Path) -> dict[str, Posterior]:
    """Return the posteriors that lie in a folder of calibrations, by pain model."""
    posteriors = {}
    for pain in library.PAIN_MODELS:
        for place in (folder / pain / pain, folder / pain):
            table, about = place.with_suffix(".csv"), place.with_suffix(".toml")
            if not (table.is_file() and about.is_file()):
                continue
            try:
                texts = table.read_text(encoding="utf-8"), about.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(f"{place}.csv and .toml cannot be read ({error})") from None
            if len(texts[0].split()) < 2:
                raise InputError(f"{place}.csv holds no draws; run letheon calibrate again.")
            posteriors[pain] = parse_posterior(pain, *texts, str(place))
            break
    if not posteriors:
        names = " or ".join(f"{pain}/{pain}.csv" for pain in library.PAIN_MODELS)
        raise InputError(f"{folder} holds no posterior draws ({names}); give the folder of letheon calibrate --out.")
    return posteriors


def merged_values(posteriors: Mapping[str, Posterior], draws: int = _DRAWS) -> dict[str, np.ndarray]:
    r"""Return every typical value (draw,) with the draws of these posteriors in the place of the shipped ones.

    Examples
    --------
    >>> table = parse_posterior("memory", "memory.tau_s\n2\n3\n", "", "x")
    >>> merged_values({"memory": table})["memory.tau_s"].tolist()
    [48.0, 72.0]
    """
    lengths = [len(column) for one in posteriors.values() for column in one.columns.values()]
    draws = min([draws, *lengths])
    values = dict(typical_values(draws))
    for one in posteriors.values():
        values |= posterior_values(one, draws)
    return values
