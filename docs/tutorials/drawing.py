"""Small figures as SVG, without a plotting library: lines, bands and points on one pair of axes, or rows of intervals.

As everywhere in Letheon a filled band is the interval of a mean, and thin dashed lines are the range of patients. Text
and axes take the colour of the page they stand on, so a figure reads on light and on dark.
"""

from collections.abc import Iterable, Sequence
from html import escape
from math import floor, isfinite, log10
from pathlib import Path

WIDTH, LEFT, RIGHT, LINE = 480, 46, 12, 18
MOST_POINTS = 300
# Okabe and Ito's colours, safe for colour-blind eyes; a page may set lighter ones for a dark background.
COLOURS = {
    "blue": "#0072B2",
    "orange": "#D55E00",
    "green": "#009E73",
    "purple": "#A8568A",
    "grey": "#70757d",
}


def paint(colour: str) -> str:
    """Return the colour as a style value that a page can override."""
    return f"var(--chart-{colour},{COLOURS[colour]})"


def number(value: float) -> str:
    """Write a number of an axis, with a true minus sign."""
    return f"{value:g}".replace("-", "−")


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers from `low` to `high`."""
    raw = (high - low) / about
    power = 10.0 ** floor(log10(raw))
    step = next(power * nice for nice in (1, 2, 2.5, 5, 10) if power * nice >= raw * 0.999)
    first = -floor(-low / step + 1e-9)
    return [round(step * k, 10) for k in range(int(first), floor(high / step + 1e-9) + 1)]


def _thinned(values: Sequence[tuple[float, ...]]) -> list[tuple[float, ...]]:
    stride = max(1, -(-len(values) // MOST_POINTS))
    kept = list(values[::stride])
    return kept if kept[-1] == values[-1] else [*kept, values[-1]]


class Chart:
    """One pair of axes.

    Parameters
    ----------
    title, x_label, y_label : str
        Words; the labels name their unit.
    x, y : tuple of float
        Ends of the axes.
    width, height : int
        Width of the figure and height of the plot alone, in points of its text's size of 12.5.
    x_ticks, y_ticks : sequence of float, optional
        Where the axes are marked; round numbers by default.
    """

    def __init__(self, title, x_label, y_label, x, y, *, width=WIDTH, height=200, x_ticks=None, y_ticks=None):
        self.title, self.x_label, self.y_label, self.x, self.y, self.height = (
            title,
            x_label,
            y_label,
            x,
            y,
            height,
        )
        self.width, self.across = width, width - LEFT - RIGHT
        self.x_ticks, self.y_ticks = x_ticks or ticks(*x), y_ticks or ticks(*y)
        self.marks: list[str] = []
        self.legend: list[tuple[str, str]] = []

    def _at(self, x: float, y: float) -> tuple[float, float]:
        (x0, x1), (y0, y1) = self.x, self.y
        y = min(max(y, y0), y1)
        return (x - x0) / (x1 - x0) * self.across, self.height * (1 - (y - y0) / (y1 - y0))

    def _path(self, points: Iterable[tuple[float, ...]]) -> str:
        return " ".join("{:.1f},{:.1f}".format(*self._at(x, y)) for x, y in points)

    def _inside(self, *columns: Sequence[float]) -> list[tuple[float, ...]]:
        rows = [
            row for row in zip(*columns, strict=True) if self.x[0] <= row[0] <= self.x[1] and all(map(isfinite, row))
        ]
        return _thinned(rows)

    def _say(self, label: str, swatch: str) -> None:
        if label:
            self.legend.append((label, swatch))

    def line(self, xs, ys, colour="blue", label="", dash="", width=2.0) -> None:
        """Draw a line; `dash` as SVG writes it."""
        style = f'fill="none" style="stroke:{paint(colour)}" stroke-width="{width}"'
        style += f' stroke-dasharray="{dash}"' if dash else ""
        self.marks.append(f'<polyline points="{self._path(self._inside(xs, ys))}" {style}/>')
        self._say(label, f'<line x1="0" y1="-4" x2="20" y2="-4" {style}/>')

    def band(self, xs, low, high, colour="blue", label="") -> None:
        """Fill the interval of a mean."""
        rows = self._inside(xs, low, high)
        there = [(x, b) for x, _, b in rows]
        back = [(x, a) for x, a, _ in reversed(rows)]
        style = f'style="fill:{paint(colour)}" fill-opacity="0.22"'
        self.marks.append(f'<polygon points="{self._path([*there, *back])}" {style}/>')
        self._say(label, f'<rect x="0" y="-10" width="20" height="11" {style}/>')

    def patients(self, xs, low, high, colour="blue", label="") -> None:
        """Draw the range of patients: two thin dashed lines."""
        self.line(xs, low, colour, label, dash="3 3", width=1.0)
        self.line(xs, high, colour, "", dash="3 3", width=1.0)

    def points(self, xs, ys, colour="blue", label="", filled=True) -> None:
        """Draw dots, or rings."""
        style = f'r="4.5" style="stroke:{paint(colour)};fill:{paint(colour) if filled else "none"}" stroke-width="2"'
        for x, y in zip(xs, ys, strict=True):
            self.marks.append('<circle cx="{:.1f}" cy="{:.1f}" {}/>'.format(*self._at(x, y), style))
        self._say(label, f'<circle cx="10" cy="-4" {style}/>')

    def note(self, x, y, text, colour="grey", anchor="start") -> None:
        """Write a word into the plot."""
        left, top = self._at(x, y)
        self.marks.append(
            f'<text x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}" style="fill:{paint(colour)}">{escape(text)}</text>'
        )

    def _axes(self) -> str:
        right, found = self.across, []
        for tick in self.y_ticks:
            _, top = self._at(self.x[0], tick)
            found.append(f'<line x1="0" x2="{right}" y1="{top:.1f}" y2="{top:.1f}" class="grid"/>')
            found.append(f'<text x="-6" y="{top + 4:.1f}" text-anchor="end">{number(tick)}</text>')
        for tick in self.x_ticks:
            left, _ = self._at(tick, self.y[0])
            found.append(
                f'<line x1="{left:.1f}" x2="{left:.1f}" y1="{self.height}" y2="{self.height + 4}" class="axis"/>'
            )
            found.append(f'<text x="{left:.1f}" y="{self.height + 18}" text-anchor="middle">{number(tick)}</text>')
        found.append(f'<line x1="0" x2="{right}" y1="{self.height}" y2="{self.height}" class="axis"/>')
        found.append(
            f'<text x="{right / 2:.1f}" y="{self.height + 37}" text-anchor="middle">{escape(self.x_label)}</text>'
        )
        return "".join(found)

    def svg(self) -> str:
        """Return the figure."""
        keys, rows = _legend(self.legend, self.width)
        top = 46 + LINE * rows
        height = top + self.height + 46
        body = (
            f'<text x="0" y="16" class="title">{escape(self.title)}</text><g transform="translate(0,38)">{keys}</g>'
            f'<text x="0" y="{top - 8}">{escape(self.y_label)}</text>'
            f'<g transform="translate({LEFT},{top + 4})">{self._axes()}{"".join(self.marks)}</g>'
        )
        return _sheet(self.title, self.width, height + 4, body)

    def save(self, path: Path) -> None:
        """Write the figure into a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.svg() + "\n", encoding="utf-8")


def _legend(entries: Sequence[tuple[str, str]], width: float) -> tuple[str, int]:
    """Set the entries in rows that fit; text is measured generously, since the reader's fonts are not known."""
    found, left, row = [], 0.0, 0
    for label, swatch in entries:
        wide = 40 + 7.0 * len(label)
        if left and left + wide - 14 > width:
            left, row = 0.0, row + 1
        found.append(
            f'<g transform="translate({left:.0f},{LINE * row})">{swatch}<text x="26">{escape(label)}</text></g>'
        )
        left += wide
    return "".join(found), (row + 1 if entries else 0)


def _sheet(title: str, width: float, height: float, body: str) -> str:
    style = (
        ".chart text{font:12.5px system-ui,sans-serif;fill:currentColor;paint-order:stroke;stroke-width:3px;"
        "stroke:var(--md-default-bg-color,transparent)}.chart .title{font-weight:600;font-size:13.5px}"
        ".chart .grid{stroke:currentColor;opacity:.15}.chart .axis{stroke:currentColor;opacity:.6}"
    )
    return (
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}"><style>{style}</style>{body}</svg>'
    )


class Rows:
    """Intervals under one another, a row each: a dot for the estimate, a bar for its interval.

    Parameters
    ----------
    title, x_label : str
        Words; the label names its unit.
    x : tuple of float
        Ends of the axis.
    zero : float, optional
        Where a vertical line stands, such as at no difference.
    """

    def __init__(self, title, x_label, x, zero=None):
        self.title, self.x_label, self.x, self.zero = title, x_label, x, zero
        self.rows: list[str] = []

    def _at(self, x: float) -> float:
        x = min(max(x, self.x[0]), self.x[1])
        return 8 + (x - self.x[0]) / (self.x[1] - self.x[0]) * (WIDTH - 16)

    def heading(self, text: str) -> None:
        """Begin a group of rows."""
        self.rows.append(f'<text x="14" y="14" class="title">{escape(text)}</text>')

    def row(self, label, estimate, interval, colour="blue") -> None:
        """Add a row; without an estimate only the bar is drawn."""
        low, high = (self._at(x) for x in interval)
        mark = f'<text x="14" y="11">{escape(label)}</text><line x1="{low:.1f}" x2="{high:.1f}" y1="21" y2="21" '
        mark += f'style="stroke:{paint(colour)}" stroke-width="5" stroke-opacity="0.45"/>'
        if estimate is not None:
            mark += f'<circle cx="{self._at(estimate):.1f}" cy="21" r="4.5" style="fill:{paint(colour)}"/>'
        self.rows.append(mark)

    def svg(self) -> str:
        """Return the figure."""
        step, bottom = 33, 33 * len(self.rows) + 6
        found = []
        for tick in ticks(*self.x):
            left = self._at(tick)
            found.append(f'<line x1="{left:.1f}" x2="{left:.1f}" y1="0" y2="{bottom}" class="grid"/>')
            found.append(f'<text x="{left:.1f}" y="{bottom + 16}" text-anchor="middle">{number(tick)}</text>')
        if self.zero is not None:
            left = self._at(self.zero)
            found.append(f'<line x1="{left:.1f}" x2="{left:.1f}" y1="0" y2="{bottom}" class="axis"/>')
        found += [f'<g transform="translate(0,{4 + step * k})">{row}</g>' for k, row in enumerate(self.rows)]
        found.append(f'<text x="{WIDTH / 2}" y="{bottom + 35}" text-anchor="middle">{escape(self.x_label)}</text>')
        body = f'<text x="0" y="16" class="title">{escape(self.title)}</text><g transform="translate(0,30)">'
        return _sheet(self.title, WIDTH, 30 + bottom + 44, body + "".join(found) + "</g>")

    def save(self, path: Path) -> None:
        """Write the figure into a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.svg() + "\n", encoding="utf-8")
