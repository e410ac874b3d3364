"""Frozen records of the library: what a number, a drug model and a source are, and how their files are read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from letheon.errors import InputError
from letheon.library.reading import (
    FieldError,
    Flag,
    NotNegative,
    Pair,
    Real,
    Text,
    Texts,
    Verified,
    as_choice,
    as_float,
    as_pair,
    as_text,
    as_variance,
    check_keys,
    one_of,
    read,
    read_toml,
    record,
    rows,
    several,
    sizes,
    weigh,
)
from letheon.units import to_canonical

STATUSES = ("reported", "derived", "assumed")
DRUGS = ("racemic", "esketamine", "arketamine", "placebo")
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
        raise InputError(f"{place}: expected a table with the key 'kind', got {table!r}")
    kind = as_choice(table["kind"], SPREADS, f"{place}.kind")
    check_keys(table, ("kind", *SPREADS[kind]), ("basis",), place)
    basis = {"basis": as_choice(table["basis"], ("assumed",), f"{place}.basis")} if "basis" in table else {}
    sizes = {key: as_float(table[key], f"{place}.{key}") for key in SPREADS[kind]}
    for key, size in sizes.items():
        if size <= 0:
            raise InputError(f"{place}.{key}: must be positive, got {table[key]!r}")
    return {"kind": kind, **sizes, **basis}


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One number of the library, with all that is known about it.

    Attributes
    ----------
    name : str
        In house vocabulary, such as ``cl`` or ``theta``.
    value : float
        Typical value [`unit`], the unit being that of the publication; `canonical` converts.
    verified : str
        How it was read: ``fulltext``, ``abstract``, ``secondary``, ``derived``, ``recall`` or ``assumed``.
    sources : tuple of str
        Keys in ``sources.bib``; empty for a bare assumption.
    range : tuple of float
        Lowest and highest plausible value [`unit`]; draws stay inside.
    spread : mapping
        Uncertainty of the typical value: ``kind`` is ``lognormal`` (``sd`` of the logarithm), ``normal``
        (``sd`` [`unit`]), ``half-normal`` (the size of a normal around 0 with ``sd`` [`unit`]), ``beta``
        (``a``, ``b``), ``uniform`` (over `range`) or ``none``. Its ``basis`` is ``assumed`` where a value was
        published without an error.
    omega : float or None
        Variance between patients of the log-normal eta, if any.
    role : str or None
        Name of that eta. Equal roles mean the same standard normal of a patient, whatever the model.
    weight : float
        Weight as evidence in [0, 1]: 1 read in the paper or its abstract, 0.5 second-hand, 0 recalled or
        assumed; a derived number carries that of its weakest basis.
    cv : float or None
        Coefficient of variation between patients as printed [fraction], in place of `omega` = ln(1 + cv²).
    same_as : str or None
        The parameter that this one equals in every patient and every draw (same value, same eta).
    omega_spread : float
        Uncertainty of the square root of `omega`: SD of the logarithm; 0 where none is carried.

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
    def spread_is_assumed(self) -> bool:
        """Whether the spread stands for an error that was not published."""
        return self.spread.get("basis") == "assumed"

    @property
    def canonical(self) -> float:
        """Typical value in the canonical unit of its kind (mg, L, h, kg; ng/mL and µM are kept)."""
        return to_canonical(self.value, self.unit)

    @property
    def canonical_range(self) -> tuple[float, float]:
        """Plausible range in the same unit as `canonical`."""
        low, high = self.range
        return to_canonical(low, self.unit), to_canonical(high, self.unit)


def parse_numbers(tables: Any, place: str) -> dict[str, Number]:
    """Read a table of tables, one for each number; see `parse_sections`."""
    if not isinstance(tables, dict):
        raise InputError(f"{place}: expected a table of numbers, got {tables!r}")
    numbers: dict[str, Number] = {}
    for name, table in tables.items():
        where = f"{place}.{name}"
        if not isinstance(table, dict) or "same_as" not in table:
            numbers[name] = read(Number, table, where, name=name)
            continue
        check_keys(table, ("same_as",), ("note",), where)
        origin = numbers.get(table["same_as"])
        if origin is None:
            raise InputError(f"{where}.same_as: {table['same_as']!r} is no parameter above it in this file")
        note = as_text(table.get("note", ""), f"{where}.note")
        numbers[name] = replace(origin, name=name, note=note, same_as=origin.name)
    return numbers


def parse_sections(text: str, place: str) -> dict[str, dict[str, Number]]:
    """Read a file of sections of numbers (``[section.name]`` tables)."""
    document = read_toml(text, place)
    return {section: parse_numbers(tables, f"{place} [{section}]") for section, tables in document.items()}


def as_scaling(table: Any, place: str) -> dict[str, float | str]:
    """Return an exponent on weight, or ``per_kg``, for each parameter."""
    return {key: value if value == "per_kg" else as_float(value, f"{place}.{key}") for key, value in table.items()}


def as_validity(table: Any, place: str) -> dict[str, tuple[float, float] | str]:
    """Return what was studied, as ranges, and the warning."""
    check_keys(table, ("weight_kg", "duration_h", "rate_mg_h", "text"), ("age_year", "push_mg_kg"), place)
    return {k: as_text(v, f"{place}.{k}") if k == "text" else as_pair(v, f"{place}.{k}") for k, v in table.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Covariance:
    """How the etas of two roles go together: their covariance `value`, or else their `correlation`."""

    roles: Texts
    status: Annotated[str, one_of(STATUSES)]
    note: Text
    value: Real = math.nan
    correlation: Real = math.nan

    def __post_init__(self) -> None:
        if math.isnan(self.value) == math.isnan(self.correlation):
            raise FieldError("give 'value' or 'correlation', one of the two")

    def triple(self, omegas: Mapping[str, float], place: str) -> tuple[str, str, float]:
        """Return both roles and the covariance of their etas, whose variances are `omegas`."""
        if len(self.roles) != 2 or not set(self.roles) <= set(omegas):
            raise FieldError(f"expected two roles of this model, got {self.roles}", f"{place}.roles")
        scale = math.sqrt(math.prod(omegas[role] for role in self.roles))
        return self.roles[0], self.roles[1], scale * self.correlation if math.isnan(self.value) else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """Residual error of one analyte.

    `kind` is ``proportional``, ``proportional+additive`` or ``lognormal``; `sd` is the SD of the relative (or
    log) error [fraction]; `additive` the SD of the additive part [`additive_unit`], 0 where there is none.
    """

    analyte: Text
    kind: Annotated[str, one_of(("proportional", "proportional+additive", "lognormal"))]
    sd: NotNegative
    additive: NotNegative = 0.0
    additive_unit: Text = "µM"
    note: Text = ""


def as_residuals(tables: Any, place: str) -> dict[str, Residual]:
    """Return residual errors by analyte."""
    return {one.analyte: one for one in rows(record(Residual))(tables, place)}


@dataclass(frozen=True, slots=True, kw_only=True)
class PkModel:
    """One published (or derived) drug model: a file in ``library/pk``."""

    id: Text
    title: Text
    label: Text  # the short words that go beside a result, such as "derived, not published"
    structure: Text  # compartment structure that `parameters` belong to
    drugs: Annotated[tuple[str, ...], several(DRUGS)]  # what may be infused
    analytes: Texts  # what comes out, enantiomers named
    sampling: Annotated[str, one_of(("arterial", "venous", "mixed", "not seen"))]
    population: Text  # who was studied
    parameters: Annotated[Mapping[str, Number], parse_numbers]
    scaling: Annotated[Mapping[str, float | str], as_scaling]  # exponent on weight / `reference_weight_kg`, or "per_kg"
    reference_weight_kg: Real  # weight that the typical values belong to
    # (role, role, covariance of the two etas)
    covariance: Annotated[tuple[tuple[str, str, float], ...], rows(record(Covariance))] = ()
    # variance between occasions [log scale]
    iov: Annotated[Mapping[str, float], sizes(as_variance)] = field(default_factory=dict)
    residual: Annotated[Mapping[str, Residual], as_residuals] = field(default_factory=dict)  # by analyte
    # what was studied, as (low, high), and `text` for the warning; `rate_mg_h` of the drug at the reference weight
    validity: Annotated[Mapping[str, tuple[float, float] | str], as_validity]
    checks: Annotated[Mapping[str, float], sizes(as_float)]  # reference figures that the parameters must reproduce
    sources: Texts  # keys in ``sources.bib``
    note: Text
    iov_note: Text = ""  # on its variability between occasions
    volunteers: Flag = False  # whether healthy people were among those studied

    def __post_init__(self) -> None:
        for key in ("scaling", "iov"):
            if unknown := [name for name in getattr(self, key) if name not in self.parameters]:
                raise FieldError(f"unknown key {unknown[0]!r}; known keys: {', '.join(self.parameters)}", f"[{key}]")
        omegas = {one.role: one.omega for one in self.parameters.values() if one.role and one.omega is not None}
        triples = (
            one.triple(omegas, f"[[covariance]][{index}]") if isinstance(one, Covariance) else one
            for index, one in enumerate(self.covariance)
        )
        object.__setattr__(self, "covariance", tuple(triples))
        for index, analyte in enumerate(self.residual):
            if analyte not in self.analytes:
                choices = ", ".join(self.analytes)
                raise FieldError(f"got {analyte!r}; expected one of {choices}", f"[[residual]][{index}].analyte")


def parse_pk_model(text: str, place: str) -> PkModel:
    """Read one drug model, a file in ``library/pk``."""
    return read(PkModel, read_toml(text, place), place, whole=True)


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
