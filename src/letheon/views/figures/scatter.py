"""Figures of points: one measure against another, as plain dictionaries in Plotly's own form."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from letheon.views.figures import axes
from letheon.views.figures.curves import PLACEBO_GREYS


_GRID = "#e3e5e8"


@dataclass(frozen=True, slots=True)
class Marks:
    """Points of one kind: where they lie, what each says when pointed at, and how they are drawn.

    `symbol` is one of Plotly's, `size` in pixels; `intervals` are low and high ends of y.
    """

    x: Sequence[float | None]
    y: Sequence[float | None]
    texts: Sequence[str]
    colour: str
    symbol: str = "circle"
    size: int = 8
    intervals: Sequence[tuple[float | None, float | None]] = ()


def scatter(
    marks: Sequence[Marks], titles: tuple[str, str], right: float, top: float, levels: Sequence[float] = ()
) -> axes.Figure:
    """Return a figure of points up to `right` and `top`; `titles` are of x and y, `levels` dotted lines across."""
    layout = axes.layout(axes.Window(right, 1.0, ""), titles[1], top)
    layout["xaxis"] = {k: v for k, v in layout["xaxis"].items() if k not in {"dtick", "unifiedhovertitle", "tick0"}}
    layout["xaxis"] |= {"title": {"text": titles[0], "standoff": 10}, "showgrid": True, "gridcolor": _GRID}
    line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y"}
    line |= {"line": {"color": PLACEBO_GREYS[0], "width": 1, "dash": "dot"}}
    layout |= {"hovermode": "closest", "shapes": [line | {"y0": level, "y1": level} for level in levels]}
    return {"data": [_trace(one) for one in marks], "layout": layout}


def _trace(marks: Marks) -> dict[str, Any]:
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": _numbers(marks.x),
        "y": _numbers(marks.y),
        "text": [html.escape(text) for text in marks.texts],
        "hoverinfo": "text",
        "marker": {"color": marks.colour, "size": marks.size, "symbol": marks.symbol},
    }
    if marks.intervals:
        up = [_distance(y, high) for y, (_, high) in zip(marks.y, marks.intervals, strict=True)]
        down = [_distance(low, y) for y, (low, _) in zip(marks.y, marks.intervals, strict=True)]
        bars = {"type": "data", "symmetric": False, "array": _numbers(up), "arrayminus": _numbers(down)}
        trace["error_y"] = bars | {"thickness": 0.8, "width": 0, "color": marks.colour}
    return trace


def _distance(low: float | None, high: float | None) -> float | None:
    return None if low is None or high is None else high - low


def _numbers(values: Sequence[float | None]) -> list[float | int | None]:
    return [None if value is None else axes.number(value) for value in values]
