"""The page on how far the calibration can be trusted, made from what its checks left.

``python -m letheon.views.adequacy_page docs/calibration/adequacy.json docs/adequacy.md`` writes the page. The first
file is what ``make adequacy`` leaves.
"""

import json
import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from letheon.errors import InputError
from letheon.views import calibration_words as words

__all__ = ["adequacy_page", "main", "tenths"]

_LEVEL, _DUE = 0.90, 0.83
_DUE_MINUTES = 6.0
_OFTEN = 3  # sets out of ten in which a parameter lies outside before it is named
_TELLING = math.log(3.0)

_OPENING = """# Can the calibration be trusted?

This page is made from the results of `make adequacy`. Two questions can be asked where the truth is known, because the
evidence was made up: does the calibration find what was put in, and does it refuse a mechanism that did not make the
data? Both use the code, the trials, the errors and the priors of the real [calibration](calibration.md), with the short
chains of `letheon calibrate --quick`."""

_RECOVERY = """A truth is drawn from the prior, the trials are drawn from what it predicts, and the model is calibrated
on them. If intervals are honest, 90 % of them hold the truth, and the rank of the truth among the draws is as likely to
be low as high: ranks that crowd at both ends mean intervals too narrow, ranks that crowd in the middle intervals too
wide."""

_LOOSE = """R-hat is that of short chains, so it may pass the 1.01 that the shipped draws keep: what is tested here is
the whole way from reports to intervals, not the length of the chains."""

_CROSS = """Data are made by one mechanism at the middle of its prior. Both models are fitted to the trials that they
share; the means of the Leiden trial, which neither saw, are scored. *Lead* is by how much the log score of the
mechanism that made the data is higher."""

_CROSS_MEANING = """*Expected* is the mean lead if that one trial were run again and again, *right one ahead* how often
its result would favour the mechanism that made it. Where the lead is small, the trials that both are fitted to and the
trial that is held out do not tell the mechanisms apart: a calibration cannot refuse what predicts the same. Only the
middle of each prior was tried, so other truths may be easier or harder to tell."""


def adequacy_page(told: Mapping[str, Any]) -> str:
    """Return the page.

    Parameters
    ----------
    told : mapping
        What ``python -m letheon.study.calibrate.adequacy`` wrote: ``recovery`` and ``cross`` by pain model; what is
        not yet there is left out.

    Returns
    -------
    str
        Markdown.

    Examples
    --------
    >>> adequacy_page({"letheon": "0.1.0", "recovery": {}, "cross": {}}).splitlines()[0]
    '# Can the calibration be trusted?'
    """
    parts = [_OPENING, f"Letheon {told['letheon']}."]
    models = [model for model in words.PAIN_MODELS if model in told["recovery"]]
    if models:
        parts += ["## A known truth is found", _RECOVERY, _recovery_table([told["recovery"][m] for m in models])]
        parts.append(_LOOSE)
        for model in models:
            parts += [f"### {words.PAIN_MODELS[model].capitalize()}", *_recovery(told["recovery"][model])]
    crossed = [model for model in words.PAIN_MODELS if model in told["cross"]]
    if crossed:
        parts += ["## A wrong mechanism is refused, where it can be", _CROSS]
        parts.append(_cross_table([told["cross"][model] for model in crossed]))
        parts.append("\n".join(f"- {_cross_sentence(told['cross'][model])}" for model in crossed))
        parts += [_CROSS_MEANING, _predicted_table([told["cross"][model] for model in crossed])]
    return "\n\n".join(parts) + "\n"


def _ranks(found: Mapping[str, Any]) -> list[float]:
    return [rank for one in found["sets"] for rank in one["ranks"].values()]


def tenths(ranks: Sequence[float]) -> list[int]:
    """Count ranks by tenths.

    Parameters
    ----------
    ranks : sequence of float
        Shares of draws below the truth.

    Returns
    -------
    list of int
        Ten counts.

    Examples
    --------
    >>> tenths([0.0, 0.05, 0.55, 1.0])
    [2, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    """
    counted = Counter(min(int(10 * rank), 9) for rank in ranks)
    return [counted[tenth] for tenth in range(10)]


def _recovery_table(found: Sequence[Mapping[str, Any]]) -> str:
    heads = ("", *(words.PAIN_MODELS[one["pain"]] for one in found), "due")
    shares = [[row["inside"] for row in one["sets"]] for one in found]
    minutes = [[row["seconds"] / 60 for row in one["sets"]] for one in found]
    rows = [
        ("synthetic evidence sets", *(f"{len(one['sets'])}" for one in found), "at least 10"),
        ("true values, pooled", *(f"{one['values']}" for one in found), "at least 100"),
        (
            "inside 90 % intervals",
            *(f"**{100 * one['inside']:.1f} %**" for one in found),
            f"at least {100 * _DUE:.0f} %",
        ),
        ("by set, lowest to highest", *(f"{100 * min(s):.0f} to {100 * max(s):.0f} %" for s in shares), ""),
        ("R-hat, worst of all sets", *(f"{max(r['rhat_worst'] for r in one['sets']):.3f}" for one in found), ""),
        ("divergent iterations", *(f"{sum(r['divergences'] for r in one['sets'])}" for one in found), ""),
        (
            "minutes for a set, mean and longest",
            *(f"{sum(m) / len(m):.1f}, {max(m):.1f}" for m in minutes),
            f"at most {_DUE_MINUTES:.0f}",
        ),
    ]
    return _table(heads, rows)


def _recovery(found: Mapping[str, Any]) -> Iterator[str]:
    ranks = _ranks(found)
    counts = tenths(ranks)
    yield (
        "Ranks of the truth by tenths: "
        + ", ".join(map(str, counts))
        + f" ({len(ranks) / 10:.0f} each if they were even). {_shape(counts)}"
    )
    names = list(found["sets"][0]["ranks"])
    outside = {n: sum(abs(one["ranks"][n] - 0.5) > _LEVEL / 2 for one in found["sets"]) for n in names}
    often = [f"`{name}` ({count})" for name, count in outside.items() if count >= _OFTEN]
    sets = len(found["sets"])
    yield (
        f"Outside in {_OFTEN} or more of {sets} sets: {', '.join(often)}. Chance alone would do that to "
        f"{len(names) * _chance_of(sets):.1f} of {len(names)} parameters."
        if often
        else f"No parameter lies outside in {_OFTEN} or more of {sets} sets."
    )


def _chance_of(sets: int) -> float:
    """Return the chance that an honest interval misses in that many sets or more."""
    miss = 1.0 - _LEVEL
    return 1.0 - sum(math.comb(sets, k) * miss**k * _LEVEL ** (sets - k) for k in range(_OFTEN))


def _shape(counts: Sequence[int]) -> str:
    """Say in words how even ranks are: those of one set go together, so only a clear pattern is named."""
    total = sum(counts)
    error = 2.0 * math.sqrt(0.16 * total)  # two SDs of a share of a fifth
    ends, middle = counts[0] + counts[9], counts[4] + counts[5]
    if ends > total / 5 + error and min(counts[0], counts[9]) > total / 10:
        return "They crowd at the ends: intervals are too narrow."
    if middle > total / 5 + error and ends < total / 5 - error:
        return "They crowd in the middle: intervals are too wide."
    low = sum(counts[:5])
    if abs(low - total / 2) > math.sqrt(total):
        return f"They lean to the {'low' if low > total / 2 else 'high'} side: estimates are biased."
    return "No pattern: neither too narrow, nor too wide, nor to one side."


def _cross_table(found: Sequence[Mapping[str, Any]]) -> str:
    heads = ("data made by", *(f"score of the {name}" for name in words.PAIN_MODELS.values()), "lead", "expected")
    rows = []
    for one in found:
        scores = (f"{one['log_score'][model]:.2f}" for model in words.PAIN_MODELS)
        ahead = f"{100 * one['right_leads']:.0f} %"
        rows.append(
            (words.PAIN_MODELS[one["true"]], *scores, f"**{one['lead']:z.2f}**", f"{one['lead_expected']:z.2f}", ahead)
        )
    return _table((*heads, "right one ahead"), rows)


def _cross_sentence(one: Mapping[str, Any]) -> str:
    name, lead = words.PAIN_MODELS[one["true"]], one["lead_expected"]
    odds = f"odds of {words.significant(math.exp(min(abs(lead), 700.0)), 2)} to 1"
    if lead >= _TELLING:
        said = f"the held-out trial tells on average, by {lead:.2f} for it ({odds}): the wrong one is usually refused"
    elif lead > 0:
        said = f"on average the held-out trial leans to it by {lead:.2f} ({odds}), too little to tell"
    else:
        said = (
            f"on average the held-out trial leans to the wrong model by {-lead:.2f} ({odds}): it would not be refused"
        )
    return f"Data made by the {name}: {said}."


_NAMES = {
    "leiden drug week 1": "pain on esketamine, week 1",
    "leiden placebo week 1": "pain on placebo, week 1",
    "leiden difference week 1": "minus placebo, week 1",
    "leiden difference week 12": "minus placebo, week 12",
}


def _predicted_table(found: Sequence[Mapping[str, Any]]) -> str:
    heads = ("data made by", "Leiden trial", "truth", *(f"{name} predicts" for name in words.PAIN_MODELS.values()))
    rows = []
    for one in found:
        for place, (name, label) in enumerate(_NAMES.items()):
            cells = []
            for model in words.PAIN_MODELS:
                low, middle, high = one["predicted"][model][name]
                cells.append(f"{middle:z.1f} ({low:z.1f} to {high:z.1f})")
            rows.append(("" if place else words.PAIN_MODELS[one["true"]], label, f"{one['truth'][name]:z.1f}", *cells))
    return _table(heads, rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown; no cell holds what would end it."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main(results: str, page: str) -> None:
    """Write the page.

    Parameters
    ----------
    results : str
        ``adequacy.json``.
    page : str
        Where the page goes.

    Raises
    ------
    InputError
        If the results are missing or cannot be read.
    """
    try:
        told = json.loads(Path(results).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{results} cannot be read ({error}); run: make adequacy") from None
    Path(page).write_text(adequacy_page(told), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:3])
