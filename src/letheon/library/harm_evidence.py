"""Evidence on harms as frozen records: counts by study, the bladder's rows and schedules; and how they are read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from letheon.library.reading import (
    Count,
    FieldError,
    NotNegative,
    Pair,
    Real,
    Seen,
    Text,
    Texts,
    Verified,
    as_variance,
    check_keys,
    one_of,
    read,
    read_toml,
    record,
    rows,
    weigh,
)

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
_LAWS = ("saturating", "unsaturated")


def _is_compared(arm: str, kind: str) -> bool:
    """Return whether regimens are compared with a count: it is of an infusion, and its arm had the drug."""
    return arm != "comparison" and kind not in ("single", "nasal")


def as_earlier(table: Any, place: str) -> dict[str, float]:
    """Return a number for each injury law."""
    check_keys(table, _LAWS, (), place)
    return {law: as_variance(table[law], f"{place}.{law}") for law in _LAWS}


@dataclass(frozen=True, slots=True, kw_only=True)
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

    effect: Annotated[str, one_of(EFFECTS)]
    source: Text
    kind: Text
    style: Annotated[str, one_of(STYLES)]
    arm: Annotated[str, one_of(ARMS)]
    events: Count | None = None
    n: Count | None = None
    share: Real | None = None
    interval: Pair | None = None
    drug: Annotated[str, one_of(DRUGS)] | None = None
    rate: Pair | None = None
    hours: Pair | None = None
    dosing: Verified = ""
    dosing_note: Text = ""
    verified: Seen
    weight: Real = math.nan
    support: Annotated[str, one_of(_SUPPORTS)]
    note: Text

    def __post_init__(self) -> None:
        kinds = LIVER_PATTERNS if self.effect == "liver" else KINDS
        if self.kind not in kinds:
            raise FieldError(f"got {self.kind!r}; expected one of {', '.join(kinds)}", "kind")
        differs = self.arm == "difference"
        counts, differences = (self.events, self.n), (self.share, self.interval)
        due, absent = (differences, counts) if differs else (counts, differences)
        if None in due or absent != (None, None):
            raise FieldError("expected 'events' and 'n', or for a difference 'share' and 'interval'")
        if self.events is not None and self.n is not None and self.events > self.n:
            raise FieldError(f"{self.events} of {self.n} patients cannot be")
        stated = [key for key in _DOSING if getattr(self, key)]
        if stated and not _is_compared(self.arm, self.kind):
            raise FieldError(f"{min(stated)!r} is out of place, where 'kind' is no infusion or 'arm' had no drug")
        object.__setattr__(self, "weight", weigh(self.weight, self.verified))


@dataclass(frozen=True, slots=True, kw_only=True)
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

    g: NotNegative
    on_days: NotNegative
    every_days: NotNegative
    months: NotNegative
    route: Annotated[str, one_of(_ROUTES)]
    ramp_months: NotNegative = 0.0
    months_off: NotNegative = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.on_days <= self.every_days or self.ramp_months > self.months:
            raise FieldError("days of use cannot exceed the interval, nor a ramp the whole time")


@dataclass(frozen=True, slots=True, kw_only=True)
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

    id: Text
    told: Text
    role: Annotated[str, one_of(("calibrate", "validate"))]
    measure: Annotated[str, one_of(MEASURES)]
    people: Annotated[str, one_of(("all", "affected"))]
    observed: Real | None = None
    se: NotNegative | None = None
    n: Count | None = None
    log_se: NotNegative | None = None
    pattern: Annotated[UsePattern, record(UsePattern)]
    against: Annotated[UsePattern, record(UsePattern)] | None = None
    dose: Text = ""
    limit_ml: NotNegative | None = None
    abstinent: NotNegative | None = None
    worst_share: NotNegative | None = None
    sources: Texts
    verified: Seen
    weight: Real = math.nan
    assumed: Texts
    note: Text

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", weigh(self.weight, self.verified))
        if (self.observed is None) != (self.se is None and self.n is None):
            raise FieldError("an observation and its 'se' or 'n' go together")
        if self.role == "calibrate" and (self.observed is None or self.weight == 0):
            raise FieldError("a row to fit needs an observation that was read")


@dataclass(frozen=True, slots=True, kw_only=True)
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

    id: Text
    told: Text
    g_per_day: NotNegative
    days: NotNegative
    every_days: NotNegative | None = None
    years: NotNegative | None = None
    earlier: Annotated[Mapping[str, float], as_earlier]

    def __post_init__(self) -> None:
        if (self.every_days is None) != (self.years is None):
            raise FieldError("'every_days' and 'years' go together")


def _count(table: Any, place: str) -> HarmCount:
    compared = isinstance(table, dict) and _is_compared(table.get("arm", ""), table.get("kind", ""))
    return read(HarmCount, table, place, needs=_DOSING if compared else ())


def parse_counts(text: str, place: str) -> tuple[HarmCount, ...]:
    r"""Read the counts of harms.

    Examples
    --------
    >>> parse_counts("[[counts]]\neffect = 'itch'", "x.toml")
    Traceback (most recent call last):
    letheon.errors.InputError: x.toml [[counts]][0]: key 'source' is missing
    """
    document = read_toml(text, place)
    check_keys(document, ("counts",), (), place)
    return rows(_count)(document["counts"], f"{place} [[counts]]")


def parse_bladder(text: str, place: str) -> tuple[tuple[BladderRow, ...], tuple[BladderSchedule, ...]]:
    r"""Read the bladder's rows and schedules.

    Examples
    --------
    >>> parse_bladder("rows = []\nschedules = []", "x.toml")
    ((), ())
    """
    document = read_toml(text, place)
    check_keys(document, ("rows", "schedules"), (), place)
    observed = rows(record(BladderRow))(document["rows"], f"{place} [[rows]]")
    schedules = rows(record(BladderSchedule))(document["schedules"], f"{place} [[schedules]]")
    return observed, schedules
