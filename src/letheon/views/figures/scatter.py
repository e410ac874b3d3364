"""Figures of points: one measure against another, as plain dictionaries in Plotly's own form."""

import html
from collections.abc import Sequence
from typing import NamedTuple

from letheon.views.figures import axes
from letheon.views.figures.curves import PLACEBO_GREYS


class Marks(NamedTuple):
    """Points of one kind: where they lie, what each says when pointed at, and how they are drawn."""

    x: Sequence[float | None]
    y: Sequence[float | None]
    texts: Sequence[str]
    colour: str
    symbol: str = "circle"  # of Plotly's
    size: int = 8  # [px]
    intervals: Sequence[tuple[float | None, float | None]] = ()  # low and high ends of y


def scatter(
    marks: Sequence[Marks], titles: tuple[str, str], right: float, top: float, levels: Sequence[float] = ()
) -> axes.Figure:
    """Return a figure of points up to `right` and `top`; `titles` are of x and y, `levels` dotted lines across."""
    layout = axes.layout(axes.Window(right, 1.0, ""), titles[1], top)
    layout["xaxis"] = {k: v for k, v in layout["xaxis"].items() if k not in {"dtick", "unifiedhovertitle", "tick0"}}
    layout["xaxis"] |= {"title": {"text": titles[0], "standoff": 10}, "showgrid": True, "gridcolor": axes.GRID}
    line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y"}
    line |= {"line": {"color": PLACEBO_GREYS[0], "width": 1, "dash": "dot"}}
    layout |= {"hovermode": "closest", "shapes": [line | {"y0": level, "y1": level} for level in levels]}
    return {"data": [_trace(one) for one in marks], "layout": layout}


def _trace(marks: Marks) -> axes.Figure:
    trace = axes.trace("markers", axes.numbers(marks.x), axes.numbers(marks.y), hoverinfo="text")
    trace |= {"text": [html.escape(text) for text in marks.texts]}
    trace |= {"marker": {"color": marks.colour, "size": marks.size, "symbol": marks.symbol}}
    if marks.intervals:
        up = [_distance(y, high) for y, (_, high) in zip(marks.y, marks.intervals, strict=True)]
        down = [_distance(low, y) for y, (low, _) in zip(marks.y, marks.intervals, strict=True)]
        bars = {"type": "data", "symmetric": False, "array": axes.numbers(up), "arrayminus": axes.numbers(down)}
        trace["error_y"] = bars | {"thickness": 0.8, "width": 0, "color": marks.colour}
    return trace


def _distance(low: float | None, high: float | None) -> float | None:
    return None if low is None or high is None else high - low
