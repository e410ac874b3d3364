"""What goes by class of body weight or age in an arm, as rows of a worksheet."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from letheon.dosing.policy import Policy
from letheon.dosing.regimen import Infusion, Rate, Regimen, class_names
from letheon.units import MS_PER_HOUR

__all__ = ["ClassRow", "class_rows"]


class ClassRow(NamedTuple):
    """The value of one class."""

    what: str  # such as `push at 0 h`
    who: str  # such as `below 50 kg`
    rate: Rate
    push_ms: int  # length of a push, 0 for a rate
    here: bool  # whether the patient of the worksheet belongs to it


def class_rows(regimen: Regimen, policy: Policy, weight_kg: float, age_year: float) -> tuple[ClassRow, ...]:
    """List every value that goes by class, and the class of one patient.

    >>> rate = Rate.by_class("kg", (50.0,), (Rate(15.0), Rate(25.0)))
    >>> rows = class_rows(Regimen.create("racemic", [Infusion.create(0, 4, rate)]), Policy(), 70.0, 46.0)
    >>> [(row.what, row.who, row.here) for row in rows]
    [('session at 0 h', 'below 50 kg', False), ('session at 0 h', 'from 50 kg', True)]
    """
    values = list(_of_sessions(regimen.infusions, ""))
    for session in policy.boosters.sessions if policy.boosters else ():
        values += _of_sessions(session, "booster, ")
    if rule := policy.titration:
        values += [(f"titration, {name}", rate, 0) for name, rate in
                   (("step", rule.step), ("min", rule.lowest), ("max", rule.highest))]  # fmt: skip
    rows: list[ClassRow] = []
    for what, rate, push_ms in values:
        mine, classes = rate.of(weight_kg, age_year), rate.classes
        names = class_names(classes.unit, classes.limits) if classes.rates else []
        rows += [ClassRow(what, who, one, push_ms, one is mine) for who, one in zip(names, classes.rates, strict=True)]
    return tuple(rows)


def _of_sessions(infusions: Iterable[Infusion], prefix: str) -> Iterator[tuple[str, Rate, int]]:
    """Yield each different infusion once, by the start of the first."""
    seen: set[tuple[Rate, int]] = set()
    for one in infusions:
        if (key := (one.rate, one.duration_ms)) not in seen:
            seen.add(key)
            what = "push" if one.is_push else "session"
            yield f"{prefix}{what} at {one.start_ms / MS_PER_HOUR:g} h", one.rate, one.duration_ms * one.is_push
