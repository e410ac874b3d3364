"""Phrases about a study: its role, who was in it, what was given, when and what came of it, and how it was read."""

from letheon.dosing.regimen import Infusion, Rate
from letheon.dosing.repeats import repeats
from letheon.library import Outcome, Population, Study, StudyArm
from letheon.library.evidence import Trait
from letheon.units import MS_PER_HOUR

__all__ = [
    "RECALLED",
    "how_read",
    "measure_words",
    "people",
    "reading",
    "result",
    "role_words",
    "sessions",
    "totals",
    "traits",
    "when",
]

RECALLED = "RECALLED, not read: no weight"


def role_words(study: Study) -> str:
    """Say the role of a study, with the models it calibrates and what it counts for.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    str

    Examples
    --------
    >>> from letheon.views.evidence_words import study_of
    >>> role_words(study_of("noppers2011"))
    'calibrate (memory, slow_site), counts by 0.5'
    """
    models = f" ({', '.join(study.calibrates)})" if study.calibrates else ""
    return f"{study.role}{models}" + (f", counts by {study.relevance:g}" if study.relevance < 1 else "")


def measure_words(measure: str) -> str:
    """Return a measure in words.

    Parameters
    ----------
    measure : str
        One of `letheon.library.evidence.MEASURES`.

    Returns
    -------
    str

    Examples
    --------
    >>> measure_words("pain_mean")
    'pain mean'
    """
    return measure.replace("_", " ").replace("c50", "C50")


def traits(who: Population) -> str:
    """Say what weight, age and pain the patients had, as far as it was read.

    Parameters
    ----------
    who : Population
        The patients of a study.

    Returns
    -------
    str
        Empty where nothing was read.

    Examples
    --------
    >>> weight = Trait(mean=79.0, sd=19.0, verified="secondary", via="a table")
    >>> traits(Population(n=60, text="CRPS", verified="abstract", weight_kg=weight))
    'weight 79 (SD 19) kg (read: secondary, a table)'
    """
    named = {"weight": (who.weight_kg, " kg"), "age": (who.age_year, " years"), "pain before": (who.pain, "")}
    return "; ".join(
        f"{name} {one.mean:g}{f' (SD {one.sd:g})' if one.sd is not None else ''}{unit} (read: {_read_in(one)})"
        for name, (one, unit) in named.items()
        if one is not None
    )


def _read_in(one: Trait) -> str:
    return f"{how_read(one.verified)}, {one.via}" if one.via else how_read(one.verified)


def people(n: int | None, verified: str) -> str:
    """Say how many patients there are; a recalled number is flagged.

    Parameters
    ----------
    n : int or None
        Patients.
    verified : str
        How the number was read.

    Returns
    -------
    str

    Examples
    --------
    >>> people(9, "recall"), people(None, "abstract")
    ('n = 9 (RECALLED)', 'n not known')
    """
    if n is None:
        return "n not known"
    return f"n = {n}" + {"recall": " (RECALLED)", "secondary": " (second-hand)"}.get(verified, "")


def sessions(arm: StudyArm) -> list[str]:
    """Write the infusions of an arm as sessions of a scenario file, for a patient of 70 kg.

    Parameters
    ----------
    arm : StudyArm
        The arm.

    Returns
    -------
    list of str
        One line for each session; equal ones at equal distances share a line.

    Examples
    --------
    >>> from letheon.views.evidence_words import study_of
    >>> sessions(study_of("schwartzman2009").arms[0])
    ['{at: 0 h, rate: 25 mg/h, for: 4 h, repeat: {every: 24 h, times: 10}}']
    """
    plain = [f"at: {start:g} h, rate: {rate:g} mg/h, for: {duration:g} h" for start, duration, rate in arm.infusions]
    runs = repeats(Infusion.create(start, duration, Rate(rate)) for start, duration, rate in arm.infusions)
    if len(runs) == 1 and runs[0].times > 1:
        again = f"repeat: {{every: {runs[0].every_ms / MS_PER_HOUR:g} h, times: {runs[0].times}}}"
        return [f"{{{plain[0]}, {again}}}"]
    return [f"{{{line}}}" for line in plain]


def totals(arm: StudyArm) -> str:
    """Say dose, hours and span of an arm that has a machine-readable regimen.

    Parameters
    ----------
    arm : StudyArm
        The arm.

    Returns
    -------
    str

    Examples
    --------
    >>> from letheon.views.evidence_words import study_of
    >>> totals(study_of("goldberg2010").arms[0])
    '3360 mg of ketamine, 120 h on the drip within 5 days, sessions: 1'
    """
    return (
        f"{arm.dose_mg_70kg:g} mg of ketamine, {arm.hours:g} h on the drip within {arm.days:g} days,"
        f" sessions: {arm.sessions}"
    )


def when(outcome: Outcome) -> str:
    """Say when an outcome was seen, in days from the first administration.

    Parameters
    ----------
    outcome : Outcome
        The outcome.

    Returns
    -------
    str

    Examples
    --------
    >>> from letheon.views.evidence_words import study_of
    >>> [when(outcome) for outcome in study_of("puchalski2016").outcomes]
    ['days 4 to 5', 'days 55 to 85', 'day not given']
    """
    if outcome.time_days is None:
        return "day not given"
    low, high = outcome.time_days
    return f"day {low:g}" if low == high else f"days {low:g} to {high:g}"


def result(outcome: Outcome) -> str:
    """Say who showed what: arm, measure, value or range or statement, spread and number of patients.

    Parameters
    ----------
    outcome : Outcome
        The outcome.

    Returns
    -------
    str

    Examples
    --------
    >>> from letheon.views.evidence_words import study_of
    >>> result(study_of("sigtermans2009").outcomes[2])
    'esketamine: pain mean 2.68 NRS (SE 0.51), n = 30'
    """
    who = outcome.arm + (f" against {outcome.against}" if outcome.against else "")
    who += f", {outcome.subgroup}" if outcome.subgroup else ""
    unit = "" if outcome.unit in ("", "1") else f" {outcome.unit}"
    if outcome.value is not None:
        found = f" {outcome.value:g}{' patient' if unit == ' patients' and outcome.value == 1 else unit}"
    elif outcome.range is not None:
        found = f" {outcome.range[0]:g} to {outcome.range[1]:g}{unit}"
    else:
        found = f": {outcome.statement}"
    spread = [f"{name.upper()} {size:g}" for name in ("se", "sd") if (size := getattr(outcome, name)) is not None]
    if outcome.interval is not None:
        low, high = outcome.interval
        spread.append(f"{100 * (outcome.level or 0):g} % interval {low:g} to {high:g}")
    told = f" ({'; '.join(spread)})" if spread else ""
    number = f", n = {outcome.n}" if outcome.n is not None else ""
    return f"{who}: {measure_words(outcome.measure)}{found}{told}{number}"


def reading(outcome: Outcome) -> str:
    """Say how an outcome was read, what it weighs, and whether it is fitted or scored.

    Parameters
    ----------
    outcome : Outcome
        The outcome.

    Returns
    -------
    str

    Examples
    --------
    >>> from letheon.views.evidence_words import study_of
    >>> reading(study_of("sigtermans2009").outcomes[1])
    'RECALLED, not read: no weight'
    """
    via = f" ({outcome.via})" if outcome.via else ""
    target = "; target" if outcome.target else ""
    if outcome.verified == "recall":
        return RECALLED
    return f"read: {outcome.verified}{via}; weight {outcome.weight:g}{target}"


def how_read(verified: str) -> str:
    """Say how something other than an outcome was read; what was only recalled is flagged.

    Parameters
    ----------
    verified : str
        One of `letheon.library.records.VERIFIED`.

    Returns
    -------
    str

    Examples
    --------
    >>> how_read("abstract"), how_read("recall")
    ('abstract', 'RECALLED, not read')
    """
    return "RECALLED, not read" if verified == "recall" else verified
