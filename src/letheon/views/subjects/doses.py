"""Rates and pushes as they were written, for whoever draws them up."""

import math
from typing import TYPE_CHECKING

from letheon.units import MS_PER_HOUR, REFERENCE_WEIGHT_KG
from letheon.views.document.numbers import written

if TYPE_CHECKING:
    from letheon.dosing.regimen import Rate


def rate_text(rate: "Rate") -> str:
    """Return a rate as it was written; where that is not kept, for each kg or each 70 kg, whichever is rounder.

    >>> from letheon.dosing.regimen import Rate
    >>> rate_text(Rate(per_kg_mg_h=0.35, ceiling_mg_h=25.0)), rate_text(Rate(10.0)), rate_text(Rate(per_kg_mg_h=5 / 70))
    ('0.35 mg/kg/h, at most 25 mg/h', '10 mg/h', '5 mg/h per 70 kg')
    """
    text = f"{written(rate.written[0])} {rate.written[1]}" if rate.written else _by_weight(rate, "/h")
    return text + _limit(rate, "/h")


def push_text(rate: "Rate", duration_ms: int) -> str:
    """Return a push, a rate over its length, as a dose.

    >>> from letheon.dosing.regimen import Rate
    >>> push_text(Rate(per_kg_mg_h=21.0), 60_000)
    '0.35 mg/kg'
    """
    dose = rate.scaled(duration_ms / MS_PER_HOUR)
    return _by_weight(dose, "") + _limit(dose, "")


def _limit(rate: "Rate", per: str) -> str:
    return "" if math.isinf(rate.ceiling_mg_h) else f", at most {written(rate.ceiling_mg_h)} mg{per}"


def _by_weight(rate: "Rate", per: str) -> str:
    absolute, per_kg = rate.absolute_mg_h, rate.per_kg_mg_h
    parts = [f"{written(absolute)} mg{per}"] if absolute or not per_kg else []
    if per_kg:
        texts = (f"{written(per_kg)} mg/kg{per}", f"{written(per_kg * REFERENCE_WEIGHT_KG)} mg{per} per 70 kg")
        parts.append(min(texts, key=lambda text: len(text.split()[0].replace(".", "").strip("0"))))
    return " + ".join(parts)
