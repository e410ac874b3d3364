"""Rules of an arm: boosters, titration, weaning, limits of dose, and what ends boosters."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from letheon.dosing.policy import (
    DEFAULT_APART_DAYS,
    DEFAULT_WAIT_DAYS,
    Boosters,
    DoseLimits,
    Policy,
    Rung,
    Stops,
    Titration,
    Wean,
)
from letheon.dosing.regimen import LONGEST_PUSH_MS, Infusion, Rate, Regimen
from letheon.dosing.titration import titrated_spans
from letheon.dosing.weaning import end_of_sessions
from letheon.scenario import quantities
from letheon.scenario.classes import classes_of, is_by_class, split_by_class
from letheon.scenario.faults import attempt
from letheon.scenario.grammar import BOOSTERS, MAX_RUNGS, RUNG, TITRATION
from letheon.scenario.kinds import OF_BASE, listing_of, one_given, table_of, text_of
from letheon.scenario.quantities import time_text
from letheon.scenario.sessions import (
    BY_CLASS,
    Values,
    of_each_class,
    peak_mg_h,
    read_booster_session,
    read_rung_sessions,
)
from letheon.scenario.yaml_tree import Listing, Node, Table
from letheon.units import REFERENCE_WEIGHT_KG, plain, shown

__all__ = ["read_policy"]

DEFAULT_AT_MOST = 6
_OF_A_RUNG = {"session": "sessions in each rung", "times": "times in each rung"}


def read_policy(table: Table, values: Values, regimen: Regimen, salt: float, follow_up_ms: int) -> Policy:
    """Return the rules of an arm: boosters, titration, and what ends them."""
    boosters = titration = None
    if "boosters" in values:
        boosters = attempt(_boosters, table.entries["boosters"], values["boosters"], salt, follow_up_ms)
    if "titration" in values:
        attempt(_refuse_titrated_ramps, table)
        titration = attempt(_titration, table.entries["titration"], values["titration"], regimen, salt)
    if "stop" in values and boosters is None:
        none = f"stop ends boosters, and this arm has none; add boosters: {BOOSTERS.example}, or leave stop out."
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
    when = attempt(_when, table, values)
    ladder = attempt(_ladder, table, values["ladder"], salt, follow_up_ms) if when == "ladder" else None
    session = attempt(read_booster_session, table, values, salt, follow_up_ms) if when != "ladder" else ()
    by_calendar = Boosters.create(session, values.get("every", ())).rungs
    rungs, times = ladder or (by_calendar, values.get("times", 0))
    return Boosters(
        rungs=rungs,
        wait_days=values.get("wait", DEFAULT_WAIT_DAYS),
        apart_days=attempt(_apart, table, values, rungs),
        at_most=values.get("at_most", DEFAULT_AT_MOST if when == "on" else 0),
        times=times,
    )


def _when(table: Table, values: Values) -> str:
    """Return the key that says when boosters are given."""
    each = "on: relapse for boosters when pain returns, every: 6 weeks for a calendar, or a ladder of rungs"
    when = one_given(table, ("on", "every", "ladder"), each)
    if when != "on" and "wait" in values:
        table.entries["wait"].refuse(
            "wait is the time from a relapse to the appointment, and these boosters go by the calendar; leave it out."
        )
    if when == "ladder":
        for key in ("session", "times"):
            if key in values:
                attempt(table.entries[key].refuse, f"a ladder has {_OF_A_RUNG[key]}; leave it out here.")
    return when


def _ladder(table: Table, listing: Listing, salt: float, follow_up_ms: int) -> tuple[tuple[Rung, ...], int]:
    """Return the rungs of a ladder, and how many boosters there are in all; 0 for no limit."""
    if len(listing.items) > MAX_RUNGS:
        listing.refuse(f"the ladder has {len(listing.items)} rungs; write at most {MAX_RUNGS}, the last goes on.")
    rungs = [attempt(_rung, item, salt, follow_up_ms) for item in listing.items]
    *before, last = rungs
    ends = "times" in table_of(listing.items[-1], "").entries
    return (*before, replace(last, times=1)), sum(rung.times for rung in rungs) * ends


def _rung(node: Node, salt: float, follow_up_ms: int) -> Rung:
    table = table_of(node, RUNG.example)
    values = RUNG.read(table)
    session = attempt(read_rung_sessions, table, salt, follow_up_ms)
    return Rung(session, values["every"], values.get("times", 1))


def _apart(table: Table, values: Values, rungs: tuple[Rung, ...]) -> int:
    """Return the least days between a booster and another session."""
    shortest, apart = Boosters(rungs).shortest_gap_days, values.get("apart", DEFAULT_APART_DAYS)
    if "on" not in values and shortest < apart:
        if "apart" in values:
            node = table.entries["every" if "every" in values else "ladder"]
            node.refuse(f"an interval is shorter than apart ({apart} days); write a longer one.")
        apart = shortest
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
            f"{time_text(over)} cannot be split into {steps} steps of whole minutes, each over 5 min; write e.g. "
            f"over: {time_text(longer)}, or another number of steps."
        )


def _check_wean_place(table: Table, over: int, regimen: Regimen, follow_up_ms: int) -> None:
    end, rates = end_of_sessions(regimen)
    if not rates:
        table.refuse("there is no rate to wean from, since no session infuses drug; leave wean out.")
    ends = {end_of_sessions(Regimen.create("racemic", one))[0] for one in of_each_class(regimen.infusions)}
    if len(ends) > 1:
        table.refuse(
            "the last session gives nothing in some classes, which would be weaned earlier than the others; write a "
            "separate arm for them."
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
            "per_day is above in_all, so no day can reach it; write a lower per_day, or leave it out."
        )
    written: Values = {}
    for key in values:
        mass = quantities.parse(text_of(table.entries[key], ""))
        written[key] = _as_base(mass.value, mass.unit, salt)
    per_day, in_all = (values.get(key, 0.0) * salt for key in ("per_day", "in_all"))
    return DoseLimits(per_day, in_all, written.get("per_day"), written.get("in_all"))


def _refuse_joined_pushes(node: Node, regimen: Regimen, boosters: Boosters | None) -> None:
    """Refuse limits where pushes overlap or adjoin."""
    given = [
        ("the sessions", regimen.infusions),
        *(("a booster", one) for one in (boosters.sessions if boosters else ())),
    ]
    for which, infusions in given:
        pushes = sorted(one for one in infusions if one.is_push)
        if any(after.start_ms <= one.stop_ms for one, after in pairwise(pushes)):
            node.refuse(
                f"two pushes of {which} overlap or touch, and under a limit each is given whole or left out; move them "
                "apart, or write them as one."
            )


def _refuse_titrated_ramps(table: Table) -> None:
    """Refuse a ramp where a titration sets the rate: what holds during the ramp is not written."""
    for item in listing_of(table.entries["sessions"], "").items:
        if isinstance(item, Table) and "ramp" in item.entries:
            item.entries["ramp"].refuse(
                "titration sets the rates of this arm, so it can have no ramp; write the steps as sessions instead."
            )


def _titration(node: Node, values: Values, regimen: Regimen, salt: float) -> Titration:
    table = table_of(node, "")
    infusions = [i for i in regimen.infusions if not i.is_push]
    if len({titrated_spans(one) for one in of_each_class(infusions)}) > 1:
        table.refuse(
            "a session is written lower than the one before it for some classes only, and would be titrated for the "
            "others; write a separate arm for them."
        )
    nodes = (table.entries.get(key) for key in BY_CLASS)
    unit = next((classes_of(one)[0] for one in nodes if isinstance(one, Table) and is_by_class(one)), "")
    split = split_by_class(table, BY_CLASS, regimen.limits(unit), unit)
    if split is None:
        return _one_titration(table, values, of_each_class(infusions), salt)
    rules = [
        attempt(_one_titration, one, TITRATION.read(one), of_each_class(infusions, unit, low), salt)
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
    start = max(map(peak_mg_h, each), default=0.0)
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
