"""Other drugs of an arm, given beside ketamine: doses and times, without any computed effect."""

from dataclasses import dataclass, field

import msgspec

from letheon.dosing.layout import Amounts
from letheon.dosing.policy_document import Quantity
from letheon.units import MS_PER_HOUR

__all__ = ["OtherDrug", "OtherDrugRecord", "other_drug_record"]


@dataclass(frozen=True, slots=True)
class OtherDrug:
    """A drug that has no computed effect: doses or an infusion with each session, or doses by the clock.

    >>> lorazepam = OtherDrug("lorazepam", mg=1.0, every_ms=12 * MS_PER_HOUR, until_ms=96 * MS_PER_HOUR)
    >>> lorazepam.times(Amounts()), lorazepam.total_mg(70.0, Amounts())
    (8, 8.0)
    """

    drug: str
    mg: float = 0.0  # a dose for everybody [mg], or for each hour of infusion [mg/h]
    mg_per_kg: float = 0.0  # the same for each kg of body weight
    infused: bool = False  # whether it runs as long as ketamine does
    every_ms: int = 0  # from one dose to the next, the first at 0 h; 0 for a dose with each session
    until_ms: int = 0  # no dose is given from here on; 0 for one with each session
    written: tuple[float, str] | None = field(default=None, compare=False, repr=False)  # number and unit in the file

    def at(self, weight_kg: float) -> float:
        """Return a dose [mg], or a rate [mg/h], for one body weight."""
        return self.mg + self.mg_per_kg * weight_kg

    def times(self, amounts: Amounts) -> int:
        """Return how many doses are given, or on how many occasions it runs."""
        return -(-self.until_ms // self.every_ms) if self.every_ms else amounts.occasions

    def total_mg(self, weight_kg: float, amounts: Amounts) -> float:
        """Return what is given in all [mg], with what the arm comes to."""
        return self.at(weight_kg) * (amounts.hours if self.infused else self.times(amounts))

    @property
    def form(self) -> tuple[float, str]:
        """Number and unit as written, otherwise in mg or mg/kg."""
        per = "/h" if self.infused else ""
        return self.written or ((self.mg_per_kg, f"mg/kg{per}") if self.mg_per_kg else (self.mg, f"mg{per}"))


class OtherDrugRecord(msgspec.Struct, frozen=True):
    """A drug of which no effect is computed, as it was written."""

    drug: str
    dose: Quantity | None  # None where it is infused
    rate: Quantity | None  # as long as ketamine runs
    every_h: float | None  # from one dose to the next, the first at 0 h [h]; None with each session, boosters included
    until_h: float | None  # no dose from here on [h]


def other_drug_record(other: OtherDrug) -> OtherDrugRecord:
    """Return the record of another drug.

    >>> other_drug_record(OtherDrug("lidocaine", mg_per_kg=1.5)).dose
    Quantity(value=1.5, unit='mg/kg')
    """
    amount = Quantity(*other.form)
    by_clock = (other.every_ms / MS_PER_HOUR, other.until_ms / MS_PER_HOUR) if other.every_ms else (None, None)
    return OtherDrugRecord(other.drug, None if other.infused else amount, amount if other.infused else None, *by_clock)
