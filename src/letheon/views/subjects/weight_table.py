"""The worksheet of several body weights: for each kind of session one table with a row for each weight."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TypeVar

from letheon.dosing.bags import SessionSheet
from letheon.dosing.fitting import MOST_WASTE
from letheon.dosing.layout import Layout, Push
from letheon.dosing.order import Order
from letheon.dosing.other_drugs import OtherDrug, other_drug_record
from letheon.dosing.policy_document import policy_rules
from letheon.dosing.worksheet import Worksheet
from letheon.dosing.worksheet_record import AmountsRecord, amounts_record
from letheon.scenario import Arm, Scenario
from letheon.views.document.numbers import count, exact, fixed, mass, written
from letheon.views.document.tree import Block, Columns, Document, Group, Heading, Paragraph, Row, Section, Strong, Table
from letheon.views.subjects.policies import other_drug_text, policy_sentences, push_text, rate_text
from letheon.views.subjects.words import TEXTS
from letheon.views.subjects.worksheet_text import (
    booster_name,
    capital,
    in_terminal,
    length,
    making_up,
    missing,
    notes,
    printed,
    vial_text,
    when,
)

_STEPS_LISTED = 6
_SESSION_HEADS = ("kg", "mL/h", "mg/h", "h", "mL", "mg", "bags", "left, mL")
_PUSH_HEADS = ("kg", "mg", "mL")
_BAG_HEADS = ("kg", "drug, mL", "diluent, mL", "in all, mL", "mg/mL")
_RULE_HEADS = ("kg", "step, mg/h", "mL/h", "least, mg/h", "mL/h", "most, mg/h", "mL/h")
_TOTAL_HEADS = ("drug to draw up, mL", "bags", "left in bags, mg", "% left")
_VIAL_HEADS = ("vials", "left in vials, mg", "waste in all, mg", "% waste")

_ROWS = "A row is one of these sessions; --weight lists every step and when bags are hung."

Sheets = Sequence[tuple[Order, Scenario, Mapping[str, Worksheet]]]
_ByWeight = Mapping[float, Worksheet]
_Part = TypeVar("_Part", SessionSheet, Push)


def document(sheets: Sheets, *, page: bool = False) -> Document:
    """Return the tables of one scenario for several body weights; `page` says that they are to be printed."""
    order, scenario, of_arms = sheets[0]
    kilograms = [exact(one.weight_kg) for one, _, _ in sheets]
    weights = f"{', '.join(kilograms)} kg"
    head = [Paragraph(f"Body weights: {weights}. All mg are free base."), Paragraph(vial_text(order))]
    for one, _, them in sheets:
        lacks = (f"{exact(one.weight_kg)} kg: {block.content}" for block in missing(them))
        head += [Paragraph(text, "warning") for text in lacks]
    arms = {
        arm.name: list(_arm(arm, {one.weight_kg: them[arm.name] for one, _, them in sheets}))
        for arm in scenario.arms
        if arm.name in of_arms
    }
    foot = Section("notes", "Notes", (Paragraph(_ROWS), *notes(scenario)), "Notes")
    if page:
        columns = {name: list(_in_columns(parts)) for name, parts in arms.items()}
        return printed(scenario, weights, head, columns, foot, "landscape")
    return in_terminal(scenario, head, arms, foot)


def _in_columns(parts: Sequence[Section]) -> Iterator[Section]:
    """Put the parts of an arm beside each other."""
    cells = tuple((Heading(part.short or part.title), *part.blocks) for part in parts)
    yield Section(parts[0].key, parts[0].title, (Columns(cells),), "By body weight")


def _arm(arm: Arm, sheets: _ByWeight) -> Iterator[Section]:
    name, one = f"Arm {arm.name}", next(iter(sheets.values()))
    yield Section(arm.name, f"{name}: {one.drug}", tuple(_general(arm, sheets)), "Bags")
    for what, layouts in _layouts(sheets):
        yield from _sessions(name, what, layouts, sheets)
        yield from _pushes(name, what, layouts, sheets)
    if one.titration:
        rows = {kg: _rule_row(sheet) for kg, sheet in sheets.items()}
        yield _section(name, ": titration", [_table("Titration", _RULE_HEADS, rows, sheets)])
    if one.also or one.beside:
        yield _section(name, ": other drugs", _others(arm, sheets))
    yield _section(name, ": total", _totals(sheets))


def _section(arm: str, title: str, blocks: Iterable[Block]) -> Section:
    return Section(arm + title, arm + title, tuple(blocks), capital(title))


def _table(label: str, heads: Sequence[str], rows: Mapping[float, Sequence[str]], sheets: _ByWeight) -> Table:
    """Return a table with a row for each weight; weights of one class stand together under its name."""

    def who(kg: float) -> str:
        here = (row.who for row in sheets[kg].classes if row.here and row.who.endswith(" kg"))
        return ", ".join(dict.fromkeys(here))

    pump = {place for place, head in enumerate(heads[1:]) if head == "mL/h"}

    def row(kg: float) -> Row:
        cells = (Strong(cell) if place in pump else cell for place, cell in enumerate(rows[kg]))
        return Row(exact(kg), tuple(cells))

    groups = tuple(Group(tuple(map(row, some)), name) for name, some in groupby(rows, who))
    align = "l" + "".join("l" if any(";" in cells[place] for cells in rows.values()) else "r"
                          for place in range(len(heads) - 1))  # fmt: skip
    return Table(label, tuple(heads), groups, kind="counts", align=align)


def _general(arm: Arm, sheets: _ByWeight) -> Iterator[Block]:
    """Say what holds at every weight: bags, rules."""
    one = next(iter(sheets.values()))
    if one.is_sham:
        yield Paragraph(f"No drug: the same volumes and pump rates as arm {arm.like}, diluent alone.")
    if any(sheet.most.bags for sheet in sheets.values()):
        if len({(sheet.order.bag_ml, sheet.drug_ml, sheet.mg_per_ml) for sheet in sheets.values()}) == 1:
            yield from making_up(one)
        else:
            rows = {
                kg: [*map(exact, (sheet.drug_ml, sheet.diluent_ml, sheet.order.bag_ml)), written(sheet.mg_per_ml, 4)]
                for kg, sheet in sheets.items()
            }
            yield Paragraph("To make up each bag:")
            yield _table("Bags", _BAG_HEADS, rows, sheets)
    for sentence in dict.fromkeys(
        sentence for sheet in sheets.values() for sentence in policy_sentences(policy_rules(sheet.policy))
    ):
        yield Paragraph(sentence)
    if rates := list(dict.fromkeys(" plus ".join(map(rate_text, r)) for s in sheets.values() for r in s.written_rates)):
        more = " and so on" if len(rates) > _STEPS_LISTED else ""
        yield Paragraph(f"Written rates: {'; '.join(rates[:_STEPS_LISTED])}{more}.")
    if not any(sheet.most.occasions for sheet in sheets.values()):
        yield Paragraph("Nothing is infused.")


def _layouts(sheets: _ByWeight) -> Iterator[tuple[str, dict[float, Layout]]]:
    """Yield the timetables of an arm, those of titration at least and at most, and the one of a booster."""
    titrated = {kg: sheet.titration for kg, sheet in sheets.items() if sheet.titration}
    if titrated:
        yield " at least", {kg: one.least for kg, one in titrated.items()}
        yield " at most", {kg: one.most for kg, one in titrated.items()}
    else:
        yield "", {kg: sheet.course for kg, sheet in sheets.items()}
    boosters = {kg: sheet.boosters.kinds for kg, sheet in sheets.items() if sheet.boosters}
    for alike in zip(*boosters.values(), strict=True):
        yield (
            f", each {booster_name(alike[0], len(alike) > 1)}",
            {kg: kind.each for kg, kind in zip(boosters, alike, strict=True)},
        )


def _alike(
    parts: Mapping[float, Sequence[_Part]], key: Callable[[_Part], object]
) -> Iterator[tuple[int, list[int], dict[float, _Part]]]:
    """Group parts that follow each other and at each weight differ in their start alone.

    Yields the number of the first, all starts [ms], and one of them for each weight that has it.
    """
    by_start = {kg: {one.start_ms: one for one in some} for kg, some in parts.items()}
    starts = sorted({start for some in by_start.values() for start in some})

    def same(start: int) -> list[object]:
        return [key(some[start]) if start in some else None for some in by_start.values()]

    first = 1
    for _, group in groupby(starts, same):
        times = list(group)
        yield first, times, {kg: some[times[0]] for kg, some in by_start.items() if times[0] in some}
        first += len(times)


def _sessions(arm: str, what: str, layouts: Mapping[float, Layout], sheets: _ByWeight) -> Iterator[Section]:
    sessions = {kg: layout.sessions for kg, layout in layouts.items()}
    counted = any(layout.order.vial_ml is not None and not layout.sham for layout in layouts.values())
    for first, starts, alike in _alike(sessions, lambda one: (one.steps, one.bags)):
        which = f" {first}" if len(starts) == 1 else f"s {first} to {first + len(starts) - 1}, each"
        rows = {kg: _session_row(alike.get(kg), layouts[kg], counted) for kg in layouts}
        blocks: list[Block] = []
        if max(len(one.steps) for one in alike.values()) > 1:
            times = {tuple(step.start_h for step in one.steps) for one in alike.values()}
            steps = [exact(start) for start in min(times)]
            if len(times) == 1 and len(steps) <= _STEPS_LISTED:
                blocks.append(Paragraph(f"Steps from {'; '.join(steps)} h of the session on."))
            else:
                blocks.append(Paragraph("Of many steps the lowest and the highest; --weight lists each."))
        heads = (*_SESSION_HEADS, *(["vials"] if counted else []))
        blocks.append(_table("Sessions", heads, rows, sheets))
        yield _section(arm, f"{what}, session{which}: {when(starts)}", blocks)


def _session_row(session: SessionSheet | None, layout: Layout, counted: bool) -> list[str]:
    if session is None:
        return ["none", *[""] * (len(_SESSION_HEADS) - 2 + counted)]
    pump, drug = [step.ml_per_h for step in session.steps], [step.mg_per_h for step in session.steps]
    sums = map(exact, (session.hours, session.ml, session.mg))
    vials = [fixed(layout.vials(session) or 0, 0)] if counted else []
    return [_each(pump), _each(drug), *sums, fixed(len(session.bags), 0), exact(session.left_ml), *vials]


def _each(rates: Sequence[float]) -> str:
    """Say the rates of steps, or the lowest and the highest of many."""
    if len(rates) <= _STEPS_LISTED:
        return "; ".join(map(exact, rates))
    return f"{exact(min(rates))} to {exact(max(rates))}"


def _pushes(arm: str, what: str, layouts: Mapping[float, Layout], sheets: _ByWeight) -> Iterator[Section]:
    if what == " at least":  # the same as at most, or fewer
        return
    pushes = {kg: layout.pushes for kg, layout in layouts.items()}
    counted = any(layout.order.vial_ml is not None and not layout.sham for layout in layouts.values())
    for first, starts, alike in _alike(pushes, lambda one: (one.duration_ms, one.mg, one.ml)):
        one = next(iter(alike.values()))
        rows = {kg: _push_row(alike.get(kg), layouts[kg], counted) for kg in layouts}
        number = f" {first}" if len(starts) == 1 else f"es {first} to {first + len(starts) - 1}, each"
        title = f"{what}, push{number} by hand: {when(starts)}, over {length(one.duration_ms)}"
        drawn = "diluent in place of the drug" if layouts[next(iter(alike))].sham else "undiluted from the vial"
        blocks = [Paragraph(f"Written {push_text(one.written, one.duration_ms)}; {drawn}, not from the bag.")]
        heads = (*_PUSH_HEADS, *(["vials"] if counted else []))
        yield _section(arm, title, [*blocks, _table("Pushes", heads, rows, sheets)])


def _push_row(push: Push | None, layout: Layout, counted: bool) -> list[str]:
    if push is None:
        return ["none", *[""] * (len(_PUSH_HEADS) - 2 + counted)]
    return [exact(push.mg), exact(push.ml), *([fixed(layout.vials(push) or 0, 0)] if counted else [])]


def _rule_row(sheet: Worksheet) -> list[str]:
    if sheet.titration is None:
        return ["missing", *[""] * (len(_RULE_HEADS) - 2)]
    rule, order = sheet.titration.rule, sheet.order
    rates = [rate.at(order.weight_kg) for rate in (rule.step, rule.lowest, rule.highest)]
    return [exact(value) for rate in rates for value in (0.0 if sheet.is_sham else rate, rate / order.mg_per_ml)]


def _others(arm: Arm, sheets: _ByWeight) -> Iterator[Block]:
    """Say what is given of each other drug, and what it comes to where that goes by weight."""
    one = next(iter(sheets.values()))
    for drug, mg in one.beside.items():
        most = max(sheet.most.occasions for sheet in sheets.values())
        yield Paragraph(f"{drug} {mass(mg)} with each session, {count(most, 'time')} at most.")
    for other in one.also:
        yield Paragraph(f"{other_drug_text(other_drug_record(other))}.")
    if one.also:
        heads = ["kg"]
        for other in one.also:
            heads += [f"{other.drug}, {'mg/h' if other.infused else 'mg'}", "in all at most, mg"]
        rows = {kg: [text for other in one.also for text in _other_cells(other, kg, sheet)]
                for kg, sheet in sheets.items()}  # fmt: skip
        yield _table("Other drugs", heads, rows, sheets)
        yield Paragraph(TEXTS.also)
    if one.is_sham:
        yield Paragraph(f"The drugs themselves, as in arm {arm.like}.")


def _other_cells(other: OtherDrug, kg: float, sheet: Worksheet) -> list[str]:
    return [exact(other.at(kg)), exact(other.total_mg(kg, sheet.most))]


def _totals(sheets: _ByWeight) -> Iterator[Block]:
    """Sum up each weight: the dose at least and at most, and what is drawn up and left over for the most."""
    open_ended = any(sheet.least != sheet.most for sheet in sheets.values())
    counted = any(sheet.most.vials for sheet in sheets.values())
    heads = ["kg", *(["mg at least", "mg at most"] if open_ended else ["mg"]), *_TOTAL_HEADS]
    rows: dict[float, list[str]] = {}
    flagged: list[str] = []
    for kg, sheet in sheets.items():
        most = amounts_record(sheet.most, sheet.order, sheet.is_sham)
        doses = [sheet.least.dose_mg, sheet.most.dose_mg] if open_ended else [sheet.most.dose_mg]
        rows[kg] = [*map(exact, doses), *_total_cells(most), *(_vial_cells(most) if counted else [])]
        if max(most.left_share, most.vial_left_share or 0.0) > MOST_WASTE:
            flagged.append(exact(kg))
    yield _table("Total", [*heads, *(_VIAL_HEADS if counted else [])], rows, sheets)
    if open_ended:
        yield Paragraph("What is drawn up and left over is for the most.")
    if flagged:
        yield Paragraph(
            f"Waste: more than {fixed(100 * MOST_WASTE, 0)} % of bags or vials is left over at {', '.join(flagged)} kg;"
            " the sheet of one weight (--weight) proposes what fits.",
            "warning",
        )


def _total_cells(most: AmountsRecord) -> list[str]:
    return [exact(most.drug_ml), fixed(most.bags, 0), exact(most.left_mg), fixed(100 * most.left_share, 0)]


def _vial_cells(most: AmountsRecord) -> list[str]:
    left, wasted, share = most.vial_left_mg, most.wasted_mg, most.wasted_share
    if left is None or wasted is None or share is None:
        return ["0", "0", "0", "0"]
    return [fixed(most.vials or 0, 0), exact(left), exact(wasted), fixed(100 * share, 0)]
