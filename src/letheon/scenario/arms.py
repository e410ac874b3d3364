"""Arms: the part of a scenario file that says what is infused, when, and what a placebo copies."""

import re
from itertools import pairwise

from letheon.dosing.regimen import DRUGS, Infusion, Regimen
from letheon.errors import near_word
from letheon.scenario import quantities
from letheon.scenario.fields import choice, listing_of, quantity, required, table_of, text_of
from letheon.scenario.policies import BOOSTERS_EXAMPLE, STOP_EXAMPLE, TITRATION_EXAMPLE, read_policy
from letheon.scenario.records import Arm, Beside
from letheon.scenario.sessions import MAX_INFUSIONS, MAX_RATE_MG_H, SESSION_EXAMPLE, read_session
from letheon.scenario.spellings import NO_ROUTE, ROUTE_KEYS, names_route
from letheon.scenario.tree import Node, Table
from letheon.units import REFERENCE_WEIGHT_KG, plain, shown

MAX_ARMS = 16

_ARM = ("drug", "sessions", "like", "salt", "beside", "boosters", "titration", "stop")
# other names of the drugs, and slips in them that leave no doubt: ketamin alone could be any of the three
_DRUG_NAMES = {
    "racemic": re.compile(r"(?i)rac(emic|emate|emisch)?([ -]?ketamine?)?"),
    "esketamine": re.compile(r"(?i)es-?ketamine?|\(?s\)?(\(\+\))?[- ]ketamine?|s\+[- ]ketamine?"),
    "arketamine": re.compile(r"(?i)ar-?ketamine?|\(?r\)?(\(-\))?[- ]ketamine?|r-[- ]ketamine?"),
    "placebo": re.compile(r"(?i)placebos?|sham|saline"),
}
_BESIDE = {"clonidine": 1.0, "midazolam": 50.0}  # most that is read [mg]
_ARM_EXAMPLE = "{drug: racemic, sessions: [{at: day 1, rate: 25 mg/h, for: 4 h}]}"
_BESIDE_EXAMPLE = "{clonidine: 0.1 mg, midazolam: 2 mg}"
# keys that do not stand at the top or in a session, with what to write
POLICIES = {
    key: f"{key} belongs in an arm, beside its sessions; write e.g. arms: {{ketamine: {{drug: racemic, "
    f"sessions: [...], {key}: {example}}}}}."
    for key, example in (("boosters", BOOSTERS_EXAMPLE), ("titration", TITRATION_EXAMPLE), ("stop", STOP_EXAMPLE))
} | ROUTE_KEYS
_ELSEWHERE = ROUTE_KEYS | {
    "policy": f"write what it does, e.g. boosters: {BOOSTERS_EXAMPLE}, or titration: {TITRATION_EXAMPLE}."
}


def read_arms(node: Node, follow_up_ms: int) -> tuple[tuple[Arm, ...], tuple[str, ...]]:
    """Read all arms.

    Parameters
    ----------
    node : Node
        The entry `arms` of the file.
    follow_up_ms : int
        End of the observation [ms]; no session may run beyond it.

    Returns
    -------
    arms : tuple of Arm
        In the order of the file.
    warnings : tuple of str
        Sentences about sessions that overlap, or give nothing.

    Raises
    ------
    InputError
        If an arm is not valid.
    """
    table = table_of(node, "arms: {ketamine: " + _ARM_EXAMPLE + "}")
    if not 1 <= len(table.entries) <= MAX_ARMS:
        table.refuse(f"there are {len(table.entries)} arms; write 1 to {MAX_ARMS}.")
    found: dict[str, Arm | Table] = {}
    for name, child in table.entries.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
            table.refuse(
                f"{shown(name)} cannot name an arm; use a to z, 0 to 9 and _, begin with a letter, "
                "at most 40 characters, e.g. high_dose.",
                table.key_lines[name],
            )
        arm = table_of(child, _ARM_EXAMPLE)
        arm.check_keys(_ARM, _ELSEWHERE, _ARM_EXAMPLE)
        drug = _drug(required(arm, "drug", "drug: racemic"))
        found[name] = arm if drug == "placebo" else _active(name, drug, arm, follow_up_ms)
    real = {name: arm for name, arm in found.items() if isinstance(arm, Arm)}
    arms = tuple(arm if isinstance(arm, Arm) else _placebo(name, arm, real) for name, arm in found.items())
    warnings = (warn(arm) for arm in real.values() for warn in (_overlap_warning, _nothing_warning))
    return arms, tuple(filter(None, warnings))


def _drug(node: Node) -> str:
    # the usual word means the racemic mixture, and must not be taken for the enantiomer that it resembles
    if re.fullmatch(r"(?i)(racemic )?ketamine|ketalar", text := text_of(node, "drug: racemic")):
        node.refuse(
            f"{shown(text)} does not say which form; write racemic for the usual mixture, "
            "or esketamine or arketamine for one enantiomer."
        )
    if text in DRUGS:
        return text
    if names_route(text):
        node.refuse(f"{shown(text)} names a route: {NO_ROUTE}; write e.g. drug: racemic.")
    meant = next((drug for drug, name in _DRUG_NAMES.items() if name.fullmatch(text.strip())), None)
    remedy = f"write {meant}" if meant else f"write one of {', '.join(DRUGS)}, for no other drug is modelled"
    node.refuse(f"{shown(text)} is not known here; {remedy}.")


def _placebo(name: str, table: Table, real: dict[str, Arm]) -> Arm:
    """Build a placebo arm: the sham sessions of the arm that it is like."""
    example = f"like: {next(iter(real), 'ketamine')}"
    for key in ("sessions", "salt", "beside", "boosters", "titration", "stop"):
        if key in table.entries:
            table.entries[key].refuse(
                f"a placebo arm copies the sessions of another arm; write {example} and leave {key} out."
            )
    node = required(table, "like", example)
    like = text_of(node, example)
    if like not in real:
        if not real:
            node.refuse(f"{shown(like)} is no arm that gives a drug; add such an arm, e.g. ketamine: {_ARM_EXAMPLE}.")
        near = near_word(like, real) or next(iter(real))
        node.refuse(f"{shown(like)} is no other arm that gives a drug; write like: {near}.")
    shown_arm = real[like]
    return Arm(name, "placebo", shown_arm.regimen.sham(), like, shown_arm.beside, shown_arm.policy)


def _active(name: str, drug: str, table: Table, follow_up_ms: int) -> Arm:
    """Build an arm that gives a drug."""
    if "like" in table.entries:
        table.entries["like"].refuse(
            f"only a placebo arm can be like another, and this arm gives {drug}; "
            "write its sessions out, or drug: placebo."
        )
    listing = listing_of(required(table, "sessions", f"sessions: [{SESSION_EXAMPLE}]"), f"- {SESSION_EXAMPLE}")
    infusions: list[Infusion] = []
    for item in listing.items:
        session = table_of(item, SESSION_EXAMPLE)
        infusions.extend(read_session(session, follow_up_ms, POLICIES))
        if len(infusions) > MAX_INFUSIONS:
            session.refuse(
                f"with this session the arm has {len(infusions)} infusions; write at most {MAX_INFUSIONS}, "
                "repeats counted, e.g. with longer infusions."
            )
    if (peak := _peak_mg_h(infusions)) > MAX_RATE_MG_H * (1 + 1e-9):  # sums of rates carry rounding
        listing.refuse(
            f"overlapping sessions add up to {plain(round(peak, 3))} mg/h at 70 kg, above the limit of "
            f"{plain(MAX_RATE_MG_H)} mg/h; move them apart or lower their rates."
        )
    factor = _salt_factor(table.entries.get("salt"))
    if factor is not None:
        infusions = [Infusion(i.start_ms, i.duration_ms, i.rate.scaled(factor)) for i in infusions]
    regimen = Regimen.create(drug, infusions)
    policy = read_policy(table, regimen, factor or 1.0, follow_up_ms)
    return Arm(name, drug, regimen, beside=_beside(table.entries.get("beside")), policy=policy)


def _beside(node: Node | None) -> Beside:
    """Read `beside`: other drugs given with every infusion of an arm, each with its dose."""
    if node is None:
        return Beside()
    table = table_of(node, f"beside: {_BESIDE_EXAMPLE}")
    # the known name nearest to an unknown drug would be another drug
    others = (key for key in table.entries if re.match(r"[^\W\d_]", key) and re.split("[ :=]", key)[0] not in _BESIDE)
    refused = {
        key: f"{shown(key)} is not modelled: only {' and '.join(_BESIDE)} have computed effects here; leave it out."
        for key in others
    }
    table.check_keys(_BESIDE, refused, _BESIDE_EXAMPLE)
    return Beside(**{f"{name}_mg": _dose_beside(child, name) for name, child in table.entries.items()})


def _dose_beside(node: Node, name: str) -> float:
    example = "0.1 mg" if name == "clonidine" else "2 mg"
    absolute, per_kg = quantity(node, quantities.dose_mg, f"{name}: {example}")
    text = text_of(node, "")
    if per_kg:
        node.refuse(f"{shown(text)} depends on weight, and this dose does not; write e.g. {name}: {example}.")
    if not 0 <= absolute <= _BESIDE[name]:
        node.refuse(f"{shown(text)} is outside 0 to {plain(_BESIDE[name])} mg; write e.g. {name}: {example}.")
    return absolute


def _salt_factor(node: Node | None) -> float | None:
    """Return mass of free base for each unit mass as written, or None for free base."""
    if node is None or choice(node, ("base", "hydrochloride"), "salt: hydrochloride") == "base":
        return None
    from letheon.library import receptor  # the numbers load only when a file asks for one

    return receptor()["salt_hydrochloride"].value


def _peak_mg_h(infusions: list[Infusion]) -> float:
    """Highest total rate at 70 kg [mg/h], pushes apart."""
    steps: dict[int, float] = {}
    for infusion in infusions:
        if infusion.is_push:
            continue
        rate = infusion.rate.at(REFERENCE_WEIGHT_KG)
        steps[infusion.start_ms] = steps.get(infusion.start_ms, 0.0) + rate
        steps[infusion.stop_ms] = steps.get(infusion.stop_ms, 0.0) - rate
    peak = running = 0.0
    for moment in sorted(steps):
        running += steps[moment]
        peak = max(peak, running)
    return peak


def _nothing_warning(arm: Arm) -> str | None:
    """Warn of sessions at a rate of 0 that titration cannot raise."""
    empty = sum(infusion.rate.is_zero for infusion in arm.regimen.infusions)
    if not empty or arm.policy.titration is not None:
        return None
    count = len(arm.regimen.infusions)
    which = "every session has" if empty == count else f"{empty} of {count} sessions have"
    return f"arms.{arm.name}: {which} a rate of 0, and no drug is given then; write drug: placebo for a comparator."


def _overlap_warning(arm: Arm) -> str | None:
    infusions = [infusion for infusion in arm.regimen.infusions if not infusion.is_push]
    if any(after.start_ms < before.stop_ms for before, after in pairwise(infusions)):
        return f"arms.{arm.name}: sessions overlap, and their rates add."
    return None
