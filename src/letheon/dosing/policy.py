"""Policies: rules by which a clinic doses, instead of a timetable written out beforehand.

A policy sees what a clinic sees: the pain diary, what patients report, the calendar. It never sees a hidden state.
Whole days are counted from the scenario's origin; a session that a policy decides on begins at the start of a day.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import accumulate

from letheon.dosing.regimen import Infusion, Rate, Regimen

__all__ = [
    "DEFAULT_APART_DAYS",
    "DEFAULT_WAIT_DAYS",
    "Boosters",
    "DoseLimits",
    "Policy",
    "Rung",
    "Stops",
    "Titration",
    "Wean",
]

DEFAULT_WAIT_DAYS, DEFAULT_APART_DAYS = 14, 7
_NO_DRUG = Rate()


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung of a ladder of boosters: after how long, for what, how often."""

    session: tuple[Infusion, ...]  # given each time, clocked from the booster's start
    # fewest and most days from the last session to each booster, drawn anew each time; 0 where a relapse calls for it
    gap_days: tuple[int, int] = (0, 0)
    times: int = 1  # boosters of the rung; the last rung goes on


@dataclass(frozen=True, slots=True)
class Boosters:
    """When a patient comes back, and for what.

    >>> four_hours = (Infusion.create(0, 4, Rate(absolute_mg_h=25.0)),)
    >>> Boosters.create(four_hours, at_most=6).on_relapse
    True
    """

    rungs: tuple[Rung, ...]  # in order; one where relapses call for boosters
    wait_days: int = DEFAULT_WAIT_DAYS  # from a relapse to the appointment
    apart_days: int = DEFAULT_APART_DAYS  # fewest between a booster and any other session
    at_most: int = 0  # in any 365 days; 0 for no limit
    times: int = 0  # boosters in all; 0 for no limit

    @classmethod
    def create(
        cls, session: tuple[Infusion, ...], gaps_days: Iterable[int | tuple[int, int]] = (), **rules: int
    ) -> "Boosters":
        """Return boosters that are all alike, after each gap in turn and the last again and again, or on relapse.

        >>> four_hours = (Infusion.create(0, 4, Rate(absolute_mg_h=25.0)),)
        >>> [rung.gap_days for rung in Boosters.create(four_hours, [14, (28, 42)]).rungs]
        [(14, 14), (28, 42)]
        """
        gaps = [gap if isinstance(gap, tuple) else (gap, gap) for gap in gaps_days] or [(0, 0)]
        return cls(tuple(Rung(session, gap) for gap in gaps), **rules)

    @property
    def on_relapse(self) -> bool:
        """Whether a relapse in the diary, not the calendar, calls for the next booster."""
        return self.rungs[0].gap_days == (0, 0)

    @property
    def sessions(self) -> tuple[tuple[Infusion, ...], ...]:
        """What boosters may give, each once, in the order of the rungs."""
        return tuple(dict.fromkeys(rung.session for rung in self.rungs))

    @property
    def infusions(self) -> tuple[Infusion, ...]:
        """All that boosters may give, each clocked from its own booster's start."""
        return tuple(infusion for session in self.sessions for infusion in session)

    @property
    def stop_ms(self) -> int:
        """Length of the longest booster from its start to the end of its last infusion [ms]."""
        return max(infusion.stop_ms for infusion in self.infusions)

    @property
    def shortest_gap_days(self) -> int:
        """Fewest days from a session to the booster that the calendar calls for; 0 on relapse."""
        return min(rung.gap_days[0] for rung in self.rungs)

    def rung(self, number: int) -> Rung:
        """Return the rung of a booster, the first being number 0.

        >>> session = (Infusion.create(0, 4, Rate(absolute_mg_h=25.0)),)
        >>> ladder = Boosters((Rung(session, (14, 14), 2), Rung(session, (28, 42))))
        >>> [ladder.rung(number).gap_days[0] for number in range(4)]
        [14, 14, 28, 28]
        """
        ends = accumulate(rung.times for rung in self.rungs[:-1])
        return next((rung for rung, end in zip(self.rungs, ends, strict=False) if number < end), self.rungs[-1])

    def most(self, days: int) -> int:
        """Return a number of boosters that no patient can exceed in so many days of follow-up.

        >>> four_hours = (Infusion.create(0, 4, Rate(absolute_mg_h=25.0)),)
        >>> Boosters.create(four_hours, at_most=6).most(730), Boosters.create(four_hours, [42]).most(84)
        (12, 3)
        """
        bounds = [days // max(self.apart_days, 1) + 1]
        if not self.on_relapse:
            bounds.append(days // self.shortest_gap_days + 1)
        if self.at_most:
            bounds.append(self.at_most * -(-days // 365))
        if self.times:
            bounds.append(self.times)
        return min(bounds)


@dataclass(frozen=True, slots=True)
class Titration:
    """How the rate of the arm's own sessions follows relief and reports of harm.

    >>> Titration(8 * 3_600_000, Rate(per_kg_mg_h=5 / 70), Rate(per_kg_mg_h=30 / 70)).relief
    0.5
    """

    every_ms: int  # time between two checks while drug runs
    step: Rate  # by how much the rate goes up or down
    highest: Rate
    relief: float = 0.5  # share of baseline pain that must be gone for the rate to be held
    on_harm: str = "down"  # what a reported harm does: down (a step), hold, halve, or stop (the arm's sessions)
    elicited: bool = False  # whether the clinic asks for psychedelic effects at each check
    lowest: Rate = _NO_DRUG
    pause_ms: int = 0  # length of the pause that a reported harm brings, in place of `on_harm`; 0 for none


@dataclass(frozen=True, slots=True)
class Stops:
    """What ends a patient's boosters."""

    no_response: int = 0  # courses and boosters in a row without remission, the first course being one; 0 for never
    harm: str = ""  # psychedelic effect in the last session that counts: spontaneous, elicited, or empty for none
    dose_mg: float = 0.0  # drug in all that no booster may exceed; 0 for no limit
    dose_written: tuple[float, str] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Wean:
    """How an arm ends: from each patient's own rate down in equal steps, after the last session."""

    over_ms: int
    steps: int


@dataclass(frozen=True, slots=True)
class DoseLimits:
    """How much a patient is given at most [mg]; 0 for no limit. With each, number and unit as written."""

    per_day_mg: float = 0.0  # from 24 (k - 1) to 24 k h
    in_all_mg: float = 0.0  # in the whole arm, boosters included
    per_day_written: tuple[float, str] | None = field(default=None, compare=False, repr=False)
    in_all_written: tuple[float, str] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules of an arm; without any of them the timetable stands as written.

    >>> Policy().fixed
    True
    """

    boosters: Boosters | None = None
    titration: Titration | None = None
    stops: Stops = Stops()
    wean: Wean | None = None
    limits: DoseLimits | None = None

    @property
    def fixed(self) -> bool:
        """Whether nothing is left to decide by the diary, so that all patients of one weight are given the same."""
        return self.boosters is None and self.titration is None

    def of(self, weight_kg: float | None = None, age_year: float | None = None) -> "Policy":
        """Return the rules of a patient's classes; see `letheon.dosing.regimen.Rate.of`."""
        boosters, titration = self.boosters, self.titration
        if boosters:
            mine = [Regimen("racemic", rung.session).of(weight_kg, age_year).infusions for rung in boosters.rungs]
            rungs = (replace(rung, session=one) for rung, one in zip(boosters.rungs, mine, strict=True))
            boosters = replace(boosters, rungs=tuple(rungs))
        if titration:
            rates = {name: getattr(titration, name).of(weight_kg, age_year) for name in ("step", "highest", "lowest")}
            titration = replace(titration, **rates)
        return replace(self, boosters=boosters, titration=titration)

    def boosters_of(self, drug: str) -> tuple[Regimen, ...]:
        """Return each kind of booster as a regimen of the arm's drug, clocked from its own start."""
        return tuple(Regimen.create(drug, session) for session in (self.boosters.sessions if self.boosters else ()))
