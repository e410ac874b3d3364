"""Order: one body weight, one kind of vial, one kind of bag, and what cannot be made up from them."""

import math
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from letheon.errors import InputError
from letheon.units import REFERENCE_WEIGHT_KG, plain

VIAL_SALTS = ("base", "hydrochloride")
WITHDRAWN = ("all", "drug", "none")
# what a usual infusion pump can be set to [mL/h]
MIN_PUMP_ML_H = 0.1
MAX_PUMP_ML_H = 999.0
MIN_WEIGHT_KG, MAX_WEIGHT_KG = 30.0, 200.0
# far outside anything on the market: a typing error
MIN_VIAL_MG_PER_ML, MAX_VIAL_MG_PER_ML = 0.1, 200.0
MIN_BAG_ML, MAX_BAG_ML = 1.0, 5000.0
STANDARD_BAGS_ML = (50.0, 100.0, 250.0, 500.0, 1000.0)  # sizes that infusion fluids commonly come in
# strength [mg/mL] and content [mL] of vials that are commonly on the market
STANDARD_VIALS: dict[str, tuple[tuple[float, float], ...]] = {
    "racemic": ((10.0, 20.0), (50.0, 10.0), (100.0, 5.0)),
    "esketamine": ((5.0, 5.0), (25.0, 2.0), (25.0, 10.0)),
}
MIN_DRAWN_ML = 0.1  # a syringe of 1 mL is marked at every 0.01 mL: less than this is off by more than a tenth
MIN_MG_PER_ML = 1e-6
DEFAULT_MG_PER_ML = 1.0

_ROUNDING = 1 + 1e-9


@dataclass(frozen=True, slots=True)
class Order:
    """What is drawn up: one body weight, one kind of vial, one kind of bag.

    Parameters
    ----------
    weight_kg : float
        Body weight [kg].
    vial_mg_per_ml : float
        Strength of the vial as its label has it [mg/mL].
    vial_salt : str
        What the label counts: ``base`` or ``hydrochloride``.
    base_mg_per_ml : float
        Strength of the vial in free base [mg/mL].
    bag_ml : float
        Volume of a bag once it is made up [mL].
    mg_per_ml : float
        Strength of a bag of drug, in free base [mg/mL].
    vial_ml : float or None
        Content of one vial [mL], if vials are to be counted.
    strength_is_written : bool
        Whether the timetable was written for a bag of this strength, so that no other is proposed.
    overfill_ml : float or None
        What a bag of diluent holds beyond its label [mL]; None for diluent measured into an empty bag.
    withdrawn : str
        What is taken out of a bag of diluent before the drug goes in: ``all`` (the volume of the drug, and the
        overfill), ``drug`` (its volume alone) or ``none``. What stays in counts in `bag_ml` and `mg_per_ml`.

    Examples
    --------
    >>> order = Order.create(bag_ml=100.0, mg_per_ml=1.0, vial_mg_per_ml=50.0)
    >>> order.drug_ml, order.diluent_ml
    (2.0, 98.0)
    """

    weight_kg: float = REFERENCE_WEIGHT_KG
    vial_mg_per_ml: float = 50.0
    vial_salt: str = "base"
    base_mg_per_ml: float = 50.0
    bag_ml: float = 100.0
    mg_per_ml: float = DEFAULT_MG_PER_ML
    vial_ml: float | None = None
    strength_is_written: bool = False
    overfill_ml: float | None = None
    withdrawn: str = "all"

    @classmethod
    def create(
        cls,
        *,
        weight_kg: float = REFERENCE_WEIGHT_KG,
        vial_mg_per_ml: float = 50.0,
        vial_salt: str = "base",
        bag_ml: float = 100.0,
        mg_per_ml: float | None = None,
        bag_mg: float | None = None,
        vial_ml: float | None = None,
        overfill_ml: float | None = None,
        withdrawn: str = "all",
    ) -> "Order":
        """Check the numbers, then build an order.

        A bag holds 1 mg/mL of free base, or `mg_per_ml`, or `bag_mg` in all [mg]. Here `bag_ml` is the volume on its
        label; where overfill stays in, the order has the volume and the strength that result.

        Raises
        ------
        InputError
            If a number is out of range, or a bag cannot be made up like this.

        Examples
        --------
        >>> Order.create(bag_mg=250.0, bag_ml=250.0).mg_per_ml
        1.0
        >>> kept = Order.create(bag_mg=100.0, overfill_ml=8.0, withdrawn="none")
        >>> kept.bag_ml, round(kept.mg_per_ml, 4), kept.label_ml, kept.withdrawn_ml
        (110.0, 0.9091, 100.0, 0.0)
        """
        _check(weight_kg, "body weight", MIN_WEIGHT_KG, MAX_WEIGHT_KG, "kg")
        _check(bag_ml, "volume of a bag", MIN_BAG_ML, MAX_BAG_ML, "mL")
        if vial_ml is not None:
            _check(vial_ml, "content of a vial", 0.1, 1000.0, "mL")
        _check(vial_mg_per_ml, "strength of a vial", MIN_VIAL_MG_PER_ML, MAX_VIAL_MG_PER_ML, "mg/mL")
        base = vial_mg_per_ml * _base_fraction(vial_salt)
        strength = _bag_strength(mg_per_ml, bag_mg, bag_ml, base)
        exact = cls(
            float(weight_kg), float(vial_mg_per_ml), vial_salt, base, float(bag_ml), strength,
            None if vial_ml is None else float(vial_ml),
        )  # fmt: skip
        return exact if overfill_ml is None and withdrawn == "all" else exact.with_overfill(overfill_ml, withdrawn)

    def with_overfill(self, overfill_ml: float | None, withdrawn: str = "all") -> "Order":
        """Return the order with bags of diluent that hold more than their label [mL], of which some may be withdrawn.

        Raises InputError if the overfill is unknown or cannot be.

        >>> Order.create().with_overfill(7.0).withdrawn_ml
        9.0
        """
        if withdrawn not in WITHDRAWN:
            raise InputError(f"what is withdrawn from a bag must be {', '.join(WITHDRAWN)}; got {withdrawn}.")
        if overfill_ml is None:
            raise InputError(
                f"what is withdrawn ({withdrawn}) matters for a bag of diluent whose overfill is known; give the "
                "overfill too, 0 mL if there is none."
            )
        label_ml = self.label_ml
        _check(overfill_ml, "overfill of a bag", 0.0, label_ml, "mL")
        kept = overfill_ml * (withdrawn != "all") + self.drug_ml * (withdrawn == "none")
        if not kept:
            return replace(self, overfill_ml=float(overfill_ml), withdrawn=withdrawn)
        return replace(
            self,
            bag_ml=label_ml + kept,
            mg_per_ml=self.bag_mg / (label_ml + kept),
            overfill_ml=float(overfill_ml),
            withdrawn=withdrawn,
        )

    def with_vial(self, vial_mg_per_ml: float, vial_ml: float) -> "Order":
        """Return the order with another vial of the same salt: strength [mg/mL] and content [mL].

        >>> Order.create().with_vial(10.0, 20.0).drug_ml
        10.0
        """
        base = vial_mg_per_ml * self.base_mg_per_ml / self.vial_mg_per_ml
        label_ml, strength = self.label_ml, self.label_mg_per_ml
        exact = replace(
            self, vial_mg_per_ml=vial_mg_per_ml, base_mg_per_ml=base, vial_ml=vial_ml, bag_ml=label_ml,
            mg_per_ml=strength, overfill_ml=None, withdrawn="all",
        )  # fmt: skip
        return exact if self.overfill_ml is None else exact.with_overfill(self.overfill_ml, self.withdrawn)

    def of_bag(self, mg_per_ml: float, bag_ml: float | None = None, *, explicit: bool = False) -> "Order":
        """Return the order with the bag that a timetable was written for [mg/mL], of another volume [mL] if stated.

        Raises InputError if it cannot be made up, or if the present strength was stated (`explicit`) and is another.

        >>> Order.create().of_bag(5.0).bag_mg
        500.0
        """
        if explicit and not math.isclose(mg_per_ml, self.mg_per_ml, rel_tol=1e-9):
            raise InputError(
                f"the scenario's bag holds {mg_per_ml:.6g} mg/mL of free base at {plain(self.weight_kg)} kg, and the "
                f"option asks for {self.mg_per_ml:.6g} mg/mL; leave the option out, or change bag in the file."
            )
        if self.withdrawn != "all":
            raise InputError(
                "the timetable is written for a bag of known strength, which it has only where overfill and the volume "
                f"of the drug are withdrawn; got {self.withdrawn}, write all."
            )
        volume = self.bag_ml if bag_ml is None else bag_ml
        _check(volume, "volume of a bag", MIN_BAG_ML, MAX_BAG_ML, "mL")
        strength = _bag_strength(mg_per_ml, None, volume, self.base_mg_per_ml)
        return replace(self, bag_ml=volume, mg_per_ml=strength, strength_is_written=True)

    @property
    def drug_ml(self) -> float:
        """Volume from the vial in each bag of drug [mL]."""
        return self.bag_ml * min(self.mg_per_ml / self.base_mg_per_ml, 1.0)

    @property
    def diluent_ml(self) -> float:
        """Volume of diluent in each bag of drug [mL]."""
        return self.bag_ml - self.drug_ml

    @property
    def bag_mg(self) -> float:
        """Drug in each bag, in free base [mg]."""
        return self.bag_ml * self.mg_per_ml

    @property
    def label_ml(self) -> float:
        """Volume on the label of a bag [mL]; more is in it where overfill stays in."""
        drug = self.bag_mg / self.base_mg_per_ml * (self.withdrawn == "none")
        kept = (self.overfill_ml or 0.0) * (self.withdrawn != "all") + drug
        return round(self.bag_ml - kept, 9) if kept else self.bag_ml

    @property
    def label_mg_per_ml(self) -> float:
        """Strength that a bag would have if it held the volume on its label [mg/mL]."""
        return self.mg_per_ml if self.label_ml == self.bag_ml else self.bag_mg / self.label_ml

    @property
    def withdrawn_ml(self) -> float:
        """Volume to take out of a bag of diluent before the drug goes in [mL]."""
        if self.overfill_ml is None or self.withdrawn == "none":
            return 0.0
        return self.drug_ml + self.overfill_ml * (self.withdrawn == "all")

    @property
    def vials_a_bag(self) -> int | None:
        """Vials opened for each bag of drug, where their content is known."""
        return None if self.vial_ml is None else self.vials_for(self.drug_ml)

    def vials_for(self, drug_ml: float) -> int:
        """Return the vials opened for a volume of drug [mL]; 0 where their content is not known.

        >>> Order.create(vial_ml=10.0).vials_for(12.0)
        2
        """
        return 0 if self.vial_ml is None else math.ceil(drug_ml / self.vial_ml / _ROUNDING)

    def pump_ml_h(self, mg_per_h: float) -> float:
        """Return the rate of the pump [mL/h] for a rate of the drug [mg/h].

        Raises
        ------
        InputError
            If no pump can run at it.

        Examples
        --------
        >>> Order.create(mg_per_ml=2.0).pump_ml_h(25.0)
        12.5
        """
        pump = mg_per_h / self.mg_per_ml
        doses = f"{mg_per_h:.4g} mg/h from a bag of {self.mg_per_ml:.4g} mg/mL is {pump:.4g} mL/h"
        if pump > MAX_PUMP_ML_H * _ROUNDING:
            raise InputError(
                f"{doses}, above the {plain(MAX_PUMP_ML_H)} mL/h that a pump can run at; "
                f"take a bag of {_up(mg_per_h / MAX_PUMP_ML_H)} mg/mL or stronger."
            )
        if pump * _ROUNDING < MIN_PUMP_ML_H:
            raise InputError(
                f"{doses}, below the {plain(MIN_PUMP_ML_H)} mL/h that a pump can run at; "
                f"take a bag of {_down(mg_per_h / MIN_PUMP_ML_H)} mg/mL or weaker."
            )
        return pump


def _check(value: float, name: str, low: float, high: float, unit: str) -> None:
    if not low <= value <= high:
        raise InputError(f"the {name} must be {plain(low)} to {plain(high)} {unit}; got {plain(value)} {unit}.")


def _base_fraction(vial_salt: str) -> float:
    if vial_salt not in VIAL_SALTS:
        raise InputError(f"the salt of a vial must be {' or '.join(VIAL_SALTS)}; got {vial_salt}.")
    if vial_salt == "base":
        return 1.0
    from letheon.library import receptor  # the numbers load only when an order asks for one

    return receptor()["salt_hydrochloride"].value


def _bag_strength(mg_per_ml: float | None, bag_mg: float | None, bag_ml: float, base_mg_per_ml: float) -> float:
    """Return the strength of a bag [mg/mL] from whichever of the two was given."""
    if mg_per_ml is not None and bag_mg is not None:
        raise InputError("both the strength of a bag and the drug in it are given; keep one of them.")
    if bag_mg is not None:
        if not (math.isfinite(bag_mg) and bag_mg / bag_ml >= MIN_MG_PER_ML):
            raise InputError(f"the drug in a bag must be above 0 mg, e.g. 100 mg; got {plain(bag_mg)} mg.")
        needed = bag_mg / base_mg_per_ml
        if needed > bag_ml * _ROUNDING:
            raise InputError(
                f"{plain(bag_mg)} mg is {needed:.4g} mL of this vial, more than the bag of {plain(bag_ml)} mL holds; "
                f"take at most {_down(bag_ml * base_mg_per_ml)} mg, a larger bag or a stronger vial."
            )
        return bag_mg / bag_ml
    strength = DEFAULT_MG_PER_ML if mg_per_ml is None else float(mg_per_ml)
    if not (math.isfinite(strength) and strength >= MIN_MG_PER_ML):
        raise InputError(f"the strength of a bag must be above 0 mg/mL, e.g. 1 mg/mL; got {plain(strength)} mg/mL.")
    if strength > base_mg_per_ml * _ROUNDING:
        raise InputError(
            f"a bag of {plain(strength)} mg/mL cannot be made from a vial of {base_mg_per_ml:.4g} mg/mL (free base); "
            f"take at most {_down(base_mg_per_ml)} mg/mL, or a stronger vial."
        )
    return strength


def rounded_up(value: float) -> float:
    """Round a number above 0 up to three digits; rounding errors of the number itself do not push it up.

    >>> rounded_up(12.2501), rounded_up(49.99999999999999)
    (12.3, 50.0)
    """
    return _three_digits(value, ROUND_CEILING)


def _up(value: float) -> str:
    return plain(rounded_up(value))


def _down(value: float) -> str:
    return plain(_three_digits(value, ROUND_FLOOR))


def _three_digits(value: float, towards: str) -> float:
    """Round to three digits towards the side that works when it is taken."""
    exact = Decimal(f"{value:.12g}")  # 49.99999999999999 is 50, and must not be pushed to the next number
    return float(exact.quantize(Decimal(1).scaleb(exact.adjusted() - 2), rounding=towards))
