"""The rules of an arm as plain data: for result documents, worksheets and the sentences made of them."""

from typing import Any

from letheon.dosing.policy import Policy
from letheon.units import MS_PER_HOUR

__all__ = ["policy_document"]


def _written(form: tuple[float, str]) -> dict[str, Any]:
    """Return a quantity as it was written."""
    return {"value": form[0], "unit": form[1]}


def policy_document(policy: Policy) -> dict[str, Any] | None:
    """Say what is decided on the way, and by which rule.

    >>> policy_document(Policy()) is None
    True
    """
    if policy.fixed:
        return None
    boosters, titration, stops = policy.boosters, policy.titration, policy.stops
    out: dict[str, Any] = {"boosters": None, "titration": None}
    if boosters is not None:
        out["boosters"] = {
            "when": "relapse" if boosters.on_relapse else "calendar",
            "gaps_days": list(boosters.gaps_days),
            "wait_days": boosters.wait_days if boosters.on_relapse else None,
            "apart_days": boosters.apart_days,
            "at_most_per_year": boosters.at_most or None,
            "times": boosters.times or None,
            "stop": {
                "no_response": stops.no_response or None,
                "harm": stops.harm or None,
                "dose_mg": stops.dose_mg or None,
                "dose": _written(stops.dose_written or (stops.dose_mg, "mg")) if stops.dose_mg else None,
            },
        }
    if titration is not None:
        out["titration"] = {
            "every_h": titration.every_ms / MS_PER_HOUR,
            "step": _written(titration.step.form),
            "min": _written(titration.lowest.form),
            "max": _written(titration.highest.form),
            "relief": titration.relief,
            "harm": "elicited" if titration.asked else "spontaneous",
            "on_harm": "down" if titration.down else "hold",
        }
    return out
