"""Relief of each arm against what it costs: hours of infusion, and the psychedelic load."""

from collections.abc import Iterator, Mapping

import numpy as np

from letheon.pipeline.result import ArmResult, Endpoint, RunResult
from letheon.study.optimise.front import on_front
from letheon.views.document import numbers, tree
from letheon.views.figures import curves
from letheon.views.figures.scatter import Marks, scatter
from letheon.views.subjects import average, names
from letheon.views.subjects.words import TEXTS

_RELIEF = "relief_days"
_HOURS, _LOAD = ("hours of infusion", "h"), ("psychedelic load at its greatest", "%")


def trade_off(result: RunResult) -> Iterator[tree.Figure]:
    """Yield the figure where two arms or more give a drug, so that one may give more relief for less."""
    arms = {name: arm for name, arm in curves.active_arms(result).items() if arm.endpoint(_RELIEF)}
    if len(arms) < 2:
        return
    look = curves.styles(result)
    shams = [one.mean for arm in result.arms.values() if curves.is_placebo(arm) and (one := arm.endpoint(_RELIEF))]
    keys = [(tree.Swatch(look[name].colour, 0, mark="circle"), names.arm_name(name)) for name in arms]
    keys += [
        (tree.Swatch("currentColor", 0, mark=mark), f"{names.pain_model(model)} alone")
        for model, (_, mark) in curves.APART.items()
        if any(arm.by_model for arm in arms.values())
    ]
    keys += [(tree.Swatch(curves.PLACEBO_GREYS[0], dash="dot"), "placebo")] * bool(shams)
    costs = {name: (_hours(arm), arm.harms.estimate("psychedelic_load").estimate or 0.0) for name, arm in arms.items()}
    cells = [
        (
            f"Against {what}",
            _panel(arms, look, {name: each[place] for name, each in costs.items()}, (what, unit), shams),
        )
        for place, (what, unit) in enumerate((_HOURS, _LOAD))
    ]
    blocks = (tree.Legend(tuple(keys)), tree.Panels(tuple(cells)))
    yield tree.Figure("Relief against what it costs", blocks, f"{TEXTS.trade_off} {_front(arms, costs)}")


def _hours(arm: ArmResult) -> float:
    hours = arm.endpoint("drip_hours")
    return (hours.mean if hours else None) or 0.0


def _panel(
    arms: Mapping[str, ArmResult],
    look: Mapping[str, curves.Style],
    costs: Mapping[str, float],
    cost: tuple[str, str],
    shams: list[float],
) -> tree.Plot:
    marks, words, top, (what, unit) = [], [], max([1.0, *shams]), cost
    for name, arm in arms.items():
        relief, colour = arm.endpoint(_RELIEF), look[name].colour
        assert relief is not None
        spent = f"for {numbers.amount(costs[name], unit)} {unit}"
        mean, ends = numbers.amount(relief.mean, "days"), numbers.interval(relief.mean_interval or None, "days")
        words.append(f"{names.arm_name(name)}: {mean} days ({ends}) {spent}")
        bars = [relief.mean_interval or (None, None)]
        marks.append(Marks([costs[name]], [relief.mean], [words[-1]], colour, size=10, intervals=bars))
        for model, one in average.alone(arm, _RELIEF).items():
            days = f"{numbers.amount(one.mean, 'days')} days {spent}"
            text = f"{names.arm_name(name)}, {names.pain_model(model)} alone: {days}"
            marks.append(Marks([costs[name]], [one.mean], [text], colour, curves.APART[model][1], 7))
            top = max(top, one.mean or 0.0)
        top = max(top, bars[0][1] or relief.mean or 0.0)
    titles = f"{what.capitalize()} ({unit})", "Relief days"
    right = 1.1 * (max(costs.values()) or 1.0)
    return tree.Plot(
        scatter(marks, titles, right, 1.05 * top, shams), f"Relief days against {what}. {'; '.join(words)}."
    )


def _front(arms: Mapping[str, ArmResult], costs: Mapping[str, tuple[float, float]]) -> str:
    """Say which arms no other beats in relief and both costs at once, and where the mechanisms see it differently."""

    def unbeaten(relief: Mapping[str, Endpoint | None]) -> list[str]:
        points = [(-((one and one.mean) or 0.0), *costs[name]) for name, one in relief.items()]
        return [names.arm_name(name) for name, on in zip(relief, on_front(np.array(points)), strict=True) if on]

    alone = {name: average.alone(arm, _RELIEF) for name, arm in arms.items()}
    models = [model for model in curves.APART if all(model in one for one in alone.values())]
    mean = unbeaten({name: arm.endpoint(_RELIEF) for name, arm in arms.items()})
    others = {model: unbeaten({name: one[model] for name, one in alone.items()}) for model in models}
    differ = [
        f"; under the {names.pain_model(one)} alone: {_listed(own)}" for one, own in others.items() if own != mean
    ]
    return f"Beaten by no other arm in relief, hours and load at once, by the means: {_listed(mean)}{''.join(differ)}."


def _listed(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
