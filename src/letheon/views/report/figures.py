"""The figures of a page, collected while it is made."""

from __future__ import annotations

import json

from letheon.views.figures import axes
from letheon.views.report import words


class Shelf:
    """Collects the figures of a page, numbered, to be written once as JSON."""

    def __init__(self) -> None:
        self.figures: list[axes.Figure] = []

    def place(self, figure: axes.Figure, alternative: str, size: str, height: int = 0) -> str:
        """Keep a figure and return the element that it will be drawn in; `height` [px] is for the size ``rows``."""
        self.figures.append(figure)
        number = len(self.figures) - 1
        label = words.escape(alternative)
        own = f' style="height:{height}px" data-height="{height}"' if height else ""
        return f'<div class="chart {size}" data-figure="{number}"{own} role="img" aria-label="{label}"></div>'

    def as_json(self) -> str:
        """Return all figures as JSON that may stand inside a script element.

        Time axes that many curves share are written once: a string ``"3"`` as x is the fourth of `axes`.
        """
        axes: dict[tuple, int] = {}
        figures = []
        for figure in self.figures:
            data = []
            for trace in figure["data"]:
                if len(trace["x"]) > 20:
                    trace = trace | {"x": str(axes.setdefault(tuple(trace["x"]), len(axes)))}
                data.append(trace)
            figures.append({"data": data, "layout": figure["layout"]})
        text = json.dumps(
            {"axes": list(axes), "figures": figures},
            ensure_ascii=False,
            separators=(",", ":"),
            allow_nan=False,
        )
        # Inside a script element only these could end it or change how it is read.
        for mark in "<>&\u2028\u2029":
            text = text.replace(mark, f"\\u{ord(mark):04x}")
        return text
