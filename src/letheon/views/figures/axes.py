"""Axes and curves: the parts that figures are made of, as plain dictionaries in Plotly's own form."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from letheon.views.document.numbers import significant

if TYPE_CHECKING:
    from letheon.pipeline.result import Band

Figure = dict[str, Any]

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
GRID, ZERO_LINE = "#e3e5e8", "#9aa1aa"
_X = {"showgrid": False, "zeroline": False, "ticks": "outside", "ticklen": 4, "hoverformat": ".1f"}
_Y = {"gridcolor": GRID, "zeroline": True, "zerolinecolor": ZERO_LINE, "fixedrange": True, "nticks": 6}
# Longer views than this read better in days than in hours.
LONGEST_IN_HOURS = 14 * 24.0  # [h]


class Window(NamedTuple):
    """A stretch of the time axis."""

    end: float
    step: float  # between ticks
    unit: str  # h or days

    @property
    def hours_each(self) -> float:
        """Length of the unit [h]."""
        return 1.0 if self.unit == "h" else 24.0

    @property
    def title(self) -> str:
        """Title of the time axis."""
        return f"Time since the first infusion ({self.unit})"

    @property
    def ticks(self) -> list[float]:
        """Places of the ticks."""
        return [self.step * tick for tick in range(int(self.end / self.step + 1e-9) + 1)]


def window(hours: float, most_ticks: int = 7) -> Window:
    """Return a time axis from 0 to `hours` [h], in hours where it is short, else in days.

    >>> window(100.0)
    Window(end=100.0, step=24.0, unit='h')
    >>> window(84 * 24.0)
    Window(end=84.0, step=14.0, unit='days')
    """
    if hours <= LONGEST_IN_HOURS:
        return Window(hours, step(hours, (1, 2, 3, 6, 12, 24, 48, 72), most_ticks), "h")
    days = hours / 24.0
    return Window(days, step(days, (1, 2, 7, 14, 28, 56, 91, 182, 364), most_ticks), "days")


def layout(axis: Window, y_title: str, top: float) -> Figure:
    """Return the layout that all figures share: no legend, axes with titles, vertical axis from 0 to `top`."""
    ticks = {"tick0": 0, "dtick": number(axis.step), "unifiedhovertitle": {"text": "%{x:.1f} " + axis.unit}}
    return {
        "margin": {"l": 54, "r": 16, "t": 12, "b": 48},
        "font": {"family": FONT, "size": 12, "color": "#434a54"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": False,
        "hovermode": "x unified",
        "xaxis": _X | {"title": {"text": axis.title, "standoff": 10}, "range": [0, number(axis.end)]} | ticks,
        "yaxis": _Y | {"title": {"text": y_title, "standoff": 8}, "range": [0, number(top)]},
    }


def trace(mode: str, x: Sequence, y: Sequence, **more: Any) -> Figure:
    """Return points or lines, drawn as `mode` says: ``lines`` or ``markers``."""
    return {"type": "scatter", "mode": mode, "x": list(x), "y": list(y)} | more


def hover(text: str) -> str:
    """Return what a trace says when pointed at, without the name that Plotly would put beside it."""
    return f"{text}<extra></extra>"


def step(span: float, choices: Sequence[float], most: int) -> float:
    """Return the first of ascending steps with which a span has no more than so many."""
    return float(next((choice for choice in choices if span / choice <= most), choices[-1]))


def number(value: float | None) -> float | int | None:
    """Round to four significant digits: a picture shows no more."""
    if value is None or not math.isfinite(value):
        return None
    short = significant(value, 4)
    return int(short) if short == int(short) and abs(short) < 1e6 else short


def numbers(values: Sequence[float | None]) -> list[float | int | None]:
    """Round each value as `number` does."""
    return [number(value) for value in values]


def times(hours: Sequence[float], axis: Window) -> list[float]:
    """Return times in the unit of an axis, to the fourth decimal: the edges of infusions stay apart."""
    return [round(hour / axis.hours_each, 4) for hour in hours]


def highest(band: Band) -> float:
    """Return the highest mean or 95 % line of a band."""
    return max((v for v in (*band.mean, *band.q95) if v is not None and math.isfinite(v)), default=0.0)


def _faint(colour: str, alpha: float) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def _edges(x: list, low: list, high: list, line: Figure, fill: str) -> Iterator[Figure]:
    yield trace("lines", x, low, hoverinfo="skip", line=line)
    filled = {"fill": "tonexty", "fillcolor": fill} if fill else {}
    yield trace("lines", x, high, hoverinfo="skip", line=line, **filled)


def interval(x: list, band: Band, colour: str, alpha: float) -> Iterator[Figure]:
    """Yield the two edges of the interval of the mean, filled between; nothing where there is none."""
    if band.mean_lo and band.mean_hi:
        low, high = numbers(band.mean_lo), numbers(band.mean_hi)
        yield from _edges(x, low, high, {"width": 0, "color": colour}, _faint(colour, alpha))


def patients(x: list, lows: Sequence[float], highs: Sequence[float], colour: str, fill: float) -> Iterator[Figure]:
    """Yield the 5 % and 95 % lines of patients, thin and dashed."""
    line = {"width": 1.1, "color": colour, "dash": "3px,3px"}
    yield from _edges(x, numbers(lows), numbers(highs), line, _faint(colour, fill) if fill else "")


def line(x: list, band: Band, colour: str, name: str, form: str, dash: str = "solid") -> Figure:
    """Return a mean line that says, when pointed at, in a `form` such as ``.1f``, its interval or patients' range."""
    low, high, spread = band.q05, band.q95, "patients"
    if band.mean_lo and band.mean_hi:
        low, high, spread = band.mean_lo, band.mean_hi, "90 % interval"
    middle, ends = f"%{{customdata[0]:{form}}}", f"%{{customdata[1]:{form}}} to %{{customdata[2]:{form}}}"
    columns = [numbers(values) for values in (band.mean, low, high)]
    return trace(
        "lines",
        x,
        columns[0],
        name=html.escape(name),
        customdata=[list(row) for row in zip(*columns, strict=True)],
        hovertemplate=hover(f"{middle} ({spread} {ends})"),
        line={"color": colour, "width": 2.4, "dash": dash},
    )


def whiskers(
    x: Sequence[float], lows: Sequence[float], highs: Sequence[float], colour: str, thickness: float, cap: float
) -> Figure:
    """Return upright bars from `lows` to `highs`, with a cap of so many pixels at each end."""
    middle, half = ([number((high + s * low) / 2.0) for low, high in zip(lows, highs, strict=True)] for s in (1, -1))
    bars = {"type": "data", "array": half, "color": colour, "thickness": thickness, "width": cap}
    # The bar is drawn about the middle of the interval, where the mean need not lie.
    hidden = {"color": colour, "opacity": 0}
    return trace("markers", x, middle, hoverinfo="skip", marker=hidden, error_y=bars)


def whiskers_at_ticks(x: Sequence[float], band: Band, colour: str, axis: Window, place: float, most: float) -> Figure:
    """Return the interval of the mean as whiskers at ticks, `place` of at most `most` steps to the side."""
    each = step(axis.end, (1, 2, 7, 14, 28, 56, 91, 182), 8) if axis.unit == "days" else axis.step
    marks = [each * tick for tick in range(1, int(axis.end / each + 1e-9) + 1)]
    points = [min(range(len(x)), key=lambda i, mark=mark: abs(x[i] - mark)) for mark in marks]
    # The last ones stay inside the figure, side by side.
    shift, last = 0.012 * axis.end, axis.end * (0.997 - 0.012 * most)
    beside = [round(min(x[i], last) + shift * place, 3) for i in points]
    lows, highs = ([ends[i] for i in points] for ends in (band.mean_lo or (), band.mean_hi or ()))
    return whiskers(beside, lows, highs, colour, 1.6, 3)
