"""What a calibration says, in words: names of parameters and predictions, checks, and how far to trust them.

Everything comes from the report of a calibration (``calibration.json``). Terminal, page and documentation share it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = [
    "ABSENT",
    "DUE",
    "PAIN_MODELS",
    "SPREAD_OF_90",
    "Check",
    "Diagnostic",
    "amount",
    "checks",
    "checks_sentence",
    "diagnostics",
    "effort",
    "interval",
    "mode_lines",
    "modes",
    "parameter_words",
    "reported_words",
    "significant",
    "trust",
    "unit_words",
    "unknown",
    "unknown_sentence",
    "verdict_words",
]

PAIN_MODELS = {"memory": "pain memory", "slow_site": "slow site"}
ABSENT = "-"
SPREAD_OF_90 = 1.6449  # SDs from the middle to an end of a normal 90 % interval
_UNKNOWN = "the posterior's SD is more than 0.8 of the prior's"

# What each prediction is: study, words, unit (NRS for pain and its differences, share for chances and relief).
_CHECKS: Mapping[str, tuple[str, str, str]] = {
    "leiden baseline": ("sigtermans2009", "baseline pain", "NRS"),
    "leiden drug week 1": ("sigtermans2009", "pain on esketamine, week 1", "NRS"),
    "leiden placebo week 1": ("sigtermans2009", "pain on placebo, week 1", "NRS"),
    "leiden difference week 1": ("sigtermans2009", "minus placebo, week 1", "NRS"),
    "leiden difference week 12": ("sigtermans2009", "minus placebo, week 12", "NRS"),
    "leiden difference overall": ("sigtermans2009", "minus placebo, weeks 1 to 12", "NRS"),
    "goldberg baseline": ("goldberg2010", "baseline pain", "NRS"),
    "goldberg pain day 5": ("goldberg2010", "pain on the drip, day 5", "NRS"),
    **{f"goldberg relief day {d}": ("goldberg2010", f"mean relief, day {d}", "share") for d in range(1, 6)},
    "goldberg little change day 5": ("goldberg2010", "under 20 % relief, day 5", "share"),
    **{
        f"noppers {arm} {when}": ("noppers2011", f"pain halved on {drug}, {when}", "share")
        for arm, drug in (("drug", "esketamine"), ("placebo", "midazolam"))
        for when in ("45 min", "180 min", "day 7", "day 56")
    },
    "pickering drug": ("pickering2020", "mean pain over 35 days, ketamine", "NRS"),
    "pickering placebo": ("pickering2020", "mean pain over 35 days, placebo", "NRS"),
    "one infusion day 7": ("pickering2020", "effect of one infusion, day 7", "NRS"),
    "baseline mean": ("cohen2023", "baseline pain, mean", "NRS"),
    "baseline sd": ("cohen2023", "baseline pain, SD", "NRS"),
}
_ORDER = {name: place for place, name in enumerate(_CHECKS)}

_PARAMETERS: Mapping[str, str] = {
    "memory.theta": "sensitisation at half of its potentiation",
    "memory.tau_s": "time constant of sensitisation",
    "memory.a": "drive that needs no memory",
    "memory.n": "steepness of potentiation",
    "memory.gamma": "rise of the threshold by full growth",
    "memory.k_g": "rate of growth under full block",
    "memory.tau_g": "time constant of the loss of growth",
    "memory.p_nonresponse": "share of patients without a lasting response",
    "receptor.kappa": "scale of receptor affinity",
    "receptor.hill": "steepness of receptor block",
    "flares.rate": "rate of flares",
    "flares.duration": "length of a flare",
    "flares.rise": "extra drive in a flare",
    "slow_site.half_life": "half-life of the slow site",
    "slow_site.c50": "level of half effect at the slow site",
    "slow_site.p_response": "share of patients with a response to the drug",
    "acute.c50": "level of half acute relief",
    "acute.arketamine_weight": "weight of arketamine in acute relief",
    "placebo.fall": "mean placebo response",
    "placebo.patient_sd": "spread of the placebo response between patients",
    "placebo.tau_on": "onset of the placebo response",
    "placebo.tau_off": "fading of the placebo response",
    "between.sd": "SD between studies, log odds of lasting relief",
    "population.baseline_mean": "mean baseline pain",
    "population.baseline_sd": "SD of baseline pain between patients",
    "between.effect": "effect of the study, log odds of lasting relief",
    "background early": "chance of half the pain on midazolam, same day",
    "background late": "chance of half the pain on midazolam, weeks later",
    "baseline": "mean baseline pain",
}
_UNITS = {"1": "", "fraction": "share", "1/day": "a day", "1/year": "a year", "day": "days"}

# What each diagnostic should be: key in the report, words, limit in words, test, decimals.
DUE: tuple[tuple[str, str, str, Any, int], ...] = (
    ("rhat_worst", "R-hat, worst", "at most 1.01", lambda x: x <= 1.01, 3),
    ("ess_bulk_worst", "effective sample size, bulk, worst", "at least 400", lambda x: x >= 400, 0),
    ("ess_tail_worst", "effective sample size, tail, worst", "at least 400", lambda x: x >= 400, 0),
    ("divergences", "divergent iterations", "none", lambda x: x == 0, 0),
    ("bfmi_worst", "energy (BFMI), worst", "at least 0.3", lambda x: x >= 0.3, 2),
    ("pareto_k", "Pareto k of the full mesh", "below 0.7", lambda x: x < 0.7, 2),
)


class Check(NamedTuple):
    """What a trial reported beside what the model predicts for it.

    Attributes
    ----------
    name, study, label, unit : str
        Name in the report; whose it is (empty for none), words, ``NRS`` or ``share``.
    reported : mapping or None
        ``value`` with ``se`` or ``count`` and ``n``, or ``low`` and ``high``.
    fitted : bool
        Whether the model saw it.
    prior, posterior : mapping
        ``median`` and ``interval_90``.
    trial : tuple of float or None
        90 % interval of what a trial of that size would report.
    inside : bool or None
        Whether the report lies there; None where nothing was reported.
    """

    name: str
    study: str
    label: str
    unit: str
    reported: Mapping[str, Any] | None
    fitted: bool
    prior: Mapping[str, Any]
    posterior: Mapping[str, Any]
    trial: tuple[float, float] | None
    inside: bool | None


class Diagnostic(NamedTuple):
    """One diagnostic of the sampler.

    Attributes
    ----------
    label, found, due : str
        What, its value, and what it should be.
    passed : bool
        Whether it is.
    """

    label: str
    found: str
    due: str
    passed: bool


# --- numbers ---


def significant(value: float | None, digits: int = 3) -> str:
    """Return a number with so many significant digits and no exponent.

    Parameters
    ----------
    value : float or None
        A number.
    digits : int
        How many digits.

    Returns
    -------
    str

    Examples
    --------
    >>> significant(1236.2), significant(0.02894), significant(9.997), significant(None)
    ('1240', '0.0289', '10.0', '-')
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    if value == 0.0:
        return "0"
    rounded, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{float(f'{rounded}e{exponent}'):.{max(digits - 1 - int(exponent), 0)}f}"


def amount(value: float | None, unit: str) -> str:
    """Return a value as its unit asks for it: pain to two decimals, a share in percent.

    Parameters
    ----------
    value : float or None
        A value.
    unit : str
        ``NRS``, ``share``, or anything else.

    Returns
    -------
    str

    Examples
    --------
    >>> amount(-1.2689, "NRS"), amount(0.1188, "share"), amount(3.0, "patients")
    ('-1.27', '12 %', '3.0')
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    if unit == "share":
        return f"{100.0 * value:z.0f} %"
    return f"{value:z.{2 if unit == 'NRS' else 1}f}"


def interval(ends: Sequence[float | None] | None, unit: str) -> str:
    """Return an interval as ``low to high``.

    Parameters
    ----------
    ends : sequence of float or None
        Both ends.
    unit : str
        As for `amount`; ``""`` stands for three significant digits.

    Returns
    -------
    str

    Examples
    --------
    >>> interval([0.087, 0.154], "share"), interval([5.25, 20.5], "")
    ('9 to 15 %', '5.25 to 20.5')
    """
    if ends is None or any(end is None for end in ends):
        return ABSENT
    low, high = (amount(end, unit) if unit else significant(end) for end in ends)
    return f"{low.removesuffix(' %') if unit == 'share' else low} to {high}"


# --- parameters ---


def parameter_words(name: str) -> str:
    """Return what a parameter is.

    Parameters
    ----------
    name : str
        ``home.name``, ``home.name.sd`` or ``home.name@study``.

    Returns
    -------
    str
        The name itself where no words are known.

    Examples
    --------
    >>> parameter_words("memory.tau_s.sd"), parameter_words("placebo.fall@goldberg2010")
    ('spread between patients: time constant of sensitisation', 'mean placebo response, goldberg2010')
    """
    base, _, study = name.partition("@")
    if base in _PARAMETERS:
        return f"{_PARAMETERS[base]}, {study}" if study else _PARAMETERS[base]
    whose = _PARAMETERS.get(base.removesuffix(".sd"))
    return f"spread between patients: {whose}" if whose and base.endswith(".sd") else name


def unit_words(unit: str) -> str:
    """Return a unit as it is read: nothing for a plain number.

    Parameters
    ----------
    unit : str
        Unit of the library.

    Returns
    -------
    str

    Examples
    --------
    >>> unit_words("1/day"), unit_words("1"), unit_words("ng/mL")
    ('a day', '', 'ng/mL')
    """
    return _UNITS.get(unit, unit)


def unknown(report: Mapping[str, Any]) -> list[str]:
    """Return the parameters of the population that the data do not identify.

    Parameters
    ----------
    report : mapping
        Report of a calibration.

    Returns
    -------
    list of str
        Names.
    """
    return [name for name, told in report["parameters"].items() if not told["identified"] and "@" not in name]


def unknown_sentence(report: Mapping[str, Any]) -> str:
    """Return the plain statement of what the data do not identify.

    Parameters
    ----------
    report : mapping
        Report of a calibration.

    Returns
    -------
    str
        One sentence.
    """
    names = unknown(report)
    total = sum("@" not in name for name in report["parameters"])
    if not names:
        return f"The data tell something about each of the {total} parameters of the population."
    return (
        f"The data do not identify {len(names)} of the {total} parameters of the population ({_UNKNOWN}): "
        f"{', '.join(names)}. What is said of these is what was assumed."
    )


# --- predictions ---


def checks(report: Mapping[str, Any], others: Sequence[Mapping[str, Any]] = ()) -> list[Check]:
    """Return predictions beside what was reported, by study.

    Parameters
    ----------
    report : mapping
        Report of a calibration.
    others : sequence of mapping
        Reports of other pain models: what these were fitted to and this one was not is shown too, as not fitted.

    Returns
    -------
    list of Check
        In the order of the studies.
    """
    found = []
    for name, entry in report["checks"].items():
        study, label, unit = _CHECKS.get(name, ("", name, "NRS"))
        reported = entry.get("reported")
        fitted = reported is not None
        if not fitted:
            seen = (other["checks"].get(name, {}).get("reported") for other in others)
            reported = next((one for one in seen if one is not None), None)
        trial = _trial(entry["posterior"], reported)
        inside = None if reported is None else _inside(reported, trial or tuple(entry["posterior"]["interval_90"]))
        told = (reported, fitted, entry["prior"], entry["posterior"], trial, inside)
        found.append(Check(name, study, label, unit, *told))
    return sorted(found, key=lambda check: _ORDER.get(check.name, len(_ORDER)))


def _trial(posterior: Mapping[str, Any], reported: Mapping[str, Any] | None) -> tuple[float, float] | None:
    """Return what a trial of that size would report; of a value that was not fitted, with its own error added."""
    if (drawn := posterior.get("of_a_trial_90")) is not None:
        return drawn[0], drawn[1]
    if reported is None or reported.get("se") is None:
        return None
    middle, error = posterior["median"], SPREAD_OF_90 * reported["se"]
    low, high = posterior["interval_90"]
    return middle - math.hypot(middle - low, error), middle + math.hypot(high - middle, error)


def _inside(reported: Mapping[str, Any], predicted: tuple[float, ...]) -> bool:
    low, high = _region(reported)
    return predicted[0] <= high and predicted[1] >= low


def _region(reported: Mapping[str, Any]) -> tuple[float, float]:
    if (value := reported.get("value")) is not None:
        return value, value
    low, high = reported.get("low"), reported.get("high")
    return -math.inf if low is None else low, math.inf if high is None else high


def reported_words(check: Check) -> str:
    """Return what was reported, with its error.

    Parameters
    ----------
    check : Check
        From `checks`.

    Returns
    -------
    str
        A mean ± its standard error, a count, or a statement as limits.
    """
    told, unit = check.reported, check.unit
    if told is None:
        return ABSENT
    if told.get("n") is not None:
        return f"{told['count']} of {told['n']}"
    if told.get("value") is not None:
        return f"{amount(told['value'], unit)} ± {amount(told['se'], unit)}"
    if told.get("low") is None:
        return f"at most {amount(told.get('high'), unit)}"
    if told.get("high") is None:
        return f"at least {amount(told['low'], unit)}"
    return interval((told["low"], told["high"]), unit)


def verdict_words(check: Check) -> str:
    """Return whether the report lies where the model says: ``yes``, ``NO``, or nothing to compare.

    Parameters
    ----------
    check : Check
        From `checks`.

    Returns
    -------
    str
    """
    if check.inside is None:
        return ABSENT
    return ("yes" if check.inside else "NO") + ("" if check.fitted else " (not fitted)")


def checks_sentence(found: Sequence[Check]) -> str:
    """Return how many reported values lie in the interval of a trial of that size, and which do not.

    Parameters
    ----------
    found : sequence of Check
        From `checks`.

    Returns
    -------
    str
        One or two sentences.
    """
    parts = []
    for fitted, words in ((True, "that were fitted"), (False, "that were not fitted")):
        some = [check for check in found if check.inside is not None and check.fitted is fitted]
        if not some:
            continue
        missed = [f"{check.label} ({check.study})" for check in some if not check.inside]
        said = f"Of {len(some)} reported values {words}, {len(some) - len(missed)} lie inside the 90 % interval"
        parts.append(said + (f"; outside: {'; '.join(missed)}." if missed else "."))
    return " ".join(parts)


# --- sampler ---


def effort(settings: Mapping[str, Any]) -> str:
    """Return the settings of a calibration in words.

    Parameters
    ----------
    settings : mapping
        From a report.

    Returns
    -------
    str

    Examples
    --------
    >>> effort({"chains": 4, "warmup": 300, "samples": 500, "patients": 64, "starts": 8, "tree_depth": 6, "seed": 1})
    '4 chains of 300 + 500 iterations, 64 people an arm, 8 starts, trees up to depth 6, seed 1'
    """
    s = settings
    return (
        f"{s['chains']} chains of {s['warmup']} + {s['samples']} iterations, {s['patients']} people an arm, "
        f"{s['starts']} starts, trees up to depth {s['tree_depth']}, seed {s['seed']}"
    )


def diagnostics(report: Mapping[str, Any]) -> list[Diagnostic]:
    """Return the diagnostics of the sampler beside what they should be.

    Parameters
    ----------
    report : mapping
        Report of a calibration.

    Returns
    -------
    list of Diagnostic
        A number that is not known has not passed.
    """
    told = {**report["sampler"], **report["full_mesh"]}
    found = []
    for key, label, due, good, decimals in DUE:
        value = told.get(key)
        known = value is not None and math.isfinite(value)
        found.append(Diagnostic(label, f"{value:.{decimals}f}" if known else ABSENT, due, known and bool(good(value))))
    return found


def trust(report: Mapping[str, Any]) -> str:
    """Return how far the draws may be trusted, from the diagnostics alone.

    Parameters
    ----------
    report : mapping
        Report of a calibration.

    Returns
    -------
    str
        One sentence.
    """
    failed = [test for test in diagnostics(report) if not test.passed]
    if not failed:
        return (
            "All checks of the sampler are met: the draws are those of the posterior. Whether the model is right is "
            "another question, which only trials that it never saw can answer."
        )
    said = "; ".join(f"{test.label} {test.found}, due {test.due}" for test in failed)
    return (
        f"{len(failed)} of {len(DUE)} checks of the sampler are not met ({said}): these draws are good for a first "
        "look, not for results."
    )


def modes(report: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], float]]:
    """Return the modes with their share of the mass, by the Laplace approximation.

    Parameters
    ----------
    report : mapping
        Report of a calibration.

    Returns
    -------
    list of (mapping, float)
        The heaviest first.
    """
    found = report["modes"]
    top = max(mode["log_mass"] for mode in found)
    masses = [math.exp(mode["log_mass"] - top) for mode in found]
    return [(mode, mass / sum(masses)) for mode, mass in zip(found, masses, strict=True)]


def mode_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each mode.

    Parameters
    ----------
    report : mapping
        Report of a calibration.

    Yields
    ------
    str
        Log posterior, starts that led there, share of the mass.
    """
    starts = report["settings"]["starts"]
    for number, (mode, share) in enumerate(modes(report), start=1):
        yield (
            f"mode {number}: {mode['starts']} of {starts} starts, log posterior {mode['log_posterior']:.1f}, "
            f"{amount(share, 'share')} of the mass"
        )
