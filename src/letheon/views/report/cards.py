"""The first screen: what was simulated, in a sentence, and one card per arm."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from letheon.views import plots
from letheon.views.policy_words import policy_sentences
from letheon.views.report import harms, markup, words

DISCLAIMER = "Research and education only; no advice about a person."


def header(document: Mapping[str, Any]) -> str:
    """Return the title, what was simulated, and what it is not for."""
    arms = document["arms"]
    counts: dict[str, int] = {}
    for arm in arms.values():
        counts[arm["drug"]] = counts.get(arm["drug"], 0) + 1
    drugs = ", ".join(f"{words.drug(drug)}{f' × {n}' if n > 1 else ''}" for drug, n in counts.items())
    every = "arm" if len(arms) == 1 else f"each of {len(arms)} arms"
    sentence = (
        f"{words.plural(document['n_patients'], 'virtual patient')} with complex regional pain syndrome "
        f"went through {'one ' if len(arms) == 1 else ''}{every} ({drugs}) and "
        f"{'was' if document['n_patients'] == 1 else 'were'} followed for "
        f"{words.span(document['follow_up_days'])} from the first infusion."
    )
    return (
        f'<header><p class="brand">Letheon {words.escape(document["letheon"])}: simulation report, seed '
        f"{words.escape(document['seed'])}</p>"
        f"<h1>{words.escape(document['title'])}</h1>"
        f'<p class="lead">{sentence}</p><p class="disclaimer">{DISCLAIMER}</p></header>'
    )


def cards(document: Mapping[str, Any]) -> str:
    """Return the section with one card per arm."""
    look = plots.styles(document)
    made = "".join(_card(document, name, look[name].colour) for name in document["arms"])
    with_placebo = any(plots.is_placebo(arm) for arm in document["arms"].values())
    against = " All arms hold the same virtual patients, so differences are within patients." if with_placebo else ""
    shape = "cards wide" if len(look) in {2, 4} else "cards"
    return markup.section(
        "summary",
        "In one minute",
        f'<div class="{shape}">{made}</div>'
        '<p class="small">Pain is the daily score on a numerical rating scale, 0 to 10. Brackets hold the '
        f"90{words.THIN}% interval of the mean: what is not known, not how patients differ.{against} The "
        "coloured "
        'words say how well a result is supported: <a href="#reading">how to read this</a>.</p>',
    )


def headline_days(endpoints: Mapping[str, Any]) -> list[int]:
    """Return day 7 (or the last before it) and the last day that has a pain score.

    Examples
    --------
    >>> headline_days({"nrs_day_3": {}, "nrs_day_7": {}, "nrs_day_84": {}}), headline_days({"nrs_day_3": {}})
    ([7, 84], [3])
    """
    days = plots.endpoint_days(endpoints)
    return sorted({max(day for day in days if day <= max(7, days[0])), days[-1]}) if days else []


def _card(document: Mapping[str, Any], name: str, colour: str) -> str:
    arm = document["arms"][name]
    endpoints = arm["endpoints"]
    days = headline_days(endpoints)
    steps = [("baseline", document["population"]["baseline_nrs"]["mean"], "")]
    steps += [
        (f"day {day}", endpoints[f"nrs_day_{day}"]["mean"], words.support_of(endpoints[f"nrs_day_{day}"]))
        for day in days
    ]
    strip = '<li class="arrow" aria-hidden="true">→</li>'.join(
        f'<li><span class="when">{when}</span><strong>{words.amount(value, "NRS")}</strong>{mark}</li>'
        for when, value, mark in steps
    )
    drug = "sham" if plots.is_placebo(arm) else words.drug(arm["drug"])
    rows = "".join(_row(*row) for row in _rows(document, name, days))
    return (
        f'<article class="card" style="--arm:{colour}"><h3>{words.arm_name(name)}</h3>'
        f'<p class="small">{drug}; {_course(document, name)}{_rules(arm)}</p>'
        f'<p class="strip-title">Mean pain score</p><ol class="strip">{strip}</ol><dl>{rows}</dl></article>'
    )


def _course(document: Mapping[str, Any], name: str) -> str:
    end = document["arms"][name]["course_end_day"]
    last = document["arms"][name]["last_infusion_day"]
    if last <= end + 1.0:
        return f"course ends after {words.course(end)}"
    return f"first course ends after {words.course(end)}, later sessions until day {last:.0f}"


def _rules(arm: Mapping[str, Any]) -> str:
    """Say what is decided on the way."""
    return "".join(f". {escape(sentence.removesuffix('.'))}" for sentence in policy_sentences(arm.get("policy")))


def _row(label: str, value: str, note: str, mark: str) -> str:
    small = f" {markup.note(note)}" if note else ""
    return f"<div><dt>{label}{mark and ' ' + mark}</dt><dd><b>{value}</b>{small}</dd></div>"


def _rows(document: Mapping[str, Any], name: str, days: list[int]) -> list[tuple[str, str, str, str]]:
    arm = document["arms"][name]
    endpoints = arm["endpoints"]
    sham = plots.placebo_of(document, name)
    sham = None if sham is None or plots.is_placebo(arm) else sham
    rows = []
    for day in days:
        entry = endpoints[f"nrs_day_{day}"]
        if sham is not None and entry.get("minus_placebo") is not None:
            interval = words.change_between(entry.get("minus_placebo_interval"), "NRS")
            value = words.change(entry["minus_placebo"], "NRS")
            rows.append((f"Pain against placebo, day {day}", value, f"({interval})", words.minus_support_of(entry)))
    for key in [f"responder_30_day_{day}" for day in days[:1]]:
        if key in endpoints:
            rows.append(_compared(document, sham, key, endpoints[key]))
    if "relief_days" in endpoints:
        label, value, note, mark = _compared(document, sham, "relief_days", endpoints["relief_days"])
        rows.append((label, f"{value} of {format(document['follow_up_days'], 'g')}", note, mark))
    if "time_to_relapse_days" in endpoints:
        rows.append(_relapse(endpoints["time_to_relapse_days"]))
    if any(entry["endpoints"].get("boosters", {}).get("mean") for entry in document["arms"].values()):
        each = endpoints["boosters"]
        yearly = f"({words.number(each['boosters_per_year'], 2)} a year)" if each["mean"] else ""
        rows.append(("Boosters, mean", words.amount(each["mean"], "boosters"), yearly, ""))
    if "final_rate" in endpoints:
        end = endpoints["final_rate"]
        rows.append(("Last rate, mean", f"{words.number(end['mean'], 2)} {end['unit']}", "", ""))
    if "dose_mg" in endpoints:
        dose = "none" if plots.is_placebo(arm) else f"{words.amount(endpoints['dose_mg']['mean'], 'mg')} mg"
        rows.append(("Total dose, mean", dose, "", ""))
    if "rival" in arm:
        rows.append(_rival(arm, days))
    return rows + harms.headline(arm)


def _compared(
    document: Mapping[str, Any], sham: str | None, key: str, entry: Mapping[str, Any]
) -> tuple[str, str, str, str]:
    note = f"({words.between(entry.get('mean_interval'), entry['unit'])})"
    beside = document["arms"][sham]["endpoints"].get(key) if sham is not None else None
    if beside is not None:
        note += f"; placebo {words.amount(beside['mean'], entry['unit'])}"
    return words.endpoint_name(key), words.amount(entry["mean"], entry["unit"]), note, words.support_of(entry)


def _relapse(entry: Mapping[str, Any]) -> tuple[str, str, str, str]:
    share = words.amount(entry.get("in_remission"), "share")
    note = f"from the end of the course, in the {share} who had a remission"
    if entry["median"] is not None:
        value = f"{words.amount(entry['median'], 'days')} days"
    elif not entry.get("in_remission"):
        value, note = "none to count", "no patient had a remission"
    else:
        value = f"not reached in {words.amount(entry.get('restricted_to'), 'days')} days"
    return "Median time to relapse", value, note, words.support_of(entry)


def _rival(arm: Mapping[str, Any], days: list[int]) -> tuple[str, str, str, str]:
    entries = [arm["rival"]["endpoints"].get(f"nrs_day_{day}", {}) for day in days]
    values = " → ".join(words.amount(entry.get("mean"), "NRS") for entry in entries)
    label = f"Pain under the rival model ({words.pain_model(arm['rival']['model'])})"
    return label, values, " → ".join(f"day {day}" for day in days), ""
