"""The rules of an arm as records, quantities as they were written: for results, worksheets and the words about them."""

import msgspec

from letheon.dosing.policy import Boosters, DoseLimits, Policy, Titration
from letheon.dosing.regimen import class_names
from letheon.units import MS_PER_HOUR

__all__ = [
    "BoosterRules",
    "LimitRules",
    "PolicyRules",
    "Quantity",
    "RungRules",
    "StopRules",
    "TitrationRules",
    "WeanRules",
    "policy_rules",
]


class Quantity(msgspec.Struct, frozen=True):
    """A quantity as it was written."""

    value: int | float
    unit: str


class StopRules(msgspec.Struct, frozen=True):
    """What ends boosters; None where a rule does not apply."""

    no_response: int | None  # courses and boosters in a row without remission
    harm: str | None  # reports of a psychedelic effect that count: spontaneous or elicited
    dose_mg: int | float | None  # most drug in all [mg]
    dose: Quantity | None  # the same as it was written


class RungRules(msgspec.Struct, frozen=True):
    """One rung of a ladder of boosters."""

    gap_days: tuple[int, int]  # fewest and most days from the last session to each booster
    times: int | None  # boosters of the rung; None where it goes on
    infusions: int  # infusions and pushes of each booster
    hours: float  # length of each booster, from its start to the end of its last infusion [h]


class BoosterRules(msgspec.Struct, frozen=True):
    """When boosters are given."""

    when: str  # relapse or calendar
    gaps_days: tuple[int, ...]  # before the boosters of each rung, the fewest of a range [days]; empty on relapse
    wait_days: int | None  # from relapse to booster [days]; None by the calendar
    apart_days: int  # least interval between a booster and another session [days]
    at_most_per_year: int | None  # most boosters in any 365 days
    times: int | None  # most boosters in all
    stop: StopRules
    # where boosters differ, or the days to them are drawn from a range
    ladder: tuple[RungRules, ...] | msgspec.UnsetType = msgspec.UNSET


class TitrationClass(msgspec.Struct, frozen=True):
    """What holds for one class of body weight or age."""

    who: str  # such as `below 50 kg`
    step: Quantity
    min: Quantity
    max: Quantity


class TitrationRules(msgspec.Struct, frozen=True):
    """How the rate is changed during the infusion."""

    every_h: float  # time between two decisions [h]
    step: Quantity
    min: Quantity
    max: Quantity
    relief: int | float  # share of baseline pain that must be gone for the rate to be held
    harm: str  # reports of a psychedelic effect that count: spontaneous or elicited
    on_harm: str  # down, hold, halve, stop or pause
    pause_h: float | msgspec.UnsetType = msgspec.UNSET  # length of the pause [h]
    # where patients have classes; above, step and limits are those of the first
    classes: tuple[TitrationClass, ...] | msgspec.UnsetType = msgspec.UNSET


class WeanRules(msgspec.Struct, frozen=True):
    """How the rate is taken down after the last session."""

    over_h: float  # from the end of the last session [h]
    steps: int


class LimitRules(msgspec.Struct, frozen=True):
    """How much a patient is given at most; None for no limit."""

    per_day_mg: int | float | None  # from 24 (k - 1) to 24 k h [mg]
    per_day: Quantity | None  # the same as it was written
    in_all_mg: int | float | None  # in the whole arm, boosters included [mg]
    in_all: Quantity | None


class PolicyRules(msgspec.Struct, frozen=True):
    """What is decided on the way: when boosters are given, and how the rate is changed."""

    boosters: BoosterRules | None
    titration: TitrationRules | None
    wean: WeanRules | msgspec.UnsetType = msgspec.UNSET
    limits: LimitRules | msgspec.UnsetType = msgspec.UNSET


def policy_rules(policy: Policy) -> PolicyRules | None:
    """Return the rules of an arm as a record; None for a fixed timetable.

    Examples
    --------
    >>> policy_rules(Policy()) is None
    True
    """
    if policy == Policy():
        return None
    boosters, titration, stops = policy.boosters, policy.titration, policy.stops
    booster_rules = titration_rules = None
    if boosters is not None:
        dose = Quantity(*(stops.dose_written or (stops.dose_mg, "mg"))) if stops.dose_mg else None
        booster_rules = BoosterRules(
            when="relapse" if boosters.on_relapse else "calendar",
            gaps_days=() if boosters.on_relapse else tuple(rung.gap_days[0] for rung in boosters.rungs),
            wait_days=boosters.wait_days if boosters.on_relapse else None,
            apart_days=boosters.apart_days,
            at_most_per_year=boosters.at_most or None,
            times=boosters.times or None,
            stop=StopRules(stops.no_response or None, stops.harm or None, stops.dose_mg or None, dose),
            ladder=_ladder(boosters) or msgspec.UNSET,
        )
    if titration is not None:
        titration_rules = TitrationRules(
            every_h=titration.every_ms / MS_PER_HOUR,
            step=Quantity(*titration.step.form),
            min=Quantity(*titration.lowest.form),
            max=Quantity(*titration.highest.form),
            relief=titration.relief,
            harm="elicited" if titration.elicited else "spontaneous",
            on_harm="pause" if titration.pause_ms else titration.on_harm,
            pause_h=titration.pause_ms / MS_PER_HOUR if titration.pause_ms else msgspec.UNSET,
            classes=_titration_classes(titration) or msgspec.UNSET,
        )
    wean = policy.wean and WeanRules(policy.wean.over_ms / MS_PER_HOUR, policy.wean.steps)
    limits = policy.limits and _limits(policy.limits)
    return PolicyRules(booster_rules, titration_rules, wean or msgspec.UNSET, limits or msgspec.UNSET)


def _ladder(boosters: Boosters) -> tuple[RungRules, ...]:
    *before, last = boosters.rungs
    plain = all(rung.times == 1 and rung.gap_days[0] == rung.gap_days[1] for rung in boosters.rungs)
    if plain and len(boosters.sessions) == 1:
        return ()
    more = boosters.times - sum(rung.times for rung in before) if boosters.times else None
    times = (*(rung.times for rung in before), more)
    return tuple(
        RungRules(rung.gap_days, often, len(rung.session), max(one.stop_ms for one in rung.session) / MS_PER_HOUR)
        for rung, often in zip((*before, last), times, strict=True)
    )


def _titration_classes(titration: Titration) -> tuple[TitrationClass, ...]:
    rates = titration.step, titration.lowest, titration.highest
    unit = next((rate.classes.unit for rate in rates if rate.classes.rates), None)
    if unit is None:
        return ()
    limits = sorted({limit for rate in rates for limit in rate.classes.limits})
    each = [[Quantity(*rate.of(trait, trait).form) for rate in rates] for trait in (0.0, *limits)]
    return tuple(TitrationClass(who, *three) for who, three in zip(class_names(unit, limits), each, strict=True))


def _limits(limits: DoseLimits) -> LimitRules:
    def quantity(mg: float, written: tuple[float, str] | None) -> Quantity | None:
        return Quantity(*(written or (mg, "mg"))) if mg else None

    per_day, in_all = limits.per_day_mg, limits.in_all_mg
    return LimitRules(
        per_day or None,
        quantity(per_day, limits.per_day_written),
        in_all or None,
        quantity(in_all, limits.in_all_written),
    )
