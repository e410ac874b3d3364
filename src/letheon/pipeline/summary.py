"""From merged blocks to the result document: endpoints, profiles, intervals, support."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from letheon import library
from letheon._version import __version__
from letheon.dosing.policy_document import policy_document
from letheon.dosing.regimen import MS_PER_DAY
from letheon.patients.uncertainty import DRAWS
from letheon.pipeline import harms
from letheon.pipeline.block import GIVEN
from letheon.pipeline.harm_entries import arm_harms, harm_sources
from letheon.pipeline.histograms import Profile
from letheon.pipeline.labels import ASSUMED, LAST_SUPPORTED_DAY, NOT_IDENTIFIED, Support, plan_support, support_of
from letheon.pipeline.plan import ENDPOINT_DAYS, ArmPlan
from letheon.pipeline.support import interval_of_mean, model_warnings, quantiles
from letheon.pipeline.survival import kaplan_meier
from letheon.scenario import Arm, Scenario

__all__ = ["ArmTotals", "columns", "document", "endpoint_names"]

_DIGITS = 6  # significant digits in the document; the Parquet files hold the full numbers
_RIVAL = "rival_"
_UNUSED = ("norketamine_slope_olofsen",)  # shown in the library as rejected, used by no run
_BOUNDS = {"NRS": (0.0, 10.0), "share": (0.0, 1.0)}
_ABOVE = (0.0, math.inf)
_YEAR_DAYS = 365.25
_A_YEAR = {"mean": "", "q05": "_q05", "q50": "_q50", "q95": "_q95"}  # what is also given per year, and its suffix
_NO_ARKETAMINE = "Not modelled: the slow site was fitted to esketamine and knows no lasting effect of arketamine."
_NO_RELAPSE = "Relapse rests on assumed flares: not identified by the data, and beyond 12 weeks an assumption."


@dataclass(slots=True)
class ArmTotals:
    """What all blocks of one arm add up to.

    Attributes
    ----------
    plan : ArmPlan
        The arm.
    columns : mapping of str to array, shape (patient,)
        Endpoints by patient; of a large run read from disk, one at a time.
    profile : Profile
        Counts and sums over patients.
    bank_columns : dict of str to array, shape (draw,)
        Means of the endpoints under each draw, over the bank's people.
    bank_profile : dict of str to array, shape (draw, time)
        The same for profiles.
    last_booster_h : float
        When the last booster of any patient began [h]; 0 without boosters.
    """

    plan: ArmPlan
    columns: Mapping[str, np.ndarray]
    profile: Profile
    bank_columns: dict[str, np.ndarray] = field(default_factory=dict)
    bank_profile: dict[str, np.ndarray] = field(default_factory=dict)
    last_booster_h: float = 0.0


def endpoint_days(days: int) -> list[int]:
    """Return the endpoint days that the follow-up reaches."""
    return [d for d in ENDPOINT_DAYS if d <= days]


def endpoint_names(days: int) -> list[str]:
    """Return the names of the endpoints of one pain model, as they stand in files.

    Parameters
    ----------
    days : int
        Days of follow-up.

    Returns
    -------
    list of str
        Names.

    Examples
    --------
    >>> endpoint_names(1)[:3]
    ['baseline_nrs', 'nrs_day_1', 'responder_30_day_1']
    """
    kinds = ("nrs", "responder_30", "responder_50", "responder_2pt")
    daily = [f"{kind}_day_{d}" for d in endpoint_days(days) for kind in kinds]
    return ["baseline_nrs", *daily, "relief_days", "pain_free_days", "remission", "relapse_day"]


def _course_columns(course, days: int, valid: slice) -> dict[str, np.ndarray]:
    out = {"baseline_nrs": np.asarray(course.baseline)[valid]}
    for row, day in enumerate(endpoint_days(days)):
        for kind in ("nrs", "responder_30", "responder_50", "responder_2pt"):
            out[f"{kind}_day_{day}"] = np.asarray(getattr(course, kind))[row][valid]
    for kind in ("relief_days", "pain_free_days", "remission", "relapse_day"):
        out[kind] = np.asarray(getattr(course, kind))[valid]
    return {name: out[name] for name in endpoint_names(days)}


def columns(result, people, plan: ArmPlan, valid: int, pain: str) -> dict[str, np.ndarray]:
    """Return one block's endpoints by patient, the chosen pain model first and its rival behind ``rival_``.

    Parameters
    ----------
    result : BlockResult
        What the block left.
    people : People
        Its patients.
    plan : ArmPlan
        The arm.
    valid : int
        Patients that count.
    pain : str
        ``memory`` or ``slow_site``: the model whose endpoints carry the plain names.

    Returns
    -------
    dict of str to array, shape (patient,)
        Columns.
    """
    kept = slice(0, valid)
    main, rival = (result.diary, result.rival) if pain == "memory" else (result.rival, result.diary)
    out = {
        "weight_kg": np.asarray(people.weight_kg)[kept],
        "baseline_latent": np.asarray(people.baseline)[kept],
        "draw": np.asarray(people.draw)[kept],
        "bistable": np.asarray(result.bistable)[kept],
        "dosing_days": np.asarray(result.dosing_days)[kept],
    }
    out |= {name: np.asarray(getattr(result, name))[kept] for name in GIVEN}
    out |= {f"{_RIVAL}{name}": np.asarray(values)[kept] for name, values in result.rival_given.items()}
    out |= _course_columns(main, plan.days, kept)
    out |= {f"harm_{name}": harms.kept(name, np.asarray(values)[kept]) for name, values in result.harms.items()}
    return out | {f"{_RIVAL}{k}": v for k, v in _course_columns(rival, plan.days, kept).items()}


def _round(value, lists: bool = True) -> Any:
    """Round to the digits that a document carries; infinities and NaN become null."""
    if isinstance(value, dict):
        return {k: _round(v, lists) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_round(v, lists) for v in value]
    if isinstance(value, np.ndarray):
        return _shorter_all(value) if lists or not value.ndim else value
    if isinstance(value, float | np.floating):
        return _shorter(float(value))
    return value


def _shorter(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") + 0.0 if math.isfinite(value) else None


def _shorter_all(values: np.ndarray) -> list[float | None]:
    """Shorten a row of numbers; writing them all at once takes a third of the time."""
    if not np.isfinite(values).all():
        return [_shorter(value) for value in values.tolist()]
    written = f"%.{_DIGITS}g " * len(values) % tuple(values.tolist())
    return [float(one) + 0.0 for one in written.split()]


def _distribution(values: np.ndarray) -> dict:
    q05, q50, q95 = quantiles(values, (0.05, 0.5, 0.95))
    sd = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(values.mean()), "sd": sd, "q05": q05, "q50": q50, "q95": q95}


def _endpoint(
    name: str, unit: str, support: Support, arm: ArmTotals, placebo: ArmTotals | None, against: Support = ASSUMED
) -> dict:
    values, draws = arm.columns[name], arm.bank_columns[name]
    mean = float(values.mean())
    out: dict[str, Any]
    if unit == "share":
        out = {"mean": mean, "mc_se": math.sqrt(mean * (1 - mean) / len(values))}
    else:
        out = _distribution(values)
    out["mean_interval"] = list(interval_of_mean(mean, draws, _BOUNDS.get(unit, _ABOVE)))
    out |= {"unit": unit} | support.document()
    if placebo is not None:
        difference = mean - float(placebo.columns[name].mean())
        out["minus_placebo"] = difference
        reach = _BOUNDS.get(unit, _ABOVE)[1]
        out["minus_placebo_interval"] = list(
            interval_of_mean(difference, draws - placebo.bank_columns[name], (-reach, reach))
        )
        out |= against.document("minus_placebo_")
    return out


def _relapse(prefix: str, arm: ArmTotals, support: Support) -> dict:
    """Kaplan-Meier time to relapse of those who were in remission, from the end of the course."""
    plan = arm.plan
    remission = arm.columns[f"{prefix}remission"] > 0
    horizon = plan.days - plan.course_end_day
    out = {
        "in_remission": float(remission.mean()),
        "counted_from": "course end",
        "restricted_to": horizon,
        "unit": "days",
        **support.document(),
        "note": _NO_RELAPSE,
    }
    marks = [0.0, *(d for d in (14, 28, 56, 84, 182, 365) if d <= horizon)]
    if not remission.any():
        nothing = {"median": None, "median_interval": [None, None], "restricted_mean": None}
        return out | nothing | {"from_day_0": {"median": None}, "at_risk": [{"day": d, "n": 0} for d in marks]}
    day = arm.columns[f"{prefix}relapse_day"][remission] - plan.course_end_day
    relapsed = np.isfinite(day)
    time = np.maximum(np.where(relapsed, day, horizon), 0.0)
    curve = kaplan_meier(time, relapsed)
    middle = curve.first_at_or_below(0.5)
    out["median"] = middle
    out["median_interval"] = [curve.first_at_or_below(0.5, bound) for bound in ("low", "high")]
    out["restricted_mean"] = curve.restricted_mean(horizon)
    out["from_day_0"] = {"median": None if middle is None else middle + plan.course_end_day}
    out["at_risk"] = [{"day": d, "n": int((time >= d).sum())} for d in marks]
    return out


def _endpoints(scenario: Scenario, arm: Arm, totals: ArmTotals, placebo: ArmTotals | None, prefix: str) -> dict:
    chosen = scenario.models.pain
    pain = chosen if not prefix else "slow_site" if chosen == "memory" else "memory"

    def make(name, unit, window):
        quantity = name.split("_day_")[0]
        alone, against = (support_of(scenario, arm, quantity, window, to, pain) for to in ("", "placebo"))
        return _endpoint(f"{prefix}{name}", unit, alone, totals, placebo, against)

    days = totals.plan.days
    out = {f"nrs_day_{d}": make(f"nrs_day_{d}", "NRS", (d, d)) for d in endpoint_days(days)}
    for kind in ("responder_30", "responder_50", "responder_2pt"):
        out |= {f"{kind}_day_{d}": make(f"{kind}_day_{d}", "share", (d, d)) for d in endpoint_days(days)}
    out |= {name: make(name, "days", (0, days)) for name in ("relief_days", "pain_free_days")}
    out["remission"] = make("remission", "share", (0, min(totals.plan.course_end_day + 14, days)))
    # no trial reports times to relapse; beyond 12 weeks, or with assumed flares, nothing identifies them
    support = NOT_IDENTIFIED if scenario.models.flares or days > LAST_SUPPORTED_DAY else ASSUMED
    out["time_to_relapse_days"] = _relapse(prefix, totals, support)
    for name in ("relief_days", "pain_free_days"):
        out[name] |= {f"per_year{end}": out[name][key] * _YEAR_DAYS / days for key, end in _A_YEAR.items()}
    out["never_in_remission"] = _complement(out["remission"])
    return out | _given(arm, totals, prefix)


def _complement(endpoint: dict) -> dict:
    """Return the endpoint of those to whom another did not happen."""
    low, high = endpoint["mean_interval"]
    turned: dict[str, Any] = {"mean": 1.0 - endpoint["mean"], "mean_interval": [1.0 - high, 1.0 - low]}
    turned |= {name: value for name, value in endpoint.items() if name not in turned}
    if "minus_placebo" in endpoint:
        low, high = endpoint["minus_placebo_interval"]
        turned |= {"minus_placebo": -endpoint["minus_placebo"], "minus_placebo_interval": [-high, -low]}
    return turned


def _given(arm: Arm, totals: ArmTotals, prefix: str) -> dict:
    """Return what was given: boosters, dose, hours on the drip, and the rate that titration ends at."""
    policy, days = arm.policy, totals.plan.days
    if policy.boosters is None:
        boosters = {"mean": 0.0, "boosters_per_year": 0.0, "unit": "boosters", "note": "fixed timetable"}
    else:
        boosters = _endpoint(f"{prefix}boosters", "boosters", ASSUMED, totals, None)
        boosters |= {f"boosters_per_year{end}": boosters[key] * _YEAR_DAYS / days for key, end in _A_YEAR.items()}
        boosters["note"] = "decided by each patient's diary" if policy.boosters.on_relapse else "by the calendar"
    out = {"boosters": boosters}
    # What a fixed timetable gives is a fact of the scenario, not a finding: it has no label.
    support = {} if policy.fixed else ASSUMED.document()
    dose, hours = (_distribution(totals.columns[f"{prefix}{name}"]) for name in ("dose_mg", "drip_hours"))
    out["dose_mg"] = dose | {"unit": "mg"} | support | {"note": "free base"}
    out["drip_hours"] = hours | {"unit": "h"} | support
    if policy.titration is not None:
        unit = policy.titration.highest.form[1].replace("/70kg", " per 70 kg")
        out["final_rate"] = _endpoint(f"{prefix}final_rate", unit, ASSUMED, totals, None)
    return out


def _band(totals: ArmTotals, name: str, interval: bool = True) -> dict:
    profile = totals.profile
    mean = profile.mean(name)
    out = {"mean": mean} | dict(zip(("q05", "q50", "q95"), profile.quantiles(name, (0.05, 0.5, 0.95)), strict=True))
    if interval:
        top = 10.0 if name.startswith("nrs") else 1.0
        out["mean_lo"], out["mean_hi"] = interval_of_mean(mean, totals.bank_profile[name], (0.0, top))
    return out


def _profiles(totals: ArmTotals, pain: str) -> tuple[dict, dict]:
    levels = [n for n in totals.profile.sums if n.endswith("ketamine")]
    memory = {"sensitisation": _band(totals, "sensitisation"), "nrs": _band(totals, "nrs")}
    slow = {"slow_site_effect": _band(totals, "slow_site_effect"), "nrs": _band(totals, "nrs_slow")}
    main, rival = (memory, slow) if pain == "memory" else (slow, memory)
    profile = {
        "time_h": totals.plan.profile_time_h,
        "concentration_ng_per_ml": {n: _band(totals, n, interval=False) for n in levels},
        "nmda_block": _band(totals, "nmda_block"),
    }
    return profile | main, rival


def _placebo_of(scenario: Scenario, arm: Arm) -> Arm | None:
    if arm.drug == "placebo":
        return None
    shams = [other for other in scenario.arms if other.drug == "placebo"]
    return next((sham for sham in shams if sham.like == arm.name), shams[0] if shams else None)


def _last_infusion_day(arm: Arm, totals: ArmTotals) -> float:
    """Return when the last infusion of any patient ends, boosters included [days since t = 0]."""
    end, boosters = arm.regimen.stop_ms / MS_PER_DAY, arm.policy.boosters
    if boosters is None or not totals.last_booster_h:
        return end
    return max(end, totals.last_booster_h / 24 + boosters.stop_ms / MS_PER_DAY)


def _arm(scenario: Scenario, arm: Arm, totals: dict[str, ArmTotals]) -> dict:
    own = totals[arm.name]
    sham = _placebo_of(scenario, arm)
    placebo = totals[sham.name] if sham else None
    pain = scenario.models.pain
    profile, rival = _profiles(own, pain)
    used = {}
    for part in own.plan.structure.parts:
        model = library.pk_model(part.model)
        for purpose in part.drives:
            used[purpose] = {"model": model.id, "label": model.label, "sampling": model.sampling}
    out = {
        "drug": arm.drug,
        "like": arm.like,
        "course_end_day": own.plan.course_end_day,
        "last_infusion_day": _last_infusion_day(arm, own),
        "models": {purpose: used[purpose] for purpose in ("levels", "acute")},
        "policy": policy_document(arm.policy),
        "regimen": plan_support(scenario, arm).document(),
        "profile": profile,
        "endpoints": _endpoints(scenario, arm, own, placebo, ""),
        "harms": arm_harms(scenario, arm, own.columns, own.bank_columns),
    }
    if scenario.models.rival:
        endpoints = _endpoints(scenario, arm, own, placebo, _RIVAL)
        name = "slow_site" if pain == "memory" else "memory"
        out["rival"] = {"model": name, "endpoints": endpoints, "profile": rival}
    if arm.drug == "arketamine":
        slow = out if pain == "slow_site" else out.get("rival", {"endpoints": {}})
        slow["endpoints"] = _unmodelled(slow["endpoints"])
    return out


def _unmodelled(endpoints: Mapping[str, dict]) -> dict:
    """Say of a slow site's pain under arketamine that it is not modelled, and compare it with nothing."""
    given = ("boosters", "dose_mg", "drip_hours", "final_rate")
    said = NOT_IDENTIFIED.document() | {"note": _NO_ARKETAMINE}
    return {
        name: entry if name in given else {k: v for k, v in entry.items() if not k.startswith("minus_placebo")} | said
        for name, entry in endpoints.items()
    }


def _sources(totals: dict[str, ArmTotals], induction: bool) -> list[str]:
    models = {part.model for t in totals.values() for part in t.plan.structure.parts}
    found: dict[str, None] = {}
    for model in sorted(models):
        found |= dict.fromkeys(library.pk_model(model).sources)
    for section in ("memory", "flares", "acute", "placebo", "diary", "slow_site", "population"):
        for number in library.pain(section).values():
            found |= dict.fromkeys(number.sources)
    for name, number in library.receptor().items():
        if name not in _UNUSED and (induction or "induction" not in name):
            found |= dict.fromkeys(number.sources)
    return list(found)


def document(
    scenario: Scenario, totals: dict[str, ArmTotals], *, made: Mapping[str, dict] | None = None, lists: bool = True
) -> dict:
    """Make the result document of a scenario.

    Parameters
    ----------
    scenario : Scenario
        The scenario as it ran.
    totals : dict of str to ArmTotals
        Merged blocks of each arm.
    made : mapping of str to dict, optional
        Arms as an earlier document has them, to be taken as they are.
    lists : bool
        Whether rows of numbers are shortened and made into lists; otherwise they stay arrays.

    Returns
    -------
    dict
        The document of ``letheon simulate --json``: no path, date, duration or host.
    """
    first = totals[scenario.arms[0].name]
    models = scenario.models
    weight, baseline, latent = (
        _distribution(first.columns[name]) for name in ("weight_kg", "baseline_nrs", "baseline_latent")
    )
    rival = "slow_site" if models.pain == "memory" else "memory"
    made = made or {}
    arms = {arm.name: made.get(arm.name) or _round(_arm(scenario, arm, totals), lists) for arm in scenario.arms}
    out = {
        "letheon": __version__,
        "title": scenario.title,
        "seed": scenario.seed,
        "n_patients": scenario.population.n,
        "follow_up_days": first.plan.days,
        "models": {
            "pain": models.pain,
            "rival": rival if models.rival else None,
            "flares": models.flares,
            "expectancy_nrs": models.expectancy,
            "norketamine_weight": models.norketamine,
            "norketamine_induction": models.induction,
            "occasions": models.occasions,
        },
        "population": {
            "weight_kg": {"mean": weight["mean"], "sd": weight["sd"]},
            "baseline_nrs": {
                "mean": baseline["mean"],
                "sd": baseline["sd"],
                "latent_mean": latent["mean"],
                "latent_sd": latent["sd"],
            },
            "bistable_share": float(first.columns["bistable"].mean()),
        },
        "warnings": model_warnings(scenario, tuple(t.plan for t in totals.values())),
        "sources": list(dict.fromkeys([*_sources(totals, models.induction), *harm_sources(arms)])),
        "interval": (
            f"mean_interval is the 90 % interval of the mean over {DRAWS} draws of the parameters: calibrated ones from"
            " the shipped posterior of the pain model, the others from spreads that are published or assumed"
        ),
    }
    return {name: _round(value) for name, value in out.items()} | {"arms": arms}
