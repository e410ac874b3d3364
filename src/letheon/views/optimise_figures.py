"""Figures of a search: relief against each cost, as plain dictionaries in Plotly's own form."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

from letheon.views import optimise_words as said
from letheon.views.figures import axes as traces
from letheon.views.figures.rows import BLUE, GREY, ORANGE

__all__ = ["FAINT", "costs", "scatter"]

FAINT = "#b4bac2"
_RELIEF = "relief_days"
_BEYOND = 1.5
_LONGEST = 32  # letters that an axis on a phone holds


def costs(document: Mapping[str, Any]) -> list[str]:
    """Return the measures that relief is drawn against.

    Parameters
    ----------
    document : mapping
        Document of a search.

    Returns
    -------
    list of str
        The goals but relief itself; the hours on the drip if there are none.
    """
    return [goal["measure"] for goal in document["goals"] if goal["measure"] != _RELIEF] or ["hours"]


def scatter(document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], cost: str) -> traces.Figure:
    """Return the figure of relief against one cost.

    Parameters
    ----------
    document : mapping
        Document of a search.
    rows : sequence of mapping
        Its table, for the candidates that are not on the front.
    cost : str
        Measure of the horizontal axis.

    Returns
    -------
    dict
        In Plotly's own form.
    """
    others = [row for row in rows if row["kind"] == "candidate" and not row["front"]]
    data = [
        _marks(
            [row[cost] for row in others],
            [row[_RELIEF] for row in others],
            [_other_words(row, document, cost) for row in others],
            {"color": FAINT, "size": 5, "symbol": "circle"},
        )
    ]
    front, published = document["front"], document["published"]
    if front:
        data.append(_of(front, cost, [_front_words(entry, cost) for entry in front], BLUE, "circle", 8))
    if published:
        told = [f"{said.name_of(entry)}: {said.published_words(entry)}" for entry in published]
        data.append(_of(published, cost, told, ORANGE, "diamond", 10))
    ends = [entry["measures"] for entry in (*front, *published)]
    spent = [entry["measures"][cost]["mean"] for entry in front] + [row[cost] for row in others]
    far = max(spent, default=math.inf) * _BEYOND  # one published regimen far out would press all others together
    high = max([*spent, *(m[cost]["mean"] for m in ends if m[cost]["mean"] <= far)], default=1.0)
    top = max([m[_RELIEF]["mean_interval"][1] for m in ends] + [row[_RELIEF] for row in others], default=1.0)
    unit = ends[0][cost]["unit"] if ends else ""
    layout = traces.layout(traces.Window(1.05 * (high or 1.0), 1.0, "days"), "Relief days", 1.05 * (top or 1.0))
    layout["xaxis"] = {
        key: value for key, value in layout["xaxis"].items() if key not in {"dtick", "unifiedhovertitle", "tick0"}
    }
    means = next((goal["means"] for goal in document["goals"] if goal["measure"] == cost), said.label(cost))
    means = said.label(cost) if len(means) > _LONGEST else means
    title = f"{means[:1].upper()}{means[1:]} ({said.UNITS.get(unit, unit)})"
    layout["xaxis"] |= {"title": {"text": title, "standoff": 10}, "showgrid": True, "gridcolor": "#e3e5e8"}
    layout |= {"hovermode": "closest", "shapes": _limits(document)}
    return {"data": data, "layout": layout}


def _marks(x: Sequence[Any], y: Sequence[Any], told: Sequence[str], marker: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": traces.numbers(x),
        "y": traces.numbers(y),
        "text": [html.escape(text) for text in told],
        "hoverinfo": "text",
        "marker": dict(marker),
    }


def _of(
    entries: Sequence[Mapping[str, Any]], cost: str, told: Sequence[str], colour: str, symbol: str, size: int
) -> dict[str, Any]:
    relief = [entry["measures"][_RELIEF] for entry in entries]
    x = [entry["measures"][cost]["mean"] for entry in entries]
    trace = _marks(x, [m["mean"] for m in relief], told, {"color": colour, "size": size, "symbol": symbol})
    up = traces.numbers([m["mean_interval"][1] - m["mean"] for m in relief])
    down = traces.numbers([m["mean"] - m["mean_interval"][0] for m in relief])
    bars = {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "thickness": 0.8, "width": 0}
    return trace | ({"error_y": bars | {"color": colour}} if colour == BLUE else {})


def _front_words(entry: Mapping[str, Any], cost: str) -> str:
    regimen = ", ".join(entry["values"].values())
    relief, spent = entry["measures"][_RELIEF], entry["measures"][cost]
    return f"{entry['number']}: {regimen}; {said.interval(relief)} relief days, {said.label(cost)} {said.value(spent)}"


def _other_words(row: Mapping[str, Any], document: Mapping[str, Any], cost: str) -> str:
    regimen = ", ".join(str(row[v["path"]]) for v in document["variables"])
    broken = "" if row["feasible"] else "; breaks a limit"
    return f"{regimen}; {row[_RELIEF]:.1f} relief days{broken}"


def _limits(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Draw the limits of relief as lines."""
    edges = [
        limit[key]
        for limit in document["constraints"]
        if limit["measure"] == _RELIEF
        for key in ("at_least", "at_most")
        if limit[key] is not None
    ]
    line = {"color": GREY, "width": 1, "dash": "dot"}
    return [
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": edge, "y1": edge, "line": line}
        for edge in edges
    ]
