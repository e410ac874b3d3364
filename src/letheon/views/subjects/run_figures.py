"""The figures of a run: controls, captions, and the same values in tables."""

import bisect
import json
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from letheon.pipeline.result import ArmResult, Band, RunResult
from letheon.views.document import numbers, tree
from letheon.views.figures import axes, curves
from letheon.views.subjects import average, names
from letheon.views.subjects.words import TEXTS, WORDS

Column = tuple[list[float], Band, str]  # times [h], values, heading
_MEAN = tree.Swatch("currentColor", dash="mean-band")
_RANGE = tree.Swatch("currentColor", 1.3, "range")
_PATIENTS = "patients, 5 % to 95 %"


def figures(result: RunResult) -> Iterator[tree.Block]:
    """Yield what is drawn of a run, most asked for first."""
    views = curves.views(result)
    placebo = "mean of placebo" if curves.has_placebo(result) else ""
    yield tree.Paragraph(TEXTS.use, "small screen")
    yield _comparison(result)
    if "apart" in views:
        heading, legend = (
            "Pain under each mechanism",
            tree.Legend(((_MEAN, "average with its 90 % interval"), *_alone())),
        )
        columns = [column for name, arm in result.arms.items() for column in _apart_columns(name, arm)]
        values = _table_of(result, heading, columns, "NRS", False)
        yield tree.Figure(heading, (legend, _panels(result, views["apart"])), TEXTS.apart, values)
    yield from _differences(result)
    yield tree.Figure("How patients differ", (_legend(placebo), _panels(result, views["pain"])), TEXTS.pain)
    if curves.active_arms(result):
        yield _levels(result)
        heading = "Receptor block"
        parts = (tree.Controls((_windows(result),)), _legend(), _panels(result, views["block"]))
        yield tree.Figure(heading, parts, TEXTS.block + _without_drug(result), _values(result, views["block"], heading))
    for view in [one for key, one in views.items() if key.endswith("state")]:
        heading, caption = WORDS.states[view.key]
        only = f" (under the {names.pain_model(view.model)} alone)" if view.model else ""
        yield _view(result, view, heading + only, caption, placebo)


def _alone() -> list[tuple[tree.Swatch, str]]:
    """Return how each mechanism is drawn beside the average, and its name."""
    looks = curves.APART.items()
    return [(tree.Swatch("currentColor", 1.3, dash, mark), f"{names.pain_model(m)} alone") for m, (dash, mark) in looks]


def _apart_columns(name: str, arm: ArmResult) -> Iterator[Column]:
    hours, title = arm.profile.time_h, names.arm_name(name)
    yield hours, arm.profile.nrs, f"{title}: average"
    for model, part in arm.by_model.items() if arm.by_model else ():
        yield hours, part.profile.nrs, f"{title}: {names.pain_model(model)}"


def _view(result: RunResult, view: curves.View, heading: str, caption: str, reference: str) -> tree.Figure:
    return tree.Figure(heading, (_legend(reference), _panels(result, view)), caption, _values(result, view, heading))


def _comparison(result: RunResult) -> tree.Figure:
    arms = tuple(
        tree.Button((tree.Swatch(colour, dash=dash), names.arm_name(name)), True, {"do": "curve", "curve": f"{place}"})
        for place, (name, (colour, dash)) in enumerate(curves.styles(result).items())
    )
    first = "band" if len(result.arms) <= curves.MOST_BANDS else "whiskers"
    kinds = (("whiskers", "Whiskers"), ("band", "Bands"), ("none", "None"))
    intervals = tuple(tree.Button(label, part == first, {"do": "interval", "part": part}) for part, label in kinds)
    chips = [
        tree.Button((mark, label), True, {"do": "curve", "part": model})
        for model, (mark, label) in zip(curves.APART, _alone(), strict=True)
    ]
    is_average = any(arm.by_model for arm in result.arms.values())
    controls = (
        tree.Buttons("Arms shown", arms, "chips"),
        *([tree.Buttons("Mechanisms shown", tuple(chips), "chips")] if is_average else []),
        tree.Buttons("90 % interval of the mean", intervals, shown=True),
    )
    caption = f"Mean pain score of each arm over {numbers.duration(result.follow_up_days)}. {TEXTS.comparison}"
    caption += TEXTS.thin * is_average
    values = _values(result, curves.View("nrs", curves.PAIN_TITLE, 10.0), "Mean pain score")
    words = []
    for name, arm in result.arms.items():
        scores = {day: arm.endpoint(f"nrs_day_{day}") for day in curves.endpoint_days(arm.endpoints)}
        points = [f"{numbers.amount(one.mean, 'NRS')} on day {day}" for day, one in scores.items() if one]
        if beside := average.beside(average.alone(arm, f"nrs_day_{max(scores)}")):
            points.append(f"there {' and '.join(beside)}")
        words.append(f"{name}: {', '.join(points)}")
    plot = tree.Plot(curves.pain_comparison(result), f"Mean pain score over time. {'; '.join(words)}.", "tall")
    return tree.Figure("Mean pain score", (tree.Controls(controls), plot), caption, values)


def _differences(result: RunResult) -> Iterator[tree.Figure]:
    figure = curves.differences(result)
    if figure is None:
        return
    look, active, other = curves.styles(result), curves.compared_arms(result), names.arm_name(curves.comparator(result))
    drawn = any(trace["meta"]["part"] in curves.APART for trace in figure["data"])
    what = ", average" * drawn
    keys = [(tree.Swatch(look[name].colour, 0, mark="circle"), names.arm_name(name) + what) for name in active]
    if drawn:
        keys += [(replace(swatch, line=0), label) for swatch, label in _alone()]
    left_out = not drawn and any(arm.by_model for arm in result.arms.values())
    caption = (
        TEXTS.differences.format(other=other) + " Those under each mechanism alone stand in the tables." * left_out
    )
    plot = tree.Plot(figure, f"Differences from {other} by day; the same numbers stand in the endpoint tables.")
    yield tree.Figure(f"Difference from {other}", (tree.Legend(tuple(keys)), plot), caption)


def _levels(result: RunResult) -> tree.Figure:
    active, colours = curves.active_arms(result), curves.analyte_colours(result)
    shown = len(colours) <= curves.MOST_BANDS
    chips = [
        tree.Button((tree.Swatch(colour), name), True, {"do": "curve", "curve": f"{place}"})
        for place, (name, colour) in enumerate(colours.items())
    ]
    chips.append(tree.Button((_RANGE, _PATIENTS), shown, {"do": "curve", "part": "range"}))
    choices = (("Linear", "linear"), ("Logarithmic", "log"))
    scale = tuple(tree.Button(label, kind == "linear", {"do": "scale", "scale": kind}) for label, kind in choices)
    cells = tuple(
        (names.arm_name(name), tree.Plot(figure, f"Plasma levels over time, {name}: values below the figure.", "low"))
        for name, figure in curves.level_panels(result).items()
    )
    sampling = " and ".join(sorted({arm.models.levels.sampling for arm in active.values()}))
    ranges = "with the range of patients" if shown else "the range of patients can be shown too"
    caption = f"Plasma levels, {sampling} sampling: means over patients, {ranges}.{_without_drug(result)}"
    axis = tree.Controls((_windows(result), tree.Buttons("Concentration axis", scale)))
    columns = [
        (arm.profile.time_h, band, f"{names.arm_name(name)}: {analyte} (ng/mL)")
        for name, arm in active.items()
        for analyte, band in arm.profile.concentration_ng_per_ml.items()
    ]
    values = _table_of(result, "Plasma levels", columns, "ng/mL", True)
    blocks = (axis, tree.Controls((tree.Buttons("Curves shown", tuple(chips), "chips"),)), tree.Panels(cells))
    return tree.Figure("Plasma levels", blocks, caption, values)


def _panels(result: RunResult, view: curves.View) -> tree.Panels:
    cells = (
        (names.arm_name(name), tree.Plot(figure, f"{view.title} over time, {name}: values in the tables.", "low"))
        for name, figure in curves.panels(result, view).items()
    )
    return tree.Panels(tuple(cells))


def _legend(reference: str = "") -> tree.Legend:
    keys = [(_MEAN, "mean with its 90 % interval"), (_RANGE, _PATIENTS)]
    return tree.Legend((*keys, *([(tree.Swatch(curves.PLACEBO_GREYS[0], dash="dot"), reference)] if reference else [])))


def _windows(result: RunResult) -> tree.Buttons:
    """Return the buttons that choose how much of the time axis is seen, with the ticks and title of each."""
    course = curves.course_window(result)
    choices = [("Course + 3 days", course)]
    if course.unit == "h" and course.end > 36:
        choices.insert(0, ("First 24 h", axes.Window(24.0, 6.0, "h")))
    if 24.0 * result.follow_up_days > course.end * course.hours_each:
        choices.append(("All", curves.window_of(result, course=False)))
    buttons = []
    for label, axis in choices:
        scale = axis.hours_each / course.hours_each
        settings = {
            "xaxis.range": [0, axis.end * scale],
            "xaxis.tickvals": [tick * scale for tick in axis.ticks],
            "xaxis.ticktext": [numbers.general(tick) for tick in axis.ticks],
            "xaxis.title.text": axis.title,
        }
        change = json.dumps(settings, separators=(",", ":"))
        buttons.append(tree.Button(label, axis is course, {"do": "window", "change": change}))
    return tree.Buttons("Time shown", tuple(buttons))


def _without_drug(result: RunResult) -> str:
    shams = [names.arm_name(name) for name, arm in result.arms.items() if curves.is_placebo(arm)]
    return f" Not drawn: {', '.join(shams)}, which gives no drug." if shams else ""


def _values(result: RunResult, view: curves.View, heading: str) -> tree.Details:
    arms = curves.active_arms(result) if view.key == "nmda_block" else result.arms
    columns = [(arm.profile.time_h, curves.band_of(arm, view), names.arm_name(name)) for name, arm in arms.items()]
    return _table_of(result, heading, columns, "NRS" if view.key == "nrs" else "", view.course)


def _table_of(result: RunResult, heading: str, columns: Sequence[Column], unit: str, course: bool) -> tree.Details:
    axis = curves.window_of(result, course)
    marks = axis.ticks
    if course:
        ends = {24.0 * arm.course_end_day / axis.hours_each for arm in result.arms.values()}
        marks = sorted({*marks, *(end for end in ends if all(abs(end - mark) > 0.02 * axis.step for mark in marks))})
    rows = [
        (numbers.general(mark, 3), *(_mean_at(hours, band, mark * axis.hours_each, unit) for hours, band, _ in columns))
        for mark in marks
    ]
    table = tree.Table.of(f"Values: {heading}", (f"Time ({axis.unit})", *(label for *_, label in columns)), rows)
    how = tree.Paragraph("Means, with 5 % to 95 % of patients in brackets.", "small")
    return tree.Details("Values", (how, table), screen=True)


def _mean_at(hours: list[float], band: Band, hour: float, unit: str) -> tree.Content:
    """Return the values of the profile's point that lies nearest to an hour."""
    place = min(bisect.bisect_left(hours, hour), len(hours) - 1)
    if place and hour - hours[place - 1] < hours[place] - hour:
        place -= 1
    mean, low, high = (_value(values[place], unit) for values in (band.mean, band.q05, band.q95))
    return f"{mean} ", tree.Note(f"({low} to {high})")


def _value(value: float, unit: str) -> str:
    """Return a value of a profile: pain, a level [ng/mL], or a share; nothing finer than a hundredth."""
    if unit == "NRS":
        return numbers.amount(value, unit)
    if value == 0.0:
        return "0"
    if value < 0.01:
        return "<0.01"
    return numbers.number(value) if unit == "ng/mL" and value >= 0.1 else numbers.fixed(value, 2)
