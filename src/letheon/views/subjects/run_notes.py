"""How to read a run, what is assumed in it, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from letheon.definitions import LAST_SUPPORTED_DAY
from letheon.views.document import numbers
from letheon.views.document.tree import (
    Block,
    Code,
    Columns,
    Content,
    Definitions,
    Heading,
    Items,
    Note,
    Paragraph,
    Strong,
    Table,
)
from letheon.views.figures.curves import is_placebo
from letheon.views.subjects import names

if TYPE_CHECKING:
    from letheon.pipeline.result import RunResult


def reading(result: RunResult) -> list[Block]:
    """Return how to read ranges, intervals and labels, and what is assumed."""
    interval = _sentence(result.interval.replace("mean_interval is", "Here it is"))
    spread: list[Block] = [
        Heading("Two kinds of spread"),
        Paragraph(
            (
                Strong("Range of patients"),
                ", 5 % to 95 % (thin dashed lines): patients differ. It would stay as wide if everything were known.",
            )
        ),
        Paragraph(
            (
                Strong("Interval of the mean"),
                ", 90 % (bands, whiskers, brackets): what is not known about the mean. It would shrink with better "
                f"evidence. {interval}",
            )
        ),
    ]
    if result.models.rival:
        main, second = names.pain_model(result.models.pain), names.pain_model(result.models.rival)
        text = (
            f" The plain numbers come from the {main} model, those of the second model from {second}. Both fit the "
            "long-infusion trial about as well, so both are run; the distance between them is a third uncertainty, "
            "which neither interval holds."
        )
        spread.append(Paragraph((Strong("Two pain models."), text)))
    labels = Definitions(tuple((names.badge(name), text) for name, text in names.SUPPORT.items()))
    return [
        Columns((tuple(spread), (Heading("Support"), labels))),
        Heading("What is assumed"),
        Items(tuple(_assumed(result))),
    ]


def background(result: RunResult, scenario_text: str) -> list[Block]:
    """Return warnings, models, population, sources and the scenario."""
    return [
        Heading("Warnings"),
        Items(result.warnings, "warnings") if result.warnings else Paragraph("None."),
        Heading("Drug models"),
        _drug_models(result),
        Heading("Pain models"),
        Paragraph(_pain_models(result)),
        Heading("Population as realised"),
        *_population(result),
        Heading("Sources"),
        sources(result.sources),
        Heading("Scenario as given"),
        Code("Scenario as given", scenario_text.strip()),
    ]


def sources(keys: tuple[str, ...]) -> Items:
    """Return sources with their citations, and how their numbers were read."""
    from letheon import library

    known = library.sources()
    items: list[Content] = []
    for key in keys:
        source = known.get(key)
        if source is None:
            items.append(key)
            continue
        facts = " ".join(_sentence(text) for text in (source.citation, source.title, source.where) if text)
        read = (" ", Note(f"How it was read: {_sentence(source.note)}")) if source.note else ()
        items.append((Strong(key), f" {facts}", *read))
    return Items(tuple(items) or ("None named.",), "sources", ordered=True)


def _assumed(result: RunResult) -> list[str]:
    models = result.models
    items = [
        "Flares end remissions: how often they come, how long they last and how strong they are is assumed. The "
        "evidence does not identify them."
        if models.flares
        else "Flares are switched off in this scenario, so a patient who has left the sensitised state never goes "
        "back: relapses are understated.",
        f"No trial reports pain beyond {numbers.duration(LAST_SUPPORTED_DAY)}: relapse after that is an assumption, in "
        "every result.",
    ]
    if result.follow_up_days > LAST_SUPPORTED_DAY:
        items[-1] += f" This report goes on to day {numbers.number(result.follow_up_days)}."
    items.append(
        "The placebo response differs between trials and is drawn as such; the noise of the diary and the course of "
        "the placebo response over time are assumed."
    )
    items.append(
        f"Expectancy from unblinding is set to {numbers.number(models.expectancy_nrs)} NRS points; no trial identifies "
        "it."
        if models.expectancy_nrs
        else "Expectancy from unblinding is set to zero; in the one long trial it cannot be told apart from the drug’s "
        "effect."
    )
    if models.norketamine_weight:
        weight = numbers.number(models.norketamine_weight)
        items.append(f"Norketamine counts towards receptor block with weight {weight}.")
    return items


def _drug_models(result: RunResult) -> Block:
    rows = [
        (names.arm_name(name), purpose, model.model, model.label, model.sampling)
        for name, arm in result.arms.items()
        if not is_placebo(arm)
        for purpose, model in (("levels and pain", arm.models.levels), ("acute effect", arm.models.acute))
    ]
    if not rows:
        return Paragraph("No arm gives a drug.")
    return Table.of("Drug models", ("Arm", "Used for", "Model", "Label", "Sampling"), rows, kind="text")


def _pain_models(result: RunResult) -> str:
    models = result.models
    second = names.pain_model(models.rival) if models.rival else "not run"
    return (
        f"Main model: {names.pain_model(models.pain)}. Second model: {second}. Flares: {_switch(models.flares)}. "
        f"Expectancy: {numbers.number(models.expectancy_nrs)} NRS points. Weight of norketamine in receptor block: "
        f"{numbers.number(models.norketamine_weight)}. Induction of norketamine’s clearance: "
        f"{_switch(models.norketamine_induction)}. Variability between occasions: {_switch(models.occasions)}."
    )


def _switch(on: bool) -> str:
    return "on" if on else "off"


def _population(result: RunResult) -> list[Block]:
    population, pain = result.population, result.population.baseline_nrs
    rows = [
        ("Weight (kg)", numbers.number(population.weight_kg.mean), numbers.number(population.weight_kg.sd)),
        ("Baseline pain in the diary (NRS)", numbers.number(pain.mean, 2), numbers.number(pain.sd, 2)),
        (
            "Baseline pain without diary noise (NRS)",
            numbers.number(pain.latent_mean, 2),
            numbers.number(pain.latent_sd, 2),
        ),
    ]
    share = numbers.amount(population.bistable_share, "share")
    return [
        Table.of("Population as realised", ("Quantity", "Mean", "SD"), rows),
        Paragraph(
            f"In the memory model {share} of patients have a low state that they could settle in (they are bistable); "
            "the others always climb back."
        ),
    ]


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else text + "."
