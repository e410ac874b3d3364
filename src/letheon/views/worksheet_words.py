"""The worksheet in words, for a terminal of 80 columns."""

import math
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from letheon.definitions import WORKSHEET_NOTICE
from letheon.dosing.bags import MAX_HANG_H
from letheon.dosing.policy_document import policy_rules
from letheon.dosing.worksheet import MOST_WASTE, fitting
from letheon.units import MS_PER_HOUR, plain
from letheon.views.rate_words import mass, number, push_text, rate_text
from letheon.views.subjects.policies import booster_sentences, titration_sentence

if TYPE_CHECKING:
    from letheon.dosing.bags import SessionSheet, Step
    from letheon.dosing.layout import Amounts, Layout, Push
    from letheon.dosing.order import Order
    from letheon.dosing.worksheet import Worksheet
    from letheon.scenario import Arm, Scenario

__all__ = ["lines"]

_WIDTH = 80
_BAGS_LISTED = 12
_RATES_LISTED = 12
_COLUMNS = ("step", "from, h", "to, h", "mg/h", "mL/h", "mL", "mg", "bag no.")
_WIDTHS = (6, 10, 10, 10, 9, 10, 10, 11)
_BESIDE = {"clonidine": "by mouth before", "midazolam": "with"}


def lines(
    scenario: "Scenario", order: "Order", sheets: "Mapping[str, Worksheet]", *, default_weight: bool = False
) -> Iterator[str]:
    """Write a worksheet for a terminal of 80 columns.

    Parameters
    ----------
    scenario : Scenario
        Where the arms come from.
    order : Order
        What is drawn up.
    sheets : mapping of str to Worksheet
        The worksheet of each arm.
    default_weight : bool
        Whether nobody chose the body weight, which is then said.

    Yields
    ------
    str
        Lines of text.
    """
    yield from _wrapped(WORKSHEET_NOTICE)
    yield ""
    yield from _wrapped(scenario.title)
    chosen = " (the default; --weight chooses another)" if default_weight else ""
    yield from _wrapped(f"One body weight: {number(order.weight_kg)} kg{chosen}. All mg are free base.")
    yield from _wrapped(_vial(order))
    for name, sheet in sheets.items():
        for part in sheet.missing:
            yield from _wrapped(f"MISSING from this sheet, arm {name}: {part}")
    for arm in scenario.arms:
        if arm.name in sheets:
            yield ""
            yield from _arm(arm, sheets[arm.name])
    yield ""
    yield from _wrapped(
        "Hours count from the start of the session, bags from 1 in each session. A bag hangs until it is empty, for"
        " 24 h at most, and is not kept for the next session. Shown numbers are rounded; --json has every digit."
    )
    for warning in scenario.warnings:
        yield from _wrapped(f"Warning: {warning}")
    yield ""
    yield from _wrapped(WORKSHEET_NOTICE)


def _vial(order: "Order") -> str:
    label = f"Vial: {number(order.vial_mg_per_ml)} mg/mL, its label read as "
    if order.vial_salt == "base":
        return label + "free base (--vial-salt hydrochloride if it counts the salt)."
    return label + f"{order.vial_salt}, which is {number(order.base_mg_per_ml)} mg/mL of free base."


# --- an arm ---


def _arm(arm: "Arm", sheet: "Worksheet") -> Iterator[str]:
    yield from _wrapped(f"Arm {arm.name}: {sheet.drug}")
    if sheet.is_sham:
        yield from _wrapped(
            f"No drug: the same volumes and pump rates as arm {arm.like}, diluent alone, so that the bags, the pump"
            " and the syringes give nothing away.",
            2,
        )
    for part in sheet.missing:
        yield from _wrapped(f"MISSING below: {part}", 2)
    if sheet.most.bags:
        yield from _preparation(sheet)
    if sheet.titration:
        yield ""
        yield from _titration(sheet)
    else:
        yield from _layout(sheet.course, sheet)
    if not (sheet.course.sessions or sheet.course.pushes):
        yield "  Nothing is infused."
    if sheet.boosters:
        yield ""
        yield from _boosters(sheet)
    if sheet.most.occasions:
        yield ""
        yield from _beside(arm, sheet)
        yield from _totals(arm, sheet)


def _preparation(sheet: "Worksheet") -> Iterator[str]:
    order = sheet.order
    yield "  To make up each bag:"
    if sheet.is_sham:
        yield "    take  0 mL of drug"
    else:
        yield f"    take  {number(sheet.drug_ml)} mL of drug from the vial ({mass(order.bag_mg)})"
    yield f"    add   {number(sheet.diluent_ml)} mL of diluent"
    yield f"    gives {number(order.bag_ml)} mL at {number(sheet.mg_per_ml)} mg/mL"


def _layout(layout: "Layout", sheet: "Worksheet", name: str = "Session") -> Iterator[str]:
    if layout.sessions:
        yield ""
        yield "".join(f"{column:>{width}}" for column, width in zip(_COLUMNS, _WIDTHS, strict=True))
        for first, alike in _alike(layout.sessions, lambda one: (one.steps, one.bags)):
            yield from _session(first, alike, sheet, name)
    yield from _pushes(layout, sheet)


def _pushes(layout: "Layout", sheet: "Worksheet") -> Iterator[str]:
    if not layout.pushes:
        return
    yield ""
    yield from _wrapped(
        f"By hand, not from the bag, drawn up undiluted from the {'diluent' if sheet.is_sham else 'vial'}:", 2
    )
    for _, alike in _alike(layout.pushes, lambda one: (one.duration_ms, one.mg, one.ml, one.written)):
        push, order = alike[0], sheet.order
        dose, written = mass(push.ml * order.base_mg_per_ml), push_text(push.written, push.duration_ms)
        dose += "" if dose == written else f" ({written})"
        given = (
            f"{number(push.ml)} mL of diluent in place of {dose}" if sheet.is_sham else f"{dose} = {number(push.ml)} mL"
        )
        yield from _wrapped(f"{_when(alike)}, over {_minutes(push.duration_ms)}: {given}", 4)


def _minutes(milliseconds: int) -> str:
    return f"{number(milliseconds / 60_000)} min" if milliseconds >= 60_000 else f"{number(milliseconds / 1000)} s"


# --- sessions ---


def _alike(items: "Sequence[Any]", key: "Callable[[Any], object]") -> "Iterator[tuple[int, list[Any]]]":
    """Group items that follow each other and differ in their start alone; each group with the number of its first."""
    first = 1
    for _, group in groupby(items, key):
        alike = list(group)
        yield first, alike
        first += len(alike)


def _when(alike: "Sequence[SessionSheet | Push]") -> str:
    """Say when things happen that differ in their start alone."""
    start = alike[0].start_ms / MS_PER_HOUR
    first = f"at {number(start)} h (day {int(start // 24) + 1})"
    if len(alike) == 1:
        return first
    gaps = {after.start_ms - before.start_ms for before, after in pairwise(alike)}
    return first + (f", then every {number(gaps.pop() / MS_PER_HOUR)} h" if len(gaps) == 1 else ", then at other times")


def _session(first: int, alike: "list[SessionSheet]", sheet: "Worksheet", name: str) -> Iterator[str]:
    session = alike[0]
    if len(alike) == 1:
        yield f"  {name} {first}, {_when(alike)}"
    else:
        yield f"  {name}s {first} to {first + len(alike) - 1}, alike: the first {_when(alike)}"
    for count, step in enumerate(session.steps, 1):
        bags = f"{step.first_bag}" if step.first_bag == step.last_bag else f"{step.first_bag}-{step.last_bag}"
        shown = (step.start_h, step.stop_h, step.mg_per_h, step.ml_per_h, step.ml, step.mg)
        yield _row(count, [*map(number, shown), bags if step.ml_per_h else "held"])
        yield from _written(step)
    if len(session.steps) > 1:
        yield _row("all", ["0", number(session.hours), "", "", number(session.ml), number(session.mg), ""])
    yield from _bags(session, sheet)


def _written(step: "Step") -> Iterator[str]:
    """Say how a rate is written where it depends on body weight."""
    if any(rate.per_kg_mg_h or not math.isinf(rate.ceiling_mg_h) for rate in step.written):
        yield from _wrapped(f"written {' + '.join(map(rate_text, step.written))}", 7)


def _row(label: object, cells: list[str]) -> str:
    return "".join(f"{cell:>{width}}" for cell, width in zip([str(label), *cells], _WIDTHS, strict=True)).rstrip()


def _bags(session: "SessionSheet", sheet: "Worksheet") -> Iterator[str]:
    count, left = len(session.bags), f"{number(session.left_ml)} mL"
    if not sheet.is_sham:
        left += f" ({mass(session.left_ml * sheet.mg_per_ml)})"
    text = f"{_count(count, 'bag')}, {left} left over."
    enough = math.ceil(session.ml / sheet.order.bag_ml / (1 + 1e-9))
    if count > enough:
        text += f" {enough} would hold the volume; split into {count} so that none hangs longer than 24 h."
    if count > 1:
        hung = [f"{place} at {number(bag.hung_h)} h" for place, bag in enumerate(session.bags[:_BAGS_LISTED], 1)]
        rest = f" and so on, {count - len(hung)} more (--json)" if count > len(hung) else ""
        text += f" Hang bag {', '.join(hung)}{rest}."
    yield from _wrapped(text, 6)


# --- rules, other drugs, totals ---


def _titration(sheet: "Worksheet") -> Iterator[str]:
    titration, order = sheet.titration, sheet.order
    if titration is None:
        return
    yield from _sentences(sheet, "titration")
    rule, kg = titration.rule, order.weight_kg
    if any(rate.per_kg_mg_h for rate in (rule.step, rule.lowest, rule.highest)):
        step, low, high = (number(rate.at(kg)) for rate in (rule.step, rule.lowest, rule.highest))
        yield from _wrapped(f"At {number(kg)} kg: steps of {step} mg/h, from {low} to {high} mg/h.", 2)
    steps = [step for one in sheet.course.sessions for step in one.steps]
    written = list(dict.fromkeys(" + ".join(map(rate_text, step.written)) for step in steps))
    more = " and so on" if len(written) > _RATES_LISTED else ""
    yield from _wrapped(f"Written rates: {'; '.join(written[:_RATES_LISTED])}{more}.", 2)
    if titration.rates:
        yield ""
        yield "  Every rate that the pump may have to run at:"
        yield f"{'mg/h':>14}{'mL/h':>14}{'a bag lasts, h':>20}"
        for rate in titration.rates:
            ml_h = rate / order.mg_per_ml
            lasts = number(min(order.bag_ml / ml_h, MAX_HANG_H)) if ml_h else "held"
            yield f"{number(0.0 if sheet.is_sham else rate):>14}{number(ml_h):>14}{lasts:>20}"
    yield ""
    yield "  At least: every look finds a psychedelic effect."
    yield from _layout(titration.least, sheet)
    yield ""
    yield "  At most: every look goes up."
    yield from _layout(replace(titration.most, pushes=()), sheet)


def _sentences(sheet: "Worksheet", part: str) -> Iterator[str]:
    """Say the rule of one part as the report does."""
    rules = policy_rules(sheet.policy)
    if part == "titration" and rules and rules.titration:
        yield from _wrapped(titration_sentence(rules.titration), 2)
    elif part == "boosters" and rules and rules.boosters:
        for sentence in booster_sentences(rules.boosters):
            yield from _wrapped(sentence, 2)


def _boosters(sheet: "Worksheet") -> Iterator[str]:
    boosters = sheet.boosters
    if boosters is None:
        return
    yield from _sentences(sheet, "boosters")
    yield from _wrapped(
        f"Nobody has more than {_count(boosters.at_most, 'booster')} within the follow-up. Every booster is this, its"
        " hours counted from its own start:",
        2,
    )
    yield from _layout(boosters.each, sheet, "Booster session")
    one = boosters.each.amounts
    yield from _wrapped(f"One booster: {_given(one)}.", 2)


def _beside(arm: "Arm", sheet: "Worksheet") -> Iterator[str]:
    for drug, mg in sheet.beside.items():
        real = f" The drug itself, as in arm {arm.like}." if sheet.is_sham else ""
        least, most = sheet.least.occasions, sheet.most.occasions
        doses = f"{least}" if least == most else f"{least} to {most}"
        yield from _wrapped(
            f"Beside: {drug} {mass(mg)} {_BESIDE.get(drug, 'with')} each session, {doses} times;"
            f" {mass(mg * most)} in all{'' if least == most else ' at most'}.{real}",
            2,
        )


def _given(amounts: "Amounts") -> str:
    """Say what pump and hand give."""
    parts: list[str] = []
    if amounts.sessions:
        parts.append(
            f"{_count(amounts.sessions, 'session')}, {number(amounts.hours)} h on the drip, {number(amounts.ml)} mL,"
            f" {mass(amounts.mg)}"
        )
    if amounts.pushes:
        hand = _count(amounts.pushes, "push", "es")
        parts.append(f"{hand} by hand, {number(amounts.push_ml)} mL, {mass(amounts.push_mg)}")
    if len(parts) > 1:
        parts.append(f"{mass(amounts.dose_mg)} together")
    if amounts.bags:
        parts.append(_count(amounts.bags, "bag"))
    return "; ".join(parts)


def _totals(arm: "Arm", sheet: "Worksheet") -> Iterator[str]:
    least, most = sheet.least, sheet.most
    if least == most:
        yield from _wrapped(f"Whole arm: {_given(most)}.", 2)
    else:
        yield from _wrapped(f"Whole arm at least: {_given(least)}.", 2)
        yield from _wrapped(f"Whole arm at most: {_given(most)}.", 2)
    yield from _wrapped(_drawn_up(sheet, "To draw up" if least == most else "To draw up at most"), 2)
    if (fit := fitting(sheet, arm.regimen)) is not None:
        yield from _wrapped(
            f'A bag that fits: --bag "{_exact(fit.order.bag_ml)} mL" --per-bag "{_exact(fit.order.bag_mg)} mg",'
            f" {_count(fit.most.bags, 'bag')}, {number(fit.most.left_ml)} mL left over ({100 * fit.most.waste:.0f} %).",
            2,
        )


def _exact(value: float) -> str:
    return plain(round(value, 9))


def _drawn_up(sheet: "Worksheet", start: str) -> str:
    order, most = sheet.order, sheet.most
    drug_ml = sheet.drug_ml * most.bags + (0.0 if sheet.is_sham else most.push_ml)
    diluent_ml = sheet.diluent_ml * most.bags + (most.push_ml if sheet.is_sham else 0.0)
    text = (
        f"{start}: {_count(most.bags, 'bag')}, {number(drug_ml)} mL of drug ({mass(drug_ml * order.base_mg_per_ml)}),"
        f" {number(diluent_ml)} mL of diluent; left over in the bags: {number(most.left_ml)} mL"
        f" ({mass(most.left_mg)}), {100 * most.waste:.0f} % of what is made up."
    )
    if most.waste > MOST_WASTE:
        text += " The bags are too large."
    vials, each = most.vials, order.vial_ml
    if vials and each is not None:
        unused = vials * each - drug_ml
        text += (
            f" Vials of {number(each)} mL, each for one bag or push only: {vials};"
            f" left over in them: {number(unused)} mL ({mass(unused * order.base_mg_per_ml)})."
        )
    return text


def _count(number_of: int, name: str, plural: str = "s") -> str:
    return f"{number_of:,} {name}{'' if number_of == 1 else plural}"


def _wrapped(text: str, indent: int = 0) -> list[str]:
    space = " " * indent
    return textwrap.wrap(text, _WIDTH, initial_indent=space, subsequent_indent=space)
