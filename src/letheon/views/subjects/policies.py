"""The rules of an arm in plain sentences."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from letheon.dosing.policy_document import BoosterRules, PolicyRules, Quantity, StopRules, TitrationRules


def policy_sentences(policy: "PolicyRules | None") -> list[str]:
    """Say by which rules an arm goes on; nothing of a fixed timetable."""
    if policy is None:
        return []
    titration = [titration_sentence(policy.titration)] if policy.titration else []
    return [*titration, *(booster_sentences(policy.boosters) if policy.boosters else ())]


def booster_sentences(rule: "BoosterRules") -> list[str]:
    """Say when boosters are given, and what ends them.

    >>> from letheon.dosing.policy_document import BoosterRules, StopRules
    >>> booster_sentences(BoosterRules("relapse", (), 14, 7, 6, None, StopRules(None, None, None, None)))
    ['Boosters 14 days after a relapse in the diary, at least 7 days from any other session, at most 6 in any year.']
    """
    return [f"Boosters {', '.join(_boosters(rule))}.", *(f"They end {end}." for end in _ends(rule.stop))]


def titration_sentence(rule: "TitrationRules") -> str:
    """Say how the rate is changed during the infusion."""
    asks = "asks for psychedelic effects and one is reported" if rule.harm == "elicited" else "is told of a complaint"
    down = f"goes down by {_quantity(rule.step)}, to {_quantity(rule.min)} at least, and not again above the last"
    then = f"{down} rate without one" if rule.on_harm == "down" else "stays, and does not go above that again"
    return (
        f"Every {rule.every_h:g} h of infusion the rate goes up by {_quantity(rule.step)}, to "
        f"{_quantity(rule.max)} at most, until {100 * rule.relief:g} % of baseline pain is gone. Where the "
        f"clinic {asks}, the rate {then}. A session written lower than the one before it runs as written."
    )


def _quantity(quantity: "Quantity") -> str:
    """Write a number and its unit as the scenario has them."""
    return f"{quantity.value:,.7g} {quantity.unit.replace('/70kg', ' per 70 kg')}"


def _boosters(rule: "BoosterRules") -> Iterator[str]:
    if rule.when == "relapse":
        yield f"{rule.wait_days} days after a relapse in the diary"
    else:
        gaps = [f"{days:g}" for days in rule.gaps_days]
        then = f", then {gaps[-1]} days again and again" if len(gaps) > 1 else ""
        yield f"{', '.join(gaps)} days after the last session{then}"
    yield f"at least {rule.apart_days} days from any other session"
    if rule.at_most_per_year:
        yield f"at most {rule.at_most_per_year} in any year"
    if rule.times:
        yield f"at most {rule.times} in all"


def _ends(stop: "StopRules") -> Iterator[str]:
    if count := stop.no_response:
        yield f"after {count} in a row without remission" if count > 1 else "where the course brought no remission"
    if reports := stop.harm:
        how = "reported when asked" if reports == "elicited" else "reported spontaneously"
        yield f"after a session with a psychedelic effect {how}"
    if dose := stop.dose:
        yield f"before the total dose passes {_quantity(dose)}"
