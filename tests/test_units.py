"""Units and spellings of quantities: hand-made tables, reading back what was written, and hints that keep a dose's size.

No accepted unit and no suggested one may differ in size from every reading of what was written: the oracle is a table
of readings of its own, for all strings within one edit of a known unit and a fixed sample of those within two.
"""

import math
import random
import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from letheon.errors import InputError
from letheon.scenario import loads, quantities
from letheon.scenario.quantities import (
    DOSE_UNITS,
    FLOW_UNITS,
    RATE_UNITS,
    STRENGTH_UNITS,
    VOLUME_UNITS,
    Quantity,
    dose_mg,
    duration_ms,
    format_quantity,
    mass_mg,
    moment_ms,
    parse,
    rate_mg_h,
    strength_mg_per_ml,
    volume_ml,
    weight_kg,
)
from letheon.scenario.spellings import accepted, remedy
from letheon.units import canonical_unit, plain, shown, to_canonical


@pytest.mark.parametrize(
    ("value", "unit", "expected", "canonical"),
    [
        (90.0, "min", 1.5, "h"), (2.0, "day", 48.0, "h"), (2.0, "days", 48.0, "h"), (1.0, "year", 8766.0, "h"),
        (1.3, "L/min", 78.0, "L/h"), (1000.0, "mL/min", 60.0, "L/h"), (0.5, "1/min", 30.0, "1/h"),
        (0.17, "1/day", 0.17 / 24, "1/h"), (4.0, "1/year", 4 / 8766, "1/h"), (70.0, "L/h/70kg", 1.0, "L/h/kg"),
        (7.0, "mg/h/70kg", 0.1, "mg/h/kg"), (5.0, "µg/kg/min", 0.3, "mg/kg/h"), (5.0, "\u03bcg/kg/min", 0.3, "mg/kg/h"),
        (5.0, "ug/kg/min", 0.3, "mg/kg/h"), (1.0, "g/day", 1000 / 24, "mg/h"), (350.0, "mL", 0.35, "L"),
        (18.0, "%", 0.18, "1"), (0.55, "fraction", 0.55, "1"), (0.3, "µM", 0.3, "µM"), (300.0, "nM", 0.3, "µM"),
        (0.2, "mg/L", 200.0, "ng/mL"), (237.73, "g/mol", 237.73, "g/mol"), (0.4, "L/kg", 0.4, "L/kg"),
        (7.3, "NRS", 7.3, "NRS"),
    ],
)  # fmt: skip
def test_library_units_convert(value: float, unit: str, expected: float, canonical: str) -> None:
    assert to_canonical(value, unit) == pytest.approx(expected, rel=1e-15)
    assert canonical_unit(unit) == canonical


@pytest.mark.parametrize("unit", ["furlong", "", "mg//h", "L/", "mg h"])
def test_unknown_library_unit_is_refused_with_what_is_known(unit: str) -> None:
    with pytest.raises(InputError, match=r"is not a known unit; known are 1, fraction, %, "):
        to_canonical(1.0, unit)


finite = st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value + 0.0)
units = st.sampled_from(["", *quantities.UNITS])


@given(st.builds(Quantity, finite, units, st.none() | finite))
def test_reading_what_was_written_gives_the_same_quantity(quantity: Quantity) -> None:
    assert parse(format_quantity(quantity)) == quantity
    assert float(plain(quantity.value)) == quantities.number(plain(quantity.value)) == quantity.value


@given(st.text(max_size=40))
def test_any_text_is_a_quantity_or_one_sentence(text: str) -> None:
    for reader in (parse, rate_mg_h, dose_mg, duration_ms, moment_ms):
        try:
            reader(text)
        except InputError as error:
            sentence = str(error)
            assert sentence.endswith(".")
            assert "\n" not in sentence


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 mg/h", (5.0, 0.0)), ("5mg/h", (5.0, 0.0)), ("0.35 mg/kg/h", (0.0, 0.35)), ("0.35 mg/h/kg", (0.0, 0.35)),
        ("0.35 mg / kg / h", (0.0, 0.35)), ("7 mg/h/70kg", (0.0, 0.1)), ("7 mg/h/70 kg", (0.0, 0.1)),
        ("7 mg/70kg/h", (0.0, 0.1)), ("5 \u00b5g/kg/min", (0.0, 0.3)), ("5 \u03bcg/kg/min", (0.0, 0.3)),
        ("5 ug/kg/min", (0.0, 0.3)), ("5 µg/min/kg", (0.0, 0.3)), ("500 ug/min", (30.0, 0.0)),
        ("1.2 g/day", (50.0, 0.0)), ("5000 µg/h", (5.0, 0.0)), ("1e1 mg/h", (10.0, 0.0)), (".5 mg/h", (0.5, 0.0)),
        ("5. mg/h", (5.0, 0.0)), ("-0 mg/h", (0.0, 0.0)),
        ("0.1 mcg/kg/mn", (0.0, 0.006)), ("100 mg/24h", (100 / 24, 0.0)), ("100 mg/24 h", (100 / 24, 0.0)), ("3 mg/kg/d", (0.0, 0.125)),
        ("3 mg/kg/24h", (0.0, 0.125)), ("5 mcg/kg/hr", (0.0, 0.005)), ("5 μg/kg/mn", (0.0, 0.3)), ("20 mg/hr/70 kg", (0.0, 2 / 7)),
    ],
)  # fmt: skip
def test_rates(text: str, expected: tuple[float, float]) -> None:
    assert rate_mg_h(text) == pytest.approx(expected, rel=1e-14)
    assert math.copysign(1.0, rate_mg_h(text)[0]) == 1.0  # minus zero becomes zero


def test_doses_volumes_strengths_masses_and_days() -> None:
    doses = ("100 mg", "0.5 mg/kg", "0.1 g", "35 mg/70kg")
    assert [dose_mg(text) for text in doses] == [(100.0, 0.0), (0.0, 0.5), (100.0, 0.0), (0.0, 0.5)]
    assert [volume_ml(text) for text in ("100 mL", "100ml", "0.1 L", " 100  mL ")] == [100.0] * 4
    strengths = ("0.5 mg/mL", "0.5 mg/ml", "500 µg/mL", "500 μg/mL", "500 ug/ml", "0.5 g/L")
    assert [strength_mg_per_ml(text) for text in strengths] == [0.5] * 6
    assert [mass_mg(text) for text in ("100 mg", "0.1 g", "100000 µg")] == pytest.approx([100.0] * 3)
    moments = {
        "day 1": 0,
        "day 3": 48,
        "24 h": 24,
        "2 days": 48,
        "Day 2": 24,
        "day 3 + 14 h": 62,
        "day 1+1 h 30 min": 1.5,
    }
    assert {text: moment_ms(text) / 3_600_000 for text in moments} == moments
    spreads = ("79 ± 19 kg", "79±19 kg", "79 +/- 19 kg", "79+/-19kg", " 79 ± 19  kg ")
    assert {parse(text) for text in spreads} == {Quantity(79.0, "kg", 19.0)}


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1 h", 3_600_000), ("40 min", 2_400_000), ("90 s", 90_000), ("1 day", 86_400_000), ("2 days", 172_800_000),
        ("12 weeks", 12 * 7 * 86_400_000), ("0.6666666666666666 h", 2_400_000), ("1 year", 365 * 86_400_000),
        ("3 months", 90 * 86_400_000), ("4 hr", 14_400_000), ("4 d", 4 * 86_400_000), ("1 h 30 min", 5_400_000),
        ("1h30mn", 5_400_000), ("2 days 1 h 0.5 min", 2 * 86_400_000 + 3_630_000), ("1 hour", 3_600_000),
        ("0.0004 s", 0),
    ],
)  # fmt: skip
def test_lengths_of_time_are_whole_milliseconds(text: str, milliseconds: int) -> None:
    assert duration_ms(text) == milliseconds


# what the scenario reader refuses stands in test_malformed.py
# fmt: off
REFUSED = [
    (parse, "1,000 mg", '"1,000 mg" has a comma in its number; write 1000 mg without separators, or 1.000 mg if a decimal is meant.'),
    (parse, "1,000,000.5 mg", '"1,000,000.5 mg" has a comma in its number; write 1000000.5 mg without separators.'),
    (parse, "79 ± 19,5 kg", '"19,5 kg" has a comma in its number; write 19.5 kg with a decimal point.'),
    (parse, "nan mg/h", '"nan mg/h" does not start with a number; write e.g. 5 mg/h.'),
    (parse, "inf", '"inf" does not start with a number; write e.g. 5 mg/h.'),
    (parse, "٣ mg/h", '"٣ mg/h" does not start with a number; write e.g. 5 mg/h.'),
    (parse, "79 kg ± 19 kg", '"79 kg ± 19 kg" has a unit before the ±; write the unit once, at the end, e.g. 5 mg/h.'),
    (parse, "79 ± kg", '"79 ± kg" has no number after the ±; write e.g. 5 mg/h.'),
    (parse, "5 MG/H", '"5 MG/H" has the unknown unit "MG/H"; write mg/h.'),
    (parse, "5 mg/khg/h", '"5 mg/khg/h" has the unknown unit "mg/khg/h"; write e.g. 5 mg/h.'),
    (parse, "1_000 mg", '"1_000 mg" has separators in its number; write 1000 mg.'),
    (rate_mg_h, "5 mg", '"5 mg" is a dose, not a rate; write 5 mg/h, or dose: 5 mg in place of rate.'),
    (dose_mg, "5 mg/h", '"5 mg/h" is a rate, not a dose; write rate: 5 mg/h in place of dose.'),
    (duration_ms, "1:30", '"1:30" has the unknown unit ":30"; write e.g. 4 h, 1 h 30 min, 2 days or 12 weeks.'),
    (rate_mg_h, "5 h", '"5 h" is not a rate, because its unit is h; write e.g. 5 mg/h, 0.1 mg/kg/h, 5 µg/kg/min or 10 mg/h/70kg.'),
    (rate_mg_h, "25 ml/h", '"25 ml/h" has the unknown unit "ml/h"; a volume gives no dose without the strength of the bag, so write the mass of the drug, e.g. 5 mg/h, or bag: 5 mg/mL in the arm.'),
    (dose_mg, "5 kg", '"5 kg" is not a dose, because its unit is kg; write e.g. 100 mg or 0.5 mg/kg.'),
    (dose_mg, "100", '"100" has no unit; write e.g. 100 mg or 0.5 mg/kg.'),
    (duration_ms, "4 mg", '"4 mg" is not a time, because its unit is mg; write e.g. 4 h, 1 h 30 min, 2 days or 12 weeks.'),
    (volume_ml, "100 mg", '"100 mg" is not a volume, because its unit is mg; write e.g. 100 mL.'),
    (volume_ml, "25 mL/h", '"25 mL/h" is not a volume, because its unit is mL/h; write e.g. 100 mL.'),
    (volume_ml, "100 mls", '"100 mls" has the unknown unit "mls"; write mL.'),
    (volume_ml, "100 ± 5 mL", '"100 ± 5 mL" has a spread, which one volume cannot have; write e.g. 100 mL.'),
    (volume_ml, "1e308 L", '"1e308 L" is too large a number; write e.g. 100 mL.'),
    (strength_mg_per_ml, "50 mg", '"50 mg" is not a strength, because its unit is mg; write e.g. 1 mg/mL.'),
    (strength_mg_per_ml, "50", '"50" has no unit; write e.g. 50 mg/mL.'),
    (strength_mg_per_ml, "50 γ/mL", '"50 γ/mL" has the unknown unit "γ/mL"; write µg/mL.'),
    (strength_mg_per_ml, "5 %", '"5 %" has the unknown unit "%"; write e.g. 1 mg/mL.'),
    (mass_mg, "0.5 mg/kg", '"0.5 mg/kg" is not a mass, because its unit is mg/kg; write e.g. 100 mg.'),
    (weight_kg, "154 lb", '"154 lb" has the unknown unit "lb"; write e.g. 70 kg.'),
    (weight_kg, "79 ± 19 kg", '"79 ± 19 kg" has a spread, which one body weight cannot have; write e.g. 70 kg.'),
]
# fmt: on


@pytest.mark.parametrize(("reader", "text", "sentence"), REFUSED, ids=[text for _, text, _ in REFUSED])
def test_refusals_quote_the_input_and_say_what_works(reader, text: str, sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        reader(text)
    assert str(refusal.value) == sentence


def test_odd_texts_are_quoted_short_and_visible() -> None:
    assert shown("a\n\x1b[31m\u202eb") == '"a\\n\\x1b[31m\\u202eb"'
    with pytest.raises(InputError) as refusal:
        parse("9" * 100_000)
    assert len(str(refusal.value)) < 200


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
        text = " ".join(part.lower().split()).replace("μ", "µ").replace("70 kg", "70kg").replace("24 ", "24")
        if text not in READINGS:
            return None
        kind, factor = READINGS[text]
        kinds.add(("/" if place else "") + kind)
        size = size / factor if place else factor
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
    readings = []
    for units in ALLOWED:
        unit = accepted(written, units)
        hint = re.fullmatch(r"write (?!e\.g\.)(.+)", remedy(written, units, "NOTHING"))
        readings += [unit] if unit else [hint[1]] if hint else []
    for unit in readings:
        meant = reading(unit)
        assert size is not None and meant is not None, (written, unit)
        assert meant[0] == pytest.approx(size[0], rel=1e-12), (written, unit)
        assert meant[1] == size[1], (written, unit)
    return bool(readings)


def test_all_units_within_one_edit_and_some_within_two_keep_their_size() -> None:
    written = sorted({text for unit in KNOWN for text in edited(unit)})
    assert len(written) > 20_000
    assert sum(map(check, written)) > 300  # and some are understood, or this would test nothing
    for unit in random.Random(12).sample(written, 40):
        for text in edited(unit):
            check(text)


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["mg", "mg/h", "mg/kg/h", "µg/kg/min", "mg/24h", "g/day"])
def test_every_unit_within_two_edits_keeps_its_size(unit: str) -> None:
    for once in sorted(edited(unit)):
        for written in edited.__wrapped__(once):
            check(written)


@pytest.mark.parametrize(
    ("reader", "text", "says", "never"),
    [
        (rate_mg_h, "1 mg/kg/j", "write mg/kg/day", "mg/kg/h"),
        (rate_mg_h, "5 γ/kg/min", "write µg/kg/min", "mg/kg/min"),
        (dose_mg, "50 mgs", "write mg.", "ng"),
        (rate_mg_h, "5 mg/kg/m", "0.1 mg/kg/h", "write mg/kg/min"),
        (rate_mg_h, "4.4 cc/h", "strength of the bag", "4.4 mg"),
        (dose_mg, "4 cc", "strength of the bag", "mg/h"),
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


def scenario(arm="", session="{at: 0 h, rate: 5 mg/h, for: 1 h}", top="", drug="racemic", follow_up="4 weeks"):
    return loads(
        f"letheon: 1\ntitle: t\nfollow_up: {follow_up}\n{top}arms: {{a: {{drug: {drug}, sessions: [{session}]{arm}}}}}",
        "s.yaml",
    )


ONLY_IV = "only intravenous ketamine is modelled"


@pytest.mark.parametrize(
    ("parts", "words", "never"),
    [
        *[
            ({"arm": f", beside: {{{drug}: 2 mg}}"}, "only clonidine and midazolam have computed effects", "write")
            for drug in ("lidocaine", "clonidin", "midazolan", "magnesium", "propofol")
        ],
        *[
            ({"drug": f'"{drug}"'}, "write esketamine", "write ar")
            for drug in ("S-ketamine", "(S)-ketamine", "Esketamine")
        ],
        ({"drug": "r-ketamine"}, "write arketamine", "write es"),
        ({"drug": "racemate"}, "write racemic", "write es"),
        ({"drug": "sham"}, "write placebo", "write es"),
        *[
            ({"drug": drug}, "write one of", "write es")
            for drug in ("ketamin", "norketamine", "memantine", "lidocaine", "eketamine")
        ],
        ({"arm": ", route: oral"}, ONLY_IV, "known are"),
        ({"session": "{at: 0 h, rate: 5 mg/h, for: 1 h, route: nasal}"}, ONLY_IV, "known are"),
        ({"top": "route: subcutaneous\n"}, ONLY_IV, "known are"),
        ({"arm": ", Route: oral"}, ONLY_IV, "known keys"),
        ({"drug": "oral ketamine"}, ONLY_IV, "known are"),
        ({"session": "{at: 0 h, 5 mg/h, for: 1 h}"}, "write its key", "0.5"),
        ({"session": "{at: day 3, 14 h, rate: 5 mg/h, for: 1 h}"}, "write day 3 + 14 h, or 62 h", "3.14"),
        ({"arm": ", boosters: {on: relapse, session: {rate: 5 mg/h, for: 1 h, route: im}}"}, ONLY_IV, "known are"),
        ({"top": "population: {age: 12 ± 3 years}\n"}, "only adults are modelled", "120"),
        ({"top": "population: {age: 120 years}\n"}, "18 to 100 years", "only adults are modelled"),
        ({"top": "models: {pk: domino1984}\n"}, "write one of", "domino1982, if"),
        ({"top": "models: {pk: oto2021}\n"}, "write otto2021 if", "write one of"),
    ],
)
def test_no_other_drug_route_person_or_year_is_suggested(parts: dict[str, str], words: str, never: str) -> None:
    with pytest.raises(InputError) as refused:
        scenario(**parts)
    assert words in str(refused.value) and never not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "1,000 mg/h",
        "1.000,5 mg/h",
        "12,5 mg/h",
        "1 000,5 mg/h",
        "1,000,000 mg/h",
        "1,000.5 mg/h",
        "0,5 mg/kg/h",
        "1,2,3",
    ],
)
def test_a_number_that_braces_cut_means_what_it_means_in_quotes(text: str) -> None:
    """Red when 1,000 mg/h in braces, which YAML cuts at the comma, is answered with 1.000 mg/h alone."""
    remedies = []
    for rate in (f'"{text}"', text):
        with pytest.raises(InputError) as refused:
            scenario(session=f"{{at: 0 h, rate: {rate}, for: 1 h}}")
        remedies.append(str(refused.value).split("; write ")[1])
    assert remedies[0] == remedies[1]


def test_a_year_is_365_days_with_a_warning() -> None:
    booster = ", boosters: {every: 1 year, session: {rate: 25 mg/h, for: 4 h}}"
    years = scenario(arm=booster, follow_up="24 months")
    assert years.arms[0].policy.boosters.rungs[0].gap_days == (365, 365)
    assert years.follow_up_h == 24 * 720
    assert {w.split(": ")[1] for w in years.warnings} == {"a month counts 30 days.", "a year counts 365 days."}
    assert scenario(top="population: {age: 46 years}\n").warnings == ()
