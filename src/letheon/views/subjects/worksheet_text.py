"""What worksheets of one body weight and of several say alike: vial, making up, times, sums and what is left over."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from msgspec import structs

from letheon._version import __version__
from letheon.definitions import WORKSHEET_NOTICE
from letheon.dosing.bags import MAX_HANG_H
from letheon.dosing.fitting import MOST_WASTE, Fit, fitting, fitting_vial
from letheon.dosing.layout import Amounts, Push
from letheon.dosing.order import MIN_DRAWN_ML, Order
from letheon.dosing.regimen import Regimen
from letheon.dosing.worksheet import BoosterKind, Worksheet
from letheon.dosing.worksheet_record import AmountsRecord, amounts_record
from letheon.scenario import Scenario
from letheon.units import MS_PER_HOUR, plain
from letheon.views.document.numbers import count, exact, fixed, mass, written
from letheon.views.document.tree import (
    Block,
    Break,
    CodeText,
    Columns,
    Content,
    Document,
    Heading,
    Paragraph,
    Section,
    Strong,
)
from letheon.views.document.tree import plain as plain_text
from letheon.views.subjects.endmatter import made_by
from letheon.views.subjects.policies import push_text

FOOT = (
    "Hours count from the start of the session, bags from 1 in each session. A bag hangs until it is empty, for "
    f"{exact(MAX_HANG_H)} h at most, and is not kept for the next session. Shown numbers are rounded; --json has every "
    "digit."
)
_LINE = "_" * 24
_UNITS = re.compile(r"(?<=\d) (?=(?:mg|mcg|g|mL|h|min|s|kg|bags?|vials?)\b)")
_LEFT = f"more than {fixed(100 * MOST_WASTE, 0)} %"


def booster_name(kind: BoosterKind, several: bool) -> str:
    """Name a booster, with its rungs where there are other kinds.

    >>> from letheon.dosing.layout import Layout
    >>> booster_name(BoosterKind((1, 3), Layout(Order.create(), False), 2), True)
    'booster of rungs 1 and 3'
    """
    *most, last = map(str, kind.rungs)
    rungs = f"rungs {', '.join(most)} and {last}" if most else f"rung {last}"
    return f"booster of {rungs}" if several else "booster"


def in_terminal(
    scenario: Scenario, head: Sequence[Paragraph], arms: Mapping[str, Sequence[Section]], foot: Section
) -> Document:
    """Return a worksheet for the terminal: every part a section of its own, between two notices."""
    notice = Section("notice", "", (Paragraph(WORKSHEET_NOTICE, "strong"),))
    order = Section("order", "", (Paragraph(scenario.title), *head))
    parts = [part for one in arms.values() for part in one]
    return Document("", (notice, order, *parts, Section("notes", "", foot.blocks), notice))


def printed(
    scenario: Scenario,
    weights: str,
    head: Sequence[Paragraph],
    arms: Mapping[str, Sequence[Section]],
    foot: Section,
    kind: str = "",
) -> Document:
    """Return a worksheet as a page: a section for each arm, and lines to sign on."""
    signed = Paragraph(f"Calculated by {_LINE} Checked by a pharmacist {_LINE} Date {_LINE}", "sign")
    weight, vial, *lacking = head
    sections = [Section("missing", "Missing", tuple(lacking))] if lacking else []
    for number, parts in enumerate(arms.values(), 1):
        blocks: list[Block] = []
        for part in parts:
            blocks += [Heading(part.short or part.title), *map(_unbroken, part.blocks)]
        sections.append(Section(f"arm-{number}", parts[0].title, tuple(blocks)))
    sections.append(Section(foot.key, foot.title, (*foot.blocks, Paragraph(WORKSHEET_NOTICE, "strong"), signed)))
    brand, version = f"Letheon {__version__}: worksheet", f"Letheon {__version__}"
    footer = made_by(version, "letheon worksheet")
    lead = (Strong(plain_text(weight.content)), Break(), plain_text(vial.content))
    return Document(
        scenario.title, tuple(sections), brand, lead, footer, f"{version}, worksheet for {weights}",
        f"worksheet {kind}".strip(),
    )  # fmt: skip


def _unbroken(block: Block) -> Block:
    """Keep each number and its unit on one line."""

    def keep(part: Content) -> Content:
        return _UNITS.sub("\u00a0", part) if isinstance(part, str) else part

    if isinstance(block, Paragraph):
        parts = block.content
        content = keep(parts) if not isinstance(parts, Sequence) or isinstance(parts, str) else tuple(map(keep, parts))
        return structs.replace(block, content=content)
    if isinstance(block, Columns):
        return Columns(tuple(tuple(map(_unbroken, column)) for column in block.columns))
    return block


def missing(sheets: Mapping[str, Worksheet]) -> Iterator[Paragraph]:
    """Name at the head what sheets leave out."""
    for name, sheet in sheets.items():
        yield from (Paragraph(f"MISSING from this sheet, arm {name}: {part}", "warning") for part in sheet.missing)


def notes(scenario: Scenario) -> Iterator[Paragraph]:
    """Say how to read a sheet, and what to mind of the scenario."""
    yield Paragraph(FOOT)
    yield from (Paragraph(f"Warning: {warning}", "warning") for warning in scenario.warnings)


def capital(text: str) -> str:
    """Return the end of a title as a title of its own.

    >>> capital(", booster session 1")
    'Booster session 1'
    """
    own = text.lstrip(",: ")
    return own[:1].upper() + own[1:]


def vial_text(order: Order) -> str:
    """Say what the vial is, and how its label is read."""
    content = f"{exact(order.vial_mg_per_ml)} mg/mL"
    if order.vial_ml is not None:
        content = f"{mass(order.vial_ml * order.vial_mg_per_ml)} in {exact(order.vial_ml)} mL ({content})"
    label = f"Vial: {content}, its label read as "
    if order.vial_salt == "base":
        return label + "free base (--vial-salt hydrochloride if it counts the salt)."
    return label + f"{order.vial_salt}, which is {exact(order.base_mg_per_ml)} mg/mL of free base."


def making_up(sheet: Worksheet) -> Iterator[Paragraph]:
    """Say how each bag is made up, and what becomes of its overfill."""
    order, drug_ml = sheet.order, exact(sheet.drug_ml)
    drug = "" if sheet.is_sham else f" from the vial ({mass(order.bag_mg)})"
    gives = f"gives {exact(order.bag_ml)} mL at {strength(sheet.mg_per_ml)}"
    yield Paragraph("To make up each bag:")
    if order.overfill_ml is None:
        steps = [f"take  {drug_ml} mL of drug{drug}", f"add   {exact(sheet.diluent_ml)} mL of diluent", gives]
    else:
        holds = order.label_ml + order.overfill_ml
        bag = f"a bag of diluent labelled {exact(order.label_ml)} mL, which holds {exact(holds)} mL"
        out, into = order.withdrawn_ml, f"{drug_ml} mL of drug{drug}"
        if sheet.is_sham:
            out, into = max(holds - order.bag_ml, 0.0), f"{exact(max(order.bag_ml - holds, 0.0))} mL of diluent"
        removed = f"{exact(out)} mL of it" if out else "nothing of it"
        steps = [f"take  {bag}", f"remove {removed}", f"add   {into}", gives]
    yield from (Paragraph(step, "step", indent=2) for step in steps)
    if order.overfill_ml is not None and not sheet.is_sham:
        yield Paragraph(_overfill(order))


def strength(mg_per_ml: float) -> str:
    """Return the strength of a bag to four digits: the pump is set by it."""
    return f"{written(mg_per_ml, 4)} mg/mL"


def _overfill(order: Order) -> str:
    """Say what overfill does to the strength of a bag."""
    label, over, true = order.label_ml, order.overfill_ml or 0.0, strength(order.mg_per_ml)
    if order.withdrawn == "all":
        kept = order.bag_mg / (label + over)
        return (
            f"Overfill ({exact(over)} mL) is removed with the volume of the drug, so that the strength is exact. Left"
            f" in, it would make {strength(kept)}, {written(100 * (1 - kept / order.mg_per_ml), 2)} % weaker."
        )
    stays = "Overfill stays" if order.withdrawn == "drug" else "Overfill and the volume of the drug stay"
    weaker = written(100 * (1 - order.mg_per_ml / order.label_mg_per_ml), 2)
    return (
        f"{stays} in: {exact(order.bag_ml)} mL, not the {exact(label)} mL of the label, so that the strength is {true}"
        f" and not {strength(order.label_mg_per_ml)} ({weaker} % weaker). Write {true} on the bag: rates and volumes of"
        " the pump are for it."
    )


def when(starts_ms: Sequence[int]) -> str:
    """Say when things happen that differ in their start alone."""
    start = starts_ms[0] / MS_PER_HOUR
    first = f"at {exact(start)} h (day {fixed(start // 24 + 1, 0)})"
    if len(starts_ms) == 1:
        return first
    gaps = {after - before for before, after in pairwise(starts_ms)}
    return first + (f", then every {exact(gaps.pop() / MS_PER_HOUR)} h" if len(gaps) == 1 else ", then at other times")


def push_words(push: Push, sheet: Worksheet) -> str:
    """Say what a push is, and what is drawn up for it."""
    order = sheet.order
    dose, own = mass(push.ml * order.base_mg_per_ml), push_text(push.written, push.duration_ms)
    dose += "" if dose == own else f" ({own})"
    volume = f"{exact(push.ml)} mL"
    text = f"{volume} of diluent in place of {dose}" if sheet.is_sham else f"{dose} = {volume}"
    small = push.ml < MIN_DRAWN_ML
    if small:
        text += f", less than {exact(MIN_DRAWN_ML)} mL and hard to measure"
    if small or order.strength_is_written:
        ml = push.ml * order.base_mg_per_ml / order.mg_per_ml
        text += f"; from a syringe of the strength of the bags ({strength(order.mg_per_ml)}), {exact(ml)} mL"
    return text


def length(milliseconds: int) -> str:
    """Return the length of a push."""
    seconds = milliseconds / 1000
    return f"{exact(seconds / 60)} min" if seconds >= 60 else f"{exact(seconds)} s"


def sum_of(amounts: Amounts) -> str:
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


def drawn_up(sheet: Worksheet, regimen: Regimen) -> Iterator[Paragraph]:
    """Say what is drawn up for the most that an arm gives, what is left over, and which bag or vial leaves less."""
    order, most = sheet.order, amounts_record(sheet.most, sheet.order, sheet.is_sham)
    limit = "" if sheet.least == sheet.most else " at most"
    yield Paragraph(
        f"To draw up{limit}: {count(most.bags, 'bag')}, {exact(most.drug_ml)} mL of drug"
        f" ({mass(most.drug_mg)}), {exact(most.diluent_ml)} mL of diluent; left over in the"
        f" bags: {exact(most.left_ml)} mL ({mass(most.left_mg)}), {_percent(most.left_share)} of what is made up."
    )
    yield from _bags_flagged(most, fitting(sheet, regimen))
    if most.vials and order.vial_ml is not None:
        yield from _vials(most, order, limit, fitting_vial(sheet, regimen))


def _bags_flagged(most: AmountsRecord, fit: Fit | None) -> Iterator[Paragraph]:
    if most.left_share <= MOST_WASTE:
        return
    proposal: list[Content] = ["No bag of a standard size leaves less."]
    if fit is not None:
        order = fit.order
        bag_ml, bag_mg = (plain(round(value, 9)) for value in (order.bag_ml, order.bag_mg))
        strength = "" if order.strength_is_written else f' --per-bag "{bag_mg} mg"'
        proposal = [
            f"A bag that fits: {exact(order.bag_ml)} mL with {mass(order.bag_mg)}, {count(fit.most.bags, 'bag')},"
            f" {exact(fit.most.left_ml)} mL left over ({_percent(fit.most.waste)}). Its sheet: ",
            CodeText(f'--bag "{bag_ml} mL"{strength}'),
        ]
    yield Paragraph((f"Waste: {_LEFT} of the bags. The bags are too large. ", *_flat(proposal)), "warning")


def _vials(most: AmountsRecord, order: Order, limit: str, fit: Fit | None) -> Iterator[Paragraph]:
    left, share = (most.vial_left_ml or 0.0, most.vial_left_mg or 0.0), most.vial_left_share or 0.0
    yield Paragraph(
        f"Vials of {exact(order.vial_ml or 0.0)} mL, each for one bag or push only: {fixed(most.vials, 0)}; left over"
        f" in them: {exact(left[0])} mL ({mass(left[1])}), {_percent(share)} of what is opened. Of"
        f" {mass(most.opened_mg or 0.0)} in them, {mass(most.dose_mg)} are given{limit}; waste in bags and vials:"
        f" {mass(most.wasted_mg or 0.0)}, {_percent(most.wasted_share or 0.0)}."
    )
    if share <= MOST_WASTE:
        return
    proposal: list[Content] = ["No vial commonly on the market leaves less."]
    if fit is not None:
        ml, mg_per_ml = fit.order.vial_ml or 0.0, fit.order.vial_mg_per_ml
        after = amounts_record(fit.most, fit.order, sham=False)
        proposal = [
            f"Of the vials commonly on the market, {mass(ml * mg_per_ml)} in {exact(ml)} mL leaves least:"
            f" {count(fit.most.vials, 'vial')}, {exact(after.vial_left_ml or 0.0)} mL"
            f" ({mass(after.vial_left_mg or 0.0)}) left over,"
            f" {_percent(after.vial_left_share or 0.0)}. Its sheet: ",
            CodeText(f'--vial "{plain(ml * mg_per_ml)} mg/{plain(ml)} mL"'),
        ]
    yield Paragraph((f"Waste: {_LEFT} of the vials. ", *_flat(proposal)), "warning")


def _percent(share: float) -> str:
    return f"{fixed(100 * share, 0)} %"


def _flat(parts: Sequence[Content]) -> Iterator[str | CodeText]:
    yield from (part for part in parts if isinstance(part, str | CodeText))
