"""A search for regimens: its front, and published regimens beside it, in the terminal and on its page."""

import math
from collections.abc import Collection, Iterator, Sequence

from letheon.study.optimise.document import Candidate, ConstraintReport, FrontEntry, PublishedEntry, SearchReport
from letheon.views.document import numbers, tree
from letheon.views.document.numbers import ABSENT, count
from letheon.views.figures.rows import BLUE, ORANGE
from letheon.views.figures.scatter import Marks, scatter
from letheon.views.subjects.endmatter import citations, made_by
from letheon.views.subjects.names import arm_name, pain_model
from letheon.views.subjects.words import TEXTS, WORDS

RELIEF = "relief_days"
_MOST_ROWS = 24  # of the front in the terminal
_NO_FRONT = "No regimen keeps all limits: widen them, or the ranges."
_FAINT = "#b4bac2"
_FARTHEST = 1.5  # times the range of the candidates: a published regimen far out would press all others together
_LONGEST_TITLE = 32  # letters that an axis on a phone holds
_KEYS = (
    (tree.Swatch(BLUE, 2, mark="circle"), "on the front, with the 90 % interval of its mean"),
    (tree.Swatch(_FAINT, 0, mark="circle"), "other candidates"),
    (tree.Swatch(ORANGE, 0, mark="diamond"), "published regimens and arms of the scenario"),
)


def document(search: SearchReport, others: Sequence[Candidate] = ()) -> tree.Document:
    """Return the page of a search; `others` are the candidates off the front, for its figures."""
    studies = [entry.name.split()[0] for entry in search.published if entry.kind == "study"]
    reading = map(tree.Paragraph, _reading(search))
    summary = (tree.Items(tuple(_lead(search))), *reading, tree.Heading("What varies"), _ranges(search))
    return tree.Document(
        search.title,
        (
            tree.Section("summary", "In short", summary),
            tree.Section("figures", "Figures", tuple(figures(search, others))),
            tree.Section("front", "The front", tuple(_front(search, every=True))),
            tree.Section("published", "Published regimens", tuple(_published(search, every=True))),
            tree.Section("sources", "Sources", (citations(studies),)),
        ),
        f"Letheon {search.letheon}: search for regimens",
        search.notice,
        made_by(f"Letheon {search.letheon}", "letheon optimise"),
        f"Letheon {search.letheon}, seed {search.seed}",
    )


def summary(search: SearchReport) -> tree.Document:
    """Return what the terminal shows of a search."""
    published = "Published regimens and arms of the scenario, in the same patients"
    sections = (
        tree.Section("summary", "", (tree.Paragraph(search.notice, "strong"), *map(tree.Paragraph, _lead(search)))),
        tree.Section("front", "The front", tuple(_front(search))),
        tree.Section("published", published, tuple(_published(search))),
        tree.Section("reading", "", tuple(map(tree.Paragraph, _reading(search)))),
    )
    return tree.Document(search.title, sections)


def _lead(search: SearchReport) -> Iterator[str]:
    """Say what was searched, for what, and how much of it was seen."""
    searched = search.searched
    every = numbers.fixed(searched.of, 0)
    some = f"All {every}" if searched.whole else f"{numbers.fixed(searched.candidates, 0)} of {every}"
    patients = count(search.n_patients, "virtual patient")
    yield (
        f"{some} regimens in the ranges of arm {search.arm} were simulated, each in {patients} over "
        f"{numbers.general(search.follow_up_days)} days, seed {search.seed}."
    )
    pain = search.models.pain
    yield TEXTS.search_average if pain == "average" else TEXTS.search_alone.format(pain_model(pain))
    for direction in ("maximise", "minimise"):
        if names := [label(goal.measure) for goal in search.goals if goal.direction == direction]:
            yield f"Goals to {direction}: {'; '.join(names)}."
    yield from map(_limit, search.constraints)
    size = f"The front has {count(len(search.front), 'regimen')}"
    yield f"{size}: none of those simulated beats one of them in all goals." if search.front else _NO_FRONT
    for sham in search.placebo:
        yield f"Placebo ({sham.name}): {value(sham.measures[RELIEF].mean, 'days')} relief days."
    if not search.placebo:
        yield "No placebo arm is in this scenario: relief is not compared with placebo."


def _limit(limit: ConstraintReport) -> str:
    edges = (("at least", limit.at_least), ("at most", limit.at_most))
    unit = unit_name(limit.unit, limit.measure)
    texts = [f"{word} {value(edge, limit.unit)} {unit}".rstrip() for word, edge in edges if edge is not None]
    source = f" (that of arm {' and '.join(limit.of)})" if limit.of else ""
    return f"Limit: {label(limit.measure)} {' and '.join(texts)}{source}."


def _reading(search: SearchReport) -> Iterator[str]:
    """Say how to read the tables."""
    yield from TEXTS.search
    if limited := [label(limit.measure) for limit in search.constraints]:
        yield f"A published regimen counts as beaten only by one that is no worse in {' and '.join(limited)} either."
    other_drugs = {entry.drug for entry in search.published} - {entry.drug for entry in search.front}
    if other_drugs and any(goal.measure == "dose_mg" for goal in search.goals):
        yield "Regimens of another drug are compared on all goals but the dose: milligrams of different drugs differ."
    if any(entry.support == "assumed" for entry in search.front):
        yield "Support is assumed where no study in CRPS gave this drug over as many days at a similar dose."


def _ranges(search: SearchReport) -> tree.Table:
    rows = [(v.path, v.first, v.last, f"{v.values}", ", ".join(v.also) or ABSENT) for v in search.variables]
    return tree.Table.of("What varies", ("Quantity", "From", "To", "Values", "Also in"), rows, kind="text")


def _front(search: SearchReport, every: bool = False) -> Iterator[tree.Block]:
    """Yield the table of the front, `every` row of it, or what a terminal has room for."""
    if not search.front:
        yield tree.Paragraph(_NO_FRONT)
        return
    if every:
        text = "Each row is a scenario file in the folder ", tree.CodeText("front"), ", which "
        yield tree.Paragraph((*text, tree.CodeText("letheon simulate"), " runs to the same numbers."), "small")
    named = [number for entry in search.published if entry.kind == "arm" for number in entry.beaten_by[:4]]
    shown = chosen_rows(len(search.front), {number - 1 for number in named}, len(search.front) if every else _MOST_ROWS)
    variables = variable_columns(search)
    limited, differs = bool(search.constraints), len({entry.support for entry in search.front}) > 1
    heads = ["No.", *(head for head, _ in variables), *_measure_heads(search), "chance on the front"]
    heads += ["chance within limits"] * limited + ["support"] * differs
    rows = []
    for place in shown:
        entry = search.front[place]
        cells = [*(texts[place] for _, texts in variables), *_measures(search, entry)]
        cells.append(numbers.chance(entry.chance_on_front))
        cells += [numbers.chance(entry.chance_feasible)] * limited + [entry.support] * differs
        rows.append(tree.Row(f"{entry.number}", tuple(cells)))
    align = "r" * (len(heads) - differs) + "l" * differs
    yield tree.Table.of("The front", map(_capital, heads), rows, kind="counts", align=align)
    if not differs:
        yield tree.Paragraph(f"Support of the whole front: {search.front[0].support}.")
    if (more := len(search.front) - len(shown)) > 0:
        yield tree.Paragraph(f"{more} more of the front, left out evenly here, are in front.json and front.html.")


def _published(search: SearchReport, every: bool = False) -> Iterator[tree.Block]:
    """Yield the table of published regimens, and on the page those that were left out."""
    heads = ["regimen", "drug", *_measure_heads(search), "against the front", "chance of being beaten"]
    rows = []
    for entry in search.published:
        cells = (entry.drug, *_measures(search, entry), standing(entry), numbers.chance(entry.chance_beaten))
        rows.append(tree.Row(regimen_name(entry), cells))
    align = f"ll{'r' * (len(heads) - 4)}lr"
    yield tree.Table.of("Published regimens", map(_capital, heads), rows, kind="wrapped", align=align)
    if every and search.skipped:
        yield tree.Heading("Left out")
        yield tree.Items(tuple(f"{name}: {why}" for name, why in search.skipped.items()))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _shown_measures(search: SearchReport) -> list[str]:
    """Return the measures that a table shows: relief, which is always shown, goals and limits."""
    return list(dict.fromkeys((RELIEF, *(one.measure for one in (*search.goals, *search.constraints)))))


def _measure_heads(search: SearchReport) -> Iterator[str]:
    for name in _shown_measures(search):
        measure = search.published[0].measures[name]
        unit = unit_name(measure.unit, name)
        yield f"{label(name)} ({unit})" if unit else label(name)
        if measure.minus_placebo_interval is not None:
            yield "minus placebo"


def _measures(search: SearchReport, entry: FrontEntry | PublishedEntry) -> Iterator[str]:
    """Yield the cells below `_measure_heads`."""
    for name in _shown_measures(search):
        measure = entry.measures[name]
        yield estimate(measure.mean, measure.mean_interval, measure.unit)
        if measure.minus_placebo_interval is not None:
            yield estimate(measure.minus_placebo, measure.minus_placebo_interval, measure.unit)


def variable_columns(search: SearchReport) -> list[tuple[str, list[str]]]:
    """Return what varies as columns: the shortest name that is its own, with the unit where all values share it."""
    paths = [variable.path for variable in search.variables]
    columns = []
    for path in paths:
        steps = path.split(".")
        tails = [".".join(steps[-k:]) for k in range(1, len(steps) + 1)]
        tail = next(tail for tail in tails if sum(f".{other}".endswith(f".{tail}") for other in paths) == 1)
        name = tail.replace(".", " ").replace("_", " ")  # so that headings break between words
        texts = [entry.values[path] for entry in search.front]
        amounts = [text.partition(" ") for text in texts]
        units = {unit for _, _, unit in amounts}
        if len(units) == 1 and "" not in units and all(number[:1].isdigit() for number, _, _ in amounts):
            columns.append((f"{name} ({units.pop()})", [number for number, _, _ in amounts]))
        else:
            columns.append((name, texts))
    return columns


def chosen_rows(of: int, kept: Collection[int] = (), most: int = _MOST_ROWS) -> list[int]:
    """Return the rows that a table shows `of` all: `kept`, both ends, and evenly what lies between."""
    if of <= most:
        return list(range(of))
    return sorted({*kept, *(round(k * (of - 1) / (most - 1)) for k in range(most))})


def figures(search: SearchReport, others: Sequence[Candidate]) -> Iterator[tree.Figure]:
    """Yield a figure of relief against each goal, or against the hours of infusion where there is no other goal."""
    for cost in [goal.measure for goal in search.goals if goal.measure != RELIEF] or ["hours"]:
        heading = f"Relief against {label(cost)}"
        plot = tree.Plot(_plot(search, others, cost), f"{heading}: the numbers stand in the tables below.", "tall")
        yield tree.Figure(heading, (tree.Legend(_KEYS), plot), TEXTS.search_figure)


def _plot(search: SearchReport, others: Sequence[Candidate], cost: str) -> dict:
    front = [entry.measures for entry in search.front]
    published = [entry.measures for entry in search.published]
    means = [one.means for one in others]
    x, y = (
        [[one[name] for one in means], *([one[name].mean for one in some] for some in (front, published))]
        for name in (cost, RELIEF)
    )
    texts = [_front_entry(entry, cost) for entry in search.front]
    candidates = [
        f"{', '.join(one.values)}; {value(one.means[RELIEF], 'days')} relief days"
        + ("" if one.feasible else "; breaks a limit")
        for one in others
    ]
    standings = [f"{regimen_name(entry)}: {standing(entry)}" for entry in search.published]
    marks = (
        Marks(x[0], y[0], candidates, _FAINT, size=5),
        Marks(x[1], y[1], texts, BLUE, intervals=[one[RELIEF].mean_interval for one in front]),
        Marks(x[2], y[2], standings, ORANGE, "diamond", 10),
    )
    near = [cost for cost in (*x[0], *x[1]) if cost is not None]
    limit = max(near, default=math.inf) * _FARTHEST
    right = max([*near, *(cost for cost in x[2] if cost is not None and cost <= limit)], default=0.0) or 1.0
    tops = [one[RELIEF].mean_interval[1] for one in (*front, *published)]
    top = max([relief for relief in (*tops, *y[0]) if relief is not None], default=0.0) or 1.0
    limits = [limit for limit in search.constraints if limit.measure == RELIEF]
    levels = [edge for limit in limits for edge in (limit.at_least, limit.at_most) if edge is not None]
    titles = _title(search, cost), "Relief days"
    return scatter([one for one in marks if one.x], titles, 1.05 * right, 1.05 * top, levels)


def _title(search: SearchReport, cost: str) -> str:
    means = next((goal.means for goal in search.goals if goal.measure == cost), label(cost))
    means = label(cost) if len(means) > _LONGEST_TITLE else means
    return f"{_capital(means)} ({unit_name(search.published[0].measures[cost].unit)})"


def _front_entry(entry: FrontEntry, cost: str) -> str:
    relief, spent = entry.measures[RELIEF], entry.measures[cost]
    means = f"{estimate(relief.mean, relief.mean_interval, relief.unit)} relief days"
    return f"{entry.number}: {', '.join(entry.values.values())}; {means}, {label(cost)} {value(spent.mean, spent.unit)}"


def label(measure: str) -> str:
    """Return a measure's name for reading."""
    return WORDS.measures.get(measure, measure.replace("_", " "))


def unit_name(unit: str, measure: str = "") -> str:
    """Return a unit for reading; nothing where the name of the measure says it.

    >>> unit_name("share", "remission"), unit_name("h"), unit_name("days", "relief_days"), unit_name("h", "hours")
    ('%', 'h', '', '')
    """
    is_in_name = {"h": "hours"}.get(unit, unit) in label(measure)
    return "" if measure and is_in_name else "%" if unit == "share" else unit


def value(number: float | None, unit: str) -> str:
    """Return a number as its unit asks for it, without the unit; fine enough to compare regimens in the same patients.

    >>> value(0.524, "share"), value(1473.2, "mg"), value(36.55, "days"), value(2.5, "h"), value(None, "NRS")
    ('52', '1,473', '36.5', '2.5', '-')
    """
    if unit == "share":
        return numbers.percent(number)
    whole = number is not None and unit not in {"NRS", "days", "a year"} and (abs(number) >= 10 or number % 1 == 0)
    return numbers.fixed(number, 0 if whole else 1)


def estimate(mean: float | None, interval: tuple[float | None, float | None] | None, unit: str) -> str:
    """Return a mean with its interval, where there is one and it is not exactly the mean.

    >>> estimate(41.0, (27.0, 55.1), "days"), estimate(63.0, (63.0, 63.0), "h")
    ('41.0 (27.0 to 55.1)', '63')
    """
    if interval is None or interval == (mean, mean):
        return value(mean, unit)
    low, high = (value(end, unit) for end in interval)
    return f"{value(mean, unit)} ({numbers.ends(low, high)})"


def regimen_name(entry: PublishedEntry) -> str:
    """Return the name of a published regimen, or of an arm of the scenario."""
    return f"{'arm ' if entry.kind == 'arm' else ''}{arm_name(entry.name)}"


def standing(entry: PublishedEntry) -> str:
    """Say how a published regimen compares with the front."""
    texts = [f"{number}" for number in entry.beaten_by]
    if len(texts) > 4:
        texts = [*texts[:3], f"{len(texts) - 3} more"]
    better = " and ".join(filter(None, (", ".join(texts[:-1]), *texts[-1:])))
    parts = [*([] if entry.feasible else ["breaks a limit"]), *([f"beaten by {better}"] if better else [])]
    return "; ".join(parts) or "not beaten"
