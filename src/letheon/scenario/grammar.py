"""The grammar of scenario files: every key once, with kind, limits, default, example and one line of help.

Reader, writer, JSON Schema, reference page and the web page's form are made from these declarations. A default that
a record of `letheon.scenario.model` holds is taken from there.
"""

from collections.abc import Iterator

from letheon.dosing.order import MAX_WEIGHT_KG, MIN_WEIGHT_KG
from letheon.dosing.policy import DEFAULT_APART_DAYS, DEFAULT_WAIT_DAYS
from letheon.dosing.regimen import DRUGS
from letheon.scenario.classes import by_class
from letheon.scenario.drugs import drug, other_drug
from letheon.scenario.fields import Fields, Key, by_name, limited, list_of, one_or_more, several, table
from letheon.scenario.kinds import (
    MAX_RATE_MG_H,
    Schema,
    bag,
    ceiling,
    choice,
    dose,
    duration,
    fixed_dose,
    interval,
    level,
    mean_and_spread,
    moment,
    number,
    on_harm,
    per_year,
    rate,
    relief,
    responder,
    switch,
    text,
    text_of,
    urine_flow,
    whole,
    whole_days,
)
from letheon.scenario.model import Models, OwnEndpoints, Population, pk_choices
from letheon.scenario.spellings import ROUTE_KEYS
from letheon.scenario.yaml_tree import Node
from letheon.units import MS_PER_HOUR, shown

FORMAT_VERSION = "1"
MAX_PATIENTS = 10_000_000
MAX_CANDIDATES = 100_000  # of a search
MAX_SEARCH_PATIENTS = 100_000  # of each candidate
QUICK_PATIENTS = 200  # most patients of a first look
MAX_SEED = 2**63 - 1
MAX_TITLE = 200
MAX_ARMS = 16
MAX_INFUSIONS = 2000
MAX_OTHER_DRUGS = 20
MAX_VARIABLES = 12
MAX_RUNGS = 16
MAX_OWN_DAYS, MAX_OWN_RESPONDERS, MAX_OWN_LEVELS = 100, 12, 8
DEFAULT_CANDIDATES, DEFAULT_PATIENTS = 400, 512
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ARM_NAME = "[a-z][a-z0-9_]{0,39}"
_ADULTS = ", since only adults are modelled: no data here tell how children take up or bear the drug"
_MOST_AT_70_KG = f"{MAX_RATE_MG_H:g} mg/h at 70 kg"
_AT_70_KG, _SOME_AT_70_KG = f"0 to {_MOST_AT_70_KG}", f"above 0 and at most {_MOST_AT_70_KG}"


# --- values with rules of their own ---


def _version(node: Node, example: str) -> str:
    version = text_of(node, example)
    if version != FORMAT_VERSION:
        node.refuse(f"{shown(version)} is not a format version that this Letheon reads; write letheon: 1.")
    return version


def _title(node: Node, example: str) -> str:
    title = text_of(node, example)
    if len(title) > MAX_TITLE:
        node.refuse(f"the title has {len(title)} characters; write at most {MAX_TITLE}.")
    if any(not (c.isprintable() or c == "\u00a0") for c in title):
        node.refuse(f"the title {shown(title)} has a line break or an invisible character; write one line of text.")
    return title


# --- the keys ---

_DAYS = whole_days(1, 3650)
_DAY_MS = 24 * MS_PER_HOUR
_CHECKS = duration(MS_PER_HOUR // 4, fault="is shorter than 15 min", limits="15 min or more")
_FOLLOW_UP = duration(_DAY_MS, 3650 * _DAY_MS, "is outside 1 day to 10 years", "1 day to 10 years", ("weeks", "h"))
_OVER = "is outside 15 min to 14 days"
_REPORTS = choice("spontaneous", "elicited")
_OWN = "that of each of its keys"

POPULATION = Fields(
    (
        Key("n", whole(1, MAX_PATIENTS), "Virtual patients in each arm.", "1000"),
        Key("weight", mean_and_spread("kg", MIN_WEIGHT_KG, MAX_WEIGHT_KG, 60), "Body weight, lognormal.", "79 ± 19 kg"),
        Key("baseline_nrs", mean_and_spread("NRS", 4, 10, 5, bare=True), "Pain, cut off at 4 and 10.", "7.3 ± 2.0"),
        Key("age", mean_and_spread("year", 18, 100, 30, why=_ADULTS), "Age.", "46 ± 12 years"),
        Key("asian", number(0, 1), "Share of patients with Asian ancestry; one pharmacokinetic model uses it.", "0.2"),
        Key("urine", urine_flow(0.3, 15), "Urine flow.", "1.6 L/day", "that of the bladder studies"),
    ),
    "{n: 1000, weight: 79 ± 19 kg, baseline_nrs: 7.3 ± 2.0}",
    Population(),
)
MODELS = Fields(
    (
        Key("pk", choice(pk_choices), "Pharmacokinetic model; auto picks one for all drugs of the run.", "auto"),
        Key("pain", choice("average", "memory", "slow_site"), "Both mechanisms averaged, or one alone.", "average"),
        Key("rival", switch(), "As in earlier files: off without pain means pain: memory.", "off", "on"),
        Key("flares", switch(), "Whether flares may end a remission.", "on"),
        Key("expectancy", number(0, 3, "NRS"), "Additional fall in pain from guessing the treatment.", "0.5 NRS"),
        Key("norketamine", number(-1, 1), "Weight of norketamine in the receptor block that acts on pain.", "-0.2"),
        Key("induction", switch(), "Whether norketamine forms faster during long infusions.", "on"),
        Key("occasions", switch(), "Whether a patient's pharmacokinetics vary from occasion to occasion.", "on"),
        Key("borrow_variability", switch(), "Whether models without variability borrow that of simons2022.", "on"),
    ),
    "{pk: auto, pain: average}",
    Models(),
)
REPEAT = Fields(
    (
        Key("every", duration(fault="is not above 0"), "Time from one start to the next.", "1 day"),
        Key("on", several(choice(*WEEKDAYS)), "Weekdays, instead of every; day_1 names the first day.", "[Mon, Thu]"),
        Key("times", whole(1, MAX_INFUSIONS), "Sessions in all, the first included.", "10", required=True),
    ),
    "{every: 1 day, times: 10}",
    rules={"oneOf": [{"required": ["every"]}, {"required": ["on"]}]},
)
RAMP = Fields(
    (
        Key("from", rate(_AT_70_KG), "Rate of the first step.", "10 mg/h", required=True),
        Key("to", rate(_AT_70_KG), "Rate of the last step, which holds until the end.", "40 mg/h", required=True),
        Key(
            "step",
            rate(_SOME_AT_70_KG, zero=False),
            "Change from one step to the next, up or down.",
            "5 mg/h",
            required=True,
        ),
        Key("every", duration(fault="is not above 0"), "Length of a step.", "6 h", required=True),
    ),
    "{from: 10 mg/h, to: 40 mg/h, step: 5 mg/h, every: 6 h}",
)
_INFUSION = (
    Key("rate", by_class(limited(rate(), _AT_70_KG)), "Infusion rate.", "25 mg/h"),
    Key(
        "dose",
        by_class(dose(f"at most {_MOST_AT_70_KG}")),
        "Total dose of the session, spread evenly; instead of rate.",
        "100 mg",
    ),
    Key("max", by_class(ceiling()), "Ceiling of a rate by body weight.", "25 mg/h"),
    Key("for", duration(), "Duration; required unless it is a push.", "4 h"),
    Key("push", by_class(dose("at most 2 mg/kg")), "A bolus, instead of rate and for.", "0.35 mg/kg"),
    Key("over", limited(duration(), "10 s to 5 min"), "Length of a push.", "1 min", "1 min"),
    Key("repeat", table(REPEAT), "Further sessions like this one.", default="none"),
)
_LENGTHS: Schema = {
    "push": {"properties": {"for": False, "max": False}},
    "rate": {"properties": {"over": False}, "required": ["for"]},
    "dose": {"properties": {"over": False}, "required": ["for"]},
    "ramp": {"properties": {"over": False}, "required": ["for"]},
}


def _one_of(*keys: str) -> Schema:
    """Return the rules between the keys that say how much is given, of which there is one."""
    return {
        "oneOf": [{"required": [key]} for key in keys],
        "dependentSchemas": {key: _LENGTHS[key] for key in keys},
    }


BOOSTER_SESSION = Fields(
    _INFUSION,
    "{rate: 25 mg/h, for: 4 h}",
    refused={
        "at": "a booster begins at the start of the day that its rule finds; leave at out.",
        "ramp": "a booster runs at one rate; write rate or dose.",
    }
    | ROUTE_KEYS,
    rules=_one_of("rate", "dose", "push"),
)
RUNG_SESSION = Fields(
    (Key("at", moment(), "Start, from that of the booster.", "0 h", "0 h"), *_INFUSION),
    "{rate: 25 mg/h, for: 4 h}",
    refused={"ramp": BOOSTER_SESSION.refused["ramp"]} | ROUTE_KEYS,
    rules=_one_of("rate", "dose", "push"),
)
_INTERVAL = interval(1, 3650)
RUNG = Fields(
    (
        Key("every", _INTERVAL, "From the last session; a range is drawn anew.", "4 to 6 weeks", required=True),
        Key("times", whole(1, 500), "Boosters of this rung.", "2", "1; the last rung goes on"),
        Key(
            "sessions",
            list_of(table(RUNG_SESSION)),
            "What each of them gives.",
            f"[{RUNG_SESSION.example}]",
            required=True,
        ),
    ),
    "{every: 2 weeks, times: 2, sessions: [{rate: 25 mg/h, for: 4 h}]}",
)
BOOSTERS = Fields(
    (
        Key("on", choice("relapse"), "Boosters when pain returns; instead of every.", "relapse"),
        Key("every", one_or_more(_INTERVAL, MAX_RUNGS), "From one to the next; the last of a list repeats.", "6 weeks"),
        Key(
            "ladder",
            list_of(table(RUNG), MAX_RUNGS),
            "Rungs in order with own sessions; instead of every.",
            f"[{RUNG.example}]",
        ),
        Key("wait", whole_days(0, 3650), "From a relapse to the appointment.", "14 days", f"{DEFAULT_WAIT_DAYS} days"),
        Key("apart", _DAYS, "Minimum days from any other session.", "7 days", f"{DEFAULT_APART_DAYS} days, or every"),
        Key("at_most", per_year(500), "Maximum in any 365 days.", "6 per year", "6 per year on relapse, else no limit"),
        Key("times", whole(1, 500), "Maximum number of boosters in total.", "10", "no limit"),
        Key("session", table(BOOSTER_SESSION), "What is given each time; required without a ladder."),
    ),
    "{on: relapse, session: {rate: 25 mg/h, for: 4 h}, at_most: 6 per year}",
    rules={
        "oneOf": [
            {"required": ["on", "session"]},
            {"required": ["every", "session"], "properties": {"wait": False}},
            {"required": ["ladder"], "properties": {"wait": False, "session": False, "times": False}},
        ]
    },
)
_SOME_RATE = rate(_SOME_AT_70_KG, zero=False)
TITRATION = Fields(
    (
        Key("every", _CHECKS, "Time between two checks.", "8 h", required=True),
        Key("step", by_class(_SOME_RATE), "By how much the rate goes up or down.", "5 mg/h/70kg", required=True),
        Key("min", by_class(rate(_AT_70_KG)), "Lower limit of the rate.", "5 mg/h/70kg", "0 mg/h"),
        Key("max", by_class(_SOME_RATE), "Upper limit of the rate.", "30 mg/h/70kg", required=True),
        Key("relief", relief(), "Relief, as a share of baseline pain, at which the rate is held.", "50 %", "50 %"),
        Key("harm", _REPORTS, "Whether the clinic waits for complaints, or asks.", "spontaneous", "spontaneous"),
        Key("on_harm", on_harm(), "What a reported effect does to the rate.", "pause 1 h", "down"),
    ),
    "{every: 8 h, step: 5 mg/h/70kg, max: 30 mg/h/70kg, relief: 50 %}",
)
WEAN = Fields(
    (
        Key(
            "over",
            duration(MS_PER_HOUR // 4, _DAY_MS * 14, _OVER, _OVER[11:]),
            "Length of the weaning.",
            "12 h",
            required=True,
        ),
        Key("steps", whole(1, 48), "Equal steps, each at a lower rate.", "4", required=True),
    ),
    "{over: 12 h, steps: 4}",
)
LIMITS = Fields(
    (
        Key(
            "per_day", fixed_dose(), "Most drug in a day, counted from 0 h; the pump stops there.", "960 mg", "no limit"
        ),
        Key("in_all", fixed_dose(), "Most drug in the whole arm, boosters included.", "9 g", "no limit"),
    ),
    "{per_day: 960 mg, in_all: 9 g}",
    rules={"minProperties": 1},
)
STOP = Fields(
    (
        Key("no_response", whole(1, 100), "Courses and boosters in a row without remission.", "2", "never"),
        Key("harm", _REPORTS, "A psychedelic effect that was reported in the last session.", "spontaneous", "never"),
        Key("dose", fixed_dose(), "Total dose that no booster may exceed.", "5000 mg", "no limit"),
    ),
    "{no_response: 2, harm: spontaneous, dose: 5000 mg}",
)
BESIDE = Fields(
    (
        Key("clonidine", fixed_dose(1.0), "Clonidine by mouth before each infusion.", "0.1 mg", "none"),
        Key("midazolam", fixed_dose(50.0), "Midazolam with each infusion.", "2 mg", "none"),
    ),
    "{clonidine: 0.1 mg, midazolam: 2 mg}",
    unknown="{} is not modelled: only clonidine and midazolam have computed effects here; list it under also.",
)
ALSO = Fields(
    (
        Key("drug", other_drug(), "Name of the drug.", "lidocaine", required=True),
        Key("dose", dose("above 0, at most 100 g"), "Each dose.", "1.5 mg/kg"),
        Key(
            "rate",
            limited(rate(), "above 0, at most 100 g/h"),
            "Rate as long as ketamine runs; instead of dose.",
            "1 mg/kg/h",
        ),
        Key("with", choice("each session"), "A dose with each session, boosters too.", "each session"),
        Key("every", duration(fault="is not above 0"), "Doses by the clock from 0 h on; instead of with.", "12 h"),
        Key("until", moment(), "No dose is given from here on.", "day 5", "the end of follow-up"),
    ),
    "{drug: lidocaine, dose: 1.5 mg/kg, with: each session}",
    refused=dict.fromkeys(ROUTE_KEYS, "no effect of other drugs is computed, by any route; leave the route out."),
    rules={
        "oneOf": [{"required": ["dose"]}, {"required": ["rate"], "properties": {"every": False}}],
        "anyOf": [{"required": ["with"], "properties": {"every": False, "until": False}}, {"required": ["every"]}],
    },
)
_POLICIES = (
    Key("boosters", table(BOOSTERS), "When a patient returns, and what is given.", default="none"),
    Key("titration", table(TITRATION), "How the rate follows relief and reports of harm.", default="none"),
    Key("wean", table(WEAN), "Steps down from each patient's own rate, after the last session.", default="none"),
    Key("limits", table(LIMITS), "How much a patient is given at most.", default="none"),
    Key("stop", table(STOP), "What ends a patient's boosters.", default="none"),
)
# keys that do not belong at the top or in a session, with what to write
_BELONGS_IN_ARM = {
    key.name: f"{key.name} belongs in an arm, next to its sessions; write e.g. arms: {{ketamine: {{drug: racemic, "
    f"sessions: [...], {key.pair}}}}}."
    for key in _POLICIES
} | ROUTE_KEYS
SESSION = Fields(
    (
        Key("at", moment(), "Start; day 1 begins at 0 h.", "day 1", required=True),
        *_INFUSION,
        Key("ramp", table(RAMP), "A rate that rises or falls in equal steps; instead of rate."),
    ),
    "{at: day 1, rate: 25 mg/h, for: 4 h}",
    refused=_BELONGS_IN_ARM,
    rules=_one_of("rate", "dose", "push", "ramp"),
)
ARM = Fields(
    (
        Key("drug", choice(*DRUGS, read=drug), "What is given.", "racemic", "that of like"),
        Key("sessions", list_of(table(SESSION)), "The timetable; not in a placebo arm.", f"[{SESSION.example}]"),
        Key(
            "like", text(), "An arm to start from, with changes; in a placebo arm, the one that it copies.", "ketamine"
        ),
        Key("salt", choice("base", "hydrochloride"), "Form in which masses are written.", "hydrochloride", "base"),
        Key("bag", bag(), "Strength of what runs; rates may then be in mL/h, doses in mL.", "5 mg/mL", "none"),
        Key("beside", table(BESIDE), "Other drugs given with every infusion.", default="none"),
        Key(
            "also",
            list_of(table(ALSO), MAX_OTHER_DRUGS),
            "Further drugs, of which no effect is computed.",
            f"[{ALSO.example}]",
            "none",
        ),
        *_POLICIES,
    ),
    f"{{drug: racemic, sessions: [{SESSION.example}]}}",
    refused=ROUTE_KEYS
    | {"policy": f"write what it does, e.g. boosters: {BOOSTERS.example}, or titration: {TITRATION.example}."},
    rules={
        "if": {"properties": {"drug": {"const": "placebo"}}, "required": ["drug"]},
        "then": {"required": ["like"], "properties": {"drug": True, "like": True}, "additionalProperties": False},
        "else": {"anyOf": [{"required": ["drug", "sessions"]}, {"required": ["like"]}]},
    },
)

ENDPOINTS = Fields(
    (
        Key("days", several(whole(1, 3650), MAX_OWN_DAYS), "Days to read pain and responders on.", "[5, 38]", "none"),
        Key(
            "responders",
            several(responder(), MAX_OWN_RESPONDERS),
            "How much less pain makes a responder.",
            "[20 %, 3 points]",
            "none",
        ),
        Key("weekly", switch(), "Whether the mean score of each week is read too.", "on"),
        Key("area", switch(), "Whether the area under the scores is read too, also relative to baseline.", "on"),
        Key("exposure", switch(), "Whether AUC, Cmax and Ctrough of each substance in plasma are read.", "on"),
        Key(
            "above",
            several(level(), MAX_OWN_LEVELS),
            "Levels in plasma for which the time above is read.",
            "[100 ng/mL, 200 ng/mL]",
            "none",
        ),
    ),
    "{days: [5, 38], responders: [20 %, 3 points]}",
    OwnEndpoints(),
)

# --- what a search may vary ---

RANGE = Fields(
    (
        Key("from", text(), "Lower end of a range.", "5 mg/h"),
        Key("to", text(), "Upper end of a range.", "40 mg/h"),
        Key("step", text(), "Step between two values of the range.", "5 mg/h", "a round number"),
        Key("choose", list_of(text()), "The values themselves, instead of a range.", "[1 day, 7 days]"),
        Key("also", list_of(text()), "Further places that take the same value.", "[sessions.2.rate]", "none"),
    ),
    "{from: 5 mg/h, to: 40 mg/h}, or {choose: [1 day, 7 days]}",
    rules={"oneOf": [{"required": ["from", "to"]}, {"required": ["choose"], "properties": {"step": False}}]},
)
LIMIT = Fields(
    (
        Key("at_least", text(), "Lower limit: a number, or an arm whose own value it is.", "2000"),
        Key("at_most", text(), "Upper limit: a number, or an arm whose own value it is.", "3000"),
    ),
    "{at_most: 3000}",
    rules={"minProperties": 1},
)
BUDGET = Fields(
    (
        Key("candidates", whole(1, MAX_CANDIDATES), "Regimens to simulate.", "400", f"{DEFAULT_CANDIDATES}"),
        Key("patients", whole(1, MAX_SEARCH_PATIENTS), "Virtual patients for each.", "512", f"{DEFAULT_PATIENTS}"),
    ),
    "{candidates: 400, patients: 512}",
)
_VARY = "{sessions.1.rate: {from: 5 mg/h, to: 40 mg/h}}"
SEARCH = Fields(
    (
        Key("arm", text(), "The arm that varies.", "ketamine", required=True),
        Key("vary", by_name(RANGE, MAX_VARIABLES), "Places in the arm, and their values.", _VARY, required=True),
        Key("maximise", list_of(text()), "Measures of which more is better.", "[relief_days]", "relief_days"),
        Key(
            "minimise",
            list_of(text()),
            "Measures of which less is better.",
            "[hours]",
            "psychedelic_load, dose_mg, hours",
        ),
        Key("constraints", by_name(LIMIT), "Limits to keep, by measure.", "{dose_mg: {at_most: 3000}}", "none"),
        Key("budget", table(BUDGET), "Size of the search.", default=_OWN),
    ),
    f"{{arm: ketamine, vary: {_VARY}}}",
    refused={us: f"{us} is spelled {us[:-3]}ise here; write {us[:-3]}ise." for us in ("maximize", "minimize")},
)

COMPARE = Fields(
    (Key("against", text(), "Name of an arm; or placebo, for each arm's own placebo arm.", "placebo", required=True),),
    "{against: placebo}",
)

# --- the file ---

_ARMS = f"{{ketamine: {ARM.example}}}"
SCENARIO = Fields(
    (
        Key("letheon", text(_version, enum=[1, "1"]), "Version of the format.", "1", required=True),
        Key("title", text(_title, "one line"), "What it is about.", '"one infusion in CRPS"', required=True),
        Key("population", table(POPULATION), "Who is treated.", default=_OWN),
        Key("day_1", choice(*WEEKDAYS), "Weekday of the first day, for sessions on weekdays.", "Mon", "Mon"),
        Key("follow_up", _FOLLOW_UP, "End of the observation, from the origin.", "12 weeks", required=True),
        Key("seed", whole(0, MAX_SEED), "Seed of the random streams: the same seed gives the same results.", "1", "1"),
        Key("models", table(MODELS), "Which models run, and their switches.", default=_OWN),
        Key("endpoints", table(ENDPOINTS), "Endpoints beside the standard ones.", default="standard ones only"),
        Key("arms", by_name(ARM, MAX_ARMS, ARM_NAME), "What is compared.", _ARMS, required=True),
        Key(
            "compare",
            table(COMPARE),
            "The arm with which every other one is compared.",
            default="each arm's own placebo arm, else the first",
        ),
        Key("optimise", table(SEARCH), "What a search may vary, and what is better.", default="no search"),
    ),
    "title: my scenario",
    refused=_BELONGS_IN_ARM,
)


def maps(fields: Fields = SCENARIO, path: str = "") -> Iterator[tuple[str, Fields]]:
    """Yield every map with its path, in which ``NAME`` is a name of the user's own and ``N`` counts from 1."""
    yield path, fields
    for key in fields.keys:
        if key.kind.inner is not None:
            step = {"list": ".N", "map by name": ".NAME"}.get(key.kind.type, "")
            yield from maps(key.kind.inner, f"{path}.{key.name}{step}".removeprefix("."))
