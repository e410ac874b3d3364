"""Policies: the part of an arm that says by which rules it goes on: boosters, titration, and what ends them."""

from letheon.dosing.policy import DEFAULT_APART_DAYS, DEFAULT_WAIT_DAYS, Boosters, Policy, Stops, Titration
from letheon.dosing.regimen import MS_PER_DAY, Infusion, Rate, Regimen
from letheon.scenario import quantities
from letheon.scenario.fields import choice, listing_of, quantity, required, table_of, text_of, whole
from letheon.scenario.sessions import BOOSTER_EXAMPLE, MAX_RATE_MG_H, read_booster
from letheon.scenario.tree import Listing, Node, Table
from letheon.scenario.writing import OF_BASE
from letheon.units import MS_PER_HOUR, REFERENCE_WEIGHT_KG, plain, shown

BOOSTERS_EXAMPLE = "{on: relapse, session: {rate: 25 mg/h, for: 4 h}, at_most: 6 per year}"
TITRATION_EXAMPLE = "{every: 8 h, step: 5 mg/h/70kg, max: 30 mg/h/70kg, relief: 50 %}"
STOP_EXAMPLE = "{no_response: 2, harm: spontaneous, dose: 5000 mg}"
DEFAULT_AT_MOST = 6
_BOOSTERS = ("on", "every", "session", "wait", "apart", "at_most", "times")
_TITRATION = ("every", "step", "min", "max", "relief", "harm", "on_harm")
_REPORTS = ("spontaneous", "elicited")
_STOP = ("no_response", "harm", "dose")
_MAX_GAPS, _MAX_DAYS, _MAX_TIMES = 16, 3650, 500
_SHORTEST_LOOK_MS = MS_PER_HOUR // 4


def read_policy(table: Table, regimen: Regimen, salt: float, follow_up_ms: int) -> Policy:
    """Read the rules of an arm.

    Parameters
    ----------
    table : Table
        The arm.
    regimen : Regimen
        Its timetable.
    salt : float
        Mass of free base for each unit mass as written.
    follow_up_ms : int
        End of the observation [ms].

    Returns
    -------
    Policy
        Without rules where none are written.

    Raises
    ------
    InputError
        If they are not valid.
    """
    found = table.entries
    boosters = _boosters(found["boosters"], salt, follow_up_ms) if "boosters" in found else None
    titration = _titration(found["titration"], regimen, salt) if "titration" in found else None
    if "stop" in found and boosters is None:
        found["stop"].refuse(
            f"it ends boosters, and this arm has none; write boosters: {BOOSTERS_EXAMPLE} too, or leave stop out."
        )
    stops = _stops(found["stop"], salt) if "stop" in found else Stops()
    return Policy(boosters, titration, stops)


def _boosters(node: Node, salt: float, follow_up_ms: int) -> Boosters:
    table = table_of(node, BOOSTERS_EXAMPLE)
    table.check_keys(_BOOSTERS, {}, BOOSTERS_EXAMPLE)
    given = table.entries
    if ("on" in given) == ("every" in given):
        both = "on and every both stand here; keep one" if "on" in given else "neither on nor every stands here"
        table.refuse(f"{both}: on: relapse for boosters when pain returns, or every: 6 weeks for a calendar.")
    gaps: tuple[int, ...] = ()
    if "on" in given:
        choice(given["on"], ("relapse",), "on: relapse")
    else:
        gaps = _gaps(given["every"])
        if "wait" in given:
            given["wait"].refuse("it is the time from a relapse to the appointment; leave it out beside every.")
    session = read_booster(table_of(required(table, "session", f"session: {BOOSTER_EXAMPLE}"), BOOSTER_EXAMPLE))
    if max(infusion.stop_ms for infusion in session) > follow_up_ms:
        given["session"].refuse("a booster is longer than the follow-up; write a shorter one, or a longer follow_up.")
    session = tuple(Infusion(i.start_ms, i.duration_ms, i.rate.scaled(salt)) for i in session)
    apart = _days(given["apart"], 1, "apart: 7 days") if "apart" in given else DEFAULT_APART_DAYS
    if gaps and min(gaps) < apart:
        if "apart" in given:
            given["every"].refuse(f"an interval is shorter than apart ({apart} days); write a longer one.")
        apart = min(gaps)
    return Boosters(
        session=session,
        gaps_days=gaps,
        wait_days=_days(given["wait"], 0, "wait: 14 days") if "wait" in given else DEFAULT_WAIT_DAYS,
        apart_days=apart,
        at_most=_per_year(given["at_most"]) if "at_most" in given else (0 if gaps else DEFAULT_AT_MOST),
        times=whole(given["times"], 1, _MAX_TIMES, 10) if "times" in given else 0,
    )


def _gaps(node: Node) -> tuple[int, ...]:
    """Read one interval, or a ladder of them."""
    nodes = listing_of(node, "[1 week, 2 weeks, 4 weeks]").items if isinstance(node, Listing) else (node,)
    if len(nodes) > _MAX_GAPS:
        node.refuse(f"the ladder has {len(nodes)} steps; write at most {_MAX_GAPS}, the last goes on for ever.")
    return tuple(_days(one, 1, "every: 6 weeks") for one in nodes)


def _days(node: Node, least: int, example: str) -> int:
    """Read a time of whole days."""
    milliseconds = quantity(node, quantities.duration_ms, example)
    days = milliseconds // MS_PER_DAY
    text = text_of(node, example)
    if milliseconds % MS_PER_DAY:
        node.refuse(f"{shown(text)} is not a whole number of days, and diaries go by days; write e.g. {example}.")
    if not least <= days <= _MAX_DAYS:
        node.refuse(f"{shown(text)} is outside {least} to {_MAX_DAYS} days; write e.g. {example}.")
    return days


def _per_year(node: Node) -> int:
    text = text_of(node, "6 per year")
    words = text.split()
    if len(words) != 3 or words[1:] != ["per", "year"] or not words[0].isascii() or not words[0].isdigit():
        node.refuse(f"{shown(text)} is no number of boosters a year; write e.g. at_most: 6 per year.")
    if len(words[0]) > 4 or not 1 <= int(words[0]) <= _MAX_TIMES:
        node.refuse(f"{shown(text)} is outside 1 to {_MAX_TIMES} per year; write e.g. at_most: 6 per year.")
    return int(words[0])


def _titration(node: Node, regimen: Regimen, salt: float) -> Titration:
    table = table_of(node, TITRATION_EXAMPLE)
    table.check_keys(_TITRATION, {}, TITRATION_EXAMPLE)
    every = required(table, "every", "every: 8 h")
    every_ms = quantity(every, quantities.duration_ms, "every: 8 h")
    if every_ms < _SHORTEST_LOOK_MS:
        every.refuse(f"{shown(text_of(every, ''))} is shorter than 15 min; write e.g. every: 8 h.")
    highest = required(table, "max", "max: 30 mg/h/70kg")
    top = _rate(highest, "max: 30 mg/h/70kg", salt)
    start = _peak_mg_h(regimen)
    if top.at(REFERENCE_WEIGHT_KG) < start * (1 - 1e-9):
        highest.refuse(
            f"{shown(text_of(highest, ''))} is below a rate that the sessions begin with "
            f"({plain(round(start / salt, 3))} mg/h at 70 kg); write a higher max, or sessions that begin lower."
        )
    step = required(table, "step", "step: 5 mg/h/70kg")
    rise = _rate(step, "step: 5 mg/h/70kg", salt)
    lowest = _lowest(table.entries["min"], top, salt) if "min" in table.entries else Rate()
    down = choice(table.entries["on_harm"], ("down", "hold"), "on_harm: down") if "on_harm" in table.entries else "down"
    relief = _share(table.entries["relief"]) if "relief" in table.entries else 0.5
    asked = _reports(table.entries["harm"]) == "elicited" if "harm" in table.entries else False
    return Titration(every_ms, rise, top, relief, down == "down", asked, lowest)


def _peak_mg_h(regimen: Regimen) -> float:
    """Highest written rate that a titration starts from, at 70 kg [mg/h]; overlapping sessions add up."""
    drips = Regimen.create("racemic", (i for i in regimen.infusions if not i.is_push))
    return max(drips.schedule().rates(REFERENCE_WEIGHT_KG), default=0.0)


def _lowest(node: Node, top: Rate, salt: float) -> Rate:
    rate = _rate(node, "min: 5 mg/h/70kg", salt, least=True)
    if rate.at(REFERENCE_WEIGHT_KG) > top.at(REFERENCE_WEIGHT_KG):
        node.refuse(f"{shown(text_of(node, ''))} is above max; write a lower min, or a higher max.")
    return rate


def _reports(node: Node) -> str:
    """Read how a clinic hears of harms: it waits for complaints, or asks."""
    return choice(node, _REPORTS, "harm: spontaneous")


def _rate(node: Node, example: str, salt: float, least: bool = False) -> Rate:
    """Read a rate above 0, or one that may be 0, and keep how it was written."""
    absolute, per_kg = quantity(node, quantities.rate_mg_h, example)
    text, at_70 = text_of(node, example), absolute + per_kg * REFERENCE_WEIGHT_KG
    if not 0 <= at_70 <= MAX_RATE_MG_H or not (least or at_70):
        node.refuse(f"{shown(text)} is outside 0 to {plain(MAX_RATE_MG_H)} mg/h at 70 kg; write e.g. {example}.")
    value, unit = _written(text, salt)
    base = quantities.rate_mg_h(f"{plain(value)} {unit}")  # so that what is told reads back as the same rate
    return Rate(*base, written=(value, unit if salt == 1.0 else unit + OF_BASE))


def _written(text: str, salt: float) -> tuple[float, str]:
    """Return the number, as free base, and the unit with which a quantity was written."""
    given = quantities.parse(text)
    return given.value * salt, given.unit


def _share(node: Node) -> float:
    """Read relief as a percentage of baseline pain."""
    text = text_of(node, "50 %")
    try:
        value = float(text.removesuffix("%").strip()) if text.endswith("%") else -1.0
    except ValueError:
        value = -1.0
    if not 1 <= value <= 100:
        node.refuse(f"{shown(text)} is no relief from 1 % to 100 % of baseline pain; write e.g. relief: 50 %.")
    return value / 100


def _stops(node: Node, salt: float) -> Stops:
    table = table_of(node, STOP_EXAMPLE)
    table.check_keys(_STOP, {}, STOP_EXAMPLE)
    given = table.entries
    limit, dose_written = 0.0, None
    if "dose" in given:
        limit, per_kg = quantity(given["dose"], quantities.dose_mg, "dose: 5000 mg")
        if per_kg or limit <= 0:
            given["dose"].refuse(
                f"{shown(text_of(given['dose'], ''))} is no total dose above 0 for everybody; write e.g. dose: 5000 mg."
            )
        value, unit = _written(text_of(given["dose"], ""), salt)
        dose_written = value, unit if salt == 1.0 else unit + OF_BASE
    return Stops(
        no_response=whole(given["no_response"], 1, 100, 2) if "no_response" in given else 0,
        harm=_reports(given["harm"]) if "harm" in given else "",
        dose_mg=limit * salt,
        dose_written=dose_written,
    )
