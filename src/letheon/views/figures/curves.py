"""Figures of a run: pain, differences, levels and states over time, made from its result by pure functions.

Two kinds of spread look different everywhere: a filled band (or a bar) is the interval of a mean, thin dashed
lines are the range of patients. Colours are those of Okabe and Ito; a placebo arm is grey.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from letheon.views.figures import axes

if TYPE_CHECKING:
    from letheon.pipeline.result import ArmResult, Band, PainProfile, Profile, RivalResult, RunResult

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ("solid", "dash", "dashdot", "longdash", "longdashdot")
PLACEBO_GREYS = ("#7d838c", "#a3a8b0", "#5d636b")
# Above this many arms, bands over one another would hide the lines.
MOST_BANDS = 2
# Above this many arms with a drug, the figure of differences leaves the rival to the tables.
MOST_RIVALS = 3


@dataclass(frozen=True, slots=True)
class Style:
    """How an arm is drawn: `colour` as ``#rrggbb``, `dash` as Plotly names it."""

    colour: str
    dash: str


@dataclass(frozen=True, slots=True)
class View:
    """A quantity that is drawn in one panel per arm.

    Parameters
    ----------
    key : str
        Name of the quantity in the document's profile.
    title : str
        Title of the vertical axis, with unit.
    top : float
        Upper end of the vertical axis; it starts at 0.
    rival : bool
        Whether the quantity is the rival model's.
    course : bool
        Whether the course and three days are shown (in hours where that is short), not the whole follow-up.
    """

    key: str
    title: str
    top: float
    rival: bool = False
    course: bool = False


PAIN_TITLE = "Pain score (NRS, 0–10)"
STATES: Mapping[str, str] = {
    "sensitisation": "Sensitisation (0–1)",
    "slow_site_effect": "Effect of the slow site (0–1)",
}


def is_placebo(arm: ArmResult) -> bool:
    """Say whether an arm of the document gives no drug."""
    return arm.drug == "placebo"


def styles(result: RunResult) -> dict[str, Style]:
    """Give each arm its colour and dash, in the order of the result."""
    looks: dict[str, Style] = {}
    active = sham = 0
    for name, arm in result.arms.items():
        if is_placebo(arm):
            looks[name] = Style(PLACEBO_GREYS[sham % len(PLACEBO_GREYS)], "dot")
            sham += 1
        else:
            looks[name] = Style(PALETTE[active % len(PALETTE)], DASHES[active % len(DASHES)])
            active += 1
    return looks


def placebo_of(result: RunResult, name: str) -> str | None:
    """Return the placebo arm that `name` is compared with: the one made like it, else the first."""
    shams = [key for key, arm in result.arms.items() if is_placebo(arm)]
    matched = [key for key in shams if result.arms[key].like == name]
    return next(iter([*matched, *shams]), None)


def endpoint_days(endpoints: Iterable[str], stem: str = "nrs") -> list[int]:
    """Return the days of the endpoints ``<stem>_day_<N>``, ascending.

    >>> endpoint_days(["nrs_day_28", "nrs_day_7", "relief_days"])
    [7, 28]
    """
    matches = (re.fullmatch(rf"{re.escape(stem)}_day_(\d+)", key) for key in endpoints)
    return sorted(int(match[1]) for match in matches if match)


def course_window(result: RunResult) -> axes.Window:
    """Return the time axis of the course: to three days after the last infusion of any arm."""
    last = max(arm.course_end_day for arm in result.arms.values())
    return axes.window(24.0 * min(last + 3.0, result.follow_up_days))


def follow_up_window(result: RunResult) -> axes.Window:
    """Return the time axis of the whole follow-up."""
    return axes.window(24.0 * result.follow_up_days)


def views(result: RunResult) -> dict[str, View]:
    """Return what is drawn in panels: pain, block, the state that carries the relief, the rival's two.

    The quantities depend on the pain model and on whether a rival was run.
    """
    first = next(iter(result.arms.values()))
    shown = {"pain": View("nrs", PAIN_TITLE, 10.0)}
    highest = max((axes.highest(arm.profile.nmda_block) for arm in result.arms.values()), default=0.0)
    top = next(limit for limit in (0.1, 0.25, 0.5, 0.75, 1.0) if highest <= 0.95 * limit or limit == 1.0)
    shown["block"] = View("nmda_block", "NMDA block (share, 0–1)", top, course=True)
    shown["state"] = _state(first.profile, rival=False)
    if first.rival:
        shown["rival_pain"] = View("nrs", PAIN_TITLE, 10.0, rival=True)
        shown["rival_state"] = _state(first.rival.profile, rival=True)
    return shown


def _state(profile: Profile | PainProfile, rival: bool) -> View:
    key = "sensitisation" if profile.sensitisation else "slow_site_effect"
    return View(key, STATES[key], 1.0, rival=rival)


def band_of(arm: ArmResult, view: View) -> Band:
    """Return what a view draws of an arm."""
    profile = arm.rival.profile if view.rival and arm.rival else arm.profile
    return getattr(profile, view.key)


def starts_with_bands(result: RunResult) -> bool:
    """Say whether the comparison starts with bands: with more arms they would lie over one another."""
    return len(result.arms) <= MOST_BANDS


def pain_comparison(result: RunResult) -> axes.Figure:
    """Return mean pain of all arms in one figure, with 90 % intervals of the means as whiskers or bands.

    Two arms start with bands, more with whiskers side by side. At the foot a bar marks each arm's course, a
    thin line its later sessions. ``meta`` of a trace says which arm it belongs to, by number, and which part it is.
    """
    axis = axes.window(24.0 * result.follow_up_days, most_ticks=12)
    bands = starts_with_bands(result)
    data: list[axes.Figure] = []
    # The last arm, as a rule placebo, is drawn first, so that it lies below the others.
    for number, name in reversed(list(enumerate(result.arms))):
        for part, trace in _arm_of_comparison(result, name, number, axis):
            hidden = part in {"band", "whiskers"} and (part == "band") != bands
            data.append(trace | {"meta": {"curve": number, "part": part}, "visible": not hidden})
    layout = axes.layout(axis, PAIN_TITLE, 10.0)
    layout["yaxis"]["dtick"] = 2
    place = {
        "x": 0,
        "y": 0.3 + _BAR_STEP * (len(result.arms) - 1),
        "xanchor": "left",
        "yanchor": "bottom",
    }
    layout["annotations"] = [{"text": "course", "showarrow": False, "font": {"size": 11}} | place]
    return {"data": data, "layout": layout}


def differences(result: RunResult) -> axes.Figure | None:
    """Return each arm's difference from placebo at the endpoint days, with 90 % intervals of the mean.

    Filled circles are the main pain model, open diamonds the rival; with more than three active arms the
    rival is left to the tables. None where the scenario has no placebo arm.
    """
    active = {name: arm for name, arm in result.arms.items() if not is_placebo(arm)}
    with_rival = len(active) <= MOST_RIVALS
    series: list[tuple[int, str, bool, ArmResult | RivalResult]] = []
    for number, (name, arm) in enumerate(result.arms.items()):
        if name in active:
            series.append((number, name, False, arm))
            if with_rival and arm.rival:
                series.append((number, name, True, arm.rival))
    days = endpoint_days(next(iter(active.values())).endpoints) if active else []
    days = [day for day in days if any(_difference(part, day) for *_, part in series)]
    if not days:
        return None
    look = styles(result)
    data: list[axes.Figure] = []
    for place, (number, name, rival, part) in enumerate(series):
        shift = (place - (len(series) - 1) / 2.0) * min(0.16, 0.64 / len(series))
        meta = {"curve": number, "part": "rival" if rival else "mean"}
        label = html.escape(name) + (" (rival model)" if rival else "")
        for trace in _differences_of(part, days, shift, look[name].colour, rival):
            data.append(trace | {"name": label, "meta": meta})
    layout = axes.layout(axes.Window(len(days) - 0.5, 1.0, "days"), "Minus placebo (NRS points)", 1.0)
    layout["xaxis"] |= {"range": [-0.5, len(days) - 0.5], "tickvals": list(range(len(days)))}
    layout["xaxis"] |= {
        "ticktext": [str(day) for day in days],
        "title": {"text": "Day since the first infusion"},
    }
    layout["xaxis"] |= {"fixedrange": True}
    del layout["xaxis"]["dtick"], layout["xaxis"]["tick0"]
    layout["yaxis"] |= {"zeroline": True, "zerolinewidth": 2, "range": _difference_range(data)}
    if layout["yaxis"]["range"][1] - layout["yaxis"]["range"][0] <= 8:
        layout["yaxis"]["dtick"] = 1
    return {"data": data, "layout": layout | {"hovermode": "closest"}}


def panels(result: RunResult, view: View) -> dict[str, axes.Figure]:
    """Return one figure per arm of a quantity: mean, its 90 % interval, range of patients, and a comparison.

    The grey line for comparison is the placebo arm's mean; in a rival's pain it is the arm's own mean under
    the main model. Receptor block leaves out the arms without a drug.
    """
    axis = course_window(result) if view.course else follow_up_window(result)
    look = styles(result)
    found: dict[str, axes.Figure] = {}
    for name, arm in result.arms.items():
        if view.key == "nmda_block" and is_placebo(arm):
            continue
        band = band_of(arm, view)
        x = axes.times(arm.profile.time_h, axis)
        data = [
            *axes.patients(x, band.q05, band.q95, look[name].colour),
            *axes.interval(x, band, look[name].colour, 0.26),
            axes.line(x, band, look[name].colour, "mean", digits=1 if view.top == 10.0 else 2),
        ]
        if reference := _reference(result, name, view):
            data.append(_reference_line(reference, view, axis))
        found[name] = {"data": data, "layout": axes.layout(axis, view.title, view.top)}
    return found


def level_panels(result: RunResult) -> dict[str, axes.Figure]:
    """Return plasma levels of each arm that gives a drug, one figure an arm.

    Solid lines are means over patients, thin dashed lines the range of patients. `layout.meta` holds the
    ranges of the vertical axis, ``linear`` and ``log`` (powers of ten), the same in all arms.
    """
    axis = course_window(result)
    active = {name: arm for name, arm in result.arms.items() if not is_placebo(arm)}
    levels = {name: arm.profile.concentration_ng_per_ml for name, arm in active.items()}
    colours, ranges = analyte_colours(result), starts_with_ranges(result)
    highest = max((axes.highest(band) for arm in levels.values() for band in arm.values()), default=1.0) or 1.0
    found: dict[str, axes.Figure] = {}
    for name, arm in active.items():
        x = axes.times(arm.profile.time_h, axis)
        data: list[axes.Figure] = []
        order = list(colours)
        for analyte, band in levels[name].items():
            meta = {"meta": {"curve": order.index(analyte), "part": "range"}, "visible": ranges}
            ends = axes.floored(band.q05), axes.floored(band.q95)
            data += [trace | meta for trace in axes.patients(x, *ends, colours[analyte], fill=0.0)]
        for analyte, band in levels[name].items():
            line = axes.line(x, band, colours[analyte], analyte, digits=3, dash="solid", significant=True)
            meta = {"meta": {"curve": order.index(analyte), "part": "mean"}}
            data.append(line | meta | {"y": axes.numbers(axes.floored(band.mean))})
        layout = axes.layout(axis, "Plasma level (ng/mL)", 1.05 * highest)
        high = math.log10(1.3 * highest)
        layout["meta"] = {
            "linear": [0, axes.number(1.05 * highest)],
            "log": [axes.number(high - 3.3), axes.number(high)],
        }
        found[name] = {"data": data, "layout": layout}
    return found


def starts_with_ranges(result: RunResult) -> bool:
    """Say whether levels start with the range of patients: with more than two curves it would hide them."""
    return len(analyte_colours(result)) <= MOST_BANDS


def analyte_colours(result: RunResult) -> dict[str, str]:
    """Give each drug and metabolite of the document its colour."""
    order = PALETTE[0], PALETTE[4], PALETTE[2], PALETTE[3], PALETTE[1], PALETTE[5]
    names: dict[str, None] = {}
    for arm in result.arms.values():
        names |= dict.fromkeys(arm.profile.concentration_ng_per_ml)
    return {name: order[number % len(order)] for number, name in enumerate(names)}


# --- parts of a figure ---

_BAR_STEP = 0.27  # between the course bars at the foot of the comparison [NRS]


def _arm_of_comparison(
    result: RunResult, name: str, number: int, axis: axes.Window
) -> Iterator[tuple[str, axes.Figure]]:
    """Yield the parts of one arm: band, whiskers, mean, course and later sessions."""
    arm, look = result.arms[name], styles(result)[name]
    band, x = arm.profile.nrs, axes.times(arm.profile.time_h, axis)
    for trace in axes.interval(x, band, look.colour, 0.2):
        yield "band", trace
    if band.mean_lo:
        most = (len(result.arms) - 1) / 2.0
        yield "whiskers", axes.whiskers_at_ticks(x, band, look.colour, axis, number - most, most)
    yield "mean", axes.line(x, band, look.colour, name, digits=1, dash=look.dash)
    height = 0.16 + _BAR_STEP * (len(result.arms) - 1 - number)
    ends = {6.0: arm.course_end_day, 1.5: arm.last_infusion_day}
    for width, day in ends.items():
        bar = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "y": [height, height]}
        bar |= {
            "x": [0, axes.number(24.0 * day / axis.hours_each)],
            "line": {"color": look.colour, "width": width},
        }
        yield "course", bar


def _reference(result: RunResult, name: str, view: View) -> tuple[str, ArmResult] | None:
    """Return what a panel is compared with: a label and an arm."""
    if view.course:
        return None
    if view.rival and view.key == "nrs":
        return "main model", result.arms[name]
    sham = placebo_of(result, name)
    if sham is None or is_placebo(result.arms[name]):
        return None
    return "placebo", result.arms[sham]


def _reference_line(reference: tuple[str, ArmResult], view: View, axis: axes.Window) -> axes.Figure:
    label, arm = reference
    main = label == "main model"
    band = arm.profile.nrs if main else band_of(arm, view)
    digits = 1 if view.top == 10.0 else 2
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label,
        "x": axes.times(arm.profile.time_h, axis),
        "y": axes.numbers(band.mean),
        "hovertemplate": f"%{{y:.{digits}f}}<extra></extra>",
        "line": {"color": PLACEBO_GREYS[0], "width": 2, "dash": "dot"},
        "meta": {"part": "reference"},
    }


def _difference(part: ArmResult | RivalResult, day: int) -> tuple[float, float, float] | None:
    """Return the difference from placebo on a day, and its interval."""
    endpoint = part.endpoint(f"nrs_day_{day}")
    if endpoint is None or not endpoint.minus_placebo_interval:
        return None
    return float(endpoint.minus_placebo or 0.0), *endpoint.minus_placebo_interval


def _differences_of(
    part: ArmResult | RivalResult, days: Sequence[int], shift: float, colour: str, rival: bool
) -> Iterator[axes.Figure]:
    """Yield the intervals and then the marks of one arm under one model; only the marks can be pointed at."""
    rows = [
        (round(place + shift, 3), *difference, day)
        for place, day in enumerate(days)
        if (difference := _difference(part, day))
    ]
    x, middles, lows, highs, _ = zip(*rows, strict=True) if rows else ((),) * 5
    yield axes.whiskers(x, lows, highs, colour, 1.4 if rival else 2.4, 0)
    yield {
        "type": "scatter",
        "mode": "markers",
        "x": list(x),
        "y": axes.numbers(middles),
        "customdata": [[axes.number(low), axes.number(high), day] for _, _, low, high, day in rows],
        "hovertemplate": "day %{customdata[2]}: %{y:.1f} (90 % interval %{customdata[0]:.1f} to %{customdata[1]:.1f})",
        "marker": {
            "color": colour,
            "size": 9,
            "symbol": "diamond-open" if rival else "circle",
            "line": {"width": 1.8 if rival else 0, "color": colour},
        },
    }


def _difference_range(data: Sequence[axes.Figure]) -> list[float]:
    lows = [row[0] for trace in data for row in trace.get("customdata", ())]
    highs = [row[1] for trace in data for row in trace.get("customdata", ())]
    return [math.floor(min([*lows, -1.0]) - 0.2), math.ceil(max([*highs, 0.5]) + 0.2)]
