"""Harms of a run: exposure, every harm with its interval and its support, and what each rests on."""

from collections.abc import Iterator, Mapping

from letheon.pipeline.result import ArmResult, BladderLaw, Exposure, HarmEstimate, HarmResult, RunResult
from letheon.views.document import numbers, tree
from letheon.views.subjects import names

READING = (
    "What a regimen may cost, beside what it may relieve. Brackets hold intervals: 90 % where harms are simulated, "
    "95 % where they were counted. A harm without a number before its brackets has no estimate; of one that is not "
    "identified nobody knows how often it happens. This does not say that any regimen is safe."
)
_LAWS = {"saturating": "if injury saturates", "unsaturated": "if it does not"}
_COUNTED = {
    f"counted_{effect}": effect.replace("_", " ").capitalize()
    for effect in ("nausea", "headache", "night_terrors", "hallucination", "sedation", "dizziness")
}
_ACUTE = {
    "psychedelic_load": "Psychedelic load at its greatest, % of a rating scale",
    "psychedelic_load_session": "Greatest load of a session, mean of sessions",
    "psychedelic_hours": "Hours above 10 % of that scale",
    "psychomimetic_elicited": "Any psychomimetic effect, reported when asked",
    "psychomimetic_spontaneous": "The same, reported spontaneously",
    "counted_psychomimetic": "The same, as counted under such regimens",
}
_CIRCULATION = {
    "cardiac_output": "Cardiac output, rise",
    "systolic_pressure": "Systolic pressure, rise (mmHg)",
    "diastolic_pressure": "Diastolic pressure, rise (mmHg)",
    "pulse": "Pulse, rise (beats/min)",
}
_LIVER = {"liver_injury": "Liver enzymes at least three times the limit"}
_MOOD = {
    "mood_fall": "Fall of the MADRS, a day after dosing",
    "mood_fall_end": "Fall of the MADRS at the end",
    "mood_responders": "Responders a day after one dose",
    "mood_masked": "Fall in the one trial where nobody could tell",
}
_BLADDER = {
    "bladder_lasting_loss": "A lasting loss of capacity",
    "bladder_symptoms": "Urinary symptoms, when most likely",
    "bladder_symptoms_end": "Urinary symptoms at the end",
    "bladder_lost": "Capacity lost, at its most (mL)",
    "bladder_lost_end": "Capacity lost at the end (mL)",
    "bladder_capacity": "Least capacity awake (mL)",
    "bladder_anaesthetic": "Least capacity under anaesthesia (mL)",
}
# What a reader would otherwise take a harm for.
_ASIDES = {
    "psychedelic_load": "how strong, not how many: 100 is the most that the drug can do",
    "psychomimetic_elicited": "share of patients; simulated",
    "counted_psychomimetic": "share of patients; the trials' own counts",
    "liver_injury": "share of patients",
    "bladder_lasting_loss": "share of patients who lose more than about a third",
    "bladder_symptoms": "24 % of people who never took ketamine have some",
    "mood_fall": "on a scale of 60 points, beyond a comparison",
}
_MOOD_ASIDE = "no harm, but it comes with the drug; never measured in CRPS"
_BLADDER_ASIDE = "two models of injury that fit users of grams a day equally well; neither is chosen"
# Tables by group: title, aside, harms; each harm of the bladder has a row for either model of injury.
_TABLES: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "acute": ("During infusions", "", _ACUTE | _COUNTED),
    "circulation": ("Circulation", "highest rise over rest", _CIRCULATION),
    "liver": ("Liver", "depends on the dosing pattern", _LIVER),
    "mood": (
        "Mood, in those who have depression",
        "no harm, but it comes with the drug; never measured in CRPS",
        _MOOD,
    ),
    "bladder": (
        "Bladder",
        "two models of injury that fit users of grams a day equally well; neither is chosen",
        _BLADDER,
    ),
}
# A first look leaves these to the page.
_FULL_ONLY = {"psychedelic_hours", "counted_psychomimetic", "mood_fall_end", "mood_responders"}
_FULL_ONLY |= _BLADDER.keys() - {"bladder_lasting_loss", "bladder_symptoms"}
_HEADLINES = {
    "psychomimetic_elicited": ("Psychomimetic effects, reported when asked", ""),
    "liver_injury": ("Liver injury", ""),
    "bladder_lasting_loss": ("Lasting loss of bladder capacity", "under either model of injury"),
}


def blocks(result: RunResult) -> list[tree.Block]:
    """Return the section on harms."""
    heads = tuple(map(names.arm_name, result.arms))
    tables = [
        tree.Table(
            title,
            ("Harm", *heads),
            tuple(_groups(result, {**keys, **_others(result, group, keys)})),
            (title, " ", tree.Note(aside)),
            "endpoints",
        )
        for group, (title, aside, keys) in _TABLES.items()
    ]
    liver = [arm.harms.estimate("liver_injury") for arm in result.arms.values()]
    small_groups = dict.fromkeys(f"Liver. {entry.note}" for entry in liver if any(entry.interval))
    unknown = tree.Items((*unknowns(result), *small_groups), "unknown")
    return [
        tree.Paragraph(READING, "small"),
        *([unknown] if unknowns(result) else []),
        tree.Table.of("Exposure", ("Exposure", *heads), _exposure(result), title="Exposure"),
        *tables,
        tree.Details("What each harm rests on", (_grounds(result),)),
    ]


def brief_groups(result: RunResult) -> list[tree.Group]:
    """Return the rows that a first look needs, in groups."""
    groups = [tree.Group(tuple(_exposure(result)), "Exposure")]
    for title, _, keys in _TABLES.values():
        some = {key: name for key, name in keys.items() if key not in _FULL_ONLY}
        groups.append(tree.Group(tuple(row for group in _groups(result, some) for row in group.rows), title))
    return groups


def headline(arm: ArmResult) -> list[tuple[tree.Content, str, tree.Content]]:
    """Return what a card says of harms: label with badge, value, aside."""
    facts: list[tuple[tree.Content, str, tree.Content]] = []
    for key, (label, aside) in _HEADLINES.items():
        entry = arm.harms.estimate(key)
        value, interval = numbers.amount(entry.estimate, entry.unit), ends(entry)
        parts = (interval, aside) if entry.estimate is None else (value, f"({interval})")
        facts.append(((label, " ", names.support(entry)), *parts))
    return facts


def unknowns(result: RunResult) -> list[str]:
    """Return the plain sentences on what is not known, each once, if any arm gives drug."""
    dosed = [arm.harms for arm in result.arms.values() if _dosed(arm.harms)]
    return list(dict.fromkeys(entry.unknown for harms in dosed for entry in harms.entries.values() if entry.unknown))


def ends(entry: HarmEstimate, law: BladderLaw | None = None) -> str:
    """Return the interval of a harm, or under one model of injury; that nothing is known, where it is every share."""
    interval = (law or entry).interval
    if entry.unit == "share":
        return "not known" if interval == (0.0, 1.0) else numbers.interval(interval, entry.unit)
    low, high = map(numbers.size, interval)
    return numbers.ends(low, high, zero_step=0.1)


def value_cell(entry: HarmEstimate, dosed: bool, law: BladderLaw | None = None) -> tuple[tree.Inline, ...]:
    """Return a harm's estimate with its interval, or what there is of both; a plain 0 where no drug can do it."""
    estimate, interval, known = (law or entry).estimate, (law or entry).interval, ends(entry, law)
    if estimate is None:
        return (known if known == "not known" else f"({known})",)
    if not dosed and entry.unit != "share" and estimate == 0.0 and not any(interval):
        return (tree.Strong("0"),)
    size = numbers.amount(estimate, entry.unit) if entry.unit == "share" else numbers.size(estimate)
    more = (tree.Break(), tree.Note("more than on placebo")) if entry.beyond_placebo and not law else ()
    return tree.Strong(size), f" ({known})", *more


def _groups(result: RunResult, keys: Mapping[str, str]) -> Iterator[tree.Group]:
    """Yield the rows of a table, those of the bladder in a group for each harm."""
    if keys.keys() <= _BLADDER.keys():
        yield from (tree.Group(tuple(_bladder(result, key, _label(key, name)))) for key, name in keys.items())
    else:
        yield tree.Group(tuple(_rows(result, keys)))


def _others(result: RunResult, group: str, listed: Mapping[str, str]) -> dict[str, str]:
    """Return harms of a group that have no words of their own, under their plain names."""
    entries = [entry for arm in result.arms.values() for entry in arm.harms.entries.items()]
    return {key: _plain(key) for key, entry in entries if entry.group == group and key not in listed}


def _plain(key: str) -> str:
    words = key.removeprefix("counted_").replace("_unasked", ", reported spontaneously").replace("_", " ")
    return words.capitalize()


def _label(key: str, name: str) -> tree.Content:
    return (name, tree.Break(), tree.Note(_ASIDES[key])) if key in _ASIDES else name


def _rows(result: RunResult, keys: Mapping[str, str]) -> Iterator[tree.Row]:
    """Yield a row for each harm that any arm has; that of a session only where it is another than that of the run."""
    arms = [arm.harms for arm in result.arms.values()]
    for key, name in keys.items():
        entries = [one.entries.get(key) for one in arms]
        if key == "psychedelic_load_session":
            whole = [one.estimate("psychedelic_load").estimate for one in arms]
            if whole == [entry.estimate if entry else None for entry in entries]:
                continue
        if any(entries):
            yield tree.Row(
                _label(key, name), tuple(_cell(one, entry) for one, entry in zip(arms, entries, strict=True))
            )


def _dosed(harms: HarmResult) -> bool:
    return harms.exposure.infusion_days > 0


def _cell(harms: HarmResult, entry: HarmEstimate | None) -> tree.Content:
    return (*value_cell(entry, _dosed(harms)), " ", names.support(entry)) if entry else numbers.ABSENT


def _bladder(result: RunResult, key: str, label: tree.Content) -> Iterator[tree.Row]:
    """Yield the rows of a harm of the bladder: its support, and its size under each model of injury."""
    entries = [(arm.harms.estimate(key), _dosed(arm.harms)) for arm in result.arms.values()]
    yield tree.Row(label, tuple(names.support(entry) for entry, _ in entries), "main")
    symptoms = [arm.harms.estimate("bladder_symptoms") for arm in result.arms.values()]
    for name in dict.fromkeys(name for entry in symptoms for name in entry.laws or ()):
        short = name.removesuffix("_by_urine")
        title = _LAWS[short] + ("" if short == name else ", by concentration in urine")
        laws = [(entry, dosed, (entry.laws or {}).get(name)) for entry, dosed in entries]
        yield tree.Row(title, tuple(value_cell(*one) if one[2] else numbers.ABSENT for one in laws))


def _exposure(result: RunResult) -> Iterator[tree.Row]:
    exposures = [arm.harms.exposure for arm in result.arms.values()]
    yield tree.Row(("Dose in all, mg ", tree.Note("mean; 5 % to 95 % of patients")), tuple(map(_dose, exposures)))
    yield tree.Row("Hours of infusion", tuple(f"{one.hours:,g}" for one in exposures))
    yield tree.Row("Days with drug", tuple(f"{one.infusion_days:,}" for one in exposures))
    yield tree.Row("Sessions; courses", tuple(f"{one.sessions:,}; {one.courses:,}" for one in exposures))
    yield tree.Row("Courses a year", tuple(f"{one.courses_a_year:.3g}" for one in exposures))
    if any(isinstance(one.urine_l_day, float) for one in exposures):
        yield tree.Row("Urine, L a day", tuple(numbers.number(one.urine_l_day or None) for one in exposures))
    beside = [_beside(arm) for arm in result.arms.values()]
    if any(beside):
        yield tree.Row("Given beside", tuple(one or "nothing" for one in beside))


def _dose(exposure: Exposure) -> tree.Content:
    spread = exposure.dose_mg_q05, exposure.dose_mg_q95
    known = "" if spread[0] == spread[1] else f" ({numbers.interval(spread, 'mg')})"
    return tree.Strong(numbers.amount(exposure.dose_mg, "mg")), known


def _beside(arm: ArmResult) -> str:
    doses = {"clonidine": arm.harms.beside.clonidine_mg, "midazolam": arm.harms.beside.midazolam_mg}
    return ", ".join(f"{name} {dose:g} mg" for name, dose in doses.items() if dose)


def _grounds(result: RunResult) -> tree.Table:
    """Return what each number rests on: its note, for which arms, and its sources."""
    labels = _ACUTE | _CIRCULATION | {"liver_injury": "Liver"} | _BLADDER | _MOOD
    rows: dict[tuple[str, str, str], list[str]] = {}
    for key in dict.fromkeys(key for arm in result.arms.values() for key in arm.harms.entries):
        for name, arm in result.arms.items():
            if entry := arm.harms.entries.get(key):
                rows.setdefault((key, entry.note, ", ".join(entry.sources) or numbers.ABSENT), []).append(name)
    table = []
    for (key, note, sources), arms in rows.items():
        where = "all arms" if len(arms) == len(result.arms) else ", ".join(map(names.arm_name, arms))
        table.append((labels.get(key, _plain(key)), where, note, sources))
    return tree.Table.of("What each harm rests on", ("Harm", "Arms", "What is known", "Sources"), table, kind="text")
