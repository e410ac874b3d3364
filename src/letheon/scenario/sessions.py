"""Sessions: how long, how fast, how often; in the timetable of an arm or as a booster."""

from collections.abc import Mapping

from letheon.dosing.regimen import LONGEST_PUSH_MS, MS_PER_DAY, SHORTEST_PUSH_MS, Infusion, Rate
from letheon.scenario import quantities
from letheon.scenario.fields import quantity, required, table_of, text_of, whole
from letheon.scenario.tree import Node, Table
from letheon.scenario.writing import time_text
from letheon.units import MS_PER_HOUR, REFERENCE_WEIGHT_KG, plain, shown

MAX_INFUSIONS = 2000
MAX_RATE_MG_H = 1400.0  # 20 mg/kg/h at 70 kg: far above any anaesthetic infusion
MAX_PUSH_MG_KG = 2.0
DEFAULT_PUSH_MS = 60_000
MAX_BOOSTER_DAYS = 28

_SESSION = ("at", "rate", "dose", "max", "for", "push", "over", "repeat")
SESSION_EXAMPLE = "{at: day 1, rate: 25 mg/h, for: 4 h}"
BOOSTER_EXAMPLE = "{rate: 25 mg/h, for: 4 h}"


def read_session(table: Table, follow_up_ms: int, elsewhere: Mapping[str, str]) -> list[Infusion]:
    """Read one entry of `sessions`, with its repeats.

    Parameters
    ----------
    table : Table
        The entry.
    follow_up_ms : int
        End of the observation [ms].
    elsewhere : mapping of str to str
        Keys that belong elsewhere, with what to write instead.

    Returns
    -------
    list of Infusion
        As written; masses of the salt, if a salt is meant.

    Raises
    ------
    InputError
        If the entry is not valid.
    """
    table.check_keys(_SESSION, elsewhere, SESSION_EXAMPLE)
    at = required(table, "at", "at: day 1")
    start = quantity(at, quantities.moment_ms, "at: day 1")
    if start < 0:
        at.refuse(
            f"{shown(text_of(at, ''))} is before the origin; write a time from 0 h on, e.g. at: 0 h or at: day 1."
        )
    duration, rate = _drip(table)
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


def read_booster(table: Table) -> tuple[Infusion, ...]:
    """Read the session of a booster, clocked from its own start.

    Parameters
    ----------
    table : Table
        The entry `session`.

    Returns
    -------
    tuple of Infusion
        With its repeats.

    Raises
    ------
    InputError
        If the entry is not valid.
    """
    at = {"at": "a booster begins at the start of the day that its rule finds; leave at out."}
    table.check_keys(_SESSION[1:], at, BOOSTER_EXAMPLE)
    duration, rate = _drip(table)
    every, times = _repeat(table.entries.get("repeat"))
    if (times - 1) * every + duration > MAX_BOOSTER_DAYS * MS_PER_DAY:
        table.refuse(f"the booster takes over {MAX_BOOSTER_DAYS} days; write a shorter one, e.g. {BOOSTER_EXAMPLE}.")
    return tuple(Infusion(k * every, duration, rate) for k in range(times))


def _drip(table: Table) -> tuple[int, Rate]:
    """Read how long and how fast: `rate` or `dose` with `for`, or `push` with `over`."""
    given = table.entries
    if "push" in given:
        for key in ("rate", "dose", "max", "for"):
            if key in given:
                given[key].refuse(f"{key} stands beside a push; write push and over alone, or leave push out.")
        duration = _length(given["over"], "over: 1 min") if "over" in given else DEFAULT_PUSH_MS
        if duration > LONGEST_PUSH_MS:
            given["over"].refuse(
                f"{shown(text_of(given['over'], ''))} is longer than the 5 min of a push; "
                "write it as an infusion, e.g. dose: 20 mg, for: 10 min."
            )
    elif "over" in given:
        given["over"].refuse("it is the length of a push; write for: 4 h, or push: 0.35 mg/kg beside it.")
    else:
        duration = _length(required(table, "for", "for: 4 h"), "for: 4 h or for: 40 min")
    rate = _rate(table, duration)
    if duration < SHORTEST_PUSH_MS:
        node = given["over" if "push" in given else "for"]
        node.refuse(f"{shown(text_of(node, ''))} is too short; the shortest push takes 10 s, so write 10 s or more.")
    return duration, rate


def _length(node: Node, example: str) -> int:
    duration = quantity(node, quantities.duration_ms, example)
    if duration <= 0:
        node.refuse(f"{shown(text_of(node, ''))} is no length of time above 0; write e.g. {example}.")
    return duration


def _rate(table: Table, duration_ms: int) -> Rate:
    """Read `rate`, or `dose` or `push` over the length of the session, and `max`."""
    given = [key for key in ("rate", "dose", "push") if key in table.entries]
    if len(given) == 2:
        table.entries["dose"].refuse("rate and dose both stand here; keep one of them.")
    if not given:
        table.refuse("neither rate nor dose stands here; write e.g. rate: 25 mg/h, or dose: 100 mg.")
    key, node = given[0], table.entries[given[0]]
    hours = duration_ms / MS_PER_HOUR
    if key == "rate":
        absolute, per_kg = quantity(node, quantities.rate_mg_h, "rate: 25 mg/h")
    else:
        absolute, per_kg = (part / hours for part in quantity(node, quantities.dose_mg, f"{key}: 100 mg"))
    text = text_of(node, "")
    if absolute < 0 or per_kg < 0:
        node.refuse(f"{shown(text)} is negative; write a {key} of 0 or more, e.g. {shown(text.lstrip('-'))[1:-1]}.")
    at_70_kg = absolute + per_kg * REFERENCE_WEIGHT_KG
    if duration_ms <= LONGEST_PUSH_MS:
        dose = at_70_kg * hours
        if dose > MAX_PUSH_MG_KG * REFERENCE_WEIGHT_KG * (1 + 1e-9):
            node.refuse(
                f"{shown(text)} is a push of {plain(float(f'{dose:.6g}'))} mg at 70 kg, above the limit of "
                f"{plain(MAX_PUSH_MG_KG)} mg/kg; write a lower {key}, or an infusion of more than 5 min."
            )
    elif at_70_kg > MAX_RATE_MG_H:
        node.refuse(
            f"{shown(text)} is {plain(float(f'{at_70_kg:.6g}'))} mg/h at 70 kg, above the limit of "
            f"{plain(MAX_RATE_MG_H)} mg/h (20 mg/kg/h); write a lower {key} or a longer time."
        )
    if "max" not in table.entries:
        return Rate(absolute, per_kg)
    if duration_ms <= LONGEST_PUSH_MS:
        table.entries["max"].refuse("it limits the rate of an infusion, and this is a push; leave max out.")
    return Rate(absolute, per_kg, _ceiling(table.entries["max"]))


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
