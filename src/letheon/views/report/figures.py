"""The figures of the report: their places on the page, controls, captions and values in words."""

from __future__ import annotations

import bisect
import json
from collections.abc import Mapping
from typing import Any

from letheon.views import plots, traces
from letheon.views.report import markup, words

# What each panel figure shows: heading, caption, text alternative.
STATE_CAPTIONS = {
    "sensitisation": (
        "Sensitisation: the memory of pain",
        "The sensitised state that holds pain up by itself; 1 would be full sensitisation. Receptor block "
        "starves it, and a patient whose state falls below a threshold settles low until a flare brings it "
        "back.",
    ),
    "slow_site_effect": (
        "Effect at the slow site",
        "The share of pain that a slowly equilibrating effect site takes away; it fades with the drug and "
        "leaves no memory.",
    ),
}


class Shelf:
    """Collects the figures of a page, numbered, to be written once as JSON."""

    def __init__(self) -> None:
        self.figures: list[traces.Figure] = []

    def place(self, figure: traces.Figure, alternative: str, size: str, height: int = 0) -> str:
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


def section(document: Mapping[str, Any], shelf: Shelf) -> str:
    """Return the section with all figures, which are put on the shelf."""
    views = plots.views(document)
    made = [
        _comparison(document, shelf),
        _differences(document, shelf),
        _pain(document, views["pain"], shelf),
    ]
    made += [_levels(document, shelf), _block(document, views["block"], shelf)]
    made += [_state(document, views[key], shelf) for key in ("state",) if key in views]
    made += [_rival_pain(document, views[key], shelf) for key in ("rival_pain",) if key in views]
    made += [_state(document, views[key], shelf) for key in ("rival_state",) if key in views]
    return markup.section(
        "figures",
        "Figures",
        '<p class="small screen">Point at a curve to read its values; drag sideways to zoom, double-click '
        "to go "
        "back.</p><noscript><p>The figures need JavaScript; the tables below hold the same results as "
        "numbers."
        f"</p></noscript>{''.join(made)}",
    )


# --- the figures, one by one ---


def _comparison(document: Mapping[str, Any], shelf: Shelf) -> str:
    look = plots.styles(document)
    chips = "".join(
        _chip(_swatch(style.colour, style.dash), words.arm_name(name), True, curve=str(number))
        for number, (name, style) in enumerate(look.items())
    )
    first = "band" if plots.starts_with_bands(document) else "whiskers"
    kinds = [
        markup.button(label, part == first, do="interval", part=part)
        for part, label in (("whiskers", "Whiskers"), ("band", "Bands"), ("none", "None"))
    ]
    interval = (
        f'<div class="choice"><span class="small" id="interval-label">90{words.THIN}% interval of the mean'
        f"</span>{markup.segments('', kinds, 'interval-label')}</div>"
    )
    caption = (
        f"Mean pain score of each arm over {words.span(document['follow_up_days'])}. Whiskers or bands are "
        f"the 90{words.THIN}% interval of the mean: how well it is known, not how patients differ. The bars "
        "at the foot are the courses, thin lines the sessions after them. Curves are the pain behind the "
        "diary; the endpoints below are diary entries, whole numbers with noise."
    )
    plot = shelf.place(plots.pain_comparison(document), _pain_in_words(document), "tall")
    controls = f'<div class="controls"><div role="group" aria-label="Arms shown">{chips}</div>{interval}</div>'
    table = _values(document, plots.View("nrs", plots.PAIN_TITLE, 10.0), "Mean pain score")
    return _figure("Mean pain score", controls + plot, caption, table)


def _differences(document: Mapping[str, Any], shelf: Shelf) -> str:
    figure = plots.differences(document)
    if figure is None:
        return ""
    look = plots.styles(document)
    active = {name: look[name] for name, arm in document["arms"].items() if not plots.is_placebo(arm)}
    with_rival = any(trace["meta"]["part"] == "rival" for trace in figure["data"])
    keys = [(_swatch(style.colour, "dot-mark"), words.arm_name(name)) for name, style in active.items()]
    if with_rival:
        keys.append((_swatch("currentColor", "diamond"), "the same under the rival model"))
    caption = (
        f"Difference of the mean pain score from placebo, with its 90{words.THIN}% interval. Below zero is "
        "less pain than with placebo; an interval that crosses zero leaves the direction open."
    )
    if not with_rival and any("rival" in arm for arm in document["arms"].values()):
        caption += " The rival model's differences stand in the tables."
    plot = shelf.place(
        figure, "Differences from placebo by day; the same numbers stand in the endpoint tables.", "middle"
    )
    return _figure("Difference from placebo", _legend(keys) + plot, caption)


def _pain(document: Mapping[str, Any], view: plots.View, shelf: Shelf) -> str:
    caption = (
        f"Each arm by itself. The thin dashed lines hold 90{words.THIN}% of patients from day to day "
        f"(5{words.THIN}% to 95{words.THIN}%): how patients differ. The band around the mean is the "
        "interval of the mean."
    )
    return _figure("How patients differ", _panel_legend(document, "placebo") + _grid(document, view, shelf), caption)


def _levels(document: Mapping[str, Any], shelf: Shelf) -> str:
    figures = plots.level_panels(document)
    if not figures:
        return ""
    colours = plots.analyte_colours(document)
    chips = [
        _chip(_swatch(colour, "solid"), words.escape(name), True, curve=str(number))
        for number, (name, colour) in enumerate(colours.items())
    ]
    label = f"patients, 5{words.THIN}% to 95{words.THIN}%"
    shown = plots.starts_with_ranges(document)
    chips.append(_chip(_swatch("currentColor", "range"), label, shown, part="range"))
    choices = (("Linear", "linear"), ("Logarithmic", "log"))
    scale = markup.segments(
        "Concentration axis",
        [markup.button(label, kind == "linear", do="scale", scale=kind) for label, kind in choices],
    )
    cells = [
        _panel(name, shelf.place(figure, f"Plasma levels over time, {name}: values below the figure.", "low"))
        for name, figure in figures.items()
    ]
    sampling = {arm["models"]["levels"]["sampling"] for arm in document["arms"].values() if not plots.is_placebo(arm)}
    sites = words.escape(" and ".join(sorted(sampling)))
    ranges = "with the range of patients" if shown else "the range of patients can be shown too"
    caption = f"Plasma levels, {sites} sampling: means over patients, {ranges}.{_without_drug(document)}"
    controls = f'<div class="controls">{_windows(document)}{scale}</div>'
    curves = f'<div class="controls"><div role="group" aria-label="Curves shown">{"".join(chips)}</div></div>'
    body = controls + curves + _cells(cells)
    return _figure("Plasma levels", body, caption, _level_values(document))


def _block(document: Mapping[str, Any], view: plots.View, shelf: Shelf) -> str:
    if all(plots.is_placebo(arm) for arm in document["arms"].values()):
        return ""
    caption = (
        f"Share of NMDA receptors blocked: mean with its interval, and the range of patients.{_without_drug(document)}"
    )
    body = f'<div class="controls">{_windows(document)}</div>' + _panel_legend(document, "")
    return _figure(
        "Receptor block",
        body + _grid(document, view, shelf),
        caption,
        _values(document, view, "Receptor block"),
    )


def _state(document: Mapping[str, Any], view: plots.View, shelf: Shelf) -> str:
    heading, caption = STATE_CAPTIONS[view.key]
    if view.rival:
        heading += " (rival model)"
    body = _panel_legend(document, "placebo") + _grid(document, view, shelf)
    return _figure(heading, body, caption, _values(document, view, heading))


def _rival_pain(document: Mapping[str, Any], view: plots.View, shelf: Shelf) -> str:
    models = document["models"]
    caption = (
        f"The {words.pain_model(models['rival'])} model explains the same trial in another way: in colour, "
        f"the mean pain score under it; dotted grey, the mean under the {words.pain_model(models['pain'])} "
        "model. Where the two part, the evidence does not decide between them."
    )
    body = _panel_legend(document, f"mean under the {words.pain_model(models['pain'])} model")
    heading = f"Pain score under the rival model ({words.pain_model(models['rival'])})"
    return _figure(heading, body + _grid(document, view, shelf), caption, _values(document, view, heading))


# --- parts ---


def _figure(heading: str, body: str, caption: str, table: str = "") -> str:
    return f"<figure><h3>{heading}</h3>{body}<figcaption>{caption}</figcaption>{table}</figure>"


def _grid(document: Mapping[str, Any], view: plots.View, shelf: Shelf) -> str:
    cells = [
        _panel(name, shelf.place(figure, f"{view.title} over time, {name}: values in the tables.", "low"))
        for name, figure in plots.panels(document, view).items()
    ]
    return _cells(cells)


def _cells(cells: list[str]) -> str:
    # Two or four panels fill the width two by two, other numbers in threes.
    wide = " wide" if len(cells) in {1, 2, 4} else ""
    return f'<div class="panels{wide}">{"".join(cells)}</div>'


def _panel(name: str, plot: str) -> str:
    return f'<div class="panel"><h4>{words.arm_name(name)}</h4>{plot}</div>'


def _chip(swatch: str, label: str, pressed: bool, **data: str) -> str:
    """Return a legend entry that shows or hides its curve."""
    return markup.button(swatch + label, pressed, kind="chip", do="curve", **data)


def _legend(keys: list[tuple[str, str]]) -> str:
    return '<ul class="legend">' + "".join(f"<li>{swatch}{label}</li>" for swatch, label in keys) + "</ul>"


def _panel_legend(document: Mapping[str, Any], reference: str) -> str:
    keys = [
        (_swatch("currentColor", "mean-band"), f"mean with its 90{words.THIN}% interval"),
        (_swatch("currentColor", "range"), f"patients, 5{words.THIN}% to 95{words.THIN}%"),
    ]
    if reference == "placebo":
        shams = any(plots.is_placebo(arm) for arm in document["arms"].values())
        reference = "mean of placebo" if shams else ""
    if reference:
        keys.append((_swatch(plots.PLACEBO_GREYS[0], "dot"), reference))
    return _legend(keys)


def _swatch(colour: str, kind: str) -> str:
    """Return a small drawing of a line, band or mark as it looks in the figure."""
    dashes = {
        "dash": "7 4",
        "dot": "2 3",
        "dashdot": "7 3 2 3",
        "longdash": "10 4",
        "longdashdot": "10 3 2 3",
        "range": "3 3",
    }
    if kind == "dot-mark":
        inside = f'<circle cx="13" cy="6" r="4.5" fill="{colour}"/>'
    elif kind == "diamond":
        shape = "M13 1.5l4.5 4.5l-4.5 4.5l-4.5 -4.5z"
        inside = f'<path d="{shape}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
    else:
        inside = ""
        if kind in {"band", "mean-band"}:
            inside = f'<rect width="26" height="12" fill="{colour}" opacity="0.3"/>'
        if kind != "band":
            dash = f' stroke-dasharray="{dashes[kind]}"' if kind in dashes else ""
            width = 1.3 if kind == "range" else 2.4
            inside += f'<path d="M0 6h26" stroke="{colour}" stroke-width="{width}"{dash}/>'
    size = 'width="26" height="12" viewBox="0 0 26 12"'
    return f'<svg class="swatch" {size} aria-hidden="true" focusable="false">{inside}</svg>'


def _windows(document: Mapping[str, Any]) -> str:
    """Return the buttons that choose how much of the time axis is seen, with the ticks and title of each."""
    course, whole = plots.course_window(document), plots.follow_up_window(document)
    choices = [("Course + 3 days", course)]
    if course.unit == "h" and course.end > 36:
        choices.insert(0, ("First 24 h", traces.Window(24.0, 6.0, "h")))
    if 24.0 * document["follow_up_days"] > course.end * course.hours_each:
        choices.append(("All", whole))
    buttons = []
    for label, axis in choices:
        ticks = [axis.step * tick for tick in range(int(axis.end / axis.step + 1e-9) + 1)]
        scale = axis.hours_each / course.hours_each
        settings = {
            "xaxis.range": [0, axis.end * scale],
            "xaxis.tickvals": [tick * scale for tick in ticks],
            "xaxis.ticktext": [f"{tick:g}" for tick in ticks],
            "xaxis.title.text": axis.title,
        }
        change = json.dumps(settings, separators=(",", ":"))
        buttons.append(markup.button(label, axis is course, do="window", change=change))
    return markup.segments("Time shown", buttons)


def _without_drug(document: Mapping[str, Any]) -> str:
    shams = [words.arm_name(name) for name, arm in document["arms"].items() if plots.is_placebo(arm)]
    return f" Not drawn: {', '.join(shams)}, which gives no drug." if shams else ""


def _pain_in_words(document: Mapping[str, Any]) -> str:
    parts = []
    for name, arm in document["arms"].items():
        days = plots.endpoint_days(arm["endpoints"])
        points = (f"{words.amount(arm['endpoints'][f'nrs_day_{day}']['mean'], 'NRS')} on day {day}" for day in days)
        parts.append(f"{name}: {', '.join(points)}")
    return "Mean pain score over time. " + "; ".join(parts) + "."


# --- the same in numbers ---


def _values(document: Mapping[str, Any], view: plots.View, heading: str) -> str:
    unit = "NRS" if view.key == "nrs" else ""
    columns = []
    for name, arm in document["arms"].items():
        if view.key == "nmda_block" and plots.is_placebo(arm):
            continue
        profile = arm["rival"]["profile"] if view.rival else arm["profile"]
        columns.append((arm["profile"]["time_h"], profile[view.key], words.arm_name(name)))
    return _table_of(document, heading, columns, unit, view.course)


def _level_values(document: Mapping[str, Any]) -> str:
    columns = []
    for name, arm in document["arms"].items():
        if not plots.is_placebo(arm):
            for analyte, band in arm["profile"]["concentration_ng_per_ml"].items():
                label = f"{words.arm_name(name)}: {words.escape(analyte)} (ng/mL)"
                columns.append((arm["profile"]["time_h"], band, label))
    return _table_of(document, "Plasma levels", columns, "ng/mL", True)


def _table_of(document: Mapping[str, Any], heading: str, columns: list, unit: str, course: bool) -> str:
    axis = plots.course_window(document) if course else plots.follow_up_window(document)
    marks = [axis.step * place for place in range(int(axis.end / axis.step + 1e-9) + 1)]
    if course:
        ends = {24.0 * arm["course_end_day"] / axis.hours_each for arm in document["arms"].values()}
        marks = sorted({*marks, *(end for end in ends if all(abs(end - mark) > 0.02 * axis.step for mark in marks))})
    rows = []
    for mark in marks:
        hour = mark * axis.hours_each
        cells = (_mean_at(hours, band, hour, unit) for hours, band, _ in columns)
        rows.append(markup.row(f"{mark:.3g}", cells))
    heads = [f"Time ({axis.unit})", *(label for _, _, label in columns)]
    made = markup.table(f"Values: {heading}", heads, f"<tbody>{''.join(rows)}</tbody>")
    return (
        f'<details class="screen"><summary>Values</summary><p class="small">Means, with 5{words.THIN}% to '
        f"95{words.THIN}% of patients in brackets.</p>{made}</details>"
    )


def _mean_at(hours: list[float], band: Mapping[str, Any], hour: float, unit: str) -> str:
    """Return the values of the profile's point that lies nearest to an hour."""
    place = min(bisect.bisect_left(hours, hour), len(hours) - 1)
    if place and hour - hours[place - 1] < hours[place] - hour:
        place -= 1
    mean, low, high = (_value(band[key][place], unit) for key in ("mean", "q05", "q95"))
    return f"{mean} {markup.note(f'({low} to {high})')}"


def _value(value: float, unit: str) -> str:
    """Return a value of a profile: pain, a level [ng/mL], or a share; nothing finer than a hundredth."""
    if unit == "NRS":
        return words.amount(value, unit)
    if value == 0.0:
        return "0"
    if value < 0.01:
        return "under 0.01"
    return words.number(value) if unit == "ng/mL" and value >= 0.1 else f"{value:.2f}"
