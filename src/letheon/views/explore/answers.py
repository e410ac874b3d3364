"""The questions that people ask, answered in plain words from the result on the screen and from the library."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from letheon import library
from letheon.definitions import LAST_SUPPORTED_DAY
from letheon.pipeline.result import Against, ArmResult, Endpoint, HarmEstimate, RegimenSupport, RunResult, TimeToRelapse
from letheon.views.document import numbers
from letheon.views.document.numbers import amount
from letheon.views.figures.curves import endpoint_days
from letheon.views.subjects import harms, names, relief

_LONG_H = 24.0  # longer without a break is a stay in hospital

_CALM_WITH_FLARES = (
    "In the model a few patients stay in a calm state until a flare ends it; whether real ones do is not known."
)
_CALM_WITHOUT = (
    "With flares switched off a patient who has left the state of pain never goes back: the model assumes this, no "
    "study has seen it."
)


class Label(Struct, frozen=True):
    """A support label and the studies that it rests on."""

    support: str
    basis: tuple[str, ...] = ()


class Reference(Struct, frozen=True):
    """A source, where it is, and how its numbers were read."""

    citation: str
    title: str
    link: str
    read: str


class Answer(Struct, frozen=True):
    """An answer in plain text."""

    id: str  # key of the question
    short: str  # what a reader must know
    more: list[str]
    support: list[Label]  # of its numbers
    sources: list[Reference]


def answers(result: RunResult, name: str) -> list[Answer]:
    """Answer every question about an arm that gives a drug."""
    arm = result.arms[name]
    return [
        _involves(arm),
        _cells(result, arm),
        _lasts(result, name),
        _cure(result, name),
        _boosters(result, arm),
        _effects(arm),
        _bladder(arm),
        _mood(arm),
        _evidence(arm),
    ]


def _answer(
    id: str, short: str, more: Iterable[str] = (), support: Iterable[Label] = (), sources: Iterable[str] = ()
) -> Answer:
    labels = list(dict.fromkeys(label for label in support if label.support))
    known = library.sources()
    cited = [known[key] for key in dict.fromkeys(sources) if key in known]
    references = [Reference(one.citation, one.title, one.link, one.note) for one in cited]
    return Answer(id, short, [text for text in more if text], labels, references)


_ASSUMED = Label("assumed")


def _label(entry: Against | Endpoint | TimeToRelapse | HarmEstimate | RegimenSupport | relief.Statement) -> Label:
    return Label(entry.support or "", tuple(entry.basis or ()))


def _both(entry: Endpoint) -> list[Label]:
    """Return the labels of an endpoint and, where there is one, of its difference from placebo."""
    return [_label(entry), *([_label(entry.against)] if entry.against else [])]


def endpoint_of(arm: ArmResult, name: str) -> Endpoint:
    """Return an endpoint that every result has."""
    entry = arm.endpoint(name)
    assert entry is not None
    return entry


def _interval(value: float | None, ends: Sequence[float], unit: str) -> str:
    """Return a value with its interval, or the interval alone."""
    known = numbers.interval(ends, unit)
    return known if value is None else f"{amount(value, unit)} ({known})"


def _involves(arm: ArmResult) -> Answer:
    exposure = arm.harms.exposure
    planned = exposure.timetable or exposure  # boosters are of another length
    sessions, hours = planned.sessions, planned.hours
    if not sessions:
        return _answer("involves", "Nothing: no drug runs in this plan.")
    each = hours / sessions
    if each > _LONG_H:
        often = "once" if sessions == 1 else f"{sessions} times"
        length = f"{_hours(each)} without a break"
        short = f"A stay in hospital: a very dilute infusion into a vein for {length}, {often}."
    else:
        short = (
            f"{numbers.count(sessions, 'session')} of about {numbers.count(round(each), 'hour')} each: a very dilute "
            "infusion into a vein while people watch over you, and you go home afterwards."
        )
    later = endpoint_of(arm, "boosters").mean
    beside = f"; on average {numbers.count(round(later, 1), 'booster')} later" if exposure.timetable else ""
    dose = f"about {numbers.number(exposure.dose_mg)} mg of {names.drug(arm.drug)} in all"
    more = (
        f"{_hours(hours)} of infusion on {numbers.count(planned.infusion_days, 'day')}{beside}; {dose}.",
        _regimen(arm.regimen),
    )
    return _answer("involves", short, more, [_label(arm.regimen)])


def _hours(hours: float) -> str:
    return f"{numbers.general(round(hours, 1), thousands=True)} hours"


def _regimen(regimen: RegimenSupport) -> str:
    studied = {
        "randomised": "A randomised trial in this disease gave nearly this plan",
        "extrapolated": "A randomised trial in this disease gave this drug at half to twice this dose and days",
        "uncontrolled": "A study in this disease, without a comparison group, gave nearly this plan",
    }.get(regimen.support)
    if studied is None:
        return "No study in this disease gave this plan: dose, days and drug together are nobody’s."
    return f"{studied} ({', '.join(regimen.basis)})."


def _cells(result: RunResult, arm: ArmResult) -> Answer:
    sources = list(dict.fromkeys(source for one in library.pain("memory").values() for source in one.sources))[:4]
    pain = arm.by_model.memory.profile if arm.by_model else arm.profile
    state, block = pain.sensitisation, amount(max(arm.profile.nmda_block.mean), "share")
    short = f"While it runs, the drug blocks about {block} of the NMDA receptors at its peak, on average."
    measured = (
        "Levels are computed from measured ones; how much block a level means in the spinal cord, and all that "
        "follows from it, was fitted to pain scores. Nobody has seen it happen in a patient."
    )
    if not state:
        model = (
            "In the explanation chosen here, the fading effect, there is no memory: the drug lingers at a slow site, "
            "and relief fades with it."
        )
        return _answer("cells", short, [model, measured], [_ASSUMED], sources)
    start = state.mean[0]
    first = "One explanation, pain memory, says that" if arm.by_model else "In the explanation chosen here"
    short += (
        f" {first} the cells’ memory of pain then falls to {amount(min(state.mean) / start, 'share')} of what it "
        f"was, and has climbed back to {amount(state.mean[-1] / start, 'share')} by day "
        f"{numbers.general(result.follow_up_days)}."
    )
    if arm.by_model:
        short += " The other, a fading effect, says that the drug only lingers and wears off."
    more = [
        "NMDA receptors are how nerve cells learn. In lasting pain they seem to have learned the wrong signal, "
        "which keeps itself alive after the injury has healed. Without the receptors it starves: the drug would work "
        "on the memory, not on the injury.",
        measured,
    ]
    if (calm := result.population.bistable_share) is not None:
        more.append(
            f"With pain memory, {amount(calm, 'share')} of the simulated patients have a calm state that the cells "
            "could settle in, as after a reboot; in the others the memory always climbs back."
        )
    return _answer("cells", short, more, [_ASSUMED], sources)


def last_day(arm: ArmResult) -> int:
    """Return the last day with a pain score."""
    return endpoint_days(arm.endpoints)[-1]


def _when(day: int) -> str:
    if day == 7:
        return "a week after the start"
    return f"{numbers.duration(day)} after the start" if day >= 14 and day % 7 == 0 else f"on day {day}"


def _lasts(result: RunResult, name: str) -> Answer:
    arm = result.arms[name]
    statements = {key: relief.statement(result, name, key) for key in relief.keys(arm.endpoints)}
    remission, days = statements.pop(relief.REMISSION), statements.pop("relief_days")
    (better,) = statements.values()  # on the named day
    short = (
        f"{better.value} patients {better.aside} have {better.label[:1].lower()}{better.label[1:]}; "
        f"{'; '.join(better.more)}. {days.label}: {days.value} {days.aside}."
    )
    more = [f"{one.label}: {one.sentence}." for one in (days, remission)]
    more.append(_relapse(result, arm.time_to_relapse))
    if result.models.flares:
        more.append(
            "What ends relief here are flares, whose number and strength nobody has measured: they are assumed."
        )
    labels = map(_label, (better, days, remission))
    return _answer("lasts", short, more, [*labels, _label(arm.time_to_relapse)], ["sigtermans2009"])


def _relapse(result: RunResult, relapse: TimeToRelapse) -> str:
    if not relapse.in_remission:
        return "Nobody was in remission after the course, so there is no remission to last."
    if relapse.median is None:
        end = f"day {numbers.general(result.follow_up_days)}, where this run ends"
        return f"In most of those in remission pain is not back by {end}."
    return f"In half of those in remission pain is back {numbers.duration(round(relapse.median))} after the course."


def _cure(result: RunResult, name: str) -> Answer:
    arm = result.arms[name]
    last = last_day(arm)
    pain, key = endpoint_of(arm, f"nrs_day_{last}"), f"responder_30_day_{last}"
    start, responders = result.population.baseline_nrs.mean, relief.statement(result, name, key)
    short = (
        f"No study has shown a cure, and this simulation shows none: {_when(last)} the average pain is "
        f"{amount(pain.mean, 'NRS')} of 10, after {amount(start, 'NRS')} at the start."
    )
    more = [
        f"{responders.label}: {responders.sentence}.",
        "Beyond twelve weeks no randomised trial has looked: all that is drawn later is the model’s."
        if last > LAST_SUPPORTED_DAY
        else "",
        _CALM_WITH_FLARES if result.models.flares else _CALM_WITHOUT,
    ]
    return _answer("cure", short, more, [_label(pain), _label(endpoint_of(arm, key))], ["sigtermans2009"])


def _boosters(result: RunResult, arm: ArmResult) -> Answer:
    boosters, year = endpoint_of(arm, "boosters"), arm.harms.exposure.courses_a_year
    later = arm.last_infusion_day > arm.course_end_day + 1.0
    short = (
        "Because relief fades. A booster is meant to block the receptors again before the memory has climbed all "
        "the way back, so that less is needed than for a first course. "
    )
    if boosters.mean:
        value, aside, _ = relief.typical(boosters)
        yearly = f"{numbers.number(boosters.boosters_per_year or None, 2)} a year, {boosters.note or ''}"
        short += f"Boosters in {numbers.duration(result.follow_up_days)}: {value} {aside}; on average {yearly}."
    elif later:
        short += f"This plan goes on with single sessions until day {numbers.fixed(arm.last_infusion_day, 0)}."
    else:
        short += "This plan has none."
    more = [
        "No controlled study has tested any schedule of boosters. They are what infusion services do.",
        "Each one adds drug and hours of infusion, and with them the risks below.",
        f"Here, {numbers.number(year, 2)} courses a year." if later and year else "",
    ]
    return _answer("boosters", short, more, [_label(boosters) if boosters.support else _ASSUMED], ["boosterpractice"])


_COUNTED = {"nausea": "nausea", "headache": "headache", "night_terrors": "night terrors"}
_COUNTED |= {"hallucination": "hallucinations", "sedation": "drowsiness", "dizziness": "dizziness"}


def _effects(arm: ArmResult) -> Answer:
    if not arm.harms.exposure.infusion_days:
        return _answer("effects", "No drug runs in this plan, so there are none from it.")
    elicited, spontaneous, liver, pressure = map(
        arm.harms.estimate,
        ("psychomimetic_elicited", "psychomimetic_spontaneous", "liver_injury", "systolic_pressure"),
    )
    counted = {label: arm.harms.estimate(f"counted_{key}") for key, label in _COUNTED.items()}
    short = (
        f"Feeling dreamlike, detached or seeing things: {share_of(elicited)} of patients notice something of the kind "
        f"if they are asked, {share_of(spontaneous)} report them spontaneously. It comes during the infusion and is "
        "gone soon after."
    )
    more = [
        f"As counted in studies, {'; '.join(f'{label}: {share_of(entry)}' for label, entry in counted.items())}.",
        f"Upper blood pressure rises by {_interval(pressure.estimate, pressure.interval, 'mmHg')} mmHg while the "
        "infusion is at its highest rate.",
        f"Liver: enzymes above three times the limit in {share_of(liver)}. {liver.note.removesuffix('.')}.",
        "Pregnancy, children, other illnesses and most other drugs are not part of this model.",
    ]
    labels = map(_label, (elicited, *counted.values(), liver))
    return _answer("effects", short, more, labels, [*elicited.sources, *liver.sources][:6])


def share_of(entry: HarmEstimate) -> str:
    """Say a share with what is known about it: an estimate, an interval, or that nobody knows."""
    ends = harms.ends(entry)
    if entry.estimate is not None:
        more = " more than on placebo" if entry.beyond_placebo else ""
        return f"{amount(entry.estimate, 'share')}{more} ({ends})"
    return "not known" if tuple(entry.interval) == (0.0, 1.0) else f"somewhere between {ends.replace(' to ', ' and ')}"


def _bladder(arm: ArmResult) -> Answer:
    if not arm.harms.exposure.infusion_days:
        return _answer("bladder", "No drug runs in this plan, so nothing happens to the bladder from it.")
    lasting, symptoms = arm.harms.estimate("bladder_lasting_loss"), arm.harms.estimate("bladder_symptoms")
    highest = max(law.interval[1] for law in (lasting.laws or {}).values())
    short = (
        "Not known. Taken daily in grams, ketamine damages the lining of the bladder and can shrink it for good. "
        "Whether infusions do is untested; two estimates that fit daily users allow a lasting loss in up to "
        f"{amount(highest, 'share')} here."
    )
    labels = {"saturating": "if the damage levels off with dose", "unsaturated": "if it keeps rising with dose"}
    labels |= {f"{law}_by_urine": f"{name}, and water thins it" for law, name in labels.items()}
    more = [
        *(
            f"Urinary symptoms when most likely: {_interval(law.estimate, law.interval, 'share')} "
            f"{labels.get(key, key)}."
            for key, law in (symptoms.laws or {}).items()
        ),
        "About a quarter of people who never took ketamine have some urinary symptom; that is part of these numbers.",
        lasting.unknown or "",
    ]
    return _answer("bladder", short, more, [_label(lasting), _label(symptoms)], lasting.sources[:5])


def _mood(arm: ArmResult) -> Answer:
    if not arm.harms.exposure.infusion_days:
        return _answer("mood", "No drug runs in this plan, so nothing happens to mood from it.")
    fall, end, masked = *map(arm.harms.estimate, ("mood_fall", "mood_fall_end")), arm.harms.entries.get("mood_masked")
    points = _interval(fall.estimate, fall.interval, "NRS")
    left = "next to nothing" if end.interval[1] < 1 else f"{_interval(end.estimate, end.interval, 'NRS')} points"
    short = (
        f"In people who are depressed, a scale of 60 points falls by about {points} points more than in a comparison, "
        f"a day after dosing; {left} of that is left by the end. Nobody measured it in people with this pain."
        if fall.estimate is not None
        else "Not known. An infusion of a day or more was never studied in depression; a scale of 60 points may fall "
        f"by {points} points more than in a comparison."
    )
    half_life = numbers.fixed(library.harms("mood")["half_life"].canonical / 24, 0)
    more = [f"The effect begins within hours, is greatest after a day and halves in about {half_life} days."]
    if masked and masked.estimate is not None:
        more.append(
            "In the one trial in which nobody could tell who had got the drug, because all were under anaesthesia, the "
            f"difference was {_interval(masked.estimate, masked.interval, 'NRS')} points: none that could be seen."
        )
    return _answer("mood", short, more, [_label(fall)], [*fall.sources, *(masked.sources if masked else ())])


def _evidence(arm: ArmResult) -> Answer:
    others = ("protocol", "practice", "pooled", "analysis")
    done = [one for one in library.studies() if one.diagnosis == "CRPS" and one.design not in others]
    randomised = [study for study in done if study.design == "randomised"]
    scores = [endpoint_of(arm, f"nrs_day_{day}") for day in endpoint_days(arm.endpoints)]
    backed = sum(any(label.support == "randomised" for label in _both(entry)) for entry in scores)
    short = (
        f"Weak. Of {len(done)} studies of ketamine infusions in this disease that this page knows, {len(randomised)} "
        "drew lots for who got what. They were small, and people who get ketamine can usually tell."
    )
    more = [
        f"Of {numbers.count(len(scores), 'day')} with a pain score here, {backed} are days on which a randomised trial "
        "of nearly this plan reported a difference that the simulation meets. Each number carries a label: what stands "
        "behind it.",
        "Bands show how well an average is known, if the models are right; thin dashed lines show how patients differ.",
        "Bands of an average hold what either explanation of relief, pain memory or a fading effect, leaves open.",
    ]
    labels = [label for entry in scores for label in _both(entry)]
    return _answer("evidence", short, more, labels, [study.source for study in randomised])
