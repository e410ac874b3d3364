"""Published pain scores on the figure of mean pain: a square for an arm with drug, a diamond for one without."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from letheon.views.figures import axes, curves

if TYPE_CHECKING:
    from letheon.pipeline.result import RunResult

_DRUG, _CONTROL = ("#000000", "#8B4000", "#4B0082"), ("#5d636b", "#a3a8b0")


class Score(NamedTuple):
    """A published score [NRS] of an arm, with its interval or range; `control` says that it gave no ketamine."""

    arm: str
    control: bool
    day: float
    value: float
    ends: tuple[float, float] | None
    recalled: bool


def colours(points: Iterable[Score]) -> dict[tuple[str, bool], str]:
    """Give each published arm, with whether it is a control, its colour."""
    arms = dict.fromkeys((one.arm, one.control) for one in points)
    order = {control: [arm for arm in arms if arm[1] == control] for control in (False, True)}
    return {
        arm: choice[order[arm[1]].index(arm) % len(choice)]
        for arm in arms
        for choice in [_CONTROL if arm[1] else _DRUG]
    }


def figure(result: RunResult, points: Sequence[Score]) -> axes.Figure:
    """Return mean pain of all arms with published scores over it; those that were only recalled are hollow."""
    drawn, axis = curves.pain_comparison(result), axes.window(24.0 * result.follow_up_days, most_ticks=12)
    for (arm, control), colour in colours(points).items():
        own = [one for one in points if (one.arm, one.control) == (arm, control)]
        x = [round(24.0 * one.day / axis.hours_each, 4) for one in own]
        symbol = "diamond" if control else "square"
        bars = {"type": "data", "symmetric": False, "color": colour, "thickness": 1.6, "width": 4}
        bars["array"] = [axes.number(one.ends[1] - one.value if one.ends else 0.0) for one in own]
        bars["arrayminus"] = [axes.number(one.value - one.ends[0] if one.ends else 0.0) for one in own]
        marker = {
            "color": colour,
            "size": 9,
            "symbol": [f"{symbol}-open" if one.recalled else symbol for one in own],
            "line": {"width": 1.5, "color": colour},
        }
        name, hover = html.escape(arm), axes.hover("published %{y:.1f}")
        y = axes.numbers([one.value for one in own])
        points_of = axes.trace("markers", x, y, name=name, marker=marker, error_y=bars, hovertemplate=hover)
        drawn["data"].append(points_of | {"meta": {"curve": -1, "part": "published"}})
    return drawn
