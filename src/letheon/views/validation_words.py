"""What a validation says, in words: how each model did on trials that it never saw, and which did better.

Everything comes from the document of a validation. Terminal, page and documentation share it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from letheon.views.calibration_words import ABSENT, PAIN_MODELS, significant

__all__ = [
    "Bar",
    "bars",
    "chance",
    "event_sentence",
    "expected_sentence",
    "idle",
    "inside_words",
    "misses",
    "models",
    "outcomes",
    "percent",
    "quantity_interval",
    "spread_heads",
    "spread_rows",
    "spread_sentence",
    "timing_words",
    "verdict",
]

_NOTHING = 1e-6
_LIKELY = 0.05  # chance of an event below which a model is said to miss it


class Bar(NamedTuple):
    """One assumption of the tornado.

    Attributes
    ----------
    assumption, low_label, high_label : str
        What is moved, and to what.
    low, high : float or None
        Outcome at both ends.
    """

    assumption: str
    low_label: str
    high_label: str
    low: float | None
    high: float | None


def models(document: Mapping[str, Any]) -> list[str]:
    """Return the pain models of a validation.

    Parameters
    ----------
    document : mapping
        Document of a validation.

    Returns
    -------
    list of str
        In its order.
    """
    return list(document["total"]["log_score"])


def percent(share: float | None) -> str:
    """Return a chance in percent: what is nearly never or nearly always keeps a decimal.

    Parameters
    ----------
    share : float or None
        Chance.

    Returns
    -------
    str

    Examples
    --------
    >>> percent(0.354), percent(0.0052), percent(0.0002)
    ('35 %', '0.5 %', 'under 0.1 %')
    """
    if share is None:
        return ABSENT
    if 0.0 < share < 0.0005:
        return "under 0.1 %"
    return f"{100 * share:.1f} %" if 0.0 < share < 0.0095 or 0.9905 < share < 1.0 else f"{100 * share:.0f} %"


def chance(found: Mapping[str, Any]) -> str:
    """Return the chance that a model gave an event, with its error of simulation.

    Parameters
    ----------
    found : mapping
        Entry of a model.

    Returns
    -------
    str
    """
    error = found.get("mc_se")
    return percent(found["chance"]) + (f" ± {percent(error)}" if error else "")


def inside_words(quantity: Mapping[str, Any]) -> str:
    """Return the narrowest interval of a quantity that meets what was seen.

    Parameters
    ----------
    quantity : mapping
        Quantity of a model.

    Returns
    -------
    str
        ``50 %``, ``90 %`` or ``NO``.
    """
    return next((f"{level} %" for level in ("50", "90") if quantity["inside"][level]), "NO")


def quantity_interval(quantity: Mapping[str, Any], level: str) -> str:
    """Return an interval of a quantity.

    Parameters
    ----------
    quantity : mapping
        Quantity of a model.
    level : str
        ``50`` or ``90``.

    Returns
    -------
    str
    """
    low, high = quantity["intervals"][level]
    return f"{low:z.1f} to {high:z.1f}"


def event_sentence(study: Mapping[str, Any]) -> str:
    """Return what was found and how likely each model held it.

    Parameters
    ----------
    study : mapping
        Entry of a study.

    Returns
    -------
    str
        One sentence.
    """
    said = ", ".join(f"{PAIN_MODELS.get(m, m)} {percent(e['chance'])}" for m, e in study["models"].items())
    return f"Found: {study['event']}. Chance given to it: {said}."


def misses(document: Mapping[str, Any]) -> list[str]:
    """Return what the models missed, a sentence for each event to which a model gave less than 5 %.

    Parameters
    ----------
    document : mapping
        Document of a validation.

    Returns
    -------
    list of str
        A miss is a finding about the model, not a flaw of the trial.
    """
    found = []
    for study in document["studies"]:
        for model, entry in study["models"].items():
            if entry["chance"] < _LIKELY:
                outside = [q["quantity"] for q in entry["quantities"] if not q["inside"]["90"]]
                where = f" Outside its 90 % intervals: {', '.join(outside)}." if outside else ""
                found.append(
                    f"The {PAIN_MODELS.get(model, model)} model misses {study['study']}: it gave "
                    f"{percent(entry['chance'])} to what was found ({study['event']}).{where}"
                )
    return found


def verdict(document: Mapping[str, Any]) -> str:
    """Return which model predicts better, by how much, or that the trials cannot tell.

    Parameters
    ----------
    document : mapping
        Document of a validation.

    Returns
    -------
    str
        One or two sentences.
    """
    total = document["total"]
    if "difference" not in total:
        return "One model alone was scored: there is nothing to compare it with."
    one, other = models(document)
    difference, telling = total["difference"], total["telling"]
    better, worse = (one, other) if difference >= 0 else (other, one)
    by = f"{abs(difference):.2f} in log score (odds of {significant(math.exp(min(abs(difference), 700)), 2)} to 1)"
    limit = f"{telling:.2f} (odds of {math.exp(telling):.0f} to 1)"
    first, second = (f"the {PAIN_MODELS.get(m, m)} model" for m in (better, worse))
    if abs(difference) < telling:
        return (
            f"These trials cannot tell which model predicts better: {first} leads by {by}, and a difference of less "
            f"than {limit} tells nothing."
        )
    return (
        f"{first[:1].upper()}{first[1:]} predicts better than {second}, by {by}; the smallest difference that tells "
        f"anything is {limit}."
    )


def expected_sentence(document: Mapping[str, Any]) -> str:
    """Return what difference these trials could be expected to show if one or the other model were true.

    Parameters
    ----------
    document : mapping
        Document of a validation.

    Returns
    -------
    str
        Empty where one model alone was scored.
    """
    total = document["total"]
    if "expected_if" not in total:
        return ""
    parts = [
        f"{abs(value):.2f} in its favour if the {PAIN_MODELS[model]} model were true"
        for model, value in total["expected_if"].items()
    ]
    weak = [value for value in total["expected_if"].values() if abs(value) < total["telling"]]
    judged = "too few trials, or too much alike, to tell the two apart" if weak else "enough to tell the two apart"
    return f"Expected difference: {' and '.join(parts)}: {judged}."


def timing_words(row: Mapping[str, Any]) -> list[str]:
    """Return a row of the timing table: share relieved at the end, days to the return, share relieved at 90 days.

    Parameters
    ----------
    row : mapping
        Entry of ``timing``.

    Returns
    -------
    list of str
        Three cells.
    """
    day = row["median_days_to_return"]
    back = "not in 180" if day is None else f"{day:.0f}"
    return [percent(row["relieved_at_end"]), back, percent(row["relieved_at_90_days"])]


# --- between studies ---


def spread_sentence(found: Mapping[str, Any]) -> str:
    """Return what the table of the spread between studies shows.

    Parameters
    ----------
    found : mapping
        From `letheon.study.validate.between_studies.between_studies`.

    Returns
    -------
    str
        A few sentences.
    """
    sds = ", ".join(
        f"{told['median']:.2f} (90 % {told['interval_90'][0]:.2f} to {told['interval_90'][1]:.2f}) with the "
        f"{PAIN_MODELS.get(model, model)} model"
        for model, told in found["fitted_sd"].items()
    )
    return (
        "A handful of studies hardly tells how far one study lies from the next. The SD of the log odds of lasting "
        f"relief was fitted as {sds}; here it is 0 and 0.6 as well, and nothing else is changed. Intervals hold 90 % "
        f"of trials of the 100-hour infusion with {found['patients']} patients an arm, in a study not seen before."
    )


def spread_heads() -> tuple[str, ...]:
    """Return the heads of that table."""
    return ("predicted", "reported", "model", "studies alike (0)", "as fitted", "far apart (0.6)")


def spread_rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the rows of that table: quantities with intervals, then chances and log scores of the held-out trials.

    Parameters
    ----------
    found : mapping
        From `letheon.study.validate.between_studies.between_studies`.

    Returns
    -------
    list of tuple of str
        Cells under `spread_heads`.
    """
    names = list(found["fitted_sd"])
    sds = list(dict.fromkeys(row["sd"] for row in found["rows"]))
    rows: list[tuple[str, ...]] = []

    def add(what: str, seen: str, cell: Callable[[str, str], str]) -> None:
        for number, model in enumerate(names):
            first = ("", "") if number else (what, seen)
            rows.append((*first, PAIN_MODELS.get(model) or model, *(cell(model, sd) for sd in sds)))

    told = {(row["quantity"], row["model"], row["sd"]): row for row in found["rows"]}
    for quantity in dict.fromkeys(row["quantity"] for row in found["rows"]):
        one = told[quantity, names[0], sds[0]]
        seen = ABSENT if one["reported"] is None else f"{one['reported']:.2f}"

        def interval(model: str, sd: str, quantity: str = quantity) -> str:
            row = told[quantity, model, sd]
            low, high = row["interval_90"]
            return f"{row['median']:z.1f} ({low:z.1f} to {high:z.1f})"

        add(f"{quantity} [{one['unit']}]" if one["unit"] == "NRS" else quantity, seen, interval)
    scores = {(row["model"], row["sd"]): row for row in found["scores"]}
    for study in found["scores"][0]["chances"] if found["scores"] else ():
        add(f"chance of what {study} found", "", lambda m, sd, study=study: percent(scores[m, sd]["chances"][study]))
    add("total log score", "", lambda m, sd: f"{scores[m, sd]['log_score']:.2f}")
    return rows


# --- sensitivity ---


def outcomes(sensitivity: Mapping[str, Any]) -> list[tuple[str, str, str, float | None]]:
    """Return what the tornado is drawn for.

    Parameters
    ----------
    sensitivity : mapping
        From `letheon.study.validate.sensitivity.tornado`.

    Returns
    -------
    list of (str, str, str, float or None)
        Model, outcome, what it is, and its value at the baseline.
    """
    seen = dict.fromkeys((row["model"], row["outcome"]) for row in sensitivity["rows"])
    named, baseline = sensitivity.get("outcomes", {}), sensitivity["baseline"]
    return [(m, o, named.get(o, o.replace("_", " ")), baseline.get(m, {}).get(o)) for m, o in seen]


def bars(sensitivity: Mapping[str, Any], model: str, outcome: str) -> Sequence[Bar]:
    """Return the rows of one tornado, the widest first.

    Parameters
    ----------
    sensitivity : mapping
        From `letheon.study.validate.sensitivity.tornado`.
    model, outcome : str
        Which tornado.

    Returns
    -------
    sequence of Bar
    """
    base = sensitivity["baseline"].get(model, {}).get(outcome)
    found = [
        Bar(row["assumption"], row["low_label"], row["high_label"], row["low"], row["high"])
        for row in sensitivity["rows"]
        if (row["model"], row["outcome"]) == (model, outcome)
    ]

    def width(bar: Bar) -> float:
        ends = [end for end in (bar.low, bar.high, base) if end is not None]
        return max(ends) - min(ends) if ends else 0.0

    return sorted(found, key=width, reverse=True)


def idle(bar: Bar, base: float | None) -> bool:
    """Return whether an assumption changes nothing.

    Parameters
    ----------
    bar : Bar
        A row of the tornado.
    base : float or None
        Outcome as it is.

    Returns
    -------
    bool

    Examples
    --------
    >>> idle(Bar("flares", "none", "three times as many", 5.4, 5.4), 5.4)
    True
    """
    return base is not None and all(end is not None and abs(end - base) < _NOTHING for end in (bar.low, bar.high))
