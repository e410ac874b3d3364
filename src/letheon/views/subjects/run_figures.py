"""The figures of a run: controls, captions, and the same values in tables."""

from __future__ import annotations

import bisect
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from letheon.views.document import numbers
from letheon.views.document.tree import (
    Block,
    Button,
    Buttons,
    Content,
    Controls,
    Details,
    Figure,
    Legend,
    Note,
    Panels,
    Paragraph,
    Plot,
    Swatch,
    Table,
)
from letheon.views.figures import axes, curves
from letheon.views.subjects import names

if TYPE_CHECKING:
    from letheon.pipeline.result import Band, RunResult


Column = tuple[list[float], "Band", str]  # times [h], values, heading
_STATES = {
    "sensitisation": (
        "Sensitisation: the memory of pain",
        "The sensitised state that holds pain up by itself; 1 would be full sensitisation. Receptor block starves it, "
        "and a patient whose state falls below a threshold settles low until a flare brings it back.",
    ),
    "slow_site_effect": (
        "Effect at the slow site",
        "The share of pain that a slowly equilibrating effect site takes away; it fades with the drug and leaves no "
        "memory.",
    ),
}
_MEAN = (Swatch("currentColor", dash="mean-band"), "mean with its 90 % interval")
_RANGE = Swatch("currentColor", 1.3, "range")
_PATIENTS = "patients, 5 % to 95 %"


def figures(result: RunResult) -> Iterator[Block]:
    """Yield what is drawn of a run, most asked for first."""
    views = curves.views(result)
    yield Paragraph(
        "Point at a curve to read its values; drag sideways to zoom, double-click to go back.", "small screen"
    )
    yield _comparison(result)
    yield from _differences(result)
    yield Figure(
        "How patients differ",
        (_legend(result, "placebo"), _panels(result, views["pain"])),
        "Each arm by itself. The thin dashed lines hold 90 % of patients from day to day (5 % to 95 %): how patients "
        "differ. The band around the mean is the interval of the mean.",
    )
    if not all(map(curves.is_placebo, result.arms.values())):
        yield _levels(result)
        yield _block(result, views["block"])
    yield _state(result, views["state"])
    if "rival_pain" in views:
        yield _second_pain(result, views["rival_pain"])
        yield _state(result, views["rival_state"])


def _comparison(result: RunResult) -> Figure:
    look = curves.styles(result)
    arms = tuple(
        _chip(Swatch(style.colour, dash=style.dash), names.arm_name(name), curve=str(number))
        for number, (name, style) in enumerate(look.items())
    )
    first = "band" if curves.starts_with_bands(result) else "whiskers"
    kinds = (("whiskers", "Whiskers"), ("band", "Bands"), ("none", "None"))
    intervals = tuple(Button(label, part == first, {"do": "interval", "part": part}) for part, label in kinds)
    controls = Buttons("Arms shown", arms, "chips"), Buttons("90 % interval of the mean", intervals, shown=True)
    caption = (
        f"Mean pain score of each arm over {numbers.duration(result.follow_up_days)}. Whiskers or bands are the 90 % "
        "interval of the mean: how well it is known, not how patients differ. The bars at the foot are the courses, "
        "thin lines the sessions after them. Curves are the pain behind the diary; the endpoints below are diary "
        "entries, whole numbers with noise."
    )
    values = _values(result, curves.View("nrs", curves.PAIN_TITLE, 10.0), "Mean pain score")
    plot = Plot(curves.pain_comparison(result), _pain_in_words(result), "tall")
    return Figure("Mean pain score", (Controls(controls), plot), caption, values)


def _differences(result: RunResult) -> Iterator[Figure]:
    figure = curves.differences(result)
    if figure is None:
        return
    look = curves.styles(result)
    keys = [
        (Swatch(look[name].colour, 0, mark="circle"), names.arm_name(name))
        for name, arm in result.arms.items()
        if not curves.is_placebo(arm)
    ]
    drawn = any(trace["meta"]["part"] == "rival" for trace in figure["data"])
    if drawn:
        keys.append((Swatch("currentColor", 0, mark="diamond-open"), "the same under the second model"))
    caption = (
        "Difference of the mean pain score from placebo, with its 90 % interval. Below zero is less pain than with "
        "placebo; an interval that crosses zero leaves the direction open."
    )
    if not drawn and any(arm.rival for arm in result.arms.values()):
        caption += " The second model's differences stand in the tables."
    plot = Plot(figure, "Differences from placebo by day; the same numbers stand in the endpoint tables.", "middle")
    yield Figure("Difference from placebo", (Legend(tuple(keys)), plot), caption)


def _levels(result: RunResult) -> Figure:
    shown = curves.starts_with_ranges(result)
    chips = [
        _chip(Swatch(colour), name, curve=str(number))
        for number, (name, colour) in enumerate(curves.analyte_colours(result).items())
    ]
    chips.append(Button((_RANGE, _PATIENTS), shown, {"do": "curve", "part": "range"}))
    choices = (("Linear", "linear"), ("Logarithmic", "log"))
    scale = tuple(Button(label, kind == "linear", {"do": "scale", "scale": kind}) for label, kind in choices)
    cells = tuple(
        (names.arm_name(name), Plot(figure, f"Plasma levels over time, {name}: values below the figure.", "low"))
        for name, figure in curves.level_panels(result).items()
    )
    sampling = {arm.models.levels.sampling for arm in result.arms.values() if not curves.is_placebo(arm)}
    ranges = "with the range of patients" if shown else "the range of patients can be shown too"
    caption = f"Plasma levels, {' and '.join(sorted(sampling))} sampling: means over patients, {ranges}."
    return Figure(
        "Plasma levels",
        (
            Controls((_windows(result), Buttons("Concentration axis", scale))),
            Controls((Buttons("Curves shown", tuple(chips), "chips"),)),
            Panels(cells),
        ),
        caption + _without_drug(result),
        _level_values(result),
    )


def _block(result: RunResult, view: curves.View) -> Figure:
    caption = "Share of NMDA receptors blocked: mean with its interval, and the range of patients."
    blocks = (Controls((_windows(result),)), _legend(result), _panels(result, view))
    return Figure("Receptor block", blocks, caption + _without_drug(result), _values(result, view, "Receptor block"))


def _state(result: RunResult, view: curves.View) -> Figure:
    heading, caption = _STATES[view.key]
    heading += " (second model)" if view.rival else ""
    blocks = (_legend(result, "placebo"), _panels(result, view))
    return Figure(heading, blocks, caption, _values(result, view, heading))


def _second_pain(result: RunResult, view: curves.View) -> Figure:
    main, second = names.pain_model(result.models.pain), names.pain_model(result.models.rival)
    caption = (
        f"The {second} model explains the same trial in another way: in colour, the mean pain score under it; dotted "
        f"grey, the mean under the {main} model. Where the two part, the evidence does not decide between them."
    )
    heading = f"Pain score under the second model ({second})"
    blocks = (_legend(result, f"mean under the {main} model"), _panels(result, view))
    return Figure(heading, blocks, caption, _values(result, view, heading))


# --- parts ---


def _chip(swatch: Swatch, label: str, **data: str) -> Button:
    """Return a legend entry that shows or hides its curve."""
    return Button((swatch, label), True, {"do": "curve", **data})


def _panels(result: RunResult, view: curves.View) -> Panels:
    cells = (
        (names.arm_name(name), Plot(figure, f"{view.title} over time, {name}: values in the tables.", "low"))
        for name, figure in curves.panels(result, view).items()
    )
    return Panels(tuple(cells))


def _legend(result: RunResult, reference: str = "") -> Legend:
    if reference == "placebo":
        reference = "mean of placebo" if any(map(curves.is_placebo, result.arms.values())) else ""
    keys = [_MEAN, (_RANGE, _PATIENTS)]
    return Legend((*keys, *([(Swatch(curves.PLACEBO_GREYS[0], dash="dot"), reference)] if reference else [])))


def _windows(result: RunResult) -> Buttons:
    """Return the buttons that choose how much of the time axis is seen, with the ticks and title of each."""
    course, whole = curves.course_window(result), curves.follow_up_window(result)
    choices = [("Course + 3 days", course)]
    if course.unit == "h" and course.end > 36:
        choices.insert(0, ("First 24 h", axes.Window(24.0, 6.0, "h")))
    if 24.0 * result.follow_up_days > course.end * course.hours_each:
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
        buttons.append(Button(label, axis is course, {"do": "window", "change": change}))
    return Buttons("Time shown", tuple(buttons))


def _without_drug(result: RunResult) -> str:
    shams = [names.arm_name(name) for name, arm in result.arms.items() if curves.is_placebo(arm)]
    return f" Not drawn: {', '.join(shams)}, which gives no drug." if shams else ""


def _pain_in_words(result: RunResult) -> str:
    parts = []
    for name, arm in result.arms.items():
        scores = {day: arm.endpoint(f"nrs_day_{day}") for day in curves.endpoint_days(arm.endpoints)}
        points = (f"{numbers.amount(one.mean, 'NRS')} on day {day}" for day, one in scores.items() if one)
        parts.append(f"{name}: {', '.join(points)}")
    return f"Mean pain score over time. {'; '.join(parts)}."


# --- the same in numbers ---


def _values(result: RunResult, view: curves.View, heading: str) -> Details:
    columns = [
        (arm.profile.time_h, curves.band_of(arm, view), names.arm_name(name))
        for name, arm in result.arms.items()
        if view.key != "nmda_block" or not curves.is_placebo(arm)
    ]
    return _table_of(result, heading, columns, "NRS" if view.key == "nrs" else "", view.course)


def _level_values(result: RunResult) -> Details:
    columns = [
        (arm.profile.time_h, band, f"{names.arm_name(name)}: {analyte} (ng/mL)")
        for name, arm in result.arms.items()
        if not curves.is_placebo(arm)
        for analyte, band in arm.profile.concentration_ng_per_ml.items()
    ]
    return _table_of(result, "Plasma levels", columns, "ng/mL", True)


def _table_of(result: RunResult, heading: str, columns: Sequence[Column], unit: str, course: bool) -> Details:
    axis = curves.course_window(result) if course else curves.follow_up_window(result)
    marks = [axis.step * place for place in range(int(axis.end / axis.step + 1e-9) + 1)]
    if course:
        ends = {24.0 * arm.course_end_day / axis.hours_each for arm in result.arms.values()}
        marks = sorted({*marks, *(end for end in ends if all(abs(end - mark) > 0.02 * axis.step for mark in marks))})
    rows = [
        (f"{mark:.3g}", *(_mean_at(hours, band, mark * axis.hours_each, unit) for hours, band, _ in columns))
        for mark in marks
    ]
    table = Table.of(f"Values: {heading}", (f"Time ({axis.unit})", *(label for *_, label in columns)), rows)
    return Details(
        "Values", (Paragraph("Means, with 5 % to 95 % of patients in brackets.", "small"), table), screen=True
    )


def _mean_at(hours: list[float], band: Band, hour: float, unit: str) -> Content:
    """Return the values of the profile's point that lies nearest to an hour."""
    place = min(bisect.bisect_left(hours, hour), len(hours) - 1)
    if place and hour - hours[place - 1] < hours[place] - hour:
        place -= 1
    mean, low, high = (_value(values[place], unit) for values in (band.mean, band.q05, band.q95))
    return f"{mean} ", Note(f"({low} to {high})")


def _value(value: float, unit: str) -> str:
    """Return a value of a profile: pain, a level [ng/mL], or a share; nothing finer than a hundredth."""
    if unit == "NRS":
        return numbers.amount(value, unit)
    if value == 0.0:
        return "0"
    if value < 0.01:
        return "<0.01"
    return numbers.number(value) if unit == "ng/mL" and value >= 0.1 else numbers.fixed(value, 2)
