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
    """How often a harm was seen in one arm of one study."""

    effect: Annotated[str, one_of(EFFECTS)]
    source: Text  # key in ``sources.bib``
    kind: Text  # of regimen, one of `KINDS`; for the liver one of `LIVER_PATTERNS`
    style: Annotated[str, one_of(STYLES)]  # elicited: asked for
    arm: Annotated[str, one_of(ARMS)]  # or the difference between the two
    events: Count | None = None  # patients with it, of `n`; None for a difference
    n: Count | None = None
    share: Real | None = None  # the difference, where `arm` is one
    interval: Pair | None = None  # its published 95 % interval
    drug: Annotated[str, one_of(DRUGS)] | None = None  # None where nothing was infused, or no regimen is compared
    rate: Pair | None = None  # lowest and highest of the study's highest rate [mg/kg/h]
    hours: Pair | None = None  # lowest and highest of its length without a pause [h]
    dosing: Verified = ""  # how rate and hours were read
    dosing_note: Text = ""  # what a reader must know about them
    verified: Seen  # how it was read
    weight: Real = math.nan  # as evidence; a recalled count has none
    support: Annotated[str, one_of(_SUPPORTS)]  # what a result in CRPS may be called on this ground
    note: Text  # what a reader must know about it

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
    """How one person takes the drug, over months: `on_days` in every `every_days`."""

    g: NotNegative  # nominal dose on a day of use [g]
    on_days: NotNegative
    every_days: NotNegative
    months: NotNegative  # how long
    route: Annotated[str, one_of(_ROUTES)]
    ramp_months: NotNegative = 0.0  # time in which the dose rises to `g` from nothing
    months_off: NotNegative = 0.0  # time since the last use

    def __post_init__(self) -> None:
        if not 0 < self.on_days <= self.every_days or self.ramp_months > self.months:
            raise FieldError("days of use cannot exceed the interval, nor a ramp the whole time")


@dataclass(frozen=True, slots=True, kw_only=True)
class BladderRow:
    """One observation of the bladder under ketamine."""

    id: Text
    description: Text  # what was observed
    role: Annotated[str, one_of(("calibrate", "validate"))]
    measure: Annotated[str, one_of(MEASURES)]
    people: Annotated[str, one_of(("all", "affected"))]  # the affected: loss of capacity beyond the threshold
    observed: Real | None = None  # None where only its absence or order was reported, or where it was not read
    se: NotNegative | None = None  # standard error, same unit
    n: Count | None = None  # people, for a share
    log_se: NotNegative | None = None  # standard error of the logarithm of a contrast reported as "no difference"
    pattern: Annotated[UsePattern, record(UsePattern)]  # dosing
    against: Annotated[UsePattern, record(UsePattern)] | None = None  # dosing of the other group of a contrast
    dose: Text = ""  # key under which an unknown dose is estimated along, or ""
    limit_ml: NotNegative | None = None  # limit of a share of capacities [mL]
    abstinent: NotNegative | None = None  # share who stopped
    worst_share: NotNegative | None = None  # share that is looked at
    sources: Texts  # keys in ``sources.bib``, that of the observation first
    verified: Seen  # how it was read
    weight: Real = math.nan  # as evidence
    assumed: Texts  # what the source does not give and the row takes for granted
    note: Text  # what a reader must know about it

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", weigh(self.weight, self.verified))
        if (self.observed is None) != (self.se is None and self.n is None):
            raise FieldError("an observation and its 'se' or 'n' go together")
        if self.role == "calibrate" and (self.observed is None or self.weight == 0):
            raise FieldError("a row to fit needs an observation that was read")


@dataclass(frozen=True, slots=True, kw_only=True)
class BladderSchedule:
    """A schedule at which both injury laws are looked at."""

    id: Text
    description: Text  # of the schedule
    g_per_day: NotNegative  # systemic dose on a dosing day [g/day]
    days: NotNegative  # dosing days in a row
    every_days: NotNegative | None = None  # how often the course comes; None for one course
    years: NotNegative | None = None  # for how long; None for one course
    # share with a lasting loss by law that the evidence's prototypes gave, with doses averaged over the interval
    earlier: Annotated[Mapping[str, float], as_earlier]

    def __post_init__(self) -> None:
        if (self.every_days is None) != (self.years is None):
            raise FieldError("'every_days' and 'years' go together")


def _count(table: Any, place: str) -> HarmCount:
    compared = isinstance(table, dict) and _is_compared(table.get("arm", ""), table.get("kind", ""))
    return read(HarmCount, table, place, needs=_DOSING if compared else ())


def parse_counts(text: str, place: str) -> tuple[HarmCount, ...]:
    """Read the counts of harms."""
    document = read_toml(text, place)
    check_keys(document, ("counts",), (), place)
    return rows(_count)(document["counts"], f"{place} [[counts]]")


def parse_bladder(text: str, place: str) -> tuple[tuple[BladderRow, ...], tuple[BladderSchedule, ...]]:
    """Read the bladder's rows and schedules."""
    document = read_toml(text, place)
    check_keys(document, ("rows", "schedules"), (), place)
    observed = rows(record(BladderRow))(document["rows"], f"{place} [[rows]]")
    schedules = rows(record(BladderSchedule))(document["schedules"], f"{place} [[schedules]]")
    return observed, schedules
