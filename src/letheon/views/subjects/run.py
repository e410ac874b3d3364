"""A run: its first look in the terminal, and its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from letheon.definitions import PAGE_NOTICE, RESEARCH_NOTICE
from letheon.views.document import html, numbers
from letheon.views.document.tree import Document, Link, Paragraph, Section, Table
from letheon.views.figures.curves import is_placebo
from letheon.views.subjects import endpoints, harms, names, run_notes
from letheon.views.subjects.policies import policy_sentences
from letheon.views.subjects.run_cards import cards
from letheon.views.subjects.run_figures import figures

if TYPE_CHECKING:
    from letheon.pipeline.result import RunResult


_BRACKETS = (
    "Days count from the first infusion. Brackets after a mean hold its 90 % interval; the median patient and the "
    "range of patients are a row of their own."
)
_WITHIN = " All arms hold the same virtual patients, so differences are within patients."
_NO_PLACEBO = " There is no placebo arm in this scenario: no number here says what the drug adds to placebo."


def page(result: RunResult, scenario_text: str) -> str:
    """Return the report of a run as HTML; equal arguments give equal text."""
    return html.render(report(result, scenario_text))


def report(result: RunResult, scenario_text: str) -> Document:
    """Return the report of a run: `scenario_text` is the scenario as it was given."""
    patients = numbers.count(result.n_patients, "virtual patient")
    footer = (
        f"Letheon {result.letheon}; seed {result.seed}; {patients} in each arm. The same scenario, seed and version "
        f"give the same report. {PAGE_NOTICE}"
    )
    tables = (*endpoints.endpoint_tables(result), *endpoints.relapse_tables(result))
    reading = (_how_to_read(result), " ", Link("How to read this", "#reading"))
    sections = (
        Section("summary", "In one minute", (cards(result), Paragraph(reading, "small"))),
        Section("figures", "Figures", tuple(figures(result))),
        Section("endpoints", "Endpoints", (Paragraph(_BRACKETS, "small"), *tables)),
        Section("harms", "Harms", tuple(harms.blocks(result))),
        Section("reading", "How to read it", tuple(run_notes.reading(result))),
        Section("background", "Behind the numbers", tuple(run_notes.background(result, scenario_text))),
    )
    brand = f"Letheon {result.letheon}: simulation report, seed {result.seed}"
    sheet = f"Letheon {result.letheon}, seed {result.seed}, {result.n_patients} patients in each arm"
    return Document(result.title, sections, brand, _lead(result), (footer,), sheet)


def summary(result: RunResult) -> Document:
    """Return what the terminal shows of a run: arms side by side, and how to read them."""
    models = result.models
    second = f", second model: {names.pain_model(models.rival)}" if models.rival else ""
    plasma = dict.fromkeys(arm.models.levels.label for arm in result.arms.values())
    lines = [
        f"{numbers.count(result.n_patients, 'virtual patient')} in each arm, "
        f"followed for {result.follow_up_days:g} days",
        f"pain model: {names.pain_model(models.pain)}{second}; seed: {result.seed}",
        f"plasma levels: {'; '.join(plasma)}",
    ]
    heads = ("", *map(names.arm_name, result.arms))
    table = Table("Arms", heads, (*endpoints.brief_groups(result), *harms.brief_groups(result)), kind="endpoints")
    rules = [
        Paragraph(f"{names.arm_name(name)}: {sentence}")
        for name, arm in result.arms.items()
        for sentence in policy_sentences(arm.policy)
    ]
    notes = [_BRACKETS, _how_to_read(result), result.interval, harms.READING, *harms.unknowns(result)]
    warnings = [Paragraph(f"Warning: {text}", "warning") for text in result.warnings]
    blocks = (*map(Paragraph, lines), table, *rules, *map(Paragraph, notes), *warnings)
    return Document(result.title, (Section("summary", "", blocks),), footer=(RESEARCH_NOTICE,))


def _lead(result: RunResult) -> str:
    arms = result.arms
    counts: dict[str, int] = {}
    for arm in arms.values():
        counts[arm.drug] = counts.get(arm.drug, 0) + 1
    drugs = ", ".join(f"{names.drug(drug)}{f' × {n}' if n > 1 else ''}" for drug, n in counts.items())
    every = "one arm" if len(arms) == 1 else f"each of {len(arms)} arms"
    return (
        f"{numbers.count(result.n_patients, 'virtual patient')} with complex regional pain syndrome went through "
        f"{every} ({drugs}) and {'was' if result.n_patients == 1 else 'were'} followed for "
        f"{numbers.duration(result.follow_up_days)} from the first infusion."
    )


def _has_placebo(result: RunResult) -> bool:
    return any(map(is_placebo, result.arms.values()))


def _how_to_read(result: RunResult) -> str:
    return (
        "Pain is the daily score on a numerical rating scale, 0 to 10. A 90 % interval says how well a mean or a share "
        f"is known, not how patients differ.{_WITHIN if _has_placebo(result) else _NO_PLACEBO} A word such as "
        "randomised or assumed says how well a result is supported."
    )
