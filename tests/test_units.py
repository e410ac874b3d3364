"""Units of the library and quantities of a scenario: hand-made tables, and reading back what was written."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from letheon.errors import InputError
from letheon.scenario import quantities
from letheon.scenario.quantities import (
    Quantity,
    dose_mg,
    duration_ms,
    format_quantity,
    moment_ms,
    parse,
    rate_mg_h,
)
from letheon.units import canonical_unit, plain, shown, to_canonical


@pytest.mark.parametrize(
    ("value", "unit", "expected", "canonical"),
    [
        (90.0, "min", 1.5, "h"),
        (2.0, "day", 48.0, "h"),
        (2.0, "days", 48.0, "h"),
        (1.0, "year", 8766.0, "h"),
        (1.3, "L/min", 78.0, "L/h"),
        (1000.0, "mL/min", 60.0, "L/h"),
        (0.5, "1/min", 30.0, "1/h"),
        (0.17, "1/day", 0.17 / 24, "1/h"),
        (4.0, "1/year", 4 / 8766, "1/h"),
        (70.0, "L/h/70kg", 1.0, "L/h/kg"),
        (7.0, "mg/h/70kg", 0.1, "mg/h/kg"),
        (5.0, "µg/kg/min", 0.3, "mg/kg/h"),
        (5.0, "\u03bcg/kg/min", 0.3, "mg/kg/h"),
        (5.0, "ug/kg/min", 0.3, "mg/kg/h"),
        (1.0, "g/day", 1000 / 24, "mg/h"),
        (350.0, "mL", 0.35, "L"),
        (18.0, "%", 0.18, "1"),
        (0.55, "fraction", 0.55, "1"),
        (0.3, "µM", 0.3, "µM"),
        (300.0, "nM", 0.3, "µM"),
        (0.2, "mg/L", 200.0, "ng/mL"),
        (237.73, "g/mol", 237.73, "g/mol"),
        (0.4, "L/kg", 0.4, "L/kg"),
        (7.3, "NRS", 7.3, "NRS"),
    ],
)
def test_library_units_convert(value: float, unit: str, expected: float, canonical: str) -> None:
    assert to_canonical(value, unit) == pytest.approx(expected, rel=1e-15)
    assert canonical_unit(unit) == canonical


@pytest.mark.parametrize("unit", ["furlong", "", "mg//h", "L/", "mg h"])
def test_unknown_library_unit_is_refused_with_what_is_known(unit: str) -> None:
    with pytest.raises(InputError, match=r"is not a known unit; known are 1, fraction, %, "):
        to_canonical(1.0, unit)


def test_canonical_numbers_are_not_touched() -> None:
    assert all(to_canonical(0.1 + 0.2, unit) == 0.1 + 0.2 for unit in ("h", "L", "mg", "kg", "1", "ng/mL", "µM"))


# ---------------------------------------------------------------------------------------------- quantities

finite = st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value + 0.0)
units = st.sampled_from(["", *quantities.UNITS])


@given(st.builds(Quantity, finite, units, st.none() | finite))
def test_reading_what_was_written_gives_the_same_quantity(quantity: Quantity) -> None:
    assert parse(format_quantity(quantity)) == quantity


@given(finite)
def test_plain_numbers_read_back_exactly(value: float) -> None:
    assert float(plain(value)) == value
    assert quantities.number(plain(value)) == value


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
        ("5 mg/h", (5.0, 0.0)),
        ("5mg/h", (5.0, 0.0)),
        ("0.35 mg/kg/h", (0.0, 0.35)),
        ("0.35 mg/h/kg", (0.0, 0.35)),
        ("0.35 mg / kg / h", (0.0, 0.35)),
        ("7 mg/h/70kg", (0.0, 0.1)),
        ("7 mg/h/70 kg", (0.0, 0.1)),
        ("7 mg/70kg/h", (0.0, 0.1)),
        ("5 \u00b5g/kg/min", (0.0, 0.3)),
        ("5 \u03bcg/kg/min", (0.0, 0.3)),
        ("5 ug/kg/min", (0.0, 0.3)),
        ("5 µg/min/kg", (0.0, 0.3)),
        ("500 ug/min", (30.0, 0.0)),
        ("1.2 g/day", (50.0, 0.0)),
        ("5000 µg/h", (5.0, 0.0)),
        ("1e1 mg/h", (10.0, 0.0)),
        (".5 mg/h", (0.5, 0.0)),
        ("5. mg/h", (5.0, 0.0)),
        ("-0 mg/h", (0.0, 0.0)),
    ],
)
def test_rates(text: str, expected: tuple[float, float]) -> None:
    assert rate_mg_h(text) == pytest.approx(expected, rel=1e-15)


def test_minus_zero_becomes_zero() -> None:
    assert math.copysign(1.0, rate_mg_h("-0 mg/h")[0]) == 1.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100 mg", (100.0, 0.0)),
        ("0.5 mg/kg", (0.0, 0.5)),
        ("0.1 g", (100.0, 0.0)),
        ("35 mg/70kg", (0.0, 0.5)),
    ],
)
def test_doses(text: str, expected: tuple[float, float]) -> None:
    assert dose_mg(text) == expected


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1 h", 3_600_000),
        ("40 min", 2_400_000),
        ("90 s", 90_000),
        ("1 day", 86_400_000),
        ("2 days", 172_800_000),
        ("12 weeks", 12 * 7 * 86_400_000),
        ("0.6666666666666666 h", 2_400_000),
        ("1 year", 365 * 86_400_000),
        ("3 months", 90 * 86_400_000),
        ("4 hr", 14_400_000),
        ("4 d", 4 * 86_400_000),
        ("1 h 30 min", 5_400_000),
        ("1h30mn", 5_400_000),
        ("2 days 1 h 0.5 min", 2 * 86_400_000 + 3_630_000),
        ("1 hour", 3_600_000),
        ("0.0004 s", 0),
    ],
)
def test_lengths_of_time_are_whole_milliseconds(text: str, milliseconds: int) -> None:
    assert duration_ms(text) == milliseconds


@pytest.mark.parametrize(("text", "hours"), [("day 1", 0), ("day 3", 48), ("24 h", 24), ("2 days", 48), ("Day 2", 24)])
def test_day_n_begins_after_n_minus_1_days(text: str, hours: int) -> None:
    assert moment_ms(text) == hours * 3_600_000


@pytest.mark.parametrize("text", ["79 ± 19 kg", "79±19 kg", "79 +/- 19 kg", "79+/-19kg", " 79 ± 19  kg "])
def test_a_spread_may_be_written_in_several_ways(text: str) -> None:
    assert parse(text) == Quantity(79.0, "kg", 19.0)


REFUSED = [
    (
        parse,
        "0,35 mg/kg/h",
        '"0,35 mg/kg/h" has a comma in its number; write 0.35 mg/kg/h with a decimal point.',
    ),
    (
        parse,
        "1,000 mg",
        '"1,000 mg" has a comma in its number; write 1000 mg without separators, or 1.000 mg if a decimal is meant.',
    ),
    (
        parse,
        "1,000,000.5 mg",
        '"1,000,000.5 mg" has a comma in its number; write 1000000.5 mg without separators.',
    ),
    (parse, "79 ± 19,5 kg", '"19,5 kg" has a comma in its number; write 19.5 kg with a decimal point.'),
    (
        rate_mg_h,
        "5",
        '"5" has no unit; write e.g. 5 mg/h or 0.1 mg/kg/h.',
    ),
    (
        rate_mg_h,
        "5 ± 1 mg/h",
        '"5 ± 1 mg/h" has a spread, which a rate cannot have; write e.g. 5 mg/h, 0.1 mg/kg/h, 5 µg/kg/min or 10 mg/h/70kg.',
    ),
    (rate_mg_h, "5 mg", '"5 mg" is a dose, not a rate; write 5 mg/h, or dose: 5 mg in place of rate.'),
    (
        rate_mg_h,
        "5 h",
        '"5 h" is not a rate, because its unit is h; write e.g. 5 mg/h, 0.1 mg/kg/h, 5 µg/kg/min or 10 mg/h/70kg.',
    ),
    (dose_mg, "5 mg/h", '"5 mg/h" is a rate, not a dose; write rate: 5 mg/h in place of dose.'),
    (dose_mg, "5 kg", '"5 kg" is not a dose, because its unit is kg; write e.g. 100 mg or 0.5 mg/kg.'),
    (dose_mg, "100", '"100" has no unit; write e.g. 100 mg or 0.5 mg/kg.'),
    (duration_ms, "4", '"4" has no unit; write e.g. 4 h or 4 min.'),
    (
        duration_ms,
        "4 mg",
        '"4 mg" is not a time, because its unit is mg; write e.g. 4 h, 1 h 30 min, 2 days or 12 weeks.',
    ),
    (duration_ms, "4 hrs", '"4 hrs" has the unknown unit "hrs"; write h.'),
    (duration_ms, "4 jours", '"4 jours" has the unknown unit "jours"; write day.'),
    (
        duration_ms,
        "1e30 h",
        '"1e30 h" is longer than any scenario can run (10 years); write e.g. 4 h, 1 h 30 min, 2 days or 12 weeks.',
    ),
    (moment_ms, "day 0", '"day 0" is not a day; days are whole numbers from 1, so write e.g. day 1 or 12 h.'),
    (
        moment_ms,
        "day 1.5",
        '"day 1.5" is not a day; days are whole numbers from 1, so write e.g. day 1 or 12 h.',
    ),
    (moment_ms, "3", '"3" has no unit; write e.g. 3 h, or day 1.'),
    (parse, "1e400 mg/h", '"1e400" is too large a number; write e.g. 5 mg/h.'),
    (parse, "nan mg/h", '"nan mg/h" does not start with a number; write e.g. 5 mg/h.'),
    (parse, "inf", '"inf" does not start with a number; write e.g. 5 mg/h.'),
    (parse, "٣ mg/h", '"٣ mg/h" does not start with a number; write e.g. 5 mg/h.'),
    (parse, "", "nothing is written here; write e.g. 5 mg/h."),
    (
        parse,
        "79 kg ± 19 kg",
        '"79 kg ± 19 kg" has a unit before the ±; write the unit once, at the end, e.g. 5 mg/h.',
    ),
    (parse, "79 ± kg", '"79 ± kg" has no number after the ±; write e.g. 5 mg/h.'),
    (
        parse,
        "5 mL/h",
        '"5 mL/h" has the unknown unit "mL/h"; a volume gives no dose without the strength of the bag, '
        "so write the mass of the drug, e.g. 5 mg/h.",
    ),
    (parse, "5 MG/H", '"5 MG/H" has the unknown unit "MG/H"; write mg/h.'),
    (parse, "5 mg/khg/h", '"5 mg/khg/h" has the unknown unit "mg/khg/h"; write e.g. 5 mg/h.'),
    (parse, "5 bags", '"5 bags" has the unknown unit "bags"; write e.g. 5 mg/h.'),
    (parse, "1_000 mg", '"1_000 mg" has separators in its number; write 1000 mg.'),
    (duration_ms, "1:30", '"1:30" has the unknown unit ":30"; write e.g. 4 h, 1 h 30 min, 2 days or 12 weeks.'),
]


@pytest.mark.parametrize(("reader", "text", "sentence"), REFUSED, ids=[text for _, text, _ in REFUSED])
def test_refusals_say_what_was_given_and_what_would_work(reader, text: str, sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        reader(text)
    assert str(refusal.value) == sentence


def test_long_texts_are_refused_without_echoing_them() -> None:
    with pytest.raises(InputError) as refusal:
        parse("9" * 100_000)
    assert len(str(refusal.value)) < 200


def test_shown_makes_control_characters_visible() -> None:
    assert shown("a\n\x1b[31m\u202eb") == '"a\\n\\x1b[31m\\u202eb"'
