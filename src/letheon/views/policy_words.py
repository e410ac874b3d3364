"""Policies in plain sentences, for the terminal and the report."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["policy_sentences"]


def policy_sentences(policy: Mapping[str, Any] | None) -> list[str]:
    """Say by which rules an arm goes on.

    Parameters
    ----------
    policy : mapping or None
        ``policy`` of an arm in a result document; None for a fixed timetable.

    Returns
    -------
    list of str
        Sentences; none for a fixed timetable.

    Examples
    --------
    >>> rule = {"when": "relapse", "wait_days": 14, "apart_days": 7, "at_most_per_year": 6, "times": None, "stop": {}}
    >>> policy_sentences({"boosters": rule, "titration": None})
    ['Boosters 14 days after a relapse in the diary, at least 7 days from any other session, at most 6 in any year.']
    """
    if policy is None:
        return []
    found = []
    if rule := policy.get("titration"):
        found.append(_titration(rule))
    if rule := policy.get("boosters"):
        found.append(f"Boosters {', '.join(_boosters(rule))}.")
        found += [f"They end {end}." for end in _ends(rule.get("stop") or {})]
    return found


def _titration(rule: Mapping[str, Any]) -> str:
    asks = "asks for psychedelic effects and hears of one" if rule["harm"] == "elicited" else "hears of a complaint"
    down = f"goes down by {_quantity(rule['step'])}, to {_quantity(rule['min'])} at least, and not again above the last"
    then = f"{down} rate without one" if rule["on_harm"] == "down" else "stays, and does not go above that again"
    return (
        f"Every {rule['every_h']:g} h on the drip the rate goes up by {_quantity(rule['step'])}, to "
        f"{_quantity(rule['max'])} at most, until {100 * rule['relief']:g} % of baseline pain is gone. Where the "
        f"clinic {asks}, the rate {then}. A session written lower than the one before it runs as written."
    )


def _quantity(told: Mapping[str, Any]) -> str:
    """Write a number and its unit as the scenario has them."""
    return f"{told['value']:,.7g} {told['unit'].replace('/70kg', ' per 70 kg')}"


def _boosters(rule: Mapping[str, Any]) -> Iterator[str]:
    if rule["when"] == "relapse":
        yield f"{rule['wait_days']} days after a relapse in the diary"
    else:
        ladder = [f"{days:g}" for days in rule["gaps_days"]]
        then = f", then {ladder[-1]} days again and again" if len(ladder) > 1 else ""
        yield f"{', '.join(ladder)} days after the last session{then}"
    yield f"at least {rule['apart_days']} days from any other session"
    if rule["at_most_per_year"]:
        yield f"at most {rule['at_most_per_year']} in any year"
    if rule["times"]:
        yield f"at most {rule['times']} in all"


def _ends(stop: Mapping[str, Any]) -> Iterator[str]:
    if count := stop.get("no_response"):
        yield f"after {count} in a row without remission" if count > 1 else "where the course brought no remission"
    if heard := stop.get("harm"):
        told = "told to a clinic that asks" if heard == "elicited" else "told unasked"
        yield f"after a session with a psychedelic effect {told}"
    if dose := stop.get("dose"):
        yield f"before the total dose passes {_quantity(dose)}"
