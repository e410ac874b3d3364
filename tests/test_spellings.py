"""Spellings: no accepted unit and no suggested one may differ in size from every reading of what was written.

The oracle is a table of readings of its own: each part of a unit with its sizes, in capitals or not, for all strings
within one edit of a known unit and a fixed sample of those within two.
"""

import random
import re
from functools import cache

import pytest

from letheon.errors import InputError
from letheon.scenario import loads
from letheon.scenario.quantities import (
    DOSE_UNITS,
    FLOW_UNITS,
    RATE_UNITS,
    STRENGTH_UNITS,
    VOLUME_UNITS,
    dose_mg,
    duration_ms,
    moment_ms,
    rate_mg_h,
)
from letheon.scenario.spellings import accepted, remedy

# part, in small letters -> (kind, size); kinds tell a gram from a day
READINGS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(["ng", "ngs", "nanogram", "nanograms"], ("mass", 1e-6)),
    **dict.fromkeys(["µg", "µgs", "ug", "ugs", "mcg", "mcgs", "γ", "gamma", "microgram", "micrograms"], ("mass", 1e-3)),
    **dict.fromkeys(["mg", "mgs", "milligram", "milligrams"], ("mass", 1.0)),
    **dict.fromkeys(["g", "gs", "gram", "grams", "gramme", "grammes"], ("mass", 1e3)),
    **dict.fromkeys(["kg", "kgs", "kilo", "kilos", "kilogram", "kilograms"], ("weight", 1.0)),
    "70kg": ("weight", 70.0),
    **dict.fromkeys(["s", "sec", "secs", "second", "seconds"], ("time", 1.0)),
    **dict.fromkeys(["min", "mins", "mn", "mns", "minute", "minutes"], ("time", 60.0)),
    **dict.fromkeys(["h", "hr", "hrs", "hour", "hours", "heure", "heures"], ("time", 3600.0)),
    **dict.fromkeys(["d", "ds", "day", "days", "j", "jour", "jours", "tag", "tage"], ("time", 86_400.0)),
    **dict.fromkeys(["24h", "24hr", "24hrs", "24hour", "24hours", "24heure", "24heures"], ("time", 86_400.0)),
    **dict.fromkeys(["w", "wk", "wks", "week", "weeks"], ("time", 604_800.0)),
    **dict.fromkeys(["mo", "mos", "mth", "mths", "month", "months"], ("time", 2_592_000.0)),
    **dict.fromkeys(["y", "yr", "yrs", "year", "years"], ("time", 31_536_000.0)),
    **dict.fromkeys(["ml", "mls", "cc", "ccs", "millilitre", "milliliter"], ("volume", 1.0)),
    **dict.fromkeys(["l", "litre", "liter", "litres", "liters"], ("volume", 1e3)),
    "nrs": ("score", 1.0),
}
DOSES = [*RATE_UNITS, *DOSE_UNITS]
LISTED = ["mcg/kg/mn", "mg/24h", "mg/kg/24 h", "µg/kg/hr", "mg/kg/d", "cc/h", "mL/h", "mg/mL", "mcg/mL", "g/L"]
KNOWN = [*dict.fromkeys([*DOSES, *LISTED, *VOLUME_UNITS, *STRENGTH_UNITS, *FLOW_UNITS])]
ALLOWED = [DOSES, [*DOSES, *VOLUME_UNITS, *STRENGTH_UNITS, *FLOW_UNITS]]
LETTERS = "mcguµγnkghrinsdayjwlLMGHKC/ 0247"


def reading(unit: str) -> tuple[float, frozenset[str]] | None:
    """Size and kinds of a unit, from the table above; kinds below the stroke are marked."""
    size, kinds = 1.0, set()
    for place, part in enumerate(unit.split("/")):
        found = READINGS.get(
            " ".join(part.lower().split()).replace("μ", "µ").replace("70 kg", "70kg").replace("24 ", "24")
        )
        if found is None:
            return None
        kinds.add(("/" if place else "") + found[0])
        size = size / found[1] if place else found[1]
    return size, frozenset(kinds)


@cache
def edited(unit: str) -> frozenset[str]:
    """All strings one edit away: a letter left out, put in, changed, or two swapped."""
    places = range(len(unit) + 1)
    out = {unit[:i] + unit[i + 1 :] for i in places} | {unit[:i] + unit[i + 1 : i + 2] + unit[i : i + 1] + unit[i + 2 :] for i in places}  # fmt: skip
    return frozenset(out | {unit[:i] + c + unit[i + k :] for i in places for c in LETTERS for k in (0, 1)})


def check(written: str) -> bool:
    """Hold what is accepted or suggested against the table; returns whether anything was."""
    size = reading(written)
    said = []
    for units in ALLOWED:
        taken = accepted(written, units)
        told = re.fullmatch(r"write (?!e\.g\.)(.+)", remedy(written, units, "NOTHING"))
        said += [taken] if taken else [told[1]] if told else []
    for unit in said:
        meant = reading(unit)
        assert size is not None and meant is not None, (written, unit)
        assert meant[0] == pytest.approx(size[0], rel=1e-12), (written, unit)
        assert meant[1] == size[1], (written, unit)
    return bool(said)


def test_all_units_within_one_edit_keep_their_size() -> None:
    written = {text for unit in KNOWN for text in edited(unit)}
    assert len(written) > 20_000
    assert sum(map(check, sorted(written))) > 300  # and some are understood, or this would test nothing


def test_units_within_two_edits_keep_their_size() -> None:
    chosen = random.Random(12)
    once = sorted({text for unit in KNOWN for text in edited(unit)})
    for unit in chosen.sample(once, 40):
        for written in edited(unit):
            check(written)


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["mg", "mg/h", "mg/kg/h", "µg/kg/min", "mg/24h", "g/day"])
def test_every_unit_within_two_edits_keeps_its_size(unit: str) -> None:
    for once in sorted(edited(unit)):
        for written in edited.__wrapped__(once):
            check(written)


@pytest.mark.parametrize(
    ("text", "mg_h", "mg_kg_h"),
    [
        ("0.1 mcg/kg/mn", 0.0, 0.006),
        ("100 mg/24h", 100 / 24, 0.0),
        ("100 mg/24 h", 100 / 24, 0.0),
        ("3 mg/kg/24h", 0.0, 0.125),
        ("3 mg/kg/d", 0.0, 0.125),
        ("5 mcg/kg/hr", 0.0, 0.005),
        ("5 μg/kg/mn", 0.0, 0.3),
        ("20 mg/hr/70 kg", 0.0, 2 / 7),
    ],
)
def test_what_clinicians_write_is_read(text: str, mg_h: float, mg_kg_h: float) -> None:
    assert rate_mg_h(text) == pytest.approx((mg_h, mg_kg_h), rel=1e-14)


@pytest.mark.parametrize(
    ("reader", "text", "says", "never"),
    [
        (rate_mg_h, "1 mg/kg/j", "write mg/kg/day", "mg/kg/h"),
        (rate_mg_h, "5 γ/kg/min", "write µg/kg/min", "mg/kg/min"),
        (dose_mg, "50 mgs", "write mg.", "ng"),
        (rate_mg_h, "5 mg/kg/m", "0.1 mg/kg/h", "write mg/kg/min"),
        (rate_mg_h, "4.4 cc/h", "strength of the bag", "4.4 mg"),
        (rate_mg_h, "1.000,5 mg/h", "write 1000.5 mg/h", "write 1.0005"),
        (dose_mg, "1 000 mg", "write 1000 mg", "write 1 mg"),
        (dose_mg, "12.345.678,9 mg", "write 12345678.9 mg", ","),
        (dose_mg, "0,5 mg", "write 0.5 mg", "5 mg without"),
        (rate_mg_h, "0.1-0.3 mg/kg/h", "one rate, e.g. 0.1 mg/kg/h, and titration", "unit"),
        (rate_mg_h, "5 to 10 mg/h", "is a range", "unit"),
        (moment_ms, "day 3 14:00", "write day 3 + 14 h, or 62 h", "unit"),
        (moment_ms, "day 3, 14:30", "write day 3 + 14 h 30 min, or 62 h 30 min", "unit"),
        (duration_ms, "30 min 1 h", "1 h 30 min", "unknown"),
        (dose_mg, "0.5 mg/kg im", "only intravenous", "e.g."),
    ],
)
def test_the_sentence_names_the_value_that_is_meant(reader, text: str, says: str, never: str) -> None:
    with pytest.raises(InputError) as refusal:
        reader(text)
    sentence = str(refusal.value).replace(text, "…")
    assert says in sentence
    assert never not in sentence


@pytest.mark.parametrize(("text", "hours"), [("day 3 + 14 h", 62), ("day 3+14h", 62), ("day 1 + 1 h 30 min", 1.5)])
def test_a_moment_may_be_a_day_and_hours_into_it(text: str, hours: float) -> None:
    assert moment_ms(text) == hours * 3_600_000


# ------------------------------------------------------------------------------------------- in a scenario

SESSION = "{at: 0 h, rate: 5 mg/h, for: 1 h}"


def scenario(arm: str = "", session: str = SESSION, top: str = "", drug: str = "racemic", follow_up: str = "4 weeks"):
    return loads(
        f"letheon: 1\ntitle: t\nfollow_up: {follow_up}\n{top}arms: {{a: {{drug: {drug}, sessions: [{session}]{arm}}}}}",
        "s.yaml",
    )


def refusal(**given: str) -> str:
    with pytest.raises(InputError) as caught:
        scenario(**given)
    return str(caught.value)


@pytest.mark.parametrize("drug", ["lidocaine", "clonidin", "midazolan", "magnesium", "propofol: 2"])
def test_an_unknown_drug_beside_is_never_answered_with_another(drug: str) -> None:
    sentence = refusal(arm=f", beside: {{{drug.split(':')[0]}: 2 mg}}")
    assert "only clonidine and midazolam have computed effects" in sentence
    assert "write" not in sentence


@pytest.mark.parametrize(
    ("drug", "meant"),
    [("S-ketamine", "write esketamine"), ("(S)-ketamine", "write esketamine"), ("r-ketamine", "write arketamine")]
    + [("racemate", "write racemic"), ("Esketamine", "write esketamine"), ("sham", "write placebo")]
    + [(name, "write one of") for name in ("ketamin", "norketamine", "memantine", "lidocaine", "eketamine")],
)
def test_a_drug_is_only_suggested_by_its_own_names(drug: str, meant: str) -> None:
    assert meant in refusal(drug=f'"{drug}"')


@pytest.mark.parametrize(
    "given",
    [
        {"arm": ", route: oral"},
        {"session": "{at: 0 h, rate: 5 mg/h, for: 1 h, route: nasal}"},
        {"top": "route: subcutaneous\n"},
        {"drug": "oral ketamine"},
        {"arm": ", boosters: {on: relapse, session: {rate: 5 mg/h, for: 1 h, route: im}}"},
    ],
)
def test_other_routes_are_refused_with_the_reason(given: dict[str, str]) -> None:
    sentence = refusal(**given)
    assert "only intravenous ketamine is modelled" in sentence
    assert "known are" not in sentence


def test_children_are_refused_with_the_reason() -> None:
    assert "only adults are modelled" in refusal(top="population: {age: 12 ± 3 years}\n")
    assert "only adults are modelled" not in refusal(top="population: {age: 120 years}\n")


def test_a_model_of_another_year_is_not_suggested() -> None:
    assert "write one of" in refusal(top="models: {pk: domino1984}\n")
    assert "write otto2021 if" in refusal(top="models: {pk: oto2021}\n")


def test_a_year_is_365_days_and_says_so() -> None:
    booster = ", boosters: {every: 1 year, session: {rate: 25 mg/h, for: 4 h}}"
    made = scenario(arm=booster, follow_up="24 months")
    assert made.arms[0].policy.boosters.gaps_days == (365,)
    assert made.follow_up_h == 24 * 720
    assert {w.split(": ")[1] for w in made.warnings} == {"a month counts 30 days.", "a year counts 365 days."}
    assert scenario(top="population: {age: 46 years}\n").warnings == ()
