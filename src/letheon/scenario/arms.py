"""Arms: what is infused, when, by which rules it goes on, and what a placebo copies."""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any, cast

from letheon.dosing.other_drugs import OtherDrug
from letheon.dosing.policy import (
    DEFAULT_APART_DAYS,
    DEFAULT_WAIT_DAYS,
    Boosters,
    DoseLimits,
    Policy,
    Stops,
    Titration,
    Wean,
)
from letheon.dosing.regimen import LONGEST_PUSH_MS, MS_PER_DAY, SHORTEST_PUSH_MS, Infusion, Rate, Regimen
from letheon.dosing.titration import titrated_spans
from letheon.dosing.weaning import end_of_sessions
from letheon.errors import near_word
from letheon.scenario import quantities
from letheon.scenario.classes import classes_of, is_by_class, split_by_class
from letheon.scenario.faults import LOST, attempt, collecting
from letheon.scenario.grammar import (
    ARM,
    ARM_NAME,
    BOOSTER_SESSION,
    BOOSTERS,
    MAX_ARMS,
    MAX_INFUSIONS,
    SESSION,
    TITRATION,
    WEEKDAYS,
    Fields,
)
from letheon.scenario.kinds import MAX_RATE_MG_H, OF_BASE, listing_of, table_of, text_of
from letheon.scenario.model import Arm, BagStrength, Beside
from letheon.scenario.other_drugs import computed_beside, read_other_drugs
from letheon.scenario.quantities import time_text
from letheon.scenario.yaml_tree import Listing, Node, Table, Value
from letheon.units import MS_PER_HOUR, REFERENCE_WEIGHT_KG, plain, shown

MAX_PUSH_MG_KG = 2.0
MAX_BOOSTER_DAYS = 28
DEFAULT_PUSH_MS = 60_000
DEFAULT_AT_MOST = 6
_MASSES = ("rate", "dose", "push", "max", "min", "step", "from", "to")  # keys that may hold a volume of the bag
_BY_CLASS = ("rate", "dose", "push", "max", "min", "step")  # keys that may hold a value for each class
_ROUNDING = 1 + 1e-9  # sums of rates carry rounding
Values = dict[str, Any]  # what the grammar read, by key


def read_arms(table: Table, follow_up_ms: int, weekday: int = 0) -> tuple[tuple[Arm, ...], tuple[str, ...]]:
    """Read all arms, in the order of the file, and the warnings about them; `weekday` of day 1 counts from Monday."""
    if not 1 <= len(table.entries) <= MAX_ARMS:
        attempt(table.refuse, f"there are {len(table.entries)} arms; write 1 to {MAX_ARMS}.")
    arms = {name: attempt(_arm, name, table, follow_up_ms, weekday) for name in table.entries}
    real = {name: arm for name, arm in arms.items() if not isinstance(arm, Table)}
    both = (attempt(_placebo, name, arm, real) if isinstance(arm, Table) else arm for name, arm in arms.items())
    return tuple(arm for arm in both if arm is not LOST), attempt(_warnings, real)


def _arm(name: str, arms: Table, follow_up_ms: int, weekday: int) -> Arm | Table:
    """Read one arm; that of a placebo stays as it is written."""
    if not re.fullmatch(ARM_NAME, name):
        sentence = (
            f"{shown(name)} cannot name an arm; use a to z, 0 to 9 and _, begin with a letter, "
            "at most 40 characters, e.g. high_dose."
        )
        attempt(arms.refuse, sentence, arms.key_lines[name])
    if collecting():  # a slip in `like` or `drug` is known before the arm is laid over another one
        ARM.check(table_of(arms.entries[name], ARM.example))
    entry = _with_base(name, arms)
    ARM.check(entry)
    if "bag" in entry.entries:
        entry = _in_masses(entry, attempt(ARM["bag"].read, entry.entries["bag"]))
    drug = attempt(_drug, entry)
    return entry if drug is not LOST and drug == "placebo" else _active(name, drug, entry, follow_up_ms, weekday)


def _drug(entry: Table) -> str:
    return ARM["drug"].read(ARM.required(entry, "drug"))


def _warnings(arms: dict[str, Arm]) -> tuple[str, ...]:
    warnings = (warn(arm) for arm in arms.values() for warn in (_overlap_warning, _nothing_warning, _beside_warning))
    return tuple(filter(None, warnings))


def _with_base(name: str, arms: Table, above: tuple[str, ...] = ()) -> Table:
    """Return an arm laid over the arm that it is like, if it is no placebo."""
    entry = table_of(arms.entries[name], ARM.example)
    drug = entry.entries.get("drug")
    if "like" not in entry.entries or (isinstance(drug, Value) and drug.text.strip() == "placebo"):
        return entry
    own = replace(entry, entries={key: one for key, one in entry.entries.items() if key != "like"})
    base = attempt(_base, name, entry.entries["like"], arms, above)
    if base is LOST:
        ARM.glance(own)
    elif collecting():  # what the other arm lacks is refused there
        base = replace(base, entries=dict.fromkeys(("drug", "sessions"), LOST) | base.entries)
    return _laid_over(base, own)


def _base(name: str, node: Node, arms: Table, above: tuple[str, ...]) -> Table:
    """Return the arm that another one is like."""
    like = text_of(node, "like: ketamine")
    if like in (chain := (name, *above)):
        circle = chain[: chain.index(like) + 1]
        if collecting() and chain[-1] != next(one for one in arms.entries if one in circle):
            return LOST  # refused at the first of the circle
        node.refuse("arms start from each other in a circle; write one of them out.")
    if like not in arms.entries:
        near = near_word(like, arms.entries)
        node.refuse(
            f"{shown(like)} is not an arm of this file; write {f'like: {near}' if near else 'the name of one'}."
        )
    base = _with_base(like, arms, (name, *above))
    if "like" in base.entries:
        node.refuse(f"{shown(like)} is a placebo arm; start from an arm that gives a drug, or write drug: placebo too.")
    return base


def _laid_over(base: Table, own: Table) -> Table:
    """Return a map with changes: maps key by key, anything else replaced, and ``none`` removes a key."""
    entries = dict(base.entries)
    for key, node in own.entries.items():
        before = entries.get(key)
        if isinstance(node, Value) and node.text.strip() == "none":
            if before is None:
                node.refuse(f"there is no {key} to remove in the arm that this one is like; leave it out.")
            del entries[key]
        elif isinstance(before, Table) and isinstance(node, Table) and not is_by_class(node):
            entries[key] = _laid_over(before, node)
        else:
            entries[key] = node
    return replace(own, entries=entries, key_lines=base.key_lines | own.key_lines)


def _in_masses(table: Table, bag: BagStrength, by_class: bool = False) -> Table:
    """Return a map in which volumes of the bag stand as masses of its drug; those of each class where it holds them."""
    entries: dict[str, Node] = {}
    for key, node in table.entries.items():
        if key == "also":  # the bag holds none of it
            pass
        elif isinstance(node, Table):
            node = _in_masses(node, bag, key in _MASSES)
        elif isinstance(node, Listing):
            items = (_in_masses(one, bag) if isinstance(one, Table) else one for one in node.items)
            node = replace(node, items=tuple(items))
        elif isinstance(node, Value) and (by_class or key in _MASSES):
            node = attempt(_in_mass, node, bag)
        entries[key] = node
    return replace(table, entries=entries)


def _in_mass(node: Value, bag: BagStrength) -> Value:
    if quantities.in_mass(node.text, 1.0, 0.0) is None:
        return node
    mass = quantities.in_mass(node.text, bag.mg_per_ml, bag.mg_kg_per_ml)
    return node if mass is None else replace(node, text=mass)


def _placebo(name: str, table: Table, real: dict[str, Arm]) -> Arm:
    """Build a placebo arm: the sham sessions of the arm that it is like."""
    example = f"like: {next(iter(real), 'ketamine')}"
    for key in (key.name for key in ARM.keys if key.name not in {"drug", "like"}):
        if key in table.entries:
            copies = f"a placebo arm copies the sessions of another arm; write {example} and leave {key} out."
            attempt(table.entries[key].refuse, copies)
    if "like" not in table.entries:
        table.refuse(f'the key "like" is missing; write e.g. {example}.')
    node = table.entries["like"]
    like = text_of(node, example)
    if like not in real:
        if not real:
            node.refuse(
                f"{shown(like)} is not an arm that gives a drug; add such an arm, e.g. ketamine: {ARM.example}."
            )
        near = near_word(like, real) or next(iter(real))
        node.refuse(f"{shown(like)} is not another arm that gives a drug; write like: {near}.")
    copied = real[like]
    return Arm(name, "placebo", copied.regimen.sham(), like, copied.beside, copied.policy, copied.bag, copied.also)


def _infusions(table: Table, follow_up_ms: int, weekday: int) -> list[Infusion]:
    """Read all sessions of an arm, in masses as written."""
    listing = listing_of(ARM.required(table, "sessions"), f"- {SESSION.example}")
    infusions: list[Infusion] = []
    for item in listing.items:
        infusions = attempt(_with_session, infusions, item, follow_up_ms, weekday)
    if (peak := max(_peak_mg_h(one) for one in _of_each_class(infusions))) > MAX_RATE_MG_H * _ROUNDING:
        listing.refuse(
            f"overlapping sessions add up to {plain(round(peak, 3))} mg/h at 70 kg, above the limit of "
            f"{plain(MAX_RATE_MG_H)} mg/h; move them apart or lower their rates."
        )
    return infusions


def _with_session(infusions: list[Infusion], item: Node, follow_up_ms: int, weekday: int) -> list[Infusion]:
    session = table_of(item, SESSION.example)
    more = _session(session, follow_up_ms, weekday)
    infusions.extend(more)
    if len(infusions) > MAX_INFUSIONS:
        session.refuse(
            f"with this session the arm has {len(infusions)} infusions; write at most {MAX_INFUSIONS}, "
            "repeats counted, e.g. with longer infusions."
        )
    return infusions


def _active(name: str, drug: str, table: Table, follow_up_ms: int, weekday: int) -> Arm:
    """Build an arm that gives a drug."""
    infusions = attempt(_infusions, table, follow_up_ms, weekday)
    values = ARM.read(table, without=("sessions",))
    salt = attempt(_salt, values)
    regimen = attempt(_regimen, drug, infusions, salt)
    policy = attempt(_policy, table, values, regimen, salt, follow_up_ms)
    beside = attempt(_beside, values)
    bag = attempt(_bag, values, salt)
    also = attempt(_also, values, follow_up_ms)
    return Arm(name, drug, regimen, beside=beside, policy=policy, bag=bag, also=also)


def _salt(values: Values) -> float:
    """Return the mass of free base in each unit mass as written."""
    if values.get("salt") != "hydrochloride":
        return 1.0
    from letheon.library import receptor  # the numbers load only when a file asks for one

    return receptor()["salt_hydrochloride"].value


def _regimen(drug: str, infusions: list[Infusion], salt: float) -> Regimen:
    return Regimen.create(drug, _scaled(infusions, salt))


def _beside(values: Values) -> Beside:
    return Beside(**{f"{drug}_mg": dose for drug, dose in values.get("beside", {}).items()})


def _also(values: Values, follow_up_ms: int) -> tuple[OtherDrug, ...]:
    return read_other_drugs(values["also"], values.get("beside", {}), follow_up_ms) if "also" in values else ()


def _bag(values: Values, salt: float) -> BagStrength | None:
    bag = values.get("bag")
    return bag and BagStrength(bag.mg_per_ml * salt, bag.mg_kg_per_ml * salt, bag.ml)


def _scaled(infusions: list[Infusion], salt: float) -> tuple[Infusion, ...]:
    """Return infusions in free base; `salt` is the mass of base in each unit mass as written."""
    return tuple(
        infusions if salt == 1.0 else (Infusion(i.start_ms, i.duration_ms, i.rate.scaled(salt)) for i in infusions)
    )


def _peak_mg_h(infusions: list[Infusion]) -> float:
    """Highest total rate at 70 kg [mg/h], pushes apart."""
    steps: dict[int, float] = {}
    for infusion in infusions:
        if infusion.is_push:
            continue
        rate = infusion.rate.at(REFERENCE_WEIGHT_KG)
        steps[infusion.start_ms] = steps.get(infusion.start_ms, 0.0) + rate
        steps[infusion.stop_ms] = steps.get(infusion.stop_ms, 0.0) - rate
    peak = running = 0.0
    for moment in sorted(steps):
        running += steps[moment]
        peak = max(peak, running)
    return peak


def _nothing_warning(arm: Arm) -> str | None:
    """Warn of sessions at a rate of 0 that titration cannot raise."""
    empty = sum(infusion.rate.is_zero for infusion in arm.regimen.infusions)
    if not empty or arm.policy.titration is not None:
        return None
    count = len(arm.regimen.infusions)
    which = "every session has" if empty == count else f"{empty} of {count} sessions have"
    return f"arms.{arm.name}: {which} a rate of 0, and no drug is given then; write drug: placebo for a comparator."


def _beside_warning(arm: Arm) -> str | None:
    """Warn of drugs in `also` whose effect would be computed in `beside`."""
    if not (names := " and ".join(computed_beside(arm.also))):
        return None
    return f"arms.{arm.name}: no effect of {names} is computed in also; beside computes one."


def _overlap_warning(arm: Arm) -> str | None:
    infusions = [infusion for infusion in arm.regimen.infusions if not infusion.is_push]
    if any(after.start_ms < before.stop_ms for before, after in pairwise(infusions)):
        return f"arms.{arm.name}: sessions overlap, and their rates add."
    return None


# --- sessions ---


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


def _booster_session(boosters: Table, values: Values, salt: float, follow_up_ms: int) -> tuple[Infusion, ...]:
    """Return the session of a booster, clocked from its own start, in free base."""
    table = table_of(cast(Node, boosters.entries.get("session", LOST)), "")
    infusions = _by_class(table, BOOSTER_SESSION, values["session"])
    stop = infusions[-1].stop_ms
    if stop > MAX_BOOSTER_DAYS * MS_PER_DAY:
        table.refuse(
            f"the booster takes over {MAX_BOOSTER_DAYS} days; write a shorter one, e.g. {BOOSTER_SESSION.example}."
        )
    if stop > follow_up_ms:
        table.refuse("a booster is longer than the follow-up; write a shorter one, or a longer follow_up.")
    return _scaled(infusions, salt)


def _by_class(table: Table, fields: Fields, values: Values, weekday: int | None = None) -> list[Infusion]:
    """Return the infusions of a session and its repeats, which classes share but for their rates."""
    split = split_by_class(table, _BY_CLASS)
    if split is None:
        return _repeated(table, values, weekday)
    each = [attempt(_of_a_class, one, fields, weekday) for one in split.tables]
    return [
        replace(same[0], rate=Rate.by_class(split.unit, split.limits, [one.rate for one in same]))
        for same in zip(*each, strict=True)
    ]


def _of_a_class(table: Table, fields: Fields, weekday: int | None) -> list[Infusion]:
    return _repeated(table, fields.read(table), weekday)


def _of_each_class(infusions: Iterable[Infusion], of: str = "", trait: float = 0.0) -> Iterator[list[Infusion]]:
    """Yield what somebody of each class is given; only of the classes at a weight or an age where one is named."""
    regimen = Regimen.create("racemic", infusions)
    weights, ages = ([trait] if unit == of else [0.0, *regimen.limits(unit)] for unit in ("kg", "year"))
    yield from (list(regimen.of(*who).infusions) for who in itertools.product(weights, ages))


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
    if ("on" in repeat) == ("every" in repeat):
        both = "both every and on are given; keep one" if "on" in repeat else "neither every nor on is given; write one"
        node.refuse(f"{both}: every: 1 day, or on: [Mon, Tue, Wed, Thu, Fri].")
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
            f"{size} {units['from']} does not go into the way from {first} to {last} a whole number of times; "
            "write another step."
        )
    every, length = ramp["every"], values["for"]
    if count >= MAX_INFUSIONS or int(count) * every >= length:
        node.refuse(
            f"the ramp takes {time_text(int(count) * every)} to reach to, and the session ends after "
            f"{time_text(length)}; write a longer for, a longer step, or a shorter every."
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
        nodes["over"].refuse("it is the length of a push; write for: 4 h instead, or add push: 0.35 mg/kg.")
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
    if is_push and at_70_kg * hours > MAX_PUSH_MG_KG * REFERENCE_WEIGHT_KG * _ROUNDING:
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
        table.entries["max"].refuse("it limits the rate of an infusion, and this is a push; leave max out.")
    return _limited(Rate(absolute, per_kg), values)


def _limited(rate: Rate, values: Values) -> Rate:
    """Return a rate under the ceiling of its session, if there is one."""
    return Rate(rate.absolute_mg_h, rate.per_kg_mg_h, values["max"]) if "max" in values else rate


# --- rules ---


def _policy(table: Table, values: Values, regimen: Regimen, salt: float, follow_up_ms: int) -> Policy:
    """Return the rules of an arm: boosters, titration, and what ends them."""
    boosters = titration = None
    if "boosters" in values:
        boosters = attempt(_boosters, table.entries["boosters"], values["boosters"], salt, follow_up_ms)
    if "titration" in values:
        attempt(_refuse_titrated_ramps, table)
        titration = attempt(_titration, table.entries["titration"], values["titration"], regimen, salt)
    if "stop" in values and boosters is None:
        none = f"it ends boosters, and this arm has none; write boosters: {BOOSTERS.example} too, or leave stop out."
        attempt(table.entries["stop"].refuse, none)
    wean = limits = None
    if "wean" in values:
        wean = attempt(_wean, table.entries["wean"], values["wean"], regimen, follow_up_ms)
    if "limits" in values:
        limits = attempt(_limits, table.entries["limits"], values["limits"], salt)
        attempt(_refuse_joined_pushes, table.entries["limits"], regimen, boosters)
    stop = values.get("stop", {})
    written = None
    if "dose" in stop:
        dose = quantities.parse(text_of(table_of(table.entries["stop"], "").entries["dose"], ""))
        written = _as_base(dose.value, dose.unit, salt)
    return Policy(
        boosters,
        titration,
        Stops(
            stop.get("no_response", 0), stop.get("harm", ""), dose_mg=stop.get("dose", 0.0) * salt, dose_written=written
        ),
        wean,
        limits,
    )


def _as_base(value: float, unit: str, salt: float) -> tuple[float, str]:
    """Return number and unit as written, turned into free base."""
    return value * salt, unit if salt == 1.0 else unit + OF_BASE


def _boosters(node: Node, values: Values, salt: float, follow_up_ms: int) -> Boosters:
    table = table_of(node, "")
    gaps, apart = attempt(_gaps, table, values), attempt(_apart, table, values)
    session = attempt(_booster_session, table, values, salt, follow_up_ms)
    return Boosters(
        session=session,
        gaps_days=gaps,
        wait_days=values.get("wait", DEFAULT_WAIT_DAYS),
        apart_days=apart,
        at_most=values.get("at_most", 0 if gaps else DEFAULT_AT_MOST),
        times=values.get("times", 0),
    )


def _gaps(table: Table, values: Values) -> tuple[int, ...]:
    """Return the days from one booster to the next; none where they go by relapse."""
    if ("on" in values) == ("every" in values):
        both = "both on and every are given; keep one" if "on" in values else "neither on nor every is given; write one"
        table.refuse(f"{both}: on: relapse for boosters when pain returns, or every: 6 weeks for a calendar.")
    gaps: tuple[int, ...] = values.get("every", ())
    if gaps and "wait" in values:
        table.entries["wait"].refuse(
            "it is the time from a relapse to the appointment; leave it out if every is given."
        )
    return gaps


def _apart(table: Table, values: Values) -> int:
    """Return the least days between a booster and another session."""
    gaps, apart = values.get("every", ()), values.get("apart", DEFAULT_APART_DAYS)
    if gaps and min(gaps) < apart:
        if "apart" in values:
            table.entries["every"].refuse(f"an interval is shorter than apart ({apart} days); write a longer one.")
        apart = min(gaps)
    return apart


def _wean(node: Node, values: Values, regimen: Regimen, follow_up_ms: int) -> Wean:
    table, over, steps = table_of(node, ""), values["over"], values["steps"]
    attempt(_check_wean_steps, table, over, steps)
    attempt(_check_wean_place, table, over, regimen, follow_up_ms)
    return Wean(over, steps)


def _check_wean_steps(table: Table, over: int, steps: int) -> None:
    length, rest = divmod(over, steps)
    if rest or length % 60_000 or length <= LONGEST_PUSH_MS:
        longer = steps * max(6, -(-over // steps // 60_000)) * 60_000
        table.refuse(
            f"{time_text(over)} in {steps} steps do not make steps of whole minutes and more than 5 min; write e.g. "
            f"over: {time_text(longer)}, or other steps."
        )


def _check_wean_place(table: Table, over: int, regimen: Regimen, follow_up_ms: int) -> None:
    end, rates = end_of_sessions(regimen)
    if not rates:
        table.refuse("there is no rate to wean from, since no session infuses drug; leave wean out.")
    ends = {end_of_sessions(Regimen.create("racemic", one))[0] for one in _of_each_class(regimen.infusions)}
    if len(ends) > 1:
        table.refuse(
            "the last session gives nothing in some classes, which would be weaned earlier than the others; write arms "
            "of their own for them."
        )
    if end + over > follow_up_ms:
        table.refuse(
            f"the weaning ends at {time_text(end + over)}, after the follow-up ends at {time_text(follow_up_ms)}; "
            f"shorten it, or write follow_up: {time_text(end + over)} or longer."
        )


def _limits(node: Node, values: Values, salt: float) -> DoseLimits:
    """Return limits in free base."""
    table = table_of(node, "")
    if not values:
        table.refuse("neither per_day nor in_all is given; write e.g. per_day: 960 mg, or leave limits out.")
    if values.get("per_day", 0.0) > values.get("in_all", float("inf")):
        table.entries["per_day"].refuse(
            "it is above in_all, so no day can reach it; write a lower one or leave it out."
        )
    written: Values = {}
    for key in values:
        mass = quantities.parse(text_of(table.entries[key], ""))
        written[key] = _as_base(mass.value, mass.unit, salt)
    per_day, in_all = (values.get(key, 0.0) * salt for key in ("per_day", "in_all"))
    return DoseLimits(per_day, in_all, written.get("per_day"), written.get("in_all"))


def _refuse_joined_pushes(node: Node, regimen: Regimen, boosters: Boosters | None) -> None:
    """Refuse limits where pushes overlap or adjoin."""
    sessions = {"the sessions": regimen.infusions, "a booster": boosters.session if boosters else ()}
    for which, infusions in sessions.items():
        pushes = sorted(one for one in infusions if one.is_push)
        if any(after.start_ms <= one.stop_ms for one, after in pairwise(pushes)):
            node.refuse(
                f"pushes of {which} overlap or adjoin, and a limit gives each whole or leaves it out; move them "
                "apart, or write them as one."
            )


def _refuse_titrated_ramps(table: Table) -> None:
    """Refuse a ramp where a titration sets the rate: what holds during the ramp is not written."""
    for item in listing_of(table.entries["sessions"], "").items:
        if isinstance(item, Table) and "ramp" in item.entries:
            item.entries["ramp"].refuse(
                "a titration sets the rates of this arm; write the steps as sessions, or no ramp."
            )


def _titration(node: Node, values: Values, regimen: Regimen, salt: float) -> Titration:
    table = table_of(node, "")
    infusions = [i for i in regimen.infusions if not i.is_push]
    if len({titrated_spans(one) for one in _of_each_class(infusions)}) > 1:
        table.refuse(
            "a session is written lower than the one before it for some classes only, and would be titrated for the "
            "others; write arms of their own for them."
        )
    unit = next(
        (classes_of(node)[0] for key in _BY_CLASS if (node := table.entries.get(key)) and is_by_class(node)), ""
    )
    split = split_by_class(table, _BY_CLASS, regimen.limits(unit), unit)
    if split is None:
        return _one_titration(table, values, _of_each_class(infusions), salt)
    rules = [
        attempt(_one_titration, one, TITRATION.read(one), _of_each_class(infusions, unit, low), salt)
        for one, low in zip(split.tables, (0.0, *split.limits), strict=True)
    ]
    step, lowest, highest = (
        Rate.by_class(unit, split.limits, [getattr(rule, name) for rule in rules])
        for name in ("step", "lowest", "highest")
    )
    return replace(rules[0], step=step, lowest=lowest, highest=highest)


def _one_titration(table: Table, values: Values, each: Iterable[list[Infusion]], salt: float) -> Titration:
    """Return the rule of one class; `each` lists what its patients are given as written, pushes apart."""

    def base(rate: Rate) -> Rate:
        """Return a rate in free base, so that its text reads back as the same rate."""
        value, unit = rate.form
        return Rate(*quantities.rate_mg_h(f"{plain(value * salt)} {unit}"), written=_as_base(value, unit, salt))

    highest, lowest = base(values["max"]), base(values["min"]) if "min" in values else Rate()
    top = highest.at(REFERENCE_WEIGHT_KG)
    timetables = [Regimen.create("racemic", infusions).schedule() for infusions in each]
    start = max((rate for one in timetables for rate in one.rates(REFERENCE_WEIGHT_KG)), default=0.0)
    if top < start * (1 - 1e-9):
        node = table.entries["max"]
        node.refuse(
            f"{shown(text_of(node, ''))} is below a rate that the sessions begin with "
            f"({plain(round(start / salt, 3))} mg/h at 70 kg); write a higher max, or sessions that begin lower."
        )
    if lowest.at(REFERENCE_WEIGHT_KG) > top:
        node = table.entries["min"]
        node.refuse(f"{shown(text_of(node, ''))} is above max; write a lower min, or a higher max.")
    on_harm, pause_ms = values.get("on_harm", ("down", 0))
    return Titration(
        every_ms=values["every"],
        step=base(values["step"]),
        highest=highest,
        relief=values.get("relief", 0.5),
        on_harm=on_harm,
        elicited=values.get("harm") == "elicited",
        lowest=lowest,
        pause_ms=pause_ms,
    )
