"""Figures as plain dictionaries in Plotly's own form, made from a result document by pure functions.

Two kinds of spread look different everywhere: a filled band (or a bar) is the interval of a mean, thin dashed
lines are the range of patients. Colours are those of Okabe and Ito; a placebo arm is grey.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from letheon.views import traces

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


def is_placebo(arm: Mapping[str, Any]) -> bool:
    """Say whether an arm of the document gives no drug."""
    return arm["drug"] == "placebo"


def styles(document: Mapping[str, Any]) -> dict[str, Style]:
    """Give each arm its colour and dash, in the order of the document.

    Examples
    --------
    >>> arms = {"a": {"drug": "racemic"}, "placebo": {"drug": "placebo"}}
    >>> styles({"arms": arms})["a"]
    Style(colour='#0072B2', dash='solid')
    """
    found: dict[str, Style] = {}
    active = sham = 0
    for name, arm in document["arms"].items():
        if is_placebo(arm):
            found[name] = Style(PLACEBO_GREYS[sham % len(PLACEBO_GREYS)], "dot")
            sham += 1
        else:
            found[name] = Style(PALETTE[active % len(PALETTE)], DASHES[active % len(DASHES)])
            active += 1
    return found


def placebo_of(document: Mapping[str, Any], name: str) -> str | None:
    """Return the placebo arm that `name` is compared with: the one made like it, else the first."""
    shams = [key for key, arm in document["arms"].items() if is_placebo(arm)]
    matched = [key for key in shams if document["arms"][key].get("like") == name]
    return next(iter([*matched, *shams]), None)


def endpoint_days(endpoints: Mapping[str, Any], stem: str = "nrs") -> list[int]:
    """Return the days of the endpoints ``<stem>_day_<N>``, ascending.

    Examples
    --------
    >>> endpoint_days({"nrs_day_28": {}, "nrs_day_7": {}, "relief_days": {}})
    [7, 28]
    """
    matches = (re.fullmatch(rf"{re.escape(stem)}_day_(\d+)", key) for key in endpoints)
    return sorted(int(match[1]) for match in matches if match)


def course_window(document: Mapping[str, Any]) -> traces.Window:
    """Return the time axis of the course: to three days after the last infusion of any arm."""
    last = max(arm["course_end_day"] for arm in document["arms"].values())
    return traces.window(24.0 * min(last + 3.0, document["follow_up_days"]))


def follow_up_window(document: Mapping[str, Any]) -> traces.Window:
    """Return the time axis of the whole follow-up."""
    return traces.window(24.0 * document["follow_up_days"])


def views(document: Mapping[str, Any]) -> dict[str, View]:
    """Return what is drawn in panels: pain, block, the state that carries the relief, the rival's two.

    The quantities depend on the pain model and on whether a rival was run.
    """
    first = next(iter(document["arms"].values()))
    found = {"pain": View("nrs", PAIN_TITLE, 10.0)}
    highest = max((traces.highest(arm["profile"]["nmda_block"]) for arm in document["arms"].values()), default=0.0)
    top = next(limit for limit in (0.1, 0.25, 0.5, 0.75, 1.0) if highest <= 0.95 * limit or limit == 1.0)
    found["block"] = View("nmda_block", "NMDA block (share, 0–1)", top, course=True)
    for key in STATES:
        if key in first["profile"]:
            found["state"] = View(key, STATES[key], 1.0)
    if "rival" in first:
        found["rival_pain"] = View("nrs", PAIN_TITLE, 10.0, rival=True)
        for key in STATES:
            if key in first["rival"]["profile"]:
                found["rival_state"] = View(key, STATES[key], 1.0, rival=True)
    return found


def starts_with_bands(document: Mapping[str, Any]) -> bool:
    """Say whether the comparison starts with bands: with more arms they would lie over one another."""
    return len(document["arms"]) <= MOST_BANDS


def pain_comparison(document: Mapping[str, Any]) -> traces.Figure:
    """Return mean pain of all arms in one figure, with 90 % intervals of the means as whiskers or bands.

    Two arms start with bands, more with whiskers side by side. At the foot a bar marks each arm's course, a
    thin line its later sessions. ``meta`` of a trace says which arm it belongs to, by number, and which part it is.
    """
    axis = traces.window(24.0 * document["follow_up_days"], most_ticks=12)
    bands = starts_with_bands(document)
    data: list[traces.Figure] = []
    # The last arm, as a rule placebo, is drawn first, so that it lies below the others.
    for number, name in reversed(list(enumerate(document["arms"]))):
        for part, trace in _arm_of_comparison(document, name, number, axis):
            hidden = part in {"band", "whiskers"} and (part == "band") != bands
            data.append(trace | {"meta": {"curve": number, "part": part}, "visible": not hidden})
    layout = traces.layout(axis, PAIN_TITLE, 10.0)
    layout["yaxis"]["dtick"] = 2
    place = {
        "x": 0,
        "y": 0.3 + _BAR_STEP * (len(document["arms"]) - 1),
        "xanchor": "left",
        "yanchor": "bottom",
    }
    layout["annotations"] = [{"text": "course", "showarrow": False, "font": {"size": 11}} | place]
    return {"data": data, "layout": layout}


def differences(document: Mapping[str, Any]) -> traces.Figure | None:
    """Return each arm's difference from placebo at the endpoint days, with 90 % intervals of the mean.

    Filled circles are the main pain model, open diamonds the rival; with more than three active arms the
    rival is left to the tables. None where the scenario has no placebo arm.
    """
    active = {name: arm for name, arm in document["arms"].items() if not is_placebo(arm)}
    with_rival = len(active) <= MOST_RIVALS
    series: list[tuple[int, str, bool, Mapping[str, Any]]] = []
    for number, (name, arm) in enumerate(document["arms"].items()):
        if name in active:
            series.append((number, name, False, arm["endpoints"]))
            if with_rival and "rival" in arm:
                series.append((number, name, True, arm["rival"]["endpoints"]))
    days = endpoint_days(next(iter(active.values()))["endpoints"]) if active else []
    days = [day for day in days if any("minus_placebo" in s[3].get(f"nrs_day_{day}", {}) for s in series)]
    if not days:
        return None
    look = styles(document)
    data: list[traces.Figure] = []
    for place, (number, name, rival, endpoints) in enumerate(series):
        shift = (place - (len(series) - 1) / 2.0) * min(0.16, 0.64 / len(series))
        meta = {"curve": number, "part": "rival" if rival else "mean"}
        label = html.escape(name) + (" (rival model)" if rival else "")
        for trace in _differences_of(endpoints, days, shift, look[name].colour, rival):
            data.append(trace | {"name": label, "meta": meta})
    layout = traces.layout(traces.Window(len(days) - 0.5, 1.0, "days"), "Minus placebo (NRS points)", 1.0)
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


def panels(document: Mapping[str, Any], view: View) -> dict[str, traces.Figure]:
    """Return one figure per arm of a quantity: mean, its 90 % interval, range of patients, and a comparison.

    The grey line for comparison is the placebo arm's mean; in a rival's pain it is the arm's own mean under
    the main model. Receptor block leaves out the arms without a drug.
    """
    axis = course_window(document) if view.course else follow_up_window(document)
    look = styles(document)
    found: dict[str, traces.Figure] = {}
    for name, arm in document["arms"].items():
        if view.key == "nmda_block" and is_placebo(arm):
            continue
        band = _profile(arm, view)[view.key]
        x = traces.times(arm["profile"]["time_h"], axis)
        data = [
            *traces.patients(x, band, look[name].colour),
            *traces.interval(x, band, look[name].colour, 0.26),
            traces.line(x, band, look[name].colour, "mean", digits=1 if view.top == 10.0 else 2),
        ]
        if reference := _reference(document, name, view):
            data.append(_reference_line(reference, view, axis))
        found[name] = {"data": data, "layout": traces.layout(axis, view.title, view.top)}
    return found


def level_panels(document: Mapping[str, Any]) -> dict[str, traces.Figure]:
    """Return plasma levels of each arm that gives a drug, one figure an arm.

    Solid lines are means over patients, thin dashed lines the range of patients. `layout.meta` holds the
    ranges of the vertical axis, ``linear`` and ``log`` (powers of ten), the same in all arms.
    """
    axis = course_window(document)
    active = {name: arm for name, arm in document["arms"].items() if not is_placebo(arm)}
    levels = {name: arm["profile"]["concentration_ng_per_ml"] for name, arm in active.items()}
    colours, ranges = analyte_colours(document), starts_with_ranges(document)
    highest = max((traces.highest(band) for arm in levels.values() for band in arm.values()), default=1.0) or 1.0
    found: dict[str, traces.Figure] = {}
    for name, arm in active.items():
        x = traces.times(arm["profile"]["time_h"], axis)
        data: list[traces.Figure] = []
        order = list(colours)
        for analyte, band in levels[name].items():
            meta = {"meta": {"curve": order.index(analyte), "part": "range"}, "visible": ranges}
            floored = traces.floored(band)
            data += [trace | meta for trace in traces.patients(x, floored, colours[analyte], fill=0.0)]
        for analyte, band in levels[name].items():
            line = traces.line(x, band, colours[analyte], analyte, digits=3, dash="solid", significant=True)
            meta = {"meta": {"curve": order.index(analyte), "part": "mean"}}
            data.append(line | meta | {"y": traces.floored(band)["mean"]})
        layout = traces.layout(axis, "Plasma level (ng/mL)", 1.05 * highest)
        high = math.log10(1.3 * highest)
        layout["meta"] = {
            "linear": [0, traces.number(1.05 * highest)],
            "log": [traces.number(high - 3.3), traces.number(high)],
        }
        found[name] = {"data": data, "layout": layout}
    return found


def starts_with_ranges(document: Mapping[str, Any]) -> bool:
    """Say whether levels start with the range of patients: with more than two curves it would hide them."""
    return len(analyte_colours(document)) <= MOST_BANDS


def analyte_colours(document: Mapping[str, Any]) -> dict[str, str]:
    """Give each drug and metabolite of the document its colour."""
    order = PALETTE[0], PALETTE[4], PALETTE[2], PALETTE[3], PALETTE[1], PALETTE[5]
    names: dict[str, None] = {}
    for arm in document["arms"].values():
        names |= dict.fromkeys(arm["profile"]["concentration_ng_per_ml"])
    return {name: order[number % len(order)] for number, name in enumerate(names)}


# --- parts of a figure ---

_BAR_STEP = 0.27  # between the course bars at the foot of the comparison [NRS]


def _arm_of_comparison(
    document: Mapping[str, Any], name: str, number: int, axis: traces.Window
) -> Iterator[tuple[str, traces.Figure]]:
    """Yield the parts of one arm: band, whiskers, mean, course and later sessions."""
    arm, look = document["arms"][name], styles(document)[name]
    band, x = arm["profile"]["nrs"], traces.times(arm["profile"]["time_h"], axis)
    for trace in traces.interval(x, band, look.colour, 0.2):
        yield "band", trace
    if "mean_lo" in band:
        most = (len(document["arms"]) - 1) / 2.0
        yield "whiskers", traces.whiskers_at_ticks(x, band, look.colour, axis, number - most, most)
    yield "mean", traces.line(x, band, look.colour, name, digits=1, dash=look.dash)
    height = 0.16 + _BAR_STEP * (len(document["arms"]) - 1 - number)
    ends = {6.0: arm["course_end_day"], 1.5: arm["last_infusion_day"]}
    for width, day in ends.items():
        bar = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "y": [height, height]}
        bar |= {
            "x": [0, traces.number(24.0 * day / axis.hours_each)],
            "line": {"color": look.colour, "width": width},
        }
        yield "course", bar


def _profile(arm: Mapping[str, Any], view: View) -> Mapping[str, Any]:
    return arm["rival"]["profile"] if view.rival else arm["profile"]


def _reference(document: Mapping[str, Any], name: str, view: View) -> tuple[str, Mapping[str, Any]] | None:
    """Return what a panel is compared with: a label and an arm."""
    if view.course:
        return None
    if view.rival and view.key == "nrs":
        return "main model", document["arms"][name]
    sham = placebo_of(document, name)
    if sham is None or is_placebo(document["arms"][name]):
        return None
    return "placebo", document["arms"][sham]


def _reference_line(reference: tuple[str, Mapping[str, Any]], view: View, axis: traces.Window) -> traces.Figure:
    label, arm = reference
    profile = arm["profile"] if label == "main model" else _profile(arm, view)
    digits = 1 if view.top == 10.0 else 2
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label,
        "x": traces.times(arm["profile"]["time_h"], axis),
        "y": traces.numbers(profile[view.key]["mean"]),
        "hovertemplate": f"%{{y:.{digits}f}}<extra></extra>",
        "line": {"color": PLACEBO_GREYS[0], "width": 2, "dash": "dot"},
        "meta": {"part": "reference"},
    }


def _differences_of(
    endpoints: Mapping[str, Any], days: Sequence[int], shift: float, colour: str, rival: bool
) -> Iterator[traces.Figure]:
    """Yield the intervals and then the marks of one arm under one model; only the marks can be pointed at."""
    rows = []
    for place, day in enumerate(days):
        entry = endpoints.get(f"nrs_day_{day}", {})
        middle, interval = entry.get("minus_placebo"), entry.get("minus_placebo_interval")
        if middle is not None and interval is not None:
            rows.append((round(place + shift, 3), middle, *interval, day))
    x, middles, lows, highs, _ = zip(*rows, strict=True) if rows else ((),) * 5
    yield traces.whiskers(x, lows, highs, colour, 1.4 if rival else 2.4, 0)
    yield {
        "type": "scatter",
        "mode": "markers",
        "x": list(x),
        "y": traces.numbers(middles),
        "customdata": [[traces.number(low), traces.number(high), day] for _, _, low, high, day in rows],
        "hovertemplate": "day %{customdata[2]}: %{y:.1f} (90 % interval %{customdata[0]:.1f} to %{customdata[1]:.1f})",
        "marker": {
            "color": colour,
            "size": 9,
            "symbol": "diamond-open" if rival else "circle",
            "line": {"width": 1.8 if rival else 0, "color": colour},
        },
    }


def _difference_range(data: Sequence[traces.Figure]) -> list[float]:
    lows = [row[0] for trace in data for row in trace.get("customdata", ())]
    highs = [row[1] for trace in data for row in trace.get("customdata", ())]
    return [math.floor(min([*lows, -1.0]) - 0.2), math.ceil(max([*highs, 0.5]) + 0.2)]
