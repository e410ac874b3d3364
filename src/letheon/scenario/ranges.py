"""Ranges: all values that a quantity of a scenario may take between two ends, as texts that the reader reads.

A search moves on a lattice of values as a protocol would write them, so that each candidate is exactly what its
scenario file says.
"""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from math import floor, log10

from letheon.errors import InputError
from letheon.scenario import quantities
from letheon.units import shown

__all__ = ["MAX_VALUES", "read_amount", "values_between"]

MAX_VALUES = 1000
_TIMES_MS = {unit: Decimal(quantities.duration_ms(f"1 {unit}")) for unit in quantities.TIME_UNITS}
_ROUND_TIMES_MS = tuple(
    Decimal(quantities.duration_ms(text))
    for text in (
        *("1 s", "5 s", "10 s", "30 s", "1 min", "5 min", "10 min", "30 min", "1 h", "2 h", "4 h", "6 h", "12 h"),
        *("1 day", "2 days", "1 week", "2 weeks", "4 weeks", "12 weeks"),
    )
)
_STEPS = 20  # about how many a range has, if no step is given
_TIME_STEPS = 10
_SMALLEST, _LARGEST = Decimal("1e-12"), Decimal("1e15")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with what stands before and after it: ``day 3``, ``5 mg/h``, ``6 per year``, ``10``."""

    before: str
    number: Decimal
    unit: str

    @property
    def time_ms(self) -> Decimal | None:
        """Length of time [ms], if it is one."""
        return None if self.before or self.unit not in _TIMES_MS else self.number * _TIMES_MS[self.unit]


def read_amount(text: str) -> Amount:
    """Read a number that may have a unit, or the word ``day`` before it."""
    entry = " ".join(text.split())
    match = re.fullmatch(r"(day )?([0-9]+(?:\.[0-9]*)?|\.[0-9]+)((?:[eE][+-]?[0-9]+)?)\s*([^0-9].*)?", entry)
    if not match:
        quantities.parse(entry)  # for its sentence about commas and the like
        raise InputError(
            f"{shown(entry)} is not an amount that can be increased in steps; write e.g. 5 mg/h, 30 min or 10."
        )
    before, digits, power, unit = match[1] or "", match[2], match[3], (match[4] or "").strip()
    if unit and not re.match(r"per |times$", unit):
        parsed = quantities.parse(entry)
        if parsed.spread is not None:
            raise InputError(f"{shown(entry)} has a spread, which a value of a regimen cannot have; write one number.")
        unit = parsed.unit
    try:
        number = Decimal(digits + power)
    except InvalidOperation:
        raise InputError(f"{shown(entry)} is not a number that can be increased in steps; write e.g. 5 mg/h.") from None
    if number and not _SMALLEST <= number <= _LARGEST:
        raise InputError(f"{shown(entry)} is too large for any regimen; write e.g. 5 mg/h, 30 min or 10.")
    if before and (unit or number != int(number)):
        raise InputError(f"{shown(entry)} is not a day; write e.g. day 3.")
    return Amount(before.strip(), number, unit)


def values_between(low: str, high: str, step: str | None = None) -> tuple[str, ...]:
    """Return ascending values between two ends; without a step 1 for what is counted, else a round share of the range.

    Examples
    --------
    >>> values_between("1 h", "2 h", "30 min"), values_between("day 1", "day 3")
    (('1 h', '1.5 h', '2 h'), ('day 1', 'day 2', 'day 3'))
    """
    ends = [read_amount(low), read_amount(high)]
    amounts = [*ends, read_amount(step)] if step is not None else ends
    first, last, *by = _together(amounts)
    if last.number <= first.number:
        raise InputError(f"the range ends at {high}, not above its start at {low}; write the smaller one as from.")
    width = last.number - first.number
    stride = by[0].number if by else _stride(first, width)
    if stride <= 0:
        raise InputError(f"the step {step} is not above 0; write e.g. a tenth of the range.")
    count = int(width / stride)
    if count >= MAX_VALUES:
        raise InputError(
            f"from {low} to {high} there would be {count + 1} values; write a larger step, for at most {MAX_VALUES}."
        )
    numbers = [first.number + k * stride for k in range(count + 1)]
    if numbers[-1] != last.number:
        numbers.append(last.number)
    return tuple(_written(first.before, number, first.unit) for number in numbers)


def _together(amounts: list[Amount]) -> list[Amount]:
    """Put amounts in one unit: the smallest of several times, else the one that all have."""
    kinds = {(amount.before, amount.unit) for amount in amounts}
    if len(kinds) == 1:
        return amounts
    ends, step = amounts[:2], amounts[2:]
    days = all(amount.before for amount in ends) and all(a.unit in ("", "day") and not a.before for a in step)
    if days and ends[0].before == ends[1].before:
        return [*ends, *(Amount(ends[0].before, amount.number, "") for amount in step)]
    if all(amount.time_ms is not None for amount in amounts):
        smallest = min((amount.unit for amount in amounts), key=lambda name: _TIMES_MS[name])
        # the unit of the first end reads best, where a step is a short decimal in it
        for unit in (amounts[0].unit, smallest):
            numbers = [amount.number * _TIMES_MS[amount.unit] / _TIMES_MS[unit] for amount in amounts]
            if all(number == round(number, 3) for number in numbers):
                break
        return [Amount("", number, unit) for number in numbers]
    spelled = " and ".join(dict.fromkeys(amount.unit or amount.before or "no unit" for amount in amounts))
    raise InputError(f"the ends and the step have different units ({spelled}); write all in one unit.")


def _stride(first: Amount, width: Decimal) -> Decimal:
    """Return a round step: 1 for what is counted, else a small share of the range."""
    if first.before or not first.unit or first.unit.startswith(("per ", "times")):
        whole = first.number == int(first.number) and width == int(width)
        return Decimal(1) if whole else _round_number(width / _STEPS)
    if first.unit in _TIMES_MS:
        unit = _TIMES_MS[first.unit]
        most = width * unit / _TIME_STEPS
        short = [step for step in (ms / unit for ms in _ROUND_TIMES_MS) if step == round(step, 2)]
        return max((step for step in short if step * unit <= most), default=short[0])
    return _round_number(width / _STEPS)


def _round_number(most: Decimal) -> Decimal:
    """Return the largest of 1, 2, 5 times a power of ten that is at most so large."""
    power = Decimal(10) ** floor(log10(most))
    return max(power * digit for digit in (1, 2, 5) if power * digit <= most * (1 + Decimal("1e-12")))


def _written(before: str, number: Decimal, unit: str) -> str:
    text = f"{number.normalize():f}"
    if before:
        return f"{before} {text}"
    if unit in {"day", "week", "month", "year"}:
        unit += "" if text == "1" else "s"
    return f"{text} {unit}".strip()
