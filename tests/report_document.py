"""A made-up result document in the true shape, for tests of figures and report: three arms over twelve weeks.

Simple curves stand in for the simulator, so that a test of the report needs no run of the pipeline.
"""

from __future__ import annotations

import math
from typing import Any

DAYS = (1, 3, 7, 14, 28, 35, 56, 84, 182, 365)
BASELINE = 7.2
SLOW = ((0, 24, 5.0), (24, 24, 10.0), (48, 24, 15.0), (72, 28, 20.0))
FAST = ((0, 8, 5.0), (8, 8, 10.0), (16, 8, 15.0), (24, 76, 22.0))

SCENARIO = """letheon: 1
title: "100 h of esketamine in CRPS-1 (Sigtermans 2009)"
population: {n: 1000, weight: 79 ± 19 kg, baseline_nrs: 7.3 ± 2.0}
follow_up: 12 weeks
seed: 20090101
arms:
  esketamine:
    drug: esketamine
    sessions:
      - {at: 0 h,  rate: 5 mg/h/70kg,  for: 24 h}
      - {at: 24 h, rate: 10 mg/h/70kg, for: 24 h}
      - {at: 48 h, rate: 15 mg/h/70kg, for: 24 h}
      - {at: 72 h, rate: 20 mg/h/70kg, for: 28 h}
  esketamine_fast:
    drug: esketamine
    sessions:
      - {at: 0 h,  rate: 5 mg/h/70kg,  for: 8 h}
      - {at: 8 h,  rate: 10 mg/h/70kg, for: 8 h}
      - {at: 16 h, rate: 15 mg/h/70kg, for: 8 h}
      - {at: 24 h, rate: 22 mg/h/70kg, for: 76 h}
  placebo: {drug: placebo, like: esketamine}
"""


def times(follow_up_days: float) -> list[float]:
    """Return hours that lie close during the course and wide after it."""
    early = [0.5 * step for step in range(0, 260)]
    late = [130.0 + (follow_up_days * 24.0 - 130.0) * (step / 180) ** 1.5 for step in range(181)]
    return early + late


def level(hour: float, steps: tuple, clearance: float, rate: float) -> float:
    """Return the level of a one-compartment drug [ng/mL] under rates in steps [mg/h]."""
    total = 0.0
    for start, length, speed in steps:
        on = 1 - math.exp(-rate * max(0.0, hour - start))
        off = 1 - math.exp(-rate * max(0.0, hour - start - length))
        total += 1000.0 * speed / clearance * (on - off)
    return total


def band(mean: list[float], spread: float, top: float, interval: float | None = None) -> dict[str, list[float]]:
    """Return a profile around a mean; `interval` is the half-width of the mean's interval as a share of it."""
    found = {
        "mean": mean,
        "q05": [value * (1 - spread) for value in mean],
        "q50": [value * 0.98 for value in mean],
        "q95": [min(top, value * (1 + 1.4 * spread)) for value in mean],
    }
    if interval is not None:
        found |= {"mean_lo": [v * (1 - interval) for v in mean]}
        found |= {"mean_hi": [min(top, v * (1 + interval)) for v in mean]}
    return found


_BASIS = {"randomised": ["sigtermans2009"], "extrapolated": ["sigtermans2009"]}


def endpoint(
    mean: float, sd: float, unit: str, support: str, placebo: float | None, top: float = 1e9
) -> dict[str, Any]:
    """Return an endpoint with its patients' range, its interval and the difference from placebo."""
    found: dict[str, Any] = {
        "mean": mean, "sd": sd, "q05": max(0.0, mean - 1.6 * sd), "q50": mean, "q95": min(top, mean + 1.6 * sd),
        "mean_interval": [mean - 0.28 * sd, mean + 0.31 * sd],
        "unit": unit, "support": support, "basis": _BASIS.get(support, []),
    }  # fmt: skip
    if placebo is not None:
        gap = mean - placebo
        found |= {"minus_placebo": gap, "minus_placebo_interval": [gap - 0.31 * sd, gap + 0.28 * sd]}
        found |= {"minus_placebo_support": "randomised", "minus_placebo_basis": ["schwartzman2009"]}
    return found


def share(mean: float, support: str, placebo: float | None) -> dict[str, Any]:
    """Return a responder endpoint, with what it has over placebo."""
    gap = (
        {}
        if placebo is None
        else {"minus_placebo": mean - placebo, "minus_placebo_interval": [mean - 1.2 * placebo, mean]}
    )
    return gap | {
        "mean": mean, "mean_interval": [mean * 0.8, mean + 0.4 * (1 - mean) * mean], "mc_se": 0.0152,
        "unit": "share", "support": support, "basis": _BASIS.get(support, []),
    }  # fmt: skip


def relapse(median: float | None, remission: float) -> dict[str, Any]:
    """Return a time to relapse, counted from the end of the course."""
    return {
        "median": median, "median_interval": [None if median is None else median * 0.8, None],
        "restricted_mean": 41.23, "restricted_to": 79.8, "in_remission": remission,
        "at_risk": [{"day": day, "n": round(1000 * remission * math.exp(-day / 60))} for day in (0, 14, 28, 56, 79)],
        "counted_from": "course end", "from_day_0": {"median": None if median is None else median + 4.17},
        "unit": "days", "support": "assumed", "note": "Flares that end remissions are assumed.",
    }  # fmt: skip


def pain(hour: float, depth: float, placebo: float) -> float:
    """Return a pain score that falls over days and comes back over weeks."""
    day = hour / 24.0
    fall = depth * (1 - math.exp(-((day / 2.5) ** 2))) * math.exp(-day / 75)
    return BASELINE * (1 - fall) * (1 - placebo * (1 - math.exp(-day)) * math.exp(-day / 28))


def harms(with_drug: bool) -> dict[str, Any]:
    """Return the harms of an arm: one entry of each kind that the report knows."""
    shares = ("psychomimetic", "counted", "cardiac", "liver", "bladder_lasting", "bladder_symptoms", "mood_responders")

    def entry(name: str, estimate: float | None, interval: tuple[float, float], support: str) -> dict[str, Any]:
        unit = "share" if name.startswith(shares) else "mL"
        found: dict[str, Any] = {
            "estimate": estimate, "interval": list(interval), "interval_level": 0.9, "unit": unit,
            "support": support if with_drug else "assumed", "sources": ["sigtermans2009"], "note": f"About {name}.",
        }  # fmt: skip
        if name.startswith("bladder"):
            laws = {"saturating": 0.004, "unsaturated": None}
            found["laws"] = {law: {"estimate": value, "interval": [0.0, 0.03]} for law, value in laws.items()}
            found["unknown"] = "Not known: what infusions do to a bladder."
        return found

    known = ("psychedelic_load", "psychomimetic_elicited", "psychomimetic_spontaneous", "counted_nausea", "mood_fall")
    risen = ("cardiac_output", "systolic_pressure", "diastolic_pressure", "pulse", "mood_masked")
    bladder = ("lasting_loss", "symptoms", "symptoms_end", "lost", "lost_end", "capacity", "anaesthetic")
    entries = {name: entry(name, 0.4 * with_drug, (0.0, 0.75), "volunteer") for name in (*known, *risen)}
    entries["counted_headache"] = entry("counted_headache", None, (0.0, 1.0), "not identified")
    entries["liver_injury"] = entry("liver_injury", None, (0.12, 0.88), "uncontrolled")
    entries |= {f"bladder_{name}": entry(f"bladder_{name}", None, (0.0, 0.03), "not identified") for name in bladder}
    exposure = {"dose_mg": 1460.0, "dose_mg_q05": 936.0, "dose_mg_q95": 2140.0, "hours": 100.0, "infusion_days": 5}
    exposure |= {"sessions": 1, "courses": 1, "courses_a_year": 1.0}
    return {
        "beside": {"clonidine_mg": 0.1 * with_drug, "midazolam_mg": 0.0},
        "exposure": {name: value * with_drug for name, value in exposure.items()},
        "entries": entries,
    }


def arm(name: str, drug: str, steps: tuple, depth: float, follow_up: float, with_placebo: bool) -> dict[str, Any]:
    """Return one arm of the document."""
    hours = times(follow_up)
    parent = [level(h, steps, 84.0, 0.35) for h in hours]
    metabolite = [0.6 * level(h - 1.5, steps, 84.0, 0.12) for h in hours]
    nrs = [pain(h, depth, 0.18) for h in hours]
    rival = [pain(h, depth * 0.85, 0.18) + 0.9 * depth * (1 - math.exp(-h / 900)) for h in hours]
    state = [pain(h, depth, 0.0) / BASELINE for h in hours]

    def endpoints(nrs_at, sham_at) -> dict[str, Any]:
        label = "randomised"
        found: dict[str, Any] = {
            f"nrs_day_{day}": endpoint(nrs_at(24.0 * day), 2.1, "NRS", label, sham_at(24.0 * day) if with_placebo else None, 10.0)
            for day in DAYS if day <= follow_up
        }  # fmt: skip
        for day in (day for day in (7, 28, 84) if day <= follow_up):
            ease, sham = (1 - at(24.0 * day) / BASELINE for at in (nrs_at, sham_at))
            for kind, factor in (("30", 1.5), ("50", 0.9), ("2pt", 1.4)):
                beside = factor * sham if with_placebo else None
                found[f"responder_{kind}_day_{day}"] = share(min(0.9, factor * ease), label, beside)
        found["relief_days"] = endpoint(
            60 * depth + 14.3, 22.0, "days", "assumed", 14.3 if with_placebo else None, follow_up
        )
        found["pain_free_days"] = endpoint(9 * depth + 0.4, 3.0, "days", "assumed", 0.4 if with_placebo else None)
        found["remission"] = share(0.2 + depth, "assumed", 0.2 if with_placebo else None)
        found["time_to_relapse_days"] = relapse(31.4 if depth else 9.0, 0.2 + depth)
        found["boosters"] = {**endpoint(0.0, 0.0, "sessions", "assumed", None), "boosters_per_year": 0.0}
        dose = sum(length * speed for _, length, speed in steps) * 79.1 / 70.0
        found["dose_mg"] = endpoint(dose if depth else 0.0, 0.23 * dose if depth else 0.0, "mg", "randomised", None)
        return found

    models = {
        "levels": {"model": "otto2021", "label": "Otto 2021, venous", "sampling": "venous"},
        "acute": {"model": "simons2022", "label": "Simons 2022, arterial", "sampling": "arterial"},
    }
    block = [0.9 * c / (c + 420.0) for c in parent]
    return {
        "drug": drug, "like": "esketamine" if drug == "placebo" else None, "course_end_day": 4.1667, "last_infusion_day": 4.1667, "models": models,
        "profile": {
            "time_h": hours,
            "concentration_ng_per_ml": {"esketamine": band(parent, 0.38, 1e9), "esnorketamine": band(metabolite, 0.5, 1e9)},
            "nmda_block": band(block, 0.5, 1.0, 0.12), "sensitisation": band(state, 0.45, 1.0, 0.08),
            "nrs": band(nrs, 0.6, 10.0, 0.09),
        },
        "endpoints": endpoints(lambda h: pain(h, depth, 0.18), lambda h: pain(h, 0.0, 0.18)),
        "harms": {},
        "rival": {
            "model": "slow_site",
            "endpoints": endpoints(
                lambda h: pain(h, depth * 0.85, 0.18) + 0.9 * depth * (1 - math.exp(-h / 900)), lambda h: pain(h, 0.0, 0.18)
            ),
            "profile": {"nrs": band(rival, 0.55, 10.0, 0.07), "slow_site_effect": band([1 - s for s in state], 0.5, 1.0, 0.1)},
        },
    }  # fmt: skip


def document(
    follow_up: float = 84.0, with_placebo: bool = True, rival: bool = True, with_harms: bool = False
) -> dict[str, Any]:
    """Return the whole document, with 12 weeks' follow-up unless told otherwise."""
    no_drug = tuple((start, length, 0.0) for start, length, _ in SLOW)
    arms = {
        "esketamine": arm("esketamine", "esketamine", SLOW, 0.42, follow_up, with_placebo),
        "esketamine_fast": arm("esketamine_fast", "esketamine", FAST, 0.48, follow_up, with_placebo),
    }
    if with_placebo:
        arms["placebo"] = arm("placebo", "placebo", no_drug, 0.0, follow_up, True)
        for entry in arms["placebo"]["endpoints"].values():
            entry.pop("minus_placebo", None)
            entry.pop("minus_placebo_interval", None)
    if not rival:
        for entry in arms.values():
            del entry["rival"]
    if with_harms:
        for entry in arms.values():
            entry["harms"] = harms(entry["drug"] != "placebo")
    return {
        "letheon": "0.1.0", "title": "100 h of esketamine in CRPS-1 (Sigtermans 2009)", "seed": 20090101,
        "n_patients": 1000, "follow_up_days": follow_up,
        "models": {
            "pain": "memory", "rival": "slow_site" if rival else None, "flares": True,
            "expectancy_nrs": 0.0, "norketamine_weight": 0.0,
        },
        "population": {
            "weight_kg": {"mean": 79.08, "sd": 18.84},
            "baseline_nrs": {"mean": 7.196, "sd": 1.81, "latent_mean": 7.2034, "latent_sd": 1.497},
            "bistable_share": 0.6312,
        },
        "warnings": [
            "Arm esketamine: the course of 100 h is longer than the 2 h that the model otto2021 was fitted to; levels extrapolate.",
            "Weights from 54 to 92 kg were studied; 214 of 1000 patients lie outside.",
        ],
        "sources": ["otto2021", "simons2022", "dahan2011", "sigtermans2009"],
        "interval": "mean_interval is the 90 % interval of the mean over 64 draws of the parameters; its support is assumed.",
        "arms": arms,
    }  # fmt: skip
