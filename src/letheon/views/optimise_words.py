"""What a search found, in words and numbers that the terminal and the page share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from letheon.views.document.numbers import ABSENT
from letheon.views.spans import ends

__all__ = [
    "LABELS",
    "UNITS",
    "cells",
    "chance",
    "columns",
    "goal_names",
    "interval",
    "label",
    "lead",
    "measure_heads",
    "name_of",
    "published_words",
    "reading",
    "value",
]

LABELS = {
    "relief_days": "relief days",
    "rival_relief_days": "relief days, other pain model",
    "pain_free_days": "pain-free days",
    "remission": "remission within 14 days",
    "dose_mg": "dose",
    "hours": "hours",
    "dosing_days": "dosing days",
    "boosters": "boosters a year",
    "psychedelic_load": "psychedelic load",
    "psychedelic_hours": "hours above 10 % psychedelic load",
    "side_effects": "side effects",
}
UNITS = {"days": "days", "mg": "mg", "h": "h", "%": "%", "mL": "mL", "NRS": "NRS", "share": "%", "a year": "a year"}
_READING = (
    "Every number is a mean over patients, who differ widely: `letheon simulate` shows their median and range."
    " Brackets hold 90 % intervals of the mean over what is not known about the parameters. The chance is the share of"
    " draws of the parameters under which no other regimen that was simulated is at least as good in all goals and"
    " better in one.",
    "All regimens were simulated in the same virtual patients and under the same draws, so what parts two of them is"
    " surer than either interval. The front is the best of many, and the best of many looks a little better than it"
    " is.",
)


def label(name: str) -> str:
    """Return a measure's name for reading.

    Parameters
    ----------
    name : str
        Of the measure.

    Returns
    -------
    str

    Examples
    --------
    >>> label("relief_days"), label("nrs_day_28")
    ('relief days', 'nrs day 28')
    """
    return LABELS.get(name, name.replace("_", " "))


def value(told: Mapping[str, Any]) -> str:
    """Return the mean of a measure as its unit asks for it, without the unit.

    Parameters
    ----------
    told : mapping
        Entry of a measure.

    Returns
    -------
    str

    Examples
    --------
    >>> value({"mean": 0.524, "unit": "share"}), value({"mean": 1473.2, "unit": "mg"})
    ('52', '1473')
    """
    return _number(told["mean"], told["unit"])


def _number(number: float | None, unit: str) -> str:
    if number is None:
        return ABSENT
    if unit == "share":
        return f"{100 * number:.0f}"
    if unit in {"NRS", "days", "a year"}:
        return f"{number:.1f}"
    return f"{number:.0f}" if abs(number) >= 10 or number == round(number) else f"{number:.1f}"


def interval(told: Mapping[str, Any]) -> str:
    """Return the mean of a measure with its interval, where it has one.

    Parameters
    ----------
    told : mapping
        Entry of a measure.

    Returns
    -------
    str

    Examples
    --------
    >>> interval({"mean": 41.0, "mean_interval": [27.0, 55.1], "unit": "days"})
    '41.0 [27.0, 55.1]'
    """
    low, high = (_number(end, told["unit"]) for end in told["mean_interval"])
    middle = value(told)
    return f"{middle} [{ends(low, high, ', ')}]"


def name_of(entry: Mapping[str, Any]) -> str:
    """Return the name of a published regimen, or of an arm of the scenario, for reading.

    Parameters
    ----------
    entry : mapping
        Entry of a published regimen.

    Returns
    -------
    str

    Examples
    --------
    >>> name_of({"kind": "arm", "name": "hundred_hours"}), name_of({"kind": "study", "name": "goldberg2010 racemic"})
    ('arm hundred hours', 'goldberg2010 racemic')
    """
    return f"{'arm ' if entry['kind'] == 'arm' else ''}{entry['name'].replace('_', ' ')}"


def chance(share: float | None) -> str:
    """Return a chance as a percentage.

    Parameters
    ----------
    share : float or None
        From 0 to 1.

    Returns
    -------
    str

    Examples
    --------
    >>> chance(0.984), chance(None)
    ('98 %', '-')
    """
    return "-" if share is None else f"{100 * share:.0f} %"


def goal_names(document: Mapping[str, Any]) -> list[str]:
    """Return the measures that a table shows: goals, limits, and relief, which is always shown.

    Parameters
    ----------
    document : mapping
        Document of a search.

    Returns
    -------
    list of str
    """
    asked = [goal["measure"] for goal in document["goals"]] + [limit["measure"] for limit in document["constraints"]]
    return list(dict.fromkeys(["relief_days", *asked]))


def measure_heads(document: Mapping[str, Any], unit: str) -> list[str]:
    """Return headings of the measures that a table shows, with their units where the name does not say them.

    Parameters
    ----------
    document : mapping
        Document of a search.
    unit : str
        How a unit is put behind a name, such as ``", {}"``.

    Returns
    -------
    list of str
    """
    first = [*document["front"], *document["published"]][0]["measures"]
    found = []
    for name in goal_names(document):
        said, measured_in = label(name), first[name]["unit"]
        known = {"days": "days", "h": "hours", "a year": "a year"}.get(measured_in, "\0") in said
        found.append(said if known else said + unit.format(UNITS.get(measured_in, measured_in)))
        if "minus_placebo" in first[name]:
            found.append("minus placebo")
    return found


def cells(document: Mapping[str, Any], entry: Mapping[str, Any], wide: Sequence[str] | None = None) -> list[str]:
    """Return what a table shows of a regimen's measures, as `measure_heads` names it.

    Parameters
    ----------
    document : mapping
        Document of a search.
    entry : mapping
        A regimen.
    wide : sequence of str, optional
        Measures that are shown with their intervals; all unless given.

    Returns
    -------
    list of str
    """
    names = goal_names(document)
    found = []
    for name in names:
        told = entry["measures"][name]
        write = interval if wide is None or name in wide else value
        found.append(write(told))
        if "minus_placebo" in told:
            found.append(
                write(
                    {"mean": told["minus_placebo"], "mean_interval": told["minus_placebo_interval"]}
                    | {"unit": told["unit"]}
                )
            )
    return found


def lead(document: Mapping[str, Any]) -> Iterator[str]:
    """Say what was searched, for what, and how much of it was seen.

    Parameters
    ----------
    document : mapping
        Document of a search.

    Yields
    ------
    str
        Sentences.
    """
    searched = document["searched"]
    some = f"All {searched['of']}" if searched["whole"] else f"{searched['candidates']} of {searched['of']}"
    yield (
        f"{some} regimens in the ranges of arm {document['arm']} were simulated, each in {document['n_patients']}"
        f" virtual patients over {document['follow_up_days']:g} days, seed {document['seed']}."
    )
    ways = [f"{'more' if g['direction'] == 'maximise' else 'less'}: {label(g['measure'])}" for g in document["goals"]]
    yield f"Goals: {'; '.join(ways)}."
    for limit in document["constraints"]:
        edges = [
            f"{word} {_number(limit[key], limit['unit'])} {UNITS.get(limit['unit'], limit['unit'])}"
            for key, word in (("at_least", "at least"), ("at_most", "at most"))
            if limit[key] is not None
        ]
        of = f" (that of arm {' and '.join(limit['of'])})" if limit["of"] else ""
        yield f"Limit: {label(limit['measure'])} {' and '.join(edges)}{of}."
    if not document["front"]:
        yield "No regimen keeps all limits: widen them, or the ranges."
    else:
        count = len(document["front"])
        yield f"The front has {count} regimens: none of those simulated beats one of them in all goals."
    for sham in document["placebo"]:
        yield f"Placebo ({sham['name']}): {value(sham['measures']['relief_days'])} relief days."
    if not document["placebo"]:
        yield "No placebo arm is in this scenario: relief is not compared with placebo."


def columns(document: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Return what varies, as columns of a table: short names, with the unit where all values have the same.

    Parameters
    ----------
    document : mapping
        Document of a search.

    Returns
    -------
    list of (str, list of str)
        Heading, and a cell for each regimen of the front.
    """
    paths = [variable["path"] for variable in document["variables"]]
    found = []
    for path in paths:
        steps = path.split(".")
        ends = [".".join(steps[-k:]) for k in range(1, len(steps) + 1)]
        name = next(e for e in ends if sum(p == e or p.endswith(f".{e}") for p in paths) == 1)
        cells = [entry["values"][path] for entry in document["front"]]
        name = name.replace(".", " ").replace("_", " ")  # so that headings break between words
        parted = [cell.partition(" ") for cell in cells]
        units = {unit for _, _, unit in parted}
        same = len(units) == 1 and "" not in units and all(number[:1].isdigit() for number, _, _ in parted)
        found.append((f"{name}, {units.pop()}", [number for number, _, _ in parted]) if same else (name, cells))
    return found


def published_words(entry: Mapping[str, Any]) -> str:
    """Say how a published regimen stands against the front.

    Parameters
    ----------
    entry : mapping
        Entry of a published regimen.

    Returns
    -------
    str

    Examples
    --------
    >>> published_words({"beaten_by": [3, 7], "feasible": True, "compared_on": ["hours"]})
    'beaten by 3 and 7'
    """
    numbers = [str(number) for number in entry["beaten_by"]]
    if len(numbers) > 4:
        said = f"beaten by {', '.join(numbers[:3])} and {len(numbers) - 3} more"
    elif numbers:
        said = f"beaten by {' and '.join(filter(None, [', '.join(numbers[:-1]), numbers[-1]]))}"
    else:
        said = ""
    return "; ".join(filter(None, ["" if entry["feasible"] else "breaks a limit", said])) or "not beaten"


def reading(document: Mapping[str, Any]) -> Iterator[str]:
    """Say how to read what was found.

    Parameters
    ----------
    document : mapping
        Document of a search.

    Yields
    ------
    str
        Sentences.
    """
    yield from _READING
    limited = [label(limit["measure"]) for limit in document["constraints"]]
    if limited:
        yield f"A published regimen counts as beaten only by one that is no worse in {' and '.join(limited)} either."
    drugs = {entry["drug"] for entry in document["front"]}
    if any(entry["drug"] not in drugs for entry in document["published"]) and any(
        goal["measure"] == "dose_mg" for goal in document["goals"]
    ):
        yield "Regimens of another drug are compared on all goals but the dose: milligrams of different drugs differ."
    if any(entry["support"] == "assumed" for entry in document["front"]):
        yield "Support is assumed where no study in CRPS gave this drug over as many days at a similar dose."
