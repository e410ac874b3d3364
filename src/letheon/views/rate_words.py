"""Rates, masses and numbers in print: leading but no trailing zeros, commas from 1,000 on, mcg below 1 mg."""

import math
from decimal import Decimal

from letheon.dosing.regimen import Rate
from letheon.units import MS_PER_HOUR, REFERENCE_WEIGHT_KG

__all__ = ["mass", "number", "push_text", "rate_text"]


def number(value: float) -> str:
    """Write a number with two decimals, three digits where that says too little, none where it says too much.

    Parameters
    ----------
    value : float
        A number.

    Returns
    -------
    str
        Text without trailing zeros or powers of ten.

    Examples
    --------
    >>> number(1200.0), number(18.375), number(0.00123)
    ('1,200', '18.38', '0.00123')
    """
    if abs(value) >= 1e5:
        return f"{value:,.0f}"
    text = f"{value:,.2f}" if value == 0 or abs(value) >= 0.1 else format(Decimal(f"{value:.3g}"), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def mass(mg: float) -> str:
    """Write a mass in mg, or in mcg below 1 mg.

    Parameters
    ----------
    mg : float
        Mass [mg].

    Returns
    -------
    str
        Number and unit.

    Examples
    --------
    >>> mass(0.1), mass(2.0), mass(0.0)
    ('100 mcg', '2 mg', '0 mg')
    """
    return f"{number(1000 * mg)} mcg" if 0 < mg < 1 else f"{number(mg)} mg"


def rate_text(rate: Rate) -> str:
    """Write a rate as it was written; where that is not kept, for each kg or each 70 kg, whichever is rounder.

    Parameters
    ----------
    rate : Rate
        A rate, free base.

    Returns
    -------
    str
        Text.

    Examples
    --------
    >>> rate_text(Rate(per_kg_mg_h=0.35, ceiling_mg_h=25.0)), rate_text(Rate(10.0)), rate_text(Rate(per_kg_mg_h=5 / 70))
    ('0.35 mg/kg/h, at most 25 mg/h', '10 mg/h', '5 mg/h per 70 kg')
    """
    limit = "" if math.isinf(rate.ceiling_mg_h) else f", at most {_digits(rate.ceiling_mg_h)} mg/h"
    if rate.written:
        value, unit = rate.written
        return f"{_digits(value)} {unit}{limit}"
    return _by_weight(rate.absolute_mg_h, rate.per_kg_mg_h, "/h") + limit


def push_text(rate: Rate, duration_ms: int) -> str:
    """Write a push as a dose.

    Parameters
    ----------
    rate : Rate
        The push as a rate, free base.
    duration_ms : int
        Its length [ms].

    Returns
    -------
    str
        Text.

    Examples
    --------
    >>> push_text(Rate(per_kg_mg_h=21.0), 60_000)
    '0.35 mg/kg'
    """
    whole = rate.scaled(duration_ms / MS_PER_HOUR)
    limit = "" if math.isinf(whole.ceiling_mg_h) else f", at most {_digits(whole.ceiling_mg_h)} mg"
    return _by_weight(whole.absolute_mg_h, whole.per_kg_mg_h, "") + limit


def _by_weight(absolute: float, per_kg: float, per: str) -> str:
    parts = [f"{_digits(absolute)} mg{per}"] if absolute or not per_kg else []
    if per_kg:
        texts = (f"{_digits(per_kg)} mg/kg{per}", f"{_digits(per_kg * REFERENCE_WEIGHT_KG)} mg{per} per 70 kg")
        parts.append(min(texts, key=lambda text: len(text.split()[0].replace(".", "").strip("0"))))
    return " + ".join(parts)


def _digits(value: float) -> str:
    """Write a number as it was written: nine digits undo what a unit or a weight did to the last ones."""
    text = format(Decimal(f"{value:.9g}"), ",f")
    return text.rstrip("0").rstrip(".") if "." in text else text
