"""A search for regimens: its front, and published regimens beside it, in the terminal and on its page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from letheon.definitions import PAGE_NOTICE
from letheon.views.document.numbers import ABSENT, amount, count
from letheon.views.document.tree import Block, CodeText, Document, Heading, Items, Paragraph, Row, Section, Table
from letheon.views.subjects.optimisation_figures import figures
from letheon.views.subjects.optimisation_words import RELIEF, estimate, label, regimen_name, standing, unit_name, value
from letheon.views.subjects.studies import citations

if TYPE_CHECKING:
    from letheon.study.optimise.document import Candidate, ConstraintReport, FrontEntry, PublishedEntry, SearchReport


_MOST_ROWS = 24  # of the front in the terminal
_READING = (
    "Every number is a mean over patients, who differ widely: `letheon simulate` shows their median and range. "
    "Brackets hold 90 % intervals of the mean, over what is not known about the parameters. The chance on the front is "
    "the share of draws of the parameters under which no other regimen that was simulated is at least as good in all "
    "goals and better in one.",
    "All regimens were simulated in the same virtual patients and under the same draws, so a difference between two of "
    "them is more certain than either interval. The front is the best of many, so it looks a little better than it is.",
)
_NO_FRONT = "No regimen keeps all limits: widen them, or the ranges."


def document(search: SearchReport, others: Sequence[Candidate] = ()) -> Document:
    """Return the page of a search; `others` are the candidates off the front, for its figures."""
    studies = [entry.name.split()[0] for entry in search.published if entry.kind == "study"]
    summary = (Items(tuple(_lead(search))), *map(Paragraph, _reading(search)), Heading("What varies"), _ranges(search))
    return Document(
        search.title,
        (
            Section("summary", "In short", summary),
            Section("figures", "Figures", tuple(figures(search, others))),
            Section("front", "The front", tuple(_front(search, every=True))),
            Section("published", "Published regimens", tuple(_published(search, every=True))),
            Section("sources", "Sources", (citations(studies),)),
        ),
        f"Letheon {search.letheon}: search for regimens",
        search.notice,
        ((f"Letheon {search.letheon}; made by ", CodeText("letheon optimise"), f". {PAGE_NOTICE}"),),
        f"Letheon {search.letheon}, seed {search.seed}",
    )


def summary(search: SearchReport, wide: bool = False) -> Document:
    """Return what the terminal shows of a search; a `wide` one has room for the intervals of relief."""
    notes = [*_reading(search)]
    if not wide:
        notes.append("A wider window shows relief days with their intervals; front.html and --json have all of them.")
    published = "Published regimens and arms of the scenario, in the same patients"
    sections = (
        Section("summary", "", (Paragraph(search.notice, "strong"), *map(Paragraph, _lead(search)))),
        Section("front", "The front", tuple(_front(search, wide))),
        Section("published", published, tuple(_published(search, wide))),
        Section("reading", "", tuple(map(Paragraph, notes))),
    )
    return Document(search.title, sections)


# --- sentences ---


def _lead(search: SearchReport) -> Iterator[str]:
    """Say what was searched, for what, and how much of it was seen."""
    searched = search.searched
    some = f"All {searched.of:,}" if searched.whole else f"{searched.candidates:,} of {searched.of:,}"
    patients = count(search.n_patients, "virtual patient")
    yield (
        f"{some} regimens in the ranges of arm {search.arm} were simulated, each in {patients} over "
        f"{search.follow_up_days:g} days, seed {search.seed}."
    )
    for direction in ("maximise", "minimise"):
        names = [label(goal.measure) for goal in search.goals if goal.direction == direction]
        if names:
            yield f"Goals to {direction}: {'; '.join(names)}."
    yield from map(_limit, search.constraints)
    if not search.front:
        yield _NO_FRONT
    else:
        size = count(len(search.front), "regimen")
        yield f"The front has {size}: none of those simulated beats one of them in all goals."
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
    yield from _READING
    limited = [label(limit.measure) for limit in search.constraints]
    if limited:
        yield f"A published regimen counts as beaten only by one that is no worse in {' and '.join(limited)} either."
    drugs = {entry.drug for entry in search.front}
    other_drug = any(entry.drug not in drugs for entry in search.published)
    if other_drug and any(goal.measure == "dose_mg" for goal in search.goals):
        yield "Regimens of another drug are compared on all goals but the dose: milligrams of different drugs differ."
    if any(entry.support == "assumed" for entry in search.front):
        yield "Support is assumed where no study in CRPS gave this drug over as many days at a similar dose."


# --- tables ---


def _ranges(search: SearchReport) -> Table:
    rows = [(v.path, v.first, v.last, f"{v.values}", ", ".join(v.also) or ABSENT) for v in search.variables]
    return Table.of("What varies", ("Quantity", "From", "To", "Values", "Also in"), rows, kind="text")


def _front(search: SearchReport, wide: bool = False, every: bool = False) -> Iterator[Block]:
    """Yield the table of the front, `every` row and interval of it, or what a terminal has room for."""
    if not search.front:
        yield Paragraph(_NO_FRONT)
        return
    if every:
        text = "Each row is a scenario file in the folder ", CodeText("front"), ", which "
        yield Paragraph((*text, CodeText("letheon simulate"), " runs to the same numbers."), "small")
    shown = range(len(search.front)) if every else _shown(search)
    variables = variable_columns(search)
    limited, differs = bool(search.constraints), len({entry.support for entry in search.front}) > 1
    heads = ["No.", *(head for head, _ in variables), *_measure_heads(search), "chance on the front"]
    heads += ["chance within limits"] * limited + ["support"] * differs
    rows = []
    for place in shown:
        entry = search.front[place]
        cells = [*(texts[place] for _, texts in variables), *_measures(search, entry, wide, every)]
        cells.append(amount(entry.chance_on_front, "share"))
        cells += [amount(entry.chance_feasible, "share")] * limited + [entry.support] * differs
        rows.append(Row(f"{entry.number}", tuple(cells)))
    align = "r" * (len(heads) - differs) + "l" * differs
    yield Table.of("The front", map(_capital, heads), rows, kind="counts", align=align)
    if not differs:
        yield Paragraph(f"Support of the whole front: {search.front[0].support}.")
    if (more := len(search.front) - len(shown)) > 0:
        yield Paragraph(f"{more} more of the front, left out evenly here, are in front.json and front.html.")


def _published(search: SearchReport, wide: bool = False, every: bool = False) -> Iterator[Block]:
    """Yield the table of published regimens, and on the page those that were left out."""
    more = wide or every  # names of studies mostly say the drug
    heads = [
        "regimen",
        *["drug"] * more,
        *_measure_heads(search),
        "against the front",
        *["chance of being beaten"] * more,
    ]
    rows = []
    for entry in search.published:
        cells = [*[entry.drug] * more, *_measures(search, entry, wide, every), standing(entry)]
        rows.append(Row(regimen_name(entry), (*cells, *[amount(entry.chance_beaten, "share")] * more)))
    align = "l" * (1 + more) + "r" * (len(heads) - 2 - 2 * more) + "l" + "r" * more
    yield Table.of("Published regimens", map(_capital, heads), rows, kind="wrapped", align=align)
    if every and search.skipped:
        yield Heading("Left out")
        yield Items(tuple(f"{name}: {why}" for name, why in search.skipped.items()))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _shown_measures(search: SearchReport) -> list[str]:
    """Return the measures that a table shows: relief, which is always shown, goals and limits."""
    goals, limits = (goal.measure for goal in search.goals), (limit.measure for limit in search.constraints)
    return list(dict.fromkeys((RELIEF, *goals, *limits)))


def _measure_heads(search: SearchReport) -> Iterator[str]:
    for name in _shown_measures(search):
        measure = search.published[0].measures[name]
        unit = unit_name(measure.unit, name)
        yield f"{label(name)} ({unit})" if unit else label(name)
        if measure.minus_placebo_interval is not None:
            yield "minus placebo"


def _measures(
    search: SearchReport, entry: FrontEntry | PublishedEntry, wide: bool = False, every: bool = False
) -> Iterator[str]:
    """Yield the cells below `_measure_heads`: `every` one with its interval, or where it is `wide` those of relief."""
    for name in _shown_measures(search):
        measure = entry.measures[name]
        known = every or (wide and name == RELIEF)
        yield estimate(measure.mean, measure.mean_interval if known else None, measure.unit)
        if measure.minus_placebo_interval is not None:
            yield estimate(measure.minus_placebo, measure.minus_placebo_interval if known else None, measure.unit)


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


def _shown(search: SearchReport) -> list[int]:
    """Return the rows of the front for the terminal, with those that the other table names for the scenario's arms."""
    named = [number for entry in search.published if entry.kind == "arm" for number in entry.beaten_by[:4]]
    return chosen_rows(len(search.front), {number - 1 for number in named})
