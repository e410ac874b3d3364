"""Spellings: what the unit behind a number can mean, what is accepted, and what a refusal may suggest.

A unit is read part by part, and each part has one meaning or none. So neither an accepted spelling nor a suggestion
can differ in size from what was written, as the nearest spelling could (mg/kg/mn is no mg/kg/h).
"""

import re
from collections.abc import Collection, Mapping

from letheon.units import micro

__all__ = ["NO_ROUTE", "ROUTE_KEYS", "accepted", "names_route", "remedy"]

# normal spelling of a part -> what is accepted for it
_ACCEPTED = {
    "ng": "ng",
    "µg": "µg ug mcg",
    "mg": "mg",
    "g": "g",
    "kg": "kg",
    "70kg": "70kg",
    "s": "s second seconds",
    "min": "min mn minute minutes",
    "h": "h hr hour hours",
    "day": "day days d",
    "week": "week weeks",
    "month": "month months",
    "year": "year years",
    "mL": "mL ml cc",
    "L": "L l",
    "NRS": "NRS",
}
# understood, and refused with the normal spelling; capitals do not count
_UNDERSTOOD = {
    "ng": "ngs nanogram nanograms",
    "µg": "µgs ugs mcgs γ gamma microgram micrograms",
    "mg": "mgs milligram milligrams",
    "g": "gs gram grams gramme grammes",
    "kg": "kgs kilo kilos kilogram kilograms",
    "s": "sec secs",
    "min": "mins mns",
    "h": "hrs heure heures",
    "day": "ds j jour jours tag tage",
    "week": "w wk wks",
    "month": "mo mos mth mths",
    "year": "y yr yrs",
    "mL": "mls ccs millilitre millilitres milliliter milliliters",
    "L": "litre litres liter liters",
}


def _turned(table: Mapping[str, str], fold: bool = False) -> dict[str, str]:
    spelled = {word: normal for normal, words in table.items() for word in words.split()}
    return {word.casefold() if fold else word: normal for word, normal in spelled.items()}


_PARTS = _turned(_ACCEPTED)
_MEANT = {micro(word): normal for word, normal in (_turned(_ACCEPTED, True) | _turned(_UNDERSTOOD, True)).items()}
_ROUTE = re.compile(
    r"(?i)\b(oral(ly)?|by mouth|p\.?o|i\.?m|s\.?c|(intra)?nasal(ly)?|intramuscular|sub(cutaneous|lingual)|rectal|"
    r"topical|epidural)\b"
)
NO_ROUTE = (
    "only intravenous ketamine is modelled, because other routes differ in absorption and metabolites; "
    "leave the route out for intravenous doses, and do not enter doses by other routes"
)
_ROUTES = "route via administration oral orally nasal intranasal intramuscular subcutaneous sublingual rectal topical"
ROUTE_KEYS = dict.fromkeys((*_ROUTES.split(), "im", "sc", "po", "iv", "intravenous", "epidural"), f"{NO_ROUTE}.")


def _part(text: str, below: bool, strict: bool) -> str | None:
    """Return the meaning of one part of a unit; `below` a stroke, 24 h is a day."""

    def known(word: str) -> str | None:
        return _PARTS.get(word) if strict else _MEANT.get(micro(word.casefold()))

    if below and (match := re.fullmatch(r"24 ?(\w+)", text)) and known(match[1]) == "h":
        return "day"
    return known(re.sub(r"^70 (?=\w+$)", "70", text))


def _normal(unit: str, strict: bool) -> str | None:
    words = re.sub(r"\s*/\s*", "/", " ".join(micro(unit).split())).split("/")
    parts = [_part(word, place > 0, strict) for place, word in enumerate(words)]
    known = [part for part in parts if part is not None]
    if len(known) < len(words):
        return None
    # body weight may stand before or after the time; the normal order is mg/kg/h and mg/h/70kg
    if len(known) == 3 and (known[2] == "kg" or known[1] == "70kg"):
        known = [known[0], known[2], known[1]]
    return "/".join(known)


def pattern(part: str) -> str:
    """Return a regular expression of the accepted spellings of one part of a unit."""
    words = _ACCEPTED[part].replace("µg", "[\u00b5\u03bc]g").split()
    more = {"70kg": ["70 kg"], "day": [f"24 ?({_ACCEPTED['h'].replace(' ', '|')})"]}
    return "|".join([*words, *more.get(part, [])])


def accepted(unit: str, units: Collection[str]) -> str | None:
    """Return the normal spelling of a unit, or None if it is not accepted."""
    normal = _normal(unit, strict=True)
    return normal if normal in units else None


def remedy(unit: str, units: Collection[str], example: str) -> str:
    """Say what to write in place of a unit that is not accepted: the same unit spelled normally, or examples."""
    normal = _normal(unit, strict=False)
    if normal in units:
        return f"write {normal}"
    if normal is not None and normal.split("/")[0] in {"mL", "L"} and "mL" not in units:
        mass = "5 mg/h" if "/" in normal else "100 mg"
        return (
            "a volume gives no dose without the strength of the bag, so write the mass of the drug, e.g. "
            f"{mass}, or bag: 5 mg/mL in the arm"
        )
    return NO_ROUTE if names_route(unit) else f"write e.g. {example}"


def names_route(text: str) -> bool:
    """Return whether a text names a route other than the intravenous one."""
    return _ROUTE.search(text) is not None
