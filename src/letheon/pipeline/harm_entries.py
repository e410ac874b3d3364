"""What a result document says about harms: simulated ones by patient, counted ones by kind of regimen.

Each entry has an estimate or none, an interval, how far to trust it, its sources, and what a reader must know. Where
another drug is given beside, only bounds are known for what it changes: then the estimate goes, and the interval holds
both ends.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from msgspec.structs import replace

from letheon import library
from letheon.dosing.policy import Boosters
from letheon.dosing.regimen import MS_PER_DAY, Infusion, Regimen
from letheon.harms import comedication, counts, exposure, liver, mood
from letheon.harms.bladder import laws as bladder
from letheon.harms.estimate import Estimate, exact_interval
from letheon.patients.uncertainty import typical_values
from letheon.pipeline import result as records
from letheon.pipeline.average import Pool
from letheon.pipeline.harms import KINDS, SECTIONS, Kind
from letheon.pipeline.labels import support_of
from letheon.pipeline.result import UNSET, BladderLaw, HarmEstimate, HarmResult, Interval
from letheon.pipeline.support import earliest_booster
from letheon.scenario import Arm, Beside, Scenario
from letheon.units import HOURS_PER_YEAR, REFERENCE_WEIGHT_KG

__all__ = ["arm_harms"]

_ANY = (0.0, np.inf)
_SIMULATED, _COUNTED = 0.90, 0.95
_UNKNOWN_LIVER = "Not known: from which length, dose or waiting time on a regimen hurts the liver."
_UNKNOWN_BLADDER = (
    "Not known: what infusions do to a bladder. Both laws were fitted to people who take grams a day and fit them "
    "equally well; at the doses of infusions nothing tells them apart, and nobody has screened the bladders of "
    "infusion patients in a prospective study."
)
_WATER = (
    " With {urine:.3g} L of urine a day (where the laws were calibrated: {flow:g} L, assumed) each law is shown twice: "
    "by dose, where water changes nothing, and by concentration in urine, which water thins. Six users with symptoms "
    "felt better on more water; nobody has measured more."
)
_NO_DRUG = "Without drug."


_BOUNDS = {"%": (0.0, 100.0), "share": (0.0, 1.0)}
_NO_SESSION = (
    "Drug for a day or more without a pause was never studied in depression, and is not so many sessions: from what "
    "the masked trial saw to what a session a day would do."
)
_BLADDER = {
    "bladder_lasting_loss": ("lasting", "share", "A loss of capacity beyond about a third, at any time."),
    "bladder_symptoms": (
        *("symptoms", "share"),
        "Any urinary symptom when it is most likely; 24 % of people who never took ketamine have one.",
    ),
    "bladder_symptoms_end": ("symptoms_end", "share", "Any urinary symptom at the end of the follow-up."),
    "bladder_lost": ("lost", "mL", "Functional capacity lost, at its most."),
    "bladder_lost_end": ("lost_end", "mL", "Functional capacity lost, at the end of the follow-up."),
    "bladder_capacity": ("capacity", "mL", "Least functional capacity during the follow-up."),
    "bladder_anaesthetic": ("anaesthetic", "mL", "Least capacity under anaesthesia during the follow-up."),
}

Pools = Callable[[str], Pool]  # what patients left, by name
Entries = dict[str, HarmEstimate]


def _simulated(kind: Kind, pools: Pools) -> HarmEstimate:
    pool = pools(f"harm_{kind.column}")
    # a rise of cardiac output is a share of what flows at rest, and may exceed it
    bounds = _ANY if kind.column == "output" else _BOUNDS.get(kind.unit, _ANY)
    numbers = library.harms(SECTIONS[kind.group])
    return HarmEstimate(
        group=kind.group,
        estimate=pool.mean,
        interval=pool.means.interval(bounds),
        interval_level=_SIMULATED,
        unit=kind.unit,
        support=kind.support,
        sources=tuple(dict.fromkeys(s for name in kind.numbers.split() for s in numbers[name].sources)),
        note=kind.note,
        **({} if kind.unit == "share" else _ends("", pool)),
    )


def _labelled(scenario: Scenario, arm: Arm, entries: Entries) -> Entries:
    """Label each harm, with the studies behind it: `randomised` only where an arm is like that of the trial."""
    trial = support_of(scenario, arm, "psychomimetic_elicited", None)
    tied = set(library.harms("psychedelic")["treated"].sources)
    labelled = {}
    for name, entry in entries.items():
        label, basis = entry.support, entry.sources
        if name == "psychomimetic_elicited" or label == "randomised":
            basis = tuple(study for study in trial.studies if study in tied)
            label = trial.label if basis else "assumed"
        labelled[name] = replace(entry, support=label, basis=() if label in ("assumed", "not identified") else basis)
    return labelled


def _counted(known: Estimate, group: str) -> HarmEstimate:
    return HarmEstimate(
        group=group,
        estimate=known.estimate,
        interval=known.interval,
        interval_level=_COUNTED,
        unit=known.unit,
        support=known.support,
        sources=tuple(known.sources),
        note=known.note,
        beyond_placebo=True if known.note.startswith(counts.BEYOND) else UNSET,
    )


def _bounded(entry: HarmEstimate, interval: tuple[float, float], drug: str) -> HarmEstimate:
    """Take the estimate away, for the other drug changes it by nobody knows how much; keep what was without it."""
    if interval == entry.interval:
        return entry
    names = {"clonidine": ("doak1993", "suleiman2016", "handa2000"), "midazolam": ("suzuki2000", "krystal1998")}[drug]
    return replace(
        entry,
        **_NO_NUMBER,
        interval=interval,
        support="assumed",
        sources=tuple(dict.fromkeys([*entry.sources, *names])),
        note=f"{entry.note} With {drug} beside: a direction and bounds are known, no size.",
        without_beside=records.WithoutBeside(entry.estimate, entry.interval),
    )


_NO_NUMBER = {"estimate": None, "q05": UNSET, "q95": UNSET}


def _with_beside(entries: Entries, beside: Beside, pools: Pools, dosed: bool) -> None:
    """Widen what clonidine and midazolam change; without ketamine there is no excess for them to change."""
    calm, quiet = comedication.clonidine(beside.clonidine_mg), comedication.midazolam(beside.midazolam_mg > 0)
    numbers = typical_values()
    draw = pools("draw").values[0].astype(int)
    floor = numbers["psychedelic.background"][draw]
    backgrounds = {
        "psychomimetic_elicited": float(floor.mean()),
        "psychomimetic_spontaneous": float((floor * numbers["psychedelic.spontaneous_share"][draw]).mean()),
        "counted_psychomimetic": library.harms("psychedelic")["background"].value,
    }
    both = ("", "_unasked")
    counted = [f"counted_{effect}{style}" for effect in ("psychomimetic", "hallucination") for style in both]
    scaled = [("clonidine", calm["pulse"], ["pulse"])]
    scaled += [("clonidine", calm["pressure"], ["systolic_pressure", "diastolic_pressure"])]
    scaled += [("clonidine", calm["night terrors"], [f"counted_night_terrors{style}" for style in both])]
    scaled += [("midazolam", quiet["psychomimetic"], ["psychomimetic_elicited", "psychomimetic_spontaneous", *counted])]
    for drug, factors, names in scaled if dosed else ():
        for name in names if factors != comedication.NO_CHANGE else ():
            interval = comedication.scaled_excess(entries[name].interval, backgrounds.get(name, 0.0), factors)
            entries[name] = _bounded(entries[name], interval, drug)
    for name in ("counted_sedation", "counted_sedation_unasked"):
        if quiet["sedation"] != comedication.NO_CHANGE:
            interval = comedication.scaled_odds(entries[name].interval, quiet["sedation"])
            entries[name] = _bounded(entries[name], interval, "midazolam")


def _mood(entries: Entries, long: bool) -> None:
    """Leave a range, from masked to unmasked, where drug runs for a day or more: that is not a session a day."""
    masked = mood.masked()
    most = entries["mood_fall"].estimate
    for name in ("mood_fall", "mood_fall_end") if long else ():
        entry = entries[name]
        left = (entry.estimate or 0.0) / most if most else 0.0  # what the masked trial saw fades alike
        entries[name] = replace(
            entry,
            **_NO_NUMBER,
            interval=(min(entry.interval[0], left * masked.interval[0]), entry.interval[1]),
            support="not identified",
            sources=(*entry.sources, *masked.sources),
            note=f"{entry.note} {_NO_SESSION}",
        )


def _law(column: str, unit: str, pools: Pools) -> BladderLaw:
    """Return one law's mean over patients; none where so few are hurt that no simulated patient was."""
    pool = pools(f"harm_{column}")
    mean = pool.mean
    low, high = pool.means.interval(_BOUNDS.get(unit, _ANY))
    if column.endswith("lasting"):
        n = len(pool.values[0])
        exact = exact_interval(round(mean * n), n, _SIMULATED)
        return BladderLaw(mean or None, (min(low, exact[0]), max(high, exact[1])))
    spread = {} if unit == "share" else _ends("", pool)
    return BladderLaw(mean, (min(low, mean), max(high, mean)), **spread)


def _ends(name: str, pool: Pool) -> dict[str, Any]:
    """Return the 5 % and 95 % quantiles of patients."""
    return dict(zip((f"{name}q05", f"{name}q95"), pool.quantiles((0.05, 0.95)), strict=True))


def _bladder(pools: Pools, dosed: bool, urine: float | None) -> Entries:
    """Return what both injury laws say, with no estimate above them."""
    names = [name for name, _, _ in bladder.variants(urine is not None)]
    sources = dict.fromkeys(s for row in library.bladder_rows() if row.role == "calibrate" for s in row.sources)
    unknown = _UNKNOWN_BLADDER
    if urine is not None:
        flow = library.harms("bladder")["urine_flow"].value
        unknown += _WATER.format(urine=24.0 * urine, flow=flow)
    entries = {}
    for name, (column, unit, note) in _BLADDER.items():
        laws = {law: _law(f"bladder_{law}_{column}", unit, pools) for law in names}
        if not dosed and column == "lasting":
            laws = dict.fromkeys(names, BladderLaw(0.0, (0.0, 0.0)))
        if column.startswith("symptoms"):  # nothing tells a symptom of the drug from one that people have anyway
            without = library.harms("bladder")["background"].range
            laws = {law: BladderLaw(None, _spanning(one.interval, without)) for law, one in laws.items()}
        ends = [law.interval for law in laws.values()]
        entries[name] = HarmEstimate(
            group="bladder",
            estimate=None,
            interval=(min(low for low, _ in ends), max(high for _, high in ends)),
            interval_level=_SIMULATED,
            unit=unit,
            support="not identified" if dosed else "assumed",
            sources=tuple(sources),
            note=note if dosed else f"{_NO_DRUG} {note}",
            unknown=unknown,
            laws=laws,
        )
    return entries


def _spanning(one: Interval, other: Interval) -> Interval:
    return (min(one[0], other[0]), max(one[1], other[1]))


def _regimen(arm: Arm, runs: tuple[exposure.Stretch, ...], weight_kg: float) -> Entries:
    """Return what goes by how strong and how long a regimen is."""
    weakest, strongest = _intensities(arm, weight_kg)
    entries = {}
    for effect in counts.EFFECTS:
        for style, suffix in (("elicited", ""), ("spontaneous", "_unasked")):
            one, other = (counts.estimate_of(effect, regimen, style) for regimen in (weakest, strongest))
            entries[f"counted_{effect.replace(' ', '_')}{suffix}"] = _counted(_spanned(one, other), "counted")
    ends = _spanned(*(liver.estimate_of(runs, regimen) for regimen in (weakest, strongest)))
    entries["liver_injury"] = replace(_counted(ends, "liver"), pattern=liver.pattern(runs), unknown=_UNKNOWN_LIVER)
    if runs:
        schedule = _with_a_booster(arm).schedule()
        hours = exposure.daily_hours(schedule, -(-schedule.edges_ms[-1] // MS_PER_DAY))
        most = float((hours @ np.array(schedule.rates(weight_kg))).max()) / weight_kg
        share = mood.responders(most, counts.is_long(runs))
        entries |= {"mood_responders": _counted(share, "mood"), "mood_masked": _counted(mood.masked(), "mood")}
    return entries


def _intensities(arm: Arm, weight_kg: float) -> tuple[exposure.Intensity, exposure.Intensity]:
    """Return how strong an arm is as written, and at the highest rate that titration may reach: over all classes."""
    ends: list[exposure.Intensity] = []
    for one in arm.each_class():
        ends.append(written := exposure.intensity(_with_a_booster(one), weight_kg))
        if (titration := one.policy.titration) and written.hours:
            highest = titration.highest.at(weight_kg) / weight_kg * exposure.esketamine_share(arm.drug)
            ends.append(written._replace(rate=max(written.rate, highest)))
    return min(ends, key=lambda end: end.rate), max(ends, key=lambda end: end.rate)


def _spanned(weakest: Estimate, strongest: Estimate) -> Estimate:
    """Return an estimate that holds from the weakest to the strongest that patients may be given."""
    if weakest == strongest:
        return weakest
    low, high = weakest.interval[0], strongest.interval[1]
    same = weakest.estimate == strongest.estimate
    support = max(weakest.support, strongest.support, key=library.SUPPORT_LABELS.index)
    return dataclasses.replace(
        strongest, estimate=weakest.estimate if same else None, interval=(low, high), support=support
    )


def _with_a_booster(arm: Arm) -> Regimen:
    """Return the timetable of an arm with its first booster at the earliest: the kind of regimen that it amounts to."""
    boosters = arm.policy.boosters
    if boosters is None or arm.drug == "placebo":
        return arm.given
    start = int(earliest_booster(arm)) * MS_PER_DAY
    session = (Infusion(start + i.start_ms, i.duration_ms, i.rate) for i in boosters.rung(0).session)
    return Regimen.create(arm.drug, (*arm.given.infusions, *session))


def _cumulative(scenario: Scenario, arm: Arm, pools: Pools) -> exposure.Cumulative:
    """Add up what is given; with boosters, limits, pauses or stops, the mean over patients."""
    total = exposure.cumulative(arm.given, REFERENCE_WEIGHT_KG, scenario.follow_up_h)
    titration = arm.policy.titration
    halts = titration is not None and (titration.on_harm == "stop" or titration.pause_ms > 0)
    if arm.drug == "placebo" or not (arm.policy.boosters or arm.policy.limits or halts):
        return total
    if arm.policy.boosters is None:
        return total._replace(
            hours=round(pools("drip_hours").mean, 1), infusion_days=round(pools("dosing_days").mean, 1)
        )
    boosters = round(pools("boosters").mean, 1)
    sessions = _booster_sessions(arm.policy.boosters, boosters)
    years = max(scenario.follow_up_h / HOURS_PER_YEAR, 1.0)
    courses = total.courses + boosters
    return total._replace(
        hours=round(pools("drip_hours").mean, 1),
        infusion_days=round(pools("dosing_days").mean, 1),
        sessions=total.sessions + sessions,
        courses=courses,
        courses_a_year=courses / years,
    )


def _booster_sessions(rule: Boosters, boosters: float) -> float:
    """Return the sessions of so many boosters on average; exact where all patients have them of the same rungs."""

    def each(number: int) -> int:
        return len(exposure.stretches(Regimen.create("racemic", rule.rung(number).session).schedule()))

    whole = int(boosters)
    return sum(map(each, range(whole))) + (boosters - whole) * each(whole)


def _exposure(scenario: Scenario, arm: Arm, pools: Pools) -> records.Exposure:
    """Return how much drug patients get."""
    total, dose = _cumulative(scenario, arm, pools), pools("dose_mg")
    own = exposure.cumulative(arm.given, REFERENCE_WEIGHT_KG, scenario.follow_up_h)
    boosted, urine = arm.policy.boosters and arm.drug != "placebo", scenario.population.urine
    return records.Exposure(
        dose_mg=dose.mean,
        **_ends("dose_mg_", dose),
        hours=total.hours,
        infusion_days=total.infusion_days,
        sessions=total.sessions,
        courses=total.courses,
        courses_a_year=total.courses_a_year,
        timetable=records.TimetableExposure(own.hours, own.infusion_days, own.sessions) if boosted else UNSET,
        urine_l_day=UNSET if urine is None else 24.0 * urine,
    )


def arm_harms(scenario: Scenario, arm: Arm, pools: Pools) -> HarmResult:
    """Return the harms of an arm: drugs beside, exposure, and one entry for each harm.

    `pools` returns what the patients left, and means of the same under each draw: ``dose_mg``, ``draw`` and columns
    named ``harm_…``.
    """
    runs = exposure.stretches(_with_a_booster(arm).schedule())
    dosed, population = bool(runs), scenario.population
    entries = {name: _simulated(kind, pools) for name, kind in KINDS.items()}
    entries |= _regimen(arm, runs, population.weight.mean)
    entries |= _bladder(pools, dosed, population.urine)
    _mood(entries, counts.is_long(runs))
    _with_beside(entries, arm.beside, pools, dosed)
    return HarmResult(
        beside=records.BesideDoses(arm.beside.clonidine_mg, arm.beside.midazolam_mg),
        exposure=_exposure(scenario, arm, pools),
        entries=_labelled(scenario, arm, entries),
    )
