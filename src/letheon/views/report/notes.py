"""How to read the report, what is assumed in it, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from letheon.definitions import LAST_SUPPORTED_DAY, PAGE_NOTICE
from letheon.views import plots
from letheon.views.report import markup, words

# Beyond this day no result counts as supported by a trial.


def reading(document: Mapping[str, Any]) -> str:
    """Return the section that says how to read ranges, intervals and labels, and what is assumed."""
    labels = "".join(f"<div><dt>{words.badge(name)}</dt><dd>{text}</dd></div>" for name, text in words.SUPPORT.items())
    per_cent = f"90{words.THIN}%"
    spread = (
        f"<div><h3>Two kinds of spread</h3><p><b>Range of patients</b>, 5{words.THIN}% to 95{words.THIN}% "
        "(thin dashed lines): patients differ. It would stay as wide if everything were "
        f"known.</p><p><b>Interval of the mean</b>, {per_cent} (bands, whiskers, brackets): what is not "
        "known about the mean. It would shrink with better evidence. "
        f"{_interval(document)}</p>{_rival(document)}</div>"
    )
    assumed = "".join(f"<li>{item}</li>" for item in _assumed(document))
    return markup.section(
        "reading",
        "How to read it",
        f'<div class="columns">{spread}<div><h3>Support</h3><dl class="labels">{labels}</dl></div></div>'
        f"<h3>What is assumed</h3><ul>{assumed}</ul>",
    )


def background(document: Mapping[str, Any], scenario_text: str) -> str:
    """Return the section with warnings, models, population, sources and the scenario."""
    warnings = "".join(f"<li>{words.escape(text)}</li>" for text in document["warnings"])
    shown = f'<ul class="warnings">{warnings}</ul>' if warnings else "<p>None.</p>"
    scenario = words.escape(scenario_text.strip())
    return markup.section(
        "background",
        "Behind the numbers",
        f"<h3>Warnings</h3>{shown}"
        f"<h3>Drug models</h3>{_models(document)}"
        f"<h3>Pain models</h3><p>{_pain_models(document)}</p>"
        f"<h3>Population as realised</h3>{_population(document)}"
        f"<h3>Sources</h3>{_sources(document)}"
        '<h3>Scenario as given</h3><pre tabindex="0" role="region" aria-label="Scenario as given">'
        f"{scenario}</pre>",
    )


def footer(document: Mapping[str, Any]) -> str:
    """Return the last line: version, seed, patients."""
    return (
        f"<footer><p>Letheon {words.escape(document['letheon'])}; seed {words.escape(document['seed'])}; "
        f"{words.plural(document['n_patients'], 'virtual patient')} in each arm. The same scenario, seed "
        f"and version give the same report. {PAGE_NOTICE}</p>"
        "<p>Figures: plotly.js, basic bundle, © Plotly, Inc., MIT licence.</p></footer>"
    )


def _interval(document: Mapping[str, Any]) -> str:
    """Return the document's own sentence on its intervals, said as a sentence of prose."""
    return _sentence(document["interval"].replace("mean_interval is", "Here it is"))


def _rival(document: Mapping[str, Any]) -> str:
    models = document["models"]
    if not models.get("rival"):
        return ""
    return (
        f"<p><b>Two pain models.</b> The main one is {words.pain_model(models['pain'])}, the rival "
        f"{words.pain_model(models['rival'])}. Both fit the long-infusion trial about as well, so both are "
        "run; the distance between them is a third uncertainty, which neither interval holds.</p>"
    )


def _assumed(document: Mapping[str, Any]) -> list[str]:
    models = document["models"]
    items = []
    if models["flares"]:
        items.append(
            "Flares end remissions: how often they come, how long they last and how strong they are is "
            "assumed. The evidence does not identify them."
        )
    else:
        items.append(
            "Flares are switched off in this scenario, so a patient who has left the sensitised state "
            "never goes back: relapses are understated."
        )
    items.append(
        f"No trial reports pain beyond {words.span(LAST_SUPPORTED_DAY)}: relapse after that is an "
        "assumption, in every result."
    )
    if document["follow_up_days"] > LAST_SUPPORTED_DAY:
        items[-1] += f" This report goes on to day {words.number(document['follow_up_days'])}."
    items.append(
        "The placebo response differs between trials and is drawn as such; the noise of the diary and the "
        "course of the placebo response over time are assumed."
    )
    if models["expectancy_nrs"]:
        items.append(
            f"Expectancy from unblinding is set to {words.number(models['expectancy_nrs'])} NRS points; no "
            "trial identifies it."
        )
    else:
        items.append(
            "Expectancy from unblinding is set to zero; in the one long trial it cannot be told apart from "
            "the drug’s effect."
        )
    if models["norketamine_weight"]:
        items.append(
            f"Norketamine counts towards receptor block with weight {words.number(models['norketamine_weight'])}."
        )
    return items


def _models(document: Mapping[str, Any]) -> str:
    rows = []
    for name, arm in document["arms"].items():
        if plots.is_placebo(arm):
            continue
        for role, model in arm["models"].items():
            purpose = {"levels": "levels and pain", "acute": "acute effect"}.get(role, role)
            facts = (purpose, model["model"], model["label"], model["sampling"])
            rows.append(markup.row(words.arm_name(name), map(words.escape, facts)))
    if not rows:
        return "<p>No arm gives a drug.</p>"
    heads = ("Arm", "Used for", "Model", "Label", "Sampling")
    return markup.table("Drug models", heads, f"<tbody>{''.join(rows)}</tbody>", kind="text")


def _pain_models(document: Mapping[str, Any]) -> str:
    models = document["models"]
    rival = words.pain_model(models["rival"]) if models.get("rival") else "not run"
    return (
        f"Main model: {words.pain_model(models['pain'])}. Rival: {rival}. Flares: "
        f"{'on' if models['flares'] else 'off'}. Expectancy: {words.number(models['expectancy_nrs'])} NRS "
        f"points. Weight of norketamine in receptor block: {words.number(models['norketamine_weight'])}. "
        f"Induction of norketamine’s clearance: {_switch(models, 'norketamine_induction')}. Variability "
        f"between occasions: {_switch(models, 'occasions')}."
    )


def _switch(models: Mapping[str, Any], key: str) -> str:
    return "on" if models.get(key) else "off"


def _population(document: Mapping[str, Any]) -> str:
    population = document["population"]
    weight, pain = population["weight_kg"], population["baseline_nrs"]
    rows = [
        ("Weight (kg)", words.number(weight["mean"]), words.number(weight["sd"])),
        ("Baseline pain in the diary (NRS)", words.number(pain["mean"], 2), words.number(pain["sd"], 2)),
    ]
    if "latent_mean" in pain:
        latent = words.number(pain["latent_mean"], 2), words.number(pain["latent_sd"], 2)
        rows.append(("Baseline pain without diary noise (NRS)", *latent))
    made = "".join(markup.row(name, (mean, sd)) for name, mean, sd in rows)
    share = population.get("bistable_share")
    bistable = ""
    if share is not None:
        bistable = (
            f"<p>In the memory model {words.amount(share, 'share')} of patients have a low state that they "
            "could settle in (they are bistable); the others always climb back.</p>"
        )
    heads = ("Quantity", "Mean", "SD")
    return markup.table("Population as realised", heads, f"<tbody>{made}</tbody>") + bistable


def _sources(document: Mapping[str, Any]) -> str:
    from letheon import library

    known = library.sources()
    items = []
    for key in document["sources"]:
        source = known.get(key)
        if source is None:
            items.append(f"<li>{words.escape(key)}</li>")
            continue
        doi = f"doi:{source.doi}" if source.doi else ""
        facts = " ".join(_sentence(text) for text in (source.citation, source.title, doi) if text)
        read = markup.note(f"How it was read: {_sentence(source.note)}") if source.note else ""
        items.append(f"<li><b>{words.escape(key)}</b> {facts} {read}</li>")
    return f'<ol class="sources">{"".join(items)}</ol>' if items else "<p>None named.</p>"


def _sentence(text: str) -> str:
    return words.escape(text if text.endswith((".", "?", "!")) else text + ".")
