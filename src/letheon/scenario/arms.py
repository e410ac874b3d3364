"""Arms: the part of a scenario file that says what is infused, when, and what a placebo copies."""

import difflib
import re
from itertools import pairwise

from letheon.dosing.regimen import DRUGS, Infusion, Rate, Regimen
from letheon.scenario import quantities
from letheon.scenario.fields import choice, listing_of, quantity, required, table_of, text_of, whole
from letheon.scenario.records import Arm, Beside
from letheon.scenario.tree import Node, Table
from letheon.scenario.writing import time_text
from letheon.units import MS_PER_HOUR, REFERENCE_WEIGHT_KG, plain, shown

MAX_ARMS = 16
MAX_INFUSIONS = 2000
MAX_RATE_MG_H = 1400.0  # 20 mg/kg/h at 70 kg: far above any anaesthetic infusion

_ARM = ("drug", "sessions", "like", "salt", "beside")
_BESIDE = {"clonidine": 1.0, "midazolam": 50.0}  # most that is read [mg]
_SESSION = ("at", "rate", "dose", "max", "for", "repeat")
_ARM_EXAMPLE = "{drug: racemic, sessions: [{at: day 1, rate: 25 mg/h, for: 4 h}]}"
_BESIDE_EXAMPLE = "{clonidine: 0.1 mg, midazolam: 2 mg}"
_SESSION_EXAMPLE = "{at: day 1, rate: 25 mg/h, for: 4 h}"
# keys that other versions may read, with what to write instead
POLICIES = {
    key: f"this version runs fixed timetables and reads no {key}; write the dates out, "
    "e.g. a session with at: day 29 and repeat: {every: 4 weeks, times: 3}."
    for key in ("boosters", "titration", "policy")
}


def read_arms(node: Node, follow_up_ms: int) -> tuple[tuple[Arm, ...], tuple[str, ...]]:
    """Read all arms.

    Parameters
    ----------
    node : Node
        The entry `arms` of the file.
    follow_up_ms : int
        End of the observation [ms]; no session may run beyond it.

    Returns
    -------
    arms : tuple of Arm
        In the order of the file.
    warnings : tuple of str
        Sentences about sessions that overlap.

    Raises
    ------
    InputError
        If an arm is not valid.
    """
    table = table_of(node, "arms: {ketamine: " + _ARM_EXAMPLE + "}")
    if not 1 <= len(table.entries) <= MAX_ARMS:
        table.refuse(f"there are {len(table.entries)} arms; write 1 to {MAX_ARMS}.")
    found: dict[str, Arm | Table] = {}
    for name, child in table.entries.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
            table.refuse(
                f"{shown(name)} cannot name an arm; use a to z, 0 to 9 and _, begin with a letter, "
                "at most 40 characters, e.g. high_dose.",
                table.key_lines[name],
            )
        arm = table_of(child, _ARM_EXAMPLE)
        arm.check_keys(_ARM, POLICIES, _ARM_EXAMPLE)
        drug = _drug(required(arm, "drug", "drug: racemic"))
        found[name] = arm if drug == "placebo" else _active(name, drug, arm, follow_up_ms)
    real = {name: arm for name, arm in found.items() if isinstance(arm, Arm)}
    arms = tuple(arm if isinstance(arm, Arm) else _placebo(name, arm, real) for name, arm in found.items())
    return arms, tuple(filter(None, (_overlap_warning(arm) for arm in real.values())))


def _drug(node: Node) -> str:
    # the usual word means the racemic mixture, and must not be taken for the enantiomer that it resembles
    if re.fullmatch(r"(?i)(racemic )?ketamine|ketalar", text := text_of(node, "drug: racemic")):
        node.refuse(
            f"{shown(text)} does not say which form; write racemic for the usual mixture, "
            "or esketamine or arketamine for one enantiomer."
        )
    return choice(node, DRUGS, "drug: racemic")


def _placebo(name: str, table: Table, real: dict[str, Arm]) -> Arm:
    """Build a placebo arm: the sham sessions of the arm that it is like."""
    example = f"like: {next(iter(real), 'ketamine')}"
    for key in ("sessions", "salt", "beside"):
        if key in table.entries:
            table.entries[key].refuse(
                f"a placebo arm copies the sessions of another arm; write {example} and leave {key} out."
            )
    node = required(table, "like", example)
    like = text_of(node, example)
    if like not in real:
        if not real:
            node.refuse(f"{shown(like)} is no arm that gives a drug; add such an arm, e.g. ketamine: {_ARM_EXAMPLE}.")
        near = difflib.get_close_matches(like, real, n=1, cutoff=0.6)
        node.refuse(
            f"{shown(like)} is no other arm that gives a drug; write like: {near[0] if near else next(iter(real))}."
        )
    return Arm(name, "placebo", real[like].regimen.sham(), like, real[like].beside)


def _active(name: str, drug: str, table: Table, follow_up_ms: int) -> Arm:
    """Build an arm that gives a drug."""
    if "like" in table.entries:
        table.entries["like"].refuse(
            f"only a placebo arm can be like another, and this arm gives {drug}; "
            "write its sessions out, or drug: placebo."
        )
    listing = listing_of(required(table, "sessions", f"sessions: [{_SESSION_EXAMPLE}]"), f"- {_SESSION_EXAMPLE}")
    infusions: list[Infusion] = []
    for item in listing.items:
        session = table_of(item, _SESSION_EXAMPLE)
        infusions.extend(_session(session, follow_up_ms))
        if len(infusions) > MAX_INFUSIONS:
            session.refuse(
                f"with this session the arm has {len(infusions)} infusions; write at most {MAX_INFUSIONS}, "
                "repeats counted, e.g. with longer infusions."
            )
    if (peak := _peak_mg_h(infusions)) > MAX_RATE_MG_H * (1 + 1e-9):  # sums of rates carry rounding
        listing.refuse(
            f"overlapping sessions add up to {plain(round(peak, 3))} mg/h at 70 kg, above the limit of "
            f"{plain(MAX_RATE_MG_H)} mg/h; move them apart or lower their rates."
        )
    factor = _salt_factor(table.entries.get("salt"))
    if factor is not None:
        infusions = [Infusion(i.start_ms, i.duration_ms, i.rate.scaled(factor)) for i in infusions]
    return Arm(name, drug, Regimen.create(drug, infusions), beside=_beside(table.entries.get("beside")))


def _beside(node: Node | None) -> Beside:
    """Read `beside`: other drugs given with every infusion of an arm, each with its dose."""
    if node is None:
        return Beside()
    table = table_of(node, f"beside: {_BESIDE_EXAMPLE}")
    table.check_keys(_BESIDE, {}, _BESIDE_EXAMPLE)
    return Beside(**{f"{name}_mg": _dose_beside(child, name) for name, child in table.entries.items()})


def _dose_beside(node: Node, name: str) -> float:
    example = "0.1 mg" if name == "clonidine" else "2 mg"
    absolute, per_kg = quantity(node, quantities.dose_mg, f"{name}: {example}")
    text = text_of(node, "")
    if per_kg:
        node.refuse(f"{shown(text)} depends on weight, and this dose does not; write e.g. {name}: {example}.")
    if not 0 <= absolute <= _BESIDE[name]:
        node.refuse(f"{shown(text)} is outside 0 to {plain(_BESIDE[name])} mg; write e.g. {name}: {example}.")
    return absolute


def _salt_factor(node: Node | None) -> float | None:
    """Return mass of free base for each unit mass as written, or None for free base."""
    if node is None or choice(node, ("base", "hydrochloride"), "salt: hydrochloride") == "base":
        return None
    from letheon.library import receptor  # the numbers load only when a file asks for one

    return receptor()["salt_hydrochloride"].value


def _session(table: Table, follow_up_ms: int) -> list[Infusion]:
    """Read one entry of `sessions`, with its repeats."""
    table.check_keys(_SESSION, POLICIES, _SESSION_EXAMPLE)
    at = required(table, "at", "at: day 1")
    start = quantity(at, quantities.moment_ms, "at: day 1")
    if start < 0:
        at.refuse(
            f"{shown(text_of(at, ''))} is before the origin; write a time from 0 h on, e.g. at: 0 h or at: day 1."
        )
    length = required(table, "for", "for: 4 h")
    duration = quantity(length, quantities.duration_ms, "for: 4 h")
    if duration <= 0:
        length.refuse(f"{shown(text_of(length, ''))} is no length of time above 0; write e.g. for: 4 h or for: 40 min.")
    rate = _rate(table, duration)
    every, times = _repeat(table.entries.get("repeat"))
    last = start + (times - 1) * every
    _check_end(table, at, start, last, duration, follow_up_ms)
    return [Infusion(start + k * every, duration, rate) for k in range(times)]


def _check_end(table: Table, at: Node, start: int, last: int, duration: int, follow_up_ms: int) -> None:
    end = time_text(follow_up_ms)
    if start >= follow_up_ms:
        at.refuse(
            f"the session begins at {time_text(start)}, not before the follow-up ends at {end}; "
            "begin it earlier, or write a longer follow_up."
        )
    if last + duration > follow_up_ms:
        node = table.entries.get("repeat", table)
        which = "the last repeat" if last > start else "the session"
        node.refuse(
            f"{which} ends at {time_text(last + duration)}, after the follow-up ends at {end}; "
            f"shorten it, or write follow_up: {time_text(last + duration)} or longer."
        )


def _rate(table: Table, duration_ms: int) -> Rate:
    """Read `rate`, or `dose` over the length of the session, and `max`."""
    given = [key for key in ("rate", "dose") if key in table.entries]
    if len(given) == 2:
        table.entries["dose"].refuse("rate and dose both stand here; keep one of them.")
    if not given:
        table.refuse("neither rate nor dose stands here; write e.g. rate: 25 mg/h, or dose: 100 mg.")
    node = table.entries[given[0]]
    hours = duration_ms / MS_PER_HOUR
    if given[0] == "rate":
        absolute, per_kg = quantity(node, quantities.rate_mg_h, "rate: 25 mg/h")
    else:
        absolute, per_kg = (part / hours for part in quantity(node, quantities.dose_mg, "dose: 100 mg"))
    text = text_of(node, "")
    if absolute < 0 or per_kg < 0:
        node.refuse(
            f"{shown(text)} is negative; write a {given[0]} of 0 or more, e.g. {shown(text.lstrip('-'))[1:-1]}."
        )
    at_70_kg = absolute + per_kg * REFERENCE_WEIGHT_KG
    if at_70_kg > MAX_RATE_MG_H:
        node.refuse(
            f"{shown(text)} is {plain(float(f'{at_70_kg:.6g}'))} mg/h at 70 kg, above the limit of "
            f"{plain(MAX_RATE_MG_H)} mg/h (20 mg/kg/h); write a lower {given[0]} or a longer time."
        )
    return Rate(absolute, per_kg, *([_ceiling(table.entries["max"])] if "max" in table.entries else []))


def _ceiling(node: Node) -> float:
    absolute, per_kg = quantity(node, quantities.rate_mg_h, "max: 25 mg/h")
    text = text_of(node, "")
    if per_kg != 0:
        node.refuse(f"{shown(text)} depends on weight, and a ceiling does not; write e.g. max: 25 mg/h.")
    if absolute <= 0:
        node.refuse(f"{shown(text)} leaves nothing to infuse; write a ceiling above 0, e.g. max: 25 mg/h.")
    return absolute


def _repeat(node: Node | None) -> tuple[int, int]:
    """Read `repeat` as an interval [ms] and the number of sessions, the first included."""
    if node is None:
        return 0, 1
    example = "{every: 1 day, times: 10}"
    table = table_of(node, f"repeat: {example}")
    table.check_keys(("every", "times"), {}, example)
    every_node = required(table, "every", f"repeat: {example}")
    every = quantity(every_node, quantities.duration_ms, "every: 1 day")
    if every <= 0:
        every_node.refuse(f"{shown(text_of(every_node, ''))} is no interval above 0; write e.g. every: 1 day.")
    times = whole(required(table, "times", f"repeat: {example}"), 1, MAX_INFUSIONS, 10)
    return every, times


def _peak_mg_h(infusions: list[Infusion]) -> float:
    """Highest total rate at 70 kg [mg/h]."""
    steps: dict[int, float] = {}
    for infusion in infusions:
        rate = infusion.rate.at(REFERENCE_WEIGHT_KG)
        steps[infusion.start_ms] = steps.get(infusion.start_ms, 0.0) + rate
        steps[infusion.stop_ms] = steps.get(infusion.stop_ms, 0.0) - rate
    peak = running = 0.0
    for moment in sorted(steps):
        running += steps[moment]
        peak = max(peak, running)
    return peak


def _overlap_warning(arm: Arm) -> str | None:
    infusions = arm.regimen.infusions
    if any(after.start_ms < before.stop_ms for before, after in pairwise(infusions)):
        return f"arms.{arm.name}: sessions overlap, and their rates add."
    return None
