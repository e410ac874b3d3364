"""The worksheet as a document: bags, pump rates and pushes of each arm, with what is missing at the head."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TypeVar

from letheon.dosing.bags import MAX_HANG_H, SessionSheet
from letheon.dosing.class_rows import ClassRow
from letheon.dosing.layout import Layout, Push
from letheon.dosing.order import Order
from letheon.dosing.other_drugs import other_drug_record
from letheon.dosing.policy_document import LimitRules, WeanRules, policy_rules
from letheon.dosing.worksheet import BoosterSheet, TitrationSheet, Worksheet
from letheon.scenario import Arm, Scenario
from letheon.units import MS_PER_HOUR
from letheon.views.document.numbers import count, exact, mass
from letheon.views.document.tree import Document, Paragraph, Row, Section, Strong, Table
from letheon.views.subjects.policies import (
    booster_sentences,
    limit_sentence,
    other_drug_text,
    push_text,
    rate_text,
    titration_sentence,
    wean_sentence,
)
from letheon.views.subjects.words import TEXTS
from letheon.views.subjects.worksheet_text import (
    booster_name,
    capital,
    drawn_up,
    in_terminal,
    length,
    making_up,
    missing,
    notes,
    printed,
    push_words,
    sum_of,
    vial_text,
    when,
)

_BAGS_LISTED = 12
_RATES_LISTED = 12
_STEP_HEADS = ("step", "from, h", "to, h", "mg/h", "mL/h", "mL", "mg", "bag no.")
_CLASS_HEADS = ("what", "class", "value", "")
_RATE_HEADS = ("mg/h", "mL/h", "a bag lasts, h")
_WEAN_HEADS = ("step", "from, h", "to, h", "as written: mg/h", "mL/h", "at most: mg/h", "mL/h")
_BESIDE = {"clonidine": "by mouth before", "midazolam": "with"}

_Start = TypeVar("_Start", "SessionSheet", "Push")


def document(
    scenario: Scenario,
    order: Order,
    sheets: Mapping[str, Worksheet],
    *,
    default_weight: bool = False,
    page: bool = False,
) -> Document:
    """Return a worksheet; `default_weight` says that nobody chose the body weight, `page` that it is to be printed."""
    chosen = " (the default; --weight chooses another)" if default_weight else ""
    weight = f"One body weight: {exact(order.weight_kg)} kg{chosen}. All mg are free base."
    head = [*map(Paragraph, (weight, vial_text(order))), *missing(sheets)]
    arms = {arm.name: list(_arm(arm, sheets[arm.name])) for arm in scenario.arms if arm.name in sheets}
    foot = Section("notes", "Notes", tuple(notes(scenario)), "Notes")
    if page:
        return printed(scenario, f"{exact(order.weight_kg)} kg", head, arms, foot)
    return in_terminal(scenario, head, arms, foot)


def _arm(arm: Arm, sheet: Worksheet) -> Iterator[Section]:
    name = f"Arm {arm.name}"
    yield Section(arm.name, f"{name}: {sheet.drug}", tuple(_preparation(arm, sheet)), "Bags")
    if sheet.titration:
        yield Section(
            f"{arm.name}-titration", f"{name}: titration", tuple(_titration(sheet.titration, sheet)), "Titration"
        )
        yield from _sessions(sheet.titration.least, sheet, name, " at least, session")
        yield from _sessions(sheet.titration.most, sheet, name, " at most, session")
    else:
        yield from _sessions(sheet.course, sheet, name, ", session")
    if (rules := policy_rules(sheet.policy)) and rules.wean:
        yield Section(f"{arm.name}-weaning", f"{name}: weaning", tuple(_weaning(rules.wean, sheet)), "Weaning")
    if rules and rules.limits:
        yield Section(f"{arm.name}-limits", f"{name}: limits", tuple(_limits(rules.limits, sheet)), "Limits")
    yield from _pushes(sheet.course, sheet, name, "")
    if sheet.boosters:
        yield Section(f"{arm.name}-boosters", f"{name}: boosters", tuple(_boosters(sheet.boosters, sheet)), "Boosters")
        for kind in sheet.boosters.kinds:
            each = booster_name(kind, len(sheet.boosters.kinds) > 1)
            yield from _sessions(kind.each, sheet, name, f", {each}, session")
            yield from _pushes(kind.each, sheet, name, f", {each}")
    if sheet.also:
        yield Section(f"{arm.name}-also", f"{name}: other drugs", tuple(_others(arm, sheet)), "Other drugs")
    if sheet.most.occasions:
        yield Section(f"{arm.name}-total", f"{name}: total", tuple(_totals(arm, sheet)), "Total")


def _class_text(row: ClassRow) -> str:
    return push_text(row.rate, row.push_ms) if row.push_ms else rate_text(row.rate)


def _preparation(arm: Arm, sheet: Worksheet) -> Iterator[Paragraph | Table]:
    if sheet.is_sham:
        yield Paragraph(
            f"No drug: the same volumes and pump rates as arm {arm.like}, diluent alone, so that the bags, the pump"
            " and the syringes do not unblind."
        )
    if sheet.classes:
        rows = [(row.what, row.who, _class_text(row), "this sheet" if row.here else "") for row in sheet.classes]
        yield Paragraph("By class; all else here is for the classes of this sheet:")
        yield Table.of("Classes", _CLASS_HEADS, rows, kind="text")
    for part in sheet.missing:
        yield Paragraph(f"MISSING below: {part}", "warning")
    if sheet.most.bags:
        yield from making_up(sheet)
    if not (sheet.course.sessions or sheet.course.pushes):
        yield Paragraph("Nothing is infused.")


def _alike(items: Sequence[_Start], key: Callable[[_Start], object]) -> Iterator[tuple[int, list[_Start]]]:
    """Group items that follow each other and differ in their start alone; each group with the number of its first."""
    first = 1
    for _, group in groupby(items, key):
        alike = list(group)
        yield first, alike
        first += len(alike)


def _sessions(layout: Layout, sheet: Worksheet, name: str, what: str) -> Iterator[Section]:
    for first, alike in _alike(layout.sessions, lambda one: (one.steps, one.bags)):
        times = when([one.start_ms for one in alike])
        which = f"{what} {first}, {times}"
        if len(alike) > 1:
            which = f"{what}s {first} to {first + len(alike) - 1}, alike: {times}"
        yield Section(name + which, name + which, tuple(_session(alike[0], sheet)), capital(which))


def _session(session: SessionSheet, sheet: Worksheet) -> Iterator[Table | Paragraph]:
    rows: list[Row] = []
    notes: list[str] = []
    for number, step in enumerate(session.steps, 1):
        bags = f"{step.first_bag}" if step.first_bag == step.last_bag else f"{step.first_bag}-{step.last_bag}"
        shown = map(exact, (step.start_h, step.stop_h, step.mg_per_h)), map(exact, (step.ml, step.mg))
        cells = (*shown[0], Strong(exact(step.ml_per_h)), *shown[1], bags if step.ml_per_h else "held")
        rows.append(Row(str(number), cells))
        if any(rate.per_kg_mg_h or not math.isinf(rate.ceiling_mg_h) for rate in step.written):
            which = f"step {number} as " if len(session.steps) > 1 else ""
            notes.append(which + " plus ".join(map(rate_text, step.written)))
    if len(rows) > 1:
        rows.append(Row("all", ("0", exact(session.hours), "", "", exact(session.ml), exact(session.mg), ""), "main"))
    yield Table.of("Steps of the pump", _STEP_HEADS, rows, kind="counts")
    if notes:
        yield Paragraph(f"Written: {'; '.join(notes)}.")
    yield Paragraph(_bags(session, sheet))


def _bags(session: SessionSheet, sheet: Worksheet) -> str:
    number, left = len(session.bags), f"{exact(session.left_ml)} mL"
    if not sheet.is_sham:
        left += f" ({mass(session.left_ml * sheet.mg_per_ml)})"
    text = f"{count(number, 'bag')}, {left} left over."
    if number > (enough := math.ceil(session.ml / sheet.order.bag_ml / (1 + 1e-9))):
        limit = f"none hangs longer than {exact(MAX_HANG_H)} h"
        text += f" {enough} would hold the volume; split into {number} so that {limit}."
    if number > 1:
        hung = [f"{place} at {exact(bag.hung_h)} h" for place, bag in enumerate(session.bags[:_BAGS_LISTED], 1)]
        rest = f" and so on, {number - len(hung)} more (--json)" if number > len(hung) else ""
        text += f" Hang bag {', '.join(hung)}{rest}."
    return text


def _pushes(layout: Layout, sheet: Worksheet, name: str, what: str) -> Iterator[Section]:
    lines: list[Paragraph] = []
    for _, alike in _alike(layout.pushes, lambda one: (one.duration_ms, one.mg, one.ml, one.written)):
        push = alike[0]
        times, dose = when([one.start_ms for one in alike]), push_words(push, sheet)
        lines.append(Paragraph(f"{times}, over {length(push.duration_ms)}: {dose}", indent=2))
    if lines:
        source = "diluent" if sheet.is_sham else "vial"
        head = Paragraph(f"Not from the bag, drawn up undiluted from the {source}:")
        title = f"{what}: pushes by hand"
        yield Section(f"{name}{what}-pushes", name + title, (head, *lines), capital(title))


def _titration(titration: TitrationSheet, sheet: Worksheet) -> Iterator[Table | Paragraph]:
    rules, order, rule = policy_rules(sheet.policy), sheet.order, titration.rule
    if rules and rules.titration:
        yield Paragraph(titration_sentence(rules.titration))
    if any(rate.per_kg_mg_h for rate in (rule.step, rule.lowest, rule.highest)):
        step, low, high = (exact(rate.at(order.weight_kg)) for rate in (rule.step, rule.lowest, rule.highest))
        yield Paragraph(f"At {exact(order.weight_kg)} kg: steps of {step} mg/h, from {low} to {high} mg/h.")
    written = list(dict.fromkeys(" plus ".join(map(rate_text, rates)) for rates in sheet.written_rates))
    more = " and so on" if len(written) > _RATES_LISTED else ""
    yield Paragraph(f"Written rates: {'; '.join(written[:_RATES_LISTED])}{more}.")
    if titration.rates:
        yield Paragraph("Every rate that the pump may have to run at:")
        rows = []
        for rate in titration.rates:
            ml_h = rate / order.mg_per_ml
            lasts = exact(min(order.bag_ml / ml_h, MAX_HANG_H)) if ml_h else "held"
            rows.append((exact(0.0 if sheet.is_sham else rate), Strong(exact(ml_h)), lasts))
        yield Table.of("Rates of the pump", _RATE_HEADS, rows, kind="counts")
    yield Paragraph(
        "Below, the least is with a psychedelic effect at every check, the most with a rate that goes up at each."
    )


def _weaning(rule: WeanRules, sheet: Worksheet) -> Iterator[Table | Paragraph]:
    yield Paragraph(wean_sentence(rule))
    if sheet.policy.titration is None:
        yield Paragraph("Its steps are the last ones of the last session above.")
        return
    rows: list[Row] = []
    for number, step in enumerate(sheet.titration.weaning if sheet.titration else (), 1):
        times = (step.start_ms / MS_PER_HOUR, step.stop_ms / MS_PER_HOUR)
        drug = [0.0 if sheet.is_sham else rate for rate in (step.written, step.highest)]
        pump = [rate / sheet.order.mg_per_ml for rate in (step.written, step.highest)]
        rates = (cell for mg, ml in zip(drug, pump, strict=True) for cell in (exact(mg), Strong(exact(ml))))
        rows.append(Row(str(number), (*map(exact, times), *rates)))
    if rows:
        yield Table.of("Weaning", _WEAN_HEADS, rows, kind="counts")


def _limits(rule: LimitRules, sheet: Worksheet) -> Iterator[Paragraph]:
    yield Paragraph(limit_sentence(rule))
    parts = "The sessions and pushes of this sheet end where a limit is reached."
    if sheet.boosters and rule.in_all:
        parts += " Its boosters are whole, and a limit in all may cut the last of them short."
    yield Paragraph(parts)


def _boosters(boosters: BoosterSheet, sheet: Worksheet) -> Iterator[Paragraph]:
    rules = policy_rules(sheet.policy)
    if rules and rules.boosters:
        yield from map(Paragraph, booster_sentences(rules.boosters))
    yield Paragraph(f"Nobody has more than {count(boosters.at_most, 'booster')} within the follow-up.")
    for kind in boosters.kinds:
        several = len(boosters.kinds) > 1
        most = f", {kind.at_most} at most" if several else ""
        yield Paragraph(f"One {booster_name(kind, several)}{most}: {sum_of(kind.each.amounts)}.")
    yield Paragraph("Boosters are as below, their hours counted from their own start.")


def _totals(arm: Arm, sheet: Worksheet) -> Iterator[Paragraph]:
    least, most = sheet.least, sheet.most
    low, high = least.occasions, most.occasions
    times, limit = (f"{low}", "") if low == high else (f"{low} to {high}", " at most")
    for drug, mg in sheet.beside.items():
        real = f" The drug itself, as in arm {arm.like}." if sheet.is_sham else ""
        dose = f"Beside: {drug} {mass(mg)} {_BESIDE.get(drug, 'with')} each session, {times} times"
        yield Paragraph(f"{dose}; {mass(mg * high)} in all{limit}.{real}")
    if least != most:
        yield Paragraph(f"Whole arm at least: {sum_of(least)}.")
    limit = "" if least == most else " at most"
    yield Paragraph(f"Whole arm{limit}: {sum_of(most)}.")
    yield from drawn_up(sheet, arm.regimen)


def _others(arm: Arm, sheet: Worksheet) -> Iterator[Paragraph]:
    """Say what is given of each drug without a computed effect: a dose, how many, and in all."""
    kg = sheet.order.weight_kg
    for one in sheet.also:
        (low, least), (high, most) = ((one.times(all_), one.total_mg(kg, all_)) for all_ in (sheet.least, sheet.most))
        times = count(high, "time") if low == high else f"{low} to {high} times"
        amount = f" = {mass(one.at(kg))}{'/h' if one.infused else ''}" if one.mg_per_kg else ""
        what, limit = other_drug_text(other_drug_record(one), amount), "" if least == most else " at most"
        yield Paragraph(f"{what}; {times}, {mass(most)} in all{limit}.", indent=2)
    yield Paragraph(TEXTS.also)
    if sheet.is_sham:
        yield Paragraph(f"The drugs themselves, as in arm {arm.like}.")
