"""Quantities of a bag: volumes, strengths, the mass in a bag and one body weight; and the flow of urine.

They share the grammar of `letheon.scenario.quantities`; a scenario gives no drug by volume, because a volume says
nothing about a dose until the strength is known.
"""

import math

from letheon.errors import InputError
from letheon.scenario.quantities import UNITS, parse
from letheon.units import shown

VOLUME_UNITS = {"mL": 1.0, "L": 1e3}
STRENGTH_UNITS = {"mg/mL": 1.0, "µg/mL": 1e-3, "g/L": 1.0}
_MASS_UNITS = {"mg": 1.0, "µg": 1e-3, "g": 1e3}
_WEIGHT_UNITS = {"kg": 1.0}
FLOW_UNITS = {"L/day": 1.0 / 24.0, "L/h": 1.0, "mL/day": 1e-3 / 24.0, "mL/h": 1e-3, "mL/min": 0.06}
# a pump's rate is known, so that the refusal of one names it
_KNOWN = (*UNITS, *VOLUME_UNITS, *STRENGTH_UNITS, "mL/h")


def volume_ml(text: str) -> float:
    """Read a volume.

    Parameters
    ----------
    text : str
        For example ``100 mL`` or ``0.5 L``.

    Returns
    -------
    float
        Volume [mL]; may be zero or negative, which the caller judges.

    Raises
    ------
    InputError
        If the text is no volume.

    Examples
    --------
    >>> volume_ml("100 mL"), volume_ml("0.5 L")
    (100.0, 500.0)
    """
    return _amount(text, "volume", VOLUME_UNITS, "100 mL")


def strength_mg_per_ml(text: str) -> float:
    """Read a strength, which is a mass in a volume.

    Parameters
    ----------
    text : str
        For example ``50 mg/mL`` or ``500 µg/mL``.

    Returns
    -------
    float
        Strength [mg/mL]; may be zero or negative, which the caller judges.

    Raises
    ------
    InputError
        If the text is no strength.

    Examples
    --------
    >>> strength_mg_per_ml("50 mg/mL"), strength_mg_per_ml("500 ug/ml")
    (50.0, 0.5)
    """
    return _amount(text, "strength", STRENGTH_UNITS, "1 mg/mL")


def mass_mg(text: str) -> float:
    """Read a mass that does not depend on body weight.

    Parameters
    ----------
    text : str
        For example ``100 mg``.

    Returns
    -------
    float
        Mass [mg]; may be zero or negative, which the caller judges.

    Raises
    ------
    InputError
        If the text is no mass.

    Examples
    --------
    >>> mass_mg("0.1 g")
    100.0
    """
    return _amount(text, "mass", _MASS_UNITS, "100 mg")


def weight_kg(text: str) -> float:
    """Read one body weight.

    Parameters
    ----------
    text : str
        For example ``70 kg``.

    Returns
    -------
    float
        Body weight [kg]; may be zero or negative, which the caller judges.

    Raises
    ------
    InputError
        If the text is no body weight.

    Examples
    --------
    >>> weight_kg("70kg")
    70.0
    """
    return _amount(text, "body weight", _WEIGHT_UNITS, "70 kg")


def urine_l_h(text: str) -> float:
    """Read a flow of urine.

    Parameters
    ----------
    text : str
        For example ``1.6 L/day``.

    Returns
    -------
    float
        Flow [L/h]; may be zero or negative, which the caller judges.

    Raises
    ------
    InputError
        If the text is no flow.

    Examples
    --------
    >>> round(urine_l_h("2.4 L/day"), 9), urine_l_h("100 mL/h")
    (0.1, 0.1)
    """
    return _amount(text, "flow of urine", FLOW_UNITS, "1.6 L/day", (*_KNOWN, *FLOW_UNITS))


def _amount(text: str, kind: str, units: dict[str, float], example: str, known: tuple[str, ...] = _KNOWN) -> float:
    given, unit = text.strip(), example.split()[1]
    quantity = parse(given, example, known)
    if quantity.spread is not None:
        raise InputError(f"{shown(given)} has a spread, which one {kind} cannot have; write e.g. {example}.")
    if quantity.unit == "":
        bare = f"{given} {unit}" if len(given) < 20 else example
        raise InputError(f"{shown(given)} has no unit; write e.g. {bare}.")
    if quantity.unit not in units:
        raise InputError(f"{shown(given)} is no {kind}, for its unit is {quantity.unit}; write e.g. {example}.")
    value = quantity.value * units[quantity.unit]
    if not math.isfinite(value):
        raise InputError(f"{shown(given)} is too large a number; write e.g. {example}.")
    return value
