"""A run: its first look in the terminal, and its report."""

from collections import Counter
from collections.abc import Iterable, Mapping

from letheon.definitions import LAST_SUPPORTED_DAY, PAGE_NOTICE, RESEARCH_NOTICE
from letheon.library import Study
from letheon.pipeline.result import ArmResult, Endpoint, RunResult, TimeToRelapse
from letheon.views.document import html, numbers, tree
from letheon.views.figures.curves import active_arms, comparator, endpoint_days, has_placebo, is_placebo, styles
from letheon.views.subjects import average, beside, endpoints, harms, names, relief
from letheon.views.subjects.endmatter import sentence, sources
from letheon.views.subjects.policies import other_drugs_text, policy_sentences
from letheon.views.subjects.run_figures import figures
from letheon.views.subjects.words import TEXTS

Fact = tuple[tree.Content, str, tree.Content]  # label, value, aside

_WITHIN = " All arms hold the same virtual patients, so differences are within patients."
_NO_PLACEBO = " There is no placebo arm in this scenario: no number here says what the drug adds to placebo."


def page(result: RunResult, scenario_text: str, study: Study | None = None) -> str:
    """Return the report of a run as HTML; equal arguments give equal text."""
    return html.render(report(result, scenario_text, study))


def report(result: RunResult, scenario_text: str, study: Study | None = None) -> tree.Document:
    """Return the report of a run, with a `study` laid beside it; `scenario_text` is the scenario as it was given."""
    patients = numbers.count(result.n_patients, "virtual patient")
    footer = (
        f"Letheon {result.letheon}; seed {result.seed}; {patients} in each arm. The same scenario, seed and version "
        f"give the same report. {PAGE_NOTICE}"
    )
    tables = (*endpoints.endpoint_tables(result), *endpoints.relapse_tables(result))
    weight = tree.Paragraph(average.weight(result))
    cards = tree.Cards(tuple(_card(result, name, style.colour) for name, style in styles(result).items()))
    reading = (_how_to_read(result), " ", tree.Link("How to read this", "#reading"))
    sections = (
        tree.Section(
            "summary", "In one minute", (weight, *_by_weight(result), cards, tree.Paragraph(reading, "small"))
        ),
        *([beside.section(result, study)] if study else []),
        tree.Section("figures", "Figures", tuple(figures(result))),
        tree.Section("endpoints", "Endpoints", (tree.Paragraph(TEXTS.brackets, "small"), *tables)),
        tree.Section("harms", "Harms", tuple(harms.blocks(result))),
        tree.Section("reading", "How to read it", tuple(_reading(result))),
        tree.Section("background", "Behind the numbers", tuple(_background(result, scenario_text))),
    )
    brand = f"Letheon {result.letheon}: simulation report, seed {result.seed}"
    sheet = f"Letheon {result.letheon}, seed {result.seed}, {result.n_patients} patients in each arm"
    return tree.Document(result.title, sections, brand, _lead(result), (footer,), sheet)


def summary(result: RunResult) -> tree.Document:
    """Return what the terminal shows of a run: arms side by side, and how to read them."""
    plasma = dict.fromkeys(arm.models.levels.label for arm in result.arms.values())
    patients = numbers.count(result.n_patients, "virtual patient")
    days = numbers.general(result.follow_up_days)
    facts = f"{patients} in each arm, followed for {days} days; seed {result.seed}; plasma levels: {'; '.join(plasma)}"
    heads = ("", *map(names.arm_name, result.arms))
    table = tree.Table("Arms", heads, (*endpoints.brief_groups(result), *harms.brief_groups(result)), kind="endpoints")
    rules = [
        tree.Paragraph(f"{names.arm_name(name)}: {rule}")
        for name, arm in result.arms.items()
        for rule in policy_sentences(arm.policy)
    ]
    rules += [
        tree.Paragraph(f"{names.arm_name(name)}, other drugs: {other_drugs_text(arm.also)}. {TEXTS.also}")
        for name, arm in result.arms.items()
        if arm.also
    ]
    reading = f"{TEXTS.brackets} {_how_to_read(result)} {_interval(result)}"
    notes = [reading, TEXTS.harms, *harms.unknowns(result)]
    warnings = [tree.Paragraph(f"Warning: {text}", "warning") for text in result.warnings]
    blocks = (
        tree.Paragraph(facts),
        tree.Paragraph(average.weight(result)),
        table,
        *rules,
        *map(tree.Paragraph, notes),
        *warnings,
    )
    return tree.Document(result.title, (tree.Section("summary", "", blocks),), footer=(RESEARCH_NOTICE,))


def _by_weight(result: RunResult) -> list[tree.Table]:
    """Return the averages that lead at both ends of the interval of the weight, as a table."""
    group = average.by_weight(result)
    heads = ("", *map(names.arm_name, result.arms))
    return [tree.Table.of(group.title, heads, group.rows, title=group.title)] if group else []


def _lead(result: RunResult) -> str:
    arms = result.arms
    counts = Counter(arm.drug for arm in arms.values())
    drugs = ", ".join(f"{names.drug(drug)}{f' × {n}' if n > 1 else ''}" for drug, n in counts.items())
    every = "one arm" if len(arms) == 1 else f"each of {len(arms)} arms"
    return (
        f"{numbers.count(result.n_patients, 'virtual patient')} with complex regional pain syndrome went through "
        f"{every} ({drugs}) and {'was' if result.n_patients == 1 else 'were'} followed for "
        f"{numbers.duration(result.follow_up_days)} from the first infusion."
    )


def _how_to_read(result: RunResult) -> str:
    placebo = (_WITHIN if comparator(result) else "") + ("" if has_placebo(result) else _NO_PLACEBO)
    return (
        "Pain is the daily score on a numerical rating scale, 0 to 10. A 90 % interval says how well a mean or a share "
        f"is known, not how patients differ.{placebo} A word such as randomised or assumed says how well a result is "
        "supported."
    )


def _interval(result: RunResult) -> str:
    return sentence(result.interval.replace("mean_interval is the 90 % interval of the mean", "Here it is"))


def headline_days(endpoints: Iterable[str]) -> list[int]:
    """Return the day nearest to four weeks and the last that has a pain score; day 7 and that where these are one.

    >>> headline_days(["nrs_day_3", "nrs_day_7", "nrs_day_28", "nrs_day_84"])
    [28, 84]
    >>> headline_days(["nrs_day_3", "nrs_day_7", "nrs_day_14"])
    [7, 14]
    """
    days = endpoint_days(endpoints)
    named = relief.named_day(days)
    if named is None:
        return []
    first = named if named < days[-1] else max(day for day in days if day <= max(7, days[0]))
    return sorted({first, days[-1]})


def _card(result: RunResult, name: str, colour: str) -> tree.Card:
    arm = result.arms[name]
    scores = {day: score for day in headline_days(arm.endpoints) if (score := arm.endpoint(f"nrs_day_{day}"))}
    steps = [(f"day {day}", numbers.amount(one.mean, "NRS"), _mark(one)) for day, one in scores.items()]
    baseline = ("baseline", numbers.amount(result.population.baseline_nrs.mean, "NRS"), "")
    drug = "sham" if is_placebo(arm) else names.drug(arm.drug)
    course = f"course ends after {numbers.course_length(arm.course_end_day)}"
    if arm.last_infusion_day > arm.course_end_day + 1.0:
        course = f"first {course}, later sessions until day {numbers.fixed(arm.last_infusion_day, 0)}"
    rules = "".join(f". {rule.removesuffix('.')}" for rule in policy_sentences(arm.policy))
    subtitle, facts = f"{drug}; {course}{rules}", tuple(_facts(result, name, scores))
    return tree.Card(names.arm_name(name), subtitle, colour, "Mean pain score", (baseline, *steps), facts)


def _mark(score: Endpoint) -> tuple[tree.Inline, ...]:
    """Return what stands below a mean pain score: its interval and its label, without the studies."""
    interval = f"({numbers.interval(score.mean_interval, 'NRS')})" if score.mean_interval else ""
    return tree.Note(interval), names.badge(score.support or "")


def _facts(result: RunResult, name: str, scores: dict[int, Endpoint]) -> list[Fact]:
    arm = result.arms[name]
    facts: list[Fact] = []
    for day, entry in scores.items():
        if alone := average.alone(arm, f"nrs_day_{day}"):
            lines = (*average.beside(alone), average.verdict(entry))
            facts.append((f"Mean pain on day {day}, each mechanism alone", "", _stacked(lines)))
    facts += [_difference(result, name, day, entry) for day, entry in scores.items() if entry.against]
    for key in relief.keys(arm.endpoints):
        one = relief.statement(result, name, key)
        facts.append(((f"{one.label} ", names.badge(one.support, one.basis)), one.value, _stacked(one.lines)))
    facts.append(_relapse(arm))
    boosters = {key: one.endpoint("boosters") for key, one in result.arms.items()}
    if any(entry.mean for entry in boosters.values() if entry):
        facts.append(_boosters(boosters[name], average.alone(arm, "boosters")))
    if end := arm.endpoint("final_rate"):
        lines = *average.beside(average.alone(arm, "final_rate")), average.verdict(end)
        facts.append(("Last rate, mean", f"{numbers.number(end.mean, 2)} {end.unit}", _stacked(lines)))
    dose = None if is_placebo(arm) else arm.endpoint("dose_mg")
    facts.append(("Total dose, mean", f"{numbers.amount(dose.mean, 'mg')} mg" if dose else "none", ""))
    if arm.also:
        facts.append(("Other drugs", other_drugs_text(arm.also), "no effect of them is computed"))
    return facts + harms.headline(arm)


def _stacked(lines: Iterable[str]) -> tree.Content:
    """Return lines below each other; that the mechanisms disagree stands out."""
    disagree = TEXTS.disagree.removesuffix(".")
    shown = (tree.Strong(text) if text.startswith(disagree) else text for text in lines if text)
    return tuple(part for line in shown for part in (line, tree.Break()))[:-1]


def _difference(result: RunResult, name: str, day: int, entry: Endpoint) -> Fact:
    assert entry.against
    other, alone = result.arms[entry.against.arm], average.alone(result.arms[name], f"nrs_day_{day}")
    against = "placebo" if is_placebo(other) else names.arm_name(entry.against.arm)
    label = (f"Pain against {against}, day {day} ", names.support(entry.against))
    if entry.against.same_regimen:
        return label, "0", "same regimen"
    interval = f"({numbers.change_interval(entry.against.mean_interval, 'NRS')})"
    first = ", ".join(filter(None, (interval, average.chance(entry.against))))
    lines = first, *average.differences_beside(alone), average.verdict_of_difference(alone)
    return label, numbers.change(entry.against.mean, "NRS"), _stacked(lines)


def _relapse(arm: ArmResult) -> Fact:
    entry, alone = arm.time_to_relapse, average.times_alone(arm)
    label, value = ("Median time to relapse ", names.support(entry)), _median(entry)
    if not entry.in_remission:
        return label, "none to count", "no patient had a remission"
    note = "from the end of the course, in those in remission"
    parts = (f"{names.pain_model(model)} {_median(one)} {_ends(one)}".rstrip() for model, one in alone.items())
    return (
        label,
        value,
        _stacked((f"{_ends(entry)} {note}".lstrip(), *parts, average.verdict_of_times(alone))),
    )


def _median(entry: TimeToRelapse) -> str:
    if entry.median is not None:
        return f"{numbers.amount(entry.median, 'days')} days"
    return f"not reached in {numbers.amount(entry.restricted_to, 'days')} days"


def _ends(entry: TimeToRelapse) -> str:
    known = numbers.interval(entry.median_interval, "days", "not reached")
    return "" if known == numbers.ABSENT else f"({known})"


def _boosters(entry: Endpoint | None, alone: Mapping[str, Endpoint]) -> Fact:
    if entry is None or not entry.mean:
        return "Boosters", "none", ""
    value, aside, mean = relief.typical(entry)
    yearly = f"{mean}, {numbers.number(entry.boosters_per_year or None, 2)} a year"
    return "Boosters", value, _stacked((aside, yearly, *average.beside(alone), average.verdict(entry)))


def _reading(result: RunResult) -> list[tree.Block]:
    """Return how to read ranges, intervals and labels, and what is assumed."""
    spread: list[tree.Block] = [
        tree.Heading("Two kinds of spread"),
        tree.Paragraph((tree.Strong("Range of patients"), TEXTS.range)),
        tree.Paragraph((tree.Strong("Interval of the mean"), f"{TEXTS.interval} {_interval(result)}")),
    ]
    if result.models.weights:
        spread.append(tree.Heading("Two mechanisms"))
        spread.append(tree.Paragraph(TEXTS.mechanisms))
    labels = tree.Definitions(tuple((names.badge(name), text) for name, text in names.SUPPORT.items()))
    return [
        tree.Columns((tuple(spread), (tree.Heading("Support"), labels))),
        tree.Heading("What is assumed"),
        tree.Items(tuple(_assumed(result))),
    ]


def _background(result: RunResult, scenario_text: str) -> list[tree.Block]:
    """Return warnings, models, population, sources and the scenario."""
    return [
        tree.Heading("Warnings"),
        tree.Items(result.warnings, "warnings") if result.warnings else tree.Paragraph("None."),
        tree.Heading("Drug models"),
        _drug_models(result),
        tree.Heading("Pain models"),
        tree.Paragraph(_pain_models(result)),
        tree.Heading("Population as realised"),
        *_population(result),
        tree.Heading("Sources"),
        sources(result.sources, linked=False),
        tree.Heading("Scenario as given"),
        tree.Code("Scenario as given", scenario_text.strip()),
    ]


def _assumed(result: RunResult) -> list[str]:
    models = result.models
    items = [
        TEXTS.flares if models.flares else TEXTS.no_flares,
        f"No trial reports pain beyond {numbers.duration(LAST_SUPPORTED_DAY)}: relapse after that is an assumption, in "
        "every result.",
    ]
    if result.follow_up_days > LAST_SUPPORTED_DAY:
        items[-1] += f" This report goes on to day {numbers.number(result.follow_up_days)}."
    items.append(TEXTS.placebo)
    items.append(
        f"Expectancy from unblinding is set to {numbers.number(models.expectancy_nrs)} NRS points; no trial identifies "
        "it."
        if models.expectancy_nrs
        else TEXTS.no_expectancy
    )
    if models.norketamine_weight:
        weight = numbers.number(models.norketamine_weight)
        items.append(f"Norketamine counts towards receptor block with weight {weight}.")
    return items


def _drug_models(result: RunResult) -> tree.Block:
    rows = [
        (
            names.arm_name(name),
            purpose,
            model.label,
            model.sampling,
            f"{model.assumed_errors} of {model.typical_values}",
        )
        for name, arm in active_arms(result).items()
        for purpose, model in (("levels and pain", arm.models.levels), ("acute effect", arm.models.acute))
    ]
    if not rows:
        return tree.Paragraph("No arm gives a drug.")
    return tree.Table.of(
        "Drug models", ("Arm", "Used for", "Model", "Sampling", "Errors of typical values assumed"), rows, kind="text"
    )


def _pain_models(result: RunResult) -> str:
    models = result.models
    flares, induction, occasions = (
        "on" if on else "off" for on in (models.flares, models.norketamine_induction, models.occasions)
    )
    return (
        f"Pain model: {names.pain_model(models.pain)}. Flares: {flares}. "
        f"Expectancy: {numbers.number(models.expectancy_nrs)} NRS points. Weight of norketamine in receptor block: "
        f"{numbers.number(models.norketamine_weight)}. Induction of norketamine’s clearance: {induction}. "
        f"Variability between occasions: {occasions}."
    )


def _population(result: RunResult) -> list[tree.Block]:
    population, pain = result.population, result.population.baseline_nrs
    latent = (numbers.number(value, 2) for value in (pain.latent_mean, pain.latent_sd))
    rows = [
        ("Weight (kg)", numbers.number(population.weight_kg.mean), numbers.number(population.weight_kg.sd)),
        ("Baseline pain in the diary (NRS)", numbers.number(pain.mean, 2), numbers.number(pain.sd, 2)),
        ("Baseline pain without diary noise (NRS)", *latent),
    ]
    share = numbers.amount(population.bistable_share, "share")
    bistable = (
        f"In the memory model {share} of patients have a low state that they could settle in (they are bistable); "
        "the others always climb back."
    )
    table = tree.Table.of("Population as realised", ("Quantity", "Mean", "SD"), rows)
    return [table, tree.Paragraph(bistable)]
