"""Figures of a run: pain, differences, levels and states over time, made from its result by pure functions.

Two kinds of spread look different everywhere: a filled band (or a bar) is the interval of a mean, thin dashed
lines are the range of patients. Colours are those of Okabe and Ito; a placebo arm is grey.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from letheon.views.figures import axes
from letheon.views.subjects.names import PAIN_MODELS, arm_name

if TYPE_CHECKING:
    from letheon.pipeline.result import ArmResult, Band, ModelResult, PainProfile, Profile, RunResult

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ("solid", "dash", "dashdot", "longdash", "longdashdot")
PLACEBO_GREYS = ("#7d838c", "#a3a8b0", "#5d636b")
APART = {"memory": ("dash", "triangle-up"), "slow_site": ("dot", "square-open")}  # dash and symbol of each mechanism
MOST_BANDS = 2  # above this many arms or curves, bands over one another would hide the lines
MOST_APART = 3  # above this many arms with a drug, the figure of differences leaves each mechanism to the tables
MOST_TICKS = 20  # days named on an axis
LOWEST_LEVEL = 0.01  # [ng/mL], at which levels are drawn that are lower
PAIN_TITLE = "Pain score (NRS, 0–10)"
_STATES = {"sensitisation": "Sensitisation (0–1)", "slow_site_effect": "Effect of the slow site (0–1)"}
_BAR_STEP = 0.27  # between the course bars at the foot of the comparison [NRS]


class Style(NamedTuple):
    """How an arm is drawn: `colour` as ``#rrggbb``, `dash` as Plotly names it."""

    colour: str
    dash: str


class View(NamedTuple):
    """A quantity that is drawn in one panel per arm."""

    key: str  # its name in the profile
    title: str  # of the vertical axis, with unit
    top: float  # upper end of the vertical axis; it starts at 0
    model: str = ""  # mechanism of an average that it is of alone
    apart: bool = False  # whether each mechanism stands beside the average
    course: bool = False  # whether the course and three days are shown (in hours where that is short), not all


# --- what a result holds ---


def is_placebo(arm: ArmResult) -> bool:
    """Say whether an arm gives no drug."""
    return arm.drug == "placebo"


def has_placebo(result: RunResult) -> bool:
    """Say whether any arm gives no drug."""
    return any(map(is_placebo, result.arms.values()))


def active_arms(result: RunResult) -> dict[str, ArmResult]:
    """Return the arms that give a drug."""
    return {name: arm for name, arm in result.arms.items() if not is_placebo(arm)}


def styles(result: RunResult) -> dict[str, Style]:
    """Give each arm its colour and dash, in the order of the result."""
    active = active_arms(result)
    shams = [name for name in result.arms if name not in active]
    looks = {name: Style(PLACEBO_GREYS[place % len(PLACEBO_GREYS)], "dot") for place, name in enumerate(shams)}
    for place, name in enumerate(active):
        looks[name] = Style(PALETTE[place % len(PALETTE)], DASHES[place % len(DASHES)])
    return {name: looks[name] for name in result.arms}


def placebo_of(result: RunResult, name: str) -> str | None:
    """Return the placebo arm that `name` is compared with: the one made like it, else the first."""
    shams = [key for key, arm in result.arms.items() if is_placebo(arm)]
    matched = [key for key in shams if result.arms[key].like == name]
    return next(iter([*matched, *shams]), None)


def comparator(result: RunResult) -> str:
    """Return the arm that the others are compared with: ``placebo`` for one without drug; empty where there is none."""
    entries = (arm.endpoint(key) for arm in result.arms.values() for key in arm.endpoints)
    first = next((one.against.arm for one in entries if one and one.against), "")
    return "placebo" if first and is_placebo(result.arms[first]) else first


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


def window_of(result: RunResult, course: bool) -> axes.Window:
    """Return the time axis of the course, or of the whole follow-up."""
    return course_window(result) if course else axes.window(24.0 * result.follow_up_days)


def views(result: RunResult) -> dict[str, View]:
    """Return what is drawn in panels: pain, block, pain under each mechanism of an average, and what carries relief."""
    first = next(iter(result.arms.values()))
    highest = max((axes.highest(arm.profile.nmda_block) for arm in result.arms.values()), default=0.0)
    top = next(limit for limit in (0.1, 0.25, 0.5, 0.75, 1.0) if highest <= 0.95 * limit or limit == 1.0)
    shown = {
        "pain": View("nrs", PAIN_TITLE, 10.0),
        "block": View("nmda_block", "NMDA block (share, 0–1)", top, course=True),
    }
    if not first.by_model:
        return shown | {"state": _state(first.profile)}
    shown["apart"] = View("nrs", PAIN_TITLE, 10.0, apart=True)
    return shown | {f"{model}_state": _state(part.profile, model) for model, part in first.by_model.items()}


def _state(profile: Profile | PainProfile, model: str = "") -> View:
    key = "sensitisation" if profile.sensitisation else "slow_site_effect"
    return View(key, _STATES[key], 1.0, model)


def band_of(arm: ArmResult, view: View) -> Band:
    """Return what a view draws of an arm."""
    alone = dict(arm.by_model.items()).get(view.model) if arm.by_model else None
    return getattr(alone.profile if alone else arm.profile, view.key)


def analyte_colours(result: RunResult) -> dict[str, str]:
    """Give each drug and metabolite its colour."""
    order = PALETTE[0], PALETTE[4], PALETTE[2], PALETTE[3], PALETTE[1], PALETTE[5]
    names = dict.fromkeys(name for arm in result.arms.values() for name in arm.profile.concentration_ng_per_ml)
    return {name: order[number % len(order)] for number, name in enumerate(names)}


# --- pain of all arms ---


def pain_comparison(result: RunResult) -> axes.Figure:
    """Return mean pain of all arms with 90 % intervals; ``meta`` of a trace is its arm, by number, and its part.

    At the foot a bar marks each arm's course, a thin line its later sessions.
    """
    axis = axes.window(24.0 * result.follow_up_days, most_ticks=12)
    unseen = "whiskers" if len(result.arms) <= MOST_BANDS else "band"
    # The last arm, as a rule placebo, is drawn first, so that it lies below the others.
    data = [
        trace | {"meta": {"curve": number, "part": part}, "visible": part != unseen}
        for number, name in reversed(list(enumerate(result.arms)))
        for part, trace in _arm_of_comparison(result, name, number, axis)
    ]
    layout = axes.layout(axis, PAIN_TITLE, 10.0)
    layout["yaxis"]["dtick"] = 2
    place = {"x": 0, "y": 0.3 + _BAR_STEP * (len(result.arms) - 1), "xanchor": "left", "yanchor": "bottom"}
    layout["annotations"] = [{"text": "course", "showarrow": False, "font": {"size": 11}} | place]
    return {"data": data, "layout": layout}


def _arm_of_comparison(
    result: RunResult, name: str, number: int, axis: axes.Window
) -> Iterator[tuple[str, axes.Figure]]:
    """Yield the parts of one arm: band, whiskers, each mechanism alone, mean, course and later sessions."""
    arm, look = result.arms[name], styles(result)[name]
    band, x = arm.profile.nrs, axes.times(arm.profile.time_h, axis)
    for edge in axes.interval(x, band, look.colour, 0.2):
        yield "band", edge
    if band.mean_lo:
        most = (len(result.arms) - 1) / 2.0
        yield "whiskers", axes.whiskers_at_ticks(x, band, look.colour, axis, number - most, most)
    if not is_placebo(arm):
        yield from _apart(arm, look.colour, axis)
    yield "mean", axes.line(x, band, look.colour, name, ".1f", look.dash)
    height = 0.16 + _BAR_STEP * (len(result.arms) - 1 - number)
    for width, day in ((6.0, arm.course_end_day), (1.5, arm.last_infusion_day)):
        ends, line = [0, axes.number(24.0 * day / axis.hours_each)], {"color": look.colour, "width": width}
        yield "course", axes.trace("lines", ends, [height, height], hoverinfo="skip", line=line)


def _apart(arm: ArmResult, colour: str, axis: axes.Window) -> Iterator[tuple[str, axes.Figure]]:
    """Yield mean pain under each mechanism of an average: a thin line, with some symbols on it."""
    x = axes.times(arm.profile.time_h, axis)
    ticks = axis.ticks[1::2] if len(axis.ticks) > 8 else axis.ticks[1:]
    for model, part in arm.by_model.items() if arm.by_model else ():
        (dash, symbol), band = APART[model], part.profile.nrs
        line = axes.trace("lines", x, axes.numbers(band.mean), name=PAIN_MODELS[model])
        line["hovertemplate"] = axes.hover(f"{PAIN_MODELS[model]} %{{y:.1f}}")
        yield model, line | {"line": {"color": colour, "width": 1.3, "dash": dash}}
        rows = [min(range(len(x)), key=lambda row, tick=tick: abs(x[row] - tick)) for tick in ticks]
        marker = {"color": colour, "size": 7, "symbol": symbol, "line": {"width": 1.5, "color": colour}}
        points = [x[row] for row in rows], axes.numbers([band.mean[row] for row in rows])
        yield model, axes.trace("markers", *points, hoverinfo="skip", marker=marker)


# --- differences between arms ---


def compared_arms(result: RunResult) -> dict[str, ArmResult]:
    """Return the arms whose differences are drawn: those with a drug; all others beside one that is compared with."""
    other = comparator(result)
    if other in ("", "placebo"):
        return active_arms(result)
    return {name: arm for name, arm in result.arms.items() if name != other}


def differences(result: RunResult) -> axes.Figure | None:
    """Return each arm's difference from the one that it is compared with, by endpoint day; None without such arms."""
    active = compared_arms(result)
    days = endpoint_days(next(iter(active.values())).endpoints) if active else []
    days = [day for day in days if any(_difference(arm, day) for arm in active.values())]
    if not days:
        return None
    parts: list[tuple[str, str, ArmResult | ModelResult]] = []
    for name, arm in active.items():
        parts.append((name, "", arm))
        if arm.by_model and _difference(arm, days[0]) and len(active) <= MOST_APART:
            parts += [(name, model, part) for model, part in arm.by_model.items()]
    look, order = styles(result), list(result.arms)
    data: list[axes.Figure] = []
    for place, (name, model, part) in enumerate(parts):
        shift = (place - (len(parts) - 1) / 2.0) * min(0.16, 0.64 / len(parts))
        meta = {"curve": order.index(name), "part": model or "mean"}
        label = html.escape(name) + (f" ({PAIN_MODELS[model]} alone)" if model else "")
        traces = _differences_of(part, days, shift, look[name].colour, model)
        data += [trace | {"name": label, "meta": meta} for trace in traces]
    title = f"Minus {arm_name(comparator(result))} (NRS points)"
    layout = axes.layout(axes.Window(len(days) - 0.5, 1.0, "days"), title, 1.0)
    layout["xaxis"] |= {"range": [-0.5, len(days) - 0.5], "tickvals": list(range(len(days))), "fixedrange": True}
    apart = -(-len(days) // MOST_TICKS)
    labels = [str(day) if place % apart == 0 else "" for place, day in enumerate(days)]
    layout["xaxis"] |= {"ticktext": labels, "title": {"text": "Day since the first infusion"}}
    del layout["xaxis"]["dtick"], layout["xaxis"]["tick0"]
    ends = [row for trace in data for row in trace.get("customdata", ())]
    low = math.floor(min([-1.0, *(row[0] for row in ends)]) - 0.2)
    high = math.ceil(max([0.5, *(row[1] for row in ends)]) + 0.2)
    layout["yaxis"] |= {"zeroline": True, "zerolinewidth": 2, "range": [low, high]}
    if high - low <= 8:
        layout["yaxis"]["dtick"] = 1
    return {"data": data, "layout": layout | {"hovermode": "closest"}}


def _difference(part: ArmResult | ModelResult, day: int) -> tuple[float, float, float] | None:
    """Return the difference from the other arm on a day, and its interval."""
    endpoint = part.endpoint(f"nrs_day_{day}")
    if endpoint is None or not endpoint.against:
        return None
    return endpoint.against.mean, *endpoint.against.mean_interval


def _differences_of(
    part: ArmResult | ModelResult, days: Sequence[int], shift: float, colour: str, model: str
) -> Iterator[axes.Figure]:
    """Yield the intervals and then the marks of one arm under one model; only the marks can be pointed at."""
    rows = [
        (round(place + shift, 3), *difference, day)
        for place, day in enumerate(days)
        if (difference := _difference(part, day))
    ]
    x, middles, lows, highs, _ = zip(*rows, strict=True) if rows else ((),) * 5
    yield axes.whiskers(x, lows, highs, colour, 1.2 if model else 2.4, 0)
    symbol, width = (APART[model][1], 1.8) if model else ("circle", 0)
    yield axes.trace(
        "markers",
        x,
        axes.numbers(middles),
        customdata=[[axes.number(low), axes.number(high), day] for _, _, low, high, day in rows],
        hovertemplate="day %{customdata[2]}: %{y:.1f} (90 % interval %{customdata[0]:.1f} to %{customdata[1]:.1f})",
        marker={
            "color": colour,
            "size": 7 if model else 9,
            "symbol": symbol,
            "line": {"width": width, "color": colour},
        },
    )


# --- one panel an arm ---


def panels(result: RunResult, view: View) -> dict[str, axes.Figure]:
    """Return one figure per arm of a quantity; receptor block leaves out the arms without a drug."""
    axis, look = window_of(result, view.course), styles(result)
    form = ".1f" if view.top == 10.0 else ".2f"
    figures: dict[str, axes.Figure] = {}
    for name, arm in (active_arms(result) if view.key == "nmda_block" else result.arms).items():
        band, x, colour = band_of(arm, view), axes.times(arm.profile.time_h, axis), look[name].colour
        patients = () if view.apart else axes.patients(x, band.q05, band.q95, colour, 0.045)
        data = [*patients, *axes.interval(x, band, colour, 0.26)]
        if view.apart:
            data += [trace for _, trace in _apart(arm, colour, axis)]
        data.append(axes.line(x, band, colour, "mean", form))
        if reference := _reference(result, name, view):
            label, hours, mean = reference
            line = axes.trace("lines", axes.times(hours, axis), axes.numbers(mean), name=label)
            line |= {"hovertemplate": axes.hover(f"%{{y:{form}}}"), "meta": {"part": "reference"}}
            data.append(line | {"line": {"color": PLACEBO_GREYS[0], "width": 2, "dash": "dot"}})
        figures[name] = {"data": data, "layout": axes.layout(axis, view.title, view.top)}
    return figures


def _reference(result: RunResult, name: str, view: View) -> tuple[str, Sequence[float], Sequence[float]] | None:
    """Return what a panel is compared with, the mean of placebo: a label, times [h] and values."""
    sham = placebo_of(result, name)
    if view.course or view.apart or sham is None or is_placebo(result.arms[name]):
        return None
    return "placebo", result.arms[sham].profile.time_h, band_of(result.arms[sham], view).mean


def level_panels(result: RunResult) -> dict[str, axes.Figure]:
    """Return plasma levels, one figure an arm with a drug; ``layout.meta`` holds the ranges of either vertical axis."""
    axis, active = course_window(result), active_arms(result)
    bands = [band for arm in active.values() for band in arm.profile.concentration_ng_per_ml.values()]
    highest = max(map(axes.highest, bands), default=1.0) or 1.0
    high = math.log10(1.3 * highest)
    ends = {"linear": [0, axes.number(1.05 * highest)], "log": [axes.number(high - 3.3), axes.number(high)]}
    layout = axes.layout(axis, "Plasma level (ng/mL)", 1.05 * highest) | {"meta": ends}
    return {name: {"data": _levels(result, arm, axis), "layout": layout} for name, arm in active.items()}


def _levels(result: RunResult, arm: ArmResult, axis: axes.Window) -> list[axes.Figure]:
    """Return the curves of an arm, first the ranges of all substances."""
    x, colours = axes.times(arm.profile.time_h, axis), analyte_colours(result)
    ranges: list[axes.Figure] = []
    means: list[axes.Figure] = []
    for analyte, band in arm.profile.concentration_ng_per_ml.items():
        curve, colour = list(colours).index(analyte), colours[analyte]
        meta = {"meta": {"curve": curve, "part": "range"}, "visible": len(colours) <= MOST_BANDS}
        # A logarithmic axis has no zero: levels are drawn no lower than this, and said as they are when hovered.
        low, middle, high = ([max(v, LOWEST_LEVEL) for v in values] for values in (band.q05, band.mean, band.q95))
        edges = axes.patients(x, low, high, colour, 0.0)
        ranges += [edge | meta for edge in edges]
        line = axes.line(x, band, colour, analyte, ".3~r") | {"meta": {"curve": curve, "part": "mean"}}
        means.append(line | {"y": axes.numbers(middle)})
    return ranges + means
