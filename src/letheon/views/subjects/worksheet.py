"""The worksheet as a document: bags, pump rates and pushes of each arm, with what is missing at the head."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import TypeVar

from letheon.definitions import WORKSHEET_NOTICE
from letheon.dosing.bags import MAX_HANG_H, SessionSheet
from letheon.dosing.class_rows import ClassRow
from letheon.dosing.layout import Amounts, Layout, Push
from letheon.dosing.order import Order
from letheon.dosing.other_drugs import other_drug_record
from letheon.dosing.policy_document import LimitRules, WeanRules, policy_rules
from letheon.dosing.worksheet import MOST_WASTE, BoosterSheet, TitrationSheet, Worksheet, fitting
from letheon.dosing.worksheet_record import amounts_record
from letheon.scenario import Arm, Scenario
from letheon.units import MS_PER_HOUR, plain
from letheon.views.document.numbers import count, exact, fixed, mass
from letheon.views.document.tree import Document, Paragraph, Row, Section, Table
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

_FOOT = (
    "Hours count from the start of the session, bags from 1 in each session. A bag hangs until it is empty, for "
    f"{exact(MAX_HANG_H)} h at most, and is not kept for the next session. Shown numbers are rounded; --json has every "
    "digit."
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
    scenario: Scenario, order: Order, sheets: Mapping[str, Worksheet], *, default_weight: bool = False
) -> Document:
    """Return a worksheet; `default_weight` says that nobody chose the body weight."""
    chosen = " (the default; --weight chooses another)" if default_weight else ""
    weight = f"One body weight: {exact(order.weight_kg)} kg{chosen}. All mg are free base."
    head = [*map(Paragraph, (scenario.title, weight, _vial(order)))]
    for name, sheet in sheets.items():
        head += [Paragraph(f"MISSING from this sheet, arm {name}: {part}", "warning") for part in sheet.missing]
    arms = [one for arm in scenario.arms if arm.name in sheets for one in _arm(arm, sheets[arm.name])]
    foot = [Paragraph(_FOOT), *(Paragraph(f"Warning: {warning}", "warning") for warning in scenario.warnings)]
    notice = Section("notice", "", (Paragraph(WORKSHEET_NOTICE, "strong"),))
    return Document("", (notice, Section("order", "", tuple(head)), *arms, Section("notes", "", tuple(foot)), notice))


def _vial(order: Order) -> str:
    label = f"Vial: {exact(order.vial_mg_per_ml)} mg/mL, its label read as "
    if order.vial_salt == "base":
        return label + "free base (--vial-salt hydrochloride if it counts the salt)."
    return label + f"{order.vial_salt}, which is {exact(order.base_mg_per_ml)} mg/mL of free base."


def _arm(arm: Arm, sheet: Worksheet) -> Iterator[Section]:
    name = f"Arm {arm.name}"
    yield Section(arm.name, f"{name}: {sheet.drug}", tuple(_preparation(arm, sheet)))
    if sheet.titration:
        yield Section(f"{arm.name}-titration", f"{name}: titration", tuple(_titration(sheet.titration, sheet)))
        yield from _sessions(sheet.titration.least, sheet, f"{name} at least, session")
        yield from _sessions(sheet.titration.most, sheet, f"{name} at most, session")
    else:
        yield from _sessions(sheet.course, sheet, f"{name}, session")
    if (rules := policy_rules(sheet.policy)) and rules.wean:
        yield Section(f"{arm.name}-weaning", f"{name}: weaning", tuple(_weaning(rules.wean, sheet)))
    if rules and rules.limits:
        yield Section(f"{arm.name}-limits", f"{name}: limits", tuple(_limits(rules.limits, sheet)))
    yield from _pushes(sheet.course, sheet, name)
    if sheet.boosters:
        yield Section(f"{arm.name}-boosters", f"{name}: boosters", tuple(_boosters(sheet.boosters, sheet)))
        yield from _sessions(sheet.boosters.each, sheet, f"{name}, booster session")
        yield from _pushes(sheet.boosters.each, sheet, f"{name}, booster")
    if sheet.also:
        yield Section(f"{arm.name}-also", f"{name}: other drugs", tuple(_others(arm, sheet)))
    if sheet.most.occasions:
        yield Section(f"{arm.name}-total", f"{name}: total", tuple(_totals(arm, sheet)))


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
        drug = "" if sheet.is_sham else f" from the vial ({mass(sheet.order.bag_mg)})"
        yield Paragraph("To make up each bag:")
        yield Paragraph(f"take  {exact(sheet.drug_ml)} mL of drug{drug}", indent=2)
        yield Paragraph(f"add   {exact(sheet.diluent_ml)} mL of diluent", indent=2)
        yield Paragraph(f"gives {exact(sheet.order.bag_ml)} mL at {exact(sheet.mg_per_ml)} mg/mL", indent=2)
    if not (sheet.course.sessions or sheet.course.pushes):
        yield Paragraph("Nothing is infused.")


def _alike(items: Sequence[_Start], key: Callable[[_Start], object]) -> Iterator[tuple[int, list[_Start]]]:
    """Group items that follow each other and differ in their start alone; each group with the number of its first."""
    first = 1
    for _, group in groupby(items, key):
        alike = list(group)
        yield first, alike
        first += len(alike)


def _when(alike: Sequence[SessionSheet | Push]) -> str:
    """Say when things happen that differ in their start alone."""
    start = alike[0].start_ms / MS_PER_HOUR
    first = f"at {exact(start)} h (day {int(start // 24) + 1})"
    if len(alike) == 1:
        return first
    gaps = {after.start_ms - before.start_ms for before, after in pairwise(alike)}
    return first + (f", then every {exact(gaps.pop() / MS_PER_HOUR)} h" if len(gaps) == 1 else ", then at other times")


def _sessions(layout: Layout, sheet: Worksheet, name: str) -> Iterator[Section]:
    for first, alike in _alike(layout.sessions, lambda one: (one.steps, one.bags)):
        which = f"{name} {first}, {_when(alike)}"
        if len(alike) > 1:
            which = f"{name}s {first} to {first + len(alike) - 1}, alike: {_when(alike)}"
        yield Section(which, which, tuple(_session(alike[0], sheet)))


def _session(session: SessionSheet, sheet: Worksheet) -> Iterator[Table | Paragraph]:
    rows: list[Row] = []
    notes: list[str] = []
    for number, step in enumerate(session.steps, 1):
        bags = f"{step.first_bag}" if step.first_bag == step.last_bag else f"{step.first_bag}-{step.last_bag}"
        shown = (step.start_h, step.stop_h, step.mg_per_h, step.ml_per_h, step.ml, step.mg)
        rows.append(Row(str(number), (*map(exact, shown), bags if step.ml_per_h else "held")))
        if any(rate.per_kg_mg_h or not math.isinf(rate.ceiling_mg_h) for rate in step.written):
            which = f"step {number} as " if len(session.steps) > 1 else ""
            notes.append(which + " + ".join(map(rate_text, step.written)))
    if len(rows) > 1:
        rows.append(Row("all", ("0", exact(session.hours), "", "", exact(session.ml), exact(session.mg), ""), "main"))
    yield Table.of("Steps of the pump", _STEP_HEADS, rows)
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


def _pushes(layout: Layout, sheet: Worksheet, name: str) -> Iterator[Section]:
    lines: list[Paragraph] = []
    for _, alike in _alike(layout.pushes, lambda one: (one.duration_ms, one.mg, one.ml, one.written)):
        push = alike[0]
        dose, written = mass(push.ml * sheet.order.base_mg_per_ml), push_text(push.written, push.duration_ms)
        dose += "" if dose == written else f" ({written})"
        volume = f"{exact(push.ml)} mL"
        what = f"{volume} of diluent in place of {dose}" if sheet.is_sham else f"{dose} = {volume}"
        seconds = push.duration_ms / 1000
        length = f"{exact(seconds / 60)} min" if seconds >= 60 else f"{exact(seconds)} s"
        lines.append(Paragraph(f"{_when(alike)}, over {length}: {what}", indent=2))
    if lines:
        source = "diluent" if sheet.is_sham else "vial"
        head = Paragraph(f"Not from the bag, drawn up undiluted from the {source}:")
        yield Section(f"{name}-pushes", f"{name}: pushes by hand", (head, *lines))


def _titration(titration: TitrationSheet, sheet: Worksheet) -> Iterator[Table | Paragraph]:
    rules, order, rule = policy_rules(sheet.policy), sheet.order, titration.rule
    if rules and rules.titration:
        yield Paragraph(titration_sentence(rules.titration))
    if any(rate.per_kg_mg_h for rate in (rule.step, rule.lowest, rule.highest)):
        step, low, high = (exact(rate.at(order.weight_kg)) for rate in (rule.step, rule.lowest, rule.highest))
        yield Paragraph(f"At {exact(order.weight_kg)} kg: steps of {step} mg/h, from {low} to {high} mg/h.")
    ends = min((one.start_ms for one in titration.weaning), default=math.inf) / MS_PER_HOUR
    whole = [(one.start_ms / MS_PER_HOUR, one.steps) for one in sheet.course.sessions]
    steps = [step for start, steps in whole for step in steps if start + step.start_h < ends - 1e-9]
    written = list(dict.fromkeys(" + ".join(map(rate_text, step.written)) for step in steps))
    more = " and so on" if len(written) > _RATES_LISTED else ""
    yield Paragraph(f"Written rates: {'; '.join(written[:_RATES_LISTED])}{more}.")
    if titration.rates:
        yield Paragraph("Every rate that the pump may have to run at:")
        rows = []
        for rate in titration.rates:
            ml_h = rate / order.mg_per_ml
            lasts = exact(min(order.bag_ml / ml_h, MAX_HANG_H)) if ml_h else "held"
            rows.append((exact(0.0 if sheet.is_sham else rate), exact(ml_h), lasts))
        yield Table.of("Rates of the pump", _RATE_HEADS, rows)
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
        rows.append(Row(str(number), tuple(map(exact, (*times, drug[0], pump[0], drug[1], pump[1])))))
    if rows:
        yield Table.of("Weaning", _WEAN_HEADS, rows)


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
    yield Paragraph(
        f"Nobody has more than {count(boosters.at_most, 'booster')} within the follow-up. One booster:"
        f" {_sum(boosters.each.amounts)}. Every booster is as below, its hours counted from its own start."
    )


def _sum(amounts: Amounts) -> str:
    """Say what pump and hand give."""
    parts: list[str] = []
    if amounts.sessions:
        sessions, hours = count(amounts.sessions, "session"), exact(amounts.hours)
        parts.append(f"{sessions}, {hours} h of infusion, {exact(amounts.ml)} mL, {mass(amounts.mg)}")
    if amounts.pushes:
        by_hand = count(amounts.pushes, "push", "pushes")
        parts.append(f"{by_hand} by hand, {exact(amounts.push_ml)} mL, {mass(amounts.push_mg)}")
    if len(parts) > 1:
        parts.append(f"{mass(amounts.dose_mg)} together")
    if amounts.bags:
        parts.append(count(amounts.bags, "bag"))
    return "; ".join(parts)


def _totals(arm: Arm, sheet: Worksheet) -> Iterator[Paragraph]:
    least, most = sheet.least, sheet.most
    low, high = least.occasions, most.occasions
    times, limit = (f"{low}", "") if low == high else (f"{low} to {high}", " at most")
    for drug, mg in sheet.beside.items():
        real = f" The drug itself, as in arm {arm.like}." if sheet.is_sham else ""
        dose = f"Beside: {drug} {mass(mg)} {_BESIDE.get(drug, 'with')} each session, {times} times"
        yield Paragraph(f"{dose}; {mass(mg * high)} in all{limit}.{real}")
    if least != most:
        yield Paragraph(f"Whole arm at least: {_sum(least)}.")
    limit = "" if least == most else " at most"
    yield Paragraph(f"Whole arm{limit}: {_sum(most)}.")
    yield Paragraph(f"To draw up{limit}: {_drawn_up(sheet)}")
    if (fit := fitting(sheet, arm.regimen)) is not None:
        bag_ml, bag_mg = (plain(round(value, 9)) for value in (fit.order.bag_ml, fit.order.bag_mg))
        strength = "" if fit.order.strength_is_written else f' --per-bag "{bag_mg} mg"'
        yield Paragraph(
            f'A bag that fits: --bag "{bag_ml} mL"{strength}, {count(fit.most.bags, "bag")},'
            f" {exact(fit.most.left_ml)} mL left over ({fixed(100 * fit.most.waste, 0)} %)."
        )


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


def _drawn_up(sheet: Worksheet) -> str:
    order, most = sheet.order, amounts_record(sheet.most, sheet.order, sheet.is_sham)
    text = (
        f"{count(most.bags, 'bag')}, {exact(most.drug_ml)} mL of drug ({mass(most.drug_ml * order.base_mg_per_ml)}),"
        f" {exact(most.diluent_ml)} mL of diluent; left over in the bags: {exact(most.left_ml)} mL"
        f" ({mass(most.left_mg)}), {fixed(100 * most.left_share, 0)} % of what is made up."
    )
    if most.left_share > MOST_WASTE:
        text += " The bags are too large."
    if most.vials and order.vial_ml is not None:
        unused = most.vials * order.vial_ml - most.drug_ml
        text += (
            f" Vials of {exact(order.vial_ml)} mL, each for one bag or push only: {fixed(most.vials, 0)};"
            f" left over in them: {exact(unused)} mL ({mass(unused * order.base_mg_per_ml)})."
        )
    return text
