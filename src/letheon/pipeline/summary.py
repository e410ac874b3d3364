"""From merged blocks to the result document: endpoints, profiles, intervals, support."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from letheon import library
from letheon._version import __version__
from letheon.body.pain import Course
from letheon.definitions import AT_RISK_DAYS, ENDPOINT_DAYS, LAST_SUPPORTED_DAY
from letheon.dosing.policy_document import policy_rules
from letheon.dosing.regimen import MS_PER_DAY
from letheon.patients.population import People
from letheon.patients.uncertainty import DRAWS
from letheon.pipeline import harms
from letheon.pipeline import result as records
from letheon.pipeline.block import DECIDED, BlockResult
from letheon.pipeline.harm_entries import arm_harms
from letheon.pipeline.histograms import Profile
from letheon.pipeline.labels import ASSUMED, NOT_IDENTIFIED, Support, plan_support, support_of
from letheon.pipeline.plan import ArmPlan
from letheon.pipeline.support import interval_of, interval_of_mean, model_warnings, quantiles
from letheon.pipeline.survival import kaplan_meier
from letheon.scenario import Arm, Scenario
from letheon.scenario.measures import DAILY, WHOLE

__all__ = ["ArmTotals", "columns", "endpoint_names", "run_result"]

_DIGITS = 6  # significant digits in the document; the Parquet files hold the full numbers
_RIVAL = "rival_"
_UNUSED = ("norketamine_slope_olofsen",)  # shown in the library as rejected, used by no run
_ONCE = (*(measure.name for measure in WHOLE), "relapse_day")
_BOUNDS = {"NRS": (0.0, 10.0), "share": (0.0, 1.0)}
_ABOVE = (0.0, math.inf)
_YEAR_DAYS = 365.25
_NO_ARKETAMINE = "Not modelled: the slow site was fitted to esketamine and knows no lasting effect of arketamine."
_NO_RELAPSE = "Relapse rests on assumed flares: not identified by the data, and beyond 12 weeks an assumption."


@dataclass(slots=True)
class ArmTotals:
    """What all blocks of one arm add up to."""

    plan: ArmPlan
    columns: Mapping[str, np.ndarray]  # endpoints by patient; of a large run read from disk, one at a time
    profile: Profile  # counts and sums over patients
    bank_columns: dict[str, np.ndarray] = field(default_factory=dict)  # shape (draw,): means over the bank's people
    bank_profile: dict[str, np.ndarray] = field(default_factory=dict)  # the same, shape (draw, time)
    last_booster_h: float = 0.0  # when the last booster of any patient began [h]; 0 without boosters


def endpoint_days(days: int) -> list[int]:
    """Return the endpoint days that the follow-up reaches."""
    return [d for d in ENDPOINT_DAYS if d <= days]


def endpoint_names(days: int) -> list[str]:
    """Return the names of the endpoints of one pain model in the order of files; `days` is the follow-up [days].

    >>> endpoint_names(1)[:3]
    ['baseline_nrs', 'nrs_day_1', 'responder_30_day_1']
    """
    daily = [f"{measure.name}_day_{d}" for d in endpoint_days(days) for measure in DAILY]
    return ["baseline_nrs", *daily, *_ONCE]


def _course_columns(course: Course, days: int, valid: slice) -> dict[str, np.ndarray]:
    out = {"baseline_nrs": np.asarray(course.baseline)[valid]}
    for row, day in enumerate(endpoint_days(days)):
        daily = {measure.name: np.asarray(getattr(course, measure.name)) for measure in DAILY}
        out |= {f"{name}_day_{day}": values[row][valid] for name, values in daily.items()}
    return out | {kind: np.asarray(getattr(course, kind))[valid] for kind in _ONCE}


def columns(result: BlockResult, people: People, plan: ArmPlan, valid: int, pain: str) -> dict[str, np.ndarray]:
    """Return the endpoints of the first `valid` patients of a block under the model `pain`, and ``rival_…`` ones."""
    counted = slice(0, valid)
    main, rival = (result.diary, result.rival) if pain == "memory" else (result.rival, result.diary)
    out = {
        "weight_kg": np.asarray(people.weight_kg)[counted],
        "baseline_latent": np.asarray(people.baseline)[counted],
        "draw": np.asarray(people.draw)[counted],
        "bistable": np.asarray(result.bistable)[counted],
        "dosing_days": np.asarray(result.dosing_days)[counted],
    }
    out |= {name: np.asarray(getattr(result, name))[counted] for name in DECIDED}
    out |= {f"{_RIVAL}{name}": np.asarray(values)[counted] for name, values in result.rival_decided.items()}
    out |= _course_columns(main, plan.days, counted)
    out |= {f"harm_{name}": harms.rounded(name, np.asarray(values)[counted]) for name, values in result.harms.items()}
    return out | {f"{_RIVAL}{k}": v for k, v in _course_columns(rival, plan.days, counted).items()}


def _rounded(value: Any, lists: bool = True) -> Any:
    """Round to the digits that a document carries, in records too; infinities and NaN become None."""
    if isinstance(value, Struct):
        return type(value)(**{name: _rounded(getattr(value, name), lists) for name in value.__struct_fields__})
    if isinstance(value, dict):
        return type(value)({k: _rounded(v, lists) for k, v in value.items()})
    if isinstance(value, tuple):
        return tuple(_rounded(v, lists) for v in value)
    if isinstance(value, np.ndarray) and value.ndim:
        return _shorter_all(value) if lists else value
    return _shorter(float(value)) if isinstance(value, float | np.floating) else value


def _shorter(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") + 0.0 if math.isfinite(value) else None


def _shorter_all(values: np.ndarray) -> list[float | None]:
    """Shorten a row of numbers; writing them all at once takes a third of the time."""
    if not np.isfinite(values).all():
        return [_shorter(value) for value in values.tolist()]
    written = f"%.{_DIGITS}g " * len(values) % tuple(values.tolist())
    return [float(one) + 0.0 for one in written.split()]


def _distribution(values: np.ndarray) -> dict[str, Any]:
    q05, q50, q95 = quantiles(values, (0.05, 0.5, 0.95))
    sd = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(values.mean()), "sd": sd, "q05": q05, "q50": q50, "q95": q95}


def _endpoint(
    name: str, unit: str, support: Support, arm: ArmTotals, placebo: ArmTotals | None, against: Support = ASSUMED
) -> records.Endpoint:
    values, draws, bounds = arm.columns[name], arm.bank_columns[name], _BOUNDS.get(unit, _ABOVE)
    mean = float(values.mean())
    fields: dict[str, Any] = {"mean": mean}
    if unit == "share":
        fields["mc_se"] = math.sqrt(mean * (1 - mean) / len(values))
    else:
        fields = _distribution(values)
    if placebo is not None:
        difference = mean - float(placebo.columns[name].mean())
        apart = draws - placebo.bank_columns[name]
        fields |= {
            "minus_placebo": difference,
            "minus_placebo_interval": interval_of(difference, apart, (-bounds[1], bounds[1])),
            "minus_placebo_support": against.label,
            "minus_placebo_basis": against.studies,
        }
    interval = interval_of(mean, draws, bounds)
    return records.Endpoint(unit=unit, mean_interval=interval, support=support.label, basis=support.studies, **fields)


def _relapse(prefix: str, arm: ArmTotals, support: Support) -> records.TimeToRelapse:
    """Kaplan-Meier time to relapse of those who were in remission, from the end of the course."""
    end = arm.plan.course_end_day
    remission = arm.columns[f"{prefix}remission"] > 0
    horizon = arm.plan.days - end
    day = arm.columns[f"{prefix}relapse_day"][remission] - end
    relapsed = np.isfinite(day)
    time = np.maximum(np.where(relapsed, day, horizon), 0.0)
    curve = kaplan_meier(time, relapsed) if remission.any() else None
    median, low, high = (curve and curve.first_at_or_below(0.5, bound) for bound in ("share", "low", "high"))
    marks = [0.0, *(d for d in AT_RISK_DAYS if d <= horizon)]
    return records.TimeToRelapse(
        in_remission=float(remission.mean()),
        counted_from="course end",
        restricted_to=horizon,
        unit="days",
        support=support.label,
        basis=support.studies,
        note=_NO_RELAPSE,
        median=median,
        median_interval=(low, high),
        restricted_mean=curve and curve.restricted_mean(horizon),
        from_day_0=records.MedianDay(None if median is None else median + end),
        at_risk=tuple(records.NumberAtRisk(d, int((time >= d).sum())) for d in marks),
    )


def _per_year(endpoint: records.Endpoint, name: str, days: int) -> records.Endpoint:
    """Add the mean and the quantiles of what was counted over a follow-up, per year."""
    ends = {"mean": "", "q05": "_q05", "q50": "_q50", "q95": "_q95"}
    return replace(
        endpoint, **{f"{name}{end}": getattr(endpoint, key) * _YEAR_DAYS / days for key, end in ends.items()}
    )


def _endpoints(
    scenario: Scenario, arm: Arm, totals: ArmTotals, placebo: ArmTotals | None, prefix: str
) -> records.Endpoints:
    pain = _other(scenario.models.pain) if prefix else scenario.models.pain

    def make(name: str, unit: str, window: tuple[float, float]) -> records.Endpoint:
        quantity = name.split("_day_")[0]
        alone, against = (support_of(scenario, arm, quantity, window, to, pain) for to in ("", "placebo"))
        return _endpoint(f"{prefix}{name}", unit, alone, totals, placebo, against)

    days = totals.plan.days
    out = records.Endpoints()
    for measure in DAILY:
        daily = {f"{measure.name}_day_{d}": (d, d) for d in endpoint_days(days)}
        out |= {name: make(name, measure.unit, window) for name, window in daily.items()}
    for measure in WHOLE:
        if measure.unit == "days":
            out[measure.name] = _per_year(make(measure.name, measure.unit, (0, days)), "per_year", days)
        else:
            window = 0, min(totals.plan.course_end_day + 14, days)
            out[measure.name] = make(measure.name, measure.unit, window)
    # no trial reports times to relapse; beyond 12 weeks, or with assumed flares, nothing identifies them
    support = NOT_IDENTIFIED if scenario.models.flares or days > LAST_SUPPORTED_DAY else ASSUMED
    out["time_to_relapse_days"] = _relapse(prefix, totals, support)
    if remission := out.endpoint("remission"):
        out["never_in_remission"] = _complement(remission)
    out |= _amounts(arm, totals, prefix)
    return out


def _complement(endpoint: records.Endpoint) -> records.Endpoint:
    """Return the endpoint of those to whom another did not happen."""
    assert endpoint.mean_interval
    low, high = endpoint.mean_interval
    turned = replace(endpoint, mean=1.0 - endpoint.mean, mean_interval=(1.0 - high, 1.0 - low))
    if not endpoint.minus_placebo_interval or endpoint.minus_placebo is records.UNSET:
        return turned
    low, high = endpoint.minus_placebo_interval
    return replace(turned, minus_placebo=-endpoint.minus_placebo, minus_placebo_interval=(-high, -low))


def _amounts(arm: Arm, totals: ArmTotals, prefix: str) -> dict[str, records.Endpoint]:
    """Return amounts: boosters, dose, hours of infusion, and the rate that titration ends at."""
    policy = arm.policy
    if policy.boosters is None:
        boosters = records.Endpoint(mean=0.0, boosters_per_year=0.0, unit="boosters", note="fixed timetable")
    else:
        note = "decided by each patient's diary" if policy.boosters.on_relapse else "by the calendar"
        boosters = _endpoint(f"{prefix}boosters", "boosters", ASSUMED, totals, None)
        boosters = replace(_per_year(boosters, "boosters_per_year", totals.plan.days), note=note)
    # What a fixed timetable gives is a fact of the scenario, not a finding: it has no label.
    label = {} if policy.fixed else {"support": ASSUMED.label, "basis": ASSUMED.studies}
    dose, hours = (_distribution(totals.columns[f"{prefix}{name}"]) | label for name in ("dose_mg", "drip_hours"))
    out = {"boosters": boosters, "dose_mg": records.Endpoint(unit="mg", note="free base", **dose)}
    out["drip_hours"] = records.Endpoint(unit="h", **hours)
    if policy.titration is not None:
        unit = policy.titration.highest.form[1].replace("/70kg", " per 70 kg")
        out["final_rate"] = _endpoint(f"{prefix}final_rate", unit, ASSUMED, totals, None)
    return out


def _band(totals: ArmTotals, name: str, interval: bool = True) -> records.Band:
    profile, mean = totals.profile, totals.profile.mean(name)
    rows: dict[str, Any] = {"mean": mean}
    rows["q05"], rows["q50"], rows["q95"] = profile.quantiles(name, (0.05, 0.5, 0.95))
    if interval:
        top = 10.0 if name.startswith("nrs") else 1.0
        rows["mean_lo"], rows["mean_hi"] = interval_of_mean(mean, totals.bank_profile[name], (0.0, top))
    return records.Band(**rows)


def _profiles(totals: ArmTotals, pain: str) -> tuple[records.Profile, records.PainProfile]:
    """Return the time courses of an arm, and those of its other pain model."""
    memory: Any = {"sensitisation": _band(totals, "sensitisation"), "nrs": _band(totals, "nrs")}
    slow: Any = {"slow_site_effect": _band(totals, "slow_site_effect"), "nrs": _band(totals, "nrs_slow")}
    main, rival = (memory, slow) if pain == "memory" else (slow, memory)
    levels = [n for n in totals.profile.counts if n.endswith("ketamine")]
    time: Any = totals.plan.profile_time_h
    profile = records.Profile(
        time_h=time,
        concentration_ng_per_ml={n: _band(totals, n, interval=False) for n in levels},
        nmda_block=_band(totals, "nmda_block"),
        **main,
    )
    return profile, records.PainProfile(**rival)


def _other(pain: str) -> str:
    return "slow_site" if pain == "memory" else "memory"


def _arm(scenario: Scenario, arm: Arm, totals: dict[str, ArmTotals]) -> records.ArmResult:
    own = totals[arm.name]
    shams = [] if arm.drug == "placebo" else [other for other in scenario.arms if other.drug == "placebo"]
    sham = next((other for other in shams if other.like == arm.name), shams[0] if shams else None)
    placebo = totals[sham.name] if sham else None
    pain = scenario.models.pain
    profile, rival_profile = _profiles(own, pain)
    used = {}
    for part in own.plan.structure.parts:
        model = library.pk_model(part.model)
        used |= dict.fromkeys(part.drives, records.UsedModel(model.id, model.label, model.sampling))

    def endpoints(model: str) -> records.Endpoints:
        computed = _endpoints(scenario, arm, own, placebo, "" if model == pain else _RIVAL)
        return _unmodelled(computed) if (arm.drug, model) == ("arketamine", "slow_site") else computed

    plan, other = plan_support(scenario, arm), _other(pain)
    last, boosters = arm.regimen.stop_ms / MS_PER_DAY, arm.policy.boosters
    if boosters is not None and own.last_booster_h:
        last = max(last, own.last_booster_h / 24 + boosters.stop_ms / MS_PER_DAY)
    return records.ArmResult(
        drug=arm.drug,
        like=arm.like,
        course_end_day=own.plan.course_end_day,
        last_infusion_day=last,
        models=records.ArmModels(used["levels"], used["acute"]),
        policy=policy_rules(arm.policy),
        regimen=records.RegimenSupport(plan.label, plan.studies),
        profile=profile,
        endpoints=endpoints(pain),
        harms=arm_harms(scenario, arm, own.columns, own.bank_columns),
        rival=records.RivalResult(other, endpoints(other), rival_profile) if scenario.models.rival else records.UNSET,
    )


def _unmodelled(endpoints: records.Endpoints) -> records.Endpoints:
    """Mark a slow site's pain under arketamine as not modelled, and compare it with nothing."""
    label = {"support": NOT_IDENTIFIED.label, "basis": (), "note": _NO_ARKETAMINE}
    fields = [name for name in records.Endpoint.__struct_fields__ if name.startswith("minus_placebo")]
    marked = records.Endpoints(endpoints)
    for name in endpoints.keys() - {"boosters", "dose_mg", "drip_hours", "final_rate"}:
        alone = dict.fromkeys(fields if name != "time_to_relapse_days" else (), records.UNSET)
        marked[name] = replace(endpoints[name], **label, **alone)
    return marked


def _sources(totals: dict[str, ArmTotals], induction: bool) -> list[str]:
    models = sorted({part.model for t in totals.values() for part in t.plan.structure.parts})
    numbers = [
        number
        for section in ("memory", "flares", "acute", "placebo", "diary", "slow_site", "population")
        for number in library.pain(section).values()
    ]
    numbers += [
        number
        for name, number in library.receptor().items()
        if name not in _UNUSED and (induction or "induction" not in name)
    ]
    known = [*(library.pk_model(model) for model in models), *numbers]
    return list(dict.fromkeys(source for one in known for source in one.sources))


def run_result(
    scenario: Scenario, totals: dict[str, ArmTotals], *, skip: Collection[str] = (), lists: bool = True
) -> records.RunResult:
    """Make the result of a scenario from the merged blocks of its arms, but those in `skip`.

    Rows of numbers become lists of shortened numbers with `lists`, and stay arrays without.
    """
    first, models = totals[scenario.arms[0].name], scenario.models
    weight, diary, latent = (
        records.Spread(spread["mean"], spread["sd"])
        for spread in (_distribution(first.columns[name]) for name in ("weight_kg", "baseline_nrs", "baseline_latent"))
    )
    arms = {arm.name: _rounded(_arm(scenario, arm, totals), lists) for arm in scenario.arms if arm.name not in skip}
    harm_sources = [source for arm in arms.values() for harm in arm.harms.entries.values() for source in harm.sources]
    return records.RunResult(
        letheon=__version__,
        title=scenario.title,
        seed=scenario.seed,
        n_patients=scenario.population.n,
        follow_up_days=first.plan.days,
        models=_rounded(
            records.ModelSettings(
                pain=models.pain,
                rival=_other(models.pain) if models.rival else None,
                flares=models.flares,
                expectancy_nrs=models.expectancy,
                norketamine_weight=models.norketamine,
                norketamine_induction=models.induction,
                occasions=models.occasions,
            )
        ),
        population=_rounded(
            records.PopulationResult(
                weight_kg=weight,
                baseline_nrs=records.BaselinePain(diary.mean, diary.sd, latent.mean, latent.sd),
                bistable_share=float(first.columns["bistable"].mean()),
            )
        ),
        warnings=tuple(model_warnings(scenario, tuple(t.plan for t in totals.values()))),
        sources=tuple(dict.fromkeys([*_sources(totals, models.induction), *harm_sources])),
        interval=(
            f"mean_interval is the 90 % interval of the mean over {DRAWS} draws of the parameters: calibrated ones from"
            " the shipped posterior of the pain model, the others from spreads that are published or assumed"
        ),
        arms=arms,
    )
