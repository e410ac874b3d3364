"""From merged blocks to the result document: endpoints, profiles, intervals, support."""

import math
from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from letheon import library
from letheon._version import __version__
from letheon.definitions import AT_RISK_DAYS, LAST_SUPPORTED_DAY
from letheon.dosing.other_drugs import other_drug_record
from letheon.dosing.policy import Policy, Titration
from letheon.dosing.policy_document import policy_rules
from letheon.dosing.regimen import MS_PER_DAY
from letheon.patients.uncertainty import DRAWS
from letheon.pipeline import result as records
from letheon.pipeline.average import Bounds, Pool, pooled_interval, weights_of
from letheon.pipeline.columns import STATES
from letheon.pipeline.harm_entries import arm_harms
from letheon.pipeline.histograms import Profile
from letheon.pipeline.labels import ASSUMED, NOT_IDENTIFIED, Support, plan_support, plasma_support, support_of
from letheon.pipeline.plan import ArmPlan
from letheon.pipeline.support import model_warnings
from letheon.pipeline.survival import kaplan_meier
from letheon.scenario import Arm, Scenario
from letheon.scenario.comparing import comparators
from letheon.scenario.measures import AREA, WHOLE, measure_of, split_name, under_model

__all__ = ["ArmTotals", "run_result", "same_regimen"]

_DIGITS = 6  # significant digits in the document; the Parquet files hold the full numbers
_UNUSED = ("norketamine_slope_olofsen",)  # shown in the library as rejected, used by no run
_BOUNDS = {"NRS": (0.0, 10.0), "share": (0.0, 1.0), "NRS days": (-math.inf, math.inf)}
_ABOVE = (0.0, math.inf)
_YEAR_DAYS = 365.25
_NO_ARKETAMINE = "Not modelled: the slow site was fitted to esketamine and knows no lasting effect of arketamine."
_HALF_ARKETAMINE = (
    "Half modelled: no lasting effect of arketamine is counted at the slow site, which was fitted to esketamine."
)
_NO_RELAPSE = "Relapse rests on assumed flares: not identified by the data, and beyond 12 weeks an assumption."


@dataclass(slots=True)
class ArmTotals:
    """What all blocks of one arm add up to; names as in `letheon.pipeline.columns`."""

    plan: ArmPlan
    columns: Mapping[str, np.ndarray]  # endpoints by patient; of a large run read from disk, a few at a time
    profile: Profile  # counts and sums over patients
    bank_columns: dict[str, np.ndarray] = field(default_factory=dict)  # shape (draw,): means over the bank's people
    bank_profile: dict[str, np.ndarray] = field(default_factory=dict)  # the same, shape (draw, time)
    last_booster_h: float = 0.0  # when the last booster of any patient began [h]; 0 without boosters

    def pool(self, name: str, weights: Mapping[str, float]) -> Pool:
        """Return a quantity under mechanisms by their weights; it stands once where it does not depend on them."""
        shares, names = _parts(name, weights, self.bank_columns)
        return Pool(shares, tuple(self.columns[n] for n in names), tuple(self.bank_columns[n] for n in names))


def _parts(name: str, weights: Mapping[str, float], known: Container[str]) -> tuple[tuple[float, ...], list[str]]:
    """Return the weights and the names of a quantity under mechanisms; its own name where it depends on none."""
    own = {under_model(name, model): weight for model, weight in weights.items()}
    names = [one for one in own if one in known]
    return (tuple(own.values()), names) if names else ((1.0,), [name])


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


def _distribution(pool: Pool) -> dict[str, Any]:
    q05, q50, q95 = pool.quantiles((0.05, 0.5, 0.95))
    return {"mean": pool.mean, "sd": pool.sd(), "q05": q05, "q50": q50, "q95": q95}


class _View(NamedTuple):
    """An arm under some mechanisms by their weights, beside the arm that it is compared with under the same."""

    scenario: Scenario
    arm: Arm
    totals: ArmTotals
    weights: Mapping[str, float]
    other: Arm | None
    others: ArmTotals | None
    labels: dict[tuple[object, ...], Support]  # as they are found: all views of an arm ask for the same ones

    def pool(self, name: str) -> Pool:
        """Return a quantity of the arm."""
        return self.totals.pool(name, self.weights)

    def support(self, name: str, window: tuple[float, float], comparator: str = "", arm: Arm | None = None) -> Support:
        """Return the label of an endpoint of the arm, or of another, that all mechanisms earn."""
        arm = arm or self.arm
        keys = [(arm.name, name.split("_day_")[0], window, comparator, pain) for pain in self.weights]
        for key in keys:
            if key not in self.labels:
                self.labels[key] = support_of(self.scenario, arm, *key[1:])
        return reduce(Support.weaker, (self.labels[key] for key in keys))

    def support_apart(self, name: str, window: tuple[float, float], other: Arm) -> Support:
        """Return the label of a difference from another arm, the same whichever of them comes first."""
        one, two = sorted((self.arm, other), key=self._place)
        if two.drug == "placebo":
            return self.support(name, window, "placebo", one)
        # each by its own dose and days: no study here measured one course against the other
        return self.support(name, window, "ketamine", one).both(self.support(name, window, "ketamine", two))

    def against(self, name: str, bounds: Bounds, window: tuple[float, float] | None) -> dict[str, Any]:
        """Return the paired difference from the other arm; `window` is None for what has no label."""
        other, others = self.other, self.others
        if other is None or others is None or (window is not None and self.unmodelled(other)):
            return {}
        # computed in one direction, for pooled quantiles are not those of the mirrored pool, turned round
        turned = self._place(other) < self._place(self.arm)
        own, its = self.pool(name).means, others.pool(name, self.weights).means
        apart = its.minus(own) if turned else own.minus(its)
        within, same = (-bounds[1], bounds[1]), same_regimen(self.arm, other)
        label = {}
        if window is not None:
            support = self.support_apart(name, window, other)
            support = support.at_most_extrapolated() if apart.agree(within) is False else support
            label = {"support": support.label, "basis": support.studies}
        measure = measure_of({"drip_hours": "hours"}.get(name, name))
        larger = measure.larger if measure else None
        mean, (low, high), above = (
            (0.0, (0.0, 0.0), 0.5) if same else (apart.mean, apart.interval(within), apart.chance_above())
        )
        if turned:
            mean, low, high, above = -mean, -high, -low, 1.0 - above
        difference = records.Against(
            arm=other.name,
            mean=mean,
            mean_interval=(low, high),
            chance_better=None if larger is None else above if larger else 1.0 - above,
            same_regimen=True if same else records.UNSET,
            **label,
        )
        return {"against": difference}

    def _place(self, arm: Arm) -> tuple[bool, int]:
        """Return a key by which arms sort as differences are computed: from placebo, and from an arm further down."""
        return arm.drug == "placebo", self.scenario.arms.index(arm)

    def unmodelled(self, arm: Arm) -> bool:
        """Say whether pain of an arm is not modelled under one of the mechanisms."""
        return arm.drug == "arketamine" and "slow_site" in self.weights

    def agree(self, pool: Pool, bounds: Bounds) -> dict[str, Any]:
        """Return whether the mechanisms of an average agree."""
        return {"agree": pool.means.agree(bounds)} if len(self.weights) > 1 else {}

    def endpoint(self, name: str, unit: str, window: tuple[float, float] | None = None) -> records.Endpoint:
        """Return an endpoint; without a `window` it is an amount, whose label is assumed."""
        pool, bounds = self.pool(name), _BOUNDS.get(unit, _ABOVE)
        share = {"mean": pool.mean, "mc_se": pool.share_error()} if unit == "share" else {}
        fields: dict[str, Any] = share or _distribution(pool)
        support = ASSUMED if window is None else self.support(name, window)
        fields |= self.agree(pool, bounds)
        support = support.at_most_extrapolated() if fields.get("agree") is False else support
        return records.Endpoint(
            unit=unit,
            mean_interval=pool.means.interval(bounds),
            support=support.label,
            basis=support.studies,
            **fields,
            **self.against(name, bounds, window),
        )


def same_regimen(one: Arm, other: Arm) -> bool:
    """Say whether two arms have one regimen: drug, timetable and rules, however the timetable is written."""
    if (one.drug, one.policy) != (other.drug, other.policy):
        return False
    fixed = one.policy == Policy() and one.drug != "placebo"  # rules look at sessions, and placebo has no rates
    return one.regimen == other.regimen or (fixed and one.regimen.schedule() == other.regimen.schedule())


def _relapse(view: _View, support: Support) -> records.TimeToRelapse:
    """Kaplan-Meier time to relapse of those who were in remission, from the end of the course."""
    end, plan = view.totals.plan.course_end_day, view.totals.plan
    horizon = plan.days - end
    remission, day = view.pool("remission"), view.pool("relapse_day")
    pairs = list(zip(remission.weights, remission.values, day.values, strict=True))
    relapse = np.concatenate([days[was > 0] for w, was, days in pairs if w]) - end
    weight = np.concatenate([np.full(int((was > 0).sum()), w) for w, was, _ in pairs if w])
    relapsed = np.isfinite(relapse)
    time = np.maximum(np.where(relapsed, relapse, horizon), 0.0)
    whole = bool((weight == 1.0).all())
    curve = kaplan_meier(time, relapsed, weight=None if whole else weight) if len(time) else None
    median, low, high = (curve and curve.first_at_or_below(0.5, bound) for bound in ("share", "low", "high"))
    at_risk = {mark: float(weight[time >= mark].sum()) for mark in (0.0, *AT_RISK_DAYS) if mark <= horizon}
    return records.TimeToRelapse(
        in_remission=remission.mean,
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
        at_risk=tuple(records.NumberAtRisk(d, int(n) if whole else n) for d, n in at_risk.items()),
    )


def _per_year(endpoint: records.Endpoint, name: str, days: int) -> records.Endpoint:
    """Add the mean and the quantiles of what was counted over a follow-up, per year."""
    ends = {"mean": "", "q05": "_q05", "q50": "_q50", "q95": "_q95"}
    return replace(
        endpoint, **{f"{name}{end}": getattr(endpoint, key) * _YEAR_DAYS / days for key, end in ends.items()}
    )


def _endpoints(view: _View) -> records.Endpoints:
    days, plan = view.totals.plan.days, view.totals.plan
    out = records.Endpoints()
    for name, window in plan.read.windows.items():
        out[name] = view.endpoint(name, "NRS" if name.startswith("nrs_") else "share", window)
    out |= {one.name: view.endpoint(one.name, one.unit, (0, days)) for one in AREA if plan.read.area}
    for measure in WHOLE:
        if measure.unit == "days":
            out[measure.name] = _per_year(view.endpoint(measure.name, measure.unit, (0, days)), "per_year", days)
        else:
            window = 0, min(plan.course_end_day + 14, days)
            out[measure.name] = view.endpoint(measure.name, measure.unit, window)
    # no trial reports times to relapse; beyond 12 weeks, or with assumed flares, nothing identifies them
    support = NOT_IDENTIFIED if view.scenario.models.flares or days > LAST_SUPPORTED_DAY else ASSUMED
    out["time_to_relapse_days"] = _relapse(view, support)
    if remission := out.endpoint("remission"):
        out["never_in_remission"] = _complement(remission)
    out |= _amounts(view)
    if view.unmodelled(view.arm):
        out = _unmodelled(out, _NO_ARKETAMINE if len(view.weights) == 1 else _HALF_ARKETAMINE)
    out |= _exposures(view)
    return out


def _complement(endpoint: records.Endpoint) -> records.Endpoint:
    """Return the endpoint of those to whom another did not happen."""
    assert endpoint.mean_interval
    low, high = endpoint.mean_interval
    turned = replace(endpoint, mean=1.0 - endpoint.mean, mean_interval=(1.0 - high, 1.0 - low))
    if not endpoint.against:
        return turned
    low, high = endpoint.against.mean_interval
    return replace(turned, against=replace(endpoint.against, mean=-endpoint.against.mean, mean_interval=(-high, -low)))


def _amounts(view: _View) -> dict[str, records.Endpoint]:
    """Return amounts: boosters, dose, hours of infusion, and the rate that titration ends at."""
    policy = view.arm.policy
    # what a placebo arm's rules do is of no interest by itself
    rules = Policy() if view.other is None or view.other.drug == "placebo" else view.other.policy
    if policy.boosters is None:
        boosters = records.Endpoint(mean=0.0, boosters_per_year=0.0, unit="boosters", note="fixed timetable")
        against = view.against("boosters", _ABOVE, None) if rules.boosters else {}
        boosters = replace(boosters, **view.agree(view.pool("boosters"), _ABOVE), **against)
    else:
        note = "decided by each patient's diary" if policy.boosters.on_relapse else "by the calendar"
        boosters = view.endpoint("boosters", "boosters")
        boosters = replace(_per_year(boosters, "boosters_per_year", view.totals.plan.days), note=note)
    # What a fixed timetable gives is a fact of the scenario, not a finding: it has no label.
    label = {} if policy.fixed else {"support": ASSUMED.label, "basis": ASSUMED.studies}
    out = {"boosters": boosters}
    for name, unit, note in (("dose_mg", "mg", "free base"), ("drip_hours", "h", records.UNSET)):
        pool = view.pool(name)
        fields = _distribution(pool) | label | view.agree(pool, _ABOVE) | view.against(name, _ABOVE, None)
        out[name] = records.Endpoint(unit=unit, note=note, **fields)
    if policy.titration is not None:
        unit = _rate_unit(policy.titration)
        # the arm that it is compared with may state its rates in another form
        alike = rules.titration is not None and _rate_unit(rules.titration) == unit
        out["final_rate"] = (view if alike else view._replace(other=None)).endpoint("final_rate", unit)
    return out


def _exposures(view: _View) -> dict[str, records.Endpoint]:
    """Return what was read from the levels in plasma, with the label of the plasma model; none where no drug runs."""
    labels = [plasma_support(view.scenario, arm) for arm in (view.arm, view.other) if arm and arm.drug != "placebo"]
    own = labels[0] if labels and view.arm.drug != "placebo" else None
    out: dict[str, records.Endpoint] = {}
    for name in view.totals.plan.exposures:
        measure = measure_of(name)
        assert measure
        alike = view.others is not None and name in view.others.plan.exposures
        entry = (view if alike else view._replace(other=None)).endpoint(name, measure.unit)
        entry = replace(entry, support=own.label if own else records.UNSET, basis=() if own else records.UNSET)
        if entry.against and labels:
            both = reduce(Support.both, labels)
            entry = replace(entry, against=replace(entry.against, support=both.label, basis=both.studies))
        out[name] = entry
    return out


def _rate_unit(titration: Titration) -> str:
    """Return the unit of the last rate of a titration."""
    return titration.highest.form[1].replace("/70kg", " per 70 kg")


def _band(totals: ArmTotals, name: str, weights: Mapping[str, float], interval: bool = True) -> records.Band:
    profile = totals.profile
    shares, names = _parts(name, weights, profile.counts)
    means = [profile.mean(one) for one in names]
    mean: Any = sum(w * one for w, one in zip(shares, means, strict=True))
    rows: dict[str, Any] = {"mean": mean}
    rows["q05"], rows["q50"], rows["q95"] = profile.quantiles(names, shares, (0.05, 0.5, 0.95))
    if interval:
        bounds, draws = (0.0, 10.0 if name == "nrs" else 1.0), [totals.bank_profile[one] for one in names]
        rows["mean_lo"], rows["mean_hi"] = pooled_interval(means, draws, shares, bounds)
    return records.Band(**rows)


def _pain_profile(totals: ArmTotals, weights: Mapping[str, float]) -> dict[str, Any]:
    """Return pain over time, and the state of a mechanism that is alone."""
    states = {STATES[model]: _band(totals, STATES[model], {model: 1.0}) for model in weights if len(weights) == 1}
    return states | {"nrs": _band(totals, "nrs", weights)}


def _profile(totals: ArmTotals, weights: Mapping[str, float]) -> records.Profile:
    """Return the time courses of an arm."""
    levels = dict.fromkeys(split_name(n)[1] for n in totals.profile.counts if n.endswith("ketamine"))
    time: Any = totals.plan.profile_time_h
    return records.Profile(
        time_h=time,
        concentration_ng_per_ml={name: _band(totals, name, weights, interval=False) for name in levels},
        nmda_block=_band(totals, "nmda_block", weights),
        **_pain_profile(totals, weights),
    )


def _arm(scenario: Scenario, arm: Arm, totals: dict[str, ArmTotals]) -> records.ArmResult:
    own, other = totals[arm.name], comparators(scenario.arms, scenario.against).get(arm.name)
    weights = weights_of(scenario.models.pain)
    view = _View(scenario, arm, own, weights, other, totals[other.name] if other else None, {})
    used = {}
    for part in own.plan.structure.parts:
        model = library.pk_model(part.model)
        numbers = model.parameters.values()
        assumed = sum(number.spread_is_assumed for number in numbers)
        one = records.UsedModel(model.id, model.label, model.sampling, len(numbers), assumed)
        used |= dict.fromkeys(part.drives, one)

    def alone(model: str) -> records.ModelResult:
        single = {model: 1.0}
        profile = records.PainProfile(**_pain_profile(own, single))
        return records.ModelResult(_endpoints(view._replace(weights=single)), profile)

    plan = plan_support(scenario, arm)
    last, boosters = arm.given.stop_ms / MS_PER_DAY, arm.policy.boosters
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
        profile=_profile(own, weights),
        endpoints=_endpoints(view),
        harms=arm_harms(scenario, arm, view.pool),
        by_model=records.ByModel(alone("memory"), alone("slow_site")) if len(weights) > 1 else records.UNSET,
        also=tuple(map(other_drug_record, arm.also)) or records.UNSET,
    )


def _unmodelled(endpoints: records.Endpoints, note: str) -> records.Endpoints:
    """Mark a slow site's pain under arketamine as not modelled, and compare it with nothing."""
    marked = records.Endpoints(endpoints)
    for name in endpoints.keys() - {"boosters", "dose_mg", "drip_hours", "final_rate"}:
        alone = {"against": records.UNSET} if name != "time_to_relapse_days" else {}
        marked[name] = replace(endpoints[name], support=NOT_IDENTIFIED.label, basis=(), note=note, **alone)
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
    weights = weights_of(models.pain)
    weight, diary, latent = (
        records.Spread(spread["mean"], spread["sd"])
        for spread in (
            _distribution(first.pool(name, weights)) for name in ("weight_kg", "baseline_nrs", "baseline_latent")
        )
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
                weights=records.ModelWeights(**weights) if len(weights) > 1 else records.UNSET,
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
        warnings=tuple(model_warnings(scenario)),
        sources=tuple(dict.fromkeys([*_sources(totals, models.induction), *harm_sources])),
        interval=(
            f"mean_interval is the 90 % interval of the mean over {DRAWS} draws of the parameters: calibrated ones from"
            " the shipped posterior of the pain model, the others from spreads that are published or assumed"
        ),
        arms=arms,
    )
