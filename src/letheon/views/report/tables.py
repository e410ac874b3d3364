"""The endpoint tables: arms side by side, both pain models, and the time to relapse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from letheon.views import plots, relief_rows
from letheon.views.report import markup, words

Entry = Mapping[str, Any]
RELAPSE = "time_to_relapse_days"
ERROR_NOTE = "Share of patients; behind ±, the Monte Carlo standard error of this many patients, in points."
PATIENTS = f"median patient (5{words.THIN}% to 95{words.THIN}%), SD"
RELIEF = ("responder_", "relief_days", "pain_free_days", "remission", "never_in_remission")
UNITS = {"NRS": "points", "sessions": "sessions", "mg": "mg"}


def section(document: Mapping[str, Any]) -> str:
    """Return the section with all endpoint tables."""
    keys = _keys(document)
    groups = [
        (
            "Pain score",
            "Numerical rating scale, 0 to 10.",
            [key for key in keys if key.startswith("nrs_day_")],
        ),
        ("Responders", ERROR_NOTE, [key for key in keys if key.startswith("responder_")]),
        (
            "Relief, remission and dose",
            "Shares as above.",
            [key for key in keys if not key.startswith(("nrs_day_", "responder_"))],
        ),
    ]
    made = "".join(_table(document, title, note, some) for title, note, some in groups if some)
    intro = (
        f'<p class="small">Days count from the first infusion. Brackets after a mean hold its '
        f"90{words.THIN}% interval; the median patient and the range of patients are a row of their "
        f"own.{_without_placebo(document)}</p>"
    )
    return markup.section("endpoints", "Endpoints", intro + made + _relapse(document) + _at_risk(document))


def _keys(document: Mapping[str, Any]) -> list[str]:
    """Return the endpoints of all arms: pain by day, responders by kind and day, then the rest as given."""
    found = dict.fromkeys(key for arm in document["arms"].values() for key in arm["endpoints"])
    found.pop(RELAPSE, None)
    if not any(arm["endpoints"].get("boosters", {}).get("mean") for arm in document["arms"].values()):
        found.pop("boosters", None)

    def order(key: str) -> tuple[int, str, int]:
        stem, _, day = key.rpartition("_day_")
        rank = {"nrs": 0, "responder_30": 1, "responder_50": 1, "responder_2pt": 2}.get(stem, 3)
        return (rank, stem if rank in {1, 2} else "", int(day) if rank < 3 and day.isdigit() else 0)

    return sorted(found, key=order)


def _without_placebo(document: Mapping[str, Any]) -> str:
    if any(map(plots.is_placebo, document["arms"].values())):
        return ""
    return " There is no placebo arm in this scenario to compare with."


def _table(document: Mapping[str, Any], title: str, note: str, keys: list[str]) -> str:
    heads = ["Endpoint", *(words.arm_name(name) for name in document["arms"])]
    caption = f"{title} {markup.note(note)}" if note else title
    bodies = "".join(_body(document, key) for key in keys)
    return markup.table(title, heads, bodies, caption=caption, kind="endpoints")


def _body(document: Mapping[str, Any], key: str) -> str:
    """Return the rows of one endpoint, for each unit of it: arms may write their rates in units of their own."""
    entries = [arm["endpoints"].get(key, {}) for arm in document["arms"].values()]
    units = dict.fromkeys(entry["unit"] for entry in entries if entry.get("unit"))
    of_unit = {unit: [entry if entry.get("unit") == unit else {} for entry in entries] for unit in units}
    return "".join(_rows(document, key, unit, found) for unit, found in of_unit.items())


def _rows(document: Mapping[str, Any], key: str, unit: str, entries: Sequence[Entry]) -> str:
    """Return the rows of one endpoint: patients and mean, difference from placebo, and the rival's."""
    named = unit in {"sessions", "mg", "h"} or key == "final_rate"
    beside = f" ({UNITS.get(unit, unit)})" if named else ""
    name = words.endpoint_name(key)
    rows = _leading(f"{name}{beside}", entries, unit)
    if any(entry.get("minus_placebo") is not None for entry in entries):
        rows.append(_row("minus placebo", entries, lambda e: _minus(e, unit) + words.minus_support_of(e)))
    elif key.startswith(RELIEF) and not any(map(plots.is_placebo, document["arms"].values())):
        rows.append(_row("minus placebo", entries, lambda _: relief_rows.NO_PLACEBO))
    rival = [arm.get("rival", {}).get("endpoints", {}).get(key, {}) for arm in document["arms"].values()]
    if any(rival) and key not in {"dose_mg", "drip_hours", "final_rate"}:
        model = words.pain_model(document["models"]["rival"])
        if unit == "days":
            rows.append(_row(f"rival model ({model}), patients", rival, lambda e: _patients(e, unit), "rival"))
        name = f"rival model ({model}){', mean' * (unit == 'days')}"
        rows.append(_row(name, rival, lambda e: _mean(e, unit) + words.support_of(e), "rival"))
        if any(entry.get("minus_placebo") is not None for entry in rival):
            told = lambda e: _minus(e, unit) + words.minus_support_of(e)  # noqa: E731
            rows.append(_row("rival model, minus placebo", rival, told, "rival"))
    return f"<tbody>{''.join(rows)}</tbody>"


def _leading(name: str, entries: Sequence[Entry], unit: str) -> list[str]:
    """Return the rows of mean and patients; of days, in which patients differ most, patients come first."""
    if not any("q05" in entry for entry in entries):
        return [_row(name, entries, lambda e: _mean(e, unit) + words.support_of(e), "main")]
    if unit == "days":
        return [
            _row(
                f"{name}, {markup.note(PATIENTS)}",
                entries,
                lambda e: f"{_patients(e, unit)} {words.support_of(e)}",
                "main",
            ),
            _row("mean", entries, lambda e: _mean(e, unit)),
        ]
    return [
        _row(name, entries, lambda e: _mean(e, unit) + words.support_of(e), "main"),
        _row(PATIENTS, entries, lambda e: _patients(e, unit)),
    ]


def _row(label: str, entries: Iterable[Entry], cell: Callable[[Entry], str], kind: str = "") -> str:
    return markup.row(label, (cell(entry) for entry in entries), kind)


def _mean(entry: Entry, unit: str) -> str:
    if entry.get("mean") is None:
        return words.ABSENT
    interval = words.between(entry.get("mean_interval"), unit)
    nothing = entry["mean"] == 0 and not any(entry.get("mean_interval") or ())
    known = "" if interval == words.ABSENT or nothing else f" ({interval})"
    per_year = entry.get("boosters_per_year")
    yearly = f"; {words.number(per_year, 2)} a year" if per_year else ""
    return f"<b>{words.amount(entry['mean'], unit)}</b>{_error(entry, unit)}{known}{yearly} "


def _patients(entry: Entry, unit: str) -> str:
    if entry.get("q05") is None or (entry["q05"] == entry["q95"] == 0 and unit != "days"):
        return words.ABSENT
    values = [entry[key] for key in ("q50", "q05", "q95")]
    # Entries of the diary and days are whole numbers, and so are most of their quantiles.
    whole = unit in {"NRS", "days"} and all(value == round(value) for value in values)
    middle, low, high = (f"{value:.0f}" if whole else words.amount(value, unit) for value in values)
    sd = f", SD {words.amount(entry['sd'], unit)}" if entry.get("sd") is not None else ""
    return f"{f'<b>{middle}</b>' if unit == 'days' else middle} ({low} to {high}){sd}"


def _error(entry: Entry, unit: str) -> str:
    """Return the Monte Carlo standard error behind its sign; none where it is 0."""
    error = entry.get("mc_se")
    return f" ± {words.number(100 * error if unit == 'share' else error, 2)}" if error else ""


def _minus(entry: Entry, unit: str) -> str:
    if entry.get("minus_placebo") is None:
        return words.ABSENT
    interval = words.change_between(entry.get("minus_placebo_interval"), unit)
    return words.change(entry["minus_placebo"], unit) + ("" if interval == words.ABSENT else f" ({interval})")


# --- time to relapse ---


def _relapse(document: Mapping[str, Any]) -> str:
    rows = []
    notes: dict[str, None] = {}
    for name, arm in document["arms"].items():
        versions = [(words.pain_model(document["models"]["pain"]), arm["endpoints"])]
        if "rival" in arm:
            versions.append((words.pain_model(arm["rival"]["model"]), arm["rival"]["endpoints"]))
        for place, (model, endpoints) in enumerate(versions):
            if entry := endpoints.get(RELAPSE):
                notes |= {words.escape(entry["note"]): None} if entry.get("note") else {}
                cells = [model, _remission(endpoints, entry), *_times(entry)]
                rows.append(markup.row(words.arm_name(name), cells, "rival" if place else ""))
    if not rows:
        return ""
    explained = (
        "Days from the end of the course, in patients who had a remission; Kaplan–Meier. "
        f"{words.endpoint_name('remission')}."
    )
    heads = ["Arm", "Pain model", "In remission", f"Median (90{words.THIN}% interval)", "Median from day 0"]
    made = markup.table(
        "Time to relapse",
        [*heads, "Restricted mean", "Support"],
        f"<tbody>{''.join(rows)}</tbody>",
        caption=f"Time to relapse {markup.note(explained)}",
    )
    return made + "".join(f'<p class="small">{note}</p>' for note in notes)


def _remission(endpoints: Mapping[str, Entry], entry: Entry) -> str:
    """Return the share in remission, and how much more it is than on placebo."""
    excess = _minus(endpoints.get("remission", {}), "share")
    beside = "" if excess == words.ABSENT else f"; minus placebo {excess}"
    return words.amount(entry.get("in_remission"), "share") + beside


def _times(entry: Entry) -> tuple[str, ...]:
    limit = words.amount(entry.get("restricted_to"), "days")
    beyond = f"not reached in {limit}" if entry.get("in_remission") else words.ABSENT
    median = words.amount(entry["median"], "days") if entry["median"] is not None else beyond
    interval = words.between(entry.get("median_interval"), "days", "not reached")
    known = "" if interval == words.ABSENT else f" ({interval})"
    start = (entry.get("from_day_0") or {}).get("median")
    first = words.amount(start, "days") if start is not None else words.ABSENT
    mean = entry.get("restricted_mean")
    restricted = words.ABSENT if mean is None else f"{words.amount(mean, 'days')} of {limit}"
    return f"<b>{median}</b>{known}", first, restricted, words.support_of(entry)


def _at_risk(document: Mapping[str, Any]) -> str:
    counts = {
        name: {point["day"]: point["n"] for point in arm["endpoints"].get(RELAPSE, {}).get("at_risk", ())}
        for name, arm in document["arms"].items()
    }
    days = sorted({day for by_day in counts.values() for day in by_day})
    if not days:
        return ""
    rows = "".join(
        markup.row(
            words.arm_name(name),
            (format(by_day[day], ",") if day in by_day else words.ABSENT for day in days),
        )
        for name, by_day in counts.items()
    )
    model = words.pain_model(document["models"]["pain"])
    explained = f"Patients still in remission and under observation, {model} model, by days from the end of the course."
    return markup.table(
        "Number at risk",
        ["Day", *(f"{day:g}" for day in days)],
        f"<tbody>{rows}</tbody>",
        caption=f"Number at risk {markup.note(explained)}",
        kind="counts",
    )
