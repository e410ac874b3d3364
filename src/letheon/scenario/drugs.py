"""Names of drugs in a scenario file: those that are modelled, and any other."""

import re

from letheon.dosing.regimen import DRUGS
from letheon.scenario.kinds import Kind, text_of
from letheon.scenario.spellings import NO_ROUTE, names_route
from letheon.scenario.yaml_tree import Node
from letheon.units import shown

__all__ = ["drug", "other_drug"]

# other names of the drugs, and slips in them that leave no doubt: ketamin alone could be any of the three
_DRUG_NAMES = {
    "racemic": re.compile(r"(?i)rac(emic|emate|emisch)?([ -]?ketamine?)?"),
    "esketamine": re.compile(r"(?i)es-?ketamine?|\(?s\)?(\(\+\))?[- ]ketamine?|s\+[- ]ketamine?"),
    "arketamine": re.compile(r"(?i)ar-?ketamine?|\(?r\)?(\(-\))?[- ]ketamine?|r-[- ]ketamine?"),
    "placebo": re.compile(r"(?i)placebos?|sham|saline"),
}


def drug(node: Node, example: str) -> str:
    """Read which form of ketamine an arm gives."""
    # the usual word means the racemic mixture, and must not be taken for the enantiomer that it resembles
    name = text_of(node, example)
    if re.fullmatch(r"(?i)(racemic )?ketamine|ketalar", name):
        node.refuse(
            f"{shown(name)} does not say which form; write racemic for the usual mixture, "
            "or esketamine or arketamine for one enantiomer."
        )
    if name in DRUGS:
        return name
    if names_route(name):
        node.refuse(f"{shown(name)} names a route: {NO_ROUTE}; write e.g. {example}.")
    meant = next((drug for drug, pattern in _DRUG_NAMES.items() if pattern.fullmatch(name)), None)
    remedy = f"write {meant}" if meant else f"write one of {', '.join(DRUGS)}; no other drug is modelled"
    node.refuse(f"{shown(name)} is not a known value here; {remedy}.")


_LETTER = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff"
_OTHER_DRUG = f"[{_LETTER}][{_LETTER}0-9 -]{{0,39}}"
_KETAMINE = re.compile(r"(?i)ketami|ketalar|ketanest|ketaject|spravato")


def _other_drug(node: Node, example: str) -> str:
    name = " ".join(text_of(node, example).split())
    if not re.fullmatch(_OTHER_DRUG, name):
        node.refuse(
            f"{shown(name)} cannot name a drug; use letters, digits, spaces and hyphens, begin with a letter, at most "
            f"40 characters, e.g. {example}."
        )
    patterns = (_DRUG_NAMES[drug] for drug in DRUGS if drug != "placebo")
    if _KETAMINE.search(name) or any(pattern.fullmatch(name) for pattern in patterns):
        node.refuse(
            f"{shown(name)} is ketamine, whose effects are computed; write its intravenous doses as sessions, and do "
            "not enter doses by other routes, which are not modelled."
        )
    return name


def other_drug() -> Kind:
    """Return the kind of the name of a drug that is not modelled."""

    def write(name: str) -> str:
        return f'"{name}"' if name.casefold() == "null" else name  # which YAML would take for nothing

    limits = "letters, digits, spaces and hyphens, at most 40"
    return Kind(
        "text", _other_drug, lambda: {"type": "string", "pattern": rf"^\s*{_OTHER_DRUG}\s*$"}, write, "", limits
    )
