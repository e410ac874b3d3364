"""The result of a run: frozen records with one JSON form.

`encode` writes a `RunResult` as JSON, `decode` reads it back, and `json_schema` describes it. A key that is absent from
a document is ``UNSET`` here, which counts as false; None is JSON's null. Numbers have six significant digits. An
interval is the 90 % interval of the mean over the parameter draws, unless it states a level of its own. ``support`` is
one of `letheon.library.SUPPORT_LABELS`, and ``basis`` names the studies behind the label.
"""

import json
from typing import Any, cast

import msgspec
from msgspec import UNSET, Struct, UnsetType

from letheon.dosing.other_drugs import OtherDrugRecord
from letheon.dosing.policy_document import PolicyRules
from letheon.errors import InputError

__all__ = [
    "UNSET",
    "Against",
    "ArmResult",
    "Band",
    "BladderLaw",
    "ByModel",
    "Endpoint",
    "Endpoints",
    "Exposure",
    "HarmEstimate",
    "HarmResult",
    "ModelResult",
    "PainProfile",
    "Profile",
    "RunResult",
    "TimeToRelapse",
    "decode",
    "document_of",
    "encode",
    "json_schema",
]

Count = int | float
Interval = tuple[float, float]
Keys = tuple[str, ...]
OptionalNumber = float | UnsetType
OptionalText = str | UnsetType


class Against(Struct, frozen=True, kw_only=True):
    """The paired difference of an endpoint from another arm, over the same patients, in the unit of the endpoint."""

    arm: str  # the other arm
    mean: float  # this arm minus the other
    mean_interval: Interval
    chance_better: float | None  # weighted share of draws, ties half; None where neither direction is better
    same_regimen: bool | UnsetType = UNSET  # true where both arms have one regimen: drug, timetable and rules
    support: OptionalText = UNSET
    basis: Keys | UnsetType = UNSET


class Endpoint(Struct, frozen=True, kw_only=True):
    """One endpoint of an arm, in [`unit`].

    A share has the mean over patients and `mc_se`, its standard error due to the finite number of simulated patients.
    All other endpoints have the mean, standard deviation and quantiles over patients. An endpoint that follows from a
    fixed timetable alone has no `support`.
    """

    mean: float
    mc_se: OptionalNumber = UNSET
    sd: OptionalNumber = UNSET
    q05: OptionalNumber = UNSET
    q50: OptionalNumber = UNSET
    q95: OptionalNumber = UNSET
    mean_interval: Interval | UnsetType = UNSET
    unit: str  # NRS, share, days, boosters, mg, h, ng/mL, ng·h/mL, or a rate
    support: OptionalText = UNSET
    basis: Keys | UnsetType = UNSET
    # of an average: whether each mechanism's mean lies in the other's interval; None where nothing depends on it
    agree: bool | UnsetType | None = UNSET
    against: Against | UnsetType = UNSET
    per_year: OptionalNumber = UNSET  # mean [days/year]
    per_year_q05: OptionalNumber = UNSET
    per_year_q50: OptionalNumber = UNSET
    per_year_q95: OptionalNumber = UNSET
    boosters_per_year: OptionalNumber = UNSET  # mean [1/year]
    boosters_per_year_q05: OptionalNumber = UNSET
    boosters_per_year_q50: OptionalNumber = UNSET
    boosters_per_year_q95: OptionalNumber = UNSET
    note: OptionalText = UNSET


class MedianDay(Struct, frozen=True):
    """A median counted from the start of dosing [days since t = 0]; None where it is not reached."""

    median: float | None


class NumberAtRisk(Struct, frozen=True):
    """Patients (in an average their weights) observed and without relapse, at a time since the course's end [days]."""

    day: Count
    n: Count


class TimeToRelapse(Struct, frozen=True, kw_only=True):
    """Kaplan-Meier time to relapse [days] among patients who were in remission.

    A field is None if the curve does not fall far enough, or if nobody was in remission.
    """

    in_remission: float  # share of all patients
    counted_from: str
    restricted_to: float  # end of observation [days]
    unit: str
    support: str
    basis: Keys
    note: str
    median: float | None
    median_interval: tuple[float | None, float | None]
    restricted_mean: float | None
    from_day_0: MedianDay
    at_risk: tuple[NumberAtRisk, ...]


class Endpoints(dict[str, Endpoint | TimeToRelapse]):
    """Endpoints by name: ``time_to_relapse_days`` is a `TimeToRelapse`, every other one an `Endpoint`."""

    def endpoint(self, name: str) -> Endpoint | None:
        """Return an `Endpoint` by name, or None if there is none of that name."""
        endpoint = self.get(name)
        return endpoint if isinstance(endpoint, Endpoint) else None

    @property
    def time_to_relapse(self) -> TimeToRelapse:
        """Time to relapse."""
        endpoint = self["time_to_relapse_days"]
        assert isinstance(endpoint, TimeToRelapse)
        return endpoint


class Band(Struct, frozen=True, kw_only=True):
    """A quantity over time: mean and quantiles over patients, and the interval of the mean (not for drug levels)."""

    mean: list[float]
    q05: list[float]
    q50: list[float]
    q95: list[float]
    mean_lo: list[float] | UnsetType = UNSET
    mean_hi: list[float] | UnsetType = UNSET


class PainProfile(Struct, frozen=True, kw_only=True):
    """Time courses under one pain model: the state of that model, and pain."""

    sensitisation: Band | UnsetType = UNSET  # of the memory model [share]
    slow_site_effect: Band | UnsetType = UNSET  # of the slow site [share]
    nrs: Band  # [NRS, 0 to 10]


class Profile(Struct, frozen=True, kw_only=True):
    """Time courses of an arm: time [h since t = 0], levels by substance, receptor block, and those of `PainProfile`.

    The states of both mechanisms of an average stand in `ByModel`.
    """

    time_h: list[float]
    concentration_ng_per_ml: dict[str, Band]
    nmda_block: Band  # share of receptors
    sensitisation: Band | UnsetType = UNSET
    slow_site_effect: Band | UnsetType = UNSET
    nrs: Band


class UsedModel(Struct, frozen=True):
    """A pharmacokinetic model: its key, its name for readers, and whether it was fitted to venous or arterial blood.

    Of its `typical_values`, `assumed_errors` were published without an error: intervals of levels rest on assumed ones.
    """

    model: str
    label: str
    sampling: str
    typical_values: int
    assumed_errors: int


class ArmModels(Struct, frozen=True):
    """Pharmacokinetic models used for levels and block, and for the acute effect."""

    levels: UsedModel
    acute: UsedModel


class RegimenSupport(Struct, frozen=True):
    """Which studies in CRPS gave such a regimen, whatever their results."""

    support: str
    basis: Keys


class BesideDoses(Struct, frozen=True):
    """Doses of other drugs given with ketamine [mg]; 0 for none."""

    clonidine_mg: float
    midazolam_mg: float


class TimetableExposure(Struct, frozen=True):
    """Exposure by the timetable without boosters: hours with drug [h], days with drug, sessions."""

    hours: Count
    infusion_days: Count
    sessions: Count


class Exposure(Struct, frozen=True, kw_only=True):
    """Drug exposure of patients during the follow-up; with boosters, means over patients."""

    dose_mg: float
    dose_mg_q05: float
    dose_mg_q95: float
    hours: Count  # with drug [h]
    infusion_days: Count
    sessions: Count
    courses: Count
    courses_a_year: Count
    timetable: TimetableExposure | UnsetType = UNSET
    urine_l_day: OptionalNumber = UNSET  # where it was stated [L/day]


class BladderLaw(Struct, frozen=True):
    """A harm under one injury law: mean, interval, and quantiles over patients [unit of the harm]."""

    estimate: float | None
    interval: Interval
    q05: OptionalNumber = UNSET
    q95: OptionalNumber = UNSET


class WithoutBeside(Struct, frozen=True):
    """A harm without the other drug: estimate and interval [unit of the harm]."""

    estimate: float | None
    interval: Interval


class HarmEstimate(Struct, frozen=True, kw_only=True):
    """One harm of an arm: estimate, interval, and quantiles over patients [`unit`].

    `estimate` is None if the evidence gives none. `interval_level` is 0.9 for a simulated harm, and 0.95 for a harm
    that was counted in studies.
    """

    group: str  # acute, circulation, counted, liver, mood, bladder
    estimate: float | None
    interval: Interval
    q05: OptionalNumber = UNSET
    q95: OptionalNumber = UNSET
    interval_level: float
    unit: str  # share, %, h, mmHg, beats/min, MADRS, mL
    support: str
    sources: Keys
    note: str
    beyond_placebo: bool | UnsetType = UNSET  # true for a difference from placebo
    pattern: OptionalText = UNSET  # of dosing, on which the risk to the liver depends
    unknown: OptionalText = UNSET  # what nobody knows
    laws: dict[str, BladderLaw] | UnsetType = UNSET
    without_beside: WithoutBeside | UnsetType = UNSET
    basis: Keys = ()


class HarmResult(Struct, frozen=True):
    """Harms of an arm by name, with its exposure and other drugs given."""

    beside: BesideDoses
    exposure: Exposure
    entries: dict[str, HarmEstimate]

    def estimate(self, name: str) -> HarmEstimate:
        """Return a harm by name."""
        return self.entries[name]


class _UnderOneModel:
    """What an arm and the same arm under one mechanism have in common."""

    __slots__ = ()
    endpoints: Endpoints

    def endpoint(self, name: str) -> Endpoint | None:
        """Return an endpoint by name, or None if there is none of that name."""
        return self.endpoints.endpoint(name)

    @property
    def time_to_relapse(self) -> TimeToRelapse:
        """Time to relapse."""
        return self.endpoints.time_to_relapse


class ModelResult(Struct, _UnderOneModel, frozen=True):
    """The same arm under one mechanism alone."""

    endpoints: Endpoints
    profile: PainProfile


class ByModel(Struct, frozen=True):
    """An arm under each mechanism of an average."""

    memory: ModelResult
    slow_site: ModelResult

    def items(self) -> tuple[tuple[str, ModelResult], ...]:
        """Return each mechanism with the arm under it."""
        return ("memory", self.memory), ("slow_site", self.slow_site)


class ArmResult(Struct, _UnderOneModel, frozen=True, kw_only=True):
    """The result of an arm."""

    drug: str  # racemic, esketamine, arketamine, placebo
    like: str | None  # of a placebo arm: the arm that it mirrors
    course_end_day: float  # end of the timetable [days since t = 0]
    last_infusion_day: float  # end of the last infusion of any patient [days since t = 0]
    models: ArmModels
    policy: PolicyRules | None  # None for a fixed timetable
    regimen: RegimenSupport
    profile: Profile
    endpoints: Endpoints
    harms: HarmResult
    by_model: ByModel | UnsetType = UNSET  # of an average
    also: tuple[OtherDrugRecord, ...] | UnsetType = UNSET  # other drugs, of which no effect is computed


class Spread(Struct, frozen=True):
    """Mean and standard deviation over patients."""

    mean: float
    sd: float


class BaselinePain(Struct, frozen=True):
    """Pain before dosing: mean and standard deviation of the diary and of latent pain [NRS]."""

    mean: float
    sd: float
    latent_mean: float
    latent_sd: float


class PopulationResult(Struct, frozen=True):
    """The simulated patients, as drawn."""

    weight_kg: Spread
    baseline_nrs: BaselinePain
    bistable_share: float  # of patients whose pain memory has two stable states


class ModelWeights(Struct, frozen=True):
    """Weights of the mechanisms in an average, which add up to 1; no probabilities that one of them is true."""

    memory: float
    slow_site: float


class ModelSettings(Struct, frozen=True, kw_only=True):
    """Models and switches of a run."""

    pain: str  # average, memory or slow_site: what is behind plain endpoints
    weights: ModelWeights | UnsetType = UNSET  # of an average
    flares: bool
    expectancy_nrs: Count  # relief from unblinding [NRS]
    norketamine_weight: Count  # in the block
    norketamine_induction: bool
    occasions: bool


class RunResult(Struct, frozen=True, kw_only=True):
    """The result of a run. It holds no path, date, duration or host, so that the same run gives the same bytes."""

    letheon: str  # version of the program
    title: str
    seed: int
    n_patients: int  # in each arm
    follow_up_days: int
    models: ModelSettings
    population: PopulationResult
    warnings: tuple[str, ...]  # sentences on what lies outside the range of the models
    sources: Keys  # in sources.bib
    interval: str  # what `mean_interval` is
    arms: dict[str, ArmResult]


# --- JSON ---


def _read_endpoints(_: type, entries: dict[str, Any]) -> Endpoints:
    endpoints = Endpoints()
    for name, entry in msgspec.convert(entries, dict[str, Any]).items():
        kind = TimeToRelapse if name == "time_to_relapse_days" else Endpoint
        try:
            endpoints[name] = msgspec.convert(entry, kind)
        except msgspec.ValidationError as error:
            raise msgspec.ValidationError(f"{name}: {error}") from error
    return endpoints


def decode(document: str | bytes | dict[str, Any], source: str = "the document") -> RunResult:
    """Read a result document from its JSON text or from a parsed dict; `source` is its name in error messages.

    Raises
    ------
    InputError
        If it is not a result document of this version.
    """
    try:
        if isinstance(document, dict):
            return msgspec.convert(document, RunResult, dec_hook=_read_endpoints)
        return msgspec.json.decode(document, type=RunResult, dec_hook=_read_endpoints)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(f"{source} is not a result of this version of letheon simulate: {error}") from error


def document_of(result: RunResult) -> dict[str, Any]:
    """Return a result as plain data that JSON can hold."""
    return _plain(result)


def _plain(value: object) -> Any:
    """Return records as dicts and tuples as lists, as JSON gives them back."""
    if isinstance(value, Struct):
        fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
        return {name: _plain(field) for name, field in fields if field is not UNSET}
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in cast("dict[str, object]", value).items()}
    return [_plain(entry) for entry in cast("tuple[object, ...]", value)] if isinstance(value, tuple) else value


def encode(result: RunResult) -> bytes:
    """Return a result as ``result.json`` holds it: one line of JSON in UTF-8."""
    return (json.dumps(document_of(result), ensure_ascii=False, allow_nan=False) + "\n").encode()


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a result document (draft 2020-12).

    >>> json_schema()["$ref"]
    '#/$defs/RunResult'
    """

    def endpoints(_: type) -> dict[str, Any]:
        kinds = [{"$ref": "#/$defs/Endpoint"}, {"$ref": "#/$defs/TimeToRelapse"}]
        return {"type": "object", "additionalProperties": {"anyOf": kinds}}

    records = (RunResult, Endpoint, TimeToRelapse)
    (root, *_), parts = msgspec.json.schema_components(records, schema_hook=endpoints, ref_template="#/$defs/{name}")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": parts}
