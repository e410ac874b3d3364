"""Sessions: when drug runs or is pushed, how fast, and how often again."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from letheon.dosing.regimen import LONGEST_PUSH_MS, MS_PER_DAY, SHORTEST_PUSH_MS, Infusion, Rate, Regimen
from letheon.scenario import quantities
from letheon.scenario.classes import split_by_class
from letheon.scenario.faults import attempt
from letheon.scenario.fields import Fields
from letheon.scenario.grammar import ARM, BOOSTER_SESSION, BOOSTERS, MAX_INFUSIONS, RUNG_SESSION, SESSION, WEEKDAYS
from letheon.scenario.kinds import MAX_RATE_MG_H, listing_of, one_given, table_of, text_of
from letheon.scenario.quantities import time_text
from letheon.scenario.yaml_tree import Listing, Table
from letheon.units import MS_PER_HOUR, REFERENCE_WEIGHT_KG, plain, shown

__all__ = [
    "BY_CLASS",
    "Values",
    "of_each_class",
    "peak_mg_h",
    "read_booster_session",
    "read_rung_sessions",
    "read_sessions",
    "scaled",
]

MAX_PUSH_MG_KG = 2.0
MAX_BOOSTER_DAYS = 28
DEFAULT_PUSH_MS = 60_000
BY_CLASS = ("rate", "dose", "push", "max", "min", "step")  # keys that may hold a value for each class
ROUNDING = 1 + 1e-9  # sums of rates carry rounding
Values = dict[str, Any]  # what the grammar read, by key


def scaled(infusions: list[Infusion], salt: float) -> tuple[Infusion, ...]:
    """Return infusions in free base; `salt` is the mass of base in each unit mass as written."""
    return tuple(
        infusions if salt == 1.0 else (Infusion(i.start_ms, i.duration_ms, i.rate.scaled(salt)) for i in infusions)
    )


def read_sessions(arm: Table, follow_up_ms: int, weekday: int) -> list[Infusion]:
    """Read all sessions of an arm, in masses as written."""
    listing = listing_of(ARM.required(arm, "sessions"), f"- {SESSION.example}")
    return _all_of(listing, SESSION, lambda table: _session(table, follow_up_ms, weekday))


def _all_of(listing: Listing, fields: Fields, read: Callable[[Table], list[Infusion]]) -> list[Infusion]:
    """Read the sessions of a list, which may overlap up to the highest rate."""
    infusions: list[Infusion] = []
    for item in listing.items:
        infusions = attempt(_with_session, infusions, table_of(item, fields.example), read)
    if (peak := max(peak_mg_h(one) for one in of_each_class(infusions))) > MAX_RATE_MG_H * ROUNDING:
        listing.refuse(
            f"overlapping sessions add up to {plain(round(peak, 3))} mg/h at 70 kg, above the limit of "
            f"{plain(MAX_RATE_MG_H)} mg/h; move them apart or lower their rates."
        )
    return infusions


def _with_session(infusions: list[Infusion], session: Table, read: Callable[[Table], list[Infusion]]) -> list[Infusion]:
    infusions.extend(read(session))
    if len(infusions) > MAX_INFUSIONS:
        session.refuse(
            f"with this session the arm has {len(infusions)} infusions; write at most {MAX_INFUSIONS}, "
            "repeats counted, e.g. with longer infusions."
        )
    return infusions


def _session(table: Table, follow_up_ms: int, weekday: int) -> list[Infusion]:
    """Read one entry of `sessions`, with its repeats, in masses as written."""
    values = SESSION.read(table)
    infusions = attempt(_by_class, table, SESSION, values, weekday)
    start = attempt(_start, table, values["at"], follow_up_ms)
    last, end = infusions[-1].start_ms, time_text(follow_up_ms)
    if (stop := infusions[-1].stop_ms) > follow_up_ms:
        which = "the last repeat" if last > start else "the session"
        table.entries.get("repeat", table).refuse(
            f"{which} ends at {time_text(stop)}, after the follow-up ends at {end}; "
            f"shorten it, or write follow_up: {time_text(stop)} or longer."
        )
    return infusions


def _start(table: Table, start: int, follow_up_ms: int) -> int:
    if start >= follow_up_ms:
        table.entries["at"].refuse(
            f"the session begins at {time_text(start)}, but the follow-up ends at {time_text(follow_up_ms)}; "
            "begin it earlier, or write a longer follow_up."
        )
    return start


def read_booster_session(boosters: Table, values: Values, salt: float, follow_up_ms: int) -> tuple[Infusion, ...]:
    """Return the session of a booster, clocked from its own start, in free base."""
    table = table_of(BOOSTERS.required(boosters, "session"), "")
    infusions = _by_class(table, BOOSTER_SESSION, values["session"])
    _check_length(table, infusions, follow_up_ms)
    return scaled(infusions, salt)


def read_rung_sessions(rung: Table, salt: float, follow_up_ms: int) -> tuple[Infusion, ...]:
    """Return the sessions of a booster of one rung, clocked from its own start, in free base."""
    listing = listing_of(rung.entries["sessions"], f"- {RUNG_SESSION.example}")
    infusions = _all_of(listing, RUNG_SESSION, lambda table: _by_class(table, RUNG_SESSION, RUNG_SESSION.read(table)))
    _check_length(rung, infusions, follow_up_ms)
    return Regimen.create("racemic", scaled(infusions, salt)).infusions


def _check_length(table: Table, infusions: list[Infusion], follow_up_ms: int) -> None:
    """Refuse a booster that takes too long."""
    stop = max(infusion.stop_ms for infusion in infusions)
    if stop > MAX_BOOSTER_DAYS * MS_PER_DAY:
        table.refuse(
            f"the booster takes over {MAX_BOOSTER_DAYS} days; write a shorter one, e.g. {BOOSTER_SESSION.example}."
        )
    if stop > follow_up_ms:
        table.refuse("a booster is longer than the follow-up; write a shorter one, or a longer follow_up.")


def _by_class(table: Table, fields: Fields, values: Values, weekday: int | None = None) -> list[Infusion]:
    """Return the infusions of a session and its repeats, which classes share but for their rates."""
    split = split_by_class(table, BY_CLASS)
    if split is None:
        return _repeated(table, values, weekday)
    each = [attempt(_of_a_class, one, fields, weekday) for one in split.tables]
    return [
        replace(same[0], rate=Rate.by_class(split.unit, split.limits, [one.rate for one in same]))
        for same in zip(*each, strict=True)
    ]


def _of_a_class(table: Table, fields: Fields, weekday: int | None) -> list[Infusion]:
    return _repeated(table, fields.read(table), weekday)


def of_each_class(infusions: Iterable[Infusion], of: str = "", trait: float = 0.0) -> Iterator[list[Infusion]]:
    """Yield what somebody of each class is given; only of the classes at a weight or an age where one is named."""
    regimen = Regimen.create("racemic", infusions)
    weights, ages = ([trait] if unit == of else [0.0, *regimen.limits(unit)] for unit in ("kg", "year"))
    yield from (list(regimen.of(*who).infusions) for who in itertools.product(weights, ages))


def peak_mg_h(infusions: Iterable[Infusion]) -> float:
    """Return the highest total rate at 70 kg [mg/h], pushes apart."""
    run = Regimen.create("racemic", (one for one in infusions if not one.is_push))
    return max(run.schedule().rates(REFERENCE_WEIGHT_KG), default=0.0)


def _repeated(table: Table, values: Values, weekday: int | None = None) -> list[Infusion]:
    """Return the infusions of a session and its repeats; `weekday` of day 1 is None where nobody knows it."""
    pieces = attempt(_pieces, table, values)
    starts = attempt(_starts, table, values, weekday)
    return [Infusion(start + offset, duration, rate) for start in starts for offset, duration, rate in pieces]


def _pieces(table: Table, values: Values) -> list[tuple[int, int, Rate]]:
    """Return start, length and rate of each part of a session."""
    return _ramp(table, values) if "ramp" in values else [(0, *_length_and_rate(table, values))]


def _starts(table: Table, values: Values, weekday: int | None) -> list[int]:
    start, repeat = values.get("at", 0), values.get("repeat")
    if repeat is None:
        return [start]
    node = table_of(table.entries["repeat"], "")
    one_given(node, ("every", "on"), "every: 1 day, or on: [Mon, Tue, Wed, Thu, Fri]")
    if "every" in repeat:
        return [start + k * repeat["every"] for k in range(repeat["times"])]
    if weekday is None:
        node.entries["on"].refuse("a booster may begin on any weekday; write every: 1 day in place of on.")
    day, hour = divmod(start, MS_PER_DAY)
    listed = {WEEKDAYS.index(name) for name in repeat["on"]}
    later = (d for d in itertools.count(day) if (d + weekday) % len(WEEKDAYS) in listed)
    return [d * MS_PER_DAY + hour for d in itertools.islice(later, repeat["times"])]


def _ramp(table: Table, values: Values) -> list[tuple[int, int, Rate]]:
    """Return start, length and rate of each step of a ramp, computed in the numbers as they are written."""
    node, ramp = table_of(table.entries["ramp"], ""), values["ramp"]
    for key in ("rate", "dose", "push", "over"):
        if key in table.entries:
            attempt(table.entries[key].refuse, f"{key} cannot be combined with ramp; keep one of them.")
    BOOSTER_SESSION.required(table, "for")
    units = {key: ramp[key].form[1] for key in ("from", "to", "step")}
    if len(set(units.values())) > 1:
        node.refuse(f"from, to and step have different units ({', '.join(units.values())}); write all in one unit.")
    first, last, size = (Decimal(repr(ramp[key].form[0])) for key in units)
    count, rest = divmod(abs(last - first), size)
    if rest:
        node.refuse(
            f"from {plain(float(first))} to {plain(float(last))} {units['from']} is not a whole number of steps of "
            f"{plain(float(size))}; write another step."
        )
    every, length = ramp["every"], values["for"]
    if count >= MAX_INFUSIONS or int(count) * every >= length:
        node.refuse(
            f"the ramp reaches its last rate after {time_text(int(count) * every)}, but the session ends after "
            f"{time_text(length)}; write a longer for, a larger step, or a shorter every."
        )
    sign = 1 if last >= first else -1
    steps: list[tuple[int, int, Rate]] = []
    for k in range(int(count) + 1):
        text = f"{first + sign * k * size} {units['from']}"
        duration = every if k < count else length - k * every
        steps.append((k * every, duration, _limited(Rate(*quantities.rate_mg_h(text)), values)))
    return steps


def _length_and_rate(table: Table, values: Values) -> tuple[int, Rate]:
    """Return how long and how fast: `rate` or `dose` with `for`, or `push` with `over`."""
    duration = attempt(_length, table, values)
    rate = attempt(_rate, table, values, duration)
    if duration < SHORTEST_PUSH_MS:
        node = table.entries["over" if "push" in values else "for"]
        node.refuse(f"{shown(text_of(node, ''))} is too short; the shortest push takes 10 s, so write 10 s or more.")
    return duration, rate


def _length(table: Table, values: Values) -> int:
    """Return the length of a session or a push [ms]."""
    nodes = table.entries
    if "push" in values:
        for key in ("rate", "dose", "max", "for"):
            if key in nodes:
                alone = f"{key} cannot be combined with push; write push and over alone, or leave push out."
                attempt(nodes[key].refuse, alone)
        duration = values.get("over", DEFAULT_PUSH_MS)
        if duration > LONGEST_PUSH_MS:
            nodes["over"].refuse(
                f"{shown(text_of(nodes['over'], ''))} is longer than the 5 min of a push; "
                "write it as an infusion, e.g. dose: 20 mg, for: 10 min."
            )
    elif "over" in nodes:
        nodes["over"].refuse(
            "over is the length of a push, and none is written; write for: 4 h instead, or add push: 0.35 mg/kg."
        )
    else:
        BOOSTER_SESSION.required(table, "for")
        duration = values["for"]
    return duration


def _rate(table: Table, values: Values, duration_ms: int) -> Rate:
    """Return the rate of `rate`, or of `dose` or `push` over the length of the session, under `max`."""
    if "rate" in values and "dose" in values:
        table.entries["dose"].refuse("both rate and dose are given; keep one of them.")
    key = next((key for key in ("rate", "dose", "push") if key in values), None)
    if key is None:
        table.refuse("neither rate nor dose is given; write e.g. rate: 25 mg/h, or dose: 100 mg.")
    node, hours, is_push = table.entries[key], duration_ms / MS_PER_HOUR, duration_ms <= LONGEST_PUSH_MS
    if key == "rate":
        absolute, per_kg = values[key].absolute_mg_h, values[key].per_kg_mg_h
    else:
        absolute, per_kg = (part / hours for part in values[key])
    text = text_of(node, "")
    if absolute < 0 or per_kg < 0:
        node.refuse(f"{shown(text)} is negative; write a {key} of 0 or more, e.g. {shown(text.lstrip('-'))[1:-1]}.")
    at_70_kg = absolute + per_kg * REFERENCE_WEIGHT_KG
    if is_push and at_70_kg * hours > MAX_PUSH_MG_KG * REFERENCE_WEIGHT_KG * ROUNDING:
        node.refuse(
            f"{shown(text)} is a push of {plain(float(f'{at_70_kg * hours:.6g}'))} mg at 70 kg, above the limit of "
            f"{plain(MAX_PUSH_MG_KG)} mg/kg; write a lower {key}, or an infusion of more than 5 min."
        )
    if not is_push and at_70_kg > MAX_RATE_MG_H:
        node.refuse(
            f"{shown(text)} is {plain(float(f'{at_70_kg:.6g}'))} mg/h at 70 kg, above the limit of "
            f"{plain(MAX_RATE_MG_H)} mg/h (20 mg/kg/h); write a lower {key} or a longer time."
        )
    if is_push and "max" in values:
        table.entries["max"].refuse("max limits the rate of an infusion, and this is a push; leave max out.")
    return _limited(Rate(absolute, per_kg), values)


def _limited(rate: Rate, values: Values) -> Rate:
    """Return a rate under the ceiling of its session, if there is one."""
    return Rate(rate.absolute_mg_h, rate.per_kg_mg_h, values["max"]) if "max" in values else rate
