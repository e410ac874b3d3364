"""Figures of rows: a label above each row, marks and intervals beside one another in it, as plain dictionaries."""

import html
import re
from collections.abc import Sequence
from typing import Any

from letheon.views.document.tree import Plot
from letheon.views.figures import axes
from letheon.views.figures.curves import PALETTE, PLACEBO_GREYS

BLUE, ORANGE, GREEN = PALETTE[0], PALETTE[1], PALETTE[2]
GREY = PLACEBO_GREYS[0]
_ROW = 46  # height of a row [px]: its label, and room for three intervals
_HEADING = 30  # height of a heading [px]
_LINE = 15  # height of a line of a label [px]
_MARGIN = {"l": 14, "r": 16, "t": 6, "b": 48}


class Rows:
    """Builds a figure from rows `row` [px] high, from above; if `stacked`, what stands beside a label goes under it."""

    def __init__(self, title: str, low: float, high: float, row: int = _ROW, stacked: bool = False) -> None:
        self._title, self._range, self._stacked = title, (low, high), stacked
        self._below = _LINE if stacked else 0
        self._row = row + self._below
        self._middle = self._end = 0.0
        self._data: list[axes.Figure] = []
        self._labels: list[dict[str, Any]] = []
        self._shapes: list[dict[str, Any]] = []
        self._bands: list[dict[str, Any]] = []  # of the whole height

    def heading(self, text: str) -> None:
        """Start a group of rows."""
        self._label(f"<b>{_text(text)}</b>", self._end + _HEADING - 13)
        self._end += _HEADING

    def row(self, text: str, beside: str = "") -> None:
        """Start a row; `beside` stands at the right end of its label."""
        self._label(_text(text), self._end + 10)
        if beside:
            self._label(_text(beside), self._end + 10 + self._below, right=not self._stacked)
        above = 16 + self._below
        self._middle = self._end + above + (self._row - above) / 2.0 - 2
        self._end += self._row
        # a faint line parts the rows
        place = {"xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": 1 - self._end, "y1": 1 - self._end}
        self._shapes.append({"type": "line", "line": {"color": axes.ZERO_LINE, "width": 0.5}} | place)

    def interval(
        self, low: float | None, high: float | None, colour: str, width: float, shift: float, hover: str
    ) -> None:
        """Draw a line, `width` [px] thick and `shift` [px] below the middle of the row; `hover` explains it."""
        low, high = self._closed(low, high)
        x = axes.numbers([low, (low + high) / 2.0, high])
        self._draw("lines", x, shift, hover, line={"color": colour, "width": width})

    def mark(self, x: float, colour: str, symbol: str, shift: float, hover: str, size: int = 9) -> None:
        """Draw a mark, a symbol of Plotly's of `size` [px]."""
        edge = {"width": 1.8 if symbol.endswith("open") else 0, "color": colour}
        marker = {"color": colour, "symbol": symbol, "size": size, "line": edge}
        self._draw("markers", [axes.number(x)], shift, hover, marker=marker)

    def band(self, low: float | None, high: float | None, colour: str, whole: bool = False) -> None:
        """Shade from `low` to `high`, cut at the ends of the axis, in the row or in the whole figure."""
        low, high = self._closed(low, high)
        if low == high:  # a single value is shown as wide as a mark
            wide = 0.006 * (self._range[1] - self._range[0])
            low, high = low - wide, high + wide
        ends = {"x0": axes.number(max(low, self._range[0])), "x1": axes.number(min(high, self._range[1]))}
        shape = {"type": "rect", "layer": "below", "xref": "x", "yref": "y", **ends}
        shape |= {"fillcolor": colour, "opacity": 0.16, "line": {"width": 0}}
        if whole:
            self._bands.append(shape)
        else:
            self._shapes.append(shape | {"y0": self._row - 17 - self._end, "y1": 2 - self._end})

    def plot(self, alternative: str, zero: bool = False) -> Plot:
        """Return the figure as a part of a document, `alternative` in words; with `zero`, a line stands at 0."""
        low, high = self._range
        step = axes.step(high - low, [digit * 10.0**power for power in range(-6, 7) for digit in (1, 2, 5)], 8)
        layout = axes.layout(axes.Window(high, step, "days"), "", 1.0)
        layout["xaxis"] |= {"range": [axes.number(low), axes.number(high)], "title": {"text": self._title}}
        layout["xaxis"] |= {"showgrid": True, "gridcolor": axes.GRID, "fixedrange": True, "zeroline": zero}
        layout["xaxis"] |= {"zerolinecolor": axes.ZERO_LINE, "zerolinewidth": 2, "hoverformat": ".2f"}
        layout["yaxis"] = {"visible": False, "range": [-self._end, 0], "fixedrange": True}
        shapes = [*(band | {"y0": 0.0, "y1": -self._end} for band in self._bands), *self._shapes]
        layout |= {"margin": _MARGIN, "hovermode": "closest", "shapes": shapes, "annotations": self._labels}
        height = round(self._end) + _MARGIN["t"] + _MARGIN["b"]
        return Plot({"data": self._data, "layout": layout}, alternative, "rows", height)

    def _closed(self, low: float | None, high: float | None) -> tuple[float, float]:
        """Put the ends of the axis in place of open ends."""
        return self._range[0] if low is None else low, self._range[1] if high is None else high

    def _draw(self, mode: str, x: list, shift: float, hover: str, **drawing: Any) -> None:
        y, text = [-(self._middle + shift)] * len(x), [_text(hover)] * len(x)
        self._data.append(axes.trace(mode, x, y, hoverinfo="text", text=text, **drawing))

    def _label(self, text: str, below: float, right: bool = False) -> None:
        place = {"xref": "paper", "x": 1 if right else 0, "xanchor": "right" if right else "left"}
        self._labels.append({"text": text, "showarrow": False, "yref": "y", "y": -below, "yanchor": "middle"} | place)


def _text(text: str) -> str:
    """Return plain text as Plotly reads it, with real minus signs."""
    return re.sub(r"(?<![\w.)-])-(?=\d)", "\u2212", html.escape(text))


def span(values: Sequence[float | None], least: float, most: float) -> tuple[float, float]:
    """Return ends of an axis that hold the values and at least `least` to `most`, with a little room.

    >>> span([1.0, 9.0], 0.0, 8.0)
    (-0.45, 9.45)
    """
    known = [value for value in values if value is not None]
    low, high = min([least, *known]), max([most, *known])
    room = 0.05 * (high - low) or 0.5
    return low - room, high + room
