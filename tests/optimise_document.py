"""A small document of a search, made by hand: two regimens on the front, three published, a limit and a placebo."""

from typing import Any

from letheon.definitions import SEARCH_NOTICE as NOTICE


def _measures(relief: float, hours: float, dose: float) -> dict[str, Any]:
    gap = relief - 5.5
    beside = {"minus_placebo": gap, "minus_placebo_interval": [gap - 5.0, gap + 8.0]} if gap else {}
    return {
        "relief_days": {"mean": relief, "mean_interval": [relief - 6.0, relief + 9.5], "unit": "days"} | beside,
        "hours": {"mean": hours, "mean_interval": [hours, hours], "unit": "h"},
        "dose_mg": {"mean": dose, "mean_interval": [dose, dose], "unit": "mg"},
        "remission": {"mean": 0.524, "mean_interval": [0.4, 0.61], "unit": "share"},
    }


def _published(kind: str, name: str, drug: str, relief: float, hours: float, **more: Any) -> dict[str, Any]:
    entry = {"kind": kind, "name": name, "drug": drug, "measures": _measures(relief, hours, 20.0 * hours)}
    told = {"chance_on_front": 0.25, "feasible": True, "beaten_by": [], "chance_beaten": 0.5}
    return entry | told | {"compared_on": ["hours", "dose_mg", "relief_days"]} | more


def document() -> dict[str, Any]:
    """Return the document."""
    front = [
        {"number": 1, "file": "front/01.yaml", "drug": "esketamine"}
        | {"values": {"sessions.1.rate": "31 mg/h/70kg", "sessions.1.repeat.times": "9"}}
        | {"measures": _measures(36.6, 63.0, 2188.3), "chance_on_front": 0.984375, "chance_feasible": 0.5}
        | {"support": "assumed"},
        {"number": 2, "file": "front/02.yaml", "drug": "esketamine"}
        | {"values": {"sessions.1.rate": "20 mg/h/70kg", "sessions.1.repeat.times": "11"}}
        | {"measures": _measures(38.0, 88.0, 1971.0), "chance_on_front": 0.75, "chance_feasible": 0.625}
        | {"support": "randomised"},
    ]
    return {
        "letheon": "0.1.0",
        "notice": NOTICE,
        "title": "The cheapest course",
        "seed": 5,
        "n_patients": 512,
        "follow_up_days": 84.0,
        "models": {"pain": "memory", "pk": "auto", "flares": True},
        "arm": "course",
        "variables": [
            {"path": "sessions.1.rate", "also": [], "values": 36, "from": "5 mg/h/70kg", "to": "40 mg/h/70kg"},
            {"path": "sessions.1.repeat.times", "also": [], "values": 15, "from": "1", "to": "15"},
        ],
        "goals": [
            {"measure": "hours", "direction": "minimise", "unit": "h", "means": "hours on the drip"},
            {"measure": "dose_mg", "direction": "minimise", "unit": "mg", "means": "drug given, as free base"},
        ],
        "constraints": [
            {"measure": "relief_days", "at_least": 36.5, "at_most": None, "of": ["hundred_hours"], "unit": "days"}
        ],
        "budget": {"candidates": 400, "patients": 512},
        "searched": {"candidates": 400, "of": 540, "whole": False},
        "interval": "mean_interval is the 90 % interval of the mean",
        "front": front,
        "published": [
            _published("arm", "hundred_hours", "esketamine", 36.5, 100.0, beaten_by=[1, 2]),
            _published("study", "goldberg2010 racemic", "racemic", 37.2, 120.0, chance_on_front=None),
            _published("study", "schwartzman2009 racemic", "racemic", 20.7, 40.0, feasible=False),
        ],
        "placebo": [{"name": "placebo", "measures": _measures(5.5, 0.0, 0.0)}],
        "skipped": {"boosterpractice": "it outlasts <the> follow-up"},
    }


def rows() -> list[dict[str, Any]]:
    """Return its table: the front, and a regimen that breaks the limit."""
    told = document()
    out = []
    for entry in told["front"]:
        row = {"kind": "candidate", "front": entry["number"], "feasible": True, **entry["values"]}
        out.append(row | {name: one["mean"] for name, one in entry["measures"].items()})
    low = {"kind": "candidate", "front": 0, "feasible": False, "sessions.1.rate": "5 mg/h/70kg"}
    low |= {"sessions.1.repeat.times": "1", "relief_days": 6.25, "hours": 2.0, "dose_mg": 10.0}
    return [*out, low]
