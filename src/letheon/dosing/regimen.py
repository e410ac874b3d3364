"""Regimens: timed infusions, and the piecewise-constant rate that they add up to.

Times are whole milliseconds from the scenario's origin, so that adjoining sessions meet exactly; masses are
free base. A `Regimen` is what was ordered, a `Schedule` is its canonical form: two ways of writing the same
infusions give equal schedules, and so equal results.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from letheon.errors import InputError
from letheon.units import MS_PER_HOUR, REFERENCE_AGE_YEAR, plain

MS_PER_DAY = 24 * MS_PER_HOUR
DRUGS = ("racemic", "esketamine", "arketamine", "placebo")
SHORTEST_PUSH_MS, LONGEST_PUSH_MS = 10_000, 5 * 60_000


@dataclass(frozen=True, slots=True, order=True)
class Classes:
    """Rates by class of body weight or age; without rates there are no classes.

    Parameters
    ----------
    unit : str
        What classes go by: ``kg`` or ``year``.
    limits : tuple of float
        Ascending: where each class but the first begins, itself included [`unit`].
    rates : tuple of Rate
        The rate of each class, one more than there are limits; none of them has classes.
    """

    unit: str = ""
    limits: tuple[float, ...] = ()
    rates: tuple["Rate", ...] = ()


_NO_CLASSES = Classes()
CLASS_UNITS = {"kg": "kg", "year": "years"}  # of classes, and how a limit names them


def class_names(unit: str, limits: Sequence[float]) -> list[str]:
    """Name classes as a file does.

    >>> class_names("year", (65.0,))
    ['below 65 years', 'from 65 years']
    """
    ends = [f"{plain(limit)} {CLASS_UNITS[unit]}" for limit in limits]
    return [f"below {ends[0]}", *(f"from {end}" for end in ends)]


@dataclass(frozen=True, slots=True, order=True)
class Rate:
    """An infusion rate that may depend on body weight.

    A patient's rate is ``absolute_mg_h + per_kg_mg_h * weight``, or the ceiling if that is lower.

    Parameters
    ----------
    absolute_mg_h : float
        Part that is the same for every patient [mg/h].
    per_kg_mg_h : float
        Part per kg of body weight [mg/h/kg].
    ceiling_mg_h : float
        Upper limit of the sum [mg/h]; infinite if there is none.
    written : tuple of float and str, or None
        Number and unit as written in the file, for display only; ignored in comparisons.
    classes : Classes
        Rates by class of body weight or age, in place of the numbers above.

    Examples
    --------
    >>> Rate(per_kg_mg_h=0.35, ceiling_mg_h=25.0).at(60.0), Rate(per_kg_mg_h=0.35, ceiling_mg_h=25.0).at(90.0)
    (21.0, 25.0)
    """

    absolute_mg_h: float = 0.0
    per_kg_mg_h: float = 0.0
    ceiling_mg_h: float = math.inf
    written: tuple[float, str] | None = field(default=None, compare=False, repr=False)
    classes: Classes = _NO_CLASSES

    @classmethod
    def by_class(cls, unit: str, limits: Sequence[float], rates: Sequence["Rate"]) -> "Rate":
        """Return the rate of classes by body weight [kg] or age [year]; equal neighbours are one class.

        >>> rate = Rate.by_class("kg", (50.0,), (Rate(15.0), Rate(25.0)))
        >>> rate.at(49.9), rate.at(50.0)
        (15.0, 25.0)
        >>> Rate.by_class("kg", (50.0,), (Rate(15.0), Rate(15.0))) == Rate(15.0)
        True
        """
        apart = [limit for limit, below, above in zip(limits, rates[:-1], rates[1:], strict=True) if below != above]
        kept = [rate for k, rate in enumerate(rates) if k == 0 or rate != rates[k - 1]]
        return cls(classes=Classes(unit, tuple(apart), tuple(kept))) if apart else kept[0]

    @classmethod
    def create(cls, absolute_mg_h: float = 0.0, per_kg_mg_h: float = 0.0, ceiling_mg_h: float = math.inf) -> "Rate":
        """Check the numbers, then build a rate.

        Raises
        ------
        InputError
            If one of the first two is negative or not finite, or the ceiling is not above 0.
        """
        for name, value, unit in (
            ("absolute_mg_h", absolute_mg_h, "mg/h"),
            ("per_kg_mg_h", per_kg_mg_h, "mg/h/kg"),
        ):
            if not (math.isfinite(value) and value >= 0):
                raise InputError(f"{name} must be finite and not negative [{unit}]; got {value}.")
        if not ceiling_mg_h > 0:
            raise InputError(f"ceiling_mg_h must be above 0 [mg/h], or infinite for none; got {ceiling_mg_h}.")
        return cls(float(absolute_mg_h), float(per_kg_mg_h), float(ceiling_mg_h))

    @property
    def is_zero(self) -> bool:
        """Whether this rate gives nothing at any weight, in any class."""
        if self.classes.rates:
            return all(rate.is_zero for rate in self.classes.rates)
        return self.ceiling_mg_h == 0 or (self.absolute_mg_h == 0 and self.per_kg_mg_h == 0)

    @property
    def form(self) -> tuple[float, str]:
        """Number and unit as written, otherwise in mg/h or mg/kg/h; without the ceiling; those of the first class."""
        if self.classes.rates:
            return self.classes.rates[0].form
        if self.written:
            return self.written
        return (self.per_kg_mg_h, "mg/kg/h") if self.per_kg_mg_h else (self.absolute_mg_h, "mg/h")

    def of(self, weight_kg: float | None = None, age_year: float | None = None) -> "Rate":
        """Return the rate of a patient's class; what goes by an unknown weight or age stays as it is."""
        trait = weight_kg if self.classes.unit == "kg" else age_year
        if trait is None or not self.classes.rates:
            return self
        return self.classes.rates[bisect_right(self.classes.limits, trait)]

    def at(self, weight_kg: float, age_year: float = REFERENCE_AGE_YEAR) -> float:
        """Rate for one body weight [mg/h], and for one age where classes go by age.

        >>> Rate(per_kg_mg_h=0.1).at(70.0)
        7.0
        """
        if self.classes.rates:
            return self.of(weight_kg, age_year).at(weight_kg)
        return min(self.absolute_mg_h + self.per_kg_mg_h * weight_kg, self.ceiling_mg_h)

    def scaled(self, factor: float) -> "Rate":
        """Multiply every mass of the rate, its ceiling too: for instance from a salt to free base.

        >>> Rate(absolute_mg_h=10.0, ceiling_mg_h=8.0).scaled(0.5)
        Rate(absolute_mg_h=5.0, per_kg_mg_h=0.0, ceiling_mg_h=4.0, classes=Classes(unit='', limits=(), rates=()))
        """
        if rates := self.classes.rates:
            return Rate(classes=replace(self.classes, rates=tuple(rate.scaled(factor) for rate in rates)))
        return Rate(self.absolute_mg_h * factor, self.per_kg_mg_h * factor, self.ceiling_mg_h * factor)


@dataclass(frozen=True, slots=True, order=True)
class Infusion:
    """One infusion at one rate.

    Parameters
    ----------
    start_ms, duration_ms : int
        Start, from the scenario's origin, and length [ms].
    rate : Rate
        Its rate.

    Examples
    --------
    >>> Infusion.create(0.0, 4.0, Rate(absolute_mg_h=25.0)).stop_ms
    14400000
    """

    start_ms: int
    duration_ms: int
    rate: Rate

    @classmethod
    def create(cls, start_h: float, duration_h: float, rate: Rate) -> "Infusion":
        """Round the start and the length [h] to whole milliseconds, then build an infusion.

        Raises
        ------
        InputError
            If the start is negative, or the length rounds to nothing.

        Examples
        --------
        >>> Infusion.create(24.0, 2 / 3, Rate(absolute_mg_h=5.0)).duration_ms
        2400000
        """
        if not (math.isfinite(start_h) and start_h >= 0):
            raise InputError(f"start_h must be finite and not negative [h]; got {start_h}.")
        if not (math.isfinite(duration_h) and round(duration_h * MS_PER_HOUR) > 0):
            raise InputError(f"duration_h must be finite and at least a millisecond [h]; got {duration_h}.")
        return cls(round(start_h * MS_PER_HOUR), round(duration_h * MS_PER_HOUR), rate)

    @property
    def stop_ms(self) -> int:
        """End, milliseconds from the scenario's origin."""
        return self.start_ms + self.duration_ms

    @property
    def is_push(self) -> bool:
        """Whether the infusion is short enough to be given by hand (a push); rate limits do not apply to a push."""
        return self.duration_ms <= LONGEST_PUSH_MS


@dataclass(frozen=True, slots=True)
class Schedule:
    """The canonical piecewise-constant form of a regimen.

    Piece ``k`` lasts from ``edges_ms[k]`` to ``edges_ms[k + 1]``. Adjacent pieces with equal rates are merged.
    The first and the last piece give drug; a piece without terms is a pause. A schedule without pieces gives no drug.

    Parameters
    ----------
    edges_ms : tuple of int
        Ascending edges, milliseconds from the origin: one more than there are pieces, or empty.
    terms : tuple of tuple of Rate
        Rates that are summed in each piece: at most one without a ceiling, then those with a ceiling or with classes,
        sorted.

    Examples
    --------
    >>> Regimen.create("racemic", [Infusion.create(0, 4, Rate(absolute_mg_h=25.0))]).schedule().dose_mg(70.0)
    100.0
    """

    edges_ms: tuple[int, ...] = ()
    terms: tuple[tuple[Rate, ...], ...] = ()

    @property
    def durations_h(self) -> tuple[float, ...]:
        """Length of each piece [h]."""
        return tuple((b - a) / MS_PER_HOUR for a, b in zip(self.edges_ms, self.edges_ms[1:], strict=False))

    def rates(self, weight_kg: float, age_year: float = REFERENCE_AGE_YEAR) -> tuple[float, ...]:
        """Rate in each piece for one body weight, and for one age where classes go by age [mg/h].

        >>> terms = (Rate(absolute_mg_h=5.0), Rate(per_kg_mg_h=1.0, ceiling_mg_h=9.0))
        >>> Schedule((0, 3_600_000), (terms,)).rates(70.0)
        (14.0,)
        """
        return tuple(math.fsum(rate.at(weight_kg, age_year) for rate in piece) for piece in self.terms)

    def dose_mg(self, weight_kg: float, age_year: float = REFERENCE_AGE_YEAR) -> float:
        """Total dose for one body weight, and for one age where classes go by age [mg], free base."""
        return math.fsum(
            rate * hours for rate, hours in zip(self.rates(weight_kg, age_year), self.durations_h, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Regimen:
    """The infusions of one arm.

    Parameters
    ----------
    drug : str
        ``racemic``, ``esketamine``, ``arketamine`` or ``placebo``; the infusions of a placebo are sham.
    infusions : tuple of Infusion
        Sorted by start. Where infusions overlap, their rates are summed.

    Examples
    --------
    >>> Regimen.create("esketamine", [Infusion.create(0, 100, Rate(per_kg_mg_h=0.2))]).dosing_days()
    (0, 1, 2, 3, 4)
    """

    drug: str
    infusions: tuple[Infusion, ...]

    @classmethod
    def create(cls, drug: str, infusions: Iterable[Infusion]) -> "Regimen":
        """Check the drug and sort the infusions, then build a regimen.

        Raises
        ------
        InputError
            If the drug is not known.
        """
        if drug not in DRUGS:
            raise InputError(f"drug must be one of {', '.join(DRUGS)}; got {drug}.")
        return cls(drug, tuple(sorted(infusions)))

    def of(self, weight_kg: float | None = None, age_year: float | None = None) -> "Regimen":
        """Return the regimen of a patient's classes; see `Rate.of`.

        >>> rate = Rate.by_class("year", (65.0,), (Rate(25.0), Rate(15.0)))
        >>> Regimen.create("racemic", [Infusion.create(0, 4, rate)]).of(age_year=70.0).schedule().dose_mg(80.0)
        60.0
        """
        return Regimen.create(self.drug, (replace(i, rate=i.rate.of(weight_kg, age_year)) for i in self.infusions))

    def limits(self, unit: str) -> tuple[float, ...]:
        """Return where classes of body weight [kg] or age [year] begin, ascending."""
        return tuple(sorted({x for i in self.infusions if i.rate.classes.unit == unit for x in i.rate.classes.limits}))

    @property
    def stop_ms(self) -> int:
        """End of the last infusion, milliseconds from the origin; 0 without infusions."""
        return max((infusion.stop_ms for infusion in self.infusions), default=0)

    def sham(self) -> "Regimen":
        """Return the same sessions with placebo instead of drug."""
        return replace(self, drug="placebo")

    def schedule(self) -> Schedule:
        """Compile the infusions to their canonical piecewise-constant form; without pieces for placebo.

        Two regimens that give every patient the same rates at all times have equal schedules.

        >>> rate = Rate(absolute_mg_h=25.0)
        >>> halves = [Infusion.create(0, 2, rate), Infusion.create(2, 2, rate)]
        >>> whole = [Infusion.create(0, 4, rate)]
        >>> Regimen.create("racemic", halves).schedule() == Regimen.create("racemic", whole).schedule()
        True
        """
        if self.drug == "placebo":
            return Schedule()
        return _compile(self.infusions)

    def dosing_days(self) -> tuple[int, ...]:
        """Days on which drug or sham runs, ascending; day ``k`` is the 24 h from ``24 * k`` h (`day k + 1` in a file).

        >>> Regimen.create("racemic", [Infusion.create(22, 4, Rate(absolute_mg_h=25.0))]).dosing_days()
        (0, 1)
        """
        days: set[int] = set()
        for infusion in self.infusions:
            if infusion.duration_ms > 0 and not infusion.rate.is_zero:
                days.update(day for day, _, _ in by_days(infusion.start_ms, infusion.stop_ms))
        return tuple(sorted(days))

    def courses(self, gap_ms: int = 7 * MS_PER_DAY) -> tuple[tuple[int, int], ...]:
        """Group the sessions into courses, stretches without a pause of `gap_ms` or more: start and end of each [ms].

        >>> day, rate = 24, Rate(absolute_mg_h=25.0)
        >>> sessions = [Infusion.create(k * day, 4, rate) for k in (0, 1, 14)]
        >>> [(a / 3_600_000, b / 3_600_000) for a, b in Regimen.create("racemic", sessions).courses()]
        [(0.0, 28.0), (336.0, 340.0)]
        """
        result: list[tuple[int, int]] = []
        for infusion in self.infusions:
            if infusion.duration_ms <= 0 or infusion.rate.is_zero:
                continue
            if result and infusion.start_ms - result[-1][1] < gap_ms:
                result[-1] = (result[-1][0], max(result[-1][1], infusion.stop_ms))
            else:
                result.append((infusion.start_ms, infusion.stop_ms))
        return tuple(result)


def by_days(start_ms: int, stop_ms: int) -> Iterator[tuple[int, int, int]]:
    """Cut a stretch of time into its days: the day, counted from 0, and start and end of its part [ms]."""
    for day in range(start_ms // MS_PER_DAY, -(-stop_ms // MS_PER_DAY)):
        yield day, max(start_ms, day * MS_PER_DAY), min(stop_ms, (day + 1) * MS_PER_DAY)


def _compile(infusions: tuple[Infusion, ...]) -> Schedule:
    """Sweep over all edges, keeping the rates that run, then merge equal neighbours and trim pauses."""
    running = [_plain(i) for i in infusions if i.duration_ms > 0 and not i.rate.is_zero]
    edges = sorted({i.start_ms for i in running} | {i.stop_ms for i in running})
    waiting = sorted(running, key=lambda i: i.start_ms, reverse=True)
    active: list[Infusion] = []
    pieces: list[tuple[int, tuple[Rate, ...]]] = []
    for edge in edges:
        active = [i for i in active if i.stop_ms > edge]
        while waiting and waiting[-1].start_ms == edge:
            active.append(waiting.pop())
        terms = _added([i.rate for i in active])
        if not pieces or pieces[-1][1] != terms:
            pieces.append((edge, terms))
    # the sweep ends on a pause at the last edge, and starts on a piece with drug
    return Schedule(tuple(edge for edge, _ in pieces), tuple(terms for _, terms in pieces[:-1]))


def _plain(infusion: Infusion) -> Infusion:
    """Resolve a ceiling that does not depend on weight, so that it compares equal to the plain rate."""
    return replace(infusion, rate=_without_idle_ceiling(infusion.rate))


def _without_idle_ceiling(rate: Rate) -> Rate:
    if classes := rate.classes.rates:
        return Rate.by_class(rate.classes.unit, rate.classes.limits, [_without_idle_ceiling(one) for one in classes])
    if rate.per_kg_mg_h == 0 and rate.ceiling_mg_h != math.inf:
        return Rate(min(rate.absolute_mg_h, rate.ceiling_mg_h))
    return rate


def _added(rates: list[Rate]) -> tuple[Rate, ...]:
    """Add rates without ceiling and classes into one; the others stay apart, sorted."""
    free = [rate for rate in rates if rate.ceiling_mg_h == math.inf and not rate.classes.rates]
    capped = sorted(rate for rate in rates if rate.ceiling_mg_h != math.inf or rate.classes.rates)
    if not free:
        return tuple(capped)
    # fsum rounds once, so the order in which sessions were written cannot matter
    total = Rate(math.fsum(r.absolute_mg_h for r in free), math.fsum(r.per_kg_mg_h for r in free))
    return (total, *capped)
