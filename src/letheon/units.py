"""Units: the conversion table of the library's numbers, and how a number is written.

Canonical units inside Letheon are mg, L, h and kg (body weight); concentrations are ng/mL or µM at the doors.
The table is our own, because general units libraries read ``mg/h/70kg`` as mass squared over time; here it
means mg/h for each 70 kg of body weight. The units of a scenario are read by `letheon.scenario.quantities`.
"""

from letheon.errors import InputError

MS_PER_HOUR = 3_600_000
REFERENCE_WEIGHT_KG = 70.0
REFERENCE_AGE_YEAR = 46.0  # for classes of age where no patient is meant: the mean of the default population
HOURS_PER_YEAR = 8766.0  # 365.25 days

# one simple unit -> (factor, canonical unit)
_SIMPLE: dict[str, tuple[float, str]] = {
    "1": (1.0, "1"),
    "fraction": (1.0, "1"),
    "%": (0.01, "1"),
    "ms": (1 / 3_600_000, "h"),
    "s": (1 / 3600, "h"),
    "min": (1 / 60, "h"),
    "h": (1.0, "h"),
    "day": (24.0, "h"),
    "week": (168.0, "h"),
    "month": (HOURS_PER_YEAR / 12, "h"),
    "year": (HOURS_PER_YEAR, "h"),
    "L": (1.0, "L"),
    "mL": (1e-3, "L"),
    "ng": (1e-6, "mg"),
    "µg": (1e-3, "mg"),
    "mg": (1.0, "mg"),
    "g": (1e3, "mg"),
    "kg": (1.0, "kg"),
    "70kg": (REFERENCE_WEIGHT_KG, "kg"),
    "µmol": (1.0, "µmol"),
    "nmol": (1e-3, "µmol"),
    "NRS": (1.0, "NRS"),
}

# whole units whose canonical form is not made of the simple ones above, and units that are kept as they are
_WHOLE: dict[str, tuple[float, str]] = {
    "ng/mL": (1.0, "ng/mL"),
    "µg/L": (1.0, "ng/mL"),
    "µg/mL": (1e3, "ng/mL"),
    "mg/L": (1e3, "ng/mL"),
    "1/(ng/mL)": (1.0, "1/(ng/mL)"),
    "µM": (1.0, "µM"),
    "nM": (1e-3, "µM"),
    "µmol/L": (1.0, "µM"),
    "nmol/L": (1e-3, "µM"),
    "g/mol": (1.0, "g/mol"),
    "year of age": (1.0, "year of age"),
    "count": (1.0, "count"),
    "mmHg": (1.0, "mmHg"),
    "beats/min": (1.0, "beats/min"),
    "MADRS": (1.0, "MADRS"),
    "cm": (1.0, "cm"),
    "kg/m2": (1.0, "kg/m2"),
}

_SPELLINGS = {"days": "day", "weeks": "week", "months": "month", "years": "year", "l": "L", "ml": "mL"}


def micro(unit: str) -> str:
    """Write the prefix micro with one sign, U+00B5, whichever of the two was used."""
    return unit.replace("\u03bc", "\u00b5")


def _library_unit(unit: str) -> tuple[float, str]:
    spelled = micro(unit.strip())
    if spelled in _WHOLE:
        return _WHOLE[spelled]
    factor, canonical = 1.0, []
    for place, raw in enumerate(spelled.split("/")):
        part = _SPELLINGS.get(raw, raw)
        if part.startswith("u") and "µ" + part[1:] in _SIMPLE:
            part = "µ" + part[1:]
        if part not in _SIMPLE:
            known = ", ".join([*_SIMPLE, *_WHOLE])
            raise InputError(f"{shown(unit)} is not a known unit; known are {known} and quotients such as L/h/kg.")
        scale, name = _SIMPLE[part]
        factor = factor / scale if place else scale
        canonical.append(name)
    return factor, "/".join(canonical)


def to_canonical(value: float, unit: str) -> float:
    """Convert a number of the library to canonical units, those that `canonical_unit` names.

    Parameters
    ----------
    value : float
        The number, in `unit`.
    unit : str
        One unit, such as ``L``, ``min``, ``%``, ``NRS``, or a quotient such as ``L/min``, ``1/day``,
        ``mg/h/70kg``. Times become h, volumes L, drug masses mg; kg is body weight; mg/L and µg/L become
        ng/mL, molar units µM. An unknown one raises InputError.

    Examples
    --------
    >>> to_canonical(2.0, "L/min"), to_canonical(1.5, "week"), to_canonical(1.4, "µM")
    (120.0, 252.0, 1.4)
    """
    factor = _library_unit(unit)[0]
    return value if factor == 1.0 else value * factor


def canonical_unit(unit: str) -> str:
    """Name the canonical unit of a unit that `to_canonical` takes; raises InputError where it is not known.

    Examples
    --------
    >>> canonical_unit("mL/min"), canonical_unit("mg/h/70kg"), canonical_unit("%")
    ('L/h', 'mg/h/kg', '1')
    """
    return _library_unit(unit)[1]


def shown(text: object) -> str:
    """Quote a piece of input for an error sentence: short, and with control characters made visible."""
    clipped = str(text)
    if len(clipped) > 60:
        clipped = clipped[:57] + "..."
    return f'"{visible(clipped)}"'


def visible(text: str) -> str:
    """Make control characters visible, so that a text cannot steer the terminal that it is shown on."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def plain(value: float) -> str:
    """Write a number so that reading it gives the same double back, without a needless ``.0``."""
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text
