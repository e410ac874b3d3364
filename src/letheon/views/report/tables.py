"""The endpoint tables: arms side by side, both pain models, and the time to relapse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from letheon.views.report import words

Entry = Mapping[str, Any]
RELAPSE = "time_to_relapse_days"
ERROR_NOTE = "Share of patients; behind ±, the Monte Carlo standard error of this many patients, in points."
UNITS = {"NRS": "points", "days": "days", "sessions": "sessions", "mg": "mg"}


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
    return (
        '<section id="endpoints" aria-labelledby="h-endpoints"><h2 id="h-endpoints">Endpoints</h2>'
        f'<p class="small">Days count from the first infusion. Brackets after a mean hold its 90{words.THIN}% interval; '
        f"the range of patients is a row of its own.{_interval_support(document)}</p>"
        f"{made}{_relapse(document)}{_at_risk(document)}</section>"
    )


def _keys(document: Mapping[str, Any]) -> list[str]:
    """Return the endpoints of all arms: pain by day, responders by kind and day, then the rest as they come."""
    found = dict.fromkeys(key for arm in document["arms"].values() for key in arm["endpoints"])
    found.pop(RELAPSE, None)
    if not any(arm["endpoints"].get("boosters", {}).get("mean") for arm in document["arms"].values()):
        found.pop("boosters", None)

    def order(key: str) -> tuple[int, str, int]:
        stem, _, day = key.rpartition("_day_")
        rank = {"nrs": 0, "responder_30": 1, "responder_50": 1, "responder_2pt": 2}.get(stem, 3)
        return (rank, stem if rank in {1, 2} else "", int(day) if rank < 3 and day.isdigit() else 0)

    return sorted(found, key=order)


def _interval_support(document: Mapping[str, Any]) -> str:
    labels = {
        entry["interval_support"]
        for arm in document["arms"].values()
        for entry in arm["endpoints"].values()
        if entry.get("interval_support")
    }
    if not labels:
        return ""
    marks = " ".join(words.badge(label) for label in sorted(labels))
    return f" Support of the intervals themselves: {marks}."


def _table(document: Mapping[str, Any], title: str, note: str, keys: list[str]) -> str:
    arms = document["arms"]
    head = "".join(f'<th scope="col">{words.arm_name(name)}</th>' for name in arms)
    bodies = "".join(_body(document, key) for key in keys)
    caption = f"{title}{f' <span class=note>{note}</span>' if note else ''}"
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{title}"><table class="endpoints"><caption>{caption}</caption>'
        f'<thead><tr><th scope="col">Endpoint</th>{head}</tr></thead>{bodies}</table></div>'
    )


def _body(document: Mapping[str, Any], key: str) -> str:
    """Return the rows of one endpoint: mean, patients, difference from placebo, and the rival's."""
    entries = [arm["endpoints"].get(key, {}) for arm in document["arms"].values()]
    unit = next((entry["unit"] for entry in entries if entry.get("unit")), "")
    beside = f" ({UNITS[unit]})" if unit in {"days", "sessions", "mg"} else ""
    name = words.endpoint_name(key)
    rows = [
        _row(f"{name}{beside}", entries, lambda entry: _mean(entry, unit) + words.support_of(entry), "main")
    ]
    if any("q05" in entry for entry in entries):
        rows.append(
            _row(
                "patients, 5 % to 95 % (SD)".replace(" %", words.THIN + "%"),
                entries,
                lambda e: _patients(e, unit),
            )
        )
    if any(entry.get("minus_placebo") is not None for entry in entries):
        rows.append(_row("minus placebo", entries, lambda e: _minus(e, unit)))
    rival = [arm.get("rival", {}).get("endpoints", {}).get(key, {}) for arm in document["arms"].values()]
    if any(rival) and key != "dose_mg":
        model = words.pain_model(document["models"]["rival"])
        rows.append(_row(f"rival model ({model})", rival, lambda e: _mean(e, unit), "rival"))
        if any(entry.get("minus_placebo") is not None for entry in rival):
            rows.append(_row("rival model, minus placebo", rival, lambda e: _minus(e, unit), "rival"))
    return f"<tbody>{''.join(rows)}</tbody>"


def _row(label: str, entries: Iterable[Entry], cell: Callable[[Entry], str], kind: str = "") -> str:
    cells = "".join(f"<td>{cell(entry)}</td>" for entry in entries)
    return f'<tr{f" class={kind}" if kind else ""}><th scope="row">{label}</th>{cells}</tr>'


def _mean(entry: Entry, unit: str) -> str:
    if entry.get("mean") is None:
        return words.ABSENT
    interval = words.between(entry.get("mean_interval"), unit)
    known = (
        "" if interval == words.ABSENT or entry["mean"] == 0 == (entry.get("sd") or 0) else f" ({interval})"
    )
    per_year = entry.get("boosters_per_year")
    yearly = f"; {words.number(per_year, 2)} a year" if per_year else ""
    return f"<b>{words.amount(entry['mean'], unit)}</b>{_error(entry, unit)}{known}{yearly} "


def _patients(entry: Entry, unit: str) -> str:
    if entry.get("q05") is None or (entry["q05"] == entry["q95"] == 0):
        return words.ABSENT
    sd = f" (SD {words.amount(entry['sd'], unit)})" if entry.get("sd") is not None else ""
    ends = entry["q05"], entry["q95"]
    # Entries of the diary are whole numbers, and so are most of their quantiles.
    whole = unit == "NRS" and all(end == round(end) for end in ends)
    return (f"{ends[0]:.0f} to {ends[1]:.0f}" if whole else words.between(ends, unit)) + sd


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
                kind = ' class="rival"' if place else ""
                rows.append(
                    f'<tr{kind}><th scope="row">{words.arm_name(name)}</th><td>{model}</td>{_times(entry)}</tr>'
                )
    if not rows:
        return ""
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Time to relapse"><table><caption>Time to relapse '
        "<span class=note>Days from the end of the course, in patients who had a remission; Kaplan–Meier.</span></caption>"
        '<thead><tr><th scope="col">Arm</th><th scope="col">Pain model</th><th scope="col">In remission</th>'
        f'<th scope="col">Median (90{words.THIN}% interval)</th><th scope="col">Median from day 0</th>'
        '<th scope="col">Restricted mean</th><th scope="col">Support</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        + "".join(f'<p class="small">{note}</p>' for note in notes)
    )


def _times(entry: Entry) -> str:
    limit = words.amount(entry.get("restricted_to"), "days")
    beyond = f"not reached in {limit}" if entry.get("in_remission") else words.ABSENT
    median = words.amount(entry["median"], "days") if entry["median"] is not None else beyond
    interval = words.between(entry.get("median_interval"), "days", "not reached")
    known = "" if interval == words.ABSENT else f" ({interval})"
    start = (entry.get("from_day_0") or {}).get("median")
    first = words.amount(start, "days") if start is not None else words.ABSENT
    mean = entry.get("restricted_mean")
    restricted = words.ABSENT if mean is None else f"{words.amount(mean, 'days')} of {limit}"
    cells = (words.amount(entry.get("in_remission"), "share"), f"<b>{median}</b>{known}", first, restricted)
    return "".join(f"<td>{cell}</td>" for cell in cells) + f"<td>{words.support_of(entry)}</td>"


def _at_risk(document: Mapping[str, Any]) -> str:
    counts = {
        name: {point["day"]: point["n"] for point in arm["endpoints"].get(RELAPSE, {}).get("at_risk", ())}
        for name, arm in document["arms"].items()
    }
    days = sorted({day for by_day in counts.values() for day in by_day})
    if not days:
        return ""
    head = "".join(f'<th scope="col">{day:g}</th>' for day in days)
    rows = "".join(
        f'<tr><th scope="row">{words.arm_name(name)}</th>'
        + "".join(f"<td>{format(by_day[day], ',') if day in by_day else words.ABSENT}</td>" for day in days)
        + "</tr>"
        for name, by_day in counts.items()
    )
    model = words.pain_model(document["models"]["pain"])
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Number at risk"><table class="counts"><caption>Number at '
        f"risk <span class=note>Patients still in remission and under observation, {model} model, by days from the end of the "
        f'course.</span></caption><thead><tr><th scope="col">Day</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )
