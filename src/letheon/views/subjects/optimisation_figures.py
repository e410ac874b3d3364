"""Figures of a search: relief against each cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from letheon.views.document.tree import Figure, Legend, Plot, Swatch
from letheon.views.figures.curves import PALETTE
from letheon.views.figures.scatter import Marks, scatter
from letheon.views.subjects.optimisation_words import RELIEF, estimate, label, regimen_name, standing, unit_name, value

if TYPE_CHECKING:
    from letheon.study.optimise.document import Candidate, FrontEntry, SearchReport


_BLUE, _ORANGE, _FAINT = *PALETTE[:2], "#b4bac2"
_FARTHEST = 1.5  # times the range of the candidates: a published regimen far out would press all others together
_LONGEST_TITLE = 32  # letters that an axis on a phone holds
_CAPTION = (
    "Up and to the left is better. Point at a mark for its regimen; what lies far out stands in the tables alone."
)
_KEYS = (
    (Swatch(_BLUE, 2, mark="circle"), "on the front, with the 90 % interval of its mean"),
    (Swatch(_FAINT, 0, mark="circle"), "other candidates"),
    (Swatch(_ORANGE, 0, mark="diamond"), "published regimens and arms of the scenario"),
)


def figures(search: SearchReport, others: Sequence[Candidate]) -> Iterator[Figure]:
    """Yield a figure of relief against each goal, or against the hours of infusion where there is no other goal."""
    for cost in [goal.measure for goal in search.goals if goal.measure != RELIEF] or ["hours"]:
        heading = f"Relief against {label(cost)}"
        plot = Plot(_plot(search, others, cost), f"{heading}: the numbers stand in the tables below.", "tall")
        yield Figure(heading, (Legend(_KEYS), plot), _CAPTION)


def _plot(search: SearchReport, others: Sequence[Candidate], cost: str) -> dict:
    front = [entry.measures for entry in search.front]
    published = [entry.measures for entry in search.published]
    marks = (
        Marks(
            [one.means[cost] for one in others],
            [one.means[RELIEF] for one in others],
            [_candidate(one) for one in others],
            _FAINT,
            size=5,
        ),
        Marks(
            [one[cost].mean for one in front],
            [one[RELIEF].mean for one in front],
            [_front_entry(entry, cost) for entry in search.front],
            _BLUE,
            intervals=[one[RELIEF].mean_interval for one in front],
        ),
        Marks(
            [one[cost].mean for one in published],
            [one[RELIEF].mean for one in published],
            [f"{regimen_name(entry)}: {standing(entry)}" for entry in search.published],
            _ORANGE,
            "diamond",
            10,
        ),
    )
    near = [x for one in marks[:2] for x in one.x if x is not None]
    limit = max(near, default=math.inf) * _FARTHEST
    right = max([*near, *(x for x in marks[2].x if x is not None and x <= limit)], default=0.0) or 1.0
    tops = [one[RELIEF].mean_interval[1] for one in (*front, *published)]
    top = max([y for y in (*tops, *marks[0].y) if y is not None], default=0.0) or 1.0
    limits = [limit for limit in search.constraints if limit.measure == RELIEF]
    levels = [edge for limit in limits for edge in (limit.at_least, limit.at_most) if edge is not None]
    titles = _title(search, cost), "Relief days"
    return scatter([one for one in marks if one.x], titles, 1.05 * right, 1.05 * top, levels)


def _title(search: SearchReport, cost: str) -> str:
    means = next((goal.means for goal in search.goals if goal.measure == cost), label(cost))
    means = label(cost) if len(means) > _LONGEST_TITLE else means
    return f"{means[:1].upper()}{means[1:]} ({unit_name(search.published[0].measures[cost].unit)})"


def _front_entry(entry: FrontEntry, cost: str) -> str:
    relief, spent = entry.measures[RELIEF], entry.measures[cost]
    means = f"{estimate(relief.mean, relief.mean_interval, relief.unit)} relief days"
    return f"{entry.number}: {', '.join(entry.values.values())}; {means}, {label(cost)} {value(spent.mean, spent.unit)}"


def _candidate(one: Candidate) -> str:
    broken = "" if one.feasible else "; breaks a limit"
    return f"{', '.join(one.values)}; {value(one.means[RELIEF], 'days')} relief days{broken}"
