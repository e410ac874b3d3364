"""Frozen records of the library: what a number, a drug model and a source are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from letheon.units import to_canonical

STATUSES = ("reported", "derived", "assumed")
VERIFIED = ("fulltext", "abstract", "secondary", "derived", "recall", "assumed")
SPREADS: Mapping[str, tuple[str, ...]] = {
    "lognormal": ("sd",),
    "normal": ("sd",),
    "half-normal": ("sd",),
    "beta": ("a", "b"),
    "uniform": (),
    "none": (),
}


@dataclass(frozen=True, slots=True)
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
    value: float
    unit: str
    status: str
    verified: str
    sources: tuple[str, ...]
    range: tuple[float, float]
    spread: Mapping[str, str | float]
    omega: float | None
    role: str | None
    note: str
    weight: float
    cv: float | None = None
    same_as: str | None = None
    omega_spread: float = 0.0

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
