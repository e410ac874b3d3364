"""The first screen: what was simulated, in a sentence, and one card per arm."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from letheon.definitions import PAGE_NOTICE
from letheon.views import plots, relief_rows
from letheon.views.policy_words import policy_sentences
from letheon.views.report import harms, markup, words


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
        f'<p class="lead">{sentence}</p><p class="disclaimer">{PAGE_NOTICE}</p></header>'
    )


def cards(document: Mapping[str, Any]) -> str:
    """Return the section with one card per arm."""
    look = plots.styles(document)
    made = "".join(_card(document, name, look[name].colour) for name in document["arms"])
    with_placebo = any(plots.is_placebo(arm) for arm in document["arms"].values())
    against = (
        " All arms hold the same virtual patients, so differences are within patients."
        if with_placebo
        else " There is no placebo arm in this scenario: no number here says what the drug adds to placebo."
    )
    shape = "cards wide" if len(look) in {2, 4} else "cards"
    return markup.section(
        "summary",
        "In one minute",
        f'<div class="{shape}">{made}</div>'
        '<p class="small">Pain is the daily score on a numerical rating scale, 0 to 10. A '
        f"90{words.THIN}% interval says how well a mean or a share is known, not how patients differ.{against} The "
        "coloured "
        'words say how well a result is supported: <a href="#reading">how to read this</a>.</p>',
    )


def headline_days(endpoints: Mapping[str, Any]) -> list[int]:
    """Return the day nearest to four weeks and the last that has a pain score; day 7 and that where these are one.

    Examples
    --------
    >>> score = dict.fromkeys(("nrs_day_3", "nrs_day_7", "nrs_day_28", "nrs_day_84"))
    >>> headline_days(score), headline_days({"nrs_day_3": {}, "nrs_day_7": {}, "nrs_day_14": {}})
    ([28, 84], [7, 14])
    """
    days = plots.endpoint_days(endpoints)
    named = relief_rows.named_day(days)
    if named is None:
        return []
    first = named if named < days[-1] else max(day for day in days if day <= max(7, days[0]))
    return sorted({first, days[-1]})


def _card(document: Mapping[str, Any], name: str, colour: str) -> str:
    arm = document["arms"][name]
    endpoints = arm["endpoints"]
    days = headline_days(endpoints)
    steps = [("baseline", document["population"]["baseline_nrs"]["mean"], "")]
    scores = {day: endpoints[f"nrs_day_{day}"] for day in days}
    # the label alone: there is no room for studies, which stand in the table of endpoints
    steps += [(f"day {day}", one["mean"], words.badge(one.get("support"))) for day, one in scores.items()]
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
    rows = []
    for day in days:
        entry = endpoints[f"nrs_day_{day}"]
        if entry.get("minus_placebo") is not None:
            interval = words.change_between(entry.get("minus_placebo_interval"), "NRS")
            value = words.change(entry["minus_placebo"], "NRS")
            rows.append((f"Pain against placebo, day {day}", value, f"({interval})", words.minus_support_of(entry)))
    for key in relief_rows.keys(endpoints):
        said = relief_rows.told(document, name, key)
        rows.append((said.label, said.value, "<br>".join([said.aside, *said.more]), words.support_of(said.support)))
    if "time_to_relapse_days" in endpoints:
        rows.append(_relapse(endpoints["time_to_relapse_days"]))
    if any(entry["endpoints"].get("boosters", {}).get("mean") for entry in document["arms"].values()):
        rows.append(_boosters(endpoints["boosters"]))
    if "final_rate" in endpoints:
        end = endpoints["final_rate"]
        rows.append(("Last rate, mean", f"{words.number(end['mean'], 2)} {end['unit']}", "", ""))
    if "dose_mg" in endpoints:
        dose = "none" if plots.is_placebo(arm) else f"{words.amount(endpoints['dose_mg']['mean'], 'mg')} mg"
        rows.append(("Total dose, mean", dose, "", ""))
    if "rival" in arm:
        rows.append(_rival(arm, days))
    return rows + harms.headline(arm)


def _relapse(entry: Mapping[str, Any]) -> tuple[str, str, str, str]:
    note = "from the end of the course, in those in remission"
    if entry["median"] is not None:
        value = f"{words.amount(entry['median'], 'days')} days"
    elif not entry.get("in_remission"):
        value, note = "none to count", "no patient had a remission"
    else:
        value = f"not reached in {words.amount(entry.get('restricted_to'), 'days')} days"
    return "Median time to relapse", value, note, words.support_of(entry)


def _boosters(entry: Mapping[str, Any]) -> tuple[str, str, str, str]:
    if not entry["mean"]:
        return "Boosters", "none", "", ""
    value, aside, mean = relief_rows.typical(entry)
    yearly = f"{words.number(entry['boosters_per_year'], 2)} a year"
    return "Boosters", value, f"{aside}<br>{mean}, {yearly}", ""


def _rival(arm: Mapping[str, Any], days: list[int]) -> tuple[str, str, str, str]:
    entries = [arm["rival"]["endpoints"].get(f"nrs_day_{day}", {}) for day in days]
    values = " → ".join(words.amount(entry.get("mean"), "NRS") for entry in entries)
    label = f"Pain under the rival model ({words.pain_model(arm['rival']['model'])})"
    return label, values, " → ".join(f"day {day}" for day in days), ""
