"""Parts: what a worksheet knows how to lay out, so that a part it does not know is named instead of left out."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

__all__ = ["LAID_OUT", "unknown_parts"]

# fields of each record that the worksheet lays out; whatever else a record comes to hold is named as missing
LAID_OUT: Mapping[str, frozenset[str]] = {
    "Arm": frozenset({"name", "drug", "regimen", "like", "beside", "policy", "bag", "also"}),
    "BagStrength": frozenset({"mg_per_ml", "mg_kg_per_ml", "ml"}),
    "OtherDrug": frozenset({"drug", "mg", "mg_per_kg", "infused", "every_ms", "until_ms", "written"}),
    "Beside": frozenset({"clonidine_mg", "midazolam_mg"}),
    "Regimen": frozenset({"drug", "infusions"}),
    "Infusion": frozenset({"start_ms", "duration_ms", "rate"}),
    "Rate": frozenset({"absolute_mg_h", "per_kg_mg_h", "ceiling_mg_h", "written", "classes"}),
    "Classes": frozenset({"unit", "limits", "rates"}),
    "Policy": frozenset({"boosters", "titration", "stops", "wean", "limits"}),
    "Boosters": frozenset({"rungs", "wait_days", "apart_days", "at_most", "times"}),
    "Rung": frozenset({"session", "gap_days", "times"}),
    "Titration": frozenset({"every_ms", "step", "lowest", "highest", "relief", "on_harm", "pause_ms", "elicited"}),
    "DoseLimits": frozenset({"per_day_mg", "in_all_mg", "per_day_written", "in_all_written"}),
    "Wean": frozenset({"over_ms", "steps"}),
    "Stops": frozenset({"no_response", "harm", "dose_mg", "dose_written"}),
}


def unknown_parts(record: Any) -> tuple[str, ...]:
    """Name what a record holds that a worksheet does not lay out.

    >>> from letheon.dosing.policy import Policy
    >>> unknown_parts(Policy())
    ()
    """
    return tuple(dict.fromkeys(_unknown(record)))


def _unknown(record: Any) -> Iterator[str]:
    known = LAID_OUT.get(type(record).__name__, frozenset[str]())
    for field in fields(record):
        value = getattr(record, field.name)
        if field.name not in known:
            if value != _default(field):
                yield field.name.replace("_", " ")
            continue
        for part in value if isinstance(value, tuple) else (value,):
            if is_dataclass(part):
                yield from _unknown(part)


def _default(field: "Field[Any]") -> Any:
    if field.default is not MISSING:
        return field.default
    return None if field.default_factory is MISSING else field.default_factory()
