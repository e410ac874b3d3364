"""Figures of rows: a label above each row, marks and intervals beside one another in it, as plain dictionaries."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from typing import Any

from letheon.views.figures import axes as traces
from letheon.views.figures.curves import PALETTE, PLACEBO_GREYS

__all__ = ["BLUE", "GREEN", "GREY", "ORANGE", "Rows", "span"]

BLUE, ORANGE, GREEN = PALETTE[0], PALETTE[1], PALETTE[2]
GREY = PLACEBO_GREYS[0]
_ROW = 46  # height of a row [px]: its label, and room for three intervals
_HEADING = 30  # height of a heading [px]
_LINE = 15  # height of a line of a label [px]
_MARGIN = {"l": 14, "r": 16, "t": 6, "b": 48}


class Rows:
    """Builds a figure from rows, from above; heights are pixels, so that nothing depends on how many there are.

    Parameters
    ----------
    title : str
        Title of the horizontal axis, with unit.
    low, high : float
        Ends of the axis.
    row : int
        Height of a row [px].
    stacked : bool
        Whether what stands beside a label goes under it, where there is no room beside it on a phone.

    Examples
    --------
    >>> rows = Rows("Pain (NRS)", 0, 10)
    >>> rows.row("baseline")
    >>> rows.interval(6.0, 8.0, BLUE, 2, 0.0, "90 % interval")
    >>> rows.height > 90, len(rows.figure()["data"])
    (True, 1)
    """

    def __init__(self, title: str, low: float, high: float, row: int = _ROW, stacked: bool = False) -> None:
        self._title, self._range = title, (low, high)
        self._stacked = stacked
        self._row = row + (_LINE if stacked else 0)
        self._at = 0.0
        self._end = 0.0
        self._data: list[traces.Figure] = []
        self._labels: list[dict[str, Any]] = []
        self._shapes: list[dict[str, Any]] = []

    @property
    def height(self) -> int:
        """Height of the figure [px]."""
        return round(self._end) + _MARGIN["t"] + _MARGIN["b"]

    def heading(self, text: str) -> None:
        """Start a group of rows.

        Parameters
        ----------
        text : str
            Its name.
        """
        self._label(f"<b>{_text(text)}</b>", self._end + _HEADING - 13)
        self._end += _HEADING

    def row(self, text: str, beside: str = "") -> None:
        """Start a row.

        Parameters
        ----------
        text : str
            Its label.
        beside : str
            Said at the right end of the label.
        """
        self._label(_text(text), self._end + 10)
        if beside:
            self._label(_text(beside), self._end + 10 + (_LINE if self._stacked else 0), right=not self._stacked)
        above = 16 + (_LINE if self._stacked else 0)
        self._at = self._end + above + (self._row - above) / 2.0 - 2
        self._end += self._row
        # a faint line parts the rows
        self._shapes.append(self._line(self._end - 1, 0.5))

    def interval(self, low: float, high: float, colour: str, width: float, shift: float, said: str) -> None:
        """Draw a line from `low` to `high` in the row.

        Parameters
        ----------
        low, high : float
            Ends.
        colour : str
            ``#rrggbb``.
        width : float
            Thickness [px].
        shift : float
            How far below the middle of the row [px].
        said : str
            Said when pointed at.
        """
        y = -(self._at + shift)
        line = {"color": colour, "width": width}
        x = traces.numbers([low, (low + high) / 2.0, high])
        self._data.append(
            {"type": "scatter", "mode": "lines", "x": x, "y": [y, y, y], "line": line, "hoverinfo": "text"}
            | {"text": [_text(said)] * 3}
        )

    def mark(self, x: float, colour: str, symbol: str, shift: float, said: str, size: int = 9) -> None:
        """Draw a mark in the row.

        Parameters
        ----------
        x : float
            Where.
        colour, symbol : str
            ``#rrggbb``, and a symbol of Plotly's.
        shift : float
            How far below the middle of the row [px].
        said : str
            Said when pointed at.
        size : int
            Its size [px].
        """
        open_line = {"width": 1.8 if symbol.endswith("open") else 0, "color": colour}
        self._data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [traces.number(x)],
                "y": [-(self._at + shift)],
                "marker": {"color": colour, "symbol": symbol, "size": size, "line": open_line},
                "hoverinfo": "text",
                "text": [_text(said)],
            }
        )

    def band(self, low: float, high: float, colour: str, whole: bool = False) -> None:
        """Shade from `low` to `high`, in the row or in the whole figure.

        Parameters
        ----------
        low, high : float
            Ends; beyond the axis they are cut.
        colour : str
            ``#rrggbb``.
        whole : bool
            The whole height.
        """
        ends = (max(low, self._range[0]), min(high, self._range[1]))
        top, bottom = (0.0, -1.0) if whole else (-(self._end - self._row + 17), -(self._end - 2))
        self._shapes.append(
            {"type": "rect", "layer": "below", "xref": "x", "x0": traces.number(ends[0]), "x1": traces.number(ends[1])}
            | {"yref": "y", "y0": top, "y1": bottom, "fillcolor": colour, "opacity": 0.16, "line": {"width": 0}}
            | ({"meta": "whole"} if whole else {})
        )

    def figure(self, zero: bool = False) -> traces.Figure:
        """Return the figure.

        Parameters
        ----------
        zero : bool
            Whether 0 is drawn as a line.

        Returns
        -------
        dict
            In Plotly's own form.
        """
        shapes = []
        for shape in self._shapes:
            if shape.pop("meta", None):
                shape = shape | {"y1": -self._end}
            shapes.append(shape)
        low, high = self._range
        layout = traces.layout(traces.Window(high, _step(high - low), "days"), "", 1.0)
        layout["xaxis"] |= {"range": [traces.number(low), traces.number(high)], "title": {"text": self._title}}
        layout["xaxis"] |= {"showgrid": True, "gridcolor": "#e3e5e8", "fixedrange": True, "zeroline": zero}
        layout["xaxis"] |= {"zerolinecolor": "#9aa1aa", "zerolinewidth": 2, "hoverformat": ".2f"}
        layout["yaxis"] = {"visible": False, "range": [-self._end, 0], "fixedrange": True}
        layout |= {"margin": dict(_MARGIN), "hovermode": "closest", "shapes": shapes, "annotations": self._labels}
        return {"data": self._data, "layout": layout}

    def _label(self, text: str, below: float, right: bool = False) -> None:
        place = {"xref": "paper", "x": 1 if right else 0, "xanchor": "right" if right else "left"}
        self._labels.append({"text": text, "showarrow": False, "yref": "y", "y": -below, "yanchor": "middle"} | place)

    def _line(self, below: float, width: float) -> dict[str, Any]:
        line = {"color": "#9aa1aa", "width": width}
        return {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "yref": "y",
            "y0": -below,
            "y1": -below,
            "line": line,
        }


def _text(text: str) -> str:
    """Return plain text as Plotly reads it, with real minus signs."""
    return re.sub(r"(?<![\w.)-])-(?=\d)", "\u2212", html.escape(text))


def span(values: Sequence[float | None], least: float, most: float) -> tuple[float, float]:
    """Return ends of an axis that hold values and at least `least` to `most`, with a little room.

    Parameters
    ----------
    values : sequence of float or None
        What the axis holds.
    least, most : float
        What it holds anyway.

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> span([1.0, 9.0], 0.0, 8.0)
    (-0.45, 9.45)
    """
    known = [value for value in values if value is not None]
    low, high = min([least, *known]), max([most, *known])
    room = 0.05 * (high - low) or 0.5
    return low - room, high + room


def _step(width: float) -> float:
    """Return a step of 1, 2 or 5 times a power of ten that gives at most eight ticks."""
    scale = 10.0 ** round(math.log10(width / 80.0))
    return next(step * scale for step in (1, 2, 5, 10, 20, 50, 100) if width / (step * scale) <= 8)
