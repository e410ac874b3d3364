"""Frozen records of the library: what a number, a drug model and a source are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from letheon.errors import InputError
from letheon.library.reading import (
    FieldError,
    NotNegative,
    Pair,
    Real,
    Text,
    Texts,
    Verified,
    as_choice,
    as_float,
    check_keys,
    one_of,
    weigh,
)
from letheon.units import to_canonical

STATUSES = ("reported", "derived", "assumed")
SPREADS: Mapping[str, tuple[str, ...]] = {
    "lognormal": ("sd",),
    "normal": ("sd",),
    "half-normal": ("sd",),
    "beta": ("a", "b"),
    "uniform": (),
    "none": (),
}


def as_spread(table: Any, place: str) -> dict[str, str | float]:
    """Return a distribution: its kind, and the positive sizes that this kind needs."""
    if not isinstance(table, dict) or "kind" not in table:
        raise InputError(f"{place}: a table with the key 'kind' is due here, got {table!r}")
    kind = as_choice(table["kind"], SPREADS, f"{place}.kind")
    check_keys(table, ("kind", *SPREADS[kind]), (), place)
    sizes = {key: as_float(table[key], f"{place}.{key}") for key in SPREADS[kind]}
    for key, size in sizes.items():
        if size <= 0:
            raise InputError(f"{place}.{key}: must be positive, got {table[key]!r}")
    return {"kind": kind, **sizes}


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One number of the library, with all that is known about it.

    Parameters
    ----------
    name : str
        Name in house vocabulary, such as ``cl`` or ``theta``.
    value : float
        Typical value [`unit`].
    unit : str
        Unit as published; `canonical` converts.
    status : str
        ``reported``, ``derived`` or ``assumed``.
    verified : str
        How it was read: ``fulltext``, ``abstract``, ``secondary``, ``derived``, ``recall`` or ``assumed``.
    sources : tuple of str
        Keys in ``sources.bib``; empty for a bare assumption.
    range : tuple of float
        Lowest and highest plausible value [`unit`].
    spread : mapping
        Uncertainty of the typical value: ``kind`` is ``lognormal`` (``sd`` of the logarithm), ``normal``
        (``sd`` [`unit`]), ``half-normal`` (the size of a normal around 0 with ``sd`` [`unit`]), ``beta``
        (``a``, ``b``), ``uniform`` (over `range`) or ``none`` (none published or none wanted). Draws are meant to
        stay inside `range`.
    omega : float or None
        Variance between patients of the log-normal eta, if any.
    role : str or None
        Name of that eta. Equal roles mean the same standard normal of a patient, whatever the model.
    note : str
        What a reader must know about it.
    weight : float
        Weight as evidence in [0, 1]: 1 read in the paper or its abstract, 0.5 second-hand, 0 recalled or
        assumed; a derived number carries that of its weakest basis.
    cv : float or None
        Coefficient of variation between patients as printed [fraction], where the paper gave this instead of
        `omega`; then ``omega = ln(1 + cv**2)``.
    same_as : str or None
        Name of the parameter that this one equals in every patient and every draw (same value, same eta).
    omega_spread : float
        Uncertainty of its square root, the SD between patients: SD of the logarithm; 0 where none is carried.

    Examples
    --------
    >>> from letheon import library
    >>> mtt = library.pk_model("simons2022").parameters["mtt"]
    >>> mtt.value, mtt.unit, round(mtt.canonical, 3)
    (20.1, 'min', 0.335)
    """

    name: str
    value: Real
    unit: Text
    status: Annotated[str, one_of(STATUSES)]
    verified: Verified
    sources: Texts
    range: Pair
    spread: Annotated[Mapping[str, str | float], as_spread]
    omega: NotNegative | None = None
    role: Text | None = None
    note: Text = ""
    weight: Real = math.nan
    cv: NotNegative | None = None
    same_as: str | None = None
    omega_spread: NotNegative = 0.0

    def __post_init__(self) -> None:
        low, high = self.range
        if not low <= self.value <= high:
            raise FieldError(f"value {self.value} lies outside its range [{low}, {high}]")
        if self.verified in ("recall", "assumed") and self.status != "assumed":
            raise FieldError(f"a value verified as {self.verified!r} has status 'assumed', got {self.status!r}")
        if not self.sources and (self.status != "assumed" or not self.note):
            raise FieldError("without sources a number must be 'assumed' and say why in 'note'")
        if self.cv is not None:
            omega = math.log1p(self.cv**2)
            if self.omega not in (None, omega):
                raise FieldError("give 'omega' or 'cv', not both: a fact has one home")
            object.__setattr__(self, "omega", omega)
        if (self.omega is None) != (self.role is None):
            raise FieldError("a variance between patients and a 'role' go together")
        if self.omega_spread and self.omega is None:
            raise FieldError("'omega_spread' belongs to a variance between patients, and there is none")
        object.__setattr__(self, "weight", weigh(self.weight, self.verified))

    @property
    def canonical(self) -> float:
        """Typical value in the canonical unit of its kind (mg, L, h, kg; ng/mL and µM are kept)."""
        return to_canonical(self.value, self.unit)

    @property
    def canonical_range(self) -> tuple[float, float]:
        """Plausible range in the same unit as `canonical`."""
        low, high = self.range
        return to_canonical(low, self.unit), to_canonical(high, self.unit)


@dataclass(frozen=True, slots=True)
class Residual:
    """Residual error of one analyte.

    `kind` is ``proportional``, ``proportional+additive`` or ``lognormal``; `sd` is the SD of the relative (or
    log) error [fraction]; `additive` the SD of the additive part [`additive_unit`], 0 where there is none.
    """

    analyte: str
    kind: str
    sd: float
    additive: float = 0.0
    additive_unit: str = "µM"
    note: str = ""


@dataclass(frozen=True, slots=True)
class PkModel:
    """One published (or derived) drug model: a file in ``library/pk``.

    Parameters
    ----------
    id, title, label : str
        Key, full title, and the short words that go beside a result (such as "derived, not published").
    structure : str
        Name of the compartment structure that `parameters` belong to.
    drugs, analytes : tuple of str
        What may be infused; what comes out, enantiomers named.
    sampling : str
        ``arterial``, ``venous``, ``mixed`` or ``not seen``.
    population : str
        Who was studied.
    parameters : mapping
        Parameter name to `Number`.
    scaling : mapping
        Parameter name to its exponent on weight/`reference_weight_kg`, or ``"per_kg"`` for a value per kg.
    reference_weight_kg : float
        Weight that the typical values belong to [kg].
    covariance : tuple
        ``(role, role, covariance of the two etas)``.
    iov : mapping
        Parameter name to the variance between occasions [log scale].
    residual : mapping
        Analyte to `Residual`.
    validity : mapping
        ``weight_kg``, ``duration_h``, ``rate_mg_h`` (low, high) as studied, ``text`` for the warning, and
        ``age_year`` and ``push_mg_kg`` where known. ``rate_mg_h`` is of the infused drug at the reference weight.
    checks : mapping
        Reference figures that the parameters must reproduce.
    sources : tuple of str
        Keys in ``sources.bib``.
    note, iov_note : str
        What a reader must know about the model, and about its variability between occasions.
    """

    id: str
    title: str
    label: str
    structure: str
    drugs: tuple[str, ...]
    analytes: tuple[str, ...]
    sampling: str
    population: str
    parameters: Mapping[str, Number]
    scaling: Mapping[str, float | str]
    reference_weight_kg: float
    covariance: tuple[tuple[str, str, float], ...]
    iov: Mapping[str, float]
    residual: Mapping[str, Residual]
    validity: Mapping[str, tuple[float, float] | str]
    checks: Mapping[str, float]
    sources: tuple[str, ...]
    note: str = ""
    iov_note: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """One entry of ``sources.bib``; `note` says how its numbers were read."""

    key: str
    citation: str
    title: str
    year: str
    doi: str
    pmid: str
    url: str
    note: str

    @property
    def link(self) -> str:
        """Address of the work: that of its DOI, or another; "" where there is none."""
        return f"https://doi.org/{self.doi}" if self.doi else self.url

    @property
    def where(self) -> str:
        """Where the work is to be found: its address, or else its number in PubMed."""
        return self.link or (f"PMID {self.pmid}" if self.pmid else "")
