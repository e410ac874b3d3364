"""Arms: what is infused, when, by which rules it goes on, and what a placebo copies."""

import re
from dataclasses import replace
from itertools import pairwise

from letheon.dosing.other_drugs import OtherDrug
from letheon.dosing.regimen import Infusion, Regimen
from letheon.errors import near_word
from letheon.scenario import quantities
from letheon.scenario.classes import is_by_class
from letheon.scenario.faults import LOST, attempt, collecting
from letheon.scenario.grammar import ARM, ARM_NAME, MAX_ARMS
from letheon.scenario.kinds import table_of, text_of
from letheon.scenario.model import Arm, BagStrength, Beside
from letheon.scenario.other_drugs import computed_beside, read_other_drugs
from letheon.scenario.rules import read_policy
from letheon.scenario.sessions import Values, read_sessions, scaled
from letheon.scenario.yaml_tree import Listing, Node, Table, Value
from letheon.units import shown

_MASSES = ("rate", "dose", "push", "max", "min", "step", "from", "to")  # keys that may hold a volume of the bag


def read_arms(table: Table, follow_up_ms: int, weekday: int = 0) -> tuple[tuple[Arm, ...], tuple[str, ...]]:
    """Read all arms, in the order of the file, and the warnings about them; `weekday` of day 1 counts from Monday."""
    if not 1 <= len(table.entries) <= MAX_ARMS:
        attempt(table.refuse, f"there are {len(table.entries)} arms; write 1 to {MAX_ARMS}.")
    arms = {name: attempt(_arm, name, table, follow_up_ms, weekday) for name in table.entries}
    real = {name: arm for name, arm in arms.items() if not isinstance(arm, Table)}
    both = (attempt(_placebo, name, arm, real) if isinstance(arm, Table) else arm for name, arm in arms.items())
    return tuple(arm for arm in both if arm is not LOST), attempt(_warnings, real)


def _arm(name: str, arms: Table, follow_up_ms: int, weekday: int) -> Arm | Table:
    """Read one arm; that of a placebo stays as it is written."""
    if not re.fullmatch(ARM_NAME, name):
        sentence = (
            f"{shown(name)} cannot name an arm; use a to z, 0 to 9 and _, begin with a letter, "
            "at most 40 characters, e.g. high_dose."
        )
        attempt(arms.refuse, sentence, arms.key_lines[name])
    if collecting():  # a slip in `like` or `drug` is known before the arm is laid over another one
        ARM.check(table_of(arms.entries[name], ARM.example))
    entry = _with_base(name, arms)
    ARM.check(entry)
    if "bag" in entry.entries:
        entry = _in_masses(entry, attempt(ARM["bag"].read, entry.entries["bag"]))
    drug = attempt(_drug, entry)
    return entry if drug is not LOST and drug == "placebo" else _active(name, drug, entry, follow_up_ms, weekday)


def _drug(entry: Table) -> str:
    return ARM["drug"].read(ARM.required(entry, "drug"))


def _warnings(arms: dict[str, Arm]) -> tuple[str, ...]:
    warnings = (warn(arm) for arm in arms.values() for warn in (_overlap_warning, _nothing_warning, _beside_warning))
    return tuple(filter(None, warnings))


def _with_base(name: str, arms: Table, above: tuple[str, ...] = ()) -> Table:
    """Return an arm laid over the arm that it is like, if it is no placebo."""
    entry = table_of(arms.entries[name], ARM.example)
    drug = entry.entries.get("drug")
    if "like" not in entry.entries or (isinstance(drug, Value) and drug.text.strip() == "placebo"):
        return entry
    own = replace(entry, entries={key: one for key, one in entry.entries.items() if key != "like"})
    base = attempt(_base, name, entry.entries["like"], arms, above)
    if base is LOST:
        ARM.glance(own)
    elif collecting():  # what the other arm lacks is refused there
        base = replace(base, entries=dict.fromkeys(("drug", "sessions"), LOST) | base.entries)
    return _laid_over(base, own)


def _base(name: str, node: Node, arms: Table, above: tuple[str, ...]) -> Table:
    """Return the arm that another one is like."""
    like = text_of(node, "like: ketamine")
    if like in (chain := (name, *above)):
        circle = chain[: chain.index(like) + 1]
        if collecting() and chain[-1] != next(one for one in arms.entries if one in circle):
            return LOST  # refused at the first of the circle
        node.refuse("these arms start from each other in a circle; write one of them without like.")
    if like not in arms.entries:
        near = near_word(like, arms.entries)
        node.refuse(
            f"{shown(like)} is not an arm of this file; write {f'like: {near}' if near else 'the name of one'}."
        )
    base = _with_base(like, arms, (name, *above))
    if "like" in base.entries:
        node.refuse(f"{shown(like)} is a placebo arm; start from an arm that gives a drug, or write drug: placebo too.")
    return base


def _laid_over(base: Table, own: Table) -> Table:
    """Return a map with changes: maps key by key, anything else replaced, and ``none`` removes a key."""
    entries = dict(base.entries)
    for key, node in own.entries.items():
        before = entries.get(key)
        if isinstance(node, Value) and node.text.strip() == "none":
            if before is None:
                node.refuse(f"the arm that this one is like has no {key} to remove; leave this key out.")
            del entries[key]
        elif isinstance(before, Table) and isinstance(node, Table) and not is_by_class(node):
            entries[key] = _laid_over(before, node)
        else:
            entries[key] = node
    return replace(own, entries=entries, key_lines=base.key_lines | own.key_lines)


def _in_masses(table: Table, bag: BagStrength, by_class: bool = False) -> Table:
    """Return a map in which volumes of the bag stand as masses of its drug; those of each class where it holds them."""
    entries: dict[str, Node] = {}
    for key, node in table.entries.items():
        if key == "also":  # the bag holds none of it
            pass
        elif isinstance(node, Table):
            node = _in_masses(node, bag, key in _MASSES)
        elif isinstance(node, Listing):
            items = (_in_masses(one, bag) if isinstance(one, Table) else one for one in node.items)
            node = replace(node, items=tuple(items))
        elif isinstance(node, Value) and (by_class or key in _MASSES):
            node = attempt(_in_mass, node, bag)
        entries[key] = node
    return replace(table, entries=entries)


def _in_mass(node: Value, bag: BagStrength) -> Value:
    if quantities.in_mass(node.text, 1.0, 0.0) is None:
        return node
    mass = quantities.in_mass(node.text, bag.mg_per_ml, bag.mg_kg_per_ml)
    return node if mass is None else replace(node, text=mass)


def _placebo(name: str, table: Table, real: dict[str, Arm]) -> Arm:
    """Build a placebo arm: the sham sessions of the arm that it is like."""
    example = f"like: {next(iter(real), 'ketamine')}"
    for key in (key.name for key in ARM.keys if key.name not in {"drug", "like"}):
        if key in table.entries:
            copies = f"a placebo arm copies the sessions of another arm; write {example} and leave {key} out."
            attempt(table.entries[key].refuse, copies)
    if "like" not in table.entries:
        table.refuse(f'the key "like" is missing; write e.g. {example}.')
    node = table.entries["like"]
    like = text_of(node, example)
    if like not in real:
        if not real:
            node.refuse(
                f"{shown(like)} is not an arm that gives a drug; add such an arm, e.g. ketamine: {ARM.example}."
            )
        near = near_word(like, real) or next(iter(real))
        node.refuse(f"{shown(like)} is not another arm that gives a drug; write like: {near}.")
    copied = real[like]
    return Arm(name, "placebo", copied.regimen.sham(), like, copied.beside, copied.policy, copied.bag, copied.also)


def _active(name: str, drug: str, table: Table, follow_up_ms: int, weekday: int) -> Arm:
    """Build an arm that gives a drug."""
    infusions = attempt(read_sessions, table, follow_up_ms, weekday)
    values = ARM.read(table, without=("sessions",))
    salt = attempt(_salt, values)
    regimen = attempt(_regimen, drug, infusions, salt)
    policy = attempt(read_policy, table, values, regimen, salt, follow_up_ms)
    beside = attempt(_beside, values)
    bag = attempt(_bag, values, salt)
    also = attempt(_also, values, follow_up_ms)
    return Arm(name, drug, regimen, beside=beside, policy=policy, bag=bag, also=also)


def _salt(values: Values) -> float:
    """Return the mass of free base in each unit mass as written."""
    if values.get("salt") != "hydrochloride":
        return 1.0
    from letheon.library import receptor  # the numbers load only when a file asks for one

    return receptor()["salt_hydrochloride"].value


def _regimen(drug: str, infusions: list[Infusion], salt: float) -> Regimen:
    return Regimen.create(drug, scaled(infusions, salt))


def _beside(values: Values) -> Beside:
    return Beside(**{f"{drug}_mg": dose for drug, dose in values.get("beside", {}).items()})


def _also(values: Values, follow_up_ms: int) -> tuple[OtherDrug, ...]:
    return read_other_drugs(values["also"], values.get("beside", {}), follow_up_ms) if "also" in values else ()


def _bag(values: Values, salt: float) -> BagStrength | None:
    bag = values.get("bag")
    return bag and BagStrength(bag.mg_per_ml * salt, bag.mg_kg_per_ml * salt, bag.ml)


def _nothing_warning(arm: Arm) -> str | None:
    """Warn of sessions and boosters of a drug at a rate of 0 that titration cannot raise."""
    if arm.drug == "placebo":
        return None
    sessions = arm.regimen.infusions if arm.policy.titration is None else ()
    boosters = arm.policy.boosters.infusions if arm.policy.boosters else ()
    for name, infusions in ((f"arms.{arm.name}", sessions), (f"arms.{arm.name}.boosters", boosters)):
        if empty := sum(infusion.rate.is_zero for infusion in infusions):
            count = len(infusions)
            which = "every session has" if empty == count else f"{empty} of {count} sessions have"
            return f"{name}: {which} a rate of 0, and no drug is given then; write drug: placebo for a comparator."
    return None


def _beside_warning(arm: Arm) -> str | None:
    """Warn of drugs in `also` whose effect would be computed in `beside`."""
    if not (names := " and ".join(computed_beside(arm.also))):
        return None
    return f"arms.{arm.name}: no effect of {names} is computed in also; beside computes one."


def _overlap_warning(arm: Arm) -> str | None:
    infusions = [infusion for infusion in arm.regimen.infusions if not infusion.is_push]
    if any(after.start_ms < before.stop_ms for before, after in pairwise(infusions)):
        return f"arms.{arm.name}: sessions overlap, and their rates add."
    return None
