"""Small figures as SVG, without a plotting library: lines, bands and points on one pair of axes, or rows of intervals.

As everywhere in Letheon a filled band is the interval of a mean, and thin dashed lines are the range of patients. Text
and axes take the colour of the page they stand on, so a figure reads on light and on dark. The SVG is in the template.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import floor, isfinite, log10
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader

WIDTH, LEFT, RIGHT, LINE, STEP = 480, 46, 12, 18, 33
MOST_POINTS = 300
# Okabe and Ito's colours, safe for colour-blind eyes; a page may set lighter ones for a dark background.
COLOURS = {
    "blue": "#0072B2",
    "orange": "#D55E00",
    "green": "#009E73",
    "purple": "#A8568A",
    "grey": "#70757d",
}
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
# An axis number with a true minus sign; a colour that a page can override.
TEMPLATES.filters["number"] = lambda value: f"{value:g}".replace("-", "−")
TEMPLATES.filters["paint"] = lambda colour: f"var(--chart-{colour},{COLOURS[colour]})"


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


class Mark(NamedTuple):
    """What is drawn: `kind` is ``line``, ``band`` or ``points``, `at` its points in the plot."""

    kind: str
    at: list[tuple[float, float]]
    colour: str
    label: str
    dash: str = ""
    width: float = 2.0
    filled: bool = True


class Figure:
    """A figure that its template draws."""

    def svg(self) -> str:
        """Return the figure."""
        text = TEMPLATES.get_template("figure.svg.jinja").render(figure=self, ticks=ticks)
        return "".join(line.strip() for line in text.splitlines())

    def save(self, path: Path) -> None:
        """Write the figure into a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.svg() + "\n", encoding="utf-8")


@dataclass
class Chart(Figure):
    """One pair of axes: ends of both, and where they are marked (round numbers by default).

    `width` is that of the figure, `height` that of the plot alone, in points of its text's size of 12.5.
    """

    title: str
    x_label: str
    y_label: str
    x: tuple[float, float]
    y: tuple[float, float]
    width: int = field(default=WIDTH, kw_only=True)
    height: int = field(default=200, kw_only=True)
    x_ticks: Sequence[float] = field(default=(), kw_only=True)
    marks: list[Mark] = field(default_factory=list, init=False)
    left = LEFT

    @property
    def across(self) -> int:
        """Width of the plot."""
        return self.width - LEFT - RIGHT

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point lies in the plot."""
        (x0, x1), (y0, y1) = self.x, self.y
        y = min(max(y, y0), y1)
        return (x - x0) / (x1 - x0) * self.across, self.height * (1 - (y - y0) / (y1 - y0))

    def _inside(self, *columns: Iterable[float]) -> list[tuple[float, ...]]:
        rows = zip(*columns, strict=True)
        return _thinned([row for row in rows if self.x[0] <= row[0] <= self.x[1] and all(map(isfinite, row))])

    def line(self, xs, ys, colour="blue", label="", dash="", width=2.0) -> None:
        """Draw a line; `dash` as SVG writes it."""
        points = [self.at(x, y) for x, y in self._inside(xs, ys)]
        self.marks.append(Mark("line", points, colour, label, dash, width))

    def band(self, xs, low, high, colour="blue", label="") -> None:
        """Fill the interval of a mean."""
        rows = self._inside(xs, low, high)
        points = [(x, b) for x, _, b in rows] + [(x, a) for x, a, _ in reversed(rows)]
        self.marks.append(Mark("band", [self.at(x, y) for x, y in points], colour, label))

    def patients(self, xs, low, high, colour="blue", label="") -> None:
        """Draw the range of patients: two thin dashed lines."""
        self.line(xs, low, colour, label, dash="3 3", width=1.0)
        self.line(xs, high, colour, "", dash="3 3", width=1.0)

    def points(self, xs, ys, colour="blue", label="", filled=True) -> None:
        """Draw dots, or rings."""
        points = [self.at(x, y) for x, y in zip(xs, ys, strict=True)]
        self.marks.append(Mark("points", points, colour, label, filled=filled))

    def legend(self) -> list[tuple[Mark, float, int]]:
        """Set the labels in rows that fit; text is measured generously, since the reader's fonts are not known."""
        entries, left, row = [], 0.0, 0
        for mark in self.marks:
            if not mark.label:
                continue
            wide = 40 + 7.0 * len(mark.label)
            if left and left + wide - 14 > self.width:
                left, row = 0.0, row + 1
            entries.append((mark, left, LINE * row))
            left += wide
        return entries


class Rows(Figure):
    """Intervals under one another, a row each: a dot for the estimate, a bar for its interval.

    `zero` is where a vertical line stands, such as at no difference.
    """

    width, step = WIDTH, STEP

    def __init__(self, title, x_label, x, zero=None):
        self.title, self.x_label, self.x, self.zero = title, x_label, x, zero
        self.rows: list[dict] = []

    def at(self, x: float) -> float:
        """Return where a value lies in the figure."""
        x = min(max(x, self.x[0]), self.x[1])
        return 8 + (x - self.x[0]) / (self.x[1] - self.x[0]) * (WIDTH - 16)

    def heading(self, text: str) -> None:
        """Begin a group of rows."""
        self.rows.append({"heading": text})

    def row(self, label, estimate, interval, colour="blue") -> None:
        """Add a row; without an estimate only the bar is drawn."""
        self.rows.append({"label": label, "estimate": estimate, "interval": interval, "colour": colour})
