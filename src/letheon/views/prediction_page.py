"""Put a prediction on record: a dated file of numbers, and a page that says them.

``python -m letheon.views.prediction_page docs/predictions`` predicts anew under today's date.
"""

import datetime
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from letheon.errors import InputError

__all__ = ["page", "record"]

_MODELS = {"memory": "pain memory", "slow_site": "slow site"}
_MEASURES = {
    "nrs_day_90": "pain on day 90 [NRS]",
    "responders_30": "share with 30 % less pain",
    "responders_50": "share with 50 % less pain",
}


def _rows(by_model: Mapping[str, Any]) -> Iterator[str]:
    yield "| | " + " | ".join(_MODELS[model] for model in by_model) + " |"
    yield "| --- |" + " --- |" * len(by_model)
    for arm in ("continuous", "intermittent"):
        for measure, words in _MEASURES.items():
            cells = [_cell(told[arm][measure]) for told in by_model.values()]
            yield f"| {arm}: {words} | " + " | ".join(cells) + " |"
    compared = [told["continuous_minus_intermittent"] for told in by_model.values()]
    yield "| continuous minus intermittent [NRS] | " + " | ".join(_cell(c["nrs_day_90"]) for c in compared) + " |"
    chances = " | ".join(f"{c['chance_that_continuous_is_lower']:.0%}" for c in compared)
    yield f"| chance that the continuous arm is lower | {chances} |"


def _cell(entry: Mapping[str, Any]) -> str:
    low, high = entry["interval_90"]
    return f"{entry['median']:.2g} ({low:.2g} to {high:.2g})"


def page(told: Mapping[str, Any]) -> str:
    """Return the page of a prediction.

    Parameters
    ----------
    told : mapping
        From `letheon.study.trial.prediction.ketcrps2`.

    Returns
    -------
    str
        Markdown.
    """
    since = ", ".join(f"{days:g} days in the {arm} arm" for arm, days in told["days_since_last_dose"].items())
    seeds = ", ".join(f"{_MODELS[m]} {seed}" for m, seed in told["posterior_seed"].items())
    lines = [
        f"# Prediction of KetCRPS-2, {told['date']}",
        "",
        "KetCRPS-2 compares six days of esketamine without pause with six sessions of six hours, one every two weeks."
        " No result is known. This is what Letheon says beforehand, and it will not be changed; a later version gets a"
        " file of its own.",
        "",
        f"Median and 90 % interval over trials of {told['patients_an_arm']} patients an arm, with what is not known"
        " about the parameters and about how one study differs from another."
        f" Day {told['day']} is {since} after the last dose."
        f" Letheon {told['letheon']}; seeds of the posteriors: {seeds}.",
        "",
        "The registry leaves open how fast the rate rises, so both readings stand here. Support: assumed; day 90 rests"
        " on assumed flares.",
    ]
    for ramp, by_model in told["predictions"].items():
        lines += ["", f"## The rate: {ramp}", "", *_rows(by_model)]
    return "\n".join(lines) + "\n"


def record(folder: Path, date: str) -> Path:
    """Predict and write ``ketcrps2-DATE.json`` and its page.

    Parameters
    ----------
    folder : Path
        Where predictions are kept.
    date : str
        ``YYYY-MM-DD``.

    Returns
    -------
    Path
        The file of numbers.

    Raises
    ------
    InputError
        If there is one of this date already: a prediction on record stays.
    """
    from letheon.runs.environment import use_compile_cache
    from letheon.study.plain import ketcrps2

    path = folder / f"ketcrps2-{date}.json"
    if path.exists():
        raise InputError(f"{path} exists already: a prediction on record stays as it is")
    use_compile_cache()
    told = ketcrps2(date)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(page(told), encoding="utf-8")
    return path


if __name__ == "__main__":
    record(Path(sys.argv[1]), datetime.datetime.now(datetime.UTC).date().isoformat())
