"""A regimen compared with published ones and with guidance: what differs, without judging it."""

import math
from collections.abc import Iterator

from msgspec import Struct, structs

from letheon import library
from letheon.dosing.doses import Doses, doses_of
from letheon.dosing.regimen import Infusion, Rate
from letheon.library import Guidance, Study, StudyArm
from letheon.library.evidence import CONTROLS
from letheon.scenario import Arm
from letheon.study.regimens import DRUGS
from letheon.units import REFERENCE_WEIGHT_KG

__all__ = ["Advice", "Beside", "Published", "advice_beside", "published_beside"]

_ALIKE = 1.1  # ratio within which two numbers count as the same: studies round, and state means
COMPARED = ("rate_mg_h", "day_mg", "course_mg", "hours", "days", "interval_h")


class Published(Struct, frozen=True):
    """A regimen of a study in CRPS, for 70 kg."""

    study: str
    arm: str
    design: str
    setting: str
    patients: str
    drug: str  # as the study says it
    read: str  # how the regimen was read
    source: str  # key of the library's sources
    doses: Doses


class Beside(Struct, frozen=True):
    """What differs from a published regimen: how many times as much is given here, by measure; the rest is alike."""

    published: Published
    times: dict[str, float]
    not_compared: tuple[str, ...]  # measures that one of the two has not


class Advice(Struct, frozen=True):
    """A statement of a guideline, what the arm has of its measure, and where published regimens in CRPS lie."""

    id: str
    statement: str
    written_for: str
    measure: str
    at_least: float | None
    at_most: float | None
    here: tuple[float, float]  # lowest and highest
    place: str  # below, within, above; or partly, where a titration leaves it open
    published_within: int  # published regimens in CRPS of this drug that keep to it ...
    published: int  # ... of so many
    read: str
    via: str
    note: str
    source: str


def published_beside(arm: Arm) -> tuple[Beside, ...]:
    """Return published regimens of an arm's drug in CRPS, the nearest first."""
    own = doses_of(arm.regimen.infusions, REFERENCE_WEIGHT_KG, arm.policy)
    return tuple(sorted((_beside(own, one) for one in _published(arm.drug)), key=_distance))


def advice_beside(arm: Arm) -> tuple[Advice, ...]:
    """Return what guidelines say of measures that an arm has."""
    own = doses_of(arm.regimen.infusions, REFERENCE_WEIGHT_KG, arm.policy)
    known = [one.doses for one in _published(arm.drug)]
    boosters = arm.policy.boosters
    some = ((one, _measure(one.measure, own)) for one in library.guidance() if one.measure != "boosters_per_year")
    rows = [_advice(one, here, known) for one, here in some if here is not None]
    if boosters is not None:
        most = float(boosters.at_most or (0 if boosters.on_relapse else -(-365 // boosters.shortest_gap_days)))
        of_boosters = (one for one in library.guidance() if one.measure == "boosters_per_year")
        rows += [_advice(one, (most, most), []) for one in of_boosters if most]
    return tuple(rows)


def _published(drug: str) -> Iterator[Published]:
    for study in library.studies():
        if study.diagnosis != "CRPS":
            continue
        groups: dict[str, StudyArm] = {}
        for arm in study.arms:
            same = arm.drug not in CONTROLS and DRUGS.get(arm.drug, arm.drug) == drug and arm.route == "iv"
            if same and arm.infusions and not arm.contradicted:
                # of variants of one arm, the one that holds what is not known of it
                groups[arm.group] = arm if arm.titration else groups.get(arm.group, arm)
        yield from (_as_published(study, arm) for arm in groups.values())


def _as_published(study: Study, arm: StudyArm) -> Published:
    infusions = (Infusion.create(start, hours, Rate(rate)) for start, hours, rate in arm.infusions)
    doses = doses_of(infusions, REFERENCE_WEIGHT_KG)
    if arm.titration:
        most = arm.titration.most
        lowest, hours = arm.titration.reached[0], doses.hours
        doses = structs.replace(doses, rate_mg_h=(lowest, most), day_mg=(doses.day_mg[0], most * min(24.0, hours)))
    return Published(
        study=study.id,
        arm=arm.group,
        design=study.design,
        setting=study.setting,
        patients=study.population.text,
        drug=arm.drug,
        read=arm.verified,
        source=study.source,
        doses=doses,
    )


def _beside(own: Doses, other: Published) -> Beside:
    times: dict[str, float] = {}
    absent: list[str] = []
    for name in COMPARED:
        here, there = (_span(getattr(doses, name)) for doses in (own, other.doses))
        if here is None or there is None:
            if here is not there:
                absent.append(name)
        elif (ratio := _ratio(here, there)) != 1.0:
            times[name] = ratio
    return Beside(other, times, tuple(absent))


def _span(value: float | tuple[float, float] | None) -> tuple[float, float] | None:
    if isinstance(value, tuple):
        return value if value[1] > 0 else None
    return (value, value) if value else None


def _ratio(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Return how many times as much is given here as there; 1 where the two may be alike."""
    if here[0] > there[1] * _ALIKE:
        return here[0] / there[1]
    if here[1] * _ALIKE < there[0]:
        return here[1] / there[0]
    return 1.0


def _distance(row: Beside) -> tuple[float, str, str]:
    apart = sum(abs(math.log(ratio)) for ratio in row.times.values()) + len(row.not_compared)
    return apart, row.published.study, row.published.arm


def _measure(measure: str, doses: Doses) -> tuple[float, float] | None:
    """Return what a regimen has of what a guideline speaks of; None where it has none of it."""
    if measure == "push_mg_kg":
        push = doses.push_mg / REFERENCE_WEIGHT_KG
        return (push, push) if push else None
    low, high = doses.course_mg if measure == "course_mg" else (rate / REFERENCE_WEIGHT_KG for rate in doses.rate_mg_h)
    return (low, high) if high else None


def _advice(one: Guidance, here: tuple[float, float], known: list[Doses]) -> Advice:
    others = [span for doses in known if (span := _measure(one.measure, doses)) is not None]
    return Advice(
        id=one.id,
        statement=one.statement,
        written_for=one.written_for,
        measure=one.measure,
        at_least=one.at_least,
        at_most=one.at_most,
        here=here,
        place=_place(here, one),
        published_within=sum(_place(span, one) in ("within", "partly within") for span in others),
        published=len(others),
        read=one.verified,
        via=one.via,
        note=one.note,
        source=one.source,
    )


def _place(here: tuple[float, float], one: Guidance) -> str:
    slack = 1 + 1e-6
    low, high = one.at_least or 0.0, math.inf if one.at_most is None else one.at_most
    if here[1] * slack < low:
        return "below"
    if here[0] > high * slack:
        return "above"
    return "within" if here[0] * slack >= low and here[1] <= high * slack else "partly within"
