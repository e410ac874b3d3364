"""Evidence on harms as frozen records: counts by study, the bladder's rows and schedules; and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from letheon.errors import InputError
from letheon.library.entries import evidence_weight
from letheon.library.reading import as_choice, as_float, as_pair, as_text, as_texts, as_variance, check_keys, read_toml
from letheon.library.records import VERIFIED

__all__ = [
    "ARMS",
    "DRUGS",
    "EFFECTS",
    "KINDS",
    "LIVER_PATTERNS",
    "MEASURES",
    "STYLES",
    "BladderRow",
    "BladderSchedule",
    "HarmCount",
    "UsePattern",
    "parse_bladder",
    "parse_counts",
]

EFFECTS = ("psychomimetic", "hallucination", "night terrors", "nausea", "headache", "sedation", "dizziness", "liver")
KINDS = ("long", "sessions", "single", "nasal", "mixed")
LIVER_PATTERNS = ("short sessions", "one long course", "long course again within weeks")
STYLES = ("elicited", "spontaneous")
ARMS = ("drug", "comparison", "difference")
DRUGS = ("racemic", "esketamine")
MEASURES = (
    *("lasting_loss", "functional_share", "anaesthetic_contrast", "functional_contrast", "anaesthetic_ml"),
    *("symptoms", "symptom_excess", "log_odds_per_day", "odds_ratio", "share_below", "share_normal_again"),
    *("latency_months", "low_capacity_ml", "share_improved", "share_worse"),
)
_SUPPORTS = ("randomised", "uncontrolled", "volunteer", "assumed")
_DOSING = ("drug", "rate", "hours", "dosing", "dosing_note")
_ROUTES = ("nasal", "oral", "iv")
_READ = tuple(word for word in VERIFIED if word != "assumed")


@dataclass(frozen=True, slots=True)
class HarmCount:
    """How often a harm was seen in one arm of one study.

    Parameters
    ----------
    effect : str
        One of `EFFECTS`.
    source : str
        Key in ``sources.bib``.
    kind : str
        Kind of regimen, one of `KINDS`; for the liver one of `LIVER_PATTERNS`.
    style : str
        ``elicited`` (asked for) or ``spontaneous``.
    arm : str
        ``drug``, ``comparison``, or ``difference`` between the two.
    events, n : int or None
        Patients with it, of how many; None for a difference.
    share : float or None
        The difference, where `arm` is one.
    interval : tuple of float or None
        Its published 95 % interval.
    drug : str or None
        One of `DRUGS`; None where nothing was infused, or no regimen is compared with it.
    rate, hours : tuple of float or None
        Lowest and highest of what the study gave: its highest rate [mg/kg/h], its length without a pause [h].
    dosing, dosing_note : str
        How these were read, and what a reader must know about them.
    verified : str
        How it was read.
    weight : float
        Weight as evidence; a recalled count has none.
    support : str
        What a result in CRPS may be called on this ground.
    note : str
        What a reader must know about it.
    """

    effect: str
    source: str
    kind: str
    style: str
    arm: str
    events: int | None
    n: int | None
    share: float | None
    interval: tuple[float, float] | None
    drug: str | None
    rate: tuple[float, float] | None
    hours: tuple[float, float] | None
    dosing: str
    dosing_note: str
    verified: str
    weight: float
    support: str
    note: str


@dataclass(frozen=True, slots=True)
class UsePattern:
    """How one person takes the drug, over months.

    Parameters
    ----------
    g : float
        Nominal dose on a day of use [g].
    on_days, every_days : float
        Days of use in every so many days.
    months : float
        How long.
    route : str
        ``nasal``, ``oral`` or ``iv``.
    ramp_months : float
        Time in which the dose rises to `g` from nothing.
    months_off : float
        Time since the last use.
    """

    g: float
    on_days: float
    every_days: float
    months: float
    route: str
    ramp_months: float = 0.0
    months_off: float = 0.0


@dataclass(frozen=True, slots=True)
class BladderRow:
    """One observation of the bladder under ketamine.

    Parameters
    ----------
    id, told : str
        Name, and what was observed in words.
    role : str
        ``calibrate`` or ``validate``.
    measure : str
        One of `MEASURES`.
    people : str
        ``all`` users or the ``affected``, whose loss of capacity is beyond the threshold.
    observed : float or None
        The observation; None where only its absence or order was reported, or where it was not read.
    se : float or None
        Standard error, same unit.
    n : int or None
        People, for a share.
    log_se : float or None
        Standard error of the logarithm of a contrast of which only "no difference" was reported.
    pattern, against : UsePattern
        Dosing; of the other group of a contrast.
    dose : str
        Key under which an unknown dose is estimated along, or "".
    limit_ml, abstinent, worst_share : float or None
        Limit of a share of capacities [mL]; share who stopped; share that is looked at.
    sources : tuple of str
        Keys in ``sources.bib``, that of the observation first.
    verified : str
        How it was read.
    weight : float
        Weight as evidence.
    assumed : tuple of str
        What the source does not give and the row takes for granted.
    note : str
        What a reader must know about it.
    """

    id: str
    told: str
    role: str
    measure: str
    people: str
    observed: float | None
    se: float | None
    n: int | None
    log_se: float | None
    pattern: UsePattern
    against: UsePattern | None
    dose: str
    limit_ml: float | None
    abstinent: float | None
    worst_share: float | None
    sources: tuple[str, ...]
    verified: str
    weight: float
    assumed: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class BladderSchedule:
    """A schedule at which both injury laws are looked at.

    Parameters
    ----------
    id, told : str
        Name, and the schedule in words.
    g_per_day : float
        Systemic dose on a dosing day [g/day].
    days : float
        Dosing days in a row.
    every_days, years : float or None
        How often the course comes, and for how long; None for one course.
    earlier : mapping of str to float
        Share with a lasting loss under each law that the evidence's prototypes gave, with doses averaged over the
        interval.
    """

    id: str
    told: str
    g_per_day: float
    days: float
    every_days: float | None
    years: float | None
    earlier: Mapping[str, float]


def _count(value: Any, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"{place}: a whole number that is not negative is due here, got {value!r}")
    return value


def _optional(table: Mapping[str, Any], key: str, place: str) -> float | None:
    return as_variance(table[key], f"{place}.{key}") if key in table else None


def _dosing(table: Mapping[str, Any], due: bool, place: str) -> dict[str, Any]:
    """Read what a study gave; due of every count that regimens are compared with."""
    found = {key: table[key] for key in _DOSING if key in table}
    if not due and found:
        raise InputError(f"{place}: {min(found)!r} is out of place, where 'kind' is no infusion or 'arm' had no drug")
    if not due:
        return {"drug": None, "rate": None, "hours": None, "dosing": "", "dosing_note": ""}
    check_keys(found, _DOSING, (), place)
    return {
        "drug": as_choice(found["drug"], DRUGS, f"{place}.drug"),
        "rate": as_pair(found["rate"], f"{place}.rate"),
        "hours": as_pair(found["hours"], f"{place}.hours"),
        "dosing": as_choice(found["dosing"], VERIFIED, f"{place}.dosing"),
        "dosing_note": as_text(found["dosing_note"], f"{place}.dosing_note"),
    }


def _harm_count(table: Any, place: str) -> HarmCount:
    needs = ("effect", "source", "kind", "style", "arm", "verified", "support", "note")
    check_keys(table, needs, ("events", "n", "share", "interval", "weight", *_DOSING), place)
    effect = as_choice(table["effect"], EFFECTS, f"{place}.effect")
    kind = as_choice(table["kind"], LIVER_PATTERNS if effect == "liver" else KINDS, f"{place}.kind")
    arm = as_choice(table["arm"], ARMS, f"{place}.arm")
    counted, differs = {"events", "n"} & set(table), {"share", "interval"} & set(table)
    if (len(counted), len(differs)) != ((0, 2) if arm == "difference" else (2, 0)):
        raise InputError(f"{place}: 'events' and 'n' are due, or for a difference 'share' and 'interval'")
    events, n = (_count(table[key], f"{place}.{key}") for key in ("events", "n")) if counted else (None, None)
    if events is not None and n is not None and events > n:
        raise InputError(f"{place}: {events} of {n} patients cannot be")
    verified = as_choice(table["verified"], _READ, f"{place}.verified")
    return HarmCount(
        effect=effect,
        source=as_text(table["source"], f"{place}.source"),
        kind=kind,
        style=as_choice(table["style"], STYLES, f"{place}.style"),
        arm=arm,
        events=events,
        n=n,
        share=as_float(table["share"], f"{place}.share") if differs else None,
        interval=as_pair(table["interval"], f"{place}.interval") if differs else None,
        **_dosing(table, arm != "comparison" and kind not in ("single", "nasal"), place),
        verified=verified,
        weight=evidence_weight(table, verified, place),
        support=as_choice(table["support"], _SUPPORTS, f"{place}.support"),
        note=as_text(table["note"], f"{place}.note"),
    )


def parse_counts(text: str, place: str) -> tuple[HarmCount, ...]:
    r"""Read the counts of harms.

    Parameters
    ----------
    text : str
        TOML text of ``harm_counts.toml``.
    place : str
        Name of the file, for the error sentence.

    Returns
    -------
    tuple of HarmCount

    Raises
    ------
    InputError
        If a key is unknown or missing, or a value does not belong there.

    Examples
    --------
    >>> parse_counts("[[counts]]\neffect = 'itch'", "x.toml")
    Traceback (most recent call last):
    letheon.errors.InputError: x.toml [[counts]][0]: key 'source' is missing
    """
    document = read_toml(text, place)
    check_keys(document, ("counts",), (), place)
    return tuple(_harm_count(row, f"{place} [[counts]][{index}]") for index, row in enumerate(document["counts"]))


def _pattern(table: Any, place: str) -> UsePattern:
    needs = ("g", "on_days", "every_days", "months", "route")
    check_keys(table, needs, ("ramp_months", "months_off"), place)
    plain = {key: as_variance(value, f"{place}.{key}") for key, value in table.items() if key != "route"}
    pattern = UsePattern(route=as_choice(table["route"], _ROUTES, f"{place}.route"), **plain)
    if not 0 < pattern.on_days <= pattern.every_days or pattern.ramp_months > pattern.months:
        raise InputError(f"{place}: days of use cannot exceed the interval, nor a ramp the whole time")
    return pattern


def _row(table: Any, place: str) -> BladderRow:
    needs = ("id", "role", "told", "measure", "people", "pattern", "sources", "verified", "assumed", "note")
    may = ("observed", "se", "n", "log_se", "against", "dose", "limit_ml", "abstinent", "worst_share", "weight")
    check_keys(table, needs, may, place)
    verified = as_choice(table["verified"], _READ, f"{place}.verified")
    weight = evidence_weight(table, verified, place)
    role = as_choice(table["role"], ("calibrate", "validate"), f"{place}.role")
    observed = as_float(table["observed"], f"{place}.observed") if "observed" in table else None
    if (observed is None) != ("se" not in table and "n" not in table):
        raise InputError(f"{place}: an observation and its 'se' or 'n' go together")
    if role == "calibrate" and (observed is None or weight == 0):
        raise InputError(f"{place}: a row to fit needs an observation that was read")
    return BladderRow(
        id=as_text(table["id"], f"{place}.id"),
        told=as_text(table["told"], f"{place}.told"),
        role=role,
        measure=as_choice(table["measure"], MEASURES, f"{place}.measure"),
        people=as_choice(table["people"], ("all", "affected"), f"{place}.people"),
        observed=observed,
        se=_optional(table, "se", place),
        n=_count(table["n"], f"{place}.n") if "n" in table else None,
        log_se=_optional(table, "log_se", place),
        pattern=_pattern(table["pattern"], f"{place}.pattern"),
        against=_pattern(table["against"], f"{place}.against") if "against" in table else None,
        dose=as_text(table.get("dose", ""), f"{place}.dose"),
        limit_ml=_optional(table, "limit_ml", place),
        abstinent=_optional(table, "abstinent", place),
        worst_share=_optional(table, "worst_share", place),
        sources=as_texts(table["sources"], f"{place}.sources"),
        verified=verified,
        weight=weight,
        assumed=as_texts(table["assumed"], f"{place}.assumed"),
        note=as_text(table["note"], f"{place}.note"),
    )


def _schedule(table: Any, laws: tuple[str, ...], place: str) -> BladderSchedule:
    check_keys(table, ("id", "told", "g_per_day", "days", "earlier"), ("every_days", "years"), place)
    check_keys(table["earlier"], laws, (), f"{place}.earlier")
    if ("every_days" in table) != ("years" in table):
        raise InputError(f"{place}: 'every_days' and 'years' go together")
    return BladderSchedule(
        id=as_text(table["id"], f"{place}.id"),
        told=as_text(table["told"], f"{place}.told"),
        g_per_day=as_variance(table["g_per_day"], f"{place}.g_per_day"),
        days=as_variance(table["days"], f"{place}.days"),
        every_days=_optional(table, "every_days", place),
        years=_optional(table, "years", place),
        earlier={law: as_variance(table["earlier"][law], f"{place}.earlier.{law}") for law in laws},
    )


def parse_bladder(text: str, place: str) -> tuple[tuple[BladderRow, ...], tuple[BladderSchedule, ...]]:
    r"""Read the bladder's rows and schedules.

    Parameters
    ----------
    text : str
        TOML text of ``bladder_rows.toml``.
    place : str
        Name of the file, for the error sentence.

    Returns
    -------
    tuple
        `BladderRow` of every row, `BladderSchedule` of every schedule.

    Raises
    ------
    InputError
        If a key is unknown or missing, or a value does not belong there.

    Examples
    --------
    >>> parse_bladder("rows = []\nschedules = []", "x.toml")
    ((), ())
    """
    document = read_toml(text, place)
    check_keys(document, ("rows", "schedules"), (), place)
    rows = tuple(_row(row, f"{place} [[rows]][{index}]") for index, row in enumerate(document["rows"]))
    laws = ("saturating", "unsaturated")
    schedules = tuple(
        _schedule(row, laws, f"{place} [[schedules]][{index}]") for index, row in enumerate(document["schedules"])
    )
    return rows, schedules
