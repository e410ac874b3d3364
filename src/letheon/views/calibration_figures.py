"""Figures of a calibration: what was reported beside prior and posterior, and how far the data moved each parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from letheon.views import calibration_words as words
from letheon.views.row_figures import BLUE, GREY, ORANGE, Rows, span

__all__ = ["PREDICTION_AXES", "movement", "predictions"]

PREDICTION_AXES = {"NRS": "Pain, or a difference of pain (NRS points, 0–10)", "share": "Share (%)"}
_PRIOR_90 = words.SPREAD_OF_90


def predictions(found: Sequence[words.Check], unit: str) -> Rows | None:
    """Return the predictive figure of one unit, by study.

    In each row, from above: what was reported (diamond with its 90 % error, or the limits of a statement), the
    posterior (thick) within what a trial of that size would report (thin), and the prior.

    Parameters
    ----------
    found : sequence of Check
        From `letheon.views.calibration_words.checks`.
    unit : str
        ``NRS`` or ``share``.

    Returns
    -------
    Rows or None
        None where there is nothing in that unit.
    """
    scale = 100.0 if unit == "share" else 1.0
    some = [check for check in found if check.unit == unit]
    if not some:
        return None
    ends = [scale * end for check in some for end in _ends(check)]
    low, high = (-2.0, 102.0) if unit == "share" else span(ends, 0.0, 8.0)
    rows = Rows(PREDICTION_AXES[unit], low, high)
    for study, checks in groupby(some, key=lambda check: check.study):
        rows.heading(study or "other")
        for check in checks:
            outside = ", outside" if check.inside is False else ""
            note = "" if check.reported is None else f"{'' if check.fitted else 'not fitted'}{outside}".lstrip(", ")
            rows.row(check.label, note)
            _prediction(rows, check, scale, (low, high))
    return rows


def _ends(check: words.Check) -> list[float]:
    told = [*check.prior["interval_90"], *check.posterior["interval_90"], *(check.trial or ())]
    if check.reported is not None:
        told += [end for end in _reported(check.reported) if end is not None]
    return told


def _reported(told: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return the 90 % error of a value, or the limits of a statement; None for an open end."""
    if told.get("n"):
        from letheon.harms.finding import jeffreys_interval  # heavy

        return jeffreys_interval(told["count"], told["n"], 0.9)
    if told.get("value") is not None:
        error = words.SPREAD_OF_90 * told["se"]
        return told["value"] - error, told["value"] + error
    return told.get("low"), told.get("high")


def _prediction(rows: Rows, check: words.Check, scale: float, axis: tuple[float, float]) -> None:
    prior, posterior = ([scale * end for end in told["interval_90"]] for told in (check.prior, check.posterior))
    amount, interval = words.amount, words.interval
    middle = {what: amount(told["median"], check.unit) for what, told in _both(check).items()}
    said = {what: interval(told["interval_90"], check.unit) for what, told in _both(check).items()}
    rows.interval(prior[0], prior[1], GREY, 2.4, 9, f"prior {middle['prior']}, 90 % {said['prior']}")
    if check.trial is not None:
        ends = scale * check.trial[0], scale * check.trial[1]
        rows.interval(*ends, BLUE, 1.4, 1, f"a trial of that size, 90 % {interval(check.trial, check.unit)}")
    told = f"posterior {middle['posterior']}, 90 % {said['posterior']}"
    rows.interval(posterior[0], posterior[1], BLUE, 5, 1, told)
    rows.mark(scale * check.posterior["median"], BLUE, "circle", 1, told, 8)
    if check.reported is None:
        return
    low, high = _reported(check.reported)
    words_of = f"reported {words.reported_words(check)}"
    drawn = axis[0] if low is None else scale * low, axis[1] if high is None else scale * high
    if check.reported.get("value") is None:
        rows.interval(*drawn, ORANGE, 5, -7, words_of)
    else:
        rows.interval(*drawn, ORANGE, 2, -7, words_of)
        rows.mark(scale * check.reported["value"], ORANGE, "diamond", -7, words_of, 10)


def _both(check: words.Check) -> dict[str, Mapping[str, Any]]:
    return {"prior": check.prior, "posterior": check.posterior}


def movement(report: Mapping[str, Any], local: bool) -> Rows | None:
    """Return how far the data moved each parameter from its prior, in SDs of the prior.

    Dots are posterior means, lines 90 % intervals; the shaded band holds 90 % of the prior. Filled blue dots are
    identified, open orange ones are not.

    Parameters
    ----------
    report : mapping
        Report of a calibration.
    local : bool
        The parameters of single studies, or else those of the population.

    Returns
    -------
    Rows or None
        None where there are none.
    """
    some = {name: told for name, told in report["parameters"].items() if ("@" in name) is local}
    if not some:
        return None
    halves = {name: words.SPREAD_OF_90 * told["sd_over_prior"] for name, told in some.items()}
    ends = [told["shift"] + sign * halves[name] for name, told in some.items() for sign in (-1, 1)]
    rows = Rows("Posterior in SDs of the prior", *span(ends, -2.5, 2.5), row=34)
    rows.band(-_PRIOR_90, _PRIOR_90, GREY, whole=True)
    for name, told in some.items():
        known = told["identified"]
        rows.row(name)
        unit = words.unit_words(told["unit"])
        said = (
            f"{words.parameter_words(name)}: {words.significant(told['median'])} {unit}".rstrip()
            + f", 90 % {words.interval(told['interval_90'], '')}; contraction {told['contraction']:z.2f}"
        )
        colour = BLUE if known else ORANGE
        rows.interval(told["shift"] - halves[name], told["shift"] + halves[name], colour, 3 if known else 1.6, 2, said)
        rows.mark(told["shift"], colour, "circle" if known else "circle-open", 2, said, 10)
    return rows
