"""Read the file of one study into its records, and refuse what does not belong there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from letheon.definitions import LAST_SUPPORTED_DAY
from letheon.errors import InputError
from letheon.library.entries import evidence_weight
from letheon.library.evidence import (
    CONTROLS,
    DESIGNS,
    DIAGNOSES,
    MEASURES,
    PAIN_MODELS,
    ROLES,
    ROUTES,
    STUDY_DRUGS,
    Outcome,
    Population,
    Study,
    StudyArm,
    Trait,
)
from letheon.library.reading import as_choice, as_float, as_pair, as_text, as_texts, as_variance, check_keys, read_toml
from letheon.library.records import VERIFIED

_READ = tuple(word for word in VERIFIED if word != "assumed")
_STUDY_NEEDS = (
    *("id", "source", "design", "setting", "diagnosis", "role", "role_note", "follow_up_days", "verified", "note"),
    *("missing", "population", "arms", "outcomes"),
)
_STUDY_MAY = ("calibrates", "relevance")
_ARM_NEEDS = ("name", "drug", "regimen", "verified")
_TRAITS = ("weight_kg", "age_year", "pain")
_ARM_MAY = ("group", "route", "n", "n_verified", "beside", "by_weight", "contradicted")
_ARM_RUN = ("infusions", "days", "sessions", "hours", "dose_mg_70kg", "assumptions")
_OUTCOME_NEEDS = ("arm", "measure", "verified")
_OUTCOME_MAY = (
    *("value", "range", "statement", "time_days", "against", "subgroup", "se", "sd", "interval", "level"),
    *("n", "via", "target", "note", "weight"),
)


def _whole(value: Any, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"{place}: a whole number that is not negative is due here, got {value!r}")
    return value


def _one_text(table: Any, key: str, place: str) -> str:
    text = as_text(table.get(key, ""), f"{place}.{key}")
    if key in table and not text:
        raise InputError(f"{place}.{key}: leave the key out where there is nothing to say")
    return text


def _flag(table: Any, key: str, place: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise InputError(f"{place}.{key}: true or false is due here, got {value!r}")
    return value


def _trait(table: Any, place: str) -> Trait:
    check_keys(table, ("mean", "verified"), ("sd", "via"), place)
    verified = as_choice(table["verified"], _READ, f"{place}.verified")
    if verified == "recall":
        raise InputError(f"{place}: leave out what was only recalled; it can support no result")
    if verified == "secondary" and "via" not in table:
        raise InputError(f"{place}: a second-hand value says in 'via' what was read")
    return Trait(
        mean=as_float(table["mean"], f"{place}.mean"),
        sd=as_variance(table["sd"], f"{place}.sd") if "sd" in table else None,
        verified=verified,
        via=_one_text(table, "via", place),
    )


def _population(table: Any, place: str) -> Population:
    check_keys(table, ("text", "verified"), ("n", *_TRAITS), place)
    return Population(
        **{name: _trait(table[name], f"{place}.{name}") for name in _TRAITS if name in table},
        n=_whole(table["n"], f"{place}.n") if "n" in table else None,
        text=as_text(table["text"], f"{place}.text"),
        verified=as_choice(table["verified"], _READ, f"{place}.verified"),
    )


def _infusions(rows: Any, place: str) -> tuple[tuple[float, float, float], ...]:
    infusions = []
    for row in rows:
        if not isinstance(row, list) or len(row) != 3:
            raise InputError(f"{place}: [start h, duration h, rate mg/h] is due, got {row!r}")
        start, duration, rate = (as_variance(item, place) for item in row)
        infusions.append((start, duration, rate))
    return tuple(infusions)


def _arm(table: Any, place: str) -> StudyArm:
    run = isinstance(table, dict) and any(key in table for key in _ARM_RUN)
    check_keys(table, (*_ARM_NEEDS, *(_ARM_RUN if run else ())), (*_ARM_MAY, *_ARM_RUN), place)
    name = as_text(table["name"], f"{place}.name")
    drug = as_choice(table["drug"], STUDY_DRUGS, f"{place}.drug")
    verified = as_choice(table["verified"], _READ, f"{place}.verified")
    dose = as_variance(table["dose_mg_70kg"], f"{place}.dose_mg_70kg") if run else None
    if run and (dose == 0) != (drug in CONTROLS):
        raise InputError(f"{place}.dose_mg_70kg: {drug} and a ketamine dose of {dose:g} mg do not go together")
    return StudyArm(
        name=name,
        group=as_text(table.get("group", name), f"{place}.group"),
        drug=drug,
        route=as_choice(table.get("route", "iv"), ROUTES, f"{place}.route"),
        n=_whole(table["n"], f"{place}.n") if "n" in table else None,
        n_verified=as_choice(table.get("n_verified", verified), _READ, f"{place}.n_verified"),
        regimen=as_text(table["regimen"], f"{place}.regimen"),
        infusions=_infusions(table["infusions"], f"{place}.infusions") if run else (),
        days=as_float(table["days"], f"{place}.days") if run else None,
        sessions=_whole(table["sessions"], f"{place}.sessions") if run else None,
        hours=as_float(table["hours"], f"{place}.hours") if run else None,
        dose_mg_70kg=dose,
        verified=verified,
        assumptions=as_texts(table["assumptions"], f"{place}.assumptions") if run else (),
        beside=_one_text(table, "beside", place),
        by_weight=_flag(table, "by_weight", place),
        contradicted=_one_text(table, "contradicted", place),
    )


def _result(table: Any, unit: str, place: str) -> tuple[float | None, tuple[float, float] | None, str]:
    """Return value, range and statement: exactly one of them says something."""
    given = [key for key in ("value", "range", "statement") if key in table]
    if len(given) != 1:
        raise InputError(f"{place}: give one of 'value', 'range' and 'statement', got {', '.join(given) or 'none'}")
    if not unit and "statement" not in table:
        raise InputError(f"{place}.measure: {table['measure']!r} is said in words: give 'statement', no number")
    value = as_float(table["value"], f"{place}.value") if "value" in table else None
    pair = as_pair(table["range"], f"{place}.range") if "range" in table else None
    return value, pair, _one_text(table, "statement", place)


def _days(value: Any, place: str) -> tuple[float, float]:
    low, high = as_pair(value, place) if isinstance(value, list) else (as_float(value, place),) * 2
    if low < 0:
        raise InputError(f"{place}: days count from the first administration and cannot be negative, got {low:g}")
    return low, high


def _outcome(table: Any, groups: Iterable[str], place: str) -> Outcome:
    check_keys(table, _OUTCOME_NEEDS, _OUTCOME_MAY, place)
    unit = MEASURES[as_choice(table["measure"], MEASURES, f"{place}.measure")]
    verified = as_choice(table["verified"], _READ, f"{place}.verified")
    value, pair, statement = _result(table, unit, place)
    if ("interval" in table) != ("level" in table):
        raise InputError(f"{place}: 'interval' and its 'level' go together")
    if verified == "secondary" and "via" not in table:
        raise InputError(f"{place}: a second-hand value says in 'via' what was read")
    spread = {key: as_variance(table[key], f"{place}.{key}") for key in ("se", "sd") if key in table}
    return Outcome(
        arm=as_choice(table["arm"], (*groups, "all"), f"{place}.arm"),
        measure=table["measure"],
        value=value,
        range=pair,
        statement=statement,
        time_days=_days(table["time_days"], f"{place}.time_days") if "time_days" in table else None,
        verified=verified,
        weight=evidence_weight(table, verified, place),
        against=as_choice(table["against"], groups, f"{place}.against") if "against" in table else "",
        subgroup=_one_text(table, "subgroup", place),
        se=spread.get("se"),
        sd=spread.get("sd"),
        interval=as_pair(table["interval"], f"{place}.interval") if "interval" in table else None,
        level=as_float(table["level"], f"{place}.level") if "level" in table else None,
        n=_whole(table["n"], f"{place}.n") if "n" in table else None,
        via=_one_text(table, "via", place),
        target=_flag(table, "target", place),
        note=_one_text(table, "note", place),
    )


def _check_targets(role: str, calibrates: tuple[str, ...], outcomes: Iterable[Outcome], place: str) -> None:
    """Refuse a role that the outcomes do not bear out, and any use of what was only recalled."""
    targets = [outcome for outcome in outcomes if outcome.target]
    if (role == "calibrate") != bool(calibrates):
        raise InputError(f"{place} calibrates: names the pain models if, and only if, the role is 'calibrate'")
    if (role in ("calibrate", "hold_out")) != bool(targets):
        raise InputError(f"{place} role: {role!r} does not go with {len(targets)} outcomes marked as target")
    for outcome in targets:
        if outcome.weight == 0:
            raise InputError(f"{place} [[outcomes]]: a recalled value is no target: {outcome.measure} of {outcome.arm}")


def parse_study(text: str, place: str) -> Study:
    """Read one study.

    Parameters
    ----------
    text : str
        TOML text of a file in ``library/studies``.
    place : str
        Name of the file, for the error sentence.

    Returns
    -------
    Study

    Raises
    ------
    InputError
        If a key is unknown or missing, or a value does not belong there.

    Examples
    --------
    >>> parse_study('id = "x"', "studies/x.toml")
    Traceback (most recent call last):
    letheon.errors.InputError: studies/x.toml: key 'source' is missing
    """
    document = read_toml(text, place)
    check_keys(document, _STUDY_NEEDS, _STUDY_MAY, place)
    follow_up = as_float(document["follow_up_days"], f"{place} follow_up_days")
    if not 0 <= follow_up <= LAST_SUPPORTED_DAY:
        raise InputError(
            f"{place} follow_up_days: must lie in [0, {LAST_SUPPORTED_DAY}] (never beyond 12 weeks), got {follow_up:g}"
        )
    relevance = as_float(document.get("relevance", 1), f"{place} relevance")
    if not 0 < relevance <= 1:
        raise InputError(f"{place} relevance: must lie above 0 and not above 1, got {relevance:g}")
    arms = tuple(_arm(row, f"{place} [[arms]][{index}]") for index, row in enumerate(document["arms"]))
    groups = tuple(dict.fromkeys(arm.group for arm in arms))
    outcomes = tuple(
        _outcome(row, groups, f"{place} [[outcomes]][{index}]") for index, row in enumerate(document["outcomes"])
    )
    role = as_choice(document["role"], ROLES, f"{place} role")
    calibrates = as_texts(document.get("calibrates", []), f"{place} calibrates")
    for model in calibrates:
        as_choice(model, PAIN_MODELS, f"{place} calibrates")
    _check_targets(role, calibrates, outcomes, place)
    return Study(
        id=as_text(document["id"], f"{place} id"),
        source=as_text(document["source"], f"{place} source"),
        design=as_choice(document["design"], DESIGNS, f"{place} design"),
        setting=as_text(document["setting"], f"{place} setting"),
        diagnosis=as_choice(document["diagnosis"], DIAGNOSES, f"{place} diagnosis"),
        population=_population(document["population"], f"{place} [population]"),
        arms=arms,
        outcomes=outcomes,
        role=role,
        role_note=as_text(document["role_note"], f"{place} role_note"),
        calibrates=calibrates,
        relevance=relevance,
        follow_up_days=follow_up,
        verified=as_choice(document["verified"], VERIFIED, f"{place} verified"),
        missing=as_texts(document["missing"], f"{place} missing"),
        note=as_text(document["note"], f"{place} note"),
    )
